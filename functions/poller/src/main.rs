//! The poller function.
fn main() {}

//! The whole of parstock on one machine.
fn main() {}

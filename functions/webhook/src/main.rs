//! The webhook function: verify, enqueue, answer.
fn main() {}

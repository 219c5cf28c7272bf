//! The console function: what people see and decide.
fn main() {}

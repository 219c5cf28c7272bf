//! The client against a scripted server on this machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod consent;
mod errors;
mod reads;
mod support;
mod tokens;
mod writes;

//! The client against a scripted server on this machine.

mod errors;
mod reads;
mod support;
mod tokens;
mod writes;

//! The client against a scripted server on this machine.

mod errors;
mod reads;
mod secrets;
mod support;
mod tokens;
mod writes;

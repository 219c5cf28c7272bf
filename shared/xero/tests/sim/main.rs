//! The client against the simulated Xero, over HTTP on this machine.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod costs;
mod faults;
mod reads;
mod support;
mod writes;

//! Against the simulated Xero, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod books;
mod burst;
mod consent;
mod doctor;
mod restart;
mod shop;

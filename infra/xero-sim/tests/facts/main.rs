//! What the simulated Xero enforces. Each fact is named with its public source.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may, as tests do"
)]

mod access;
mod beside;
mod books;
mod consent;
mod faults;
mod limits;
mod orders;
mod random;
mod reads;
mod restart;
mod support;
mod webhooks;
mod writes;

//! Against the simulated Xero, over HTTP.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

mod adjustments;
mod books;
mod burst;
mod calls;
mod consent;
mod costs;
mod doctor;
mod faults;
mod masters;
mod pages;
mod restart;
mod shop;
mod webhook_keys;

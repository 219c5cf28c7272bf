//! What the simulated Xero enforces. Each fact is named with its public source.

mod access;
mod books;
mod faults;
mod limits;
mod orders;
mod reads;
mod restart;
mod support;
mod webhooks;

//! Costs: their laws, random histories against an independent model, and the examples of docs/costing.md.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop where it stands"
)]

mod documentation;
mod history;
mod laws;
mod model;

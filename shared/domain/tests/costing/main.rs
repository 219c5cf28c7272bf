//! Costs: their laws, random histories against an independent model, and the examples of docs/costing.md.

mod documentation;
mod history;
mod laws;
mod model;

//! What to order, when and why.
//!
//! Demand over lead time plus safety stock is the reorder point; at or below it, stock and supply together
//! are brought up to the order-up-to level, which covers lead time and review period. Levels set by hand
//! replace the computed ones.
//!
//! - [`plan`](mod@plan): what to do about one item.
//! - [`standing`](mod@standing): how an item stands, and when that is worth a warning.
//! - [`propose`](mod@propose): what plans of one supplier become.

pub mod plan;
pub mod propose;
#[cfg(test)]
mod sample;
pub mod standing;

pub use plan::{Enough, Hold, LateOrder, Plan, PlanInput, ToCome, open_on_orders, plan};
pub use propose::{
    Decision, PROPOSAL_LINES_MAX, REJECTION_REST_DAYS, Supplier, Wanted, propose, wanted_by_supplier,
};
pub use standing::{Crossing, Standing, crossing, crossing_between, shortage, standing};

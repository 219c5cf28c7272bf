//! What stock costs: layers, and the methods by which their cost leaves with what is sold.
//!
//! - [`layer`]: a quantity with its remaining cost, and the moving average over it.
//! - [`costs`]: an item's layers by FIFO, average or LIFO, with returns, oversold stock and landed cost.
//! - [`file`](mod@file): costs of movements that stand in a file.
//!
//! docs/costing.md has each rule with an example.

pub mod costs;
pub mod file;
pub mod layer;

pub use costs::{Costed, Costs, Price, Step};
pub use layer::Layer;

use serde::{Deserialize, Serialize};

/// Which cost leaves with what goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// That of the oldest layer: first in, first out.
    Fifo,
    /// The weighted average of what is there: one layer for all receipts.
    Average,
    /// That of the youngest layer: last in, first out.
    Lifo,
}

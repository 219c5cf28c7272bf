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

pub use costs::{Costed, Costs, Price, ReceiptLayer, Step, Worth};
pub use layer::Layer;

use serde::{Deserialize, Serialize};

/// Which cost leaves with what goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// That of the oldest layer: first in, first out.
    Fifo,
    /// The weighted average of what is there: one layer for all receipts.
    #[default]
    Average,
    /// That of the youngest layer: last in, first out.
    Lifo,
}

impl Method {
    /// The word in files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::Average => "average",
            Self::Lifo => "lifo",
        }
    }

    /// Whether the books of a country, by its ISO code, may go by it: IAS 2, paragraph 25, knows FIFO and the average alone,
    /// the United States' rules LIFO too (ASC 330-10-30, Internal Revenue Code section 472).
    pub fn is_allowed_in(self, country: &str) -> bool {
        self != Self::Lifo || country == "US"
    }
}

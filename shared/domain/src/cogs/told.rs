//! What a commit tells of cost of goods sold, in its audit entry.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::DocumentRef;
use crate::fixed::Money;
use crate::ids::{ItemId, LineId};

/// How much a commit added to the cost of goods sold of an item on a day; below zero where it took away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sold {
    /// The item.
    #[serde(rename = "i")]
    pub item: ItemId,
    /// The day on which books count it.
    #[serde(rename = "d")]
    pub on: Date,
    /// How much, base currency.
    #[serde(rename = "c")]
    pub cost: Money,
}

/// That a purchase of an item is coded to an account from now on, or no longer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coded {
    /// The item.
    #[serde(rename = "i")]
    pub item: ItemId,
    /// The line.
    #[serde(rename = "l")]
    pub line: LineId,
    /// The account's code; empty where the line names none.
    #[serde(rename = "a")]
    pub account: String,
    /// Whether it is, or no longer is.
    #[serde(rename = "s")]
    pub stands: bool,
}

/// What a commit tells of cost of goods sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CogsNews {
    /// Of which document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<DocumentRef>,
    /// What was sold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sold: Vec<Sold>,
    /// Where purchases are coded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coded: Vec<Coded>,
}

impl CogsNews {
    /// Whether there is nothing to tell.
    pub const fn is_empty(&self) -> bool {
        self.sold.is_empty() && self.coded.is_empty()
    }
}

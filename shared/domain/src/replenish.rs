//! What to order, when and why.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::fixed::{Money, Quantity};
use crate::ids::ContactId;

/// The plan of one item at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The org's civil day of the plan.
    pub planned_on: Date,
    /// When it was made.
    pub planned_at: Timestamp,
    /// Order when available plus on order is at or below this.
    pub reorder_point: Quantity,
    /// On order when it was made.
    pub on_order: Quantity,
    /// Who supplies it.
    pub supplier: Option<ContactId>,
    /// How much to order now.
    pub order: Option<Quantity>,
    /// Last price.
    pub unit_price: Money,
}

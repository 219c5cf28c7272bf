//! Warnings raised in the very commit in which a position crosses a line.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fixed::Quantity;
use crate::ids::{ItemId, LocationId};

/// Which line was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Nothing is left.
    OutOfStock,
    /// Available plus on order is at or below the reorder point.
    BelowReorderPoint,
}

impl AlertKind {
    /// The word in ids and keys.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OutOfStock => "out_of_stock",
            Self::BelowReorderPoint => "below_reorder_point",
        }
    }
}

/// A warning about one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The item.
    pub item: ItemId,
    /// Where.
    pub location: LocationId,
    /// Which line was crossed.
    pub kind: AlertKind,
    /// When.
    pub raised_at: Timestamp,
    /// What is available after the crossing.
    pub available: Quantity,
    /// What was on order when the item was last planned.
    pub on_order: Quantity,
    /// The reorder point that was crossed, if it is known.
    pub reorder_point: Option<Quantity>,
}

/// The line that a change of the available quantity crosses downwards, the graver first.
pub fn crossed(
    before: Quantity,
    after: Quantity,
    on_order: Quantity,
    reorder_point: Option<Quantity>,
) -> Option<AlertKind> {
    if before > Quantity::ZERO && after <= Quantity::ZERO {
        return Some(AlertKind::OutOfStock);
    }
    let point = reorder_point?;
    let (before, after) = (before.plus(on_order).ok()?, after.plus(on_order).ok()?);
    (before > point && after <= point).then_some(AlertKind::BelowReorderPoint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_crossed_once_and_only_downwards() {
        let q = |value: i64| Quantity::from_whole(value).unwrap();
        let cases = [
            (12, 8, 0, Some(10), Some(AlertKind::BelowReorderPoint)),
            (10, 8, 0, Some(10), None),
            (8, 12, 0, Some(10), None),
            (12, 8, 5, Some(10), None),
            (12, 8, 0, None, None),
            (2, 0, 50, Some(10), Some(AlertKind::OutOfStock)),
            (0, -3, 0, Some(10), None),
            (30, -1, 0, Some(10), Some(AlertKind::OutOfStock)),
        ];
        for (before, after, on_order, point, expected) in cases {
            assert_eq!(
                crossed(q(before), q(after), q(on_order), point.map(q)),
                expected,
                "{before} to {after}, {on_order} on order, reorder point {point:?}"
            );
        }
    }
}

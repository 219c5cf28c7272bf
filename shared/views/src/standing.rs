//! How items stand, in the few words of lists.

use parstock_domain::replenish::Standing;
use serde::{Deserialize, Serialize};

/// The standings that lists and digests show under one word. The order is the order of lists: the most urgent
/// first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StandingGroup {
    /// Nothing is left of what sells.
    OutOfStock,
    /// Runs out before supply, or below its reorder point.
    Low,
    /// Ordered or fine.
    Enough,
    /// Stock for longer than the policy allows.
    Overstock,
    /// Stock without a sale for longer than the policy allows.
    Dead,
    /// Nobody has counted it: there is no figure.
    NotCounted,
}

impl StandingGroup {
    /// Every group, the most urgent first.
    pub const ALL: [Self; 6] =
        [Self::OutOfStock, Self::Low, Self::Enough, Self::Overstock, Self::Dead, Self::NotCounted];

    /// The word in addresses (`?standing=low`) and style classes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OutOfStock => "out",
            Self::Low => "low",
            Self::Enough => "enough",
            Self::Overstock => "overstock",
            Self::Dead => "dead",
            Self::NotCounted => "not-counted",
        }
    }

    /// The group with this [`code`](Self::code).
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.code() == code)
    }

    /// The words that people read.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OutOfStock => "out of stock",
            Self::Low => "low",
            Self::Enough => "enough",
            Self::Overstock => "overstock",
            Self::Dead => "dead stock",
            Self::NotCounted => "not counted",
        }
    }

    /// How much it troubles: 0 not at all.
    pub const fn trouble(self) -> u8 {
        match self {
            Self::OutOfStock => 3,
            Self::Low => 2,
            Self::Overstock | Self::Dead => 1,
            Self::Enough | Self::NotCounted => 0,
        }
    }
}

impl From<Standing> for StandingGroup {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::OutOfStock => Self::OutOfStock,
            Standing::RunsOutBeforeSupply | Standing::BelowReorderPoint => Self::Low,
            Standing::Ordered | Standing::Fine => Self::Enough,
            Standing::Overstock => Self::Overstock,
            Standing::Dead => Self::Dead,
            Standing::NotCounted => Self::NotCounted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back() {
        for standing in StandingGroup::ALL {
            assert_eq!(StandingGroup::from_code(standing.code()), Some(standing));
        }
        assert_eq!(StandingGroup::from_code("LOW"), None);
    }
}

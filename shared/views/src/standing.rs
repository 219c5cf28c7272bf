//! How an item stands, in one word.

use serde::{Deserialize, Serialize};

/// How an item stands at a location. The order is the order of lists: the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing is available, and it is wanted.
    OutOfStock,
    /// Available plus on order is at or below the reorder point.
    Low,
    /// Between the reorder point and what is too much.
    Enough,
    /// More than its order-up-to level by far.
    Overstock,
    /// In stock, and not sold for long.
    Dead,
    /// Untracked in Xero and without an opening balance: there is no figure.
    NotCounted,
}

impl Standing {
    /// Every standing, the most urgent first.
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

    /// The standing with this [`code`](Self::code).
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
    pub(crate) const fn trouble(self) -> u8 {
        match self {
            Self::OutOfStock => 3,
            Self::Low => 2,
            Self::Overstock | Self::Dead => 1,
            Self::Enough | Self::NotCounted => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back() {
        for standing in Standing::ALL {
            assert_eq!(Standing::from_code(standing.code()), Some(standing));
        }
        assert_eq!(Standing::from_code("LOW"), None);
    }
}

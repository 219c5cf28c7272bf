//! What sales brought beyond what their goods cost.

use jiff::civil::Date;

use super::position::Snapshot;
use crate::fixed::{FixedError, Money, Quantity, mul_div};

/// A sale of an item, or what came back of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sold {
    /// How much was sold; below zero what came back.
    pub quantity: Quantity,
    /// What the customer paid for it, base currency; `None` of what was booked before parstock kept that.
    pub revenue: Option<Money>,
    /// What the goods cost; `None` where nobody knows.
    pub cost: Option<Money>,
}

impl Sold {
    /// What it brought beyond its cost, where both are known.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn margin(&self) -> Result<Option<Money>, FixedError> {
        self.revenue.zip(self.cost).map(|(revenue, cost)| revenue.minus(cost)).transpose()
    }
}

/// The margin of several sales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Margin {
    /// What those brought of which all is known.
    pub revenue: Money,
    /// What their goods cost.
    pub cost: Money,
    /// How much they moved, out and back.
    pub known: Quantity,
    /// How much those moved of which revenue or cost is not known.
    pub unknown: Quantity,
}

impl Margin {
    /// Adds a sale.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn add(&mut self, sold: &Sold) -> Result<(), FixedError> {
        let moved = sold.quantity.magnitude();
        match sold.revenue.zip(sold.cost) {
            Some((revenue, cost)) => {
                self.revenue = self.revenue.plus(revenue)?;
                self.cost = self.cost.plus(cost)?;
                self.known = self.known.plus(moved)?;
            }
            None => self.unknown = self.unknown.plus(moved)?,
        }
        Ok(())
    }

    /// What is left of the revenue.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn left(&self) -> Result<Money, FixedError> {
        self.revenue.minus(self.cost)
    }

    /// What is left of a thousand of revenue; `None` without any.
    pub fn per_mille(&self) -> Option<i64> {
        mul_div(self.left().ok()?.e4(), 1000, self.revenue.e4()).ok()
    }

    /// How much of a thousand that moved is not known; `None` where nothing moved.
    pub fn unknown_per_mille(&self) -> Option<i64> {
        mul_div(self.unknown.e4(), 1000, self.known.plus(self.unknown).ok()?.e4()).ok()
    }
}

/// What goods of a tracked item cost that were booked on a day: Xero's average, as it had said last on a day before. `said` is in the order
/// of the days.
///
/// # Errors
/// [`FixedError`] when it does not fit.
pub fn cost_then(
    said: &[(Date, Snapshot)],
    booked_on: Date,
    quantity: Quantity,
) -> Result<Option<Money>, FixedError> {
    let last = said.iter().rev().find(|(on, _)| *on < booked_on).map(|(_, said)| said.xero);
    let held = last.filter(|xero| xero.on_hand > Quantity::ZERO);
    held.map(|xero| xero.cost_pool.share(quantity, xero.on_hand)).transpose()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;
    use crate::document::XeroQuantity;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }
    fn q(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    #[test]
    fn goods_cost_what_xero_had_said_last_before_they_moved() {
        let said = |on, on_hand: &str, pool: &str| {
            let xero =
                XeroQuantity { on_hand: q(on_hand), back_ordered: Quantity::ZERO, cost_pool: money(pool) };
            (date(2026, 6, on), Snapshot { xero, at: Timestamp::UNIX_EPOCH, booked: Quantity::ZERO })
        };
        let said = [said(1, "10", "20"), said(5, "30", "100"), said(9, "0", "0")];
        let cost = |on, quantity: &str| {
            cost_then(&said, date(2026, 6, on), q(quantity)).unwrap().map(|cost| cost.to_string())
        };
        assert_eq!(cost(1, "1"), None, "before Xero was asked");
        assert_eq!(cost(5, "3"), Some("6.00".to_owned()));
        assert_eq!(cost(6, "3"), Some("10.00".to_owned()));
        assert_eq!(cost(9, "-2"), Some("-6.6667".to_owned()), "what comes back");
        assert_eq!(cost(10, "1"), None, "nothing was left that had a cost");
    }

    #[test]
    fn what_is_not_known_is_no_part_of_the_margin() {
        let sold = |quantity: &str, revenue: Option<&str>, cost: Option<&str>| Sold {
            quantity: q(quantity),
            revenue: revenue.map(money),
            cost: cost.map(money),
        };
        let mut margin = Margin::default();
        assert_eq!((margin.per_mille(), margin.unknown_per_mille()), (None, None));
        for sold in [
            sold("6", Some("60"), Some("24")),
            sold("-1", Some("-10"), Some("-4")),
            sold("2", None, Some("8")),
            sold("1", Some("10"), None),
        ] {
            margin.add(&sold).unwrap();
        }
        assert_eq!((margin.revenue, margin.left().unwrap()), (money("50"), money("30")));
        assert_eq!((margin.per_mille(), margin.unknown_per_mille()), (Some(600), Some(300)));
    }
}

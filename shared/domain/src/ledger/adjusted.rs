//! Adjustments that a person decided, with their reasons: stock that leaves or comes without a purchase or a sale.

use jiff::Timestamp;
use jiff::civil::Date;

use super::count::balance;
use super::movement::{Cause, Movement, MovementKey, Place};
use super::position::Position;
use super::valuation::Refold;
use crate::adjustment::{AdjustmentLine, AdjustmentNumber};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{CommitId, LocationId};

/// A line of an adjustment that is to be booked.
#[derive(Clone, Copy, Debug)]
pub struct Adjusting<'a> {
    /// The adjustment.
    pub number: AdjustmentNumber,
    /// Which of its lines, from 1.
    pub index: u32,
    /// The line.
    pub line: &'a AdjustmentLine,
    /// The day on which it takes effect.
    pub on: Date,
    /// Where the goods lie.
    pub location: &'a LocationId,
    /// The org's civil day.
    pub today: Date,
    /// Now.
    pub recorded_at: Timestamp,
    /// The commit that will hold it.
    pub commit: CommitId,
}

impl Adjusting<'_> {
    /// The movement, with what balances it if a count has seen its day. What comes in is worth what the line says, what goes out
    /// what the stock cost.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit; then position and costs must be thrown away.
    pub fn book(&self, position: &mut Position, refold: &mut Refold) -> Result<Vec<Movement>, FixedError> {
        let out = self.line.change.is_negative();
        let (ours, theirs) = (Place::Stock(self.location.clone()), self.line.reason.place());
        let (from, to) = if out { (ours, theirs) } else { (theirs, ours) };
        let movement = Movement {
            item: self.line.item,
            key: MovementKey {
                effective_on: self.on,
                out,
                cause: Cause::Adjustment { number: self.number, line: self.index },
                revision: 1,
                correction: false,
            },
            quantity: self.line.change.magnitude(),
            from,
            to,
            value: if out { Money::ZERO } else { self.line.value()? },
            correction: Money::ZERO,
            posted_on: None,
            found: None,
            returns: Vec::new(),
            recorded_at: self.recorded_at,
            commit: self.commit,
        };
        position.apply(&movement, self.today)?;
        let opposite = balance(position, &movement, self.today)?;
        let (movement, opposite) = refold.document(movement, opposite)?;
        position.value = refold.total().cost;
        Ok(std::iter::once(movement).chain(opposite).collect())
    }
}

/// What one unit of stock is worth: its average cost, or the last that was known where nothing lies there.
///
/// # Errors
/// [`FixedError`] when it does not fit.
pub fn unit_worth(stock: crate::costing::Layer) -> Result<Money, FixedError> {
    if stock.quantity > Quantity::ZERO {
        stock.cost.per_unit(stock.quantity)
    } else {
        Ok(stock.last_unit_cost)
    }
}

#[cfg(test)]
mod tests {
    use super::super::notebook::{Line, Notebook, TODAY, day};
    use crate::costing::Method;
    use crate::fixed::Money;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn told(notebook: &Notebook) -> Vec<(i64, String)> {
        let days = notebook.cogs.iter().filter(|(_, cost)| !cost.is_zero());
        days.map(|(on, cost)| ((*on - day(0)).get_days().into(), cost.to_string())).collect()
    }

    #[test]
    fn what_is_written_off_leaves_at_its_cost_and_the_stock_account_with_it() {
        for (method, cost) in [(Method::Fifo, "30.00"), (Method::Average, "45.00"), (Method::Lifo, "60.00")] {
            let mut notebook = Notebook::of(method);
            notebook.count(day(-10), 0, Some("1"));
            notebook.set(1, Some(Line::bought(day(1), 10, "100")));
            notebook.set(2, Some(Line::bought(day(2), 10, "200")));
            notebook.adjust(1, day(3), -3, None);
            assert_eq!(notebook.position.value, money("300").minus(money(cost)).unwrap(), "{method:?}");
            assert_eq!(told(&notebook), [(3, cost.to_owned())]);
            notebook.check();
        }
    }

    #[test]
    fn what_is_found_comes_in_at_what_was_named() {
        let mut notebook = Notebook::of(Method::Fifo);
        notebook.count(day(-10), 0, Some("1"));
        notebook.set(1, Some(Line::bought(day(1), 10, "100")));
        notebook.adjust(1, day(3), 2, Some("7"));
        assert_eq!(notebook.stands(), ("12".into(), "114.00".into()));
        assert_eq!(told(&notebook), [(3, "-14.00".into())], "as what a count finds");
        // a late bill changes nothing of that
        notebook.set(2, Some(Line::bought(day(2), 10, "300")));
        assert_eq!(notebook.stands(), ("22".into(), "414.00".into()));
        notebook.check();
    }

    #[test]
    fn a_late_adjustment_costs_anew_what_followed() {
        let mut notebook = Notebook::of(Method::Fifo);
        notebook.count(day(-10), 0, Some("1"));
        notebook.set(1, Some(Line::bought(day(1), 2, "20")));
        notebook.set(2, Some(Line::bought(day(2), 10, "200")));
        notebook.set(3, Some(Line::sold(day(5), 2)));
        notebook.adjust(1, day(3), -2, None);
        assert_eq!(
            told(&notebook),
            [(3, "20.00".into()), (5, "40.00".into())],
            "the sale took the dearer ones"
        );
        notebook.check();
    }

    #[test]
    fn a_count_that_has_seen_its_day_stands() {
        let mut notebook = Notebook::default();
        notebook.count(day(10), 50, Some("2"));
        notebook.adjust(1, day(8), -5, None);
        assert_eq!((notebook.stands(), notebook.at(day(10))), (("50".into(), "100.00".into()), 50));
        notebook.adjust(2, day(11), -5, None);
        assert_eq!(notebook.stands(), ("45".into(), "90.00".into()));
        notebook.check();
    }

    #[test]
    fn what_happens_after_a_count_of_the_same_day_is_taken_from_it() {
        let mut notebook = Notebook::default();
        notebook.count(TODAY, 50, Some("2"));
        notebook.adjust(1, TODAY, -5, None);
        assert_eq!(notebook.stands(), ("45".into(), "90.00".into()));
        notebook.check();
    }
}

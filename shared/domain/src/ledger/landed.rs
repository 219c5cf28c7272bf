//! Cost that a voucher puts on top of what a purchase brought in: a movement of value and of no quantity.

use jiff::Timestamp;
use jiff::civil::Date;

use super::movement::{Cause, Movement, MovementKey, Place};
use super::position::Position;
use super::valuation::Refold;
use crate::document::DocumentRef;
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{CommitId, DayNumber, ItemId, LineId, LocationId};

/// A voucher's share of one receipt.
#[derive(Clone, Copy, Debug)]
pub struct Landing<'a> {
    /// The voucher.
    pub voucher: DayNumber,
    /// The day on which it takes effect.
    pub on: Date,
    /// The purchase that brought the goods in.
    pub of: DocumentRef,
    /// Its line.
    pub line: LineId,
    /// The day on which they came in, by what stands booked now.
    pub received_on: Date,
    /// The item.
    pub item: ItemId,
    /// How much, base currency.
    pub amount: Money,
    /// Where the goods lie.
    pub location: &'a LocationId,
    /// The org's civil day.
    pub today: Date,
    /// Now.
    pub recorded_at: Timestamp,
    /// The commit that will hold it.
    pub commit: CommitId,
}

impl Landing<'_> {
    /// The first day from which costs have to be folded again.
    pub fn from(&self) -> Date {
        self.on.min(self.received_on)
    }

    /// Puts the share on its receipt: what of that is still there becomes dearer, the rest was consumed.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit; then position and costs must be thrown away.
    pub fn book(&self, position: &mut Position, refold: &mut Refold) -> Result<Movement, FixedError> {
        self.move_value(false, position, refold)
    }

    /// Takes it back: costs are what they would be without it.
    ///
    /// # Errors
    /// As [`Self::book`].
    pub fn take_back(&self, position: &mut Position, refold: &mut Refold) -> Result<Movement, FixedError> {
        self.move_value(true, position, refold)
    }

    fn move_value(
        &self,
        back: bool,
        position: &mut Position,
        refold: &mut Refold,
    ) -> Result<Movement, FixedError> {
        let (ours, theirs) = (Place::Stock(self.location.clone()), Place::Supplier);
        let (from, to) = if back { (ours, theirs) } else { (theirs, ours) };
        let movement = Movement {
            item: self.item,
            key: MovementKey {
                effective_on: self.on,
                out: back,
                cause: Cause::LandedCost { voucher: self.voucher, of: self.of, line: self.line },
                revision: if back { 2 } else { 1 },
                correction: back,
            },
            quantity: Quantity::ZERO,
            from,
            to,
            value: self.amount,
            correction: Money::ZERO,
            posted_on: None,
            found: None,
            returns: Vec::new(),
            recorded_at: self.recorded_at,
            commit: self.commit,
        };
        position.apply(&movement, self.today)?;
        let movement = refold.landed(movement, self.from())?;
        position.value = refold.total().cost;
        Ok(movement)
    }
}

#[cfg(test)]
mod tests {
    use super::super::notebook::{Line, Notebook, day};
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
    fn what_is_there_becomes_dearer_and_what_was_sold_is_cost_of_goods_sold() {
        for method in [Method::Average, Method::Fifo, Method::Lifo] {
            let mut notebook = Notebook::of(method);
            notebook.count(day(-10), 0, Some("1"));
            notebook.set(1, Some(Line::bought(day(1), 10, "100")));
            notebook.set(2, Some(Line::sold(day(3), 4)));
            notebook.land(1, 1, day(5), "20");
            assert_eq!(notebook.position.value, money("72"), "6 of 10 are there: 60 and 12 of the 20");
            assert_eq!(told(&notebook), [(3, "40.00".into()), (5, "8.00".into())]);
            notebook.check();
            notebook.take_back(1);
            assert_eq!(notebook.position.value, money("60"));
            assert_eq!(told(&notebook), [(3, "40.00".into())]);
            notebook.check();
        }
    }

    #[test]
    fn it_lands_on_the_layer_of_its_receipt() {
        let mut notebook = Notebook::of(Method::Fifo);
        notebook.count(day(-10), 0, Some("1"));
        notebook.set(1, Some(Line::bought(day(1), 10, "100")));
        notebook.set(2, Some(Line::bought(day(2), 10, "100")));
        notebook.set(3, Some(Line::sold(day(3), 12)));
        notebook.land(1, 1, day(5), "10");
        assert_eq!(notebook.position.value, money("80"), "all of the first receipt was sold");
        notebook.land(2, 2, day(5), "10");
        assert_eq!(notebook.position.value, money("88"));
        assert_eq!(told(&notebook), [(3, "120.00".into()), (5, "12.00".into())]);
        notebook.check();
    }

    #[test]
    fn a_late_sale_before_the_voucher_takes_its_share() {
        let mut notebook = Notebook::of(Method::Fifo);
        notebook.count(day(-80), 0, Some("1"));
        notebook.set(1, Some(Line::bought(day(-60), 10, "100")));
        for (number, on) in (10..).zip([-50, -20, -10, 2]) {
            notebook.set(number, Some(Line::sold(day(on), 1)));
        }
        notebook.land(1, 1, day(5), "10");
        assert_eq!(notebook.position.value, money("66"));
        // read from a checkpoint that remembers the receipt
        notebook.set(20, Some(Line::sold(day(1), 2)));
        assert!(notebook.read < 8, "not from the beginning: {}", notebook.read);
        assert_eq!(notebook.position.value, money("44"));
        notebook.check();
        notebook.set(21, Some(Line::sold(day(6), 1)));
        assert_eq!(notebook.position.value, money("33"));
        notebook.check();
    }

    #[test]
    fn a_voucher_on_a_receipt_of_months_ago_finds_it() {
        let mut notebook = Notebook::of(Method::Fifo);
        notebook.count(day(-80), 0, Some("1"));
        notebook.set(1, Some(Line::bought(day(-60), 10, "100")));
        for (number, on) in (10..).zip([-50, -20, -10, 2, 8]) {
            notebook.set(number, Some(Line::sold(day(on), 1)));
        }
        notebook.land(1, 1, day(-30), "10");
        assert_eq!(notebook.position.value, money("55"));
        assert_eq!(told(&notebook)[1], (-30, "1.00".into()), "one was sold by then");
        notebook.check();
        notebook.take_back(1);
        assert_eq!(notebook.position.value, money("50"));
        notebook.check();
    }

    #[test]
    fn what_lands_on_nothing_is_cost_of_goods_sold() {
        let mut notebook = Notebook::default();
        notebook.count(day(-10), 5, Some("2"));
        notebook.set(1, Some(Line::bought(day(1), 10, "100")));
        notebook.land(1, 1, day(5), "20");
        notebook.set(1, None);
        assert_eq!(notebook.position.value, money("10"), "the receipt was voided");
        assert_eq!(told(&notebook), [(5, "20.00".into())]);
        notebook.check();
        notebook.set(1, Some(Line::bought(day(2), 10, "100")));
        assert_eq!(notebook.position.value, money("130"), "and comes again");
        notebook.check();
    }

    #[test]
    fn by_average_what_is_there_is_of_all_receipts_together() {
        let mut notebook = Notebook::default();
        notebook.count(day(-10), 0, Some("1"));
        notebook.set(1, Some(Line::bought(day(1), 10, "100")));
        notebook.set(2, Some(Line::bought(day(1), 10, "100")));
        notebook.set(3, Some(Line::sold(day(3), 10)));
        notebook.land_together(1, &[(1, "50"), (2, "50")], day(5));
        assert_eq!(notebook.position.value, money("150"), "half of both is there");
        assert_eq!(told(&notebook), [(3, "100.00".into()), (5, "50.00".into())]);
        notebook.check();
    }

    #[test]
    fn on_a_day_that_was_counted_it_lands_behind_its_receipt() {
        let mut notebook = Notebook::default();
        notebook.count(day(-10), 0, Some("1"));
        notebook.today = day(1);
        notebook.set(1, Some(Line::bought(day(1), 10, "100")));
        notebook.land(1, 1, day(1), "20");
        notebook.count(day(1), 10, None);
        // the bill is corrected after the count of that day
        notebook.today = day(2);
        notebook.set(1, Some(Line::bought(day(1), 10, "110")));
        assert_eq!(told(&notebook), Vec::<(i64, String)>::new(), "nothing was sold");
        notebook.check();
    }
}

//! A person's count of an item: what lay there at the end of a day, whatever the documents say.
//!
//! A count stands. What it differs by is booked; and a document that comes in later with a day that the count has seen is
//! booked like any other, and balanced at once, since its goods were counted with the rest.

use jiff::Timestamp;
use jiff::civil::Date;

use super::movement::{Cause, Finding, Movement, MovementKey, Place};
use super::position::{Counted, Position, quantity_at};
use super::valuation::Refold;
use crate::costing::Worth;
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{CommitId, ItemId, LocationId};

/// A count that is to be booked.
#[derive(Clone, Debug)]
pub struct Count<'a> {
    /// The item.
    pub item: ItemId,
    /// Where it was counted.
    pub location: &'a LocationId,
    /// At the end of this day.
    pub on: Date,
    /// How much lay there.
    pub quantity: Quantity,
    /// What one unit was worth; what the ledger says if nobody said so.
    pub unit_cost: Option<Money>,
    /// The item's movements.
    pub movements: &'a [Movement],
    /// The org's civil day.
    pub today: Date,
    /// Now.
    pub recorded_at: Timestamp,
    /// The commit that will hold it.
    pub commit: CommitId,
}

impl Count<'_> {
    /// What the count books, position and costs brought up to date: the count, unless it agrees and says nothing new of
    /// cost, and what balances it if a later count has seen its day.
    ///
    /// With a cost, what was counted is worth that, and what went out since is valued anew from there.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit; then position and costs must be thrown away.
    pub fn book(&self, position: &mut Position, refold: &mut Refold) -> Result<Vec<Movement>, FixedError> {
        let cause = if position.opened { Cause::Count } else { Cause::Opening };
        position.counts.retain(|standing| standing.on != self.on);
        position.opened = true;
        // what is dated today and comes later happened after the count
        let whole_day = self.on != self.today;
        let through = if whole_day { self.on } else { self.on.yesterday().unwrap_or(self.on) };
        let change = self.quantity.minus(quantity_at(self.movements, self.on)?)?;
        let mut booked = Vec::new();
        let worth = self.unit_cost.map(|unit_cost| Worth::of_units(self.quantity, unit_cost)).transpose()?;
        let known = self.known();
        let sees_more = whole_day && known.is_some_and(|known| !known.whole_day);
        let is_news = sees_more || worth.is_some() && worth != known.and_then(|known| known.worth);
        if !change.is_zero() || is_news {
            let movement =
                self.movement(cause, change, Finding { worth, whole_day }, position.next_balance());
            position.apply(&movement, self.today)?;
            let movement = refold.count(movement)?;
            let opposite = match balance(position, &movement, self.today)? {
                Some(opposite) => Some(refold.balance(opposite)?),
                None => None,
            };
            booked.push(movement);
            booked.extend(opposite);
        }
        position.value = refold.total().cost;
        position.keep_count(Counted { on: self.on, through });
        Ok(booked)
    }

    /// What the latest count of the day found, at the last worth that was named.
    fn known(&self) -> Option<Finding> {
        let of_day = self.movements.iter().filter(|movement| movement.key.effective_on == self.on);
        let mut found: Vec<_> =
            of_day.filter_map(|movement| Some((movement.key.revision, movement.found?))).collect();
        found.sort_by_key(|(revision, _)| *revision);
        let worth = found.iter().rev().find_map(|(_, found)| found.worth);
        found.last().map(|(_, last)| Finding { worth, ..*last })
    }

    fn movement(&self, cause: Cause, change: Quantity, found: Finding, revision: u32) -> Movement {
        let out = change.is_negative();
        let ours = Place::Stock(self.location.clone());
        let theirs = if cause == Cause::Opening { Place::Opening } else { Place::Adjustment };
        let (from, to) = if out { (ours, theirs) } else { (theirs, ours) };
        Movement {
            item: self.item,
            key: MovementKey { effective_on: self.on, out, cause, revision, correction: false },
            quantity: change.magnitude(),
            from,
            to,
            value: Money::ZERO,
            correction: Money::ZERO,
            posted_on: None,
            found: Some(found),
            returns: Vec::new(),
            recorded_at: self.recorded_at,
            commit: self.commit,
        }
    }
}

/// The opposite of a movement that `position` holds already, if a count has seen its day: what was counted stays.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn balance(
    position: &mut Position,
    movement: &Movement,
    today: Date,
) -> Result<Option<Movement>, FixedError> {
    let Some(on) = position.counted_after(movement.key.effective_on) else { return Ok(None) };
    if movement.quantity.is_zero() {
        return Ok(None);
    }
    let out = !movement.key.out;
    let ours = if movement.key.out { movement.from.clone() } else { movement.to.clone() };
    let (from, to) = if out { (ours, Place::Adjustment) } else { (Place::Adjustment, ours) };
    let revision = position.next_balance();
    let opposite = Movement {
        key: MovementKey { effective_on: on, out, cause: Cause::Count, revision, correction: false },
        from,
        to,
        correction: movement.correction.negated()?,
        posted_on: None,
        found: None,
        returns: Vec::new(),
        ..movement.clone()
    };
    position.apply(&opposite, today)?;
    Ok(Some(opposite))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::notebook::{Line, Notebook, TODAY, day};
    use super::*;
    use crate::document::DocumentKind;
    use crate::ledger::position::COUNTS_KEPT_MAX;

    #[test]
    fn what_was_sold_before_the_first_count_costs_the_counted_stock_nothing() {
        let mut notebook = Notebook::default();
        notebook.set(1, Some(Line::sold(day(1), 100)));
        assert_eq!(notebook.position.stock_value(), None);
        notebook.count(day(10), 50, Some("2"));
        assert_eq!(notebook.stands(), ("50".into(), "100.00".into()));
    }

    #[test]
    fn what_was_sold_since_the_count_is_valued_by_it() {
        let mut notebook = Notebook::default();
        notebook.set(1, Some(Line::sold(day(12), 10)));
        notebook.count(day(10), 50, Some("2"));
        assert_eq!(notebook.stands(), ("40".into(), "80.00".into()));
        // ten at 2 went out, whose cost was not known then
        assert_eq!(notebook.restated, BTreeMap::from([(day(0), "-20".parse().unwrap())]));
    }

    #[test]
    fn a_wrong_cost_is_mended_by_counting_again() {
        let mut notebook = Notebook::default();
        assert_eq!(notebook.count(day(10), 40, Some("2")), 1);
        assert_eq!(notebook.count(day(10), 40, Some("2")), 0, "the same once more");
        assert_eq!(notebook.count(day(10), 40, None), 0);
        assert_eq!(notebook.stands(), ("40".into(), "80.00".into()));
        assert_eq!(notebook.count(day(10), 40, Some("7")), 1);
        assert_eq!((notebook.stands(), notebook.at(day(10))), (("40".into(), "280.00".into()), 40));
        // a stocktake without costs leaves a unit worth what it was
        assert_eq!(notebook.count(day(12), 30, None), 1);
        assert_eq!(notebook.stands(), ("30".into(), "210.00".into()));
        assert!(notebook.restated.is_empty(), "each was worth what it was booked at");
    }

    #[test]
    fn goods_of_a_bill_that_comes_in_after_their_count_were_counted_already() {
        let mut notebook = Notebook::default();
        notebook.count(day(10), 50, Some("2"));
        notebook.set(1, Some(Line::bought(day(8), 60, "180")));
        notebook.set(2, Some(Line::sold(day(10), 5)));
        assert_eq!((notebook.stands(), notebook.at(day(10))), (("50".into(), "100.00".into()), 50));
        notebook.set(3, Some(Line::sold(day(11), 5)));
        assert_eq!(notebook.stands(), ("45".into(), "90.00".into()));
    }

    #[test]
    fn a_count_of_today_that_is_told_again_tomorrow_has_seen_its_day() {
        let mut notebook = Notebook::default();
        notebook.count(TODAY, 40, Some("2"));
        notebook.today = TODAY.tomorrow().unwrap();
        assert_eq!(notebook.count(TODAY, 40, Some("2")), 1);
        notebook.set(1, Some(Line::bought(TODAY, 60, "180")));
        assert_eq!(notebook.stands(), ("40".into(), "80.00".into()));
        notebook.check();
    }

    #[test]
    fn what_is_sold_later_on_the_day_of_a_count_is_taken_from_it() {
        let mut notebook = Notebook::default();
        notebook.count(TODAY, 50, Some("2"));
        notebook.set(1, Some(Line::sold(TODAY, 5)));
        assert_eq!(notebook.movements[1].value, "10".parse().unwrap(), "it is sold at what was counted");
        notebook.set(2, Some(Line::sold(day(28), 5)));
        assert_eq!(notebook.stands(), ("45".into(), "90.00".into()));
    }

    proptest! {
        /// Whatever comes in, in whatever order: each count stands at the end of its day, at the cost that it named.
        #[test]
        fn counts_stand(steps in prop::collection::vec((0i64..28, -40i64..40, 0i64..5_000_000, 0u8..4), 1..40)) {
            let mut notebook = Notebook::default();
            let mut counted: BTreeMap<Date, i64> = BTreeMap::new();
            for (number, (on, change, cost, what)) in (1..).zip(steps) {
                match what {
                    0 => {
                        let cost = Money::from_e4(cost / 40).to_string();
                        notebook.count(day(on), change.abs(), (on % 3 > 0).then_some(&cost));
                        counted.insert(day(on), change.abs());
                    }
                    _ if change == 0 => {}
                    1 => {
                        let index = u32::try_from(number).unwrap();
                        notebook.adjust(index, day(on), change, Some(&Money::from_e4(cost / 40).to_string()));
                    }
                    _ => {
                        let kind = if change > 0 { DocumentKind::Bill } else { DocumentKind::SalesInvoice };
                        let line = Line { kind, on: day(on), change: change * 10_000, cost, returns: None };
                        notebook.set(number, Some(line));
                    }
                }
                for (on, quantity) in counted.iter().rev().take(COUNTS_KEPT_MAX) {
                    prop_assert_eq!(notebook.at(*on), *quantity, "at the end of {}", on);
                }
                notebook.check();
            }
        }
    }
}

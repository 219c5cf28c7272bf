//! An item's position at a location: the fold of its movements, and for tracked items what Xero last said.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::fold::Standing;
use super::movement::{Cause, Movement, MovementKey};
use crate::alert::AlertKind;
use crate::document::XeroQuantity;
use crate::fixed::{FixedError, Money, Quantity};

/// What Xero last said of a tracked item, and what we had booked when it said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Quantity and cost pool in Xero.
    pub xero: XeroQuantity,
    /// When we asked.
    pub at: Timestamp,
    /// The sum of our movements at that moment.
    pub booked: Quantity,
}

impl Snapshot {
    /// What our movements don't explain.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn residual(&self) -> Result<Quantity, FixedError> {
        self.xero.on_hand.minus(self.booked)
    }
}

/// How much lies there, or that nobody has counted it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OnHand {
    /// An untracked item without an opening balance: there is no number to show.
    NotCounted,
    /// The quantity; below zero when more was sold than is known to have come in.
    Counted(Quantity),
}

impl OnHand {
    /// The quantity, if there is one.
    pub const fn quantity(self) -> Option<Quantity> {
        match self {
            Self::Counted(quantity) => Some(quantity),
            Self::NotCounted => None,
        }
    }
}

/// Movements that take effect on a day that has not come yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ahead {
    /// The day.
    pub on: Date,
    /// Their sum.
    pub quantity: Quantity,
}

/// What the sales drafts of a day commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drafted {
    /// Their day.
    pub on: Date,
    /// Their sum.
    pub quantity: Quantity,
}

/// Days of sales drafts that an item tells apart, the latest. What is committed by older ones counts on every day.
pub const DRAFT_DAYS_MAX: usize = 12;

/// A count that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// The day of the count.
    pub on: Date,
    /// The last day of which it has seen everything: the day itself, or the day before if it was counted on that day.
    pub through: Date,
}

/// Counts that an item keeps. What is dated before the oldest of them is balanced by that one.
pub const COUNTS_KEPT_MAX: usize = 12;

/// The position of an item at a location.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Whether Xero is the book of this item (else our ledger is).
    pub tracked: bool,
    /// Whether an opening balance stands in the ledger.
    pub opened: bool,
    /// Sum of all movements, those dated ahead included.
    pub booked: Quantity,
    /// Of these, what is dated ahead of the day on which it was booked, by day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<Ahead>,
    /// On sales drafts.
    pub committed: Quantity,
    /// Of these, what is told apart by the day of the draft, in the order of the days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drafts: Vec<Drafted>,
    /// The last day of those that are told apart no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafts_after: Option<Date>,
    /// Value of the stock: the remaining cost of its layers.
    pub value: Money,
    /// Day of the first movement: before it nothing is known of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_on: Option<Date>,
    /// Day of the latest sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sold_on: Option<Date>,
    /// How many movements it is the fold of.
    pub movements: u64,
    /// How many of them are openings and counts, which these numbers tell apart.
    #[serde(default)]
    pub balances: u32,
    /// The latest counts, in the order of their days.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counts: Vec<Counted>,
    /// What Xero last said (tracked items).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Snapshot>,
    /// Day of the latest warning, by kind: one a day is enough.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub warned_on: BTreeMap<AlertKind, Date>,
}

impl Position {
    /// Adds one movement. `today` is the org's civil day.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn apply(&mut self, movement: &Movement, today: Date) -> Result<(), FixedError> {
        let change = movement.signed_quantity()?;
        self.booked = self.booked.plus(change)?;
        self.ahead.retain(|ahead| ahead.on > today);
        let day = movement.key.effective_on;
        if day > today {
            match self.ahead.iter_mut().find(|ahead| ahead.on == day) {
                Some(ahead) => ahead.quantity = ahead.quantity.plus(change)?,
                None => self.ahead.push(Ahead { on: day, quantity: change }),
            }
            self.ahead.retain(|ahead| !ahead.quantity.is_zero());
            self.ahead.sort_by_key(|ahead| ahead.on);
        }
        match movement.key.cause {
            Cause::Opening => {
                self.opened = true;
                self.balances = self.balances.saturating_add(1);
            }
            Cause::Count => self.balances = self.balances.saturating_add(1),
            Cause::Document { .. } | Cause::LandedCost { .. } | Cause::Adjustment { .. } => {}
        }
        if movement.key.cause.is_demand() && movement.key.out && !movement.key.correction {
            self.last_sold_on = self.last_sold_on.max(Some(day));
        }
        self.first_on = Some(self.first_on.map_or(day, |first| first.min(day)));
        self.movements = self.movements.saturating_add(1);
        Ok(())
    }

    /// Takes in how much more, or less, the sales drafts of a day commit.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn commit(&mut self, on: Date, change: Quantity) -> Result<(), FixedError> {
        self.committed = self.committed.plus(change)?;
        if self.drafts_after.is_some_and(|last| on <= last) {
            return Ok(());
        }
        match self.drafts.iter_mut().find(|drafted| drafted.on == on) {
            Some(drafted) => drafted.quantity = drafted.quantity.plus(change)?,
            None => self.drafts.push(Drafted { on, quantity: change }),
        }
        self.drafts.retain(|drafted| !drafted.quantity.is_zero());
        self.drafts.sort_by_key(|drafted| drafted.on);
        let surplus = self.drafts.len().saturating_sub(DRAFT_DAYS_MAX);
        self.drafts_after =
            self.drafts.drain(..surplus).next_back().map(|last| last.on).or(self.drafts_after);
        Ok(())
    }

    /// What the sales drafts of days up to this one commit.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn committed_at(&self, day: Date) -> Result<Quantity, FixedError> {
        let later = self.drafts.iter().filter(|drafted| drafted.on > day);
        later.map(|drafted| drafted.quantity).try_fold(self.committed, Quantity::minus)
    }

    /// The number of the next opening or count.
    pub const fn next_balance(&self) -> u32 {
        self.balances.saturating_add(1)
    }

    /// The day of the first count that has seen all of `day`.
    pub fn counted_after(&self, day: Date) -> Option<Date> {
        self.counts.iter().find(|count| day <= count.through).map(|count| count.on)
    }

    /// Whether it is sure that from the end of `day` on it is known what lies there.
    pub fn is_known_by(&self, day: Date) -> bool {
        self.opened && (self.balances == 0 || self.counts.iter().any(|count| count.on <= day))
    }

    /// Keeps a count.
    pub fn keep_count(&mut self, count: Counted) {
        self.counts.push(count);
        self.counts.sort_by_key(|standing| standing.on);
        let surplus = self.counts.len().saturating_sub(COUNTS_KEPT_MAX);
        self.counts.drain(..surplus);
    }

    /// What lies there today: Xero's figure for tracked items, else the sum of movements up to today.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn on_hand(&self, today: Date) -> Result<OnHand, FixedError> {
        if self.tracked {
            return Ok(self
                .snapshot
                .map_or(OnHand::NotCounted, |snapshot| OnHand::Counted(snapshot.xero.on_hand)));
        }
        if !self.opened {
            return Ok(OnHand::NotCounted);
        }
        Ok(OnHand::Counted(self.booked.minus(self.still_ahead(today)?)?))
    }

    /// What is booked of days that have not come.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn still_ahead(&self, today: Date) -> Result<Quantity, FixedError> {
        let ahead = self.ahead.iter().filter(|ahead| ahead.on > today);
        ahead.map(|ahead| ahead.quantity).try_fold(Quantity::ZERO, Quantity::plus)
    }

    /// The first day ahead on which on hand changes by itself: a movement was dated ahead.
    pub fn next_ahead(&self, today: Date) -> Option<Date> {
        let ahead = self.ahead.iter().map(|ahead| ahead.on).filter(|day| *day > today);
        ahead.min().filter(|_| !self.tracked)
    }

    /// What is promised to customers: sales drafts, if they count, and what Xero holds as back-ordered.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn committed_total(&self, count_sales_drafts: bool) -> Result<Quantity, FixedError> {
        let drafts = if count_sales_drafts { self.committed } else { Quantity::ZERO };
        let snapshot = self.snapshot.filter(|_| self.tracked);
        drafts.plus(snapshot.map_or(Quantity::ZERO, |snapshot| snapshot.xero.back_ordered))
    }

    /// On hand minus committed.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn available(&self, today: Date, count_sales_drafts: bool) -> Result<OnHand, FixedError> {
        match self.on_hand(today)? {
            OnHand::NotCounted => Ok(OnHand::NotCounted),
            OnHand::Counted(on_hand) => {
                Ok(OnHand::Counted(on_hand.minus(self.committed_total(count_sales_drafts)?)?))
            }
        }
    }

    /// Value of the stock: Xero's cost pool for tracked items, else the remaining cost of our layers. What nobody has
    /// counted has none.
    pub fn stock_value(&self) -> Option<Money> {
        if self.tracked {
            return self.snapshot.map(|snapshot| snapshot.xero.cost_pool);
        }
        self.opened.then_some(self.value)
    }
}

/// The days of the first movement and of the latest sale, among the movements of an item that stand: what was taken back
/// is neither.
pub fn first_and_last(movements: &[Movement]) -> (Option<Date>, Option<Date>) {
    let latest = Standing::of(movements);
    let stands = |key: &MovementKey| match key.cause {
        Cause::Opening | Cause::Count => true,
        Cause::Document { .. } | Cause::LandedCost { .. } | Cause::Adjustment { .. } => latest.holds(key),
    };
    let standing = || movements.iter().map(|movement| movement.key).filter(stands);
    let sales = standing().filter(|key| key.cause.is_demand() && key.out);
    (standing().map(|key| key.effective_on).min(), sales.map(|key| key.effective_on).max())
}

/// The quantity at the end of a day: the sum of the movements that take effect up to it.
///
/// # Errors
/// [`FixedError`] when it does not fit.
pub fn quantity_at<'a>(
    movements: impl IntoIterator<Item = &'a Movement>,
    day: Date,
) -> Result<Quantity, FixedError> {
    let mut sum = Quantity::ZERO;
    for movement in movements.into_iter().filter(|movement| movement.key.effective_on <= day) {
        sum = sum.plus(movement.signed_quantity()?)?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use jiff::civil::date;

    use super::*;

    fn q(whole: i64) -> Quantity {
        Quantity::from_whole(whole).unwrap()
    }

    #[test]
    fn what_was_committed_on_a_past_day_is_what_stands_of_its_drafts() {
        let day = |number: i64| date(2026, 5, 1).saturating_add(number.days());
        let mut position = Position::default();
        for number in 0..20 {
            position.commit(day(number), q(1)).unwrap();
        }
        assert_eq!(position.drafts.len(), DRAFT_DAYS_MAX);
        let told_apart = 20 - i64::try_from(DRAFT_DAYS_MAX).unwrap();
        // the latest are told apart, those before count on every day
        for number in told_apart - 1..20 {
            assert_eq!(position.committed_at(day(number)).unwrap(), q(number + 1), "{number}");
        }
        assert_eq!(position.committed_at(day(0)).unwrap(), q(told_apart));
        // whatever is taken back, of those too
        for number in (0..20).filter(|number| number % 2 == 0) {
            position.commit(day(number), q(-1)).unwrap();
        }
        assert_eq!((position.committed, position.committed_at(day(16)).unwrap()), (q(10), q(8)));
        for number in (0..20).filter(|number| number % 2 == 1) {
            position.commit(day(number), q(-1)).unwrap();
        }
        assert_eq!((position.committed, position.drafts.len()), (q(0), 0));
        assert_eq!(position.committed_at(day(3)).unwrap(), q(0));
    }
}

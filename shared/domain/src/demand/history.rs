//! An item's demand by day, folded from its movements once, so that planning reads only what came since.
//!
//! A late document lands among days that were folded already, and no mark of time would tell. Counting does:
//! movements are never deleted, so the history is whole exactly while those that it folded and those read
//! behind it are as many as the position says there are.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::window_start;
use crate::fixed::{FixedError, Quantity};
use crate::ledger::Movement;

/// Days that stay open behind a fold: most late documents are dated into them, and cost no folding anew.
const OPEN_DAYS: i32 = 7;
/// Open days after which the older of them are folded, so that the row is not written at every plan.
const OPEN_DAYS_MAX: i32 = 14;

/// Net demand by day: sales above zero, more returns than sales below. A day without demand is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemandByDay(BTreeMap<Date, Quantity>);

impl DemandByDay {
    /// Adds what was wanted on a day.
    ///
    /// # Errors
    /// [`FixedError`] when the sum does not fit.
    pub fn add(&mut self, day: Date, quantity: Quantity) -> Result<(), FixedError> {
        let total = self.0.entry(day).or_default();
        *total = total.plus(quantity)?;
        Ok(())
    }

    /// Days with their demand, the earliest first.
    pub fn iter(&self) -> impl Iterator<Item = (Date, Quantity)> + '_ {
        self.0.iter().map(|(day, quantity)| (*day, *quantity))
    }

    fn add_all<'a>(&mut self, movements: impl IntoIterator<Item = &'a Movement>) -> Result<(), FixedError> {
        for movement in movements {
            if let Some(demand) = movement.demand()? {
                self.add(movement.key.effective_on, demand)?;
            }
        }
        Ok(())
    }
}

/// Packed as one text, `2026-05-04 0:2 3:-1.5`: the first day, then days since it with their demand. A half
/// year of daily sales takes less than 2 KB.
impl Serialize for DemandByDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::new();
        if let Some(first) = self.0.keys().next() {
            text = first.to_string();
            for (day, quantity) in &self.0 {
                let since = first.until(*day).map_err(serde::ser::Error::custom)?.get_days();
                write!(text, " {since}:{quantity}").map_err(serde::ser::Error::custom)?;
            }
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for DemandByDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong =
            || serde::de::Error::custom("the days of demand are not packed as `day since:quantity …`");
        let mut words = text.split(' ').filter(|word| !word.is_empty());
        let Some(first) = words.next() else { return Ok(Self::default()) };
        let first: Date = first.parse().map_err(|_| wrong())?;
        let mut days = BTreeMap::new();
        for word in words {
            let (since, quantity) = word.split_once(':').ok_or_else(wrong)?;
            let since: i32 = since.parse().map_err(|_| wrong())?;
            let day = first.checked_add(since.days()).map_err(|_| wrong())?;
            days.insert(day, quantity.parse().map_err(|_| wrong())?);
        }
        Ok(Self(days))
    }
}

/// The demand of an item as far as it is folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// All movements of the days before this one are folded.
    pub folded_before: Date,
    /// How many these are, whatever their cause and however old.
    pub movements: u64,
    /// Their demand on the days that a forecast looks back at.
    pub days: DemandByDay,
}

/// Demand for a forecast, and the history to keep for the next one where it has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// All demand of the days that a forecast looks back at.
    pub days: DemandByDay,
    /// What to keep.
    pub keep: Option<History>,
}

impl History {
    /// Whether no movement can have come since; `movements` is what the position counts.
    pub const fn is_whole(&self, movements: u64) -> bool {
        self.movements == movements
    }

    /// The history with the movements read from [`Self::folded_before`] on, or `None` when one has come among
    /// the folded days: then the whole window is to be read. `movements` is what the position counts.
    ///
    /// # Errors
    /// [`FixedError`] when a sum does not fit.
    pub fn bring(
        mut self,
        read: &[Movement],
        movements: u64,
        today: Date,
    ) -> Result<Option<Brought>, FixedError> {
        let known = self.movements.saturating_add(u64::try_from(read.len()).unwrap_or(u64::MAX));
        // more than the position said came while reading, and is no less true
        if known < movements {
            return Ok(None);
        }
        let mut keep = None;
        if self.folded_before < today.saturating_sub(OPEN_DAYS_MAX.days()) {
            self.fold(read, today)?;
            keep = Some(self.clone());
        }
        let mut days = self.days;
        days.add_all(read.iter().filter(|movement| movement.key.effective_on >= self.folded_before))?;
        Ok(Some(Brought { days, keep }))
    }

    /// The demand of the whole window, from the movements read from [`window_start`] on. `movements` is what
    /// the position counts, so that those before the window are known by their number.
    ///
    /// # Errors
    /// [`FixedError`] when a sum does not fit.
    pub fn of_window(read: &[Movement], movements: u64, today: Date) -> Result<Brought, FixedError> {
        let mut days = DemandByDay::default();
        days.add_all(read)?;
        let count = u64::try_from(read.len()).unwrap_or(u64::MAX);
        // fewer than were read: one came meanwhile, so nothing is kept this time
        let Some(before) = movements.checked_sub(count) else { return Ok(Brought { days, keep: None }) };
        let mut history =
            Self { folded_before: window_start(today), movements: before, days: DemandByDay::default() };
        history.fold(read, today)?;
        Ok(Brought { days, keep: Some(history) })
    }

    fn fold(&mut self, read: &[Movement], today: Date) -> Result<(), FixedError> {
        let until = today.saturating_sub(OPEN_DAYS.days());
        let folded = || read.iter().filter(|movement| movement.key.effective_on < until);
        self.days.add_all(folded())?;
        let start = window_start(today);
        self.days.0.retain(|day, _| *day >= start);
        self.movements = self.movements.saturating_add(u64::try_from(folded().count()).unwrap_or(u64::MAX));
        self.folded_before = until;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::document::{DocumentKind, DocumentRef};
    use crate::fixed::Money;
    use crate::ids::{CommitId, DocumentId, ItemId, LineId, LocationId};
    use crate::ledger::{Cause, MovementKey, Place};

    const FIRST: Date = date(2025, 3, 3);

    fn movement(number: u128, day: i32, kind: DocumentKind, quantity: i64) -> Movement {
        let id = Uuid::from_u128(number);
        let of = DocumentRef { kind, id: DocumentId(id) };
        let out = matches!(kind, DocumentKind::SalesInvoice | DocumentKind::SupplierCredit);
        Movement {
            item: ItemId(Uuid::nil()),
            key: MovementKey {
                effective_on: FIRST.saturating_add(day.days()),
                out,
                cause: Cause::Document { of, line: LineId(id) },
                revision: 1,
                correction: false,
            },
            quantity: Quantity::from_e4(quantity),
            from: Place::Supplier,
            to: Place::Stock(LocationId::main()),
            value: Money::ZERO,
            correction: Money::ZERO,
            posted_on: None,
            found: None,
            returns: Vec::new(),
            recorded_at: Timestamp::UNIX_EPOCH,
            commit: CommitId(id),
        }
    }

    fn since(all: &[Movement], day: Date) -> Vec<Movement> {
        all.iter().filter(|movement| movement.key.effective_on >= day).cloned().collect()
    }

    fn afresh(all: &[Movement], today: Date) -> DemandByDay {
        let mut days = DemandByDay::default();
        days.add_all(&since(all, window_start(today))).unwrap();
        days
    }

    /// As planning does it: the demand, the history kept, and whether the whole window was read.
    fn planned(
        known: Option<History>,
        all: &[Movement],
        today: Date,
    ) -> (DemandByDay, Option<History>, bool) {
        let total = all.len() as u64;
        if let Some(known) = known.clone() {
            let read = since(all, known.folded_before);
            if let Some(brought) = known.bring(&read, total, today).unwrap() {
                return (brought.days, brought.keep, false);
            }
        }
        let brought = History::of_window(&since(all, window_start(today)), total, today).unwrap();
        (brought.days, brought.keep, true)
    }

    proptest! {
        #[test]
        fn folding_changes_no_demand_whatever_comes_late(
            steps in prop::collection::vec((0..12_i32, prop::collection::vec((-40..3_i32, 0..7_usize, 1..50_000_i64), 0..4)), 1..60),
        ) {
            let (mut all, mut known, mut day, mut number) = (Vec::new(), None, 0, 0);
            for (passed, came) in steps {
                day += passed;
                let today = FIRST.saturating_add(day.days());
                for (away, kind, quantity) in came {
                    number += 1;
                    all.push(movement(number, day + away, DocumentKind::ALL[kind], quantity));
                }
                let (days, keep, _) = planned(known.clone(), &all, today);
                let from = window_start(today);
                let in_window = |days: &DemandByDay| {
                    days.iter().filter(|(day, _)| *day >= from).collect::<Vec<_>>()
                };
                prop_assert_eq!(in_window(&days), in_window(&afresh(&all, today)));
                known = keep.or(known);
            }
        }

        #[test]
        fn what_is_packed_unpacks(days in prop::collection::btree_map(0..182_i32, any::<i64>(), 0..182)) {
            let days = days.into_iter().map(|(day, e4)| (FIRST.saturating_add(day.days()), Quantity::from_e4(e4)));
            let days = DemandByDay(days.collect());
            let json = serde_json::to_string(&days).unwrap();
            prop_assert_eq!(serde_json::from_str::<DemandByDay>(&json).unwrap(), days);
        }
    }

    #[test]
    fn a_late_document_is_noticed_by_its_number_alone() {
        let sale = DocumentKind::SalesInvoice;
        let mut all = vec![movement(1, 0, sale, 10_000), movement(2, 150, sale, 10_000)];
        let today = FIRST.saturating_add(150.days());
        let (_, history, whole) = planned(None, &all, today);
        assert!(whole);
        let (_, keep, whole) = planned(history.clone(), &all, today);
        assert!(!whole && keep.is_none(), "nothing new, nothing read again");
        all.push(movement(3, 60, sale, 20_000));
        let (days, _, whole) = planned(history, &all, today);
        assert!(whole, "it is dated among the folded days");
        assert_eq!(days, afresh(&all, today));
    }

    #[test]
    fn a_half_year_of_daily_sales_stays_below_two_kilobytes() {
        let days = (0..182).map(|day| (FIRST.saturating_add(day.days()), Quantity::from_e4(1_234_500)));
        let text = serde_json::to_string(&DemandByDay(days.collect())).unwrap();
        assert!(text.len() < 2_048, "{}", text.len());
    }

    #[test]
    fn what_is_no_packed_demand_is_refused() {
        for wrong in ["\"today 0:1\"", "\"2026-01-01 0\"", "\"2026-01-01 x:1\"", "\"2026-01-01 0:x\"", "1"] {
            assert!(serde_json::from_str::<DemandByDay>(wrong).is_err(), "{wrong}");
        }
    }
}

//! What commits told, summed up by day, and what of it no journal has seen to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::settings::{CogsSettings, Every};
use crate::fixed::{FixedError, Money};

/// Journals that one decision makes at most; the rest is for the next.
pub const JOURNALS_MAX: usize = 20;
/// Documents that a correction names; it says how many more there are.
pub const CAUSES_MAX: usize = 8;

/// Cost of goods sold of an org since it is journaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CogsLedger {
    /// The first day whose cost is journaled.
    pub since: Date,
    /// The settings by which it goes.
    pub settings: CogsSettings,
    /// The last audit entry before the first that is counted.
    pub begun: u64,
    /// The last audit entry of which it is known where purchases are coded.
    pub coded_through: u64,
    /// The last audit entry of which it is counted what was sold.
    pub walked: u64,
    /// What is settled and not yet in a journal, since journals have whole minor units. Less than one.
    pub carried: Money,
    /// Up to when it is known what became of the journals in Xero.
    pub journals_until: Timestamp,
}

/// Cost of goods sold in a calendar month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CogsMonth {
    /// Since when it is journaled. What was summed up of an earlier beginning holds no longer.
    pub since: Date,
    /// By day.
    pub days: BTreeMap<Date, CogsDay>,
}

/// Cost of goods sold on a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CogsDay {
    /// As it is known now.
    pub sold: Money,
    /// What of it journals have seen to.
    pub settled: Money,
    /// The documents that changed it after a journal had seen to it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub causes: BTreeSet<String>,
    /// Whether a journal has seen to it.
    #[serde(default)]
    pub journaled: bool,
}

impl CogsMonth {
    /// Without a day, of what is journaled since then.
    pub const fn new(since: Date) -> Self {
        Self { since, days: BTreeMap::new() }
    }

    /// Adds what was sold on a day, because of a document.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn add(&mut self, on: Date, cost: Money, cause: &str) -> Result<(), FixedError> {
        let day = self.days.entry(on).or_default();
        day.sold = day.sold.plus(cost)?;
        if day.journaled && !cause.is_empty() && day.causes.len() <= CAUSES_MAX {
            day.causes.insert(cause.to_owned());
        }
        Ok(())
    }

    /// What no journal has seen to.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn open(&self) -> Result<Money, FixedError> {
        self.days.values().try_fold(Money::ZERO, |sum, day| sum.plus(day.sold.minus(day.settled)?))
    }

    /// Takes what a journal sees to of a day for settled.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn settle(&mut self, on: Date, part: Money) -> Result<(), FixedError> {
        let day = self.days.entry(on).or_default();
        day.settled = day.settled.plus(part)?;
        day.journaled = true;
        day.causes.clear();
        Ok(())
    }

    /// Opens a day again of which a journal, with these causes, came to nothing; with a part below zero the journal stands again.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn reopen(&mut self, on: Date, part: Money, causes: &BTreeSet<String>) -> Result<(), FixedError> {
        let day = self.days.entry(on).or_default();
        day.settled = day.settled.minus(part)?;
        day.journaled = !day.settled.is_zero();
        if !part.is_negative() {
            day.causes.extend(causes.iter().cloned());
        }
        Ok(())
    }
}

/// What one journal is to see to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The journal's date.
    pub date: Date,
    /// How much of which day.
    pub parts: BTreeMap<Date, Money>,
    /// Whether a journal has seen to one of these days before.
    pub corrects: bool,
    /// The documents that made the correction necessary, as far as they are kept.
    pub causes: BTreeSet<String>,
}

impl Due {
    /// What it comes to.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn total(&self) -> Result<Money, FixedError> {
        self.parts.values().try_fold(Money::ZERO, |sum, part| sum.plus(*part))
    }
}

/// What is to be journaled of the days before `today`, the oldest first, at most [`JOURNALS_MAX`] journals. Each has the date of its day
/// or month, or of the first open day if that is closed. Days that a journal has seen to are corrected by month.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn due(
    months: &BTreeMap<Date, CogsMonth>,
    every: Every,
    today: Date,
    open_from: Option<Date>,
) -> Result<Vec<Due>, FixedError> {
    let mut all: Vec<Due> = Vec::new();
    let this_month = today.first_of_month();
    for (month, content) in months {
        if every == Every::Month && *month >= this_month {
            continue;
        }
        let mut correction: Option<Due> = None;
        let mut first: Vec<Due> = Vec::new();
        for (on, day) in content.days.iter().filter(|(on, _)| **on < today) {
            let part = day.sold.minus(day.settled)?;
            if part.is_zero() {
                continue;
            }
            let of_day = Due {
                date: *on,
                parts: BTreeMap::from([(*on, part)]),
                corrects: day.journaled,
                causes: day.causes.clone(),
            };
            let gathers = day.journaled || every == Every::Month;
            match &mut correction {
                Some(sum) if gathers => {
                    sum.date = *on;
                    sum.parts.insert(*on, part);
                    sum.corrects |= day.journaled;
                    sum.causes.extend(day.causes.iter().cloned());
                }
                None if gathers => correction = Some(of_day),
                _ => first.push(of_day),
            }
        }
        if let Some(sum) = correction.as_mut().filter(|_| every == Every::Month) {
            sum.date = month.last_of_month();
        }
        all.extend(first);
        all.extend(correction);
    }
    all.truncate(JOURNALS_MAX);
    for due in &mut all {
        // a day that has not come can't be an open one
        due.date = open_from.map_or(due.date, |open| due.date.max(open)).min(today);
    }
    Ok(all)
}

//! The periods of a data set.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use parstock_forecast::Plan;
use serde::Deserialize;

use crate::tables::Wrong;

/// Cutoffs of a data set at most.
const CUTOFFS_MAX: usize = 1_000;
/// Periods of a data set at most.
const PERIODS_MAX: usize = 5_000;

/// What a data set is forecast for.
#[derive(Debug, Deserialize)]
pub struct DataSet {
    /// Length of a period: `MS` for months, `7D` or `W-…` for weeks, `D` for days.
    freq: String,
    season: usize,
    protection: usize,
    horizon: usize,
    cutoffs: Vec<String>,
}

impl DataSet {
    /// Finds a data set among those of a file.
    ///
    /// # Errors
    /// The file is none of data sets, or has no such one.
    pub fn find(json: &str, name: &str) -> Result<Self, Wrong> {
        let mut all: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(json).map_err(|error| Wrong::whole(error.to_string()))?;
        let found = all.remove(name).ok_or_else(|| {
            let names: Vec<_> = all.keys().map(String::as_str).collect();
            Wrong::whole(format!("there is no data set {name}, only {}", names.join(", ")))
        })?;
        serde_json::from_value(found).map_err(|error| Wrong::whole(format!("the data set {name}: {error}")))
    }

    /// What to ask the engine for.
    ///
    /// # Errors
    /// A number is beyond its limit.
    pub fn plan(&self) -> Result<Plan, Wrong> {
        Plan::new(self.season, self.protection, self.horizon).map_err(|error| Wrong::whole(error.to_string()))
    }

    /// The cutoffs, as written and as dates.
    ///
    /// # Errors
    /// One of them is no date, or they are too many.
    pub fn cutoffs(&self) -> Result<Vec<(&str, Date)>, Wrong> {
        if self.cutoffs.len() > CUTOFFS_MAX {
            return Err(Wrong::whole(format!("there are more than {CUTOFFS_MAX} cutoffs")));
        }
        let cutoffs = self.cutoffs.iter().map(|cutoff| {
            let date = cutoff.parse();
            date.map(|date| (cutoff.as_str(), date))
                .map_err(|_| Wrong::whole(format!("the cutoff {cutoff} is no date such as 2026-05-31")))
        });
        cutoffs.collect()
    }

    pub(super) fn step(&self) -> Result<Step, Wrong> {
        match self.freq.as_str() {
            "MS" => Ok(Step::Month),
            "D" => Ok(Step::Days(1)),
            "7D" => Ok(Step::Days(7)),
            week if week.starts_with("W-") => Ok(Step::Days(7)),
            other => Err(Wrong::whole(format!("freq is {other}, but has to be MS, W-…, 7D or D"))),
        }
    }
}

/// How a period follows another.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Days(i32),
    Month,
}

impl Step {
    /// Periods from one date to another; `None` if none of them begins there, or there are too many.
    pub(super) fn between(self, first: Date, date: Date) -> Option<usize> {
        let periods = match self {
            Self::Days(days) => {
                let between = (date - first).get_days();
                (between % days == 0).then_some(between / days)?
            }
            Self::Month => {
                let months =
                    i32::from(date.year() - first.year()) * 12 + i32::from(date.month() - first.month());
                (first.checked_add(months.months()).ok()? == date).then_some(months)?
            }
        };
        usize::try_from(periods).ok().filter(|periods| *periods < PERIODS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn periods_are_counted_and_what_is_between_them_is_told() {
        let week = Step::Days(7);
        assert_eq!(week.between(date(2010, 12, 6), date(2011, 1, 3)), Some(4));
        assert_eq!(week.between(date(2010, 12, 6), date(2011, 1, 4)), None);
        assert_eq!(week.between(date(2010, 12, 6), date(2010, 11, 29)), None);
        assert_eq!(Step::Month.between(date(2024, 11, 1), date(2026, 2, 1)), Some(15));
        assert_eq!(Step::Month.between(date(2024, 11, 1), date(2026, 2, 2)), None);
    }

    #[test]
    fn a_data_set_is_found_by_name() {
        let json = r#"{"a": {"freq": "MS", "season": 12, "protection": 3, "horizon": 6, "cutoffs": ["2026-01-01"], "more": 1}}"#;
        let set = DataSet::find(json, "a").unwrap();
        assert_eq!(set.cutoffs().unwrap()[0].1, date(2026, 1, 1));
        assert_eq!(set.plan().unwrap().protection(), 3);
        assert_eq!(DataSet::find(json, "b").unwrap_err().what, "there is no data set b, only a");
        let wrong = json.replace("\"MS\"", "\"Q\"");
        assert!(DataSet::find(&wrong, "a").unwrap().step().unwrap_err().what.starts_with("freq is Q"));
    }
}

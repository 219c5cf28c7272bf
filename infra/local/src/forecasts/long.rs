//! Long horizons: a table of `unique_id,part,t,y`, of which the parts `train` are seen and the parts `test` only counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Read;

use parstock_forecast::trend;

use super::ITEMS_MAX;
use super::run::quoted;
use crate::tables::{Table, Wrong};

/// Months of a year.
const SEASON: usize = 12;

/// A series, by the number of the month.
#[derive(Default)]
struct Series {
    seen: BTreeMap<u32, f64>,
    asked: BTreeSet<u32>,
}

impl Series {
    /// The values that are seen, oldest first, and the month after the last of them.
    fn values(&self) -> Result<(Vec<f64>, u32), String> {
        let (Some((first, _)), Some((last, _))) = (self.seen.first_key_value(), self.seen.last_key_value())
        else {
            return Err("has no line with the part train".to_owned());
        };
        if let Some(missing) = (*first..*last).find(|t| !self.seen.contains_key(t)) {
            return Err(format!("has no line for t {missing}, which lies between those of the part train"));
        }
        Ok((self.seen.values().copied().collect(), last.saturating_add(1)))
    }

    /// The mean of each month that is asked for.
    fn forecast(&self) -> Result<Vec<(u32, f64)>, String> {
        let (values, next) = self.values()?;
        let step = |t: u32| t.checked_sub(next).map(|step| step as usize);
        let last = self.asked.last().and_then(|last| step(*last)).map_or(0, |last| last.saturating_add(1));
        if last > trend::STEPS_MAX {
            let most = trend::STEPS_MAX;
            return Err(format!("is asked for more than {most} months after the last of the part train"));
        }
        let path = trend::path(&values, SEASON, last);
        let mean = |t: &u32| {
            let mean = step(*t).and_then(|step| path.get(step)).copied();
            let mean =
                mean.ok_or_else(|| format!("is asked for t {t}, which is before the end of the part train"));
            mean.map(|mean| (*t, mean))
        };
        self.asked.iter().map(mean).collect()
    }
}

/// Forecasts each monthly series and answers `unique_id,t,mean` with a line for each `t` of the part `test`.
///
/// # Errors
/// A line is wrong, or the months of a series don't follow one another.
pub fn long(table: impl Read) -> Result<String, Wrong> {
    let table = Table::of(table)?;
    let (id, part) = (table.need("unique_id")?, table.need("part")?);
    let (t, y) = (table.need("t")?, table.need("y")?);
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    table.each(|line| {
        let cell = line.text(t)?;
        let place = cell
            .parse()
            .map_err(|_| line.wrong(format!("t is {cell}, but has to be a whole number from 0")))?;
        let name = line.name(id)?;
        if all.len() >= ITEMS_MAX && !all.contains_key(name) {
            return Err(line.wrong(format!("there are more than {ITEMS_MAX} series")));
        }
        let series = all.entry(name.to_owned()).or_default();
        let is_new = match line.text(part)? {
            "train" => {
                let cell = line.text(y)?;
                let value = cell.parse().ok().filter(|value: &f64| value.is_finite());
                let value = value.ok_or_else(|| line.wrong(format!("y is {cell}, which is no number")))?;
                series.seen.insert(place, value).is_none()
            }
            "test" => series.asked.insert(place),
            other => return Err(line.wrong(format!("part is {other}, but has to be train or test"))),
        };
        if is_new {
            Ok(())
        } else {
            Err(line.wrong(format!("the series has had a line for t {place} before")))
        }
    })?;
    let mut out = String::from("unique_id,t,mean\n");
    for (id, series) in &all {
        let means = series.forecast().map_err(|what| Wrong::whole(format!("the series {id} {what}")))?;
        for (t, mean) in means {
            writeln!(out, "{},{t},{mean:.4}", quoted(id)).map_err(|error| Wrong::whole(error.to_string()))?;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Months from 1 to 30.
    fn months() -> String {
        let mut table = String::from("unique_id,part,t,y\n");
        for t in 1..=30 {
            writeln!(table, "a,train,{t},{}", 100 + t % 12).unwrap();
        }
        table
    }

    #[test]
    fn what_is_asked_for_is_not_looked_at() {
        let table = months();
        let first = long(format!("{table}a,test,31,1\na,test,32,2\n").as_bytes()).unwrap();
        assert_eq!(first, long(format!("{table}a,test,31,999\na,test,32,\n").as_bytes()).unwrap());
        assert!(first.starts_with("unique_id,t,mean\na,31,10"), "{first}");
        // the second month ahead is that, whether the first is asked for or not
        let second = long(format!("{table}a,test,32,\n").as_bytes()).unwrap();
        assert_eq!(first.lines().last(), second.lines().last());
    }

    #[test]
    fn months_follow_one_another() {
        let table = months();
        for (lines, says) in [
            ("a,later,31,1\n", "line 32: part is later, but has to be train or test"),
            ("a,train,30,1\n", "line 32: the series has had a line for t 30 before"),
            ("a,test,31,\na,test,31,\n", "line 33: the series has had a line for t 31 before"),
            (
                "a,train,32,1\n",
                "the series a has no line for t 31, which lies between those of the part train",
            ),
            ("a,test,30,\n", "the series a is asked for t 30, which is before the end of the part train"),
            (
                "a,test,151,\n",
                "the series a is asked for more than 120 months after the last of the part train",
            ),
            ("b,test,31,\n", "the series b has no line with the part train"),
            ("a,train,-1,1\n", "line 32: t is -1, but has to be a whole number from 0"),
        ] {
            let wrong = long(format!("{table}{lines}").as_bytes()).unwrap_err();
            assert_eq!(wrong.to_string(), says);
        }
    }
}

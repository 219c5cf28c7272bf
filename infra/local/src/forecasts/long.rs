//! Long horizons: a table of `unique_id,part,t,y`, of which the parts `train` are seen and the parts `test` only counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;

use parstock_forecast::trend;

use super::{Columns, Wrong, text, unread};

/// Values of all series at most.
const VALUES_MAX: usize = 10_000_000;
/// Months of a year.
const SEASON: usize = 12;

#[derive(Default)]
struct Series {
    seen: BTreeMap<u32, f64>,
    asked: Vec<u32>,
}

/// Forecasts each monthly series and answers `unique_id,t,mean` with a line for each `t` of the part `test`.
///
/// # Errors
/// A line is wrong.
pub fn long(table: impl Read) -> Result<String, Wrong> {
    let mut reader = csv::Reader::from_reader(table);
    let columns = Columns::of(&mut reader)?;
    let (id, part) = (columns.need("unique_id")?, columns.need("part")?);
    let (t, y) = (columns.need("t")?, columns.need("y")?);
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    let mut record = csv::ByteRecord::new();
    let mut values: usize = 0;
    while reader.read_byte_record(&mut record).map_err(|error| unread(&error))? {
        let line = record.position().map_or(0, csv::Position::line);
        values += 1;
        if values > VALUES_MAX {
            return Err(Wrong::at(line, format!("there are more than {VALUES_MAX} values")));
        }
        let cell = text(&record, t, line, "t")?;
        let place = cell
            .parse()
            .map_err(|_| Wrong::at(line, format!("t is {cell}, but has to be a whole number from 0")))?;
        let series = all.entry(text(&record, id, line, "unique_id")?.to_owned()).or_default();
        match text(&record, part, line, "part")? {
            "train" => {
                let cell = text(&record, y, line, "y")?;
                let value: Result<f64, _> = cell.parse();
                let value = value.ok().filter(|value| value.is_finite());
                let value =
                    value.ok_or_else(|| Wrong::at(line, format!("y is {cell}, which is no number")))?;
                series.seen.insert(place, value);
            }
            "test" => series.asked.push(place),
            other => return Err(Wrong::at(line, format!("part is {other}, but has to be train or test"))),
        }
    }
    let mut out = String::from("unique_id,t,mean\n");
    for (id, series) in &mut all {
        series.asked.sort_unstable();
        let seen: Vec<f64> = series.seen.values().copied().collect();
        let path = trend::path(&seen, SEASON, series.asked.len());
        if path.len() < series.asked.len() {
            return Err(Wrong::whole(format!("{id} is asked for more than {} steps", trend::STEPS_MAX)));
        }
        for (t, mean) in series.asked.iter().zip(path) {
            writeln!(out, "{id},{t},{mean:.4}").map_err(|error| Wrong::whole(error.to_string()))?;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_not_looked_at() {
        let mut table = String::from("unique_id,part,t,y\n");
        for t in 1..=30 {
            writeln!(table, "a,train,{t},{}", 100 + t % 12).unwrap();
        }
        let first = long(format!("{table}a,test,31,1\na,test,32,2\n").as_bytes()).unwrap();
        assert_eq!(first, long(format!("{table}a,test,31,999\na,test,32,\n").as_bytes()).unwrap());
        assert!(first.starts_with("unique_id,t,mean\na,31,10"), "{first}");
        let wrong = long(format!("{table}a,later,31,1\n").as_bytes()).unwrap_err();
        assert_eq!(wrong.to_string(), "line 32: part is later, but has to be train or test");
    }
}

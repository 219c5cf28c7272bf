//! Past demand, as a table of `unique_id,ds,y` and maybe `promo`, beside a table of items with `unique_id` and maybe `category`.

use std::collections::BTreeMap;
use std::io::Read;

use jiff::civil::Date;
use parstock_forecast::Item;

use super::calendar::Step;
use super::{DataSet, ITEMS_MAX};
use crate::tables::{Table, Wrong};

/// Items times periods at most.
const CELLS_MAX: usize = 100_000_000;
/// Units of an item in a period at most: in thousandths as many as the engine takes.
const DEMAND_MAX: f64 = 1e9;
/// Decimals of a demand that are told apart.
const DECIMALS_MAX: usize = 3;
/// The least that is told apart, by number of decimals.
const GRAINS: [f64; DECIMALS_MAX + 1] = [1.0, 0.1, 0.01, 0.001];

/// The past of all items.
#[derive(Debug)]
pub struct History {
    first: Date,
    step: Step,
    /// Number of periods.
    pub periods: usize,
    /// In order of their ids.
    pub items: Vec<Past>,
}

/// An item's past.
#[derive(Debug)]
pub struct Past {
    /// Its id.
    pub id: String,
    demand: Vec<Option<f64>>,
    promoted: Vec<bool>,
    category: Option<u32>,
    /// The first periods with a demand of at least one, two and three decimals.
    finer_since: [usize; DECIMALS_MAX],
}

impl Past {
    fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            demand: Vec::new(),
            promoted: Vec::new(),
            category: None,
            finer_since: [usize::MAX; DECIMALS_MAX],
        }
    }

    /// What is known after so many periods. Decimals that only come later make no finer grain yet.
    pub fn until(&self, periods: usize) -> Item<'_> {
        let decimals = self.finer_since.iter().filter(|since| **since < periods).count();
        Item {
            demand: self.demand.get(..periods).unwrap_or(&self.demand),
            promoted: self.promoted.get(..periods).unwrap_or(&self.promoted),
            category: self.category,
            grain: GRAINS.get(decimals).copied().unwrap_or(1.0),
        }
    }
}

/// A line of the history.
struct Row {
    item: u32,
    date: Date,
    demand: Option<f64>,
    promoted: bool,
    line: u64,
}

impl History {
    /// Reads both tables.
    ///
    /// # Errors
    /// A line is wrong.
    pub fn read(set: &DataSet, history: impl Read, items: Option<impl Read>) -> Result<Self, Wrong> {
        let step = set.step()?;
        let known = items
            .map(categories)
            .transpose()
            .map_err(|wrong| Wrong { what: format!("{} (in the table of items)", wrong.what), ..wrong })?;
        let (mut items, rows, promo) = rows(history)?;
        let bounds = rows.iter().map(|row| row.date);
        let (Some(first), Some(last)) = (bounds.clone().min(), bounds.max()) else {
            return Err(Wrong::whole("there is no demand in the history"));
        };
        let wrong = |row: &Row, what| Wrong { line: Some(row.line), what };
        let at = |row: &Row| {
            step.between(first, row.date)
                .ok_or_else(|| wrong(row, format!("no period begins on {} if one does on {first}", row.date)))
        };
        let periods = step.between(first, last).map_or(0, |last| last + 1);
        if items.len().saturating_mul(periods) > CELLS_MAX {
            return Err(Wrong::whole(format!(
                "{} items of {periods} periods are more than {CELLS_MAX} figures",
                items.len()
            )));
        }
        for past in &mut items {
            past.demand = vec![None; periods];
            past.promoted = vec![false; if promo { periods } else { 0 }];
            if let Some(known) = &known {
                past.category = *known.get(&past.id).ok_or_else(|| {
                    Wrong::whole(format!("the item {} is not in the table of items", past.id))
                })?;
            }
        }
        let mut seen = vec![0_u64; (items.len() * periods).div_ceil(64)];
        for row in &rows {
            let period = at(row)?;
            let place = row.item as usize * periods + period;
            let bit = 1 << (place % 64);
            if let Some(seen) = seen.get_mut(place / 64) {
                if *seen & bit != 0 {
                    return Err(wrong(row, format!("the item has had a line for {} before", row.date)));
                }
                *seen |= bit;
            }
            let Some(past) = items.get_mut(row.item as usize) else { continue };
            if let Some(demand) = past.demand.get_mut(period) {
                *demand = row.demand;
            }
            let decimals = row.demand.map_or(0, decimals);
            for since in past.finer_since.iter_mut().take(decimals) {
                *since = period.min(*since);
            }
            if let Some(promoted) = past.promoted.get_mut(period) {
                *promoted = row.promoted;
            }
        }
        items.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Self { first, step, periods, items })
    }

    /// Periods up to and with the one that begins on a cutoff.
    ///
    /// # Errors
    /// None does.
    pub fn until(&self, cutoff: Date) -> Result<usize, Wrong> {
        let place = self.step.between(self.first, cutoff).filter(|place| *place < self.periods);
        place
            .map(|place| place + 1)
            .ok_or_else(|| Wrong::whole(format!("no period of the history begins on the cutoff {cutoff}")))
    }
}

/// The lines of a history, its items in order of their first line, and whether promotions are told.
fn rows(history: impl Read) -> Result<(Vec<Past>, Vec<Row>, bool), Wrong> {
    let table = Table::of(history)?;
    let (id, ds, y) = (table.need("unique_id")?, table.need("ds")?, table.need("y")?);
    let promo = table.find("promo");
    let mut items: Vec<Past> = Vec::new();
    let mut places: BTreeMap<String, u32> = BTreeMap::new();
    let mut dates: BTreeMap<String, Date> = BTreeMap::new();
    let mut rows = Vec::new();
    let mut latest: u32 = 0;
    table.each(|line| {
        let name = line.name(id)?;
        if items.get(latest as usize).is_none_or(|past| past.id != name) {
            latest = match places.get(name) {
                Some(place) => *place,
                None => {
                    let place = u32::try_from(items.len()).ok().filter(|place| (*place as usize) < ITEMS_MAX);
                    let place =
                        place.ok_or_else(|| line.wrong(format!("there are more than {ITEMS_MAX} items")))?;
                    items.push(Past::new(name));
                    places.insert(name.to_owned(), place);
                    place
                }
            };
        }
        let day = line.text(ds)?;
        let date = match dates.get(day) {
            Some(date) => *date,
            None => {
                let date = day.get(..10).unwrap_or(day).parse();
                let date: Date = date
                    .map_err(|_| line.wrong(format!("ds is {day}, which is no date such as 2026-05-31")))?;
                dates.insert(day.to_owned(), date);
                date
            }
        };
        let demand = match line.text(y)? {
            "" | "NaN" | "nan" => None,
            number => {
                let demand = number.parse().ok().filter(|demand: &f64| demand.is_finite());
                let demand =
                    demand.ok_or_else(|| line.wrong(format!("y is {number}, which is no number")))?;
                if demand.abs() > DEMAND_MAX {
                    return Err(
                        line.wrong(format!("y is {number}, and at most {DEMAND_MAX} can be forecast"))
                    );
                }
                Some(demand)
            }
        };
        let promoted = match promo.map_or(Ok(""), |promo| line.text(promo))? {
            "" | "0" | "0.0" => false,
            flag => flag
                .parse::<f64>()
                .map(|flag| flag > 0.0)
                .map_err(|_| line.wrong(format!("promo is {flag}, but has to be 0 or 1")))?,
        };
        rows.push(Row { item: latest, date, demand, promoted, line: line.number });
        Ok(())
    })?;
    Ok((items, rows, promo.is_some()))
}

/// How many decimals a demand has, as far as they are told apart: 0 for 3, 2 for 3.25.
fn decimals(demand: f64) -> usize {
    let has = |decimals: &usize| {
        let parts = [1.0, 10.0, 100.0].get(*decimals).copied().unwrap_or(1e3);
        (demand * parts).round() / parts == demand
    };
    (0..DECIMALS_MAX).find(has).unwrap_or(DECIMALS_MAX)
}

/// The items, with the category of each where there is such a column.
fn categories(items: impl Read) -> Result<BTreeMap<String, Option<u32>>, Wrong> {
    let table = Table::of(items)?;
    let (id, category) = (table.need("unique_id")?, table.find("category"));
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    table.each(|line| {
        let name = category.map_or(Ok(""), |category| line.text(category))?;
        named.insert(line.name(id)?.to_owned(), name.to_owned());
        Ok(())
    })?;
    let keys = super::categories(named.values().map(String::as_str))?;
    Ok(named.iter().map(|(id, name)| (id.clone(), keys.get(name.as_str()).copied())).collect())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn read(history: &str, items: &str) -> Result<History, Wrong> {
        let json = r#"{"a": {"freq": "W-MON", "season": 1, "protection": 3, "horizon": 6, "cutoffs": []}}"#;
        let set = DataSet::find(json, "a").unwrap();
        History::read(&set, history.as_bytes(), Some(items.as_bytes()))
    }

    #[test]
    fn lines_in_any_order_make_a_calendar_with_gaps() {
        let history = "unique_id,ds,y,promo\nb,2026-01-19,2.50,1\na,2026-01-05,1,0\nb,2026-01-05,,0\n";
        let read = read(history, "unique_id,category\nb,tea\na,cups\n").unwrap();
        assert_eq!(read.periods, 3);
        assert_eq!(read.until(date(2026, 1, 12)).unwrap(), 2);
        assert!(read.until(date(2026, 1, 26)).is_err());
        let (a, b) = (read.items[0].until(2), read.items[1].until(3));
        assert_eq!((a.demand, a.category, a.grain), (&[Some(1.0), None][..], Some(0), 1.0));
        assert_eq!((b.demand, b.category, b.grain), (&[None, None, Some(2.5)][..], Some(1), 0.1));
        assert_eq!(b.promoted, [false, false, true]);
    }

    #[test]
    fn a_grain_is_that_of_the_demand_known_so_far() {
        let history =
            "unique_id,ds,y\na,2026-01-19,2.125\na,2026-01-05,4.0\na,2026-01-12,0.7\na,2026-01-26,3.5\n";
        let read = read(history, "unique_id\na\n").unwrap();
        assert_eq!([1, 2, 3, 4].map(|periods| read.items[0].until(periods).grain), [1.0, 0.1, 0.001, 0.001]);
        assert_eq!([3.0, 0.1, -2.25, 1e-3, 1e-7, 123_456_789.01].map(decimals), [0, 1, 2, 3, 3, 2]);
    }

    #[test]
    fn a_wrong_line_is_named_with_what_is_wrong() {
        let items = "unique_id\na\n";
        for (history, line, what) in [
            ("unique_id,ds\na,2026-01-05\n", Some(1), "the column y is missing"),
            (
                "unique_id,ds,y\na,2026-01-05,1\na,2026-01-32,1\n",
                Some(3),
                "ds is 2026-01-32, which is no date such as 2026-05-31",
            ),
            ("unique_id,ds,y\na,2026-01-05,many\n", Some(2), "y is many, which is no number"),
            ("unique_id,ds,y\na,2026-01-05,inf\n", Some(2), "y is inf, which is no number"),
            (
                "unique_id,ds,y\na,2026-01-05,2e12\n",
                Some(2),
                "y is 2e12, and at most 1000000000 can be forecast",
            ),
            (
                "unique_id,ds,y\na,2026-01-05,1\na,2026-01-08,1\n",
                Some(3),
                "no period begins on 2026-01-08 if one does on 2026-01-05",
            ),
            (
                "unique_id,ds,y\na,2026-01-05,1\na,2026-01-05,1\n",
                Some(3),
                "the item has had a line for 2026-01-05 before",
            ),
            ("unique_id,ds,y\na,2026-01-05\n", Some(2), "2 columns where the first line has 3"),
            ("unique_id,ds,y\n,2026-01-05,1\n", Some(2), "unique_id is empty"),
            ("unique_id,ds,y\nb,2026-01-05,1\n", None, "the item b is not in the table of items"),
            ("unique_id,ds,y\n", None, "there is no demand in the history"),
        ] {
            let wrong = read(history, items).unwrap_err();
            assert_eq!((wrong.line, wrong.what.as_str()), (line, what));
        }
    }
}

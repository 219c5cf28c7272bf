//! The three tables: what was sold, what is there, and how items are bought.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Read;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::demand::DemandByDay;
use parstock_domain::document::Item;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ItemId, LocationId};
use parstock_domain::settings::{Origin, Resolved, Settings, Sourced};
use uuid::Uuid;

use crate::forecasts::{Columns, Wrong, text, unread};

/// Items at most.
const ITEMS_MAX: usize = 200_000;
/// Days of lead time and review together at most: what the engine looks ahead.
pub const PROTECTION_DAYS_MAX: u16 = 448;

/// What was sold of an item.
#[derive(Debug, Default)]
pub struct Sold {
    /// Net by day.
    pub demand: DemandByDay,
    /// The first day with a line.
    pub first_on: Option<Date>,
    /// The last.
    pub last_on: Option<Date>,
}

/// What is there of an item.
#[derive(Clone, Copy, Debug)]
pub struct There {
    /// How much; `None` where nobody has counted it.
    pub on_hand: Option<Quantity>,
    /// Promised to customers.
    pub committed: Quantity,
    /// On its way.
    pub on_order: Quantity,
}

/// An item that is planned.
#[derive(Debug)]
pub struct Subject {
    /// Its code.
    pub code: String,
    /// What it was sold, net by day.
    pub demand: DemandByDay,
    /// The first day on which it was sold.
    pub first_on: Option<Date>,
    /// How much there is; `None` where nobody has counted it.
    pub on_hand: Option<Quantity>,
    /// Promised to customers.
    pub committed: Quantity,
    /// On its way.
    pub on_order: Quantity,
    /// How it is bought.
    pub settings: Resolved,
    /// What one unit costs.
    pub unit_cost: Option<Money>,
}

/// Rows of a table by name, one after another.
struct Table<R> {
    reader: csv::Reader<R>,
    columns: Columns,
}

impl<R: Read> Table<R> {
    fn open(table: R) -> Result<Self, Wrong> {
        let mut reader = csv::Reader::from_reader(table);
        let columns = Columns::of(&mut reader)?;
        Ok(Self { reader, columns })
    }

    fn each(mut self, mut take: impl FnMut(&csv::ByteRecord, u64) -> Result<(), Wrong>) -> Result<(), Wrong> {
        let mut record = csv::ByteRecord::new();
        while self.reader.read_byte_record(&mut record).map_err(|error| unread(&error))? {
            take(&record, record.position().map_or(0, csv::Position::line))?;
        }
        Ok(())
    }
}

/// An amount that can't be below zero.
fn amount<T: FromStr<Err: Display> + Default + PartialOrd>(
    record: &csv::ByteRecord,
    column: Option<usize>,
    line: u64,
    name: &str,
) -> Result<Option<T>, Wrong> {
    match cell::<T>(record, column, line, name)? {
        Some(amount) if amount < T::default() => Err(Wrong::at(line, format!("{name} can't be below zero"))),
        amount => Ok(amount),
    }
}

/// A cell; `None` if it is empty or there is no such column.
fn cell<T: FromStr<Err: Display>>(
    record: &csv::ByteRecord,
    column: Option<usize>,
    line: u64,
    name: &str,
) -> Result<Option<T>, Wrong> {
    let Some(column) = column else { return Ok(None) };
    match text(record, column, line, name)?.trim() {
        "" => Ok(None),
        found => found.parse().map(Some).map_err(|error| Wrong::at(line, format!("{name}: {error}"))),
    }
}

fn code(record: &csv::ByteRecord, column: usize, line: u64) -> Result<String, Wrong> {
    match text(record, column, line, "item")? {
        "" => Err(Wrong::at(line, "item is empty")),
        code => Ok(code.to_owned()),
    }
}

/// What was sold: `item,day,quantity`, below zero what came back; several lines of a day add up.
///
/// # Errors
/// A line is wrong.
pub fn demand(history: impl Read) -> Result<BTreeMap<String, Sold>, Wrong> {
    let table = Table::open(history)?;
    let columns = &table.columns;
    let (item, day, quantity) = (columns.need("item")?, columns.need("day")?, columns.need("quantity")?);
    let mut sold: BTreeMap<String, Sold> = BTreeMap::new();
    table.each(|record, line| {
        let on = text(record, day, line, "day")?;
        let on: Date = on
            .parse()
            .map_err(|_| Wrong::at(line, format!("day is `{on}`, which is no day such as 2026-05-31")))?;
        let amount = cell::<Quantity>(record, Some(quantity), line, "quantity")?;
        let amount = amount.ok_or_else(|| Wrong::at(line, "quantity is empty"))?;
        let code = code(record, item, line)?;
        if sold.len() >= ITEMS_MAX && !sold.contains_key(&code) {
            return Err(Wrong::at(line, format!("there are more than {ITEMS_MAX} items")));
        }
        let of_item = sold.entry(code).or_default();
        of_item.demand.add(on, amount).map_err(|error| Wrong::at(line, error.to_string()))?;
        of_item.first_on = Some(of_item.first_on.map_or(on, |first| first.min(on)));
        of_item.last_on = Some(of_item.last_on.map_or(on, |last| last.max(on)));
        Ok(())
    })?;
    Ok(sold)
}

/// What is there: `item,on_hand` and maybe `committed` and `on_order`.
///
/// # Errors
/// A line is wrong, or names an item twice.
pub fn stock(table: impl Read) -> Result<BTreeMap<String, There>, Wrong> {
    let table = Table::open(table)?;
    let columns = &table.columns;
    let (item, on_hand) = (columns.need("item")?, columns.need("on_hand")?);
    let (committed, on_order) = (columns.find("committed"), columns.find("on_order"));
    let mut there = BTreeMap::new();
    table.each(|record, line| {
        let code = code(record, item, line)?;
        let found = There {
            on_hand: cell(record, Some(on_hand), line, "on_hand")?,
            committed: amount(record, committed, line, "committed")?.unwrap_or_default(),
            on_order: amount(record, on_order, line, "on_order")?.unwrap_or_default(),
        };
        match there.insert(code, found) {
            None => Ok(()),
            Some(_) => Err(Wrong::at(line, "the item has had a line before")),
        }
    })?;
    Ok(there)
}

/// The items that are planned: `item` and maybe `lead_time_days`, `review_days`, `service_level`, `pack`, `moq`, `min`, `max`, `unit_cost` and
/// `category`. Each takes what was sold of it and what is there.
///
/// # Errors
/// A line is wrong or names an item twice, or something was sold of an item that has no line.
pub fn items(
    table: impl Read,
    mut sold: BTreeMap<String, Sold>,
    mut there: BTreeMap<String, There>,
) -> Result<Vec<Subject>, Wrong> {
    let table = Table::open(table)?;
    let columns = &table.columns;
    let item = columns.need("item")?;
    let [lead_time, review, service, pack, moq, min, max, cost, category] = [
        "lead_time_days",
        "review_days",
        "service_level",
        "pack",
        "moq",
        "min",
        "max",
        "unit_cost",
        "category",
    ]
    .map(|name| columns.find(name));
    let mut subjects: BTreeMap<String, Subject> = BTreeMap::new();
    table.each(|record, line| {
        let code = code(record, item, line)?;
        if subjects.len() >= ITEMS_MAX {
            return Err(Wrong::at(line, format!("there are more than {ITEMS_MAX} items")));
        }
        let mut settings = defaults();
        let set = |value| Sourced { value, from: Origin::Item };
        if let Some(days) = cell(record, lead_time, line, "lead_time_days")? {
            settings.lead_time_days = set(days);
        }
        if let Some(days) = cell(record, review, line, "review_days")? {
            settings.review_days = set(days);
        }
        let days = settings.lead_time_days.value.saturating_add(settings.review_days.value);
        if !(1..=PROTECTION_DAYS_MAX).contains(&days) {
            let what = format!(
                "lead time and review are {days} days together: 1 to {PROTECTION_DAYS_MAX} can be planned"
            );
            return Err(Wrong::at(line, what));
        }
        if let Some(level) = cell(record, service, line, "service_level")? {
            settings.service_level = level;
        }
        settings.pack = cell(record, pack, line, "pack")?;
        settings.moq = amount(record, moq, line, "moq")?;
        settings.min = amount(record, min, line, "min")?;
        settings.max = amount(record, max, line, "max")?;
        if let (Some(min), Some(max)) = (settings.min, settings.max)
            && min > max
        {
            return Err(Wrong::at(line, format!("min {min} is above max {max}")));
        }
        if settings.pack.is_some_and(|pack| pack <= Quantity::ZERO) {
            return Err(Wrong::at(line, "pack has to be above zero"));
        }
        settings.category = match category {
            Some(column) => text(record, column, line, "category")?.to_owned(),
            None => String::new(),
        };
        let unit_cost = amount(record, cost, line, "unit_cost")?;
        let There { on_hand, committed, on_order } = there.remove(&code).unwrap_or(There {
            on_hand: None,
            committed: Quantity::ZERO,
            on_order: Quantity::ZERO,
        });
        let Sold { demand, first_on, .. } = sold.remove(&code).unwrap_or_default();
        let subject = Subject {
            code: code.clone(),
            demand,
            first_on,
            on_hand,
            committed,
            on_order,
            settings,
            unit_cost,
        };
        match subjects.insert(code, subject) {
            None => Ok(()),
            Some(_) => Err(Wrong::at(line, "the item has had a line before")),
        }
    })?;
    let left = |what: &str, code: &str| {
        Wrong::whole(format!("{what} `{code}`, which has no line here: add it, so that it is planned"))
    };
    if let Some(code) = sold.keys().next() {
        return Err(left("something was sold of", code));
    }
    if let Some(code) = there.keys().next() {
        return Err(left("the stock file names", code));
    }
    Ok(subjects.into_values().collect())
}

/// What holds where nothing is set.
fn defaults() -> Resolved {
    let item = Item {
        id: ItemId(Uuid::nil()),
        code: String::new(),
        name: String::new(),
        tracked: false,
        purchase_price: None,
        sales_price: None,
        purchase_account: String::new(),
        purchase_tax: String::new(),
        sales_account: String::new(),
        quantity: None,
        updated_at: Timestamp::UNIX_EPOCH,
        priced_at: None,
    };
    Settings::default().for_item(&item, &LocationId::main(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(history: &str, there: &str, table: &str) -> Result<Vec<Subject>, String> {
        let all = || {
            let sold = demand(history.as_bytes())?;
            items(table.as_bytes(), sold, stock(there.as_bytes())?)
        };
        all().map_err(|wrong: Wrong| wrong.to_string())
    }

    #[test]
    fn three_tables_become_items_with_what_holds_where_nothing_is_set() {
        let history = "item,day,quantity\nBOX,2026-05-04,2\nBOX,2026-05-04,1.5\nBOX,2026-05-02,-1\n";
        let table = "category,item,lead_time_days,pack,service_level\ncups,BOX,30,12,97.5\n,PEN,,,\n";
        let subjects = read(history, "item,on_hand,on_order\nBOX,7,\n", table).unwrap();
        let [boxes, pens] = subjects.as_slice() else { panic!("{subjects:?}") };
        assert_eq!(boxes.demand.iter().map(|(_, sold)| sold.to_string()).collect::<Vec<_>>(), ["-1", "3.5"]);
        assert_eq!((boxes.first_on, boxes.on_hand), (Some("2026-05-02".parse().unwrap()), "7".parse().ok()));
        let Resolved { lead_time_days, review_days, service_level, category, .. } = &boxes.settings;
        assert_eq!((lead_time_days.value, review_days.value, category.as_str()), (30, 7, "cups"));
        assert_eq!(service_level.to_string(), "97.5");
        assert_eq!((pens.on_hand, pens.settings.lead_time_days.value), (None, 14));
    }

    #[test]
    fn each_wrong_line_is_named() {
        let (history, there, table) =
            ("item,day,quantity\nBOX,2026-05-04,2\n", "item,on_hand\n", "item\nBOX\n");
        for (tables, says) in [
            (("item,day\n", there, table), "line 1: the column quantity is missing"),
            (("item,day,quantity\nBOX,soon,2\n", there, table), "line 2: day is `soon`"),
            (("item,day,quantity\nBOX,2026-05-04,\n", there, table), "line 2: quantity is empty"),
            (("item,day,quantity\n,2026-05-04,1\n", there, table), "line 2: item is empty"),
            ((history, "item,on_hand\nBOX,many\n", table), "line 2: on_hand"),
            ((history, "item,on_hand\nBOX,1\nBOX,2\n", table), "line 3: the item has had"),
            ((history, "item,on_hand\nPEN,1\n", table), "the stock file names `PEN`"),
            ((history, there, "item\nPEN\n"), "something was sold of `BOX`"),
            ((history, there, "item,min,max\nBOX,5,4\n"), "line 2: min 5 is above max 4"),
            ((history, there, "item,lead_time_days\nBOX,445\n"), "line 2: lead time and review are 452 days"),
            ((history, there, "item,service_level\nBOX,40\n"), "line 2: service_level"),
            ((history, there, "item,pack\nBOX,0\n"), "line 2: pack has to be above zero"),
            ((history, "item,on_hand,on_order\nBOX,1,-2\n", table), "line 2: on_order can't be below zero"),
            ((history, there, "item,min\nBOX,-5\n"), "line 2: min can't be below zero"),
        ] {
            let told = read(tables.0, tables.1, tables.2).unwrap_err();
            assert!(told.contains(says), "{told} does not say {says}");
        }
    }
}

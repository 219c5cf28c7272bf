//! The three tables: what was sold, what is there, and how items are bought.

use std::collections::BTreeMap;
use std::io::Read;

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::demand::DemandByDay;
use parstock_domain::document::Item;
use parstock_domain::fixed::{Money, Quantity, SCALE};
use parstock_domain::ids::{ItemId, LocationId};
use parstock_domain::settings::{Origin, Resolved, Settings, Sourced};
use uuid::Uuid;

use crate::forecasts::ITEMS_MAX;
use crate::tables::{Table, Wrong};

/// Units of a line at most: in ten-thousandths as many as the engine takes of a week.
const QUANTITY_MAX: Quantity = Quantity::from_e4(100_000_000 * SCALE);
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

/// What was sold: `item,day,quantity`, below zero what came back; several lines of a day add up.
///
/// # Errors
/// A line is wrong.
pub fn demand(history: impl Read) -> Result<BTreeMap<String, Sold>, Wrong> {
    let table = Table::of(history)?;
    let (item, day, quantity) = (table.need("item")?, table.need("day")?, table.need("quantity")?);
    let mut sold: BTreeMap<String, Sold> = BTreeMap::new();
    table.each(|line| {
        let on = line.text(day)?;
        let on: Date = on
            .parse()
            .map_err(|_| line.wrong(format!("day is `{on}`, which is no day such as 2026-05-31")))?;
        let amount = line.value::<Quantity>(Some(quantity))?;
        let amount = amount.ok_or_else(|| line.wrong("quantity is empty"))?;
        let code = line.name(item)?;
        if amount.magnitude() > QUANTITY_MAX {
            return Err(line.wrong(format!(
                "quantity of `{code}` is {amount}, and at most {QUANTITY_MAX} can be planned for"
            )));
        }
        if sold.len() >= ITEMS_MAX && !sold.contains_key(code) {
            return Err(line.wrong(format!("there are more than {ITEMS_MAX} items")));
        }
        let of_item = sold.entry(code.to_owned()).or_default();
        of_item.demand.add(on, amount).map_err(|error| line.wrong(error.to_string()))?;
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
    let table = Table::of(table)?;
    let (item, on_hand) = (table.need("item")?, table.need("on_hand")?);
    let (committed, on_order) = (table.find("committed"), table.find("on_order"));
    let mut there = BTreeMap::new();
    table.each(|line| {
        let found = There {
            on_hand: line.value(Some(on_hand))?,
            committed: line.amount(committed)?.unwrap_or_default(),
            on_order: line.amount(on_order)?.unwrap_or_default(),
        };
        if there.len() >= ITEMS_MAX {
            return Err(line.wrong(format!("there are more than {ITEMS_MAX} items")));
        }
        match there.insert(line.name(item)?.to_owned(), found) {
            None => Ok(()),
            Some(_) => Err(line.wrong("the item has had a line before")),
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
    let table = Table::of(table)?;
    let item = table.need("item")?;
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
    .map(|name| table.find(name));
    let mut subjects: BTreeMap<String, Subject> = BTreeMap::new();
    table.each(|line| {
        let code = line.name(item)?.to_owned();
        if subjects.len() >= ITEMS_MAX {
            return Err(line.wrong(format!("there are more than {ITEMS_MAX} items")));
        }
        let mut settings = defaults();
        let set = |value| Sourced { value, from: Origin::Item };
        if let Some(days) = line.value(lead_time)? {
            settings.lead_time_days = set(days);
        }
        if let Some(days) = line.value(review)? {
            settings.review_days = set(days);
        }
        let days = settings.lead_time_days.value.saturating_add(settings.review_days.value);
        if !(1..=PROTECTION_DAYS_MAX).contains(&days) {
            let what = format!(
                "lead time and review are {days} days together: 1 to {PROTECTION_DAYS_MAX} can be planned"
            );
            return Err(line.wrong(what));
        }
        if let Some(level) = line.value(service)? {
            settings.service_level = level;
        }
        settings.pack = line.value(pack)?;
        settings.moq = line.amount(moq)?;
        settings.min = line.amount(min)?;
        settings.max = line.amount(max)?;
        if let (Some(min), Some(max)) = (settings.min, settings.max)
            && min > max
        {
            return Err(line.wrong(format!("min {min} is above max {max}")));
        }
        if settings.pack.is_some_and(|pack| pack <= Quantity::ZERO) {
            return Err(line.wrong("pack has to be above zero"));
        }
        settings.category = category.map_or(Ok(""), |category| line.text(category))?.to_owned();
        let unit_cost = line.amount(cost)?;
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
            Some(_) => Err(line.wrong("the item has had a line before")),
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
            (
                ("item,day,quantity\nBOX,2026-05-04,100000000.5\n", there, table),
                "line 2: quantity of `BOX` is 100000000.5, and at most 100000000 can be planned for",
            ),
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

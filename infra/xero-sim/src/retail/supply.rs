//! Stock for a file that holds sales only: an opening and weekly bills, by a rule that never looks ahead.

use std::collections::{BTreeMap, VecDeque};

use jiff::ToSpan;
use jiff::civil::Date;

use super::STOCK;
use crate::act::{DocumentKind, E4, Line, LineAmountTypes, NewDocument, Status};
use crate::ids::draw;

/// Suppliers, one for each weekday from Monday.
const SUPPLIERS: u64 = 5;
/// Least opening stock of an item, in units.
const OPENING_MIN: i64 = 50;
/// How many different opening stocks there are, in units above the least.
const OPENING_RANGE: u64 = 101;
/// How far the rule looks back, in days.
const LOOK_BACK: i64 = 28;
/// Cost as a share of the sales price.
const COST_SHARE: E4 = E4(5_000);
/// Keep the draws apart.
const OPENING_STREAM: u64 = 201;
const SUPPLIER_STREAM: u64 = 202;

/// Whether the simulator supplies what the file sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Opening stock and weekly bills.
    Weekly,
    /// Neither: sales only.
    None,
}

/// How supply came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SupplyKind {
    /// Stock before the first document.
    Opening,
    /// A line of a bill.
    Bill,
}

/// One row of the supply file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupplyRow {
    /// Code of the item.
    pub item: String,
    /// Day of the bill, or the day at whose end the opening stock was there.
    pub date: Date,
    /// How it came.
    pub kind: SupplyKind,
    /// In units, above 0.
    pub quantity: i64,
    /// Quantity x cost, rounded half up to two decimals.
    pub amount: E4,
}

/// The supply file: `item,date,kind,quantity,amount`.
pub fn supply_csv<'a>(rows: impl IntoIterator<Item = &'a SupplyRow>) -> String {
    let mut text = String::from("item,date,kind,quantity,amount\n");
    for row in rows {
        let kind = match row.kind {
            SupplyKind::Opening => "opening",
            SupplyKind::Bill => "bill",
        };
        text.push_str(&format!(
            "{},{},{kind},{},{}\n",
            csv_field(&row.item),
            row.date,
            row.quantity,
            row.amount
        ));
    }
    text
}

/// A field as CSV wants it (RFC 4180).
pub(super) fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// What an item costs that sells at `price`.
pub(super) fn cost(price: E4) -> E4 {
    price.times(COST_SHARE)
}

/// Names of the suppliers.
pub(super) fn supplier_names() -> impl Iterator<Item = String> {
    (0..SUPPLIERS).map(supplier_name)
}

fn supplier_name(supplier: u64) -> String {
    format!("Supplier {}", supplier.saturating_add(1))
}

/// A line that a bill brings.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub row: SupplyRow,
    unit_cost: E4,
}

/// The bill of a day. There is one at most, since each supplier has its own weekday.
pub(super) fn bill(date: Date, deliveries: &[Delivery]) -> NewDocument {
    NewDocument {
        kind: DocumentKind::Bill,
        number: format!("SUP-{date}"),
        reference: String::new(),
        contact: supplier_name(weekday(date)),
        date,
        due: Some(date.saturating_add(30.days())),
        expected_arrival: None,
        status: Status::Authorised,
        amounts: LineAmountTypes::NoTax,
        currency: None,
        lines: deliveries
            .iter()
            .map(|delivery| Line {
                item_code: Some(delivery.row.item.clone()),
                quantity: E4::whole(delivery.row.quantity),
                unit_amount: delivery.unit_cost,
                account_code: Some(STOCK.to_owned()),
                ..Line::default()
            })
            .collect(),
    }
}

/// Days since Monday.
fn weekday(date: Date) -> u64 {
    u64::from(date.weekday().to_monday_zero_offset().unsigned_abs())
}

/// What the rule knows of an item.
#[derive(Clone, Debug)]
struct Shelf {
    supplier: u64,
    opening: i64,
    on_hand: i64,
    first_price: E4,
    latest_price: E4,
    /// Sold less returned, by day, oldest first; no older than the look-back.
    sold: VecDeque<(Date, i64)>,
}

/// What the rule knows of all items.
#[derive(Clone, Debug)]
pub(super) struct Shelves {
    supply: Supply,
    shelves: BTreeMap<String, Shelf>,
}

impl Shelves {
    /// Shelves with their opening stock, for items with their first prices.
    pub fn new(supply: Supply, seed: u64, prices: impl Iterator<Item = (String, E4)>) -> Shelves {
        let shelf = |(place, (code, price)): (usize, (String, E4))| {
            let drawn = draw(seed, OPENING_STREAM, place as u64) % OPENING_RANGE;
            let opening = OPENING_MIN.saturating_add_unsigned(drawn);
            let shelf = Shelf {
                supplier: draw(seed, SUPPLIER_STREAM, place as u64) % SUPPLIERS,
                opening,
                on_hand: opening,
                first_price: price,
                latest_price: price,
                sold: VecDeque::new(),
            };
            (code, shelf)
        };
        let shelves = match supply {
            Supply::Weekly => prices.enumerate().map(shelf).collect(),
            Supply::None => BTreeMap::new(),
        };
        Shelves { supply, shelves }
    }

    /// The opening stock as of `date`.
    pub fn opening_rows(&self, date: Date) -> Vec<SupplyRow> {
        let row = |(item, shelf): (&String, &Shelf)| SupplyRow {
            item: item.clone(),
            date,
            kind: SupplyKind::Opening,
            quantity: shelf.opening,
            amount: E4::whole(shelf.opening).times(cost(shelf.first_price)).round2(),
        };
        self.shelves.iter().map(row).collect()
    }

    /// Learns of a line of the file: `quantity` below 0 came back, or was adjusted away.
    pub fn took(&mut self, code: &str, quantity: i64, adjusts: bool, price: E4, date: Date) {
        let Some(shelf) = self.shelves.get_mut(code) else { return };
        if adjusts {
            shelf.on_hand = shelf.on_hand.saturating_add(quantity);
            return;
        }
        shelf.on_hand = shelf.on_hand.saturating_sub(quantity);
        shelf.latest_price = price;
        match shelf.sold.back_mut() {
            Some((day, sold)) if *day == date => *sold = sold.saturating_add(quantity),
            _ => shelf.sold.push_back((date, quantity)),
        }
    }

    /// What the supplier of this weekday brings before the day's sales.
    pub fn deliver(&mut self, date: Date) -> Vec<Delivery> {
        if self.supply == Supply::None {
            return Vec::new();
        }
        let supplier = weekday(date);
        let since = date.saturating_sub(LOOK_BACK.days());
        let mut deliveries = Vec::new();
        for (code, shelf) in self.shelves.iter_mut().filter(|(_, shelf)| shelf.supplier == supplier) {
            while shelf.sold.front().is_some_and(|(day, _)| *day < since) {
                shelf.sold.pop_front();
            }
            let sold: i64 = shelf.sold.iter().map(|(_, quantity)| quantity).sum::<i64>().max(0);
            if shelf.on_hand >= sold {
                continue;
            }
            let quantity = sold.saturating_mul(2).saturating_sub(shelf.on_hand);
            shelf.on_hand = shelf.on_hand.saturating_add(quantity);
            let unit_cost = cost(shelf.latest_price);
            let amount = E4::whole(quantity).times(unit_cost).round2();
            let row = SupplyRow { item: code.clone(), date, kind: SupplyKind::Bill, quantity, amount };
            deliveries.push(Delivery { row, unit_cost });
        }
        deliveries
    }
}

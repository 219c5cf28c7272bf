//! The seeded demo company: an invented homewares shop with sixty items, four suppliers and eighteen months of books.
//!
//! Everything is a pure function of the seed and the first trading day. [`DemoCompany::history`] ends the evening
//! before that day; from then on [`DemoCompany::trade`] and [`DemoCompany::evening`] make each day's acts from what the
//! books say by then, so that purchase orders written by others are approved, delivered and billed too. Until the
//! first trading day the owner buys by rough minimum and maximum; from then on buying is left to parstock, and the
//! owner only approves orders.
//!
//! [`cases`] lists which item shows which case.

pub mod cases;
mod catalogue;
mod shop;

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::DocumentView;
use crate::act::{Act, DocumentKind, E4, Status, TimedAct, div_half_up};
pub use catalogue::{
    ADJUSTMENTS, CATEGORIES, COMPANY, COST_OF_GOODS, ItemFacts, SUPPLIERS, SupplierFacts, UNTRACKED_STOCK,
    XERO_TIME_ZONE,
};
use catalogue::{days_between, plus_days};
use shop::{Order, OrderLine};

/// Months of history before the first trading day.
const HISTORY_MONTHS: i64 = 18;
/// Months between the price rise and the first trading day's month.
const PRICE_RISE_MONTHS_AGO: i64 = 4;

/// The demo company under one seed.
#[derive(Clone, Debug)]
pub struct DemoCompany {
    seed: u64,
    first_day: Date,
    first_trading_day: Date,
    price_rise: Date,
    zone: TimeZone,
    items: Vec<ItemFacts>,
    history: Vec<TimedAct>,
    /// What was delivered on bills that don't name their order: order number, item, units.
    unnamed_deliveries: Vec<(String, String, i64)>,
}

impl DemoCompany {
    /// The company whose history ends the evening before `first_trading_day`.
    pub fn new(seed: u64, first_trading_day: Date) -> DemoCompany {
        let mut company = DemoCompany {
            seed,
            first_day: first_trading_day.saturating_sub(HISTORY_MONTHS.months()),
            first_trading_day,
            price_rise: first_trading_day.first_of_month().saturating_sub(PRICE_RISE_MONTHS_AGO.months()),
            // The database is bundled, so the zone is always there.
            zone: TimeZone::get(catalogue::TIME_ZONE).unwrap_or(TimeZone::UTC),
            items: catalogue::items(),
            history: Vec::new(),
            unnamed_deliveries: Vec::new(),
        };
        let (history, unnamed_deliveries) = shop::history(&company);
        company.history = history;
        company.unnamed_deliveries = unnamed_deliveries;
        company
    }

    /// Set-up and history, in order of time.
    pub fn history(&self) -> &[TimedAct] {
        &self.history
    }

    /// What customers, suppliers and the owner do on `day` until the evening, in order of time.
    ///
    /// `view` is what the books said at the day's start. The same view gives the same acts.
    pub fn trade(&self, day: Date, view: &View) -> Vec<TimedAct> {
        shop::trade(self, day, view)
    }

    /// What the owner does at 17:30 of `day`: approves each purchase order that waits as DRAFT or SUBMITTED.
    pub fn evening(&self, day: Date, view: &View) -> Vec<TimedAct> {
        let at = self.instant(day.at(17, 30, 0, 0));
        let waiting = view.orders.iter().filter(|order| !order.approved);
        waiting
            .map(|order| Act::set_status(DocumentKind::PurchaseOrder, &order.number, Status::Authorised))
            .map(|act| TimedAct { at, act })
            .collect()
    }

    /// First day of the history.
    pub const fn first_day(&self) -> Date {
        self.first_day
    }

    /// First day that [`DemoCompany::trade`] makes.
    pub const fn first_trading_day(&self) -> Date {
        self.first_trading_day
    }

    /// The day from which one supplier asks more.
    pub const fn price_rise(&self) -> Date {
        self.price_rise
    }

    /// The company's time zone.
    pub fn time_zone(&self) -> TimeZone {
        self.zone.clone()
    }

    /// The sixty items, by code.
    pub fn items(&self) -> &[ItemFacts] {
        &self.items
    }

    /// What was counted on the eve of the first day, as `parstock stock import` reads it: every untracked item
    /// except [`cases::NOT_COUNTED`].
    pub fn opening_csv(&self) -> String {
        let eve = plus_days(self.first_day, -1);
        let mut text = String::from("item,location,as_of,quantity,unit_cost\n");
        for item in self.items.iter().filter(|item| !item.tracked && !cases::NOT_COUNTED.contains(&item.code))
        {
            text.push_str(&format!("{},,{eve},{},{}\n", item.code, self.opening_stock(item), item.cost));
        }
        text
    }

    /// Units of an item that were there before the first document. Tracked items come by bill on the first day.
    fn opening_stock(&self, item: &ItemFacts) -> i64 {
        let (least, most) = self.buying_levels(item, self.first_day);
        if item.code == cases::OVERSTOCK { least.max(4) } else { (least + most) / 2 + 2 * item.size }
    }

    /// The owner's rough minimum and maximum of an item on `day`, in units.
    fn buying_levels(&self, item: &ItemFacts, day: Date) -> (i64, i64) {
        let Some(supplier) = SUPPLIERS.get(item.supplier) else { return (0, 0) };
        let arrival = plus_days(day, supplier.lead_days / 2);
        let season = item.season(arrival, self.first_day, self.first_trading_day);
        let per_day = item.usual_per_day() * season / 1_000;
        let units = |days: i64| (per_day * days + 999) / 1_000;
        let least = units((supplier.lead_days + supplier.review_days + 10) * 5 / 4);
        (least, least + units(supplier.review_days + 14).max(item.minimum_order))
    }

    fn instant(&self, local: DateTime) -> Timestamp {
        // Skipped and doubled times take the zone's rule; the years here are never out of its range.
        self.zone.to_ambiguous_timestamp(local).compatible().unwrap_or_default()
    }

    /// Trading days count from 1; days before them are 0 and below.
    fn trading_day(&self, day: Date) -> i64 {
        days_between(self.first_trading_day, day) + 1
    }
}

/// What of the books matters to customers, suppliers and the owner.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Units on hand, tracked and untracked, never below 0.
    on_hand: BTreeMap<String, i64>,
    orders: Vec<Order>,
}

impl View {
    /// Reads the books of the company.
    pub fn of(company: &DemoCompany, documents: impl IntoIterator<Item = DocumentView>) -> View {
        let untracked = company.items.iter().filter(|item| !item.tracked);
        let mut on_hand: BTreeMap<String, i64> =
            untracked.map(|item| (item.code.to_owned(), company.opening_stock(item))).collect();
        let mut orders = Vec::new();
        let mut bills: Vec<(String, Vec<(String, i64)>)> = Vec::new();
        for document in documents {
            let by_the_carton = matches!(
                document.kind,
                DocumentKind::PurchaseOrder
                    | DocumentKind::Bill
                    | DocumentKind::SpendMoney
                    | DocumentKind::SpendPrepayment
                    | DocumentKind::SpendOverpayment
                    | DocumentKind::SupplierCredit
            );
            let lines = document.lines.iter().filter_map(|line| {
                let code = line.item_code.clone()?;
                let item = company.items.iter().find(|item| by_the_carton && item.code == code);
                let per = item.map_or(1, ItemFacts::per_paper_unit);
                let units = div_half_up(i128::from(line.quantity.0 * per), i128::from(E4::ONE.0));
                let price = E4(div_half_up(i128::from(line.unit_amount.0), i128::from(per)));
                Some((code, units, price))
            });
            let lines: Vec<(String, i64, E4)> = lines.collect();
            let approved = matches!(document.status, Status::Authorised | Status::Paid);
            let sign = match document.kind {
                DocumentKind::PurchaseOrder => {
                    if approved || matches!(document.status, Status::Draft | Status::Submitted) {
                        orders.push(Order::seen(&document, approved, lines));
                    }
                    continue;
                }
                DocumentKind::Bill
                | DocumentKind::SalesCredit
                | DocumentKind::SpendMoney
                | DocumentKind::SpendPrepayment
                | DocumentKind::SpendOverpayment => 1,
                DocumentKind::Invoice
                | DocumentKind::SupplierCredit
                | DocumentKind::ReceiveMoney
                | DocumentKind::ReceivePrepayment
                | DocumentKind::ReceiveOverpayment => -1,
            };
            if !approved {
                continue;
            }
            for (code, units, _) in &lines {
                *on_hand.entry(code.clone()).or_default() += sign * units;
            }
            if document.kind == DocumentKind::Bill {
                let lines = lines.into_iter().map(|(code, units, _)| (code, units)).collect();
                bills.push((format!("{} {}", document.number, document.reference), lines));
            }
        }
        for order in &mut orders {
            let number = order.number.clone();
            let named = bills.iter().filter(|(text, _)| text.split_whitespace().any(|word| word == number));
            for (code, units) in named.flat_map(|(_, lines)| lines) {
                order.deliver(code, *units);
            }
            for (_, code, units) in company.unnamed_deliveries.iter().filter(|(of, ..)| *of == number) {
                order.deliver(code, *units);
            }
        }
        orders.retain(|order| order.lines.iter().any(|line| line.open() > 0));
        orders.sort_by(|a, b| a.number.cmp(&b.number));
        on_hand.values_mut().for_each(|units| *units = (*units).max(0));
        View { on_hand, orders }
    }

    /// Units of an item on hand, 0 or above.
    pub fn on_hand(&self, code: &str) -> i64 {
        self.on_hand.get(code).copied().unwrap_or_default()
    }

    /// Numbers of the orders on which something is still to come.
    pub fn open_orders(&self) -> impl Iterator<Item = &str> {
        self.orders.iter().map(|order| order.number.as_str())
    }
}

impl Order {
    fn seen(document: &DocumentView, approved: bool, lines: Vec<(String, i64, E4)>) -> Order {
        Order {
            number: document.number.clone(),
            supplier: document.contact.clone(),
            ordered_on: document.date,
            approved,
            lines: lines
                .into_iter()
                .map(|(code, ordered, price)| OrderLine { code, ordered, delivered: 0, price })
                .collect(),
        }
    }
}

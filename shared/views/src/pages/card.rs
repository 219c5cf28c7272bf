//! The card of an item: each movement with what lay there after it and what that cost.

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::costing::Method;
use parstock_domain::document::ForeignCurrency;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::{Balance, Margin, Place, Sold};

use crate::format::percent_of;

/// Lines of a card on one page: on a phone each is a block of its own.
pub const CARD_LINES_PER_PAGE: usize = 25;

/// A line of the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardRow {
    /// The day on which it takes effect.
    pub on: Date,
    /// The day on which books count it, if its own was closed when it was booked.
    pub posted_on: Option<Date>,
    /// What caused it: the words of a document's kind, `opening balance` or `count`.
    pub cause: &'static str,
    /// The document's number; empty when it has none.
    pub number: String,
    /// What the document's line amounts to in its own currency, without tax, as far as that is not the base currency and it stands.
    pub foreign: Option<(ForeignCurrency, Money)>,
    /// The document's contact; empty when there is none.
    pub contact: String,
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// The change of the quantity: above zero in, below zero out.
    pub change: Quantity,
    /// The change of the value, base currency.
    pub value: Money,
    /// What goods that had been sold before they came cost more than was assumed then (below zero: less): of a receipt's
    /// price, this part is not in `value`.
    pub correction: Money,
    /// What it changed of which cost layers, the oldest first.
    pub layers: Vec<PartRow>,
    /// What lay there after it; `None` when nobody knows what lay there before.
    pub after: Option<Balance>,
    /// Whether it takes back an earlier booking, because a document changed.
    pub reversal: bool,
    /// How many lines of the document are booked, and of how many; `None` when it is whole.
    pub booking: Option<(u32, u32)>,
    /// Of a sale that stands, or of what came back: what it brought and cost.
    pub sold: Option<Sold>,
    /// When parstock booked it.
    pub recorded_at: Timestamp,
}

impl CardRow {
    /// What a sale brought beyond its cost, where that is known.
    pub fn margin(&self) -> Option<Money> {
        self.sold.and_then(|sold| sold.margin().ok()?)
    }

    /// How far the document is booked, if it is not whole: `booking 80 of 500 lines`.
    pub fn booking_words(&self) -> Option<String> {
        self.booking.map(|(booked, lines)| super::booking_words(booked, lines))
    }

    /// What its line amounts to in the document's own currency: `USD 125.00 at 0.6512`.
    pub fn foreign_words(&self) -> Option<String> {
        self.foreign.as_ref().map(|(currency, amount)| currency.words(*amount))
    }
}

/// What a line changed of a cost layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRow {
    /// What the layer came from; empty with the average, which tells no receipts apart.
    pub of: String,
    /// The change of its quantity.
    pub quantity: Quantity,
    /// The change of its cost, base currency.
    pub cost: Money,
}

/// Lines of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardShown {
    /// The day at whose beginning it begins; `None` for the beginning of all.
    pub from: Option<Date>,
    /// The day at whose end it closes; `None` for all that is known, documents dated ahead included.
    pub at: Option<Date>,
    /// The method by which it is a view for management; `None` for what the book says.
    pub by: Option<Method>,
    /// What lay there before the earliest of its lines here; `None` where nobody knows.
    pub before: Option<Balance>,
    /// What lies there after its last line; `None` where nobody knows.
    pub end: Option<Balance>,
    /// What Xero had said of a tracked item by the end of that day, if it was asked by then.
    pub said: Option<Snapshot>,
    /// What Xero holds of a tracked item beyond all its movements, if it is anything.
    pub unexplained: Option<Balance>,
    /// The lines.
    pub rows: Vec<CardRow>,
    /// Which page of them, from 1.
    pub page: usize,
    /// How many lines there are on all pages.
    pub found: usize,
    /// What the sales among the lines here brought beyond their cost.
    pub margin: Margin,
    /// What documents that came late made earlier movements worth, the latest first.
    pub restated: Vec<RestatedRow>,
}

impl CardShown {
    /// What the sales among the lines brought: `sold for 1,200.00, cost 780.00: margin 420.00 (35.0 %)`, and of how much of the goods that
    /// is not known; empty without sales.
    pub fn margin_words(&self, money: impl Fn(Money) -> String) -> String {
        let Some(unknown) = self.margin.unknown_per_mille() else { return String::new() };
        let mut parts = Vec::new();
        if let (Some(per_mille), Ok(left)) = (self.margin.per_mille(), self.margin.left()) {
            parts.push(format!(
                "sold for {}, cost {}: margin {} ({})",
                money(self.margin.revenue),
                money(self.margin.cost),
                money(left),
                percent_of(per_mille)
            ));
        }
        if unknown > 0 {
            parts.push(format!("of {} of the goods price or cost is not known", percent_of(unknown)));
        }
        parts.join("; ")
    }

    /// Whether any line made or used up a layer that has a name.
    pub fn has_layers(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.layers).any(|part| !part.of.is_empty())
    }
}

/// Restatements that the page of an item shows.
pub const RESTATED_SHOWN_MAX: usize = 25;

/// What a document that came late made the movements of a month worth, beyond what they were booked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestatedRow {
    /// What came late: the words of a document's kind, `count`, or `another book`.
    pub cause: &'static str,
    /// The document's number, or the day of a count; empty when it has none.
    pub number: String,
    /// The month, by its first day.
    pub month: Date,
    /// The day on which books count it, if the month was closed.
    pub posted_on: Option<Date>,
    /// The change of the stock's value in it, base currency.
    pub change: Money,
    /// When parstock booked it.
    pub recorded_at: Timestamp,
}

/// What some of the stock cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerRow {
    /// What it came from; empty with the average, which tells no receipts apart.
    pub of: String,
    /// What remains; below zero when it is oversold.
    pub quantity: Quantity,
    /// What it cost together, base currency.
    pub cost: Money,
    /// What one unit cost.
    pub unit_cost: Money,
}

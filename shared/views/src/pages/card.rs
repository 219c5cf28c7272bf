//! The card of an item: each movement with what lay there after it and what that cost.

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::{Balance, Place};

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
    /// What lay there after it; `None` when nobody knows what lay there before.
    pub after: Option<Balance>,
    /// Whether it takes back an earlier booking, because a document changed.
    pub reversal: bool,
    /// How many lines of the document are booked, and of how many; `None` when it is whole.
    pub booking: Option<(u32, u32)>,
    /// When parstock booked it.
    pub recorded_at: Timestamp,
}

impl CardRow {
    /// How far the document is booked, if it is not whole: `booking 80 of 500 lines`.
    pub fn booking_words(&self) -> Option<String> {
        self.booking.map(|(booked, lines)| super::booking_words(booked, lines))
    }
}

/// Lines of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardShown {
    /// The day at whose end it closes; `None` for all that is known, documents dated ahead included.
    pub at: Option<Date>,
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
    /// What documents that came late made earlier movements worth, the latest first.
    pub restated: Vec<RestatedRow>,
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
    /// What remains; below zero when it is oversold.
    pub quantity: Quantity,
    /// What it cost together, base currency.
    pub cost: Money,
    /// What one unit cost.
    pub unit_cost: Money,
}

//! What tests and replays read of a world, beside its API.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::act::{DocumentKind, E4, JournalLine, JournalStatus, Status};

/// What was called since the world was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Calls served, by method and endpoint, such as `GET Invoices`.
    pub calls: BTreeMap<String, u64>,
    /// Calls refused with 429.
    pub limited: u64,
    /// Documents that [`ApiFault::ShiftedPage`](crate::ApiFault::ShiftedPage) has moved to the end of a list.
    pub shifted: u64,
    /// The most calls served in any 60 seconds, not only in Xero's fixed windows.
    pub most_in_any_minute: usize,
    /// The most calls served in one of Xero's days.
    pub most_in_any_day: u32,
    /// The most calls served at once.
    pub most_at_once: u32,
}

/// A manual journal as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalView {
    /// What it is for.
    pub narration: String,
    /// Its day.
    pub date: Date,
    /// Its state.
    pub status: JournalStatus,
    /// Its lines.
    pub lines: Vec<JournalLine>,
}

/// A document, for comparison with what an app made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentView {
    /// Its id.
    pub id: uuid::Uuid,
    /// What it is.
    pub kind: DocumentKind,
    /// Its number.
    pub number: String,
    /// Its reference.
    pub reference: String,
    /// Name of its contact.
    pub contact: String,
    /// Its day.
    pub date: Date,
    /// Its status.
    pub status: Status,
    /// With tax.
    pub total: E4,
    /// Its lines.
    pub lines: Vec<LineView>,
}

/// A line of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineView {
    /// Xero's `LineItemID`.
    pub id: uuid::Uuid,
    /// Code of its item.
    pub item_code: Option<String>,
    /// Description.
    pub description: String,
    /// Quantity.
    pub quantity: E4,
    /// Price of one.
    pub unit_amount: E4,
    /// Quantity x price less discount, at two places.
    pub amount: E4,
    /// What it brought into tracked stock (positive) or took out (negative).
    pub moved: E4,
}

use jiff::civil::Date;
use serde::Serialize;
use uuid::Uuid;

use super::{InvoiceStatus, LineAmountTypes, Lines, NewLineItem, contact_by_id, some_contact_by_id};
use crate::decimal::Decimal;

/// The states in which a bill or a credit note may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NewStatus {
    /// Not yet meant.
    Draft,
    /// Waiting for approval.
    Submitted,
    /// Approved: from here on it moves tracked stock.
    Authorised,
}

/// A bill to be made.
///
/// Of the contact only its id is sent, since other fields would overwrite those of the contact. Its amounts are left to
/// Xero, which works them out from the lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewBill {
    /// Its number. Xero shows it as the reference and takes any number twice: with one's own the bill can be found again
    /// after an unknown outcome.
    pub invoice_number: String,
    /// The supplier, which must exist.
    #[serde(rename = "Contact", serialize_with = "contact_by_id")]
    pub contact_id: Uuid,
    /// The state in which it begins.
    pub status: NewStatus,
    /// Its day in the organisation's calendar.
    pub date: Date,
    /// The day it is to be paid by; Xero wants one before it is approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Date>,
    /// Whether line amounts hold tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_amount_types: Option<LineAmountTypes>,
    /// The ISO code of its currency; left out, the contact's or the organisation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_code: Option<String>,
    /// Units of its currency for one unit of the base currency, to six decimals; left out, the rate of the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_rate: Option<Decimal>,
    /// A link back to the app, shown in Xero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its lines.
    pub line_items: Vec<NewLineItem>,
}

/// What changes of a bill; what is left out stays. On a bill that is paid Xero changes only number, due date, contact,
/// link and the text, account and tracking of lines (since 19 March 2026).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BillUpdate {
    /// Which bill.
    #[serde(rename = "InvoiceID")]
    pub invoice_id: Uuid,
    /// Its new state: see [`InvoiceStatus::may_become`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<InvoiceStatus>,
    /// Its new number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice_number: Option<String>,
    /// Its new supplier.
    #[serde(
        rename = "Contact",
        skip_serializing_if = "Option::is_none",
        serialize_with = "some_contact_by_id"
    )]
    pub contact_id: Option<Uuid>,
    /// Its new day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// Its new due date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Date>,
    /// A new link back to the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// All lines that it has from now on.
    #[serde(rename = "LineItems", skip_serializing_if = "Option::is_none")]
    pub lines: Option<Lines>,
}

impl BillUpdate {
    /// An update that changes nothing yet.
    #[must_use]
    pub fn new(invoice_id: Uuid) -> Self {
        Self {
            invoice_id,
            status: None,
            invoice_number: None,
            contact_id: None,
            date: None,
            due_date: None,
            url: None,
            lines: None,
        }
    }

    /// An update of the state alone.
    #[must_use]
    pub fn status(invoice_id: Uuid, status: InvoiceStatus) -> Self {
        Self { status: Some(status), ..Self::new(invoice_id) }
    }
}

impl InvoiceStatus {
    /// Whether an app may move a bill or a credit note from this state to `next` by an update. `PAID` comes by payments
    /// and allocations only, and voiding needs a document without them. Source: developer.xero.com, *Invoices*, status
    /// codes.
    #[must_use]
    pub fn may_become(&self, next: &Self) -> bool {
        use InvoiceStatus::{Authorised, Deleted, Draft, Submitted, Voided};
        matches!(
            (self, next),
            (Draft, Draft | Submitted | Authorised | Deleted)
                | (Submitted, Submitted | Authorised | Deleted)
                | (Authorised, Authorised | Voided)
        )
    }
}

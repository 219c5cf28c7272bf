use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};
use uuid::Uuid;

use super::{
    ContactRef, InvoiceStatus, LineAmountTypes, LineItem, Lines, NewLineItem, NewStatus, contact_by_id,
    list_or_null,
};
use crate::{
    date::{optional_day, optional_instant},
    decimal::Decimal,
};

text_enum! {
    /// Which way a credit note goes.
    pub enum CreditNoteType {
        /// To a customer.
        Sale = "ACCRECCREDIT",
        /// From a supplier.
        Bill = "ACCPAYCREDIT",
    }
}

/// A credit note.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreditNote {
    /// Its identity.
    #[serde(rename = "CreditNoteID")]
    pub credit_note_id: Uuid,
    /// Which way it goes.
    #[serde(rename = "Type")]
    pub kind: Option<CreditNoteType>,
    /// Its state.
    pub status: Option<InvoiceStatus>,
    /// Its number: unique on sales, free text otherwise.
    pub credit_note_number: Option<String>,
    /// Free text.
    pub reference: Option<String>,
    /// Who it is for or from.
    pub contact: Option<ContactRef>,
    /// Its day in the organisation's calendar.
    #[serde(default, deserialize_with = "optional_day")]
    pub date: Option<Date>,
    /// Whether line amounts hold tax.
    pub line_amount_types: Option<LineAmountTypes>,
    /// Its lines; empty in answers without paging.
    #[serde(default, deserialize_with = "list_or_null")]
    pub line_items: Vec<LineItem>,
    /// The ISO code of its currency.
    pub currency_code: Option<String>,
    /// Units of its currency for one unit of the base currency.
    pub currency_rate: Option<Decimal>,
    /// The sum before tax.
    pub sub_total: Option<Decimal>,
    /// The tax.
    pub total_tax: Option<Decimal>,
    /// The sum with tax.
    pub total: Option<Decimal>,
    /// What is not yet set against an invoice.
    pub remaining_credit: Option<Decimal>,
    /// What is set against invoices.
    #[serde(default, deserialize_with = "list_or_null")]
    pub allocations: Vec<Allocation>,
    /// When it last changed; some changes do not count.
    #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "optional_instant")]
    pub updated_at: Option<Timestamp>,
}

/// A credit note to be made. Of the contact only its id is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewCreditNote {
    /// Which way it goes.
    #[serde(rename = "Type")]
    pub kind: CreditNoteType,
    /// Its number: unique for customers, free text for suppliers. With one's own it can be found again after an unknown
    /// outcome.
    pub credit_note_number: String,
    /// Who it is for or from; must exist.
    #[serde(rename = "Contact", serialize_with = "contact_by_id")]
    pub contact_id: Uuid,
    /// The state in which it begins.
    pub status: NewStatus,
    /// Its day in the organisation's calendar.
    pub date: Date,
    /// Whether line amounts hold tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_amount_types: Option<LineAmountTypes>,
    /// The ISO code of its currency; left out, the contact's or the organisation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_code: Option<String>,
    /// Units of its currency for one unit of the base currency, to six decimals; left out, the rate of the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_rate: Option<Decimal>,
    /// Its lines.
    pub line_items: Vec<NewLineItem>,
}

/// What changes of a credit note; what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreditNoteUpdate {
    /// Which credit note.
    #[serde(rename = "CreditNoteID")]
    pub credit_note_id: Uuid,
    /// Its new state: see [`InvoiceStatus::may_become`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<InvoiceStatus>,
    /// Its new day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// All lines that it has from now on.
    #[serde(rename = "LineItems", skip_serializing_if = "Option::is_none")]
    pub lines: Option<Lines>,
}

impl CreditNoteUpdate {
    /// An update that changes nothing yet.
    #[must_use]
    pub fn new(credit_note_id: Uuid) -> Self {
        Self { credit_note_id, status: None, date: None, lines: None }
    }

    /// An update of the state alone.
    #[must_use]
    pub fn status(credit_note_id: Uuid, status: InvoiceStatus) -> Self {
        Self { status: Some(status), ..Self::new(credit_note_id) }
    }
}

/// A part of a credit that is set against an invoice or a bill.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Allocation {
    /// Its identity, where Xero gives one.
    #[serde(default, rename = "AllocationID")]
    pub allocation_id: Option<Uuid>,
    /// How much.
    pub amount: Option<Decimal>,
    /// The day it counts from.
    #[serde(default, deserialize_with = "optional_day")]
    pub date: Option<Date>,
    /// The invoice or bill.
    pub invoice: Option<InvoiceRef>,
    /// Whether it was taken back.
    pub is_deleted: Option<bool>,
}

/// The invoice or bill that a payment or an allocation is for, of which Xero repeats little.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InvoiceRef {
    /// Which one.
    #[serde(rename = "InvoiceID")]
    pub invoice_id: Option<Uuid>,
    /// Its number at the time of reading.
    pub invoice_number: Option<String>,
}

/// A part of a credit note to be set against an invoice or a bill of the same contact. Both must be approved, and the
/// amount is at most what is left of either.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewAllocation {
    /// The invoice or bill.
    #[serde(rename = "Invoice", serialize_with = "invoice_by_id")]
    pub invoice_id: Uuid,
    /// How much, to two decimals.
    pub amount: Decimal,
    /// The day it counts from.
    pub date: Date,
}

fn invoice_by_id<S: Serializer>(id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    let mut invoice = serializer.serialize_struct("Invoice", 1)?;
    invoice.serialize_field("InvoiceID", id)?;
    invoice.end()
}

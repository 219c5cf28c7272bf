use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use uuid::Uuid;

use super::{ContactRef, InvoiceStatus, LineAmountTypes, LineItem, list_or_null};
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
    /// When it last changed; some changes do not count.
    #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "optional_instant")]
    pub updated_at: Option<Timestamp>,
}

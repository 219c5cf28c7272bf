use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use uuid::Uuid;

use super::{ContactRef, LineAmountTypes, LineItem, list_or_null};
use crate::{
    date::{lenient_day, optional_day, optional_instant},
    decimal::Decimal,
};

text_enum! {
    /// Which way an invoice goes.
    pub enum InvoiceType {
        /// A sales invoice, to a customer.
        Sale = "ACCREC",
        /// A bill, from a supplier.
        Bill = "ACCPAY",
    }
}

text_enum! {
    /// The state of an invoice or a credit note.
    pub enum InvoiceStatus {
        /// Not yet meant.
        Draft = "DRAFT",
        /// Waiting for approval.
        Submitted = "SUBMITTED",
        /// Approved and owed.
        Authorised = "AUTHORISED",
        /// Approved and settled.
        Paid = "PAID",
        /// Taken back after approval.
        Voided = "VOIDED",
        /// Taken back before approval.
        Deleted = "DELETED",
    }
}

/// A sales invoice or a bill.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Invoice {
    /// Its identity.
    #[serde(rename = "InvoiceID")]
    pub invoice_id: Uuid,
    /// Which way it goes.
    #[serde(rename = "Type")]
    pub kind: Option<InvoiceType>,
    /// Its state.
    pub status: Option<InvoiceStatus>,
    /// Its number: unique on sales, free text on bills.
    pub invoice_number: Option<String>,
    /// Free text, on sales.
    pub reference: Option<String>,
    /// Who it is for or from.
    pub contact: Option<ContactRef>,
    /// Its day in the organisation's calendar.
    #[serde(default, deserialize_with = "optional_day")]
    pub date: Option<Date>,
    /// The day it is to be paid by.
    #[serde(default, deserialize_with = "lenient_day")]
    pub due_date: Option<Date>,
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
    /// What is still owed.
    pub amount_due: Option<Decimal>,
    /// A link back to the app that made it.
    pub url: Option<String>,
    /// Whether it was marked as sent.
    pub sent_to_contact: Option<bool>,
    /// When it last changed; some changes do not count.
    #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "optional_instant")]
    pub updated_at: Option<Timestamp>,
}

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use uuid::Uuid;

use super::{Allocation, ContactRef, InvoiceRef, LineAmountTypes, LineItem, list_or_null};
use crate::{
    date::{optional_day, optional_instant},
    decimal::Decimal,
};

text_enum! {
    /// Which way an advance goes, and what it is.
    pub enum AdvanceType {
        /// Money from a customer before an invoice.
        ReceivePrepayment = "RECEIVE-PREPAYMENT",
        /// Money to a supplier before a bill.
        SpendPrepayment = "SPEND-PREPAYMENT",
        /// A customer's prepayment without a bank account.
        SalesPrepayment = "ARPREPAYMENT",
        /// A prepayment to a supplier without a bank account.
        PurchasePrepayment = "APPREPAYMENT",
        /// Money from a customer beyond what was owed.
        ReceiveOverpayment = "RECEIVE-OVERPAYMENT",
        /// Money to a supplier beyond what was owed.
        SpendOverpayment = "SPEND-OVERPAYMENT",
        /// A customer's overpayment without a bank account.
        SalesOverpayment = "AROVERPAYMENT",
    }
}

text_enum! {
    /// The state of a prepayment or an overpayment.
    pub enum AdvanceStatus {
        /// In force, with something left.
        Authorised = "AUTHORISED",
        /// Used up.
        Paid = "PAID",
        /// Taken back.
        Voided = "VOIDED",
    }
}

macro_rules! advance {
    ($(#[$about:meta])* $name:ident, $id:ident = $id_name:literal) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "PascalCase")]
        pub struct $name {
            /// Its identity, which the bank transaction that brought it names too.
            #[serde(rename = $id_name)]
            pub $id: Uuid,
            /// Which way it goes.
            #[serde(rename = "Type")]
            pub kind: Option<AdvanceType>,
            /// Its state.
            pub status: Option<AdvanceStatus>,
            /// Free text; on a prepayment Xero repeats the number here.
            pub reference: Option<String>,
            /// Its number, on prepayments received.
            pub invoice_number: Option<String>,
            /// Who it is from or to.
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
            /// When it last changed.
            #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "optional_instant")]
            pub updated_at: Option<Timestamp>,
        }
    };
}

advance! {
    /// Money that came or went before its invoice or bill.
    ///
    /// The same money stands in the bank transactions too, with `RECEIVE-PREPAYMENT` or `SPEND-PREPAYMENT` as its type:
    /// [`BankTransaction::brings`](super::BankTransaction::brings) tells which prepayment that is. Source:
    /// Xero-OpenAPI, `BankTransaction.PrepaymentID`.
    Prepayment, prepayment_id = "PrepaymentID"
}

advance! {
    /// Money that came or went beyond what was owed.
    ///
    /// The same money stands in the bank transactions too, with `RECEIVE-OVERPAYMENT` or `SPEND-OVERPAYMENT` as its type:
    /// [`BankTransaction::brings`](super::BankTransaction::brings) tells which overpayment that is. Source:
    /// Xero-OpenAPI, `BankTransaction.OverpaymentID`.
    Overpayment, overpayment_id = "OverpaymentID"
}

/// The prepayment or overpayment that a bank transaction brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Advance {
    /// A prepayment, by its `PrepaymentID`.
    Prepayment(Uuid),
    /// An overpayment, by its `OverpaymentID`.
    Overpayment(Uuid),
}

text_enum! {
    /// Whether a payment is in force.
    pub enum PaymentStatus {
        /// It is.
        Authorised = "AUTHORISED",
        /// It was taken back.
        Deleted = "DELETED",
    }
}

text_enum! {
    /// What a payment is for.
    pub enum PaymentType {
        /// A sales invoice.
        Sale = "ACCRECPAYMENT",
        /// A bill.
        Bill = "ACCPAYPAYMENT",
        /// Money back for a customer's credit note.
        SaleCredit = "ARCREDITPAYMENT",
        /// Money back for a supplier's credit note.
        BillCredit = "APCREDITPAYMENT",
        /// Money back for a customer's overpayment.
        SaleOverpayment = "AROVERPAYMENTPAYMENT",
        /// Money back for a customer's prepayment.
        SalePrepayment = "ARPREPAYMENTPAYMENT",
        /// Money back for a prepayment to a supplier.
        BillPrepayment = "APPREPAYMENTPAYMENT",
        /// Money back for an overpayment to a supplier.
        BillOverpayment = "APOVERPAYMENTPAYMENT",
    }
}

/// Money that settles an invoice, a bill or a credit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Payment {
    /// Its identity.
    #[serde(rename = "PaymentID")]
    pub payment_id: Uuid,
    /// What it is for.
    pub payment_type: Option<PaymentType>,
    /// Whether it is in force.
    pub status: Option<PaymentStatus>,
    /// Its day in the organisation's calendar.
    #[serde(default, deserialize_with = "optional_day")]
    pub date: Option<Date>,
    /// How much, in the invoice's currency.
    pub amount: Option<Decimal>,
    /// Units of its currency for one unit of the base currency.
    pub currency_rate: Option<Decimal>,
    /// Free text.
    pub reference: Option<String>,
    /// The invoice or bill, if it is for one.
    pub invoice: Option<InvoiceRef>,
    /// When it last changed.
    #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "optional_instant")]
    pub updated_at: Option<Timestamp>,
}

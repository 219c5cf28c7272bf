use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use uuid::Uuid;

use super::{Advance, ContactRef, LineAmountTypes, LineItem, list_or_null};
use crate::{
    date::{optional_day, optional_instant},
    decimal::Decimal,
};

text_enum! {
    /// Which way the money goes, and what for.
    pub enum BankTransactionType {
        /// Money in.
        Receive = "RECEIVE",
        /// Money in beyond what was owed.
        ReceiveOverpayment = "RECEIVE-OVERPAYMENT",
        /// Money in before an invoice.
        ReceivePrepayment = "RECEIVE-PREPAYMENT",
        /// Money in from another own account.
        ReceiveTransfer = "RECEIVE-TRANSFER",
        /// Money out.
        Spend = "SPEND",
        /// Money out beyond what was owed.
        SpendOverpayment = "SPEND-OVERPAYMENT",
        /// Money out before a bill.
        SpendPrepayment = "SPEND-PREPAYMENT",
        /// Money out to another own account.
        SpendTransfer = "SPEND-TRANSFER",
    }
}

text_enum! {
    /// The state of a bank transaction.
    pub enum BankTransactionStatus {
        /// In force.
        Authorised = "AUTHORISED",
        /// Gone.
        Deleted = "DELETED",
        /// Taken back.
        Voided = "VOIDED",
    }
}

/// Money spent or received without an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BankTransaction {
    /// Its identity.
    #[serde(rename = "BankTransactionID")]
    pub bank_transaction_id: Uuid,
    /// Which way the money goes.
    #[serde(rename = "Type")]
    pub kind: Option<BankTransactionType>,
    /// Its state.
    pub status: Option<BankTransactionStatus>,
    /// Free text.
    pub reference: Option<String>,
    /// Who it is to or from.
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
    /// The prepayment that it brings, on `RECEIVE-PREPAYMENT` and `SPEND-PREPAYMENT`.
    #[serde(default, rename = "PrepaymentID")]
    pub prepayment_id: Option<Uuid>,
    /// The overpayment that it brings, on `RECEIVE-OVERPAYMENT` and `SPEND-OVERPAYMENT`.
    #[serde(default, rename = "OverpaymentID")]
    pub overpayment_id: Option<Uuid>,
    /// When it last changed.
    #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "optional_instant")]
    pub updated_at: Option<Timestamp>,
}

impl BankTransaction {
    /// The prepayment or overpayment that this transaction brings, which stands in a list of its own too: who reads both
    /// lists books one of the two. Source: Xero-OpenAPI, `BankTransaction.PrepaymentID` and `.OverpaymentID`.
    #[must_use]
    pub fn brings(&self) -> Option<Advance> {
        let prepayment = self.prepayment_id.filter(|id| !id.is_nil()).map(Advance::Prepayment);
        prepayment.or_else(|| self.overpayment_id.filter(|id| !id.is_nil()).map(Advance::Overpayment))
    }

    /// Whether its type says that it brings a prepayment or an overpayment, even where Xero names no id.
    #[must_use]
    pub fn is_advance(&self) -> bool {
        use BankTransactionType::{ReceiveOverpayment, ReceivePrepayment, SpendOverpayment, SpendPrepayment};
        let kinds = [ReceiveOverpayment, ReceivePrepayment, SpendOverpayment, SpendPrepayment];
        self.brings().is_some() || self.kind.as_ref().is_some_and(|kind| kinds.contains(kind))
    }
}

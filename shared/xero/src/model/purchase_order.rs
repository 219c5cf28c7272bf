use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{ContactRef, LineAmountTypes, LineItem, Lines, NewLineItem, contact_by_id, list_or_null};
use crate::{
    date::{optional_day, optional_instant},
    decimal::Decimal,
};

text_enum! {
    /// The state of a purchase order.
    pub enum PurchaseOrderStatus {
        /// Not yet meant.
        Draft = "DRAFT",
        /// Waiting for approval.
        Submitted = "SUBMITTED",
        /// Approved.
        Authorised = "AUTHORISED",
        /// Closed by a bill.
        Billed = "BILLED",
        /// Gone.
        Deleted = "DELETED",
    }
}

/// A purchase order. Xero keeps neither received quantities nor a link to its bill.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PurchaseOrder {
    /// Its identity.
    #[serde(rename = "PurchaseOrderID")]
    pub purchase_order_id: Uuid,
    /// Its number, unique within the organisation.
    pub purchase_order_number: Option<String>,
    /// Its state.
    pub status: Option<PurchaseOrderStatus>,
    /// Free text.
    pub reference: Option<String>,
    /// The supplier.
    pub contact: Option<ContactRef>,
    /// Its day in the organisation's calendar.
    #[serde(default, deserialize_with = "optional_day")]
    pub date: Option<Date>,
    /// The day on which the goods are wanted.
    #[serde(default, deserialize_with = "optional_day")]
    pub delivery_date: Option<Date>,
    /// The day that the supplier has promised.
    #[serde(default, deserialize_with = "optional_day")]
    pub expected_arrival_date: Option<Date>,
    /// Whether line amounts hold tax.
    pub line_amount_types: Option<LineAmountTypes>,
    /// Its lines.
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
    /// Whether it was marked as sent.
    pub sent_to_contact: Option<bool>,
    /// What the supplier is to know about the delivery.
    pub delivery_instructions: Option<String>,
    /// When it last changed.
    #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "optional_instant")]
    pub updated_at: Option<Timestamp>,
}

/// A purchase order to be made.
///
/// Of the contact only its id is sent, since other fields would overwrite those of the contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewPurchaseOrder {
    /// Its number. With one's own number the order can be found again after an unknown outcome.
    pub purchase_order_number: String,
    /// The supplier, which must exist.
    #[serde(rename = "Contact", serialize_with = "contact_by_id")]
    pub contact_id: Uuid,
    /// Draft, submitted or authorised.
    pub status: PurchaseOrderStatus,
    /// Its day in the organisation's calendar.
    pub date: Date,
    /// The day on which the goods are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_date: Option<Date>,
    /// Whether line amounts hold tax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_amount_types: Option<LineAmountTypes>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The ISO code of its currency; left out, the contact's or the organisation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_code: Option<String>,
    /// What the supplier is to know about the delivery, at most 500 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_instructions: Option<String>,
    /// Its lines.
    pub line_items: Vec<NewLineItem>,
}

/// What changes of a purchase order; what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct PurchaseOrderUpdate {
    /// Which order.
    #[serde(rename = "PurchaseOrderID")]
    pub purchase_order_id: Uuid,
    /// Its new state: see [`PurchaseOrderStatus::may_become`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<PurchaseOrderStatus>,
    /// The day on which the goods are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_date: Option<Date>,
    /// The day that the supplier has promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_arrival_date: Option<Date>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Whether it counts as sent. It is a mark, on approved and billed orders only: Xero sends nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_to_contact: Option<bool>,
    /// All lines that it has from now on.
    #[serde(rename = "LineItems", skip_serializing_if = "Option::is_none")]
    pub lines: Option<Lines>,
}

impl PurchaseOrderUpdate {
    /// An update that changes nothing yet.
    #[must_use]
    pub fn new(purchase_order_id: Uuid) -> Self {
        Self {
            purchase_order_id,
            status: None,
            delivery_date: None,
            expected_arrival_date: None,
            reference: None,
            sent_to_contact: None,
            lines: None,
        }
    }

    /// An update of the state alone.
    #[must_use]
    pub fn status(purchase_order_id: Uuid, status: PurchaseOrderStatus) -> Self {
        Self { status: Some(status), ..Self::new(purchase_order_id) }
    }
}

impl PurchaseOrderStatus {
    /// Whether Xero lets an order go from this state to `next`. Billing closes an order, makes no bill and moves no stock;
    /// it can be taken back. Whether an order can be billed before it is approved is not known, so it counts as no.
    /// Sources: XeroAPI/Xero-Net, issue 185 and its tests of purchase orders; help.xero.com, *Mark a purchase order as
    /// billed*. There is no official table.
    #[must_use]
    pub fn may_become(&self, next: &Self) -> bool {
        use PurchaseOrderStatus::{Authorised, Billed, Deleted, Draft, Submitted};
        matches!(
            (self, next),
            (Draft, Draft | Submitted | Authorised | Deleted)
                | (Submitted, Submitted | Authorised | Deleted)
                | (Authorised, Authorised | Billed | Deleted)
                | (Billed, Billed | Authorised)
        )
    }
}

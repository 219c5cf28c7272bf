use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};
use uuid::Uuid;

use super::{ContactRef, LineAmountTypes, LineItem, NewLineItem, list_or_null};
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

fn contact_by_id<S: Serializer>(contact_id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    let mut contact = serializer.serialize_struct("Contact", 1)?;
    contact.serialize_field("ContactID", contact_id)?;
    contact.end()
}

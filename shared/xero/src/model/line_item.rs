use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::list_or_null;
use crate::decimal::Decimal;

text_enum! {
    /// Whether line amounts hold tax.
    pub enum LineAmountTypes {
        /// Tax is added to them.
        Exclusive = "Exclusive",
        /// Tax is within them.
        Inclusive = "Inclusive",
        /// There is no tax.
        NoTax = "NoTax",
    }
}

/// A line of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LineItem {
    /// Its identity, which it keeps while the document is edited in Xero. An update by the API that leaves it out
    /// makes a new line.
    #[serde(rename = "LineItemID")]
    pub line_item_id: Option<Uuid>,
    /// The code of its item, if it has one.
    pub item_code: Option<String>,
    /// Its item, if Xero names it.
    pub item: Option<LineItemItem>,
    /// Its text.
    pub description: Option<String>,
    /// How many, to four decimals.
    pub quantity: Option<Decimal>,
    /// The price of one in the document's currency, to four decimals.
    pub unit_amount: Option<Decimal>,
    /// Quantity times price less discount, to two decimals.
    pub line_amount: Option<Decimal>,
    /// The code of its account.
    pub account_code: Option<String>,
    /// Its account.
    #[serde(rename = "AccountID")]
    pub account_id: Option<Uuid>,
    /// Its tax rate.
    pub tax_type: Option<String>,
    /// Its tax.
    pub tax_amount: Option<Decimal>,
    /// Its discount in percent.
    pub discount_rate: Option<Decimal>,
    /// Its discount as an amount.
    pub discount_amount: Option<Decimal>,
    /// Its tracking options, at most two.
    #[serde(default, deserialize_with = "list_or_null")]
    pub tracking: Vec<Tracking>,
}

/// The item of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LineItemItem {
    /// The item.
    #[serde(rename = "ItemID")]
    pub item_id: Option<Uuid>,
    /// Its code.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// A tracking option of a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tracking {
    /// The category.
    #[serde(rename = "TrackingCategoryID", skip_serializing_if = "Option::is_none")]
    pub tracking_category_id: Option<Uuid>,
    /// The option.
    #[serde(rename = "TrackingOptionID", skip_serializing_if = "Option::is_none")]
    pub tracking_option_id: Option<Uuid>,
    /// The category's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The option's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub option: Option<String>,
}

/// A line to be made. Xero fills from the item what is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewLineItem {
    /// The code of its item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_code: Option<String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many, to four decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Decimal>,
    /// The price of one in the document's currency, to four decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_amount: Option<Decimal>,
    /// The code of its account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_code: Option<String>,
    /// Its tax rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_type: Option<String>,
    /// Its tracking options, at most [`TRACKING_MAX`](super::TRACKING_MAX).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracking: Vec<Tracking>,
}

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{date::lenient_instant, decimal::Decimal};

/// A product or service.
///
/// A change of stock does not count as a change of the item: `updated_at` stays, and `If-Modified-Since` misses it.
/// Source: developer.xero.com, *Tracked inventory*.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Item {
    /// Its identity.
    #[serde(rename = "ItemID")]
    pub item_id: Uuid,
    /// The code that lines name it by, at most 30 characters, case-sensitive.
    pub code: String,
    /// Its name.
    pub name: Option<String>,
    /// The text of a sales line.
    pub description: Option<String>,
    /// The text of a purchase line.
    pub purchase_description: Option<String>,
    /// Whether it can be sold.
    pub is_sold: Option<bool>,
    /// Whether it can be bought.
    pub is_purchased: Option<bool>,
    /// What a purchase line begins with.
    pub purchase_details: Option<ItemPrice>,
    /// What a sales line begins with.
    pub sales_details: Option<ItemPrice>,
    /// Whether Xero keeps its quantity and value.
    pub is_tracked_as_inventory: Option<bool>,
    /// The account of its value, if tracked.
    pub inventory_asset_account_code: Option<String>,
    /// The value on hand in the base currency, if tracked.
    pub total_cost_pool: Option<Decimal>,
    /// The quantity on hand, if tracked.
    pub quantity_on_hand: Option<Decimal>,
    /// The quantity on hand less what is promised, if tracked (since August 2026).
    pub quantity_available: Option<Decimal>,
    /// The quantity sold beyond what was on hand, if tracked (since August 2026).
    pub quantity_on_back_order: Option<Decimal>,
    /// When its master data last changed.
    #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "lenient_instant")]
    pub updated_at: Option<Timestamp>,
}

/// What a line of an item begins with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ItemPrice {
    /// The price of one unit in the base currency, to four decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Decimal>,
    /// The account of the line, on items that are not tracked and on sales.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_code: Option<String>,
    /// The account of the cost of goods sold, on purchases of tracked items.
    #[serde(rename = "COGSAccountCode", skip_serializing_if = "Option::is_none")]
    pub cogs_account_code: Option<String>,
    /// The tax rate of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_type: Option<String>,
}

/// What an item is to be from now on: everything as it was read, except for what is changed here.
///
/// Xero doesn't say what becomes of fields that an update leaves out, so none is left out. What Xero works out itself
/// (quantity, cost pool, whether the item is tracked) is never sent. An edit that a person makes between reading and
/// updating is overwritten: read the item right before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ItemUpdate {
    #[serde(rename = "ItemID")]
    item_id: Uuid,
    code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_sold: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_purchased: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_details: Option<ItemPrice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sales_details: Option<ItemPrice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    inventory_asset_account_code: Option<String>,
}

impl ItemUpdate {
    /// An update that changes nothing yet.
    #[must_use]
    pub fn of(item: &Item) -> Self {
        Self {
            item_id: item.item_id,
            code: item.code.clone(),
            name: item.name.clone(),
            description: item.description.clone(),
            purchase_description: item.purchase_description.clone(),
            is_sold: item.is_sold,
            is_purchased: item.is_purchased,
            purchase_details: item.purchase_details.clone(),
            sales_details: item.sales_details.clone(),
            inventory_asset_account_code: item.inventory_asset_account_code.clone(),
        }
    }

    /// With another usual purchase price, to four decimals in the base currency.
    #[must_use]
    pub fn with_purchase_price(mut self, price: Decimal) -> Self {
        self.purchase_details.get_or_insert_default().unit_price = Some(price);
        self
    }

    /// With another usual sales price, to four decimals in the base currency.
    #[must_use]
    pub fn with_sales_price(mut self, price: Decimal) -> Self {
        self.sales_details.get_or_insert_default().unit_price = Some(price);
        self
    }
}

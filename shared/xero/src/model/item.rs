use jiff::Timestamp;
use serde::Deserialize;
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ItemPrice {
    /// The price of one unit in the base currency, to four decimals.
    pub unit_price: Option<Decimal>,
    /// The account of the line, on items that are not tracked and on sales.
    pub account_code: Option<String>,
    /// The account of the cost of goods sold, on purchases of tracked items.
    #[serde(rename = "COGSAccountCode")]
    pub cogs_account_code: Option<String>,
    /// The tax rate of the line.
    pub tax_type: Option<String>,
}

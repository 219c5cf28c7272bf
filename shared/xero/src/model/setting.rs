//! What an organisation has set up, beside its accounts.

use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::{lenient, list_or_null};
use crate::{date::lenient_instant, decimal::Decimal};

text_enum! {
    /// Whether a tax rate, a tracking category or a tracking option can be used.
    pub enum SettingStatus {
        /// It can.
        Active = "ACTIVE",
        /// It can no longer.
        Archived = "ARCHIVED",
        /// It is gone.
        Deleted = "DELETED",
        /// It waits to be confirmed.
        Pending = "PENDING",
    }
}

/// A tax rate that lines name by its type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaxRate {
    /// What lines name it by, such as `INPUT2`; `TAX001` and on are the organisation's own.
    pub tax_type: String,
    /// Its name.
    pub name: Option<String>,
    /// Whether it can be used.
    pub status: Option<SettingStatus>,
    /// What the tax report counts it as.
    pub report_tax_type: Option<String>,
    /// The rate in percent as shown, to four decimals.
    pub display_tax_rate: Option<Decimal>,
    /// The rate in percent in effect, to four decimals.
    pub effective_rate: Option<Decimal>,
    /// Whether lines on asset accounts may have it.
    pub can_apply_to_assets: Option<bool>,
    /// Whether lines on expense accounts may have it.
    pub can_apply_to_expenses: Option<bool>,
    /// Whether lines on revenue accounts may have it.
    pub can_apply_to_revenue: Option<bool>,
}

/// One of at most two active dimensions of reports. It has no quantity.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrackingCategory {
    /// Its identity.
    #[serde(rename = "TrackingCategoryID")]
    pub tracking_category_id: Uuid,
    /// Its name, at most 100 characters.
    pub name: Option<String>,
    /// Whether it can be used.
    pub status: Option<SettingStatus>,
    /// What can be chosen of it.
    #[serde(default, deserialize_with = "list_or_null")]
    pub options: Vec<TrackingOption>,
}

/// What can be chosen of a tracking category.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TrackingOption {
    /// Its identity.
    #[serde(rename = "TrackingOptionID")]
    pub tracking_option_id: Uuid,
    /// Its name, at most 100 characters.
    pub name: Option<String>,
    /// Whether it can be used.
    pub status: Option<SettingStatus>,
}

/// A currency that the organisation uses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Currency {
    /// Its ISO code.
    pub code: String,
    /// Its name.
    pub description: Option<String>,
}

/// A look of printed documents.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BrandingTheme {
    /// Its identity.
    #[serde(rename = "BrandingThemeID")]
    pub branding_theme_id: Uuid,
    /// Its name.
    pub name: Option<String>,
    /// Its place in the list; 0 is the usual one.
    #[serde(default, deserialize_with = "lenient")]
    pub sort_order: Option<i32>,
    /// When it was made.
    #[serde(default, rename = "CreatedDateUTC", deserialize_with = "lenient_instant")]
    pub created_at: Option<Timestamp>,
}

/// Something that plan and permissions allow the connected user to do, or not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Action {
    /// Its name, such as `CreateApprovedBill`.
    pub name: String,
    /// Whether it is allowed.
    pub status: Option<ActionStatus>,
}

text_enum! {
    /// Whether an action is allowed.
    pub enum ActionStatus {
        /// It is.
        Allowed = "ALLOWED",
        /// It is not: by the plan, by its monthly cap or by the user's role.
        NotAllowed = "NOT-ALLOWED",
    }
}

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use uuid::Uuid;

use super::lenient;
use crate::date::{lenient_day, lenient_instant};

/// The organisation behind the connection.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Organisation {
    /// Its identity in the accounting API. Webhooks name the organisation by a tenant id, which is another id.
    #[serde(rename = "OrganisationID")]
    pub organisation_id: Uuid,
    /// The name shown in Xero.
    pub name: Option<String>,
    /// The name in law.
    pub legal_name: Option<String>,
    /// The ISO code of the currency its books are kept in.
    pub base_currency: Option<String>,
    /// The ISO code of its country.
    pub country_code: Option<String>,
    /// Its time zone as an upper-case Windows name without spaces, such as `NEWZEALANDSTANDARDTIME`.
    pub timezone: Option<String>,
    /// The code used in links into Xero.
    pub short_code: Option<String>,
    /// Whether it is Xero's demo company.
    #[serde(default, deserialize_with = "lenient")]
    pub is_demo_company: Option<bool>,
    /// `ACTIVE` and the like.
    pub organisation_status: Option<String>,
    /// The subscription, such as `STANDARD` or `GROW`.
    pub class: Option<String>,
    /// `BUSINESS` or `PARTNER`.
    pub edition: Option<String>,
    /// How sales tax is accounted for.
    pub sales_tax_basis: Option<String>,
    /// Documents up to this day can't be changed, except by an adviser.
    #[serde(default, deserialize_with = "lenient_day")]
    pub period_lock_date: Option<Date>,
    /// Documents up to this day can't be changed.
    #[serde(default, deserialize_with = "lenient_day")]
    pub end_of_year_lock_date: Option<Date>,
    /// The last day of the financial year, within its month.
    #[serde(default, deserialize_with = "lenient")]
    pub financial_year_end_day: Option<i32>,
    /// The last month of the financial year, 1 to 12.
    #[serde(default, deserialize_with = "lenient")]
    pub financial_year_end_month: Option<i32>,
    /// When it was made.
    #[serde(default, rename = "CreatedDateUTC", deserialize_with = "lenient_instant")]
    pub created_at: Option<Timestamp>,
}

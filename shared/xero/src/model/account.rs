use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use crate::date::lenient_instant;

text_enum! {
    /// The side of the books an account is on.
    pub enum AccountClass {
        /// What is owned.
        Asset = "ASSET",
        /// What belongs to the owners.
        Equity = "EQUITY",
        /// What is spent.
        Expense = "EXPENSE",
        /// What is owed.
        Liability = "LIABILITY",
        /// What is earned.
        Revenue = "REVENUE",
    }
}

text_enum! {
    /// Whether an account can be used.
    pub enum AccountStatus {
        /// It can.
        Active = "ACTIVE",
        /// It can no longer.
        Archived = "ARCHIVED",
        /// It is gone.
        Deleted = "DELETED",
    }
}

/// An account of the chart of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Account {
    /// Its identity.
    #[serde(rename = "AccountID")]
    pub account_id: Uuid,
    /// The code that documents name it by; bank accounts may have none.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Its type, such as `INVENTORY`, `CURRENT`, `DIRECTCOSTS`, `SALES` or `BANK`.
    #[serde(rename = "Type")]
    pub kind: Option<String>,
    /// Whether it can be used.
    pub status: Option<AccountStatus>,
    /// The side of the books it is on.
    pub class: Option<AccountClass>,
    /// What Xero itself uses it for, such as `DEBTORS`; empty or absent for most.
    pub system_account: Option<String>,
    /// The tax rate it takes unless a line says otherwise.
    pub tax_type: Option<String>,
    /// The ISO code of its currency, on bank accounts.
    pub currency_code: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// When it last changed.
    #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "lenient_instant")]
    pub updated_at: Option<Timestamp>,
}

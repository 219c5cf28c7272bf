//! How a person wants cost of goods sold in Xero, and whether that can be.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document::Account;
use crate::manual_journal::JournalState;

/// Xero's type of the account that untracked stock lies on.
const STOCK_TYPE: &str = "CURRENT";
/// Xero's type of the account that cost of goods sold goes to.
const COGS_TYPE: &str = "DIRECTCOSTS";

/// How a person wants cost of goods sold in Xero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CogsSettings {
    /// Code of the account that untracked stock lies on.
    pub stock_account: String,
    /// Code of the account that cost of goods sold goes to.
    pub cogs_account: String,
    /// How much one journal sums up.
    pub every: Every,
    /// In which state journals come to Xero.
    #[serde(default, rename = "as")]
    pub state: JournalState,
}

/// How much one journal sums up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// A day.
    Day,
    /// A calendar month.
    Month,
}

/// Why cost of goods sold is not journaled with these accounts.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccountProblem {
    /// Xero lists no such account.
    #[error("Xero lists no account {0}: name another in the setting `cogs`")]
    Unknown(String),
    /// The account of tracked stock.
    #[error(
        "account {0} has the type INVENTORY: it holds tracked stock, which Xero costs itself and no journal may move. Make an account \
         of the type CURRENT for untracked stock and name it in the setting `cogs`"
    )]
    Tracked(String),
    /// Another type than is needed.
    #[error(
        "account {code} has the type {kind}, but {what} needs one of the type {needed}: name another in the setting `cogs`"
    )]
    Type {
        /// The account's code.
        code: String,
        /// Its type.
        kind: String,
        /// What it was named for.
        what: &'static str,
        /// What is needed.
        needed: &'static str,
    },
}

impl CogsSettings {
    /// Whether the two accounts are what they have to be, so that nothing is counted twice.
    ///
    /// # Errors
    /// [`AccountProblem`] says what is wrong and what to do.
    pub fn check(&self, accounts: &[Account]) -> Result<(), AccountProblem> {
        let wanted = [
            (&self.stock_account, STOCK_TYPE, "untracked stock"),
            (&self.cogs_account, COGS_TYPE, "cost of goods sold"),
        ];
        for (code, needed, what) in wanted {
            let account = accounts.iter().find(|account| account.code == *code);
            match account.map(|account| account.kind.as_str()) {
                None => return Err(AccountProblem::Unknown(code.clone())),
                Some(kind) if kind == needed => {}
                Some("INVENTORY") => return Err(AccountProblem::Tracked(code.clone())),
                Some(kind) => {
                    return Err(AccountProblem::Type {
                        code: code.clone(),
                        kind: kind.to_owned(),
                        what,
                        needed,
                    });
                }
            }
        }
        Ok(())
    }
}

//! Manual journals as they go to Xero and as Xero holds them.

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::fixed::{self, Money};
use crate::ids::DocumentId;

/// A manual journal that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManualJournal {
    /// Its date.
    pub date: Date,
    /// What it says.
    pub narration: String,
    /// Its lines, which come to zero together.
    pub lines: Vec<ManualJournalLine>,
    /// In which state it comes to Xero.
    pub state: JournalState,
    /// By what it is known in Xero: a part of its narration.
    pub mark: String,
}

/// A line of a manual journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualJournalLine {
    /// The account's code.
    pub account: String,
    /// What it says.
    pub what: String,
    /// Debit above zero, credit below; whole minor units.
    pub amount: Money,
}

/// In which state a journal comes to Xero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalState {
    /// As a draft, which a person posts.
    #[default]
    Draft,
    /// Posted at once.
    Posted,
}

/// Decimals of a manual journal's amounts in Xero, whatever the currency has.
const DECIMALS_MAX: u32 = 2;

/// Decimals of a journal's amounts in a base currency.
pub fn decimals(currency: &str) -> u32 {
    fixed::decimals(currency).min(DECIMALS_MAX)
}

/// The mark by which a journal is known: Xero gives journals no number.
pub fn mark(number: impl Display) -> String {
    format!("[parstock {number}]")
}

/// A text from outside that is to stand in a narration: it must not look like the mark of a journal.
pub fn plain(text: &str) -> String {
    text.replace(['[', ']'], "")
}

/// A manual journal as Xero holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalInXero {
    /// Its Xero id.
    pub id: DocumentId,
    /// In which state it is there.
    pub state: StateInXero,
    /// What it says.
    pub narration: String,
    /// Debits above zero, credits below, by account.
    pub amounts: BTreeMap<String, Money>,
}

/// The state of a journal in Xero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateInXero {
    /// A draft.
    Draft,
    /// Posted.
    Posted,
    /// Deleted, voided or archived.
    Gone,
}

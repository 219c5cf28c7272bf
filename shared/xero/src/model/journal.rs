use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{LineAmountTypes, Tracking, list_or_null};
use crate::{
    date::{optional_day, optional_instant},
    decimal::Decimal,
    error::InputError,
};

text_enum! {
    /// The state of a manual journal.
    pub enum JournalStatus {
        /// Not yet in the books.
        Draft = "DRAFT",
        /// In the books.
        Posted = "POSTED",
        /// Thrown away before posting.
        Deleted = "DELETED",
        /// Taken back after posting.
        Voided = "VOIDED",
        /// Put away.
        Archived = "ARCHIVED",
    }
}

impl JournalStatus {
    /// Whether an app may move a journal from this state to `next`. Source: developer.xero.com, *Manual journals*.
    #[must_use]
    pub fn may_become(&self, next: &Self) -> bool {
        use JournalStatus::{Deleted, Draft, Posted, Voided};
        matches!((self, next), (Draft, Draft | Posted | Deleted) | (Posted, Posted | Voided))
    }
}

/// A journal that a person or an app wrote. It knows no items.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManualJournal {
    /// Its identity.
    #[serde(rename = "ManualJournalID")]
    pub manual_journal_id: Uuid,
    /// What it is for.
    pub narration: Option<String>,
    /// Its day in the organisation's calendar.
    #[serde(default, deserialize_with = "optional_day")]
    pub date: Option<Date>,
    /// Its state.
    pub status: Option<JournalStatus>,
    /// Whether line amounts hold tax.
    pub line_amount_types: Option<LineAmountTypes>,
    /// Its lines; empty in answers without paging.
    #[serde(default, deserialize_with = "list_or_null")]
    pub journal_lines: Vec<JournalLine>,
    /// A link back to the app that made it.
    pub url: Option<String>,
    /// When it last changed.
    #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "optional_instant")]
    pub updated_at: Option<Timestamp>,
}

/// A line of a manual journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct JournalLine {
    /// Above zero a debit, below zero a credit.
    pub line_amount: Option<Decimal>,
    /// The code of its account.
    pub account_code: Option<String>,
    /// Its account.
    #[serde(rename = "AccountID")]
    pub account_id: Option<Uuid>,
    /// Its text.
    pub description: Option<String>,
    /// Its tax rate.
    pub tax_type: Option<String>,
    /// Its tracking options, at most two.
    #[serde(default, deserialize_with = "list_or_null")]
    pub tracking: Vec<Tracking>,
}

/// The states in which a manual journal may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum NewJournalStatus {
    /// Not yet in the books.
    Draft,
    /// In the books at once.
    Posted,
}

/// A manual journal to be made, without tax. It has no number: what makes it findable after an unknown outcome is its
/// narration or its link (see [`JournalMark`](crate::JournalMark)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewManualJournal {
    narration: String,
    date: Date,
    status: NewJournalStatus,
    line_amount_types: LineAmountTypes,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    journal_lines: Vec<NewJournalLine>,
}

/// A line of a manual journal to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct NewJournalLine {
    /// Above zero a debit, below zero a credit, to two decimals.
    pub line_amount: Decimal,
    /// The code of its account: none of receivables, payables, a bank, retained earnings or tracked inventory.
    pub account_code: String,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its tracking options, at most [`TRACKING_MAX`](super::TRACKING_MAX).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracking: Vec<Tracking>,
}

impl NewManualJournal {
    /// A journal of at least two lines that come to zero.
    ///
    /// # Errors
    /// [`InputError`] if the narration is empty, if there are fewer lines, or if debits and credits differ.
    pub fn new(
        narration: impl Into<String>,
        date: Date,
        status: NewJournalStatus,
        lines: Vec<NewJournalLine>,
    ) -> Result<Self, InputError> {
        let narration = narration.into();
        if narration.trim().is_empty() {
            return Err(InputError::Empty { what: "narration" });
        }
        if lines.len() < 2 {
            return Err(InputError::Lines { why: "a journal needs two" });
        }
        let mut sum = 0_i128;
        for line in &lines {
            let amount = line.line_amount.to_e4();
            let amount = amount.map_err(|_| InputError::Lines { why: "an amount has too many digits" })?;
            sum += i128::from(amount);
        }
        if sum != 0 {
            return Err(InputError::Lines { why: "debits and credits of a journal must be equal" });
        }
        let line_amount_types = LineAmountTypes::NoTax;
        Ok(Self { narration, date, status, line_amount_types, url: None, journal_lines: lines })
    }

    /// With a link back to the app, shown in Xero.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Its day.
    #[must_use]
    pub fn date(&self) -> Date {
        self.date
    }

    /// The state in which it begins.
    #[must_use]
    pub fn status(&self) -> NewJournalStatus {
        self.status
    }

    /// Its lines.
    #[must_use]
    pub fn lines(&self) -> &[NewJournalLine] {
        &self.journal_lines
    }
}

/// A change of a manual journal's state. Xero wants the narration with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManualJournalUpdate {
    /// Which journal.
    #[serde(rename = "ManualJournalID")]
    pub manual_journal_id: Uuid,
    /// Its narration, the same or a new one.
    pub narration: String,
    /// Its new state: see [`JournalStatus::may_become`].
    pub status: JournalStatus,
}

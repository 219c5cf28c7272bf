use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{date::lenient_instant, error::InputError};

/// The longest note that Xero takes, in characters.
pub const HISTORY_NOTE_MAX: usize = 2_500;

/// Which kind of resource a history belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryOf {
    /// A purchase order.
    PurchaseOrder,
    /// A sales invoice or a bill.
    Invoice,
    /// A credit note.
    CreditNote,
    /// A bank transaction.
    BankTransaction,
    /// An item.
    Item,
    /// A contact.
    Contact,
    /// A manual journal.
    ManualJournal,
    /// A payment.
    Payment,
    /// A prepayment.
    Prepayment,
    /// An overpayment.
    Overpayment,
}

impl HistoryOf {
    /// The resource's path.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::PurchaseOrder => "PurchaseOrders",
            Self::Invoice => "Invoices",
            Self::CreditNote => "CreditNotes",
            Self::BankTransaction => "BankTransactions",
            Self::Item => "Items",
            Self::Contact => "Contacts",
            Self::ManualJournal => "ManualJournals",
            Self::Payment => "Payments",
            Self::Prepayment => "Prepayments",
            Self::Overpayment => "Overpayments",
        }
    }

    /// The name under which calls are counted.
    pub(crate) fn counted_as(self) -> &'static str {
        match self {
            Self::PurchaseOrder => "PurchaseOrders/History",
            Self::Invoice => "Invoices/History",
            Self::CreditNote => "CreditNotes/History",
            Self::BankTransaction => "BankTransactions/History",
            Self::Item => "Items/History",
            Self::Contact => "Contacts/History",
            Self::ManualJournal => "ManualJournals/History",
            Self::Payment => "Payments/History",
            Self::Prepayment => "Prepayments/History",
            Self::Overpayment => "Overpayments/History",
        }
    }
}

/// One entry of a history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HistoryRecord {
    /// What was noted.
    pub details: Option<String>,
    /// What happened, such as `Created`, `Edited` or `Note`.
    pub changes: Option<String>,
    /// Who did it; notes by the API show `System Generated`.
    pub user: Option<String>,
    /// When.
    #[serde(default, rename = "DateUTC", deserialize_with = "lenient_instant")]
    pub at: Option<Timestamp>,
}

/// A note to be added to a history. It can be neither changed nor removed afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HistoryNote {
    details: String,
}

impl HistoryNote {
    /// A note of at most [`HISTORY_NOTE_MAX`] characters.
    ///
    /// # Errors
    /// [`InputError`] if it is longer, or empty.
    pub fn new(text: impl Into<String>) -> Result<Self, InputError> {
        let details = text.into();
        // Xero's own texts are counted in UTF-16 units, so this is never too few.
        let length = details.encode_utf16().count();
        if length > HISTORY_NOTE_MAX {
            return Err(InputError::TooLong { what: "history note", length, limit: HISTORY_NOTE_MAX });
        }
        if details.trim().is_empty() {
            return Err(InputError::Empty { what: "history note" });
        }
        Ok(Self { details })
    }
}

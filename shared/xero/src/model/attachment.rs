use serde::Deserialize;
use uuid::Uuid;

use super::lenient;
use crate::error::InputError;

/// The attachments of one document: the most that Xero keeps. Source: developer.xero.com, *Attachments*.
pub const ATTACHMENTS_MAX: usize = 10;
/// The longest attachment that is sent, in bytes. Source: developer.xero.com, *Attachments*.
pub const ATTACHMENT_BYTES_MAX: usize = 10 * 1024 * 1024;
/// The longest file name that is sent, in characters: our own bound, so that addresses stay short.
pub const FILE_NAME_MAX: usize = 100;

/// Which kind of document an attachment belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachmentOf {
    /// A purchase order.
    PurchaseOrder,
    /// A sales invoice or a bill.
    Invoice,
    /// A credit note.
    CreditNote,
    /// A bank transaction.
    BankTransaction,
    /// A manual journal.
    ManualJournal,
}

impl AttachmentOf {
    /// The document's path.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::PurchaseOrder => "PurchaseOrders",
            Self::Invoice => "Invoices",
            Self::CreditNote => "CreditNotes",
            Self::BankTransaction => "BankTransactions",
            Self::ManualJournal => "ManualJournals",
        }
    }

    /// The name under which calls are counted.
    pub(crate) fn counted_as(self) -> &'static str {
        match self {
            Self::PurchaseOrder => "PurchaseOrders/Attachments",
            Self::Invoice => "Invoices/Attachments",
            Self::CreditNote => "CreditNotes/Attachments",
            Self::BankTransaction => "BankTransactions/Attachments",
            Self::ManualJournal => "ManualJournals/Attachments",
        }
    }
}

/// A file beside a document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attachment {
    /// Its identity.
    #[serde(rename = "AttachmentID")]
    pub attachment_id: Uuid,
    /// Its name.
    pub file_name: Option<String>,
    /// Its form, such as `application/pdf`.
    pub mime_type: Option<String>,
    /// Its length in bytes.
    #[serde(default, deserialize_with = "lenient")]
    pub content_length: Option<u64>,
    /// Where it is.
    pub url: Option<String>,
}

/// A file to be put beside a document. Xero tells its form by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAttachment {
    pub(crate) file_name: String,
    pub(crate) content: Vec<u8>,
}

/// Characters that a file name may not have.
const NOT_IN_NAMES: [char; 9] = ['<', '>', ':', '"', '/', '\\', '|', '?', '*'];

impl NewAttachment {
    /// A file of at most [`ATTACHMENT_BYTES_MAX`] bytes.
    ///
    /// # Errors
    /// [`InputError`] if it is empty or longer, or if its name can't be sent.
    pub fn new(file_name: impl Into<String>, content: Vec<u8>) -> Result<Self, InputError> {
        let file_name = file_name.into();
        let what = "file name";
        let length = file_name.chars().count();
        if file_name.trim_matches([' ', '.']).is_empty() {
            return Err(InputError::Empty { what });
        }
        if length > FILE_NAME_MAX {
            return Err(InputError::TooLong { what, length, limit: FILE_NAME_MAX });
        }
        if file_name.chars().any(|letter| letter.is_control() || NOT_IN_NAMES.contains(&letter)) {
            return Err(InputError::Characters { what, why: "no path, no control characters" });
        }
        if content.is_empty() {
            return Err(InputError::Empty { what: "file" });
        }
        if content.len() > ATTACHMENT_BYTES_MAX {
            let bytes = content.len();
            return Err(InputError::TooLarge { what: "file", bytes, limit: ATTACHMENT_BYTES_MAX });
        }
        Ok(Self { file_name, content })
    }

    /// Its attachment among those that a document has already: the same name with the same length. After an unknown
    /// outcome that means the first try succeeded.
    #[must_use]
    pub fn among<'a>(&self, present: &'a [Attachment]) -> Option<&'a Attachment> {
        present.iter().find(|known| {
            known.file_name.as_deref() == Some(self.file_name.as_str())
                && known.content_length == u64::try_from(self.content.len()).ok()
        })
    }

    /// Whether there is room for it beside those that a document has.
    ///
    /// # Errors
    /// [`InputError::TooMany`] if there are [`ATTACHMENTS_MAX`] already.
    pub fn fits(&self, present: &[Attachment]) -> Result<(), InputError> {
        if present.len() >= ATTACHMENTS_MAX {
            let count = present.len() + 1;
            return Err(InputError::TooMany {
                what: "attachments of a document",
                count,
                limit: ATTACHMENTS_MAX,
            });
        }
        Ok(())
    }
}

//! Why an act was not done, or a world not opened.

use crate::act::DocumentName;

/// Why Xero did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum XeroError {
    /// Refused with Xero's validation messages; nothing changed.
    #[error("refused: {}", .0.join("; "))]
    Refused(Vec<String>),
    /// There is no such document.
    #[error("there is no {:?} numbered {:?}", .0.kind, .0.number)]
    NoSuchDocument(DocumentName),
    /// The organisation has not been set up.
    #[error("apply Act::SetUpOrganisation first")]
    NoOrganisation,
    /// The act could not be stored. What is in memory may be ahead of the file: open the world again.
    #[error("the act could not be stored, open the world again: {0}")]
    Store(#[from] rusqlite::Error),
}

impl XeroError {
    /// A refusal with one message.
    pub(crate) fn refused(message: impl Into<String>) -> XeroError {
        XeroError::Refused(vec![message.into()])
    }
}

/// Why a world could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file can't be read or written.
    #[error("the simulator's file: {0}")]
    Store(#[from] rusqlite::Error),
    /// The file was written with another seed, other switches or an older program.
    #[error("the simulator's file was written with {found}, not {wanted}: remove the file to start anew")]
    OtherWorld {
        /// What the file says.
        found: String,
        /// What was asked for.
        wanted: String,
    },
    /// A stored act can't be repeated.
    #[error(
        "act {number} of the simulator's file can't be repeated ({cause}): remove the file to start anew"
    )]
    Unrepeatable {
        /// Its place in the file.
        number: i64,
        /// What went wrong.
        cause: String,
    },
}

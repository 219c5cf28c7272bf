//! Errors by what the caller can do about them.

use std::any::Any;

use jiff::Timestamp;
use parstock_domain::fixed::FixedError;
use parstock_domain::ids::DayIsFull;
use thiserror::Error;

use crate::ports::{BooksError, CommitError, SendError, StoreError};

/// Why a use case did not finish.
#[derive(Debug, Error)]
pub enum AppError {
    /// It can't be served now through no fault of the message: a limit, a parked tenant, a lease that
    /// another worker holds. Record it as due and acknowledge.
    #[error("not now, try again from {until}: {why}")]
    NotNow {
        /// From when on it may be served.
        until: Timestamp,
        /// What stands in the way.
        why: String,
    },
    /// Xero did not answer, which may last for hours and is no message's fault. Record it as due and
    /// acknowledge, as with [`AppError::NotNow`].
    #[error("Xero did not answer: {0}")]
    Unreachable(String),
    /// It failed and may succeed when tried again: give the message back.
    #[error("{0}")]
    Retry(String),
    /// It can never succeed as it is.
    #[error("{0}")]
    Reject(String),
    /// A person has to do something first; the text says what.
    #[error("{0}")]
    NeedsPerson(String),
    /// What must not happen happened.
    #[error("this is a bug in parstock: {0}")]
    Bug(String),
}

impl AppError {
    /// Its kind in one word, for the log.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::NotNow { .. } => "not_now",
            Self::Unreachable(_) => "unreachable",
            Self::Retry(_) => "retry",
            Self::Reject(_) => "reject",
            Self::NeedsPerson(_) => "needs_person",
            Self::Bug(_) => "bug",
        }
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::Retry(format!("the store did not answer: {why}")),
            StoreError::Unreadable { .. } => Self::Bug(error.to_string()),
        }
    }
}

impl From<CommitError> for AppError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { .. } | CommitError::Unknown(_) => Self::Retry(error.to_string()),
            CommitError::Impossible(_) => Self::Bug(error.to_string()),
        }
    }
}

impl From<BooksError> for AppError {
    fn from(error: BooksError) -> Self {
        match error {
            BooksError::NotNow { until, why } => Self::NotNow { until, why },
            BooksError::Retry(why) | BooksError::Unknown(why) => Self::Unreachable(why),
            BooksError::Reject(why) => Self::Reject(why),
            BooksError::NeedsPerson(why) => Self::NeedsPerson(why),
        }
    }
}

impl From<SendError> for AppError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused(why) => Self::Reject(why),
            SendError::Retry(why) | SendError::Unknown(why) => Self::Retry(why),
        }
    }
}

impl From<FixedError> for AppError {
    fn from(error: FixedError) -> Self {
        Self::Reject(format!("a figure is beyond what the ledger can hold: {error}"))
    }
}

impl From<DayIsFull> for AppError {
    fn from(error: DayIsFull) -> Self {
        Self::Reject(error.to_string())
    }
}

impl From<serde_json::Error> for AppError {
    fn from(error: serde_json::Error) -> Self {
        Self::Bug(format!("a value could not be written as JSON: {error}"))
    }
}

/// What a panic said.
pub(crate) fn panic_words(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    words.unwrap_or("a panic without words").to_owned()
}

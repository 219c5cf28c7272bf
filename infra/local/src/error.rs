//! Why a command ended without doing its work, with the exit code that says whose turn it is.

use parstock_app::error::AppError;
use parstock_app::ports::{BooksError, StoreError};
use thiserror::Error;

/// Exit code when all was done.
pub const DONE: u8 = 0;
/// Exit code when a check found differences.
pub const DIFFERENCES: u8 = 1;
/// Exit code of wrong usage or bad input.
pub const BAD_INPUT: u8 = 2;
/// Exit code when something outside failed: Xero, the disk, another process.
pub const OUTSIDE_FAILED: u8 = 3;

/// Why a command failed.
#[derive(Debug, Error)]
pub enum LocalError {
    /// The person's turn: a wrong file, a missing setting; the text says what to do.
    #[error("{0}")]
    Input(String),
    /// The outside's turn: the text says what failed and what to do.
    #[error("{0}")]
    Outside(String),
}

impl LocalError {
    /// The exit code.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) => BAD_INPUT,
            Self::Outside(_) => OUTSIDE_FAILED,
        }
    }

    /// Something outside failed.
    pub fn outside(what: impl std::fmt::Display) -> Self {
        Self::Outside(what.to_string())
    }
}

impl From<AppError> for LocalError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Reject(what) => Self::Input(what),
            other => Self::Outside(other.to_string()),
        }
    }
}

impl From<BooksError> for LocalError {
    fn from(error: BooksError) -> Self {
        match error {
            BooksError::NeedsPerson(what) => Self::Input(what),
            other => Self::Outside(other.to_string()),
        }
    }
}

impl From<rusqlite::Error> for LocalError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Outside(format!("the data folder's local.sqlite can't be used: {error}"))
    }
}

impl From<StoreError> for LocalError {
    fn from(error: StoreError) -> Self {
        Self::Outside(error.to_string())
    }
}

impl From<parstock_xero_sim::XeroError> for LocalError {
    fn from(error: parstock_xero_sim::XeroError) -> Self {
        Self::Outside(format!("the simulated Xero: {error}"))
    }
}

impl From<parstock_xero_sim::OpenError> for LocalError {
    fn from(error: parstock_xero_sim::OpenError) -> Self {
        Self::Outside(error.to_string())
    }
}

impl From<serde_json::Error> for LocalError {
    fn from(error: serde_json::Error) -> Self {
        Self::Outside(format!("a stored value can't be read: {error}"))
    }
}

//! Deciding anew what another worker's commit has foiled.

use jiff::Timestamp;

use crate::error::AppError;
use crate::ports::{Clock, Ports};

/// Times that something is decided anew.
const TRIES_MAX: u32 = 10;

/// The tries of one decision. A person does not wait for the org's lease: the conditions of the commit are the guarantee.
pub(crate) struct Tries {
    began: Timestamp,
    made: u32,
}

impl Tries {
    /// Before the first.
    pub fn begin(ports: &impl Ports) -> Self {
        Self { began: ports.clock().now(), made: 0 }
    }

    /// When the first began, if this is a later one: an earlier one whose answer was lost may have got through since then.
    pub fn began_before(&self) -> Option<Timestamp> {
        (self.made > 0).then_some(self.began)
    }

    /// When the first began.
    pub const fn began(&self) -> Timestamp {
        self.began
    }

    /// Goes on to the next try, if another worker was quicker and there were not too many.
    ///
    /// # Errors
    /// What ended the try, if it is the last.
    pub fn next(&mut self, error: AppError) -> Result<(), AppError> {
        self.made = self.made.saturating_add(1);
        match error {
            AppError::Retry(_) if self.made < TRIES_MAX => Ok(()),
            error => Err(error),
        }
    }
}

//! What is left of an app's minute, known to all organisations of a process.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a header said was left, believed until the window it spoke of is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(crate) calls: u32,
    pub(crate) until: Timestamp,
}

/// What the last answer to any organisation said was left of the app's calls of this minute.
///
/// Xero counts 10,000 calls a minute over all organisations of an app (`X-AppMinLimit-Remaining`), and each organisation's
/// [`BudgetState`](crate::BudgetState) knows only what its own last answer said. One value of this for each app and process,
/// handed to every budget, lets an organisation know what another has just learnt; it costs no call and no row. What other
/// processes have under way it does not know, and that is what [`Reserve::app_minute`](crate::Reserve) is for.
#[derive(Debug, Default)]
pub struct AppMinute(Mutex<Option<Left>>);

impl AppMinute {
    /// Keeps what an answer said.
    pub(crate) fn hear(&self, left: Left) {
        // One value, whole whatever panics elsewhere.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }

    /// What is left, as far as that is known at `now`.
    pub(crate) fn left(&self, now: Timestamp) -> Option<Left> {
        let left = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        left.filter(|left| left.until > now)
    }
}

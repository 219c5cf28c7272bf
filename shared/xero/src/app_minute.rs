//! What is left of an app's minute, over all organisations that are reached with it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::limits::{RateProblem, Usage, WINDOW, later};

/// Calls left below which organisations have to know of each other. No priority leaves more to those above it.
const SCARCE_BELOW: u32 = 6_000;

/// What a header said was left, believed until the window it spoke of is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    pub(crate) calls: u32,
    pub(crate) until: Timestamp,
}

/// What the latest answer to any organisation said was left of the app's calls of this minute.
///
/// Xero counts 10,000 calls a minute over all organisations of an app (`X-AppMinLimit-Remaining`), and each organisation's
/// [`BudgetState`](crate::BudgetState) knows only what its own last answer said. One value of this for each app, shared as the budgets
/// are, lets an organisation know what another has just learnt. The calls that are under way it does not know, and that is what
/// [`Reserve::app_minute`](crate::Reserve) is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppMinute {
    left: Option<Left>,
    /// A refusal holds until Xero's own instant, whatever answers from before it say.
    refused: bool,
}

impl AppMinute {
    /// Learns what the answers to a grant said.
    pub fn hear(&mut self, usage: &Usage, now: Timestamp) {
        let refusal = usage.refused.filter(|refused| refused.problem == RateProblem::AppMinute);
        if let Some(refusal) = refusal {
            self.left = Some(Left { calls: 0, until: later(now, refusal.pause()) });
            self.refused = true;
        } else if let Some(calls) = usage.remaining.app_minute
            && !(self.refused && self.left(now).is_some())
        {
            self.left = Some(Left { calls, until: later(now, WINDOW) });
            self.refused = false;
        }
    }

    /// Whether so little is left that others have to know. A store that shares this need not be written while it neither was nor
    /// is so.
    #[must_use]
    pub fn is_scarce(&self, now: Timestamp) -> bool {
        self.left(now).is_some_and(|left| left.calls < SCARCE_BELOW)
    }

    /// What is left, as far as that is known at `now`.
    pub(crate) fn left(&self, now: Timestamp) -> Option<&Left> {
        self.left.as_ref().filter(|left| left.until > now)
    }
}

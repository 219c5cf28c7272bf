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

/// What the latest answer to any organisation that was heard of said was left of the app's calls of this minute.
///
/// Xero counts 10,000 calls a minute over all organisations of an app (`X-AppMinLimit-Remaining`), and each organisation's
/// [`BudgetState`](crate::BudgetState) knows only what its own last answer said. One value of this for each app, shared as the budgets
/// are, lets an organisation know what another has just learnt. The calls that are under way it does not know, and that is what
/// [`Reserve::app_minute`](crate::Reserve) is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppMinute {
    left: Option<Left>,
    heard_at: Option<Timestamp>,
    /// A refusal holds until Xero's own instant, whatever answers from before it say.
    refused: bool,
}

impl AppMinute {
    /// Learns what the last answer to a grant said, unless a later one was heard already.
    pub fn hear(&mut self, usage: &Usage, now: Timestamp) {
        let answered_at = usage.answered_at.unwrap_or(now);
        let refusal = usage.refused.filter(|refused| refused.problem == RateProblem::AppMinute);
        let (left, refused) = match (refusal, usage.remaining.app_minute) {
            (Some(refusal), _) => (Left { calls: 0, until: later(answered_at, refusal.pause()) }, true),
            (None, Some(calls)) => (Left { calls, until: later(answered_at, WINDOW) }, false),
            (None, None) => return,
        };
        let is_refused = self.refused && self.left(now).is_some();
        let is_old = self.heard_at.is_some_and(|heard_at| answered_at < heard_at);
        if refused || !(is_refused || is_old) {
            *self = Self { left: Some(left), heard_at: Some(answered_at), refused };
        }
    }

    /// Whether others have to hear of it, who know what was `before`: little is left, and less than they know of, or it isn't little
    /// any more.
    #[must_use]
    pub fn is_news_after(&self, before: &Self, now: Timestamp) -> bool {
        let calls = |minute: &Self| minute.left(now).map(|left| left.calls);
        match (calls(before), calls(self)) {
            (Some(before), Some(after)) if before < SCARCE_BELOW && after < SCARCE_BELOW => after < before,
            (before, after) => {
                before.is_some_and(|before| before < SCARCE_BELOW)
                    || after.is_some_and(|after| after < SCARCE_BELOW)
            }
        }
    }

    /// What is left, as far as that is known at `now`.
    pub(crate) fn left(&self, now: Timestamp) -> Option<&Left> {
        self.left.as_ref().filter(|left| left.until > now)
    }
}

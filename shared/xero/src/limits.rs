//! Xero's rate limits, shared by every process that calls for the same organisation.
//!
//! Xero allows each app, for each organisation, 5 calls at once, 60 a minute and 1,000 or 5,000 a day (by tier),
//! and 10,000 a minute over all organisations. It tells what is left in the headers of each answer and answers
//! 429 beyond it. Sources: developer.xero.com, *OAuth 2.0 API limits*; the tiers of March 2026.
//!
//! [`BudgetState`] is the whole accounting as one small value. A store shares it between processes by reading
//! it, calling [`grant`](BudgetState::grant) or [`settle`](BudgetState::settle), and writing it back under the
//! condition that nobody wrote in between. [`MemoryBudget`] does so for one process.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::app_minute::{AppMinute, Left};
use crate::error::{StoreError, Wait};

/// The most calls in any 60 seconds. Xero allows 60; five are left for clocks that differ and for calls made by
/// hand with the same app.
pub const MINUTE_CEILING: u32 = 55;
/// The most grants under way at once: each makes its calls one after another, and Xero allows five at once.
pub const CONCURRENT_CEILING: u32 = 5;
/// The most calls of one grant, so that no session holds a large part of a minute that others wait for.
pub const GRANT_CALLS_MAX: u32 = 20;
/// How long a grant holds its place when nobody settles it, as after a crash.
pub const GRANT_LIFETIME: SignedDuration = SignedDuration::from_secs(180);
/// The calls of a day on the smallest tier, assumed until an answer says more.
pub const STARTER_DAY_LIMIT: u32 = 1_000;

/// The window of the minute limit. Xero's is fixed; any 60 seconds is stricter and needs no knowledge of its start.
pub(crate) const WINDOW: SignedDuration = SignedDuration::from_secs(60);
/// Past calls are kept by the instant at which they leave the window, rounded up to this many seconds, so that the
/// state stays small.
const WINDOW_STEP_SECONDS: i64 = 5;
/// The window of the day limit.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// When to ask again if only other sessions stand in the way: they may end at any moment.
const BUSY_RETRY: SignedDuration = SignedDuration::from_secs(2);
/// What a poll of five calls every 15 minutes takes of a day.
const POLL_CALLS_OF_A_DAY: u32 = 480;
/// How many more calls than expected must be left before a new day is believed to have begun: answers of parallel
/// sessions can arrive in another order than they were given.
const DAY_JUMP: u32 = CONCURRENT_CEILING * GRANT_CALLS_MAX;
/// Parking after a 429 without `Retry-After`.
const CONCURRENT_PARK: SignedDuration = SignedDuration::from_secs(5);
/// See [`CONCURRENT_PARK`].
const MINUTE_PARK: SignedDuration = SignedDuration::from_secs(60);
/// See [`CONCURRENT_PARK`]. The day's end is unknown then, so one call an hour asks.
const DAY_PARK: SignedDuration = SignedDuration::from_hours(1);
/// The longest `Retry-After` that is believed; a day limit has been seen to name up to 21 hours.
const PARK_MAX: SignedDuration = SignedDuration::from_hours(25);

/// How urgent a session is. Each priority leaves a [`Reserve`] to those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Priority {
    /// History that may take days.
    Backfill,
    /// The regular look for changes.
    Poll,
    /// A person is waiting.
    Person,
    /// A change that Xero has just announced.
    Webhook,
}

/// What a priority leaves untouched for those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// Sessions at once.
    pub concurrent: u32,
    /// Calls within 60 seconds.
    pub minute: u32,
    /// Calls of the day.
    pub day: u32,
    /// Calls of the app within a minute, over all organisations. What the sessions of others have under way nobody knows before
    /// they end, so even the most urgent leaves as many as 60 of them can be granted.
    pub app_minute: u32,
}

impl Priority {
    /// What this priority leaves to those above it.
    ///
    /// The day reserves are made for 1,000 calls a day: a poll every 15 minutes takes about 400, so backfill stops
    /// there; the last 100 are for what Xero announces and for what people do, and of those 30 for what Xero announces.
    #[must_use]
    pub fn reserve(self) -> Reserve {
        match self {
            Self::Webhook => Reserve { concurrent: 0, minute: 0, day: 0, app_minute: 1_200 },
            Self::Person => Reserve { concurrent: 0, minute: 5, day: 30, app_minute: 1_400 },
            Self::Poll => Reserve { concurrent: 1, minute: 10, day: 100, app_minute: 2_000 },
            Self::Backfill => Reserve { concurrent: 2, minute: 20, day: 400, app_minute: 5_000 },
        }
    }
}

/// Leave to make some calls, one after another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Which grant this is, within its state.
    pub id: u64,
    /// The most calls it allows.
    pub calls: u32,
    /// From here on it allows none, and counts as fully used.
    pub expires_at: Timestamp,
}

/// The answer to asking for a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The calls may be made.
    Granted(Grant),
    /// No call before this instant, which can be almost a day away.
    NotBefore {
        /// The earliest instant at which asking again makes sense.
        until: Timestamp,
        /// Which limit stands in the way.
        why: Wait,
    },
}

/// What Xero's headers said was left, each absent if the header was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remaining {
    /// `X-DayLimit-Remaining`.
    pub day: Option<u32>,
    /// `X-MinLimit-Remaining`.
    pub minute: Option<u32>,
    /// `X-AppMinLimit-Remaining`.
    pub app_minute: Option<u32>,
}

/// Which limit a 429 named in `X-Rate-Limit-Problem`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RateProblem {
    /// The organisation's calls of this minute.
    Minute,
    /// The app's calls of this minute over all organisations.
    AppMinute,
    /// The organisation's calls of this day.
    Day,
    /// Calls at once.
    Concurrent,
    /// Another word, or none.
    Other,
}

impl RateProblem {
    /// Reads the header loosely, since its words are not documented and have been seen in several spellings.
    #[must_use]
    pub fn from_header(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        if text.contains("app") {
            Self::AppMinute
        } else if text.contains("min") {
            Self::Minute
        } else if text.contains("day") || text.contains("daily") {
            Self::Day
        } else if text.contains("concurrent") {
            Self::Concurrent
        } else {
            Self::Other
        }
    }
}

impl std::fmt::Display for RateProblem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Minute => "minute",
            Self::AppMinute => "app minute",
            Self::Day => "day",
            Self::Concurrent => "concurrent",
            Self::Other => "rate",
        })
    }
}

/// A 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Which limit it named.
    pub problem: RateProblem,
    /// `Retry-After`, if it could be read.
    pub retry_after: Option<SignedDuration>,
}

impl Refused {
    /// How long nothing may be sent.
    pub(crate) fn pause(&self) -> SignedDuration {
        let default = match self.problem {
            RateProblem::Concurrent => CONCURRENT_PARK,
            RateProblem::Day => DAY_PARK,
            RateProblem::Minute | RateProblem::AppMinute | RateProblem::Other => MINUTE_PARK,
        };
        self.retry_after.unwrap_or(default).clamp(SignedDuration::from_secs(1), PARK_MAX)
    }
}

/// What became of a grant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Calls made, refused ones included, since Xero counts them too.
    pub calls: u32,
    /// The headers of the last answer.
    pub remaining: Remaining,
    /// The 429 that ended it, if one did.
    pub refused: Option<Refused>,
    /// When the last answer came; it may be long ago when a grant is given back.
    pub answered_at: Option<Timestamp>,
}

/// A budget of calls that every process shares.
///
/// One implementation value serves one organisation. Both methods are a read, a step of [`BudgetState`] and a
/// conditional write; a session of several calls needs one of each.
pub trait CallBudget: Send + Sync {
    /// Asks for `calls` calls, at most [`GRANT_CALLS_MAX`].
    ///
    /// # Errors
    /// Those of the store.
    fn grant(
        &self,
        priority: Priority,
        calls: u32,
        now: Timestamp,
    ) -> impl Future<Output = Result<Answer, StoreError>> + Send;

    /// Gives a grant back with what was used and learnt.
    ///
    /// # Errors
    /// Those of the store. The grant then runs out by itself after [`GRANT_LIFETIME`].
    fn settle(
        &self,
        grant: &Grant,
        usage: &Usage,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl<B: CallBudget> CallBudget for Arc<B> {
    fn grant(
        &self,
        priority: Priority,
        calls: u32,
        now: Timestamp,
    ) -> impl Future<Output = Result<Answer, StoreError>> + Send {
        B::grant(self, priority, calls, now)
    }

    fn settle(
        &self,
        grant: &Grant,
        usage: &Usage,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        B::settle(self, grant, usage, now)
    }
}

/// Calls that leave the window together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Past {
    leaves_at: Timestamp,
    calls: u32,
}

/// Why and until when nothing may be sent at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Parked {
    until: Timestamp,
    problem: RateProblem,
}

/// The accounting of one organisation's calls, at most a few kilobytes as JSON.
///
/// Every step takes the present instant, so simulated time works as well as real time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetState {
    next_id: u64,
    /// Grants not yet settled.
    open: Vec<Grant>,
    /// Calls of settled and expired grants within the last 60 seconds.
    past: Vec<Past>,
    minute_left: Option<Left>,
    app_minute_left: Option<Left>,
    /// The most calls ever seen left of a day.
    day_limit: u32,
    day_left: u32,
    /// Whether a header has said how many are left of the day.
    day_known: bool,
    /// Unknown before the first call.
    day_resets_at: Option<Timestamp>,
    parked: Option<Parked>,
}

impl Default for BudgetState {
    fn default() -> Self {
        Self {
            next_id: 1,
            open: Vec::new(),
            past: Vec::new(),
            minute_left: None,
            app_minute_left: None,
            day_limit: STARTER_DAY_LIMIT,
            day_left: STARTER_DAY_LIMIT,
            day_known: false,
            day_resets_at: None,
            parked: None,
        }
    }
}

impl BudgetState {
    /// Reserves `calls` calls (at least one, at most [`GRANT_CALLS_MAX`]) for `priority`, all of them or none.
    pub fn grant(&mut self, priority: Priority, calls: u32, now: Timestamp) -> Answer {
        self.advance(now);
        let calls = calls.clamp(1, GRANT_CALLS_MAX);
        if let Some((until, why)) = self.obstacle(priority, calls, now) {
            return Answer::NotBefore { until, why };
        }
        let grant = Grant { id: self.next_id, calls, expires_at: later(now, GRANT_LIFETIME) };
        self.next_id += 1;
        self.day_resets_at.get_or_insert(later(now, DAY));
        self.open.push(grant.clone());
        Answer::Granted(grant)
    }

    /// As [`grant`](Self::grant), knowing what other organisations of the app have learnt.
    pub fn grant_within(
        &mut self,
        app: &AppMinute,
        priority: Priority,
        calls: u32,
        now: Timestamp,
    ) -> Answer {
        let says_more = |left: &&Left| {
            self.app_minute_left.as_ref().is_none_or(|own| own.until < left.until || left.calls < own.calls)
        };
        if let Some(left) = app.left(now).filter(says_more) {
            self.app_minute_left = Some(left.clone());
        }
        self.grant(priority, calls, now)
    }

    /// Ends a grant and learns from what the answers said.
    ///
    /// A grant that has expired meanwhile was counted as fully used; what its answers said is still learnt.
    pub fn settle(&mut self, grant: &Grant, usage: &Usage, now: Timestamp) {
        self.advance(now);
        if let Some(at) = self.open.iter().position(|open| open.id == grant.id) {
            self.open.remove(at);
            // Their instants are not kept: all of them count as made just now, which is never too few.
            self.count(usage.calls, now);
        }
        let until = later(now, WINDOW);
        if let Some(calls) = usage.remaining.minute {
            self.minute_left = Some(Left { calls, until });
        }
        if let Some(calls) = usage.remaining.app_minute {
            self.app_minute_left = Some(Left { calls, until });
        }
        if let Some(left) = usage.remaining.day {
            self.learn_day(left, now);
        }
        if let Some(refused) = usage.refused {
            let until = later(now, refused.pause());
            if refused.problem == RateProblem::Day {
                self.day_left = 0;
                self.day_known = true;
                self.day_resets_at = Some(until);
            }
            self.park(until, refused.problem);
        }
    }

    /// Ends the grants of a process that is gone and can't settle them: they count as fully used. `false` if there
    /// were none.
    pub fn abandon(&mut self, now: Timestamp) -> bool {
        self.advance(now);
        let abandoned = std::mem::take(&mut self.open);
        for grant in &abandoned {
            self.count(grant.calls, now);
        }
        !abandoned.is_empty()
    }

    /// Lets no call start before `until`, unless it is parked for longer already.
    pub fn park(&mut self, until: Timestamp, problem: RateProblem) {
        if self.parked.as_ref().is_none_or(|parked| parked.until < until) {
            self.parked = Some(Parked { until, problem });
        }
    }

    /// The calls left of this day, those of open grants taken off.
    #[must_use]
    pub fn day_left(&self) -> u32 {
        self.day_left.saturating_sub(self.reserved())
    }

    /// How long work of this priority should gather before its next `calls` calls are made, so that the day's calls last
    /// until they are renewed.
    ///
    /// While fewer calls were used than an even day would have used by now, there is nothing to wait for. Beyond that the
    /// calls that are left for this priority are spread evenly over the time that is left. Work that can gather, such as
    /// fetching what webhooks announced (forty documents cost as much as one), then never meets the day limit, whatever
    /// comes in; it only gets later. Urgent work plans with what polls leave it, so that they go on too, but always with a
    /// quarter of what is left.
    #[must_use]
    pub fn spacing(&self, priority: Priority, calls: u32, now: Timestamp) -> SignedDuration {
        let Some(left_of_day) = self.day_resets_at.map(|at| now.duration_until(at).as_secs()) else {
            return SignedDuration::ZERO;
        };
        let left_of_day = left_of_day.clamp(0, DAY.as_secs());
        let own = |left: u32, time: i64| {
            let left = i64::from(left);
            if priority <= Priority::Poll {
                return left - i64::from(priority.reserve().day);
            }
            let polls = i64::from(POLL_CALLS_OF_A_DAY) * time / DAY.as_secs();
            (left - i64::from(Priority::Poll.reserve().day) - polls).max(left / 4)
        };
        let usable = own(self.day_left(), left_of_day);
        if usable * DAY.as_secs() >= own(self.day_limit, DAY.as_secs()) * left_of_day {
            return SignedDuration::ZERO;
        }
        match usable / i64::from(calls.max(1)) {
            times if times > 0 => SignedDuration::from_secs(left_of_day / times),
            _ => SignedDuration::from_secs(left_of_day),
        }
    }

    /// When the day's calls are believed to be renewed; unknown before the first call.
    #[must_use]
    pub fn day_resets_at(&self) -> Option<Timestamp> {
        self.day_resets_at
    }

    /// Until when a 429 has parked the organisation, and which limit it named. This may lie in the past.
    #[must_use]
    pub fn parked(&self) -> Option<(Timestamp, RateProblem)> {
        self.parked.as_ref().map(|parked| (parked.until, parked.problem))
    }

    /// Drops what is over at `now`.
    fn advance(&mut self, now: Timestamp) {
        let (expired, open) =
            std::mem::take(&mut self.open).into_iter().partition(|grant: &Grant| grant.expires_at <= now);
        self.open = open;
        for grant in expired {
            self.count(grant.calls, grant.expires_at);
        }
        self.past.retain(|past| past.leaves_at > now);
        self.minute_left.take_if(|left| left.until <= now);
        self.app_minute_left.take_if(|left| left.until <= now);
        self.parked.take_if(|parked| parked.until <= now);
        if let Some(resets_at) = self.day_resets_at.filter(|at| *at <= now) {
            let days_over = now.duration_since(resets_at).as_secs() / DAY.as_secs();
            let step = DAY
                .checked_mul(i32::try_from(days_over + 1).unwrap_or(i32::MAX))
                .unwrap_or(SignedDuration::MAX);
            self.day_resets_at = Some(later(resets_at, step));
            self.day_left = self.day_limit;
        }
    }

    fn count(&mut self, calls: u32, at: Timestamp) {
        if calls == 0 {
            return;
        }
        self.day_left = self.day_left.saturating_sub(calls);
        for left in [&mut self.minute_left, &mut self.app_minute_left].into_iter().flatten() {
            left.calls = left.calls.saturating_sub(calls);
        }
        let leaves_at = round_up(later(at, WINDOW));
        match self.past.iter_mut().find(|past| past.leaves_at == leaves_at) {
            Some(past) => past.calls += calls,
            None => self.past.push(Past { leaves_at, calls }),
        }
    }

    fn learn_day(&mut self, left: u32, now: Timestamp) {
        let expected = self.day_left.saturating_add(self.reserved()).saturating_add(DAY_JUMP);
        if self.day_known && left > expected {
            // A new day began since the last answer, so the next begins at most 24 hours from now.
            self.day_resets_at = Some(later(now, DAY));
        }
        self.day_known = true;
        self.day_limit = self.day_limit.max(left);
        self.day_left = left;
    }

    /// The calls of open grants, all of which may still be made.
    fn reserved(&self) -> u32 {
        self.open.iter().map(|grant| grant.calls).sum()
    }

    fn obstacle(&self, priority: Priority, calls: u32, now: Timestamp) -> Option<(Timestamp, Wait)> {
        let reserve = priority.reserve();
        let reserved = self.reserved();
        let busy_until = later(now, BUSY_RETRY);
        if let Some(parked) = &self.parked {
            return Some((parked.until, Wait::Parked(parked.problem)));
        }
        if self.day_left < reserved + calls + reserve.day {
            let until = if self.day_left < calls + reserve.day {
                self.day_resets_at.unwrap_or(later(now, DAY))
            } else {
                busy_until
            };
            return Some((until, Wait::Day));
        }
        let under_way = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        if under_way + 1 + reserve.concurrent > CONCURRENT_CEILING {
            return Some((busy_until, Wait::Concurrent));
        }
        let needed = reserved + calls + reserve.minute;
        if let Some(until) = self.window_frees_at(needed, busy_until) {
            return Some((until, Wait::Minute));
        }
        if let Some(left) = self.minute_left.as_ref().filter(|left| left.calls < needed) {
            // With what the open grants may hand back it would fit: ask again soon.
            let fits_alone = left.calls >= calls + reserve.minute;
            return Some((if fits_alone { busy_until } else { left.until }, Wait::Minute));
        }
        let app_left = self.app_minute_left.as_ref();
        app_left
            .filter(|left| left.calls < reserved + calls + reserve.app_minute)
            .map(|left| (left.until, Wait::AppMinute))
    }

    /// `None` if `needed` calls fit into the window now, else when to ask again.
    fn window_frees_at(&self, needed: u32, busy_until: Timestamp) -> Option<Timestamp> {
        let mut in_window: u32 = self.past.iter().map(|past| past.calls).sum();
        if in_window + needed <= MINUTE_CEILING {
            return None;
        }
        let mut leaving: Vec<&Past> = self.past.iter().collect();
        leaving.sort_by_key(|past| past.leaves_at);
        for past in leaving {
            in_window -= past.calls;
            if in_window + needed <= MINUTE_CEILING {
                return Some(past.leaves_at);
            }
        }
        // Even an empty window is too small beside the open grants.
        Some(busy_until)
    }
}

/// `at` plus `duration`, or the end of time.
pub(crate) fn later(at: Timestamp, duration: SignedDuration) -> Timestamp {
    at.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// Up to the next whole step; never earlier than `at`.
fn round_up(at: Timestamp) -> Timestamp {
    let seconds = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    let rounded = seconds + (-seconds).rem_euclid(WINDOW_STEP_SECONDS);
    Timestamp::from_second(rounded).unwrap_or(Timestamp::MAX)
}

/// A [`CallBudget`] for a single process.
#[derive(Debug, Default)]
pub struct MemoryBudget {
    state: Mutex<BudgetState>,
    app: Arc<Mutex<AppMinute>>,
}

impl MemoryBudget {
    /// The budget of one of several organisations that are reached with the same app.
    #[must_use]
    pub fn of(app: Arc<Mutex<AppMinute>>) -> Self {
        Self { app, ..Self::default() }
    }

    /// The present accounting, to look at.
    #[must_use]
    pub fn state(&self) -> BudgetState {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BudgetState> {
        // Each step leaves the state whole, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_app(&self) -> MutexGuard<'_, AppMinute> {
        self.app.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallBudget for MemoryBudget {
    async fn grant(&self, priority: Priority, calls: u32, now: Timestamp) -> Result<Answer, StoreError> {
        let app = self.lock_app().clone();
        Ok(self.lock().grant_within(&app, priority, calls, now))
    }

    async fn settle(&self, grant: &Grant, usage: &Usage, now: Timestamp) -> Result<(), StoreError> {
        self.lock().settle(grant, usage, now);
        self.lock_app().hear(usage, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn granted(answer: Answer) -> Grant {
        match answer {
            Answer::Granted(grant) => grant,
            Answer::NotBefore { until, why } => panic!("not before {until}: {why}"),
        }
    }

    fn refused(answer: &Answer) -> (Timestamp, Wait) {
        match answer {
            Answer::NotBefore { until, why } => (*until, *why),
            Answer::Granted(grant) => panic!("granted {grant:?}"),
        }
    }

    fn used(calls: u32) -> Usage {
        Usage { calls, ..Usage::default() }
    }

    #[test]
    fn abandoned_grants_free_their_places_and_count_as_used() {
        let mut state = BudgetState::default();
        while let Answer::Granted(_) = state.grant(Priority::Webhook, 2, at(0)) {}
        assert!(state.abandon(at(1)));
        assert!(!state.abandon(at(1)), "there are none any more");
        assert_eq!(state.day_left(), STARTER_DAY_LIMIT - 2 * CONCURRENT_CEILING);
        granted(state.grant(Priority::Webhook, 2, at(1)));
    }

    /// Uses calls one grant after another until refused; returns their number.
    fn drain(state: &mut BudgetState, priority: Priority, mut now: i64) -> (u32, Timestamp, Wait) {
        let mut calls = 0;
        loop {
            assert!(calls <= STARTER_DAY_LIMIT, "more calls than the day has");
            match state.grant(priority, 10, at(now)) {
                Answer::Granted(grant) => {
                    state.settle(&grant, &used(10), at(now));
                    calls += 10;
                }
                Answer::NotBefore { until, why: Wait::Minute } => now = until.duration_since(at(0)).as_secs(),
                Answer::NotBefore { until, why } => return (calls, until, why),
            }
        }
    }

    #[test]
    fn each_priority_leaves_the_reserve_of_the_day_to_those_above_it() {
        let mut state = BudgetState::default();
        assert_eq!(drain(&mut state, Priority::Backfill, 0), (600, at(86_400), Wait::Day));
        assert_eq!(drain(&mut state, Priority::Poll, 4_000), (300, at(86_400), Wait::Day));
        assert_eq!(drain(&mut state, Priority::Person, 8_000), (70, at(86_400), Wait::Day));
        assert_eq!(drain(&mut state, Priority::Webhook, 12_000), (30, at(86_400), Wait::Day));
        assert_eq!(state.day_left(), 0);
        granted(state.grant(Priority::Backfill, 10, at(86_400)));
        assert_eq!(state.day_left(), STARTER_DAY_LIMIT - 10);
    }

    #[test]
    fn an_answer_says_more_than_the_count() {
        let mut state = BudgetState::default();
        let grant = granted(state.grant(Priority::Poll, 5, at(0)));
        let remaining = Remaining { day: Some(4_990), minute: Some(55), app_minute: Some(9_000) };
        state.settle(&grant, &Usage { calls: 5, remaining, ..Usage::default() }, at(1));
        assert_eq!(state.day_left(), 4_990);
        // A day later the larger tier is remembered.
        granted(state.grant(Priority::Poll, 5, at(86_400)));
        assert_eq!(state.day_left(), 4_985);
    }

    #[test]
    fn a_minute_that_others_used_up_is_believed_until_it_is_over() {
        let mut state = BudgetState::default();
        let grant = granted(state.grant(Priority::Webhook, 1, at(0)));
        let remaining = Remaining { minute: Some(2), ..Remaining::default() };
        state.settle(&grant, &Usage { calls: 1, remaining, ..Usage::default() }, at(0));
        assert_eq!(refused(&state.grant(Priority::Webhook, 3, at(1))), (at(60), Wait::Minute));
        granted(state.grant(Priority::Webhook, 2, at(1)));
    }

    #[test]
    fn the_app_minute_keeps_something_for_other_organisations() {
        let mut state = BudgetState::default();
        let grant = granted(state.grant(Priority::Webhook, 1, at(0)));
        let left = Priority::Webhook.reserve().app_minute;
        let remaining = Remaining { app_minute: Some(left), ..Remaining::default() };
        state.settle(&grant, &Usage { calls: 1, remaining, ..Usage::default() }, at(0));
        assert_eq!(refused(&state.grant(Priority::Webhook, 1, at(1))), (at(60), Wait::AppMinute));
        granted(state.grant(Priority::Webhook, 1, at(60)));
    }

    #[test]
    fn of_the_apps_minute_each_priority_leaves_more_than_those_above_it() {
        let order = [Priority::Webhook, Priority::Person, Priority::Poll, Priority::Backfill];
        for (place, priority) in order.into_iter().enumerate() {
            let mut state = BudgetState::default();
            let grant = granted(state.grant(Priority::Webhook, 1, at(0)));
            let remaining =
                Remaining { app_minute: Some(priority.reserve().app_minute + 1), ..Default::default() };
            state.settle(&grant, &Usage { calls: 1, remaining, ..Usage::default() }, at(0));
            for (other_place, other) in order.into_iter().enumerate() {
                let answer = state.clone().grant(other, 1, at(1));
                assert_eq!(
                    matches!(answer, Answer::Granted(_)),
                    other_place <= place,
                    "{priority:?} {other:?}"
                );
            }
        }
    }

    #[test]
    fn calls_are_spread_once_more_were_used_than_an_even_day_would_have() {
        let mut state = BudgetState::default();
        assert_eq!(state.spacing(Priority::Webhook, 1, at(0)), SignedDuration::ZERO, "nothing is known yet");
        let use_all = |state: &mut BudgetState, left: u32, now: i64| {
            let grant = granted(state.grant(Priority::Webhook, 1, at(now)));
            let remaining = Remaining { day: Some(left), ..Remaining::default() };
            state.settle(&grant, &Usage { calls: 1, remaining, ..Usage::default() }, at(now));
        };
        use_all(&mut state, 999, 0);
        // Half of the day with 600 left is ahead of an even day, with 500 or 400 it is not.
        use_all(&mut state, 600, 43_200);
        assert_eq!(state.spacing(Priority::Webhook, 1, at(43_200)), SignedDuration::ZERO);
        use_all(&mut state, 500, 43_200);
        let polls_and_their_reserve = 480 / 2 + 100;
        let left = 500 - polls_and_their_reserve;
        assert_eq!(state.spacing(Priority::Webhook, 1, at(43_200)).as_secs(), 43_200 / left);
        assert_eq!(state.spacing(Priority::Person, 4, at(43_200)).as_secs(), 43_200 / (left / 4));
        assert_eq!(state.spacing(Priority::Poll, 5, at(43_200)).as_secs(), 43_200 / ((500 - 100) / 5));
        // Urgent work has a quarter of what is left, however little that is.
        use_all(&mut state, 400, 43_200);
        assert_eq!(state.spacing(Priority::Webhook, 1, at(43_200)).as_secs(), 43_200 / (400 / 4));
        // What is kept for others is no call of one's own.
        use_all(&mut state, 90, 43_200);
        assert_eq!(state.spacing(Priority::Poll, 5, at(43_200)).as_secs(), 43_200);
    }

    #[test]
    fn a_day_refusal_parks_until_the_day_is_over_and_the_next_day_is_whole() {
        let mut state = BudgetState::default();
        let grant = granted(state.grant(Priority::Person, 1, at(0)));
        let retry_after = Some(SignedDuration::from_secs(73_451));
        let problem = RateProblem::from_header("DayLimit");
        let usage = Usage { calls: 1, refused: Some(Refused { problem, retry_after }), ..Usage::default() };
        state.settle(&grant, &usage, at(0));
        assert_eq!(
            refused(&state.grant(Priority::Webhook, 1, at(73_450))),
            (at(73_451), Wait::Parked(RateProblem::Day))
        );
        assert_eq!(state.parked(), Some((at(73_451), RateProblem::Day)));
        granted(state.grant(Priority::Backfill, 1, at(73_451)));
        assert_eq!(state.day_resets_at(), Some(at(73_451 + 86_400)));
    }

    #[test]
    fn refusals_without_a_time_have_one_of_their_own() {
        for (header, problem, seconds) in [
            ("minute", RateProblem::Minute, 60),
            ("Minute", RateProblem::Minute, 60),
            ("appminute", RateProblem::AppMinute, 60),
            ("App Minute", RateProblem::AppMinute, 60),
            ("day", RateProblem::Day, 3_600),
            ("DailyLimit", RateProblem::Day, 3_600),
            ("concurrent", RateProblem::Concurrent, 5),
            ("something", RateProblem::Other, 60),
        ] {
            let refused = Refused { problem: RateProblem::from_header(header), retry_after: None };
            assert_eq!((refused.problem, refused.pause().as_secs()), (problem, seconds), "{header}");
        }
        let endless = Refused { problem: RateProblem::Minute, retry_after: Some(SignedDuration::MAX) };
        assert_eq!(endless.pause(), PARK_MAX);
    }

    #[test]
    fn a_crashed_grant_gives_its_place_back_and_counts_as_used() {
        let mut state = BudgetState::default();
        for _ in 0..CONCURRENT_CEILING {
            granted(state.grant(Priority::Webhook, 11, at(0)));
        }
        assert_eq!(refused(&state.grant(Priority::Webhook, 1, at(179))).1, Wait::Concurrent);
        // The places are free again, and 55 calls may have been made up to now.
        assert_eq!(refused(&state.grant(Priority::Webhook, 1, at(180))), (at(240), Wait::Minute));
        granted(state.grant(Priority::Webhook, 1, at(240)));
        assert_eq!(state.day_left(), STARTER_DAY_LIMIT - 56);
    }

    #[test]
    fn a_full_minute_stays_full_for_a_whole_minute() {
        let mut state = BudgetState::default();
        for _ in 0..5 {
            let grant = granted(state.grant(Priority::Webhook, 11, at(3)));
            state.settle(&grant, &used(11), at(3));
        }
        assert_eq!(refused(&state.grant(Priority::Webhook, 1, at(62))), (at(65), Wait::Minute));
        granted(state.grant(Priority::Webhook, 20, at(65)));
    }

    #[test]
    fn urgent_work_finds_a_place_beside_backfill() {
        let mut state = BudgetState::default();
        for _ in 0..3 {
            granted(state.grant(Priority::Backfill, 5, at(0)));
        }
        assert_eq!(refused(&state.grant(Priority::Backfill, 5, at(0))).1, Wait::Concurrent);
        granted(state.grant(Priority::Poll, 5, at(0)));
        assert_eq!(refused(&state.grant(Priority::Poll, 5, at(0))).1, Wait::Concurrent);
        granted(state.grant(Priority::Webhook, 5, at(0)));
    }

    #[test]
    fn a_full_state_is_small() {
        let mut state = BudgetState::default();
        for second in 0..200 {
            if let Answer::Granted(grant) = state.grant(Priority::Webhook, 1, at(second)) {
                state.settle(&grant, &used(1), at(second));
            }
        }
        for _ in 0..CONCURRENT_CEILING {
            let _ = state.grant(Priority::Webhook, 1, at(200));
        }
        state.park(at(300), RateProblem::Concurrent);
        let json = serde_json::to_string(&state).unwrap();
        assert!(json.len() < 2_048, "{}", json.len());
        assert_eq!(serde_json::from_str::<BudgetState>(&json).unwrap(), state);
    }

    /// What a process may do to a budget.
    #[derive(Debug, Clone)]
    enum Act {
        Ask(Priority, u32),
        /// So many calls of one session.
        Call(usize, u32),
        Settle(usize),
        Crash(usize),
        Refused(usize, RateProblem, Option<u32>),
        Wait(i64),
    }

    fn act() -> impl Strategy<Value = Act> {
        let priority = prop::sample::select(vec![
            Priority::Backfill,
            Priority::Poll,
            Priority::Person,
            Priority::Webhook,
        ]);
        let problem =
            prop::sample::select(vec![RateProblem::Minute, RateProblem::Day, RateProblem::Concurrent]);
        prop_oneof![
            6 => (priority, 1_u32..30).prop_map(|(priority, calls)| Act::Ask(priority, calls)),
            8 => (0_usize..5, 1_u32..=20).prop_map(|(which, calls)| Act::Call(which, calls)),
            4 => (0_usize..5).prop_map(Act::Settle),
            1 => (0_usize..5).prop_map(Act::Crash),
            1 => (0_usize..5, problem, prop::option::of(1_u32..90))
                .prop_map(|(which, problem, wait)| Act::Refused(which, problem, wait)),
            4 => (1_i64..40).prop_map(Act::Wait),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Whatever many processes do, and whenever they crash, Xero sees its limits kept.
        #[test]
        fn limits_hold_whatever_happens(acts in prop::collection::vec(act(), 1..400)) {
            let mut state = BudgetState::default();
            let mut now = 0_i64;
            // The sessions of all processes: their grant and what they used of it.
            let mut sessions: Vec<(Grant, u32)> = Vec::new();
            let mut calls: Vec<i64> = Vec::new();
            let mut parked_until = 0_i64;
            for act in acts {
                sessions.retain(|(grant, _)| grant.expires_at > at(now));
                match act {
                    Act::Wait(seconds) => now += seconds,
                    Act::Ask(priority, asked) => match state.grant(priority, asked, at(now)) {
                        Answer::Granted(grant) => {
                            prop_assert!(now >= parked_until, "granted while parked");
                            prop_assert!(state.day_left() >= priority.reserve().day);
                            prop_assert_eq!(grant.calls, asked.min(GRANT_CALLS_MAX));
                            sessions.push((grant, 0));
                            prop_assert!(sessions.len() + priority.reserve().concurrent as usize <= 5);
                        }
                        Answer::NotBefore { until, .. } => prop_assert!(until > at(now)),
                    },
                    Act::Call(which, wanted) => {
                        if let Some((grant, used)) = sessions.get_mut(which) {
                            let made = wanted.min(grant.calls - *used);
                            *used += made;
                            calls.extend((0..made).map(|_| now));
                            let last_minute = calls.iter().filter(|call| now - **call < 60).count();
                            prop_assert!(last_minute <= 55, "{} calls in a minute", last_minute);
                        }
                    }
                    Act::Settle(which) => {
                        if which < sessions.len() {
                            let (grant, calls) = sessions.remove(which);
                            state.settle(&grant, &used(calls), at(now));
                        }
                    }
                    Act::Crash(which) => {
                        // It makes no more calls, but nobody knows: its place stays taken.
                        if let Some((grant, used)) = sessions.get_mut(which) {
                            *used = grant.calls;
                        }
                    }
                    Act::Refused(which, problem, wait) => {
                        if which < sessions.len() {
                            let (grant, calls) = sessions.remove(which);
                            let retry_after = wait.map(|wait| SignedDuration::from_secs(wait.into()));
                            let refused = Refused { problem, retry_after };
                            state.settle(&grant, &Usage { calls, refused: Some(refused), ..Usage::default() }, at(now));
                            parked_until = parked_until.max(now + refused.pause().as_secs());
                        }
                    }
                }
            }
        }

        /// A caller that comes back when it is told to gets its calls in the end.
        #[test]
        fn coming_back_when_told_succeeds(first in prop::collection::vec(1_u32..20, 1..40), asked in 1_u32..20) {
            let mut state = BudgetState::default();
            let mut now = at(0);
            for calls in first {
                if let Answer::Granted(grant) = state.grant(Priority::Webhook, calls, now)
                    && calls % 3 != 0
                {
                    state.settle(&grant, &used(calls), now);
                }
            }
            let mut asks = 0;
            while let Answer::NotBefore { until, .. } = state.grant(Priority::Backfill, asked, now) {
                prop_assert!(until > now);
                now = until;
                asks += 1;
                prop_assert!(asks < 200);
            }
        }
    }
}

//! Xero's limits on calls: a minute and a day in fixed windows, and calls at once. Also counts what was called.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// Calls a minute for one app on one organisation.
pub const CALLS_PER_MINUTE: u32 = 60;
/// Calls at once for one app on one organisation.
pub const CALLS_AT_ONCE: u32 = 5;
/// Calls a minute for one app on all organisations.
pub const APP_CALLS_PER_MINUTE: u32 = 10_000;
/// Milliseconds.
const MINUTE: i64 = 60_000;
/// Milliseconds.
const DAY: i64 = 24 * 3_600_000;
/// `Retry-After` for too many calls at once, where the switch wants one. Seconds.
const CONCURRENT_RETRY_AFTER: i64 = 1;

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limited {
    /// Value of `X-Rate-Limit-Problem`.
    pub(crate) problem: &'static str,
    /// Value of `Retry-After`, in seconds.
    pub(crate) retry_after: Option<i64>,
}

/// What must survive a restart.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Used {
    /// Calls ever, refused ones included; numbers the draws of faults.
    pub(crate) calls: u64,
    minute: i64,
    in_minute: u32,
    day: i64,
    in_day: u32,
}

/// Counts calls against the limits.
#[derive(Debug)]
pub(crate) struct Meter {
    pub(crate) used: Used,
    day_limit: u32,
    concurrent_has_retry_after: bool,
    /// Where this organisation's windows begin: they differ between organisations. Milliseconds.
    offset: i64,
    at_once: u32,
    pub(crate) most_at_once: u32,
    /// Instants of the calls served in the last minute, in milliseconds.
    recent: VecDeque<i64>,
    pub(crate) most_in_any_minute: usize,
    pub(crate) most_in_any_day: u32,
    pub(crate) served: BTreeMap<String, u64>,
    pub(crate) limited: u64,
}

impl Meter {
    pub(crate) fn new(
        day_limit: u32,
        concurrent_has_retry_after: bool,
        offset_seed: u64,
        used: Used,
    ) -> Meter {
        Meter {
            used,
            day_limit,
            concurrent_has_retry_after,
            offset: i64::try_from(offset_seed % 86_400_000).unwrap_or(0),
            at_once: 0,
            most_at_once: 0,
            recent: VecDeque::new(),
            most_in_any_minute: 0,
            most_in_any_day: 0,
            served: BTreeMap::new(),
            limited: 0,
        }
    }

    /// A call begins; every one that began must end with [`Meter::leave`].
    pub(crate) fn enter(&mut self) {
        self.at_once += 1;
    }

    pub(crate) fn leave(&mut self) {
        self.at_once = self.at_once.saturating_sub(1);
    }

    fn turn_windows(&mut self, now: i64) {
        let shifted = now + self.offset;
        let (minute, day) = (shifted.div_euclid(MINUTE), shifted.div_euclid(DAY));
        if self.used.minute != minute {
            (self.used.minute, self.used.in_minute) = (minute, 0);
        }
        if self.used.day != day {
            (self.used.day, self.used.in_day) = (day, 0);
        }
    }

    /// Whole seconds until the window of this length ends, at least 1.
    fn until_end(&self, now: i64, window: i64) -> i64 {
        let left = window - (now + self.offset).rem_euclid(window);
        (left + 999) / 1_000
    }

    /// What a reached limit looks like now, whether it is really reached or played as a fault.
    pub(crate) fn limited(&mut self, problem: &'static str, now: i64) -> Limited {
        self.limited += 1;
        let retry_after = match problem {
            "minute" | "appminute" => Some(self.until_end(now, MINUTE)),
            "day" => Some(self.until_end(now, DAY)),
            _ => self.concurrent_has_retry_after.then_some(CONCURRENT_RETRY_AFTER),
        };
        Limited { problem, retry_after }
    }

    /// Counts a call that wants to be served at `now` (milliseconds), or says which limit forbids it.
    pub(crate) fn admit(&mut self, now: i64, what: &str) -> Result<(), Limited> {
        self.turn_windows(now);
        if self.at_once > CALLS_AT_ONCE {
            return Err(self.limited("concurrent", now));
        }
        if self.used.in_day >= self.day_limit {
            return Err(self.limited("day", now));
        }
        if self.used.in_minute >= CALLS_PER_MINUTE {
            return Err(self.limited("minute", now));
        }
        self.used.in_day += 1;
        self.used.in_minute += 1;
        self.most_in_any_day = self.most_in_any_day.max(self.used.in_day);
        self.most_at_once = self.most_at_once.max(self.at_once);
        self.recent.push_back(now);
        while self.recent.front().is_some_and(|at| *at <= now - MINUTE) {
            self.recent.pop_front();
        }
        self.most_in_any_minute = self.most_in_any_minute.max(self.recent.len());
        *self.served.entry(what.to_owned()).or_default() += 1;
        Ok(())
    }

    /// The headers that every answer carries.
    pub(crate) fn headers(&self) -> [(&'static str, u32); 3] {
        [
            ("X-DayLimit-Remaining", self.day_limit.saturating_sub(self.used.in_day)),
            ("X-MinLimit-Remaining", CALLS_PER_MINUTE.saturating_sub(self.used.in_minute)),
            ("X-AppMinLimit-Remaining", APP_CALLS_PER_MINUTE.saturating_sub(self.used.in_minute)),
        ]
    }
}

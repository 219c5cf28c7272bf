//! A thousand organisations of one app, on the level of the limiter: Xero counts 10,000 calls a minute over all of them.
//!
//! No request is made here. Processes take the work of organisations one after another, each call takes a tenth of a second, a model
//! of Xero's fixed minute answers, and between the two stand the real [`BudgetState`] of each organisation and the real
//! [`AppMinute`], all of which the processes share: none of them remembers anything, so that it makes no difference when they begin and end.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use jiff::{SignedDuration, Timestamp};
use parstock_xero::{
    Answer, AppMinute, BudgetState, GRANT_CALLS_MAX, Grant, Priority, RateProblem, Refused, Remaining, Usage,
};

const ORGS: usize = 1_000;
/// The most batches that a stack's three queues are worked on at once, by the largest setting of its template.
const PROCESSES: usize = 60;
const APP_LIMIT: u32 = 10_000;
/// Milliseconds of a call; Xero takes longer as a rule.
const CALL: i64 = 100;
const MINUTE: i64 = 60_000;
/// One of so many sessions works on for so many milliseconds with what its last call brought, before it is ended and tells.
const LONG_EVERY: u32 = 100;
const LONG_WORK: i64 = 20_000;
/// So often that the processes, and not the app's minute, are what work waits for.
const OFTEN: u32 = 7;

fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(1_772_323_200_000 + milliseconds).unwrap()
}

/// The app's minute as Xero counts it.
#[derive(Default)]
struct Xero {
    minute: i64,
    used: u32,
    most: u32,
    refused: u32,
}

impl Xero {
    fn call(&mut self, now: i64) -> (Remaining, Option<Refused>) {
        if self.minute != now / MINUTE {
            (self.minute, self.used) = (now / MINUTE, 0);
        }
        let mut refused = None;
        if self.used >= APP_LIMIT {
            self.refused += 1;
            let wait = SignedDuration::from_millis(MINUTE - now % MINUTE);
            refused = Some(Refused { problem: RateProblem::AppMinute, retry_after: Some(wait) });
        } else {
            self.used += 1;
            self.most = self.most.max(self.used);
        }
        (Remaining { day: None, minute: None, app_minute: Some(APP_LIMIT - self.used) }, refused)
    }
}

/// Sessions of one organisation, one after another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Work {
    org: usize,
    priority: Priority,
    calls: u32,
    sessions: u32,
}

/// What a process does at an instant: takes the next work, makes the next call of what it has, or is done with it.
enum Doing {
    Nothing,
    Calls { work: Work, grant: Grant, usage: Usage },
    Ends { work: Work, grant: Grant, usage: Usage },
}

/// Does all the work with so many processes; `shares` says whether organisations know what others of them have learnt.
fn run(work: impl IntoIterator<Item = (i64, Work)>, shares: bool) -> (Xero, i64) {
    run_with(work, shares, LONG_EVERY)
}

fn run_with(work: impl IntoIterator<Item = (i64, Work)>, shares: bool, long_every: u32) -> (Xero, i64) {
    let mut states = vec![BudgetState::default(); ORGS];
    let mut xero = Xero::default();
    let mut app = AppMinute::default();
    let mut doing: Vec<Doing> = (0..PROCESSES).map(|_| Doing::Nothing).collect();
    // Work by when it is due, processes by when they go on.
    let mut due: BinaryHeap<Reverse<(i64, Work)>> = work.into_iter().map(Reverse).collect();
    let mut busy: BinaryHeap<Reverse<(i64, usize)>> =
        (0..PROCESSES).map(|process| Reverse((0, process))).collect();
    let (mut ended, mut sessions) = (0, 0);
    while let Some(Reverse((now, process))) = busy.pop() {
        match std::mem::replace(&mut doing[process], Doing::Nothing) {
            Doing::Nothing => {
                let Some(Reverse((when, work))) = due.pop() else { continue };
                if when > now {
                    due.push(Reverse((when, work)));
                    busy.push(Reverse((when, process)));
                    continue;
                }
                match states[work.org].grant_within(&app, work.priority, work.calls, at(now)) {
                    Answer::Granted(grant) => {
                        doing[process] = Doing::Calls { work, grant, usage: Usage::default() };
                        busy.push(Reverse((now + CALL, process)));
                    }
                    Answer::NotBefore { until, .. } => {
                        let until = until.duration_since(at(0)).as_millis();
                        due.push(Reverse((i64::try_from(until).unwrap().max(now + 1), work)));
                        busy.push(Reverse((now, process)));
                    }
                }
            }
            Doing::Calls { work, grant, mut usage } => {
                let (remaining, refused) = xero.call(now);
                usage = Usage { calls: usage.calls + 1, remaining, refused, answered_at: Some(at(now)) };
                if refused.is_none() && usage.calls < work.calls {
                    doing[process] = Doing::Calls { work, grant, usage };
                    busy.push(Reverse((now + CALL, process)));
                    continue;
                }
                sessions += 1;
                let works_on = if sessions % long_every == 0 { LONG_WORK } else { 0 };
                doing[process] = Doing::Ends { work, grant, usage };
                busy.push(Reverse((now + works_on, process)));
            }
            Doing::Ends { mut work, grant, usage } => {
                states[work.org].settle(&grant, &usage, at(now));
                if shares {
                    app.hear(&usage, at(now));
                }
                if usage.refused.is_none() {
                    work.sessions -= 1;
                }
                if work.sessions > 0 {
                    due.push(Reverse((now, work)));
                }
                ended = now;
                busy.push(Reverse((now, process)));
            }
        }
    }
    (xero, ended)
}

/// Each organisation has as much to load as a minute lets it, for several minutes.
fn first_loads() -> Vec<(i64, Work)> {
    let load = |org| Work { org, priority: Priority::Backfill, calls: 10, sessions: 10 };
    (0..ORGS).map(|org| (0, load(org))).collect()
}

/// A tick of all polls beside it, and what webhooks announce all the time.
fn quarter_of_an_hour() -> Vec<(i64, Work)> {
    let poll = |org| (MINUTE, Work { org, priority: Priority::Poll, calls: 5, sessions: 1 });
    let fetch = |number: usize| {
        let work = Work { org: number % ORGS, priority: Priority::Webhook, calls: 1, sessions: 1 };
        (i64::try_from(number).unwrap() * 20, work)
    };
    (0..ORGS).map(poll).chain((0..30_000).map(fetch)).collect()
}

#[test]
fn first_loads_of_a_thousand_organisations_leave_the_apps_minute_to_polls_and_webhooks() {
    let (xero, ended) = run(first_loads().into_iter().chain(quarter_of_an_hour()), true);
    assert_eq!(xero.refused, 0, "Xero never said that the app's minute is used up");
    assert!(xero.most > 5_000, "they did come near: {}", xero.most);
    // 100,000 calls of loading, 5,000 of polls, 30,000 of webhooks
    assert!(ended / MINUTE <= 30, "{} minutes", ended / MINUTE);
}

/// However long sessions keep what they have learnt to themselves.
#[test]
fn sessions_that_often_work_on_for_long_leave_the_apps_minute_alone_too() {
    let (xero, _) = run_with(first_loads().into_iter().chain(quarter_of_an_hour()), true, OFTEN);
    assert_eq!(xero.refused, 0);
}

/// What this would be without it, so that the test above can fail.
#[test]
fn organisations_that_know_only_their_own_answers_use_the_apps_minute_up() {
    let (xero, _) = run(first_loads().into_iter().chain(quarter_of_an_hour()), false);
    assert!(xero.refused > 0);
}

/// Nothing but the most urgent, each time with as many calls as are granted at all, and far more than the minute has.
#[test]
fn the_most_urgent_work_alone_never_uses_the_apps_minute_up() {
    let fetches = |org| Work { org, priority: Priority::Webhook, calls: GRANT_CALLS_MAX, sessions: 2 };
    let (xero, ended) = run((0..ORGS).map(|org| (0, fetches(org))), true);
    assert_eq!(xero.refused, 0);
    assert!(xero.most > 8_000, "it takes most of the minute: {}", xero.most);
    assert!(ended / MINUTE <= 6, "40,000 calls: {} minutes", ended / MINUTE);
}

#[test]
fn a_thousand_polls_at_once_stay_within_the_apps_minute() {
    let (xero, ended) = run(quarter_of_an_hour(), true);
    assert_eq!(xero.refused, 0);
    assert!(ended < 11 * MINUTE, "nothing waited for another minute: {ended} ms");
}

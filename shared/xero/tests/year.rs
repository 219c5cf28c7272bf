//! A year of a busy shop on Xero's smallest plan, on the level of the limiter.
//!
//! No request is made here. What asks is a model of the work (each kind at the cost that `tests/sim/costs.rs` measures),
//! what answers is a model of Xero's fixed windows, and between the two stands the real [`BudgetState`]. The work that can
//! gather does so for as long as [`BudgetState::spacing`] says, which is what a program has to do to get these figures.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use parstock_xero::{
    Answer, BudgetState, IDS_PER_CALL, Priority, RateProblem, Refused, Remaining, STARTER_DAY_LIMIT, Usage,
    Wait,
};

const DAY: i64 = 86_400;
const DAYS: i64 = 365;
/// Calls of one poll.
const POLL_CALLS: u32 = 5;
/// Seconds from one poll to the next.
const POLL_EVERY: i64 = 900;
/// Calls of an order that a person approves.
const ORDER_CALLS: u32 = 4;
/// Seconds that a webhook's hints gather at least.
const GATHER: i64 = 5;
/// Documents of a page of history.
const PAGE: u32 = 1_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_323_200 + second).unwrap()
}

/// A well-mixed number, the same for the same inputs.
fn draw(stream: u64, counter: u64) -> u64 {
    let mut z = stream.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ counter.wrapping_mul(0xD1B5_4A32_D192_ED03);
    for _ in 0..2 {
        z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z ^= z >> 27;
    }
    z
}

/// Xero's fixed windows: they begin when Xero likes.
struct Windows {
    offset: i64,
    day: (i64, u32),
    minute: (i64, u32),
    refused: BTreeMap<&'static str, u32>,
}

impl Windows {
    fn call(&mut self, second: i64) -> (Remaining, Option<Refused>) {
        let shifted = second + self.offset;
        let (day, minute) = (shifted.div_euclid(DAY), shifted.div_euclid(60));
        if self.day.0 != day {
            self.day = (day, 0);
        }
        if self.minute.0 != minute {
            self.minute = (minute, 0);
        }
        let full = if self.day.1 >= STARTER_DAY_LIMIT {
            Some(("day", RateProblem::Day, DAY - shifted.rem_euclid(DAY)))
        } else if self.minute.1 >= 60 {
            Some(("minute", RateProblem::Minute, 60 - shifted.rem_euclid(60)))
        } else {
            None
        };
        if full.is_none() {
            self.day.1 += 1;
            self.minute.1 += 1;
        }
        let remaining = Remaining {
            day: Some(STARTER_DAY_LIMIT - self.day.1),
            minute: Some(60 - self.minute.1),
            app_minute: Some(10_000),
        };
        let refused = full.map(|(name, problem, wait)| {
            *self.refused.entry(name).or_default() += 1;
            Refused { problem, retry_after: Some(SignedDuration::from_secs(wait)) }
        });
        (remaining, refused)
    }
}

/// What came of a year.
#[derive(Debug, Default)]
struct Year {
    calls: u64,
    most_in_a_day: u32,
    /// How often the limiter said no for the day, by who asked.
    day_refusals: BTreeMap<Priority, u32>,
    /// The longest that a document waited from its announcement to its fetch, in seconds.
    longest_wait: i64,
    /// All of them, in seconds.
    waits: Vec<i64>,
    days_of_first_load: i64,
    /// The longest time without a poll, in seconds.
    longest_without_poll: i64,
}

/// How the documents of a day come: seconds of the day, in order.
fn arrivals(day: i64, documents: u64) -> Vec<i64> {
    let stream = u64::try_from(day).unwrap();
    // Nine to seven, and a tenth of them at any hour, as from a web shop.
    let mut seconds: Vec<i64> = (0..documents)
        .map(|number| {
            let drawn = i64::try_from(draw(stream, number) % 1_000_000).unwrap();
            if number % 10 == 0 { drawn * DAY / 1_000_000 } else { 32_400 + drawn * 36_000 / 1_000_000 }
        })
        .collect();
    seconds.sort_unstable();
    seconds
}

/// Makes the calls of one session, if the limiter grants them.
fn work(
    state: &mut BudgetState,
    xero: &mut Windows,
    year: &mut Year,
    priority: Priority,
    calls: u32,
    second: i64,
) -> Result<(), i64> {
    match state.grant(priority, calls, at(second)) {
        Answer::Granted(grant) => {
            let mut usage = Usage::default();
            for _ in 0..calls {
                let (remaining, refused) = xero.call(second);
                usage = Usage { calls: usage.calls + 1, remaining, refused, answered_at: None };
                if refused.is_some() {
                    break;
                }
            }
            year.calls += u64::from(usage.calls);
            year.most_in_a_day = year.most_in_a_day.max(xero.day.1);
            state.settle(&grant, &usage, at(second + 1));
            assert_eq!(usage.refused, None, "Xero refused a call at second {second}");
            Ok(())
        }
        Answer::NotBefore { until, why } => {
            if matches!(why, Wait::Day | Wait::Parked(RateProblem::Day)) {
                *year.day_refusals.entry(priority).or_default() += 1;
            }
            Err(until.duration_since(at(0)).as_secs())
        }
    }
}

/// A year with so many documents a day; `history` documents are loaded first.
fn year(documents: impl Fn(i64) -> u64, history: u32, offset: i64) -> (Year, Windows) {
    let mut state = BudgetState::default();
    let mut xero = Windows { offset, day: (i64::MIN, 0), minute: (i64::MIN, 0), refused: BTreeMap::new() };
    let mut year = Year::default();
    let mut pages_to_load = history.div_ceil(PAGE) + 4;
    // Announced and not yet fetched, by when.
    let mut announced: Vec<i64> = Vec::new();
    let mut fetch_at = 0;
    let (mut poll_at, mut polled_at) = (0, 0);
    let mut load_at = 0;
    for day in 0..DAYS {
        let begin = day * DAY;
        let mut coming = arrivals(day, documents(day)).into_iter().map(|second| begin + second).peekable();
        // Orders that people approve, ten a day in the morning.
        let mut orders: Vec<i64> = (0..10).map(|number| begin + 30_000 + number * 600).collect();
        orders.reverse();
        let mut second = begin;
        while second < begin + DAY {
            while let Some(arrived) = coming.next_if(|arrived| *arrived <= second) {
                announced.push(arrived);
                if announced.len() == 1 {
                    let spacing = state.spacing(Priority::Webhook, 1, at(second)).as_secs();
                    fetch_at = fetch_at.max(arrived + GATHER.max(spacing));
                }
            }
            if !announced.is_empty() && second >= fetch_at {
                let calls = announced.len().div_ceil(IDS_PER_CALL);
                let calls = u32::try_from(calls).unwrap();
                match work(&mut state, &mut xero, &mut year, Priority::Webhook, calls, second) {
                    Ok(()) => {
                        for arrived in announced.drain(..) {
                            year.longest_wait = year.longest_wait.max(second - arrived);
                            year.waits.push(second - arrived);
                        }
                        fetch_at = second + GATHER;
                    }
                    Err(until) => fetch_at = until,
                }
            }
            if orders.last().is_some_and(|order| *order <= second) {
                match work(&mut state, &mut xero, &mut year, Priority::Person, ORDER_CALLS, second) {
                    Ok(()) => drop(orders.pop()),
                    Err(until) => {
                        let order = orders.last_mut().unwrap();
                        *order = until;
                    }
                }
            }
            if second >= poll_at {
                match work(&mut state, &mut xero, &mut year, Priority::Poll, POLL_CALLS, second) {
                    Ok(()) => {
                        year.longest_without_poll = year.longest_without_poll.max(second - polled_at);
                        polled_at = second;
                        let spacing = state.spacing(Priority::Poll, POLL_CALLS, at(second)).as_secs();
                        poll_at = second + POLL_EVERY.max(spacing);
                    }
                    Err(until) => poll_at = until,
                }
            }
            if pages_to_load > 0 && second >= load_at {
                match work(&mut state, &mut xero, &mut year, Priority::Backfill, 1, second) {
                    Ok(()) => {
                        pages_to_load -= 1;
                        load_at = second + 2;
                        year.days_of_first_load = day + 1;
                    }
                    Err(until) => load_at = until,
                }
            }
            // To the next instant at which something can happen.
            let next = [
                coming.peek().copied(),
                (!announced.is_empty()).then_some(fetch_at),
                orders.last().copied(),
                Some(poll_at),
                (pages_to_load > 0).then_some(load_at),
            ];
            let next = next.into_iter().flatten().min().unwrap_or(begin + DAY);
            second = next.max(second + 1).min(begin + DAY);
        }
    }
    year.waits.sort_unstable();
    (year, xero)
}

fn quantile(sorted: &[i64], per_cent: usize) -> i64 {
    sorted[(sorted.len() - 1) * per_cent / 100]
}

#[test]
fn a_year_of_a_busy_shop_on_starter_never_meets_the_day_limit() {
    // Xero's day begins at another hour for each organisation.
    for offset in [0, 11 * 3_600, 17 * 3_600 + 1_234] {
        let (year, xero) = year(|_| 500, 365_000, offset);
        assert_eq!(xero.refused, BTreeMap::new(), "Xero never answered 429");
        assert_eq!(year.day_refusals, BTreeMap::new(), "nobody was told to wait for the next day");
        // Polls give way to what was announced, but they go on.
        assert!(year.longest_without_poll <= 3_600, "{} s", year.longest_without_poll);
        assert!(year.most_in_a_day <= STARTER_DAY_LIMIT, "{}", year.most_in_a_day);
        assert_eq!(year.waits.len(), 365 * 500, "every document was fetched");
        let (half, most) = (quantile(&year.waits, 50), quantile(&year.waits, 99));
        assert!(half <= 120, "half of the documents within {half} s");
        assert!(most <= 900, "99 of 100 documents within {most} s");
        assert!(year.days_of_first_load <= 3, "loaded after {} days", year.days_of_first_load);
        println_figures(&year, half, most);
    }
}

#[test]
fn a_day_of_five_thousand_documents_makes_them_later_and_stops_nothing() {
    let (year, xero) = year(|day| if day % 30 == 29 { 5_000 } else { 500 }, 0, 5 * 3_600);
    assert_eq!(xero.refused, BTreeMap::new());
    assert_eq!(year.day_refusals.get(&Priority::Webhook), None, "{:?}", year.day_refusals);
    assert_eq!(year.day_refusals.get(&Priority::Person), None, "{:?}", year.day_refusals);
    let most = quantile(&year.waits, 99);
    assert!(most <= 1_800, "99 of 100 documents within {most} s");
    println_figures(&year, quantile(&year.waits, 50), most);
}

/// Shown with `--nocapture`: the figures of `docs/xero-limits.md`.
#[expect(clippy::print_stdout, reason = "the figures of the document come from here")]
fn println_figures(year: &Year, half: i64, most: i64) {
    println!(
        "{} calls a day, at most {}; half of the documents within {half} s, 99 % within {most} s, all within {} s; \
         first load in {} days; never {} s without a poll; refused for the day: {:?}",
        year.calls / 365,
        year.most_in_a_day,
        year.longest_wait,
        year.days_of_first_load,
        year.longest_without_poll,
        year.day_refusals,
    );
}

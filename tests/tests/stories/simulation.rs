//! The use cases under the seeded scheduler, compared with the independent model.
//!
//! A run that fails prints its seed; `SEED=<number> cargo test -p parstock-tests --test stories` runs
//! that one alone, and `SEEDS=<number>` that many of each story.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a broken expectation ends the test, figures are printed, and the seed comes from the environment"
)]

use std::collections::BTreeMap;

use jiff::SignedDuration;
use parstock_tests::planted::LastWriterWins;
use parstock_tests::scheduler::{Faults, Harm, Planned};
use parstock_tests::world::{Acknowledge, Report, Story, Vouchers, run};

/// The seeds to run: those asked for, or `count` of them.
fn seeds(count: u64) -> Vec<u64> {
    let asked = |name: &str| -> Option<u64> {
        let value = std::env::var(name).ok()?;
        Some(value.parse().unwrap_or_else(|_| panic!("{name} is a whole number, not `{value}`")))
    };
    asked("SEED").map_or_else(|| (0..asked("SEEDS").unwrap_or(count)).collect(), |seed| vec![seed])
}

/// The one seed of a story that is told many times.
fn seed() -> u64 {
    seeds(1).first().copied().unwrap_or_default()
}

/// Runs a story and ends the test if anything differs.
fn check(story: Story) -> Report {
    let report = run(story.clone(), |store| store);
    assert!(
        report.differences.is_empty(),
        "SEED={} {story:?}\n{} differences:\n{}\nharms: {:?}\ndead: {:?}",
        story.seed,
        report.differences.len(),
        report.differences.iter().take(20).map(|what| format!("  {what}\n")).collect::<String>(),
        report.harms,
        report.dead,
    );
    report
}

#[test]
fn without_faults_the_store_equals_the_model() {
    for seed in seeds(3) {
        let report = check(Story { faults: Faults::NONE, acts: 40, ..Story::new(seed) });
        assert_eq!(report.harms, BTreeMap::new());
        assert_eq!(report.dead, Vec::<String>::new());
    }
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let story = Story { acts: 30, ..Story::new(seed()) };
    assert_eq!(run(story.clone(), |store| store), run(story, |store| store));
}

#[test]
fn ten_thousand_deliveries_leave_no_difference() {
    let (mut deliveries, mut harms) = (0, BTreeMap::<_, u64>::new());
    for seed in seeds(60) {
        let report = check(Story::new(seed));
        deliveries += report.deliveries;
        for (harm, times) in report.harms {
            *harms.entry(harm).or_default() += times;
        }
    }
    println!("{deliveries} deliveries, {harms:?}");
    if std::env::var("SEED").is_err() && std::env::var("SEEDS").is_err() {
        assert!(deliveries >= 10_000, "only {deliveries} deliveries");
        for harm in ["failed before", "failed after", "crashed", "delayed", "timed out"] {
            assert!(harms.get(harm).is_some_and(|times| *times > 20), "too little of `{harm}`: {harms:?}");
        }
    }
}

#[test]
fn a_document_of_several_hundred_lines_survives_crashes_between_its_commits() {
    for seed in seeds(5) {
        let report = check(Story { acts: 20, long_document: 400, ..Story::new(seed) });
        assert!(report.commits > 10);
    }
}

#[test]
fn organisations_do_not_mix() {
    for seed in seeds(3) {
        check(Story { orgs: 3, acts: 15, ..Story::new(seed) });
    }
}

#[test]
fn webhooks_alone_do_for_what_has_webhooks() {
    for seed in seeds(5) {
        let report = check(webhooks_only(seed, Acknowledge::AtTheEnd));
        assert_eq!(report.dead, Vec::<String>::new());
    }
}

fn webhooks_only(seed: u64, acknowledge: Acknowledge) -> Story {
    // few enough that no message fails five times
    let faults = Faults { crash: 2, fail_before: 2, fail_after: 2, ..Faults::SOME };
    Story { polls: false, acts: 40, faults, acknowledge, ..Story::new(seed) }
}

#[test]
fn an_approved_proposal_becomes_exactly_one_purchase_order() {
    for seed in seeds(20) {
        check(Story { acts: 15, approvals: 4, ..Story::new(seed) });
    }
}

#[test]
fn each_day_has_one_digest_told_once_by_mail_and_once_by_slack() {
    let mut digests = 0;
    for seed in seeds(3) {
        let report = check(Story { faults: Faults::NONE, ..days(seed) });
        assert_eq!(report.dead, Vec::<String>::new());
        digests = digests.max(report.digests);
    }
    assert!(digests >= 2, "no story went on over a night");
}

#[test]
fn no_digest_is_lost_and_none_comes_more_than_twice() {
    for seed in seeds(5) {
        check(days(seed));
    }
}

/// A story of some days, with the digest's schedule.
fn days(seed: u64) -> Story {
    Story { acts: 15, digests: true, leisure: 150, ..Story::new(seed) }
}

#[test]
fn planning_again_and_again_grows_no_second_proposal() {
    let mut proposals = 0;
    for seed in seeds(10) {
        proposals += check(Story { acts: 40, replans: true, leisure: 10, ..Story::new(seed) }).proposals;
    }
    assert!(proposals > 0, "nothing was ever proposed");
}

#[test]
fn what_a_person_counted_is_what_the_movements_say_of_that_day() {
    for seed in seeds(20) {
        check(Story { acts: 15, counts: true, ..Story::new(seed) });
    }
}

/// A small story harmed at every `step`th of its points, until all is done.
fn harm_points(small: &Story, step: usize, harm: Harm, lasts: SignedDuration) {
    let untouched = check(Story { faults: Faults::NONE, ..small.clone() });
    assert!(untouched.points_busy > 100, "the story has only {} points", untouched.points_busy);
    for at in (1..=untouched.points_busy).step_by(step) {
        let planned = Some(Planned { at, harm, lasts });
        let report = check(Story { faults: Faults::NONE, planned, ..small.clone() });
        assert!(!report.harms.is_empty(), "point {at} was not met");
    }
}

/// Papers are written and changed, a long one among them.
fn papers() -> Story {
    Story { history: 2, acts: 3, long_document: 45, ..Story::new(seed()) }
}

/// An approved proposal becomes a purchase order.
fn approval() -> Story {
    Story { history: 2, acts: 1, approvals: 1, ..Story::new(seed()) }
}

/// A digest is put together, mailed and posted.
fn digest() -> Story {
    Story { history: 2, acts: 1, digests: true, ..Story::new(seed()) }
}

/// Counts are booked.
fn counts() -> Story {
    Story { history: 2, acts: 1, counts: true, ..Story::new(seed()) }
}

/// A voucher is made, of more shares than one commit books, or taken back.
fn vouchers(wanted: Vouchers) -> Story {
    Story { history: 2, acts: 0, vouchers: wanted, ..Story::new(seed()) }
}

/// Stock is written off and found, of more lines than one commit books, and by documents in Xero.
fn adjustments() -> Story {
    Story { history: 6, acts: 0, adjustments: true, ..Story::new(seed()) }
}

const ONCE: SignedDuration = SignedDuration::ZERO;
/// How long an outage lasts that is no single failure.
const OUTAGE: SignedDuration = SignedDuration::from_mins(20);

#[test]
fn a_crash_at_any_point_loses_and_doubles_nothing() {
    harm_points(&papers(), 1, Harm::Crash, ONCE);
}

#[test]
fn a_failure_before_or_after_any_call_loses_and_doubles_nothing() {
    harm_points(&papers(), 1, Harm::Fail, ONCE);
}

#[test]
fn an_outage_of_crashes_from_many_points_on_loses_and_doubles_nothing() {
    harm_points(&papers(), 5, Harm::Crash, OUTAGE);
}

#[test]
fn an_outage_of_failures_from_many_points_on_loses_and_doubles_nothing() {
    harm_points(&papers(), 5, Harm::Fail, OUTAGE);
}

#[test]
fn a_crash_or_failure_at_any_point_of_an_approval_leaves_one_order() {
    harm_points(&approval(), 1, Harm::Crash, ONCE);
    harm_points(&approval(), 1, Harm::Fail, ONCE);
}

#[test]
fn a_crash_or_failure_at_any_point_of_a_digest_leaves_one_digest() {
    harm_points(&digest(), 1, Harm::Crash, ONCE);
    harm_points(&digest(), 1, Harm::Fail, ONCE);
}

#[test]
fn a_crash_or_failure_at_any_point_of_a_count_books_it_once() {
    harm_points(&counts(), 1, Harm::Crash, ONCE);
    harm_points(&counts(), 1, Harm::Fail, ONCE);
}

#[test]
fn a_crash_or_failure_at_any_point_of_a_voucher_books_it_once() {
    for wanted in [Vouchers::Made, Vouchers::TakenBack] {
        harm_points(&vouchers(wanted), 1, Harm::Crash, ONCE);
        harm_points(&vouchers(wanted), 1, Harm::Fail, ONCE);
    }
}

#[test]
fn a_crash_or_failure_at_any_point_of_an_adjustment_books_it_once() {
    harm_points(&adjustments(), 1, Harm::Crash, ONCE);
    harm_points(&adjustments(), 1, Harm::Fail, ONCE);
}

#[test]
fn adjustments_are_whole_whatever_goes_wrong() {
    for seed in seeds(20) {
        check(Story { acts: 15, adjustments: true, ..Story::new(seed) });
    }
}

#[test]
fn vouchers_are_whole_whatever_goes_wrong() {
    for seed in seeds(20) {
        for vouchers in [Vouchers::Made, Vouchers::TakenBack] {
            check(Story { acts: 15, vouchers, ..Story::new(seed) });
        }
    }
}

#[test]
fn goods_come_in_once_whatever_goes_wrong() {
    for seed in seeds(40) {
        let report = check(Story { receives: true, acts: 40, ..Story::new(seed) });
        assert!(!report.dead.iter().any(|cause| cause.contains("bug")), "{:?}", report.dead);
    }
}

/// Seeds within which a planted bug must be found.
const SEEDS_TO_FIND: u64 = 300;

#[test]
fn a_planted_store_that_ignores_conditions_is_found() {
    let found =
        (0..SEEDS_TO_FIND).find(|seed| !run(Story::new(*seed), LastWriterWins).differences.is_empty());
    println!("found at seed {found:?}");
    assert!(found.is_some(), "{SEEDS_TO_FIND} seeds did not show that updates were lost");
}

#[test]
fn a_planted_driver_that_acknowledges_before_the_commit_is_found() {
    let lost =
        |seed: &u64| !run(webhooks_only(*seed, Acknowledge::OnReceipt), |store| store).differences.is_empty();
    let found = (0..50).find(lost);
    println!("found at seed {found:?}");
    assert!(found.is_some(), "50 seeds did not show that messages were lost");
}

//! Each fault of Xero's, at each call of a poll that brings something and of an approved order: the product as it runs,
//! with its adapter, its store and its queues.

use std::fmt::Debug;

use jiff::ToSpan;
use parstock_app::load;
use parstock_app::ports::Ports;
use parstock_app::records::{Key, List, Owner, Profile};
use parstock_domain::fixed::Quantity;
use parstock_domain::governance::ProposalState;
use parstock_domain::ledger::OrderLine;
use parstock_local::demo::load_history;
use parstock_local::driver::Driver;
use parstock_local::trade::NoTrade;
use parstock_xero_sim::act::{DocumentKind, E4};
use parstock_xero_sim::{ApiFault, WebhookFault, World};

use super::shop::Shop;

const ASSIST: &str = r#"{"version":1,"rules":[{"scope":"org","setting":"phase","value":"assist"}]}"#;
/// Hours after which the longest fault is over, and then some: a day's limit.
const HOURS_MAX: i64 = 26;

/// Each fault, with what health must say while it lasts.
const FAULTS: [(ApiFault, &str); 15] = [
    (ApiFault::MinuteLimit, "parked"),
    (ApiFault::AppMinuteLimit, ""),
    (ApiFault::ConcurrentLimit, ""),
    (ApiFault::DayLimit, "parked"),
    (ApiFault::LongDayLimit, "parked"),
    (ApiFault::ServerError, ""),
    (ApiFault::Unavailable, ""),
    (ApiFault::DroppedBefore, ""),
    (ApiFault::DroppedAfterCommit, ""),
    (ApiFault::Slow, ""),
    (ApiFault::TokenExpired, ""),
    (ApiFault::Disconnected, "no longer connected"),
    (ApiFault::ScopeMissing, "may not use"),
    (ApiFault::SkewedDate, ""),
    (ApiFault::ShiftedPage, ""),
];

struct Story {
    shop: Shop,
    driver: Driver<NoTrade>,
}

impl Story {
    /// A shop whose history is in and which writes orders.
    async fn open(without_retry_after: bool, concurrent_has_retry_after: bool) -> Self {
        let shop = Shop::with(|settings| {
            settings.faults.without_retry_after = without_retry_after;
            settings.switches.concurrent_has_retry_after = concurrent_has_retry_after;
        })
        .await;
        let mut driver = shop.driver();
        load_history(&mut driver, 0, &mut ()).await.unwrap();
        shop.set(ASSIST).await;
        let mut story = Self { shop, driver };
        story.minutes(20).await;
        story
    }

    async fn minutes(&mut self, minutes: i64) {
        let until = self.shop.ports.clock.now() + minutes.minutes();
        self.driver.run_until(until).await.unwrap();
    }

    /// Lives on until something is so, and tells what health said meanwhile.
    async fn lives_until(&mut self, is_so: impl AsyncFn(&Shop) -> bool, what: impl Debug) -> String {
        let limit = self.shop.ports.clock.now() + HOURS_MAX.hours();
        let mut said = String::new();
        while !is_so(&self.shop).await {
            let (at, kind) = self.driver.next().unwrap();
            assert!(at < limit, "{what:?}: parked for ever\n{}", self.shop.health().await);
            self.driver.step(at, kind).await.unwrap();
            said.push_str(&self.shop.health().await);
        }
        said
    }

    /// The next poll is a good one, and nothing is left of what went wrong.
    async fn is_well(&mut self, what: impl Debug) {
        let since = self.shop.ports.clock.now();
        self.lives_until(async |shop| polled_since(shop, since).await, &what).await;
        let health = self.shop.health().await;
        for word in ["your turn", "parked", "dead letter ", "to leave"] {
            assert!(!health.contains(word), "{what:?}: {health}");
        }
        assert!(health.contains("hints       0 wait"), "{what:?}: {health}");
    }
}

async fn polled_since(shop: &Shop, since: jiff::Timestamp) -> bool {
    let owner = Owner::Org(shop.org);
    let profile = load::one::<Profile>(shop.ports.store(), owner, Key::Profile).await.unwrap().unwrap();
    profile.content.polled_at.is_some_and(|at| at > since)
}

/// Where the polls of a quiet shop find an invoice: behind the list by turns and the orders.
const CALLS_BEFORE_INVOICES: usize = 2;

async fn polls(without_retry_after: bool, concurrent_has_retry_after: bool) {
    let mut story = Story::open(without_retry_after, concurrent_has_retry_after).await;
    let mut sold = 0;
    for (fault, says) in FAULTS {
        for well in [0, CALLS_BEFORE_INVOICES] {
            let what = (fault, well, without_retry_after);
            sold += 1;
            story.shop.world.lock().unwrap().script_event(WebhookFault::Lost);
            story.shop.sell(&format!("INV-{sold}"), "BAG", E4::ONE);
            story.shop.world.lock().unwrap().script_call_after(well, fault);
            let booked = Quantity::from_e4(-10_000 * sold);
            let since = story.shop.ports.clock.now();
            let is_so =
                async |shop: &Shop| shop.stock("BAG").await == booked && polled_since(shop, since).await;
            let said = story.lives_until(is_so, what).await;
            assert!(said.contains(says), "{what:?} has to be said: {said}");
            story.is_well(what).await;
            assert_eq!(story.shop.stock("BAG").await, booked, "{what:?}: nothing is booked twice");
        }
    }
}

#[tokio::test]
async fn a_poll_brings_everything_in_once_whatever_goes_wrong_with_one_of_its_calls() {
    polls(false, true).await;
}

#[tokio::test]
async fn a_poll_does_so_without_a_word_of_when_to_come_again() {
    polls(true, false).await;
}

async fn orders(without_retry_after: bool) {
    let mut story = Story::open(without_retry_after, false).await;
    let mut written = 0;
    for (fault, says) in FAULTS {
        // writing the order, reading its notes, writing one
        for well in 0..3 {
            let what = (fault, well, without_retry_after);
            let proposal = story.shop.propose("Mill & Sons").await;
            story.shop.world.lock().unwrap().script_call_after(well, fault);
            story.shop.approve(&proposal).await.unwrap();
            written += 1;
            let is_so = async |shop: &Shop| {
                let state = shop.proposal(proposal.id).await.status;
                assert!(!matches!(state, ProposalState::Failed { .. }), "{what:?}: {state:?}");
                matches!(state, ProposalState::Done { .. })
            };
            let said = story.lives_until(is_so, what).await;
            assert!(well > 0 || said.contains(says), "{what:?} has to be said: {said}");
            story.is_well(what).await;

            let is_one_with_one_note = |world: &World| {
                let orders: Vec<_> = world
                    .documents()
                    .filter(|document| document.kind == DocumentKind::PurchaseOrder)
                    .collect();
                assert_eq!(orders.len(), written, "{what:?}: one order");
                let notes = world.notes(orders.last().unwrap().id);
                let ours = notes.iter().filter(|note| note.contains(&proposal.id.to_string())).count();
                assert_eq!(ours, 1, "{what:?}: one note among {notes:?}");
            };
            is_one_with_one_note(&story.shop.world.lock().unwrap());
            let list = List::OrderLines(story.shop.item("BAG").await.id);
            let lines =
                load::all::<OrderLine>(story.shop.ports.store(), story.shop.org, &list).await.unwrap();
            assert_eq!(lines.len(), written, "{what:?}: booked once");
        }
    }
}

#[tokio::test]
async fn an_approved_order_is_written_once_whatever_goes_wrong_with_one_of_its_calls() {
    orders(false).await;
}

#[tokio::test]
async fn an_approved_order_is_written_once_without_a_word_of_when_to_come_again() {
    orders(true).await;
}

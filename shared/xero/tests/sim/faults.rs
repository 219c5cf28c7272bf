//! What goes wrong at Xero, and what the client makes of it.

use jiff::SignedDuration;
use parstock_xero::{
    Error, Priority, Problem, RateProblem, Wait, WriteOutcome,
    model::{PurchaseOrderStatus, Walk},
};
use parstock_xero_sim::act::{DocumentKind, Status};
use parstock_xero_sim::{ApiFault, LONG_RETRY_AFTER};

use crate::support::{Shop, key, line};

/// What a read and a write make of a fault, each in a shop of its own, since some faults park the organisation. The
/// third is how many orders there are then.
async fn outcomes(fault: ApiFault) -> (Result<(), Error>, Result<(), Error>, usize) {
    let (reading, writing) = (Shop::open().await, Shop::open().await);
    let mut session = reading.session().await;
    session.organisation().await.unwrap();
    reading.script(fault);
    let read = session.accounts().await.map(drop);
    let mut session = writing.session().await;
    session.organisation().await.unwrap();
    writing.script(fault);
    let order = writing.order("PS-1", PurchaseOrderStatus::Draft);
    let write = session.create_purchase_orders(&[order], &key("a")).await.map(drop);
    let orders = writing.world().document_count();
    (read, write, orders)
}

#[tokio::test]
async fn each_refused_rate_parks_until_xero_says() {
    for (fault, problem) in [
        (ApiFault::MinuteLimit, RateProblem::Minute),
        (ApiFault::DayLimit, RateProblem::Day),
        (ApiFault::LongDayLimit, RateProblem::Day),
        (ApiFault::ConcurrentLimit, RateProblem::Concurrent),
        (ApiFault::AppMinuteLimit, RateProblem::AppMinute),
    ] {
        let (read, write, orders) = outcomes(fault).await;
        for outcome in [read, write] {
            let Err(Error::NotNow { why: Wait::Parked(said), .. }) = outcome else {
                panic!("{fault:?}: {outcome:?}")
            };
            assert_eq!(said, problem);
        }
        assert_eq!(orders, 0, "a refused write did nothing");
    }
}

#[tokio::test]
async fn twenty_hours_of_waiting_are_recorded_and_not_slept() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    shop.script(ApiFault::LongDayLimit);
    let Err(Error::NotNow { until, .. }) = session.organisation().await else { panic!("it was answered") };
    assert_eq!(until, shop.now() + SignedDuration::from_secs(LONG_RETRY_AFTER));
    let calls = shop.served("GET Organisation");
    shop.time.pass(LONG_RETRY_AFTER - 1);
    // Nobody sends anything before, however urgent.
    assert!(shop.client.session(Priority::Webhook, 1).await.is_err());
    assert_eq!(shop.served("GET Organisation"), calls);
    shop.time.pass(1);
    let mut session = shop.client.session(Priority::Webhook, 1).await.unwrap();
    session.organisation().await.unwrap();
    session.finish().await.unwrap();
}

#[tokio::test]
async fn a_server_that_fails_is_tried_again_by_reads_and_looked_up_by_writes() {
    for (fault, orders_then) in [
        (ApiFault::ServerError, 0),
        (ApiFault::Unavailable, 0),
        (ApiFault::DroppedBefore, 0),
        (ApiFault::DroppedAfterCommit, 1),
    ] {
        let (read, write, orders) = outcomes(fault).await;
        assert!(matches!(read, Err(Error::RetryAfter { .. })), "{fault:?}: {read:?}");
        assert!(matches!(write, Err(Error::Unknown { .. })), "{fault:?}: {write:?}");
        assert_eq!(orders, orders_then, "{fault:?}");
    }
}

#[tokio::test]
async fn after_an_unknown_outcome_looking_makes_no_double() {
    for (fault, exists) in [(ApiFault::DroppedBefore, false), (ApiFault::DroppedAfterCommit, true)] {
        let shop = Shop::open().await;
        let mut session = shop.session().await;
        session.organisation().await.unwrap();
        shop.script(fault);
        let order = shop.order("PS-1", PurchaseOrderStatus::Draft);
        session.create_purchase_orders(std::slice::from_ref(&order), &key("a")).await.unwrap_err();
        // Long after Xero has forgotten the key.
        shop.time.pass(3_600);
        let found = session.purchase_order_by_number("PS-1").await.unwrap();
        assert_eq!(found.is_some(), exists);
        if found.is_none() {
            let again = session.create_purchase_orders(&[order], &key("b")).await.unwrap();
            assert!(matches!(again.outcomes[0], WriteOutcome::Saved { .. }));
        }
        assert_eq!(shop.world().document_count(), 1);
        session.finish().await.unwrap();
    }
}

#[tokio::test]
async fn what_only_a_person_can_mend_says_what_to_do() {
    for (fault, problem) in [
        (ApiFault::Disconnected, Problem::Disconnected),
        (
            ApiFault::ScopeMissing,
            Problem::Forbidden {
                resource: "Accounts",
                said: Some("Forbidden, InsufficientScope".to_owned()),
            },
        ),
    ] {
        let (read, write, orders) = outcomes(fault).await;
        let Err(Error::AskPerson(found)) = read else { panic!("{fault:?}: {read:?}") };
        assert_eq!(found, problem);
        assert!(matches!(write, Err(Error::AskPerson(_))), "{fault:?}: {write:?}");
        assert_eq!(orders, 0);
        assert!(found.remedy().ends_with('.'));
    }
}

#[tokio::test]
async fn the_date_header_of_another_clock_changes_nothing() {
    let shop = Shop::open().await;
    shop.write(DocumentKind::Bill, "B-1", Status::Draft, vec![line("TEA", "1", "1")]);
    let mut session = shop.session().await;
    let right = session.invoices_modified(None, 1).await.unwrap();
    shop.script(ApiFault::SkewedDate);
    let skewed = session.invoices_modified(None, 1).await.unwrap();
    // What counts is the instant that Xero writes into its answer.
    assert_eq!(skewed.answered_at, right.answered_at);
    let now = shop.now();
    assert_eq!(skewed.answered_at.unwrap().as_millisecond(), now.as_millisecond());
    assert_eq!(skewed.resources, right.resources);
    session.finish().await.unwrap();
    assert_eq!(shop.budget.state().parked(), None);
}

#[tokio::test]
async fn a_page_that_shifts_under_the_reader_is_noticed() {
    for shifts in [false, true] {
        let shop = Shop::open().await;
        for number in 0..2_500 {
            let lines = vec![line("TEA", "1", "1")];
            shop.write(DocumentKind::Bill, &format!("B-{number}"), Status::Draft, lines);
            if number % 500 == 0 {
                shop.time.pass(1);
            }
        }
        shop.time.pass(60);
        let mut session = shop.session().await;
        let mut walk = Walk::default();
        for number in 1.. {
            if shifts && number == 2 {
                shop.script(ApiFault::ShiftedPage);
            }
            let page = session.invoices_modified(None, number).await.unwrap();
            walk.saw(&page);
            if !page.may_have_more(number) {
                break;
            }
        }
        assert_eq!(walk.is_complete(), !shifts);
        // Done again from where it began, while nobody changes anything, it is.
        let since = walk.began_at();
        let mut again = Walk::default();
        for number in 1.. {
            let page = session.invoices_modified(since, number).await.unwrap();
            again.saw(&page);
            if !page.may_have_more(number) {
                break;
            }
        }
        assert!(again.is_complete());
        session.finish().await.unwrap();
    }
}

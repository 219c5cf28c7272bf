//! Lists of more than one page, on which people go on changing documents while they are read.

use jiff::{SignedDuration, ToSpan};
use parstock_app::load;
use parstock_app::ports::Ports;
use parstock_app::records::{DocumentRecord, List};
use parstock_domain::fixed::Quantity;
use parstock_local::demo::load_history;
use parstock_xero_sim::act::E4;
use parstock_xero_sim::{ApiFault, WebhookFault};

use super::shop::Shop;

/// A page of 1,000 and a part of the next: less than the half that [`ApiFault::ShiftedPage`] moves, so that every one of the
/// second page's slips by.
const INVOICES: i64 = 1_300;
/// Invoices that are written within one second where time passes.
const PER_SECOND: i64 = 10;
/// Where the polls of a quiet shop find the first page of invoices: behind the list by turns and the orders.
const FIRST_PAGE: usize = 2;

/// Sells without a word of Xero, has the page shift at this call of the next poll, and counts what came of it.
async fn sold(in_one_second: bool, shifted: usize) {
    let what = (in_one_second, shifted);
    let shop = Shop::with(|settings| settings.faults.webhook = vec![(WebhookFault::Lost, 1_000)]).await;
    let mut driver = shop.driver();
    load_history(&mut driver, 0, &mut ()).await.unwrap();
    // behind the day's proof, which asks Xero, too
    driver.run_until(shop.ports.clock.now() + 40.minutes()).await.unwrap();
    let count = |kind: &str| shop.world.lock().unwrap().audit().calls.get(kind).copied().unwrap_or_default();
    // right behind a poll, so that the next one finds all of them
    let polls = count("GET PurchaseOrders");
    while count("GET PurchaseOrders") == polls {
        let (at, kind) = driver.next().unwrap();
        driver.step(at, kind).await.unwrap();
    }
    let pages = count("GET Invoices");
    for number in 0..INVOICES {
        shop.sell(&format!("INV-{number}"), "BAG", E4::ONE);
        if !in_one_second && number % PER_SECOND == 0 {
            let next = shop.ports.clock.now() + SignedDuration::from_secs(1);
            driver.run_until(next).await.unwrap();
        }
    }
    assert_eq!(count("GET Invoices"), pages, "{what:?}: nothing of it is known yet");
    shop.world.lock().unwrap().script_call_after(shifted, ApiFault::ShiftedPage);
    driver.run_until(shop.ports.clock.now() + 40.minutes()).await.unwrap();
    assert!(shop.world.lock().unwrap().audit().shifted > 0, "{what:?}: it was a page of invoices that moved");
    assert!(count("GET Invoices") >= pages + 3, "{what:?}: two pages, and another look");
    assert_eq!(shop.stock("BAG").await, Quantity::from_e4(-10_000 * INVOICES), "{what:?}");
    let known = load::all::<DocumentRecord>(shop.ports.store(), shop.org, &List::Documents).await.unwrap();
    assert_eq!(
        i64::try_from(known.len()).unwrap(),
        INVOICES + 1,
        "{what:?}: the first bill and each of them once"
    );
}

#[tokio::test]
async fn documents_that_slip_to_another_page_while_it_is_read_are_booked_once() {
    for shifted in FIRST_PAGE..FIRST_PAGE + 2 {
        sold(false, shifted).await;
    }
}

#[tokio::test]
async fn documents_of_one_second_that_slip_to_another_page_are_booked_once() {
    // the first page is read again from its second on, and then the second by its number
    for shifted in FIRST_PAGE..FIRST_PAGE + 3 {
        sold(true, shifted).await;
    }
}

//! Many sales at once cost few calls.

use jiff::SignedDuration;
use parstock_domain::fixed::Quantity;
use parstock_local::demo::load_history;
use parstock_xero_sim::act::E4;

use super::shop::Shop;

/// Sales within one moment.
const SALES: u64 = 200;
/// Invoices that one call must bring in at least.
const INVOICES_PER_CALL: u64 = 20;

#[tokio::test]
async fn two_hundred_sales_at_once_cost_one_call_per_twenty() {
    let shop = Shop::open().await;
    let mut driver = shop.driver();
    load_history(&mut driver, 0, &mut ()).await.unwrap();
    let gets = || shop.world.lock().unwrap().audit().calls.get("GET Invoices").copied().unwrap_or_default();
    let before = gets();
    for number in 0..SALES {
        shop.sell(&format!("INV-{number}"), "BAG", E4::ONE);
    }
    // short of the next poll, which would find them, too
    let soon = shop.ports.clock.now() + SignedDuration::from_mins(10);
    driver.run_until(soon).await.unwrap();
    let calls = gets() - before;
    assert!(calls * INVOICES_PER_CALL <= SALES, "{calls} calls for {SALES} invoices");
    assert_eq!(shop.stock("BAG").await, Quantity::from_e4(-10_000 * i64::try_from(SALES).unwrap()));
}

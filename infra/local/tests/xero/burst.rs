//! Many sales at once cost few calls.

use jiff::SignedDuration;
use parstock_app::load;
use parstock_app::ports::Ports;
use parstock_app::records::{Key, List, Owner};
use parstock_domain::document::Item;
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::LocationId;
use parstock_domain::ledger::Position;
use parstock_local::demo::load_history;
use parstock_local::driver::{Driver, Simulation};
use parstock_local::trade::NoTrade;
use parstock_xero_sim::act::E4;

use crate::shop::Shop;

/// Sales within one moment.
const SALES: u64 = 200;
/// Invoices that one call must bring in at least.
const INVOICES_PER_CALL: u64 = 20;

#[tokio::test]
async fn two_hundred_sales_at_once_cost_one_call_per_twenty() {
    let shop = Shop::open().await;
    let key = shop.world.lock().unwrap().settings().webhook_key.clone();
    let simulation = Simulation { world: shop.world.clone(), trade: NoTrade, owner: None };
    let mut driver =
        Driver::new(shop.ports.clone(), shop.notebook.clone(), vec![key.into()], Some(simulation));
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
    let items = load::all::<Item>(shop.ports.store(), shop.org, &List::Items).await.unwrap();
    let bag = items.iter().find(|(_, item)| item.content.code == "BAG").unwrap().1.content.id;
    let key = Key::Position(bag, LocationId::main());
    let position =
        load::one::<Position>(shop.ports.store(), Owner::Org(shop.org), key).await.unwrap().unwrap();
    assert_eq!(position.content.booked, Quantity::from_e4(-10_000 * i64::try_from(SALES).unwrap()));
}

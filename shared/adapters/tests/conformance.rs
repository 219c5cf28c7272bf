//! What the adapters of this crate promise of their ports, where a stand-in runs on this machine.

use parstock_adapters::clock::{RandomIds, WallClock};
use parstock_adapters::store::embedded;
use parstock_tests::conformance;

#[tokio::test]
async fn the_store_over_the_embedded_table_conforms() {
    conformance::store::store(async || embedded::in_memory().unwrap()).await;
}

#[test]
fn the_clock_and_ids_of_the_machine_conform() {
    conformance::clock::clock(&WallClock);
    conformance::clock::entropy(&RandomIds);
}

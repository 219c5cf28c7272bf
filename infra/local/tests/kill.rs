//! Killed at any moment and started again, a run comes to the same end as one that nobody disturbed.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use parstock_adapters::clock::RandomIds;
use parstock_adapters::store::embedded;
use parstock_app::load;
use parstock_app::ports::Entropy;
use parstock_app::records::{Key, List, OrgEntry, Owner};
use parstock_domain::document::Item;
use parstock_domain::ids::LocationId;
use parstock_domain::ledger::{Movement, Position};
use parstock_xero_sim::act::DocumentKind;
use parstock_xero_sim::{Settings, World};

/// How many kills there are.
const KILLS: usize = 6;
/// Between which moments after each start they fall, in milliseconds.
const MOMENTS: std::ops::Range<u64> = 300..9_000;
const SEED: u64 = 7;

fn start(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_parstock"))
        .args(["run", "--days", "1", "--exit", "--pace", "full", "--data"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Positions, movements and purchase orders, without ids and instants that a kill may move.
#[derive(Debug, Default, PartialEq)]
struct End {
    positions: BTreeMap<String, String>,
    movements: BTreeMap<String, Vec<String>>,
    orders: Vec<String>,
}

/// Moments that no two runs share.
fn moments() -> Vec<u64> {
    let drawn = RandomIds.uuid().into_bytes();
    let draws = drawn.chunks_exact(2).map(|two| u64::from(u16::from_le_bytes([two[0], two[1]])));
    draws.take(KILLS).map(|draw| MOMENTS.start + draw % (MOMENTS.end - MOMENTS.start)).collect()
}

async fn end(folder: &Path) -> End {
    let store = embedded::open(&folder.join("store.sqlite")).unwrap();
    let orgs = load::all_of::<OrgEntry>(&store, Owner::Stack, &List::Orgs).await.unwrap();
    let org = orgs[0].1.content.org;
    let mut end = End::default();
    for (_, item) in load::all::<Item>(&store, org, &List::Items).await.unwrap() {
        let item = item.content;
        let key = Key::Position(item.id, LocationId::main());
        if let Some(position) = load::one::<Position>(&store, Owner::Org(org), key).await.unwrap() {
            let position = position.content;
            let xero = position.snapshot.map(|snapshot| snapshot.xero);
            let what = format!(
                "{} {} {} {} {xero:?}",
                position.booked, position.committed, position.value, position.movements
            );
            end.positions.insert(item.code.clone(), what);
        }
        let movements = load::all::<Movement>(&store, org, &List::Movements(item.id)).await.unwrap();
        let movements = movements.into_iter().map(|(key, row)| {
            let movement = row.content;
            format!("{key:?} {} {}", movement.quantity, movement.value)
        });
        end.movements.insert(item.code, movements.collect());
    }
    let world = World::open(Some(&folder.join("xero.sqlite")), SEED, Settings::development(SEED)).unwrap();
    for order in world.documents().filter(|document| document.kind == DocumentKind::PurchaseOrder) {
        let lines: Vec<String> =
            order.lines.iter().map(|line| format!("{:?} {}", line.item_code, line.quantity)).collect();
        end.orders.push(format!("{} {:?} {lines:?}", order.contact, order.status));
    }
    end.orders.sort();
    end
}

#[tokio::test]
async fn a_run_that_is_killed_again_and_again_ends_as_one_that_is_not() {
    let (calm, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert!(start(calm.path()).wait().unwrap().success());
    let moments = moments();
    for after in moments.iter().copied() {
        let mut child = start(killed.path());
        std::thread::sleep(Duration::from_millis(after));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(start(killed.path()).wait().unwrap().success());
    let (calm, killed) = (end(calm.path()).await, end(killed.path()).await);
    assert!(calm.movements.values().flatten().count() > 1_000, "something happened");
    assert!(calm.orders.iter().any(|order| order.contains("Authorised") || order.contains("Draft")));
    for (code, movements) in &calm.movements {
        assert_eq!(killed.movements.get(code), Some(movements), "{code}, killed after {moments:?} ms");
    }
    assert_eq!(calm, killed, "killed after {moments:?} ms");
}

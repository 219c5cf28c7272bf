//! Killed at any moment and started again, a run comes to the same end as one that nobody disturbed.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop where it stands")]
#![expect(clippy::print_stdout, reason = "the seed is printed")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use parstock_adapters::store::embedded;
use parstock_app::load;
use parstock_app::ports::Entropy;
use parstock_app::records::{Key, List, OrgEntry, Owner};
use parstock_domain::document::Item;
use parstock_domain::ids::LocationId;
use parstock_domain::ledger::{Movement, Position};
use parstock_local::clock::LocalEntropy;
use parstock_tests::rng::Rng;
use parstock_xero_sim::act::DocumentKind;
use parstock_xero_sim::{Settings, World};

/// How many kills there are.
const KILLS: u64 = 8;
/// The demo's seed.
const SEED: u64 = 7;

fn start(folder: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_parstock"))
        .args(["run", "--days", "1", "--exit", "--pace", "full", "--console-port", "0", "--data"])
        .arg(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Follows what a run tells, at most so many lines; answers how many there were. The more a run tells the more
/// it does, so lines spread over set-up, load, days and digest alike, whatever the machine's pace.
fn follow(child: &mut Child, lines: u64) -> u64 {
    let told = BufReader::new(child.stderr.take().unwrap()).lines();
    let lines = usize::try_from(lines).unwrap_or(usize::MAX);
    u64::try_from(told.take(lines).map_while(Result::ok).count()).unwrap()
}

/// The seed of the kills, another in each run; `KILL_SEED=<number>` repeats one.
#[expect(clippy::disallowed_methods, reason = "a kill is repeated by its seed")]
fn kill_seed() -> u64 {
    match std::env::var("KILL_SEED") {
        Ok(text) => text.parse().expect("KILL_SEED is a whole number"),
        Err(_) => LocalEntropy::Random.uuid().as_u64_pair().0,
    }
}

/// Days with the number of their digest's mails.
fn digests(folder: &Path) -> BTreeMap<String, usize> {
    let mut days = BTreeMap::new();
    for file in std::fs::read_dir(folder.join("mail")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "html") {
            let text = std::fs::read_to_string(path).unwrap();
            if let Some((_, rest)) = text.split_once("/digests/") {
                *days.entry(rest.chars().take(10).collect()).or_default() += 1;
            }
        }
    }
    days
}

fn audit_is_whole(folder: &Path) -> bool {
    let program = env!("CARGO_BIN_EXE_parstock");
    Command::new(program).args(["audit", "verify", "--data"]).arg(folder).output().unwrap().status.success()
}

/// Positions, movements and purchase orders, without ids and instants that a kill may move.
#[derive(Debug, Default, PartialEq)]
struct End {
    positions: BTreeMap<String, String>,
    movements: BTreeMap<String, Vec<String>>,
    orders: Vec<String>,
}

async fn end(folder: &Path) -> End {
    let store = embedded::open(&folder.join("store.sqlite")).unwrap();
    let orgs = load::all_of::<OrgEntry>(&store, Owner::Stack, &List::Orgs).await.unwrap();
    let org = orgs.first().unwrap().1.content.org;
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
    let mut undisturbed = start(calm.path());
    let lines = follow(&mut undisturbed, u64::MAX);
    assert!(undisturbed.wait().unwrap().success());
    let seed = kill_seed();
    println!("KILL_SEED={seed}");
    let mut rng = Rng::new(seed);
    let mut after = Vec::new();
    for _ in 0..KILLS {
        let mut child = start(killed.path());
        after.push(follow(&mut child, 1 + rng.below(2 * lines / KILLS)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let mut last = start(killed.path());
    follow(&mut last, u64::MAX);
    assert!(last.wait().unwrap().success());
    let what = format!("killed after {after:?} of {lines} lines, KILL_SEED={seed}");
    assert!(audit_is_whole(killed.path()), "{what}");
    let told = digests(killed.path());
    assert_eq!(told, digests(calm.path()), "{what}");
    assert!(!told.is_empty() && told.values().all(|mails| *mails == 1), "one digest a day: {told:?}, {what}");
    let (calm, killed) = (end(calm.path()).await, end(killed.path()).await);
    assert!(calm.movements.values().flatten().count() > 1_000, "something happened");
    assert!(calm.orders.iter().any(|order| order.contains("Authorised") || order.contains("Draft")));
    for (code, movements) in &calm.movements {
        assert_eq!(killed.movements.get(code), Some(movements), "{code}, {what}");
    }
    assert_eq!(calm, killed, "{what}");
}

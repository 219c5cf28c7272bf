//! How fast the embedded store is. A figure, not a test:
//! `cargo test --release -p parstock-adapters store::speed -- --ignored --nocapture`

use std::time::Instant;

use parstock_app::ports::Store;
use parstock_app::records::{Key, List};
use parstock_domain::ids::LocationId;

use super::embedded;
use super::sale::{self, OWNER, item};

#[tokio::test]
#[ignore = "a measurement; needs a release build to mean anything"]
#[expect(clippy::print_stdout, reason = "the figures are its result")]
async fn operations_a_second_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = embedded::open(&folder.path().join("state.db")).unwrap();
    let commits: u64 = std::env::var("COMMITS").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let (mut start, mut done) = (Instant::now(), 0);
    for number in 0..commits {
        let version = (number > 0).then_some(number);
        store.commit(OWNER, sale::commit(number, 10, version)).await.unwrap();
        if (number + 1) % (commits / 4).max(1) == 0 {
            println!("commit of 33 writes, from {done}: {}", each(start, number + 1 - done));
            (start, done) = (Instant::now(), number + 1);
        }
    }
    let keys: Vec<Key> = (0..10)
        .flat_map(|number| {
            let main = LocationId::main;
            [
                Key::Position(item(number), main()),
                Key::Layer(item(number), main()),
                Key::Plan(item(number), main()),
            ]
        })
        .collect();
    let start = Instant::now();
    for _ in 0..5_000 {
        assert_eq!(store.get(OWNER, &keys).await.unwrap().iter().flatten().count(), 20);
    }
    println!("get of 30 keys, 20 there: {}", each(start, 5_000));
    let start = Instant::now();
    for _ in 0..20_000 {
        assert!(store.get(OWNER, &[Key::AuditHead]).await.unwrap()[0].is_some());
    }
    println!("get of one key: {}", each(start, 20_000));
    let start = Instant::now();
    for _ in 0..3_000 {
        let page = store.list(OWNER, &List::Movements(item(3)), None, 100).await.unwrap();
        assert_eq!(page.rows.len() as u64, commits.min(100));
    }
    println!("list of 100 rows: {}", each(start, 3_000));
    let head = |number: u64| {
        let mut commit = sale::commit(number + commits, 0, Some(commits + number));
        commit.writes.retain(|write| write.key == Key::AuditHead);
        commit
    };
    let start = Instant::now();
    for number in 0..10_000 {
        store.commit(OWNER, head(number)).await.unwrap();
    }
    println!("commit of one write: {}", each(start, 10_000));
    let derived: Vec<_> = sale::commit(1, 8, None)
        .writes
        .into_iter()
        .map(|write| parstock_app::ports::Write { expect: parstock_app::ports::Expect::Anything, ..write })
        .collect();
    let start = Instant::now();
    for _ in 0..3_000 {
        store.write_each(OWNER, derived.clone()).await.unwrap();
    }
    println!("{} rows, each by itself: {}", derived.len(), each(start, 3_000));
}

fn each(start: Instant, times: u64) -> String {
    let seconds = start.elapsed().as_secs_f64();
    let times = times as f64;
    format!("{:.0} a second, {:.0} µs each", times / seconds, seconds / times * 1e6)
}

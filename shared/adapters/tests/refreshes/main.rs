//! A token set that many processes renew, with answers lost and processes killed at every step, is never lost.

mod story;

use story::{Story, run};

/// The whole figure is `cargo run --release -p parstock-adapters --example token_refreshes`.
#[test]
fn eight_workers_lose_no_connection_whatever_answer_is_lost() {
    for reuse_ends_the_successor in [true, false] {
        let told = run(&Story { seed: 1, refreshes: 1_000, reuse_ends_the_successor, plant: None });
        assert_eq!((told.lost, &told.violations), (0, &Vec::new()), "{told:?}");
        assert!(told.refreshes >= 1_000 && told.used > 500 && told.took.as_hours() > 100, "{told:?}");
        for (step, times) in told.steps() {
            assert!(times > 0, "no {step}: {told:?}");
        }
    }
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let story = Story { seed: 5, refreshes: 50, reuse_ends_the_successor: true, plant: None };
    assert_eq!(format!("{:?}", run(&story)), format!("{:?}", run(&story)));
}

/// The story can tell: what would lose connections is noticed.
#[test]
fn planted_mistakes_lose_connections() {
    for plant in story::Plant::ALL {
        let told =
            run(&Story { seed: 1, refreshes: 5_000, reuse_ends_the_successor: true, plant: Some(plant) });
        assert!(told.lost > 0, "{plant:?}: {told:?}");
    }
}

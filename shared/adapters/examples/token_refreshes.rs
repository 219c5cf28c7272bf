//! 100,000 refreshes of one token set by eight processes, with answers lost at each step and processes that die: how many
//! connections are lost.
//!
//! `cargo run --release -p parstock-adapters --example token_refreshes`

#[path = "../tests/refreshes/story.rs"]
mod story;

use std::time::Instant;

use story::{Plant, Story, run};

/// Refreshes for each way in which Xero may treat a refresh token that is used again.
const REFRESHES: u64 = 50_000;

#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark tells its figures and its time"
)]
fn main() {
    for reuse_ends_the_successor in [true, false] {
        let start = Instant::now();
        let told = run(&Story { seed: 1, refreshes: REFRESHES, reuse_ends_the_successor, plant: None });
        println!("using a refresh token again ends its successor: {reuse_ends_the_successor}");
        println!(
            "  {} refreshes, {} used, in {} simulated days",
            told.refreshes,
            told.used,
            told.took.as_hours() / 24
        );
        for (step, times) in told.steps() {
            println!("  {step}: {times}");
        }
        println!("  lost connections: {}", told.lost);
        for violation in &told.violations {
            println!("  broken: {violation}");
        }
        println!("  {:?}", start.elapsed());
    }
    for plant in Plant::ALL {
        let told =
            run(&Story { seed: 1, refreshes: 5_000, reuse_ends_the_successor: true, plant: Some(plant) });
        println!(
            "with a planted mistake ({plant:?}): lost connections in {} refreshes: {}",
            told.refreshes, told.lost
        );
    }
}

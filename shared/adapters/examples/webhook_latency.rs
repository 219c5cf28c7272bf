//! How long it takes to verify a webhook and hand its hints to a queue that answers at once.
//!
//! `cargo run --release -p parstock-adapters --example webhook_latency`

use std::time::Instant;

use parstock_adapters::clock::{RandomIds, WallClock};
use parstock_adapters::webhook::{Answer, answer};
use parstock_app::ports::{Outgoing, Queue, QueueName, SendError};
use secrecy::SecretString;

/// A queue that takes everything at once.
struct Void;

impl Queue for Void {
    async fn send(&self, _: QueueName, _: Vec<Outgoing>) -> Result<(), SendError> {
        Ok(())
    }
    async fn bury(&self, _: QueueName, _: &str, _: &str) -> Result<(), SendError> {
        Ok(())
    }
}

fn body(events: usize) -> String {
    let event = r#"{"resourceUrl":"https://api.xero.com/api.xro/2.0/Invoices/00000000-0000-0000-0000-000000000001","resourceId":"00000000-0000-0000-0000-000000000001","tenantId":"00000000-0000-0000-0000-00000000000a","tenantType":"ORGANISATION","eventCategory":"INVOICE","eventType":"UPDATE","eventDateUtc":"2026-11-02T00:44:09.923"}"#;
    let events = vec![event; events].join(",");
    format!(r#"{{"events":[{events}],"firstEventSequence": 1,"lastEventSequence": 2, "entropy": "X"}}"#)
}

#[tokio::main(flavor = "current_thread")]
#[expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a benchmark tells its times, and stops where it stands"
)]
async fn main() {
    const ROUNDS: usize = 20_000;
    let keys = [SecretString::from("key"), SecretString::from("the key before it")];
    for events in [1, 10, 100] {
        let body = body(events);
        let signature = parstock_xero::webhook::sign(&keys[0], body.as_bytes());
        let mut times = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let answered =
                answer(&keys, Some(&signature), body.as_bytes(), &Void, &WallClock, &RandomIds).await;
            times.push(start.elapsed());
            assert_eq!(answered, Answer::Taken);
        }
        times.sort_unstable();
        println!(
            "{events:>4} events: p50 {:?}, p99 {:?}, longest {:?}",
            times[ROUNDS / 2],
            times[ROUNDS * 99 / 100],
            times[ROUNDS - 1]
        );
    }
}

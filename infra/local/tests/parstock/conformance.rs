//! The queues, clocks and files of one machine keep what use cases rely on.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parstock_adapters::chat::FileChat;
use parstock_app::ports::QueueName;
use parstock_local::clock::{LocalClock, LocalEntropy};
use parstock_local::notebook::Notebook;
use parstock_local::queue::LocalQueue;
use parstock_tests::conformance;
use tempfile::TempDir;

fn monday() -> Timestamp {
    "2026-03-02T01:00:00Z".parse().unwrap()
}

struct Queues {
    queue: LocalQueue,
    clock: Arc<LocalClock>,
    _folder: TempDir,
}

impl conformance::queue::Harness for Queues {
    type Queue = LocalQueue;
    fn queue(&self) -> &LocalQueue {
        &self.queue
    }
    async fn take(&self, queue: QueueName) -> Vec<String> {
        let records = self.queue.receive(queue).unwrap();
        self.queue.settle(&records, &[]).unwrap();
        records.into_iter().map(|record| record.body).collect()
    }
    async fn dead(&self, queue: QueueName) -> Vec<String> {
        let dead = self.queue.dead().unwrap().into_iter();
        dead.filter(|dead| dead.queue == queue.code()).map(|dead| dead.body).collect()
    }
    async fn pass(&self, time: SignedDuration) {
        self.clock.advance_to(self.clock.now() + time);
    }
}

#[tokio::test]
async fn the_queues_conform() {
    conformance::queue::queue(async || {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(LocalClock::simulated(monday()));
        let notebook = Notebook::open(&folder.path().join("local.sqlite")).unwrap();
        Queues { queue: LocalQueue::open(notebook, Arc::clone(&clock)).unwrap(), clock, _folder: folder }
    })
    .await;
}

#[tokio::test]
async fn the_chat_in_a_file_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat");
    let lines = async || {
        let files = std::fs::read_dir(&file).into_iter().flatten().map(|file| file.unwrap().path());
        let text: String = files.map(|file| std::fs::read_to_string(file).unwrap()).collect();
        text.lines().map(str::to_owned).collect()
    };
    conformance::send::chat(&FileChat::new(file.clone()), lines).await;
}

#[test]
fn the_clocks_and_ids_conform() {
    conformance::clock::clock(&LocalClock::Wall);
    conformance::clock::clock(&LocalClock::simulated(monday()));
    conformance::clock::entropy(&LocalEntropy::Random);
}

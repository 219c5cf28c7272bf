//! What every queue must do: at least once, in any order.

use jiff::SignedDuration;
use parstock_app::ports::{DELAY_SECONDS_MAX, Outgoing, Queue, QueueName, SendError};

/// A queue with its receiving side, which belongs to the platform and not to the port.
pub trait Harness {
    /// The queue under test.
    type Queue: Queue;

    /// The queue.
    fn queue(&self) -> &Self::Queue;
    /// Takes what can be received now out of a queue; bodies in any order, none left out for good.
    fn take(&self, queue: QueueName) -> impl Future<Output = Vec<String>>;
    /// Bodies in a dead-letter queue.
    fn dead(&self, queue: QueueName) -> impl Future<Output = Vec<String>>;
    /// Lets time pass.
    fn pass(&self, time: SignedDuration) -> impl Future<Output = ()>;
}

async fn take_all(harness: &impl Harness, queue: QueueName) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let taken = harness.take(queue).await;
        if taken.is_empty() {
            all.sort();
            return all;
        }
        all.extend(taken);
    }
}

/// Runs the suite; `make` answers empty queues.
///
/// # Panics
/// When a promise is broken.
pub async fn queue<H: Harness>(make: impl AsyncFn() -> H) {
    many_messages_arrive(&make().await).await;
    delays_are_kept(&make().await).await;
    the_dead_are_kept_apart(&make().await).await;
    what_can_never_be_sent_is_refused(&make().await).await;
}

async fn many_messages_arrive(harness: &impl Harness) {
    let queue = harness.queue();
    queue.send(QueueName::Events, Vec::new()).await.unwrap();
    // more than one batch of ten, with all that JSON can hold
    let bodies: Vec<String> =
        (100..123).map(|n| format!("{{\"n\":{n},\"text\":\"ü “x” \\u0001\"}}")).collect();
    queue.send(QueueName::Events, bodies.iter().cloned().map(Outgoing::now).collect()).await.unwrap();
    queue.send(QueueName::Work, vec![Outgoing::now("work".into())]).await.unwrap();
    assert_eq!(take_all(harness, QueueName::Events).await, bodies);
    assert_eq!(take_all(harness, QueueName::Work).await, ["work"]);
    assert_eq!(take_all(harness, QueueName::Effects).await, [""; 0]);
    let long = "x".repeat(100_000);
    let both: Vec<_> = (0..5).map(|_| Outgoing::now(long.clone())).collect();
    queue.send(QueueName::Events, both).await.unwrap();
    assert_eq!(
        take_all(harness, QueueName::Events).await.len(),
        5,
        "a batch of more bytes than one call takes"
    );
}

async fn delays_are_kept(harness: &impl Harness) {
    let later = Outgoing { body: "later".into(), delay_seconds: DELAY_SECONDS_MAX };
    harness.queue().send(QueueName::Effects, vec![later, Outgoing::now("now".into())]).await.unwrap();
    assert_eq!(take_all(harness, QueueName::Effects).await, ["now"]);
    harness.pass(SignedDuration::from_secs(i64::from(DELAY_SECONDS_MAX) - 10)).await;
    assert_eq!(take_all(harness, QueueName::Effects).await, [""; 0]);
    harness.pass(SignedDuration::from_secs(20)).await;
    assert_eq!(take_all(harness, QueueName::Effects).await, ["later"]);
}

async fn the_dead_are_kept_apart(harness: &impl Harness) {
    harness.queue().bury(QueueName::Work, "broken", "it can't be read: line 1").await.unwrap();
    assert_eq!(harness.dead(QueueName::Work).await, ["broken"]);
    assert_eq!(harness.dead(QueueName::Events).await, [""; 0]);
    assert_eq!(take_all(harness, QueueName::Work).await, [""; 0]);
}

async fn what_can_never_be_sent_is_refused(harness: &impl Harness) {
    let late = Outgoing { body: "x".into(), delay_seconds: DELAY_SECONDS_MAX + 1 };
    let answer = harness.queue().send(QueueName::Events, vec![late]).await;
    assert!(matches!(answer, Err(SendError::Refused(_))), "a delay beyond the limit: {answer:?}");
    let large = Outgoing::now("x".repeat(2_000_000));
    let answer = harness.queue().send(QueueName::Events, vec![large]).await;
    assert!(matches!(answer, Err(SendError::Refused(_))), "a body beyond the limit: {answer:?}");
    harness.pass(SignedDuration::from_secs(i64::from(DELAY_SECONDS_MAX) + 2)).await;
    assert_eq!(take_all(harness, QueueName::Events).await, [""; 0]);
}

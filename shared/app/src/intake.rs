//! Webhook intake: what a verified webhook names goes to the events queue, and nothing else happens.

use crate::error::AppError;
use crate::message::{Envelope, Hint, Message};
use crate::ports::{Clock, Entropy, Outgoing, Queue, QueueName};

/// Puts hints on the events queue. On an error Xero must be answered with a failure, so that it sends the
/// webhook again; hints that were queued already are harmless twice.
///
/// # Errors
/// When the queue refuses any of them.
pub async fn enqueue(
    queue: &impl Queue,
    clock: &impl Clock,
    entropy: &impl Entropy,
    hints: Vec<Hint>,
) -> Result<(), AppError> {
    if hints.is_empty() {
        return Ok(());
    }
    let now = clock.now();
    let mut messages = Vec::with_capacity(hints.len());
    for hint in hints {
        let envelope = Envelope::new(Message::Hint(hint), entropy.uuid(), "/parstock/webhook", now);
        messages.push(Outgoing::now(envelope.to_body()?));
    }
    queue.send(QueueName::Events, messages).await?;
    Ok(())
}

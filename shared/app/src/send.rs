//! Sending messages to the queue that serves them.

use parstock_domain::ids::{EffectId, OrgId};

use crate::error::AppError;
use crate::message::{Envelope, Message};
use crate::ports::{Clock, DELAY_SECONDS_MAX, Entropy, Outgoing, Ports, Queue, QueueName};

impl Message {
    /// The queue that serves it: planning never delays a sale, nor do effects.
    pub const fn queue(&self) -> QueueName {
        match self {
            Self::Hint(_) | Self::Sync { .. } | Self::Waiting { .. } => QueueName::Events,
            Self::Backfill { .. }
            | Self::Plan { .. }
            | Self::PlanTouched { .. }
            | Self::PlanAll { .. }
            | Self::Propose { .. }
            | Self::CheckAudit { .. }
            | Self::Close { .. }
            | Self::Reconcile { .. }
            | Self::Journal { .. } => QueueName::Work,
            Self::Effect { .. } | Self::Alerts { .. } | Self::Digest { .. } => QueueName::Effects,
        }
    }
}

/// Sends a message to be served at once.
///
/// # Errors
/// When the queue does not take it.
pub async fn send_now<P: Ports>(ports: &P, message: Message) -> Result<(), AppError> {
    send_in(ports, message, 0).await
}

/// Has stored effects tried at once. Where a message is lost, the next sweep finds its effect.
pub(crate) async fn try_effects<P: Ports>(ports: &P, org: OrgId, effects: Vec<EffectId>) {
    for effect in effects {
        if let Err(error) = send_now(ports, Message::Effect { org, effect }).await {
            tracing::warn!(org_id = %org, id = %effect, error_kind = error.kind(), why = %error, "an effect waits for the next sweep");
        }
    }
}

/// Sends a message to be served after `seconds`, at most [`DELAY_SECONDS_MAX`].
///
/// # Errors
/// When the queue does not take it.
pub async fn send_in<P: Ports>(ports: &P, message: Message, seconds: u32) -> Result<(), AppError> {
    let queue = message.queue();
    let envelope = Envelope::new(message, ports.entropy().uuid(), "/parstock/processor", ports.clock().now());
    let outgoing = Outgoing { body: envelope.to_body()?, delay_seconds: seconds.min(DELAY_SECONDS_MAX) };
    ports.queue().send(queue, vec![outgoing]).await?;
    Ok(())
}

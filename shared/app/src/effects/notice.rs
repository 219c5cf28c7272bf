//! Mails and Slack messages. SES and Slack know no idempotency: there is at most one message with a known
//! outcome, and after a lost answer at most one repeat, with the same Message-ID.

use jiff::Timestamp;
use parstock_domain::settings::Policy;
use parstock_views::digest::DigestContent;

use super::{Attempt, alerts};
use crate::error::AppError;
use crate::load;
use crate::ports::{Chat, Mail, Mailer, Ports, SendError};
use crate::records::{AlertBatch, DigestRecord, EffectKind, EffectState, Key};
use crate::writer::{Reason, Writer};

/// Tries of a message whose answers were lost.
const UNKNOWN_TRIES_MAX: u32 = 2;

enum Notice {
    Mail(Mail),
    Chat(String),
}

/// Tries to send a notice.
pub(super) async fn send<P: Ports>(
    writer: &mut Writer<'_, P>,
    mut attempt: Attempt,
    what: &EffectKind,
    until: Timestamp,
) -> Result<(), AppError> {
    if attempt.looks_first && attempt.effect.content.attempts >= UNKNOWN_TRIES_MAX {
        let reason = "no answer came twice, so it may have been sent twice; it is not sent again".to_owned();
        let told = Reason::own("notice unknown");
        return attempt.end(writer, EffectState::Failed { reason }, Vec::new(), told).await;
    }
    let notice = match notice(writer, &attempt, what).await {
        Ok(notice) => notice,
        Err(AppError::Reject(reason)) => {
            let told = Reason::own("notice failed").with("reason", &reason);
            return attempt.end(writer, EffectState::Failed { reason }, Vec::new(), told).await;
        }
        Err(error) => return Err(error),
    };
    // only now, so that a store that doesn't answer is not taken for a lost answer
    attempt.begin(writer, until).await?;
    let sent = match &notice {
        Notice::Mail(mail) => writer.ports().mailer().send(mail).await,
        Notice::Chat(message) => writer.ports().chat().post(writer.org(), message).await,
    };
    match sent {
        Ok(()) => {
            let at = writer.now();
            attempt.end(writer, EffectState::Done { at }, Vec::new(), Reason::own("notice sent")).await
        }
        Err(SendError::Unknown(why)) => {
            tracing::warn!(org_id = %writer.org(), id = %attempt.id, why, "it is unknown whether a notice was sent");
            attempt.unknown(writer).await
        }
        Err(SendError::Retry(why)) if !attempt.is_exhausted() => attempt.later(writer, None, why).await,
        Err(SendError::Retry(reason) | SendError::Refused(reason)) => {
            let told = Reason::own("notice failed").with("reason", &reason);
            attempt.end(writer, EffectState::Failed { reason }, Vec::new(), told).await
        }
    }
}

async fn notice<P: Ports>(
    writer: &Writer<'_, P>,
    attempt: &Attempt,
    what: &EffectKind,
) -> Result<Notice, AppError> {
    let store = writer.ports().store();
    let policy = load::one::<Policy>(store, writer.owner(), Key::Policy).await?;
    let to = policy.map(|row| row.content).unwrap_or_default().org().mail_to;
    let message_id = format!("{}@parstock", attempt.id);
    let gone = || AppError::Reject("what it should tell no longer exists".to_owned());
    let bug =
        |error: &dyn std::fmt::Display| AppError::Bug(format!("a notice could not be rendered: {error}"));
    match what {
        EffectKind::Order { .. }
        | EffectKind::Journal { .. }
        | EffectKind::Voucher { .. }
        | EffectKind::GoodsReceipt { .. }
        | EffectKind::Adjustment { .. }
        | EffectKind::Papers { .. }
        | EffectKind::Prices { .. } => Err(AppError::Bug("what is written to Xero is no notice".to_owned())),
        EffectKind::DigestMail { day } | EffectKind::DigestChat { day } => {
            let record = load::one::<DigestRecord>(store, writer.owner(), Key::Digest(*day))
                .await?
                .ok_or_else(gone)?;
            let content: DigestContent = serde_json::from_str(&record.content.content)?;
            let rendered = content.render().map_err(|error| bug(&error))?;
            if let EffectKind::DigestChat { .. } = what {
                return Ok(Notice::Chat(rendered.slack));
            }
            let (subject, html, text, pictures) =
                (rendered.subject, rendered.html, rendered.text, rendered.pictures);
            Ok(Notice::Mail(Mail { to, subject, html, text, pictures, message_id }))
        }
        EffectKind::AlertMail { batch } | EffectKind::AlertChat { batch } => {
            let record = load::one::<AlertBatch>(store, writer.owner(), Key::AlertBatch(*batch))
                .await?
                .ok_or_else(gone)?;
            let content = alerts::content(writer, &record.content).await?;
            let rendered = content.render().map_err(|error| bug(&error))?;
            if let EffectKind::AlertChat { .. } = what {
                return Ok(Notice::Chat(rendered.slack));
            }
            let (subject, html, text) = (rendered.subject, rendered.html, rendered.text);
            Ok(Notice::Mail(Mail { to, subject, html, text, pictures: Vec::new(), message_id }))
        }
    }
}

//! Xero's webhook, from its raw bytes to the answer: verify, enqueue, nothing else.

use parstock_app::intake;
use parstock_app::message::Hint;
use parstock_app::ports::{Clock, Entropy, Queue};
use parstock_xero::webhook::{Envelope, TenantType, verify};
use secrecy::SecretString;

/// Bytes of a body at most. Xero's documents name no limit; an envelope of a thousand events is below it.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// The answer to a webhook: a status, and always an empty body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: taken, or nothing to take (an intent-to-receive check).
    Taken,
    /// 401: the signature is not Xero's.
    BadSignature,
    /// 413: larger than any webhook of Xero.
    TooLarge,
    /// 503: a queue refused a hint; Xero sends the webhook again.
    NotQueued,
}

impl Answer {
    /// Its HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Taken => 200,
            Self::BadSignature => 401,
            Self::TooLarge => 413,
            Self::NotQueued => 503,
        }
    }
}

/// Checks the signature over the raw body (with the present key or, during a rotation, the one before it)
/// and puts each event on the queue as a hint.
///
/// A signed body that can't be read is taken: sending it again would not mend it, and the poller finds
/// what it told of.
pub async fn answer(
    keys: &[SecretString],
    signature: Option<&str>,
    body: &[u8],
    queue: &impl Queue,
    clock: &impl Clock,
    entropy: &impl Entropy,
) -> Answer {
    if body.len() > BODY_BYTES_MAX {
        tracing::warn!(bytes = body.len(), "a webhook is too large");
        return Answer::TooLarge;
    }
    if !signature.is_some_and(|signature| verify(keys, body, signature)) {
        return Answer::BadSignature;
    }
    let envelope = match Envelope::parse(body) {
        Ok(envelope) => envelope,
        Err(error) => {
            tracing::error!(%error, "a signed webhook can't be read; the poller will find what it told of");
            return Answer::Taken;
        }
    };
    if envelope.unreadable > 0 {
        tracing::error!(
            events = envelope.unreadable,
            "events of a signed webhook can't be read; the poller will find what they told of"
        );
    }
    let hints = envelope
        .events
        .into_iter()
        .filter(|event| event.tenant_type != Some(TenantType::Application))
        .map(|event| Hint {
            tenant: event.tenant_id,
            category: event.category.to_string(),
            event_type: event.change.to_string(),
            resource: event.resource_id,
        })
        .collect();
    match intake::enqueue(queue, clock, entropy, hints).await {
        Ok(()) => Answer::Taken,
        Err(error) => {
            tracing::error!(%error, "hints could not be queued; Xero sends the webhook again");
            Answer::NotQueued
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use parstock_app::message::{Envelope as Message, Message as Body};
    use parstock_app::ports::{Outgoing, QueueName, SendError};

    use super::*;
    use crate::clock::{RandomIds, WallClock};

    /// Xero's published pair of body and signature (XeroAPI/XeroWebhooksReceiver issue 1).
    const KEY: &str =
        "LR+QgKlbRciIPYpi65tTKLaZ3FzLLofCNEQWrRXqWXJeDFrfexzfVI9SmnVuCWDJ4jnjHB9ECtOyxZSofRxwWw==";
    const CHECK: &[u8] =
        br#"{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "LUWDSUDGSWNZVALZXBEV"}"#;
    const SIGNATURE: &str = "BjzNbYUfrzg4g8wxm+dKHaZVrKxr2m75E296fUbD1E4=";

    #[derive(Default)]
    struct Sent {
        bodies: Mutex<Vec<String>>,
        refuses: bool,
    }

    impl Queue for Sent {
        async fn send(&self, _: QueueName, messages: Vec<Outgoing>) -> Result<(), SendError> {
            if self.refuses {
                return Err(SendError::Retry("1 of 2 entries refused".into()));
            }
            self.bodies.lock().unwrap().extend(messages.into_iter().map(|message| message.body));
            Ok(())
        }
        async fn bury(&self, _: QueueName, _: &str, _: &str) -> Result<(), SendError> {
            Ok(())
        }
    }

    async fn ask(queue: &Sent, keys: &[&str], signature: Option<&str>, body: &[u8]) -> Answer {
        let keys: Vec<SecretString> = keys.iter().map(|key| SecretString::from(*key)).collect();
        answer(&keys, signature, body, queue, &WallClock, &RandomIds).await
    }

    fn sign(body: &[u8]) -> String {
        parstock_xero::webhook::sign(&SecretString::from(KEY), body)
    }

    #[tokio::test]
    async fn the_intent_to_receive_check_passes_only_when_signed() {
        let queue = Sent::default();
        assert_eq!(ask(&queue, &[KEY], Some(SIGNATURE), CHECK).await, Answer::Taken);
        let wrong = SIGNATURE.replacen('B', "/", 1);
        assert_eq!(ask(&queue, &[KEY], Some(&wrong), CHECK).await, Answer::BadSignature);
        assert_eq!(ask(&queue, &[KEY], None, CHECK).await, Answer::BadSignature);
        assert_eq!(ask(&queue, &["other"], Some(SIGNATURE), CHECK).await, Answer::BadSignature);
        assert_eq!(ask(&queue, &[], Some(SIGNATURE), CHECK).await, Answer::BadSignature);
        assert_eq!(
            ask(&queue, &["new", KEY], Some(SIGNATURE), CHECK).await,
            Answer::Taken,
            "during a rotation"
        );
        assert!(queue.bodies.lock().unwrap().is_empty());
    }

    const TWO_TENANTS: &[u8] = br#"{"events":[
        {"resourceUrl":"x","resourceId":"00000000-0000-0000-0000-000000000001","tenantId":"00000000-0000-0000-0000-00000000000a","tenantType":"ORGANISATION","eventCategory":"INVOICE","eventType":"UPDATE","eventDateUtc":"2026-11-02T00:44:09.923"},
        {"resourceUrl":"x","resourceId":"00000000-0000-0000-0000-000000000002","tenantId":"00000000-0000-0000-0000-00000000000b","tenantType":"ORGANISATION","eventCategory":"WAREHOUSE","eventType":"CREATE","eventDateUtc":"2026-11-02T00:44:09"}
        ],"firstEventSequence":1,"lastEventSequence":2,"entropy":"X"}"#;

    #[tokio::test]
    async fn events_of_several_tenants_and_of_unknown_categories_become_hints() {
        let queue = Sent::default();
        assert_eq!(ask(&queue, &[KEY], Some(&sign(TWO_TENANTS)), TWO_TENANTS).await, Answer::Taken);
        let bodies = queue.bodies.lock().unwrap();
        let hints: Vec<(String, u128)> = bodies
            .iter()
            .map(|body| match Message::from_body(body).unwrap().message {
                Body::Hint(hint) => (hint.category, hint.tenant.as_u128()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(hints, [("INVOICE".to_owned(), 10), ("WAREHOUSE".to_owned(), 11)]);
    }

    #[tokio::test]
    async fn a_refused_entry_makes_xero_send_again() {
        let queue = Sent { refuses: true, ..Sent::default() };
        assert_eq!(ask(&queue, &[KEY], Some(&sign(TWO_TENANTS)), TWO_TENANTS).await, Answer::NotQueued);
    }

    #[tokio::test]
    async fn signed_nonsense_is_taken_and_a_large_body_is_not() {
        let queue = Sent::default();
        let nonsense = b"{\"events\":7}";
        assert_eq!(ask(&queue, &[KEY], Some(&sign(nonsense)), nonsense).await, Answer::Taken);
        let at_limit = vec![b' '; BODY_BYTES_MAX];
        assert_eq!(ask(&queue, &[KEY], Some(&sign(&at_limit)), &at_limit).await, Answer::Taken);
        let over = vec![b' '; BODY_BYTES_MAX + 1];
        assert_eq!(ask(&queue, &[KEY], Some(&sign(&over)), &over).await, Answer::TooLarge);
    }
}

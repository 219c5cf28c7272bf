//! Xero's webhook, from its raw bytes to the answer: verify, enqueue, nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use parstock_app::intake;
use parstock_app::message::Hint;
use parstock_app::ports::{Clock, Entropy, Queue};
use parstock_xero::webhook::{Envelope, TenantType, verify};
use secrecy::SecretString;

use crate::vault::{Freshness, Vault, VaultError, webhook_keys};

/// Bytes of a body at most: some 3,300 events. Xero's documents name no limit, and a body that is refused for a day
/// ends the subscription. API Gateway takes 10 MB and Lambda 6 MB, in which the body may be base64.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;
/// How long the keys are not read afresh again for a bad signature: a flood of forged ones costs one read each time. A
/// key that was changed during a flood is known by then, and Xero sends what was refused until then again: at once, and
/// every 15 minutes for a day. Source: Xero's release notes on webhooks.
pub const KEYS_AFRESH_AFTER: SignedDuration = SignedDuration::from_secs(60);

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
    /// 503: there are no keys, so nobody can tell whose webhook it is; Xero sends it again.
    NoKeys,
}

impl Answer {
    /// Its HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::Taken => 200,
            Self::BadSignature => 401,
            Self::TooLarge => 413,
            Self::NotQueued | Self::NoKeys => 503,
        }
    }
}

/// The signing keys in a vault, and when they were last read afresh for a bad signature.
#[derive(Debug)]
pub struct SigningKeys<V> {
    vault: Arc<V>,
    afresh_at: Mutex<Option<Timestamp>>,
}

impl<V: Vault> SigningKeys<V> {
    /// The keys that `vault` holds.
    pub const fn new(vault: Arc<V>) -> Self {
        Self { vault, afresh_at: Mutex::new(None) }
    }

    /// As [`answer`], with the vault's keys. A bad signature may be good by a key that was changed a moment ago, so
    /// the keys are then read afresh, at most once in [`KEYS_AFRESH_AFTER`].
    pub async fn answer(
        &self,
        signature: Option<&str>,
        body: &[u8],
        queue: &impl Queue,
        clock: &impl Clock,
        entropy: &impl Entropy,
    ) -> Answer {
        let keys = match webhook_keys(&*self.vault, Freshness::Recent).await {
            // a placeholder that is remembered may have been replaced a moment ago
            Err(VaultError::NeedsPerson(_)) if self.may_read_afresh(clock.now()) => {
                webhook_keys(&*self.vault, Freshness::Now).await
            }
            keys => keys,
        };
        let keys = match keys {
            Ok(keys) => keys,
            Err(error) => {
                tracing::error!(why = %error, "the webhook's keys can't be read");
                return Answer::NoKeys;
            }
        };
        let first = answer(&keys, signature, body, queue, clock, entropy).await;
        if first != Answer::BadSignature || signature.is_none() || !self.may_read_afresh(clock.now()) {
            return first;
        }
        match webhook_keys(&*self.vault, Freshness::Now).await {
            Ok(keys) => answer(&keys, signature, body, queue, clock, entropy).await,
            Err(error) => {
                tracing::warn!(why = %error, "the webhook's keys can't be read afresh");
                first
            }
        }
    }

    fn may_read_afresh(&self, now: Timestamp) -> bool {
        let mut at = self.afresh_at.lock().unwrap_or_else(PoisonError::into_inner);
        let may = at.is_none_or(|at| now.duration_since(at) >= KEYS_AFRESH_AFTER);
        if may {
            *at = Some(now);
        }
        may
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
        tracing::warn!(count = body.len(), "a webhook has too many bytes");
        return Answer::TooLarge;
    }
    if !signature.is_some_and(|signature| verify(keys, body, signature)) {
        return Answer::BadSignature;
    }
    let envelope = match Envelope::parse(body) {
        Ok(envelope) => envelope,
        Err(error) => {
            tracing::error!(why = %error, "a signed webhook can't be read; the poller will find what it told of");
            return Answer::Taken;
        }
    };
    if envelope.unreadable > 0 {
        tracing::error!(
            count = envelope.unreadable,
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
            tracing::error!(error_kind = error.kind(), why = %error, "hints could not be queued; Xero sends the webhook again");
            Answer::NotQueued
        }
    }
}

#[cfg(test)]
mod tests {
    use parstock_app::message::{Envelope as Message, Message as Body};
    use parstock_app::ports::{Outgoing, QueueName, SendError};

    use super::*;
    use crate::clock::{RandomIds, WallClock};
    use crate::vault::VaultError;

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

    /// A vault whose remembered keys are old, and a clock that is moved by hand.
    struct Changed {
        remembered: &'static str,
        held: Mutex<&'static str>,
        read_afresh: Mutex<u32>,
        now: Mutex<Timestamp>,
    }

    impl Changed {
        fn new(held: &'static str) -> Self {
            let now = "2026-11-22T08:00:00Z".parse().unwrap();
            let remembered = r#"["the key before"]"#;
            Self { remembered, held: Mutex::new(held), read_afresh: Mutex::default(), now: Mutex::new(now) }
        }
    }

    impl Vault for &Changed {
        async fn get(&self, _: &str, freshness: Freshness) -> Result<Option<SecretString>, VaultError> {
            if freshness == Freshness::Recent {
                return Ok(Some(self.remembered.into()));
            }
            *self.read_afresh.lock().unwrap() += 1;
            Ok(Some(format!(r#"["{}"]"#, self.held.lock().unwrap()).into()))
        }
        async fn put(&self, _: &str, _: SecretString) -> Result<(), VaultError> {
            Ok(())
        }
        async fn put_version(&self, _: &str, _: uuid::Uuid, _: SecretString) -> Result<(), VaultError> {
            Ok(())
        }
        async fn get_version(&self, _: &str, _: uuid::Uuid) -> Result<Option<SecretString>, VaultError> {
            Ok(None)
        }
        async fn forget(&self, _: &str) -> Result<(), VaultError> {
            Ok(())
        }
    }

    impl Clock for Changed {
        fn now(&self) -> Timestamp {
            *self.now.lock().unwrap()
        }
    }

    #[tokio::test]
    async fn a_key_that_was_just_changed_works_at_once() {
        let changed = Changed::new(KEY);
        let (keys, queue) = (SigningKeys::new(Arc::new(&changed)), Sent::default());
        let answer = keys.answer(Some(&sign(TWO_TENANTS)), TWO_TENANTS, &queue, &changed, &RandomIds).await;
        assert_eq!(answer, Answer::Taken);
        assert_eq!(*changed.read_afresh.lock().unwrap(), 1);
    }

    #[tokio::test]
    async fn the_first_key_works_at_once_although_the_empty_list_before_it_is_remembered() {
        let changed = Changed { remembered: "[]", ..Changed::new(KEY) };
        let (keys, queue) = (SigningKeys::new(Arc::new(&changed)), Sent::default());
        let ask = async || keys.answer(Some(SIGNATURE), CHECK, &queue, &changed, &RandomIds).await;
        assert_eq!(ask().await, Answer::Taken);
        assert_eq!(ask().await, Answer::NoKeys);
        assert_eq!(*changed.read_afresh.lock().unwrap(), 1, "once a minute, whoever asks");
    }

    #[tokio::test]
    async fn a_flood_of_forgeries_reads_the_keys_once_a_minute_and_hides_a_changed_one_no_longer() {
        let changed = Changed::new("another");
        let (keys, queue) = (SigningKeys::new(Arc::new(&changed)), Sent::default());
        let ask = async |signature: Option<&str>| {
            keys.answer(signature, TWO_TENANTS, &queue, &changed, &RandomIds).await
        };
        let (good, forged) = (sign(TWO_TENANTS), "Zm9yZ2Vk");
        assert_eq!(ask(None).await, Answer::BadSignature);
        assert_eq!(*changed.read_afresh.lock().unwrap(), 0, "no key makes a missing signature good");
        // ten a second for most of a minute
        for _ in 0..590 {
            assert_eq!(ask(Some(forged)).await, Answer::BadSignature);
            *changed.now.lock().unwrap() += SignedDuration::from_millis(100);
        }
        assert_eq!(*changed.read_afresh.lock().unwrap(), 1);
        *changed.held.lock().unwrap() = KEY;
        assert_eq!(ask(Some(&good)).await, Answer::BadSignature, "not yet");
        *changed.now.lock().unwrap() += SignedDuration::from_secs(1);
        assert_eq!(ask(Some(&good)).await, Answer::Taken, "a minute after the first forgery");
        assert_eq!((queue.bodies.lock().unwrap().len(), *changed.read_afresh.lock().unwrap()), (2, 2));
    }

    #[tokio::test]
    async fn signed_nonsense_is_taken_and_a_large_body_is_not() {
        let queue = Sent::default();
        let nonsense = b"{\"events\":7}";
        assert_eq!(ask(&queue, &[KEY], Some(&sign(nonsense)), nonsense).await, Answer::Taken);
        let at_limit = vec![b' '; BODY_BYTES_MAX];
        assert_eq!(ask(&queue, &[KEY], Some(&sign(&at_limit)), &at_limit).await, Answer::Taken);
        let event = TWO_TENANTS.len() / 2;
        assert!(event * 3_000 < BODY_BYTES_MAX, "three thousand events are far below the limit");
        let over = vec![b' '; BODY_BYTES_MAX + 1];
        assert_eq!(ask(&queue, &[KEY], Some(&sign(&over)), &over).await, Answer::TooLarge);
    }
}

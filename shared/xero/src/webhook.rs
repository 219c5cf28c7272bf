//! Webhooks: the signature, and what an envelope says.
//!
//! Xero signs the raw body with HMAC-SHA256 and sends the base64 of it in `x-xero-signature`; the key is the text of
//! the webhook key as the developer portal shows it, not its base64 decoding. Sources: developer.xero.com,
//! *Configuring your server*; XeroAPI/XeroWebhooksReceiver issue 1; Xero's OpenAPI document of webhooks.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::Sha256;
use uuid::Uuid;

use crate::{
    date::lenient_instant,
    error::json_error,
    model::{lenient, text_enum},
};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-xero-signature";

/// Whether `signature` (the header's value) was made over exactly these bytes with one of `keys`.
///
/// Several keys are the old and the new one while the key is being changed. The comparison takes the same time
/// wherever it differs, and every key is tried, so its duration says nothing about which of them fits.
#[must_use]
pub fn verify(keys: &[SecretString], raw_body: &[u8], signature: &str) -> bool {
    let Ok(claimed) = STANDARD.decode(signature.trim()) else { return false };
    keys.iter().fold(false, |verified, key| {
        let matches = !key.expose_secret().is_empty()
            && Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes())
                .is_ok_and(|mac| mac.chain_update(raw_body).verify_slice(&claimed).is_ok());
        verified | matches
    })
}

/// The signature that Xero would send with this body: for tests, and for whoever plays Xero.
#[must_use]
pub fn sign(key: &SecretString, raw_body: &[u8]) -> String {
    // HMAC takes keys of any length
    Hmac::<Sha256>::new_from_slice(key.expose_secret().as_bytes())
        .map(|mac| STANDARD.encode(mac.chain_update(raw_body).finalize().into_bytes()))
        .unwrap_or_default()
}

text_enum! {
    /// What kind of resource an event is about.
    pub enum Category {
        /// A sales invoice or a bill.
        Invoice = "INVOICE",
        /// A contact.
        Contact = "CONTACT",
        /// A subscription of the app store.
        Subscription = "SUBSCRIPTION",
        /// A credit note (since March 2026).
        CreditNote = "CREDITNOTE",
        /// A prepayment (since August 2026).
        Prepayment = "PREPAYMENT",
        /// An overpayment (since September 2026).
        Overpayment = "OVERPAYMENT",
    }
}

text_enum! {
    /// What happened. Voiding, deleting and archiving are updates.
    pub enum Change {
        /// The resource is new.
        Create = "CREATE",
        /// The resource changed.
        Update = "UPDATE",
    }
}

text_enum! {
    /// What an event's tenant is.
    pub enum TenantType {
        /// A Xero organisation.
        Organisation = "ORGANISATION",
        /// The app itself.
        Application = "APPLICATION",
    }
}

/// One event: a hint that a resource changed, never its content.
///
/// Xero delivers each at least once and in any order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The resource's address in the API.
    #[serde(default, deserialize_with = "lenient")]
    pub resource_url: Option<String>,
    /// The resource.
    pub resource_id: Uuid,
    /// The organisation; one envelope may hold several.
    pub tenant_id: Uuid,
    /// What the tenant is.
    #[serde(default, deserialize_with = "lenient")]
    pub tenant_type: Option<TenantType>,
    /// The kind of resource.
    #[serde(rename = "eventCategory")]
    pub category: Category,
    /// What happened.
    #[serde(rename = "eventType")]
    pub change: Change,
    /// When it happened, if that can be read; Xero writes it in UTC without a zone.
    #[serde(default, rename = "eventDateUtc", deserialize_with = "lenient_instant")]
    pub at: Option<Timestamp>,
    /// Only on credit notes, prepayments and overpayments.
    #[serde(default, deserialize_with = "lenient")]
    pub data: Option<EventData>,
}

/// What some events say of their document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EventData {
    /// The document's type, such as `ACCPAYCREDIT`.
    #[serde(default, rename = "Type")]
    pub kind: Option<String>,
    /// The document's status.
    #[serde(default)]
    pub status: Option<String>,
}

/// The body of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The events that could be read, in Xero's order. None in an intent-to-receive check.
    pub events: Vec<Event>,
    /// How many events could not be read. They must not hold up the others, and repeating would not mend them.
    pub unreadable: usize,
    /// The sequence number of the first event, if Xero says so.
    pub first_event_sequence: Option<i64>,
    /// The sequence number of the last event, if Xero says so.
    pub last_event_sequence: Option<i64>,
    /// Chance that makes each body differ, if Xero sends it.
    pub entropy: Option<String>,
}

impl Envelope {
    /// Reads a body whose signature has been [verified](verify).
    ///
    /// # Errors
    /// [`EnvelopeError`] if it is not an envelope.
    pub fn parse(raw_body: &[u8]) -> Result<Self, EnvelopeError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Raw<'a> {
            #[serde(borrow)]
            events: Vec<&'a RawValue>,
            #[serde(default, deserialize_with = "lenient")]
            first_event_sequence: Option<i64>,
            #[serde(default, deserialize_with = "lenient")]
            last_event_sequence: Option<i64>,
            #[serde(default, deserialize_with = "lenient")]
            entropy: Option<String>,
        }
        let raw: Raw<'_> =
            serde_json::from_slice(raw_body).map_err(|error| EnvelopeError(json_error(&error)))?;
        let events: Vec<Event> =
            raw.events.iter().filter_map(|event| serde_json::from_str(event.get()).ok()).collect();
        Ok(Self {
            unreadable: raw.events.len() - events.len(),
            events,
            first_event_sequence: raw.first_event_sequence,
            last_event_sequence: raw.last_event_sequence,
            entropy: raw.entropy,
        })
    }
}

/// A body that is not an envelope of Xero's webhooks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a webhook envelope of Xero: {0}")]
pub struct EnvelopeError(String);

#[cfg(test)]
mod tests {
    use super::*;

    // A published example: XeroAPI/XeroWebhooksReceiver issue 1.
    const KEY: &str =
        "LR+QgKlbRciIPYpi65tTKLaZ3FzLLofCNEQWrRXqWXJeDFrfexzfVI9SmnVuCWDJ4jnjHB9ECtOyxZSofRxwWw==";
    const BODY: &[u8] =
        br#"{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "LUWDSUDGSWNZVALZXBEV"}"#;
    const SIGNATURE: &str = "BjzNbYUfrzg4g8wxm+dKHaZVrKxr2m75E296fUbD1E4=";

    fn keys(texts: &[&str]) -> Vec<SecretString> {
        texts.iter().map(|text| SecretString::from(*text)).collect()
    }

    #[test]
    fn the_published_example_verifies() {
        assert_eq!(BODY.len(), 95);
        assert!(verify(&keys(&[KEY]), BODY, SIGNATURE));
    }

    #[test]
    fn old_and_new_key_both_verify() {
        assert!(verify(&keys(&["new key", KEY]), BODY, SIGNATURE));
        assert!(verify(&keys(&[KEY, "old key"]), BODY, SIGNATURE));
        assert!(!verify(&keys(&["new key", "old key"]), BODY, SIGNATURE));
    }

    #[test]
    fn anything_else_does_not_verify() {
        assert!(!verify(&keys(&[KEY]), BODY, "/jzNbYUfrzg4g8wxm+dKHaZVrKxr2m75E296fUbD1E4="));
        assert!(!verify(&keys(&[KEY]), BODY, ""));
        assert!(!verify(&keys(&[KEY]), BODY, "not base64!"));
        assert!(!verify(&keys(&[KEY]), BODY, &SIGNATURE[..20]));
        assert!(!verify(&keys(&[]), BODY, SIGNATURE));
        // Re-serialised JSON has other spaces.
        let respaced = String::from_utf8_lossy(BODY).replace(": ", ":");
        assert!(!verify(&keys(&[KEY]), respaced.as_bytes(), SIGNATURE));
    }

    #[test]
    fn an_empty_key_verifies_nothing() {
        let mac = Hmac::<Sha256>::new_from_slice(b"").unwrap().chain_update(BODY).finalize().into_bytes();
        assert!(!verify(&keys(&[""]), BODY, &STANDARD.encode(mac)));
    }

    #[test]
    fn an_intent_to_receive_check_has_no_events() {
        let envelope = Envelope::parse(BODY).unwrap();
        assert_eq!(envelope.events, []);
        assert_eq!(envelope.entropy.as_deref(), Some("LUWDSUDGSWNZVALZXBEV"));
    }

    #[test]
    fn events_keep_what_is_unknown_and_count_what_is_unreadable() {
        let body = br#"{"events":[
            {"resourceUrl":"https://api.xero.com/api.xro/2.0/Invoices/44aa0707-f718-4f1c-8d53-f2da9ca59533",
             "resourceId":"44aa0707-f718-4f1c-8d53-f2da9ca59533","tenantId":"e629a03c-7ffe-4913-bf94-ff2fdb66a702",
             "tenantType":"ORGANISATION","eventCategory":"INVOICE","eventType":"UPDATE",
             "eventDateUtc":"2025-12-02T00:44:09.923"},
            {"resourceId":"54aa0707-f718-4f1c-8d53-f2da9ca59533","tenantId":"f629a03c-7ffe-4913-bf94-ff2fdb66a702",
             "eventCategory":"CREDITNOTE","eventType":"CREATE","eventDateUtc":"2025-12-02T00:44:10Z",
             "data":{"Type":"ACCPAYCREDIT","Status":"AUTHORISED"}},
            {"resourceId":"64aa0707-f718-4f1c-8d53-f2da9ca59533","tenantId":"f629a03c-7ffe-4913-bf94-ff2fdb66a702",
             "eventCategory":"WAREHOUSE","eventType":"MOVE","eventDateUtc":"2025-12-02T00:44:10"},
            {"resourceId":"nothing"}],
            "firstEventSequence":7,"lastEventSequence":10,"entropy":"X","new":true}"#;
        let envelope = Envelope::parse(body).unwrap();
        assert_eq!((envelope.events.len(), envelope.unreadable), (3, 1));
        assert_eq!((envelope.first_event_sequence, envelope.last_event_sequence), (Some(7), Some(10)));
        assert_eq!(envelope.events[0].at, "2025-12-02T00:44:09.923Z".parse().ok());
        assert_eq!(envelope.events[0].category, Category::Invoice);
        assert_eq!(envelope.events[1].data.as_ref().unwrap().kind.as_deref(), Some("ACCPAYCREDIT"));
        assert_eq!(envelope.events[2].category, Category::Other("WAREHOUSE".to_owned()));
        assert_eq!(envelope.events[2].change, Change::Other("MOVE".to_owned()));
    }

    #[test]
    fn what_nothing_depends_on_spoils_no_event() {
        for odd in [
            r#""eventDateUtc":"yesterday""#,
            r#""eventDateUtc":null,"data":null"#,
            r#""data":{"Type":7}"#,
            r#""data":[1],"tenantType":4,"resourceUrl":{}"#,
            r#""data":"CREDITNOTE""#,
        ] {
            let body = format!(
                r#"{{"events":[{{"resourceId":"44aa0707-f718-4f1c-8d53-f2da9ca59533",
                "tenantId":"e629a03c-7ffe-4913-bf94-ff2fdb66a702","eventCategory":"INVOICE","eventType":"UPDATE",{odd}}}],
                "firstEventSequence":null,"lastEventSequence":"9","entropy":null}}"#
            );
            let envelope = Envelope::parse(body.as_bytes()).unwrap();
            assert_eq!((envelope.events.len(), envelope.unreadable), (1, 0), "{odd}");
        }
    }

    #[test]
    fn a_foreign_body_says_so_without_quoting_it() {
        let error = Envelope::parse(br#"{"events":"a private text"}"#).unwrap_err().to_string();
        assert!(error.starts_with("not a webhook envelope of Xero"), "{error}");
        assert!(!error.contains("private"), "{error}");
    }
}

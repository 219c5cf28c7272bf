//! Webhooks: events gathered into signed payloads, retried, held back and replayed as Xero does.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::act::{DocumentKind, Status};
use crate::ids::{advance_id, draw};
use crate::json::Json;
use crate::persist::{Pile, Store};
use crate::settings::{Faults, WebhookFault};
use crate::state::{AdvanceList, DocumentList, Happening};

/// Events of this span go into one payload. Milliseconds; Xero documents no figure.
const GATHERING: i64 = 3_000;
/// Up to this much more, drawn per payload. Milliseconds.
const JITTER: u64 = 2_000;
/// How much later a doubled event comes again. Milliseconds.
const DOUBLED_AFTER: i64 = 60_000;
/// How much later a late event comes. Milliseconds; longer than a poller's quarter of an hour.
const LATE_BY: i64 = 20 * 60_000;
/// Most events in a payload. Xero documents no figure.
const EVENTS_PER_PAYLOAD: usize = 50;
/// Between two tries after the first, immediate one. Milliseconds.
const RETRY_EVERY: i64 = 15 * 60_000;
/// After this long without success the subscription is disabled. Milliseconds.
const RETRY_FOR: i64 = 24 * 3_600_000;
/// How long events are kept for a disabled subscription. Milliseconds.
const KEPT_FOR: i64 = 31 * 24 * 3_600_000;
/// Length of the random text in a payload, in letters.
const ENTROPY_LETTERS: u64 = 20;
/// Keeps the draws for jitter and entropy apart from others.
const JITTER_STREAM: u64 = 3;
const ENTROPY_STREAM: u64 = 4;

/// A payload to POST to the app, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Names the delivery in [`World::delivery_answered`](crate::World::delivery_answered).
    pub id: u64,
    /// The raw body; its signature covers exactly these bytes.
    pub body: Vec<u8>,
    /// Value of the header `x-xero-signature`.
    pub signature: String,
}

/// The POSTs with which Xero tries whether an app verifies signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntentToReceive {
    /// Payloads without events, with whether their signature is right.
    pub probes: Vec<(Delivery, bool)>,
}

impl IntentToReceive {
    /// Judges the answers' status codes, in the order of the probes; `None` is no answer.
    ///
    /// # Errors
    /// Says which probe was answered wrongly: a rightly signed one wants 2xx, a badly signed one 401.
    pub fn judge(&self, answers: &[Option<u16>]) -> Result<(), String> {
        for (place, (_, right)) in self.probes.iter().enumerate() {
            let answer = answers.get(place).copied().flatten();
            let accepted = answer.is_some_and(|status| (200..300).contains(&status));
            if (*right && !accepted) || (!*right && answer != Some(401)) {
                let signed = if *right { "rightly" } else { "badly" };
                return Err(format!("probe {place}, {signed} signed, was answered with {answer:?}"));
            }
        }
        Ok(())
    }
}

/// Signs a payload: HMAC-SHA256 under the bytes of the key as it is displayed, in base64.
pub fn sign(key: &str, body: &[u8]) -> String {
    match Hmac::<Sha256>::new_from_slice(key.as_bytes()) {
        Ok(mut mac) => {
            mac.update(body);
            BASE64.encode(mac.finalize().into_bytes())
        }
        // HMAC takes keys of any length.
        Err(_) => String::new(),
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Event {
    /// Milliseconds since 1970 (UTC).
    at: i64,
    due: i64,
    json: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Queued {
    body: String,
    at: i64,
    due: i64,
    first_failed: Option<i64>,
    /// Not stored: after a restart nothing is under way, and what was is sent again.
    #[serde(skip)]
    under_way: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Subscription {
    next_event: u64,
    next_delivery: u64,
    sequence: u64,
    disabled_at: Option<i64>,
}

/// What waits to be sent.
#[derive(Debug)]
pub(crate) struct Webhooks {
    seed: u64,
    key: String,
    faults: Faults,
    scripted: Vec<WebhookFault>,
    /// When the payload being gathered is due.
    window: i64,
    events: BTreeMap<u64, Event>,
    by_due: BTreeSet<(i64, u64)>,
    deliveries: BTreeMap<u64, Queued>,
    subscription: Subscription,
}

impl Webhooks {
    pub(crate) fn open(seed: u64, key: &str, faults: &Faults, store: &Store) -> rusqlite::Result<Webhooks> {
        let events: BTreeMap<u64, Event> = store.waiting(Pile::Events)?.into_iter().collect();
        Ok(Webhooks {
            seed,
            key: key.to_owned(),
            faults: faults.clone(),
            scripted: Vec::new(),
            window: i64::MIN,
            by_due: events.iter().map(|(number, event)| (event.due, *number)).collect(),
            events,
            deliveries: store.waiting(Pile::Deliveries)?.into_iter().collect(),
            subscription: store.get("subscription")?.unwrap_or_default(),
        })
    }

    /// Lets the next events go wrong, one each, before any drawn fault.
    pub(crate) fn script(&mut self, fault: WebhookFault) {
        self.scripted.push(fault);
    }

    /// Signs with another key from now on, what waits to be sent again included.
    pub(crate) fn set_key(&mut self, key: &str) {
        key.clone_into(&mut self.key);
    }

    pub(crate) fn is_disabled(&self) -> bool {
        self.subscription.disabled_at.is_some()
    }

    /// Raises the events that follow from what happened.
    pub(crate) fn raise(
        &mut self,
        now: Timestamp,
        tenant: Uuid,
        happenings: &[Happening],
        payment_raises_event: bool,
        store: &Store,
    ) -> rusqlite::Result<()> {
        let mut raised = false;
        for happening in happenings {
            let Some(json) = event_json(now, tenant, happening, payment_raises_event) else { continue };
            raised = true;
            let number = self.subscription.next_event;
            let scripted = if self.scripted.is_empty() { None } else { Some(self.scripted.remove(0)) };
            match scripted.or_else(|| self.faults.of_event(self.seed, number)) {
                // A lost event leaves a gap in the sequence.
                Some(WebhookFault::Lost) => {
                    self.subscription.next_event += 1;
                    self.subscription.sequence += 1;
                }
                Some(WebhookFault::Doubled) => {
                    let due = self.due(now);
                    self.wait(now, due, json.clone(), store)?;
                    self.wait(now, due + DOUBLED_AFTER, json, store)?;
                }
                Some(WebhookFault::Late) => {
                    let due = self.due(now) + LATE_BY;
                    self.wait(now, due, json, store)?;
                }
                None => {
                    let due = self.due(now);
                    self.wait(now, due, json, store)?;
                }
            }
        }
        if raised { self.save(store) } else { Ok(()) }
    }

    /// When the payload that an event joins is due.
    fn due(&mut self, now: Timestamp) -> i64 {
        let now = now.as_millisecond();
        if self.window <= now {
            let jitter = draw(self.seed, JITTER_STREAM, self.subscription.next_event) % JITTER;
            self.window = now + GATHERING + i64::try_from(jitter).unwrap_or(0);
        }
        self.window
    }

    fn wait(&mut self, now: Timestamp, due: i64, json: String, store: &Store) -> rusqlite::Result<()> {
        let number = self.subscription.next_event;
        self.subscription.next_event += 1;
        let event = Event { at: now.as_millisecond(), due, json };
        store.put_waiting(Pile::Events, number, &event)?;
        self.by_due.insert((due, number));
        self.events.insert(number, event);
        Ok(())
    }

    fn save(&self, store: &Store) -> rusqlite::Result<()> {
        store.put("subscription", &self.subscription)
    }

    /// While a payload is being retried, newer events wait for it.
    fn is_retrying(&self) -> bool {
        self.deliveries.values().any(|delivery| delivery.first_failed.is_some())
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        if self.is_disabled() {
            return None;
        }
        let resend = self
            .deliveries
            .values()
            .filter(|delivery| !delivery.under_way)
            .map(|delivery| delivery.due)
            .min();
        let event = if self.is_retrying() { None } else { self.by_due.first().map(|(due, _)| *due) };
        let due = resend.into_iter().chain(event).min()?;
        Timestamp::from_millisecond(due).ok()
    }

    /// Puts due events into payloads and hands out every payload that is due.
    pub(crate) fn take_due(&mut self, now: Timestamp, store: &Store) -> rusqlite::Result<Vec<Delivery>> {
        if self.is_disabled() {
            return Ok(Vec::new());
        }
        if !self.is_retrying() {
            self.gather(now, store)?;
        }
        let now = now.as_millisecond();
        let key = &self.key;
        let due = self.deliveries.iter_mut().filter(|(_, queued)| !queued.under_way && queued.due <= now);
        Ok(due
            .map(|(id, queued)| {
                queued.under_way = true;
                let body = queued.body.clone().into_bytes();
                Delivery { id: *id, signature: sign(key, &body), body }
            })
            .collect())
    }

    fn gather(&mut self, now: Timestamp, store: &Store) -> rusqlite::Result<()> {
        let at = now.as_millisecond();
        let due: Vec<(i64, u64)> = self.by_due.range(..=(at, u64::MAX)).copied().collect();
        for chunk in due.chunks(EVENTS_PER_PAYLOAD) {
            let mut events = Vec::with_capacity(chunk.len());
            for place in chunk {
                self.by_due.remove(place);
                store.remove_waiting(Pile::Events, place.1)?;
                events.extend(self.events.remove(&place.1));
            }
            let first = self.subscription.sequence + 1;
            self.subscription.sequence += events.len() as u64;
            let number = self.subscription.next_delivery;
            self.subscription.next_delivery += 1;
            let queued = Queued {
                at: events.iter().map(|event| event.at).min().unwrap_or(at),
                body: payload(
                    events.iter().map(|event| event.json.as_str()),
                    (first, self.subscription.sequence),
                    &self.entropy(number),
                ),
                due: at,
                first_failed: None,
                under_way: false,
            };
            store.put_waiting(Pile::Deliveries, number, &queued)?;
            self.deliveries.insert(number, queued);
        }
        if due.is_empty() { Ok(()) } else { self.save(store) }
    }

    fn entropy(&self, number: u64) -> String {
        (0..ENTROPY_LETTERS)
            .map(|place| {
                let letter = draw(self.seed, ENTROPY_STREAM, number * ENTROPY_LETTERS + place) % 26;
                char::from(b'A' + u8::try_from(letter).unwrap_or(0))
            })
            .collect()
    }

    /// Takes note of the app's answer; `None` is no answer within Xero's patience.
    pub(crate) fn answered(
        &mut self,
        id: u64,
        status: Option<u16>,
        now: Timestamp,
        store: &Store,
    ) -> rusqlite::Result<()> {
        let Some(queued) = self.deliveries.get_mut(&id) else { return Ok(()) };
        if status.is_some_and(|status| (200..300).contains(&status)) {
            self.deliveries.remove(&id);
            return store.remove_waiting(Pile::Deliveries, id);
        }
        let now = now.as_millisecond();
        queued.under_way = false;
        queued.due = if queued.first_failed.is_none() { now } else { now + RETRY_EVERY };
        let first_failed = *queued.first_failed.get_or_insert(now);
        store.put_waiting(Pile::Deliveries, id, queued)?;
        if now - first_failed >= RETRY_FOR {
            self.subscription.disabled_at = Some(now);
            self.save(store)?;
        }
        Ok(())
    }

    /// Enables the subscription again: what was kept becomes due in order, what is too old is gone.
    pub(crate) fn enable(&mut self, now: Timestamp, store: &Store) -> rusqlite::Result<()> {
        let now = now.as_millisecond();
        self.subscription.disabled_at = None;
        let too_old = |at: i64| now - at > KEPT_FOR;
        for (number, event) in &self.events {
            if too_old(event.at) {
                self.by_due.remove(&(event.due, *number));
                store.remove_waiting(Pile::Events, *number)?;
            }
        }
        self.events.retain(|_, event| !too_old(event.at));
        for (number, queued) in &mut self.deliveries {
            if too_old(queued.at) {
                store.remove_waiting(Pile::Deliveries, *number)?;
            } else {
                // Due since its events, and so before newer ones.
                (queued.first_failed, queued.due, queued.under_way) = (None, queued.at, false);
                store.put_waiting(Pile::Deliveries, *number, queued)?;
            }
        }
        self.deliveries.retain(|_, queued| !too_old(queued.at));
        self.save(store)
    }

    /// Four probes without events, two of them badly signed.
    pub(crate) fn intent_to_receive(&self) -> IntentToReceive {
        let probes = [true, false, true, false].into_iter().enumerate().map(|(place, right)| {
            let number = u64::MAX / ENTROPY_LETTERS - 4 + place as u64;
            let body = payload(std::iter::empty(), (0, 0), &self.entropy(number)).into_bytes();
            let key = if right { self.key.clone() } else { format!("{}x", self.key) };
            (Delivery { id: number, signature: sign(&key, &body), body }, right)
        });
        IntentToReceive { probes: probes.collect() }
    }
}

/// A payload in Xero's own spacing, which no JSON library writes: who hashes re-written JSON fails here too.
fn payload<'a>(events: impl Iterator<Item = &'a str>, (first, last): (u64, u64), entropy: &str) -> String {
    let events: Vec<&str> = events.collect();
    format!(
        "{{\"events\":[{}],\"firstEventSequence\": {first},\"lastEventSequence\": {last}, \"entropy\": \"{entropy}\"}}",
        events.join(",")
    )
}

/// The event that follows from a happening, if any does.
fn event_json(
    now: Timestamp,
    tenant: Uuid,
    happening: &Happening,
    payment_raises_event: bool,
) -> Option<String> {
    let (endpoint, id, category, is_new, data) = match happening {
        Happening::Contact { id, is_new } => ("Contacts", *id, "CONTACT", *is_new, None),
        Happening::Document { id, kind, status, is_new, is_payment, .. } => {
            if *is_payment && !payment_raises_event {
                return None;
            }
            let list = DocumentList::of(*kind);
            match list {
                DocumentList::Invoices => (list.endpoint(), *id, "INVOICE", *is_new, None),
                DocumentList::CreditNotes => {
                    (list.endpoint(), *id, "CREDITNOTE", *is_new, Some((*kind, *status)))
                }
                DocumentList::PurchaseOrders => return None,
                // Since 14 August and 3 September 2026 (Xero-OpenAPI pull request 824; the API's changelog).
                DocumentList::BankTransactions => {
                    let list = AdvanceList::of(*kind)?;
                    let data = Some((*kind, *status));
                    (list.endpoint(), advance_id(*id), list.category(), *is_new, data)
                }
            }
        }
        Happening::Stock { .. } => return None,
    };
    let mut json = Json::new();
    json.object(|event| {
        event.text("resourceUrl", &format!("https://api.xero.com/api.xro/2.0/{endpoint}/{id}"));
        event.text("resourceId", &id.to_string());
        event.text("eventDateUtc", &now.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string());
        event.text("eventType", if is_new { "CREATE" } else { "UPDATE" });
        event.text("eventCategory", category);
        event.text("tenantId", &tenant.to_string());
        event.text("tenantType", "ORGANISATION");
        if let Some(data) = data {
            data_json(event, data);
        }
    });
    Some(json.into_string())
}

/// Only credit notes and money in advance say what they are.
fn data_json(event: &mut Json, (kind, status): (DocumentKind, Status)) {
    event.nested("data", |data| {
        data.text("Type", kind.xero_type());
        data.text("Status", status.xero());
    });
}

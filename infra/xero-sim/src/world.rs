//! The world: books, webhooks, limits and their file, changed together.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use jiff::Timestamp;
use uuid::Uuid;

use crate::act::{Act, TimedAct};
use crate::audit::{Audit, DocumentView, JournalView, LineView};
use crate::error::{OpenError, XeroError};
use crate::http::idempotency::Remembered;
use crate::ids::{Ids, line_id};
use crate::limits::Meter;
use crate::oauth::Identity;
use crate::persist::Store;
use crate::settings::{ApiFault, Settings, WebhookFault};
use crate::state::{Books, Document, Happening, Stock};
use crate::webhook::{Delivery, IntentToReceive, Webhooks};

/// Acts of a prepared history per commit.
const ACTS_PER_COMMIT: usize = 1_000;

/// One organisation in Xero with one app connected to it.
#[derive(Debug)]
pub struct World {
    pub(crate) seed: u64,
    pub(crate) ids: Ids,
    pub(crate) settings: Settings,
    pub(crate) books: Books,
    pub(crate) webhooks: Webhooks,
    pub(crate) meter: Meter,
    pub(crate) store: Store,
    pub(crate) remembered: BTreeMap<String, Remembered>,
    pub(crate) scripted: VecDeque<Option<ApiFault>>,
    pub(crate) shifted: u64,
    pub(crate) identity: Identity,
    acts_applied: u64,
}

impl World {
    /// Opens a world: from a file, which is made if there is none, or in memory only.
    ///
    /// # Errors
    /// If the file can't be used, or was written with another seed or other switches.
    pub fn open(path: Option<&Path>, seed: u64, settings: Settings) -> Result<World, OpenError> {
        let store = Store::open(path, seed, &settings.switches)?;
        let ids = Ids::new(seed);
        let mut books = Books::new(ids, settings.switches.clone());
        let mut acts_applied = 0;
        store.each_act(|stored| {
            acts_applied += u64::from(!stored.by_app);
            books
                .apply(stored.at, &stored.act)
                .map(|_| ())
                .map_err(|error| OpenError::Unrepeatable { number: stored.number, cause: error.to_string() })
        })?;
        let offset = ids.id("limit windows").as_u64_pair().0;
        let used = store.get("used")?.unwrap_or_default();
        Ok(World {
            seed,
            ids,
            webhooks: Webhooks::open(seed, &settings.webhook_key, &settings.faults, &store)?,
            meter: Meter::new(settings.day_limit, settings.switches.concurrent_has_retry_after, offset, used),
            remembered: store.remembered()?.into_iter().collect(),
            scripted: VecDeque::new(),
            shifted: 0,
            identity: store.get("identity")?.unwrap_or_default(),
            settings,
            books,
            store,
            acts_applied,
        })
    }

    /// Does one act and raises its webhook events, as one commit.
    ///
    /// # Errors
    /// If Xero refuses it (nothing changed then), or if it can't be stored.
    pub fn apply(&mut self, now: Timestamp, act: &Act) -> Result<Vec<Happening>, XeroError> {
        self.store.begin()?;
        let done = self.apply_within(now, act, false);
        match &done {
            Ok(_) => {
                self.acts_applied += 1;
                self.store.commit()?;
            }
            Err(_) => self.store.roll_back()?,
        }
        done
    }

    /// Does one act inside a commit that the caller began.
    pub(crate) fn apply_within(
        &mut self,
        now: Timestamp,
        act: &Act,
        by_app: bool,
    ) -> Result<Vec<Happening>, XeroError> {
        let happenings = self.books.apply(now, act)?;
        self.store.add_act(now, by_app, act)?;
        if let Some(tenant) = self.tenant_id() {
            let payments = self.settings.switches.payment_raises_event;
            self.webhooks.raise(now, tenant, &happenings, payments, &self.store)?;
        }
        Ok(happenings)
    }

    /// Does a history from before the app was connected: many acts per commit, no webhook events.
    ///
    /// # Errors
    /// At the first act that is refused or can't be stored; those before it are done.
    pub fn apply_history(&mut self, acts: &[TimedAct]) -> Result<(), XeroError> {
        for chunk in acts.chunks(ACTS_PER_COMMIT) {
            self.store.begin()?;
            for timed in chunk {
                let done = self.books.apply(timed.at, &timed.act);
                if let Err(error) = done {
                    self.store.commit()?;
                    return Err(error);
                }
                self.store.add_act(timed.at, false, &timed.act)?;
                self.acts_applied += 1;
            }
            self.store.commit()?;
        }
        Ok(())
    }

    /// How many acts people and trade have done, the app's own not counted: where to go on after a restart.
    pub fn acts_applied(&self) -> u64 {
        self.acts_applied
    }

    /// Id of the organisation, which is the tenant id of its webhooks, too.
    pub fn tenant_id(&self) -> Option<Uuid> {
        self.books.organisation.as_ref().map(|row| row.id)
    }

    /// Tenant id and name of the organisation.
    pub(crate) fn tenant(&self) -> Option<(Uuid, String)> {
        self.books.organisation.as_ref().map(|row| (row.id, row.value.name.clone()))
    }

    /// The settings the world was opened with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// When the next webhook payload is due; `None` while nothing waits or the subscription is disabled.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.webhooks.next_due()
    }

    /// Hands out the webhook payloads that are due. Each must be answered for with [`World::delivery_answered`].
    ///
    /// # Errors
    /// If they can't be stored.
    pub fn take_due_deliveries(&mut self, now: Timestamp) -> Result<Vec<Delivery>, XeroError> {
        // Mostly nothing is due, and then the file is left alone.
        if self.next_due().is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        self.store.begin()?;
        let due = self.webhooks.take_due(now, &self.store)?;
        self.store.commit()?;
        Ok(due)
    }

    /// Says how the app answered a payload: its status code, or `None` for no answer in five seconds.
    ///
    /// # Errors
    /// If it can't be stored.
    pub fn delivery_answered(
        &mut self,
        id: u64,
        status: Option<u16>,
        now: Timestamp,
    ) -> Result<(), XeroError> {
        self.store.begin()?;
        self.webhooks.answered(id, status, now, &self.store)?;
        Ok(self.store.commit()?)
    }

    /// The POSTs with which Xero tries an address before it sends events there.
    pub fn intent_to_receive(&self) -> IntentToReceive {
        self.webhooks.intent_to_receive()
    }

    /// Whether a day of failures has disabled the webhooks.
    pub fn webhooks_are_disabled(&self) -> bool {
        self.webhooks.is_disabled()
    }

    /// Enables the webhooks again, as a person does in the developer portal; kept events are replayed in order.
    ///
    /// # Errors
    /// If it can't be stored.
    pub fn enable_webhooks(&mut self, now: Timestamp) -> Result<(), XeroError> {
        self.store.begin()?;
        self.webhooks.enable(now, &self.store)?;
        Ok(self.store.commit()?)
    }

    /// Lets the next API call go wrong like this; several wait in line. Comes before any drawn fault.
    pub fn script_call(&mut self, fault: ApiFault) {
        self.script_call_after(0, fault);
    }

    /// Lets an API call go wrong like this, after so many that go well.
    pub fn script_call_after(&mut self, well: usize, fault: ApiFault) {
        self.scripted.extend(std::iter::repeat_n(None, well).chain([Some(fault)]));
    }

    /// Gives the webhook another signing key, as a person does in the developer portal.
    pub fn set_webhook_key(&mut self, key: &str) {
        key.clone_into(&mut self.settings.webhook_key);
        self.webhooks.set_key(key);
    }

    /// Lets the next webhook event go wrong like this; several wait in line. Comes before any drawn fault.
    pub fn script_event(&mut self, fault: WebhookFault) {
        self.webhooks.script(fault);
    }

    /// Stock of an item; `None` if there is no such item.
    pub fn stock(&self, item_code: &str) -> Option<Stock> {
        self.books.item_with_code(item_code).map(|row| row.value.stock)
    }

    /// Every item's code with whether Xero tracks it and its stock.
    pub fn items(&self) -> impl Iterator<Item = (&str, bool, Stock)> {
        self.books
            .items
            .iter()
            .map(|row| (row.value.item.code.as_str(), row.value.is_tracked(), row.value.stock))
    }

    /// Every document in the order of writing.
    pub fn documents(&self) -> impl Iterator<Item = DocumentView> {
        self.books.documents.iter().map(|document| self.view(document))
    }

    /// Every manual journal in the order of writing.
    pub fn manual_journals(&self) -> impl Iterator<Item = JournalView> {
        self.books.journals.iter().map(|row| JournalView {
            narration: row.value.narration.clone(),
            date: row.value.date,
            status: row.value.status,
            lines: row.value.lines.clone(),
        })
    }

    /// How many documents there are.
    pub fn document_count(&self) -> usize {
        self.books.documents.len()
    }

    /// The document of this kind and number; the latest one if several have it.
    pub fn document(&self, kind: crate::act::DocumentKind, number: &str) -> Option<DocumentView> {
        self.books.document_named(kind, number).map(|document| self.view(document))
    }

    /// Id of the contact with this name.
    pub fn contact_id(&self, name: &str) -> Option<Uuid> {
        self.books.contact_named(name).map(|row| row.id)
    }

    /// The notes in the history of a document, item or contact, oldest first.
    pub fn notes(&self, of: Uuid) -> Vec<String> {
        self.books
            .notes
            .get(&of)
            .map_or_else(Vec::new, |notes| notes.iter().map(|n| n.details.clone()).collect())
    }

    fn view(&self, document: &Document) -> DocumentView {
        let item_code = |index: u32| self.books.item(index).map(|row| row.value.item.code.clone());
        DocumentView {
            id: document.id,
            kind: document.kind,
            number: document.number.to_string(),
            reference: document.reference.to_string(),
            contact: self
                .books
                .contact(document.contact)
                .map_or_else(String::new, |row| row.value.name.clone()),
            date: document.date,
            status: document.status,
            total: document.total,
            lines: document
                .lines
                .iter()
                .map(|line| LineView {
                    id: line_id(document.id, line.serial),
                    item_code: line.item.and_then(item_code),
                    description: line.description.to_string(),
                    quantity: line.quantity,
                    unit_amount: line.unit_amount,
                    amount: line.amount,
                    moved: line.moved.quantity,
                })
                .collect(),
        }
    }

    /// What was called since the world was opened.
    pub fn audit(&self) -> Audit {
        Audit {
            calls: self.meter.served.clone(),
            limited: self.meter.limited,
            shifted: self.shifted,
            most_in_any_minute: self.meter.most_in_any_minute,
            most_in_any_day: self.meter.most_in_any_day,
            most_at_once: self.meter.most_at_once,
        }
    }
}

//! A small Xero behind the `Books` port: documents that people change at any moment, limits, lost answers,
//! and its own rule for the quantities of tracked items.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::{
    Allowance, Attached, Books, BooksError, BooksSession, ChangedContacts, ChangedItems, DocumentPage, Feed,
    Identified, JournalPage, PAPERS_READ_MAX, Priority, TrackedQuantities, Unreadable,
};
use parstock_domain::adjustment::{AdjustmentDraft, AdjustmentNumber};
use parstock_domain::audit::Hash;
use parstock_domain::document::{
    Account, BillDraft, Contact, Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, Item,
    ItemRef, OrderDraft, Organisation, XeroQuantity,
};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::governance::Approval;
use parstock_domain::ids::{ContactId, DocumentId, EffectId, ItemId, LineId, OrgId};
use parstock_domain::manual_journal::{JournalInXero, JournalState, StateInXero};
use parstock_domain::prices::PriceWrite;

use crate::papers::text_of;
use crate::scheduler::{Edge, Sim, Verdict, later, lock};

/// How long an idempotency key is remembered (Xero: about six minutes, unconfirmed).
const KEY_REMEMBERED: SignedDuration = SignedDuration::from_mins(6);
/// Documents on a page. Far fewer than Xero's, so that pages shift while they are read.
pub const PAGE_DOCUMENTS: usize = 7;
/// Journals on a page.
const PAGE_JOURNALS: usize = 20;
/// Contacts on a page.
const PAGE_CONTACTS: usize = 3;

/// An id of Xero's own making, the same in every run.
fn made_id(what: &str, effect: EffectId, now: Timestamp) -> uuid::Uuid {
    let hash = Hash::of(format!("{what} of {effect} at {now}").as_bytes()).0;
    let id = uuid::Builder::from_slice(hash.get(..16).unwrap_or_default());
    id.map(|id| id.into_uuid()).unwrap_or_default()
}

/// What Xero holds of one organisation.
#[derive(Clone, Debug)]
pub struct Company {
    /// The organisation.
    pub organisation: Organisation,
    /// Its items.
    pub items: BTreeMap<ItemId, Item>,
    /// Its accounts with their balances.
    pub accounts: Vec<Account>,
    /// Its contacts, with the instant of their latest change.
    pub contacts: BTreeMap<uuid::Uuid, (Contact, Timestamp)>,
    /// Its documents in their present state.
    pub documents: BTreeMap<DocumentId, Document>,
    /// What lay there of tracked items before the first document.
    pub initial: BTreeMap<ItemId, Quantity>,
    /// Notes on purchase orders.
    pub notes: BTreeMap<DocumentId, Vec<String>>,
    /// Purchase orders that were written through the port, with the approval behind each.
    pub written: Vec<Written>,
    /// How far Xero's clock is behind ours.
    pub clock_behind: SignedDuration,
    /// Whether it says how many pages there are; if not, only an empty page is known to be the last.
    pub counts_pages: bool,
    /// Items in a form that nobody understands.
    pub unreadable_items: Vec<Unreadable>,
    /// Documents in a form that nobody understands, and why.
    pub unreadable_documents: BTreeMap<DocumentId, String>,
    /// Manual journals, with their date and the instant of their latest change.
    pub journals: Vec<ManualJournal>,
    /// What is changed behind a reader's back: in which list, after how many pages of it, and the id.
    pub edits_behind: Vec<(&'static str, u32, uuid::Uuid)>,
    /// Files beside documents: their names and what they have in them.
    pub attached: BTreeMap<DocumentId, Vec<(String, Vec<u8>)>>,
    keys: BTreeMap<EffectId, (Timestamp, DocumentId)>,
    note_keys: BTreeMap<EffectId, Timestamp>,
    parked_until: Option<Timestamp>,
    /// How far apart fetches and polls should lie.
    pub spacing: SignedDuration,
    calls: BTreeMap<&'static str, u64>,
    /// What a line of an adjustment counts as instead of its quantity: books that are not as they should be.
    pub counts_adjustments_as: Option<Quantity>,
    /// What Xero answers instead of quantities once an adjustment was written.
    pub read_back_refusal: Option<BooksError>,
    /// Whether an earlier write of an adjustment, whose answer was lost, gets through together with the next.
    pub writes_adjustments_late: bool,
    /// Whether cost pools are a moving average of what documents brought and took, as in Xero, instead of what the items cost at their
    /// purchase price. `Some(true)` takes what a supplier's credit note takes at its line's amount, `Some(false)` at the average.
    pub moving_average: Option<bool>,
    /// How many answers to writes of a kind get lost from now on, whose writes get through.
    pub loses_answers: BTreeMap<&'static str, u32>,
    /// What a bill brings in just when the next adjustment is written: an item, how many, at which price.
    pub brings_with_adjustment: Option<(ItemId, Quantity, Money)>,
    /// Whether the plan's bills of the month are used up.
    pub is_capped: bool,
    /// What Xero answers instead, by the name of the call or the word of the feed.
    pub refusals: BTreeMap<&'static str, BooksError>,
}

/// A purchase order that was written through the port.
#[derive(Clone, Debug)]
pub struct Written {
    /// The order's Xero id.
    pub order: DocumentId,
    /// What was asked for.
    pub draft: OrderDraft,
    /// The approval that stood behind it.
    pub approval: Approval,
    /// The effect that wrote it.
    pub effect: EffectId,
    /// When.
    pub at: Timestamp,
}

/// A manual journal in Xero.
#[derive(Clone, Debug)]
pub struct ManualJournal {
    /// What parstock reads of it.
    pub known: JournalInXero,
    /// Its date.
    pub date: Date,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The effect that wrote it.
    pub effect: EffectId,
}

impl Company {
    /// An organisation without anything in it.
    pub const fn new(organisation: Organisation) -> Self {
        Self {
            organisation,
            items: BTreeMap::new(),
            accounts: Vec::new(),
            contacts: BTreeMap::new(),
            documents: BTreeMap::new(),
            initial: BTreeMap::new(),
            notes: BTreeMap::new(),
            written: Vec::new(),
            clock_behind: SignedDuration::ZERO,
            counts_pages: true,
            unreadable_items: Vec::new(),
            unreadable_documents: BTreeMap::new(),
            journals: Vec::new(),
            edits_behind: Vec::new(),
            attached: BTreeMap::new(),
            keys: BTreeMap::new(),
            note_keys: BTreeMap::new(),
            parked_until: None,
            spacing: SignedDuration::ZERO,
            calls: BTreeMap::new(),
            counts_adjustments_as: None,
            read_back_refusal: None,
            writes_adjustments_late: false,
            moving_average: None,
            loses_answers: BTreeMap::new(),
            brings_with_adjustment: None,
            is_capped: false,
            refusals: BTreeMap::new(),
        }
    }

    /// The name of the connection through which it is reached.
    pub fn connection(&self) -> String {
        self.organisation.name.to_lowercase()
    }

    /// What Xero holds of a tracked item: what lay there at first, plus what approved documents moved.
    pub fn on_hand(&self, item: ItemId) -> Quantity {
        let mut sum = self.initial.get(&item).copied().unwrap_or_default().e4();
        for document in self.documents.values() {
            let sign = match document.of.kind {
                DocumentKind::GoodsReceipt | DocumentKind::PurchaseOrder => continue,
                DocumentKind::Bill | DocumentKind::SpendMoney | DocumentKind::SalesCredit => 1,
                DocumentKind::SalesInvoice | DocumentKind::ReceiveMoney | DocumentKind::SupplierCredit => -1,
            };
            if !matches!(document.status, DocumentStatus::Authorised | DocumentStatus::Paid) {
                continue;
            }
            let of_item = |line: &&DocumentLine| self.item_of(line.item.as_ref()) == Some(item);
            let other = self.counts_adjustments_as.filter(|_| document.number.starts_with("ADJ-"));
            let counted = |line: &DocumentLine| other.unwrap_or(line.quantity).e4();
            sum += sign * document.lines.iter().filter(of_item).map(counted).sum::<i64>();
        }
        Quantity::from_e4(sum)
    }

    /// The item that a line means: by its id, else by its code.
    pub fn item_of(&self, named: Option<&ItemRef>) -> Option<ItemId> {
        let named = named?;
        named.id.or_else(|| self.items.values().find(|item| item.code == named.code).map(|item| item.id))
    }

    /// Calls that Xero answered, by kind.
    pub const fn calls(&self) -> &BTreeMap<&'static str, u64> {
        &self.calls
    }

    fn edit_behind(&mut self, list: &str, now: Timestamp) {
        for (_, left, _) in self.edits_behind.iter_mut().filter(|(of, ..)| *of == list) {
            *left = left.saturating_sub(1);
        }
        let due: Vec<uuid::Uuid> =
            self.edits_behind.extract_if(.., |(_, left, _)| *left == 0).map(|(_, _, id)| id).collect();
        for id in due {
            if let Some(document) = self.documents.get_mut(&DocumentId(id)) {
                document.updated_at = now;
            }
            if let Some((_, at)) = self.contacts.get_mut(&id) {
                *at = now;
            }
            for journal in self.journals.iter_mut().filter(|journal| journal.known.id == DocumentId(id)) {
                journal.updated_at = now;
            }
        }
    }

    fn changed(&self, feed: Feed, since: Timestamp, page: u32) -> DocumentPage {
        let in_feed = |kind| match feed {
            Feed::PurchaseOrders => kind == DocumentKind::PurchaseOrder,
            Feed::Invoices => matches!(kind, DocumentKind::SalesInvoice | DocumentKind::Bill),
            Feed::CreditNotes => matches!(kind, DocumentKind::SalesCredit | DocumentKind::SupplierCredit),
            Feed::BankTransactions => matches!(kind, DocumentKind::SpendMoney | DocumentKind::ReceiveMoney),
        };
        // If-Modified-Since knows whole seconds
        let mut found: Vec<&Document> = self
            .documents
            .values()
            .filter(|document| {
                in_feed(document.of.kind) && document.updated_at.as_second() >= since.as_second()
            })
            .collect();
        found.sort_by_key(|document| (document.updated_at, document.of.id));
        let skipped = PAGE_DOCUMENTS * page.saturating_sub(1) as usize;
        let documents: Vec<Document> =
            found.into_iter().skip(skipped).take(PAGE_DOCUMENTS).cloned().collect();
        let more = if self.counts_pages { documents.len() == PAGE_DOCUMENTS } else { !documents.is_empty() };
        let latest = documents.last().map(|document| document.updated_at);
        let holds = documents.iter().map(|one| format!("{} {}", one.of.id, one.updated_at)).collect();
        let (unreadable, documents): (Vec<Document>, Vec<Document>) = documents
            .into_iter()
            .partition(|document| self.unreadable_documents.contains_key(&document.of.id));
        let why = |document: &Document| self.unreadable_documents.get(&document.of.id).cloned();
        let unreadable = unreadable.iter().map(|document| Unreadable {
            id: document.of.id.to_string(),
            why: why(document).unwrap_or_default(),
        });
        DocumentPage { more, latest, unreadable: unreadable.collect(), documents, holds, answered_at: None }
    }
}

/// The books of several organisations.
#[derive(Clone)]
pub struct FakeBooks {
    sim: Sim,
    companies: Arc<Mutex<BTreeMap<OrgId, Company>>>,
}

impl FakeBooks {
    /// Books without any organisation.
    pub fn new(sim: Sim) -> Self {
        Self { sim, companies: Arc::default() }
    }

    /// Adds an organisation.
    pub fn add(&self, company: Company) {
        lock(&self.companies).insert(company.organisation.id, company);
    }

    /// Looks at an organisation, or changes it as people do, without a call.
    ///
    /// # Panics
    /// When there is no such organisation.
    pub fn with<T>(&self, org: OrgId, act: impl FnOnce(&mut Company) -> T) -> T {
        act(lock(&self.companies).get_mut(&org).unwrap())
    }

    /// Parks an organisation: Xero answers nothing before `until`.
    pub fn park(&self, org: OrgId, until: Timestamp) {
        self.with(org, |company| company.parked_until = Some(until));
    }

    /// Whether Xero refuses any organisation just now.
    pub fn is_any_parked(&self) -> bool {
        let now = self.sim.now();
        lock(&self.companies).values().any(|company| company.parked_until.is_some_and(|until| until > now))
    }

    fn known(&self, org: OrgId) -> bool {
        lock(&self.companies).contains_key(&org)
    }

    fn parked(&self, org: OrgId) -> Option<BooksError> {
        let until = self.with(org, |company| company.parked_until)?;
        (until > self.sim.now()).then(|| BooksError::NotNow { until, why: "the tenant is parked".into() })
    }

    fn refusal_of(&self, org: OrgId, name: &str) -> Option<BooksError> {
        self.with(org, |company| company.refusals.get(name).cloned())
    }

    /// Why a call that fails before its effect fails: a limit or a fault.
    fn refusal(&self, org: OrgId) -> BooksError {
        if self.sim.draw(|rng| rng.chance(700)) {
            return BooksError::Retry("500".into());
        }
        // a minute's limit as a rule, now and then most of a day's
        let seconds = self.sim.draw(|rng| if rng.chance(30) { 4 * 3_600 } else { 1 + rng.below(60) });
        let until = later(self.sim.now(), SignedDuration::from_secs(seconds as i64));
        self.park(org, until);
        BooksError::NotNow { until, why: "429".into() }
    }
}

/// A session.
pub struct FakeSession {
    books: FakeBooks,
    org: OrgId,
}

impl Books for FakeBooks {
    type Session = FakeSession;

    async fn identify(&self, connection: &str) -> Result<Identified, BooksError> {
        if self.sim.point(Edge::Before, "books.identify").await == Verdict::Fail {
            return Err(BooksError::Retry("500".into()));
        }
        let answer = {
            let companies = lock(&self.companies);
            let found = companies.values().find(|company| company.connection() == connection);
            found.map(|company| Identified { organisation: company.organisation.clone(), tenant: None })
        };
        if self.sim.point(Edge::After, "books.identify").await == Verdict::Fail {
            return Err(BooksError::Retry("timed out".into()));
        }
        answer.ok_or_else(|| BooksError::NeedsPerson(format!("nothing is connected as `{connection}`")))
    }

    async fn open(&self, org: OrgId, _: Priority, _: u32) -> Result<FakeSession, BooksError> {
        if !self.known(org) {
            return Err(BooksError::NeedsPerson(format!("{org} is not connected")));
        }
        if self.sim.point(Edge::Before, "books.open").await == Verdict::Fail {
            return Err(self.refusal(org));
        }
        match self.parked(org).or_else(|| self.refusal_of(org, "books.open")) {
            Some(error) => Err(error),
            None => Ok(FakeSession { books: self.clone(), org }),
        }
    }

    async fn allowance(&self, org: OrgId) -> Result<Allowance, BooksError> {
        if self.sim.point(Edge::Before, "books.allowance").await == Verdict::Fail {
            return Err(BooksError::Retry("throttled".into()));
        }
        Ok(self.with(org, |company| Allowance {
            left_today: None,
            parked_until: company.parked_until,
            fetch_spacing: company.spacing,
            poll_spacing: company.spacing,
        }))
    }
}

impl FakeSession {
    /// The present instant by Xero's clock.
    /// Lets happen what is to happen behind the reader's back, and answers Xero's time.
    fn edit_behind(&self, list: &str) -> Timestamp {
        let now = self.xero_now();
        self.books.with(self.org, |company| company.edit_behind(list, now));
        now
    }

    fn xero_now(&self) -> Timestamp {
        let now = self.books.sim.now();
        let behind = self.books.with(self.org, |company| company.clock_behind);
        now.saturating_sub(behind).unwrap_or(now)
    }

    async fn read<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(&mut Company) -> T,
    ) -> Result<T, BooksError> {
        if self.books.sim.point(Edge::Before, name).await == Verdict::Fail {
            return Err(self.books.refusal(self.org));
        }
        let refused = self.books.parked(self.org).or_else(|| self.books.refusal_of(self.org, name));
        if let Some(error) = refused {
            return Err(error);
        }
        let answer = self.books.with(self.org, |company| {
            *company.calls.entry(name).or_default() += 1;
            read(company)
        });
        if self.books.sim.point(Edge::After, name).await == Verdict::Fail {
            return Err(BooksError::Retry("timed out".into()));
        }
        Ok(answer)
    }

    async fn write<T>(
        &self,
        name: &'static str,
        write: impl FnOnce(&mut Company, Timestamp) -> Result<T, BooksError>,
    ) -> Result<T, BooksError> {
        if self.books.sim.point(Edge::Before, name).await == Verdict::Fail {
            return Err(self.books.refusal(self.org));
        }
        let refused = self.books.parked(self.org).or_else(|| self.books.refusal_of(self.org, name));
        if let Some(error) = refused {
            return Err(error);
        }
        let now = self.xero_now();
        let answer = self.books.with(self.org, |company| {
            *company.calls.entry(name).or_default() += 1;
            write(company, now)
        });
        let is_lost = self.books.with(self.org, |company| {
            let left = company.loses_answers.get_mut(name).filter(|left| **left > 0);
            left.map(|left| *left -= 1).is_some()
        });
        if is_lost || self.books.sim.point(Edge::After, name).await == Verdict::Fail {
            return Err(BooksError::Unknown("timed out".into()));
        }
        answer
    }
}

impl BooksSession for FakeSession {
    async fn organisation(&mut self) -> Result<Organisation, BooksError> {
        self.read("books.organisation", |company| company.organisation.clone()).await
    }

    async fn invoices(&mut self, ids: &[DocumentId]) -> Result<DocumentPage, BooksError> {
        self.read("books.invoices", |company| {
            let known = ids.iter().filter_map(|id| company.documents.get(id));
            let documents: Vec<Document> = known
                .filter(|document| {
                    matches!(document.of.kind, DocumentKind::SalesInvoice | DocumentKind::Bill)
                })
                .cloned()
                .collect();
            let latest = documents.iter().map(|document| document.updated_at).max();
            DocumentPage { latest, documents, ..DocumentPage::default() }
        })
        .await
    }

    async fn changed(&mut self, feed: Feed, since: Timestamp, page: u32) -> Result<DocumentPage, BooksError> {
        if let Some(refusal) = self.books.refusal_of(self.org, feed.code()) {
            return Err(refusal);
        }
        let mut page = self.read("books.changed", |company| company.changed(feed, since, page)).await?;
        let now = self.edit_behind("books.changed");
        page.answered_at = Some(now);
        Ok(page)
    }

    async fn items(&mut self, since: Option<Timestamp>) -> Result<ChangedItems, BooksError> {
        let items: Vec<Item> = self
            .read("books.items", |company| {
                let changed =
                    |item: &&Item| since.is_none_or(|since| item.updated_at.as_second() >= since.as_second());
                company
                    .items
                    .values()
                    .filter(changed)
                    .map(|item| Item { quantity: company.quantity(item), ..item.clone() })
                    .collect()
            })
            .await?;
        let latest = items.iter().map(|item| item.updated_at).max();
        let unreadable = self.books.with(self.org, |company| company.unreadable_items.clone());
        Ok(ChangedItems { items, unreadable, latest, answered_at: Some(self.xero_now()) })
    }

    async fn tracked_quantities(&mut self) -> Result<TrackedQuantities, BooksError> {
        let read = |company: &mut Company| {
            company.items.values().filter_map(|item| Some((item.id, company.quantity(item)?))).collect()
        };
        let refusal = self.books.with(self.org, |company| {
            let is_written = company.calls.contains_key("books.create_adjustment");
            company.read_back_refusal.clone().filter(|_| is_written)
        });
        if let Some(refusal) = refusal {
            return Err(refusal);
        }
        let quantities = self.read("books.tracked_quantities", read).await?;
        Ok(TrackedQuantities { quantities, unreadable: Vec::new() })
    }

    async fn accounts(&mut self, _: Date) -> Result<Vec<Account>, BooksError> {
        self.read("books.accounts", |company| company.accounts.clone()).await
    }

    async fn contacts(&mut self, since: Option<Timestamp>, page: u32) -> Result<ChangedContacts, BooksError> {
        let mut found = self
            .read("books.contacts", |company| {
                let changed = |at: Timestamp| since.is_none_or(|since| at.as_second() >= since.as_second());
                let mut found: Vec<_> = company.contacts.values().filter(|(_, at)| changed(*at)).collect();
                found.sort_by_key(|(contact, at)| (*at, contact.id));
                let skipped = PAGE_CONTACTS * page.saturating_sub(1) as usize;
                let found: Vec<_> = found.into_iter().skip(skipped).take(PAGE_CONTACTS).collect();
                ChangedContacts {
                    more: if company.counts_pages { found.len() == PAGE_CONTACTS } else { !found.is_empty() },
                    latest: found.last().map(|(_, at)| *at),
                    holds: found.iter().map(|(contact, at)| format!("{} {at}", contact.id)).collect(),
                    contacts: found.into_iter().map(|(contact, _)| contact.clone()).collect(),
                    answered_at: None,
                }
            })
            .await?;
        found.answered_at = Some(self.edit_behind("books.contacts"));
        Ok(found)
    }

    async fn order_by_number(&mut self, number: &str) -> Result<Option<Document>, BooksError> {
        self.read("books.order_by_number", |company| company.order(number).cloned()).await
    }

    async fn create_order(
        &mut self,
        draft: &OrderDraft,
        approval: &Approval,
        effect: EffectId,
    ) -> Result<Document, BooksError> {
        self.write("books.create_order", |company, now| company.create(draft, approval, effect, now)).await
    }

    async fn bill_by_number(
        &mut self,
        supplier: ContactId,
        number: &str,
    ) -> Result<Option<Document>, BooksError> {
        self.read("books.bill_by_number", |company| company.bill(supplier, number).cloned()).await
    }

    async fn create_bill(&mut self, draft: &BillDraft, effect: EffectId) -> Result<Document, BooksError> {
        self.write("books.create_bill", |company, now| company.create_bill(draft, effect, now)).await
    }

    async fn order_notes(&mut self, order: DocumentId) -> Result<Vec<String>, BooksError> {
        self.read("books.order_notes", |company| company.notes.get(&order).cloned().unwrap_or_default()).await
    }

    async fn add_order_note(
        &mut self,
        order: DocumentId,
        note: &str,
        effect: EffectId,
    ) -> Result<(), BooksError> {
        self.write("books.add_order_note", |company, now| {
            if !company.documents.contains_key(&order) {
                return Err(BooksError::Reject("there is no such purchase order".into()));
            }
            company.note_keys.retain(|_, at| later(*at, KEY_REMEMBERED) > now);
            if company.note_keys.insert(effect, now).is_some() {
                return Ok(());
            }
            company.notes.entry(order).or_default().push(note.to_owned());
            Ok(())
        })
        .await
    }

    async fn journals_changed(&mut self, since: Timestamp, page: u32) -> Result<JournalPage, BooksError> {
        let read = self.read("books.journals_changed", |company| {
            let mut changed: Vec<&ManualJournal> =
                company.journals.iter().filter(|journal| journal.updated_at >= since).collect();
            changed.sort_by_key(|journal| journal.updated_at);
            let skipped = PAGE_JOURNALS * page.saturating_sub(1) as usize;
            let changed: Vec<_> = changed.into_iter().skip(skipped).take(PAGE_JOURNALS).collect();
            JournalPage {
                more: changed.len() == PAGE_JOURNALS,
                latest: changed.iter().map(|journal| journal.updated_at).max(),
                holds: changed.iter().map(|one| format!("{} {}", one.known.id, one.updated_at)).collect(),
                unreadable: false,
                journals: changed.into_iter().map(|journal| journal.known.clone()).collect(),
            }
        });
        let page = read.await?;
        self.edit_behind("books.journals_changed");
        Ok(page)
    }

    async fn journal_marked(
        &mut self,
        mark: &str,
        since: Timestamp,
    ) -> Result<Option<DocumentId>, BooksError> {
        self.read("books.journal_marked", |company| {
            let mut changed = company.journals.iter().filter(|journal| journal.updated_at >= since);
            changed.find(|journal| journal.known.narration.contains(mark)).map(|journal| journal.known.id)
        })
        .await
    }

    async fn create_journal(
        &mut self,
        journal: &parstock_domain::manual_journal::ManualJournal,
        effect: EffectId,
    ) -> Result<DocumentId, BooksError> {
        if let Some(refusal) = self.books.refusal_of(self.org, "books.create_journal") {
            return Err(refusal);
        }
        self.write("books.create_journal", |company, now| {
            let mut written = company.journals.iter();
            let same = written.find(|it| it.effect == effect && later(it.updated_at, KEY_REMEMBERED) > now);
            if let Some(same) = same {
                return Ok(same.known.id);
            }
            let hash = Hash::of(format!("journal of {effect} at {now}").as_bytes()).0;
            let id = uuid::Builder::from_slice(hash.get(..16).unwrap_or_default());
            let id = DocumentId(id.map(|id| id.into_uuid()).unwrap_or_default());
            let amounts = journal.lines.iter().map(|line| (line.account.clone(), line.amount)).collect();
            let state = match journal.state {
                JournalState::Draft => StateInXero::Draft,
                JournalState::Posted => StateInXero::Posted,
            };
            company.journals.push(ManualJournal {
                known: JournalInXero { id, state, narration: journal.narration.clone(), amounts },
                date: journal.date,
                updated_at: now,
                effect,
            });
            Ok(id)
        })
        .await
    }

    async fn set_purchase_prices(
        &mut self,
        prices: &[PriceWrite],
        _effect: EffectId,
    ) -> Result<Vec<(ItemId, String)>, BooksError> {
        if let Some(refusal) = self.books.refusal_of(self.org, "books.set_purchase_prices") {
            return Err(refusal);
        }
        let prices = prices.to_vec();
        self.write("books.set_purchase_prices", |company, now| {
            let mut refused = Vec::new();
            for price in prices {
                match company.items.get_mut(&price.item) {
                    Some(item) if item.purchase_price == Some(price.to) => {}
                    Some(item) if item.purchase_price == Some(price.from) => {
                        (item.purchase_price, item.updated_at) = (Some(price.to), now);
                    }
                    Some(_) => refused.push((price.item, "somebody changed it there".to_owned())),
                    None => refused.push((price.item, "Xero lists the item no more".to_owned())),
                }
            }
            Ok(refused)
        })
        .await
    }

    async fn adjustments_by_number(
        &mut self,
        kind: DocumentKind,
        number: AdjustmentNumber,
    ) -> Result<Vec<Document>, BooksError> {
        self.read("books.adjustments_by_number", |company| {
            let number = number.to_string();
            let of = |document: &&Document| document.of.kind == kind && document.number == number;
            company.documents.values().filter(of).cloned().collect()
        })
        .await
    }

    async fn may_approve_bills(&mut self) -> Result<bool, BooksError> {
        self.read("books.may_approve_bills", |company| !company.is_capped).await
    }

    async fn create_adjustment(
        &mut self,
        draft: &AdjustmentDraft,
        effect: EffectId,
    ) -> Result<Document, BooksError> {
        self.write("books.create_adjustment", |company, now| company.adjust(draft, effect, now)).await
    }

    async fn papers(&mut self, of: DocumentRef) -> Result<Vec<Attached>, BooksError> {
        self.read("books.papers", |company| {
            let mut read = 0;
            let files = company.attached.get(&of.id).into_iter().flatten();
            let attached = files.map(|(name, content)| {
                let text = match name.ends_with(".pdf") {
                    false => Err("is no PDF".to_owned()),
                    true if read == PAPERS_READ_MAX => Err(format!("was not read: {read} PDFs were")),
                    true => {
                        read += 1;
                        text_of(content)
                    }
                };
                Attached { name: name.clone(), text }
            });
            attached.collect()
        })
        .await
    }

    async fn close(self) {
        // giving back what is left of a grant can fail only without effect
        let _ = self.books.sim.point(Edge::Before, "books.close").await;
    }
}

impl Company {
    fn quantity(&self, item: &Item) -> Option<XeroQuantity> {
        item.tracked.then(|| {
            let on_hand = self.on_hand(item.id);
            let cost_pool = match self.moving_average {
                Some(credits_at_amount) => self.pool(item, credits_at_amount),
                None => on_hand.at(item.purchase_price.unwrap_or_default()).unwrap_or_default(),
            };
            XeroQuantity { on_hand, back_ordered: Quantity::ZERO, cost_pool }
        })
    }

    /// What Xero holds of an item that it tracks.
    pub fn held(&self, item: ItemId) -> Option<XeroQuantity> {
        self.items.get(&item).and_then(|item| self.quantity(item))
    }

    /// What an item's stock cost by a moving average in whole cents, in the order in which documents came.
    fn pool(&self, item: &Item, credits_at_amount: bool) -> Money {
        let mut there = self.initial.get(&item.id).copied().unwrap_or_default();
        let mut pool = there.at(item.purchase_price.unwrap_or_default()).unwrap_or_default();
        let mut documents: Vec<&Document> = self.documents.values().collect();
        documents.sort_by_key(|document| {
            // of one moment, what comes in first
            (document.updated_at, document.of.kind == DocumentKind::SupplierCredit, document.of.id)
        });
        for document in documents {
            if !matches!(document.status, DocumentStatus::Authorised | DocumentStatus::Paid) {
                continue;
            }
            let of_item = |line: &&DocumentLine| self.item_of(line.item.as_ref()) == Some(item.id);
            for line in document.lines.iter().filter(of_item) {
                let is_credit = document.of.kind == DocumentKind::SupplierCredit;
                if matches!(document.of.kind, DocumentKind::Bill | DocumentKind::SpendMoney) {
                    (there, pool) =
                        (there.plus(line.quantity).unwrap(), pool.plus(line.net.to_cents()).unwrap());
                } else if is_credit || document.of.kind == DocumentKind::SalesInvoice {
                    let average = pool.part(line.quantity, there).unwrap_or_default().to_cents();
                    let out = if is_credit && credits_at_amount { line.net.to_cents() } else { average };
                    (there, pool) = (there.minus(line.quantity).unwrap(), pool.minus(out).unwrap());
                }
            }
        }
        pool
    }

    fn order(&self, number: &str) -> Option<&Document> {
        self.documents.values().find(|document| {
            document.of.kind == DocumentKind::PurchaseOrder && document.number.eq_ignore_ascii_case(number)
        })
    }

    /// Writes a document over nothing. Xero takes its number twice.
    fn adjust(
        &mut self,
        draft: &AdjustmentDraft,
        effect: EffectId,
        now: Timestamp,
    ) -> Result<Document, BooksError> {
        self.keys.retain(|_, (at, _)| later(*at, KEY_REMEMBERED) > now);
        if let Some((_, earlier)) = self.keys.get(&effect) {
            let earlier = self.documents.get(earlier).cloned();
            return earlier.ok_or_else(|| BooksError::Reject("it was deleted".into()));
        }
        if self.organisation.locked_through().is_some_and(|locked| draft.date <= locked) {
            return Err(BooksError::Reject("The document date cannot be before the period lock date".into()));
        }
        let id = |what: &str| made_id(what, effect, now);
        let mut lines = Vec::new();
        for (at, line) in draft.lines.iter().enumerate() {
            let item = self.items.values().find(|item| item.code == line.item_code);
            let item = item.map(|item| ItemRef { id: Some(item.id), code: item.code.clone() });
            let Some(item) = item else {
                return Err(BooksError::Reject(format!("Item code '{}' is not valid", line.item_code)));
            };
            for (item, unit, account) in [
                (Some(item), line.unit_cost, &line.account),
                (None, line.unit_cost.negated().unwrap_or_default(), &draft.account),
            ] {
                lines.push(DocumentLine {
                    id: LineId(id(&format!("line {at} {}", item.is_some()))),
                    item,
                    description: line.description.clone(),
                    quantity: line.quantity,
                    unit_amount: unit,
                    net: line.quantity.at(unit).unwrap_or_default(),
                    account: account.clone(),
                    unit: None,
                    foreign_net: None,
                });
            }
        }
        let document = Document {
            of: DocumentRef { kind: draft.kind, id: DocumentId(id("adjustment")) },
            number: draft.number.to_string(),
            reference: String::new(),
            status: DocumentStatus::Paid,
            contact: draft.contact,
            contact_name: "Inventory Adjustments".to_owned(),
            date: draft.date,
            expected_on: None,
            updated_at: now,
            lines,
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        };
        self.documents.insert(document.of.id, document.clone());
        if let Some((item, quantity, price)) = self.brings_with_adjustment.take() {
            let mut bill = Document {
                of: DocumentRef { kind: DocumentKind::Bill, id: DocumentId(id("bill beside it")) },
                number: "B-1".to_owned(),
                ..document.clone()
            };
            bill.lines.truncate(1);
            for line in &mut bill.lines {
                line.item =
                    self.items.get(&item).map(|item| ItemRef { id: Some(item.id), code: item.code.clone() });
                (line.id, line.quantity, line.unit_amount) = (LineId(id("line beside it")), quantity, price);
                line.net = quantity.at(price).unwrap_or_default();
            }
            self.documents.insert(bill.of.id, bill);
        }
        if self.writes_adjustments_late {
            let of = DocumentRef { id: DocumentId(id("adjustment of the try before")), ..document.of };
            self.documents.insert(of.id, Document { of, ..document.clone() });
        }
        let mut moved = document.lines.iter().filter_map(|line| self.item_of(line.item.as_ref()));
        let less = moved.find(|item| self.on_hand(*item).is_negative());
        if let Some(item) = less.filter(|_| draft.kind == DocumentKind::SupplierCredit) {
            self.documents.remove(&document.of.id);
            return Err(BooksError::Reject(format!("No items of {item} available")));
        }
        self.keys.insert(effect, (now, document.of.id));
        Ok(document)
    }

    fn bill(&self, supplier: ContactId, number: &str) -> Option<&Document> {
        self.documents.values().find(|document| {
            document.of.kind == DocumentKind::Bill
                && document.contact == supplier
                && document.number == number
                && !matches!(document.status, DocumentStatus::Deleted | DocumentStatus::Voided)
        })
    }

    fn create_bill(
        &mut self,
        draft: &BillDraft,
        effect: EffectId,
        now: Timestamp,
    ) -> Result<Document, BooksError> {
        self.keys.retain(|_, (at, _)| later(*at, KEY_REMEMBERED) > now);
        if let Some((_, earlier)) = self.keys.get(&effect) {
            let earlier = self.documents.get(earlier).cloned();
            return earlier.ok_or_else(|| BooksError::Reject("it was deleted".into()));
        }
        let order = self.documents.get(&draft.order).filter(|order| order.number == draft.order_number);
        let Some(order) = order.cloned() else {
            return Err(BooksError::Reject("there is no such order".into()));
        };
        let bill = DocumentId(made_id("bill", effect, now));
        let mut lines = Vec::new();
        for (at, (line, quantity)) in draft.lines.iter().enumerate() {
            let of = order.lines.iter().find(|of| of.id == *line);
            let of = of.ok_or_else(|| BooksError::Reject("a line is not on the order any more".into()))?;
            lines.push(DocumentLine {
                id: LineId(made_id(&format!("line {at}"), effect, now)),
                quantity: *quantity,
                net: quantity.at(of.unit_amount).unwrap_or_default(),
                ..of.clone()
            });
        }
        let document = Document {
            of: DocumentRef { kind: DocumentKind::Bill, id: bill },
            number: draft.number.clone(),
            reference: String::new(),
            status: DocumentStatus::Draft,
            contact: draft.supplier,
            contact_name: order.contact_name,
            date: draft.date,
            expected_on: None,
            updated_at: now,
            lines,
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        };
        self.documents.insert(bill, document.clone());
        self.keys.insert(effect, (now, bill));
        Ok(document)
    }

    fn create(
        &mut self,
        draft: &OrderDraft,
        approval: &Approval,
        effect: EffectId,
        now: Timestamp,
    ) -> Result<Document, BooksError> {
        self.keys.retain(|_, (at, _)| later(*at, KEY_REMEMBERED) > now);
        if let Some((_, earlier)) = self.keys.get(&effect) {
            return self
                .documents
                .get(earlier)
                .cloned()
                .ok_or_else(|| BooksError::Reject("it was deleted".into()));
        }
        if self.order(&draft.number).is_some() {
            // it may be ours: whoever asked looks it up
            return Err(BooksError::Unknown("the order number is taken".into()));
        }
        let known = |code: &str| self.items.values().any(|item| item.code == code);
        if let Some(line) = draft.lines.iter().find(|line| !known(&line.item_code)) {
            return Err(BooksError::Reject(format!("Item code '{}' is not valid", line.item_code)));
        }
        let order = DocumentId(made_id("order", effect, now));
        let lines = draft.lines.iter().enumerate().map(|(at, line)| DocumentLine {
            id: LineId(made_id(&format!("line {at}"), effect, now)),
            item: Some(ItemRef {
                id: self.items.values().find(|item| item.code == line.item_code).map(|item| item.id),
                code: line.item_code.clone(),
            }),
            description: line.description.clone(),
            quantity: line.quantity,
            unit_amount: line.unit_price,
            net: line.quantity.at(line.unit_price).unwrap_or_default(),
            account: line.account.clone(),
            unit: None,
            foreign_net: None,
        });
        let document = Document {
            of: DocumentRef { kind: DocumentKind::PurchaseOrder, id: order },
            number: draft.number.clone(),
            reference: draft.reference.clone(),
            status: DocumentStatus::Draft,
            contact: draft.supplier,
            contact_name: String::new(),
            date: draft.date,
            expected_on: Some(draft.wanted_on),
            updated_at: now,
            lines: lines.collect(),
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        };
        self.documents.insert(order, document.clone());
        self.keys.insert(effect, (now, order));
        self.written.push(Written {
            order,
            draft: draft.clone(),
            approval: approval.clone(),
            effect,
            at: now,
        });
        Ok(document)
    }
}

//! Xero behind the port: one client per org, sessions paid for by the org's budget, errors by what can be done.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::{
    Allowance, Attached, Books, BooksError, BooksSession, ChangedContacts, ChangedItems, Clock, DocumentPage,
    Entropy, Feed, Identified, JournalPage, PAPERS_READ_MAX, Priority, Store, TrackedQuantities, Unreadable,
};
use parstock_app::records::{Key, OrgEntry, Owner, Record};
use parstock_app::sync::CALLS_PER_POLL;
use parstock_domain::adjustment::{AdjustmentDraft, AdjustmentNumber};
use parstock_domain::document::{
    Account, BillDraft, Document, DocumentKind, DocumentRef, OrderDraft, Organisation,
};
use parstock_domain::fixed::FixedError;
use parstock_domain::governance::Approval;
use parstock_domain::ids::{ContactId, DocumentId, EffectId, ItemId, OrgId, derived};
use parstock_domain::manual_journal::ManualJournal;
use parstock_domain::prices::PriceWrite;
use parstock_xero::model::{
    self as wire, HistoryNote, HistoryOf, InvoiceStatus, InvoiceType, Listed, NewPurchaseOrder, Page,
};
use parstock_xero::{
    Client, ContactsQuery, Error, IdempotencyKey, ItemsQuery, JournalMark, MemoryBudget, Problem,
    RefusalReason, Session, TokenStore, WriteOutcome, XeroConfig,
};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::budget::{self, StoreBudget};
use crate::config::XeroAddresses;
use crate::papers;
use crate::tokens::StoreTokens;
use crate::translate::{self, Puzzle};
use crate::vault::{Credentials, Freshness, Vault, VaultError, names};

/// The port's clock as the client asks it.
#[derive(Debug)]
pub struct XeroClock<K>(Arc<K>);

impl<K> XeroClock<K> {
    pub(crate) const fn new(clock: Arc<K>) -> Self {
        Self(clock)
    }
}

impl<K: Clock> parstock_xero::Clock for XeroClock<K> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

type OrgClient<S, V, K, E> = Client<StoreTokens<S, V, E>, StoreBudget<S, E>, XeroClock<K>>;

/// An org's client with what it was made from.
struct Reached<S, V, K, E> {
    client: OrgClient<S, V, K, E>,
    connection: String,
    credentials: Credentials,
    translate: translate::Books,
}

impl<S, V, K, E> Clone for Reached<S, V, K, E> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
            connection: self.connection.clone(),
            credentials: self.credentials.clone(),
            translate: self.translate.clone(),
        }
    }
}

/// Xero for all orgs of the stack.
pub struct XeroBooks<S, V, K, E> {
    store: Arc<S>,
    vault: Arc<V>,
    clock: Arc<K>,
    entropy: Arc<E>,
    addresses: XeroAddresses,
    /// Built at the first call: reading the machine's certificates takes milliseconds, and some functions never call Xero.
    http: OnceCell<reqwest::Client>,
    reached: tokio::sync::Mutex<BTreeMap<OrgId, Reached<S, V, K, E>>>,
}

impl<S, V, K, E> std::fmt::Debug for XeroBooks<S, V, K, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XeroBooks").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl<S: Store, V: Vault, K: Clock, E: Entropy> XeroBooks<S, V, K, E> {
    /// Xero at these addresses, with the credentials that `vault` holds and tokens and limits shared through
    /// `store`.
    pub fn new(
        store: Arc<S>,
        vault: Arc<V>,
        clock: Arc<K>,
        entropy: Arc<E>,
        addresses: XeroAddresses,
    ) -> Self {
        Self {
            store,
            vault,
            clock,
            entropy,
            addresses,
            http: OnceCell::new(),
            reached: tokio::sync::Mutex::default(),
        }
    }

    async fn http(&self) -> Result<reqwest::Client, BooksError> {
        let build =
            async || parstock_xero::http_client(&[&self.addresses.api_url, &self.addresses.identity_url]);
        let http = self.http.get_or_try_init(build).await;
        http.cloned().map_err(|error| BooksError::NeedsPerson(error.to_string()))
    }

    async fn credentials(&self, connection: &str) -> Result<Credentials, BooksError> {
        let name = names::credentials(connection);
        let secret = self.vault.get(&name, Freshness::Recent).await.map_err(|error| match error {
            VaultError::Unavailable { .. } => BooksError::Retry(error.to_string()),
            VaultError::NeedsPerson(why) => BooksError::NeedsPerson(why),
        })?;
        let wanted = r#"{"client_id": "…", "client_secret": "…"}"#;
        let secret = secret.ok_or_else(|| {
            BooksError::NeedsPerson(format!(
                "there is no secret `{name}`: connect it (on AWS the console's page /connections, on one machine \
                 `parstock connect`), or store {wanted} of a custom connection there"
            ))
        })?;
        Credentials::read(&secret).ok_or_else(|| {
            BooksError::NeedsPerson(format!("the secret `{name}` does not have the form {wanted}"))
        })
    }

    fn xero_config(&self, credentials: &Credentials) -> Result<XeroConfig, BooksError> {
        self.addresses.client_config(credentials).map_err(|error| BooksError::NeedsPerson(error.to_string()))
    }

    fn tokens(&self, connection: &str, credentials: &Credentials) -> StoreTokens<S, V, E> {
        let token_set = credentials.token_set.clone().unwrap_or_else(|| connection.to_owned());
        let (store, vault, entropy) =
            (Arc::clone(&self.store), Arc::clone(&self.vault), Arc::clone(&self.entropy));
        StoreTokens::new(store, vault, entropy, token_set)
    }

    fn xero_clock(&self) -> XeroClock<K> {
        XeroClock::new(Arc::clone(&self.clock))
    }

    async fn read(&self, owner: Owner, key: Key) -> Result<Option<Record>, BooksError> {
        let rows =
            self.store.get(owner, &[key]).await.map_err(|error| BooksError::Retry(error.to_string()))?;
        Ok(rows.into_iter().next().flatten().map(|row| row.record))
    }

    /// The org's client, made anew when its connection or the connection's credentials have changed.
    async fn reach(&self, org: OrgId) -> Result<Reached<S, V, K, E>, BooksError> {
        let Some(Record::Org(OrgEntry { connection, .. })) = self.read(Owner::Stack, Key::Org(org)).await?
        else {
            return Err(BooksError::NeedsPerson(format!("the organisation {org} is not connected")));
        };
        let credentials = self.credentials(&connection).await?;
        let mut reached = self.reached.lock().await;
        let fits = |known: &&Reached<S, V, K, E>| {
            // Without the base currency the next document could be misread, so that is asked for again.
            known.connection == connection
                && known.credentials.same_as(&credentials)
                && known.translate.base_currency.is_some()
        };
        if let Some(known) = reached.get(&org).filter(fits) {
            return Ok(known.clone());
        }
        let base_currency = match self.read(Owner::Org(org), Key::Profile).await? {
            Some(Record::Profile(profile)) => Some(profile.organisation.base_currency),
            _ => None,
        };
        let client = Client::new(
            self.xero_config(&credentials)?,
            self.http().await?,
            self.tokens(&connection, &credentials),
            StoreBudget::of(Arc::clone(&self.store), Arc::clone(&self.entropy), org, &credentials),
            self.xero_clock(),
        );
        let translate = translate::Books { base_currency };
        let new = Reached { client, connection, credentials, translate };
        reached.insert(org, new.clone());
        Ok(new)
    }
}

/// What Xero says of an organisation and of what may be done there: each answer by itself, so that one refusal hides no
/// other.
#[derive(Debug)]
pub struct Examined {
    /// The organisation.
    pub organisation: Result<wire::Organisation, Error>,
    /// What plan and permissions let the connected user do.
    pub actions: Result<Vec<wire::Action>, Error>,
    /// Whether reports may be read.
    pub reports: Result<(), Error>,
    /// The calls that Xero says are left of the day.
    pub left_today: Option<u32>,
    /// The clock of Xero's server.
    pub xeros_clock: Option<Timestamp>,
}

/// Calls left of a day below which work gathers, so that they last: the first quarter of the smallest plan's day is spent as
/// work comes in.
const GATHERS_BELOW: u32 = 750;
/// Calls of an examination.
const EXAMINATION_CALLS: u32 = 3;

impl<S: Store, V: Vault, K: Clock, E: Entropy> XeroBooks<S, V, K, E> {
    /// Asks Xero what a person needs to know who looks for a fault: three calls.
    ///
    /// # Errors
    /// When no call can be made at all. What Xero refuses stands in [`Examined`].
    pub async fn examine(&self, org: OrgId, day: Date) -> Result<Examined, BooksError> {
        let Reached { client, credentials, .. } = self.reach(org).await?;
        let failure = failure(credentials.is_consent());
        let mut session =
            client.session(parstock_xero::Priority::Person, EXAMINATION_CALLS).await.map_err(failure)?;
        let organisation = session.organisation().await;
        let actions = session.actions().await;
        let reports = session.trial_balance(day).await.map(drop);
        let left_today = session.remaining().and_then(|remaining| remaining.day);
        let xeros_clock = session.answered_at();
        session.finish().await.map_err(failure)?;
        Ok(Examined { organisation, actions, reports, left_today, xeros_clock })
    }
}

impl<S: Store, V: Vault, K: Clock, E: Entropy> Books for XeroBooks<S, V, K, E> {
    type Session = XeroSession<S, V, K, E>;

    async fn identify(&self, connection: &str) -> Result<Identified, BooksError> {
        let credentials = self.credentials(connection).await?;
        let config = self.xero_config(&credentials)?;
        // Whose budget this one call belongs to is what it asks.
        let (tokens, budget) = (self.tokens(connection, &credentials), MemoryBudget::default());
        let client = Client::new(config, self.http().await?, tokens, budget, self.xero_clock());
        let organisation = organisation_of(&client, credentials.is_consent()).await?;
        Ok(Identified { organisation, tenant: credentials.tenant })
    }

    async fn open(&self, org: OrgId, priority: Priority, calls: u32) -> Result<Self::Session, BooksError> {
        let reached = self.reach(org).await?;
        let priority = match priority {
            Priority::Backfill => parstock_xero::Priority::Backfill,
            Priority::Poll => parstock_xero::Priority::Poll,
            Priority::Person => parstock_xero::Priority::Person,
            Priority::Webhook => parstock_xero::Priority::Webhook,
        };
        let by_consent = reached.credentials.is_consent();
        let session = reached.client.session(priority, calls).await.map_err(failure(by_consent))?;
        Ok(XeroSession { session, translate: reached.translate, by_consent })
    }

    async fn allowance(&self, org: OrgId) -> Result<Allowance, BooksError> {
        let kept =
            budget::kept(&*self.store, org).await.map_err(|error| BooksError::Retry(error.to_string()))?;
        let Some(state) = kept else { return Ok(Allowance::default()) };
        let now = self.clock.now();
        let same_day = state.day_resets_at().is_some_and(|resets_at| resets_at > now);
        let spacing = |priority, calls| {
            if same_day && state.day_left() < GATHERS_BELOW {
                state.spacing(priority, calls, now)
            } else {
                SignedDuration::ZERO
            }
        };
        Ok(Allowance {
            left_today: same_day.then(|| state.day_left()),
            parked_until: state.parked().map(|(until, _)| until).filter(|until| *until > now),
            fetch_spacing: spacing(parstock_xero::Priority::Webhook, 1),
            poll_spacing: spacing(parstock_xero::Priority::Poll, CALLS_PER_POLL),
        })
    }
}

/// The organisation that a client reaches, at the price of one call.
///
/// # Errors
/// When Xero can't be asked, or a person has to act first: the text says what to do.
pub async fn organisation_of<T: TokenStore, C: parstock_xero::Clock>(
    client: &Client<T, MemoryBudget, C>,
    by_consent: bool,
) -> Result<Organisation, BooksError> {
    let failure = failure(by_consent);
    let mut session = client.session(parstock_xero::Priority::Person, 1).await.map_err(failure)?;
    let organisation = session.organisation().await.map_err(failure)?;
    session.finish().await.map_err(failure)?;
    translate::organisation(organisation).map_err(|puzzle| BooksError::Reject(puzzle.to_string()))
}

/// A run of calls.
pub struct XeroSession<S, V, K, E> {
    session: Session<StoreTokens<S, V, E>, StoreBudget<S, E>, XeroClock<K>>,
    translate: translate::Books,
    by_consent: bool,
}

impl<S, V, K, E> std::fmt::Debug for XeroSession<S, V, K, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XeroSession").finish_non_exhaustive()
    }
}

fn page<T: Listed>(
    from: Page<T>,
    number: u32,
    translate: impl Fn(T) -> Result<Option<Document>, Puzzle>,
) -> DocumentPage {
    let (more, holds) = (from.may_have_more(number), holds(&from));
    let unread_at = from.unreadable.iter().filter_map(|element| element.updated_at).max();
    let latest = from.resources.iter().filter_map(Listed::updated_at).max().max(unread_at);
    let answered_at = from.answered_at;
    let mut documents = Vec::with_capacity(from.resources.len());
    let mut unreadable: Vec<Unreadable> = from.unreadable.into_iter().map(unread).collect();
    for resource in from.resources {
        let id = resource.id();
        match translate(resource) {
            Ok(document) => documents.extend(document),
            Err(puzzle) => unreadable.push(Unreadable { id: id.to_string(), why: puzzle.to_string() }),
        }
    }
    DocumentPage { documents, unreadable, more, latest, holds, answered_at }
}

/// What stands on a page, by id and last change.
fn holds<T: Listed>(page: &Page<T>) -> Vec<String> {
    let read = page.resources.iter().map(|one| format!("{} {:?}", one.id(), one.updated_at()));
    read.chain(page.unreadable.iter().map(|one| format!("{:?} {:?}", one.id, one.updated_at))).collect()
}

/// An element that the client could not read.
fn unread(element: wire::Unreadable) -> Unreadable {
    let id = element.id.unwrap_or_else(|| "without an id".to_owned());
    Unreadable { id, why: element.why }
}

impl<S: Store, V: Vault, K: Clock, E: Entropy> BooksSession for XeroSession<S, V, K, E> {
    async fn organisation(&mut self) -> Result<Organisation, BooksError> {
        let organisation = self.session.organisation().await.map_err(failure(self.by_consent))?;
        translate::organisation(organisation).map_err(|puzzle| BooksError::Reject(puzzle.to_string()))
    }

    async fn invoices(&mut self, ids: &[DocumentId]) -> Result<DocumentPage, BooksError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let all = self.session.invoices_by_id(&ids).await.map_err(failure(self.by_consent))?;
        let page = page(all, 1, |invoice| self.translate.invoice(invoice).map(Some));
        Ok(DocumentPage { more: false, ..page })
    }

    async fn changed(
        &mut self,
        feed: Feed,
        since: Timestamp,
        number: u32,
    ) -> Result<DocumentPage, BooksError> {
        let (session, translate, asked) = (&mut self.session, &self.translate, Some(since));
        let failure = failure(self.by_consent);
        Ok(match feed {
            Feed::PurchaseOrders => {
                let found = session.purchase_orders_modified(asked, number).await.map_err(failure)?;
                page(found, number, |order| translate.purchase_order(order).map(Some))
            }
            Feed::Invoices => {
                let found = session.invoices_modified(asked, number).await.map_err(failure)?;
                page(found, number, |invoice| translate.invoice(invoice).map(Some))
            }
            Feed::CreditNotes => {
                let found = session.credit_notes_modified(asked, number).await.map_err(failure)?;
                page(found, number, |note| translate.credit_note(note).map(Some))
            }
            Feed::BankTransactions => {
                let found = session.bank_transactions_modified(asked, number).await.map_err(failure)?;
                page(found, number, |money| translate.bank_transaction(money))
            }
        })
    }

    async fn items(&mut self, since: Option<Timestamp>) -> Result<ChangedItems, BooksError> {
        let query = ItemsQuery { modified_since: since, only_tracked: false };
        let mut found = ChangedItems::default();
        let each = |item: wire::Item| {
            let (id, updated_at) = (item.item_id, item.updated_at);
            found.latest = found.latest.max(updated_at);
            match translate::stock_item(item) {
                Ok(item) => found.items.push(item),
                Err(error) => {
                    found.unreadable.push(Unreadable { id: id.to_string(), why: error.to_string() });
                }
            }
        };
        let read = self.session.items(query, each).await.map_err(failure(self.by_consent))?;
        let unread_at = read.unreadable.iter().filter_map(|item| item.updated_at).max();
        found.latest = found.latest.max(unread_at);
        found.unreadable.extend(read.unreadable.into_iter().map(unread));
        found.answered_at = read.answered_at;
        Ok(found)
    }

    async fn tracked_quantities(&mut self) -> Result<TrackedQuantities, BooksError> {
        let query = ItemsQuery { modified_since: None, only_tracked: true };
        let mut found = TrackedQuantities::default();
        let each = |item: wire::Item| {
            // whatever the filter made of the question
            if item.is_tracked_as_inventory == Some(false) {
                return;
            }
            match translate::xero_quantity(&item) {
                Ok(quantity) => {
                    found.quantities.extend(quantity.map(|quantity| (ItemId(item.item_id), quantity)));
                }
                Err(error) => {
                    let id = item.item_id.to_string();
                    found.unreadable.push(Unreadable { id, why: error.to_string() });
                }
            }
        };
        let read = self.session.items(query, each).await.map_err(failure(self.by_consent))?;
        found.unreadable.extend(read.unreadable.into_iter().map(unread));
        Ok(found)
    }

    async fn accounts(&mut self, day: Date) -> Result<Vec<Account>, BooksError> {
        let failure = failure(self.by_consent);
        let accounts = self.session.accounts().await.map_err(failure)?;
        let sheet = self.session.balance_sheet(day).await.map_err(failure)?;
        translate::accounts(accounts, sheet).map_err(|error| BooksError::Reject(error.to_string()))
    }

    async fn contacts(&mut self, since: Option<Timestamp>, page: u32) -> Result<ChangedContacts, BooksError> {
        let query = ContactsQuery { modified_since: since, page, include_archived: true };
        let found = self.session.contacts(query).await.map_err(failure(self.by_consent))?;
        let (more, answered_at, holds) = (found.may_have_more(page), found.answered_at, holds(&found));
        let unread_at = found.unreadable.iter().filter_map(|contact| contact.updated_at).max();
        let latest = found.resources.iter().filter_map(|contact| contact.updated_at).max().max(unread_at);
        let contacts = found.resources.into_iter().map(translate::contact).collect();
        Ok(ChangedContacts { contacts, more, latest, holds, answered_at })
    }

    async fn order_by_number(&mut self, number: &str) -> Result<Option<Document>, BooksError> {
        let order = self.session.purchase_order_by_number(number).await.map_err(failure(self.by_consent))?;
        let understood = order.map(|order| self.translate.purchase_order(order)).transpose();
        understood.map_err(|puzzle| {
            BooksError::NeedsPerson(format!("look at purchase order {number} in Xero: {puzzle}"))
        })
    }

    async fn create_order(
        &mut self,
        draft: &OrderDraft,
        approval: &Approval,
        effect: EffectId,
    ) -> Result<Document, BooksError> {
        if draft.number != approval.order_number {
            let why =
                format!("the approval of proposal {} is not for order {}", approval.proposal, draft.number);
            return Err(BooksError::Reject(why));
        }
        let key = key(format!("{effect}/{}", approval.at.as_second()))?;
        let order = [translate::new_order(draft)];
        let written = self.session.create_purchase_orders(&order, &key).await;
        let outcome = written.map_err(failure(self.by_consent))?.outcomes.into_iter().next();
        let outcome =
            outcome.ok_or_else(|| BooksError::Unknown("Xero's answer names no order".to_owned()))?;
        match outcome {
            WriteOutcome::Saved { resource, .. } => {
                self.translate.purchase_order(resource).map_err(|puzzle| {
                    BooksError::Unknown(format!(
                        "order {} was written, but {puzzle}: look it up",
                        draft.number
                    ))
                })
            }
            WriteOutcome::Refused { errors } => {
                let words = errors.join("; ");
                let told = refusal(&words);
                if RefusalReason::of(&words) != RefusalReason::Other {
                    return Err(told);
                }
                Err(self
                    .obstacle(&order)
                    .await
                    .map_or(told, |why| BooksError::Reject(format!("{words}. {why}"))))
            }
        }
    }

    async fn bill_by_number(
        &mut self,
        supplier: ContactId,
        number: &str,
    ) -> Result<Option<Document>, BooksError> {
        let found = self.session.invoices_by_number(&[number]).await.map_err(failure(self.by_consent))?;
        let mut bills: Vec<wire::Invoice> = found.resources;
        bills.retain(|bill| {
            let is_gone = matches!(bill.status, Some(InvoiceStatus::Deleted | InvoiceStatus::Voided));
            let contact = bill.contact.as_ref().and_then(|contact| contact.contact_id);
            bill.kind == Some(InvoiceType::Bill) && !is_gone && contact == Some(supplier.0)
        });
        bills.sort_by_key(|bill| (bill.updated_at, bill.invoice_id));
        let Some(bill) = bills.into_iter().next() else { return Ok(None) };
        let puzzled = |puzzle: Puzzle| BooksError::Reject(format!("bill {number} is in Xero, but {puzzle}"));
        self.translate.invoice(bill).map(Some).map_err(puzzled)
    }

    async fn create_bill(&mut self, draft: &BillDraft, effect: EffectId) -> Result<Document, BooksError> {
        let order = self.session.purchase_order_by_number(&draft.order_number).await;
        let order = order.map_err(failure(self.by_consent))?.ok_or_else(|| {
            BooksError::Reject(format!("no order has the number {} any more", draft.order_number))
        })?;
        let bill = [translate::new_bill(order, draft).map_err(BooksError::Reject)?];
        let (other, key) = (failure(self.by_consent), key(effect.to_string())?);
        let failure = |error: Error| match error {
            Error::Reject { .. } => bill_refusal(&error.to_string()),
            error => other(error),
        };
        let written = self.session.create_bills(&bill, &key).await.map_err(failure)?;
        match written.outcomes.into_iter().next() {
            None => Err(BooksError::Unknown("Xero's answer names no bill".to_owned())),
            Some(WriteOutcome::Saved { resource, .. }) => {
                self.translate.invoice(resource).map_err(|puzzle| {
                    BooksError::Unknown(format!(
                        "bill {} was written, but {puzzle}: look it up",
                        draft.number
                    ))
                })
            }
            Some(WriteOutcome::Refused { errors }) => Err(bill_refusal(&errors.join("; "))),
        }
    }

    async fn order_notes(&mut self, order: DocumentId) -> Result<Vec<String>, BooksError> {
        let history = self
            .session
            .history(HistoryOf::PurchaseOrder, order.0)
            .await
            .map_err(failure(self.by_consent))?;
        Ok(history.into_iter().filter_map(|record| record.details).collect())
    }

    async fn add_order_note(
        &mut self,
        order: DocumentId,
        note: &str,
        effect: EffectId,
    ) -> Result<(), BooksError> {
        let note = HistoryNote::new(note).map_err(|error| BooksError::Reject(error.to_string()))?;
        // Another key than the order's: Xero refuses a key that comes back with another request.
        let key = key(format!("{effect}/note"))?;
        self.session
            .add_history(HistoryOf::PurchaseOrder, order.0, &note, &key)
            .await
            .map_err(failure(self.by_consent))
    }

    async fn journals_changed(&mut self, since: Timestamp, number: u32) -> Result<JournalPage, BooksError> {
        let found = self.session.manual_journals_modified(Some(since), number).await;
        let found = found.map_err(failure(self.by_consent))?;
        let unread_at = found.unreadable.iter().filter_map(|journal| journal.updated_at).max();
        let latest = found.resources.iter().filter_map(|journal| journal.updated_at).max().max(unread_at);
        let (more, mut unreadable) = (found.may_have_more(number), !found.unreadable.is_empty());
        let holds = holds(&found);
        let mut journals = Vec::with_capacity(found.resources.len());
        for journal in found.resources {
            match translate::journal(journal) {
                Ok(journal) => journals.push(journal),
                Err(puzzle) => {
                    tracing::warn!(why = %puzzle, "a manual journal can't be understood");
                    unreadable = true;
                }
            }
        }
        Ok(JournalPage { journals, unreadable, more, latest, holds })
    }

    async fn journal_marked(
        &mut self,
        mark: &str,
        since: Timestamp,
    ) -> Result<Option<DocumentId>, BooksError> {
        let found = self.session.manual_journals_marked(JournalMark::Narration(mark), since).await;
        let found = found.map_err(failure(self.by_consent))?;
        Ok(found.first().map(|journal| DocumentId(journal.manual_journal_id)))
    }

    async fn create_journal(
        &mut self,
        journal: &ManualJournal,
        effect: EffectId,
    ) -> Result<DocumentId, BooksError> {
        let new = translate::new_journal(journal).map_err(|error| BooksError::Reject(error.to_string()))?;
        let written = self.session.create_manual_journals(&[new], &key(effect.to_string())?).await;
        let written = written.map_err(|error| match error {
            Error::Reject { .. } => journal_refusal(&error.to_string()),
            other => failure(self.by_consent)(other),
        })?;
        let outcome = written.outcomes.into_iter().next();
        match outcome.ok_or_else(|| BooksError::Unknown("Xero's answer names no journal".to_owned()))? {
            WriteOutcome::Saved { resource, .. } => Ok(DocumentId(resource.manual_journal_id)),
            WriteOutcome::Refused { errors } => Err(journal_refusal(&errors.join("; "))),
        }
    }

    async fn set_purchase_prices(
        &mut self,
        prices: &[PriceWrite],
        effect: EffectId,
    ) -> Result<Vec<(ItemId, String)>, BooksError> {
        let mut found = BTreeMap::new();
        let each = |item: wire::Item| {
            if prices.iter().any(|price| price.item.0 == item.item_id) {
                found.insert(ItemId(item.item_id), item);
            }
        };
        let query = ItemsQuery { modified_since: None, only_tracked: false };
        self.session.items(query, each).await.map_err(failure(self.by_consent))?;
        let (mut updates, mut items, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for price in prices {
            let Some(item) = found.get(&price.item) else {
                refused.push((
                    price.item,
                    "Xero lists the item no more, or in a form that can't be read".to_owned(),
                ));
                continue;
            };
            match translate::price_update(item, price) {
                Ok(None) => {}
                Ok(Some(update)) => {
                    items.push(price.item);
                    updates.push(update);
                }
                Err(why) => refused.push((price.item, why)),
            }
        }
        if updates.is_empty() {
            return Ok(refused);
        }
        // another try may have something else to write, which is another request
        let body = serde_json::to_string(&updates).map_err(|error| BooksError::Reject(error.to_string()))?;
        let request = derived(&effect.to_string(), &[&body]);
        let written = self.session.update_items(&updates, &key(request.to_string())?).await;
        let written = written.map_err(failure(self.by_consent))?;
        for (place, item) in items.into_iter().enumerate() {
            match written.outcomes.get(place) {
                Some(WriteOutcome::Saved { .. }) => {}
                Some(WriteOutcome::Refused { errors }) => refused.push((item, errors.join("; "))),
                None => return Err(BooksError::Unknown("Xero's answer does not name all items".to_owned())),
            }
        }
        Ok(refused)
    }

    async fn adjustments_by_number(
        &mut self,
        kind: DocumentKind,
        number: AdjustmentNumber,
    ) -> Result<Vec<Document>, BooksError> {
        let (session, translate, name) = (&mut self.session, &self.translate, number.to_string());
        let failure = failure(self.by_consent);
        let mut found = match kind {
            DocumentKind::SupplierCredit => {
                let found = session.credit_notes_by_number(&name).await.map_err(failure)?;
                page(found, 1, |note| translate.credit_note(note).map(Some))
            }
            _ => {
                let found = session.invoices_by_number(&[&name]).await.map_err(failure)?;
                page(found, 1, |invoice| translate.invoice(invoice).map(Some))
            }
        };
        if let Some(unread) = found.unreadable.first() {
            let why = format!("look at {number} in Xero, by which it may be there: {}", unread.why);
            return Err(BooksError::NeedsPerson(why));
        }
        found.documents.retain(|document| document.of.kind == kind);
        Ok(found.documents)
    }

    async fn may_approve_bills(&mut self) -> Result<bool, BooksError> {
        let actions = self.session.actions().await.map_err(failure(self.by_consent))?;
        let not_allowed = |action: &wire::Action| {
            action.name == "CreateApprovedBill" && action.status == Some(wire::ActionStatus::NotAllowed)
        };
        Ok(!actions.iter().any(not_allowed))
    }

    async fn create_adjustment(
        &mut self,
        draft: &AdjustmentDraft,
        effect: EffectId,
    ) -> Result<Document, BooksError> {
        let (other, key) = (failure(self.by_consent), key(effect.to_string())?);
        let failure = |error: Error| match error {
            // the request as a whole: still that of an adjustment, and of no order
            Error::Reject { .. } => adjustment_refusal(&error.to_string()),
            error => other(error),
        };
        let unread = |puzzle: Puzzle| {
            BooksError::Unknown(format!("{} was written, but {puzzle}: look it up", draft.number))
        };
        let nothing = || BooksError::Unknown("Xero's answer names no document".to_owned());
        let errors = if draft.kind == DocumentKind::SupplierCredit {
            let note = self.translate.adjusting_credit_note(draft).map_err(refused_input)?;
            let written = self.session.create_credit_notes(&[note], &key).await.map_err(failure)?;
            match written.outcomes.into_iter().next().ok_or_else(nothing)? {
                WriteOutcome::Saved { resource, .. } => {
                    return self.translate.credit_note(resource).map_err(unread);
                }
                WriteOutcome::Refused { errors } => errors,
            }
        } else {
            let bill = self.translate.adjusting_bill(draft).map_err(refused_input)?;
            let written = self.session.create_bills(&[bill], &key).await.map_err(failure)?;
            match written.outcomes.into_iter().next().ok_or_else(nothing)? {
                WriteOutcome::Saved { resource, .. } => {
                    return self.translate.invoice(resource).map_err(unread);
                }
                WriteOutcome::Refused { errors } => errors,
            }
        };
        Err(adjustment_refusal(&errors.join("; ")))
    }

    async fn papers(&mut self, of: DocumentRef) -> Result<Vec<Attached>, BooksError> {
        let kind = match of.kind {
            DocumentKind::Bill => wire::AttachmentOf::Invoice,
            DocumentKind::SpendMoney => wire::AttachmentOf::BankTransaction,
            kind => return Err(BooksError::Reject(format!("a {} has no papers here", kind.words()))),
        };
        let listed = self.session.attachments(kind, of.id.0).await.map_err(failure(self.by_consent))?;
        let (mut attached, mut left) = (Vec::new(), PAPERS_READ_MAX);
        for file in listed.into_iter().take(wire::ATTACHMENTS_MAX) {
            let name = file.file_name.unwrap_or_else(|| "a file without a name".to_owned());
            let is_pdf =
                file.mime_type.as_deref() == Some("application/pdf") || name.to_lowercase().ends_with(".pdf");
            let is_long = file.content_length.is_some_and(|bytes| bytes > papers::BYTES_MAX as u64);
            let text = match is_pdf {
                false => Err("is no PDF".to_owned()),
                true if is_long => Err(papers::too_long()),
                true if left == 0 => Err(format!("was not read: {PAPERS_READ_MAX} PDFs were")),
                true => {
                    left -= 1;
                    let asked =
                        self.session.attached_pdf(kind, of.id.0, file.attachment_id, papers::BYTES_MAX).await;
                    match asked {
                        Ok(pdf) => match papers::text_of(pdf).await {
                            Ok(text) => text.map_err(str::to_owned),
                            Err(papers::Busy) => {
                                return Err(BooksError::Retry(
                                    "other papers take long to be read".to_owned(),
                                ));
                            }
                        },
                        Err(Error::BadAnswer { .. }) => Err(papers::too_long()),
                        Err(Error::Reject { status: 404, .. }) => Err("is there no more".to_owned()),
                        // one that can't be had does not take the others with it
                        Err(Error::Reject { .. }) => Err("could not be had from Xero".to_owned()),
                        Err(error) => return Err(failure(self.by_consent)(error)),
                    }
                }
            };
            attached.push(Attached { name, text });
        }
        Ok(attached)
    }

    async fn close(self) {
        if let Err(error) = self.session.finish().await {
            tracing::warn!(why = %error, "a grant of calls could not be given back and will run out by itself");
        }
    }
}

fn key(text: String) -> Result<IdempotencyKey, BooksError> {
    IdempotencyKey::new(text).map_err(|error| BooksError::Reject(error.to_string()))
}

impl<S: Store, V: Vault, K: Clock, E: Entropy> XeroSession<S, V, K, E> {
    /// What stands in the way of an order that Xero refused in words that nobody knows. Asking costs three calls, so it
    /// is not done before every write.
    async fn obstacle(&mut self, [order]: &[NewPurchaseOrder; 1]) -> Option<String> {
        let rules = self.session.write_rules().await;
        match rules {
            Ok(rules) => rules.check_purchase_order(order).err().map(|obstacle| obstacle.to_string()),
            Err(error) => {
                tracing::warn!(why = %error, "what stands in the way of an order could not be asked");
                None
            }
        }
    }
}

/// The client's error in the port's words.
fn failure(by_consent: bool) -> impl Fn(Error) -> BooksError + Copy {
    move |error| match error {
        Error::NotNow { until, why } => BooksError::NotNow { until, why: why.to_string() },
        Error::RetryAfter { why, .. } => BooksError::Retry(why),
        // Possibly a page of some proxy; if not, the message ends with its cause among the dead letters.
        Error::BadAnswer { .. } | Error::Store { .. } => BooksError::Retry(error.to_string()),
        Error::Reject { .. } => refusal(&error.to_string()),
        Error::Input(_) => BooksError::Reject(error.to_string()),
        Error::AskPerson(ref problem) => {
            BooksError::NeedsPerson(format!("{error}{}", setting(problem, by_consent)))
        }
        Error::Unknown { why } => BooksError::Unknown(why),
    }
}

/// Where a person does what has to be done, as the end of a message.
const fn setting(problem: &Problem, by_consent: bool) -> &'static str {
    match (problem, by_consent) {
        (Problem::NoIdentityServer { .. }, _) => " It is set by XERO_IDENTITY_URL.",
        (Problem::NoAccountingApi { .. }, _) => " It is set by XERO_API_URL.",
        (Problem::TokenRefused, _) => " They are set by XERO_API_URL and XERO_IDENTITY_URL.",
        (Problem::ScopeNotGranted, _) => {
            " The scopes asked for are those in XERO_SCOPES; without it they are all that the connection has."
        }
        (Problem::Forbidden { .. }, true) => {
            " That is done with `parstock connect`. If XERO_SCOPES is set, it has to name the scope as well."
        }
        (Problem::Forbidden { .. }, false) => {
            " That is done at the custom connection's page at developer.xero.com. If XERO_SCOPES is set, it has to name \
             the scope as well."
        }
        (Problem::ConsentEnded | Problem::NoConsent | Problem::CodeRefused, _)
        | (Problem::Disconnected, true) => " That is done with `parstock connect`.",
        (Problem::Disconnected, false) => {
            " That is done at the custom connection's page at developer.xero.com."
        }
        (Problem::WrongCredentials | Problem::ConnectionNotAllowed, _) => "",
    }
}

/// What to do about a code that Xero doesn't take. Its list of items says neither that one is inactive nor that one was removed
/// (XeroAPI/Xero-NetStandard#460).
const ITEM_GONE: &str = "An item was renamed, made inactive or removed in Xero: restore it there, or exclude it in `items.csv`; if it has \
    another name, try again in a quarter of an hour.";

/// Xero's refusal in the port's words: what can be done about it, or that an earlier try may have got through.
fn refusal(words: &str) -> BooksError {
    let remedy = match RefusalReason::of(words) {
        RefusalReason::NumberTaken => {
            return BooksError::Unknown("a document with this number exists already: look it up".to_owned());
        }
        // An earlier try, made before midnight or before an item got another name, whose outcome is to be looked for.
        RefusalReason::KeyReused => {
            return BooksError::Unknown(
                "Xero remembers an earlier try in another form: look for its result".to_owned(),
            );
        }
        RefusalReason::Contact => {
            "The supplier was archived, merged or removed in Xero: restore it there, or reject the order and let it be \
             planned anew."
        }
        RefusalReason::Item => ITEM_GONE,
        RefusalReason::Account | RefusalReason::InventoryAccount => {
            "Set another account for purchases of the item in Xero."
        }
        RefusalReason::TaxType => "Set another tax rate for purchases of the item in Xero.",
        RefusalReason::Other => return BooksError::Reject(words.to_owned()),
        reason => reason.remedy(),
    };
    BooksError::Reject(format!("{}. {remedy}", words.trim_end_matches('.')))
}

fn refused_input(error: FixedError) -> BooksError {
    BooksError::Reject(error.to_string())
}

/// Xero's refusal of a bill in the port's words. What to do is the same whatever it was: whoever asked says it.
fn bill_refusal(words: &str) -> BooksError {
    match RefusalReason::of(words) {
        RefusalReason::KeyReused | RefusalReason::NumberTaken => refusal(words),
        _ => BooksError::Reject(words.trim_end_matches('.').to_owned()),
    }
}

/// Xero's refusal of an adjustment in the port's words.
fn adjustment_refusal(words: &str) -> BooksError {
    let remedy = match RefusalReason::of(words) {
        RefusalReason::KeyReused | RefusalReason::NumberTaken => return refusal(words),
        RefusalReason::Contact => "Restore the contact of adjustments in Xero, then try again.",
        RefusalReason::Item => ITEM_GONE,
        RefusalReason::Account | RefusalReason::InventoryAccount => {
            "Name another account in the setting `adjustment_account`, or give the item another stock account in Xero, whichever it was, then try again."
        }
        reason => reason.remedy(),
    };
    BooksError::Reject(format!("{}. {remedy}", words.trim_end_matches('.')).trim_end().to_owned())
}

/// Xero's refusal of a journal in the port's words.
fn journal_refusal(words: &str) -> BooksError {
    let remedy = match RefusalReason::of(words) {
        RefusalReason::KeyReused => return refusal(words),
        RefusalReason::Account | RefusalReason::InventoryAccount => {
            "Name other accounts in the setting `cogs`; it is tried again tomorrow."
        }
        reason => reason.remedy(),
    };
    BooksError::Reject(format!("{}. {remedy}", words.trim_end_matches('.')).trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use parstock_app::ports::Write;

    use crate::clock::{RandomIds, WallClock};
    use crate::test_http::play_xero;
    use crate::test_store::RowStore;
    use crate::vault::EncryptedFileVault;

    fn bill(number: u128, status: &str, second: u8) -> wire::Invoice {
        let body = json!({
            "InvoiceID": Uuid::from_u128(number), "Type": "ACCPAY", "Status": status, "Date": "2026-10-01",
            "Contact": {"ContactID": Uuid::from_u128(9)}, "UpdatedDateUTC": format!("2026-10-01T00:00:{second:02}"),
        });
        serde_json::from_str(&body.to_string()).unwrap()
    }

    #[test]
    fn what_cant_be_understood_is_told_and_holds_up_neither_the_others_nor_the_cursor() {
        let never_read = wire::Unreadable {
            id: None,
            updated_at: "2026-10-01T00:00:07Z".parse().ok(),
            why: "no id".into(),
        };
        let pagination = wire::Pagination { page: Some(1), page_count: Some(2), ..Default::default() };
        let from = Page {
            resources: vec![bill(1, "PAID", 1), bill(2, "PARKED", 5)],
            unreadable: vec![never_read],
            pagination: Some(pagination),
            answered_at: None,
        };
        let books = translate::Books::default();
        let page = page(from, 1, |invoice| books.invoice(invoice).map(Some));
        assert_eq!(page.documents.len(), 1);
        let mut told: Vec<&str> = page.unreadable.iter().map(|unreadable| unreadable.id.as_str()).collect();
        told.sort_unstable();
        assert_eq!(told, [&Uuid::from_u128(2).to_string(), "without an id"]);
        assert!(page.more, "Xero gives small pages here");
        assert_eq!(page.latest.unwrap().to_string(), "2026-10-01T00:00:07Z");
    }

    #[test]
    fn each_error_says_what_can_be_done() {
        let at: Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
        let reject = |validation: &str| Error::Reject {
            status: 400,
            message: "A validation exception occurred".into(),
            validation: vec![validation.into()],
        };
        let cases = [
            (Error::RetryAfter { at, why: "HTTP 503".into() }, "retry"),
            (Error::NotNow { until: at, why: parstock_xero::Wait::Day }, "not now"),
            (Error::Unknown { why: "lost".into() }, "unknown"),
            (Error::BadAnswer { resource: "Invoices", why: "no JSON".into() }, "retry"),
            (Error::Store { doing: "asking", source: "gone".into() }, "retry"),
            (Error::AskPerson(Problem::WrongCredentials), "person"),
            (reject("Account code is needed"), "reject"),
            (reject("Order number must be unique"), "unknown"),
            (reject("The idempotency key was used with a different request."), "unknown"),
        ];
        for (error, expected) in cases {
            let shown = error.to_string();
            let kind = match failure(false)(error) {
                BooksError::Retry(_) => "retry",
                BooksError::NotNow { .. } => "not now",
                BooksError::Unknown(_) => "unknown",
                BooksError::NeedsPerson(_) => "person",
                BooksError::Reject(_) => "reject",
            };
            assert_eq!(kind, expected, "{shown}");
        }
    }

    #[test]
    fn a_refused_order_says_what_can_be_done_or_that_it_may_be_there() {
        for (words, told) in [
            (
                "The Contact is archived",
                "Xero refused: The Contact is archived. The supplier was archived, merged",
            ),
            ("Item code 'GHOST' is not valid", "try again in a quarter of an hour"),
            ("Organisation is not subscribed to currency USD", "Add the currency in Xero"),
            ("Something new.", "Xero refused: Something new."),
            ("Order number must be unique", "exists already"),
            ("The key was used with a different request", "an earlier try"),
        ] {
            let shown = refusal(words).to_string();
            assert!(shown.contains(told) && !shown.contains(".."), "{words}: {shown}");
        }
    }

    #[test]
    fn who_consented_in_the_browser_is_not_sent_to_a_custom_connection() {
        let forbidden = || Problem::Forbidden { resource: "Items", said: None };
        for problem in [forbidden(), Problem::Disconnected, Problem::ConsentEnded] {
            let BooksError::NeedsPerson(told) = failure(true)(Error::AskPerson(problem)) else { panic!() };
            assert!(told.contains("parstock connect") && !told.contains("custom connection"), "{told}");
        }
        for problem in [forbidden(), Problem::Disconnected] {
            let BooksError::NeedsPerson(told) = failure(false)(Error::AskPerson(problem)) else { panic!() };
            assert!(
                told.contains("custom connection's page") && !told.contains("parstock connect"),
                "{told}"
            );
        }
    }

    #[tokio::test]
    async fn a_missing_or_misshapen_secret_is_named_but_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Arc::new(EncryptedFileVault::open(folder.path()).unwrap());
        let addresses = XeroAddresses {
            api_url: "http://127.0.0.1:1/api.xro/2.0".into(),
            identity_url: "http://127.0.0.1:1".into(),
            scopes: Vec::new(),
            tenant: None,
        };
        let (clock, entropy) = (Arc::new(WallClock), Arc::new(RandomIds));
        let store = Arc::new(RowStore::default());
        let books = XeroBooks::new(store, Arc::clone(&vault), clock, entropy, addresses);
        let asked = books.identify("main").await.unwrap_err();
        assert!(
            matches!(&asked, BooksError::NeedsPerson(why) if why.contains("connections/main/credentials"))
        );
        for (secret, expected) in [
            (r#"{"client_id":"a","client_secret":7,"x":"canary-8"}"#, "does not have the form"),
            (r#"{"client_id":"","client_secret":"canary-8"}"#, "client id is empty"),
            (r#"{"client_id":"a","client_secret":"canary-8"}"#, "identity server"),
        ] {
            vault.put(&names::credentials("main"), secret.into()).await.unwrap();
            let shown = format!("{:?} {books:?}", books.identify("main").await.unwrap_err());
            assert!(shown.contains(expected) && !shown.contains("canary-8"), "{shown}");
        }
        let unknown = books.open(OrgId(Uuid::from_u128(1)), Priority::Poll, 1).await;
        assert!(matches!(unknown, Err(BooksError::NeedsPerson(_))));
    }

    type TestBooks = XeroBooks<RowStore, EncryptedFileVault, WallClock, RandomIds>;

    /// An org that is connected to a Xero on this machine.
    async fn connected(url: &str, tenant: Option<Uuid>) -> (TestBooks, OrgId, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let vault = EncryptedFileVault::open(folder.path()).unwrap();
        let credentials = r#"{"client_id":"id","client_secret":"secret"}"#;
        vault.put(&names::credentials("main"), credentials.into()).await.unwrap();
        let addresses = XeroAddresses {
            api_url: format!("{url}/api.xro/2.0"),
            identity_url: url.to_owned(),
            scopes: Vec::new(),
            tenant,
        };
        let (store, org) = (RowStore::default(), OrgId(Uuid::from_u128(1)));
        let entry =
            OrgEntry { org, name: "Shop".into(), time_zone: None, connection: "main".into(), tenant: None };
        let write = Write {
            key: Key::Org(org),
            record: Some(Record::Org(entry)),
            expect: parstock_app::ports::Expect::Anything,
        };
        store.write_each(Owner::Stack, vec![write]).await.unwrap();
        let (clock, entropy) = (Arc::new(WallClock), Arc::new(RandomIds));
        let books = XeroBooks::new(Arc::new(store), Arc::new(vault), clock, entropy, addresses);
        (books, org, folder)
    }

    #[tokio::test]
    async fn a_page_tells_what_stands_on_it_whether_it_can_be_understood_or_not() {
        let (one, two, three) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let money = |id: Uuid, kind: &str, date: serde_json::Value| {
            json!({"BankTransactionID": id, "Type": kind, "Status": "AUTHORISED", "Date": date,
                "UpdatedDateUTC": "2026-10-01T00:00:05"})
        };
        let body = json!({"BankTransactions": [
            money(one, "SPEND", json!("2026-10-01")),
            money(two, "SPEND-TRANSFER", json!("2026-10-01")),
            money(three, "SPEND", json!("never")),
        ]})
        .to_string();
        let (url, _) = play_xero(move |_| (200, body.clone())).await;
        let (books, org, _folder) = connected(&url, None).await;
        let mut session = books.open(org, Priority::Poll, 1).await.unwrap();
        let since: Timestamp = "2026-10-01T00:00:04Z".parse().unwrap();
        let page = session.changed(Feed::BankTransactions, since, 1).await.unwrap();
        assert_eq!((page.documents.len(), page.unreadable.len(), page.holds.len()), (1, 1, 3));
        for id in [one, two, three] {
            assert!(page.holds.iter().any(|held| held.contains(&id.to_string())), "{:?}", page.holds);
        }
        session.close().await;
    }

    #[tokio::test]
    async fn unreadable_items_are_told_and_untracked_ones_have_no_quantity_whatever_xero_sends() {
        let (one, two, three) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let body = json!({"DateTimeUTC": "2026-10-02T00:00:00", "Items": [
            {"ItemID": one, "Code": "A", "IsTrackedAsInventory": true, "QuantityOnHand": 3,
             "UpdatedDateUTC": "2026-10-01T00:00:05"},
            {"ItemID": two, "Code": "B", "IsTrackedAsInventory": false, "QuantityOnHand": 0},
            {"ItemID": three, "Code": "C", "QuantityOnHand": "several", "UpdatedDateUTC": "2026-10-01T00:00:07"},
        ]})
        .to_string();
        let (url, _) = play_xero(move |_| (200, body.clone())).await;
        let (books, org, _folder) = connected(&url, None).await;
        let mut session = books.open(org, Priority::Poll, 2).await.unwrap();
        let found = session.items(None).await.unwrap();
        assert_eq!((found.items.len(), found.unreadable.len()), (2, 1));
        assert_eq!(found.unreadable[0].id, three.to_string());
        assert_eq!(found.latest, "2026-10-01T00:00:07Z".parse().ok());
        assert_eq!(found.answered_at, "2026-10-02T00:00:00Z".parse().ok());
        let tracked = session.tracked_quantities().await.unwrap();
        let ids: Vec<ItemId> = tracked.quantities.iter().map(|(id, _)| *id).collect();
        assert_eq!((ids, tracked.unreadable.len()), (vec![ItemId(one)], 1));
        session.close().await;
    }

    #[tokio::test]
    async fn a_tenant_is_named_only_if_it_is_set() {
        for tenant in [None, Some(Uuid::from_u128(7))] {
            let (url, asked) = play_xero(|_| (200, r#"{"Items":[]}"#.to_owned())).await;
            let (books, org, _folder) = connected(&url, tenant).await;
            let mut session = books.open(org, Priority::Poll, 1).await.unwrap();
            session.items(None).await.unwrap();
            session.close().await;
            let heads = asked.lock().unwrap().join("");
            assert_eq!(heads.contains("xero-tenant-id"), tenant.is_some(), "{heads}");
            assert!(tenant.is_none_or(|tenant| heads.contains(&format!("xero-tenant-id: {tenant}"))));
        }
    }

    #[tokio::test]
    async fn what_a_person_has_to_mend_is_named_with_its_setting() {
        let (url, _) = play_xero(|_| (404, "<html>canary</html>".to_owned())).await;
        let (books, _, _folder) = connected(&url, None).await;
        let shown = books.identify("main").await.unwrap_err();
        let BooksError::NeedsPerson(why) = &shown else { panic!("{shown:?}") };
        assert!(why.contains(&url) && why.contains("XERO_API_URL") && !why.contains("canary"), "{why}");
        let (url, _) = play_xero(|_| (403, r#"{"Detail":"insufficient_scope"}"#.to_owned())).await;
        let (books, org, _folder) = connected(&url, None).await;
        let mut session = books.open(org, Priority::Poll, 1).await.unwrap();
        let shown = session.changed(Feed::BankTransactions, Timestamp::UNIX_EPOCH, 1).await.unwrap_err();
        let BooksError::NeedsPerson(why) = &shown else { panic!("{shown:?}") };
        for word in
            ["BankTransactions", "insufficient_scope", "accounting.banktransactions.read", "XERO_SCOPES"]
        {
            assert!(why.contains(word), "{word}: {why}");
        }
    }
}

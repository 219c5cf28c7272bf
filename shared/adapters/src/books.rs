//! Xero behind the port: one client per org, sessions paid for by the org's budget, errors by what can be done.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use parstock_app::ports::{
    Allowance, Books, BooksError, BooksSession, Clock, DocumentPage, Entropy, Feed, Priority, Store,
    Unreadable,
};
use parstock_app::records::{Key, OrgEntry, Owner, Record};
use parstock_domain::document::{Contact, Document, Item, OrderDraft, Organisation, XeroQuantity};
use parstock_domain::governance::Approval;
use parstock_domain::ids::{DocumentId, EffectId, ItemId, OrgId};
use parstock_xero::model::{self as wire, HistoryNote, HistoryOf, Page};
use parstock_xero::{
    Client, ContactsQuery, Error, IdempotencyKey, ItemsQuery, MemoryBudget, PAGE_SIZE, Session, WriteOutcome,
    XeroConfig,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use crate::budget::{self, StoreBudget};
use crate::config::XeroAddresses;
use crate::tokens::StoreTokens;
use crate::translate::{self, Puzzle};
use crate::vault::{Freshness, Vault, VaultError, names};

/// The port's clock as the client asks it.
#[derive(Debug)]
pub struct XeroClock<K>(Arc<K>);

impl<K: Clock> parstock_xero::Clock for XeroClock<K> {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

type OrgClient<S, V, K, E> = Client<StoreTokens<S, V, E>, StoreBudget<S, E>, XeroClock<K>>;

/// The id and secret of a custom connection, as the vault keeps them.
#[derive(Clone, Deserialize)]
struct Credentials {
    client_id: String,
    #[serde(deserialize_with = "secret_text")]
    client_secret: SecretString,
}

fn secret_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

impl Credentials {
    fn same_as(&self, other: &Self) -> bool {
        self.client_id == other.client_id
            && self.client_secret.expose_secret() == other.client_secret.expose_secret()
    }
}

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
    http: reqwest::Client,
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
    ///
    /// # Errors
    /// When the HTTP client can't be built, as without the machine's certificates.
    pub fn new(
        store: Arc<S>,
        vault: Arc<V>,
        clock: Arc<K>,
        entropy: Arc<E>,
        addresses: XeroAddresses,
    ) -> Result<Self, BooksError> {
        let http =
            parstock_xero::http_client().map_err(|error| BooksError::NeedsPerson(error.to_string()))?;
        Ok(Self { store, vault, clock, entropy, addresses, http, reached: tokio::sync::Mutex::default() })
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
                "there is no secret `{name}`: store {wanted} of the custom connection there"
            ))
        })?;
        // The parser's error could repeat a piece of the secret.
        serde_json::from_str(secret.expose_secret()).map_err(|_| {
            BooksError::NeedsPerson(format!("the secret `{name}` does not have the form {wanted}"))
        })
    }

    fn xero_config(&self, credentials: &Credentials) -> Result<XeroConfig, BooksError> {
        XeroConfig::new(credentials.client_id.clone(), credentials.client_secret.clone())
            .and_then(|config| config.with_api_url(&self.addresses.api_url))
            .and_then(|config| config.with_identity_url(&self.addresses.identity_url))
            .map(|config| config.with_scopes(&self.addresses.scopes))
            .map_err(|error| BooksError::NeedsPerson(error.to_string()))
    }

    fn tokens(&self, connection: String) -> StoreTokens<S, V, E> {
        let (store, vault, entropy) =
            (Arc::clone(&self.store), Arc::clone(&self.vault), Arc::clone(&self.entropy));
        StoreTokens::new(store, vault, entropy, connection)
    }

    fn xero_clock(&self) -> XeroClock<K> {
        XeroClock(Arc::clone(&self.clock))
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
            self.http.clone(),
            self.tokens(connection.clone()),
            StoreBudget::new(Arc::clone(&self.store), Arc::clone(&self.entropy), org),
            self.xero_clock(),
        );
        let new = Reached { client, connection, credentials, translate: translate::Books { base_currency } };
        reached.insert(org, new.clone());
        Ok(new)
    }
}

impl<S: Store, V: Vault, K: Clock, E: Entropy> Books for XeroBooks<S, V, K, E> {
    type Session = XeroSession<S, V, K, E>;

    async fn identify(&self, connection: &str) -> Result<Organisation, BooksError> {
        let config = self.xero_config(&self.credentials(connection).await?)?;
        // Whose budget this one call belongs to is what it asks.
        let (tokens, budget) = (self.tokens(connection.to_owned()), MemoryBudget::default());
        let client = Client::new(config, self.http.clone(), tokens, budget, self.xero_clock());
        let mut session = client.session(parstock_xero::Priority::Person, 1).await.map_err(failure)?;
        let organisation = session.organisation().await.map_err(failure)?;
        session.finish().await.map_err(failure)?;
        translate::organisation(organisation).map_err(|puzzle| BooksError::Reject(puzzle.to_string()))
    }

    async fn open(&self, org: OrgId, priority: Priority, calls: u32) -> Result<Self::Session, BooksError> {
        let reached = self.reach(org).await?;
        let priority = match priority {
            Priority::Backfill => parstock_xero::Priority::Backfill,
            Priority::Poll => parstock_xero::Priority::Poll,
            Priority::Person => parstock_xero::Priority::Person,
            Priority::Webhook => parstock_xero::Priority::Webhook,
        };
        let session = reached.client.session(priority, calls).await.map_err(failure)?;
        Ok(XeroSession { session, translate: reached.translate })
    }

    async fn allowance(&self, org: OrgId) -> Result<Allowance, BooksError> {
        let kept =
            budget::kept(&*self.store, org).await.map_err(|error| BooksError::Retry(error.to_string()))?;
        let Some(state) = kept else { return Ok(Allowance::default()) };
        let now = self.clock.now();
        let same_day = state.day_resets_at().is_some_and(|resets_at| resets_at > now);
        Ok(Allowance {
            left_today: same_day.then(|| state.day_left()),
            parked_until: state.parked().map(|(until, _)| until).filter(|until| *until > now),
        })
    }
}

/// A run of calls.
pub struct XeroSession<S, V, K, E> {
    session: Session<StoreTokens<S, V, E>, StoreBudget<S, E>, XeroClock<K>>,
    translate: translate::Books,
}

impl<S, V, K, E> std::fmt::Debug for XeroSession<S, V, K, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XeroSession").finish_non_exhaustive()
    }
}

/// What a page of any kind of document needs to tell of each.
trait Listed {
    fn id(&self) -> Uuid;
    fn updated_at(&self) -> Option<Timestamp>;
}

macro_rules! listed {
    ($($document:ty: $id:ident,)+) => {$(
        impl Listed for $document {
            fn id(&self) -> Uuid {
                self.$id
            }
            fn updated_at(&self) -> Option<Timestamp> {
                self.updated_at
            }
        }
    )+};
}

listed! {
    wire::Invoice: invoice_id,
    wire::CreditNote: credit_note_id,
    wire::PurchaseOrder: purchase_order_id,
    wire::BankTransaction: bank_transaction_id,
}

fn page<T: Listed>(from: Page<T>, translate: impl Fn(T) -> Result<Option<Document>, Puzzle>) -> DocumentPage {
    // Xero may give smaller pages than it was asked for.
    let size = from.pagination.map_or(PAGE_SIZE, |pagination| pagination.page_size.clamp(1, PAGE_SIZE));
    let full = u32::try_from(from.resources.len() + from.unreadable.len()).is_ok_and(|count| count >= size);
    let unread_at = from.unreadable.iter().filter_map(|element| element.updated_at).max();
    let latest = from.resources.iter().filter_map(Listed::updated_at).max().max(unread_at);
    let mut documents = Vec::with_capacity(from.resources.len());
    let unread = from.unreadable.into_iter();
    let mut unreadable: Vec<Unreadable> = unread
        .map(|element| Unreadable {
            id: element.id.unwrap_or_else(|| "without an id".to_owned()),
            why: element.why,
        })
        .collect();
    for resource in from.resources {
        let id = resource.id();
        match translate(resource) {
            Ok(document) => documents.extend(document),
            Err(puzzle) => unreadable.push(Unreadable { id: id.to_string(), why: puzzle.to_string() }),
        }
    }
    DocumentPage { documents, unreadable, full, latest }
}

impl<S: Store, V: Vault, K: Clock, E: Entropy> BooksSession for XeroSession<S, V, K, E> {
    async fn organisation(&mut self) -> Result<Organisation, BooksError> {
        let organisation = self.session.organisation().await.map_err(failure)?;
        translate::organisation(organisation).map_err(|puzzle| BooksError::Reject(puzzle.to_string()))
    }

    async fn invoices(&mut self, ids: &[DocumentId]) -> Result<DocumentPage, BooksError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let invoices = self.session.invoices_by_id(&ids).await.map_err(failure)?;
        let all = Page { resources: invoices, unreadable: Vec::new(), pagination: None, answered_at: None };
        Ok(DocumentPage { full: false, ..page(all, |invoice| self.translate.invoice(invoice).map(Some)) })
    }

    async fn changed(
        &mut self,
        feed: Feed,
        since: Timestamp,
        number: u32,
    ) -> Result<DocumentPage, BooksError> {
        let (session, translate, since) = (&mut self.session, &self.translate, Some(since));
        Ok(match feed {
            Feed::PurchaseOrders => {
                let found = session.purchase_orders_modified(since, number).await.map_err(failure)?;
                page(found, |order| translate.purchase_order(order).map(Some))
            }
            Feed::Invoices => {
                let found = session.invoices_modified(since, number).await.map_err(failure)?;
                page(found, |invoice| translate.invoice(invoice).map(Some))
            }
            Feed::CreditNotes => {
                let found = session.credit_notes_modified(since, number).await.map_err(failure)?;
                page(found, |note| translate.credit_note(note).map(Some))
            }
            Feed::BankTransactions => {
                let found = session.bank_transactions_modified(since, number).await.map_err(failure)?;
                page(found, |money| translate.bank_transaction(money))
            }
        })
    }

    async fn items(&mut self, since: Option<Timestamp>) -> Result<Vec<Item>, BooksError> {
        let query = ItemsQuery { modified_since: since, only_tracked: false };
        let mut items = Vec::new();
        let each = |item: wire::Item| {
            let id = item.item_id;
            match translate::stock_item(item) {
                Ok(item) => items.push(item),
                Err(error) => tracing::warn!(item.id = %id, %error, "an item's figures can't be read"),
            }
        };
        self.session.items(query, each).await.map_err(failure)?;
        Ok(items)
    }

    async fn tracked_quantities(&mut self) -> Result<Vec<(ItemId, XeroQuantity)>, BooksError> {
        let query = ItemsQuery { modified_since: None, only_tracked: true };
        let mut quantities = Vec::new();
        let each = |item: wire::Item| match translate::xero_quantity(&item) {
            Ok(quantity) => quantities.extend(quantity.map(|quantity| (ItemId(item.item_id), quantity))),
            Err(error) => tracing::warn!(item.id = %item.item_id, %error, "an item's figures can't be read"),
        };
        self.session.items(query, each).await.map_err(failure)?;
        Ok(quantities)
    }

    async fn contacts(&mut self, since: Option<Timestamp>, page: u32) -> Result<Vec<Contact>, BooksError> {
        let query = ContactsQuery { modified_since: since, page, include_archived: true };
        let contacts = self.session.contacts(query).await.map_err(failure)?;
        Ok(contacts.resources.into_iter().map(translate::contact).collect())
    }

    async fn order_by_number(&mut self, number: &str) -> Result<Option<Document>, BooksError> {
        let order = self.session.purchase_order_by_number(number).await.map_err(failure)?;
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
        if !draft.number.ends_with(&approval.proposal.order_number("")) {
            let why =
                format!("the approval of proposal {} is not for order {}", approval.proposal, draft.number);
            return Err(BooksError::Reject(why));
        }
        let key = key(effect.to_string())?;
        let written = self.session.create_purchase_orders(&[translate::new_order(draft)], &key).await;
        let outcome = written.map_err(failure)?.into_iter().next();
        let outcome =
            outcome.ok_or_else(|| BooksError::Unknown("Xero's answer names no order".to_owned()))?;
        if outcome.number_is_taken() {
            let why = format!("a purchase order with the number {} exists already: look it up", draft.number);
            return Err(BooksError::Unknown(why));
        }
        match outcome {
            WriteOutcome::Saved { resource, .. } => {
                self.translate.purchase_order(resource).map_err(|puzzle| {
                    BooksError::Unknown(format!(
                        "order {} was written, but {puzzle}: look it up",
                        draft.number
                    ))
                })
            }
            WriteOutcome::Refused { errors } => Err(BooksError::Reject(errors.join("; "))),
        }
    }

    async fn order_notes(&mut self, order: DocumentId) -> Result<Vec<String>, BooksError> {
        let history = self.session.history(HistoryOf::PurchaseOrder, order.0).await.map_err(failure)?;
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
        self.session.add_history(HistoryOf::PurchaseOrder, order.0, &note, &key).await.map_err(failure)
    }

    async fn close(self) {
        if let Err(error) = self.session.finish().await {
            tracing::warn!(%error, "a grant of calls could not be given back and will run out by itself");
        }
    }
}

fn key(text: String) -> Result<IdempotencyKey, BooksError> {
    IdempotencyKey::new(text).map_err(|error| BooksError::Reject(error.to_string()))
}

/// The client's error in the port's words.
fn failure(error: Error) -> BooksError {
    match error {
        Error::NotNow { until, why } => BooksError::NotNow { until, why: why.to_string() },
        Error::RetryAfter { why, .. } => BooksError::Retry(why),
        // Possibly a page of some proxy; if not, the message ends with its cause among the dead letters.
        Error::BadAnswer { .. } | Error::Store { .. } => BooksError::Retry(error.to_string()),
        Error::Reject { .. } if number_is_taken(&error) => {
            BooksError::Unknown("a document with this number exists already: look it up".to_owned())
        }
        Error::Reject { .. } | Error::Input(_) => BooksError::Reject(error.to_string()),
        Error::AskPerson(_) => BooksError::NeedsPerson(error.to_string()),
        Error::Unknown { why } => BooksError::Unknown(why),
    }
}

/// Whether Xero refused the whole request in the words by which it refuses a number that is in use.
fn number_is_taken(error: &Error) -> bool {
    error.to_string().to_lowercase().contains("order number must be unique")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::{RandomIds, WallClock};
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
        let pagination = wire::Pagination { page: 1, page_size: 3, page_count: 2, item_count: 4 };
        let from = Page {
            resources: vec![bill(1, "PAID", 1), bill(2, "PARKED", 5)],
            unreadable: vec![never_read],
            pagination: Some(pagination),
            answered_at: None,
        };
        let books = translate::Books::default();
        let page = page(from, |invoice| books.invoice(invoice).map(Some));
        assert_eq!(page.documents.len(), 1);
        let mut told: Vec<&str> = page.unreadable.iter().map(|unreadable| unreadable.id.as_str()).collect();
        told.sort_unstable();
        assert_eq!(told, [&Uuid::from_u128(2).to_string(), "without an id"]);
        assert!(page.full, "Xero gives pages of three here");
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
            (Error::AskPerson(parstock_xero::Problem::WrongCredentials), "person"),
            (reject("Account code is needed"), "reject"),
            (reject("Order number must be unique"), "unknown"),
        ];
        for (error, expected) in cases {
            let shown = error.to_string();
            let kind = match failure(error) {
                BooksError::Retry(_) => "retry",
                BooksError::NotNow { .. } => "not now",
                BooksError::Unknown(_) => "unknown",
                BooksError::NeedsPerson(_) => "person",
                BooksError::Reject(_) => "reject",
            };
            assert_eq!(kind, expected, "{shown}");
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
        };
        let (clock, entropy) = (Arc::new(WallClock), Arc::new(RandomIds));
        let store = Arc::new(RowStore::default());
        let books = XeroBooks::new(store, Arc::clone(&vault), clock, entropy, addresses).unwrap();
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
}

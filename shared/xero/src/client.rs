//! Calls to the accounting API.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Response, StatusCode, Url, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{
    auth::{ConnectionKind, HeldToken, HttpIdentity, TokenStore},
    date::modified_since,
    error::{Error, InputError, Problem, Wait, json_error},
    limits::{Answer, CallBudget, Grant, Priority, RateProblem, Refused, Remaining, Usage},
    model::{
        Account, BankTransaction, Contact, CreditNote, HistoryNote, HistoryOf, HistoryRecord, Invoice, Item,
        NewPurchaseOrder, Organisation, Page, PurchaseOrder, Resource, Unreadable, first, lenient, read_page,
    },
    stream::{ElementSplitter, SplitError},
};

/// Xero's accounting API.
pub const API_URL: &str = "https://api.xero.com/api.xro/2.0";
/// Xero's identity server.
pub const IDENTITY_URL: &str = "https://identity.xero.com";
/// The resources of a page: the most that Xero gives.
pub const PAGE_SIZE: u32 = 1_000;
/// The ids of one call. Their addresses are bounded by their length, and 52 have been seen to pass (XeroAPI/Xero-Java
/// issue 331).
pub const IDS_PER_CALL: usize = 40;
/// The longest answer that is held in memory, in bytes. Items are read while they arrive and may take
/// [`ITEMS_BYTES_MAX`].
pub const RESPONSE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// How long reaching Xero may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one call may take, its answer included.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The longest list of items that is read, in bytes: 100,000 items are about 100 MB.
pub const ITEMS_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Items of one list that may be unreadable. Beyond it Xero's form has changed, and no list of them would help.
pub const UNREADABLE_ITEMS_MAX: usize = 1_000;
/// The longest body of a refusal that is read, in bytes.
const ERROR_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest idempotency key, in characters.
const IDEMPOTENCY_KEY_MAX: usize = 128;
/// When a read that failed is worth another try, unless Xero says.
const READ_RETRY: SignedDuration = SignedDuration::from_secs(30);
/// The longest wait before another try that is believed from a `Retry-After`.
const READ_RETRY_MAX: SignedDuration = SignedDuration::from_hours(1);
/// No call starts with less than this left of its grant, so that none is under way after its place is given away.
const GRANT_MARGIN: SignedDuration = SignedDuration::from_secs(70);
/// Every status of an invoice: a list that names none may leave out what was voided or deleted.
const INVOICE_STATUSES: &str = "DRAFT,SUBMITTED,AUTHORISED,PAID,VOIDED,DELETED";
/// Oldest change first, so that a walk through the pages can go on where it stopped.
const BY_CHANGE: (&str, &str) = ("order", "UpdatedDateUTC ASC");
/// Unit prices to four decimals; without it Xero cuts them to two.
const FOUR_DECIMALS: (&str, &str) = ("unitdp", "4");

/// Where time comes from. Every decision about tokens and limits is taken by it.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        C::now(self)
    }
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock that is the machine's")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Which app calls which Xero.
#[derive(Debug, Clone)]
pub struct XeroConfig {
    api_url: Url,
    identity_url: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) scopes: Vec<String>,
    kind: ConnectionKind,
    tenant: Option<Uuid>,
}

impl XeroConfig {
    /// A custom connection to Xero itself, asking for no scopes by name.
    ///
    /// # Errors
    /// [`InputError`] if the id or the secret is empty.
    pub fn new(client_id: impl Into<String>, client_secret: SecretString) -> Result<Self, InputError> {
        let client_id = client_id.into().trim().to_owned();
        if client_id.is_empty() {
            return Err(InputError::Empty { what: "client id" });
        }
        if client_secret.expose_secret().is_empty() {
            return Err(InputError::Empty { what: "client secret" });
        }
        Ok(Self {
            api_url: base_url(API_URL, "API address")?,
            identity_url: base_url(IDENTITY_URL, "identity address")?,
            client_id,
            client_secret,
            scopes: Vec::new(),
            kind: ConnectionKind::Custom,
            tenant: None,
        })
    }

    /// Another accounting API: its whole base, `/api.xro/2.0` included where it has one.
    ///
    /// # Errors
    /// [`InputError`] unless it is https, or http to this machine itself.
    pub fn with_api_url(mut self, url: &str) -> Result<Self, InputError> {
        self.api_url = base_url(url, "API address")?;
        Ok(self)
    }

    /// Another identity server: its base, without `/connect/token`.
    ///
    /// # Errors
    /// [`InputError`] unless it is https, or http to this machine itself.
    pub fn with_identity_url(mut self, url: &str) -> Result<Self, InputError> {
        self.identity_url = base_url(url, "identity address")?;
        Ok(self)
    }

    /// The scopes to ask for, such as `accounting.invoices`.
    #[must_use]
    pub fn with_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The tenant to send as `xero-tenant-id`. A custom connection needs none, since its token is for one
    /// organisation.
    #[must_use]
    pub fn with_tenant(mut self, tenant: Uuid) -> Self {
        self.tenant = Some(tenant);
        self
    }

    /// An app to which a person has consented, and the organisation to name in each call. Its tokens are renewed with
    /// the refresh token that the [`TokenStore`] holds.
    #[must_use]
    pub fn with_consent(mut self, tenant: Uuid) -> Self {
        self.kind = ConnectionKind::Consent;
        self.tenant = Some(tenant);
        self
    }

    pub(crate) fn token_url(&self) -> Url {
        below(&self.identity_url, &["connect", "token"])
    }

    pub(crate) fn revocation_url(&self) -> Url {
        below(&self.identity_url, &["connect", "revocation"])
    }
}

/// An absolute address that secrets may be sent to.
pub(crate) fn base_url(text: &str, what: &'static str) -> Result<Url, InputError> {
    let url = Url::parse(text.trim()).map_err(|_| InputError::Url { what })?;
    let plain = url.scheme() == "http";
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !(plain || url.scheme() == "https") || !bare {
        return Err(InputError::Url { what });
    }
    if url.host_str().is_none() {
        return Err(InputError::Url { what });
    }
    if plain && !is_loopback(&url) {
        return Err(InputError::PlainHttp { what });
    }
    Ok(url)
}

/// Whether an address is this machine itself.
fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        host == "localhost"
            || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

/// The address of `segments` below `base`, each escaped.
pub(crate) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    // Only addresses without a path, such as `mailto:`, refuse this; `base_url` has refused those.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

/// An HTTP client as this crate wants it: rustls, no redirects (they could carry a token elsewhere), no retries (a
/// write is never sent twice unasked), [`CONNECT_TIMEOUT`] and [`CALL_TIMEOUT`].
///
/// `addresses` are those it is for. If one of them is this machine itself, no proxy that the environment names is
/// asked: it would get the secrets, and could not reach this machine.
///
/// # Errors
/// [`InputError::Http`] if the machine's certificates can't be loaded.
pub fn http_client(addresses: &[&str]) -> Result<reqwest::Client, InputError> {
    let own = addresses.iter().any(|address| Url::parse(address.trim()).is_ok_and(|url| is_loopback(&url)));
    let builder = reqwest::Client::builder();
    let builder = if own { builder.no_proxy() } else { builder };
    builder
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| InputError::Http { why: error.to_string() })
}

/// The key under which Xero recognises a repeated write for about six minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// A key of 1 to 128 visible ASCII characters. The same key with another content is refused.
    ///
    /// # Errors
    /// [`InputError`] otherwise.
    pub fn new(text: impl Into<String>) -> Result<Self, InputError> {
        let text = text.into();
        let what = "idempotency key";
        if text.is_empty() {
            return Err(InputError::Empty { what });
        }
        if text.len() > IDEMPOTENCY_KEY_MAX {
            return Err(InputError::TooLong { what, length: text.len(), limit: IDEMPOTENCY_KEY_MAX });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InputError::Characters { what, why: "only visible ASCII characters are allowed" });
        }
        Ok(Self(text))
    }
}

/// A kind of call: its method and its resource, such as `GET` and `Invoices`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallKind {
    /// The HTTP method.
    pub method: &'static str,
    /// The resource; `token` for the identity server.
    pub resource: &'static str,
}

/// How many calls of each kind were made.
pub type CallCounts = BTreeMap<CallKind, u64>;

/// The HTTP client, and the count of what it sent.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
    pub(crate) counts: Counts,
}

#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<CallCounts>);

impl Counts {
    pub(crate) fn add(&self, method: &'static str, resource: &'static str) {
        // A count is whole whatever panics elsewhere.
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(CallKind { method, resource }).or_default() += 1;
    }
}

/// Which items to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ItemsQuery {
    /// Only items whose master data changed since. A change of stock alone is not such a change.
    pub modified_since: Option<Timestamp>,
    /// Only items whose quantity Xero keeps.
    pub only_tracked: bool,
}

/// What reading a list of items came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemsRead {
    /// How many were handed over.
    pub count: u64,
    /// Those that could not be read, at most [`UNREADABLE_ITEMS_MAX`]. They don't hold up the others.
    pub unreadable: Vec<Unreadable>,
    /// Xero's clock at the time of the answer, if it said so.
    pub answered_at: Option<Timestamp>,
}

/// Which contacts to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactsQuery {
    /// Only contacts that changed since.
    pub modified_since: Option<Timestamp>,
    /// Which page, from 1.
    pub page: u32,
    /// Archived ones too.
    pub include_archived: bool,
}

/// What became of one element of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome<T> {
    /// Xero saved it.
    Saved {
        /// As Xero has it now.
        resource: T,
        /// What Xero remarks, in its words.
        warnings: Vec<String>,
    },
    /// Xero refused it and saved nothing of it.
    Refused {
        /// Why, in Xero's words, for the person who asked.
        errors: Vec<String>,
    },
}

impl<T> WriteOutcome<T> {
    /// Whether Xero refused it because its number exists already (`Order number must be unique`). After an unknown
    /// outcome that means the first try succeeded.
    #[must_use]
    pub fn number_is_taken(&self) -> bool {
        match self {
            Self::Saved { .. } => false,
            Self::Refused { errors } => {
                errors.iter().any(|error| error.to_lowercase().contains("must be unique"))
            }
        }
    }
}

/// A client of one organisation.
///
/// It is generic over where tokens are kept, where limits are kept and where time comes from, so that any number of
/// processes share one token and one budget, and so that it runs under simulated time.
///
/// A clone is the same client: it shares connections, token and counts.
#[derive(Debug)]
pub struct Client<T, B, C>(Arc<Parts<T, B, C>>);

impl<T, B, C> Clone for Client<T, B, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What the client and its sessions share.
#[derive(Debug)]
struct Parts<T, B, C> {
    config: XeroConfig,
    http: Http,
    tokens: T,
    budget: B,
    clock: C,
    held: HeldToken,
}

impl<T: TokenStore, B: CallBudget, C: Clock> Client<T, B, C> {
    /// A client that sends through `http`, usually [`http_client`].
    pub fn new(config: XeroConfig, http: reqwest::Client, tokens: T, budget: B, clock: C) -> Self {
        let http = Http { client: http, counts: Counts::default() };
        Self(Arc::new(Parts { config, http, tokens, budget, clock, held: HeldToken::default() }))
    }

    /// Asks for `calls` calls, to be made one after another.
    ///
    /// At most [`GRANT_CALLS_MAX`](crate::GRANT_CALLS_MAX) are reserved at a time; for the rest, and for calls beyond
    /// those asked for, the session asks again by itself.
    ///
    /// # Errors
    /// [`Error::NotNow`] if a limit stands in the way, [`Error::Store`].
    pub async fn session(&self, priority: Priority, calls: u32) -> Result<Session<T, B, C>, Error> {
        let held = Held { grant: self.0.grant(priority, calls).await?, usage: Usage::default() };
        let client = Arc::clone(&self.0);
        Ok(Session { client, priority, to_come: calls, held: Some(held), remaining: None })
    }

    /// How many calls of each kind this client has made, refused and failed ones included.
    #[must_use]
    pub fn call_counts(&self) -> CallCounts {
        self.0.http.counts.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<T: TokenStore, B: CallBudget, C: Clock> Parts<T, B, C> {
    async fn grant(&self, priority: Priority, calls: u32) -> Result<Grant, Error> {
        let answer = self.budget.grant(priority, calls, self.clock.now()).await;
        match answer.map_err(|source| Error::Store { doing: "asking for calls", source })? {
            Answer::Granted(grant) => Ok(grant),
            Answer::NotBefore { until, why } => Err(Error::NotNow { until, why }),
        }
    }
}

/// A grant and what was used of it.
#[derive(Debug)]
struct Held {
    grant: Grant,
    usage: Usage,
}

/// Some calls, made one after another.
///
/// End it with [`finish`](Self::finish), so that others can have its place and learn what it learnt. A call that
/// fails ends its grant by itself, so `?` inside a session costs nothing; a session that is dropped unfinished keeps
/// its place until its grant runs out.
#[derive(Debug)]
#[must_use = "a session holds one of five places until it is finished"]
pub struct Session<T, B, C> {
    client: Arc<Parts<T, B, C>>,
    priority: Priority,
    /// How many of the calls asked for were not made yet.
    to_come: u32,
    held: Option<Held>,
    remaining: Option<Remaining>,
}

/// A request, before its token.
struct Call<'a> {
    method: Method,
    /// Under which name it is counted and spoken of.
    counted_as: &'static str,
    path: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    modified_since: Option<Timestamp>,
    /// The key and the body of a write.
    write: Option<(&'a IdempotencyKey, Vec<u8>)>,
}

impl<T: TokenStore, B: CallBudget, C: Clock> Session<T, B, C> {
    /// Gives the grant back.
    ///
    /// # Errors
    /// [`Error::Store`]; the grant then runs out by itself.
    pub async fn finish(mut self) -> Result<(), Error> {
        self.settle().await
    }

    /// What the headers of this session's last answer said was left; `None` before the first.
    #[must_use]
    pub fn remaining(&self) -> Option<Remaining> {
        self.remaining
    }

    /// The organisation of the connection. One call.
    ///
    /// # Errors
    /// See [`Error`]; so for every method below. A read never answers [`Error::Unknown`].
    pub async fn organisation(&mut self) -> Result<Organisation, Error> {
        let asked = self.list::<Organisation>(&["Organisation"], &[], None).await;
        let page = asked.map_err(|error| match error {
            Error::Reject { status: status @ (404 | 405), .. } => {
                let origin = self.client.config.api_url.origin().ascii_serialization();
                Error::AskPerson(Problem::NoAccountingApi { origin, status })
            }
            error => error,
        })?;
        first(page)
            .ok_or(Error::BadAnswer { resource: Organisation::NAME, why: "the list is empty".to_owned() })
    }

    /// Every account of the chart of accounts. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn accounts(&mut self) -> Result<Vec<Account>, Error> {
        Ok(self.list::<Account>(&[Account::NAME], &[], None).await?.resources)
    }

    /// A page of contacts, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn contacts(&mut self, query: ContactsQuery) -> Result<Page<Contact>, Error> {
        let archived = if query.include_archived { "true" } else { "false" };
        self.page(query.modified_since, query.page, &[BY_CHANGE, ("includeArchived", archived)]).await
    }

    /// Every item that `query` asks for, handed over one by one while the answer arrives. One call, since Xero does
    /// not page items. Items that can't be read are told of at the end and don't hold up the others.
    ///
    /// # Errors
    /// See [`Error`]. Items may have been handed over before an error.
    pub async fn items(
        &mut self,
        query: ItemsQuery,
        mut each: impl FnMut(Item) + Send,
    ) -> Result<ItemsRead, Error> {
        let mut parameters = vec![FOUR_DECIMALS];
        if query.only_tracked {
            parameters.push(("where", "IsTrackedAsInventory==true"));
        }
        let call = Call::get(Item::NAME, &[Item::NAME], &parameters, query.modified_since);
        let mut response = self.send(call).await?;
        let mut done = ItemsRead::default();
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(done);
        }
        let mut splitter = ElementSplitter::new(Item::NAME);
        let mut bytes = 0_usize;
        let bad = |SplitError(why)| Error::BadAnswer { resource: Item::NAME, why };
        let read = async {
            while let Some(chunk) = response.chunk().await.map_err(|error| self.client.read_failed(&error))? {
                bytes = bytes.saturating_add(chunk.len());
                if bytes > ITEMS_BYTES_MAX {
                    return Err(bad(SplitError(format!("it is longer than {ITEMS_BYTES_MAX} bytes"))));
                }
                let pushed = splitter.push(&chunk, |element| {
                    match serde_json::from_slice(element) {
                        Ok(item) => {
                            each(item);
                            done.count += 1;
                        }
                        Err(error) if done.unreadable.len() >= UNREADABLE_ITEMS_MAX => {
                            return Err(SplitError(json_error(&error)));
                        }
                        Err(error) => done.unreadable.push(Unreadable::new::<Item>(element, &error)),
                    }
                    Ok(())
                });
                pushed.map_err(bad)?;
            }
            done.answered_at = splitter.finish().map_err(bad)?;
            Ok(done)
        };
        let outcome = read.await;
        self.done(outcome).await
    }

    /// The invoices and bills with these ids, their lines included, in any order, and those of them that can't be
    /// read. Ids that don't exist are left out. One call for each [`IDS_PER_CALL`] ids, none for none.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn invoices_by_id(&mut self, ids: &[Uuid]) -> Result<Page<Invoice>, Error> {
        let mut all = Page::empty();
        for some in ids.chunks(IDS_PER_CALL) {
            let ids = some.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",");
            let page: Page<Invoice> =
                self.page(None, 1, &[("IDs", &ids), ("Statuses", INVOICE_STATUSES), FOUR_DECIMALS]).await?;
            all.resources.extend(page.resources);
            all.unreadable.extend(page.unreadable);
            all.answered_at = page.answered_at.or(all.answered_at);
        }
        Ok(all)
    }

    /// A page of the invoices and bills that changed since, voided and deleted ones included, oldest change first.
    /// `page` counts from 1. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn invoices_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<Invoice>, Error> {
        self.page(since, page, &[("Statuses", INVOICE_STATUSES), BY_CHANGE, FOUR_DECIMALS]).await
    }

    /// A page of the credit notes that changed since, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn credit_notes_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<CreditNote>, Error> {
        self.page(since, page, &[BY_CHANGE, FOUR_DECIMALS]).await
    }

    /// A page of the bank transactions that changed since, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn bank_transactions_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<BankTransaction>, Error> {
        self.page(since, page, &[BY_CHANGE, FOUR_DECIMALS]).await
    }

    /// A page of the purchase orders that changed since, oldest change first. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn purchase_orders_modified(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> Result<Page<PurchaseOrder>, Error> {
        self.page(since, page, &[BY_CHANGE]).await
    }

    /// The purchase order with this number, if there is one. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn purchase_order_by_number(&mut self, number: &str) -> Result<Option<PurchaseOrder>, Error> {
        // Within an address these would mean the list itself, or what is above it.
        if number.is_empty() || number == "." || number == ".." {
            let why = "it can't be part of an address";
            return Err(InputError::Characters { what: "purchase order number", why }.into());
        }
        match self.list::<PurchaseOrder>(&[PurchaseOrder::NAME, number], &[], None).await {
            Ok(page) => Ok(first(page)),
            Err(Error::Reject { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes purchase orders, each saved or refused by itself; the outcomes are in the order of `orders`. One call,
    /// none for none. Xero advises at most about 50 at once.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Unknown`] look for each number before sending it again.
    pub async fn create_purchase_orders(
        &mut self,
        orders: &[NewPurchaseOrder],
        key: &IdempotencyKey,
    ) -> Result<Vec<WriteOutcome<PurchaseOrder>>, Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Body<'a> {
            purchase_orders: &'a [NewPurchaseOrder],
        }
        if orders.is_empty() {
            return Ok(Vec::new());
        }
        let body = json(&Body { purchase_orders: orders }, PurchaseOrder::NAME)?;
        let call = Call {
            method: Method::PUT,
            counted_as: PurchaseOrder::NAME,
            path: &[PurchaseOrder::NAME],
            query: &[("summarizeErrors", "false")],
            modified_since: None,
            write: Some((key, body)),
        };
        let body = self.written(call).await?;
        let outcome = read_outcomes(&body, PurchaseOrder::NAME, orders.len());
        self.done(outcome).await
    }

    /// Adds a note to the history of a resource. One call. Sent twice, it stands there twice.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Unknown`] look into [`history`](Self::history) before sending it again.
    pub async fn add_history(
        &mut self,
        of: HistoryOf,
        id: Uuid,
        note: &HistoryNote,
        key: &IdempotencyKey,
    ) -> Result<(), Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Body<'a> {
            history_records: [&'a HistoryNote; 1],
        }
        let body = json(&Body { history_records: [note] }, HistoryRecord::NAME)?;
        let call = Call {
            method: Method::PUT,
            counted_as: of.counted_as(),
            path: &[of.path(), &id.to_string(), "History"],
            query: &[],
            modified_since: None,
            write: Some((key, body)),
        };
        self.written(call).await.map(drop)
    }

    /// The history of a resource. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn history(&mut self, of: HistoryOf, id: Uuid) -> Result<Vec<HistoryRecord>, Error> {
        let id = id.to_string();
        let path = [of.path(), &id, "History"];
        let call = Call::get(of.counted_as(), &path, &[], None);
        Ok(self.read::<HistoryRecord>(call).await?.resources)
    }

    async fn page<R: Resource + DeserializeOwned>(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
        query: &[(&str, &str)],
    ) -> Result<Page<R>, Error> {
        let (page, size) = (page.max(1).to_string(), PAGE_SIZE.to_string());
        let mut query = query.to_vec();
        query.extend([("page", page.as_str()), ("pageSize", size.as_str())]);
        let body = self.body::<R>(Call::get(R::NAME, &[R::NAME], &query, since)).await;
        let outcome = body.and_then(|body| {
            let Some(body) = body else { return Ok(Page::empty()) };
            let raw = read_page::<&RawValue>(&body, R::NAME).map_err(|error| bad_answer::<R>(&error))?;
            Ok(raw.read_each())
        });
        self.done(outcome).await
    }

    async fn list<R: Resource + DeserializeOwned>(
        &mut self,
        path: &[&str],
        query: &[(&str, &str)],
        since: Option<Timestamp>,
    ) -> Result<Page<R>, Error> {
        self.read(Call::get(R::NAME, path, query, since)).await
    }

    /// Reads an answer in which every element counts.
    async fn read<R: Resource + DeserializeOwned>(&mut self, call: Call<'_>) -> Result<Page<R>, Error> {
        let body = self.body::<R>(call).await;
        let outcome = body.and_then(|body| match body {
            Some(body) => read_page(&body, R::NAME).map_err(|error| bad_answer::<R>(&error)),
            None => Ok(Page::empty()),
        });
        self.done(outcome).await
    }

    /// The answer's body; none if it says that nothing has changed.
    async fn body<R: Resource>(&mut self, call: Call<'_>) -> Result<Option<Vec<u8>>, Error> {
        let mut response = self.send(call).await?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        match read_body(&mut response, RESPONSE_BYTES_MAX).await {
            Ok(body) => Ok(Some(body)),
            Err(BodyError::Lost(why)) => Err(self.client.retry(why)),
            Err(error @ BodyError::TooLong(_)) => {
                Err(Error::BadAnswer { resource: R::NAME, why: error.to_string() })
            }
        }
    }

    /// Sends a write and reads its answer; an answer that gets lost leaves the outcome unknown.
    async fn written(&mut self, call: Call<'_>) -> Result<Vec<u8>, Error> {
        let mut response = self.send(call).await?;
        let body = read_body(&mut response, RESPONSE_BYTES_MAX).await;
        self.done(body.map_err(|error| Error::Unknown { why: error.to_string() })).await
    }

    /// Ends the grant if something failed, so that leaving by `?` leaves nothing behind.
    async fn done<R>(&mut self, outcome: Result<R, Error>) -> Result<R, Error> {
        if outcome.is_err()
            && let Err(error) = self.settle().await
        {
            tracing::warn!(%error, "a grant could not be given back and will run out by itself");
        }
        outcome
    }

    async fn settle(&mut self) -> Result<(), Error> {
        let Some(Held { grant, usage }) = self.held.take() else { return Ok(()) };
        let settled = self.client.budget.settle(&grant, &usage, self.client.clock.now()).await;
        settled.map_err(|source| Error::Store { doing: "giving calls back", source })
    }

    /// Makes sure of one more call, with a new grant if the present one is used up or about to run out.
    async fn reserve(&mut self) -> Result<(), Error> {
        let start_by = self.client.clock.now().saturating_add(GRANT_MARGIN).unwrap_or(Timestamp::MAX);
        let enough = self
            .held
            .as_ref()
            .is_some_and(|held| held.usage.calls < held.grant.calls && start_by <= held.grant.expires_at);
        if !enough {
            self.settle().await?;
            let grant = self.client.grant(self.priority, self.to_come.max(1)).await?;
            self.held = Some(Held { grant, usage: Usage::default() });
        }
        Ok(())
    }

    /// Sends a call and returns the answer to it if it succeeded. A token that Xero refuses is renewed once.
    async fn send(&mut self, call: Call<'_>) -> Result<Response, Error> {
        let outcome = self.attempt(&call).await;
        self.done(outcome).await
    }

    async fn attempt(&mut self, call: &Call<'_>) -> Result<Response, Error> {
        let mut refused_version = 0;
        loop {
            let client = Arc::clone(&self.client);
            let now = client.clock.now();
            let identity = HttpIdentity { http: &client.http, config: &client.config, now };
            let kind = client.config.kind;
            let token =
                client.held.get(&client.tokens, &identity, kind, &client.clock, refused_version).await?;
            self.reserve().await?;
            let request = call.request(&client, &token.access);
            client.http.counts.add(call.method_name(), call.counted_as);
            if let Some(held) = &mut self.held {
                held.usage.calls += 1;
            }
            self.to_come = self.to_come.saturating_sub(1);
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) => return Err(client.not_answered(call, &error)),
            };
            let status = response.status();
            tracing::debug!(
                method = call.method_name(),
                resource = call.counted_as,
                status = status.as_u16(),
                "called"
            );
            let refused = (status == StatusCode::TOO_MANY_REQUESTS).then(|| refusal(&response));
            self.learn(remaining(&response), refused);
            if status == StatusCode::UNAUTHORIZED && refused_version == 0 {
                refused_version = token.version;
                continue;
            }
            let unchanged = status == StatusCode::NOT_MODIFIED && call.modified_since.is_some();
            if status.is_success() || unchanged {
                return Ok(response);
            }
            return Err(client.refused(call, response, refused).await);
        }
    }

    fn learn(&mut self, remaining: Remaining, refused: Option<Refused>) {
        self.remaining = Some(remaining);
        if let Some(held) = &mut self.held {
            let before = held.usage.remaining;
            held.usage.remaining = Remaining {
                day: remaining.day.or(before.day),
                minute: remaining.minute.or(before.minute),
                app_minute: remaining.app_minute.or(before.app_minute),
            };
            held.usage.refused = refused;
        }
    }
}

impl<'a> Call<'a> {
    fn get(
        counted_as: &'static str,
        path: &'a [&'a str],
        query: &'a [(&'a str, &'a str)],
        modified_since: Option<Timestamp>,
    ) -> Self {
        Self { method: Method::GET, counted_as, path, query, modified_since, write: None }
    }

    fn method_name(&self) -> &'static str {
        if self.write.is_some() { "PUT" } else { "GET" }
    }

    fn request<T, B, C>(&self, client: &Parts<T, B, C>, token: &SecretString) -> reqwest::RequestBuilder {
        let url = below(&client.config.api_url, self.path);
        let mut request = client.http.client.request(self.method.clone(), url);
        if !self.query.is_empty() {
            request = request.query(self.query);
        }
        // Stated here too, since a grant's lifetime relies on it whatever client was passed in.
        request = request.timeout(CALL_TIMEOUT);
        request = request.bearer_auth(token.expose_secret()).header(header::ACCEPT, "application/json");
        if let Some(tenant) = client.config.tenant {
            request = request.header("xero-tenant-id", tenant.to_string());
        }
        if let Some(instant) = self.modified_since {
            request = request.header(header::IF_MODIFIED_SINCE, modified_since(instant));
        }
        if let Some((key, body)) = &self.write {
            request = request
                .header("Idempotency-Key", &key.0)
                .header(header::CONTENT_TYPE, "application/json")
                .body(body.clone());
        }
        request
    }
}

impl<T, B, C: Clock> Parts<T, B, C> {
    fn retry(&self, why: String) -> Error {
        Error::RetryAfter { at: self.clock.now().saturating_add(READ_RETRY).unwrap_or(Timestamp::MAX), why }
    }

    fn read_failed(&self, error: &reqwest::Error) -> Error {
        self.retry(transport_error(error))
    }

    /// No answer came.
    fn not_answered(&self, call: &Call<'_>, error: &reqwest::Error) -> Error {
        // Without a connection nothing was sent, so even a write has a known outcome.
        if call.write.is_some() && !error.is_connect() {
            Error::Unknown { why: transport_error(error) }
        } else {
            self.read_failed(error)
        }
    }

    /// An answer came that is not a success.
    async fn refused(&self, call: &Call<'_>, mut response: Response, refused: Option<Refused>) -> Error {
        let status = response.status();
        if let Some(refused) = refused {
            let until = self.clock.now().saturating_add(refused.pause()).unwrap_or(Timestamp::MAX);
            return Error::NotNow { until, why: Wait::Parked(refused.problem) };
        }
        let told = retry_after(&response).map(|wait| wait.min(READ_RETRY_MAX));
        let scope_named = names_scope(&response);
        // The words of a refusal help, but without them the status still tells what to do.
        let body = read_body(&mut response, ERROR_BYTES_MAX).await.unwrap_or_default();
        let answer: ErrorAnswer = serde_json::from_slice(&body).unwrap_or_default();
        let says = |word: &str| answer.detail.as_deref().is_some_and(|detail| detail.contains(word));
        let forbidden = || Problem::Forbidden { resource: call.counted_as, said: answer.said() };
        match status {
            // This is also how a call is refused for which the token has no scope.
            StatusCode::UNAUTHORIZED
                if scope_named || says("AuthorizationUnsuccessful") || says("insufficient_scope") =>
            {
                Error::AskPerson(forbidden())
            }
            StatusCode::UNAUTHORIZED => Error::AskPerson(Problem::TokenRefused),
            StatusCode::FORBIDDEN if says("AuthenticationUnsuccessful") => {
                Error::AskPerson(Problem::Disconnected)
            }
            StatusCode::FORBIDDEN => Error::AskPerson(forbidden()),
            _ if status.is_server_error() && call.write.is_some() => {
                Error::Unknown { why: format!("HTTP {}", status.as_u16()) }
            }
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => match told {
                Some(wait) => {
                    let until = self.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
                    Error::NotNow { until, why: Wait::Unavailable }
                }
                None => self.retry(format!("HTTP {}", status.as_u16())),
            },
            _ if status.is_client_error() => {
                let (message, validation) = answer.words();
                Error::Reject { status: status.as_u16(), message, validation }
            }
            _ => Error::BadAnswer {
                resource: call.counted_as,
                why: format!(
                    "HTTP {} is neither success nor refusal; is the address right?",
                    status.as_u16()
                ),
            },
        }
    }
}

/// The body of a refusal; which of the fields are there depends on which part of Xero refuses.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorAnswer {
    #[serde(default, alias = "message", deserialize_with = "lenient")]
    message: Option<String>,
    #[serde(default, alias = "title", deserialize_with = "lenient")]
    title: Option<String>,
    #[serde(default, alias = "detail", deserialize_with = "lenient")]
    detail: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    elements: Option<Vec<ElementErrors>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ElementErrors {
    validation_errors: Option<Vec<Remark>>,
}

/// A validation error or a warning.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Remark {
    message: Option<String>,
}

fn messages(remarks: Option<Vec<Remark>>) -> Vec<String> {
    remarks.unwrap_or_default().into_iter().filter_map(|remark| remark.message).collect()
}

/// The longest words of Xero's that are repeated when a call is forbidden, in characters.
const SAID_CHARS_MAX: usize = 120;
/// The longest single word in them: what is longer may be a token.
const SAID_WORD_CHARS_MAX: usize = 40;

impl ErrorAnswer {
    /// Title and detail, if they are short and plain.
    fn said(&self) -> Option<String> {
        let plain = |text: &&String| {
            !text.trim().is_empty()
                && text.chars().count() <= SAID_CHARS_MAX
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-.,:;'()".contains(&byte))
                && text.split_whitespace().all(|word| word.len() <= SAID_WORD_CHARS_MAX)
        };
        let words: Vec<&str> =
            [&self.title, &self.detail].into_iter().flatten().filter(plain).map(|text| text.trim()).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    fn words(self) -> (String, Vec<String>) {
        let message = self.message.or(self.detail).or(self.title);
        let elements = self.elements.unwrap_or_default();
        let validation =
            elements.into_iter().flat_map(|element| messages(element.validation_errors)).collect();
        (message.unwrap_or_else(|| "no reason was given".to_owned()), validation)
    }
}

/// Reads the answer to a write of `expected` elements under `summarizeErrors=false`, element by element. Whatever
/// can't be read may have been saved, so it leaves the outcome unknown.
fn read_outcomes<R: DeserializeOwned>(
    body: &[u8],
    name: &'static str,
    expected: usize,
) -> Result<Vec<WriteOutcome<R>>, Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Verdict {
        status_attribute_string: Option<String>,
        validation_errors: Option<Vec<Remark>>,
        warnings: Option<Vec<Remark>>,
    }
    let unread =
        |error: serde_json::Error| Error::Unknown { why: format!("its answer: {}", json_error(&error)) };
    let page = read_page::<&RawValue>(body, name).map_err(unread)?;
    if page.resources.len() != expected {
        let why = format!("its answer tells of {} elements instead of {expected}", page.resources.len());
        return Err(Error::Unknown { why });
    }
    let read = |element: &RawValue| {
        let verdict: Verdict = serde_json::from_str(element.get()).map_err(unread)?;
        let errors = messages(verdict.validation_errors);
        let warnings = messages(verdict.warnings);
        if verdict.status_attribute_string.as_deref() == Some("ERROR") && errors.is_empty() {
            // Xero's warnings are the only reason it may give then.
            let unexplained = || vec!["Xero gave no reason".to_owned()];
            let errors = if warnings.is_empty() { unexplained() } else { warnings };
            return Ok(WriteOutcome::Refused { errors });
        }
        if !errors.is_empty() {
            return Ok(WriteOutcome::Refused { errors });
        }
        let resource = serde_json::from_str(element.get()).map_err(unread)?;
        Ok(WriteOutcome::Saved { resource, warnings })
    };
    page.resources.into_iter().map(read).collect()
}

fn bad_answer<R: Resource>(error: &serde_json::Error) -> Error {
    Error::BadAnswer { resource: R::NAME, why: json_error(error) }
}

fn json(body: &impl Serialize, resource: &'static str) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(body)
        .map_err(|_| Error::Input(InputError::Characters { what: resource, why: "it is no JSON" }))
}

/// Why a body did not come whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The connection failed.
    #[error("{0}")]
    Lost(String),
    /// It is longer than this many bytes.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_body(response: &mut Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| BodyError::Lost(transport_error(&error)))?
    {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What may be said of a failed exchange: never its headers, and of its address only the server.
pub(crate) fn transport_error(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "time ran out".to_owned()
    } else if error.is_connect() {
        // the origin alone: the rest of an address can name what is asked for
        let server =
            error.url().map_or_else(|| "the server".to_owned(), |url| url.origin().ascii_serialization());
        format!("no connection to {server}: check the address and the way to it from here")
    } else if error.is_body() || error.is_decode() {
        "the answer broke off".to_owned()
    } else {
        "the connection failed".to_owned()
    }
}

fn number<N: std::str::FromStr>(response: &Response, name: &str) -> Option<N> {
    response.headers().get(name)?.to_str().ok()?.trim().parse().ok()
}

fn remaining(response: &Response) -> Remaining {
    Remaining {
        day: number(response, "X-DayLimit-Remaining"),
        minute: number(response, "X-MinLimit-Remaining"),
        app_minute: number(response, "X-AppMinLimit-Remaining"),
    }
}

/// Whether the answer's challenge says that the token lacks a scope (RFC 6750, 3.1).
fn names_scope(response: &Response) -> bool {
    let challenge = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    challenge.is_some_and(|challenge| challenge.contains("insufficient_scope"))
}

/// `Retry-After` in seconds.
pub(crate) fn retry_after(response: &Response) -> Option<SignedDuration> {
    let seconds: u32 = number(response, "Retry-After")?;
    Some(SignedDuration::from_secs(seconds.into()))
}

fn refusal(response: &Response) -> Refused {
    let problem = response.headers().get("X-Rate-Limit-Problem").and_then(|value| value.to_str().ok());
    Refused {
        problem: problem.map_or(RateProblem::Other, RateProblem::from_header),
        retry_after: retry_after(response),
    }
}

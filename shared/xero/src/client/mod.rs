//! Calls to the accounting API.

mod batch;
mod config;
mod explain;
mod finds;
mod reads;
mod refusal;
mod request;
mod writes;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    auth::{HeldToken, TokenStore},
    error::{Error, InputError},
    limits::{Answer, CallBudget, Grant, Priority, Remaining, Usage},
};

pub use batch::{BATCH_BYTES_MAX, BATCH_ELEMENTS_MAX, Batch, ELEMENT_BYTES_MAX, WriteOutcome};
pub use config::{XeroConfig, http_client};
pub(crate) use config::{base_url, below};
pub use explain::{Obstacle, RefusalReason, WriteRules};
pub use finds::{JournalMark, NUMBERS_LENGTH_MAX};
pub use reads::{ContactsQuery, ItemsQuery, ItemsRead};
pub(crate) use request::{read_body, retry_after, transport_error};

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

/// The key under which Xero recognises a repeated write for about six minutes. A write of several calls has `/2`, `/3` and
/// so on behind the keys of its further calls.
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

    /// The key of one call of several: the first has this very key.
    fn part(&self, place: usize) -> Result<Self, InputError> {
        if place == 0 { Ok(self.clone()) } else { Self::new(format!("{}/{}", self.0, place + 1)) }
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
        Ok(Session { client, priority, to_come: calls, held: Some(held), remaining: None, answered_at: None })
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
    answered_at: Option<Timestamp>,
}

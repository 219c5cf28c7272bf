//! Access tokens: one process fetches, all use what it fetched, and none is ever shown.
//!
//! There are two kinds of connection. A *custom connection* gets its token with the app's own credentials
//! (`client_credentials`); there is no refresh token, so renewing is fetching again. A *consent* was given by a person
//! in the browser (`authorization_code`); each renewal uses up the refresh token and gives the next one, which lives for
//! 60 days. For 30 minutes after its use a refresh token still works, so that a lost answer is no lost connection.
//! An access token lives for 30 minutes. Source: developer.xero.com, *Custom connections*, *OAuth 2.0 auth flow*, *Token
//! types*.

mod consent;
mod identity;
mod scope;

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::client::Clock;
use crate::error::{Error, Problem, StoreError, Wait};

pub use consent::{CONNECTIONS_URL, ConsentApp, LOGIN_URL, Tenant};
pub(crate) use identity::HttpIdentity;
pub use identity::{IdentityServer, IssueError, Issued, TOKEN_TIMEOUT, TokenRequest};
pub use scope::{OFFLINE_ACCESS, missing_scopes};

/// A token with less than this left is renewed before it is used: a call takes time, and clocks differ.
pub const TOKEN_SKEW: SignedDuration = SignedDuration::from_secs(60);
/// How long one process may take to fetch a token before another may try.
pub const TOKEN_LEASE: SignedDuration = SignedDuration::from_secs(45);
/// How long Xero takes a refresh token after it was used, in case the answer got lost.
pub const REFRESH_GRACE: SignedDuration = SignedDuration::from_mins(30);
/// How long Xero takes a refresh token that was not used.
pub const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(60 * 24);
/// How often a token is asked for at once when no answer comes. With the time each may take
/// ([`TOKEN_TIMEOUT`]) they fit into the lease, so that nobody else begins meanwhile.
const ASKS_MAX: u32 = 3;
/// When to ask again while another process fetches the token.
const TOKEN_BUSY_RETRY: SignedDuration = SignedDuration::from_secs(3);
/// When to ask again after the identity server failed.
const IDENTITY_RETRY: SignedDuration = SignedDuration::from_secs(30);

/// How an app came to its access.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConnectionKind {
    /// A custom connection: the app's own credentials, one organisation, no tenant to name.
    #[default]
    Custom,
    /// A person consented in the browser: refresh tokens, and a tenant to name in each call.
    Consent,
}

/// The tokens of a connection as a [`TokenStore`] keeps them, whichever its kind.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// The access token.
    pub access: SecretString,
    /// From here on Xero refuses it.
    pub expires_at: Timestamp,
    /// One more than that of the token before it; the first is 1.
    pub version: u64,
    /// When Xero gave it; `None` if that is not known.
    pub issued_at: Option<Timestamp>,
    /// What it allows, as Xero said; empty if Xero did not say.
    pub scopes: Vec<String>,
    /// How the next one is got; `None` for a custom connection.
    pub renewal: Option<Renewal>,
}

/// What the next token of a consent is got with.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// Good for one use.
    pub refresh: SecretString,
    /// The one before it, if `refresh` may never have come into force: tried when Xero refuses `refresh`.
    pub fallback: Option<SecretString>,
    /// Whether Xero has refused both: nobody asks again until a person has consented anew.
    pub ended: bool,
}

/// Where the tokens of one connection are kept, so that every process uses the same.
///
/// One process at a time fetches: the one whose [`try_lease`](Self::try_lease) succeeds. It publishes the new tokens
/// before using them.
pub trait TokenStore: Send + Sync {
    /// The present tokens, expired or not.
    ///
    /// # Errors
    /// Those of the store.
    fn load(&self) -> impl Future<Output = Result<Option<StoredToken>, StoreError>> + Send;

    /// Takes the right to fetch the successor of version `seen_version` (0 if there is none) until `until`.
    ///
    /// `false` if the stored version is another by now, or if someone holds a lease that lasts beyond `now`.
    ///
    /// # Errors
    /// Those of the store.
    fn try_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
        seen_version: u64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Stores `token` if the stored version is still the one before it, and ends the lease. `false` if not.
    ///
    /// Whoever comes too late must not harm what another has published: it was the one that got the lease after it.
    ///
    /// # Errors
    /// Those of the store.
    fn publish(&self, token: &StoredToken) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends the lease taken for the successor of `seen_version`, because fetching failed.
    ///
    /// # Errors
    /// Those of the store. The lease then ends by itself.
    fn release(&self, seen_version: u64) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that Xero gives no successor of `seen_version` ([`Renewal::ended`]), and ends the lease.
    ///
    /// # Errors
    /// Those of the store.
    fn end(&self, seen_version: u64) -> impl Future<Output = Result<(), StoreError>> + Send;
}

impl<T: TokenStore> TokenStore for Arc<T> {
    fn load(&self) -> impl Future<Output = Result<Option<StoredToken>, StoreError>> + Send {
        T::load(self)
    }

    fn try_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
        seen_version: u64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        T::try_lease(self, now, until, seen_version)
    }

    fn publish(&self, token: &StoredToken) -> impl Future<Output = Result<bool, StoreError>> + Send {
        T::publish(self, token)
    }

    fn release(&self, seen_version: u64) -> impl Future<Output = Result<(), StoreError>> + Send {
        T::release(self, seen_version)
    }

    fn end(&self, seen_version: u64) -> impl Future<Output = Result<(), StoreError>> + Send {
        T::end(self, seen_version)
    }
}

/// A [`TokenStore`] for a single process. A custom connection gets a new token at each start; the refresh token of a
/// consent would be lost with the process, so keep that elsewhere.
#[derive(Debug, Default)]
pub struct MemoryTokenStore {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    token: Option<StoredToken>,
    leased_until: Option<Timestamp>,
}

impl Kept {
    fn version(&self) -> u64 {
        self.token.as_ref().map_or(0, |token| token.version)
    }
}

impl MemoryTokenStore {
    /// A store that holds `token`.
    #[must_use]
    pub fn holding(token: StoredToken) -> Self {
        Self { kept: Mutex::new(Kept { token: Some(token), leased_until: None }) }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Each step leaves the pair whole, so a panic elsewhere does not spoil it.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for MemoryTokenStore {
    async fn load(&self) -> Result<Option<StoredToken>, StoreError> {
        Ok(self.lock().token.clone())
    }

    async fn try_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
        seen_version: u64,
    ) -> Result<bool, StoreError> {
        let mut kept = self.lock();
        let free = kept.version() == seen_version && kept.leased_until.is_none_or(|leased| leased <= now);
        if free {
            kept.leased_until = Some(until);
        }
        Ok(free)
    }

    async fn publish(&self, token: &StoredToken) -> Result<bool, StoreError> {
        let mut kept = self.lock();
        let next = kept.version() + 1 == token.version;
        if next {
            *kept = Kept { token: Some(token.clone()), leased_until: None };
        }
        Ok(next)
    }

    async fn release(&self, seen_version: u64) -> Result<(), StoreError> {
        let mut kept = self.lock();
        if kept.version() == seen_version {
            kept.leased_until = None;
        }
        Ok(())
    }

    async fn end(&self, seen_version: u64) -> Result<(), StoreError> {
        let mut kept = self.lock();
        if kept.version() == seen_version {
            kept.leased_until = None;
            if let Some(renewal) = kept.token.as_mut().and_then(|token| token.renewal.as_mut()) {
                renewal.ended = true;
            }
        }
        Ok(())
    }
}

/// The token in use by one process. Its lock is held while a token is fetched, so that one fetch serves all.
///
/// [`Client`](crate::Client) holds one; it stands here by itself for who needs nothing but tokens.
#[derive(Debug, Default)]
pub struct HeldToken(tokio::sync::Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    token: Option<StoredToken>,
    /// What Xero gave and the store did not take: used if Xero no longer takes what it was got with.
    unpublished: Option<StoredToken>,
}

impl HeldToken {
    /// A token that is good now and newer than the version that Xero has just refused (0: none was).
    ///
    /// # Errors
    /// [`Error::NotNow`] while another process fetches one, [`Error::RetryAfter`] if the identity server failed,
    /// [`Error::AskPerson`] if it refuses, [`Error::Store`].
    pub async fn get<T: TokenStore, I: IdentityServer, C: Clock>(
        &self,
        store: &T,
        identity: &I,
        kind: ConnectionKind,
        clock: &C,
        refused_version: u64,
    ) -> Result<StoredToken, Error> {
        let mut held = self.0.lock().await;
        let now = clock.now();
        let good = |token: &StoredToken| {
            now.duration_until(token.expires_at) > TOKEN_SKEW && token.version > refused_version
        };
        if let Some(token) = held.token.as_ref().filter(|token| good(token)) {
            return Ok(token.clone());
        }
        let stored = store.load().await.map_err(storing("loading the access token"))?;
        if let Some(token) = stored.as_ref().filter(|token| good(token)) {
            held.token = Some(token.clone());
            return Ok(token.clone());
        }
        let seen_version = stored.as_ref().map_or(0, |token| token.version);
        let renewal = stored.and_then(|token| token.renewal);
        match (kind, &renewal) {
            (ConnectionKind::Consent, None) => return Err(Error::AskPerson(Problem::NoConsent)),
            (ConnectionKind::Consent, Some(renewal)) if renewal.ended => {
                return Err(Error::AskPerson(Problem::ConsentEnded));
            }
            _ => {}
        }
        // Loading may have taken long, and a lease counts from when it is asked for.
        let asked_at = clock.now();
        let until = asked_at.saturating_add(TOKEN_LEASE).unwrap_or(Timestamp::MAX);
        let leased = store.try_lease(asked_at, until, seen_version).await;
        if leased.map_err(storing("taking the lease of the access token"))? {
            let lease = Lease { identity, clock, until, seen_version };
            let next = match kind {
                ConnectionKind::Custom => lease.fetch(None).await,
                ConnectionKind::Consent => lease.renew(renewal.as_ref(), &mut held.unpublished).await,
            };
            match next {
                Ok(token) => {
                    held.unpublished = Some(token.clone());
                    if store.publish(&token).await.map_err(storing("publishing the access token"))? {
                        *held = Held { token: Some(token.clone()), unpublished: None };
                        return Ok(token);
                    }
                }
                Err(error) => {
                    let told = if matches!(error, Error::AskPerson(Problem::ConsentEnded)) {
                        store.end(seen_version).await
                    } else {
                        store.release(seen_version).await
                    };
                    told.map_err(storing("releasing the lease of the access token"))?;
                    return Err(error);
                }
            }
        }
        // Someone else was faster: use theirs if it is there already.
        let stored = store.load().await.map_err(storing("loading the access token"))?;
        match stored.filter(good) {
            Some(token) => {
                held.token = Some(token.clone());
                Ok(token)
            }
            None => Err(Error::NotNow {
                until: now.saturating_add(TOKEN_BUSY_RETRY).unwrap_or(Timestamp::MAX),
                why: Wait::Token,
            }),
        }
    }
}

fn storing(doing: &'static str) -> impl FnOnce(StoreError) -> Error {
    move |source| Error::Store { doing, source }
}

/// The right to fetch the successor of a version.
struct Lease<'a, I, C> {
    identity: &'a I,
    clock: &'a C,
    until: Timestamp,
    seen_version: u64,
}

impl<I: IdentityServer, C: Clock> Lease<'_, I, C> {
    /// The successor of a consent's tokens, by whichever of its refresh tokens Xero takes.
    async fn renew(
        &self,
        renewal: Option<&Renewal>,
        unpublished: &mut Option<StoredToken>,
    ) -> Result<StoredToken, Error> {
        let refresh = renewal.map(|renewal| &renewal.refresh);
        for refresh in refresh.into_iter().chain(renewal.and_then(|renewal| renewal.fallback.as_ref())) {
            match self.fetch(Some(refresh)).await {
                Err(Error::AskPerson(Problem::ConsentEnded)) => {}
                outcome => return outcome,
            }
        }
        let next = unpublished.take().filter(|token| token.version == self.seen_version.saturating_add(1));
        next.ok_or(Error::AskPerson(Problem::ConsentEnded))
    }

    /// Asks for a token, again at once as long as no answer comes: repeating is harmless, since a custom connection may
    /// have any number of tokens, and a refresh token still works for a while after its use.
    ///
    /// Nothing is asked that might arrive after the lease: using the same refresh token once more then could end the one
    /// that the next holder was given.
    async fn fetch(&self, refresh: Option<&SecretString>) -> Result<StoredToken, Error> {
        let mut asks = 0;
        loop {
            asks += 1;
            let now = self.clock.now();
            if now.saturating_add(TOKEN_TIMEOUT).unwrap_or(Timestamp::MAX) > self.until {
                return Err(Error::NotNow { until: now, why: Wait::Token });
            }
            let request = refresh.map_or(TokenRequest::OwnCredentials, TokenRequest::Refresh);
            match self.identity.issue(request).await {
                Ok(issued) => {
                    let version = self.seen_version.saturating_add(1);
                    let Some(refresh) = refresh else { return Ok(issued.into_token(now, version, None)) };
                    // Without another one the old one goes on (RFC 6749, 6).
                    let renewed = issued.refresh.clone().unwrap_or_else(|| refresh.clone());
                    return Ok(issued.into_token(now, version, Some(renewed)));
                }
                Err(IssueError::Lost(_)) if asks < ASKS_MAX => {}
                Err(error) => return Err(error.into_error(now)),
            }
        }
    }
}

impl IssueError {
    fn into_error(self, now: Timestamp) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Lost(why) => Error::RetryAfter {
                at: now.saturating_add(IDENTITY_RETRY).unwrap_or(Timestamp::MAX),
                why: format!("identity server: {why}"),
            },
        }
    }
}

impl Issued {
    /// As it is kept.
    fn into_token(self, now: Timestamp, version: u64, refresh: Option<SecretString>) -> StoredToken {
        StoredToken {
            access: self.access,
            expires_at: now.saturating_add(self.lifetime).unwrap_or(Timestamp::MAX),
            version,
            issued_at: Some(now),
            scopes: self.scopes,
            renewal: refresh.map(|refresh| Renewal { refresh, fallback: None, ended: false }),
        }
    }
}

//! Access tokens of a custom connection: fetched once, shared by every process, never shown.
//!
//! A custom connection gets its token with its own credentials (`client_credentials`); there is no refresh token,
//! so renewing is fetching again. A token lives for 30 minutes. Source: developer.xero.com, *Custom connections*.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{
    client::{Http, XeroConfig, read_body, retry_after, transport_error},
    error::{Error, Problem, StoreError, Wait, json_error},
};

/// A token with less than this left is renewed before it is used: a call takes time, and clocks differ.
pub const TOKEN_SKEW: SignedDuration = SignedDuration::from_secs(60);
/// How long one process may take to fetch a token before another may try.
pub const TOKEN_LEASE: SignedDuration = SignedDuration::from_secs(45);
/// How long fetching may take: well within the lease, so that nobody else begins meanwhile.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);
/// When to ask again while another process fetches the token.
const TOKEN_BUSY_RETRY: SignedDuration = SignedDuration::from_secs(3);
/// When to ask again after the identity server failed.
const IDENTITY_RETRY: SignedDuration = SignedDuration::from_secs(30);
/// The longest answer of the identity server that is read, in bytes.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// An access token as a [`TokenStore`] keeps it.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// The token itself.
    pub access: SecretString,
    /// From here on Xero refuses it.
    pub expires_at: Timestamp,
    /// One more than that of the token before it; the first is 1.
    pub version: u64,
}

/// Where the token of one custom connection is kept, so that every process uses the same.
///
/// One process at a time fetches: the one whose [`try_lease`](Self::try_lease) succeeds. It publishes the new token
/// before using it.
pub trait TokenStore: Send + Sync {
    /// The present token, expired or not.
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
    /// # Errors
    /// Those of the store.
    fn publish(&self, token: &StoredToken) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends the lease taken for the successor of `seen_version`, because fetching failed.
    ///
    /// # Errors
    /// Those of the store. The lease then ends by itself.
    fn release(&self, seen_version: u64) -> impl Future<Output = Result<(), StoreError>> + Send;
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
}

/// A [`TokenStore`] for a single process; each start fetches a new token.
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
}

/// The token in use by this process. Its lock is held while a token is fetched, so that one fetch serves all.
#[derive(Debug, Default)]
pub(crate) struct HeldToken(tokio::sync::Mutex<Option<StoredToken>>);

impl HeldToken {
    /// A token that is good at `now` and newer than the version that Xero has just refused (0: none was).
    pub(crate) async fn get<T: TokenStore>(
        &self,
        store: &T,
        http: &Http,
        config: &XeroConfig,
        now: Timestamp,
        refused_version: u64,
    ) -> Result<StoredToken, Error> {
        let mut held = self.0.lock().await;
        let good = |token: &StoredToken| {
            now.duration_until(token.expires_at) > TOKEN_SKEW && token.version > refused_version
        };
        if let Some(token) = held.as_ref().filter(|token| good(token)) {
            return Ok(token.clone());
        }
        let stored = store.load().await.map_err(storing("loading the access token"))?;
        if let Some(token) = stored.as_ref().filter(|token| good(token)) {
            *held = Some(token.clone());
            return Ok(token.clone());
        }
        let seen_version = stored.map_or(0, |token| token.version);
        let until = now.saturating_add(TOKEN_LEASE).unwrap_or(Timestamp::MAX);
        let leased = store.try_lease(now, until, seen_version).await;
        if leased.map_err(storing("taking the lease of the access token"))? {
            match fetch(http, config, now, seen_version + 1).await {
                Ok(token) => {
                    if store.publish(&token).await.map_err(storing("publishing the access token"))? {
                        *held = Some(token.clone());
                        return Ok(token);
                    }
                }
                Err(error) => {
                    store
                        .release(seen_version)
                        .await
                        .map_err(storing("releasing the lease of the access token"))?;
                    return Err(error);
                }
            }
        }
        // Someone else was faster: use theirs if it is there already.
        let stored = store.load().await.map_err(storing("loading the access token"))?;
        match stored.filter(good) {
            Some(token) => {
                *held = Some(token.clone());
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

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    /// Seconds.
    expires_in: i64,
}

#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
}

async fn fetch(http: &Http, config: &XeroConfig, now: Timestamp, version: u64) -> Result<StoredToken, Error> {
    let mut form = vec![("grant_type", "client_credentials".to_owned())];
    if !config.scopes.is_empty() {
        form.push(("scope", config.scopes.join(" ")));
    }
    http.counts.add("POST", "token");
    let retry = |why: String| Error::RetryAfter {
        at: now.saturating_add(IDENTITY_RETRY).unwrap_or(Timestamp::MAX),
        why: format!("identity server: {why}"),
    };
    let request = http
        .client
        .post(config.token_url())
        .timeout(TOKEN_TIMEOUT)
        .basic_auth(&config.client_id, Some(config.client_secret.expose_secret()))
        .form(&form);
    let mut response = request.send().await.map_err(|error| retry(transport_error(&error)))?;
    let status = response.status();
    let told = retry_after(&response);
    let body = read_body(&mut response, TOKEN_BYTES_MAX).await.map_err(|error| retry(error.to_string()))?;
    let elsewhere = || {
        let origin = config.token_url().origin().ascii_serialization();
        Error::AskPerson(Problem::NoIdentityServer { origin, status: status.as_u16() })
    };
    if status.is_success() {
        let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|error| match error.classify() {
            serde_json::error::Category::Syntax => elsewhere(),
            _ => Error::BadAnswer { resource: "token", why: json_error(&error) },
        })?;
        let lifetime = SignedDuration::from_secs(answer.expires_in.max(0));
        return Ok(StoredToken {
            access: SecretString::from(answer.access_token),
            expires_at: now.saturating_add(lifetime).unwrap_or(Timestamp::MAX),
            version,
        });
    }
    if status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS {
        return Err(match told {
            Some(wait) => Error::NotNow {
                until: now.saturating_add(wait).unwrap_or(Timestamp::MAX),
                why: Wait::Unavailable,
            },
            None => retry(format!("HTTP {}", status.as_u16())),
        });
    }
    // An identity server refuses with a word of OAuth's (RFC 6749, 5.2); anything else is some other server.
    let word = serde_json::from_slice::<TokenRefusal>(&body).map(|refusal| refusal.error);
    Err(match word.as_deref() {
        Ok("invalid_client") => Error::AskPerson(Problem::WrongCredentials),
        Ok("invalid_scope") => Error::AskPerson(Problem::ScopeNotGranted),
        _ if status == reqwest::StatusCode::UNAUTHORIZED => Error::AskPerson(Problem::WrongCredentials),
        Ok(_) => Error::AskPerson(Problem::ConnectionNotAllowed),
        Err(_) => elsewhere(),
    })
}

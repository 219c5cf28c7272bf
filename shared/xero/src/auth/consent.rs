//! Consent in the browser: the address to open, the code that comes back, the organisations it reaches, and its end.
//!
//! Source: developer.xero.com, *OAuth 2.0 auth flow*, *Managing connections*.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    ConnectionKind, HeldToken, HttpIdentity, IDENTITY_RETRY, IdentityServer, IssueError, OFFLINE_ACCESS,
    StoredToken, TokenRequest, TokenStore,
};
use crate::{
    client::{Clock, Counts, Http, XeroConfig, base_url, below, read_body, retry_after, transport_error},
    error::{Error, InputError, Problem, Wait, json_error},
};

/// Where people sign in and consent.
pub const LOGIN_URL: &str = "https://login.xero.com";
/// Where the organisations of a consent are listed and disconnected.
pub const CONNECTIONS_URL: &str = "https://api.xero.com/connections";

/// The longest list of organisations that is read, in bytes.
const CONNECTIONS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// An app to which people consent in the browser (a *web app* in the developer portal).
///
/// The caller opens [`authorize_url`](Self::authorize_url), takes the code at the redirect address, and
/// [`exchange`](Self::exchange)s it. What comes of it goes into a [`TokenStore`](crate::TokenStore); from then on
/// [`Client`](crate::Client) renews it.
#[derive(Debug)]
pub struct ConsentApp {
    config: XeroConfig,
    login_url: Url,
    connections_url: Url,
    http: Http,
}

/// An organisation (or a practice) that a consent reaches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// The id of the connection, by which it is ended.
    #[serde(rename = "id")]
    pub connection_id: Uuid,
    /// What to send as `xero-tenant-id`.
    pub tenant_id: Uuid,
    /// The organisation's name.
    #[serde(default)]
    pub tenant_name: Option<String>,
    /// `ORGANISATION` or `PRACTICE`.
    #[serde(default)]
    pub tenant_type: Option<String>,
    /// The same for all that were connected by one consent.
    #[serde(default)]
    pub auth_event_id: Option<Uuid>,
}

impl Tenant {
    /// Whether it has books; a practice has none.
    #[must_use]
    pub fn is_organisation(&self) -> bool {
        self.tenant_type.as_deref().is_none_or(|kind| kind == "ORGANISATION")
    }
}

impl ConsentApp {
    /// The app whose credentials and scopes `config` holds, at Xero itself.
    ///
    /// # Errors
    /// None with Xero's own addresses.
    pub fn new(config: XeroConfig, http: reqwest::Client) -> Result<Self, InputError> {
        Ok(Self {
            config,
            login_url: base_url(LOGIN_URL, "login address")?,
            connections_url: base_url(CONNECTIONS_URL, "connections address")?,
            http: Http { client: http, counts: Counts::default() },
        })
    }

    /// Another login server: its base, without `/identity/connect/authorize`.
    ///
    /// # Errors
    /// [`InputError`] unless it is https, or http to this machine itself.
    pub fn with_login_url(mut self, url: &str) -> Result<Self, InputError> {
        self.login_url = base_url(url, "login address")?;
        Ok(self)
    }

    /// Another list of connections: its whole address.
    ///
    /// # Errors
    /// [`InputError`] unless it is https, or http to this machine itself.
    pub fn with_connections_url(mut self, url: &str) -> Result<Self, InputError> {
        self.connections_url = base_url(url, "connections address")?;
        Ok(self)
    }

    /// The page at which a person consents. `state` must be a fresh secret: the answer at `redirect` belongs to this
    /// question only if it brings the same. `redirect` must be one of the addresses set in the developer portal,
    /// `https://…` or `http://localhost:…` (Xero refuses `127.0.0.1`).
    #[must_use]
    pub fn authorize_url(&self, redirect: &str, state: &str) -> Url {
        let mut scopes = self.config.scopes.clone();
        if !scopes.iter().any(|scope| scope == OFFLINE_ACCESS) {
            scopes.push(OFFLINE_ACCESS.to_owned());
        }
        let mut url = below(&self.login_url, &["identity", "connect", "authorize"]);
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", state);
        url
    }

    /// The first tokens of a consent. The code is good for one use within five minutes.
    ///
    /// # Errors
    /// [`Error::AskPerson`] with [`Problem::CodeRefused`] if the consent must be given again, and see [`Error`].
    pub async fn exchange(
        &self,
        code: &SecretString,
        redirect: &str,
        now: Timestamp,
    ) -> Result<StoredToken, Error> {
        let issued = match self.identity(now).issue(TokenRequest::Code { code, redirect }).await {
            Ok(issued) => issued,
            Err(IssueError::Failed(error)) => return Err(error),
            // The code may be used up, and then only another consent helps.
            Err(IssueError::Lost(_)) => return Err(Error::AskPerson(Problem::CodeRefused)),
        };
        match issued.refresh.clone() {
            Some(refresh) => Ok(issued.into_token(now, 1, Some(refresh))),
            None => {
                let why = "it has no refresh token; was `offline_access` among the scopes?".to_owned();
                Err(Error::BadAnswer { resource: "token", why })
            }
        }
    }

    /// The organisations that the person behind `token` has connected to the app, by this consent or another.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn tenants(&self, token: &StoredToken, now: Timestamp) -> Result<Vec<Tenant>, Error> {
        let body = self.connections(Method::GET, self.connections_url.clone(), token, now).await?;
        let bad =
            |error: serde_json::Error| Error::BadAnswer { resource: "connections", why: json_error(&error) };
        serde_json::from_slice(&body).map_err(bad)
    }

    /// Ends the connection of one organisation; the others of the token set stay. One that is gone already is no error.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn disconnect(
        &self,
        token: &StoredToken,
        connection: Uuid,
        now: Timestamp,
    ) -> Result<(), Error> {
        let url = below(&self.connections_url, &[&connection.to_string()]);
        match self.connections(Method::DELETE, url, token, now).await {
            Ok(_) | Err(Error::Reject { status: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends the refresh token and with it every connection that its person made with this app.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn revoke(&self, token: &StoredToken, now: Timestamp) -> Result<(), Error> {
        match &token.renewal {
            Some(renewal) => self.identity(now).revoke(&renewal.refresh).await,
            None => Ok(()),
        }
    }

    /// A token of `store` that is good now, renewed if need be.
    ///
    /// # Errors
    /// As [`HeldToken::get`].
    pub async fn token<T: TokenStore, C: Clock>(&self, store: &T, clock: &C) -> Result<StoredToken, Error> {
        let identity = self.identity(clock.now());
        HeldToken::default().get(store, &identity, ConnectionKind::Consent, clock, 0).await
    }

    fn identity(&self, now: Timestamp) -> HttpIdentity<'_> {
        HttpIdentity { http: &self.http, config: &self.config, now }
    }

    async fn connections(
        &self,
        method: Method,
        url: Url,
        token: &StoredToken,
        now: Timestamp,
    ) -> Result<Vec<u8>, Error> {
        let later = |wait: SignedDuration| now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        let retry = |why: String| Error::RetryAfter { at: later(IDENTITY_RETRY), why };
        let request = self
            .http
            .client
            .request(method, url)
            .timeout(crate::client::CALL_TIMEOUT)
            .bearer_auth(token.access.expose_secret())
            .header(reqwest::header::ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|error| retry(transport_error(&error)))?;
        let (status, told) = (response.status(), retry_after(&response));
        let body = read_body(&mut response, CONNECTIONS_BYTES_MAX).await;
        match status {
            _ if status.is_success() => body.map_err(|error| retry(error.to_string())),
            StatusCode::UNAUTHORIZED => Err(Error::AskPerson(Problem::TokenRefused)),
            StatusCode::FORBIDDEN => Err(Error::AskPerson(Problem::Disconnected)),
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => Err(match told {
                Some(wait) => Error::NotNow { until: later(wait), why: Wait::Unavailable },
                None => retry(format!("HTTP {}", status.as_u16())),
            }),
            _ => Err(Error::Reject {
                status: status.as_u16(),
                message: "the list of connections is not there".to_owned(),
                validation: Vec::new(),
            }),
        }
    }
}

impl StoredToken {
    /// Which consent it came of: the `authEventId` of the organisations that were connected by it. Read out of the access
    /// token without checking its signature, so it is good for a choice and not for a proof.
    #[must_use]
    pub fn auth_event(&self) -> Option<Uuid> {
        #[derive(Deserialize)]
        struct Claims {
            authentication_event_id: Option<Uuid>,
        }
        let claims = self.access.expose_secret().split('.').nth(1)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        serde_json::from_slice::<Claims>(&claims).ok()?.authentication_event_id
    }
}

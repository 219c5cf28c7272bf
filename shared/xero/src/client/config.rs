//! Which app calls which Xero, and the HTTP client that it calls through.

use std::net::IpAddr;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{API_URL, CALL_TIMEOUT, CONNECT_TIMEOUT, IDENTITY_URL};
use crate::{auth::ConnectionKind, error::InputError};

/// Which app calls which Xero.
#[derive(Debug, Clone)]
pub struct XeroConfig {
    pub(super) api_url: Url,
    identity_url: Url,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) scopes: Vec<String>,
    pub(super) kind: ConnectionKind,
    pub(super) tenant: Option<Uuid>,
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
    /// the refresh token that the [`TokenStore`](crate::TokenStore) holds.
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

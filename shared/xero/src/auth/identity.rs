//! The identity server: what asks for tokens, and how it answers.

use std::{future::Future, time::Duration};

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};

use super::IDENTITY_RETRY;
use crate::{
    client::{Http, XeroConfig, read_body, retry_after, transport_error},
    error::{Error, Problem, Wait, json_error},
};

/// How long one answer of the identity server may take: three fit into the lease of a token.
pub const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an access token is good for, unless its answer says otherwise. Source: developer.xero.com, *Token types*.
const ACCESS_LIFETIME: SignedDuration = SignedDuration::from_mins(30);
/// The longest answer of the identity server that is read, in bytes.
const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// What a token is asked for with.
#[derive(Debug, Clone, Copy)]
pub enum TokenRequest<'a> {
    /// The app's own credentials (a custom connection).
    OwnCredentials,
    /// A refresh token.
    Refresh(&'a SecretString),
    /// The code of a consent, good for one use within five minutes.
    Code {
        /// The code.
        code: &'a SecretString,
        /// The redirect address that the consent was asked for with.
        redirect: &'a str,
    },
}

/// What the identity server gave.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The access token.
    pub access: SecretString,
    /// How long it is good for.
    pub lifetime: SignedDuration,
    /// The refresh token, if it came with one.
    pub refresh: Option<SecretString>,
    /// What it allows, if Xero said so.
    pub scopes: Vec<String>,
}

/// Why there is no token.
#[derive(Debug)]
pub enum IssueError {
    /// No answer came, and the request may have had its effect. The cause is for a log.
    Lost(String),
    /// Nothing came of it.
    Failed(Error),
}

/// Who gives tokens. Another one than Xero's over HTTP is for tests.
pub trait IdentityServer: Send + Sync {
    /// Asks for a token.
    fn issue(&self, request: TokenRequest<'_>) -> impl Future<Output = Result<Issued, IssueError>> + Send;
}

/// Xero's identity server.
pub(crate) struct HttpIdentity<'a> {
    pub(crate) http: &'a Http,
    pub(crate) config: &'a XeroConfig,
    pub(crate) now: Timestamp,
}

#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    /// Seconds. It may be missing (RFC 6749, 5.1).
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<i64>,
    refresh_token: Option<String>,
    scope: Option<String>,
}

/// A whole number, as a number or as text.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())))
}

#[derive(Deserialize)]
struct TokenRefusal {
    error: String,
}

impl HttpIdentity<'_> {
    fn form(&self, request: TokenRequest<'_>) -> Vec<(&'static str, String)> {
        match request {
            TokenRequest::OwnCredentials => {
                let mut form = vec![("grant_type", "client_credentials".to_owned())];
                if !self.config.scopes.is_empty() {
                    form.push(("scope", self.config.scopes.join(" ")));
                }
                form
            }
            TokenRequest::Refresh(refresh) => vec![
                ("grant_type", "refresh_token".to_owned()),
                ("refresh_token", refresh.expose_secret().to_owned()),
            ],
            TokenRequest::Code { code, redirect } => vec![
                ("grant_type", "authorization_code".to_owned()),
                ("code", code.expose_secret().to_owned()),
                ("redirect_uri", redirect.to_owned()),
            ],
        }
    }

    fn later(&self, wait: SignedDuration) -> Timestamp {
        self.now.saturating_add(wait).unwrap_or(Timestamp::MAX)
    }

    fn retry(&self, why: &str) -> Error {
        Error::RetryAfter { at: self.later(IDENTITY_RETRY), why: format!("identity server: {why}") }
    }

    /// Something else than an identity server answered.
    fn elsewhere(&self, status: StatusCode) -> Error {
        let origin = self.config.token_url().origin().ascii_serialization();
        Error::AskPerson(Problem::NoIdentityServer { origin, status: status.as_u16() })
    }

    /// Ends a refresh token and all that came of its consent.
    pub(crate) async fn revoke(&self, refresh: &SecretString) -> Result<(), Error> {
        self.http.counts.add("POST", "revocation");
        let form = [("token", refresh.expose_secret())];
        let sent = self.post(self.config.revocation_url(), &form).await;
        let mut response = sent.map_err(|error| self.retry(&transport_error(&error)))?;
        let (status, told) = (response.status(), retry_after(&response));
        if status.is_success() {
            return Ok(());
        }
        let body = read_body(&mut response, TOKEN_BYTES_MAX).await.unwrap_or_default();
        Err(self.refused(status, told, &body, Problem::ConsentEnded))
    }

    async fn post(
        &self,
        url: reqwest::Url,
        form: &[(&'static str, impl serde::Serialize)],
    ) -> Result<reqwest::Response, reqwest::Error> {
        let request = self
            .http
            .client
            .post(url)
            .timeout(TOKEN_TIMEOUT)
            .basic_auth(&self.config.client_id, Some(self.config.client_secret.expose_secret()))
            .form(form);
        request.send().await
    }

    /// An answer that is not a success. `no_grant` is what `invalid_grant` means here.
    fn refused(
        &self,
        status: StatusCode,
        told: Option<SignedDuration>,
        body: &[u8],
        no_grant: Problem,
    ) -> Error {
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return match told {
                Some(wait) => Error::NotNow { until: self.later(wait), why: Wait::Unavailable },
                None => self.retry(&format!("HTTP {}", status.as_u16())),
            };
        }
        // An identity server refuses with a word of OAuth's (RFC 6749, 5.2); anything else is some other server.
        let word = serde_json::from_slice::<TokenRefusal>(body).map(|refusal| refusal.error);
        match word.as_deref() {
            Ok("invalid_client") => Error::AskPerson(Problem::WrongCredentials),
            Ok("invalid_scope") => Error::AskPerson(Problem::ScopeNotGranted),
            Ok("invalid_grant") => Error::AskPerson(no_grant),
            _ if status == StatusCode::UNAUTHORIZED => Error::AskPerson(Problem::WrongCredentials),
            Ok(_) => Error::AskPerson(Problem::ConnectionNotAllowed),
            Err(_) => self.elsewhere(status),
        }
    }
}

impl IdentityServer for HttpIdentity<'_> {
    async fn issue(&self, request: TokenRequest<'_>) -> Result<Issued, IssueError> {
        self.http.counts.add("POST", "token");
        let mut response = match self.post(self.config.token_url(), &self.form(request)).await {
            Ok(response) => response,
            // Without a connection nothing was sent, and asking again at once would meet the same.
            Err(error) if error.is_connect() => {
                return Err(IssueError::Failed(self.retry(&transport_error(&error))));
            }
            Err(error) => return Err(IssueError::Lost(transport_error(&error))),
        };
        let (status, told) = (response.status(), retry_after(&response));
        let body = read_body(&mut response, TOKEN_BYTES_MAX).await;
        let body = body.map_err(|error| IssueError::Lost(error.to_string()))?;
        if !status.is_success() {
            let no_grant = match request {
                TokenRequest::OwnCredentials => Problem::ConnectionNotAllowed,
                TokenRequest::Refresh(_) => Problem::ConsentEnded,
                TokenRequest::Code { .. } => Problem::CodeRefused,
            };
            return Err(IssueError::Failed(self.refused(status, told, &body, no_grant)));
        }
        let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|error| {
            IssueError::Failed(match error.classify() {
                serde_json::error::Category::Syntax => self.elsewhere(status),
                _ => Error::BadAnswer { resource: "token", why: json_error(&error) },
            })
        })?;
        let words = |scope: String| scope.split_whitespace().map(str::to_owned).collect();
        Ok(Issued {
            access: SecretString::from(answer.access_token),
            lifetime: answer
                .expires_in
                .map_or(ACCESS_LIFETIME, |told| SignedDuration::from_secs(told.max(0))),
            refresh: answer.refresh_token.map(SecretString::from),
            scopes: answer.scope.map_or_else(Vec::new, words),
        })
    }
}

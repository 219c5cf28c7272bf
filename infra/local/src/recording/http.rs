//! Calls over HTTP whose answers are taken as they come: what a recording is made of. The client of `shared/xero`
//! would turn them into types, and what has no type would be lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use parstock_adapters::config::XeroAddresses;
use parstock_adapters::consent::App;
use parstock_app::ports::Clock;
use parstock_xero::{Answer, CallBudget, Error, Grant, Priority, TokenStore, Usage, Wait};
use reqwest::{Client, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{Caller, RawAnswer, script::Method};
use crate::error::LocalError;

/// How often a token that another process is renewing is asked for, and the time between.
const TOKEN_TRIES: u32 = 30;
const TOKEN_PAUSE: Duration = Duration::from_secs(1);
/// How long a recording waits for calls that are left.
const CALLS_WAIT_MAX: SignedDuration = SignedDuration::from_mins(2);

/// Where the access token of a call comes from.
pub trait Access: Send + Sync {
    /// One that is good now.
    ///
    /// # Errors
    /// When there is none, with what a person can do.
    fn token(&self) -> impl Future<Output = Result<SecretString, LocalError>> + Send;
}

/// The token of a custom connection: it lasts 30 minutes, and no recording that waits for no limit longer.
pub struct OneToken(SecretString);

impl Access for OneToken {
    async fn token(&self) -> Result<SecretString, LocalError> {
        Ok(self.0.clone())
    }
}

/// The tokens of a consent, which whoever needs them first renews for all.
pub struct Consented<K, T> {
    app: App<K>,
    tokens: T,
}

impl<K: Clock, T: TokenStore> Access for Consented<K, T> {
    async fn token(&self) -> Result<SecretString, LocalError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.app.access(&self.tokens).await {
                Ok(token) => return Ok(token),
                // another process renews it just now, which takes a moment
                Err(Error::NotNow { why: Wait::Token, .. }) if tries < TOKEN_TRIES => {
                    tokio::time::sleep(TOKEN_PAUSE).await;
                }
                Err(Error::AskPerson(problem)) => {
                    return Err(LocalError::Input(format!(
                        "{problem}: run `parstock connect`, then record again"
                    )));
                }
                Err(error) => return Err(LocalError::outside(error)),
            }
        }
    }
}

/// A connection to one organisation.
pub struct HttpCaller<A, B, K> {
    http: Client,
    addresses: XeroAddresses,
    access: A,
    /// What calls are taken from, where others call with the same credentials.
    budget: Option<Budget<B, K>>,
}

/// The calls of an organisation, and the clock by which they are counted.
pub struct Budget<B, K> {
    /// The calls.
    pub calls: B,
    /// The clock.
    pub clock: Arc<K>,
}

#[derive(Deserialize)]
struct Token {
    access_token: SecretString,
}

fn client(addresses: &XeroAddresses) -> Result<Client, LocalError> {
    parstock_xero::http_client(&[&addresses.api_url, &addresses.identity_url])
        .map_err(|error| LocalError::Input(error.to_string()))
}

impl<K: Clock, T: TokenStore, B> HttpCaller<Consented<K, T>, B, K> {
    /// Calls the tenant that the addresses name, with the tokens of the consent that reaches it.
    ///
    /// # Errors
    /// [`LocalError::Input`] when an address can't be used.
    pub fn over(
        addresses: XeroAddresses,
        app: App<K>,
        tokens: T,
        budget: Option<Budget<B, K>>,
    ) -> Result<Self, LocalError> {
        Ok(Self { http: client(&addresses)?, addresses, access: Consented { app, tokens }, budget })
    }
}

impl<B, K> HttpCaller<OneToken, B, K> {
    /// Gets a token for a custom connection.
    ///
    /// # Errors
    /// [`LocalError::Input`] when the credentials are refused, [`LocalError::Outside`] when nothing answers.
    pub async fn connect(
        addresses: XeroAddresses,
        client_id: &str,
        client_secret: &SecretString,
        budget: Option<Budget<B, K>>,
    ) -> Result<Self, LocalError> {
        let http = client(&addresses)?;
        let url = format!("{}/connect/token", addresses.identity_url.trim_end_matches('/'));
        let answer = http
            .post(url)
            .basic_auth(client_id, Some(client_secret.expose_secret()))
            .form(&[("grant_type", "client_credentials")])
            .send()
            .await
            // an address in the error could hold more than the server's name
            .map_err(|error| LocalError::outside(error.without_url()))?;
        if !answer.status().is_success() {
            return Err(LocalError::Input(format!(
                "Xero refuses the credentials ({}): check XERO_CLIENT_ID and XERO_CLIENT_SECRET",
                answer.status()
            )));
        }
        let token: Token = answer
            .json()
            .await
            .map_err(|_| LocalError::Outside("Xero's answer holds no token".to_owned()))?;
        Ok(Self { http, addresses, access: OneToken(token.access_token), budget })
    }
}

impl<A, B: CallBudget, K: Clock> HttpCaller<A, B, K> {
    /// Leave to make a call, from the budget that others share.
    async fn granted(&self) -> Result<Option<Grant>, LocalError> {
        let Some(Budget { calls, clock }) = &self.budget else { return Ok(None) };
        let latest = clock.now() + CALLS_WAIT_MAX;
        loop {
            match calls.grant(Priority::Person, 1, clock.now()).await.map_err(LocalError::outside)? {
                Answer::Granted(grant) => return Ok(Some(grant)),
                Answer::NotBefore { until, why } if until > latest => {
                    return Err(LocalError::Outside(format!(
                        "no calls of Xero are left before {until} ({why}): record again then, into a new folder"
                    )));
                }
                Answer::NotBefore { until, .. } => {
                    let wait = Duration::try_from(until.duration_since(clock.now())).unwrap_or_default();
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    async fn settle(&self, grant: Option<Grant>, answer: Option<&Response>) -> Result<(), LocalError> {
        let (Some(Budget { calls, clock }), Some(grant)) = (&self.budget, grant) else { return Ok(()) };
        let now = clock.now();
        let usage = match answer {
            Some(answer) => Usage::of_answer(answer, now),
            None => Usage { calls: 1, ..Usage::default() },
        };
        calls.settle(&grant, &usage, now).await.map_err(LocalError::outside)
    }
}

impl<A: Access, B: CallBudget, K: Clock> Caller for HttpCaller<A, B, K> {
    async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<RawAnswer, LocalError> {
        let url = format!("{}/{path}", self.addresses.api_url.trim_end_matches('/'));
        let request = match method {
            Method::Get => self.http.get(url),
            Method::Put => self.http.put(url),
            Method::Post => self.http.post(url),
        };
        let grant = self.granted().await?;
        let token = self.access.token().await?;
        let request = request.bearer_auth(token.expose_secret()).header("Accept", "application/json");
        let request = match self.addresses.tenant {
            Some(tenant) => request.header("xero-tenant-id", tenant.to_string()),
            None => request,
        };
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body),
            None => request,
        };
        let answer = request.send().await.map_err(|error| LocalError::outside(error.without_url()));
        self.settle(grant, answer.as_ref().ok()).await?;
        read(answer?).await
    }
}

async fn read(answer: Response) -> Result<RawAnswer, LocalError> {
    let status = answer.status().as_u16();
    let headers: BTreeMap<String, String> = answer
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect();
    let body = answer.bytes().await.map_err(|error| LocalError::outside(error.without_url()))?;
    Ok(RawAnswer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

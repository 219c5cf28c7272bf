//! Calls over HTTP whose answers are taken as they come: what a recording is made of. The client of `shared/xero`
//! would turn them into types, and what has no type would be lost.

use std::collections::BTreeMap;

use parstock_adapters::config::XeroAddresses;
use reqwest::Client;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::{Caller, RawAnswer, script::Method};
use crate::error::LocalError;

/// A connection to one organisation.
pub struct HttpCaller {
    http: Client,
    addresses: XeroAddresses,
    token: SecretString,
}

#[derive(Deserialize)]
struct Token {
    access_token: SecretString,
}

impl HttpCaller {
    /// Gets a token for a custom connection.
    ///
    /// # Errors
    /// [`LocalError::Input`] when the credentials are refused, [`LocalError::Outside`] when nothing answers.
    pub async fn connect(
        addresses: XeroAddresses,
        client_id: &str,
        client_secret: &SecretString,
    ) -> Result<Self, LocalError> {
        let http = parstock_xero::http_client(&[&addresses.api_url, &addresses.identity_url])
            .map_err(|error| LocalError::Input(error.to_string()))?;
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
        Ok(Self { http, addresses, token: token.access_token })
    }
}

impl Caller for HttpCaller {
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
        let request = request.bearer_auth(self.token.expose_secret()).header("Accept", "application/json");
        let request = match self.addresses.tenant {
            Some(tenant) => request.header("xero-tenant-id", tenant.to_string()),
            None => request,
        };
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body),
            None => request,
        };
        let answer = request.send().await.map_err(|error| LocalError::outside(error.without_url()))?;
        let status = answer.status().as_u16();
        let headers: BTreeMap<String, String> = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = answer.bytes().await.map_err(|error| LocalError::outside(error.without_url()))?;
        Ok(RawAnswer { status, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
    }
}

//! A connection by consent: asking a person in the browser, keeping what they gave, how it stands, and its end.
//!
//! What a consent may be kept for, such as one organisation for one connection, is for the caller to decide
//! (`parstock_app::connect::fit`); nothing is kept before [`keep`].

use std::sync::Arc;

use jiff::Timestamp;
use parstock_app::ports::{Clock, Entropy, Store};
use parstock_xero::{
    Client, ConsentApp, Error, InputError, MemoryBudget, MemoryTokenStore, Priority, Problem, StoreError,
    StoredToken, Tenant, TokenStore, XeroConfig, missing_scopes,
};
use reqwest::Url;
use secrecy::SecretString;
use uuid::Uuid;

use crate::books::XeroClock;
use crate::config::{ConsentAddresses, XeroAddresses};
use crate::tokens::StoreTokens;
use crate::vault::{Credentials, Freshness, Vault, VaultError, names};

/// An app in Xero's developer portal to which people consent.
pub struct App<K> {
    addresses: XeroAddresses,
    client_id: String,
    client_secret: SecretString,
    http: reqwest::Client,
    app: ConsentApp,
    clock: Arc<K>,
}

impl<K> std::fmt::Debug for App<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// What a consent gave.
#[derive(Debug)]
pub struct Given {
    /// The first tokens.
    pub token: StoredToken,
    /// What its person has connected to the app, by this consent or another.
    pub tenants: Vec<Tenant>,
}

/// Whose books a tenant's are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    /// The organisation's id.
    pub organisation: Uuid,
    /// Its name.
    pub name: String,
}

/// How a consent ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It had ended in Xero before.
    Before,
    /// The organisation is disconnected and the consent revoked.
    Revoked,
    /// The organisation is disconnected; the consent stays, since its person has connected these others.
    Disconnected(Vec<String>),
}

impl<K: Clock> App<K> {
    /// The app with this id and secret.
    ///
    /// # Errors
    /// When an address or a credential can't be used.
    pub fn new(
        addresses: &XeroAddresses,
        consent: &ConsentAddresses,
        client_id: String,
        client_secret: SecretString,
        clock: Arc<K>,
    ) -> Result<Self, InputError> {
        let http = parstock_xero::http_client(&[
            &addresses.api_url,
            &addresses.identity_url,
            &consent.login_url,
            &consent.connections_url,
        ])?;
        let config = XeroConfig::new(client_id.clone(), client_secret.clone())?
            .with_identity_url(&addresses.identity_url)?
            .with_scopes(addresses.consent_scopes());
        let app = ConsentApp::new(config, http.clone())?
            .with_login_url(&consent.login_url)?
            .with_connections_url(&consent.connections_url)?;
        Ok(Self { addresses: addresses.clone(), client_id, client_secret, http, app, clock })
    }

    /// The page at which a person consents; see [`ConsentApp::authorize_url`].
    pub fn authorize_url(&self, redirect: &str, state: &str) -> Url {
        self.app.authorize_url(redirect, state)
    }

    /// Turns the code that came back into tokens, and asks what they reach.
    ///
    /// # Errors
    /// See [`ConsentApp::exchange`].
    pub async fn exchange(&self, code: &SecretString, redirect: &str) -> Result<Given, Error> {
        let now = self.clock.now();
        let token = self.app.exchange(code, redirect, now).await?;
        let tenants = self.app.tenants(&token, now).await?;
        Ok(Given { token, tenants })
    }

    /// The present tokens of a token set, renewed if need be, and what they reach.
    ///
    /// # Errors
    /// See [`ConsentApp::token`].
    pub async fn reach(&self, tokens: &impl TokenStore) -> Result<Given, Error> {
        let token = self.app.token(tokens, &XeroClock::new(Arc::clone(&self.clock))).await?;
        let tenants = self.app.tenants(&token, self.clock.now()).await?;
        Ok(Given { token, tenants })
    }

    /// The present access token of a token set, renewed if need be: for calls that no client makes.
    ///
    /// # Errors
    /// See [`ConsentApp::token`].
    pub async fn access(&self, tokens: &impl TokenStore) -> Result<SecretString, Error> {
        let token = self.app.token(tokens, &XeroClock::new(Arc::clone(&self.clock))).await?;
        Ok(token.access)
    }

    /// The credentials by which a tenant is reached.
    pub fn credentials(&self, tenant: Uuid) -> Credentials {
        Credentials {
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.clone(),
            tenant: Some(tenant),
            token_set: None,
        }
    }

    /// Asks Xero whose books the tenant's are.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn identify(&self, tenant: Uuid, token: &StoredToken) -> Result<Whose, Error> {
        let config = self.addresses.client_config(&self.credentials(tenant));
        let config = config.map_err(|_| Error::AskPerson(Problem::WrongCredentials))?;
        let clock = XeroClock::new(Arc::clone(&self.clock));
        let tokens = MemoryTokenStore::holding(token.clone());
        let client = Client::new(config, self.http.clone(), tokens, MemoryBudget::default(), clock);
        let organisation = client.session(Priority::Person, 1).await?.organisation().await?;
        let name = organisation.name.unwrap_or_else(|| "an organisation without a name".to_owned());
        Ok(Whose { organisation: organisation.organisation_id, name })
    }

    /// Disconnects a tenant in Xero, and revokes the consent if that was the last one of its person.
    ///
    /// # Errors
    /// When Xero can't be told; nothing is forgotten then.
    pub async fn end(&self, tokens: &impl TokenStore, tenant: Uuid) -> Result<Ended, Error> {
        let now = self.clock.now();
        let Given { token, tenants } = match self.reach(tokens).await {
            Err(Error::AskPerson(Problem::ConsentEnded | Problem::NoConsent | Problem::Disconnected)) => {
                return Ok(Ended::Before);
            }
            reached => reached?,
        };
        let (ours, others): (Vec<Tenant>, Vec<Tenant>) =
            tenants.into_iter().partition(|one| one.tenant_id == tenant);
        for one in ours {
            self.app.disconnect(&token, one.connection_id, now).await?;
        }
        if others.is_empty() {
            self.app.revoke(&token, now).await?;
            return Ok(Ended::Revoked);
        }
        Ok(Ended::Disconnected(others.iter().map(name_of).collect()))
    }
}

/// What a tenant is called.
pub fn name_of(tenant: &Tenant) -> String {
    tenant.tenant_name.clone().unwrap_or_else(|| tenant.tenant_id.to_string())
}

/// The one organisation that a consent is for: the one that was connected before, the one that this very consent was for, or
/// the only one.
pub fn pick(tenants: &[Tenant], event: Option<Uuid>, known: Option<Uuid>) -> Option<&Tenant> {
    let only = |fits: &dyn Fn(&Tenant) -> bool| {
        let mut found = tenants.iter().filter(|tenant| tenant.is_organisation() && fits(tenant));
        found.next().filter(|_| found.next().is_none())
    };
    only(&|tenant| Some(tenant.tenant_id) == known)
        .or_else(|| only(&|tenant| event.is_some() && tenant.auth_event_id == event))
        .or_else(|| only(&|_| true))
}

/// Keeps the tokens of a consent. `false` while another process fetches one: nothing is kept then.
///
/// # Errors
/// Those of store and vault.
pub async fn keep<S: Store, V: Vault, E: Entropy>(
    vault: &V,
    tokens: &StoreTokens<S, V, E>,
    connection: &str,
    credentials: &Credentials,
    token: StoredToken,
    now: Timestamp,
) -> Result<bool, StoreError> {
    // First these: should the process end before the tokens are kept, it is known that a consent is needed.
    vault.put(&names::credentials(connection), credentials.to_secret()).await?;
    tokens.adopt(token, now).await
}

/// Forgets a connection's secrets, so that nothing uses them any more.
///
/// # Errors
/// Those of store and vault.
pub async fn forget<S: Store, V: Vault, E: Entropy>(
    vault: &V,
    tokens: &StoreTokens<S, V, E>,
    connection: &str,
) -> Result<(), StoreError> {
    tokens.drop_present().await?;
    for secret in [names::credentials(connection), names::token(connection)] {
        vault.forget(&secret).await?;
    }
    Ok(())
}

/// What a connection has.
#[derive(Debug)]
pub struct Standing {
    /// What it reaches Xero with.
    pub credentials: Credentials,
    /// Its present tokens, expired or not.
    pub token: Option<StoredToken>,
}

/// What a person has to do for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToDo {
    /// Consent again, for this reason.
    Consent(Problem),
    /// Consent again and allow these scopes, too.
    Allow(Vec<String>),
}

impl Standing {
    /// How a connection stands; `None` where nothing is connected.
    ///
    /// # Errors
    /// Those of store and vault, and when the credentials can't be read.
    pub async fn of<S: Store, V: Vault, E: Entropy>(
        vault: &V,
        tokens: &StoreTokens<S, V, E>,
        connection: &str,
    ) -> Result<Option<Self>, StoreError> {
        let name = names::credentials(connection);
        let Some(secret) = vault.get(&name, Freshness::Now).await? else { return Ok(None) };
        let unreadable = || VaultError::NeedsPerson(format!("the secret `{name}` can't be read"));
        let credentials = Credentials::read(&secret).ok_or_else(unreadable)?;
        Ok(Some(Self { credentials, token: tokens.load().await? }))
    }

    /// Whether a person consented; else it is a custom connection.
    pub const fn is_consent(&self) -> bool {
        self.credentials.tenant.is_some()
    }

    /// What a person has to do so that it has all of `needed`, if anything is known.
    pub fn to_do(&self, needed: &[String]) -> Option<ToDo> {
        self.credentials.tenant?;
        let Some(token) = &self.token else { return Some(ToDo::Consent(Problem::NoConsent)) };
        match &token.renewal {
            None => Some(ToDo::Consent(Problem::NoConsent)),
            Some(renewal) if renewal.ended => Some(ToDo::Consent(Problem::ConsentEnded)),
            Some(_) => {
                let missing = missing_scopes(&token.scopes, needed.iter().map(String::as_str));
                let missing: Vec<String> = missing.into_iter().map(str::to_owned).collect();
                (!missing.is_empty()).then_some(ToDo::Allow(missing))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: u128, event: u128) -> Tenant {
        let id = Uuid::from_u128(number);
        Tenant {
            connection_id: id,
            tenant_id: id,
            tenant_name: None,
            tenant_type: Some("ORGANISATION".to_owned()),
            auth_event_id: Some(Uuid::from_u128(event)),
        }
    }

    #[test]
    fn a_consent_is_for_the_known_organisation_its_own_or_the_only_one() {
        let all = [tenant(1, 7), tenant(2, 8), tenant(3, 8)];
        let id = |number| Some(Uuid::from_u128(number));
        let picked =
            |all: &[Tenant], event, known| pick(all, event, known).map(|tenant| tenant.tenant_id.as_u128());
        assert_eq!(picked(&all, id(7), id(2)), Some(2));
        assert_eq!(picked(&all, id(7), None), Some(1));
        assert_eq!(picked(&all, id(7), id(9)), Some(1), "the known one is not there");
        assert_eq!(picked(&all[..1], None, None), Some(1));
        assert_eq!(picked(&all, id(8), None), None);
        assert_eq!(picked(&all, None, None), None);
        let practice = Tenant { tenant_type: Some("PRACTICE".to_owned()), ..tenant(4, 7) };
        assert_eq!(picked(&[practice], id(7), None), None);
    }
}

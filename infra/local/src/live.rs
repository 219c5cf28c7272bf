//! A live connection: the machine's clock, Xero (or what stands in for it) by the XERO_ variables, and a
//! listener for webhooks.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use parstock_adapters::books::organisation_of;
use parstock_adapters::config::XeroAddresses;
use parstock_adapters::vault::{Credentials, EncryptedFileVault, Freshness, Vault, names};
use parstock_adapters::webhook::{BODY_BYTES_MAX, SigningKeys};
use parstock_app::load;
use parstock_app::ports::Ports;
use parstock_app::records::{Key, Owner};
use parstock_domain::ids::OrgId;
use parstock_domain::settings::Policy;
use parstock_xero::webhook::SIGNATURE_HEADER;
use parstock_xero::{Client, MemoryBudget, MemoryTokenStore, TokenStore};
use secrecy::SecretString;
use tokio::net::TcpListener;

use crate::clock::{LocalClock, LocalEntropy};
use crate::driver::{CONNECTION, Driver};
use crate::error::LocalError;
use crate::folder::Folder;
use crate::notebook::Notebook;
use crate::ports::LocalPorts;
use crate::start;
use crate::trade::NoTrade;

/// Port of the webhook listener unless `--webhook-port` says otherwise.
pub const WEBHOOK_PORT: u16 = 4102;

/// A fact in the notebook: the address at which the folder's books were last reached with the credentials that
/// are kept.
const REACHED_AT: &str = "live.reached_at";

/// The kept credentials of a connection.
///
/// # Errors
/// When the vault or what it keeps can't be read.
pub async fn kept_credentials(
    vault: &impl Vault,
    connection: &str,
) -> Result<Option<Credentials>, LocalError> {
    let name = names::credentials(connection);
    let Some(secret) = vault.get(&name, Freshness::Now).await.map_err(LocalError::outside)? else {
        return Ok(None);
    };
    Credentials::read(&secret).map(Some).ok_or_else(|| {
        LocalError::Input(format!(
            "the secret `{name}` can't be read: enter client id and secret again; on one machine set \
             XERO_CLIENT_ID and XERO_CLIENT_SECRET"
        ))
    })
}

/// The webhook's keys out of the environment: one, or two with a blank between.
///
/// # Errors
/// [`LocalError::Input`] when there are none.
pub fn given_webhook_keys() -> Result<SecretString, LocalError> {
    Secrets::from_env().webhook_keys.map(SecretString::from).ok_or_else(|| {
        LocalError::Input(
            "set XERO_WEBHOOK_KEY to the webhook's key (developer.xero.com, My Apps), or to the new and the old one with \
             a blank between"
                .to_owned(),
        )
    })
}

/// Id and secret of the app, if the environment has both.
pub fn given_app() -> Option<(String, SecretString)> {
    let given = Secrets::from_env();
    Some((given.client_id?, given.client_secret?.into()))
}

/// What the environment holds; each is kept in the folder's vault once given.
struct Secrets {
    client_id: Option<String>,
    client_secret: Option<String>,
    webhook_keys: Option<String>,
    slack: Option<String>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the settings of a live connection come from here and nowhere else"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Id and secret of a custom connection, for a command that keeps neither.
///
/// # Errors
/// [`LocalError::Input`] when one is missing.
pub fn credentials_from_env() -> Result<(String, SecretString), LocalError> {
    match (variable("XERO_CLIENT_ID"), variable("XERO_CLIENT_SECRET")) {
        (Some(id), Some(secret)) => Ok((id, secret.into())),
        _ => Err(LocalError::Input(
            "set XERO_CLIENT_ID and XERO_CLIENT_SECRET to those of your custom connection (developer.xero.com, My Apps)"
                .to_owned(),
        )),
    }
}

impl Secrets {
    fn from_env() -> Self {
        Self {
            client_id: variable("XERO_CLIENT_ID"),
            client_secret: variable("XERO_CLIENT_SECRET"),
            webhook_keys: variable("XERO_WEBHOOK_KEY"),
            slack: variable("SLACK_WEBHOOK_URL"),
        }
    }
}

/// A live connection of a folder.
pub struct Live {
    /// Steps through its time.
    pub driver: Driver<NoTrade>,
    /// Whether there is a key that webhooks may be signed with.
    pub takes_webhooks: bool,
    slack: Option<SecretString>,
    by_consent: bool,
    scopes: Vec<String>,
}

/// Opens the live connection of a folder. What it is given is tried before anything is kept.
///
/// # Errors
/// [`LocalError::Input`] names every variable that is missing or wrong, and refuses credentials that reach
/// other books than the folder's.
pub async fn open(folder: &Folder, notebook: Notebook, console_url: String) -> Result<Live, LocalError> {
    let addresses = XeroAddresses::from_env().map_err(|error| LocalError::Input(error.to_string()))?;
    let vault = start::vault(folder)?;
    let given = Secrets::from_env();
    let known = kept_credentials(&vault, CONNECTION).await?;
    let wanted = match (given.client_id.clone(), given.client_secret.clone()) {
        (Some(client_id), Some(client_secret)) => {
            // an app that a person has consented to stays one, with a new secret too
            let tenant =
                known.as_ref().filter(|known| known.client_id == client_id).and_then(|known| known.tenant);
            Some(Credentials { client_id, client_secret: client_secret.into(), tenant, token_set: None })
        }
        (None, None) => known.clone(),
        _ => None,
    };
    let credentials = wanted.ok_or_else(|| {
        LocalError::Input(
            "run `parstock connect` first, or set XERO_CLIENT_ID and XERO_CLIENT_SECRET to those of your custom \
             connection (developer.xero.com, My Apps); they are kept encrypted in the data folder, so once is enough"
                .to_owned(),
        )
    })?;
    let parts = start::Parts {
        folder,
        notebook: &notebook,
        clock: Arc::new(LocalClock::Wall),
        entropy: LocalEntropy::Random,
        addresses: addresses.clone(),
        console_url,
        posts_to_slack: true,
        runs: true,
    };
    let ports = Arc::new(start::ports(parts).await?);
    let address = addresses.api_url.clone();
    let is_known = known.as_ref().is_some_and(|known| known.same_as(&credentials));
    if !is_known || notebook.fact(REACHED_AT)?.as_ref() != Some(&address) {
        try_out(folder, &ports, &credentials, &addresses).await?;
        if credentials.tenant.is_none() {
            start::tokens(&ports).drop_present().await.map_err(LocalError::outside)?;
        }
        let secret = credentials.to_secret();
        ports.vault.put(&names::credentials(CONNECTION), secret).await.map_err(LocalError::outside)?;
        notebook.set_fact(REACHED_AT, &address)?;
    }
    start::claim(&notebook, start::Use::Live)?;
    if let Some(keys) = &given.webhook_keys {
        start::keep_webhook_keys(&vault, keys).await?;
    }
    let takes_webhooks = kept(&vault, names::WEBHOOK_KEYS).await?.is_some();
    let driver = Driver::new(ports, notebook, None);
    Ok(Live {
        driver,
        takes_webhooks,
        slack: given.slack.map(SecretString::from),
        by_consent: credentials.tenant.is_some(),
        scopes: addresses.consent_scopes(),
    })
}

/// Asks Xero whose books these credentials reach, and refuses others than the folder's. A custom connection is tried with a
/// token that nobody else uses; a consent has but one token set, which is renewed and kept as ever.
async fn try_out(
    folder: &Folder,
    ports: &LocalPorts,
    credentials: &Credentials,
    addresses: &XeroAddresses,
) -> Result<(), LocalError> {
    let input = |error: parstock_xero::InputError| LocalError::Input(error.to_string());
    let config = addresses.client_config(credentials).map_err(input)?;
    let http = parstock_xero::http_client(&[&addresses.api_url, &addresses.identity_url]).map_err(input)?;
    let budget = MemoryBudget::default();
    let clock = LocalClock::Wall;
    let reached = if credentials.is_consent() {
        organisation_of(&Client::new(config, http, start::tokens(ports), budget, clock), true).await?
    } else {
        organisation_of(&Client::new(config, http, MemoryTokenStore::default(), budget, clock), false).await?
    };
    let orgs = parstock_app::connect::orgs(ports).await?;
    match orgs.iter().find(|entry| entry.connection == CONNECTION) {
        Some(entry) if entry.org != reached.id => Err(LocalError::Input(format!(
            "{} holds the books of {}, and these credentials reach {}: use another folder with --data",
            folder.path().display(),
            entry.name,
            reached.name,
        ))),
        _ => Ok(()),
    }
}

async fn kept(vault: &EncryptedFileVault, name: &str) -> Result<Option<SecretString>, LocalError> {
    vault.get(name, Freshness::Now).await.map_err(LocalError::outside)
}

impl Live {
    /// Keeps Slack's address for the organisation, once that is known.
    ///
    /// # Errors
    /// When it can't be kept.
    pub async fn keep_slack(&mut self, folder: &Folder, org: OrgId) -> Result<(), LocalError> {
        let Some(address) = self.slack.take() else { return Ok(()) };
        start::vault(folder)?.put(&names::slack(org), address).await.map_err(LocalError::outside)
    }

    /// What the consent lacks of the scopes that are needed, as a sentence.
    ///
    /// # Errors
    /// When store or vault can't be read.
    pub async fn lacks(&self) -> Result<Option<String>, LocalError> {
        if !self.by_consent {
            return Ok(None);
        }
        let token = start::tokens(self.driver.ports()).load().await.map_err(LocalError::outside)?;
        let granted = token.map(|token| token.scopes).unwrap_or_default();
        Ok(crate::commands::connect::lacks(&granted, &self.scopes))
    }

    /// Whether anybody hears of digests and warnings: a mail address is set, or Slack with an address of its
    /// own.
    ///
    /// # Errors
    /// When store or vault can't be read.
    pub async fn is_heard(&self, folder: &Folder, org: OrgId) -> Result<bool, LocalError> {
        let policy = load::one::<Policy>(self.driver.ports().store(), Owner::Org(org), Key::Policy).await?;
        let set = policy.map(|row| row.content).unwrap_or_default().org();
        let slack = kept(&start::vault(folder)?, &names::slack(org)).await?;
        Ok(!set.mail_to.is_empty() || (set.slack && slack.is_some()))
    }
}

#[derive(Clone)]
struct Shared {
    ports: Arc<LocalPorts>,
    keys: Arc<SigningKeys<EncryptedFileVault>>,
}

/// Takes webhooks at `POST /webhook` on `port` until the process ends, and answers where. Their keys are those in the
/// folder's vault, which may change meanwhile.
///
/// # Errors
/// When the port is taken: the address that Xero knows must not change in silence.
pub async fn serve_webhooks(port: u16, ports: Arc<LocalPorts>) -> Result<String, LocalError> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        LocalError::Outside(format!(
            "port {port} for webhooks can't be had ({error}): end what uses it, or name another with --webhook-port"
        ))
    })?;
    let address = listener.local_addr().map_err(LocalError::outside)?;
    let app = Router::new()
        .route("/webhook", post(take))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX + 1))
        .with_state(Shared { keys: Arc::new(SigningKeys::new(Arc::clone(&ports.vault))), ports });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "webhooks are no longer taken");
        }
    });
    Ok(format!("http://{address}/webhook"))
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let ports = &shared.ports;
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    let answer = shared.keys.answer(signature, &body, &ports.queue, &*ports.clock, &*ports.entropy).await;
    StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

//! A live connection: the machine's clock, Xero (or what stands in for it) by the XERO_ variables, and a
//! listener for webhooks.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use parstock_adapters::config::XeroAddresses;
use parstock_adapters::vault::{EncryptedFileVault, Freshness, Vault, names};
use parstock_adapters::webhook;
use parstock_domain::ids::OrgId;
use parstock_xero::webhook::SIGNATURE_HEADER;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use crate::clock::{LocalClock, LocalEntropy};
use crate::driver::{CONNECTION, Driver};
use crate::error::LocalError;
use crate::folder::Folder;
use crate::notebook::Notebook;
use crate::ports::LocalPorts;
use crate::start;
use crate::trade::NoTrade;

/// Port of the webhook listener.
pub const WEBHOOK_PORT: u16 = 4102;

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
    /// The keys that webhooks may be signed with.
    pub webhook_keys: Vec<SecretString>,
    slack: Option<SecretString>,
}

/// Opens the live connection of a folder.
///
/// # Errors
/// [`LocalError::Input`] names every variable that is missing or wrong.
pub async fn open(folder: &Folder, notebook: Notebook, console_url: String) -> Result<Live, LocalError> {
    let addresses = XeroAddresses::from_env().map_err(|error| LocalError::Input(error.to_string()))?;
    let vault = start::vault(folder)?;
    let given = Secrets::from_env();
    match (&given.client_id, &given.client_secret) {
        (Some(id), Some(secret)) => start::keep_credentials(&vault, id, &secret.clone().into()).await?,
        (None, None) if kept(&vault, &names::credentials(CONNECTION)).await?.is_some() => {}
        _ => {
            return Err(LocalError::Input(
                "set XERO_CLIENT_ID and XERO_CLIENT_SECRET to those of your custom connection (developer.xero.com, \
                 My Apps); they are kept encrypted in the data folder, so once is enough"
                    .to_owned(),
            ));
        }
    }
    if let Some(keys) = &given.webhook_keys {
        vault.put(names::WEBHOOK_KEYS, keys.clone().into()).await.map_err(LocalError::outside)?;
    }
    let webhook_keys = kept(&vault, names::WEBHOOK_KEYS).await?.map_or_else(Vec::new, |keys| {
        keys.expose_secret().split_whitespace().map(SecretString::from).collect()
    });
    let parts = start::Parts {
        folder,
        notebook: &notebook,
        clock: Arc::new(LocalClock::Wall),
        entropy: LocalEntropy::Random,
        addresses,
        console_url,
        posts_to_slack: true,
    };
    let ports = Arc::new(start::ports(parts).await?);
    let driver = Driver::new(ports, notebook, webhook_keys.clone(), None);
    Ok(Live { driver, webhook_keys, slack: given.slack.map(SecretString::from) })
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
}

#[derive(Clone)]
struct Shared {
    ports: Arc<LocalPorts>,
    keys: Arc<Vec<SecretString>>,
}

/// Takes webhooks at `POST /webhook` until the process ends, and answers where.
///
/// # Errors
/// When the port is taken: the address that Xero knows must not change in silence.
pub async fn serve_webhooks(ports: Arc<LocalPorts>, keys: Vec<SecretString>) -> Result<String, LocalError> {
    let listener = TcpListener::bind(("127.0.0.1", WEBHOOK_PORT)).await.map_err(|error| {
        LocalError::Outside(format!(
            "port {WEBHOOK_PORT} for webhooks can't be had ({error}): end what uses it"
        ))
    })?;
    let app = Router::new()
        .route("/webhook", post(take))
        .layer(DefaultBodyLimit::max(webhook::BODY_BYTES_MAX + 1))
        .with_state(Shared { ports, keys: Arc::new(keys) });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "webhooks are no longer taken");
        }
    });
    Ok(format!("http://127.0.0.1:{WEBHOOK_PORT}/webhook"))
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let ports = &shared.ports;
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    let answer =
        webhook::answer(&shared.keys, signature, &body, &ports.queue, &*ports.clock, &*ports.entropy).await;
    StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

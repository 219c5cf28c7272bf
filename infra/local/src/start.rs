//! Putting a process together: folder, clock, store, simulator or Xero, ports and driver.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use parstock_adapters::chat::{FileChat, SlackChat};
use parstock_adapters::config::XeroAddresses;
use parstock_adapters::store::units::Meter;
use parstock_adapters::store::{DynamoStore, embedded};
use parstock_adapters::vault::{EncryptedFileVault, Vault, names};
use parstock_app::load;
use parstock_app::ports::{Commit, Entropy, Ports, Store};
use parstock_app::records::{Key, Lease, Owner as RowOwner};
use parstock_domain::ids::{CommitId, OrgId};
use parstock_xero_sim::{Settings, World, router};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::clock::{LocalClock, LocalEntropy};
use crate::driver::CONNECTION;
use crate::error::LocalError;
use crate::folder::Folder;
use crate::notebook::Notebook;
use crate::ports::{LocalBooks, LocalChat, LocalPorts, mailer};
use crate::queue::LocalQueue;

/// Facts in the notebook.
pub const ORG_KIND: &str = "org";
const STARTS: &str = "starts";

/// How many times the folder has been opened, this time included.
///
/// # Errors
/// When the notebook can't be written.
pub fn count_start(notebook: &Notebook) -> Result<u64, LocalError> {
    let starts =
        notebook.fact(STARTS)?.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0).saturating_add(1);
    notebook.set_fact(STARTS, &starts.to_string())?;
    Ok(starts)
}

/// Serves the simulated Xero on this machine and answers its base address.
///
/// # Errors
/// When no port can be had.
pub async fn serve_world(world: Arc<Mutex<World>>, clock: Arc<LocalClock>) -> Result<String, LocalError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(LocalError::outside)?;
    let address = listener.local_addr().map_err(LocalError::outside)?;
    let app = router(world, clock);
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the simulated Xero stopped");
        }
    });
    Ok(format!("http://{address}"))
}

/// The addresses of Xero, or of what stands in for it.
pub fn addresses(api_url: String, identity_url: String) -> XeroAddresses {
    XeroAddresses { api_url, identity_url, scopes: Vec::new(), tenant: None }
}

/// What a process is put together from.
pub struct Parts<'a> {
    /// The data folder.
    pub folder: &'a Folder,
    /// Its notebook.
    pub notebook: &'a Notebook,
    /// Time.
    pub clock: Arc<LocalClock>,
    /// Chance.
    pub entropy: LocalEntropy,
    /// Where Xero is.
    pub addresses: XeroAddresses,
    /// Where the console is.
    pub console_url: String,
    /// Whether Slack's own address is posted to, where one is kept, instead of a file.
    pub posts_to_slack: bool,
}

/// The folder's secrets.
///
/// # Errors
/// When its files can't be used.
pub fn vault(folder: &Folder) -> Result<EncryptedFileVault, LocalError> {
    EncryptedFileVault::open(&folder.file("secrets")).map_err(|error| LocalError::Input(error.to_string()))
}

/// Keeps the credentials of the one connection.
///
/// # Errors
/// When they can't be kept.
pub async fn keep_credentials(
    vault: &EncryptedFileVault,
    client_id: &str,
    client_secret: &SecretString,
) -> Result<(), LocalError> {
    let fields = BTreeMap::from([("client_id", client_id), ("client_secret", client_secret.expose_secret())]);
    let secret = SecretString::from(serde_json::to_string(&fields)?);
    vault.put(&names::credentials(CONNECTION), secret).await.map_err(LocalError::outside)
}

/// The folder's store.
///
/// # Errors
/// When its file can't be used.
pub fn store(path: &Path) -> Result<DynamoStore, LocalError> {
    embedded::open(path).map_err(LocalError::outside)
}

/// Puts the ports together and frees what the process before this one held when it ended.
///
/// # Errors
/// When a file of the folder can't be used.
pub async fn ports(parts: Parts<'_>) -> Result<LocalPorts, LocalError> {
    let Parts { folder, notebook, clock, entropy, addresses, console_url, posts_to_slack } = parts;
    let meter = Meter::default();
    let store = Arc::new(store(&folder.file("store.sqlite"))?.metered(meter.clone()));
    let entropy = Arc::new(entropy);
    let books = LocalBooks::new(
        Arc::clone(&store),
        Arc::new(vault(folder)?),
        Arc::clone(&clock),
        Arc::clone(&entropy),
        addresses,
    );
    let chat = if posts_to_slack {
        LocalChat::Slack(SlackChat::new(Arc::new(vault(folder)?)).map_err(LocalError::outside)?)
    } else {
        LocalChat::File(FileChat::new(folder.file("chat")))
    };
    let ports = LocalPorts {
        store,
        meter,
        books: books.map_err(LocalError::outside)?,
        queue: LocalQueue::open(notebook.clone(), Arc::clone(&clock))?,
        mailer: mailer(folder.path(), Arc::clone(&clock)),
        chat,
        clock,
        entropy,
        console_url,
    };
    for entry in parstock_app::connect::orgs(&ports).await? {
        free_lease(&ports, entry.org).await?;
    }
    Ok(ports)
}

/// The lease of an org belongs to nobody when a process starts, since only one works on a folder.
async fn free_lease(ports: &LocalPorts, org: OrgId) -> Result<(), LocalError> {
    let owner = RowOwner::Org(org);
    let Some(mut lease) = load::one::<Lease>(ports.store(), owner, Key::Lease).await? else { return Ok(()) };
    if lease.content.holder == Uuid::nil() {
        return Ok(());
    }
    lease.content.holder = Uuid::nil();
    let commit = Commit { id: CommitId(ports.entropy().uuid()), writes: vec![lease.write(Key::Lease)] };
    ports.store().commit(owner, commit).await.map_err(LocalError::outside)
}

/// Opens the simulated Xero of a folder, or one in memory.
///
/// # Errors
/// When its file can't be used.
pub fn world(path: Option<&Path>, seed: u64, settings: Settings) -> Result<Arc<Mutex<World>>, LocalError> {
    Ok(Arc::new(Mutex::new(World::open(path, seed, settings)?)))
}

/// The clock of a simulated run: where the process before stood, or `first`.
///
/// # Errors
/// When the notebook can't be read.
pub fn simulated_clock(notebook: &Notebook, first: Timestamp) -> Result<Arc<LocalClock>, LocalError> {
    let now = notebook.instant(crate::driver::NOW)?.unwrap_or(first);
    Ok(Arc::new(LocalClock::simulated(now)))
}

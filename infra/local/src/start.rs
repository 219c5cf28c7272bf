//! Putting a process together: folder, clock, store, simulator or Xero, ports and driver.

use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use parstock_adapters::chat::{FileChat, SlackChat};
use parstock_adapters::config::XeroAddresses;
use parstock_adapters::store::units::Meter;
use parstock_adapters::store::{DynamoStore, embedded};
use parstock_adapters::tokens::StoreTokens;
use parstock_adapters::vault::{Credentials, EncryptedFileVault, Vault, names};
use parstock_app::load::{self, Versioned};
use parstock_app::ports::{Commit, Entropy, Ports, Store, Write};
use parstock_app::records::{
    CallBudgetRecord, Connection, Effect, EffectState, Key, Lease, List, Mark, Owner as RowOwner,
};
use parstock_domain::ids::{CommitId, OrgId};
use parstock_xero::BudgetState;
use parstock_xero_sim::{Settings, World, router};
use secrecy::SecretString;
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::clock::{LocalClock, LocalEntropy};
use crate::driver::{CONNECTION, locked};
use crate::error::LocalError;
use crate::folder::Folder;
use crate::notebook::Notebook;
use crate::place::Place;
use crate::ports::{LocalBooks, LocalChat, LocalPorts, mailer};
use crate::queue::LocalQueue;

/// Facts in the notebook.
const USED_FOR: &str = "org";
const STARTS: &str = "starts";

/// What a folder is for. It never becomes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// `run --org demo`
    Demo,
    /// `run --org live`
    Live,
    /// `replay --data`
    Replay,
}

impl Use {
    const ALL: [Self; 3] = [Self::Demo, Self::Live, Self::Replay];

    const fn word(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Live => "live",
            Self::Replay => "replay",
        }
    }

    const fn holds(self) -> &'static str {
        match self {
            Self::Demo => "the demo company (`run --org demo`)",
            Self::Live => "an organisation in Xero (`run --org live`)",
            Self::Replay => "what a replay left behind, which can only be looked at",
        }
    }
}

/// What a folder is for; `None` as long as nothing ran in it.
///
/// # Errors
/// When the notebook can't be read.
pub fn used_for(notebook: &Notebook) -> Result<Option<Use>, LocalError> {
    let word = notebook.fact(USED_FOR)?;
    Ok(Use::ALL.into_iter().find(|used| word.as_deref() == Some(used.word())))
}

/// Makes sure that a folder is for nothing else than `wanted`.
///
/// # Errors
/// [`LocalError::Input`] says what it holds.
pub fn check_use(folder: &Folder, notebook: &Notebook, wanted: Use) -> Result<(), LocalError> {
    match used_for(notebook)? {
        Some(used) if used != wanted => Err(LocalError::Input(format!(
            "{} holds {}: name another folder with --data",
            folder.path().display(),
            used.holds()
        ))),
        _ => Ok(()),
    }
}

/// Makes sure that a folder may be connected to Xero. One that another process holds is asked about that later.
///
/// # Errors
/// [`LocalError::Input`] says what it holds.
pub fn may_be_live(folder: &Folder) -> Result<(), LocalError> {
    let file = folder.file("local.sqlite");
    match folder.hold()? {
        Some(_held) if file.exists() => check_use(folder, &Notebook::open(&file)?, Use::Live),
        _ => Ok(()),
    }
}

/// Keeps what a folder is for from now on.
///
/// # Errors
/// When the notebook can't be written.
pub fn claim(notebook: &Notebook, wanted: Use) -> Result<(), LocalError> {
    Ok(notebook.set_fact(USED_FOR, wanted.word())?)
}

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
    /// Whether this process runs the folder's work, and not only a command.
    pub runs: bool,
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
    let credentials = Credentials {
        client_id: client_id.to_owned(),
        client_secret: client_secret.clone(),
        tenant: None,
        token_set: None,
    };
    vault.put(&names::credentials(CONNECTION), credentials.to_secret()).await.map_err(LocalError::outside)
}

/// Keeps the webhook's signing keys: one, or during a change the new and the old one, with blanks between.
///
/// # Errors
/// When they can't be kept.
pub async fn keep_webhook_keys(vault: &EncryptedFileVault, keys: &str) -> Result<(), LocalError> {
    let keys: Vec<&str> = keys.split_whitespace().collect();
    let secret = SecretString::from(serde_json::to_string(&keys)?);
    vault.put(names::WEBHOOK_KEYS, secret).await.map_err(LocalError::outside)
}

/// The folder's store.
///
/// # Errors
/// When its file can't be used.
pub fn store(folder: &Folder) -> Result<DynamoStore, LocalError> {
    let open = if folder.is_temporary() { embedded::open_temporary } else { embedded::open };
    open(&folder.file("store.sqlite")).map_err(LocalError::outside)
}

/// Puts the ports together and frees what the process before this one held when it ended.
///
/// # Errors
/// When a file of the folder can't be used.
pub async fn ports(parts: Parts<'_>) -> Result<LocalPorts, LocalError> {
    let Parts { folder, notebook, clock, entropy, addresses, console_url, posts_to_slack, runs } = parts;
    let meter = Meter::default();
    let store = Arc::new(store(folder)?.metered(meter.clone()));
    let (entropy, vault) = (Arc::new(entropy), Arc::new(vault(folder)?));
    let books = LocalBooks::new(
        Arc::clone(&store),
        Arc::clone(&vault),
        Arc::clone(&clock),
        Arc::clone(&entropy),
        addresses,
    );
    let chat = if posts_to_slack {
        LocalChat::Slack(SlackChat::new(Arc::clone(&vault)))
    } else {
        LocalChat::File(FileChat::new(folder.file("chat")))
    };
    let ports = LocalPorts {
        store,
        meter,
        vault,
        books,
        queue: LocalQueue::open(notebook.clone(), Arc::clone(&clock))?,
        mailer: mailer(folder.path(), Arc::clone(&clock)),
        chat,
        clock,
        entropy,
        console_url,
        turn: Arc::default(),
        runs,
    };
    free_token(&ports).await?;
    for entry in parstock_app::connect::orgs(&ports).await? {
        free(&ports, entry.org).await?;
    }
    Ok(ports)
}

/// The ports of a process whose Xero is simulated: it is served on this machine, and the folder gets its credentials and
/// webhook key.
///
/// # Errors
/// As [`ports`], and when no port can be had.
pub async fn beside_simulated_xero(
    folder: &Folder,
    notebook: &Notebook,
    clock: Arc<LocalClock>,
    world: &Arc<Mutex<World>>,
    seed: u64,
    console_url: String,
) -> Result<Arc<LocalPorts>, LocalError> {
    let base = serve_world(Arc::clone(world), Arc::clone(&clock)).await?;
    let settings = locked(world).settings().clone();
    let vault = vault(folder)?;
    keep_credentials(&vault, &settings.client_id, &settings.client_secret.into()).await?;
    keep_webhook_keys(&vault, &settings.webhook_key).await?;
    let parts = Parts {
        folder,
        notebook,
        clock,
        entropy: LocalEntropy::seeded(seed, count_start(notebook)?),
        addresses: addresses(format!("{base}/api.xro/2.0"), base),
        console_url,
        posts_to_slack: false,
        runs: true,
    };
    Ok(Arc::new(ports(parts).await?))
}

async fn write(ports: &LocalPorts, owner: RowOwner, writes: Vec<Write>) -> Result<(), LocalError> {
    if writes.is_empty() {
        return Ok(());
    }
    let commit = Commit { id: CommitId(ports.entropy().uuid()), writes };
    ports.store().commit(owner, commit).await.map_err(LocalError::outside)
}

/// Frees what the process before this one held of an org when it was killed: only one works on a folder, so
/// nobody holds it any more, and waiting for its time to run out would only cost time.
async fn free(ports: &LocalPorts, org: OrgId) -> Result<(), LocalError> {
    let owner = RowOwner::Org(org);
    let now = ports.clock.now();
    let mut writes = Vec::new();
    if let Some(mut lease) = load::one::<Lease>(ports.store(), owner, Key::Lease).await?
        && lease.content.holder != Uuid::nil()
    {
        lease.content.holder = Uuid::nil();
        writes.push(lease.write(Key::Lease));
    }
    if let Some(budget) = load::one::<CallBudgetRecord>(ports.store(), owner, Key::CallBudget).await? {
        let mut state: BudgetState = serde_json::from_str(&budget.content.state)?;
        if state.abandon(now) {
            let content = CallBudgetRecord { state: serde_json::to_string(&state)? };
            writes.push(Versioned { content, expect: budget.expect }.write(Key::CallBudget));
        }
    }
    write(ports, owner, writes).await?;
    for (key, _) in load::all::<Mark>(ports.store(), org, &List::PendingEffects).await? {
        let Key::PendingEffect(id) = key else { continue };
        let Some(mut effect) = load::one::<Effect>(ports.store(), owner, Key::Effect(id)).await? else {
            continue;
        };
        effect.content.status = match effect.content.status {
            EffectState::Trying { .. } => EffectState::Unknown { at: now },
            EffectState::Noting { order, until } if until > now => EffectState::Noting { order, until: now },
            _ => continue,
        };
        write(ports, owner, vec![effect.write(Key::Effect(id))]).await?;
    }
    Ok(())
}

/// Frees the lease of the connection's token.
async fn free_token(ports: &LocalPorts) -> Result<(), LocalError> {
    let key = Key::Connection(CONNECTION.to_owned());
    match load::one::<Connection>(ports.store(), RowOwner::Stack, key.clone()).await? {
        Some(mut row) if row.content.lease.is_some() => {
            row.content.lease = None;
            write(ports, RowOwner::Stack, vec![row.write(key)]).await
        }
        _ => Ok(()),
    }
}

/// The tokens of the one connection.
pub fn tokens(ports: &LocalPorts) -> StoreTokens<DynamoStore, EncryptedFileVault, LocalEntropy> {
    ports.tokens(CONNECTION)
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

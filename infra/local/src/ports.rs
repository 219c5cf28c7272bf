//! The ports of the process.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use parstock_adapters::books::{Examined, XeroBooks};
use parstock_adapters::budget::StoreBudget;
use parstock_adapters::chat::{FileChat, SlackChat};
use parstock_adapters::mailer::FileMailer;
use parstock_adapters::store::DynamoStore;
use parstock_adapters::store::units::Meter;
use parstock_adapters::tokens::StoreTokens;
use parstock_adapters::vault::{Credentials, EncryptedFileVault, Freshness, Vault, names};
use parstock_app::ports::{BooksError, Chat, Ports, QueueName, SendError};
use parstock_domain::ids::OrgId;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::MutexGuard;

use crate::clock::{LocalClock, LocalEntropy};
use crate::doctor::{Finding, judge};
use crate::driver::CONNECTION;
use crate::error::LocalError;
use crate::place::{self, Letter, Place};
use crate::queue::{Dead, LocalQueue};

/// Xero, or the simulator, over HTTP.
pub type LocalBooks = XeroBooks<DynamoStore, EncryptedFileVault, LocalClock, LocalEntropy>;

/// Slack of the process.
#[derive(Debug)]
pub enum LocalChat {
    /// Messages as lines of a file.
    File(FileChat),
    /// Slack itself.
    Slack(SlackChat<EncryptedFileVault>),
}

impl Chat for LocalChat {
    async fn post(&self, org: OrgId, message: &str) -> Result<(), SendError> {
        match self {
            Self::File(chat) => chat.post(org, message).await,
            Self::Slack(chat) => chat.post(org, message).await,
        }
    }
}

/// All of them.
pub struct LocalPorts {
    /// State.
    pub store: Arc<DynamoStore>,
    /// What state costs, in DynamoDB's units.
    pub meter: Meter,
    /// The folder's secrets: one value for all who write them, since each write is a whole new file.
    pub vault: Arc<EncryptedFileVault>,
    /// Xero, or the simulator, over HTTP.
    pub books: LocalBooks,
    /// The queues.
    pub queue: LocalQueue,
    /// Mail, as files.
    pub mailer: FileMailer<LocalClock>,
    /// Slack.
    pub chat: LocalChat,
    /// Time.
    pub clock: Arc<LocalClock>,
    /// Chance.
    pub entropy: Arc<LocalEntropy>,
    /// Where the console is.
    pub console_url: String,
    /// Whose turn it is to change things: a step of the driver, or a command.
    pub turn: Arc<tokio::sync::Mutex<()>>,
    /// Whether this process runs the folder's work, and not only a command.
    pub runs: bool,
}

impl Ports for LocalPorts {
    type Store = DynamoStore;
    type Books = LocalBooks;
    type Queue = LocalQueue;
    type Mailer = FileMailer<LocalClock>;
    type Chat = LocalChat;
    type Clock = LocalClock;
    type Entropy = LocalEntropy;

    fn store(&self) -> &DynamoStore {
        &self.store
    }
    fn books(&self) -> &LocalBooks {
        &self.books
    }
    fn queue(&self) -> &LocalQueue {
        &self.queue
    }
    fn mailer(&self) -> &FileMailer<LocalClock> {
        &self.mailer
    }
    fn chat(&self) -> &LocalChat {
        &self.chat
    }
    fn clock(&self) -> &LocalClock {
        &self.clock
    }
    fn entropy(&self) -> &LocalEntropy {
        &self.entropy
    }
    fn console_url(&self) -> &str {
        &self.console_url
    }
}

/// How long a command waits for the step that is under way.
const TURN_WAIT: Duration = Duration::from_secs(30);
/// Who decides at the command line of a folder, in the audit trail.
const COMMAND_LINE: &str = "command line";

impl LocalPorts {
    /// Waits for the step under way.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn between_steps(&self) -> Result<MutexGuard<'_, ()>, LocalError> {
        tokio::time::timeout(TURN_WAIT, self.turn.lock()).await.map_err(|_| {
            LocalError::Outside(format!(
                "the running parstock has been at one step for {} seconds, and nothing was changed: try again in a minute",
                TURN_WAIT.as_secs()
            ))
        })
    }
}

impl Place for LocalPorts {
    type Vault = EncryptedFileVault;

    fn vault(&self) -> &Arc<EncryptedFileVault> {
        &self.vault
    }

    fn tokens(&self, token_set: &str) -> StoreTokens<DynamoStore, EncryptedFileVault, LocalEntropy> {
        let (store, vault, entropy) =
            (Arc::clone(&self.store), Arc::clone(&self.vault), Arc::clone(&self.entropy));
        StoreTokens::new(store, vault, entropy, token_set.to_owned())
    }

    fn budget(&self, org: OrgId, with: &Credentials) -> StoreBudget<DynamoStore, LocalEntropy> {
        StoreBudget::of(Arc::clone(&self.store), Arc::clone(&self.entropy), org, with)
    }

    fn connections(&self) -> Vec<&str> {
        vec![CONNECTION]
    }

    fn org_wanted(&self) -> Option<&str> {
        None
    }

    fn person(&self) -> &str {
        COMMAND_LINE
    }

    async fn turn(&self, _: OrgId, _: bool) -> Result<Option<MutexGuard<'_, ()>>, LocalError> {
        // a step holds the organisation's lease, and in a busy hour one step follows the other: who waits in line
        // gets in between
        self.between_steps().await.map(Some)
    }

    async fn waiting(&self, queue: QueueName) -> Result<u64, LocalError> {
        Ok(self.queue.waiting(queue)?)
    }

    async fn letters(&self) -> Result<Vec<Letter>, LocalError> {
        let letter = |dead: Dead| Letter {
            id: dead.id.to_string(),
            queue: dead.queue,
            body: dead.body,
            cause: dead.cause,
            at: dead.at,
        };
        Ok(self.queue.dead()?.into_iter().map(letter).collect())
    }

    async fn take_letters(&self, ids: &[String], again: bool) -> Result<u64, LocalError> {
        let standing = self.queue.dead()?;
        let number = |id: &String| {
            let dead = standing.iter().find(|dead| dead.id.to_string() == *id);
            dead.map(|dead| dead.id).ok_or_else(|| place::no_letter(id))
        };
        let numbers = ids.iter().map(number).collect::<Result<Vec<_>, _>>()?;
        Ok(self.queue.take_dead(&numbers, again)?)
    }

    fn is_simulated(&self) -> bool {
        self.clock.is_simulated()
    }

    fn reaches_xero(&self) -> bool {
        // the simulated Xero rests with the process that runs it
        self.runs || !self.is_simulated()
    }

    async fn examine(&self, org: OrgId, day: Date) -> Result<Examined, BooksError> {
        self.books.examine(org, day).await
    }

    async fn ground(&self) -> Vec<Finding> {
        let mut found = vec![judge::folder(self.runs)];
        // the simulated Xero's key needs no place in the folder
        if !self.is_simulated() {
            let keys = self.vault.get(names::WEBHOOK_KEYS, Freshness::Now).await;
            let count = |keys: SecretString| keys.expose_secret().split_whitespace().count();
            let keys = keys.map(|keys| keys.map_or(0, count)).map_err(|error| error.to_string());
            found.push(judge::webhook_keys(&keys, false));
        }
        found
    }
}

/// Who mails come from.
const MAIL_FROM: &str = "parstock@localhost";

/// Mail into the folder's `mail`.
pub fn mailer(folder: &Path, clock: Arc<LocalClock>) -> FileMailer<LocalClock> {
    FileMailer::new(folder.join("mail"), MAIL_FROM.to_owned(), clock)
}

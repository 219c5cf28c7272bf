//! The ports of the process.

use std::path::Path;
use std::sync::Arc;

use parstock_adapters::books::XeroBooks;
use parstock_adapters::chat::{FileChat, SlackChat};
use parstock_adapters::mailer::FileMailer;
use parstock_adapters::store::DynamoStore;
use parstock_adapters::store::units::Meter;
use parstock_adapters::vault::EncryptedFileVault;
use parstock_app::ports::{Chat, Ports, SendError};
use parstock_domain::ids::OrgId;

use crate::clock::{LocalClock, LocalEntropy};
use crate::queue::LocalQueue;

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

/// Who mails come from.
const MAIL_FROM: &str = "parstock@localhost";

/// Mail into the folder's `mail`.
pub fn mailer(folder: &Path, clock: Arc<LocalClock>) -> FileMailer<LocalClock> {
    FileMailer::new(folder.join("mail"), MAIL_FROM.to_owned(), clock)
}

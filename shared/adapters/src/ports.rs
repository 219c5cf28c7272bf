//! All ports of a process in one value.

use std::sync::Arc;

use parstock_app::ports::{Books, Chat, Clock, Entropy, Mailer, Ports, Queue, Store};

use crate::aws::sdk_config;
use crate::books::XeroBooks;
use crate::chat::SlackChat;
use crate::clock::{RandomIds, WallClock};
use crate::config::Config;
use crate::mailer::SesMailer;
use crate::queue::SqsQueue;
use crate::store::{DynamoStore, dynamo};
use crate::vault::{SecretsManagerVault, Vault};

/// One implementation of each port. Store, clock and chance are shared with the adapters that are built on them.
#[derive(Debug)]
pub struct Bundle<S, B, Q, M, C, K, E, V> {
    /// The store.
    pub store: Arc<S>,
    /// Secrets. No use case asks for them; what connects to Xero does.
    pub vault: Arc<V>,
    /// The books.
    pub books: B,
    /// The queues.
    pub queue: Q,
    /// The mailer.
    pub mailer: M,
    /// The chat.
    pub chat: C,
    /// The clock.
    pub clock: Arc<K>,
    /// Chance.
    pub entropy: Arc<E>,
    /// Where people reach the console, without a slash at its end.
    pub console_url: String,
}

impl<S: Store, B: Books, Q: Queue, M: Mailer, C: Chat, K: Clock, E: Entropy, V: Vault> Ports
    for Bundle<S, B, Q, M, C, K, E, V>
{
    type Store = S;
    type Books = B;
    type Queue = Q;
    type Mailer = M;
    type Chat = C;
    type Clock = K;
    type Entropy = E;

    fn store(&self) -> &S {
        &self.store
    }
    fn books(&self) -> &B {
        &self.books
    }
    fn queue(&self) -> &Q {
        &self.queue
    }
    fn mailer(&self) -> &M {
        &self.mailer
    }
    fn chat(&self) -> &C {
        &self.chat
    }
    fn clock(&self) -> &K {
        &self.clock
    }
    fn entropy(&self) -> &E {
        &self.entropy
    }
    fn console_url(&self) -> &str {
        &self.console_url
    }
}

/// Secrets on AWS.
pub type AwsVault = SecretsManagerVault<WallClock>;

/// Everything on AWS.
pub type Production = Bundle<
    DynamoStore,
    XeroBooks<DynamoStore, AwsVault, WallClock, RandomIds>,
    SqsQueue,
    SesMailer<WallClock>,
    SlackChat<AwsVault>,
    WallClock,
    RandomIds,
    AwsVault,
>;

/// The ports of a function on AWS. No call is made yet: connections are opened and secrets fetched when first used.
pub async fn production(config: &Config) -> Production {
    let sdk = sdk_config().await;
    let (clock, entropy) = (Arc::new(WallClock), Arc::new(RandomIds));
    let store = Arc::new(DynamoStore::new(dynamo::client(&sdk), config.table.clone()));
    let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
    let vault = Arc::new(SecretsManagerVault::new(secrets, config.secret_prefix.clone(), Arc::clone(&clock)));
    let xero = config.xero.clone();
    let books = XeroBooks::new(
        Arc::clone(&store),
        Arc::clone(&vault),
        Arc::clone(&clock),
        Arc::clone(&entropy),
        xero,
    );
    let chat = SlackChat::new(Arc::clone(&vault));
    let queue = SqsQueue::new(aws_sdk_sqs::Client::new(&sdk), config.queues.clone());
    let mailer = SesMailer::new(&sdk, config.mail_from.clone(), Arc::clone(&clock));
    let console_url = config.console_url.clone();
    Bundle { store, vault, books, queue, mailer, chat, clock, entropy, console_url }
}

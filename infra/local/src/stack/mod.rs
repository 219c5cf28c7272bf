//! A deployed stack, reached with the caller's own AWS credentials: the same use cases over the same adapters as in its
//! functions. What is to leave for Xero leaves through the stack's queues.

mod ground;
mod judge;
mod letters;
mod outputs;
mod trouble;

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use jiff::civil::Date;
use parstock_adapters::aws::sdk_config;
use parstock_adapters::books::{Examined, XeroBooks};
use parstock_adapters::budget::StoreBudget;
use parstock_adapters::chat::SlackChat;
use parstock_adapters::clock::{RandomIds, WallClock};
use parstock_adapters::config::{Config, XeroAddresses};
use parstock_adapters::mailer::SesMailer;
use parstock_adapters::ports::{AwsVault, Production, production};
use parstock_adapters::queue::SqsQueue;
use parstock_adapters::store::DynamoStore;
use parstock_adapters::tokens::StoreTokens;
use parstock_adapters::vault::Credentials;
use parstock_app::load;
use parstock_app::ports::{BooksError, Clock, Ports, QueueName};
use parstock_app::records::{Key, Lease, Owner};
use parstock_domain::ids::OrgId;
use tokio::sync::MutexGuard;
use uuid::Uuid;

use crate::ask::{Answer, Ask, answer};
use crate::doctor::{self, Finding};
use crate::error::LocalError;
use crate::place::{Letter, Place};
use outputs::Described;

/// How often it is looked whether the stack's work leaves the organisation alone, and how long to wait in between: half a
/// minute in all.
const LEASE_LOOKS: u32 = 30;
const LEASE_PAUSE: Duration = Duration::from_secs(1);

/// A stack in AWS, as these credentials see it.
pub struct Stack {
    ports: Production,
    vault: Arc<AwsVault>,
    sdk: SdkConfig,
    sqs: aws_sdk_sqs::Client,
    config: Config,
    described: Described,
    person: String,
    org: Option<String>,
}

/// Reaches AWS and asks for the stack. Answers by whose leave, too.
async fn reach(name: &str) -> Result<(SdkConfig, String, Described), LocalError> {
    let sdk = sdk_config().await;
    let region = trouble::region_of(&sdk).await?;
    let caller = aws_sdk_sts::Client::new(&sdk).get_caller_identity().send().await;
    let caller = caller.map_err(|error| trouble::told("ask AWS who you are", &region, &error))?;
    let person = outputs::person(caller.arn().unwrap_or_default());
    let client = aws_sdk_cloudformation::Client::new(&sdk);
    let described = match client.describe_stacks().stack_name(name).send().await {
        Ok(answer) => answer.stacks.and_then(|stacks| stacks.into_iter().next()).map(Described::from),
        Err(error) if trouble::is_unknown_stack(&error) => None,
        Err(error) => return Err(trouble::told("describe the stack", &region, &error)),
    };
    let described = described.ok_or_else(|| {
        LocalError::Input(format!(
            "there is no stack `{name}` in {region} in the account {}: check the name, or set AWS_REGION to the region \
             that it was deployed to",
            caller.account().unwrap_or("of these credentials")
        ))
    })?;
    Ok((sdk, person, described))
}

impl Stack {
    /// Opens a stack; `org` says which organisation is asked about.
    ///
    /// # Errors
    /// [`LocalError::Input`] without credentials or region, with ones that AWS does not take, for a stack that isn't
    /// there; [`LocalError::Outside`] when AWS does not answer, or the stack stands so that it can't be used.
    pub async fn open(name: &str, org: Option<String>) -> Result<Self, LocalError> {
        let (sdk, person, described) = reach(name).await?;
        described.usable()?;
        Self::over(sdk, person, described, org).await
    }

    async fn over(
        sdk: SdkConfig,
        person: String,
        described: Described,
        org: Option<String>,
    ) -> Result<Self, LocalError> {
        let xero = XeroAddresses::from_env().map_err(|error| LocalError::Input(error.to_string()))?;
        let config = described.config(xero)?;
        let ports = production(&config).await;
        let secrets = aws_sdk_secretsmanager::Client::new(&sdk);
        let vault = Arc::new(AwsVault::new(secrets, config.secret_prefix.clone(), Arc::new(WallClock)));
        let sqs = aws_sdk_sqs::Client::new(&sdk);
        Ok(Self { ports, vault, sdk, sqs, config, described, person, org })
    }
}

/// Examines a stack, whatever state it is in.
///
/// # Errors
/// As [`Stack::open`], for all that keeps from looking at all.
pub async fn examine(name: &str, org: Option<String>) -> Result<Answer, LocalError> {
    let (sdk, person, described) = reach(name).await?;
    if described.usable().is_err() {
        return Ok(doctor::told(&[judge::state(&described.state, described.reason.as_deref())]));
    }
    answer(&Stack::over(sdk, person, described, org).await?, &Ask::Doctor).await
}

impl Ports for Stack {
    type Store = DynamoStore;
    type Books = XeroBooks<DynamoStore, AwsVault, WallClock, RandomIds>;
    type Queue = SqsQueue;
    type Mailer = SesMailer<WallClock>;
    type Chat = SlackChat<AwsVault>;
    type Clock = WallClock;
    type Entropy = RandomIds;

    fn store(&self) -> &DynamoStore {
        self.ports.store()
    }
    fn books(&self) -> &Self::Books {
        self.ports.books()
    }
    fn queue(&self) -> &SqsQueue {
        self.ports.queue()
    }
    fn mailer(&self) -> &Self::Mailer {
        self.ports.mailer()
    }
    fn chat(&self) -> &Self::Chat {
        self.ports.chat()
    }
    fn clock(&self) -> &WallClock {
        self.ports.clock()
    }
    fn entropy(&self) -> &RandomIds {
        self.ports.entropy()
    }
    fn console_url(&self) -> &str {
        self.ports.console_url()
    }
}

impl Place for Stack {
    type Vault = AwsVault;

    fn vault(&self) -> &Arc<AwsVault> {
        &self.vault
    }

    fn tokens(&self, token_set: &str) -> StoreTokens<DynamoStore, AwsVault, RandomIds> {
        let (store, entropy) = (Arc::clone(&self.ports.store), Arc::clone(&self.ports.entropy));
        StoreTokens::new(store, Arc::clone(&self.vault), entropy, token_set.to_owned())
    }

    fn budget(&self, org: OrgId, with: &Credentials) -> StoreBudget<DynamoStore, RandomIds> {
        StoreBudget::of(Arc::clone(&self.ports.store), Arc::clone(&self.ports.entropy), org, with)
    }

    fn connections(&self) -> Vec<&str> {
        self.config.connections.iter().map(String::as_str).collect()
    }

    fn org_wanted(&self) -> Option<&str> {
        self.org.as_deref()
    }

    fn person(&self) -> &str {
        &self.person
    }

    /// The stack's functions are other processes: the organisation's lease keeps them and this one apart.
    async fn turn(&self, org: OrgId, leased: bool) -> Result<Option<MutexGuard<'_, ()>>, LocalError> {
        for _ in 0..LEASE_LOOKS {
            let lease = load::one::<Lease>(self.store(), Owner::Org(org), Key::Lease).await?;
            let now = self.clock().now();
            let is_held = |lease: &Lease| lease.holder != Uuid::nil() && lease.until > now;
            if !leased || !lease.is_some_and(|lease| is_held(&lease.content)) {
                return Ok(None);
            }
            tokio::time::sleep(LEASE_PAUSE).await;
        }
        Err(LocalError::Outside(
            "the stack is busy with this organisation's books, and nothing was changed: try again in a minute".to_owned(),
        ))
    }

    async fn waiting(&self, queue: QueueName) -> Result<u64, LocalError> {
        letters::waiting(&self.sqs, &self.config.queues, queue).await
    }

    async fn letters(&self) -> Result<Vec<Letter>, LocalError> {
        letters::list(&self.sqs, &self.config.queues).await
    }

    async fn take_letters(&self, ids: &[String], again: bool) -> Result<u64, LocalError> {
        letters::take(&self.sqs, &self.config.queues, ids, again).await
    }

    fn is_simulated(&self) -> bool {
        false
    }

    fn reaches_xero(&self) -> bool {
        true
    }

    async fn examine(&self, org: OrgId, day: Date) -> Result<Examined, BooksError> {
        self.ports.books.examine(org, day).await
    }

    async fn ground(&self) -> Vec<Finding> {
        ground::look(self).await
    }
}

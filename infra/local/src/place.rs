//! Where a question is answered: in a data folder on this machine, or in a deployed stack.

use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_adapters::books::Examined;
use parstock_adapters::budget::StoreBudget;
use parstock_adapters::store::DynamoStore;
use parstock_adapters::tokens::StoreTokens;
use parstock_adapters::vault::{Credentials, Vault};
use parstock_app::ports::{BooksError, Ports, QueueName};
use parstock_domain::ids::OrgId;
use tokio::sync::MutexGuard;

use crate::doctor::Finding;
use crate::error::LocalError;

/// A message that nobody tries again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// What it is called: a number in a folder, the message's id in a stack.
    pub id: String,
    /// Of which queue.
    pub queue: String,
    /// Its body.
    pub body: String,
    /// Why.
    pub cause: String,
    /// When it was given up.
    pub at: Timestamp,
}

/// What the commands need of the place where they are answered, besides the ports of the use cases.
pub trait Place: Ports {
    /// Where its secrets are.
    type Vault: Vault;

    /// Its secrets.
    fn vault(&self) -> &Arc<Self::Vault>;

    /// The tokens of a token set.
    fn tokens(&self, token_set: &str) -> StoreTokens<DynamoStore, Self::Vault, Self::Entropy>;

    /// The call budget of an organisation, which is reached with these credentials.
    fn budget(&self, org: OrgId, with: &Credentials) -> StoreBudget<DynamoStore, Self::Entropy>;

    /// The names of its connections to Xero.
    fn connections(&self) -> Vec<&str>;

    /// Which organisation is asked about, by name or id, if the person said so.
    fn org_wanted(&self) -> Option<&str>;

    /// Who decides, in the audit trail.
    fn person(&self) -> &str;

    /// Waits until what is asked can be done without getting into the way of work. `leased` says whether it takes the
    /// organisation's lease.
    fn turn(
        &self,
        org: OrgId,
        leased: bool,
    ) -> impl Future<Output = Result<Option<MutexGuard<'_, ()>>, LocalError>> + Send;

    /// How many messages wait in a queue.
    fn waiting(&self, queue: QueueName) -> impl Future<Output = Result<u64, LocalError>> + Send;

    /// The dead letters of all queues, the oldest first.
    fn letters(&self) -> impl Future<Output = Result<Vec<Letter>, LocalError>> + Send;

    /// Takes dead letters away, and sends them again if `again` says so; answers how many. With one that is not there
    /// nothing is done.
    fn take_letters(
        &self,
        ids: &[String],
        again: bool,
    ) -> impl Future<Output = Result<u64, LocalError>> + Send;

    /// Whether Xero, time and Slack are simulated.
    fn is_simulated(&self) -> bool;

    /// Whether a Xero can be reached from here.
    fn reaches_xero(&self) -> bool;

    /// What Xero says of an organisation and of what may be done there.
    fn examine(&self, org: OrgId, day: Date) -> impl Future<Output = Result<Examined, BooksError>> + Send;

    /// What the doctor finds of the ground that this place stands on.
    fn ground(&self) -> impl Future<Output = Vec<Finding>> + Send;
}

/// There is no such dead letter.
pub fn no_letter(id: &str) -> LocalError {
    LocalError::Input(format!(
        "there is no dead letter {id}, and nothing was done: see `parstock dead-letters list`"
    ))
}

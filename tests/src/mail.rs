//! Mail and chat that keep what they took, also when their answer was lost.

use std::sync::{Arc, Mutex};

use parstock_app::ports::{Chat, Mail, Mailer, SendError};
use parstock_domain::ids::OrgId;

use crate::scheduler::{Edge, Sim, Verdict, lock};

/// Something that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken<T> {
    /// What.
    pub what: T,
    /// Whether the sender was told so.
    pub answered: bool,
}

/// An outbox that accepts everything.
#[derive(Clone)]
pub struct FakeOutbox<T> {
    sim: Sim,
    taken: Arc<Mutex<Vec<Taken<T>>>>,
}

/// The mailer.
pub type FakeMailer = FakeOutbox<Mail>;
/// The chat.
pub type FakeChat = FakeOutbox<(OrgId, String)>;

impl<T: Clone> FakeOutbox<T> {
    /// An outbox that has taken nothing.
    pub fn new(sim: Sim) -> Self {
        Self { sim, taken: Arc::default() }
    }

    /// All that was taken, in its order.
    pub fn taken(&self) -> Vec<Taken<T>> {
        lock(&self.taken).clone()
    }

    async fn take(&self, name: &'static str, what: T) -> Result<(), SendError> {
        if self.sim.point(Edge::Before, name).await == Verdict::Fail {
            return Err(SendError::Retry("throttled".into()));
        }
        let at = {
            let mut taken = lock(&self.taken);
            // until the caller has its answer it doesn't have it, also when it is dropped while it waits
            taken.push(Taken { what, answered: false });
            taken.len() - 1
        };
        if self.sim.point(Edge::After, name).await == Verdict::Fail {
            return Err(SendError::Unknown("timed out".into()));
        }
        if let Some(taken) = lock(&self.taken).get_mut(at) {
            taken.answered = true;
        }
        Ok(())
    }
}

impl Mailer for FakeMailer {
    async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        if mail.to.is_empty() || mail.subject.contains(['\r', '\n']) {
            let why = format!("the mail `{}` can't be sent as it is", mail.message_id);
            self.sim.violation(why.clone());
            return Err(SendError::Refused(why));
        }
        self.take("mailer.send", mail.clone()).await
    }
}

impl Chat for FakeChat {
    async fn post(&self, org: OrgId, message: &str) -> Result<(), SendError> {
        self.take("chat.post", (org, message.to_owned())).await
    }
}

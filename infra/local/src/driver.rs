//! The driver: one discrete-event loop over trade, webhooks, queues and the two ticks. It sets the clock to
//! what is due first, and lets that run to its end before it looks for the next.
//!
//! Each kind of work is what the Lambda function of its name does. Everything that decides what comes next
//! is stored before it is acted upon, and done twice is harmless, so the process may end at any moment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use parstock_adapters::vault::EncryptedFileVault;
use parstock_adapters::webhook::SigningKeys;
use parstock_app::error::AppError;
use parstock_app::ports::QueueName;
use parstock_app::process::GivenBack;
use parstock_app::{poller, process};
use parstock_domain::governance::Proposal;
use parstock_xero_sim::World;
use parstock_xero_sim::act::TimedAct;

use crate::error::LocalError;
use crate::notebook::Notebook;
use crate::owner::Owner;
use crate::ports::LocalPorts;
use crate::trade::Trade;

/// The one token set of a local data folder.
pub const CONNECTION: &str = "xero";
/// Between two ticks of the poller, and of the digest.
const TICK: SignedDuration = SignedDuration::from_mins(15);
/// Facts in the notebook.
pub(crate) const NOW: &str = "now";
const NEXT_POLL: &str = "next_poll";
const NEXT_DIGEST: &str = "next_digest";

/// What is due; at the same instant the first of the list comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// People and trade act in the simulated books.
    Trade,
    /// The simulated Xero sends webhooks.
    Webhook,
    /// A queue has a batch.
    Queue(QueueName),
    /// The poller's tick.
    Poll,
    /// The digest's tick.
    Digest,
    /// The demo company's owner looks at what is proposed.
    Owner,
}

/// What a step did, for whoever tells of it.
#[derive(Debug)]
pub enum Done {
    /// Acts in the simulated books.
    Traded(Vec<TimedAct>),
    /// Webhooks delivered: how many events they could hold is Xero's business.
    Delivered {
        /// How many payloads.
        payloads: usize,
    },
    /// The owner decided on a proposal, if one was open.
    Decided(Option<Proposal>),
    /// A batch of a queue.
    Batch {
        /// Which queue.
        queue: QueueName,
        /// The records that were given back.
        back: Vec<GivenBack>,
    },
    /// The poller's tick; what stood in its way.
    Polled(Option<AppError>),
    /// The digest's tick.
    Ticked,
}

/// The simulated Xero and what happens in it.
pub struct Simulation<T> {
    /// The world, shared with its HTTP router.
    pub world: Arc<Mutex<World>>,
    /// What people do.
    pub trade: T,
    /// Who decides on proposals, in the demo.
    pub owner: Option<Owner>,
}

/// Steps through time.
pub struct Driver<T> {
    ports: Arc<LocalPorts>,
    notebook: Notebook,
    webhook_keys: SigningKeys<EncryptedFileVault>,
    /// `None` with a live connection.
    pub simulation: Option<Simulation<T>>,
}

/// The world, never across an await.
pub fn locked(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Trade> Driver<T> {
    /// Goes on where the notebook stands.
    pub fn new(ports: Arc<LocalPorts>, notebook: Notebook, simulation: Option<Simulation<T>>) -> Self {
        let webhook_keys = SigningKeys::new(Arc::clone(&ports.vault));
        Self { ports, notebook, webhook_keys, simulation }
    }

    /// The ports.
    pub fn ports(&self) -> &Arc<LocalPorts> {
        &self.ports
    }

    fn tick_due(&self, fact: &str) -> Result<Timestamp, LocalError> {
        Ok(self.notebook.instant(fact)?.unwrap_or_else(|| self.ports.clock.now()))
    }

    /// What is due next, and when.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn next(&self) -> Result<(Timestamp, Kind), LocalError> {
        let mut due =
            vec![(self.tick_due(NEXT_POLL)?, Kind::Poll), (self.tick_due(NEXT_DIGEST)?, Kind::Digest)];
        if let Some(simulation) = &self.simulation {
            let world = locked(&simulation.world);
            due.extend(simulation.trade.next_due(&world)?.map(|at| (at, Kind::Trade)));
            due.extend(world.next_due().map(|at| (at, Kind::Webhook)));
            if let Some(owner) = &simulation.owner {
                due.push((owner.next_due()?, Kind::Owner));
            }
        }
        for queue in QueueName::ALL {
            due.extend(self.ports.queue.next_due(queue)?.map(|at| (at, Kind::Queue(queue))));
        }
        let now = self.ports.clock.now();
        let first = due.into_iter().map(|(at, kind)| (at.max(now), kind)).min();
        first.ok_or_else(|| LocalError::outside("nothing is due, which can't be"))
    }

    /// Sets the clock to `at` and does what is due then.
    ///
    /// # Errors
    /// When the simulator or the notebook fails. What the use cases fail at is their business: they give
    /// messages back or record what is due.
    pub async fn step(&mut self, at: Timestamp, kind: Kind) -> Result<Done, LocalError> {
        let turn = Arc::clone(&self.ports.turn);
        let _turn = turn.lock().await;
        if self.ports.clock.is_simulated() && at > self.ports.clock.now() {
            self.notebook.set_instant(NOW, at)?;
            self.ports.clock.advance_to(at);
        }
        match kind {
            Kind::Trade => self.trade(at),
            Kind::Webhook => self.deliver(at).await,
            Kind::Queue(queue) => {
                let records = self.ports.queue.receive(queue)?;
                // its future is large, and the stack of a thread is not
                let back = Box::pin(process::batch(&*self.ports, queue, records.clone())).await;
                let ids: Vec<String> = back.iter().map(|record| record.id.clone()).collect();
                self.ports.queue.settle(&records, &ids)?;
                Ok(Done::Batch { queue, back })
            }
            Kind::Poll => {
                let failure = poller::tick(&*self.ports, &[CONNECTION.to_owned()]).await.err();
                self.notebook.set_instant(NEXT_POLL, next_tick(at))?;
                Ok(Done::Polled(failure))
            }
            Kind::Owner => match self.simulation.as_ref().and_then(|simulation| simulation.owner.as_ref()) {
                Some(owner) => owner.decide(&self.ports).await.map(Done::Decided),
                None => Ok(Done::Decided(None)),
            },
            Kind::Digest => {
                if let Err(error) = poller::digest_tick(&*self.ports).await {
                    tracing::error!(%error, "whether a digest is due could not be told");
                }
                self.notebook.set_instant(NEXT_DIGEST, next_tick(at))?;
                Ok(Done::Ticked)
            }
        }
    }

    fn trade(&mut self, now: Timestamp) -> Result<Done, LocalError> {
        let Some(simulation) = &mut self.simulation else { return Ok(Done::Traded(Vec::new())) };
        let mut world = locked(&simulation.world);
        simulation.trade.perform(&mut world, now).map(Done::Traded)
    }

    async fn deliver(&self, now: Timestamp) -> Result<Done, LocalError> {
        let Some(simulation) = &self.simulation else { return Ok(Done::Delivered { payloads: 0 }) };
        let deliveries = locked(&simulation.world).take_due_deliveries(now)?;
        let payloads = deliveries.len();
        for delivery in deliveries {
            let answer = self.answer_webhook(Some(&delivery.signature), &delivery.body).await;
            locked(&simulation.world).delivery_answered(delivery.id, Some(answer), now)?;
        }
        Ok(Done::Delivered { payloads })
    }

    async fn answer_webhook(&self, signature: Option<&str>, body: &[u8]) -> u16 {
        let ports = &self.ports;
        let answer = self.webhook_keys.answer(signature, body, &ports.queue, &*ports.clock, &*ports.entropy);
        answer.await.status()
    }

    /// Runs at full speed until nothing is due before `until`.
    ///
    /// # Errors
    /// As [`Driver::step`].
    pub async fn run_until(&mut self, until: Timestamp) -> Result<(), LocalError> {
        loop {
            let (at, kind) = self.next()?;
            if at >= until {
                return Ok(());
            }
            // its future is large, and the stack of a thread is not
            Box::pin(self.step(at, kind)).await?;
        }
    }
}

/// The next quarter of an hour: schedules run on the clock's quarters, as EventBridge's do.
pub(crate) fn next_tick(now: Timestamp) -> Timestamp {
    let tick = TICK.as_secs();
    let next = now.as_second().div_euclid(tick).saturating_add(1).saturating_mul(tick);
    Timestamp::from_second(next).unwrap_or(now)
}

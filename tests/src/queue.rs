//! Standard queues: at least once, in any order, with a dead-letter queue behind each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::{DELAY_SECONDS_MAX, Outgoing, Queue, QueueName, SendError};

use crate::scheduler::{Edge, Sim, Verdict, later, lock};

/// How often a message is handed out before the queue itself takes it for poison: the processor buries it
/// two receives earlier, with the cause.
pub const RECEIVES_MAX: u32 = 7;
/// Bytes of one message (SQS: 256 KiB).
const BODY_BYTES_MAX: usize = 256 * 1_024;

/// A message as it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Its id within the queue.
    pub id: u64,
    /// Its body.
    pub body: String,
    /// How often it was handed out, this time included.
    pub receives: u32,
}

/// A message that nobody tries again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// Its body.
    pub body: String,
    /// Why it was buried; `None` when it was handed out too often.
    pub cause: Option<String>,
}

/// The queues.
#[derive(Clone)]
pub struct FakeQueue {
    sim: Sim,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    messages: BTreeMap<(QueueName, u64), Waiting>,
    dead: BTreeMap<QueueName, Vec<Dead>>,
    last: u64,
    handed_out: u64,
}

struct Waiting {
    body: String,
    visible_at: Timestamp,
    receives: u32,
}

impl FakeQueue {
    /// Empty queues.
    pub fn new(sim: Sim) -> Self {
        Self { sim, state: Arc::default() }
    }

    /// Hands out up to `limit` messages in any order; whoever gets them has `visibility` to delete them.
    pub fn receive(&self, queue: QueueName, limit: usize, visibility: SignedDuration) -> Vec<Delivered> {
        let now = self.sim.now();
        let mut state = lock(&self.state);
        let mut visible: Vec<u64> = state
            .messages
            .iter()
            .filter(|((of, _), waiting)| *of == queue && waiting.visible_at <= now)
            .map(|((_, id), _)| *id)
            .collect();
        let mut delivered = Vec::new();
        while delivered.len() < limit && !visible.is_empty() {
            let at = self.sim.draw(|rng| rng.below(visible.len() as u64)) as usize;
            let id = visible.swap_remove(at);
            // now and then a message shows up again long before its time
            let odd = self.sim.odd();
            let State { messages, dead, .. } = &mut *state;
            let Some(waiting) = messages.get_mut(&(queue, id)) else { continue };
            if waiting.receives >= RECEIVES_MAX {
                dead.entry(queue).or_default().push(Dead { body: waiting.body.clone(), cause: None });
                messages.remove(&(queue, id));
                continue;
            }
            waiting.receives += 1;
            waiting.visible_at = later(now, if odd { SignedDuration::from_secs(1) } else { visibility });
            delivered.push(Delivered { id, body: waiting.body.clone(), receives: waiting.receives });
            state.handed_out += 1;
        }
        delivered
    }

    /// Takes a message out of its queue for good.
    pub fn delete(&self, queue: QueueName, id: u64) {
        lock(&self.state).messages.remove(&(queue, id));
    }

    /// Gives a message back: it is visible again at once.
    pub fn give_back(&self, queue: QueueName, id: u64) {
        let now = self.sim.now();
        if let Some(waiting) = lock(&self.state).messages.get_mut(&(queue, id)) {
            waiting.visible_at = now;
        }
    }

    /// When the next message of a queue can be handed out.
    pub fn next_due(&self, queue: QueueName) -> Option<Timestamp> {
        let state = lock(&self.state);
        state.messages.iter().filter(|((of, _), _)| *of == queue).map(|(_, waiting)| waiting.visible_at).min()
    }

    /// Whether no message waits in any queue.
    pub fn is_empty(&self) -> bool {
        lock(&self.state).messages.is_empty()
    }

    /// What lies in a dead-letter queue.
    pub fn dead(&self, queue: QueueName) -> Vec<Dead> {
        lock(&self.state).dead.get(&queue).cloned().unwrap_or_default()
    }

    /// How many messages were handed out, each time counted.
    pub fn handed_out(&self) -> u64 {
        lock(&self.state).handed_out
    }
}

impl Queue for FakeQueue {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<(), SendError> {
        if let Some(message) = messages.iter().find(|message| {
            message.delay_seconds > DELAY_SECONDS_MAX
                || message.body.is_empty()
                || message.body.len() > BODY_BYTES_MAX
        }) {
            return Err(SendError::Refused(format!(
                "a message of {} bytes, delayed by {} seconds",
                message.body.len(),
                message.delay_seconds
            )));
        }
        let refused = self.sim.point(Edge::Before, "queue.send").await == Verdict::Fail;
        let now = self.sim.now();
        // a refusal may concern some entries only
        let taken = if refused && self.sim.odd() { messages.len() / 2 } else { messages.len() };
        if !refused || taken < messages.len() {
            let mut state = lock(&self.state);
            for message in messages.into_iter().take(taken) {
                let copies = if self.sim.odd() { 2 } else { 1 };
                for _ in 0..copies {
                    state.last += 1;
                    let id = state.last;
                    let visible_at = later(now, SignedDuration::from_secs(i64::from(message.delay_seconds)));
                    let waiting = Waiting { body: message.body.clone(), visible_at, receives: 0 };
                    state.messages.insert((queue, id), waiting);
                }
            }
        }
        if refused {
            return Err(SendError::Retry("throttled".into()));
        }
        if self.sim.point(Edge::After, "queue.send").await == Verdict::Fail {
            return Err(SendError::Unknown("timed out".into()));
        }
        Ok(())
    }

    async fn bury(&self, queue: QueueName, body: &str, cause: &str) -> Result<(), SendError> {
        let bury = || {
            let dead = Dead { body: body.to_owned(), cause: Some(cause.to_owned()) };
            lock(&self.state).dead.entry(queue).or_default().push(dead);
            Ok(())
        };
        let refuse = || SendError::Retry("throttled".into());
        self.sim.call("queue.bury", refuse, bury, || SendError::Unknown("timed out".into())).await
    }
}

//! All fakes together, as the ports of a process.

use parstock_app::ports::{Ports, Store};

use crate::books::FakeBooks;
use crate::mail::{FakeChat, FakeMailer};
use crate::queue::FakeQueue;
use crate::scheduler::Sim;

/// The ports of every simulated function; `S` is the store, or a planted bug around it.
#[derive(Clone)]
pub struct FakePorts<S> {
    /// The store.
    pub store: S,
    /// The books.
    pub books: FakeBooks,
    /// The queues.
    pub queue: FakeQueue,
    /// The mailer.
    pub mailer: FakeMailer,
    /// The chat.
    pub chat: FakeChat,
    /// Time and chance.
    pub sim: Sim,
}

impl<S> FakePorts<S> {
    /// Over a store, with everything else empty.
    pub fn new(store: S, sim: Sim) -> Self {
        Self {
            store,
            books: FakeBooks::new(sim.clone()),
            queue: FakeQueue::new(sim.clone()),
            mailer: FakeMailer::new(sim.clone()),
            chat: FakeChat::new(sim.clone()),
            sim,
        }
    }
}

impl<S: Store> Ports for FakePorts<S> {
    type Store = S;
    type Books = FakeBooks;
    type Queue = FakeQueue;
    type Mailer = FakeMailer;
    type Chat = FakeChat;
    type Clock = Sim;
    type Entropy = Sim;

    fn store(&self) -> &S {
        &self.store
    }
    fn books(&self) -> &FakeBooks {
        &self.books
    }
    fn queue(&self) -> &FakeQueue {
        &self.queue
    }
    fn mailer(&self) -> &FakeMailer {
        &self.mailer
    }
    fn chat(&self) -> &FakeChat {
        &self.chat
    }
    fn clock(&self) -> &Sim {
        &self.sim
    }
    fn entropy(&self) -> &Sim {
        &self.sim
    }
    fn console_url(&self) -> &str {
        "http://127.0.0.1:4100"
    }
}

//! The scheduler's time and chance as ports.

use jiff::Timestamp;
use parstock_app::ports::{Clock, Entropy};
use uuid::Uuid;

use crate::scheduler::Sim;

impl Clock for Sim {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

impl Entropy for Sim {
    fn uuid(&self) -> Uuid {
        self.draw(|rng| uuid::Builder::from_random_bytes(rng.uuid().into_bytes()).into_uuid())
    }
}

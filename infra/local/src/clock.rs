//! Time and chance of the process: simulated for the demo and for replays, the machine's own for a live
//! connection.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use parstock_adapters::clock::{RandomIds, WallClock};
use parstock_app::ports::{Clock, Entropy};
use uuid::Uuid;

/// The one clock of the process: simulator, queues, schedules, limits, leases and tokens all read it.
#[derive(Debug)]
pub enum LocalClock {
    /// Stands still until it is set to the next due event, once all work is at rest; microseconds.
    Simulated(AtomicI64),
    /// The machine's clock.
    Wall,
}

impl LocalClock {
    /// A simulated clock that shows `now`.
    pub fn simulated(now: Timestamp) -> Self {
        Self::Simulated(AtomicI64::new(now.as_microsecond()))
    }

    /// Whether time is simulated.
    pub const fn is_simulated(&self) -> bool {
        matches!(self, Self::Simulated(_))
    }

    /// Sets a simulated clock forward; it never goes back. The machine's clock is left alone.
    pub fn advance_to(&self, instant: Timestamp) {
        if let Self::Simulated(micros) = self {
            micros.fetch_max(instant.as_microsecond(), Ordering::SeqCst);
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        match self {
            // what was stored came out of a Timestamp
            Self::Simulated(micros) => {
                Timestamp::from_microsecond(micros.load(Ordering::SeqCst)).unwrap_or_default()
            }
            Self::Wall => WallClock.now(),
        }
    }
}

impl Clock for LocalClock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

impl parstock_xero::Clock for LocalClock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

impl parstock_xero_sim::SimClock for LocalClock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

/// Where ids come from.
#[derive(Debug)]
pub enum LocalEntropy {
    /// From seed, start of the process and a counter: the same run draws the same ids, and a restarted one
    /// never draws an id again.
    Seeded {
        /// The run's seed.
        seed: u64,
        /// How often the data folder has been opened.
        start: u64,
        /// Ids drawn so far.
        drawn: AtomicU64,
    },
    /// From the operating system.
    Random,
}

impl LocalEntropy {
    /// Ids that follow from the seed and the number of this start.
    pub const fn seeded(seed: u64, start: u64) -> Self {
        Self::Seeded { seed, start, drawn: AtomicU64::new(0) }
    }
}

impl Entropy for LocalEntropy {
    fn uuid(&self) -> Uuid {
        match self {
            Self::Random => RandomIds.uuid(),
            Self::Seeded { seed, start, drawn } => {
                let number = drawn.fetch_add(1, Ordering::SeqCst);
                let [seed, start, number] = [seed, start, &number].map(u64::to_string);
                parstock_domain::ids::derived("local", &[&seed, &start, &number])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_clock_stands_until_it_is_set_and_never_goes_back() {
        let (early, late): (Timestamp, Timestamp) =
            ("2026-06-01T08:00:00Z".parse().unwrap(), "2026-06-01T09:00:00Z".parse().unwrap());
        let clock = LocalClock::simulated(late);
        assert_eq!(clock.now(), late);
        clock.advance_to(early);
        assert_eq!(clock.now(), late);
    }

    #[test]
    fn the_same_start_draws_the_same_ids_and_the_next_start_others() {
        let draw = |seed, start| {
            let entropy = LocalEntropy::seeded(seed, start);
            [entropy.uuid(), entropy.uuid()]
        };
        assert_eq!(draw(1, 1), draw(1, 1));
        let all: std::collections::BTreeSet<Uuid> =
            [draw(1, 1), draw(1, 2), draw(2, 1)].into_iter().flatten().collect();
        assert_eq!(all.len(), 6);
    }
}

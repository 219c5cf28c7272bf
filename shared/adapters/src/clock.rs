//! The real clock and real chance: the one place where either is asked.

use jiff::Timestamp;
use parstock_app::ports::{Clock, Entropy};
use uuid::Uuid;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "this is the Clock that everything else asks")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Ids from the operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Entropy for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is the Entropy that everything else asks")]
    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_ids_are_alike() {
        let ids: std::collections::BTreeSet<Uuid> = (0..1_000).map(|_| RandomIds.uuid()).collect();
        assert_eq!(ids.len(), 1_000);
    }
}

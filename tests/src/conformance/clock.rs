//! What every clock and source of chance must do.

use std::collections::BTreeSet;

use parstock_app::ports::{Clock, Entropy};

/// Time doesn't run backwards.
///
/// # Panics
/// When a promise is broken.
pub fn clock(clock: &impl Clock) {
    let mut last = clock.now();
    for _ in 0..1_000 {
        let now = clock.now();
        assert!(now >= last, "time ran from {last} back to {now}");
        last = now;
    }
}

/// Ids are random UUIDs and never the same twice.
///
/// # Panics
/// When a promise is broken.
pub fn entropy(entropy: &impl Entropy) {
    let ids: BTreeSet<_> = (0..1_000).map(|_| entropy.uuid()).collect();
    assert_eq!(ids.len(), 1_000, "an id came twice");
    for id in ids {
        assert_eq!(id.get_version_num(), 4, "{id} is no random UUID");
    }
}

//! The whole system under a seeded scheduler: fakes of every port that keep the promises of the real
//! services and no others, one conformance suite per port for fakes and real adapters alike, and an
//! independent model that says what must come out. Never shipped.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken expectation here ends the test that met it")]

pub mod books;
pub mod clock;
pub mod conformance;
pub mod corner_shop;
pub mod laws;
pub mod mail;
pub mod oracle;
pub mod papers;
pub mod planted;
pub mod ports;
pub mod queue;
pub mod rng;
pub mod scheduler;
pub mod store;
pub mod trade;
pub mod world;

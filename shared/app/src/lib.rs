//! Use cases: load, decide, commit once.
//!
//! Each use case is one file or folder. They reach the world only through the [`ports`], keep state only as the
//! [`records`], and speak to each other only by [`message`]s on queues. No AWS, no HTTP, no clock of its own.
#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod adjustments;
pub mod audit;
pub mod booking;
pub mod chart;
pub mod closing;
pub mod cogs;
pub mod connect;
pub mod console;
pub mod contacts;
pub mod decide;
pub mod digest;
pub mod effects;
pub mod error;
pub mod figures;
pub mod intake;
pub mod landed;
pub mod load;
pub mod look_again;
pub mod message;
pub mod opening;
mod pages;
pub mod plan;
pub mod poller;
pub mod ports;
pub mod prices;
pub mod process;
pub mod receiving;
pub mod reconcile;
pub mod records;
pub mod refold;
pub mod send;
pub mod settings;
pub mod sign_in;
pub mod sync;
pub mod table;
mod tries;
mod units;
pub mod writer;

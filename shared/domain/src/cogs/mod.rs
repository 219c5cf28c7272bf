//! Cost of goods sold of untracked stock: what commits tell of it, and the journals that bring it into Xero.
//!
//! Purchases debit the stock account; what leaves has to be credited there and debited to cost of goods sold. Of tracked items
//! Xero does that itself, so they are never here (Xero help, "Inventory: tracked").

mod held;
mod journal;
mod settings;
mod sums;
#[cfg(test)]
mod tests;
mod told;

pub use held::{CogsHeld, ELSEWHERE_MAX, Elsewhere};
pub use journal::{Fate, Journal, JournalNumber, Undone, journal};
pub use settings::{AccountProblem, CogsSettings, Every};
pub use sums::{CAUSES_MAX, CogsDay, CogsLedger, CogsMonth, Due, JOURNALS_MAX, due};
pub use told::{Coded, CogsNews, Sold};

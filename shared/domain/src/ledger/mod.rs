//! The stock ledger: what each document should have booked, minus what it has booked, becomes movements;
//! positions and cost layers follow.
//!
//! - [`movement`]: one row of the ledger.
//! - [`position`]: the fold of an item's movements.
//! - [`count`]: what a person counted stands, whatever documents say.
//! - [`arrival`]: which open order line a bill line brings in.
//! - [`booking`]: desired minus booked, per document line.

pub mod arrival;
pub mod booking;
pub mod count;
pub mod movement;
pub mod position;

pub use arrival::{Arrival, Billed, OrderLine};
pub use booking::{BookedLine, DesiredLine, LineChange};
pub use movement::{Cause, Movement, MovementKey, Place};
pub use position::{OnHand, Position};

//! The stock ledger: what each document should have booked, minus what it has booked, becomes movements;
//! positions and cost layers follow.
//!
//! - [`movement`]: one row of the ledger.
//! - [`position`]: the fold of an item's movements.
//! - [`card`]: the movements one by one, each with what lay there after it.
//! - [`proof`]: what Xero holds beside what the ledger says.
//! - [`closing`]: what was reported of a month when its books closed.
//! - [`count`]: what a person counted stands, whatever documents say.
//! - [`arrival`]: which open order line a bill line brings in.
//! - `fold`: movements in effective order, and what costs come of them.
//! - [`valuation`]: what an untracked item's stock cost, in the order of the days and not of arrival.
//! - [`margin`]: what sales brought beyond what their goods cost.
//! - [`booking`]: desired minus booked, per document line.
//! - [`landed`]: cost that vouchers put on top of what came in.
//! - [`adjusted`]: what a person wrote off or found, with a reason.

pub mod adjusted;
pub mod arrival;
pub mod booking;
pub mod card;
pub mod closing;
pub mod count;
mod fold;
pub mod landed;
pub mod margin;
pub mod movement;
#[cfg(test)]
mod notebook;
pub mod position;
pub mod proof;
pub mod valuation;

pub use arrival::{Arrival, Billed, BilledPart, OrderLine, OtherGoods, ReceivedPart};
pub use booking::{BookedLine, DesiredLine, LineChange};
pub use card::{Balance, Card, CardFold, CardLine, Foreseen, LayerOf, LayerPart, View};
pub use closing::{ClosedItem, Closing, ClosingState, Figures};
pub use fold::{CogsDating, Dating};
pub use margin::{Margin, Sold};
pub use movement::{Cause, Finding, Movement, MovementKey, Place};
pub use position::{OnHand, Position};
pub use proof::Proof;
pub use valuation::{Because, Checkpoint, Layers, Restatement, Valuation};

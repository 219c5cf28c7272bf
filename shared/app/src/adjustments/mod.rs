//! Stock adjustments: a person says what was written off or found, and why. Stock that Xero doesn't track is adjusted in the ledger,
//! tracked stock by a zero-total document in Xero.

mod book;
mod file;
mod make;

pub(crate) use book::book;
pub use file::{Asked, COLUMNS, ROWS_MAX, parse};
pub use make::{approve, make, reject};

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use parstock_domain::adjustment::{Adjustment, AdjustmentNumber};
use parstock_domain::ids::{DayNumber, OrgId, derived};

use crate::error::AppError;
use crate::load::{self, Versioned, unguarded};
use crate::ports::{Ports, Write};
use crate::records::{Key, List, Review, ReviewKind};
use crate::writer::Writer;

/// Days that the list of adjustments goes back.
pub const LOOKED_BACK_DAYS: i64 = 400;
/// The same as a time.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(24 * LOOKED_BACK_DAYS);

/// The adjustments of the last [`LOOKED_BACK_DAYS`], the latest first.
///
/// # Errors
/// When the store does not answer.
pub async fn all<P: Ports>(ports: &P, org: OrgId) -> Result<Vec<Adjustment>, AppError> {
    let writer = Writer::open_unleased(ports, org).await?;
    let from = writer.now().saturating_sub(LOOKED_BACK).unwrap_or(Timestamp::MIN);
    Ok(made_since(&writer, from).await?.into_iter().rev().collect())
}

/// The adjustments made on the day of an instant and later, by number.
async fn made_since<P: Ports>(writer: &Writer<'_, P>, from: Timestamp) -> Result<Vec<Adjustment>, AppError> {
    let first = DayNumber { on: writer.clock().day_of(from), index: 0 };
    let after = Some(Key::Adjustment(AdjustmentNumber(first)));
    let rows = load::all_after(writer.ports().store(), writer.owner(), &List::Adjustments, after).await?;
    Ok(rows.into_iter().map(|(_, row)| row.content).collect())
}

/// An adjustment that must be there.
pub(crate) async fn adjustment<P: Ports>(
    writer: &Writer<'_, P>,
    number: AdjustmentNumber,
) -> Result<Versioned<Adjustment>, AppError> {
    let row =
        load::one::<Adjustment>(writer.ports().store(), writer.owner(), Key::Adjustment(number)).await?;
    row.ok_or_else(|| AppError::Reject(format!("there is no adjustment {number}")))
}

/// The key of the one question about an adjustment.
pub(crate) fn question_key(number: AdjustmentNumber) -> Key {
    Key::Review(derived("review", &[ReviewKind::Adjustment.code(), &number.to_string()]))
}

/// A question about an adjustment.
pub(crate) fn question(since: Timestamp, number: AdjustmentNumber, text: String) -> Write {
    let kind = ReviewKind::Adjustment;
    let review = Review { kind, since, item: None, document: None, text, codes: BTreeSet::new() };
    unguarded(question_key(number), review)
}

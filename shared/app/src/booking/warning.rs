//! Warnings of positions that cross a line.

use jiff::civil::Date;
use parstock_domain::alert::Alert;
use parstock_domain::ids::{ItemId, LocationId, derived};
use parstock_domain::ledger::Position;
use parstock_domain::replenish::{Crossing, Plan, crossing};

use crate::error::AppError;
use crate::load::unguarded;
use crate::ports::{Ports, Write};
use crate::records::{Backfill, Key};
use crate::writer::Writer;

/// The alert of a position that crosses its reorder point or zero by this commit, once the history is in.
/// `after` keeps that somebody is warned.
///
/// # Errors
/// When a figure does not fit.
pub fn warning<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    location: &LocationId,
    before: &Position,
    after: &mut Position,
    plan: Option<&Plan>,
    today: Date,
) -> Result<Option<Write>, AppError> {
    if !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Ok(None);
    }
    let crossing = crossing(before, after, plan, today)?;
    Ok(crossing.map(|crossing| alert(writer, item, location, crossing, plan)))
}

/// The row of a warning: one per item, kind and day.
pub(crate) fn alert<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    location: &LocationId,
    crossing: Crossing,
    plan: Option<&Plan>,
) -> Write {
    let now = writer.now();
    let day = writer.clock().day_of(now);
    let id = derived("alert", &[&item.to_string(), crossing.kind.code(), &day.to_string()]);
    let alert = Alert {
        item,
        location: location.clone(),
        kind: crossing.kind,
        raised_at: now,
        available: crossing.available,
        on_order: plan.map(|plan| plan.on_order).unwrap_or_default(),
        reorder_point: plan.map(|plan| plan.reorder_point),
    };
    unguarded(Key::Alert(id), alert)
}

//! What Xero says of tracked items. A stock change does not touch an item's `UpdatedDateUTC`, so their
//! quantities are read again after a booking that touched one, and every few polls.

use std::collections::BTreeSet;

use parstock_domain::document::XeroQuantity;
use parstock_domain::event::{Event, EventType, Source};
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::{ItemId, LocationId, derived};
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::{Layers, Position};
use parstock_domain::replenish::Plan;

use super::{Done, feed};
use crate::booking::warning;
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::ports::{Books, BooksSession, Expect, Ports, Store, TrackedQuantities};
use crate::records::{Key, Review, ReviewKind};
use crate::writer::{Reason, Writer};

/// Polls between two readings when nothing touched a tracked item (so at least every fourth poll reads).
pub const POLLS_BETWEEN: u32 = 3;
/// Items of one commit: position, alert and a question that ends each, and the audit entry.
const ITEMS_PER_COMMIT: usize = 32;

/// Times that what Xero says after a write of ours is kept again because another worker was quicker.
const READ_BACK_TRIES_MAX: u32 = 10;

/// Reads Xero's quantities and keeps those that changed.
///
/// `documents_are_in` says whether all lists of documents were read to their end just before: if not, what
/// Xero counts may wait to be booked, so no difference means anything yet.
pub async fn refresh<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    documents_are_in: bool,
    done: &mut Done,
) -> Result<(), AppError> {
    let TrackedQuantities { quantities, unreadable } = session.tracked_quantities().await?;
    feed::tell_unreadable(writer, feed::QUANTITY, &unreadable).await?;
    let read = quantities.iter().map(|(item, _)| feed::unreadable_review(feed::QUANTITY, &item.to_string()));
    feed::end_reviews(writer, read.collect()).await?;
    for chunk in quantities.chunks(ITEMS_PER_COMMIT) {
        keep(writer, chunk, documents_are_in, done).await?;
    }
    Ok(())
}

/// Keeps what Xero says of some items after a document of ours moved them. `told` is the question that a quantity raises; it is asked
/// unless our movements explain all of it, such as a sale in between, and ends as every question about what is unexplained does. Says
/// whether a position crossed a line.
pub(crate) async fn read_back<P: Ports>(
    writer: &mut Writer<'_, P>,
    quantities: &[(ItemId, XeroQuantity)],
    told: impl Fn(ItemId, Quantity) -> Option<String>,
) -> Result<bool, AppError> {
    let (mut done, location) = (Done::default(), LocationId::main());
    for chunk in quantities.chunks(ITEMS_PER_COMMIT) {
        let mut tries = 1;
        loop {
            match keep(writer, chunk, false, &mut done).await {
                Err(AppError::Retry(_)) if tries < READ_BACK_TRIES_MAX => {
                    tries += 1;
                    writer.reload_head().await?;
                }
                outcome => break outcome?,
            }
        }
        for (item, xero) in chunk {
            let Some(text) = told(*item, xero.on_hand) else { continue };
            let key = Key::Position(*item, location.clone());
            let position = load::one::<Position>(writer.ports().store(), writer.owner(), key).await?;
            let booked = position.map(|row| row.content.booked).unwrap_or_default();
            if xero.on_hand == booked {
                continue;
            }
            let (kind, since) = (ReviewKind::Residual, writer.now());
            let review =
                Review { kind, since, item: Some(*item), document: None, text, codes: BTreeSet::new() };
            let write = unguarded(Key::Review(residual_review(*item)), review);
            writer.ports().store().write_each(writer.owner(), vec![write]).await?;
        }
    }
    Ok(!done.crossed.is_empty())
}

async fn keep<P: Ports>(
    writer: &mut Writer<'_, P>,
    quantities: &[(ItemId, XeroQuantity)],
    documents_are_in: bool,
    done: &mut Done,
) -> Result<(), AppError> {
    let location = LocationId::main();
    let now = writer.now();
    let today = writer.clock().day_of(now);
    let keys: Vec<Key> = quantities.iter().map(|(item, _)| Key::Position(*item, location.clone())).collect();
    let positions = load::many::<Position>(writer.ports().store(), writer.owner(), &keys).await?;
    let mut writes = Vec::new();
    let (mut reported, mut unopened, mut said) = (Vec::new(), Vec::new(), Vec::new());
    for ((item, xero), position) in quantities.iter().zip(positions) {
        let (before, expect) = match position {
            Some(row) => (row.content, row.expect),
            None => (Position { tracked: true, ..Position::default() }, Expect::Absent),
        };
        if before.opened && !before.tracked {
            // Xero begins to track it: its book is changed when the item is read
            continue;
        }
        let snapshot = Snapshot { xero: *xero, at: now, booked: before.booked };
        let same = before.snapshot.is_some_and(|known| known.xero == *xero && known.booked == before.booked);
        if same && before.tracked {
            if !documents_are_in {
                writer.profile.content.quantities_stale |= !before.opened;
            } else if !before.opened {
                unopened.push((*item, *xero));
            } else if !snapshot.residual()?.is_zero() {
                ask(writer, *item, &snapshot, before.value).await?;
            }
            continue;
        }
        // an item that came after the first load is opened once its figure stood through two readings
        writer.profile.content.quantities_stale |= !before.opened;
        let asked = before.snapshot.is_some_and(|known| known.residual().is_ok_and(|known| !known.is_zero()));
        if asked && snapshot.residual()?.is_zero() {
            writes.push(removal(Key::Review(residual_review(*item))));
        }
        let mut after = Position { tracked: true, snapshot: Some(snapshot), ..before.clone() };
        let plan = Key::Plan(*item, location.clone());
        let plan = load::one::<Plan>(writer.ports().store(), writer.owner(), plan).await?;
        if let Some(alert) = warning(
            writer,
            *item,
            &location,
            &before,
            &mut after,
            plan.as_ref().map(|plan| &plan.content),
            today,
        )? {
            done.crossed.insert(*item);
            writes.push(alert);
        }
        reported.push(*item);
        said.push(unguarded(Key::Snapshot(*item, today), snapshot));
        writes.push(Versioned { content: after, expect }.write(Key::Position(*item, location.clone())));
    }
    super::backfill::open_tracked(writer, &unopened).await?;
    let Some(first) = reported.first() else { return Ok(()) };
    let event =
        Event { what: EventType::StockReported, subject: first.to_string(), time: now, source: Source::Poll };
    let reason =
        Reason { event: Some(event), ..Reason::own("keep Xero's quantities") }.with("items", reported.len());
    super::touch(writer, reported.into_iter().collect()).await?;
    // what Xero said is true whatever becomes of the commit
    writer.ports().store().write_each(writer.owner(), said).await?;
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await
}

/// A difference that stood through two readings: documents had time to come in between.
async fn ask<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    snapshot: &Snapshot,
    value: parstock_domain::fixed::Money,
) -> Result<(), AppError> {
    let residual = snapshot.residual()?;
    let key = Key::Review(residual_review(item));
    let asked = load::one::<Review>(writer.ports().store(), writer.owner(), key.clone()).await?;
    let value_differs = snapshot.xero.cost_pool.minus(value)?;
    let cause = if residual > Quantity::ZERO {
        "more came in than the documents say; likely a stock adjustment in Xero or a bill that was edited without its date of change"
    } else {
        "more went out than the documents say; likely a stock adjustment in Xero or a sale that was not synced"
    };
    let text = format!(
        "Xero holds {} of a tracked item where the documents explain {} ({residual} unexplained, {value_differs} in value): {cause}. Xero's figure is used; look at the item's history in Xero.",
        snapshot.xero.on_hand, snapshot.booked
    );
    let since = asked.as_ref().map_or(writer.now(), |asked| asked.content.since);
    let kind = ReviewKind::Residual;
    let review = Review { kind, since, item: Some(item), document: None, text, codes: BTreeSet::new() };
    if asked.is_none_or(|asked| asked.content != review) {
        writer.ports().store().write_each(writer.owner(), vec![unguarded(key, review)]).await?;
    }
    Ok(())
}

/// The one question about what is unexplained of an item; it ends when nothing is.
pub(super) fn residual_review(item: ItemId) -> uuid::Uuid {
    derived("review", &[ReviewKind::Residual.code(), &item.to_string()])
}

/// What is needed to derive the opening balance of a tracked item.
pub(super) struct Held {
    /// The item.
    pub item: ItemId,
    /// What Xero says.
    pub xero: XeroQuantity,
    /// Its position.
    pub position: Versioned<Position>,
    /// Its costs.
    pub layers: Versioned<Layers>,
}

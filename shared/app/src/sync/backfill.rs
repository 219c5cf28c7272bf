//! The first load: 24 months of documents, page by page, resumable, and then the opening balances of
//! tracked items.
//!
//! It is the same reading as every poll, only from further back: each step reads a few pages under the
//! limits' reserve, books them and moves the cursor, and asks for the next step. When the day's calls are
//! used up the poller asks again.

use std::collections::BTreeSet;

use parstock_domain::costing::Layer;
use parstock_domain::document::XeroQuantity;
use parstock_domain::event::{Event, EventType, Source};
use parstock_domain::ids::{ItemId, LocationId, OrgId, derived};
use parstock_domain::ledger::booking::{self, Opening};
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::{Layers, Position};

use super::quantities::Held;
use super::{Done, contacts, feed, items, organisation};
use crate::error::AppError;
use crate::load::{self, Versioned, unguarded};
use crate::message::Message;
use crate::ports::{Books, BooksSession, Expect, Feed, Ports, Priority, TrackedQuantities};
use crate::records::{Backfill, Key, Review, ReviewKind};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Months of history that are read.
pub const MONTHS: i32 = 24;
/// Pages of each feed that one step reads: a thousand documents each, booked well inside a function's time.
const PAGES_PER_STEP: u32 = 1;
/// Times that one step reads the quantities of tracked items and the documents that came meanwhile.
const ROUNDS_MAX: u32 = 3;
/// Items whose opening one commit books: movement, position, layer, what Xero said and review each, and the audit entry.
const OPENINGS_PER_COMMIT: usize = 19;

/// Does the next step of an org's first load, and asks for the one after it.
///
/// # Errors
/// [`AppError::NotNow`] when another worker holds the org or Xero can't be asked; the poller asks again.
pub async fn advance<P: Ports>(ports: &P, org: OrgId) -> Result<(), AppError> {
    let mut writer = Writer::open(ports, org).await?;
    let result = match organisation::can_be_booked(&writer.profile.content) {
        Ok(()) => step(&mut writer).await,
        Err(error) => Err(error),
    };
    writer.close().await;
    if result? {
        send_now(ports, Message::Backfill { org }).await?;
    }
    Ok(())
}

/// Returns whether another step is needed.
async fn step<P: Ports>(writer: &mut Writer<'_, P>) -> Result<bool, AppError> {
    match writer.profile.content.backfill {
        Backfill::Reading { from, documents } => {
            let calls = u32::try_from(Feed::ALL.len())
                .unwrap_or(u32::MAX)
                .saturating_mul(PAGES_PER_STEP)
                .saturating_add(2);
            let mut session = writer.ports().books().open(writer.org(), Priority::Backfill, calls).await?;
            let mut done = Done::default();
            let result = Box::pin(read(writer, &mut session, &mut done)).await;
            session.close().await;
            let documents = documents.saturating_add(u64::from(done.documents));
            let reached = result.as_ref().is_ok_and(|reached| *reached == feed::Reached::End);
            writer.profile.content.backfill =
                if reached { Backfill::Opening { documents } } else { Backfill::Reading { from, documents } };
            if result.is_ok() {
                writer.profile.content.needs_person = None;
            }
            writer.save_profile().await?;
            result.map(|_| true)
        }
        Backfill::Opening { documents } => {
            let calls = u32::try_from(Feed::ALL.len()).unwrap_or(u32::MAX).saturating_add(1);
            let mut session = writer
                .ports()
                .books()
                .open(writer.org(), Priority::Backfill, calls.saturating_mul(ROUNDS_MAX))
                .await?;
            let settled = settled_quantities(writer, &mut session).await;
            session.close().await;
            // people are at work in Xero: the next step looks again
            let Some(TrackedQuantities { quantities, unreadable }) = settled? else { return Ok(true) };
            feed::tell_unreadable(writer, feed::QUANTITY, &unreadable).await?;
            open_tracked(writer, &quantities).await?;
            let now = writer.now();
            let last_entry = writer.head().seq;
            let profile = &mut writer.profile.content;
            profile.backfill = Backfill::Done { at: now, documents, last_entry };
            profile.polled_at = Some(now);
            profile.quantities_stale = false;
            profile.needs_person = None;
            writer.save_profile().await?;
            let day = writer.clock().day_of(now);
            send_now(writer.ports(), Message::PlanAll { org: writer.org(), day, after: None }).await?;
            Ok(false)
        }
        Backfill::Done { .. } => Ok(false),
    }
}

/// What Xero holds of tracked items, once all that it counts is booked; `None` when documents kept coming.
///
/// What is approved between reading the documents and reading the quantities is in Xero's figures and not
/// in the ledger, and would be missing from the opening balance for ever. So the documents are read once
/// more, and the quantities count only if nothing of a tracked item came.
async fn settled_quantities<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
) -> Result<Option<TrackedQuantities>, AppError> {
    for _ in 0..ROUNDS_MAX {
        let quantities = session.tracked_quantities().await?;
        writer.profile.content.quantities_stale = false;
        if read(writer, session, &mut Done::default()).await? == feed::Reached::More {
            return Ok(None);
        }
        if !writer.profile.content.quantities_stale {
            return Ok(Some(quantities));
        }
    }
    Ok(None)
}

async fn read<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    done: &mut Done,
) -> Result<feed::Reached, AppError> {
    if writer.profile.content.items_until.is_none() {
        items::refresh(writer, session).await?;
    }
    if writer.profile.content.contacts_until.is_none() {
        contacts::refresh(writer, session).await?;
    }
    for feed in feed::cursors(writer, Feed::ALL).await? {
        // orders before bills, so that bills find their order
        if feed::read(writer, session, feed, PAGES_PER_STEP, Source::Poll, done).await? == feed::Reached::More
        {
            return Ok(feed::Reached::More);
        }
    }
    Ok(feed::Reached::End)
}

/// Books the opening balances that make the movements since explain what Xero holds now.
pub(super) async fn open_tracked<P: Ports>(
    writer: &mut Writer<'_, P>,
    quantities: &[(ItemId, XeroQuantity)],
) -> Result<(), AppError> {
    for quantities in quantities.chunks(OPENINGS_PER_COMMIT) {
        open_some(writer, quantities).await?;
    }
    Ok(())
}

async fn open_some<P: Ports>(
    writer: &mut Writer<'_, P>,
    quantities: &[(ItemId, XeroQuantity)],
) -> Result<(), AppError> {
    let location = LocationId::main();
    let store = writer.ports().store();
    let now = writer.now();
    let today = writer.clock().day_of(now);
    let is_loaded = matches!(writer.profile.content.backfill, Backfill::Done { .. });
    let first = first_day(writer);
    let mut keys: Vec<Key> = Vec::new();
    keys.extend(quantities.iter().map(|(item, _)| Key::Position(*item, location.clone())));
    let positions = load::many::<Position>(store, writer.owner(), &keys).await?;
    let keys: Vec<Key> = quantities.iter().map(|(item, _)| Key::Layer(*item, location.clone())).collect();
    let layers = load::many::<Layers>(store, writer.owner(), &keys).await?;
    let held = quantities.iter().zip(positions).zip(layers).map(|(((item, xero), position), layer)| Held {
        item: *item,
        xero: *xero,
        position: position.unwrap_or(Versioned::new(Position { tracked: true, ..Position::default() })),
        layers: layer.unwrap_or(Versioned::new(Layers::Arrival(Layer::default()))),
    });
    let id = writer.new_commit();
    let mut writes = Vec::new();
    let mut opened = 0u32;
    for held in held {
        if held.position.content.opened {
            continue;
        }
        let before = held.position.content;
        // an item that came after the first load is known from its first movement on
        let on = match before.first_on {
            _ if !is_loaded => first,
            Some(known) => known.yesterday().unwrap_or(known),
            None => today,
        };
        let opening = Opening {
            item: held.item,
            location: location.clone(),
            on,
            quantity: held.xero.on_hand.minus(before.booked)?,
            value: held.xero.cost_pool.minus(before.value)?,
        };
        let (mut position, mut layer) = (before, held.layers.content.total());
        if opening.quantity.is_negative() {
            let text = format!(
                "The documents that were read explain {} more of a tracked item than Xero holds, so it would have begun below zero. A bill may be missing or doubled; the difference stands as an opening of {}.",
                opening.quantity.magnitude(),
                opening.quantity
            );
            let review = negative_opening_review(held.item);
            let review_row = Review {
                kind: ReviewKind::NegativeOpening,
                since: now,
                item: Some(held.item),
                document: None,
                text,
                codes: BTreeSet::new(),
            };
            writes.push(unguarded(Key::Review(review), review_row));
        }
        if opening.quantity.is_zero() {
            position.opened = true;
        } else {
            let movement = booking::open_tracked(&mut position, &mut layer, &opening, today, now, id)?;
            writes.push(Versioned::new(movement.clone()).write(Key::Movement(held.item, movement.key)));
        }
        let booked = position.booked;
        position.tracked = true;
        let snapshot = Snapshot { xero: held.xero, at: now, booked };
        position.snapshot = Some(snapshot);
        writes.push(unguarded(Key::Snapshot(held.item, today), snapshot));
        if held.layers.expect != Expect::Absent || layer != Layer::default() {
            let key = Key::Layer(held.item, location.clone());
            let content = Layers::Arrival(layer);
            writes.push(Versioned { content, expect: held.layers.expect }.write(key));
        }
        let key = Key::Position(held.item, location.clone());
        writes.push(Versioned { content: position, expect: held.position.expect }.write(key));
        opened += 1;
    }
    if writes.is_empty() {
        return Ok(());
    }
    let event = Event {
        what: EventType::StockOpened,
        subject: writer.org().to_string(),
        time: now,
        source: Source::Poll,
    };
    let reason =
        Reason { event: Some(event), ..Reason::own("derive opening balances") }.with("items", opened);
    writer.commit(id, writes, reason).await
}

/// The one question about an opening below zero; it ends with the book that it opened.
pub(super) fn negative_opening_review(item: ItemId) -> uuid::Uuid {
    derived("review", &["negative opening", &item.to_string()])
}

/// The day on which derived openings stand: where the history that was read begins.
fn first_day<P: Ports>(writer: &Writer<'_, P>) -> jiff::civil::Date {
    let connected = writer.clock().day_of(writer.profile.content.connected_at);
    connected.checked_sub(jiff::Span::new().months(MONTHS).days(1)).unwrap_or(connected)
}

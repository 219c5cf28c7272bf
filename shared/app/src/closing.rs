//! Once the books of a month are closed, what they report of each item is put down, part by part, and kept.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parstock_domain::document::Item;
use parstock_domain::ids::{ItemId, LocationId, OrgId};
use parstock_domain::ledger::closing::{Due, Month, due, last_closed_month};
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::{Balance, ClosedItem, Closing, ClosingState, Figures, Position};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::load::{self, Versioned, unguarded};
use crate::message::Message;
use crate::ports::{Commit, CommitError, Expect, Ports, Store};
use crate::records::{Backfill, Key, List, Owner, Record};
use crate::send::send_now;
use crate::writer::{LEASE_SECONDS, Reason, Writer};

/// Items of one part: some 60 KB in a row.
const ITEMS_PER_PART: u32 = 200;
/// Rows after which one message asks for another: a minute of reading, far inside a function's time.
const ROWS_PER_MESSAGE: usize = 200_000;
/// As many rows as one more read takes the time of.
const ROWS_PER_READ: usize = 50;
/// Rows that one read asks for.
const PAGE: u32 = 500;

/// A part of what was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedPart {
    /// Its items.
    pub items: Vec<ClosedItem>,
    /// Items of which nobody knew what lay there.
    pub not_counted: u32,
}

/// An item of which the ledger says another thing now than was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What was reported.
    pub reported: ClosedItem,
    /// What the ledger says of the month now; `None` where it does not know.
    pub now: Option<Figures>,
}

/// What became of a closing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Whether its parts are what it says of them: all are there and add up, and the hash is theirs.
    pub is_whole: bool,
    /// Items held beside the ledger.
    pub items: usize,
    /// Those of which the ledger says another thing.
    pub changed: Vec<Changed>,
}

/// Whether a month was closed that is not put down yet, or one that is was opened again.
pub fn is_due<P: Ports>(writer: &Writer<'_, P>) -> bool {
    let profile = &writer.profile.content;
    matches!(profile.backfill, Backfill::Done { at, .. } if at <= settled(writer))
        && closed_through(writer).and_then(last_closed_month) != profile.reported_through
}

/// What was booked before it is committed or never will be: whoever books holds the organisation for no longer.
fn settled<P: Ports>(writer: &Writer<'_, P>) -> Timestamp {
    let lease = SignedDuration::from_secs(LEASE_SECONDS);
    writer.now().saturating_sub(lease).unwrap_or(Timestamp::MIN)
}

/// The last closed day. A day that is not over can't be closed, whatever Xero's lock dates say.
fn closed_through<P: Ports>(writer: &Writer<'_, P>) -> Option<Date> {
    let profile = &writer.profile.content;
    let yesterday = writer.clock().day_of(writer.now()).yesterday().ok()?;
    profile.organisation.locked_through().max(profile.closed_through).map(|closed| closed.min(yesterday))
}

/// Puts down what is due, as far as one message goes.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn step<P: Ports>(ports: &P, org: OrgId) -> Result<(), AppError> {
    let mut read = 0;
    while read < ROWS_PER_MESSAGE {
        let mut writer = Writer::open_unleased(ports, org).await?;
        if !is_due(&writer) {
            return Ok(());
        }
        match next(&mut writer).await? {
            Some(rows) => read = read.saturating_add(rows),
            None => return Ok(()),
        }
    }
    send_now(ports, Message::Close { org }).await
}

/// Does one thing of what is due, and says how many rows that read; `None` if another worker is at it.
async fn next<P: Ports>(writer: &mut Writer<'_, P>) -> Result<Option<usize>, AppError> {
    let store = writer.ports().store();
    let mut closings = load::all::<Closing>(store, writer.org(), &List::Closings).await?;
    let known: Vec<Closing> = closings.iter().map(|(_, row)| row.content.clone()).collect();
    let closed_through = closed_through(writer);
    let Some(next) = due(&known, closed_through, settled(writer)) else {
        writer.profile.content.reported_through = closed_through.and_then(last_closed_month);
        writer.save_profile().await?;
        return Ok(Some(0));
    };
    let mut versioned = |content: Closing| {
        let row = closings.iter_mut().find(|(key, _)| *key == Key::Closing(content.month, content.number));
        Versioned { expect: row.map_or(Expect::Absent, |(_, row)| row.expect), content }
    };
    match next {
        Due::Reopen(closing) => {
            let closing = Closing { state: ClosingState::Reopened(writer.now()), ..closing };
            let reason = told("open a closed month again", &closing);
            let key = Key::Closing(closing.month, closing.number);
            let id = writer.new_commit();
            writer.commit(id, vec![versioned(closing).write(key)], reason).await?;
            Ok(Some(0))
        }
        Due::Make(closing) => {
            let Made { closing, part, read } = make(writer, closing).await?;
            let (month, number) = (closing.month, closing.number);
            let part_key = Key::ClosedItems(month, number, closing.parts);
            let reason = told("keep what a closed month reported", &closing);
            let is_whole = closing.state == ClosingState::Standing;
            // the closing's row guards its parts
            let writes =
                vec![unguarded(part_key, part), versioned(closing).write(Key::Closing(month, number))];
            let id = writer.new_commit();
            if is_whole {
                // reading took its time, and the closing's row guards what was read
                writer.reload_head().await?;
                writer.commit(id, writes, reason).await?;
                return Ok(Some(read));
            }
            match store.commit(writer.owner(), Commit { id, writes }).await {
                Ok(()) => Ok(Some(read)),
                Err(CommitError::Conflict { .. }) => Ok(None),
                Err(error) => Err(error.into()),
            }
        }
    }
}

fn told(what: &'static str, closing: &Closing) -> Reason {
    Reason::own(what)
        .with("month", closing.month.strftime("%Y-%m"))
        .with("closing", closing.number)
        .with("items", closing.items)
        .with("hash", closing.hash)
}

struct Made {
    closing: Closing,
    part: ClosedPart,
    read: usize,
}

/// The next part of a closing.
async fn make<P: Ports>(writer: &Writer<'_, P>, mut closing: Closing) -> Result<Made, AppError> {
    let (store, owner) = (writer.ports().store(), writer.owner());
    let after = match closing.state {
        ClosingState::Making(after) => after.map(Key::Item),
        ClosingState::Standing | ClosingState::Reopened(_) => None,
    };
    let page = store.list(owner, &List::Items, after.as_ref(), ITEMS_PER_PART).await?;
    let mut items = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        items.extend(load::decode_row::<Item>(Some(row))?.map(|row| row.content));
    }
    let positions: Vec<Key> = items.iter().map(|item| Key::Position(item.id, LocationId::main())).collect();
    let positions = load::many::<Position>(store, owner, &positions).await?;
    closing.state = ClosingState::Standing;
    let (mut part, mut not_counted, mut read) = (Vec::with_capacity(items.len()), 0u32, 0usize);
    let all = items.len();
    for (index, (item, position)) in items.into_iter().zip(positions).enumerate() {
        let position = position.map(|row| row.content).unwrap_or_default();
        let tracked = position.tracked;
        let month = month(store, owner, item.id, &closing, tracked, &mut read).await?;
        match month.figures(position.opened) {
            Some(figures) => {
                let xero = if tracked { said(writer, item.id, &closing).await? } else { None };
                part.push(ClosedItem { item: item.id, code: item.code, tracked, figures, xero });
            }
            None => not_counted = not_counted.saturating_add(1),
        }
        let is_last = index.saturating_add(1) == all;
        if (is_last && page.next.is_some()) || (!is_last && read >= ROWS_PER_MESSAGE) {
            closing.state = ClosingState::Making(Some(item.id));
            break;
        }
    }
    let part = ClosedPart { items: part, not_counted };
    add(&mut closing, &part)?;
    Ok(Made { closing, part, read })
}

/// What Xero had said last of an item by the end of the month.
async fn said<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    closing: &Closing,
) -> Result<Option<Balance>, AppError> {
    let store = writer.ports().store();
    let said = load::all_of::<Snapshot>(store, writer.owner(), &List::Snapshots(item)).await?;
    let last = closing.month.last_of_month();
    let mut said = said.into_iter().map(|(_, row)| row.content);
    let by_then = said.rfind(|said| writer.clock().day_of(said.at) <= last);
    Ok(by_then.map(|said| Balance { quantity: said.xero.on_hand, value: said.xero.cost_pool }))
}

fn add(closing: &mut Closing, part: &ClosedPart) -> Result<(), AppError> {
    closing.add(&part.items, part.not_counted, &serde_json::to_vec(part)?)?;
    Ok(())
}

/// An item's month. With `by_then` only what was known when the closing began.
async fn month(
    store: &impl Store,
    owner: Owner,
    item: ItemId,
    closing: &Closing,
    by_then: bool,
    read: &mut usize,
) -> Result<Month, AppError> {
    let mut month = Month::of(closing.month);
    let is_in = |recorded_at: Timestamp| !by_then || recorded_at <= closing.known_at;
    for list in [List::Movements(item), List::Restatements(item)] {
        let mut after = None;
        loop {
            let page = store.list(owner, &list, after.as_ref(), PAGE).await?;
            *read = read.saturating_add(ROWS_PER_READ).saturating_add(page.rows.len());
            for row in page.rows {
                match row.record {
                    Record::Movement(it) if is_in(it.recorded_at) => month.movement(&it)?,
                    Record::Restatement(it) if is_in(it.recorded_at) => month.restatement(&it)?,
                    _ => {}
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(month)
}

/// The items of a closing.
///
/// # Errors
/// When the store does not answer.
pub async fn items<P: Ports>(ports: &P, org: OrgId, closing: &Closing) -> Result<Vec<ClosedItem>, AppError> {
    Ok(parts(ports, org, closing).await?.into_iter().flat_map(|part| part.items).collect())
}

async fn parts<P: Ports>(ports: &P, org: OrgId, closing: &Closing) -> Result<Vec<ClosedPart>, AppError> {
    let list = List::ClosedItems(closing.month, closing.number);
    let parts = load::all::<ClosedPart>(ports.store(), org, &list).await?;
    Ok(parts.into_iter().map(|(_, part)| part.content).collect())
}

/// Holds what was reported beside what the ledger says of the month by all that is known now; of items whose book was or is Xero's, by
/// what was known then, since Xero's quantities know no days. And adds its parts up once more.
///
/// # Errors
/// When the store does not answer or an amount does not fit.
pub async fn check<P: Ports>(ports: &P, org: OrgId, closing: &Closing) -> Result<Checked, AppError> {
    let (store, owner) = (ports.store(), Owner::Org(org));
    let mut again = Closing::begin(closing.month, closing.number, closing.known_at);
    let (mut items, mut changed) = (0usize, Vec::new());
    for part in parts(ports, org, closing).await? {
        add(&mut again, &part)?;
        for reported in part.items {
            items = items.saturating_add(1);
            let key = Key::Position(reported.item, LocationId::main());
            let position = load::one::<Position>(store, owner, key).await?.map(|row| row.content);
            let by_then = reported.tracked || position.is_some_and(|position| position.tracked);
            let now = month(store, owner, reported.item, closing, by_then, &mut 0).await?.figures(true);
            if now != Some(reported.figures) {
                changed.push(Changed { reported, now });
            }
        }
    }
    Ok(Checked { is_whole: closing.is_made_of(&again), items, changed })
}

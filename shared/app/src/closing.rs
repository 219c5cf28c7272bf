//! Once the books of a month are closed, what they report of each item is put down, part by part, and kept.

use parstock_domain::document::Item;
use parstock_domain::ids::{ItemId, LocationId, OrgId};
use parstock_domain::ledger::closing::{Due, due, last_closed_month};
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::{
    Balance, ClosedItem, Closing, ClosingState, Figures, Movement, Position, Revaluation,
};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::load::{self, Versioned, unguarded};
use crate::message::Message;
use crate::ports::{Commit, CommitError, Expect, Ports, Store};
use crate::records::{Backfill, Key, List, Owner, Profile};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Items of one part: some 60 KB in a row.
const ITEMS_PER_PART: u32 = 200;
/// Movements after which one message asks for another: with the largest part a minute of reading.
const MOVEMENTS_PER_MESSAGE: usize = 200_000;

/// A part of what was reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedPart {
    /// Its items.
    pub items: Vec<ClosedItem>,
}

/// An item of which the ledger says another thing now than was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What was reported.
    pub reported: ClosedItem,
    /// What the ledger says of the month now; `None` where it does not know.
    pub now: Option<Figures>,
}

/// Whether a month was closed that is not put down yet, or one that is was opened again.
pub fn is_due(profile: &Profile) -> bool {
    let closed = profile.organisation.locked_through().max(profile.closed_through);
    matches!(profile.backfill, Backfill::Done { .. })
        && closed.and_then(last_closed_month) != profile.reported_through
}

/// Puts down what is due, as far as one message goes.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn step<P: Ports>(ports: &P, org: OrgId) -> Result<(), AppError> {
    let mut read = 0;
    while read < MOVEMENTS_PER_MESSAGE {
        let mut writer = Writer::open_unleased(ports, org).await?;
        if !is_due(&writer.profile.content) {
            return Ok(());
        }
        match next(&mut writer).await? {
            Some(movements) => read = read.saturating_add(movements),
            None => return Ok(()),
        }
    }
    send_now(ports, Message::Close { org }).await
}

/// Does one thing of what is due, and says how many movements that read; `None` if another worker is at it.
async fn next<P: Ports>(writer: &mut Writer<'_, P>) -> Result<Option<usize>, AppError> {
    let store = writer.ports().store();
    let mut closings = load::all::<Closing>(store, writer.org(), &List::Closings).await?;
    let known: Vec<Closing> = closings.iter().map(|(_, row)| row.content.clone()).collect();
    let profile = &writer.profile.content;
    let closed_through = profile.organisation.locked_through().max(profile.closed_through);
    let Some(next) = due(&known, closed_through, writer.now()) else {
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
        let mut history = history(store, owner, item.id).await?;
        read = read.saturating_add(history.movements.len());
        history.movements.retain(|movement| movement.recorded_at <= closing.known_at);
        history.revaluations.retain(|revaluation| revaluation.recorded_at <= closing.known_at);
        match history.figures(&closing, position.opened)? {
            Some(figures) => {
                let tracked = position.tracked;
                let xero = if tracked { said(writer, item.id, &closing).await? } else { None };
                part.push(ClosedItem { item: item.id, code: item.code, tracked, figures, xero });
            }
            None => not_counted = not_counted.saturating_add(1),
        }
        let is_last = index.saturating_add(1) == all;
        if (is_last && page.next.is_some()) || (!is_last && read >= MOVEMENTS_PER_MESSAGE) {
            closing.state = ClosingState::Making(Some(item.id));
            break;
        }
    }
    let part = ClosedPart { items: part };
    closing.add(&part.items, not_counted, &serde_json::to_vec(&part)?)?;
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
    let said = said.into_iter().map(|(_, row)| row.content);
    let by_then = said.filter(|said| writer.clock().day_of(said.at) <= last).last();
    Ok(by_then.map(|said| Balance { quantity: said.xero.on_hand, value: said.xero.cost_pool }))
}

struct History {
    movements: Vec<Movement>,
    revaluations: Vec<Revaluation>,
}

async fn history(store: &impl Store, owner: Owner, item: ItemId) -> Result<History, AppError> {
    let movements = load::all_of::<Movement>(store, owner, &List::Movements(item)).await?;
    let revaluations = load::all_of::<Revaluation>(store, owner, &List::Revaluations(item)).await?;
    Ok(History {
        movements: movements.into_iter().map(|(_, row)| row.content).collect(),
        revaluations: revaluations.into_iter().map(|(_, row)| row.content).collect(),
    })
}

impl History {
    fn figures(&self, closing: &Closing, opened: bool) -> Result<Option<Figures>, AppError> {
        Ok(Figures::of(closing.month, opened, &self.movements, &self.revaluations)?)
    }
}

/// The items of a closing.
///
/// # Errors
/// When the store does not answer.
pub async fn items<P: Ports>(ports: &P, org: OrgId, closing: &Closing) -> Result<Vec<ClosedItem>, AppError> {
    let list = List::ClosedItems(closing.month, closing.number);
    let parts = load::all::<ClosedPart>(ports.store(), org, &list).await?;
    Ok(parts.into_iter().flat_map(|(_, part)| part.content.items).collect())
}

/// Holds what was reported beside what the ledger says of the month by all that is known now; of items whose book is Xero's, by what
/// was known then, since Xero's quantities know no days.
///
/// # Errors
/// When the store does not answer.
pub async fn check<P: Ports>(ports: &P, org: OrgId, closing: &Closing) -> Result<Vec<Changed>, AppError> {
    let (store, owner) = (ports.store(), Owner::Org(org));
    let mut changed = Vec::new();
    for reported in items(ports, org, closing).await? {
        let mut history = history(store, owner, reported.item).await?;
        if reported.tracked {
            history.movements.retain(|movement| movement.recorded_at <= closing.known_at);
            history.revaluations.retain(|revaluation| revaluation.recorded_at <= closing.known_at);
        }
        let now = history.figures(closing, true)?;
        if now != Some(reported.figures) {
            changed.push(Changed { reported, now });
        }
    }
    Ok(changed)
}

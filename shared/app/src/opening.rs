//! Opening balances and counts of untracked items: only a person knows them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::cogs::CogsNews;
use parstock_domain::costing::Method;
use parstock_domain::document::Item;
use parstock_domain::event::{Event, EventType, Source};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{CommitId, ItemId, LocationId, OrgId};
use parstock_domain::ledger::booking::{Opening, StockCost, begin, close};
use parstock_domain::ledger::{Because, Layers, Position, count};
use parstock_domain::replenish::Plan;

use crate::booking::warning;
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::message::{Message, PLAN_ITEMS_MAX};
use crate::ports::{Expect, Ports, Write};
use crate::records::{Backfill, Key, Pointer};
use crate::refold;
use crate::send::send_now;
use crate::sync::touch;
use crate::table::{self, Wrong};
use crate::writer::{Reason, Writer};

/// The columns of the file.
pub const COLUMNS: [&str; 5] = ["item", "location", "as_of", "quantity", "unit_cost"];
/// Rows of one file.
pub const ROWS_MAX: usize = 100_000;
/// Items of one commit: up to two movements, position, alert and costs each, and the audit entry.
const ITEMS_PER_COMMIT: usize = 14;

/// One row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Line in the file, from 1.
    pub line: u64,
    /// The item's code.
    pub code: String,
    /// Where it was counted.
    pub location: LocationId,
    /// At the end of this day.
    pub as_of: Date,
    /// How much lay there.
    pub quantity: Quantity,
    /// What one unit is worth; what the ledger says if it is left out, which the first count of an item can't.
    pub unit_cost: Option<Money>,
}

/// Reads the file; all that is wrong is reported at once.
///
/// # Errors
/// Every error with its line.
pub fn parse(text: &str) -> Result<Vec<Count>, Vec<Wrong>> {
    let mut seen = BTreeMap::new();
    table::read(text, &COLUMNS, ROWS_MAX, |line, record| {
        let field = |index: usize| record.get(index).unwrap_or_default();
        table::main_location(field(1))?;
        let count = Count { line, ..count(field(0), field(2), field(3), field(4))? };
        match seen.insert((count.code.clone(), count.location.clone()), line) {
            Some(first) => Err(format!("`{}` was given in line {first} already", count.code)),
            None => Ok(count),
        }
    })
}

/// Reads one count, as it stands in a row or a form.
///
/// # Errors
/// What is wrong with it.
pub fn count(code: &str, as_of: &str, quantity: &str, unit_cost: &str) -> Result<Count, String> {
    if code.is_empty() {
        return Err("the item's code is missing".to_owned());
    }
    let as_of = as_of.parse().map_err(|_| format!("`{as_of}` is not a day such as 2026-11-22"))?;
    // blank is not zero
    let quantity: Quantity = quantity.parse().map_err(|error| format!("quantity: {error}"))?;
    let unit_cost: Option<Money> = match unit_cost {
        "" => None,
        text => Some(text.parse().map_err(|error| format!("unit_cost: {error}"))?),
    };
    if quantity.is_negative() || unit_cost.is_some_and(Money::is_negative) {
        return Err("quantity and unit_cost can't be below zero".to_owned());
    }
    let location = LocationId::main();
    Ok(Count { line: 1, code: code.to_owned(), location, as_of, quantity, unit_cost })
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Items that had no opening balance before.
    pub opened: u32,
    /// Items whose balance was replaced by an explained difference.
    pub recounted: u32,
    /// Items whose count agreed with the ledger.
    pub agreed: u32,
}

/// Books the counts. With a single row that names no untracked item nothing is booked.
///
/// # Errors
/// The rows that are wrong; or, as the outer error, that the store did not answer, or that the first load
/// is not done ([`AppError::Reject`]): what it has still to bring in would be added to a count that holds
/// it already.
pub async fn import<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    counts: &[Count],
) -> Result<Result<Imported, Vec<Wrong>>, AppError> {
    let mut writer = Writer::open(ports, org).await?;
    let result = import_all(&mut writer, who, counts).await;
    writer.close().await;
    let done = match result? {
        Ok(done) => done,
        Err(wrong) => return Ok(Err(wrong)),
    };
    for items in done.items.chunks(PLAN_ITEMS_MAX) {
        send_now(ports, Message::Plan { org, items: items.to_vec() }).await?;
    }
    if done.crossed {
        send_now(ports, Message::Alerts { org }).await?;
    }
    Ok(Ok(done.imported))
}

#[derive(Default)]
struct Done {
    imported: Imported,
    items: Vec<ItemId>,
    /// Whether a position crossed a line.
    crossed: bool,
}

async fn import_all<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    counts: &[Count],
) -> Result<Result<Done, Vec<Wrong>>, AppError> {
    if !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Err(AppError::Reject(
            "the first load is not done yet, so what was bought and sold up to the count's day is not known: import the counts again when the health page says that the history is whole".to_owned(),
        ));
    }
    let store = writer.ports().store();
    let today = writer.clock().day_of(writer.now());
    let (mut wrong, mut items) = (Vec::new(), Vec::new());
    for chunk in counts.chunks(500) {
        let keys: Vec<Key> = chunk.iter().map(|count| Key::ItemCode(count.code.clone())).collect();
        let ids = load::many::<Pointer<ItemId>>(store, writer.owner(), &keys).await?;
        let keys: Vec<Key> = ids.iter().flatten().map(|pointer| Key::Item(pointer.content.to)).collect();
        let masters = load::many::<Item>(store, writer.owner(), &keys).await?;
        let tracked: BTreeMap<ItemId, bool> =
            masters.into_iter().flatten().map(|item| (item.content.id, item.content.tracked)).collect();
        let without_cost: Vec<ItemId> = chunk
            .iter()
            .zip(&ids)
            .filter(|(count, _)| count.unit_cost.is_none())
            .filter_map(|(_, id)| id.as_ref().map(|pointer| pointer.content.to))
            .collect();
        let first = never_counted(writer, &without_cost).await?;
        for (count, id) in chunk.iter().zip(ids) {
            let what = match id.map(|pointer| pointer.content.to) {
                None => format!("Xero lists no item with the code `{}`", count.code),
                Some(id) if tracked.get(&id) == Some(&true) => {
                    format!("`{}` is tracked by Xero, which holds its quantity: correct it there", count.code)
                }
                Some(_) if count.as_of > today => format!("{} has not come yet", count.as_of),
                Some(id) if first.contains(&id) => {
                    format!("unit_cost: the first count of `{}` must say what one unit cost", count.code)
                }
                Some(id) => {
                    items.push((id, count.clone()));
                    continue;
                }
            };
            wrong.push(Wrong { line: count.line, what });
        }
    }
    if !wrong.is_empty() {
        return Ok(Err(wrong));
    }
    let mut done = Done { items: items.iter().map(|(id, _)| *id).collect(), ..Done::default() };
    touch(writer, done.items.iter().copied().collect()).await?;
    for chunk in items.chunks(ITEMS_PER_COMMIT) {
        book(writer, who, chunk, today, &mut done).await?;
    }
    Ok(Ok(done))
}

/// Those of some items that have no opening balance.
async fn never_counted<P: Ports>(
    writer: &Writer<'_, P>,
    items: &[ItemId],
) -> Result<BTreeSet<ItemId>, AppError> {
    let keys: Vec<Key> = items.iter().map(|item| Key::Position(*item, LocationId::main())).collect();
    let positions = load::many::<Position>(writer.ports().store(), writer.owner(), &keys).await?;
    let opened = |position: &Option<Versioned<Position>>| {
        position.as_ref().is_some_and(|position| position.content.opened)
    };
    Ok(items
        .iter()
        .zip(&positions)
        .filter(|(_, position)| !opened(position))
        .map(|(item, _)| *item)
        .collect())
}

async fn book<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    counts: &[(ItemId, Count)],
    today: Date,
    done: &mut Done,
) -> Result<(), AppError> {
    let store = writer.ports().store();
    let now = writer.now();
    let id = writer.new_commit();
    let mut writes = Vec::new();
    let mut reason = Reason {
        who: who.to_owned(),
        event: Some(Event {
            what: EventType::StockOpened,
            subject: writer.org().to_string(),
            time: now,
            source: Source::Person,
        }),
        ..Reason::own("import counts")
    };
    let ids: Vec<ItemId> = counts.iter().map(|(item, _)| *item).collect();
    let methods = refold::methods(writer, &ids, &LocationId::main()).await?;
    for (item, count) in counts {
        let position_key = Key::Position(*item, count.location.clone());
        let layer_key = Key::Layer(*item, count.location.clone());
        let position = load::one::<Position>(store, writer.owner(), position_key.clone()).await?;
        let position = position.unwrap_or(Versioned::new(Position::default()));
        let layers = load::one::<Layers>(store, writer.owner(), layer_key).await?;
        let (layers, expect) = layers.map_or((None, Expect::Absent), |row| (Some(row.content), row.expect));
        let plan_key = Key::Plan(*item, count.location.clone());
        let plan = load::one::<Plan>(store, writer.owner(), plan_key).await?;
        let movements = load::movements(store, writer.org(), *item, None).await?;
        let before = position.content;
        let counting = count::Count {
            item: *item,
            location: &count.location,
            on: count.as_of,
            quantity: count.quantity,
            unit_cost: count.unit_cost,
            movements: &movements,
            today,
            recorded_at: now,
            commit: id,
        };
        let from = count.as_of;
        let planned = plan.as_ref().map(|plan| plan.content.costing);
        let method = planned.or(methods.get(item).copied()).unwrap_or_default();
        let mut cost = refold::begin(writer, *item, &count.location, &before, layers, method, from).await?;
        let mut after = before.clone();
        let booked = match &mut cost {
            StockCost::Effective(refold) => counting.book(&mut after, refold)?,
            StockCost::Arrival(_) => {
                return Err(AppError::Reject(format!(
                    "Xero began to track `{}`: leave it out and import again",
                    count.code
                )));
            }
        };
        let agrees = booked.iter().all(|movement| movement.quantity.is_zero()) && before.value == after.value;
        done.imported.opened += u32::from(!before.opened);
        done.imported.agreed += u32::from(before.opened && agrees);
        done.imported.recounted += u32::from(before.opened && !agrees);
        let changes = booked.len();
        for movement in &booked {
            writes.push(Versioned::new(movement.clone()).write(Key::Movement(*item, movement.key)));
        }
        let plan = plan.as_ref().map(|plan| &plan.content);
        if let Some(alert) = warning(writer, *item, &count.location, &before, &mut after, plan, today)? {
            done.crossed = true;
            writes.push(alert);
        }
        reason = reason
            .with(&count.code, format!("{} as of {}, {changes} movements", count.quantity, count.as_of));
        writes.push(Versioned { content: after, expect: position.expect }.write(position_key));
        let stored = refold::Stored {
            item: *item,
            location: &count.location,
            because: Because::Count(count.as_of),
            at: now,
            commit: id,
        };
        stored.write(cost, &booked, expect, &mut writes, &mut reason.cogs)?;
    }
    writer.commit(id, writes, reason).await
}

/// Writes that change an item's book: Xero begins or ends to track it. At most [`MODE_WRITES_MAX`].
///
/// The old book is closed at what it holds. A new book of ours opens at once with what Xero said last. A
/// new book of Xero opens with Xero's own figure, once that stood through two readings.
///
/// # Errors
/// When the store does not answer or a figure does not fit.
pub(crate) async fn change_mode<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    tracked: bool,
    id: CommitId,
) -> Result<Vec<Write>, AppError> {
    let store = writer.ports().store();
    let location = LocationId::main();
    let (position_key, layer_key) =
        (Key::Position(item, location.clone()), Key::Layer(item, location.clone()));
    let Some(position) = load::one::<Position>(store, writer.owner(), position_key.clone()).await? else {
        return Ok(Vec::new());
    };
    let layers = load::one::<Layers>(store, writer.owner(), layer_key).await?;
    let (layers, expect) = layers.map_or((None, Expect::Absent), |row| (Some(row.content), row.expect));
    let now = writer.now();
    let today = writer.clock().day_of(now);
    let mut after = position.content;
    let said = after.snapshot.filter(|_| !tracked);
    let closes = after.opened || said.is_some();
    let opening = said.filter(|said| !said.xero.on_hand.is_zero()).map(|said| Opening {
        item,
        location: location.clone(),
        on: today,
        quantity: said.xero.on_hand,
        value: said.xero.cost_pool,
    });
    after.tracked = tracked;
    let mut cost = refold::begin(writer, item, &location, &after, layers, Method::Average, today).await?;
    // Xero's figure is of today: what is dated ahead goes on in our book
    let left = if tracked { Quantity::ZERO } else { after.still_ahead(today)? };
    let mut booked = Vec::new();
    if closes {
        booked.extend(close(&mut after, item, &location, left, today, now, id)?);
    }
    if let Some(opening) = &opening {
        booked.push(begin(&mut after, opening, today, now, id)?);
    }
    match &mut cost {
        StockCost::Arrival(layer) => {
            for movement in &booked {
                layer.quantity = layer.quantity.plus(movement.signed_quantity()?)?;
                layer.cost = layer.cost.plus(movement.layer_change()?)?;
            }
        }
        StockCost::Effective(refold) => {
            for movement in &booked {
                refold.balance(movement.clone())?;
            }
        }
    }
    after.value = cost.total().cost;
    after.counts.clear();
    after.opened = said.is_some();
    after.snapshot = None;
    let mut writes: Vec<Write> = booked
        .iter()
        .map(|movement| Versioned::new(movement.clone()).write(Key::Movement(item, movement.key)))
        .collect();
    writes.push(Versioned { content: after, expect: position.expect }.write(position_key));
    let stored = refold::Stored { item, location: &location, because: Because::Book, at: now, commit: id };
    // what is counted when the book changes is an opening and no sale
    stored.write(cost, &booked, expect, &mut writes, &mut CogsNews::default())?;
    Ok(writes)
}

/// Writes with which an item changes its book at most: closing, opening, position and costs.
pub(crate) const MODE_WRITES_MAX: usize = 3 + refold::ROWS_MAX;

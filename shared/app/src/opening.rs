//! Opening balances and counts of untracked items: only a person knows them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use parstock_domain::document::Item;
use parstock_domain::event::{Event, EventType, Source};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ItemId, LocationId, OrgId};
use parstock_domain::ledger::booking::{Opening, Stock, open};
use parstock_domain::ledger::position::quantity_at;
use parstock_domain::ledger::{Cause, Layer, Movement, Position};

use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::message::{Message, PLAN_ITEMS_MAX};
use crate::ports::Ports;
use crate::records::{Key, List, Pointer};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// The columns of the file.
pub const COLUMNS: [&str; 5] = ["item", "location", "as_of", "quantity", "unit_cost"];
/// Rows of one file.
pub const ROWS_MAX: usize = 100_000;
/// Items of one commit: movement, position and layer each, and the audit entry.
const ITEMS_PER_COMMIT: usize = 30;

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
    /// What one unit cost.
    pub unit_cost: Money,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Line in the file, from 1.
    pub line: u64,
    /// What is wrong, and what to write instead.
    pub what: String,
}

/// Reads the file; all that is wrong is reported at once.
///
/// # Errors
/// Every error with its line.
pub fn parse(text: &str) -> Result<Vec<Count>, Vec<Wrong>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.iter().map(str::to_owned).collect::<Vec<_>>(),
        Err(error) => return Err(vec![Wrong { line: 1, what: error.to_string() }]),
    };
    if header != COLUMNS {
        let what = format!("the first line must be `{}`", COLUMNS.join(","));
        return Err(vec![Wrong { line: 1, what }]);
    }
    let (mut counts, mut wrong) = (Vec::new(), Vec::new());
    let mut seen = BTreeMap::new();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                wrong.push(Wrong { line, what: format!("the line can't be read: {error}") });
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if counts.len() >= ROWS_MAX {
            wrong.push(Wrong { line, what: format!("more than {ROWS_MAX} rows: split the file") });
            break;
        }
        match count(line, &record) {
            Ok(count) => {
                if let Some(first) = seen.insert((count.code.clone(), count.location.clone()), line) {
                    wrong.push(Wrong {
                        line,
                        what: format!("`{}` was given in line {first} already", count.code),
                    });
                }
                counts.push(count);
            }
            Err(what) => wrong.push(Wrong { line, what }),
        }
    }
    if wrong.is_empty() { Ok(counts) } else { Err(wrong) }
}

fn count(line: u64, record: &csv::StringRecord) -> Result<Count, String> {
    let field = |index: usize| record.get(index).unwrap_or_default();
    let code = field(0);
    if code.is_empty() {
        return Err("the item's code is missing".to_owned());
    }
    let location = match field(1) {
        "" | "main" => LocationId::main(),
        other => return Err(format!("the location `{other}` is not known: leave it empty or write `main`")),
    };
    let as_of = field(2).parse().map_err(|_| format!("`{}` is not a day such as 2026-11-22", field(2)))?;
    // blank is not zero
    let quantity: Quantity = field(3).parse().map_err(|error| format!("quantity: {error}"))?;
    let unit_cost: Money = field(4).parse().map_err(|error| format!("unit_cost: {error}"))?;
    if quantity.is_negative() || unit_cost.is_negative() {
        return Err("quantity and unit_cost can't be below zero".to_owned());
    }
    Ok(Count { line, code: code.to_owned(), location, as_of, quantity, unit_cost })
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
/// The rows that are wrong; or, as the outer error, that the store did not answer.
pub async fn import<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    counts: &[Count],
) -> Result<Result<Imported, Vec<Wrong>>, AppError> {
    let mut writer = Writer::open(ports, org).await?;
    let result = import_all(&mut writer, who, counts).await;
    writer.close().await;
    let (imported, items) = match result? {
        Ok(done) => done,
        Err(wrong) => return Ok(Err(wrong)),
    };
    for items in items.chunks(PLAN_ITEMS_MAX) {
        send_now(ports, Message::Plan { org, items: items.to_vec() }).await?;
    }
    Ok(Ok(imported))
}

type Done = Result<(Imported, Vec<ItemId>), Vec<Wrong>>;

async fn import_all<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    counts: &[Count],
) -> Result<Done, AppError> {
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
        for (count, id) in chunk.iter().zip(ids) {
            let what = match id.map(|pointer| pointer.content.to) {
                None => format!("Xero lists no item with the code `{}`", count.code),
                Some(id) if tracked.get(&id) == Some(&true) => {
                    format!("`{}` is tracked by Xero, which holds its quantity: correct it there", count.code)
                }
                Some(_) if count.as_of > today => format!("{} has not come yet", count.as_of),
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
    let mut done = Imported::default();
    for chunk in items.chunks(ITEMS_PER_COMMIT) {
        book(writer, who, chunk, today, &mut done).await?;
    }
    Ok(Ok((done, items.into_iter().map(|(id, _)| id).collect())))
}

async fn book<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    counts: &[(ItemId, Count)],
    today: Date,
    done: &mut Imported,
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
    for (item, count) in counts {
        let position_key = Key::Position(*item, count.location.clone());
        let layer_key = Key::Layer(*item, count.location.clone());
        let position = load::one::<Position>(store, writer.owner(), position_key.clone()).await?;
        let position = position.unwrap_or(Versioned::new(Position::default()));
        let layer = load::one::<Layer>(store, writer.owner(), layer_key.clone()).await?;
        let layer = layer.unwrap_or(Versioned::new(Layer::default()));
        let (mut quantity, mut revision) = (count.quantity, 1);
        if position.content.opened {
            let movements = load::all::<Movement>(store, writer.org(), &List::Movements(*item)).await?;
            let movements: Vec<Movement> = movements.into_iter().map(|(_, row)| row.content).collect();
            quantity = quantity.minus(quantity_at(&movements, count.as_of)?)?;
            revision = movements
                .iter()
                .filter(|movement| movement.key.cause == Cause::Opening)
                .map(|movement| movement.key.revision)
                .max()
                .unwrap_or(0)
                .saturating_add(1);
        }
        let was_open = position.content.opened;
        let mut stock = Stock { position: position.content, layer: layer.content };
        if quantity.is_zero() {
            done.agreed += u32::from(was_open);
            done.opened += u32::from(!was_open);
            stock.position.opened = true;
        } else {
            let opening = Opening {
                item: *item,
                location: count.location.clone(),
                on: count.as_of,
                revision,
                quantity,
                value: quantity.at(count.unit_cost)?,
            };
            let (movement, after) = open(stock, &opening, today, now, id)?;
            writes.push(Versioned::new(movement.clone()).write(Key::Movement(*item, movement.key)));
            stock = after;
            done.opened += u32::from(!was_open);
            done.recounted += u32::from(was_open);
        }
        reason =
            reason.with(&count.code, format!("{} as of {}, booked {quantity}", count.quantity, count.as_of));
        writes.push(Versioned { content: stock.position, expect: position.expect }.write(position_key));
        writes.push(Versioned { content: stock.layer, expect: layer.expect }.write(layer_key));
    }
    writer.commit(id, writes, reason).await
}

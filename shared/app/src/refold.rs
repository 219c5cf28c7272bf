//! What an item's stock cost, while a commit adds to it: read from where folding begins, written with the commit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::cogs::{CogsNews, Sold};
use parstock_domain::costing::{Layer, Method};
use parstock_domain::document::Item;
use parstock_domain::fixed::{FixedError, Money};
use parstock_domain::ids::{CommitId, ItemId, LocationId};
use parstock_domain::ledger::booking::StockCost;
use parstock_domain::ledger::valuation::{Refold, Start};
use parstock_domain::ledger::{
    Because, Checkpoint, CogsDating, Dating, Layers, Movement, Position, Restatement, Valuation,
};
use parstock_domain::settings::{Policy, Rule, ScopedRule};

use crate::error::AppError;
use crate::load::{self, Versioned, unguarded};
use crate::ports::{Expect, Ports, Write};
use crate::records::{Backfill, Key};
use crate::writer::Writer;

/// Rows that one item's costs add to a commit at most: the layers, a month end and a restatement.
pub const ROWS_MAX: usize = 3;

/// Days of which one commit tells the cost of goods sold of an item; of more it tells the months, so that its audit entry fits
/// into a row.
const DAYS_TOLD_MAX: usize = 31;

/// Each month on its last day among these.
fn by_month(days: &BTreeMap<Date, Money>) -> Result<BTreeMap<Date, Money>, FixedError> {
    let mut months: BTreeMap<Date, (Date, Money)> = BTreeMap::new();
    for (on, cost) in days {
        let (last, sum) = months.entry(on.first_of_month()).or_insert((*on, Money::ZERO));
        (*last, *sum) = (*on, sum.plus(*cost)?);
    }
    Ok(months.into_values().collect())
}

/// The methods of items that were never planned, where any is set: plans hold those of the others.
///
/// # Errors
/// When the store does not answer.
pub async fn methods<P: Ports>(
    writer: &Writer<'_, P>,
    items: &[ItemId],
    location: &LocationId,
) -> Result<BTreeMap<ItemId, Method>, AppError> {
    let store = writer.ports().store();
    if items.is_empty() {
        return Ok(BTreeMap::new());
    }
    let policy = load::one::<Policy>(store, writer.owner(), Key::Policy).await?;
    let is_costing = |rule: &ScopedRule| matches!(rule.rule, Rule::Costing(_));
    if !policy.is_some_and(|policy| policy.content.rules().iter().any(is_costing)) {
        return Ok(BTreeMap::new());
    }
    let keys: Vec<Key> = items.iter().map(|item| Key::Item(*item)).collect();
    let masters = load::many::<Item>(store, writer.owner(), &keys).await?;
    let settings = crate::settings::for_items(writer.ports(), writer.org(), items).await?;
    let method = |item: Item| (item.id, settings.for_item(&item, location, None).costing);
    Ok(masters.into_iter().flatten().map(|row| method(row.content)).collect())
}

/// An item's costs, so that movements from a day on can be added. From today on they go by `method`.
///
/// # Errors
/// When the store does not answer or an amount does not fit.
pub async fn begin<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    location: &LocationId,
    position: &Position,
    stored: Option<Layers>,
    method: Method,
    from: Date,
) -> Result<StockCost, AppError> {
    let is_loaded = matches!(writer.profile.content.backfill, Backfill::Done { .. });
    let (mut valuation, is_new) = match stored {
        Some(Layers::Effective(valuation)) if !position.tracked => (*valuation, false),
        // Xero's book; or the first load, which brings documents in no order of days, of stock that nobody has counted
        stored if position.tracked || !is_loaded => {
            return Ok(StockCost::Arrival(stored.map(|layers| layers.total()).unwrap_or_default()));
        }
        // the first booking since
        _ => (Valuation::new(method), position.movements > 0),
    };
    let today = writer.clock().day_of(writer.now());
    let from = if valuation.switch(today, method) { from.min(today) } else { from };
    let store = writer.ports().store();
    let base = match valuation.start(from) {
        Start::Held => valuation.held(from).cloned(),
        Start::Stored(on) => {
            let key = Key::Checkpoint(item, location.clone(), on);
            load::one::<Checkpoint>(store, writer.owner(), key).await?.map(|stored| stored.content)
        }
        Start::First => None,
    };
    let is_at_the_end = !is_new && base.as_ref() == valuation.latest();
    let movements = if is_at_the_end {
        Vec::new()
    } else {
        let from = base.as_ref().and_then(|base| base.on.tomorrow().ok());
        load::movements(store, writer.org(), item, from).await?
    };
    let told = writer.profile.content.cogs_from;
    let told = told.map(|from| CogsDating { from, was_opened: position.opened });
    let dating = Dating {
        today,
        open_from: open_from(writer, position, today),
        // what was costed in order of arrival was told to nobody
        cogs: told.filter(|told| !(is_new && told.was_opened)),
    };
    Ok(StockCost::Effective(Box::new(Refold::new(valuation, base, movements, dating, position.value)?)))
}

/// The first day whose books are open, unless no day of an item was ever reported: before its first balance there is nothing to
/// keep, and the first load brings what Xero's books hold already.
fn open_from<P: Ports>(writer: &Writer<'_, P>, position: &Position, today: Date) -> Option<Date> {
    let profile = &writer.profile.content;
    let is_reported = position.opened && matches!(profile.backfill, Backfill::Done { .. });
    let closed = profile.organisation.locked_through().max(profile.closed_through).filter(|_| is_reported)?;
    // a day that has not come can't be closed
    closed.tomorrow().ok().map(|open| open.min(today))
}

/// The commit that stores an item's costs.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    /// The item.
    pub item: ItemId,
    /// Where.
    pub location: &'a LocationId,
    /// What it books.
    pub because: Because,
    /// Now.
    pub at: Timestamp,
    /// The commit.
    pub commit: CommitId,
}

impl Stored<'_> {
    /// Adds the rows of an item's costs to a commit that books `movements` of it, and what that tells of cost of goods sold.
    /// `expect` is what must hold of its layers.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn write(
        self,
        cost: StockCost,
        movements: &[Movement],
        expect: Expect,
        writes: &mut Vec<Write>,
        cogs: &mut CogsNews,
    ) -> Result<(), FixedError> {
        let Self { item, location, because, at, commit } = self;
        let content = match cost {
            StockCost::Arrival(layer) => Layers::Arrival(layer),
            StockCost::Effective(refold) => {
                let refolded = refold.finish(movements)?;
                let days = if refolded.cogs.len() > DAYS_TOLD_MAX {
                    by_month(&refolded.cogs)?
                } else {
                    refolded.cogs
                };
                cogs.sold.extend(days.into_iter().map(|(on, cost)| Sold { item, on, cost }));
                if let Some(checkpoint) = refolded.checkpoint {
                    // the layers, which name it, guard it
                    let key = Key::Checkpoint(item, location.clone(), checkpoint.on);
                    writes.push(unguarded(key, checkpoint));
                }
                if !(refolded.months.is_empty() && refolded.closed.is_empty()) {
                    let restatement = Restatement {
                        item,
                        because,
                        months: refolded.months,
                        closed: refolded.closed,
                        posted_on: refolded.posted_on,
                        recorded_at: at,
                        commit,
                    };
                    writes.push(Versioned::new(restatement).write(Key::Restatement(item, commit)));
                }
                Layers::Effective(Box::new(refolded.valuation))
            }
        };
        if expect != Expect::Absent || content != Layers::Arrival(Layer::default()) {
            writes.push(Versioned { content, expect }.write(Key::Layer(item, location.clone())));
        }
        Ok(())
    }
}

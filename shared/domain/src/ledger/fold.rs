//! Movements in effective order: the day's documents that a count has seen, its counts, and the documents after them; and what
//! costs come of them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::card::{Balance, LayerOf, LayerPart};
use super::movement::{Cause, Movement, MovementKey};
use super::valuation::{Checkpoint, Valuation};
use crate::costing::{Costed, Costs, Method, Price, Step};
use crate::document::{DocumentKind, DocumentRef};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{DayNumber, DocumentId};

/// Receipts that FIFO and LIFO tell apart in what is there; beyond that the two oldest become one layer. Two states of so many fit
/// into a row.
pub const LAYERS_MAX: usize = 300;
/// Receipts that are remembered for landed cost that is still to come; what lands on others is consumed.
pub const REMEMBERED_MAX: usize = 100;
/// Sales that are remembered and receipts from which they took, all together; what goes beyond that is forgotten, the oldest sale
/// first, and its return costed as if it named none.
pub const TAKINGS_MAX: usize = 200;

/// What a cost layer came from, in the order in which costs follow movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    turn: Turn,
    key: MovementKey,
}

/// Where a movement stands on its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Turn {
    Seen,
    Count,
    Later,
}

impl Ord for Origin {
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |origin: &Self| (origin.key.effective_on, origin.turn, origin.key);
        place(self).cmp(&place(other))
    }
}

impl PartialOrd for Origin {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Origin {
    /// Of what lay there by the average when costs began to go by another method, on this day.
    fn of_switch(on: Date) -> Option<Self> {
        MovementKey::before(on).map(|key| Self { turn: Turn::Later, key })
    }

    fn layer(self) -> LayerOf {
        let next = self.key.effective_on.tomorrow().ok();
        match next.filter(|next| Self::of_switch(*next) == Some(self)) {
            Some(began) => LayerOf::Before(began),
            None => LayerOf::Movement(self.key),
        }
    }
}

/// The cost layers of an item, the oldest first; below zero what is oversold.
pub(super) fn layers(costs: &Costs<Origin>) -> Result<Vec<LayerPart>, FixedError> {
    let total = costs.total();
    let mut rest = Balance { quantity: total.quantity, value: total.cost };
    let mut layers = Vec::new();
    for layer in costs.layers() {
        let balance = Balance { quantity: layer.quantity, value: layer.cost };
        rest = rest.minus(balance)?;
        layers.push(LayerPart { of: layer.from.layer(), balance });
    }
    let of = if costs.method() == Method::Average { LayerOf::All } else { LayerOf::Oversold };
    layers.extend((rest != Balance::default()).then_some(LayerPart { of, balance: rest }));
    Ok(layers)
}

/// What each movement changed of the cost layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    now: Vec<LayerPart>,
    /// By movement; what the counts of a day changed, by the last of them.
    pub parts: BTreeMap<MovementKey, Vec<LayerPart>>,
}

impl Trace {
    fn follow(&mut self, key: MovementKey, costs: &Costs<Origin>) -> Result<(), FixedError> {
        let after = layers(costs)?;
        let before = std::mem::replace(&mut self.now, after);
        // most layers stay as they are, and all that do lie at one end
        let pairs = before.iter().zip(&self.now).take_while(|(before, after)| before == after);
        let first = pairs.count();
        let (before, after) =
            (before.get(first..).unwrap_or_default(), self.now.get(first..).unwrap_or_default());
        let pairs = before.iter().rev().zip(after.iter().rev()).take_while(|(before, after)| before == after);
        let last = pairs.count();
        let changed = |layers: &[LayerPart]| {
            let length = layers.len().saturating_sub(last);
            layers.iter().take(length).copied().collect::<Vec<LayerPart>>()
        };
        let (before, after) = (changed(before), changed(after));
        let mut parts: Vec<LayerPart> = Vec::new();
        for (layer, is_before) in
            before.into_iter().map(|layer| (layer, true)).chain(after.into_iter().map(|layer| (layer, false)))
        {
            let balance = if is_before { Balance::default().minus(layer.balance)? } else { layer.balance };
            match parts.iter_mut().find(|part| part.of == layer.of) {
                Some(part) => part.balance = part.balance.plus(balance)?,
                None => parts.push(LayerPart { balance, ..layer }),
            }
        }
        parts.retain(|part| part.balance != Balance::default());
        self.parts.insert(key, parts);
        Ok(())
    }
}

/// The days that a commit goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dating {
    /// The org's civil day.
    pub today: Date,
    /// The first day whose books are open, if any are closed.
    pub open_from: Option<Date>,
    /// If cost of goods sold is told of the item: how.
    pub cogs: Option<CogsDating>,
}

/// How the cost of goods sold of an item is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CogsDating {
    /// The first day of which it is told. Once that has come, what changes of earlier days counts on it.
    pub from: Date,
    /// Whether it was known before what lies there.
    pub was_opened: bool,
}

/// The movements of a day, in the order in which costs follow them.
pub(super) struct Day<'a> {
    pub on: Date,
    /// Documents that a count of the day has seen, or all if there is none.
    pub seen: Vec<&'a Movement>,
    pub counts: Vec<&'a Movement>,
    /// Documents that came after a count that was made on the day itself.
    pub later: Vec<&'a Movement>,
}

/// Movements by day.
pub(super) fn days<'a>(
    movements: impl IntoIterator<Item = &'a Movement>,
    standing: &Standing,
) -> Vec<Day<'a>> {
    let mut sorted: Vec<&Movement> = movements.into_iter().collect();
    sorted.sort_by_key(|movement| movement.key);
    let mut days: Vec<Day<'_>> = Vec::new();
    for of_day in sorted.chunk_by(|a, b| a.key.effective_on == b.key.effective_on) {
        let Some(on) = of_day.first().map(|movement| movement.key.effective_on) else { continue };
        let (mut documents, mut counts): (Vec<&Movement>, Vec<&Movement>) =
            of_day.iter().partition(|movement| !matches!(movement.key.cause, Cause::Opening | Cause::Count));
        counts.sort_by_key(|count| (count.recorded_at, count.key));
        let last = counts.iter().rev().find(|count| count.found.is_some());
        let counted_at = last.filter(|count| count.found.is_some_and(|found| !found.whole_day));
        let later = match counted_at {
            Some(count) => {
                documents.extract_if(.., |document| document.recorded_at >= count.recorded_at).collect()
            }
            None => Vec::new(),
        };
        // cost lands where its receipt stands
        let receipts: Vec<Cause> = later.iter().map(|movement: &&Movement| movement.key.cause).collect();
        let mut later: Vec<&Movement> = later;
        later.extend(documents.extract_if(.., |movement| {
            receipt_of(movement.key.cause).is_some_and(|receipt| receipts.contains(&receipt))
        }));
        later.sort_by_key(|movement| movement.key);
        returns_last(&mut documents, standing);
        returns_last(&mut later, standing);
        days.push(Day { on, seen: documents, counts, later });
    }
    days
}

/// Puts returns behind the sales of their day that they take back: those that stand, since another day's is not theirs any more.
fn returns_last(of_day: &mut [&Movement], standing: &Standing) {
    if of_day.iter().all(|movement| movement.returns.is_empty()) {
        return;
    }
    let stands = of_day.iter().filter(|movement| standing.holds(&movement.key));
    let sales: BTreeSet<DocumentId> = stands.filter_map(|movement| sale_of(&movement.key.cause)).collect();
    of_day.sort_by_key(|movement| movement.returns.iter().any(|sale| sales.contains(sale)));
}

/// The revision of each line that stands, among the movements of an item.
pub(super) struct Standing(BTreeMap<Cause, u32>);

impl Standing {
    pub(super) fn of<'a>(movements: impl IntoIterator<Item = &'a Movement>) -> Self {
        let mut latest = BTreeMap::new();
        for key in movements.into_iter().map(|movement| movement.key) {
            let highest = latest.entry(key.cause).or_default();
            *highest = key.revision.max(*highest);
        }
        Self(latest)
    }

    /// Whether a document's movement was not taken back.
    pub(super) fn holds(&self, key: &MovementKey) -> bool {
        !key.correction && self.0.get(&key.cause) == Some(&key.revision)
    }
}

/// The purchase line on top of whose goods a movement puts cost.
const fn receipt_of(cause: Cause) -> Option<Cause> {
    match cause {
        Cause::LandedCost { of, line, .. } => Some(Cause::Document { of, line }),
        Cause::Opening | Cause::Count | Cause::Document { .. } | Cause::Adjustment { .. } => None,
    }
}

/// The sales invoice that a movement is of.
pub(super) fn sale_of(cause: &Cause) -> Option<DocumentId> {
    match cause {
        Cause::Document { of: DocumentRef { kind: DocumentKind::SalesInvoice, id }, .. } => Some(*id),
        _ => None,
    }
}

/// Whether a movement's costs may go by a receipt or a sale that it names.
pub(super) fn may_name_others(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::LandedCost { .. }
            | Cause::Document { of: DocumentRef { kind: DocumentKind::SalesCredit, .. }, .. }
    )
}

/// How much all the receipts brought on which a voucher lands, those that are remembered.
fn received_by(
    movements: &[&Movement],
    voucher: DayNumber,
    standing: &Standing,
    costs: &Costs<Origin>,
) -> Result<Quantity, FixedError> {
    let of_voucher = |movement: &&&Movement| match movement.key.cause {
        Cause::LandedCost { voucher: of, .. } => of == voucher && standing.holds(&movement.key),
        _ => false,
    };
    let mut received = Quantity::ZERO;
    for receipt in movements.iter().filter(of_voucher).filter_map(|movement| receipt_of(movement.key.cause)) {
        if let Some((_, known)) = costs.remembered().find(|(known, _)| known.key.cause == receipt) {
            received = received.plus(known)?;
        }
    }
    Ok(received)
}

/// How often movements that are still to come name a receipt or a sale.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    receipts: BTreeMap<Cause, usize>,
    sales: BTreeMap<DocumentId, usize>,
}

impl Ahead {
    pub(super) fn of(movements: &[Movement], standing: &Standing) -> Self {
        let mut named = Self { receipts: BTreeMap::new(), sales: BTreeMap::new() };
        for movement in movements.iter().filter(|movement| standing.holds(&movement.key)) {
            if let Some(receipt) = receipt_of(movement.key.cause) {
                let times = named.receipts.entry(receipt).or_default();
                *times = times.saturating_add(1);
            }
            for sale in &movement.returns {
                let times = named.sales.entry(*sale).or_default();
                *times = times.saturating_add(1);
            }
        }
        named
    }

    fn names(&self, cause: &Cause) -> bool {
        self.receipts.contains_key(cause) || sale_of(cause).is_some_and(|sale| self.sales.contains_key(&sale))
    }

    fn pass(&mut self, movement: &Movement) {
        if let Some(receipt) = receipt_of(movement.key.cause) {
            count_down(&mut self.receipts, &receipt);
        }
        for sale in &movement.returns {
            count_down(&mut self.sales, sale);
        }
    }
}

fn count_down<K: Ord>(times: &mut BTreeMap<K, usize>, of: &K) {
    if let Some(left) = times.get_mut(of) {
        *left = left.saturating_sub(1);
        if *left == 0 {
            times.remove(of);
        }
    }
}

/// What a fold found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Folded {
    /// After the last day.
    pub now: Option<Checkpoint>,
    /// Before the latest day that has come.
    pub before: Option<Checkpoint>,
    /// Before the month of that day, if its beginning was passed.
    pub month_end: Option<Checkpoint>,
    /// What the standing movement of each line cost.
    pub costed: BTreeMap<Cause, Costed>,
    /// How much the counts of a day changed the value.
    pub counted: BTreeMap<Date, Money>,
    /// How much the value changed in each month, its closed part apart.
    pub months: BTreeMap<Period, Money>,
    /// The cost of goods sold of each day; nothing of the days before it was known what lay there.
    pub cogs: BTreeMap<Date, Money>,
    /// What each movement changed of the cost layers, where somebody asked for it.
    pub trace: Option<Trace>,
}

/// A month by its first day, or the part of it that is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Period {
    pub month: Date,
    pub is_closed: bool,
}

impl Period {
    pub(super) fn of(day: Date, open_from: Option<Date>) -> Self {
        Self { month: day.first_of_month(), is_closed: open_from.is_some_and(|open| day < open) }
    }
}

/// Folds the movements after a checkpoint.
pub(super) fn fold(
    valuation: &Valuation,
    base: Option<&Checkpoint>,
    movements: &[Movement],
    dating: Dating,
) -> Result<Folded, FixedError> {
    let standing = Standing::of(movements);
    let mut ahead = Ahead::of(movements, &standing);
    fold_on(valuation, base, (movements, &standing), dating, &mut ahead, Folded::default())
}

/// As [`fold`], and says what each movement changed of the cost layers. `ahead` knows of later movements, too.
pub(super) fn fold_traced(
    valuation: &Valuation,
    base: Option<&Checkpoint>,
    movements: &[Movement],
    standing: &Standing,
    ahead: &mut Ahead,
) -> Result<Folded, FixedError> {
    let dating = Dating { today: Date::MAX, open_from: None, cogs: None };
    let folded = Folded { trace: Some(Trace::default()), ..Folded::default() };
    fold_on(valuation, base, (movements, standing), dating, ahead, folded)
}

fn fold_on(
    valuation: &Valuation,
    base: Option<&Checkpoint>,
    (movements, standing): (&[Movement], &Standing),
    dating: Dating,
    ahead: &mut Ahead,
    mut folded: Folded,
) -> Result<Folded, FixedError> {
    let mut days = days(movements, standing);
    // a day that was mistyped and mended leaves nothing
    days.retain(|day| {
        let mut documents = day.seen.iter().chain(&day.later);
        !day.counts.is_empty() || documents.any(|movement| standing.holds(&movement.key))
    });
    let mut on = base.map(|base| base.on);
    let mut costs = base.map_or_else(|| Costs::new(valuation.method), |base| base.costs.clone());
    costs.forget(|known| ahead.names(&known.key.cause));
    let latest = days.iter().rev().find(|day| day.on <= dating.today).or(days.last()).map(|day| day.on);
    let held = |on: Option<Date>, costs: &Costs<Origin>| on.map(|on| Checkpoint { on, costs: costs.clone() });
    if let Some(trace) = &mut folded.trace {
        trace.now = layers(&costs)?;
    }
    for day in days {
        if Some(day.on) == latest {
            folded.before = held(on, &costs);
        }
        let month = day.on.first_of_month();
        let is_latest = latest.is_some_and(|latest| latest.first_of_month() == month);
        if is_latest && folded.month_end.is_none() && on.is_some_and(|on| on < month) {
            folded.month_end = held(on, &costs);
        }
        for switch in &valuation.switches {
            if switch.on <= day.on && on.is_none_or(|on| on < switch.on) {
                costs.switch(switch.to, Origin::of_switch(switch.on).ok_or(FixedError::TooLarge)?);
                if let Some(trace) = &mut folded.trace {
                    trace.now = layers(&costs)?;
                }
            }
        }
        let began = costs.total().cost;
        folded.documents(&day.seen, Turn::Seen, standing, ahead, &mut costs)?;
        if let Some(last) = day.counts.last() {
            let mut change = Quantity::ZERO;
            for count in &day.counts {
                change = change.plus(count.signed_quantity()?)?;
            }
            let worth = day.counts.iter().rev().find_map(|count| count.found?.worth);
            let before = costs.total().cost;
            costs.count(Origin { turn: Turn::Count, key: last.key }, change, worth)?;
            let changed = costs.total().cost.minus(before)?;
            folded.counted.insert(day.on, changed);
            folded.follow(last.key, &costs)?;
            if day.counts.iter().any(|count| count.key.cause == Cause::Opening) {
                folded.cogs.clear();
                // nor what sales before it had taken
                costs.forget(|known| sale_of(&known.key.cause).is_none());
            } else {
                folded.sold(day.on, changed.negated()?)?;
            }
        }
        folded.documents(&day.later, Turn::Later, standing, ahead, &mut costs)?;
        let change = costs.total().cost.minus(began)?;
        let of_period = folded.months.entry(Period::of(day.on, dating.open_from)).or_default();
        *of_period = of_period.plus(change)?;
        on = Some(day.on);
    }
    folded.now = held(on, &costs);
    Ok(folded)
}

impl Folded {
    fn documents(
        &mut self,
        movements: &[&Movement],
        turn: Turn,
        standing: &Standing,
        ahead: &mut Ahead,
        costs: &mut Costs<Origin>,
    ) -> Result<(), FixedError> {
        let mut together: Option<(DayNumber, Quantity)> = None;
        for movement in movements.iter().filter(|movement| standing.holds(&movement.key)) {
            let origin = Origin { turn, key: movement.key };
            let costed = if let Cause::LandedCost { voucher, of, line } = movement.key.cause {
                if together.is_none_or(|(known, _)| known != voucher) {
                    together = Some((voucher, received_by(movements, voucher, standing, costs)?));
                }
                let receipt = Cause::Document { of, line };
                let known = costs.remembered().find(|(known, _)| known.key.cause == receipt);
                // of one that is not there nothing is left
                let onto = known.map_or(origin, |(known, _)| *known);
                costs.land(movement.value, onto, together.map(|(_, received)| received))?
            } else if !movement.returns.is_empty() {
                costs.sale_return(origin, movement.quantity, lines_of(&movement.returns, costs))?
            } else {
                let is_named = ahead.names(&movement.key.cause);
                let is_sale = sale_of(&movement.key.cause).is_some();
                let has_room = is_sale || costs.remembered().count() < REMEMBERED_MAX;
                costs.apply(origin, &step(movement)?, is_named && has_room)?
            };
            while costs.takings().saturating_add(costs.remembered_sales().count()) > TAKINGS_MAX {
                let Some(oldest) = costs.remembered_sales().next().copied() else { break };
                costs.forget(|known| *known != oldest);
            }
            if receipt_of(movement.key.cause).is_some() || !movement.returns.is_empty() {
                ahead.pass(movement);
                costs.forget(|known| ahead.names(&known.key.cause));
            }
            costs.merge_oldest(LAYERS_MAX)?;
            self.follow(movement.key, costs)?;
            self.costed.insert(movement.key.cause, costed);
            // what is written off leaves the stock account as what a count misses does
            let is_adjusted = matches!(movement.key.cause, Cause::Adjustment { .. });
            let sold = match (is_adjusted || movement.key.cause.is_demand(), movement.key.out) {
                (true, true) => costed.cost,
                (true, false) => costed.cost.negated()?,
                (false, _) => Money::ZERO,
            };
            self.sold(movement.key.effective_on, sold.plus(costed.correction)?)?;
        }
        Ok(())
    }

    fn follow(&mut self, key: MovementKey, costs: &Costs<Origin>) -> Result<(), FixedError> {
        self.trace.as_mut().map_or(Ok(()), |trace| trace.follow(key, costs))
    }

    fn sold(&mut self, on: Date, cost: Money) -> Result<(), FixedError> {
        let of_day = self.cogs.entry(on).or_default();
        *of_day = of_day.plus(cost)?;
        Ok(())
    }
}

/// The lines of sales that are remembered, of each the last first: so a sale that comes back whole leaves what was before it.
fn lines_of(sales: &[DocumentId], costs: &Costs<Origin>) -> Vec<Origin> {
    let of = |sale: &DocumentId| {
        let sale = *sale;
        costs.remembered_sales().rev().filter(move |known| sale_of(&known.key.cause) == Some(sale))
    };
    sales.iter().flat_map(of).copied().collect()
}

/// What came in at what it is said to be worth.
fn priced(movement: &Movement) -> Result<Step<Origin>, FixedError> {
    let unit_cost = movement.value.per_unit(movement.quantity)?;
    let price = Price { cost: movement.value, unit_cost };
    Ok(Step::Receipt { quantity: movement.quantity, price: Some(price) })
}

/// What a document's movement means for costs.
fn step(movement: &Movement) -> Result<Step<Origin>, FixedError> {
    let quantity = movement.quantity;
    let kind = match movement.key.cause {
        Cause::Document { of, .. } => Some(of.kind),
        Cause::Adjustment { .. } if !movement.key.out => return priced(movement),
        Cause::Opening | Cause::Count | Cause::LandedCost { .. } | Cause::Adjustment { .. } => None,
    };
    Ok(match (kind, movement.key.out) {
        (Some(DocumentKind::GoodsReceipt | DocumentKind::Bill | DocumentKind::SpendMoney), false) => {
            priced(movement)?
        }
        (
            Some(DocumentKind::SalesCredit | DocumentKind::SalesInvoice | DocumentKind::ReceiveMoney),
            false,
        ) => Step::SaleReturn { quantity, of: None },
        (_, false) => Step::Receipt { quantity, price: None },
        (
            Some(
                DocumentKind::GoodsReceipt
                | DocumentKind::Bill
                | DocumentKind::SpendMoney
                | DocumentKind::SupplierCredit,
            ),
            true,
        ) => Step::PurchaseReturn { quantity, of: None },
        (_, true) => Step::Issue { quantity },
    })
}

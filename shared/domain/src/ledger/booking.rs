//! Desired minus booked: what a document in its present state should have booked, compared line by line
//! with what it has booked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::arrival::Billed;
use super::count::balance;
use super::movement::{Cause, Finding, Movement, MovementKey, Place};
use super::position::Position;
use super::valuation::Refold;
use crate::costing::{Layer, Worth};
use crate::document::{Document, DocumentKind, DocumentLine, DocumentRef, ItemRef};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{CommitId, DocumentId, ItemId, LineId, LocationId};

/// What one line of a document should have booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredLine {
    /// The line.
    pub line: LineId,
    /// Its item.
    pub item: ItemId,
    /// The day on which it takes effect.
    pub effective_on: Date,
    /// What the document says of our stock: above zero in, below zero out, zero if it moves nothing.
    pub change: Quantity,
    /// What comes in cost, where the document says so.
    pub cost: Option<Money>,
    /// How much of the change moves with another paper: what of a bill goods receipts bring in, what of a goods receipt Xero counts
    /// with its bill.
    pub elsewhere: Quantity,
    /// What the rest costs, where that is not what the document says.
    pub priced: Option<Money>,
    /// What the whole line amounts to in the document's own currency, where that is not the base currency.
    pub foreign_net: Option<Money>,
    /// The account that a purchase is coded to; empty of all else.
    pub account: String,
    /// Of goods that come back: the sales that they were of.
    pub returns: Vec<DocumentId>,
    /// What customers pay for it, or get back, base currency.
    pub net: Option<Money>,
    /// What it commits to a customer.
    pub committed: Quantity,
    /// What it orders from a supplier.
    pub ordered: Quantity,
}

/// What one line of a document has booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedLine {
    /// The line.
    #[serde(rename = "l")]
    pub line: LineId,
    /// Its item.
    #[serde(rename = "i")]
    pub item: ItemId,
    /// The day on which it took effect.
    #[serde(rename = "d")]
    pub effective_on: Date,
    /// What the document says of our stock.
    #[serde(rename = "q")]
    pub change: Quantity,
    /// What moved was worth, same sign as the change.
    #[serde(rename = "v")]
    pub value: Money,
    /// The cost that the document named, to see whether it changed.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// How much of the change moves with another paper, as [`DesiredLine::elsewhere`].
    #[serde(rename = "e", default, skip_serializing_if = "Quantity::is_zero_ref")]
    pub elsewhere: Quantity,
    /// What the rest was booked at, where that is not the cost that the document named.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub priced: Option<Money>,
    /// What the whole line amounts to in the document's own currency, where that is not the base currency.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub foreign_net: Option<Money>,
    /// The account that a purchase is coded to.
    #[serde(rename = "a", default, skip_serializing_if = "String::is_empty")]
    pub account: String,
    /// Of goods that came back: the sales that they were of.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<DocumentId>,
    /// What customers paid for it, or got back, base currency; `None` of all that is no sale.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub net: Option<Money>,
    /// What it committed.
    #[serde(rename = "k", default, skip_serializing_if = "Quantity::is_zero_ref")]
    pub committed: Quantity,
    /// What it ordered.
    #[serde(rename = "o", default, skip_serializing_if = "Quantity::is_zero_ref")]
    pub ordered: Quantity,
    /// How often this line has been booked, from 1.
    #[serde(rename = "r", default = "first", skip_serializing_if = "is_first")]
    pub revision: u32,
    /// The order lines that it brought in (bills).
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty")]
    pub billed: Vec<Billed>,
}

/// The first revision, which most lines stay at and which a row needn't say.
const fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_first(revision: &u32) -> bool {
    *revision == first()
}

impl Quantity {
    /// [`Quantity::is_zero`] for a derived serialiser, which passes a reference.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
    pub(crate) fn is_zero_ref(&self) -> bool {
        self.is_zero()
    }
}

impl DesiredLine {
    /// The change of our stock by the document itself.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn moves(&self) -> Result<Quantity, FixedError> {
        self.change.minus(self.elsewhere)
    }
}

impl BookedLine {
    /// The change of our stock by the document itself.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn moves(&self) -> Result<Quantity, FixedError> {
        self.change.minus(self.elsewhere)
    }

    /// What should stand of it if only what moves elsewhere has changed, and what the rest costs.
    pub fn met(&self, elsewhere: Quantity, priced: Option<Money>) -> DesiredLine {
        DesiredLine {
            line: self.line,
            item: self.item,
            effective_on: self.effective_on,
            change: self.change,
            cost: self.cost,
            elsewhere,
            priced,
            foreign_net: self.foreign_net,
            account: self.account.clone(),
            returns: self.returns.clone(),
            net: self.net,
            committed: self.committed,
            ordered: self.ordered,
        }
    }

    /// Whether it is what the document says, whatever account it is coded to, whatever customers pay and whatever it amounts to in
    /// another currency than the base currency: that moves no stock.
    pub fn covers(&self, desired: &DesiredLine) -> bool {
        self.item == desired.item
            && self.change == desired.change
            && (self.effective_on == desired.effective_on
                || self.change.is_zero() && self.committed.is_zero())
            && self.cost == desired.cost
            && self.returns == desired.returns
            && self.committed == desired.committed
            && self.ordered == desired.ordered
    }
}

/// A line whose booking must change: `before` is taken back, `after` is booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// The line.
    pub line: LineId,
    /// What stands booked.
    pub before: Option<BookedLine>,
    /// What should stand.
    pub after: Option<DesiredLine>,
}

impl LineChange {
    /// The items whose rows it touches, one or two.
    pub fn items(&self) -> impl Iterator<Item = ItemId> + use<> {
        let before = self.before.as_ref().map(|line| line.item);
        let after = self.after.as_ref().map(|line| line.item).filter(|item| before != Some(*item));
        before.into_iter().chain(after)
    }

    /// The sales whose goods it brings back, or brought back until now.
    pub fn returns(&self) -> impl Iterator<Item = DocumentId> {
        let before = self.before.iter().flat_map(|line| &line.returns);
        before.chain(self.after.iter().flat_map(|line| &line.returns)).copied()
    }
}

/// What a document should have booked, and what of it can't be counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Its lines with an item and an effect.
    pub lines: Vec<DesiredLine>,
    /// Codes of items that nobody knows.
    pub unknown_items: Vec<String>,
    /// Money on lines without an item: the share that no stock ledger can count.
    pub uncountable: Money,
}

/// What `document` should have booked. `resolve` finds the item of a line.
///
/// Invoices, bills and credit notes move stock once approved, spend and receive money once saved; drafts
/// of sales commit it; orders order it; a void or deletion should have booked nothing
/// (Xero help, "Inventory: tracked stock updates").
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn desired(
    document: &Document,
    mut resolve: impl FnMut(&ItemRef) -> Option<ItemId>,
) -> Result<Desired, FixedError> {
    let mut all = Desired::default();
    for line in &document.lines {
        let Some(named) = &line.item else {
            all.uncountable = all.uncountable.plus(line.net.magnitude())?;
            continue;
        };
        let Some(item) = resolve(named) else {
            all.unknown_items.push(named.code.clone());
            continue;
        };
        if let Some(line) = desired_line(document, line, item)? {
            all.lines.push(line);
        }
    }
    Ok(all)
}

fn desired_line(
    document: &Document,
    line: &DocumentLine,
    item: ItemId,
) -> Result<Option<DesiredLine>, FixedError> {
    let mut wanted = DesiredLine {
        line: line.id,
        item,
        effective_on: document.date,
        change: Quantity::ZERO,
        cost: None,
        elsewhere: Quantity::ZERO,
        priced: None,
        foreign_net: line.foreign_net,
        account: String::new(),
        returns: Vec::new(),
        net: None,
        committed: Quantity::ZERO,
        ordered: Quantity::ZERO,
    };
    let status = document.status;
    match document.of.kind {
        DocumentKind::GoodsReceipt
        | DocumentKind::Bill
        | DocumentKind::SpendMoney
        | DocumentKind::SalesCredit
            if status.moves_stock() =>
        {
            wanted.change = line.quantity;
        }
        DocumentKind::SalesInvoice | DocumentKind::ReceiveMoney | DocumentKind::SupplierCredit
            if status.moves_stock() =>
        {
            wanted.change = line.quantity.negated()?;
        }
        DocumentKind::SalesInvoice if status.is_pending() => wanted.committed = line.quantity,
        DocumentKind::PurchaseOrder => wanted.ordered = line.quantity,
        _ => {}
    }
    let is_purchase = matches!(document.of.kind, DocumentKind::Bill | DocumentKind::SpendMoney);
    let names_cost = is_purchase || document.of.kind == DocumentKind::GoodsReceipt;
    if names_cost && wanted.change > Quantity::ZERO {
        wanted.cost = Some(line.net);
    }
    if (is_purchase || document.of.kind == DocumentKind::SupplierCredit) && !wanted.change.is_zero() {
        wanted.account = line.account.clone();
    }
    if document.of.kind == DocumentKind::SalesCredit && wanted.change > Quantity::ZERO {
        wanted.returns = document.set_against.clone();
    }
    let is_sale = Cause::Document { of: document.of, line: line.id }.is_demand();
    wanted.net = (is_sale && !wanted.change.is_zero()).then_some(line.net);
    let has_effect = !(wanted.change.is_zero() && wanted.committed.is_zero() && wanted.ordered.is_zero());
    Ok(has_effect.then_some(wanted))
}

/// The lines whose booking must change, in the document's order, lines that vanished last.
pub fn changes(desired: &[DesiredLine], booked: &[BookedLine]) -> Vec<LineChange> {
    let mut standing: BTreeMap<LineId, &BookedLine> = booked.iter().map(|line| (line.line, line)).collect();
    let mut changes = Vec::new();
    for line in desired {
        let before = standing.remove(&line.line);
        if before.is_none_or(|before| !before.covers(line)) {
            changes.push(LineChange { line: line.line, before: before.cloned(), after: Some(line.clone()) });
        }
    }
    let has_effect =
        |line: &&BookedLine| !(line.change.is_zero() && line.committed.is_zero() && line.ordered.is_zero());
    for gone in standing.into_values().filter(has_effect) {
        changes.push(LineChange { line: gone.line, before: Some(gone.clone()), after: None });
    }
    changes
}

/// What booking a document's lines needs to know besides them.
#[derive(Clone, Debug)]
pub struct Booking<'a> {
    /// The document.
    pub of: DocumentRef,
    /// The org's civil day.
    pub today: Date,
    /// Now.
    pub recorded_at: Timestamp,
    /// The commit that will hold it.
    pub commit: CommitId,
    /// Where the goods lie.
    pub location: &'a LocationId,
}

/// What is held of an item at a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Its position.
    pub position: Position,
    /// What it cost.
    pub cost: StockCost,
}

/// What the stock of an item cost, by its book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StockCost {
    /// Tracked: the average in the order in which documents came.
    Arrival(Layer),
    /// Ours: in effective order.
    Effective(Box<Refold>),
}

impl StockCost {
    /// Quantity and cost of what is there.
    pub fn total(&self) -> Layer {
        match self {
            Self::Arrival(layer) => *layer,
            Self::Effective(refold) => refold.total(),
        }
    }
}

impl Default for Stock {
    /// Of an item that nobody knows yet.
    fn default() -> Self {
        Self { position: Position::default(), cost: StockCost::Arrival(Layer::default()) }
    }
}

/// What one change books: movements, and what stands booked for the line afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Rows of the ledger, the reversal first, each with what balances it behind it.
    pub movements: Vec<Movement>,
    /// What stands booked; `None` only if nothing ever was.
    pub line: Option<BookedLine>,
}

impl Booking<'_> {
    /// Books one change: takes back what stood exactly as it was booked, then books what should stand.
    /// `stocks` holds the items that the change touches, and is brought up to date.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit; then `stocks` must be thrown away.
    pub fn book(
        &self,
        change: &LineChange,
        billed: Vec<Billed>,
        stocks: &mut BTreeMap<ItemId, Stock>,
    ) -> Result<Booked, FixedError> {
        let mut movements = Vec::new();
        let revision = change.before.as_ref().map_or(0, |line| line.revision).saturating_add(1);
        if let Some(before) = &change.before {
            let stock = stocks.entry(before.item).or_default();
            if !before.committed.is_zero() {
                stock.position.commit(before.effective_on, before.committed.negated()?)?;
            }
            let moved = before.moves()?;
            if !moved.is_zero() {
                let step = Step {
                    item: before.item,
                    day: before.effective_on,
                    change: moved.negated()?,
                    revision,
                    correction: true,
                    returns: &before.returns,
                };
                let movement = self.movement(step, change.line)?;
                movements.extend(self.take_back(stock, movement, before)?);
            }
        }
        let Some(after) = &change.after else {
            let line = change.before.as_ref().map(|before| BookedLine {
                change: Quantity::ZERO,
                value: Money::ZERO,
                cost: None,
                elsewhere: Quantity::ZERO,
                priced: None,
                foreign_net: None,
                account: String::new(),
                returns: Vec::new(),
                net: None,
                committed: Quantity::ZERO,
                ordered: Quantity::ZERO,
                revision,
                billed: Vec::new(),
                ..before.clone()
            });
            return Ok(Booked { movements, line });
        };
        let stock = stocks.entry(after.item).or_default();
        if !after.committed.is_zero() {
            stock.position.commit(after.effective_on, after.committed)?;
        }
        let mut value = Money::ZERO;
        let moves = after.moves()?;
        if !moves.is_zero() {
            let step = Step {
                item: after.item,
                day: after.effective_on,
                change: moves,
                revision,
                correction: false,
                returns: &after.returns,
            };
            let movement = self.movement(step, change.line)?;
            let booked = self.move_stock(stock, movement, after.priced.or(after.cost))?;
            value = booked.first().map(Movement::layer_change).transpose()?.unwrap_or_default();
            movements.extend(booked);
        }
        let line = BookedLine {
            line: change.line,
            item: after.item,
            effective_on: after.effective_on,
            change: after.change,
            value,
            cost: after.cost,
            elsewhere: after.elsewhere,
            priced: after.priced,
            foreign_net: after.foreign_net,
            account: after.account.clone(),
            returns: after.returns.clone(),
            net: after.net,
            committed: after.committed,
            ordered: after.ordered,
            revision,
            billed,
        };
        Ok(Booked { movements, line: Some(line) })
    }

    /// Takes back what a line has booked: what came in order of arrival at what it was booked, else at what it is worth
    /// until now.
    fn take_back(
        &self,
        stock: &mut Stock,
        mut movement: Movement,
        before: &BookedLine,
    ) -> Result<Vec<Movement>, FixedError> {
        match &mut stock.cost {
            StockCost::Arrival(layer) => {
                let undone = layer.take_back(before.moves()?, before.value)?;
                movement.value =
                    if before.change.is_negative() { before.value.negated()? } else { before.value };
                movement.correction = undone.correction;
                *layer = undone.layer;
                self.keep_by_arrival(stock, movement)
            }
            StockCost::Effective(_) => self.keep_by_day(stock, movement),
        }
    }

    /// Books what comes in, at its cost if that is named, or goes out.
    fn move_stock(
        &self,
        stock: &mut Stock,
        mut movement: Movement,
        named: Option<Money>,
    ) -> Result<Vec<Movement>, FixedError> {
        let quantity = movement.quantity;
        match &mut stock.cost {
            StockCost::Arrival(layer) if movement.key.out => {
                let issued = layer.issue(quantity)?;
                movement.value = issued.cost;
                *layer = issued.layer;
                self.keep_by_arrival(stock, movement)
            }
            StockCost::Arrival(layer) => {
                let cost = match named {
                    Some(cost) => cost,
                    // a return comes back at what the stock costs now
                    None => layer.at_average(quantity)?,
                };
                let mut received = layer.receive(quantity, cost)?;
                if named.is_some() {
                    received.layer.last_unit_cost = cost.per_unit(quantity)?;
                }
                (movement.value, movement.correction) = (cost, received.correction);
                *layer = received.layer;
                self.keep_by_arrival(stock, movement)
            }
            StockCost::Effective(_) => {
                movement.value = named.unwrap_or_default();
                self.keep_by_day(stock, movement)
            }
        }
    }

    fn keep_by_arrival(&self, stock: &mut Stock, movement: Movement) -> Result<Vec<Movement>, FixedError> {
        stock.position.apply(&movement, self.today)?;
        stock.position.value = stock.cost.total().cost;
        Ok(vec![movement])
    }

    /// Puts a movement where its day is, and balances it if a count has seen that day.
    fn keep_by_day(&self, stock: &mut Stock, movement: Movement) -> Result<Vec<Movement>, FixedError> {
        stock.position.apply(&movement, self.today)?;
        let opposite = balance(&mut stock.position, &movement, self.today)?;
        let StockCost::Effective(refold) = &mut stock.cost else { return Ok(Vec::new()) };
        let (movement, opposite) = refold.document(movement, opposite)?;
        stock.position.value = refold.total().cost;
        Ok(std::iter::once(movement).chain(opposite).collect())
    }

    /// A movement that nobody has valued yet.
    fn movement(&self, step: Step<'_>, line: LineId) -> Result<Movement, FixedError> {
        let out = step.change.is_negative();
        let ours = Place::Stock(self.location.clone());
        let theirs = match self.of.kind {
            DocumentKind::SalesInvoice | DocumentKind::SalesCredit | DocumentKind::ReceiveMoney => {
                Place::Customer
            }
            DocumentKind::GoodsReceipt
            | DocumentKind::Bill
            | DocumentKind::SpendMoney
            | DocumentKind::SupplierCredit
            | DocumentKind::PurchaseOrder => Place::Supplier,
        };
        let (from, to) = if out { (ours, theirs) } else { (theirs, ours) };
        Ok(Movement {
            item: step.item,
            key: MovementKey {
                effective_on: step.day,
                out,
                cause: Cause::Document { of: self.of, line },
                revision: step.revision,
                correction: step.correction,
            },
            quantity: step.change.magnitude(),
            from,
            to,
            value: Money::ZERO,
            correction: Money::ZERO,
            posted_on: None,
            found: None,
            returns: step.returns.to_vec(),
            recorded_at: self.recorded_at,
            commit: self.commit,
        })
    }
}

struct Step<'a> {
    item: ItemId,
    day: Date,
    change: Quantity,
    revision: u32,
    correction: bool,
    returns: &'a [DocumentId],
}

/// The movement with which an item's ledger starts or ends, worth what it says.
fn opening(
    position: &Position,
    opening: &Opening,
    recorded_at: Timestamp,
    commit: CommitId,
) -> Result<Movement, FixedError> {
    let out = opening.quantity.is_negative();
    let ours = Place::Stock(opening.location.clone());
    let (from, to) = if out { (ours, Place::Opening) } else { (Place::Opening, ours) };
    Ok(Movement {
        item: opening.item,
        key: MovementKey {
            effective_on: opening.on,
            out,
            cause: Cause::Opening,
            revision: position.next_balance(),
            correction: false,
        },
        quantity: opening.quantity.magnitude(),
        from,
        to,
        value: if out { opening.value.negated()? } else { opening.value },
        correction: Money::ZERO,
        posted_on: None,
        found: None,
        returns: Vec::new(),
        recorded_at,
        commit,
    })
}

/// Opens the book of a tracked item: nothing went before it, whenever it becomes known, so it is added to what has been
/// booked since.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn open_tracked(
    position: &mut Position,
    layer: &mut Layer,
    of: &Opening,
    today: Date,
    recorded_at: Timestamp,
    commit: CommitId,
) -> Result<Movement, FixedError> {
    let added = layer.take_back(of.quantity.negated()?, of.value.negated()?)?;
    let mut last_unit_cost = layer.last_unit_cost;
    if last_unit_cost.is_zero() {
        last_unit_cost = of.value.per_unit(of.quantity)?;
    }
    *layer = Layer { last_unit_cost, ..added.layer };
    // should the item become ours, its costs begin here
    let found = Some(Finding { worth: Some(Worth::of_all(of.quantity, of.value)?), whole_day: true });
    let movement =
        Movement { correction: added.correction, found, ..opening(position, of, recorded_at, commit)? };
    position.apply(&movement, today)?;
    position.value = layer.cost;
    Ok(movement)
}

/// Ends the book of an item at what it holds, if that is anything, but for `left`, which stays.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn close(
    position: &mut Position,
    item: ItemId,
    location: &LocationId,
    left: Quantity,
    today: Date,
    recorded_at: Timestamp,
    commit: CommitId,
) -> Result<Option<Movement>, FixedError> {
    let (quantity, value) = (left.minus(position.booked)?, position.value.negated()?);
    if quantity.is_zero() {
        return Ok(None);
    }
    let of = Opening { item, location: location.clone(), on: today, quantity, value };
    let movement = opening(position, &of, recorded_at, commit)?;
    position.apply(&movement, today)?;
    position.value = Money::ZERO;
    Ok(Some(movement))
}

/// Begins a book of ours with what Xero said last. What happens later on the day is taken from it.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn begin(
    position: &mut Position,
    of: &Opening,
    today: Date,
    recorded_at: Timestamp,
    commit: CommitId,
) -> Result<Movement, FixedError> {
    let worth = Some(Worth::of_all(of.quantity, of.value)?);
    let found = Some(Finding { worth, whole_day: false });
    let movement = Movement { found, ..opening(position, of, recorded_at, commit)? };
    position.apply(&movement, today)?;
    position.value = of.value;
    Ok(movement)
}

/// The balance with which an item's ledger starts or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The item.
    pub item: ItemId,
    /// Where.
    pub location: LocationId,
    /// At the end of this day.
    pub on: Date,
    /// How much.
    pub quantity: Quantity,
    /// What it is worth together.
    pub value: Money,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::document::DocumentStatus;
    use crate::ids::{ContactId, DocumentId};

    const ITEM: ItemId = ItemId(Uuid::from_u128(77));

    fn document(kind: DocumentKind, status: DocumentStatus, lines: &[(u128, i64, i64)]) -> Document {
        Document {
            of: DocumentRef { kind, id: DocumentId(Uuid::from_u128(1)) },
            number: "D-1".into(),
            reference: String::new(),
            status,
            contact: ContactId(Uuid::from_u128(5)),
            contact_name: "Somebody".into(),
            date: date(2026, 5, 4),
            expected_on: None,
            updated_at: Timestamp::UNIX_EPOCH,
            lines: lines
                .iter()
                .map(|&(id, quantity, price)| {
                    let quantity = Quantity::from_e4(quantity);
                    let unit_amount = Money::from_e4(price);
                    DocumentLine {
                        id: LineId(Uuid::from_u128(id)),
                        item: Some(ItemRef { id: Some(ITEM), code: "A".into() }),
                        description: String::new(),
                        quantity,
                        unit_amount,
                        net: quantity.at(unit_amount).unwrap(),
                        account: String::new(),
                        unit: None,
                        foreign_net: None,
                    }
                })
                .collect(),
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        }
    }

    /// Brings the booked lines and the stock to the document's present state; returns the movements.
    fn sync(
        document: &Document,
        booked: &mut Vec<BookedLine>,
        stocks: &mut BTreeMap<ItemId, Stock>,
    ) -> Vec<Movement> {
        let wanted = desired(document, |named| named.id).unwrap();
        let location = LocationId::main();
        let booking = Booking {
            of: document.of,
            today: date(2026, 6, 1),
            recorded_at: Timestamp::UNIX_EPOCH,
            commit: CommitId(Uuid::from_u128(9)),
            location: &location,
        };
        let mut movements = Vec::new();
        for change in changes(&wanted.lines, booked) {
            let result = booking.book(&change, Vec::new(), stocks).unwrap();
            movements.extend(result.movements);
            booked.retain(|line| line.line != change.line);
            booked.extend(result.line);
        }
        movements
    }

    #[test]
    fn an_edited_line_is_taken_back_and_booked_anew() {
        let (mut booked, mut stocks) = (Vec::new(), BTreeMap::new());
        let first = sync(
            &document(DocumentKind::Bill, DocumentStatus::Authorised, &[(1, 100_000, 20_000)]),
            &mut booked,
            &mut stocks,
        );
        assert_eq!(first.len(), 1);
        let again = sync(
            &document(DocumentKind::Bill, DocumentStatus::Paid, &[(1, 100_000, 20_000)]),
            &mut booked,
            &mut stocks,
        );
        assert_eq!(again, [], "paying a bill moves nothing");
        let edited = sync(
            &document(DocumentKind::Bill, DocumentStatus::Paid, &[(1, 60_000, 20_000)]),
            &mut booked,
            &mut stocks,
        );
        assert_eq!(
            edited.iter().map(|m| (m.key.out, m.key.correction, m.quantity.e4())).collect::<Vec<_>>(),
            [(true, true, 100_000), (false, false, 60_000)]
        );
        assert_eq!(stocks[&ITEM].position.booked, Quantity::from_e4(60_000));
        assert_eq!(stocks[&ITEM].cost.total().cost, Money::from_e4(120_000));
    }

    #[test]
    fn a_draft_commits_and_its_approval_moves() {
        let (mut booked, mut stocks) = (Vec::new(), BTreeMap::new());
        sync(
            &document(DocumentKind::SalesInvoice, DocumentStatus::Draft, &[(1, 30_000, 1)]),
            &mut booked,
            &mut stocks,
        );
        assert_eq!(stocks[&ITEM].position.committed, Quantity::from_e4(30_000));
        assert_eq!(stocks[&ITEM].position.booked, Quantity::ZERO);
        sync(
            &document(DocumentKind::SalesInvoice, DocumentStatus::Authorised, &[(1, 30_000, 1)]),
            &mut booked,
            &mut stocks,
        );
        assert_eq!(stocks[&ITEM].position.committed, Quantity::ZERO);
        assert_eq!(stocks[&ITEM].position.booked, Quantity::from_e4(-30_000));
    }

    fn kinds() -> impl Strategy<Value = DocumentKind> {
        prop::sample::select(DocumentKind::ALL.to_vec())
    }
    fn statuses() -> impl Strategy<Value = DocumentStatus> {
        use DocumentStatus as S;
        prop::sample::select(vec![S::Draft, S::Submitted, S::Authorised, S::Paid, S::Voided, S::Deleted])
    }

    proptest! {
        /// Whatever states a document goes through: what is booked is what its last state should book, the
        /// position is the fold of the movements, and a void leaves what was before the document.
        #[test]
        fn the_last_state_alone_counts(
            kind in kinds(),
            states in prop::collection::vec((statuses(), prop::collection::vec((1u128..5, 0i64..1_000_000, 0i64..1_000_000), 0..5)), 1..6),
            held in 0i64..1_000_000,
        ) {
            let opening = Opening { item: ITEM, location: LocationId::main(), on: date(2026, 1, 1), quantity: Quantity::from_e4(held), value: Money::from_e4(held) };
            let (mut position, mut layer) = (Position { tracked: true, ..Position::default() }, Layer::default());
            open_tracked(&mut position, &mut layer, &opening, date(2026, 6, 1), Timestamp::UNIX_EPOCH, CommitId(Uuid::nil())).unwrap();
            let stock = Stock { position, cost: StockCost::Arrival(layer) };
            let start = stock.clone();
            let (mut booked, mut stocks) = (Vec::new(), BTreeMap::from([(ITEM, stock)]));
            let mut folded = start.position.booked;
            for (status, mut lines) in states.clone() {
                lines.sort_unstable();
                lines.dedup_by_key(|line| line.0);
                for movement in sync(&document(kind, status, &lines), &mut booked, &mut stocks) {
                    prop_assert!(movement.quantity > Quantity::ZERO);
                    folded = folded.plus(movement.signed_quantity().unwrap()).unwrap();
                }
                let wanted: i64 = desired(&document(kind, status, &lines), |named| named.id).unwrap().lines.iter().map(|line| line.change.e4()).sum();
                let position = &stocks[&ITEM].position;
                prop_assert_eq!(position.booked.e4(), held + wanted);
                prop_assert_eq!(position.booked, folded);
                let there = stocks[&ITEM].cost.total();
                prop_assert_eq!((there.quantity, there.cost), (position.booked, position.value));
            }
            sync(&document(kind, DocumentStatus::Voided, &[]), &mut booked, &mut stocks);
            prop_assert_eq!(stocks[&ITEM].position.booked, start.position.booked);
            prop_assert_eq!(stocks[&ITEM].position.committed, Quantity::ZERO);
        }
    }
}

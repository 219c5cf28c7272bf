//! The ledger of one untracked item as a store keeps it, for tests.

use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp, ToSpan};
use uuid::Uuid;

use super::adjusted::Adjusting;
use super::booking::{BookedLine, Booking, DesiredLine, LineChange, Stock, StockCost};
use super::card::{Balance, Card, CardFold, CardLine, Foreseen, LayerPart, View};
use super::closing::{Figures, Month};
use super::count::Count;
use super::fold::{CogsDating, Dating, Standing, fold};
use super::landed::Landing;
use super::movement::{Cause, Movement};
use super::position::{OnHand, Position, quantity_at};
use super::valuation::{Because, Checkpoint, Layers, Refold, Restatement, Start, Valuation};
use crate::adjustment::{AdjustmentLine, AdjustmentNumber, ReasonCode};
use crate::costing::{Layer, Method};
use crate::document::{DocumentKind, DocumentRef};
use crate::fixed::{Money, Quantity};
use crate::ids::{CommitId, DayNumber, DocumentId, ItemId, LineId, LocationId};

pub(super) const ITEM: ItemId = ItemId(Uuid::from_u128(77));
pub(super) const TODAY: Date = date(2026, 6, 30);

/// The day with a number, from the first of June on; below zero in the months before.
pub(super) fn day(number: i64) -> Date {
    date(2026, 6, 1).saturating_add(number.days())
}

fn sum(mut amounts: impl Iterator<Item = Money>) -> Money {
    amounts.try_fold(Money::ZERO, Money::plus).unwrap()
}

/// What a line of a document says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub kind: DocumentKind,
    pub on: Date,
    /// In ten-thousandths: above zero in, below zero out.
    pub change: i64,
    /// In ten-thousandths, of what is bought.
    pub cost: i64,
    /// The line of which goods come back.
    pub returns: Option<u128>,
}

impl Line {
    pub(super) fn bought(on: Date, units: i64, cost: &str) -> Self {
        let cost = cost.parse::<Money>().unwrap().e4();
        Self { kind: DocumentKind::Bill, on, change: units * 10_000, cost, returns: None }
    }

    pub(super) fn sold(on: Date, units: i64) -> Self {
        Self { kind: DocumentKind::SalesInvoice, on, change: -units * 10_000, cost: 0, returns: None }
    }

    pub(super) fn returned(on: Date, units: i64, sale: Option<u128>) -> Self {
        Self { kind: DocumentKind::SalesCredit, on, change: units * 10_000, cost: 0, returns: sale }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Notebook {
    pub position: Position,
    pub valuation: Valuation,
    pub movements: Vec<Movement>,
    pub restated: BTreeMap<Date, Money>,
    /// What was restated in closed months, by the day on which books count it.
    pub posted: BTreeMap<Date, Money>,
    /// Cost of goods sold as it was told, by the day on which books count it.
    pub cogs: BTreeMap<Date, Money>,
    /// The first day of which it is told.
    pub cogs_from: Date,
    pub today: Date,
    /// The first day whose books are open.
    pub open_from: Option<Date>,
    checkpoints: BTreeMap<Date, Checkpoint>,
    lines: BTreeMap<u128, BookedLine>,
    kinds: BTreeMap<u128, DocumentKind>,
    /// What vouchers put on the line with a number: its day and how much.
    landed: BTreeMap<u32, (u128, Date, Money)>,
    commits: i64,
    /// How many movements the last commit read.
    pub read: usize,
}

impl Default for Notebook {
    fn default() -> Self {
        Self::of(Method::Average)
    }
}

impl Notebook {
    pub(super) fn of(method: Method) -> Self {
        Self {
            position: Position::default(),
            valuation: Valuation::new(method),
            movements: Vec::new(),
            restated: BTreeMap::new(),
            posted: BTreeMap::new(),
            cogs: BTreeMap::new(),
            cogs_from: Date::MIN,
            today: TODAY,
            open_from: None,
            checkpoints: BTreeMap::new(),
            lines: BTreeMap::new(),
            kinds: BTreeMap::new(),
            landed: BTreeMap::new(),
            commits: 0,
            read: 0,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(self.commits)
    }

    fn refold(&mut self, from: Date) -> Refold {
        let base = match self.valuation.start(from) {
            Start::Held => self.valuation.held(from).cloned(),
            Start::Stored(on) => Some(self.checkpoints[&on].clone()),
            Start::First => None,
        };
        let is_after =
            |movement: &&Movement| base.as_ref().is_none_or(|base| movement.key.effective_on > base.on);
        let is_at_the_end = base.is_some() && base.as_ref() == self.valuation.latest();
        let movements: Vec<Movement> = match is_at_the_end {
            true => Vec::new(),
            false => self.movements.iter().filter(is_after).cloned().collect(),
        };
        self.read = movements.len();
        let is_opened = self.position.opened;
        let dating = Dating {
            today: self.today,
            open_from: self.open_from.filter(|_| is_opened),
            cogs: Some(CogsDating { from: self.cogs_from, was_opened: is_opened }),
        };
        Refold::new(self.valuation.clone(), base, movements, dating, self.position.value).unwrap()
    }

    fn store(&mut self, refold: Refold, booked: Vec<Movement>) {
        let refolded = refold.finish(&booked).unwrap();
        self.movements.extend(booked);
        if let Some(checkpoint) = refolded.checkpoint {
            self.checkpoints.insert(checkpoint.on, checkpoint);
        }
        let closed: Vec<Money> = refolded.closed.into_values().collect();
        for (month, change) in refolded.months {
            let sum = self.restated.entry(month).or_default();
            *sum = sum.plus(change).unwrap();
        }
        for change in closed {
            let sum = self.posted.entry(refolded.posted_on.unwrap()).or_default();
            *sum = sum.plus(change).unwrap();
        }
        for (on, change) in refolded.cogs {
            let sum = self.cogs.entry(on).or_default();
            *sum = sum.plus(change).unwrap();
        }
        // as a row holds it
        let text = serde_json::to_string(&refolded.valuation).unwrap();
        self.valuation = serde_json::from_str(&text).unwrap();
        self.commits += 1;
    }

    /// Brings a line to what it says now; nothing if it is void.
    pub(super) fn set(&mut self, number: u128, line: Option<Line>) {
        let before = self.lines.get(&number).cloned();
        let first = line.map(|line| line.kind).or_else(|| self.kinds.get(&number).copied());
        let Some(kind) = first else { return };
        self.kinds.insert(number, kind);
        let id = LineId(Uuid::from_u128(number));
        let after = line.map(|line| DesiredLine {
            line: id,
            item: ITEM,
            effective_on: line.on,
            change: Quantity::from_e4(line.change),
            cost: (line.kind == DocumentKind::Bill).then(|| Money::from_e4(line.cost)),
            elsewhere: Quantity::ZERO,
            priced: None,
            foreign_net: None,
            account: String::new(),
            returns: line.returns.map(|sale| DocumentId(Uuid::from_u128(sale))).into_iter().collect(),
            net: None,
            committed: Quantity::ZERO,
            ordered: Quantity::ZERO,
        });
        let location = LocationId::main();
        let booking = Booking {
            of: DocumentRef { kind, id: DocumentId(Uuid::from_u128(number)) },
            today: self.today,
            recorded_at: self.now(),
            commit: CommitId(Uuid::nil()),
            location: &location,
        };
        let moved = before.as_ref().filter(|line| !line.change.is_zero()).map(|line| line.effective_on);
        let change = LineChange { line: id, before, after };
        let after = change.after.as_ref();
        let sales = change.returns().filter_map(|sale| self.lines.get(&sale.0.as_u128()));
        let sales = sales.filter(|sale| !sale.change.is_zero()).map(|sale| sale.effective_on);
        let from = moved.into_iter().chain(after.map(|line| line.effective_on)).chain(sales).min();
        let refold = self.refold(from.unwrap_or(TODAY));
        let stock = Stock { position: self.position.clone(), cost: StockCost::Effective(Box::new(refold)) };
        let mut stocks = BTreeMap::from([(ITEM, stock)]);
        let booked = booking.book(&change, Vec::new(), &mut stocks).unwrap();
        self.lines.extend(booked.line.map(|line| (number, line)));
        let stock = stocks.remove(&ITEM).unwrap();
        self.position = stock.position;
        let StockCost::Effective(refold) = stock.cost else { panic!("ours") };
        self.store(*refold, booked.movements);
    }

    /// Puts cost on top of what the line with a number brought in.
    pub(super) fn land(&mut self, voucher: u32, number: u128, on: Date, amount: &str) {
        self.landed.insert(voucher, (number, on, amount.parse().unwrap()));
        self.land_or_not(voucher, false);
    }

    /// Puts cost on top of several lines in one commit: one voucher.
    pub(super) fn land_together(&mut self, voucher: u32, shares: &[(u128, &str)], on: Date) {
        let mut refold = self.refold(Date::MIN);
        let mut booked = Vec::new();
        for (number, amount) in shares {
            self.landed.insert(voucher, (*number, on, amount.parse().unwrap()));
            let landing = self.landing(voucher);
            booked.push(landing.book(&mut self.position, &mut refold).unwrap());
        }
        self.store(refold, booked);
    }

    /// Takes back what a voucher put there.
    pub(super) fn take_back(&mut self, voucher: u32) {
        self.land_or_not(voucher, true);
        self.landed.remove(&voucher);
    }

    fn land_or_not(&mut self, voucher: u32, back: bool) {
        let landing = self.landing(voucher);
        let mut refold = self.refold(landing.from());
        let movement = match back {
            false => landing.book(&mut self.position, &mut refold),
            true => landing.take_back(&mut self.position, &mut refold),
        };
        self.store(refold, vec![movement.unwrap()]);
    }

    fn landing(&self, voucher: u32) -> Landing<'static> {
        static MAIN: std::sync::LazyLock<LocationId> = std::sync::LazyLock::new(LocationId::main);
        let (number, on, amount) = self.landed[&voucher];
        Landing {
            voucher: DayNumber { on: TODAY, index: voucher },
            on,
            of: DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(number)) },
            line: LineId(Uuid::from_u128(number)),
            received_on: self.lines.get(&number).map_or(on, |line| line.effective_on),
            item: ITEM,
            amount,
            location: &MAIN,
            today: self.today,
            recorded_at: self.now(),
            commit: CommitId(Uuid::nil()),
        }
    }

    /// Writes off units, or finds them at a cost.
    pub(super) fn adjust(&mut self, index: u32, on: Date, units: i64, unit_cost: Option<&str>) {
        let reason = if units < 0 { ReasonCode::Damaged } else { ReasonCode::Found };
        let line = AdjustmentLine {
            item: ITEM,
            code: String::new(),
            change: Quantity::from_e4(units * 10_000),
            reason,
            unit_cost: unit_cost.map_or(Money::ZERO, |cost| cost.parse().unwrap()),
            note: String::new(),
        };
        let mut refold = self.refold(on);
        let adjusting = Adjusting {
            number: AdjustmentNumber(DayNumber { on: TODAY, index: 1 }),
            index,
            line: &line,
            on,
            location: &LocationId::main(),
            today: self.today,
            recorded_at: self.now(),
            commit: CommitId(Uuid::nil()),
        };
        let booked = adjusting.book(&mut self.position, &mut refold).unwrap();
        self.store(refold, booked);
    }

    /// Books a count, and says how many movements that took.
    pub(super) fn count(&mut self, on: Date, quantity: i64, unit_cost: Option<&str>) -> usize {
        let mut refold = self.refold(on);
        let count = Count {
            item: ITEM,
            location: &LocationId::main(),
            on,
            quantity: Quantity::from_e4(quantity * 10_000),
            unit_cost: unit_cost.map(|cost| cost.parse().unwrap()),
            movements: &self.movements.clone(),
            today: self.today,
            recorded_at: self.now(),
            commit: CommitId(Uuid::nil()),
        };
        let booked = count.book(&mut self.position, &mut refold).unwrap();
        let length = booked.len();
        self.store(refold, booked);
        length
    }

    /// Costs go by another method from tomorrow on.
    pub(super) fn switch(&mut self, method: Method) {
        self.valuation.switch(TODAY.tomorrow().unwrap(), method);
    }

    /// Value as the books have it at the end of a month.
    pub(super) fn reported(&self, month_end: Date) -> Money {
        let mut value = Money::ZERO;
        for movement in &self.movements {
            if movement.posted_on.unwrap_or(movement.key.effective_on) <= month_end {
                value = value.plus(movement.layer_change().unwrap()).unwrap();
            }
        }
        for (_, change) in self.restated.iter().chain(&self.posted).filter(|(on, _)| **on <= month_end) {
            value = value.plus(*change).unwrap();
        }
        value
    }

    /// The month of a day as the books have it.
    pub(super) fn figures(&self, month: Date) -> Figures {
        let of = |months, closed, posted_on| Restatement {
            item: ITEM,
            because: Because::Book,
            months,
            closed,
            posted_on,
            recorded_at: self.now(),
            commit: CommitId(Uuid::nil()),
        };
        let mut restatements = vec![of(self.restated.clone(), BTreeMap::new(), None)];
        for (on, change) in &self.posted {
            restatements.push(of(BTreeMap::new(), BTreeMap::from([(Date::MIN, *change)]), Some(*on)));
        }
        let mut figures = Month::of(month);
        self.movements.iter().for_each(|movement| figures.movement(movement).unwrap());
        restatements.iter().for_each(|restatement| figures.restatement(restatement).unwrap());
        figures.figures(self.position.opened).unwrap_or_default()
    }

    /// Units at the end of a day.
    pub(super) fn at(&self, on: Date) -> i64 {
        quantity_at(&self.movements, on).unwrap().e4() / 10_000
    }

    /// On hand and its value.
    pub(super) fn stands(&self) -> (String, String) {
        let OnHand::Counted(on_hand) = self.position.on_hand(self.today).unwrap() else {
            panic!("not counted")
        };
        (on_hand.to_string(), self.position.stock_value().unwrap().to_string())
    }

    /// What must hold after every commit.
    pub(super) fn check(&self) {
        let Layer { quantity, cost, .. } = self.valuation.total();
        let layers = Layers::Effective(Box::new(self.valuation.clone()));
        let card = Card::fold(self.movements.clone(), &layers, true, View::default()).unwrap();
        let shown = card.lines.iter().map(|line| line.value).try_fold(Money::ZERO, Money::plus).unwrap();
        assert_eq!(cost, shown, "from a checkpoint as from the start");
        if self.valuation.switches.is_empty() {
            assert_layers_add_up(&card);
        }
        self.check_cards(&card);
        assert_eq!((quantity, cost), (self.position.booked, self.position.value));
        let (mut moved, mut worth) = (Quantity::ZERO, Money::ZERO);
        for movement in &self.movements {
            moved = moved.plus(movement.signed_quantity().unwrap()).unwrap();
            worth = worth.plus(movement.layer_change().unwrap()).unwrap();
        }
        for change in self.restated.values().chain(self.posted.values()) {
            worth = worth.plus(*change).unwrap();
        }
        assert_eq!((quantity, cost), (moved, worth), "booked and restated as it is worth");
        if quantity.is_zero() {
            assert!(cost.is_zero());
        }
        self.check_cogs();
        let mut keys: Vec<_> = self.movements.iter().map(|movement| movement.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), self.movements.len(), "two movements have one key");
    }

    /// A card that is read day by day, from any kept state on, is a part of the card that is read at once.
    fn check_cards(&self, whole: &Card) {
        let layers = Layers::Effective(Box::new(self.valuation.clone()));
        let mut sorted = self.movements.clone();
        sorted.sort_by_key(|movement| movement.key);
        let latest = self.valuation.latest();
        let before = latest.and_then(|latest| self.valuation.held(latest.on));
        let kept = self.valuation.kept().iter().map(|on| &self.checkpoints[on]);
        let bases = latest.into_iter().chain(before).chain(kept).cloned().map(Some).chain([None]);
        for base in bases {
            let from = base.as_ref().and_then(|base| base.on.tomorrow().ok());
            let mut foreseen = Foreseen::default();
            let read =
                || sorted.iter().filter(|movement| from.is_none_or(|from| movement.key.effective_on >= from));
            foreseen.see(read());
            let view = View { from, ..View::default() };
            let is_known = base.is_none() || whole.end.is_some();
            let mut card = CardFold::new(&layers, base, true, view, foreseen, usize::MAX);
            let days: Vec<Movement> = read().cloned().collect();
            for of_day in days.chunk_by(|a, b| a.key.effective_on == b.key.effective_on) {
                card.add(of_day.to_vec()).unwrap();
            }
            let card = card.finish().unwrap();
            assert_eq!(card.end, whole.end.filter(|_| is_known));
            assert_eq!(card.layers, whole.layers);
            let shown = whole.lines.len() - card.lines.len();
            let of = |line: &CardLine| (line.movement.key, line.value, line.correction, line.layers.clone());
            assert!(card.lines.iter().map(of).eq(whole.lines[shown..].iter().map(of)), "from {from:?}");
        }
    }

    /// What was told of cost of goods sold is what the fold finds, and that is what came in less what is left of it.
    fn check_cogs(&self) {
        let is_opening = |movement: &&Movement| movement.key.cause == Cause::Opening;
        // a first count of what was there anyway books nothing
        let Some(opening) = self.movements.iter().find(is_opening) else { return };
        let dating = Dating { today: self.today, open_from: None, cogs: None };
        let whole = fold(&self.valuation, None, &self.movements, dating).unwrap();
        let found = sum(whole.cogs.values().copied());
        assert_eq!(sum(self.cogs.values().copied()), found, "cost of goods sold as it was told");
        if self.open_from.is_none() && self.valuation.switches.is_empty() {
            let told = self.cogs.iter().filter(|(_, cost)| !cost.is_zero());
            let folded = whole.cogs.iter().filter(|(_, cost)| !cost.is_zero());
            assert!(told.eq(folded), "on its days: {:?}, not {:?}", self.cogs, whole.cogs);
        }
        let day = opening.key.effective_on;
        let before: Vec<Movement> =
            self.movements.iter().filter(|movement| movement.key.effective_on <= day).cloned().collect();
        let value = |now: Option<Checkpoint>| now.map(|now| now.costs.total().cost).unwrap_or_default();
        let opened = value(fold(&self.valuation, None, &before, dating).unwrap().now);
        let standing = Standing::of(&self.movements);
        let is_bought = |movement: &&Movement| {
            let is_document =
                !matches!(movement.key.cause, Cause::Opening | Cause::Count | Cause::Adjustment { .. });
            let stands = movement.key.effective_on > day && standing.holds(&movement.key);
            is_document && stands && !movement.key.cause.is_demand()
        };
        let bought = self.movements.iter().filter(is_bought).map(|movement| {
            let cost = whole.costed[&movement.key.cause].cost;
            if movement.key.out { cost.negated().unwrap() } else { cost }
        });
        let left = value(whole.now.clone()).minus(opened).unwrap();
        let after = whole.cogs.iter().filter(|(on, _)| **on > day).map(|(_, cost)| *cost);
        let consumed = sum(bought).minus(left).unwrap();
        assert_eq!(sum(after), consumed, "opening and purchases less what is left");
    }
}

/// What lines change of cost layers is what remains of them, and of a document's line all that it is worth.
pub(super) fn assert_layers_add_up(card: &Card) {
    let mut layers: Vec<LayerPart> = Vec::new();
    for line in &card.lines {
        let mut change = Balance::default();
        for part in &line.layers {
            change = change.plus(part.balance).unwrap();
            match layers.iter_mut().find(|layer| layer.of == part.of) {
                Some(layer) => layer.balance = layer.balance.plus(part.balance).unwrap(),
                None => layers.push(*part),
            }
        }
        let key = line.movement.key;
        if !line.layers.is_empty() && !matches!(key.cause, Cause::Opening | Cause::Count) {
            let worth = Balance { quantity: line.movement.signed_quantity().unwrap(), value: line.value };
            assert_eq!(change, worth, "{key:?}");
        }
    }
    layers.retain(|layer| layer.balance != Balance::default());
    let by_name = |layers: &[LayerPart]| {
        let mut layers: Vec<String> = layers.iter().map(|layer| format!("{layer:?}")).collect();
        layers.sort();
        layers
    };
    assert_eq!(by_name(&layers), by_name(&card.layers), "what remains of each layer");
}

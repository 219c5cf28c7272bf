//! What an untracked item's stock cost: the fold of its standing movements in effective order, whatever order they came
//! in.
//!
//! A document that comes late is put where its day is, and all that follows is costed anew. The movements stay as they were
//! booked; what they are worth now beyond that is appended as a [`Restatement`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::fold::{CogsDating, Dating, Folded, Origin, Period, fold, sale_of};
use super::movement::{Cause, Movement};
use crate::adjustment::AdjustmentNumber;
use crate::costing::{Costed, Costs, Layer, Method};
use crate::document::DocumentRef;
use crate::fixed::{FixedError, Money};
use crate::ids::{CommitId, DayNumber, DocumentId, ItemId};

/// Months of which an item keeps a checkpoint. What is dated before the oldest is costed from the first movement on.
pub const CHECKPOINTS_KEPT_MAX: usize = 12;
/// Changes of method that an item keeps; beyond that the oldest counts as the method of the first movement.
pub const SWITCHES_MAX: usize = 24;

/// An item's costs at the end of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The day.
    pub on: Date,
    /// The costs.
    pub costs: Costs<Origin>,
}

/// From a day on costs go by another method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Switch {
    pub on: Date,
    pub to: Method,
}

/// What an untracked item's stock cost, and where folding begins again when a movement comes late.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Valuation {
    /// After the latest day that has movements; nothing before the first movement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    now: Option<Checkpoint>,
    /// Before the latest of these days that has come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Checkpoint>,
    /// The last days with movements of earlier months, of which a checkpoint is stored and holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    checkpoints: Vec<Date>,
    /// The method of the first movement.
    pub(super) method: Method,
    /// Later ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) switches: Vec<Switch>,
}

/// Where folding begins, so that movements from a day on can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At a state that the valuation holds.
    Held,
    /// At the stored checkpoint of this day.
    Stored(Date),
    /// At the first movement.
    First,
}

impl Valuation {
    /// Of an item without movements.
    pub const fn new(method: Method) -> Self {
        Self { now: None, before: None, checkpoints: Vec::new(), method, switches: Vec::new() }
    }

    /// Quantity and cost of what is there.
    pub fn total(&self) -> Layer {
        self.now.as_ref().map(|now| now.costs.total()).unwrap_or_default()
    }

    /// The costs after all movements, unless there are none.
    pub const fn latest(&self) -> Option<&Checkpoint> {
        self.now.as_ref()
    }

    /// The method by which costs go now.
    pub fn method(&self) -> Method {
        self.switches.last().map_or(self.method, |switch| switch.to)
    }

    /// Where folding begins so that movements from `day` on can be added.
    pub fn start(&self, day: Date) -> Start {
        if self.now.is_none() || self.held(day).is_some() {
            return Start::Held;
        }
        let checkpoint = self.checkpoints.iter().rev().find(|on| **on < day);
        checkpoint.map_or(Start::First, |on| Start::Stored(*on))
    }

    /// The latest state before `day` among those that it holds.
    pub fn held(&self, day: Date) -> Option<&Checkpoint> {
        [&self.now, &self.before].into_iter().flatten().find(|state| state.on < day)
    }

    /// The days of which a checkpoint is stored and holds.
    #[cfg(test)]
    pub(super) fn kept(&self) -> &[Date] {
        &self.checkpoints
    }

    /// From `on` on costs go by `method`. What was folded of these days has to be folded again; says whether it has.
    pub fn switch(&mut self, on: Date, method: Method) -> bool {
        if self.method() == method {
            return false;
        }
        match self.switches.last_mut() {
            _ if self.now.is_none() => self.method = method,
            Some(last) if last.on == on => last.to = method,
            _ => self.switches.push(Switch { on, to: method }),
        }
        if self.switches.len() > SWITCHES_MAX {
            self.method = self.switches.remove(0).to;
        }
        self.checkpoints.retain(|checkpoint| *checkpoint < on);
        self.now.as_ref().is_some_and(|now| now.on >= on)
    }
}

/// An item's cost layers, by its book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Layers {
    /// Tracked: the average in the order in which documents came, beside which Xero's own stands.
    Arrival(Layer),
    /// Ours: in effective order.
    Effective(Box<Valuation>),
}

impl Layers {
    /// Quantity and cost of what is there.
    pub fn total(&self) -> Layer {
        match self {
            Self::Arrival(layer) => *layer,
            Self::Effective(valuation) => valuation.total(),
        }
    }
}

/// What changed the worth of earlier movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// A document.
    Document(DocumentRef),
    /// A count of the end of a day.
    Count(Date),
    /// Another book: Xero ended to track the item.
    Book,
    /// A landed cost voucher.
    LandedCost(DayNumber),
    /// An adjustment.
    Adjustment(AdjustmentNumber),
}

/// How much more earlier movements are worth than was booked, because of what a commit booked. Appended, never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restatement {
    /// The item.
    pub item: ItemId,
    /// What came late.
    pub because: Because,
    /// The change of the stock's value in each month, named by its first day, base currency. What the stock gains was not
    /// consumed, what it loses was.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub months: BTreeMap<Date, Money>,
    /// What of it fell into closed months, or the closed part of one: books count it on `posted_on`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub closed: BTreeMap<Date, Money>,
    /// The first day that was open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posted_on: Option<Date>,
    /// When.
    pub recorded_at: Timestamp,
    /// In which commit.
    pub commit: CommitId,
}

/// An item's valuation while a commit adds movements to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refold {
    valuation: Valuation,
    base: Option<Checkpoint>,
    /// All after the base.
    movements: Vec<Movement>,
    /// How many of them were there before the commit.
    stored: usize,
    dating: Dating,
    /// What the stock was worth before the commit.
    worth: Money,
    /// From this day on what costs remember is another than was stored, if it is.
    remembers_from: Option<Date>,
    first: Folded,
    folded: Folded,
}

/// What a commit stores of a valuation.
#[derive(Clone, Debug)]
pub struct Refolded {
    /// The valuation.
    pub valuation: Valuation,
    /// A month end that was passed.
    pub checkpoint: Option<Checkpoint>,
    /// How much more earlier movements are worth, by month; empty if none is.
    pub months: BTreeMap<Date, Money>,
    /// The same of closed months.
    pub closed: BTreeMap<Date, Money>,
    /// Where the books count that.
    pub posted_on: Option<Date>,
    /// How much the cost of goods sold of a day changed, by the day on which books count it.
    pub cogs: BTreeMap<Date, Money>,
}

impl Refold {
    /// Begins at `base`, with all stored movements of the days after it. The stock was worth `worth` until now: where the fold says
    /// something else, because it was costed otherwise, the difference is a restatement, too.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn new(
        valuation: Valuation,
        base: Option<Checkpoint>,
        movements: Vec<Movement>,
        dating: Dating,
        worth: Money,
    ) -> Result<Self, FixedError> {
        let first = fold(&valuation, base.as_ref(), &movements, dating)?;
        let (stored, folded) = (movements.len(), first.clone());
        Ok(Self { valuation, base, movements, stored, dating, worth, remembers_from: None, first, folded })
    }

    /// Quantity and cost of what is there now.
    pub fn total(&self) -> Layer {
        self.folded.now.as_ref().map(|now| now.costs.total()).unwrap_or_default()
    }

    /// Adds a movement of a document, with what balances it, each worth what the fold says of it now: what is taken back is worth
    /// what it was until now. Of goods that come back folding began before their sales.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn document(
        &mut self,
        mut movement: Movement,
        opposite: Option<Movement>,
    ) -> Result<(Movement, Option<Movement>), FixedError> {
        let was = self.folded.costed.get(&movement.key.cause).copied();
        if !movement.returns.is_empty() {
            // from there on costs remember other sales than were stored
            let is_returned = |sale: DocumentId| movement.returns.contains(&sale);
            let sales = self.movements.iter().map(|known| known.key);
            let sales = sales.filter(|known| sale_of(&known.cause).is_some_and(is_returned));
            self.remembers_from = sales.map(|sale| sale.effective_on).chain(self.remembers_from).min();
        }
        self.movements.push(movement.clone());
        self.movements.extend(opposite.clone());
        self.fold_anew()?;
        let Costed { cost, correction, .. } = if movement.key.correction {
            let was = was.unwrap_or_default();
            Costed { correction: was.correction.negated()?, ..was }
        } else {
            self.folded.costed.get(&movement.key.cause).copied().unwrap_or_default()
        };
        (movement.value, movement.correction) = (cost, correction);
        let opposite = match opposite {
            Some(opposite) => Some(Movement { value: cost, correction: correction.negated()?, ..opposite }),
            None => None,
        };
        Ok((self.posted(movement), opposite.map(|opposite| self.posted(opposite))))
    }

    /// What a standing movement costs by all that is known now.
    pub fn costed(&self, cause: &Cause) -> Option<Costed> {
        self.folded.costed.get(cause).copied()
    }

    /// Adds landed cost, or takes it back. Folding began before `from`, the day of its receipt, which costs have to remember now.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn landed(&mut self, movement: Movement, from: Date) -> Result<Movement, FixedError> {
        self.remembers_from = Some(self.remembers_from.map_or(from, |first| first.min(from)));
        let (movement, _) = self.document(movement, None)?;
        Ok(movement)
    }

    /// Adds an opening or a count, worth what it changes at the end of its day.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn count(&mut self, mut movement: Movement) -> Result<Movement, FixedError> {
        let day = movement.key.effective_on;
        let was = self.folded.counted.get(&day).copied().unwrap_or_default();
        self.movements.push(movement.clone());
        self.fold_anew()?;
        let change = self.folded.counted.get(&day).copied().unwrap_or_default().minus(was)?;
        movement.value = if movement.key.out { change.negated()? } else { change };
        Ok(self.posted(movement))
    }

    fn fold_anew(&mut self) -> Result<(), FixedError> {
        self.folded = fold(&self.valuation, self.base.as_ref(), &self.movements, self.dating)?;
        Ok(())
    }

    fn posted(&self, movement: Movement) -> Movement {
        let posted_on = self.dating.open_from.filter(|open| movement.key.effective_on < *open);
        Movement { posted_on, ..movement }
    }

    /// Adds what balances a count.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn balance(&mut self, opposite: Movement) -> Result<Movement, FixedError> {
        self.movements.push(opposite.clone());
        self.fold_anew()?;
        Ok(self.posted(opposite))
    }

    /// What is to be stored, given the commit's movements as they are booked.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn finish<'a>(
        mut self,
        booked: impl IntoIterator<Item = &'a Movement>,
    ) -> Result<Refolded, FixedError> {
        let new = self.movements.get(self.stored..).unwrap_or_default();
        let Some(first_day) = new.iter().map(|movement| movement.key.effective_on).min() else {
            return Ok(Refolded {
                valuation: self.valuation,
                checkpoint: None,
                months: BTreeMap::new(),
                closed: BTreeMap::new(),
                posted_on: None,
                cogs: BTreeMap::new(),
            });
        };
        let cogs = self.cogs(first_day)?;
        let mut periods = self.folded.months;
        let began = self.first.now.as_ref().map(|now| now.costs.total().cost).unwrap_or_default();
        let of_first = periods.entry(Period::of(first_day, self.dating.open_from)).or_default();
        *of_first = of_first.plus(began)?.minus(self.worth)?;
        for (period, change) in self.first.months {
            let of_period = periods.entry(period).or_default();
            *of_period = of_period.minus(change)?;
        }
        for movement in booked {
            let period = Period::of(movement.key.effective_on, self.dating.open_from);
            let of_period = periods.entry(period).or_default();
            *of_period = of_period.minus(movement.layer_change()?)?;
        }
        periods.retain(|_, change| !change.is_zero());
        let of = |is_closed: bool| {
            let those = periods.iter().filter(move |(period, _)| period.is_closed == is_closed);
            those.map(|(period, change)| (period.month, *change)).collect::<BTreeMap<Date, Money>>()
        };
        let (months, closed) = (of(false), of(true));
        let posted_on = self.dating.open_from.filter(|_| !closed.is_empty());
        let standing = &mut self.valuation.checkpoints;
        let changed_from = self.remembers_from.map_or(first_day, |from| from.min(first_day));
        standing.retain(|on| *on < changed_from);
        let checkpoint = self.folded.month_end.filter(|end| !standing.contains(&end.on));
        if let Some(checkpoint) = &checkpoint {
            standing.push(checkpoint.on);
            standing.sort_unstable();
            let surplus = standing.len().saturating_sub(CHECKPOINTS_KEPT_MAX);
            standing.drain(..surplus);
        }
        self.valuation.now = self.folded.now;
        self.valuation.before = self.folded.before;
        Ok(Refolded { valuation: self.valuation, checkpoint, months, closed, posted_on, cogs })
    }

    /// How much the cost of goods sold of each told day changed. What another method made of the movements of its first day
    /// falls on `first_day`.
    fn cogs(&self, first_day: Date) -> Result<BTreeMap<Date, Money>, FixedError> {
        let mut changes = BTreeMap::new();
        let Some(CogsDating { from, was_opened }) = self.dating.cogs else { return Ok(changes) };
        let has_begun = from <= self.dating.today;
        let mut new = self.movements.get(self.stored..).unwrap_or_default().iter();
        if !was_opened && !new.any(|movement| movement.key.cause == Cause::Opening) {
            return Ok(changes);
        }
        let mut told = Vec::new();
        if was_opened {
            let began = self.first.now.as_ref().map(|now| now.costs.total().cost).unwrap_or_default();
            told.push((first_day, self.worth.minus(began)?));
            for (day, cost) in &self.first.cogs {
                told.push((*day, cost.negated()?));
            }
        }
        told.extend(self.folded.cogs.iter().map(|(day, cost)| (*day, *cost)));
        for (day, cost) in told {
            // before it was known what lay there, nothing of it stood on the account
            if day >= from || has_begun && was_opened {
                let day = self.dating.open_from.map_or(day, |open| day.max(open)).max(from);
                let sum: &mut Money = changes.entry(day).or_default();
                *sum = sum.plus(cost)?;
            }
        }
        changes.retain(|_, cost| !cost.is_zero());
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use jiff::civil::date;
    use proptest::prelude::*;

    use super::super::fold::TAKINGS_MAX;
    use super::super::notebook::{Line, Notebook, TODAY, day};
    use super::*;
    use crate::document::DocumentKind;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn a_late_bill_costs_the_sales_after_it_anew_and_says_so_once() {
        let mut notebook = Notebook::default();
        notebook.set(1, Some(Line::bought(day(-40), 10, "100")));
        notebook.set(2, Some(Line::sold(day(-20), 10)));
        notebook.set(3, Some(Line::sold(day(5), 4)));
        // ten more at 50 each, before both sales
        notebook.set(4, Some(Line::bought(day(-30), 10, "500")));
        assert_eq!(
            (notebook.position.booked.to_string(), notebook.position.value),
            ("6".into(), money("180"))
        );
        let movements = &notebook.movements;
        assert_eq!(movements[1].value, money("100"), "what was booked stays");
        assert_eq!(
            notebook.restated,
            BTreeMap::from([(day(-20).first_of_month(), money("-200")), (day(0), money("-80"))])
        );
        notebook.set(4, None);
        assert_eq!(notebook.position.value, money("-40"));
        assert_eq!(
            notebook.restated.values().copied().max(),
            Some(Money::ZERO),
            "a void leaves what was before"
        );
    }

    #[test]
    fn cost_of_goods_sold_is_told_from_a_day_on_and_what_changes_before_counts_on_it() {
        let mut notebook = Notebook::default();
        let told = |notebook: &Notebook| {
            let days = notebook.cogs.iter().filter(|(_, cost)| !cost.is_zero());
            days.map(|(on, cost)| (*on, cost.to_string())).collect::<Vec<_>>()
        };
        (notebook.cogs_from, notebook.today) = (day(10), day(9));
        notebook.count(day(-40), 20, Some("2"));
        notebook.set(1, Some(Line::sold(day(9), 1)));
        notebook.set(2, Some(Line::sold(day(12), 1)));
        assert_eq!(
            told(&notebook),
            [(day(12), "2.00".to_owned())],
            "that of the days before is as the books are"
        );
        notebook.today = day(20);
        notebook.set(3, Some(Line::sold(day(5), 3)));
        assert_eq!(told(&notebook), [(day(10), "6.00".to_owned()), (day(12), "2.00".to_owned())]);
        // twenty at 4 before all of it: five were sold, of which each cost one more
        notebook.set(4, Some(Line::bought(day(-39), 20, "80")));
        assert_eq!(told(&notebook), [(day(10), "10.00".to_owned()), (day(12), "3.00".to_owned())]);
        let mut counted_late = Notebook::default();
        (counted_late.cogs_from, counted_late.today) = (day(10), day(20));
        counted_late.set(1, Some(Line::sold(day(5), 1)));
        counted_late.set(2, Some(Line::sold(day(15), 1)));
        counted_late.count(day(1), 9, Some("2"));
        assert_eq!(told(&counted_late), [(day(15), "2.00".to_owned())]);
    }

    #[test]
    fn what_comes_in_order_reads_nothing_and_what_comes_late_reads_from_the_last_month_end() {
        let mut notebook = Notebook::default();
        for (number, on) in (1..).zip([-70, -65, -40, -35, -10, -5, 3, 8]) {
            notebook.set(number, Some(Line::bought(day(on), 1, "5")));
            assert_eq!(notebook.read, 0);
        }
        notebook.set(20, Some(Line::sold(day(8), 1)));
        assert_eq!(notebook.read, 1, "those of the day");
        notebook.set(21, Some(Line::sold(day(5), 1)));
        assert_eq!(notebook.read, 2, "those after the day before the last");
        notebook.set(22, Some(Line::sold(day(-20), 1)));
        assert_eq!(notebook.read, 6, "those since April ended");
        notebook.set(23, Some(Line::sold(day(-38), 1)));
        assert_eq!(notebook.read, 9, "those since March ended");
        notebook.set(24, Some(Line::sold(day(-90), 1)));
        assert_eq!(notebook.read, 12, "all");
        notebook.set(25, Some(Line::sold(day(2), 1)));
        assert_eq!(notebook.read, 4, "the end of May was passed and kept");
    }

    #[test]
    fn what_comes_late_goes_by_the_method_of_its_day() {
        let mut notebook = Notebook::default();
        notebook.today = day(18);
        notebook.set(1, Some(Line::bought(day(-9), 10, "100")));
        notebook.valuation.switch(day(19), Method::Fifo);
        notebook.today = day(37);
        notebook.set(2, Some(Line::bought(day(34), 10, "300")));
        notebook.set(3, Some(Line::sold(day(37), 2)));
        notebook.set(4, Some(Line::sold(day(36), 2)));
        assert_eq!(notebook.position.value, money("360"), "of the oldest layer");
        notebook.check();
    }

    #[test]
    fn a_day_that_was_mistyped_and_mended_does_not_stay_the_last() {
        let mut notebook = Notebook::default();
        notebook.set(1, Some(Line::bought(day(1), 10, "100")));
        notebook.set(2, Some(Line::sold(day(380), 1)));
        notebook.set(2, None);
        notebook.set(3, Some(Line::sold(day(20), 1)));
        notebook.set(4, Some(Line::sold(day(21), 1)));
        assert_eq!(notebook.read, 0);
        // what is honestly ahead costs no more than itself
        notebook.set(5, Some(Line::sold(day(80), 1)));
        notebook.set(6, Some(Line::sold(day(22), 1)));
        assert_eq!(notebook.read, 3, "it, the mended one and its correction");
        notebook.check();
    }

    #[test]
    fn methods_are_changed_as_often_as_one_likes() {
        let mut notebook = Notebook::default();
        notebook.set(1, Some(Line::bought(day(-9), 10, "100")));
        for number in 0..40i64 {
            let method = if number % 2 == 0 { Method::Fifo } else { Method::Average };
            notebook.valuation.switch(day(number - 8), method);
            assert_eq!(notebook.valuation.method(), method);
        }
        notebook.today = day(40);
        notebook.set(2, Some(Line::sold(day(40), 4)));
        assert_eq!(notebook.position.value, money("60"));
        assert_eq!(notebook.valuation.switches.len(), SWITCHES_MAX);
        notebook.check();
    }

    #[test]
    fn another_method_goes_on_with_the_same_value() {
        let mut notebook = Notebook::default();
        notebook.set(1, Some(Line::bought(day(1), 10, "100")));
        notebook.set(2, Some(Line::bought(day(2), 10, "300")));
        notebook.switch(Method::Fifo);
        assert_eq!(notebook.position.value, money("400"));
        let tomorrow = TODAY.tomorrow().unwrap();
        notebook.set(3, Some(Line::bought(tomorrow, 10, "500")));
        notebook.set(4, Some(Line::sold(tomorrow, 20)));
        assert_eq!(notebook.position.value, money("500"), "the average became the oldest layer");
        // the method of its own day costs what comes late
        notebook.set(5, Some(Line::sold(day(1), 5)));
        assert_eq!(
            (notebook.position.booked.to_string(), notebook.position.value),
            ("5".into(), money("250"))
        );
        notebook.check();
    }

    #[test]
    fn what_comes_back_goes_to_where_its_sale_had_it_from() {
        // ten at 5 and ten at 8, of which twelve are sold, and three of these come back a month later
        for (method, unnamed, named) in
            [(Method::Fifo, "88", "85"), (Method::Lifo, "64", "58"), (Method::Average, "71.5", "71.5")]
        {
            let mut notebook = Notebook::of(method);
            notebook.set(1, Some(Line::bought(day(-60), 10, "50")));
            notebook.set(2, Some(Line::bought(day(-59), 10, "80")));
            notebook.set(3, Some(Line::sold(day(-40), 12)));
            notebook.set(4, Some(Line::returned(day(-5), 3, None)));
            assert_eq!(notebook.position.value, money(unnamed), "{method:?}, of nobody knows which sale");
            notebook.set(4, Some(Line::returned(day(-5), 3, Some(3))));
            assert_eq!(notebook.position.value, money(named), "{method:?}");
            notebook.check();
            // told later than its return, the average was another
            notebook.set(5, Some(Line::bought(day(-61), 8, "16")));
            notebook.check();
            notebook.set(4, Some(Line::returned(day(-5), 3, None)));
            notebook.set(5, None);
            assert_eq!(notebook.position.value, money(unnamed), "{method:?}, as before");
            notebook.check();
        }
    }

    #[test]
    fn a_sale_that_comes_back_whole_leaves_what_was_before_it_even_on_its_own_day() {
        for method in [Method::Fifo, Method::Lifo, Method::Average] {
            let mut notebook = Notebook::of(method);
            notebook.set(1, Some(Line::bought(day(1), 10, "50")));
            notebook.set(2, Some(Line::bought(day(2), 10, "80")));
            let before = notebook.valuation.latest().unwrap().costs.clone();
            notebook.set(3, Some(Line::returned(day(4), 25, Some(4))));
            // told after its return, and oversold
            notebook.set(4, Some(Line::sold(day(4), 25)));
            let costs = &notebook.valuation.latest().unwrap().costs;
            assert_eq!(costs.total(), before.total(), "{method:?}");
            assert!(costs.layers().eq(before.layers()), "{method:?}");
            notebook.check();
        }
    }

    #[test]
    fn what_a_sale_before_the_opening_cost_is_not_known_when_it_comes_back() {
        for method in [Method::Fifo, Method::Lifo, Method::Average] {
            let worth = |of| {
                let mut notebook = Notebook::of(method);
                notebook.set(1, Some(Line::sold(day(1), 4)));
                notebook.count(day(10), 10, Some("7"));
                notebook.set(2, Some(Line::returned(day(12), 3, of)));
                notebook.check();
                notebook.position.value
            };
            assert_eq!((worth(Some(1)), worth(None)), (money("91"), money("91")), "{method:?}");
        }
    }

    #[test]
    fn a_sale_that_moved_to_another_day_holds_no_return_back_on_its_old_one() {
        let mut notebook = Notebook::of(Method::Fifo);
        notebook.set(1, Some(Line::bought(day(1), 5, "25")));
        notebook.set(2, Some(Line::bought(day(2), 5, "40")));
        notebook.set(3, Some(Line::sold(day(4), 5)));
        notebook.set(4, Some(Line::returned(day(4), 5, Some(3))));
        notebook.set(5, Some(Line::sold(day(4), 5)));
        notebook.set(3, Some(Line::sold(day(3), 5)));
        assert_eq!(notebook.position.value, money("40"), "what came back first went out again");
        notebook.check();
    }

    #[test]
    fn a_sale_is_forgotten_once_its_last_return_has_passed() {
        let mut notebook = Notebook::of(Method::Fifo);
        notebook.count(day(-30), 10, Some("5"));
        notebook.set(1, Some(Line::sold(day(-20), 4)));
        let remembered =
            |notebook: &Notebook| notebook.valuation.latest().unwrap().costs.remembered_sales().count();
        notebook.set(2, Some(Line::returned(day(-10), 3, Some(1))));
        assert_eq!(remembered(&notebook), 0);
        // what was counted stays, so that a movement on the day of the count takes it back
        notebook.count(day(-5), 9, None);
        notebook.set(3, Some(Line::returned(day(-9), 1, Some(1))));
        assert_eq!(remembered(&notebook), 0);
        notebook.check();
    }

    #[test]
    fn beyond_what_is_remembered_the_oldest_sale_comes_back_as_if_nobody_had_named_it() {
        let sales = u128::try_from(TAKINGS_MAX / 2).unwrap() + 1;
        let mut notebook = Notebook::of(Method::Fifo);
        notebook.set(1, Some(Line::bought(day(-70), 1, "2")));
        notebook.set(2, Some(Line::bought(day(-69), 1_000, "5000")));
        for number in 0..sales {
            notebook.set(10 + number, Some(Line::sold(day(-60), 1)));
        }
        for number in 0..sales {
            notebook.set(1_000 + number, Some(Line::returned(day(-10), 1, Some(10 + number))));
            notebook.check();
        }
        assert_eq!(notebook.position.value, money("5005"), "the first unit, which cost 2, comes back at 5");
    }

    #[test]
    fn no_more_comes_back_to_a_sale_than_it_took() {
        let mut notebook = Notebook::of(Method::Fifo);
        notebook.set(1, Some(Line::bought(day(1), 10, "50")));
        notebook.set(2, Some(Line::bought(day(2), 10, "80")));
        notebook.set(3, Some(Line::sold(day(3), 4)));
        notebook.set(4, Some(Line::returned(day(4), 3, Some(3))));
        assert_eq!(notebook.position.value, money("125"));
        // one at 5, and four at what the last receipt cost
        notebook.set(5, Some(Line::returned(day(5), 5, Some(3))));
        assert_eq!(notebook.position.value, money("162"));
        // another day of the sale, after both: then they are of no sale that is known
        notebook.set(3, Some(Line::sold(day(6), 4)));
        assert_eq!(notebook.position.value, money("174"), "eight at 8 came in, and four at 5 went out");
        notebook.check();
    }

    #[test]
    fn a_closed_month_stays_as_it_was_reported() {
        let mut notebook = Notebook::default();
        notebook.count(day(-45), 10, Some("10"));
        notebook.set(1, Some(Line::sold(day(-20), 5)));
        notebook.set(2, Some(Line::sold(day(3), 2)));
        let (may, june) = (date(2026, 5, 31), date(2026, 6, 30));
        assert_eq!((notebook.reported(may), notebook.reported(june)), (money("50"), money("30")));
        notebook.open_from = Some(day(0));
        // ten more at 30 each, in April
        notebook.set(3, Some(Line::bought(day(-40), 10, "300")));
        let bill = notebook.movements.last().unwrap();
        assert_eq!((bill.key.effective_on, bill.posted_on), (day(-40), Some(day(0))));
        assert_eq!((notebook.reported(may), notebook.reported(june)), (money("50"), money("260")));
        assert_eq!(notebook.position.value, money("260"), "as if it had come in time");
        assert_eq!(
            notebook.posted,
            BTreeMap::from([(day(0), money("-50"))]),
            "the sale in May costs 10 each more"
        );
        assert_eq!(notebook.restated, BTreeMap::from([(day(0), money("-20"))]), "and that in June");
    }

    /// Over months, or all on a few days.
    fn lines() -> impl Strategy<Value = Vec<(u128, Option<Line>)>> {
        prop_oneof![3 => lines_on(-80..30), 1 => lines_on(-2..2)]
    }

    fn lines_on(days: Range<i64>) -> impl Strategy<Value = Vec<(u128, Option<Line>)>> {
        use DocumentKind as K;
        let kinds = prop::sample::select(vec![K::Bill, K::SalesInvoice, K::SalesCredit, K::SupplierCredit]);
        let sale = prop::option::of(1u128..12);
        let line = (kinds, days, 1i64..500_000, 0i64..9_000_000, sale).prop_map(
            |(kind, on, quantity, cost, sale)| {
                let change = if matches!(kind, K::Bill | K::SalesCredit) { quantity } else { -quantity };
                let returns = sale.filter(|_| kind == K::SalesCredit);
                Line { kind, on: day(on), change, cost, returns }
            },
        );
        prop::collection::vec((1u128..12, prop::option::weighted(0.85, line)), 1..40)
    }

    /// A voucher: the line on which it lands, its day and how much; a second time it is taken back.
    type Voucher = (u128, i64, u16);

    fn vouchers() -> impl Strategy<Value = Vec<(usize, Voucher)>> {
        prop::collection::vec((0usize..40, (1u128..12, -80i64..30, 1u16..5000)), 0..6)
    }

    /// An adjustment: its day, how much, and what one that comes in is worth.
    type Adjusted = (i64, i64, u16);

    fn adjustments() -> impl Strategy<Value = Vec<(usize, Adjusted)>> {
        prop::collection::vec((0usize..40, (-80i64..30, -20i64..20, 1u16..5000)), 0..6)
    }

    fn adjust(notebook: &mut Notebook, index: u32, (on, units, cents): Adjusted) {
        if units != 0 {
            notebook.adjust(index, day(on), units, Some(&cents_of(cents)));
        }
    }

    /// The costs of lines that came in the order of their days and were never changed, of vouchers after them, and of adjustments
    /// that were told before all.
    fn plainly(
        method: Method,
        lines: &BTreeMap<u128, Line>,
        vouchers: &BTreeMap<u32, Voucher>,
        adjusted: &[(u32, Adjusted)],
    ) -> Layer {
        let mut notebook = Notebook::of(method);
        for (index, adjusted) in adjusted {
            adjust(&mut notebook, *index, *adjusted);
        }
        let mut sorted: Vec<(&u128, &Line)> = lines.iter().collect();
        sorted.sort_by_key(|(number, line)| (line.on, line.change < 0, line.kind, **number));
        for (number, line) in sorted {
            notebook.set(*number, Some(*line));
        }
        for (voucher, (onto, on, cents)) in vouchers {
            notebook.land(*voucher, *onto, day(*on), &cents_of(*cents));
        }
        notebook.valuation.total()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Whatever is told after a close: the closed months stay as they were reported, and in the end all is worth what it would
        /// be without closes.
        #[test]
        fn closes_hold(before in lines(), after in lines(), closed in -60i64..30) {
            let mut notebook = Notebook::default();
            notebook.count(day(-85), 100, Some("3"));
            let tell = |notebook: &mut Notebook, told: &[(u128, Option<Line>)]| {
                for (number, line) in told {
                    // a document keeps its kind, so each has its own number
                    let own = |number: u128, kind: DocumentKind| number * 100 + kind as u128;
                    let line = line.map(|line| Line {
                        returns: line.returns.map(|sale| own(sale, DocumentKind::SalesInvoice)),
                        ..line
                    });
                    notebook.set(line.map_or(number * 100, |line| own(*number, line.kind)), line);
                }
            };
            tell(&mut notebook, &before);
            let open_from = day(closed);
            notebook.open_from = Some(open_from);
            let ends: Vec<(Date, Money)> = [date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]
                .into_iter()
                .filter(|end| *end < open_from)
                .map(|end| (end, notebook.reported(end)))
                .collect();
            tell(&mut notebook, &after);
            notebook.check();
            for (end, reported) in ends {
                prop_assert_eq!(notebook.reported(end), reported, "at the end of {}", end);
            }
            let mut open = Notebook::default();
            open.count(day(-85), 100, Some("3"));
            tell(&mut open, &before);
            tell(&mut open, &after);
            prop_assert_eq!(notebook.position.value, open.position.value);
        }
    }

    fn cents_of(cents: u16) -> String {
        Money::from_e4(i64::from(cents) * 100).to_string()
    }

    proptest! {
        /// Whatever a document said in between, and in whatever order documents came: what stands in the end alone counts.
        #[test]
        fn the_order_of_arrival_makes_no_difference(
            steps in lines(),
            vouchers in vouchers(),
            adjustments in adjustments(),
            method in prop::sample::select(vec![Method::Fifo, Method::Average, Method::Lifo]),
        ) {
            let mut notebook = Notebook::of(method);
            let mut kinds: BTreeMap<u128, Line> = BTreeMap::new();
            let mut standing: BTreeMap<u128, Line> = BTreeMap::new();
            let mut landed: BTreeMap<u32, Voucher> = BTreeMap::new();
            let adjustments: Vec<(u32, (usize, Adjusted))> = (1..).zip(adjustments).collect();
            let mut adjusted: Vec<(u32, Adjusted)> = Vec::new();
            for (at, (number, line)) in steps.into_iter().enumerate() {
                for (index, (_, told)) in adjustments.iter().filter(|(_, (when, _))| *when == at) {
                    adjust(&mut notebook, *index, *told);
                    adjusted.push((*index, *told));
                    notebook.check();
                }
                for (voucher, (_, (onto, on, cents))) in (1..).zip(&vouchers).filter(|(_, (when, _))| *when == at) {
                    notebook.land(voucher, *onto, day(*on), &cents_of(*cents));
                    landed.insert(voucher, (*onto, *on, *cents));
                    notebook.check();
                }
                // some are taken back
                if let Some(voucher) = landed.keys().next().copied().filter(|_| at % 5 == 4) {
                    notebook.take_back(voucher);
                    landed.remove(&voucher);
                    notebook.check();
                }
                // a document keeps its kind
                let line = line.map(|line| match kinds.get(&number) {
                    Some(first) => Line {
                        kind: first.kind,
                        change: if (first.change < 0) == (line.change < 0) { line.change } else { -line.change },
                        returns: line.returns.filter(|_| first.kind == DocumentKind::SalesCredit),
                        ..line
                    },
                    None => line,
                });
                if let Some(line) = line {
                    kinds.entry(number).or_insert(line);
                }
                notebook.set(number, line);
                match line {
                    Some(line) => standing.insert(number, line),
                    None => standing.remove(&number),
                };
                notebook.check();
            }
            let (found, due) = (notebook.valuation.total(), plainly(method, &standing, &landed, &adjusted));
            prop_assert_eq!((found.quantity, found.cost), (due.quantity, due.cost));
        }
    }
}

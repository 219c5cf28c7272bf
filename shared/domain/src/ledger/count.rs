//! A person's count of an item: what lay there at the end of a day, whatever the documents say.
//!
//! A count stands. What it differs by is booked; and a document that comes in later with a day that the count has seen is
//! booked like any other, and balanced at once, since its goods were counted with the rest.

use jiff::Timestamp;
use jiff::civil::Date;

use super::booking::Stock;
use super::movement::{Cause, Movement, MovementKey, Place};
use super::position::{Counted, quantity_at};
use crate::costing::Layer;
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{CommitId, ItemId, LocationId};

/// A count that is to be booked.
#[derive(Clone, Debug)]
pub struct Count<'a> {
    /// The item.
    pub item: ItemId,
    /// Where it was counted.
    pub location: &'a LocationId,
    /// At the end of this day.
    pub on: Date,
    /// How much lay there.
    pub quantity: Quantity,
    /// What one unit was worth; what the ledger says if nobody said so.
    pub unit_cost: Option<Money>,
    /// The item's movements.
    pub movements: &'a [Movement],
    /// The org's civil day.
    pub today: Date,
    /// Now.
    pub recorded_at: Timestamp,
    /// The commit that will hold it.
    pub commit: CommitId,
}

/// A part of what a count books.
struct Part {
    change: Quantity,
    /// What it is worth, same sign as the change.
    value: Money,
    correction: Money,
}

impl Count<'_> {
    /// What the count books, none to two movements, and the stock after it.
    ///
    /// With a cost, what was counted is worth quantity times cost, and what went out since is valued anew from there: the
    /// difference is the movement's correction. Two movements revalue a quantity that agrees.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn book(&self, mut stock: Stock) -> Result<(Vec<Movement>, Stock), FixedError> {
        let cause = if stock.position.opened { Cause::Count } else { Cause::Opening };
        stock.position.counts.retain(|standing| standing.on != self.on);
        let mut movements = Vec::new();
        for part in self.parts(stock.layer)? {
            let movement = self.movement(cause, part, stock.position.next_balance())?;
            stock.position.apply(&movement, self.today)?;
            stock.layer = moved(stock.layer, &movement)?;
            movements.push(movement);
        }
        if let Some(cost) = self.unit_cost.filter(|cost| !cost.is_zero()) {
            stock.layer.last_unit_cost = cost;
        }
        stock.position.opened = true;
        // a later count has seen all of this
        for movement in movements.clone() {
            movements.extend(balance(&mut stock, &movement, self.today)?);
        }
        stock.position.value = stock.layer.cost;
        // what is dated today and comes later happened after the count
        let through = if self.on == self.today { self.on.yesterday().unwrap_or(self.on) } else { self.on };
        stock.position.keep_count(Counted { on: self.on, through });
        Ok((movements, stock))
    }

    fn parts(&self, layer: Layer) -> Result<Vec<Part>, FixedError> {
        let (mut seen, mut since): (Vec<&Movement>, Vec<&Movement>) =
            self.movements.iter().partition(|movement| movement.key.effective_on <= self.on);
        seen.sort_by_key(|movement| movement.key);
        since.sort_by_key(|movement| movement.key);
        let change = self.quantity.minus(quantity_at(seen.iter().copied(), self.on)?)?;
        let mut seen_value = Money::ZERO;
        for movement in &seen {
            seen_value = seen_value.plus(movement.layer_change()?)?;
        }
        let (counted_value, due) = match self.unit_cost {
            None => {
                // where nothing remains, no cost may remain either
                let is_gone = layer.quantity.plus(change)?.is_zero();
                let value = if is_gone { layer.cost.negated()? } else { layer.at_average(change)? };
                (seen_value.plus(value)?, value)
            }
            Some(unit_cost) => {
                let value = self.quantity.at(unit_cost)?;
                let mut after = Layer { quantity: self.quantity, cost: value, last_unit_cost: unit_cost };
                for movement in since {
                    after = valued_anew(after, movement)?;
                }
                (value, after.cost.minus(layer.cost)?)
            }
        };
        let value = counted_value.minus(seen_value)?;
        // what the change of the layer leaves of the value is the cost of what went out since
        let correction = value.minus(due)?;
        if !change.is_zero() {
            return Ok(vec![Part { change, value, correction }]);
        }
        if due.is_zero() || self.quantity.is_zero() {
            return Ok(Vec::new());
        }
        let out =
            Part { change: self.quantity.negated()?, value: seen_value.negated()?, correction: Money::ZERO };
        Ok(vec![out, Part { change: self.quantity, value: counted_value, correction }])
    }

    fn movement(&self, cause: Cause, part: Part, revision: u32) -> Result<Movement, FixedError> {
        let out = part.change.is_negative();
        let ours = Place::Stock(self.location.clone());
        let theirs = if cause == Cause::Opening { Place::Opening } else { Place::Adjustment };
        let (from, to) = if out { (ours, theirs) } else { (theirs, ours) };
        Ok(Movement {
            item: self.item,
            key: MovementKey { effective_on: self.on, out, cause, revision, correction: false },
            quantity: part.change.magnitude(),
            from,
            to,
            value: if out { part.value.negated()? } else { part.value },
            correction: part.correction,
            recorded_at: self.recorded_at,
            commit: self.commit,
        })
    }
}

/// The layer after a movement that is taken as it stands.
fn moved(layer: Layer, movement: &Movement) -> Result<Layer, FixedError> {
    Ok(Layer {
        quantity: layer.quantity.plus(movement.signed_quantity()?)?,
        cost: layer.cost.plus(movement.layer_change()?)?,
        ..layer
    })
}

/// The layer after a movement, valued by the layer before it.
fn valued_anew(layer: Layer, movement: &Movement) -> Result<Layer, FixedError> {
    let is_document = matches!(movement.key.cause, Cause::Document { .. });
    if movement.key.correction || !is_document {
        let undone = movement.layer_change()?.negated()?;
        return Ok(layer.take_back(movement.signed_quantity()?.negated()?, undone)?.layer);
    }
    if movement.key.out {
        return Ok(layer.issue(movement.quantity)?.layer);
    }
    let last_unit_cost = movement.value.per_unit(movement.quantity)?;
    Ok(Layer { last_unit_cost, ..layer.receive(movement.quantity, movement.value)?.layer })
}

/// The opposite of a movement that `stock` holds already, if a count has seen its day: the position keeps what was
/// counted, and the layer what it was worth.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn balance(stock: &mut Stock, movement: &Movement, today: Date) -> Result<Option<Movement>, FixedError> {
    let Some(on) = stock.position.counted_after(movement.key.effective_on) else { return Ok(None) };
    let out = !movement.key.out;
    let ours = if movement.key.out { movement.from.clone() } else { movement.to.clone() };
    let (from, to) = if out { (ours, Place::Adjustment) } else { (Place::Adjustment, ours) };
    let revision = stock.position.next_balance();
    let opposite = Movement {
        key: MovementKey { effective_on: on, out, cause: Cause::Count, revision, correction: false },
        from,
        to,
        correction: movement.correction.negated()?,
        ..movement.clone()
    };
    stock.layer = moved(stock.layer, &opposite)?;
    stock.position.apply(&opposite, today)?;
    Ok(Some(opposite))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::document::{Document, DocumentKind, DocumentRef, DocumentStatus};
    use crate::ids::{ContactId, DocumentId, LineId};
    use crate::ledger::booking::Booking;
    use crate::ledger::{DesiredLine, LineChange, OnHand};

    const ITEM: ItemId = ItemId(Uuid::from_u128(77));
    const TODAY: Date = date(2026, 6, 30);

    fn day(number: i64) -> Date {
        date(2026, 6, 1).saturating_add(number.days())
    }

    /// A ledger of one item.
    #[derive(Clone, Default)]
    struct Ledger {
        stock: Stock,
        movements: Vec<Movement>,
        lines: u128,
    }

    impl Ledger {
        /// Books what one line brings in (above zero, at a cost) or takes out.
        fn book(&mut self, on: Date, change: i64, cost: i64) {
            self.lines += 1;
            let comes_in = change > 0;
            let kind = if comes_in { DocumentKind::Bill } else { DocumentKind::SalesInvoice };
            let document = Document {
                of: DocumentRef { kind, id: DocumentId(Uuid::from_u128(self.lines)) },
                number: String::new(),
                reference: String::new(),
                status: DocumentStatus::Authorised,
                contact: ContactId(Uuid::nil()),
                contact_name: String::new(),
                date: on,
                expected_on: None,
                updated_at: Timestamp::UNIX_EPOCH,
                lines: Vec::new(),
            };
            let location = LocationId::main();
            let booking = Booking {
                document: &document,
                today: TODAY,
                recorded_at: Timestamp::UNIX_EPOCH,
                commit: CommitId(Uuid::nil()),
                location: &location,
            };
            let line = DesiredLine {
                line: LineId(Uuid::from_u128(self.lines)),
                item: ITEM,
                effective_on: on,
                change: Quantity::from_e4(change * 10_000),
                cost: comes_in.then(|| Money::from_e4(cost)),
                committed: Quantity::ZERO,
                ordered: Quantity::ZERO,
            };
            let change = LineChange { line: line.line, before: None, after: Some(line) };
            let mut stocks = BTreeMap::from([(ITEM, self.stock.clone())]);
            self.movements.extend(booking.book(&change, Vec::new(), &mut stocks).unwrap().movements);
            self.stock = stocks.remove(&ITEM).unwrap();
        }

        /// Books a count, and says how many movements that took.
        fn count(&mut self, on: Date, quantity: i64, unit_cost: Option<&str>) -> usize {
            let count = Count {
                item: ITEM,
                location: &LocationId::main(),
                on,
                quantity: Quantity::from_e4(quantity * 10_000),
                unit_cost: unit_cost.map(|cost| cost.parse().unwrap()),
                movements: &self.movements.clone(),
                today: TODAY,
                recorded_at: Timestamp::UNIX_EPOCH,
                commit: CommitId(Uuid::nil()),
            };
            let (movements, stock) = count.book(self.stock.clone()).unwrap();
            self.stock = stock;
            let booked = movements.len();
            self.movements.extend(movements);
            booked
        }

        fn at(&self, on: Date) -> i64 {
            quantity_at(&self.movements, on).unwrap().e4() / 10_000
        }

        fn stands(&self) -> (String, String) {
            let OnHand::Counted(on_hand) = self.stock.position.on_hand(TODAY).unwrap() else {
                panic!("not counted")
            };
            (on_hand.to_string(), self.stock.position.stock_value().unwrap().to_string())
        }
    }

    #[test]
    fn what_was_sold_before_the_first_count_costs_the_counted_stock_nothing() {
        let mut ledger = Ledger::default();
        ledger.book(day(1), -100, 0);
        assert_eq!(ledger.stock.position.stock_value(), None);
        ledger.count(day(10), 50, Some("2"));
        assert_eq!(ledger.stands(), ("50".into(), "100.00".into()));
    }

    #[test]
    fn what_was_sold_since_the_count_is_valued_by_it() {
        let mut ledger = Ledger::default();
        ledger.book(day(12), -10, 0);
        ledger.count(day(10), 50, Some("2"));
        assert_eq!(ledger.stands(), ("40".into(), "80.00".into()));
        // ten at 2 went out, whose cost was not known then
        assert_eq!(ledger.movements[1].correction, "20".parse().unwrap());
    }

    #[test]
    fn a_wrong_cost_is_mended_by_counting_again() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.count(day(10), 40, Some("2")), 1);
        assert_eq!(ledger.count(day(10), 40, Some("2")), 0);
        assert_eq!(ledger.count(day(10), 40, None), 0);
        assert_eq!(ledger.stands(), ("40".into(), "80.00".into()));
        assert_eq!(ledger.count(day(10), 40, Some("7")), 2);
        assert_eq!((ledger.stands(), ledger.at(day(10))), (("40".into(), "280.00".into()), 40));
        // a stocktake without costs leaves a unit worth what it was
        assert_eq!(ledger.count(day(12), 30, None), 1);
        assert_eq!(ledger.stands(), ("30".into(), "210.00".into()));
    }

    #[test]
    fn goods_of_a_bill_that_comes_in_after_their_count_were_counted_already() {
        let mut ledger = Ledger::default();
        ledger.count(day(10), 50, Some("2"));
        ledger.book(day(8), 60, 1_800_000);
        ledger.book(day(10), -5, 0);
        assert_eq!((ledger.stands(), ledger.at(day(10))), (("50".into(), "100.00".into()), 50));
        ledger.book(day(11), -5, 0);
        assert_eq!(ledger.stands(), ("45".into(), "90.00".into()));
    }

    #[test]
    fn what_is_sold_later_on_the_day_of_a_count_is_taken_from_it() {
        let mut ledger = Ledger::default();
        ledger.count(TODAY, 50, Some("2"));
        ledger.book(TODAY, -5, 0);
        ledger.book(TODAY.yesterday().unwrap(), -5, 0);
        assert_eq!(ledger.stands(), ("45".into(), "90.00".into()));
    }

    proptest! {
        /// Whatever comes in, in whatever order: each count stands at the end of its day, and position and layer are the
        /// fold of the movements.
        #[test]
        fn counts_stand(steps in prop::collection::vec((0i64..28, -40i64..40, 0i64..5_000_000, 0u8..4), 1..40)) {
            let mut ledger = Ledger::default();
            let mut counted: BTreeMap<Date, i64> = BTreeMap::new();
            for (number, change, cost, what) in steps {
                match what {
                    0 => {
                        let cost = Money::from_e4(cost / 40).to_string();
                        ledger.count(day(number), change.abs(), (number % 3 > 0).then_some(&cost));
                        counted.insert(day(number), change.abs());
                    }
                    _ if change != 0 => ledger.book(day(number), change, cost),
                    _ => {}
                }
                for (on, quantity) in counted.iter().rev().take(super::super::position::COUNTS_KEPT_MAX) {
                    prop_assert_eq!(ledger.at(*on), *quantity, "at the end of {}", on);
                }
                let mut keys: Vec<MovementKey> = ledger.movements.iter().map(|movement| movement.key).collect();
                keys.sort_unstable();
                keys.dedup();
                prop_assert_eq!(keys.len(), ledger.movements.len(), "two movements have one key");
                let (mut quantity, mut cost) = (Quantity::ZERO, Money::ZERO);
                for movement in &ledger.movements {
                    prop_assert!(movement.quantity > Quantity::ZERO);
                    quantity = quantity.plus(movement.signed_quantity().unwrap()).unwrap();
                    cost = cost.plus(movement.layer_change().unwrap()).unwrap();
                }
                prop_assert_eq!((quantity, cost), (ledger.stock.layer.quantity, ledger.stock.layer.cost));
                prop_assert_eq!((quantity, cost), (ledger.stock.position.booked, ledger.stock.position.value));
                if quantity.is_zero() {
                    prop_assert!(cost.is_zero());
                }
            }
        }
    }
}

//! Tracked stock: quantity on hand and one pool of cost per item, a moving weighted average.
//!
//! Changes are worked out on a copy of the items concerned, so that a refused document changes nothing.

use std::collections::BTreeMap;

use crate::act::{E4, div_half_up};
use crate::error::XeroError;

/// What Xero knows about the stock of a tracked item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// Quantity on hand.
    pub on_hand: E4,
    /// Value of what is on hand, in the base currency, at two places.
    pub cost_pool: E4,
    /// Cost of one when there last was stock; values a customer's return to an empty shelf.
    pub last_cost: E4,
}

impl Stock {
    /// Value of a part of the stock at average cost; the last unit takes the rest of the pool.
    fn value_of(&self, quantity: E4) -> E4 {
        if quantity == self.on_hand {
            self.cost_pool
        } else if self.on_hand > E4::ZERO {
            let exact = i128::from(self.cost_pool.0) * i128::from(quantity.0);
            E4::cents(div_half_up(exact, i128::from(self.on_hand.0) * 100))
        } else {
            self.last_cost.times(quantity).round2()
        }
    }
}

/// A quantity with its value that went into stock (positive) or out of it (negative).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) quantity: E4,
    pub(crate) value: E4,
}

/// Stock being changed by one document.
pub(crate) struct Shelf<F: Fn(u32) -> Stock> {
    present: F,
    changed: BTreeMap<u32, Stock>,
}

impl<F: Fn(u32) -> Stock> Shelf<F> {
    pub(crate) fn new(present: F) -> Shelf<F> {
        Shelf { present, changed: BTreeMap::new() }
    }

    fn stock(&mut self, item: u32) -> &mut Stock {
        self.changed.entry(item).or_insert_with(|| (self.present)(item))
    }

    /// Takes back what a line did.
    pub(crate) fn reverse(&mut self, item: u32, moved: Moved) {
        let stock = self.stock(item);
        stock.on_hand = stock.on_hand - moved.quantity;
        stock.cost_pool = stock.cost_pool - moved.value;
    }

    /// Brings goods in at a known value.
    pub(crate) fn bring(&mut self, item: u32, quantity: E4, value: E4) -> Moved {
        let stock = self.stock(item);
        stock.on_hand = stock.on_hand + quantity;
        stock.cost_pool = stock.cost_pool + value;
        Moved { quantity, value }
    }

    /// Brings goods back at average cost.
    pub(crate) fn bring_back(&mut self, item: u32, quantity: E4) -> Moved {
        let at_average = self.stock(item).value_of(quantity);
        self.bring(item, quantity, at_average)
    }

    /// Takes goods out at average cost, or at a given value.
    pub(crate) fn take(&mut self, item: u32, quantity: E4, value: Option<E4>) -> Moved {
        let stock = self.stock(item);
        let value = value.unwrap_or_else(|| stock.value_of(quantity));
        stock.on_hand = stock.on_hand - quantity;
        stock.cost_pool = stock.cost_pool - value;
        Moved { quantity: -quantity, value: -value }
    }

    /// The stock after all changes, or a refusal if any quantity fell below zero. An empty shelf has no value, and
    /// no pool is negative: Xero's screens allow neither.
    pub(crate) fn finish(mut self, oversell_text: &str) -> Result<BTreeMap<u32, Stock>, XeroError> {
        for stock in self.changed.values_mut() {
            if stock.on_hand < E4::ZERO {
                return Err(XeroError::refused(oversell_text));
            }
            if stock.on_hand == E4::ZERO || stock.cost_pool < E4::ZERO {
                stock.cost_pool = E4::ZERO;
            }
            if stock.cost_pool > E4::ZERO {
                stock.last_cost = E4(div_half_up(
                    i128::from(stock.cost_pool.0) * i128::from(E4::ONE.0),
                    i128::from(stock.on_hand.0),
                ));
            }
        }
        Ok(self.changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_is_a_moving_weighted_average() {
        // Fact: average cost = TotalCostPool / QuantityOnHand (developer.xero.com, Items).
        let mut shelf = Shelf::new(|_| Stock::default());
        shelf.bring(1, E4::whole(10), E4::whole(100));
        shelf.bring(1, E4::whole(5), E4::whole(80));
        let sold = shelf.take(1, E4::whole(3), None);
        assert_eq!(sold.value, -E4::whole(36));
        let stock = shelf.finish("no").unwrap()[&1];
        assert_eq!((stock.on_hand, stock.cost_pool), (E4::whole(12), E4::whole(144)));
    }

    #[test]
    fn the_last_unit_takes_the_rest() {
        let mut shelf = Shelf::new(|_| Stock::default());
        shelf.bring(1, E4::whole(3), E4::whole(10));
        let parts: Vec<E4> = (0..3).map(|_| shelf.take(1, E4::ONE, None).value).collect();
        assert_eq!(parts, [E4::cents(-333), E4::cents(-334), E4::cents(-333)]);
        assert_eq!(shelf.finish("no").unwrap()[&1].cost_pool, E4::ZERO);
    }

    #[test]
    fn a_return_to_an_empty_shelf_has_the_last_cost() {
        let before = Stock { on_hand: E4::ZERO, cost_pool: E4::ZERO, last_cost: E4::cents(250) };
        let mut shelf = Shelf::new(|_| before);
        assert_eq!(shelf.bring_back(1, E4::whole(2)).value, E4::whole(5));
    }
}

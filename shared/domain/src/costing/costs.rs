//! An item's costs: a fold over its movements in their order.
//!
//! All methods share one sum of quantity and cost, by which stock is oversold and filled again. FIFO and LIFO divide what
//! is there among the receipts that it came from; the average does not.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::Method;
use super::layer::Layer;
use crate::fixed::{FixedError, Money, Quantity};

/// What remains of one receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLayer<O> {
    /// The movement that brought it in.
    pub from: O,
    /// Remaining quantity.
    pub quantity: Quantity,
    /// Remaining total cost.
    pub cost: Money,
}

/// What goods cost when they come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// All of them together.
    pub cost: Money,
    /// One unit, for what is sold before the next receipt.
    pub unit_cost: Money,
}

/// What a person says that stock is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worth {
    /// So many units.
    pub quantity: Quantity,
    /// Are worth this together.
    pub value: Money,
    /// And this each, for what is sold before the next receipt.
    pub unit_cost: Money,
}

impl Worth {
    /// Of units that are worth the same each.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn of_units(quantity: Quantity, unit_cost: Money) -> Result<Self, FixedError> {
        Ok(Self { quantity, value: quantity.at(unit_cost)?, unit_cost })
    }

    /// Of all units together.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn of_all(quantity: Quantity, value: Money) -> Result<Self, FixedError> {
        Ok(Self { quantity, value, unit_cost: value.per_unit(quantity)? })
    }
}

/// One movement of an item. `O` names movements; it is ordered as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<O> {
    /// Bought, made or found. Without a price at the average of what is there; by FIFO and LIFO at the last known cost.
    Receipt {
        /// How much.
        quantity: Quantity,
        /// What it cost, if that is known.
        price: Option<Price>,
    },
    /// Sold, used or lost.
    Issue {
        /// How much.
        quantity: Quantity,
    },
    /// Back from a customer.
    SaleReturn {
        /// How much.
        quantity: Quantity,
        /// The sale that it takes back, or the receipt that its goods came from. What that doesn't have left comes in
        /// like a receipt without a price.
        of: Option<O>,
    },
    /// Back to a supplier.
    PurchaseReturn {
        /// How much.
        quantity: Quantity,
        /// The receipt that it takes back. What that doesn't have left goes out like an issue.
        of: Option<O>,
    },
    /// Freight, duty or a changed price, on top of a receipt. Below zero it takes away.
    LandedCost {
        /// How much.
        amount: Money,
        /// The receipt.
        onto: O,
    },
}

/// What a step cost. The sum of what is there changes by `cost` of what came in less `cost` of what went out, less
/// `correction`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costed {
    /// What came in or went out with it, at least zero but for landed cost that takes away.
    pub cost: Money,
    /// How much more had been consumed before than was known then (below zero: less).
    pub correction: Money,
    /// Whether it stands at zero because no cost was known.
    pub is_unknown: bool,
}

impl Costed {
    fn and(self, other: Self) -> Result<Self, FixedError> {
        Ok(Self {
            cost: self.cost.plus(other.cost)?,
            correction: self.correction.plus(other.correction)?,
            is_unknown: self.is_unknown || other.is_unknown,
        })
    }
}

/// What a sale took from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Taking<O> {
    /// The receipt; the sale itself with the average; none while it is oversold.
    from: Option<O>,
    quantity: Quantity,
    /// With what became known later.
    cost: Money,
}

/// A remembered receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Receipt {
    received: Quantity,
    /// What its goods cost, landed cost included.
    cost: Money,
    /// Of what a supplier did not get back by name.
    kept: Quantity,
}

/// What was oversold and is not filled yet, by its sale if that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Short<O> {
    sale: Option<O>,
    quantity: Quantity,
}

/// An item's costs after some of its movements: all that the next ones need to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(serialize = "O: Serialize + Ord", deserialize = "O: Deserialize<'de> + Ord"))]
pub struct Costs<O> {
    method: Method,
    /// Quantity and cost of all layers together; below zero oversold, at the last known cost.
    total: Layer,
    /// Whether a price was ever seen.
    is_priced: bool,
    /// Oldest first; none with the average, and none while oversold.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    layers: VecDeque<ReceiptLayer<O>>,
    /// Oldest first, together what is oversold.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    short: VecDeque<Short<O>>,
    #[serde(with = "pairs", default, skip_serializing_if = "BTreeMap::is_empty")]
    receipts: BTreeMap<O, Receipt>,
    #[serde(with = "pairs", default, skip_serializing_if = "BTreeMap::is_empty")]
    sales: BTreeMap<O, Vec<Taking<O>>>,
}

/// Maps as lists of pairs: JSON has only text for keys.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Vec::<(K, V)>::deserialize(deserializer).map(|pairs| pairs.into_iter().collect())
    }
}

impl<O: Copy + Ord> Costs<O> {
    /// Of an item without movements.
    pub fn new(method: Method) -> Self {
        Self {
            method,
            total: Layer::default(),
            is_priced: false,
            layers: VecDeque::new(),
            short: VecDeque::new(),
            receipts: BTreeMap::new(),
            sales: BTreeMap::new(),
        }
    }

    /// The method by which they go.
    pub const fn method(&self) -> Method {
        self.method
    }

    /// Quantity and cost of what is there.
    pub const fn total(&self) -> Layer {
        self.total
    }

    /// What remains of which receipt, oldest first. None with the average, and none while oversold.
    pub fn layers(&self) -> impl Iterator<Item = &ReceiptLayer<O>> {
        self.layers.iter()
    }

    /// The next movement. `is_named` says that a later one names it, so that it is remembered; a movement that is named
    /// and not remembered is as unknown as one that never was.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit; then the costs must be thrown away.
    pub fn apply(&mut self, id: O, step: &Step<O>, is_named: bool) -> Result<Costed, FixedError> {
        match *step {
            Step::Receipt { quantity, price } => self.receipt(id, quantity, price, is_named),
            Step::Issue { quantity } => self.issue(id, quantity, is_named),
            Step::SaleReturn { quantity, of } => self.sale_return(id, quantity, of),
            Step::PurchaseReturn { quantity, of } => self.purchase_return(id, quantity, of),
            Step::LandedCost { amount, onto } => self.land(amount, onto, None),
        }
    }

    /// The receipts that are remembered, and how much each brought.
    pub fn remembered(&self) -> impl Iterator<Item = (&O, Quantity)> {
        self.receipts.iter().map(|(receipt, known)| (receipt, known.received))
    }

    /// The sales that are remembered, in their order.
    pub fn remembered_sales(&self) -> impl DoubleEndedIterator<Item = &O> {
        self.sales.keys()
    }

    /// From how many receipts the remembered sales took, all together.
    pub fn takings(&self) -> usize {
        self.sales.values().map(Vec::len).sum()
    }

    /// Forgets receipts and sales that no later movement names any more.
    pub fn forget(&mut self, is_named: impl Fn(&O) -> bool) {
        self.receipts.retain(|receipt, _| is_named(receipt));
        self.sales.retain(|sale, _| is_named(sale));
    }

    /// What is there was counted, and differs by `change` from what movements say: more comes in without a price, less goes
    /// out like an issue. With its worth, all that is there is valued by it, in one layer.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit; then the costs must be thrown away.
    pub fn count(&mut self, id: O, change: Quantity, worth: Option<Worth>) -> Result<(), FixedError> {
        if change.is_negative() {
            self.issue(id, change.magnitude(), false)?;
        } else {
            self.without_price(id, change)?;
        }
        let Some(Worth { quantity, value, unit_cost }) = worth else { return Ok(()) };
        let there = self.total.quantity;
        // what went in or out on the day after it was counted is worth what the rest is
        self.total.cost = if there == quantity { value } else { there.at(unit_cost)? };
        if !self.layers.is_empty() {
            self.layers = VecDeque::from([ReceiptLayer { from: id, quantity: there, cost: self.total.cost }]);
        }
        if !unit_cost.is_zero() {
            self.total.last_unit_cost = unit_cost;
        }
        self.is_priced = true;
        Ok(())
    }

    /// Makes one layer of the two oldest until there are at most `most`: they cost together what they cost.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn merge_oldest(&mut self, most: usize) -> Result<(), FixedError> {
        while self.layers.len() > most.max(1) {
            let Some(oldest) = self.layers.pop_front() else { return Ok(()) };
            if let Some(next) = self.layers.front_mut() {
                next.quantity = next.quantity.plus(oldest.quantity)?;
                next.cost = next.cost.plus(oldest.cost)?;
            }
        }
        Ok(())
    }

    /// Goes on by another method from `at` on. Quantity and value stay what they are: the layers become one, or the average
    /// becomes the oldest layer.
    pub fn switch(&mut self, method: Method, at: O) {
        if method == Method::Average {
            self.layers.clear();
        } else if self.method == Method::Average && self.total.quantity > Quantity::ZERO {
            let Layer { quantity, cost, .. } = self.total;
            self.layers.push_back(ReceiptLayer { from: at, quantity, cost });
        }
        self.method = method;
    }

    fn receipt(
        &mut self,
        id: O,
        quantity: Quantity,
        price: Option<Price>,
        is_named: bool,
    ) -> Result<Costed, FixedError> {
        let mut costed = match price {
            Some(price) => {
                let correction = self.take_in(id, quantity, price.cost)?;
                Costed { cost: price.cost, correction, is_unknown: false }
            }
            None => self.without_price(id, quantity)?,
        };
        // a discount in a line of its own is no price
        if let Some(price) = price.filter(|price| !quantity.is_zero() && !price.unit_cost.is_negative()) {
            self.total.last_unit_cost = price.unit_cost;
            self.is_priced = true;
        }
        costed.is_unknown &= !quantity.is_zero();
        if is_named {
            self.receipts.insert(id, Receipt { received: quantity, cost: costed.cost, kept: quantity });
        }
        Ok(costed)
    }

    /// Takes in what nobody priced.
    fn without_price(&mut self, id: O, quantity: Quantity) -> Result<Costed, FixedError> {
        let cost = match self.method {
            Method::Average => self.total.at_average(quantity)?,
            Method::Fifo | Method::Lifo => quantity.at(self.total.last_unit_cost)?,
        };
        let correction = self.take_in(id, quantity, cost)?;
        Ok(Costed { cost, correction, is_unknown: !self.is_priced })
    }

    /// Adds to the total and to the layer of the receipt `from`, what was oversold first. Answers the correction.
    fn take_in(&mut self, from: O, quantity: Quantity, cost: Money) -> Result<Money, FixedError> {
        if quantity.is_zero() {
            return Ok(Money::ZERO);
        }
        let received = self.total.receive(quantity, cost)?;
        self.total = received.layer;
        let kept = quantity.minus(received.filled)?;
        if self.method != Method::Average && !kept.is_zero() {
            self.put(ReceiptLayer { from, quantity: kept, cost: cost.minus(received.filled_cost)? })?;
        }
        self.fill(from, received.filled, received.filled_cost)?;
        Ok(received.correction)
    }

    /// Puts goods among the layers: to those of the same receipt, or where that stood.
    fn put(&mut self, layer: ReceiptLayer<O>) -> Result<(), FixedError> {
        if self.layers.back().is_none_or(|youngest| youngest.from < layer.from) {
            self.layers.push_back(layer);
            return Ok(());
        }
        match self.layers.binary_search_by(|standing| standing.from.cmp(&layer.from)) {
            Ok(at) => {
                if let Some(standing) = self.layers.get_mut(at) {
                    standing.quantity = standing.quantity.plus(layer.quantity)?;
                    standing.cost = standing.cost.plus(layer.cost)?;
                }
            }
            Err(at) => self.layers.insert(at, layer),
        }
        Ok(())
    }

    /// Tells the sales that had been oversold, the oldest first, that their goods are of the receipt `from`.
    fn fill(&mut self, from: O, filled: Quantity, cost: Money) -> Result<(), FixedError> {
        let mut done = Quantity::ZERO;
        while done < filled {
            let Some(oldest) = self.short.front_mut() else { break };
            let quantity = oldest.quantity.min(filled.minus(done)?);
            let sale = oldest.sale;
            oldest.quantity = oldest.quantity.minus(quantity)?;
            if oldest.quantity.is_zero() {
                self.short.pop_front();
            }
            // up to its last unit less up to its first: which other sales are remembered makes no difference
            let before = if done.is_zero() { Money::ZERO } else { cost.part(done, filled)? };
            done = done.plus(quantity)?;
            let part = cost.part(done, filled)?.minus(before)?;
            if let Some(takings) = sale.and_then(|sale| self.sales.get_mut(&sale)) {
                supply(takings, Taking { from: Some(from), quantity, cost: part })?;
            }
        }
        Ok(())
    }

    fn issue(&mut self, id: O, quantity: Quantity, is_named: bool) -> Result<Costed, FixedError> {
        let short = self.total.shortage(quantity)?;
        let taken = quantity.minus(short)?;
        let mut takings = is_named.then(Vec::new);
        let (cost, short_cost);
        if self.method == Method::Average {
            let issued = self.total.issue(quantity)?;
            short_cost = short.at(self.total.last_unit_cost)?;
            cost = issued.cost;
            self.total = issued.layer;
            if let Some(takings) = takings.as_mut().filter(|_| !taken.is_zero()) {
                takings.push(Taking { from: Some(id), quantity: taken, cost: cost.minus(short_cost)? });
            }
        } else {
            short_cost = short.at(self.total.last_unit_cost)?;
            cost = self.take_from_layers(taken, takings.as_mut())?.plus(short_cost)?;
            self.total.quantity = self.total.quantity.minus(quantity)?;
            self.total.cost = self.total.cost.minus(cost)?;
        }
        if !short.is_zero() {
            if let Some(takings) = &mut takings {
                takings.push(Taking { from: None, quantity: short, cost: short_cost });
            }
            self.oversell(is_named.then_some(id), short)?;
        }
        if let Some(takings) = takings {
            self.sales.insert(id, takings);
        }
        Ok(Costed { cost, correction: Money::ZERO, is_unknown: !short.is_zero() && !self.is_priced })
    }

    /// Takes goods from the layers that the method says and answers their cost.
    fn take_from_layers(
        &mut self,
        quantity: Quantity,
        mut takings: Option<&mut Vec<Taking<O>>>,
    ) -> Result<Money, FixedError> {
        let mut open = quantity;
        let mut cost = Money::ZERO;
        while !open.is_zero() {
            let next = match self.method {
                Method::Lifo => self.layers.back_mut(),
                Method::Fifo | Method::Average => self.layers.front_mut(),
            };
            let Some(layer) = next else { break };
            let taken = layer.quantity.min(open);
            let part = layer.cost.part(taken, layer.quantity)?;
            let from = layer.from;
            layer.quantity = layer.quantity.minus(taken)?;
            layer.cost = layer.cost.minus(part)?;
            if layer.quantity.is_zero() {
                match self.method {
                    Method::Lifo => self.layers.pop_back(),
                    Method::Fifo | Method::Average => self.layers.pop_front(),
                };
            }
            if let Some(takings) = takings.as_deref_mut() {
                takings.push(Taking { from: Some(from), quantity: taken, cost: part });
            }
            open = open.minus(taken)?;
            cost = cost.plus(part)?;
        }
        Ok(cost)
    }

    fn oversell(&mut self, sale: Option<O>, quantity: Quantity) -> Result<(), FixedError> {
        match self.short.back_mut().filter(|last| last.sale == sale) {
            Some(last) => last.quantity = last.quantity.plus(quantity)?,
            None => self.short.push_back(Short { sale, quantity }),
        }
        Ok(())
    }

    /// Takes goods back to where the movements `of` had them from, one after the other; what these don't have left comes in like a
    /// receipt without a price.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit; then the costs must be thrown away.
    pub fn sale_return(
        &mut self,
        id: O,
        quantity: Quantity,
        of: impl IntoIterator<Item = O>,
    ) -> Result<Costed, FixedError> {
        let mut back = Costed::default();
        let mut open = quantity;
        for of in of {
            // what was taken last comes back first, as if the sale had been of the rest alone
            while let Some(taking) = self.sales.get(&of).and_then(|takings| takings.last()).copied()
                && !open.is_zero()
            {
                let part = taking.quantity.min(open);
                let cost = taking.cost.part(part, taking.quantity)?;
                self.shrink_last_taking(of, part, cost)?;
                let correction = match taking.from {
                    Some(from) => self.take_in(from, part, cost)?,
                    None => self.take_back_oversold(of, part, cost)?,
                };
                back = back.and(Costed { cost, correction, is_unknown: false })?;
                open = open.minus(part)?;
            }
            if let Some(receipt) = self.receipts.get(&of).copied() {
                let part = receipt.kept.minus(self.remaining(of, receipt.kept))?.min(open);
                if !part.is_zero() {
                    let cost = receipt.cost.part(part, receipt.kept)?;
                    let correction = self.take_in(of, part, cost)?;
                    back = back.and(Costed { cost, correction, is_unknown: false })?;
                    open = open.minus(part)?;
                }
            }
        }
        if open.is_zero() {
            return Ok(back);
        }
        back.and(self.without_price(id, open)?)
    }

    fn shrink_last_taking(&mut self, sale: O, quantity: Quantity, cost: Money) -> Result<(), FixedError> {
        let Some(takings) = self.sales.get_mut(&sale) else { return Ok(()) };
        let Some(last) = takings.last_mut() else { return Ok(()) };
        last.quantity = last.quantity.minus(quantity)?;
        last.cost = last.cost.minus(cost)?;
        if last.quantity.is_zero() {
            takings.pop();
        }
        Ok(())
    }

    /// Takes back what a sale had oversold and no receipt has filled yet. Answers the correction.
    fn take_back_oversold(&mut self, sale: O, quantity: Quantity, cost: Money) -> Result<Money, FixedError> {
        let received = self.total.receive(quantity, cost)?;
        self.total = received.layer;
        if let Some(at) = self.short.iter().position(|short| short.sale == Some(sale))
            && let Some(short) = self.short.get_mut(at)
        {
            short.quantity = short.quantity.minus(quantity)?;
            if short.quantity.is_zero() {
                self.short.remove(at);
            }
        }
        Ok(received.correction)
    }

    /// How much of `received` is still there. With the average it is as much as there is at all, at most all of it.
    fn remaining(&self, id: O, received: Quantity) -> Quantity {
        let there = match self.method {
            Method::Average => self.total.quantity.max(Quantity::ZERO),
            Method::Fifo | Method::Lifo => self
                .layers
                .binary_search_by(|layer| layer.from.cmp(&id))
                .ok()
                .and_then(|at| self.layers.get(at))
                .map_or(Quantity::ZERO, |layer| layer.quantity),
        };
        there.min(received)
    }

    fn purchase_return(&mut self, id: O, quantity: Quantity, of: Option<O>) -> Result<Costed, FixedError> {
        let named = match of {
            Some(receipt) => self.give_back(receipt, quantity)?,
            None => GivenBack::default(),
        };
        let open = quantity.minus(named.quantity)?;
        if open.is_zero() {
            return Ok(named.costed);
        }
        named.costed.and(self.issue(id, open, false)?)
    }

    /// Gives back as much of a receipt as there can be: of its layer; with the average at what it cost, with the rest as
    /// correction where no stock remains or less cost than none would.
    fn give_back(&mut self, id: O, quantity: Quantity) -> Result<GivenBack, FixedError> {
        let Some(mut receipt) = self.receipts.get(&id).copied() else { return Ok(GivenBack::default()) };
        let part = self.remaining(id, receipt.kept).min(quantity);
        if part.is_zero() {
            return Ok(GivenBack::default());
        }
        let (cost, correction);
        if self.method == Method::Average {
            cost = receipt.cost.part(part, receipt.kept)?;
            let left = self.total.take_back(part, cost)?;
            let overdrawn = left.layer.cost.min(Money::ZERO);
            self.total = Layer { cost: left.layer.cost.minus(overdrawn)?, ..left.layer };
            correction = left.correction.plus(overdrawn)?;
        } else {
            cost = self.take_from_layer(id, part)?;
            self.total = self.total.take_back(part, cost)?.layer;
            correction = Money::ZERO;
        }
        receipt.cost = receipt.cost.minus(receipt.cost.part(part, receipt.kept)?)?;
        receipt.kept = receipt.kept.minus(part)?;
        self.receipts.insert(id, receipt);
        Ok(GivenBack { quantity: part, costed: Costed { cost, correction, is_unknown: false } })
    }

    fn take_from_layer(&mut self, id: O, quantity: Quantity) -> Result<Money, FixedError> {
        let Ok(at) = self.layers.binary_search_by(|layer| layer.from.cmp(&id)) else {
            return Ok(Money::ZERO);
        };
        let Some(layer) = self.layers.get_mut(at) else { return Ok(Money::ZERO) };
        let cost = layer.cost.part(quantity, layer.quantity)?;
        layer.quantity = layer.quantity.minus(quantity)?;
        layer.cost = layer.cost.minus(cost)?;
        if layer.quantity.is_zero() {
            self.layers.remove(at);
        }
        Ok(cost)
    }

    /// Spreads an amount over a receipt: what is still there becomes dearer, the rest is the correction. With the average nobody can say
    /// which goods are left: what is there counts as of all receipts that take a share together, `together` of them.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit; then the costs must be thrown away.
    pub fn land(&mut self, amount: Money, onto: O, together: Option<Quantity>) -> Result<Costed, FixedError> {
        let Some(mut receipt) = self.receipts.get(&onto).copied() else {
            return Ok(Costed { cost: amount, correction: amount, is_unknown: false });
        };
        let received = together.filter(|_| self.method == Method::Average).unwrap_or(receipt.received);
        let there = self.remaining(onto, received);
        let mut kept = if there.is_zero() { Money::ZERO } else { amount.part(there, received)? };
        let gone = amount.minus(kept)?;
        if self.method == Method::Average {
            // no cost is below zero
            kept = kept.max(self.total.cost.max(Money::ZERO).negated()?);
        } else if let Ok(at) = self.layers.binary_search_by(|layer| layer.from.cmp(&onto))
            && let Some(layer) = self.layers.get_mut(at)
        {
            kept = kept.max(layer.cost.negated()?);
            layer.cost = layer.cost.plus(kept)?;
            self.reprice_sales(onto, gone, receipt.received.minus(there)?)?;
        } else {
            self.reprice_sales(onto, gone, receipt.received)?;
        }
        self.total.cost = self.total.cost.plus(kept)?;
        receipt.cost = receipt.cost.plus(amount.part(receipt.kept, receipt.received)?)?.max(Money::ZERO);
        self.receipts.insert(onto, receipt);
        Ok(Costed { cost: amount, correction: amount.minus(kept)?, is_unknown: false })
    }

    /// Makes remembered sales dearer by their share of what `consumed` units of a receipt cost more.
    fn reprice_sales(&mut self, from: O, amount: Money, consumed: Quantity) -> Result<(), FixedError> {
        if amount.is_zero() {
            return Ok(());
        }
        for taking in self.sales.values_mut().flatten().filter(|taking| taking.from == Some(from)) {
            let part = amount.part(taking.quantity.min(consumed), consumed)?;
            taking.cost = taking.cost.plus(part)?.max(Money::ZERO);
        }
        Ok(())
    }
}

/// Gives a sale goods for what it had oversold, which stays the last of its takings.
fn supply<O>(takings: &mut Vec<Taking<O>>, supplied: Taking<O>) -> Result<(), FixedError> {
    let Some(mut oversold) = takings.pop() else { return Ok(()) };
    oversold.cost = oversold.cost.minus(oversold.cost.part(supplied.quantity, oversold.quantity)?)?;
    oversold.quantity = oversold.quantity.minus(supplied.quantity)?;
    takings.push(supplied);
    if !oversold.quantity.is_zero() {
        takings.push(oversold);
    }
    Ok(())
}

/// What a supplier got back of a receipt.
#[derive(Clone, Copy, Default)]
struct GivenBack {
    quantity: Quantity,
    costed: Costed,
}

//! Stock and what it cost, with its remaining quantity and its remaining total cost, never a rounded unit cost, so
//! that consumed plus remaining equals received to the last ten-thousandth.

use serde::{Deserialize, Serialize};

use crate::fixed::{FixedError, Money, Quantity};

/// Stock and what it cost. Below zero it is oversold, at the last known unit cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Remaining quantity.
    pub quantity: Quantity,
    /// Remaining total cost, same sign as the quantity.
    pub cost: Money,
    /// Unit cost last seen, for stock that is sold before its bill is known. Zero if none was seen.
    pub last_unit_cost: Money,
}

/// What a receipt did to a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The layer afterwards.
    pub layer: Layer,
    /// How much of it filled what had been oversold.
    pub filled: Quantity,
    /// What this part really cost.
    pub filled_cost: Money,
    /// How much more the goods cost that had been sold before they came (below zero: less).
    pub correction: Money,
}

/// What an issue did to a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The layer afterwards.
    pub layer: Layer,
    /// What the issued goods cost.
    pub cost: Money,
}

/// What taking back did to a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenBack {
    /// The layer afterwards.
    pub layer: Layer,
    /// What remained of the cost where no stock remained.
    pub correction: Money,
}

impl Layer {
    /// Takes in `quantity` units that cost `cost` together. What had been oversold is filled first, and
    /// the difference between its assumed and its real cost is the correction.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn receive(self, quantity: Quantity, cost: Money) -> Result<Received, FixedError> {
        if !self.quantity.is_negative() {
            let layer = Self { quantity: self.quantity.plus(quantity)?, cost: self.cost.plus(cost)?, ..self };
            return Ok(Received {
                layer,
                filled: Quantity::ZERO,
                filled_cost: Money::ZERO,
                correction: Money::ZERO,
            });
        }
        let short = self.quantity.magnitude();
        let filled = short.min(quantity);
        let assumed = self.cost.negated()?.part(filled, short)?;
        let filled_cost = cost.part(filled, quantity)?;
        let layer = Self {
            quantity: self.quantity.plus(quantity)?,
            cost: self.cost.plus(assumed)?.plus(cost.minus(filled_cost)?)?,
            ..self
        };
        Ok(Received { layer, filled, filled_cost, correction: filled_cost.minus(assumed)? })
    }

    /// Takes out `quantity` units: their share of the remaining cost, the last unit takes the rest, and
    /// what is not there goes at the last known unit cost.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn issue(self, quantity: Quantity) -> Result<Issued, FixedError> {
        let short = self.shortage(quantity)?;
        let taken = quantity.minus(short)?;
        let taken_cost = if taken.is_zero() { Money::ZERO } else { self.cost.part(taken, self.quantity)? };
        let cost = taken_cost.plus(short.at(self.last_unit_cost)?)?;
        let layer = Self { quantity: self.quantity.minus(quantity)?, cost: self.cost.minus(cost)?, ..self };
        Ok(Issued { layer, cost })
    }

    /// How much of `quantity` units that are to go out is not there.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn shortage(self, quantity: Quantity) -> Result<Quantity, FixedError> {
        quantity.minus(self.quantity.max(Quantity::ZERO).min(quantity))
    }

    /// Takes back an earlier booking exactly as it was booked: `quantity` and `cost` are the signed change
    /// that is undone. If no stock remains, no cost may remain either; the rest is the correction.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn take_back(self, quantity: Quantity, cost: Money) -> Result<TakenBack, FixedError> {
        let layer = Self { quantity: self.quantity.minus(quantity)?, cost: self.cost.minus(cost)?, ..self };
        if layer.quantity.is_zero() {
            return Ok(TakenBack { layer: Self { cost: Money::ZERO, ..layer }, correction: layer.cost });
        }
        Ok(TakenBack { layer, correction: Money::ZERO })
    }

    /// What `quantity` more units cost at the average of what there is: of what remains, else at the last known
    /// unit cost.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn at_average(self, quantity: Quantity) -> Result<Money, FixedError> {
        if self.quantity.is_zero() {
            quantity.at(self.last_unit_cost)
        } else {
            self.cost.share(quantity, self.quantity)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap()
    }
    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn three_units_worth_a_hundred_leave_no_rest() {
        let mut layer = Layer::default().receive(quantity("3"), money("100")).unwrap().layer;
        let mut costs = Vec::new();
        for _ in 0..3 {
            let issued = layer.issue(quantity("1")).unwrap();
            costs.push(issued.cost.to_string());
            layer = issued.layer;
        }
        assert_eq!(costs, ["33.3333", "33.3334", "33.3333"]);
        assert_eq!((layer.quantity, layer.cost), (Quantity::ZERO, Money::ZERO));
    }

    #[test]
    fn oversold_stock_is_settled_by_the_next_receipt() {
        // in 10 at 10, out 15 (five short at the last cost of 10), in 15 at 15
        let layer = Layer { quantity: quantity("10"), cost: money("100"), last_unit_cost: money("10") };
        let issued = layer.issue(quantity("15")).unwrap();
        assert_eq!(issued.cost, money("150"));
        assert_eq!((issued.layer.quantity, issued.layer.cost), (quantity("-5"), money("-50")));
        let received = issued.layer.receive(quantity("15"), money("225")).unwrap();
        assert_eq!(received.correction, money("25"));
        assert_eq!((received.layer.quantity, received.layer.cost), (quantity("10"), money("150")));
    }

    proptest! {
        /// Received = issued + corrected + remaining, as whole ten-thousandths.
        #[test]
        fn no_ten_thousandth_is_lost(steps in prop::collection::vec((any::<bool>(), 1i64..2_000_000, 0i64..50_000_000), 1..60)) {
            let (mut layer, mut received, mut out, mut units) = (Layer::default(), 0i128, 0i128, 0i128);
            for (comes_in, quantity, cost) in steps {
                let quantity = Quantity::from_e4(quantity);
                if comes_in {
                    let mut step = layer.receive(quantity, Money::from_e4(cost)).unwrap();
                    step.layer.last_unit_cost = Money::from_e4(cost).per_unit(quantity).unwrap();
                    received += i128::from(cost);
                    out += i128::from(step.correction.e4());
                    units += i128::from(quantity.e4());
                    layer = step.layer;
                } else {
                    let step = layer.issue(quantity).unwrap();
                    out += i128::from(step.cost.e4());
                    units -= i128::from(quantity.e4());
                    layer = step.layer;
                }
                prop_assert_eq!(received, out + i128::from(layer.cost.e4()));
                prop_assert_eq!(units, i128::from(layer.quantity.e4()));
                if layer.quantity.is_zero() {
                    prop_assert!(layer.cost.is_zero());
                }
            }
        }
    }
}

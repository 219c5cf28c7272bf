//! Histories of one item, by chance and from numbers.

use parstock_domain::costing::{Costs, Price, Step};
use parstock_domain::fixed::{Money, Quantity};

/// Numbers that become one movement, so that a history can be drawn, shrunk and repeated.
#[derive(Clone, Copy, Debug)]
pub struct Raw {
    pub kind: u8,
    pub quantity: u32,
    pub cost: u32,
    pub of: u16,
}

/// Kinds of [`Raw`].
pub const KINDS: u8 = 16;
/// Largest [`Raw::quantity`], in ten-thousandths.
pub const QUANTITY_MAX: u32 = 400_000;
/// Largest [`Raw::cost`], in ten-thousandths.
pub const COST_MAX: u32 = 900_000;

/// The movements that the numbers stand for; returns and landed cost name a movement before them, or none.
pub fn steps(raw: &[Raw]) -> Vec<Step<u32>> {
    let (mut receipts, mut issues) = (Vec::new(), Vec::new());
    let named = |all: &[u32], of: u16| {
        // every fourth names nothing
        (!of.is_multiple_of(4) && !all.is_empty()).then(|| all[usize::from(of / 4) % all.len()])
    };
    (0u32..)
        .zip(raw)
        .map(|(id, raw)| {
            // every other quantity is of whole units, and few are nothing
            let quantity =
                if raw.of.is_multiple_of(2) { raw.quantity / 10_000 * 10_000 } else { raw.quantity };
            let quantity = Quantity::from_e4(quantity.into());
            let unit_cost = Money::from_e4(raw.cost.into());
            match raw.kind % KINDS {
                0..5 => {
                    receipts.push(id);
                    let cost = quantity.at(unit_cost).unwrap();
                    Step::Receipt {
                        quantity,
                        price: (!raw.of.is_multiple_of(7)).then_some(Price { cost, unit_cost }),
                    }
                }
                5..10 => {
                    issues.push(id);
                    Step::Issue { quantity }
                }
                10..13 => {
                    let of = if raw.of.is_multiple_of(9) {
                        named(&receipts, raw.of)
                    } else {
                        named(&issues, raw.of)
                    };
                    Step::SaleReturn { quantity, of }
                }
                13 => Step::PurchaseReturn { quantity, of: named(&receipts, raw.of) },
                _ if receipts.is_empty() => Step::Issue { quantity: Quantity::ZERO },
                _ => {
                    let onto = receipts[usize::from(raw.of) % receipts.len()];
                    let amount =
                        if raw.of.is_multiple_of(5) { -i64::from(raw.cost) } else { i64::from(raw.cost) };
                    Step::LandedCost { amount: Money::from_e4(amount), onto }
                }
            }
        })
        .collect()
}

/// Costs after `steps`, of which the first has the number `first`.
pub fn go_on(costs: &mut Costs<u32>, first: u32, steps: &[Step<u32>]) {
    for (id, step) in (first..).zip(steps) {
        costs.apply(id, step, true).unwrap();
    }
}

/// A sequence of numbers that a seed repeats (SplitMix64, as Steele, Lea and Flood publish it).
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.next() % u64::from(end)).unwrap()
    }

    /// A history of one to sixty movements.
    pub fn history(&mut self) -> Vec<Step<u32>> {
        let length = 1 + self.below(60);
        // small quantities run out exactly more often
        let quantity_max = if self.below(2) == 0 { 60_000 } else { QUANTITY_MAX };
        let raw: Vec<Raw> = (0..length)
            .map(|_| Raw {
                kind: u8::try_from(self.below(KINDS.into())).unwrap(),
                quantity: self.below(quantity_max),
                cost: self.below(COST_MAX),
                of: u16::try_from(self.below(1 << 16)).unwrap(),
            })
            .collect();
        steps(&raw)
    }
}

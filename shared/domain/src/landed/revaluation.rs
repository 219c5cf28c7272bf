//! What a voucher puts on stock that Xero tracks: a pair of documents over nothing that changes its cost and leaves its quantity as
//! it is.
//!
//! No journal may move the cost of such stock. A bill brings some units in and a supplier's credit note takes as many out, at another
//! price: the difference of the two amounts stays on the cost pool. The units go out at what one costs on average once the difference
//! is on the pool. That is the average between the two documents, too, so it makes no difference whether Xero takes them out at the
//! note's price or at its own average, and what is sold between the two leaves at its due cost. Stock never is below what lies there.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::voucher::VoucherNumber;
use crate::adjustment::{AdjustmentLine, AdjustmentNumber, ReasonCode};
use crate::document::XeroQuantity;
use crate::fixed::{FixedError, Money, Quantity, mul_div};
use crate::ids::ItemId;

/// Tenths of a cost pool that a pair may take away: the more it takes, the more units come and go.
const TAKEN_TENTHS_MAX: i64 = 9;
/// By how much what Xero holds afterwards may be off, in ten-thousandths: two hundredths, which Xero rounds.
const OFF_MAX_E4: i128 = 200;
/// And so many more for each unit of the pair, whose prices have four decimals.
const OFF_MAX_E4_PER_UNIT: i128 = 10;

/// One item of a revaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The item.
    pub item: ItemId,
    /// Its code when that was decided.
    pub code: String,
    /// What the receipts of the voucher take together, base currency; below zero what is taken back.
    pub amount: Money,
    /// How much they brought in together; of one that takes back, how much of that lay there when it was put on the stock.
    pub received: Quantity,
    /// How much Xero held when the figures below were decided, whatever it is of.
    pub on_hand: Quantity,
    /// What Xero held it at.
    pub pool: Money,
    /// How many units come in and go out; zero where nothing is left to revalue.
    pub units: Quantity,
    /// Price at which they come in, four decimals.
    pub comes_at: Money,
    /// Price at which they go out, four decimals.
    pub goes_at: Money,
    /// What stays on the pool by that, with the sign of [`Self::amount`].
    pub on_pool: Money,
}

impl Part {
    /// What of an amount goes on the stock, by what Xero holds: as much as lies there counts as of the receipts, up to their quantity.
    /// Amounts of documents have so many decimals.
    ///
    /// # Errors
    /// [`FixedError`] when a figure does not fit.
    pub fn of(
        (item, code): (ItemId, String),
        (amount, received): (Money, Quantity),
        there: XeroQuantity,
        decimals: u32,
    ) -> Result<Self, FixedError> {
        let (on_hand, pool) = (there.on_hand, there.cost_pool.max(Money::ZERO));
        let mut part = Self {
            item,
            code,
            amount,
            received,
            on_hand,
            pool,
            units: Quantity::ZERO,
            comes_at: Money::ZERO,
            goes_at: Money::ZERO,
            on_pool: Money::ZERO,
        };
        let kept = part.kept();
        if kept <= Quantity::ZERO {
            return Ok(part);
        }
        let least = Money::from_e4(mul_div(pool.e4(), TAKEN_TENTHS_MAX, 10)?).negated()?;
        let value = amount.part(kept, received)?.max(least).to_decimals(decimals);
        let target = pool.plus(value)?;
        if value.is_zero() || target <= Money::ZERO {
            return Ok(part);
        }
        part.units = units(value, target, on_hand)?;
        // whole minor units, of which Xero cuts nothing off; a price times its units is a hair off where they are many
        let minor = 10i64.checked_pow(4u32.saturating_sub(decimals)).ok_or(FixedError::TooLarge)?;
        let per = on_hand.e4().checked_mul(minor).ok_or(FixedError::TooLarge)?;
        let out = mul_div(target.e4(), part.units.e4(), per)?.checked_mul(minor);
        let out = Money::from_e4(out.ok_or(FixedError::TooLarge)?);
        part.goes_at = out.per_unit(part.units)?;
        part.comes_at = out.plus(value)?.per_unit(part.units)?;
        let amount_of = |price| part.units.at(price).map(Money::to_cents);
        part.on_pool = amount_of(part.comes_at)?.minus(amount_of(part.goes_at)?)?;
        Ok(part)
    }

    /// How much of the receipts lies there still.
    pub fn kept(&self) -> Quantity {
        self.on_hand.min(self.received)
    }

    /// What does not go on the stock: cost of goods sold.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn sold(&self) -> Result<Money, FixedError> {
        self.amount.minus(self.on_pool)
    }

    /// Whether what Xero holds after one of the documents is what it should be: one unit costs what it does once all is on the pool,
    /// whatever was sold between.
    pub fn is_as_due(&self, there: XeroQuantity) -> bool {
        let due = i128::from(self.pool.e4()).saturating_add(i128::from(self.on_pool.e4()));
        let due = due.saturating_mul(i128::from(there.on_hand.e4()));
        let found = i128::from(there.cost_pool.e4()).saturating_mul(i128::from(self.on_hand.e4()));
        let units = i128::from(self.units.e4()).checked_div(i128::from(Quantity::ONE.e4())).unwrap_or(0);
        let off_max = OFF_MAX_E4.saturating_add(units.saturating_mul(OFF_MAX_E4_PER_UNIT));
        let off_max = off_max.saturating_mul(i128::from(self.on_hand.e4()));
        found.abs_diff(due) <= off_max.unsigned_abs()
    }

    /// The same against it: what it put on the stock comes off as far as its goods still lie there.
    ///
    /// # Errors
    /// [`FixedError`] when a figure does not fit.
    pub fn back(&self, there: XeroQuantity, decimals: u32) -> Result<Self, FixedError> {
        Self::of((self.item, self.code.clone()), (self.on_pool.negated()?, self.kept()), there, decimals)
    }

    /// The same against it where somebody took its documents out of Xero: all of it is off the pool, and nothing is left to do.
    ///
    /// # Errors
    /// [`FixedError`] when a figure does not fit.
    pub fn undone(&self) -> Result<Self, FixedError> {
        let off = self.on_pool.negated()?;
        Ok(Self { amount: off, on_pool: off, units: Quantity::ZERO, ..self.clone() })
    }
}

/// How many whole units come and go: one puts any amount on the stock. To take some off they come in at less than they go out, and
/// for no less than nothing, so that they have to be worth as much as is taken off.
fn units(value: Money, target: Money, on_hand: Quantity) -> Result<Quantity, FixedError> {
    if !value.is_negative() {
        return Ok(Quantity::ONE);
    }
    let (off, target) = (i128::from(value.magnitude().e4()), i128::from(target.e4()));
    // off × on hand ÷ target, in whole units, rounded up, and one more for what prices are cut off by
    let product = off.checked_mul(i128::from(on_hand.e4())).ok_or(FixedError::TooLarge)?;
    let whole = target.checked_mul(i128::from(Quantity::ONE.e4())).ok_or(FixedError::TooLarge)?;
    let units = product.checked_div_euclid(whole).and_then(|units| i64::try_from(units).ok());
    Quantity::from_whole(units.and_then(|units| units.checked_add(1)).ok_or(FixedError::TooLarge)?)
}

/// Which of the two documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// The bill, by which units come in.
    First,
    /// The credit note, by which as many go out.
    Second,
}

/// What makes an adjustment one half of a revaluation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revalues {
    /// The voucher.
    pub voucher: VoucherNumber,
    /// Whether the voucher is taken back by it.
    pub back: bool,
    /// Which half it is.
    pub half: Half,
    /// The number of the other half. The second is made when the first is in Xero.
    pub other: AdjustmentNumber,
    /// The code of the account on which the two come to what stays on the stock.
    pub account: String,
    /// Its items: as they were proposed, then as they were when the first half was written.
    pub parts: Vec<Part>,
}

impl Revalues {
    /// The lines of one half.
    ///
    /// # Errors
    /// [`FixedError`] when a figure does not fit.
    pub fn lines(&self, half: Half) -> Result<Vec<AdjustmentLine>, FixedError> {
        let mut lines = Vec::new();
        for part in self.parts.iter().filter(|part| !part.units.is_zero()) {
            let (change, unit_cost) = match half {
                Half::First => (part.units, part.comes_at),
                Half::Second => (part.units.negated()?, part.goes_at),
            };
            let what = if self.back { "landed cost taken back" } else { "landed cost" };
            lines.push(AdjustmentLine {
                item: part.item,
                code: part.code.clone(),
                change,
                reason: ReasonCode::Revalued,
                unit_cost,
                note: format!("{what}, voucher {}", self.voucher),
            });
        }
        Ok(lines)
    }
}

/// The accounts of a voucher over tracked goods, as they were set when it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// On which untracked stock lies.
    pub stock: String,
    /// On which its adjustments come to what they put on tracked stock.
    pub adjustment: String,
    /// Of cost of goods sold.
    pub cogs: String,
}

/// What becomes of a revaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevaluationFate {
    /// It waits for a person, or is being written.
    Waits,
    /// It is in Xero, or nothing was left to revalue.
    Settled,
    /// A person decided against it.
    Rejected,
}

/// The revaluation of a voucher, or the one that takes it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revaluation {
    /// Its first half; `None` where nothing was left to revalue when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustment: Option<AdjustmentNumber>,
    /// The day of its documents and of the journal beside them.
    pub on: Date,
    /// Since when cost of goods sold was journaled when it was decided.
    pub since: Date,
    /// Its accounts.
    pub accounts: Accounts,
    /// What became of it.
    pub fate: RevaluationFate,
    /// Its items: as they were proposed, and once it is settled as they were written.
    pub parts: Vec<Part>,
}

impl Revaluation {
    /// What it puts on the stock in all.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn on_pool(&self) -> Result<Money, FixedError> {
        self.parts.iter().map(|part| part.on_pool).try_fold(Money::ZERO, Money::plus)
    }

    /// What of it is cost of goods sold.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn sold(&self) -> Result<Money, FixedError> {
        let sold = self.parts.iter().map(Part::sold).collect::<Result<Vec<Money>, FixedError>>()?;
        sold.into_iter().try_fold(Money::ZERO, Money::plus)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn there(on_hand: &str, pool: &str) -> XeroQuantity {
        XeroQuantity {
            on_hand: on_hand.parse().unwrap(),
            back_ordered: Quantity::ZERO,
            cost_pool: pool.parse().unwrap(),
        }
    }

    fn part(amount: &str, received: &str, there: XeroQuantity) -> Part {
        let name = (ItemId(uuid::Uuid::nil()), "TEA".to_owned());
        Part::of(name, (amount.parse().unwrap(), received.parse().unwrap()), there, 2).unwrap()
    }

    /// What Xero holds after both documents, and between them, by its own average or by the amount of the credit note. Written
    /// from Xero's documentation of the moving average, and not from [`Part`].
    fn written(part: &Part, there: XeroQuantity, at_average: bool) -> [(i64, i64); 2] {
        let cents = |units: i64, price: i64| {
            let exact = i128::from(units) * i128::from(price);
            i64::try_from((exact + 500_000) / 1_000_000).unwrap() * 100
        };
        let (units, on_hand) = (part.units.e4(), there.on_hand.e4());
        let between = (on_hand + units, there.cost_pool.e4() + cents(units, part.comes_at.e4()));
        let out = if at_average {
            let exact = i128::from(between.1) * i128::from(units);
            let by = i128::from(between.0) * 100;
            i64::try_from((exact + by / 2) / by).unwrap() * 100
        } else {
            cents(units, part.goes_at.e4())
        };
        [between, (between.0 - units, between.1 - out)]
    }

    #[test]
    fn one_unit_puts_freight_on_what_lies_there() {
        let part = part("30", "10", there("4", "40"));
        assert_eq!((part.on_pool, part.sold().unwrap()), ("12".parse().unwrap(), "18".parse().unwrap()));
        assert_eq!(
            (part.units, part.comes_at, part.goes_at),
            (Quantity::ONE, "25".parse().unwrap(), "13".parse().unwrap())
        );
        assert_eq!(written(&part, there("4", "40"), true)[1], (40_000, 520_000));
    }

    #[test]
    fn what_is_gone_is_cost_of_goods_sold() {
        for on_hand in ["0", "-3"] {
            let part = part("30", "10", there(on_hand, "0"));
            assert_eq!((part.units, part.on_pool), (Quantity::ZERO, Money::ZERO));
            assert_eq!(part.sold(), Ok("30".parse().unwrap()));
        }
        let less_than_a_cent = part("0.01", "10", there("1", "10"));
        assert_eq!((less_than_a_cent.units, less_than_a_cent.on_pool), (Quantity::ZERO, Money::ZERO));
    }

    #[test]
    fn what_is_taken_back_comes_off_as_far_as_its_goods_lie_there() {
        let made = part("30", "10", there("4", "40"));
        let back = made.back(there("2", "26"), 2).unwrap();
        assert_eq!((back.on_pool, back.sold().unwrap()), ("-6".parse().unwrap(), "-6".parse().unwrap()));
        assert_eq!(written(&back, there("2", "26"), true)[1], (20_000, 200_000));
        let more = made.back(there("50", "600"), 2).unwrap();
        assert_eq!(more.on_pool, "-12".parse().unwrap(), "no more than was put on it");
        let worthless = made.back(there("4", "5"), 2).unwrap();
        assert_eq!(worthless.on_pool, "-4.50".parse().unwrap(), "what is left is never taken below zero");
    }

    #[test]
    fn a_sale_between_is_as_due_and_another_cost_is_not() {
        let part = part("12", "4", there("4", "40"));
        assert!(part.is_as_due(there("5", "65")) && part.is_as_due(there("4", "52")));
        assert!(part.is_as_due(there("3", "39")) && part.is_as_due(there("0", "0")));
        assert!(!part.is_as_due(there("4", "40")) && !part.is_as_due(there("4", "52.03")));
    }

    proptest! {
        #[test]
        fn the_pool_ends_at_what_it_was_and_what_is_put_on_it(
            amount in -100_000_000i64..100_000_000,
            received in 1i64..1_000_000_000,
            on_hand in 1i64..1_000_000_000,
            pool in 0i64..1_000_000_000,
            at_average: bool,
        ) {
            let there = XeroQuantity {
                on_hand: Quantity::from_e4(on_hand),
                back_ordered: Quantity::ZERO,
                cost_pool: Money::from_e4(pool * 100),
            };
            let (amount, received) = (Money::from_e4(amount * 100), Quantity::from_e4(received));
            let part = Part::of((ItemId(uuid::Uuid::nil()), String::new()), (amount, received), there, 2).unwrap();
            // nothing is lost: what is not on the pool is cost of goods sold, and both are whole minor units
            prop_assert_eq!(part.on_pool.plus(part.sold().unwrap()), Ok(amount));
            prop_assert_eq!(part.on_pool.to_cents(), part.on_pool);
            let units = part.units.e4() / 10_000;
            prop_assert!(part.on_pool.magnitude().e4() <= amount.magnitude().e4() + 100 + units);
            if part.units.is_zero() {
                prop_assert_eq!(part.on_pool, Money::ZERO);
                return Ok(());
            }
            prop_assert!(!part.comes_at.is_negative() && !part.goes_at.is_negative());
            let [between, after] = written(&part, there, at_average);
            prop_assert!(between.0 >= on_hand && after.0 == on_hand, "never less than lies there");
            let off = after.1 - (pool * 100 + part.on_pool.e4());
            if part.units == Quantity::ONE {
                prop_assert_eq!(off, 0, "exact");
            } else {
                let most = if at_average { 200 + 10 * units } else { 0 };
                prop_assert!(off.abs() <= most, "{} of {} units", off, units);
            }
            for (held, value) in [between, after] {
                let held = XeroQuantity {
                    on_hand: Quantity::from_e4(held), cost_pool: Money::from_e4(value), ..there
                };
                prop_assert!(part.is_as_due(held), "{:?} {:?}", part, held);
            }
        }
    }
}

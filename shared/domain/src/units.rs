//! Purchase units: a supplier's papers may count an item by the dozen or the case, where stock, sales and plans count it one by
//! one.
//!
//! Xero knows no units: a line says a quantity, and what it counts is agreed between people. [`UnitRule`]s say it, by item, by
//! supplier and from a day on, so that a paper means the same whenever it is looked at.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{DocumentKind, DocumentLine};
use crate::fixed::{FixedError, Money, Quantity, SCALE, mul_div};

/// Most base units that a purchase unit holds.
pub const HOLDS_MAX: Quantity = Quantity::from_e4(1_000_000 * SCALE);
/// Characters of a purchase unit's name.
pub const UNIT_CHARS_MAX: usize = 30;
/// Rules of one item.
pub const RULES_PER_ITEM_MAX: usize = 50;

/// What a supplier's papers count an item by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurchaseUnit {
    /// Its name, such as `case`.
    pub name: String,
    /// How many base units it holds, above zero.
    pub holds: Quantity,
}

impl PurchaseUnit {
    /// What so many of it are in base units, rounded half away from zero to four decimals.
    ///
    /// A paper has four decimals, so that most numbers of base units are cut off on it. It stands for the one with the fewest
    /// decimals that is written so: 0.4167 of a dozen are 5, not 5.0004.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn to_base(&self, quantity: Quantity) -> Result<Quantity, FixedError> {
        let exact = Quantity::from_e4(mul_div(quantity.e4(), self.holds.e4(), SCALE)?);
        for step in [SCALE, 1_000, 100, 10] {
            let round = Quantity::from_e4(mul_div(exact.e4(), 1, step)?.saturating_mul(step));
            if self.of_base(round)? == quantity {
                return Ok(round);
            }
        }
        Ok(exact)
    }

    /// What so many base units are in this unit, rounded half away from zero to four decimals.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn of_base(&self, quantity: Quantity) -> Result<Quantity, FixedError> {
        mul_div(quantity.e4(), SCALE, self.holds.e4()).map(Quantity::from_e4)
    }

    /// The price of one base unit, when one of this unit costs so much.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn price_to_base(&self, price: Money) -> Result<Money, FixedError> {
        price.per_unit(self.holds)
    }

    /// A quantity of base units as people say it: `120 (10 × case of 12)`.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn said(&self, base: Quantity) -> Result<String, FixedError> {
        Ok(format!("{base} ({} × {} of {})", self.of_base(base)?, self.name, self.holds))
    }
}

/// From which day on whose papers count an item by which unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRule<S> {
    /// Whose; everybody's who has no rule of their own by that day.
    pub supplier: Option<S>,
    /// The first day of the papers; all earlier ones too if it is left out.
    pub from: Option<Date>,
    /// By which.
    pub unit: PurchaseUnit,
}

/// The unit by which a supplier's paper of a day counts an item, by its rules: the supplier's own before everybody's, of these the
/// latest; the base unit where there is none.
pub fn unit_on<'r, S: PartialEq>(
    rules: &'r [UnitRule<S>],
    supplier: Option<&S>,
    day: Date,
) -> Option<&'r PurchaseUnit> {
    let begun = rules.iter().filter(|rule| rule.from.is_none_or(|from| from <= day));
    let of = begun.filter(|rule| rule.supplier.is_none() || rule.supplier.as_ref() == supplier);
    of.max_by_key(|rule| (rule.supplier.is_some(), rule.from)).map(|rule| &rule.unit)
}

/// Whether papers of this kind come from suppliers or go to them, so that they count by purchase units. What customers are sent and
/// what we take in ourselves counts by base units.
pub const fn counts_by_purchase_units(kind: DocumentKind) -> bool {
    match kind {
        DocumentKind::Bill
        | DocumentKind::SpendMoney
        | DocumentKind::SupplierCredit
        | DocumentKind::PurchaseOrder => true,
        DocumentKind::GoodsReceipt
        | DocumentKind::SalesCredit
        | DocumentKind::SalesInvoice
        | DocumentKind::ReceiveMoney => false,
    }
}

impl DocumentLine {
    /// The same line in base units. What it amounts to stays.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn in_base_units(self, unit: &PurchaseUnit) -> Result<Self, FixedError> {
        Ok(Self {
            quantity: unit.to_base(self.quantity)?,
            unit_amount: unit.price_to_base(self.unit_amount)?,
            unit: Some(unit.clone()),
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn q(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    fn unit(name: &str, holds: &str) -> PurchaseUnit {
        PurchaseUnit { name: name.to_owned(), holds: q(holds) }
    }

    #[test]
    fn papers_are_read_in_base_units() {
        for (holds, paper, base) in [
            ("12", "10", "120"),
            ("12", "0.5", "6"),
            // five of twelve, as far as four decimals go
            ("12", "0.4167", "5"),
            ("12", "-0.4167", "-5"),
            ("12", "0.0833", "1"),
            ("12", "0.4583", "5.5"),
            ("7", "0.4757", "3.33"),
            ("12", "0.5001", "6.001"),
            ("3", "0.3333", "1"),
            ("2.5", "4", "10"),
            ("0.25", "10", "2.5"),
            ("7", "0", "0"),
            ("1000", "1.2345", "1234.5"),
        ] {
            assert_eq!(unit("case", holds).to_base(q(paper)), Ok(q(base)), "{paper} of {holds}");
        }
        assert_eq!(unit("dozen", "12").of_base(q("5")), Ok(q("0.4167")));
        assert_eq!(unit("case", "12").said(q("120")).unwrap(), "120 (10 × case of 12)");
        assert_eq!(unit("case", "12").price_to_base("100".parse().unwrap()), Ok("8.3333".parse().unwrap()));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!(unit("case", "1000000").to_base(Quantity::from_e4(i64::MAX)).is_err());
        assert!(unit("sip", "0.0001").of_base(Quantity::from_e4(i64::MAX)).is_err());
    }

    #[test]
    fn a_supplier_s_own_rule_and_the_latest_hold() {
        let rule = |supplier: Option<&'static str>, from: Option<Date>, holds: &str| UnitRule {
            supplier,
            from,
            unit: unit("case", holds),
        };
        let rules = [
            rule(None, None, "12"),
            rule(None, Some(date(2026, 3, 1)), "10"),
            rule(Some("Acme"), Some(date(2026, 2, 1)), "24"),
        ];
        let holds = |supplier, day| unit_on(&rules, supplier, day).map(|unit| unit.holds.to_string());
        assert_eq!(holds(Some(&"Other"), date(2026, 2, 28)).as_deref(), Some("12"));
        assert_eq!(holds(Some(&"Other"), date(2026, 3, 1)).as_deref(), Some("10"));
        assert_eq!(holds(None, date(2026, 3, 1)).as_deref(), Some("10"), "of a supplier that is not known");
        assert_eq!(holds(Some(&"Acme"), date(2026, 1, 31)).as_deref(), Some("12"));
        assert_eq!(
            holds(Some(&"Acme"), date(2026, 4, 1)).as_deref(),
            Some("24"),
            "its own before everybody's"
        );
        assert_eq!(unit_on(&rules[2..], Some(&"Acme"), date(2026, 1, 31)), None);
    }

    proptest! {
        #[test]
        fn whole_base_units_come_back_from_any_paper(whole in -100_000_i64..100_000, holds in 1_i64..4_000) {
            let unit = unit("case", &holds.to_string());
            let base = Quantity::from_whole(whole).unwrap();
            prop_assert_eq!(unit.to_base(unit.of_base(base).unwrap()), Ok(base));
        }

        #[test]
        fn what_a_paper_says_is_read_as_so_much_within_its_last_decimal(paper in -10_000_000_i64..10_000_000, holds in 1_i64..10_000_000) {
            let (unit, paper) = (unit("case", &Quantity::from_e4(holds).to_string()), Quantity::from_e4(paper));
            let base = i128::from(unit.to_base(paper).unwrap().e4());
            let exact = i128::from(paper.e4()) * i128::from(holds);
            // half of the paper's last decimal, and half of ours
            let off = (base * i128::from(SCALE) - exact).abs();
            prop_assert!(2 * off <= i128::from(holds) + i128::from(SCALE), "{off}");
        }
    }
}

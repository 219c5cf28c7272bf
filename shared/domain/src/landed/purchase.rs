//! A purchase as far as landed cost is concerned: whether it brings goods in, and its lines that name no item.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentKind, DocumentRef};
use crate::fixed::{FixedError, Money};
use crate::ids::LineId;

/// Lines without an item that a purchase keeps; the largest, if it has more.
pub const CHARGES_MAX: usize = 20;
/// Characters of a line's description that are kept.
const WORDS_MAX: usize = 80;
/// Words that freight, duty and insurance go by.
const FREIGHT_WORDS: [&str; 14] = [
    "freight",
    "shipping",
    "carriage",
    "cartage",
    "courier",
    "delivery",
    "duty",
    "duties",
    "customs",
    "clearance",
    "insurance",
    "import",
    "haulage",
    "demurrage",
];

/// A line of a purchase that names no item, such as freight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The line.
    pub line: LineId,
    /// Its description, cut off where it is long.
    pub what: String,
    /// The code of its account.
    pub account: String,
    /// Its amount without tax, base currency.
    pub net: Money,
    /// How much of that vouchers have spread.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub spread: Money,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_nothing(amount: &Money) -> bool {
    amount.is_zero()
}

impl Charge {
    /// How much of it can still be spread; below zero where more was than it is now.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn left(&self) -> Result<Money, FixedError> {
        self.net.minus(self.spread)
    }

    /// Whether its words are those of freight, duty or insurance.
    pub fn looks_like_freight(&self) -> bool {
        let words = self.what.to_lowercase();
        let mut words = words.split(|letter: char| !letter.is_alphabetic());
        words.any(|word| FREIGHT_WORDS.contains(&word))
    }
}

/// A purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// Kind and Xero id.
    pub of: DocumentRef,
    /// Its number.
    pub number: String,
    /// The supplier's name.
    pub contact_name: String,
    /// Its date.
    pub on: Date,
    /// Whether it brings goods in.
    pub has_goods: bool,
    /// Whether a person said that it is no freight of goods.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_alone: bool,
    /// Its lines that name no item, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
}

impl Purchase {
    /// What a document is to landed cost, if it is anything: a draft is nothing yet, and a void nothing any more. Amounts are those of
    /// the books, which have so many decimals.
    pub fn of(document: &Document, decimals: u32) -> Option<Self> {
        let is_purchase = matches!(document.of.kind, DocumentKind::Bill | DocumentKind::SpendMoney);
        if !is_purchase || !document.status.moves_stock() {
            return None;
        }
        let is_charge = |line: &&crate::document::DocumentLine| line.item.is_none() && line.net > Money::ZERO;
        let mut charges: Vec<Charge> = document
            .lines
            .iter()
            .filter(is_charge)
            .map(|line| Charge {
                line: line.id,
                what: line.description.chars().take(WORDS_MAX).collect(),
                account: line.account.clone(),
                net: line.net.to_decimals(decimals),
                spread: Money::ZERO,
            })
            .collect();
        if charges.len() > CHARGES_MAX {
            let mut amounts: Vec<Money> = charges.iter().map(|charge| charge.net).collect();
            amounts.sort_unstable_by(|a, b| b.cmp(a));
            let least = amounts.get(CHARGES_MAX.saturating_sub(1)).copied().unwrap_or_default();
            charges.retain(|charge| charge.net >= least);
            charges.truncate(CHARGES_MAX);
        }
        let goods = document
            .lines
            .iter()
            .any(|line| line.item.is_some() && line.quantity > crate::fixed::Quantity::ZERO);
        (goods || !charges.is_empty()).then(|| Self {
            of: document.of,
            number: document.number.clone(),
            contact_name: document.contact_name.clone(),
            on: document.date,
            has_goods: goods,
            left_alone: false,
            charges,
        })
    }

    /// What is kept of it, given what was kept: what a person said of it, and how much of each line vouchers have spread, be the line
    /// still there or not.
    pub fn after(now: Option<Self>, before: &Self) -> Option<Self> {
        let spent = before.charges.iter().filter(|charge| !charge.spread.is_zero());
        let mut kept = now.map(|now| Self { left_alone: before.left_alone, ..now });
        for charge in spent {
            let purchase =
                kept.get_or_insert_with(|| Self { has_goods: false, charges: Vec::new(), ..before.clone() });
            match purchase.charges.iter_mut().find(|standing| standing.line == charge.line) {
                Some(standing) => standing.spread = charge.spread,
                None => purchase.charges.push(Charge { net: Money::ZERO, ..charge.clone() }),
            }
        }
        kept
    }

    /// The line with an id.
    pub fn charge(&self, line: LineId) -> Option<&Charge> {
        self.charges.iter().find(|charge| charge.line == line)
    }

    /// The lines of which vouchers have spread more than they are now.
    pub fn overspent(&self) -> impl Iterator<Item = &Charge> {
        self.charges.iter().filter(|charge| charge.spread > charge.net)
    }

    /// Whether any line of it looks like freight.
    pub fn looks_like_freight(&self) -> bool {
        self.charges.iter().any(Charge::looks_like_freight)
    }

    /// What of it looks like freight and is not spread.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn freight_left(&self) -> Result<Money, FixedError> {
        let freight = self.charges.iter().filter(|charge| charge.looks_like_freight());
        let left = freight.map(Charge::left).collect::<Result<Vec<Money>, FixedError>>()?;
        left.into_iter().filter(|left| *left > Money::ZERO).try_fold(Money::ZERO, Money::plus)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::document::{DocumentLine, DocumentStatus, ItemRef};
    use crate::fixed::Quantity;
    use crate::ids::{ContactId, DocumentId, ItemId};

    fn line(number: u128, item: bool, what: &str, net: &str) -> DocumentLine {
        let item = item.then(|| ItemRef { id: Some(ItemId(Uuid::from_u128(1))), code: "A".into() });
        DocumentLine {
            id: LineId(Uuid::from_u128(number)),
            item,
            description: what.into(),
            quantity: Quantity::from_whole(1).unwrap(),
            unit_amount: net.parse().unwrap(),
            net: net.parse().unwrap(),
            account: "425".into(),
        }
    }

    fn bill(status: DocumentStatus, lines: Vec<DocumentLine>) -> Document {
        Document {
            of: DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(9)) },
            number: "F-1".into(),
            reference: String::new(),
            status,
            contact: ContactId(Uuid::from_u128(5)),
            contact_name: "Carrier".into(),
            date: jiff::civil::date(2026, 5, 4),
            expected_on: None,
            updated_at: Timestamp::UNIX_EPOCH,
            lines,
        }
    }

    fn spent(purchase: &mut Purchase, amount: &str) {
        purchase.charges[0].spread = amount.parse().unwrap();
    }

    #[test]
    fn what_vouchers_spread_is_kept_whatever_becomes_of_the_bill() {
        let now = |net| {
            Purchase::of(&bill(DocumentStatus::Authorised, vec![line(1, false, "Sea freight", net)]), 2)
        };
        let mut kept = now("100").unwrap();
        assert_eq!(kept.freight_left(), Ok("100".parse().unwrap()));
        spent(&mut kept, "60");
        assert_eq!(kept.freight_left(), Ok("40".parse().unwrap()));
        let less = Purchase::after(now("50"), &kept).unwrap();
        assert_eq!(less.overspent().count(), 1);
        assert_eq!(less.freight_left(), Ok(Money::ZERO));
        let voided =
            Purchase::of(&bill(DocumentStatus::Voided, vec![line(1, false, "Sea freight", "50")]), 2);
        let gone = Purchase::after(voided.clone(), &less).unwrap();
        assert_eq!((gone.charges[0].net, gone.charges[0].spread), (Money::ZERO, "60".parse().unwrap()));
        let back = Purchase::after(now("100"), &gone).unwrap();
        assert_eq!((back.overspent().count(), back.charges.len()), (0, 1));
        spent(&mut kept, "0");
        assert_eq!(Purchase::after(voided, &kept), None);
    }

    #[test]
    fn a_line_looks_like_freight_by_its_words() {
        let looks = |what| {
            let bill = bill(DocumentStatus::Paid, vec![line(1, false, what, "10")]);
            Purchase::of(&bill, 2).unwrap().charges[0].looks_like_freight()
        };
        assert!(looks("Sea-freight Shanghai") && looks("IMPORT DUTY 5%") && looks("Marine insurance"));
        assert!(!looks("Consulting") && !looks("Importantly late") && !looks(""));
    }

    #[test]
    fn goods_alone_bring_no_charge() {
        let lines = vec![line(1, true, "Cups", "10"), line(2, false, "Discount", "-1")];
        let purchase = Purchase::of(&bill(DocumentStatus::Paid, lines), 2).unwrap();
        assert!(purchase.has_goods && purchase.charges.is_empty());
        assert_eq!(Purchase::of(&bill(DocumentStatus::Draft, vec![line(1, false, "Freight", "9")]), 2), None);
    }
}

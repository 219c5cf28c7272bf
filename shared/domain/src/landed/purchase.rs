//! A purchase as far as landed cost is concerned: whether it brings goods in, and its lines that name no item.

use std::collections::BTreeSet;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::papers::Papers;
use crate::document::{Document, DocumentKind, DocumentRef};
use crate::fixed::{FixedError, Money, Quantity};
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
    /// The account that it had when the first of the vouchers spread it that still do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread_from: Option<String>,
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

    /// Takes note that so much more of it is spread, or less.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn spend(&mut self, amount: Money) -> Result<(), FixedError> {
        if self.spread.is_zero() {
            self.spread_from = Some(self.account.clone());
        }
        self.spread = self.spread.plus(amount)?.max(Money::ZERO);
        self.spread_from = self.spread_from.take().filter(|_| !self.spread.is_zero());
        Ok(())
    }

    /// Whether it no longer is what vouchers have spread: less than that, or on another account.
    fn is_otherwise(&self) -> bool {
        self.spread > self.net || self.spread_from.as_ref().is_some_and(|account| *account != self.account)
    }
}

/// What a purchase is called: the first of some texts that says anything, else by its kind and day.
pub fn name(kind: DocumentKind, texts: &[&str], on: Date) -> String {
    let text = texts.iter().find(|text| !text.is_empty());
    text.map_or_else(|| format!("{} of {on}", kind.words()), |text| (*text).to_owned())
}

/// A purchase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// Kind and Xero id.
    pub of: DocumentRef,
    /// What it is called: its number; money spent has none, so its reference or its day.
    pub number: String,
    /// The supplier's name.
    pub contact_name: String,
    /// Its date.
    pub on: Date,
    /// Whether it brings goods in; as it is kept, goods whose costs parstock holds.
    pub has_goods: bool,
    /// Whether it brings goods in that Xero tracks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_tracked: bool,
    /// Whether a person said that it is no freight of goods.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_alone: bool,
    /// What is known of its papers; `None` where nobody has asked about them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub papers: Option<Papers>,
    /// Its lines that name no item, in its order; the largest [`CHARGES_MAX`], and those that are spread.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charges: Vec<Charge>,
}

impl Purchase {
    /// What a document is to landed cost, given what was known of it. A draft is nothing yet, and a void nothing any more, unless
    /// vouchers have spread it: how much is known whatever becomes of its lines. Amounts are those of the books, which have so
    /// many decimals.
    pub fn of(document: &Document, decimals: u32, known: Option<&Self>) -> Option<Self> {
        let spent =
            || known.into_iter().flat_map(|known| &known.charges).filter(|charge| !charge.spread.is_zero());
        let is_purchase = matches!(
            document.of.kind,
            DocumentKind::GoodsReceipt | DocumentKind::Bill | DocumentKind::SpendMoney
        );
        let counts = is_purchase && document.status.moves_stock();
        let lines = document.lines.iter().filter(|_| counts);
        let has_goods = lines.clone().any(|line| line.item.is_some() && line.quantity > Quantity::ZERO);
        let mut charges: Vec<Charge> = lines
            .filter(|line| line.item.is_none() && line.net > Money::ZERO)
            .map(|line| Charge {
                line: line.id,
                what: line.description.chars().take(WORDS_MAX).collect(),
                account: line.account.clone(),
                net: line.net.to_decimals(decimals),
                spread: Money::ZERO,
                spread_from: None,
            })
            .collect();
        for before in spent() {
            match charges.iter_mut().find(|charge| charge.line == before.line) {
                Some(charge) => {
                    (charge.spread, charge.spread_from) = (before.spread, before.spread_from.clone());
                }
                None => charges.push(Charge { net: Money::ZERO, ..before.clone() }),
            }
        }
        if charges.len() > CHARGES_MAX {
            let mut by_size: Vec<(bool, Money, LineId)> =
                charges.iter().map(|charge| (!charge.spread.is_zero(), charge.net, charge.line)).collect();
            by_size.sort_unstable_by(|a, b| b.cmp(a));
            let is_kept =
                |(at, (is_spent, ..)): &(usize, &(bool, Money, LineId))| *is_spent || *at < CHARGES_MAX;
            let kept: BTreeSet<LineId> =
                by_size.iter().enumerate().filter(is_kept).map(|(_, (.., line))| *line).collect();
            charges.retain(|charge| kept.contains(&charge.line));
        }
        (has_goods || !charges.is_empty()).then(|| Self {
            of: document.of,
            number: name(document.of.kind, &[&document.number, &document.reference], document.date),
            contact_name: document.contact_name.clone(),
            on: document.date,
            has_goods,
            has_tracked: false,
            left_alone: known.is_some_and(|known| known.left_alone),
            papers: known.and_then(|known| known.papers.clone()),
            charges,
        })
    }

    /// The line with an id.
    pub fn charge(&self, line: LineId) -> Option<&Charge> {
        self.charges.iter().find(|charge| charge.line == line)
    }

    /// The lines that are no longer what vouchers have spread.
    pub fn otherwise(&self) -> impl Iterator<Item = &Charge> {
        self.charges.iter().filter(|charge| charge.is_otherwise())
    }

    /// Whether it brings goods in over which a voucher can go.
    pub const fn brings_any(&self) -> bool {
        self.has_goods || self.has_tracked
    }

    /// Whether vouchers have spread any of it.
    pub fn is_spent(&self) -> bool {
        self.charges.iter().any(|charge| !charge.spread.is_zero())
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
            unit: None,
            foreign_net: None,
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
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        }
    }

    fn freight(status: DocumentStatus, net: &str) -> Document {
        bill(status, vec![line(1, false, "Sea freight", net)])
    }

    #[test]
    fn what_vouchers_spread_is_kept_whatever_becomes_of_the_bill() {
        let approved = |net| freight(DocumentStatus::Authorised, net);
        let mut kept = Purchase::of(&approved("100"), 2, None).unwrap();
        assert_eq!(kept.freight_left(), Ok("100".parse().unwrap()));
        kept.charges[0].spend("60".parse().unwrap()).unwrap();
        assert_eq!(kept.freight_left(), Ok("40".parse().unwrap()));
        let less = Purchase::of(&approved("50"), 2, Some(&kept)).unwrap();
        assert_eq!(less.otherwise().count(), 1);
        assert_eq!(less.freight_left(), Ok(Money::ZERO));
        let mut voided = freight(DocumentStatus::Voided, "50");
        voided.date = jiff::civil::date(2026, 5, 9);
        let gone = Purchase::of(&voided, 2, Some(&less)).unwrap();
        assert_eq!((gone.charges[0].net, gone.charges[0].spread), (Money::ZERO, "60".parse().unwrap()));
        assert_eq!(gone.on, voided.date, "it is found by the document's day");
        let back = Purchase::of(&approved("100"), 2, Some(&gone)).unwrap();
        assert_eq!((back.otherwise().count(), back.charges.len()), (0, 1));
        let mut recoded = approved("100");
        recoded.lines[0].account = "620".into();
        assert_eq!(Purchase::of(&recoded, 2, Some(&back)).unwrap().otherwise().count(), 1);
        kept.charges[0].spend("-60".parse().unwrap()).unwrap();
        assert_eq!(Purchase::of(&voided, 2, Some(&kept)), None);
    }

    #[test]
    fn of_many_lines_the_largest_and_those_that_are_spread_are_kept() {
        let small = (1..=25).map(|number| line(number, false, "Fee", "1"));
        let lines: Vec<DocumentLine> = small.chain([line(99, false, "Freight", "100")]).collect();
        let known = bill(DocumentStatus::Paid, lines[..1].to_vec());
        let mut known = Purchase::of(&known, 2, None).unwrap();
        known.charges[0].spend(Money::from_e4(10_000)).unwrap();
        let kept = Purchase::of(&bill(DocumentStatus::Paid, lines), 2, Some(&known)).unwrap();
        assert_eq!(kept.charges.len(), CHARGES_MAX);
        assert!(
            kept.charge(known.charges[0].line).is_some()
                && kept.charge(LineId(Uuid::from_u128(99))).is_some()
        );
    }

    #[test]
    fn a_line_looks_like_freight_by_its_words() {
        let looks = |what| {
            let bill = bill(DocumentStatus::Paid, vec![line(1, false, what, "10")]);
            Purchase::of(&bill, 2, None).unwrap().charges[0].looks_like_freight()
        };
        assert!(looks("Sea-freight Shanghai") && looks("IMPORT DUTY 5%") && looks("Marine insurance"));
        assert!(!looks("Consulting") && !looks("Importantly late") && !looks(""));
    }

    #[test]
    fn goods_alone_bring_no_charge() {
        let lines = vec![line(1, true, "Cups", "10"), line(2, false, "Discount", "-1")];
        let purchase = Purchase::of(&bill(DocumentStatus::Paid, lines), 2, None).unwrap();
        assert!(purchase.has_goods && purchase.charges.is_empty());
        assert_eq!(
            Purchase::of(&bill(DocumentStatus::Draft, vec![line(1, false, "Freight", "9")]), 2, None),
            None
        );
    }
}

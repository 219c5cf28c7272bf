//! What bills teach about an item: who supplies it and what it last cost.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentKind, DocumentLine, DocumentRef};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{ContactId, LineId};

/// What the latest bill of an item says. It is marked as learned wherever it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// Who billed it.
    pub supplier: ContactId,
    /// Their name at the time.
    pub supplier_name: String,
    /// How much the bill's line brought, in base units, above zero.
    #[serde(default = "one")]
    pub quantity: Quantity,
    /// What that cost, in base currency, after discount, without tax. Rows of before kept the price of one.
    #[serde(alias = "unit_price")]
    pub net: Money,
    /// How many base units one on the bill held when it was read, where the bill counts by another unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Quantity>,
    /// What vouchers put on top of the lines by which the bill brought the item in.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub landed: BTreeMap<LineId, LandedOn>,
    /// The bill.
    pub from: DocumentRef,
    /// Its date.
    pub on: Date,
}

const fn one() -> Quantity {
    Quantity::ONE
}

impl Learned {
    /// What this line teaches; `None` when it is no line of an approved bill or has no quantity or price, or
    /// when the bill's total is zero: by such bills stock is adjusted in Xero, nobody supplied it.
    ///
    /// # Errors
    /// [`FixedError`] when the price does not fit.
    pub fn from_line(document: &Document, line: &DocumentLine) -> Result<Option<Self>, FixedError> {
        let is_bill = document.of.kind == DocumentKind::Bill && document.status.moves_stock();
        let mut total = Money::ZERO;
        for line in &document.lines {
            total = total.plus(line.net)?;
        }
        if !is_bill || total.is_zero() || line.quantity <= Quantity::ZERO || line.net <= Money::ZERO {
            return Ok(None);
        }
        Ok(Some(Self {
            supplier: document.contact,
            supplier_name: document.contact_name.clone(),
            quantity: line.quantity,
            net: line.net,
            holds: line.unit.as_ref().map(|unit| unit.holds),
            landed: BTreeMap::new(),
            from: document.of,
            on: document.date,
        }))
    }

    /// The later of two lessons, whatever the order in which they came; of one bill, what it says now, with what landed on it.
    pub fn later(self, other: Self) -> Self {
        if other.from == self.from {
            return Self { landed: self.landed, ..other };
        }
        if (other.on, other.from) > (self.on, self.from) { other } else { self }
    }

    /// Takes note that a voucher puts so much on top of what a line of a bill brought in, or takes off what it put there. Says whether
    /// that changes anything: it is the bill that taught this.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn land(&mut self, (bill, line): (DocumentRef, LineId), on: LandedOn) -> Result<bool, FixedError> {
        let known = self.landed.get(&line).map_or(Money::ZERO, |known| known.amount);
        // what was never noted can't be taken off
        if bill != self.from || on.amount.is_negative() && known.is_zero() {
            return Ok(false);
        }
        let amount = known.plus(on.amount)?.max(Money::ZERO);
        self.landed.insert(line, LandedOn { amount, ..on });
        self.landed.retain(|_, on| !on.amount.is_zero());
        Ok(true)
    }

    /// What so many base units cost by the bill: the price of a purchase unit that holds so many.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn price_of(&self, quantity: Quantity) -> Result<Money, FixedError> {
        self.net.part(quantity, self.quantity)
    }

    /// [`Self::price_of`] with what landed on the bill's goods.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn landed_price_of(&self, quantity: Quantity) -> Result<Money, FixedError> {
        let (mut all, mut amount) = (Quantity::ZERO, Money::ZERO);
        for on in self.landed.values() {
            (all, amount) = (all.plus(on.quantity)?, amount.plus(on.amount)?);
        }
        let landed = if all.is_zero() { Money::ZERO } else { amount.part(quantity, all)? };
        self.price_of(quantity)?.plus(landed)
    }
}

/// What vouchers put on top of what a line brought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LandedOn {
    /// How much the line brought in.
    pub quantity: Quantity,
    /// How much they put on top of it, base currency.
    pub amount: Money,
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;
    use uuid::Uuid;

    use super::*;
    use crate::document::DocumentStatus;
    use crate::ids::{DocumentId, LineId};

    fn bill(kind: DocumentKind, status: DocumentStatus, day: Date, id: u128) -> Document {
        Document {
            of: DocumentRef { kind, id: DocumentId(Uuid::from_u128(id)) },
            number: String::new(),
            reference: String::new(),
            status,
            contact: ContactId(Uuid::from_u128(id)),
            contact_name: format!("Supplier {id}"),
            date: day,
            expected_on: None,
            updated_at: Timestamp::UNIX_EPOCH,
            lines: Vec::new(),
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        }
    }

    fn line(quantity: &str, net: &str) -> DocumentLine {
        DocumentLine {
            id: LineId(Uuid::nil()),
            item: None,
            description: String::new(),
            quantity: quantity.parse().unwrap(),
            unit_amount: Money::ZERO,
            net: net.parse().unwrap(),
            account: String::new(),
            unit: None,
            foreign_net: None,
        }
    }

    #[test]
    fn an_approved_bill_teaches_supplier_and_price() {
        let (day, authorised) = (date(2026, 11, 2), DocumentStatus::Authorised);
        let price = |kind, status, quantity, net| {
            let document = Document { lines: vec![line(quantity, net)], ..bill(kind, status, day, 1) };
            let learned = Learned::from_line(&document, &line(quantity, net)).unwrap();
            learned.map(|learned| learned.price_of(Quantity::ONE).unwrap().to_string())
        };
        assert_eq!(price(DocumentKind::Bill, authorised, "3", "10"), Some("3.3333".to_owned()));
        assert_eq!(price(DocumentKind::Bill, DocumentStatus::Draft, "3", "10"), None);
        assert_eq!(price(DocumentKind::Bill, DocumentStatus::Voided, "3", "10"), None);
        assert_eq!(price(DocumentKind::SalesInvoice, authorised, "3", "10"), None);
        assert_eq!(price(DocumentKind::Bill, authorised, "0", "10"), None);
        assert_eq!(price(DocumentKind::Bill, authorised, "3", "0"), None, "a gift is no price");
    }

    #[test]
    fn the_latest_bill_counts_in_whichever_order_bills_come() {
        let of = |day, id| {
            let bill = bill(DocumentKind::Bill, DocumentStatus::Paid, day, id);
            let document = Document { lines: vec![line("1", "1")], ..bill };
            Learned::from_line(&document, &line("1", "1")).unwrap().unwrap()
        };
        let bills = [of(date(2026, 11, 2), 1), of(date(2026, 11, 9), 2), of(date(2026, 11, 9), 3)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            let [a, b, c] = order.map(|at| bills[at].clone());
            assert_eq!(a.later(b).later(c), bills[2]);
        }
    }

    #[test]
    fn a_corrected_bill_teaches_its_price_of_now() {
        let of = |day, net| {
            let bill = bill(DocumentKind::Bill, DocumentStatus::Paid, day, 1);
            Learned::from_line(&Document { lines: vec![line("1", net)], ..bill }, &line("1", net))
                .unwrap()
                .unwrap()
        };
        let typed = of(date(2026, 11, 9), "48.10");
        assert_eq!(typed.clone().later(of(date(2026, 11, 9), "4.81")).net.to_string(), "4.81");
        let earlier = typed.later(of(date(2026, 11, 2), "4.81"));
        assert_eq!(earlier.on, date(2026, 11, 2), "the bill was dated anew");
    }

    #[test]
    fn a_bill_that_comes_to_nothing_is_an_adjustment_and_names_no_supplier() {
        let lines = vec![line("2", "2000"), line("2", "-2000")];
        let document =
            Document { lines, ..bill(DocumentKind::Bill, DocumentStatus::Authorised, date(2026, 11, 2), 1) };
        assert_eq!(Learned::from_line(&document, &document.lines[0]).unwrap(), None);
    }
}

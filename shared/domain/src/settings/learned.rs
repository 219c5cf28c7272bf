//! What bills teach about an item: who supplies it and what it last cost.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentKind, DocumentLine, DocumentRef};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::ContactId;

/// What the latest bill of an item says. It is marked as learned wherever it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// Who billed it.
    pub supplier: ContactId,
    /// Their name at the time.
    pub supplier_name: String,
    /// Price of one unit, in base currency, after discount, without tax.
    pub unit_price: Money,
    /// The bill.
    pub from: DocumentRef,
    /// Its date.
    pub on: Date,
}

impl Learned {
    /// What this line teaches; `None` when it is no line of an approved bill or has no quantity or price.
    ///
    /// # Errors
    /// [`FixedError`] when the price does not fit.
    pub fn from_line(document: &Document, line: &DocumentLine) -> Result<Option<Self>, FixedError> {
        let is_bill = document.of.kind == DocumentKind::Bill && document.status.moves_stock();
        if !is_bill || line.quantity <= Quantity::ZERO || line.net <= Money::ZERO {
            return Ok(None);
        }
        Ok(Some(Self {
            supplier: document.contact,
            supplier_name: document.contact_name.clone(),
            unit_price: line.net.per_unit(line.quantity)?,
            from: document.of,
            on: document.date,
        }))
    }

    /// The later of two lessons, whatever the order in which they came.
    pub fn later(self, other: Self) -> Self {
        if (other.on, other.from) > (self.on, self.from) { other } else { self }
    }
}

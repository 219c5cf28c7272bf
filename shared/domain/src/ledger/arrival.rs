//! One arrival, one movement: which open order line does a bill line bring in?

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentStatus};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{ContactId, DocumentId, ItemId, LineId};

/// Days for which a bill may stand for an order that it does not name.
pub const UNNAMED_ORDER_DAYS_MAX: i32 = 60;
/// Days after its expected arrival at which an order becomes a question instead of supply.
pub const OVERDUE_ORDER_DAYS: i32 = 30;

/// A line of a purchase order, with what has come of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The order's Xero id.
    pub order: DocumentId,
    /// The line's Xero id.
    pub line: LineId,
    /// The item.
    pub item: ItemId,
    /// The order's number.
    pub number: String,
    /// The supplier.
    pub supplier: ContactId,
    /// Where the order stands.
    pub status: DocumentStatus,
    /// When it was ordered.
    pub ordered_on: Date,
    /// When the goods are expected, if anyone said so.
    pub expected_on: Option<Date>,
    /// How much was ordered.
    pub ordered: Quantity,
    /// How much of it came in by goods receipts.
    pub received: Quantity,
    /// How much of it came in by bills.
    pub billed: Quantity,
    /// Price of one unit in the order's currency.
    pub unit_price: Money,
}

impl OrderLine {
    /// What is still to come: ordered minus the larger of received and billed, never below zero, and
    /// nothing once the order is billed or deleted.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn open(&self) -> Result<Quantity, FixedError> {
        if !matches!(
            self.status,
            DocumentStatus::Draft | DocumentStatus::Submitted | DocumentStatus::Authorised
        ) {
            return Ok(Quantity::ZERO);
        }
        Ok(self.ordered.minus(self.received.max(self.billed))?.max(Quantity::ZERO))
    }

    /// Whether the goods are so late that a person should say whether they still come. Then they don't
    /// count as supply.
    pub fn is_overdue(&self, today: Date) -> bool {
        self.expected_on
            .and_then(|expected| expected.until(today).ok())
            .is_some_and(|late| late.get_days() > OVERDUE_ORDER_DAYS)
    }
}

/// What a bill line stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Goods of this order line.
    Of(DocumentId, LineId),
    /// Goods that nobody ordered through Xero.
    Unordered,
    /// Several order lines fit and none is named: a person decides.
    Unclear(Vec<String>),
}

/// Finds the order line of a bill line, from the item's order lines.
///
/// By number first: the supplier's orders whose number stands in the bill's number, reference or the
/// line's text. Then by the supplier's open order lines of the item from the last 60 days, if exactly one
/// is open for at least the billed quantity, or exactly one is open at all.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn match_bill_line(
    bill: &Document,
    description: &str,
    quantity: Quantity,
    order_lines: &[OrderLine],
) -> Result<Arrival, FixedError> {
    let mut open = Vec::new();
    for line in
        order_lines.iter().filter(|line| line.supplier == bill.contact && line.ordered_on <= bill.date)
    {
        if !line.open()?.is_zero() {
            open.push(line);
        }
    }
    let names = |line: &OrderLine| {
        !line.number.is_empty()
            && [bill.number.as_str(), bill.reference.as_str(), description]
                .iter()
                .any(|text| names_number(text, &line.number))
    };
    if let Some(named) = open.iter().find(|line| names(line)) {
        return Ok(Arrival::Of(named.order, named.line));
    }
    open.retain(|line| {
        line.ordered_on.until(bill.date).is_ok_and(|span| span.get_days() <= UNNAMED_ORDER_DAYS_MAX)
    });
    let mut enough = Vec::new();
    for line in &open {
        if line.open()? >= quantity {
            enough.push(*line);
        }
    }
    match (enough.as_slice(), open.as_slice()) {
        ([one], _) | (_, [one]) => Ok(Arrival::Of(one.order, one.line)),
        (_, []) => Ok(Arrival::Unordered),
        _ => Ok(Arrival::Unclear(open.iter().map(|line| line.number.clone()).collect())),
    }
}

/// Whether `text` names `number` as a word of its own: `PO-12` is not named by `PO-123`.
fn names_number(text: &str, number: &str) -> bool {
    let (text, number) = (text.to_lowercase(), number.to_lowercase());
    text.match_indices(&number).any(|(at, found)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at.saturating_add(found.len())..).and_then(|tail| tail.chars().next());
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

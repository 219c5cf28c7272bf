//! One arrival, one movement: which open order line does a bill line bring in?

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentStatus};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{ContactId, DocumentId, ItemId, LineId};

/// Days for which a bill may stand for an order that it does not name.
pub const UNNAMED_ORDER_DAYS_MAX: i32 = 60;
/// Days after its expected arrival at which an order becomes a question instead of supply.
pub const OVERDUE_ORDER_DAYS: i32 = 30;

/// Lines of an order that one line of a bill is spread over at most.
pub const ORDER_LINES_BILLED_MAX: usize = 8;

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

    /// When the goods are expected: as the order says, else after the lead time.
    pub fn arrives_on(&self, lead_time_days: u16) -> Date {
        self.expected_on.unwrap_or_else(|| self.ordered_on.saturating_add(i64::from(lead_time_days).days()))
    }

    /// Whether the goods are so late that a person should say whether they still come. Then they don't
    /// count as supply.
    pub fn is_overdue(&self, today: Date, lead_time_days: u16) -> bool {
        let late = self.arrives_on(lead_time_days).until(today);
        late.is_ok_and(|late| late.get_days() > OVERDUE_ORDER_DAYS)
    }
}

/// What of a bill's line is goods of one order line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Billed {
    /// The order.
    #[serde(rename = "o")]
    pub order: DocumentId,
    /// Its line.
    #[serde(rename = "l")]
    pub line: LineId,
    /// How much.
    #[serde(rename = "q")]
    pub quantity: Quantity,
}

/// What a bill line stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Goods of these order lines; the parts sum up to the bill's line.
    Of(Vec<Billed>),
    /// Goods that nobody ordered through Xero.
    Unordered,
    /// Several order lines fit and none is named: a person decides.
    Unclear(Vec<String>),
}

/// What is open of the supplier's order lines.
fn open_of<'a>(
    bill: &Document,
    order_lines: &'a [OrderLine],
) -> Result<Vec<(&'a OrderLine, Quantity)>, FixedError> {
    let mut open = Vec::new();
    for line in order_lines.iter().filter(|line| line.supplier == bill.contact) {
        let is = line.open()?;
        if !is.is_zero() {
            open.push((line, is));
        }
    }
    Ok(open)
}

/// The order lines that a bill line names: the supplier's orders whose number stands in the bill's number,
/// reference or the line's text, whenever they were written. The goods are spread over their open lines: on
/// each no more than is open, the rest on the last. Empty when it names none.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn match_named(
    bill: &Document,
    description: &str,
    quantity: Quantity,
    order_lines: &[OrderLine],
) -> Result<Vec<Billed>, FixedError> {
    let mut named = open_of(bill, order_lines)?;
    named.retain(|(line, _)| {
        !line.number.is_empty()
            && [bill.number.as_str(), bill.reference.as_str(), description]
                .iter()
                .any(|text| names_number(text, &line.number))
    });
    spread(&named, quantity)
}

/// Finds the order lines of a bill line, among the item's order lines.
///
/// By number first, see [`match_named`]. Then by the supplier's open order lines of the item from the last
/// 60 days, if exactly one is open for at least the billed quantity, or exactly one is open at all.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn match_bill_line(
    bill: &Document,
    description: &str,
    quantity: Quantity,
    order_lines: &[OrderLine],
) -> Result<Arrival, FixedError> {
    let named = match_named(bill, description, quantity, order_lines)?;
    if !named.is_empty() {
        return Ok(Arrival::Of(named));
    }
    let mut open = open_of(bill, order_lines)?;
    open.retain(|(line, _)| {
        let days = line.ordered_on.until(bill.date).map(|span| span.get_days());
        days.is_ok_and(|days| (0..=UNNAMED_ORDER_DAYS_MAX).contains(&days))
    });
    let enough: Vec<(&OrderLine, Quantity)> =
        open.iter().filter(|(_, is)| *is >= quantity).copied().collect();
    match (enough.as_slice(), open.as_slice()) {
        ([(one, _)], _) | (_, [(one, _)]) => {
            Ok(Arrival::Of(vec![Billed { order: one.order, line: one.line, quantity }]))
        }
        (_, []) => Ok(Arrival::Unordered),
        _ => Ok(Arrival::Unclear(open.iter().map(|(line, _)| line.number.clone()).collect())),
    }
}

/// Spreads `quantity` over lines with what is open of each.
fn spread(lines: &[(&OrderLine, Quantity)], quantity: Quantity) -> Result<Vec<Billed>, FixedError> {
    let mut parts: Vec<Billed> = Vec::new();
    let mut left = quantity;
    for (line, open) in lines.iter().take(ORDER_LINES_BILLED_MAX) {
        let part = left.min(*open);
        if part > Quantity::ZERO {
            parts.push(Billed { order: line.order, line: line.line, quantity: part });
            left = left.minus(part)?;
        }
    }
    if let Some(last) = parts.last_mut() {
        last.quantity = last.quantity.plus(left)?;
    }
    Ok(parts)
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::document::{DocumentKind, DocumentRef};

    fn q(whole: i64) -> Quantity {
        Quantity::from_whole(whole).unwrap()
    }

    /// Line `n` of the order `number`, written on a day of May.
    fn order_line(number: &str, n: u128, on: i8, ordered: i64) -> OrderLine {
        OrderLine {
            order: DocumentId(crate::ids::derived("order", &[number])),
            line: LineId(Uuid::from_u128(n)),
            item: ItemId(Uuid::nil()),
            number: number.to_owned(),
            supplier: ContactId(Uuid::from_u128(5)),
            status: DocumentStatus::Authorised,
            ordered_on: date(2026, 5, on),
            expected_on: None,
            ordered: q(ordered),
            received: Quantity::ZERO,
            billed: Quantity::ZERO,
            unit_price: Money::ZERO,
        }
    }

    /// A bill of 10 May.
    fn bill(reference: &str) -> Document {
        Document {
            of: DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(1)) },
            number: "B-1".to_owned(),
            reference: reference.to_owned(),
            status: DocumentStatus::Authorised,
            contact: ContactId(Uuid::from_u128(5)),
            contact_name: String::new(),
            date: date(2026, 5, 10),
            expected_on: None,
            updated_at: Timestamp::UNIX_EPOCH,
            lines: Vec::new(),
        }
    }

    /// Lines and quantities, or a word.
    fn matched(reference: &str, quantity: i64, lines: &[OrderLine]) -> String {
        match match_bill_line(&bill(reference), "", q(quantity), lines).unwrap() {
            Arrival::Of(parts) => {
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| format!("{} on {}", part.quantity, part.line.0.as_u128()))
                    .collect();
                parts.join(", ")
            }
            Arrival::Unordered => "unordered".to_owned(),
            Arrival::Unclear(numbers) => format!("unclear: {}", numbers.join(", ")),
        }
    }

    #[test]
    fn a_named_order_is_found_whenever_it_was_written() {
        let later = [order_line("PO-7", 1, 12, 50)];
        assert_eq!(matched("for PO-7", 50, &later), "50 on 1");
        assert_eq!(matched("", 50, &later), "unordered", "a guess is never an order of a later day");
    }

    #[test]
    fn goods_of_a_named_order_are_spread_over_its_lines() {
        let lines =
            [order_line("PO-7", 1, 1, 100), order_line("PO-7", 2, 1, 50), order_line("PO-8", 3, 1, 150)];
        assert_eq!(matched("PO-7", 150, &lines), "100 on 1, 50 on 2");
        assert_eq!(matched("PO-7", 80, &lines), "80 on 1");
        assert_eq!(matched("PO-7", 170, &lines), "100 on 1, 70 on 2", "more than was ordered");
        assert_eq!(matched("", 120, &lines), "120 on 3", "the only one that is open for as much");
        assert_eq!(matched("", 20, &lines), "unclear: PO-7, PO-7, PO-8");
    }

    proptest! {
        /// However much is billed: the parts are above zero and sum up to it, no line but the last is
        /// billed for more than was open, and nothing is ever on order below zero.
        #[test]
        fn the_parts_are_the_whole(open in prop::collection::vec(1i64..50, 1..6), billed in 1i64..300) {
            let mut lines: Vec<OrderLine> =
                open.iter().zip(1u128..).map(|(open, n)| order_line("PO-7", n, 1, *open)).collect();
            let Arrival::Of(parts) = match_bill_line(&bill("PO-7"), "", q(billed), &lines).unwrap() else { panic!() };
            prop_assert_eq!(parts.iter().map(|part| part.quantity.e4()).sum::<i64>(), q(billed).e4());
            for (at, part) in parts.iter().enumerate() {
                prop_assert!(part.quantity > Quantity::ZERO);
                let line = lines.iter_mut().find(|line| line.line == part.line).unwrap();
                prop_assert!(at + 1 == parts.len() || part.quantity <= line.open().unwrap());
                line.billed = line.billed.plus(part.quantity).unwrap();
                prop_assert!(line.open().unwrap() >= Quantity::ZERO);
            }
        }
    }
}

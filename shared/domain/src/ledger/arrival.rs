//! One arrival, one movement: which open order line does a bill line bring in, and which of its goods did goods receipts bring in
//! already?

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentStatus};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{ContactId, DocumentId, ItemId, LineId};
use crate::units::PurchaseUnit;

/// Days for which a bill may stand for an order that it does not name.
pub const UNNAMED_ORDER_DAYS_MAX: i32 = 60;
/// Days after its expected arrival at which an order becomes a question instead of supply.
pub const OVERDUE_ORDER_DAYS: i32 = 30;

/// Lines of an order that one line of a bill is spread over at most.
pub const ORDER_LINES_BILLED_MAX: usize = 8;

/// What a goods receipt brought in of an order line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedPart {
    /// The goods receipt.
    #[serde(rename = "r")]
    pub receipt: DocumentId,
    /// The day on which the goods came in.
    #[serde(rename = "d")]
    pub on: Date,
    /// How much.
    #[serde(rename = "q")]
    pub quantity: Quantity,
    /// What they cost by the order, base currency: that holds until a bill says it.
    #[serde(rename = "c")]
    pub cost: Money,
    /// What bills had brought in by then that these goods are none of.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherGoods>,
    /// Whether a person said that nothing more comes.
    #[serde(rename = "e", default, skip_serializing_if = "std::ops::Not::not")]
    pub ends: bool,
    /// Whether Xero counts them with their bill (tracked items), so that here they move nothing.
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    pub with_bill: bool,
}

/// Goods of a bill's line that are not those of a goods receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherGoods {
    /// The bill.
    #[serde(rename = "b")]
    pub bill: DocumentId,
    /// Its line.
    #[serde(rename = "l")]
    pub line: LineId,
    /// How much.
    #[serde(rename = "q")]
    pub quantity: Quantity,
}

/// What a bill's line brought in of an order line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BilledPart {
    /// The bill.
    #[serde(rename = "b")]
    pub bill: DocumentId,
    /// Its line.
    #[serde(rename = "l")]
    pub line: LineId,
    /// The bill's day.
    #[serde(rename = "d")]
    pub on: Date,
    /// How much.
    #[serde(rename = "q")]
    pub quantity: Quantity,
    /// What it cost, base currency.
    #[serde(rename = "n")]
    pub net: Money,
}

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
    /// By what the order counts, where that is not the base unit in which all quantities here are given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<PurchaseUnit>,
    /// What the line amounts to, base currency, without tax.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub net: Money,
    /// The goods receipts behind `received`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<ReceivedPart>,
    /// The lines of bills behind `billed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bills: Vec<BilledPart>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_nothing(amount: &Money) -> bool {
    amount.is_zero()
}

/// How the goods receipts and the bills of an order line meet: what a bill brings in that a receipt brought in before or will, moves with the
/// receipt, at the bill's price.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meeting {
    /// Of each bill's line, how much moves with receipts, and what that cost.
    pub of_bills: BTreeMap<(DocumentId, LineId), (Quantity, Money)>,
    /// What of each bill no receipt has met.
    pub unreceived: Vec<BilledPart>,
    /// Of each receipt, how much bills have come for, and what all of it costs by what is known now.
    pub of_receipts: BTreeMap<DocumentId, (Quantity, Money)>,
}

impl OrderLine {
    /// What came in: by goods receipts, and by bills that no receipt has met.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn arrived(&self) -> Result<Quantity, FixedError> {
        self.received.plus(self.unreceived()?)
    }

    /// What came in by bills that no receipt has met.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn unreceived(&self) -> Result<Quantity, FixedError> {
        self.billed.minus(self.met()?)
    }

    /// How much both receipts and bills brought in.
    fn met(&self) -> Result<Quantity, FixedError> {
        if self.receipts.is_empty() || self.bills.is_empty() {
            return Ok(Quantity::ZERO);
        }
        let of_receipts = self.meet()?.of_receipts;
        of_receipts.values().try_fold(Quantity::ZERO, |sum, (met, _)| sum.plus(*met))
    }

    /// What is still to come: ordered minus what came in, never below zero, and
    /// nothing once the order is billed or deleted, or a person said that the rest does not come.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn open(&self) -> Result<Quantity, FixedError> {
        let is_live = matches!(
            self.status,
            DocumentStatus::Draft | DocumentStatus::Submitted | DocumentStatus::Authorised
        );
        if !is_live || self.receipts.iter().any(|part| part.ends) {
            return Ok(Quantity::ZERO);
        }
        Ok(self.ordered.minus(self.arrived()?)?.max(Quantity::ZERO))
    }

    /// How much came in by goods receipts that no bill has come for.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn unbilled(&self) -> Result<Quantity, FixedError> {
        self.received.minus(self.met()?)
    }

    /// How much lies there that Xero counts once its bill is approved (tracked items).
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn received_not_billed(&self) -> Result<Quantity, FixedError> {
        let mut with_bill = self.receipts.iter().filter(|part| part.with_bill);
        let with_bill = with_bill.try_fold(Quantity::ZERO, |sum, part| sum.plus(part.quantity))?;
        Ok(with_bill.min(self.unbilled()?))
    }

    /// Since when the first of it has lain there.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn waits_for_bill_since(&self) -> Result<Option<Date>, FixedError> {
        let of_receipts = self.meet()?.of_receipts;
        let is_unbilled = |part: &&ReceivedPart| {
            let billed = of_receipts.get(&part.receipt).map(|(billed, _)| *billed).unwrap_or_default();
            part.with_bill && billed < part.quantity
        };
        Ok(self.receipts.iter().find(is_unbilled).map(|part| part.on))
    }

    /// How much a bill may stand for: what is open, and what came in without one.
    fn to_bill(&self) -> Result<Quantity, FixedError> {
        self.open()?.plus(self.unbilled()?)
    }

    /// Keeps what a goods receipt brought in; `None` when it was taken back.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn receive(&mut self, receipt: DocumentId, part: Option<ReceivedPart>) -> Result<(), FixedError> {
        self.receipts.retain(|known| known.receipt != receipt);
        self.receipts.extend(part);
        self.receipts.sort_by_key(|part| (part.on, part.receipt));
        let sum = |sum: Quantity, part: &ReceivedPart| sum.plus(part.quantity);
        self.received = self.receipts.iter().try_fold(Quantity::ZERO, sum)?;
        Ok(())
    }

    /// Keeps what a bill's line brought in.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn bill(&mut self, part: BilledPart) -> Result<(), FixedError> {
        self.billed = self.billed.plus(part.quantity)?;
        self.bills.push(part);
        self.bills.sort_by_key(|part| (part.on, part.bill, part.line));
        Ok(())
    }

    /// Takes back what a bill's line brought in: so much.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn unbill(&mut self, bill: DocumentId, line: LineId, quantity: Quantity) -> Result<(), FixedError> {
        self.billed = self.billed.minus(quantity)?;
        self.bills.retain(|part| (part.bill, part.line) != (bill, line));
        Ok(())
    }

    /// How its receipts and bills meet: the earliest of both first, whatever came to be known first, but for what bills had brought in
    /// when a receipt said that its goods are others. What is received beyond all bills costs what the order says.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn meet(&self) -> Result<Meeting, FixedError> {
        let mut meeting = Meeting::default();
        let mut bills: Vec<(BilledPart, BilledPart)> = self.bills.iter().map(|part| (*part, *part)).collect();
        for receipt in &self.receipts {
            let (mut unmet, mut cost) = (receipt.quantity, Money::ZERO);
            for (bill, left) in &mut bills {
                let is_of = |goods: &&OtherGoods| (goods.bill, goods.line) == (bill.bill, bill.line);
                let others =
                    receipt.others.iter().find(is_of).map(|goods| goods.quantity).unwrap_or_default();
                let met = unmet.min(left.quantity).min(bill.quantity.minus(others)?);
                if met <= Quantity::ZERO {
                    continue;
                }
                let net = left.net.part(met, left.quantity)?;
                if !receipt.with_bill {
                    let of_bill = meeting.of_bills.entry((bill.bill, bill.line)).or_default();
                    *of_bill = (of_bill.0.plus(met)?, of_bill.1.plus(net)?);
                }
                (cost, unmet) = (cost.plus(net)?, unmet.minus(met)?);
                (left.quantity, left.net) = (left.quantity.minus(met)?, left.net.minus(net)?);
            }
            let cost = cost.plus(receipt.cost.part(unmet, receipt.quantity)?)?;
            meeting.of_receipts.insert(receipt.receipt, (receipt.quantity.minus(unmet)?, cost));
        }
        meeting.unreceived = bills.into_iter().map(|(_, left)| left).collect();
        Ok(meeting)
    }

    /// As it was at the end of a day, by all that is known now: what came in later had not come, and it was open as long as more came.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn at(&self, day: Date) -> Result<Self, FixedError> {
        let mut then = self.clone();
        then.receipts.retain(|part| part.on <= day);
        then.bills.retain(|part| part.on <= day);
        let came_later = then.receipts.len() < self.receipts.len() || then.bills.len() < self.bills.len();
        if came_later && then.status == DocumentStatus::Billed {
            then.status = DocumentStatus::Authorised;
        }
        if self.ordered_on > day {
            then.ordered = Quantity::ZERO;
        }
        then.received = then.receipts.iter().try_fold(Quantity::ZERO, |sum, part| sum.plus(part.quantity))?;
        then.billed = then.bills.iter().try_fold(Quantity::ZERO, |sum, part| sum.plus(part.quantity))?;
        Ok(then)
    }

    /// How much was billed by the end of a day and came in by a goods receipt later.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn in_transit(&self, day: Date) -> Result<Quantity, FixedError> {
        if !self.receipts.iter().any(|part| part.on > day) {
            return Ok(Quantity::ZERO);
        }
        let (then, now) = (self.at(day)?.meet()?.of_bills, self.meet()?.of_bills);
        let mut in_transit = Quantity::ZERO;
        for part in self.bills.iter().filter(|part| part.on <= day) {
            let met = |of_bills: &BTreeMap<(DocumentId, LineId), (Quantity, Money)>| {
                of_bills.get(&(part.bill, part.line)).map(|(met, _)| *met).unwrap_or_default()
            };
            in_transit = in_transit.plus(met(&now).minus(met(&then))?)?;
        }
        Ok(in_transit)
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
    /// Goods of these order lines; the parts sum up to the bill's line, unless the rest fits several order lines, which are named then.
    Of(Vec<Billed>, Vec<String>),
    /// Goods that nobody ordered through Xero.
    Unordered,
    /// Several order lines fit and none is named: a person decides.
    Unclear(Vec<String>),
}

/// What bills may stand for of the supplier's order lines, the earliest order first.
fn open_of<'a>(
    bill: &Document,
    order_lines: &'a [OrderLine],
) -> Result<Vec<(&'a OrderLine, Quantity)>, FixedError> {
    let mut open = Vec::new();
    for line in order_lines.iter().filter(|line| line.supplier == bill.contact) {
        let is = line.to_bill()?;
        if !is.is_zero() {
            open.push((line, is));
        }
    }
    open.sort_by_key(|(line, _)| (line.ordered_on, line.order, line.line));
    Ok(open)
}

/// The order lines that a bill line names: those of the order that we wrote the bill for ourselves (`ours`), and those of the supplier's
/// orders whose number stands in the bill's number, reference or the line's text, whenever they were written. The goods are spread over their open lines: on
/// each no more than is open, the rest on the last. Empty when it names none.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn match_named(
    bill: &Document,
    description: &str,
    ours: Option<DocumentId>,
    quantity: Quantity,
    order_lines: &[OrderLine],
) -> Result<Vec<Billed>, FixedError> {
    let mut named = open_of(bill, order_lines)?;
    named.retain(|(line, _)| is_named(bill, description, ours, line));
    spread(&named, quantity)
}

/// Whether a bill's line names the order of an order line.
fn is_named(bill: &Document, description: &str, ours: Option<DocumentId>, line: &OrderLine) -> bool {
    let texts = [bill.number.as_str(), bill.reference.as_str(), description];
    ours == Some(line.order)
        || !line.number.is_empty() && texts.iter().any(|text| names_number(text, &line.number))
}

/// The order lines with goods receipts that a bill's line may come to meet, or has met.
pub fn may_meet<'a>(
    bill: &Document,
    description: &str,
    ours: Option<DocumentId>,
    billed: &[Billed],
    order_lines: &'a [OrderLine],
) -> Vec<&'a OrderLine> {
    let may_meet = |line: &&OrderLine| {
        let is_open = line.supplier == bill.contact
            && (line.to_bill().is_ok_and(|is| !is.is_zero()) || is_named(bill, description, ours, line));
        let has_met = billed.iter().any(|part| (part.order, part.line) == (line.order, line.line));
        !line.receipts.is_empty() && (is_open || has_met)
    };
    order_lines.iter().filter(may_meet).collect()
}

/// Finds the order lines of a bill line, among the item's order lines.
///
/// By number first, see [`match_named`]. Then what came in by goods receipts without a bill, the earliest order first: whichever it
/// is, nothing comes in twice. Then by the supplier's open order lines of the item from the last
/// 60 days, if exactly one is open for at least the billed quantity, or exactly one is open at all.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn match_bill_line(
    bill: &Document,
    description: &str,
    ours: Option<DocumentId>,
    quantity: Quantity,
    order_lines: &[OrderLine],
) -> Result<Arrival, FixedError> {
    let named = match_named(bill, description, ours, quantity, order_lines)?;
    if !named.is_empty() {
        return Ok(Arrival::Of(named, Vec::new()));
    }
    let mut open = open_of(bill, order_lines)?;
    let mut received: Vec<Billed> = Vec::new();
    let mut left = quantity;
    for (line, _) in &open {
        let part = left.min(line.unbilled()?);
        // one more line may take the rest
        if part > Quantity::ZERO && received.len().saturating_add(1) < ORDER_LINES_BILLED_MAX {
            received.push(Billed { order: line.order, line: line.line, quantity: part });
            left = left.minus(part)?;
        }
    }
    let mut rest = Vec::new();
    for (line, _) in open.drain(..) {
        let days = line.ordered_on.until(bill.date).map(|span| span.get_days());
        let is_near = days.is_ok_and(|days| (0..=UNNAMED_ORDER_DAYS_MAX).contains(&days));
        let is = line.open()?;
        if is_near && !is.is_zero() {
            rest.push((line, is));
        }
    }
    let enough: Vec<(&OrderLine, Quantity)> = rest.iter().filter(|(_, is)| *is >= left).copied().collect();
    let one = match (enough.as_slice(), rest.as_slice()) {
        _ if left.is_zero() => None,
        ([(one, _)], _) | (_, [(one, _)]) => Some((one.order, one.line)),
        // more than was ordered
        (_, []) => received.last().map(|last| (last.order, last.line)),
        _ => None,
    };
    if let Some((order, line)) = one {
        match received.iter_mut().find(|part| (part.order, part.line) == (order, line)) {
            Some(part) => part.quantity = part.quantity.plus(left)?,
            None => received.push(Billed { order, line, quantity: left }),
        }
        left = Quantity::ZERO;
    }
    let unclear = match left.is_zero() {
        true => Vec::new(),
        false => rest.iter().map(|(line, _)| line.number.clone()).collect(),
    };
    Ok(match (received.is_empty(), unclear.is_empty()) {
        (true, true) => Arrival::Unordered,
        (true, false) => Arrival::Unclear(unclear),
        (false, _) => Arrival::Of(received, unclear),
    })
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
            unit: None,
            net: Money::ZERO,
            receipts: Vec::new(),
            bills: Vec::new(),
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
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        }
    }

    /// Lines and quantities, or a word.
    fn matched(reference: &str, quantity: i64, lines: &[OrderLine]) -> String {
        match match_bill_line(&bill(reference), "", None, q(quantity), lines).unwrap() {
            Arrival::Of(parts, _) => {
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

    fn id(n: u128) -> DocumentId {
        DocumentId(Uuid::from_u128(n))
    }

    fn received(receipt: u128, on: i8, quantity: i64, cost: i64) -> ReceivedPart {
        let (on, quantity, cost) = (date(2026, 5, on), q(quantity), Money::from_e4(cost));
        ReceivedPart {
            receipt: id(receipt),
            on,
            quantity,
            cost,
            others: Vec::new(),
            ends: false,
            with_bill: false,
        }
    }

    fn billed(bill: u128, on: i8, quantity: i64, net: i64) -> BilledPart {
        let (on, quantity, net) = (date(2026, 5, on), q(quantity), Money::from_e4(net));
        BilledPart { bill: id(bill), line: LineId(Uuid::nil()), on, quantity, net }
    }

    #[test]
    fn goods_that_were_received_take_the_price_of_their_bill() {
        let mut line = order_line("PO-7", 1, 1, 10);
        line.receive(id(1), Some(received(1, 3, 4, 400))).unwrap();
        line.receive(id(2), Some(received(2, 5, 6, 600))).unwrap();
        assert_eq!(line.meet().unwrap().of_receipts[&id(1)], (q(0), Money::from_e4(400)), "by the order");
        line.bill(billed(9, 8, 7, 840)).unwrap();
        let meeting = line.meet().unwrap();
        assert_eq!(meeting.of_bills[&(id(9), LineId(Uuid::nil()))], (q(7), Money::from_e4(840)));
        assert_eq!(meeting.of_receipts[&id(1)], (q(4), Money::from_e4(480)));
        assert_eq!(
            meeting.of_receipts[&id(2)],
            (q(3), Money::from_e4(360 + 300)),
            "three by the bill, three by the order"
        );
        assert_eq!((line.open().unwrap(), line.unbilled().unwrap()), (q(0), q(3)));
        line.unbill(id(9), LineId(Uuid::nil()), q(7)).unwrap();
        line.receive(id(2), None).unwrap();
        assert_eq!((line.received, line.billed, line.open().unwrap()), (q(4), q(0), q(6)));
    }

    #[test]
    fn goods_that_came_after_those_of_a_bill_are_others() {
        let mut line = order_line("PO-7", 1, 1, 50);
        line.bill(billed(8, 2, 30, 300)).unwrap();
        assert_eq!((line.open().unwrap(), line.unreceived().unwrap()), (q(20), q(30)));
        // the rest comes, and ten of those that were billed before they came
        let others = vec![OtherGoods { bill: id(8), line: LineId(Uuid::nil()), quantity: q(20) }];
        line.receive(id(1), Some(ReceivedPart { others, ..received(1, 3, 30, 0) })).unwrap();
        let figures =
            |line: &OrderLine| (line.arrived().unwrap(), line.open().unwrap(), line.unbilled().unwrap());
        assert_eq!(figures(&line), (q(50), q(0), q(20)));
        line.bill(billed(9, 4, 20, 400)).unwrap();
        let meeting = line.meet().unwrap();
        assert_eq!(meeting.of_receipts[&id(1)], (q(30), Money::from_e4(100 + 400)));
        assert_eq!(figures(&line), (q(50), q(0), q(0)));
        // without the first bill there are the thirty that were received, of which it had said ten
        line.unbill(id(8), LineId(Uuid::nil()), q(30)).unwrap();
        assert_eq!(figures(&line), (q(30), q(20), q(10)));
        line.receive(id(1), None).unwrap();
        assert_eq!(line.arrived().unwrap(), q(20));
    }

    #[test]
    fn goods_that_wait_are_found_behind_many_open_orders() {
        let mut lines: Vec<OrderLine> = (1..=12)
            .map(|n: i8| order_line(&format!("PO-{n}"), u128::from(n.unsigned_abs()), n, 10))
            .collect();
        lines[11].receive(id(1), Some(received(1, 13, 10, 0))).unwrap();
        lines[11].ordered_on = date(2026, 5, 9);
        assert_eq!(matched("", 10, &lines), "10 on 12");
    }

    #[test]
    fn a_bill_of_another_order_takes_no_more_of_what_waits_than_waits() {
        let mut first = order_line("PO-7", 1, 1, 40);
        first.receive(id(1), Some(received(1, 3, 41, 0))).unwrap();
        first.bill(billed(8, 4, 40, 0)).unwrap();
        let lines = [first.clone(), order_line("PO-8", 2, 2, 100)];
        assert_eq!(matched("", 100, &lines), "1 on 1, 99 on 2");
        assert_eq!(matched("", 1, &lines), "1 on 1");
        assert_eq!(matched("", 3, &[first]), "3 on 1", "more than was ordered");
    }

    #[test]
    fn a_bill_of_a_closed_order_still_finds_the_goods_that_came_in() {
        let mut line = order_line("PO-7", 1, 1, 10);
        line.receive(id(1), Some(received(1, 3, 10, 0))).unwrap();
        line.status = DocumentStatus::Billed;
        assert_eq!(matched("", 10, &[line.clone(), order_line("PO-8", 2, 1, 10)]), "10 on 1");
        line.receive(id(1), Some(ReceivedPart { ends: true, ..received(1, 3, 10, 0) })).unwrap();
        line.status = DocumentStatus::Authorised;
        assert_eq!((line.open().unwrap(), line.to_bill().unwrap()), (q(0), q(10)));
    }

    proptest! {
        /// Whatever was received and billed, in whatever order it came to be known: no unit moves twice and none is lost, and neither is
        /// any of the money.
        #[test]
        fn what_is_received_and_billed_moves_once(
            receipts in prop::collection::vec((1i8..28, 1i64..50, 0i64..10_000), 0..5),
            bills in prop::collection::vec((1i8..28, 1i64..50, 0i64..10_000), 0..5),
            turn in 0usize..5,
        ) {
            let receipts: Vec<ReceivedPart> =
                receipts.iter().zip(1..).map(|(&(on, quantity, cost), n)| received(n, on, quantity, cost)).collect();
            let bills: Vec<BilledPart> =
                bills.iter().zip(1..).map(|(&(on, quantity, net), n)| billed(n, on, quantity, net)).collect();
            let mut line = order_line("PO-7", 1, 1, 60);
            for part in &receipts {
                line.receive(part.receipt, Some(part.clone())).unwrap();
            }
            for part in &bills {
                line.bill(*part).unwrap();
            }
            let mut other = order_line("PO-7", 1, 1, 60);
            let mut turned = bills.clone();
            turned.rotate_left(turn.min(bills.len()));
            for part in turned {
                other.bill(part).unwrap();
            }
            for part in receipts.iter().rev() {
                other.receive(part.receipt, Some(part.clone())).unwrap();
            }
            prop_assert_eq!(&line, &other);
            let meeting = line.meet().unwrap();
            let met: i64 = meeting.of_bills.values().map(|(quantity, _)| quantity.e4()).sum();
            prop_assert_eq!(met, line.received.min(line.billed).e4());
            let moved: i64 = receipts.iter().map(|part| part.quantity.e4()).sum::<i64>()
                + bills.iter().map(|part| part.quantity.e4()).sum::<i64>() - met;
            prop_assert_eq!(moved, line.received.max(line.billed).e4());
            for part in &bills {
                let (met, net) = meeting.of_bills.get(&(part.bill, part.line)).copied().unwrap_or_default();
                prop_assert!(met <= part.quantity && net <= part.net);
                prop_assert!(met != part.quantity || net == part.net, "what moves wholly with receipts leaves no money");
            }
            if line.billed >= line.received {
                let of_receipts: i64 = meeting.of_receipts.values().map(|(_, cost)| cost.e4()).sum();
                let of_bills: i64 = meeting.of_bills.values().map(|(_, net)| net.e4()).sum();
                prop_assert_eq!(of_receipts, of_bills);
            }
        }

        /// At the end of any day: what lies there by its movements, what is in transit and what is open are what was ordered, unless more came.
        #[test]
        fn what_was_ordered_is_open_in_transit_or_here(
            receipts in prop::collection::vec((1i8..28, 1i64..30), 0..4),
            bills in prop::collection::vec((1i8..28, 1i64..30), 0..4),
            day in 1i8..28,
        ) {
            let mut line = order_line("PO-7", 1, 1, 60);
            for (&(on, quantity), n) in receipts.iter().zip(1..) {
                line.receive(id(n), Some(received(n, on, quantity, quantity))).unwrap();
            }
            for (&(on, quantity), n) in bills.iter().zip(1..) {
                line.bill(billed(n, on, quantity, quantity)).unwrap();
            }
            let on = date(2026, 5, day);
            let meeting = line.meet().unwrap();
            let of_bills = line.bills.iter().filter(|part| part.on <= on).map(|part| {
                let met = meeting.of_bills.get(&(part.bill, part.line)).map_or(0, |(met, _)| met.e4());
                part.quantity.e4() - met
            });
            let of_receipts = line.receipts.iter().filter(|part| part.on <= on).map(|part| part.quantity.e4());
            let here: i64 = of_bills.chain(of_receipts).sum();
            let (then, transit) = (line.at(on).unwrap(), line.in_transit(on).unwrap().e4());
            prop_assert!(transit >= 0);
            prop_assert_eq!(then.open().unwrap().e4(), (q(60).e4() - here - transit).max(0));
            let all = line.at(date(2026, 5, 28)).unwrap();
            prop_assert_eq!(&all, &line);
            prop_assert_eq!(line.in_transit(date(2026, 5, 28)).unwrap(), Quantity::ZERO);
        }

        /// However much is billed: the parts are above zero and sum up to it, no line but the last is
        /// billed for more than was open, and nothing is ever on order below zero.
        #[test]
        fn the_parts_are_the_whole(open in prop::collection::vec(1i64..50, 1..6), billed in 1i64..300) {
            let mut lines: Vec<OrderLine> =
                open.iter().zip(1u128..).map(|(open, n)| order_line("PO-7", n, 1, *open)).collect();
            let Arrival::Of(parts, _) = match_bill_line(&bill("PO-7"), "", None, q(billed), &lines).unwrap() else { panic!() };
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

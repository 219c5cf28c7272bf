//! Goods receipts: what a person took in against a purchase order, and what of it is so far from the order that a person should
//! look twice.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, ItemRef};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{ContactId, DayNumber, DocumentId, ItemId, LineId, OrgId, derived};
use crate::ledger::OtherGoods;
use crate::units::PurchaseUnit;

/// Lines of one receipt: as many as one bill of ours has.
pub const RECEIPT_LINES_MAX: usize = 200;
/// Characters of a delivery note's number.
pub const SLIP_CHARS_MAX: usize = 50;

/// The number of a goods receipt.
pub type ReceiptNumber = DayNumber;

/// What the receipt is called, also by its bill in Xero.
pub fn name(number: ReceiptNumber) -> String {
    format!("GR-{number}")
}

/// The receipt that is called so.
pub fn number_of(name: &str) -> Option<ReceiptNumber> {
    name.strip_prefix("GR-")?.parse().ok()
}

/// A line of an order that a receipt may be for, as it is before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedLine {
    /// The order's line.
    pub line: LineId,
    /// The item.
    pub item: ItemId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// By what the order counts, where that is not the base unit in which all quantities here are given.
    pub unit: Option<PurchaseUnit>,
    /// How much was ordered.
    pub ordered: Quantity,
    /// How much came in by earlier receipts.
    pub received: Quantity,
    /// How much bills brought in.
    pub billed: Quantity,
    /// The lines of bills behind that, each with how much of it no receipt has met: goods that came by themselves, or that were
    /// billed before they came.
    pub bills: Vec<(OtherGoods, Quantity)>,
    /// How much that is together.
    pub unreceived: Quantity,
    /// How much is still to come.
    pub open: Quantity,
    /// What the line amounts to by the order, base currency; zero where it names no price.
    pub net: Money,
    /// What one unit last cost, base currency: that holds where the order names no price.
    pub last_cost: Money,
    /// Bills of the supplier that brought the item in since it was ordered and name no order: they may have brought in these goods.
    pub unmatched_bills: Vec<String>,
}

impl OrderedLine {
    /// How much came in, by receipts and by bills.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn arrived(&self) -> Result<Quantity, FixedError> {
        self.received.plus(self.unreceived)
    }

    /// How much of so much are goods that were billed before they came: all that can be if a person says so, else what is beyond what
    /// is to come.
    fn billed_before(&self, quantity: Quantity, billed: bool) -> Result<Quantity, FixedError> {
        let may_be = if billed { quantity } else { quantity.minus(self.open)?.max(Quantity::ZERO) };
        Ok(may_be.min(self.unreceived))
    }

    /// What bills have brought in that is none of the goods of a receipt, of which so much was billed before it came.
    fn others(&self, billed_before: Quantity) -> Result<Vec<OtherGoods>, FixedError> {
        let mut left = billed_before;
        let mut others = Vec::new();
        for (goods, unreceived) in &self.bills {
            let of_receipt = left.min(*unreceived);
            left = left.minus(of_receipt)?;
            let quantity = goods.quantity.minus(of_receipt)?;
            if !quantity.is_zero() {
                others.push(OtherGoods { quantity, ..*goods });
            }
        }
        Ok(others)
    }

    /// What so much of it costs until its bill says it.
    fn cost(&self, quantity: Quantity) -> Result<Money, FixedError> {
        match self.net.is_zero() || self.ordered.is_zero() {
            true => quantity.at(self.last_cost),
            false => self.net.part(quantity, self.ordered),
        }
    }
}

/// What is likely to come in next of each line: what is still to come; where a person says that the goods were billed before they
/// came, or nothing else is to come, what was billed.
pub fn expected(lines: &[OrderedLine], billed: bool) -> impl Iterator<Item = (&OrderedLine, Quantity)> {
    let of_bills = billed || lines.iter().all(|line| line.open.is_zero());
    lines.iter().map(move |line| (line, if of_bills { line.unreceived } else { line.open }))
}

/// What a person says came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The order.
    pub order: DocumentId,
    /// The day on which it came.
    pub on: Date,
    /// The number on the supplier's delivery note; empty if there is none.
    pub slip: String,
    /// How much, by order line.
    pub quantities: Vec<(LineId, Quantity)>,
    /// Whether these goods were billed before they came.
    pub billed: bool,
    /// Whether nothing more comes of these lines.
    pub ends: bool,
}

/// So much of an item, over the order's lines that name it: on each what is [`expected`], the rest on the last.
///
/// # Errors
/// [`Problem::Code`] when no line names it.
pub fn by_code(
    ordered: &[OrderedLine],
    code: &str,
    quantity: Quantity,
    billed: bool,
) -> Result<Vec<(LineId, Quantity)>, Problem> {
    let mut parts = Vec::new();
    let mut left = quantity;
    for (line, expected) in expected(ordered, billed).filter(|(line, _)| line.code == code) {
        let part = left.min(expected);
        if part > Quantity::ZERO {
            parts.push((line.line, part));
            left = left.minus(part)?;
        }
    }
    if !left.is_zero() {
        let last = ordered.iter().rfind(|line| line.code == code);
        let last = last.ok_or_else(|| Problem::Code(code.to_owned()))?.line;
        match parts.iter_mut().find(|(line, _)| *line == last) {
            Some((_, part)) => *part = part.plus(left)?,
            None => parts.push((last, left)),
        }
    }
    Ok(parts)
}

/// A line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptLine {
    /// The order's line.
    pub line: LineId,
    /// The item.
    pub item: ItemId,
    /// Its code at the time.
    pub code: String,
    /// Its name at the time.
    pub name: String,
    /// How much was ordered.
    pub ordered: Quantity,
    /// How much had come in before.
    pub before: Quantity,
    /// How much came in now.
    pub quantity: Quantity,
    /// How much of that was billed before it came.
    #[serde(default)]
    pub billed_before: Quantity,
    /// What bills had brought in before that is none of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherGoods>,
    /// What that costs until its bill says it, base currency.
    pub cost: Money,
}

impl ReceiptLine {
    fn after(&self) -> Result<Quantity, FixedError> {
        self.before.plus(self.quantity)?.minus(self.billed_before)
    }
}

/// Why a person should look twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Deviation {
    /// More came than was ordered.
    Over {
        /// The item's code.
        code: String,
        /// How much was ordered.
        ordered: Quantity,
        /// How much came, earlier receipts included.
        received: Quantity,
    },
    /// Less came, and no more is to come.
    Under {
        /// The item's code.
        code: String,
        /// How much was ordered.
        ordered: Quantity,
        /// How much came, earlier receipts included.
        received: Quantity,
    },
    /// Bills that name no order may have brought these goods in already.
    MaybeBilled {
        /// The item's code.
        code: String,
        /// The bills' numbers.
        bills: Vec<String>,
    },
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over { code, ordered, received } => {
                write!(f, "{received} of {code} came in, {ordered} were ordered")
            }
            Self::Under { code, ordered, received } => {
                write!(
                    f,
                    "only {received} of {code} came in of {ordered} that were ordered, and no more is to come"
                )
            }
            Self::MaybeBilled { code, bills } => write!(
                f,
                "{code} may have come in with {} already, which no order is named on",
                bills.join(", ")
            ),
        }
    }
}

/// Where a receipt stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Stage {
    /// It waits for a person's decision; nothing is booked.
    Waiting,
    /// The goods are in stock.
    TakenIn {
        /// Who said so.
        by: String,
        /// When.
        at: Timestamp,
    },
    /// A person refused it.
    Rejected {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// It was wrong: it moves nothing any more.
    TakenBack {
        /// Who said so.
        by: String,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

impl Stage {
    /// Whether the goods are in stock by it.
    pub const fn is_taken_in(&self) -> bool {
        matches!(self, Self::TakenIn { .. })
    }

    /// The words that people read.
    pub const fn words(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting for a decision",
            Self::TakenIn { .. } => "taken in",
            Self::Rejected { .. } => "refused",
            Self::TakenBack { .. } => "taken back",
        }
    }
}

/// What became of a receipt's bill in Xero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum BillFate {
    /// It was written as a draft.
    Written {
        /// The bill.
        bill: DocumentId,
    },
    /// None was written.
    None {
        /// Why, and what to do if one is needed.
        why: String,
    },
}

/// A goods receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoodsReceipt {
    /// Its number.
    pub number: ReceiptNumber,
    /// The order.
    pub order: DocumentId,
    /// The order's number at the time.
    pub order_number: String,
    /// The supplier.
    pub supplier: ContactId,
    /// The supplier's name at the time.
    pub supplier_name: String,
    /// The day on which the goods came in.
    pub on: Date,
    /// The number on the supplier's delivery note; empty if there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub slip: String,
    /// What came in.
    pub lines: Vec<ReceiptLine>,
    /// Whether a person said that these goods were billed before they came.
    #[serde(default)]
    pub billed: bool,
    /// Whether nothing more comes of these lines.
    pub ends: bool,
    /// Who entered it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// Why it waited for a person, if it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<Deviation>,
    /// Where it stands.
    pub stage: Stage,
    /// What became of its bill in Xero, once that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bill: Option<BillFate>,
}

/// Why a receipt can't be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nothing came in.
    #[error("say of at least one line how much came in")]
    Nothing,
    /// Too many lines.
    #[error("a receipt has at most {RECEIPT_LINES_MAX} lines: make several")]
    TooMany,
    /// Not a quantity that can come in.
    #[error("{0} of {1} can't come in: give a quantity above zero, or leave the line empty")]
    Quantity(Quantity, String),
    /// A line is given twice or is none of the order's.
    #[error("a line of the order is named twice or is not there any more: look at the order again")]
    Line,
    /// No line of the order names the item.
    #[error("no line of the order names `{0}`")]
    Code(String),
    /// A day that has not come.
    #[error("{0} has not come yet")]
    Day(Date),
    /// An order that nothing can come of.
    #[error("the order is {0}: a receipt is for one that is approved")]
    Order(&'static str),
    /// The delivery note's number is too long.
    #[error("the number of the delivery note is longer than {SLIP_CHARS_MAX} characters")]
    Slip,
    /// A figure does not fit.
    #[error(transparent)]
    Fixed(#[from] FixedError),
}

/// Whether goods can come in of an order in this status: of one that the supplier has. A draft was not sent to anybody.
///
/// # Errors
/// [`Problem::Order`] if not.
pub const fn may_come(status: DocumentStatus) -> Result<(), Problem> {
    match status {
        DocumentStatus::Authorised | DocumentStatus::Billed | DocumentStatus::Paid => Ok(()),
        DocumentStatus::Draft => Err(Problem::Order("a draft")),
        DocumentStatus::Submitted => Err(Problem::Order("waiting for approval")),
        DocumentStatus::Voided | DocumentStatus::Deleted => Err(Problem::Order("deleted")),
    }
}

/// The lines of a receipt that was asked for, in the order's order.
///
/// # Errors
/// What stands against it.
pub fn lines(request: &Request, ordered: &[OrderedLine], today: Date) -> Result<Vec<ReceiptLine>, Problem> {
    if request.on > today {
        return Err(Problem::Day(request.on));
    }
    if request.slip.chars().count() > SLIP_CHARS_MAX {
        return Err(Problem::Slip);
    }
    let mut lines = Vec::new();
    for of in ordered {
        let mut said = request.quantities.iter().filter(|(line, _)| *line == of.line);
        let (first, second) = (said.next(), said.next());
        let Some((_, quantity)) = first else { continue };
        if second.is_some() {
            return Err(Problem::Line);
        }
        if *quantity <= Quantity::ZERO {
            return Err(Problem::Quantity(*quantity, of.code.clone()));
        }
        let billed_before = of.billed_before(*quantity, request.billed)?;
        lines.push(ReceiptLine {
            line: of.line,
            item: of.item,
            code: of.code.clone(),
            name: of.name.clone(),
            ordered: of.ordered,
            before: of.arrived()?,
            quantity: *quantity,
            billed_before,
            others: of.others(billed_before)?,
            cost: of.cost(*quantity)?,
        });
    }
    match () {
        () if lines.len() < request.quantities.len() => Err(Problem::Line),
        () if lines.is_empty() => Err(Problem::Nothing),
        () if lines.len() > RECEIPT_LINES_MAX => Err(Problem::TooMany),
        () => Ok(lines),
    }
}

/// What of the lines is so far from the order that a person should look twice: more than `percent` of what was ordered.
///
/// # Errors
/// [`FixedError`] when a figure does not fit.
pub fn deviations(
    lines: &[ReceiptLine],
    ordered: &[OrderedLine],
    ends: bool,
    percent: u16,
) -> Result<Vec<Deviation>, FixedError> {
    let mut found = Vec::new();
    for line in lines {
        let (code, received) = (line.code.clone(), line.after()?);
        let share = Quantity::from_whole(percent.into())?;
        let hundred = Quantity::from_whole(100)?;
        let allowed = line.ordered.share(share, hundred)?;
        if received.minus(line.ordered)? > allowed {
            found.push(Deviation::Over { code: code.clone(), ordered: line.ordered, received });
        }
        if ends && line.ordered.minus(received)? > allowed {
            found.push(Deviation::Under { code: code.clone(), ordered: line.ordered, received });
        }
        let of = ordered.iter().find(|of| of.line == line.line);
        let bills = of.map(|of| of.unmatched_bills.clone()).unwrap_or_default();
        if !bills.is_empty() {
            found.push(Deviation::MaybeBilled { code, bills });
        }
    }
    Ok(found)
}

impl GoodsReceipt {
    /// What was asked for by it.
    pub fn request(&self) -> Request {
        Request {
            order: self.order,
            on: self.on,
            slip: self.slip.clone(),
            quantities: self.lines.iter().map(|line| (line.line, line.quantity)).collect(),
            billed: self.billed,
            ends: self.ends,
        }
    }

    /// The receipt as the ledger books it.
    pub fn of(&self, org: OrgId) -> DocumentRef {
        let id = DocumentId(derived("goods receipt", &[&org.to_string(), &self.number.to_string()]));
        DocumentRef { kind: DocumentKind::GoodsReceipt, id }
    }

    /// What the ledger should have booked of it, if anything was decided. Its lines go by the ids of the order's lines.
    pub fn document(&self, org: OrgId) -> Option<Document> {
        let (status, at) = match &self.stage {
            Stage::TakenIn { at, .. } => (DocumentStatus::Authorised, *at),
            Stage::TakenBack { at, .. } => (DocumentStatus::Voided, *at),
            Stage::Waiting | Stage::Rejected { .. } => return None,
        };
        let lines = self.lines.iter().map(|line| DocumentLine {
            id: line.line,
            item: Some(ItemRef { id: Some(line.item), code: line.code.clone() }),
            description: String::new(),
            quantity: line.quantity,
            unit_amount: Money::ZERO,
            net: line.cost,
            account: String::new(),
            unit: None,
            foreign_net: None,
        });
        Some(Document {
            of: self.of(org),
            number: name(self.number),
            reference: self.slip.clone(),
            status,
            contact: self.supplier,
            contact_name: self.supplier_name.clone(),
            date: self.on,
            expected_on: None,
            updated_at: at,
            lines: lines.collect(),
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn q(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    fn ordered(n: u128, ordered: &str, received: &str) -> OrderedLine {
        OrderedLine {
            line: LineId(Uuid::from_u128(n)),
            item: ItemId(Uuid::from_u128(n)),
            code: format!("ITEM-{n}"),
            name: "Item".into(),
            ordered: q(ordered),
            received: q(received),
            billed: Quantity::ZERO,
            bills: Vec::new(),
            unreceived: Quantity::ZERO,
            open: q(ordered).minus(q(received)).unwrap().max(Quantity::ZERO),
            net: Money::ZERO,
            last_cost: "1.5".parse().unwrap(),
            unmatched_bills: Vec::new(),
            unit: None,
        }
    }

    fn request(quantities: &[(u128, &str)]) -> Request {
        Request {
            order: DocumentId(Uuid::nil()),
            on: date(2026, 6, 1),
            slip: String::new(),
            quantities: quantities.iter().map(|(n, text)| (LineId(Uuid::from_u128(*n)), q(text))).collect(),
            billed: false,
            ends: false,
        }
    }

    const TODAY: Date = date(2026, 6, 1);

    #[test]
    fn what_can_t_come_in_is_refused_with_what_to_do() {
        let order = [ordered(1, "10", "0"), ordered(2, "5", "0")];
        let refused = |quantities: &[(u128, &str)]| lines(&request(quantities), &order, TODAY).unwrap_err();
        assert_eq!(refused(&[]), Problem::Nothing);
        assert_eq!(refused(&[(1, "-2")]), Problem::Quantity(q("-2"), "ITEM-1".into()));
        assert_eq!(refused(&[(1, "0")]), Problem::Quantity(q("0"), "ITEM-1".into()));
        assert_eq!(refused(&[(7, "1")]), Problem::Line);
        assert_eq!(refused(&[(1, "1"), (1, "2")]), Problem::Line);
        let early = Request { on: date(2026, 6, 2), ..request(&[(1, "1")]) };
        assert_eq!(lines(&early, &order, TODAY), Err(Problem::Day(early.on)));
        assert!(may_come(DocumentStatus::Draft).is_err() && may_come(DocumentStatus::Billed).is_ok());
        let taken = lines(&request(&[(2, "2.5")]), &order, TODAY).unwrap();
        assert_eq!((taken.len(), taken[0].cost), (1, "3.75".parse().unwrap()));
    }

    #[test]
    fn an_item_on_several_lines_fills_them_in_their_order() {
        let mut order = [ordered(1, "10", "4"), ordered(2, "5", "0")];
        order[1].code = "ITEM-1".into();
        let parts = |quantity: &str| {
            let parts = by_code(&order, "ITEM-1", q(quantity), false).unwrap();
            parts.iter().map(|(line, part)| (line.0.as_u128(), part.to_string())).collect::<Vec<_>>()
        };
        let is = |parts: &[(u128, &str)]| -> Vec<(u128, String)> {
            parts.iter().map(|(line, part)| (*line, (*part).to_owned())).collect()
        };
        assert_eq!(parts("5"), is(&[(1, "5")]));
        assert_eq!(parts("8"), is(&[(1, "6"), (2, "2")]));
        assert_eq!(parts("12"), is(&[(1, "6"), (2, "6")]));
        assert_eq!(parts("-1"), is(&[(2, "-1")]), "for the check of the lines to refuse");
        assert_eq!(by_code(&order, "OTHER", q("1"), false), Err(Problem::Code("OTHER".into())));
    }

    #[test]
    fn a_person_looks_twice_at_what_is_far_from_the_order() {
        let order = [ordered(1, "100", "50")];
        let found = |quantity, ends, percent| {
            let lines = lines(&request(&[(1, quantity)]), &order, TODAY).unwrap();
            let found = deviations(&lines, &order, ends, percent).unwrap();
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert!(found("10", false, 10).is_empty(), "a part of it");
        assert!(found("60", false, 10).is_empty(), "ten of a hundred more");
        assert_eq!(found("60.0001", false, 10), ["110.0001 of ITEM-1 came in, 100 were ordered"]);
        assert!(found("40", true, 10).is_empty());
        assert_eq!(
            found("39", true, 10),
            ["only 89 of ITEM-1 came in of 100 that were ordered, and no more is to come"]
        );
        assert_eq!(found("51", false, 0).len(), 1);
    }

    #[test]
    fn goods_are_those_to_come_before_they_are_those_that_were_billed() {
        let mut line = ordered(1, "50", "0");
        let goods = |n: u128, quantity: &str| {
            let bill = DocumentId(Uuid::from_u128(n));
            OtherGoods { bill, line: LineId(Uuid::nil()), quantity: q(quantity) }
        };
        line.bills = vec![(goods(8, "12"), q("10")), (goods(9, "20"), q("20"))];
        (line.billed, line.unreceived, line.open) = (q("32"), q("30"), q("18"));
        let parts = |quantity, billed| {
            let asked = Request { billed, ..request(&[(1, quantity)]) };
            let line = lines(&asked, &[line.clone()], TODAY).unwrap().remove(0);
            let others: Vec<String> = line.others.iter().map(|goods| goods.quantity.to_string()).collect();
            (line.billed_before.to_string(), others.join(" "), line.after().unwrap().to_string())
        };
        let is = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(parts("18", false), is("0", "12 20", "48"), "the rest");
        assert_eq!(parts("23", false), is("5", "7 20", "48"));
        assert_eq!(parts("60", false), is("30", "2", "60"), "more than were ordered");
        assert_eq!(parts("15", true), is("15", "2 15", "30"), "a person knows better");
        let likely = |billed| expected(&[line.clone()], billed).map(|(_, is)| is).collect::<Vec<_>>();
        assert_eq!((likely(false), likely(true)), (vec![q("18")], vec![q("30")]));
    }

    #[test]
    fn a_name_leads_back_to_its_receipt() {
        let number = ReceiptNumber { on: TODAY, index: 7 };
        assert_eq!(name(number), "GR-2026-06-01-007");
        assert_eq!(number_of(&name(number)), Some(number));
        assert_eq!(number_of("INV-1"), None);
    }

    proptest! {
        /// However much comes in: exactly what is above the allowed share of the order is told.
        #[test]
        fn a_deviation_is_told_exactly_beyond_the_share(
            of in 0i64..1_000, came in 1i64..3_000, before in 0i64..1_000, percent in 0u16..200, ends: bool,
        ) {
            let order = [ordered(1, &of.to_string(), &before.to_string())];
            let lines = lines(&request(&[(1, &came.to_string())]), &order, TODAY).unwrap();
            let found = deviations(&lines, &order, ends, percent).unwrap();
            let total = before + came;
            let over = (total - of) * 100 > of * i64::from(percent);
            let under = ends && (of - total) * 100 > of * i64::from(percent);
            prop_assert_eq!(found.len(), usize::from(over) + usize::from(under));
        }
    }
}

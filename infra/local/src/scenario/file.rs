//! A scenario as text: what people enter, in the order in which parstock learns of it, and what must come of it.
//! `docs/scenarios.md` describes the format.

use std::fmt;

use jiff::civil::Date;
use parstock_domain::adjustment::ReasonCode;
use parstock_domain::fixed::{Money, Quantity};
use parstock_xero_sim::act::{self, DocumentKind, E4, LineAmountTypes};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use serde_json::Value;

use crate::voucher_file::VoucherFile;

/// Bytes of one file.
pub const FILE_BYTES_MAX: u64 = 1_000_000;
/// Steps of one scenario.
pub const STEPS_MAX: usize = 200;

/// A scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows.
    pub about: String,
    /// Where the case and its expected result come from.
    #[serde(default)]
    pub source: String,
    /// The day on which all of it is entered and looked at; the day after the last one in the file if none is given.
    #[serde(default, deserialize_with = "optional_day")]
    pub today: Option<Date>,
    /// The organisation.
    #[serde(default)]
    pub organisation: Organisation,
    /// Rules of the policy, as in `policy.json`.
    #[serde(default)]
    pub rules: Vec<Value>,
    /// The items.
    pub item: Vec<Item>,
    /// What is entered.
    #[serde(default)]
    pub step: Vec<Step>,
    /// What must come of it.
    pub expect: Vec<Expect>,
    /// The manual journals that must stand in Xero, in the order in which they were written; not compared if left out.
    pub journal: Option<Vec<ExpectJournal>>,
}

/// A manual journal that must stand in Xero, neither deleted nor voided.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectJournal {
    /// Its date.
    #[serde(deserialize_with = "day")]
    pub date: Date,
    /// What it credits to an account.
    pub amount: Number,
    /// The account; that of untracked stock if it is left out.
    pub account: Option<String>,
    /// A part of what it says, if that is compared.
    pub says: Option<String>,
}

/// Whose books they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organisation {
    /// ISO 3166.
    pub country: String,
    /// ISO 4217.
    pub currency: String,
}

impl Default for Organisation {
    fn default() -> Self {
        Self { country: "AU".to_owned(), currency: "AUD".to_owned() }
    }
}

/// An item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its code.
    pub code: String,
    /// Whether Xero keeps its stock.
    #[serde(default)]
    pub tracked: bool,
}

/// One thing that people do. Exactly one of the first fields says what.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// Number of a bill.
    pub bill: Option<String>,
    /// Number of a sales invoice.
    pub invoice: Option<String>,
    /// Number of a credit note to a customer.
    pub sales_credit: Option<String>,
    /// Number of a credit note from a supplier.
    pub supplier_credit: Option<String>,
    /// Number of a purchase order.
    pub purchase_order: Option<String>,
    /// Reference of money spent.
    pub spend_money: Option<String>,
    /// Reference of money received.
    pub receive_money: Option<String>,
    /// Reference of money to a supplier before a bill.
    pub spend_prepayment: Option<String>,
    /// Reference of money from a customer before an invoice.
    pub receive_prepayment: Option<String>,
    /// Reference of money to a supplier beyond what was owed.
    pub spend_overpayment: Option<String>,
    /// Reference of money from a customer beyond what was owed.
    pub receive_overpayment: Option<String>,
    /// A credit note to a customer that is set against an invoice.
    pub set_against: Option<SetAgainst>,
    /// A count of untracked items.
    pub count: Option<Vec<Count>>,
    /// A goods receipt.
    pub receipt: Option<Receipt>,
    /// The goods receipt that waits and is taken in, counted from 1.
    pub take_in: Option<usize>,
    /// The goods receipt that is taken back, counted from 1.
    pub receipt_back: Option<usize>,
    /// What a person writes off or finds.
    pub adjust: Option<Vec<Adjust>>,
    /// The adjustment that waits and is approved, counted from 1.
    pub approve: Option<usize>,
    /// By what suppliers' papers count items from then on: all rules that hold.
    pub units: Option<Vec<Unit>>,
    /// A landed cost voucher.
    pub landed: Option<VoucherFile>,
    /// The landed cost voucher that is taken back, counted from 1.
    pub take_back: Option<usize>,
    /// The day up to which Xero's books are locked from now on.
    #[serde(deserialize_with = "optional_day")]
    pub lock: Option<Date>,
    /// The day that begins: what follows is entered on it.
    #[serde(deserialize_with = "optional_day")]
    pub day: Option<Date>,

    /// The document's day.
    #[serde(deserialize_with = "optional_day")]
    pub on: Option<Date>,
    /// Its status.
    pub status: Option<Status>,
    /// Its contact.
    pub contact: Option<String>,
    /// How its amounts relate to tax.
    pub amounts: Option<Amounts>,
    /// Its currency, if it is not the base currency.
    pub currency: Option<Currency>,
    /// Its lines.
    pub lines: Option<Vec<Line>>,
}

/// What of a credit note is set against an invoice.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetAgainst {
    /// The credit note's number.
    pub credit: String,
    /// The invoice's number.
    pub invoice: String,
    /// How much of it, tax included.
    pub amount: Number,
    /// The day from which it counts.
    #[serde(deserialize_with = "day")]
    pub on: Date,
}

/// What came in of an order.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The order's number.
    pub order: String,
    /// The day on which it came.
    #[serde(deserialize_with = "day")]
    pub on: Date,
    /// How much of which items; all that is open without.
    #[serde(default)]
    pub item: Vec<ReceiptItem>,
    /// Whether these goods were billed before they came.
    #[serde(default)]
    pub billed: bool,
    /// Whether nothing more comes of these lines.
    #[serde(default)]
    pub ends: bool,
}

/// An item that came in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptItem {
    /// Its code.
    pub code: String,
    /// How much.
    pub quantity: Number,
}

/// Xero's statuses.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Being written.
    Draft,
    /// Waiting for approval.
    Submitted,
    /// Approved.
    Authorised,
    /// Fully billed.
    Billed,
    /// Taken back.
    Voided,
    /// Thrown away.
    Deleted,
}

impl From<Status> for act::Status {
    fn from(status: Status) -> Self {
        match status {
            Status::Draft => Self::Draft,
            Status::Submitted => Self::Submitted,
            Status::Authorised => Self::Authorised,
            Status::Billed => Self::Billed,
            Status::Voided => Self::Voided,
            Status::Deleted => Self::Deleted,
        }
    }
}

/// How amounts relate to tax.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amounts {
    /// Tax comes on top.
    Exclusive,
    /// Tax is contained.
    Inclusive,
    /// There is none.
    NoTax,
}

impl From<Amounts> for LineAmountTypes {
    fn from(amounts: Amounts) -> Self {
        match amounts {
            Amounts::Exclusive => Self::Exclusive,
            Amounts::Inclusive => Self::Inclusive,
            Amounts::NoTax => Self::NoTax,
        }
    }
}

/// A foreign currency.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Currency {
    /// ISO 4217.
    pub code: String,
    /// Foreign units for one of the base currency.
    pub rate: Number,
}

/// A line of a document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The item; none on a line such as freight.
    pub item: Option<String>,
    /// How many.
    pub quantity: Number,
    /// Price of one.
    pub price: Number,
    /// What it says, if it names no item; `Freight` if it is left out.
    pub what: Option<String>,
    /// Code of its account, if it is not the item's.
    pub account: Option<String>,
    /// Discount in percent; sales only.
    pub discount: Option<Number>,
    /// `INPUT` or `OUTPUT`, ten percent each.
    pub tax: Option<String>,
}

/// What a person counted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// The item.
    pub item: String,
    /// The end of this day.
    #[serde(deserialize_with = "day")]
    pub on: Date,
    /// How many.
    pub quantity: Number,
    /// What one of them cost.
    pub unit_cost: Option<Number>,
}

/// What a person writes off or finds.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adjust {
    /// The item.
    pub item: String,
    /// Its day.
    #[serde(deserialize_with = "day")]
    pub on: Date,
    /// Above zero what came in, below zero what went out.
    pub quantity: Number,
    /// Why.
    pub reason: ReasonCode,
    /// What one that came in is worth.
    pub unit_cost: Option<Number>,
    /// More words.
    #[serde(default)]
    pub note: String,
}

/// By what a supplier's papers count an item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// The item.
    pub item: String,
    /// Whose papers; everybody's if it is left out.
    #[serde(default)]
    pub supplier: String,
    /// The first day of the papers; all if it is left out.
    #[serde(default, deserialize_with = "optional_day")]
    pub from: Option<Date>,
    /// Its name.
    pub unit: String,
    /// How many base units it holds.
    pub holds: Number,
}

/// What must be so at the end. A field that is left out is not compared.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// Of which item.
    pub item: String,
    /// At the end of this day, by what is known at the end; without it, all that is known.
    #[serde(deserialize_with = "optional_day")]
    pub on: Option<Date>,
    /// How many lie there.
    pub on_hand: Option<Number>,
    /// Whether anybody has counted it.
    pub counted: Option<bool>,
    /// What it cost together.
    pub value: Option<Number>,
    /// On drafts of sales.
    pub committed: Option<Number>,
    /// On hand less committed.
    pub available: Option<Number>,
    /// On order.
    pub on_order: Option<Number>,
    /// What is left of each receipt, the oldest first.
    pub layers: Option<Vec<Layer>>,
    /// What documents cost.
    pub cost: Option<Vec<CostOf>>,
}

/// What is left of a receipt.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// How many.
    pub quantity: Number,
    /// What they cost together.
    pub cost: Number,
}

/// What the item's lines of one document cost: above zero what went out, below zero what came in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostOf {
    /// The document's number.
    pub of: String,
    /// Their cost together.
    pub total: Number,
    /// What they say in the document's own currency; not compared if left out.
    pub foreign: Option<String>,
}

/// An exact number: a whole one, or a decimal written as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// As a quantity.
    ///
    /// # Errors
    /// Says why it is none.
    pub fn quantity(&self) -> Result<Quantity, String> {
        self.0.parse().map_err(|error| format!("`{}`: {error}", self.0))
    }

    /// As an amount.
    ///
    /// # Errors
    /// Says why it is none.
    pub fn money(&self) -> Result<Money, String> {
        self.0.parse().map_err(|error| format!("`{}`: {error}", self.0))
    }

    /// As the simulated Xero counts.
    ///
    /// # Errors
    /// Says why it is none.
    pub fn e4(&self) -> Result<E4, String> {
        E4::parse(&self.0).ok_or_else(|| format!("`{}` is not a number", self.0))
    }

    /// In millionths, as the rate of a currency.
    ///
    /// # Errors
    /// Says why it is none.
    pub fn millionths(&self) -> Result<i64, String> {
        let wrong = || format!("`{}` is not a rate with at most six decimals", self.0);
        let (whole, decimals) = self.0.split_once('.').unwrap_or((&self.0, ""));
        let digits = format!("{whole}{decimals:0<6}");
        if whole.is_empty() || decimals.len() > 6 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(wrong());
        }
        digits.parse().map_err(|_| wrong())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Exact;
        impl Visitor<'_> for Exact {
            type Value = Number;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a whole number, or a decimal as text such as \"2.5\"")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number(number.to_string()))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Number, E> {
                Ok(Number(text.to_owned()))
            }
        }
        deserializer.deserialize_any(Exact)
    }
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let written = toml::value::Datetime::deserialize(deserializer)?;
    let day = if written.time.is_none() { written.to_string().parse().ok() } else { None };
    day.ok_or_else(|| de::Error::custom(format!("`{written}` is not a day such as 2026-01-31")))
}

pub(crate) fn optional_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    day(deserializer).map(Some)
}

impl Step {
    fn numbers(&self) -> [(DocumentKind, &Option<String>); 11] {
        [
            (DocumentKind::Bill, &self.bill),
            (DocumentKind::Invoice, &self.invoice),
            (DocumentKind::SalesCredit, &self.sales_credit),
            (DocumentKind::SupplierCredit, &self.supplier_credit),
            (DocumentKind::PurchaseOrder, &self.purchase_order),
            (DocumentKind::SpendMoney, &self.spend_money),
            (DocumentKind::ReceiveMoney, &self.receive_money),
            (DocumentKind::SpendPrepayment, &self.spend_prepayment),
            (DocumentKind::ReceivePrepayment, &self.receive_prepayment),
            (DocumentKind::SpendOverpayment, &self.spend_overpayment),
            (DocumentKind::ReceiveOverpayment, &self.receive_overpayment),
        ]
    }

    /// The document that it writes or changes, with its number.
    pub fn document(&self) -> Option<(DocumentKind, &str)> {
        self.numbers().into_iter().find_map(|(kind, number)| Some((kind, number.as_deref()?)))
    }

    fn actions(&self) -> usize {
        let documents = self.numbers().into_iter().filter(|(_, number)| number.is_some()).count();
        documents
            + usize::from(self.set_against.is_some())
            + usize::from(self.count.is_some())
            + usize::from(self.receipt.is_some())
            + usize::from(self.take_in.is_some())
            + usize::from(self.receipt_back.is_some())
            + usize::from(self.adjust.is_some())
            + usize::from(self.approve.is_some())
            + usize::from(self.units.is_some())
            + usize::from(self.landed.is_some())
            + usize::from(self.take_back.is_some())
            + usize::from(self.lock.is_some())
            + usize::from(self.day.is_some())
    }

    /// Whether it says something of a document.
    fn describes_document(&self) -> bool {
        self.on.is_some()
            || self.status.is_some()
            || self.contact.is_some()
            || self.amounts.is_some()
            || self.currency.is_some()
            || self.lines.is_some()
    }
}

impl Scenario {
    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong, with the line where the text itself is.
    pub fn read(text: &str) -> Result<Self, String> {
        let scenario: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if scenario.step.len() > STEPS_MAX {
            return Err(format!("more than {STEPS_MAX} steps"));
        }
        if scenario.expect.is_empty() {
            return Err("nothing is expected: write at least one [[expect]]".to_owned());
        }
        for (number, step) in (1..).zip(&scenario.step) {
            if step.actions() != 1 {
                return Err(format!(
                    "step {number} must name one thing: a document by its kind and number, a count, a goods receipt, an adjustment, units, a voucher, a lock or a day"
                ));
            }
        }
        for (number, step) in (1..).zip(&scenario.step) {
            if step.document().is_none() && step.describes_document() {
                return Err(format!(
                    "step {number} is no document, so it has no day, status, contact, amounts or lines"
                ));
            }
        }
        let is_now = |expect: &Expect| {
            expect.committed.is_some() || expect.available.is_some() || expect.on_order.is_some()
        };
        if let Some(expect) = scenario.expect.iter().find(|expect| expect.on.is_some() && is_now(expect)) {
            return Err(format!(
                "of `{}` on a past day `committed`, `available` and `on_order` are not known: leave `on` out",
                expect.item
            ));
        }
        let is_known = |code: &str| scenario.item.iter().any(|item| item.code == code);
        if let Some(expect) = scenario.expect.iter().find(|expect| !is_known(&expect.item)) {
            return Err(format!("`{}` is expected, and is none of the items", expect.item));
        }
        let is_written = |number: &str| {
            scenario
                .step
                .iter()
                .any(|step| step.numbers().into_iter().any(|(_, of)| of.as_deref() == Some(number)))
        };
        let costs = scenario.expect.iter().flat_map(|expect| expect.cost.iter().flatten());
        if let Some(cost) = costs.into_iter().find(|cost| !is_written(&cost.of)) {
            return Err(format!("the cost of `{}` is expected, and no step writes it", cost.of));
        }
        let mut now = scenario.today();
        for (number, step) in (1..).zip(&scenario.step) {
            let Some(day) = step.day else { continue };
            if scenario.today.is_none() {
                return Err(format!(
                    "step {number} lets a day begin: say with `today` on which the first steps are"
                ));
            }
            if day <= now {
                return Err(format!("step {number} lets {day} begin, and it is {now} already"));
            }
            now = day;
        }
        Ok(scenario)
    }

    /// The day on which all of it is looked at.
    pub fn ends(&self) -> Date {
        self.step.iter().filter_map(|step| step.day).max().unwrap_or_else(|| self.today())
    }

    /// The day on which it begins, and ends if no step says that another day begins.
    pub fn today(&self) -> Date {
        let counts = |step: &Step| step.count.iter().flatten().map(|count| count.on).max();
        let adjusted = |step: &Step| step.adjust.iter().flatten().map(|adjust| adjust.on).max();
        let voucher = |step: &Step| step.landed.as_ref().and_then(|landed| landed.on);
        let receipt = |step: &Step| step.receipt.as_ref().map(|receipt| receipt.on);
        let against = |step: &Step| step.set_against.as_ref().map(|set| set.on);
        let days = |step: &Step| {
            step.on
                .max(against(step))
                .max(step.lock)
                .max(counts(step))
                .max(voucher(step))
                .max(receipt(step))
                .max(adjusted(step))
        };
        let last = self.step.iter().filter_map(days).max();
        self.today.or_else(|| last?.tomorrow().ok()).unwrap_or(Date::constant(2026, 1, 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "about = 'x'\n[[item]]\ncode = 'CUP'\n[[expect]]\nitem = 'CUP'\n";

    fn refused(more: &str) -> String {
        Scenario::read(&format!("{LEAST}{more}")).unwrap_err()
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(Scenario::read(LEAST).is_ok());
        for (text, says) in [
            ("on_hand = 2.5", "a decimal as text"),
            ("on = 2026-01-01T10:00:00", "is not a day"),
            ("onhand = 2", "unknown field `onhand`"),
            ("[[step]]\non = 2026-01-01", "step 1 must name one thing"),
            ("[[step]]\nbill = 'B'\ninvoice = 'I'", "step 1 must name one thing"),
            ("[[expect]]\nitem = 'MUG'", "none of the items"),
            ("[[step]]\nlock = 2026-01-31\nstatus = 'voided'", "step 1 is no document"),
            ("on = 2026-01-01\ncommitted = 1", "leave `on` out"),
            ("[[step]]\nday = 2026-01-02", "say with `today`"),
            ("cost = [{ of = 'S-1', total = 1 }]", "no step writes it"),
        ] {
            let told = refused(text);
            assert!(told.contains(says), "{text}: {told}");
        }
        assert!(
            Scenario::read("about = 'x'\nexpect = []\nitem = []")
                .unwrap_err()
                .contains("nothing is expected")
        );
    }

    #[test]
    fn a_rate_is_exact() {
        assert_eq!(Number("0.629".to_owned()).millionths(), Ok(629_000));
        assert_eq!(Number("62".to_owned()).millionths(), Ok(62_000_000));
        for wrong in ["0.1234567", "-1", "x", ""] {
            assert!(Number(wrong.to_owned()).millionths().is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_is_looked_at_after_its_last_day() {
        let text =
            format!("{LEAST}[[step]]\nbill = 'B'\non = 2026-02-28\n[[step]]\ninvoice = 'I'\non = 2026-01-05");
        assert_eq!(Scenario::read(&text).unwrap().today(), Date::constant(2026, 3, 1));
    }
}

//! Costs of movements that stand in a file: `seq,date,item,kind,quantity,unit_cost,ref,origin_ref` in,
//! `seq,item,quantity_after,value_after,cost,correction` out, both in the order of date, then seq.
//!
//! The whole file is right or nothing of it counts. Two threads read a half of it each and then see to half of the items;
//! what comes out doesn't depend on that.

mod dealt;
mod layers;
mod lines;
mod links;
mod read;

use std::ops::Range;

use jiff::civil::Date;

pub use read::read;

use super::costs::{Costs, Price, Step};
use super::{Layer, Method};
use crate::fixed::{FixedError, Money, Quantity};

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Wrong lines that are told at most.
pub const WRONG_LINES_MAX: usize = 1_000;

const COLUMNS: [&str; 8] = ["seq", "date", "item", "kind", "quantity", "unit_cost", "ref", "origin_ref"];

/// A line that can't be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its number, the heading's is 1.
    pub line: u64,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// What a movement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Receipt,
    Issue,
    SaleReturn,
    PurchaseReturn,
    AdjustIn,
    AdjustOut,
    LandedCost,
}

impl Kind {
    const ALL: [(&str, Self); 7] = [
        ("receipt", Self::Receipt),
        ("issue", Self::Issue),
        ("sale_return", Self::SaleReturn),
        ("purchase_return", Self::PurchaseReturn),
        ("adjust_in", Self::AdjustIn),
        ("adjust_out", Self::AdjustOut),
        ("landed_cost", Self::LandedCost),
    ];

    fn of(text: &[u8]) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| name.as_bytes() == text).map(|(_, kind)| *kind)
    }

    /// Whether `unit_cost` is read.
    const fn has_cost(self) -> bool {
        matches!(self, Self::Receipt | Self::AdjustIn | Self::LandedCost)
    }

    /// Whether `origin_ref` may name another movement.
    const fn has_origin(self) -> bool {
        matches!(self, Self::SaleReturn | Self::PurchaseReturn | Self::LandedCost)
    }
}

/// A movement as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    seq: u64,
    on: Date,
    line: u32,
    /// The number of its item, in the order in which the file first names them.
    item: u32,
    kind: Kind,
    quantity: Quantity,
    /// With landed cost the whole amount.
    unit_cost: Option<Money>,
    /// Where its `ref` stands among the texts.
    reference: Range<u32>,
    /// Where its `origin_ref` stands.
    origin: Range<u32>,
    /// The place among the item's rows of the movement that it names.
    of: Option<u32>,
    is_named: bool,
}

/// When it is a row's turn: by date, then seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    on: Date,
    seq: u64,
    /// The number of its item.
    item: u32,
    /// Its place among the rows of the file.
    row: u32,
}

/// An item with its movements, by date, then seq.
#[derive(Debug)]
struct Item {
    code: String,
    rows: Vec<Row>,
}

/// The movements of a file, checked.
#[derive(Debug)]
pub struct Movements {
    /// In the order in which the file first names them.
    items: Vec<Item>,
    /// Of all movements, in their order.
    turns: Vec<Turn>,
    /// All references, one behind the other.
    texts: Vec<u8>,
}

/// What a file's movements cost.
#[derive(Debug)]
pub struct Outcome {
    /// The lines of movements that count as zero because no cost was known yet.
    pub unknown: Vec<u64>,
    /// By item.
    items: Vec<CostedItem>,
}

#[derive(Debug)]
struct CostedItem {
    /// By row.
    lines: Vec<Line>,
    costs: Costs<u32>,
}

/// What a movement cost, and what there is after it.
#[derive(Clone, Copy, Debug)]
struct Line {
    quantity: Quantity,
    value: Money,
    cost: Money,
    correction: Money,
}

/// A number of rows or bytes; the limits keep them far below what fits.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A place among rows or bytes.
fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A reference by where it stands.
fn bytes<'a>(texts: &'a [u8], range: &Range<u32>) -> &'a [u8] {
    texts.get(place(range.start)..place(range.end)).unwrap_or_default()
}

/// Does two things side by side.
fn both<A, B: Send>(one: impl FnOnce() -> A, other: impl FnOnce() -> B + Send) -> (A, B) {
    std::thread::scope(|scope| {
        let other = scope.spawn(other);
        let one = one();
        match other.join() {
            Ok(other) => (one, other),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

impl Movements {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.turns.len()
    }

    /// How many items they are of.
    pub fn items(&self) -> usize {
        self.items.len()
    }

    /// What they cost by a method.
    ///
    /// # Errors
    /// The line at which an amount does not fit.
    pub fn cost(&self, method: Method) -> Result<Outcome, Wrong> {
        let (first, second) = self.items.split_at(self.items.len() >> 1);
        let (first, second) = both(|| Outcome::of(first, method), || Outcome::of(second, method));
        let (mut outcome, second) = (first?, second?);
        outcome.items.extend(second.items);
        outcome.unknown.extend(second.unknown);
        outcome.unknown.sort_unstable();
        Ok(outcome)
    }
}

impl Outcome {
    fn of(items: &[Item], method: Method) -> Result<Self, Wrong> {
        let mut unknown = Vec::new();
        let items = items.iter().map(|item| item.cost(method, &mut unknown)).collect::<Result<_, _>>()?;
        Ok(Self { unknown, items })
    }
}

impl Item {
    fn cost(&self, method: Method, unknown: &mut Vec<u64>) -> Result<CostedItem, Wrong> {
        let mut costs = Costs::new(method);
        let mut lines = Vec::with_capacity(self.rows.len());
        for (at, row) in (0..).zip(&self.rows) {
            let wrong = |error: FixedError| Wrong { line: row.line.into(), what: error.to_string() };
            let step = row.step().map_err(wrong)?;
            let costed = costs.apply(at, &step, row.is_named).map_err(wrong)?;
            if costed.is_unknown {
                unknown.push(row.line.into());
            }
            let Layer { quantity, cost: value, .. } = costs.total();
            lines.push(Line { quantity, value, cost: costed.cost, correction: costed.correction });
        }
        Ok(CostedItem { lines, costs })
    }
}

impl Row {
    fn step(&self) -> Result<Step<u32>, FixedError> {
        let (quantity, of) = (self.quantity, self.of);
        Ok(match self.kind {
            Kind::Receipt | Kind::AdjustIn => {
                let price = match self.unit_cost {
                    Some(unit_cost) => Some(Price { cost: quantity.at(unit_cost)?, unit_cost }),
                    None => None,
                };
                Step::Receipt { quantity, price }
            }
            Kind::Issue | Kind::AdjustOut => Step::Issue { quantity },
            Kind::SaleReturn => Step::SaleReturn { quantity, of },
            Kind::PurchaseReturn => Step::PurchaseReturn { quantity, of },
            // the reading saw to both
            Kind::LandedCost => {
                Step::LandedCost { amount: self.unit_cost.unwrap_or_default(), onto: of.unwrap_or_default() }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::lines::HEADING;
    use super::*;

    fn lines_of(movements: &Movements, method: Method) -> String {
        let outcome = movements.cost(method).unwrap();
        String::from_utf8(movements.lines(&outcome).flatten().collect()).unwrap()
    }

    fn wrong(rows: &str) -> Vec<(u64, String)> {
        let file = format!("{}\n{rows}", COLUMNS.join(","));
        let wrong = read(file.as_bytes()).expect_err("the file is not right");
        wrong.into_iter().map(|wrong| (wrong.line, wrong.what)).collect()
    }

    #[test]
    fn each_wrong_line_is_told_with_its_number_and_reason() {
        let cases = [
            ("1,2026-01-01,A,receipt,1,2,", "there are 7 columns, and must be 8"),
            ("1,2026-01-01,A,gift,1,2,,", "`gift` is no kind"),
            ("x,2026-01-01,A,receipt,1,2,,", "seq is `x`"),
            ("-1,2026-01-01,A,receipt,1,2,,", "seq is `-1`"),
            ("1,2026-02-30,A,receipt,1,2,,", "`2026-02-30` is no date"),
            ("1,2026-01-01T00:00,A,receipt,1,2,,", "is no date such as 2026-01-31"),
            ("1,,A,receipt,1,2,,", "`` is no date"),
            ("1,2026-01-01,,receipt,1,2,,", "the item is missing"),
            ("1,2026-01-01,A,receipt,,2,,", "quantity is missing"),
            ("1,2026-01-01,A,receipt,1.00001,2,,", "more than four digits"),
            ("1,2026-01-01,A,issue,-1,,,", "below zero"),
            ("1,2026-01-01,A,receipt,1,two,,", "unit_cost: `two`"),
            ("1,2026-01-01,A,receipt,1,-2,,", "unit_cost is below zero"),
            ("1,2026-01-01,A,issue,1,,,R1", "origin_ref stands on returns and landed cost alone"),
            ("1,2026-01-01,A,sale_return,1,,,S1", "`S1` is no issue or receipt of this item"),
            ("1,2026-01-01,A,landed_cost,,5,,", "origin_ref is missing"),
            ("1,2026-01-01,A,landed_cost,,,,R1", "unit_cost is missing"),
            ("1,2026-01-01,A,landed_cost,1,5,,R1", "landed cost has no quantity"),
            ("1,2026-01-01,A,receipt,1,2,R1,\n1,2026-01-02,A,issue,1,,,", "seq 1 stands on line 2"),
            (
                "1,2026-01-01,B,receipt,1,2,R1,\n2,2026-01-02,A,purchase_return,1,,,R1",
                "`R1` is no receipt of this item",
            ),
            (
                "1,2026-01-02,A,receipt,1,2,R1,\n2,2026-01-01,A,landed_cost,,5,,R1",
                "the receipt `R1` comes after it",
            ),
            (
                "1,2026-01-01,A,issue,1,,S1,\n2,2026-01-01,A,issue,1,,S1,\n3,2026-01-02,A,sale_return,1,,,S1",
                "`S1` is more than one issue of this item",
            ),
            ("1,2026-01-01,A,receipt,900000000000000,900000000000000,,", "too large"),
        ];
        for (rows, reason) in cases {
            let file = format!("{}\n{rows}\n", COLUMNS.join(","));
            let told = match read(file.as_bytes()) {
                Err(wrong) => wrong,
                Ok(movements) => vec![movements.cost(Method::Fifo).expect_err(rows)],
            };
            assert_eq!(told.len(), 1, "{rows}: {told:?}");
            assert_eq!(told[0].line, 1 + u64::try_from(rows.lines().count()).unwrap(), "{rows}");
            assert!(told[0].what.contains(reason), "{rows}: {told:?}");
        }
    }

    #[test]
    fn all_wrong_lines_are_told_in_their_order() {
        let told = wrong("1,2026-01-01,A,gift,1,,,\n2,2026-01-01,A,issue,1,,,\n3,2026-01-01,A,issue,,,,\n");
        assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4]);
        assert_eq!(read(b"seq,date\n").expect_err("no heading")[0].line, 1);
        assert_eq!(read(b"").expect_err("no heading")[0].line, 1);
    }

    #[test]
    fn a_mark_at_the_start_and_line_ends_of_windows_are_read() {
        let file = format!("\u{feff}{}\r\n1,2026-01-01,A,receipt,2,3,,\r\n", COLUMNS.join(","));
        let movements = read(file.as_bytes()).unwrap();
        let lines = lines_of(&movements, Method::Fifo);
        assert_eq!(lines, format!("{HEADING}1,A,2,6.00,6.00,0.00\n"));
    }

    #[test]
    fn both_halves_of_a_file_count_their_lines() {
        let rows: Vec<String> = (1..=40).map(|seq| format!("{seq},2026-01-01,A,issue,,,,")).collect();
        let lines = |rows: &str| -> Vec<u64> { wrong(rows).into_iter().map(|(line, _)| line).collect() };
        assert_eq!(lines(&rows.join("\n")), (2..=41).collect::<Vec<_>>());
        assert_eq!(lines(&rows.join("\r\n")), (2..=41).collect::<Vec<_>>());
        assert_eq!(lines(&rows.join("\n\n")), (1..=40).map(|row| 2 * row).collect::<Vec<_>>());
        let doubled = "1,2026-01-01,A,issue,1,,,\n".repeat(3);
        assert_eq!(
            wrong(&doubled)[1],
            (4, "seq 1 stands on line 3 of the same item already".to_owned()),
            "an item's rows of both halves"
        );
    }

    #[test]
    fn quoted_cells_are_read_like_others_and_may_hold_line_ends() {
        let (plain, quoted): (Vec<String>, Vec<String>) = (1..=40)
            .map(|seq| {
                let (item, kind) = (seq % 3, if seq % 4 == 0 { "issue" } else { "receipt" });
                let plain = format!("{seq},2026-01-01,I{item},{kind},{seq},2,R{seq},");
                (
                    plain.clone(),
                    plain.split(',').map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(","),
                )
            })
            .unzip();
        let costed = |rows: &[String]| {
            let movements = read(format!("{}\n{}", COLUMNS.join(","), rows.join("\n")).as_bytes()).unwrap();
            lines_of(&movements, Method::Fifo)
        };
        assert_eq!(costed(&quoted), costed(&plain));
        let lines = costed(&["1,2026-01-01,\"I\n1\",receipt,1,2,,".to_owned()]);
        assert_eq!(lines, format!("{HEADING}1,\"I\n1\",1,2.00,2.00,0.00\n"));
    }

    #[test]
    fn two_items_may_have_the_same_references_and_seqs() {
        let rows = "1,2026-01-01,A,receipt,2,3,R1,\n1,2026-01-01,B,receipt,2,4,R1,\n2,2026-01-02,B,purchase_return,1,,,R1\n";
        let movements = read(format!("{}\n{rows}", COLUMNS.join(",")).as_bytes()).unwrap();
        assert_eq!((movements.count(), movements.items()), (3, 2));
        let lines = lines_of(&movements, Method::Average);
        assert!(
            lines.ends_with("1,A,2,6.00,6.00,0.00\n1,B,2,8.00,8.00,0.00\n2,B,1,4.00,4.00,0.00\n"),
            "{lines}"
        );
    }
}

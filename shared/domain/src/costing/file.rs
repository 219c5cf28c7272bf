//! Costs of movements that stand in a file: `seq,date,item,kind,quantity,unit_cost,ref,origin_ref` in,
//! `seq,item,quantity_after,value_after,cost,correction` out, both in the order of date, then seq.
//!
//! The whole file is right or nothing of it counts.

#![expect(clippy::disallowed_types, reason = "names are looked up, never walked, so no order of them shows")]

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use csv::{ByteRecord, ReaderBuilder};
use jiff::civil::Date;
use serde::Serialize;

use super::costs::{Costs, Price, Step};
use super::{Layer, Method};
use crate::fixed::{FixedError, Money, Quantity};

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Wrong lines that are told at most.
pub const WRONG_LINES_MAX: usize = 1_000;

const COLUMNS: [&str; 8] = ["seq", "date", "item", "kind", "quantity", "unit_cost", "ref", "origin_ref"];
const HEADING_OUT: &str = "seq,item,quantity_after,value_after,cost,correction\n";
/// Bytes that a line takes at most, as a rule: a text that outgrows its place is copied.
const LINE_BYTES: usize = 56;

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
#[derive(Clone, Debug)]
struct Row {
    seq: u64,
    on: Date,
    line: u32,
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

/// An item with its movements, by date, then seq.
#[derive(Debug)]
struct Item {
    code: String,
    rows: Vec<Row>,
    /// Whether a row names another.
    has_origins: bool,
}

/// The movements of a file, checked.
#[derive(Debug)]
pub struct Movements {
    /// In the order in which the file first names them.
    items: Vec<Item>,
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

/// Reads a file.
///
/// # Errors
/// All lines that are wrong, at most [`WRONG_LINES_MAX`].
pub fn read(file: &[u8]) -> Result<Movements, Vec<Wrong>> {
    let refused = |what: String| Err(vec![Wrong { line: 1, what }]);
    if file.len() > FILE_BYTES_MAX {
        return refused(format!("the file has more than {FILE_BYTES_MAX} bytes: split it by items"));
    }
    let file = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
    let end = file.iter().position(|byte| *byte == b'\n').map_or(file.len(), |at| at.saturating_add(1));
    let (heading, rows) = file.split_at_checked(end).unwrap_or((file, &[]));
    let mut record = ByteRecord::new();
    let mut reader = reader(heading);
    let is_right =
        reader.read_byte_record(&mut record).is_ok_and(|_| record.iter().eq(COLUMNS.map(str::as_bytes)));
    if !is_right || reader.read_byte_record(&mut record).is_ok_and(|more| more) {
        return refused(format!("the heading must be a line of {}", COLUMNS.join(",")));
    }
    let (first, second) = halves(rows);
    let line_of_second = first.iter().filter(|byte| **byte == b'\n').count().saturating_add(2);
    let (first, second) = both(|| Part::read(first, 2), || Part::read(second, line_of_second));
    first.join(second)
}

/// Line ends in a row from a byte on.
fn line_ends(rows: &[u8], from: u64) -> u64 {
    let rest = usize::try_from(from).ok().and_then(|from| rows.get(from..)).unwrap_or_default();
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    count(ends.filter(|byte| **byte == b'\n').count()).into()
}

fn reader(text: &[u8]) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text)
}

/// Lines in two parts of about the same size. The second is empty where a cell is quoted, since it may hold line ends.
fn halves(rows: &[u8]) -> (&[u8], &[u8]) {
    if rows.contains(&b'"') {
        return (rows, &[]);
    }
    let middle = rows.len() >> 1;
    let to_line_end = rows.iter().skip(middle).position(|byte| *byte == b'\n');
    let at = to_line_end.map_or(rows.len(), |length| middle.saturating_add(length).saturating_add(1));
    rows.split_at_checked(at).unwrap_or((rows, &[]))
}

/// Does two things side by side; what comes out doesn't depend on that.
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

/// Lines of a file, read by themselves.
#[derive(Default)]
struct Part {
    numbers: HashMap<Vec<u8>, usize>,
    items: Vec<Item>,
    texts: Vec<u8>,
    /// The date of the row before, as text and as date.
    last_date: Option<(Vec<u8>, Date)>,
    wrong: Vec<Wrong>,
}

impl Part {
    fn read(rows: &[u8], first_line: usize) -> Self {
        let mut part = Self::default();
        let mut reader = reader(rows);
        let mut record = ByteRecord::new();
        while part.wrong.len() < WRONG_LINES_MAX {
            // the reader counts lines from 1, and the end of the line before only with the row
            let before = reader.position().line().saturating_sub(1);
            let ends = line_ends(rows, reader.position().byte());
            let line = [before, ends, count(first_line).into()].into_iter().fold(0, u64::saturating_add);
            let what = match reader.read_byte_record(&mut record) {
                Ok(false) => break,
                Ok(true) => part.row(&record, line).err(),
                Err(error) => Some(error.to_string()),
            };
            if let Some(what) = what {
                part.wrong.push(Wrong { line, what });
            }
        }
        part
    }

    fn row(&mut self, record: &ByteRecord, line: u64) -> Result<(), String> {
        let [seq, date, item, kind, quantity, unit_cost, reference, origin] = fields(record)?;
        let kind = Kind::of(kind).ok_or_else(|| {
            let kinds = Kind::ALL.map(|(name, _)| name).join(", ");
            format!("`{}` is no kind: {kinds} are", String::from_utf8_lossy(kind))
        })?;
        let seq = text(seq)?;
        let seq = seq.parse().map_err(|_| format!("seq is `{seq}`, and must be a whole number"))?;
        if item.is_empty() {
            return Err("the item is missing".into());
        }
        let quantity = match (quantity, kind) {
            ([], Kind::LandedCost) => Quantity::ZERO,
            (quantity, _) => amount("quantity", quantity)?,
        };
        if kind == Kind::LandedCost && !quantity.is_zero() {
            return Err("landed cost has no quantity: leave it blank".into());
        }
        if quantity.is_negative() {
            return Err("the quantity is below zero: the kind says whether it comes in or goes out".into());
        }
        let unit_cost: Option<Money> = if kind.has_cost() && !unit_cost.is_empty() {
            Some(amount("unit_cost", unit_cost)?)
        } else {
            None
        };
        match (kind, unit_cost) {
            (Kind::LandedCost, None) => {
                return Err("unit_cost is missing: of landed cost it is the whole amount".into());
            }
            (Kind::LandedCost, _) => {}
            (_, Some(cost)) if cost.is_negative() => return Err("unit_cost is below zero".into()),
            _ => {}
        }
        match (origin, kind.has_origin()) {
            ([], _) if kind == Kind::LandedCost => {
                return Err("origin_ref is missing: name the receipt that the landed cost belongs to".into());
            }
            ([_, ..], false) => return Err("origin_ref stands on returns and landed cost alone".into()),
            _ => {}
        }
        let on = self.date(date)?;
        let (reference, origin) = (self.keep(reference), self.keep(origin));
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let item = self.item(item)?;
        item.has_origins |= !origin.is_empty();
        item.rows.push(Row {
            seq,
            on,
            line,
            kind,
            quantity,
            unit_cost,
            reference,
            origin,
            of: None,
            is_named: false,
        });
        Ok(())
    }

    fn item(&mut self, code: &[u8]) -> Result<&mut Item, String> {
        let number = match self.numbers.get(code) {
            Some(number) => *number,
            None => {
                let (number, name) = (self.items.len(), text(code)?.to_owned());
                self.numbers.insert(code.to_vec(), number);
                self.items.push(Item { code: name, rows: Vec::new(), has_origins: false });
                number
            }
        };
        self.items.get_mut(number).ok_or_else(|| "the item is not known".to_owned())
    }

    /// Most rows are of the day of the row before.
    fn date(&mut self, date: &[u8]) -> Result<Date, String> {
        if let Some((_, parsed)) = self.last_date.as_ref().filter(|(last, _)| last == date) {
            return Ok(*parsed);
        }
        let parsed = text(date)?.parse().ok().filter(|_| date.len() == "2026-01-31".len());
        let parsed = parsed
            .ok_or_else(|| format!("`{}` is no date such as 2026-01-31", String::from_utf8_lossy(date)))?;
        self.last_date = Some((date.to_vec(), parsed));
        Ok(parsed)
    }

    fn keep(&mut self, reference: &[u8]) -> Range<u32> {
        let start = count(self.texts.len());
        self.texts.extend_from_slice(reference);
        start..count(self.texts.len())
    }

    /// The movements of two parts, of which `other` comes second.
    fn join(mut self, other: Self) -> Result<Movements, Vec<Wrong>> {
        let shift = count(self.texts.len());
        let shifted = |range: Range<u32>| range.start.saturating_add(shift)..range.end.saturating_add(shift);
        for item in other.items {
            let rows = item.rows.into_iter().map(|row| Row {
                reference: shifted(row.reference),
                origin: shifted(row.origin),
                ..row
            });
            match self.numbers.get(item.code.as_bytes()).and_then(|number| self.items.get_mut(*number)) {
                Some(standing) => {
                    standing.rows.extend(rows);
                    standing.has_origins |= item.has_origins;
                }
                None => self.items.push(Item { rows: rows.collect(), ..item }),
            }
        }
        self.texts.extend_from_slice(&other.texts);
        let mut movements = Movements { items: self.items, texts: self.texts };
        let mut wrong = self.wrong;
        wrong.extend(other.wrong);
        if wrong.is_empty() {
            for item in &mut movements.items {
                item.rows.sort_by_key(|row| (row.on, row.seq));
                wrong.extend(item.doubles());
                if item.has_origins {
                    wrong.extend(item.link(&movements.texts));
                }
            }
        }
        if wrong.is_empty() {
            return Ok(movements);
        }
        wrong.sort_by_key(|wrong| wrong.line);
        wrong.truncate(WRONG_LINES_MAX);
        Err(wrong)
    }
}

impl Item {
    /// Rows with the same seq: their order would be a guess.
    fn doubles(&self) -> Vec<Wrong> {
        if self.rows.is_sorted_by(|one, next| one.seq < next.seq) {
            return Vec::new();
        }
        let mut keys: Vec<(u64, u32)> = self.rows.iter().map(|row| (row.seq, row.line)).collect();
        keys.sort_unstable();
        let pairs = keys.iter().zip(keys.iter().skip(1)).filter(|(one, next)| one.0 == next.0);
        pairs
            .map(|(one, next)| Wrong {
                line: next.1.into(),
                what: format!("seq {} stands on line {} of the same item already", next.0, one.1),
            })
            .collect()
    }

    /// Finds the movements that others name.
    fn link(&mut self, texts: &[u8]) -> Vec<Wrong> {
        let mut named: HashMap<&[u8], Named> = HashMap::new();
        for row in self.rows.iter().filter(|row| !row.origin.is_empty()) {
            named.insert(bytes(texts, &row.origin), Named::default());
        }
        for (at, row) in (0..).zip(&self.rows) {
            let Some(found) = named.get_mut(bytes(texts, &row.reference)) else { continue };
            let found = match row.kind {
                Kind::Issue => &mut found.issues,
                Kind::Receipt | Kind::AdjustIn => &mut found.receipts,
                _ => continue,
            };
            *found = if *found == Found::Nothing { Found::One(at) } else { Found::Several };
        }
        let (mut wrong, mut links) = (Vec::new(), Vec::new());
        for (at, row) in (0..).zip(&self.rows).filter(|(_, row)| !row.origin.is_empty()) {
            let name = bytes(texts, &row.origin);
            let found = named.get(name).copied().unwrap_or_default();
            let name = String::from_utf8_lossy(name);
            let (words, found) = match (row.kind, found.issues) {
                (Kind::SaleReturn, Found::Nothing) => ("issue or receipt", found.receipts),
                (Kind::SaleReturn, issues) => ("issue", issues),
                _ => ("receipt", found.receipts),
            };
            let what = match found {
                Found::One(of) if row.kind == Kind::LandedCost && of > at => {
                    format!("the receipt `{name}` comes after it: give its landed cost a later date or seq")
                }
                Found::One(of) => {
                    links.push((at, of));
                    continue;
                }
                Found::Nothing => format!("`{name}` is no {words} of this item in the file"),
                Found::Several => {
                    format!("`{name}` is more than one {words} of this item: give each a ref of its own")
                }
            };
            wrong.push(Wrong { line: row.line.into(), what });
        }
        for (at, of) in links {
            if let Some(row) = self.rows.get_mut(place(at)) {
                row.of = Some(of);
            }
            if let Some(row) = self.rows.get_mut(place(of)) {
                row.is_named = true;
            }
        }
        wrong
    }

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

/// What goes by a reference.
#[derive(Clone, Copy, Default)]
struct Named {
    issues: Found,
    receipts: Found,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Found {
    #[default]
    Nothing,
    One(u32),
    Several,
}

fn fields(record: &ByteRecord) -> Result<[&[u8]; COLUMNS.len()], String> {
    if record.len() != COLUMNS.len() {
        return Err(format!("there are {} columns, and must be {}", record.len(), COLUMNS.len()));
    }
    Ok(std::array::from_fn(|column| record.get(column).unwrap_or_default()))
}

fn text(field: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(field).map_err(|_| "the line is not UTF-8".to_owned())
}

fn amount<T: std::str::FromStr<Err = FixedError>>(column: &str, field: &[u8]) -> Result<T, String> {
    if field.is_empty() {
        return Err(format!("{column} is missing"));
    }
    text(field)?.parse().map_err(|error| format!("{column}: {error}"))
}

impl Movements {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.items.iter().map(|item| item.rows.len()).sum()
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
        let mut unknown = Vec::new();
        let mut items = Vec::with_capacity(self.items.len());
        for item in &self.items {
            items.push(item.cost(method, &mut unknown)?);
        }
        unknown.sort_unstable();
        Ok(Outcome { unknown, items })
    }

    /// The costs as a file in two parts, one behind the other: a line for each movement.
    pub fn lines(&self, outcome: &Outcome) -> [String; 2] {
        let mut order: Vec<(Date, u64, u32, u32)> = Vec::with_capacity(self.count());
        for (number, item) in (0..).zip(&self.items) {
            order.extend((0..).zip(&item.rows).map(|(at, row)| (row.on, row.seq, number, at)));
        }
        order.sort_unstable();
        let items: Vec<(String, &[Line])> = self
            .items
            .iter()
            .zip(&outcome.items)
            .map(|(item, costed)| (as_cell(&item.code), costed.lines.as_slice()))
            .collect();
        let write = |heading: &str, order: &[(Date, u64, u32, u32)]| {
            let length = order.len().saturating_mul(LINE_BYTES).saturating_add(heading.len());
            let mut text = String::with_capacity(length);
            text.push_str(heading);
            for (_, seq, number, at) in order {
                let Some((code, lines)) = items.get(place(*number)) else { continue };
                let Some(Line { quantity, value, cost, correction }) = lines.get(place(*at)) else {
                    continue;
                };
                // writing to memory does not fail
                let _ = writeln!(text, "{seq},{code},{quantity},{value},{cost},{correction}");
            }
            text
        };
        let (first, second) = order.split_at_checked(order.len() >> 1).unwrap_or_default();
        both(|| write(HEADING_OUT, first), || write("", second)).into()
    }

    /// A line of JSON for each item with what is there at the end, in the order in which the file first names them.
    ///
    /// # Errors
    /// When they can't be written as JSON, which is a bug.
    pub fn layers(&self, outcome: &Outcome) -> Result<Vec<u8>, serde_json::Error> {
        let mut lines = Vec::new();
        for (item, costed) in self.items.iter().zip(&outcome.items) {
            let total = costed.costs.total();
            let mut layers: Vec<LayerLine<'_>> = Vec::new();
            for layer in costed.costs.layers() {
                let from = item.rows.get(place(layer.from)).map(|row| FromLine {
                    seq: row.seq,
                    date: row.on,
                    reference: String::from_utf8_lossy(bytes(&self.texts, &row.reference)),
                });
                layers.push(LayerLine { quantity: layer.quantity, cost: layer.cost, from });
            }
            if layers.is_empty() && !total.quantity.is_zero() {
                layers.push(LayerLine { quantity: total.quantity, cost: total.cost, from: None });
            }
            let line = ItemLine { item: &item.code, quantity: total.quantity, value: total.cost, layers };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
        Ok(lines)
    }
}

fn bytes<'a>(texts: &'a [u8], range: &Range<u32>) -> &'a [u8] {
    texts.get(place(range.start)..place(range.end)).unwrap_or_default()
}

/// An item's code as a cell of a CSV file.
fn as_cell(item: &str) -> String {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    // writing to memory does not fail
    let _ = writer.write_record([item]);
    let mut cell = String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default();
    cell.pop();
    cell
}

#[derive(Serialize)]
struct ItemLine<'a> {
    item: &'a str,
    quantity: Quantity,
    value: Money,
    layers: Vec<LayerLine<'a>>,
}

#[derive(Serialize)]
struct LayerLine<'a> {
    quantity: Quantity,
    cost: Money,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    from: Option<FromLine<'a>>,
}

#[derive(Serialize)]
struct FromLine<'a> {
    seq: u64,
    date: Date,
    #[serde(rename = "ref")]
    reference: std::borrow::Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let lines = movements.lines(&movements.cost(Method::Fifo).unwrap()).concat();
        assert_eq!(lines, format!("{HEADING_OUT}1,A,2,6.00,6.00,0.00\n"));
    }

    #[test]
    fn both_halves_of_a_file_count_their_lines() {
        let rows: Vec<String> = (1..=40).map(|seq| format!("{seq},2026-01-01,A,issue,,,,")).collect();
        let lines = |rows: &str| -> Vec<u64> { wrong(rows).into_iter().map(|(line, _)| line).collect() };
        assert_eq!(lines(&rows.join("\n")), (2..=41).collect::<Vec<_>>());
        assert_eq!(lines(&rows.join("\r\n")), (2..=41).collect::<Vec<_>>());
        assert_eq!(lines(&rows.join("\n\n")), (1..=40).map(|row| 2 * row).collect::<Vec<_>>());
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
            movements.lines(&movements.cost(Method::Fifo).unwrap()).concat()
        };
        assert_eq!(costed(&quoted), costed(&plain));
        let lines = costed(&["1,2026-01-01,\"I\n1\",receipt,1,2,,".to_owned()]);
        assert_eq!(lines, format!("{HEADING_OUT}1,\"I\n1\",1,2.00,2.00,0.00\n"));
    }

    #[test]
    fn two_items_may_have_the_same_references_and_seqs() {
        let rows = "1,2026-01-01,A,receipt,2,3,R1,\n1,2026-01-01,B,receipt,2,4,R1,\n2,2026-01-02,B,purchase_return,1,,,R1\n";
        let movements = read(format!("{}\n{rows}", COLUMNS.join(",")).as_bytes()).unwrap();
        assert_eq!((movements.count(), movements.items()), (3, 2));
        let lines = movements.lines(&movements.cost(Method::Average).unwrap()).concat();
        assert!(
            lines.ends_with("1,A,2,6.00,6.00,0.00\n1,B,2,8.00,8.00,0.00\n2,B,1,4.00,4.00,0.00\n"),
            "{lines}"
        );
    }
}

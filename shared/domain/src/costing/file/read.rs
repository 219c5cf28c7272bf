//! Reads the lines of a file, each half by itself.

#![expect(clippy::disallowed_types, reason = "items are looked up, never walked, so no order of them shows")]

use std::collections::HashMap;
use std::ops::Range;
use std::str::FromStr;

use csv::{ByteRecord, ReaderBuilder};
use jiff::civil::Date;

use super::{COLUMNS, FILE_BYTES_MAX, Kind, Movements, Row, WRONG_LINES_MAX, Wrong, both, count};
use crate::fixed::{FixedError, Money, Quantity};

/// The cells of a line, in the order of the columns.
type Cells<'a> = [&'a [u8]; COLUMNS.len()];

/// The first line behind the heading.
const FIRST_LINE: u32 = 2;
const DATE_BYTES: usize = "2026-01-31".len();

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
    let (heading, rows) = after_line_end(file, 0);
    let mut record = ByteRecord::new();
    let mut reader = reader(heading);
    let is_right =
        reader.read_byte_record(&mut record).is_ok_and(|_| record.iter().eq(COLUMNS.map(str::as_bytes)));
    if !is_right || reader.read_byte_record(&mut record).is_ok_and(|more| more) {
        return refused(format!("the heading must be a line of {}", COLUMNS.join(",")));
    }
    if memchr::memchr(b'"', rows).is_some() {
        return Part::quoted(rows).movements(Part::default());
    }
    let (first, second) = after_line_end(rows, rows.len() >> 1);
    let (first, second) = both(|| Part::plain(first), || Part::plain(second));
    first.movements(second)
}

/// What stands up to the end of the line in which `from` is, and what stands behind it.
fn after_line_end(text: &[u8], from: usize) -> (&[u8], &[u8]) {
    let rest = text.get(from..).unwrap_or_default();
    let end = memchr::memchr(b'\n', rest).and_then(|at| from.checked_add(at)?.checked_add(1));
    end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, &[]))
}

/// How many line ends stand one behind the other from a byte on.
fn line_ends(rows: &[u8], from: u64) -> u32 {
    let rest = usize::try_from(from).ok().and_then(|from| rows.get(from..)).unwrap_or_default();
    let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    count(ends.filter(|byte| **byte == b'\n').count())
}

fn reader(text: &[u8]) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text)
}

/// Lines of a file, read by themselves.
#[derive(Default)]
pub(super) struct Part {
    numbers: HashMap<String, u32>,
    /// The items' codes, by their number.
    pub(super) codes: Vec<String>,
    pub(super) rows: Vec<Row>,
    /// All references, one behind the other.
    pub(super) texts: Vec<u8>,
    /// Line ends that were read.
    pub(super) line_ends: u32,
    /// The date of the row before, as text and as date.
    last_date: Option<([u8; DATE_BYTES], Date)>,
    pub(super) wrong: Vec<Wrong>,
}

impl Part {
    /// Of lines without quotes: a cell ends with a comma, and a row with its line.
    fn plain(lines: &[u8]) -> Self {
        let mut part = Self::default();
        let mut from = 0;
        for end in memchr::memchr2_iter(b'\r', b'\n', lines).chain([lines.len()]) {
            let row = lines.get(from..end).unwrap_or_default();
            if !row.is_empty() {
                part.take(plain_cells(row));
                if part.is_wrong_enough() {
                    break;
                }
            }
            if lines.get(end) == Some(&b'\n') {
                part.line_ends = part.line_ends.saturating_add(1);
            }
            from = end.saturating_add(1);
        }
        part
    }

    /// Of lines that may have quotes around cells, and then line ends in them.
    fn quoted(lines: &[u8]) -> Self {
        let mut part = Self::default();
        let mut reader = reader(lines);
        let mut record = ByteRecord::new();
        while !part.is_wrong_enough() {
            // the reader counts lines from 1, and the end of the line before only with the row
            let before = reader.position().line().saturating_sub(1);
            part.line_ends = u32::try_from(before)
                .unwrap_or(u32::MAX)
                .saturating_add(line_ends(lines, reader.position().byte()));
            let cells = match reader.read_byte_record(&mut record) {
                Ok(false) => break,
                Ok(true) => cells(record.iter()),
                Err(error) => Err(error.to_string()),
            };
            part.take(cells);
        }
        part
    }

    fn is_wrong_enough(&self) -> bool {
        self.wrong.len() >= WRONG_LINES_MAX
    }

    fn take(&mut self, cells: Result<Cells<'_>, String>) {
        if let Err(what) = cells.and_then(|cells| self.row(cells)) {
            self.wrong.push(Wrong { line: self.line().into(), what });
        }
    }

    /// The line that is read.
    fn line(&self) -> u32 {
        self.line_ends.saturating_add(FIRST_LINE)
    }

    fn row(
        &mut self,
        [seq, date, item, kind, quantity, unit_cost, reference, origin]: Cells<'_>,
    ) -> Result<(), String> {
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
        let item = self.number(text(item)?);
        let row = Row {
            seq,
            on,
            line: self.line(),
            item,
            kind,
            quantity,
            unit_cost,
            reference: self.keep(reference),
            origin: self.keep(origin),
            of: None,
            is_named: false,
        };
        self.rows.push(row);
        Ok(())
    }

    /// The number of an item, which it gets where it is first named.
    pub(super) fn number(&mut self, code: &str) -> u32 {
        if let Some(number) = self.numbers.get(code) {
            return *number;
        }
        let number = count(self.codes.len());
        self.numbers.insert(code.to_owned(), number);
        self.codes.push(code.to_owned());
        number
    }

    /// Most rows are of the day of the row before.
    fn date(&mut self, date: &[u8]) -> Result<Date, String> {
        if let Some((_, parsed)) = self.last_date.filter(|(last, _)| last == date) {
            return Ok(parsed);
        }
        self.last_date = date.try_into().ok().zip(text(date)?.parse().ok());
        match self.last_date {
            Some((_, parsed)) => Ok(parsed),
            None => Err(format!("`{}` is no date such as 2026-01-31", String::from_utf8_lossy(date))),
        }
    }

    fn keep(&mut self, reference: &[u8]) -> Range<u32> {
        let start = count(self.texts.len());
        self.texts.extend_from_slice(reference);
        start..count(self.texts.len())
    }
}

fn plain_cells(row: &[u8]) -> Result<Cells<'_>, String> {
    let mut from = 0;
    let ends = memchr::memchr_iter(b',', row).chain([row.len()]);
    cells(ends.map(|end| {
        let cell = row.get(from..end).unwrap_or_default();
        from = end.saturating_add(1);
        cell
    }))
}

fn cells<'a>(mut given: impl Iterator<Item = &'a [u8]>) -> Result<Cells<'a>, String> {
    let mut columns: usize = 0;
    let cells = std::array::from_fn(|_| {
        let cell = given.next();
        columns = columns.saturating_add(usize::from(cell.is_some()));
        cell.unwrap_or_default()
    });
    columns = columns.saturating_add(given.count());
    if columns == COLUMNS.len() {
        Ok(cells)
    } else {
        Err(format!("there are {columns} columns, and must be {}", COLUMNS.len()))
    }
}

fn text(cell: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(cell).map_err(|_| "the line is not UTF-8".to_owned())
}

fn amount<T: FromStr<Err = FixedError>>(column: &str, cell: &[u8]) -> Result<T, String> {
    if cell.is_empty() {
        return Err(format!("{column} is missing"));
    }
    text(cell)?.parse().map_err(|error| format!("{column}: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lines of which some are right, and what stands between them.
    fn lines() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[1-9],2026-01-0[1-9],[AB],(receipt|issue),[1-3],,R[1-3],",
            "[1-9],2026-01-0[1-9],[AB],gift,[1-3],,,",
            Just("a".to_owned()),
            Just(",".to_owned()),
            Just("\r".to_owned()),
            Just("\n".to_owned()),
            Just("\r\n".to_owned()),
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn lines_without_quotes_are_read_as_lines_that_may_have_some(lines in lines()) {
            let (plain, quoted) = (Part::plain(lines.as_bytes()), Part::quoted(lines.as_bytes()));
            prop_assert_eq!(plain.wrong, quoted.wrong);
            prop_assert_eq!(plain.rows, quoted.rows);
            prop_assert_eq!((plain.codes, plain.texts), (quoted.codes, quoted.texts));
        }
    }
}

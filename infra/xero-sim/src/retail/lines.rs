//! The retailer's file, line by line: each is checked here, so that the rest can rely on it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use jiff::civil::DateTime;

use super::{Nature, RetailError};
use crate::act::E4;

/// Read from the file at once, in bytes.
const READ_BUFFER: usize = 64 * 1024;
/// What a compressed file begins with (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Largest quantity of a line, in units.
const QUANTITY_MAX: i64 = 1_000_000;
/// Highest price, up or down.
const PRICE_MAX: E4 = E4::whole(1_000_000);
/// Longest item code that Xero takes, in characters.
const CODE_MAX: usize = 30;
/// Longest document number and customer id, in characters.
const NUMBER_MAX: usize = 40;
/// Longest description that Xero takes, in characters.
const DESCRIPTION_MAX: usize = 4_000;
/// Years that Xero and the zone's rules are used for.
const YEARS: std::ops::RangeInclusive<i16> = 1990..=2100;

/// One line of the file.
#[derive(Clone, Debug)]
pub(super) struct SourceLine {
    /// Counted from 1, the heading included.
    pub number: u64,
    pub document: String,
    pub nature: Nature,
    pub code: String,
    pub description: String,
    /// In units, never 0.
    pub quantity: i64,
    /// Local time.
    pub at: DateTime,
    pub price: E4,
    pub customer: String,
}

/// Where the columns are.
#[derive(Debug)]
struct Columns {
    document: usize,
    code: usize,
    description: usize,
    quantity: usize,
    at: usize,
    price: usize,
    customer: usize,
}

/// The checked lines of a file; ends after the first error.
pub(super) struct SourceLines {
    reader: csv::Reader<Box<dyn Read + Send>>,
    columns: Columns,
    record: csv::StringRecord,
    broken: bool,
}

impl std::fmt::Debug for SourceLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceLines").field("columns", &self.columns).finish_non_exhaustive()
    }
}

impl SourceLines {
    /// Opens the file, compressed or not, and reads the heading.
    pub fn open(path: &Path) -> Result<SourceLines, RetailError> {
        let unopened = |source| RetailError::Open { path: path.to_owned(), source };
        let mut file = BufReader::with_capacity(READ_BUFFER, File::open(path).map_err(unopened)?);
        let compressed = file.fill_buf().map_err(unopened)?.starts_with(&GZIP_MAGIC);
        let plain: Box<dyn Read + Send> =
            if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
        let mut reader = csv::ReaderBuilder::new().from_reader(plain);
        let heading = reader.headers().map_err(|cause| unreadable(&cause, 1))?.clone();
        let place =
            |name| heading.iter().position(|cell| cell == name).ok_or(RetailError::MissingColumn(name));
        let columns = Columns {
            document: place("invoice_no")?,
            code: place("stock_code")?,
            description: place("description")?,
            quantity: place("quantity")?,
            at: place("invoice_date")?,
            price: place("unit_price")?,
            customer: place("customer_id")?,
        };
        Ok(SourceLines { reader, columns, record: csv::StringRecord::new(), broken: false })
    }

    fn read(&mut self) -> Result<Option<SourceLine>, RetailError> {
        let line = self.reader.position().line();
        let more = self.reader.read_record(&mut self.record).map_err(|cause| unreadable(&cause, line))?;
        if !more {
            return Ok(None);
        }
        let number = self.record.position().map_or(line, csv::Position::line);
        let cell = |place| self.record.get(place).unwrap_or_default();
        let wrong = |problem: String| Err(RetailError::line(number, problem));

        let document = cell(self.columns.document);
        let Some(nature) = Nature::of(document).filter(|_| document.len() <= NUMBER_MAX) else {
            return wrong(format!("invoice_no {document:?} is not digits, nor C or A and digits"));
        };
        let code = cell(self.columns.code);
        if code.is_empty() || code != code.trim() || code.chars().count() > CODE_MAX {
            return wrong(format!(
                "stock_code {code:?} needs 1 to {CODE_MAX} characters without blanks around"
            ));
        }
        let description = cell(self.columns.description).trim();
        if description.chars().count() > DESCRIPTION_MAX {
            return wrong(format!("its description is longer than {DESCRIPTION_MAX} characters"));
        }
        let quantity = match cell(self.columns.quantity).parse::<i64>() {
            Ok(quantity) if quantity != 0 && (-QUANTITY_MAX..=QUANTITY_MAX).contains(&quantity) => quantity,
            _ => {
                return wrong(format!(
                    "quantity {:?} is not a whole number other than 0 of at most {QUANTITY_MAX}",
                    cell(self.columns.quantity)
                ));
            }
        };
        if nature == Nature::Credit && quantity > 0 {
            return wrong(format!("quantity {quantity} in credit note {document:?} is above 0"));
        }
        if nature == Nature::BookEntry && quantity < 0 {
            return wrong(format!(
                "quantity {quantity} in {document:?} is below 0: turn the price round instead"
            ));
        }
        let at = match cell(self.columns.at).parse::<DateTime>() {
            Ok(at) if YEARS.contains(&at.year()) => at,
            _ => {
                return wrong(format!(
                    "invoice_date {:?} is not a time such as 2010-12-01 08:26:00 of the years {} to {}",
                    cell(self.columns.at),
                    YEARS.start(),
                    YEARS.end()
                ));
            }
        };
        let price = match exact(cell(self.columns.price)) {
            Some(price) if (-PRICE_MAX..=PRICE_MAX).contains(&price) => price,
            _ => {
                return wrong(format!(
                    "unit_price {:?} is not a number with at most four decimals",
                    cell(self.columns.price)
                ));
            }
        };
        if price < E4::ZERO && nature != Nature::BookEntry {
            return wrong(format!("unit_price {price} is below 0, which only documents with A may have"));
        }
        let customer = cell(self.columns.customer);
        if customer.chars().count() > NUMBER_MAX {
            return wrong(format!("its customer_id is longer than {NUMBER_MAX} characters"));
        }
        Ok(Some(SourceLine {
            number,
            document: document.to_owned(),
            nature,
            code: code.to_owned(),
            description: description.to_owned(),
            quantity,
            at,
            price,
            customer: customer.to_owned(),
        }))
    }
}

impl Iterator for SourceLines {
    type Item = Result<SourceLine, RetailError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        let line = self.read().transpose();
        self.broken = !matches!(line, Some(Ok(_)));
        line
    }
}

/// A decimal that loses nothing in four places.
fn exact(text: &str) -> Option<E4> {
    let decimals = text.split_once('.').map_or("", |(_, decimals)| decimals);
    (decimals.trim_end_matches('0').len() <= 4).then(|| E4::parse(text)).flatten()
}

fn unreadable(cause: &csv::Error, line: u64) -> RetailError {
    let at = cause.position().map_or(line, csv::Position::line);
    let problem = match cause.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8: save the file as UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} columns where the heading has {expected_len}: is a quote missing?")
        }
        csv::ErrorKind::Io(io) => format!("it can't be read ({io}): is the file complete?"),
        _ => cause.to_string(),
    };
    RetailError::line(at, problem)
}

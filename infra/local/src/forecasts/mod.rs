//! Forecasts from files: what `parstock forecast` reads, asks the engine for, and writes.

mod calendar;
mod history;
mod long;
mod run;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub use calendar::DataSet;
pub use history::{History, Past};
pub use long::long;
pub use run::{each_cutoff, forecast_all, lines};

/// The first line of what is written.
pub const HEADER: &str = "unique_id,cutoff,h,mean,q50,q80,q90,q95,q975,q99";

/// What is wrong with a file.
#[derive(Debug)]
pub struct Wrong {
    /// The line, where it is one of a table.
    pub line: Option<u64>,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl Wrong {
    pub(crate) fn whole(what: impl Into<String>) -> Self {
        Self { line: None, what: what.into() }
    }

    pub(crate) fn at(line: u64, what: impl Into<String>) -> Self {
        Self { line: Some(line), what: what.into() }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// Whether a file is compressed, by its name.
pub fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// Opens a table, which is compressed if its name ends in `.gz`.
///
/// # Errors
/// It can't be opened.
pub fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    Ok(if is_compressed(path) {
        Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(file)))
    } else {
        Box::new(file)
    })
}

/// A table's columns by name.
pub(crate) struct Columns(csv::ByteRecord);

impl Columns {
    pub(crate) fn of(reader: &mut csv::Reader<impl Read>) -> Result<Self, Wrong> {
        Ok(Self(reader.byte_headers().map_err(|error| unread(&error))?.clone()))
    }

    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|column| column == name.as_bytes())
    }

    pub(crate) fn need(&self, name: &str) -> Result<usize, Wrong> {
        self.find(name).ok_or_else(|| Wrong::at(1, format!("the column {name} is missing")))
    }
}

pub(crate) fn unread(error: &csv::Error) -> Wrong {
    let line = error.position().map(csv::Position::line);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} columns where the first line has {expected_len}")
        }
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    };
    Wrong { line, what }
}

/// A cell as text.
pub(crate) fn text<'a>(
    record: &'a csv::ByteRecord,
    column: usize,
    line: u64,
    name: &str,
) -> Result<&'a str, Wrong> {
    std::str::from_utf8(record.get(column).unwrap_or_default())
        .map_err(|_| Wrong::at(line, format!("{name} is not in UTF-8")))
}

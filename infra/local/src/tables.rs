//! Tables that commands read from files alone, as CSV: columns go by name, and what is wrong is told with its line.

use std::fmt::{self, Display};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::str::{self, FromStr};

use crate::error::LocalError;

/// Lines of a table at most.
const LINES_MAX: u64 = 20_000_000;

/// What is wrong with a file.
#[derive(Debug)]
pub struct Wrong {
    /// The line, where it is one of a table.
    pub line: Option<u64>,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl Wrong {
    /// Something that no single line is to blame for.
    pub fn whole(what: impl Into<String>) -> Self {
        Self { line: None, what: what.into() }
    }

    fn of(error: &csv::Error) -> Self {
        let what = match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("{len} columns where the first line has {expected_len}")
            }
            csv::ErrorKind::Io(error) => error.to_string(),
            _ => error.to_string(),
        };
        Self { line: error.position().map(csv::Position::line), what }
    }
}

impl Display for Wrong {
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
pub fn open(path: &Path) -> Result<Box<dyn Read>, LocalError> {
    let file = File::open(path)
        .map_err(|error| LocalError::Input(format!("{} can't be read: {error}", path.display())))?;
    Ok(if is_compressed(path) {
        Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file)))
    } else {
        Box::new(file)
    })
}

/// A table whose first line names its columns.
pub struct Table<R> {
    reader: csv::Reader<R>,
    names: csv::ByteRecord,
}

/// Where a table has the cells of a name.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    name: &'static str,
    place: usize,
}

impl<R: Read> Table<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// It can't be read.
    pub fn of(table: R) -> Result<Self, Wrong> {
        let mut reader = csv::Reader::from_reader(table);
        let names = reader.byte_headers().map_err(|error| Wrong::of(&error))?.clone();
        Ok(Self { reader, names })
    }

    /// A column that may be missing.
    pub fn find(&self, name: &'static str) -> Option<Column> {
        let place = self.names.iter().position(|column| column == name.as_bytes())?;
        Some(Column { name, place })
    }

    /// A column that has to be there.
    ///
    /// # Errors
    /// It is missing.
    pub fn need(&self, name: &'static str) -> Result<Column, Wrong> {
        let missing = || Wrong { line: Some(1), what: format!("the column {name} is missing") };
        self.find(name).ok_or_else(missing)
    }

    /// Goes through the lines.
    ///
    /// # Errors
    /// A line can't be read, or the taker's.
    pub fn each(mut self, mut take: impl FnMut(Line<'_>) -> Result<(), Wrong>) -> Result<(), Wrong> {
        let mut record = csv::ByteRecord::new();
        let mut lines = 0;
        while self.reader.read_byte_record(&mut record).map_err(|error| Wrong::of(&error))? {
            let line = Line { record: &record, number: record.position().map_or(0, csv::Position::line) };
            lines += 1;
            if lines > LINES_MAX {
                return Err(line.wrong(format!("there are more than {LINES_MAX} lines: split the file")));
            }
            take(line)?;
        }
        Ok(())
    }
}

/// A line of a table.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    record: &'a csv::ByteRecord,
    /// Its number in the file, from 1.
    pub number: u64,
}

impl<'a> Line<'a> {
    /// Something that is wrong with it.
    pub fn wrong(self, what: impl Into<String>) -> Wrong {
        Wrong { line: Some(self.number), what: what.into() }
    }

    /// A cell as text.
    ///
    /// # Errors
    /// It is none.
    pub fn text(self, column: Column) -> Result<&'a str, Wrong> {
        str::from_utf8(self.record.get(column.place).unwrap_or_default())
            .map_err(|_| self.wrong(format!("{} is not in UTF-8", column.name)))
    }

    /// A cell that names something.
    ///
    /// # Errors
    /// It is empty.
    pub fn name(self, column: Column) -> Result<&'a str, Wrong> {
        match self.text(column)? {
            "" => Err(self.wrong(format!("{} is empty", column.name))),
            name => Ok(name),
        }
    }

    /// A cell's value; `None` if it is empty or there is no such column.
    ///
    /// # Errors
    /// It is no such value.
    pub fn value<T: FromStr<Err: Display>>(self, column: Option<Column>) -> Result<Option<T>, Wrong> {
        let Some(column) = column else { return Ok(None) };
        match self.text(column)?.trim() {
            "" => Ok(None),
            found => found.parse().map(Some).map_err(|error| self.wrong(format!("{}: {error}", column.name))),
        }
    }

    /// A cell's amount, which can't be below zero.
    ///
    /// # Errors
    /// It is no amount, or below zero.
    pub fn amount<T: FromStr<Err: Display> + Default + PartialOrd>(
        self,
        column: Option<Column>,
    ) -> Result<Option<T>, Wrong> {
        match (self.value::<T>(column)?, column) {
            (Some(amount), Some(column)) if amount < T::default() => {
                Err(self.wrong(format!("{} can't be below zero", column.name)))
            }
            (amount, _) => Ok(amount),
        }
    }
}

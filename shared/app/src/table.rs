//! Tables that people hand in as CSV: read whole, or every wrong row named.

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Line in the file, from 1.
    pub line: u64,
    /// What is wrong, and what to write instead.
    pub what: String,
}

/// Reads the rows of a table, each with its line in the file, by `row`, which says what is wrong with one.
///
/// # Errors
/// All that is wrong, each with its line.
pub(crate) fn read<T>(
    text: &str,
    columns: &[&str],
    rows_max: usize,
    mut row: impl FnMut(u64, &csv::StringRecord) -> Result<T, String>,
) -> Result<Vec<T>, Vec<Wrong>> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = match reader.headers() {
        Ok(header) => header.iter().map(str::to_owned).collect::<Vec<_>>(),
        Err(error) => return Err(vec![Wrong { line: 1, what: error.to_string() }]),
    };
    if header != columns {
        let what = format!("the first line must be `{}`", columns.join(","));
        return Err(vec![Wrong { line: 1, what }]);
    }
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                wrong.push(Wrong { line, what: format!("the line can't be read: {error}") });
                continue;
            }
        };
        let line = record.position().map_or(0, csv::Position::line);
        if rows.len() >= rows_max {
            wrong.push(Wrong { line, what: format!("more than {rows_max} rows: split the file") });
            break;
        }
        match row(line, &record) {
            Ok(row) => rows.push(row),
            Err(what) => wrong.push(Wrong { line, what }),
        }
    }
    if wrong.is_empty() { Ok(rows) } else { Err(wrong) }
}

/// Whether a field names the only place there is.
///
/// # Errors
/// Says what to write instead.
pub(crate) fn main_location(field: &str) -> Result<(), String> {
    match field {
        "" | "main" => Ok(()),
        other => Err(format!("the location `{other}` is not known: leave it empty or write `main`")),
    }
}

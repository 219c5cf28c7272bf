//! `parstock cost`: what the movements of a file cost by a method. It needs no folder and no stack.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use parstock_domain::costing::Method;
use parstock_domain::costing::file::{self, Wrong};

use crate::error::{DONE, LocalError};
use crate::screen;

/// Movements without a known cost whose lines are named.
const UNKNOWN_SHOWN: usize = 20;

/// How the cost of what goes out is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// First in, first out
    Fifo,
    /// Weighted average
    Average,
    /// Last in, first out
    Lifo,
}

/// Costs a file's movements.
#[derive(Args, Clone, Debug)]
pub struct Cost {
    /// How the cost of what goes out is chosen
    #[arg(long, value_enum)]
    method: By,
    /// Movements as CSV: seq,date,item,kind,quantity,unit_cost,ref,origin_ref
    #[arg(long, value_name = "FILE")]
    movements: PathBuf,
    /// Where to write seq,item,quantity_after,value_after,cost,correction
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Where to write what is left of each item's layers, a line of JSON each
    #[arg(long, value_name = "FILE")]
    layers: Option<PathBuf>,
}

/// Runs it.
pub(super) fn run(options: &Cost) -> Result<u8, LocalError> {
    let path = &options.movements;
    let text = fs::read(path)
        .map_err(|error| LocalError::Input(format!("{} can't be read: {error}", path.display())))?;
    let method = match options.method {
        By::Fifo => Method::Fifo,
        By::Average => Method::Average,
        By::Lifo => Method::Lifo,
    };
    let movements = file::read(&text).map_err(|wrong| refused(&wrong))?;
    drop(text);
    let outcome = movements.cost(method).map_err(|wrong| refused(&[wrong]))?;
    if let Some(path) = &options.layers {
        write(path, &[&movements.layers(&outcome)?])?;
    }
    let [first, second] = movements.lines(&outcome);
    write(&options.out, &[first.as_bytes(), second.as_bytes()])?;
    screen::talk(&format!("{} movements of {} items", movements.count(), movements.items()));
    if !outcome.unknown.is_empty() {
        screen::talk(&unknown(&outcome.unknown));
    }
    Ok(DONE)
}

fn refused(wrong: &[Wrong]) -> LocalError {
    let lines: Vec<String> =
        wrong.iter().map(|wrong| format!("line {}: {}", wrong.line, wrong.what)).collect();
    LocalError::Input(format!("nothing was written:\n{}", lines.join("\n")))
}

/// Half a file is none.
fn write(path: &Path, parts: &[&[u8]]) -> Result<(), LocalError> {
    let written =
        fs::File::create(path).and_then(|mut file| parts.iter().try_for_each(|part| file.write_all(part)));
    written.map_err(|error| {
        let _ = fs::remove_file(path);
        LocalError::Outside(format!("{} can't be written: {error}", path.display()))
    })
}

fn unknown(lines: &[u64]) -> String {
    let named: Vec<String> = lines.iter().take(UNKNOWN_SHOWN).map(u64::to_string).collect();
    let more = match lines.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "no cost was known where these lines needed one, so they count as zero: {}{more}",
        named.join(", ")
    )
}

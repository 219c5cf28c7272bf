//! `parstock cost`: what the movements of a file cost by a method. It needs no folder and no stack.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use clap::{Args, ValueEnum};
use parstock_domain::costing::Method;
use parstock_domain::costing::file::{self, Wrong};

use crate::error::{DONE, LocalError};
use crate::files;
use crate::screen;

/// Movements without a known cost whose lines are named.
const UNKNOWN_SHOWN: usize = 20;
/// Parts of a file that may wait to be written.
const PARTS_AHEAD: usize = 2;

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
        let layers = movements.layers(&outcome)?;
        files::replace(path, |file| file.write_all(&layers))?;
    }
    files::replace(&options.out, |file| take(movements.lines(&outcome), |part| file.write_all(part)))?;
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

/// Takes parts one by one, while the next ones are made.
fn take(
    mut parts: impl Iterator<Item = Vec<u8>> + Send,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    thread::scope(|scope| {
        let (made, ready) = mpsc::sync_channel(PARTS_AHEAD);
        // no more are made once nobody takes them
        scope.spawn(move || parts.all(|part| made.send(part).is_ok()));
        ready.into_iter().try_for_each(|part| take(&part))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_in_their_order_until_one_cannot_be() {
        let mut taken = Vec::new();
        let endless = (0_u8..=u8::MAX).cycle().map(|number| vec![number]);
        let error = take(endless, |part| {
            taken.extend_from_slice(part);
            if taken.len() < 100 { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
        })
        .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(taken, (0..100).collect::<Vec<_>>());
    }
}

//! `parstock replay --sales FILE`: a real retailer's year, and whether the ledger is right at its end.
#![expect(clippy::disallowed_methods, reason = "wall time is what is measured here")]

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use parstock_adapters::store::units;
use parstock_xero_sim::retail::{RetailYear, Supply};
use serde_json::json;

use crate::ask::Answer;
use crate::error::{DIFFERENCES, DONE, LocalError, OUTSIDE_FAILED};
use crate::folder::Folder;
use crate::replay::{self, Report};
use crate::screen::{self, Bar};
use crate::stop::until_stopped;

/// Differences that are spelt out.
const DIFFERENCES_SHOWN: usize = 20;

/// Whether the simulator supplies what the file sells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SupplyRule {
    /// Opening stock and weekly bills, by a rule that never looks ahead
    #[default]
    Weekly,
    /// Neither: sales only
    None,
}

/// Replays a year.
#[derive(Args, Clone, Debug)]
pub struct Replay {
    /// Invoice lines as CSV, plain or gzip; docs/replay-rules.md says which columns and how they are read
    #[arg(long, value_name = "FILE")]
    pub sales: PathBuf,
    /// Whether the simulator supplies what the file sells
    #[arg(long, value_enum, default_value_t)]
    pub supply: SupplyRule,
    /// An empty folder to work in, which is kept; a temporary one without it
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs it, until it is done or the process is asked to end.
pub(super) async fn run(options: Replay) -> Result<u8, LocalError> {
    let word = match &options.data {
        None => "ended before the year was over; nothing is kept".to_owned(),
        Some(folder) => {
            format!("ended before the year was over; {} holds what was done so far", folder.display())
        }
    };
    until_stopped(&word, Box::pin(replay(options))).await
}

async fn replay(options: Replay) -> Result<u8, LocalError> {
    let began = Instant::now();
    let supply = match options.supply {
        SupplyRule::Weekly => Supply::Weekly,
        SupplyRule::None => Supply::None,
    };
    let year = checked(options.sales.clone(), supply).await?;
    let temporary = tempfile::tempdir().map_err(LocalError::outside)?;
    let folder = match &options.data {
        Some(path) => Folder::at(path)?,
        None => Folder::temporary(temporary.path()),
    };
    let Some(_held) = folder.hold()? else {
        return Err(LocalError::Input(format!(
            "another parstock holds {}: name a new folder",
            folder.path().display()
        )));
    };
    if folder.file("store.sqlite").exists() {
        let what = format!("{} is not empty: name a new folder with --data", folder.path().display());
        return Err(LocalError::Input(what));
    }
    let mut bar = Bar::default();
    let report = replay::run(&year, &options.sales, &folder, &mut bar).await?;
    bar.finish();
    let answer = answer(&report, year.counts().lines, began.elapsed().as_secs(), peak_memory_kib());
    if options.json {
        screen::result(&serde_json::to_string_pretty(&answer.json)?);
    } else {
        screen::result(&answer.text);
    }
    if !answer.talk.is_empty() {
        screen::talk(&answer.talk);
    }
    Ok(answer.exit_code)
}

/// Opens the file on a thread of its own: every line of it is checked, and the process may be asked to end
/// meanwhile.
async fn checked(sales: PathBuf, supply: Supply) -> Result<RetailYear, LocalError> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // nobody listens any more when the command has ended
        let _ = tell.send(replay::open(&sales, supply));
    });
    told.await.map_err(LocalError::outside)?
}

/// The most memory that this process has had, in KiB, where the system tells.
fn peak_memory_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}

fn answer(report: &Report, lines: u64, seconds: u64, peak_kib: Option<u64>) -> Answer {
    let calls = &report.calls;
    let all: u64 = calls.calls.values().sum();
    let gets = calls.calls.get("GET Invoices").copied().unwrap_or(0);
    let mut text = format!(
        "lines           {lines}\ndocuments       {}\nmovements       {}\ndigests         {}\nXero calls      {all}\n",
        report.documents, report.movements, report.digests
    );
    for (what, count) in &calls.calls {
        text.push_str(&format!("  {what:<28}{count}\n"));
    }
    text.push_str(&format!(
        "refused (429)   {}\nin any 60 s     {} at most\nin a day        {} at most\nat once         {} at most\nGETs            {gets} of Invoices for {} invoices and bills\nwall time       {seconds} s\npeak memory     {}\ndead letters    {}\n",
        calls.limited,
        calls.most_in_any_minute,
        calls.most_in_any_day,
        calls.most_at_once,
        report.invoices,
        peak_kib.map_or_else(|| "unknown".to_owned(), |kib| format!("{} MiB", kib / 1024)),
        report.dead.len(),
    ));
    let [read, written] = &report.units;
    for (what, costs) in [("read", read), ("written", written)] {
        text.push_str(&format!("DynamoDB {what:<7}{} units\n", units::total(costs)));
        for (kind, cost) in costs {
            text.push_str(&format!("  {kind:<28}{} in {} rows\n", cost.units, cost.rows));
        }
    }
    let (verdict, talk, exit_code) = match report.checked {
        None => (
            "not made".to_owned(),
            "the check needs python3, which was not found: install it and run again".to_owned(),
            OUTSIDE_FAILED,
        ),
        Some(items) if report.differences.is_empty() && report.dead.is_empty() => {
            (format!("{items} items, 0 differences in quantity and money"), String::new(), DONE)
        }
        Some(items) => {
            let mut talk: Vec<String> = report.differences.iter().take(DIFFERENCES_SHOWN).cloned().collect();
            talk.extend(
                report.dead.iter().take(DIFFERENCES_SHOWN).map(|dead| format!("dead letter: {dead}")),
            );
            (format!("{items} items, {} differences", report.differences.len()), talk.join("\n"), DIFFERENCES)
        }
    };
    text.push_str(&format!("check           {verdict}\n"));
    let json = json!({
        "lines": lines, "documents": report.documents, "movements": report.movements, "digests": report.digests,
        "calls": calls.calls, "refused": calls.limited, "most_in_any_minute": calls.most_in_any_minute,
        "most_in_any_day": calls.most_in_any_day,
        "most_at_once": calls.most_at_once, "invoices": report.invoices, "seconds": seconds, "peak_kib": peak_kib,
        "read_units": units::total(read), "write_units": units::total(written), "dead": report.dead, "items_checked": report.checked, "differences": report.differences,
    });
    Answer::new(json, text).saying(talk).exiting(exit_code)
}

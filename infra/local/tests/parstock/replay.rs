//! A small retailer's file through everything, against the independent sum; and broken files.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::path::{Path, PathBuf};
use std::process::Command;

use jiff::ToSpan;
use jiff::civil::Date;
use parstock_local::folder::Folder;
use parstock_local::replay;
use parstock_xero_sim::retail::Supply;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../xero-sim/tests/fixtures/retail_small.csv")
}

/// The fixture with `days` of it put into one, so that a test takes fewer polls.
fn squeezed(folder: &Path, days: i64) -> PathBuf {
    let text = std::fs::read_to_string(fixture()).unwrap();
    let first: Date = "2023-03-20".parse().unwrap();
    let mut lines = Vec::new();
    for line in text.lines() {
        let Some(at) = line.find(",2023-").map(|comma| comma + 1) else {
            lines.push(line.to_owned());
            continue;
        };
        let day: Date = line[at..at + 10].parse().unwrap();
        let passed = i64::from(first.until(day).unwrap().get_days());
        let day = first + (passed / days).days();
        lines.push(format!("{}{day}{}", &line[..at], &line[at + 10..]));
    }
    let path = folder.join("squeezed.csv");
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

async fn replayed(supply: Supply, days: i64) -> replay::Report {
    let path = tempfile::tempdir().unwrap();
    let sales = squeezed(path.path(), days);
    let year = replay::open(&sales, supply).unwrap();
    replay::run(&year, &sales, &Folder::at(&path.path().join("data")).unwrap(), &mut ()).await.unwrap()
}

#[tokio::test]
async fn the_ledger_equals_the_independent_sum() {
    let report = replayed(Supply::Weekly, 6).await;
    assert_eq!(report.differences, [""; 0]);
    assert_eq!(report.dead, [""; 0]);
    assert!(report.checked.is_some_and(|items| items > 0), "python3 makes the independent sum");
    assert!(report.movements > 0 && report.digests > 0, "{report:?}");
    assert!(report.calls.most_in_any_minute <= 60, "{report:?}");
    assert!(report.calls.most_at_once <= 5, "{report:?}");
}

#[tokio::test]
async fn without_supply_it_still_does() {
    let report = replayed(Supply::None, 30).await;
    assert_eq!(report.differences, [""; 0]);
    assert!(report.checked.is_some_and(|items| items > 0));
}

/// Two days of so many invoices each, one after another from nine to seven.
fn busy(folder: &Path, invoices: u32) -> PathBuf {
    let mut lines = vec![
        "invoice_no,stock_code,description,quantity,invoice_date,unit_price,customer_id,country".to_owned(),
    ];
    for number in 0..2 * invoices {
        let (day, second) = (20 + number / invoices, 9 * 3_600 + number % invoices * 36_000 / invoices);
        let time = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
        let item = number % 40;
        lines.push(format!(
            "{},3{item:04},MUG {item},1,2023-03-{day} {time},5.25,,United Kingdom",
            600_000 + number
        ));
    }
    let path = folder.join("busy.csv");
    std::fs::write(&path, lines.join("\n")).unwrap();
    path
}

#[tokio::test]
async fn a_shop_of_five_hundred_invoices_a_day_keeps_within_the_smallest_plan_and_goes_on_polling() {
    let path = tempfile::tempdir().unwrap();
    let sales = busy(path.path(), 500);
    let year = replay::open(&sales, Supply::None).unwrap();
    let folder = Folder::at(&path.path().join("data")).unwrap();
    let report = replay::run(&year, &sales, &folder, &mut ()).await.unwrap();
    assert_eq!((report.calls.limited, report.dead), (0, Vec::new()), "{:?}", report.calls);
    // with 30 left nothing more is asked, so nobody ever met the end of the day
    assert!(report.calls.most_in_any_day < 970, "{:?}", report.calls);
    assert_eq!(report.differences, [""; 0]);
}

#[test]
fn a_folder_of_a_replay_is_held_meanwhile_and_nothing_else_runs_in_it() {
    let path = tempfile::tempdir().unwrap();
    let data = path.path().join("data");
    let sales = squeezed(path.path(), 30);
    let parstock = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parstock"));
        command.args(arguments).arg("--data").arg(&data);
        command
    };
    let folder = Folder::at(&data).unwrap();
    let held = folder.hold().unwrap();
    let replay = ["replay", "--supply", "none", "--sales", sales.to_str().unwrap()];
    let busy = parstock(&replay).output().unwrap();
    assert_eq!(busy.status.code(), Some(2), "{busy:?}");
    drop(held);
    assert_eq!(parstock(&replay).output().unwrap().status.code(), Some(0));
    for org in ["demo", "live"] {
        let refused = parstock(&["run", "--org", org]).output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("a replay"), "{said}");
    }
    assert_eq!(parstock(&["positions"]).output().unwrap().status.code(), Some(0));
}

#[test]
fn a_broken_file_is_refused_with_its_line() {
    let path = tempfile::tempdir().unwrap();
    let file = path.path().join("sales.csv");
    let text = std::fs::read_to_string(fixture()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let broken = lines[3].replacen(',', ",,", 2);
    lines[3] = &broken;
    std::fs::write(&file, lines.join("\n")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_parstock"))
        .arg("replay")
        .arg("--sales")
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("line 4"), "{said}");

    let output =
        Command::new(env!("CARGO_BIN_EXE_parstock")).args(["replay", "--sales", "/nowhere.csv"]).output();
    assert_eq!(output.unwrap().status.code(), Some(2));
}

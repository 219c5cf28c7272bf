//! A small retailer's file through everything, against the independent sum; and broken files.

use std::path::{Path, PathBuf};
use std::process::Command;

use parstock_local::folder::Folder;
use parstock_local::replay;
use parstock_xero_sim::retail::Supply;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../xero-sim/tests/fixtures/retail_small.csv")
}

async fn replayed(supply: Supply) -> replay::Report {
    let path = tempfile::tempdir().unwrap();
    let year = replay::open(&fixture(), supply).unwrap();
    replay::run(&year, &fixture(), &Folder::at(path.path()).unwrap(), &mut ()).await.unwrap()
}

#[tokio::test]
async fn the_ledger_equals_the_independent_sum() {
    let report = replayed(Supply::Weekly).await;
    assert_eq!(report.differences, [""; 0]);
    assert_eq!(report.dead, [""; 0]);
    assert!(report.checked.is_some_and(|items| items > 0), "python3 makes the independent sum");
    assert!(report.movements > 0 && report.digests > 0, "{report:?}");
    assert!(report.calls.most_in_any_minute <= 60, "{report:?}");
    assert!(report.calls.most_at_once <= 5, "{report:?}");
}

#[tokio::test]
async fn without_supply_it_still_does() {
    let report = replayed(Supply::None).await;
    assert_eq!(report.differences, [""; 0]);
    assert!(report.checked.is_some_and(|items| items > 0));
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
    let output = Command::new(env!("CARGO_BIN_EXE_parstock")).arg("replay").arg("--sales").arg(&file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("line 4"), "{said}");

    let output = Command::new(env!("CARGO_BIN_EXE_parstock")).args(["replay", "--sales", "/nowhere.csv"]).output();
    assert_eq!(output.unwrap().status.code(), Some(2));
}

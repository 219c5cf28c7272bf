//! `parstock forecast` from outside.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SETS: &str = r#"{"shop": {"freq": "MS", "season": 12, "protection": 3, "horizon": 4, "lead_time": 2,
    "cutoffs": ["2026-01-01", "2026-02-01"]}}"#;

fn forecast(folder: &Path, history: &str, out: &str) -> Output {
    fs::write(folder.join("sets.json"), SETS).unwrap();
    fs::write(folder.join("history.csv"), history).unwrap();
    fs::write(folder.join("items.csv"), "unique_id,category,price\ncup,kitchen,3.00\npot,kitchen,9.00\n")
        .unwrap();
    Command::new(env!("CARGO_BIN_EXE_parstock"))
        .current_dir(folder)
        .args(["forecast", "--dataset", "sets.json", "--name", "shop", "--history", "history.csv"])
        .args(["--meta", "items.csv", "--out", out])
        .output()
        .unwrap()
}

/// Fourteen months up to and with February 2026.
fn history() -> String {
    let mut text = String::from("unique_id,ds,y\n");
    for month in 0..14 {
        let (year, of_year) = (2025 + month / 12, 1 + month % 12);
        for (item, units) in [("pot", month % 3), ("cup", 20 + month % 5)] {
            writeln!(text, "{item},{year}-{of_year:02}-01,{units}").unwrap();
        }
    }
    text
}

#[test]
fn every_item_is_forecast_at_every_cutoff_without_what_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let output = forecast(folder.path(), &history(), "out.csv");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = fs::read_to_string(folder.path().join("out.csv")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "unique_id,cutoff,h,mean,q50,q80,q90,q95,q975,q99");
    assert_eq!(lines.len(), 1 + 2 * 2 * 5);
    assert!(lines[1].starts_with("cup,2026-01-01,0,"), "{text}");
    let cells: Vec<f64> = lines[1].split(',').skip(3).map(|cell| cell.parse().unwrap()).collect();
    assert!(
        (50.0..80.0).contains(&cells[0]) && cells[1..].windows(2).all(|pair| pair[0] <= pair[1]),
        "{text}"
    );
    // February is not seen in January, nor that pots are told apart by hundredths from then on
    let later = history().replace("cup,2026-02-01,23", "cup,2026-02-01,9000");
    let later = later.replace("pot,2026-02-01,1", "pot,2026-02-01,1.25");
    assert!(later.contains(",9000\n") && later.contains(",1.25\n"));
    forecast(folder.path(), &later, "later.csv");
    let later = fs::read_to_string(folder.path().join("later.csv")).unwrap();
    let january =
        |text: &str| text.lines().filter(|line| line.contains("2026-01-01")).collect::<Vec<_>>().join("\n");
    assert_eq!(january(&text), january(&later));
}

#[test]
fn a_wrong_line_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = history().replace("pot,2025-03-01,2", "pot,2025-03-01,two");
    let output = forecast(folder.path(), &wrong, "out.csv");
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("history.csv: line 6: y is two, which is no number"), "{said}");
    assert!(!folder.path().join("out.csv").exists());
}

#[test]
fn long_horizons_go_on_with_a_season() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("unique_id,part,t,y\n");
    for t in 1..=72 {
        let part = if t <= 60 { "train" } else { "test" };
        writeln!(text, "a,{part},{t},{}", if t % 12 == 0 { 300 } else { 100 }).unwrap();
    }
    fs::write(folder.path().join("series.csv"), text).unwrap();
    let run = |out: &str| {
        Command::new(env!("CARGO_BIN_EXE_parstock"))
            .current_dir(folder.path())
            .args(["forecast", "--m3", "series.csv", "--out", out])
            .status()
            .unwrap()
    };
    assert_eq!(run("out.csv").code(), Some(0));
    assert_eq!(run("out.csv.gz").code(), Some(0));
    let out = fs::read_to_string(folder.path().join("out.csv")).unwrap();
    let means: Vec<f64> =
        out.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert_eq!(means.len(), 12);
    assert!(means[11] > 2.5 * means[0], "{out}");
    let packed = fs::read(folder.path().join("out.csv.gz")).unwrap();
    assert_eq!(packed[..2], [0x1f, 0x8b]);
}

//! `parstock cost` from outside.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const HEADING: &str = "seq,date,item,kind,quantity,unit_cost,ref,origin_ref\n";

fn cost(folder: &Path, method: &str, rows: &str) -> Output {
    let movements = folder.join("movements.csv");
    fs::write(&movements, format!("{HEADING}{rows}")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_parstock"))
        .args(["cost", "--method", method, "--movements"])
        .arg(movements)
        .arg("--out")
        .arg(folder.join("out.csv"))
        .arg("--layers")
        .arg(folder.join("layers.jsonl"))
        .output()
        .unwrap()
}

#[test]
fn costs_and_layers_are_written_by_date_then_seq() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "1,2026-01-02,\"Mug, blue\",receipt,10,5,R1,\n\
                2,2026-01-04,\"Mug, blue\",issue,12,,S1,\n\
                3,2026-01-05,Plate,issue,1,,,\n\
                4,2026-01-03,\"Mug, blue\",receipt,10,8,R2,\n";
    let done = cost(folder.path(), "fifo", rows);
    let talk = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(0), "{talk}");
    assert_eq!(
        fs::read_to_string(folder.path().join("out.csv")).unwrap(),
        "seq,item,quantity_after,value_after,cost,correction\n\
         1,\"Mug, blue\",10,50.00,50.00,0.00\n\
         4,\"Mug, blue\",20,130.00,80.00,0.00\n\
         2,\"Mug, blue\",8,64.00,66.00,0.00\n\
         3,Plate,-1,0.00,0.00,0.00\n"
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("layers.jsonl")).unwrap(),
        concat!(
            r#"{"item":"Mug, blue","quantity":"8","value":"64.00","layers":[{"quantity":"8","cost":"64.00","seq":4,"date":"2026-01-03","ref":"R2"}]}"#,
            "\n",
            r#"{"item":"Plate","quantity":"-1","value":"0.00","layers":[{"quantity":"-1","cost":"0.00"}]}"#,
            "\n"
        )
    );
    assert!(talk.contains("count as zero: 4"), "{talk}");
}

#[test]
fn with_one_bad_row_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let done =
        cost(folder.path(), "average", "1,2026-01-02,A,receipt,10,5,R1,\n2,2026-01-03,A,issue,-1,,S1,\n");
    let talk = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(2), "{talk}");
    assert!(talk.contains("line 3: the quantity is below zero"), "{talk}");
    assert!(!folder.path().join("out.csv").exists());
    assert!(!folder.path().join("layers.jsonl").exists());
}

//! `parstock xero record|check`, with a simulator in the place of the real Xero.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::date;
use parstock_local::clock::LocalClock;
use parstock_local::driver::locked;
use parstock_local::error::LocalError;
use parstock_local::recording::http::{HttpCaller, OneToken};
use parstock_local::recording::{self, Checked};
use parstock_local::start;
use parstock_xero::MemoryBudget;
use parstock_xero_sim::World;
use secrecy::SecretString;
use serde_json::{Value, json};

async fn caller() -> (Arc<Mutex<World>>, HttpCaller<OneToken, MemoryBudget, LocalClock>) {
    let (world, base) = recording::simulator().await.unwrap();
    let settings = locked(&world).settings().clone();
    let addresses = start::addresses(format!("{base}/api.xro/2.0"), base);
    let secret: SecretString = settings.client_secret.into();
    let caller = HttpCaller::connect(addresses, &settings.client_id, &secret, None).await.unwrap();
    (world, caller)
}

async fn record(out: &Path, probes: bool) -> Result<recording::About, LocalError> {
    let (_world, mut caller) = caller().await;
    recording::record(&mut caller, out, probes, "PS-TEST", date(2026, 6, 1), Duration::ZERO).await
}

async fn check(recording: &Path) -> Result<Checked, LocalError> {
    let (_world, mut caller) = caller().await;
    recording::check(&mut caller, recording).await
}

fn change(file: &Path, by: impl FnOnce(&mut Value)) {
    let mut recorded: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    by(&mut recorded);
    fs::write(file, recorded.to_string()).unwrap();
}

#[tokio::test]
async fn a_recording_of_the_simulator_agrees_with_it_and_holds_nothing_personal() {
    let folder = tempfile::tempdir().unwrap();
    let about = record(folder.path(), true).await.unwrap();
    assert!(about.demo_company);
    let checked = check(folder.path()).await.unwrap();
    assert_eq!(checked.wrong, Vec::<String>::new());
    assert_eq!(checked.missing, Vec::<String>::new());
    assert!(checked.steps >= 20, "{} answers", checked.steps);
    assert!(
        checked.answers.iter().any(|answer| answer.contains("No items available to sell")),
        "{:?}",
        checked.answers
    );
    for file in fs::read_dir(folder.path()).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        for personal in ["Northern Range", "P-10", "INV-", "@"] {
            assert!(!text.contains(personal), "{personal} is in {text}");
        }
    }
}

#[test]
fn each_switch_of_the_simulator_is_an_open_question() {
    let page = include_str!("../../../../docs/xero-open-questions.md");
    let switches = serde_json::to_value(parstock_xero_sim::Switches::default()).unwrap();
    let unnamed: Vec<&String> = switches
        .as_object()
        .unwrap()
        .keys()
        .filter(|switch| !page.contains(&format!("| `{switch}` |")))
        .collect();
    assert!(unnamed.is_empty(), "not on the page: {unnamed:?}");
}

#[tokio::test]
async fn what_xero_does_otherwise_is_named() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), false).await.unwrap();
    change(&folder.path().join("items.json"), |items| {
        items["body"]["Items"][0]["NewField"] = json!("text");
        for item in items["body"]["Items"].as_array_mut().unwrap() {
            item["UpdatedDateUTC"] = json!("2000-01-01T00:00:00");
            item.as_object_mut().unwrap().remove("IsSold");
        }
    });
    change(&folder.path().join("unknown-invoice.json"), |answer| answer["status"] = json!(410));
    let checked = check(folder.path()).await.unwrap();
    assert_eq!(
        checked.wrong,
        [
            "items: Items[].UpdatedDateUTC is date and time in Xero, /Date()/ in the simulator",
            "items: Items[].IsSold is in the simulator's answer only",
            "unknown-invoice: Xero answered 410, the simulator 404",
        ]
    );
    assert_eq!(checked.missing, ["items: Items[].NewField"]);
}

#[tokio::test]
async fn a_folder_without_a_recording_and_one_with_something_in_it_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let error = check(folder.path()).await.unwrap_err().to_string();
    assert!(error.contains("parstock xero record"), "{error}");
    fs::write(folder.path().join("mine.txt"), "kept").unwrap();
    let error = record(folder.path(), false).await.unwrap_err().to_string();
    assert!(error.contains("--out"), "{error}");
}

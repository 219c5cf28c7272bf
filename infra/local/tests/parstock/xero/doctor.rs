//! `parstock doctor` over a data folder.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use jiff::ToSpan;
use parstock_app::ports::{Queue, QueueName};
use parstock_local::ask::{Answer, Ask, answer_in_folder};
use parstock_local::start;

use super::restart::loaded;
use super::shop::Shop;

async fn examined(shop: &Shop) -> Answer {
    answer_in_folder(&shop.ports, &Ask::Doctor).await.unwrap()
}

/// How bad a check found things; `None` if nothing is said of it.
fn grade<'a>(answer: &'a Answer, check: &str) -> Option<&'a str> {
    let findings = answer.json.get("findings")?.as_array()?;
    let found = findings.iter().find(|finding| finding.get("check").is_some_and(|name| name == check));
    found?.get("grade")?.as_str()
}

#[tokio::test]
async fn the_doctor_tells_what_is_well_and_what_is_missing_in_a_folder() {
    let shop = loaded().await;
    let mut driver = shop.driver();
    driver.run_until(shop.ports.clock.now() + 10.minutes()).await.unwrap();
    drop(driver);
    let sane = examined(&shop).await;
    assert_eq!(sane.exit_code, 0, "{}", sane.text);
    for (check, expected) in [
        ("folder", "ok"),
        ("credentials of xero", "ok"),
        ("token of xero", "ok"),
        ("Xero by xero", "ok"),
        ("orders of Corner Shop", "ok"),
        ("reports of Corner Shop", "ok"),
        ("history of Corner Shop", "ok"),
        ("your turn at Corner Shop", "ok"),
        ("queue work", "ok"),
        ("dead letters", "ok"),
        ("counts of Corner Shop", "warning"),
        ("recipients of Corner Shop", "warning"),
    ] {
        assert_eq!(grade(&sane, check), Some(expected), "{check}:\n{}", sane.text);
    }

    shop.ports.queue.bury(QueueName::Work, "one", "Xero refused it").await.unwrap();
    let client_id = shop.world.lock().unwrap().settings().client_id.clone();
    start::keep_credentials(&shop.ports.vault, &client_id, &"canary-wrong".into()).await.unwrap();
    start::tokens(&shop.ports).drop_present().await.unwrap();
    let broken = examined(&shop).await;
    assert_eq!(broken.exit_code, 1, "{}", broken.text);
    assert_eq!(grade(&broken, "Xero by xero"), Some("failed"), "{}", broken.text);
    assert_eq!(grade(&broken, "dead letters"), Some("failed"), "{}", broken.text);
    assert!(!format!("{broken:?}").contains("canary"), "a secret is shown");
}

#[tokio::test]
async fn a_folder_at_rest_is_looked_at_and_one_that_cannot_be_opened_has_failed() {
    let folder = loaded().await.left();
    let doctor = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parstock"));
        let output = command.arg("doctor").arg("--data").arg(folder.path()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = doctor();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("nobody works in it") && !said.contains("Xero by"), "{said}");
    fs::set_permissions(folder.path().join("secrets/vault.key"), Permissions::from_mode(0o644)).unwrap();
    let (code, said) = doctor();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("FAILED") && said.contains("chmod 600"), "{said}");
}

//! Every scenario of the project comes out as it says, whether parstock learns of its documents one by one or all at
//! once; and one that does not is told.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn parstock(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_parstock")).args(arguments).output().unwrap()
}

fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios")
}

#[test]
fn every_scenario_comes_out_as_it_says() {
    let done = parstock(&["scenarios", ours().to_str().unwrap()]);
    let told = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&done.stderr));
    let files = std::fs::read_dir(ours()).unwrap().count();
    assert!(told.ends_with(&format!("{files} scenarios, 0 with differences\n")), "{told}");
}

#[test]
fn what_does_not_come_out_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let none = parstock(&["scenarios", path]);
    assert_eq!(none.status.code(), Some(2));
    let text = std::fs::read_to_string(ours().join("draft-commits-and-moves-nothing.toml")).unwrap();
    std::fs::write(folder.path().join("one.toml"), text.replace("available = 5", "available = 7")).unwrap();
    let wrong = parstock(&["scenarios", path]);
    let told = String::from_utf8(wrong.stdout).unwrap();
    assert_eq!(wrong.status.code(), Some(1), "{told}");
    assert!(told.contains("CUP: available must be 7, and is 5"), "{told}");
    std::fs::write(folder.path().join("two.toml"), "about = 'x'\nitem = [{ code = 'CUP', trackd = true }]")
        .unwrap();
    let unread = parstock(&["scenarios", path]);
    let told = String::from_utf8(unread.stderr).unwrap();
    assert_eq!(unread.status.code(), Some(2), "{told}");
    assert!(
        told.contains("two.toml") && told.contains("unknown field `trackd`") && unread.stdout.is_empty(),
        "{told}"
    );
    let refused = text.replace("quantity = 4,", "quantity = -4,");
    std::fs::write(folder.path().join("two.toml"), refused).unwrap();
    let refused = parstock(&["scenarios", path]);
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && told.contains("two.toml: step 2"), "{told}");
}

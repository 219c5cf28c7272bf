//! The binary as it starts. Its stories are in `tests/tests/lambda`, which run the binary that is built for this.

use std::process::Command;

#[test]
fn without_its_settings_it_ends_at_once_and_names_them() {
    let output = Command::new(env!("CARGO_BIN_EXE_parstock-console")).env_clear().output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    for setting in ["PARSTOCK_SECRETS", "PARSTOCK_TABLE", "PARSTOCK_CONSOLE_USERS"] {
        assert!(told.contains(&format!("{setting} is not set")), "{told}");
    }
}

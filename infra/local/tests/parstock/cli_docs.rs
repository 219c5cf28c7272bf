//! docs/cli.md holds the help of each command as the program prints it.

use std::process::Command;

const COMMANDS: [&str; 51] = [
    "",
    "run",
    "connect",
    "connections",
    "connections remove",
    "connections webhook-keys",
    "replay",
    "scenarios",
    "positions",
    "item",
    "ledger",
    "reconcile",
    "closings",
    "proposals",
    "approve",
    "reject",
    "prices list",
    "prices approve",
    "prices reject",
    "stock import",
    "receipts list",
    "receipts order",
    "receipts make",
    "receipts take-in",
    "receipts reject",
    "receipts take-back",
    "stock adjust",
    "stock adjustments list",
    "stock adjustments approve",
    "stock adjustments reject",
    "landed list",
    "landed make",
    "landed take-back",
    "landed leave",
    "cost",
    "forecast",
    "plan",
    "settings export",
    "settings check",
    "settings apply",
    "digest",
    "health",
    "doctor",
    "dead-letters",
    "dead-letters list",
    "dead-letters retry",
    "dead-letters drop",
    "audit verify",
    "reviews",
    "xero record",
    "xero check",
];

#[test]
fn the_documentation_shows_the_help_of_every_command() {
    let docs = include_str!("../../../../docs/cli.md");
    for command in COMMANDS {
        let output = Command::new(env!("CARGO_BIN_EXE_parstock"))
            .args(command.split_whitespace())
            .arg("--help")
            .output()
            .unwrap();
        let help = String::from_utf8(output.stdout).unwrap();
        let help: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        let help = help.join("\n");
        assert!(docs.contains(&help), "put this into docs/cli.md, under `parstock {command}`:\n\n{help}\n");
    }
}

#[test]
fn what_is_no_command_or_no_folder_is_said_and_ends_with_2() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_parstock")).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(run(&["conquer"]).0, Some(2));
    let (code, said) = run(&["positions", "--data", "/nowhere/at/all"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("parstock run"), "{said}");
}

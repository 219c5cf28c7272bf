//! The layers hold: which of our crates may know which, what may not be near the core, and what is said where nobody
//! would hear it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken expectation here ends the test that met it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What each of our crates may depend on among ours, tests aside.
const MAY_KNOW: [(&str, &[&str]); 15] = [
    ("parstock-domain", &[]),
    ("parstock-forecast", &[]),
    ("parstock-views", &["parstock-domain"]),
    ("parstock-app", &["parstock-domain", "parstock-views"]),
    ("parstock-xero", &[]),
    ("parstock-adapters", &["parstock-domain", "parstock-views", "parstock-app", "parstock-xero"]),
    ("parstock-webhook", FUNCTION),
    ("parstock-processor", FUNCTION),
    ("parstock-poller", FUNCTION),
    ("parstock-digest", FUNCTION),
    ("parstock-console", FUNCTION),
    ("parstock-hello", &[]),
    ("parstock-xero-sim", &[]),
    ("parstock", LOCAL),
    ("parstock-tests", &["parstock-domain", "parstock-views", "parstock-app", "parstock-xero-sim"]),
];
/// The functions.
const FUNCTIONS: [&str; 5] =
    ["parstock-webhook", "parstock-processor", "parstock-poller", "parstock-digest", "parstock-console"];
/// What a function wires together.
const FUNCTION: &[&str] =
    &["parstock-domain", "parstock-views", "parstock-app", "parstock-xero", "parstock-adapters"];
/// What the product on one machine wires together: the simulated Xero too, and the console's pages, which
/// it serves itself. Nobody else depends on a function.
const LOCAL: &[&str] = &[
    "parstock-domain",
    "parstock-forecast",
    "parstock-views",
    "parstock-app",
    "parstock-xero",
    "parstock-adapters",
    "parstock-xero-sim",
    "parstock-console",
];
/// The core: no runtime, no network, no AWS, however far down.
const PURE: [&str; 4] = ["parstock-domain", "parstock-forecast", "parstock-views", "parstock-app"];
/// Beginnings of the names of crates that are not pure.
const IMPURE: [&str; 8] = ["tokio", "reqwest", "hyper", "aws-", "lambda_", "rusqlite", "axum", "mio"];

/// `cargo metadata` of the workspace, for the platform of the functions.
fn metadata() -> Value {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--filter-platform", &platform])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo speaks JSON")
}

/// What the crates named in the lock are shipped with, by package id: direct dependencies that are not
/// only for tests.
struct Graph {
    names: BTreeMap<String, String>,
    edges: BTreeMap<String, BTreeSet<String>>,
    ours: BTreeSet<String>,
}

fn graph() -> Graph {
    let metadata = metadata();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let names = list(&metadata["packages"])
        .iter()
        .map(|package| (text(&package["id"]), text(&package["name"])))
        .collect();
    let ours = list(&metadata["workspace_members"]).iter().map(text).collect();
    let mut edges = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let shipped = list(&node["deps"]).into_iter().filter(|dependency| {
            list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].as_str() != Some("dev"))
        });
        edges.insert(text(&node["id"]), shipped.map(|dependency| text(&dependency["pkg"])).collect());
    }
    Graph { names, edges, ours }
}

#[test]
fn only_the_allowed_edges_exist() {
    let graph = graph();
    let allowed: BTreeMap<&str, &[&str]> = MAY_KNOW.into_iter().collect();
    for crate_id in &graph.ours {
        let name = graph.names[crate_id].as_str();
        let may = allowed.get(name).unwrap_or_else(|| panic!("say in MAY_KNOW what `{name}` may depend on"));
        for known in graph.edges[crate_id].iter().filter(|known| graph.ours.contains(*known)) {
            let known = graph.names[known].as_str();
            assert!(may.contains(&known), "`{name}` must not depend on `{known}`");
        }
    }
    for (name, _) in MAY_KNOW {
        assert!(graph.ours.iter().any(|id| graph.names[id] == name), "there is no crate `{name}` any more");
    }
}

#[test]
fn the_core_is_pure_all_the_way_down() {
    let graph = graph();
    for crate_id in graph.ours.iter().filter(|id| PURE.contains(&graph.names[*id].as_str())) {
        let mut paths: BTreeMap<&str, String> =
            BTreeMap::from([(crate_id.as_str(), graph.names[crate_id].clone())]);
        let mut open = vec![crate_id.as_str()];
        while let Some(id) = open.pop() {
            let path = paths[id].clone();
            for next in &graph.edges[id] {
                let path = format!("{path} → {}", graph.names[next]);
                let impure = IMPURE.iter().any(|beginning| graph.names[next].starts_with(beginning));
                assert!(!impure, "{path}");
                if paths.insert(next, path).is_none() {
                    open.push(next);
                }
            }
        }
    }
}

#[test]
fn functions_ship_without_the_embedded_table() {
    for function in FUNCTIONS {
        // by itself, as it is shipped: what the other members switch on doesn't count
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--package", function])
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let tree = String::from_utf8_lossy(&output.stdout);
        assert!(tree.contains("parstock-adapters"), "{tree}");
        for embedded in ["dynoxide", "rusqlite", "libsqlite3-sys"] {
            assert!(!tree.contains(embedded), "{function} ships {embedded}:\n{tree}");
        }
    }
}

/// The Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of the workspace") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

/// The arguments of a macro from behind its opening bracket on.
fn arguments(text: &str) -> Vec<String> {
    let (mut all, mut one, mut depth, mut quoted) = (Vec::new(), String::new(), 0, false);
    for letter in text.chars() {
        match letter {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => break,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                all.push(std::mem::take(&mut one));
                continue;
            }
            _ => {}
        }
        one.push(letter);
    }
    all.push(one);
    all.into_iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect()
}

/// The functions' log leaves out every other field, so what it says would be lost without a word.
#[test]
fn every_field_of_an_event_is_one_that_the_log_keeps() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let log = root.join("shared/adapters/src/logs.rs");
    let text = fs::read_to_string(&log).expect("the log's source");
    let kept: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| Some(line.trim().strip_prefix('"')?.split_once("\" => self")?.0))
        .collect();
    assert!(kept.contains("org_id") && kept.contains("count") && kept.contains("why"), "{kept:?}");
    let mut events = 0;
    for folder in ["shared/app/src", "shared/adapters/src", "functions"] {
        for path in
            sources(&root.join(folder)).into_iter().filter(|path| !path.ends_with("adapters/src/logs.rs"))
        {
            let text = fs::read_to_string(&path).expect("a source");
            for level in ["info", "warn", "error"] {
                for event in text.split(&format!("tracing::{level}!(")).skip(1) {
                    events += 1;
                    for field in arguments(event)
                        .iter()
                        .filter(|one| !one.starts_with(['"']) && !one.starts_with("target:"))
                    {
                        let name = field.split(" = ").next().unwrap_or(field).trim_start_matches(['%', '?']);
                        assert!(kept.contains(name), "{}: the log keeps no field `{name}`", path.display());
                    }
                }
            }
        }
    }
    assert!(events > 20, "only {events} events were found");
}

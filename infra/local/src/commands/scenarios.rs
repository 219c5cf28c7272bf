//! `parstock scenarios DIR`: whether what must come of each scenario does.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::show;
use crate::ask::Answer;
use crate::error::{DIFFERENCES, DONE, LocalError};
use crate::scenario::file::{FILE_BYTES_MAX, Scenario};
use crate::scenario::{Told, run as run_one};

/// Files of one folder.
const FILES_MAX: usize = 10_000;

/// Runs the scenarios of a folder.
#[derive(Args, Clone, Debug)]
pub struct Scenarios {
    /// A folder with files such as `late-bill.toml`; docs/scenarios.md describes them
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Runs them.
pub(super) async fn run(options: Scenarios) -> Result<u8, LocalError> {
    let files = files(&options.folder)?;
    // all are read before the first is run
    let mut scenarios = Vec::new();
    for path in files {
        let scenario = read(&path)?;
        scenarios.push((path, scenario));
    }
    let (mut text, mut all, mut failed) = (String::new(), Vec::new(), 0_usize);
    for (path, scenario) in &scenarios {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let differences = differences(scenario)
            .await
            .map_err(|error| LocalError::Input(format!("{}: {error}", path.display())))?;
        failed = failed.saturating_add(usize::from(!differences.is_empty()));
        let verdict = if differences.is_empty() { "ok" } else { "DIFFERS" };
        text.push_str(&format!("{verdict:<8}{name}: {}\n", scenario.about));
        text.extend(differences.iter().map(|difference| format!("        {difference}\n")));
        all.push(json!({ "name": name, "about": scenario.about, "differences": differences }));
    }
    text.push_str(&format!("{} scenarios, {failed} with differences\n", scenarios.len()));
    let code = if failed == 0 { DONE } else { DIFFERENCES };
    show(options.json, &Answer::new(json!({ "scenarios": all }), text).exiting(code))
}

/// What differs, however parstock learns of the steps.
async fn differences(scenario: &Scenario) -> Result<Vec<String>, LocalError> {
    let apart = Box::pin(run_one(scenario, Told::Apart)).await?;
    let together = Box::pin(run_one(scenario, Told::Together)).await?;
    let only_together = together
        .into_iter()
        .filter(|difference| !apart.contains(difference))
        .map(|difference| format!("all told at once: {difference}"));
    Ok(apart.iter().cloned().chain(only_together.collect::<Vec<_>>()).collect())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, LocalError> {
    let unread = |error| LocalError::Input(format!("{} can't be read: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    if files.is_empty() || files.len() > FILES_MAX {
        let found = files.len();
        let what =
            format!("{} has {found} files *.toml: name a folder with 1 to {FILES_MAX}", folder.display());
        return Err(LocalError::Input(what));
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<Scenario, LocalError> {
    let wrong = |what: String| LocalError::Input(format!("{}: {what}", path.display()));
    let length = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if length > FILE_BYTES_MAX {
        return Err(wrong(format!("more than {FILE_BYTES_MAX} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Scenario::read(&text).map_err(wrong)
}

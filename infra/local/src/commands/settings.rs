//! `parstock settings export|check|apply`: what Xero does not know, as files.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use parstock_app::settings::{self, Applied};
use parstock_domain::ids::OrgId;
use parstock_domain::settings::files::Files;
use serde_json::json;

use super::Common;
use crate::ask::{self, Answer, Ask, table};
use crate::error::{BAD_INPUT, DIFFERENCES, DONE, LocalError};
use crate::place::Place;
use crate::screen;

/// Longest settings or count file, in bytes.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The files' names.
const NAMES: [&str; 4] = ["policy.json", "items.csv", "suppliers.csv", "units.csv"];

/// Settings as files.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    #[command(subcommand)]
    command: SettingsCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum SettingsCommand {
    /// Write policy.json, items.csv, suppliers.csv and units.csv: what is set, and blank or with its default what is not
    Export {
        /// Into this folder, which is made if it isn't there
        #[arg(default_value = ".")]
        folder: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Tell every error of the files, or what they would change; change nothing (exit 1 if they would)
    Check {
        /// Files named policy.json, items.csv, suppliers.csv, units.csv
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Put the files in force; with a single error nothing is changed
    Apply {
        /// Files named policy.json, items.csv, suppliers.csv, units.csv
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
}

/// Runs it.
pub(super) async fn run(command: Settings) -> Result<u8, LocalError> {
    match command.command {
        SettingsCommand::Export { folder, common } => {
            let answer = ask::put(&common, &Ask::ExportSettings).await?;
            if common.json {
                return super::show(common.json, &answer);
            }
            fs::create_dir_all(&folder).map_err(|error| unusable(&folder, &error))?;
            for name in NAMES {
                let text = answer.json.get(name).and_then(|text| text.as_str()).unwrap_or_default();
                let path = folder.join(name);
                fs::write(&path, text).map_err(|error| unusable(&path, &error))?;
                screen::result(&path.display().to_string());
            }
            Ok(DONE)
        }
        SettingsCommand::Check { files, common } => super::put(&common, asked(&files, false)).await,
        SettingsCommand::Apply { files, common } => super::put(&common, asked(&files, true)).await,
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> LocalError {
    LocalError::Input(format!("{} can't be used: {error}", path.display()))
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, LocalError> {
    let size = fs::metadata(path).map_err(|error| unusable(path, &error))?.len();
    if size > FILE_BYTES_MAX {
        let what = format!("{} is larger than {FILE_BYTES_MAX} bytes: split it", path.display());
        return Err(LocalError::Input(what));
    }
    fs::read_to_string(path).map_err(|error| unusable(path, &error))
}

fn asked(files: &[PathBuf], apply: bool) -> Result<Ask, LocalError> {
    let mut texts = [const { None }; NAMES.len()];
    for path in files {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((_, text)) = NAMES.iter().zip(&mut texts).find(|(known, _)| **known == name) else {
            let what = format!("{} is not named {}", path.display(), NAMES.join(", "));
            return Err(LocalError::Input(what));
        };
        *text = Some(read(path)?);
    }
    let [policy, items, suppliers, units] = texts;
    Ok(Ask::Settings { apply, policy, items, suppliers, units })
}

/// Answers an export.
pub(crate) async fn export(place: &impl Place, org: OrgId) -> Result<Answer, LocalError> {
    let exported = settings::export(place, org).await?;
    let [policy, items, suppliers, units] = NAMES;
    let json = json!({
        policy: exported.policy, items: exported.items, suppliers: exported.suppliers, units: exported.units,
    });
    Ok(Answer::new(json, String::new()))
}

/// Answers a check or puts the files in force.
pub(crate) async fn answer(
    place: &impl Place,
    org: OrgId,
    apply: bool,
    [policy, items, suppliers, units]: [Option<&str>; NAMES.len()],
) -> Result<Answer, LocalError> {
    let files = Files { policy, items, suppliers, units };
    let applied = if apply {
        settings::apply(place, org, place.person(), &files).await?
    } else {
        settings::check(place, org, &files).await?
    };
    Ok(match applied {
        Applied::Refused(problems) => {
            let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Answer::new(json!({ "problems": all }), String::new())
                .saying(format!("nothing was changed:\n{}", all.join("\n")))
                .exiting(BAD_INPUT)
        }
        Applied::Changed(changes) => {
            let rows: Vec<Vec<String>> = changes
                .iter()
                .map(|change| {
                    vec![
                        change.subject.clone(),
                        change.setting.to_owned(),
                        format!("{} -> {}", change.before, change.after),
                    ]
                })
                .collect();
            let json: Vec<_> = changes
                .iter()
                .map(|change| {
                    json!({
                        "file": change.file.name(), "subject": change.subject, "setting": change.setting,
                        "before": change.before, "after": change.after,
                    })
                })
                .collect();
            let would = !apply && !changes.is_empty();
            let talk = match (changes.len(), apply) {
                (0, _) => "nothing differs".to_owned(),
                (many, true) => format!("{many} settings changed"),
                (many, false) => format!("{many} settings would change"),
            };
            Answer::new(json!({ "changes": json, "applied": apply }), table(&rows))
                .saying(talk)
                .exiting(if would { DIFFERENCES } else { DONE })
        }
    })
}

//! Questions and orders to an organisation's data: answered by the process that holds the folder, or by
//! this one when none does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parstock_adapters::config::XeroAddresses;
use parstock_app::console::{Console, Viewer};
use parstock_app::ports::Ports;
use parstock_domain::ids::OrgId;
use parstock_views::StandingGroup;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::{LocalClock, LocalEntropy};
use crate::commands::dead_letters::Letters;
use crate::commands::{
    approve, audit, connect, connections, dead_letters, digest, health, item, positions, proposals, reject,
    reviews, settings, stock,
};
use crate::control;
use crate::error::{DONE, LocalError};
use crate::folder::Folder;
use crate::notebook::Notebook;
use crate::ports::LocalPorts;
use crate::start;

/// How long a command waits for the step that is under way.
const TURN_WAIT: Duration = Duration::from_secs(30);
/// Who decides at the command line, in the audit trail.
pub const COMMAND_LINE: &str = "command line";

/// A question or order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Ask {
    /// List positions.
    Positions {
        /// Part of code or name.
        search: String,
        /// How they stand.
        standing: Option<StandingGroup>,
        /// At the end of this day instead of now.
        at: Option<String>,
    },
    /// Show an item.
    Item {
        /// Its code.
        code: String,
    },
    /// List proposals.
    Proposals,
    /// Approve, or show what would be approved.
    Approve {
        /// The proposal.
        proposal: String,
        /// Hash of the contents that were shown.
        contents: Option<String>,
    },
    /// Reject.
    Reject {
        /// The proposal.
        proposal: String,
        /// Hash of the contents that were shown; `None` rejects what stands.
        contents: Option<String>,
        /// Why.
        reason: String,
    },
    /// Import counts.
    Count {
        /// Text of the file.
        text: String,
    },
    /// Export the settings.
    ExportSettings,
    /// Check settings files, and put them in force.
    Settings {
        /// Whether they are put in force, too.
        apply: bool,
        /// Text of `policy.json`.
        policy: Option<String>,
        /// Text of `items.csv`.
        items: Option<String>,
        /// Text of `suppliers.csv`.
        suppliers: Option<String>,
    },
    /// Show a digest.
    Digest {
        /// The day; the latest without one.
        day: Option<String>,
    },
    /// Show the health.
    Health,
    /// Dead letters.
    DeadLetters(Letters),
    /// Verify the audit trail.
    VerifyAudit,
    /// List questions.
    Reviews,
    /// Keep what a consent gave.
    Connect(Box<connect::Kept>),
    /// List what is connected.
    Connections {
        /// Whether it is tried, too.
        test: bool,
    },
    /// Keep the webhook's keys.
    KeepWebhookKeys(connections::WebhookKeys),
    /// End a connection.
    RemoveConnection {
        /// Its name or its organisation's.
        name: String,
        /// Whether it is confirmed.
        yes: bool,
    },
}

impl Ask {
    /// Whether it changes what a step of the driver may be changing, too.
    const fn changes(&self) -> bool {
        match self {
            Self::Approve { contents, .. } => contents.is_some(),
            Self::Settings { apply, .. } => *apply,
            Self::Count { .. } | Self::Reject { .. } => true,
            _ => false,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The result for machines.
    pub json: Value,
    /// The result for people.
    pub text: String,
    /// What else is said.
    pub talk: String,
    /// Exit code.
    pub exit_code: u8,
}

impl Answer {
    /// A result.
    pub fn new(json: Value, text: String) -> Self {
        Self { json, text, talk: String::new(), exit_code: DONE }
    }

    /// With some talk.
    #[must_use]
    pub fn saying(mut self, talk: impl Into<String>) -> Self {
        self.talk = talk.into();
        self
    }

    /// With an exit code.
    #[must_use]
    pub const fn exiting(mut self, exit_code: u8) -> Self {
        self.exit_code = exit_code;
        self
    }
}

/// Puts a question to whoever holds the folder.
///
/// # Errors
/// What can't be used or does not answer.
pub async fn put(path: &Path, ask: &Ask) -> Result<Answer, LocalError> {
    let folder = Folder::existing(path)?;
    match folder.hold()? {
        Some(_held) => answer(&at_rest(&folder).await?, ask).await,
        None => control::put(&folder.running()?, ask).await,
    }
}

/// Puts a question about connections to whoever holds the folder. It may be new: connecting comes before the first run.
///
/// # Errors
/// What can't be used or does not answer; [`LocalError::Input`] for a folder that is for something else.
pub async fn put_live(folder: &Folder, ask: &Ask) -> Result<Answer, LocalError> {
    match folder.hold()? {
        Some(_held) => {
            let notebook = Notebook::open(&folder.file("local.sqlite"))?;
            start::check_use(folder, &notebook, start::Use::Live)?;
            let addresses =
                XeroAddresses::from_env().map_err(|error| LocalError::Input(error.to_string()))?;
            let done = answer(&rest(folder, &notebook, true, addresses).await?, ask).await?;
            if matches!(ask, Ask::Connect(_)) {
                start::claim(&notebook, start::Use::Live)?;
            }
            Ok(done)
        }
        None => control::put(&folder.running()?, ask).await,
    }
}

/// As [`put_live`], for a folder that something has been run in or connected to.
///
/// # Errors
/// As [`put_live`].
pub async fn put_live_at(path: &Path, ask: &Ask) -> Result<Answer, LocalError> {
    put_live(&Folder::existing(path)?, ask).await
}

/// The ports of a folder that nobody works on: time stands where it stood.
async fn at_rest(folder: &Folder) -> Result<LocalPorts, LocalError> {
    let notebook = Notebook::open(&folder.file("local.sqlite"))?;
    let live = start::used_for(&notebook)? == Some(start::Use::Live);
    let xero = start::addresses(parstock_xero::API_URL.to_owned(), parstock_xero::IDENTITY_URL.to_owned());
    rest(folder, &notebook, live, xero).await
}

async fn rest(
    folder: &Folder,
    notebook: &Notebook,
    live: bool,
    addresses: XeroAddresses,
) -> Result<LocalPorts, LocalError> {
    let starts = start::count_start(notebook)?;
    let (clock, entropy) = if live {
        (Arc::new(LocalClock::Wall), LocalEntropy::Random)
    } else {
        (start::simulated_clock(notebook, Timestamp::UNIX_EPOCH)?, LocalEntropy::seeded(0, starts))
    };
    let parts = start::Parts {
        folder,
        notebook,
        clock,
        entropy,
        addresses,
        console_url: String::new(),
        posts_to_slack: false,
    };
    start::ports(parts).await
}

/// Answers a question.
///
/// # Errors
/// Bad input, or what does not answer.
pub async fn answer(ports: &LocalPorts, ask: &Ask) -> Result<Answer, LocalError> {
    match ask {
        Ask::Connect(kept) => {
            let _turn = turn(ports).await?;
            return connect::answer(ports, kept).await;
        }
        Ask::Connections { test } => return connections::answer(ports, *test).await,
        Ask::KeepWebhookKeys(keys) => return connections::keep_webhook_keys(ports, keys).await,
        Ask::RemoveConnection { name, yes } => {
            let _turn = turn(ports).await?;
            return connections::remove(ports, name, *yes).await;
        }
        _ => {}
    }
    let orgs = parstock_app::connect::orgs(ports).await?;
    let Some(org) = orgs.first().map(|entry| entry.org) else {
        return Err(LocalError::Input(
            "no organisation is connected yet: run `parstock run` first".to_owned(),
        ));
    };
    // a step holds the organisation's lease, and in a busy hour one step follows the other: who waits in
    // line gets in between
    let _turn = match ask.changes() {
        false => None,
        true => Some(turn(ports).await?),
    };
    match ask.clone() {
        Ask::Positions { search, standing, at } => {
            positions::answer(ports, org, search, standing, at.as_deref()).await
        }
        Ask::Item { code } => item::answer(ports, org, &code).await,
        Ask::Proposals => proposals::answer(ports, org).await,
        Ask::Approve { proposal, contents } => {
            approve::answer(ports, org, &proposal, contents.as_deref()).await
        }
        Ask::Reject { proposal, contents, reason } => {
            reject::answer(ports, org, &proposal, contents.as_deref(), reason).await
        }
        Ask::Count { text } => stock::answer(ports, org, &text).await,
        Ask::ExportSettings => settings::export(ports, org).await,
        Ask::Settings { apply, policy, items, suppliers } => {
            settings::answer(ports, org, apply, [policy.as_deref(), items.as_deref(), suppliers.as_deref()])
                .await
        }
        Ask::Digest { day } => digest::answer(ports, org, day.as_deref()).await,
        Ask::Health => health::answer(ports, org).await,
        Ask::DeadLetters(letters) => dead_letters::answer(ports, &letters),
        Ask::VerifyAudit => audit::answer(ports, org).await,
        Ask::Reviews => reviews::answer(ports, org).await,
        Ask::Connect(_)
        | Ask::Connections { .. }
        | Ask::KeepWebhookKeys(_)
        | Ask::RemoveConnection { .. } => {
            Err(LocalError::Outside("a question about connections came too far".to_owned()))
        }
    }
}

/// Waits for the step under way.
async fn turn(ports: &LocalPorts) -> Result<tokio::sync::MutexGuard<'_, ()>, LocalError> {
    tokio::time::timeout(TURN_WAIT, ports.turn.lock()).await.map_err(|_| {
        LocalError::Outside(format!(
            "the running parstock has been at one step for {} seconds, and nothing was changed: try again in a minute",
            TURN_WAIT.as_secs()
        ))
    })
}

/// The app's answers, for the command line.
///
/// # Errors
/// When the org is not set up.
pub async fn console<P: Ports>(ports: &P, org: OrgId) -> Result<Console<'_, P>, LocalError> {
    let viewer = Viewer { user: COMMAND_LINE.to_owned(), csrf: String::new(), connects: false };
    Ok(Console::open(ports, org, viewer).await?)
}

/// Columns of a table, set flush.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                let cell = parstock_views::text::plain(cell);
                let missing = width.saturating_sub(cell.chars().count());
                format!("{cell}{}", " ".repeat(missing))
            })
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A quantity that may be unknown.
pub fn known(quantity: Option<parstock_domain::fixed::Quantity>) -> String {
    quantity.map_or_else(|| "not counted".to_owned(), |quantity| quantity.to_string())
}

//! Questions and orders to an organisation's data: answered by the process that holds the folder, by this one when
//! none does, or over a stack.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use parstock_adapters::config::XeroAddresses;
use parstock_app::console::{Console, Viewer};
use parstock_app::records::OrgEntry;
use parstock_domain::ids::OrgId;
use parstock_views::StandingGroup;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::{LocalClock, LocalEntropy};
use crate::commands::adjustments::Adjusting;
use crate::commands::dead_letters::Letters;
use crate::commands::landed::Vouchers;
use crate::commands::prices::Pricing;
use crate::commands::receipts::Receiving;
use crate::commands::{
    Common, adjustments, approve, audit, closings, connect, connections, dead_letters, digest, health, item,
    landed, ledger, positions, prices, proposals, receipts, reconcile, reject, reviews, settings, stock,
    xero,
};
use crate::control;
use crate::doctor;
use crate::error::{DONE, LocalError};
use crate::folder::Folder;
use crate::notebook::Notebook;
use crate::place::Place;
use crate::ports::LocalPorts;
use crate::stack::Stack;
use crate::start;

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
    /// Show the card of an item.
    Ledger(ledger::Asked),
    /// Show the latest daily proof.
    Reconcile {
        /// Whether it is made anew.
        now: bool,
    },
    /// Show what was reported of closed months.
    Closings {
        /// The items of this month; all months without one.
        month: Option<String>,
        /// Its closing with this number; the latest without one.
        closing: Option<u32>,
        /// Whether it is held beside what the ledger says now.
        check: bool,
        /// Whether the text is CSV.
        csv: bool,
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
    /// Goods receipts.
    Receipts(Receiving),
    /// Landed cost vouchers.
    Landed(Vouchers),
    /// Item prices.
    Prices(Pricing),
    /// Stock adjustments.
    Adjustments(Adjusting),
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
        /// Text of `units.csv`.
        units: Option<String>,
    },
    /// Show a digest.
    Digest {
        /// The day; the latest without one.
        day: Option<String>,
    },
    /// Show the health.
    Health,
    /// Check all that can be wrong.
    Doctor,
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
    /// Record how Xero answers.
    Record {
        /// Into which folder, from the root on.
        out: PathBuf,
        /// Whether to write what settles the open questions.
        probes: bool,
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
            Self::Reconcile { now } => *now,
            Self::Receipts(receiving) => receiving.changes(),
            Self::Landed(vouchers) => vouchers.changes(),
            Self::Prices(pricing) => pricing.changes(),
            Self::Adjustments(adjusting) => adjusting.changes(),
            Self::Count { .. } | Self::Reject { .. } => true,
            _ => false,
        }
    }

    /// Whether it takes the organisation's lease, which work holds, too.
    const fn takes_lease(&self) -> bool {
        matches!(
            self,
            Self::Count { .. } | Self::Settings { apply: true, .. } | Self::Reconcile { now: true }
        )
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

/// Puts a question to the stack that is named, or to whoever holds the folder.
///
/// # Errors
/// What can't be used or does not answer.
pub async fn put(common: &Common, ask: &Ask) -> Result<Answer, LocalError> {
    if let Some(name) = &common.stack {
        return answer(&Stack::open(name, common.org.clone()).await?, ask).await;
    }
    let folder = Folder::existing(&common.data)?;
    match folder.hold()? {
        Some(_held) => answer_in_folder(&at_rest(&folder).await?, ask).await,
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
            let done = answer_in_folder(&rest(folder, &notebook, true, addresses).await?, ask).await?;
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
///
/// # Errors
/// When its files or secrets can't be used.
pub async fn at_rest(folder: &Folder) -> Result<LocalPorts, LocalError> {
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
        runs: false,
    };
    start::ports(parts).await
}

/// Answers a question in a data folder.
///
/// # Errors
/// Bad input, or what does not answer.
pub async fn answer_in_folder(ports: &LocalPorts, ask: &Ask) -> Result<Answer, LocalError> {
    match ask {
        Ask::Connect(kept) => {
            let _turn = ports.between_steps().await?;
            connect::answer(ports, kept).await
        }
        Ask::RemoveConnection { name, yes } => {
            let _turn = ports.between_steps().await?;
            connections::remove(ports, name, *yes).await
        }
        Ask::KeepWebhookKeys(keys) => connections::keep_webhook_keys(ports, keys).await,
        // its future is large, and the stack of a thread is not
        _ => Box::pin(answer(ports, ask)).await,
    }
}

/// Answers a question.
///
/// # Errors
/// Bad input, or what does not answer.
pub async fn answer<P: Place>(place: &P, ask: &Ask) -> Result<Answer, LocalError> {
    let org = match ask {
        Ask::Connections { test } => return connections::answer(place, *test).await,
        Ask::Doctor => return doctor::answer(place).await,
        Ask::Record { out, probes } => return Box::pin(xero::record_at(place, out, *probes)).await,
        Ask::DeadLetters(letters) => return dead_letters::answer(place, letters).await,
        _ => only(&parstock_app::connect::orgs(place).await?, place.org_wanted())?,
    };
    let _turn = match ask.changes() {
        false => None,
        true => place.turn(org, ask.takes_lease()).await?,
    };
    match ask.clone() {
        Ask::Positions { search, standing, at } => {
            positions::answer(place, org, search, standing, at.as_deref()).await
        }
        Ask::Item { code } => item::answer(place, org, &code).await,
        Ask::Ledger(asked) => ledger::answer(place, org, &asked).await,
        Ask::Reconcile { now } => Box::pin(reconcile::answer(place, org, now)).await,
        Ask::Closings { month, closing, check, csv } => {
            Box::pin(closings::answer(place, org, month.as_deref(), closing, check, csv)).await
        }
        Ask::Proposals => proposals::answer(place, org).await,
        Ask::Approve { proposal, contents } => {
            approve::answer(place, org, &proposal, contents.as_deref()).await
        }
        Ask::Reject { proposal, contents, reason } => {
            reject::answer(place, org, &proposal, contents.as_deref(), reason).await
        }
        Ask::Count { text } => stock::answer(place, org, &text).await,
        Ask::Prices(pricing) => prices::answer(place, org, &pricing).await,
        Ask::Receipts(receiving) => Box::pin(receipts::answer(place, org, &receiving)).await,
        Ask::Adjustments(adjusting) => Box::pin(adjustments::answer(place, org, &adjusting)).await,
        Ask::Landed(vouchers) => Box::pin(landed::answer(place, org, &vouchers)).await,
        Ask::ExportSettings => settings::export(place, org).await,
        Ask::Settings { apply, policy, items, suppliers, units } => {
            let files = [policy, items, suppliers, units];
            settings::answer(place, org, apply, files.each_ref().map(|text| text.as_deref())).await
        }
        Ask::Digest { day } => digest::answer(place, org, day.as_deref()).await,
        Ask::Health => health::answer(place, org).await,
        Ask::VerifyAudit => audit::answer(place, org).await,
        Ask::Reviews => reviews::answer(place, org).await,
        Ask::Connect(_)
        | Ask::Connections { .. }
        | Ask::KeepWebhookKeys(_)
        | Ask::RemoveConnection { .. }
        | Ask::Doctor
        | Ask::Record { .. }
        | Ask::DeadLetters(_) => Err(LocalError::Outside("a question was put at the wrong place".to_owned())),
    }
}

/// The organisation that is asked about: the one that is named, or the only one.
///
/// # Errors
/// [`LocalError::Input`] when there is none, or several and none of them is named.
pub fn only(orgs: &[OrgEntry], wanted: Option<&str>) -> Result<OrgId, LocalError> {
    let fits = |entry: &&OrgEntry| {
        wanted.is_none_or(|wanted| {
            entry.name.to_lowercase() == wanted.to_lowercase() || entry.org.to_string() == wanted
        })
    };
    match orgs.iter().filter(fits).collect::<Vec<_>>().as_slice() {
        [one] => Ok(one.org),
        _ if orgs.is_empty() => Err(LocalError::Input(
            "no organisation is connected yet: run `parstock run` first; a stack connects within 15 minutes once the \
             credentials of its connection are entered, and `parstock doctor` tells what is missing"
                .to_owned(),
        )),
        _ => {
            let names: Vec<String> =
                orgs.iter().map(|entry| format!("{} ({})", entry.name, entry.org)).collect();
            Err(LocalError::Input(format!(
                "name one organisation with --org, by its name or id; there are: {}",
                names.join(", ")
            )))
        }
    }
}

/// The app's answers, for the command line.
///
/// # Errors
/// When the org is not set up.
pub async fn console<P: Place>(place: &P, org: OrgId) -> Result<Console<'_, P>, LocalError> {
    let viewer = Viewer { user: place.person().to_owned(), csrf: String::new(), connects: false };
    Ok(Console::open(place, org, viewer).await?)
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn of_several_organisations_one_has_to_be_named() {
        let entry = |number: u128, name: &str| OrgEntry {
            org: OrgId(Uuid::from_u128(number)),
            name: name.to_owned(),
            time_zone: None,
            connection: name.to_lowercase(),
            tenant: None,
        };
        let one = [entry(1, "North")];
        let two = [entry(1, "North"), entry(2, "South")];
        let second = two[1].org.to_string();
        assert_eq!(only(&one, None).unwrap(), one[0].org);
        assert_eq!(only(&two, Some("south")).unwrap(), two[1].org);
        assert_eq!(only(&two, Some(&second)).unwrap(), two[1].org);
        for (orgs, wanted, says) in [
            (&[][..], None, "no organisation is connected"),
            (&two, None, "North"),
            (&two, Some("West"), "South"),
            (&one, Some("South"), "--org"),
        ] {
            let error = only(orgs, wanted).unwrap_err();
            assert!(matches!(error, LocalError::Input(_)) && error.to_string().contains(says), "{error}");
        }
    }
}

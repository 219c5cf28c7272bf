//! `parstock xero record|check`: how a real organisation answers, and whether the simulator answers alike.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parstock_adapters::config::XeroAddresses;
use serde_json::json;

use crate::ask::Answer;
use crate::driver::locked;
use crate::error::{DIFFERENCES, DONE, LocalError};
use crate::live;
use crate::recording::http::HttpCaller;
use crate::recording::{self, PAUSE};
use crate::screen;
use crate::start;

/// Fields that only Xero gives, spelt out.
const MISSING_SHOWN: usize = 20;

/// Recordings of a real organisation.
#[derive(Args, Clone, Debug)]
pub struct Xero {
    #[command(subcommand)]
    command: XeroCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum XeroCommand {
    /// Record how an organisation answers, with everything personal replaced
    Record {
        /// A new or empty folder for the recording
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Also write what settles the open questions; only into a demo company
        #[arg(long)]
        probes: bool,
    },
    /// Hold the simulator against a recording
    Check {
        /// The recording
        #[arg(value_name = "DIR")]
        recording: PathBuf,
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs it.
pub(super) async fn run(xero: Xero) -> Result<u8, LocalError> {
    match xero.command {
        XeroCommand::Record { out, probes } => record(out, probes).await,
        XeroCommand::Check { recording, json } => check(recording, json).await,
    }
}

#[expect(clippy::disallowed_methods, reason = "a recording is made on the machine's day")]
fn now() -> Timestamp {
    Timestamp::now()
}

async fn record(out: PathBuf, probes: bool) -> Result<u8, LocalError> {
    let addresses = XeroAddresses::from_env().map_err(|error| LocalError::Input(error.to_string()))?;
    let (id, secret) = live::credentials_from_env()?;
    let mut caller = HttpCaller::connect(addresses, &id, &secret).await?;
    let now = now();
    let today = now.to_zoned(TimeZone::UTC).date();
    // what probes write needs a name that nothing before had
    let run = format!("PS{}", now.as_second());
    let about = recording::record(&mut caller, &out, probes, &run, today, PAUSE).await?;
    if !about.left_out.is_empty() {
        screen::talk(&format!(
            "left out, since something that they need was not there or was refused: {}",
            about.left_out.join(", ")
        ));
    }
    let kind = if about.demo_company { "demo company" } else { "company" };
    screen::result(&format!(
        "recorded a {kind} ({}) into {}: look through it before you give it away, then run `parstock xero check {}`",
        about.country,
        out.display(),
        out.display()
    ));
    Ok(DONE)
}

async fn check(folder: PathBuf, in_json: bool) -> Result<u8, LocalError> {
    let (world, base) = recording::simulator().await?;
    let settings = locked(&world).settings().clone();
    let addresses = start::addresses(format!("{base}/api.xro/2.0"), base);
    let mut caller =
        HttpCaller::connect(addresses, &settings.client_id, &settings.client_secret.clone().into()).await?;
    let checked = recording::check(&mut caller, &folder).await?;
    let mut text = format!("{} answers compared\n", checked.steps);
    for wrong in &checked.wrong {
        text.push_str(&format!("WRONG   {wrong}\n"));
    }
    for refused in &checked.refused {
        text.push_str(&format!("NOT RECORDED  {refused}\n"));
    }
    for answer in &checked.answers {
        text.push_str(&format!("ANSWER  {answer}\n"));
    }
    for missing in checked.missing.iter().take(MISSING_SHOWN) {
        text.push_str(&format!("NOT IN THE SIMULATOR  {missing}\n"));
    }
    if checked.missing.len() > MISSING_SHOWN {
        text.push_str(&format!(
            "… and {} more fields that the simulator does not give (--json lists them)\n",
            checked.missing.len() - MISSING_SHOWN
        ));
    }
    let exit_code = if checked.wrong.is_empty() { DONE } else { DIFFERENCES };
    let json = json!({
        "steps": checked.steps, "refused": checked.refused, "wrong": checked.wrong, "answers": checked.answers, "missing": checked.missing,
    });
    let answer = Answer::new(json, text).exiting(exit_code);
    if in_json {
        screen::result(&serde_json::to_string_pretty(&answer.json)?);
    } else {
        screen::result(&answer.text);
    }
    Ok(answer.exit_code)
}

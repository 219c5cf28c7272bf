//! `parstock xero record|check`: how a real organisation answers, and whether the simulator answers alike.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use parstock_adapters::config::{ConsentAddresses, XeroAddresses};
use parstock_adapters::consent::App;
use parstock_adapters::vault::Credentials;
use parstock_domain::ids::OrgId;
use parstock_xero::MemoryBudget;
use serde_json::json;

use crate::ask::{self, Answer, Ask};
use crate::clock::LocalClock;
use crate::driver::locked;
use crate::error::{DIFFERENCES, DONE, LocalError};
use crate::live;
use crate::place::Place;
use crate::recording::http::{Budget, HttpCaller};
use crate::recording::{self, Caller, PAUSE};
use crate::screen;
use crate::stack::Stack;
use crate::start;

/// Where nobody else calls with the same credentials.
const NO_BUDGET: Option<Budget<MemoryBudget, LocalClock>> = None;
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
        /// The data folder whose connection is used; without it the custom connection of XERO_CLIENT_ID
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// As --data, of a stack in your AWS account, reached with your own AWS credentials
        #[arg(long, value_name = "NAME", conflicts_with = "data")]
        stack: Option<String>,
        /// Name or id of the organisation, where a stack has several
        #[arg(long, value_name = "NAME", requires = "stack")]
        org: Option<String>,
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
        XeroCommand::Record { data, stack, org, out, probes } => {
            // whoever holds the folder stands elsewhere
            let out = std::path::absolute(out).map_err(LocalError::outside)?;
            let ask = Ask::Record { out: out.clone(), probes };
            let answer = match (data, stack) {
                (Some(data), _) => ask::put_live_at(&data, &ask).await?,
                (None, Some(name)) => ask::answer(&Stack::open(&name, org).await?, &ask).await?,
                (None, None) => by_custom_connection(&out, probes).await?,
            };
            super::show(false, &answer)
        }
        XeroCommand::Check { recording, json } => check(recording, json).await,
    }
}

#[expect(clippy::disallowed_methods, reason = "a recording is made on the machine's day")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// Records over the custom connection that the environment names, and keeps nothing of it.
async fn by_custom_connection(out: &Path, probes: bool) -> Result<Answer, LocalError> {
    let addresses = XeroAddresses::from_env().map_err(|error| LocalError::Input(error.to_string()))?;
    let (id, secret) = live::credentials_from_env()?;
    record(&mut HttpCaller::connect(addresses, &id, &secret, NO_BUDGET).await?, out, probes).await
}

/// Records over a connection that a place keeps.
pub(crate) async fn record_at(place: &impl Place, out: &Path, probes: bool) -> Result<Answer, LocalError> {
    let input = |error: &dyn std::fmt::Display| LocalError::Input(error.to_string());
    let (name, credentials, org) = connection(place).await?;
    let clock = Arc::new(LocalClock::Wall);
    let budget = org.map(|org| Budget { calls: place.budget(org, &credentials), clock: Arc::clone(&clock) });
    let mut addresses = XeroAddresses::from_env().map_err(|error| input(&error))?;
    if !credentials.is_consent() {
        let (id, secret) = (credentials.client_id, credentials.client_secret);
        return record(&mut HttpCaller::connect(addresses, &id, &secret, budget).await?, out, probes).await;
    }
    addresses.tenant = credentials.tenant;
    let places = ConsentAddresses::from_env().map_err(|error| input(&error))?;
    let tokens = place.tokens(credentials.token_set.as_deref().unwrap_or(&name));
    let (id, secret) = (credentials.client_id, credentials.client_secret);
    let app = App::new(&addresses, &places, id, secret, clock);
    let app = app.map_err(|error| input(&error))?;
    record(&mut HttpCaller::over(addresses, app, tokens, budget)?, out, probes).await
}

/// The one connection of a place, or the one whose organisation was named; with the organisation, if it is known already.
async fn connection(place: &impl Place) -> Result<(String, Credentials, Option<OrgId>), LocalError> {
    let orgs = parstock_app::connect::orgs(place).await?;
    let (mut fitting, mut all) = (Vec::new(), Vec::new());
    for name in place.connections() {
        let Some(credentials) = live::kept_credentials(&**place.vault(), name).await? else { continue };
        let org = orgs.iter().find(|entry| entry.connection == name);
        let is_it = |wanted: &str| {
            org.is_some_and(|org| {
                org.name.to_lowercase() == wanted.to_lowercase() || org.org.to_string() == wanted
            })
        };
        all.push(org.map_or_else(|| name.to_owned(), |org| org.name.clone()));
        if place.org_wanted().is_none_or(is_it) {
            fitting.push((name.to_owned(), credentials, org.map(|org| org.org)));
        }
    }
    match (fitting.pop(), fitting.is_empty()) {
        (Some(one), true) => Ok(one),
        _ if all.is_empty() => Err(LocalError::Input(
            "nothing is connected: run `parstock connect`, or leave --data out and set XERO_CLIENT_ID and XERO_CLIENT_SECRET"
                .to_owned(),
        )),
        _ => Err(LocalError::Input(format!(
            "name one organisation with --org, by its name or id; there are: {}",
            all.join(", ")
        ))),
    }
}

async fn record(caller: &mut impl Caller, out: &Path, probes: bool) -> Result<Answer, LocalError> {
    let now = now();
    let today = now.to_zoned(TimeZone::UTC).date();
    // what probes write needs a name that nothing before had
    let run = format!("PS{}", now.as_second());
    let about = recording::record(caller, out, probes, &run, today, PAUSE).await?;
    let kind = if about.demo_company { "demo company" } else { "company" };
    let (country, folder) = (&about.country, out.display());
    let text = format!(
        "recorded a {kind} ({country}) into {folder}: look through it before you give it away, then run `parstock xero check {folder}`\n"
    );
    let answer = Answer::new(serde_json::to_value(&about)?, text);
    if about.left_out.is_empty() {
        return Ok(answer);
    }
    Ok(answer.saying(format!(
        "left out, since something that they need was not there or was refused: {}",
        about.left_out.join(", ")
    )))
}

async fn check(folder: PathBuf, in_json: bool) -> Result<u8, LocalError> {
    let (world, base) = recording::simulator().await?;
    let settings = locked(&world).settings().clone();
    let addresses = start::addresses(format!("{base}/api.xro/2.0"), base);
    let mut caller = HttpCaller::connect(
        addresses,
        &settings.client_id,
        &settings.client_secret.clone().into(),
        NO_BUDGET,
    )
    .await?;
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

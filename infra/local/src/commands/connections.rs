//! `parstock connections`: what is connected, how it stands, and its end.

use std::io::{self, BufRead, IsTerminal};
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use parstock_adapters::config::{ConsentAddresses, XeroAddresses};
use parstock_adapters::consent::{self, App, Ended, Standing, ToDo};
use parstock_adapters::vault::Credentials;
use parstock_app::load;
use parstock_app::ports::{Books, Clock};
use parstock_app::records::{Key, OrgEntry, Owner, Profile};
use parstock_xero::TokenStore;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Common, OfFolder, connect};
use crate::ask::{self, Answer, Ask, table};
use crate::console::USER;
use crate::driver::CONNECTION;
use crate::error::{DIFFERENCES, LocalError, OUTSIDE_FAILED};
use crate::live::{self, kept_credentials};
use crate::place::Place;
use crate::ports::LocalPorts;
use crate::{screen, start};

/// What is connected.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Connections {
    #[command(subcommand)]
    command: Option<ConnectionsCommand>,
    /// Try each with one call
    #[arg(long)]
    test: bool,
    /// Where to look and how to answer.
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Debug, Subcommand)]
enum ConnectionsCommand {
    /// End a connection in Xero and forget its secrets; the books in the data folder stay
    Remove {
        /// The connection's or its organisation's name
        name: String,
        /// Don't ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        common: OfFolder,
    },
    /// Keep the webhook's keys in XERO_WEBHOOK_KEY; a running parstock takes them at once
    WebhookKeys {
        #[command(flatten)]
        common: OfFolder,
    },
}

/// The webhook's keys, on their way into the data folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WebhookKeys(#[serde(serialize_with = "connect::text")] SecretString);

/// Runs it.
pub(super) async fn run(connections: Connections) -> Result<u8, LocalError> {
    let Connections { command, test, common } = connections;
    let (answer, in_json) = match command {
        Some(ConnectionsCommand::Remove { name, yes, common }) => {
            let yes = yes || confirmed(&name);
            (ask::put_live_at(&common.data, &Ask::RemoveConnection { name, yes }).await?, common.json)
        }
        Some(ConnectionsCommand::WebhookKeys { common }) => {
            let keys = WebhookKeys(live::given_webhook_keys()?);
            (ask::put_live_at(&common.data, &Ask::KeepWebhookKeys(keys)).await?, common.json)
        }
        None if common.stack.is_some() => (ask::put(&common, &Ask::Connections { test }).await?, common.json),
        None => (ask::put_live_at(&common.data, &Ask::Connections { test }).await?, common.json),
    };
    super::show(in_json, &answer)
}

/// Asks at a terminal; elsewhere nobody could answer.
fn confirmed(name: &str) -> bool {
    if !io::stdin().is_terminal() {
        return false;
    }
    screen::talk(&format!("End the connection to {name} in Xero and forget its secrets? [y/N]"));
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).is_ok() && matches!(line.trim(), "y" | "Y" | "yes")
}

/// What is known of a connection.
struct Found {
    name: String,
    standing: Standing,
    org: Option<OrgEntry>,
}

impl Found {
    /// `None` as long as nobody has entered its credentials.
    async fn of(place: &impl Place, name: &str) -> Result<Option<Self>, LocalError> {
        let Some(credentials) = kept_credentials(&**place.vault(), name).await? else { return Ok(None) };
        let token_set = credentials.token_set.as_deref().unwrap_or(name);
        let token = place.tokens(token_set).load().await.map_err(LocalError::outside)?;
        let standing = Standing { credentials, token };
        let orgs = parstock_app::connect::orgs(place).await?;
        let org = orgs.into_iter().find(|entry| entry.connection == name);
        Ok(Some(Self { name: name.to_owned(), standing, org }))
    }

    const fn kind(&self) -> &'static str {
        if self.standing.is_consent() { "consent" } else { "custom" }
    }

    fn organisation(&self) -> &str {
        self.org.as_ref().map_or("not read yet", |entry| &entry.name)
    }
}

/// What a person has to do about a connection, if so.
pub(crate) fn to_do(standing: &Standing, needed: &[String]) -> Option<String> {
    Some(match standing.to_do(needed)? {
        ToDo::Consent(problem) => format!("{problem}: run `parstock connect`."),
        ToDo::Allow(scopes) => connect::lacks_these(&scopes),
    })
}

/// Time since an instant, in the largest fitting unit.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(since).as_mins().max(0);
    match minutes {
        0..60 => format!("{minutes} min"),
        60..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

/// Lists what is connected, and tries it.
pub(crate) async fn answer(place: &impl Place, test: bool) -> Result<Answer, LocalError> {
    let needed =
        XeroAddresses::from_env().map_err(|error| LocalError::Input(error.to_string()))?.consent_scopes();
    let head = ["name", "organisation", "kind", "token age", "last read"].map(str::to_owned).to_vec();
    let (mut rows, mut notes, mut all) = (vec![head], String::new(), Vec::new());
    let (mut failed, mut waits) = (false, false);
    for name in place.connections() {
        let Some(found) = Found::of(place, name).await? else { continue };
        let shown = describe(place, &found, test, &needed).await?;
        failed |= shown.failed;
        waits |= shown.waits;
        rows.push(shown.row);
        notes.push_str(&shown.notes);
        all.push(shown.json);
    }
    if all.is_empty() {
        let talk =
            "nothing is connected: run `parstock connect`, or enter the credentials of a custom connection";
        return Ok(Answer::new(json!([]), String::new()).saying(talk));
    }
    let answer = Answer::new(json!(all), table(&rows) + &notes);
    Ok(match (failed, waits) {
        (true, _) => answer.exiting(OUTSIDE_FAILED),
        (false, true) => answer.exiting(DIFFERENCES),
        (false, false) => answer,
    })
}

/// A connection as it is listed.
struct Shown {
    row: Vec<String>,
    notes: String,
    json: serde_json::Value,
    failed: bool,
    waits: bool,
}

async fn describe(
    place: &impl Place,
    found: &Found,
    test: bool,
    needed: &[String],
) -> Result<Shown, LocalError> {
    let now = place.clock().now();
    let to_do = to_do(&found.standing, needed);
    let tried = if test { Some(place.books().identify(&found.name).await) } else { None };
    let profile = match &found.org {
        Some(entry) => load::one::<Profile>(place.store(), Owner::Org(entry.org), Key::Profile).await?,
        None => None,
    };
    let read_at = profile.and_then(|profile| profile.content.polled_at);
    let issued_at = found.standing.token.as_ref().and_then(|token| token.issued_at);
    let scopes = found.standing.token.as_ref().map_or(&[][..], |token| &token.scopes);
    let since = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| age(at, now));
    let outcome = match &tried {
        None => "-".to_owned(),
        Some(Ok(reached)) => format!("reaches {}", reached.organisation.name),
        Some(Err(error)) => error.to_string(),
    };
    let row = vec![
        found.name.clone(),
        found.organisation().to_owned(),
        found.kind().to_owned(),
        since(issued_at),
        since(read_at),
    ];
    // of several it has to be said which
    let of = if place.connections().len() > 1 { format!("{} ", found.name) } else { String::new() };
    let allowed =
        if scopes.is_empty() { "not known before the first token".to_owned() } else { scopes.join(" ") };
    let mut notes = format!("{of}scopes: {allowed}\n");
    if test {
        notes.push_str(&format!("{of}test: {}\n", parstock_views::text::plain(&outcome)));
    }
    if let Some(what) = &to_do {
        notes.push_str(&format!("{of}your turn: {what}\n"));
    }
    let failed = matches!(tried, Some(Err(_)));
    let json = json!({
        "name": found.name, "organisation": found.org.as_ref().map(|entry| entry.name.clone()), "kind": found.kind(),
        "tenant_id": found.standing.credentials.tenant, "scopes": scopes, "token_issued_at": issued_at.map(|at| at.to_string()),
        "last_read_at": read_at.map(|at| at.to_string()), "your_turn": to_do,
        "test": test.then(|| json!({ "works": !failed, "said": outcome })),
    });
    Ok(Shown { row, notes, json, failed, waits: to_do.is_some() })
}

/// Keeps the webhook's keys.
pub(crate) async fn keep_webhook_keys(ports: &LocalPorts, keys: &WebhookKeys) -> Result<Answer, LocalError> {
    start::keep_webhook_keys(&ports.vault, keys.0.expose_secret()).await?;
    let count = keys.0.expose_secret().split_whitespace().count();
    let text = format!("{count} of the webhook's keys kept\n");
    Ok(Answer::new(json!({ "webhook_keys": count }), text))
}

/// Ends a connection.
pub(crate) async fn remove(ports: &LocalPorts, name: &str, yes: bool) -> Result<Answer, LocalError> {
    let unknown = |what: &str| LocalError::Input(format!("there is no connection {name}: {what}"));
    let Some(found) = Found::of(ports, CONNECTION).await? else {
        return Err(unknown("nothing is connected"));
    };
    let same = |other: &str| other.to_lowercase() == name.to_lowercase();
    if !same(CONNECTION) && !same(found.organisation()) {
        return Err(unknown(&format!("the one here is {CONNECTION}, {}", found.organisation())));
    }
    let shown = json!({ "name": CONNECTION, "organisation": found.organisation(), "kind": found.kind() });
    if !yes {
        let talk = format!(
            "nothing was removed; to end the connection to {} and forget its secrets: parstock connections remove {} --yes",
            found.organisation(),
            CONNECTION
        );
        return Ok(Answer::new(shown, String::new()).saying(talk).exiting(DIFFERENCES));
    }
    parstock_app::connect::ending(ports, CONNECTION, USER).await?;
    let talk = match found.standing.credentials.tenant {
        Some(tenant) => end_consent(ports, &found.standing.credentials, tenant).await?,
        None => "the custom connection stays in Xero until you end it there".to_owned(),
    };
    consent::forget(&*ports.vault, &start::tokens(ports), CONNECTION).await.map_err(LocalError::outside)?;
    let text =
        format!("the connection to {} is removed; its books in the folder stay\n", found.organisation());
    Ok(Answer::new(shown, text).saying(talk))
}

/// Disconnects the organisation in Xero, and revokes the consent if that was its last one. What to say of it.
async fn end_consent(
    ports: &LocalPorts,
    credentials: &Credentials,
    tenant: Uuid,
) -> Result<String, LocalError> {
    let input = |error: &dyn std::fmt::Display| LocalError::Input(error.to_string());
    let addresses = XeroAddresses::from_env().map_err(|error| input(&error))?;
    let places = ConsentAddresses::from_env().map_err(|error| input(&error))?;
    let (id, secret) = (credentials.client_id.clone(), credentials.client_secret.clone());
    let app = App::new(&addresses, &places, id, secret, Arc::clone(&ports.clock));
    let app = app.map_err(|error| input(&error))?;
    let ended = app.end(&start::tokens(ports), tenant).await.map_err(|error| {
        LocalError::Outside(format!("nothing was removed, since Xero could not be told: {error}"))
    })?;
    Ok(match ended {
        Ended::Before => "its consent had ended in Xero already".to_owned(),
        Ended::Revoked => "it is disconnected in Xero, and the consent is revoked".to_owned(),
        Ended::Disconnected(others) => format!(
            "it is disconnected in Xero; the consent stays, since the same person connected {} too",
            others.join(", ")
        ),
    })
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn ages_are_told_in_a_fitting_unit() {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        for (minutes, said) in
            [(-1, "0 min"), (0, "0 min"), (59, "59 min"), (60, "1 h"), (2_879, "47 h"), (2_880, "2 days")]
        {
            assert_eq!(age(now - minutes.minutes(), now), said);
        }
    }
}

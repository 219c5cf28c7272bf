//! `parstock connections`: what is connected, how it stands, and its end.

use std::io::{self, BufRead, IsTerminal};
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use parstock_adapters::config::{ConsentAddresses, XeroAddresses};
use parstock_adapters::consent::{self, App, Ended, Standing, ToDo};
use parstock_adapters::vault::Credentials;
use parstock_app::load;
use parstock_app::ports::{Books, Ports};
use parstock_app::records::{Key, OrgEntry, Owner, Profile};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{Common, connect};
use crate::ask::{Answer, Ask, table};
use crate::driver::CONNECTION;
use crate::error::{DIFFERENCES, LocalError, OUTSIDE_FAILED};
use crate::live;
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
        common: Common,
    },
    /// Keep the webhook's keys in XERO_WEBHOOK_KEY; a running parstock takes them at once
    WebhookKeys {
        #[command(flatten)]
        common: Common,
    },
}

/// The webhook's keys, on their way into the data folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WebhookKeys(#[serde(serialize_with = "connect::text")] SecretString);

impl Connections {
    pub(super) const fn common(&self) -> &Common {
        match &self.command {
            Some(ConnectionsCommand::Remove { common, .. } | ConnectionsCommand::WebhookKeys { common }) => {
                common
            }
            None => &self.common,
        }
    }

    pub(super) fn ask(&self) -> Result<Ask, LocalError> {
        Ok(match &self.command {
            Some(ConnectionsCommand::Remove { name, yes, .. }) => {
                Ask::RemoveConnection { name: name.clone(), yes: *yes || confirmed(name) }
            }
            Some(ConnectionsCommand::WebhookKeys { .. }) => {
                Ask::KeepWebhookKeys(WebhookKeys(live::given_webhook_keys()?))
            }
            None => Ask::Connections { test: self.test },
        })
    }
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

/// The one connection of the folder.
struct Found {
    standing: Standing,
    org: Option<OrgEntry>,
}

impl Found {
    async fn of(ports: &LocalPorts) -> Result<Option<Self>, LocalError> {
        let standing = Standing::of(&*ports.vault, &start::tokens(ports), CONNECTION).await;
        let Some(standing) = standing.map_err(LocalError::outside)? else { return Ok(None) };
        let orgs = parstock_app::connect::orgs(ports).await?;
        let org = orgs.into_iter().find(|entry| entry.connection == CONNECTION);
        Ok(Some(Self { standing, org }))
    }

    const fn kind(&self) -> &'static str {
        if self.standing.is_consent() { "consent" } else { "custom" }
    }

    fn organisation(&self) -> &str {
        self.org.as_ref().map_or("not read yet", |entry| &entry.name)
    }

    /// What a person has to do, if so.
    fn to_do(&self, needed: &[String]) -> Option<String> {
        Some(match self.standing.to_do(needed)? {
            ToDo::Consent(problem) => format!("{problem}: run `parstock connect`."),
            ToDo::Allow(scopes) => connect::lacks_these(&scopes),
        })
    }
}

/// Time since an instant, in the largest fitting unit.
fn age(since: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(since).as_mins().max(0);
    match minutes {
        0..60 => format!("{minutes} min"),
        60..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

/// Lists what is connected, and tries it.
pub(crate) async fn answer(ports: &LocalPorts, test: bool) -> Result<Answer, LocalError> {
    let Some(found) = Found::of(ports).await? else {
        return Ok(
            Answer::new(json!([]), String::new()).saying("nothing is connected: run `parstock connect`")
        );
    };
    let addresses = XeroAddresses::from_env().map_err(|error| LocalError::Input(error.to_string()))?;
    let now = ports.clock.now();
    let to_do = found.to_do(&addresses.consent_scopes());
    let tried = if test { Some(ports.books().identify(CONNECTION).await) } else { None };
    let profile = match &found.org {
        Some(entry) => load::one::<Profile>(ports.store(), Owner::Org(entry.org), Key::Profile).await?,
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
    let head = ["name", "organisation", "kind", "token age", "last read"].map(str::to_owned).to_vec();
    let row = vec![
        CONNECTION.to_owned(),
        found.organisation().to_owned(),
        found.kind().to_owned(),
        since(issued_at),
        since(read_at),
    ];
    let mut text = table(&[head, row]);
    let allowed =
        if scopes.is_empty() { "not known before the first token".to_owned() } else { scopes.join(" ") };
    text.push_str(&format!("scopes: {allowed}\n"));
    if test {
        text.push_str(&format!("test: {}\n", parstock_views::text::plain(&outcome)));
    }
    if let Some(what) = &to_do {
        text.push_str(&format!("your turn: {what}\n"));
    }
    let failed = matches!(tried, Some(Err(_)));
    let json = json!([{
        "name": CONNECTION, "organisation": found.org.as_ref().map(|entry| entry.name.clone()), "kind": found.kind(),
        "tenant_id": found.standing.credentials.tenant, "scopes": scopes, "token_issued_at": issued_at.map(|at| at.to_string()),
        "last_read_at": read_at.map(|at| at.to_string()), "your_turn": to_do,
        "test": test.then(|| json!({ "works": !failed, "said": outcome })),
    }]);
    let answer = Answer::new(json, text);
    Ok(match (failed, to_do) {
        (true, _) => answer.exiting(OUTSIDE_FAILED),
        (false, Some(_)) => answer.exiting(DIFFERENCES),
        (false, None) => answer,
    })
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
    let Some(found) = Found::of(ports).await? else { return Err(unknown("nothing is connected")) };
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

//! `parstock doctor`: looks at all that can be wrong. [`judge`] says what a fact means and what to do about it; everything
//! else here only fetches facts.

pub mod judge;

use jiff::tz::TimeZone;
use parstock_adapters::config::XeroAddresses;
use parstock_adapters::vault::{Freshness, Vault, names};
use parstock_app::load;
use parstock_app::ports::{Books, Clock, QueueName, Store};
use parstock_app::records::{Connection, Effect, Key, List, Mark, OrgEntry, Owner, Profile, Trouble};
use parstock_domain::audit::{Entry, Head, Statement};
use parstock_domain::event::Source;
use parstock_domain::settings::Policy;
use parstock_views::StandingGroup;
use parstock_xero::TokenStore;
use serde::Serialize;
use serde_json::json;

use crate::ask::{Answer, only, table};
use crate::error::{DIFFERENCES, LocalError};
use crate::live::kept_credentials;
use crate::place::Place;

/// Audit entries that are looked through for news by webhook.
const ENTRIES_LOOKED_THROUGH: u32 = 500;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// All is well.
    Ok,
    /// Work goes on, but something is missing or was not seen.
    Warning,
    /// Something does not work.
    Failed,
}

impl Grade {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "FAILED",
        }
    }
}

/// A line of the doctor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// How bad it is.
    pub grade: Grade,
    /// What was found.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_do: Option<String>,
}

/// The findings as an answer: exit code 1 if something failed.
pub fn told(findings: &[Finding]) -> Answer {
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| {
            let found = finding.found.trim_end_matches('.');
            let what = finding.to_do.as_ref().map_or_else(
                || found.to_owned(),
                |to_do| format!("{found}. {}", to_do.trim_end_matches('.')),
            );
            vec![finding.grade.word().to_owned(), finding.check.clone(), what]
        })
        .collect();
    let count = |grade| findings.iter().filter(|finding| finding.grade == grade).count();
    let (failed, warnings) = (count(Grade::Failed), count(Grade::Warning));
    let talk = format!("{} checks: {failed} failed, {warnings} warnings", findings.len());
    let answer =
        Answer::new(json!({ "findings": findings, "failed": failed, "warnings": warnings }), table(&rows));
    answer.saying(talk).exiting(if failed > 0 { DIFFERENCES } else { crate::error::DONE })
}

/// Looks at everything.
///
/// # Errors
/// When nothing can be looked at, since the store does not answer.
pub async fn answer(place: &impl Place) -> Result<Answer, LocalError> {
    let mut findings = place.ground().await;
    let orgs = parstock_app::connect::orgs(place).await?;
    for name in place.connections() {
        findings.extend(connection(place, name, &orgs).await);
    }
    let wanted = place.org_wanted().map(|wanted| only(&orgs, Some(wanted))).transpose()?;
    for entry in orgs.iter().filter(|entry| wanted.is_none_or(|wanted| entry.org == wanted)) {
        findings.extend(organisation(place, entry).await?);
    }
    findings.extend(queues(place).await);
    Ok(told(&findings))
}

/// A connection: its credentials, its token and whether they work.
async fn connection(place: &impl Place, name: &str, orgs: &[OrgEntry]) -> Vec<Finding> {
    let kept = kept_credentials(&**place.vault(), name).await;
    let mut findings =
        vec![judge::credentials(name, &kept.as_ref().map(Option::is_some).map_err(ToString::to_string))];
    let Ok(Some(credentials)) = kept else { return findings };
    let token_set = credentials.token_set.as_deref().unwrap_or(name);
    let needed = XeroAddresses::from_env().map(|addresses| addresses.consent_scopes()).unwrap_or_default();
    let (token, row) = (
        place.tokens(token_set).load().await,
        load::one::<Connection>(place.store(), Owner::Stack, Key::Connection(token_set.to_owned())).await,
    );
    let broken = row.ok().flatten().and_then(|row| row.content.broken);
    findings.push(match &token {
        Ok(token) => judge::token(
            name,
            credentials.tenant.is_some(),
            token.as_ref(),
            broken.as_deref(),
            &needed,
            place.clock().now(),
        ),
        Err(error) => judge::unseen(format!("token of {name}"), &error.to_string()),
    });
    // an organisation that is known is asked with its own limits, further on
    if place.reaches_xero() && !orgs.iter().any(|entry| entry.connection == name) {
        let reached = place.books().identify(name).await.map(|reached| reached.organisation.name);
        findings.push(judge::reach(name, &reached.map_err(|error| error.to_string())));
        findings.push(judge::not_connected(name));
    }
    findings
}

/// An organisation: what Xero says, how far its copy is, and what people have set.
async fn organisation(place: &impl Place, entry: &OrgEntry) -> Result<Vec<Finding>, LocalError> {
    let (store, owner, now) = (place.store(), Owner::Org(entry.org), place.clock().now());
    let profile = load::one::<Profile>(store, owner, Key::Profile).await?.map(|row| row.content);
    let policy = load::one::<Policy>(store, owner, Key::Policy).await?;
    let set = policy.map(|row| row.content).unwrap_or_default().org();
    let name = entry.name.as_str();
    let mut findings = Vec::new();
    if place.reaches_xero() {
        let zone = profile.as_ref().and_then(|profile| TimeZone::get(&profile.time_zone).ok());
        let today = now.to_zoned(zone.unwrap_or(TimeZone::UTC)).date();
        match place.examine(entry.org, today).await {
            Err(error) => findings.push(judge::reach(&entry.connection, &Err(error.to_string()))),
            Ok(examined) => {
                let reached = examined.organisation.as_ref().map(|_| name.to_owned());
                findings.push(judge::reach(&entry.connection, &reached.map_err(ToString::to_string)));
                if let Ok(organisation) = &examined.organisation {
                    findings.push(judge::organisation(name, organisation));
                }
                findings.push(judge::actions(
                    name,
                    &examined.actions.as_deref().map_err(ToString::to_string),
                    set.phase,
                ));
                findings.push(judge::reports(name, &examined.reports.map_err(|error| error.to_string())));
                if !place.is_simulated() {
                    findings.extend(examined.xeros_clock.map(|xeros| judge::clock(now, xeros)));
                }
            }
        }
    }
    let allowance = place.books().allowance(entry.org).await;
    findings.push(judge::calls(name, &allowance.map_err(|error| error.to_string()), now));
    if let Some(profile) = &profile {
        findings.push(judge::sync(name, profile.polled_at, profile.connected_at, now));
        findings.push(judge::history(name, profile.backfill));
    }
    findings.extend(waiting_for_a_person(place, entry, profile.as_ref()).await?);
    let troubles = load::all::<Trouble>(store, entry.org, &List::Troubles).await?;
    let group = |trouble: &Trouble| StandingGroup::from(trouble.standing);
    let uncounted =
        troubles.iter().filter(|(_, row)| group(&row.content) == StandingGroup::NotCounted).count();
    findings.push(judge::counts(name, uncounted));
    let slack = place.vault().get(&names::slack(entry.org), Freshness::Now).await;
    findings.push(match slack {
        Ok(slack) => {
            judge::recipients(name, set.mail_to.len(), set.slack, slack.is_some() || place.is_simulated())
        }
        Err(error) => judge::unseen(format!("recipients of {name}"), &error.to_string()),
    });
    findings.push(judge::phase(name, set.phase));
    findings.push(judge::webhook(name, news(place, entry).await?, now));
    Ok(findings)
}

/// What the latest audit entries say of how news came: by webhook last, and how many by poll since.
async fn news(place: &impl Place, entry: &OrgEntry) -> Result<judge::News, LocalError> {
    let owner = Owner::Org(entry.org);
    let head = load::one::<Head>(place.store(), owner, Key::AuditHead).await?;
    let last = head.map_or(0, |head| head.content.seq);
    let first = last.saturating_sub(u64::from(ENTRIES_LOOKED_THROUGH));
    let after = Key::AuditEntry(first);
    let page = place.store().list(owner, &List::AuditEntries, Some(&after), ENTRIES_LOOKED_THROUGH).await?;
    let mut news = judge::News::default();
    for row in page.rows {
        let Some(entry) = load::decode_row::<Entry>(Some(row))? else { continue };
        let statement: Statement = serde_json::from_str(&entry.content.payload)?;
        match statement.event.map(|event| event.source) {
            Some(Source::Webhook) => news = judge::News { by_webhook: Some(statement.at), polled_since: 0 },
            Some(Source::Poll) => news.polled_since = news.polled_since.saturating_add(1),
            _ => {}
        }
    }
    Ok(news)
}

/// What work says that a person has to do.
async fn waiting_for_a_person(
    place: &impl Place,
    entry: &OrgEntry,
    profile: Option<&Profile>,
) -> Result<Vec<Finding>, LocalError> {
    let mut needs: Vec<String> =
        profile.and_then(|profile| profile.needs_person.clone()).into_iter().collect();
    let pending = load::all::<Mark>(place.store(), entry.org, &List::PendingEffects).await?;
    let keys: Vec<Key> = pending
        .into_iter()
        .filter_map(|(key, _)| if let Key::PendingEffect(id) = key { Some(Key::Effect(id)) } else { None })
        .collect();
    let effects = load::many::<Effect>(place.store(), Owner::Org(entry.org), &keys).await?;
    let oldest = effects.iter().flatten().map(|effect| effect.content.decided_at).min();
    needs.extend(effects.into_iter().flatten().filter_map(|effect| effect.content.needs_person));
    needs.sort();
    needs.dedup();
    let now = place.clock().now();
    Ok(vec![judge::your_turn(&entry.name, &needs), judge::to_leave(&entry.name, oldest, now)])
}

/// The queues and their dead letters.
async fn queues(place: &impl Place) -> Vec<Finding> {
    let mut findings = Vec::new();
    for queue in QueueName::ALL {
        let waiting = place.waiting(queue).await;
        findings.push(judge::queue(queue.code(), &waiting.map_err(|error| error.to_string())));
    }
    let letters = place.letters().await.map(|letters| letters.len());
    findings.push(judge::letters(&letters.map_err(|error| error.to_string())));
    findings
}

/// Holds findings against how bad they are to be called.
#[cfg(test)]
pub(crate) fn graded(cases: &[(Finding, Grade)]) {
    for (finding, grade) in cases {
        assert_eq!(finding.grade, *grade, "{finding:?}");
        assert_eq!(
            finding.to_do.is_some(),
            *grade != Grade::Ok,
            "who is warned is told what to do: {finding:?}"
        );
    }
}

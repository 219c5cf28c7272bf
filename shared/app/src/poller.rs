//! The poller's tick: one sync message per org, and per org a sweep of what is due.

use std::collections::BTreeSet;

use jiff::civil::Time;

use crate::connect;
use crate::error::AppError;
use crate::figures::{Figure, announce};
use crate::load;
use crate::message::Message;
use crate::ports::{Clock, Ports, Store};
use crate::reconcile::AFTER_POLL_SECONDS;
use crate::records::{Backfill, Key, List, Mark, Owner, Profile};
use crate::send::{send_in, send_now};
use crate::writer::Writer;
use parstock_domain::settings::Policy;

/// Local hour from which the items that changed are planned, once a day, well before the digest.
const PLAN_FROM: Time = Time::constant(3, 0, 0, 0);
/// Days after which every item is planned again, changed or not.
pub(crate) const PLAN_ALL_AFTER_DAYS: i32 = 7;

/// Every 15 minutes: connects what is configured, and asks for a sync of each org.
///
/// An org that can't be served doesn't hold up the others; the first failure is returned at the end.
///
/// # Errors
/// The first failure.
pub async fn tick<P: Ports>(ports: &P, connections: &[String]) -> Result<(), AppError> {
    let mut failure = None;
    let mut orgs = connect::orgs(ports).await?;
    let known: BTreeSet<String> = orgs.iter().map(|entry| entry.connection.clone()).collect();
    for connection in connections.iter().filter(|connection| !known.contains(*connection)) {
        match connect::ensure(ports, connection).await {
            Ok(_) => orgs = connect::orgs(ports).await?,
            // a stack waits for the consents that people give, and no repeat of the tick brings them
            Err(AppError::NeedsPerson(what)) => {
                tracing::warn!(id = connection, why = what, "a connection waits")
            }
            Err(error) => {
                tracing::error!(id = connection, error_kind = error.kind(), why = %error, "a connection could not be set up");
                failure.get_or_insert(error);
            }
        }
    }
    let count = orgs.len();
    for entry in orgs {
        if let Err(error) = send_now(ports, Message::Sync { org: entry.org }).await {
            tracing::error!(org_id = %entry.org, error_kind = error.kind(), why = %error, "a sync could not be asked for");
            failure.get_or_insert(error);
        }
    }
    tracing::info!(count, "every org was asked to sync");
    announce(Figure::PollerHeartbeat, 1);
    failure.map_or(Ok(()), Err)
}

/// Every 15 minutes: asks for the digest of each org whose local digest hour has come.
///
/// # Errors
/// The first failure; the other orgs are served.
pub async fn digest_tick<P: Ports>(ports: &P) -> Result<(), AppError> {
    let (mut failure, mut count) = (None, 0);
    for entry in connect::orgs(ports).await? {
        match digest_is_due(ports, entry.org).await {
            Ok(false) => {}
            Ok(true) => {
                count += 1;
                if let Err(error) = send_now(ports, Message::Digest { org: entry.org }).await {
                    failure.get_or_insert(error);
                }
            }
            Err(error) => {
                tracing::error!(org_id = %entry.org, error_kind = error.kind(), why = %error, "whether a digest is due could not be told");
                failure.get_or_insert(error);
            }
        }
    }
    tracing::info!(count, "digests are asked for");
    failure.map_or(Ok(()), Err)
}

async fn digest_is_due<P: Ports>(ports: &P, org: parstock_domain::ids::OrgId) -> Result<bool, AppError> {
    let owner = Owner::Org(org);
    let rows = ports.store().get(owner, &[Key::Profile, Key::Policy]).await?;
    let mut rows = rows.into_iter();
    let Some(profile) = load::decode_row::<Profile>(rows.next().flatten())? else { return Ok(false) };
    let policy =
        load::decode_row::<Policy>(rows.next().flatten())?.map(|row| row.content).unwrap_or_default();
    let profile = profile.content;
    // until the history is in there is nothing to tell but that a person has to act
    if !matches!(profile.backfill, Backfill::Done { .. }) && profile.needs_person.is_none() {
        return Ok(false);
    }
    let clock = parstock_domain::calendar::OrgClock::new(&profile.time_zone)
        .map_err(|error| AppError::NeedsPerson(error.to_string()))?;
    Ok(clock.digest_due(profile.digest_on, ports.clock().now(), policy.org().digest_at).is_some())
}

/// After a poll: asks for whatever is due for the org.
///
/// # Errors
/// When the store or a queue does not answer.
pub async fn sweep<P: Ports>(writer: &mut Writer<'_, P>) -> Result<(), AppError> {
    let ports = writer.ports();
    let org = writer.org();
    for (key, _) in load::all::<Mark>(ports.store(), org, &List::PendingEffects).await? {
        if let Key::PendingEffect(effect) = key {
            send_now(ports, Message::Effect { org, effect }).await?;
        }
    }
    let waiting = ports.store().list(writer.owner(), &List::Alerts, None, 1).await?;
    if !waiting.rows.is_empty() {
        send_now(ports, Message::Alerts { org }).await?;
    }
    let local = writer.clock().local(writer.now());
    let today = local.date();
    if local.time() >= PLAN_FROM && writer.profile.content.proved_on != Some(today) {
        send_in(ports, Message::Reconcile { org }, AFTER_POLL_SECONDS).await?;
    }
    if crate::closing::is_due(writer) {
        send_in(ports, Message::Close { org }, AFTER_POLL_SECONDS).await?;
    }
    let profile = &writer.profile.content;
    let is_journaled = profile.cogs_from.is_some_and(|from| from < today);
    if local.time() >= PLAN_FROM && is_journaled && profile.journaled_on != Some(today) {
        send_in(ports, Message::Journal { org }, 2 * AFTER_POLL_SECONDS).await?;
    }
    let profile = &mut writer.profile.content;
    if local.time() < PLAN_FROM || profile.planned_on == Some(today) {
        return Ok(());
    }
    let all_due = profile
        .planned_all_on
        .is_none_or(|day| day.until(today).is_ok_and(|span| span.get_days() >= PLAN_ALL_AFTER_DAYS));
    profile.planned_on = Some(today);
    if all_due {
        profile.planned_all_on = Some(today);
    }
    let message = if all_due {
        Message::PlanAll { org, day: today, after: None }
    } else {
        Message::PlanTouched { org }
    };
    send_now(ports, message).await?;
    send_now(ports, Message::CheckAudit { org, whole: all_due }).await?;
    writer.save_profile().await
}

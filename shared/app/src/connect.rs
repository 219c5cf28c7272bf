//! Connecting: which organisation a token set reaches, and which Xero tenant id is whose.

use jiff::{Span, Timestamp};
use parstock_domain::calendar::OrgClock;
use parstock_domain::ids::{CommitId, OrgId};
use parstock_domain::settings::Policy;
use uuid::Uuid;

use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::message::Message;
use crate::ports::{Books, Clock, Commit, Entropy, Expect, Ports, Store};
use crate::records::{Backfill, Key, List, OrgEntry, Owner, Pointer, Profile};
use crate::send::send_now;
use crate::sync;

/// Orgs of one stack at most.
pub const ORGS_MAX: usize = 1_000;

/// Makes sure that the connection's organisation is part of the stack, and begins its first load if not.
///
/// # Errors
/// When Xero can't be asked, or names a time zone that is not known.
pub async fn ensure<P: Ports>(ports: &P, connection: &str) -> Result<OrgId, AppError> {
    if let Some(entry) = orgs(ports).await?.into_iter().find(|entry| entry.connection == connection) {
        return Ok(entry.org);
    }
    let organisation = ports.books().identify(connection).await?;
    let org = organisation.id;
    let owner = Owner::Org(org);
    let set = load::one::<Policy>(ports.store(), owner, Key::Policy).await?;
    let set = set.and_then(|policy| policy.content.org().time_zone);
    let clock = OrgClock::of_org(set.as_deref(), &organisation.xero_time_zone)
        .map_err(|error| AppError::NeedsPerson(error.to_string()))?;
    let time_zone = clock.zone_name().to_owned();
    let now = ports.clock().now();
    if load::one::<Profile>(ports.store(), owner, Key::Profile).await?.is_none() {
        let profile = Profile {
            organisation: organisation.clone(),
            time_zone: time_zone.clone(),
            connected_at: now,
            backfill: Backfill::Reading { from: history_begins(&clock, now), documents: 0 },
            polled_at: None,
            polls_since_quantities: 0,
            quantities_stale: false,
            items_until: None,
            planned_on: None,
            planned_all_on: None,
            digest_on: None,
            alerts_told_at: None,
            needs_person: None,
        };
        create(ports, owner, Versioned::new(profile).write(Key::Profile)).await?;
    }
    let entry = OrgEntry {
        org,
        name: organisation.name,
        time_zone: Some(time_zone),
        connection: connection.to_owned(),
        tenant: None,
    };
    create(ports, Owner::Stack, Versioned::new(entry).write(Key::Org(org))).await?;
    send_now(ports, Message::Backfill { org }).await?;
    Ok(org)
}

fn history_begins(clock: &OrgClock, now: Timestamp) -> Timestamp {
    let first = clock.day_of(now).checked_sub(Span::new().months(sync::BACKFILL_MONTHS));
    first.ok().and_then(|day| clock.instant_at(day, jiff::civil::Time::midnight())).unwrap_or(now)
}

async fn create<P: Ports>(ports: &P, owner: Owner, write: crate::ports::Write) -> Result<(), AppError> {
    let commit = Commit { id: CommitId(ports.entropy().uuid()), writes: vec![write] };
    // a conflict is no proof that another worker wrote: the next tick looks again
    Ok(ports.store().commit(owner, commit).await?)
}

/// The orgs of the stack.
///
/// # Errors
/// When the store does not answer.
pub async fn orgs<P: Ports>(ports: &P) -> Result<Vec<OrgEntry>, AppError> {
    let rows = load::all_of::<OrgEntry>(ports.store(), Owner::Stack, &List::Orgs).await?;
    Ok(rows.into_iter().map(|(_, row)| row.content).take(ORGS_MAX).collect())
}

/// The org of a Xero tenant id. A custom connection doesn't tell its tenant id, so the first signed
/// webhook does, if exactly one org has none yet; a second id for the same org is refused.
///
/// # Errors
/// [`AppError::Reject`] for a tenant that is none of ours.
pub async fn org_of_tenant<P: Ports>(ports: &P, tenant: Uuid) -> Result<OrgId, AppError> {
    let key = Key::Tenant(tenant);
    if let Some(known) = load::one::<Pointer<OrgId>>(ports.store(), Owner::Stack, key.clone()).await? {
        return Ok(known.content.to);
    }
    let rows = load::all_of::<OrgEntry>(ports.store(), Owner::Stack, &List::Orgs).await?;
    let mut unbound = rows.into_iter().filter(|(_, row)| row.content.tenant.is_none());
    let (Some((entry_key, entry)), None) = (unbound.next(), unbound.next()) else {
        return Err(AppError::Reject(format!(
            "the tenant {tenant} belongs to no organisation of this stack: every organisation here has another tenant id, or several have none yet"
        )));
    };
    let org = entry.content.org;
    let bound =
        Versioned { content: OrgEntry { tenant: Some(tenant), ..entry.content }, expect: entry.expect };
    let pointer = Versioned { content: Pointer { to: org }, expect: Expect::Absent };
    let commit = Commit {
        id: CommitId(ports.entropy().uuid()),
        writes: vec![bound.write(entry_key), pointer.write(key)],
    };
    ports.store().commit(Owner::Stack, commit).await?;
    Ok(org)
}

//! Connecting: which organisation a token set reaches, and which Xero tenant id is whose.

use std::collections::BTreeSet;

use jiff::{Span, Timestamp};
use parstock_domain::calendar::{OrgClock, UnknownZone};
use parstock_domain::document::{DocumentKind, DocumentRef};
use parstock_domain::ids::{CommitId, DocumentId, OrgId};
use parstock_domain::settings::Policy;
use uuid::Uuid;

use crate::error::AppError;
use crate::load::{self, Versioned, unguarded};
use crate::message::Message;
use crate::ports::{Books, Clock, Commit, Entropy, Expect, Identified, Ports, Store, Write};
use crate::records::{Backfill, DocumentRecord, Key, List, OrgEntry, Owner, Pointer, Profile};
use crate::send::send_now;
use crate::sync;
use crate::writer::{Reason, Writer};

/// Orgs of one stack at most.
pub const ORGS_MAX: usize = 1_000;
/// Orgs without a tenant id in which a document is looked for that an unknown tenant's webhook names.
const CANDIDATES_MAX: usize = 50;
/// The days that an org counts by until a person says its zone. Nothing is read or booked by them.
const ZONE_MEANWHILE: &str = "Etc/UTC";

/// Makes sure that the connection's organisation is part of the stack, and begins its first load if not.
///
/// An organisation whose time zone is not known is connected, too, so that a person can set it; its first load
/// begins with that.
///
/// # Errors
/// When Xero can't be asked.
pub async fn ensure<P: Ports>(ports: &P, connection: &str) -> Result<OrgId, AppError> {
    if let Some(entry) = orgs(ports).await?.into_iter().find(|entry| entry.connection == connection) {
        return Ok(entry.org);
    }
    let Identified { organisation, tenant } = ports.books().identify(connection).await?;
    let org = organisation.id;
    let owner = Owner::Org(org);
    let set = load::one::<Policy>(ports.store(), owner, Key::Policy).await?;
    let set = set.and_then(|policy| policy.content.org().time_zone);
    let (clock, unknown) = match OrgClock::of_org(set.as_deref(), &organisation.xero_time_zone) {
        Ok(clock) => (clock, None),
        Err(error) => {
            let clock = OrgClock::new(ZONE_MEANWHILE).map_err(|error| AppError::Bug(error.to_string()))?;
            (clock, Some(error.to_string()))
        }
    };
    let is_held = unknown.is_some();
    let time_zone = clock.zone_name().to_owned();
    let now = ports.clock().now();
    if load::one::<Profile>(ports.store(), owner, Key::Profile).await?.is_none() {
        let profile = Profile {
            organisation: organisation.clone(),
            time_zone: time_zone.clone(),
            closed_through: None,
            has_purchase_units: false,
            cogs_from: None,
            awaits_time_zone: is_held,
            connected_at: now,
            backfill: Backfill::Reading { from: history_begins(&clock, now), documents: 0 },
            polled_at: None,
            polls_since_quantities: 0,
            quantities_stale: false,
            items_until: None,
            polls_since_contacts: 0,
            contacts_until: None,
            organisation_asked_at: Some(now),
            other_currency: None,
            planned_on: None,
            planned_all_on: None,
            digest_on: None,
            proved_on: None,
            reported_through: None,
            journaled_on: None,
            alerts_told_at: None,
            needs_person: unknown,
        };
        create(ports, owner, vec![Versioned::new(profile).write(Key::Profile)]).await?;
    }
    let entry = OrgEntry {
        org,
        name: organisation.name,
        time_zone: (!is_held).then_some(time_zone),
        connection: connection.to_owned(),
        tenant,
    };
    let mut writes = vec![Versioned::new(entry).write(Key::Org(org))];
    // Xero itself says whose a consent's tenant is, so nothing else needs to prove it
    writes.extend(tenant.map(|tenant| unguarded(Key::Tenant(tenant), Pointer { to: org })));
    create(ports, Owner::Stack, writes).await?;
    if !is_held {
        send_now(ports, Message::Backfill { org }).await?;
    }
    Ok(org)
}

/// Whether a connection may reach an organisation's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It may.
    Fits,
    /// It reaches other books already, and a connection never changes them.
    HasOther(OrgEntry),
    /// The organisation is reached under another name already.
    IsElsewhere(OrgEntry),
}

/// Whether a connection may be given to an organisation.
///
/// # Errors
/// When the store does not answer.
pub async fn fit<P: Ports>(ports: &P, connection: &str, org: OrgId) -> Result<Fit, AppError> {
    let orgs = orgs(ports).await?;
    let of_connection = orgs.iter().find(|entry| entry.connection == connection && entry.org != org);
    let of_org = orgs.iter().find(|entry| entry.connection != connection && entry.org == org);
    Ok(match (of_connection, of_org) {
        (Some(entry), _) => Fit::HasOther(entry.clone()),
        (None, Some(entry)) => Fit::IsElsewhere(entry.clone()),
        (None, None) => Fit::Fits,
    })
}

/// After a person's consent: as [`ensure`], the organisation's tenant id is known from now on, and its audit trail
/// says who consented.
///
/// # Errors
/// As [`ensure`], and when another worker was quicker.
pub async fn consented<P: Ports>(
    ports: &P,
    connection: &str,
    tenant: Uuid,
    who: &str,
) -> Result<OrgId, AppError> {
    let org = ensure(ports, connection).await?;
    let reason = Reason { who: who.to_owned(), ..Reason::own("keep consent") }
        .with("connection", connection)
        .with("tenant", tenant);
    let entry = load::one::<OrgEntry>(ports.store(), Owner::Stack, Key::Org(org)).await?;
    match entry.filter(|entry| entry.content.tenant != Some(tenant)) {
        Some(entry) => bind_to(ports, entry, tenant, reason).await?,
        None => note(ports, org, reason).await?,
    }
    Ok(org)
}

/// Before a connection ends: the audit trail of the organisation that it reaches, if any, says who ends it.
///
/// # Errors
/// When the store does not answer or another worker was quicker; the connection must stay then.
pub async fn ending<P: Ports>(ports: &P, connection: &str, who: &str) -> Result<(), AppError> {
    let Some(entry) = orgs(ports).await?.into_iter().find(|entry| entry.connection == connection) else {
        return Ok(());
    };
    let reason =
        Reason { who: who.to_owned(), ..Reason::own("end connection") }.with("connection", connection);
    note(ports, entry.org, reason).await
}

/// An audit entry that changes nothing.
async fn note<P: Ports>(ports: &P, org: OrgId, reason: Reason) -> Result<(), AppError> {
    let mut writer = Writer::open_unleased(ports, org).await?;
    let id = writer.new_commit();
    writer.commit(id, Vec::new(), reason).await
}

/// Where the history begins that is read.
pub(crate) fn history_begins(clock: &OrgClock, now: Timestamp) -> Timestamp {
    let first = clock.day_of(now).checked_sub(Span::new().months(sync::BACKFILL_MONTHS));
    first.ok().and_then(|day| clock.instant_at(day, jiff::civil::Time::midnight())).unwrap_or(now)
}

async fn create<P: Ports>(ports: &P, owner: Owner, writes: Vec<Write>) -> Result<(), AppError> {
    let commit = Commit { id: CommitId(ports.entropy().uuid()), writes };
    // a conflict is no proof that another worker wrote: the next tick looks again
    Ok(ports.store().commit(owner, commit).await?)
}

/// The zone that holds: the one that a person set, else Xero's. What is booked keeps its days. Where the first load
/// waited for the zone, it begins. Answers whether anything changed.
///
/// # Errors
/// When it is not known; nothing is changed then.
pub(crate) fn settle_zone(
    profile: &mut Profile,
    set: Option<&str>,
    now: Timestamp,
) -> Result<bool, UnknownZone> {
    let clock = OrgClock::of_org(set, &profile.organisation.xero_time_zone)?;
    let changes = profile.awaits_time_zone || profile.time_zone != clock.zone_name();
    clock.zone_name().clone_into(&mut profile.time_zone);
    if profile.awaits_time_zone {
        profile.awaits_time_zone = false;
        profile.needs_person = None;
        if let Backfill::Reading { documents: 0, .. } = profile.backfill {
            profile.backfill = Backfill::Reading { from: history_begins(&clock, now), documents: 0 };
        }
    }
    Ok(changes)
}

/// Keeps the org's name and time zone with its entry in the stack, too.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn keep_entry<P: Ports>(ports: &P, org: OrgId, profile: &Profile) -> Result<(), AppError> {
    let Some(entry) = load::one::<OrgEntry>(ports.store(), Owner::Stack, Key::Org(org)).await? else {
        return Ok(());
    };
    let content = OrgEntry {
        name: profile.organisation.name.clone(),
        time_zone: (!profile.awaits_time_zone).then(|| profile.time_zone.clone()),
        ..entry.content.clone()
    };
    if content == entry.content {
        return Ok(());
    }
    create(ports, Owner::Stack, vec![Versioned { content, expect: entry.expect }.write(Key::Org(org))]).await
}

/// The orgs of the stack.
///
/// # Errors
/// When the store does not answer.
pub async fn orgs<P: Ports>(ports: &P) -> Result<Vec<OrgEntry>, AppError> {
    let rows = load::all_of::<OrgEntry>(ports.store(), Owner::Stack, &List::Orgs).await?;
    Ok(rows.into_iter().map(|(_, row)| row.content).take(ORGS_MAX).collect())
}

/// Whose a Xero tenant id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantOf {
    /// This org's.
    Known(OrgId),
    /// Perhaps this org's, which has no tenant id yet: look there, and [`bind`] it if the document is there.
    Perhaps(OrgId),
    /// None of ours.
    Nobody,
}

/// Whose a tenant id is that a signed webhook told together with the id of a document.
///
/// A custom connection doesn't tell its tenant id, and a webhook's key says only that Xero sent it: one key may
/// serve several tenants, or one that is no longer connected. So a tenant is taken for an org's only once a
/// document that it named is found in that org's Xero.
///
/// # Errors
/// When the store does not answer.
pub async fn org_of_tenant<P: Ports>(ports: &P, tenant: Uuid, resource: Uuid) -> Result<TenantOf, AppError> {
    if let Some(known) = load::one::<Pointer<OrgId>>(ports.store(), Owner::Stack, Key::Tenant(tenant)).await?
    {
        return Ok(TenantOf::Known(known.content.to));
    }
    let unbound: Vec<OrgId> = orgs(ports)
        .await?
        .into_iter()
        .filter(|entry| entry.tenant.is_none())
        .map(|entry| entry.org)
        .collect();
    for org in unbound.iter().take(CANDIDATES_MAX) {
        if booked_of(ports, *org, &BTreeSet::from([resource])).await?.is_some() {
            return Ok(TenantOf::Perhaps(*org));
        }
    }
    // a new document: with several orgs nobody can say where to look, and the next poll finds it
    Ok(match unbound.as_slice() {
        [org] => TenantOf::Perhaps(*org),
        _ => TenantOf::Nobody,
    })
}

/// One of these documents that the org has read out of its Xero.
async fn booked_of<P: Ports>(
    ports: &P,
    org: OrgId,
    resources: &BTreeSet<Uuid>,
) -> Result<Option<DocumentRef>, AppError> {
    /// Kinds of documents that webhooks name.
    const KINDS: [DocumentKind; 4] = [
        DocumentKind::SalesInvoice,
        DocumentKind::Bill,
        DocumentKind::SalesCredit,
        DocumentKind::SupplierCredit,
    ];
    let keys: Vec<Key> = resources
        .iter()
        .flat_map(|id| KINDS.map(|kind| Key::Document(DocumentRef { kind, id: DocumentId(*id) })))
        .collect();
    for keys in keys.chunks(500) {
        let found = load::many::<DocumentRecord>(ports.store(), Owner::Org(org), keys).await?;
        if let Some(found) = found.into_iter().flatten().next() {
            return Ok(Some(found.content.of));
        }
    }
    Ok(None)
}

/// Binds a tenant id to an org that has none, if one of the documents that its webhooks named is the org's.
/// Answers whether it is bound.
///
/// The audit entry lies with the org and is written first; the binding lies with the stack. After a crash
/// between the two, the next webhook does both again.
///
/// # Errors
/// When the store does not answer or another worker was quicker: the next webhook tries again.
pub async fn bind<P: Ports>(
    ports: &P,
    org: OrgId,
    tenant: Uuid,
    resources: &BTreeSet<Uuid>,
) -> Result<bool, AppError> {
    let Some(document) = booked_of(ports, org, resources).await? else { return Ok(false) };
    let entry = load::one::<OrgEntry>(ports.store(), Owner::Stack, Key::Org(org)).await?;
    let Some(entry) = entry.filter(|entry| entry.content.tenant.is_none()) else { return Ok(false) };
    let reason = Reason::own("bind tenant").with("tenant", tenant).with("document", document.id);
    bind_to(ports, entry, tenant, reason).await?;
    Ok(true)
}

async fn bind_to<P: Ports>(
    ports: &P,
    entry: Versioned<OrgEntry>,
    tenant: Uuid,
    reason: Reason,
) -> Result<(), AppError> {
    let org = entry.content.org;
    note(ports, org, reason).await?;
    let content = OrgEntry { tenant: Some(tenant), ..entry.content };
    let bound = Versioned { content, expect: entry.expect }.write(Key::Org(org));
    let pointer = Versioned { content: Pointer { to: org }, expect: Expect::Absent };
    create(ports, Owner::Stack, vec![bound, pointer.write(Key::Tenant(tenant))]).await
}

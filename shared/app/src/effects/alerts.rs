//! Telling people the warnings that wait: grouped, no more often than the org wants, and not in its quiet
//! hours. An item has one line, with its figures of now, and is told once for as long as it is short; only
//! that it runs out is told of an item that was told to be low.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use parstock_domain::alert::{Alert, AlertKind};
use parstock_domain::governance::{Proposal, ProposalState};
use parstock_domain::ids::{EffectId, ItemId, LocationId, OrgId, ProposalId, derived};
use parstock_domain::ledger::Position;
use parstock_domain::replenish::{Plan, Standing, shortage};
use parstock_domain::settings::Policy;
use parstock_views::StandingGroup;
use parstock_views::alert::{AlertContent, Warning};

use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::message::Message;
use crate::ports::{Expect, Ports, Store, Write};
use crate::records::{AlertBatch, Effect, EffectKind, EffectState, Key, List, Mark, Owner, Pointer, Told};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Warnings of one message; the rest wait for the next.
const WARNINGS_MAX: usize = 40;
/// Rows of warnings that one commit writes, beside effects, profile and audit entry.
const ROWS_MAX: usize = 80;

/// Where something is short.
type Place = (ItemId, LocationId);
/// A row of a warning.
type Row = (Key, Versioned<Alert>);

/// Puts the warnings that wait into one message per channel, if it is time to tell.
///
/// # Errors
/// When the store does not answer or another worker was quicker.
pub async fn tell<P: Ports>(ports: &P, org: OrgId) -> Result<(), AppError> {
    let mut writer = Writer::open_unleased(ports, org).await?;
    let now = writer.now();
    let policy = load::one::<Policy>(ports.store(), writer.owner(), Key::Policy).await?;
    let settings = policy.map(|row| row.content).unwrap_or_default().org();
    let interval = SignedDuration::from_mins(i64::from(settings.alert_interval_minutes));
    let told_lately =
        writer.profile.content.alerts_told_at.is_some_and(|told| now.duration_since(told) < interval);
    if told_lately || writer.clock().is_quiet(now, settings.quiet) {
        // the sweep after each poll asks again as long as a warning waits
        return Ok(());
    }
    let waiting = load::all::<Alert>(ports.store(), org, &List::Alerts).await?;
    let mut due = due(&writer, waiting).await?;
    due.sort_by_key(|due| (due.alert.kind, due.alert.raised_at));
    due.truncate(WARNINGS_MAX);
    let Some(first) = due.first() else { return Ok(()) };
    let batch = derived("alert batch", &[&org.to_string(), &first.alert.item.to_string(), &now.to_string()]);
    let mut writes: Vec<Write> = Vec::new();
    let mut alerts = Vec::new();
    for due in due {
        if writes.len().saturating_add(due.rows.len()) >= ROWS_MAX {
            break;
        }
        writes.extend(due.rows.into_iter().map(|(key, row)| Write { key, record: None, expect: row.expect }));
        let key = Key::Told(due.alert.item, due.alert.location.clone());
        writes.push(Versioned { content: Told { kind: due.alert.kind }, expect: due.told }.write(key));
        alerts.push(due.alert);
    }
    let count = alerts.len();
    writes.push(Versioned::new(AlertBatch { at: now, alerts }).write(Key::AlertBatch(batch)));
    let mut effects = Vec::new();
    if !settings.mail_to.is_empty() {
        effects.push(EffectKind::AlertMail { batch });
    }
    if settings.slack {
        effects.push(EffectKind::AlertChat { batch });
    }
    let ids = plan_effects(&mut writes, org, effects, now);
    writer.profile.content.alerts_told_at = Some(now);
    writes.push(writer.profile.clone().write(Key::Profile));
    let id = writer.new_commit();
    writer.commit(id, writes, Reason::own("tell warnings").with("warnings", count)).await?;
    for effect in ids {
        send_now(ports, Message::Effect { org, effect }).await?;
    }
    Ok(())
}

/// The line below which an item stands, if it is short.
fn short(standing: Standing) -> Option<AlertKind> {
    match StandingGroup::from(standing) {
        StandingGroup::OutOfStock => Some(AlertKind::OutOfStock),
        StandingGroup::Low => Some(AlertKind::BelowReorderPoint),
        _ => None,
    }
}

/// Whether something may have been told of an item that does not hold any more, now that a plan found it to stand so.
pub(crate) fn may_be_over(position: &Position, standing: Standing) -> bool {
    match short(standing) {
        Some(AlertKind::OutOfStock) => false,
        Some(AlertKind::BelowReorderPoint) => position.warned_on.contains_key(&AlertKind::OutOfStock),
        None => !position.warned_on.is_empty(),
    }
}

/// What was told of items keeps only what holds by their new plans; the rest is forgotten, so that it is told again when
/// it happens again. Answers what to write.
///
/// # Errors
/// When the store does not answer.
pub async fn forget<P: Ports>(
    ports: &P,
    org: OrgId,
    planned: &[(ItemId, LocationId, Standing)],
) -> Result<Vec<Write>, AppError> {
    let keys: Vec<Key> =
        planned.iter().map(|(item, location, _)| Key::Told(*item, location.clone())).collect();
    let rows = load::many::<Told>(ports.store(), Owner::Org(org), &keys).await?;
    let mut writes = Vec::new();
    for ((key, told), (_, _, standing)) in keys.into_iter().zip(rows).zip(planned) {
        let Some(told) = told.map(|row| row.content) else { continue };
        match short(*standing) {
            None => writes.push(removal(key)),
            // what is only low again may run out again
            Some(kind) if kind > told.kind => writes.push(unguarded(key, Told { kind })),
            Some(_) => {}
        }
    }
    Ok(writes)
}

/// A warning to tell, with the rows that it replaces.
struct Due {
    alert: Alert,
    rows: Vec<Row>,
    /// What was told of its item before, as it has to stand still: a plan may have forgotten it meanwhile.
    told: Expect,
}

/// One warning of each item that is short now and was not told to be so. What is not to be told now waits
/// until its day is over: the item's next crossing of that day raises no other.
async fn due<P: Ports>(writer: &Writer<'_, P>, waiting: Vec<Row>) -> Result<Vec<Due>, AppError> {
    let store = writer.ports().store();
    let now = writer.now();
    let today = writer.clock().day_of(now);
    let mut places: BTreeMap<Place, Vec<Row>> = BTreeMap::new();
    for (key, row) in waiting {
        places.entry((row.content.item, row.content.location.clone())).or_default().push((key, row));
    }
    let keys = |key: &dyn Fn(Place) -> Key| places.keys().cloned().map(key).collect::<Vec<_>>();
    let positions = keys(&|(item, location)| Key::Position(item, location));
    let positions = load::many::<Position>(store, writer.owner(), &positions).await?;
    let plans = keys(&|(item, location)| Key::Plan(item, location));
    let plans = load::many::<Plan>(store, writer.owner(), &plans).await?;
    let told = keys(&|(item, location)| Key::Told(item, location));
    let told = load::many::<Told>(store, writer.owner(), &told).await?;
    let (mut due, mut over) = (Vec::new(), Vec::new());
    for ((((place, rows), position), plan), told) in places.into_iter().zip(positions).zip(plans).zip(told) {
        let plan = plan.map(|row| row.content);
        let position = position.map(|row| row.content).unwrap_or_default();
        let short = shortage(&position, plan.as_ref(), today)?
            .filter(|short| told.as_ref().is_none_or(|told| short.kind < told.content.kind));
        let Some(short) = short else {
            let is_over = |row: &Row| writer.clock().day_of(row.1.content.raised_at) < today;
            over.extend(rows.into_iter().filter(is_over).map(|(key, _)| removal(key)));
            continue;
        };
        let raised_at = rows.iter().map(|(_, row)| row.content.raised_at).min().unwrap_or(now);
        let (item, location) = place;
        let alert = Alert {
            item,
            location,
            kind: short.kind,
            raised_at,
            available: short.available,
            on_order: plan.as_ref().map(|plan| plan.on_order).unwrap_or_default(),
            reorder_point: plan.map(|plan| plan.reorder_point),
        };
        due.push(Due { alert, rows, told: told.map_or(Expect::Absent, |told| told.expect) });
    }
    store.write_each(writer.owner(), over).await?;
    Ok(due)
}

/// The id of an effect, which follows from what it does.
pub(crate) fn effect_id(org: OrgId, what: &EffectKind) -> EffectId {
    EffectId(derived("notice", &[&org.to_string(), &format!("{what:?}")]))
}

/// Adds effects to a commit.
pub(crate) fn plan_effects(
    writes: &mut Vec<Write>,
    org: OrgId,
    effects: Vec<EffectKind>,
    now: jiff::Timestamp,
) -> Vec<EffectId> {
    let mut ids = Vec::new();
    for what in effects {
        let id = effect_id(org, &what);
        let content =
            Effect { what, decided_at: now, attempts: 0, status: EffectState::Waiting, needs_person: None };
        writes.push(Versioned::new(content).write(Key::Effect(id)));
        writes.push(Versioned::new(Mark {}).write(Key::PendingEffect(id)));
        ids.push(id);
    }
    ids
}

/// What a batch of warnings says, with the figures of now.
pub(super) async fn content<P: Ports>(
    writer: &Writer<'_, P>,
    batch: &AlertBatch,
) -> Result<AlertContent, AppError> {
    let store = writer.ports().store();
    let mut proposals: BTreeMap<ProposalId, Proposal> = BTreeMap::new();
    for (_, pointer) in load::all::<Pointer<ProposalId>>(store, writer.org(), &List::PendingProposals).await?
    {
        let key = Key::Proposal(pointer.content.to);
        if let Some(proposal) = load::one::<Proposal>(store, writer.owner(), key).await?
            && proposal.content.status == ProposalState::Open
        {
            proposals.insert(proposal.content.id, proposal.content);
        }
    }
    let mut warnings = Vec::new();
    for alert in &batch.alerts {
        let item = load::one::<parstock_domain::document::Item>(store, writer.owner(), Key::Item(alert.item))
            .await?;
        let plan =
            load::one::<Plan>(store, writer.owner(), Key::Plan(alert.item, alert.location.clone())).await?;
        warnings.push(Warning {
            item: alert.item,
            code: item.as_ref().map(|item| item.content.code.clone()).unwrap_or_default(),
            name: item.map(|item| item.content.name).unwrap_or_default(),
            kind: alert.kind,
            available: alert.available,
            on_order: alert.on_order,
            reorder_point: alert.reorder_point,
            runs_out_on: plan.and_then(|plan| plan.content.stock_out_on),
            proposed: proposed(&proposals, alert.item)?,
        });
    }
    let organisation = &writer.profile.content.organisation;
    Ok(AlertContent {
        org: organisation.name.clone(),
        currency: organisation.base_currency.clone(),
        produced_at: writer.clock().zoned(batch.at),
        console_url: format!("{}{}", writer.ports().console_url(), crate::console::root_of(writer.org())),
        warnings,
    })
}

fn proposed(
    proposals: &BTreeMap<ProposalId, Proposal>,
    item: ItemId,
) -> Result<Option<(ProposalId, parstock_domain::fixed::Quantity, parstock_domain::fixed::Money)>, AppError> {
    for proposal in proposals.values() {
        if let Some(line) = proposal.lines.iter().find(|line| line.item == item) {
            return Ok(Some((proposal.id, line.quantity, proposal.total()?)));
        }
    }
    Ok(None)
}

//! Telling people the warnings that wait: grouped, no more often than the org wants, and not in its quiet
//! hours.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use parstock_domain::alert::Alert;
use parstock_domain::governance::{Proposal, ProposalState};
use parstock_domain::ids::{EffectId, ItemId, OrgId, ProposalId, derived};
use parstock_domain::replenish::Plan;
use parstock_domain::settings::Policy;
use parstock_views::alert::{AlertContent, Warning};

use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::message::Message;
use crate::ports::{Ports, Write};
use crate::records::{AlertBatch, Effect, EffectKind, EffectState, Key, List, Mark, Pointer};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Warnings of one message; the rest wait for the next.
const WARNINGS_MAX: usize = 40;

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
        // the sweep after each poll asks again
        return Ok(());
    }
    let mut waiting = load::all::<Alert>(ports.store(), org, &List::Alerts).await?;
    waiting.sort_by_key(|(_, alert)| (alert.content.kind, alert.content.raised_at));
    waiting.truncate(WARNINGS_MAX);
    let Some((_, first)) = waiting.first() else { return Ok(()) };
    let batch =
        derived("alert batch", &[&org.to_string(), &first.content.item.to_string(), &now.to_string()]);
    let mut writes: Vec<Write> = Vec::new();
    let mut alerts = Vec::new();
    for (key, alert) in waiting {
        writes.push(Write { key, record: None, expect: alert.expect });
        alerts.push(Alert { told_at: Some(now), ..alert.content });
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

/// Adds effects to a commit; their ids follow from what they do.
pub(crate) fn plan_effects(
    writes: &mut Vec<Write>,
    org: OrgId,
    effects: Vec<EffectKind>,
    now: jiff::Timestamp,
) -> Vec<EffectId> {
    let mut ids = Vec::new();
    for what in effects {
        let id = EffectId(derived("notice", &[&org.to_string(), &format!("{what:?}")]));
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

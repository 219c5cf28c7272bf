//! A person's decision on a proposal, bound to the contents that were shown.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::audit::Hash;
use parstock_domain::governance::{DecisionError, Phase, Proposal, ProposalState};
use parstock_domain::ids::{ContactId, ItemId, OrgId, ProposalId};
use parstock_domain::replenish::REJECTION_REST_DAYS;
use parstock_domain::settings::Policy;

use crate::contacts::Contacts;
use crate::error::AppError;
use crate::load::{self, Versioned, removal};
use crate::ports::{Expect, Ports, Write};
use crate::records::{Effect, EffectKind, EffectState, Key, Mark, Rejected};
use crate::send::try_effects;
use crate::tries::Tries;
use crate::writer::{Reason, Writer};

/// What a person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes: it becomes a DRAFT purchase order in Xero.
    Approve,
    /// No, because.
    Reject {
        /// In the person's words.
        reason: String,
    },
}

/// Takes a decision on a proposal whose contents had the hash `shown`.
///
/// # Errors
/// [`AppError::Reject`] with what stands against it: it changed, somebody decided already, the org only
/// observes.
pub async fn decide<P: Ports>(
    ports: &P,
    org: OrgId,
    proposal: ProposalId,
    shown: Hash,
    who: &str,
    decision: &Decision,
) -> Result<Proposal, AppError> {
    let mut tries = Tries::begin(ports);
    loop {
        // a person does not wait for the org's lease: the conditions are the guarantee
        let mut writer = Writer::open_unleased(ports, org).await?;
        match once(&mut writer, proposal, shown, who, decision).await {
            Err(error) => tries.next(error)?,
            Ok(decided) => {
                if let ProposalState::Approved { effect, .. } = &decided.status {
                    try_effects(ports, org, vec![*effect]).await;
                }
                return Ok(decided);
            }
        }
    }
}

async fn once<P: Ports>(
    writer: &mut Writer<'_, P>,
    id: ProposalId,
    shown: Hash,
    who: &str,
    decision: &Decision,
) -> Result<Proposal, AppError> {
    let store = writer.ports().store();
    let key = Key::Proposal(id);
    let standing = load::one::<Proposal>(store, writer.owner(), key.clone())
        .await?
        .ok_or_else(|| AppError::Reject("there is no such proposal: look at the list again".to_owned()))?;
    let at = writer.now();
    let refuse = |error: DecisionError| AppError::Reject(error.to_string());
    let mut writes = Vec::new();
    if is_taken(&standing.content, shown, who, decision) {
        // the answer to an earlier try was lost
        return Ok(standing.content);
    }
    let again = matches!(standing.content.status, ProposalState::Failed { .. });
    let (decided, reason) = match decision {
        Decision::Approve => {
            let policy = load::one::<Policy>(store, writer.owner(), Key::Policy).await?;
            let prefix = policy.map(|row| row.content).unwrap_or_default().org().order_prefix;
            let (decided, approval, effect) = standing
                .content
                .approve(phase(writer, &standing.content).await?, shown, who, at, &prefix)
                .map_err(refuse)?;
            if let Some(why) = supplier(writer, &decided).await?.why_not(decided.supplier) {
                return Err(AppError::Reject(why));
            }
            let known = load::one::<Effect>(store, writer.owner(), Key::Effect(effect)).await?;
            let content = Effect {
                what: EffectKind::Order { proposal: id },
                decided_at: at,
                attempts: 0,
                // what failed may have got through all the same
                status: if again { EffectState::Unknown { at } } else { EffectState::Waiting },
                needs_person: None,
            };
            let expect = known.map_or(Expect::Absent, |known| known.expect);
            writes.push(Versioned { content, expect }.write(Key::Effect(effect)));
            writes.push(Versioned::new(Mark {}).write(Key::PendingEffect(effect)));
            let reason = Reason { who: who.to_owned(), ..Reason::own("approve order") }
                .with("contents", approval.contents);
            (decided, reason.with("effect", effect))
        }
        Decision::Reject { reason } => {
            let decided = standing.content.reject(shown, who, at, reason).map_err(refuse)?;
            let supplier = decided.supplier;
            // one that could not be written says nothing against its lines
            if !again {
                writes.push(rest(writer, id, supplier, at).await?);
            }
            writes.push(removal(Key::PendingProposal(supplier)));
            let told =
                Reason { who: who.to_owned(), ..Reason::own("reject order") }.with("reason", reason.trim());
            (decided, told)
        }
    };
    let reason = reason.with("proposal", id).with("supplier", decided.supplier);
    writes.push(Versioned { content: decided.clone(), expect: standing.expect }.write(key));
    let commit = writer.new_commit();
    writer.commit(commit, writes, reason).await?;
    Ok(decided)
}

/// Whether this very person has taken this very decision already.
fn is_taken(proposal: &Proposal, shown: Hash, who: &str, decision: &Decision) -> bool {
    match (&proposal.status, decision) {
        (
            ProposalState::Approved { approval, .. } | ProposalState::Done { approval, .. },
            Decision::Approve,
        ) => approval.who == who && approval.contents == shown,
        (ProposalState::Rejected { who: by, reason: given, .. }, Decision::Reject { reason }) => {
            by == who && given == reason.trim() && proposal.contents() == shown
        }
        _ => false,
    }
}

/// The row that lets a rejected proposal's lines rest.
async fn rest<P: Ports>(
    writer: &Writer<'_, P>,
    id: ProposalId,
    supplier: ContactId,
    at: Timestamp,
) -> Result<Write, AppError> {
    let key = Key::Rejected(supplier);
    let mut rejected = load::one::<Rejected>(writer.ports().store(), writer.owner(), key.clone())
        .await?
        .unwrap_or(Versioned::new(Rejected::default()));
    let today = writer.clock().day_of(at);
    let rests =
        |on: &Date| on.until(today).is_ok_and(|span| i64::from(span.get_days()) <= REJECTION_REST_DAYS);
    rejected.content.proposals.retain(|(_, on)| rests(on));
    rejected.content.proposals.push((id, today));
    Ok(rejected.write(key))
}

/// A proposal's supplier, with whatever it was merged into.
pub(crate) async fn supplier<P: Ports>(
    writer: &Writer<'_, P>,
    proposal: &Proposal,
) -> Result<Contacts, AppError> {
    Contacts::of(writer.ports(), writer.org(), BTreeSet::from([proposal.supplier])).await
}

/// The lowest phase of the proposal's lines: a pilot covers an order only if it covers all of it.
pub(crate) async fn phase<P: Ports>(writer: &Writer<'_, P>, proposal: &Proposal) -> Result<Phase, AppError> {
    let items: Vec<ItemId> = proposal.lines.iter().map(|line| line.item).collect();
    let settings = crate::settings::for_items(writer.ports(), writer.org(), &items).await?;
    // by its present name, as settings have it
    let contacts = supplier(writer, proposal).await?;
    let supplier = contacts.name(proposal.supplier).unwrap_or(&proposal.supplier_name);
    let mut lowest = Phase::Assist;
    for line in &proposal.lines {
        let item = load::one(writer.ports().store(), writer.owner(), Key::Item(line.item)).await?;
        let Some(item) = item else { return Ok(Phase::Observe) };
        let resolved = settings.for_item(&item.content, &line.location, Some(supplier));
        lowest = lowest.min(resolved.phase);
    }
    Ok(lowest)
}

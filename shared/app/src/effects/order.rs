//! An approved proposal becomes exactly one DRAFT purchase order in Xero, with a history note.
//!
//! The order's number derives from the proposal's id, is fixed by the approval and unique in Xero. After an unknown outcome the
//! order is looked up by its number and adopted; "Order number must be unique" means that it exists.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::document::{Document, DocumentKind, DocumentRef, Item, OrderDraft, OrderDraftLine};
use parstock_domain::fixed::{FixedError, Quantity};
use parstock_domain::governance::{Approval, OrderedBy, Phase, Proposal, ProposalState};
use parstock_domain::ids::{DocumentId, ItemId, ProposalId, derived};
use parstock_domain::replenish::PROPOSAL_LINES_MAX;

use super::{Attempt, GivenUp, Trouble, book_ours};
use crate::error::AppError;
use crate::load::{self, removal, unguarded};
use crate::message::Message;
use crate::ports::{Books, BooksError, BooksSession, Ports, Priority};
use crate::records::{EffectState, Key, Review, ReviewKind};
use crate::send::send_now;
use crate::units::Units;
use crate::writer::{Reason, Writer};

/// Calls that one order takes: looking for it, writing it, reading its notes, writing one.
const CALLS: u32 = 4;
/// Characters of a history note (Xero's limit is 2,500).
const NOTE_CHARS_MAX: usize = 2_450;

/// Tries to bring an order into Xero, or to finish one whose note is missing.
pub(super) async fn send<P: Ports>(
    writer: &mut Writer<'_, P>,
    mut attempt: Attempt,
    proposal: ProposalId,
    noting: Option<DocumentId>,
) -> Result<(), AppError> {
    let key = Key::Proposal(proposal);
    let standing = load::one::<Proposal>(writer.ports().store(), writer.owner(), key).await?;
    let Some(standing) = standing else {
        return Err(AppError::Bug(format!("effect {} names a proposal that does not exist", attempt.id)));
    };
    let proposal = standing.content.clone();
    let (ProposalState::Approved { approval, .. } | ProposalState::Failed { approval, .. }) =
        &proposal.status
    else {
        let reason = format!("the proposal is {}, so nothing was sent", proposal.state_name());
        let told = Reason::own("drop order").with("proposal", proposal.id);
        return attempt.end(writer, EffectState::Failed { reason }, Vec::new(), told).await;
    };
    let mut session = match writer.ports().books().open(writer.org(), Priority::Person, CALLS).await {
        Ok(session) => session,
        Err(error) => return refused(writer, attempt, &standing, approval, error).await,
    };
    let result = in_xero(writer, &mut session, &mut attempt, &proposal, approval, noting).await;
    session.close().await;
    match result {
        Ok(order) => finish(writer, attempt, &standing, approval, order, None).await,
        Err(Trouble::Books(error)) => refused(writer, attempt, &standing, approval, error).await,
        Err(Trouble::Held(why)) => fail(writer, attempt, &standing, approval, why).await,
        Err(Trouble::App(error)) => Err(error),
    }
}

async fn in_xero<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    attempt: &mut Attempt,
    proposal: &Proposal,
    approval: &Approval,
    noting: Option<DocumentId>,
) -> Result<DocumentId, Trouble> {
    let order = match noting {
        Some(order) => order,
        None => {
            let document = find_or_create(writer, session, attempt, proposal, approval).await?;
            let order = document.of.id;
            let items = proposal.lines.iter().map(|line| (line.code.clone(), line.item)).collect();
            book_ours(writer, &document, &items, attempt.id).await?;
            let EffectState::Trying { until } = attempt.effect.content.status else {
                return Err(AppError::Bug(
                    "an order was written by an effect that nobody had claimed".to_owned(),
                )
                .into());
            };
            attempt.become_(writer, EffectState::Noting { order, until }).await?;
            order
        }
    };
    let note = note(proposal, approval);
    let noted = session.order_notes(order).await?.iter().any(|standing| standing.contains(&mark(proposal)));
    if !noted {
        session.add_order_note(order, &note, attempt.id).await?;
    }
    Ok(order)
}

async fn find_or_create<P: Ports>(
    writer: &Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    attempt: &Attempt,
    proposal: &Proposal,
    approval: &Approval,
) -> Result<Document, Trouble> {
    let draft = draft(writer, proposal, approval).await?;
    let tried_before = attempt.looks_first || attempt.effect.content.attempts > 1;
    if tried_before && let Some(standing) = session.order_by_number(&draft.number).await? {
        return Ok(standing);
    }
    // a person may have set the phase back since the approval
    if crate::decide::phase(writer, proposal).await? < Phase::Assist {
        return Err(Trouble::Held(
            "the phase is observe now, which writes nothing to Xero: set it to assist and try again, or give the order up".to_owned(),
        ));
    }
    // and the supplier may have been merged or archived
    if let Some(why) = crate::decide::supplier(writer, proposal).await?.why_not(proposal.supplier) {
        return Err(Trouble::Held(why));
    }
    if let Some(code) = counted_otherwise(writer, proposal, draft.date).await? {
        return Err(Trouble::Held(format!(
            "by now the supplier's papers count {code} by another unit than this order: give it up, and the next plan proposes it anew"
        )));
    }
    Ok(session.create_order(&draft, approval, attempt.id).await?)
}

/// The code of a line that a paper of the day would count otherwise than the proposal does.
async fn counted_otherwise<'p, P: Ports>(
    writer: &Writer<'_, P>,
    proposal: &'p Proposal,
    day: Date,
) -> Result<Option<&'p str>, AppError> {
    let items = proposal.lines.iter().map(|line| line.item).collect();
    let units = Units::of(writer, items, proposal.supplier).await?;
    let otherwise = proposal.lines.iter().find(|line| {
        let unit = units.on(line.item, proposal.supplier, day);
        let by = line.by.as_ref().map(|by| &by.unit);
        unit.map_or(Quantity::ONE, |unit| unit.holds) != by.map_or(Quantity::ONE, |unit| unit.holds)
    });
    Ok(otherwise.map(|line| line.code.as_str()))
}

async fn draft<P: Ports>(
    writer: &Writer<'_, P>,
    proposal: &Proposal,
    approval: &Approval,
) -> Result<OrderDraft, AppError> {
    let store = writer.ports().store();
    let keys: Vec<Key> = proposal.lines.iter().map(|line| Key::Item(line.item)).collect();
    let items: BTreeMap<ItemId, Item> = load::many::<Item>(store, writer.owner(), &keys)
        .await?
        .into_iter()
        .flatten()
        .map(|row| (row.content.id, row.content))
        .collect();
    let lines = proposal.lines.iter().map(|line| {
        let item = items.get(&line.item);
        let name = item.map_or_else(|| line.name.clone(), |item| item.name.clone());
        let (quantity, unit_price, description) = match &line.by {
            None => (line.quantity, line.unit_price, name),
            Some(OrderedBy { unit, price }) => {
                let counted = format!("{name} ({} of {})", unit.name, unit.holds);
                (unit.of_base(line.quantity)?, *price, counted)
            }
        };
        Ok(OrderDraftLine {
            // the code as it is now: it may have changed since the proposal
            item_code: item.map_or_else(|| line.code.clone(), |item| item.code.clone()),
            description,
            quantity,
            unit_price,
            account: item.map(|item| item.purchase_account.clone()).unwrap_or_default(),
            tax: item.map(|item| item.purchase_tax.clone()).unwrap_or_default(),
        })
    });
    Ok(OrderDraft {
        number: approval.order_number.clone(),
        reference: format!("parstock plan {}", proposal.planned_on),
        supplier: proposal.supplier,
        date: writer.clock().day_of(writer.now()),
        wanted_on: proposal.wanted_on,
        lines: lines.collect::<Result<_, FixedError>>()?,
    })
}

/// What a note is known by, should the answer to writing it be lost.
fn mark(proposal: &Proposal) -> String {
    format!("parstock proposal {}", proposal.id)
}

fn note(proposal: &Proposal, approval: &Approval) -> String {
    let mut note = format!("{}, approved by {} at {}.", mark(proposal), approval.who, approval.at);
    for line in &proposal.lines {
        let reason = format!("\n{} x {}: {}", line.said(), line.code, line.reason);
        if note.chars().count() + reason.chars().count() > NOTE_CHARS_MAX {
            note.push_str("\n…");
            break;
        }
        note.push_str(&reason);
    }
    note
}

async fn finish<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    standing: &load::Versioned<Proposal>,
    approval: &Approval,
    order: DocumentId,
    note_trouble: Option<String>,
) -> Result<(), AppError> {
    let proposal = &standing.content;
    let done =
        Proposal { status: ProposalState::Done { approval: approval.clone(), order }, ..proposal.clone() };
    let mut writes = vec![
        load::Versioned { content: done, expect: standing.expect }.write(Key::Proposal(proposal.id)),
        removal(Key::PendingProposal(proposal.supplier)),
    ];
    // what is ordered now is wanted no more, until a plan that knows of the order says so again
    for line in proposal.lines.iter().take(PROPOSAL_LINES_MAX) {
        writes.push(removal(Key::Want(proposal.supplier, line.item, line.location.clone())));
    }
    if let Some(why) = note_trouble {
        let text = format!(
            "Order {} is in Xero, but its history note is missing, which says why it was ordered: {why}. Nothing else is wrong with the order.",
            approval.order_number
        );
        let review = Review {
            kind: ReviewKind::MissingNote,
            since: writer.now(),
            item: None,
            document: Some(DocumentRef { kind: DocumentKind::PurchaseOrder, id: order }),
            text,
            codes: BTreeSet::new(),
        };
        let id = derived("review", &[ReviewKind::MissingNote.code(), &order.to_string()]);
        writes.push(unguarded(Key::Review(id), review));
    }
    let reason = Reason::own(super::ORDER_WRITTEN).with("proposal", proposal.id).with("order", order);
    let org = writer.org();
    let at = writer.now();
    let items: Vec<ItemId> = proposal.lines.iter().map(|line| line.item).collect();
    attempt.end(writer, EffectState::Done { at }, writes, reason).await?;
    for items in items.chunks(crate::message::PLAN_ITEMS_MAX) {
        send_now(writer.ports(), Message::Plan { org, items: items.to_vec() }).await?;
    }
    Ok(())
}

async fn refused<P: Ports>(
    writer: &mut Writer<'_, P>,
    mut attempt: Attempt,
    standing: &load::Versioned<Proposal>,
    approval: &Approval,
    error: BooksError,
) -> Result<(), AppError> {
    // an order whose note is missing is written: only the note is tried again, until it is given up
    if let EffectState::Noting { order, .. } = attempt.effect.content.status {
        if attempt.is_exhausted() {
            return finish(writer, attempt, standing, approval, order, Some(error.to_string())).await;
        }
        let until = writer.now();
        if !matches!(error, BooksError::NotNow { .. }) {
            attempt.effect.content.attempts = attempt.effect.content.attempts.saturating_add(1);
        }
        return attempt.become_(writer, EffectState::Noting { order, until }).await;
    }
    let Some((attempt, given_up)) = attempt.unless_put_off(writer, error).await? else { return Ok(()) };
    let reason = match given_up {
        GivenUp::Refused(why) => why,
        GivenUp::Exhausted(why) => format!("{why}. Look in Xero whether the order exists"),
    };
    fail(writer, attempt, standing, approval, reason).await
}

/// It will not be tried again unless a person says so.
async fn fail<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    standing: &load::Versioned<Proposal>,
    approval: &Approval,
    reason: String,
) -> Result<(), AppError> {
    let status = ProposalState::Failed { approval: approval.clone(), reason: reason.clone() };
    let failed = Proposal { status, ..standing.content.clone() };
    let proposal = standing.content.id;
    let writes =
        vec![load::Versioned { content: failed, expect: standing.expect }.write(Key::Proposal(proposal))];
    let told = Reason::own("order failed").with("proposal", proposal).with("reason", &reason);
    attempt.end(writer, EffectState::Failed { reason }, writes, told).await
}

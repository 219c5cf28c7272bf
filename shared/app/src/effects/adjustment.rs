//! An adjustment of tracked stock becomes one document over nothing in Xero: a bill for what comes in, a supplier's credit
//! note for what goes out.
//!
//! Xero takes its number twice, so it is looked for before every try, and adopted when it is there. What Xero holds before is kept
//! with the adjustment; after the write it is read back, and where it is not what it should be a person is asked, and nothing more is
//! written.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use parstock_domain::adjustment::{
    ACCOUNT_KINDS, Adjustment, AdjustmentDraft, AdjustmentDraftLine, AdjustmentNumber, Form, Stage,
};
use parstock_domain::costing::Layer;
use parstock_domain::document::{Document, DocumentKind, DocumentStatus, Item, XeroQuantity};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::governance::{DecisionError, Phase};
use parstock_domain::ids::{DocumentId, EffectId, ItemId};
use parstock_domain::landed::Half;
use parstock_domain::ledger::adjusted::unit_worth;
use parstock_domain::settings::Policy;

use super::{Attempt, GivenUp, Trouble, book_ours, effect_id, plan_effects};
use crate::adjustments::{adjustment, begin, contact, question, question_key};
use crate::error::AppError;
use crate::landed;
use crate::load::{self, Versioned, removal};
use crate::message::{Message, PLAN_ITEMS_MAX};
use crate::ports::{Books, BooksError, BooksSession, Commit, Ports, Priority, Store};
use crate::records::{DocumentRecord, EffectKind, EffectState, Key};
use crate::send::send_now;
use crate::sync::quantities;
use crate::writer::{Reason, Writer};

/// Calls that one document takes: looking for it; organisation, actions, accounts with their balances and quantities before; writing
/// it; looking for it once more after a try whose answer was lost; quantities after.
const CALLS: u32 = 9;
/// After how long one looks again that waits for another of its items.
const WAITS: SignedDuration = SignedDuration::from_mins(1);

/// Tries to bring an adjustment into Xero. One of the ledger, which is booked by now, only ends.
pub(super) async fn send<P: Ports>(
    writer: &mut Writer<'_, P>,
    mut attempt: Attempt,
    number: AdjustmentNumber,
    again: u32,
) -> Result<(), AppError> {
    let mut standing = adjustment(writer, number).await?.content;
    let is_meant = standing.stage == Stage::Booking && standing.again == again;
    if !is_meant || standing.form == Form::Ledger {
        let at = writer.now();
        let told = Reason::own("adjustment known").with("adjustment", number);
        return attempt.end(writer, EffectState::Done { at }, Vec::new(), told).await;
    }
    let mut session = match writer.ports().books().open(writer.org(), Priority::Person, CALLS).await {
        Ok(session) => session,
        Err(error) => return Box::pin(refused(writer, attempt, &standing, error)).await,
    };
    let result = Box::pin(in_xero(writer, &mut session, &mut attempt, &mut standing)).await;
    session.close().await;
    match result {
        Ok(done) => Box::pin(finish(writer, attempt, &standing, done)).await,
        Err(Trouble::Books(error)) => Box::pin(refused(writer, attempt, &standing, error)).await,
        Err(Trouble::Held(why)) => {
            let reject = "reject it".to_owned();
            Box::pin(fail(writer, attempt, &standing, why, (false, reject))).await
        }
        Err(Trouble::App(error)) => Err(error),
    }
}

/// A document that is in Xero and booked here; none of a revaluation of which nothing was left.
#[derive(Default)]
struct Written {
    document: Option<DocumentId>,
    /// Whether a position crossed a line.
    crossed: bool,
    /// How many more documents have its number.
    doubles: usize,
    /// Why what Xero holds could not be read afterwards.
    unread: Option<String>,
    /// What costs something else afterwards than it should, in words.
    off: Option<String>,
}

async fn in_xero<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    attempt: &mut Attempt,
    standing: &mut Adjustment,
) -> Result<Written, Trouble> {
    let kind = standing.form.document().unwrap_or(DocumentKind::Bill);
    let items = items(writer, standing).await?;
    let mut found = session.adjustments_by_number(kind, standing.number).await?;
    found.sort_by_key(|document| (document.updated_at, document.of.id));
    let (mut asked, was_tried) = (standing.before.clone(), !standing.before.is_empty());
    let document = match ours(writer, standing, &items, &found).await? {
        Some(document) => document,
        None => {
            if let Some(other) = Box::pin(begin(writer, standing.number)).await? {
                return Err(in_between(writer, &other));
            }
            let draft = Box::pin(draft(writer, session, standing, (&items, attempt.looks_first))).await?;
            let Some((draft, before)) = draft else { return Ok(Written::default()) };
            if !standing.was_tried() {
                (standing.before, standing.before_again) = (before.clone(), standing.again);
                // so that it can be compared even after a crash; a revaluation was worked out just now
                let kept = standing.clone();
                keep(writer, standing.number, |row| {
                    (row.before, row.before_again) = (kept.before, kept.before_again);
                    (row.lines, row.contents, row.revalues) = (kept.lines, kept.contents, kept.revalues);
                })
                .await?;
            }
            asked = before;
            session.create_adjustment(&draft, attempt.id).await?
        }
    };
    let codes = items.values().map(|item| (item.code.clone(), item.id)).collect();
    let booked = Box::pin(book_ours(writer, &document, &codes, attempt.id)).await?;
    // whatever comes after, it is in Xero
    keep(writer, standing.number, |row| row.document = Some(document.of.id)).await?;
    if found.is_empty() && was_tried {
        // a try before, whose answer was lost, may have got through since
        found = session.adjustments_by_number(kind, standing.number).await?;
    }
    let stands = |other: &&Document| other.status.moves_stock() && other.of != document.of;
    let doubles = found.iter().filter(stands).count();
    let mut written = Box::pin(read_back(writer, session, standing, &asked, &items)).await?;
    written.crossed |= !booked.crossed.is_empty();
    Ok(Written { document: Some(document.of.id), doubles, ..written })
}

/// What has to be done before something may be written, since another adjustment of its items is not whole.
fn in_between<P: Ports>(writer: &Writer<'_, P>, other: &Adjustment) -> Trouble {
    let number = other.number;
    if other.stage == Stage::Booking {
        let until = writer.now().saturating_add(WAITS).unwrap_or(writer.now());
        let why = format!("adjustment {number} of the same items is being written");
        return Trouble::Books(BooksError::NotNow { until, why });
    }
    Trouble::Held(match other.stage {
        Stage::Refused { is_uncertain: true, .. } => format!(
            "revaluation {number} of the same items may be in Xero: approve it, so that it is looked for, or reject it first"
        ),
        _ => {
            format!("revaluation {number} of the same items is only half in Xero: approve or reject it first")
        }
    })
}

/// Our document among those that have our number; `None` if there is none and it can be written.
async fn ours<P: Ports>(
    writer: &Writer<'_, P>,
    standing: &Adjustment,
    items: &BTreeMap<ItemId, Item>,
    found: &[Document],
) -> Result<Option<Document>, Trouble> {
    // what we booked as ours stays ours, whatever people made of it
    let effects: Vec<EffectId> = (0..=standing.again)
        .map(|again| effect_id(writer.org(), &EffectKind::Adjustment { number: standing.number, again }))
        .collect();
    let keys: Vec<Key> = found.iter().map(|document| Key::Document(document.of)).collect();
    let booked = load::many::<DocumentRecord>(writer.ports().store(), writer.owner(), &keys).await?;
    let by_us = |row: Option<Versioned<DocumentRecord>>| {
        row.and_then(|row| row.content.effect).is_some_and(|effect| effects.contains(&effect))
    };
    if let Some(document) = found.iter().find(|document| standing.document == Some(document.of.id)) {
        return Ok(Some(document.clone()));
    }
    let mut theirs = None;
    let (mut adopted, mut by_effect) = (None, None);
    for (document, row) in found.iter().zip(booked) {
        if !document.status.moves_stock() {
            continue;
        }
        if by_us(row) {
            by_effect = by_effect.or(Some(document));
        } else if is_ours(document, standing, items)? {
            adopted = adopted.or(Some(document));
        } else {
            theirs = Some(document);
        }
    }
    if let Some(document) = by_effect.or(adopted) {
        return Ok(Some(document.clone()));
    }
    let number = standing.number;
    let Some(other) = theirs.or_else(|| found.iter().find(|it| it.status.is_pending())).or(found.first())
    else {
        return Ok(None);
    };
    let (kind, instead) = (other.of.kind.words(), landed::instead(standing));
    Err(Trouble::Held(match other.status {
        DocumentStatus::Voided | DocumentStatus::Deleted => {
            format!("the {kind} {number} was voided in Xero: {instead}")
        }
        status if status.is_pending() => format!(
            "the {kind} {number} is in Xero, but not approved: approve it there and try again, or delete it there, {instead}"
        ),
        _ => format!(
            "the {kind} {number} is in Xero already and says something else. If it is this adjustment that somebody edited, void it there, {instead}; if it is another {kind}, give that another number there, then try again"
        ),
    }))
}

async fn items<P: Ports>(
    writer: &Writer<'_, P>,
    standing: &Adjustment,
) -> Result<BTreeMap<ItemId, Item>, AppError> {
    let keys: Vec<Key> = standing.items().into_iter().map(Key::Item).collect();
    let rows = load::many::<Item>(writer.ports().store(), writer.owner(), &keys).await?;
    Ok(rows.into_iter().flatten().map(|row| (row.content.id, row.content)).collect())
}

/// Whether a document that has our number moves what the adjustment says.
fn is_ours(
    document: &Document,
    standing: &Adjustment,
    items: &BTreeMap<ItemId, Item>,
) -> Result<bool, AppError> {
    let mut moved: BTreeMap<ItemId, Quantity> = BTreeMap::new();
    for line in &document.lines {
        let Some(named) = &line.item else { continue };
        let by_code = || items.values().find(|item| item.code == named.code).map(|item| item.id);
        let Some(item) = named.id.or_else(by_code) else { return Ok(false) };
        let sum = moved.entry(item).or_default();
        *sum = sum.plus(line.quantity)?;
    }
    let due = standing.changes()?.into_iter().map(|(item, change)| (item, change.magnitude()));
    Ok(document.date == standing.on && moved.into_iter().eq(due))
}

/// What is to be written, once nothing stands against it, and what Xero holds of its items before; `None` of a revaluation of which
/// nothing is left.
async fn draft<P: Ports>(
    writer: &Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    standing: &mut Adjustment,
    (items, looks_first): (&BTreeMap<ItemId, Item>, bool),
) -> Result<Option<(AdjustmentDraft, Vec<(ItemId, XeroQuantity)>)>, Trouble> {
    let held = |why: String| Trouble::Held(why);
    let quantities: BTreeMap<ItemId, XeroQuantity> =
        session.tracked_quantities().await?.quantities.into_iter().collect();
    if let Some(anew) = landed::decided_anew(writer, standing, &quantities)? {
        let nothing_left = anew.lines.is_empty();
        // once it was tried the same is asked again, unless there is nothing to ask
        if nothing_left || !standing.was_tried() {
            *standing = anew;
        }
        if nothing_left {
            return Ok(None);
        }
    }
    if let Some(second) = standing.revalues.as_ref().filter(|revalues| revalues.half == Half::Second)
        && adjustment(writer, second.other).await?.content.is_void
    {
        return Err(held(format!(
            "its bill {} was voided in Xero, so that what would go out never came in: reject it",
            second.other
        )));
    }
    let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
    let settings = policy.map(|row| row.content).unwrap_or_default().org();
    if settings.phase < Phase::Assist {
        return Err(held(DecisionError::Observing.to_string()));
    }
    // both halves of a revaluation and its journal meet on one account
    let account = standing.revalues.as_ref().map(|revalues| revalues.account.clone());
    let account = account.or(settings.adjustment_account).ok_or_else(|| {
        held("set `adjustment_account` to an expense or direct cost account, then try again".to_owned())
    })?;
    let contact = contact(writer).await?.map_err(held)?;
    let instead = landed::instead(standing);
    let organisation = session.organisation().await?;
    if let Some(locked) = organisation.locked_through().filter(|locked| standing.on <= *locked) {
        return Err(held(format!(
            "its day {} is locked in Xero, whose books are closed up to {locked}: {instead} with a later day",
            standing.on
        )));
    }
    if standing.form == Form::Bill && !session.may_approve_bills().await? {
        return Err(held(
            "Xero lets nobody approve another bill now: the plan's bills of the month are used up, or the connection's user may not; try again when that has changed".to_owned(),
        ));
    }
    let accounts = session.accounts(writer.clock().day_of(writer.now())).await?;
    // of a revaluation it was fixed with its voucher
    let other_account = match standing.revalues {
        Some(_) => instead.as_str(),
        None => "set `adjustment_account` to another one",
    };
    match accounts.iter().find(|known| known.code == account) {
        None => {
            return Err(held(format!("Xero has no account {account}: {other_account}")));
        }
        Some(known) if !ACCOUNT_KINDS.contains(&known.kind.as_str()) => {
            return Err(held(format!(
                "account {account} is of the type {}, and has to be one of {}: {other_account}",
                known.kind,
                ACCOUNT_KINDS.join(", ")
            )));
        }
        Some(_) => {}
    }
    let mut before = Vec::new();
    for (item, change) in standing.changes()? {
        let code = items.get(&item).map_or_else(|| item.to_string(), |item| item.code.clone());
        let Some(there) = quantities.get(&item) else {
            let instead = match standing.revalues {
                Some(_) => instead.as_str(),
                None => "reject it and adjust the item in the ledger",
            };
            return Err(held(format!("Xero does not track `{code}` any more: {instead}")));
        };
        if change.is_negative() && change.magnitude() > there.on_hand {
            let look = match standing.revalues {
                Some(_) => "try again once more lie there, or",
                None => "look what lies there, then",
            };
            return Err(held(format!(
                "Xero holds {} of `{code}`, and {} are to go out: {look} {instead}",
                there.on_hand,
                change.magnitude()
            )));
        }
        before.push((item, *there));
    }
    if is_first_half(standing) && standing.was_tried() && !looks_first && standing.before != before {
        return Err(held(
            "what lies there changed since it was first tried: approve it again, and it is worked out anew"
                .to_owned(),
        ));
    }
    // of a try before whose answer was lost the same is asked again
    let valued = if standing.was_tried() { &standing.before } else { &before };
    let mut lines = Vec::new();
    for line in &standing.lines {
        let item = items
            .get(&line.item)
            .ok_or_else(|| held(format!("Xero lists no item `{}` any more", line.code)))?;
        let unit_cost = match standing.form {
            Form::CreditNote if standing.revalues.is_none() => {
                average(valued, line.item)?.unwrap_or(line.unit_cost)
            }
            // a revaluation takes out at the price that was decided with its first half
            Form::CreditNote | Form::Bill | Form::Ledger => line.unit_cost,
        };
        lines.push(AdjustmentDraftLine {
            item_code: item.code.clone(),
            description: line.words(),
            quantity: line.change.magnitude(),
            unit_cost,
            account: item.purchase_account.clone(),
        });
    }
    let kind = standing.form.document().unwrap_or(DocumentKind::Bill);
    let number = standing.number;
    Ok(Some((AdjustmentDraft { number, kind, contact, date: standing.on, account, lines }, before)))
}

/// Whether it is the first half of a revaluation, which decides the second one, too.
fn is_first_half(standing: &Adjustment) -> bool {
    standing.revalues.as_ref().is_some_and(|revalues| revalues.half == Half::First)
}

/// What one of an item cost on average by what Xero held, rounded down, so that all of it takes no more than the pool.
fn average(held: &[(ItemId, XeroQuantity)], item: ItemId) -> Result<Option<Money>, AppError> {
    let there = held.iter().find(|(known, _)| *known == item).map(|(_, there)| there);
    let stock = there.filter(|there| there.on_hand > Quantity::ZERO).map(|there| Layer {
        quantity: there.on_hand,
        cost: there.cost_pool,
        last_unit_cost: Money::ZERO,
    });
    let Some(stock) = stock else { return Ok(None) };
    let unit = unit_worth(stock)?;
    let is_too_much = stock.quantity.at(unit)? > stock.cost;
    Ok(Some(if is_too_much { unit.minus(Money::from_e4(1))? } else { unit }))
}

/// Keeps what became of an adjustment on its way, in a commit of its own.
async fn keep<P: Ports>(
    writer: &Writer<'_, P>,
    number: AdjustmentNumber,
    change: impl FnOnce(&mut Adjustment),
) -> Result<(), AppError> {
    let mut row = adjustment(writer, number).await?;
    let before = row.content.clone();
    change(&mut row.content);
    if row.content == before {
        return Ok(());
    }
    let commit = Commit { id: writer.new_commit(), writes: vec![row.write(Key::Adjustment(number))] };
    Ok(writer.ports().store().commit(writer.owner(), commit).await?)
}

/// Holds what Xero says now beside what it should. Says whether a position crossed a line, of which items Xero says nothing, and what
/// is not revalued as it should be.
async fn read_back<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    standing: &Adjustment,
    before: &[(ItemId, XeroQuantity)],
    items: &BTreeMap<ItemId, Item>,
) -> Result<Written, Trouble> {
    let changes = standing.changes()?;
    let after: Vec<(ItemId, XeroQuantity)> = session
        .tracked_quantities()
        .await?
        .quantities
        .into_iter()
        .filter(|(item, _)| changes.contains_key(item))
        .collect();
    let before: BTreeMap<ItemId, XeroQuantity> = before.iter().copied().collect();
    let mut due = BTreeMap::new();
    for (item, change) in changes {
        if let Some(before) = before.get(&item) {
            due.insert(item, (before.on_hand, before.on_hand.plus(change)?));
        }
    }
    let code = |item: ItemId| items.get(&item).map_or_else(|| item.to_string(), |item| item.code.clone());
    let told = |item: ItemId, now: Quantity| {
        let (was, wanted) = due.get(&item).filter(|(_, wanted)| *wanted != now)?;
        Some(format!(
            "Xero held {was} of `{}` before {} and holds {now} after it, where {wanted} were due. Nothing more was written; look at the item's history in Xero.",
            code(item),
            standing.number
        ))
    };
    let is_absent = |item: &&ItemId| !after.iter().any(|(known, _)| known == *item);
    let absent: Vec<String> = due.keys().filter(is_absent).map(|item| format!("`{}`", code(*item))).collect();
    let unread = (!absent.is_empty()).then(|| format!("Xero says nothing of {}", absent.join(", ")));
    let mut off = Vec::new();
    for part in standing.revalues.iter().flat_map(|revalues| &revalues.parts).filter(|it| !it.units.is_zero())
    {
        let there = after.iter().find(|(item, _)| *item == part.item).map(|(_, there)| *there);
        if let Some(there) = there.filter(|there| !part.is_as_due(*there)) {
            let due = part.pool.plus(part.on_pool)?.per_unit(part.on_hand)?;
            off.push(format!(
                "Xero holds {} of `{}` at {}, where one was to cost {due}",
                there.on_hand,
                code(part.item),
                there.cost_pool
            ));
        }
    }
    let off = (!off.is_empty()).then(|| off.join(", "));
    let crossed = quantities::read_back(writer, &after, told).await?;
    Ok(Written { crossed, unread, off, ..Written::default() })
}

async fn finish<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    standing: &Adjustment,
    written: Written,
) -> Result<(), AppError> {
    let (number, at) = (standing.number, writer.now());
    let mut row = adjustment(writer, number).await?;
    row.content.stage = Stage::Booked;
    row.content.document = written.document;
    // of a revaluation of which nothing was left they say so
    row.content.lines.clone_from(&standing.lines);
    row.content.revalues.clone_from(&standing.revalues);
    row.content.contents = standing.contents;
    let is_as_due = written.doubles == 0 && written.unread.is_none() && written.off.is_none();
    let (mut writes, effects) = Box::pin(landed::follow(writer, &row.content, is_as_due)).await?;
    writes.push(row.write(Key::Adjustment(number)));
    let mut told = Vec::new();
    if written.doubles > 0 {
        told.push(format!(
            "Xero has {} more documents with the number {number}: an answer of Xero was lost, and it was written again. Void all but one of them there.",
            written.doubles
        ));
    }
    if let Some(why) = written.unread {
        told.push(format!(
            "Adjustment {number} is in Xero, but what Xero holds since could not be compared: {why}. Look at the history of its items in Xero; nothing more is written."
        ));
    }
    if let Some(off) = written.off {
        told.push(format!(
            "Revaluation {number} is in Xero, and since then {off}. Look at the history of its items in Xero; nothing more is written by itself."
        ));
    }
    writes.push(match told.is_empty() {
        true => removal(question_key(number)),
        false => question(at, number, told.join(" ")),
    });
    let effects = plan_effects(&mut writes, writer.org(), effects, at);
    let told = Reason::own("adjustment written").with("adjustment", number);
    let told = match written.document {
        Some(document) => told.with("id", document),
        None => told.with("nothing_left", true),
    };
    let org = writer.org();
    attempt.end(writer, EffectState::Done { at }, writes, told).await?;
    for effect in effects {
        send_now(writer.ports(), Message::Effect { org, effect }).await?;
    }
    let items: Vec<ItemId> = standing.changes()?.into_keys().collect();
    for items in items.chunks(PLAN_ITEMS_MAX) {
        send_now(writer.ports(), Message::Plan { org, items: items.to_vec() }).await?;
    }
    if written.crossed {
        send_now(writer.ports(), Message::Alerts { org }).await?;
    }
    Ok(())
}

async fn refused<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    standing: &Adjustment,
    error: BooksError,
) -> Result<(), AppError> {
    let is_uncertain = attempt.looks_first || matches!(error, BooksError::Unknown(_));
    let Some((attempt, given_up)) = attempt.unless_put_off(writer, error).await? else { return Ok(()) };
    let (GivenUp::Refused(reason) | GivenUp::Exhausted(reason)) = given_up;
    fail(writer, attempt, standing, reason, (is_uncertain, landed::instead(standing))).await
}

/// It will not be tried again unless a person says so. `is_uncertain` says whether it may be in Xero all the same, `instead` what else a
/// person can do.
async fn fail<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    standing: &Adjustment,
    reason: String,
    (is_uncertain, instead): (bool, String),
) -> Result<(), AppError> {
    let number = standing.number;
    let mut row: Versioned<Adjustment> = adjustment(writer, number).await?;
    if let Some(document) = row.content.document {
        // it was written and booked: what failed is only what follows
        let written =
            Written { document: Some(document), crossed: true, unread: Some(reason), ..Written::default() };
        let standing = row.content;
        return finish(writer, attempt, &standing, written).await;
    }
    row.content.stage = Stage::Refused { reason: reason.clone(), is_uncertain };
    let what = match &standing.revalues {
        Some(revalues) => format!("Revaluation {number} of landed cost voucher {}", revalues.voucher),
        None => format!("Adjustment {number}"),
    };
    let text = if is_uncertain {
        format!(
            "{what} by {} may be in Xero: {reason}. Approve it again on the page Adjustments, so that it is looked for by its number and written only if it is not there; before you reject it, look for its number in Xero.",
            standing.made_by
        )
    } else {
        format!(
            "{what} by {} is not in Xero: {reason}. Approve it again on the page Adjustments, or {instead}.",
            standing.made_by
        )
    };
    let writes = vec![row.write(Key::Adjustment(number)), question(writer.now(), number, text)];
    let told = Reason::own("adjustment refused").with("adjustment", number).with("reason", &reason);
    attempt.end(writer, EffectState::Failed { reason }, writes, told).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_lies_there_leaves_with_no_more_than_the_pool() {
        let item = ItemId(uuid::Uuid::nil());
        for (on_hand, pool, due) in [(7_000, "10000", "1.4285"), (3, "10", "3.3333"), (4, "10", "2.5")] {
            let (on_hand, cost_pool): (Quantity, Money) =
                (Quantity::from_whole(on_hand).unwrap(), pool.parse().unwrap());
            let held = XeroQuantity { on_hand, back_ordered: Quantity::ZERO, cost_pool };
            let unit = average(&[(item, held)], item).unwrap().unwrap();
            assert_eq!(unit, due.parse().unwrap());
            assert!(on_hand.at(unit).unwrap() <= cost_pool);
        }
    }
}

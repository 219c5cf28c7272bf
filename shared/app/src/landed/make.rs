//! A person makes a voucher or takes one back: decided in one commit, carried out by an effect.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::audit::Hash;
use parstock_domain::document::DocumentRef;
use parstock_domain::fixed::Money;
use parstock_domain::governance::Phase;
use parstock_domain::ids::{EffectId, OrgId};
use parstock_domain::landed::{
    Purchase, Request, Spent, Stage, TakenBack, Voucher, VoucherJournal, VoucherJournalFate, VoucherNumber,
};
use parstock_domain::settings::Policy;

use super::known::{self, Known};
use super::preview::{contents, draft};
use super::purchases::overspent_question;
use super::{freight_question, voucher, vouchers};
use crate::effects::plan_effects;
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::message::Message;
use crate::ports::{Ports, Write};
use crate::records::{Backfill, EffectKind, Key};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Times a decision is taken again that another worker's commit foiled. A person does not wait for the org's lease: the conditions
/// are the guarantee.
const ATTEMPTS_MAX: u32 = 10;
/// Characters of a person's reason.
const REASON_MAX: usize = 500;

/// Makes a voucher of a request whose contents had the hash `shown`; `None` takes it as it comes.
///
/// # Errors
/// [`AppError::Reject`] with what stands against it: it changed since it was shown, or can't be made so.
pub async fn make<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    request: &Request,
    shown: Option<Hash>,
) -> Result<VoucherNumber, AppError> {
    let mut attempt = 1;
    let (number, effect) = loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        match make_once(&mut writer, who, request, shown).await {
            Err(AppError::Retry(_)) if attempt < ATTEMPTS_MAX => attempt += 1,
            outcome => break outcome?,
        }
    };
    ask_for(ports, org, effect).await;
    Ok(number)
}

/// Takes a voucher back: the ledger is what it would be without it.
///
/// # Errors
/// [`AppError::Reject`] with what stands against it: it is not booked, or was taken back already.
pub async fn take_back<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    number: VoucherNumber,
    reason: &str,
) -> Result<(), AppError> {
    let reason: String = reason.trim().chars().take(REASON_MAX).collect();
    if reason.is_empty() {
        return Err(AppError::Reject("say why the voucher is taken back: the reason is kept".to_owned()));
    }
    let mut attempt = 1;
    let effect = loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        match take_back_once(&mut writer, who, number, &reason).await {
            Err(AppError::Retry(_)) if attempt < ATTEMPTS_MAX => attempt += 1,
            outcome => break outcome?,
        }
    };
    ask_for(ports, org, effect).await;
    Ok(())
}

/// Asks no more whether a bill is freight of goods.
///
/// # Errors
/// [`AppError::Reject`] when it is not there.
pub async fn leave<P: Ports>(ports: &P, org: OrgId, who: &str, of: DocumentRef) -> Result<(), AppError> {
    let mut attempt = 1;
    loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        match leave_once(&mut writer, who, of).await {
            Err(AppError::Retry(_)) if attempt < ATTEMPTS_MAX => attempt += 1,
            outcome => return outcome,
        }
    }
}

async fn leave_once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    of: DocumentRef,
) -> Result<(), AppError> {
    let mut purchases = known::purchases(writer, &BTreeSet::from([of])).await?;
    let Some(mut purchase) = purchases.remove(&of) else {
        return Err(AppError::Reject("there is no such bill any more".to_owned()));
    };
    purchase.content.left_alone = true;
    let changed = BTreeMap::from([(of, Some(purchase.content.clone()))]);
    let question = freight_question(writer, &changed).await?;
    let reason = Reason { who: who.to_owned(), ..Reason::own("leave freight") }
        .with("number", &purchase.content.number)
        .with("id", of.id);
    let key = Key::Purchase(purchase.content.on, of);
    let id = writer.new_commit();
    writer.commit(id, vec![purchase.write(key), question], reason).await
}

/// If this is lost, the next sweep finds the pending effect.
async fn ask_for<P: Ports>(ports: &P, org: OrgId, effects: Vec<EffectId>) {
    for effect in effects {
        if let Err(error) = send_now(ports, Message::Effect { org, effect }).await {
            tracing::warn!(org_id = %org, error_kind = error.kind(), why = %error, "a voucher waits for the next sweep");
        }
    }
}

async fn make_once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    request: &Request,
    shown: Option<Hash>,
) -> Result<(VoucherNumber, Vec<EffectId>), AppError> {
    if !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Err(AppError::Reject(
            "the first load is not done yet: make the voucher when the health page says that the history is whole".to_owned(),
        ));
    }
    let known = Known::of(writer, request).await?;
    let draft = draft(writer, request, &known)?;
    if shown.is_some_and(|shown| contents(&draft).is_ok_and(|now| now != shown)) {
        return Err(AppError::Reject(
            "its bills changed since it was shown: look at it again as it would be now".to_owned(),
        ));
    }
    let today = writer.clock().day_of(writer.now());
    let number = next_number(writer, today).await?;
    let mut writes = spend(writer, known, &draft.charges, false).await?;
    let mut voucher = Voucher {
        number,
        draft,
        made_by: who.to_owned(),
        made_at: writer.now(),
        stage: Stage::Booking,
        done: 0,
        taken_back: None,
        journal: None,
        journal_back: None,
    };
    voucher.journal = journal(writer, &voucher, false).await?;
    let reason = Reason { who: who.to_owned(), ..Reason::own("make voucher") }
        .with("voucher", number)
        .with("total", voucher.total()?)
        .with("by", voucher.draft.basis.code())
        .with("on", voucher.draft.on)
        .with("receipts", voucher.draft.shares.len());
    let reason = voucher.draft.charges.iter().fold(reason, |reason, charge| {
        reason.with(&format!("of {}", charge.line), format!("{} {}", charge.number, charge.amount))
    });
    let effect = EffectKind::Voucher { number, back: false, again: 0 };
    writes.push(Versioned::new(voucher).write(Key::Voucher(number)));
    let effects = plan_effects(&mut writes, writer.org(), vec![effect], writer.now());
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    Ok((number, effects))
}

async fn take_back_once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    number: VoucherNumber,
    why: &str,
) -> Result<Vec<EffectId>, AppError> {
    let mut voucher = voucher(writer, number).await?;
    match voucher.content.stage {
        Stage::Booked => {}
        Stage::Booking => {
            return Err(AppError::Reject(format!(
                "voucher {number} is still being booked: try again in a minute"
            )));
        }
        Stage::TakingBack | Stage::TakenBack => {
            return Err(AppError::Reject(format!("voucher {number} was taken back already")));
        }
    }
    let charges = voucher.content.draft.charges.clone();
    let of: BTreeSet<DocumentRef> = charges.iter().map(|charge| charge.of).collect();
    let purchases = known::purchases(writer, &of).await?;
    let known = Known { purchases, received: BTreeMap::new() };
    let mut writes = spend(writer, known, &charges, true).await?;
    voucher.content.stage = Stage::TakingBack;
    voucher.content.done = 0;
    voucher.content.taken_back =
        Some(TakenBack { by: who.to_owned(), at: writer.now(), reason: why.to_owned() });
    // what was never written needs no journal against it
    if voucher.content.drop_unwritten_journal() {
        voucher.content.journal_back = journal(writer, &voucher.content, true).await?;
    }
    let reason = Reason { who: who.to_owned(), ..Reason::own("take voucher back") }
        .with("voucher", number)
        .with("reason", why);
    writes.push(voucher.write(Key::Voucher(number)));
    let effect = EffectKind::Voucher { number, back: true, again: 0 };
    let effects = plan_effects(&mut writes, writer.org(), vec![effect], writer.now());
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    Ok(effects)
}

async fn next_number<P: Ports>(writer: &Writer<'_, P>, today: Date) -> Result<VoucherNumber, AppError> {
    let of_today = vouchers(writer).await?.into_iter().map(|row| row.content.number);
    let last = of_today.filter(|number| number.on == today).map(|number| number.index).max().unwrap_or(0);
    let index = last.saturating_add(1);
    if index > VoucherNumber::INDEX_MAX {
        return Err(AppError::Reject(format!(
            "no more than {} vouchers are made on a day",
            VoucherNumber::INDEX_MAX
        )));
    }
    Ok(VoucherNumber { on: today, index })
}

/// The writes by which bills keep how much of their charges is spread.
async fn spend<P: Ports>(
    writer: &Writer<'_, P>,
    mut known: Known,
    charges: &[Spent],
    back: bool,
) -> Result<Vec<Write>, AppError> {
    let mut writes = Vec::new();
    for spent in charges {
        let Some(row) = known.purchases.get_mut(&spent.of) else { continue };
        let Some(charge) = row.content.charges.iter_mut().find(|charge| charge.line == spent.line) else {
            continue;
        };
        charge.spread = if back {
            charge.spread.minus(spent.amount)?.max(Money::ZERO)
        } else {
            charge.spread.plus(spent.amount)?
        };
    }
    let mut changed = BTreeMap::new();
    let touched: BTreeSet<DocumentRef> = charges.iter().map(|charge| charge.of).collect();
    for row in known.purchases.into_values().filter(|row| touched.contains(&row.content.of)) {
        let of = row.content.of;
        changed.insert(of, Some(row.content.clone()));
        writes.push(overspent_question(writer, of, Some(&row.content)));
        let key = Key::Purchase(row.content.on, of);
        let is_gone = |purchase: &Purchase| !purchase.has_goods && purchase.charges.is_empty();
        let mut row = row;
        row.content.charges.retain(|charge| !(charge.net.is_zero() && charge.spread.is_zero()));
        writes.push(match is_gone(&row.content) {
            true => Write { key, record: None, expect: row.expect },
            false => row.write(key),
        });
    }
    writes.push(freight_question(writer, &changed).await?);
    Ok(writes)
}

/// The journal of a voucher, or against it, where cost of goods sold is journaled.
async fn journal<P: Ports>(
    writer: &Writer<'_, P>,
    voucher: &Voucher,
    back: bool,
) -> Result<Option<VoucherJournal>, AppError> {
    let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
    let policy = policy.map(|row| row.content).unwrap_or_default().org();
    let profile = &writer.profile.content;
    let today = writer.clock().day_of(writer.now());
    let (Some(settings), Some(from)) = (policy.cogs, profile.cogs_from.filter(|from| *from <= today)) else {
        return Ok(None);
    };
    let closed = profile.organisation.locked_through().max(profile.closed_through);
    let open_from = closed.and_then(|closed| closed.tomorrow().ok()).map_or(from, |open| open.max(from));
    let mut journal = voucher.journal_of(&settings, open_from, back)?;
    if let Some(journal) = journal.as_mut().filter(|_| policy.phase >= Phase::Assist) {
        journal.fate = VoucherJournalFate::Planned;
    }
    Ok(journal)
}

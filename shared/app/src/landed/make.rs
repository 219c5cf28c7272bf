//! A person makes a voucher or takes one back: decided in one commit, carried out by an effect.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::audit::Hash;
use parstock_domain::document::DocumentRef;
use parstock_domain::ids::{EffectId, OrgId};
use parstock_domain::landed::{Purchase, Request, Spent, Stage, TakenBack, Voucher, VoucherNumber};

use super::book::left_out_key;
use super::books::Books;
use super::journal::question_key;
use super::known::{self, Known};
use super::preview::{contents, draft};
use super::purchases::{freight_question, overspent_question};
use super::revalue;
use super::{voucher, vouchers};
use crate::effects::{effect_id, plan_effects};
use crate::error::AppError;
use crate::load::{Versioned, removal};
use crate::ports::{Ports, Write};
use crate::records::{Backfill, EffectKind, Key};
use crate::send::try_effects;
use crate::tries::Tries;
use crate::writer::{Reason, Writer};

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
    let mut tries = Tries::begin(ports);
    let (number, effects) = loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        // the try before may have got through
        if let Some(began) = tries.began_before()
            && let Some(made) = made_since(&writer, who, request, began).await?
        {
            break made;
        }
        match make_once(&mut writer, who, request, shown).await {
            Ok(done) => break done,
            Err(error) => tries.next(error)?,
        }
    };
    try_effects(ports, org, effects).await;
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
    let mut tries = Tries::begin(ports);
    let effect = loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        match take_back_once(&mut writer, who, number, &reason).await {
            Ok(done) => break done,
            Err(error) => tries.next(error)?,
        }
    };
    try_effects(ports, org, effect).await;
    Ok(())
}

/// Asks no more whether a bill is freight of goods.
///
/// # Errors
/// [`AppError::Reject`] when it is not there.
pub async fn leave<P: Ports>(ports: &P, org: OrgId, who: &str, of: DocumentRef) -> Result<(), AppError> {
    let mut tries = Tries::begin(ports);
    loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        match leave_once(&mut writer, who, of).await {
            Ok(()) => return Ok(()),
            Err(error) => tries.next(error)?,
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
    let (question, _) = freight_question(writer, &changed).await?;
    let reason = Reason { who: who.to_owned(), ..Reason::own("leave freight") }
        .with("number", &purchase.content.number)
        .with("id", of.id);
    let key = Key::Purchase(purchase.content.on, of);
    let id = writer.new_commit();
    writer.commit(id, vec![purchase.write(key), question], reason).await
}

/// The voucher that a try of this decision has made.
async fn made_since<P: Ports>(
    writer: &Writer<'_, P>,
    who: &str,
    request: &Request,
    began: Timestamp,
) -> Result<Option<(VoucherNumber, Vec<EffectId>)>, AppError> {
    let made = vouchers(writer, began).await?.into_iter().map(|row| row.content).find(|voucher| {
        let draft = &voucher.draft;
        let spent = draft.charges.iter().zip(&request.charges).all(|(made, asked)| {
            (made.of, made.line) == (asked.of, asked.line) && asked.amount.is_none_or(|it| it == made.amount)
        });
        let landed = draft.shares.iter().all(|share| {
            request.receipts.iter().any(|asked| (asked.of, asked.line) == (share.of, share.line))
        });
        let is_same = draft.basis == request.basis && draft.charges.len() == request.charges.len();
        voucher.made_by == who && voucher.made_at >= began && is_same && spent && landed
    });
    Ok(made.map(|voucher| {
        let effect = own_effect(&voucher, false);
        (voucher.number, vec![effect_id(writer.org(), &effect)])
    }))
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
    if let Some(shown) = shown
        && contents(&draft)? != shown
    {
        return Err(AppError::Reject(
            "its bills changed since it was shown: look at it again as it would be now".to_owned(),
        ));
    }
    let today = writer.clock().day_of(writer.now());
    let number = next_number(writer, today).await?;
    let books = Books::of(writer).await?;
    books.check(&known, &draft)?;
    let mut writes = spend(writer, known.purchases, &draft.charges, false).await?;
    let mut voucher = Voucher {
        number,
        draft,
        made_by: who.to_owned(),
        made_at: writer.now(),
        stage: Stage::Booking,
        done: 0,
        left_out: Vec::new(),
        taken_back: None,
        journal: None,
        journal_back: None,
        revaluation: None,
        revaluation_back: None,
    };
    if voucher.draft.shares.iter().any(|share| share.tracked) {
        writes.extend(revalue::propose(writer, &books, &mut voucher).await?);
    } else {
        voucher.journal = books.journal(&voucher)?;
    }
    let reason = Reason { who: who.to_owned(), ..Reason::own("make voucher") }
        .with("voucher", number)
        .with("total", voucher.total()?)
        .with("by", voucher.draft.basis.code())
        .with("on", voucher.draft.on)
        .with("receipts", voucher.draft.shares.len());
    let reason = voucher.draft.charges.iter().fold(reason, |reason, charge| {
        reason.with(&format!("of {}", charge.line), format!("{} {}", charge.number, charge.amount))
    });
    let reason = match &voucher.revaluation {
        Some(made) => reason.with("on_tracked_stock", made.on_pool()?).with("tracked_sold", made.sold()?),
        None => reason,
    };
    let effect = own_effect(&voucher, false);
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
        Stage::Booked if voucher.content.waits_to_be_taken_back() => {
            return Err(AppError::Reject(format!(
                "voucher {number} is being taken back: approve or reject its revaluation on the page Adjustments"
            )));
        }
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
    let books = Books::of(writer).await?;
    voucher.content.taken_back =
        Some(TakenBack { by: who.to_owned(), at: writer.now(), reason: why.to_owned() });
    let mut writes = revalue::take_back(writer, &books, &mut voucher.content, who).await?;
    let mut effects = Vec::new();
    // what it put on stock that Xero tracks comes off first, so that all of it stands if a person rejects that
    if !voucher.content.waits_to_be_taken_back() {
        let (more, effect) = begin_taking_back(writer, &books, &mut voucher.content).await?;
        writes.extend(more);
        effects.push(effect);
    }
    let reason = Reason { who: who.to_owned(), ..Reason::own("take voucher back") }
        .with("voucher", number)
        .with("reason", why);
    writes.push(voucher.write(Key::Voucher(number)));
    let effects = plan_effects(&mut writes, writer.org(), effects, writer.now());
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    Ok(effects)
}

/// Begins to take a voucher back of which nothing is on stock that Xero tracks: its charges are free again, its journal is decided, and
/// its effect takes its shares back. Answers what else is to be written.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn begin_taking_back<P: Ports>(
    writer: &Writer<'_, P>,
    books: &Books,
    voucher: &mut Voucher,
) -> Result<(Vec<Write>, EffectKind), AppError> {
    let charges = &voucher.draft.charges;
    let of: BTreeSet<DocumentRef> = charges.iter().map(|charge| charge.of).collect();
    let mut writes = spend(writer, known::purchases(writer, &of).await?, charges, true).await?;
    books.take_back(voucher)?;
    voucher.stage = Stage::TakingBack;
    voucher.done = 0;
    // what was asked of its journal is answered by that
    writes.push(removal(question_key(voucher.number)));
    writes.push(removal(left_out_key(voucher.number)));
    Ok((writes, own_effect(voucher, true)))
}

/// The effect that books a voucher's shares, or takes them back, and writes its journal if that is decided with it.
fn own_effect(voucher: &Voucher, back: bool) -> EffectKind {
    let again = voucher.journal(back).map_or(0, |journal| journal.again);
    EffectKind::Voucher { number: voucher.number, back, again }
}

async fn next_number<P: Ports>(writer: &Writer<'_, P>, today: Date) -> Result<VoucherNumber, AppError> {
    let of_today = vouchers(writer, writer.now()).await?.into_iter().map(|row| row.content.number);
    let last = of_today.filter(|number| number.on == today).map(|number| number.index).max().unwrap_or(0);
    Ok(VoucherNumber::after(today, last)?)
}

/// The writes by which bills keep how much of their charges is spread.
async fn spend<P: Ports>(
    writer: &Writer<'_, P>,
    purchases: BTreeMap<DocumentRef, Versioned<Purchase>>,
    charges: &[Spent],
    back: bool,
) -> Result<Vec<Write>, AppError> {
    let (mut writes, mut changed) = (Vec::new(), BTreeMap::new());
    for (of, mut row) in purchases {
        let mut is_touched = false;
        for spent in charges.iter().filter(|spent| spent.of == of) {
            let Some(charge) = row.content.charges.iter_mut().find(|charge| charge.line == spent.line) else {
                continue;
            };
            charge.spend(if back { spent.amount.negated()? } else { spent.amount })?;
            is_touched = true;
        }
        if !is_touched {
            continue;
        }
        row.content.charges.retain(|charge| !(charge.net.is_zero() && charge.spread.is_zero()));
        writes.push(overspent_question(writer, of, Some(&row.content)).await?);
        changed.insert(of, Some(row.content.clone()));
        let key = Key::Purchase(row.content.on, of);
        let is_gone = !row.content.brings_any() && row.content.charges.is_empty();
        writes.push(match is_gone {
            true => Write { key, record: None, expect: row.expect },
            false => row.write(key),
        });
    }
    writes.push(freight_question(writer, &changed).await?.0);
    Ok(writes)
}

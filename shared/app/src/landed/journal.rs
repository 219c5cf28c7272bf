//! A voucher's journal in Xero: when it is written, and what becomes of it.

use std::collections::BTreeSet;

use parstock_domain::cogs::CogsSettings;
use parstock_domain::governance::Phase;
use parstock_domain::ids::{DocumentId, EffectId, derived};
use parstock_domain::landed::{Stage, Voucher, VoucherJournalFate as Fate, VoucherNumber};
use parstock_domain::manual_journal::{JournalInXero, JournalState, ManualJournal, StateInXero};
use parstock_domain::settings::Policy;

use super::{voucher, vouchers};
use crate::effects::{effect_id, plan_effects};
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::ports::{Ports, Write};
use crate::records::{EffectKind, Key, List, Mark, Review, ReviewKind};
use crate::writer::{Reason, Writer};

/// A voucher's journal as it is to be written, and why it must not be; `None` when nothing is to be written now.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn planned<P: Ports>(
    writer: &Writer<'_, P>,
    number: VoucherNumber,
    back: bool,
) -> Result<Option<(ManualJournal, Option<String>)>, AppError> {
    let voucher = voucher(writer, number).await?.content;
    let is_planned = voucher.journal(back).is_some_and(|journal| journal.fate == Fate::Planned);
    let Some(journal) = voucher.manual_journal(back).filter(|_| is_planned) else { return Ok(None) };
    let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
    let policy = policy.map(|row| row.content).unwrap_or_default().org();
    let why_not = if policy.phase < Phase::Assist {
        Some("the phase is observe now, which writes nothing to Xero".to_owned())
    } else if !policy.cogs.as_ref().is_some_and(|cogs| is_on(&journal, cogs)) {
        Some("the setting `cogs` names another stock account now or none".to_owned())
    } else {
        None
    };
    Ok(Some((journal, why_not)))
}

fn is_on(journal: &ManualJournal, settings: &CogsSettings) -> bool {
    journal.lines.first().is_some_and(|line| line.account == settings.stock_account)
}

/// The writes of a voucher's journal that is in Xero.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn written<P: Ports>(
    writer: &Writer<'_, P>,
    number: VoucherNumber,
    back: bool,
    id: DocumentId,
) -> Result<Vec<Write>, AppError> {
    let mut voucher = voucher(writer, number).await?;
    let Some(journal) = voucher.content.journal_mut(back).filter(|journal| journal.fate == Fate::Planned)
    else {
        return Ok(Vec::new());
    };
    journal.fate = match journal.state {
        JournalState::Draft => Fate::Draft { id },
        JournalState::Posted => Fate::Posted { id },
    };
    Ok(vec![voucher.write(Key::Voucher(number)), removal(question_key(number))])
}

/// The writes of a voucher's journal that came to nothing: the next day's decision tries again, and people are told why.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn failed<P: Ports>(
    writer: &Writer<'_, P>,
    number: VoucherNumber,
    back: bool,
    why: &str,
) -> Result<Vec<Write>, AppError> {
    let mut voucher = voucher(writer, number).await?;
    let Some(journal) = voucher.content.journal_mut(back).filter(|journal| journal.fate == Fate::Planned)
    else {
        return Ok(Vec::new());
    };
    journal.fate = Fate::Due { why_not: Some(why.to_owned()) };
    let text = format!(
        "The journal of landed cost voucher {number} is not in Xero: {why}. It is tried again every morning."
    );
    Ok(vec![voucher.write(Key::Voucher(number)), question(writer, number, text)])
}

fn question_key(number: VoucherNumber) -> Key {
    Key::Review(derived("review", &[ReviewKind::VoucherJournal.code(), &number.to_string()]))
}

fn question<P: Ports>(writer: &Writer<'_, P>, number: VoucherNumber, text: String) -> Write {
    let (kind, since, codes) = (ReviewKind::VoucherJournal, writer.now(), BTreeSet::new());
    unguarded(question_key(number), Review { kind, since, item: None, document: None, text, codes })
}

/// Takes note of what became of vouchers' journals in Xero. `whole` says that all journals which changed are among `changed`.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn learn<P: Ports>(
    writer: &mut Writer<'_, P>,
    changed: &[JournalInXero],
    whole: bool,
) -> Result<(), AppError> {
    let pending = load::all::<Mark>(writer.ports().store(), writer.org(), &List::PendingEffects).await?;
    let pending: BTreeSet<Key> = pending.into_iter().map(|(key, _)| key).collect();
    for mut voucher in vouchers(writer).await? {
        let before = voucher.content.clone();
        let number = before.number;
        let mut writes = Vec::new();
        for back in [false, true] {
            for there in changed {
                writes.extend(match take_note(&mut voucher.content, back, there) {
                    Noted::NotOurs => None,
                    Noted::Well => Some(removal(question_key(number))),
                    Noted::Otherwise(text) => Some(question(writer, number, text)),
                });
            }
            let effect = effect(&voucher.content, back);
            let is_tried = effect
                .is_some_and(|what| pending.contains(&Key::PendingEffect(effect_id(writer.org(), &what))));
            if let Some(journal) = voucher.content.journal_mut(back).filter(|it| it.fate == Fate::Planned)
                && whole
                && !is_tried
            {
                journal.fate = Fate::Due { why_not: Some("it never came to Xero".to_owned()) };
            }
        }
        if voucher.content == before && writes.is_empty() {
            continue;
        }
        // one question for both journals: what is to be done first is asked first
        let asks = |write: &Write| write.record.is_some();
        let asked = writes.iter().position(asks).unwrap_or(0);
        let mut writes: Vec<Write> =
            if writes.is_empty() { Vec::new() } else { vec![writes.swap_remove(asked)] };
        writes.push(voucher.write(Key::Voucher(number)));
        let id = writer.new_commit();
        writer.commit(id, writes, Reason::own("read journal of voucher").with("voucher", number)).await?;
    }
    Ok(())
}

/// What a journal in Xero is to a voucher.
enum Noted {
    /// Of something else.
    NotOurs,
    /// As it should be.
    Well,
    /// Otherwise: what a person has to know.
    Otherwise(String),
}

/// Takes note of a journal that Xero holds, if it is the voucher's.
fn take_note(voucher: &mut Voucher, back: bool, there: &JournalInXero) -> Noted {
    let (mark, number) = (voucher.mark(back), voucher.number);
    let stands = matches!(voucher.stage, Stage::Booking | Stage::Booked);
    let Some(journal) = voucher.journal_mut(back) else { return Noted::NotOurs };
    let is_same = match journal.fate {
        Fate::Draft { id } | Fate::Posted { id } | Fate::Gone { id } => id == there.id,
        Fate::Due { .. } | Fate::Planned => there.narration.ends_with(&mark),
    };
    if !is_same {
        return Noted::NotOurs;
    }
    let id = there.id;
    journal.fate = match there.state {
        StateInXero::Draft => Fate::Draft { id },
        StateInXero::Posted => Fate::Posted { id },
        StateInXero::Gone => Fate::Gone { id },
    };
    if there.state == StateInXero::Gone {
        return if stands {
            Noted::Otherwise(format!(
                "The journal of landed cost voucher {number} was deleted or voided in Xero, so the stock account lacks what the ledger holds: take the voucher back on the page Landed cost, or enter the journal in Xero again."
            ))
        } else {
            Noted::Well
        };
    }
    let Some(wanted) = journal.lines.first() else { return Noted::Well };
    let found = there.amounts.get(&wanted.account).copied().unwrap_or_default();
    if found == wanted.amount {
        return Noted::Well;
    }
    Noted::Otherwise(format!(
        "The journal of landed cost voucher {number} was changed in Xero: it puts {found} on account {}, and the ledger holds {}. Change it back, or take the voucher back on the page Landed cost and make it anew.",
        wanted.account, wanted.amount
    ))
}

/// The effect that writes one of a voucher's journals.
fn effect(voucher: &Voucher, back: bool) -> Option<EffectKind> {
    let again = voucher.journal(back)?.again;
    Some(EffectKind::Voucher { number: voucher.number, back, again })
}

/// Decides to write the journals that could not be written before.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn decide_due<P: Ports>(
    writer: &mut Writer<'_, P>,
    settings: &CogsSettings,
) -> Result<Vec<EffectId>, AppError> {
    let mut all = Vec::new();
    for voucher in vouchers(writer).await? {
        let Versioned { content: mut voucher, expect } = voucher;
        let mut effects = Vec::new();
        for back in [false, true] {
            let is_on = voucher.manual_journal(back).is_some_and(|journal| is_on(&journal, settings));
            let Some(journal) = voucher.journal_mut(back) else { continue };
            if is_on && matches!(journal.fate, Fate::Due { .. }) {
                journal.fate = Fate::Planned;
                journal.again = journal.again.saturating_add(1);
                effects.extend(effect(&voucher, back));
            }
        }
        if effects.is_empty() {
            continue;
        }
        let number = voucher.number;
        let mut writes = vec![Versioned { content: voucher, expect }.write(Key::Voucher(number))];
        all.extend(plan_effects(&mut writes, writer.org(), effects, writer.now()));
        let id = writer.new_commit();
        writer.commit(id, writes, Reason::own("decide journal of voucher").with("voucher", number)).await?;
    }
    Ok(all)
}

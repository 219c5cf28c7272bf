//! A voucher's journals in Xero: when they are written, and what becomes of them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use parstock_domain::fixed::Money;
use parstock_domain::ids::{DocumentId, EffectId, derived};
use parstock_domain::landed::{Stage, Voucher, VoucherJournal, VoucherJournalFate as Fate, VoucherNumber};
use parstock_domain::manual_journal::{JournalInXero, ManualJournal, ManualJournalLine, StateInXero};

use super::books::Books;
use super::purchases::asked;
use super::{LOOKED_BACK, voucher, vouchers};
use crate::effects::{effect_id, plan_effects};
use crate::error::AppError;
use crate::load::{self, Versioned, removal};
use crate::ports::{Ports, Write};
use crate::records::{EffectKind, Key, List, Mark, ReviewKind};
use crate::writer::{Reason, Writer};

/// One of a voucher's journals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Which {
    /// The voucher.
    pub number: VoucherNumber,
    /// Whether it takes the voucher back.
    pub back: bool,
    /// How often it was decided anew.
    pub again: u32,
}

/// What is to be done about a journal now.
pub(crate) enum Planned {
    /// Nothing: it is in Xero, was given up, or is not to be there.
    Nothing,
    /// It waits for another one.
    Waits(String),
    /// It is to be written.
    Write {
        /// The journal.
        journal: ManualJournal,
        /// Why it must not be written any more, if so.
        why_not: Option<String>,
        /// From when on it is looked for before it is written, if an earlier decision's may be there.
        since: Option<Timestamp>,
    },
}

/// What is to be done about a voucher's journal now.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn planned<P: Ports>(writer: &Writer<'_, P>, which: Which) -> Result<Planned, AppError> {
    let voucher = voucher(writer, which.number).await?.content;
    match voucher.journal(false).map(|own| &own.fate).filter(|_| which.back) {
        // alone, the one against it would be wrong
        Some(Fate::Planned) => return Ok(Planned::Waits("the voucher's own journal comes first".to_owned())),
        Some(Fate::Due { .. }) => return Ok(Planned::Nothing),
        _ => {}
    }
    let Some(journal) = voucher.journal(which.back).filter(|journal| is_planned(journal, which)) else {
        return Ok(Planned::Nothing);
    };
    let Some(manual) = voucher.manual_journal(which.back) else { return Ok(Planned::Nothing) };
    let why_not = Books::of(writer).await?.why_not(&voucher, journal, which.back);
    // an earlier decision's may have come to Xero after all
    let since = (which.again > 0).then_some(voucher.made_at);
    Ok(Planned::Write { journal: manual, why_not, since })
}

fn is_planned(journal: &VoucherJournal, which: Which) -> bool {
    journal.fate == Fate::Planned && journal.again == which.again
}

/// The writes of a voucher's journal that is in Xero.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn written<P: Ports>(
    writer: &Writer<'_, P>,
    which: Which,
    id: DocumentId,
) -> Result<Vec<Write>, AppError> {
    let number = which.number;
    let mut voucher = voucher(writer, number).await?;
    let Some(journal) = voucher.content.journal_mut(which.back).filter(|it| is_planned(it, which)) else {
        return Ok(Vec::new());
    };
    journal.fate = Fate::Draft { id };
    Ok(vec![voucher.write(Key::Voucher(number)), removal(question_key(number))])
}

/// The writes of a voucher's journal that came to nothing: the next day's decision tries again, and people are told why.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn failed<P: Ports>(
    writer: &Writer<'_, P>,
    which: Which,
    why: &str,
) -> Result<Vec<Write>, AppError> {
    let number = which.number;
    let mut voucher = voucher(writer, number).await?;
    let Some(journal) = voucher.content.journal_mut(which.back).filter(|it| is_planned(it, which)) else {
        return Ok(Vec::new());
    };
    journal.fate = Fate::Due { why_not: Some(why.to_owned()) };
    let text = format!(
        "The journal of landed cost voucher {number} is not in Xero: {why}. While parstock may write it is tried again every morning."
    );
    let question = question(writer, number, text).await?;
    Ok(vec![voucher.write(Key::Voucher(number)), question])
}

/// The key of what is asked of a voucher's journals.
pub(super) fn question_key(number: VoucherNumber) -> Key {
    Key::Review(derived("review", &[ReviewKind::VoucherJournal.code(), &number.to_string()]))
}

/// The question about a voucher's journals.
pub(super) async fn question<P: Ports>(
    writer: &Writer<'_, P>,
    number: VoucherNumber,
    text: String,
) -> Result<Write, AppError> {
    asked(writer, question_key(number), ReviewKind::VoucherJournal, None, text).await
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
    let from = writer.now().saturating_sub(LOOKED_BACK).unwrap_or(Timestamp::MIN);
    for mut row in vouchers(writer, from).await? {
        let (before, mut is_seen, mut edited) = (row.content.clone(), false, None);
        for back in [false, true] {
            for there in changed {
                if let Some(amount) = take_note(&mut row.content, back, there) {
                    is_seen = true;
                    edited = edited.or(amount);
                }
            }
            let effect = effect(&row.content, back);
            let is_tried = effect
                .is_some_and(|what| pending.contains(&Key::PendingEffect(effect_id(writer.org(), &what))));
            if let Some(journal) = row.content.journal_mut(back).filter(|it| it.fate == Fate::Planned)
                && whole
                && !is_tried
            {
                journal.fate = Fate::Due { why_not: Some("it never came to Xero".to_owned()) };
            }
        }
        if row.content == before && !is_seen {
            continue;
        }
        let number = before.number;
        let mut writes: Vec<Write> = Vec::new();
        if is_seen {
            writes.push(match edited.or_else(|| wrong(&row.content)) {
                Some(text) => question(writer, number, text).await?,
                None => removal(question_key(number)),
            });
        }
        writes.push(row.write(Key::Voucher(number)));
        let id = writer.new_commit();
        writer.commit(id, writes, Reason::own("read journal of voucher").with("voucher", number)).await?;
    }
    Ok(())
}

/// Takes note of a journal that Xero holds. Answers whether it is the voucher's, and with which words if a person has changed its
/// amount there.
fn take_note(voucher: &mut Voucher, back: bool, there: &JournalInXero) -> Option<Option<String>> {
    let (mark, number) = (voucher.mark(back), voucher.number);
    let journal = voucher.journal_mut(back)?;
    let (id, is_gone) = (there.id, there.state == StateInXero::Gone);
    let is_marked = there.narration.ends_with(&mark);
    if journal.id().is_some_and(|known| known != id) && is_marked && journal.stands() {
        // a copy beside the one that stands: it counts once that is gone
        let copy = (id, there.state == StateInXero::Posted);
        journal.copy = (!is_gone).then_some(copy).or(journal.copy.filter(|(copy, _)| *copy != id));
        return None;
    }
    let is_same = journal.id() == Some(id) || is_marked && !is_gone;
    if !is_same {
        return None;
    }
    journal.fate = match (there.state, journal.copy.take()) {
        (StateInXero::Draft, copy) => {
            journal.copy = copy;
            Fate::Draft { id }
        }
        (StateInXero::Posted, copy) => {
            journal.copy = copy;
            Fate::Posted { id }
        }
        (StateInXero::Gone, Some((id, true))) => Fate::Posted { id },
        (StateInXero::Gone, Some((id, false))) => Fate::Draft { id },
        (StateInXero::Gone, None) => Fate::Gone { id },
    };
    let is_first = |amount: Money| {
        journal.lines.first().is_some_and(|it| it.amount.is_negative() == amount.is_negative())
    };
    let found = |account: &str| there.amounts.get(account).copied().unwrap_or_default();
    let is_edited = |line: &&ManualJournalLine| is_first(line.amount) && found(&line.account) != line.amount;
    let edited = journal.lines.iter().find(is_edited).filter(|_| !is_gone);
    Some(edited.map(|wanted| {
        let found = found(&wanted.account);
        format!(
            "A journal of landed cost voucher {number} was changed in Xero: it puts {found} on account {}, and the ledger holds {}. Change it back, or take the voucher back on the page Landed cost and make it anew.",
            wanted.account, wanted.amount
        )
    }))
}

/// What a person has to do about a voucher whose journals don't stand in Xero as the ledger has it.
fn wrong(voucher: &Voucher) -> Option<String> {
    let number = voucher.number;
    let is_gone = |back| voucher.journal(back).is_some_and(|it| matches!(it.fate, Fate::Gone { .. }));
    let stands = |back| voucher.journal(back).is_some_and(VoucherJournal::stands);
    let is_back = matches!(voucher.stage, Stage::TakingBack | Stage::TakenBack);
    let gone = match (is_gone(false), is_gone(true)) {
        (true, _) if !is_back || stands(true) => {
            format!("The journal of landed cost voucher {number} was deleted or voided in Xero")
        }
        (_, true) if is_back && (stands(false) || voucher.revaluation.is_some()) => {
            format!("The journal that takes landed cost voucher {number} back was deleted or voided in Xero")
        }
        _ => return None,
    };
    // what a revaluation left on the account of adjustments takes both journals, or the one that holds both
    Some(match (&voucher.revaluation, is_back, is_gone(false)) {
        (Some(made), true, _) => format!(
            "{gone}, so account {} does not come to nothing: copy the journal with its narration.",
            made.accounts.adjustment
        ),
        (Some(made), false, _) => format!(
            "{gone}, so account {} does not come to nothing: copy the journal with its narration, or take the voucher back on the page Landed cost.",
            made.accounts.adjustment
        ),
        (None, false, _) => format!(
            "{gone}, so the stock account lacks what the ledger holds: take the voucher back on the page Landed cost, or copy the journal with its narration."
        ),
        (None, true, true) => {
            format!("{gone} after the voucher was taken back: delete the journal that takes it back, too.")
        }
        (None, true, false) => format!(
            "{gone}: delete the voucher's own journal, too, or copy the one against it with its narration."
        ),
    })
}

/// The effect that writes one of a voucher's journals.
pub(super) fn effect(voucher: &Voucher, back: bool) -> Option<EffectKind> {
    let again = voucher.journal(back)?.again;
    Some(EffectKind::Voucher { number: voucher.number, back, again })
}

/// Decides to write the journals that could not be written before.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn decide_due<P: Ports>(writer: &mut Writer<'_, P>) -> Result<Vec<EffectId>, AppError> {
    let (books, mut all) = (Books::of(writer).await?, Vec::new());
    let from = writer.now().saturating_sub(LOOKED_BACK).unwrap_or(Timestamp::MIN);
    for Versioned { content, expect } in vouchers(writer, from).await? {
        let Some(next) = books.decided_anew(&content)? else { continue };
        let is_new = |back: &bool| {
            let planned =
                |voucher: &Voucher| voucher.journal(*back).is_some_and(|it| it.fate == Fate::Planned);
            planned(&next) && !planned(&content)
        };
        let effects =
            [false, true].into_iter().filter(is_new).filter_map(|back| effect(&next, back)).collect();
        let number = next.number;
        let mut writes = Vec::new();
        if next.journal.is_none() && next.journal_back.is_none() {
            writes.push(removal(question_key(number)));
        }
        writes.push(Versioned { content: next, expect }.write(Key::Voucher(number)));
        all.extend(plan_effects(&mut writes, writer.org(), effects, writer.now()));
        let id = writer.new_commit();
        writer.commit(id, writes, Reason::own("decide journal of voucher").with("voucher", number)).await?;
    }
    Ok(all)
}

/// How many drafts of vouchers wait in Xero to be posted, and what they come to.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn drafts<P: Ports>(writer: &Writer<'_, P>) -> Result<(usize, Money), AppError> {
    let from = writer.now().saturating_sub(LOOKED_BACK).unwrap_or(Timestamp::MIN);
    let (mut count, mut total) = (0, Money::ZERO);
    for row in vouchers(writer, from).await? {
        for journal in [&row.content.journal, &row.content.journal_back].into_iter().flatten() {
            if let Fate::Draft { .. } = &journal.fate {
                (count, total) = (count + 1, total.plus(journal.moves()?)?);
            }
        }
    }
    Ok((count, total))
}

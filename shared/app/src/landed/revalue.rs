//! The revaluation of a voucher's tracked items: proposed with the voucher, and what follows once it is settled or rejected.

use std::collections::BTreeMap;

use jiff::civil::Date;
use parstock_domain::adjustment::{Adjustment, AdjustmentNumber, Form, Stage, contents};
use parstock_domain::audit::Hash;
use parstock_domain::document::XeroQuantity;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{DayNumber, ItemId, LocationId};
use parstock_domain::landed::{
    Draft, Half, Part, Revaluation, RevaluationFate, Revalues, Voucher, VoucherJournalFate as Fate,
    VoucherNumber,
};
use parstock_domain::ledger::Position;
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::manual_journal::decimals;

use super::books::Books;
use super::journal::{effect, question};
use super::voucher;
use crate::adjustments::{self, adjustment, next_index};
use crate::error::AppError;
use crate::load::{self, removal};
use crate::ports::{Ports, Write};
use crate::records::{EffectKind, Key};
use crate::writer::Writer;

/// Decimals of the amounts of documents and journals in Xero.
pub(crate) fn places<P: Ports>(writer: &Writer<'_, P>) -> u32 {
    decimals(&writer.profile.content.organisation.base_currency)
}

/// What a draft would put on stock that Xero tracks, by what Xero last said.
///
/// # Errors
/// [`AppError::Reject`] while Xero has not said what it holds; else when the store does not answer.
pub(super) async fn parts<P: Ports>(writer: &Writer<'_, P>, draft: &Draft) -> Result<Vec<Part>, AppError> {
    let tracked = draft.tracked()?;
    let named: Vec<(ItemId, &str)> = tracked.iter().map(|(item, (code, ..))| (*item, *code)).collect();
    let there = there(writer, &named).await?;
    let parts = tracked.into_iter().zip(there).map(|((item, (code, amount, received)), there)| {
        Part::of((item, code.to_owned()), (amount, received), there, places(writer))
    });
    Ok(parts.collect::<Result<_, _>>()?)
}

/// What would take back what a voucher put on stock that Xero tracks.
async fn parts_back<P: Ports>(writer: &Writer<'_, P>, made: &[Part]) -> Result<Vec<Part>, AppError> {
    let named: Vec<(ItemId, &str)> = made.iter().map(|part| (part.item, part.code.as_str())).collect();
    let there = there(writer, &named).await?;
    let parts = made.iter().zip(there).map(|(part, there)| part.back(there, places(writer)));
    Ok(parts.collect::<Result<_, _>>()?)
}

/// What Xero last said of items, in their order.
async fn there<P: Ports>(
    writer: &Writer<'_, P>,
    items: &[(ItemId, &str)],
) -> Result<Vec<XeroQuantity>, AppError> {
    let keys: Vec<Key> = items.iter().map(|(item, _)| Key::Position(*item, LocationId::main())).collect();
    let positions = load::many::<Position>(writer.ports().store(), writer.owner(), &keys).await?;
    let said = positions.into_iter().zip(items).map(|(position, (_, code))| {
        let position = position.map(|row| row.content).unwrap_or_default();
        // what came in since Xero was asked is there, whatever it said then
        let is_said = |said: &Snapshot| said.xero.on_hand > Quantity::ZERO || said.booked == position.booked;
        position.snapshot.filter(is_said).map(|said| said.xero).ok_or_else(|| {
            AppError::Reject(format!(
                "Xero's quantity of `{code}` is not read yet: try again in a quarter of an hour"
            ))
        })
    });
    said.collect()
}

/// Proposes the revaluation of a voucher over tracked items, and decides its journal where nothing of them is left.
///
/// # Errors
/// [`AppError::Reject`] says what has to be set first; else when the store does not answer.
pub(super) async fn propose<P: Ports>(
    writer: &Writer<'_, P>,
    books: &Books,
    voucher: &mut Voucher,
) -> Result<Vec<Write>, AppError> {
    let (accounts, since) = books.accounts()?;
    check_contact(writer).await?;
    let parts = parts(writer, &voucher.draft).await?;
    let on = books.day(voucher, since);
    let mut made = Revaluation { adjustment: None, on, since, accounts, fate: RevaluationFate::Waits, parts };
    let writes = waiting(writer, (voucher.number, false), &voucher.made_by, &mut made).await?;
    voucher.revaluation = Some(made);
    voucher.journal = books.beside(voucher, false)?;
    Ok(writes)
}

/// Takes back the revaluation of a voucher that is taken back: one that waits is rejected, against one that was written another is
/// proposed.
///
/// # Errors
/// [`AppError::Reject`] while it is being written or only half of it is; else when the store does not answer.
pub(super) async fn take_back<P: Ports>(
    writer: &Writer<'_, P>,
    books: &Books,
    voucher: &mut Voucher,
    who: &str,
) -> Result<Vec<Write>, AppError> {
    let Some(made) = &mut voucher.revaluation else { return Ok(Vec::new()) };
    match made.fate {
        RevaluationFate::Rejected => return Ok(Vec::new()),
        RevaluationFate::Waits => {
            made.fate = RevaluationFate::Rejected;
            let Some(number) = made.adjustment else { return Ok(Vec::new()) };
            return reject(writer, number, who).await;
        }
        RevaluationFate::Settled => {}
    }
    // the journal against it then holds both
    voucher.journal.take_if(|journal| matches!(journal.fate, Fate::Due { .. }));
    let parts = parts_back(writer, &made.parts).await?;
    let mut back = Revaluation {
        adjustment: None,
        on: books.day_back(made.on),
        fate: RevaluationFate::Waits,
        parts,
        ..made.clone()
    };
    let writes = waiting(writer, (voucher.number, true), who, &mut back).await?;
    voucher.revaluation_back = Some(back);
    voucher.journal_back = books.beside(voucher, true)?;
    Ok(writes)
}

/// Rejects the first half of a revaluation whose voucher is taken back.
async fn reject<P: Ports>(
    writer: &Writer<'_, P>,
    number: AdjustmentNumber,
    who: &str,
) -> Result<Vec<Write>, AppError> {
    let mut row = adjustment(writer, number).await?;
    let open = match &row.content.stage {
        Stage::Waiting | Stage::Refused { is_uncertain: false, .. } => true,
        Stage::Refused { .. } | Stage::Booking | Stage::Booked | Stage::Rejected { .. } => false,
    };
    if !open {
        let other = row.content.revalues.as_ref().map(|it| it.other.to_string()).unwrap_or_default();
        return Err(AppError::Reject(format!(
            "its revaluation {number} is {}: have it and its second half {other} written or rejected first, on the page Adjustments",
            row.content.state_words()
        )));
    }
    let reason = "its voucher was taken back".to_owned();
    row.content.stage = Stage::Rejected { by: who.to_owned(), at: writer.now(), reason };
    Ok(vec![row.write(Key::Adjustment(number)), removal(adjustments::question_key(number))])
}

/// The first half of a revaluation, which waits for a person, and the question about it; nothing where nothing is left to revalue.
async fn waiting<P: Ports>(
    writer: &Writer<'_, P>,
    (voucher, back): (VoucherNumber, bool),
    who: &str,
    made: &mut Revaluation,
) -> Result<Vec<Write>, AppError> {
    if made.parts.iter().all(|part| part.units.is_zero()) {
        made.fate = RevaluationFate::Settled;
        return Ok(Vec::new());
    }
    let on = writer.clock().day_of(writer.now());
    let index = next_index(writer, on).await?;
    let number = |index| AdjustmentNumber(DayNumber { on, index });
    let (first, second) = (number(index), number(index.saturating_add(1)));
    if second.0.index > DayNumber::INDEX_MAX {
        let most = DayNumber::INDEX_MAX;
        return Err(AppError::Reject(format!("no more than {most} adjustments are made on a day")));
    }
    let revalues = Revalues {
        voucher,
        back,
        half: Half::First,
        other: second,
        account: made.accounts.adjustment.clone(),
        parts: made.parts.clone(),
    };
    let request = Hash::of(&serde_json::to_vec(&(voucher, back))?);
    let first = half(writer, &revalues, (first, made.on), (who, request))?;
    let on_pool = made.on_pool()?;
    let does = match back {
        false => format!(
            "would put {on_pool} on stock that Xero tracks, and {} becomes cost of goods sold",
            made.sold()?
        ),
        true => format!(
            "is taken back: {} would come off stock that Xero tracks, and the rest off the cost of goods sold",
            on_pool.negated()?
        ),
    };
    let text = format!(
        "Landed cost voucher {voucher} by {who} {does}. Revaluation {} does it in Xero by a bill and a credit note over nothing, by what lies there when it is written. Approve or reject it on the page Adjustments.",
        first.number
    );
    made.adjustment = Some(first.number);
    let question = adjustments::question(writer.now(), first.number, text);
    let row = load::Versioned::new(first);
    let key = Key::Adjustment(row.content.number);
    Ok(vec![row.write(key), question])
}

/// One half of a revaluation, which waits.
fn half<P: Ports>(
    writer: &Writer<'_, P>,
    revalues: &Revalues,
    (number, on): (AdjustmentNumber, Date),
    (who, request): (&str, Hash),
) -> Result<Adjustment, AppError> {
    let lines = revalues.lines(revalues.half)?;
    Ok(Adjustment {
        number,
        on,
        form: if revalues.half == Half::First { Form::Bill } else { Form::CreditNote },
        contents: contents(on, &lines)?,
        request,
        lines,
        made_by: who.to_owned(),
        made_at: writer.now(),
        stage: Stage::Waiting,
        approved: None,
        again: 0,
        done: 0,
        left_out: Vec::new(),
        before: Vec::new(),
        before_again: 0,
        document: None,
        has_begun: false,
        revalues: Some(revalues.clone()),
    })
}

/// The second half of a revaluation whose first half is in Xero. It is decided with that, and waits where something is not as it
/// should be.
///
/// # Errors
/// When a figure does not fit.
pub(crate) fn second<P: Ports>(
    writer: &Writer<'_, P>,
    first: &Adjustment,
    is_as_due: bool,
) -> Result<Option<Adjustment>, AppError> {
    let Some(revalues) = first.revalues.as_ref().filter(|it| it.half == Half::First) else { return Ok(None) };
    let second = Revalues { half: Half::Second, other: first.number, ..revalues.clone() };
    let second = half(writer, &second, (revalues.other, first.on), (&first.made_by, first.request))?;
    let stage = if is_as_due { Stage::Booking } else { Stage::Waiting };
    Ok(Some(Adjustment { stage, approved: first.approved.clone(), ..second }))
}

/// What follows once a revaluation is in Xero, or nothing was left to revalue: its voucher's journal.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn settled<P: Ports>(
    writer: &Writer<'_, P>,
    revalues: &Revalues,
) -> Result<(Vec<Write>, Vec<EffectKind>), AppError> {
    let (number, back) = (revalues.voucher, revalues.back);
    let mut row = voucher(writer, number).await?;
    let voucher = &mut row.content;
    let revaluation = if back { &mut voucher.revaluation_back } else { &mut voucher.revaluation };
    if let Some(revaluation) = revaluation {
        revaluation.fate = RevaluationFate::Settled;
        revaluation.parts.clone_from(&revalues.parts);
    }
    let journal = Books::of(writer).await?.beside(voucher, back)?;
    let is_planned = journal.as_ref().is_some_and(|journal| journal.fate == Fate::Planned);
    *(if back { &mut voucher.journal_back } else { &mut voucher.journal }) = journal;
    let effects = effect(voucher, back).filter(|_| is_planned).into_iter().collect();
    Ok((vec![row.write(Key::Voucher(number))], effects))
}

/// What follows when a person rejects a half of a revaluation.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn rejected<P: Ports>(
    writer: &Writer<'_, P>,
    revalues: &Revalues,
) -> Result<Vec<Write>, AppError> {
    let (number, other) = (revalues.voucher, revalues.other);
    let mut row = voucher(writer, number).await?;
    let voucher = &mut row.content;
    let revaluation = if revalues.back { &mut voucher.revaluation_back } else { &mut voucher.revaluation };
    if let Some(revaluation) = revaluation {
        revaluation.fate = RevaluationFate::Rejected;
    }
    let void = match revalues.half {
        Half::First => String::new(),
        Half::Second => format!("void the bill {other} in Xero, and "),
    };
    let text = match revalues.back {
        false => format!(
            "The revaluation of landed cost voucher {number} was rejected, so its tracked items don't take their part and it has no journal: {void}take it back on the page Landed cost."
        ),
        true => format!(
            "The revaluation that takes landed cost voucher {number} back was rejected, so what it put on tracked stock stays there and its journal stands: {void}agree with your accountant what becomes of them."
        ),
    };
    let question = question(writer, number, text).await?;
    Ok(vec![row.write(Key::Voucher(number)), question])
}

/// Refuses where the contact of adjustments is not in Xero yet.
pub(super) async fn check_contact<P: Ports>(writer: &Writer<'_, P>) -> Result<(), AppError> {
    match adjustments::contact(writer).await? {
        Some(_) => Ok(()),
        None => Err(AppError::Reject(adjustments::no_contact())),
    }
}

/// What of each share goes on the stock, and what becomes cost of goods sold, by the parts of its item; in the order of the shares,
/// nothing of those that Xero doesn't track.
pub(super) fn of_shares(draft: &Draft, parts: &[Part]) -> Result<BTreeMap<usize, (Money, Money)>, AppError> {
    let mut of_shares = BTreeMap::new();
    for part in parts {
        let shares =
            draft.shares.iter().enumerate().filter(|(_, share)| share.item == part.item && share.tracked);
        let (places, shares): (Vec<usize>, Vec<_>) = shares.unzip();
        let weights: Vec<i64> = shares.iter().map(|share| share.amount.e4()).collect();
        let on_pool = parstock_domain::landed::spread(part.on_pool, &weights, super::preview::DECIMALS)?;
        for ((place, share), on_pool) in places.into_iter().zip(shares).zip(on_pool) {
            of_shares.insert(place, (on_pool, share.amount.minus(on_pool)?));
        }
    }
    Ok(of_shares)
}

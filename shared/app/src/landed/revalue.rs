//! The revaluation of a voucher's tracked items: proposed with the voucher, and what follows once it is settled or rejected.

use std::collections::BTreeMap;

use jiff::civil::Date;
use parstock_domain::adjustment::{Adjustment, AdjustmentNumber, Form, Stage, contents};
use parstock_domain::audit::Hash;
use parstock_domain::document::{Document, DocumentStatus, XeroQuantity};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ItemId, LocationId};
use parstock_domain::landed::{
    Draft, Half, Part, Revaluation, RevaluationFate, Revalues, Voucher, VoucherJournalFate as Fate,
    VoucherNumber,
};
use parstock_domain::ledger::Position;
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::manual_journal::decimals;

use super::books::Books;
use super::journal::{effect, question, question_key};
use super::{make, voucher};
use crate::adjustments::{self, adjustment, next_two};
use crate::error::AppError;
use crate::load::{self, Versioned, removal};
use crate::ports::{Ports, Write};
use crate::records::{EffectKind, Key};
use crate::writer::Writer;

/// Decimals of the amounts of documents and journals in Xero.
pub(super) fn decimals_of<P: Ports>(writer: &Writer<'_, P>) -> u32 {
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
        Part::of((item, code.to_owned()), (amount, received), there, decimals_of(writer))
    });
    Ok(parts.collect::<Result<_, _>>()?)
}

/// What would take back what a voucher put on stock that Xero tracks.
async fn parts_back<P: Ports>(writer: &Writer<'_, P>, made: &[Part]) -> Result<Vec<Part>, AppError> {
    let named: Vec<(ItemId, &str)> = made.iter().map(|part| (part.item, part.code.as_str())).collect();
    let there = there(writer, &named).await?;
    let parts = made.iter().zip(there).map(|(part, there)| part.back(there, decimals_of(writer)));
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

/// Takes back the revaluation of a voucher that is taken back: one that waits is rejected, against one that is in Xero another is
/// proposed, for which the voucher waits.
///
/// # Errors
/// [`AppError::Reject`] while only half of it is in Xero; else when the store does not answer.
pub(super) async fn take_back<P: Ports>(
    writer: &Writer<'_, P>,
    books: &Books,
    voucher: &mut Voucher,
    who: &str,
) -> Result<Vec<Write>, AppError> {
    let Some(made) = &mut voucher.revaluation else { return Ok(Vec::new()) };
    match made.fate {
        RevaluationFate::Rejected => {
            check_nothing_left(writer, made).await?;
            return Ok(Vec::new());
        }
        RevaluationFate::Waits => {
            made.fate = RevaluationFate::Rejected;
            let Some(number) = made.adjustment else { return Ok(Vec::new()) };
            return reject(writer, number, who).await;
        }
        RevaluationFate::Settled => {}
    }
    let void = voided_pair(writer, made).await?;
    let parts = match void {
        Some(_) => made.parts.iter().map(Part::undone).collect::<Result<_, _>>()?,
        None => parts_back(writer, &made.parts).await?,
    };
    let mut back = Revaluation {
        adjustment: None,
        on: books.day_back(made.on),
        fate: RevaluationFate::Waits,
        parts,
        ..made.clone()
    };
    let mut writes = waiting(writer, (voucher.number, true), who, &mut back).await?;
    // what was asked of them is answered by that
    writes.extend(void.into_iter().flatten().map(|number| removal(adjustments::question_key(number))));
    voucher.revaluation_back = Some(back);
    Ok(writes)
}

/// Refuses while the bill of a revaluation whose credit note was rejected stands in Xero: nobody would be reminded of it any more.
async fn check_nothing_left<P: Ports>(writer: &Writer<'_, P>, made: &Revaluation) -> Result<(), AppError> {
    let Some(number) = made.adjustment else { return Ok(()) };
    let first = adjustment(writer, number).await?.content;
    if first.document.is_some() && !first.is_void {
        return Err(AppError::Reject(format!(
            "the bill {number} of its revaluation stands in Xero alone: void it there, and try again in a quarter of an hour"
        )));
    }
    Ok(())
}

/// The two documents of a revaluation, where somebody took both out of Xero.
///
/// # Errors
/// [`AppError::Reject`] where only one is out; else when the store does not answer.
async fn voided_pair<P: Ports>(
    writer: &Writer<'_, P>,
    made: &Revaluation,
) -> Result<Option<[AdjustmentNumber; 2]>, AppError> {
    let Some(number) = made.adjustment else { return Ok(None) };
    let first = adjustment(writer, number).await?.content;
    let Some(revalues) = first.revalues.as_ref().filter(|_| first.document.is_some()) else {
        return Ok(None);
    };
    let second = adjustment(writer, revalues.other).await?.content;
    if first.is_void != second.is_void {
        let stands = if first.is_void { &second } else { &first };
        return Err(AppError::Reject(format!(
            "one of the two documents of its revaluation was voided in Xero and {} stands there: void that, too, and try again in a quarter of an hour",
            stands.number
        )));
    }
    Ok(first.is_void.then_some([first.number, second.number]))
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
    let (first, second) = next_two(writer).await?;
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
            "is taken back once {} came off stock that Xero tracks, and the rest comes off the cost of goods sold",
            on_pool.negated()?
        ),
    };
    let text = format!(
        "Landed cost voucher {voucher} by {who} {does}. Revaluation {} does it in Xero by a bill and a credit note over nothing, by what lies there when it is written. Approve or reject it on the page Adjustments.",
        first.number
    );
    made.adjustment = Some(first.number);
    let question = adjustments::question(writer.now(), first.number, text);
    let key = Key::Adjustment(first.number);
    Ok(vec![Versioned::new(first).write(key), question])
}

/// One half of a revaluation, which waits.
fn half<P: Ports>(
    writer: &Writer<'_, P>,
    revalues: &Revalues,
    (number, on): (AdjustmentNumber, Date),
    (who, request): (&str, Hash),
) -> Result<Adjustment, AppError> {
    let form = if revalues.half == Half::First { Form::Bill } else { Form::CreditNote };
    let lines = revalues.lines(revalues.half)?;
    let half = Adjustment::new(number, (on, form), lines, request, (who, writer.now()))?;
    Ok(Adjustment { revalues: Some(revalues.clone()), ..half })
}

/// The first half of a revaluation, worked out by what Xero holds now; `None` of any other adjustment.
///
/// # Errors
/// When a figure does not fit.
pub(crate) fn decided_anew<P: Ports>(
    writer: &Writer<'_, P>,
    standing: &Adjustment,
    quantities: &BTreeMap<ItemId, XeroQuantity>,
) -> Result<Option<Adjustment>, AppError> {
    let first = standing.revalues.as_ref().filter(|revalues| revalues.half == Half::First);
    let Some(mut revalues) = first.cloned() else { return Ok(None) };
    for part in &mut revalues.parts {
        // what Xero doesn't track any more is told before it is written
        let Some(there) = quantities.get(&part.item) else { continue };
        let name = (part.item, part.code.clone());
        *part = Part::of(name, (part.amount, part.received), *there, decimals_of(writer))?;
    }
    let lines = revalues.lines(Half::First)?;
    let contents = contents(standing.on, &lines)?;
    Ok(Some(Adjustment { lines, contents, revalues: Some(revalues), ..standing.clone() }))
}

/// What follows one half of a revaluation that is done: the other half, or the journal of its voucher.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn follow<P: Ports>(
    writer: &Writer<'_, P>,
    done: &Adjustment,
    is_as_due: bool,
) -> Result<(Vec<Write>, Vec<EffectKind>), AppError> {
    let Some(revalues) = &done.revalues else { return Ok((Vec::new(), Vec::new())) };
    if revalues.half == Half::Second || done.document.is_none() {
        return settled(writer, revalues).await;
    }
    let second = Revalues { half: Half::Second, other: done.number, ..revalues.clone() };
    let second = half(writer, &second, (revalues.other, done.on), (&done.made_by, done.request))?;
    let stage = if is_as_due { Stage::Booking } else { Stage::Waiting };
    let second = Adjustment { stage, approved: done.approved.clone(), ..second };
    let (number, mut writes, mut effects) = (second.number, Vec::new(), Vec::new());
    if is_as_due {
        effects.push(EffectKind::Adjustment { number, again: 0 });
    } else {
        let text = format!(
            "The bill {} of a revaluation is in Xero, and something is not as it should be since. Its credit note {number} waits: approve it on the page Adjustments when what Xero holds is right, or {}.",
            done.number,
            instead(&second)
        );
        writes.push(adjustments::question(writer.now(), number, text));
    }
    writes.push(Versioned::new(second).write(Key::Adjustment(number)));
    Ok((writes, effects))
}

/// What follows once a revaluation is in Xero, or nothing was left to revalue: its voucher's journal, or that the voucher is taken back.
async fn settled<P: Ports>(
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
    let books = Books::of(writer).await?;
    let (mut writes, effects) = if back {
        let (writes, effect) = make::begin_taking_back(writer, &books, voucher).await?;
        (writes, vec![effect])
    } else {
        voucher.journal = books.beside(voucher, false)?;
        let is_planned = voucher.journal.as_ref().is_some_and(|journal| journal.fate == Fate::Planned);
        (Vec::new(), effect(voucher, false).filter(|_| is_planned).into_iter().collect())
    };
    writes.push(row.write(Key::Voucher(number)));
    Ok((writes, effects))
}

/// What follows when a person rejects an adjustment that is half of a revaluation.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn rejected<P: Ports>(
    writer: &Writer<'_, P>,
    standing: &Adjustment,
) -> Result<Vec<Write>, AppError> {
    let Some(revalues) = &standing.revalues else { return Ok(Vec::new()) };
    let number = revalues.voucher;
    let mut row = voucher(writer, number).await?;
    let voucher = &mut row.content;
    let revaluation = if revalues.back { &mut voucher.revaluation_back } else { &mut voucher.revaluation };
    if let Some(revaluation) = revaluation {
        revaluation.fate = RevaluationFate::Rejected;
    }
    if revalues.back {
        voucher.taken_back = None;
    }
    let is_in_xero = match revalues.half {
        Half::First => false,
        Half::Second => !adjustment(writer, revalues.other).await?.content.is_void,
    };
    let text = rejected_words(revalues, is_in_xero);
    let mut writes = vec![row.write(Key::Voucher(number))];
    if let Some(text) = text {
        writes.push(question(writer, number, text).await?);
    }
    Ok(writes)
}

/// What a person has to do about a voucher whose revaluation was rejected, if anything. `is_in_xero` says whether its bill stands there.
fn rejected_words(revalues: &Revalues, is_in_xero: bool) -> Option<String> {
    let Revalues { voucher, other, back, .. } = revalues;
    let void = format!("void the bill {other} in Xero");
    match (back, is_in_xero) {
        (true, false) => None,
        (true, true) => Some(format!(
            "The revaluation that takes landed cost voucher {voucher} back was rejected, so the voucher stands as it did: {void}, which brought a unit in."
        )),
        (false, _) => {
            let void = if is_in_xero { format!("{void}, and ") } else { String::new() };
            Some(format!(
                "The revaluation of landed cost voucher {voucher} was rejected, so its tracked items don't take their part and it has no journal: {void}take it back on the page Landed cost."
            ))
        }
    }
}

/// What a person can do instead where an adjustment can't be written as it is.
pub(crate) fn instead(standing: &Adjustment) -> String {
    let Some(Revalues { voucher, back, half, other, .. }) = &standing.revalues else {
        return "reject it and make it anew".to_owned();
    };
    let void = match half {
        Half::First => String::new(),
        Half::Second => format!("void the bill {other} in Xero, "),
    };
    match back {
        false => format!(
            "{void}reject it, take landed cost voucher {voucher} back on the page Landed cost and make it anew"
        ),
        true => format!(
            "{void}reject it, so that landed cost voucher {voucher} stands as it did, and take it back once more"
        ),
    }
}

/// The writes by which it is known that somebody took the document of an adjustment out of Xero, and what is to be done where that was
/// half of a revaluation.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn voided<P: Ports>(
    writer: &Writer<'_, P>,
    document: &Document,
) -> Result<Vec<Write>, AppError> {
    let is_out = matches!(document.status, DocumentStatus::Voided | DocumentStatus::Deleted);
    let Some(number) = document.number.parse::<AdjustmentNumber>().ok().filter(|_| is_out) else {
        return Ok(Vec::new());
    };
    let (store, owner) = (writer.ports().store(), writer.owner());
    let row = load::one::<Adjustment>(store, owner, Key::Adjustment(number)).await?;
    let is_its = |row: &Versioned<Adjustment>| row.content.document == Some(document.of.id);
    let Some(mut row) = row.filter(|row| is_its(row) && !row.content.is_void) else {
        return Ok(Vec::new());
    };
    row.content.is_void = true;
    let mut writes = Vec::new();
    if let Some(revalues) = &row.content.revalues {
        let voucher = voucher(writer, revalues.voucher).await?.content;
        let revaluation = if revalues.back { &voucher.revaluation_back } else { &voucher.revaluation };
        let other = load::one::<Adjustment>(store, owner, Key::Adjustment(revalues.other)).await?;
        let other_stands =
            other.is_some_and(|other| other.content.document.is_some() && !other.content.is_void);
        match revaluation.as_ref().map(|revaluation| revaluation.fate) {
            // a person rejected the other half, and was told to void this one
            Some(RevaluationFate::Rejected) => {
                writes.push(match rejected_words(revalues, false) {
                    Some(text) => question(writer, revalues.voucher, text).await?,
                    None => removal(question_key(revalues.voucher)),
                });
            }
            fate => {
                let is_waiting = fate == Some(RevaluationFate::Waits);
                let text = voided_words(number, revalues, is_waiting, other_stands);
                writes.push(adjustments::question(writer.now(), number, text));
                if !is_waiting {
                    writes.push(removal(adjustments::question_key(revalues.other)));
                }
            }
        }
    }
    writes.push(row.write(Key::Adjustment(number)));
    Ok(writes)
}

/// What a person has to do once one half of a revaluation is out of Xero, while the revaluation waits or after it was settled.
fn voided_words(
    number: AdjustmentNumber,
    revalues: &Revalues,
    is_waiting: bool,
    other_stands: bool,
) -> String {
    let Revalues { voucher, other, back, .. } = revalues;
    match (is_waiting, other_stands, back) {
        (true, ..) => format!(
            "{number}, half of a revaluation of landed cost voucher {voucher}, was voided in Xero before {other} was written: reject {other} on the page Adjustments."
        ),
        (false, true, _) => format!(
            "{number}, half of a revaluation of landed cost voucher {voucher}, was voided in Xero, so that quantity and cost of its items are off there: void {other}, too."
        ),
        (false, false, false) => format!(
            "Both documents of the revaluation of landed cost voucher {voucher} were voided in Xero, so that nothing of it is on the stock: take it back on the page Landed cost, and make it anew."
        ),
        (false, false, true) => format!(
            "Both documents by which landed cost voucher {voucher} came off the stock were voided in Xero, so that its cost is on the stock again and nothing else says so: take it off there by two documents like them."
        ),
    }
}

/// Refuses where the contact of adjustments is not in Xero yet.
pub(super) async fn check_contact<P: Ports>(writer: &Writer<'_, P>) -> Result<(), AppError> {
    adjustments::contact(writer).await?.map(|_| ()).map_err(AppError::Reject)
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

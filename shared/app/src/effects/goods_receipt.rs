//! A goods receipt becomes one draft bill in Xero, for what of it no bill has come yet, or none.
//!
//! The bill's number is the receipt's. After an unknown outcome it is looked up by it and adopted; what that can't exclude decision 62
//! says.

use std::collections::BTreeSet;

use parstock_domain::document::{BillDraft, DocumentKind, DocumentRef};
use parstock_domain::fixed::Quantity;
use parstock_domain::goods_receipt::{BillFate, GoodsReceipt, ReceiptNumber, Stage, name};
use parstock_domain::governance::Phase;
use parstock_domain::ids::LineId;
use parstock_domain::ledger::OrderLine;
use parstock_domain::settings::Policy;
use parstock_domain::units::PurchaseUnit;

use super::{Attempt, GivenUp, book_ours};
use crate::error::AppError;
use crate::load::{self, Versioned, unguarded};
use crate::ports::{Books, BooksError, BooksSession, Ports, Priority};
use crate::receiving::{delete_bill, question_key, receipt};
use crate::records::{EffectState, Key, Review, ReviewKind};
use crate::units::Units;
use crate::writer::{Reason, Writer};

/// Calls that one bill takes: looking for it, reading its order, writing it.
const CALLS: u32 = 3;

/// Tries to bring the bill of a goods receipt into Xero. The ledger has taken the receipt in before, or back.
pub(super) async fn send<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    number: ReceiptNumber,
    back: bool,
) -> Result<(), AppError> {
    let standing = receipt(writer, number).await?;
    let may_have_been_tried = attempt.looks_first || attempt.effect.content.attempts > 1;
    let is_taken_in = standing.content.stage.is_taken_in();
    if back || !is_taken_in && !may_have_been_tried {
        let at = writer.now();
        let told = Reason::own("goods receipt booked").with("receipt", name(number));
        return attempt.end(writer, EffectState::Done { at }, Vec::new(), told).await;
    }
    let (lines, counted_otherwise) = unbilled(writer, &standing.content).await?;
    let draft = BillDraft {
        number: name(number),
        order: standing.content.order,
        order_number: standing.content.order_number.clone(),
        supplier: standing.content.supplier,
        date: standing.content.on,
        lines,
    };
    let why_not = why_not(writer, is_taken_in, &draft, &counted_otherwise).await?;
    if let (Some(why), false) = (&why_not, may_have_been_tried) {
        return finish(writer, attempt, standing, BillFate::None { why: why.clone() }, false).await;
    }
    let mut session = match writer.ports().books().open(writer.org(), Priority::Person, CALLS).await {
        Ok(session) => session,
        Err(error) => return refused(writer, attempt, standing, error).await,
    };
    // whatever became of the receipt since: a try without an answer may have written its bill
    let found = match may_have_been_tried {
        true => session.bill_by_number(draft.supplier, &draft.number).await,
        false => Ok(None),
    };
    let written = match found {
        Ok(None) if why_not.is_none() => session.create_bill(&draft, attempt.id).await.map(Some),
        found => found,
    };
    session.close().await;
    match written {
        Ok(Some(document)) => {
            let lines = standing.content.lines.iter();
            let codes = lines.map(|line| (line.code.clone(), line.item)).collect();
            // as a draft it moves nothing, and once it is approved it is known whose goods it bills
            book_ours(writer, &document, &codes, attempt.id).await?;
            let bill = document.of.id;
            finish(writer, attempt, standing, BillFate::Written { bill }, why_not.is_some()).await
        }
        Ok(None) => {
            let why = why_not.unwrap_or_default();
            finish(writer, attempt, standing, BillFate::None { why }, false).await
        }
        Err(error) => refused(writer, attempt, standing, error).await,
    }
}

/// Why a receipt has no bill, if it has none.
async fn why_not<P: Ports>(
    writer: &Writer<'_, P>,
    is_taken_in: bool,
    draft: &BillDraft,
    counted_otherwise: &[&str],
) -> Result<Option<String>, AppError> {
    if !is_taken_in {
        return Ok(Some("it was taken back before".to_owned()));
    }
    if draft.lines.is_empty() {
        return Ok(Some("its goods are on bills already".to_owned()));
    }
    if !counted_otherwise.is_empty() {
        return Ok(Some(format!(
            "a bill can't say in the order's unit how much of {} came, or bills of that day count it by another: enter the bill in Xero as the supplier writes it",
            counted_otherwise.join(", ")
        )));
    }
    let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
    let may_write = policy.map(|row| row.content).unwrap_or_default().org().phase >= Phase::Assist;
    let why = "the phase is observe, which writes nothing to Xero: enter the bill there when it comes";
    Ok((!may_write).then(|| why.to_owned()))
}

/// What of a receipt's lines no bill has come for, as the order counts it, and the codes of items of which a bill of that day
/// can't say so.
async fn unbilled<'r, P: Ports>(
    writer: &Writer<'_, P>,
    receipt: &'r GoodsReceipt,
) -> Result<(Vec<(LineId, Quantity)>, Vec<&'r str>), AppError> {
    let keys: Vec<Key> =
        receipt.lines.iter().map(|line| Key::OrderLine(line.item, receipt.order, line.line)).collect();
    let rows = load::many::<OrderLine>(writer.ports().store(), writer.owner(), &keys).await?;
    let id = receipt.of(writer.org()).id;
    let items = receipt.lines.iter().map(|line| line.item).collect();
    let units = Units::of(writer, items, receipt.supplier).await?;
    let (mut lines, mut counted_otherwise) = (Vec::new(), Vec::new());
    for (line, row) in receipt.lines.iter().zip(rows) {
        let ordered = row.map(|row| row.content);
        let meeting = ordered.as_ref().map(OrderLine::meet).transpose()?.unwrap_or_default();
        let billed = meeting.of_receipts.get(&id).map(|(billed, _)| *billed).unwrap_or_default();
        let left = line.quantity.minus(billed)?;
        if left <= Quantity::ZERO {
            continue;
        }
        let unit = ordered.as_ref().and_then(|ordered| ordered.unit.as_ref());
        let on_bill = units.on(line.item, receipt.supplier, receipt.on);
        let said = unit.map_or(Ok(left), |unit| unit.of_base(left))?;
        let is_said = unit.is_none_or(|unit| unit.to_base(said) == Ok(left));
        let holds = |unit: Option<&PurchaseUnit>| unit.map_or(Quantity::ONE, |unit| unit.holds);
        if !is_said || holds(unit) != holds(on_bill) {
            counted_otherwise.push(line.code.as_str());
        }
        lines.push((line.line, said));
    }
    Ok((lines, counted_otherwise))
}

/// Ends it. `asks` says that a person has to do something about the bill: enter it, or delete it.
async fn finish<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    standing: Versioned<GoodsReceipt>,
    fate: BillFate,
    asks: bool,
) -> Result<(), AppError> {
    let number = standing.content.number;
    let mut told = Reason::own("bill of goods receipt").with("receipt", name(number));
    let mut writes = Vec::new();
    let at = writer.now();
    let mut status = EffectState::Done { at };
    told = match &fate {
        BillFate::Written { bill } => told.with("bill", bill),
        BillFate::None { why } => told.with("none", why),
    };
    if let BillFate::None { why } = &fate
        && asks
    {
        status = EffectState::Failed { reason: why.clone() };
        let text = format!(
            "The draft bill of goods receipt {} could not be written: {why}. Enter the bill of order {} from {} in Xero yourself, with the order's number in its reference. The goods are in stock.",
            name(number),
            standing.content.order_number,
            standing.content.supplier_name
        );
        let kind = ReviewKind::ReceiptBill;
        let review = Review { kind, since: at, item: None, document: None, text, codes: BTreeSet::new() };
        writes.push(unguarded(question_key(kind, number), review));
    }
    if let (BillFate::Written { bill }, true) = (&fate, asks) {
        let why = match standing.content.stage {
            Stage::TakenBack { .. } => format!("Goods receipt {} was taken back.", name(number)),
            _ => format!("The draft bill of goods receipt {} does not fit it any more.", name(number)),
        };
        let bill = DocumentRef { kind: DocumentKind::Bill, id: *bill };
        writes.extend(delete_bill(writer, &standing.content, bill, &why).await?);
    }
    // where a person takes the receipt back meanwhile, the row is another and all of this is looked at again
    let receipt = GoodsReceipt { bill: Some(fate), ..standing.content };
    writes.push(Versioned { content: receipt, expect: standing.expect }.write(Key::GoodsReceipt(number)));
    attempt.end(writer, status, writes, told).await
}

async fn refused<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    standing: Versioned<GoodsReceipt>,
    error: BooksError,
) -> Result<(), AppError> {
    let Some((attempt, given_up)) = attempt.unless_put_off(writer, error).await? else { return Ok(()) };
    let why = match given_up {
        GivenUp::Refused(why) => why,
        GivenUp::Exhausted(why) => format!("{why}; look in Xero whether it exists"),
    };
    finish(writer, attempt, standing, BillFate::None { why }, true).await
}

//! A person enters a goods receipt, decides on one that waits, or takes one back: decided in one commit, carried out by an effect.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use parstock_domain::audit::Hash;
use parstock_domain::document::{DocumentKind, DocumentRef};
use parstock_domain::goods_receipt::{
    self, BillFate, Deviation, GoodsReceipt, ReceiptLine, ReceiptNumber, Request, Stage, deviations, lines,
    may_come, name,
};
use parstock_domain::ids::{EffectId, ItemId, OrgId};
use parstock_domain::landed::{self, VoucherNumber};
use parstock_domain::settings::Policy;

use super::order::{Order, read};
use super::{LOOKED_BACK, delete_bill, question_key, receipt, receipts};
use crate::effects::{effect_id, plan_effects};
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::look_again;
use crate::ports::{Ports, Write};
use crate::records::{Backfill, EffectKind, Key, List, Review, ReviewKind};
use crate::send::try_effects;
use crate::tries::Tries;
use crate::writer::{Reason, Writer};

/// Characters of a person's reason.
const REASON_MAX: usize = 500;

/// Enters a goods receipt. `shown` is [`Order::contents`](super::Order::contents) of the order as a person saw it; `None` takes it as
/// it comes. It waits for a decision where it is far from the order.
///
/// # Errors
/// [`AppError::Reject`] with what stands against it.
pub async fn make<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    request: &Request,
    shown: Option<Hash>,
) -> Result<GoodsReceipt, AppError> {
    let mut tries = Tries::begin(ports);
    let (receipt, effects) = loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        // the try before may have got through
        if let Some(began) = tries.began_before()
            && let Some(made) = made_since(&writer, who, request, began).await?
        {
            let effect = EffectKind::GoodsReceipt { number: made.number, back: false };
            break (made, vec![effect_id(org, &effect)]);
        }
        match make_once(&mut writer, who, request, shown).await {
            Ok(done) => break done,
            Err(error) => tries.next(error)?,
        }
    };
    try_effects(ports, org, effects).await;
    Ok(receipt)
}

async fn made_since<P: Ports>(
    writer: &Writer<'_, P>,
    who: &str,
    request: &Request,
    began: Timestamp,
) -> Result<Option<GoodsReceipt>, AppError> {
    let is_it = |receipt: &GoodsReceipt| {
        let quantities = receipt.lines.iter().map(|line| (line.line, line.quantity));
        receipt.made_by == who
            && receipt.made_at >= began
            && (receipt.order, receipt.on, &receipt.slip) == (request.order, request.on, &request.slip)
            && (receipt.billed, receipt.ends) == (request.billed, request.ends)
            && quantities.collect::<BTreeSet<_>>() == request.quantities.iter().copied().collect()
    };
    Ok(receipts(writer).await?.into_iter().find(is_it))
}

async fn make_once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    request: &Request,
    shown: Option<Hash>,
) -> Result<(GoodsReceipt, Vec<EffectId>), AppError> {
    if !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Err(AppError::Reject(
            "the first load is not done yet: enter the goods when the health page says that the history is whole"
                .to_owned(),
        ));
    }
    let order = read(writer, request.order).await?;
    if let Some(shown) = shown
        && order.contents()? != shown
    {
        return Err(AppError::Reject(
            "the order changed since it was shown, or something came in: look at it again".to_owned(),
        ));
    }
    let (lines, deviations) = judged(writer, &order, request).await?;
    let number = next_number(writer).await?;
    let at = writer.now();
    let stage = match deviations.is_empty() {
        true => Stage::TakenIn { by: who.to_owned(), at },
        false => Stage::Waiting,
    };
    let receipt = GoodsReceipt {
        number,
        order: order.id,
        order_number: order.number,
        supplier: order.supplier,
        supplier_name: order.supplier_name,
        on: request.on,
        slip: request.slip.clone(),
        lines,
        billed: request.billed,
        ends: request.ends,
        made_by: who.to_owned(),
        made_at: at,
        deviations,
        stage,
        bill: None,
    };
    let mut writes = vec![Versioned::new(receipt.clone()).write(Key::GoodsReceipt(number))];
    let effects = match receipt.stage.is_taken_in() {
        true => planned(writer, &mut writes, number, false),
        false => {
            writes.push(question(&receipt));
            Vec::new()
        }
    };
    let reason = Reason { who: who.to_owned(), ..Reason::own("enter goods receipt") }
        .with("receipt", name(number))
        .with("order", &receipt.order_number)
        .with("on", receipt.on)
        .with("waits", !receipt.stage.is_taken_in());
    let reason = receipt
        .lines
        .iter()
        .take(NAMED_MAX)
        .fold(reason, |reason, line| reason.with(&format!("item {}", line.code), line.quantity));
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    Ok((receipt, effects))
}

/// The lines of a receipt that was asked for, and why a person should look twice.
async fn judged<P: Ports>(
    writer: &Writer<'_, P>,
    order: &Order,
    request: &Request,
) -> Result<(Vec<ReceiptLine>, Vec<Deviation>), AppError> {
    if let Some(number) = order.unbooked {
        return Err(AppError::Reject(format!(
            "goods receipt {} of this order is still being booked: try again in a minute",
            name(number)
        )));
    }
    may_come(order.status).map_err(refused)?;
    let today = writer.clock().day_of(writer.now());
    let mut ordered = order.lines.clone();
    let lines = lines(request, &ordered, today).map_err(refused)?;
    if let Some(voucher) = landed_on(writer, &order.bills).await? {
        return Err(AppError::Reject(format!(
            "landed cost voucher {voucher} stands on a bill of this order: take it back, take the goods in, and make it anew"
        )));
    }
    let mut unmatched: BTreeMap<ItemId, Vec<String>> = BTreeMap::new();
    for line in &mut ordered {
        if !lines.iter().any(|of| of.line == line.line) {
            continue;
        }
        if let Entry::Vacant(unknown) = unmatched.entry(line.item) {
            unknown.insert(look_again::unmatched(writer, line.item, order.supplier, order.on).await?);
        }
        line.unmatched_bills = unmatched.get(&line.item).cloned().unwrap_or_default();
    }
    let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
    let percent = policy.map(|row| row.content).unwrap_or_default().org().receipt_deviation_percent;
    let deviations = deviations(&lines, &ordered, request.ends, percent)?;
    Ok((lines, deviations))
}

/// Lines of a receipt that its audit entry names.
const NAMED_MAX: usize = 40;

fn refused(problem: goods_receipt::Problem) -> AppError {
    match problem {
        goods_receipt::Problem::Fixed(error) => error.into(),
        problem => AppError::Reject(problem.to_string()),
    }
}

fn planned<P: Ports>(
    writer: &Writer<'_, P>,
    writes: &mut Vec<Write>,
    number: ReceiptNumber,
    back: bool,
) -> Vec<EffectId> {
    let kind = EffectKind::GoodsReceipt { number, back };
    plan_effects(writes, writer.org(), vec![kind], writer.now())
}

/// The question about a receipt that waits.
fn question(receipt: &GoodsReceipt) -> Write {
    let why: Vec<String> = receipt.deviations.iter().map(Deviation::to_string).collect();
    let text = format!(
        "{} entered goods receipt {} of order {} from {}: {}. Nothing is booked: take it in or refuse it on the page Goods receipts.",
        receipt.made_by,
        name(receipt.number),
        receipt.order_number,
        receipt.supplier_name,
        why.join("; ")
    );
    let (kind, since) = (ReviewKind::ReceiptWaits, receipt.made_at);
    let review = Review { kind, since, item: None, document: None, text, codes: BTreeSet::new() };
    unguarded(question_key(kind, receipt.number), review)
}

async fn next_number<P: Ports>(writer: &Writer<'_, P>) -> Result<ReceiptNumber, AppError> {
    let today = writer.clock().day_of(writer.now());
    let after = Some(Key::GoodsReceipt(ReceiptNumber { on: today, index: 0 }));
    let list = List::GoodsReceipts;
    let of_today =
        load::all_after::<GoodsReceipt>(writer.ports().store(), writer.owner(), &list, after).await?;
    let last = of_today.last().map_or(0, |(_, row)| row.content.number.index);
    Ok(ReceiptNumber::after(today, last)?)
}

/// A voucher that stands on one of these papers: its cost would lose the goods that it lies on.
async fn landed_on<P: Ports>(
    writer: &Writer<'_, P>,
    of: &BTreeSet<DocumentRef>,
) -> Result<Option<VoucherNumber>, AppError> {
    if of.is_empty() {
        return Ok(None);
    }
    let from = writer.now().saturating_sub(LOOKED_BACK).unwrap_or(Timestamp::MIN);
    let vouchers = crate::landed::vouchers(writer, from).await?.into_iter().map(|row| row.content);
    let stands = |voucher: &landed::Voucher| {
        matches!(voucher.stage, landed::Stage::Booking | landed::Stage::Booked)
            && voucher.draft.shares.iter().any(|share| of.contains(&share.of))
    };
    Ok(vouchers.into_iter().find(stands).map(|voucher| voucher.number))
}

/// What a person decides on a goods receipt that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The goods are there.
    TakeIn,
    /// It is wrong.
    Reject {
        /// Why.
        reason: String,
    },
}

/// Takes a decision on a goods receipt that waits.
///
/// # Errors
/// [`AppError::Reject`] when it does not wait.
pub async fn decide<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    number: ReceiptNumber,
    decision: &Decision,
) -> Result<(), AppError> {
    let mut tries = Tries::begin(ports);
    let effects = loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        if let Some(began) = tries.began_before()
            && let Some(effects) = done_since(&writer, who, number, began).await?
        {
            break effects;
        }
        match decide_once(&mut writer, who, number, decision).await {
            Ok(done) => break done,
            Err(error) => tries.next(error)?,
        }
    };
    try_effects(ports, org, effects).await;
    Ok(())
}

/// The effects of a decision whose earlier try got through.
async fn done_since<P: Ports>(
    writer: &Writer<'_, P>,
    who: &str,
    number: ReceiptNumber,
    began: Timestamp,
) -> Result<Option<Vec<EffectId>>, AppError> {
    let effect = |back| vec![effect_id(writer.org(), &EffectKind::GoodsReceipt { number, back })];
    let is_ours = |by: &str, at: Timestamp| by == who && at >= began;
    Ok(match receipt(writer, number).await?.content.stage {
        Stage::TakenIn { by, at } if is_ours(&by, at) => Some(effect(false)),
        Stage::TakenBack { by, at, .. } if is_ours(&by, at) => Some(effect(true)),
        Stage::Rejected { by, at, .. } if is_ours(&by, at) => Some(Vec::new()),
        _ => None,
    })
}

async fn decide_once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    number: ReceiptNumber,
    decision: &Decision,
) -> Result<Vec<EffectId>, AppError> {
    let mut receipt = receipt(writer, number).await?;
    let (by, at) = (who.to_owned(), writer.now());
    let stage = match decision {
        Decision::TakeIn => Stage::TakenIn { by, at },
        Decision::Reject { reason } => Stage::Rejected { by, at, reason: checked(reason)? },
    };
    if receipt.content.stage != Stage::Waiting {
        return Err(AppError::Reject(format!(
            "goods receipt {} is {} already",
            name(number),
            receipt.content.stage.words()
        )));
    }
    if stage.is_taken_in() {
        let order = read(writer, receipt.content.order).await?;
        let (lines, deviations) = judged(writer, &order, &receipt.content.request()).await?;
        // nothing that is left to look at twice is as good as what was shown
        let is_as_shown = deviations.is_empty() || deviations == receipt.content.deviations;
        (receipt.content.lines, receipt.content.deviations) = (lines, deviations);
        if !is_as_shown {
            return show_anew(writer, who, receipt).await;
        }
    }
    let what = if stage.is_taken_in() { "take goods in" } else { "refuse goods receipt" };
    let mut reason = Reason { who: who.to_owned(), ..Reason::own(what) }.with("receipt", name(number));
    if let Stage::Rejected { reason: why, .. } = &stage {
        reason = reason.with("reason", why);
    }
    let mut writes = vec![removal(question_key(ReviewKind::ReceiptWaits, number))];
    let effects = match stage.is_taken_in() {
        true => planned(writer, &mut writes, number, false),
        false => Vec::new(),
    };
    receipt.content.stage = stage;
    writes.push(receipt.write(Key::GoodsReceipt(number)));
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    Ok(effects)
}

/// Keeps a receipt that waits as it would be now: something came of its order since it was entered.
async fn show_anew<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    receipt: Versioned<GoodsReceipt>,
) -> Result<Vec<EffectId>, AppError> {
    let number = receipt.content.number;
    let told = Reason { who: who.to_owned(), ..Reason::own("look at goods receipt again") };
    let writes = vec![question(&receipt.content), receipt.write(Key::GoodsReceipt(number))];
    let id = writer.new_commit();
    writer.commit(id, writes, told.with("receipt", name(number))).await?;
    Err(AppError::Reject(format!(
        "something came of the order since goods receipt {} was entered: look at it again, as it would be now",
        name(number)
    )))
}

fn checked(reason: &str) -> Result<String, AppError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return Err(AppError::Reject(format!("give a reason of at most {REASON_MAX} characters")));
    }
    Ok(reason.to_owned())
}

/// Takes a goods receipt back: it moves nothing any more, and what bills brought in comes in with them.
///
/// # Errors
/// [`AppError::Reject`] when it is not taken in, or landed cost lies on its goods.
pub async fn take_back<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    number: ReceiptNumber,
    reason: &str,
) -> Result<(), AppError> {
    let mut tries = Tries::begin(ports);
    let effects = loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        if let Some(began) = tries.began_before()
            && let Some(effects) = done_since(&writer, who, number, began).await?
        {
            break effects;
        }
        match take_back_once(&mut writer, who, number, reason).await {
            Ok(done) => break done,
            Err(error) => tries.next(error)?,
        }
    };
    try_effects(ports, org, effects).await;
    Ok(())
}

async fn take_back_once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    number: ReceiptNumber,
    reason: &str,
) -> Result<Vec<EffectId>, AppError> {
    let reason = checked(reason)?;
    let mut receipt = receipt(writer, number).await?;
    if !receipt.content.stage.is_taken_in() {
        return Err(AppError::Reject(format!(
            "goods receipt {} is {}: only one that is taken in can be taken back",
            name(number),
            receipt.content.stage.words()
        )));
    }
    let of = BTreeSet::from([receipt.content.of(writer.org())]);
    if let Some(voucher) = landed_on(writer, &of).await? {
        return Err(AppError::Reject(format!(
            "landed cost voucher {voucher} stands on goods receipt {}: take that back first",
            name(number)
        )));
    }
    let told = Reason { who: who.to_owned(), ..Reason::own("take goods receipt back") }
        .with("receipt", name(number))
        .with("reason", &reason);
    receipt.content.stage = Stage::TakenBack { by: who.to_owned(), at: writer.now(), reason };
    let mut writes = Vec::new();
    match receipt.content.bill {
        Some(BillFate::Written { bill }) => {
            let why = format!("Goods receipt {} was taken back.", name(number));
            let bill = DocumentRef { kind: DocumentKind::Bill, id: bill };
            writes.extend(delete_bill(writer, &receipt.content, bill, &why).await?);
        }
        // there are no goods any more to enter a bill for
        _ => writes.push(removal(question_key(ReviewKind::ReceiptBill, number))),
    }
    let effects = planned(writer, &mut writes, number, true);
    writes.push(receipt.write(Key::GoodsReceipt(number)));
    let id = writer.new_commit();
    writer.commit(id, writes, told).await?;
    Ok(effects)
}

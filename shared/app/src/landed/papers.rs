//! The papers of bills that look like freight: asked for in the commit that raises the question, read by an effect, and kept as what
//! they name.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use parstock_domain::document::{DocumentKind, DocumentRef};
use parstock_domain::goods_receipt;
use parstock_domain::goods_receipt::GoodsReceipt;
use parstock_domain::ids::{DocumentId, EffectId, OrgId};
use parstock_domain::landed::{KnownNames, NameOf, Paper, Papers, Purchase};

use super::known::{self, headers, received};
use super::{FREIGHT_AFTER_GOODS_DAYS, FREIGHT_BEFORE_GOODS_DAYS, purchases_since};
use crate::effects::plan_effects;
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{Attached, Commit, CommitError, Ports, Store, Write};
use crate::records::{DocumentRecord, EffectKind, Key};
use crate::send::try_effects;
use crate::tries::Tries;
use crate::writer::{Reason, Writer};

/// Purchases with goods whose names are looked for in a paper, the nearest in time.
const LOOKED_FOR_MAX: usize = 200;
/// Bills whose papers the daily question asks for at once; the next day asks for others.
const ASKED_AT_ONCE_MAX: usize = 10;

/// Whether the papers of a bill that is asked about are to be read: freight on a bill of goods is that of its own goods.
pub(super) const fn is_wanted(purchase: &Purchase) -> bool {
    purchase.papers.is_none() && !purchase.brings_any()
}

/// Asks for the papers of a bill: adds the effect to a commit in which the bill is written, too.
pub(super) fn ask<P: Ports>(
    writer: &Writer<'_, P>,
    writes: &mut Vec<Write>,
    purchase: &mut Purchase,
    by_person: bool,
) -> Vec<EffectId> {
    purchase.papers = Some(Papers::Due);
    let (of, number, at) = (purchase.of, purchase.number.clone(), writer.now());
    let effect = EffectKind::Papers { of, number, at, by_person };
    plan_effects(writes, writer.org(), vec![effect], writer.now())
}

/// Asks for the papers of bills that are asked about, where nobody did: the question may have come after the bill.
pub(super) async fn ask_for<P: Ports>(writer: &Writer<'_, P>, asked: &[Purchase]) -> Result<(), AppError> {
    for of in
        asked.iter().filter(|asked| is_wanted(asked)).take(ASKED_AT_ONCE_MAX).map(|purchase| purchase.of)
    {
        let row = purchase(writer, of).await?;
        let Some(mut purchase) = row.filter(|row| is_wanted(&row.content)) else { continue };
        let mut writes = Vec::new();
        let effects = ask(writer, &mut writes, &mut purchase.content, false);
        let key = Key::Purchase(purchase.content.on, of);
        writes.push(purchase.write(key));
        let commit = Commit { id: writer.new_commit(), writes };
        match writer.ports().store().commit(writer.owner(), commit).await {
            Ok(()) => try_effects(writer.ports(), writer.org(), effects).await,
            // who changed the bill meanwhile asked for them, or the next day does
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A person has the papers of a bill read, as they are now.
///
/// # Errors
/// [`AppError::Reject`] says what stands against it: the bill is not there, or its papers are being read.
pub async fn read_papers<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    of: DocumentRef,
) -> Result<(), AppError> {
    let mut tries = Tries::begin(ports);
    let effects = loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        match read_once(&mut writer, who, of).await {
            Ok(effects) => break effects,
            Err(error) => tries.next(error)?,
        }
    };
    try_effects(ports, org, effects).await;
    Ok(())
}

async fn read_once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    of: DocumentRef,
) -> Result<Vec<EffectId>, AppError> {
    if !matches!(of.kind, DocumentKind::Bill | DocumentKind::SpendMoney) {
        return Err(AppError::Reject(format!("a {} has no papers in Xero", of.kind.words())));
    }
    let Some(mut purchase) = purchase(writer, of).await? else {
        return Err(AppError::Reject("there is no such bill any more".to_owned()));
    };
    if purchase.content.papers == Some(Papers::Due) {
        return Err(AppError::Reject("its papers are being read: look again in a minute".to_owned()));
    }
    let reason = Reason { who: who.to_owned(), ..Reason::own("ask for papers") }
        .with("number", &purchase.content.number)
        .with("id", of.id);
    let mut writes = Vec::new();
    let effects = ask(writer, &mut writes, &mut purchase.content, true);
    let key = Key::Purchase(purchase.content.on, of);
    writes.push(purchase.write(key));
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    Ok(effects)
}

/// What the papers of a bill name of the goods that came in around its day.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn named_by<P: Ports>(
    writer: &Writer<'_, P>,
    of: DocumentRef,
    attached: &[Attached],
) -> Result<Vec<Paper>, AppError> {
    let is_text = attached.iter().any(|paper| paper.text.is_ok());
    let known = match purchase(writer, of).await? {
        Some(purchase) if is_text => known_names(writer, &purchase.content).await?,
        _ => KnownNames::new(),
    };
    let papers = attached.iter().map(|paper| match &paper.text {
        Ok(text) => Paper::read(&paper.name, text, &known),
        Err(why) => Paper::unread(&paper.name, why),
    });
    Ok(papers.collect())
}

/// The names that a bill's papers may have in them: numbers of bills, goods receipts and orders of the goods that came in around its
/// day, and codes of their items.
async fn known_names<P: Ports>(writer: &Writer<'_, P>, bill: &Purchase) -> Result<KnownNames, AppError> {
    let first = bill.on.saturating_sub(FREIGHT_AFTER_GOODS_DAYS.days());
    let last = bill.on.saturating_add(FREIGHT_BEFORE_GOODS_DAYS.days());
    let mut goods = purchases_since(writer, first).await?;
    goods.retain(|goods| goods.brings_any() && goods.on <= last && goods.of != bill.of);
    goods.sort_by_key(|goods| (super::days_apart(bill, goods), goods.of));
    goods.truncate(LOOKED_FOR_MAX);
    let mut known = KnownNames::new();
    let mut add = |what: NameOf, name: &str, of: DocumentRef| {
        known.entry((what, name.to_owned())).or_default().insert(of);
    };
    // a paper has its own bill's number on it, which another supplier's may be like
    for goods in goods.iter().filter(|goods| !goods.number.eq_ignore_ascii_case(&bill.number)) {
        add(NameOf::purchase(goods.of.kind), &goods.number, goods.of);
    }
    let all: BTreeSet<DocumentRef> = goods.iter().map(|goods| goods.of).collect();
    for ((of, _), there) in received(writer, &all).await? {
        add(NameOf::Item, &there.code, of);
    }
    for (of, number) in orders(writer, &all).await? {
        add(NameOf::Order, &number, of);
    }
    Ok(known)
}

/// The orders whose goods purchases brought in: each purchase with an order's number.
async fn orders<P: Ports>(
    writer: &Writer<'_, P>,
    goods: &BTreeSet<DocumentRef>,
) -> Result<Vec<(DocumentRef, String)>, AppError> {
    let store = writer.ports().store();
    let (mut found, mut receipts) = (Vec::new(), Vec::new());
    let mut billed: BTreeMap<DocumentId, BTreeSet<DocumentRef>> = BTreeMap::new();
    for header in headers(writer, goods).await? {
        for part in header.lines.iter().flat_map(|line| &line.billed) {
            billed.entry(part.order).or_default().insert(header.of);
        }
        if header.of.kind == DocumentKind::GoodsReceipt
            && let Some(number) = goods_receipt::number_of(&header.number)
        {
            receipts.push((header.of, Key::GoodsReceipt(number)));
        }
    }
    let order = |id: &DocumentId| DocumentRef { kind: DocumentKind::PurchaseOrder, id: *id };
    let keys: Vec<Key> = billed.keys().map(|id| Key::Document(order(id))).collect();
    let rows = load::many::<DocumentRecord>(store, writer.owner(), &keys).await?;
    for (row, purchases) in rows.into_iter().zip(billed.into_values()) {
        let Some(row) = row else { continue };
        found.extend(purchases.into_iter().map(|of| (of, row.content.number.clone())));
    }
    let keys: Vec<Key> = receipts.iter().map(|(_, key)| key.clone()).collect();
    let rows = load::many::<GoodsReceipt>(store, writer.owner(), &keys).await?;
    for ((of, _), row) in receipts.into_iter().zip(rows) {
        found.extend(row.map(|row| (of, row.content.order_number)));
    }
    Ok(found)
}

/// The row of a purchase, if it is there.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn purchase<P: Ports>(
    writer: &Writer<'_, P>,
    of: DocumentRef,
) -> Result<Option<Versioned<Purchase>>, AppError> {
    Ok(known::purchases(writer, &BTreeSet::from([of])).await?.remove(&of))
}

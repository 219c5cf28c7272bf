//! Looking again at documents that are booked and did not change: something else did.
//!
//! They are named by hints, as if a webhook had named them, and are fetched in their present state: by their id,
//! or, where Xero's lists are all there is, by reading their feed again from them on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use parstock_domain::document::{Document, DocumentKind, DocumentRef, DocumentStatus};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ContactId, ItemId};
use parstock_domain::landed;
use parstock_domain::ledger::arrival::UNNAMED_ORDER_DAYS_MAX;
use parstock_domain::ledger::{Cause, LineChange, MovementKey, OrderLine};
use parstock_domain::settings::Learned;
use parstock_domain::units::counts_by_purchase_units;

use crate::contacts::Contacts;
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{Ports, Store, Write};
use crate::records::{
    Backfill, CODES_OF_REVIEW_MAX, DocumentRecord, HintOf, Key, List, MoreLines, Review, ReviewKind,
    WaitingHint,
};
use crate::sync;
use crate::units::Units;
use crate::writer::{Reason, Writer};

/// Movements of an item that are read at once in search of bills.
const MOVEMENTS_PAGE: u32 = 500;
/// Such pages of one item; what came after them is not found.
const PAGES_MAX: usize = 10;
/// Such pages of an item that is counted otherwise: ten million movements.
const PAGES_OF_ITEM_MAX: usize = 20_000;
/// Papers that one change of units has looked at again.
const PAPERS_MAX: usize = 10_000;
/// Bills that one order has looked at again: the mark and the hint of each are in one commit.
const BILLS_MAX: usize = 40;
/// Documents whose rows are read at once.
const DOCUMENTS_PER_READ: usize = 500;
/// Days back in which a bill is looked for that teaches what a void bill taught.
const LESSON_DAYS: i64 = 180;

/// The bills that moved the item since a day.
async fn bills_of<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    from: Date,
) -> Result<BTreeSet<DocumentRef>, AppError> {
    documents_of(writer, item, from, &[DocumentKind::Bill], PAGES_MAX).await
}

/// The documents of some kinds that moved the item since a day.
async fn documents_of<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    from: Date,
    kinds: &[DocumentKind],
    pages_max: usize,
) -> Result<BTreeSet<DocumentRef>, AppError> {
    let mut after = MovementKey::before(from).map(|key| Key::Movement(item, key));
    let list = List::Movements(item);
    let mut bills = BTreeSet::new();
    for _ in 0..pages_max {
        let store = writer.ports().store();
        let page = store.list(writer.owner(), &list, after.as_ref(), MOVEMENTS_PAGE).await?;
        bills.extend(page.rows.iter().filter_map(|row| match &row.key {
            Key::Movement(_, MovementKey { cause: Cause::Document { of, .. }, .. })
                if kinds.contains(&of.kind) =>
            {
                Some(*of)
            }
            _ => None,
        }));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    Ok(bills)
}

async fn records<P: Ports>(
    writer: &Writer<'_, P>,
    documents: impl Iterator<Item = &DocumentRef>,
) -> Result<Vec<Option<Versioned<DocumentRecord>>>, AppError> {
    let keys: Vec<Key> = documents.map(|of| Key::Document(*of)).collect();
    load::many::<DocumentRecord>(writer.ports().store(), writer.owner(), &keys).await
}

/// Has a supplier's bills looked at again that may have brought in what an order orders, should they have
/// been booked before it: orders have no webhook, so they may be read later than their bills.
///
/// It is asked before the order is booked. If that fails, the order is booked again, and asks again.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn at_bills<P: Ports>(
    writer: &mut Writer<'_, P>,
    order: &Document,
    lines: &[LineChange],
) -> Result<(), AppError> {
    let is_open = matches!(
        order.status,
        DocumentStatus::Draft | DocumentStatus::Submitted | DocumentStatus::Authorised
    );
    // the first load books orders before bills
    if !is_open || !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Ok(());
    }
    let items: BTreeSet<ItemId> = lines
        .iter()
        .filter_map(|change| {
            let after = change.after.as_ref()?;
            (change.before.is_none() && after.ordered > Quantity::ZERO).then_some(after.item)
        })
        .collect();
    let from = order.date.saturating_sub(i64::from(UNNAMED_ORDER_DAYS_MAX).days());
    let mut bills = BTreeMap::<DocumentRef, BTreeSet<ItemId>>::new();
    for item in items {
        for bill in bills_of(writer, item, from).await? {
            bills.entry(bill).or_default().insert(item);
        }
    }
    let mut writes = Vec::new();
    let since = writer.now();
    for ((of, items), record) in bills.iter().zip(records(writer, bills.keys()).await?) {
        let Some(mut record) = record.filter(|record| record.content.contact == order.contact) else {
            continue;
        };
        let unmatched =
            record.content.lines.iter().any(|line| {
                items.contains(&line.item) && line.change > Quantity::ZERO && line.billed.is_empty()
            });
        // a long bill's further lines are looked at with the bill
        if !unmatched && record.content.more == 0 {
            continue;
        }
        record.content.unresolved = true;
        writes.push(record.write(Key::Document(*of)));
        writes.push(load::unguarded(Key::Hint(HintOf::Invoice(of.id)), WaitingHint { since, wake_at: None }));
        if writes.len() >= 2 * BILLS_MAX {
            break;
        }
    }
    if !writes.is_empty() {
        let reason = Reason::own("look at bills again").with("order", &order.number);
        let id = writer.new_commit();
        writer.commit(id, writes, reason).await?;
    }
    Ok(())
}

/// The numbers of a supplier's purchases that brought an item in since a day and are of no order.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn unmatched<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    supplier: ContactId,
    from: Date,
) -> Result<Vec<String>, AppError> {
    let kinds = [DocumentKind::Bill, DocumentKind::SpendMoney];
    let purchases = documents_of(writer, item, from, &kinds, PAGES_MAX).await?;
    let records: Vec<DocumentRecord> =
        records(writer, purchases.iter()).await?.into_iter().flatten().map(|row| row.content).collect();
    let contacts = records.iter().map(|record| record.contact).collect();
    let contacts = Contacts::of(writer.ports(), writer.org(), contacts).await?;
    let mut numbers = Vec::new();
    for mut record in records.into_iter().filter(|record| contacts.present(record.contact) == supplier) {
        if record.more > 0 {
            let list = List::DocumentLines(record.of);
            let more = load::all::<MoreLines>(writer.ports().store(), writer.org(), &list).await?;
            record.lines.extend(more.into_iter().flat_map(|(_, row)| row.content.lines));
        }
        let mut lines = record.lines.iter().filter(|line| line.item == item && line.billed.is_empty());
        if lines.any(|line| line.change > Quantity::ZERO) {
            numbers.push(landed::name(record.of.kind, &[&record.number], record.date));
        }
    }
    Ok(numbers)
}

/// Has the documents looked at again that name one of these item codes, which nobody knew until now.
///
/// It is asked before the items are kept: the hints are served after that, since the org is held meanwhile. If
/// keeping them fails, the items are read again, and it is asked again.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn at_codes<P: Ports>(writer: &Writer<'_, P>, codes: &[String]) -> Result<(), AppError> {
    if codes.is_empty() || !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Ok(());
    }
    let mut hints = BTreeSet::new();
    for (_, review) in load::all::<Review>(writer.ports().store(), writer.org(), &List::Reviews).await? {
        let review = review.content;
        let (ReviewKind::UnknownItem, Some(of)) = (review.kind, review.document) else { continue };
        let may_name =
            review.codes.len() >= CODES_OF_REVIEW_MAX || codes.iter().any(|code| review.codes.contains(code));
        if may_name {
            hints.insert(hint(of));
        }
    }
    if hints.is_empty() { Ok(()) } else { sync::record(writer.ports(), writer.org(), &hints).await }
}

/// The hint that has a document looked at again.
const fn hint(of: DocumentRef) -> HintOf {
    match of.kind {
        DocumentKind::SalesInvoice | DocumentKind::Bill => HintOf::Invoice(of.id),
        _ => HintOf::Again(of),
    }
}

/// What has suppliers' papers looked at again that count one of these items otherwise now, each from a day on.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn by_units<P: Ports>(
    writer: &Writer<'_, P>,
    items: &BTreeMap<ItemId, Option<Date>>,
) -> Result<Vec<Write>, AppError> {
    let (store, org) = (writer.ports().store(), writer.org());
    let kinds: Vec<DocumentKind> =
        DocumentKind::ALL.into_iter().filter(|kind| counts_by_purchase_units(*kind)).collect();
    let mut documents = BTreeSet::new();
    for (item, from) in items {
        let from = from.unwrap_or(Date::MIN);
        documents.extend(documents_of(writer, *item, from, &kinds, PAGES_OF_ITEM_MAX).await?);
        for (_, line) in load::all::<OrderLine>(store, org, &List::OrderLines(*item)).await? {
            let line = line.content;
            let order = DocumentRef { kind: DocumentKind::PurchaseOrder, id: line.order };
            documents.extend((line.ordered_on >= from).then_some(order));
            // those whose goods came by receipts have moved none
            let bills = line.bills.iter().filter(|part| part.on >= from);
            documents.extend(bills.map(|part| DocumentRef { kind: DocumentKind::Bill, id: part.bill }));
        }
        if documents.len() > PAPERS_MAX {
            return Err(AppError::Reject(format!(
                "more than {PAPERS_MAX} papers would have to be read again: apply the units of fewer items at once, or say from which day on they hold"
            )));
        }
    }
    let since = writer.now();
    let documents: Vec<DocumentRef> = documents.into_iter().collect();
    let mut writes = Vec::new();
    for documents in documents.chunks(DOCUMENTS_PER_READ) {
        for (of, record) in documents.iter().zip(records(writer, documents.iter()).await?) {
            let Some(mut record) = record else { continue };
            record.content.unresolved = true;
            writes.push(record.write(Key::Document(*of)));
            writes.push(load::unguarded(Key::Hint(hint(*of)), WaitingHint { since, wake_at: None }));
        }
    }
    Ok(writes)
}

/// What the latest bill of the last [`LESSON_DAYS`] days but `except` teaches about an item.
///
/// # Errors
/// When the store does not answer or a figure does not fit.
pub(crate) async fn for_lesson<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    except: DocumentRef,
) -> Result<Option<Learned>, AppError> {
    let from = writer.clock().day_of(writer.now()).saturating_sub(LESSON_DAYS.days());
    let mut bills = bills_of(writer, item, from).await?;
    // those whose goods came by receipts have moved none
    for (_, line) in
        load::all::<OrderLine>(writer.ports().store(), writer.org(), &List::OrderLines(item)).await?
    {
        let met = line.content.bills.iter().filter(|part| part.on >= from);
        bills.extend(met.map(|part| DocumentRef { kind: DocumentKind::Bill, id: part.bill }));
    }
    bills.remove(&except);
    let mut latest: Option<Learned> = None;
    for record in records(writer, bills.iter()).await?.into_iter().flatten() {
        let record = record.content;
        let mut goods = Money::ZERO;
        for line in &record.lines {
            goods = goods.plus(line.cost.unwrap_or_default())?;
        }
        // lines without an item that are worth as much as the goods: an adjustment that comes to nothing
        if record.more == 0 && goods == record.uncountable {
            continue;
        }
        let units = Units::of(writer, BTreeSet::from([item]), record.contact).await?;
        for line in record.lines.iter().filter(|line| line.item == item && line.change > Quantity::ZERO) {
            let Some(cost) = line.cost.filter(|cost| *cost > Money::ZERO) else { continue };
            let lesson = Learned {
                supplier: record.contact,
                supplier_name: record.contact_name.clone(),
                quantity: line.change,
                net: cost,
                holds: units.on(item, record.contact, record.date).map(|unit| unit.holds),
                landed: BTreeMap::new(),
                from: record.of,
                on: record.date,
            };
            latest = Some(match latest.take() {
                Some(known) => known.later(lesson),
                None => lesson,
            });
        }
    }
    Ok(latest)
}

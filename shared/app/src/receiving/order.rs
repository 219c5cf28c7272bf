//! Orders of which goods may come in, with what came of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::audit::Hash;
use parstock_domain::document::{DocumentKind, DocumentRef, DocumentStatus, Item};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::goods_receipt::{
    GoodsReceipt, OrderedLine, ReceiptLine, ReceiptNumber, Request, Stage, by_code, expected, may_come,
};
use parstock_domain::ids::{ContactId, DocumentId, ItemId, OrgId};
use parstock_domain::ledger::{BilledPart, OrderLine, OtherGoods};
use parstock_domain::settings::Learned;
use uuid::Uuid;

use super::receipts;
use crate::contacts::Contacts;
use crate::error::AppError;
use crate::load;
use crate::ports::Ports;
use crate::records::{DocumentRecord, Key, List, MoreLines};
use crate::writer::Writer;

/// Approved orders that a list looks at; the latest of more.
const ORDERS_LOOKED_AT_MAX: usize = 200;
/// Rows that one read asks for.
const ROWS_PER_READ: usize = 500;

/// An order in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderHead {
    /// Its Xero id.
    pub id: DocumentId,
    /// Its number.
    pub number: String,
    /// The supplier's name.
    pub supplier_name: String,
    /// Its day.
    pub on: Date,
    /// When its goods are expected, if anyone said so.
    pub expected_on: Option<Date>,
    /// How many of its lines are still to come, at least in part.
    pub open_lines: usize,
}

/// An order of which goods may come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its Xero id.
    pub id: DocumentId,
    /// Its number.
    pub number: String,
    /// The supplier as it stands for it now.
    pub supplier: ContactId,
    /// The supplier's name.
    pub supplier_name: String,
    /// Its day.
    pub on: Date,
    /// Where it stands in Xero.
    pub status: DocumentStatus,
    /// Its lines with items.
    pub lines: Vec<OrderedLine>,
    /// Its goods receipts, by number.
    pub receipts: Vec<GoodsReceipt>,
    /// The bills that brought its lines in.
    pub bills: BTreeSet<DocumentRef>,
    /// A receipt of it that the ledger is still to book.
    pub unbooked: Option<ReceiptNumber>,
}

/// A goods receipt by the names that people use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRequest {
    /// The order's number.
    pub order: String,
    /// The day on which the goods came; today if it is left out.
    pub on: Option<Date>,
    /// The number on the supplier's delivery note; empty if there is none.
    pub slip: String,
    /// How much came, by item code; all that is expected if it is empty.
    pub items: Vec<(String, Quantity)>,
    /// Whether these goods were billed before they came.
    pub billed: bool,
    /// Whether nothing more comes of these lines.
    pub ends: bool,
}

/// What a person asks for by names.
///
/// # Errors
/// [`AppError::Reject`] when no order or no line of it is meant.
pub async fn resolve<P: Ports>(ports: &P, org: OrgId, named: &NamedRequest) -> Result<Request, AppError> {
    let order = order_named(ports, org, &named.order).await?;
    let mut quantities = Vec::new();
    for (code, quantity) in &named.items {
        quantities.extend(
            by_code(&order.lines, code, *quantity, named.billed)
                .map_err(|problem| AppError::Reject(problem.to_string()))?,
        );
    }
    if named.items.is_empty() {
        let expected = expected(&order.lines, named.billed).filter(|(_, quantity)| !quantity.is_zero());
        quantities.extend(expected.map(|(line, quantity)| (line.line, quantity)));
    }
    let on = match named.on {
        Some(on) => on,
        None => {
            let writer = Writer::open_unleased(ports, org).await?;
            writer.clock().day_of(writer.now())
        }
    };
    Ok(Request {
        order: order.id,
        on,
        slip: named.slip.clone(),
        quantities,
        billed: named.billed,
        ends: named.ends,
    })
}

impl Order {
    /// What a person was shown of it: with another hash something came or was ordered meanwhile.
    ///
    /// # Errors
    /// When it can't be written as JSON.
    pub fn contents(&self) -> Result<Hash, AppError> {
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|line| (line.line, line.item, line.ordered, line.received, line.billed))
            .collect();
        let receipts: Vec<_> =
            self.receipts.iter().map(|receipt| (receipt.number, receipt.stage.is_taken_in())).collect();
        Ok(Hash::of(&serde_json::to_vec(&(self.id, lines, receipts))?))
    }
}

/// The orders whose goods are still to come, the latest first, of the last [`ORDERS_LOOKED_AT_MAX`] that are approved.
///
/// # Errors
/// When the store does not answer.
pub async fn orders<P: Ports>(ports: &P, org: OrgId) -> Result<Vec<OrderHead>, AppError> {
    let writer = Writer::open_unleased(ports, org).await?;
    let mut records = order_records(&writer).await?;
    records.retain(|record| record.status == DocumentStatus::Authorised);
    records.sort_by(|a, b| (b.date, &b.number).cmp(&(a.date, &a.number)));
    records.truncate(ORDERS_LOOKED_AT_MAX);
    let mut heads = Vec::new();
    for record in records {
        let lines = order_lines(&writer, &record).await?;
        let mut open_lines = 0_usize;
        for line in &lines {
            open_lines = open_lines.saturating_add(usize::from(!line.open()?.is_zero()));
        }
        if open_lines > 0 {
            heads.push(OrderHead {
                id: record.of.id,
                number: record.number,
                supplier_name: record.contact_name,
                on: record.date,
                expected_on: lines.iter().filter_map(|line| line.expected_on).min(),
                open_lines,
            });
        }
    }
    Ok(heads)
}

/// The order with an id.
///
/// # Errors
/// [`AppError::Reject`] when there is none; when the store does not answer.
pub async fn order<P: Ports>(ports: &P, org: OrgId, id: DocumentId) -> Result<Order, AppError> {
    let writer = Writer::open_unleased(ports, org).await?;
    read(&writer, id).await
}

/// The order with a number; the latest of several that is not deleted.
///
/// # Errors
/// [`AppError::Reject`] when there is none; when the store does not answer.
pub async fn order_named<P: Ports>(ports: &P, org: OrgId, number: &str) -> Result<Order, AppError> {
    let writer = Writer::open_unleased(ports, org).await?;
    let mut records = order_records(&writer).await?;
    records.retain(|record| record.number == number);
    let latest = records.iter().max_by_key(|record| (may_come(record.status).is_ok(), record.date));
    let Some(record) = latest else {
        return Err(AppError::Reject(format!(
            "no order `{number}` is known: it may have been made in Xero since the last poll"
        )));
    };
    read(&writer, record.of.id).await
}

async fn order_records<P: Ports>(writer: &Writer<'_, P>) -> Result<Vec<DocumentRecord>, AppError> {
    // orders are the last kind of documents
    let first = DocumentRef { kind: DocumentKind::PurchaseOrder, id: DocumentId(Uuid::nil()) };
    let after = Some(Key::Document(first));
    let rows =
        load::all_after::<DocumentRecord>(writer.ports().store(), writer.owner(), &List::Documents, after);
    let rows = rows.await?.into_iter().map(|(_, row)| row.content);
    Ok(rows.filter(|record| record.of.kind == DocumentKind::PurchaseOrder).collect())
}

/// The order lines of an order, in its order.
async fn order_lines<P: Ports>(
    writer: &Writer<'_, P>,
    record: &DocumentRecord,
) -> Result<Vec<OrderLine>, AppError> {
    let store = writer.ports().store();
    let mut booked = record.lines.clone();
    if record.more > 0 {
        let list = List::DocumentLines(record.of);
        let more = load::all::<MoreLines>(store, writer.org(), &list).await?;
        booked.extend(more.into_iter().flat_map(|(_, row)| row.content.lines));
    }
    let keys: Vec<Key> =
        booked.iter().map(|line| Key::OrderLine(line.item, record.of.id, line.line)).collect();
    let mut lines = Vec::new();
    for keys in keys.chunks(ROWS_PER_READ) {
        let rows = load::many::<OrderLine>(store, writer.owner(), keys).await?;
        lines.extend(rows.into_iter().flatten().map(|row| row.content));
    }
    // one that left the order stays as long as something came of it
    lines.retain(|line| !(line.ordered.is_zero() && line.received.is_zero()));
    Ok(lines)
}

/// An order with what came of it.
pub(super) async fn read<P: Ports>(writer: &Writer<'_, P>, id: DocumentId) -> Result<Order, AppError> {
    let store = writer.ports().store();
    let of = DocumentRef { kind: DocumentKind::PurchaseOrder, id };
    let record = load::one::<DocumentRecord>(store, writer.owner(), Key::Document(of)).await?;
    let Some(record) = record.map(|record| record.content) else {
        return Err(AppError::Reject("there is no such order".to_owned()));
    };
    let order_lines = order_lines(writer, &record).await?;
    let contacts = Contacts::of(writer.ports(), writer.org(), BTreeSet::from([record.contact])).await?;
    let supplier = contacts.present(record.contact);
    let mut receipts = receipts(writer).await?;
    receipts.retain(|receipt| receipt.order == id);
    let items: BTreeSet<ItemId> = order_lines.iter().map(|line| line.item).collect();
    let keys: Vec<Key> = items.iter().map(|item| Key::Item(*item)).collect();
    let masters = load::many::<Item>(store, writer.owner(), &keys).await?.into_iter().flatten();
    let masters: BTreeMap<ItemId, Item> = masters.map(|row| (row.content.id, row.content)).collect();
    let mut lessons: BTreeMap<ItemId, Learned> = BTreeMap::new();
    let keys: Vec<Key> = items.iter().map(|item| Key::Supply(*item)).collect();
    for (item, row) in items.iter().zip(load::many::<Learned>(store, writer.owner(), &keys).await?) {
        lessons.extend(row.map(|row| (*item, row.content)));
    }
    let mut lines = Vec::new();
    for line in &order_lines {
        let master = masters.get(&line.item);
        let learned = lessons.get(&line.item).map(|lesson| lesson.price_of(Quantity::ONE)).transpose()?;
        let price = master.and_then(|item| item.purchase_price);
        let price = price.map(|price| match &line.unit {
            Some(unit) => unit.price_to_base(price),
            None => Ok(price),
        });
        lines.push(OrderedLine {
            line: line.line,
            item: line.item,
            code: master.map(|item| item.code.clone()).unwrap_or_default(),
            name: master.map(|item| item.name.clone()).unwrap_or_default(),
            ordered: line.ordered,
            received: line.received,
            billed: line.billed,
            bills: bills_of(line)?,
            unreceived: line.unreceived()?,
            open: line.open()?,
            net: line.net,
            last_cost: learned.or(price.transpose()?).unwrap_or(Money::ZERO),
            unit: line.unit.clone(),
            unmatched_bills: Vec::new(),
        });
    }
    let bills = order_lines.iter().flat_map(|line| &line.bills);
    let bills = bills.map(|part| DocumentRef { kind: DocumentKind::Bill, id: part.bill }).collect();
    let unbooked = unbooked(writer.org(), &receipts, &order_lines);
    Ok(Order {
        id,
        unbooked,
        number: record.number,
        supplier,
        supplier_name: record.contact_name,
        on: record.date,
        status: record.status,
        lines,
        receipts,
        bills,
    })
}

/// The lines of bills behind an order line, each with how much of it no receipt has met.
fn bills_of(line: &OrderLine) -> Result<Vec<(OtherGoods, Quantity)>, AppError> {
    let unreceived = line.meet()?.unreceived;
    let left = |part: &BilledPart| {
        let of_part = unreceived.iter().find(|left| (left.bill, left.line) == (part.bill, part.line));
        of_part.map(|left| left.quantity).unwrap_or_default()
    };
    let goods = |part: &BilledPart| OtherGoods { bill: part.bill, line: part.line, quantity: part.quantity };
    Ok(line.bills.iter().map(|part| (goods(part), left(part))).collect())
}

/// The receipt that the ledger has not booked, or not taken back yet.
fn unbooked(org: OrgId, receipts: &[GoodsReceipt], lines: &[OrderLine]) -> Option<ReceiptNumber> {
    let is_under_way = |receipt: &&GoodsReceipt| {
        let id = receipt.of(org).id;
        // of a line that has another item now nothing can be told
        let is_of = |of: &ReceiptLine, line: &&OrderLine| (line.line, line.item) == (of.line, of.item);
        let mut parts = receipt.lines.iter().filter_map(|of| lines.iter().find(|line| is_of(of, line)));
        match receipt.stage {
            Stage::TakenIn { .. } => !parts.all(|line| line.receipts.iter().any(|part| part.receipt == id)),
            Stage::TakenBack { .. } => parts.any(|line| line.receipts.iter().any(|part| part.receipt == id)),
            Stage::Waiting | Stage::Rejected { .. } => false,
        }
    };
    receipts.iter().find(is_under_way).map(|receipt| receipt.number)
}

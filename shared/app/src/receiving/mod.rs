//! Goods receipts: a person says what came in of an order. The ledger takes it in, Xero gets a draft of its bill.

mod book;
mod make;
mod order;

pub(crate) use book::book;
pub use make::{Decision, decide, make, take_back};
pub use order::{NamedRequest, Order, OrderHead, order, order_named, orders, resolve};

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use parstock_domain::document::{DocumentRef, DocumentStatus};
use parstock_domain::goods_receipt::{self, GoodsReceipt, ReceiptNumber};
use parstock_domain::ids::{OrgId, derived};

use crate::error::AppError;
use crate::load::{self, Versioned, unguarded};
use crate::ports::{Ports, Write};
use crate::records::{DocumentRecord, Key, List, Review, ReviewKind};
use crate::writer::Writer;

/// Days that lists of goods receipts go back.
pub const LOOKED_BACK_DAYS: i64 = 400;
/// The same as a time.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(24 * LOOKED_BACK_DAYS);

/// The goods receipts of the last [`LOOKED_BACK_DAYS`], the latest first.
///
/// # Errors
/// When the store does not answer.
pub async fn all<P: Ports>(ports: &P, org: OrgId) -> Result<Vec<GoodsReceipt>, AppError> {
    let writer = Writer::open_unleased(ports, org).await?;
    Ok(receipts(&writer).await?.into_iter().rev().collect())
}

/// The goods receipts of the last [`LOOKED_BACK_DAYS`], by number.
async fn receipts<P: Ports>(writer: &Writer<'_, P>) -> Result<Vec<GoodsReceipt>, AppError> {
    let from = writer.now().saturating_sub(LOOKED_BACK).unwrap_or(Timestamp::MIN);
    let after = Some(Key::GoodsReceipt(ReceiptNumber { on: writer.clock().day_of(from), index: 0 }));
    let rows = load::all_after(writer.ports().store(), writer.owner(), &List::GoodsReceipts, after).await?;
    Ok(rows.into_iter().map(|(_, row)| row.content).collect())
}

/// A goods receipt that must be there.
pub(crate) async fn receipt<P: Ports>(
    writer: &Writer<'_, P>,
    number: ReceiptNumber,
) -> Result<Versioned<GoodsReceipt>, AppError> {
    let key = Key::GoodsReceipt(number);
    let receipt = load::one::<GoodsReceipt>(writer.ports().store(), writer.owner(), key).await?;
    receipt
        .ok_or_else(|| AppError::Reject(format!("there is no goods receipt {}", goods_receipt::name(number))))
}

/// The key of a question about a goods receipt.
pub(crate) fn question_key(kind: ReviewKind, number: ReceiptNumber) -> Key {
    Key::Review(derived("review", &[kind.code(), &number.to_string()]))
}

/// Asks to delete the bill that we wrote for a receipt, as long as it is there.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn delete_bill<P: Ports>(
    writer: &Writer<'_, P>,
    receipt: &GoodsReceipt,
    bill: DocumentRef,
    why: &str,
) -> Result<Option<Write>, AppError> {
    let record =
        load::one::<DocumentRecord>(writer.ports().store(), writer.owner(), Key::Document(bill)).await?;
    let Some(record) = record.map(|record| record.content) else { return Ok(None) };
    let what = match record.status {
        DocumentStatus::Draft | DocumentStatus::Submitted => "delete it there",
        DocumentStatus::Authorised | DocumentStatus::Paid => "void it there",
        _ => return Ok(None),
    };
    let text = format!(
        "{why} Bill {} to {}, which parstock wrote, is in Xero: {what}.",
        record.number, receipt.supplier_name
    );
    let (kind, since) = (ReviewKind::ReceiptBill, writer.now());
    let review = Review { kind, since, item: None, document: Some(bill), text, codes: BTreeSet::new() };
    Ok(Some(unguarded(question_key(kind, receipt.number), review)))
}

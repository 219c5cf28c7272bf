//! What is booked of the purchases that a voucher names.

use std::collections::{BTreeMap, BTreeSet};

use parstock_domain::document::{DocumentKind, DocumentRef, Item};
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::{ItemId, LineId};
use parstock_domain::landed::{self, Purchase, Received, Request};
use parstock_domain::ledger::BookedLine;

use super::purchases::brings_goods;
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::Ports;
use crate::records::{DocumentRecord, Key, List, MoreLines};
use crate::writer::Writer;

/// Purchases that a voucher names, as they are booked.
pub(super) struct Known {
    pub purchases: BTreeMap<DocumentRef, Versioned<Purchase>>,
    pub received: BTreeMap<(DocumentRef, LineId), Received>,
}

impl Known {
    /// Of what a request names.
    pub async fn of<P: Ports>(writer: &Writer<'_, P>, request: &Request) -> Result<Self, AppError> {
        let charges = request.charges.iter().map(|charge| charge.of).collect();
        let receipts = request.receipts.iter().map(|receipt| receipt.of).collect();
        Ok(Self {
            purchases: purchases(writer, &charges).await?,
            received: received(writer, &receipts).await?,
        })
    }

    pub fn contents(&self) -> BTreeMap<DocumentRef, Purchase> {
        self.purchases.iter().map(|(of, row)| (*of, row.content.clone())).collect()
    }
}

/// The purchases as they are booked.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn headers<P: Ports>(
    writer: &Writer<'_, P>,
    of: &BTreeSet<DocumentRef>,
) -> Result<Vec<DocumentRecord>, AppError> {
    let keys: Vec<Key> = of.iter().map(|of| Key::Document(*of)).collect();
    let rows = load::many::<DocumentRecord>(writer.ports().store(), writer.owner(), &keys).await?;
    Ok(rows.into_iter().flatten().map(|row| row.content).collect())
}

/// The purchases' rows.
///
/// # Errors
/// When the store does not answer.
pub(super) async fn purchases<P: Ports>(
    writer: &Writer<'_, P>,
    of: &BTreeSet<DocumentRef>,
) -> Result<BTreeMap<DocumentRef, Versioned<Purchase>>, AppError> {
    let headers = headers(writer, of).await?;
    let keys: Vec<Key> = headers.iter().map(|header| Key::Purchase(header.date, header.of)).collect();
    let rows = load::many::<Purchase>(writer.ports().store(), writer.owner(), &keys).await?;
    Ok(rows.into_iter().flatten().map(|row| (row.content.of, row)).collect())
}

/// The lines of purchases that brought goods in.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn received<P: Ports>(
    writer: &Writer<'_, P>,
    of: &BTreeSet<DocumentRef>,
) -> Result<BTreeMap<(DocumentRef, LineId), Received>, AppError> {
    let store = writer.ports().store();
    let mut lines: Vec<(DocumentRef, String, BookedLine)> = Vec::new();
    for header in headers(writer, of).await? {
        if !brings_goods(header.of.kind) {
            continue;
        }
        let mut booked = header.lines;
        if header.more > 0 {
            let list = List::DocumentLines(header.of);
            let more = load::all::<MoreLines>(store, writer.org(), &list).await?;
            booked.extend(more.into_iter().flat_map(|(_, row)| row.content.lines));
        }
        booked.retain(|line| line.moves().is_ok_and(|moves| moves > Quantity::ZERO));
        let name = landed::name(header.of.kind, &[&header.number], header.date);
        lines.extend(booked.into_iter().map(|line| (header.of, name.clone(), line)));
    }
    let items: BTreeSet<ItemId> = lines.iter().map(|(_, _, line)| line.item).collect();
    let keys: Vec<Key> = items.into_iter().map(Key::Item).collect();
    let masters = load::many::<Item>(store, writer.owner(), &keys).await?;
    let masters: BTreeMap<ItemId, Item> =
        masters.into_iter().flatten().map(|row| (row.content.id, row.content)).collect();
    let mut received = BTreeMap::new();
    for (of, number, line) in lines {
        let master = masters.get(&line.item);
        let tracked = master.is_some_and(|item| item.tracked);
        if tracked && of.kind == DocumentKind::GoodsReceipt {
            // it is in Xero's stock by its bill alone
            continue;
        }
        let there = Received {
            number,
            item: line.item,
            code: master.map(|item| item.code.clone()).unwrap_or_default(),
            tracked,
            on: line.effective_on,
            quantity: line.moves()?,
            value: line.priced.or(line.cost).unwrap_or(line.value),
            account: line.account,
        };
        received.insert((of, line.line), there);
    }
    Ok(received)
}

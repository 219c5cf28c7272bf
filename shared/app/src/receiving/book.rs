//! Booking a goods receipt as it stands: a document of ours, whose state is what the ledger should have booked.

use std::collections::{BTreeMap, BTreeSet};

use parstock_domain::event::Source;
use parstock_domain::goods_receipt::ReceiptNumber;
use parstock_domain::ids::{ItemId, OrgId};

use super::receipt;
use crate::booking::{self, Outcome};
use crate::error::AppError;
use crate::load;
use crate::message::{Message, PLAN_ITEMS_MAX};
use crate::ports::Ports;
use crate::records::{DocumentRecord, Key};
use crate::send::send_now;
use crate::sync::touch;
use crate::writer::Writer;

/// Brings the ledger to what a goods receipt says now.
///
/// # Errors
/// [`AppError::NotNow`] while another worker holds the org; when the store does not answer.
pub(crate) async fn book<P: Ports>(ports: &P, org: OrgId, number: ReceiptNumber) -> Result<(), AppError> {
    let standing = Writer::open_unleased(ports, org).await?;
    let Some(document) = receipt(&standing, number).await?.content.document(org) else { return Ok(()) };
    let key = Key::Document(document.of);
    let record = load::one::<DocumentRecord>(ports.store(), standing.owner(), key).await?;
    let is_booked = |record: &DocumentRecord| record.progress.is_none() && record.status == document.status;
    if record.is_some_and(|record| is_booked(&record.content)) {
        return Ok(());
    }
    let mut writer = Writer::open(ports, org).await?;
    let result = book_now(&mut writer, number).await;
    writer.close().await;
    let (items, outcome) = result?;
    for items in items.chunks(PLAN_ITEMS_MAX) {
        send_now(ports, Message::Plan { org, items: items.to_vec() }).await?;
    }
    if !outcome.crossed.is_empty() {
        send_now(ports, Message::Alerts { org }).await?;
    }
    Ok(())
}

async fn book_now<P: Ports>(
    writer: &mut Writer<'_, P>,
    number: ReceiptNumber,
) -> Result<(Vec<ItemId>, Outcome), AppError> {
    let org = writer.org();
    let receipt = receipt(writer, number).await?.content;
    let Some(document) = receipt.document(org) else { return Ok((Vec::new(), Outcome::default())) };
    let items: BTreeSet<ItemId> = receipt.lines.iter().map(|line| line.item).collect();
    touch(writer, items.clone()).await?;
    let outcome = booking::book(writer, &document, &BTreeMap::new(), Source::Person, None).await?;
    Ok((items.into_iter().collect(), outcome))
}

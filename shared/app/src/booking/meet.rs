//! Where goods receipts and bills of an order line have goods in common: the receipts move them, the bills price them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::civil::Date;
use parstock_domain::document::{DocumentKind, DocumentRef};
use parstock_domain::fixed::{FixedError, Money, Quantity};
use parstock_domain::goods_receipt::{self, BillFate, GoodsReceipt};
use parstock_domain::ids::{DocumentId, ItemId, LineId};
use parstock_domain::ledger::arrival::{Billed, Meeting, ReceivedPart, may_meet};
use parstock_domain::ledger::{LineChange, OrderLine};

use super::items::Items;
use super::pending::is_booked;
use super::rows::Loaded;
use super::step::Step;
use crate::error::AppError;
use crate::load::{self, removal};
use crate::ports::{Ports, Write};
use crate::receiving;
use crate::records::{DocumentRecord, Key, ReviewKind};
use crate::writer::Writer;

/// Rows that another paper adds at most whose goods a change meets: two movements and what balances them, its booked
/// lines, and a question.
pub(super) const ROWS_PER_MET_MAX: usize = 6;

/// How far a change may reach by the goods that it has in common with other papers.
#[derive(Default)]
pub(super) struct Reach {
    /// How many papers.
    pub(super) papers: usize,
    /// The first day of any of them.
    pub(super) from: Option<Date>,
}

/// A line's goods by the order lines that they are of.
struct Parts<'a> {
    item: ItemId,
    change: Quantity,
    cost: Option<Money>,
    billed: &'a [Billed],
}

impl Parts<'_> {
    /// How much of a paper's line moves with other papers, and what the rest costs where that is not what the paper says.
    fn met(
        &self,
        of: DocumentRef,
        line: LineId,
        is_tracked: bool,
        items: &Items,
    ) -> Result<(Quantity, Option<Money>), FixedError> {
        let is_receipt = of.kind == DocumentKind::GoodsReceipt;
        let lines =
            self.billed.iter().filter_map(|part| items.find_order_line(self.item, part.order, part.line));
        let mut received = lines.flat_map(|line| &line.receipts).filter(|part| part.receipt == of.id);
        // what Xero counts with its bill stays so, whose book the item is in since
        if is_tracked || is_receipt && received.any(|part| part.with_bill) {
            return Ok((if is_receipt { self.change } else { Quantity::ZERO }, None));
        }
        let cost = self.cost.unwrap_or_default();
        let (mut elsewhere, mut left) = (Quantity::ZERO, cost);
        for part in self.billed {
            let Some(order_line) = items.find_order_line(self.item, part.order, part.line) else { continue };
            let Meeting { of_bills, of_receipts, .. } = order_line.meet()?;
            if is_receipt {
                left = of_receipts.get(&of.id).map_or(cost, |(_, cost)| *cost);
            } else if let Some((quantity, net)) = of_bills.get(&(of.id, line)) {
                (elsewhere, left) = (elsewhere.plus(*quantity)?, left.minus(*net)?);
            }
        }
        let is_otherwise = left != cost || !elsewhere.is_zero();
        Ok((elsewhere, is_otherwise.then_some(left)))
    }
}

impl Step<'_> {
    /// How far a change may reach by the goods that it has in common with goods receipts or bills.
    pub(super) fn reach(&self, change: &LineChange, items: &Items) -> Reach {
        let before = change.before.as_ref();
        // a line that is booked, with its order, is not looked at again
        if is_booked(change) && before.is_some_and(|before| !before.billed.is_empty()) {
            return Reach::default();
        }
        let order_lines: Vec<OrderLine> = change
            .items()
            .flat_map(|item| items.orders.get(&item).into_iter().flatten())
            .map(|line| line.content.clone())
            .collect();
        let lines: Vec<&OrderLine> = match self.document.of.kind {
            DocumentKind::GoodsReceipt => {
                order_lines.iter().filter(|line| line.line == change.line).collect()
            }
            DocumentKind::Bill => {
                let billed = before.map(|before| before.billed.as_slice()).unwrap_or_default();
                may_meet(self.document, self.description(change.line), self.our_order(), billed, &order_lines)
            }
            _ => Vec::new(),
        };
        if lines.is_empty() {
            return Reach::default();
        }
        let days = lines.iter().flat_map(|line| {
            let receipts = line.receipts.iter().map(|part| part.on);
            receipts.chain(line.bills.iter().map(|part| part.on))
        });
        let own = before.map(|before| before.effective_on);
        let own = own.into_iter().chain(change.after.as_ref().map(|after| after.effective_on));
        Reach {
            papers: lines.iter().map(|line| line.receipts.len() + line.bills.len()).sum(),
            from: days.chain(own).min(),
        }
    }

    /// Sees what a change has in common with other papers: what of it moves with them stands in `change` afterwards. Answers what changes
    /// by it of lines of the others, or of other lines of the same document.
    pub(super) async fn meet<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        change: &mut LineChange,
        billed: &[Billed],
        items: &Items,
        loaded: &Loaded,
        others: &mut BTreeMap<DocumentRef, Loaded>,
    ) -> Result<Vec<(DocumentRef, LineChange)>, AppError> {
        if !matches!(self.document.of.kind, DocumentKind::GoodsReceipt | DocumentKind::Bill) {
            return Ok(Vec::new());
        }
        let of = self.document.of;
        let before = change.before.as_ref();
        let mut touched: BTreeMap<(ItemId, DocumentId, LineId), &OrderLine> = BTreeMap::new();
        for (item, parts) in [
            (
                before.map(|before| before.item),
                before.map(|before| before.billed.as_slice()).unwrap_or_default(),
            ),
            (change.after.as_ref().map(|after| after.item), billed),
        ] {
            let Some(item) = item else { continue };
            for part in parts {
                if let Some(line) = items.find_order_line(item, part.order, part.line) {
                    touched.insert((item, part.order, part.line), line);
                }
            }
        }
        if let Some(after) = &mut change.after {
            let is_tracked = items.stocks.get(&after.item).is_some_and(|stock| stock.position.tracked);
            let parts = Parts { item: after.item, change: after.change, cost: after.cost, billed };
            (after.elsewhere, after.priced) = parts.met(of, change.line, is_tracked, items)?;
        }
        let mut met = Vec::new();
        for ((item, ..), order_line) in touched {
            // Xero's book has no receipts
            if items.stocks.get(&item).is_some_and(|stock| stock.position.tracked) {
                continue;
            }
            let bills = order_line
                .bills
                .iter()
                .map(|part| (DocumentRef { kind: DocumentKind::Bill, id: part.bill }, part.line));
            let receipts = order_line.receipts.iter().map(|part| {
                (DocumentRef { kind: DocumentKind::GoodsReceipt, id: part.receipt }, order_line.line)
            });
            for (other, line) in bills.chain(receipts) {
                let is_known = met
                    .iter()
                    .any(|(of, change): &(DocumentRef, LineChange)| *of == other && change.line == line);
                if is_known || other == of && line == change.line {
                    continue;
                }
                let document = match other == of {
                    true => loaded,
                    false => match others.entry(other) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(unknown) => unknown.insert(Loaded::read(writer, other).await?),
                    },
                };
                let Some(standing) = document.line(line).filter(|standing| standing.item == item) else {
                    continue;
                };
                let parts =
                    Parts { item, change: standing.change, cost: standing.cost, billed: &standing.billed };
                let (elsewhere, priced) = parts.met(other, line, false, items)?;
                if (elsewhere, priced) != (standing.elsewhere, standing.priced) {
                    let after = Some(standing.met(elsewhere, priced));
                    met.push((other, LineChange { line, before: Some(standing.clone()), after }));
                }
            }
        }
        Ok(met)
    }

    /// Keeps what a goods receipt brought in of its order line.
    pub(super) fn receive(&self, change: &LineChange, items: &mut Items) -> Result<Vec<Billed>, AppError> {
        let receipt = self.document.of.id;
        let after = change.after.as_ref().filter(|after| after.change > Quantity::ZERO);
        let Some(item) = change.items().next() else { return Ok(Vec::new()) };
        let with_bill = items.stocks.get(&item).is_some_and(|stock| stock.position.tracked);
        let missing =
            || AppError::Bug(format!("a line of {} is not kept with its order", self.document.number));
        let said = self.receipt.and_then(|receipt| {
            let line = receipt.lines.iter().find(|of| of.line == change.line)?;
            Some((line.others.clone(), receipt.ends))
        });
        let mut lines = items.orders.get_mut(&item).into_iter().flatten();
        let standing = lines.find(|standing| standing.content.line == change.line).ok_or_else(missing)?;
        let part = match after {
            None => None,
            Some(after) => {
                let (others, ends) = said.ok_or_else(missing)?;
                Some(ReceivedPart {
                    receipt,
                    on: after.effective_on,
                    quantity: after.change,
                    cost: after.cost.unwrap_or_default(),
                    others,
                    ends,
                    with_bill,
                })
            }
        };
        standing.content.receive(receipt, part)?;
        let order = standing.content.order;
        items.changed_orders.insert((item, order, change.line));
        let part = after.map(|after| Billed { order, line: change.line, quantity: after.change });
        Ok(part.into_iter().collect())
    }

    /// What a bill answers or asks about the bill that we wrote for a receipt with whose goods it has to do.
    pub(super) async fn receipt_question<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        of: DocumentRef,
        items: &Items,
    ) -> Result<Option<Write>, AppError> {
        let store = writer.ports().store();
        if self.document.of.kind != DocumentKind::Bill {
            return Ok(None);
        }
        let met = load::one::<DocumentRecord>(store, writer.owner(), Key::Document(of)).await?;
        let number = met.and_then(|met| goods_receipt::number_of(&met.content.number));
        let Some(number) = number else { return Ok(None) };
        let receipt = load::one::<GoodsReceipt>(store, writer.owner(), Key::GoodsReceipt(number)).await?;
        let Some(receipt) = receipt.map(|receipt| receipt.content) else { return Ok(None) };
        let question = receiving::question_key(ReviewKind::ReceiptBill, number);
        let Some(BillFate::Written { bill }) = receipt.bill else {
            let is_billed = self.is_billed(writer, &receipt, items).await?;
            return Ok(is_billed.then(|| removal(question)));
        };
        if bill == self.document.of.id {
            return Ok(None);
        }
        if !self.document.status.moves_stock() {
            return Ok(Some(removal(question)));
        }
        let ours = DocumentRef { kind: DocumentKind::Bill, id: bill };
        let why = format!(
            "Bill {} of {} is for goods that receipt {} took in.",
            self.document.number,
            self.document.contact_name,
            goods_receipt::name(number)
        );
        receiving::delete_bill(writer, &receipt, ours, &why).await
    }

    /// Whether bills have come for all goods of a receipt, those of this commit included.
    async fn is_billed<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        receipt: &GoodsReceipt,
        items: &Items,
    ) -> Result<bool, AppError> {
        let id = receipt.of(writer.org()).id;
        for line in &receipt.lines {
            let of_commit = items.find_order_line(line.item, receipt.order, line.line).cloned();
            let order_line = match of_commit {
                Some(order_line) => Some(order_line),
                None => {
                    let key = Key::OrderLine(line.item, receipt.order, line.line);
                    let row = load::one::<OrderLine>(writer.ports().store(), writer.owner(), key).await?;
                    row.map(|row| row.content)
                }
            };
            let meeting = order_line.map(|line| line.meet()).transpose()?.unwrap_or_default();
            let billed = meeting.of_receipts.get(&id).map(|(billed, _)| *billed).unwrap_or_default();
            if billed < line.quantity {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Items {
    /// The receipts with whose goods a change of a bill has to do: those that its order lines' bills have met, and had met before it.
    pub(super) fn receipts_billed(
        &self,
        change: &LineChange,
        billed: &[Billed],
    ) -> Result<Vec<DocumentRef>, FixedError> {
        let before = change.before.as_ref().map(|before| before.billed.as_slice()).unwrap_or_default();
        let mut found = Vec::new();
        for (parts, had_met) in [(billed, false), (before, true)] {
            let of_items = change.items().flat_map(|item| parts.iter().map(move |part| (item, part)));
            let lines = of_items.filter_map(|(item, part)| self.find_order_line(item, part.order, part.line));
            for line in lines.filter(|line| !line.receipts.is_empty()) {
                let meeting = line.meet()?;
                let is_met = |receipt: &DocumentId| {
                    had_met || meeting.of_receipts.get(receipt).is_some_and(|(met, _)| !met.is_zero())
                };
                let receipts = line.receipts.iter().map(|part| part.receipt).filter(is_met);
                found.extend(receipts.map(|id| DocumentRef { kind: DocumentKind::GoodsReceipt, id }));
            }
        }
        Ok(found)
    }
}

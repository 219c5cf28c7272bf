//! Which order lines the lines of a bill bring in, and what they teach.

use parstock_domain::document::DocumentKind;
use parstock_domain::fixed::{FixedError, Quantity};
use parstock_domain::ids::{DocumentId, ItemId, LineId};
use parstock_domain::ledger::arrival::{Arrival, Billed, BilledPart, match_bill_line, match_named};
use parstock_domain::ledger::booking::DesiredLine;
use parstock_domain::ledger::{BookedLine, LineChange, OrderLine};
use parstock_domain::settings::Learned;

use super::items::Items;
use super::pending::is_booked;
use super::rows::Loaded;
use super::step::Step;
use crate::error::AppError;
use crate::load::{Versioned, removal};
use crate::ports::{Ports, Write};
use crate::records::{Key, ReviewKind};
use crate::writer::Writer;

impl Step<'_> {
    /// Whether the document's lines stand on order lines.
    pub(super) const fn names_orders(&self) -> bool {
        matches!(
            self.document.of.kind,
            DocumentKind::GoodsReceipt | DocumentKind::Bill | DocumentKind::PurchaseOrder
        )
    }

    /// The text of a line.
    pub(super) fn description(&self, line: LineId) -> &str {
        let line = self.document.lines.iter().find(|of| of.id == line);
        line.map(|line| line.description.as_str()).unwrap_or_default()
    }

    /// The order that we wrote the bill for.
    pub(super) fn our_order(&self) -> Option<DocumentId> {
        self.receipt.map(|receipt| receipt.order)
    }

    /// Matches a bill line to the order lines that it brings in, and learns from it.
    pub(super) fn arrive<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        change: &LineChange,
        items: &mut Items,
        writes: &mut Vec<Write>,
    ) -> Result<Vec<Billed>, AppError> {
        match self.document.of.kind {
            DocumentKind::Bill => {}
            DocumentKind::GoodsReceipt => return self.receive(change, items),
            _ => return Ok(Vec::new()),
        }
        // a question about an earlier booking of the line ends with it
        let asked = Key::Review(self.review_id(ReviewKind::UnclearArrival, &change.line.to_string()));
        let ended = change.before.is_some().then(|| removal(asked));
        if let Some(before) = &change.before {
            for part in &before.billed {
                items.unbill(before.item, part, self.document.of.id, change.line)?;
            }
            items.forget(before.item, self.document.of);
        }
        let Some(after) = change.after.as_ref().filter(|after| after.change > Quantity::ZERO) else {
            writes.extend(ended);
            return Ok(Vec::new());
        };
        let line = self.document.lines.iter().find(|line| line.id == change.line);
        let description = self.description(change.line);
        let ours = self.our_order();
        if let Some(lesson) = line.map(|line| Learned::from_line(self.document, line)).transpose()?.flatten()
        {
            items.learn(after.item, change.line, lesson);
        }
        let open: Vec<OrderLine> = items
            .orders
            .get(&after.item)
            .map(|lines| lines.iter().map(|line| line.content.clone()).collect())
            .unwrap_or_default();
        let arrival = if let Some(recounted) = self.recounted(change, after)? {
            Arrival::Of(recounted, Vec::new())
        } else if is_booked(change) && !self.may_guess {
            let named = match_named(self.document, description, ours, after.change, &open)?;
            if named.is_empty() {
                return Ok(named);
            }
            Arrival::Of(named, Vec::new())
        } else {
            match_bill_line(self.document, description, ours, after.change, &open)?
        };
        match arrival {
            Arrival::Of(billed, unclear) => {
                let (mut left, mut net) = (after.change, after.cost.unwrap_or_default());
                for part in &billed {
                    let of_part = net.part(part.quantity, left)?;
                    (left, net) = (left.minus(part.quantity)?, net.minus(of_part)?);
                    let billed = BilledPart {
                        bill: self.document.of.id,
                        line: change.line,
                        on: after.effective_on,
                        quantity: part.quantity,
                        net: of_part,
                    };
                    items.bill(after.item, part, billed)?;
                }
                match unclear.is_empty() {
                    true if left.is_zero() => writes.extend(ended),
                    // what was asked about the rest stands
                    true => {}
                    false => writes.push(self.unclear(writer, change.line, after.item, left, &unclear)),
                }
                Ok(billed)
            }
            Arrival::Unordered => {
                writes.extend(ended);
                Ok(Vec::new())
            }
            Arrival::Unclear(numbers) => {
                writes.push(self.unclear(writer, change.line, after.item, after.change, &numbers));
                Ok(Vec::new())
            }
        }
    }

    /// The order lines that a line brings in whose paper says what it said, and counts by another unit now: those of before.
    fn recounted(&self, change: &LineChange, after: &DesiredLine) -> Result<Option<Vec<Billed>>, FixedError> {
        let is_recounted = |before: &&BookedLine| {
            self.same_paper
                && !before.billed.is_empty()
                && (before.item, before.cost) == (after.item, after.cost)
        };
        let Some(before) = change.before.as_ref().filter(is_recounted) else { return Ok(None) };
        let (mut of_before, mut left) = (Quantity::ZERO, after.change);
        for part in &before.billed {
            of_before = of_before.plus(part.quantity)?;
        }
        // what of the line was of no order stays of none
        if of_before != before.change {
            left = left.part(of_before, before.change)?;
        }
        let mut parts = Vec::with_capacity(before.billed.len());
        for part in &before.billed {
            let quantity = left.part(part.quantity, of_before)?;
            (left, of_before) = (left.minus(quantity)?, of_before.minus(part.quantity)?);
            parts.push(Billed { quantity, ..*part });
        }
        Ok(Some(parts))
    }

    /// The question of which order a bill brings goods in.
    fn unclear<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        line: LineId,
        item: ItemId,
        quantity: Quantity,
        numbers: &[String],
    ) -> Write {
        let text = format!(
            "Bill {} of {} brings {quantity} of an item that is open on several orders ({}). The stock is booked. Name the order's number in the bill's reference, so that the right order is closed.",
            self.document.number,
            self.document.contact_name,
            numbers.join(", ")
        );
        self.review(writer, ReviewKind::UnclearArrival, &line.to_string(), Some(item), text)
    }

    /// What the bill's lines still teach about an item of which a line was taken back.
    pub(super) fn still_taught(
        &self,
        loaded: &Loaded,
        item: ItemId,
    ) -> Result<Option<(LineId, Learned)>, FixedError> {
        for booked in loaded.booked().iter().filter(|line| line.item == item && line.change > Quantity::ZERO)
        {
            let line = self.document.lines.iter().find(|line| line.id == booked.line);
            if let Some(lesson) =
                line.map(|line| Learned::from_line(self.document, line)).transpose()?.flatten()
            {
                return Ok(Some((booked.line, lesson)));
            }
        }
        Ok(None)
    }

    /// Keeps the order line that stands for a line of a purchase order.
    pub(super) fn order(
        &self,
        line: &BookedLine,
        change: &LineChange,
        items: &mut Items,
    ) -> Result<(), FixedError> {
        if self.document.of.kind != DocumentKind::PurchaseOrder {
            return Ok(());
        }
        let price = self.document.lines.iter().find(|wanted| wanted.id == line.line);
        if let Some(before) = change.before.as_ref().filter(|before| before.item != line.item) {
            if let Some(standing) = items.order_line(before.item, self.document.of.id, line.line) {
                standing.content.ordered = Quantity::ZERO;
            }
            items.changed_orders.insert((before.item, self.document.of.id, line.line));
        }
        let fresh = OrderLine {
            order: self.document.of.id,
            line: line.line,
            item: line.item,
            number: self.document.number.clone(),
            supplier: self.document.contact,
            status: self.document.status,
            ordered_on: self.document.date,
            expected_on: self.document.expected_on,
            ordered: line.ordered,
            received: Quantity::ZERO,
            billed: Quantity::ZERO,
            unit_price: price.map(|line| line.unit_amount).unwrap_or_default(),
            unit: price.and_then(|line| line.unit.clone()),
            net: price.map(|line| line.net).unwrap_or_default(),
            receipts: Vec::new(),
            bills: Vec::new(),
        };
        match items.order_line(line.item, fresh.order, fresh.line) {
            Some(standing) => {
                let OrderLine { received, billed, receipts, bills, .. } = standing.content.clone();
                standing.content = OrderLine { received, billed, receipts, bills, ..fresh };
            }
            None => items.orders.entry(line.item).or_default().push(Versioned::new(fresh)),
        }
        items.changed_orders.insert((line.item, self.document.of.id, line.line));
        Ok(())
    }
}

//! Desired minus booked: what a document in its present state should have booked, compared line by line
//! with what it has booked.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{Document, DocumentKind, DocumentLine, ItemRef};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{DocumentId, ItemId, LineId};

/// What one line of a document should have booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredLine {
    /// The line.
    pub line: LineId,
    /// Its item.
    pub item: ItemId,
    /// The day on which it takes effect.
    pub effective_on: Date,
    /// Change of our stock: above zero in, below zero out, zero if it moves nothing.
    pub change: Quantity,
    /// What comes in cost, where the document says so.
    pub cost: Option<Money>,
    /// What it commits to a customer.
    pub committed: Quantity,
    /// What it orders from a supplier.
    pub ordered: Quantity,
}

/// What one line of a document has booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedLine {
    /// The line.
    #[serde(rename = "l")]
    pub line: LineId,
    /// Its item.
    #[serde(rename = "i")]
    pub item: ItemId,
    /// The day on which it took effect.
    #[serde(rename = "d")]
    pub effective_on: Date,
    /// Change of our stock.
    #[serde(rename = "q")]
    pub change: Quantity,
    /// What the change was worth, same sign as the change.
    #[serde(rename = "v")]
    pub value: Money,
    /// The cost that the document named, to see whether it changed.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// What it committed.
    #[serde(rename = "k", default, skip_serializing_if = "Quantity::is_zero_ref")]
    pub committed: Quantity,
    /// What it ordered.
    #[serde(rename = "o", default, skip_serializing_if = "Quantity::is_zero_ref")]
    pub ordered: Quantity,
    /// How often this line has been booked, from 1.
    #[serde(rename = "r")]
    pub revision: u32,
    /// The order line that it brought in.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub arrival: Option<(DocumentId, LineId)>,
}

impl Quantity {
    /// [`Quantity::is_zero`] for a derived serialiser, which passes a reference.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
    pub(crate) fn is_zero_ref(&self) -> bool {
        self.is_zero()
    }
}

impl BookedLine {
    fn covers(&self, desired: &DesiredLine) -> bool {
        self.item == desired.item
            && self.change == desired.change
            && (self.effective_on == desired.effective_on || self.change.is_zero())
            && self.cost == desired.cost
            && self.committed == desired.committed
            && self.ordered == desired.ordered
    }
}

/// A line whose booking must change: `before` is taken back, `after` is booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// The line.
    pub line: LineId,
    /// What stands booked.
    pub before: Option<BookedLine>,
    /// What should stand.
    pub after: Option<DesiredLine>,
}

impl LineChange {
    /// The items whose rows it touches, one or two.
    pub fn items(&self) -> impl Iterator<Item = ItemId> + use<> {
        let before = self.before.as_ref().map(|line| line.item);
        let after = self.after.as_ref().map(|line| line.item).filter(|item| before != Some(*item));
        before.into_iter().chain(after)
    }
}

/// What a document should have booked, and what of it can't be counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Desired {
    /// Its lines with an item and an effect.
    pub lines: Vec<DesiredLine>,
    /// Codes of items that nobody knows.
    pub unknown_items: Vec<String>,
    /// Money on lines without an item: the share that no stock ledger can count.
    pub uncountable: Money,
}

/// What `document` should have booked. `resolve` finds the item of a line.
///
/// Invoices, bills and credit notes move stock once approved, spend and receive money once saved; drafts
/// of sales commit it; orders order it; a void or deletion should have booked nothing
/// (Xero help, "Inventory: tracked stock updates").
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn desired(
    document: &Document,
    mut resolve: impl FnMut(&ItemRef) -> Option<ItemId>,
) -> Result<Desired, FixedError> {
    let mut all = Desired::default();
    for line in &document.lines {
        let Some(named) = &line.item else {
            all.uncountable = all.uncountable.plus(line.net.magnitude())?;
            continue;
        };
        let Some(item) = resolve(named) else {
            all.unknown_items.push(named.code.clone());
            continue;
        };
        if let Some(line) = desired_line(document, line, item)? {
            all.lines.push(line);
        }
    }
    Ok(all)
}

fn desired_line(document: &Document, line: &DocumentLine, item: ItemId) -> Result<Option<DesiredLine>, FixedError> {
    let mut wanted = DesiredLine {
        line: line.id,
        item,
        effective_on: document.date,
        change: Quantity::ZERO,
        cost: None,
        committed: Quantity::ZERO,
        ordered: Quantity::ZERO,
    };
    let status = document.status;
    match document.of.kind {
        DocumentKind::Bill | DocumentKind::SpendMoney | DocumentKind::SalesCredit if status.moves_stock() => {
            wanted.change = line.quantity;
        }
        DocumentKind::SalesInvoice | DocumentKind::ReceiveMoney | DocumentKind::SupplierCredit
            if status.moves_stock() =>
        {
            wanted.change = line.quantity.negated()?;
        }
        DocumentKind::SalesInvoice if status.is_pending() => wanted.committed = line.quantity,
        DocumentKind::PurchaseOrder => wanted.ordered = line.quantity,
        _ => {}
    }
    let names_cost = matches!(document.of.kind, DocumentKind::Bill | DocumentKind::SpendMoney);
    if names_cost && wanted.change > Quantity::ZERO {
        wanted.cost = Some(line.net);
    }
    let has_effect = !(wanted.change.is_zero() && wanted.committed.is_zero() && wanted.ordered.is_zero());
    Ok(has_effect.then_some(wanted))
}

/// The lines whose booking must change, in the document's order, lines that vanished last.
pub fn changes(desired: &[DesiredLine], booked: &[BookedLine]) -> Vec<LineChange> {
    let mut standing: BTreeMap<LineId, &BookedLine> = booked.iter().map(|line| (line.line, line)).collect();
    let mut changes = Vec::new();
    for line in desired {
        let before = standing.remove(&line.line);
        if before.is_none_or(|before| !before.covers(line)) {
            changes.push(LineChange { line: line.line, before: before.cloned(), after: Some(line.clone()) });
        }
    }
    let has_effect =
        |line: &&BookedLine| !(line.change.is_zero() && line.committed.is_zero() && line.ordered.is_zero());
    for gone in standing.into_values().filter(has_effect) {
        changes.push(LineChange { line: gone.line, before: Some(gone.clone()), after: None });
    }
    changes
}

//! What one commit knows of the items that it touches.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::costing::Layer;
use parstock_domain::document::{DocumentKind, DocumentRef, Item};
use parstock_domain::fixed::FixedError;
use parstock_domain::ids::{ContactId, DocumentId, ItemId, LineId, LocationId};
use parstock_domain::ledger::arrival::{Billed, BilledPart};
use parstock_domain::ledger::booking::{Stock, StockCost};
use parstock_domain::ledger::position::first_and_last;
use parstock_domain::ledger::{BookedLine, Layers, LineChange, Movement, OrderLine, Position};
use parstock_domain::replenish::Plan;
use parstock_domain::settings::Learned;

use super::pending::{first_day, is_booked};
use super::step::Step;
use crate::contacts::Contacts;
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::look_again;
use crate::ports::{Expect, Ports, Store, Write};
use crate::records::{Content, DocumentRecord, Key, List};
use crate::refold;
use crate::writer::Writer;

/// What one commit knows of the items it touches.
pub(super) struct Items {
    pub(super) stocks: BTreeMap<ItemId, Stock>,
    pub(super) before: BTreeMap<ItemId, Position>,
    pub(super) expects: BTreeMap<ItemId, (Expect, Expect)>,
    pub(super) plans: BTreeMap<ItemId, Plan>,
    /// From which day on each item's costs are folded.
    pub(super) from: BTreeMap<ItemId, Date>,
    pub(super) orders: BTreeMap<ItemId, Vec<Versioned<OrderLine>>>,
    pub(super) changed_orders: BTreeSet<(ItemId, DocumentId, LineId)>,
    pub(super) lessons: BTreeMap<ItemId, Versioned<Learned>>,
    pub(super) changed_lessons: BTreeSet<ItemId>,
    /// Items whose lesson this bill taught and does not teach any more.
    pub(super) forgotten: BTreeSet<ItemId>,
    /// What other bills taught of items whose lesson is this bill's.
    pub(super) earlier_lessons: BTreeMap<ItemId, Learned>,
}

impl Step<'_> {
    pub(super) async fn read_items<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        window: &[LineChange],
        location: &LocationId,
    ) -> Result<Items, AppError> {
        let store = writer.ports().store();
        let owner = writer.owner();
        let ids: Vec<ItemId> =
            window.iter().flat_map(LineChange::items).collect::<BTreeSet<_>>().into_iter().collect();
        let moves_stock = self.document.of.kind != DocumentKind::PurchaseOrder;
        let mut items = Items {
            stocks: BTreeMap::new(),
            before: BTreeMap::new(),
            expects: BTreeMap::new(),
            plans: BTreeMap::new(),
            from: BTreeMap::new(),
            orders: BTreeMap::new(),
            changed_orders: BTreeSet::new(),
            lessons: BTreeMap::new(),
            changed_lessons: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            earlier_lessons: BTreeMap::new(),
        };
        if self.names_orders() {
            for item in &ids {
                let lines = load::all::<OrderLine>(store, writer.org(), &List::OrderLines(*item)).await?;
                items.orders.insert(*item, lines.into_iter().map(|(_, row)| row).collect());
            }
            // an order to a contact that was merged is one to the contact that stands for it now
            let lines = items.orders.values().flatten();
            let others: BTreeSet<ContactId> = lines
                .map(|line| line.content.supplier)
                .filter(|supplier| *supplier != self.document.contact)
                .collect();
            if !others.is_empty() {
                let contacts = Contacts::of(writer.ports(), writer.org(), others).await?;
                for line in items.orders.values_mut().flatten() {
                    line.content.supplier = contacts.present(line.content.supplier);
                }
            }
        }
        if moves_stock {
            let mut keys: Vec<Key> = Vec::new();
            keys.extend(ids.iter().map(|item| Key::Position(*item, location.clone())));
            keys.extend(ids.iter().map(|item| Key::Layer(*item, location.clone())));
            keys.extend(ids.iter().map(|item| Key::Plan(*item, location.clone())));
            let mut rows = store.get(owner, &keys).await?.into_iter();
            let mut positions: Vec<Option<Versioned<Position>>> = Vec::new();
            for _ in &ids {
                positions.push(load::decode_row(rows.next().flatten())?);
            }
            let mut layers: Vec<Option<Versioned<Layers>>> = Vec::new();
            for _ in &ids {
                layers.push(load::decode_row(rows.next().flatten())?);
            }
            for item in &ids {
                if let Some(plan) = load::decode_row::<Plan>(rows.next().flatten())? {
                    items.plans.insert(*item, plan.content);
                }
            }
            let unseen: Vec<ItemId> =
                ids.iter().zip(&positions).filter(|(_, row)| row.is_none()).map(|(item, _)| *item).collect();
            let keys: Vec<Key> = unseen.iter().map(|item| Key::Item(*item)).collect();
            let masters = load::many::<Item>(store, owner, &keys).await?;
            let tracked: BTreeSet<ItemId> = masters
                .into_iter()
                .flatten()
                .filter(|item| item.content.tracked)
                .map(|item| item.content.id)
                .collect();
            let new: Vec<ItemId> =
                ids.iter().filter(|item| !items.plans.contains_key(item)).copied().collect();
            let methods = refold::methods(writer, &new, location).await?;
            let sales = self.returned_sales(writer, window).await?;
            for ((item, position), layer) in ids.iter().zip(positions).zip(layers) {
                let (position, position_expect) = match position {
                    Some(row) => (row.content, row.expect),
                    None => {
                        (Position { tracked: tracked.contains(item), ..Position::default() }, Expect::Absent)
                    }
                };
                let (layers, layers_expect) =
                    layer.map_or((None, Expect::Absent), |row| (Some(row.content), row.expect));
                let planned = items.plans.get(item).map(|plan| plan.costing);
                let method = planned.or(methods.get(item).copied()).unwrap_or_default();
                let moves_from = first_day(window, *item);
                let met_from = window.iter().filter(|change| change.items().any(|of| of == *item));
                let met_from = met_from.filter_map(|change| self.reach(change, &items).from).min();
                let returns =
                    window.iter().filter(|change| change.items().any(|of| of == *item) && !is_booked(change));
                let returned_from = returns
                    .filter(|_| !position.tracked)
                    .flat_map(LineChange::returns)
                    .filter_map(|sale| first_sold(sales.get(&sale)?, *item));
                let cost = match moves_from.into_iter().chain(met_from).chain(returned_from).min() {
                    Some(from) => {
                        items.from.insert(*item, from);
                        refold::begin(writer, *item, location, &position, layers, method, from).await?
                    }
                    // what is only committed moves no cost
                    None => StockCost::Arrival(Layer::default()),
                };
                items.before.insert(*item, position.clone());
                items.stocks.insert(*item, Stock { position, cost });
                items.expects.insert(*item, (position_expect, layers_expect));
            }
        }
        if self.document.of.kind == DocumentKind::Bill {
            let keys: Vec<Key> = ids.iter().map(|item| Key::Supply(*item)).collect();
            for (item, row) in ids.iter().zip(load::many::<Learned>(store, owner, &keys).await?) {
                let Some(row) = row else { continue };
                let bill = self.document.of;
                let takes_back = window.iter().any(|change| {
                    change.before.as_ref().is_some_and(|before| before.item == *item) && !is_booked(change)
                });
                if row.content.from == bill
                    && takes_back
                    && let Some(earlier) = look_again::for_lesson(writer, *item, bill).await?
                {
                    items.earlier_lessons.insert(*item, earlier);
                }
                items.lessons.insert(*item, row);
            }
        }
        Ok(items)
    }

    /// The sales whose goods come back.
    async fn returned_sales<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        window: &[LineChange],
    ) -> Result<BTreeMap<DocumentId, DocumentRecord>, AppError> {
        let sales: BTreeSet<DocumentId> = window.iter().flat_map(LineChange::returns).collect();
        let of = |id: &DocumentId| Key::Document(DocumentRef { kind: DocumentKind::SalesInvoice, id: *id });
        let keys: Vec<Key> = sales.iter().map(of).collect();
        let rows = load::many::<DocumentRecord>(writer.ports().store(), writer.owner(), &keys).await?;
        Ok(sales.into_iter().zip(rows).filter_map(|(sale, row)| Some((sale, row?.content))).collect())
    }
}

/// The first day on which a sale may have sold an item; `None` where it didn't. A sale that is being moved to another day still
/// stands on its old one in part, and which items further rows have isn't read.
fn first_sold(sale: &DocumentRecord, item: ItemId) -> Option<Date> {
    let lines = sale.lines.iter().filter(|line| line.item == item && !line.change.is_zero());
    let further = (sale.more > 0).then_some(sale.date);
    lines.map(|line| line.effective_on).chain(further).min()
}

impl Items {
    /// A change without what Xero does not look at: it costs what comes back at the average, which sale it was of or not. What was
    /// booked with its sales when parstock costed it keeps them.
    pub(super) fn without_returns_in_xero(&self, mut change: LineChange) -> LineChange {
        if let Some(after) = &mut change.after
            && self.stocks.get(&after.item).is_some_and(|stock| stock.position.tracked)
        {
            let before = change.before.as_ref().filter(|before| before.item == after.item);
            after.returns = before.map(|before| before.returns.clone()).unwrap_or_default();
        }
        change
    }

    /// The item whose first movement or latest sale may be taken back by a change.
    pub(super) fn loses_a_bound(&self, change: &LineChange) -> Option<ItemId> {
        let moves = |line: &BookedLine| line.moves().is_ok_and(|moves| !moves.is_zero());
        let before = change.before.as_ref().filter(|before| moves(before))?;
        let position = self.before.get(&before.item)?;
        let day = Some(before.effective_on);
        let is_bound = position.first_on == day || position.last_sold_on == day;
        let stays = change.after.as_ref().is_some_and(|after| {
            after.item == before.item
                && Some(after.effective_on) == day
                && after.moves().is_ok_and(|moves| !moves.is_zero())
        });
        (is_bound && !stays).then_some(before.item)
    }

    /// Finds an item's first movement and latest sale among all of its movements, those of this commit included.
    pub(super) async fn find_bounds<P: Ports>(
        &mut self,
        writer: &Writer<'_, P>,
        item: ItemId,
        new: &[Movement],
    ) -> Result<(), AppError> {
        let mut all = load::movements(writer.ports().store(), writer.org(), item, None).await?;
        all.extend(new.iter().filter(|movement| movement.item == item).cloned());
        if let Some(stock) = self.stocks.get_mut(&item) {
            (stock.position.first_on, stock.position.last_sold_on) = first_and_last(&all);
        }
        Ok(())
    }

    /// Whether folding begins after a day of an item that a change touches.
    pub(super) fn is_after(&self, change: &LineChange, day: Date) -> bool {
        change.items().any(|item| self.from.get(&item).is_none_or(|from| *from > day))
    }

    pub(super) fn order_line(
        &mut self,
        item: ItemId,
        order: DocumentId,
        line: LineId,
    ) -> Option<&mut Versioned<OrderLine>> {
        let lines = self.orders.get_mut(&item)?;
        lines.iter_mut().find(|standing| standing.content.order == order && standing.content.line == line)
    }

    pub(super) fn find_order_line(
        &self,
        item: ItemId,
        order: DocumentId,
        line: LineId,
    ) -> Option<&OrderLine> {
        let mut lines = self.orders.get(&item)?.iter().map(|standing| &standing.content);
        lines.find(|standing| standing.order == order && standing.line == line)
    }

    /// Keeps what a bill has brought in of an order line.
    pub(super) fn bill(&mut self, item: ItemId, part: &Billed, billed: BilledPart) -> Result<(), FixedError> {
        if let Some(standing) = self.order_line(item, part.order, part.line) {
            standing.content.bill(billed)?;
            self.changed_orders.insert((item, part.order, part.line));
        }
        Ok(())
    }

    /// Takes back what a bill has brought in of an order line.
    pub(super) fn unbill(
        &mut self,
        item: ItemId,
        part: &Billed,
        bill: DocumentId,
        line: LineId,
    ) -> Result<(), FixedError> {
        if let Some(standing) = self.order_line(item, part.order, part.line) {
            standing.content.unbill(bill, line, part.quantity)?;
            self.changed_orders.insert((item, part.order, part.line));
        }
        Ok(())
    }

    /// What a bill taught is forgotten when it is taken back; what bills before it say comes back.
    pub(super) fn forget(&mut self, item: ItemId, bill: DocumentRef) {
        if self.lessons.get(&item).is_some_and(|lesson| lesson.content.from == bill) {
            self.forgotten.insert(item);
            self.changed_lessons.insert(item);
        }
    }

    pub(super) fn learn(&mut self, item: ItemId, line: LineId, mut lesson: Learned) {
        // what landed on a bill's goods stays with what it teaches
        if let Some(standing) = self.lessons.get(&item).filter(|row| row.content.from == lesson.from) {
            lesson.landed = standing.content.landed.clone();
            if let Some(landed) = lesson.landed.get_mut(&line) {
                landed.quantity = lesson.quantity;
            }
        }
        let forgotten = self.forgotten.remove(&item);
        let (content, expect) = match self.lessons.remove(&item) {
            Some(standing) if forgotten => {
                let earlier = self.earlier_lessons.get(&item).cloned();
                (earlier.map_or(lesson.clone(), |earlier| earlier.later(lesson)), standing.expect)
            }
            Some(standing) => (standing.content.clone().later(lesson), standing.expect),
            None => (lesson, Expect::Absent),
        };
        self.lessons.insert(item, Versioned { content, expect });
        self.changed_lessons.insert(item);
    }

    pub(super) fn write_orders_and_lessons(&self, writes: &mut Vec<Write>) {
        for (item, order, line) in &self.changed_orders {
            let standing = self.orders.get(item).and_then(|lines| {
                lines
                    .iter()
                    .find(|standing| standing.content.order == *order && standing.content.line == *line)
            });
            if let Some(standing) = standing {
                writes.push(standing.clone().write(Key::OrderLine(*item, *order, *line)));
            }
        }
        for item in &self.changed_lessons {
            let Some(lesson) = self.lessons.get(item).cloned() else { continue };
            let record = match self.earlier_lessons.get(item).cloned() {
                Some(earlier) if self.forgotten.contains(item) => Some(earlier.into_record()),
                None if self.forgotten.contains(item) => None,
                _ => Some(lesson.content.into_record()),
            };
            writes.push(Write { key: Key::Supply(*item), record, expect: lesson.expect });
        }
    }
}

//! One commit of a booking: as many changes as fit, each movement with all that follows from it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::audit::Hash;
use parstock_domain::cogs::{Coded, CogsNews};
use parstock_domain::document::{Document, DocumentKind, DocumentRef};
use parstock_domain::event::{Event, EventType, Source};
use parstock_domain::fixed::Money;
use parstock_domain::goods_receipt::GoodsReceipt;
use parstock_domain::ids::{EffectId, LocationId};
use parstock_domain::ledger::arrival::ORDER_LINES_BILLED_MAX;
use parstock_domain::ledger::booking::Booking;
use parstock_domain::ledger::{Because, BookedLine, LineChange, Movement};

use super::Outcome;
use super::items::Items;
use super::meet::ROWS_PER_MET_MAX;
use super::pending::is_booked;
use super::rows::Loaded;
use super::warning::warning;
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{COMMIT_WRITES_MAX, Expect, Ports, Write};
use crate::records::{Backfill, ContactRecord, DocumentRecord, Key};
use crate::refold;
use crate::writer::{Reason, Writer};

/// Rows that every commit of a booking writes: the document, its supplier's name, the audit entry and its
/// head.
const ROWS_FIXED: usize = 4;

/// Rows that one change may add at most: two movements and what balances them, two items with position, costs, alert and
/// what the bill teaches, the order lines that it was and is billed on, a review and a row of booked lines.
const ROWS_PER_CHANGE_MAX: usize = 12 + 2 * refold::ROWS_MAX + 2 * ORDER_LINES_BILLED_MAX;

/// Changes looked at for one commit: more never fit.
const CHANGES_PER_COMMIT_MAX: usize = 40;

/// A document on its way into the ledger.
pub(super) struct Step<'a> {
    pub(super) document: &'a Document,
    pub(super) content: Hash,
    pub(super) source: Source,
    pub(super) effect: Option<EffectId>,
    /// The goods receipt that is booked, or for which we wrote the bill.
    pub(super) receipt: Option<&'a GoodsReceipt>,
    pub(super) is_new: bool,
    pub(super) unresolved: bool,
    pub(super) uncountable: Money,
    /// Whether the paper says what it said when it was booked.
    pub(super) same_paper: bool,
    /// Whether the order of a bill's line that is booked may be guessed: not because the bill changed, but
    /// because an order came after it. Else it must be named.
    pub(super) may_guess: bool,
}

impl Step<'_> {
    /// Books as many of `pending` as one commit holds.
    pub(super) async fn commit<P: Ports>(
        &self,
        writer: &mut Writer<'_, P>,
        loaded: &mut Loaded,
        pending: &mut Vec<LineChange>,
        total: usize,
        extra: Vec<Write>,
        outcome: &mut Outcome,
    ) -> Result<(), AppError> {
        let now = writer.now();
        let today = writer.clock().day_of(now);
        let location = LocationId::main();
        let id = writer.new_commit();
        let booking =
            Booking { of: self.document.of, today, recorded_at: now, commit: id, location: &location };
        let window = pending.get(..CHANGES_PER_COMMIT_MAX.min(pending.len())).unwrap_or_default();
        let mut items = self.read_items(writer, window, &location).await?;
        let mut writes = extra;
        let mut done = 0;
        let mut moved = BTreeSet::new();
        let (mut new, mut unsure) = (Vec::new(), BTreeSet::new());
        let mut cogs = CogsNews { of: Some(self.document.of), ..CogsNews::default() };
        let mut others: BTreeMap<DocumentRef, Loaded> = BTreeMap::new();
        let mut billed_receipts = BTreeSet::new();
        for change in window {
            let change = &items.without_returns_in_xero(loaded.renewed(change));
            let changed_rows = |loaded: &Loaded| loaded.rows.iter().skip(1).filter(|row| row.changed).count();
            let rows = ROWS_FIXED
                + writes.len()
                + (2 + refold::ROWS_MAX) * moved.len()
                + items.changed_orders.len()
                + items.changed_lessons.len()
                + changed_rows(loaded)
                + others.values().map(|other| 1 + changed_rows(other)).sum::<usize>();
            let reach = self.reach(change, &items);
            let rows_of_change = ROWS_PER_CHANGE_MAX + ROWS_PER_MET_MAX * reach.papers;
            let is_too_early = reach.from.is_some_and(|from| items.is_after(change, from));
            if done > 0 && (rows + rows_of_change > COMMIT_WRITES_MAX || is_too_early) {
                break;
            }
            if let Some(from) = writer.profile.content.cogs_from {
                cogs.coded.extend(self.coded(change, &items, from, today));
            }
            let standing = change.before.as_ref().filter(|_| is_booked(change));
            let billed = match standing.filter(|before| !before.billed.is_empty()) {
                Some(before) => before.billed.clone(),
                None => self.arrive(writer, change, &mut items, &mut writes)?,
            };
            billed_receipts.extend(items.receipts_billed(change, &billed)?);
            let mut change = change.clone();
            let met = self.meet(writer, &mut change, &billed, &items, loaded, &mut others).await?;
            let is_as_booked = |before: &BookedLine| {
                let after = change.after.as_ref();
                after.is_some_and(|it| (it.elsewhere, it.priced) == (before.elsewhere, before.priced))
            };
            match change.before.as_ref().filter(|before| standing.is_some() && is_as_booked(before)) {
                Some(before) if self.document.of.kind != DocumentKind::PurchaseOrder => {
                    let after = change.after.as_ref();
                    let account = after.map_or_else(String::new, |after| after.account.clone());
                    let net = after.and_then(|after| after.net);
                    let foreign_net = after.and_then(|after| after.foreign_net);
                    loaded.store(BookedLine { billed, account, net, foreign_net, ..before.clone() });
                }
                _ => {
                    let booked = booking.book(&change, billed, &mut items.stocks)?;
                    keep(booked.movements, &mut new, &mut writes);
                    unsure.extend(items.loses_a_bound(&change));
                    if let Some(line) = booked.line {
                        self.order(&line, &change, &mut items)?;
                        loaded.store(line);
                    }
                    moved.extend(change.items());
                }
            }
            for (of, change) in met {
                let billed = change.before.as_ref().map(|before| before.billed.clone()).unwrap_or_default();
                let booked = Booking { of, ..booking.clone() }.book(&change, billed, &mut items.stocks)?;
                keep(booked.movements, &mut new, &mut writes);
                unsure.extend(items.loses_a_bound(&change));
                let of_document = match of == self.document.of {
                    true => Some(&mut *loaded),
                    false => others.get_mut(&of),
                };
                if let Some((of_document, line)) = of_document.zip(booked.line) {
                    of_document.store(line);
                }
                moved.extend(change.items());
            }
            done += 1;
        }
        for (of, other) in &others {
            writes.extend(other.changed_rows(*of));
        }
        for of in billed_receipts {
            writes.extend(self.receipt_question(writer, of, &items).await?);
        }
        let names_supplier =
            matches!(self.document.of.kind, DocumentKind::Bill | DocumentKind::PurchaseOrder)
                && !self.document.contact_name.is_empty();
        if self.is_new && names_supplier {
            writes.extend(self.supplier(writer).await?);
        }
        for item in unsure {
            items.find_bounds(writer, item, &new).await?;
        }
        let left = pending.len().saturating_sub(done);
        for item in &moved {
            let stored = refold::Stored {
                item: *item,
                location: &location,
                because: Because::Document(self.document.of),
                at: now,
                commit: id,
            };
            self.write_item(writer, stored, &new, &mut items, (&mut writes, &mut cogs), outcome)?;
        }
        for item in items.forgotten.clone() {
            if let Some((line, lesson)) = self.still_taught(loaded, item)? {
                items.learn(item, line, lesson);
            }
        }
        items.write_orders_and_lessons(&mut writes);
        self.write_lines(loaded, left, total, &mut writes);
        let event = EventType::of_document(self.document.of.kind, self.is_new);
        let reason = Reason {
            event: Some(Event {
                what: event,
                subject: self.document.of.id.to_string(),
                time: self.document.updated_at,
                source: self.source,
            }),
            cogs,
            ..Reason::own("book document")
        }
        .with("kind", self.document.of.kind.code())
        .with("number", &self.document.number)
        .with("movements", new.len());
        let reason = if self.is_new && pending.len() == total { self.with_lines(reason) } else { reason };
        writer.commit(id, writes, reason).await?;
        pending.drain(..done);
        loaded.written();
        outcome.event = outcome.event.or(Some(event));
        outcome.movements = outcome.movements.saturating_add(u32::try_from(new.len()).unwrap_or(u32::MAX));
        if matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
            outcome.supplied.extend(items.changed_orders.iter().map(|(item, ..)| *item));
            outcome.supplied.extend(moved.iter().filter(|_| self.document.of.kind == DocumentKind::Bill));
        }
        Ok(())
    }

    /// The document's contact by its present name: known at once, and not only when contacts are read.
    async fn supplier<P: Ports>(&self, writer: &Writer<'_, P>) -> Result<Option<Write>, AppError> {
        let key = Key::Contact(self.document.contact);
        let known = load::one::<ContactRecord>(writer.ports().store(), writer.owner(), key.clone()).await?;
        let name = self.document.contact_name.clone();
        let row = match known {
            None => Versioned::new(ContactRecord { name, archived: false, merged_into: None }),
            Some(known) if known.content.name == name => return Ok(None),
            // whether it can be ordered from is for the reading of contacts to say
            Some(known) => {
                Versioned { content: ContactRecord { name, ..known.content }, expect: known.expect }
            }
        };
        Ok(Some(row.write(key)))
    }

    fn write_item<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        stored: refold::Stored<'_>,
        booked: &[Movement],
        items: &mut Items,
        (writes, cogs): (&mut Vec<Write>, &mut CogsNews),
        outcome: &mut Outcome,
    ) -> Result<(), AppError> {
        let (item, location) = (stored.item, stored.location);
        let (Some(mut stock), Some(before), Some((position_expect, layers_expect))) =
            (items.stocks.remove(&item), items.before.get(&item), items.expects.get(&item))
        else {
            return Ok(());
        };
        let today = writer.clock().day_of(stored.at);
        outcome.touched_tracked |= stock.position.tracked;
        if let Some(alert) =
            warning(writer, item, location, before, &mut stock.position, items.plans.get(&item), today)?
        {
            outcome.crossed.insert(item);
            writes.push(alert);
        }
        writes.push(
            Versioned { content: stock.position, expect: *position_expect }
                .write(Key::Position(item, location.clone())),
        );
        let moved: Vec<Movement> = booked.iter().filter(|movement| movement.item == item).cloned().collect();
        if !moved.is_empty() {
            stored.write(stock.cost, &moved, *layers_expect, writes, cogs)?;
        }
        Ok(())
    }

    fn write_lines(&self, loaded: &mut Loaded, left: usize, total: usize, writes: &mut Vec<Write>) {
        writes.extend(loaded.further_rows(self.document.of));
        let count = |lines: usize| u32::try_from(lines).unwrap_or(u32::MAX);
        let standing = loaded.header.as_ref();
        let header = DocumentRecord {
            of: self.document.of,
            number: self.document.number.clone(),
            contact: self.document.contact,
            contact_name: self.document.contact_name.clone(),
            date: self.document.date,
            status: self.document.status,
            updated_at: self.document.updated_at,
            content: self.content,
            progress: (left > 0).then(|| (count(left), count(total))),
            lines: loaded.rows.first().map(|row| row.lines.clone()).unwrap_or_default(),
            more: count(loaded.rows.len().saturating_sub(1)),
            uncountable: self.uncountable,
            foreign: self.document.foreign.clone(),
            unresolved: self.unresolved,
            effect: self.effect.or_else(|| standing.and_then(|header| header.content.effect)),
        };
        let expect = standing.map_or(Expect::Absent, |header| header.expect);
        let header = Versioned { content: header, expect };
        writes.push(header.clone().write(Key::Document(self.document.of)));
        loaded.header = Some(header);
    }

    /// Which accounts purchases of untracked items are coded to now and no longer: all that are booked from a day on, and
    /// before it those of that day on.
    fn coded(&self, change: &LineChange, items: &Items, from: Date, today: Date) -> Vec<Coded> {
        let kind = self.document.of.kind;
        if !matches!(kind, DocumentKind::Bill | DocumentKind::SpendMoney | DocumentKind::SupplierCredit) {
            return Vec::new();
        }
        // a line that is only looked at again tells nothing new, such as that of an old bill that is paid
        if is_booked(change)
            && let (Some(before), Some(after)) = (&change.before, &change.after)
            && (before.account == after.account || before.account.is_empty())
        {
            return Vec::new();
        }
        let before = change.before.as_ref();
        let before = before.map(|it| (it.item, it.effective_on, it.change, &it.account, false));
        let after = change.after.as_ref();
        let after = after.map(|it| (it.item, it.effective_on, it.change, &it.account, true));
        let is_ours = |item| items.stocks.get(&item).is_some_and(|stock| !stock.position.tracked);
        let lines = before.into_iter().chain(after);
        let is_told = |on: Date| on.max(today) >= from;
        // that a line no longer stands is told of any item: its book may have changed
        let told = lines.filter(|(item, on, change, _, stands)| {
            is_told(*on) && !change.is_zero() && (is_ours(*item) || !stands)
        });
        told.map(|(item, _, _, account, stands)| Coded {
            item,
            line: change.line,
            account: account.clone(),
            stands,
        })
        .collect()
    }

    /// How much of a sale names no item: what no stock ledger can count.
    fn with_lines(&self, reason: Reason) -> Reason {
        if !matches!(self.document.of.kind, DocumentKind::SalesInvoice | DocumentKind::ReceiveMoney) {
            return reason;
        }
        let without = self.document.lines.iter().filter(|line| line.item.is_none()).count();
        reason.with("lines", self.document.lines.len()).with("lines_without_item", without)
    }
}

/// Keeps movements of a commit.
fn keep(movements: Vec<Movement>, new: &mut Vec<Movement>, writes: &mut Vec<Write>) {
    for movement in movements {
        new.push(movement.clone());
        let key = Key::Movement(movement.item, movement.key);
        writes.push(Versioned::new(movement).write(key));
    }
}

//! Booking a document: desired minus booked, in commits of at most a hundred rows.
//!
//! Each commit leaves the ledger consistent, so a crash between two of them is mended by looking again:
//! what is booked by then is no longer a difference. A later revision may begin before an earlier one is
//! whole, for the same reason. `progress` on the document's row tells readers how far it is.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::alert::Alert;
use parstock_domain::audit::Hash;
use parstock_domain::cogs::{Coded, CogsNews};
use parstock_domain::costing::Layer;
use parstock_domain::document::{Document, DocumentKind, DocumentRef, DocumentStatus, Item};
use parstock_domain::event::{Event, EventType, Source};
use parstock_domain::fixed::{FixedError, Money, Quantity};
use parstock_domain::goods_receipt::{self, BillFate, GoodsReceipt};
use parstock_domain::ids::{ContactId, DocumentId, EffectId, ItemId, LineId, LocationId, derived};
use parstock_domain::ledger::arrival::{
    Arrival, Billed, BilledPart, Meeting, ORDER_LINES_BILLED_MAX, ReceivedPart, match_bill_line, match_named,
    may_meet,
};
use parstock_domain::ledger::booking::{Booking, Stock, StockCost, changes, desired};
use parstock_domain::ledger::position::first_and_last;
use parstock_domain::ledger::{
    Because, BookedLine, DesiredLine, Layers, LineChange, Movement, OrderLine, Position,
};
use parstock_domain::replenish::{Crossing, Plan, crossing};
use parstock_domain::settings::Learned;
use uuid::Uuid;

use crate::contacts::Contacts;
use crate::error::AppError;
use crate::landed;
use crate::load::{self, Versioned, removal, unguarded};
use crate::look_again;
use crate::ports::{COMMIT_WRITES_MAX, Expect, Ports, Store, Write};
use crate::receiving;
use crate::records::{
    Backfill, CODES_OF_REVIEW_MAX, ContactRecord, Content, DocumentRecord, Effect, EffectKind, Key, List,
    MoreLines, Review, ReviewKind,
};
use crate::refold;
use crate::writer::{Reason, Writer};

/// Booked lines that the document's own row holds.
const LINES_IN_DOCUMENT: usize = 20;
/// Booked lines that each further row holds.
const LINES_IN_ROW: usize = 40;
/// Rows that every commit of a booking writes: the document, its supplier's name, the audit entry and its
/// head.
const ROWS_FIXED: usize = 4;
/// Rows that one change may add at most: two movements and what balances them, two items with position, costs, alert and
/// what the bill teaches, the order lines that it was and is billed on, a review and a row of booked lines.
const ROWS_PER_CHANGE_MAX: usize = 12 + 2 * refold::ROWS_MAX + 2 * ORDER_LINES_BILLED_MAX;
/// Rows that another paper adds at most whose goods a change meets: two movements and what balances them, its booked
/// lines, and a question.
const ROWS_PER_MET_MAX: usize = 6;
/// Changes looked at for one commit: more never fit.
const CHANGES_PER_COMMIT_MAX: usize = 40;
/// Times a commit that another worker foiled is decided anew.
const ATTEMPTS_MAX: u32 = 5;
/// Unknown item codes that a review names; it says how many more there are.
const UNKNOWN_CODES_NAMED_MAX: usize = 20;

/// What booking a document did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What happened, unless nothing did.
    pub event: Option<EventType>,
    /// Movements that were booked.
    pub movements: u32,
    /// Items whose position crossed a line.
    pub crossed: BTreeSet<ItemId>,
    /// Items of bills and orders: they are planned at once, since warnings and proposals count on what is
    /// on order.
    pub supplied: BTreeSet<ItemId>,
    /// Whether a tracked item moved, so that Xero's own figures have changed.
    pub touched_tracked: bool,
}

/// Finds items by the codes of a document's lines.
pub type Codes = BTreeMap<String, ItemId>;

/// Brings what is booked for `document` to its present state.
///
/// A state older than the booked one is dropped, an equal one is nothing new.
///
/// # Errors
/// When the store does not answer or a figure does not fit; nothing is lost, look again later.
pub async fn book<P: Ports>(
    writer: &mut Writer<'_, P>,
    document: &Document,
    codes: &Codes,
    source: Source,
    effect: Option<EffectId>,
) -> Result<Outcome, AppError> {
    let content = content_of(document)?;
    let mut outcome = Outcome::default();
    let mut conflicts = 0;
    loop {
        let mut loaded = Loaded::read(writer, document.of).await?;
        let mut same_content = false;
        if let Some(header) = &loaded.header {
            let standing = &header.content;
            if standing.updated_at > document.updated_at {
                return Ok(outcome);
            }
            same_content = standing.content == content && standing.progress.is_none();
            if same_content && !standing.unresolved && (effect.is_none() || standing.effect == effect) {
                return Ok(outcome);
            }
        }
        let wanted = desired(document, |named| named.id.or_else(|| codes.get(&named.code).copied()))?;
        let unresolved = !wanted.unknown_items.is_empty();
        let mut pending = match document.of.kind {
            // the order's status and dates stand on each of its lines
            DocumentKind::PurchaseOrder => all_lines(&wanted.lines, &loaded.booked()),
            DocumentKind::Bill => {
                let mut pending = changes(&wanted.lines, &loaded.booked());
                pending.extend(unmatched(&wanted.lines, &loaded.booked()));
                pending.extend(recoded(&wanted.lines, &loaded.booked(), true));
                pending
            }
            _ => {
                let mut pending = changes(&wanted.lines, &loaded.booked());
                pending.extend(recoded(&wanted.lines, &loaded.booked(), false));
                pending
            }
        };
        if same_content && pending.is_empty() && effect.is_none() && unresolved {
            // the unknown item is still unknown
            return Ok(outcome);
        }
        let standing = loaded.header.as_ref().map(|header| &header.content);
        let may_guess = standing.is_none_or(|standing| standing.unresolved);
        // what came before we ordered something ourselves is not what we ordered
        let is_ours = effect.is_some() || standing.is_some_and(|standing| standing.effect.is_some());
        if document.of.kind == DocumentKind::PurchaseOrder && !is_ours {
            look_again::at_bills(writer, document, &pending).await?;
        }
        // as costs follow each other, so that no line changes what another of the document was booked at
        pending.sort_by_key(|change| {
            (change.after.as_ref().is_some_and(|after| after.change.is_negative()), change.line)
        });
        let receipt = receipt_behind(writer, document, effect.or(standing.and_then(|it| it.effect))).await?;
        let total = pending.len();
        let mut first = true;
        let is_new = loaded.header.is_none();
        let result: Result<(), AppError> = loop {
            let uncountable = wanted.uncountable;
            let receipt = receipt.as_ref();
            let step = Step {
                document,
                content,
                source,
                effect,
                receipt,
                is_new,
                unresolved,
                uncountable,
                may_guess,
            };
            let mut extra = Vec::new();
            if first {
                extra.extend(step.review_unknown(writer, &loaded, &wanted.unknown_items));
                let booked = loaded.header.as_ref().map(|header| &header.content);
                if let (Some(receipt), DocumentStatus::Voided | DocumentStatus::Deleted) =
                    (receipt.filter(|_| document.of.kind == DocumentKind::Bill), document.status)
                {
                    let question = receiving::question_key(ReviewKind::ReceiptBill, receipt.number);
                    extra.push(removal(question));
                }
                extra.extend(landed::keep(writer, document, booked, &wanted.lines).await?);
            }
            // apart from the caller's stack: it is the largest step of all
            match Box::pin(step.commit(writer, &mut loaded, &mut pending, total, extra, &mut outcome)).await {
                Ok(()) if pending.is_empty() => break Ok(()),
                Ok(()) => first = false,
                Err(error) => break Err(error),
            }
        };
        match result {
            Ok(()) => return Ok(outcome),
            Err(AppError::Retry(_)) if conflicts < ATTEMPTS_MAX => {
                conflicts += 1;
                writer.reload_head().await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The goods receipt that is booked, or for which we wrote a bill ourselves.
async fn receipt_behind<P: Ports>(
    writer: &Writer<'_, P>,
    document: &Document,
    effect: Option<EffectId>,
) -> Result<Option<GoodsReceipt>, AppError> {
    let store = writer.ports().store();
    let number = match (document.of.kind, effect) {
        (DocumentKind::GoodsReceipt, _) => goods_receipt::number_of(&document.number),
        (DocumentKind::Bill, Some(effect)) => {
            let effect = load::one::<Effect>(store, writer.owner(), Key::Effect(effect)).await?;
            effect.and_then(|effect| match effect.content.what {
                EffectKind::GoodsReceipt { number, .. } => Some(number),
                _ => None,
            })
        }
        _ => None,
    };
    let Some(number) = number else { return Ok(None) };
    let receipt = load::one(store, writer.owner(), Key::GoodsReceipt(number)).await?;
    Ok(receipt.map(|receipt| receipt.content))
}

/// Hash of what a document says, without the instant of its last change.
pub(crate) fn content_of(document: &Document) -> Result<Hash, AppError> {
    let timeless = Document { updated_at: jiff::Timestamp::UNIX_EPOCH, ..document.clone() };
    Ok(Hash::of(&serde_json::to_vec(&timeless)?))
}

fn all_lines(desired: &[DesiredLine], booked: &[BookedLine]) -> Vec<LineChange> {
    let mut lines: Vec<LineChange> = desired
        .iter()
        .map(|line| LineChange {
            line: line.line,
            before: booked.iter().find(|standing| standing.line == line.line).cloned(),
            after: Some(line.clone()),
        })
        .collect();
    let gone = changes(desired, booked).into_iter().filter(|change| change.after.is_none());
    lines.extend(gone);
    lines
}

/// A bill's lines that are booked as they should be and whose order was not found: it may be known by now,
/// or be named by now.
fn unmatched(desired: &[DesiredLine], booked: &[BookedLine]) -> Vec<LineChange> {
    let mut lines = Vec::new();
    for line in desired.iter().filter(|line| line.change > Quantity::ZERO) {
        let standing = booked.iter().find(|standing| standing.line == line.line);
        if let Some(standing) =
            standing.filter(|standing| standing.billed.is_empty() && standing.covers(line))
        {
            let before = Some(standing.clone());
            lines.push(LineChange { line: line.line, before, after: Some(line.clone()) });
        }
    }
    lines
}

/// Lines that are booked as they should be, but for the account of the purchase; of a bill without those that [`unmatched`] lists.
fn recoded(desired: &[DesiredLine], booked: &[BookedLine], is_bill: bool) -> Vec<LineChange> {
    let mut lines = Vec::new();
    for line in desired {
        let standing = booked.iter().find(|standing| standing.line == line.line && standing.covers(line));
        let is_listed =
            |standing: &&BookedLine| is_bill && standing.billed.is_empty() && line.change > Quantity::ZERO;
        if let Some(before) = standing.filter(|it| it.account != line.account && !is_listed(it)) {
            lines.push(LineChange {
                line: line.line,
                before: Some(before.clone()),
                after: Some(line.clone()),
            });
        }
    }
    lines
}

/// Keeps movements of a commit.
fn keep(movements: Vec<Movement>, new: &mut Vec<Movement>, writes: &mut Vec<Write>) {
    for movement in movements {
        new.push(movement.clone());
        let key = Key::Movement(movement.item, movement.key);
        writes.push(Versioned::new(movement).write(key));
    }
}

/// How far a change may reach by the goods that it has in common with other papers.
#[derive(Default)]
struct Reach {
    /// How many papers.
    papers: usize,
    /// The first day of any of them.
    from: Option<Date>,
}

/// The first day on which changes move an item.
fn first_day(changes: &[LineChange], item: ItemId) -> Option<Date> {
    let changes = || changes.iter().filter(|change| !is_booked(change));
    let taken_back = changes().filter_map(|change| change.before.as_ref());
    let taken_back = taken_back.map(|line| (line.item, line.change, line.effective_on));
    let booked = changes().filter_map(|change| change.after.as_ref());
    let booked = booked.map(|line| (line.item, line.change, line.effective_on));
    let moves = taken_back.chain(booked).filter(|(of, change, _)| *of == item && !change.is_zero());
    moves.map(|(_, _, day)| day).min()
}

/// Whether a line is booked as it should be, so that only its order is looked for.
fn is_booked(change: &LineChange) -> bool {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => before.covers(after),
        _ => false,
    }
}

/// A document's rows as they are stored.
struct Loaded {
    header: Option<Versioned<DocumentRecord>>,
    /// The header's lines first, then those of the further rows.
    rows: Vec<LineRow>,
}

struct LineRow {
    lines: Vec<BookedLine>,
    expect: Expect,
    changed: bool,
}

impl Loaded {
    async fn read<P: Ports>(writer: &Writer<'_, P>, of: DocumentRef) -> Result<Self, AppError> {
        let store = writer.ports().store();
        let header: Option<Versioned<DocumentRecord>> =
            load::one(store, writer.owner(), Key::Document(of)).await?;
        let mut rows = vec![LineRow {
            lines: header.as_ref().map(|header| header.content.lines.clone()).unwrap_or_default(),
            expect: Expect::Anything,
            changed: false,
        }];
        if header.as_ref().is_some_and(|header| header.content.more > 0) {
            let list = List::DocumentLines(of);
            for (_, row) in load::all::<MoreLines>(store, writer.org(), &list).await? {
                rows.push(LineRow { lines: row.content.lines, expect: row.expect, changed: false });
            }
        }
        Ok(Self { header, rows })
    }

    fn booked(&self) -> Vec<BookedLine> {
        self.rows.iter().flat_map(|row| row.lines.iter().cloned()).collect()
    }

    fn line(&self, line: LineId) -> Option<&BookedLine> {
        self.rows.iter().flat_map(|row| &row.lines).find(|standing| standing.line == line)
    }

    /// A change as it is after what this commit has booked of the line already.
    fn renewed(&self, change: &LineChange) -> LineChange {
        LineChange { before: self.line(change.line).cloned(), ..change.clone() }
    }

    /// The writes of rows of further lines that changed.
    fn further_rows(&self, of: DocumentRef) -> impl Iterator<Item = Write> {
        let changed = (0u32..).zip(self.rows.iter().skip(1)).filter(|(_, row)| row.changed);
        changed.map(move |(index, row)| {
            let content = MoreLines { lines: row.lines.clone() };
            Versioned { content, expect: row.expect }.write(Key::DocumentLines(of, index))
        })
    }

    /// The writes of lines that changed of a document that did not.
    fn changed_rows(&self, of: DocumentRef) -> impl Iterator<Item = Write> {
        let header = self.header.clone().zip(self.rows.first()).filter(|(_, row)| row.changed);
        let header = header.map(|(header, row)| {
            let content = DocumentRecord { lines: row.lines.clone(), ..header.content };
            Versioned { content, expect: header.expect }.write(Key::Document(of))
        });
        header.into_iter().chain(self.further_rows(of))
    }

    fn store(&mut self, line: BookedLine) {
        for row in &mut self.rows {
            if let Some(standing) = row.lines.iter_mut().find(|standing| standing.line == line.line) {
                *standing = line;
                row.changed = true;
                return;
            }
        }
        let room = |index: usize| if index == 0 { LINES_IN_DOCUMENT } else { LINES_IN_ROW };
        let last = self.rows.len().saturating_sub(1);
        match self.rows.last_mut() {
            Some(row) if row.lines.len() < room(last) => {
                row.lines.push(line);
                row.changed = true;
            }
            _ => self.rows.push(LineRow { lines: vec![line], expect: Expect::Absent, changed: true }),
        }
    }
}

struct Step<'a> {
    document: &'a Document,
    content: Hash,
    source: Source,
    effect: Option<EffectId>,
    /// The goods receipt that is booked, or for which we wrote the bill.
    receipt: Option<&'a GoodsReceipt>,
    is_new: bool,
    unresolved: bool,
    uncountable: Money,
    /// Whether the order of a bill's line that is booked may be guessed: not because the bill changed, but
    /// because an order came after it. Else it must be named.
    may_guess: bool,
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

/// What one commit knows of the items it touches.
struct Items {
    stocks: BTreeMap<ItemId, Stock>,
    before: BTreeMap<ItemId, Position>,
    expects: BTreeMap<ItemId, (Expect, Expect)>,
    plans: BTreeMap<ItemId, Plan>,
    /// From which day on each item's costs are folded.
    from: BTreeMap<ItemId, Date>,
    orders: BTreeMap<ItemId, Vec<Versioned<OrderLine>>>,
    changed_orders: BTreeSet<(ItemId, DocumentId, LineId)>,
    lessons: BTreeMap<ItemId, Versioned<Learned>>,
    changed_lessons: BTreeSet<ItemId>,
    /// Items whose lesson this bill taught and does not teach any more.
    forgotten: BTreeSet<ItemId>,
    /// What other bills taught of items whose lesson is this bill's.
    earlier_lessons: BTreeMap<ItemId, Learned>,
}

impl Step<'_> {
    /// Books as many of `pending` as one commit holds.
    async fn commit<P: Ports>(
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
            let change = &loaded.renewed(change);
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
                    let account =
                        change.after.as_ref().map_or_else(String::new, |after| after.account.clone());
                    loaded.store(BookedLine { billed, account, ..before.clone() });
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
            if let Some(lesson) = self.still_taught(loaded, item)? {
                items.learn(item, lesson);
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

    async fn read_items<P: Ports>(
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
                let cost = match moves_from.into_iter().chain(met_from).min() {
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

    /// Whether the document's lines stand on order lines.
    const fn names_orders(&self) -> bool {
        matches!(
            self.document.of.kind,
            DocumentKind::GoodsReceipt | DocumentKind::Bill | DocumentKind::PurchaseOrder
        )
    }

    /// The text of a line.
    fn description(&self, line: LineId) -> &str {
        let line = self.document.lines.iter().find(|of| of.id == line);
        line.map(|line| line.description.as_str()).unwrap_or_default()
    }

    /// The order that we wrote the bill for.
    fn our_order(&self) -> Option<DocumentId> {
        self.receipt.map(|receipt| receipt.order)
    }

    /// How far a change may reach by the goods that it has in common with goods receipts or bills.
    fn reach(&self, change: &LineChange, items: &Items) -> Reach {
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
    async fn meet<P: Ports>(
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

    /// What a bill answers or asks about the bill that we wrote for a receipt with whose goods it has to do.
    async fn receipt_question<P: Ports>(
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

    /// Keeps what a goods receipt brought in of its order line.
    fn receive(&self, change: &LineChange, items: &mut Items) -> Result<Vec<Billed>, AppError> {
        let receipt = self.document.of.id;
        let after = change.after.as_ref().filter(|after| after.change > Quantity::ZERO);
        let Some(item) = change.items().next() else { return Ok(Vec::new()) };
        let with_bill = items.stocks.get(&item).is_some_and(|stock| stock.position.tracked);
        let said = self.receipt.and_then(|receipt| receipt.lines.iter().find(|of| of.line == change.line));
        let others = said.map(|line| line.others.clone()).unwrap_or_default();
        let ends = self.receipt.is_some_and(|receipt| receipt.ends);
        let lines = items.orders.get_mut(&item).into_iter().flatten();
        let Some(standing) = lines.into_iter().find(|standing| standing.content.line == change.line) else {
            return Ok(Vec::new());
        };
        let part = after.map(|after| ReceivedPart {
            receipt,
            on: after.effective_on,
            quantity: after.change,
            cost: after.cost.unwrap_or_default(),
            others,
            ends,
            with_bill,
        });
        standing.content.receive(receipt, part)?;
        let order = standing.content.order;
        items.changed_orders.insert((item, order, change.line));
        let part = after.map(|after| Billed { order, line: change.line, quantity: after.change });
        Ok(part.into_iter().collect())
    }

    /// Matches a bill line to the order lines that it brings in, and learns from it.
    fn arrive<P: Ports>(
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
            items.learn(after.item, lesson);
        }
        let open: Vec<OrderLine> = items
            .orders
            .get(&after.item)
            .map(|lines| lines.iter().map(|line| line.content.clone()).collect())
            .unwrap_or_default();
        let arrival = if is_booked(change) && !self.may_guess {
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
                    true => writes.extend(ended),
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
    fn still_taught(&self, loaded: &Loaded, item: ItemId) -> Result<Option<Learned>, FixedError> {
        for booked in loaded.booked().iter().filter(|line| line.item == item && line.change > Quantity::ZERO)
        {
            let line = self.document.lines.iter().find(|line| line.id == booked.line);
            if let Some(lesson) =
                line.map(|line| Learned::from_line(self.document, line)).transpose()?.flatten()
            {
                return Ok(Some(lesson));
            }
        }
        Ok(None)
    }

    /// Keeps the order line that stands for a line of a purchase order.
    fn order(&self, line: &BookedLine, change: &LineChange, items: &mut Items) -> Result<(), FixedError> {
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

    fn review<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        kind: ReviewKind,
        what: &str,
        item: Option<ItemId>,
        text: String,
    ) -> Write {
        let since = writer.now();
        let document = Some(self.document.of);
        let review = Review { kind, since, item, document, text, codes: BTreeSet::new() };
        unguarded(Key::Review(self.review_id(kind, what)), review)
    }

    fn review_id(&self, kind: ReviewKind, what: &str) -> Uuid {
        derived("review", &[kind.code(), &self.document.of.id.to_string(), what])
    }

    /// The one question about all item codes that nobody knows; it ends with the booking that knows all.
    fn review_unknown<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        loaded: &Loaded,
        codes: &[String],
    ) -> Option<Write> {
        let codes: BTreeSet<&str> = codes.iter().map(String::as_str).collect();
        if codes.is_empty() {
            let asked = loaded.header.as_ref().is_some_and(|header| header.content.unresolved);
            let id = self.review_id(ReviewKind::UnknownItem, "");
            return asked.then(|| removal(Key::Review(id)));
        }
        let named: Vec<String> =
            codes.iter().take(UNKNOWN_CODES_NAMED_MAX).map(|code| format!("`{code}`")).collect();
        let more = match codes.len().saturating_sub(named.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let text = format!(
            "{} {} names item codes that Xero doesn't list: {}{more}. Their quantity is not counted: make the items, or correct the lines. The document is looked at again then.",
            self.document.of.kind.words(),
            self.document.number,
            named.join(", "),
        );
        let review = Review {
            kind: ReviewKind::UnknownItem,
            since: writer.now(),
            item: None,
            document: Some(self.document.of),
            text,
            codes: codes.iter().take(CODES_OF_REVIEW_MAX).map(|code| (*code).to_owned()).collect(),
        };
        Some(unguarded(Key::Review(self.review_id(ReviewKind::UnknownItem, "")), review))
    }
}

impl Loaded {
    /// After a commit: the next one finds every row a version further.
    fn written(&mut self) {
        let next = |expect: Expect| match expect {
            Expect::Version(version) => Expect::Version(version + 1),
            Expect::Absent | Expect::Anything => Expect::Version(1),
        };
        if let Some(header) = &mut self.header {
            header.expect = next(header.expect);
        }
        for row in self.rows.iter_mut().filter(|row| row.changed) {
            row.expect = next(row.expect);
            row.changed = false;
        }
    }
}

impl Items {
    /// The item whose first movement or latest sale may be taken back by a change.
    fn loses_a_bound(&self, change: &LineChange) -> Option<ItemId> {
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
    async fn find_bounds<P: Ports>(
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

    fn order_line(
        &mut self,
        item: ItemId,
        order: DocumentId,
        line: LineId,
    ) -> Option<&mut Versioned<OrderLine>> {
        let lines = self.orders.get_mut(&item)?;
        lines.iter_mut().find(|standing| standing.content.order == order && standing.content.line == line)
    }

    fn find_order_line(&self, item: ItemId, order: DocumentId, line: LineId) -> Option<&OrderLine> {
        let mut lines = self.orders.get(&item)?.iter().map(|standing| &standing.content);
        lines.find(|standing| standing.order == order && standing.line == line)
    }

    /// The receipts with whose goods a change of a bill has to do: those that its order lines' bills have met, and had met before it.
    fn receipts_billed(
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

    /// Whether folding begins after a day of an item that a change touches.
    fn is_after(&self, change: &LineChange, day: Date) -> bool {
        change.items().any(|item| self.from.get(&item).is_none_or(|from| *from > day))
    }

    /// Keeps what a bill has brought in of an order line.
    fn bill(&mut self, item: ItemId, part: &Billed, billed: BilledPart) -> Result<(), FixedError> {
        if let Some(standing) = self.order_line(item, part.order, part.line) {
            standing.content.bill(billed)?;
            self.changed_orders.insert((item, part.order, part.line));
        }
        Ok(())
    }

    /// Takes back what a bill has brought in of an order line.
    fn unbill(
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
    fn forget(&mut self, item: ItemId, bill: DocumentRef) {
        if self.lessons.get(&item).is_some_and(|lesson| lesson.content.from == bill) {
            self.forgotten.insert(item);
            self.changed_lessons.insert(item);
        }
    }

    fn learn(&mut self, item: ItemId, mut lesson: Learned) {
        // what landed on a bill's goods stays with what it teaches
        if let Some(standing) = self.lessons.get(&item).filter(|row| row.content.from == lesson.from) {
            lesson.landed = standing.content.landed.clone();
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

    fn write_orders_and_lessons(&self, writes: &mut Vec<Write>) {
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

/// The alert of a position that crosses its reorder point or zero by this commit, once the history is in.
/// `after` keeps that somebody is warned.
///
/// # Errors
/// When a figure does not fit.
pub fn warning<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    location: &LocationId,
    before: &Position,
    after: &mut Position,
    plan: Option<&Plan>,
    today: Date,
) -> Result<Option<Write>, AppError> {
    if !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Ok(None);
    }
    let crossing = crossing(before, after, plan, today)?;
    Ok(crossing.map(|crossing| alert(writer, item, location, crossing, plan)))
}

/// The row of a warning: one per item, kind and day.
pub(crate) fn alert<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    location: &LocationId,
    crossing: Crossing,
    plan: Option<&Plan>,
) -> Write {
    let now = writer.now();
    let day = writer.clock().day_of(now);
    let id = derived("alert", &[&item.to_string(), crossing.kind.code(), &day.to_string()]);
    let alert = Alert {
        item,
        location: location.clone(),
        kind: crossing.kind,
        raised_at: now,
        available: crossing.available,
        on_order: plan.map(|plan| plan.on_order).unwrap_or_default(),
        reorder_point: plan.map(|plan| plan.reorder_point),
        told_at: None,
    };
    unguarded(Key::Alert(id), alert)
}

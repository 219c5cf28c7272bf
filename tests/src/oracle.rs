//! An independent model: it knows only the documents as they stand in Xero at the end, and says by the
//! plain, slow definition what must be stored. It shares no calculation with the ledger.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parstock_app::records::{DocumentRecord, Key, Owner, Profile, Record};
use parstock_domain::audit::{Entry, Head, Statement, verify};
use parstock_domain::document::{Document, DocumentKind, DocumentStatus};
use parstock_domain::goods_receipt::GoodsReceipt;
use parstock_domain::governance::{Proposal, ProposalState};
use parstock_domain::ids::{CommitId, DocumentId, ItemId, LineId, OrgId};
use parstock_domain::ledger::{Card, Cause, Layers, Movement, OrderLine, Position, Restatement, View};

use crate::books::Company;
use crate::store::FakeStore;

/// How old the last poll may be once all is at rest.
const POLL_AGE_MAX: SignedDuration = SignedDuration::from_mins(31);

/// What one line of a document means for stock, in ten-thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Meaning {
    item: ItemId,
    on: Date,
    moved: i64,
    committed: i64,
    ordered: i64,
}

/// The table of `mapping`: which kind moves, commits or orders what, in which status.
fn meaning(company: &Company, document: &Document, line: usize) -> Option<Meaning> {
    use DocumentKind as K;
    use DocumentStatus as S;
    let line = document.lines.get(line)?;
    let item = company.item_of(line.item.as_ref())?;
    let quantity = line.quantity.e4();
    let (mut moved, mut committed, mut ordered) = (0, 0, 0);
    match (document.of.kind, document.status) {
        (K::Bill | K::SpendMoney | K::SalesCredit, S::Authorised | S::Paid) => moved = quantity,
        (K::SalesInvoice | K::ReceiveMoney | K::SupplierCredit, S::Authorised | S::Paid) => moved = -quantity,
        (K::SalesInvoice, S::Draft | S::Submitted) => committed = quantity,
        (K::PurchaseOrder, _) => ordered = quantity,
        _ => {}
    }
    (moved != 0 || committed != 0 || ordered != 0).then_some(Meaning {
        item,
        on: document.date,
        moved,
        committed,
        ordered,
    })
}

/// The rows of an org, sorted by what the model compares.
#[derive(Default)]
struct Stored {
    documents: BTreeMap<DocumentId, DocumentRecord>,
    more: BTreeMap<DocumentId, Vec<parstock_domain::ledger::BookedLine>>,
    positions: BTreeMap<ItemId, Position>,
    layers: BTreeMap<ItemId, Layers>,
    restatements: Vec<Restatement>,
    movements: Vec<Movement>,
    orders: BTreeMap<(DocumentId, LineId, ItemId), OrderLine>,
    entries: Vec<Entry>,
    head: Head,
    profile: Option<Profile>,
    proposals: Vec<Proposal>,
    receipts: Vec<GoodsReceipt>,
    unfinished: Vec<Key>,
}

impl Stored {
    fn read(store: &FakeStore, org: OrgId) -> Self {
        let mut stored = Self::default();
        for row in store.rows(Owner::Org(org)) {
            match (row.key, row.record) {
                (_, Record::Document(document)) => {
                    stored.documents.insert(document.of.id, document);
                }
                (Key::DocumentLines(of, _), Record::DocumentLines(lines)) => {
                    stored.more.entry(of.id).or_default().extend(lines.lines);
                }
                (Key::Position(item, _), Record::Position(position)) => {
                    stored.positions.insert(item, position);
                }
                (Key::Layer(item, _), Record::Layer(layers)) => {
                    stored.layers.insert(item, layers);
                }
                (_, Record::Restatement(restatement)) => stored.restatements.push(restatement),
                (_, Record::Movement(movement)) => stored.movements.push(movement),
                (Key::OrderLine(item, order, line), Record::OrderLine(row)) => {
                    stored.orders.insert((order, line, item), row);
                }
                (_, Record::GoodsReceipt(receipt)) => stored.receipts.push(receipt),
                (_, Record::Proposal(proposal)) => stored.proposals.push(proposal),
                (_, Record::AuditEntry(entry)) => stored.entries.push(entry),
                (_, Record::AuditHead(head)) => stored.head = head,
                (_, Record::Profile(profile)) => stored.profile = Some(profile),
                (key @ (Key::Hint(_) | Key::PendingEffect(_)), _) => stored.unfinished.push(key),
                _ => {}
            }
        }
        stored
    }
}

/// Compares an org's rows with its documents in Xero, all being at rest; answers what differs.
pub fn differences(store: &FakeStore, company: &Company, now: Timestamp) -> Vec<String> {
    let org = company.organisation.id;
    let stored = Stored::read(store, org);
    let mut found = Vec::new();
    found.extend(positions(company, &stored));
    found.extend(documents(company, &stored));
    found.extend(orders(company, &stored));
    found.extend(purchase_orders(company, &stored));
    found.extend(audit(org, &stored));
    found.extend(stored.unfinished.iter().map(|key| format!("{key:?} is left over")));
    match &stored.profile {
        None => found.push("the org was never connected".into()),
        Some(profile) => {
            let age = profile.polled_at.map(|at| now.duration_since(at));
            if age.is_none_or(|age| age > POLL_AGE_MAX) {
                found.push(format!("the last whole poll was at {:?}, now it is {now}", profile.polled_at));
            }
            found.extend(profile.needs_person.iter().map(|what| format!("a person is asked: {what}")));
        }
    }
    found
}

fn positions(company: &Company, stored: &Stored) -> Vec<String> {
    let mut moved: BTreeMap<ItemId, i64> = BTreeMap::new();
    let mut committed: BTreeMap<ItemId, i64> = BTreeMap::new();
    let mut drafts: BTreeMap<ItemId, BTreeMap<Date, i64>> = BTreeMap::new();
    for document in company.documents.values() {
        for line in 0..document.lines.len() {
            if let Some(meaning) = meaning(company, document, line) {
                *moved.entry(meaning.item).or_default() += meaning.moved;
                *committed.entry(meaning.item).or_default() += meaning.committed;
                *drafts.entry(meaning.item).or_default().entry(document.date).or_default() +=
                    meaning.committed;
            }
        }
    }
    for (item, more) in received_beyond_bills(company, stored) {
        *moved.entry(item).or_default() += more;
    }
    let mut booked: BTreeMap<ItemId, i64> = BTreeMap::new();
    let mut opening: BTreeMap<ItemId, i64> = BTreeMap::new();
    let mut value: BTreeMap<ItemId, i64> = BTreeMap::new();
    let mut count: BTreeMap<ItemId, u64> = BTreeMap::new();
    for movement in &stored.movements {
        let sign = if movement.key.out { -1 } else { 1 };
        let is_document = matches!(movement.key.cause, Cause::Document { .. });
        let sum = if is_document { &mut booked } else { &mut opening };
        *sum.entry(movement.item).or_default() += sign * movement.quantity.e4();
        *value.entry(movement.item).or_default() += sign * movement.value.e4() - movement.correction.e4();
        *count.entry(movement.item).or_default() += 1;
    }
    for restatement in &stored.restatements {
        let changes = restatement.months.values().chain(restatement.closed.values());
        let sum: i64 = changes.map(|change| change.e4()).sum();
        *value.entry(restatement.item).or_default() += sum;
    }
    let items: BTreeSet<ItemId> =
        moved.keys().chain(booked.keys()).chain(stored.positions.keys()).copied().collect();
    let of = |sums: &BTreeMap<ItemId, i64>, item| sums.get(&item).copied().unwrap_or_default();
    let mut found = Vec::new();
    for item in items {
        let master = company.items.get(&item);
        let code = master.map_or("an unknown item", |item| item.code.as_str());
        let mut expect = |what: &str, is: i64, due: i64| {
            if is != due {
                found.push(format!("{code}: {what} is {is}, the documents say {due}"));
            }
        };
        expect("the sum of movements", of(&booked, item), of(&moved, item));
        let position = stored.positions.get(&item).cloned().unwrap_or_default();
        let layer = stored.layers.get(&item).map(Layers::total).unwrap_or_default();
        expect("the position", position.booked.e4(), of(&moved, item) + of(&opening, item));
        expect("committed", position.committed.e4(), of(&committed, item));
        let mut due = 0;
        for (day, quantity) in drafts.get(&item).into_iter().flatten() {
            due += quantity;
            if position.drafts_after.is_none_or(|last| *day > last) {
                expect("committed on a past day", position.committed_at(*day).unwrap().e4(), due);
            }
        }
        expect("the cost layer's quantity", layer.quantity.e4(), position.booked.e4());
        expect("the cost layer's cost", layer.cost.e4(), of(&value, item));
        expect("the value", position.value.e4(), layer.cost.e4());
        if let Some(layers @ Layers::Effective(_)) = stored.layers.get(&item) {
            let movements = stored.movements.iter().filter(|movement| movement.item == item).cloned();
            let card = Card::fold(movements.collect(), layers, true, View::default()).unwrap();
            let from_the_first: i64 = card.lines.iter().map(|line| line.value.e4()).sum();
            expect("the cost folded from the first movement", layer.cost.e4(), from_the_first);
        }
        expect("the number of movements", position.movements as i64, of_count(&count, item));
        if let Some(master) = master.filter(|item| item.tracked) {
            expect("tracked", i64::from(position.tracked), 1);
            if position.opened {
                let initial = company.initial.get(&item).map_or(0, |initial| initial.e4());
                expect("the opening behind what Xero last said", of(&opening, item), initial);
            }
            let reported = position.snapshot.map_or(i64::MIN, |snapshot| snapshot.xero.on_hand.e4());
            expect("what Xero last said", reported, company.on_hand(master.id).e4());
        }
    }
    found
}

/// What goods receipts brought in of what is not tracked, less what bills have brought in of the same goods: no more of a bill than is left
/// of it beside what the receipt has called other goods.
fn received_beyond_bills(company: &Company, stored: &Stored) -> BTreeMap<ItemId, i64> {
    let mut receipts: Vec<_> = stored.receipts.iter().filter(|receipt| receipt.stage.is_taken_in()).collect();
    receipts.sort_by_key(|receipt| (receipt.on, receipt.of(company.organisation.id).id));
    let more = stored.more.iter().flat_map(|(id, lines)| lines.iter().map(|line| (*id, line)));
    let rows = stored.documents.values().filter(|row| row.of.kind == DocumentKind::Bill);
    let lines = rows.flat_map(|row| row.lines.iter().map(|line| (row.of.id, line))).chain(more);
    let mut bills: BTreeMap<(DocumentId, LineId, ItemId), Vec<_>> = BTreeMap::new();
    for (bill, line) in lines {
        for part in &line.billed {
            let of_line = bills.entry((part.order, part.line, line.item)).or_default();
            of_line.push((line.effective_on, bill, line.line, part.quantity.e4(), 0));
        }
    }
    bills.values_mut().for_each(|parts| parts.sort_unstable());
    let mut more: BTreeMap<ItemId, i64> = BTreeMap::new();
    for receipt in receipts {
        for line in &receipt.lines {
            if company.items.get(&line.item).is_some_and(|item| item.tracked) {
                continue;
            }
            let mut unmet = line.quantity.e4();
            let of_line = bills.get_mut(&(receipt.order, line.line, line.item));
            for (_, bill, of_bill, quantity, met) in of_line.into_iter().flatten() {
                let others = line.others.iter().filter(|goods| (goods.bill, goods.line) == (*bill, *of_bill));
                let others: i64 = others.map(|goods| goods.quantity.e4()).sum();
                let meets = unmet.min(*quantity - *met).min(*quantity - others).max(0);
                *met += meets;
                unmet -= meets;
            }
            *more.entry(line.item).or_default() += unmet;
        }
    }
    more
}

/// What bills brought in of order lines.
fn billed(stored: &Stored) -> BTreeMap<(DocumentId, LineId, ItemId), i64> {
    let mut billed: BTreeMap<(DocumentId, LineId, ItemId), i64> = BTreeMap::new();
    let more = stored.more.values().flatten();
    let bills = stored.documents.values().filter(|row| row.of.kind != DocumentKind::GoodsReceipt);
    for line in bills.flat_map(|row| &row.lines).chain(more) {
        for part in &line.billed {
            *billed.entry((part.order, part.line, line.item)).or_default() += part.quantity.e4();
        }
    }
    billed
}

fn of_count(count: &BTreeMap<ItemId, u64>, item: ItemId) -> i64 {
    count.get(&item).map_or(0, |count| *count as i64)
}

fn documents(company: &Company, stored: &Stored) -> Vec<String> {
    let mut found = Vec::new();
    for document in company.documents.values() {
        let Some(row) = stored.documents.get(&document.of.id) else {
            found.push(format!("{} was never booked", document.number));
            continue;
        };
        if (row.status, row.date, row.progress) != (document.status, document.date, None) {
            found.push(format!(
                "{} is booked as {:?} of {} ({:?} to go), and is {:?} of {}",
                document.number, row.status, row.date, row.progress, document.status, document.date
            ));
        }
        let due: BTreeMap<LineId, Meaning> = document
            .lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| Some((line.id, meaning(company, document, at)?)))
            .collect();
        let lines = row.lines.iter().chain(stored.more.get(&document.of.id).into_iter().flatten());
        let mut booked: BTreeMap<LineId, Meaning> = BTreeMap::new();
        for line in lines {
            let meaning = Meaning {
                item: line.item,
                on: line.effective_on,
                moved: line.change.e4(),
                committed: line.committed.e4(),
                ordered: line.ordered.e4(),
            };
            if (meaning.moved, meaning.committed, meaning.ordered) == (0, 0, 0) {
                continue;
            }
            let is_sale = Cause::Document { of: document.of, line: line.line }.is_demand();
            let paper = document.lines.iter().find(|paper| paper.id == line.line);
            let paid = paper.map(|paper| paper.net).filter(|_| is_sale && meaning.moved != 0);
            if line.net != paid {
                found.push(format!("{} is booked as paid {:?}, and is {paid:?}", document.number, line.net));
            }
            if booked.insert(line.line, meaning).is_some() {
                found.push(format!("{} has a line booked twice", document.number));
            }
        }
        // what moves nothing takes effect on no day
        let timeless = |lines: BTreeMap<LineId, Meaning>| -> BTreeMap<LineId, Meaning> {
            let strip = |meaning: Meaning| {
                if meaning.moved == 0 { Meaning { on: document.date, ..meaning } } else { meaning }
            };
            lines.into_iter().map(|(line, meaning)| (line, strip(meaning))).collect()
        };
        if timeless(booked) != timeless(due) {
            found.push(format!("{}: the booked lines are not those of the document", document.number));
        }
    }
    found.extend(
        stored
            .documents
            .values()
            .filter(|row| row.of.kind != DocumentKind::GoodsReceipt)
            .filter(|row| !company.documents.contains_key(&row.of.id))
            .map(|row| format!("{} is booked and not in Xero", row.number)),
    );
    found
}

fn orders(company: &Company, stored: &Stored) -> Vec<String> {
    let billed = billed(stored);
    let mut received: BTreeMap<(DocumentId, LineId, ItemId), i64> = BTreeMap::new();
    for receipt in stored.receipts.iter().filter(|receipt| receipt.stage.is_taken_in()) {
        for line in &receipt.lines {
            *received.entry((receipt.order, line.line, line.item)).or_default() += line.quantity.e4();
        }
    }
    let mut due: BTreeMap<(DocumentId, LineId, ItemId), (i64, DocumentStatus)> = BTreeMap::new();
    for document in
        company.documents.values().filter(|document| document.of.kind == DocumentKind::PurchaseOrder)
    {
        for (at, line) in document.lines.iter().enumerate() {
            if let Some(meaning) = meaning(company, document, at) {
                due.insert((document.of.id, line.id, meaning.item), (meaning.ordered, document.status));
            }
        }
    }
    let mut found = Vec::new();
    for key in due.keys().chain(stored.orders.keys()).chain(billed.keys()).collect::<BTreeSet<_>>() {
        let row = stored.orders.get(key);
        let is = row.map(|row| (row.ordered.e4(), row.status));
        let standing = due.get(key).copied();
        let agree = match (is, standing) {
            (Some((0, _)) | None, None) => true,
            (is, due) => is == due,
        };
        if !agree {
            found.push(format!("the order line {} is {is:?}, the documents say {standing:?}", key.1));
        }
        let brought_in = billed.get(key).copied().unwrap_or_default();
        if row.map_or(0, |row| row.billed.e4()) != brought_in {
            found.push(format!("the order line {} does not have billed {brought_in}", key.1));
        }
        let taken_in = received.get(key).copied().unwrap_or_default();
        if row.map_or(0, |row| row.received.e4()) != taken_in {
            found.push(format!("the order line {} does not have received {taken_in}", key.1));
        }
    }
    found
}

/// Each approved proposal is exactly one purchase order with one note, of exactly what was approved; no
/// other proposal is any.
fn purchase_orders(company: &Company, stored: &Stored) -> Vec<String> {
    let mut found = Vec::new();
    for proposal in &stored.proposals {
        let written: Vec<_> =
            company.written.iter().filter(|written| written.approval.proposal == proposal.id).collect();
        let approved = matches!(proposal.status, ProposalState::Done { .. });
        if written.len() != usize::from(approved) {
            found.push(format!(
                "the proposal {} is {} and {} orders were written",
                proposal.id,
                proposal.state_name(),
                written.len()
            ));
        }
        for written in written {
            let ordered: Vec<i64> = written.draft.lines.iter().map(|line| line.quantity.e4()).collect();
            let wanted: Vec<i64> = proposal.lines.iter().map(|line| line.quantity.e4()).collect();
            if written.approval.contents != proposal.contents()
                || written.draft.supplier != proposal.supplier
                || ordered != wanted
            {
                found.push(format!("the order {} is not what was approved", written.draft.number));
            }
            let notes = company.notes.get(&written.order).map_or(0, Vec::len);
            if notes != 1 {
                found.push(format!("the order {} has {notes} notes", written.draft.number));
            }
        }
    }
    found
}

fn audit(org: OrgId, stored: &Stored) -> Vec<String> {
    let mut found = Vec::new();
    match verify(org, Head::default(), &stored.entries) {
        Err(broken) => found.push(broken.to_string()),
        Ok(head) if head != stored.head => found.push("the audit trail's end is not its last entry".into()),
        Ok(_) => {}
    }
    let commits: BTreeSet<CommitId> = stored
        .entries
        .iter()
        .filter_map(|entry| serde_json::from_str::<Statement>(&entry.payload).ok())
        .map(|statement| statement.commit)
        .collect();
    if commits.len() != stored.entries.len() {
        found.push("two audit entries speak of one commit".into());
    }
    let silent = stored.movements.iter().filter(|movement| !commits.contains(&movement.commit)).count();
    if silent > 0 {
        found.push(format!("{silent} movements are of commits without an audit entry"));
    }
    found
}

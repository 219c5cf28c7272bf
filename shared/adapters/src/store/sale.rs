//! A sale as it is booked, for tests and figures.

use jiff::ToSpan;
use parstock_app::ports::{Commit, Expect, Write};
use parstock_app::records::{DocumentRecord, Key, Owner, Record};
use parstock_domain::audit::{Hash, Head, Statement};
use parstock_domain::costing::Method;
use parstock_domain::document::{DocumentKind, DocumentRef, DocumentStatus};
use parstock_domain::ids::{CommitId, ContactId, DocumentId, ItemId, LineId, LocationId, OrgId};
use parstock_domain::ledger::position::Ahead;
use parstock_domain::ledger::valuation::Refold;
use parstock_domain::ledger::{
    BookedLine, Cause, Dating, Layers, Movement, MovementKey, Place, Position, Valuation,
};
use uuid::Uuid;

/// The organisation of the tests.
pub(super) const ORG: OrgId = OrgId(Uuid::from_u128(0x0a0b_0c0d_0e0f_1011_1213_1415_1617_1819));

/// Its rows.
pub(super) const OWNER: Owner = Owner::Org(ORG);

/// An id that looks like any other.
pub(super) fn id(kind: u16, number: u64) -> Uuid {
    parstock_domain::ids::derived("test", &[&kind.to_string(), &number.to_string()])
}

/// The `number`th item.
pub(super) fn item(number: u64) -> ItemId {
    ItemId(id(1, number))
}

/// The commit that books sale `number` of `lines` lines; positions, layers and head stand in `version`,
/// or aren't there yet.
pub(super) fn commit(number: u64, lines: u64, version: Option<u64>) -> Commit {
    let commit = CommitId(id(2, number));
    let of = DocumentRef { kind: DocumentKind::SalesInvoice, id: DocumentId(id(3, number)) };
    let day = "2026-03-14".parse().unwrap();
    let at = "2026-03-14T09:26:53.589793Z".parse().unwrap();
    let expect = version.map_or(Expect::Absent, Expect::Version);
    let mut writes = Vec::new();
    let mut booked = Vec::new();
    for line in 0..lines {
        let (item, line_id) = (item(line), LineId(id(4, number * 1_000 + line)));
        let key = MovementKey {
            effective_on: day,
            out: true,
            cause: Cause::Document { of, line: line_id },
            revision: 1,
            correction: false,
        };
        let movement = Movement {
            item,
            key,
            quantity: "12.5".parse().unwrap(),
            from: Place::Stock(LocationId::main()),
            to: Place::Customer,
            value: "1234.5678".parse().unwrap(),
            correction: "0".parse().unwrap(),
            posted_on: None,
            found: None,
            returns: Vec::new(),
            recorded_at: at,
            commit,
        };
        let position = Position {
            opened: true,
            booked: "1234.5".parse().unwrap(),
            ahead: (1..=3)
                .map(|n| Ahead {
                    on: "2026-04-01".parse().unwrap(),
                    quantity: format!("{n}").parse().unwrap(),
                })
                .collect(),
            value: "98765.4321".parse().unwrap(),
            last_sold_on: Some(day),
            movements: number + 1,
            ..Position::default()
        };
        let layers = Layers::Effective(Box::new(valued(&movement)));
        let mut write = |key, record, expect| writes.push(Write { key, record: Some(record), expect });
        write(Key::Movement(item, key), Record::Movement(movement), Expect::Absent);
        write(Key::Position(item, LocationId::main()), Record::Position(position), expect);
        write(Key::Layer(item, LocationId::main()), Record::Layer(layers), expect);
        booked.push(BookedLine {
            line: line_id,
            item,
            effective_on: day,
            change: "-12.5".parse().unwrap(),
            value: "-1234.5678".parse().unwrap(),
            cost: None,
            elsewhere: "0".parse().unwrap(),
            priced: None,
            foreign_net: None,
            account: String::new(),
            returns: Vec::new(),
            net: Some("2345.67".parse().unwrap()),
            committed: "0".parse().unwrap(),
            ordered: "0".parse().unwrap(),
            revision: 1,
            billed: Vec::new(),
        });
    }
    let document = DocumentRecord {
        of,
        number: format!("INV-{number:06}"),
        contact: ContactId(id(5, 1)),
        contact_name: "A Customer With A Long Name Limited".to_owned(),
        date: day,
        status: DocumentStatus::Authorised,
        updated_at: at,
        content: Hash::of(b"content"),
        progress: None,
        lines: booked,
        more: 0,
        unresolved: false,
        uncountable: "0".parse().unwrap(),
        foreign: None,
        effect: None,
    };
    let statement = Statement {
        at,
        who: "parstock".to_owned(),
        what: "book document".to_owned(),
        commit,
        event: None,
        rows: Hash::of(b"rows"),
        cogs: Default::default(),
        details: [("document", "INV-000001"), ("lines", "10"), ("source", "webhook")]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into(),
    };
    let payload = serde_json::to_string(&statement).unwrap();
    let (entry, head) = Head { seq: number, hash: Hash::of(b"before") }.append(ORG, payload);
    let mut write = |key, record, expect| writes.push(Write { key, record: Some(record), expect });
    write(Key::Document(of), Record::Document(document), Expect::Absent);
    write(Key::AuditEntry(entry.seq), Record::AuditEntry(entry), Expect::Absent);
    write(Key::AuditHead, Record::AuditHead(head), expect);
    Commit { id: commit, writes }
}

/// The costs of an item that was sold every month for years.
fn valued(sale: &Movement) -> Valuation {
    let mut valuation = Valuation::new(Method::Average);
    for months in (0..36).rev() {
        let day = sale.key.effective_on.saturating_sub(months.months());
        let key = MovementKey { effective_on: day, ..sale.key };
        let dating = Dating { today: day, open_from: None, cogs: None };
        let (base, worth) = (valuation.latest().cloned(), valuation.total().cost);
        let mut refold = Refold::new(valuation, base, Vec::new(), dating, worth).unwrap();
        let (movement, _) = refold.document(Movement { key, ..sale.clone() }, None).unwrap();
        valuation = refold.finish([&movement]).unwrap().valuation;
    }
    valuation
}

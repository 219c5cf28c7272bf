//! People go on working while the history is read.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use parstock_app::connect;
use parstock_app::message::{Envelope, Message};
use parstock_app::ports::QueueName;
use parstock_app::process::{self, Received};
use parstock_app::records::{Backfill, Key, Owner, Record};
use parstock_domain::document::{Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, ItemRef};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{DocumentId, ItemId, LineId, OrgId};
use parstock_tests::laws;
use parstock_tests::ports::FakePorts;
use parstock_tests::scheduler::{Sim, run_alone};
use parstock_tests::store::FakeStore;
use parstock_tests::trade::Trader;
use uuid::Uuid;

fn noon() -> Timestamp {
    "2026-06-01T02:00:00Z".parse().unwrap()
}

fn backfill(ports: &FakePorts<FakeStore>, org: OrgId) -> Backfill {
    match ports.store.row(Owner::Org(org), &Key::Profile).unwrap().record {
        Record::Profile(profile) => profile.backfill,
        other => panic!("{other:?} is no profile"),
    }
}

async fn serve(ports: &FakePorts<FakeStore>, queue: QueueName, message: Message) {
    let envelope = Envelope::new(message, Uuid::nil(), "/parstock/test", noon());
    let record = Received { id: "1".to_owned(), body: envelope.to_body().unwrap(), receives: 1 };
    assert_eq!(process::batch(ports, queue, vec![record]).await, Vec::new());
}

#[test]
fn a_sale_between_the_last_page_and_the_quantities_is_no_part_of_the_opening() {
    run_alone(async {
        let sim = Sim::new(1, noon());
        let mut trader = Trader::new(1);
        let company = trader.company("Shop", noon());
        let (org, connection) = (company.organisation.id, company.connection());
        let items: BTreeSet<ItemId> = company.items.keys().copied().collect();
        let tracked = company.items.values().find(|item| item.tracked).unwrap().clone();
        let (contact, _) = company.contacts.values().next().unwrap().clone();
        let ports = FakePorts::new(FakeStore::new(sim.clone()), sim);
        ports.books.add(company);
        connect::ensure(&ports, &connection).await.unwrap();
        while !matches!(backfill(&ports, org), Backfill::Opening { .. }) {
            serve(&ports, QueueName::Work, Message::Backfill { org }).await;
        }
        ports.sim.pass(SignedDuration::from_secs(10));
        let sale = Document {
            of: DocumentRef { kind: DocumentKind::SalesInvoice, id: DocumentId(Uuid::from_u128(7)) },
            number: "INV-1".into(),
            reference: String::new(),
            status: DocumentStatus::Authorised,
            contact: contact.id,
            contact_name: contact.name,
            date: "2026-06-01".parse().unwrap(),
            expected_on: None,
            updated_at: ports.sim.now(),
            lines: vec![DocumentLine {
                id: LineId(Uuid::from_u128(8)),
                item: Some(ItemRef { id: Some(tracked.id), code: tracked.code }),
                description: "Goods".into(),
                quantity: Quantity::ONE,
                unit_amount: Money::from_e4(20_000),
                net: Money::from_e4(20_000),
                account: "200".into(),
            }],
        };
        ports.books.with(org, |company| company.documents.insert(sale.of.id, sale));
        while !matches!(backfill(&ports, org), Backfill::Done { .. }) {
            serve(&ports, QueueName::Work, Message::Backfill { org }).await;
        }
        ports.sim.pass(SignedDuration::from_mins(15));
        serve(&ports, QueueName::Events, Message::Sync { org }).await;
        let company = ports.books.with(org, |company| company.clone());
        assert_eq!(laws::openings(&ports.store, &company, &items), [""; 0]);
    });
}

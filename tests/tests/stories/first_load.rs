//! People go on working while the history is read.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use parstock_app::message::{Envelope, Hint, Message};
use parstock_app::ports::QueueName;
use parstock_app::process::{self, Received};
use parstock_app::records::{Backfill, Key, List, OrgEntry, Owner, Profile, Record};
use parstock_app::settings::{self, Applied};
use parstock_app::{connect, load, poller};
use parstock_domain::audit::Entry;
use parstock_domain::document::{Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, ItemRef};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{DocumentId, ItemId, LineId, OrgId};
use parstock_domain::settings::files::Files;
use parstock_tests::books::Company;
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

/// A world in which one shop can be connected.
struct World {
    ports: FakePorts<FakeStore>,
    org: OrgId,
    connection: String,
    company: Company,
}

impl World {
    fn of(prepare: impl FnOnce(&mut Company)) -> Self {
        let sim = Sim::new(1, noon());
        let mut company = Trader::new(1).company("Shop", noon());
        prepare(&mut company);
        let (org, connection) = (company.organisation.id, company.connection());
        let ports = FakePorts::new(FakeStore::new(sim.clone()), sim);
        ports.books.add(company.clone());
        Self { ports, org, connection, company }
    }

    /// The next quarter of an hour, and all that comes of it.
    async fn poll(&self) {
        self.ports.sim.pass(SignedDuration::from_mins(15));
        poller::tick(&self.ports, std::slice::from_ref(&self.connection)).await.unwrap();
        self.work().await;
    }

    async fn work(&self) {
        for _ in 0..1_000 {
            let mut idle = true;
            for queue in [QueueName::Events, QueueName::Work] {
                for delivered in self.ports.queue.receive(queue, 10, SignedDuration::from_mins(30)) {
                    idle = false;
                    self.ports.queue.delete(queue, delivered.id);
                    let record = Received { id: delivered.id.to_string(), body: delivered.body, receives: 1 };
                    assert_eq!(process::batch(&self.ports, queue, vec![record]).await, Vec::new());
                }
            }
            if idle {
                break;
            }
        }
        for queue in QueueName::ALL {
            assert!(self.ports.queue.dead(queue).is_empty(), "{:?}", self.ports.queue.dead(queue));
        }
    }

    /// A webhook of a tenant that names a document.
    async fn hint(&self, tenant: u128, resource: u128) {
        let hint = Hint {
            tenant: Uuid::from_u128(tenant),
            category: "INVOICE".to_owned(),
            event_type: "UPDATE".to_owned(),
            resource: Uuid::from_u128(resource),
        };
        serve(&self.ports, QueueName::Events, Message::Hint(hint)).await;
        self.work().await;
    }

    fn entry(&self) -> OrgEntry {
        match self.ports.store.row(Owner::Stack, &Key::Org(self.org)).unwrap().record {
            Record::Org(entry) => entry,
            other => panic!("{other:?} is no entry"),
        }
    }

    fn profile(&self) -> Profile {
        match self.ports.store.row(Owner::Org(self.org), &Key::Profile).unwrap().record {
            Record::Profile(profile) => profile,
            other => panic!("{other:?} is no profile"),
        }
    }

    fn calls(&self, name: &str) -> u64 {
        let count = |company: &mut Company| company.calls().get(name).copied().unwrap_or_default();
        self.ports.books.with(self.org, count)
    }

    /// Somebody sells one of the shop's first item.
    fn sell(&self, number: u128) {
        let item = self.company.items.values().next().unwrap();
        let (contact, _) = self.company.contacts.values().next().unwrap().clone();
        let document = Document {
            of: DocumentRef { kind: DocumentKind::SalesInvoice, id: DocumentId(Uuid::from_u128(number)) },
            number: number.to_string(),
            reference: String::new(),
            status: DocumentStatus::Authorised,
            contact: contact.id,
            contact_name: contact.name,
            date: "2026-06-01".parse().unwrap(),
            expected_on: None,
            updated_at: self.ports.sim.now(),
            lines: vec![DocumentLine {
                id: LineId(Uuid::from_u128(number)),
                item: Some(ItemRef { id: Some(item.id), code: item.code.clone() }),
                description: "Goods".into(),
                quantity: Quantity::ONE,
                unit_amount: Money::ZERO,
                net: Money::ZERO,
                account: "200".into(),
                unit: None,
                foreign_net: None,
            }],
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        };
        self.ports.books.with(self.org, |company| company.documents.insert(document.of.id, document));
    }

    async fn set(&self, policy: &str) -> Applied {
        let files = Files { policy: Some(policy), ..Files::default() };
        settings::apply(&self.ports, self.org, "a person", &files).await.unwrap()
    }
}

#[test]
fn a_tenant_is_bound_by_a_document_that_is_found_and_by_no_other_webhook() {
    run_alone(async {
        let world = World::of(|_| {});
        world.poll().await;
        world.sell(7);
        // signed, but its document is not here
        world.hint(1, 99).await;
        assert_eq!(world.entry().tenant, None);
        world.hint(2, 7).await;
        assert_eq!(world.entry().tenant, Some(Uuid::from_u128(2)));
        let booked = DocumentRef { kind: DocumentKind::SalesInvoice, id: DocumentId(Uuid::from_u128(7)) };
        let owner = Owner::Org(world.org);
        assert!(world.ports.store.row(owner, &Key::Document(booked)).is_some(), "it is served at once");
        let entries = load::all::<Entry>(&world.ports.store, world.org, &List::AuditEntries).await.unwrap();
        let told = entries.iter().filter(|(_, entry)| entry.content.payload.contains("bind tenant"));
        assert_eq!(told.count(), 1);
        // another tenant is none of ours, and costs nothing
        let before = world.calls("books.invoices");
        world.hint(1, 7).await;
        world.hint(3, 7).await;
        assert_eq!(world.calls("books.invoices"), before);
        world.hint(2, 7).await;
        assert_eq!(world.calls("books.invoices"), before + 1);
        assert_eq!(world.entry().tenant, Some(Uuid::from_u128(2)));
    });
}

const ZONE_UNKNOWN: &str = "LUNARSTANDARDTIME";

fn zone(name: &str) -> String {
    format!(r#"{{"version": 1, "rules": [{{"scope": "org", "setting": "time_zone", "value": "{name}"}}]}}"#)
}

#[test]
fn an_organisation_whose_time_zone_is_not_known_is_listed_and_read_once_a_person_sets_it() {
    run_alone(async {
        let world = World::of(|company| company.organisation.xero_time_zone = ZONE_UNKNOWN.to_owned());
        world.sell(7);
        for _ in 0..3 {
            world.poll().await;
            world.hint(1, 7).await;
        }
        assert_eq!(world.entry().time_zone, None);
        let what = world.profile().needs_person.unwrap();
        assert!(what.contains(ZONE_UNKNOWN) && what.contains("time_zone"), "{what}");
        assert_eq!(world.calls("books.changed") + world.calls("books.invoices"), 0);

        // another setting doesn't end the waiting
        let slack = r#"{"version": 1, "rules": [{"scope": "org", "setting": "slack", "value": true}]}"#;
        world.set(slack).await;
        assert!(world.profile().awaits_time_zone);
        world.set(&zone("Australia/Adelaide")).await;
        world.work().await;
        let profile = world.profile();
        assert!(matches!(profile.backfill, Backfill::Done { documents: 1, .. }), "{:?}", profile.backfill);
        assert_eq!((profile.time_zone.as_str(), profile.needs_person), ("Australia/Adelaide", None));
        assert_eq!(world.entry().time_zone.as_deref(), Some("Australia/Adelaide"));
        world.poll().await;

        // without it nobody would know the days again
        let Applied::Refused(problems) = world.set(slack).await else { panic!("the zone is gone") };
        assert!(problems.iter().any(|problem| problem.what.contains(ZONE_UNKNOWN)), "{problems:?}");
        assert_eq!(world.profile().time_zone, "Australia/Adelaide");
    });
}

#[test]
fn a_later_change_of_the_time_zone_takes_effect_and_moves_nothing_that_is_booked() {
    run_alone(async {
        let world = World::of(|_| {});
        world.sell(7);
        world.poll().await;
        let movements = || {
            let rows = world.ports.store.rows(Owner::Org(world.org));
            rows.into_iter().filter(|row| matches!(row.key, Key::Movement(..))).collect::<Vec<_>>()
        };
        let before = movements();
        assert!(!before.is_empty());
        for (policy, name) in [
            (zone("America/New_York"), "America/New_York"),
            (r#"{"version": 1, "rules": []}"#.to_owned(), "Australia/Sydney"),
        ] {
            world.set(&policy).await;
            world.work().await;
            assert_eq!(world.profile().time_zone, name);
            assert_eq!(world.entry().time_zone.as_deref(), Some(name));
            world.poll().await;
        }
        assert_eq!(movements(), before);
    });
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
                unit: None,
                foreign_net: None,
            }],
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
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

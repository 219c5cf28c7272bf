//! Sizes that no usual story has: many organisations, and a document of ten thousand lines.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test may stop where it stands, and figures are printed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use parstock_adapters::store::embedded;
use parstock_app::console::{Console, Viewer};
use parstock_app::message::{Envelope, Message};
use parstock_app::ports::{
    COMMIT_WRITES_MAX, Commit, CommitError, Page, Ports, QueueName, Row, Store, StoreError, Write,
};
use parstock_app::process::{self, Received};
use parstock_app::records::{Backfill, DocumentRecord, Key, List, OrgEntry, Owner, Profile, Record};
use parstock_app::{connect, load, poller};
use parstock_domain::document::{
    Contact, Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, Item, ItemRef,
};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{DocumentId, ItemId, LineId, OrgId};
use parstock_domain::ledger::Movement;
use parstock_tests::books::Company;
use parstock_tests::ports::FakePorts;
use parstock_tests::scheduler::{Sim, run_alone};
use parstock_tests::store::FakeStore;
use parstock_tests::trade::Trader;
use tokio::sync::Notify;
use uuid::Uuid;

/// Organisations of the largest stack.
const ORGS: u32 = 1_000;
/// Lines of the long document.
const LINES: u64 = 10_000;
/// Lines of the one that is booked on the embedded table. Each commit reads the document's rows again, so
/// ten thousand would take half a minute there in a debug build.
const LINES_EMBEDDED: u64 = 2_000;
/// Items that they name in turn.
const ITEMS: u64 = 300;
/// Bytes of one commit at most (DynamoDB: 4 MB in a transaction).
const COMMIT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Messages handed out at once.
const BATCH_MAX: usize = 10;
const VISIBILITY: SignedDuration = SignedDuration::from_mins(30);

fn morning() -> Timestamp {
    // eleven in Sydney, after the hour of the digest
    "2026-06-01T01:00:00Z".parse().unwrap()
}

fn received(message: Message) -> Received {
    let envelope = Envelope::new(message, Uuid::nil(), "/parstock/test", morning());
    Received { id: "1".to_owned(), body: envelope.to_body().unwrap(), receives: 1 }
}

/// Takes every message of a queue.
fn taken<S: Store>(ports: &FakePorts<S>, queue: QueueName) -> Vec<Message> {
    let mut messages = Vec::new();
    loop {
        let batch = ports.queue.receive(queue, BATCH_MAX, VISIBILITY);
        if batch.is_empty() {
            return messages;
        }
        for delivered in batch {
            ports.queue.delete(queue, delivered.id);
            messages.push(Envelope::from_body(&delivered.body).unwrap().message);
        }
    }
}

/// Processes all messages of the events and work queues until none is left.
async fn work<S: Store>(ports: &FakePorts<S>) {
    loop {
        let batches = [QueueName::Events, QueueName::Work].map(|queue| (queue, taken(ports, queue)));
        if batches.iter().all(|(_, batch)| batch.is_empty()) {
            return;
        }
        for (queue, batch) in batches {
            for message in batch {
                assert_eq!(process::batch(ports, queue, vec![received(message)]).await, Vec::new());
            }
        }
    }
}

/// A stack with so many organisations that have read their history, one of which is in the books too.
fn stack(orgs: u32) -> (FakePorts<FakeStore>, OrgId) {
    let sim = Sim::new(1, morning());
    let ports = FakePorts::new(FakeStore::new(sim.clone()), sim);
    let mut first = None;
    for number in 0..orgs {
        let company = Trader::new(u64::from(number)).company(&format!("Shop {number}"), morning());
        let (org, connection) = (company.organisation.id, company.connection());
        let profile = Profile {
            organisation: company.organisation.clone(),
            time_zone: "Australia/Sydney".to_owned(),
            closed_through: None,
            has_purchase_units: false,
            cogs_from: None,
            awaits_time_zone: false,
            connected_at: morning(),
            backfill: Backfill::Done { at: morning(), documents: 0, last_entry: 0 },
            polled_at: Some(morning()),
            polls_since_quantities: 0,
            quantities_stale: false,
            items_until: None,
            polls_since_contacts: 0,
            organisation_asked_at: None,
            other_currency: None,
            contacts_until: None,
            planned_on: None,
            planned_all_on: None,
            digest_on: None,
            proved_on: None,
            reported_through: None,
            journaled_on: None,
            alerts_told_at: None,
            needs_person: None,
        };
        let entry = OrgEntry {
            org,
            name: company.organisation.name.clone(),
            time_zone: Some(profile.time_zone.clone()),
            connection,
            tenant: Some(Uuid::from_u128(u128::from(number))),
        };
        ports.store.put(Owner::Org(org), Key::Profile, Record::Profile(profile));
        ports.store.put(Owner::Stack, Key::Org(org), Record::Org(entry));
        if first.is_none() {
            first = Some(org);
            ports.books.add(company);
        }
    }
    (ports, first.unwrap())
}

fn named(messages: &[Message]) -> BTreeSet<OrgId> {
    let org = |message: &Message| match message {
        Message::Sync { org } | Message::Digest { org } => *org,
        other => panic!("{other:?} was not asked for"),
    };
    messages.iter().map(org).collect()
}

#[test]
fn a_tick_sends_one_message_to_each_of_a_thousand_orgs_and_does_no_work_for_them() {
    let calls_of = |orgs: u32| {
        run_alone(async {
            let (ports, _) = stack(orgs);
            let before = ports.sim.points();
            poller::tick(&ports, &[]).await.unwrap();
            let poll = ports.sim.points() - before;
            let syncs = taken(&ports, QueueName::Events);
            assert_eq!((syncs.len(), named(&syncs).len()), (orgs as usize, orgs as usize));
            let before = ports.sim.points();
            poller::digest_tick(&ports).await.unwrap();
            let digest = ports.sim.points() - before;
            let digests = taken(&ports, QueueName::Effects);
            assert_eq!((digests.len(), named(&digests).len()), (orgs as usize, orgs as usize));
            (poll, digest)
        })
    };
    let (one, many) = (calls_of(1), calls_of(ORGS));
    // one call has two points: a poll queues a message, the digest's tick reads the org's rows before
    assert_eq!(one, (2 + 2, 2 + 4));
    let (orgs, pages) = (u64::from(ORGS), 2 * u64::from(ORGS).div_ceil(100));
    assert!(many.0 <= 2 * orgs + pages && many.1 <= 4 * orgs + pages, "{many:?} points");
}

#[test]
fn an_orgs_work_is_the_same_among_a_thousand() {
    let points_of = |orgs: u32| {
        run_alone(async {
            let (ports, org) = stack(orgs);
            let before = ports.sim.points();
            assert_eq!(
                process::batch(&ports, QueueName::Events, vec![received(Message::Sync { org })]).await,
                Vec::new()
            );
            let sync = ports.sim.points() - before;
            let digest = received(Message::Digest { org });
            assert_eq!(process::batch(&ports, QueueName::Effects, vec![digest]).await, Vec::new());
            (sync, ports.sim.points() - before - sync)
        })
    };
    let (alone, among_many) = (points_of(1), points_of(ORGS));
    assert!(alone.0 > 10 && alone.1 > 10, "{alone:?} points");
    assert_eq!(alone, among_many);
}

/// The largest commit so far, and when the writer is to be stopped.
#[derive(Default)]
struct Watched {
    writes: usize,
    bytes: usize,
    commits: u64,
    /// The commit after which the caller hears nothing any more.
    stop_after: Option<u64>,
}

/// A store that measures its commits, and at one of them takes the caller's process down.
struct Watching<S> {
    store: S,
    watched: Arc<Mutex<Watched>>,
    stopped: Arc<Notify>,
}

impl<S: Store> Store for Watching<S> {
    async fn get(&self, owner: Owner, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        self.store.get(owner, keys).await
    }

    async fn list(
        &self,
        owner: Owner,
        list: &List,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        self.store.list(owner, list, after, limit).await
    }

    async fn commit(&self, owner: Owner, commit: Commit) -> Result<(), CommitError> {
        let json = |write: &Write| serde_json::to_vec(&(&write.key, &write.record)).unwrap().len();
        let (writes, bytes) = (commit.writes.len(), commit.writes.iter().map(json).sum::<usize>());
        let answer = self.store.commit(owner, commit).await;
        let stops = {
            let mut watched = self.watched.lock().unwrap();
            watched.writes = watched.writes.max(writes);
            watched.bytes = watched.bytes.max(bytes);
            watched.commits += 1;
            watched.stop_after == Some(watched.commits)
        };
        if stops {
            self.stopped.notify_one();
            std::future::pending::<()>().await;
        }
        answer
    }

    async fn write_each(&self, owner: Owner, writes: Vec<Write>) -> Result<(), CommitError> {
        self.store.write_each(owner, writes).await
    }
}

/// A shop with many items, none of them tracked.
fn large_shop() -> (Company, Vec<ItemRef>) {
    let mut company = Trader::new(1).company("Shop", morning());
    company.items.clear();
    company.initial.clear();
    for number in 0..ITEMS {
        let item = Item {
            id: ItemId(Uuid::from_u128(1 + u128::from(number))),
            code: format!("P-{number:03}"),
            name: format!("Product {number}"),
            tracked: false,
            purchase_price: None,
            sales_price: None,
            purchase_account: "300".into(),
            purchase_tax: String::new(),
            sales_account: "200".into(),
            quantity: None,
            updated_at: morning(),
            priced_at: None,
        };
        company.items.insert(item.id, item);
    }
    let named = company.items.values().map(|item| ItemRef { id: Some(item.id), code: item.code.clone() });
    let named = named.collect();
    (company, named)
}

fn long_sale(contact: &Contact, items: &[ItemRef], lines: u64, now: Timestamp) -> Document {
    let line = |(number, item): (u64, &ItemRef)| DocumentLine {
        id: LineId(Uuid::from_u128(1_000_000 + u128::from(number))),
        item: Some(item.clone()),
        description: "Goods".into(),
        quantity: Quantity::ONE,
        unit_amount: Money::from_e4(20_000),
        net: Money::from_e4(20_000),
        account: "200".into(),
        unit: None,
        foreign_net: None,
    };
    Document {
        of: DocumentRef { kind: DocumentKind::SalesInvoice, id: DocumentId(Uuid::from_u128(7)) },
        number: "INV-1".into(),
        reference: String::new(),
        status: DocumentStatus::Authorised,
        contact: contact.id,
        contact_name: contact.name.clone(),
        date: "2026-06-01".parse().unwrap(),
        expected_on: None,
        updated_at: now,
        in_advance: false,
        set_against: Vec::new(),
        foreign: None,
        lines: (0..lines).zip(items.iter().cycle()).map(line).collect(),
    }
}

/// A sale of `lines` lines is booked, by a process that ends between two commits and by one after it.
async fn a_long_sale_is_booked<S: Store>(store: impl FnOnce(&Sim) -> S, lines: u64) {
    let sim = Sim::new(1, morning());
    let store = store(&sim);
    let (watched, stopped) = (Arc::<Mutex<Watched>>::default(), Arc::new(Notify::new()));
    let store = Watching { store, watched: Arc::clone(&watched), stopped: Arc::clone(&stopped) };
    let ports = FakePorts::new(store, sim.clone());
    let (company, items) = large_shop();
    let (org, connection) = (company.organisation.id, company.connection());
    let contact = company.contacts.values().next().unwrap().0.clone();
    ports.books.add(company);
    connect::ensure(&ports, &connection).await.unwrap();
    work(&ports).await;

    sim.pass(SignedDuration::from_mins(1));
    let sale = long_sale(&contact, &items, lines, sim.now());
    let of = sale.of;
    ports.books.with(org, |company| company.documents.insert(of.id, sale));
    {
        let mut watched = watched.lock().unwrap();
        watched.stop_after = Some(watched.commits + 10);
    }
    tokio::select! {
        _ = process::batch(&ports, QueueName::Events, vec![received(Message::Sync { org })]) => {
            panic!("the sale was booked in fewer commits");
        }
        () = stopped.notified() => {}
    }
    let document = async || {
        let row = load::one::<DocumentRecord>(ports.store(), Owner::Org(org), Key::Document(of)).await;
        row.unwrap().unwrap().content
    };
    let (left, all) = document().await.progress.unwrap();
    assert!(left > 0 && left < all && u64::from(all) == lines, "{left} of {all} lines are to go");

    // the health page says how far it is
    let viewer = Viewer { user: "Kim".into(), csrf: String::new(), connects: false };
    let console = Console::open(&ports, org, viewer).await.unwrap();
    let health = console.health(Vec::new()).await.unwrap();
    let shown: Vec<(u32, u32)> =
        health.part_booked.iter().map(|document| (document.booked, document.lines)).collect();
    assert_eq!(shown, [(all - left, all)]);

    // whoever held the org is taken for gone
    sim.pass(VISIBILITY);
    assert_eq!(
        process::batch(&ports, QueueName::Events, vec![received(Message::Sync { org })]).await,
        Vec::new()
    );
    assert_eq!(document().await.progress, None);
    assert_eq!(console.health(Vec::new()).await.unwrap().part_booked.len(), 0);
    let mut booked = BTreeMap::<ItemId, i64>::new();
    let mut seen = BTreeSet::new();
    for item in &items {
        let item = item.id.unwrap();
        for (key, row) in load::all::<Movement>(ports.store(), org, &List::Movements(item)).await.unwrap() {
            assert!(row.content.key.out && seen.insert(key));
            *booked.entry(item).or_default() += row.content.quantity.e4();
        }
    }
    assert_eq!(seen.len() as u64, lines);
    let even = lines.div_euclid(ITEMS);
    let more = lines.rem_euclid(ITEMS);
    for (number, item) in (0..).zip(&items) {
        let due = 10_000 * (even + u64::from(number < more)) as i64;
        assert_eq!(booked.get(&item.id.unwrap()), Some(&due), "{}", item.code);
    }
    let watched = watched.lock().unwrap();
    println!("{} commits, at most {} rows and {} bytes", watched.commits, watched.writes, watched.bytes);
    assert!(watched.writes <= COMMIT_WRITES_MAX && watched.bytes < COMMIT_BYTES_MAX);
    assert_eq!(sim.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_sale_of_ten_thousand_lines_survives_a_crash_between_its_commits() {
    a_long_sale_is_booked(|sim| FakeStore::new(sim.clone()), LINES).await;
}

#[tokio::test]
async fn a_sale_of_two_thousand_lines_survives_it_on_the_embedded_table_too() {
    a_long_sale_is_booked(|_| embedded::in_memory().unwrap(), LINES_EMBEDDED).await;
}

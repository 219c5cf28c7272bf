//! What changes in Xero is found by polling alone, whatever our clock says and however Xero pages.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::{Ports, QueueName, Store, Unreadable};
use parstock_app::process::{self, Received};
use parstock_app::records::{Key, Owner, Record, ReviewKind};
use parstock_app::{connect, poller};
use parstock_domain::document::{
    Contact, Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, Item, ItemRef,
};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{DocumentId, LineId, OrgId, derived};
use parstock_tests::books::{Company, PAGE_DOCUMENTS};
use parstock_tests::ports::FakePorts;
use parstock_tests::scheduler::{Sim, run_alone};
use parstock_tests::store::FakeStore;
use parstock_tests::trade::Trader;
use uuid::Uuid;

struct Shop {
    ports: FakePorts<FakeStore>,
    org: OrgId,
    connection: String,
    behind: SignedDuration,
    contact: Contact,
    item: Item,
}

impl Shop {
    /// Connected and loaded; Xero's clock is so much behind ours.
    async fn open(behind: SignedDuration, prepare: impl FnOnce(&mut Company)) -> Self {
        let sim = Sim::new(1, "2026-06-01T02:00:00Z".parse().unwrap());
        let mut company = Trader::new(1).company("Shop", sim.now() - behind - SignedDuration::from_hours(1));
        company.clock_behind = behind;
        prepare(&mut company);
        let (connection, org) = (company.connection(), company.organisation.id);
        let contact = company.contacts.values().next().unwrap().0.clone();
        let item = company.items.values().find(|item| !item.tracked).unwrap().clone();
        let ports = FakePorts::new(FakeStore::new(sim.clone()), sim);
        ports.books.add(company);
        let shop = Self { ports, org, connection, behind, contact, item };
        connect::ensure(&shop.ports, &shop.connection).await.unwrap();
        shop.work().await;
        shop
    }

    /// Does what is queued until nothing is.
    async fn work(&self) {
        for _ in 0..1_000 {
            let mut idle = true;
            for queue in [QueueName::Events, QueueName::Work] {
                for delivered in self.ports.queue.receive(queue, 10, SignedDuration::from_mins(30)) {
                    idle = false;
                    self.ports.queue.delete(queue, delivered.id);
                    let record = Received { id: delivered.id.to_string(), body: delivered.body, receives: 1 };
                    let back = process::batch(&self.ports, queue, vec![record]).await;
                    assert_eq!(back, Vec::new());
                }
            }
            if idle {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// The next quarter of an hour; answers how often a feed was asked for.
    async fn poll(&self) -> u64 {
        let asked = || self.with(|company| company.calls().get("books.changed").copied().unwrap_or_default());
        let before = asked();
        self.ports.sim.pass(SignedDuration::from_mins(15));
        poller::tick(&self.ports, std::slice::from_ref(&self.connection)).await.unwrap();
        self.work().await;
        asked() - before
    }

    fn with<T>(&self, act: impl FnOnce(&mut Company) -> T) -> T {
        self.ports.books.with(self.org, act)
    }

    fn xero_now(&self) -> Timestamp {
        self.ports.sim.now() - self.behind
    }

    /// Somebody writes a document in Xero.
    fn write(&self, kind: DocumentKind, number: u128) -> DocumentRef {
        let of = DocumentRef { kind, id: DocumentId(Uuid::from_u128(number)) };
        let line = DocumentLine {
            id: LineId(Uuid::from_u128(number)),
            item: Some(ItemRef { id: Some(self.item.id), code: self.item.code.clone() }),
            description: "Goods".to_owned(),
            quantity: Quantity::ONE,
            unit_amount: Money::ZERO,
            net: Money::ZERO,
            account: "200".to_owned(),
        };
        let document = Document {
            of,
            number: number.to_string(),
            reference: String::new(),
            status: DocumentStatus::Authorised,
            contact: self.contact.id,
            contact_name: self.contact.name.clone(),
            date: "2026-06-01".parse().unwrap(),
            expected_on: None,
            updated_at: self.xero_now(),
            lines: vec![line],
        };
        self.with(|company| company.documents.insert(of.id, document));
        of
    }

    async fn get(&self, key: Key) -> Option<Record> {
        let rows = self.ports.store().get(Owner::Org(self.org), &[key]).await.unwrap();
        rows.into_iter().next().flatten().map(|row| row.record)
    }

    async fn is_booked(&self, document: DocumentRef) -> bool {
        self.get(Key::Document(document)).await.is_some()
    }
}

const TWO_HOURS: SignedDuration = SignedDuration::from_hours(2);

#[test]
fn no_change_is_missed_when_xeros_clock_is_two_hours_behind_ours() {
    run_alone(async {
        for behind in [TWO_HOURS, SignedDuration::ZERO, -TWO_HOURS] {
            let shop = Shop::open(behind, |_| {}).await;
            let mut number = 0;
            for kind in [DocumentKind::SalesInvoice, DocumentKind::SalesCredit, DocumentKind::SpendMoney] {
                for idle_polls in [0, 1, 4] {
                    for _ in 0..idle_polls {
                        shop.poll().await;
                    }
                    number += 1;
                    let document = shop.write(kind, number);
                    shop.poll().await;
                    assert!(
                        shop.is_booked(document).await,
                        "{kind:?} after {idle_polls} idle polls, Xero {behind} behind"
                    );
                }
            }
        }
    });
}

#[test]
fn a_renamed_item_is_not_missed_either() {
    run_alone(async {
        let shop = Shop::open(TWO_HOURS, |_| {}).await;
        for name in ["first", "second", "third"] {
            for _ in 0..8 {
                shop.poll().await;
            }
            let at = shop.xero_now();
            shop.with(|company| {
                let item = company.items.get_mut(&shop.item.id).unwrap();
                item.name = name.to_owned();
                item.updated_at = at;
            });
            for _ in 0..4 {
                // every fourth poll reads quantities instead
                shop.poll().await;
            }
            let Some(Record::Item(kept)) = shop.get(Key::Item(shop.item.id)).await else { panic!() };
            assert_eq!(kept.name, name);
        }
    });
}

#[test]
fn a_poll_with_nothing_new_asks_once_for_each_feed_however_xero_pages() {
    run_alone(async {
        for counts_pages in [true, false] {
            let shop = Shop::open(SignedDuration::ZERO, |company| company.counts_pages = counts_pages).await;
            // all of one second, and more than a page holds
            let many = PAGE_DOCUMENTS as u128 * 2 + 1;
            let documents: Vec<DocumentRef> =
                (1..=many).map(|number| shop.write(DocumentKind::SalesInvoice, number)).collect();
            shop.poll().await;
            for document in documents {
                assert!(shop.is_booked(document).await, "{document:?}");
            }
            shop.poll().await;
            assert_eq!(shop.poll().await, 4, "Xero counts its pages: {counts_pages}");
        }
    });
}

#[test]
fn the_first_load_ends_without_a_count_of_pages() {
    run_alone(async {
        let shop = Shop::open(SignedDuration::ZERO, |company| company.counts_pages = false).await;
        let Some(Record::Profile(profile)) = shop.get(Key::Profile).await else { panic!() };
        assert!(matches!(profile.backfill, parstock_app::records::Backfill::Done { .. }), "{profile:?}");
    });
}

#[test]
fn an_item_that_cannot_be_read_is_asked_about_and_holds_up_no_other() {
    run_alone(async {
        let odd = Unreadable { id: "odd".to_owned(), why: "a field has an unexpected form".to_owned() };
        let shop = Shop::open(SignedDuration::ZERO, |company| company.unreadable_items = vec![odd]).await;
        assert!(shop.get(Key::Item(shop.item.id)).await.is_some());
        let review = Key::Review(derived("review", &["unreadable", "odd"]));
        let Some(Record::Review(review)) = shop.get(review).await else { panic!() };
        assert_eq!(review.kind, ReviewKind::UnreadableDocument);
        assert!(review.text.starts_with("The item odd could not be read"), "{}", review.text);
    });
}

#[test]
fn a_shop_that_sells_tracked_goods_all_day_does_not_lose_sight_of_its_items() {
    run_alone(async {
        let mut shop = Shop::open(SignedDuration::ZERO, |_| {}).await;
        shop.item = shop.with(|company| company.items.values().find(|item| item.tracked).unwrap().clone());
        for number in 1..=4 {
            shop.write(DocumentKind::SpendMoney, number);
            shop.poll().await;
        }
        let now = shop.xero_now();
        shop.with(|company| {
            let item = company.items.get_mut(&shop.item.id).unwrap();
            (item.name, item.updated_at) = ("Renamed".to_owned(), now);
        });
        shop.write(DocumentKind::SpendMoney, 5);
        shop.poll().await;
        let Some(Record::Item(item)) = shop.get(Key::Item(shop.item.id)).await else { panic!("no item") };
        assert_eq!(item.name, "Renamed");
    });
}

//! What changes in Xero is found by polling alone, whatever our clock says and however Xero pages.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::{Ports, QueueName, Store, Unreadable};
use parstock_app::process::{self, Received};
use parstock_app::records::{Key, Owner, Record, Review, ReviewKind};
use parstock_app::settings::{self, Applied};
use parstock_app::{connect, poller};
use parstock_domain::document::{
    Contact, Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, Item, ItemRef,
};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ContactId, DocumentId, ItemId, LineId, LocationId, OrgId, derived};
use parstock_domain::settings::files::Files;
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

    /// What a person has to do before parstock can go on.
    async fn needs_person(&self) -> Option<String> {
        match self.get(Key::Profile).await {
            Some(Record::Profile(profile)) => profile.needs_person,
            _ => None,
        }
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
            unit: None,
            foreign_net: None,
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
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        };
        self.with(|company| company.documents.insert(of.id, document));
        of
    }

    async fn get(&self, key: Key) -> Option<Record> {
        let rows = self.ports.store().get(Owner::Org(self.org), &[key]).await.unwrap();
        rows.into_iter().next().flatten().map(|row| row.record)
    }

    /// A line of the shop's item without a price.
    fn line(&self, quantity: Quantity) -> DocumentLine {
        DocumentLine {
            id: LineId(Uuid::from_u128(u128::from(quantity.e4().unsigned_abs()))),
            item: Some(ItemRef { id: Some(self.item.id), code: self.item.code.clone() }),
            description: "Goods".to_owned(),
            quantity,
            unit_amount: Money::ZERO,
            net: Money::ZERO,
            account: "200".to_owned(),
            unit: None,
            foreign_net: None,
        }
    }

    /// Somebody changes a document in Xero.
    fn change(&self, of: DocumentRef, change: impl FnOnce(&mut Document)) {
        let now = self.xero_now();
        self.with(|company| {
            let document = company.documents.get_mut(&of.id).unwrap();
            change(document);
            document.updated_at = now;
        });
    }

    fn reviews(&self) -> Vec<Review> {
        let rows = self.ports.store.rows(Owner::Org(self.org));
        rows.into_iter()
            .filter_map(|row| if let Record::Review(review) = row.record { Some(review) } else { None })
            .collect()
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
fn what_is_changed_while_pages_of_one_second_are_read_hides_no_other() {
    run_alone(async {
        let many = PAGE_DOCUMENTS as u128 * 2 + 1;
        for counts_pages in [true, false] {
            // behind each reading of the poll, and more documents come after the second than fill its last page
            for (behind, later) in
                (1..14).flat_map(|behind| [(behind, 0), (behind, PAGE_DOCUMENTS as u128 * 2)])
            {
                let shop =
                    Shop::open(SignedDuration::ZERO, |company| company.counts_pages = counts_pages).await;
                let mut documents: Vec<DocumentRef> =
                    (1..=many).map(|number| shop.write(DocumentKind::SalesInvoice, number)).collect();
                for number in many + 1..=many + later {
                    shop.ports.sim.pass(SignedDuration::from_mins(1));
                    documents.push(shop.write(DocumentKind::SalesInvoice, number));
                }
                let edit = ("books.changed", behind, documents[0].id.0);
                shop.with(|company| company.edits_behind = vec![edit]);
                for _ in 0..4 {
                    shop.poll().await;
                }
                for document in documents {
                    assert!(shop.is_booked(document).await, "{document:?}: {behind} {later} {counts_pages}");
                }
                assert_eq!(shop.poll().await, 4, "it comes to rest: {behind} {later} {counts_pages}");
                shop.with(|company| assert_eq!(company.edits_behind, [], "it was changed"));
            }
        }
    });
}

#[test]
fn a_second_of_many_documents_is_left_behind_once_there_are_later_ones() {
    run_alone(async {
        for counts_pages in [true, false] {
            let shop = Shop::open(SignedDuration::ZERO, |company| company.counts_pages = counts_pages).await;
            for number in 0..PAGE_DOCUMENTS as u128 + 2 {
                shop.write(DocumentKind::SalesInvoice, number + 1);
            }
            shop.ports.sim.pass(SignedDuration::from_mins(5));
            let later = shop.write(DocumentKind::SalesInvoice, 99);
            for _ in 0..3 {
                shop.poll().await;
            }
            assert!(shop.is_booked(later).await);
            assert_eq!(shop.poll().await, 4, "Xero counts its pages: {counts_pages}");
        }
    });
}

#[test]
fn a_second_that_moves_for_as_long_as_it_is_read_is_read_once_it_rests() {
    run_alone(async {
        let shop = Shop::open(SignedDuration::ZERO, |_| {}).await;
        let documents: Vec<DocumentRef> = (1..=PAGE_DOCUMENTS as u128 * 3)
            .map(|number| shop.write(DocumentKind::SalesInvoice, number))
            .collect();
        // each poll reads eight lists at most, so this goes on for three of them
        let edits =
            documents.iter().zip(5..).map(|(document, after)| ("books.changed", after, document.id.0));
        shop.with(|company| company.edits_behind = edits.collect());
        for _ in 0..8 {
            shop.poll().await;
        }
        for document in documents {
            assert!(shop.is_booked(document).await, "{document:?}");
        }
        shop.with(|company| assert_eq!(company.edits_behind, []));
        assert_eq!(shop.poll().await, 4, "it comes to rest");
    });
}

#[test]
fn more_changes_of_one_second_than_can_be_walked_are_told_to_a_person() {
    run_alone(async {
        let shop = Shop::open(SignedDuration::ZERO, |_| {}).await;
        let documents: Vec<DocumentRef> = (1..=PAGE_DOCUMENTS as u128 * 21)
            .map(|number| shop.write(DocumentKind::SalesInvoice, number))
            .collect();
        shop.poll().await;
        let told = shop.needs_person().await.unwrap();
        assert!(told.contains("more than 20 pages of changes of the second"), "{told}");
        // as it says
        shop.ports.sim.pass(SignedDuration::from_mins(1));
        let now = shop.xero_now();
        shop.with(|company| {
            for document in documents.iter().take(PAGE_DOCUMENTS * 3) {
                company.documents.get_mut(&document.id).unwrap().updated_at = now;
            }
        });
        for _ in 0..4 {
            shop.poll().await;
        }
        assert_eq!(shop.needs_person().await, None);
        for document in documents {
            assert!(shop.is_booked(document).await, "{document:?}");
        }
    });
}

#[test]
fn a_supplier_that_is_changed_while_those_of_one_second_are_read_hides_no_other() {
    run_alone(async {
        for behind in 1..8 {
            let shop = Shop::open(SignedDuration::ZERO, |_| {}).await;
            let now = shop.xero_now();
            let imported: Vec<ContactId> =
                (1..=10).map(|number| ContactId(derived("imported", &[&format!("{number:02}")]))).collect();
            shop.with(|company| {
                for id in &imported {
                    let contact = Contact { id: *id, name: id.to_string(), ..shop.contact.clone() };
                    company.contacts.insert(id.0, (contact, now));
                }
                let first = imported.iter().min().unwrap();
                company.edits_behind = vec![("books.contacts", behind, first.0)];
            });
            for _ in 0..8 {
                shop.poll().await;
            }
            for id in imported {
                assert!(shop.get(Key::Contact(id)).await.is_some(), "{id} {behind}");
            }
            shop.with(|company| assert_eq!(company.edits_behind, []));
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
        let review = Key::Review(derived("review", &["unreadable", "item", "odd"]));
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

#[test]
fn a_supplier_that_is_renamed_or_archived_is_known_and_customers_are_left_out() {
    run_alone(async {
        let customer = Contact {
            id: ContactId(Uuid::from_u128(u128::MAX)),
            name: "A customer".to_owned(),
            archived: false,
            only_customer: true,
            merged_into: None,
        };
        let shop = Shop::open(TWO_HOURS, |company| {
            let at = company.contacts.values().next().unwrap().1;
            company.contacts.insert(customer.id.0, (customer.clone(), at));
        })
        .await;
        let kept = async |id: ContactId| match shop.get(Key::Contact(id)).await {
            Some(Record::Contact(contact)) => Some((contact.name, contact.archived)),
            _ => None,
        };
        // more than one page of them, without any document
        for (contact, _) in shop.with(|company| company.contacts.clone()).values() {
            let expected = (contact.id != customer.id).then(|| (contact.name.clone(), false));
            assert_eq!(kept(contact.id).await, expected);
        }
        for (name, archived) in [("First", false), ("Second", false), ("Second", true)] {
            for _ in 0..6 {
                shop.poll().await;
            }
            let now = shop.xero_now();
            shop.with(|company| {
                let (contact, at) = company.contacts.get_mut(&shop.contact.id.0).unwrap();
                (contact.name, contact.archived, *at) = (name.to_owned(), archived, now);
            });
            for _ in 0..5 {
                shop.poll().await;
            }
            assert_eq!(kept(shop.contact.id).await, Some((name.to_owned(), archived)));
        }
    });
}

#[test]
fn what_is_set_for_an_item_and_a_supplier_outlives_their_names() {
    run_alone(async {
        let shop = Shop::open(SignedDuration::ZERO, |_| {}).await;
        let (code, supplier) = (&shop.item.code, &shop.contact.name);
        let items = format!("item,supplier,pack\n{code},{supplier},6\n");
        let suppliers = format!("supplier,lead_time_days\n{supplier},9\n");
        let policy = format!(
            r#"{{"version": 1, "rules": [
                {{"scope": "item:{code}", "setting": "dead_after_days", "value": 33}},
                {{"scope": "supplier:{supplier}", "setting": "overstock_cover_days", "value": 44}}]}}"#
        );
        let files = Files {
            policy: Some(&policy),
            items: Some(&items),
            suppliers: Some(&suppliers),
            ..Files::default()
        };
        let applied = settings::apply(&shop.ports, shop.org, "a person", &files).await.unwrap();
        assert!(matches!(applied, Applied::Changed(_)), "{applied:?}");
        let now = shop.xero_now();
        shop.with(|company| {
            let item = company.items.get_mut(&shop.item.id).unwrap();
            (item.code, item.updated_at) = ("NEW".to_owned(), now);
            let (contact, at) = company.contacts.get_mut(&shop.contact.id.0).unwrap();
            (contact.name, *at) = ("New name".to_owned(), now);
        });
        for _ in 0..6 {
            shop.poll().await;
        }
        let Some(Record::Item(item)) = shop.get(Key::Item(shop.item.id)).await else { panic!() };
        assert_eq!(item.code, "NEW");
        let held = settings::for_items(&shop.ports, shop.org, &[shop.item.id]).await.unwrap();
        let resolved = held.for_item(&item, &LocationId::main(), None);
        assert_eq!(resolved.pack, Some("6".parse().unwrap()));
        assert_eq!(resolved.supplier.as_deref(), Some("New name"));
        assert_eq!((resolved.lead_time_days.value, resolved.dead_after_days), (9, 33));
        assert_eq!(resolved.overstock_cover_days, 44);
        let shown = settings::export(&shop.ports, shop.org).await.unwrap();
        assert!(shown.items.contains("NEW,,New name,6"), "{}", shown.items);
        assert!(shown.suppliers.contains("New name,9"), "{}", shown.suppliers);
        assert!(shown.policy.contains("item:NEW") && shown.policy.contains("supplier:New name"));
        // what is shown says the same, and the old names are unknown
        let files = Files {
            policy: Some(&shown.policy),
            items: Some(&shown.items),
            suppliers: Some(&shown.suppliers),
            units: Some(&shown.units),
        };
        let same = settings::check(&shop.ports, shop.org, &files).await.unwrap();
        assert!(matches!(&same, Applied::Changed(changes) if changes.is_empty()), "{same:?}");
        let files = Files { items: Some(&items), ..Files::default() };
        let old = settings::apply(&shop.ports, shop.org, "a person", &files).await.unwrap();
        let Applied::Refused(problems) = old else { panic!("the old names are gone") };
        assert!(problems.iter().all(|problem| problem.line == 2), "{problems:?}");
    });
}

#[test]
fn what_is_asked_about_a_document_ends_when_it_can_be_read_and_booked() {
    run_alone(async {
        let shop = Shop::open(SignedDuration::ZERO, |_| {}).await;
        let unread = shop.write(DocumentKind::SalesCredit, 1);
        let refused = shop.write(DocumentKind::SpendMoney, 2);
        shop.with(|company| {
            company.unreadable_documents.insert(unread.id, "a field has an unexpected form".to_owned());
        });
        // two lines, each as much as the ledger holds
        let most = Quantity::from_e4(i64::MAX);
        shop.change(refused, |document| document.lines = vec![shop.line(most), shop.line(Quantity::ONE)]);
        shop.change(refused, |document| document.lines.iter_mut().for_each(|line| line.quantity = most));
        shop.poll().await;
        let asked = shop.reviews();
        assert_eq!(asked.len(), 2, "{asked:?}");
        assert!(asked.iter().all(|review| review.kind == ReviewKind::UnreadableDocument), "{asked:?}");
        shop.poll().await;
        assert_eq!(shop.reviews().len(), 2);

        shop.with(|company| company.unreadable_documents.clear());
        shop.change(unread, |_| {});
        shop.change(refused, |document| document.lines = vec![shop.line(Quantity::ONE)]);
        shop.poll().await;
        assert!(shop.is_booked(unread).await && shop.is_booked(refused).await);
        assert_eq!(shop.reviews(), Vec::new());
    });
}

#[test]
fn what_is_asked_about_an_item_ends_when_it_can_be_read() {
    run_alone(async {
        let shop = Shop::open(SignedDuration::ZERO, |_| {}).await;
        let odd = Unreadable { id: shop.item.id.to_string().to_uppercase(), why: "odd".to_owned() };
        shop.with(|company| company.unreadable_items = vec![odd]);
        for _ in 0..5 {
            shop.poll().await;
        }
        assert_eq!(shop.reviews().len(), 1);
        let now = shop.xero_now();
        shop.with(|company| {
            company.unreadable_items.clear();
            company.items.get_mut(&shop.item.id).unwrap().updated_at = now;
        });
        for _ in 0..4 {
            shop.poll().await;
        }
        assert_eq!(shop.reviews(), Vec::new());
    });
}

#[test]
fn what_is_asked_about_an_opening_below_zero_ends_with_the_book_that_it_opened() {
    run_alone(async {
        let mut tracked = None;
        let shop = Shop::open(SignedDuration::ZERO, |company| {
            let item = company.items.values().find(|item| item.tracked).unwrap().id;
            company.initial.insert(item, Quantity::from_e4(-50_000));
            tracked = Some(item);
        })
        .await;
        let asked: Vec<ReviewKind> = shop.reviews().iter().map(|review| review.kind).collect();
        assert_eq!(asked, [ReviewKind::NegativeOpening]);
        let now = shop.xero_now();
        shop.with(|company| {
            let item = company.items.get_mut(&tracked.unwrap()).unwrap();
            (item.tracked, item.updated_at) = (false, now);
        });
        for _ in 0..4 {
            shop.poll().await;
        }
        assert_eq!(shop.reviews(), Vec::new());
    });
}

#[test]
fn an_item_that_comes_late_brings_back_documents_that_can_not_be_fetched_by_their_id() {
    run_alone(async {
        let shop = Shop::open(SignedDuration::ZERO, |_| {}).await;
        let kinds = [DocumentKind::SalesCredit, DocumentKind::SpendMoney, DocumentKind::SalesInvoice];
        let waiting: Vec<DocumentRef> =
            (1..).zip(kinds).map(|(number, kind)| shop.write(kind, number)).collect();
        for of in &waiting {
            shop.change(*of, |document| {
                document.lines.iter_mut().for_each(|line| {
                    line.item = Some(ItemRef { id: None, code: "LATE".to_owned() });
                });
            });
        }
        shop.poll().await;
        assert_eq!(shop.reviews().len(), waiting.len());
        // days go by, and more documents come than a page holds
        for day in 0..3 {
            for number in 0..PAGE_DOCUMENTS as u128 {
                shop.write(DocumentKind::SpendMoney, 100 + day * 50 + number);
                shop.write(DocumentKind::SalesCredit, 1_000 + day * 50 + number);
            }
            shop.ports.sim.pass(SignedDuration::from_hours(24));
            shop.poll().await;
        }
        let late = ItemId(Uuid::from_u128(77));
        let now = shop.xero_now();
        shop.with(|company| {
            let item = Item { id: late, code: "LATE".to_owned(), updated_at: now, ..shop.item.clone() };
            company.items.insert(late, item);
        });
        for _ in 0..4 {
            shop.poll().await;
        }
        assert_eq!(shop.reviews(), Vec::new());
        let rows = shop.ports.store.rows(Owner::Org(shop.org));
        let moved = rows.iter().filter(|row| matches!(&row.key, Key::Movement(item, _) if *item == late));
        assert_eq!(moved.count(), waiting.len());
    });
}

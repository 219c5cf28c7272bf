//! What becomes of the books when the organisation itself, or a supplier, is changed in Xero.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parstock_app::decide::{Decision, decide};
use parstock_app::error::AppError;
use parstock_app::message::{Envelope, Hint, Message};
use parstock_app::ports::QueueName;
use parstock_app::process::{self, Received};
use parstock_app::records::{Backfill, Key, List, OrgEntry, Owner, Profile, Record};
use parstock_app::settings::{self, Applied};
use parstock_app::{connect, load, poller};
use parstock_domain::audit::Entry;
use parstock_domain::document::{
    Contact, Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, Item, ItemRef, Organisation,
};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::governance::{Proposal, ProposalState};
use parstock_domain::ids::{DocumentId, LineId, LocationId, OrgId};
use parstock_domain::ledger::OrderLine;
use parstock_domain::settings::files::Files;
use parstock_tests::books::Company;
use parstock_tests::ports::FakePorts;
use parstock_tests::scheduler::{Sim, run_alone};
use parstock_tests::store::FakeStore;
use parstock_tests::trade::Trader;
use uuid::Uuid;

const ASSIST: &str = r#"{"version":1,"rules":[{"scope":"org","setting":"phase","value":"assist"}]}"#;
/// Polls of a day, and then some: in one of them the organisation is read.
const POLLS_OF_A_DAY: u32 = 98;
/// Polls within which contacts are read.
const POLLS_OF_CONTACTS: u32 = 6;

struct Shop {
    ports: FakePorts<FakeStore>,
    org: OrgId,
    connection: String,
}

impl Shop {
    /// A shop whose history is in.
    async fn open() -> Self {
        let sim = Sim::new(1, "2026-06-01T02:00:00Z".parse().unwrap());
        let company = Trader::new(1).company("Shop", sim.now() - SignedDuration::from_hours(1));
        let (connection, org) = (company.connection(), company.organisation.id);
        let ports = FakePorts::new(FakeStore::new(sim.clone()), sim);
        ports.books.add(company);
        let shop = Self { ports, org, connection };
        connect::ensure(&shop.ports, &shop.connection).await.unwrap();
        shop.work().await;
        assert!(matches!(shop.profile().backfill, Backfill::Done { .. }));
        shop
    }

    /// Lets everything happen that is due by now.
    async fn work(&self) {
        for _ in 0..1_000 {
            let mut idle = true;
            for queue in QueueName::ALL {
                for delivered in self.ports.queue.receive(queue, 10, SignedDuration::from_mins(30)) {
                    idle = false;
                    self.ports.queue.delete(queue, delivered.id);
                    let record = Received { id: delivered.id.to_string(), body: delivered.body, receives: 1 };
                    assert_eq!(process::batch(&self.ports, queue, vec![record]).await, Vec::new());
                }
            }
            if idle {
                return;
            }
        }
        panic!("it never comes to rest");
    }

    /// So many quarters of an hour; answers the most calls that a poll took. What follows a poll, such as the daily proof,
    /// has calls of its own.
    async fn polls(&self, polls: u32) -> u64 {
        let mut most = 0;
        for _ in 0..polls {
            self.ports.sim.pass(SignedDuration::from_mins(2));
            self.work().await;
            let before = self.calls(None);
            self.ports.sim.pass(SignedDuration::from_mins(13));
            poller::tick(&self.ports, std::slice::from_ref(&self.connection)).await.unwrap();
            self.work().await;
            most = most.max(self.calls(None) - before);
        }
        self.ports.sim.pass(SignedDuration::from_mins(2));
        self.work().await;
        most
    }

    fn with<T>(&self, act: impl FnOnce(&mut Company) -> T) -> T {
        self.ports.books.with(self.org, act)
    }

    fn calls(&self, name: Option<&str>) -> u64 {
        let is_meant = |call: &str| name.is_none_or(|name| call == name);
        self.with(|company| company.calls().iter().filter(|(call, _)| is_meant(call)).map(|(_, n)| n).sum())
    }

    fn change(&self, change: impl FnOnce(&mut Organisation)) {
        self.with(|company| change(&mut company.organisation));
    }

    fn profile(&self) -> Profile {
        match self.ports.store.row(Owner::Org(self.org), &Key::Profile).unwrap().record {
            Record::Profile(profile) => profile,
            other => panic!("{other:?} is no profile"),
        }
    }

    fn entry(&self) -> OrgEntry {
        match self.ports.store.row(Owner::Stack, &Key::Org(self.org)).unwrap().record {
            Record::Org(entry) => entry,
            other => panic!("{other:?} is no entry"),
        }
    }

    async fn told(&self, what: &str) -> usize {
        let entries = load::all::<Entry>(&self.ports.store, self.org, &List::AuditEntries).await.unwrap();
        entries.iter().filter(|(_, entry)| entry.content.payload.contains(what)).count()
    }

    async fn set(&self, files: Files<'_>) -> Applied {
        settings::apply(&self.ports, self.org, "a person", &files).await.unwrap()
    }

    fn item(&self) -> Item {
        self.with(|company| company.items.values().find(|item| item.tracked).unwrap().clone())
    }

    /// The contacts by their names.
    fn contacts(&self) -> Vec<Contact> {
        let mut all: Vec<Contact> =
            self.with(|company| company.contacts.values().map(|(contact, _)| contact.clone()).collect());
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn change_contact(&self, of: &Contact, change: impl FnOnce(&mut Contact)) {
        let now = self.ports.sim.now();
        self.with(|company| {
            let (contact, at) = company.contacts.get_mut(&of.id.0).unwrap();
            change(contact);
            *at = now;
        });
    }

    fn merge(&self, from: &Contact, into: &Contact) {
        self.change_contact(from, |contact| (contact.archived, contact.merged_into) = (true, Some(into.id)));
    }

    /// Somebody writes a document over one line of the shop's item.
    fn write(
        &self,
        kind: DocumentKind,
        number: u128,
        contact: &Contact,
        quantity: i64,
        date: Date,
    ) -> DocumentRef {
        let item = self.item();
        let of = DocumentRef { kind, id: DocumentId(Uuid::from_u128(number)) };
        let quantity = Quantity::from_e4(quantity * 10_000);
        let document = Document {
            of,
            number: number.to_string(),
            reference: String::new(),
            status: DocumentStatus::Authorised,
            contact: contact.id,
            contact_name: contact.name.clone(),
            date,
            expected_on: None,
            updated_at: self.ports.sim.now(),
            lines: vec![DocumentLine {
                id: LineId(Uuid::from_u128(number)),
                item: Some(ItemRef { id: Some(item.id), code: item.code }),
                description: "Goods".to_owned(),
                quantity,
                unit_amount: Money::from_e4(10_000),
                net: quantity.at(Money::from_e4(10_000)).unwrap(),
                account: "200".to_owned(),
                unit: None,
                foreign_net: None,
            }],
            in_advance: false,
            set_against: Vec::new(),
            foreign: None,
        };
        self.with(|company| company.documents.insert(of.id, document));
        of
    }

    fn today(&self) -> Date {
        self.ports.sim.now().to_zoned(jiff::tz::TimeZone::get("Australia/Sydney").unwrap()).date()
    }

    fn is_booked(&self, of: DocumentRef) -> bool {
        self.ports.store.row(Owner::Org(self.org), &Key::Document(of)).is_some()
    }

    async fn hint(&self, of: DocumentRef) {
        let hint = Hint {
            tenant: self.org.0,
            category: "INVOICE".to_owned(),
            event_type: "UPDATE".to_owned(),
            resource: of.id.0,
        };
        let envelope =
            Envelope::new(Message::Hint(hint), Uuid::nil(), "/parstock/test", self.ports.sim.now());
        let record = Received { id: "1".to_owned(), body: envelope.to_body().unwrap(), receives: 1 };
        assert_eq!(process::batch(&self.ports, QueueName::Events, vec![record]).await, Vec::new());
    }

    fn proposals(&self) -> Vec<Proposal> {
        let rows = self.ports.store.rows(Owner::Org(self.org));
        let found = rows.into_iter().filter_map(|row| match row.record {
            Record::Proposal(proposal) => Some(proposal),
            _ => None,
        });
        found.collect()
    }

    fn open_proposal(&self) -> Proposal {
        let open: Vec<Proposal> =
            self.proposals().into_iter().filter(|proposal| proposal.status == ProposalState::Open).collect();
        let [one] = open.as_slice() else { panic!("{open:#?}") };
        one.clone()
    }

    async fn approve(&self, proposal: &Proposal) -> Result<Proposal, AppError> {
        decide(&self.ports, self.org, proposal.id, proposal.contents(), "Kim", &Decision::Approve).await
    }

    /// A shop that buys its item of this supplier and sells a few each day, until it wants to order.
    async fn sells_out(&self, supplier: &Contact) {
        let (today, customer) = (self.today(), self.contacts().pop().unwrap());
        let begin = today.saturating_sub(jiff::Span::new().days(60));
        let item = self.item().id;
        self.with(|company| company.initial.insert(item, Quantity::ZERO));
        self.write(DocumentKind::Bill, 1_000, supplier, 130, begin);
        for (number, day) in (2_000..).zip(1..=60) {
            let day = begin.saturating_add(jiff::Span::new().days(day));
            self.write(DocumentKind::SalesInvoice, number, &customer, 2, day);
        }
        // one poll reads a few small pages
        self.polls(12).await;
        settings_assist(self).await;
        self.polls(1).await;
    }
}

async fn settings_assist(shop: &Shop) {
    let applied = shop.set(Files { policy: Some(ASSIST), ..Files::default() }).await;
    assert!(matches!(applied, Applied::Changed(_)), "{applied:?}");
}

#[test]
fn a_renamed_organisation_is_known_by_its_new_name_within_a_day_at_no_more_calls() {
    run_alone(async {
        let shop = Shop::open().await;
        // the first reading of contacts has two pages
        shop.polls(10).await;
        assert_eq!(shop.polls(3).await, 5);
        let lock = Date::constant(2026, 3, 31);
        shop.change(|organisation| {
            organisation.name = "New Name".to_owned();
            organisation.period_lock_date = Some(lock);
        });
        assert!(shop.polls(POLLS_OF_A_DAY).await <= 5);
        assert_eq!(shop.calls(Some("books.organisation")), 1, "once a day");
        let profile = shop.profile();
        assert_eq!(
            (profile.organisation.name.as_str(), shop.entry().name.as_str()),
            ("New Name", "New Name")
        );
        assert_eq!(profile.organisation.period_lock_date, Some(lock));
        assert_eq!(shop.told("Shop -> New Name").await, 1);
        assert_eq!(shop.told("none -> 2026-03-31").await, 1);
        shop.polls(POLLS_OF_A_DAY).await;
        assert_eq!(shop.told("organisation changed").await, 1, "what stays is not told again");
    });
}

#[test]
fn an_organisation_that_xero_refuses_to_name_holds_up_neither_documents_nor_items() {
    run_alone(async {
        let shop = Shop::open().await;
        let refusal = parstock_app::ports::BooksError::NeedsPerson("a scope is missing".to_owned());
        shop.with(|company| company.refusals.insert("books.organisation", refusal));
        shop.polls(POLLS_OF_A_DAY).await;
        let before = (shop.calls(Some("books.items")), shop.calls(Some("books.contacts")));
        let sale = shop.write(DocumentKind::SalesInvoice, 7, &shop.contacts()[0], 1, shop.today());
        shop.polls(POLLS_OF_CONTACTS).await;
        assert!(shop.is_booked(sale));
        let after = (shop.calls(Some("books.items")), shop.calls(Some("books.contacts")));
        assert!(after.0 > before.0 && after.1 > before.1, "{before:?} {after:?}");
        assert_eq!(shop.profile().needs_person, None);
    });
}

#[test]
fn a_time_zone_that_changes_in_xero_is_taken_and_an_unknown_one_waits_for_a_person() {
    run_alone(async {
        let shop = Shop::open().await;
        shop.change(|organisation| organisation.xero_time_zone = "NEWZEALANDSTANDARDTIME".to_owned());
        shop.polls(POLLS_OF_A_DAY).await;
        assert_eq!(shop.profile().time_zone, "Pacific/Auckland");
        assert_eq!(shop.entry().time_zone.as_deref(), Some("Pacific/Auckland"));

        shop.change(|organisation| organisation.xero_time_zone = "LUNARSTANDARDTIME".to_owned());
        shop.polls(POLLS_OF_A_DAY).await;
        let what = shop.profile().needs_person.unwrap();
        assert!(what.contains("LUNARSTANDARDTIME") && what.contains("time_zone"), "{what}");
        let sale = shop.write(DocumentKind::SalesInvoice, 7, &shop.contacts()[0], 1, shop.today());
        assert_eq!(shop.polls(1).await, 1, "only the organisation is asked for");
        assert!(!shop.is_booked(sale));

        let zone = r#"{"version":1,"rules":[{"scope":"org","setting":"time_zone","value":"Pacific/Fiji"}]}"#;
        shop.set(Files { policy: Some(zone), ..Files::default() }).await;
        shop.polls(1).await;
        let profile = shop.profile();
        assert!(shop.is_booked(sale));
        assert!(matches!(profile.backfill, Backfill::Done { .. }), "the history is not read again");
        assert_eq!((profile.time_zone.as_str(), profile.needs_person), ("Pacific/Fiji", None));

        // set by a person, it holds whatever Xero says
        shop.change(|organisation| organisation.xero_time_zone = "NEWZEALANDSTANDARDTIME".to_owned());
        shop.polls(POLLS_OF_A_DAY).await;
        assert_eq!(shop.profile().time_zone, "Pacific/Fiji");
    });
}

#[test]
fn nothing_is_booked_in_another_base_currency_until_it_is_set_back() {
    run_alone(async {
        let shop = Shop::open().await;
        shop.change(|organisation| organisation.base_currency = "NZD".to_owned());
        shop.polls(POLLS_OF_A_DAY).await;
        let what = shop.profile().needs_person.unwrap();
        assert!(what.contains("NZD now") && what.contains("AUD"), "{what}");
        assert_eq!(shop.profile().organisation.base_currency, "AUD");
        let sale = shop.write(DocumentKind::SalesInvoice, 7, &shop.contacts()[0], 1, shop.today());
        shop.hint(sale).await;
        assert_eq!(shop.polls(1).await, 1);
        assert!(!shop.is_booked(sale));

        shop.change(|organisation| organisation.base_currency = "AUD".to_owned());
        shop.polls(1).await;
        assert!(shop.is_booked(sale), "the webhook waited");
        assert_eq!(shop.profile().needs_person, None);
        assert_eq!(shop.told("AUD -> NZD").await + shop.told("NZD -> AUD").await, 2);
    });
}

#[test]
fn another_organisation_behind_the_connection_is_never_read_into_these_books() {
    run_alone(async {
        let shop = Shop::open().await;
        let own = shop.org;
        shop.change(|organisation| {
            organisation.id = OrgId(Uuid::from_u128(77));
            organisation.name = "Another Shop".to_owned();
        });
        shop.polls(POLLS_OF_A_DAY).await;
        let sale = shop.write(DocumentKind::SalesInvoice, 7, &shop.contacts()[0], 1, shop.today());
        shop.polls(POLLS_OF_CONTACTS).await;
        assert!(!shop.is_booked(sale));
        let what = shop.profile().needs_person.unwrap();
        assert!(what.contains("reaches Another Shop instead of Shop"), "{what}");
        shop.change(|organisation| organisation.id = own);
        shop.polls(1).await;
        assert!(shop.is_booked(sale));
    });
}

#[test]
fn what_is_planned_for_a_merged_supplier_is_ordered_from_the_one_that_stands_for_it() {
    run_alone(async {
        let shop = Shop::open().await;
        let [old, between, new, ..] = shop.contacts().try_into().map(|all: [Contact; 5]| all).unwrap();
        shop.sells_out(&old).await;
        let suppliers = format!("supplier,lead_time_days\n{},9\n", old.name);
        shop.set(Files { suppliers: Some(&suppliers), ..Files::default() }).await;
        shop.polls(1).await;
        let first = shop.open_proposal();
        assert_eq!(first.supplier, old.id);

        // in two steps, of which the first is known before the second
        shop.merge(&old, &between);
        shop.polls(POLLS_OF_CONTACTS).await;
        assert_eq!(shop.open_proposal().supplier, between.id);
        shop.merge(&between, &new);
        shop.polls(POLLS_OF_CONTACTS).await;
        let made_anew = shop.open_proposal();
        assert_eq!((made_anew.supplier, &made_anew.supplier_name), (new.id, &new.name));
        let refused = shop.approve(&first).await.unwrap_err().to_string();
        assert!(refused.contains("withdrawn"), "{refused}");

        // settings go with it, and its own come before them
        let lead_time = async || {
            let held = settings::for_items(&shop.ports, shop.org, &[shop.item().id]).await.unwrap();
            held.for_item(&shop.item(), &LocationId::main(), Some(&new.name)).lead_time_days.value
        };
        assert_eq!(lead_time().await, 9);
        let shown = settings::export(&shop.ports, shop.org).await.unwrap().suppliers;
        assert!(shown.contains(&format!("{},9", new.name)) && !shown.contains(&old.name), "{shown}");
        let files = Files { suppliers: Some(&shown), ..Files::default() };
        let same = settings::check(&shop.ports, shop.org, &files).await.unwrap();
        assert!(matches!(&same, Applied::Changed(changes) if changes.is_empty()), "{same:?}");
        let own = format!("supplier,lead_time_days\n{},4\n", new.name);
        shop.set(Files { suppliers: Some(&own), ..Files::default() }).await;
        assert_eq!(lead_time().await, 4);
        shop.set(Files { suppliers: Some("supplier,lead_time_days\n"), ..Files::default() }).await;
        assert_ne!(lead_time().await, 9, "what was set for the old one is gone with it");

        shop.polls(1).await;
        shop.approve(&shop.open_proposal()).await.unwrap();
        shop.polls(1).await;
        let written = shop.with(|company| company.written.clone());
        assert_eq!(written.iter().map(|order| order.draft.supplier).collect::<Vec<_>>(), [new.id]);
    });
}

#[test]
fn an_order_to_a_supplier_that_was_archived_or_merged_is_refused_in_words_and_not_by_xero() {
    run_alone(async {
        let shop = Shop::open().await;
        let [supplier, other, ..] = shop.contacts().try_into().map(|all: [Contact; 5]| all).unwrap();
        shop.sells_out(&supplier).await;
        shop.change_contact(&supplier, |contact| contact.archived = true);
        shop.polls(POLLS_OF_CONTACTS).await;
        let refused = shop.approve(&shop.open_proposal()).await.unwrap_err().to_string();
        assert!(refused.contains("is archived in Xero") && refused.contains("restore it"), "{refused}");
        shop.change_contact(&supplier, |contact| contact.archived = false);
        shop.polls(POLLS_OF_CONTACTS).await;

        // approved, and merged before it could be written
        let unreachable = parstock_app::ports::BooksError::Retry("503".to_owned());
        shop.with(|company| company.refusals.insert("books.create_order", unreachable));
        let proposal = shop.open_proposal();
        shop.approve(&proposal).await.unwrap();
        shop.work().await;
        shop.merge(&supplier, &other);
        shop.polls(POLLS_OF_CONTACTS).await;
        shop.with(|company| company.refusals.clear());
        // the longest time between two tries
        shop.polls(20).await;
        let proposals = shop.proposals();
        let failed = proposals.iter().find(|known| known.id == proposal.id).unwrap();
        let ProposalState::Failed { reason, .. } = &failed.status else { panic!("{:?}", failed.status) };
        assert!(reason.contains("was merged into") && reason.contains("reject"), "{reason}");
        assert!(shop.approve(failed).await.unwrap_err().to_string().contains("was merged into"));
        assert!(shop.with(|company| company.written.is_empty()));
        assert_eq!(shop.open_proposal().supplier, other.id, "planning went on");
    });
}

#[test]
fn a_bill_of_the_supplier_that_stands_now_closes_an_order_to_the_one_that_was_merged() {
    run_alone(async {
        let shop = Shop::open().await;
        let [old, new, ..] = shop.contacts().try_into().map(|all: [Contact; 5]| all).unwrap();
        let item = shop.item().id;
        let open = async || {
            let list = List::OrderLines(item);
            let lines = load::all::<OrderLine>(&shop.ports.store, shop.org, &list).await.unwrap();
            lines.iter().map(|(_, line)| line.content.open().unwrap().e4()).sum::<i64>()
        };
        shop.write(DocumentKind::PurchaseOrder, 1, &old, 5, shop.today());
        shop.polls(1).await;
        assert_eq!(open().await, 50_000);
        shop.merge(&old, &new);
        shop.polls(POLLS_OF_CONTACTS).await;
        shop.write(DocumentKind::Bill, 2, &new, 5, shop.today());
        shop.polls(1).await;
        assert_eq!(open().await, 0);
    });
}

#[test]
fn a_supplier_that_is_merged_into_a_customer_is_found_there() {
    run_alone(async {
        let sim_now: Timestamp = "2026-06-01T02:00:00Z".parse().unwrap();
        let shop = Shop::open().await;
        let known: BTreeSet<String> = shop.contacts().into_iter().map(|contact| contact.name).collect();
        let customer = Contact {
            id: parstock_domain::ids::ContactId(Uuid::from_u128(5)),
            name: "A customer".to_owned(),
            archived: false,
            only_customer: true,
            merged_into: None,
        };
        shop.with(|company| company.contacts.insert(customer.id.0, (customer.clone(), sim_now)));
        shop.polls(POLLS_OF_CONTACTS * 2).await;
        let kept = || shop.ports.store.row(Owner::Org(shop.org), &Key::Contact(customer.id)).is_some();
        assert!(!kept() && !known.contains(&customer.name));
        shop.merge(&shop.contacts()[1], &customer);
        shop.polls(POLLS_OF_CONTACTS * 2).await;
        assert!(kept());
    });
}

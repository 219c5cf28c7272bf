//! What becomes of hints, orders and mails while Xero does not answer, refuses, or somebody else writes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};
use parstock_app::connect;
use parstock_app::decide::{Decision, decide};
use parstock_app::message::{Envelope, Hint, Message};
use parstock_app::ports::{
    BooksError, Commit, CommitError, Outgoing, Page, Queue, QueueName, Row, Store, StoreError, Write,
};
use parstock_app::process::{self, Received};
use parstock_app::records::{Backfill, Effect, EffectState, Key, List, Owner, Profile, Record, ReviewKind};
use parstock_app::settings::{self, Applied};
use parstock_domain::alert::{Alert, AlertKind};
use parstock_domain::audit::Head;
use parstock_domain::document::Item;
use parstock_domain::fixed::Quantity;
use parstock_domain::governance::{Proposal, ProposalState};
use parstock_domain::ids::{ContactId, ItemId, LocationId, OrgId};
use parstock_domain::ledger::Position;
use parstock_domain::settings::files::Files;
use parstock_tests::ports::FakePorts;
use parstock_tests::scheduler::{Sim, run_alone};
use parstock_tests::store::FakeStore;
use parstock_tests::trade::Trader;
use uuid::Uuid;

/// Noon in Sydney, where the shop is.
fn noon() -> Timestamp {
    "2026-06-01T02:00:00Z".parse().unwrap()
}

/// A store in which somebody else commits just before an effect is written as done.
#[derive(Clone)]
struct Busy {
    store: FakeStore,
    armed: Arc<AtomicBool>,
    /// Whether commits fail that end a question.
    foils_ends: Arc<AtomicBool>,
}

impl Busy {
    async fn somebody_else_commits(&self, owner: Owner) {
        let Owner::Org(org) = owner else { return };
        let row = self.store.row(owner, &Key::AuditHead).unwrap();
        let Record::AuditHead(head) = row.record else { panic!("no head") };
        let (entry, head): (_, Head) = head.append(org, r#"{"of":"somebody else"}"#.to_owned());
        self.store.put(owner, Key::AuditEntry(entry.seq), Record::AuditEntry(entry));
        self.store.put(owner, Key::AuditHead, Record::AuditHead(head));
    }
}

impl Store for Busy {
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
        let ends = commit.writes.iter().any(|write| {
            matches!(&write.record, Some(Record::Effect(effect)) if matches!(effect.status, EffectState::Done { .. }))
        });
        let answers =
            commit.writes.iter().any(|write| matches!(write.key, Key::Review(_)) && write.record.is_none());
        if answers && self.foils_ends.load(Ordering::Relaxed) {
            return Err(CommitError::Conflict { keys: Vec::new() });
        }
        if ends && self.armed.swap(false, Ordering::Relaxed) {
            self.somebody_else_commits(owner).await;
        }
        self.store.commit(owner, commit).await
    }
    async fn write_each(&self, owner: Owner, writes: Vec<Write>) -> Result<(), CommitError> {
        self.store.write_each(owner, writes).await
    }
}

struct Shop {
    ports: FakePorts<Busy>,
    org: OrgId,
}

impl Shop {
    /// A shop whose history is in.
    async fn open(policy: &str) -> Self {
        let sim = Sim::new(1, noon());
        let company = Trader::new(1).company("Shop", noon());
        let (connection, org) = (company.connection(), company.organisation.id);
        let store =
            Busy { store: FakeStore::new(sim.clone()), armed: Arc::default(), foils_ends: Arc::default() };
        let ports = FakePorts::new(store, sim);
        ports.books.add(company);
        connect::ensure(&ports, &connection).await.unwrap();
        let shop = Self { ports, org };
        shop.set(policy).await;
        shop.work(SignedDuration::from_mins(5)).await;
        assert!(matches!(shop.profile().backfill, Backfill::Done { .. }));
        shop
    }

    async fn set(&self, policy: &str) {
        let files = Files { policy: Some(policy), ..Files::default() };
        let applied = settings::apply(&self.ports, self.org, "a person", &files).await.unwrap();
        assert!(matches!(applied, Applied::Changed(_)), "{applied:?}");
    }

    fn row(&self, key: Key) -> Record {
        self.ports.store.store.row(Owner::Org(self.org), &key).unwrap().record
    }

    fn profile(&self) -> Profile {
        let Record::Profile(profile) = self.row(Key::Profile) else { panic!("no profile") };
        profile
    }

    fn proposal(&self, standing: &Proposal) -> Proposal {
        let Record::Proposal(proposal) = self.row(Key::Proposal(standing.id)) else { panic!("no proposal") };
        proposal
    }

    fn effect(&self) -> Effect {
        let rows = self.ports.store.store.rows(Owner::Org(self.org));
        let found = rows.into_iter().find_map(|row| match row.record {
            Record::Effect(effect) => Some(effect),
            _ => None,
        });
        found.unwrap()
    }

    /// Lets everything happen that is due within some time.
    async fn work(&self, time: SignedDuration) {
        let until = self.ports.sim.now().checked_add(time).unwrap();
        loop {
            let due = QueueName::ALL.into_iter().filter_map(|queue| self.ports.queue.next_due(queue)).min();
            match due {
                Some(due) if due <= until => self.ports.sim.pass_until(due),
                _ => break,
            }
            for queue in QueueName::ALL {
                for message in self.ports.queue.receive(queue, 10, SignedDuration::from_mins(30)) {
                    let (id, receives) = (message.id.to_string(), message.receives);
                    let record = Received { id, body: message.body, receives };
                    if process::batch(&self.ports, queue, vec![record]).await.is_empty() {
                        self.ports.queue.delete(queue, message.id);
                    }
                }
            }
        }
        self.ports.sim.pass_until(until);
    }

    async fn sync(&self) {
        let now = self.ports.sim.now();
        let message = Message::Sync { org: self.org };
        let body = Envelope::new(message, Uuid::nil(), "/test", now).to_body().unwrap();
        self.ports.queue.send(QueueName::Events, vec![Outgoing::now(body)]).await.unwrap();
    }

    /// A webhook tells of a new invoice.
    async fn hint(&self) {
        let now = self.ports.sim.now();
        let resource = self.ports.books.with(self.org, |company| {
            let mut trader = Trader::new(now.as_second().unsigned_abs());
            trader.kinds = vec![parstock_domain::document::DocumentKind::SalesInvoice];
            trader.new_document(company, now, now.to_zoned(jiff::tz::TimeZone::UTC).date(), 1);
            let new = company.documents.values().find(|document| document.updated_at == now);
            new.unwrap().of.id.0
        });
        let hint =
            Hint { tenant: self.org.0, resource, category: "INVOICE".into(), event_type: "UPDATE".into() };
        let body = Envelope::new(Message::Hint(hint), Uuid::nil(), "/test", now).to_body().unwrap();
        self.ports.queue.send(QueueName::Events, vec![Outgoing::now(body)]).await.unwrap();
    }

    fn refuse(&self, call: &'static str, error: Option<BooksError>) {
        self.ports.books.with(self.org, |company| match error {
            Some(error) => company.refusals.insert(call, error),
            None => company.refusals.remove(call),
        });
    }

    fn dead(&self) -> usize {
        QueueName::ALL.into_iter().map(|queue| self.ports.queue.dead(queue).len()).sum()
    }

    fn warn(&self) {
        let item = self.ports.books.with(self.org, |company| *company.items.keys().next().unwrap());
        let alert = Alert {
            item,
            location: LocationId::main(),
            kind: AlertKind::OutOfStock,
            raised_at: self.ports.sim.now(),
            available: Quantity::ZERO,
            on_order: Quantity::ZERO,
            reorder_point: None,
        };
        let put = |key, record| self.ports.store.store.put(Owner::Org(self.org), key, record);
        let position = Position { opened: true, ..Position::default() };
        put(Key::Position(alert.item, alert.location.clone()), Record::Position(position));
        put(Key::Alert(Uuid::nil()), Record::Alert(alert));
    }

    /// A proposal as planning leaves it.
    fn propose(&self) -> Proposal {
        let company = self.ports.books.with(self.org, |company| company.clone());
        let supplier = ContactId(*company.contacts.keys().next().unwrap());
        self.ports.store.store.put_proposal(&company, supplier, 2, self.ports.sim.now())
    }

    async fn approve(&self, proposal: &Proposal) -> Proposal {
        let shown = proposal.contents();
        decide(&self.ports, self.org, proposal.id, shown, "Kim", &Decision::Approve).await.unwrap()
    }

    fn written(&self) -> Vec<String> {
        self.ports.books.with(self.org, |company| {
            company.written.iter().map(|order| order.draft.number.clone()).collect()
        })
    }
}

const ASSIST: &str = r#"{"version":1,"rules":[{"scope":"org","setting":"phase","value":"assist"}]}"#;
const OBSERVE: &str = r#"{"version":1,"rules":[{"scope":"org","setting":"phase","value":"observe"}]}"#;
const OTHER_PREFIX: &str = r#"{"version":1,"rules":[
    {"scope":"org","setting":"phase","value":"assist"},
    {"scope":"org","setting":"order_prefix","value":"XX-"}]}"#;
const MAIL: &str =
    r#"{"version":1,"rules":[{"scope":"org","setting":"mail_to","value":["owner@example.com"]}]}"#;

#[test]
fn a_mail_that_was_sent_is_known_as_sent_though_somebody_commits_meanwhile() {
    run_alone(async {
        let shop = Shop::open(MAIL).await;
        shop.warn();
        shop.ports.store.armed.store(true, Ordering::Relaxed);
        shop.sync().await;
        shop.work(SignedDuration::from_hours(2)).await;
        assert!(!shop.ports.store.armed.load(Ordering::Relaxed), "somebody committed");
        assert_eq!(shop.ports.mailer.taken().len(), 1);
        assert!(matches!(shop.effect().status, EffectState::Done { .. }));
    });
}

#[test]
fn hours_without_an_answer_of_xero_bury_nothing_and_leave_one_message_to_wake_up() {
    run_alone(async {
        let shop = Shop::open(ASSIST).await;
        shop.refuse("books.open", Some(BooksError::Retry("503".into())));
        for _ in 0..16 {
            shop.sync().await;
            shop.sync().await;
            shop.work(SignedDuration::from_mins(15)).await;
        }
        assert_eq!(shop.dead(), 0);
        assert!(shop.ports.store.store.has(Owner::Org(shop.org), &List::Hints));
        let waiting = shop.ports.queue.receive(QueueName::Events, 10, SignedDuration::from_secs(1)).len();
        assert_eq!(waiting, 0, "nothing is due just now");
        shop.refuse("books.open", None);
        let before = shop.profile().polled_at;
        shop.work(SignedDuration::from_mins(3)).await;
        assert!(shop.profile().polled_at > before, "no poll was waited for");
        assert!(!shop.ports.store.store.has(Owner::Org(shop.org), &List::Hints));
        assert!(shop.ports.queue.is_empty(), "one message woke the org, and none is left");
    });
}

#[test]
fn a_parked_org_is_woken_when_its_time_has_come() {
    run_alone(async {
        let shop = Shop::open(ASSIST).await;
        let until = shop.ports.sim.now().checked_add(SignedDuration::from_mins(40)).unwrap();
        shop.ports.books.park(shop.org, until);
        shop.sync().await;
        shop.work(SignedDuration::from_mins(39)).await;
        assert!(shop.profile().polled_at.unwrap() < until);
        shop.work(SignedDuration::from_mins(2)).await;
        assert!(shop.profile().polled_at.unwrap() >= until);
    });
}

#[test]
fn when_the_day_runs_short_hints_gather_into_one_call_and_polls_keep_their_distance() {
    run_alone(async {
        let shop = Shop::open(ASSIST).await;
        let calls = |name| shop.ports.books.with(shop.org, |company| company.calls().get(name).copied());
        shop.ports.books.with(shop.org, |company| company.spacing = SignedDuration::from_mins(20));
        let (fetched, polled) = (calls("books.invoices"), shop.profile().polled_at);
        for _ in 0..12 {
            shop.hint().await;
            shop.work(SignedDuration::from_mins(1)).await;
        }
        assert_eq!(calls("books.invoices"), fetched, "they gather");
        shop.sync().await;
        shop.work(SignedDuration::from_mins(1)).await;
        let fetched_by_the_poll = calls("books.invoices");
        assert_eq!(fetched_by_the_poll, Some(fetched.unwrap_or(0) + 1), "twelve in one call");
        assert_eq!(shop.profile().polled_at, polled, "the lists are left for later");
        shop.hint().await;
        shop.work(SignedDuration::from_mins(21)).await;
        assert_eq!(
            calls("books.invoices"),
            fetched_by_the_poll.map(|before| before + 1),
            "woken without a poll"
        );
        shop.sync().await;
        shop.work(SignedDuration::from_mins(1)).await;
        assert!(shop.profile().polled_at > polled, "twenty minutes have passed");
    });
}

#[test]
fn warnings_are_told_while_xero_is_parked() {
    run_alone(async {
        let shop = Shop::open(MAIL).await;
        let until = shop.ports.sim.now().checked_add(SignedDuration::from_hours(9)).unwrap();
        shop.ports.books.park(shop.org, until);
        shop.warn();
        shop.sync().await;
        shop.work(SignedDuration::from_mins(1)).await;
        assert_eq!(shop.ports.mailer.taken().len(), 1);
    });
}

#[test]
fn a_list_that_xero_forbids_does_not_hold_up_the_others() {
    run_alone(async {
        let shop = Shop::open(ASSIST).await;
        let forbidden = BooksError::NeedsPerson("the scope invoices is missing".into());
        shop.refuse("purchase_orders", Some(forbidden));
        let now = shop.ports.sim.now();
        shop.ports.books.with(shop.org, |company| {
            let mut trader = Trader::new(7);
            trader.kinds = vec![parstock_domain::document::DocumentKind::ReceiveMoney];
            let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
            trader.new_document(company, now, today, 2);
        });
        shop.sync().await;
        shop.work(SignedDuration::from_mins(1)).await;
        let documents = List::Documents;
        assert!(shop.ports.store.store.has(Owner::Org(shop.org), &documents), "the last list was read");
        assert_eq!(shop.profile().needs_person.as_deref(), Some("the scope invoices is missing"));
        shop.refuse("purchase_orders", None);
        shop.sync().await;
        shop.work(SignedDuration::from_mins(1)).await;
        assert_eq!(shop.profile().needs_person, None);
    });
}

#[test]
fn an_order_that_waits_for_a_person_stays_due_and_is_written_once_they_acted() {
    run_alone(async {
        let shop = Shop::open(ASSIST).await;
        shop.refuse("books.open", Some(BooksError::NeedsPerson("Xero refused the secret".into())));
        let proposal = shop.propose();
        shop.approve(&proposal).await;
        shop.work(SignedDuration::from_hours(20)).await;
        assert!(matches!(shop.proposal(&proposal).status, ProposalState::Approved { .. }));
        assert_eq!(shop.effect().needs_person.as_deref(), Some("Xero refused the secret"));
        shop.refuse("books.open", None);
        shop.work(SignedDuration::from_mins(16)).await;
        assert!(matches!(shop.proposal(&proposal).status, ProposalState::Done { .. }));
        assert_eq!(shop.written().len(), 1);
    });
}

#[test]
fn a_failed_order_can_be_tried_again_or_given_up_without_a_rest() {
    run_alone(async {
        let shop = Shop::open(ASSIST).await;
        shop.refuse("books.create_order", Some(BooksError::Reject("the contact is archived".into())));
        let proposal = shop.propose();
        shop.approve(&proposal).await;
        shop.work(SignedDuration::from_mins(1)).await;
        let failed = shop.proposal(&proposal);
        assert!(
            matches!(&failed.status, ProposalState::Failed { reason, .. } if reason == "the contact is archived")
        );
        shop.approve(&proposal).await;
        shop.work(SignedDuration::from_mins(1)).await;
        assert!(matches!(shop.proposal(&proposal).status, ProposalState::Failed { .. }));
        let give_up = Decision::Reject { reason: "we buy elsewhere".into() };
        decide(&shop.ports, shop.org, proposal.id, proposal.contents(), "Kim", &give_up).await.unwrap();
        let rests = shop.ports.store.store.row(Owner::Org(shop.org), &Key::Rejected(proposal.supplier));
        assert_eq!(rests, None, "its lines may be proposed at once");

        shop.refuse("books.create_order", None);
        shop.work(SignedDuration::from_mins(1)).await;
        let next = shop.propose();
        shop.approve(&next).await;
        shop.work(SignedDuration::from_mins(1)).await;
        assert!(matches!(shop.proposal(&next).status, ProposalState::Done { .. }));
    });
}

#[test]
fn an_order_whose_note_can_not_be_written_is_done_and_a_person_is_told() {
    run_alone(async {
        let shop = Shop::open(ASSIST).await;
        shop.refuse("books.add_order_note", Some(BooksError::Reject("no notes here".into())));
        let proposal = shop.propose();
        shop.approve(&proposal).await;
        for _ in 0..16 {
            shop.sync().await;
            shop.work(SignedDuration::from_mins(15)).await;
        }
        assert!(matches!(shop.proposal(&proposal).status, ProposalState::Done { .. }));
        let rows = shop.ports.store.store.rows(Owner::Org(shop.org));
        let missing = |row: &Row| matches!(&row.record, Record::Review(review) if review.kind == ReviewKind::MissingNote);
        assert_eq!(rows.iter().filter(|row| missing(row)).count(), 1);
    });
}

#[test]
fn the_number_of_an_order_is_fixed_before_its_first_try() {
    run_alone(async {
        let shop = Shop::open(ASSIST).await;
        shop.refuse("books.create_order", Some(BooksError::Retry("500".into())));
        let proposal = shop.propose();
        let number = shop.approve(&proposal).await.order_number("PS-");
        shop.work(SignedDuration::from_secs(1)).await;
        shop.set(OTHER_PREFIX).await;
        shop.refuse("books.create_order", None);
        shop.work(SignedDuration::from_mins(2)).await;
        assert_eq!(shop.written(), std::slice::from_ref(&number));
        assert_eq!(shop.proposal(&proposal).order_number("XX-"), number);
    });
}

#[test]
fn an_order_approved_before_the_phase_was_set_back_is_not_written() {
    run_alone(async {
        let shop = Shop::open(ASSIST).await;
        let until = shop.ports.sim.now().checked_add(SignedDuration::from_mins(10)).unwrap();
        shop.ports.books.park(shop.org, until);
        let proposal = shop.propose();
        shop.approve(&proposal).await;
        shop.work(SignedDuration::from_mins(1)).await;
        shop.set(OBSERVE).await;
        shop.work(SignedDuration::from_mins(20)).await;
        assert_eq!(shop.written(), [""; 0]);
        assert!(
            matches!(shop.proposal(&proposal).status, ProposalState::Failed { reason, .. } if reason.contains("observe"))
        );
    });
}

#[test]
fn the_same_yes_of_the_same_person_is_answered_twice() {
    run_alone(async {
        let shop = Shop::open(ASSIST).await;
        let proposal = shop.propose();
        let first = shop.approve(&proposal).await;
        assert_eq!(shop.approve(&proposal).await, first);
        shop.work(SignedDuration::from_mins(1)).await;
        assert!(matches!(shop.approve(&proposal).await.status, ProposalState::Done { .. }));
        let shown = proposal.contents();
        let other = decide(&shop.ports, shop.org, proposal.id, shown, "Ada", &Decision::Approve).await;
        assert!(other.is_err(), "somebody else is told that it was decided");
        assert_eq!(shop.written().len(), 1);
    });
}

#[test]
fn settings_that_are_broken_off_say_so_until_they_are_applied_again() {
    run_alone(async {
        let shop = Shop::open(OBSERVE).await;
        let pattern =
            shop.ports.books.with(shop.org, |company| company.items.values().next().cloned().unwrap());
        // more than one commit holds
        let mut rows = vec!["item,pack".to_owned()];
        for number in 0..100 {
            let (id, code) = (ItemId(Uuid::from_u128(1_000 + number)), format!("X-{number}"));
            rows.push(format!("{code},6"));
            let item = Item { id, code, ..pattern.clone() };
            shop.ports.store.store.put(Owner::Org(shop.org), Key::Item(id), Record::Item(item));
        }
        let items = rows.join("\n");
        let files = Files { items: Some(&items), ..Files::default() };
        let questions = || {
            let rows = shop.ports.store.store.rows(Owner::Org(shop.org));
            let asked = rows.into_iter().filter_map(|row| match row.record {
                Record::Review(review) => Some(review.kind),
                _ => None,
            });
            asked.collect::<Vec<_>>()
        };
        let set = async || settings::all(&shop.ports, shop.org).await.unwrap().items.len();
        shop.ports.store.foils_ends.store(true, Ordering::Relaxed);
        settings::apply(&shop.ports, shop.org, "a person", &files).await.unwrap_err();
        assert_eq!((questions(), set().await), (vec![ReviewKind::HalfApplied], 80));
        shop.ports.store.foils_ends.store(false, Ordering::Relaxed);
        for _ in 0..2 {
            let applied = settings::apply(&shop.ports, shop.org, "a person", &files).await.unwrap();
            assert!(matches!(applied, Applied::Changed(_)), "{applied:?}");
            assert_eq!((questions(), set().await), (Vec::new(), 100));
        }
    });
}

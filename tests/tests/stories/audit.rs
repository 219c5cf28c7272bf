//! The check of the audit trail finds what was changed by hand, and people are told.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use parstock_app::console::{Console, Viewer};
use parstock_app::message::{Envelope, Message};
use parstock_app::ports::QueueName;
use parstock_app::process::{self, Received};
use parstock_app::records::{AuditCheck, Key, Owner, Record};
use parstock_app::{audit, connect, digest};
use parstock_domain::audit::{Entry, Hash, Head, Statement};
use parstock_domain::ids::{CommitId, OrgId};
use parstock_tests::ports::FakePorts;
use parstock_tests::scheduler::{Sim, run_alone};
use parstock_tests::store::FakeStore;
use parstock_tests::trade::Trader;
use uuid::Uuid;

/// Noon in Sydney, where the shop is: after the hour of the digest.
fn noon() -> Timestamp {
    "2026-06-01T02:00:00Z".parse().unwrap()
}

/// What an entry says.
fn statement(what: &str) -> String {
    let said = Statement {
        at: noon(),
        who: "the test".to_owned(),
        what: what.to_owned(),
        commit: CommitId(Uuid::nil()),
        event: None,
        rows: Hash::default(),
        cogs: Default::default(),
        details: BTreeMap::new(),
    };
    serde_json::to_string(&said).unwrap()
}

/// A shop with an audit trail.
struct Shop {
    ports: FakePorts<FakeStore>,
    org: OrgId,
}

impl Shop {
    /// With a trail of so many entries.
    async fn open(entries: u64) -> Self {
        let sim = Sim::new(1, noon());
        let company = Trader::new(1).company("Shop", noon());
        let (connection, org) = (company.connection(), company.organisation.id);
        let ports = FakePorts::new(FakeStore::new(sim.clone()), sim);
        ports.books.add(company);
        connect::ensure(&ports, &connection).await.unwrap();
        let shop = Self { ports, org };
        // the first load is not what is tried here
        shop.taken();
        shop.write("first", 1, entries);
        shop
    }

    /// Writes entries from one number to another, and the head.
    fn write(&self, word: &str, from: u64, to: u64) {
        let before = if from > 1 { self.entry(from - 1).hash } else { Head::default().hash };
        let mut head = Head { seq: from - 1, hash: before };
        for _ in from..=to {
            let (entry, next) = head.append(self.org, statement(word));
            self.put(Key::AuditEntry(entry.seq), Record::AuditEntry(entry));
            head = next;
        }
        self.put(Key::AuditHead, Record::AuditHead(head));
    }

    fn put(&self, key: Key, record: Record) {
        self.ports.store.put(Owner::Org(self.org), key, record);
    }

    fn row(&self, key: Key) -> Record {
        self.ports.store.row(Owner::Org(self.org), &key).unwrap().record
    }

    fn entry(&self, seq: u64) -> Entry {
        match self.row(Key::AuditEntry(seq)) {
            Record::AuditEntry(entry) => entry,
            other => panic!("{other:?}"),
        }
    }

    fn checked(&self) -> AuditCheck {
        match self.row(Key::AuditCheck) {
            Record::AuditCheck(check) => check,
            other => panic!("{other:?}"),
        }
    }

    /// What waits in the work queue.
    fn taken(&self) -> Vec<Received> {
        let queue = QueueName::Work;
        let delivered = self.ports.queue.receive(queue, 10, SignedDuration::from_mins(30));
        let taken = delivered.into_iter().map(|message| {
            self.ports.queue.delete(queue, message.id);
            Received { id: message.id.to_string(), body: message.body, receives: 1 }
        });
        taken.collect()
    }

    /// Checks the trail, in as many messages as it takes: how many those are.
    async fn check(&self, whole: bool) -> usize {
        audit::check(&self.ports, self.org, whole).await.unwrap();
        let mut messages = 1;
        loop {
            let next = self.taken();
            if next.is_empty() {
                return messages;
            }
            for record in &next {
                let message = Envelope::from_body(&record.body).unwrap().message;
                assert_eq!(message, Message::CheckAudit { org: self.org, whole: false });
            }
            messages += next.len();
            assert_eq!(process::batch(&self.ports, QueueName::Work, next).await, []);
        }
    }

    /// What the health page says that a person must do.
    async fn told(&self) -> Vec<String> {
        let viewer = Viewer { user: "Kim".to_owned(), csrf: String::new(), connects: false };
        let console = Console::open(&self.ports, self.org, viewer).await.unwrap();
        console.health(Vec::new()).await.unwrap().needs_person
    }
}

#[test]
fn a_long_trail_is_checked_in_parts_and_afterwards_only_what_is_new() {
    run_alone(async {
        let shop = Shop::open(25_000).await;
        assert_eq!(shop.check(false).await, 3, "ten thousand entries in a message");
        let check = shop.checked();
        assert_eq!((check.verified.seq, check.verified.hash), (25_000, shop.entry(25_000).hash));
        assert_eq!((check.at, check.walked, check.broken), (Some(noon()), None, None));
        // what was checked before is not read again
        let before = shop.ports.sim.points();
        shop.write("second", 25_001, 25_005);
        assert_eq!(shop.check(false).await, 1);
        assert!(shop.ports.sim.points() - before < 20);
        assert_eq!(shop.checked().verified.seq, 25_005);
        assert_eq!(shop.check(true).await, 3);
        assert_eq!(shop.told().await, Vec::<String>::new());
    });
}

#[test]
fn a_changed_entry_is_found_and_told_every_night_until_it_is_as_it_was() {
    run_alone(async {
        let shop = Shop::open(30).await;
        shop.check(false).await;
        let good = shop.entry(3);
        let bad = Entry { payload: statement("changed"), ..good.clone() };
        shop.put(Key::AuditEntry(3), Record::AuditEntry(bad));
        shop.check(false).await;
        assert_eq!(shop.checked().broken, None, "an old entry is looked at once a week");
        shop.check(true).await;
        shop.check(false).await;
        let told = shop.told().await.concat();
        assert!(told.contains("the audit trail is broken at entry 3: its content was changed"), "{told}");
        digest::produce(&shop.ports, shop.org).await.unwrap();
        let digest =
            shop.ports.store.rows(Owner::Org(shop.org)).into_iter().find_map(|row| match row.record {
                Record::Digest(digest) => Some(digest.content),
                _ => None,
            });
        assert!(digest.unwrap().contains("broken at entry 3"));
        shop.put(Key::AuditEntry(3), Record::AuditEntry(good));
        shop.check(false).await;
        assert_eq!((shop.checked().broken, shop.told().await), (None, Vec::new()));
    });
}

#[test]
fn a_chain_that_was_cut_lengthened_or_written_anew_is_found() {
    run_alone(async {
        let broken = async |tamper: &dyn Fn(&Shop)| {
            let shop = Shop::open(30).await;
            shop.check(false).await;
            tamper(&shop);
            shop.check(true).await;
            shop.checked().broken.unwrap_or_default()
        };
        let cut = broken(&|shop| {
            let head = Head { seq: 29, hash: shop.entry(29).hash };
            shop.put(Key::AuditHead, Record::AuditHead(head));
        });
        assert!(cut.await.contains("entry 30: the chain is shorter than it was"));
        let lengthened = broken(&|shop| {
            let (entry, _) = Head { seq: 30, hash: shop.entry(30).hash }.append(shop.org, "x".to_owned());
            shop.put(Key::AuditEntry(31), Record::AuditEntry(entry));
        });
        assert!(lengthened.await.contains("entry 31: an entry follows the end"));
        let anew = broken(&|shop| shop.write("another", 1, 35));
        assert!(anew.await.contains("entry 30: it is another"));
    });
}

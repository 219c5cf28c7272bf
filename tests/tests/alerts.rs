//! When people are told: grouped, not in quiet hours, not more often than they want, and never twice.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::{Mail, QueueName};
use parstock_app::process::{self, Received};
use parstock_app::records::{Key, List, Owner, Record};
use parstock_app::settings::{self, Applied};
use parstock_app::{connect, effects};
use parstock_domain::alert::{Alert, AlertKind};
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::{ItemId, LocationId, OrgId};
use parstock_domain::settings::files::Files;
use parstock_tests::ports::FakePorts;
use parstock_tests::scheduler::{Sim, run_alone};
use parstock_tests::store::FakeStore;
use parstock_tests::trade::Trader;
use uuid::Uuid;

const POLICY: &str = r#"{"version":1,"rules":[
    {"scope":"org","setting":"mail_to","value":["owner@example.com"]},
    {"scope":"org","setting":"quiet_from","value":"21:00"},
    {"scope":"org","setting":"quiet_until","value":"07:00"},
    {"scope":"org","setting":"alert_interval_minutes","value":60}]}"#;

/// Noon in Sydney, where the shop is.
fn noon() -> Timestamp {
    "2026-06-01T02:00:00Z".parse().unwrap()
}

struct Shop {
    ports: FakePorts<FakeStore>,
    org: OrgId,
    items: Vec<ItemId>,
}

impl Shop {
    async fn open() -> Self {
        let sim = Sim::new(1, noon());
        let company = Trader::new(1).company("Shop", noon());
        let (connection, org) = (company.connection(), company.organisation.id);
        let items = company.items.keys().copied().collect();
        let ports = FakePorts::new(FakeStore::new(sim.clone()), sim);
        ports.books.add(company);
        connect::ensure(&ports, &connection).await.unwrap();
        let files = Files { policy: Some(POLICY), ..Files::default() };
        let applied = settings::apply(&ports, org, "a person", &files).await.unwrap();
        assert!(matches!(applied, Applied::Changed(_)), "{applied:?}");
        Self { ports, org, items }
    }

    /// Something runs low or out, as a booking finds it.
    fn warn(&self, number: usize, kind: AlertKind) {
        let alert = Alert {
            item: self.items[number],
            location: LocationId::main(),
            kind,
            raised_at: self.ports.sim.now(),
            available: Quantity::ZERO,
            on_order: Quantity::ZERO,
            reorder_point: Some(Quantity::ONE),
            told_at: None,
        };
        let key = Key::Alert(Uuid::from_u128(number as u128 + 1));
        self.ports.store.put(Owner::Org(self.org), key, Record::Alert(alert));
    }

    /// Asks for the warnings to be told, and lets the effects that follow happen.
    async fn tell(&self) -> Vec<Mail> {
        let before = self.ports.mailer.taken().len();
        effects::tell_alerts(&self.ports, self.org).await.unwrap();
        for delivered in self.ports.queue.receive(QueueName::Effects, 10, SignedDuration::from_mins(30)) {
            self.ports.queue.delete(QueueName::Effects, delivered.id);
            let record = Received { id: delivered.id.to_string(), body: delivered.body, receives: 1 };
            let back = process::batch(&self.ports, QueueName::Effects, vec![record]).await;
            assert_eq!(back, []);
        }
        self.ports.mailer.taken().into_iter().skip(before).map(|taken| taken.what).collect()
    }

    fn wait(&self, time: SignedDuration) {
        self.ports.sim.pass(time);
    }

    fn waiting(&self) -> bool {
        self.ports.store.has(Owner::Org(self.org), &List::Alerts)
    }
}

#[test]
fn warnings_that_wait_go_out_together_and_once() {
    run_alone(async {
        let shop = Shop::open().await;
        shop.warn(0, AlertKind::BelowReorderPoint);
        shop.warn(1, AlertKind::OutOfStock);
        let mails = shop.tell().await;
        assert_eq!(mails.len(), 1, "one mail for both");
        assert_eq!(mails[0].to, ["owner@example.com"]);
        assert!(!shop.waiting());
        assert_eq!(shop.tell().await, [], "nothing is told twice");
    });
}

#[test]
fn a_warning_soon_after_another_waits_until_the_hour_is_over() {
    run_alone(async {
        let shop = Shop::open().await;
        shop.warn(0, AlertKind::OutOfStock);
        assert_eq!(shop.tell().await.len(), 1);
        shop.warn(1, AlertKind::OutOfStock);
        shop.wait(SignedDuration::from_mins(59));
        assert_eq!(shop.tell().await, []);
        assert!(shop.waiting(), "it is kept");
        shop.warn(2, AlertKind::BelowReorderPoint);
        shop.wait(SignedDuration::from_mins(1));
        assert_eq!(shop.tell().await.len(), 1);
        assert!(!shop.waiting());
    });
}

#[test]
fn nobody_is_woken_in_quiet_hours() {
    run_alone(async {
        let shop = Shop::open().await;
        shop.wait(SignedDuration::from_hours(9));
        shop.warn(0, AlertKind::OutOfStock);
        for _ in 0..10 {
            assert_eq!(shop.tell().await, [], "at {}", shop.ports.sim.now());
            shop.wait(SignedDuration::from_hours(1));
        }
        assert!(shop.waiting(), "it waited for the morning");
        assert_eq!(shop.tell().await.len(), 1, "at seven in the morning");
    });
}

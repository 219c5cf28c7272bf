//! When people are told: grouped, not in quiet hours, not more often than they want, and never twice.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::{Mail, QueueName, Store};
use parstock_app::process::{self, Received};
use parstock_app::records::{Key, List, Owner, Record};
use parstock_app::settings::{self, Applied};
use parstock_app::{connect, effects};
use parstock_domain::alert::{Alert, AlertKind};
use parstock_domain::demand::Rate;
use parstock_domain::document::Item;
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::{LocationId, OrgId};
use parstock_domain::ledger::{OnHand, Position};
use parstock_domain::replenish::{self, PlanInput, Standing};
use parstock_domain::settings::Settings;
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
    items: Vec<Item>,
}

impl Shop {
    async fn open() -> Self {
        let sim = Sim::new(1, noon());
        let company = Trader::new(1).company("Shop", noon());
        let (connection, org) = (company.connection(), company.organisation.id);
        let items = company.items.values().cloned().collect();
        let ports = FakePorts::new(FakeStore::new(sim.clone()), sim);
        ports.books.add(company);
        connect::ensure(&ports, &connection).await.unwrap();
        let files = Files { policy: Some(POLICY), ..Files::default() };
        let applied = settings::apply(&ports, org, "a person", &files).await.unwrap();
        assert!(matches!(applied, Applied::Changed(_)), "{applied:?}");
        Self { ports, org, items }
    }

    /// So much lies there of an item whose reorder point is 10, and a plan has seen it.
    async fn holds(&self, number: usize, quantity: i64) {
        let item = &self.items[number];
        let (location, on_hand) = (LocationId::main(), Quantity::from_whole(quantity).unwrap());
        let position = Position { opened: true, booked: on_hand, ..Position::default() };
        let mut settings = Settings::default().for_item(item, &location, None);
        settings.min = Some(Quantity::from_whole(10).unwrap());
        let plan = replenish::plan(&PlanInput {
            today: "2026-06-01".parse().unwrap(),
            now: self.ports.sim.now(),
            rate: Rate {
                per_day: "0".parse().unwrap(),
                spread: "0".parse().unwrap(),
                from: "2026-01-01".parse().unwrap(),
                to: "2026-05-31".parse().unwrap(),
                sold: Quantity::ZERO,
                known_since: None,
                whole_units: true,
            },
            enough: None,
            on_hand: OnHand::Counted(on_hand),
            committed: Quantity::ZERO,
            changes_on: None,
            orders: &[],
            settings: &settings,
            supplier: None,
            unit_price: None,
            by: None,
        });
        let owner = Owner::Org(self.org);
        let put = |key, record| self.ports.store.put(owner, key, record);
        put(Key::Item(item.id), Record::Item(item.clone()));
        put(Key::Position(item.id, location.clone()), Record::Position(position));
        put(Key::Plan(item.id, location.clone()), Record::Plan(plan.unwrap()));
        let standing = match quantity {
            ..=0 => Standing::OutOfStock,
            1..=10 => Standing::BelowReorderPoint,
            _ => Standing::Fine,
        };
        let over = effects::forget_told(&self.ports, self.org, &[(item.id, location, standing)]).await;
        self.ports.store.write_each(owner, over.unwrap()).await.unwrap();
    }

    /// Something runs low or out, as a booking finds it.
    async fn warn(&self, number: usize, kind: AlertKind) {
        self.holds(number, if kind == AlertKind::OutOfStock { 0 } else { 5 }).await;
        let alert = Alert {
            item: self.items[number].id,
            location: LocationId::main(),
            kind,
            raised_at: self.ports.sim.now(),
            available: Quantity::ZERO,
            on_order: Quantity::ZERO,
            reorder_point: Some(Quantity::ONE),
        };
        // one row per item, kind and day
        let key = Key::Alert(Uuid::from_u128(2 * number as u128 + kind as u128 + 1));
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

    /// Whether anything is kept, told or not.
    fn keeps_any(&self) -> bool {
        let is_kept = |key: &Key| matches!(key, Key::Alert(_) | Key::Told(..));
        self.ports.store.rows(Owner::Org(self.org)).iter().any(|row| is_kept(&row.key))
    }
}

#[test]
fn warnings_that_wait_go_out_together_and_once() {
    run_alone(async {
        let shop = Shop::open().await;
        shop.warn(0, AlertKind::BelowReorderPoint).await;
        shop.warn(1, AlertKind::OutOfStock).await;
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
        shop.warn(0, AlertKind::OutOfStock).await;
        assert_eq!(shop.tell().await.len(), 1);
        shop.warn(1, AlertKind::OutOfStock).await;
        shop.wait(SignedDuration::from_mins(59));
        assert_eq!(shop.tell().await, []);
        assert!(shop.waiting(), "it is kept");
        shop.warn(2, AlertKind::BelowReorderPoint).await;
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
        shop.warn(0, AlertKind::OutOfStock).await;
        for _ in 0..10 {
            assert_eq!(shop.tell().await, [], "at {}", shop.ports.sim.now());
            shop.wait(SignedDuration::from_hours(1));
        }
        assert!(shop.waiting(), "it waited for the morning");
        assert_eq!(shop.tell().await.len(), 1, "at seven in the morning");
    });
}

#[test]
fn an_item_is_told_once_for_as_long_as_it_is_short() {
    run_alone(async {
        let shop = Shop::open().await;
        shop.warn(0, AlertKind::BelowReorderPoint).await;
        assert_eq!(shop.tell().await.len(), 1);
        // it goes up and down about its reorder point, and no plan has found it well in between
        for _ in 0..2 {
            shop.wait(SignedDuration::from_hours(24));
            shop.warn(0, AlertKind::BelowReorderPoint).await;
            assert_eq!(shop.tell().await, []);
        }
        // that nothing is left is more than that it is low
        shop.wait(SignedDuration::from_hours(24));
        shop.warn(0, AlertKind::OutOfStock).await;
        let mails = shop.tell().await;
        assert_eq!(mails.len(), 1);
        assert!(mails[0].subject.starts_with("Out of stock: 1 item"), "{}", mails[0].subject);
        // goods come: what was told is over, and the next time is told again
        shop.wait(SignedDuration::from_hours(24));
        shop.holds(0, 40).await;
        assert_eq!(shop.tell().await, []);
        assert!(!shop.keeps_any());
        shop.wait(SignedDuration::from_hours(24));
        shop.warn(0, AlertKind::BelowReorderPoint).await;
        assert_eq!(shop.tell().await.len(), 1);
    });
}

#[test]
fn what_is_low_again_may_run_out_again() {
    run_alone(async {
        let shop = Shop::open().await;
        shop.warn(0, AlertKind::OutOfStock).await;
        assert_eq!(shop.tell().await.len(), 1);
        shop.wait(SignedDuration::from_hours(24));
        shop.holds(0, 4).await;
        assert_eq!(shop.tell().await, []);
        shop.wait(SignedDuration::from_hours(24));
        shop.warn(0, AlertKind::OutOfStock).await;
        assert_eq!(shop.tell().await.len(), 1);
    });
}

#[test]
fn an_item_has_one_line_with_the_figures_of_the_morning() {
    run_alone(async {
        let shop = Shop::open().await;
        // in the evening, after nine: one item runs low and then out, another gets its goods before the morning
        shop.wait(SignedDuration::from_hours(10));
        shop.warn(0, AlertKind::BelowReorderPoint).await;
        shop.warn(0, AlertKind::OutOfStock).await;
        shop.warn(1, AlertKind::OutOfStock).await;
        shop.warn(2, AlertKind::OutOfStock).await;
        assert_eq!(shop.tell().await, []);
        shop.holds(0, -3).await;
        shop.holds(1, 40).await;
        shop.holds(2, 6).await;
        shop.wait(SignedDuration::from_hours(10));
        let mails = shop.tell().await;
        assert_eq!(mails.len(), 1);
        let (subject, text) = (&mails[0].subject, &mails[0].text);
        assert!(subject.starts_with("Out of stock: 1 item, running low: 1 item - "), "{subject}");
        assert_eq!(text.matches(&format!("{} ", shop.items[0].code)).count(), 1, "{text}");
        assert!(text.contains("-3 available") && text.contains("6 available"), "{text}");
        assert!(!text.contains(&shop.items[1].name), "{text}");
        shop.wait(SignedDuration::from_hours(24));
        assert_eq!(shop.tell().await, []);
        assert!(!shop.waiting(), "what was over before it was told is forgotten the day after");
    });
}

#[test]
fn what_recovers_before_it_is_told_and_falls_again_the_same_day_is_told() {
    run_alone(async {
        let shop = Shop::open().await;
        shop.warn(0, AlertKind::OutOfStock).await;
        shop.holds(0, 40).await;
        assert_eq!(shop.tell().await, []);
        // the position remembers that it warned today, so no booking raises another
        shop.holds(0, 0).await;
        assert_eq!(shop.tell().await.len(), 1);
    });
}

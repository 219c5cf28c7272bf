//! Single cases of the ledger and of planning, told as what happens in a small shop.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may stop where it stands"
)]

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parstock_app::booking;
use parstock_app::connect;
use parstock_app::console::{Console, Viewer};
use parstock_app::decide::{Decision, decide};
use parstock_app::error::AppError;
use parstock_app::message::{Envelope, Message};
use parstock_app::opening::{self, Count, Imported};
use parstock_app::ports::QueueName;
use parstock_app::process::{self, Received};
use parstock_app::records::{Backfill, Key, Owner, Record, Review, ReviewKind, Touched};
use parstock_app::settings::{self, Applied};
use parstock_app::table::Wrong;
use parstock_app::writer::{LEASE_SECONDS, Writer};
use parstock_domain::alert::{Alert, AlertKind};
use parstock_domain::document::{
    Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, Item, ItemRef, Organisation,
};
use parstock_domain::event::Source;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::governance::{Proposal, ProposalState};
use parstock_domain::ids::{ContactId, DocumentId, EffectId, ItemId, LineId, LocationId, OrgId, derived};
use parstock_domain::ledger::{Balance, Cause, Movement, OnHand, OrderLine, Position, View};
use parstock_domain::replenish::Plan;
use parstock_domain::settings::files::Files;
use parstock_tests::books::Company;
use parstock_tests::ports::FakePorts;
use parstock_tests::scheduler::{Sim, run_alone};
use parstock_tests::store::FakeStore;
use parstock_views::pages::{CardRow, PositionQuery};
use uuid::Uuid;

/// Noon in Sydney, where the shop is.
const NOON: &str = "2026-06-01T02:00:00Z";

pub(super) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(super) fn until(on: &str) -> View {
    View { at: Some(day(on)), ..View::default() }
}

pub(super) fn q(text: &str) -> Quantity {
    text.parse().unwrap()
}

pub(super) fn item(code: &str) -> ItemId {
    ItemId(derived("item", &[code]))
}

fn supplier(name: &str) -> ContactId {
    ContactId(derived("contact", &[name]))
}

/// A shop with untracked items of these codes; a code that begins with `T` is tracked.
pub(super) struct Shop {
    pub(super) ports: FakePorts<FakeStore>,
    pub(super) org: OrgId,
    connection: String,
}

impl Shop {
    /// In Xero, not connected yet.
    pub(super) fn new(codes: &[&str]) -> Self {
        let sim = Sim::new(1, NOON.parse().unwrap());
        let mut company = Company::new(Organisation {
            id: OrgId(Uuid::from_u128(1)),
            name: "Shop".to_owned(),
            xero_time_zone: "AUSEASTERNSTANDARDTIME".to_owned(),
            base_currency: "AUD".to_owned(),
            country: "AU".to_owned(),
            short_code: String::new(),
            period_lock_date: None,
            end_of_year_lock_date: None,
        });
        for code in codes {
            company.items.insert(item(code), master(code, sim.now()));
        }
        let (connection, org) = (company.connection(), company.organisation.id);
        let ports = FakePorts::new(FakeStore::new(sim.clone()), sim);
        ports.books.add(company);
        Self { ports, org, connection }
    }

    /// Connected, its history read.
    pub(super) async fn open(codes: &[&str]) -> Self {
        let shop = Self::new(codes);
        shop.connect().await;
        shop
    }

    pub(super) async fn connect(&self) {
        connect::ensure(&self.ports, &self.connection).await.unwrap();
        self.work().await;
    }

    pub(super) fn in_xero<T>(&self, act: impl FnOnce(&mut Company, Timestamp) -> T) -> T {
        let now = self.ports.sim.now();
        self.ports.books.with(self.org, |company| act(company, now))
    }

    /// Somebody saves a document in Xero.
    pub(super) fn save(&self, document: Paper) -> DocumentRef {
        self.wait(SignedDuration::from_secs(1));
        let of = document.0.of;
        self.in_xero(|company, now| {
            company.documents.insert(of.id, Document { updated_at: now, ..document.0 });
        });
        of
    }

    pub(super) fn wait(&self, time: SignedDuration) {
        self.ports.sim.pass(time);
    }

    /// A poll, and all that follows from it.
    pub(super) async fn poll(&self) {
        self.wait(SignedDuration::from_mins(15));
        self.say(Message::Sync { org: self.org }).await;
        self.work().await;
    }

    /// Hands one message to the processor.
    pub(super) async fn say(&self, message: Message) {
        let queue = message.queue();
        let envelope = Envelope::new(message, Uuid::from_u128(1), "/parstock/test", self.ports.sim.now());
        let record = Received { id: "1".to_owned(), body: envelope.to_body().unwrap(), receives: 1 };
        assert_eq!(process::batch(&self.ports, queue, vec![record]).await, Vec::new());
    }

    /// Serves the queues until they are empty, what is delayed included.
    pub(super) async fn work(&self) {
        while let Some(due) =
            QueueName::ALL.iter().filter_map(|queue| self.ports.queue.next_due(*queue)).min()
        {
            if due > self.ports.sim.now() {
                self.ports.sim.pass_until(due);
            }
            for queue in QueueName::ALL {
                for delivered in self.ports.queue.receive(queue, 10, SignedDuration::from_mins(30)) {
                    self.ports.queue.delete(queue, delivered.id);
                    let record = Received { id: delivered.id.to_string(), body: delivered.body, receives: 1 };
                    assert_eq!(process::batch(&self.ports, queue, vec![record]).await, Vec::new());
                }
            }
        }
        for queue in QueueName::ALL {
            assert_eq!(self.ports.queue.dead(queue).len(), 0);
        }
    }

    pub(super) async fn count(
        &self,
        code: &str,
        as_of: &str,
        quantity: &str,
    ) -> Result<Imported, Vec<Wrong>> {
        let count = Count {
            line: 2,
            code: code.to_owned(),
            location: LocationId::main(),
            as_of: day(as_of),
            quantity: q(quantity),
            unit_cost: Some("2".parse().unwrap()),
        };
        let imported = opening::import(&self.ports, self.org, "Kim", &[count]).await.unwrap();
        self.work().await;
        imported
    }

    /// A row of `items.csv`: item, supplier, min, max, exclude.
    async fn set_item(&self, [code, supplier, min, max, exclude]: [&str; 5]) {
        let items = format!(
            "item,category,supplier,pack,moq,lead_time_days,min,max,exclude\n{code},,{supplier},,,,{min},{max},{exclude}\n"
        );
        self.set(Files { items: Some(&items), ..Files::default() }).await;
    }

    pub(super) async fn set(&self, files: Files<'_>) {
        let applied = settings::apply(&self.ports, self.org, "Kim", &files).await.unwrap();
        assert!(matches!(applied, Applied::Changed(_)), "{applied:?}");
        self.work().await;
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (Key, Record)> {
        self.ports.store.rows(Owner::Org(self.org)).into_iter().map(|row| (row.key, row.record))
    }

    pub(super) fn position(&self, code: &str) -> Position {
        let key = Key::Position(item(code), LocationId::main());
        match self.ports.store.row(Owner::Org(self.org), &key).map(|row| row.record) {
            Some(Record::Position(position)) => position,
            _ => Position::default(),
        }
    }

    pub(super) fn on_hand(&self, code: &str) -> String {
        let today =
            self.ports.sim.now().to_zoned(jiff::tz::TimeZone::get("Australia/Sydney").unwrap()).date();
        match self.position(code).on_hand(today).unwrap() {
            OnHand::Counted(quantity) => quantity.to_string(),
            OnHand::NotCounted => "not counted".to_owned(),
        }
    }

    pub(super) fn plan(&self, code: &str) -> Plan {
        let key = Key::Plan(item(code), LocationId::main());
        match self.ports.store.row(Owner::Org(self.org), &key).map(|row| row.record) {
            Some(Record::Plan(plan)) => plan,
            _ => panic!("{code} is not planned"),
        }
    }

    pub(super) fn movements(&self, code: &str) -> Vec<Movement> {
        let of_item = |record| match record {
            Record::Movement(movement) if movement.item == item(code) => Some(movement),
            _ => None,
        };
        self.rows().filter_map(|(_, record)| of_item(record)).collect()
    }

    pub(super) fn order_lines(&self, code: &str) -> Vec<OrderLine> {
        let of_item = |record| match record {
            Record::OrderLine(line) if line.item == item(code) => Some(line),
            _ => None,
        };
        self.rows().filter_map(|(_, record)| of_item(record)).collect()
    }

    pub(super) fn proposals(&self) -> Vec<Proposal> {
        let proposal = |record| if let Record::Proposal(proposal) = record { Some(proposal) } else { None };
        let mut proposals: Vec<Proposal> = self.rows().filter_map(|(_, record)| proposal(record)).collect();
        proposals.sort_by_key(|proposal| proposal.proposed_at);
        proposals
    }

    fn backfill(&self) -> Backfill {
        match self.ports.store.row(Owner::Org(self.org), &Key::Profile).map(|row| row.record) {
            Some(Record::Profile(profile)) => profile.backfill,
            other => panic!("{other:?}"),
        }
    }

    /// Puts the digest of today together; its content.
    pub(super) async fn digest(&self) -> serde_json::Value {
        self.say(Message::Digest { org: self.org }).await;
        self.work().await;
        let digest = |record| if let Record::Digest(digest) = record { Some(digest) } else { None };
        let latest = self.rows().filter_map(|(_, record)| digest(record)).max_by_key(|digest| digest.at);
        serde_json::from_str(&latest.unwrap().content).unwrap()
    }

    pub(super) async fn console(&self) -> Console<'_, FakePorts<FakeStore>> {
        let viewer = Viewer { user: "Kim".to_owned(), csrf: String::new(), connects: false };
        Console::open(&self.ports, self.org, viewer).await.unwrap()
    }

    /// What lay there at the end of a day and what it was worth, as it is known now.
    pub(super) async fn balance_at(&self, code: &str, on: &str) -> Option<Balance> {
        self.console().await.card(item(code), until(on)).await.unwrap().card.end
    }

    pub(super) fn reviews(&self) -> Vec<Review> {
        let review = |record| if let Record::Review(review) = record { Some(review) } else { None };
        self.rows().filter_map(|(_, record)| review(record)).collect()
    }

    /// Warnings that wait or were told, by item and kind.
    fn warnings(&self) -> Vec<(ItemId, AlertKind)> {
        let mut found = Vec::new();
        for (_, record) in self.rows() {
            let alerts: Vec<Alert> = match record {
                Record::Alert(alert) => vec![alert],
                Record::AlertBatch(batch) => batch.alerts,
                _ => Vec::new(),
            };
            found.extend(alerts.into_iter().map(|alert| (alert.item, alert.kind)));
        }
        found.sort();
        found
    }
}

/// A sale with one line that names an item, and one that does not.
fn half_named(number: &str, on: &str) -> Paper {
    let mut sale = sale(number, on).line("BOX", "1", "5").line("BOX", "1", "5");
    sale.0.lines[1].item = None;
    sale
}

#[test]
fn the_first_digest_counts_nothing_of_the_first_load() {
    run_alone(async {
        let shop = Shop::new(&["BOX"]);
        shop.save(half_named("S-1", "2026-05-20"));
        shop.save(half_named("S-2", "2026-05-21"));
        shop.connect().await;
        shop.save(half_named("S-3", "2026-06-01"));
        shop.poll().await;
        let digest = shop.digest().await;
        let (trust, lines) = (&digest["trust"], &digest["not_counted"]);
        assert_eq!((&trust["by_poll"], &trust["by_webhook"]), (&1.into(), &0.into()));
        assert_eq!((&lines["lines"], &lines["lines_without_item"]), (&2.into(), &1.into()));
        assert_eq!(lines["days"], 1);
    });
}

#[test]
fn a_digest_without_news_is_kept_and_sent_only_once_a_week() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        let policy =
            r#"{"version":1,"rules":[{"scope":"org","setting":"mail_to","value":["owner@example.com"]}]}"#;
        shop.set(Files { policy: Some(policy), ..Files::default() }).await;
        let mut sent = Vec::new();
        for number in 1..=16 {
            if number == 11 {
                // something to ask a person about
                shop.save(sale("S-1", "2026-06-10").line("LOST", "1", "5"));
                shop.poll().await;
            }
            let before = shop.ports.mailer.taken().len();
            shop.digest().await;
            let mails: Vec<_> = shop.ports.mailer.taken().into_iter().skip(before).collect();
            sent.extend(mails.into_iter().map(|taken| (number, taken.what.subject)));
            shop.wait(SignedDuration::from_hours(24));
        }
        let days: Vec<i32> = sent.iter().map(|(number, _)| *number).collect();
        assert_eq!(days, [1, 8, 11], "{sent:?}");
        assert!(sent[1].1.starts_with("All clear for 7 days - "), "{sent:?}");
        let kept = shop.rows().filter(|(key, _)| matches!(key, Key::Digest(_))).count();
        assert_eq!(kept, 16);
    });
}

#[test]
fn an_order_that_is_late_is_counted_once_and_its_items_are_listed() {
    run_alone(async {
        let shop = Shop::new(&["BOX", "PEN", "INK"]);
        shop.save(order("PO-1", "2026-03-01").line("BOX", "100", "2").line("PEN", "50", "1"));
        shop.connect().await;
        shop.save(order("PO-2", "2026-06-01").line("BOX", "20", "2"));
        shop.poll().await;
        assert_eq!(shop.digest().await["watching"]["orders_late"], 1);
        let console = shop.console().await;
        let late = PositionQuery { late: true, page: 1, ..PositionQuery::default() };
        let page = console.positions(late).await.unwrap();
        let shown: Vec<_> = page.rows.iter().map(|row| (row.code.as_str(), row.on_order, row.late)).collect();
        assert_eq!(shown, [("BOX", q("20"), q("100")), ("PEN", q("0"), q("50"))]);
        assert_eq!((page.late_items, page.late_orders, page.rows[1].late_orders[0].as_str()), (2, 1, "PO-1"));
        // the item's page says the same as its orders
        let page = console.item(item("BOX"), View::default(), 1).await.unwrap();
        assert_eq!((page.position.on_order, page.position.late), (q("20"), q("100")));
        let mut orders: Vec<_> =
            page.orders.iter().map(|order| (order.number.as_str(), order.late)).collect();
        orders.sort_unstable();
        assert_eq!(orders, [("PO-1", true), ("PO-2", false)]);
    });
}

#[test]
fn the_digest_says_when_an_order_was_written_and_what_it_means() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.save(bill("B-1", "2026-05-01").line("BOX", "50", "2"));
        shop.poll().await;
        shop.count("BOX", "2026-05-31", "4").await.unwrap();
        let policy = r#"{"version":1,"rules":[{"scope":"org","setting":"phase","value":"assist"}]}"#;
        let items = "item,category,supplier,pack,moq,lead_time_days,min,max,exclude\nBOX,,,12,,9,10,35,\n";
        shop.set(Files { policy: Some(policy), items: Some(items), ..Files::default() }).await;
        let digest = shop.digest().await;
        let line = &digest["decide"]["shown"][0]["lines"][0];
        // 31 are missing, and three cartons hold 36
        assert_eq!((&line["quantity"], &line["figures"]["rounded_up"]), (&"36".into(), &"5".into()));
        assert_eq!(line["figures"]["lead_time_days"], 9);
        assert_eq!(line["unit_price"].as_str().unwrap().parse(), Ok(Money::from_e4(20_000)));
        let open = shop.proposals().pop().unwrap();
        decide(&shop.ports, shop.org, open.id, open.contents(), "Kim", &Decision::Approve).await.unwrap();
        // nobody carries it out for three hours
        shop.wait(SignedDuration::from_hours(3));
        let written_at = shop.ports.sim.now();
        shop.work().await;
        shop.wait(SignedDuration::from_hours(24));
        let written = &shop.digest().await["written"][0];
        let at: Timestamp = written["at"].as_str().unwrap().parse().unwrap();
        assert!(
            at >= written_at && at < written_at.saturating_add(SignedDuration::from_mins(5)).unwrap(),
            "{written}"
        );
    });
}

fn master(code: &str, updated_at: Timestamp) -> Item {
    Item {
        id: item(code),
        code: code.to_owned(),
        name: format!("Item {code}"),
        tracked: code.starts_with('T'),
        purchase_price: None,
        sales_price: None,
        purchase_account: "300".to_owned(),
        purchase_tax: String::new(),
        sales_account: "200".to_owned(),
        quantity: None,
        updated_at,
        priced_at: None,
    }
}

/// A document as somebody writes it in Xero.
#[derive(Clone)]
pub(super) struct Paper(Document);

pub(super) fn paper(kind: DocumentKind, number: &str, on: &str) -> Paper {
    Paper(Document {
        of: DocumentRef { kind, id: DocumentId(derived("document", &[number])) },
        number: number.to_owned(),
        reference: String::new(),
        status: DocumentStatus::Authorised,
        contact: supplier("Acme"),
        contact_name: "Acme".to_owned(),
        date: day(on),
        expected_on: None,
        updated_at: Timestamp::UNIX_EPOCH,
        lines: Vec::new(),
        in_advance: false,
        set_against: Vec::new(),
        foreign: None,
    })
}

pub(super) fn sale(number: &str, on: &str) -> Paper {
    let mut sale = paper(DocumentKind::SalesInvoice, number, on);
    (sale.0.contact, sale.0.contact_name) = (supplier("Customer"), "Customer".to_owned());
    sale
}

pub(super) fn bill(number: &str, on: &str) -> Paper {
    paper(DocumentKind::Bill, number, on)
}

pub(super) fn order(number: &str, on: &str) -> Paper {
    paper(DocumentKind::PurchaseOrder, number, on)
}

impl Paper {
    pub(super) fn reference(mut self, reference: &str) -> Self {
        self.0.reference = reference.to_owned();
        self
    }

    /// From another contact.
    pub(super) fn of(mut self, name: &str) -> Self {
        (self.0.contact, self.0.contact_name) = (supplier(name), name.to_owned());
        self
    }

    /// As a credit note that is set against these.
    fn against(mut self, sales: &[&Paper]) -> Self {
        self.0.set_against = sales.iter().map(|sale| sale.0.of.id).collect();
        self
    }

    /// As money before its bill or invoice.
    fn in_advance(mut self) -> Self {
        self.0.in_advance = true;
        self
    }

    pub(super) fn status(mut self, status: DocumentStatus) -> Self {
        self.0.status = status;
        self
    }

    /// The same paper with a line's quantity and price corrected.
    pub(super) fn correct(mut self, line: usize, quantity: &str, price: &str) -> Self {
        let line = &mut self.0.lines[line];
        (line.quantity, line.unit_amount) = (q(quantity), price.parse().unwrap());
        line.net = line.quantity.at(line.unit_amount).unwrap();
        self
    }

    /// With what a line says.
    pub(super) fn describe(&mut self, line: usize, words: &str) {
        words.clone_into(&mut self.0.lines[line].description);
    }

    /// With its lines coded to an account.
    pub(super) fn account(mut self, account: &str) -> Self {
        for line in &mut self.0.lines {
            account.clone_into(&mut line.account);
        }
        self
    }

    /// With one more line.
    pub(super) fn line(mut self, code: &str, quantity: &str, price: &str) -> Self {
        let (quantity, unit_amount): (Quantity, Money) = (q(quantity), price.parse().unwrap());
        let number = self.0.lines.len().to_string();
        self.0.lines.push(DocumentLine {
            id: LineId(derived("line", &[&self.0.number, &number])),
            item: (!code.is_empty()).then(|| ItemRef { id: None, code: code.to_owned() }),
            description: String::new(),
            quantity,
            unit_amount,
            net: quantity.at(unit_amount).unwrap(),
            account: "300".to_owned(),
            unit: None,
            foreign_net: None,
        });
        self
    }
}

#[test]
fn a_return_goes_to_where_its_sale_had_it_from_once_somebody_says_which() {
    run_alone(async {
        let shop = Shop::open(&["CUP", "TEA"]).await;
        shop.count("CUP", "2026-03-01", "10").await.unwrap();
        shop.save(bill("B-1", "2026-03-02").line("CUP", "10", "2").line("TEA", "10", "2"));
        let sold =
            sale("S-1", "2026-03-10").line("CUP", "5", "9").line("CUP", "1", "9").line("TEA", "5", "9");
        shop.save(sold.clone());
        shop.save(bill("B-2", "2026-04-05").line("CUP", "14", "10"));
        let back =
            paper(DocumentKind::SalesCredit, "C-1", "2026-05-20").line("CUP", "8", "9").line("TEA", "1", "9");
        shop.save(back.clone());
        shop.poll().await;
        // twenty at 2, six sold, fourteen at 10 beside the rest: eight come back at 6
        assert_eq!(shop.position("CUP").value, "216".parse().unwrap());
        let booked = shop.movements("CUP").len();
        let tracked = shop.movements("TEA");
        shop.save(back.clone().against(&[&sold]));
        shop.poll().await;
        // six at 2, and two at what is the average then
        let value = shop.position("CUP").value;
        assert_eq!(value.to_string(), "190.5882");
        assert_eq!(shop.movements("CUP").len(), booked + 2, "what was booked stays");
        assert_eq!(shop.movements("TEA"), tracked, "Xero's average stands");
        shop.save(back.clone().against(&[&sold]).status(DocumentStatus::Paid));
        shop.poll().await;
        assert_eq!(shop.movements("CUP").len(), booked + 2, "paid moves nothing");
        // the sale was of fewer, which is told after both
        shop.save(sold.correct(0, "3", "9"));
        shop.poll().await;
        assert_eq!(shop.position("CUP").booked, q("38"));
        // four at 2, and four at what is the average then: sixteen at 2, fourteen at 10, four at 2
        assert_eq!(shop.position("CUP").value.to_string(), "201.1765");
        shop.save(back);
        shop.poll().await;
        assert_eq!(shop.position("CUP").booked, q("38"));
        assert_eq!(shop.position("CUP").value.to_string(), "217.8667", "eight at the average of thirty");
        assert_eq!(shop.on_hand("CUP"), "38");
    });
}

#[test]
fn goods_on_money_in_advance_are_asked_about_until_they_are_off_it() {
    run_alone(async {
        let shop = Shop::open(&["CUP", "JAR"]).await;
        let paid = paper(DocumentKind::SpendMoney, "", "2026-05-20").reference("Deposit 7").in_advance();
        let paid = paid.line("CUP", "10", "2").line("", "1", "50").line("JAR", "3", "4");
        shop.save(paid.clone());
        shop.poll().await;
        let asked: Vec<(ReviewKind, String)> =
            shop.reviews().into_iter().map(|review| (review.kind, review.text)).collect();
        let text = "Money spent in advance on 2026-05-20, reference Deposit 7, moves goods: `CUP`, `JAR`. If the bill names them again, \
                    they move twice: take the items off the payment, which ends this question, or off the bill.";
        assert_eq!(asked, [(ReviewKind::GoodsInAdvance, text.to_owned())]);
        // the bill says them again
        shop.save(bill("B-1", "2026-05-22").line("CUP", "10", "2"));
        shop.poll().await;
        assert_eq!(shop.position("CUP").booked, q("20"));
        let mut without_goods = paid.clone();
        without_goods.0.lines.clear();
        shop.save(without_goods);
        shop.poll().await;
        assert_eq!((shop.position("CUP").booked, shop.reviews()), (q("10"), vec![]));
        // money that is not in advance is what its goods came with
        shop.save(paper(DocumentKind::ReceiveMoney, "R-1", "2026-05-23").line("CUP", "1", "5"));
        shop.poll().await;
        assert_eq!(shop.reviews(), []);
        let received =
            paper(DocumentKind::ReceiveMoney, "R-2", "2026-05-24").in_advance().line("CUP", "1", "5");
        shop.save(received.clone());
        shop.poll().await;
        let asked: Vec<String> = shop.reviews().into_iter().map(|review| review.text).collect();
        assert!(
            asked[0].contains("Money received in advance on 2026-05-24, moves")
                && asked[0].contains("off the invoice"),
            "{asked:?}"
        );
        shop.save(received.status(DocumentStatus::Voided));
        shop.poll().await;
        assert_eq!(shop.reviews(), []);
    });
}

#[test]
fn a_first_count_is_what_lies_there_whatever_was_booked_before() {
    run_alone(async {
        let shop = Shop::new(&["BOX"]);
        shop.save(bill("B-1", "2026-04-01").line("BOX", "80", "2"));
        shop.save(sale("S-1", "2026-05-20").line("BOX", "30", "5"));
        shop.connect().await;
        assert_eq!(shop.position("BOX").booked, q("50"));
        let first = shop.count("BOX", "2026-06-01", "60").await.unwrap();
        assert_eq!((first.opened, shop.on_hand("BOX").as_str()), (1, "60"));
        let again = shop.count("BOX", "2026-06-01", "60").await.unwrap();
        assert_eq!(again, Imported { agreed: 1, ..Imported::default() }, "the same file once more");
        assert_eq!(shop.on_hand("BOX"), "60");
        assert_eq!(shop.movements("BOX").len(), 3);
        // what comes after the count's day is added to it
        shop.save(sale("S-2", "2026-06-01").line("BOX", "5", "5"));
        shop.poll().await;
        assert_eq!(shop.on_hand("BOX"), "55");
        let later = shop.count("BOX", "2026-06-01", "54").await.unwrap();
        assert_eq!((later.recounted, shop.on_hand("BOX").as_str()), (1, "54"));
    });
}

#[test]
fn quantities_are_right_at_any_date() {
    run_alone(async {
        let shop = Shop::open(&["BOX", "PEN"]).await;
        shop.count("BOX", "2026-05-10", "60").await.unwrap();
        shop.save(sale("S-1", "2026-05-12").line("BOX", "5", "5"));
        shop.save(bill("B-1", "2026-06-03").line("BOX", "20", "2"));
        shop.poll().await;
        let console = shop.console().await;
        for (on, expected) in
            [("2026-05-10", "60"), ("2026-05-11", "60"), ("2026-05-12", "55"), ("2026-06-03", "75")]
        {
            let page = console.positions_at(day(on), String::new(), 1).await.unwrap();
            let found: Vec<(&str, Option<Quantity>)> =
                page.rows.iter().map(|row| (row.code.as_str(), row.end.map(|end| end.quantity))).collect();
            assert_eq!(found, [("BOX", Some(q(expected))), ("PEN", None)], "{on}");
        }
        // before the count nobody knows
        let page = console.positions_at(day("2026-05-09"), "box".to_owned(), 1).await.unwrap();
        assert_eq!((page.found, page.rows[0].end), (1, None));
    });
}

#[test]
fn what_was_promised_and_to_come_is_right_at_any_date_and_after_later_edits() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.count("BOX", "2026-05-01", "60").await.unwrap();
        shop.save(order("PO-1", "2026-05-04").line("BOX", "30", "2"));
        shop.save(sale("S-1", "2026-05-06").status(DocumentStatus::Draft).line("BOX", "5", "5"));
        shop.save(sale("S-2", "2026-05-20").status(DocumentStatus::Draft).line("BOX", "7", "5"));
        shop.save(bill("B-1 PO-1", "2026-05-15").line("BOX", "20", "2"));
        shop.poll().await;
        // on hand, committed, available, on order
        let stood = async |on: &str| {
            let row =
                shop.console().await.positions_at(day(on), String::new(), 1).await.unwrap().rows.remove(0);
            let end = row.end.map(|end| end.quantity.to_string()).unwrap_or_default();
            let available = row.available.map(|quantity| quantity.to_string()).unwrap_or_default();
            [end, row.committed.to_string(), available, row.on_order.to_string()].join(" ")
        };
        assert_eq!(stood("2026-05-03").await, "60 0 60 0");
        assert_eq!(stood("2026-05-05").await, "60 0 60 30");
        assert_eq!(stood("2026-05-14").await, "60 5 55 30");
        assert_eq!(stood("2026-05-15").await, "80 5 75 10");
        assert_eq!(stood("2026-05-31").await, "80 12 68 10");
        // one is approved, one is moved and made more, the order is of more and was written later
        shop.save(sale("S-1", "2026-05-06").line("BOX", "5", "5"));
        shop.save(sale("S-2", "2026-05-08").status(DocumentStatus::Draft).line("BOX", "9", "5"));
        shop.save(order("PO-1", "2026-05-10").line("BOX", "40", "2"));
        shop.poll().await;
        assert_eq!(stood("2026-05-05").await, "60 0 60 0");
        assert_eq!(stood("2026-05-07").await, "55 0 55 0");
        assert_eq!(stood("2026-05-14").await, "55 9 46 40");
        assert_eq!(stood("2026-05-31").await, "75 9 66 20");
        // today is what the list of now says
        let now = shop.console().await.positions(PositionQuery { page: 1, ..PositionQuery::default() }).await;
        let now = now.unwrap().rows.remove(0);
        assert_eq!(
            stood("2026-06-01").await,
            format!("{} {} {} {}", now.on_hand.unwrap(), now.committed, now.available.unwrap(), now.on_order)
        );
        // the order is closed with what came, and was open before that
        shop.save(order("PO-1", "2026-05-10").status(DocumentStatus::Billed).line("BOX", "40", "2"));
        shop.save(sale("S-2", "2026-05-08").status(DocumentStatus::Deleted));
        shop.poll().await;
        assert_eq!(stood("2026-05-14").await, "55 0 55 40");
        assert_eq!(stood("2026-05-15").await, "75 0 75 0");
    });
}

#[test]
fn counts_wait_for_the_first_load() {
    run_alone(async {
        let shop = Shop::new(&["BOX"]);
        connect::ensure(&shop.ports, &shop.connection).await.unwrap();
        let count = Count {
            line: 2,
            code: "BOX".to_owned(),
            location: LocationId::main(),
            as_of: day("2026-06-01"),
            quantity: q("60"),
            unit_cost: Some(Money::ZERO),
        };
        let early = opening::import(&shop.ports, shop.org, "Kim", &[count]).await;
        assert!(matches!(&early, Err(AppError::Reject(why)) if why.contains("first load")), "{early:?}");
        shop.work().await;
        assert_eq!(shop.count("BOX", "2026-06-01", "60").await.unwrap().opened, 1);
    });
}

#[test]
fn a_recount_that_crosses_a_line_warns() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.set_item(["BOX", "", "10", "40", ""]).await;
        shop.count("BOX", "2026-05-31", "60").await.unwrap();
        assert_eq!(shop.warnings(), []);
        shop.count("BOX", "2026-06-01", "4").await.unwrap();
        assert_eq!(shop.warnings(), [(item("BOX"), AlertKind::BelowReorderPoint)]);
    });
}

#[test]
fn a_count_stands_whatever_comes_in_late() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.save(sale("S-1", "2026-05-20").line("BOX", "8", "5"));
        shop.poll().await;
        shop.count("BOX", "2026-05-30", "50").await.unwrap();
        assert_eq!(shop.on_hand("BOX"), "50");
        // the supplier's bill is entered, and a sale is voided, of days that the count has seen
        shop.save(bill("B-1", "2026-05-28").line("BOX", "60", "3"));
        shop.save(sale("S-1", "2026-05-20").status(DocumentStatus::Voided));
        shop.poll().await;
        assert_eq!(shop.on_hand("BOX"), "50");
        assert_eq!(shop.position("BOX").value, "100".parse().unwrap());
        shop.save(sale("S-2", "2026-05-31").line("BOX", "5", "5"));
        shop.poll().await;
        assert_eq!(shop.on_hand("BOX"), "45");
        let page = shop.console().await.item(item("BOX"), View::default(), 1).await.unwrap();
        assert!(page.card.rows.iter().any(|row| row.cause == "count"), "{:?}", page.card.rows);
    });
}

#[test]
fn the_card_says_what_lay_there_after_each_movement_and_a_late_document_changes_its_past_days() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.count("BOX", "2026-05-10", "20").await.unwrap();
        shop.save(sale("S-1", "2026-05-20").line("BOX", "8", "5"));
        shop.poll().await;
        let worth = |quantity: &str, value: &str| {
            Some(Balance { quantity: q(quantity), value: value.parse().unwrap() })
        };
        assert_eq!(shop.balance_at("BOX", "2026-05-15").await, worth("20", "40"));
        assert_eq!(shop.balance_at("BOX", "2026-05-09").await, None, "nobody had counted it");
        shop.save(sale("S-2", "2026-05-12").line("BOX", "2", "5"));
        shop.poll().await;
        assert_eq!(shop.balance_at("BOX", "2026-05-15").await, worth("18", "36"));
        let shown = shop.console().await.card(item("BOX"), View::default()).await.unwrap();
        let lines: Vec<_> = shown
            .card
            .rows
            .iter()
            .map(|row| {
                let after = row.after.unwrap();
                let places = format!("{} to {}", row.from.words(), row.to.words());
                let figures = format!("{} {}: {} {}", row.change, row.value, after.quantity, after.value);
                (row.cause, row.number.as_str(), places, figures)
            })
            .collect();
        let line = |cause, number, places: &str, figures: &str| {
            (cause, number, places.to_owned(), figures.to_owned())
        };
        assert_eq!(
            lines,
            [
                line("opening balance", "", "opening to main", "20 40.00: 20 40.00"),
                line("invoice", "S-2", "main to customer", "-2 -4.00: 18 36.00"),
                line("invoice", "S-1", "main to customer", "-8 -16.00: 10 20.00"),
            ]
        );
        // the page turns it about, and shows the layer of the day
        let page = shop.console().await.item(item("BOX"), until("2026-05-15"), 1).await.unwrap();
        assert_eq!((page.card.found, page.card.rows[0].number.as_str()), (2, "S-2"));
        assert_eq!(page.card.end, worth("18", "36"));
        let layer = (page.layers[0].quantity, page.layers[0].cost, page.layers[0].unit_cost);
        assert_eq!(layer, (q("18"), "36".parse().unwrap(), "2".parse().unwrap()));
        assert_eq!(shop.console().await.item(item("BOX"), View::default(), 2).await.unwrap().card.rows, []);
    });
}

#[test]
fn the_card_names_the_layers_that_each_document_made_or_used_up() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        let policy = r#"{"version": 1, "rules": [{"scope": "org", "setting": "costing", "value": "fifo"}]}"#;
        shop.set(Files { policy: Some(policy), ..Files::default() }).await;
        shop.count("BOX", "2026-05-10", "20").await.unwrap();
        shop.save(bill("B-1", "2026-05-12").line("BOX", "10", "4"));
        shop.save(sale("S-1", "2026-05-20").line("BOX", "23", "5"));
        shop.poll().await;
        let shown = shop.console().await.card(item("BOX"), View::default()).await.unwrap();
        let parts = |row: &CardRow| {
            let parts = row.layers.iter().map(|part| format!("{}: {} {}", part.of, part.quantity, part.cost));
            parts.collect::<Vec<_>>().join(", ")
        };
        let lines: Vec<_> = shown.card.rows.iter().map(parts).collect();
        assert_eq!(
            lines,
            [
                "opening balance: 20 40.00",
                "bill B-1: 10 40.00",
                "opening balance: -20 -40.00, bill B-1: -3 -12.00",
            ]
        );
        let left: Vec<_> =
            shown.layers.iter().map(|layer| (layer.of.as_str(), layer.quantity, layer.cost)).collect();
        assert_eq!(left, [("bill B-1", q("7"), "28".parse().unwrap())]);
        let page = shop.console().await.item(item("BOX"), View::default(), 1).await.unwrap();
        assert!(page.render().unwrap().contains("bill B-1: -3 at"));
    });
}

#[test]
fn cards_and_past_days_of_an_item_with_more_movements_than_are_held_at_once_are_the_same() {
    run_alone(async {
        let shop = Shop::open(&["BOX", "T1"]).await;
        shop.save(bill("B-0", "2026-02-28").line("T1", "40", "2"));
        shop.count("BOX", "2026-03-01", "40").await.unwrap();
        for number in 0..45 {
            let on = day("2026-03-05").saturating_add(jiff::Span::new().days(number * 2)).to_string();
            let (name, quantity) = (format!("S-{number}"), format!("{}", number % 3 + 1));
            shop.save(sale(&name, &on).line("BOX", &quantity, "5").line("T1", &quantity, "5"));
            if number % 9 == 0 {
                shop.save(bill(&format!("B-{number}"), &on).line("BOX", "30", &format!("{number}.5")));
            }
        }
        shop.poll().await;
        // one is edited and moved to another day
        shop.save(sale("S-7", "2026-03-30").line("BOX", "9", "5").line("T1", "9", "5"));
        shop.poll().await;
        let (whole, few) = (shop.console().await, shop.console().await.holding_at_once(4));
        let on = |text: &str| Some(day(text));
        for code in ["BOX", "T1"] {
            for (from, at) in [
                (None, None),
                (None, on("2026-04-11")),
                (on("2026-04-01"), None),
                (on("2026-03-19"), on("2026-04-19")),
                (on("2026-06-30"), None),
            ] {
                let view = View { from, at, ..View::default() };
                let all = whole.card(item(code), View { from: None, ..view }).await.unwrap();
                let shown = few.card(item(code), view).await.unwrap();
                let first =
                    all.card.rows.iter().take_while(|row| from.is_some_and(|from| row.on < from)).count();
                assert_eq!(shown.card.rows, all.card.rows[first..], "{code} {view:?}");
                assert_eq!((shown.card.end, &shown.layers), (all.card.end, &all.layers), "{code} {view:?}");
                let before = first.checked_sub(1).and_then(|last| all.card.rows[last].after);
                assert_eq!(shown.card.before.filter(|_| first > 0), before, "{code} {view:?}");
                assert_eq!(shown.card.found, shown.card.rows.len());
                // a page of it
                let page = few.item(item(code), view, 1).await.unwrap().card;
                assert!(page.rows.iter().eq(shown.card.rows.iter().rev().take(page.rows.len())));
                assert_eq!(page.found, shown.card.found);
            }
        }
        for on in ["2026-02-27", "2026-03-01", "2026-03-30", "2026-04-30", "2026-06-01", "2027-01-01"] {
            let at_once = whole.positions_at(day(on), String::new(), 1).await.unwrap().rows;
            assert_eq!(few.positions_at(day(on), String::new(), 1).await.unwrap().rows, at_once, "{on}");
            let card = whole.card(item("BOX"), until(on)).await.unwrap().card;
            assert_eq!(at_once[0].end, card.end, "{on}");
        }
    });
}

#[test]
fn what_is_told_late_of_a_closed_month_counts_in_the_open_one() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.count("BOX", "2026-04-10", "20").await.unwrap();
        shop.save(sale("S-1", "2026-04-20").line("BOX", "10", "5"));
        shop.save(sale("S-2", "2026-05-20").line("BOX", "5", "5"));
        shop.poll().await;
        let policy = r#"{"version": 1, "rules": [
            {"scope": "org", "setting": "closed_through", "value": "2026-04-30"}]}"#;
        shop.set(Files { policy: Some(policy), ..Files::default() }).await;
        let closed = shop.balance_at("BOX", "2026-04-30").await;
        let reported = shop.ports.sim.now();
        // twenty at 4 each, before both sales
        shop.save(bill("B-1", "2026-04-15").line("BOX", "20", "4"));
        shop.poll().await;
        let console = shop.console().await;
        let card = console.card(item("BOX"), View::default()).await.unwrap().card;
        let bill = card.rows.iter().find(|row| row.number == "B-1").unwrap();
        assert_eq!((bill.on, bill.posted_on), (day("2026-04-15"), Some(day("2026-05-01"))));
        let restated: Vec<_> = card
            .restated
            .iter()
            .map(|row| (row.number.as_str(), row.month, row.posted_on, row.change.to_string()))
            .collect();
        assert_eq!(
            restated,
            [
                ("B-1", day("2026-04-01"), Some(day("2026-05-01")), "-10.00".to_owned()),
                ("B-1", day("2026-05-01"), None, "-5.00".to_owned()),
            ]
        );
        assert_eq!(shop.position("BOX").value, "75".parse().unwrap(), "as if it had come in time");
        // the day as it was known when it was closed, and as it is known now
        let view = View { known: Some(reported), ..until("2026-04-30") };
        assert_eq!(console.card(item("BOX"), view).await.unwrap().card.end, closed);
        assert_ne!(shop.balance_at("BOX", "2026-04-30").await, closed);
    });
}

#[test]
fn a_day_that_was_mistyped_leaves_no_trace_once_it_is_mended() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.save(sale("S-1", "2026-05-20").line("BOX", "1", "5"));
        shop.poll().await;
        for wrong in ["2016-05-21", "2027-05-21"] {
            shop.save(sale("S-2", wrong).line("BOX", "1", "5"));
            shop.poll().await;
            shop.save(sale("S-2", "2026-05-21").line("BOX", "1", "5"));
            shop.poll().await;
            let position = shop.position("BOX");
            assert_eq!(
                (position.first_on, position.last_sold_on),
                (Some(day("2026-05-20")), Some(day("2026-05-21"))),
                "{wrong}"
            );
        }
    });
}

#[test]
fn a_document_with_hundreds_of_unknown_codes_is_booked_and_asks_once() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        let mut long = sale("S-1", "2026-06-01").line("BOX", "2", "5");
        for number in 0..300 {
            // each code stands on two lines
            long = long.line(&format!("LOST-{:03}", number / 2), "1", "5");
        }
        shop.save(long.clone());
        shop.poll().await;
        assert_eq!(shop.position("BOX").booked, q("-2"));
        let reviews = shop.reviews();
        assert_eq!(reviews.len(), 1, "{reviews:?}");
        assert!(
            reviews[0].text.contains("`LOST-000`") && reviews[0].text.contains(" and 130 more"),
            "{}",
            reviews[0].text
        );
        // the lines are corrected, and the question ends with the booking
        for line in &mut long.0.lines {
            line.item = Some(ItemRef { id: None, code: "BOX".to_owned() });
        }
        shop.save(long);
        shop.poll().await;
        assert_eq!((shop.position("BOX").booked, shop.reviews().len()), (q("-302"), 0));
    });
}

#[test]
fn a_sale_of_an_unknown_item_is_booked_when_the_item_appears() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.save(sale("S-1", "2026-06-01").line("NEW", "3", "5"));
        shop.poll().await;
        assert_eq!(shop.reviews().len(), 1);
        shop.wait(SignedDuration::from_hours(2));
        shop.in_xero(|company, now| company.items.insert(item("NEW"), master("NEW", now)));
        for _ in 0..3 {
            shop.poll().await;
        }
        assert_eq!((shop.position("NEW").booked, shop.reviews().len()), (q("-3"), 0));
    });
}

#[test]
fn a_bill_finds_its_order_though_the_order_is_read_later() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.save(bill("B-1", "2026-06-01").reference("PO-7").line("BOX", "150", "2"));
        shop.poll().await;
        assert_eq!(shop.order_lines("BOX"), []);
        shop.save(order("PO-7", "2026-06-02").line("BOX", "100", "2").line("BOX", "50", "2"));
        shop.poll().await;
        shop.poll().await;
        let mut billed: Vec<Quantity> = shop.order_lines("BOX").iter().map(|line| line.billed).collect();
        billed.sort();
        assert_eq!(billed, [q("50"), q("100")]);
        assert_eq!(shop.movements("BOX").len(), 1, "finding the order moves nothing");
        // taking the bill back opens the order again
        shop.save(
            bill("B-1", "2026-06-01")
                .reference("PO-7")
                .line("BOX", "150", "2")
                .status(DocumentStatus::Voided),
        );
        shop.poll().await;
        assert!(shop.order_lines("BOX").iter().all(|line| line.billed.is_zero()));
    });
}

#[test]
fn a_question_about_an_arrival_ends_when_the_bill_names_its_order() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        for number in ["PO-7", "PO-8"] {
            shop.save(order(number, "2026-05-30").line("BOX", "100", "2"));
        }
        shop.save(bill("B-1", "2026-06-01").line("BOX", "60", "2"));
        shop.poll().await;
        assert_eq!(shop.reviews().len(), 1);
        shop.save(bill("B-1", "2026-06-01").reference("PO-8").line("BOX", "60", "2"));
        shop.poll().await;
        assert_eq!(shop.reviews(), []);
        let billed =
            |number| shop.order_lines("BOX").iter().find(|line| line.number == number).unwrap().billed;
        assert_eq!((billed("PO-7"), billed("PO-8")), (q("0"), q("60")));
        assert_eq!(shop.movements("BOX").len(), 1);
    });
}

#[test]
fn a_bill_that_is_paid_is_not_taken_for_an_order_written_after_it() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        let unordered = bill("B-1", "2026-06-01").line("BOX", "60", "2");
        shop.save(unordered.clone());
        shop.poll().await;
        // our own order of the same day, known by its effect
        let ours = order("PS-1", "2026-06-01").line("BOX", "36", "2").0;
        let mut writer = Writer::open(&shop.ports, shop.org).await.unwrap();
        let codes = [("BOX".to_owned(), item("BOX"))].into();
        let effect = Some(EffectId(Uuid::from_u128(5)));
        booking::book(&mut writer, &ours, &codes, Source::Effect, effect).await.unwrap();
        writer.close().await;
        shop.save(unordered.status(DocumentStatus::Paid));
        shop.poll().await;
        assert_eq!(shop.order_lines("BOX")[0].billed, q("0"), "it is still to come");
    });
}

#[test]
fn a_void_bill_teaches_no_more() {
    run_alone(async {
        let shop = Shop::open(&["BOX", "INK"]).await;
        let learned = |code: &str| {
            let row = shop.ports.store.row(Owner::Org(shop.org), &Key::Supply(item(code)));
            row.map(|row| match row.record {
                Record::Supply(lesson) => lesson.price_of(Quantity::ONE).unwrap().to_string(),
                other => panic!("{other:?}"),
            })
        };
        shop.save(bill("B-1", "2026-05-01").line("BOX", "10", "4.50"));
        let typed = bill("B-2", "2026-06-01").line("BOX", "10", "48.10").line("INK", "1", "3");
        shop.save(typed.clone());
        shop.poll().await;
        assert_eq!(learned("BOX").as_deref(), Some("48.10"));
        shop.save(typed.clone().correct(0, "10", "4.81"));
        shop.poll().await;
        assert_eq!(learned("BOX").as_deref(), Some("4.81"));
        shop.save(typed.status(DocumentStatus::Voided));
        shop.poll().await;
        assert_eq!((learned("BOX").as_deref(), learned("INK")), (Some("4.50"), None));
    });
}

#[test]
fn warnings_count_on_what_is_on_order_now() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.set_item(["BOX", "", "10", "40", ""]).await;
        shop.count("BOX", "2026-05-31", "12").await.unwrap();
        let goods = order("PO-7", "2026-06-01").line("BOX", "100", "2");
        shop.save(goods.clone());
        shop.poll().await;
        assert_eq!(shop.plan("BOX").on_order, q("100"), "planned at once");
        shop.save(sale("S-1", "2026-06-01").line("BOX", "4", "5"));
        shop.poll().await;
        assert_eq!(shop.warnings(), [], "enough is on order");
        // the order falls away: no booking moves stock, and yet the line is crossed
        shop.save(goods.status(DocumentStatus::Deleted));
        shop.poll().await;
        assert_eq!(shop.warnings(), [(item("BOX"), AlertKind::BelowReorderPoint)]);
        shop.save(bill("B-1", "2026-06-01").line("BOX", "30", "2"));
        shop.poll().await;
        shop.save(sale("S-2", "2026-06-01").line("BOX", "29", "5"));
        shop.poll().await;
        assert_eq!(shop.warnings().len(), 1, "once a day, though the first was told");
    });
}

#[test]
fn a_document_dated_ahead_warns_on_its_day() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.set_item(["BOX", "", "10", "40", ""]).await;
        shop.count("BOX", "2026-05-31", "12").await.unwrap();
        shop.save(sale("S-1", "2026-06-04").line("BOX", "5", "5"));
        shop.poll().await;
        shop.say(Message::Plan { org: shop.org, items: vec![item("BOX")] }).await;
        shop.work().await;
        assert_eq!(shop.plan("BOX").next_check_on, day("2026-06-04"));
        shop.wait(SignedDuration::from_hours(24));
        shop.say(Message::PlanTouched { org: shop.org }).await;
        shop.work().await;
        assert_eq!((shop.plan("BOX").planned_on, shop.warnings()), (day("2026-06-02"), Vec::new()));
        shop.wait(SignedDuration::from_hours(48));
        shop.say(Message::PlanTouched { org: shop.org }).await;
        shop.work().await;
        assert_eq!((shop.plan("BOX").planned_on, shop.on_hand("BOX").as_str()), (day("2026-06-04"), "7"));
        assert_eq!(shop.warnings(), [(item("BOX"), AlertKind::BelowReorderPoint)]);
    });
}

#[test]
fn a_mark_stays_as_long_as_its_booking_may_be_under_way() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        let key = Key::Touched(Uuid::from_u128(9));
        let touched = Touched { at: shop.ports.sim.now(), items: vec![item("BOX")] };
        shop.ports.store.put(Owner::Org(shop.org), key.clone(), Record::Touched(touched));
        let is_marked = || shop.ports.store.row(Owner::Org(shop.org), &key).is_some();
        shop.say(Message::PlanTouched { org: shop.org }).await;
        assert!(is_marked());
        shop.wait(SignedDuration::from_secs(LEASE_SECONDS));
        shop.say(Message::PlanTouched { org: shop.org }).await;
        assert!(!is_marked());
    });
}

/// A shop that wants to order, and whose plan has not seen the order of the same goods yet.
async fn outdated_plan(ordered: impl AsyncFnOnce(&Shop)) -> (Shop, Vec<Proposal>) {
    let shop = Shop::open(&["BOX"]).await;
    shop.save(bill("B-1", "2026-05-01").line("BOX", "50", "2"));
    shop.poll().await;
    shop.count("BOX", "2026-05-31", "4").await.unwrap();
    shop.set_item(["BOX", "", "10", "40", ""]).await;
    let wants: Vec<(Key, Record)> = shop.rows().filter(|(key, _)| matches!(key, Key::Want(..))).collect();
    assert_eq!(wants.len(), 1);
    ordered(&shop).await;
    let known = shop.proposals().len();
    // a planning that began before the order writes what it wants only now
    for (key, record) in wants {
        shop.ports.store.put(Owner::Org(shop.org), key, record);
    }
    shop.say(Message::Propose { org: shop.org }).await;
    let proposals = shop.proposals().into_iter().skip(known).collect();
    (shop, proposals)
}

#[test]
fn an_order_that_was_just_written_is_not_proposed_again() {
    run_alone(async {
        let (shop, proposed) = outdated_plan(async |shop: &Shop| {
            let policy = r#"{"version":1,"rules":[{"scope":"org","setting":"phase","value":"assist"}]}"#;
            shop.set(Files { policy: Some(policy), ..Files::default() }).await;
            let open = shop.proposals().pop().unwrap();
            let contents = open.contents();
            decide(&shop.ports, shop.org, open.id, contents, "Kim", &Decision::Approve).await.unwrap();
            shop.work().await;
            assert!(matches!(shop.proposals()[0].status, ProposalState::Done { .. }));
        })
        .await;
        assert_eq!(proposed, []);
        shop.work().await;
        assert_eq!((shop.proposals().len(), shop.plan("BOX").order), (1, None));
    });
}

#[test]
fn goods_that_a_person_ordered_meanwhile_are_not_proposed() {
    run_alone(async {
        let (shop, proposed) = outdated_plan(async |shop: &Shop| {
            // what was proposed is rejected by the plan that sees the person's order
            shop.save(order("PO-7", "2026-06-01").line("BOX", "36", "2"));
            shop.poll().await;
        })
        .await;
        assert_eq!(proposed, []);
        shop.work().await;
        assert!(shop.proposals().iter().all(|proposal| !proposal.is_pending()));
        assert_eq!(shop.plan("BOX").order, None);
    });
}

#[test]
fn excluded_items_and_drafts_that_do_not_count_warn_nobody() {
    run_alone(async {
        let shop = Shop::open(&["BOX", "INK"]).await;
        let policy =
            r#"{"version":1,"rules":[{"scope":"org","setting":"count_sales_drafts","value":false}]}"#;
        shop.set(Files { policy: Some(policy), ..Files::default() }).await;
        shop.set_item(["BOX", "", "", "", "yes"]).await;
        for code in ["BOX", "INK"] {
            shop.count(code, "2026-05-31", "12").await.unwrap();
        }
        shop.save(sale("S-1", "2026-06-01").line("BOX", "12", "5"));
        shop.save(sale("S-2", "2026-06-01").line("INK", "12", "5").status(DocumentStatus::Draft));
        shop.poll().await;
        assert_eq!((shop.on_hand("BOX").as_str(), shop.on_hand("INK").as_str()), ("0", "12"));
        assert_eq!(shop.warnings(), []);
    });
}

#[test]
fn an_opening_does_not_lack_what_was_approved_while_it_was_derived() {
    run_alone(async {
        let shop = Shop::new(&["T1"]);
        shop.in_xero(|company, _| company.initial.insert(item("T1"), q("50")));
        connect::ensure(&shop.ports, &shop.connection).await.unwrap();
        while !matches!(shop.backfill(), Backfill::Opening { .. }) {
            shop.say(Message::Backfill { org: shop.org }).await;
        }
        // the documents are read; somebody approves one more before the quantities are
        shop.save(sale("S-1", "2026-06-01").line("T1", "8", "5"));
        shop.work().await;
        shop.poll().await;
        let openings: Vec<Quantity> = shop
            .movements("T1")
            .iter()
            .filter(|movement| movement.key.cause == Cause::Opening)
            .map(|movement| movement.quantity)
            .collect();
        assert_eq!((openings, shop.position("T1").booked), (vec![q("50")], q("42")));
    });
}

/// Polls until the quantities of tracked items stood through two readings.
async fn settle(shop: &Shop) {
    for _ in 0..9 {
        shop.poll().await;
    }
}

#[test]
fn an_item_that_changes_its_book_keeps_its_stock() {
    run_alone(async {
        let shop = Shop::new(&["T1", "BOX"]);
        shop.in_xero(|company, _| company.initial.insert(item("T1"), q("50")));
        shop.save(sale("S-1", "2026-05-20").line("T1", "8", "5"));
        shop.connect().await;
        assert_eq!((shop.on_hand("T1").as_str(), shop.movements("T1").len()), ("42", 2));
        let track = |code: &str, tracked| {
            shop.in_xero(|company, now| {
                let item = company.items.get_mut(&item(code)).unwrap();
                (item.tracked, item.updated_at) = (tracked, now);
            });
        };
        shop.wait(SignedDuration::from_secs(60));
        track("T1", false);
        settle(&shop).await;
        let position = shop.position("T1");
        assert_eq!((shop.on_hand("T1").as_str(), position.tracked, position.snapshot), ("42", false, None));
        let values: Vec<(bool, Quantity, Money)> = shop
            .movements("T1")
            .iter()
            .filter(|movement| movement.key.cause == Cause::Opening && movement.key.revision > 1)
            .map(|movement| (movement.key.out, movement.quantity, movement.value))
            .collect();
        assert_eq!((values.len(), values[0].1, values[0].2), (2, values[1].1, values[1].2), "{values:?}");

        // and the other way round: Xero begins with what it was told
        shop.count("BOX", "2026-05-31", "20").await.unwrap();
        shop.in_xero(|company, _| company.initial.insert(item("BOX"), q("20")));
        track("BOX", true);
        settle(&shop).await;
        let position = shop.position("BOX");
        assert_eq!((shop.on_hand("BOX").as_str(), position.opened, position.booked), ("20", true, q("20")));
        assert_eq!(shop.reviews(), []);
    });
}

#[test]
fn a_tracked_item_that_comes_after_the_first_load_is_opened() {
    run_alone(async {
        let shop = Shop::open(&["BOX"]).await;
        shop.wait(SignedDuration::from_secs(60));
        shop.in_xero(|company, now| {
            company.items.insert(item("T1"), master("T1", now));
            company.items.insert(item("T2"), master("T2", now));
            company.initial.insert(item("T2"), q("7"));
        });
        shop.save(bill("B-1", "2026-06-01").line("T1", "30", "2").line("T2", "3", "2"));
        settle(&shop).await;
        let (first, second) = (shop.position("T1"), shop.position("T2"));
        assert_eq!((first.opened, first.booked, shop.movements("T1").len()), (true, q("30"), 1));
        assert_eq!((second.opened, second.booked, shop.movements("T2").len()), (true, q("10"), 2));
        // somebody adjusts it in Xero: one question, which says what is unexplained now, and ends by itself
        for (initial, asked) in [("5", 1), ("4", 1), ("7", 0)] {
            shop.in_xero(|company, _| company.initial.insert(item("T2"), q(initial)));
            settle(&shop).await;
            assert_eq!(shop.reviews().len(), asked, "{initial}: {:?}", shop.reviews());
        }
    });
}

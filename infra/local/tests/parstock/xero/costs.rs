//! What work costs in DynamoDB's units and in messages: `docs/costs.json` holds what is measured here, and the costs
//! of a month are worked out of it.

use jiff::{SignedDuration, Timestamp};
use parstock_adapters::store::units;
use parstock_app::load;
use parstock_app::opening::{self, Count};
use parstock_app::plan;
use parstock_app::ports::{Ports, QueueName};
use parstock_app::records::{Key, List};
use parstock_domain::document::Item as Master;
use parstock_domain::ids::{ItemId, LocationId};
use parstock_local::demo::load_history;
use parstock_local::driver::{Done, Driver, Simulation};
use parstock_local::trade::NoTrade;
use parstock_tests::corner_shop;
use parstock_xero_sim::act::{Act, DocumentKind, E4, Item, Line, NewDocument, Tracking};
use serde_json::{Value, json};

use super::shop::{MONDAY, Shop};

const COSTS: &str = include_str!("../../../../../docs/costs.json");
/// Items of the shop, so many that each document finds others than the one before.
const ITEMS: usize = 60;
/// Documents of each size, and the time between two, in which the next poll may fall.
const DOCUMENTS: usize = 30;
const BETWEEN: SignedDuration = SignedDuration::from_mins(3);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// What was spent since the beginning.
#[derive(Clone, Copy, Default)]
struct Spent {
    read: f64,
    written: f64,
    /// Batches of the three queues; of the work of this shop nearly all hold one message.
    batches: [f64; 3],
}

impl Spent {
    fn over(self, before: Self, idle: Self, share: f64, by: f64) -> Self {
        let one = |now: f64, before: f64, idle: f64| (now - before - idle * share) / by;
        let mut batches = self.batches;
        for (at, batch) in batches.iter_mut().enumerate() {
            *batch = one(*batch, before.batches[at], idle.batches[at]);
        }
        Self {
            read: one(self.read, before.read, idle.read),
            written: one(self.written, before.written, idle.written),
            batches,
        }
    }

    fn json(self) -> Value {
        // never minus zero
        let round = |figure: f64| (figure * 100.0).round() / 100.0 + 0.0;
        let [events, work, effects] = self.batches.map(round);
        json!({"read_units": round(self.read), "write_units": round(self.written),
               "events": events, "work": work, "effects": effects})
    }
}

struct Run {
    shop: Shop,
    driver: Driver<NoTrade>,
    batches: [f64; 3],
}

impl Run {
    async fn until(&mut self, until: Timestamp) {
        loop {
            let (at, kind) = self.driver.next().unwrap();
            if at >= until {
                self.shop.ports.clock.advance_to(until);
                return;
            }
            if let Done::Batch { queue, back } = self.driver.step(at, kind).await.unwrap() {
                assert!(back.is_empty(), "{back:?}");
                let at = QueueName::ALL.iter().position(|name| *name == queue).unwrap();
                self.batches[at] += 1.0;
            }
        }
    }

    async fn pass(&mut self, time: SignedDuration) {
        let until = self.shop.ports.clock.now() + time;
        self.until(until).await;
    }

    fn spent(&self) -> Spent {
        let meter = &self.shop.ports.meter;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 units")]
        let units = |costs| units::total(&costs) as f64;
        Spent { read: units(meter.read()), written: units(meter.written()), batches: self.batches }
    }

    /// Sells documents of so many lines, each announced by itself.
    async fn sell(&mut self, lines: usize, round: u32) {
        for number in 0..DOCUMENTS {
            let code = |line: usize| format!("I-{:03}", (number * 7 + line) % ITEMS);
            let line = |line| Line {
                item_code: Some(code(line)),
                quantity: E4::ONE,
                unit_amount: E4::ONE,
                ..Line::default()
            };
            let sale = sale_of(&format!("INV-{lines}-{round}-{number}"), (0..lines).map(line).collect());
            self.shop.apply(&sale);
            self.pass(BETWEEN).await;
        }
    }
}

/// The corner shop's sale with other lines.
fn sale_of(number: &str, lines: Vec<Line>) -> Act {
    match corner_shop::document(DocumentKind::Invoice, number, corner_shop::UNTRACKED, E4::ONE, MONDAY) {
        Act::CreateDocument(sale) => Act::CreateDocument(NewDocument { lines, ..sale }),
        other => other,
    }
}

#[tokio::test]
async fn the_units_that_costs_are_worked_out_of_are_those_that_are_measured() {
    let shop = Shop::open().await;
    for number in 0..ITEMS {
        shop.apply(&Act::UpsertItem(Item {
            code: format!("I-{number:03}"),
            name: format!("A thing with a name of usual length {number:03}"),
            description: String::new(),
            tracking: Tracking::Untracked { purchase_account: "310".to_owned() },
            purchase_price: E4::ONE,
            sales_price: E4::whole(2),
            sales_account: "200".to_owned(),
        }));
    }
    let simulation = Simulation { world: shop.world.clone(), trade: NoTrade, owner: None };
    let mut driver = Driver::new(shop.ports.clone(), shop.notebook.clone(), Some(simulation));
    load_history(&mut driver, 0, &mut ()).await.unwrap();
    let mut run = Run { shop, driver, batches: [0.0; 3] };
    let items = load::all::<Master>(run.shop.ports.store(), run.shop.org, &List::Items).await.unwrap();
    let counts: Vec<Count> = items
        .iter()
        .filter(|(_, item)| item.content.code.starts_with("I-"))
        .map(|(_, item)| Count {
            line: 1,
            code: item.content.code.clone(),
            location: LocationId::main(),
            as_of: MONDAY,
            quantity: "1000".parse().unwrap(),
            unit_cost: Some("1".parse().unwrap()),
        })
        .collect();
    opening::import(&*run.shop.ports, run.shop.org, "the test", &counts).await.unwrap().unwrap();
    // the first nights plan what is new and put the first digest together
    run.pass(DAY * 2).await;
    let before = run.spent();
    run.pass(DAY).await;
    let day = run.spent().over(before, Spent::default(), 0.0, 1.0);
    let mut measured = json!({"quiet_day": day.json()});
    // from noon on, so that no night lies in it
    run.pass(SignedDuration::from_hours(1)).await;
    for lines in [1, 4, 10] {
        // positions and layers are there
        run.sell(lines, 1).await;
        run.pass(DAY - BETWEEN * i32::try_from(DOCUMENTS).unwrap()).await;
        let before = run.spent();
        run.sell(lines, 2).await;
        let share = BETWEEN.as_secs_f64() * f64::from(u32::try_from(DOCUMENTS).unwrap()) / DAY.as_secs_f64();
        let by = f64::from(u32::try_from(DOCUMENTS).unwrap());
        measured[format!("document_of_{lines}_lines")] = run.spent().over(before, day, share, by).json();
        run.pass(DAY - BETWEEN * i32::try_from(DOCUMENTS).unwrap()).await;
    }
    let ids: Vec<ItemId> =
        items.iter().filter_map(|(key, _)| if let Key::Item(id) = key { Some(*id) } else { None }).collect();
    let before = run.spent();
    plan::items(&*run.shop.ports, run.shop.org, &ids).await.unwrap();
    let by = f64::from(u32::try_from(ids.len()).unwrap());
    measured["planned_item"] = run.spent().over(before, Spent::default(), 0.0, by).json();
    let kept: Value = serde_json::from_str(COSTS).unwrap();
    assert_eq!(kept["measured"], measured, "write into docs/costs.json:\n{measured:#}");
}

//! What the stack's tests need besides AWS: `corner_shop serve` is the corner shop in the simulated Xero on two ports
//! of this machine, beside a second one; `corner_shop settings ADDRESS some|more` gives a stack's first org the settings
//! that a person would.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "the tests read its output and notice its end, and the functions live by the machine's clock"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use parstock_adapters::config::Config;
use parstock_adapters::ports::production;
use parstock_app::connect;
use parstock_app::error::AppError;
use parstock_app::settings::{self, Applied};
use parstock_domain::settings::files::Files;
use parstock_tests::corner_shop::{document, first_bill, set_up};
use parstock_xero_sim::act::{DocumentKind, E4, Status, TimedAct};
use parstock_xero_sim::{Settings, SimClock, World, router_of};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SEED: u64 = 3;
/// Times that settings are tried again, a second apart.
const TRIES_MAX: u32 = 90;
/// More of the tracked item than the shop has, so that it has to be ordered.
const SOME: &str = "item,supplier,min,max\nTEA,Mill & Sons,150,200\n";
/// More than it has and has ordered then.
const MORE: &str = "item,supplier,min,max\nTEA,Mill & Sons,300,400\n";

type Shop = Arc<Mutex<World>>;

/// The machine's clock.
struct Machine;

impl SimClock for Machine {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve"] => serve().await,
        ["settings", address, "some"] => set(address, SOME).await,
        ["settings", address, "more"] => set(address, MORE).await,
        _ => {
            println!("corner_shop serve | corner_shop settings ADDRESS some|more");
            std::process::exit(2);
        }
    }
}

/// A day on which no document is dated ahead, wherever midnight falls.
fn day() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date().saturating_sub(2.days())
}

/// The books of one shop, in which a first bill was entered an hour ago.
fn open(name: &str, seed: u64) -> World {
    // one app for both
    let mut world = World::open(None, seed, Settings::development(SEED)).unwrap();
    let at = Timestamp::now() - SignedDuration::from_hours(1);
    let acts = set_up(name).into_iter().chain([first_bill(day())]);
    world.apply_history(&acts.map(|act| TimedAct { at, act }).collect::<Vec<_>>()).unwrap();
    world
}

async fn serve() {
    let world = open("Corner Shop", SEED);
    let second: Shop = Arc::new(Mutex::new(open("Second Shop", SEED + 1)));
    let settings = world.settings().clone();
    let shop: Shop = Arc::new(Mutex::new(world));
    let xero = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let till = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let told = json!({
        "xero": address(&xero),
        "till": address(&till),
        "credentials": {"client_id": settings.client_id, "client_secret": settings.client_secret},
        "webhook_key": settings.webhook_key,
    });
    println!("{told}");
    let api = router_of(Arc::clone(&shop), [second].into(), Arc::new(Machine));
    let counter = Router::new().route("/sell", post(sell)).route("/orders", get(orders)).with_state(shop);
    tokio::spawn(async { axum::serve(till, counter).await.unwrap() });
    axum::serve(xero, api).await.unwrap();
}

/// Somebody buys one of the untracked item. Answers what Xero would post of it.
async fn sell(State(shop): State<Shop>, Query(asked): Query<BTreeMap<String, String>>) -> Json<Value> {
    let number = asked.get("number").unwrap();
    let mut world = shop.lock().unwrap();
    let act = document(DocumentKind::Invoice, number, "BAG", E4::ONE, day());
    world.apply(Timestamp::now(), &act).unwrap();
    let due = world.next_due().unwrap();
    let deliveries = world.take_due_deliveries(due).unwrap();
    let posts = deliveries
        .iter()
        .map(|delivery| json!({"body": BASE64.encode(&delivery.body), "signature": delivery.signature}));
    Json(posts.collect())
}

/// The purchase orders in Xero: number, whether it is a draft, and how many of which item.
async fn orders(State(shop): State<Shop>) -> Json<Value> {
    let world = shop.lock().unwrap();
    let orders = world.documents().filter(|document| document.kind == DocumentKind::PurchaseOrder);
    let told = orders.map(|order| {
        let lines = order
            .lines
            .iter()
            .map(|line| json!({"item": line.item_code, "units": line.quantity.0 / E4::ONE.0}));
        json!({
            "number": order.number,
            "is_draft": order.status == Status::Draft,
            "lines": lines.collect::<Value>(),
        })
    });
    Json(told.collect())
}

/// Through the use case, with the settings of the environment.
async fn set(address: &str, items: &str) {
    let ports = production(&Config::from_env().unwrap()).await;
    let org = connect::orgs(&ports).await.unwrap().first().unwrap().org;
    let policy = json!({"version": 1, "rules": [
        {"scope": "org", "setting": "phase", "value": "assist"},
        // due from midnight on, so at any hour at which the test runs
        {"scope": "org", "setting": "digest_at", "value": "00:00"},
        {"scope": "org", "setting": "mail_to", "value": [address]},
        {"scope": "org", "setting": "slack", "value": true},
    ]})
    .to_string();
    let files = Files { policy: Some(&policy), items: Some(items), suppliers: None, units: None };
    // as a person does who is asked to try again: a worker holds the organisation for seconds
    let mut tries = 0;
    let applied = loop {
        match settings::apply(&ports, org, "owner", &files).await {
            Err(AppError::NotNow { .. }) if tries < TRIES_MAX => tries += 1,
            applied => break applied.unwrap(),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    match applied {
        Applied::Changed(_) => println!("{}", json!({"org": org.to_string()})),
        Applied::Refused(problems) => {
            println!("{}", json!(problems.iter().map(ToString::to_string).collect::<Vec<_>>()));
            std::process::exit(1);
        }
    }
}

//! A real retailer's year must fit in little memory, and a poll that finds nothing must cost next to nothing.

#![expect(clippy::print_stdout, reason = "a test that also tells what it measured")]

use std::sync::{Arc, Mutex};

use axum::body::Body;
use base64::Engine;
use http::Request;
use http_body_util::BodyExt;
use jiff::{Timestamp, civil::date};
use parstock_xero_sim::act::{
    Account, Act, Contact, DocumentKind, E4, Item, Line, LineAmountTypes, NewDocument, Organisation, Status,
    TimedAct, Tracking,
};
use parstock_xero_sim::{Settings, SimClock, World, router};
use tower::ServiceExt;

const DOCUMENTS: usize = 22_000;
const LINES_EACH: usize = 12;
const ITEMS: usize = 4_000;
/// Bytes of resident memory, at the peak.
const MEMORY_LIMIT: u64 = 200 * 1024 * 1024;
const SEED: u64 = 5;

struct Still(Timestamp);

impl SimClock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn masters() -> Vec<Act> {
    let mut acts = vec![Act::SetUpOrganisation(Organisation {
        name: "Big Shop".into(),
        time_zone: "GMTSTANDARDTIME".into(),
        base_currency: "GBP".into(),
        country: "GB".into(),
        period_lock_date: None,
        end_of_year_lock_date: None,
        tax_rates: vec![],
    })];
    for (code, account_type) in [("200", "SALES"), ("310", "DIRECTCOSTS")] {
        let (code, name) = (code.to_owned(), account_type.to_owned());
        acts.push(Act::UpsertAccount(Account {
            code,
            account_type: name.clone(),
            name,
            system_account: None,
        }));
    }
    for number in 0..ITEMS {
        acts.push(Act::UpsertItem(Item {
            code: format!("ITEM-{number:05}"),
            name: format!("A thing that is called number {number}"),
            description: String::new(),
            tracking: Tracking::Untracked { purchase_account: "310".into() },
            purchase_price: E4::whole(1),
            sales_price: E4::whole(2),
            sales_account: "200".into(),
        }));
    }
    acts.push(Act::UpsertContact(Contact {
        name: "Cash sale".into(),
        contact_number: None,
        email: None,
        is_supplier: false,
        is_customer: true,
    }));
    acts
}

fn invoice(number: usize) -> Act {
    let lines = (0..LINES_EACH)
        .map(|place| Line {
            item_code: Some(format!("ITEM-{:05}", (number * 31 + place * 97) % ITEMS)),
            quantity: E4::whole(3),
            unit_amount: E4::cents(295),
            ..Line::default()
        })
        .collect();
    Act::CreateDocument(NewDocument {
        kind: DocumentKind::Invoice,
        number: format!("{}", 500_000 + number),
        reference: String::new(),
        contact: "Cash sale".into(),
        date: date(2026, 1, 5),
        due: None,
        expected_arrival: None,
        status: Status::Authorised,
        amounts: LineAmountTypes::NoTax,
        currency: None,
        lines,
    })
}

/// The most memory this process ever had, in bytes; `None` where the system doesn't say.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024)
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "measures wall time")]
async fn a_retailers_year_fits_and_an_empty_poll_is_quick() {
    let start: Timestamp = "2026-01-05T08:00:00Z".parse().unwrap();
    let begun = std::time::Instant::now();
    let mut world = World::open(None, SEED, Settings::development(SEED)).unwrap();
    let at = |second: usize| Timestamp::from_second(start.as_second() + second as i64).unwrap();
    let history: Vec<TimedAct> = masters().into_iter().map(|act| TimedAct { at: start, act }).collect();
    world.apply_history(&history).unwrap();
    for chunk in 0..DOCUMENTS / 1_000 {
        let acts: Vec<TimedAct> = (0..1_000)
            .map(|place| chunk * 1_000 + place)
            .map(|number| TimedAct { at: at(number), act: invoice(number) })
            .collect();
        world.apply_history(&acts).unwrap();
    }
    println!("{} documents written in {:?}", world.document_count(), begun.elapsed());
    assert_eq!(world.document_count(), DOCUMENTS);
    if let Some(peak) = peak_memory() {
        println!("peak memory {} MB", peak / 1024 / 1024);
        assert!(peak < MEMORY_LIMIT, "{peak} bytes");
    }

    let pair = format!("{}:{}", world.settings().client_id, world.settings().client_secret);
    let basic = base64::engine::general_purpose::STANDARD.encode(pair);
    let app = router(Arc::new(Mutex::new(world)), Arc::new(Still(at(DOCUMENTS + 60))));
    let send = async |request: Request<Body>| {
        let answer = app.clone().oneshot(request).await.unwrap();
        answer.into_body().collect().await.unwrap().to_bytes()
    };
    let token = Request::post("/connect/token")
        .header("authorization", format!("Basic {basic}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("grant_type=client_credentials"))
        .unwrap();
    let token: serde_json::Value = serde_json::from_slice(&send(token).await).unwrap();
    let poll = |since: usize| {
        Request::get("/api.xro/2.0/Invoices?page=1&pageSize=1000&unitdp=4")
            .header("authorization", format!("Bearer {}", token["access_token"].as_str().unwrap()))
            .header("accept", "application/json")
            .header("if-modified-since", at(since).strftime("%Y-%m-%dT%H:%M:%S").to_string())
            .body(Body::empty())
            .unwrap()
    };
    let mut times = Vec::new();
    for _ in 0..30 {
        let begun = std::time::Instant::now();
        let body = send(poll(DOCUMENTS + 1)).await;
        times.push(begun.elapsed());
        assert!(body.ends_with(br#""Invoices":[]}"#));
    }
    times.sort();
    println!("a poll that finds nothing: median {:?}", times[15]);
    assert!(times[15].as_millis() < 5, "{times:?}");
    let begun = std::time::Instant::now();
    let body = send(poll(0)).await;
    println!("a full page: {} kB in {:?}", body.len() / 1_000, begun.elapsed());
}

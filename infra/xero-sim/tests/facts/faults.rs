//! Faults on demand.

use std::sync::Arc;

use parstock_xero_sim::act::{DocumentKind as Kind, Status};
use parstock_xero_sim::{ApiFault, Faults, Settings, SimClock, router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::*;

#[tokio::test]
async fn scripted_calls_go_wrong_once() {
    let company = Company::new().await;
    for (fault, status, problem) in [
        (ApiFault::MinuteLimit, 429, Some("minute")),
        (ApiFault::DayLimit, 429, Some("day")),
        (ApiFault::ConcurrentLimit, 429, Some("concurrent")),
        (ApiFault::LongDayLimit, 429, Some("day")),
        (ApiFault::AppMinuteLimit, 429, Some("appminute")),
        (ApiFault::TokenExpired, 401, None),
        (ApiFault::Disconnected, 403, None),
        (ApiFault::ScopeMissing, 403, None),
        (ApiFault::ServerError, 500, None),
        (ApiFault::Unavailable, 503, None),
    ] {
        company.world.lock().unwrap().script_call(fault);
        let answer = company.put("PurchaseOrders", &company.order_json("PS-1", "")).await;
        assert_eq!((answer.status, answer.header("X-Rate-Limit-Problem")), (status, problem), "{fault:?}");
        assert!(answer.header("X-DayLimit-Remaining").is_some());
    }
    assert_eq!(company.world.lock().unwrap().document_count(), 0);
    assert_eq!(company.put("PurchaseOrders", &company.order_json("PS-1", "")).await.status, 200);
}

#[tokio::test]
async fn a_dropped_call_did_its_work_or_did_not() {
    let company = Company::new().await;
    let body = company.order_json("PS-1", "");
    company.world.lock().unwrap().script_call(ApiFault::DroppedBefore);
    company.put_with_key("PurchaseOrders", "k-1", &body).await.unwrap_err();
    assert_eq!(company.world.lock().unwrap().document_count(), 0);
    company.world.lock().unwrap().script_call(ApiFault::DroppedAfterCommit);
    company.put_with_key("PurchaseOrders", "k-1", &body).await.unwrap_err();
    assert_eq!(company.world.lock().unwrap().document_count(), 1);
    // The key finds the lost answer, the number refuses a double without it.
    let found = company.put_with_key("PurchaseOrders", "k-1", &body).await.unwrap();
    assert_eq!((found.status, found.list("PurchaseOrders").len()), (200, 1));
    assert_eq!(company.put("PurchaseOrders", &body).await.status, 400);
    assert_eq!(company.world.lock().unwrap().document_count(), 1);
}

#[tokio::test]
async fn a_dropped_connection_closes_without_a_byte() {
    let company = Company::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router(Arc::clone(&company.world), Arc::clone(&company.clock) as Arc<dyn SimClock>);
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let ask = async || {
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /api.xro/2.0/Organisation HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\
             Authorization: Bearer {}\r\nConnection: close\r\n\r\n",
            company.token
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A reset counts as closed, too.
        let _ = stream.read_to_end(&mut answer).await;
        answer
    };
    assert!(ask().await.starts_with(b"HTTP/1.1 200"));
    company.world.lock().unwrap().script_call(ApiFault::DroppedAfterCommit);
    assert_eq!(ask().await, b"");
    server.abort();
}

#[tokio::test]
async fn drawn_faults_repeat_with_the_seed() {
    let settings = Settings {
        faults: Faults { api: vec![(ApiFault::ServerError, 300)], ..Faults::default() },
        ..Settings::development(SEED)
    };
    let mut runs = Vec::new();
    for _ in 0..2 {
        let company = Company::with(settings.clone()).await;
        let mut statuses = Vec::new();
        for _ in 0..50 {
            statuses.push(company.get("Organisation").await.status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&500) && runs[0].contains(&200));
}

#[tokio::test]
async fn a_long_day_names_twenty_hours() {
    // Fact: Retry-After of a day limit was seen to be about 20 hours (third-party post-mortems of locked-out apps).
    let company = Company::new().await;
    company.world.lock().unwrap().script_call(ApiFault::LongDayLimit);
    assert_eq!(company.get("Organisation").await.header("Retry-After"), Some("72000"));
}

#[tokio::test]
async fn the_date_header_follows_the_clock_or_is_an_hour_ahead() {
    let company = Company::new().await;
    assert_eq!(company.get("Organisation").await.header("Date"), Some("Mon, 02 Mar 2026 01:00:00 GMT"));
    company.world.lock().unwrap().script_call(ApiFault::SkewedDate);
    let skewed = company.get("Organisation").await;
    assert_eq!(skewed.header("Date"), Some("Mon, 02 Mar 2026 02:00:00 GMT"));
    assert!(skewed.json()["DateTimeUTC"].as_str().unwrap().contains("1772413200250"));
}

#[tokio::test]
async fn a_shifted_page_hides_documents_from_who_counts_pages() {
    // Fact: lists are in the order of UpdatedDateUTC, so a document that changes moves to the end and those behind it
    // move up (developer.xero.com, Requests and Responses: the default order).
    let company = Company::new().await;
    for number in 0..6 {
        company
            .write(Kind::Bill, &format!("B-{number}"), Status::Draft, vec![line("TEA", "1", "1")])
            .unwrap();
        company.pass_seconds(1);
    }
    let numbers = |answer: &Answer| -> Vec<String> {
        let all = answer.list("Invoices");
        all.iter().map(|one| one["InvoiceNumber"].as_str().unwrap().to_owned()).collect()
    };
    let first = company.get("Invoices?page=1&pageSize=2").await;
    company.world.lock().unwrap().script_call(ApiFault::ShiftedPage);
    let second = company.get("Invoices?page=2&pageSize=2").await;
    assert_eq!(numbers(&first), ["B-0", "B-1"]);
    assert_eq!(numbers(&second), ["B-3", "B-4"], "B-2 moved to the first page");
}

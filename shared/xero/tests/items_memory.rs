//! A long list of items, in an own process so that its memory can be measured.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::{Router, body::Body, response::Response};
use parstock_xero::{
    Client, ItemsQuery, MemoryBudget, MemoryTokenStore, Priority, SystemClock, XeroConfig, http_client,
    model::Item,
};
use secrecy::SecretString;

/// About 20 MB; an unoptimised build takes seconds for them.
const ITEMS: u32 = 20_000;
/// Once this many have passed, everything that is needed for reading has been allocated.
const WARM_UP: u32 = 1_000;
/// The most by which memory may grow after that, in kilobytes: far less than the rest of the list.
const GROWTH_KB: u64 = 4 * 1_024;

/// The most memory that this process has held at once, in kilobytes.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

fn item(number: u32) -> String {
    let separator = if number == 0 { "" } else { "," };
    format!(
        r#"{separator}{{"ItemID":"00000000-0000-4000-8000-{number:012}","Code":"ITEM-{number}","Name":"Item number {number}",
        "Description":"{}","PurchaseDetails":{{"UnitPrice":12.3456,"COGSAccountCode":"310","TaxType":"INPUT2"}},
        "SalesDetails":{{"UnitPrice":24.9900,"AccountCode":"200","TaxType":"OUTPUT2"}},"IsTrackedAsInventory":true,
        "InventoryAssetAccountCode":"630","TotalCostPool":{number}.25,"QuantityOnHand":{number}.0000,"IsSold":true,
        "IsPurchased":true,"UpdatedDateUTC":"/Date(1767225600000+0000)/"}}"#,
        "A text of the length that shops give their goods. ".repeat(8)
    )
}

async fn serve(request: axum::extract::Request) -> Response {
    if request.uri().path() == "/connect/token" {
        return Response::new(Body::from(r#"{"access_token":"token","expires_in":1800}"#));
    }
    let parts = std::iter::once(r#"{"Items":["#.to_owned())
        .chain((0..ITEMS).map(item))
        .chain(std::iter::once("]}".to_owned()));
    Response::new(Body::from_stream(futures::stream::iter(parts.map(Ok::<_, std::io::Error>))))
}

#[tokio::test]
async fn a_long_list_of_items_needs_no_more_memory_than_a_short_one() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await.unwrap() });
    let config = XeroConfig::new("id", SecretString::from("secret")).unwrap();
    let config = config.with_api_url(&url).unwrap().with_identity_url(&url).unwrap();
    let client = Client::new(
        config,
        http_client(&[&url]).unwrap(),
        MemoryTokenStore::default(),
        MemoryBudget::default(),
        SystemClock,
    );
    let mut session = client.session(Priority::Poll, 1).await.unwrap();
    let (mut read, mut on_hand, mut warm_peak) = (0, 0, 0);
    let each = |item: Item| {
        on_hand += item.quantity_on_hand.unwrap().to_e4().unwrap();
        read += 1;
        if read == WARM_UP {
            warm_peak = peak_kb();
        }
    };
    let count = session.items(ItemsQuery::default(), each).await.unwrap().count;
    session.finish().await.unwrap();
    assert_eq!(count, u64::from(ITEMS));
    assert_eq!(on_hand, (0..i64::from(ITEMS)).sum::<i64>() * 10_000);

    let peak = peak_kb();
    assert!(peak - warm_peak < GROWTH_KB, "{warm_peak} kB after {WARM_UP} items, {peak} kB after {ITEMS}");
}

//! A hundred thousand items, in an own process so that its memory can be measured.
#![cfg(target_os = "linux")]

use axum::{Router, body::Body, response::Response};
use parstock_xero::{
    Client, ItemsQuery, MemoryBudget, MemoryTokenStore, Priority, SystemClock, XeroConfig, http_client,
};
use secrecy::SecretString;

const ITEMS: u32 = 100_000;
/// The most memory that reading them may take, in kilobytes.
const MEMORY_KB: u64 = 256 * 1_024;

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
async fn a_hundred_thousand_items_need_little_memory() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await.unwrap() });
    let config = XeroConfig::new("id", SecretString::from("secret")).unwrap();
    let config = config.with_api_url(&url).unwrap().with_identity_url(&url).unwrap();
    let client =
        Client::new(config, http_client().unwrap(), MemoryTokenStore::default(), MemoryBudget::default(), SystemClock);
    let mut session = client.session(Priority::Poll, 1).await.unwrap();
    let mut on_hand = 0;
    let count = session
        .items(ItemsQuery::default(), |item| on_hand += item.quantity_on_hand.unwrap().to_e4().unwrap())
        .await
        .unwrap();
    session.finish().await.unwrap();
    assert_eq!(count, u64::from(ITEMS));
    assert_eq!(on_hand, (0..i64::from(ITEMS)).sum::<i64>() * 10_000);

    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").trim().parse().unwrap();
    assert!(peak < MEMORY_KB, "{peak} kB");
}

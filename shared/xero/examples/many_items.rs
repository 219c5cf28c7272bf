//! Reads a list of 100,000 items from a server on this machine and prints the most memory that it took, on Linux.
//!
//! `cargo run -p parstock-xero --example many_items`

use axum::{Router, body::Body, extract::Request, response::Response};
use parstock_xero::{
    Client, ItemsQuery, MemoryBudget, MemoryTokenStore, Priority, SystemClock, XeroConfig, http_client,
};
use secrecy::SecretString;

/// About 100 MB.
const ITEMS: u32 = 100_000;

fn item(number: u32) -> String {
    let separator = if number == 0 { "" } else { "," };
    let text = "A text of the length that shops give their goods. ".repeat(8);
    format!(
        r#"{separator}{{"ItemID":"00000000-0000-4000-8000-{number:012}","Code":"ITEM-{number}","Name":"Item {number}",
        "Description":"{text}","PurchaseDetails":{{"UnitPrice":12.3456,"COGSAccountCode":"310","TaxType":"INPUT2"}},
        "SalesDetails":{{"UnitPrice":24.9900,"AccountCode":"200","TaxType":"OUTPUT2"}},"IsTrackedAsInventory":true,
        "InventoryAssetAccountCode":"630","TotalCostPool":{number}.25,"QuantityOnHand":{number}.0000,"IsSold":true,
        "IsPurchased":true,"UpdatedDateUTC":"/Date(1767225600000+0000)/"}}"#
    )
}

async fn serve(request: Request) -> Response {
    if request.uri().path() == "/connect/token" {
        return Response::new(Body::from(r#"{"access_token":"token","expires_in":1800}"#));
    }
    let parts = std::iter::once(r#"{"Items":["#.to_owned())
        .chain((0..ITEMS).map(item))
        .chain(std::iter::once("]}".to_owned()));
    Response::new(Body::from_stream(futures::stream::iter(parts.map(Ok::<_, std::io::Error>))))
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example speaks on standard output")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
    let config = XeroConfig::new("id", SecretString::from("secret"))?;
    let config = config.with_api_url(&url)?.with_identity_url(&url)?;
    let http = http_client(&[&url])?;
    let client = Client::new(config, http, MemoryTokenStore::default(), MemoryBudget::default(), SystemClock);
    let mut session = client.session(Priority::Poll, 1).await?;
    let mut tracked = 0_u32;
    let read = session.items(ItemsQuery::default(), |item| {
        tracked += u32::from(item.is_tracked_as_inventory == Some(true));
    });
    let read = read.await?;
    session.finish().await?;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or(" not known here");
    println!("{} items, {tracked} of them tracked; most memory, the server's included:{peak}", read.count);
    Ok(())
}

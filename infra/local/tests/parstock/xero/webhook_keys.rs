//! A webhook's key is changed in the developer portal, and its address too.

use jiff::ToSpan;
use parstock_app::load;
use parstock_app::ports::Ports;
use parstock_app::records::{Key, Owner, Profile};
use parstock_domain::fixed::Quantity;
use parstock_local::demo::load_history;
use parstock_local::live::serve_webhooks;
use parstock_local::start;
use parstock_xero_sim::act::E4;
use parstock_xero_sim::{IntentToReceive, sign};

use super::shop::Shop;

/// What an address answers to Xero's probes.
async fn tried(url: &str, probes: &IntentToReceive) -> Result<(), String> {
    let xero = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut answers = Vec::new();
    for (delivery, _) in &probes.probes {
        let sent = xero.post(url).header("x-xero-signature", &delivery.signature).body(delivery.body.clone());
        let answer = sent.send().await.unwrap();
        answers.push(Some(answer.status().as_u16()));
        assert_eq!(answer.text().await.unwrap(), "", "an answer has no body");
    }
    probes.judge(&answers)
}

#[tokio::test]
async fn a_changed_key_works_at_once_with_the_old_one_and_then_alone() {
    let shop = Shop::open().await;
    let mut driver = shop.driver();
    load_history(&mut driver, 0, &mut ()).await.unwrap();
    let old = shop.world.lock().unwrap().settings().webhook_key.clone();
    let booked = |sold: i64| Quantity::from_e4(-10_000 * sold);
    let keep = async |keys: &str| start::keep_webhook_keys(&shop.ports.vault, keys).await.unwrap();

    // a poll has just been, so that none comes before its time is up
    let polled = async || {
        let profile = load::one::<Profile>(shop.ports.store(), Owner::Org(shop.org), Key::Profile).await;
        profile.unwrap().unwrap().content.polled_at
    };
    let before = polled().await;
    while polled().await == before {
        driver.run_until(shop.ports.clock.now() + 1.minute()).await.unwrap();
    }

    // the portal has the new key first: what it signs is refused, and sent again
    shop.world.lock().unwrap().set_webhook_key("new");
    shop.sell("INV-1", "BAG", E4::ONE);
    driver.run_until(shop.ports.clock.now() + 1.minute()).await.unwrap();
    assert_eq!(shop.stock("BAG").await, booked(0));
    keep(&format!("new {old}")).await;
    driver.run_until(shop.ports.clock.now() + 16.minutes()).await.unwrap();
    assert_eq!(shop.stock("BAG").await, booked(1));
    shop.sell("INV-2", "BAG", E4::ONE);
    driver.run_until(shop.ports.clock.now() + 1.minute()).await.unwrap();
    assert_eq!(shop.stock("BAG").await, booked(2), "by its webhook and long before the poll");

    // of the two both count, and then the new one alone
    let url = serve_webhooks(0, shop.ports.clone()).await.unwrap();
    let xero = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = r#"{"events":[],"firstEventSequence": 0,"lastEventSequence": 0, "entropy": "X"}"#;
    let answered = async |key: &str| {
        let sent = xero.post(&url).header("x-xero-signature", sign(key, body.as_bytes())).body(body);
        sent.send().await.unwrap().status().as_u16()
    };
    assert_eq!((answered("new").await, answered(&old).await), (200, 200));
    keep("new").await;
    assert_eq!((answered("new").await, answered(&old).await), (200, 401));
}

#[tokio::test]
async fn each_address_of_the_webhook_passes_the_intent_to_receive_with_the_key_of_the_day() {
    let shop = Shop::open().await;
    let probes = || shop.world.lock().unwrap().intent_to_receive();
    let first = serve_webhooks(0, shop.ports.clone()).await.unwrap();
    tried(&first, &probes()).await.unwrap();
    // another address, as by another tunnel
    let second = serve_webhooks(0, shop.ports.clone()).await.unwrap();
    assert_ne!(first, second);
    tried(&second, &probes()).await.unwrap();
    // another address and another key at once
    shop.world.lock().unwrap().set_webhook_key("new");
    let third = serve_webhooks(0, shop.ports.clone()).await.unwrap();
    assert!(tried(&third, &probes()).await.is_err(), "the key is not known yet");
    start::keep_webhook_keys(&shop.ports.vault, "new").await.unwrap();
    tried(&third, &probes()).await.unwrap();
}

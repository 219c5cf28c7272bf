//! Item prices: what bills say against what Xero has, decided by a person, set by an effect.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use jiff::SignedDuration;
use parstock_app::error::AppError;
use parstock_app::ports::BooksError;
use parstock_app::prices::{self, Decided, Decision};
use parstock_domain::fixed::Money;
use parstock_domain::ids::ItemId;
use parstock_domain::prices::{PriceChange, PriceStatus};
use parstock_domain::settings::files::Files;
use parstock_tests::scheduler::run_alone;

use super::stock::{Shop, bill, item};

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

/// A shop whose boxes and bags have the purchase price 10 in Xero.
async fn shop(phase: &str) -> Shop {
    let shop = Shop::new(&["BOX", "BAG"]);
    shop.in_xero(|company, _| {
        for item in company.items.values_mut() {
            (item.purchase_price, item.sales_price) = (Some(money("10")), Some(money("20")));
        }
    });
    shop.connect().await;
    let policy =
        format!(r#"{{"version": 1, "rules": [{{"scope": "org", "setting": "phase", "value": "{phase}"}}]}}"#);
    shop.set(Files { policy: Some(&policy), ..Files::default() }).await;
    shop
}

async fn open(shop: &Shop) -> Vec<(String, String)> {
    let open = prices::open(&shop.ports, shop.org).await.unwrap();
    open.into_iter().map(|change| (change.code, change.to.to_string())).collect()
}

async fn decide(shop: &Shop, shown: &[(ItemId, Money)], decision: Decision) -> Result<Decided, AppError> {
    let decided = prices::decide(&shop.ports, shop.org, "Kim", shown, decision).await?;
    shop.work().await;
    Ok(decided)
}

fn all(taken: usize) -> Decided {
    Decided { taken, left: Vec::new() }
}

fn in_xero(shop: &Shop, code: &str) -> String {
    shop.in_xero(|company, _| company.items[&item(code)].purchase_price.unwrap().to_string())
}

async fn standing(shop: &Shop) -> Vec<PriceChange> {
    prices::all(&shop.ports, shop.org).await.unwrap()
}

fn pair(code: &str, price: &str) -> (String, String) {
    (code.to_owned(), price.to_owned())
}

#[test]
fn a_price_that_a_bill_left_behind_is_proposed_and_set_once_it_is_approved() {
    run_alone(async {
        let shop = shop("assist").await;
        shop.save(bill("B-1", "2026-06-01").line("BOX", "10", "12.5").line("BAG", "10", "10.5"));
        shop.poll().await;
        assert_eq!(open(&shop).await, [pair("BOX", "12.50")], "5 % is not enough");
        assert_eq!(shop.digest().await["watching"]["prices"], 1);
        let page = shop.console().await.prices(None).await.unwrap().render().unwrap();
        assert!(page.contains("+25.0 %") && page.contains("50.0 % \u{2192} 37.5 %"), "{page}");
        assert_eq!(decide(&shop, &[(item("BOX"), money("12.5"))], Decision::Approve).await.unwrap(), all(1));
        assert_eq!((in_xero(&shop, "BOX"), in_xero(&shop, "BAG")), ("12.50".into(), "10.00".into()));
        assert_eq!(standing(&shop).await, []);
        // the item itself is read again, and planned again
        for _ in 0..6 {
            shop.poll().await;
        }
        shop.save(bill("B-2", "2026-06-02").line("BOX", "10", "12.5"));
        shop.poll().await;
        assert_eq!(standing(&shop).await, []);
    });
}

#[test]
fn what_changed_since_it_was_shown_is_not_decided_and_observing_sets_nothing() {
    run_alone(async {
        let shop = shop("observe").await;
        shop.save(bill("B-1", "2026-06-01").line("BOX", "10", "12.5"));
        shop.poll().await;
        let refused = decide(&shop, &[(item("BOX"), money("12.5"))], Decision::Approve).await.unwrap_err();
        assert!(refused.to_string().contains("phase observe"), "{refused}");
        shop.save(bill("B-2", "2026-06-02").line("BOX", "10", "13"));
        shop.poll().await;
        let stale = decide(&shop, &[(item("BOX"), money("12.5"))], Decision::Reject).await.unwrap();
        assert_eq!(stale, Decided { taken: 0, left: vec![item("BOX")] });
        assert!(decide(&shop, &[], Decision::Reject).await.is_err());
        assert_eq!(decide(&shop, &[(item("BOX"), money("13"))], Decision::Reject).await.unwrap(), all(1));
        assert_eq!((open(&shop).await, in_xero(&shop, "BOX")), (vec![], "10.00".into()));
        // a bill of about the same price says nothing new
        shop.save(bill("B-3", "2026-06-03").line("BOX", "10", "13.5"));
        shop.poll().await;
        assert_eq!(open(&shop).await, []);
        shop.save(bill("B-4", "2026-06-04").line("BOX", "10", "15"));
        shop.poll().await;
        assert_eq!(open(&shop).await, [pair("BOX", "15.00")]);
        // and one of the old price ends it
        shop.save(bill("B-5", "2026-06-05").line("BOX", "10", "10"));
        shop.poll().await;
        assert_eq!(standing(&shop).await, []);
    });
}

#[test]
fn a_price_that_somebody_changed_meanwhile_is_left_to_a_person() {
    run_alone(async {
        let shop = shop("assist").await;
        shop.save(bill("B-1", "2026-06-01").line("BOX", "10", "12.5").line("BAG", "10", "14"));
        shop.poll().await;
        shop.in_xero(|company, _| {
            company.items.get_mut(&item("BOX")).unwrap().purchase_price = Some(money("11"));
        });
        let both = [(item("BOX"), money("12.5")), (item("BAG"), money("14"))];
        assert_eq!(decide(&shop, &both, Decision::Approve).await.unwrap(), all(2));
        assert_eq!((in_xero(&shop, "BOX"), in_xero(&shop, "BAG")), ("11.00".into(), "14.00".into()));
        let left = standing(&shop).await;
        assert!(
            matches!(&left[0].status, PriceStatus::Failed { reason } if reason.contains("changed it"))
                && left.len() == 1,
            "{left:?}"
        );
        // the item is read and planned again by the next morning
        shop.in_xero(|company, now| company.items.get_mut(&item("BOX")).unwrap().updated_at = now);
        for _ in 0..4 {
            shop.poll().await;
        }
        shop.say(parstock_app::message::Message::PlanTouched { org: shop.org }).await;
        shop.work().await;
        let left = standing(&shop).await;
        assert_eq!((left[0].from, &left[0].status), (money("11"), &PriceStatus::Open), "{left:?}");
        shop.wait(SignedDuration::from_hours(72));
        assert_eq!(decide(&shop, &[(item("BOX"), money("12.5"))], Decision::Approve).await.unwrap(), all(1));
        assert_eq!(in_xero(&shop, "BOX"), "12.50");
        // a bill of before that price, entered afterwards, is not silenced by our own change
        for _ in 0..4 {
            shop.poll().await;
        }
        shop.save(bill("B-2", "2026-06-02").line("BOX", "10", "16"));
        shop.poll().await;
        assert_eq!(open(&shop).await, [pair("BOX", "16.00")]);
    });
}

#[test]
fn a_lost_answer_is_followed_by_another_try_and_a_refusal_is_told() {
    run_alone(async {
        let shop = shop("assist").await;
        shop.save(bill("B-1", "2026-06-01").line("BOX", "10", "12.5"));
        shop.poll().await;
        let lost = BooksError::Unknown("timed out".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.set_purchase_prices", lost));
        // the answer is lost, not the price
        prices::decide(&shop.ports, shop.org, "Kim", &[(item("BOX"), money("12.5"))], Decision::Approve)
            .await
            .unwrap();
        shop.poll().await;
        let waiting = standing(&shop).await;
        assert!(matches!(waiting[0].status, PriceStatus::Approved { .. }), "{waiting:?}");
        shop.in_xero(|company, now| {
            company.refusals.clear();
            let of_item = company.items.get_mut(&item("BOX")).unwrap();
            (of_item.purchase_price, of_item.updated_at) = (Some(money("12.5")), now);
        });
        shop.wait(SignedDuration::from_hours(5));
        shop.poll().await;
        assert_eq!(standing(&shop).await, [], "tried again, it had the price");
        shop.save(bill("B-2", "2026-06-02").line("BAG", "10", "12.5"));
        shop.poll().await;
        let refusal = BooksError::Reject("the item is archived".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.set_purchase_prices", refusal));
        assert_eq!(decide(&shop, &[(item("BAG"), money("12.5"))], Decision::Approve).await.unwrap(), all(1));
        let left = standing(&shop).await;
        assert!(
            matches!(&left[0].status, PriceStatus::Failed { reason } if reason.contains("archived")),
            "{left:?}"
        );
    });
}

#[test]
fn nobody_is_asked_where_the_share_is_zero() {
    run_alone(async {
        let shop = shop("assist").await;
        let none =
            r#"{"version": 1, "rules": [{"scope": "org", "setting": "price_change_percent", "value": 0}]}"#;
        shop.save(bill("B-1", "2026-06-01").line("BOX", "10", "12.5"));
        shop.poll().await;
        assert_eq!(open(&shop).await.len(), 1);
        shop.set(Files { policy: Some(none), ..Files::default() }).await;
        assert_eq!(open(&shop).await, []);
    });
}

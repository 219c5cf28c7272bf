//! Closed months: what they reported is kept, and the ledger goes on saying so.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use jiff::SignedDuration;
use parstock_app::closing::{self, Checked};
use parstock_app::message::Message;
use parstock_app::records::{Key, Owner, Record};
use parstock_app::settings::{self, Applied};

use parstock_domain::audit::Statement;
use parstock_domain::document::DocumentStatus;
use parstock_domain::ledger::{Closing, ClosingState, Figures, Movement, Place};
use parstock_domain::settings::files::Files;
use parstock_tests::scheduler::run_alone;

use super::stock::{Shop, bill, day, item, q, sale};

/// A shop with an untracked item, one that Xero tracks, and one that nobody has counted.
async fn shop() -> Shop {
    let shop = Shop::new(&["BOX", "T1", "NEW"]);
    shop.in_xero(|company, _| {
        company.items.get_mut(&item("T1")).unwrap().purchase_price = Some("2".parse().unwrap());
        company.initial.insert(item("T1"), q("10"));
    });
    shop.connect().await;
    shop.count("BOX", "2026-03-10", "20").await.unwrap();
    shop.save(bill("B-1", "2026-04-05").line("BOX", "10", "4"));
    shop.save(sale("S-1", "2026-04-20").line("BOX", "6", "9"));
    shop.save(sale("S-2", "2026-05-20").line("BOX", "5", "9"));
    shop.poll().await;
    shop
}

async fn close(shop: &Shop, through: &str) {
    let value = if through.is_empty() { "null".to_owned() } else { format!("\"{through}\"") };
    let policy = format!(
        r#"{{"version": 1, "rules": [{{"scope": "org", "setting": "closed_through", "value": {value}}}]}}"#
    );
    shop.set(Files { policy: Some(&policy), ..Files::default() }).await;
    shop.poll().await;
    shop.wait(SignedDuration::from_mins(20));
    shop.poll().await;
    shop.wait(SignedDuration::from_mins(2));
    shop.poll().await;
}

/// Somebody writes into the table by hand.
fn put(shop: &Shop, key: Key, record: Record) {
    shop.ports.store.put(Owner::Org(shop.org), key, record);
}

fn closings(shop: &Shop) -> Vec<Closing> {
    let closing = |record| if let Record::Closing(closing) = record { Some(closing) } else { None };
    shop.rows().filter_map(|(_, record)| closing(record)).collect()
}

fn assert_stands(checked: &Checked, items: usize) {
    assert_eq!((checked.is_whole, checked.items, &checked.changed), (true, items, &Vec::new()));
}

fn names(shop: &Shop) -> Vec<(String, u32, bool)> {
    let closings = closings(shop);
    let name = |it: &Closing| (it.month.to_string(), it.number, it.state == ClosingState::Standing);
    closings.iter().map(name).collect()
}

fn words(figures: &Figures) -> [String; 5] {
    let Figures { end, opened, purchased, sold } = figures;
    [
        end.quantity.to_string(),
        end.value.to_string(),
        opened.to_string(),
        purchased.to_string(),
        sold.to_string(),
    ]
}

#[test]
fn what_a_closed_month_reported_stays_whatever_is_told_later() {
    run_alone(async {
        let shop = shop().await;
        close(&shop, "2026-04-30").await;
        assert_eq!(names(&shop), [("2026-04-01".to_owned(), 1, true)]);
        let console = shop.console().await;
        let page = console.closing(day("2026-04-01"), 1).await.unwrap();
        assert_eq!((page.closing.items, page.closing.not_counted), (2, 1), "nobody has counted NEW");
        let [ours, xeros] = page.items.as_slice() else { panic!("{:?}", page.items) };
        assert_eq!((ours.code.as_str(), ours.tracked, xeros.tracked), ("BOX", false, true));
        // twenty were there at 2 each; ten at 4 came; six of thirty went
        assert_eq!(words(&ours.figures), ["24", "64.00", "0.00", "40.00", "16.00"]);
        assert_eq!(xeros.figures.end.quantity, q("10"));
        assert_eq!((page.closing.tracked_items, page.closing.said), (1, 0), "Xero was first asked in June");
        assert!(page.render().unwrap().contains("April 2026"));
        let statements: Vec<Statement> = shop
            .rows()
            .filter_map(|(_, record)| match record {
                Record::AuditEntry(entry) => serde_json::from_str(&entry.payload).ok(),
                _ => None,
            })
            .collect();
        let told = statements.iter().find(|told| told.what == "keep what a closed month reported").unwrap();
        assert_eq!(told.details["hash"], page.closing.hash.to_string());
        // told in June: a bill before all of it, one that is voided, and a count
        shop.wait(SignedDuration::from_hours(1));
        shop.save(bill("B-2", "2026-04-01").line("BOX", "20", "8"));
        shop.save(bill("B-1", "2026-04-05").line("BOX", "10", "4").status(DocumentStatus::Voided));
        shop.poll().await;
        shop.count("NEW", "2026-03-01", "7").await.unwrap();
        let console = shop.console().await;
        assert_ne!(shop.balance_at("BOX", "2026-04-30").await.unwrap().value, ours.figures.end.value);
        assert_stands(&console.check_closing(&page.closing).await.unwrap(), 2);
        close(&shop, "2026-05-31").await;
        assert_eq!(names(&shop).last(), Some(&("2026-05-01".to_owned(), 1, true)));
        let may = shop.console().await.closing(day("2026-05-01"), 1).await.unwrap();
        assert_eq!((may.closing.items, may.closing.not_counted), (3, 0));
        let boxes = may.items.iter().find(|item| item.code == "BOX").unwrap();
        let Figures { end, opened, purchased, sold } = boxes.figures;
        let follows = ours.figures.end.value.plus(opened).unwrap().plus(purchased).unwrap();
        assert_eq!(follows.minus(sold).unwrap(), end.value, "May begins with what April ended with");
        assert_stands(&console.check_closing(&page.closing).await.unwrap(), 2);
    });
}

#[test]
fn a_changed_row_is_found_and_a_month_that_is_opened_again_is_closed_anew() {
    run_alone(async {
        let shop = shop().await;
        close(&shop, "2026-04-30").await;
        let first = closings(&shop).remove(0);
        let row = shop.rows().find_map(|(key, record)| match record {
            Record::Movement(it) if it.from == Place::Supplier => Some((key, it)),
            _ => None,
        });
        let (key, movement) = row.unwrap();
        let tampered = Movement { value: "41".parse().unwrap(), ..movement.clone() };
        put(&shop, key.clone(), Record::Movement(tampered));
        let Checked { is_whole, changed, .. } = shop.console().await.check_closing(&first).await.unwrap();
        assert_eq!((is_whole, changed.len()), (true, 1));
        assert_eq!(words(&changed[0].now.unwrap())[3], "41.00");
        put(&shop, key, Record::Movement(movement));
        // what was kept is changed by hand, too
        let part = Key::ClosedItems(first.month, 1, 1);
        let kept = shop.rows().find(|(key, _)| *key == part).unwrap().1;
        let Record::ClosedItems(mut other) = kept.clone() else { panic!("a part") };
        other.items.pop();
        put(&shop, part.clone(), Record::ClosedItems(other));
        assert!(!shop.console().await.check_closing(&first).await.unwrap().is_whole);
        put(&shop, part, kept);
        assert_stands(&shop.console().await.check_closing(&first).await.unwrap(), 2);
        close(&shop, "").await;
        assert_eq!(names(&shop), [("2026-04-01".to_owned(), 1, false)]);
        shop.save(bill("B-2", "2026-04-06").line("BOX", "1", "8"));
        shop.poll().await;
        close(&shop, "2026-05-15").await;
        assert_eq!(names(&shop), [("2026-04-01".to_owned(), 1, false), ("2026-04-01".to_owned(), 2, true)]);
        let second = closings(&shop).remove(1);
        assert_eq!(second.ours.purchased, "48".parse().unwrap());
        assert_eq!(closings(&shop)[0].ours, first.ours, "what was reported first is kept");
    });
}

#[test]
fn a_day_that_is_not_over_is_not_closed() {
    run_alone(async {
        let shop = shop().await;
        let policy = |day: &str| {
            format!(
                r#"{{"version": 1, "rules": [
{{"scope": "org", "setting": "closed_through", "value": "{day}"}}]}}"#
            )
        };
        let check = async |day: &str| {
            let text = policy(day);
            settings::check(&shop.ports, shop.org, &Files { policy: Some(&text), ..Files::default() })
                .await
                .unwrap()
        };
        assert!(matches!(check("2026-05-31").await, Applied::Changed(_)));
        for day in ["2026-06-01", "2026-12-31"] {
            let Applied::Refused(problems) = check(day).await else { panic!("{day} was closed") };
            assert_eq!(problems[0].line, 2);
            assert!(problems[0].what.contains("not over yet"), "{}", problems[0].what);
        }
    });
}

#[test]
fn many_items_are_put_down_in_parts_whoever_asks_again() {
    run_alone(async {
        let codes: Vec<String> = (0..450).map(|number| format!("I{number:03}")).collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let shop = Shop::open(&codes).await;
        for code in codes.iter().step_by(3) {
            shop.count(code, "2026-05-02", "10").await.unwrap();
        }
        shop.wait(SignedDuration::from_mins(20));
        let policy = r#"{"version": 1, "rules": [{"scope": "org", "setting": "closed_through", "value": "2026-05-31"}]}"#;
        shop.set(Files { policy: Some(policy), ..Files::default() }).await;
        shop.say(Message::Close { org: shop.org }).await;
        closing::step(&shop.ports, shop.org).await.unwrap();
        let made = closings(&shop).remove(0);
        assert_eq!((made.parts, made.items, made.not_counted, made.stands()), (3, 150, 300, true));
        assert_eq!(made.ours.end.value, "3000".parse().unwrap());
        assert_stands(&shop.console().await.check_closing(&made).await.unwrap(), 150);
        closing::step(&shop.ports, shop.org).await.unwrap();
        assert_eq!(closings(&shop), [made]);
        // Xero's lock reaches into next year: no month that is not over is closed by it
        shop.in_xero(|company, _| company.organisation.period_lock_date = Some(day("2026-12-31")));
        for _ in 0..5 {
            shop.wait(SignedDuration::from_hours(24));
            shop.poll().await;
        }
        assert_eq!(names(&shop), [("2026-05-01".to_owned(), 1, true)]);
    });
}

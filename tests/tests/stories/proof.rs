//! The daily proof: what Xero holds beside what the ledger says.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use jiff::SignedDuration;
use parstock_app::ports::BooksError;
use parstock_app::reconcile;
use parstock_app::records::Record;
use parstock_domain::audit::Statement;
use parstock_domain::costing::Method;
use parstock_domain::document::{Account, DocumentKind};
use parstock_domain::fixed::Money;
use parstock_domain::ledger::proof::Difference;
use parstock_domain::ledger::{Proof, View};
use parstock_tests::scheduler::run_alone;
use parstock_views::pages::CardRow;

use super::stock::{Shop, item, paper, q, sale};

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

/// A shop that holds ten of a tracked item worth two each, with their account in Xero.
async fn shop() -> Shop {
    let shop = Shop::new(&["T1", "BOX"]);
    shop.in_xero(|company, _| {
        company.initial.insert(item("T1"), q("10"));
        company.items.get_mut(&item("T1")).unwrap().purchase_price = Some(money("2"));
    });
    holds(&shop, "20");
    shop.connect().await;
    shop
}

/// What stands on the account of the tracked item, and on another.
fn holds(shop: &Shop, balance: &str) {
    let account = |code: &str, kind: &str, balance: &str| Account {
        code: code.to_owned(),
        name: "An account".to_owned(),
        kind: kind.to_owned(),
        balance: money(balance),
    };
    let accounts = vec![account("300", "INVENTORY", balance), account("400", "CURRENT", "77")];
    shop.in_xero(|company, _| company.accounts = accounts);
}

/// Polls of an hour, in which Xero's quantities are read, and the next day's first.
async fn next_day(shop: &Shop) {
    for _ in 0..5 {
        shop.poll().await;
    }
    shop.wait(SignedDuration::from_hours(24));
    shop.poll().await;
}

fn proofs(shop: &Shop) -> Vec<Proof> {
    let proof = |record| if let Record::Proof(proof) = record { Some(proof) } else { None };
    shop.rows().filter_map(|(_, record)| proof(record)).collect()
}

/// The differences of the latest proof.
fn differences(shop: &Shop) -> Vec<String> {
    let proof = proofs(shop).pop().unwrap();
    let told = |it: &Difference| format!("{}: {} {} {}", it.named, it.quantity, it.value, it.cause.code());
    proof.differences.iter().map(told).collect()
}

#[test]
fn once_a_day_a_difference_is_found_and_told_once_and_nothing_is_mended() {
    run_alone(async {
        let shop = shop().await;
        shop.poll().await;
        shop.poll().await;
        assert_eq!((proofs(&shop).len(), differences(&shop)), (1, vec![]));
        shop.digest().await;
        // three more in Xero that no document brought, and fifty on the account that are no stock
        shop.in_xero(|company, _| company.initial.insert(item("T1"), q("13")));
        holds(&shop, "76");
        next_day(&shop).await;
        let found = ["300 An account: 0 50.00 unexplained", "T1 Item T1: 3 6.00 adjusted_in_xero"];
        assert_eq!(differences(&shop), found);
        assert_eq!(proofs(&shop).len(), 2, "a row for each day");
        let digest = shop.digest().await;
        assert_eq!(digest["proof"]["count"], 2);
        assert_eq!(digest["proof"]["named"][1]["named"], "T1 Item T1");
        assert_eq!(digest["occasion"]["kind"], "news");
        // it stands, and what is known is not told again
        next_day(&shop).await;
        assert_eq!(differences(&shop), found);
        assert_eq!(shop.digest().await["proof"], serde_json::Value::Null);
        // its money changed
        holds(&shop, "80");
        next_day(&shop).await;
        let digest = shop.digest().await;
        assert_eq!(digest["proof"]["named"].as_array().unwrap().len(), 1);
        assert_eq!(digest["proof"]["named"][0]["value"], "54.00");
        let page = shop.console().await.proof().await.unwrap();
        assert!(page.render().unwrap().contains("adjusted in Xero"));
        let statements = shop.rows().filter_map(|(_, record)| match record {
            Record::AuditEntry(entry) => serde_json::from_str::<Statement>(&entry.payload).ok(),
            _ => None,
        });
        assert_eq!(statements.filter(|statement| statement.what == "prove the day").count(), 4);
    });
}

#[test]
fn what_is_dated_ahead_is_missing_on_the_account_alone() {
    run_alone(async {
        let shop = shop().await;
        shop.save(sale("S-1", "2026-06-09").line("T1", "4", "5"));
        next_day(&shop).await;
        assert_eq!(differences(&shop), ["300 An account: 0 8.00 dated_ahead"]);
    });
}

#[test]
fn without_the_right_to_read_the_accounts_the_items_are_proven_and_the_cause_is_said() {
    run_alone(async {
        let shop = shop().await;
        let refused = BooksError::NeedsPerson("the scope for reports is missing".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.accounts", refused));
        next_day(&shop).await;
        let proof = proofs(&shop).pop().unwrap();
        assert_eq!(proof.without_accounts.as_deref(), Some("the scope for reports is missing"));
        assert_eq!((proof.items, proof.xero.quantity, proof.differs()), (1, q("10"), false));
        // with the right, whoever asks has it compared on the same day
        shop.in_xero(|company, _| company.refusals.clear());
        let proof = reconcile::anew(&shop.ports, shop.org, "Kim").await.unwrap();
        assert_eq!((proof.without_accounts, proof.accounts.len()), (None, 1));
        assert_eq!(proofs(&shop).len(), 2, "it takes the place of the day's");
    });
}

#[test]
fn what_xero_said_of_a_past_day_is_kept() {
    run_alone(async {
        let shop = shop().await;
        for _ in 0..5 {
            shop.poll().await;
        }
        let first = shop.ports.sim.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        shop.wait(SignedDuration::from_hours(48));
        // three more that no document brought
        shop.in_xero(|company, _| company.initial.insert(item("T1"), q("13")));
        for _ in 0..5 {
            shop.poll().await;
        }
        let console = shop.console().await;
        let held = async |on: jiff::civil::Date| {
            let page = console.positions_at(on, "T1".to_owned(), 1).await.unwrap();
            page.rows[0].end.map(|end| (end.quantity.to_string(), end.value.to_string()))
        };
        let last = first + jiff::Span::new().days(3);
        assert_eq!(held(first).await, Some(("10".to_owned(), "20.00".to_owned())));
        assert_eq!(held(last).await, Some(("13".to_owned(), "26.00".to_owned())));
        let kept = shop.rows().filter(|(_, record)| matches!(record, Record::Snapshot(_))).count();
        assert_eq!(kept, 2, "one for each change");
        let view = View { at: Some(first), ..View::default() };
        let card = console.card(item("T1"), view).await.unwrap().card;
        assert_eq!(card.said.unwrap().xero.on_hand, q("10"));
    });
}

#[test]
fn many_tracked_items_that_come_later_are_all_opened() {
    run_alone(async {
        let codes: Vec<String> = (0..40).map(|number| format!("T{number:02}")).collect();
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        let shop = Shop::new(&codes);
        let later = shop.in_xero(|company, _| std::mem::take(&mut company.items));
        shop.connect().await;
        shop.wait(SignedDuration::from_hours(1));
        shop.in_xero(|company, now| {
            for (id, mut found) in later {
                found.updated_at = now;
                company.initial.insert(id, q("3"));
                company.items.insert(id, found);
            }
        });
        for _ in 0..10 {
            shop.poll().await;
        }
        let opened = codes.iter().filter(|code| shop.position(code).opened).count();
        assert_eq!(opened, 40);
    });
}

#[test]
fn the_card_shows_the_margin_of_sales_by_what_xero_had_said_of_their_cost() {
    run_alone(async {
        let shop = Shop::new(&["T1", "BOX"]);
        let price = |price: &str| {
            shop.in_xero(|company, _| {
                company.items.get_mut(&item("T1")).unwrap().purchase_price = Some(money(price));
            });
        };
        shop.in_xero(|company, _| company.initial.insert(item("T1"), q("10")));
        price("2");
        shop.save(sale("S-0", "2026-05-20").line("T1", "1", "5"));
        shop.connect().await;
        next_day(&shop).await;
        price("3");
        next_day(&shop).await;
        shop.save(sale("S-1", "2026-06-03").line("T1", "2", "5"));
        next_day(&shop).await;
        price("4");
        next_day(&shop).await;
        shop.save(paper(DocumentKind::SalesCredit, "C-1", "2026-06-04").line("T1", "1", "5"));
        shop.poll().await;
        let sales = async |code: &str, view: View| {
            let card = shop.console().await.card(item(code), view).await.unwrap().card;
            let text = |amount: Option<Money>| amount.map_or("?".to_owned(), |amount| amount.to_string());
            let sold = |row: &CardRow| {
                let sold = row.sold?;
                Some(format!("{} {} {}", row.number, text(sold.revenue), text(sold.cost)))
            };
            let rows: Vec<String> = card.rows.iter().filter_map(sold).collect();
            (rows.join(", "), card.margin)
        };
        let (rows, margin) = sales("T1", View::default()).await;
        assert_eq!(rows, "S-0 5.00 ?, S-1 10.00 6.00, C-1 -5.00 -4.00");
        assert_eq!((margin.left().unwrap(), margin.unknown_per_mille()), (money("3"), Some(250)));
        // another price moves no stock, and is seen
        let before = shop.movements("T1").len();
        shop.save(sale("S-1", "2026-06-03").line("T1", "2", "7"));
        shop.poll().await;
        assert_eq!(shop.movements("T1").len(), before);
        let (rows, margin) = sales("T1", View::default()).await;
        assert_eq!(rows, "S-0 5.00 ?, S-1 14.00 6.00, C-1 -5.00 -4.00");
        assert_eq!(margin.left().unwrap(), money("7"));
        // by FIFO the opening balance is what each of them cost
        let (rows, margin) = sales("T1", View { by: Some(Method::Fifo), ..View::default() }).await;
        assert!(!rows.contains('?') && margin.unknown.is_zero(), "{rows}");
        let page = shop.console().await.item(item("T1"), View::default(), 1).await.unwrap().render().unwrap();
        assert!(page.contains("25.0 % of the goods price or cost is not known"), "{page}");
        // what the ledger is the book of costs what the card says
        shop.count("BOX", "2026-06-01", "10").await.unwrap();
        shop.save(sale("S-2", "2026-05-30").line("BOX", "1", "5"));
        shop.save(sale("S-3", "2026-06-04").line("BOX", "4", "5"));
        shop.poll().await;
        let (rows, margin) = sales("BOX", View::default()).await;
        assert_eq!(rows, "S-2 5.00 ?, S-3 20.00 8.00");
        assert_eq!((margin.left().unwrap(), margin.per_mille()), (money("12"), Some(600)));
    });
}

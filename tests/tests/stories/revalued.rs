//! Landed cost of goods that Xero tracks: its stock there is revalued by a pair of documents that a person approves, and the journal
//! beside it takes what was sold.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use std::collections::BTreeMap;

use jiff::SignedDuration;
use parstock_app::adjustments::{self, Asked};
use parstock_app::error::AppError;
use parstock_app::landed::{self, NamedCharge, NamedReceipt, NamedRequest, Preview};
use parstock_app::message::Message;
use parstock_app::ports::BooksError;
use parstock_app::records::{EffectKind, EffectState, Key, Record, ReviewKind};
use parstock_domain::adjustment::{Adjustment, ReasonCode, Stage};
use parstock_domain::document::{Account, Contact, Document, DocumentKind, DocumentStatus};
use parstock_domain::fixed::Money;
use parstock_domain::ids::{ContactId, EffectId, derived};
use parstock_domain::landed::{Basis, RevaluationFate, Voucher, VoucherNumber};
use parstock_domain::manual_journal::StateInXero;
use parstock_domain::settings::files::Files;
use parstock_tests::scheduler::run_alone;

use super::stock::{Shop, bill, day, item, q, sale};

const STOCK: &str = "300";
const COGS: &str = "310";
const ADJUSTED: &str = "401";
const FREIGHT: &str = "425";

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn rule(setting: &str, value: &str) -> String {
    format!(r#"{{"scope": "org", "setting": "{setting}", "value": {value}}}"#)
}

fn policy(rules: &[String]) -> String {
    format!(r#"{{"version": 1, "rules": [{}]}}"#, rules.join(", "))
}

fn cogs() -> String {
    rule("cogs", &format!(r#"{{"stock_account": "{STOCK}", "cogs_account": "{COGS}", "every": "day"}}"#))
}

fn all_rules() -> Vec<String> {
    vec![rule("phase", r#""assist""#), rule("adjustment_account", &format!(r#""{ADJUSTED}""#)), cogs()]
}

fn contact() -> Contact {
    Contact {
        id: ContactId(derived("contact", &["adjustments"])),
        name: "Inventory Adjustments".to_owned(),
        archived: false,
        only_customer: false,
        merged_into: None,
    }
}

/// A shop on the second of June that bought ten teas, which Xero tracks, and ten boxes, which it doesn't, for ten each, and freight of
/// thirty for them. What credit notes take is at their amount, or at the average.
async fn shop_at(credits_at_amount: bool) -> Shop {
    let shop = Shop::new(&["BOX", "TEA"]);
    let account = |(code, kind): (&str, &str)| Account {
        code: code.to_owned(),
        name: kind.to_owned(),
        kind: kind.to_owned(),
        balance: Money::ZERO,
    };
    let kinds = [(STOCK, "CURRENT"), (COGS, "DIRECTCOSTS"), (ADJUSTED, "EXPENSE"), ("630", "INVENTORY")];
    shop.in_xero(|company, now| {
        company.accounts = kinds.map(account).into();
        company.contacts.insert(contact().id.0, (contact(), now));
        company.items.get_mut(&item("TEA")).unwrap().purchase_account = "630".to_owned();
        company.moving_average = Some(credits_at_amount);
    });
    shop.connect().await;
    shop.count("BOX", "2026-05-10", "0").await.unwrap();
    shop.set(Files { policy: Some(&policy(&all_rules())), ..Files::default() }).await;
    next_day(&shop).await;
    shop.save(bill("G-1", "2026-06-02").line("TEA", "10", "10"));
    shop.save(bill("G-2", "2026-06-02").line("BOX", "10", "10"));
    let mut freight = bill("F-1", "2026-06-02").line("", "1", "30").account(FREIGHT);
    freight.describe(0, "Sea freight");
    shop.save(freight);
    polls(&shop).await;
    shop
}

async fn shop() -> Shop {
    shop_at(true).await
}

/// So many that Xero's quantities are read.
async fn polls(shop: &Shop) {
    for _ in 0..5 {
        shop.poll().await;
    }
}

async fn next_day(shop: &Shop) {
    shop.wait(SignedDuration::from_hours(24) - SignedDuration::from_mins(15));
    shop.poll().await;
}

async fn sell(shop: &Shop, number: &str, quantity: &str) {
    shop.save(sale(number, "2026-06-02").line("TEA", quantity, "30"));
    polls(shop).await;
}

fn over(receipts: &[&str]) -> NamedRequest {
    let receipt =
        |bill: &&str| NamedReceipt { bill: (*bill).to_owned(), item: None, weight: None, amount: None };
    NamedRequest {
        basis: Basis::Value,
        on: None,
        charges: vec![NamedCharge { bill: "F-1".to_owned(), line: None, amount: None }],
        receipts: receipts.iter().map(receipt).collect(),
    }
}

async fn preview(shop: &Shop, receipts: &[&str]) -> Result<Preview, AppError> {
    let request = landed::resolve(&shop.ports, shop.org, &over(receipts)).await?;
    landed::preview(&shop.ports, shop.org, &request).await
}

async fn make(shop: &Shop, receipts: &[&str]) -> Result<VoucherNumber, AppError> {
    let request = landed::resolve(&shop.ports, shop.org, &over(receipts)).await?;
    let number = landed::make(&shop.ports, shop.org, "Kim", &request, None).await?;
    shop.work().await;
    Ok(number)
}

async fn take_back(shop: &Shop, number: VoucherNumber) -> Result<(), AppError> {
    landed::take_back(&shop.ports, shop.org, "Kim", number, "the wrong bill").await?;
    shop.work().await;
    Ok(())
}

async fn approved(shop: &Shop, index: usize) -> Result<(), AppError> {
    let number = all(shop).await[index].number;
    adjustments::approve(&shop.ports, shop.org, "Lee", number, None).await
}

async fn approve(shop: &Shop, index: usize) -> Result<(), AppError> {
    approved(shop, index).await?;
    shop.work().await;
    Ok(())
}

async fn reject(shop: &Shop, index: usize) {
    let number = all(shop).await[index].number;
    adjustments::reject(&shop.ports, shop.org, "Lee", number, "not so").await.unwrap();
}

/// The adjustments, the oldest first.
async fn all(shop: &Shop) -> Vec<Adjustment> {
    let mut all = adjustments::all(&shop.ports, shop.org).await.unwrap();
    all.reverse();
    all
}

async fn states(shop: &Shop) -> Vec<String> {
    all(shop).await.iter().map(Adjustment::state_words).collect()
}

fn voucher(shop: &Shop) -> Voucher {
    let voucher = |record| if let Record::Voucher(voucher) = record { Some(voucher) } else { None };
    shop.rows().find_map(|(_, record)| voucher(record)).unwrap()
}

/// Quantity and cost pool of the teas as Xero holds them.
fn held(shop: &Shop) -> (String, String) {
    shop.in_xero(|company, _| {
        let there = company.held(item("TEA")).unwrap();
        (there.on_hand.to_string(), there.cost_pool.to_string())
    })
}

fn is(quantity: &str, pool: &str) -> (String, String) {
    (quantity.to_owned(), pool.to_owned())
}

/// What vouchers' journals that stand put on accounts, one by one.
fn journals(shop: &Shop) -> Vec<BTreeMap<String, String>> {
    shop.in_xero(|company, _| {
        let stands = company.journals.iter().filter(|it| {
            it.known.state != StateInXero::Gone && it.known.narration.contains("[parstock voucher")
        });
        let amounts = stands.map(|it| &it.known.amounts);
        amounts
            .map(|it| it.iter().map(|(account, amount)| (account.clone(), amount.to_string())).collect())
            .collect()
    })
}

fn put(amounts: &[(&str, &str)]) -> BTreeMap<String, String> {
    amounts.iter().map(|(account, amount)| ((*account).to_owned(), (*amount).to_owned())).collect()
}

/// The documents of adjustments in Xero, in the order in which they came.
fn documents(shop: &Shop) -> Vec<Document> {
    let mut found: Vec<Document> = shop.in_xero(|company, _| {
        company.documents.values().filter(|document| document.number.starts_with("ADJ-")).cloned().collect()
    });
    found.sort_by_key(|document| (document.updated_at, document.number.clone()));
    found
}

fn asked(shop: &Shop) -> Vec<String> {
    let is_meant =
        |kind| matches!(kind, ReviewKind::Adjustment | ReviewKind::Residual | ReviewKind::VoucherJournal);
    shop.reviews().into_iter().filter(|review| is_meant(review.kind)).map(|review| review.text).collect()
}

/// The effect of an adjustment that is under way.
async fn pending(shop: &Shop, index: usize) -> EffectId {
    let wanted = all(shop).await[index].number;
    let pending = |(key, record)| match (key, record) {
        (Key::Effect(id), Record::Effect(effect))
            if matches!(effect.what, EffectKind::Adjustment { number, .. } if number == wanted)
                && !matches!(effect.status, EffectState::Done { .. } | EffectState::Failed { .. }) =>
        {
            Some(id)
        }
        _ => None,
    };
    shop.rows().find_map(pending).unwrap()
}

#[test]
fn freight_of_tracked_goods_waits_for_a_person_and_then_is_on_their_stock_and_in_the_journal() {
    run_alone(async {
        for credits_at_amount in [true, false] {
            let shop = shop_at(credits_at_amount).await;
            sell(&shop, "S-1", "6").await;
            let shown = preview(&shop, &["G-1"]).await.unwrap();
            assert_eq!((shown.landed[0].in_stock, shown.landed[0].sold), (money("12"), money("18")));
            make(&shop, &["G-1"]).await.unwrap();
            let told = asked(&shop);
            assert!(
                told.len() == 1 && told[0].contains("would put 12.00 on stock that Xero tracks"),
                "{told:?}"
            );
            assert_eq!(states(&shop).await, ["waits for approval"]);
            assert_eq!((held(&shop), journals(&shop)), (is("4", "40.00"), vec![]), "nothing is written");
            approve(&shop, 0).await.unwrap();
            assert_eq!(states(&shop).await, ["in Xero as a bill", "in Xero as a credit note"]);
            assert_eq!(held(&shop), is("4", "52.00"));
            let written = documents(&shop);
            assert_eq!(
                written.iter().map(|it| (it.of.kind, it.lines[0].unit_amount)).collect::<Vec<_>>(),
                [(DocumentKind::Bill, money("25")), (DocumentKind::SupplierCredit, money("13"))]
            );
            assert_eq!(
                journals(&shop),
                [put(&[(ADJUSTED, "12.00"), (COGS, "18.00"), (FREIGHT, "-30.00")])],
                "the bill and the credit note have credited the account of adjustments by twelve"
            );
            assert_eq!(voucher(&shop).revaluation.unwrap().fate, RevaluationFate::Settled);
            polls(&shop).await;
            assert_eq!(asked(&shop), Vec::<String>::new());
            // they are documents of ours, neither demand nor a price
            let position = shop.position("TEA");
            assert_eq!((position.booked, position.value), (q("4"), money("52")));
            let lesson = |record| if let Record::Supply(lesson) = record { Some(lesson) } else { None };
            let learned = shop
                .rows()
                .find_map(|(key, record)| lesson(record).filter(|_| key == Key::Supply(item("TEA"))));
            assert_eq!(learned.map(|lesson| (lesson.quantity, lesson.net)), Some((q("10"), money("100"))));
        }
    });
}

#[test]
fn what_is_sold_while_it_waits_is_cost_of_goods_sold() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1"]).await.unwrap();
        assert_eq!(all(&shop).await[0].worth(), Ok(money("30")));
        sell(&shop, "S-1", "7").await;
        approve(&shop, 0).await.unwrap();
        assert_eq!(held(&shop), is("3", "39.00"));
        assert_eq!(journals(&shop), [put(&[(ADJUSTED, "9.00"), (COGS, "21.00"), (FREIGHT, "-30.00")])]);
        assert_eq!(voucher(&shop).revaluation.unwrap().parts[0].on_pool, money("9"));
        assert_eq!(asked(&shop), Vec::<String>::new());
    });
}

#[test]
fn of_goods_that_are_all_sold_nothing_is_revalued() {
    run_alone(async {
        let early = shop().await;
        sell(&early, "S-1", "10").await;
        make(&early, &["G-1"]).await.unwrap();
        assert_eq!(all(&early).await, [], "there is nothing to propose");
        assert_eq!(journals(&early), [put(&[(COGS, "30.00"), (FREIGHT, "-30.00")])]);
        let late = shop().await;
        make(&late, &["G-1"]).await.unwrap();
        sell(&late, "S-1", "10").await;
        approve(&late, 0).await.unwrap();
        assert_eq!(states(&late).await, ["nothing was left to revalue"]);
        assert_eq!((documents(&late), held(&late)), (vec![], is("0", "0.00")));
        assert_eq!(journals(&late), [put(&[(COGS, "30.00"), (FREIGHT, "-30.00")])]);
    });
}

#[test]
fn a_voucher_over_tracked_and_untracked_goods_has_one_journal() {
    run_alone(async {
        let shop = shop().await;
        sell(&shop, "S-1", "5").await;
        make(&shop, &["G-1", "G-2"]).await.unwrap();
        assert_eq!(shop.position("BOX").value, money("115"), "the ledger has its part at once");
        assert_eq!(journals(&shop), [], "and the journal waits for the other");
        approve(&shop, 0).await.unwrap();
        assert_eq!(held(&shop), is("5", "57.50"));
        let all = put(&[(STOCK, "15.00"), (ADJUSTED, "7.50"), (COGS, "7.50"), (FREIGHT, "-30.00")]);
        assert_eq!(journals(&shop), [all]);
    });
}

#[test]
fn an_answer_that_was_lost_makes_no_second_document() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1"]).await.unwrap();
        // each half gets through, and its answer is lost
        shop.in_xero(|company, _| company.loses_answers.insert("books.create_adjustment", 2));
        approve(&shop, 0).await.unwrap();
        for _ in 0..4 {
            shop.wait(SignedDuration::from_mins(10));
            shop.work().await;
        }
        assert_eq!(states(&shop).await, ["in Xero as a bill", "in Xero as a credit note"]);
        assert_eq!((documents(&shop).len(), held(&shop)), (2, is("10", "130.00")));
        assert_eq!(journals(&shop), [put(&[(ADJUSTED, "30.00"), (FREIGHT, "-30.00")])]);
        assert_eq!(asked(&shop), Vec::<String>::new());
    });
}

#[test]
fn a_crash_between_the_halves_leaves_one_unit_more_that_goes_on_from_there() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1"]).await.unwrap();
        approved(&shop, 0).await.unwrap();
        shop.say(Message::Effect { org: shop.org, effect: pending(&shop, 0).await }).await;
        assert_eq!(states(&shop).await, ["in Xero as a bill", "being booked"]);
        assert_eq!(held(&shop), is("11", "143.00"), "never less than lies there");
        // a sale in between is refused by nobody and costs what is due
        shop.save(sale("S-1", "2026-06-02").line("TEA", "4", "30"));
        shop.wait(SignedDuration::from_mins(10));
        shop.work().await;
        assert_eq!(states(&shop).await, ["in Xero as a bill", "in Xero as a credit note"]);
        assert_eq!(held(&shop), is("6", "78.00"));
        assert_eq!(journals(&shop), [put(&[(ADJUSTED, "30.00"), (FREIGHT, "-30.00")])]);
        polls(&shop).await;
        assert_eq!(asked(&shop), Vec::<String>::new());
    });
}

#[test]
fn what_xero_refuses_between_the_halves_is_asked_about_and_goes_on_when_a_person_says_so() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1"]).await.unwrap();
        approved(&shop, 0).await.unwrap();
        shop.say(Message::Effect { org: shop.org, effect: pending(&shop, 0).await }).await;
        let refusal = BooksError::Reject("the day is locked".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_adjustment", refusal));
        shop.work().await;
        let told = asked(&shop);
        assert!(told.len() == 1 && told[0].contains("the day is locked"), "{told:?}");
        assert_eq!((held(&shop), journals(&shop)), (is("11", "143.00"), vec![]));
        // nothing else of ours moves the item meanwhile
        shop.in_xero(|company, _| company.refusals.clear());
        adjust(&shop).await;
        shop.work().await;
        let half = "is only half in Xero: approve or reject it first";
        assert!(states(&shop).await[2].contains(half), "{:?}", states(&shop).await);
        let refused = take_back(&shop, voucher(&shop).number).await.unwrap_err().to_string();
        assert!(refused.contains("ADJ-2026-06-02-002 written or rejected first"), "{refused}");
        approve(&shop, 1).await.unwrap();
        approve(&shop, 2).await.unwrap();
        assert_eq!(held(&shop), is("9", "117.00"));
        assert_eq!(journals(&shop), [put(&[(ADJUSTED, "30.00"), (FREIGHT, "-30.00")])]);
        assert_eq!(asked(&shop), Vec::<String>::new());
    });
}

async fn adjust(shop: &Shop) {
    let row = Asked {
        line: 2,
        code: "TEA".to_owned(),
        on: day("2026-06-02"),
        quantity: q("-1"),
        reason: ReasonCode::Damaged,
        unit_cost: None,
        note: String::new(),
    };
    adjustments::make(&shop.ports, shop.org, "Kim", &[row]).await.unwrap().unwrap();
}

#[test]
fn an_adjustment_of_the_same_item_waits_while_it_is_revalued() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1"]).await.unwrap();
        approved(&shop, 0).await.unwrap();
        let first = pending(&shop, 0).await;
        let lost = BooksError::Retry("503".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_adjustment", lost));
        shop.say(Message::Effect { org: shop.org, effect: first }).await;
        shop.in_xero(|company, _| company.refusals.clear());
        adjust(&shop).await;
        shop.say(Message::Effect { org: shop.org, effect: pending(&shop, 1).await }).await;
        assert_eq!(states(&shop).await, ["being booked", "being booked"]);
        assert_eq!(documents(&shop), [], "the one is not written while the other is under way");
        shop.work().await;
        let done = ["in Xero as a bill", "in Xero as a credit note", "in Xero as a credit note"];
        let mut found = states(&shop).await;
        found.sort();
        assert_eq!((found.as_slice(), held(&shop)), (done.map(str::to_owned).as_slice(), is("9", "117.00")));
    });
}

#[test]
fn a_cost_that_is_not_as_due_after_the_first_half_lets_the_second_wait() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1"]).await.unwrap();
        approved(&shop, 0).await.unwrap();
        // goods at another price come in just then
        shop.in_xero(|company, _| company.brings_with_adjustment = Some((item("TEA"), q("10"), money("40"))));
        shop.work().await;
        assert_eq!(states(&shop).await, ["in Xero as a bill", "waits for approval"]);
        let told = asked(&shop);
        assert!(told.iter().any(|text| text.contains("where one was to cost 13.00")), "{told:?}");
        assert!(
            told.iter().any(|text| text.contains("Its credit note ADJ-2026-06-02-002 waits")),
            "{told:?}"
        );
        assert_eq!((held(&shop), journals(&shop)), (is("21", "543.00"), vec![]));
        approve(&shop, 1).await.unwrap();
        assert_eq!(held(&shop), is("20", "530.00"), "what is there, and thirty more");
        assert_eq!(journals(&shop).len(), 1);
    });
}

#[test]
fn it_is_taken_back_by_a_pair_the_other_way_and_a_journal_against_it() {
    run_alone(async {
        for credits_at_amount in [true, false] {
            let shop = shop_at(credits_at_amount).await;
            let number = make(&shop, &["G-1", "G-2"]).await.unwrap();
            approve(&shop, 0).await.unwrap();
            assert_eq!(held(&shop), is("10", "115.00"));
            sell(&shop, "S-1", "5").await;
            take_back(&shop, number).await.unwrap();
            assert_eq!(shop.position("BOX").value, money("100"));
            assert_eq!(
                (held(&shop), journals(&shop).len()),
                (is("5", "57.50"), 1),
                "the other way waits, too"
            );
            approve(&shop, 2).await.unwrap();
            assert_eq!(held(&shop), is("5", "50.00"));
            let against = put(&[(STOCK, "-15.00"), (ADJUSTED, "-7.50"), (COGS, "-7.50"), (FREIGHT, "30.00")]);
            assert_eq!(journals(&shop)[1], against);
            polls(&shop).await;
            assert_eq!(asked(&shop), Vec::<String>::new());
            assert_eq!(voucher(&shop).state_words(), "taken back");
        }
    });
}

#[test]
fn one_that_waits_is_taken_back_without_anything_in_xero() {
    run_alone(async {
        let shop = shop().await;
        let number = make(&shop, &["G-1", "G-2"]).await.unwrap();
        take_back(&shop, number).await.unwrap();
        assert!(states(&shop).await[0].starts_with("rejected by Kim"), "{:?}", states(&shop).await);
        next_day(&shop).await;
        next_day(&shop).await;
        assert_eq!((held(&shop), journals(&shop)), (is("10", "100.00"), vec![]));
        assert_eq!((shop.position("BOX").value, asked(&shop)), (money("100"), vec![]));
        make(&shop, &["G-1"]).await.unwrap();
        // and one that is rejected asks for that
        reject(&shop, 1).await;
        let told = asked(&shop);
        assert!(told.len() == 1 && told[0].contains("take it back on the page Landed cost"), "{told:?}");
    });
}

#[test]
fn what_is_missing_is_said_before_anything_is_made() {
    run_alone(async {
        let shop = shop().await;
        let says = async |rules: Vec<String>, what: &str| {
            shop.set(Files { policy: Some(&policy(&rules)), ..Files::default() }).await;
            for refused in [
                preview(&shop, &["G-1"]).await.map(|_| ()).unwrap_err(),
                make(&shop, &["G-1"]).await.map(|_| ()).unwrap_err(),
            ] {
                assert!(refused.to_string().contains(what), "{refused}");
            }
        };
        says(vec![cogs()], "set `phase` to `assist`").await;
        says(vec![rule("phase", r#""assist""#), cogs()], "set `adjustment_account`").await;
        says(all_rules()[..2].to_vec(), "set `cogs`").await;
        shop.set(Files { policy: Some(&policy(&all_rules())), ..Files::default() }).await;
        next_day(&shop).await;
        shop.in_xero(|company, now| {
            company.contacts.insert(contact().id.0, (Contact { archived: true, ..contact() }, now));
        });
        polls(&shop).await;
        says(all_rules(), "make a contact named `Inventory Adjustments`").await;
        assert_eq!(all(&shop).await, []);
        // of what Xero doesn't track nobody asks for all that
        make(&shop, &["G-2"]).await.unwrap();
    });
}

#[test]
fn a_voided_bill_of_the_pair_counts_as_people_made_it() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1"]).await.unwrap();
        approve(&shop, 0).await.unwrap();
        let of = documents(&shop)[0].of;
        shop.in_xero(|company, now| {
            let document = company.documents.get_mut(&of.id).unwrap();
            (document.status, document.updated_at) = (DocumentStatus::Voided, now);
        });
        polls(&shop).await;
        assert_eq!((held(&shop).0.as_str(), shop.position("TEA").booked), ("9", q("9")));
        assert!(matches!(all(&shop).await[0].stage, Stage::Booked), "and it is not written again");
    });
}

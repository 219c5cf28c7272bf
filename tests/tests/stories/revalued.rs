//! Landed cost of goods that Xero tracks: its stock there is revalued by a pair of documents that a person approves, and the journal
//! beside it takes what was sold.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use std::collections::BTreeMap;

use jiff::SignedDuration;
use parstock_app::adjustments::{self, Asked};
use parstock_app::error::AppError;
use parstock_app::landed::{self, Preview};
use parstock_app::message::Message;
use parstock_app::ports::BooksError;
use parstock_app::records::{EffectKind, EffectState, Key, Record, ReviewKind};
use parstock_domain::adjustment::{Adjustment, ReasonCode, contents};
use parstock_domain::document::{Contact, DocumentKind, DocumentStatus};
use parstock_domain::ids::EffectId;
use parstock_domain::landed::{RevaluationFate, VoucherNumber};
use parstock_domain::manual_journal::StateInXero;
use parstock_domain::settings::files::Files;
use parstock_tests::scheduler::run_alone;

use super::freight::{
    ADJUSTED, COGS, FREIGHT, INVENTORY, STOCK, accounts, adjustment_account, adjustment_documents,
    adjustments_contact, cogs, freight, money, next_day, over, phase, policy, rule, take_back, voucher,
};
use super::stock::{Shop, bill, day, item, q, sale};

fn all_rules() -> Vec<String> {
    vec![phase("assist"), adjustment_account(), cogs()]
}

/// A shop on the second of June that bought ten teas, which Xero tracks, and ten boxes, which it doesn't, for ten each, and freight of
/// thirty for them. What credit notes take is at their amount, or at the average.
async fn shop_at(credits_at_amount: bool) -> Shop {
    let shop = begun(credits_at_amount).await;
    shop.save(bill("G-1", "2026-06-02").line("TEA", "10", "10"));
    shop.save(bill("G-2", "2026-06-02").line("BOX", "10", "10"));
    freight(&shop, "30");
    polls(&shop).await;
    shop
}

/// The same before it bought anything.
async fn begun(credits_at_amount: bool) -> Shop {
    let shop = Shop::new(&["BOX", "TEA", "TIN"]);
    shop.in_xero(|company, now| {
        company.accounts = accounts();
        company.contacts.insert(adjustments_contact().id.0, (adjustments_contact(), now));
        for code in ["TEA", "TIN"] {
            company.items.get_mut(&item(code)).unwrap().purchase_account = INVENTORY.to_owned();
        }
        company.moving_average = Some(credits_at_amount);
    });
    shop.connect().await;
    shop.count("BOX", "2026-05-10", "0").await.unwrap();
    shop.set(Files { policy: Some(&policy(&all_rules())), ..Files::default() }).await;
    next_day(&shop).await;
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

async fn sell(shop: &Shop, number: &str, quantity: &str) {
    shop.save(sale(number, "2026-06-02").line("TEA", quantity, "30"));
    polls(shop).await;
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

/// Quantity and cost pool of the teas as Xero holds them.
fn held(shop: &Shop) -> (String, String) {
    held_of(shop, "TEA")
}

fn held_of(shop: &Shop, code: &str) -> (String, String) {
    shop.in_xero(|company, _| {
        let there = company.held(item(code)).unwrap();
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

fn asked(shop: &Shop) -> Vec<String> {
    let is_meant =
        |kind| matches!(kind, ReviewKind::Adjustment | ReviewKind::Residual | ReviewKind::VoucherJournal);
    shop.reviews().into_iter().filter(|review| is_meant(review.kind)).map(|review| review.text).collect()
}

/// What Xero answers instead of writing adjustments; nothing from now on.
fn refuses(shop: &Shop, error: Option<BooksError>) {
    shop.in_xero(|company, _| {
        company.refusals.clear();
        company.refusals.extend(error.map(|error| ("books.create_adjustment", error)));
    });
}

/// Hands the effect of an adjustment to a worker, and nothing of what follows.
async fn carry_out(shop: &Shop, index: usize) {
    shop.say(Message::Effect { org: shop.org, effect: pending(shop, index).await }).await;
}

/// Somebody voids the document of an adjustment in Xero.
async fn void(shop: &Shop, index: usize) {
    let of = adjustment_documents(shop)[index].of;
    shop.in_xero(|company, now| {
        let document = company.documents.get_mut(&of.id).unwrap();
        (document.status, document.updated_at) = (DocumentStatus::Voided, now);
    });
    polls(shop).await;
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
            let written = adjustment_documents(&shop);
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
        let first = all(&shop).await.swap_remove(0);
        assert_eq!(first.lines[0].unit_cost, money("22"), "not what was proposed");
        assert_eq!(first.contents, contents(first.on, &first.lines).unwrap());
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
        assert_eq!((adjustment_documents(&late), held(&late)), (vec![], is("0", "0.00")));
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
        assert_eq!((adjustment_documents(&shop).len(), held(&shop)), (2, is("10", "130.00")));
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
        carry_out(&shop, 0).await;
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
        carry_out(&shop, 0).await;
        refuses(&shop, Some(BooksError::Reject("the day is locked".to_owned())));
        shop.work().await;
        let told = asked(&shop);
        assert!(told.len() == 1 && told[0].contains("the day is locked"), "{told:?}");
        let instead = "or void the bill ADJ-2026-06-02-001 in Xero, reject it, take landed cost voucher 2026-06-02-001 back";
        assert!(told[0].contains(instead), "{told:?}");
        assert_eq!((held(&shop), journals(&shop)), (is("11", "143.00"), vec![]));
        // nothing else of ours moves the item meanwhile
        refuses(&shop, None);
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
        refuses(&shop, Some(BooksError::Retry("503".to_owned())));
        carry_out(&shop, 0).await;
        refuses(&shop, None);
        adjust(&shop).await;
        carry_out(&shop, 1).await;
        assert_eq!(states(&shop).await, ["being booked", "being booked"]);
        assert_eq!(adjustment_documents(&shop), [], "the one is not written while the other is under way");
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
            let waits = "stands, taken back once what it put on tracked stock is off there";
            assert_eq!(voucher(&shop).state_words(), waits);
            assert_eq!(shop.position("BOX").value, money("115"));
            assert_eq!(
                (held(&shop), journals(&shop).len()),
                (is("5", "57.50"), 1),
                "the other way waits, too"
            );
            let again = take_back(&shop, number).await.unwrap_err().to_string();
            assert!(again.contains("approve or reject its revaluation"), "{again}");
            approve(&shop, 2).await.unwrap();
            assert_eq!(held(&shop), is("5", "50.00"));
            assert_eq!(shop.position("BOX").value, money("100"));
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
        says(vec![phase("assist"), cogs()], "set `adjustment_account`").await;
        says(all_rules()[..2].to_vec(), "set `cogs`").await;
        shop.set(Files { policy: Some(&policy(&all_rules())), ..Files::default() }).await;
        next_day(&shop).await;
        shop.in_xero(|company, now| {
            let archived = Contact { archived: true, ..adjustments_contact() };
            company.contacts.insert(archived.id.0, (archived, now));
        });
        polls(&shop).await;
        says(all_rules(), "make a contact named `Inventory Adjustments`").await;
        assert_eq!(all(&shop).await, []);
        // of what Xero doesn't track nobody asks for all that
        make(&shop, &["G-2"]).await.unwrap();
    });
}

#[test]
fn a_take_back_that_is_rejected_leaves_the_voucher_as_it_stood() {
    run_alone(async {
        let shop = shop().await;
        let number = make(&shop, &["G-1", "G-2"]).await.unwrap();
        let refusal = BooksError::Reject("no leave to write journals".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_journal", refusal));
        approve(&shop, 0).await.unwrap();
        take_back(&shop, number).await.unwrap();
        reject(&shop, 2).await;
        let stood = voucher(&shop);
        assert_eq!((stood.state_words().as_str(), stood.taken_back.clone()), ("stands", None));
        assert_eq!((held(&shop), shop.position("BOX").value), (is("10", "115.00"), money("115")));
        let twice = make(&shop, &["G-1"]).await.unwrap_err().to_string();
        assert!(twice.contains("no such line of which something is left"), "{twice}");
        shop.in_xero(|company, _| company.refusals.clear());
        next_day(&shop).await;
        let own = put(&[(STOCK, "15.00"), (ADJUSTED, "15.00"), (FREIGHT, "-30.00")]);
        assert_eq!((journals(&shop), asked(&shop)), (vec![own], vec![]), "its journal is not forgotten");
        // and it can be taken back once more
        take_back(&shop, number).await.unwrap();
        approve(&shop, 3).await.unwrap();
        assert_eq!((held(&shop), shop.position("BOX").value), (is("10", "100.00"), money("100")));
        assert_eq!(journals(&shop).len(), 2);
        make(&shop, &["G-1"]).await.unwrap();
    });
}

#[test]
fn half_of_a_take_back_that_is_rejected_asks_for_the_bill_to_be_voided() {
    run_alone(async {
        let shop = shop().await;
        let number = make(&shop, &["G-1"]).await.unwrap();
        approve(&shop, 0).await.unwrap();
        take_back(&shop, number).await.unwrap();
        approved(&shop, 2).await.unwrap();
        carry_out(&shop, 2).await;
        refuses(&shop, Some(BooksError::Reject("the day is locked".to_owned())));
        shop.work().await;
        let told = asked(&shop);
        let instead =
            "so that landed cost voucher 2026-06-02-001 stands as it did, and take it back once more";
        assert!(told.len() == 1 && told[0].contains(instead), "{told:?}");
        refuses(&shop, None);
        reject(&shop, 3).await;
        let told = asked(&shop);
        assert!(told.len() == 1 && told[0].contains("void the bill ADJ-2026-06-02-003 in Xero"), "{told:?}");
        void(&shop, 2).await;
        assert_eq!((held(&shop), asked(&shop)), (is("10", "130.00"), vec![]));
        assert_eq!(voucher(&shop).state_words(), "stands");
        take_back(&shop, number).await.unwrap();
        approve(&shop, 4).await.unwrap();
        assert_eq!((held(&shop), asked(&shop)), (is("10", "100.00"), vec![]));
        assert_eq!(voucher(&shop).state_words(), "taken back");
    });
}

#[test]
fn an_answer_that_was_lost_with_its_document_is_asked_for_once_more() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1"]).await.unwrap();
        refuses(&shop, Some(BooksError::Unknown("timed out".to_owned())));
        approved(&shop, 0).await.unwrap();
        carry_out(&shop, 0).await;
        assert_eq!(
            (states(&shop).await, adjustment_documents(&shop)),
            (vec!["being booked".to_owned()], vec![])
        );
        refuses(&shop, None);
        shop.wait(SignedDuration::from_mins(10));
        shop.work().await;
        assert_eq!(states(&shop).await, ["in Xero as a bill", "in Xero as a credit note"]);
        assert_eq!((adjustment_documents(&shop).len(), held(&shop)), (2, is("10", "130.00")));
        assert_eq!(journals(&shop), [put(&[(ADJUSTED, "30.00"), (FREIGHT, "-30.00")])]);
        assert_eq!(asked(&shop), Vec::<String>::new());
    });
}

#[test]
fn what_may_be_in_xero_keeps_its_items_until_it_is_looked_for() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1"]).await.unwrap();
        refuses(&shop, Some(BooksError::Unknown("timed out".to_owned())));
        approved(&shop, 0).await.unwrap();
        let effect = pending(&shop, 0).await;
        for _ in 0..12 {
            shop.say(Message::Effect { org: shop.org, effect }).await;
            shop.wait(SignedDuration::from_mins(10));
        }
        let told = asked(&shop);
        assert!(
            told.len() == 1
                && told[0].contains("Revaluation ADJ-2026-06-02-001 of landed cost voucher")
                && told[0].contains("may be in Xero"),
            "{told:?}"
        );
        refuses(&shop, None);
        adjust(&shop).await;
        shop.work().await;
        let kept_out = "revaluation ADJ-2026-06-02-001 of the same items may be in Xero: approve it";
        assert!(states(&shop).await[1].contains(kept_out), "{:?}", states(&shop).await);
        assert_eq!(adjustment_documents(&shop), []);
        approve(&shop, 0).await.unwrap();
        let other = all(&shop).await.iter().position(|it| it.revalues.is_none()).unwrap();
        approve(&shop, other).await.unwrap();
        assert_eq!((adjustment_documents(&shop).len(), held(&shop)), (3, is("9", "117.00")));
        assert_eq!(asked(&shop), Vec::<String>::new());
    });
}

#[test]
fn goods_of_which_nothing_was_left_take_part_where_they_lie_there_again() {
    run_alone(async {
        let shop = shop().await;
        shop.save(bill("G-3", "2026-06-02").line("TIN", "10", "10"));
        shop.save(sale("S-1", "2026-06-02").line("TIN", "10", "30"));
        polls(&shop).await;
        make(&shop, &["G-1", "G-3"]).await.unwrap();
        let proposed = all(&shop).await.swap_remove(0);
        assert_eq!((proposed.lines.len(), proposed.items().len()), (1, 2));
        shop.save(bill("G-4", "2026-06-02").line("TIN", "4", "10"));
        polls(&shop).await;
        approve(&shop, 0).await.unwrap();
        assert_eq!(states(&shop).await, ["in Xero as a bill", "in Xero as a credit note"]);
        assert_eq!((held(&shop), held_of(&shop, "TIN")), (is("10", "115.00"), is("4", "46.00")));
        assert_eq!(journals(&shop), [put(&[(ADJUSTED, "21.00"), (COGS, "9.00"), (FREIGHT, "-30.00")])]);
    });
}

#[test]
fn where_nothing_is_left_nothing_stands_against_it() {
    run_alone(async {
        for was_tried in [false, true] {
            let shop = shop().await;
            make(&shop, &["G-1"]).await.unwrap();
            approved(&shop, 0).await.unwrap();
            if was_tried {
                refuses(&shop, Some(BooksError::Retry("503".to_owned())));
                carry_out(&shop, 0).await;
                refuses(&shop, None);
            }
            shop.in_xero(|company, _| company.is_capped = true);
            shop.save(sale("S-1", "2026-06-02").line("TEA", "10", "30"));
            shop.wait(SignedDuration::from_mins(10));
            shop.work().await;
            assert_eq!(states(&shop).await, ["nothing was left to revalue"]);
            let done = all(&shop).await.swap_remove(0);
            assert_eq!((done.lines, adjustment_documents(&shop)), (vec![], vec![]));
            assert_eq!(journals(&shop), [put(&[(COGS, "30.00"), (FREIGHT, "-30.00")])]);
        }
    });
}

#[test]
fn its_journal_outlives_that_cost_of_goods_sold_begins_anew() {
    run_alone(async {
        let shop = shop().await;
        sell(&shop, "S-1", "5").await;
        let number = make(&shop, &["G-1", "G-2"]).await.unwrap();
        let without = all_rules()[..2].to_vec();
        for rules in [without, all_rules()] {
            shop.set(Files { policy: Some(&policy(&rules)), ..Files::default() }).await;
            polls(&shop).await;
        }
        next_day(&shop).await;
        approve(&shop, 0).await.unwrap();
        // the stock account was made to hold the boxes' part when it began anew
        let tracked = put(&[(ADJUSTED, "7.50"), (COGS, "7.50"), (FREIGHT, "-15.00")]);
        assert_eq!((journals(&shop), asked(&shop)), (vec![tracked], vec![]));
        take_back(&shop, number).await.unwrap();
        approve(&shop, 2).await.unwrap();
        let back = put(&[(ADJUSTED, "-7.50"), (COGS, "-7.50"), (FREIGHT, "15.00")]);
        assert_eq!((journals(&shop)[1].clone(), asked(&shop)), (back, vec![]));
    });
}

#[test]
fn its_journal_waits_for_cost_of_goods_sold_and_for_an_open_day() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1", "G-2"]).await.unwrap();
        shop.set(Files { policy: Some(&policy(&all_rules()[..2])), ..Files::default() }).await;
        approve(&shop, 0).await.unwrap();
        let told = asked(&shop);
        assert!(told.len() == 1 && told[0].contains("another stock account now or none"), "{told:?}");
        shop.in_xero(|company, _| company.organisation.period_lock_date = Some(day("2026-06-02")));
        shop.set(Files { policy: Some(&policy(&all_rules())), ..Files::default() }).await;
        next_day(&shop).await;
        next_day(&shop).await;
        assert_eq!(journals(&shop), [put(&[(ADJUSTED, "15.00"), (FREIGHT, "-15.00")])]);
        let date = shop.in_xero(|company, _| company.journals.last().unwrap().date);
        assert_eq!((date, asked(&shop)), (day("2026-06-03"), vec![]));
    });
}

#[test]
fn a_journal_that_is_gone_when_it_is_taken_back_is_in_the_one_against_it() {
    run_alone(async {
        let shop = shop().await;
        let number = make(&shop, &["G-1"]).await.unwrap();
        approve(&shop, 0).await.unwrap();
        let gone = |index: usize| {
            shop.in_xero(|company, now| {
                let journal = &mut company.journals[index];
                (journal.known.state, journal.updated_at) = (StateInXero::Gone, now);
            });
        };
        gone(0);
        next_day(&shop).await;
        let told = asked(&shop);
        assert!(
            told.len() == 1 && told[0].contains("so account 401 does not come to nothing: copy the journal"),
            "{told:?}"
        );
        sell(&shop, "S-1", "5").await;
        take_back(&shop, number).await.unwrap();
        approve(&shop, 2).await.unwrap();
        assert_eq!(journals(&shop), [put(&[(ADJUSTED, "15.00"), (COGS, "-15.00")])]);
        next_day(&shop).await;
        assert_eq!(asked(&shop), Vec::<String>::new(), "that one has to stand");
        gone(1);
        next_day(&shop).await;
        let told = asked(&shop);
        assert!(told.len() == 1 && told[0].ends_with("copy the journal with its narration."), "{told:?}");
    });
}

#[test]
fn a_half_that_somebody_voids_is_asked_about_until_the_other_is_void_too() {
    run_alone(async {
        let shop = shop().await;
        sell(&shop, "S-1", "5").await;
        let number = make(&shop, &["G-1"]).await.unwrap();
        approve(&shop, 0).await.unwrap();
        void(&shop, 0).await;
        assert_eq!((held(&shop).0.as_str(), shop.position("TEA").booked), ("4", q("4")));
        assert_eq!(states(&shop).await, ["voided in Xero since", "in Xero as a credit note"]);
        let told = asked(&shop);
        assert!(told.len() == 1 && told[0].contains("void ADJ-2026-06-02-002, too"), "{told:?}");
        let refused = take_back(&shop, number).await.unwrap_err().to_string();
        assert!(refused.contains("ADJ-2026-06-02-002 stands there: void that, too"), "{refused}");
        void(&shop, 1).await;
        let told = asked(&shop);
        assert!(told.len() == 1 && told[0].contains("take it back on the page Landed cost"), "{told:?}");
        take_back(&shop, number).await.unwrap();
        assert_eq!((all(&shop).await.len(), held(&shop)), (2, is("5", "50.00")), "nothing has to come off");
        let own = put(&[(ADJUSTED, "15.00"), (COGS, "15.00"), (FREIGHT, "-30.00")]);
        let against = put(&[(ADJUSTED, "-15.00"), (COGS, "-15.00"), (FREIGHT, "30.00")]);
        assert_eq!((journals(&shop), asked(&shop)), (vec![own, against], vec![]));
        make(&shop, &["G-1"]).await.unwrap();
    });
}

#[test]
fn a_bill_that_is_voided_before_its_credit_note_is_written_keeps_that_back() {
    run_alone(async {
        let shop = shop().await;
        make(&shop, &["G-1"]).await.unwrap();
        approved(&shop, 0).await.unwrap();
        carry_out(&shop, 0).await;
        refuses(&shop, Some(BooksError::Retry("503".to_owned())));
        carry_out(&shop, 1).await;
        refuses(&shop, None);
        void(&shop, 0).await;
        assert_eq!((held(&shop), adjustment_documents(&shop).len()), (is("10", "100.00"), 1));
        assert!(states(&shop).await[1].contains("was voided in Xero"), "{:?}", states(&shop).await);
        reject(&shop, 1).await;
        let number = voucher(&shop).number;
        take_back(&shop, number).await.unwrap();
        polls(&shop).await;
        assert_eq!((held(&shop), journals(&shop)), (is("10", "100.00"), vec![]));
    });
}

#[test]
fn a_bill_whose_credit_note_was_rejected_has_to_be_void_before_its_voucher_is_taken_back() {
    run_alone(async {
        let shop = shop().await;
        let number = make(&shop, &["G-1"]).await.unwrap();
        approved(&shop, 0).await.unwrap();
        carry_out(&shop, 0).await;
        refuses(&shop, Some(BooksError::Reject("the day is locked".to_owned())));
        shop.work().await;
        refuses(&shop, None);
        reject(&shop, 1).await;
        let refused = take_back(&shop, number).await.unwrap_err().to_string();
        assert!(
            refused.contains("the bill ADJ-2026-06-02-001 of its revaluation stands in Xero"),
            "{refused}"
        );
        let told = asked(&shop);
        assert!(
            told.len() == 1 && told[0].contains("void the bill ADJ-2026-06-02-001 in Xero, and"),
            "{told:?}"
        );
        void(&shop, 0).await;
        let told = asked(&shop);
        assert!(told.len() == 1 && told[0].contains("no journal: take it back"), "{told:?}");
        take_back(&shop, number).await.unwrap();
        assert_eq!((held(&shop), journals(&shop), asked(&shop)), (is("10", "100.00"), vec![], vec![]));
    });
}

#[test]
fn what_landed_may_be_proposed_as_the_price_of_a_tracked_item() {
    run_alone(async {
        let shop = shop().await;
        shop.in_xero(|company, now| {
            for item in company.items.values_mut() {
                (item.purchase_price, item.updated_at) = (Some(money("10")), now);
            }
        });
        let mut rules = all_rules();
        rules.extend([rule("price_change_from", r#""landed""#), rule("price_change_percent", "5")]);
        shop.set(Files { policy: Some(&policy(&rules)), ..Files::default() }).await;
        polls(&shop).await;
        let proposed = async || {
            shop.say(Message::PlanTouched { org: shop.org }).await;
            shop.work().await;
            let open = parstock_app::prices::open(&shop.ports, shop.org).await.unwrap();
            open.into_iter().map(|change| (change.code, change.to.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(proposed().await, []);
        let number = make(&shop, &["G-1"]).await.unwrap();
        assert_eq!(proposed().await, [("TEA".to_owned(), "13.00".to_owned())]);
        approve(&shop, 0).await.unwrap();
        take_back(&shop, number).await.unwrap();
        approve(&shop, 2).await.unwrap();
        assert_eq!(proposed().await, []);
    });
}

#[test]
fn freight_of_goods_whose_bill_is_a_draft_is_asked_about_once_that_is_approved() {
    run_alone(async {
        let shop = begun(true).await;
        let goods =
            shop.save(bill("G-1", "2026-06-02").line("TEA", "10", "10").status(DocumentStatus::Draft));
        freight(&shop, "30");
        polls(&shop).await;
        let is_asked = || shop.reviews().iter().any(|review| review.kind == ReviewKind::FreightLeft);
        let refused = make(&shop, &["G-1"]).await.unwrap_err().to_string();
        assert!(refused.contains("no approved bill"), "{refused}");
        assert!(!is_asked());
        shop.in_xero(|company, now| {
            let goods = company.documents.get_mut(&goods.id).unwrap();
            (goods.status, goods.updated_at) = (DocumentStatus::Authorised, now);
        });
        polls(&shop).await;
        // whatever came in since is looked for with each digest
        shop.digest().await;
        assert!(is_asked());
        make(&shop, &["G-1"]).await.unwrap();
        approve(&shop, 0).await.unwrap();
        assert_eq!(held(&shop), is("10", "130.00"));
    });
}

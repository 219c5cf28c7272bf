//! What each kind of parstock's own work costs in calls, as `docs/xero-limits.md` tells it.

use std::collections::BTreeMap;

use jiff::ToSpan;
use parstock_domain::fixed::Quantity;
use parstock_domain::ledger::proof::ADJUSTMENTS_CONTACT;
use parstock_local::ask::{Ask, answer_in_folder};
use parstock_local::commands::adjustments::Adjusting;
use parstock_local::commands::prices::Pricing;
use parstock_local::commands::receipts::Receiving;
use parstock_local::demo::load_history;
use parstock_local::driver::Driver;
use parstock_local::trade::NoTrade;
use parstock_tests::corner_shop::{self, TRACKED, UNTRACKED};
use parstock_tests::papers;
use parstock_xero_sim::ApiFault;
use parstock_xero_sim::act::{
    Account, Act, Contact, DocumentKind, E4, Item, Line, NewDocument, Status, Tracking,
};

use super::shop::{MONDAY, Shop};

const POLICY: &str = r#"{"version": 1, "rules": [
    {"scope": "org", "setting": "phase", "value": "assist"},
    {"scope": "org", "setting": "adjustment_account", "value": "310"}]}"#;

type Calls = BTreeMap<String, u64>;

struct Story {
    shop: Shop,
    driver: Driver<NoTrade>,
}

impl Story {
    async fn open() -> Self {
        let shop = Shop::open().await;
        shop.apply(&Act::UpsertContact(Contact {
            name: ADJUSTMENTS_CONTACT.to_owned(),
            contact_number: None,
            email: None,
            is_supplier: false,
            is_customer: false,
        }));
        let mut driver = shop.driver();
        load_history(&mut driver, 0, &mut ()).await.unwrap();
        shop.set(POLICY).await;
        let mut story = Self { shop, driver };
        // the first day's proof is over by then
        story.minutes(120).await;
        story.polled().await;
        story
    }

    fn calls(&self) -> Calls {
        let mut calls = self.shop.world.lock().unwrap().audit().calls;
        // fetching a token is no call of the API
        calls.remove("POST token");
        calls
    }

    fn since(&self, before: &Calls) -> Calls {
        let more = |(kind, count): (String, u64)| {
            let spent = count - before.get(&kind).copied().unwrap_or_default();
            (spent > 0).then_some((kind, spent))
        };
        self.calls().into_iter().filter_map(more).collect()
    }

    async fn minutes(&mut self, minutes: i64) {
        let until = self.shop.ports.clock.now() + minutes.minutes();
        self.driver.run_until(until).await.unwrap();
    }

    /// Lives on until a poll is over, so that none falls into the next minutes.
    async fn polled(&mut self) {
        let polls = |story: &Self| story.calls().get("GET BankTransactions").copied();
        let before = polls(self);
        while polls(self) == before {
            let (at, kind) = self.driver.next().unwrap();
            self.driver.step(at, kind).await.unwrap();
        }
        self.minutes(1).await;
    }

    /// What it takes until what was asked for is done, and what Xero announced of it is fetched.
    async fn costs(&mut self, ask: &Ask) -> Calls {
        self.polled().await;
        let before = self.calls();
        let answer = answer_in_folder(&self.shop.ports, ask).await.unwrap();
        assert_eq!(answer.exit_code, 0, "{answer:?}");
        self.minutes(8).await;
        self.since(&before)
    }

    async fn adjusts(&mut self, change: &str, reason: &str) -> Calls {
        let text = format!(
            "item,location,on,quantity,reason,unit_cost,note\n{TRACKED},,{MONDAY},{change},{reason},,\n"
        );
        self.costs(&Ask::Adjustments(Adjusting::Make { text })).await
    }
}

fn calls<const N: usize>(of: [(&str, u64); N]) -> Calls {
    of.into_iter().map(|(kind, count)| (kind.to_owned(), count)).collect()
}

#[tokio::test]
async fn each_kind_of_work_costs_what_the_document_says() {
    let mut story = Story::open().await;

    let proposal = story.shop.propose("Mill & Sons").await;
    let before = story.calls();
    story.shop.approve(&proposal).await.unwrap();
    story.minutes(8).await;
    let order = calls([
        ("PUT PurchaseOrders", 1),
        ("GET PurchaseOrders History", 1),
        ("PUT PurchaseOrders History", 1),
    ]);
    assert_eq!(story.since(&before), order);

    let number = story.shop.proposal(proposal.id).await.order_number("PS-");
    story.shop.apply(&Act::set_status(DocumentKind::PurchaseOrder, &number, Status::Authorised));
    story.minutes(20).await;
    let (items, slip) = (Vec::new(), String::new());
    let make = Receiving::Make { order: number, items, on: None, slip, billed: false, ends: false };
    // the last one is for the webhook of our own bill
    let bill = calls([("GET PurchaseOrders by id", 1), ("PUT Invoices", 1), ("GET Invoices", 1)]);
    assert_eq!(story.costs(&Ask::Receipts(make)).await, bill);

    // looked for, checked, written, read back; and the webhook of it
    let up = calls([
        ("GET Invoices", 2),
        ("GET Organisation", 1),
        ("GET Organisation Actions", 1),
        ("GET Accounts", 1),
        ("GET Reports BalanceSheet", 1),
        ("GET Items", 2),
        ("PUT Invoices", 1),
    ]);
    assert_eq!(story.adjusts("1", "found").await, up);
    let down = calls([
        ("GET CreditNotes", 2),
        ("GET Organisation", 1),
        ("GET Accounts", 1),
        ("GET Reports BalanceSheet", 1),
        ("GET Items", 2),
        ("PUT CreditNotes", 1),
    ]);
    assert_eq!(story.adjusts("-1", "lost").await, down);

    let dear = corner_shop::document(DocumentKind::Bill, "B-9", UNTRACKED, E4::whole(10), MONDAY);
    let Act::CreateDocument(dear) = dear else { panic!() };
    let lines = dear.lines.iter().map(|line| Line { unit_amount: E4::whole(3), ..line.clone() }).collect();
    story.shop.apply(&Act::CreateDocument(NewDocument { lines, ..dear }));
    story.minutes(20).await;
    let approve = Pricing::Decide { approve: true, prices: Vec::new() };
    assert_eq!(story.costs(&Ask::Prices(approve)).await, calls([("GET Items", 1), ("POST Items", 1)]));
}

#[tokio::test]
async fn a_look_by_the_doctor_costs_three_calls() {
    let mut story = Story::open().await;
    story.polled().await;
    let before = story.calls();
    answer_in_folder(&story.shop.ports, &Ask::Doctor).await.unwrap();
    let look =
        calls([("GET Organisation", 1), ("GET Organisation Actions", 1), ("GET Reports TrialBalance", 1)]);
    assert_eq!(story.since(&before), look);
}

#[tokio::test]
async fn an_order_that_xero_refuses_in_words_that_nobody_knows_costs_three_calls_more() {
    let mut story = Story::open().await;
    story.shop.apply(&Act::ForbidActions(vec!["CreateDraftPurchaseOrder".to_owned()]));
    let proposal = story.shop.propose("Mill & Sons").await;
    story.polled().await;
    let before = story.calls();
    story.shop.approve(&proposal).await.unwrap();
    story.minutes(8).await;
    let refused = calls([
        ("PUT PurchaseOrders", 1),
        ("GET Organisation", 1),
        ("GET Organisation Actions", 1),
        ("GET Accounts", 1),
    ]);
    assert_eq!(story.since(&before), refused);
}

#[tokio::test]
async fn an_order_whose_answer_is_lost_costs_one_call_more() {
    let mut story = Story::open().await;
    let proposal = story.shop.propose("Mill & Sons").await;
    story.polled().await;
    let before = story.calls();
    story.shop.world.lock().unwrap().script_call(ApiFault::DroppedAfterCommit);
    story.shop.approve(&proposal).await.unwrap();
    story.minutes(8).await;
    let order = calls([
        ("PUT PurchaseOrders", 1),
        ("GET PurchaseOrders by id", 1),
        ("GET PurchaseOrders History", 1),
        ("PUT PurchaseOrders History", 1),
    ]);
    assert_eq!(story.since(&before), order);
}

#[tokio::test]
async fn a_day_of_cost_of_goods_sold_costs_its_decision_and_its_journal() {
    const STOCK: &str = "640";
    let mut story = Story::open().await;
    story.shop.apply(&Act::UpsertAccount(Account {
        code: STOCK.to_owned(),
        name: "Stock".to_owned(),
        account_type: "CURRENT".to_owned(),
        system_account: None,
    }));
    let bag = corner_shop::set_up("").into_iter().find_map(|act| match act {
        Act::UpsertItem(item) if item.code == UNTRACKED => Some(item),
        _ => None,
    });
    let tracking = Tracking::Untracked { purchase_account: STOCK.to_owned() };
    story.shop.apply(&Act::UpsertItem(Item { tracking, ..bag.unwrap() }));
    story.shop.set(&POLICY.replace("]}", &format!(
        r#", {{"scope": "org", "setting": "cogs", "value": {{"stock_account": "{STOCK}", "cogs_account": "310", "every": "day"}}}}]}}"#
    ))).await;
    let counts = format!("item,location,as_of,quantity,unit_cost\n{UNTRACKED},,2026-03-01,10,2\n");
    let counted = answer_in_folder(&story.shop.ports, &Ask::Count { text: counts }).await.unwrap();
    assert_eq!(counted.exit_code, 0, "{}", counted.text);
    let day = 24 * 60;
    story.minutes(day).await;
    let today = MONDAY.tomorrow().unwrap();
    story.shop.apply(&corner_shop::document(DocumentKind::Bill, "B-8", UNTRACKED, E4::whole(10), today));
    story.shop.apply(&corner_shop::document(DocumentKind::Invoice, "INV-8", UNTRACKED, E4::whole(3), today));
    story.minutes(20).await;
    let before = story.calls();
    story.minutes(day).await;
    let spent = story.since(&before);
    // beside polls of five calls and proofs of three: journals, accounts, balance sheet, and the journal
    let (polls, decisions) = (spent["GET BankTransactions"], spent["GET ManualJournals"]);
    let proofs = spent["GET Accounts"] - decisions;
    assert_eq!((decisions, spent["PUT ManualJournals"]), (1, 1), "{spent:?}");
    assert_eq!(spent.values().sum::<u64>(), polls * 5 + proofs * 3 + 3 + 1, "{spent:?}");
}

#[tokio::test]
async fn the_papers_of_a_bill_that_looks_like_freight_cost_a_list_and_each_pdf() {
    let mut story = Story::open().await;
    story.shop.apply(&corner_shop::document(DocumentKind::Bill, "B-8", UNTRACKED, E4::whole(10), MONDAY));
    story.polled().await;
    let freight = corner_shop::document(DocumentKind::Bill, "F-1", UNTRACKED, E4::ONE, MONDAY);
    let Act::CreateDocument(freight) = freight else { panic!() };
    let line = Line {
        item_code: None,
        description: "Sea freight".to_owned(),
        account_code: Some("310".to_owned()),
        quantity: E4::ONE,
        unit_amount: E4::whole(20),
        ..Line::default()
    };
    story.shop.apply(&Act::CreateDocument(NewDocument { lines: vec![line], ..freight }));
    let id = story.shop.world.lock().unwrap().documents().find(|one| one.number == "F-1").unwrap().id;
    for name in ["one.pdf", "two.pdf", "photo.png"] {
        story.shop.apply(&Act::attach(id, name, &papers::pdf(&["B-8"])));
    }
    let before = story.calls();
    story.minutes(8).await;
    assert_eq!(story.since(&before), calls([("GET Invoices", 1)]), "as it is announced");
    // the sweep after the next poll has them read
    story.polled().await;
    let mut read = story.since(&before);
    read.retain(|kind, _| kind.contains("Attachments"));
    assert_eq!(read, calls([("GET Invoices Attachments", 3)]), "the list and both PDFs");
}

/// Xero announces it as a prepayment and lists it as a bank transaction and as a prepayment.
#[tokio::test]
async fn goods_on_money_in_advance_are_booked_once_at_the_next_poll_and_cost_no_call() {
    let mut story = Story::open().await;
    story.polled().await;
    let before = story.calls();
    for (kind, reference) in [
        (DocumentKind::ReceivePrepayment, "P-1"),
        (DocumentKind::ReceiveOverpayment, "O-1"),
        (DocumentKind::SpendPrepayment, "P-2"),
    ] {
        let quantity = if kind == DocumentKind::SpendPrepayment { E4::whole(5) } else { E4::ONE };
        story.shop.apply(&corner_shop::document(kind, reference, UNTRACKED, quantity, MONDAY));
    }
    story.minutes(8).await;
    assert_eq!(story.since(&before), Calls::new());
    story.minutes(45).await;
    let spent = story.since(&before);
    assert_eq!(
        (spent.values().sum::<u64>(), spent["GET BankTransactions"]),
        (15, 3),
        "three polls: {spent:?}"
    );
    assert_eq!(story.shop.stock(UNTRACKED).await, Quantity::from_e4(30_000));
}

/// Nobody has confirmed that Xero moves tracked stock by money in advance; if it doesn't, the daily proof shows it.
#[tokio::test]
async fn goods_on_money_in_advance_that_xero_does_not_move_are_a_difference_of_the_proof() {
    for advances_move_stock in [true, false] {
        let shop = Shop::with(|settings| settings.switches.advances_move_stock = advances_move_stock).await;
        let mut driver = shop.driver();
        load_history(&mut driver, 0, &mut ()).await.unwrap();
        let spent =
            corner_shop::document(DocumentKind::SpendPrepayment, "P-1", TRACKED, E4::whole(5), MONDAY);
        shop.apply(&spent);
        driver.run_until(shop.ports.clock.now() + 120.minutes()).await.unwrap();
        let proof = answer_in_folder(&shop.ports, &Ask::Reconcile { now: true }).await.unwrap();
        assert_eq!(proof.text.contains(TRACKED), !advances_move_stock, "{}", proof.text);
    }
}

#[tokio::test]
async fn a_quiet_day_costs_its_polls_and_its_proof() {
    let mut story = Story::open().await;
    let before = story.calls();
    story.minutes(24 * 60).await;
    let day = story.since(&before);
    // a poll takes five calls, and a day's proof three: quantities, accounts and balance sheet
    let (polls, proofs) = (day["GET Invoices"], day["GET Accounts"]);
    assert_eq!(day.values().sum::<u64>(), polls * 5 + proofs * 3, "{day:?}");
    assert!(polls <= 96 && proofs <= 2, "{day:?}");
}

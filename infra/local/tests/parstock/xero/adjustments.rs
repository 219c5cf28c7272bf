//! Stock is adjusted by the command: in the ledger, and in the simulated Xero over HTTP.

use jiff::ToSpan;
use parstock_domain::fixed::Quantity;
use parstock_domain::ledger::proof::ADJUSTMENTS_CONTACT;
use parstock_local::ask::{Answer, Ask, answer_in_folder};
use parstock_local::commands::adjustments::Adjusting;
use parstock_local::commands::ledger::Asked;
use parstock_local::demo::load_history;
use parstock_local::driver::Driver;
use parstock_local::trade::NoTrade;
use parstock_tests::corner_shop::{TRACKED, UNTRACKED};
use parstock_xero_sim::act::{Act, Contact, DocumentKind};
use parstock_xero_sim::{ApiFault, Settings};

use super::shop::{MONDAY, Shop};

const POLICY: &str = r#"{"version": 1, "rules": [
    {"scope": "org", "setting": "phase", "value": "assist"},
    {"scope": "org", "setting": "adjustment_account", "value": "310"},
    {"scope": "org", "setting": "adjustment_value_max", "value": "50"}]}"#;
const HEAD: &str = "item,location,on,quantity,reason,unit_cost,note\n";

struct Story {
    shop: Shop,
    driver: Driver<NoTrade>,
}

impl Story {
    /// A shop whose history is in, with 100 of the tracked item at 1 and 10 of the other at 2.
    async fn open(change: impl FnOnce(&mut Settings)) -> Self {
        let shop = Shop::with(change).await;
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
        let counts = format!("item,location,as_of,quantity,unit_cost\n{UNTRACKED},,2026-03-01,10,2\n");
        let counted = story.ask(&Ask::Count { text: counts }).await;
        assert_eq!(counted.exit_code, 0, "{counted:?}");
        story.minutes(20).await;
        story
    }

    async fn minutes(&mut self, minutes: i64) {
        let until = self.shop.ports.clock.now() + minutes.minutes();
        self.driver.run_until(until).await.unwrap();
    }

    async fn ask(&self, ask: &Ask) -> Answer {
        answer_in_folder(&self.shop.ports, ask).await.unwrap()
    }

    async fn make(&mut self, rows: &str) -> Answer {
        let made = self.ask(&Ask::Adjustments(Adjusting::Make { text: format!("{HEAD}{rows}") })).await;
        self.minutes(10).await;
        made
    }

    /// The states of all adjustments, the latest first.
    async fn states(&self) -> Vec<String> {
        let listed = self.ask(&Ask::Adjustments(Adjusting::List)).await.json;
        let stages = listed.as_array().unwrap().iter();
        stages.map(|it| it["stage"]["state"].as_str().unwrap().to_owned()).collect()
    }

    async fn approve_latest(&mut self) {
        let listed = self.ask(&Ask::Adjustments(Adjusting::List)).await.json;
        let number = listed[0]["number"].as_str().unwrap().to_owned();
        self.ask(&Ask::Adjustments(Adjusting::Approve { number })).await;
        self.minutes(10).await;
    }

    async fn questions(&self) -> Vec<String> {
        let reviews = self.ask(&Ask::Reviews).await.json;
        reviews.as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap().to_owned()).collect()
    }

    /// On hand in Xero, and what our documents there come to.
    fn in_xero(&self) -> (i64, Vec<(DocumentKind, i64)>) {
        let world = self.shop.world.lock().unwrap();
        let ours = world.documents().filter(|document| document.number.starts_with("ADJ-"));
        let ours = ours.map(|document| (document.kind, document.total.0)).collect();
        (world.stock(TRACKED).unwrap().on_hand.0, ours)
    }

    async fn ledger(&self) -> (Quantity, Quantity) {
        (self.shop.stock(TRACKED).await, self.shop.stock(UNTRACKED).await)
    }
}

fn q(text: &str) -> Quantity {
    text.parse().unwrap()
}

/// Whatever Xero does where its documentation says nothing.
#[tokio::test]
async fn stock_is_adjusted_by_the_command_in_the_ledger_and_in_xero() {
    for (is_paid, at_line_amount) in [(false, false), (true, true)] {
        let mut story = Story::open(|settings| {
            settings.switches.zero_total_is_paid = is_paid;
            settings.switches.supplier_credit_at_line_amount = at_line_amount;
        })
        .await;
        let rows = format!(
            "{TRACKED},,{MONDAY},-4,damaged,,wet\n{TRACKED},,{MONDAY},2.5,found,1.2345,\n{UNTRACKED},main,{MONDAY},-3,stolen,,\n"
        );
        let made = story.make(&rows).await;
        assert_eq!((made.exit_code, made.json.as_array().unwrap().len()), (0, 3), "{made:?}");
        assert!(made.text.contains("damaged: wet"), "{}", made.text);
        assert_eq!(story.states().await, ["booked", "booked", "booked"]);
        let documents = vec![(DocumentKind::Bill, 0), (DocumentKind::SupplierCredit, 0)];
        assert_eq!(story.in_xero(), (985_000, documents), "each over nothing");
        assert_eq!(story.ledger().await, (q("98.5"), q("7")));
        assert_eq!(story.questions().await, Vec::<String>::new());
        // the polls since have told nothing else, and the proof finds nothing
        story.minutes(120).await;
        assert_eq!(story.ledger().await, (q("98.5"), q("7")));
        let proof = story.ask(&Ask::Reconcile { now: true }).await;
        assert_eq!(proof.exit_code, 0, "{}", proof.text);
        let card = story.ask(&Ask::Ledger(Asked { item: TRACKED.to_owned(), ..Asked::default() })).await.text;
        assert!(card.contains("adjustment") && card.contains("damaged: wet"), "{card}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_line_and_nothing_is_adjusted() {
    let mut story = Story::open(|_| {}).await;
    for (rows, says) in [
        (
            format!(
                "{TRACKED},,{MONDAY},-1,lost,,\n{TRACKED},,{MONDAY},-100,lost,,\nNIL,,{MONDAY},1,found,,\n"
            ),
            ["line 3: 100 of `TEA` lie there, and 101 are to go out", "line 4: Xero lists no item"],
        ),
        (
            format!("{TRACKED},,{MONDAY},-1,eaten,,\n{TRACKED},far,{MONDAY},-1,lost,,\n"),
            ["line 2: `eaten`", "line 3: the location"],
        ),
    ] {
        let told = story.make(&rows).await;
        assert_eq!(told.exit_code, 2, "{told:?}");
        assert!(says.iter().all(|says| told.talk.contains(says)), "{}", told.talk);
    }
    assert_eq!((story.in_xero(), story.states().await), ((1_000_000, vec![]), vec![]));
    let number = "ADJ-2026-03-02-001".to_owned();
    let none = answer_in_folder(&story.shop.ports, &Ask::Adjustments(Adjusting::Approve { number })).await;
    assert!(none.unwrap_err().to_string().contains("there is no adjustment"));
}

#[tokio::test]
async fn a_plan_whose_bills_are_used_up_and_a_limit_are_waited_for() {
    let mut story = Story::open(|_| {}).await;
    story.shop.apply(&Act::ForbidActions(vec!["CreateApprovedBill".to_owned()]));
    story.make(&format!("{TRACKED},,{MONDAY},1,found,,\n")).await;
    assert_eq!(story.states().await, ["refused"]);
    let told = story.questions().await;
    assert!(told.len() == 1 && told[0].contains("bills of the month are used up"), "{told:?}");
    story.shop.apply(&Act::ForbidActions(Vec::new()));
    story.approve_latest().await;
    assert_eq!((story.states().await, story.in_xero().0), (vec!["booked".to_owned()], 1_010_000));
    let waits = story.make(&format!("{TRACKED},,{MONDAY},-51,damaged,,flooded\n")).await;
    assert!(waits.talk.contains("second decision"), "{waits:?}");
    assert_eq!((story.states().await[0].as_str(), story.in_xero().0), ("waiting", 1_010_000));
    story.approve_latest().await;
    assert_eq!((story.in_xero().0, story.questions().await), (500_000, vec![]));
}

#[tokio::test]
async fn a_fault_at_any_call_of_an_adjustment_leaves_one_document() {
    for fault in [ApiFault::DroppedBefore, ApiFault::DroppedAfterCommit, ApiFault::ServerError] {
        let mut story = Story::open(|_| {}).await;
        let mut due = 1_000_000;
        // looking for it, organisation, accounts, balances, quantities, writing, quantities
        for well in 0..7 {
            story.shop.world.lock().unwrap().script_call_after(well, fault);
            let note = format!("{fault:?} {well}");
            story.make(&format!("{TRACKED},,{MONDAY},-1,sample,,{note}\n")).await;
            story.minutes(60).await;
            due -= 10_000;
            let (on_hand, documents) = story.in_xero();
            assert_eq!((on_hand, documents.len()), (due, well + 1), "{note}");
            assert!(story.states().await.iter().all(|state| state == "booked"), "{note}");
            assert_eq!(story.questions().await, Vec::<String>::new(), "{note}");
        }
        assert_eq!(story.ledger().await.0, q("93"));
    }
}

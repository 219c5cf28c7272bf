//! The demo's story, end to end and in process: sale, webhook, movement, warning, proposal, approval, DRAFT
//! purchase order, digest; and what a lost webhook and an idle poll come to.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp};
use parstock_app::load;
use parstock_app::ports::Ports;
use parstock_app::records::{DocumentRecord, Key, List, Owner};
use parstock_domain::audit::{Entry, Statement};
use parstock_domain::document::{DocumentKind, DocumentRef, Item};
use parstock_domain::event::{EventType, Source};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::governance::{Proposal, ProposalState};
use parstock_domain::ids::{DocumentId, LocationId, OrgId};
use parstock_domain::ledger::{Cause, Movement, Position, View};
use parstock_local::ask::{Ask, answer_in_folder, console};
use parstock_local::commands::adjustments::Adjusting;
use parstock_local::commands::landed::Vouchers;
use parstock_local::commands::ledger::Asked;
use parstock_local::commands::prices::Pricing;
use parstock_local::commands::receipts::Receiving;
use parstock_local::demo::{self, Demo};
use parstock_local::driver::locked;
use parstock_local::folder::Folder;
use parstock_local::notebook::Notebook;
use parstock_local::ports::LocalPorts;
use parstock_xero_sim::act::{self, JournalStatus, Status};
use parstock_xero_sim::demo::{COST_OF_GOODS, cases};

struct Story {
    demo: Demo,
    org: OrgId,
    path: tempfile::TempDir,
}

impl Story {
    async fn begin() -> Self {
        let path = tempfile::tempdir().unwrap();
        let folder = Folder::at(path.path()).unwrap();
        let notebook = Notebook::open(&folder.file("local.sqlite")).unwrap();
        let console = "http://127.0.0.1:4100".to_owned();
        // these futures are large, and the stack of a test is not
        let mut demo = Box::pin(demo::open(&folder, notebook, console, demo::SEED, &mut ())).await.unwrap();
        let org = Box::pin(demo.set_up(&mut ())).await.unwrap();
        Self { demo, org, path }
    }

    fn ports(&self) -> Arc<LocalPorts> {
        Arc::clone(self.demo.driver.ports())
    }

    /// Runs until an hour of a day of the company.
    async fn run_until(&mut self, day: i64, hours: i64) {
        let at: Timestamp = self.demo.begins(day).unwrap() + SignedDuration::from_hours(hours);
        Box::pin(self.demo.driver.run_until(at)).await.unwrap();
    }

    fn documents(&self, kind: act::DocumentKind) -> Vec<parstock_xero_sim::DocumentView> {
        let world = locked(&self.demo.driver.simulation.as_ref().unwrap().world);
        world.documents().filter(|document| document.kind == kind).collect()
    }

    /// Calls that count against Xero's limits: those for tokens go to another server.
    fn calls(&self) -> u64 {
        let audit = locked(&self.demo.driver.simulation.as_ref().unwrap().world).audit();
        audit.calls.iter().filter(|(what, _)| *what != "POST token").map(|(_, count)| count).sum()
    }

    async fn statements(&self) -> Vec<Statement> {
        let ports = self.ports();
        let entries = load::all::<Entry>(ports.store(), self.org, &List::AuditEntries).await.unwrap();
        entries.iter().map(|(_, row)| serde_json::from_str(&row.content.payload).unwrap()).collect()
    }

    async fn ask(&self, ask: Ask) -> parstock_local::ask::Answer {
        Box::pin(answer_in_folder(&self.ports(), &ask)).await.unwrap()
    }

    fn mails(&self) -> Vec<String> {
        let folder = self.path.path().join("mail");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect()
    }
}

/// What lies there, by code, as the list of positions says it.
fn on_hand(positions: &serde_json::Value) -> BTreeMap<String, Quantity> {
    let of = |row: &serde_json::Value| {
        let quantity = row["on_hand"].as_str().unwrap_or("0").parse().unwrap();
        (row["code"].as_str().unwrap().to_owned(), quantity)
    };
    positions.as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn a_sale_becomes_a_movement_a_warning_an_order_and_a_line_in_the_digest_and_lost_webhooks_are_made_good()
 {
    let mut story = Story::begin().await;
    let ports = story.ports();

    // morning of day 1: the digest is out and the owner has approved the first proposal
    story.run_until(1, 10).await;
    let ours: Vec<_> = story
        .documents(act::DocumentKind::PurchaseOrder)
        .into_iter()
        .filter(|order| order.number.starts_with("PS-"))
        .collect();
    assert_eq!(ours.len(), 1, "one approval is one order: {ours:?}");
    let order = ours[0].clone();
    assert_eq!(order.status, Status::Draft);
    let notes = locked(&story.demo.driver.simulation.as_ref().unwrap().world).notes(order.id);
    assert_eq!(notes.len(), 1, "the reason stands in the order's history: {notes:?}");
    let proposals = load::all::<Proposal>(ports.store(), story.org, &List::Proposals).await.unwrap();
    let done = proposals.iter().filter_map(|(_, row)| match &row.content.status {
        ProposalState::Done { order, .. } => Some(*order),
        _ => None,
    });
    assert_eq!(done.collect::<Vec<_>>(), [DocumentId(order.id)]);

    // 11:00: a big sale takes a tracked item below its reorder point
    story.run_until(1, 13).await;
    let is_big_sale = |document: &parstock_xero_sim::DocumentView| {
        document.lines.iter().any(|line| {
            line.item_code.as_deref() == Some(cases::CROSSES_TRACKED) && line.quantity > act::E4::whole(50)
        })
    };
    let sale = story.documents(act::DocumentKind::Invoice).into_iter().rev().find(is_big_sale).unwrap();
    let items = load::all::<Item>(ports.store(), story.org, &List::Items).await.unwrap();
    let item = items.iter().find(|(_, row)| row.content.code == cases::CROSSES_TRACKED).unwrap().1.content.id;
    let movements = load::all::<Movement>(ports.store(), story.org, &List::Movements(item)).await.unwrap();
    let of = DocumentRef { kind: DocumentKind::SalesInvoice, id: DocumentId(sale.id) };
    let booked = movements
        .iter()
        .filter(|(_, row)| matches!(row.content.key.cause, Cause::Document { of: cause, .. } if cause == of));
    assert_eq!(booked.count(), 1, "the sale is booked once");
    story.run_until(1, 17).await;
    assert!(
        story
            .mails()
            .iter()
            .any(|mail| mail.contains(cases::CROSSES_TRACKED) && mail.contains("reorder point")),
        "a warning names the item"
    );

    // the night after: what was sold of untracked stock is a draft journal, and comes to what the cards say
    story.run_until(2, 4).await;
    let journals: Vec<_> =
        locked(&story.demo.driver.simulation.as_ref().unwrap().world).manual_journals().collect();
    assert_eq!(journals.len(), 1, "{journals:?}");
    assert_eq!((journals[0].date, journals[0].status), (date(2026, 6, 1), JournalStatus::Draft));
    let console = Box::pin(console(&*ports, story.org)).await.unwrap();
    let mut sold = Money::ZERO;
    for (_, row) in items.iter().filter(|(_, row)| !row.content.tracked) {
        let card = Box::pin(console.card(row.content.id, View::default())).await.unwrap().card;
        let counted = card.end.is_some();
        for row in card.rows.iter().filter(|row| counted && row.on == date(2026, 6, 1)) {
            if row.cause.starts_with("invoice")
                || row.cause.contains("credit")
                || row.cause == "receive money"
            {
                sold = sold.minus(row.value).unwrap();
            }
        }
    }
    let debited = journals[0].lines.iter().find(|line| line.account_code == COST_OF_GOODS).unwrap();
    assert_eq!(debited.amount.0, sold.to_cents().e4(), "{journals:?}");
    assert!(sold > Money::ZERO);

    // the morning after: the digest names the order that was written the day before
    story.run_until(2, 10).await;
    let digest = story.ask(Ask::Digest { day: Some("2026-06-02".into()) }).await;
    assert!(digest.text.contains(&order.number), "{}", digest.text);
    let drafted = format!("1 journal of ${} waits in Xero as a draft.", sold.to_cents());
    assert!(digest.text.contains(&drafted), "{}", digest.text);
    assert!(story.mails().iter().any(|mail| mail.contains(&order.number)), "and so does the mail");

    // a price that nobody changed in Xero, and freight of what came in that morning
    let prices = story.ask(Ask::Prices(Pricing::List)).await;
    assert_eq!(prices.json.as_array().unwrap().len(), 1, "{}", prices.text);
    assert!(digest.text.contains("1 item price to decide"), "{}", digest.text);
    let named = format!("{}={}", cases::PRICE_FORGOTTEN, prices.json[0]["to"].as_str().unwrap());
    story.ask(Ask::Prices(Pricing::Decide { approve: true, prices: vec![named] })).await;
    let open = story.ask(Ask::Landed(Vouchers::List)).await;
    let bill = open.json["to_spread"][0]["bill"].as_str().unwrap().to_owned();
    let text = format!("by = 'value'\n[[charge]]\nbill = '{bill}'\n[[receipt]]\nbill = '{bill}'\n");
    let shown = story.ask(Ask::Landed(Vouchers::Make { text: text.clone(), contents: None })).await;
    let contents = Some(shown.json["contents"].as_str().unwrap().to_owned());
    story.ask(Ask::Landed(Vouchers::Make { text, contents })).await;
    story.run_until(2, 11).await;
    // what Xero tracks of it is revalued there once a person says so
    let adjustments = story.ask(Ask::Adjustments(Adjusting::List)).await;
    let waits = |it: &&serde_json::Value| it["stage"]["state"] == "waiting";
    let waiting = adjustments.json.as_array().unwrap().iter().find(waits).unwrap();
    let number = waiting["number"].as_str().unwrap().to_owned();
    story.ask(Ask::Adjustments(Adjusting::Approve { number })).await;
    story.run_until(2, 12).await;
    assert_eq!(story.ask(Ask::Prices(Pricing::List)).await.json, serde_json::json!([]));
    let vouchers = story.ask(Ask::Landed(Vouchers::List)).await;
    assert_eq!(
        (&vouchers.json["vouchers"][0]["stage"], &vouchers.json["to_spread"]),
        (&"booked".into(), &serde_json::json!([]))
    );
    let journals: Vec<_> =
        locked(&story.demo.driver.simulation.as_ref().unwrap().world).manual_journals().collect();
    assert!(journals.last().unwrap().narration.starts_with("Landed cost, "), "{journals:?}");
    assert_eq!(journals.len(), 2);

    // goods of an order come in: what Xero does not track is in stock, and Xero has a draft of the bill
    let order = story.ask(Ask::Receipts(Receiving::List)).await.json["to_come"]
        .as_array()
        .and_then(|orders| orders.last()?["order"].as_str().map(str::to_owned))
        .unwrap();
    let positions = Ask::Positions { search: String::new(), standing: None, at: None };
    let before = on_hand(&story.ask(positions.clone()).await.json);
    let (items, slip) = (Vec::new(), String::new());
    let make = Receiving::Make { order, items, on: None, slip, billed: false, ends: false };
    let receipt = story.ask(Ask::Receipts(make)).await;
    assert_eq!(receipt.exit_code, 0, "{}", receipt.text);
    story.run_until(2, 13).await;
    let after = on_hand(&story.ask(positions).await.json);
    let mut came_in = 0;
    for line in receipt.json["lines"].as_array().unwrap() {
        let code = line["code"].as_str().unwrap();
        let item = story.ask(Ask::Item { code: code.to_owned() }).await;
        let quantity: Quantity = line["quantity"].as_str().unwrap().parse().unwrap();
        let came = if item.json["tracked"] == true { Quantity::ZERO } else { quantity };
        came_in += usize::from(!came.is_zero());
        // somebody may have bought some of it in that hour
        assert!(after[code] <= before[code].plus(came).unwrap(), "{code}: {}", receipt.text);
        assert!(came.is_zero() || after[code] > before[code], "{code}: {}", receipt.text);
    }
    assert!(came_in > 0, "nothing of it is ours: {}", receipt.text);
    let name = format!("GR-{}", receipt.json["number"].as_str().unwrap());
    let bills = story.documents(act::DocumentKind::Bill);
    let bill = bills.iter().find(|bill| bill.number == name).unwrap();
    assert_eq!(bill.status, Status::Draft);

    // commands answer from the same data
    let shown = story.ask(Ask::Item { code: cases::CROSSES_TRACKED.into() }).await;
    assert!(shown.text.contains(&sale.number), "{}", shown.text);
    let card_of = |code: &str| Asked { item: code.to_owned(), csv: true, ..Asked::default() };
    let card = story.ask(Ask::Ledger(card_of(cases::CROSSES_TRACKED))).await;
    let lines = card.json["lines"].as_array().unwrap();
    assert_eq!(card.text.lines().count(), lines.len() + 1, "one line each, below their headings");
    let ends = [&card.json["quantity"], &lines.last().unwrap()["after"]];
    assert_eq!(ends, [&shown.json["on_hand"]; 2], "the card ends at what Xero holds");
    let unknown = answer_in_folder(&story.ports(), &Ask::Ledger(card_of("P-9999"))).await;
    assert!(unknown.unwrap_err().to_string().contains("P-9999"));
    let positions = story.ask(Ask::Positions { search: String::new(), standing: None, at: None }).await;
    assert_eq!(positions.json.as_array().unwrap().len(), 60);
    let older = Ask::Positions { search: String::new(), standing: None, at: Some("2026-05-01".into()) };
    assert_eq!(story.ask(older).await.json.as_array().unwrap().len(), 60);
    // docs/cli.md shows each answer under the heading that it has
    let docs = include_str!("../../../../docs/cli.md");
    for ask in [
        Ask::Positions { search: String::new(), standing: None, at: None },
        Ask::Proposals,
        Ask::Reviews,
        Ask::Health,
    ] {
        let text = story.ask(ask).await.text;
        let heading: Vec<&str> = text.lines().next().unwrap().split_whitespace().take(2).collect();
        let is_heading = |line: &str| line.split_whitespace().take(2).eq(heading.iter().copied());
        assert!(docs.lines().any(is_heading), "{heading:?}");
    }
    let audit = story.ask(Ask::VerifyAudit).await;
    assert_eq!((audit.exit_code, &audit.json["whole"]), (0, &serde_json::json!(true)));
    let health = story.ask(Ask::Health).await;
    assert!(
        health.json["queues"].as_array().unwrap().iter().all(|queue| queue["dead"] == 0),
        "{}",
        health.text
    );

    // the proof of the night names what was adjusted in Xero, and mends nothing
    let proof = story.ask(Ask::Reconcile { now: false }).await;
    assert_eq!(proof.exit_code, 1, "{}", proof.text);
    let differences = proof.json["differences"].as_array().unwrap();
    for code in [cases::ADJUSTED_UP, cases::ADJUSTED_DOWN] {
        let named = |it: &&serde_json::Value| it["named"].as_str().unwrap().starts_with(code);
        let found = differences.iter().find(named).unwrap();
        assert_eq!(
            (&found["cause"], &found["quantity"]),
            (&"adjusted_in_xero".into(), &"0".into()),
            "{found}"
        );
    }
    let accounts = proof.json["accounts"].as_array().unwrap();
    assert!(!accounts.is_empty() && differences.iter().all(|it| it["account"].is_null()), "{}", proof.text);
    // the first digest after it tells so, and the next one nothing that is known
    let first = story.ask(Ask::Digest { day: Some("2026-06-01".into()) }).await;
    assert!(first.text.contains("The daily proof found"), "{}", first.text);
    let before = story.calls();
    let anew = story.ask(Ask::Reconcile { now: true }).await;
    assert_eq!((anew.exit_code, story.calls() - before), (1, 3), "{}", anew.text);

    story.run_until(4, 2).await;

    // nobody trades at night
    let before = story.calls();
    // one poll, and the five seconds that its message waits for others
    let at = ports.clock.now() + SignedDuration::from_mins(16);
    story.demo.driver.run_until(at).await.unwrap();
    let used = story.calls() - before;
    assert!((1..=5).contains(&used), "an idle poll took {used} calls");

    // webhooks were lost on purpose, and everything is booked all the same
    let found = story.statements().await.into_iter().filter(|statement| {
        statement.event.as_ref().is_some_and(|event| {
            event.what == EventType::InvoiceCreated
                && event.source == Source::Poll
                && event.time > story.demo.begins(1).unwrap()
        })
    });
    assert!(found.count() > 0, "no webhook was lost in three days of trade");
    for document in story.documents(act::DocumentKind::Invoice) {
        let of = DocumentRef { kind: DocumentKind::SalesInvoice, id: DocumentId(document.id) };
        let row = load::one::<DocumentRecord>(ports.store(), Owner::Org(story.org), Key::Document(of))
            .await
            .unwrap();
        assert!(row.is_some_and(|row| row.content.progress.is_none()), "{} is not booked", document.number);
    }
    let stocks: Vec<(String, i64)> = {
        let world = locked(&story.demo.driver.simulation.as_ref().unwrap().world);
        let tracked = world.items().filter(|(_, tracked, _)| *tracked);
        tracked.map(|(code, _, stock)| (code.to_owned(), stock.on_hand.0)).collect()
    };
    let items = load::all::<Item>(ports.store(), story.org, &List::Items).await.unwrap();
    for (code, on_hand) in stocks {
        let item = items.iter().find(|(_, row)| row.content.code == code).unwrap().1.content.id;
        let key = Key::Position(item, LocationId::main());
        let position =
            load::one::<Position>(ports.store(), Owner::Org(story.org), key).await.unwrap().unwrap();
        assert_eq!(position.content.snapshot.unwrap().xero.on_hand.e4(), on_hand, "{code}");
        assert_eq!(position.content.booked.e4(), on_hand, "{code}: movements explain what Xero holds");
    }
    // two years of papers by the carton, told after they were booked, are what the shop has of single ones
    let there = {
        let world = locked(&story.demo.driver.simulation.as_ref().unwrap().world);
        parstock_xero_sim::demo::View::of(&story.demo.company, world.documents())
            .on_hand(cases::BY_THE_CARTON)
    };
    let known =
        on_hand(&story.ask(Ask::Positions { search: String::new(), standing: None, at: None }).await.json);
    assert_eq!(known[cases::BY_THE_CARTON], Quantity::from_whole(there).unwrap());
}

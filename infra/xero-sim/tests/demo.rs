//! The demo company: its history is accepted by the simulated Xero, and each named case is there.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that isn't as it should be")]

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use parstock_xero_sim::act::{Act, DocumentKind, E4, Status, TimedAct};
use parstock_xero_sim::demo::{CATEGORIES, DemoCompany, SUPPLIERS, View, cases};
use parstock_xero_sim::{DocumentView, Settings, World};

const DAY_1: Date = date(2026, 10, 12);
const SEED: u64 = 42;
/// Documents that the whole demo may have.
const DOCUMENTS_MAX: usize = 2_500;

fn world_of(company: &DemoCompany, seed: u64) -> World {
    let mut world = World::open(None, seed, Settings::development(seed)).unwrap();
    world.apply_history(company.history()).unwrap();
    world
}

/// Trades the days from the first on, as the runner does.
fn trade(company: &DemoCompany, world: &mut World, days: i64) {
    for offset in 0..days {
        let day = company.first_trading_day().checked_add(jiff::Span::new().days(offset)).unwrap();
        let view = View::of(company, world.documents());
        world.apply_history(&company.trade(day, &view)).unwrap();
        world.apply_history(&company.evening(day, &view)).unwrap();
    }
}

fn on_hand(company: &DemoCompany, world: &World, code: &str) -> i64 {
    View::of(company, world.documents()).on_hand(code)
}

fn documents_with<'a>(
    documents: &'a [DocumentView],
    code: &str,
    kind: DocumentKind,
) -> Vec<&'a DocumentView> {
    let has = |document: &&DocumentView| {
        document.kind == kind && document.lines.iter().any(|line| line.item_code.as_deref() == Some(code))
    };
    documents.iter().filter(has).collect()
}

fn units(document: &DocumentView, code: &str) -> i64 {
    let of_item = document.lines.iter().filter(|line| line.item_code.as_deref() == Some(code));
    of_item.map(|line| line.quantity).sum::<E4>().0 / E4::ONE.0
}

fn open_order_lines(documents: &[DocumentView], code: &str) -> usize {
    let orders = documents_with(documents, code, DocumentKind::PurchaseOrder);
    orders.iter().filter(|order| !matches!(order.status, Status::Billed | Status::Deleted)).count()
}

#[test]
fn the_books_accept_every_act_under_many_seeds() {
    for seed in 1..=4 {
        let first_trading_day = date(2026, i8::try_from(seed).unwrap() * 3, 3);
        let company = DemoCompany::new(seed, first_trading_day);
        let mut world = world_of(&company, seed);
        assert!(world.document_count() <= DOCUMENTS_MAX - 100, "seed {seed}: {}", world.document_count());
        assert!(world.document_count() > 1_700, "seed {seed}: {}", world.document_count());
        trade(&company, &mut world, 10);
        assert!(world.document_count() <= DOCUMENTS_MAX, "seed {seed}: {}", world.document_count());
    }
}

#[test]
fn the_history_is_a_pure_function_of_seed_and_day_and_in_order() {
    let company = DemoCompany::new(SEED, DAY_1);
    assert_eq!(company.history(), DemoCompany::new(SEED, DAY_1).history());
    assert_ne!(company.history(), DemoCompany::new(SEED + 1, DAY_1).history());
    assert!(company.history().is_sorted_by_key(|timed| timed.at));
    let zone = company.time_zone();
    for TimedAct { at, .. } in company.history() {
        let local = at.to_zoned(zone.clone());
        assert!((7..18).contains(&local.hour()), "{local}");
        assert!(company.first_day() <= local.date() && local.date() < DAY_1, "{local}");
    }
    let offsets: BTreeSet<_> = company.history().iter().map(|timed| zone.to_offset(timed.at)).collect();
    assert_eq!(offsets.len(), 2, "both summer and winter time");
}

#[test]
fn sixty_items_in_five_categories_twenty_of_them_tracked_from_four_suppliers() {
    let company = DemoCompany::new(SEED, DAY_1);
    let items = company.items();
    assert_eq!(items.len(), 60);
    assert_eq!(items.iter().filter(|item| item.tracked).count(), 20);
    assert_eq!(items.iter().map(|item| item.category).collect::<BTreeSet<_>>().len(), CATEGORIES.len());
    assert_eq!(SUPPLIERS.each_ref().map(|supplier| supplier.lead_days), [5, 12, 21, 45]);
    assert!(items.iter().all(|item| item.minimum_order % item.pack == 0 && item.price > item.cost));
}

#[test]
fn every_kind_of_document_and_second_thought_occurs() {
    let company = DemoCompany::new(SEED, DAY_1);
    let world = world_of(&company, SEED);
    let documents: Vec<DocumentView> = world.documents().collect();
    let count = |wanted: &dyn Fn(&DocumentView) -> bool| {
        documents.iter().filter(|&document| wanted(document)).count()
    };
    let in_advance = [
        DocumentKind::SpendPrepayment,
        DocumentKind::ReceivePrepayment,
        DocumentKind::SpendOverpayment,
        DocumentKind::ReceiveOverpayment,
    ];
    // that is no part of this company's trade
    for kind in DocumentKind::ALL.into_iter().filter(|kind| !in_advance.contains(kind)) {
        assert!(count(&|document| document.kind == kind) > 0, "{kind:?}");
    }
    assert!(count(&|d| d.kind == DocumentKind::Invoice && d.status == Status::Voided) >= 3);
    assert!(count(&|d| d.kind == DocumentKind::Invoice && d.status == Status::Deleted) >= 3);
    assert!(count(&|d| d.kind == DocumentKind::Invoice && d.status == Status::Paid) >= 50);
    assert!(count(&|d| d.kind == DocumentKind::SalesCredit) >= 10);
    assert!(count(&|d| d.lines.iter().any(|line| line.item_code.is_none())) >= 50);
    let bills =
        count(&|d| d.kind == DocumentKind::Bill && d.lines.iter().any(|line| line.item_code.is_some()));
    let named = count(&|d| d.kind == DocumentKind::Bill && d.number.contains(" PO-"));
    assert!(named * 10 > bills * 7 && named < bills, "{named} of {bills} bills name their order");
    let edits = company
        .history()
        .iter()
        .filter(|timed| matches!(&timed.act, Act::EditDocument { changes, .. } if changes.lines.is_some()));
    assert!(edits.count() >= 3);
}

#[test]
fn the_opening_file_counts_all_untracked_items_but_three() {
    let company = DemoCompany::new(SEED, DAY_1);
    let text = company.opening_csv();
    assert!(text.starts_with("item,location,as_of,quantity,unit_cost\n"));
    assert_eq!(text.lines().count(), 1 + 40 - cases::NOT_COUNTED.len());
    for code in cases::NOT_COUNTED {
        assert!(!text.contains(code), "{code}");
        assert!(company.items().iter().any(|item| item.code == code && !item.tracked), "{code}");
    }
    let eve = company.first_day().yesterday().unwrap();
    assert!(text.lines().skip(1).all(|line| line.contains(&format!(",,{eve},"))), "{text}");
}

#[test]
fn what_was_sold_was_there() {
    for seed in [SEED, 7] {
        let company = DemoCompany::new(seed, DAY_1);
        let mut stock: BTreeMap<String, i64> = BTreeMap::new();
        for line in company.opening_csv().lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            stock.insert(cells[0].to_owned(), cells[3].parse().unwrap());
        }
        let mut world = World::open(None, seed, Settings::development(seed)).unwrap();
        world.apply_history(company.history()).unwrap();
        for document in world.documents() {
            let sign = match document.kind {
                DocumentKind::PurchaseOrder => continue,
                DocumentKind::Bill | DocumentKind::SalesCredit | DocumentKind::SpendMoney => 1,
                _ => -1,
            };
            if !matches!(document.status, Status::Authorised | Status::Paid) {
                continue;
            }
            let is_purchase = matches!(
                document.kind,
                DocumentKind::Bill | DocumentKind::SpendMoney | DocumentKind::SupplierCredit
            );
            for line in document.lines.iter().filter(|line| line.item_code.is_some()) {
                let code = line.item_code.clone().unwrap();
                let per = match company.items().iter().find(|item| is_purchase && item.code == code) {
                    Some(item) => item.per_paper_unit(),
                    None => 1,
                };
                *stock.entry(code).or_default() += sign * line.quantity.0 * per / E4::ONE.0;
            }
        }
        stock.retain(|code, _| !cases::NOT_COUNTED.contains(&code.as_str()));
        assert!(stock.values().all(|units| *units >= 0), "{stock:?}");
    }
}

#[test]
fn the_cases_of_the_first_morning_are_there() {
    for seed in 1..=4 {
        let company = DemoCompany::new(seed, DAY_1);
        let world = world_of(&company, seed);
        let documents: Vec<DocumentView> = world.documents().collect();
        let stock = |code| on_hand(&company, &world, code);
        assert_eq!(stock(cases::OUT_OF_STOCK), 0);
        assert!((1..=2).contains(&stock(cases::LOW_UNTRACKED)), "{}", stock(cases::LOW_UNTRACKED));
        assert!((1..=9).contains(&stock(cases::LOW_LONG_LEAD)), "{}", stock(cases::LOW_LONG_LEAD));
        assert!(stock(cases::CROSSES_TRACKED) >= 160);
        assert!(stock(cases::CROSSES_UNTRACKED) >= 150);
        assert!(stock(cases::OVERSTOCK) >= 150, "{}", stock(cases::OVERSTOCK));
        assert!(stock(cases::DEAD) >= 36, "{}", stock(cases::DEAD));
        for code in [
            cases::OUT_OF_STOCK,
            cases::LOW_UNTRACKED,
            cases::LOW_LONG_LEAD,
            cases::CROSSES_TRACKED,
            cases::CROSSES_UNTRACKED,
        ] {
            assert_eq!(open_order_lines(&documents, code), 0, "{code} is on order under seed {seed}");
        }
        let view = View::of(&company, world.documents());
        let open: Vec<&str> = view.open_orders().collect();
        for order in cases::UNCLEAR_ORDERS.iter().skip(1).chain([&cases::PARTIAL_ORDER]) {
            assert!(open.contains(order), "{order} of {open:?}");
        }
        // Both orders are open as far as bills tell: the delivery named neither.
        assert_eq!(open_order_lines(&documents, cases::UNCLEAR), 2);
        let bill = documents_with(&documents, cases::UNCLEAR, DocumentKind::Bill).pop().unwrap();
        assert!(!bill.number.contains("PO-") && units(bill, cases::UNCLEAR) == 24, "{bill:?}");
        let drafts = documents_with(&documents, cases::DRAFT_COMMITS, DocumentKind::Invoice);
        let drafts: Vec<_> = drafts.into_iter().filter(|document| document.status == Status::Draft).collect();
        assert!(drafts.len() == 1 && units(drafts[0], cases::DRAFT_COMMITS) == 12);
    }
}

#[test]
fn dead_items_sell_no_more_and_intermittent_ones_seldom() {
    let company = DemoCompany::new(SEED, DAY_1);
    let documents: Vec<DocumentView> = world_of(&company, SEED).documents().collect();
    let last_sale = documents_with(&documents, cases::DEAD, DocumentKind::Invoice).last().unwrap().date;
    assert!(last_sale.until(DAY_1).unwrap().get_days() >= 270, "{last_sale}");
    for code in cases::INTERMITTENT {
        let sales = documents_with(&documents, code, DocumentKind::Invoice).len();
        assert!((1..=25).contains(&sales), "{code}: {sales}");
    }
}

#[test]
fn one_supplier_raised_its_prices() {
    let company = DemoCompany::new(SEED, DAY_1);
    let rise = company.price_rise();
    assert_eq!(rise, date(2026, 6, 1));
    let documents: Vec<DocumentView> = world_of(&company, SEED).documents().collect();
    let supplier = SUPPLIERS[cases::PRICE_RISE_SUPPLIER].name;
    let orders = documents
        .iter()
        .filter(|document| document.kind == DocumentKind::PurchaseOrder && document.contact == supplier);
    let (mut before, mut after) = (0, 0);
    for order in orders {
        for line in &order.lines {
            let item =
                company.items().iter().find(|item| Some(item.code) == line.item_code.as_deref()).unwrap();
            let raised = order.date >= rise;
            let cost = item.cost.times(E4::whole(item.per_paper_unit()));
            assert_eq!(line.unit_amount > cost, raised, "{order:?}");
            *(if raised { &mut after } else { &mut before }) += 1;
        }
    }
    assert!(before > 0 && after > 0);
}

#[test]
fn the_cases_of_the_first_trading_days_happen() {
    let company = DemoCompany::new(SEED, DAY_1);
    let mut world = world_of(&company, SEED);
    let adjusted_before = on_hand(&company, &world, cases::ADJUSTED_UP);
    let voided_before = on_hand(&company, &world, cases::VOIDED);
    let day_1 = company.trade(DAY_1, &View::of(&company, world.documents()));
    let crossing = day_1.iter().find(|timed| {
        let Act::CreateDocument(new) = &timed.act else { return false };
        new.lines.iter().any(|line| line.item_code.as_deref() == Some(cases::CROSSES_TRACKED))
    });
    assert_eq!(
        crossing.unwrap().at,
        DAY_1.at(11, 0, 0, 0).to_zoned(company.time_zone()).unwrap().timestamp()
    );
    assert_eq!(
        day_1,
        company.trade(DAY_1, &View::of(&company, world.documents())),
        "the same view, the same acts"
    );

    trade(&company, &mut world, 1);
    assert_eq!(on_hand(&company, &world, cases::CROSSES_TRACKED), 10);
    assert_eq!(on_hand(&company, &world, cases::CROSSES_UNTRACKED), 9);
    assert_eq!(on_hand(&company, &world, cases::VOIDED), voided_before - 5);

    trade_from(&company, &mut world, 1, 3);
    let documents: Vec<DocumentView> = world.documents().collect();
    let last = |code| documents_with(&documents, code, DocumentKind::Invoice).pop().unwrap();
    assert_eq!(last(cases::VOIDED).status, Status::Voided);
    assert_eq!(units(last(cases::EDITED), cases::EDITED), 6);
    assert_eq!(on_hand(&company, &world, cases::VOIDED), voided_before);
    let credit = documents_with(&documents, cases::RETURNED, DocumentKind::SalesCredit).pop().unwrap();
    assert_eq!((credit.date, units(credit, cases::RETURNED)), (date(2026, 10, 13), 2));
    let drafts = documents_with(&documents, cases::DRAFT_COMMITS, DocumentKind::Invoice);
    assert!(drafts.iter().all(|document| document.status != Status::Draft));
    let adjustment = documents_with(&documents, cases::ADJUSTED_UP, DocumentKind::Bill).pop().unwrap();
    assert_eq!((adjustment.total, adjustment.date), (E4::ZERO, date(2026, 10, 14)));
    assert!(adjusted_before > 0);

    trade_from(&company, &mut world, 3, 4);
    let documents: Vec<DocumentView> = world.documents().collect();
    let order = documents.iter().find(|document| document.number == cases::PARTIAL_ORDER).unwrap();
    assert_eq!(order.status, Status::Billed, "the rest came on day 4");
    let rest = documents_with(&documents, cases::PARTIAL_ITEMS[0], DocumentKind::Bill).pop().unwrap();
    assert_eq!(units(rest, cases::PARTIAL_ITEMS[0]), 12);
}

fn trade_from(company: &DemoCompany, world: &mut World, from: i64, until: i64) {
    for offset in from..until {
        let day = company.first_trading_day().checked_add(jiff::Span::new().days(offset)).unwrap();
        let acts = company.trade(day, &View::of(company, world.documents()));
        world.apply_history(&acts).unwrap();
    }
}

#[test]
fn an_order_that_somebody_else_wrote_is_approved_delivered_and_billed() {
    use parstock_xero_sim::act::{Line, LineAmountTypes, NewDocument};
    let company = DemoCompany::new(SEED, DAY_1);
    let mut world = world_of(&company, SEED);
    let before = on_hand(&company, &world, cases::LOW_UNTRACKED);
    let at = DAY_1.at(12, 0, 0, 0).to_zoned(company.time_zone()).unwrap().timestamp();
    let order = NewDocument {
        kind: DocumentKind::PurchaseOrder,
        number: "PS-K4ZT2".to_owned(),
        reference: String::new(),
        contact: SUPPLIERS[0].name.to_owned(),
        date: DAY_1,
        due: None,
        expected_arrival: None,
        status: Status::Draft,
        amounts: LineAmountTypes::Exclusive,
        currency: None,
        lines: vec![Line {
            item_code: Some(cases::LOW_UNTRACKED.to_owned()),
            quantity: E4::whole(30),
            unit_amount: E4::cents(480),
            ..Line::default()
        }],
    };
    world.apply_history(&[TimedAct { at, act: Act::CreateDocument(order) }]).unwrap();
    trade(&company, &mut world, 16);
    let documents: Vec<DocumentView> = world.documents().collect();
    let order = documents.iter().find(|document| document.number == "PS-K4ZT2").unwrap();
    assert_eq!(order.status, Status::Billed);
    let bills: Vec<_> = documents.iter().filter(|document| document.number.ends_with(" PS-K4ZT2")).collect();
    assert_eq!(bills.iter().map(|bill| units(bill, cases::LOW_UNTRACKED)).sum::<i64>(), 30);
    assert!(bills.iter().all(|bill| bill.date >= date(2026, 10, 16)), "not before its lead time");
    assert!(on_hand(&company, &world, cases::LOW_UNTRACKED) <= before + 30);
}

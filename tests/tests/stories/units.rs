//! Purchase units: papers that count by the case are stock, costs, orders and prices by the piece.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use jiff::SignedDuration;
use parstock_app::decide::{Decision, decide};
use parstock_app::settings::{self, Applied};
use parstock_app::{prices, receiving};
use parstock_domain::document::{Document, DocumentKind, DocumentStatus};
use parstock_domain::goods_receipt::{BillFate, Request};
use parstock_domain::settings::files::Files;
use parstock_tests::scheduler::run_alone;

use super::stock::{Shop, bill, day, item, order, paper, q, sale};

const CASES: &str = "item,supplier,from,unit,holds\nBOX,,,case,12\n";
const NONE: &str = "item,supplier,from,unit,holds\n";

async fn count_by(shop: &Shop, units: &str) {
    shop.set(Files { units: Some(units), ..Files::default() }).await;
}

/// On hand, and what it is worth.
fn stands(shop: &Shop) -> (String, String) {
    (shop.on_hand("BOX"), shop.position("BOX").value.to_string())
}

fn is(quantity: &str, value: &str) -> (String, String) {
    (quantity.to_owned(), value.to_owned())
}

/// A shop that counted twelve boxes at 2 before everything else.
async fn shop() -> Shop {
    let shop = Shop::new(&["BOX", "BAG"]);
    shop.connect().await;
    shop.count("BOX", "2026-04-01", "12").await.unwrap();
    shop
}

#[test]
fn papers_of_suppliers_are_read_by_the_case_and_those_of_customers_by_the_piece() {
    run_alone(async {
        let shop = shop().await;
        shop.save(bill("B-1", "2026-04-10").line("BOX", "10", "24").line("BAG", "3", "1"));
        shop.save(paper(DocumentKind::SupplierCredit, "C-1", "2026-04-11").line("BOX", "1", "24"));
        shop.save(paper(DocumentKind::SpendMoney, "M-1", "2026-04-12").line("BOX", "0.5", "24"));
        shop.save(sale("S-1", "2026-04-13").line("BOX", "6", "5"));
        shop.poll().await;
        assert_eq!(shop.on_hand("BOX"), "15.5", "12 and 10, one back, a half, six sold");
        count_by(&shop, CASES).await;
        assert_eq!(stands(&shop), is("120", "240.00"), "12 and 120, 12 back, 6, six sold: at 2 each");
        assert_eq!(shop.position("BAG").booked, q("3"), "it has no case");
        // the same file again changes nothing, and neither does looking again
        let before = shop.movements("BOX").len();
        count_by(&shop, CASES).await;
        shop.poll().await;
        assert_eq!((shop.movements("BOX").len(), stands(&shop)), (before, is("120", "240.00")));
        // what comes from now on is read so at once; five of twelve are 0.4167 on paper
        shop.save(bill("B-2", "2026-05-02").line("BOX", "0.4167", "24"));
        shop.poll().await;
        assert_eq!(shop.on_hand("BOX"), "125");
        // a void leaves what was there before, and without the rule all is as the papers say
        shop.save(bill("B-1", "2026-04-10").line("BOX", "10", "24").status(DocumentStatus::Voided));
        shop.poll().await;
        assert_eq!(shop.on_hand("BOX"), "5");
        count_by(&shop, NONE).await;
        assert_eq!(shop.on_hand("BOX"), "5.9167", "12, one back, 0.5, 0.4167, six sold");
    });
}

#[test]
fn a_rule_holds_from_its_day_on_and_a_supplier_s_own_before_everybody_s() {
    run_alone(async {
        let shop = shop().await;
        shop.save(bill("B-1", "2026-04-10").line("BOX", "1", "24"));
        shop.save(bill("B-2", "2026-05-10").line("BOX", "1", "24"));
        shop.poll().await;
        count_by(&shop, CASES).await;
        assert_eq!(shop.on_hand("BOX"), "36");
        let smaller = "item,supplier,from,unit,holds\nBOX,,,case,12\nBOX,Acme,2026-05-01,case,10\n";
        count_by(&shop, smaller).await;
        assert_eq!(shop.on_hand("BOX"), "34");
        // an old bill that is corrected now is still of the old case
        shop.save(bill("B-1", "2026-04-10").line("BOX", "2", "24"));
        shop.poll().await;
        assert_eq!(shop.on_hand("BOX"), "46");
        shop.save(bill("B-3", "2026-05-20").of("Other").line("BOX", "1", "24"));
        shop.poll().await;
        assert_eq!(shop.on_hand("BOX"), "58", "everybody's twelve");
        let others = "item,supplier,from,unit,holds\nBOX,,,case,12\nBOX,Other,2026-05-01,piece,1\n";
        count_by(&shop, others).await;
        assert_eq!(shop.on_hand("BOX"), "49", "12, two and one of twelve, and one");
        assert_eq!(shop.plan("BOX").on_hand, Some(q("49")), "that one is a piece holds up no plan");
    });
}

#[test]
fn orders_go_out_in_whole_cases_at_the_price_of_a_case_and_come_back_by_the_piece() {
    run_alone(async {
        let shop = shop().await;
        count_by(&shop, CASES).await;
        shop.save(bill("B-1", "2026-04-10").line("BOX", "3", "100"));
        shop.save(sale("S-1", "2026-05-13").line("BOX", "44", "20"));
        shop.poll().await;
        assert_eq!(shop.on_hand("BOX"), "4");
        let policy = r#"{"version":1,"rules":[{"scope":"org","setting":"phase","value":"assist"}]}"#;
        let items = "item,min,max\nBOX,10,35\n";
        shop.set(Files { policy: Some(policy), items: Some(items), ..Files::default() }).await;
        let open = shop.proposals().pop().unwrap();
        assert_eq!(open.lines[0].quantity, q("36"), "31 are missing");
        assert_eq!(open.total().unwrap().to_string(), "300.00", "three cases, not 36 at 8.3333");
        assert!(open.lines[0].reason.contains("36 (3 × case of 12)"), "{}", open.lines[0].reason);
        let page = shop.console().await.proposal(open.id, None).await.unwrap().render().unwrap();
        assert!(page.contains("Order 36 (3 × case of 12)</strong> at $100.00 a case = $300.00"), "{page}");
        decide(&shop.ports, shop.org, open.id, open.contents(), "Kim", &Decision::Approve).await.unwrap();
        shop.work().await;
        let written = shop.in_xero(|company, _| {
            let orders = company.documents.values().filter(|it| it.of.kind == DocumentKind::PurchaseOrder);
            orders.cloned().collect::<Vec<Document>>()
        });
        let line = &written[0].lines[0];
        assert_eq!((line.quantity, line.unit_amount.to_string().as_str()), (q("3"), "100.00"));
        assert!(line.description.contains("case of 12"), "{}", line.description);
        assert_eq!(shop.order_lines("BOX")[0].open().unwrap(), q("36"));
        // its bill closes it, and nothing more is proposed
        shop.save(bill("B-2", "2026-06-01").line("BOX", "3", "100"));
        shop.poll().await;
        assert_eq!((shop.on_hand("BOX"), shop.order_lines("BOX")[0].open().unwrap()), ("40".into(), q("0")));
        assert_eq!(shop.plan("BOX").order, None);
    });
}

#[test]
fn an_order_and_its_bill_that_were_read_before_the_rule_still_belong_together() {
    run_alone(async {
        let shop = shop().await;
        shop.save(order("PO-1", "2026-04-10").line("BOX", "10", "24"));
        shop.poll().await;
        shop.save(bill("B-1", "2026-04-20").reference("PO-1").line("BOX", "4", "24"));
        shop.poll().await;
        assert_eq!(shop.order_lines("BOX")[0].open().unwrap(), q("6"));
        count_by(&shop, CASES).await;
        let line = &shop.order_lines("BOX")[0];
        assert_eq!((line.ordered, line.billed, line.open().unwrap()), (q("120"), q("48"), q("72")));
        assert_eq!(stands(&shop), is("60", "120.00"));
    });
}

async fn take_in(shop: &Shop, quantity: &str, on: &str) -> parstock_domain::goods_receipt::GoodsReceipt {
    let order = receiving::order_named(&shop.ports, shop.org, "PO-1").await.unwrap();
    let request = Request {
        order: order.id,
        on: day(on),
        slip: String::new(),
        quantities: vec![(order.lines[0].line, q(quantity))],
        billed: false,
        ends: false,
    };
    let made = receiving::make(&shop.ports, shop.org, "Kim", &request, None).await.unwrap();
    shop.work().await;
    let all = receiving::all(&shop.ports, shop.org).await.unwrap();
    all.into_iter().find(|receipt| receipt.number == made.number).unwrap()
}

#[test]
fn goods_are_taken_in_by_the_piece_and_billed_by_the_case() {
    run_alone(async {
        let shop = shop().await;
        count_by(&shop, CASES).await;
        let policy = r#"{"version":1,"rules":[{"scope":"org","setting":"phase","value":"assist"}]}"#;
        shop.set(Files { policy: Some(policy), ..Files::default() }).await;
        shop.save(order("PO-1", "2026-05-12").line("BOX", "10", "24"));
        shop.poll().await;
        let receipt = take_in(&shop, "65", "2026-05-20").await;
        assert_eq!(stands(&shop), is("77", "154.00"), "12 at 2 and 65 at 24 a dozen");
        let Some(BillFate::Written { bill }) = receipt.bill else { unreachable!("{receipt:?}") };
        shop.wait(SignedDuration::from_secs(1));
        shop.in_xero(|company, now| {
            let bill = company.documents.get_mut(&bill).unwrap();
            let line = &bill.lines[0];
            assert_eq!((line.quantity, line.unit_amount.to_string().as_str()), (q("5.4167"), "24.00"));
            // as Xero rounds it
            bill.lines[0].net = "130".parse().unwrap();
            (bill.status, bill.updated_at) = (DocumentStatus::Authorised, now);
        });
        shop.poll().await;
        assert_eq!(stands(&shop), is("77", "154.00"), "its bill moves nothing again");
        let line = &shop.order_lines("BOX")[0];
        assert_eq!((line.open().unwrap(), line.unbilled().unwrap()), (q("55"), q("0")));
        // the case changes: a bill of ours would say another quantity than came
        let smaller = "item,supplier,from,unit,holds\nBOX,,,case,12\nBOX,,2026-05-25,case,10\n";
        count_by(&shop, smaller).await;
        let receipt = take_in(&shop, "10", "2026-05-26").await;
        assert!(
            matches!(&receipt.bill, Some(BillFate::None { why }) if why.contains("bills of that day count it by another")),
            "{receipt:?}"
        );
        assert_eq!(shop.on_hand("BOX"), "87");
    });
}

#[test]
fn bills_that_name_no_order_stay_with_the_orders_that_they_were_matched_to() {
    run_alone(async {
        let shop = shop().await;
        for (number, on) in [("PO-1", "2026-05-01"), ("PO-2", "2026-05-15")] {
            shop.save(order(number, on).line("BOX", "10", "24"));
        }
        shop.poll().await;
        let bills = [("B-1", "2026-05-02", "4"), ("B-2", "2026-05-16", "10"), ("B-3", "2026-05-20", "6")];
        for (number, on, quantity) in bills {
            shop.save(bill(number, on).line("BOX", quantity, "24"));
            shop.poll().await;
        }
        let standing = || {
            let lines = shop.order_lines("BOX").into_iter();
            let mut lines: Vec<_> = lines.map(|line| (line.number, line.billed, line.bills.len())).collect();
            lines.sort();
            lines
        };
        let before = standing();
        let billed: Vec<_> = before.iter().map(|(_, billed, _)| *billed).collect();
        assert_eq!(billed, [q("10"), q("10")], "{before:?}");
        count_by(&shop, CASES).await;
        let times_twelve = before.into_iter().map(|(number, billed, bills)| {
            let twelve = parstock_domain::fixed::Quantity::from_e4(billed.e4() * 12);
            (number, twelve, bills)
        });
        assert_eq!(standing(), times_twelve.collect::<Vec<_>>());
        assert_eq!(shop.on_hand("BOX"), "252");
    });
}

/// A proposal that was made before its supplier counted by the case would order twelve times as much.
#[test]
fn an_order_that_was_proposed_by_another_unit_is_not_written() {
    run_alone(async {
        let shop = shop().await;
        let policy = r#"{"version":1,"rules":[{"scope":"org","setting":"phase","value":"assist"}]}"#;
        let items = "item,supplier,min,max
BOX,Acme,20,36
";
        shop.save(bill("B-1", "2026-03-10").line("BOX", "1", "24"));
        shop.poll().await;
        shop.set(Files { policy: Some(policy), items: Some(items), ..Files::default() }).await;
        let open = shop.proposals().pop().unwrap();
        assert_eq!((open.lines[0].quantity, open.lines[0].by.as_ref()), (q("24"), None));
        // the rule is in force, and Xero can't be asked for the papers yet
        let units = Files { units: Some(CASES), ..Files::default() };
        settings::apply(&shop.ports, shop.org, "Kim", &units).await.unwrap();
        decide(&shop.ports, shop.org, open.id, open.contents(), "Kim", &Decision::Approve).await.unwrap();
        let prices = prices::open(&shop.ports, shop.org).await.unwrap();
        assert_eq!(prices, [], "nothing is held beside a bill that is not read again");
        shop.work().await;
        let orders = shop.in_xero(|company, _| {
            company.documents.values().filter(|it| it.of.kind == DocumentKind::PurchaseOrder).count()
        });
        assert_eq!(orders, 0);
        let held = shop.proposals().pop().unwrap();
        let parstock_domain::governance::ProposalState::Failed { reason, .. } = &held.status else {
            unreachable!("{held:?}")
        };
        assert!(reason.contains("count BOX by another unit"), "{reason}");
        assert_eq!(shop.plan("BOX").by.unwrap().unit.holds, q("12"), "its papers are read again");
    });
}

/// Rows of the version before kept the price of one alone.
#[test]
fn what_a_bill_taught_before_is_read() {
    let old = r#"{"supplier":"00000000-0000-0000-0000-000000000001","supplier_name":"Acme","unit_price":"4.81",
        "from":{"kind":"bill","id":"00000000-0000-0000-0000-000000000002"},"on":"2026-05-01"}"#;
    let lesson: parstock_domain::settings::Learned = serde_json::from_str(old).unwrap();
    assert_eq!(lesson.price_of(q("1")).unwrap().to_string(), "4.81");
    assert_eq!(lesson.price_of(q("12")).unwrap().to_string(), "57.72");
}

#[test]
fn an_item_s_price_in_xero_is_that_of_a_case() {
    run_alone(async {
        let shop = Shop::new(&["BOX"]);
        shop.in_xero(|company, _| {
            let boxes = company.items.values_mut().next().unwrap();
            (boxes.purchase_price, boxes.sales_price) =
                (Some("24".parse().unwrap()), Some("4".parse().unwrap()));
        });
        shop.connect().await;
        count_by(&shop, CASES).await;
        shop.save(bill("B-1", "2026-06-01").line("BOX", "10", "25"));
        shop.poll().await;
        let open = || prices::open(&shop.ports, shop.org);
        assert_eq!(open().await.unwrap(), [], "4 % is not enough");
        shop.save(bill("B-2", "2026-06-02").line("BOX", "10", "30"));
        shop.poll().await;
        let change = open().await.unwrap().pop().unwrap();
        assert_eq!((change.item, change.to.to_string().as_str()), (item("BOX"), "30.00"));
        let page = shop.console().await.prices(None).await.unwrap().render().unwrap();
        assert!(page.contains("$30.00 a case") && page.contains("50.0 % \u{2192} 37.5 %"), "{page}");
    });
}

#[test]
fn what_xero_tracks_counts_as_it_stands_on_paper() {
    run_alone(async {
        let shop = Shop::new(&["BOX", "TIN"]);
        shop.connect().await;
        let tin = "item,supplier,from,unit,holds\nTIN,,,case,12\n";
        let files = Files { units: Some(tin), ..Files::default() };
        let refused = settings::apply(&shop.ports, shop.org, "Kim", &files).await.unwrap();
        assert!(
            matches!(&refused, Applied::Refused(why) if why[0].to_string().contains("tracked by Xero")),
            "{refused:?}"
        );
        // the papers of one that Xero begins to track count as they stand from then on
        count_by(&shop, CASES).await;
        shop.in_xero(|company, now| {
            let boxes = company.items.get_mut(&item("BOX")).unwrap();
            (boxes.tracked, boxes.updated_at) = (true, now);
        });
        for _ in 0..6 {
            shop.poll().await;
        }
        shop.save(bill("B-1", "2026-06-01").line("BOX", "10", "24"));
        shop.poll().await;
        assert_eq!(shop.movements("BOX").iter().map(|it| it.quantity).max(), Some(q("10")));
    });
}

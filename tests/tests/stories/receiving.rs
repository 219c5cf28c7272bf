//! Goods receipts: what came in of an order is in stock at once, its bill prices it and moves nothing again.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use jiff::SignedDuration;
use parstock_app::error::AppError;
use parstock_app::message::Message;
use parstock_app::ports::BooksError;
use parstock_app::receiving::{self, Decision};
use parstock_app::records::{Key, ReviewKind};
use parstock_domain::document::{Document, DocumentKind, DocumentStatus};
use parstock_domain::fixed::Quantity;
use parstock_domain::goods_receipt::{self, BillFate, GoodsReceipt, Request, Stage};
use parstock_domain::ids::{DocumentId, EffectId};
use parstock_domain::settings::files::Files;
use parstock_tests::scheduler::run_alone;

use super::stock::{Shop, bill, day, order, q, sale};

/// A shop that counted ten boxes at 2 in May and ordered a hundred at 3 and fifty bags at 1.
async fn shop(phase: &str) -> Shop {
    let shop = Shop::new(&["BOX", "BAG", "TIN"]);
    shop.connect().await;
    for code in ["BOX", "BAG"] {
        shop.count(code, "2026-05-10", "10").await.unwrap();
    }
    let policy =
        format!(r#"{{"version": 1, "rules": [{{"scope": "org", "setting": "phase", "value": "{phase}"}}]}}"#);
    if phase != "observe" {
        shop.set(Files { policy: Some(&policy), ..Files::default() }).await;
    }
    shop.save(order("PO-1", "2026-05-12").line("BOX", "100", "3").line("BAG", "50", "1"));
    shop.poll().await;
    shop
}

async fn request(shop: &Shop, of: &str, on: &str, lines: &[(&str, &str)], ends: bool) -> Request {
    let order = receiving::order_named(&shop.ports, shop.org, of).await.unwrap();
    let line = |code: &str| order.lines.iter().find(|line| line.code == code).unwrap().line;
    Request {
        order: order.id,
        on: day(on),
        slip: "LS-7".to_owned(),
        quantities: lines.iter().map(|(code, quantity)| (line(code), q(quantity))).collect(),
        billed: false,
        ends,
    }
}

async fn take_in(shop: &Shop, on: &str, lines: &[(&str, &str)]) -> GoodsReceipt {
    let request = request(shop, "PO-1", on, lines, false).await;
    let receipt = receiving::make(&shop.ports, shop.org, "Kim", &request, None).await.unwrap();
    shop.work().await;
    receipt
}

async fn take_back(shop: &Shop, receipt: &GoodsReceipt) {
    receiving::take_back(&shop.ports, shop.org, "Kim", receipt.number, "a wrong pallet").await.unwrap();
    shop.work().await;
}

async fn receipts(shop: &Shop) -> Vec<GoodsReceipt> {
    receiving::all(&shop.ports, shop.org).await.unwrap()
}

/// On hand, and what it is worth.
fn stands(shop: &Shop, code: &str) -> (String, String) {
    (shop.on_hand(code), shop.position(code).value.to_string())
}

fn is(quantity: &str, value: &str) -> (String, String) {
    (quantity.to_owned(), value.to_owned())
}

/// What is still to come of an item, and what came without a bill.
fn open(shop: &Shop, code: &str) -> (Quantity, Quantity) {
    let lines = shop.order_lines(code);
    (lines[0].open().unwrap(), lines[0].unbilled().unwrap())
}

/// The bills in Xero that we wrote: number, status, quantities.
fn ours(shop: &Shop) -> Vec<(String, DocumentStatus, Vec<String>)> {
    shop.in_xero(|company, _| {
        let is_ours = |document: &&Document| {
            document.of.kind == DocumentKind::Bill && document.number.starts_with("GR-")
        };
        let bills = company.documents.values().filter(is_ours);
        bills
            .map(|bill| {
                let quantities = bill.lines.iter().map(|line| line.quantity.to_string());
                (bill.number.clone(), bill.status, quantities.collect())
            })
            .collect()
    })
}

/// The effect that is not finished.
fn effect(shop: &Shop) -> EffectId {
    let pending = |key| if let Key::PendingEffect(effect) = key { Some(effect) } else { None };
    shop.rows().find_map(|(key, _)| pending(key)).unwrap()
}

/// Somebody approves the bill that we wrote, with another price for its first line.
async fn approve(shop: &Shop, bill: DocumentId, price: &str) {
    shop.wait(SignedDuration::from_secs(1));
    shop.in_xero(|company, now| {
        let bill = company.documents.get_mut(&bill).unwrap();
        bill.status = DocumentStatus::Authorised;
        bill.lines[0].unit_amount = price.parse().unwrap();
        bill.lines[0].net = bill.lines[0].quantity.at(bill.lines[0].unit_amount).unwrap();
        bill.updated_at = now;
    });
    shop.poll().await;
}

fn written(receipt: &GoodsReceipt) -> DocumentId {
    let Some(BillFate::Written { bill }) = receipt.bill else { unreachable!("{receipt:?}") };
    bill
}

fn asked(shop: &Shop, kind: ReviewKind) -> Vec<String> {
    shop.reviews().into_iter().filter(|review| review.kind == kind).map(|review| review.text).collect()
}

#[test]
fn goods_are_in_stock_at_once_and_their_bill_is_a_draft_that_prices_them() {
    run_alone(async {
        let shop = shop("assist").await;
        take_in(&shop, "2026-05-20", &[("BOX", "40"), ("BAG", "50")]).await;
        assert_eq!(stands(&shop, "BOX"), is("50", "140.00"), "ten at 2 and forty at the order's 3");
        assert_eq!(open(&shop, "BOX"), (q("60"), q("40")));
        assert_eq!(open(&shop, "BAG"), (q("0"), q("50")));
        let name = "GR-2026-06-01-001".to_owned();
        assert_eq!(
            ours(&shop),
            [(name.clone(), DocumentStatus::Draft, vec!["40".to_owned(), "50".to_owned()])]
        );
        shop.save(sale("S-1", "2026-05-25").line("BOX", "20", "9"));
        shop.poll().await;
        assert_eq!(stands(&shop, "BOX"), is("30", "84.00"), "twenty at an average of 2.80");
        // the supplier asks for more: what was sold meanwhile cost more, too
        approve(&shop, written(&receipts(&shop).await[0]), "4").await;
        assert_eq!(stands(&shop, "BOX"), is("30", "108.00"), "ten at 2 and forty at 4 are 3.60 each");
        assert_eq!(stands(&shop, "BAG"), is("60", "70.00"));
        assert_eq!(open(&shop, "BOX"), (q("60"), q("0")));
        assert_eq!(shop.balance_at("BOX", "2026-05-20").await.unwrap().quantity, q("50"));
        // paying it moves nothing
        let moved = shop.movements("BOX").len();
        shop.wait(SignedDuration::from_secs(1));
        shop.in_xero(|company, now| {
            let bill = company.documents.values_mut().find(|bill| bill.number == name).unwrap();
            (bill.status, bill.updated_at) = (DocumentStatus::Paid, now);
        });
        shop.poll().await;
        assert_eq!(shop.movements("BOX").len(), moved);
        assert_eq!(asked(&shop, ReviewKind::ReceiptBill), [""; 0]);
    });
}

#[test]
fn whichever_is_told_first_the_receipt_moves_the_goods_and_the_bill_prices_them() {
    run_alone(async {
        let mut ends = Vec::new();
        for bill_first in [false, true] {
            let shop = shop("observe").await;
            let bill = bill("B-1", "2026-05-18").reference("your PO-1").line("BOX", "60", "4");
            if bill_first {
                shop.save(bill.clone());
                shop.poll().await;
                assert_eq!(stands(&shop, "BOX"), is("70", "260.00"), "the bill brings them in");
            }
            let request = request(&shop, "PO-1", "2026-05-20", &[("BOX", "40")], false).await;
            let request = Request { billed: bill_first, ..request };
            receiving::make(&shop.ports, shop.org, "Kim", &request, None).await.unwrap();
            shop.work().await;
            if !bill_first {
                shop.save(bill);
                shop.poll().await;
            }
            let at = shop.balance_at("BOX", "2026-05-19").await.unwrap();
            assert_eq!(at.quantity, q("30"), "twenty came with the bill alone");
            ends.push((stands(&shop, "BOX"), open(&shop, "BOX")));
        }
        assert_eq!(ends[0], ends[1]);
        assert_eq!(ends[0], (is("70", "260.00"), (q("40"), q("0"))));
    });
}

#[test]
fn the_rest_of_an_order_comes_after_what_its_bill_brought_in() {
    run_alone(async {
        let shop = shop("observe").await;
        shop.save(bill("B-1", "2026-05-18").reference("your PO-1").line("BOX", "60", "4"));
        shop.poll().await;
        take_in(&shop, "2026-05-20", &[("BOX", "40")]).await;
        assert_eq!((stands(&shop, "BOX"), open(&shop, "BOX")), (is("110", "380.00"), (q("0"), q("40"))));
        shop.save(bill("B-2", "2026-05-28").line("BOX", "40", "5"));
        shop.poll().await;
        assert_eq!((stands(&shop, "BOX"), open(&shop, "BOX")), (is("110", "460.00"), (q("0"), q("0"))));
        assert_eq!(shop.balance_at("BOX", "2026-05-19").await.unwrap().quantity, q("70"));
    });
}

#[test]
fn a_bill_that_is_voided_leaves_the_goods_at_the_price_of_the_order() {
    run_alone(async {
        let shop = shop("observe").await;
        let receipt = take_in(&shop, "2026-05-20", &[("BOX", "40")]).await;
        let told = bill("B-1", "2026-05-28").line("BOX", "40", "4");
        shop.save(told.clone());
        shop.poll().await;
        assert_eq!(stands(&shop, "BOX"), is("50", "180.00"), "found without the order's number");
        shop.save(told.clone().status(DocumentStatus::Voided));
        shop.poll().await;
        assert_eq!((stands(&shop, "BOX"), open(&shop, "BOX")), (is("50", "140.00"), (q("60"), q("40"))));
        shop.save(told);
        shop.poll().await;
        take_back(&shop, &receipt).await;
        assert_eq!(
            (stands(&shop, "BOX"), open(&shop, "BOX")),
            (is("50", "180.00"), (q("60"), q("0"))),
            "the bill brings them in"
        );
        assert_eq!(shop.balance_at("BOX", "2026-05-27").await.unwrap().quantity, q("10"));
    });
}

#[test]
fn several_receipts_and_bills_of_a_line_meet_in_the_order_of_their_days() {
    run_alone(async {
        let shop = shop("observe").await;
        take_in(&shop, "2026-05-20", &[("BOX", "30")]).await;
        take_in(&shop, "2026-05-24", &[("BOX", "30")]).await;
        shop.save(bill("B-2", "2026-05-26").line("BOX", "20", "5"));
        shop.poll().await;
        shop.save(bill("B-1", "2026-05-25").line("BOX", "30", "4"));
        shop.poll().await;
        // 30 at 4, 20 at 5, 10 at the order's 3
        assert_eq!(stands(&shop, "BOX"), is("70", "270.00"));
        let first = shop.balance_at("BOX", "2026-05-20").await.unwrap();
        assert_eq!((first.quantity, first.value.to_string()), (q("40"), "140.00".into()));
        assert_eq!(open(&shop, "BOX"), (q("40"), q("10")));
        // one bill of two lines for the rest and more
        shop.save(bill("B-3", "2026-05-27").line("BOX", "6", "3").line("BOX", "6", "3"));
        shop.poll().await;
        assert_eq!((stands(&shop, "BOX"), open(&shop, "BOX")), (is("72", "276.00"), (q("38"), q("0"))));
    });
}

#[test]
fn a_bill_that_is_told_late_and_dated_early_prices_what_came_before_it() {
    run_alone(async {
        let shop = shop("observe").await;
        take_in(&shop, "2026-05-14", &[("BOX", "40")]).await;
        shop.save(bill("B-1", "2026-05-18").line("BOX", "40", "4"));
        shop.poll().await;
        assert_eq!(stands(&shop, "BOX"), is("50", "180.00"));
        // guessed onto the same line, and before the bill that has met its receipt
        shop.save(bill("B-2", "2026-05-16").line("BOX", "60", "5"));
        shop.poll().await;
        assert_eq!((stands(&shop, "BOX"), open(&shop, "BOX")), (is("110", "480.00"), (q("0"), q("0"))));
        let on = shop.balance_at("BOX", "2026-05-14").await.unwrap();
        assert_eq!((on.quantity, on.value.to_string()), (q("50"), "220.00".into()));
    });
}

#[test]
fn what_was_other_goods_stays_so_when_its_bill_is_voided() {
    run_alone(async {
        let shop = shop("assist").await;
        let first = bill("B-1", "2026-05-14").reference("PO-1").line("BOX", "30", "4");
        shop.save(first.clone());
        shop.poll().await;
        take_in(&shop, "2026-05-20", &[("BOX", "70")]).await;
        assert_eq!(shop.on_hand("BOX"), "110");
        shop.save(first.status(DocumentStatus::Voided));
        shop.poll().await;
        assert_eq!((shop.on_hand("BOX"), open(&shop, "BOX")), ("80".into(), (q("30"), q("70"))));
        approve(&shop, written(&receipts(&shop).await[0]), "5").await;
        assert_eq!((stands(&shop, "BOX"), open(&shop, "BOX")), (is("80", "370.00"), (q("30"), q("0"))));
    });
}

#[test]
fn what_waits_is_judged_again_when_it_is_decided() {
    run_alone(async {
        let shop = shop("observe").await;
        let both = request(&shop, "PO-1", "2026-05-20", &[("BOX", "115")], false).await;
        let first = receiving::make(&shop.ports, shop.org, "Kim", &both, None).await.unwrap();
        let second = receiving::make(&shop.ports, shop.org, "Robin", &both, None).await.unwrap();
        receiving::decide(&shop.ports, shop.org, "Kim", first.number, &Decision::TakeIn).await.unwrap();
        shop.work().await;
        let take =
            async || receiving::decide(&shop.ports, shop.org, "Kim", second.number, &Decision::TakeIn).await;
        assert!(matches!(take().await, Err(AppError::Reject(why)) if why.contains("look at it again")));
        assert_eq!(shop.on_hand("BOX"), "125");
        assert!(asked(&shop, ReviewKind::ReceiptWaits)[0].contains("230 of BOX came in, 100 were ordered"));
        take().await.unwrap();
        shop.work().await;
        assert_eq!(shop.on_hand("BOX"), "240");
    });
}

#[test]
fn a_receipt_far_from_its_order_waits_for_a_person() {
    run_alone(async {
        let shop = shop("observe").await;
        let make = async |request: &Request| {
            let made = receiving::make(&shop.ports, shop.org, "Kim", request, None).await.unwrap();
            shop.work().await;
            made
        };
        let over = make(&request(&shop, "PO-1", "2026-05-20", &[("BOX", "1000")], false).await).await;
        assert_eq!((over.stage.clone(), stands(&shop, "BOX")), (Stage::Waiting, is("10", "20.00")));
        let question = asked(&shop, ReviewKind::ReceiptWaits);
        assert!(question[0].contains("1000 of BOX came in, 100 were ordered"), "{question:?}");
        let reject = Decision::Reject { reason: "a hundred".to_owned() };
        receiving::decide(&shop.ports, shop.org, "Robin", over.number, &reject).await.unwrap();
        assert_eq!(asked(&shop, ReviewKind::ReceiptWaits), [""; 0]);
        let again = receiving::decide(&shop.ports, shop.org, "Robin", over.number, &Decision::TakeIn).await;
        assert!(matches!(again, Err(AppError::Reject(why)) if why.contains("refused already")));
        // less came, and that is all
        let under = make(&request(&shop, "PO-1", "2026-05-20", &[("BAG", "20")], true).await).await;
        assert_eq!((under.stage.clone(), open(&shop, "BAG")), (Stage::Waiting, (q("50"), q("0"))));
        receiving::decide(&shop.ports, shop.org, "Robin", under.number, &Decision::TakeIn).await.unwrap();
        shop.work().await;
        assert_eq!((stands(&shop, "BAG"), open(&shop, "BAG")), (is("30", "40.00"), (q("0"), q("20"))));
        assert_eq!(shop.plan("BAG").on_order, q("0"), "nothing more comes");
        take_back(&shop, &under).await;
        assert_eq!((stands(&shop, "BAG"), open(&shop, "BAG")), (is("10", "20.00"), (q("50"), q("0"))));
    });
}

#[test]
fn goods_that_a_bill_without_an_order_may_have_brought_in_are_asked_about() {
    run_alone(async {
        let shop = shop("observe").await;
        shop.save(order("PO-2", "2026-05-13").line("BOX", "100", "3"));
        shop.poll().await;
        shop.save(bill("B-1", "2026-05-18").line("BOX", "40", "4"));
        shop.poll().await;
        assert_eq!(asked(&shop, ReviewKind::UnclearArrival).len(), 1);
        let receipt = take_in(&shop, "2026-05-20", &[("BOX", "40")]).await;
        assert_eq!((receipt.stage.is_taken_in(), shop.on_hand("BOX")), (false, "50".into()));
        assert!(asked(&shop, ReviewKind::ReceiptWaits)[0].contains("with B-1 already"));
    });
}

#[test]
fn what_xero_tracks_is_in_stock_with_its_bill_and_known_to_be_here_before() {
    run_alone(async {
        let shop = shop("assist").await;
        shop.save(
            order("PO-1", "2026-05-12").line("BOX", "100", "3").line("BAG", "50", "1").line("TIN", "20", "7"),
        );
        shop.poll().await;
        let before = shop.on_hand("TIN");
        let receipt = take_in(&shop, "2026-05-20", &[("TIN", "20")]).await;
        assert_eq!((shop.on_hand("TIN"), shop.movements("TIN").len()), (before, 0));
        assert_eq!(
            (open(&shop, "TIN"), shop.order_lines("TIN")[0].received_not_billed().unwrap()),
            ((q("0"), q("20")), q("20"))
        );
        assert_eq!(shop.plan("TIN").on_order, q("20"), "not ordered again");
        // a second bill for what Xero tracks would buy it twice, too
        let second = bill("B-9", "2026-05-21").line("TIN", "19", "7");
        shop.save(second.clone());
        shop.poll().await;
        assert_eq!(asked(&shop, ReviewKind::ReceiptBill).len(), 1);
        shop.save(second.status(DocumentStatus::Voided));
        shop.poll().await;
        assert_eq!(asked(&shop, ReviewKind::ReceiptBill), [""; 0]);
        let moved = shop.movements("TIN").len();
        approve(&shop, written(&receipts(&shop).await[0]), "8").await;
        assert_eq!(shop.movements("TIN").len(), moved + 1);
        assert_eq!(shop.plan("TIN").on_order, q("0"));
        take_back(&shop, &receipt).await;
        assert_eq!((shop.movements("TIN").len(), open(&shop, "TIN")), (moved + 1, (q("0"), q("0"))));
    });
}

#[test]
fn a_bill_whose_answer_was_lost_is_found_again() {
    run_alone(async {
        let shop = shop("assist").await;
        let request = request(&shop, "PO-1", "2026-05-20", &[("BOX", "40")], false).await;
        let lost = BooksError::Unknown("timed out".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_bill", lost));
        let made = receiving::make(&shop.ports, shop.org, "Kim", &request, None).await.unwrap();
        shop.say(Message::Effect { org: shop.org, effect: effect(&shop) }).await;
        // it had got through: somebody finds a bill with the receipt's number
        let name = goods_receipt::name(made.number);
        shop.save(bill(&name, "2026-05-20").status(DocumentStatus::Draft).line("BOX", "40", "3"));
        shop.in_xero(|company, _| company.refusals.clear());
        shop.work().await;
        assert_eq!(ours(&shop).len(), 1);
        approve(&shop, written(&receipts(&shop).await[0]), "4").await;
        assert_eq!(stands(&shop, "BOX"), is("50", "180.00"));
    });
}

#[test]
fn a_bill_that_xero_refuses_is_asked_about_until_one_comes() {
    run_alone(async {
        let shop = shop("assist").await;
        let refusal = BooksError::Reject("Account code '300' is not valid".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_bill", refusal));
        take_in(&shop, "2026-05-20", &[("BOX", "40")]).await;
        assert!(asked(&shop, ReviewKind::ReceiptBill)[0].contains("Account code '300' is not valid"));
        assert_eq!(shop.on_hand("BOX"), "50");
        shop.save(bill("B-1", "2026-05-28").line("BOX", "40", "3"));
        shop.poll().await;
        assert_eq!((asked(&shop, ReviewKind::ReceiptBill), shop.on_hand("BOX")), (Vec::new(), "50".into()));
    });
}

#[test]
fn a_second_bill_for_the_same_goods_is_told_of() {
    run_alone(async {
        let shop = shop("assist").await;
        let receipt = take_in(&shop, "2026-05-20", &[("BOX", "40")]).await;
        shop.save(bill("B-1", "2026-05-28").line("BOX", "40", "3.5"));
        shop.poll().await;
        assert_eq!(stands(&shop, "BOX"), is("50", "160.00"), "they came in once");
        let question = asked(&shop, ReviewKind::ReceiptBill);
        assert!(
            question[0].starts_with("Bill B-1 of Acme is for goods that receipt GR-2026-06-01-001 took in.")
        );
        shop.wait(SignedDuration::from_secs(1));
        let bill = written(&receipts(&shop).await[0]);
        shop.in_xero(|company, now| {
            let bill = company.documents.get_mut(&bill).unwrap();
            (bill.status, bill.updated_at) = (DocumentStatus::Deleted, now);
        });
        shop.poll().await;
        assert_eq!(asked(&shop, ReviewKind::ReceiptBill), [""; 0]);
        take_back(&shop, &receipt).await;
        assert_eq!(stands(&shop, "BOX"), is("50", "160.00"));
        assert_eq!(asked(&shop, ReviewKind::ReceiptBill), [""; 0], "it was deleted already");
    });
}

#[test]
fn what_can_t_be_taken_in_is_refused_and_nothing_is_booked() {
    run_alone(async {
        let shop = shop("observe").await;
        let refused = async |request: &Request, shown| {
            let made = receiving::make(&shop.ports, shop.org, "Kim", request, shown).await;
            let Err(AppError::Reject(why)) = made else { unreachable!("{made:?}") };
            why
        };
        shop.save(order("PO-9", "2026-05-12").status(DocumentStatus::Draft).line("BOX", "5", "3"));
        shop.poll().await;
        let draft = request(&shop, "PO-9", "2026-05-20", &[("BOX", "5")], false).await;
        assert!(refused(&draft, None).await.contains("the order is a draft"));
        let ahead = request(&shop, "PO-1", "2026-06-02", &[("BOX", "5")], false).await;
        assert!(refused(&ahead, None).await.contains("has not come yet"));
        let negative = request(&shop, "PO-1", "2026-05-20", &[("BOX", "-5")], false).await;
        assert!(refused(&negative, None).await.contains("above zero"));
        // sent twice, as by a double click
        let twice = request(&shop, "PO-1", "2026-05-20", &[("BOX", "5")], false).await;
        let shown = receiving::order_named(&shop.ports, shop.org, "PO-1").await.unwrap().contents().unwrap();
        receiving::make(&shop.ports, shop.org, "Kim", &twice, Some(shown)).await.unwrap();
        assert!(refused(&twice, None).await.contains("is still being booked"));
        assert!(refused(&twice, Some(shown)).await.contains("changed since it was shown"));
        shop.work().await;
        assert_eq!(shop.on_hand("BOX"), "15");
        let unknown = receiving::order_named(&shop.ports, shop.org, "PO-7").await.unwrap_err();
        assert!(unknown.to_string().contains("no order `PO-7` is known"), "{unknown}");
        let named = receiving::orders(&shop.ports, shop.org).await.unwrap();
        assert_eq!(named.iter().map(|order| order.number.as_str()).collect::<Vec<_>>(), ["PO-1"]);
    });
}

#[test]
fn what_was_billed_before_it_came_was_in_transit() {
    run_alone(async {
        let shop = shop("observe").await;
        shop.save(bill("B-1 PO-1", "2026-05-16").line("BOX", "100", "3"));
        shop.poll().await;
        // on hand, on order, in transit
        let stood = async |on: &str| {
            let page = shop.console().await.positions_at(day(on), "BOX".to_owned(), 1).await.unwrap();
            let row = &page.rows[0];
            let end = row.end.map(|end| end.quantity.to_string()).unwrap_or_default();
            [end, row.on_order.to_string(), row.in_transit.to_string()].join(" ")
        };
        assert_eq!(stood("2026-05-15").await, "10 100 0");
        assert_eq!(stood("2026-05-18").await, "110 0 0", "nobody said that it came later");
        let request =
            Request { billed: true, ..request(&shop, "PO-1", "2026-05-20", &[("BOX", "60")], false).await };
        receiving::make(&shop.ports, shop.org, "Kim", &request, None).await.unwrap();
        shop.work().await;
        assert_eq!(stood("2026-05-18").await, "50 0 60", "the rest came with its bill");
        assert_eq!(stood("2026-05-20").await, "110 0 0");
    });
}

//! Landed cost: freight is spread over what it carried, in the ledger at once and in Xero's books by a journal.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use jiff::{SignedDuration, ToSpan};
use parstock_app::error::AppError;
use parstock_app::landed::{self, NamedRequest};
use parstock_app::message::Message;
use parstock_app::ports::BooksError;
use parstock_app::records::{Record, ReviewKind};
use parstock_domain::document::DocumentStatus;
use parstock_domain::ids::{DocumentId, EffectId};
use parstock_domain::landed::{Basis, Papers, Purchase, Stage, VoucherJournalFate as Fate, VoucherNumber};
use parstock_domain::manual_journal::{JournalInXero, StateInXero};
use parstock_domain::settings::files::Files;
use parstock_tests::books::ManualJournal;
use parstock_tests::papers::pdf;
use parstock_tests::scheduler::run_alone;
use uuid::Uuid;

use super::freight::{
    self, FREIGHT, STOCK, accounts, cogs, money, next_day, over, policy, take_back, voucher,
};
use super::stock::{Shop, bill, order, sale};

fn rules(phase: &str) -> String {
    policy(&[freight::phase(phase), cogs()])
}

/// A shop on the second of June, whose cost of goods sold is journaled from that day on; ten boxes and ten bags were bought for
/// ten each.
async fn shop(phase: &str) -> Shop {
    let shop = Shop::new(&["BOX", "BAG"]);
    shop.in_xero(|company, _| company.accounts = accounts());
    shop.connect().await;
    shop.count("BOX", "2026-05-10", "0").await.unwrap();
    shop.count("BAG", "2026-05-10", "0").await.unwrap();
    shop.set(Files { policy: Some(&rules(phase)), ..Files::default() }).await;
    next_day(&shop).await;
    shop.save(bill("G-1", "2026-06-02").line("BOX", "10", "10").line("BAG", "10", "10"));
    shop.poll().await;
    shop
}

/// A freight bill of twenty.
async fn freight(shop: &Shop) {
    freight::freight(shop, "20");
    shop.poll().await;
}

async fn make(shop: &Shop) -> Result<VoucherNumber, AppError> {
    let request = landed::resolve(&shop.ports, shop.org, &over(&["G-1"])).await?;
    let preview = landed::preview(&shop.ports, shop.org, &request).await?;
    let number = landed::make(&shop.ports, shop.org, "Kim", &request, Some(preview.contents)).await?;
    shop.work().await;
    Ok(number)
}

fn value(shop: &Shop, code: &str) -> String {
    shop.position(code).value.to_string()
}

/// The journals in Xero: amount on the stock account, and what they say.
fn in_xero(shop: &Shop) -> Vec<(String, String)> {
    shop.in_xero(|company, _| {
        let told = company.journals.iter().filter(|journal| journal.known.state != StateInXero::Gone);
        told.map(|it| (it.known.amounts[STOCK].to_string(), it.known.narration.clone())).collect()
    })
}

fn asked(shop: &Shop, kind: ReviewKind) -> Vec<String> {
    shop.reviews().into_iter().filter(|review| review.kind == kind).map(|review| review.text).collect()
}

#[test]
fn freight_is_asked_about_and_its_voucher_reaches_ledger_and_books() {
    run_alone(async {
        let shop = shop("assist").await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "4", "30"));
        freight(&shop).await;
        let question = asked(&shop, ReviewKind::FreightLeft);
        assert!(
            question.len() == 1
                && question[0].contains(
                    "20.00 on bills looks like freight of goods that came in: F-1 of Acme (20.00)."
                ),
            "{question:?}"
        );
        let request = landed::resolve(&shop.ports, shop.org, &over(&["G-1"])).await.unwrap();
        let preview = landed::preview(&shop.ports, shop.org, &request).await.unwrap();
        let shown: Vec<_> = preview
            .draft
            .shares
            .iter()
            .zip(&preview.landed)
            .map(|(share, landed)| {
                (share.code.as_str(), landed.in_stock.to_string(), landed.sold.to_string())
            })
            .collect();
        let said = |code, in_stock: &str, sold: &str| (code, in_stock.to_owned(), sold.to_owned());
        let mut expected = vec![said("BOX", "6.00", "4.00"), said("BAG", "10.00", "0.00")];
        expected.sort_by_key(|(code, ..)| shown.iter().position(|(shown, ..)| shown == code));
        assert_eq!(shown, expected);
        assert_eq!(
            (value(&shop, "BOX"), value(&shop, "BAG")),
            ("60.00".into(), "100.00".into()),
            "only shown"
        );
        let number = make(&shop).await.unwrap();
        assert_eq!(number.to_string(), "2026-06-02-001");
        assert_eq!((value(&shop, "BOX"), value(&shop, "BAG")), ("66.00".into(), "110.00".into()));
        assert_eq!(asked(&shop, ReviewKind::FreightLeft), Vec::<String>::new());
        assert_eq!(
            in_xero(&shop),
            [("20.00".to_owned(), "Landed cost, F-1 [parstock voucher 2026-06-02-001]".to_owned())]
        );
        assert!(matches!(voucher(&shop).journal.unwrap().fate, Fate::Draft { .. }));
        let again = make(&shop).await.unwrap_err().to_string();
        assert!(again.contains("no such line"), "{again}");
        // what was sold of it is cost of goods sold
        next_day(&shop).await;
        assert_eq!(in_xero(&shop)[1].0, "-44.00");
        take_back(&shop, number).await.unwrap();
        assert_eq!((value(&shop, "BOX"), value(&shop, "BAG")), ("60.00".into(), "100.00".into()));
        assert_eq!(voucher(&shop).stage, Stage::TakenBack);
        let back = in_xero(&shop).pop().unwrap();
        assert!(
            back.0 == "-20.00" && back.1.ends_with("[parstock voucher 2026-06-02-001 taken back]"),
            "{back:?}"
        );
        assert_eq!(asked(&shop, ReviewKind::FreightLeft).len(), 1, "it can be spread anew");
        next_day(&shop).await;
        let correction = in_xero(&shop).pop().unwrap();
        assert!(
            correction.0 == "4.00" && correction.1.contains("because of landed cost 2026-06-02-001"),
            "{correction:?}"
        );
        let twice = take_back(&shop, number).await.unwrap_err().to_string();
        assert!(twice.contains("already"), "{twice}");
    });
}

#[test]
fn a_freight_bill_that_changes_after_it_was_spread_is_asked_about() {
    run_alone(async {
        let shop = shop("observe").await;
        freight(&shop).await;
        let number = make(&shop).await.unwrap();
        let voided =
            bill("F-1", "2026-06-02").line("", "1", "20").account(FREIGHT).status(DocumentStatus::Voided);
        shop.save(voided);
        shop.poll().await;
        let question = asked(&shop, ReviewKind::Overspent);
        assert!(question.len() == 1 && question[0].contains("spread 20.00"), "{question:?}");
        take_back(&shop, number).await.unwrap();
        assert_eq!(asked(&shop, ReviewKind::Overspent), Vec::<String>::new());
        let refused = make(&shop).await.unwrap_err().to_string();
        assert!(refused.contains("no approved bill"), "{refused}");
    });
}

#[test]
fn what_is_no_freight_of_goods_is_asked_about_no_more() {
    run_alone(async {
        let shop = shop("observe").await;
        freight(&shop).await;
        let open = landed::to_spread(&shop.ports, shop.org).await.unwrap();
        assert_eq!(open.len(), 1);
        landed::leave(&shop.ports, shop.org, "Kim", open[0].of).await.unwrap();
        assert_eq!(asked(&shop, ReviewKind::FreightLeft), Vec::<String>::new());
        assert_eq!(landed::to_spread(&shop.ports, shop.org).await.unwrap(), []);
        // and stays so when the bill changes
        let mut changed = bill("F-1", "2026-06-02").line("", "1", "21").account(FREIGHT);
        changed.describe(0, "Sea freight");
        shop.save(changed);
        shop.poll().await;
        assert_eq!(asked(&shop, ReviewKind::FreightLeft), Vec::<String>::new());
    });
}

#[test]
fn while_parstock_only_observes_no_journal_is_written_and_later_it_is() {
    run_alone(async {
        let shop = shop("observe").await;
        freight(&shop).await;
        make(&shop).await.unwrap();
        assert_eq!(value(&shop, "BOX"), "110.00", "the ledger has it");
        next_day(&shop).await;
        assert_eq!(
            (in_xero(&shop), voucher(&shop).journal.unwrap().fate),
            (vec![], Fate::Due { why_not: None })
        );
        shop.set(Files { policy: Some(&rules("assist")), ..Files::default() }).await;
        next_day(&shop).await;
        assert_eq!(in_xero(&shop).len(), 1);
        next_day(&shop).await;
        assert_eq!(in_xero(&shop).len(), 1, "once");
    });
}

#[test]
fn a_voucher_without_a_journal_is_taken_back_without_one() {
    run_alone(async {
        let shop = shop("observe").await;
        freight(&shop).await;
        let number = make(&shop).await.unwrap();
        take_back(&shop, number).await.unwrap();
        shop.set(Files { policy: Some(&rules("assist")), ..Files::default() }).await;
        next_day(&shop).await;
        assert_eq!(in_xero(&shop), []);
        assert_eq!((voucher(&shop).journal, voucher(&shop).journal_back), (None, None));
    });
}

#[test]
fn a_journal_that_xero_refuses_is_tried_again_and_one_whose_answer_was_lost_is_found() {
    run_alone(async {
        let shop = shop("assist").await;
        freight(&shop).await;
        let refusal = BooksError::Reject("the day is locked".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_journal", refusal));
        make(&shop).await.unwrap();
        let question = asked(&shop, ReviewKind::VoucherJournal);
        assert!(question.len() == 1 && question[0].contains("the day is locked"), "{question:?}");
        let lost = BooksError::Unknown("timed out".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_journal", lost));
        next_day(&shop).await;
        assert_eq!(in_xero(&shop), []);
        // the last try had got through
        let manual = voucher(&shop).manual_journal(false).unwrap();
        shop.in_xero(|company, now| {
            company.refusals.clear();
            let amounts = manual.lines.into_iter().map(|line| (line.account, line.amount)).collect();
            let id = DocumentId(Uuid::from_u128(7));
            let known = JournalInXero { id, state: StateInXero::Draft, narration: manual.narration, amounts };
            let effect = EffectId(Uuid::nil());
            company.journals.push(ManualJournal { known, date: manual.date, updated_at: now, effect });
        });
        next_day(&shop).await;
        next_day(&shop).await;
        assert_eq!(in_xero(&shop).len(), 1, "it is not written twice");
        assert!(voucher(&shop).journal.unwrap().stands());
        assert_eq!(asked(&shop, ReviewKind::VoucherJournal), Vec::<String>::new());
    });
}

#[test]
fn a_journal_that_a_person_deletes_or_changes_in_xero_is_asked_about() {
    run_alone(async {
        let shop = shop("assist").await;
        freight(&shop).await;
        make(&shop).await.unwrap();
        shop.in_xero(|company, now| {
            let journal = &mut company.journals[0];
            journal.known.amounts.insert(STOCK.to_owned(), money("15"));
            journal.updated_at = now;
        });
        next_day(&shop).await;
        let question = asked(&shop, ReviewKind::VoucherJournal);
        assert!(question.len() == 1 && question[0].contains("puts 15.00 on account 300"), "{question:?}");
        shop.in_xero(|company, now| {
            (company.journals[0].known.state, company.journals[0].updated_at) = (StateInXero::Gone, now);
        });
        next_day(&shop).await;
        let question = asked(&shop, ReviewKind::VoucherJournal);
        assert!(question.len() == 1 && question[0].contains("deleted or voided"), "{question:?}");
        let number = voucher(&shop).number;
        take_back(&shop, number).await.unwrap();
        next_day(&shop).await;
        assert_eq!(in_xero(&shop), [], "nothing stands against what is gone");
        assert_eq!(asked(&shop, ReviewKind::VoucherJournal), Vec::<String>::new(), "it is answered");
    });
}

#[test]
fn what_was_shown_is_what_is_booked() {
    run_alone(async {
        let shop = shop("observe").await;
        freight(&shop).await;
        let request = landed::resolve(&shop.ports, shop.org, &over(&["G-1"])).await.unwrap();
        let shown = landed::preview(&shop.ports, shop.org, &request).await.unwrap().contents;
        shop.save(bill("G-1", "2026-06-02").line("BOX", "10", "30").line("BAG", "10", "10"));
        shop.poll().await;
        let refused = landed::make(&shop.ports, shop.org, "Kim", &request, Some(shown)).await.unwrap_err();
        assert!(refused.to_string().contains("changed since it was shown"), "{refused}");
        make(&shop).await.unwrap();
        assert_eq!((value(&shop, "BOX"), value(&shop, "BAG")), ("315.00".into(), "105.00".into()));
    });
}

#[test]
fn names_that_stand_for_nothing_are_refused() {
    run_alone(async {
        let shop = shop("observe").await;
        freight(&shop).await;
        let refused = async |change: &dyn Fn(&mut NamedRequest)| {
            let mut request = over(&["G-1"]);
            change(&mut request);
            landed::resolve(&shop.ports, shop.org, &request).await.unwrap_err().to_string()
        };
        assert!(refused(&|it| it.charges[0].bill = "F-2".into()).await.contains("no approved bill"));
        assert!(
            refused(&|it| it.charges[0].line = Some("duty".into())).await.contains("it has `Sea freight`")
        );
        assert!(refused(&|it| it.charges[0].bill = "G-1".into()).await.contains("no line without an item"));
        assert!(refused(&|it| it.receipts[0].item = Some("CUP".into())).await.contains("nothing of `CUP`"));
        assert!(refused(&|it| it.receipts[0].amount = Some(money("1"))).await.contains("name one item"));
    });
}

#[test]
fn a_locked_month_keeps_its_figures_and_the_journal_is_of_the_first_open_day() {
    run_alone(async {
        let shop = shop("assist").await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "10", "30"));
        freight(&shop).await;
        for _ in 0..3 {
            next_day(&shop).await;
        }
        shop.in_xero(|company, _| {
            company.organisation.period_lock_date = Some(jiff::civil::date(2026, 6, 1) + 2.days());
        });
        // the organisation itself is read once a day
        for _ in 0..2 {
            next_day(&shop).await;
        }
        make(&shop).await.unwrap();
        let dates = |shop: &Shop| {
            shop.in_xero(|company, _| {
                company.journals.iter().map(|it| it.date.to_string()).collect::<Vec<_>>()
            })
        };
        assert_eq!(dates(&shop), ["2026-06-02", "2026-06-04"]);
        next_day(&shop).await;
        assert_eq!(in_xero(&shop)[2].0, "-10.00", "the boxes were sold in the closed part");
        assert_eq!(dates(&shop)[2], "2026-06-04");
    });
}

#[test]
fn what_was_written_is_taken_back_on_its_account_whatever_is_set_now() {
    run_alone(async {
        let shop = shop("assist").await;
        freight(&shop).await;
        let number = make(&shop).await.unwrap();
        let assist = r#"{"version": 1, "rules": [{"scope": "org", "setting": "phase", "value": "assist"}]}"#;
        shop.set(Files { policy: Some(assist), ..Files::default() }).await;
        take_back(&shop, number).await.unwrap();
        let amounts: Vec<String> = in_xero(&shop).into_iter().map(|(amount, _)| amount).collect();
        assert_eq!(amounts, ["20.00", "-20.00"]);
    });
}

#[test]
fn freight_that_is_coded_anew_after_it_was_spread_is_asked_about() {
    run_alone(async {
        let shop = shop("assist").await;
        freight(&shop).await;
        make(&shop).await.unwrap();
        let mut recoded = bill("F-1", "2026-06-02").line("", "1", "20").account(STOCK);
        recoded.describe(0, "Sea freight");
        shop.save(recoded);
        shop.poll().await;
        let question = asked(&shop, ReviewKind::Overspent);
        assert!(
            question.len() == 1 && question[0].contains("from account 425 and it is 20.00 on account 300"),
            "{question:?}"
        );
    });
}

#[test]
fn goods_that_are_entered_after_their_freight_bill_are_asked_about_by_the_next_digest() {
    run_alone(async {
        let shop = Shop::new(&["BOX"]);
        shop.connect().await;
        freight(&shop).await;
        assert_eq!(asked(&shop, ReviewKind::FreightLeft), Vec::<String>::new(), "nothing came in");
        shop.save(bill("G-1", "2026-06-01").line("BOX", "10", "10"));
        shop.poll().await;
        shop.digest().await;
        assert_eq!(asked(&shop, ReviewKind::FreightLeft).len(), 1);
        let silent =
            r#"{"version": 1, "rules": [{"scope": "org", "setting": "ask_about_freight", "value": false}]}"#;
        shop.set(Files { policy: Some(silent), ..Files::default() }).await;
        assert_eq!(asked(&shop, ReviewKind::FreightLeft), Vec::<String>::new());
    });
}

#[test]
fn a_part_that_was_booked_is_not_booked_again_from_the_same_page() {
    run_alone(async {
        let shop = shop("observe").await;
        freight(&shop).await;
        let mut asked = over(&["G-1"]);
        asked.charges[0].amount = Some(money("8"));
        let request = landed::resolve(&shop.ports, shop.org, &asked).await.unwrap();
        let shown = landed::preview(&shop.ports, shop.org, &request).await.unwrap().contents;
        let book = async || landed::make(&shop.ports, shop.org, "Kim", &request, Some(shown)).await;
        book().await.unwrap();
        let again = book().await.unwrap_err().to_string();
        assert!(again.contains("changed since it was shown"), "{again}");
    });
}

#[test]
fn goods_that_are_not_on_the_stock_account_take_no_freight() {
    run_alone(async {
        let shop = shop("assist").await;
        shop.save(bill("G-1", "2026-06-02").line("BOX", "10", "10").line("BAG", "10", "10").account("310"));
        freight(&shop).await;
        let refused = make(&shop).await.unwrap_err().to_string();
        assert!(refused.contains("coded to account 310"), "{refused}");
    });
}

#[test]
fn what_landed_may_be_proposed_as_the_price_of_the_item() {
    run_alone(async {
        let shop = shop("assist").await;
        shop.in_xero(|company, now| {
            for item in company.items.values_mut() {
                (item.purchase_price, item.updated_at) = (Some(money("10")), now);
            }
        });
        let landed = r#"{"version": 1, "rules": [{"scope": "org", "setting": "price_change_from", "value": "landed"}, {"scope": "org", "setting": "price_change_percent", "value": 5}]}"#;
        shop.set(Files { policy: Some(landed), ..Files::default() }).await;
        next_day(&shop).await;
        // items are read by turns
        for _ in 0..4 {
            shop.poll().await;
        }
        shop.save(bill("G-2", "2026-06-03").line("BOX", "10", "10"));
        freight(&shop).await;
        let mut asked = over(&["G-2"]);
        asked.charges[0].amount = Some(money("8"));
        let request = landed::resolve(&shop.ports, shop.org, &asked).await.unwrap();
        let number = landed::make(&shop.ports, shop.org, "Kim", &request, None).await.unwrap();
        shop.work().await;
        let proposed = async || {
            shop.say(Message::PlanTouched { org: shop.org }).await;
            shop.work().await;
            let open = parstock_app::prices::open(&shop.ports, shop.org).await.unwrap();
            open.into_iter().map(|change| (change.code, change.to.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(proposed().await, [("BOX".to_owned(), "10.80".to_owned())]);
        take_back(&shop, number).await.unwrap();
        assert_eq!(proposed().await, []);
    });
}

/// Somebody attaches a file to the freight bill.
fn attach(shop: &Shop, name: &str, content: Vec<u8>) {
    shop.in_xero(|company, _| {
        let bill = company.documents.values().find(|document| document.number == "F-1").unwrap().of.id;
        company.attached.entry(bill).or_default().push((name.to_owned(), content));
    });
}

/// A freight bill of twenty to which a PDF with these lines is attached.
async fn freight_with(shop: &Shop, lines: &[&str]) {
    freight::freight(shop, "20");
    attach(shop, "freight.pdf", pdf(lines));
    shop.poll().await;
}

fn freight_bill(shop: &Shop) -> Purchase {
    let of_freight = |record| match record {
        Record::Purchase(purchase) if purchase.number == "F-1" => Some(purchase),
        _ => None,
    };
    shop.rows().find_map(|(_, record)| of_freight(record)).unwrap()
}

/// What its papers say.
fn said(shop: &Shop) -> String {
    freight_bill(shop).papers.map_or_else(|| "nobody asked".to_owned(), |papers| papers.words())
}

/// How often Xero was asked for papers.
fn asked_for_papers(shop: &Shop) -> u64 {
    shop.in_xero(|company, _| company.calls().get("books.papers").copied().unwrap_or_default())
}

/// The bills and items that the form has chosen beforehand.
async fn chosen(shop: &Shop) -> Vec<(String, String)> {
    let of = freight_bill(shop).of;
    let goods = (landed::FREIGHT_AFTER_GOODS_DAYS, String::new());
    let form = shop.console().await.landed_form(of, Basis::Value, goods, None, None).await.unwrap();
    let html = form.render().unwrap();
    let is_chosen = |key: &String| html.contains(&format!(r#"name="receipt" value="{key}" checked"#));
    let receipts = form.receipts.iter();
    let chosen = receipts
        .filter(|row| is_chosen(&parstock_views::pages::receipt_key(row.of, row.line)))
        .map(|row| (row.received.number.clone(), row.received.code.clone()));
    chosen.collect()
}

fn goods(number: &str, code: &str) -> (String, String) {
    (number.to_owned(), code.to_owned())
}

#[test]
fn the_paper_of_a_freight_bill_chooses_the_goods_that_it_names() {
    run_alone(async {
        let shop = Shop::new(&["BOX", "BAG"]);
        shop.connect().await;
        shop.save(order("PO-1234", "2026-06-01").line("BOX", "5", "10"));
        shop.poll().await;
        shop.save(bill("G-1877", "2026-06-02").reference("PO-1234").line("BOX", "5", "10"));
        shop.save(bill("G-1878", "2026-06-02").line("BAG", "5", "10"));
        shop.poll().await;
        assert_eq!(asked_for_papers(&shop), 0, "bills of goods cost no call");
        freight_with(&shop, &["Sea freight of your order", "PO-1234, two pallets"]).await;
        shop.poll().await;
        assert_eq!(said(&shop), "freight.pdf names order PO-1234");
        assert_eq!(chosen(&shop).await, [goods("G-1877", "BOX")]);
        assert_eq!(asked(&shop, ReviewKind::FreightLeft).len(), 1, "and nothing is booked of it");
        assert_eq!(vouchers_made(&shop), 0);
        // it is read once, whatever becomes of the bill
        let mut changed = bill("F-1", "2026-06-02").line("", "1", "21").account(FREIGHT);
        changed.describe(0, "Sea freight");
        shop.save(changed);
        for _ in 0..3 {
            next_day(&shop).await;
            shop.digest().await;
        }
        assert_eq!((asked_for_papers(&shop), said(&shop).as_str()), (1, "freight.pdf names order PO-1234"));
        // until a person asks anew
        attach(&shop, "list.pdf", pdf(&["also G-1878"]));
        landed::read_papers(&shop.ports, shop.org, "Kim", freight_bill(&shop).of).await.unwrap();
        let twice =
            landed::read_papers(&shop.ports, shop.org, "Kim", freight_bill(&shop).of).await.unwrap_err();
        assert!(twice.to_string().contains("being read"), "{twice}");
        shop.work().await;
        assert_eq!(said(&shop), "freight.pdf names order PO-1234; list.pdf names bill G-1878");
        assert_eq!(asked_for_papers(&shop), 2);
        let mut both = chosen(&shop).await;
        both.sort();
        assert_eq!(both, [goods("G-1877", "BOX"), goods("G-1878", "BAG")]);
    });
}

/// How many vouchers there are.
fn vouchers_made(shop: &Shop) -> usize {
    shop.rows().filter(|(_, record)| matches!(record, Record::Voucher(_))).count()
}

#[test]
fn a_paper_that_names_items_alone_chooses_them_and_one_that_names_nothing_chooses_nothing() {
    run_alone(async {
        let shop = Shop::new(&["BOX-12", "BAG-7"]);
        shop.connect().await;
        shop.save(bill("G-1877", "2026-06-01").line("BOX-12", "5", "10").line("BAG-7", "5", "10"));
        shop.poll().await;
        freight_with(&shop, &["10 cartons BOX-12"]).await;
        shop.poll().await;
        assert_eq!(said(&shop), "freight.pdf names item BOX-12");
        assert_eq!(chosen(&shop).await, [goods("G-1877", "BOX-12")]);
        shop.in_xero(|company, _| company.attached.clear());
        attach(&shop, "thanks.pdf", pdf(&["Thank you for your business"]));
        attach(&shop, "scan.pdf", pdf(&[]));
        landed::read_papers(&shop.ports, shop.org, "Kim", freight_bill(&shop).of).await.unwrap();
        shop.work().await;
        assert_eq!(
            said(&shop),
            "thanks.pdf names none of the goods that came in then; scan.pdf has no text that can be read"
        );
        assert_eq!(chosen(&shop).await, []);
    });
}

#[test]
fn papers_are_read_once_xero_answers_and_not_where_nobody_is_asked() {
    run_alone(async {
        let shop = shop("observe").await;
        let refuse = |error: Option<BooksError>| {
            shop.in_xero(|company, _| match error {
                Some(error) => company.refusals.insert("books.papers", error),
                None => company.refusals.remove("books.papers"),
            })
        };
        refuse(Some(BooksError::Retry("timed out".to_owned())));
        shop.save(bill("G-1877", "2026-06-02").line("BOX", "5", "10"));
        freight_with(&shop, &["for G-1877"]).await;
        shop.poll().await;
        assert_eq!(said(&shop), "its papers are being read");
        assert_eq!(chosen(&shop).await, [], "and the form is as ever");
        refuse(None);
        next_day(&shop).await;
        assert_eq!(said(&shop), "freight.pdf names bill G-1877");
        // what a person has to mend first is said, and not tried for ever
        refuse(Some(BooksError::NeedsPerson("the scope accounting.attachments is missing".to_owned())));
        landed::read_papers(&shop.ports, shop.org, "Kim", freight_bill(&shop).of).await.unwrap();
        shop.work().await;
        assert!(said(&shop).starts_with("its papers could not be read: the scope"), "{}", said(&shop));
        refuse(None);
        for _ in 0..3 {
            next_day(&shop).await;
        }
        assert_eq!(asked_for_papers(&shop), 1);
        landed::read_papers(&shop.ports, shop.org, "Kim", freight_bill(&shop).of).await.unwrap();
        shop.work().await;
        assert_eq!(said(&shop), "freight.pdf names bill G-1877");
    });
}

#[test]
fn papers_are_asked_for_once_the_question_comes_and_again_when_the_bill_came_back() {
    run_alone(async {
        let shop = shop("observe").await;
        let silent =
            r#"{"version": 1, "rules": [{"scope": "org", "setting": "ask_about_freight", "value": false}]}"#;
        shop.set(Files { policy: Some(silent), ..Files::default() }).await;
        freight_with(&shop, &["for nothing"]).await;
        next_day(&shop).await;
        shop.digest().await;
        assert_eq!((said(&shop).as_str(), asked_for_papers(&shop)), ("nobody asked", 0));
        shop.set(Files { policy: Some(&rules("observe")), ..Files::default() }).await;
        next_day(&shop).await;
        shop.digest().await;
        assert_eq!(asked_for_papers(&shop), 1, "with the digest's question");
        let papers = freight_bill(&shop).papers;
        assert!(matches!(papers, Some(Papers::Read { .. })), "{papers:?}");
        let voided = bill("F-1", "2026-06-02").line("", "1", "20").status(DocumentStatus::Voided);
        shop.save(voided);
        shop.poll().await;
        shop.wait(SignedDuration::from_secs(60));
        freight(&shop).await;
        shop.poll().await;
        assert_eq!(asked_for_papers(&shop), 2, "it is another bill as far as parstock can know");
    });
}

//! Stock adjustments: in the ledger for what Xero doesn't track, as documents over nothing in Xero for what it does.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use jiff::SignedDuration;
use parstock_app::adjustments::{self, Asked};
use parstock_app::error::AppError;
use parstock_app::ports::{Books, BooksError, BooksSession, Priority};
use parstock_app::records::ReviewKind;
use parstock_app::table::Wrong;
use parstock_domain::adjustment::{
    Adjustment, AdjustmentDraft, AdjustmentDraftLine, Form, ReasonCode, Stage,
};
use parstock_domain::document::{Document, DocumentKind, DocumentStatus};
use parstock_domain::ids::{EffectId, derived};
use parstock_domain::ledger::View;
use parstock_domain::settings::files::Files;
use parstock_tests::scheduler::run_alone;

use super::freight::{
    self, ADJUSTED, INVENTORY, accounts, adjustment_account, adjustment_documents, adjustments_contact,
    money, phase,
};
use super::stock::{Shop, bill, day, item, q, sale};

/// The rules of the shop and more of them, each after a comma.
fn policy(more: &str) -> String {
    freight::policy(&[phase("assist"), adjustment_account() + more])
}

/// A shop with boxes of ours, of which 10 lie there at 2, and teas that Xero tracks, of which 10 lie there at 3.
async fn shop() -> Shop {
    let shop = Shop::new(&["BOX", "TEA"]);
    shop.in_xero(|company, now| {
        company.organisation.period_lock_date = Some(day("2026-04-30"));
        company.accounts = accounts();
        let contact = adjustments_contact();
        company.contacts.insert(contact.id.0, (contact, now));
        let tea = company.items.get_mut(&item("TEA")).unwrap();
        (tea.purchase_price, tea.purchase_account) = (Some(money("3")), INVENTORY.to_owned());
        company.initial.insert(item("TEA"), q("10"));
    });
    shop.connect().await;
    shop.set(Files { policy: Some(&policy("")), ..Files::default() }).await;
    shop.count("BOX", "2026-05-31", "10").await.unwrap();
    shop.poll().await;
    shop
}

fn row(code: &str, quantity: &str, reason: ReasonCode) -> Asked {
    Asked {
        line: 2,
        code: code.to_owned(),
        on: day("2026-06-01"),
        quantity: q(quantity),
        reason,
        unit_cost: None,
        note: String::new(),
    }
}

async fn made(shop: &Shop, rows: &[Asked]) -> Vec<Adjustment> {
    adjustments::make(&shop.ports, shop.org, "Kim", rows).await.unwrap().unwrap()
}

async fn make(shop: &Shop, rows: &[Asked]) -> Vec<Adjustment> {
    let made = made(shop, rows).await;
    shop.work().await;
    made
}

async fn wrong(shop: &Shop, rows: &[Asked]) -> Vec<Wrong> {
    adjustments::make(&shop.ports, shop.org, "Kim", rows).await.unwrap().unwrap_err()
}

async fn all(shop: &Shop) -> Vec<Adjustment> {
    adjustments::all(&shop.ports, shop.org).await.unwrap()
}

/// Where the latest adjustment stands.
async fn state(shop: &Shop) -> String {
    all(shop).await.first().unwrap().state_words()
}

async fn approve(shop: &Shop) -> Result<(), AppError> {
    let number = all(shop).await.first().unwrap().number;
    adjustments::approve(&shop.ports, shop.org, "Lee", number, None).await?;
    shop.work().await;
    Ok(())
}

fn held(shop: &Shop, code: &str) -> String {
    shop.in_xero(|company, _| company.on_hand(item(code)).to_string())
}

fn on_hand(shop: &Shop, code: &str) -> String {
    shop.position(code).on_hand(day("2026-06-02")).unwrap().quantity().unwrap().to_string()
}

fn questions(shop: &Shop) -> Vec<String> {
    let is_meant = |kind| matches!(kind, ReviewKind::Adjustment | ReviewKind::Residual);
    shop.reviews().into_iter().filter(|review| is_meant(review.kind)).map(|review| review.text).collect()
}

#[test]
fn what_xero_does_not_track_is_adjusted_in_the_ledger_alone() {
    run_alone(async {
        let shop = shop().await;
        let found = Asked { unit_cost: Some(money("5")), ..row("BOX", "1", ReasonCode::Found) };
        let note = "fell off the shelf".to_owned();
        let broken = Asked { note, ..row("BOX", "-3", ReasonCode::Damaged) };
        let made = make(&shop, &[broken, found]).await;
        assert_eq!((made.len(), made[0].form), (1, Form::Ledger));
        let booked = all(&shop).await;
        assert_eq!((booked[0].stage.clone(), booked[0].done), (Stage::Booked, 2));
        assert_eq!(on_hand(&shop, "BOX"), "8");
        assert_eq!(adjustment_documents(&shop), []);
        let card = shop.console().await.card(item("BOX"), View::default()).await.unwrap().card;
        let rows: Vec<_> = card
            .rows
            .iter()
            .filter(|row| row.cause == "adjustment")
            .map(|row| {
                (row.number.clone(), row.contact.clone(), row.change.to_string(), row.to.words().to_owned())
            })
            .collect();
        let number = made[0].number.to_string();
        assert_eq!(
            rows,
            [
                (number.clone(), "found".into(), "1".into(), "main".into()),
                (number, "damaged: fell off the shelf".into(), "-3".into(), "write-off".into())
            ]
        );
        // it is no demand
        shop.poll().await;
        assert_eq!(shop.position("BOX").last_sold_on, None);
    });
}

#[test]
fn tracked_stock_is_adjusted_by_documents_over_nothing_and_read_back() {
    run_alone(async {
        let shop = shop().await;
        let rows = [
            row("TEA", "-2", ReasonCode::Expired),
            row("TEA", "-1", ReasonCode::Lost),
            Asked { unit_cost: Some(money("4.5")), ..row("TEA", "5", ReasonCode::Found) },
        ];
        let made = make(&shop, &rows).await;
        assert_eq!(made.iter().map(|made| made.form).collect::<Vec<_>>(), [Form::Bill, Form::CreditNote]);
        let documents = adjustment_documents(&shop);
        let lines = |document: &Document| -> Vec<(String, String, String, bool)> {
            let lines = document.lines.iter();
            lines
                .map(|it| {
                    (it.quantity.to_string(), it.net.to_string(), it.account.clone(), it.item.is_some())
                })
                .collect()
        };
        let line = |quantity: &str, net: &str, account: &str, is_goods| {
            (quantity.to_owned(), net.to_owned(), account.to_owned(), is_goods)
        };
        assert_eq!(documents[0].of.kind, DocumentKind::Bill);
        assert_eq!(
            lines(&documents[0]),
            [line("5", "22.50", INVENTORY, true), line("5", "-22.50", ADJUSTED, false)]
        );
        assert_eq!(documents[1].of.kind, DocumentKind::SupplierCredit);
        assert_eq!(documents[1].lines.len(), 4, "{:?}", lines(&documents[1]));
        assert_eq!(lines(&documents[1])[2], line("1", "3.00", INVENTORY, true), "at Xero's average");
        assert_eq!((held(&shop, "TEA"), on_hand(&shop, "TEA")), ("12".into(), "12".into()));
        assert_eq!(all(&shop).await.iter().filter(|it| it.document.is_some()).count(), 2);
        assert_eq!(questions(&shop), Vec::<String>::new());
        // ours, and neither demand nor a lesson of a supplier
        let card = shop.console().await.card(item("TEA"), View::default()).await.unwrap().card;
        let told: Vec<_> =
            card.rows.iter().filter(|row| row.cause == "adjustment").map(|row| row.contact.clone()).collect();
        assert_eq!(told, ["found", "expired; lost", "expired; lost"]);
        for _ in 0..4 {
            shop.poll().await;
        }
        assert_eq!((on_hand(&shop, "TEA"), shop.position("TEA").booked), ("12".into(), q("12")));
        assert_eq!((shop.position("TEA").last_sold_on, questions(&shop)), (None, Vec::new()));
    });
}

#[test]
fn every_row_that_is_wrong_is_told_and_nothing_is_booked() {
    run_alone(async {
        let shop = shop().await;
        shop.in_xero(|company, now| {
            let new = parstock_domain::document::Item {
                id: item("BAG"),
                code: "BAG".to_owned(),
                updated_at: now,
                ..company.items[&item("BOX")].clone()
            };
            company.items.insert(new.id, new);
        });
        shop.poll().await;
        let rows = [
            row("NIL", "-1", ReasonCode::Lost),
            row("BOX", "1", ReasonCode::Lost),
            row("BOX", "-1", ReasonCode::Other),
            Asked { on: day("2026-06-30"), ..row("BOX", "-1", ReasonCode::Lost) },
            Asked { unit_cost: Some(money("1")), ..row("BOX", "-1", ReasonCode::Lost) },
            row("BOX", "-6", ReasonCode::Lost),
            row("BOX", "-6", ReasonCode::Stolen),
            row("BAG", "-1", ReasonCode::Lost),
            Asked { on: day("2026-04-30"), ..row("TEA", "-1", ReasonCode::Lost) },
        ];
        let told: Vec<String> = wrong(&shop, &rows).await.into_iter().map(|wrong| wrong.what).collect();
        let says = [
            "no item with the code `NIL`",
            "below zero",
            "needs a note",
            "has not come yet",
            "leave it empty",
            "10 of `BOX` lie there, and 12 are to go out",
            "nobody has counted `BAG`",
            "locked up to 2026-04-30",
        ];
        assert_eq!(told.len(), says.len(), "{told:?}");
        for (told, says) in told.iter().zip(says) {
            assert!(told.contains(says), "{told}");
        }
        assert_eq!((all(&shop).await, on_hand(&shop, "BOX")), (vec![], "10".into()));
    });
}

#[test]
fn without_leave_to_write_nothing_of_tracked_stock_is_adjusted() {
    run_alone(async {
        let shop = shop().await;
        for (policy, says) in [
            (r#"{"version": 1, "rules": []}"#, "observe"),
            (
                r#"{"version": 1, "rules": [{"scope": "org", "setting": "phase", "value": "assist"}]}"#,
                "adjustment_account",
            ),
        ] {
            shop.set(Files { policy: Some(policy), ..Files::default() }).await;
            let rows = [row("TEA", "-1", ReasonCode::Lost), row("BOX", "-1", ReasonCode::Lost)];
            let refused = adjustments::make(&shop.ports, shop.org, "Kim", &rows).await.unwrap_err();
            assert!(refused.to_string().contains(says), "{refused}");
            assert_eq!(all(&shop).await, []);
        }
        // the ledger is ours
        make(&shop, &[row("BOX", "-1", ReasonCode::Lost)]).await;
        assert_eq!(on_hand(&shop, "BOX"), "9");
    });
}

#[test]
fn the_same_file_given_twice_is_booked_once() {
    run_alone(async {
        let shop = shop().await;
        let rows = [row("BOX", "-1", ReasonCode::Lost)];
        make(&shop, &rows).await;
        let refused = adjustments::make(&shop.ports, shop.org, "Lee", &rows).await.unwrap_err();
        assert!(refused.to_string().contains("the same was adjusted today"), "{refused}");
        make(&shop, &[Asked { note: "one more".to_owned(), ..row("BOX", "-1", ReasonCode::Lost) }]).await;
        assert_eq!(on_hand(&shop, "BOX"), "8");
    });
}

#[test]
fn the_same_request_is_known_though_the_stock_is_worth_something_else_by_then() {
    run_alone(async {
        let shop = shop().await;
        let fifo = r#", {"scope": "org", "setting": "costing", "value": "fifo"}"#;
        shop.set(Files { policy: Some(&policy(fifo)), ..Files::default() }).await;
        shop.save(bill("B-1", "2026-06-01").line("BOX", "10", "4"));
        shop.poll().await;
        let rows = [row("BOX", "-5", ReasonCode::Lost)];
        let first = make(&shop, &rows).await;
        assert_eq!(first[0].lines[0].unit_cost, money("3"));
        let again = |note: &str| [Asked { note: note.to_owned(), ..rows[0].clone() }];
        let refused = adjustments::make(&shop.ports, shop.org, "Lee", &again(" ")).await.unwrap_err();
        assert!(refused.to_string().contains("the same was adjusted today"), "{refused}");
        assert_eq!(on_hand(&shop, "BOX"), "15");
        let second = make(&shop, &again("one more crate")).await;
        assert!(second[0].lines[0].unit_cost > money("3"), "{:?}", second[0].lines);
        // nor does what is gone by then hide that it was made
        make(&shop, &[row("BOX", "-6", ReasonCode::Stolen)]).await;
        let refused =
            adjustments::make(&shop.ports, shop.org, "Lee", &[row("BOX", "-6", ReasonCode::Stolen)]).await;
        assert!(refused.unwrap_err().to_string().contains("the same was adjusted today"));
    });
}

#[test]
fn more_than_the_limit_waits_for_a_second_decision() {
    run_alone(async {
        let shop = shop().await;
        let limit = r#", {"scope": "org", "setting": "adjustment_value_max", "value": "6"}"#;
        shop.set(Files { policy: Some(&policy(limit)), ..Files::default() }).await;
        make(&shop, &[row("BOX", "-3", ReasonCode::Lost)]).await;
        assert_eq!(on_hand(&shop, "BOX"), "7", "6.00 is not more");
        // both ways together are more, however they are split
        make(&shop, &[row("BOX", "-2", ReasonCode::Lost), row("TEA", "-1", ReasonCode::Lost)]).await;
        assert_eq!((on_hand(&shop, "BOX"), held(&shop, "TEA")), ("7".into(), "10".into()));
        let waiting = all(&shop).await;
        assert_eq!((waiting[0].stage.clone(), waiting[1].stage.clone()), (Stage::Waiting, Stage::Waiting));
        assert!(
            questions(&shop).iter().all(|text| text.contains("13.00 would be adjusted today")),
            "{:?}",
            questions(&shop)
        );
        assert_eq!(questions(&shop).len(), 2);
        assert!(waiting[0].number > waiting[1].number);
        // that of the tea
        let other = Some(waiting[1].contents);
        let stale =
            adjustments::approve(&shop.ports, shop.org, "Lee", waiting[0].number, other).await.unwrap_err();
        assert!(stale.to_string().contains("not what was shown"), "{stale}");
        approve(&shop).await.unwrap();
        assert_eq!((held(&shop, "TEA"), state(&shop).await), ("9".into(), "in Xero as a credit note".into()));
        assert!(approve(&shop).await.unwrap_err().to_string().contains("does not wait"));
        let boxes = waiting[1].number;
        adjustments::reject(&shop.ports, shop.org, "Lee", boxes, "they are behind the door").await.unwrap();
        shop.work().await;
        assert_eq!((on_hand(&shop, "BOX"), questions(&shop)), ("7".into(), Vec::new()));
        let words = all(&shop).await[1].state_words();
        assert_eq!(words, "rejected by Lee: they are behind the door");
    });
}

#[test]
fn what_is_gone_by_the_time_of_the_decision_is_not_written_off() {
    run_alone(async {
        let shop = shop().await;
        let limit = r#", {"scope": "org", "setting": "adjustment_value_max", "value": "6"}"#;
        shop.set(Files { policy: Some(&policy(limit)), ..Files::default() }).await;
        make(&shop, &[row("BOX", "-4", ReasonCode::Lost)]).await;
        shop.save(sale("S-1", "2026-06-01").line("BOX", "8", "9"));
        shop.poll().await;
        let refused = approve(&shop).await.unwrap_err();
        assert!(refused.to_string().contains("2 of `BOX` lie there by now"), "{refused}");
        assert_eq!((on_hand(&shop, "BOX"), state(&shop).await), ("2".into(), "waits for approval".into()));
    });
}

#[test]
fn what_two_decisions_take_in_a_row_is_no_more_than_lies_there() {
    run_alone(async {
        let shop = shop().await;
        let limit = r#", {"scope": "org", "setting": "adjustment_value_max", "value": "6"}"#;
        shop.set(Files { policy: Some(&policy(limit)), ..Files::default() }).await;
        let (first, second) = (row("BOX", "-6", ReasonCode::Lost), row("BOX", "-6", ReasonCode::Stolen));
        let (first, second) = (make(&shop, &[first]).await, make(&shop, &[second]).await);
        adjustments::approve(&shop.ports, shop.org, "Lee", first[0].number, None).await.unwrap();
        // nobody has booked the first yet, and the code is another one by now
        shop.wait(SignedDuration::from_hours(24));
        shop.in_xero(|company, now| {
            let boxes = company.items.get_mut(&item("BOX")).unwrap();
            (boxes.code, boxes.updated_at) = ("CRATE".to_owned(), now);
        });
        let refused = adjustments::approve(&shop.ports, shop.org, "Lee", second[0].number, None).await;
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("10 of `BOX` lie there by now, and 12 are to go out"), "{refused}");
        let told = wrong(&shop, &[row("BOX", "-5", ReasonCode::Expired)]).await;
        assert!(told[0].what.contains("10 of `BOX` lie there, and 11 are to go out"), "{told:?}");
        shop.work().await;
        assert_eq!(on_hand(&shop, "BOX"), "4");
    });
}

#[test]
fn what_is_sold_before_it_is_booked_is_not_written_off() {
    run_alone(async {
        let shop = shop().await;
        let made = made(&shop, &[row("BOX", "-8", ReasonCode::Lost)]).await;
        // before its turn comes
        let pending = pending(&shop);
        shop.save(sale("S-1", "2026-06-01").line("BOX", "5", "9"));
        shop.wait(SignedDuration::from_mins(15));
        shop.say(parstock_app::message::Message::Sync { org: shop.org }).await;
        shop.say(parstock_app::message::Message::Effect { org: shop.org, effect: pending }).await;
        shop.work().await;
        let told = questions(&shop);
        assert!(told.len() == 1 && told[0].contains("5 of `BOX` lie there by now, and 8"), "{told:?}");
        assert_eq!((on_hand(&shop, "BOX"), all(&shop).await[0].done), ("5".into(), 0));
        adjustments::reject(&shop.ports, shop.org, "Kim", made[0].number, "sold").await.unwrap();
        assert_eq!(questions(&shop), Vec::<String>::new());
    });
}

#[test]
fn what_is_on_its_way_out_is_not_there_for_another_adjustment() {
    run_alone(async {
        let shop = shop().await;
        // nobody has booked it yet
        made(&shop, &[row("BOX", "-8", ReasonCode::Lost)]).await;
        let told = wrong(&shop, &[row("BOX", "-3", ReasonCode::Stolen)]).await;
        assert!(told[0].what.contains("10 of `BOX` lie there, and 11 are to go out"), "{told:?}");
        shop.work().await;
        assert_eq!(on_hand(&shop, "BOX"), "2");
    });
}

#[test]
fn what_stands_against_it_in_xero_is_told_and_it_can_be_tried_again() {
    run_alone(async {
        let shop = shop().await;
        let refused = async |says: &str| {
            let told = questions(&shop);
            assert!(told.len() == 1 && told[0].contains(says), "{says}: {told:?}");
            assert_eq!((held(&shop, "TEA"), adjustment_documents(&shop)), ("10".into(), vec![]));
        };
        shop.in_xero(|company, _| company.is_capped = true);
        make(&shop, &[row("TEA", "1", ReasonCode::Found)]).await;
        refused("bills of the month are used up").await;
        shop.in_xero(|company, _| {
            company.is_capped = false;
            // one of the profile is older
            company.organisation.end_of_year_lock_date = Some(day("2026-06-01"));
        });
        approve(&shop).await.unwrap();
        refused("is locked in Xero").await;
        shop.in_xero(|company, _| {
            company.organisation.end_of_year_lock_date = None;
            let account = company.accounts.iter_mut().find(|it| it.code == ADJUSTED).unwrap();
            account.kind = "BANK".to_owned();
        });
        approve(&shop).await.unwrap();
        refused("is of the type BANK").await;
        shop.in_xero(|company, _| {
            company.accounts = accounts();
            let refusal = BooksError::Reject("A validation exception occurred".to_owned());
            company.refusals.insert("books.create_adjustment", refusal);
        });
        approve(&shop).await.unwrap();
        refused("A validation exception").await;
        shop.in_xero(|company, _| company.refusals.clear());
        approve(&shop).await.unwrap();
        assert_eq!((held(&shop, "TEA"), on_hand(&shop, "TEA")), ("11".into(), "11".into()));
        assert_eq!(questions(&shop), Vec::<String>::new());
        assert_eq!(adjustment_documents(&shop)[0].contact, adjustments_contact().id);
    });
}

#[test]
fn no_more_goes_out_than_xero_holds_when_it_is_written() {
    run_alone(async {
        let shop = shop().await;
        made(&shop, &[row("TEA", "-8", ReasonCode::Damaged)]).await;
        // a sale that parstock has not seen
        shop.in_xero(|company, _| company.initial.insert(item("TEA"), q("5")));
        shop.work().await;
        let told = questions(&shop);
        assert!(
            told.iter().any(|text| text.contains("Xero holds 5 of `TEA`, and 8 are to go out")),
            "{told:?}"
        );
        assert_eq!(adjustment_documents(&shop), []);
        let number = all(&shop).await[0].number;
        adjustments::reject(&shop.ports, shop.org, "Kim", number, "five of them were sold").await.unwrap();
        assert!(questions(&shop).iter().all(|text| !text.contains("ADJ-")), "{:?}", questions(&shop));
    });
}

#[test]
fn a_document_whose_answer_was_lost_is_adopted() {
    run_alone(async {
        let shop = shop().await;
        let lost = BooksError::Unknown("timed out".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_adjustment", lost));
        let made = made(&shop, &[row("TEA", "-4", ReasonCode::Damaged)]).await;
        let mut tries = 0;
        while tries < 2 {
            tries += 1;
            shop.say(parstock_app::message::Message::Effect { org: shop.org, effect: pending(&shop) }).await;
        }
        shop.in_xero(|company, _| company.refusals.clear());
        // it was written after all
        let draft = AdjustmentDraft {
            number: made[0].number,
            kind: DocumentKind::SupplierCredit,
            contact: adjustments_contact().id,
            date: day("2026-06-01"),
            account: ADJUSTED.to_owned(),
            lines: vec![AdjustmentDraftLine {
                item_code: "TEA".to_owned(),
                description: "damaged".to_owned(),
                quantity: q("4"),
                unit_cost: money("3"),
                account: INVENTORY.to_owned(),
            }],
        };
        let mut session = shop.ports.books.open(shop.org, Priority::Person, 1).await.unwrap();
        session.create_adjustment(&draft, EffectId(derived("effect", &["other"]))).await.unwrap();
        session.close().await;
        shop.wait(SignedDuration::from_mins(10));
        shop.work().await;
        assert_eq!((adjustment_documents(&shop).len(), held(&shop, "TEA")), (1, "6".into()));
        assert_eq!(
            (on_hand(&shop, "TEA"), state(&shop).await),
            ("6".into(), "in Xero as a credit note".into())
        );
        assert_eq!(questions(&shop), Vec::<String>::new());
    });
}

fn pending(shop: &Shop) -> EffectId {
    let pending = |key| match key {
        parstock_app::records::Key::PendingEffect(id) => Some(id),
        _ => None,
    };
    shop.rows().find_map(|(key, _)| pending(key)).unwrap()
}

#[test]
fn somebody_elses_document_with_its_number_is_not_taken_for_ours() {
    run_alone(async {
        let shop = shop().await;
        let mut theirs = bill("ADJ-2026-06-01-001", "2026-06-01").line("TEA", "1", "3");
        theirs.describe(0, "Tea");
        shop.save(theirs);
        shop.poll().await;
        make(&shop, &[row("TEA", "2", ReasonCode::Found)]).await;
        let told = questions(&shop);
        assert!(
            told.iter().any(|text| text
                .contains("the bill ADJ-2026-06-01-001 is in Xero already and says something else")),
            "{told:?}"
        );
        assert_eq!(held(&shop, "TEA"), "11");
    });
}

#[test]
fn a_document_with_its_number_that_moves_nothing_is_not_taken_for_it() {
    run_alone(async {
        for (status, says) in [
            (DocumentStatus::Voided, "was voided in Xero: reject it and make it anew"),
            (DocumentStatus::Deleted, "was voided in Xero: reject it and make it anew"),
            (DocumentStatus::Draft, "not approved: approve it there and try again"),
            (DocumentStatus::Submitted, "not approved: approve it there and try again"),
        ] {
            let shop = shop().await;
            let copy = || bill("ADJ-2026-06-01-001", "2026-06-01").line("TEA", "2", "3");
            let of = shop.save(copy().status(status));
            shop.poll().await;
            make(&shop, &[row("TEA", "2", ReasonCode::Found)]).await;
            let told = questions(&shop);
            assert!(told.len() == 1 && told[0].contains(says), "{status:?}: {told:?}");
            assert_eq!((held(&shop, "TEA"), adjustment_documents(&shop).len()), ("10".into(), 1));
            // beside one that stands it is no double either
            shop.in_xero(|company, _| {
                let document = Document { status: DocumentStatus::Paid, ..company.documents[&of.id].clone() };
                let id = parstock_domain::ids::DocumentId(derived("document", &["that stands"]));
                let of = parstock_domain::document::DocumentRef { id, ..document.of };
                company.documents.insert(id, Document { of, ..document });
            });
            approve(&shop).await.unwrap();
            assert_eq!((state(&shop).await, held(&shop, "TEA")), ("in Xero as a bill".into(), "12".into()));
            assert_eq!(questions(&shop), Vec::<String>::new());
        }
    });
}

#[test]
fn what_fails_after_it_was_written_does_not_undo_that() {
    run_alone(async {
        let shop = shop().await;
        let refuse = |error: Option<BooksError>| shop.in_xero(|company, _| company.read_back_refusal = error);
        refuse(Some(BooksError::Reject("no leave to read items".to_owned())));
        make(&shop, &[row("TEA", "-2", ReasonCode::Damaged)]).await;
        assert_eq!(state(&shop).await, "in Xero as a credit note");
        let told = questions(&shop);
        assert!(
            told.len() == 1 && told[0].contains("could not be compared: no leave to read items"),
            "{told:?}"
        );
        assert!(approve(&shop).await.unwrap_err().to_string().contains("does not wait"));
        assert_eq!((adjustment_documents(&shop).len(), held(&shop, "TEA")), (1, "8".into()));
    });
}

#[test]
fn what_somebody_makes_of_it_before_it_was_compared_is_still_ours() {
    run_alone(async {
        let shop = shop().await;
        let refuse = |error: Option<BooksError>| shop.in_xero(|company, _| company.read_back_refusal = error);
        refuse(Some(BooksError::Retry("500".to_owned())));
        made(&shop, &[row("TEA", "-2", ReasonCode::Damaged)]).await;
        shop.say(parstock_app::message::Message::Effect { org: shop.org, effect: pending(&shop) }).await;
        assert_eq!(state(&shop).await, "being booked");
        let of = adjustment_documents(&shop)[0].of.id;
        shop.in_xero(|company, now| {
            let document = company.documents.get_mut(&of).unwrap();
            (document.lines[0].quantity, document.lines[1].quantity) = (q("3"), q("3"));
            document.updated_at = now;
        });
        refuse(None);
        shop.wait(SignedDuration::from_mins(10));
        shop.work().await;
        shop.poll().await;
        assert_eq!(state(&shop).await, "in Xero as a credit note");
        assert_eq!(
            (adjustment_documents(&shop).len(), held(&shop, "TEA"), on_hand(&shop, "TEA")),
            (1, "7".into(), "7".into())
        );
        assert_eq!(questions(&shop), Vec::<String>::new(), "the edit explains it");
    });
}

#[test]
fn what_may_be_in_xero_is_not_said_to_be_missing() {
    run_alone(async {
        let shop = shop().await;
        let lost = BooksError::Unknown("timed out".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_adjustment", lost));
        made(&shop, &[row("TEA", "-2", ReasonCode::Damaged)]).await;
        let effect = pending(&shop);
        for _ in 0..12 {
            shop.say(parstock_app::message::Message::Effect { org: shop.org, effect }).await;
            shop.wait(SignedDuration::from_mins(10));
        }
        let told = questions(&shop);
        assert!(told.len() == 1 && told[0].contains("may be in Xero"), "{told:?}");
        assert!(told[0].contains("before you reject it, look for its number in Xero"), "{told:?}");
        assert!(state(&shop).await.starts_with("may be in Xero"), "{}", state(&shop).await);
    });
}

#[test]
fn a_write_that_gets_through_late_is_told_as_a_double() {
    run_alone(async {
        let shop = shop().await;
        let lost = BooksError::Unknown("timed out".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_adjustment", lost));
        made(&shop, &[row("TEA", "-4", ReasonCode::Damaged)]).await;
        shop.say(parstock_app::message::Message::Effect { org: shop.org, effect: pending(&shop) }).await;
        shop.in_xero(|company, _| {
            company.refusals.clear();
            company.writes_adjustments_late = true;
        });
        shop.wait(SignedDuration::from_mins(10));
        shop.work().await;
        let told = questions(&shop);
        assert!(told.iter().any(|text| text.contains("1 more documents with the number ADJ-")), "{told:?}");
        assert_eq!(
            (adjustment_documents(&shop).len(), state(&shop).await),
            (2, "in Xero as a credit note".into())
        );
    });
}

#[test]
fn a_quantity_that_is_not_what_it_should_be_afterwards_is_asked_about() {
    run_alone(async {
        let shop = shop().await;
        // what Xero counts of a credit note in this story is another quantity
        shop.in_xero(|company, _| company.counts_adjustments_as = Some(q("1")));
        make(&shop, &[row("TEA", "-2", ReasonCode::Damaged)]).await;
        let told = questions(&shop);
        assert!(
            told.len() == 1
                && told[0].contains("held 10 of `TEA`")
                && told[0].contains("holds 9 after it, where 8 were due"),
            "{told:?}"
        );
        assert_eq!(adjustment_documents(&shop).len(), 1, "and nothing more is written");
        assert_eq!(on_hand(&shop, "TEA"), "9", "Xero is the book");
        // it was mended there
        shop.in_xero(|company, _| company.counts_adjustments_as = None);
        for _ in 0..5 {
            shop.poll().await;
        }
        assert_eq!((questions(&shop), on_hand(&shop, "TEA")), (Vec::new(), "8".into()));
    });
}

#[test]
fn a_sale_in_between_is_no_difference() {
    run_alone(async {
        let shop = shop().await;
        shop.save(sale("S-1", "2026-06-01").line("TEA", "1", "9"));
        shop.poll().await;
        make(&shop, &[row("TEA", "-2", ReasonCode::Damaged)]).await;
        assert_eq!((questions(&shop), on_hand(&shop, "TEA")), (Vec::new(), "7".into()));
        // and what people do with the document counts
        let of = adjustment_documents(&shop)[0].of.id;
        shop.in_xero(|company, now| {
            let document = company.documents.get_mut(&of).unwrap();
            (document.status, document.updated_at) = (DocumentStatus::Voided, now);
        });
        for _ in 0..4 {
            shop.poll().await;
        }
        assert_eq!((on_hand(&shop, "TEA"), shop.position("TEA").booked), ("9".into(), q("9")));
        assert_eq!(questions(&shop), Vec::<String>::new());
    });
}

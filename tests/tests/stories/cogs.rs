//! Cost of goods sold of untracked stock: what is sold becomes a journal in Xero, once, and what is told late a correction.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]

use jiff::{SignedDuration, ToSpan};
use parstock_app::message::Message;
use parstock_app::ports::BooksError;
use parstock_app::records::Record;
use parstock_domain::cogs::{Fate, Journal};
use parstock_domain::document::{Account, DocumentKind, DocumentStatus};
use parstock_domain::fixed::Money;
use parstock_domain::ids::{DocumentId, EffectId};
use parstock_domain::manual_journal::{JournalInXero, StateInXero};
use parstock_domain::settings::files::Files;
use parstock_tests::books::ManualJournal;
use parstock_tests::scheduler::run_alone;

use uuid::Uuid;

use super::stock::{Paper, Shop, bill, paper, sale};

/// Account of the lines of the tests' papers.
const STOCK: &str = "300";

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn policy(phase: &str, every: &str) -> String {
    format!(
        r#"{{"version": 1, "rules": [
            {{"scope": "org", "setting": "phase", "value": "{phase}"}},
            {{"scope": "org", "setting": "cogs", "value":
                {{"stock_account": "{STOCK}", "cogs_account": "310", "every": "{every}"}}}}]}}"#
    )
}

/// A shop with two untracked items, twenty of each worth two, and journals of what is sold from the second of June on.
async fn shop(phase: &str, every: &str) -> Shop {
    let shop = Shop::new(&["BOX", "BAG"]);
    accounts(&shop, "CURRENT");
    shop.connect().await;
    shop.count("BOX", "2026-05-10", "20").await.unwrap();
    shop.count("BAG", "2026-05-10", "20").await.unwrap();
    shop.set(Files { policy: Some(&policy(phase, every)), ..Files::default() }).await;
    shop
}

/// The same on the second of June.
async fn begun(phase: &str, every: &str) -> Shop {
    let shop = shop(phase, every).await;
    next_day(&shop).await;
    shop
}

fn accounts(shop: &Shop, stock: &str) {
    let account = |code: &str, kind: &str| Account {
        code: code.to_owned(),
        name: "An account".to_owned(),
        kind: kind.to_owned(),
        balance: Money::ZERO,
    };
    let accounts = vec![account(STOCK, stock), account("310", "DIRECTCOSTS")];
    shop.in_xero(|company, _| company.accounts = accounts);
}

async fn next_day(shop: &Shop) {
    shop.wait(SignedDuration::from_hours(24) - SignedDuration::from_mins(15));
    shop.poll().await;
}

/// The journals in Xero: date, amount off the stock account, and what they say.
fn in_xero(shop: &Shop) -> Vec<(String, String, String)> {
    let told = |journal: &ManualJournal| {
        let credited = journal.known.amounts[STOCK].negated().unwrap();
        assert_eq!(journal.known.amounts["310"], credited, "debits and credits are equal");
        (journal.date.to_string(), credited.to_string(), journal.known.narration.clone())
    };
    shop.in_xero(|company, _| company.journals.iter().map(told).collect())
}

fn amounts(shop: &Shop) -> Vec<(String, String)> {
    in_xero(shop).into_iter().map(|(date, amount, _)| (date, amount)).collect()
}

fn journals(shop: &Shop) -> Vec<Journal> {
    let journal = |record| if let Record::Journal(journal) = record { Some(journal) } else { None };
    shop.rows().filter_map(|(_, record)| journal(record)).collect()
}

fn pair(date: &str, amount: &str) -> (String, String) {
    (date.to_owned(), amount.to_owned())
}

#[test]
fn what_is_sold_is_journaled_on_the_next_morning_and_what_is_told_late_is_a_correction() {
    run_alone(async {
        let shop = shop("assist", "day").await;
        // sold before the journals begin
        shop.save(sale("S-0", "2026-06-01").line("BOX", "1", "5"));
        shop.poll().await;
        next_day(&shop).await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5").line("BAG", "1", "5"));
        shop.poll().await;
        assert_eq!(in_xero(&shop), [], "the day is not over");
        next_day(&shop).await;
        assert_eq!(
            in_xero(&shop),
            [(
                "2026-06-02".to_owned(),
                "6.00".to_owned(),
                "Cost of goods sold, untracked stock, 2026-06-02 [parstock 2026-06-03-001]".to_owned()
            )]
        );
        let state = shop.in_xero(|company, _| company.journals[0].known.state);
        assert_eq!(state, StateInXero::Draft);
        // twenty at 4 before all of it: each of the three that were sold cost one more. The first was sold before the journals
        // begin, where nothing is journaled: what changes there counts on their first day
        shop.save(bill("B-1", "2026-05-20").line("BOX", "20", "4"));
        shop.poll().await;
        shop.poll().await;
        assert_eq!(in_xero(&shop).len(), 1, "once a day");
        next_day(&shop).await;
        let told = in_xero(&shop);
        assert_eq!(
            told[1..],
            [(
                "2026-06-02".to_owned(),
                "3.00".to_owned(),
                "Correction of cost of goods sold, untracked stock, 2026-06-02, because of bill B-1 [parstock 2026-06-04-001]"
                    .to_owned()
            )]
        );
        next_day(&shop).await;
        assert_eq!(in_xero(&shop).len(), 2, "nothing new");
        let page = shop.console().await.journals().await.unwrap().render().unwrap();
        assert!(page.contains("2026-06-03-001") && page.contains("draft in Xero"), "{page}");
        let number = "2026-06-03-001".parse().unwrap();
        let one = shop.console().await.journal(number).await.unwrap();
        let lines: Vec<_> = one
            .lines
            .iter()
            .map(|line| (line.code.as_str(), line.cause.as_str(), line.cost.to_string()))
            .collect();
        assert_eq!(
            lines,
            [("BOX", "invoice S-1", "4.00".to_owned()), ("BAG", "invoice S-1", "2.00".to_owned())]
        );
        one.render().unwrap();
    });
}

#[test]
fn a_void_takes_its_cost_back_and_a_day_that_comes_to_nothing_has_no_journal() {
    run_alone(async {
        let shop = begun("assist", "day").await;
        let sold = || sale("S-1", "2026-06-02").line("BOX", "2", "5");
        shop.save(sold());
        shop.poll().await;
        shop.save(sold().status(DocumentStatus::Voided));
        next_day(&shop).await;
        assert_eq!(in_xero(&shop), []);
        shop.save(sale("S-2", "2026-06-03").line("BOX", "3", "5"));
        next_day(&shop).await;
        shop.save(sale("S-2", "2026-06-03").line("BOX", "3", "5").status(DocumentStatus::Voided));
        next_day(&shop).await;
        assert_eq!(amounts(&shop), [pair("2026-06-03", "6.00"), pair("2026-06-03", "-6.00")]);
    });
}

#[test]
fn a_month_is_journaled_when_it_is_over() {
    run_alone(async {
        let shop = begun("assist", "month").await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5"));
        next_day(&shop).await;
        shop.save(sale("S-2", "2026-06-03").line("BAG", "1", "5"));
        next_day(&shop).await;
        assert_eq!(in_xero(&shop), []);
        shop.wait(SignedDuration::from_hours(24 * 27));
        next_day(&shop).await;
        assert_eq!(amounts(&shop), [pair("2026-06-30", "6.00")]);
    });
}

#[test]
fn what_is_told_of_a_closed_month_is_journaled_on_the_first_open_day() {
    run_alone(async {
        let shop = begun("assist", "day").await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5"));
        next_day(&shop).await;
        shop.wait(SignedDuration::from_hours(24 * 30));
        let open = policy("assist", "day");
        let closed =
            open.replace("]}", r#", {"scope": "org", "setting": "closed_through", "value": "2026-06-30"}]}"#);
        shop.set(Files { policy: Some(&closed), ..Files::default() }).await;
        shop.save(bill("B-1", "2026-05-20").line("BOX", "20", "4"));
        next_day(&shop).await;
        assert_eq!(amounts(&shop), [pair("2026-06-02", "4.00"), pair("2026-07-01", "2.00")]);
    });
}

#[test]
fn accounts_of_the_wrong_type_are_refused_and_the_days_are_journaled_once_they_are_right() {
    run_alone(async {
        let shop = shop("assist", "day").await;
        accounts(&shop, "INVENTORY");
        next_day(&shop).await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5"));
        next_day(&shop).await;
        assert_eq!(in_xero(&shop), []);
        let asked: Vec<String> = shop.reviews().into_iter().map(|review| review.text).collect();
        assert_eq!(asked.len(), 1);
        assert!(asked[0].contains("holds tracked stock"), "{asked:?}");
        accounts(&shop, "CURRENT");
        next_day(&shop).await;
        assert_eq!(amounts(&shop), [pair("2026-06-02", "4.00")]);
        assert_eq!(shop.reviews(), []);
    });
}

#[test]
fn purchases_on_another_account_hold_their_item_back_until_they_are_coded_anew() {
    run_alone(async {
        let shop = begun("assist", "day").await;
        let bought = |account: &str| bill("B-1", "2026-06-02").line("BOX", "10", "2").account(account);
        shop.save(bought("310"));
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5").line("BAG", "1", "5"));
        next_day(&shop).await;
        assert_eq!(amounts(&shop), [pair("2026-06-02", "2.00")], "the bag alone");
        let asked: Vec<String> = shop.reviews().into_iter().map(|review| review.text).collect();
        assert!(asked[0].contains("bill B-1 on account 310"), "{asked:?}");
        let page = shop.console().await.journals().await.unwrap();
        assert_eq!((page.held, page.held_items), (money("4"), 1));
        shop.save(bought(STOCK));
        next_day(&shop).await;
        assert_eq!(amounts(&shop)[1..], [pair("2026-06-02", "4.00")]);
        assert_eq!(shop.reviews(), []);
    });
}

#[test]
fn what_a_person_deletes_or_changes_in_xero_is_open_again() {
    run_alone(async {
        let shop = begun("assist", "day").await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5"));
        next_day(&shop).await;
        shop.in_xero(|company, now| {
            company.journals[0].known.state = StateInXero::Gone;
            company.journals[0].updated_at = now;
        });
        next_day(&shop).await;
        assert_eq!(amounts(&shop)[1..], [pair("2026-06-02", "4.00")]);
        assert!(matches!(journals(&shop)[0].fate, Fate::Reopened { .. }));
        shop.in_xero(|company, now| {
            let journal = &mut company.journals[1];
            journal.known.amounts = [(STOCK.to_owned(), money("-3")), ("310".to_owned(), money("3"))].into();
            (journal.known.state, journal.updated_at) = (StateInXero::Posted, now);
        });
        next_day(&shop).await;
        assert_eq!(amounts(&shop)[2..], [pair("2026-06-02", "1.00")], "what they took off");
        assert!(matches!(journals(&shop)[1].fate, Fate::Posted { .. }));
    });
}

#[test]
fn a_journal_whose_answer_was_lost_is_found_and_one_that_xero_refuses_is_asked_for_again() {
    run_alone(async {
        let shop = begun("assist", "day").await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5"));
        let lost = BooksError::Unknown("timed out".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_journal", lost.clone()));
        next_day(&shop).await;
        assert_eq!(in_xero(&shop), []);
        // the last try had got through
        let journal = journals(&shop).remove(0);
        shop.in_xero(|company, now| {
            company.refusals.clear();
            company.journals.push(ManualJournal {
                known: JournalInXero {
                    id: DocumentId(Uuid::from_u128(7)),
                    state: StateInXero::Draft,
                    narration: journal.narration,
                    amounts: [(STOCK.to_owned(), money("-4")), ("310".to_owned(), money("4"))].into(),
                },
                date: journal.date,
                updated_at: now,
                effect: EffectId(Uuid::nil()),
            });
        });
        next_day(&shop).await;
        assert_eq!(in_xero(&shop).len(), 1, "and is not written twice");
        assert!(matches!(journals(&shop)[0].fate, Fate::Draft { .. }));
        // none of the tries gets through
        shop.save(sale("S-1b", "2026-06-04").line("BAG", "1", "5"));
        shop.in_xero(|company, _| company.refusals.insert("books.create_journal", lost));
        next_day(&shop).await;
        shop.in_xero(|company, _| company.refusals.clear());
        assert_eq!(journals(&shop)[1].fate, Fate::Planned);
        next_day(&shop).await;
        assert_eq!(amounts(&shop)[1..], [pair("2026-06-04", "2.00")]);
        shop.save(sale("S-2", "2026-06-05").line("BOX", "1", "5"));
        let refusal = BooksError::Reject("the day is locked".to_owned());
        shop.in_xero(|company, _| company.refusals.insert("books.create_journal", refusal));
        next_day(&shop).await;
        next_day(&shop).await;
        let last = journals(&shop).pop().unwrap();
        assert!(matches!(&last.fate, Fate::Reopened { why } if why.contains("locked")), "{last:?}");
        shop.in_xero(|company, _| company.refusals.clear());
        next_day(&shop).await;
        assert_eq!(amounts(&shop)[2..], [pair("2026-06-05", "2.00")]);
    });
}

#[test]
fn while_parstock_only_observes_nothing_is_written_and_what_would_be_is_shown() {
    run_alone(async {
        let shop = begun("observe", "day").await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5"));
        next_day(&shop).await;
        assert_eq!(in_xero(&shop), []);
        assert_eq!(shop.console().await.journals().await.unwrap().open, money("4"));
        shop.set(Files { policy: Some(&policy("assist", "day")), ..Files::default() }).await;
        next_day(&shop).await;
        assert_eq!(amounts(&shop), [pair("2026-06-02", "4.00")]);
    });
}

#[test]
fn money_spent_on_another_account_holds_its_item_back_too() {
    run_alone(async {
        let shop = begun("assist", "day").await;
        let spent = |account: &str| {
            paper(DocumentKind::SpendMoney, "M-1", "2026-06-02").line("BOX", "10", "2").account(account)
        };
        // entered late, of a day before the journals begin: it counts all the same
        let early = bill("B-1", "2026-05-30").line("BAG", "10", "2").account("310");
        shop.save(spent("310"));
        shop.save(early);
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5").line("BAG", "1", "5"));
        next_day(&shop).await;
        assert_eq!((in_xero(&shop), shop.reviews().len()), (vec![], 2));
        shop.save(spent(STOCK));
        next_day(&shop).await;
        assert_eq!((amounts(&shop), shop.reviews().len()), (vec![pair("2026-06-02", "4.00")], 1));
    });
}

#[test]
fn an_old_bill_on_another_account_that_is_only_paid_holds_nothing_back() {
    run_alone(async {
        let shop = shop("assist", "day").await;
        let old = || bill("B-1", "2026-05-20").line("BOX", "10", "2").account("310");
        shop.save(old());
        shop.poll().await;
        next_day(&shop).await;
        shop.save(old().status(DocumentStatus::Paid));
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5"));
        next_day(&shop).await;
        assert_eq!((amounts(&shop), shop.reviews()), (vec![pair("2026-06-02", "4.00")], vec![]));
    });
}

#[test]
fn another_stock_account_holds_back_what_was_coded_to_the_first() {
    run_alone(async {
        let shop = begun("assist", "day").await;
        shop.save(bill("B-1", "2026-06-02").line("BOX", "10", "2").account("400"));
        shop.save(bill("B-2", "2026-06-02").line("BAG", "10", "2"));
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5").line("BAG", "1", "5"));
        next_day(&shop).await;
        assert_eq!(amounts(&shop), [pair("2026-06-02", "2.00")], "the bag");
        shop.in_xero(|company, _| company.accounts[0].code = "400".to_owned());
        let other = policy("assist", "day").replace(STOCK, "400");
        shop.set(Files { policy: Some(&other), ..Files::default() }).await;
        shop.save(sale("S-2", "2026-06-03").line("BAG", "1", "5"));
        next_day(&shop).await;
        let credited = |journal: &ManualJournal| journal.known.amounts.get("400").map(ToString::to_string);
        let credited = shop.in_xero(|company, _| company.journals.iter().map(credited).collect::<Vec<_>>());
        assert_eq!(credited, [None, Some("-4.00".to_owned())], "the box; the bag waits");
        let asked: Vec<String> = shop.reviews().into_iter().map(|review| review.text).collect();
        assert!(asked.len() == 1 && asked[0].contains("bill B-2 on account 300"), "{asked:?}");
    });
}

#[test]
fn set_again_it_begins_anew_with_the_next_day() {
    run_alone(async {
        let shop = begun("assist", "day").await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5"));
        next_day(&shop).await;
        shop.save(sale("S-2", "2026-06-03").line("BOX", "1", "5"));
        shop.poll().await;
        // a question that is no question any more
        shop.save(bill("B-1", "2026-06-03").line("BAG", "10", "2").account("400"));
        shop.save(sale("S-2b", "2026-06-03").line("BAG", "1", "5"));
        next_day(&shop).await;
        assert_eq!(shop.reviews().len(), 1);
        shop.set(Files { policy: Some(r#"{"version": 1, "rules": []}"#), ..Files::default() }).await;
        assert_eq!(shop.reviews(), []);
        shop.save(sale("S-3", "2026-06-04").line("BOX", "1", "5"));
        next_day(&shop).await;
        shop.set(Files { policy: Some(&policy("assist", "day")), ..Files::default() }).await;
        next_day(&shop).await;
        // of what was sold meanwhile the books are as somebody made them
        shop.in_xero(|company, now| {
            company.journals[0].known.state = StateInXero::Gone;
            company.journals[0].updated_at = now;
        });
        shop.save(sale("S-4", "2026-06-06").line("BOX", "3", "5").line("BAG", "1", "5"));
        next_day(&shop).await;
        assert_eq!(amounts(&shop)[2..], [pair("2026-06-06", "8.00")], "and nothing is held back of before");
        assert_eq!(shop.console().await.journals().await.unwrap().open, Money::ZERO);
    });
}

#[test]
fn many_journals_that_people_post_at_once_are_taken_note_of() {
    for behind in [None, Some(1), Some(2), Some(3)] {
        many_journals_are_posted(behind);
    }
}

/// One of them is changed once more behind the reader's back, after so many pages.
fn many_journals_are_posted(behind: Option<u32>) {
    run_alone(async {
        let shop = begun("assist", "day").await;
        for number in 2..=46 {
            let on = jiff::civil::date(2026, 6, 1) + (number - 1).days();
            shop.save(sale(&format!("S-{number}"), &on.to_string()).line("BAG", "0.1", "5"));
            next_day(&shop).await;
        }
        assert_eq!(in_xero(&shop).len(), 45);
        shop.in_xero(|company, now| {
            for journal in &mut company.journals {
                (journal.known.state, journal.updated_at) = (StateInXero::Posted, now);
            }
            let first = company.journals[0].known.id.0;
            company.edits_behind =
                behind.into_iter().map(|after| ("books.journals_changed", after, first)).collect();
        });
        next_day(&shop).await;
        shop.in_xero(|company, _| assert_eq!(company.edits_behind, []));
        let is_posted = |journal: &Journal| matches!(journal.fate, Fate::Posted { .. });
        assert_eq!(journals(&shop).iter().filter(|journal| is_posted(journal)).count(), 45);
        assert_eq!(shop.digest().await["journal_drafts"], serde_json::Value::Null);
    });
}

#[test]
fn many_items_can_be_held_back_at_once() {
    run_alone(async {
        let codes: Vec<String> = (0..45).map(|number| format!("BOX-{number:02}")).collect();
        let shop = Shop::new(&codes.iter().map(String::as_str).collect::<Vec<_>>());
        accounts(&shop, "CURRENT");
        shop.connect().await;
        for code in &codes {
            shop.count(code, "2026-05-10", "20").await.unwrap();
        }
        shop.set(Files { policy: Some(&policy("assist", "day")), ..Files::default() }).await;
        next_day(&shop).await;
        let lines =
            |document: Paper| codes.iter().fold(document, |document, code| document.line(code, "1", "2"));
        shop.save(lines(bill("B-1", "2026-06-02")).account("310"));
        shop.save(lines(sale("S-1", "2026-06-02")));
        next_day(&shop).await;
        assert_eq!((in_xero(&shop), shop.reviews().len()), (vec![], 45));
        shop.save(lines(bill("B-1", "2026-06-02")).account(STOCK));
        next_day(&shop).await;
        assert_eq!((amounts(&shop), shop.reviews()), (vec![pair("2026-06-02", "90.00")], vec![]));
    });
}

#[test]
fn what_waits_is_not_written_once_people_want_no_journals() {
    run_alone(async {
        let shop = begun("assist", "day").await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5"));
        let until = shop.ports.sim.now() + SignedDuration::from_hours(30);
        let not_now = BooksError::NotNow { until, why: "the day's calls are used up".to_owned() };
        shop.in_xero(|company, _| company.refusals.insert("books.create_journal", not_now));
        next_day(&shop).await;
        shop.set(Files { policy: Some(&policy("observe", "day")), ..Files::default() }).await;
        shop.in_xero(|company, _| company.refusals.clear());
        shop.wait(SignedDuration::from_hours(8));
        shop.poll().await;
        shop.poll().await;
        assert_eq!(in_xero(&shop), []);
        let fate = journals(&shop).remove(0).fate;
        assert!(matches!(&fate, Fate::Reopened { why } if why.contains("observe")), "{fate:?}");
    });
}

#[test]
fn a_decision_that_is_delivered_twice_makes_no_second_journal() {
    run_alone(async {
        let shop = begun("assist", "day").await;
        shop.save(sale("S-1", "2026-06-02").line("BOX", "2", "5"));
        next_day(&shop).await;
        for _ in 0..3 {
            shop.say(Message::Journal { org: shop.org }).await;
            shop.work().await;
        }
        assert_eq!(amounts(&shop), [pair("2026-06-02", "4.00")]);
    });
}

//! The journals of an org as a store would keep them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::document::{Account, DocumentRef};
use crate::fixed::Money;
use crate::ids::{DocumentId, ItemId, LineId};
use crate::manual_journal::{JournalInXero, JournalState, StateInXero};

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn settings(every: Every) -> CogsSettings {
    CogsSettings {
        stock_account: "631".into(),
        cogs_account: "310".into(),
        every,
        state: JournalState::Draft,
    }
}

fn account(code: &str, kind: &str) -> Account {
    Account { code: code.into(), name: code.into(), kind: kind.into(), balance: Money::ZERO }
}

#[test]
fn accounts_that_would_count_twice_are_refused_with_what_to_do() {
    let right = [account("631", "CURRENT"), account("310", "DIRECTCOSTS")];
    assert_eq!(settings(Every::Day).check(&right), Ok(()));
    for (stock, cogs, told) in [
        ("INVENTORY", "DIRECTCOSTS", "holds tracked stock"),
        ("FIXED", "DIRECTCOSTS", "needs one of the type CURRENT"),
        ("CURRENT", "EXPENSE", "needs one of the type DIRECTCOSTS"),
        ("CURRENT", "INVENTORY", "holds tracked stock"),
    ] {
        let accounts = [account("631", stock), account("310", cogs)];
        let problem = settings(Every::Day).check(&accounts).unwrap_err().to_string();
        assert!(problem.contains(told), "{problem}");
    }
    let missing = settings(Every::Day).check(&right[..1]).unwrap_err().to_string();
    assert!(missing.contains("no account 310"), "{missing}");
}

/// The org's journals as a store keeps them.
struct Books {
    ledger: CogsLedger,
    months: BTreeMap<Date, CogsMonth>,
    journals: Vec<Journal>,
    every: Every,
}

impl Books {
    fn new(every: Every) -> Self {
        let ledger = CogsLedger {
            since: date(2026, 1, 1),
            settings: settings(every),
            begun: 0,
            coded_through: 0,
            walked: 0,
            carried: Money::ZERO,
            journals_until: Timestamp::UNIX_EPOCH,
        };
        Self { ledger, months: BTreeMap::new(), journals: Vec::new(), every }
    }

    fn sell(&mut self, on: Date, cost: Money, cause: &str) {
        let month = self.months.entry(on.first_of_month());
        month.or_insert(CogsMonth::new(self.ledger.since)).add(on, cost, cause).unwrap();
    }

    /// The journals of a morning.
    fn decide(&mut self, today: Date) -> Vec<Journal> {
        let mut made = Vec::new();
        for due in due(&self.months, self.every, today, None).unwrap() {
            let number = JournalNumber { on: today, index: made.len() as u32 + 1 };
            let parts = due.parts.clone();
            let (journal, left) = journal(due, number, &self.ledger, (0, 0), 2).unwrap();
            self.ledger.carried = left;
            for (on, part) in &parts {
                let month = self.months.get_mut(&on.first_of_month()).unwrap();
                month.settle(*on, *part).unwrap();
            }
            made.extend(journal);
        }
        self.journals.extend(made.clone());
        made
    }

    fn reopen(&mut self, undone: Undone, causes: &BTreeSet<String>) {
        self.ledger.carried = self.ledger.carried.plus(undone.carried).unwrap();
        for (on, part) in undone.parts {
            self.months.get_mut(&on.first_of_month()).unwrap().reopen(on, part, causes).unwrap();
        }
    }

    fn learn(&mut self, index: usize, state: StateInXero, credited: Money) {
        let journal = &mut self.journals[index];
        let there = JournalInXero {
            id: DocumentId(Uuid::from_u128(1)),
            state,
            narration: journal.narration.clone(),
            amounts: BTreeMap::from([("631".to_owned(), credited.negated().unwrap())]),
        };
        let learned = journal.learn(&there).unwrap();
        let causes = journal.causes.clone();
        self.reopen(learned, &causes);
    }

    /// Nothing is lost between ledger and journals.
    fn check(&self) {
        let mut owed = Money::ZERO;
        let mut open = Money::ZERO;
        for month in self.months.values() {
            open = open.plus(month.open().unwrap()).unwrap();
            for day in month.days.values() {
                owed = owed.plus(day.sold).unwrap();
            }
        }
        let standing = self.journals.iter().filter(|it| !matches!(it.fate, Fate::Reopened { .. }));
        let written = standing.map(|it| it.amount).try_fold(Money::ZERO, Money::plus).unwrap();
        let sum = written.plus(self.ledger.carried).unwrap().plus(open).unwrap();
        assert_eq!(owed, sum, "sold is journaled, carried or open");
    }
}

#[test]
fn each_day_is_journaled_once_and_corrected_by_month() {
    let mut books = Books::new(Every::Day);
    books.sell(date(2026, 6, 1), money("10.004"), "INV-1");
    books.sell(date(2026, 6, 2), money("5.003"), "INV-2");
    books.sell(date(2026, 6, 3), money("7"), "INV-3");
    let made = books.decide(date(2026, 6, 3));
    let told: Vec<_> = made.iter().map(|it| (it.date.day(), it.amount.to_string())).collect();
    assert_eq!(told, [(1, "10.00".to_owned()), (2, "5.01".to_owned())], "with what the first carried over");
    assert_eq!(books.ledger.carried, money("-0.003"));
    assert_eq!(
        made[0].narration,
        "Cost of goods sold, untracked stock, 2026-06-01 [parstock 2026-06-03-001]"
    );
    // a late bill
    books.sell(date(2026, 6, 1), money("2"), "bill B-7");
    books.sell(date(2026, 6, 2), money("1"), "bill B-7");
    let made = books.decide(date(2026, 6, 4));
    let told: Vec<_> =
        made.iter().map(|it| (it.date.day(), it.amount.to_string(), it.narration.clone())).collect();
    assert_eq!(told[0].2, "Cost of goods sold, untracked stock, 2026-06-03 [parstock 2026-06-04-001]");
    assert_eq!((told[1].0, told[1].1.as_str()), (2, "3.00"));
    assert_eq!(
        told[1].2,
        "Correction of cost of goods sold, untracked stock, 2026-06-01 to 2026-06-02, because of bill B-7 \
         [parstock 2026-06-04-002]"
    );
    books.check();
    assert_eq!(books.decide(date(2026, 6, 4)), [], "once");
}

#[test]
fn a_month_is_journaled_when_it_is_over_and_a_closed_one_on_the_first_open_day() {
    let mut books = Books::new(Every::Month);
    books.sell(date(2026, 5, 30), money("10"), "INV-1");
    books.sell(date(2026, 5, 4), money("1"), "INV-2");
    books.sell(date(2026, 6, 2), money("5"), "INV-3");
    assert_eq!(books.decide(date(2026, 5, 31)), []);
    let made = books.decide(date(2026, 6, 3));
    assert_eq!((made.len(), made[0].date, made[0].amount), (1, date(2026, 5, 31), money("11")));
    books.sell(date(2026, 5, 4), money("2"), "bill B-9");
    let late = due(&books.months, Every::Month, date(2026, 6, 20), Some(date(2026, 6, 1))).unwrap();
    assert_eq!((late[0].date, late[0].corrects), (date(2026, 6, 1), true));
}

#[test]
fn what_people_make_of_a_journal_stands_and_the_rest_is_open_again() {
    let mut books = Books::new(Every::Day);
    books.sell(date(2026, 6, 1), money("10.004"), "INV-1");
    books.decide(date(2026, 6, 2));
    books.learn(0, StateInXero::Posted, money("10"));
    assert_eq!(books.decide(date(2026, 6, 3)), []);
    books.learn(0, StateInXero::Posted, money("8"));
    books.check();
    let made = books.decide(date(2026, 6, 4));
    assert_eq!((made[0].amount, made[0].date.day()), (money("2"), 1));
    books.learn(1, StateInXero::Gone, Money::ZERO);
    books.check();
    assert_eq!(books.decide(date(2026, 6, 5))[0].amount, money("2"), "asked for again");
    books.check();
    // the first was only taken for lost
    let lost = books.journals[0].reopen("it never came to Xero".to_owned()).unwrap();
    books.reopen(lost, &BTreeSet::new());
    books.check();
    books.learn(0, StateInXero::Draft, money("8"));
    books.check();
    assert_eq!(books.decide(date(2026, 6, 6)), [], "it stands again");
    // a copy of one that was voided, with another amount
    books.learn(0, StateInXero::Gone, Money::ZERO);
    books.learn(0, StateInXero::Posted, money("5"));
    books.check();
    assert_eq!(books.decide(date(2026, 6, 7))[0].amount, money("3"));
}

#[test]
fn days_of_deleted_drafts_are_days_again_and_corrections_keep_their_causes() {
    let mut books = Books::new(Every::Day);
    books.sell(date(2026, 6, 1), money("10"), "INV-1");
    books.sell(date(2026, 6, 2), money("5"), "INV-2");
    assert_eq!(books.decide(date(2026, 6, 3)).len(), 2);
    books.learn(0, StateInXero::Gone, Money::ZERO);
    books.learn(1, StateInXero::Gone, Money::ZERO);
    let made = books.decide(date(2026, 6, 4));
    assert_eq!(made.len(), 2);
    assert!(made.iter().all(|it| it.narration.starts_with("Cost of goods sold")), "{made:?}");
    books.sell(date(2026, 6, 1), money("2"), "bill [parstock 2026-06-04-002]");
    let corrected = books.decide(date(2026, 6, 5));
    assert!(corrected[0].narration.contains("because of bill parstock 2026-06-04-002 [parstock 2026-06-05"));
    books.learn(4, StateInXero::Gone, Money::ZERO);
    assert!(books.decide(date(2026, 6, 6))[0].narration.contains("because of bill parstock"));
    books.check();
}

#[test]
fn purchases_on_other_accounts_hold_an_item_back_until_they_are_coded_anew() {
    let mut held = CogsHeld::new(date(2026, 1, 1), Timestamp::UNIX_EPOCH);
    let of = DocumentRef { kind: crate::document::DocumentKind::Bill, id: DocumentId(Uuid::nil()) };
    let coded = |line: u128, account: &str, stands| Coded {
        item: ItemId(Uuid::nil()),
        line: LineId(Uuid::from_u128(line)),
        account: account.into(),
        stands,
    };
    held.note(&coded(1, "631", true), of, "B-1", "631");
    assert!(held.is_free());
    held.note(&coded(2, "310", true), of, "B-2", "631");
    assert!(!held.is_free());
    held.note(&coded(2, "310", false), of, "B-2", "631");
    held.note(&coded(2, "631", true), of, "B-2", "631");
    assert!(held.is_free());
    for line in 0..=ELSEWHERE_MAX as u128 {
        held.note(&coded(line, "310", true), of, "B", "631");
    }
    assert_eq!(held.more, 1);
    for line in (0..=ELSEWHERE_MAX as u128).rev() {
        held.note(&coded(line, "310", false), of, "B", "631");
    }
    assert!(held.is_free());
}

proptest! {
    #[test]
    fn nothing_is_lost_between_ledger_and_journals(
        monthly: bool,
        steps in proptest::collection::vec((0u8..6, 0i16..70, -50_000i64..500_000), 1..60),
    ) {
        let mut books = Books::new(if monthly { Every::Month } else { Every::Day });
        let mut today = date(2026, 4, 1);
        for (what, day, amount) in steps {
            let on = date(2026, 3, 1).saturating_add(jiff::ToSpan::days(i64::from(day)));
            match what {
                0..=2 => books.sell(on, Money::from_e4(amount), "B"),
                3 => {
                    today = today.saturating_add(jiff::ToSpan::days(i64::from(day % 9)));
                    books.decide(today);
                }
                _ if books.journals.is_empty() => {}
                _ => {
                    let index = usize::from(day.unsigned_abs()) % books.journals.len();
                    let state = if what == 4 { StateInXero::Gone } else { StateInXero::Posted };
                    books.learn(index, state, Money::from_e4(amount).to_cents());
                }
            }
            books.check();
        }
        // journals alone come to the whole, but for what is carried
        for _ in 0..12 {
            books.decide(date(2026, 9, 1));
        }
        let open = books.months.values().map(|month| month.open().unwrap());
        prop_assert!(open.into_iter().all(Money::is_zero));
        books.check();
    }
}

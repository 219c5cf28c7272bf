//! Cost of goods sold of untracked stock: what commits tell of it, and the journals that bring it into Xero.
//!
//! Purchases debit the stock account; what leaves has to be credited there and debited to cost of goods sold. Of tracked items
//! Xero does that itself, so they are never here (Xero help, "Inventory: tracked").

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::document::{Account, DocumentRef};
use crate::fixed::{FixedError, Money};
use crate::ids::{DocumentId, ItemId, LineId};

/// Xero's type of the account that untracked stock lies on.
const STOCK_TYPE: &str = "CURRENT";
/// Xero's type of the account that cost of goods sold goes to.
const COGS_TYPE: &str = "DIRECTCOSTS";
/// Journals that one decision makes at most; the rest is for the next.
pub const JOURNALS_MAX: usize = 20;
/// Documents that a correction names; it says how many more there are.
pub const CAUSES_MAX: usize = 8;
/// Purchase lines on other accounts that are kept of an item; one more is counted and not named.
pub const ELSEWHERE_MAX: usize = 200;

/// How a person wants cost of goods sold in Xero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CogsSettings {
    /// Code of the account that untracked stock lies on.
    pub stock_account: String,
    /// Code of the account that cost of goods sold goes to.
    pub cogs_account: String,
    /// How much one journal sums up.
    pub every: Every,
    /// In which state journals come to Xero.
    #[serde(default, rename = "as")]
    pub state: JournalState,
}

/// How much one journal sums up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// A day.
    Day,
    /// A calendar month.
    Month,
}

/// In which state a journal comes to Xero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalState {
    /// As a draft, which a person posts.
    #[default]
    Draft,
    /// Posted at once.
    Posted,
}

/// Why cost of goods sold is not journaled with these accounts.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AccountProblem {
    /// Xero lists no such account.
    #[error("Xero lists no account {0}: name another in the setting `cogs`")]
    Unknown(String),
    /// The account of tracked stock.
    #[error(
        "account {0} has the type INVENTORY: it holds tracked stock, which Xero costs itself and no journal may move. Make an account \
         of the type CURRENT for untracked stock and name it in the setting `cogs`"
    )]
    Tracked(String),
    /// Another type than is needed.
    #[error(
        "account {code} has the type {kind}, but {what} needs one of the type {needed}: name another in the setting `cogs`"
    )]
    Type {
        /// The account's code.
        code: String,
        /// Its type.
        kind: String,
        /// What it was named for.
        what: &'static str,
        /// What is needed.
        needed: &'static str,
    },
}

impl CogsSettings {
    /// Whether the two accounts are what they have to be, so that nothing is counted twice.
    ///
    /// # Errors
    /// [`AccountProblem`] says what is wrong and what to do.
    pub fn check(&self, accounts: &[Account]) -> Result<(), AccountProblem> {
        let wanted = [
            (&self.stock_account, STOCK_TYPE, "untracked stock"),
            (&self.cogs_account, COGS_TYPE, "cost of goods sold"),
        ];
        for (code, needed, what) in wanted {
            let account = accounts.iter().find(|account| account.code == *code);
            match account.map(|account| account.kind.as_str()) {
                None => return Err(AccountProblem::Unknown(code.clone())),
                Some(kind) if kind == needed => {}
                Some("INVENTORY") => return Err(AccountProblem::Tracked(code.clone())),
                Some(kind) => {
                    return Err(AccountProblem::Type {
                        code: code.clone(),
                        kind: kind.to_owned(),
                        what,
                        needed,
                    });
                }
            }
        }
        Ok(())
    }
}

/// How much a commit added to the cost of goods sold of an item on a day; below zero where it took away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sold {
    /// The item.
    #[serde(rename = "i")]
    pub item: ItemId,
    /// The day on which books count it.
    #[serde(rename = "d")]
    pub on: Date,
    /// How much, base currency.
    #[serde(rename = "c")]
    pub cost: Money,
}

/// That a purchase of an item is coded to an account from now on, or no longer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coded {
    /// The item.
    #[serde(rename = "i")]
    pub item: ItemId,
    /// The line.
    #[serde(rename = "l")]
    pub line: LineId,
    /// The account's code; empty where the line names none.
    #[serde(rename = "a")]
    pub account: String,
    /// Whether it is, or no longer is.
    #[serde(rename = "s")]
    pub stands: bool,
}

/// What a commit tells of cost of goods sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CogsNews {
    /// Of which document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<DocumentRef>,
    /// What was sold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sold: Vec<Sold>,
    /// Where purchases are coded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coded: Vec<Coded>,
}

impl CogsNews {
    /// Whether there is nothing to tell.
    pub const fn is_empty(&self) -> bool {
        self.sold.is_empty() && self.coded.is_empty()
    }
}

/// Cost of goods sold of an org since it is journaled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CogsLedger {
    /// The first day whose cost is journaled.
    pub since: Date,
    /// The settings by which it goes.
    pub settings: CogsSettings,
    /// The last audit entry before the first that is counted.
    pub begun: u64,
    /// The last audit entry of which it is known where purchases are coded.
    pub coded_through: u64,
    /// The last audit entry of which it is counted what was sold.
    pub walked: u64,
    /// What is settled and not yet in a journal, since journals have whole minor units. Less than one.
    pub carried: Money,
    /// Up to when it is known what became of the journals in Xero.
    pub journals_until: Timestamp,
}

/// Cost of goods sold in a calendar month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CogsMonth {
    /// Since when it is journaled. What was summed up of an earlier beginning holds no longer.
    pub since: Date,
    /// By day.
    pub days: BTreeMap<Date, CogsDay>,
}

/// Cost of goods sold on a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CogsDay {
    /// As it is known now.
    pub sold: Money,
    /// What of it journals have seen to.
    pub settled: Money,
    /// The documents that changed it after a journal had seen to it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub causes: BTreeSet<String>,
    /// Whether a journal has seen to it.
    #[serde(default)]
    pub journaled: bool,
}

impl CogsMonth {
    /// Without a day, of what is journaled since then.
    pub const fn new(since: Date) -> Self {
        Self { since, days: BTreeMap::new() }
    }

    /// Adds what was sold on a day, because of a document.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn add(&mut self, on: Date, cost: Money, cause: &str) -> Result<(), FixedError> {
        let day = self.days.entry(on).or_default();
        day.sold = day.sold.plus(cost)?;
        if day.journaled && !cause.is_empty() && day.causes.len() <= CAUSES_MAX {
            day.causes.insert(cause.to_owned());
        }
        Ok(())
    }

    /// What no journal has seen to.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn open(&self) -> Result<Money, FixedError> {
        self.days.values().try_fold(Money::ZERO, |sum, day| sum.plus(day.sold.minus(day.settled)?))
    }

    /// Takes what a journal sees to for settled.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn settle(&mut self, parts: &BTreeMap<Date, Money>) -> Result<(), FixedError> {
        for (on, part) in parts {
            let day = self.days.entry(*on).or_default();
            day.settled = day.settled.plus(*part)?;
            day.journaled = true;
            day.causes.clear();
        }
        Ok(())
    }

    /// Opens a day again of which a journal, with these causes, came to nothing; with a part below zero the journal stands again.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn reopen(&mut self, on: Date, part: Money, causes: &BTreeSet<String>) -> Result<(), FixedError> {
        let day = self.days.entry(on).or_default();
        day.settled = day.settled.minus(part)?;
        day.journaled = !day.settled.is_zero();
        if !part.is_negative() {
            day.causes.extend(causes.iter().cloned());
        }
        Ok(())
    }
}

/// An item of which purchases are coded to another account than the stock account: it would be counted twice, so nothing of it is
/// journaled until they are coded anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CogsHeld {
    /// Since when it is journaled, as in [`CogsMonth`].
    pub since: Date,
    /// When the first of the lines was seen.
    pub seen_at: Timestamp,
    /// The lines and their accounts.
    pub elsewhere: BTreeMap<LineId, Elsewhere>,
    /// How many more there are.
    #[serde(default)]
    pub more: u32,
    /// What was sold meanwhile.
    pub days: BTreeMap<Date, Money>,
}

/// A purchase line on another account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Its document.
    pub of: DocumentRef,
    /// The document's number.
    pub number: String,
    /// The account's code.
    pub account: String,
}

impl CogsHeld {
    /// Of an item of which a line was seen at an instant.
    pub const fn new(since: Date, seen_at: Timestamp) -> Self {
        Self { since, seen_at, elsewhere: BTreeMap::new(), more: 0, days: BTreeMap::new() }
    }

    /// Whether nothing stands in the way any more.
    pub fn is_free(&self) -> bool {
        self.elsewhere.is_empty() && self.more == 0
    }

    /// Takes note of a purchase line.
    pub fn note(&mut self, coded: &Coded, of: DocumentRef, number: &str, stock_account: &str) {
        if !coded.stands {
            if self.elsewhere.remove(&coded.line).is_none() && coded.account != stock_account {
                self.more = self.more.saturating_sub(1);
            }
        } else if coded.account != stock_account {
            if self.elsewhere.len() < ELSEWHERE_MAX {
                let (number, account) = (number.to_owned(), coded.account.clone());
                self.elsewhere.insert(coded.line, Elsewhere { of, number, account });
            } else {
                self.more = self.more.saturating_add(1);
            }
        }
    }
}

/// The number by which a journal of ours is known: the day on which it was decided, and which of that day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalNumber {
    /// The day.
    pub on: Date,
    /// Counts the journals of the day, from 1.
    pub index: u32,
}

impl fmt::Display for JournalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:03}", self.on, self.index)
    }
}

/// A text that is no journal's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a journal's number: it has the form 2026-06-30-001")]
pub struct NotAJournalNumber;

impl FromStr for JournalNumber {
    type Err = NotAJournalNumber;
    fn from_str(text: &str) -> Result<Self, NotAJournalNumber> {
        let (on, index) = text.rsplit_once('-').ok_or(NotAJournalNumber)?;
        let on = on.parse().map_err(|_| NotAJournalNumber)?;
        Ok(Self { on, index: index.parse().map_err(|_| NotAJournalNumber)? })
    }
}

impl Serialize for JournalNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for JournalNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What one journal is to see to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The journal's date.
    pub date: Date,
    /// How much of which day.
    pub parts: BTreeMap<Date, Money>,
    /// Whether a journal has seen to one of these days before.
    pub corrects: bool,
    /// The documents that made the correction necessary, as far as they are kept.
    pub causes: BTreeSet<String>,
}

impl Due {
    /// What it comes to.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn total(&self) -> Result<Money, FixedError> {
        self.parts.values().try_fold(Money::ZERO, |sum, part| sum.plus(*part))
    }
}

/// What is to be journaled of the days before `today`, the oldest first, at most [`JOURNALS_MAX`] journals. Each has the date of its day
/// or month, or of the first open day if that is closed. Days that a journal has seen to are corrected by month.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn due(
    months: &BTreeMap<Date, CogsMonth>,
    every: Every,
    today: Date,
    open_from: Option<Date>,
) -> Result<Vec<Due>, FixedError> {
    let mut all: Vec<Due> = Vec::new();
    let this_month = today.first_of_month();
    for (month, content) in months {
        if every == Every::Month && *month >= this_month {
            continue;
        }
        let mut correction: Option<Due> = None;
        let mut first: Vec<Due> = Vec::new();
        for (on, day) in content.days.iter().filter(|(on, _)| **on < today) {
            let part = day.sold.minus(day.settled)?;
            if part.is_zero() {
                continue;
            }
            let of_day = Due {
                date: *on,
                parts: BTreeMap::from([(*on, part)]),
                corrects: day.journaled,
                causes: day.causes.clone(),
            };
            let gathers = day.journaled || every == Every::Month;
            match &mut correction {
                Some(sum) if gathers => {
                    sum.date = *on;
                    sum.parts.insert(*on, part);
                    sum.corrects |= day.journaled;
                    sum.causes.extend(day.causes.iter().cloned());
                }
                None if gathers => correction = Some(of_day),
                _ => first.push(of_day),
            }
        }
        if let Some(sum) = correction.as_mut().filter(|_| every == Every::Month) {
            sum.date = month.last_of_month();
        }
        all.extend(first);
        all.extend(correction);
    }
    all.truncate(JOURNALS_MAX);
    for due in &mut all {
        // a day that has not come can't be an open one
        due.date = open_from.map_or(due.date, |open| due.date.max(open)).min(today);
    }
    Ok(all)
}

/// A journal of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Its number.
    pub number: JournalNumber,
    /// Its date.
    pub date: Date,
    /// Credited to the stock account and debited to cost of goods sold; below zero the other way round. Whole minor units.
    pub amount: Money,
    /// What it sees to, by day.
    pub parts: BTreeMap<Date, Money>,
    /// What was carried over to it.
    pub carried: Money,
    /// The documents that made it necessary, if it is a correction.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub causes: BTreeSet<String>,
    /// Since when it is journaled, as in [`CogsMonth`].
    pub since: Date,
    /// What it says in Xero.
    pub narration: String,
    /// How it is to be in Xero.
    pub settings: CogsSettings,
    /// The audit entries that tell its cost: behind the first, up to the second.
    pub entries: (u64, u64),
    /// What became of it.
    pub fate: Fate,
}

/// What became of a journal of ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fate")]
pub enum Fate {
    /// It is to be written.
    Planned,
    /// It is in Xero as a draft, which changes no balance.
    Draft {
        /// Its Xero id.
        id: DocumentId,
    },
    /// It is posted in Xero.
    Posted {
        /// Its Xero id.
        id: DocumentId,
    },
    /// It came to nothing, or says something else in Xero by now: its days are open again.
    Reopened {
        /// Why.
        why: String,
    },
}

impl Journal {
    /// By what it is known in Xero: a part of its narration.
    pub fn mark(&self) -> String {
        mark(self.number)
    }

    /// Its Xero id, while it stands there.
    pub const fn id(&self) -> Option<DocumentId> {
        match self.fate {
            Fate::Draft { id } | Fate::Posted { id } => Some(id),
            Fate::Planned | Fate::Reopened { .. } => None,
        }
    }
}

fn mark(number: JournalNumber) -> String {
    format!("[parstock {number}]")
}

/// Turns what is due into a journal, unless it comes to less than half a minor unit. Says what is carried over from it.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn journal(
    due: Due,
    number: JournalNumber,
    ledger: &CogsLedger,
    entries: (u64, u64),
    decimals: u32,
) -> Result<(Option<Journal>, Money), FixedError> {
    let owed = due.total()?.plus(ledger.carried)?;
    let amount = owed.to_decimals(decimals);
    let left = owed.minus(amount)?;
    if amount.is_zero() {
        return Ok((None, left));
    }
    let narration = narration(&due, number);
    let journal = Journal {
        number,
        date: due.date,
        amount,
        parts: due.parts,
        carried: ledger.carried,
        causes: due.causes,
        since: ledger.since,
        narration,
        settings: ledger.settings.clone(),
        entries,
        fate: Fate::Planned,
    };
    Ok((Some(journal), left))
}

fn narration(due: &Due, number: JournalNumber) -> String {
    let days = match (due.parts.first_key_value(), due.parts.last_key_value()) {
        (Some((first, _)), Some((last, _))) if first != last => format!("{first} to {last}"),
        (Some((day, _)), _) => day.to_string(),
        _ => String::new(),
    };
    let mark = mark(number);
    if !due.corrects {
        return format!("Cost of goods sold, untracked stock, {days} {mark}");
    }
    // a supplier's text must not look like the mark of another journal
    let plain = |cause: &String| cause.replace(['[', ']'], "");
    let named: Vec<String> = due.causes.iter().map(plain).take(CAUSES_MAX).collect();
    let more = if due.causes.len() > CAUSES_MAX { " and more" } else { "" };
    let because =
        if named.is_empty() { String::new() } else { format!(", because of {}{more}", named.join(", ")) };
    format!("Correction of cost of goods sold, untracked stock, {days}{because} {mark}")
}

/// A manual journal as Xero holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalInXero {
    /// Its Xero id.
    pub id: DocumentId,
    /// In which state it is there.
    pub state: StateInXero,
    /// What it says.
    pub narration: String,
    /// Debits above zero, credits below, by account.
    pub amounts: BTreeMap<String, Money>,
}

/// The state of a journal in Xero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateInXero {
    /// A draft.
    Draft,
    /// Posted.
    Posted,
    /// Deleted, voided or archived.
    Gone,
}

impl Journal {
    /// Takes note that Xero has written it.
    pub fn written(&mut self, id: DocumentId) {
        self.fate = match self.settings.state {
            JournalState::Draft => Fate::Draft { id },
            JournalState::Posted => Fate::Posted { id },
        };
    }

    /// Takes note of what Xero holds of it, and says which days it no longer sees to and by how much what is carried changes. Where a
    /// person changed what it takes off the stock account, it is what they made of it, and only the difference is open again.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn learn(&mut self, there: &JournalInXero) -> Result<(BTreeMap<Date, Money>, Money), FixedError> {
        let id = there.id;
        let was_reopened = matches!(self.fate, Fate::Reopened { .. });
        self.fate = match there.state {
            StateInXero::Gone if was_reopened => return Ok((BTreeMap::new(), Money::ZERO)),
            StateInXero::Gone => {
                return self.reopen("it was deleted or voided in Xero".to_owned());
            }
            StateInXero::Draft => Fate::Draft { id },
            StateInXero::Posted => Fate::Posted { id },
        };
        if was_reopened {
            // it was taken for lost, and stands again; what was edited of it is seen when it is next read
            let total = self.parts.values().try_fold(Money::ZERO, |sum, part| sum.plus(*part))?;
            let parts = self.parts.iter().map(|(on, part)| Ok((*on, part.negated()?)));
            return Ok((parts.collect::<Result<_, FixedError>>()?, total.minus(self.amount)?));
        }
        let credited =
            there.amounts.get(&self.settings.stock_account).copied().unwrap_or_default().negated()?;
        let open = self.amount.minus(credited)?;
        let Some((last, part)) = self.parts.iter_mut().next_back().filter(|_| !open.is_zero()) else {
            return Ok((BTreeMap::new(), Money::ZERO));
        };
        *part = part.minus(open)?;
        self.amount = credited;
        Ok((BTreeMap::from([(*last, open)]), Money::ZERO))
    }

    /// Takes note that it came to nothing. Answers as [`learn`](Self::learn).
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn reopen(&mut self, why: String) -> Result<(BTreeMap<Date, Money>, Money), FixedError> {
        self.fate = Fate::Reopened { why };
        let total = self.parts.values().try_fold(Money::ZERO, |sum, part| sum.plus(*part))?;
        Ok((self.parts.clone(), self.amount.minus(total)?))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

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
                    month.settle(&BTreeMap::from([(*on, *part)])).unwrap();
                }
                made.extend(journal);
            }
            self.journals.extend(made.clone());
            made
        }

        fn reopen(&mut self, (parts, carried): (BTreeMap<Date, Money>, Money), causes: &BTreeSet<String>) {
            self.ledger.carried = self.ledger.carried.plus(carried).unwrap();
            for (on, part) in parts {
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
        assert_eq!(
            told,
            [(1, "10.00".to_owned()), (2, "5.01".to_owned())],
            "with what the first carried over"
        );
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
        assert!(
            corrected[0].narration.contains("because of bill parstock 2026-06-04-002 [parstock 2026-06-05")
        );
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
}

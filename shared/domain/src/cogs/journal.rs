//! A journal: what it says, and what becomes of it in Xero.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::settings::CogsSettings;
use super::sums::{CAUSES_MAX, CogsLedger, Due};
use crate::fixed::{FixedError, Money};
use crate::ids::{DayNumber, DocumentId};
use crate::manual_journal::{
    JournalInXero, JournalState, ManualJournal, ManualJournalLine, StateInXero, mark, plain,
};

/// The number by which a journal of ours is known.
pub type JournalNumber = DayNumber;

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
    /// It came to nothing: its days are open again.
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

    /// As it goes to Xero.
    ///
    /// # Errors
    /// [`FixedError`] when its amount does not fit.
    pub fn manual_journal(&self) -> Result<ManualJournal, FixedError> {
        let line = |account: &str, what: &str, amount| ManualJournalLine {
            account: account.to_owned(),
            what: what.to_owned(),
            amount,
        };
        Ok(ManualJournal {
            date: self.date,
            narration: self.narration.clone(),
            lines: vec![
                line(&self.settings.cogs_account, "Cost of goods sold", self.amount),
                line(&self.settings.stock_account, "Stock that was sold", self.amount.negated()?),
            ],
            state: self.settings.state,
            mark: self.mark(),
        })
    }

    /// Its Xero id, while it stands there.
    pub const fn id(&self) -> Option<DocumentId> {
        match self.fate {
            Fate::Draft { id } | Fate::Posted { id } => Some(id),
            Fate::Planned | Fate::Reopened { .. } => None,
        }
    }
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
    let named: Vec<String> = due.causes.iter().map(|cause| plain(cause)).take(CAUSES_MAX).collect();
    let more = if due.causes.len() > CAUSES_MAX { " and more" } else { "" };
    let because =
        if named.is_empty() { String::new() } else { format!(", because of {}{more}", named.join(", ")) };
    format!("Correction of cost of goods sold, untracked stock, {days}{because} {mark}")
}

impl Journal {
    /// Takes note that Xero has written it.
    pub fn written(&mut self, id: DocumentId) {
        self.fate = match self.settings.state {
            JournalState::Draft => Fate::Draft { id },
            JournalState::Posted => Fate::Posted { id },
        };
    }

    /// Takes note of what Xero holds of it, and says what of it no longer stands. Where a person changed what it takes off the stock
    /// account, it is what they made of it, and only the difference is open again. One that was taken for lost stands again.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn learn(&mut self, there: &JournalInXero) -> Result<Undone, FixedError> {
        let id = there.id;
        let was_reopened = matches!(self.fate, Fate::Reopened { .. });
        self.fate = match there.state {
            StateInXero::Gone if was_reopened => return Ok(Undone::default()),
            StateInXero::Gone => return self.reopen("it was deleted or voided in Xero".to_owned()),
            StateInXero::Draft => Fate::Draft { id },
            StateInXero::Posted => Fate::Posted { id },
        };
        let mut undone = Undone::default();
        if was_reopened {
            for (on, part) in &self.parts {
                undone.parts.insert(*on, part.negated()?);
            }
            undone.carried = self.total()?.minus(self.amount)?;
        }
        let credited =
            there.amounts.get(&self.settings.stock_account).copied().unwrap_or_default().negated()?;
        let open = self.amount.minus(credited)?;
        if let Some((last, part)) = self.parts.iter_mut().next_back().filter(|_| !open.is_zero()) {
            *part = part.minus(open)?;
            let of_last = undone.parts.entry(*last).or_default();
            *of_last = of_last.plus(open)?;
            self.amount = credited;
        }
        Ok(undone)
    }

    /// Takes note that it came to nothing, and says what of it no longer stands: all.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn reopen(&mut self, why: String) -> Result<Undone, FixedError> {
        self.fate = Fate::Reopened { why };
        Ok(Undone { parts: self.parts.clone(), carried: self.amount.minus(self.total()?)? })
    }

    fn total(&self) -> Result<Money, FixedError> {
        self.parts.values().try_fold(Money::ZERO, |sum, part| sum.plus(*part))
    }
}

/// What of a journal no longer stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// By how much each day is open again; below zero where it is seen to again.
    pub parts: BTreeMap<Date, Money>,
    /// By how much what is carried changes.
    pub carried: Money,
}

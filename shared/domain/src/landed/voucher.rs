//! Vouchers: what a person asks to spread over what, and what becomes of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::purchase::{Charge, Purchase};
use super::revaluation::{Revaluation, RevaluationFate};
use super::spread::spread;
use crate::adjustment::LINES_MAX;
use crate::document::DocumentRef;
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{DayNumber, DocumentId, ItemId, LineId};
use crate::manual_journal::{JournalState, ManualJournal, ManualJournalLine, mark, plain};

/// The number by which a voucher is known.
pub type VoucherNumber = DayNumber;

/// Receipts over which one voucher spreads: what fits into a row.
pub const SHARES_MAX: usize = 300;
/// Charges that one voucher spreads.
pub const SPENT_MAX: usize = 40;

/// By what an amount is spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// What the goods cost.
    Value,
    /// How many they are.
    Quantity,
    /// What they weigh, or any other measure that a person gives for one unit of each.
    Weight,
    /// A person says how much each takes.
    Hand,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Self; 4] = [Self::Value, Self::Quantity, Self::Weight, Self::Hand];

    /// The word in files and forms.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Quantity => "quantity",
            Self::Weight => "weight",
            Self::Hand => "hand",
        }
    }
}

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// By what it is spread.
    pub basis: Basis,
    /// The day on which it takes effect; the latest of its purchases if it is left out.
    pub on: Option<Date>,
    /// What is spread.
    pub charges: Vec<RequestedCharge>,
    /// Over what.
    pub receipts: Vec<RequestedReceipt>,
}

/// A charge that is to be spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedCharge {
    /// The purchase.
    pub of: DocumentRef,
    /// Its line.
    pub line: LineId,
    /// How much of it; what is left of it if it is left out.
    pub amount: Option<Money>,
}

/// A receipt that is to take a share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedReceipt {
    /// The purchase.
    pub of: DocumentRef,
    /// Its line.
    pub line: LineId,
    /// What one unit weighs.
    pub weight: Option<Quantity>,
    /// How much it takes.
    pub amount: Option<Money>,
}

/// A line of a purchase that brought goods in, as it is booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The purchase's number.
    pub number: String,
    /// The item.
    pub item: ItemId,
    /// The item's code.
    pub code: String,
    /// Whether Xero holds the item's costs.
    pub tracked: bool,
    /// The day on which they came in.
    pub on: Date,
    /// How much.
    pub quantity: Quantity,
    /// What it cost by the purchase, base currency.
    pub value: Money,
    /// The code of the account that it is coded to; empty where that is not known.
    pub account: String,
}

/// A charge that a voucher spreads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The purchase.
    pub of: DocumentRef,
    /// Its line.
    pub line: LineId,
    /// The purchase's number.
    pub number: String,
    /// The supplier's name.
    pub contact_name: String,
    /// The line's description.
    pub what: String,
    /// The code of its account.
    pub account: String,
    /// How much of it, base currency.
    pub amount: Money,
    /// How much of it was left before.
    pub left: Money,
}

/// What one receipt takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The purchase that brought the goods in.
    pub of: DocumentRef,
    /// Its line.
    pub line: LineId,
    /// The purchase's number.
    pub number: String,
    /// The item.
    pub item: ItemId,
    /// The item's code.
    pub code: String,
    /// The day on which the goods came in.
    pub on: Date,
    /// How many.
    pub quantity: Quantity,
    /// What they cost by the purchase.
    pub value: Money,
    /// What one unit weighs, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Quantity>,
    /// What they take, base currency.
    pub amount: Money,
    /// Whether Xero holds the item's costs, so that a revaluation there takes the place of the ledger.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tracked: bool,
}

/// What a voucher would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The day on which it takes effect.
    pub on: Date,
    /// By what it is spread.
    pub basis: Basis,
    /// What is spread.
    pub charges: Vec<Spent>,
    /// Over what.
    pub shares: Vec<Share>,
}

/// Why a voucher can't be made so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// It names no charge or too many.
    #[error("a voucher spreads 1 to {SPENT_MAX} lines of bills that name no item, not {0}")]
    Charges(usize),
    /// It names no receipt or too many.
    #[error("a voucher goes over 1 to {SHARES_MAX} lines of bills that brought goods in, not {0}")]
    Receipts(usize),
    /// It names one twice.
    #[error("line {0} is named twice")]
    Twice(String),
    /// The charge is not there.
    #[error("there is no such charge any more: its bill was changed, voided or never approved")]
    NoCharge,
    /// The receipt is not there.
    #[error("there is no such receipt any more: its bill was changed, voided or never approved")]
    NoReceipt,
    /// More than there is.
    #[error("of `{what}` on {number} {left} is left to spread, not {asked}")]
    TooMuch {
        /// The bill's number.
        number: String,
        /// The charge.
        what: String,
        /// How much is left.
        left: Money,
        /// How much was asked for.
        asked: Money,
    },
    /// More tracked items than one document holds.
    #[error("a voucher goes over at most {LINES_MAX} items that Xero tracks, not {0}: make several")]
    Tracked(usize),
    /// A day before the goods came in, or one that has not come.
    #[error("a voucher takes effect on a day from {from} to {today}, not on {on}")]
    Day {
        /// The day asked for.
        on: Date,
        /// The day of the latest receipt.
        from: Date,
        /// Today.
        today: Date,
    },
    /// Nothing to go by.
    #[error("{0}")]
    Weights(&'static str),
    /// By hand something else was given than there is.
    #[error("by hand {given} were given to receipts, and {total} is to be spread: they must be the same")]
    Hand {
        /// What was given.
        given: Money,
        /// What is to be spread.
        total: Money,
    },
    /// Parts of a minor unit.
    #[error("{0} is no amount of whole minor units of the currency")]
    NotWhole(Money),
    /// An amount does not fit.
    #[error(transparent)]
    Fixed(#[from] FixedError),
}

/// What a request comes to.
///
/// # Errors
/// [`Problem`] says what stands against it and what to do.
pub fn draft(
    request: &Request,
    purchases: &BTreeMap<DocumentRef, Purchase>,
    received: &BTreeMap<(DocumentRef, LineId), Received>,
    today: Date,
    decimals: u32,
) -> Result<Draft, Problem> {
    if request.charges.is_empty() || request.charges.len() > SPENT_MAX {
        return Err(Problem::Charges(request.charges.len()));
    }
    if request.receipts.is_empty() || request.receipts.len() > SHARES_MAX {
        return Err(Problem::Receipts(request.receipts.len()));
    }
    let whole = |amount: Money| match amount.to_decimals(decimals) == amount && amount > Money::ZERO {
        true => Ok(amount),
        false => Err(Problem::NotWhole(amount)),
    };
    let mut charges: Vec<Spent> = Vec::new();
    let mut first = Date::MIN;
    for asked in &request.charges {
        let purchase = purchases.get(&asked.of).ok_or(Problem::NoCharge)?;
        let charge: &Charge = purchase.charge(asked.line).ok_or(Problem::NoCharge)?;
        let left = charge.left()?;
        let amount = asked.amount.unwrap_or(left);
        if amount > left || left <= Money::ZERO {
            let (number, what) = (purchase.number.clone(), charge.what.clone());
            return Err(Problem::TooMuch { number, what, left, asked: amount });
        }
        if charges.iter().any(|known| (known.of, known.line) == (asked.of, asked.line)) {
            return Err(Problem::Twice(format!("`{}` on {}", charge.what, purchase.number)));
        }
        first = first.max(purchase.on);
        charges.push(Spent {
            of: asked.of,
            line: asked.line,
            number: purchase.number.clone(),
            contact_name: purchase.contact_name.clone(),
            what: charge.what.clone(),
            account: charge.account.clone(),
            amount: whole(amount)?,
            left,
        });
    }
    let mut shares: Vec<Share> = Vec::new();
    let mut last_received = Date::MIN;
    for asked in &request.receipts {
        let there = received.get(&(asked.of, asked.line)).ok_or(Problem::NoReceipt)?;
        if shares.iter().any(|known| (known.of, known.line) == (asked.of, asked.line)) {
            return Err(Problem::Twice(format!("`{}` on {}", there.code, there.number)));
        }
        last_received = last_received.max(there.on);
        shares.push(Share {
            of: asked.of,
            line: asked.line,
            number: there.number.clone(),
            item: there.item,
            code: there.code.clone(),
            on: there.on,
            quantity: there.quantity,
            value: there.value,
            weight: asked.weight.filter(|_| request.basis == Basis::Weight),
            amount: Money::ZERO,
            tracked: there.tracked,
        });
    }
    let tracked: BTreeSet<ItemId> =
        shares.iter().filter(|share| share.tracked).map(|share| share.item).collect();
    if tracked.len() > LINES_MAX {
        return Err(Problem::Tracked(tracked.len()));
    }
    let on = request.on.unwrap_or(first.max(last_received));
    if on < last_received || on > today {
        return Err(Problem::Day { on, from: last_received, today });
    }
    let total = charges.iter().map(|charge| charge.amount).try_fold(Money::ZERO, Money::plus)?;
    let amounts = if request.basis == Basis::Hand {
        let by_hand = request.receipts.iter().map(|asked| asked.amount.unwrap_or_default());
        let amounts: Vec<Money> = by_hand.collect();
        for amount in amounts.iter().filter(|amount| !amount.is_zero()) {
            whole(*amount)?;
        }
        let given = amounts.iter().try_fold(Money::ZERO, |sum, amount| sum.plus(*amount))?;
        if given != total {
            return Err(Problem::Hand { given, total });
        }
        amounts
    } else {
        spread(total, &weights(request.basis, &shares)?, decimals)?
    };
    for (share, amount) in shares.iter_mut().zip(amounts) {
        share.amount = amount;
    }
    shares.retain(|share| !share.amount.is_zero());
    Ok(Draft { on, basis: request.basis, charges, shares })
}

fn weights(basis: Basis, shares: &[Share]) -> Result<Vec<i64>, Problem> {
    let mut weights = Vec::with_capacity(shares.len());
    for share in shares {
        weights.push(match basis {
            Basis::Value => share.value.e4(),
            Basis::Quantity => share.quantity.e4(),
            Basis::Weight => {
                let missing = Problem::Weights("by weight each receipt needs the weight of one unit");
                let weight = share.weight.filter(|weight| !weight.is_negative()).ok_or(missing)?;
                share.quantity.at(Money::from_e4(weight.e4()))?.e4()
            }
            Basis::Hand => 0,
        });
    }
    if weights.iter().any(|weight| *weight < 0) {
        return Err(Problem::Weights(
            "a receipt that cost less than nothing has no share by value: choose another basis",
        ));
    }
    if weights.iter().all(|weight| *weight == 0) {
        return Err(Problem::Weights("all receipts count nothing on this basis: choose another"));
    }
    Ok(weights)
}

/// How far a voucher is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Its shares are being booked.
    Booking,
    /// It stands.
    Booked,
    /// Its shares are being taken back.
    TakingBack,
    /// It was taken back.
    TakenBack,
}

/// Who took a voucher back, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    /// The person.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in the person's words.
    pub reason: String,
}

/// A voucher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// Its number.
    pub number: VoucherNumber,
    /// What it spreads over what.
    #[serde(flatten)]
    pub draft: Draft,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// How far it is.
    pub stage: Stage,
    /// How many of its shares are booked, or taken back, in this stage.
    pub done: usize,
    /// Codes and amounts of shares that could not land, since Xero began to track their items.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Who took it back, or has it taken back once its revaluation is off the stock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_back: Option<TakenBack>,
    /// Its journal in Xero, if it is to have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<VoucherJournal>,
    /// The journal that takes it back there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_back: Option<VoucherJournal>,
    /// What it puts on stock that Xero tracks, if it goes over any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revaluation: Option<Revaluation>,
    /// What takes that back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revaluation_back: Option<Revaluation>,
}

/// A voucher's journal: the stock account takes over what was coded to the charges' accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherJournal {
    /// Its date.
    pub date: Date,
    /// Its lines, that of the stock account first where it has one.
    pub lines: Vec<ManualJournalLine>,
    /// Since when cost of goods sold was journaled when it was decided.
    pub since: Date,
    /// How often it was decided anew after it had come to nothing.
    #[serde(default)]
    pub again: u32,
    /// Whether it leaves out the goods that Xero doesn't track, since the stock account was made to hold them when cost of goods sold
    /// began anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tracked_alone: bool,
    /// A copy of it that a person made in Xero, and whether that is posted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<(DocumentId, bool)>,
    /// What became of it.
    pub fate: VoucherJournalFate,
}

/// What became of a voucher's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fate")]
pub enum VoucherJournalFate {
    /// It is to be written as soon as parstock may write to Xero.
    Due {
        /// Why it has not been, if it was tried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why_not: Option<String>,
    },
    /// It is being written.
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
    /// A person deleted or voided it in Xero.
    Gone {
        /// Its Xero id.
        id: DocumentId,
    },
}

impl Voucher {
    /// What it spreads.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn total(&self) -> Result<Money, FixedError> {
        self.draft.total()
    }

    /// How far it is, in words.
    pub fn state_words(&self) -> String {
        let of = |what: &str| format!("{what}, {} of {}", self.done, self.draft.shares.len());
        match self.stage {
            Stage::Booking => of("being booked"),
            Stage::Booked => format!("stands{}", self.revaluation_words()),
            Stage::TakingBack => of("being taken back"),
            Stage::TakenBack => "taken back".to_owned(),
        }
    }

    /// What of its revaluation is not done, in words that follow others.
    fn revaluation_words(&self) -> String {
        if self.waits_to_be_taken_back() {
            return ", taken back once what it put on tracked stock is off there".to_owned();
        }
        let Some(Revaluation { adjustment: Some(number), fate, .. }) = &self.revaluation else {
            return String::new();
        };
        match fate {
            RevaluationFate::Waits => format!(", its revaluation {number} waits or is being written"),
            RevaluationFate::Settled => String::new(),
            RevaluationFate::Rejected => format!(", its revaluation {number} was rejected"),
        }
    }

    /// Whether it is to be taken back once what it put on stock that Xero tracks is off there.
    pub fn waits_to_be_taken_back(&self) -> bool {
        self.revaluation_back.as_ref().is_some_and(|back| back.fate == RevaluationFate::Waits)
    }

    /// The journal that brings it into Xero's books; `None` where the charges are on the stock account already. `since` is the first day
    /// whose cost of goods sold is journaled, `open_from` the first day whose books are open.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn journal_of(
        &self,
        stock_account: &str,
        since: Date,
        open_from: Option<Date>,
    ) -> Result<Option<VoucherJournal>, FixedError> {
        let debit = ("Landed cost of stock", stock_account, self.total()?);
        let credits: Vec<(&str, Money)> =
            self.draft.charges.iter().map(|charge| (charge.account.as_str(), charge.amount)).collect();
        let lines = journal_lines(stock_account, &[debit], &credits)?;
        Ok(VoucherJournal::of(lines, self.day(since, open_from), since))
    }

    /// The day of its journal: its own, or the first one that is journaled and whose books are open.
    pub fn day(&self, since: Date, open_from: Option<Date>) -> Date {
        self.draft.on.max(since).max(open_from.unwrap_or(since))
    }

    /// The journal beside a revaluation that is settled: what is on the pool leaves the account of adjustments, and what was sold is cost of
    /// goods sold. `back` is for the one that takes it back; where the voucher's own journal does not stand, it holds both.
    /// `tracked_alone` leaves out the goods that Xero doesn't track.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn journal_beside(
        &self,
        back: bool,
        tracked_alone: bool,
        decimals: u32,
    ) -> Result<Option<VoucherJournal>, FixedError> {
        let Some(own) = &self.revaluation else { return Ok(None) };
        let tracked = self.draft.tracked_total()?;
        let lines_of = |on_pool: Money, tracked_alone: bool| {
            let total = if tracked_alone { tracked } else { self.total()? };
            journal_lines(
                &own.accounts.stock,
                &[
                    ("Landed cost of stock", own.accounts.stock.as_str(), total.minus(tracked)?),
                    ("Landed cost of stock that Xero tracks", own.accounts.adjustment.as_str(), on_pool),
                    ("Landed cost of what was sold", own.accounts.cogs.as_str(), tracked.minus(on_pool)?),
                ],
                &self.charges_of(total, decimals)?,
            )
        };
        if !back {
            let journal = VoucherJournal::of(lines_of(own.on_pool()?, tracked_alone)?, own.on, own.since);
            // the voucher's own effect, which booked its shares, was none of this journal
            return Ok(journal.map(|journal| VoucherJournal { again: 1, tracked_alone, ..journal }));
        }
        let Some(against) = &self.revaluation_back else { return Ok(None) };
        let standing =
            self.journal.as_ref().filter(|it| it.stands() || it.fate == VoucherJournalFate::Planned);
        let tracked_alone = standing.is_some_and(|own| own.tracked_alone);
        let mut turned = lines_of(against.on_pool()?.negated()?, tracked_alone)?;
        for line in &mut turned {
            line.amount = line.amount.negated()?;
        }
        let lines = match standing {
            Some(_) => turned,
            None => summed(lines_of(own.on_pool()?, tracked_alone)?.into_iter().chain(turned))?,
        };
        let journal = VoucherJournal::of(lines, against.on, own.since);
        Ok(journal.map(|journal| VoucherJournal { tracked_alone, ..journal }))
    }

    /// The accounts of its charges, each with its part of so much of the whole.
    fn charges_of(&self, amount: Money, decimals: u32) -> Result<Vec<(&str, Money)>, FixedError> {
        let weights: Vec<i64> = self.draft.charges.iter().map(|charge| charge.amount.e4()).collect();
        let parts = spread(amount, &weights, decimals)?;
        Ok(self.draft.charges.iter().map(|charge| charge.account.as_str()).zip(parts).collect())
    }

    /// One of its journals.
    pub const fn journal(&self, back: bool) -> Option<&VoucherJournal> {
        if back { self.journal_back.as_ref() } else { self.journal.as_ref() }
    }

    /// One of its journals, to change it.
    pub const fn journal_mut(&mut self, back: bool) -> Option<&mut VoucherJournal> {
        if back { self.journal_back.as_mut() } else { self.journal.as_mut() }
    }

    /// One of its journals as it goes to Xero.
    pub fn manual_journal(&self, back: bool) -> Option<ManualJournal> {
        let journal = self.journal(back)?;
        let mark = self.mark(back);
        let bills: Vec<String> = self.draft.bills().into_iter().map(|(of, _)| plain(of)).collect();
        let what = if back { "Landed cost taken back" } else { "Landed cost" };
        let narration = format!("{what}, {} {mark}", bills.join(", "));
        Some(ManualJournal {
            date: journal.date,
            narration,
            lines: journal.lines.clone(),
            // a person posts it
            state: JournalState::Draft,
            mark,
        })
    }

    /// By what one of its journals is known in Xero.
    pub fn mark(&self, back: bool) -> String {
        let more = if back { " taken back" } else { "" };
        mark(format_args!("voucher {}{more}", self.number))
    }
}

impl VoucherJournal {
    /// One that is to be written, unless it moves nothing.
    fn of(lines: Vec<ManualJournalLine>, date: Date, since: Date) -> Option<Self> {
        let fate = VoucherJournalFate::Due { why_not: None };
        (!lines.is_empty()).then_some(Self {
            date,
            lines,
            since,
            again: 0,
            tracked_alone: false,
            copy: None,
            fate,
        })
    }

    /// The journal against it, dated into the first open day.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn against(&self, open_from: Option<Date>) -> Result<Self, FixedError> {
        let mut against =
            Self { again: 0, copy: None, fate: VoucherJournalFate::Due { why_not: None }, ..self.clone() };
        against.date = self.date.max(open_from.unwrap_or(self.date));
        for line in &mut against.lines {
            line.amount = line.amount.negated()?;
        }
        Ok(against)
    }

    /// Its Xero id, once it had one.
    pub const fn id(&self) -> Option<DocumentId> {
        match self.fate {
            VoucherJournalFate::Draft { id }
            | VoucherJournalFate::Posted { id }
            | VoucherJournalFate::Gone { id } => Some(id),
            VoucherJournalFate::Due { .. } | VoucherJournalFate::Planned => None,
        }
    }

    /// Whether it stands in Xero.
    pub const fn stands(&self) -> bool {
        matches!(self.fate, VoucherJournalFate::Draft { .. } | VoucherJournalFate::Posted { .. })
    }

    /// The account of untracked stock that takes the cost over; that of the first line.
    pub fn stock_account(&self) -> &str {
        self.lines.first().map_or("", |line| line.account.as_str())
    }

    /// What it moves: the sum of its debits.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn moves(&self) -> Result<Money, FixedError> {
        let debits = self.lines.iter().map(|line| line.amount).filter(|amount| !amount.is_negative());
        debits.into_iter().try_fold(Money::ZERO, Money::plus)
    }
}

/// Debits of accounts, and the charges' accounts credited; each account once.
fn journal_lines(
    stock_account: &str,
    debits: &[(&str, &str, Money)],
    credits: &[(&str, Money)],
) -> Result<Vec<ManualJournalLine>, FixedError> {
    let mut charges: BTreeMap<&str, Money> = BTreeMap::new();
    for (account, amount) in credits {
        let sum = charges.entry(account).or_default();
        *sum = sum.plus(*amount)?;
    }
    let line = |(what, account, amount): (&str, &str, Money)| ManualJournalLine {
        account: account.to_owned(),
        what: what.to_owned(),
        amount,
    };
    let mut lines: Vec<ManualJournalLine> = debits.iter().copied().map(line).collect();
    for (account, amount) in charges {
        let what = match account == stock_account {
            true => "Landed cost of stock",
            false => "Landed cost taken over by stock",
        };
        lines.push(line((what, account, amount.negated()?)));
    }
    summed(lines)
}

/// Lines with each account once, in the order in which they come; none of nothing.
fn summed(lines: impl IntoIterator<Item = ManualJournalLine>) -> Result<Vec<ManualJournalLine>, FixedError> {
    let mut summed: Vec<ManualJournalLine> = Vec::new();
    for line in lines {
        match summed.iter_mut().find(|known| known.account == line.account) {
            Some(known) => known.amount = known.amount.plus(line.amount)?,
            None => summed.push(line),
        }
    }
    summed.retain(|line| !line.amount.is_zero());
    Ok(summed)
}

impl Draft {
    /// What it spreads.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn total(&self) -> Result<Money, FixedError> {
        self.charges.iter().map(|charge| charge.amount).try_fold(Money::ZERO, Money::plus)
    }

    /// What of it goes over goods that Xero tracks.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn tracked_total(&self) -> Result<Money, FixedError> {
        let tracked = self.shares.iter().filter(|share| share.tracked).map(|share| share.amount);
        tracked.into_iter().try_fold(Money::ZERO, Money::plus)
    }

    /// The items of it that Xero tracks, each once: what its receipts take together, and how many they brought.
    ///
    /// # Errors
    /// [`FixedError`] when a sum does not fit.
    pub fn tracked(&self) -> Result<BTreeMap<ItemId, (&str, Money, Quantity)>, FixedError> {
        let mut tracked = BTreeMap::new();
        for share in self.shares.iter().filter(|share| share.tracked) {
            let (_, amount, received) =
                tracked.entry(share.item).or_insert((share.code.as_str(), Money::ZERO, Quantity::ZERO));
            *amount = amount.plus(share.amount)?;
            *received = received.plus(share.quantity)?;
        }
        Ok(tracked)
    }

    /// The numbers and suppliers of its bills, each once.
    pub fn bills(&self) -> Vec<(&str, &str)> {
        let mut bills = Vec::new();
        for charge in &self.charges {
            let bill = (charge.number.as_str(), charge.contact_name.as_str());
            if !bills.contains(&bill) {
                bills.push(bill);
            }
        }
        bills
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use uuid::Uuid;

    use super::super::revaluation::{Accounts, Part};
    use super::*;
    use crate::document::{DocumentKind, XeroQuantity};

    fn bill(number: u128) -> DocumentRef {
        DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(number)) }
    }

    fn line(number: u128) -> LineId {
        LineId(Uuid::from_u128(number))
    }

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    const TODAY: Date = date(2026, 6, 30);

    /// Freight of 100 on the 20th, of which 10 are spread, and goods of the 5th and the 10th.
    struct Shop {
        purchases: BTreeMap<DocumentRef, Purchase>,
        received: BTreeMap<(DocumentRef, LineId), Received>,
        request: Request,
    }

    impl Shop {
        fn new(basis: Basis) -> Self {
            let charge = Charge {
                line: line(1),
                what: "Sea freight".into(),
                account: "425".into(),
                net: money("100"),
                spread: money("10"),
                spread_from: None,
            };
            let freight = Purchase {
                of: bill(1),
                number: "F-1".into(),
                contact_name: "Carrier".into(),
                on: date(2026, 6, 20),
                has_goods: false,
                has_tracked: false,
                left_alone: false,
                papers: None,
                charges: vec![charge],
            };
            let goods = |item: u128, on, quantity, value| Received {
                number: "G-1".into(),
                item: ItemId(Uuid::from_u128(item)),
                code: format!("ITEM-{item}"),
                tracked: false,
                on,
                quantity: Quantity::from_whole(quantity).unwrap(),
                value: money(value),
                account: "620".into(),
            };
            let asked =
                |number| RequestedReceipt { of: bill(2), line: line(number), weight: None, amount: None };
            Self {
                purchases: BTreeMap::from([(bill(1), freight)]),
                received: BTreeMap::from([
                    ((bill(2), line(1)), goods(1, date(2026, 6, 5), 10, "100")),
                    ((bill(2), line(2)), goods(2, date(2026, 6, 10), 5, "350")),
                ]),
                request: Request {
                    basis,
                    on: None,
                    charges: vec![RequestedCharge { of: bill(1), line: line(1), amount: None }],
                    receipts: vec![asked(1), asked(2)],
                },
            }
        }

        fn draft(&self) -> Result<Draft, Problem> {
            draft(&self.request, &self.purchases, &self.received, TODAY, 2)
        }

        fn amounts(&self) -> Vec<String> {
            self.draft().unwrap().shares.iter().map(|share| share.amount.to_string()).collect()
        }
    }

    #[test]
    fn what_is_left_is_spread_on_the_day_of_the_freight_bill() {
        let shop = Shop::new(Basis::Value);
        assert_eq!(shop.draft().unwrap().on, date(2026, 6, 20));
        assert_eq!(shop.amounts(), ["20.00", "70.00"]);
        assert_eq!(Shop::new(Basis::Quantity).amounts(), ["60.00", "30.00"]);
        let mut shop = Shop::new(Basis::Weight);
        for (asked, weight) in shop.request.receipts.iter_mut().zip(["0.5", "8"]) {
            asked.weight = Some(weight.parse().unwrap());
        }
        assert_eq!(shop.amounts(), ["10.00", "80.00"]);
        let mut shop = Shop::new(Basis::Hand);
        shop.request.receipts[1].amount = Some(money("90"));
        assert_eq!(shop.amounts(), ["90.00"], "who takes nothing has no share");
    }

    #[test]
    fn what_stands_against_a_voucher_is_said() {
        let refused = |basis, change: &dyn Fn(&mut Shop)| {
            let mut shop = Shop::new(basis);
            change(&mut shop);
            shop.draft().unwrap_err().to_string()
        };
        let asked = |amount: &'static str| {
            move |shop: &mut Shop| shop.request.charges[0].amount = Some(money(amount))
        };
        let value = Basis::Value;
        assert!(refused(value, &asked("90.01")).contains("90.00 is left"));
        assert!(refused(value, &asked("0")).contains("no amount"));
        assert!(refused(value, &asked("0.005")).contains("no amount"));
        assert!(refused(value, &|shop| shop.request.charges.clear()).contains("not 0"));
        assert!(
            refused(value, &|shop| shop.request.receipts.push(shop.request.receipts[0].clone()))
                .contains("named twice")
        );
        assert!(
            refused(value, &|shop| shop.request.on = Some(date(2026, 6, 9)))
                .contains("2026-06-10 to 2026-06-30")
        );
        assert!(
            refused(value, &|shop| shop.request.on = Some(date(2026, 7, 1))).contains("not on 2026-07-01")
        );
        assert!(refused(value, &|shop| shop.received.clear()).contains("no such receipt"));
        assert!(refused(value, &|shop| shop.purchases.clear()).contains("no such charge"));
        assert!(refused(Basis::Weight, &|_| {}).contains("needs the weight"));
        let free = |shop: &mut Shop| shop.received.values_mut().for_each(|there| there.value = Money::ZERO);
        assert!(refused(value, &free).contains("count nothing"));
        assert!(refused(Basis::Hand, &|_| {}).contains("by hand 0.00 were given"));
    }

    #[test]
    fn its_journal_takes_over_what_is_not_on_the_stock_account() {
        let shop = Shop::new(Basis::Value);
        let mut voucher = Voucher {
            number: VoucherNumber { on: TODAY, index: 7 },
            draft: shop.draft().unwrap(),
            made_by: "Ada".into(),
            made_at: Timestamp::UNIX_EPOCH,
            stage: Stage::Booked,
            done: 2,
            left_out: Vec::new(),
            taken_back: None,
            journal: None,
            journal_back: None,
            revaluation: None,
            revaluation_back: None,
        };
        voucher.draft.charges[0].number = "F-1 [x]".into();
        voucher.journal = voucher.journal_of("620", date(2026, 1, 1), Some(date(2026, 6, 25))).unwrap();
        voucher.journal_back = Some(voucher.journal.as_ref().unwrap().against(None).unwrap());
        let lines = |back| {
            let journal = voucher.manual_journal(back).unwrap();
            let lines = journal.lines.into_iter().map(|line| (line.account, line.amount.to_string()));
            (journal.date.day(), lines.collect::<Vec<_>>(), journal.narration)
        };
        let pair =
            |a: &str, b: &str| vec![("620".to_owned(), a.to_owned()), ("425".to_owned(), b.to_owned())];
        let narration = "Landed cost, F-1 x [parstock voucher 2026-06-30-007]";
        assert_eq!(lines(false), (25, pair("90.00", "-90.00"), narration.into()));
        let (day, back, narration) = lines(true);
        assert_eq!((day, back), (25, pair("-90.00", "90.00")));
        assert!(narration.ends_with("[parstock voucher 2026-06-30-007 taken back]"));
        voucher.draft.charges[0].account = "620".into();
        assert_eq!(voucher.journal_of("620", TODAY, None), Ok(None));
    }

    #[test]
    fn beside_a_revaluation_the_account_of_adjustments_comes_to_nothing() {
        let mut shop = Shop::new(Basis::Value);
        let tea = shop.received.get_mut(&(bill(2), line(2))).unwrap();
        tea.tracked = true;
        let (item, code) = (tea.item, tea.code.clone());
        let there = |on_hand, cost_pool: &str| XeroQuantity {
            on_hand: Quantity::from_whole(on_hand).unwrap(),
            back_ordered: Quantity::ZERO,
            cost_pool: money(cost_pool),
        };
        let draft = shop.draft().unwrap();
        assert_eq!((draft.total(), draft.tracked_total()), (Ok(money("90")), Ok(money("70"))));
        let (_, amount, received) = draft.tracked().unwrap()[&item];
        let part = Part::of((item, code), (amount, received), there(2, "140"), 2).unwrap();
        let accounts =
            |cogs: &str| Accounts { stock: "620".into(), adjustment: "401".into(), cogs: cogs.into() };
        let revaluation = |cogs, part| Revaluation {
            adjustment: None,
            on: TODAY,
            since: TODAY,
            accounts: accounts(cogs),
            fate: RevaluationFate::Settled,
            parts: vec![part],
        };
        let mut voucher = Voucher {
            number: VoucherNumber { on: TODAY, index: 7 },
            draft,
            made_by: "Ada".into(),
            made_at: Timestamp::UNIX_EPOCH,
            stage: Stage::Booked,
            done: 2,
            left_out: Vec::new(),
            taken_back: None,
            journal: None,
            journal_back: None,
            revaluation: Some(revaluation("310", part.clone())),
            revaluation_back: None,
        };
        let lines = |voucher: &Voucher, back| {
            let journal = voucher.journal_beside(back, false, 2).unwrap();
            let lines = journal.into_iter().flat_map(|journal| journal.lines);
            lines.map(|line| format!("{} {}", line.account, line.amount)).collect::<Vec<_>>()
        };
        assert_eq!(lines(&voucher, false), ["620 20.00", "401 28.00", "310 42.00", "425 -90.00"]);
        voucher.journal = voucher.journal_beside(false, false, 2).unwrap();
        assert_eq!(voucher.journal.as_ref().unwrap().moves(), Ok(money("90")));
        // one of the two was sold since
        let back = part.back(there(1, "84"), 2).unwrap();
        voucher.revaluation_back = Some(revaluation("310", back));
        assert_eq!(
            lines(&voucher, true),
            ["401 14.00", "310 -14.00"],
            "where the first never came to Xero, both together"
        );
        voucher.journal.as_mut().unwrap().fate = VoucherJournalFate::Planned;
        assert_eq!(lines(&voucher, true), ["620 -20.00", "401 -14.00", "310 -56.00", "425 90.00"]);
        // an account that is both is named once
        voucher.revaluation = Some(revaluation("425", part));
        assert_eq!(lines(&voucher, false), ["620 20.00", "401 28.00", "425 -48.00"]);
    }
}

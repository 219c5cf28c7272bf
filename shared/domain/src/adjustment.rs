//! Stock adjustments: goods that leave or come without a purchase or a sale, each with a reason.
//!
//! An adjustment is of one day and goes one way: into the ledger for items that Xero doesn't track, into Xero as one zero-total
//! document for those that it does. So each movement of goods has exactly one effect.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::audit::Hash;
use crate::document::{DocumentKind, XeroQuantity};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{DayNumber, DocumentId, ItemId};
use crate::landed::{Half, Revalues};
use crate::ledger::Place;

/// Lines of one adjustment: a document in Xero holds two for each.
pub const LINES_MAX: usize = 100;
/// Characters of a line's note.
pub const NOTE_MAX: usize = 200;
/// The types of account that what was adjusted may go to. Sources: developer.xero.com, *Tracked inventory in Xero*.
pub const ACCOUNT_KINDS: [&str; 3] = ["DIRECTCOSTS", "EXPENSE", "OVERHEADS"];

/// What the numbers of adjustments begin with, here and in Xero.
const PREFIX: &str = "ADJ-";

/// The number by which an adjustment is known, and its document in Xero: `ADJ-2026-11-30-001`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdjustmentNumber(pub DayNumber);

impl fmt::Display for AdjustmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

/// A text that is no number of an adjustment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a number of the form ADJ-2026-11-30-001")]
pub struct NotAnAdjustmentNumber;

impl FromStr for AdjustmentNumber {
    type Err = NotAnAdjustmentNumber;
    fn from_str(text: &str) -> Result<Self, NotAnAdjustmentNumber> {
        let rest = text.strip_prefix(PREFIX).ok_or(NotAnAdjustmentNumber)?;
        rest.parse().map(Self).map_err(|_| NotAnAdjustmentNumber)
    }
}

impl Serialize for AdjustmentNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AdjustmentNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why stock is adjusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// Broken or spoilt: it can't be sold.
    Damaged,
    /// Past its date.
    Expired,
    /// Gone, and nobody knows where.
    Lost,
    /// Taken by somebody.
    Stolen,
    /// There after all.
    Found,
    /// Used in the own business.
    OwnUse,
    /// Given away to show.
    Sample,
    /// Anything else, which a note says.
    Other,
    /// Nothing left or came: what it cost changed, by a landed cost voucher. Only parstock gives it.
    Revalued,
}

impl ReasonCode {
    /// Every reason that a person may give.
    pub const ALL: [Self; 8] = [
        Self::Damaged,
        Self::Expired,
        Self::Lost,
        Self::Stolen,
        Self::Found,
        Self::OwnUse,
        Self::Sample,
        Self::Other,
    ];

    /// The word in files and forms.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Damaged => "damaged",
            Self::Expired => "expired",
            Self::Lost => "lost",
            Self::Stolen => "stolen",
            Self::Found => "found",
            Self::OwnUse => "own_use",
            Self::Sample => "sample",
            Self::Other => "other",
            Self::Revalued => "revalued",
        }
    }

    /// The reason that a person may give with this [`code`](Self::code).
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The words that people read.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OwnUse => "own use",
            _ => self.code(),
        }
    }

    /// Where goods go that leave for this reason, or where they come from.
    pub const fn place(self) -> Place {
        match self {
            Self::Damaged | Self::Expired | Self::Lost | Self::Stolen => Place::WriteOff,
            Self::Found | Self::OwnUse | Self::Sample | Self::Other | Self::Revalued => Place::Adjustment,
        }
    }

    /// Refuses a change of stock that the reason does not fit, in words that say what does.
    ///
    /// # Errors
    /// [`Misfit`].
    pub fn check(self, change: Quantity, note: &str) -> Result<(), Misfit> {
        if change.is_zero() {
            return Err(Misfit::Nothing);
        }
        let fits = match self {
            Self::Found => !change.is_negative(),
            Self::Other | Self::Revalued => true,
            _ => change.is_negative(),
        };
        match self {
            _ if !fits && self == Self::Found => Err(Misfit::GoesOut),
            _ if !fits => Err(Misfit::ComesIn(self)),
            Self::Other if note.trim().is_empty() => Err(Misfit::NoNote),
            _ if note.chars().count() > NOTE_MAX => Err(Misfit::LongNote),
            _ => Ok(()),
        }
    }
}

/// What does not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Misfit {
    /// No change.
    #[error(
        "quantity: an adjustment changes something: above zero for what came in, below zero for what went out"
    )]
    Nothing,
    /// What is found does not leave.
    #[error("what is `found` comes in: write its quantity above zero, or another reason for what went out")]
    GoesOut,
    /// What leaves for this reason does not come in.
    #[error("what is `{}` went out: write its quantity below zero, or `found` or `other` for what came in", .0.code())]
    ComesIn(ReasonCode),
    /// A reason without words.
    #[error("the reason `other` needs a note that says which")]
    NoNote,
    /// Too many words.
    #[error("a note has at most {NOTE_MAX} characters")]
    LongNote,
}

/// Which way an adjustment goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Into our ledger: Xero doesn't track its items.
    Ledger,
    /// As a bill over nothing in Xero: tracked stock becomes more.
    Bill,
    /// As a supplier's credit note over nothing in Xero: tracked stock becomes less.
    CreditNote,
}

impl Form {
    /// That of a change of an item's stock.
    pub const fn of(tracked: bool, change: Quantity) -> Self {
        match (tracked, change.is_negative()) {
            (false, _) => Self::Ledger,
            (true, false) => Self::Bill,
            (true, true) => Self::CreditNote,
        }
    }

    /// The kind of its document in Xero.
    pub const fn document(self) -> Option<DocumentKind> {
        match self {
            Self::Ledger => None,
            Self::Bill => Some(DocumentKind::Bill),
            Self::CreditNote => Some(DocumentKind::SupplierCredit),
        }
    }
}

/// One item of an adjustment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentLine {
    /// The item.
    pub item: ItemId,
    /// Its code when that was decided.
    pub code: String,
    /// Above zero what comes in, below zero what goes out.
    pub change: Quantity,
    /// Why.
    pub reason: ReasonCode,
    /// Base currency: what one unit that comes in is worth; of what goes out what it was worth when that was decided.
    pub unit_cost: Money,
    /// More words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl AdjustmentLine {
    /// What it is worth, with the sign of its change.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn value(&self) -> Result<Money, FixedError> {
        self.change.at(self.unit_cost)
    }

    /// The reason with its note.
    pub fn words(&self) -> String {
        match self.note.as_str() {
            "" => self.reason.words().to_owned(),
            note => format!("{}: {note}", self.reason.words()),
        }
    }
}

/// Where an adjustment stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Stage {
    /// It is worth more than may be adjusted without a second decision.
    Waiting,
    /// It is on its way into the ledger or into Xero.
    Booking,
    /// It is there.
    Booked,
    /// It can't be booked, or Xero refused it: nothing of it is booked.
    Refused {
        /// Why, and what to do.
        reason: String,
        /// Whether an answer of Xero was lost, so that it may be there all the same.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_uncertain: bool,
    },
    /// A person decided against it.
    Rejected {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// Who approved an adjustment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A decision to adjust stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Its number.
    pub number: AdjustmentNumber,
    /// The day on which it takes effect.
    pub on: Date,
    /// Which way it goes.
    pub form: Form,
    /// What changes; at most [`LINES_MAX`].
    pub lines: Vec<AdjustmentLine>,
    /// Hash of day and lines: what was decided about.
    pub contents: Hash,
    /// Hash of what was asked for, by which the same request is known when it comes again.
    pub request: Hash,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// Where it stands.
    pub stage: Stage,
    /// Who approved it, where that was needed, or had it tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approved>,
    /// How often it was tried anew after it was refused.
    #[serde(default)]
    pub again: u32,
    /// Lines that are booked in the ledger.
    #[serde(default)]
    pub done: usize,
    /// Codes of items that were not adjusted, since Xero tracks them by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What Xero held of its items before the document was written, from the first try on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<(ItemId, XeroQuantity)>,
    /// Which of the tries that a person asked for [`Self::before`] is of, as [`Self::again`] counts them.
    #[serde(default)]
    pub before_again: u32,
    /// Its document in Xero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<DocumentId>,
    /// Whether its items are its own since it began to be written, so that no other document may come between.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_begun: bool,
    /// Whether somebody voided or deleted its document in Xero since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_void: bool,
    /// What makes it one half of a revaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revalues: Option<Revalues>,
}

impl Adjustment {
    /// One that waits for a person.
    ///
    /// # Errors
    /// When the lines can't be written down, a bug.
    pub fn new(
        number: AdjustmentNumber,
        (on, form): (Date, Form),
        lines: Vec<AdjustmentLine>,
        request: Hash,
        (made_by, made_at): (&str, Timestamp),
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            number,
            on,
            form,
            contents: contents(on, &lines)?,
            request,
            lines,
            made_by: made_by.to_owned(),
            made_at,
            stage: Stage::Waiting,
            approved: None,
            again: 0,
            done: 0,
            left_out: Vec::new(),
            before: Vec::new(),
            before_again: 0,
            document: None,
            has_begun: false,
            is_void: false,
            revalues: None,
        })
    }

    /// The sum of what its lines are worth, whichever way they go; of a revaluation what it puts on the stock or takes off.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn worth(&self) -> Result<Money, FixedError> {
        match &self.revalues {
            Some(revalues) => {
                let on_pool = revalues.parts.iter().map(|part| part.on_pool.magnitude());
                on_pool.into_iter().try_fold(Money::ZERO, Money::plus)
            }
            None => worth(&self.lines),
        }
    }

    /// Where it stands, in words.
    pub fn state_words(&self) -> String {
        match &self.stage {
            Stage::Waiting => "waits for approval".to_owned(),
            Stage::Booking => "being booked".to_owned(),
            Stage::Booked => match self.form {
                Form::Ledger if !self.left_out.is_empty() => {
                    format!("booked without {}, which Xero tracks by now", self.left_out.join(", "))
                }
                Form::Ledger => "booked".to_owned(),
                // all of it was sold before it was written
                _ if self.document.is_none() => "nothing was left to revalue".to_owned(),
                _ if self.is_void => "voided in Xero since".to_owned(),
                Form::Bill => "in Xero as a bill".to_owned(),
                Form::CreditNote => "in Xero as a credit note".to_owned(),
            },
            Stage::Refused { reason, is_uncertain: false } => format!("not booked: {reason}"),
            Stage::Refused { reason, is_uncertain: true } => {
                format!("may be in Xero, look for its number there: {reason}")
            }
            Stage::Rejected { by, reason, .. } => format!("rejected by {by}: {reason}"),
        }
    }

    /// Whether a person can have it booked: it waits, or was refused.
    pub const fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Refused { .. })
    }

    /// Whether this try, too, had come as far as writing: the same is asked again then.
    pub const fn was_tried(&self) -> bool {
        !self.before.is_empty() && self.before_again == self.again
    }

    /// Its items. The first half of a revaluation may come to have those, too, of which nothing was left when it was proposed.
    pub fn items(&self) -> BTreeSet<ItemId> {
        let first = self.revalues.iter().filter(|revalues| revalues.half == Half::First);
        let parts = first.flat_map(|revalues| &revalues.parts).map(|part| part.item);
        self.lines.iter().map(|line| line.item).chain(parts).collect()
    }

    /// Whether another adjustment may not be written between, where one of the two revalues items of the other: it is being written or
    /// may be in Xero, or its first half is there and it is not.
    pub fn keeps_out(&self, other: &Self) -> bool {
        let (own, others) = (self.revalues.as_ref(), other.revalues.as_ref());
        let is_pair = own.is_some_and(|own| own.other == other.number);
        let is_second = own.is_some_and(|own| own.half == Half::Second);
        let is_between = match self.stage {
            Stage::Booking => self.has_begun || is_second,
            Stage::Refused { is_uncertain: true, .. } => own.is_some(),
            Stage::Waiting | Stage::Refused { .. } => is_second,
            Stage::Booked | Stage::Rejected { .. } => false,
        };
        (own.is_some() || others.is_some())
            && self.number != other.number
            && !is_pair
            && is_between
            && !self.items().is_disjoint(&other.items())
    }

    /// How much each of its items changes, by item.
    ///
    /// # Errors
    /// [`FixedError`] when a sum does not fit.
    pub fn changes(&self) -> Result<BTreeMap<ItemId, Quantity>, FixedError> {
        let mut changes = BTreeMap::new();
        for line in &self.lines {
            let sum: &mut Quantity = changes.entry(line.item).or_default();
            *sum = sum.plus(line.change)?;
        }
        Ok(changes)
    }
}

/// The sum of what lines are worth, whichever way they go.
///
/// # Errors
/// [`FixedError`] when it does not fit.
pub fn worth(lines: &[AdjustmentLine]) -> Result<Money, FixedError> {
    let mut sum = Money::ZERO;
    for line in lines {
        sum = sum.plus(line.value()?.magnitude())?;
    }
    Ok(sum)
}

/// Hash of what is decided about.
///
/// # Errors
/// When the lines can't be written down, a bug.
pub fn contents(on: Date, lines: &[AdjustmentLine]) -> Result<Hash, serde_json::Error> {
    Ok(Hash::of(&serde_json::to_vec(&(on, lines))?))
}

/// A change of stock as it was asked for, without what follows from the stock of that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AskedLine {
    /// The item.
    pub item: ItemId,
    /// Above zero what comes in, below zero what goes out.
    pub change: Quantity,
    /// Why.
    pub reason: ReasonCode,
    /// More words.
    pub note: String,
    /// What one unit that comes in is worth, where that was named.
    pub unit_cost: Option<Money>,
}

/// Hash of a request: the same today as after what it asked for was booked.
///
/// # Errors
/// When the lines can't be written down, a bug.
pub fn request(on: Date, lines: &[AskedLine]) -> Result<Hash, serde_json::Error> {
    Ok(Hash::of(&serde_json::to_vec(&(on, lines))?))
}

/// A document over nothing by which we ask Xero to adjust tracked stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjustmentDraft {
    /// Our number.
    pub number: AdjustmentNumber,
    /// A bill for what comes in, a supplier's credit note for what goes out.
    pub kind: DocumentKind,
    /// Its contact.
    pub contact: crate::ids::ContactId,
    /// Its date.
    pub date: Date,
    /// The code of the account that its value goes to or comes from.
    pub account: String,
    /// Its lines; Xero gets another for each, with the opposite amount on [`Self::account`].
    pub lines: Vec<AdjustmentDraftLine>,
}

/// A line of such a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdjustmentDraftLine {
    /// The item's code as Xero knows it now.
    pub item_code: String,
    /// Its text.
    pub description: String,
    /// How much, above zero.
    pub quantity: Quantity,
    /// What one is worth, four decimals.
    pub unit_cost: Money,
    /// The item's stock account.
    pub account: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::landed::Part;

    #[test]
    fn a_reason_says_which_way_goods_go_and_where() {
        let (come, go) = (Quantity::ONE, Quantity::from_e4(-1));
        for reason in ReasonCode::ALL {
            assert_eq!(ReasonCode::from_code(reason.code()), Some(reason));
            assert_eq!(reason.check(Quantity::ZERO, "n"), Err(Misfit::Nothing));
            let fits = [come, go].map(|change| reason.check(change, "a note").is_ok());
            let due = match reason {
                ReasonCode::Found => [true, false],
                ReasonCode::Other => [true, true],
                _ => [false, true],
            };
            assert_eq!(fits, due, "{reason:?}");
        }
        assert_eq!(ReasonCode::Other.check(go, " "), Err(Misfit::NoNote));
        assert_eq!(ReasonCode::Lost.check(go, &"x".repeat(NOTE_MAX + 1)), Err(Misfit::LongNote));
        assert_eq!(
            (ReasonCode::Stolen.place(), ReasonCode::OwnUse.place()),
            (Place::WriteOff, Place::Adjustment)
        );
    }

    #[test]
    fn what_may_be_in_xero_or_is_half_there_keeps_out_what_has_its_items() {
        let item = |number: u128| ItemId(uuid::Uuid::from_u128(number));
        let number = |index| AdjustmentNumber(DayNumber { on: jiff::civil::date(2026, 6, 2), index });
        let adjustment = |index, lines: &[u128]| {
            let line = |at: &u128| AdjustmentLine {
                item: item(*at),
                code: String::new(),
                change: Quantity::ONE,
                reason: ReasonCode::Revalued,
                unit_cost: Money::ZERO,
                note: String::new(),
            };
            let (lines, on) = (lines.iter().map(line).collect(), number(index).0.on);
            let made = ("Kim", Timestamp::UNIX_EPOCH);
            Adjustment::new(number(index), (on, Form::Bill), lines, Hash::of(&[]), made).unwrap()
        };
        let there =
            XeroQuantity { on_hand: Quantity::ZERO, back_ordered: Quantity::ZERO, cost_pool: Money::ZERO };
        let part = |at| Part::of((item(at), String::new()), (Money::ZERO, Quantity::ONE), there, 2).unwrap();
        let half = |index, half, stage, lines: &[u128]| Adjustment {
            stage,
            revalues: Some(Revalues {
                voucher: number(1).0,
                back: false,
                half,
                other: number(if half == Half::First { index + 1 } else { index - 1 }),
                account: String::new(),
                parts: vec![part(1), part(2)],
            }),
            ..adjustment(index, lines)
        };
        let refused = |is_uncertain| Stage::Refused { reason: String::new(), is_uncertain };
        let (one, two) = (adjustment(9, &[1]), adjustment(9, &[2]));
        let waits = half(3, Half::First, Stage::Waiting, &[1]);
        assert!(!waits.keeps_out(&one));
        // of the second item nothing was left when it was proposed, and some may lie there when it is written
        let begun = Adjustment { stage: Stage::Booking, has_begun: true, ..waits };
        assert!(begun.keeps_out(&one) && begun.keeps_out(&two) && !begun.keeps_out(&adjustment(9, &[3])));
        assert!(half(3, Half::First, refused(true), &[1]).keeps_out(&one));
        assert!(!half(3, Half::First, refused(false), &[1]).keeps_out(&one));
        let second = half(4, Half::Second, refused(false), &[1]);
        assert!(second.keeps_out(&one) && !second.keeps_out(&two), "its lines are decided");
        assert!(!second.keeps_out(&half(3, Half::First, Stage::Booked, &[1])), "its own first half");
    }

    #[test]
    fn a_number_is_read_as_it_is_written() {
        let number: AdjustmentNumber = "ADJ-2026-11-30-007".parse().unwrap();
        assert_eq!((number.0.index, number.to_string().as_str()), (7, "ADJ-2026-11-30-007"));
        for bad in ["2026-11-30-007", "ADJ-2026-11-30", "", "ADJ-x"] {
            assert!(bad.parse::<AdjustmentNumber>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_adjusted_is_worth_the_sum_of_both_ways() {
        let line = |change: i64, cost: &str| AdjustmentLine {
            item: ItemId(uuid::Uuid::nil()),
            code: "A".to_owned(),
            change: Quantity::from_whole(change).unwrap(),
            reason: ReasonCode::Other,
            unit_cost: cost.parse().unwrap(),
            note: "n".to_owned(),
        };
        assert_eq!(worth(&[line(-3, "2"), line(2, "1.5")]).unwrap().to_string(), "9.00");
    }
}

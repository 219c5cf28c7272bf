//! A stock movement: stock that went from one place to another on a day, because of something.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::adjustment::AdjustmentNumber;
use crate::costing::Worth;
use crate::document::{DocumentKind, DocumentRef};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{CommitId, DayNumber, DocumentId, ItemId, LineId, LocationId};

/// One side of a movement. Over all places the quantities of an item sum to zero.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Our own stock.
    Stock(LocationId),
    /// With a supplier.
    Supplier,
    /// With a customer.
    Customer,
    /// Where an opening balance comes from.
    Opening,
    /// Found, used, given away, counted.
    Adjustment,
    /// Damaged, expired, lost, stolen.
    WriteOff,
}

impl Place {
    /// The words that people read; our own stock goes by its location.
    pub fn words(&self) -> &str {
        match self {
            Self::Stock(location) => &location.0,
            Self::Supplier => "supplier",
            Self::Customer => "customer",
            Self::Opening => "opening",
            Self::Adjustment => "adjustment",
            Self::WriteOff => "write-off",
        }
    }
}

/// Why a movement exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The balance with which a book of the item starts or ends.
    Opening,
    /// What a later count differed by, and what balances documents whose goods a count has seen.
    Count,
    /// A line of a document.
    Document {
        /// The document.
        of: DocumentRef,
        /// Its line.
        line: LineId,
    },
    /// Freight, duty and the like, on top of what a line of a purchase brought in. It moves no quantity.
    LandedCost {
        /// The voucher that spreads it.
        voucher: DayNumber,
        /// The purchase.
        of: DocumentRef,
        /// Its line.
        line: LineId,
    },
    /// A line of an adjustment that a person decided.
    Adjustment {
        /// The adjustment.
        number: AdjustmentNumber,
        /// Which of its lines, from 1.
        line: u32,
    },
}

impl Cause {
    /// Whether it says what customers wanted: sales, and returns against them.
    pub const fn is_demand(self) -> bool {
        match self {
            Self::Document { of, .. } => matches!(
                of.kind,
                DocumentKind::SalesInvoice | DocumentKind::SalesCredit | DocumentKind::ReceiveMoney
            ),
            Self::Opening | Self::Count | Self::LandedCost { .. } | Self::Adjustment { .. } => false,
        }
    }
}

/// The place of a movement in the item's history: a total order that doesn't depend on when we learnt of it.
///
/// Day, then in before out, then kind, document, line and revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MovementKey {
    /// The day on which it takes effect, a civil day of the org.
    pub effective_on: Date,
    /// Out of our stock; what comes in on a day comes first.
    pub out: bool,
    /// Why.
    pub cause: Cause,
    /// Counts what was booked for the same line, from 1.
    pub revision: u32,
    /// Whether it takes back an earlier booking of the line.
    pub correction: bool,
}

impl MovementKey {
    /// A key behind every movement of the days before `day`, and before every movement of `day`: where
    /// reading from a day on begins.
    pub fn before(day: Date) -> Option<Self> {
        Some(Self {
            effective_on: day.yesterday().ok()?,
            out: true,
            cause: Cause::Adjustment {
                number: AdjustmentNumber(DayNumber { on: Date::MAX, index: DayNumber::INDEX_MAX }),
                line: u32::MAX,
            },
            revision: u32::MAX,
            correction: true,
        })
    }
}

/// What a person or Xero said of all that lay there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it was worth, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worth: Option<Worth>,
    /// Whether it has seen the whole of its day. Else what is recorded after it happened after it.
    pub whole_day: bool,
}

/// One row of the ledger, never changed once written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Movement {
    /// The item.
    pub item: ItemId,
    /// Its place in the history.
    pub key: MovementKey,
    /// How much: above zero, or zero for a count that agrees and for landed cost.
    pub quantity: Quantity,
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// What it was worth when it was booked, base currency: the price of what came in, the cost of what went out. Below
    /// zero where a bill was voided after its goods had been sold at another cost, or a count says that stock is worth
    /// less.
    pub value: Money,
    /// Cost difference of earlier issues that this receipt settles (stock had been oversold).
    pub correction: Money,
    /// The day on which books count it, if its own was closed when it was booked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posted_on: Option<Date>,
    /// With an opening or a count, unless it only balances a document: what was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Finding>,
    /// Of goods that come back: the sales that they were of, as far as that is known, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<DocumentId>,
    /// When we booked it.
    pub recorded_at: Timestamp,
    /// In which commit.
    pub commit: CommitId,
}

impl Movement {
    /// The change of our own stock: above zero in, below zero out.
    ///
    /// # Errors
    /// [`FixedError::TooLarge`] when it does not fit.
    pub fn signed_quantity(&self) -> Result<Quantity, FixedError> {
        if self.key.out { self.quantity.negated() } else { Ok(self.quantity) }
    }

    /// The change of the cost layer's value.
    ///
    /// # Errors
    /// [`FixedError::TooLarge`] when it does not fit.
    pub fn layer_change(&self) -> Result<Money, FixedError> {
        let value = if self.key.out { self.value.negated()? } else { self.value };
        value.minus(self.correction)
    }

    /// Whether from it on it is known what lies there: an opening, or what a person counted.
    pub fn is_balance(&self) -> bool {
        self.key.cause == Cause::Opening || self.found.is_some()
    }

    /// The demand that it stands for: a sale counts above zero, a return below, all else not at all.
    ///
    /// # Errors
    /// [`FixedError::TooLarge`] when it does not fit.
    pub fn demand(&self) -> Result<Option<Quantity>, FixedError> {
        if self.key.cause.is_demand() { self.signed_quantity()?.negated().map(Some) } else { Ok(None) }
    }
}

use serde::Serialize;
use uuid::Uuid;

use super::{LineItem, NewLineItem, Tracking};
use crate::{decimal::Decimal, error::InputError};

/// The tracking options of one line: the most that Xero takes. Source: Xero-OpenAPI, `LineItem.Tracking`.
pub const TRACKING_MAX: usize = 2;

/// All lines that a document is to have after an update.
///
/// Xero reads the lines of an update as the whole: a line that is left out is deleted, and one sent without its
/// `LineItemID` is deleted and made anew, with another id. So an update begins with
/// [the lines as they were read](Self::keeping), each with its id, and names what changes. Source: xero.uservoice.com,
/// suggestion 50252319; developer.xero.com, *Invoices*.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Lines(Vec<SentLine>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum SentLine {
    Kept(LineUpdate),
    New(NewLineItem),
}

/// A line that stays, with what it says from now on. Amounts and tax are left to Xero, which works them out again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct LineUpdate {
    #[serde(rename = "LineItemID")]
    line_item_id: Uuid,
    /// The code of its item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_code: Option<String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many, to four decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Decimal>,
    /// The price of one in the document's currency, to four decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_amount: Option<Decimal>,
    /// The code of its account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_code: Option<String>,
    /// Its tax rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_type: Option<String>,
    /// Its discount in percent, on sales invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount_rate: Option<Decimal>,
    /// Its tracking options, at most [`TRACKING_MAX`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracking: Vec<Tracking>,
}

impl LineUpdate {
    /// Which line this is.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.line_item_id
    }
}

impl Lines {
    /// The lines as they were read, all of which stay.
    ///
    /// # Errors
    /// [`InputError::Lines`] if a line has no id, which would make it anew, or if there are none: a list that was read
    /// without a page has no lines, and sending it back would delete them all.
    pub fn keeping(read: &[LineItem]) -> Result<Self, InputError> {
        if read.is_empty() {
            return Err(InputError::Lines { why: "none were read, and sending none would delete all" });
        }
        let kept = read.iter().map(|line| {
            let id = line.line_item_id.filter(|id| !id.is_nil());
            let line_item_id = id.ok_or(InputError::Lines {
                why: "one has no LineItemID, and sending it would make it anew",
            })?;
            Ok(SentLine::Kept(LineUpdate {
                line_item_id,
                item_code: line.item_code.clone(),
                description: line.description.clone(),
                quantity: line.quantity,
                unit_amount: line.unit_amount,
                account_code: line.account_code.clone(),
                tax_type: line.tax_type.clone(),
                discount_rate: line.discount_rate,
                tracking: line.tracking.clone(),
            }))
        });
        kept.collect::<Result<_, _>>().map(Self)
    }

    /// Changes the line with this id.
    ///
    /// # Errors
    /// [`InputError::Lines`] if there is no such line.
    pub fn change(&mut self, id: Uuid, change: impl FnOnce(&mut LineUpdate)) -> Result<(), InputError> {
        let line = self.0.iter_mut().find_map(|line| match line {
            SentLine::Kept(kept) if kept.line_item_id == id => Some(kept),
            _ => None,
        });
        change(line.ok_or(NO_SUCH_LINE)?);
        Ok(())
    }

    /// Takes the line with this id out.
    ///
    /// # Errors
    /// [`InputError::Lines`] if there is no such line, or if it is the last one.
    pub fn remove(&mut self, id: Uuid) -> Result<(), InputError> {
        let at =
            self.0.iter().position(|line| matches!(line, SentLine::Kept(kept) if kept.line_item_id == id));
        let at = at.ok_or(NO_SUCH_LINE)?;
        if self.0.len() == 1 {
            return Err(InputError::Lines { why: "a document needs one" });
        }
        self.0.remove(at);
        Ok(())
    }

    /// Adds a line.
    pub fn add(&mut self, line: NewLineItem) {
        self.0.push(SentLine::New(line));
    }

    /// How many lines the document will have.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: a document needs a line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The item code, account code and tracking options of each line.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Option<&str>, Option<&str>, &[Tracking])> {
        self.0.iter().map(|line| match line {
            SentLine::Kept(line) => {
                (line.item_code.as_deref(), line.account_code.as_deref(), line.tracking.as_slice())
            }
            SentLine::New(line) => {
                (line.item_code.as_deref(), line.account_code.as_deref(), line.tracking.as_slice())
            }
        })
    }
}

const NO_SUCH_LINE: InputError = InputError::Lines { why: "the document has no line with this id" };

//! Items of which no cost of goods sold is journaled, since it would be counted twice.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::told::Coded;
use crate::document::DocumentRef;
use crate::fixed::Money;
use crate::ids::LineId;

/// Purchase lines on other accounts that are kept of an item; one more is counted and not named.
pub const ELSEWHERE_MAX: usize = 200;

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

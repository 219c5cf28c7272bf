//! Item prices in Xero that no longer are what goods cost: a change that parstock proposes and a person decides.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::DocumentRef;
use crate::fixed::{FixedError, Money, mul_div};
use crate::ids::{EffectId, ItemId};
use crate::settings::Learned;

/// A change of an item's purchase price in Xero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceChange {
    /// The item.
    pub item: ItemId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its purchase price in Xero when that was proposed, base currency.
    pub from: Money,
    /// What it cost last: the price that is proposed.
    pub to: Money,
    /// Its sales price, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sales_price: Option<Money>,
    /// The bill that says so.
    pub because: DocumentRef,
    /// Its day.
    pub on: Date,
    /// Who billed it.
    pub supplier_name: String,
    /// Since when it is proposed.
    pub since: Timestamp,
    /// Where it stands.
    pub status: PriceStatus,
}

/// Where a price change stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum PriceStatus {
    /// It waits for a person.
    Open,
    /// A person said yes; the effect is under way.
    Approved {
        /// Who.
        who: String,
        /// When.
        at: Timestamp,
        /// The effect that carries it out.
        effect: EffectId,
    },
    /// Xero refused it, or a person must look.
    Failed {
        /// Why, and what to do.
        reason: String,
    },
    /// A person said no to this price.
    Rejected {
        /// Who.
        who: String,
        /// When.
        at: Timestamp,
    },
}

impl PriceStatus {
    /// Whether a person can decide.
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Open | Self::Failed { .. })
    }
}

/// The price that an item should have in Xero: what its latest bill says, where that is further away from its purchase price than
/// a share in percent. A bill from before `changed_on`, the day on which somebody last changed the item in Xero, says nothing: who did
/// that may have known better. Without a purchase price there is none to change, and with a share of zero nothing is proposed.
///
/// # Errors
/// [`FixedError`] when it does not fit.
pub fn due(
    purchase_price: Option<Money>,
    changed_on: Date,
    last: Option<&Learned>,
    percent: u16,
) -> Result<Option<Money>, FixedError> {
    let last = last.filter(|last| last.on >= changed_on);
    let (Some(price), Some(last)) = (purchase_price.filter(|price| *price > Money::ZERO), last) else {
        return Ok(None);
    };
    let is_due = percent > 0 && is_further(price, last.unit_price, percent)?;
    Ok(is_due.then_some(last.unit_price))
}

/// Whether a price is further away from another than a share of that.
fn is_further(from: Money, to: Money, percent: u16) -> Result<bool, FixedError> {
    let share = Money::from_e4(mul_div(from.e4(), percent.into(), 100)?);
    Ok(to.minus(from)?.magnitude() > share)
}

/// What becomes of a change that stands when another price is due: one that a person approved goes on, one that they rejected stays
/// rejected as long as the price is not further away from it than the share in percent.
///
/// # Errors
/// [`FixedError`] when it does not fit.
pub fn revised(
    standing: Option<PriceChange>,
    wanted: PriceChange,
    percent: u16,
) -> Result<PriceChange, FixedError> {
    let Some(standing) = standing else { return Ok(wanted) };
    Ok(match standing.status {
        PriceStatus::Approved { .. } => standing,
        PriceStatus::Rejected { .. } if !is_further(standing.to, wanted.to, percent)? => standing,
        PriceStatus::Open => PriceChange { since: standing.since, ..wanted },
        PriceStatus::Failed { .. } | PriceStatus::Rejected { .. } => wanted,
    })
}

/// What an approval tells Xero: the price to set, unless a person has set another one since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceWrite {
    /// The item.
    pub item: ItemId,
    /// Its purchase price when the change was approved.
    pub from: Money,
    /// The price to set.
    pub to: Money,
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use uuid::Uuid;

    use super::*;
    use crate::document::DocumentKind;
    use crate::ids::{ContactId, DocumentId};

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn bill() -> DocumentRef {
        DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(1)) }
    }

    fn lesson(price: &str) -> Learned {
        Learned {
            supplier: ContactId(Uuid::from_u128(2)),
            supplier_name: "Northern".into(),
            unit_price: money(price),
            from: bill(),
            on: date(2026, 6, 1),
        }
    }

    fn change(to: &str, status: PriceStatus) -> PriceChange {
        PriceChange {
            item: ItemId(Uuid::from_u128(3)),
            code: "BOX".into(),
            name: "A box".into(),
            from: money("10"),
            to: money(to),
            sales_price: None,
            because: bill(),
            on: date(2026, 6, 1),
            supplier_name: "Northern".into(),
            since: Timestamp::UNIX_EPOCH,
            status,
        }
    }

    #[test]
    fn a_price_is_due_beyond_the_share_in_both_directions() {
        let due = |price: Option<&str>, last: &str, percent| {
            due(price.map(money), date(2026, 6, 1), Some(&lesson(last)), percent)
                .unwrap()
                .map(|due| due.to_string())
        };
        assert_eq!(due(Some("10"), "11", 10), None, "exactly the share is within it");
        assert_eq!(due(Some("10"), "11.0001", 10), Some("11.0001".into()));
        assert_eq!(due(Some("10"), "8.99", 10), Some("8.99".into()));
        assert_eq!(
            (due(None, "9", 10), due(Some("0"), "9", 10), due(Some("10"), "99", 0)),
            (None, None, None)
        );
        assert_eq!(super::due(Some(money("10")), date(2026, 6, 1), None, 10), Ok(None));
        let later = super::due(Some(money("10")), date(2026, 6, 2), Some(&lesson("20")), 10);
        assert_eq!(later, Ok(None), "somebody has changed the item since");
    }

    #[test]
    fn what_a_person_decided_stands_until_the_price_moves_on() {
        let rejected = || PriceStatus::Rejected { who: "Kim".into(), at: Timestamp::UNIX_EPOCH };
        let revised =
            |standing, to| revised(Some(change("12", standing)), change(to, PriceStatus::Open), 10).unwrap();
        assert_eq!(revised(rejected(), "13").status, rejected(), "not far from what was rejected");
        assert_eq!(revised(rejected(), "13.3").status, PriceStatus::Open);
        let effect = EffectId(Uuid::from_u128(4));
        let approved = PriceStatus::Approved { who: "Kim".into(), at: Timestamp::UNIX_EPOCH, effect };
        assert_eq!(revised(approved, "20").to, money("12"), "it is on its way");
        let failed = PriceStatus::Failed { reason: "archived".into() };
        assert_eq!(revised(failed, "12").status, PriceStatus::Open);
        assert_eq!(revised(PriceStatus::Open, "15").to, money("15"));
    }
}

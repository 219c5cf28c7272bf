//! Item prices in Xero that no longer are what goods cost: a change that parstock proposes and a person decides.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::document::{DocumentRef, Item};
use crate::fixed::{FixedError, Money, Quantity, mul_div};
use crate::ids::{EffectId, ItemId};
use crate::settings::{Learned, PriceBasis};
use crate::units::PurchaseUnit;

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
    /// What it cost last, by itself or landed: the price that is proposed.
    pub to: Money,
    /// By what the supplier's papers count it, where that is not the base unit: both are prices of one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<PurchaseUnit>,
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

/// What an item's latest bill says, and what it takes to be heard.
#[derive(Clone, Copy, Debug)]
pub struct Bill<'a> {
    /// What the bill says.
    pub last: Option<&'a Learned>,
    /// By what it counts, where that is not the base unit: whoever enters a bill expects the price of one of these in Xero.
    pub unit: Option<&'a PurchaseUnit>,
    /// The day on which somebody last changed the item's price in Xero: a bill from before it says nothing, who did that may have
    /// known better.
    pub changed_on: Date,
    /// What the price is held beside.
    pub basis: PriceBasis,
    /// From how many percent on a change is proposed; zero for never.
    pub percent: u16,
    /// Now.
    pub now: Timestamp,
}

impl Bill<'_> {
    fn price(&self, last: &Learned) -> Result<Money, FixedError> {
        let one = self.unit.map_or(Quantity::ONE, |unit| unit.holds);
        match self.basis {
            PriceBasis::Last => last.price_of(one),
            PriceBasis::Landed => last.landed_price_of(one),
        }
    }

    /// The price that an item should have in Xero: the bill's, where that is further away from its purchase price than the share.
    /// Without a purchase price there is none to change.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn due(&self, purchase_price: Option<Money>) -> Result<Option<Money>, FixedError> {
        let last = self.last.filter(|last| last.on >= self.changed_on);
        let (Some(price), Some(last)) = (purchase_price.filter(|price| *price > Money::ZERO), last) else {
            return Ok(None);
        };
        let wanted = self.price(last)?;
        let is_due = self.percent > 0 && is_further(price, wanted, self.percent)?;
        Ok(is_due.then_some(wanted))
    }
}

/// Whether a price is further away from another than a share of that.
fn is_further(from: Money, to: Money, percent: u16) -> Result<bool, FixedError> {
    let share = Money::from_e4(mul_div(from.e4(), percent.into(), 100)?);
    Ok(to.minus(from)?.magnitude() > share)
}

/// What is kept of an item's price change: nothing where none is due; one that a person approved goes on, one that they rejected
/// stays rejected as long as the price is not further away from it than the share in percent, and one that failed as long as it is
/// the same.
///
/// # Errors
/// [`FixedError`] when it does not fit.
pub fn kept(
    standing: Option<&PriceChange>,
    item: &Item,
    bill: &Bill<'_>,
) -> Result<Option<PriceChange>, FixedError> {
    if let Some(standing) = standing.filter(|it| matches!(it.status, PriceStatus::Approved { .. })) {
        return Ok(Some(standing.clone()));
    }
    // what was rejected is not forgotten because a bill in between was of the old price
    if let (Some(standing), Some(last)) = (standing, bill.last)
        && matches!(standing.status, PriceStatus::Rejected { .. })
        && (bill.percent == 0 || !is_further(standing.to, bill.price(last)?, bill.percent)?)
    {
        return Ok(Some(standing.clone()));
    }
    let due = bill.due(item.purchase_price)?;
    let (Some(to), Some(last), Some(from)) = (due, bill.last, item.purchase_price) else { return Ok(None) };
    let mut wanted = PriceChange {
        item: item.id,
        code: item.code.clone(),
        name: item.name.clone(),
        from,
        to,
        unit: bill.unit.cloned(),
        sales_price: item.sales_price,
        because: last.from,
        on: last.on,
        supplier_name: last.supplier_name.clone(),
        since: bill.now,
        status: PriceStatus::Open,
    };
    let Some(standing) = standing else { return Ok(Some(wanted)) };
    match &standing.status {
        PriceStatus::Failed { .. }
            if (standing.from, standing.to, standing.unit.as_ref()) == (from, to, bill.unit) =>
        {
            return Ok(Some(standing.clone()));
        }
        PriceStatus::Open => wanted.since = standing.since,
        _ => {}
    }
    Ok(Some(wanted))
}

/// What an approval tells Xero: the price to set, unless a person has set another one since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceWrite {
    /// The item.
    pub item: ItemId,
    /// Its purchase price when the change was proposed.
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
    use crate::settings::LandedOn;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn bill() -> DocumentRef {
        DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(1)) }
    }

    fn bill_of(last: Option<&Learned>, percent: u16) -> Bill<'_> {
        Bill {
            last,
            unit: None,
            changed_on: date(2026, 6, 1),
            basis: PriceBasis::Last,
            percent,
            now: Timestamp::UNIX_EPOCH,
        }
    }

    fn lesson(price: &str) -> Learned {
        Learned {
            supplier: ContactId(Uuid::from_u128(2)),
            supplier_name: "Northern".into(),
            quantity: Quantity::ONE,
            net: money(price),
            holds: None,
            landed: std::collections::BTreeMap::new(),
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
            unit: None,
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
            let lesson = lesson(last);
            bill_of(Some(&lesson), percent).due(price.map(money)).unwrap().map(|due| due.to_string())
        };
        assert_eq!(due(Some("10"), "11", 10), None, "exactly the share is within it");
        assert_eq!(due(Some("10"), "11.0001", 10), Some("11.0001".into()));
        assert_eq!(due(Some("10"), "8.99", 10), Some("8.99".into()));
        assert_eq!(
            (due(None, "9", 10), due(Some("0"), "9", 10), due(Some("10"), "99", 0)),
            (None, None, None)
        );
        assert_eq!(bill_of(None, 10).due(Some(money("10"))), Ok(None));
        let lesson = lesson("20");
        let dozen = PurchaseUnit { name: "dozen".into(), holds: Quantity::from_whole(12).unwrap() };
        let by_dozens = Bill { unit: Some(&dozen), ..bill_of(Some(&lesson), 10) };
        assert_eq!(by_dozens.due(Some(money("230"))), Ok(None), "twelve of 20 each");
        assert_eq!(by_dozens.due(Some(money("200"))), Ok(Some(money("240"))));
        let later = Bill { changed_on: date(2026, 6, 2), ..bill_of(Some(&lesson), 10) };
        assert_eq!(later.due(Some(money("10"))), Ok(None), "somebody has changed the price since");
        let mut with_freight = lesson.clone();
        let on = |amount| LandedOn { quantity: Quantity::from_e4(100_000), amount: money(amount) };
        for line in [1, 2] {
            // two lines of ten, each of which takes 15
            let line = crate::ids::LineId(Uuid::from_u128(line));
            assert!(with_freight.land((bill(), line), on("15")).unwrap());
        }
        let other = crate::ids::LineId(Uuid::from_u128(3));
        assert!(!with_freight.land((bill(), other), on("-9")).unwrap(), "it was never noted");
        let landed = Bill { basis: PriceBasis::Landed, ..bill_of(Some(&with_freight), 10) };
        assert_eq!(landed.due(Some(money("10"))), Ok(Some(money("21.5"))));
        let landed = Bill { unit: Some(&dozen), ..landed };
        assert_eq!(landed.due(Some(money("10"))), Ok(Some(money("258"))));
    }

    fn item(price: &str) -> Item {
        Item {
            id: ItemId(Uuid::from_u128(3)),
            code: "BOX".into(),
            name: "A box".into(),
            tracked: false,
            purchase_price: Some(money(price)),
            sales_price: None,
            purchase_account: String::new(),
            purchase_tax: String::new(),
            sales_account: String::new(),
            quantity: None,
            updated_at: Timestamp::UNIX_EPOCH,
            priced_at: None,
        }
    }

    #[test]
    fn what_a_person_decided_stands_until_the_price_moves_on() {
        let rejected = || PriceStatus::Rejected { who: "Kim".into(), at: Timestamp::UNIX_EPOCH };
        let kept = |status, price: &str, last: &str| {
            let (standing, lesson) = (change("12", status), lesson(last));
            kept(Some(&standing), &item(price), &bill_of(Some(&lesson), 10)).unwrap()
        };
        assert_eq!(
            kept(rejected(), "10", "13").unwrap().status,
            rejected(),
            "not far from what was rejected"
        );
        assert_eq!(kept(rejected(), "10", "13.3").unwrap().status, PriceStatus::Open);
        assert_eq!(
            kept(rejected(), "10", "10.5"),
            None,
            "nothing is due, and it is far from what was rejected"
        );
        assert_eq!(
            kept(rejected(), "11", "11.5").unwrap().status,
            rejected(),
            "nothing is due, and it is near"
        );
        let effect = EffectId(Uuid::from_u128(4));
        let approved = || PriceStatus::Approved { who: "Kim".into(), at: Timestamp::UNIX_EPOCH, effect };
        assert_eq!(kept(approved(), "10", "20").unwrap().to, money("12"), "it is on its way");
        assert_eq!(kept(approved(), "10", "10").unwrap().status, approved());
        let failed = || PriceStatus::Failed { reason: "archived".into() };
        assert_eq!(kept(failed(), "10", "12").unwrap().status, failed());
        let anew = kept(failed(), "11", "13").unwrap();
        assert_eq!((anew.from, anew.to, anew.status), (money("11"), money("13"), PriceStatus::Open));
        assert_eq!(kept(PriceStatus::Open, "10", "15").unwrap().to, money("15"));
    }
}

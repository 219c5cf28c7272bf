//! The daily proof: what Xero holds beside what the ledger says, and what each difference likely comes from.
//!
//! It compares and never mends: Xero is the book of tracked items, and only people know which side is wrong.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::card::Balance;
use crate::document::{Account, XeroQuantity};
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::ItemId;

/// What an item's values may differ by through rounding alone: Xero keeps a cost pool in cents, the ledger in
/// ten-thousandths.
pub const CENT: Money = Money::from_e4(100);
/// Differences that a proof keeps, those of most money first; the others are counted.
pub const DIFFERENCES_MAX: usize = 500;
/// The contact on whose documents Xero's users adjust stock. Source: developer.xero.com, *Tracked inventory in Xero*.
pub const ADJUSTMENTS_CONTACT: &str = "Inventory Adjustments";

/// What a difference likely comes from, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LikelyCause {
    /// Documents of days that have not come: they move the quantity when they are approved, and the account on their day.
    DatedAhead,
    /// Documents that are known of and not booked yet, or an item that has no opening balance yet.
    NotBooked,
    /// The stock was adjusted in Xero.
    AdjustedInXero,
    /// Less than a cent an item.
    Rounding,
    /// Xero valued what went out at another average: documents came in another order, or costs were rounded.
    ValuedOtherwise,
    /// None of these: something stands on the account that is no stock of these items.
    Unexplained,
}

impl LikelyCause {
    /// What people read, in a few words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::DatedAhead => "documents dated ahead",
            Self::NotBooked => "not booked yet",
            Self::AdjustedInXero => "adjusted in Xero",
            Self::Rounding => "rounding",
            Self::ValuedOtherwise => "valued otherwise",
            Self::Unexplained => "not explained",
        }
    }

    /// Why that makes a difference, or where to look.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::DatedAhead => "Xero's account takes them on their day",
            Self::NotBooked => "it should be gone at the next proof",
            Self::AdjustedInXero => "look at the item's history there",
            Self::Rounding => "at most a cent an item",
            Self::ValuedOtherwise => {
                "Xero's average took documents in another order, or rounded what they cost"
            }
            Self::Unexplained => "look at what else stands on the account in Xero",
        }
    }

    /// The word in JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::DatedAhead => "dated_ahead",
            Self::NotBooked => "not_booked",
            Self::AdjustedInXero => "adjusted_in_xero",
            Self::Rounding => "rounding",
            Self::ValuedOtherwise => "valued_otherwise",
            Self::Unexplained => "unexplained",
        }
    }
}

/// What a difference is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A tracked item.
    Item(ItemId),
    /// All tracked items that differ by no more than a cent.
    Cents,
    /// An account of the balance sheet, by its code.
    Account(String),
}

/// What Xero says, minus what the ledger says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What it is about.
    pub of: Subject,
    /// The code and name of the item or account.
    pub named: String,
    /// In quantity; zero for an account.
    pub quantity: Quantity,
    /// In money, base currency.
    pub value: Money,
    /// What it likely comes from.
    pub cause: LikelyCause,
}

/// A tracked item as Xero holds it and as the ledger does.
#[derive(Clone, Debug)]
pub struct TrackedItem {
    /// The item.
    pub item: ItemId,
    /// Its code and name.
    pub named: String,
    /// The account that holds its value in Xero.
    pub account: String,
    /// What Xero holds.
    pub xero: XeroQuantity,
    /// What the ledger holds, documents dated ahead included, as Xero's figures have them.
    pub ours: Balance,
    /// What documents dated ahead changed of the ledger's value.
    pub ahead: Money,
    /// Whether something of it waits to be booked.
    pub waits: bool,
}

/// An account that holds stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountProof {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its balance at the end of the day.
    pub balance: Money,
    /// The cost pools of its items in Xero.
    pub items: Money,
}

/// The proof of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The org's civil day.
    pub day: Date,
    /// When Xero was asked.
    pub at: Timestamp,
    /// How many tracked items there are.
    pub items: u32,
    /// What Xero holds of them: quantities, and cost pools.
    pub xero: Balance,
    /// What the ledger holds of them.
    pub ours: Balance,
    /// The accounts of type `INVENTORY`.
    pub accounts: Vec<AccountProof>,
    /// Why the accounts are not compared, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_accounts: Option<String>,
    /// The differences, those of most money first, at most [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
    /// How many more there are.
    pub more: u32,
}

/// The type of account that holds tracked stock, as Xero names it.
const INVENTORY: &str = "INVENTORY";

impl Proof {
    /// Compares. `accounts` are all of Xero's, or why they could not be read. An item whose value alone differs is called
    /// [`LikelyCause::ValuedOtherwise`]: whether it was adjusted in Xero only its documents say.
    ///
    /// # Errors
    /// [`FixedError`] when a sum does not fit.
    pub fn of(
        day: Date,
        at: Timestamp,
        items: &[TrackedItem],
        accounts: Result<Vec<Account>, String>,
    ) -> Result<Self, FixedError> {
        let (mut xero, mut ours) = (Balance::default(), Balance::default());
        let (mut differences, mut cents) = (Vec::new(), (0u32, Money::ZERO));
        let mut pools: BTreeMap<&str, (Money, Money)> = BTreeMap::new();
        for item in items {
            let held = Balance { quantity: item.xero.on_hand, value: item.xero.cost_pool };
            xero = xero.plus(held)?;
            ours = ours.plus(item.ours)?;
            let (pool, ahead) = pools.entry(&item.account).or_default();
            (*pool, *ahead) = (pool.plus(held.value)?, ahead.plus(item.ahead)?);
            let quantity = held.quantity.minus(item.ours.quantity)?;
            let value = held.value.minus(item.ours.value)?;
            if quantity.is_zero() && value.magnitude() <= CENT {
                cents = (cents.0.saturating_add(u32::from(!value.is_zero())), cents.1.plus(value)?);
                continue;
            }
            let cause = if item.waits {
                LikelyCause::NotBooked
            } else if !quantity.is_zero() {
                LikelyCause::AdjustedInXero
            } else {
                LikelyCause::ValuedOtherwise
            };
            let of = Subject::Item(item.item);
            differences.push(Difference { of, named: item.named.clone(), quantity, value, cause });
        }
        if cents.0 > 0 {
            differences.push(Difference {
                of: Subject::Cents,
                named: format!("{} items", cents.0),
                quantity: Quantity::ZERO,
                value: cents.1,
                cause: LikelyCause::Rounding,
            });
        }
        let (accounts, without_accounts) = match accounts {
            Ok(accounts) => (accounts, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let mut proven = Vec::new();
        for account in accounts.into_iter().filter(|account| account.kind == INVENTORY) {
            let (pool, ahead) = pools.get(account.code.as_str()).copied().unwrap_or_default();
            let value = account.balance.minus(pool)?;
            // the account lacks what is dated ahead
            let later = ahead.negated()?;
            let rest = value.minus(later)?;
            let parts = if rest.magnitude() < value.magnitude() {
                [(later, LikelyCause::DatedAhead), (rest, LikelyCause::Unexplained)]
            } else {
                [(value, LikelyCause::Unexplained), (Money::ZERO, LikelyCause::DatedAhead)]
            };
            for (value, cause) in parts.into_iter().filter(|(value, _)| !value.is_zero()) {
                let cause = if value.magnitude() <= CENT { LikelyCause::Rounding } else { cause };
                let named = format!("{} {}", account.code, account.name);
                let of = Subject::Account(account.code.clone());
                differences.push(Difference { of, named, quantity: Quantity::ZERO, value, cause });
            }
            let Account { code, name, balance, .. } = account;
            proven.push(AccountProof { code, name, balance, items: pool });
        }
        differences.sort_by_key(|difference| {
            (std::cmp::Reverse(difference.value.magnitude()), difference.of.clone())
        });
        let more = differences.len().saturating_sub(DIFFERENCES_MAX);
        differences.truncate(DIFFERENCES_MAX);
        Ok(Self {
            day,
            at,
            items: u32::try_from(items.len()).unwrap_or(u32::MAX),
            xero,
            ours,
            accounts: proven,
            without_accounts,
            differences,
            more: u32::try_from(more).unwrap_or(u32::MAX),
        })
    }

    /// How many differences there are, those that are not kept included.
    pub fn count(&self) -> usize {
        self.differences.len().saturating_add(usize::try_from(self.more).unwrap_or(usize::MAX))
    }

    /// Whether something differs by more than rounding.
    pub fn differs(&self) -> bool {
        self.more > 0 || self.differences.iter().any(|difference| difference.cause != LikelyCause::Rounding)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use uuid::Uuid;

    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    fn balance(quantity: &str, value: &str) -> Balance {
        Balance { quantity: quantity.parse().unwrap(), value: money(value) }
    }

    /// An item with what Xero and the ledger hold.
    fn item(number: u128, xero: (&str, &str), ours: (&str, &str)) -> TrackedItem {
        TrackedItem {
            item: ItemId(Uuid::from_u128(number)),
            named: format!("T{number}"),
            account: "630".to_owned(),
            xero: XeroQuantity {
                on_hand: xero.0.parse().unwrap(),
                back_ordered: Quantity::ZERO,
                cost_pool: money(xero.1),
            },
            ours: balance(ours.0, ours.1),
            ahead: Money::ZERO,
            waits: false,
        }
    }

    fn account(code: &str, kind: &str, balance: &str) -> Account {
        Account {
            code: code.to_owned(),
            name: "Stock".to_owned(),
            kind: kind.to_owned(),
            balance: money(balance),
        }
    }

    fn prove(items: &[TrackedItem], accounts: Result<Vec<Account>, String>) -> Proof {
        Proof::of(date(2026, 6, 3), Timestamp::UNIX_EPOCH, items, accounts).unwrap()
    }

    fn told(proof: &Proof) -> Vec<(&str, String, String, &str)> {
        let all = proof.differences.iter();
        all.map(|it| (it.named.as_str(), it.quantity.to_string(), it.value.to_string(), it.cause.code()))
            .collect()
    }

    fn line(
        named: &'static str,
        quantity: &str,
        value: &str,
        cause: &'static str,
    ) -> (&'static str, String, String, &'static str) {
        (named, quantity.to_owned(), value.to_owned(), cause)
    }

    #[test]
    fn each_difference_of_an_item_has_its_likely_cause() {
        let items = [
            item(1, ("10", "100"), ("10", "100")),
            item(2, ("12", "120"), ("10", "100")),
            item(3, ("10", "110"), ("10", "100")),
            item(4, ("10", "95"), ("10", "100")),
            TrackedItem { waits: true, ..item(5, ("9", "99"), ("10", "100")) },
            item(6, ("10", "33.33"), ("10", "33.3333")),
            item(7, ("10", "33.34"), ("10", "33.3333")),
        ];
        let proof =
            prove(&items, Ok(vec![account("630", "INVENTORY", "590.67"), account("200", "SALES", "-7")]));
        assert_eq!(
            told(&proof),
            [
                line("T2", "2", "20.00", "adjusted_in_xero"),
                line("T3", "0", "10.00", "valued_otherwise"),
                line("T4", "0", "-5.00", "valued_otherwise"),
                line("T5", "-1", "-1.00", "not_booked"),
                line("2 items", "0", "0.0034", "rounding"),
            ]
        );
        assert_eq!((proof.xero, proof.ours), (balance("71", "590.67"), balance("70", "566.6666")));
        assert_eq!(proof.accounts.len(), 1, "{:?}", proof.accounts);
        assert!(proof.differs());
        assert!(!prove(&items[5..], Ok(Vec::new())).differs());
    }

    #[test]
    fn an_account_lacks_what_is_dated_ahead_and_whatever_else_stands_on_it_is_named() {
        let sold_ahead = TrackedItem { ahead: money("-30"), ..item(1, ("7", "70"), ("7", "70")) };
        let stock = |balance| Ok(vec![account("630", "INVENTORY", balance)]);
        let differences = |balance| {
            let proof = prove(std::slice::from_ref(&sold_ahead), stock(balance));
            let shown = |it: &Difference| (it.value.to_string(), it.cause.code());
            proof.differences.iter().map(shown).collect::<Vec<_>>()
        };
        assert_eq!(differences("100"), [("30.00".to_owned(), "dated_ahead")]);
        let both = [("30.00".to_owned(), "dated_ahead"), ("12.00".to_owned(), "unexplained")];
        assert_eq!(differences("112"), both);
        // it is no excuse for what it does not explain
        assert_eq!(differences("70"), []);
        assert_eq!(differences("60"), [("-10.00".to_owned(), "unexplained")]);
    }

    #[test]
    fn without_the_right_to_read_accounts_the_items_are_proven_all_the_same() {
        let proof = prove(&[item(1, ("1", "5"), ("1", "9"))], Err("the scope is missing".to_owned()));
        assert_eq!(told(&proof), [line("T1", "0", "-4.00", "valued_otherwise")]);
        assert_eq!(proof.without_accounts.as_deref(), Some("the scope is missing"));
    }

    #[test]
    fn what_is_too_much_to_keep_is_counted() {
        let items: Vec<TrackedItem> = (0..600).map(|number| item(number, ("1", "5"), ("1", "9"))).collect();
        let proof = prove(&items, Ok(Vec::new()));
        assert_eq!((proof.differences.len(), proof.more), (DIFFERENCES_MAX, 100));
    }
}

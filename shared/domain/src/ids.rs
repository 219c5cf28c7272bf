//! One type per kind of id, so that an item's id can't be passed for an org's.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

uuid_ids! {
    /// An organisation, by Xero's `OrganisationID`.
    OrgId
    /// An item, by Xero's `ItemID`: it survives a change of code or name.
    ItemId
    /// A customer or supplier, by Xero's `ContactID`.
    ContactId
    /// A Xero document of any kind, by its Xero id.
    DocumentId
    /// A line of a document, by Xero's `LineItemID`.
    LineId
    /// One of our atomic writes.
    CommitId
    /// One of our proposals; its purchase order's number derives from it.
    ProposalId
    /// Something that leaves for the outside; fixed before the first try.
    EffectId
}

impl ProposalId {
    /// Characters of the proposal's id that go into its order number: 13 base32 digits carry 65 bits.
    const NUMBER_DIGITS: usize = 13;

    /// The purchase order's number, fixed before the first try, so that an order whose creation got no
    /// answer can be found again: the prefix and the leading base32 digits of the id.
    pub fn order_number(self, prefix: &str) -> String {
        let digits = data_encoding::BASE32_NOPAD.encode(self.0.as_bytes());
        format!("{prefix}{}", digits.get(..Self::NUMBER_DIGITS).unwrap_or(&digits))
    }
}

/// A derived id: the same cause gives the same id, on every replay.
///
/// `parts` are joined with a character that none of them contains.
pub fn derived(kind: &str, parts: &[&str]) -> Uuid {
    /// The namespace of every id that parstock derives.
    const NAMESPACE: Uuid = Uuid::from_u128(0x6f2d_4f0e_6a0b_4c3e_9b1d_70a2_57c4_11aa);
    let mut name = kind.to_owned();
    for part in parts {
        name.push('\u{1f}');
        name.push_str(part);
    }
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// A number that people can say: the day on which something was decided, and which of that day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayNumber {
    /// The day.
    pub on: Date,
    /// Counts those of the day, from 1 to [`Self::INDEX_MAX`].
    pub index: u32,
}

impl DayNumber {
    /// So many of a day have numbers whose order as text is their order.
    pub const INDEX_MAX: u32 = 999;

    /// The number that follows the last one of a day, which is 0 where the day has none.
    ///
    /// # Errors
    /// [`DayIsFull`].
    pub const fn after(on: Date, last: u32) -> Result<Self, DayIsFull> {
        if last >= Self::INDEX_MAX { Err(DayIsFull) } else { Ok(Self { on, index: last.saturating_add(1) }) }
    }
}

/// A day has no more numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no more than {} of a kind are made on a day: go on tomorrow", DayNumber::INDEX_MAX)]
pub struct DayIsFull;

impl fmt::Display for DayNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:03}", self.on, self.index)
    }
}

/// A text that is no such number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a number of the form 2026-06-30-001")]
pub struct NotADayNumber;

impl FromStr for DayNumber {
    type Err = NotADayNumber;
    fn from_str(text: &str) -> Result<Self, NotADayNumber> {
        let (on, index) = text.rsplit_once('-').ok_or(NotADayNumber)?;
        let on = on.parse().map_err(|_| NotADayNumber)?;
        Ok(Self { on, index: index.parse().map_err(|_| NotADayNumber)? })
    }
}

impl Serialize for DayNumber {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DayNumber {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A place of the org where stock lies. Until an org has several, everything lies in [`LocationId::main`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LocationId(pub String);

impl LocationId {
    /// The location of documents that name none.
    pub fn main() -> Self {
        Self("main".to_owned())
    }
}

impl fmt::Display for LocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_ids_depend_on_every_part_and_on_its_place() {
        let base = derived("effect", &["a", "b"]);
        assert_eq!(base, derived("effect", &["a", "b"]));
        assert_ne!(base, derived("effect", &["b", "a"]));
        assert_ne!(base, derived("effect", &["ab", ""]));
        assert_ne!(base, derived("proposal", &["a", "b"]));
    }

    #[test]
    fn an_order_number_is_short_and_fixed() {
        let id = ProposalId(Uuid::from_u128(7));
        assert_eq!(id.order_number("PS-"), "PS-AAAAAAAAAAAAA");
        assert_ne!(ProposalId(derived("proposal", &["x"])).order_number("PS-"), id.order_number("PS-"));
    }
}

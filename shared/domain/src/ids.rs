//! One type per kind of id, so that an item's id can't be passed for an org's.

use std::fmt;

use serde::{Deserialize, Serialize};
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

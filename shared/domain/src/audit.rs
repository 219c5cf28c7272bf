//! The audit trail: entries chained by hash, so that a changed, dropped, added or swapped entry shows.
//!
//! The hash is taken over the very bytes that are stored:
//! `SHA-256("parstock-audit-v1" ‖ org (16 bytes) ‖ seq (8 bytes, big endian) ‖ previous hash (32) ‖ payload)`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::cogs::CogsNews;
use crate::event::Event;
use crate::ids::{CommitId, OrgId};

/// The prefix of every hash; a later format takes another.
const DOMAIN: &[u8] = b"parstock-audit-v1";

/// A SHA-256, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl std::str::FromStr for Hash {
    type Err = NotAHash;
    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).map_err(|_| NotAHash)?;
        bytes.try_into().map(Self).map_err(|_| NotAHash)
    }
}

/// A text that is not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a hash: 64 hexadecimal digits are needed")]
pub struct NotAHash;

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The end of an org's chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the latest entry; 0 before the first.
    pub seq: u64,
    /// Its hash; zeros before the first.
    pub hash: Hash,
}

/// What an entry says. It is serialised once; the bytes are what counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// When.
    pub at: Timestamp,
    /// Who: `parstock`, or the signed-in person's name for decisions of people.
    pub who: String,
    /// What was done, a short verb phrase such as `book document`.
    pub what: String,
    /// In which commit.
    pub commit: CommitId,
    /// The event that caused it, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// Hash of the rows that the commit wrote.
    pub rows: Hash,
    /// What it tells of cost of goods sold.
    #[serde(default, skip_serializing_if = "CogsNews::is_empty")]
    pub cogs: CogsNews,
    /// Ids and figures that make it checkable (Xero ids, quantities, reasons).
    pub details: std::collections::BTreeMap<String, String>,
}

/// One entry of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// Hash of the entry before it.
    pub previous: Hash,
    /// The bytes of the [`Statement`], JSON.
    pub payload: String,
    /// Its own hash.
    pub hash: Hash,
}

fn hash(org: OrgId, seq: u64, previous: Hash, payload: &str) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(org.0.as_bytes());
    hasher.update(seq.to_be_bytes());
    hasher.update(previous.0);
    hasher.update(payload.as_bytes());
    Hash(hasher.finalize().into())
}

impl Head {
    /// The entry that follows, with the chain's new end.
    pub fn append(self, org: OrgId, payload: String) -> (Entry, Self) {
        let seq = self.seq.saturating_add(1);
        let hash = hash(org, seq, self.hash, &payload);
        (Entry { seq, previous: self.hash, payload, hash }, Self { seq, hash })
    }
}

/// Where a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the audit trail is broken at entry {seq}: {what}")]
pub struct Broken {
    /// The first entry that doesn't fit.
    pub seq: u64,
    /// What is wrong with it.
    pub what: &'static str,
}

/// Checks that `entries` continue `from`, each following the other, and returns the end reached.
///
/// # Errors
/// [`Broken`] at the first entry that was changed, dropped, added or swapped.
pub fn verify<'a>(
    org: OrgId,
    from: Head,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<Head, Broken> {
    let mut head = from;
    for entry in entries {
        let seq = head.seq.saturating_add(1);
        if entry.seq != seq {
            return Err(Broken { seq, what: "an entry is missing or out of order" });
        }
        if entry.previous != head.hash {
            return Err(Broken { seq, what: "it does not follow the entry before it" });
        }
        if entry.hash != hash(org, seq, head.hash, &entry.payload) {
            return Err(Broken { seq, what: "its content was changed" });
        }
        head = Head { seq, hash: entry.hash };
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chain(org: OrgId, payloads: &[String]) -> Vec<Entry> {
        let mut head = Head::default();
        payloads
            .iter()
            .map(|payload| {
                let (entry, next) = head.append(org, payload.clone());
                head = next;
                entry
            })
            .collect()
    }

    proptest! {
        #[test]
        fn every_tampering_is_found_where_it_is(
            payloads in prop::collection::vec("[a-z]{0,12}", 2..12),
            at in any::<prop::sample::Index>(),
            way in 0..5u8,
        ) {
            let org = OrgId(uuid::Uuid::from_u128(1));
            let mut entries = chain(org, &payloads);
            let last = entries.len() - 1;
            prop_assert_eq!(verify(org, Head::default(), &entries).unwrap().seq, entries.len() as u64);
            let mut index = at.index(entries.len());
            match way {
                0 => entries[index].payload.push('x'),
                1 => { index = at.index(last); entries.remove(index); }
                2 => { let copy = entries[index].clone(); entries.insert(index, copy); index += 1; }
                3 => { index = at.index(last); entries.swap(index, index + 1); }
                _ => entries[index].hash.0[0] ^= 1,
            }
            prop_assert_eq!(verify(org, Head::default(), &entries).unwrap_err().seq, index as u64 + 1);
        }
    }

    #[test]
    fn an_entry_of_another_org_does_not_fit() {
        let entries = chain(OrgId(uuid::Uuid::from_u128(1)), &["a".into()]);
        assert!(verify(OrgId(uuid::Uuid::from_u128(2)), Head::default(), &entries).is_err());
    }
}

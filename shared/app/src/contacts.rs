//! The org's contacts as they stand now: which of them stands for one that was merged, and what it is called.

use std::collections::{BTreeMap, BTreeSet};

use parstock_domain::ids::{ContactId, OrgId};

use crate::error::AppError;
use crate::load;
use crate::ports::Ports;
use crate::records::{ContactRecord, Key, List, Owner};

/// Keys of one read.
const KEYS_PER_READ: usize = 500;

/// Contacts of an org, with those into which they were merged.
#[derive(Clone, Debug, Default)]
pub struct Contacts(BTreeMap<ContactId, ContactRecord>);

impl Contacts {
    /// All of an org.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn all<P: Ports>(ports: &P, org: OrgId) -> Result<Self, AppError> {
        let rows = load::all::<ContactRecord>(ports.store(), org, &List::Contacts).await?;
        let known = rows.into_iter().filter_map(|(key, row)| match key {
            Key::Contact(id) => Some((id, row.content)),
            _ => None,
        });
        Ok(Self(known.collect()))
    }

    /// These, and whatever they were merged into.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn of<P: Ports>(ports: &P, org: OrgId, ids: BTreeSet<ContactId>) -> Result<Self, AppError> {
        let (mut known, mut asked, mut wanted) = (BTreeMap::new(), BTreeSet::new(), ids);
        while !wanted.is_empty() {
            let ids: Vec<ContactId> = std::mem::take(&mut wanted).into_iter().collect();
            asked.extend(ids.iter().copied());
            for ids in ids.chunks(KEYS_PER_READ) {
                let keys: Vec<Key> = ids.iter().map(|id| Key::Contact(*id)).collect();
                let rows = load::many::<ContactRecord>(ports.store(), Owner::Org(org), &keys).await?;
                for (id, row) in ids.iter().zip(rows) {
                    let Some(row) = row else { continue };
                    wanted.extend(row.content.merged_into.filter(|into| !asked.contains(into)));
                    known.insert(*id, row.content);
                }
            }
        }
        Ok(Self(known))
    }

    /// Each, by its id.
    pub fn iter(&self) -> impl Iterator<Item = (ContactId, &ContactRecord)> {
        self.0.iter().map(|(id, contact)| (*id, contact))
    }

    /// The contact that stands for this one now: itself, or the one into which it was merged in the end. Contacts
    /// that are merged in a circle stand for themselves.
    pub fn present(&self, id: ContactId) -> ContactId {
        let (mut now, mut seen) = (id, BTreeSet::from([id]));
        while let Some(into) = self.0.get(&now).and_then(|contact| contact.merged_into) {
            if !seen.insert(into) {
                return id;
            }
            now = into;
        }
        now
    }

    /// The present name of the contact that stands for this one, if it is known.
    pub fn name(&self, id: ContactId) -> Option<&str> {
        let known = self.0.get(&self.present(id)).or_else(|| self.0.get(&id));
        known.map(|contact| contact.name.as_str())
    }

    /// The contact of a name. Of several, one that can be ordered from counts.
    pub fn named(&self, name: &str) -> Option<ContactId> {
        let of_name = self.0.iter().filter(|(_, contact)| contact.name == name);
        let first = of_name.min_by_key(|(_, contact)| contact.archived);
        first.map(|(id, _)| self.present(*id))
    }

    /// Why nothing can be ordered from a contact, and what to do.
    pub fn why_not(&self, id: ContactId) -> Option<String> {
        let contact = self.0.get(&id)?;
        let present = self.present(id);
        if present != id {
            return Some(format!(
                "{} was merged into {} in Xero, so nothing can be ordered from it any more: reject this order, and \
                 planning proposes it to {1}",
                contact.name,
                self.name(present).unwrap_or("another contact"),
            ));
        }
        contact.archived.then(|| {
            format!(
                "{} is archived in Xero, so nothing can be ordered from it: restore it there, or set another supplier \
                 for these items",
                contact.name
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> ContactId {
        ContactId(Uuid::from_u128(number))
    }

    fn contacts(merged: &[(u128, Option<u128>)]) -> Contacts {
        let record = |number: u128, into: Option<u128>| ContactRecord {
            name: format!("Contact {number}"),
            archived: into.is_some(),
            merged_into: into.map(id),
        };
        Contacts(merged.iter().map(|(number, into)| (id(*number), record(*number, *into))).collect())
    }

    #[test]
    fn merges_are_followed_to_their_end_and_a_circle_is_none() {
        let known =
            contacts(&[(1, Some(2)), (2, Some(3)), (3, None), (4, Some(5)), (5, Some(4)), (6, Some(7))]);
        for (of, stands) in [(1, 3), (2, 3), (3, 3), (4, 4), (5, 5), (6, 7), (8, 8)] {
            assert_eq!(known.present(id(of)), id(stands), "{of}");
        }
        assert_eq!(known.name(id(1)), Some("Contact 3"));
        assert_eq!(known.name(id(6)), Some("Contact 6"), "nobody knows the one it went into");
        assert_eq!(known.named("Contact 1"), Some(id(3)));
        assert!(known.why_not(id(1)).unwrap().contains("merged into Contact 3"));
        assert!(known.why_not(id(4)).unwrap().contains("archived"));
        assert_eq!(known.why_not(id(3)), None);
    }

    #[test]
    fn of_one_name_the_contact_that_is_in_use_counts() {
        let mut known = contacts(&[(1, None), (2, None)]);
        for contact in known.0.values_mut() {
            contact.name = "Mill".to_owned();
        }
        known.0.get_mut(&id(1)).unwrap().archived = true;
        assert_eq!(known.named("Mill"), Some(id(2)));
    }
}

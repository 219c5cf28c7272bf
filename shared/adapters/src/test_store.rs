//! For tests: rows with versions in memory, for what is tested beside the store itself.

use std::collections::BTreeMap;
use std::sync::Mutex;

use parstock_app::ports::{Commit, CommitError, Expect, Page, Row, Store, StoreError, Write};
use parstock_app::records::{Key, List, Owner};

/// Rows in memory.
#[derive(Debug, Default)]
pub(crate) struct RowStore {
    rows: Mutex<BTreeMap<(Owner, Key), Row>>,
    conflicts: Mutex<u32>,
}

impl RowStore {
    /// How often a condition failed.
    pub(crate) fn conflicts(&self) -> u32 {
        *self.conflicts.lock().unwrap()
    }
}

impl Store for RowStore {
    async fn get(&self, owner: Owner, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        // A real store takes its time, so others come in between.
        tokio::task::yield_now().await;
        let rows = self.rows.lock().unwrap();
        Ok(keys.iter().map(|key| rows.get(&(owner, key.clone())).cloned()).collect())
    }

    async fn list(
        &self,
        owner: Owner,
        list: &List,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let rows = self.rows.lock().unwrap();
        let found = rows.iter().filter(|((of, key), _)| {
            *of == owner && list.holds(key) && after.is_none_or(|after| key > after)
        });
        Ok(Page {
            rows: found.map(|(_, row)| row.clone()).take(limit.try_into().unwrap()).collect(),
            next: None,
        })
    }

    async fn commit(&self, owner: Owner, commit: Commit) -> Result<(), CommitError> {
        tokio::task::yield_now().await;
        let mut rows = self.rows.lock().unwrap();
        let held = |key: &Key| rows.get(&(owner, key.clone())).map(|row| row.version);
        let failed = |write: &&Write| match write.expect {
            Expect::Absent => held(&write.key).is_some(),
            Expect::Version(version) => held(&write.key) != Some(version),
            Expect::Anything => false,
        };
        let keys: Vec<Key> = commit.writes.iter().filter(failed).map(|write| write.key.clone()).collect();
        if !keys.is_empty() {
            *self.conflicts.lock().unwrap() += 1;
            return Err(CommitError::Conflict { keys });
        }
        for Write { key, record, .. } in commit.writes {
            let version = rows.get(&(owner, key.clone())).map_or(1, |row| row.version + 1);
            match record {
                Some(record) => drop(rows.insert((owner, key.clone()), Row { key, record, version })),
                None => drop(rows.remove(&(owner, key))),
            }
        }
        Ok(())
    }

    async fn write_each(&self, owner: Owner, writes: Vec<Write>) -> Result<(), CommitError> {
        self.commit(owner, Commit { id: parstock_domain::ids::CommitId(uuid::Uuid::nil()), writes }).await
    }
}

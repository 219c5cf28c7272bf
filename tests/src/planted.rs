//! Bugs planted around the fakes, to see that the simulation finds them.

use parstock_app::ports::{Commit, CommitError, Expect, Page, Row, Store, StoreError, Write};
use parstock_app::records::{Key, List, Owner};

use crate::store::FakeStore;

/// A store that forgets every condition: the last writer wins, and what the other wrote is lost.
#[derive(Clone)]
pub struct LastWriterWins(pub FakeStore);

impl Store for LastWriterWins {
    async fn get(&self, owner: Owner, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        self.0.get(owner, keys).await
    }

    async fn list(
        &self,
        owner: Owner,
        list: &List,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        self.0.list(owner, list, after, limit).await
    }

    async fn commit(&self, owner: Owner, mut commit: Commit) -> Result<(), CommitError> {
        for write in &mut commit.writes {
            write.expect = Expect::Anything;
        }
        self.0.commit(owner, commit).await
    }

    async fn write_each(&self, owner: Owner, writes: Vec<Write>) -> Result<(), CommitError> {
        self.0.write_each(owner, writes).await
    }
}

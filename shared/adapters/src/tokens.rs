//! The access token of a connection, shared by every process: the token in the vault, its version and lease in the
//! store.
//!
//! A new token is first put into the vault, then the connection's row moves to its version, then it is used. The
//! vault may so be ahead of the row (after a crash between the two), never behind what was used.

use std::sync::Arc;

use jiff::Timestamp;
use parstock_app::ports::{Commit, CommitError, Entropy, Expect, Store, Write};
use parstock_app::records::{Connection, Content, Key, Owner, Record};
use parstock_domain::ids::CommitId;
use parstock_xero::{StoreError, StoredToken, TokenStore};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::vault::{Freshness, Vault, names};

/// How often a commit without an answer is sent again; the store knows a repeat by its id.
const SENDS_MAX: u32 = 3;

/// Why a token could not be read or kept. No text holds any of it.
#[derive(Debug, Error)]
enum TokenError {
    #[error("the row of connection {0} can't be read")]
    Row(String),
    #[error("the stored token of connection {0} can't be read")]
    Secret(String),
}

/// A token as the vault keeps it.
#[derive(Deserialize, Serialize)]
struct KeptToken {
    access_token: String,
    expires_at: Timestamp,
    version: u64,
}

/// The token of one connection.
#[derive(Debug)]
pub struct StoreTokens<S, V, E> {
    store: Arc<S>,
    vault: Arc<V>,
    entropy: Arc<E>,
    connection: String,
    /// By which this process knows its own lease.
    holder: Uuid,
}

/// The row with its version.
struct ConnectionRow {
    content: Connection,
    token_version: u64,
    expect: Expect,
}

impl<S: Store, V: Vault, E: Entropy> StoreTokens<S, V, E> {
    /// The token of `connection`.
    pub fn new(store: Arc<S>, vault: Arc<V>, entropy: Arc<E>, connection: String) -> Self {
        let holder = entropy.uuid();
        Self { store, vault, entropy, connection, holder }
    }

    fn key(&self) -> Key {
        Key::Connection(self.connection.clone())
    }

    async fn row(&self) -> Result<Option<ConnectionRow>, StoreError> {
        let row = self.store.get(Owner::Stack, &[self.key()]).await?.into_iter().next().flatten();
        let Some(row) = row else { return Ok(None) };
        let wrong = || TokenError::Row(self.connection.clone());
        let Record::Connection(content) = row.record else { return Err(wrong().into()) };
        let token_version = content.secret_version.parse().map_err(|_| wrong())?;
        Ok(Some(ConnectionRow { content, token_version, expect: Expect::Version(row.version) }))
    }

    async fn secret(&self, freshness: Freshness) -> Result<Option<StoredToken>, StoreError> {
        let secret = self.vault.get(&names::token(&self.connection), freshness).await?;
        let Some(secret) = secret else { return Ok(None) };
        // The error of the parser could repeat a piece of the token.
        let kept: KeptToken = serde_json::from_str(secret.expose_secret())
            .map_err(|_| TokenError::Secret(self.connection.clone()))?;
        Ok(Some(StoredToken {
            access: kept.access_token.into(),
            expires_at: kept.expires_at,
            version: kept.version,
        }))
    }

    /// `false` if somebody else wrote first.
    async fn write(&self, content: Connection, expect: Expect) -> Result<bool, StoreError> {
        let write = Write { key: self.key(), record: Some(content.into_record()), expect };
        let commit = Commit { id: CommitId(self.entropy.uuid()), writes: vec![write] };
        let mut sends = 0;
        loop {
            sends += 1;
            match self.store.commit(Owner::Stack, commit.clone()).await {
                Ok(()) => return Ok(true),
                Err(CommitError::Conflict { .. }) => return Ok(false),
                Err(CommitError::Unknown(_)) if sends < SENDS_MAX => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn holds(&self, row: &ConnectionRow) -> bool {
        row.content.lease.is_some_and(|(holder, _)| holder == self.holder)
    }
}

impl<S: Store, V: Vault, E: Entropy> TokenStore for StoreTokens<S, V, E> {
    async fn load(&self) -> Result<Option<StoredToken>, StoreError> {
        let Some(row) = self.row().await? else { return Ok(None) };
        if row.token_version == 0 {
            return Ok(None);
        }
        for freshness in [Freshness::Recent, Freshness::Now] {
            if let Some(token) =
                self.secret(freshness).await?.filter(|token| token.version >= row.token_version)
            {
                return Ok(Some(token));
            }
        }
        // The vault lost it, so the next token follows the version that the row knows.
        Ok(Some(StoredToken {
            access: SecretString::default(),
            expires_at: Timestamp::MIN,
            version: row.token_version,
        }))
    }

    async fn try_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
        seen_version: u64,
    ) -> Result<bool, StoreError> {
        let lease = Some((self.holder, until));
        match self.row().await? {
            None if seen_version == 0 => {
                let first =
                    Connection { secret_version: "0".to_owned(), expires_at: now, lease, broken: None };
                self.write(first, Expect::Absent).await
            }
            None => Ok(false),
            Some(row) => {
                let leased = row.content.lease.is_some_and(|(_, until)| until > now);
                if row.token_version > seen_version || leased {
                    return Ok(false);
                }
                self.write(Connection { lease, ..row.content }, row.expect).await
            }
        }
    }

    async fn publish(&self, token: &StoredToken) -> Result<bool, StoreError> {
        let Some(row) = self.row().await? else { return Ok(false) };
        if row.token_version >= token.version || !self.holds(&row) {
            return Ok(false);
        }
        let kept = KeptToken {
            access_token: token.access.expose_secret().to_owned(),
            expires_at: token.expires_at,
            version: token.version,
        };
        let secret = SecretString::from(serde_json::to_string(&kept)?);
        self.vault.put(&names::token(&self.connection), secret).await?;
        let moved = Connection {
            secret_version: token.version.to_string(),
            expires_at: token.expires_at,
            lease: None,
            broken: None,
        };
        self.write(moved, row.expect).await
    }

    async fn release(&self, _: u64) -> Result<(), StoreError> {
        match self.row().await? {
            Some(row) if self.holds(&row) => {
                self.write(Connection { lease: None, ..row.content }, row.expect).await.map(drop)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::clock::RandomIds;
    use crate::test_store::RowStore;
    use crate::vault::EncryptedFileVault;

    const CANARY: &str = "canary-token-51";

    struct Ground {
        _folder: tempfile::TempDir,
        store: Arc<RowStore>,
        vault: Arc<EncryptedFileVault>,
    }

    impl Ground {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let vault = Arc::new(EncryptedFileVault::open(folder.path()).unwrap());
            Self { _folder: folder, store: Arc::default(), vault }
        }

        fn process(&self) -> StoreTokens<RowStore, EncryptedFileVault, RandomIds> {
            let (store, vault) = (Arc::clone(&self.store), Arc::clone(&self.vault));
            StoreTokens::new(store, vault, Arc::new(RandomIds), "main".to_owned())
        }
    }

    fn now() -> Timestamp {
        "2026-11-22T08:00:00Z".parse().unwrap()
    }

    fn token(version: u64) -> StoredToken {
        StoredToken { access: CANARY.into(), expires_at: now() + 30.minutes(), version }
    }

    #[tokio::test]
    async fn one_process_fetches_and_all_use_its_token() {
        let ground = Ground::new();
        let (one, two) = (ground.process(), ground.process());
        assert!(one.load().await.unwrap().is_none());
        assert!(one.try_lease(now(), now() + 45.seconds(), 0).await.unwrap());
        assert!(!two.try_lease(now(), now() + 45.seconds(), 0).await.unwrap(), "one holds the lease");
        assert!(one.publish(&token(1)).await.unwrap());
        let seen = two.load().await.unwrap().unwrap();
        assert_eq!((seen.access.expose_secret(), seen.version), (CANARY, 1));
        assert!(!two.try_lease(now(), now() + 45.seconds(), 0).await.unwrap(), "version 1 is there by now");
        assert!(two.try_lease(now(), now() + 45.seconds(), 1).await.unwrap());
    }

    #[tokio::test]
    async fn a_lease_that_ran_out_passes_on_and_its_first_holder_comes_too_late() {
        let ground = Ground::new();
        let (slow, fast) = (ground.process(), ground.process());
        assert!(slow.try_lease(now(), now() + 45.seconds(), 0).await.unwrap());
        let later = now() + 46.seconds();
        assert!(fast.try_lease(later, later + 45.seconds(), 0).await.unwrap());
        assert!(!slow.publish(&token(1)).await.unwrap());
        slow.release(0).await.unwrap();
        assert!(!slow.try_lease(later, later + 45.seconds(), 0).await.unwrap(), "fast still holds it");
        assert!(fast.publish(&token(1)).await.unwrap());
    }

    #[tokio::test]
    async fn a_released_lease_is_free_at_once() {
        let ground = Ground::new();
        let (one, two) = (ground.process(), ground.process());
        assert!(one.try_lease(now(), now() + 45.seconds(), 0).await.unwrap());
        one.release(0).await.unwrap();
        assert!(two.try_lease(now(), now() + 45.seconds(), 0).await.unwrap());
    }

    #[tokio::test]
    async fn a_crash_between_vault_and_row_loses_no_version() {
        let ground = Ground::new();
        let one = ground.process();
        assert!(one.try_lease(now(), now() + 45.seconds(), 0).await.unwrap());
        assert!(one.publish(&token(1)).await.unwrap());
        // The next process puts version 2 into the vault and dies before the row moves.
        let kept = KeptToken { access_token: "second".into(), expires_at: now() + 60.minutes(), version: 2 };
        let secret = serde_json::to_string(&kept).unwrap();
        ground.vault.put(&names::token("main"), secret.into()).await.unwrap();
        let seen = one.load().await.unwrap().unwrap();
        assert_eq!((seen.access.expose_secret(), seen.version), ("second", 2));
        assert!(one.try_lease(now(), now() + 45.seconds(), 2).await.unwrap());
        assert!(one.publish(&token(3)).await.unwrap());
        assert_eq!(ground.process().load().await.unwrap().unwrap().version, 3);
    }

    #[tokio::test]
    async fn a_vault_that_lost_the_token_leads_to_the_next_version() {
        let ground = Ground::new();
        let one = ground.process();
        assert!(one.try_lease(now(), now() + 45.seconds(), 0).await.unwrap());
        assert!(one.publish(&token(1)).await.unwrap());
        ground.vault.put(&names::token("main"), "{\"access_token\":\"canary".into()).await.unwrap();
        let error = one.load().await.unwrap_err().to_string();
        assert!(error.contains("main") && !error.contains("canary"), "{error}");
        let old = r#"{"access_token":"old","expires_at":"2026-11-22T09:00:00Z","version":0}"#;
        ground.vault.put(&names::token("main"), old.into()).await.unwrap();
        let seen = one.load().await.unwrap().unwrap();
        assert_eq!(seen.version, 1);
        assert!(seen.expires_at < now(), "nobody may use it");
    }

    #[tokio::test]
    async fn neither_row_nor_debug_output_shows_the_token() {
        let ground = Ground::new();
        let one = ground.process();
        assert!(one.try_lease(now(), now() + 45.seconds(), 0).await.unwrap());
        assert!(one.publish(&token(1)).await.unwrap());
        let shown = format!("{:?} {:?} {:?}", ground.store, one, one.load().await.unwrap());
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

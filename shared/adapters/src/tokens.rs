//! The tokens of a connection, shared by every process: the tokens in the vault, their version and lease in the store.
//!
//! New tokens are first put into the vault as a version of their own, then the connection's row moves to that version, then
//! they are used. The vault may so be ahead of the row (after a crash between the two), never behind what was used; and
//! who comes with a put after its lease ran out takes nothing from who had the lease after it.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use parstock_app::ports::{Commit, CommitError, Entropy, Expect, Store, Write};
use parstock_app::records::{Connection, Content, Key, Owner, Record};
use parstock_domain::ids::CommitId;
use parstock_xero::{Renewal, StoreError, StoredToken, TOKEN_LEASE, TokenStore};
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
    #[error("the row of token set {0} can't be read")]
    Row(String),
    #[error("the stored tokens of token set {0} can't be read")]
    Secret(String),
}

/// A token as the vault keeps it.
#[derive(Deserialize, Serialize)]
struct KeptToken {
    access_token: String,
    expires_at: Timestamp,
    version: u64,
    /// The version of the secret that it is.
    #[serde(default)]
    id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    /// A consent's; a custom connection has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl KeptToken {
    fn new(token: &StoredToken, id: Uuid) -> Self {
        Self {
            access_token: token.access.expose_secret().to_owned(),
            expires_at: token.expires_at,
            version: token.version,
            id: Some(id),
            issued_at: token.issued_at,
            scopes: token.scopes.clone(),
            refresh_token: token.renewal.as_ref().map(|renewal| renewal.refresh.expose_secret().to_owned()),
        }
    }
}

impl From<KeptToken> for StoredToken {
    fn from(kept: KeptToken) -> Self {
        let renewal = |refresh: String| Renewal { refresh: refresh.into(), fallback: None, ended: false };
        Self {
            access: kept.access_token.into(),
            expires_at: kept.expires_at,
            version: kept.version,
            issued_at: kept.issued_at,
            scopes: kept.scopes,
            renewal: kept.refresh_token.map(renewal),
        }
    }
}

/// The tokens of one token set.
#[derive(Debug)]
pub struct StoreTokens<S, V, E> {
    store: Arc<S>,
    vault: Arc<V>,
    entropy: Arc<E>,
    token_set: String,
    /// By which this process knows its own lease.
    holder: Uuid,
    /// The version that was loaded last, and what the row named then.
    loaded: Mutex<Option<(u64, String)>>,
}

/// The row with its version.
struct ConnectionRow {
    content: Connection,
    token_version: u64,
    /// Which version of the secret is in force.
    secret: Option<Uuid>,
    expect: Expect,
}

/// As the row names a version of the token and, if one is in force, of its secret: `7/3f2a…`.
fn named(version: u64, secret: Option<Uuid>) -> String {
    secret.map_or_else(|| version.to_string(), |secret| format!("{version}/{secret}"))
}

impl<S: Store, V: Vault, E: Entropy> StoreTokens<S, V, E> {
    /// The tokens of `token_set`.
    pub fn new(store: Arc<S>, vault: Arc<V>, entropy: Arc<E>, token_set: String) -> Self {
        let holder = entropy.uuid();
        Self { store, vault, entropy, token_set, holder, loaded: Mutex::default() }
    }

    /// Puts the tokens of a new consent in the place of whatever there is. `false` while another process fetches one.
    ///
    /// # Errors
    /// Those of store and vault.
    pub async fn adopt(&self, token: StoredToken, now: Timestamp) -> Result<bool, StoreError> {
        let seen = self.load().await?.map_or(0, |token| token.version);
        let until = now.saturating_add(TOKEN_LEASE).unwrap_or(Timestamp::MAX);
        if !self.try_lease(now, until, seen).await? {
            return Ok(false);
        }
        self.publish(&StoredToken { version: seen.saturating_add(1), ..token }).await
    }

    /// Makes sure that the present tokens are used no more: the row moves past them, so the next call fetches anew.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn drop_present(&self) -> Result<(), StoreError> {
        let Some(row) = self.row().await?.filter(|row| row.token_version > 0) else { return Ok(()) };
        let secret_version = named(row.token_version.saturating_add(1), None);
        self.write(Connection { secret_version, broken: None, ..row.content }, row.expect).await.map(drop)
    }

    fn key(&self) -> Key {
        Key::Connection(self.token_set.clone())
    }

    async fn row(&self) -> Result<Option<ConnectionRow>, StoreError> {
        let row = self.store.get(Owner::Stack, &[self.key()]).await?.into_iter().next().flatten();
        let Some(row) = row else { return Ok(None) };
        let wrong = || TokenError::Row(self.token_set.clone());
        let Record::Connection(content) = row.record else { return Err(wrong().into()) };
        let (version, secret) = match content.secret_version.split_once('/') {
            Some((version, secret)) => (version, Some(secret.parse().map_err(|_| wrong())?)),
            None => (content.secret_version.as_str(), None),
        };
        let token_version = version.parse().map_err(|_| wrong())?;
        Ok(Some(ConnectionRow { content, token_version, secret, expect: Expect::Version(row.version) }))
    }

    fn read(&self, secret: Option<SecretString>) -> Result<Option<KeptToken>, StoreError> {
        let Some(secret) = secret else { return Ok(None) };
        // The error of the parser could repeat a piece of the token.
        let kept = serde_json::from_str(secret.expose_secret());
        Ok(Some(kept.map_err(|_| TokenError::Secret(self.token_set.clone()))?))
    }

    /// What was put last.
    async fn latest(&self) -> Result<Option<KeptToken>, StoreError> {
        self.read(self.vault.get(&names::token(&self.token_set), Freshness::Now).await?)
    }

    /// What the row says is in force.
    async fn in_force(&self, row: &ConnectionRow) -> Result<Option<KeptToken>, StoreError> {
        let Some(secret) = row.secret else { return Ok(None) };
        self.read(self.vault.get_version(&names::token(&self.token_set), secret).await?)
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

    /// Remembers what the row named when `token` was loaded.
    fn note(&self, row: &ConnectionRow, token: StoredToken) -> StoredToken {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        *loaded = Some((token.version, row.content.secret_version.clone()));
        token
    }

    /// Whether the row names something else than when version `seen` was loaded. The number alone does not tell: two
    /// processes may both have had a successor of the same version, of which one came into force.
    fn has_moved(&self, row: &ConnectionRow, seen: u64) -> bool {
        let loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        loaded
            .as_ref()
            .is_some_and(|(version, named)| *version == seen && *named != row.content.secret_version)
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
        let in_force = self.in_force(&row).await?.map(StoredToken::from);
        let latest = self.latest().await?.map(StoredToken::from);
        // What was put and never came into force, because its process died before the row moved: Xero gave it, so it
        // may be the only one that Xero still takes. What was put too late has no higher version than the row.
        // It is renewed before it is used: should it be the wrong one, its fallback works for half an hour only.
        if let Some(mut ahead) = latest.filter(|token| token.version > row.token_version) {
            ahead.expires_at = Timestamp::MIN;
            if let Some(renewal) = &mut ahead.renewal {
                renewal.fallback = in_force.and_then(|token| token.renewal).map(|before| before.refresh);
            }
            return Ok(Some(self.note(&row, ahead)));
        }
        // If the vault lost it, the next token follows the version that the row knows.
        let lost = || StoredToken {
            access: SecretString::default(),
            expires_at: Timestamp::MIN,
            version: row.token_version,
            issued_at: None,
            scopes: Vec::new(),
            renewal: None,
        };
        let mut token = in_force.unwrap_or_else(lost);
        if let Some(renewal) = &mut token.renewal {
            renewal.ended = row.content.broken.is_some();
        }
        Ok(Some(self.note(&row, token)))
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
                    Connection { secret_version: named(0, None), expires_at: now, lease, broken: None };
                self.write(first, Expect::Absent).await
            }
            None => Ok(false),
            Some(row) => {
                let leased = row.content.lease.is_some_and(|(_, until)| until > now);
                if row.token_version > seen_version || leased || self.has_moved(&row, seen_version) {
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
        // Each put is a version of its own, and the row says which is in force: who comes too late takes nothing away.
        let id = self.entropy.uuid();
        let secret = SecretString::from(serde_json::to_string(&KeptToken::new(token, id))?);
        self.vault.put_version(&names::token(&self.token_set), id, secret).await?;
        let moved = Connection {
            secret_version: named(token.version, Some(id)),
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

    async fn end(&self, seen_version: u64) -> Result<(), StoreError> {
        let Some(row) = self.row().await?.filter(|row| self.holds(row)) else { return Ok(()) };
        // it may have been what the vault was ahead by
        let ahead = self.latest().await?.filter(|kept| {
            kept.version == seen_version && seen_version > row.token_version && kept.id.is_some()
        });
        let secret_version = ahead.map_or(row.content.secret_version, |kept| named(seen_version, kept.id));
        let ended = Connection {
            secret_version,
            expires_at: row.content.expires_at,
            lease: None,
            broken: Some("invalid_grant".to_owned()),
        };
        self.write(ended, row.expect).await.map(drop)
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

        /// Puts tokens into the vault, and no more.
        async fn put(&self, token: &StoredToken) {
            let id = RandomIds.uuid();
            let secret = serde_json::to_string(&KeptToken::new(token, id)).unwrap();
            self.vault.put_version(&names::token("main"), id, secret.into()).await.unwrap();
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
        StoredToken {
            access: CANARY.into(),
            expires_at: now() + 30.minutes(),
            version,
            issued_at: Some(now()),
            scopes: vec!["accounting.invoices".to_owned()],
            renewal: None,
        }
    }

    /// One of a consent.
    fn consented(version: u64, refresh: &str) -> StoredToken {
        let renewal = Renewal { refresh: refresh.into(), fallback: None, ended: false };
        StoredToken { renewal: Some(renewal), ..token(version) }
    }

    /// The refresh token that would be sent, the one that would be sent next, and whether neither is any more.
    fn renewal(token: &StoredToken) -> (String, Option<String>, bool) {
        let renewal = token.renewal.as_ref().unwrap();
        let fallback = renewal.fallback.as_ref().map(|token| token.expose_secret().to_owned());
        (renewal.refresh.expose_secret().to_owned(), fallback, renewal.ended)
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
        assert!(one.publish(&consented(1, "first")).await.unwrap());
        // The next process puts version 2 into the vault and dies before the row moves.
        ground.put(&consented(2, "second")).await;
        let seen = one.load().await.unwrap().unwrap();
        assert_eq!((seen.version, seen.expires_at), (2, Timestamp::MIN), "renewed before it is used");
        assert_eq!(renewal(&seen), ("second".into(), Some("first".into()), false));
        assert!(one.try_lease(now(), now() + 45.seconds(), 2).await.unwrap());
        assert!(one.publish(&consented(3, "third")).await.unwrap());
        let seen = ground.process().load().await.unwrap().unwrap();
        assert_eq!((seen.version, renewal(&seen)), (3, ("third".into(), None, false)));
    }

    #[tokio::test]
    async fn who_puts_after_its_lease_ran_out_takes_nothing_away() {
        let ground = Ground::new();
        let one = ground.process();
        assert!(one.try_lease(now(), now() + 45.seconds(), 0).await.unwrap());
        assert!(one.publish(&consented(1, "in force")).await.unwrap());
        // Another process had its answer, too, and stood still between looking at its lease and its put.
        ground.put(&consented(1, "late")).await;
        let seen = one.load().await.unwrap().unwrap();
        assert_eq!(renewal(&seen), ("in force".into(), None, false));
    }

    /// One process saw a successor that never came into force; another one's, with the same number, did meanwhile.
    #[tokio::test]
    async fn who_saw_another_successor_of_the_same_number_gets_no_lease() {
        let ground = Ground::new();
        let (one, two) = (ground.process(), ground.process());
        assert!(one.adopt(consented(1, "first"), now()).await.unwrap());
        assert!(one.try_lease(now(), now() + 45.seconds(), 1).await.unwrap());
        ground.put(&consented(2, "never in force")).await;
        assert_eq!(two.load().await.unwrap().unwrap().version, 2);
        assert!(one.publish(&consented(2, "in force")).await.unwrap());
        assert!(!two.try_lease(now(), now() + 45.seconds(), 2).await.unwrap());
        assert_eq!(renewal(&two.load().await.unwrap().unwrap()).0, "in force");
        assert!(two.try_lease(now(), now() + 45.seconds(), 2).await.unwrap());
    }

    #[tokio::test]
    async fn an_ended_consent_is_known_to_all_until_there_is_another() {
        let ground = Ground::new();
        let (one, two) = (ground.process(), ground.process());
        for ahead in [false, true] {
            let seen = one.load().await.unwrap().map_or(0, |token| token.version);
            assert!(one.adopt(consented(9, "old"), now()).await.unwrap());
            let mut version = seen + 1;
            if ahead {
                version += 1;
                ground.put(&consented(version, "never in force")).await;
            }
            assert!(one.try_lease(now(), now() + 45.seconds(), version).await.unwrap());
            two.end(version).await.unwrap();
            assert!(
                !renewal(&two.load().await.unwrap().unwrap()).2,
                "only the holder of the lease may say so"
            );
            one.end(version).await.unwrap();
            let ended = two.load().await.unwrap().unwrap();
            assert_eq!((ended.version, renewal(&ended).2), (version, true));
        }
        assert!(two.adopt(consented(1, "new"), now()).await.unwrap());
        assert_eq!(renewal(&one.load().await.unwrap().unwrap()), ("new".into(), None, false));
    }

    #[tokio::test]
    async fn new_tokens_wait_for_a_lease_and_dropped_ones_are_used_no_more() {
        let ground = Ground::new();
        let (one, two) = (ground.process(), ground.process());
        assert!(one.try_lease(now(), now() + 45.seconds(), 0).await.unwrap());
        assert!(!two.adopt(consented(1, "a"), now()).await.unwrap());
        assert!(two.adopt(consented(1, "a"), now() + 45.seconds()).await.unwrap());
        two.drop_present().await.unwrap();
        let dropped = one.load().await.unwrap().unwrap();
        assert!(dropped.expires_at < now() && dropped.renewal.is_none());
        assert_eq!(dropped.version, 2);
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
        ground.vault.forget(&names::token("main")).await.unwrap();
        let seen = one.load().await.unwrap().unwrap();
        assert_eq!(seen.version, 1);
        assert!(seen.expires_at < now(), "nobody may use it");
    }

    #[tokio::test]
    async fn neither_row_nor_debug_output_shows_the_token() {
        let ground = Ground::new();
        let one = ground.process();
        assert!(one.try_lease(now(), now() + 45.seconds(), 0).await.unwrap());
        assert!(one.publish(&consented(1, CANARY)).await.unwrap());
        let shown = format!("{:?} {:?} {:?}", ground.store, one, one.load().await.unwrap());
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

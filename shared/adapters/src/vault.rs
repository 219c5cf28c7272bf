//! Secrets: the connections' credentials and tokens, the webhook's signing keys, Slack's addresses.
//!
//! Each secret has a name; [`names`] builds them all. On AWS they lie in Secrets Manager below the stack's prefix,
//! on one machine in one encrypted file.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::future::Future;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use chacha20poly1305::aead::{Aead, Generate, Key, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::Clock;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use thiserror::Error;
use uuid::Uuid;

use crate::aws::why;

/// How long a secret that was read is believed, so that a changed one is used soon without a deployment.
pub const SECRET_AGE_MAX: SignedDuration = SignedDuration::from_mins(5);

/// The names of secrets, without the stack's prefix.
pub mod names {
    use parstock_domain::ids::OrgId;

    /// The webhook's signing keys, a JSON list of texts: the present one, and during a rotation the one before it.
    pub const WEBHOOK_KEYS: &str = "webhook-keys";

    /// What the console signs sessions with: `{"key": …}`.
    pub const CONSOLE: &str = "console";

    /// Id and secret of the app to which people consent in the console: `{"client_id": …, "client_secret": …}`.
    pub const XERO_APP: &str = "xero-app";

    /// A connection's [`Credentials`](super::Credentials).
    pub fn credentials(connection: &str) -> String {
        format!("connections/{connection}/credentials")
    }

    /// The tokens of a token set, kept by parstock itself.
    pub fn token(token_set: &str) -> String {
        format!("connections/{token_set}/token")
    }

    /// The address of an org's Slack webhook.
    pub fn slack(org: OrgId) -> String {
        format!("orgs/{org}/slack")
    }
}

/// How old an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// At most [`SECRET_AGE_MAX`].
    Recent,
    /// As the vault has it now.
    Now,
}

/// Why a secret could not be read or kept. No text holds any of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VaultError {
    /// It may work another time.
    #[error("the vault did not serve the secret {name}: {why}")]
    Unavailable {
        /// Which secret.
        name: String,
        /// What went wrong.
        why: String,
    },
    /// A person has to act; the text says what to do.
    #[error("{0}")]
    NeedsPerson(String),
}

/// What a connection reaches Xero with, as the vault keeps it:
/// `{"client_id": …, "client_secret": …}` of a custom connection, with `"tenant": …` of a consent, and with
/// `"token_set": …` where several connections share the tokens of one consent.
#[derive(Clone, Debug, Deserialize)]
pub struct Credentials {
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    #[serde(deserialize_with = "secret_text")]
    pub client_secret: SecretString,
    /// The tenant to name in each call. Only a consent has one.
    #[serde(default)]
    pub tenant: Option<Uuid>,
    /// The connection whose tokens it uses; its own if not named.
    #[serde(default)]
    pub token_set: Option<String>,
}

fn secret_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

impl Credentials {
    /// Out of a secret; `None` if it has another form. The parser's error could repeat a piece of it.
    pub fn read(secret: &SecretString) -> Option<Self> {
        serde_json::from_str(secret.expose_secret()).ok()
    }

    /// As a secret.
    pub fn to_secret(&self) -> SecretString {
        let mut fields = serde_json::Map::new();
        let mut set = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
        set("client_id", &self.client_id);
        set("client_secret", self.client_secret.expose_secret());
        if let Some(tenant) = self.tenant {
            set("tenant", &tenant.to_string());
        }
        if let Some(token_set) = &self.token_set {
            set("token_set", token_set);
        }
        SecretString::from(serde_json::Value::Object(fields).to_string())
    }

    /// Whether a person consented in the browser; else it is a custom connection.
    pub const fn is_consent(&self) -> bool {
        self.tenant.is_some()
    }

    /// Whether both reach the same by the same.
    pub fn same_as(&self, other: &Self) -> bool {
        self.client_id == other.client_id
            && self.client_secret.expose_secret() == other.client_secret.expose_secret()
            && self.tenant == other.tenant
            && self.token_set == other.token_set
    }
}

/// Where secrets are kept.
pub trait Vault: Send + Sync {
    /// A secret; `None` if there is none of this name.
    ///
    /// # Errors
    /// See [`VaultError`].
    fn get(
        &self,
        name: &str,
        freshness: Freshness,
    ) -> impl Future<Output = Result<Option<SecretString>, VaultError>> + Send;

    /// Keeps a secret in place of the one that has its name.
    ///
    /// # Errors
    /// See [`VaultError`].
    fn put(&self, name: &str, secret: SecretString) -> impl Future<Output = Result<(), VaultError>> + Send;

    /// As [`Self::put`], and the secret stays readable as `version` for a day at least, also when another is put after it.
    ///
    /// # Errors
    /// See [`VaultError`].
    fn put_version(
        &self,
        name: &str,
        version: Uuid,
        secret: SecretString,
    ) -> impl Future<Output = Result<(), VaultError>> + Send;

    /// A version of a secret; `None` if there is none.
    ///
    /// # Errors
    /// See [`VaultError`].
    fn get_version(
        &self,
        name: &str,
        version: Uuid,
    ) -> impl Future<Output = Result<Option<SecretString>, VaultError>> + Send;

    /// Forgets a secret with all its versions.
    ///
    /// # Errors
    /// See [`VaultError`].
    fn forget(&self, name: &str) -> impl Future<Output = Result<(), VaultError>> + Send;
}

/// The webhook's signing keys.
///
/// # Errors
/// See [`VaultError`]; also when there are none.
pub async fn webhook_keys(vault: &impl Vault, freshness: Freshness) -> Result<Vec<SecretString>, VaultError> {
    let name = names::WEBHOOK_KEYS;
    let wanted = || {
        VaultError::NeedsPerson(format!(
            "the secret `{name}` must be a JSON list of the webhook's signing keys, such as [\"…\"]"
        ))
    };
    let secret = vault.get(name, freshness).await?.ok_or_else(wanted)?;
    // The parser's error could repeat a piece of a key.
    let keys: Vec<String> = serde_json::from_str(secret.expose_secret()).map_err(|_| wanted())?;
    if keys.is_empty() { Err(wanted()) } else { Ok(keys.into_iter().map(SecretString::from).collect()) }
}

/// AWS Secrets Manager.
#[derive(Debug)]
pub struct SecretsManagerVault<K> {
    client: Client,
    /// What every name begins with: the stack's own part of Secrets Manager.
    prefix: String,
    clock: Arc<K>,
    recent: Mutex<BTreeMap<String, (Timestamp, SecretString)>>,
}

impl<K: Clock> SecretsManagerVault<K> {
    /// The secrets whose names begin with `prefix` and a slash.
    pub fn new(client: Client, prefix: String, clock: Arc<K>) -> Self {
        Self { client, prefix, clock, recent: Mutex::default() }
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    fn remembered(&self, name: &str) -> Option<SecretString> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, secret) = recent.get(name)?;
        (self.clock.now().duration_since(*read_at) < SECRET_AGE_MAX).then(|| secret.clone())
    }

    fn remember(&self, name: &str, secret: SecretString) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.insert(name.to_owned(), (self.clock.now(), secret));
    }
}

fn unavailable(name: &str, why: String) -> VaultError {
    VaultError::Unavailable { name: name.to_owned(), why }
}

impl<K: Clock> SecretsManagerVault<K> {
    /// A secret, or a version of it, as AWS has it now.
    async fn fetch(&self, name: &str, version: Option<Uuid>) -> Result<Option<SecretString>, VaultError> {
        let version = version.map(|version| version.to_string());
        let asked =
            self.client.get_secret_value().secret_id(self.full_name(name)).set_version_id(version.clone());
        let secret = match asked.send().await {
            Ok(answer) => answer.secret_string.map(SecretString::from),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                None
            }
            Err(error) => return Err(unavailable(name, why(&error))),
        };
        // A secret that is missing is about to be entered, so its absence is not remembered.
        if let Some(secret) = &secret {
            let name = version.map_or_else(|| name.to_owned(), |version| version_name(name, &version));
            self.remember(&name, secret.clone());
        }
        Ok(secret)
    }

    /// Keeps a secret, under a version id of ours if there is one: AWS takes the token of the request for it. One that is
    /// not there is made without a value first, so that a value has one way in.
    async fn keep(&self, name: &str, version: Option<Uuid>, secret: &SecretString) -> Result<(), VaultError> {
        let (id, text) = (self.full_name(name), secret.expose_secret());
        let put = || {
            let put = self.client.put_secret_value().secret_id(&id).secret_string(text);
            put.set_client_request_token(version.map(|version| version.to_string())).send()
        };
        let mut kept = put().await;
        if kept.as_ref().is_err_and(|error| {
            error.as_service_error().is_some_and(PutSecretValueError::is_resource_not_found_exception)
        }) {
            match self.client.create_secret().name(&id).send().await {
                Ok(_) => {}
                // another process was quicker
                Err(error)
                    if error
                        .as_service_error()
                        .is_some_and(CreateSecretError::is_resource_exists_exception) => {}
                Err(error) => return Err(unavailable(name, why(&error))),
            }
            kept = put().await;
        }
        kept.map_err(|error| unavailable(name, why(&error)))?;
        self.remember(name, secret.clone());
        Ok(())
    }
}

/// Under which name a version is remembered or kept.
fn version_name(name: &str, version: &str) -> String {
    format!("{name}@{version}")
}

impl<K: Clock> Vault for SecretsManagerVault<K> {
    async fn get(&self, name: &str, freshness: Freshness) -> Result<Option<SecretString>, VaultError> {
        if freshness == Freshness::Recent
            && let Some(secret) = self.remembered(name)
        {
            return Ok(Some(secret));
        }
        self.fetch(name, None).await
    }

    async fn put(&self, name: &str, secret: SecretString) -> Result<(), VaultError> {
        self.keep(name, None, &secret).await
    }

    async fn put_version(&self, name: &str, version: Uuid, secret: SecretString) -> Result<(), VaultError> {
        self.keep(name, Some(version), &secret).await?;
        self.remember(&version_name(name, &version.to_string()), secret);
        Ok(())
    }

    async fn get_version(&self, name: &str, version: Uuid) -> Result<Option<SecretString>, VaultError> {
        // a version never changes
        match self.remembered(&version_name(name, &version.to_string())) {
            Some(secret) => Ok(Some(secret)),
            None => self.fetch(name, Some(version)).await,
        }
    }

    async fn forget(&self, name: &str) -> Result<(), VaultError> {
        {
            let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.retain(|kept, _| kept != name && !kept.starts_with(&version_name(name, "")));
        }
        let delete = self.client.delete_secret().secret_id(self.full_name(name));
        match delete.force_delete_without_recovery(true).send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_resource_not_found_exception()) => {
                Ok(())
            }
            Err(error) => Err(unavailable(name, why(&error))),
        }
    }
}

/// The file that holds the key, within the vault's folder.
const KEY_FILE: &str = "vault.key";
/// The file that holds the secrets, within the vault's folder.
const SEALED_FILE: &str = "vault.sealed";
/// What the sealed bytes are bound to, so that they open as nothing else.
const SEAL: &[u8] = b"parstock-vault-v1";
/// Versions of a secret that are kept in the file. One process uses it, so a later one is never far behind.
const VERSIONS_KEPT: usize = 3;
/// The length of the random part of each sealing, in bytes.
const NONCE_BYTES: usize = 24;
/// Only the owner may read and write.
const OWNER_ONLY: u32 = 0o600;

/// One encrypted file in a folder, beside the file with its key, which only the owner may read.
///
/// It keeps secrets out of backups and searches of the data folder's contents, not from the owner's own programs.
/// One process at a time uses a folder.
pub struct EncryptedFileVault {
    sealed: PathBuf,
    cipher: XChaCha20Poly1305,
    writing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for EncryptedFileVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EncryptedFileVault").field("sealed", &self.sealed).finish_non_exhaustive()
    }
}

impl EncryptedFileVault {
    /// Opens the vault of a folder; makes the folder and a new key where there is neither key nor secrets.
    ///
    /// # Errors
    /// [`VaultError::NeedsPerson`] if others may read the key, if it is gone or damaged, or the folder can't be
    /// used.
    pub fn open(folder: &Path) -> Result<Self, VaultError> {
        let (key_file, sealed) = (folder.join(KEY_FILE), folder.join(SEALED_FILE));
        fs::create_dir_all(folder).map_err(|error| file_problem(folder, &error))?;
        let cipher = match fs::metadata(&key_file) {
            Ok(metadata) => {
                if metadata.permissions().mode() & 0o077 != 0 {
                    let path = key_file.display();
                    return Err(VaultError::NeedsPerson(format!(
                        "others may read {path}, the key of the secrets: run `chmod 600 {path}`"
                    )));
                }
                let bytes = fs::read(&key_file).map_err(|error| file_problem(&key_file, &error))?;
                XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| {
                    VaultError::NeedsPerson(format!("{} is not a key of 32 bytes", key_file.display()))
                })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !sealed.exists() => {
                let key = Key::<XChaCha20Poly1305>::generate();
                write_private(&key_file, key.as_slice()).map_err(|error| file_problem(&key_file, &error))?;
                XChaCha20Poly1305::new(&key)
            }
            Err(error) => return Err(file_problem(&key_file, &error)),
        };
        Ok(Self { sealed, cipher, writing: tokio::sync::Mutex::new(()) })
    }

    fn read(&self) -> Result<BTreeMap<String, String>, VaultError> {
        let bytes = match fs::read(&self.sealed) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(file_problem(&self.sealed, &error)),
        };
        let damaged = || {
            VaultError::NeedsPerson(format!(
                "{} can't be opened with its key: put both back from one backup, or remove both and enter the \
                 secrets again",
                self.sealed.display()
            ))
        };
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(damaged)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| damaged())?;
        let opened =
            self.cipher.decrypt(&nonce, Payload { msg: sealed, aad: SEAL }).map_err(|_| damaged())?;
        serde_json::from_slice(&opened).map_err(|_| damaged())
    }

    fn write(&self, secrets: &BTreeMap<String, String>) -> Result<(), VaultError> {
        let unsealed = |what: &str| VaultError::NeedsPerson(format!("the secrets could not be {what}"));
        let plain = serde_json::to_vec(secrets).map_err(|_| unsealed("written as JSON"))?;
        let nonce = XNonce::generate();
        let sealed = self
            .cipher
            .encrypt(&nonce, Payload { msg: &plain, aad: SEAL })
            .map_err(|_| unsealed("sealed"))?;
        let mut bytes = nonce.to_vec();
        bytes.extend(sealed);
        let new = self.sealed.with_extension("new");
        write_private(&new, &bytes)
            .and_then(|()| fs::rename(&new, &self.sealed))
            .map_err(|error| file_problem(&self.sealed, &error))
    }
}

impl Vault for EncryptedFileVault {
    async fn get(&self, name: &str, _: Freshness) -> Result<Option<SecretString>, VaultError> {
        Ok(self.read()?.remove(name).map(SecretString::from))
    }

    async fn put(&self, name: &str, secret: SecretString) -> Result<(), VaultError> {
        let _one_at_a_time = self.writing.lock().await;
        let mut secrets = self.read()?;
        secrets.insert(name.to_owned(), secret.expose_secret().to_owned());
        self.write(&secrets)
    }

    async fn put_version(&self, name: &str, version: Uuid, secret: SecretString) -> Result<(), VaultError> {
        let _one_at_a_time = self.writing.lock().await;
        let mut secrets = self.read()?;
        let mut kept = self.versions(&secrets, name)?;
        kept.push((version, secret.expose_secret().to_owned()));
        kept.drain(..kept.len().saturating_sub(VERSIONS_KEPT));
        let kept = serde_json::to_string(&kept).map_err(|_| {
            VaultError::NeedsPerson("the versions of a secret could not be written as JSON".to_owned())
        })?;
        secrets.insert(version_name(name, ""), kept);
        secrets.insert(name.to_owned(), secret.expose_secret().to_owned());
        self.write(&secrets)
    }

    async fn get_version(&self, name: &str, version: Uuid) -> Result<Option<SecretString>, VaultError> {
        let kept = self.versions(&self.read()?, name)?;
        Ok(kept.into_iter().find(|(id, _)| *id == version).map(|(_, secret)| SecretString::from(secret)))
    }

    async fn forget(&self, name: &str) -> Result<(), VaultError> {
        let _one_at_a_time = self.writing.lock().await;
        let mut secrets = self.read()?;
        secrets.remove(name);
        secrets.remove(&version_name(name, ""));
        self.write(&secrets)
    }
}

impl EncryptedFileVault {
    /// The versions of a secret, oldest first.
    fn versions(
        &self,
        secrets: &BTreeMap<String, String>,
        name: &str,
    ) -> Result<Vec<(Uuid, String)>, VaultError> {
        let Some(kept) = secrets.get(&version_name(name, "")) else { return Ok(Vec::new()) };
        serde_json::from_str(kept).map_err(|_| {
            VaultError::NeedsPerson(format!(
                "the versions of {name} in {} can't be read",
                self.sealed.display()
            ))
        })
    }
}

/// Writes a file that only its owner may read, and waits until it is on the disk.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(OWNER_ONLY).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn file_problem(path: &Path, error: &io::Error) -> VaultError {
    VaultError::NeedsPerson(format!("{} can't be used: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_http::{Canned, aws_config};

    const CANARY: &str = "canary-3f9c";

    #[tokio::test]
    async fn what_is_put_comes_back_from_the_next_process_and_is_not_readable_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let vault = EncryptedFileVault::open(folder.path()).unwrap();
        assert!(vault.get("a", Freshness::Recent).await.unwrap().is_none());
        vault.put("a", CANARY.into()).await.unwrap();
        vault.put("b", "other".into()).await.unwrap();
        let again = EncryptedFileVault::open(folder.path()).unwrap();
        assert_eq!(again.get("a", Freshness::Now).await.unwrap().unwrap().expose_secret(), CANARY);
        let bytes = fs::read(folder.path().join(SEALED_FILE)).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
        assert!(!format!("{again:?}").contains(CANARY));
    }

    /// What every vault must do.
    async fn conforms(vault: &impl Vault) {
        let read = async |name: &str, freshness| {
            let secret = vault.get(name, freshness).await.unwrap();
            secret.map(|secret| secret.expose_secret().to_owned())
        };
        let name = names::credentials("main");
        assert_eq!(read(&name, Freshness::Now).await, None, "nothing is kept yet");
        let (first, second) = (r#"{"a":"“x” \u0001"}"#, "two\nlines");
        vault.put(&name, first.into()).await.unwrap();
        assert_eq!(read(&name, Freshness::Now).await.as_deref(), Some(first));
        vault.put(names::WEBHOOK_KEYS, "[]".into()).await.unwrap();
        vault.put(&name, second.into()).await.unwrap();
        assert_eq!(
            read(&name, Freshness::Recent).await.as_deref(),
            Some(second),
            "what was put is seen at once"
        );
        assert_eq!(read(&name, Freshness::Now).await.as_deref(), Some(second));
        assert_eq!(read(names::WEBHOOK_KEYS, Freshness::Now).await.as_deref(), Some("[]"), "names don't mix");
    }

    /// What every vault must do with versions.
    async fn keeps_versions(vault: &impl Vault) {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let version = async |id| {
            vault.get_version("t", id).await.unwrap().map(|secret| secret.expose_secret().to_owned())
        };
        vault.put_version("t", one, "first".into()).await.unwrap();
        vault.put_version("t", two, "second".into()).await.unwrap();
        assert_eq!(version(one).await.as_deref(), Some("first"), "a later one does not take its place");
        assert_eq!(version(two).await.as_deref(), Some("second"));
        assert_eq!(version(Uuid::from_u128(3)).await, None);
        let latest = vault.get("t", Freshness::Now).await.unwrap().unwrap();
        assert_eq!(latest.expose_secret(), "second");
        vault.forget("t").await.unwrap();
        assert!(vault.get("t", Freshness::Now).await.unwrap().is_none());
        assert_eq!(version(two).await, None);
    }

    #[tokio::test]
    async fn the_encrypted_file_keeps_versions() {
        let folder = tempfile::tempdir().unwrap();
        keeps_versions(&EncryptedFileVault::open(folder.path()).unwrap()).await;
    }

    #[tokio::test]
    async fn secrets_manager_keeps_versions() {
        let done = || (200, r#"{"Name":"t"}"#.to_owned());
        let missing = || (400, MISSING.to_owned());
        let http = Canned::new([
            // the first write of a name finds nothing to write to
            missing(),
            done(),
            done(),
            done(),
            missing(),
            (200, r#"{"SecretString":"second"}"#.to_owned()),
            done(),
            missing(),
            missing(),
        ]);
        keeps_versions(&manager(&http).0).await;
        let sent: Vec<String> =
            http.requests().iter().map(|seen| String::from_utf8_lossy(&seen.body).into_owned()).collect();
        let ids = |number: u128| Uuid::from_u128(number).to_string();
        for (at, field, id) in [
            (0, "ClientRequestToken", 1),
            (2, "ClientRequestToken", 1),
            (3, "ClientRequestToken", 2),
            (4, "VersionId", 3),
        ] {
            assert!(sent[at].contains(field) && sent[at].contains(&ids(id)), "{at}: {}", sent[at]);
        }
        assert_eq!(sent.len(), 9, "versions of its own are remembered");
    }

    #[test]
    fn credentials_are_read_as_they_were_written_and_never_shown() {
        let custom = Credentials {
            client_id: "id".into(),
            client_secret: CANARY.into(),
            tenant: None,
            token_set: None,
        };
        let consent = Credentials {
            tenant: Some(Uuid::from_u128(7)),
            token_set: Some("main".into()),
            ..custom.clone()
        };
        assert_eq!(custom.to_secret().expose_secret().matches(':').count(), 2, "as it always was");
        for credentials in [&custom, &consent] {
            let again = Credentials::read(&credentials.to_secret()).unwrap();
            assert!(again.same_as(credentials));
            assert!(!format!("{again:?}").contains(CANARY));
        }
        assert!(!custom.same_as(&consent));
        assert!(Credentials::read(&CANARY.into()).is_none());
    }

    #[tokio::test]
    async fn the_encrypted_file_conforms() {
        let folder = tempfile::tempdir().unwrap();
        conforms(&EncryptedFileVault::open(folder.path()).unwrap()).await;
    }

    #[tokio::test]
    async fn secrets_manager_conforms() {
        let missing = || (400, MISSING.to_owned());
        let done = || (200, r#"{"Name":"a"}"#.to_owned());
        let held = |secret: &str| (200, serde_json::json!({"SecretString": secret}).to_string());
        let http = Canned::new([
            missing(),
            // the first write of a name finds nothing to write to
            missing(),
            done(),
            done(),
            held(r#"{"a":"“x” \u0001"}"#),
            missing(),
            done(),
            done(),
            done(),
            held("two\nlines"),
            held("[]"),
        ]);
        conforms(&manager(&http).0).await;
        let seen = http.requests();
        assert_eq!(seen.len(), 11, "what was put is not asked for again");
        let names = seen.iter().filter(|seen| {
            let body = String::from_utf8_lossy(&seen.body).into_owned();
            body.contains(r#""parstock/shop/connections/main/credentials""#)
                || body.contains(r#""parstock/shop/webhook-keys""#)
        });
        assert_eq!(names.count(), 11);
    }

    #[tokio::test]
    async fn signing_keys_are_a_list_and_never_show_in_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let vault = EncryptedFileVault::open(folder.path()).unwrap();
        assert!(webhook_keys(&vault, Freshness::Recent).await.is_err(), "none");
        for wrong in [CANARY, "[]", "{\"key\":\"canary-3f9c\"}", "[1]"] {
            vault.put(names::WEBHOOK_KEYS, wrong.into()).await.unwrap();
            let error = webhook_keys(&vault, Freshness::Recent).await.unwrap_err().to_string();
            assert!(error.contains("JSON list") && !error.contains(CANARY), "{error}");
        }
        vault.put(names::WEBHOOK_KEYS, r#"["new","old"]"#.into()).await.unwrap();
        assert_eq!(webhook_keys(&vault, Freshness::Recent).await.unwrap().len(), 2);
    }

    /// A clock that a test moves.
    #[derive(Debug)]
    struct Hand(Mutex<Timestamp>);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    fn manager(http: &Canned) -> (SecretsManagerVault<Hand>, Arc<Hand>) {
        let clock = Arc::new(Hand(Mutex::new("2026-11-22T08:00:00Z".parse().unwrap())));
        let client = Client::new(&aws_config(http));
        (SecretsManagerVault::new(client, "parstock/shop".to_owned(), Arc::clone(&clock)), clock)
    }

    fn held(secret: &str) -> (u16, String) {
        (200, format!(r#"{{"Name":"parstock/shop/a","SecretString":"{secret}"}}"#))
    }

    const MISSING: &str = r#"{"__type":"ResourceNotFoundException","Message":"no"}"#;

    #[tokio::test]
    async fn a_changed_secret_is_seen_after_five_minutes_or_when_asked_for_now() {
        let http = Canned::new([held("one"), held("two"), held("three")]);
        let (vault, clock) = manager(&http);
        let mut read = Vec::new();
        for (freshness, seconds) in [
            (Freshness::Recent, 0),
            (Freshness::Recent, 299),
            (Freshness::Recent, 1),
            (Freshness::Now, 0),
            (Freshness::Recent, 0),
        ] {
            *clock.0.lock().unwrap() += SignedDuration::from_secs(seconds);
            read.push(vault.get("a", freshness).await.unwrap().unwrap().expose_secret().to_owned());
        }
        assert_eq!(read, ["one", "one", "two", "three", "three"]);
        assert!(String::from_utf8_lossy(&http.requests()[0].body).contains("parstock/shop/a"));
        assert!(!format!("{vault:?}").contains("three"));
    }

    #[tokio::test]
    async fn a_missing_secret_is_none_and_is_made_when_put() {
        let http = Canned::new([
            (400, MISSING.to_owned()),
            (400, MISSING.to_owned()),
            (200, r#"{"Name":"parstock/shop/a"}"#.to_owned()),
            (200, r#"{"Name":"parstock/shop/a"}"#.to_owned()),
        ]);
        let (vault, _) = manager(&http);
        assert!(vault.get("a", Freshness::Recent).await.unwrap().is_none());
        vault.put("a", CANARY.into()).await.unwrap();
        let targets: Vec<String> = http.requests().into_iter().map(|request| request.target).collect();
        assert_eq!(
            targets,
            ["GetSecretValue", "PutSecretValue", "CreateSecret", "PutSecretValue"]
                .map(|operation| format!("secretsmanager.{operation}"))
        );
        assert_eq!(vault.get("a", Freshness::Recent).await.unwrap().unwrap().expose_secret(), CANARY);
        let error = vault.put("a", CANARY.into()).await.unwrap_err().to_string();
        assert!(error.contains("secret a") && !error.contains(CANARY), "{error}");
    }

    #[tokio::test]
    async fn a_changed_byte_a_lost_key_and_an_open_key_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let vault = EncryptedFileVault::open(folder.path()).unwrap();
        vault.put("a", CANARY.into()).await.unwrap();
        let (key, sealed) = (folder.path().join(KEY_FILE), folder.path().join(SEALED_FILE));

        fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(EncryptedFileVault::open(folder.path()).unwrap_err().to_string().contains("chmod 600"));
        fs::set_permissions(&key, fs::Permissions::from_mode(OWNER_ONLY)).unwrap();

        let mut bytes = fs::read(&sealed).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&sealed, bytes).unwrap();
        let error = vault.get("a", Freshness::Now).await.unwrap_err().to_string();
        assert!(error.contains("can't be opened") && !error.contains(CANARY), "{error}");

        fs::remove_file(&key).unwrap();
        assert!(
            EncryptedFileVault::open(folder.path()).is_err(),
            "a new key would make the secrets unreadable"
        );
    }
}

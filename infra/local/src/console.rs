//! The console on this machine: the same pages as the console function, bound to 127.0.0.1.

use std::sync::Arc;

use parstock_adapters::clock::RandomIds;
use parstock_adapters::vault::{EncryptedFileVault, Freshness, Vault};
use parstock_app::ports::{Entropy, Ports};
use parstock_console::{Access, Console, Password, SignIn, router};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;

use crate::commands::health;
use crate::error::LocalError;
use crate::ports::LocalPorts;

/// Port of the console unless `--console-port` says otherwise.
pub const PORT: u16 = 4100;
/// Who signs in.
pub const USER: &str = "owner";
/// Names of secrets in the folder's vault.
const PASSWORD: &str = "console-password";
const KEY: &str = "console-key";

/// Takes `port`, or any when that is taken, and answers the console's address.
///
/// # Errors
/// When no port can be had.
pub async fn bind(port: u16) -> Result<(TcpListener, String), LocalError> {
    let listener = match TcpListener::bind(("127.0.0.1", port)).await {
        Ok(listener) => listener,
        Err(_) => TcpListener::bind(("127.0.0.1", 0)).await.map_err(LocalError::outside)?,
    };
    let address = listener.local_addr().map_err(LocalError::outside)?;
    Ok((listener, format!("http://{address}")))
}

/// A secret of the folder, drawn when there is none.
async fn secret(vault: &EncryptedFileVault, name: &str) -> Result<SecretString, LocalError> {
    if let Some(kept) = vault.get(name, Freshness::Now).await.map_err(LocalError::outside)? {
        return Ok(kept);
    }
    let drawn = SecretString::from(RandomIds.uuid().simple().to_string());
    vault.put(name, drawn.clone()).await.map_err(LocalError::outside)?;
    Ok(drawn)
}

/// Serves the console until the process ends, and answers the password of [`USER`].
///
/// # Errors
/// When the folder's secrets can't be used.
pub async fn serve(
    listener: TcpListener,
    ports: Arc<LocalPorts>,
    vault: &EncryptedFileVault,
) -> Result<String, LocalError> {
    let password = secret(vault, PASSWORD).await?;
    let sign_in = SignIn::Password(Password::new(USER.to_owned(), password.clone()));
    let access = Access::new(sign_in, secret(vault, KEY).await?, ports.console_url());
    let asked = Arc::clone(&ports);
    let console = Console {
        ports,
        access: Arc::new(access),
        gauge: Arc::new(move || {
            let ports = Arc::clone(&asked);
            Box::pin(async move { health::queues(&*ports).await })
        }),
        connects: false,
    };
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router(console)).await {
            tracing::error!(%error, "the console stopped");
        }
    });
    Ok(password.expose_secret().to_owned())
}

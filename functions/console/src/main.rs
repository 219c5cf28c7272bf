//! The console function: what people see and decide.

use std::sync::Arc;

use axum::Router;
use lambda_http::{Body, Error, Request, run, service_fn};
use parstock_adapters::config::ConsoleConfig;
use parstock_adapters::logs;
use parstock_adapters::ports::production;
use parstock_adapters::vault::{Freshness, Vault, names};
use parstock_console::{Access, Consents, Console, SignIn, router_with_connections};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::OnceCell;
use tower::ServiceExt;

/// The shortest key that sessions are signed with, in characters.
const KEY_CHARS_MIN: usize = 32;

/// The console's secret.
#[derive(Deserialize)]
struct Secret {
    key: SecretString,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = ConsoleConfig::from_env()?;
    logs::start("console", &config.common.stack);
    // The secret is fetched for the first request, not before the first poll.
    let pages = OnceCell::new();
    run(service_fn(async |request: Request| {
        let pages: &Router = pages.get_or_try_init(async || pages_of(&config).await).await?;
        Ok::<_, Error>(pages.clone().oneshot(request.map(axum_body)).await?)
    }))
    .await
}

fn axum_body(body: Body) -> axum::body::Body {
    axum::body::Body::from(body.to_vec())
}

async fn pages_of(config: &ConsoleConfig) -> Result<Router, Error> {
    let ports = Arc::new(production(&config.common).await);
    let wanted = format!(
        "the secret `{}` must be JSON with a key of at least {KEY_CHARS_MIN} random characters: {{\"key\": \"…\"}}",
        names::CONSOLE
    );
    let secret = ports.vault.get(names::CONSOLE, Freshness::Now).await?.ok_or(wanted.as_str())?;
    // The parser's error could repeat a piece of the secret.
    let Secret { key } = serde_json::from_str(secret.expose_secret()).map_err(|_| wanted.as_str())?;
    if key.expose_secret().chars().count() < KEY_CHARS_MIN {
        return Err(wanted.into());
    }
    let sign_in = SignIn::Mail(config.users.clone());
    let consents = Consents {
        vault: Arc::clone(&ports.vault),
        connections: config.common.connections.clone(),
        addresses: config.common.xero.clone(),
        places: config.consent.clone(),
    };
    let console = Console {
        access: Arc::new(Access::new(sign_in, key, &config.common.console_url)),
        ports,
        // What waits in the queues is told by their alarms.
        gauge: Arc::new(|| Box::pin(async { Vec::new() })),
        connects: true,
    };
    Ok(router_with_connections(console, consents))
}

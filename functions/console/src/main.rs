//! The console function: what people see and decide.

use std::sync::Arc;

use axum::Router;
use lambda_http::{Body, Error, Request, run, service_fn};
use parstock_adapters::aws::sdk_config;
use parstock_adapters::clock::WallClock;
use parstock_adapters::config::Config;
use parstock_adapters::logs;
use parstock_adapters::ports::production;
use parstock_adapters::vault::{Freshness, SecretsManagerVault, Vault, names};
use parstock_console::{Access, Console, router};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::OnceCell;
use tower::ServiceExt;

/// The secret that says who may sign in.
#[derive(Deserialize)]
struct SignIn {
    user: String,
    password: SecretString,
    key: SecretString,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = Config::from_env()?;
    logs::start("console", &config.stack);
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

async fn pages_of(config: &Config) -> Result<Router, Error> {
    let client = aws_sdk_secretsmanager::Client::new(&sdk_config().await);
    let vault = SecretsManagerVault::new(client, config.secret_prefix.clone(), Arc::new(WallClock));
    let wanted = "the secret `console` must be JSON with user, password and key";
    let secret = vault.get(names::CONSOLE, Freshness::Now).await?.ok_or(wanted)?;
    // The parser's error could repeat a piece of the secret.
    let SignIn { user, password, key } = serde_json::from_str(secret.expose_secret()).map_err(|_| wanted)?;
    let access = Arc::new(Access::new(user, password, key));
    // What waits in the queues is told by their alarms.
    let console = Console {
        ports: Arc::new(production(config).await?),
        access,
        gauge: Arc::new(|| Box::pin(async { Vec::new() })),
    };
    Ok(router(console))
}

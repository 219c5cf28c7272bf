//! The digest function: every 15 minutes, the digests of the orgs whose hour has come.

use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use parstock_adapters::config::Config;
use parstock_adapters::ports::production;
use serde::de::IgnoredAny;

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let config = Config::from_env()?;
    let ports = production(&config).await?;
    run(service_fn(async |_: LambdaEvent<IgnoredAny>| -> Result<(), Error> {
        parstock_app::poller::digest_tick(&ports).await?;
        Ok(())
    }))
    .await
}

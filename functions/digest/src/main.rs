//! The digest function: every 15 minutes, the digests of the orgs whose hour has come.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use parstock_adapters::config::Config;
use parstock_adapters::logs;
use parstock_adapters::ports::production;
use serde::de::IgnoredAny;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = Config::from_env()?;
    logs::start("digest", &config.stack);
    let ports = production(&config).await;
    run(service_fn(async |_: LambdaEvent<IgnoredAny>| -> Result<(), Error> {
        parstock_app::poller::digest_tick(&ports).await?;
        Ok(())
    }))
    .await
}

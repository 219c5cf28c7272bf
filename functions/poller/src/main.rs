//! The poller function: every 15 minutes, a look for what webhooks did not tell.

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
        parstock_app::poller::tick(&ports, &config.connections).await?;
        Ok(())
    }))
    .await
}

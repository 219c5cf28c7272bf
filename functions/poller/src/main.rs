//! The poller function: every 15 minutes, a look for what webhooks did not tell.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use parstock_adapters::config::Config;
use parstock_adapters::logs;
use parstock_adapters::ports::production;
use serde::de::IgnoredAny;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = Config::from_env()?;
    logs::start("poller", &config.stack);
    let ports = production(&config).await;
    run(service_fn(async |_: LambdaEvent<IgnoredAny>| -> Result<(), Error> {
        parstock_app::poller::tick(&ports, &config.connections).await?;
        Ok(())
    }))
    .await
}

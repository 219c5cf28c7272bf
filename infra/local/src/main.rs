//! The whole of parstock on one machine.

use std::process::ExitCode;

use clap::Parser;
use parstock_local::commands::Cli;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("PARSTOCK_LOG").unwrap_or_else(|_| "off".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    ExitCode::from(parstock_local::commands::run(Cli::parse()).await)
}

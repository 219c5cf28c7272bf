//! The whole of parstock on one machine.

use std::process::ExitCode;

use clap::Parser;
use parstock_local::commands::Cli;

/// The work itself stays on the main thread; console, webhooks, commands and the simulated Xero are answered on
/// two others, so that a long booking keeps nobody waiting.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("PARSTOCK_LOG").unwrap_or_else(|_| "off".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    ExitCode::from(Box::pin(parstock_local::commands::run(Cli::parse())).await)
}

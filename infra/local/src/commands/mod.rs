//! The commands, one file each.

pub mod run;

use clap::{Parser, Subcommand};

use crate::error::LocalError;
use crate::screen;

/// Inventory automation for those who keep their books in Xero.
#[derive(Debug, Parser)]
#[command(name = "parstock", version, max_term_width = 100)]
pub struct Cli {
    /// What to do; `run` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process until Ctrl-C
    Run(run::Run),
}

/// Does what was asked and answers the exit code.
pub async fn run(cli: Cli) -> u8 {
    let command = cli.command.unwrap_or_else(|| {
        let Cli { command } = Cli::parse_from(["parstock", "run"]);
        command.unwrap_or_else(|| unreachable!("`run` is a command"))
    });
    let done: Result<u8, LocalError> = match command {
        Command::Run(options) => run::run(options).await,
    };
    done.unwrap_or_else(|error| {
        screen::talk(&format!("parstock: {error}"));
        error.exit_code()
    })
}

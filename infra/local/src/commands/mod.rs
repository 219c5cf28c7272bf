//! The commands, one file each.

pub mod adjustments;
pub mod approve;
pub mod audit;
pub mod closings;
pub mod connect;
pub mod connections;
pub mod cost;
pub mod dead_letters;
pub mod digest;
pub mod doctor;
pub mod forecast;
pub mod health;
pub mod item;
pub mod landed;
pub mod ledger;
pub mod plan;
pub mod positions;
pub mod prices;
pub mod proposals;
pub mod receipts;
pub mod reconcile;
pub mod reject;
pub mod replay;
pub mod reviews;
pub mod run;
pub mod scenarios;
pub mod settings;
pub mod stock;
pub mod xero;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::ask::{self, Answer, Ask};
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

/// Where to look and how to answer.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = crate::folder::DEFAULT)]
    pub data: PathBuf,
    /// A stack in your AWS account instead of a folder, reached with your own AWS credentials
    #[arg(long, value_name = "NAME", conflicts_with = "data")]
    pub stack: Option<String>,
    /// Name or id of the organisation, where a stack has several
    #[arg(long, value_name = "NAME", requires = "stack")]
    pub org: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// As [`Common`], for what is done in a folder alone.
#[derive(Args, Clone, Debug)]
pub struct OfFolder {
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = crate::folder::DEFAULT)]
    pub data: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything in one process until Ctrl-C (what `parstock` alone does)
    Run(run::Run),
    /// Connect your organisation in Xero by consent in the browser
    Connect(connect::Connect),
    /// List what is connected, try it, end it
    Connections(connections::Connections),
    /// Turn a retailer's invoice lines into a year in the simulated Xero, run it, and check the result
    Replay(replay::Replay),
    /// Run the scenarios of a folder: what people enter in Xero, and what must come of it
    Scenarios(scenarios::Scenarios),
    /// List the stock positions
    Positions(positions::Positions),
    /// Show an item: position, plan, orders and latest movements
    Item(item::Item),
    /// Show the card of an item: each movement, with what lay there after it and what that cost
    Ledger(ledger::Ledger),
    /// Show the latest daily proof: what Xero holds beside what the ledger says
    Reconcile(reconcile::Reconcile),
    /// Show what was reported of closed months, and whether the ledger still says so
    Closings(closings::Closings),
    /// List the proposed orders
    Proposals(proposals::Proposals),
    /// Approve a proposed order: it becomes a DRAFT purchase order in Xero
    Approve(approve::Approve),
    /// Reject a proposed order
    Reject(reject::Reject),
    /// Item prices in Xero that bills have left behind
    Prices(prices::Prices),
    /// Counts of untracked items, and adjustments with their reasons
    Stock(stock::Stock),
    /// What came in of orders
    Receipts(receipts::Receipts),
    /// Vouchers that spread freight, duty and insurance over what came in
    Landed(landed::Landed),
    /// Cost the movements of a file by FIFO, average or LIFO
    Cost(cost::Cost),
    /// Forecast the demand of a file's items: what is enough for each protection interval
    Forecast(forecast::Forecast),
    /// Plan what to order from three files alone: what was sold, what is there, how items are bought
    Plan(plan::Plan),
    /// What Xero does not know: suppliers, lead times, packs, thresholds, phase
    Settings(settings::Settings),
    /// Show the digest of a day
    Digest(digest::Digest),
    /// Show how far the figures can be trusted, and what waits
    Health(health::Health),
    /// Check all that can be wrong, and say what to do about it
    Doctor(doctor::Doctor),
    /// Messages that could not be processed
    DeadLetters(dead_letters::DeadLetters),
    /// The audit trail
    Audit(audit::Audit),
    /// List the questions that wait for a person
    Reviews(reviews::Reviews),
    /// Record how a real organisation answers, and hold the simulator against it
    Xero(xero::Xero),
}

/// Does what was asked and answers the exit code.
pub async fn run(cli: Cli) -> u8 {
    let command = cli.command.unwrap_or_else(|| Command::Run(run::Run::default()));
    let done = match command {
        Command::Run(options) => run::run(options).await,
        Command::Connect(options) => connect::run(options).await,
        Command::Connections(command) => connections::run(command).await,
        Command::Replay(options) => replay::run(options).await,
        Command::Scenarios(options) => scenarios::run(options).await,
        Command::Positions(command) => put(&command.common, Ok(command.ask())).await,
        Command::Item(command) => put(&command.common, Ok(command.ask())).await,
        Command::Ledger(command) => put(&command.common, Ok(command.ask())).await,
        Command::Reconcile(command) => put(&command.common, Ok(command.ask())).await,
        Command::Closings(command) => put(&command.common, Ok(command.ask())).await,
        Command::Proposals(command) => put(&command.common, Ok(command.ask())).await,
        Command::Approve(command) => put(&command.common, Ok(command.ask())).await,
        Command::Reject(command) => put(&command.common, Ok(command.ask())).await,
        Command::Prices(command) => put(command.common(), Ok(command.ask())).await,
        Command::Stock(command) => put(command.common(), command.ask()).await,
        Command::Receipts(command) => put(command.common(), Ok(command.ask())).await,
        Command::Landed(command) => put(command.common(), command.ask()).await,
        Command::Cost(options) => cost::run(&options),
        Command::Plan(options) => plan::run(&options),
        Command::Forecast(options) => forecast::run(&options),
        Command::Settings(command) => settings::run(command).await,
        Command::Digest(command) => put(&command.common, Ok(command.ask())).await,
        Command::Health(command) => put(&command.common, Ok(command.ask())).await,
        Command::Doctor(command) => doctor::run(command).await,
        Command::DeadLetters(command) => put(command.common(), Ok(command.ask())).await,
        Command::Audit(command) => put(command.common(), Ok(command.ask())).await,
        Command::Reviews(command) => put(&command.common, Ok(command.ask())).await,
        Command::Xero(command) => xero::run(command).await,
    };
    done.unwrap_or_else(|error| {
        screen::talk(&format!("parstock: {error}"));
        error.exit_code()
    })
}

/// Puts a question to the stack or to whoever holds the folder, and shows the answer.
async fn put(common: &Common, ask: Result<Ask, LocalError>) -> Result<u8, LocalError> {
    let answer = ask::put(common, &ask?).await?;
    show(common.json, &answer)
}

/// Shows an answer: the result on standard output, the talk on standard error.
fn show(in_json: bool, answer: &Answer) -> Result<u8, LocalError> {
    if !answer.talk.is_empty() {
        screen::talk(&answer.talk);
    }
    if in_json {
        screen::result(&serde_json::to_string_pretty(&answer.json)?);
    } else {
        screen::result(&answer.text);
    }
    Ok(answer.exit_code)
}

//! `parstock stock adjust FILE` and `parstock stock adjustments`: what was written off or found, and why.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use parstock_app::adjustments;
use parstock_domain::adjustment::{Adjustment, AdjustmentNumber, Stage};
use parstock_domain::ids::OrgId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Common, stock};
use crate::ask::{Answer, Ask, table};
use crate::error::LocalError;
use crate::place::Place;

/// A file of adjustments.
#[derive(Args, Clone, Debug)]
pub struct Adjust {
    /// The file
    file: PathBuf,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Adjustments that were made.
#[derive(Args, Clone, Debug)]
pub struct Adjustments {
    #[command(subcommand)]
    command: AdjustmentsCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum AdjustmentsCommand {
    /// List the adjustments, the latest first
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Approve one that waits, or have one tried again that was not booked
    Approve {
        /// Its number, such as ADJ-2026-11-30-001
        number: String,
        #[command(flatten)]
        common: Common,
    },
    /// Reject one that waits or was not booked
    Reject {
        /// Its number, such as ADJ-2026-11-30-001
        number: String,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        common: Common,
    },
}

/// What is asked of adjustments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Adjusting {
    /// List them.
    List,
    /// Make those of a file.
    Make {
        /// Text of the file.
        text: String,
    },
    /// Approve one.
    Approve {
        /// Its number.
        number: String,
    },
    /// Reject one.
    Reject {
        /// Its number.
        number: String,
        /// Why.
        reason: String,
    },
}

impl Adjusting {
    /// Whether it changes anything.
    pub const fn changes(&self) -> bool {
        !matches!(self, Self::List)
    }
}

impl Adjust {
    pub(super) fn ask(&self) -> Result<Ask, LocalError> {
        Ok(Ask::Adjustments(Adjusting::Make { text: super::settings::read(&self.file)? }))
    }
}

impl Adjustments {
    pub(super) const fn common(&self) -> &Common {
        match &self.command {
            AdjustmentsCommand::List { common }
            | AdjustmentsCommand::Approve { common, .. }
            | AdjustmentsCommand::Reject { common, .. } => common,
        }
    }

    pub(super) fn ask(&self) -> Ask {
        Ask::Adjustments(match self.command.clone() {
            AdjustmentsCommand::List { .. } => Adjusting::List,
            AdjustmentsCommand::Approve { number, .. } => Adjusting::Approve { number },
            AdjustmentsCommand::Reject { number, reason, .. } => Adjusting::Reject { number, reason },
        })
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId, asked: &Adjusting) -> Result<Answer, LocalError> {
    match asked {
        Adjusting::List => list(&adjustments::all(place, org).await?, "no adjustments\n"),
        Adjusting::Make { text } => {
            let rows = match adjustments::parse(text) {
                Ok(rows) => rows,
                Err(wrong) => return Ok(stock::refused(&wrong)),
            };
            let made = match adjustments::make(place, org, place.person(), &rows).await? {
                Ok(made) => made,
                Err(wrong) => return Ok(stock::refused(&wrong)),
            };
            let waits = made.iter().any(|made| made.stage == Stage::Waiting);
            let answer = list(&made, "")?;
            Ok(if waits {
                answer.saying(
                    "more than `adjustment_value_max` waits for a second decision: `parstock stock adjustments approve NUMBER`",
                )
            } else {
                answer
            })
        }
        Adjusting::Approve { number } => {
            let number = read(number)?;
            adjustments::approve(place, org, place.person(), number, None).await?;
            Ok(Answer::new(json!({ "adjustment": number }), format!("{number} is being booked\n")))
        }
        Adjusting::Reject { number, reason } => {
            let number = read(number)?;
            adjustments::reject(place, org, place.person(), number, reason).await?;
            Ok(Answer::new(json!({ "adjustment": number }), format!("{number} is rejected\n")))
        }
    }
}

fn read(number: &str) -> Result<AdjustmentNumber, LocalError> {
    number.parse().map_err(|_| {
        LocalError::Input(format!("`{number}` is no adjustment: see `parstock stock adjustments list`"))
    })
}

fn list(adjustments: &[Adjustment], none: &str) -> Result<Answer, LocalError> {
    let mut rows = vec![
        ["adjustment", "day", "item", "change", "worth", "reason", "by", "state"].map(str::to_owned).to_vec(),
    ];
    for adjustment in adjustments {
        for (number, line) in adjustment.lines.iter().enumerate() {
            let first = |words: String| if number == 0 { words } else { String::new() };
            rows.push(vec![
                first(adjustment.number.to_string()),
                first(adjustment.on.to_string()),
                line.code.clone(),
                line.change.to_string(),
                line.value().map_err(LocalError::outside)?.to_string(),
                line.words(),
                first(adjustment.made_by.clone()),
                first(adjustment.state_words()),
            ]);
        }
    }
    let text = if adjustments.is_empty() { none.to_owned() } else { table(&rows) };
    let all: Vec<Value> = adjustments.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    Ok(Answer::new(json!(all), text))
}

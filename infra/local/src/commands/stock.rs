//! `parstock stock`: what a person counted, wrote off or found.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use parstock_app::opening;
use parstock_app::table::Wrong;
use parstock_domain::ids::OrgId;
use serde_json::json;

use super::{Common, adjustments};
use crate::ask::{Answer, Ask};
use crate::error::{BAD_INPUT, LocalError};
use crate::place::Place;

/// Counts of untracked items, and adjustments.
#[derive(Args, Clone, Debug)]
pub struct Stock {
    #[command(subcommand)]
    command: StockCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum StockCommand {
    /// Book counts from a CSV file with the columns item,location,as_of,quantity,unit_cost
    Import {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Write stock off, or enter what was found, from a CSV file with the columns
    /// item,location,on,quantity,reason,unit_cost,note
    Adjust(adjustments::Adjust),
    /// The adjustments that were made
    Adjustments(adjustments::Adjustments),
}

impl Stock {
    pub(super) const fn common(&self) -> &Common {
        match &self.command {
            StockCommand::Import { common, .. } => common,
            StockCommand::Adjust(adjust) => &adjust.common,
            StockCommand::Adjustments(adjustments) => adjustments.common(),
        }
    }

    pub(super) fn ask(&self) -> Result<Ask, LocalError> {
        match &self.command {
            StockCommand::Import { file, .. } => Ok(Ask::Count { text: super::settings::read(file)? }),
            StockCommand::Adjust(adjust) => adjust.ask(),
            StockCommand::Adjustments(adjustments) => Ok(adjustments.ask()),
        }
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId, text: &str) -> Result<Answer, LocalError> {
    let counts = match opening::parse(text) {
        Ok(counts) => counts,
        Err(wrong) => return Ok(refused(&wrong)),
    };
    Ok(match opening::import(place, org, place.person(), &counts).await? {
        Err(wrong) => refused(&wrong),
        Ok(done) => Answer::new(
            json!({ "opened": done.opened, "recounted": done.recounted, "agreed": done.agreed }),
            format!("{} opened, {} recounted, {} agreed\n", done.opened, done.recounted, done.agreed),
        ),
    })
}

/// Every row that is wrong, with its line.
pub(super) fn refused(wrong: &[Wrong]) -> Answer {
    let talk: Vec<String> =
        wrong.iter().map(|wrong| format!("line {}: {}", wrong.line, wrong.what)).collect();
    let json: Vec<_> = wrong.iter().map(|wrong| json!({ "line": wrong.line, "what": wrong.what })).collect();
    Answer::new(json!({ "problems": json }), String::new())
        .saying(format!("nothing was booked:\n{}", talk.join("\n")))
        .exiting(BAD_INPUT)
}

//! `parstock dead-letters list|retry|drop`: messages that could not be processed.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Common;
use crate::ask::{Answer, Ask, table};
use crate::error::LocalError;
use crate::place::Place;

/// Messages that could not be processed.
#[derive(Args, Clone, Debug)]
pub struct DeadLetters {
    #[command(subcommand)]
    command: LettersCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum LettersCommand {
    /// List them with their causes
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Send them again, once their cause is mended
    Retry {
        /// Their ids, from the list
        #[arg(required = true)]
        ids: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Give them up: the next poll still finds in Xero what they were about
    Drop {
        /// Their ids, from the list
        #[arg(required = true)]
        ids: Vec<String>,
        #[command(flatten)]
        common: Common,
    },
}

/// What is to become of dead letters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Letters {
    /// They are listed.
    List,
    /// These are sent again.
    Retry(Vec<String>),
    /// These are given up.
    Drop(Vec<String>),
}

impl DeadLetters {
    pub(super) const fn common(&self) -> &Common {
        let (LettersCommand::List { common }
        | LettersCommand::Retry { common, .. }
        | LettersCommand::Drop { common, .. }) = &self.command;
        common
    }

    pub(super) fn ask(&self) -> Ask {
        Ask::DeadLetters(match &self.command {
            LettersCommand::List { .. } => Letters::List,
            LettersCommand::Retry { ids, .. } => Letters::Retry(ids.clone()),
            LettersCommand::Drop { ids, .. } => Letters::Drop(ids.clone()),
        })
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, letters: &Letters) -> Result<Answer, LocalError> {
    let (ids, again) = match letters {
        Letters::Retry(ids) => (ids, true),
        Letters::Drop(ids) => (ids, false),
        Letters::List => return list(place).await,
    };
    let mut ids = ids.clone();
    ids.sort_unstable();
    ids.dedup();
    let taken = place.take_letters(&ids, again).await?;
    let what = if again { "sent again" } else { "given up" };
    Ok(Answer::new(json!({ "taken": taken, "again": again }), format!("{taken} {what}\n")))
}

async fn list(place: &impl Place) -> Result<Answer, LocalError> {
    let standing = place.letters().await?;
    let mut lines = vec![["id", "queue", "given up", "cause"].map(str::to_owned).to_vec()];
    let mut all = Vec::new();
    for letter in standing {
        all.push(json!({
            "id": letter.id, "queue": letter.queue, "at": letter.at.to_string(), "cause": letter.cause,
            "message": letter.body,
        }));
        lines.push(vec![letter.id, letter.queue, letter.at.to_string(), letter.cause]);
    }
    Ok(Answer::new(json!(all), table(&lines)))
}

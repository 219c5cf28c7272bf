//! `parstock dead-letters list|retry|drop`: messages that could not be processed.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Common;
use crate::ask::{Answer, Ask, table};
use crate::error::LocalError;
use crate::ports::LocalPorts;

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
        /// Their numbers, from the list
        #[arg(required = true)]
        numbers: Vec<i64>,
        #[command(flatten)]
        common: Common,
    },
    /// Give them up: the next poll still finds in Xero what they were about
    Drop {
        /// Their numbers, from the list
        #[arg(required = true)]
        numbers: Vec<i64>,
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
    Retry(Vec<i64>),
    /// These are given up.
    Drop(Vec<i64>),
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
            LettersCommand::Retry { numbers, .. } => Letters::Retry(numbers.clone()),
            LettersCommand::Drop { numbers, .. } => Letters::Drop(numbers.clone()),
        })
    }
}

/// Answers it.
pub(crate) fn answer(ports: &LocalPorts, letters: &Letters) -> Result<Answer, LocalError> {
    let standing = ports.queue.dead()?;
    let (numbers, again) = match letters {
        Letters::Retry(numbers) => (numbers, true),
        Letters::Drop(numbers) => (numbers, false),
        Letters::List => {
            let mut lines = vec![["number", "queue", "given up", "cause"].map(str::to_owned).to_vec()];
            for dead in &standing {
                lines.push(vec![
                    dead.id.to_string(),
                    dead.queue.clone(),
                    dead.at.to_string(),
                    dead.cause.clone(),
                ]);
            }
            let all: Vec<_> = standing
                .iter()
                .map(|dead| {
                    json!({
                        "number": dead.id, "queue": dead.queue, "at": dead.at.to_string(),
                        "cause": dead.cause, "message": dead.body,
                    })
                })
                .collect();
            return Ok(Answer::new(json!(all), table(&lines)));
        }
    };
    let mut numbers = numbers.clone();
    numbers.sort_unstable();
    numbers.dedup();
    if let Some(unknown) = numbers.iter().find(|number| standing.iter().all(|dead| dead.id != **number)) {
        return Err(LocalError::Input(format!(
            "there is no dead letter {unknown}, and nothing was done: see `parstock dead-letters list`"
        )));
    }
    let taken = ports.queue.take_dead(&numbers, again)?;
    let what = if again { "sent again" } else { "given up" };
    Ok(Answer::new(json!({ "taken": taken, "again": again }), format!("{taken} {what}\n")))
}

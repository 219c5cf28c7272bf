//! `parstock reject ID`: a person's no, with its reason.

use clap::Args;
use parstock_app::decide::{self, Decision};
use parstock_domain::ids::OrgId;

use super::Common;
use super::approve::{as_json, find, parse_hash};
use crate::ask::{Answer, Ask};
use crate::error::LocalError;
use crate::place::Place;

/// Rejects a proposed order.
#[derive(Args, Clone, Debug)]
pub struct Reject {
    /// The proposal's id, from `parstock proposals`
    pub proposal: String,
    /// Why, in a few words
    #[arg(long)]
    pub reason: String,
    /// Hash of the contents that you reject; without it what stands now is rejected
    #[arg(long, value_name = "HASH")]
    pub contents: Option<String>,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Reject {
    pub(super) fn ask(&self) -> Ask {
        Ask::Reject {
            proposal: self.proposal.clone(),
            contents: self.contents.clone(),
            reason: self.reason.clone(),
        }
    }
}

/// Answers it.
pub(crate) async fn answer(
    place: &impl Place,
    org: OrgId,
    proposal: &str,
    contents: Option<&str>,
    reason: String,
) -> Result<Answer, LocalError> {
    let (id, standing, number) = find(place, org, proposal).await?;
    let shown = contents.map_or_else(|| Ok(standing.contents()), parse_hash)?;
    let decided = decide::decide(place, org, id, shown, place.person(), &Decision::Reject { reason }).await?;
    Ok(Answer::new(as_json(&decided, &number), format!("rejected the order to {}\n", decided.supplier_name)))
}

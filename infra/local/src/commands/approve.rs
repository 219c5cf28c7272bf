//! `parstock approve ID`: a person's yes, bound to the contents that were shown.

use clap::Args;
use parstock_app::decide::{self, Decision};
use parstock_domain::audit::Hash;
use parstock_domain::governance::Proposal;
use parstock_domain::ids::{OrgId, ProposalId};
use serde_json::json;

use super::Common;
use crate::ask::{Answer, Ask, console, table};
use crate::error::{DIFFERENCES, LocalError};
use crate::place::Place;

/// Approves a proposed order.
#[derive(Args, Clone, Debug)]
pub struct Approve {
    /// The proposal's id, from `parstock proposals`
    pub proposal: String,
    /// Hash of the contents that you approve; without it they are shown with their hash, and nothing happens
    #[arg(long, value_name = "HASH")]
    pub contents: Option<String>,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Approve {
    pub(super) fn ask(&self) -> Ask {
        Ask::Approve { proposal: self.proposal.clone(), contents: self.contents.clone() }
    }
}

/// Answers it.
pub(crate) async fn answer(
    place: &impl Place,
    org: OrgId,
    proposal: &str,
    contents: Option<&str>,
) -> Result<Answer, LocalError> {
    let (id, standing, number) = find(place, org, proposal).await?;
    let Some(contents) = contents else {
        let hash = standing.contents();
        let talk =
            format!("nothing was approved; to approve exactly this: parstock approve {id} --contents {hash}");
        return Ok(Answer::new(as_json(&standing, &number), as_text(&standing, &number)?)
            .saying(talk)
            .exiting(DIFFERENCES));
    };
    let decided =
        decide::decide(place, org, id, parse_hash(contents)?, place.person(), &Decision::Approve).await?;
    let text = format!("approved: it becomes the DRAFT purchase order {number} in Xero\n");
    Ok(Answer::new(as_json(&decided, &number), text))
}

/// A proposal, its id and the number that its order has.
pub(super) async fn find(
    place: &impl Place,
    org: OrgId,
    proposal: &str,
) -> Result<(ProposalId, Proposal, String), LocalError> {
    let wrong =
        || LocalError::Input(format!("`{proposal}` is no proposal: see `parstock proposals` for their ids"));
    let id: ProposalId = proposal.parse().map_err(|_| wrong())?;
    let page = console(place, org).await?.proposal(id, None).await?;
    Ok((id, page.proposal, page.order_number))
}

/// The hash of contents.
pub(super) fn parse_hash(text: &str) -> Result<Hash, LocalError> {
    text.parse().map_err(|error| LocalError::Input(format!("--contents: {error}")))
}

pub(super) fn as_json(proposal: &Proposal, number: &str) -> serde_json::Value {
    let lines: Vec<_> = proposal
        .lines
        .iter()
        .map(|line| {
            json!({
                "code": line.code, "name": line.name, "quantity": line.quantity.to_string(),
                "unit_price": line.unit_price.to_string(), "by": line.by, "reason": line.reason, "inputs": line.inputs,
            })
        })
        .collect();
    json!({
        "proposal": proposal.id.to_string(), "state": proposal.state_name(), "order_number": number,
        "supplier": proposal.supplier_name, "wanted_on": proposal.wanted_on.to_string(),
        "contents": proposal.contents().to_string(), "lines": lines,
    })
}

fn as_text(proposal: &Proposal, number: &str) -> Result<String, LocalError> {
    let total = proposal.total().map_err(LocalError::outside)?;
    let mut text = format!(
        "order {number} to {} ({}), wanted on {}, total {total}\n",
        proposal.supplier_name,
        proposal.state_name(),
        proposal.wanted_on
    );
    let mut lines = vec![["item", "name", "quantity", "price", "why"].map(str::to_owned).to_vec()];
    for line in &proposal.lines {
        lines.push(vec![
            line.code.clone(),
            line.name.clone(),
            line.said(),
            line.unit_price.to_string(),
            line.reason.clone(),
        ]);
    }
    text.push_str(&table(&lines));
    text.push_str(&format!("contents {}\n", proposal.contents()));
    Ok(text)
}

//! `parstock proposals`: the orders that parstock proposes.

use clap::Args;
use parstock_domain::ids::OrgId;
use serde_json::json;

use super::Common;
use crate::ask::{Answer, Ask, console, table};
use crate::error::LocalError;
use crate::place::Place;

/// Lists the proposed orders.
#[derive(Args, Clone, Debug)]
pub struct Proposals {
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Proposals {
    pub(super) fn ask(&self) -> Ask {
        Ask::Proposals
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId) -> Result<Answer, LocalError> {
    let page = console(place, org).await?.proposals().await?;
    let mut lines =
        vec![["proposal", "state", "supplier", "total", "items", "wanted on"].map(str::to_owned).to_vec()];
    let mut all = Vec::new();
    for row in &page.rows {
        lines.push(vec![
            row.id.to_string(),
            row.state.to_owned(),
            row.supplier.clone(),
            row.total.to_string(),
            row.lines.to_string(),
            row.wanted_on.to_string(),
        ]);
        all.push(json!({
            "proposal": row.id.to_string(), "state": row.state, "supplier": row.supplier,
            "total": row.total.to_string(), "lines": row.lines, "wanted_on": row.wanted_on.to_string(),
            "proposed_at": row.proposed_at.to_string(),
        }));
    }
    Ok(Answer::new(json!(all), table(&lines)))
}

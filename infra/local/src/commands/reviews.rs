//! `parstock reviews`: the questions that wait for a person.

use clap::Args;
use parstock_domain::ids::OrgId;
use serde_json::json;

use super::Common;
use crate::ask::{Answer, Ask, console, table};
use crate::error::LocalError;
use crate::place::Place;

/// Lists the questions.
#[derive(Args, Clone, Debug)]
pub struct Reviews {
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Reviews {
    pub(super) fn ask(&self) -> Ask {
        Ask::Reviews
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId) -> Result<Answer, LocalError> {
    let page = console(place, org).await?.reviews().await?;
    let mut lines = vec![["kind", "item", "document", "question"].map(str::to_owned).to_vec()];
    let mut all = Vec::new();
    for row in &page.rows {
        let item = row.item.as_ref().map(|(_, code)| code.clone()).unwrap_or_default();
        lines.push(vec![row.kind.clone(), item.clone(), row.document.clone(), row.text.clone()]);
        all.push(json!({
            "kind": row.kind, "item": item, "document": row.document, "text": row.text, "since": row.since.to_string(),
        }));
    }
    Ok(Answer::new(json!(all), table(&lines)))
}

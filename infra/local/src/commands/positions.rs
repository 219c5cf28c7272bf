//! `parstock positions`: what lies where, and how it stands.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use parstock_domain::ids::OrgId;
use parstock_views::Standing;
use parstock_views::pages::PositionQuery;
use serde_json::json;

use super::Common;
use crate::ask::{Answer, Ask, console, known, table};
use crate::error::LocalError;
use crate::ports::LocalPorts;

/// Lists the stock positions.
#[derive(Args, Clone, Debug)]
pub struct Positions {
    /// Only items with this in their code or name
    #[arg(default_value = "")]
    pub search: String,
    /// Only items that stand so
    #[arg(long, value_parser = standings())]
    pub standing: Option<Standing>,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Positions {
    pub(super) fn ask(&self) -> Ask {
        Ask::Positions { search: self.search.clone(), standing: self.standing }
    }
}

/// The words of the console, of JSON and of the command are the same.
fn standings() -> impl TypedValueParser<Value = Standing> {
    PossibleValuesParser::new(Standing::ALL.map(Standing::code))
        .try_map(|word| Standing::from_code(&word).ok_or("no standing has this word"))
}

/// Answers it.
pub(crate) async fn answer(
    ports: &LocalPorts,
    org: OrgId,
    search: String,
    standing: Option<Standing>,
) -> Result<Answer, LocalError> {
    let console = console(ports, org).await?;
    let mut rows = Vec::new();
    let mut page = 1;
    loop {
        let shown = console.positions(PositionQuery { search: search.clone(), standing, page }).await?;
        let last = shown.rows.is_empty() || rows.len().saturating_add(shown.rows.len()) >= shown.found;
        rows.extend(shown.rows);
        page = page.saturating_add(1);
        if last {
            break;
        }
    }
    let mut lines = vec![
        ["item", "name", "on hand", "committed", "on order", "cover", "standing"].map(str::to_owned).to_vec(),
    ];
    let mut all = Vec::new();
    for row in &rows {
        lines.push(vec![
            row.code.clone(),
            row.name.clone(),
            known(row.on_hand),
            row.committed.to_string(),
            row.on_order.to_string(),
            row.cover_days.map_or_else(String::new, |days| format!("{days} days")),
            row.standing.words().to_owned(),
        ]);
        all.push(json!({
            "item": row.item.to_string(),
            "code": row.code,
            "name": row.name,
            "on_hand": row.on_hand.map(|quantity| quantity.to_string()),
            "committed": row.committed.to_string(),
            "available": row.available.map(|quantity| quantity.to_string()),
            "on_order": row.on_order.to_string(),
            "cover_days": row.cover_days,
            "runs_out_on": row.runs_out_on.map(|day| day.to_string()),
            "standing": row.standing.code(),
        }));
    }
    Ok(Answer::new(json!(all), table(&lines)))
}

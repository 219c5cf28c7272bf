//! `parstock positions`: what lies where, and how it stands.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::civil::Date;
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::OrgId;
use parstock_views::StandingGroup;
use parstock_views::pages::PositionQuery;
use serde_json::json;

use super::Common;
use super::digest::parse_day;
use crate::ask::{Answer, Ask, console, known, table};
use crate::error::LocalError;
use crate::place::Place;

/// Lists the stock positions.
#[derive(Args, Clone, Debug)]
pub struct Positions {
    /// Only items with this in their code or name
    #[arg(default_value = "")]
    pub search: String,
    /// Only items that stand so
    #[arg(long, value_parser = standings())]
    pub standing: Option<StandingGroup>,
    /// How items stood at the end of a day such as 2026-06-01, by the documents known now
    #[arg(long, value_name = "DAY", conflicts_with = "standing")]
    pub at: Option<String>,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Positions {
    pub(super) fn ask(&self) -> Ask {
        Ask::Positions { search: self.search.clone(), standing: self.standing, at: self.at.clone() }
    }
}

/// The words of the console, of JSON and of the command are the same.
fn standings() -> impl TypedValueParser<Value = StandingGroup> {
    PossibleValuesParser::new(StandingGroup::ALL.map(StandingGroup::code))
        .try_map(|word| StandingGroup::from_code(&word).ok_or("no standing has this word"))
}

/// Answers it.
pub(crate) async fn answer(
    place: &impl Place,
    org: OrgId,
    search: String,
    standing: Option<StandingGroup>,
    at: Option<&str>,
) -> Result<Answer, LocalError> {
    if let Some(day) = at {
        return at_the_end_of(place, org, search, parse_day(day)?).await;
    }
    let console = console(place, org).await?;
    let mut rows = Vec::new();
    let mut page = 1;
    loop {
        let shown =
            console.positions(PositionQuery { search: search.clone(), standing, late: false, page }).await?;
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
            on_order(row.on_order, row.late),
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
            "late": row.late.to_string(),
            "cover_days": row.cover_days,
            "runs_out_on": row.runs_out_on.map(|day| day.to_string()),
            "standing": row.standing.code(),
        }));
    }
    Ok(Answer::new(json!(all), table(&lines)))
}

fn on_order(on_order: Quantity, late: Quantity) -> String {
    if late.is_zero() { on_order.to_string() } else { format!("{on_order} + {late} late") }
}

/// How items stood at the end of a day.
async fn at_the_end_of(
    place: &impl Place,
    org: OrgId,
    search: String,
    day: Date,
) -> Result<Answer, LocalError> {
    let console = console(place, org).await?;
    let headings = ["item", "name", "on hand", "worth", "committed", "available", "on order", "in transit"];
    let mut lines = vec![headings.map(str::to_owned).to_vec()];
    let mut all = Vec::new();
    let mut page = 1;
    loop {
        let shown = console.positions_at(day, search.clone(), page).await?;
        for row in &shown.rows {
            let worth = row.end.map_or_else(String::new, |end| end.value.to_string());
            lines.push(vec![
                row.code.clone(),
                row.name.clone(),
                known(row.end.map(|end| end.quantity)),
                worth,
                row.committed.to_string(),
                row.available.map_or_else(String::new, |available| available.to_string()),
                on_order(row.on_order, row.late),
                row.in_transit.to_string(),
            ]);
            all.push(json!({
                "item": row.item.to_string(),
                "code": row.code,
                "name": row.name,
                "at": day.to_string(),
                "on_hand": row.end.map(|end| end.quantity.to_string()),
                "value": row.end.map(|end| end.value.to_string()),
                "committed": row.committed.to_string(),
                "available": row.available.map(|quantity| quantity.to_string()),
                "on_order": row.on_order.to_string(),
                "late": row.late.to_string(),
                "in_transit": row.in_transit.to_string(),
            }));
        }
        page = page.saturating_add(1);
        if shown.rows.is_empty() || all.len() >= shown.found {
            return Ok(Answer::new(json!(all), table(&lines)));
        }
    }
}

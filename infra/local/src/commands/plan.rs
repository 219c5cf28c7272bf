//! `parstock plan`: what to order, by the figures of files alone. It needs no folder and no stack.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::digest::parse_day;
use crate::ask::table;
use crate::error::{DONE, LocalError};
use crate::plans::{self, Planned};
use crate::screen;
use crate::tables::{self, Wrong};

/// Plans what to order of a file's items.
#[derive(Args, Clone, Debug)]
pub struct Plan {
    /// What was sold as CSV, compressed if it ends in .gz: item,day,quantity
    #[arg(long, value_name = "FILE")]
    history: PathBuf,
    /// What is there as CSV: item,on_hand and maybe committed, on_order
    #[arg(long, value_name = "FILE")]
    stock: PathBuf,
    /// How items are bought as CSV: item and maybe lead_time_days, review_days, service_level, pack, moq, min, max,
    /// unit_cost, category
    #[arg(long, value_name = "FILE")]
    items: PathBuf,
    /// The day of the plan; the day after the last sale without it
    #[arg(long, value_name = "DAY")]
    today: Option<String>,
    /// Answer in JSON, with all that each figure comes from
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(super) fn run(options: &Plan) -> Result<u8, LocalError> {
    let sold =
        plans::demand(tables::open(&options.history)?).map_err(|wrong| refused(&options.history, &wrong))?;
    let there =
        plans::stock(tables::open(&options.stock)?).map_err(|wrong| refused(&options.stock, &wrong))?;
    let after = plans::day_after(&sold);
    let today = options.today.as_deref().map(parse_day).transpose()?.or(after).ok_or_else(|| {
        LocalError::Input("nothing was ever sold: name the day of the plan with --today".to_owned())
    })?;
    if let Some(after) = after.filter(|after| today < *after) {
        return Err(LocalError::Input(format!(
            "the plan is of {today} and the history goes on until {}: leave --today away or cut the file",
            after.yesterday().unwrap_or(after)
        )));
    }
    let subjects = plans::items(tables::open(&options.items)?, sold, there);
    let subjects = subjects.map_err(|wrong| refused(&options.items, &wrong))?;
    let planned = plans::plan_all(subjects, today)
        .map_err(|wrong| LocalError::Input(format!("nothing was planned:\n{wrong}")))?;
    if options.json {
        screen::result(&serde_json::to_string_pretty(&for_machines(&planned, today))?);
    } else {
        screen::result(&for_people(&planned, today));
    }
    Ok(DONE)
}

fn refused(path: &Path, wrong: &Wrong) -> LocalError {
    LocalError::Input(format!("nothing was planned:\n{}: {wrong}", path.display()))
}

fn for_people(planned: &[Planned], today: Date) -> String {
    let headings =
        ["item", "on hand", "on order", "a day", "order at", "up to", "order", "runs out", "doubts"];
    let mut rows = vec![headings.map(str::to_owned).to_vec()];
    rows.extend(planned.iter().map(|Planned { subject, plan }| {
        vec![
            subject.code.clone(),
            plan.on_hand.map_or_else(|| "not counted".to_owned(), |on_hand| on_hand.to_string()),
            plan.on_order.to_string(),
            plan.rate.per_day.rounded().to_string(),
            plan.reorder_point.to_string(),
            plan.order_up_to.to_string(),
            plan.order.map_or_else(String::new, |order| order.to_string()),
            plan.stock_out_on.map_or_else(String::new, |day| day.to_string()),
            plan.inputs.get("forecast_doubts").cloned().unwrap_or_default(),
        ]
    }));
    let orders = planned.iter().filter(|planned| planned.plan.order.is_some()).count();
    format!("{}{orders} of {} items are to be ordered on {today}\n", table(&rows), planned.len())
}

fn for_machines(planned: &[Planned], today: Date) -> Value {
    let items: Vec<Value> = planned
        .iter()
        .map(|Planned { subject, plan }| {
            json!({
                "item": subject.code,
                "order": plan.order.map(|order| order.to_string()),
                "reorder_point": plan.reorder_point.to_string(),
                "order_up_to": plan.order_up_to.to_string(),
                "safety_stock": plan.safety_stock.to_string(),
                "cover_days": plan.cover_days,
                "runs_out_on": plan.stock_out_on.map(|day| day.to_string()),
                "wanted_on": plan.wanted_on.to_string(),
                "cost": subject.unit_cost.zip(plan.order)
                    .and_then(|(cost, order)| order.at(cost).ok()).map(|cost| cost.to_string()),
                "reason": plan.reason,
                "inputs": plan.inputs,
            })
        })
        .collect();
    json!({ "today": today.to_string(), "items": items })
}

//! `parstock item CODE`: an item's position, plan, orders and latest movements.

use clap::Args;
use parstock_domain::ids::OrgId;
use parstock_domain::ledger::View;
use parstock_views::pages::CardRow;
use serde_json::json;

use super::{Common, ledger};
use crate::ask::{Answer, Ask, console, known, table};
use crate::error::LocalError;
use crate::place::Place;

/// Lines of the card that are shown to people; JSON has those of the console's page.
const LINES_SHOWN: usize = 20;

/// Shows an item.
#[derive(Args, Clone, Debug)]
pub struct Item {
    /// The item's code, as Xero has it
    pub code: String,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Item {
    pub(super) fn ask(&self) -> Ask {
        Ask::Item { code: self.code.clone() }
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId, code: &str) -> Result<Answer, LocalError> {
    let console = console(place, org).await?;
    let page = console.item(console.item_by_code(code).await?, View::default(), 1).await?;
    let position = &page.position;
    let currency = &page.site.currency;
    let book = if page.tracked { "tracked by Xero" } else { "parstock's ledger is the book" };
    let late = match position.late.is_zero() {
        true => String::new(),
        false => format!(" + {} late", position.late),
    };
    let mut text = format!(
        "{} {} ({book})\non hand {}, committed {}, on order {}{late}, worth {} {currency}: {}\n",
        position.code,
        position.name,
        known(position.on_hand),
        position.committed,
        position.on_order,
        page.value.map_or_else(|| "an unknown amount of".to_owned(), |value| value.to_string()),
        position.standing.words(),
    );
    if let Some(plan) = &page.plan {
        text.push_str(&format!(
            "plan of {}: reorder point {}. {}\n",
            plan.planned_on, plan.reorder_point, plan.reason
        ));
    }
    for order in &page.orders {
        let expected = order.expected_on.map_or_else(|| "an unknown day".to_owned(), |day| day.to_string());
        let draft = if order.draft { " (draft)" } else { "" };
        let late = if order.late { ", late and not counted on" } else { "" };
        text.push_str(&format!(
            "order {}{draft} from {}: {} of {} to come, expected on {expected}{late}\n",
            order.number, order.supplier, order.open, order.ordered
        ));
    }
    let latest: Vec<&CardRow> = page.card.rows.iter().take(LINES_SHOWN).collect();
    text.push_str(&table(&ledger::cells(&latest)));
    let movements: Vec<_> = page.card.rows.iter().map(ledger::line).collect();
    let older = page.card.found.saturating_sub(movements.len());
    let json = json!({
        "item": position.item.to_string(), "code": position.code, "name": position.name, "tracked": page.tracked,
        "on_hand": position.on_hand.map(|quantity| quantity.to_string()),
        "committed": position.committed.to_string(), "on_order": position.on_order.to_string(), "late": position.late.to_string(),
        "value": page.value.map(|value| value.to_string()), "standing": position.standing.code(),
        "plan": page.plan.as_ref().map(|plan| json!({
            "planned_on": plan.planned_on.to_string(), "reorder_point": plan.reorder_point.to_string(),
            "order": plan.order.map(|quantity| quantity.to_string()), "supplier": plan.supplier,
            "unit_price": plan.unit_price.to_string(), "reason": plan.reason, "inputs": plan.inputs,
        })),
        "movements": movements, "older_movements": older,
    });
    Ok(Answer::new(json, text))
}

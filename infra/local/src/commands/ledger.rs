//! `parstock ledger --item CODE`: the running card of an item.

use clap::Args;
use parstock_app::console::ItemCard;
use parstock_domain::ids::OrgId;
use parstock_domain::settings::files::escaped;
use parstock_views::pages::{CardRow, booking_words};
use serde_json::{Value, json};

use super::Common;
use super::digest::parse_day;
use crate::ask::{Answer, Ask, console, table};
use crate::error::LocalError;
use crate::place::Place;

/// The columns of the CSV.
const COLUMNS: [&str; 13] = [
    "day",
    "document",
    "number",
    "contact",
    "from",
    "to",
    "change",
    "value",
    "correction",
    "after",
    "value_after",
    "taken_back",
    "recorded_at",
];

/// Shows the card of an item.
#[derive(Args, Clone, Debug)]
pub struct Ledger {
    /// The item's code, as Xero has it
    #[arg(long, value_name = "CODE")]
    pub item: String,
    /// Only up to the end of a day such as 2026-06-01, by the documents known now
    #[arg(long, value_name = "DAY")]
    pub at: Option<String>,
    /// Answer in CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Ledger {
    pub(super) fn ask(&self) -> Ask {
        Ask::Ledger { code: self.item.clone(), at: self.at.clone(), csv: self.csv }
    }
}

/// Answers it.
pub(crate) async fn answer(
    place: &impl Place,
    org: OrgId,
    code: &str,
    at: Option<&str>,
    csv: bool,
) -> Result<Answer, LocalError> {
    let at = at.map(parse_day).transpose()?;
    let console = console(place, org).await?;
    let shown = console.card(console.item_by_code(code).await?, at).await?;
    let text = if csv { in_csv(&shown.card.rows)? } else { for_people(&shown) };
    let ItemCard { item, card, layers, .. } = shown;
    let lines: Vec<Value> = card.rows.iter().map(line).collect();
    let layers: Vec<Value> = layers
        .iter()
        .map(|layer| {
            json!({
                "quantity": layer.quantity.to_string(), "cost": layer.cost.to_string(),
                "unit_cost": layer.unit_cost.to_string(),
            })
        })
        .collect();
    let json = json!({
        "item": item.id.to_string(), "code": item.code, "name": item.name, "tracked": item.tracked,
        "at": card.at.map(|day| day.to_string()),
        "quantity": card.end.map(|end| end.quantity.to_string()),
        "value": card.end.map(|end| end.value.to_string()),
        "unexplained": card.unexplained.map(|more| json!({
            "quantity": more.quantity.to_string(), "value": more.value.to_string(),
        })),
        "layers": layers, "lines": lines,
    });
    Ok(Answer::new(json, text))
}

fn for_people(shown: &ItemCard) -> String {
    let ItemCard { item, currency, card, layers } = shown;
    let book = if item.tracked { "tracked by Xero" } else { "parstock's ledger is the book" };
    let rows: Vec<&CardRow> = card.rows.iter().collect();
    let mut text = format!("{} {} ({book})\n{}", item.code, item.name, table(&cells(&rows)));
    let until = card.at.map_or_else(|| "all that is known".to_owned(), |day| format!("at the end of {day}"));
    text.push_str(&match card.end {
        Some(end) => format!("{until}: {} on hand, worth {} {currency}\n", end.quantity, end.value),
        None => format!("{until}: not counted\n"),
    });
    if let Some(more) = card.unexplained {
        text.push_str(&format!(
            "beyond these lines Xero holds {}, worth {} {currency}\n",
            more.quantity, more.value
        ));
    }
    for layer in layers {
        text.push_str(&format!(
            "layer: {} cost {} {currency}, {} each\n",
            layer.quantity, layer.cost, layer.unit_cost
        ));
    }
    text
}

/// Lines as people read them, below their headings.
pub(super) fn cells(rows: &[&CardRow]) -> Vec<Vec<String>> {
    let headings =
        ["day", "document", "number", "contact", "from", "to", "change", "value", "after", "worth"];
    let mut cells = vec![headings.map(str::to_owned).to_vec()];
    cells.extend(rows.iter().map(|row| {
        let taken_back = if row.reversal { ", taken back" } else { "" };
        vec![
            row.on.to_string(),
            format!("{}{taken_back}", row.cause),
            match row.booking {
                None => row.number.clone(),
                Some((booked, lines)) => format!("{} ({})", row.number, booking_words(booked, lines)),
            },
            row.contact.clone(),
            row.from.words().to_owned(),
            row.to.words().to_owned(),
            row.change.to_string(),
            row.value.to_string(),
            row.after.map_or_else(|| "not counted".to_owned(), |after| after.quantity.to_string()),
            row.after.map_or_else(String::new, |after| after.value.to_string()),
        ]
    }));
    cells
}

/// A line for machines.
pub(super) fn line(row: &CardRow) -> Value {
    json!({
        "on": row.on.to_string(), "cause": row.cause, "number": row.number, "contact": row.contact,
        "from": row.from.words(), "to": row.to.words(),
        "change": row.change.to_string(), "value": row.value.to_string(), "correction": row.correction.to_string(),
        "after": row.after.map(|after| after.quantity.to_string()),
        "value_after": row.after.map(|after| after.value.to_string()), "reversal": row.reversal,
        "booking": row.booking.map(|(booked, lines)| json!({ "booked": booked, "lines": lines })),
        "recorded_at": row.recorded_at.to_string(),
    })
}

/// The card in CSV; what others wrote is no formula for a spreadsheet.
fn in_csv(rows: &[CardRow]) -> Result<String, LocalError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(LocalError::outside)?;
    for row in rows {
        let cells = [
            row.on.to_string(),
            row.cause.to_owned(),
            escaped(&row.number),
            escaped(&row.contact),
            row.from.words().to_owned(),
            row.to.words().to_owned(),
            row.change.to_string(),
            row.value.to_string(),
            row.correction.to_string(),
            row.after.map_or_else(String::new, |after| after.quantity.to_string()),
            row.after.map_or_else(String::new, |after| after.value.to_string()),
            if row.reversal { "yes".to_owned() } else { String::new() },
            row.recorded_at.to_string(),
        ];
        writer.write_record(cells).map_err(LocalError::outside)?;
    }
    let bytes = writer.into_inner().map_err(LocalError::outside)?;
    String::from_utf8(bytes).map_err(LocalError::outside)
}

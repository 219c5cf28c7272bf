//! `parstock ledger --item CODE`: the running card of an item.

use clap::Args;
use jiff::Timestamp;
use parstock_app::console::ItemCard;
use parstock_domain::fixed::Money;
use parstock_domain::ids::OrgId;
use parstock_domain::ledger::View;
use parstock_domain::settings::files::escaped;
use parstock_views::pages::{CardRow, RestatedRow, booking_words};
use serde_json::{Value, json};

use super::Common;
use super::digest::parse_day;
use crate::ask::{Answer, Ask, console, table};
use crate::error::LocalError;
use crate::place::Place;

/// The columns of the CSV.
const COLUMNS: [&str; 14] = [
    "day",
    "posted_on",
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
    /// As it was known at an instant such as 2026-06-01T08:00:00Z, instead of now
    #[arg(long, value_name = "INSTANT")]
    pub known: Option<String>,
    /// Answer in CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Ledger {
    pub(super) fn ask(&self) -> Ask {
        Ask::Ledger { code: self.item.clone(), at: self.at.clone(), known: self.known.clone(), csv: self.csv }
    }
}

/// Answers it.
pub(crate) async fn answer(
    place: &impl Place,
    org: OrgId,
    code: &str,
    at: Option<&str>,
    known: Option<&str>,
    csv: bool,
) -> Result<Answer, LocalError> {
    let at = at.map(parse_day).transpose()?;
    let known = known.map(parse_instant).transpose()?;
    let console = console(place, org).await?;
    let shown = console.card(console.item_by_code(code).await?, View { at, known }).await?;
    let text = if csv { in_csv(&shown.card.rows)? } else { for_people(&shown, known) };
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
        "known": known.map(|instant| instant.to_string()),
        "quantity": card.end.map(|end| end.quantity.to_string()),
        "value": card.end.map(|end| end.value.to_string()),
        "xero": card.said.map(|said| json!({
            "quantity": said.xero.on_hand.to_string(), "value": said.xero.cost_pool.to_string(),
            "at": said.at.to_string(),
        })),
        "unexplained": card.unexplained.map(|more| json!({
            "quantity": more.quantity.to_string(), "value": more.value.to_string(),
        })),
        "layers": layers, "lines": lines, "restated": card.restated.iter().map(restated).collect::<Vec<_>>(),
    });
    Ok(Answer::new(json, text))
}

fn parse_instant(text: &str) -> Result<Timestamp, LocalError> {
    let wrong = || LocalError::Input(format!("`{text}` is not an instant such as 2026-06-01T08:00:00Z"));
    text.parse().map_err(|_| wrong())
}

fn for_people(shown: &ItemCard, known: Option<Timestamp>) -> String {
    let ItemCard { item, currency, card, layers } = shown;
    let book = if item.tracked { "tracked by Xero" } else { "parstock's ledger is the book" };
    let rows: Vec<&CardRow> = card.rows.iter().collect();
    let mut text = format!("{} {} ({book})\n{}", item.code, item.name, table(&cells(&rows)));
    let mut until =
        card.at.map_or_else(|| "all that is known".to_owned(), |day| format!("at the end of {day}"));
    if let Some(known) = known {
        until.push_str(&format!(", as known at {known}"));
    }
    text.push_str(&match card.end {
        Some(end) => format!("{until}: {} on hand, worth {} {currency}\n", end.quantity, end.value),
        None => format!("{until}: not counted\n"),
    });
    if let Some(said) = card.said {
        text.push_str(&format!(
            "Xero held {}, worth {} {currency}, as it said at {}\n",
            said.xero.on_hand, said.xero.cost_pool, said.at
        ));
    }
    if let Some(more) = card.unexplained {
        text.push_str(&format!(
            "beyond these lines Xero holds {}, worth {} {currency}\n",
            more.quantity, more.value
        ));
    }
    for row in &card.restated {
        let posted = row.posted_on.map_or_else(String::new, |day| format!(", closed, in the books on {day}"));
        let by = format!("{} {}", row.cause, escaped(&row.number));
        text.push_str(&format!(
            "{} {} made {} worth {} {currency}{posted}\n",
            row.recorded_at.strftime("%Y-%m-%d"),
            by.trim_end(),
            row.month.strftime("%Y-%m"),
            signed(row.change),
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
            row.posted_on.map_or_else(|| row.on.to_string(), |day| format!("{} ({day})", row.on)),
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
        "on": row.on.to_string(), "posted_on": row.posted_on.map(|day| day.to_string()), "cause": row.cause, "number": row.number, "contact": row.contact,
        "from": row.from.words(), "to": row.to.words(),
        "change": row.change.to_string(), "value": row.value.to_string(), "correction": row.correction.to_string(),
        "after": row.after.map(|after| after.quantity.to_string()),
        "value_after": row.after.map(|after| after.value.to_string()), "reversal": row.reversal,
        "booking": row.booking.map(|(booked, lines)| json!({ "booked": booked, "lines": lines })),
        "recorded_at": row.recorded_at.to_string(),
    })
}

/// What a document that came late made a month worth, for machines.
fn restated(row: &RestatedRow) -> Value {
    json!({
        "cause": row.cause, "number": row.number, "month": row.month.strftime("%Y-%m").to_string(),
        "posted_on": row.posted_on.map(|day| day.to_string()), "change": row.change.to_string(),
        "recorded_at": row.recorded_at.to_string(),
    })
}

fn signed(amount: Money) -> String {
    if amount > Money::ZERO { format!("{amount} more") } else { format!("{} less", amount.magnitude()) }
}

/// The card in CSV; what others wrote is no formula for a spreadsheet.
fn in_csv(rows: &[CardRow]) -> Result<String, LocalError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(LocalError::outside)?;
    for row in rows {
        let cells = [
            row.on.to_string(),
            row.posted_on.map_or_else(String::new, |day| day.to_string()),
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

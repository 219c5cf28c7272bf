//! `parstock ledger --item CODE`: the running card of an item.

use clap::Args;
use jiff::Timestamp;
use parstock_app::console::ItemCard;
use parstock_domain::costing::Method;
use parstock_domain::fixed::Money;
use parstock_domain::ids::OrgId;
use parstock_domain::ledger::View;
use parstock_domain::settings::files::escaped;
use parstock_views::pages::{CardRow, RestatedRow, booking_words};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Common;
use super::digest::parse_day;
use crate::ask::{Answer, Ask, console, table};
use crate::error::LocalError;
use crate::place::Place;

/// The columns of the CSV.
const COLUMNS: [&str; 20] = [
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
    "layers",
    "revenue",
    "cost",
    "currency",
    "foreign_net",
    "rate",
];

/// Shows the card of an item.
#[derive(Args, Clone, Debug)]
pub struct Ledger {
    /// Which card.
    #[command(flatten)]
    pub asked: Asked,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// Which card is asked for.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
pub struct Asked {
    /// The item's code, as Xero has it
    #[arg(long, value_name = "CODE")]
    pub item: String,
    /// Only from a day such as 2026-05-01 on; what lay there before is carried in
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// Only up to the end of a day such as 2026-06-01, by the documents known now
    #[arg(long, value_name = "DAY")]
    pub at: Option<String>,
    /// As it was known at an instant such as 2026-06-01T08:00:00Z, instead of now
    #[arg(long, value_name = "INSTANT")]
    pub known: Option<String>,
    /// As if costs had always gone by FIFO: a view for management, whatever the book says
    #[arg(long)]
    pub fifo: bool,
    /// Answer in CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

impl Ledger {
    pub(super) fn ask(&self) -> Ask {
        Ask::Ledger(self.asked.clone())
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId, asked: &Asked) -> Result<Answer, LocalError> {
    let Asked { item: code, from, at, known, fifo, csv } = asked;
    let view = View {
        from: from.as_deref().map(parse_day).transpose()?,
        at: at.as_deref().map(parse_day).transpose()?,
        known: known.as_deref().map(parse_instant).transpose()?,
        by: fifo.then_some(Method::Fifo),
    };
    let console = console(place, org).await?;
    let shown = console.card(console.item_by_code(code).await?, view).await?;
    let text = if *csv { in_csv(&shown.card.rows)? } else { for_people(&shown, view) };
    let ItemCard { item, card, layers, .. } = shown;
    let lines: Vec<Value> = card.rows.iter().map(line).collect();
    let layers: Vec<Value> = layers
        .iter()
        .map(|layer| {
            json!({
                "of": layer.of, "quantity": layer.quantity.to_string(), "cost": layer.cost.to_string(),
                "unit_cost": layer.unit_cost.to_string(),
            })
        })
        .collect();
    let json = json!({
        "item": item.id.to_string(), "code": item.code, "name": item.name, "tracked": item.tracked,
        "from": card.from.map(|day| day.to_string()),
        "at": card.at.map(|day| day.to_string()),
        "known": view.known.map(|instant| instant.to_string()),
        "before": card.before.map(|before| json!({
            "quantity": before.quantity.to_string(), "value": before.value.to_string(),
        })),
        "by": card.by.map(Method::word),
        "margin": {
            "revenue": card.margin.revenue.to_string(), "cost": card.margin.cost.to_string(),
            "known": card.margin.known.to_string(), "unknown": card.margin.unknown.to_string(),
        },
        "left_out": card.found.saturating_sub(card.rows.len()),
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

fn for_people(shown: &ItemCard, view: View) -> String {
    let ItemCard { item, currency, card, layers } = shown;
    let book = if item.tracked { "tracked by Xero" } else { "parstock's ledger is the book" };
    let rows: Vec<&CardRow> = card.rows.iter().collect();
    let mut text = format!("{} {} ({book})\n", item.code, item.name);
    if card.by.is_some() {
        text.push_str("by FIFO, a view for management: it is in no book\n");
    }
    let left_out = card.found.saturating_sub(rows.len());
    if left_out > 0 {
        text.push_str(&format!("{left_out} earlier lines are left out: choose days with --from and --at\n"));
    }
    if card.from.is_some() || left_out > 0 {
        text.push_str(&match card.before {
            Some(before) => {
                format!("before: {} on hand, worth {} {currency}\n", before.quantity, before.value)
            }
            None => "before: not counted\n".to_owned(),
        });
    }
    text.push_str(&table(&cells(&rows)));
    let mut until =
        card.at.map_or_else(|| "all that is known".to_owned(), |day| format!("at the end of {day}"));
    if let Some(known) = view.known {
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
    let margin = card.margin_words(|amount| amount.to_string());
    if !margin.is_empty() {
        text.push_str(&format!("{margin}\n"));
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
        let of = if layer.of.is_empty() { String::new() } else { format!(" of {}", escaped(&layer.of)) };
        text.push_str(&format!(
            "layer: {}{of} cost {} {currency}, {} each\n",
            layer.quantity, layer.cost, layer.unit_cost
        ));
    }
    text
}

/// Lines as people read them, below their headings.
pub(super) fn cells(rows: &[&CardRow]) -> Vec<Vec<String>> {
    let headings =
        ["day", "document", "number", "contact", "from", "to", "change", "value", "after", "worth"];
    let has_layers = rows.iter().flat_map(|row| &row.layers).any(|part| !part.of.is_empty());
    let mut cells = vec![headings.map(str::to_owned).to_vec()];
    if let Some(headings) = cells.first_mut().filter(|_| has_layers) {
        headings.push("cost layers".to_owned());
    }
    cells.extend(rows.iter().map(|row| {
        let foreign = row.foreign_words().map_or_else(String::new, |words| format!(", {words}"));
        let taken_back = if row.reversal { ", taken back" } else { "" };
        let mut line = vec![
            row.posted_on.map_or_else(|| row.on.to_string(), |day| format!("{} ({day})", row.on)),
            format!("{}{foreign}{taken_back}", row.cause),
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
        ];
        line.extend(has_layers.then(|| layers(row)));
        line
    }));
    cells
}

/// What a line made or used up of which cost layers.
fn layers(row: &CardRow) -> String {
    let named = row.layers.iter().filter(|part| !part.of.is_empty());
    let parts = named.map(|part| format!("{}: {} at {}", part.of, part.quantity, part.cost));
    parts.collect::<Vec<String>>().join("; ")
}

/// A line for machines.
pub(super) fn line(row: &CardRow) -> Value {
    json!({
        "on": row.on.to_string(), "posted_on": row.posted_on.map(|day| day.to_string()), "cause": row.cause, "number": row.number, "contact": row.contact,
        "from": row.from.words(), "to": row.to.words(),
        "change": row.change.to_string(), "value": row.value.to_string(), "correction": row.correction.to_string(),
        "layers": row.layers.iter().map(|part| json!({
            "of": part.of, "quantity": part.quantity.to_string(), "cost": part.cost.to_string(),
        })).collect::<Vec<_>>(),
        "after": row.after.map(|after| after.quantity.to_string()),
        "value_after": row.after.map(|after| after.value.to_string()), "reversal": row.reversal,
        "sold": row.sold.map(|sold| json!({
            "revenue": sold.revenue.map(|revenue| revenue.to_string()), "cost": sold.cost.map(|cost| cost.to_string()),
        })),
        "foreign": row.foreign.as_ref().map(|(currency, net)| json!({
            "currency": currency.code, "net": net.to_string(), "rate": currency.rate,
        })),
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
        let foreign = row.foreign.as_ref();
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
            escaped(&layers(row)),
            row.sold.and_then(|sold| sold.revenue).map_or_else(String::new, |revenue| revenue.to_string()),
            row.sold.and_then(|sold| sold.cost).map_or_else(String::new, |cost| cost.to_string()),
            foreign.map_or_else(String::new, |(currency, _)| escaped(&currency.code)),
            foreign.map_or_else(String::new, |(_, net)| net.to_string()),
            foreign.map_or_else(String::new, |(currency, _)| currency.rate.clone()),
        ];
        writer.write_record(cells).map_err(LocalError::outside)?;
    }
    let bytes = writer.into_inner().map_err(LocalError::outside)?;
    String::from_utf8(bytes).map_err(LocalError::outside)
}

//! `parstock closings`: what was reported of closed months, and whether the ledger still says so.

use clap::Args;
use jiff::civil::Date;
use parstock_app::closing::{Changed, Checked};
use parstock_app::console::Console;
use parstock_domain::ids::OrgId;
use parstock_domain::ledger::{Balance, ClosedItem, Closing, ClosingState, Figures};
use parstock_domain::settings::files::escaped;
use serde_json::{Value, json};

use super::Common;
use crate::ask::{Answer, Ask, console, table};
use crate::error::{DIFFERENCES, DONE, LocalError};
use crate::place::Place;

/// The columns of the CSV.
const COLUMNS: [&str; 10] = [
    "item",
    "code",
    "book",
    "quantity",
    "value",
    "opened",
    "purchased",
    "sold",
    "xero_quantity",
    "xero_value",
];

/// Shows what was reported of closed months.
#[derive(Args, Clone, Debug)]
pub struct Closings {
    /// The items of one month such as 2026-05, by its latest closing
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// An earlier closing of the month, which was opened again since
    #[arg(long, value_name = "NUMBER", requires = "month")]
    pub closing: Option<u32>,
    /// Hold each item beside what the ledger says of the month now
    #[arg(long, requires = "month", conflicts_with = "csv")]
    pub check: bool,
    /// Answer in CSV
    #[arg(long, requires = "month", conflicts_with = "json")]
    pub csv: bool,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Closings {
    pub(super) fn ask(&self) -> Ask {
        Ask::Closings { month: self.month.clone(), closing: self.closing, check: self.check, csv: self.csv }
    }
}

/// Answers it.
pub(crate) async fn answer(
    place: &impl Place,
    org: OrgId,
    month: Option<&str>,
    number: Option<u32>,
    check: bool,
    csv: bool,
) -> Result<Answer, LocalError> {
    let console = console(place, org).await?;
    let page = console.closings().await?;
    let currency = &page.site.currency;
    let Some(text) = month else {
        let json: Vec<Value> = page.closings.iter().map(for_machines).collect();
        return Ok(Answer::new(json!({ "closings": json }), listed(&page.closings, currency)));
    };
    let month = parse_month(text)?;
    // the latest of a month comes first
    let of_month = page.closings.iter().filter(|closing| closing.month == month);
    let mut of_month = of_month.filter(|closing| number.is_none_or(|number| closing.number == number));
    let closing = of_month.next().ok_or_else(|| {
        LocalError::Input(format!("no such closing of {text}: `parstock closings` lists what was closed"))
    })?;
    if check {
        return checked(&console, closing, currency).await;
    }
    let items = console.closed_items(closing).await?;
    let lines: Vec<Value> = items.iter().map(item_for_machines).collect();
    let json = json!({ "closing": for_machines(closing), "items": lines });
    let text = if csv { in_csv(&items)? } else { for_people(closing, &items, currency) };
    Ok(Answer::new(json, text))
}

async fn checked<P: parstock_app::ports::Ports>(
    console: &Console<'_, P>,
    closing: &Closing,
    currency: &str,
) -> Result<Answer, LocalError> {
    let Checked { is_whole, items, changed } = console.check_closing(closing).await?;
    let exit_code = if is_whole && changed.is_empty() { DONE } else { DIFFERENCES };
    let mut text = format!("{}: {items} items checked\n", name(closing));
    if !is_whole {
        text.push_str("what was kept is not whole: its parts don't add up to its figures and hash\n");
    }
    if changed.is_empty() {
        text.push_str("the ledger says of each what was reported\n");
    } else {
        let mut rows =
            vec![["item", "", "quantity", "value", "purchased", "sold"].map(str::to_owned).to_vec()];
        for Changed { reported, now } in &changed {
            rows.push(cells(&reported.code, "reported", &reported.figures));
            rows.push(match now {
                Some(now) => cells("", "now", now),
                None => vec![String::new(), "now not counted".to_owned()],
            });
        }
        text.push_str(&table(&rows));
        text.push_str(&format!("{} items differ, in {currency}\n", changed.len()));
    }
    let lines: Vec<Value> = changed
        .iter()
        .map(|Changed { reported, now }| {
            json!({ "reported": item_for_machines(reported), "now": now.as_ref().map(figures) })
        })
        .collect();
    Ok(Answer::new(json!({ "closing": for_machines(closing), "whole": is_whole, "changed": lines }), text)
        .exiting(exit_code))
}

fn parse_month(text: &str) -> Result<Date, LocalError> {
    format!("{text}-01")
        .parse()
        .map_err(|_| LocalError::Input(format!("`{text}` is not a month such as 2026-05")))
}

fn name(closing: &Closing) -> String {
    format!("{} closing {}", closing.month.strftime("%Y-%m"), closing.number)
}

fn state(closing: &Closing) -> &'static str {
    match closing.state {
        ClosingState::Making(_) => "being put down",
        ClosingState::Standing => "stands",
        ClosingState::Reopened(_) => "opened again",
    }
}

fn listed(closings: &[Closing], currency: &str) -> String {
    if closings.is_empty() {
        return "no month was closed since parstock is connected: Xero's lock dates close one, or the setting closed_through\n"
            .to_owned();
    }
    let headings = ["month", "closing", "our stock", "purchased", "sold", "Xero's stock", "items", "state"];
    let mut rows = vec![headings.map(str::to_owned).to_vec()];
    rows.extend(closings.iter().map(|closing| {
        vec![
            closing.month.strftime("%Y-%m").to_string(),
            closing.number.to_string(),
            closing.ours.end.value.to_string(),
            closing.ours.purchased.to_string(),
            closing.ours.sold.to_string(),
            if closing.said > 0 { closing.xero.value.to_string() } else { String::new() },
            closing.items.to_string(),
            state(closing).to_owned(),
        ]
    }));
    format!("{}in {currency}\n", table(&rows))
}

fn cells(code: &str, what: &str, figures: &Figures) -> Vec<String> {
    let Figures { end, purchased, sold, .. } = figures;
    let amounts = [end.value, *purchased, *sold].map(|amount| amount.to_string());
    let mut cells = vec![code.to_owned(), what.to_owned(), end.quantity.to_string()];
    cells.extend(amounts);
    cells
}

fn for_people(closing: &Closing, items: &[ClosedItem], currency: &str) -> String {
    let mut rows =
        vec![["item", "book", "quantity", "value", "purchased", "sold"].map(str::to_owned).to_vec()];
    rows.extend(items.iter().map(|item| cells(&item.code, book(item), &item.figures)));
    format!(
        "{}, as known at {}: {}\n{}our stock {} {currency}, Xero's {} {currency} by {} of {} items; {} items not counted\nhash {}\n",
        name(closing),
        closing.known_at,
        state(closing),
        table(&rows),
        closing.ours.end.value,
        closing.xero.value,
        closing.said,
        closing.tracked_items,
        closing.not_counted,
        closing.hash,
    )
}

const fn book(item: &ClosedItem) -> &'static str {
    if item.tracked { "xero" } else { "ours" }
}

fn figures(figures: &Figures) -> Value {
    json!({
        "quantity": figures.end.quantity.to_string(), "value": figures.end.value.to_string(),
        "opened": figures.opened.to_string(), "purchased": figures.purchased.to_string(),
        "sold": figures.sold.to_string(),
    })
}

fn balance(balance: &Balance) -> Value {
    json!({ "quantity": balance.quantity.to_string(), "value": balance.value.to_string() })
}

fn item_for_machines(item: &ClosedItem) -> Value {
    json!({
        "item": item.item.to_string(), "code": item.code, "book": book(item), "figures": figures(&item.figures),
        "xero": item.xero.as_ref().map(balance),
    })
}

fn for_machines(closing: &Closing) -> Value {
    let reopened_at = match closing.state {
        ClosingState::Reopened(at) => Some(at.to_string()),
        ClosingState::Making(_) | ClosingState::Standing => None,
    };
    json!({
        "month": closing.month.strftime("%Y-%m").to_string(), "closing": closing.number,
        "known_at": closing.known_at.to_string(), "stands": closing.state == ClosingState::Standing,
        "reopened_at": reopened_at, "items": closing.items, "not_counted": closing.not_counted,
        "ours": figures(&closing.ours), "tracked": figures(&closing.tracked), "tracked_items": closing.tracked_items, "xero": balance(&closing.xero), "xero_items": closing.said, "hash": closing.hash.to_string(),
    })
}

/// The items in CSV; what others wrote is no formula for a spreadsheet.
fn in_csv(items: &[ClosedItem]) -> Result<String, LocalError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(LocalError::outside)?;
    for item in items {
        let Figures { end, opened, purchased, sold } = item.figures;
        let cells = [
            item.item.to_string(),
            escaped(&item.code),
            book(item).to_owned(),
            end.quantity.to_string(),
            end.value.to_string(),
            opened.to_string(),
            purchased.to_string(),
            sold.to_string(),
            item.xero.map_or_else(String::new, |xero| xero.quantity.to_string()),
            item.xero.map_or_else(String::new, |xero| xero.value.to_string()),
        ];
        writer.write_record(cells).map_err(LocalError::outside)?;
    }
    let bytes = writer.into_inner().map_err(LocalError::outside)?;
    String::from_utf8(bytes).map_err(LocalError::outside)
}

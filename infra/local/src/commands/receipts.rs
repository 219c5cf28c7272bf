//! `parstock receipts`: what came in of orders.

use clap::{Args, Subcommand};
use jiff::civil::Date;
use parstock_app::receiving::{self, Decision, NamedRequest};
use parstock_domain::fixed::Quantity;
use parstock_domain::goods_receipt::{BillFate, GoodsReceipt, ReceiptNumber, name, number_of};
use parstock_domain::ids::OrgId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Common;
use crate::ask::{Answer, Ask, table};
use crate::error::{DIFFERENCES, LocalError};
use crate::place::Place;

/// Goods receipts.
#[derive(Args, Clone, Debug)]
pub struct Receipts {
    #[command(subcommand)]
    command: ReceiptsCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum ReceiptsCommand {
    /// List the orders that are to come, and the goods receipts
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Show what came of an order, and what is still to come
    Order {
        /// The order's number
        order: String,
        #[command(flatten)]
        common: Common,
    },
    /// Say what came in of an order; all that is expected without --item
    Make {
        /// The order's number
        order: String,
        /// How much of an item came in; may be given several times
        #[arg(long, value_name = "CODE=QUANTITY", value_parser = item)]
        item: Vec<(String, Quantity)>,
        /// The day on which it came; today without it
        #[arg(long, value_name = "DAY")]
        on: Option<Date>,
        /// The number on the supplier's delivery note
        #[arg(long, value_name = "NUMBER")]
        slip: Option<String>,
        /// These goods were billed before they came
        #[arg(long)]
        billed: bool,
        /// Nothing more comes of these lines
        #[arg(long)]
        ends: bool,
        #[command(flatten)]
        common: Common,
    },
    /// Take in the goods of a receipt that waits
    TakeIn {
        /// Its number, from `parstock receipts list`
        number: String,
        #[command(flatten)]
        common: Common,
    },
    /// Refuse a receipt that waits
    Reject {
        /// Its number, from `parstock receipts list`
        number: String,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        common: Common,
    },
    /// Take a receipt back that was wrong: its goods are not in stock any more
    TakeBack {
        /// Its number, from `parstock receipts list`
        number: String,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        common: Common,
    },
}

fn item(text: &str) -> Result<(String, Quantity), String> {
    let (code, quantity) = text.rsplit_once('=').ok_or("write it as CODE=QUANTITY")?;
    let quantity = quantity.parse().map_err(|error| format!("`{quantity}`: {error}"))?;
    Ok((code.to_owned(), quantity))
}

/// What is asked of goods receipts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Receiving {
    /// List them.
    List,
    /// Show an order.
    Order {
        /// Its number.
        order: String,
    },
    /// Enter one.
    Make {
        /// The order's number.
        order: String,
        /// How much, by item code.
        items: Vec<(String, Quantity)>,
        /// The day.
        on: Option<Date>,
        /// The number on the delivery note.
        slip: String,
        /// Whether the goods were billed before they came.
        billed: bool,
        /// Whether nothing more comes.
        ends: bool,
    },
    /// Take one in that waits.
    TakeIn {
        /// Its number.
        number: String,
    },
    /// Refuse one that waits.
    Reject {
        /// Its number.
        number: String,
        /// Why.
        reason: String,
    },
    /// Take one back.
    TakeBack {
        /// Its number.
        number: String,
        /// Why.
        reason: String,
    },
}

impl Receiving {
    /// Whether it changes anything.
    pub const fn changes(&self) -> bool {
        !matches!(self, Self::List | Self::Order { .. })
    }
}

impl Receipts {
    pub(super) const fn common(&self) -> &Common {
        match &self.command {
            ReceiptsCommand::List { common }
            | ReceiptsCommand::Order { common, .. }
            | ReceiptsCommand::Make { common, .. }
            | ReceiptsCommand::TakeIn { common, .. }
            | ReceiptsCommand::Reject { common, .. }
            | ReceiptsCommand::TakeBack { common, .. } => common,
        }
    }

    pub(super) fn ask(&self) -> Ask {
        Ask::Receipts(match self.command.clone() {
            ReceiptsCommand::List { .. } => Receiving::List,
            ReceiptsCommand::Order { order, .. } => Receiving::Order { order },
            ReceiptsCommand::Make { order, item, on, slip, billed, ends, .. } => {
                Receiving::Make { order, items: item, on, slip: slip.unwrap_or_default(), billed, ends }
            }
            ReceiptsCommand::TakeIn { number, .. } => Receiving::TakeIn { number },
            ReceiptsCommand::Reject { number, reason, .. } => Receiving::Reject { number, reason },
            ReceiptsCommand::TakeBack { number, reason, .. } => Receiving::TakeBack { number, reason },
        })
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId, asked: &Receiving) -> Result<Answer, LocalError> {
    let who = place.person();
    match asked {
        Receiving::List => list(place, org).await,
        Receiving::Order { order } => show(place, org, order).await,
        Receiving::Make { order, items, on, slip, billed, ends } => {
            let named = NamedRequest {
                order: order.clone(),
                on: *on,
                slip: slip.clone(),
                items: items.clone(),
                billed: *billed,
                ends: *ends,
            };
            let request = receiving::resolve(place, org, &named).await?;
            made(&receiving::make(place, org, who, &request, None).await?)
        }
        Receiving::TakeIn { number } => {
            let number = known(number)?;
            receiving::decide(place, org, who, number, &Decision::TakeIn).await?;
            Ok(told(number, "is being taken in"))
        }
        Receiving::Reject { number, reason } => {
            let number = known(number)?;
            let decision = Decision::Reject { reason: reason.clone() };
            receiving::decide(place, org, who, number, &decision).await?;
            Ok(told(number, "is refused: nothing was booked"))
        }
        Receiving::TakeBack { number, reason } => {
            let number = known(number)?;
            receiving::take_back(place, org, who, number, reason).await?;
            Ok(told(number, "is being taken back"))
        }
    }
}

fn known(text: &str) -> Result<ReceiptNumber, LocalError> {
    number_of(text).ok_or_else(|| {
        LocalError::Input(format!("`{text}` is no goods receipt: see `parstock receipts list`"))
    })
}

fn told(number: ReceiptNumber, what: &str) -> Answer {
    let name = name(number);
    Answer::new(json!({ "receipt": name }), format!("goods receipt {name} {what}\n"))
}

fn made(receipt: &GoodsReceipt) -> Result<Answer, LocalError> {
    let json = serde_json::to_value(receipt)?;
    let number = name(receipt.number);
    if receipt.stage.is_taken_in() {
        return Ok(Answer::new(json, format!("goods receipt {number} is being taken in\n")));
    }
    let why: Vec<String> = receipt.deviations.iter().map(|it| format!("  {it}\n")).collect();
    let text = format!("goods receipt {number} waits for a decision, nothing is booked:\n{}", why.concat());
    let talk = format!("to take it in: parstock receipts take-in {number}");
    Ok(Answer::new(json, text).saying(talk).exiting(DIFFERENCES))
}

fn bill_words(receipt: &GoodsReceipt) -> String {
    match &receipt.bill {
        None => String::new(),
        Some(BillFate::Written { .. }) => format!("draft bill {}", name(receipt.number)),
        Some(BillFate::None { why }) => format!("no bill: {why}"),
    }
}

async fn list(place: &impl Place, org: OrgId) -> Result<Answer, LocalError> {
    let orders = receiving::orders(place, org).await?;
    let receipts = receiving::all(place, org).await?;
    let mut text = String::new();
    if orders.is_empty() {
        text.push_str("no order is to come\n");
    } else {
        let mut rows =
            vec![["order", "supplier", "day", "expected", "lines to come"].map(str::to_owned).to_vec()];
        for order in &orders {
            rows.push(vec![
                order.number.clone(),
                order.supplier_name.clone(),
                order.on.to_string(),
                order.expected_on.map(|on| on.to_string()).unwrap_or_default(),
                order.open_lines.to_string(),
            ]);
        }
        text.push_str(&table(&rows));
    }
    if !receipts.is_empty() {
        let mut rows = vec![
            ["receipt", "day", "order", "supplier", "lines", "state", "in Xero"].map(str::to_owned).to_vec(),
        ];
        for receipt in &receipts {
            rows.push(vec![
                name(receipt.number),
                receipt.on.to_string(),
                receipt.order_number.clone(),
                receipt.supplier_name.clone(),
                receipt.lines.len().to_string(),
                receipt.stage.words().to_owned(),
                bill_words(receipt),
            ]);
        }
        text.push_str(&table(&rows));
    }
    let orders: Vec<Value> = orders
        .iter()
        .map(|order| {
            json!({
                "order": order.number, "supplier": order.supplier_name, "day": order.on.to_string(),
                "expected": order.expected_on.map(|on| on.to_string()), "lines_to_come": order.open_lines,
            })
        })
        .collect();
    let receipts: Vec<Value> = receipts.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    Ok(Answer::new(json!({ "to_come": orders, "receipts": receipts }), text))
}

async fn show(place: &impl Place, org: OrgId, number: &str) -> Result<Answer, LocalError> {
    let order = receiving::order_named(place, org, number).await?;
    let mut rows =
        vec![["item", "name", "ordered", "received", "billed", "to come"].map(str::to_owned).to_vec()];
    let mut lines = Vec::new();
    for line in &order.lines {
        let figures =
            [line.ordered, line.received, line.billed, line.open].map(|quantity| quantity.to_string());
        rows.push([line.code.clone(), line.name.clone()].into_iter().chain(figures).collect());
        lines.push(json!({
            "item": line.code, "ordered": line.ordered.to_string(), "received": line.received.to_string(),
            "billed": line.billed.to_string(), "to_come": line.open.to_string(),
        }));
    }
    let text = format!("order {} from {}, {}\n{}", order.number, order.supplier_name, order.on, table(&rows));
    Ok(Answer::new(json!({ "order": order.number, "supplier": order.supplier_name, "lines": lines }), text))
}

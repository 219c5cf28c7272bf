//! `parstock landed`: vouchers that spread freight, duty and insurance over what came in.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use parstock_app::landed::{self, Preview};
use parstock_domain::document::DocumentRef;
use parstock_domain::fixed::Money;
use parstock_domain::ids::OrgId;
use parstock_domain::landed::{Papers, Revaluation, RevaluationFate, Voucher, VoucherNumber};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Common;
use super::approve::parse_hash;
use crate::ask::{Answer, Ask, table};
use crate::error::{DIFFERENCES, LocalError};
use crate::place::Place;
use crate::voucher_file::VoucherFile;

/// Landed cost vouchers.
#[derive(Args, Clone, Debug)]
pub struct Landed {
    #[command(subcommand)]
    command: LandedCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum LandedCommand {
    /// List what could be spread, and the vouchers
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Make a voucher from a TOML file; without --contents it is shown with its hash, and nothing happens
    Make {
        /// The file
        file: PathBuf,
        /// Hash of the contents that you book
        #[arg(long, value_name = "HASH")]
        contents: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Take a voucher back: the ledger is then as it would be without it
    TakeBack {
        /// Its number, from `parstock landed list`
        number: String,
        /// Why, in a few words
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        common: Common,
    },
    /// Read the papers of a bill: which orders, bills, goods receipts or items the PDFs attached to it in Xero name
    Papers {
        /// The bill's number
        bill: String,
        #[command(flatten)]
        common: Common,
    },
    /// Say that a bill is no freight of goods, so that it is not asked about any more
    Leave {
        /// The bill's number
        bill: String,
        #[command(flatten)]
        common: Common,
    },
}

/// What is asked of vouchers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Vouchers {
    /// List them.
    List,
    /// Make one, or show what it would be.
    Make {
        /// Text of the file.
        text: String,
        /// Hash of the contents that were shown.
        contents: Option<String>,
    },
    /// Take one back.
    TakeBack {
        /// Its number.
        number: String,
        /// Why.
        reason: String,
    },
    /// Have the papers of a bill read.
    Papers {
        /// Its number.
        bill: String,
    },
    /// Leave a bill alone.
    Leave {
        /// Its number.
        bill: String,
    },
}

impl Vouchers {
    /// Whether it changes anything.
    pub const fn changes(&self) -> bool {
        match self {
            Self::List => false,
            Self::Make { contents, .. } => contents.is_some(),
            Self::TakeBack { .. } | Self::Papers { .. } | Self::Leave { .. } => true,
        }
    }
}

impl Landed {
    pub(super) const fn common(&self) -> &Common {
        match &self.command {
            LandedCommand::List { common }
            | LandedCommand::Make { common, .. }
            | LandedCommand::TakeBack { common, .. }
            | LandedCommand::Papers { common, .. }
            | LandedCommand::Leave { common, .. } => common,
        }
    }

    pub(super) fn ask(&self) -> Result<Ask, LocalError> {
        Ok(Ask::Landed(match self.command.clone() {
            LandedCommand::List { .. } => Vouchers::List,
            LandedCommand::Make { file, contents, .. } => {
                Vouchers::Make { text: super::settings::read(&file)?, contents }
            }
            LandedCommand::TakeBack { number, reason, .. } => Vouchers::TakeBack { number, reason },
            LandedCommand::Papers { bill, .. } => Vouchers::Papers { bill },
            LandedCommand::Leave { bill, .. } => Vouchers::Leave { bill },
        }))
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId, asked: &Vouchers) -> Result<Answer, LocalError> {
    match asked {
        Vouchers::List => list(place, org).await,
        Vouchers::Make { text, contents } => make(place, org, text, contents.as_deref()).await,
        Vouchers::TakeBack { number, reason } => {
            let number: VoucherNumber = number.parse().map_err(|_| {
                LocalError::Input(format!("`{number}` is no voucher: see `parstock landed list`"))
            })?;
            landed::take_back(place, org, place.person(), number, reason).await?;
            let (revaluation, waits) =
                waiting(place, org, number, |voucher| voucher.revaluation_back.as_ref()).await?;
            Ok(Answer::new(
                json!({ "voucher": number.to_string(), "revaluation": revaluation }),
                format!("voucher {number} is being taken back\n{waits}"),
            ))
        }
        Vouchers::Papers { bill } => {
            landed::read_papers(place, org, place.person(), listed(place, org, bill).await?).await?;
            Ok(Answer::new(
                json!({ "bill": bill }),
                format!(
                    "the papers of bill {bill} are being read: `parstock landed list` says what they name\n"
                ),
            ))
        }
        Vouchers::Leave { bill } => {
            landed::leave(place, org, place.person(), listed(place, org, bill).await?).await?;
            Ok(Answer::new(json!({ "bill": bill }), format!("bill {bill} is left alone\n")))
        }
    }
}

/// The bill with a number among those that are listed.
async fn listed(place: &impl Place, org: OrgId, bill: &str) -> Result<DocumentRef, LocalError> {
    let open = landed::to_spread(place, org).await?;
    let mut found = open.iter().filter(|purchase| purchase.number == bill);
    match (found.next(), found.next()) {
        (Some(purchase), None) => Ok(purchase.of),
        _ => Err(LocalError::Input(format!(
            "`{bill}` is none or several of the bills that `parstock landed list` names: use the console's page Landed cost"
        ))),
    }
}

async fn list(place: &impl Place, org: OrgId) -> Result<Answer, LocalError> {
    let open = landed::to_spread(place, org).await?;
    let vouchers = landed::all(place, org).await?;
    let mut text = String::new();
    if !open.is_empty() {
        let mut rows = vec![["to spread", "of", "day", "left", "papers"].map(str::to_owned).to_vec()];
        for purchase in &open {
            let left = purchase.freight_left().map_err(LocalError::outside)?;
            rows.push(vec![
                purchase.number.clone(),
                purchase.contact_name.clone(),
                purchase.on.to_string(),
                left.to_string(),
                purchase.papers.as_ref().map(Papers::words).unwrap_or_default(),
            ]);
        }
        text.push_str(&table(&rows));
    }
    let mut rows =
        vec![["voucher", "day", "bills", "total", "receipts", "state"].map(str::to_owned).to_vec()];
    for voucher in &vouchers {
        rows.push(vec![
            voucher.number.to_string(),
            voucher.draft.on.to_string(),
            voucher.draft.bills().into_iter().map(|(number, _)| number).collect::<Vec<_>>().join(", "),
            voucher.total().map_err(LocalError::outside)?.to_string(),
            voucher.draft.shares.len().to_string(),
            voucher.state_words(),
        ]);
    }
    text.push_str(&if vouchers.is_empty() { "no vouchers\n".to_owned() } else { table(&rows) });
    let open: Vec<Value> = open
        .iter()
        .map(|purchase| {
            json!({ "bill": purchase.number, "supplier": purchase.contact_name, "day": purchase.on.to_string(), "charges": purchase.charges, "papers": purchase.papers })
        })
        .collect();
    let vouchers: Vec<Value> = vouchers.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
    Ok(Answer::new(json!({ "to_spread": open, "vouchers": vouchers }), text))
}

async fn make(
    place: &impl Place,
    org: OrgId,
    text: &str,
    contents: Option<&str>,
) -> Result<Answer, LocalError> {
    let named = VoucherFile::read(text).and_then(|file| file.request()).map_err(LocalError::Input)?;
    let request = landed::resolve(place, org, &named).await?;
    let Some(contents) = contents else {
        let preview = landed::preview(place, org, &request).await?;
        let talk = format!(
            "nothing was booked; to book exactly this: parstock landed make FILE --contents {}",
            preview.contents
        );
        return Ok(Answer::new(as_json(&preview), as_text(&preview)?).saying(talk).exiting(DIFFERENCES));
    };
    let number = landed::make(place, org, place.person(), &request, Some(parse_hash(contents)?)).await?;
    let (revaluation, waits) = waiting(place, org, number, |voucher| voucher.revaluation.as_ref()).await?;
    Ok(Answer::new(
        json!({ "voucher": number.to_string(), "revaluation": revaluation }),
        format!("voucher {number} is being booked\n{waits}"),
    ))
}

/// The number of one of a voucher's revaluations that waits for a person, and a line that says so; neither where none waits.
async fn waiting(
    place: &impl Place,
    org: OrgId,
    number: VoucherNumber,
    of: impl Fn(&Voucher) -> Option<&Revaluation>,
) -> Result<(Option<String>, String), LocalError> {
    let voucher = landed::all(place, org).await?.into_iter().find(|voucher| voucher.number == number);
    let revaluation = voucher.as_ref().and_then(of).filter(|it| it.fate == RevaluationFate::Waits);
    let Some(number) = revaluation.and_then(|it| it.adjustment) else { return Ok((None, String::new())) };
    let line = format!("revaluation {number} waits: parstock stock adjustments approve {number}\n");
    Ok((Some(number.to_string()), line))
}

fn as_json(preview: &Preview) -> Value {
    let landed = preview
        .landed
        .iter()
        .map(|landed| json!({ "in_stock": landed.in_stock.to_string(), "sold": landed.sold.to_string() }));
    json!({
        "contents": preview.contents.to_string(), "voucher": preview.draft, "landed": landed.collect::<Vec<_>>(),
        "revalued": preview.revalued,
    })
}

fn as_text(preview: &Preview) -> Result<String, LocalError> {
    let draft = &preview.draft;
    let total = draft.total().map_err(LocalError::outside)?;
    let mut text = format!("{total} by {} on {}\n", draft.basis.code(), draft.on);
    let mut rows =
        vec![["bill", "item", "quantity", "cost", "takes", "in stock", "sold"].map(str::to_owned).to_vec()];
    let (mut in_stock, mut sold) = (Money::ZERO, Money::ZERO);
    for (share, landed) in draft.shares.iter().zip(&preview.landed) {
        in_stock = in_stock.plus(landed.in_stock).map_err(LocalError::outside)?;
        sold = sold.plus(landed.sold).map_err(LocalError::outside)?;
        rows.push(vec![
            share.number.clone(),
            share.code.clone(),
            share.quantity.to_string(),
            share.value.to_string(),
            share.amount.to_string(),
            landed.in_stock.to_string(),
            landed.sold.to_string(),
        ]);
    }
    let all = ["all", "", "", "", &total.to_string(), &in_stock.to_string(), &sold.to_string()];
    rows.push(all.map(str::to_owned).to_vec());
    text.push_str(&table(&rows));
    if !preview.revalued.is_empty() {
        text.push_str("in Xero, once it is approved, by what lies there then:\n");
        let head = ["revalued", "on hand", "of these goods", "on the stock", "sold"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for part in &preview.revalued {
            rows.push(vec![
                part.code.clone(),
                part.on_hand.to_string(),
                part.kept().to_string(),
                part.on_pool.to_string(),
                part.sold().map_err(LocalError::outside)?.to_string(),
            ]);
        }
        text.push_str(&table(&rows));
    }
    Ok(text)
}

//! `parstock prices`: item prices in Xero that bills have left behind.

use clap::{Args, Subcommand};
use parstock_app::prices::{self, Decided, Decision};
use parstock_domain::fixed::Money;
use parstock_domain::ids::{ItemId, OrgId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Common;
use crate::ask::{Answer, Ask, table};
use crate::error::{DIFFERENCES, LocalError};
use crate::place::Place;

/// Item prices in Xero.
#[derive(Args, Clone, Debug)]
pub struct Prices {
    #[command(subcommand)]
    command: PricesCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum PricesCommand {
    /// List the changes that wait for a decision
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Have the prices of items set in Xero as they are listed
    Approve {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        common: Common,
    },
    /// Leave the prices of items as they are
    Reject {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        common: Common,
    },
}

/// Which prices.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
struct Which {
    /// An item's code with the new price as it is listed, such as BOX=12.50
    #[arg(value_name = "CODE=PRICE")]
    prices: Vec<String>,
    /// All that are listed
    #[arg(long)]
    all: bool,
}

/// What is asked of prices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Pricing {
    /// List them.
    List,
    /// Decide.
    Decide {
        /// Whether they are approved.
        approve: bool,
        /// Each as `CODE=PRICE`; all of them if there is none.
        prices: Vec<String>,
    },
}

impl Pricing {
    /// Whether it changes anything.
    pub const fn changes(&self) -> bool {
        matches!(self, Self::Decide { .. })
    }
}

impl Prices {
    pub(super) const fn common(&self) -> &Common {
        match &self.command {
            PricesCommand::List { common }
            | PricesCommand::Approve { common, .. }
            | PricesCommand::Reject { common, .. } => common,
        }
    }

    pub(super) fn ask(&self) -> Ask {
        Ask::Prices(match &self.command {
            PricesCommand::List { .. } => Pricing::List,
            PricesCommand::Approve { which, .. } => {
                Pricing::Decide { approve: true, prices: which.prices.clone() }
            }
            PricesCommand::Reject { which, .. } => {
                Pricing::Decide { approve: false, prices: which.prices.clone() }
            }
        })
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId, asked: &Pricing) -> Result<Answer, LocalError> {
    let open = prices::open(place, org).await?;
    let Pricing::Decide { approve, prices: named } = asked else {
        let mut rows =
            vec![["item", "name", "in Xero", "costs now", "bill of", "on"].map(str::to_owned).to_vec()];
        rows.extend(open.iter().map(|change| {
            vec![
                change.code.clone(),
                change.name.clone(),
                change.from.to_string(),
                change.to.to_string(),
                change.supplier_name.clone(),
                change.on.to_string(),
            ]
        }));
        let text = if open.is_empty() { "no price to decide\n".to_owned() } else { table(&rows) };
        let json: Vec<Value> = open.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
        return Ok(Answer::new(json!(json), text));
    };
    let mut shown: Vec<(ItemId, Money)> = Vec::new();
    for name in named {
        let wrong = || LocalError::Input(format!("`{name}` is not a code with a price, such as BOX=12.50"));
        let (code, price) = name.rsplit_once('=').ok_or_else(wrong)?;
        let price: Money = price.parse().map_err(|_| wrong())?;
        let change = open.iter().find(|change| change.code == code).ok_or_else(|| {
            LocalError::Input(format!(
                "no price of `{code}` waits for a decision: see `parstock prices list`"
            ))
        })?;
        shown.push((change.item, price));
    }
    if named.is_empty() {
        shown.extend(open.iter().map(|change| (change.item, change.to)));
    }
    let decision = if *approve { Decision::Approve } else { Decision::Reject };
    let Decided { taken, left } = prices::decide(place, org, place.person(), &shown, decision).await?;
    let left: Vec<&str> =
        open.iter().filter(|change| left.contains(&change.item)).map(|change| change.code.as_str()).collect();
    let text = if taken == 0 {
        "nothing was decided\n".to_owned()
    } else if *approve {
        format!("{taken} approved: they are being set in Xero\n")
    } else {
        format!("{taken} left as they are\n")
    };
    let json = json!({ "decided": taken, "approved": approve, "changed_since": left });
    if left.is_empty() {
        return Ok(Answer::new(json, text));
    }
    let talk =
        format!("not what is listed now, so not decided: {}; see `parstock prices list`", left.join(", "));
    Ok(Answer::new(json, text).saying(talk).exiting(DIFFERENCES))
}

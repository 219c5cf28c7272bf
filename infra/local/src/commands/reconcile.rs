//! `parstock reconcile`: what Xero holds beside what the ledger says, each difference with its likely cause.

use clap::Args;
use parstock_app::reconcile;
use parstock_domain::ids::OrgId;
use parstock_domain::ledger::Proof;
use parstock_domain::ledger::proof::{Difference, Subject};
use serde_json::{Value, json};

use super::Common;
use crate::ask::{Answer, Ask, console, table};
use crate::error::{DIFFERENCES, DONE, LocalError};
use crate::place::Place;

/// Shows the latest daily proof.
#[derive(Args, Clone, Debug)]
pub struct Reconcile {
    /// Ask Xero and prove today anew, which takes three calls
    #[arg(long)]
    pub now: bool,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Reconcile {
    pub(super) const fn ask(&self) -> Ask {
        Ask::Reconcile { now: self.now }
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId, now: bool) -> Result<Answer, LocalError> {
    if now {
        if !place.reaches_xero() {
            return Err(LocalError::Input(
                "the simulated Xero runs with `parstock run` alone: start it, or leave --now away".to_owned(),
            ));
        }
        reconcile::anew(place, org, place.person()).await?;
    }
    let page = console(place, org).await?.proof().await?;
    let Some(proof) = page.proof else {
        return Err(LocalError::Input(
            "there is no proof yet: the first is made soon after the history is read, or by `parstock reconcile --now`"
                .to_owned(),
        ));
    };
    let exit_code = if proof.differs() { DIFFERENCES } else { DONE };
    let text = for_people(&proof, &page.site.currency);
    Ok(Answer::new(for_machines(&proof), text).exiting(exit_code))
}

fn for_people(proof: &Proof, currency: &str) -> String {
    let Proof { day, items, xero, ours, .. } = proof;
    let mut text = format!(
        "{day}: {items} tracked items\n\
         in Xero  {} units, {} {currency}\n\
         here     {} units, {} {currency}\n",
        xero.quantity, xero.value, ours.quantity, ours.value
    );
    for account in &proof.accounts {
        text.push_str(&format!(
            "account {} {}: {} {currency} on it, its items come to {}\n",
            account.code, account.name, account.balance, account.items
        ));
    }
    if let Some(why) = &proof.without_accounts {
        text.push_str(&format!("the accounts are not compared: {why}\n"));
    }
    if proof.differences.is_empty() {
        text.push_str("no difference\n");
        return text;
    }
    let mut lines = vec![["difference", "quantity", "money", "likely cause"].map(str::to_owned).to_vec()];
    lines.extend(proof.differences.iter().map(|difference| {
        vec![
            difference.named.clone(),
            difference.quantity.to_string(),
            difference.value.to_string(),
            format!("{}: {}", difference.cause.words(), difference.cause.hint()),
        ]
    }));
    text.push_str(&table(&lines));
    if proof.more > 0 {
        text.push_str(&format!("and {} more of less money\n", proof.more));
    }
    text
}

fn for_machines(proof: &Proof) -> Value {
    let difference = |difference: &Difference| {
        let (item, account) = match &difference.of {
            Subject::Item(item) => (Some(item.to_string()), None),
            Subject::Account(code) => (None, Some(code)),
            Subject::Cents => (None, None),
        };
        json!({
            "item": item, "account": account, "named": difference.named,
            "quantity": difference.quantity.to_string(), "value": difference.value.to_string(),
            "cause": difference.cause.code(),
        })
    };
    let differences: Vec<Value> = proof.differences.iter().map(difference).collect();
    let accounts: Vec<Value> = proof
        .accounts
        .iter()
        .map(|account| {
            json!({
                "code": account.code, "name": account.name, "balance": account.balance.to_string(),
                "items": account.items.to_string(),
            })
        })
        .collect();
    json!({
        "day": proof.day.to_string(), "at": proof.at.to_string(), "items": proof.items,
        "xero": { "quantity": proof.xero.quantity.to_string(), "value": proof.xero.value.to_string() },
        "ours": { "quantity": proof.ours.quantity.to_string(), "value": proof.ours.value.to_string() },
        "accounts": accounts, "without_accounts": proof.without_accounts,
        "differs": proof.differs(), "differences": differences, "more": proof.more,
    })
}

//! What a person asks for by the names that people use: numbers of bills, codes of items.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::Date;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::OrgId;
use parstock_domain::landed::{Basis, Purchase, Request, RequestedCharge, RequestedReceipt};

use super::{LOOKED_BACK_DAYS, known, purchases_since};
use crate::error::AppError;
use crate::ports::Ports;
use crate::writer::Writer;

/// A voucher that a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRequest {
    /// By what it is spread.
    pub basis: Basis,
    /// The day on which it takes effect.
    pub on: Option<Date>,
    /// What is spread.
    pub charges: Vec<NamedCharge>,
    /// Over what.
    pub receipts: Vec<NamedReceipt>,
}

/// Lines of a bill that name no item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCharge {
    /// The bill's number.
    pub bill: String,
    /// A part of the line's description; all lines of which something is left if it is left out.
    pub line: Option<String>,
    /// How much of it; what is left of it if it is left out.
    pub amount: Option<Money>,
}

/// Goods that a bill brought in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedReceipt {
    /// The bill's number.
    pub bill: String,
    /// The item's code; all items if it is left out.
    pub item: Option<String>,
    /// What one unit weighs.
    pub weight: Option<Quantity>,
    /// How much it takes.
    pub amount: Option<Money>,
}

/// Finds what the names stand for.
///
/// # Errors
/// [`AppError::Reject`] says which name stands for nothing, or for more than one; else when the store does not answer.
pub async fn resolve<P: Ports>(ports: &P, org: OrgId, asked: &NamedRequest) -> Result<Request, AppError> {
    let writer = Writer::open_unleased(ports, org).await?;
    let from = writer.clock().day_of(writer.now()).saturating_sub(LOOKED_BACK_DAYS.days());
    let purchases = purchases_since(&writer, from).await?;
    let mut charges = Vec::new();
    for named in &asked.charges {
        let purchase = bill(&purchases, &named.bill, from)?;
        let wanted = named.line.as_ref().map(|line| line.to_lowercase());
        let mut found = Vec::new();
        for charge in &purchase.charges {
            let is_meant = match &wanted {
                Some(wanted) => charge.what.to_lowercase().contains(wanted),
                None => charge.left()? > Money::ZERO,
            };
            found.extend(is_meant.then_some(charge.line));
        }
        if found.is_empty() {
            let lines: Vec<String> =
                purchase.charges.iter().map(|charge| format!("`{}`", charge.what)).collect();
            return Err(AppError::Reject(match lines.is_empty() {
                true => format!("bill {} has no line without an item", named.bill),
                false => format!(
                    "bill {} has no such line of which something is left; it has {}",
                    named.bill,
                    lines.join(", ")
                ),
            }));
        }
        if found.len() > 1 && named.amount.is_some() {
            return Err(AppError::Reject(format!(
                "an amount of bill {} is given, and {} of its lines are meant: name one of them with `line`",
                named.bill,
                found.len()
            )));
        }
        let of = purchase.of;
        charges.extend(found.into_iter().map(|line| RequestedCharge { of, line, amount: named.amount }));
    }
    let mut receipts = Vec::new();
    for named in &asked.receipts {
        let of = bill(&purchases, &named.bill, from)?.of;
        let received = known::received(&writer, &BTreeSet::from([of])).await?;
        let found: Vec<_> = received
            .into_iter()
            .filter(|(_, there)| named.item.as_ref().is_none_or(|code| there.code == *code))
            .map(|((of, line), _)| (of, line))
            .collect();
        if found.is_empty() {
            let of = named.item.as_ref().map(|code| format!(" of `{code}`")).unwrap_or_default();
            return Err(AppError::Reject(format!("bill {} brought in nothing{of}", named.bill)));
        }
        if found.len() > 1 && named.amount.is_some() {
            return Err(AppError::Reject(format!(
                "an amount for bill {} is given, and {} of its lines are meant: name one item with `item`",
                named.bill,
                found.len()
            )));
        }
        receipts.extend(found.into_iter().map(|(of, line)| RequestedReceipt {
            of,
            line,
            weight: named.weight,
            amount: named.amount,
        }));
    }
    Ok(Request { basis: asked.basis, on: asked.on, charges, receipts })
}

fn bill<'p>(purchases: &'p [Purchase], number: &str, from: Date) -> Result<&'p Purchase, AppError> {
    let mut found = purchases.iter().filter(|purchase| purchase.number == number);
    match (found.next(), found.next()) {
        (Some(purchase), None) => Ok(purchase),
        (None, _) => Err(AppError::Reject(format!(
            "no approved bill since {from} has the number `{number}` (case matters) and brings in goods or has a line without an item"
        ))),
        (Some(_), Some(_)) => Err(AppError::Reject(format!(
            "several bills since {from} have the number `{number}`: make the voucher on the console, which knows them apart"
        ))),
    }
}

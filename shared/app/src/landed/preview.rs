//! What a voucher would do, before anybody decides.

use std::collections::BTreeMap;

use parstock_domain::audit::Hash;
use parstock_domain::fixed::Money;
use parstock_domain::ids::{ItemId, OrgId};
use parstock_domain::landed::{self, Draft, Part, Problem, Request, Share, VoucherNumber, spread};

use super::book::{ItemCosts, Landing};
use super::books::Books;
use super::known::Known;
use super::revalue;
use crate::error::AppError;
use crate::ports::Ports;
use crate::writer::Writer;

/// Decimals of the ledger's amounts.
pub(super) const DECIMALS: u32 = 4;

/// What a voucher would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The voucher.
    pub draft: Draft,
    /// A hash of it: what a person says yes to.
    pub contents: Hash,
    /// What each share does, in their order.
    pub landed: Vec<Landed>,
    /// What would go on stock that Xero tracks, by what Xero last said.
    pub revalued: Vec<Part>,
}

/// What a share does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landed {
    /// What of it stays with stock that is still there.
    pub in_stock: Money,
    /// What of it becomes cost of goods sold, since its goods are gone.
    pub sold: Money,
}

/// What a request would do now.
///
/// # Errors
/// [`AppError::Reject`] says what stands against it; else when the store does not answer.
pub async fn preview<P: Ports>(ports: &P, org: OrgId, request: &Request) -> Result<Preview, AppError> {
    let writer = Writer::open_unleased(ports, org).await?;
    let known = Known::of(&writer, request).await?;
    let draft = draft(&writer, request, &known)?;
    let books = Books::of(&writer).await?;
    books.check(&known, &draft)?;
    let mut revalued = Vec::new();
    if draft.shares.iter().any(|share| share.tracked) {
        books.accounts()?;
        revalue::check_contact(&writer).await?;
        revalued = revalue::parts(&writer, &draft).await?;
    }
    let contents = contents(&draft)?;
    let mut landed = vec![Landed { in_stock: Money::ZERO, sold: Money::ZERO }; draft.shares.len()];
    let mut by_item: BTreeMap<ItemId, Vec<(usize, &Share)>> = BTreeMap::new();
    for (index, (in_stock, sold)) in revalue::of_shares(&draft, &revalued)? {
        if let Some(share) = landed.get_mut(index) {
            *share = Landed { in_stock, sold };
        }
    }
    for (index, share) in draft.shares.iter().enumerate().filter(|(_, share)| !share.tracked) {
        by_item.entry(share.item).or_default().push((index, share));
    }
    for (item, shares) in by_item {
        let from = shares.iter().map(|(_, share)| share.on).min().unwrap_or(draft.on);
        let Some(mut costs) = ItemCosts::begin(&writer, item, from.min(draft.on)).await? else { continue };
        let before = costs.value();
        let mut causes = Vec::new();
        for (index, share) in shares {
            let number = VoucherNumber { on: draft.on, index: 0 };
            let landing = Landing { number, on: draft.on, share, received_on: share.on, back: false };
            let movement = costs.land(&writer, writer.new_commit(), &landing)?;
            causes.push((index, share.amount, movement.key.cause));
        }
        // what was sold since is costed anew, too: what is left of all shares, by what was left of each when it landed
        let in_stock = costs.value().minus(before)?;
        let kept = causes.iter().map(|(_, amount, cause)| costs.kept(cause, *amount));
        let kept: Vec<i64> = kept.collect::<Result<_, _>>()?;
        let parts = match kept.iter().any(|kept| *kept > 0) {
            true => spread(in_stock.max(Money::ZERO), &kept, DECIMALS)?,
            false => vec![Money::ZERO; kept.len()],
        };
        for ((index, amount, _), in_stock) in causes.into_iter().zip(parts) {
            if let Some(share) = landed.get_mut(index) {
                *share = Landed { in_stock, sold: amount.minus(in_stock)? };
            }
        }
    }
    Ok(Preview { draft, contents, landed, revalued })
}

/// What a request comes to, by what is booked.
pub(super) fn draft<P: Ports>(
    writer: &Writer<'_, P>,
    request: &Request,
    known: &Known,
) -> Result<Draft, AppError> {
    let today = writer.clock().day_of(writer.now());
    let decimals = revalue::decimals_of(writer);
    let draft = landed::draft(request, &known.contents(), &known.received, today, decimals);
    draft.map_err(|problem| match problem {
        Problem::Fixed(error) => error.into(),
        problem => AppError::Reject(problem.to_string()),
    })
}

/// The hash by which a person says yes to a voucher.
pub(super) fn contents(draft: &Draft) -> Result<Hash, AppError> {
    Ok(Hash::of(&serde_json::to_vec(draft)?))
}

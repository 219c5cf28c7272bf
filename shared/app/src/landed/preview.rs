//! What a voucher would do, before anybody decides.

use std::collections::BTreeMap;

use parstock_domain::audit::Hash;
use parstock_domain::fixed::Money;
use parstock_domain::ids::{ItemId, OrgId};
use parstock_domain::landed::{self, Draft, Problem, Request, Share, VoucherNumber};
use parstock_domain::manual_journal::decimals;

use super::book::{ItemCosts, Landing};
use super::known::Known;
use crate::error::AppError;
use crate::ports::Ports;
use crate::writer::Writer;

/// What a voucher would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The voucher.
    pub draft: Draft,
    /// A hash of it: what a person says yes to.
    pub contents: Hash,
    /// What each share does, in their order.
    pub landed: Vec<Landed>,
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
    let draft = draft(&writer, request, &Known::of(&writer, request).await?)?;
    let contents = contents(&draft)?;
    let mut landed = vec![Landed { in_stock: Money::ZERO, sold: Money::ZERO }; draft.shares.len()];
    let mut by_item: BTreeMap<ItemId, Vec<(usize, &Share)>> = BTreeMap::new();
    for (index, share) in draft.shares.iter().enumerate() {
        by_item.entry(share.item).or_default().push((index, share));
    }
    for (item, shares) in by_item {
        let from = shares.iter().map(|(_, share)| share.on).min().unwrap_or(draft.on);
        let Some(mut costs) = ItemCosts::begin(&writer, item, from.min(draft.on)).await? else { continue };
        for (index, share) in shares {
            let landing = Landing {
                number: VoucherNumber { on: draft.on, index: 0 },
                on: draft.on,
                share,
                received_on: share.on,
                back: false,
            };
            let before = costs.value();
            costs.land(&writer, writer.new_commit(), &landing)?;
            // what was sold since is costed anew, too
            let in_stock = costs.value().minus(before)?;
            if let Some(landed) = landed.get_mut(index) {
                *landed = Landed { in_stock, sold: share.amount.minus(in_stock)? };
            }
        }
    }
    Ok(Preview { draft, contents, landed })
}

/// What a request comes to, by what is booked.
pub(super) fn draft<P: Ports>(
    writer: &Writer<'_, P>,
    request: &Request,
    known: &Known,
) -> Result<Draft, AppError> {
    let today = writer.clock().day_of(writer.now());
    let places = decimals(&writer.profile.content.organisation.base_currency);
    let draft = landed::draft(request, &known.contents(), &known.received, today, places);
    draft.map_err(|problem| match problem {
        Problem::Fixed(error) => error.into(),
        problem => AppError::Reject(problem.to_string()),
    })
}

/// The hash by which a person says yes to a voucher.
pub(super) fn contents(draft: &Draft) -> Result<Hash, AppError> {
    Ok(Hash::of(&serde_json::to_vec(draft)?))
}

//! A person takes goods in of orders at any moment, decides on what waits, and takes some of it back.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parstock_app::error::AppError;
use parstock_app::ports::Store;
use parstock_app::receiving::{self, Decision};
use parstock_domain::document::DocumentKind;
use parstock_domain::fixed::Quantity;
use parstock_domain::goods_receipt::{Request, Stage, expected};
use parstock_domain::ids::{DocumentId, OrgId};

use super::{CONSOLE_TIME_OUT, World};
use crate::ports::FakePorts;
use crate::rng::Rng;
use crate::trade::ZONE_IANA;

/// Whose name stands under it.
const PERSON: &str = "A person";

impl<S: Store + 'static> World<S> {
    /// Somebody may do something about goods.
    pub(super) fn receive(&mut self, now: Timestamp) {
        if !self.story.receives {
            return;
        }
        let today = now.to_zoned(TimeZone::get(ZONE_IANA).unwrap()).date();
        let orgs: Vec<OrgId> = self.traders.keys().copied().collect();
        for org in orgs {
            let orders: Vec<DocumentId> = self.ports.books.with(org, |company| {
                let orders = company.documents.values();
                orders.filter(|it| it.of.kind == DocumentKind::PurchaseOrder).map(|it| it.of.id).collect()
            });
            let (seed, which) = self.sim.draw(|rng| (rng.below(u64::MAX), rng.below(u64::MAX)));
            let count = orders.len().max(1) as u64;
            let Some(order) = orders.get((which % count) as usize).copied() else { continue };
            let ports = Arc::clone(&self.ports);
            self.tasks.spawn("receipts", CONSOLE_TIME_OUT, async move {
                let mut rng = Rng::new(seed);
                let done = if rng.chance(600) {
                    take_in(&ports, org, order, today, &mut rng).await
                } else {
                    decide(&ports, org, &mut rng).await
                };
                if let Err(AppError::Bug(what)) = done {
                    ports.sim.violation(format!("a receipt met a bug: {what}"));
                }
            });
        }
    }
}

async fn take_in<S: Store + 'static>(
    ports: &FakePorts<S>,
    org: OrgId,
    order: DocumentId,
    today: jiff::civil::Date,
    rng: &mut Rng,
) -> Result<(), AppError> {
    let order = receiving::order(ports, org, order).await?;
    let mut quantities = Vec::new();
    for (line, expected) in expected(&order.lines, false) {
        let quantity = match rng.below(4) {
            0 => continue,
            1 => expected,
            2 => Quantity::from_e4(rng.below(60_000) as i64 + 1),
            _ => Quantity::from_e4(expected.e4() / 2),
        };
        if quantity > Quantity::ZERO {
            quantities.push((line.line, quantity));
        }
    }
    let (billed, ends) = (rng.chance(300), rng.chance(100));
    let on = today.saturating_sub(jiff::Span::new().days(rng.below(5) as i64));
    let request = Request { order: order.id, on, slip: String::new(), quantities, billed, ends };
    receiving::make(ports, org, PERSON, &request, Some(order.contents()?)).await?;
    Ok(())
}

/// Decides on what waits, else takes something back.
async fn decide<S: Store + 'static>(ports: &FakePorts<S>, org: OrgId, rng: &mut Rng) -> Result<(), AppError> {
    let mut receipts = receiving::all(ports, org).await?;
    if let Some(waiting) = receipts.iter().find(|receipt| receipt.stage == Stage::Waiting) {
        let refused = Decision::Reject { reason: "too much".to_owned() };
        let decision = if rng.chance(700) { Decision::TakeIn } else { refused };
        return receiving::decide(ports, org, PERSON, waiting.number, &decision).await;
    }
    receipts.retain(|receipt| receipt.stage.is_taken_in());
    let count = receipts.len().max(1) as u64;
    match receipts.get((rng.below(count)) as usize) {
        Some(receipt) if rng.chance(500) => {
            receiving::take_back(ports, org, PERSON, receipt.number, "wrong").await
        }
        _ => Ok(()),
    }
}

//! Plans from files: what `parstock plan` reads, asks the engine for, and decides.

mod enough;
mod read;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::demand::rate;
use parstock_domain::document::DocumentStatus;
use parstock_domain::fixed::{FixedError, Quantity};
use parstock_domain::ids::{ContactId, DocumentId, ItemId, LineId};
use parstock_domain::ledger::{OnHand, OrderLine};
use parstock_domain::replenish::{self, Enough, Plan, PlanInput};
use parstock_domain::settings::{Origin, Sourced};
use uuid::Uuid;

use crate::tables::Wrong;

pub use read::{Subject, demand, items, stock};

/// An item with its plan.
#[derive(Debug)]
pub struct Planned {
    /// The item.
    pub subject: Subject,
    /// The plan.
    pub plan: Plan,
}

/// Plans all items as of a day: what is sold before it is known, and no more.
///
/// # Errors
/// There are too many categories, or an amount of an item does not fit.
pub fn plan_all(subjects: Vec<Subject>, today: Date) -> Result<Vec<Planned>, Wrong> {
    let enough = enough::of_all(&subjects, today)?;
    subjects
        .into_iter()
        .zip(enough)
        .map(|(subject, enough)| match enough.and_then(|enough| plan_one(&subject, enough, today)) {
            Ok(plan) => Ok(Planned { subject, plan }),
            Err(error) => Err(Wrong::whole(format!(
                "`{}` can't be planned: {error}. Look for a figure that is too large in its lines",
                subject.code
            ))),
        })
        .collect()
}

fn plan_one(subject: &Subject, enough: Option<Enough>, today: Date) -> Result<Plan, FixedError> {
    let on_order = on_order(subject, today);
    replenish::plan(&PlanInput {
        today,
        now: Timestamp::UNIX_EPOCH,
        rate: rate(&subject.demand, subject.first_on, today)?,
        enough,
        on_hand: subject.on_hand.map_or(OnHand::NotCounted, OnHand::Counted),
        committed: subject.committed,
        changes_on: None,
        orders: on_order.as_slice(),
        settings: &subject.settings,
        supplier: None,
        unit_price: subject.unit_cost.map(|value| Sourced { value, from: Origin::Item }),
        by: None,
    })
}

/// What is on order, as a line that comes after the lead time.
fn on_order(subject: &Subject, today: Date) -> Option<OrderLine> {
    (subject.on_order > Quantity::ZERO).then(|| OrderLine {
        order: DocumentId(Uuid::nil()),
        line: LineId(Uuid::nil()),
        item: ItemId(Uuid::nil()),
        number: String::new(),
        supplier: ContactId(Uuid::nil()),
        status: DocumentStatus::Authorised,
        ordered_on: today,
        expected_on: None,
        ordered: subject.on_order,
        received: Quantity::ZERO,
        billed: Quantity::ZERO,
        unit_price: subject.unit_cost.unwrap_or_default(),
        unit: None,
        net: subject.unit_cost.unwrap_or_default(),
        receipts: Vec::new(),
        bills: Vec::new(),
    })
}

/// The day after the last on which something was sold.
pub fn day_after(demand: &BTreeMap<String, read::Sold>) -> Option<Date> {
    demand.values().filter_map(|sold| sold.last_on).max()?.tomorrow().ok()
}

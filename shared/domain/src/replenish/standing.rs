//! How an item stands.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::plan::{Hold, Plan};
use crate::alert::{AlertKind, crossed};
use crate::fixed::{FixedError, Quantity};
use crate::ledger::{OnHand, Position};
use crate::settings::Resolved;

/// How an item stands, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing is left of an item that sells.
    OutOfStock,
    /// It will be gone before supply can be here.
    RunsOutBeforeSupply,
    /// Available plus on order is at or below the reorder point.
    BelowReorderPoint,
    /// Stock without a sale for longer than the policy allows.
    Dead,
    /// Stock for longer than the policy allows.
    Overstock,
    /// Nobody has counted it.
    NotCounted,
    /// Low, but enough is on order.
    Ordered,
    /// None of these.
    Fine,
}

impl Standing {
    /// The words that people read.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OutOfStock => "out of stock",
            Self::RunsOutBeforeSupply => "runs out before supply",
            Self::BelowReorderPoint => "below reorder point",
            Self::Dead => "dead stock",
            Self::Overstock => "overstock",
            Self::NotCounted => "not counted",
            Self::Ordered => "ordered",
            Self::Fine => "fine",
        }
    }
}

/// How an item stands today: its present stock against its latest plan. An item that is excluded from
/// ordering is to run out, so it is never short; one that doesn't sell is not short at zero.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn standing(
    position: &Position,
    plan: &Plan,
    settings: &Resolved,
    today: Date,
) -> Result<Standing, FixedError> {
    let (OnHand::Counted(on_hand), OnHand::Counted(available)) =
        (position.on_hand(today)?, position.available(today, settings.count_sales_drafts)?)
    else {
        return Ok(Standing::NotCounted);
    };
    let is_stocked = plan.hold.is_none_or(|hold| hold == Hold::NotCounted);
    if is_stocked {
        if available <= Quantity::ZERO {
            return Ok(Standing::OutOfStock);
        }
        let supply_possible_on = today.saturating_add(i64::from(plan.lead_time_days.value).days());
        let runs_out_before_supply = plan.stock_out_on.is_some_and(|out| {
            out < supply_possible_on || plan.next_arrival_on.is_some_and(|arrival| out < arrival)
        });
        if runs_out_before_supply {
            return Ok(Standing::RunsOutBeforeSupply);
        }
        if available.plus(plan.on_order)? <= plan.reorder_point {
            return Ok(Standing::BelowReorderPoint);
        }
    }
    if on_hand > Quantity::ZERO {
        let idle_since = position.last_sold_on.or(plan.rate.known_since);
        let idle_days =
            idle_since.and_then(|since| since.until(today).ok()).map_or(0, |span| span.get_days());
        if idle_days > i32::from(settings.dead_after_days) {
            return Ok(Standing::Dead);
        }
        let cover_days = plan.rate.per_day.days_in(available);
        if cover_days.is_some_and(|days| days > u32::from(settings.overstock_cover_days)) {
            return Ok(Standing::Overstock);
        }
    }
    let is_low = is_stocked && available <= plan.reorder_point;
    Ok(if is_low { Standing::Ordered } else { Standing::Fine })
}

/// A line that was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// Which.
    pub kind: AlertKind,
    /// What is available now.
    pub available: Quantity,
}

/// Whether a change of the position from `before` to `after` is worth a warning, by the item's latest plan:
/// it crosses zero or the reorder point, the item is not excluded from ordering, and nobody was warned of
/// the same today. `after` keeps that somebody is.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn crossing(
    before: &Position,
    after: &mut Position,
    plan: Option<&Plan>,
    today: Date,
) -> Result<Option<Crossing>, FixedError> {
    if plan.is_some_and(Plan::is_excluded) {
        return Ok(None);
    }
    let drafts = plan.is_none_or(|plan| plan.count_sales_drafts);
    let (OnHand::Counted(was), OnHand::Counted(is)) =
        (before.available(today, drafts)?, after.available(today, drafts)?)
    else {
        return Ok(None);
    };
    let on_order = plan.map(|plan| plan.on_order).unwrap_or_default();
    let crossed = crossed(was, is, on_order, plan.map(|plan| plan.reorder_point));
    Ok(crossed.and_then(|kind| warn(after, Crossing { kind, available: is }, today, today)))
}

/// Whether what a new plan found is worth a warning: the item stood above zero or its reorder point in the
/// plan before, and doesn't now. A booking that crossed the line in between has warned already; what no
/// booking shows is a document dated ahead whose day has come, or an order that fell away.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn crossing_between(
    before: &Plan,
    after: &Plan,
    position: &mut Position,
) -> Result<Option<Crossing>, FixedError> {
    let (Some(was), Some(is)) = (before.available()?, after.available()?) else { return Ok(None) };
    if after.hold.is_some() {
        return Ok(None);
    }
    let was_above = was.plus(before.on_order)? > before.reorder_point;
    let kind = if was > Quantity::ZERO && is <= Quantity::ZERO {
        AlertKind::OutOfStock
    } else if was_above && is.plus(after.on_order)? <= after.reorder_point {
        AlertKind::BelowReorderPoint
    } else {
        return Ok(None);
    };
    Ok(warn(position, Crossing { kind, available: is }, before.planned_on, after.planned_on))
}

/// What an item is to be warned of as it stands now, by its latest plan, whatever was crossed when; `None` when it
/// is not short, is excluded from ordering, or was never counted.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn shortage(
    position: &Position,
    plan: Option<&Plan>,
    today: Date,
) -> Result<Option<Crossing>, FixedError> {
    if plan.is_some_and(Plan::is_excluded) {
        return Ok(None);
    }
    let drafts = plan.is_none_or(|plan| plan.count_sales_drafts);
    let OnHand::Counted(available) = position.available(today, drafts)? else { return Ok(None) };
    let is_low = match plan {
        Some(plan) => available.plus(plan.on_order)? <= plan.reorder_point,
        None => false,
    };
    Ok(if available <= Quantity::ZERO {
        Some(Crossing { kind: AlertKind::OutOfStock, available })
    } else if is_low {
        Some(Crossing { kind: AlertKind::BelowReorderPoint, available })
    } else {
        None
    })
}

/// Keeps that somebody is warned, unless that was so since `since`.
fn warn(position: &mut Position, crossing: Crossing, since: Date, today: Date) -> Option<Crossing> {
    if position.warned_on.get(&crossing.kind).is_some_and(|on| *on >= since) {
        return None;
    }
    position.warned_on.insert(crossing.kind, today);
    Some(crossing)
}

#[cfg(test)]
mod tests {
    use super::super::plan::{PlanInput, plan};
    use super::super::sample::*;
    use super::*;
    use crate::demand::Rate;
    use crate::document::DocumentStatus;
    use crate::ledger::OrderLine;

    #[test]
    fn standings_as_a_table() {
        // rate, on hand now, open order, days since the last sale, excluded
        let cases = [
            ("2", Some("100"), None, 1, false, Standing::Fine),
            ("2", Some("0"), Some(("60", 2)), 1, false, Standing::OutOfStock),
            ("2", Some("-1"), None, 1, false, Standing::OutOfStock),
            ("2", Some("10"), None, 1, false, Standing::RunsOutBeforeSupply),
            ("2", Some("10"), Some(("60", 9)), 1, false, Standing::RunsOutBeforeSupply),
            ("2", Some("10"), Some(("60", 4)), 1, false, Standing::Ordered),
            // a new order could come in time, but the one under way is later than the stock lasts
            ("2", Some("28"), Some(("60", 20)), 1, false, Standing::RunsOutBeforeSupply),
            ("2", Some("30"), None, 1, false, Standing::BelowReorderPoint),
            ("2", Some("400"), None, 1, false, Standing::Overstock),
            ("0", Some("5"), None, 181, false, Standing::Dead),
            ("0", Some("5"), None, 180, false, Standing::Fine),
            ("0", Some("0"), None, 300, false, Standing::Fine),
            ("2", Some("1"), None, 1, true, Standing::Fine),
            ("2", None, None, 1, false, Standing::NotCounted),
        ];
        for (per_day, on_hand, order, sold_ago, exclude, expected) in cases {
            let settings = Resolved { exclude, ..settings() };
            let position = Position {
                opened: on_hand.is_some(),
                booked: on_hand.map_or(Quantity::ZERO, q),
                last_sold_on: Some(day(-sold_ago)),
                ..Position::default()
            };
            let orders: Vec<OrderLine> = order
                .map(|(open, ahead)| order_line("PO-1", open, Some(ahead), DocumentStatus::Authorised))
                .into_iter()
                .collect();
            let spread = if per_day == "0" { "0" } else { "1.5" };
            let input = PlanInput {
                on_hand: position.on_hand(TODAY).unwrap(),
                ..input("0", rate(per_day, spread), &orders, &settings)
            };
            let plan = plan(&input).unwrap();
            let found = standing(&position, &plan, &settings, TODAY).unwrap();
            assert_eq!(found, expected, "{per_day} a day, {on_hand:?}, {order:?}, {sold_ago}, {exclude}");
        }
    }

    #[test]
    fn what_was_never_sold_is_dead_only_once_it_is_old() {
        let settings = settings();
        let position = Position { opened: true, booked: q("5"), ..Position::default() };
        let standing_if_known_for = |days: i64| {
            let rate = Rate { known_since: Some(day(-days)), ..rate("0", "0") };
            standing(&position, &plan(&input("5", rate, &[], &settings)).unwrap(), &settings, TODAY).unwrap()
        };
        assert_eq!([standing_if_known_for(20), standing_if_known_for(200)], [Standing::Fine, Standing::Dead]);
    }

    #[test]
    fn what_is_available_depends_on_whether_drafts_count() {
        let position = Position { opened: true, booked: q("10"), committed: q("4"), ..Position::default() };
        let available = |drafts| position.available(TODAY, drafts).unwrap().quantity().unwrap();
        assert_eq!((available(true), available(false)), (q("6"), q("10")));
    }

    /// A position with so much on hand, and so much on drafts.
    fn holding(on_hand: &str, committed: &str) -> Position {
        Position { opened: true, booked: q(on_hand), committed: q(committed), ..Position::default() }
    }

    #[test]
    fn a_crossing_warns_by_what_counts_and_once_a_day() {
        // reorder point 33
        let plan = |settings: &Resolved| plan(&input("40", rate("2", "1.5"), &[], settings)).unwrap();
        let usual = plan(&settings());
        let kind = |before: &Position, after: &mut Position, plan: &Plan| {
            crossing(before, after, Some(plan), TODAY).unwrap().map(|crossing| crossing.kind)
        };
        let mut low = holding("30", "0");
        assert_eq!(kind(&holding("40", "0"), &mut low, &usual), Some(AlertKind::BelowReorderPoint));
        let up_again = Position { booked: q("40"), ..low.clone() };
        assert_eq!(kind(&up_again, &mut low, &usual), None, "the second time on a day is no news");
        let mut out = Position { booked: q("0"), ..low.clone() };
        assert_eq!(kind(&low, &mut out, &usual), Some(AlertKind::OutOfStock), "but this is graver");

        let no_drafts = plan(&Resolved { count_sales_drafts: false, ..settings() });
        assert_eq!(kind(&holding("40", "0"), &mut holding("40", "40"), &no_drafts), None);
        assert_eq!(kind(&holding("40", "0"), &mut holding("40", "40"), &usual), Some(AlertKind::OutOfStock));
        let excluded = plan(&Resolved { exclude: true, ..settings() });
        assert_eq!(kind(&holding("40", "0"), &mut holding("0", "0"), &excluded), None);
    }

    #[test]
    fn a_shortage_is_what_stands_now() {
        // reorder point 33, and 20 on order
        let settings = settings();
        let orders = [order_line("PO-1", "20", Some(3), DocumentStatus::Authorised)];
        let plan = |settings: &Resolved| plan(&input("40", rate("2", "1.5"), &orders, settings)).unwrap();
        let usual = plan(&settings);
        let short = |position: &Position, plan: Option<&Plan>| {
            shortage(position, plan, TODAY).unwrap().map(|short| (short.kind, short.available))
        };
        assert_eq!(short(&holding("14", "0"), Some(&usual)), None);
        assert_eq!(short(&holding("20", "7"), Some(&usual)), Some((AlertKind::BelowReorderPoint, q("13"))));
        assert_eq!(short(&holding("20", "20"), Some(&usual)), Some((AlertKind::OutOfStock, q("0"))));
        let no_drafts = plan(&Resolved { count_sales_drafts: false, ..settings.clone() });
        assert_eq!(short(&holding("20", "20"), Some(&no_drafts)), None);
        let excluded = plan(&Resolved { exclude: true, ..settings.clone() });
        assert_eq!(short(&holding("0", "0"), Some(&excluded)), None);
        assert_eq!(short(&Position::default(), Some(&usual)), None, "nobody has counted it");
        assert_eq!(short(&holding("5", "0"), None), None, "no plan, no reorder point");
        assert_eq!(short(&holding("0", "0"), None), Some((AlertKind::OutOfStock, q("0"))));
    }

    #[test]
    fn what_two_plans_show_warns_unless_a_booking_did() {
        let (settings, late) = (settings(), [order_line("PO-1", "40", Some(3), DocumentStatus::Authorised)]);
        let plan_of = |on_hand, orders: &[OrderLine], ahead| {
            let plan = plan(&input(on_hand, rate("2", "1.5"), orders, &settings)).unwrap();
            Plan { planned_on: day(ahead), ..plan }
        };
        let between = |before: &Plan, after: &Plan, position: &mut Position| {
            crossing_between(before, after, position).unwrap().map(|crossing| crossing.kind)
        };
        let (above, ordered) = (plan_of("40", &[], -1), plan_of("3", &late, -1));
        let (below, out) = (plan_of("30", &[], 0), plan_of("0", &[], 0));
        let mut fresh = Position::default();
        assert_eq!(between(&above, &below, &mut fresh), Some(AlertKind::BelowReorderPoint));
        assert_eq!(between(&above, &below, &mut fresh), None, "it was told");
        assert_eq!(between(&above, &out, &mut Position::default()), Some(AlertKind::OutOfStock));
        let order_gone = plan_of("3", &[], 0);
        assert_eq!(
            between(&ordered, &order_gone, &mut Position::default()),
            Some(AlertKind::BelowReorderPoint)
        );
        assert_eq!(between(&below, &order_gone, &mut Position::default()), None, "it was low before");
        // a booking warned late on the evening of the plan before
        let mut warned = Position::default();
        warned.warned_on.insert(AlertKind::BelowReorderPoint, day(-1));
        assert_eq!(between(&above, &below, &mut warned), None);
    }
}

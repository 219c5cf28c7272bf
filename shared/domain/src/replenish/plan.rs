//! The plan of one item.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::costing::Method;
use crate::demand::{PerDay, Rate, safety};
use crate::document::DocumentStatus;
use crate::fixed::{FixedError, Money, Quantity};
use crate::governance::OrderedBy;
use crate::ids::ContactId;
use crate::ledger::arrival::OVERDUE_ORDER_DAYS;
use crate::ledger::{OnHand, OrderLine};
use crate::settings::{Origin, Resolved, Sourced};

/// Days that stock is projected ahead; beyond, a stock-out has no date.
pub const PROJECTION_DAYS_MAX: u32 = 730;
/// Days of arrival that a plan looks at; what comes after the last of them counts as on order only.
pub const ARRIVAL_DAYS_MAX: usize = 16;
/// Late orders that a plan names; it says how many there are.
pub const LATE_ORDERS_NAMED_MAX: usize = 8;

/// How much is enough, by a forecast of demand itself instead of rate and spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enough {
    /// Expected demand of a day.
    pub per_day: PerDay,
    /// Enough for the lead time, with the probability that the service level names.
    pub lead_time: Quantity,
    /// Enough for lead time and review together.
    pub both: Quantity,
    /// What else the forecast says, by name: it stands among the plan's inputs.
    pub facts: BTreeMap<String, String>,
}

/// All that a plan depends on.
#[derive(Clone, Debug)]
pub struct PlanInput<'a> {
    /// The org's civil day.
    pub today: Date,
    /// The instant.
    pub now: Timestamp,
    /// How fast it sells.
    pub rate: Rate,
    /// How much is enough, if a forecast says so.
    pub enough: Option<Enough>,
    /// How much there is.
    pub on_hand: OnHand,
    /// How much of it is promised, see [`crate::ledger::Position::committed_total`].
    pub committed: Quantity,
    /// First day ahead on which on hand changes by itself, see [`crate::ledger::Position::next_ahead`].
    pub changes_on: Option<Date>,
    /// The item's purchase order lines.
    pub orders: &'a [OrderLine],
    /// The settings that hold for it.
    pub settings: &'a Resolved,
    /// Who supplies it, set or learned.
    pub supplier: Option<Sourced<ContactId>>,
    /// Price of one unit in base currency: [`Origin::Learned`] from the last bill, [`Origin::Default`] for
    /// the item's purchase price in Xero.
    pub unit_price: Option<Sourced<Money>>,
    /// How the supplier counts it, where that is not by the base unit.
    pub by: Option<OrderedBy>,
}

/// A purchase order that is so late that a person should say whether it still comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateOrder {
    /// The order's number.
    pub number: String,
    /// When it was expected.
    pub expected_on: Date,
    /// What of the item is still open on it.
    pub open: Quantity,
}

/// Why nothing is ordered although an order could be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Nobody has counted it yet.
    NotCounted,
    /// It is excluded from ordering.
    Excluded,
    /// It doesn't sell, and no level is set by hand.
    NoDemand,
}

/// The plan of one item at one location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The org's civil day of the plan.
    pub planned_on: Date,
    /// When it was made.
    pub planned_at: Timestamp,
    /// How fast it sells.
    pub rate: Rate,
    /// Days from order to arrival.
    pub lead_time_days: Sourced<u16>,
    /// Days between two looks at what to order.
    pub review_days: Sourced<u16>,
    /// What is kept against chance over the lead time.
    pub safety_stock: Quantity,
    /// Order when available plus on order is at or below this.
    pub reorder_point: Quantity,
    /// An order brings available plus on order up to this.
    pub order_up_to: Quantity,
    /// On hand when it was made; `None` when nobody has counted it.
    pub on_hand: Option<Quantity>,
    /// Promised to customers when it was made.
    pub committed: Quantity,
    /// Whether sales drafts count as promised.
    #[serde(default = "yes")]
    pub count_sales_drafts: bool,
    /// Which cost leaves with what goes out, where the ledger is the book: bookings go by it.
    #[serde(default)]
    pub costing: Method,
    /// On order when it was made, late orders left out.
    pub on_order: Quantity,
    /// Of this, what is on orders that are drafts.
    pub on_order_draft: Quantity,
    /// Open on all purchase orders when it was made, late ones included.
    #[serde(default)]
    pub open_on_orders: Quantity,
    /// When the next of it is expected.
    pub next_arrival_on: Option<Date>,
    /// Orders that are too late to count on, at most [`LATE_ORDERS_NAMED_MAX`].
    pub late_orders: Vec<LateOrder>,
    /// Whole days that what is available lasts; `None` when that is unknown or nothing sells.
    pub cover_days: Option<u32>,
    /// First day at whose end nothing is left, arrivals counted; `None` when unknown or not within
    /// [`PROJECTION_DAYS_MAX`].
    pub stock_out_on: Option<Date>,
    /// Who supplies it.
    pub supplier: Option<ContactId>,
    /// How much to order now.
    pub order: Option<Quantity>,
    /// Why nothing is to be ordered whatever the stock.
    pub hold: Option<Hold>,
    /// When an order of today would be here.
    pub wanted_on: Date,
    /// Last price; zero when none is known.
    pub unit_price: Money,
    /// How the supplier counts it, where that is not by the base unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OrderedBy>,
    /// Why, in one sentence with its figures.
    pub reason: String,
    /// Every figure that went in, by name: the plan can be recomputed from them alone.
    pub inputs: BTreeMap<String, String>,
    /// When it should be made again at the latest.
    pub next_check_on: Date,
}

const fn yes() -> bool {
    true
}

impl Plan {
    /// On hand minus committed when it was made; `None` when nobody has counted it.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn available(&self) -> Result<Option<Quantity>, FixedError> {
        self.on_hand.map(|on_hand| on_hand.minus(self.committed)).transpose()
    }

    /// Whether the item is excluded from ordering: then it is to run out, and nobody is warned.
    pub fn is_excluded(&self) -> bool {
        self.hold == Some(Hold::Excluded)
    }
}

/// What of these order lines is not in stock yet, late ones included, and what lies there until its bill puts it in Xero's stock.
///
/// # Errors
/// [`FixedError`] when it does not fit.
pub fn open_on_orders(orders: &[OrderLine]) -> Result<Quantity, FixedError> {
    orders
        .iter()
        .try_fold(Quantity::ZERO, |sum, line| sum.plus(line.open()?)?.plus(line.received_not_billed()?))
}

/// What was to come at the end of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToCome {
    /// On order, late orders left out.
    pub on_order: Quantity,
    /// Open on late orders.
    pub late: Quantity,
    /// Billed by then, and taken in later.
    pub in_transit: Quantity,
}

impl ToCome {
    /// Of an item with these order lines, by all that is known now.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn at(day: Date, orders: &[OrderLine], lead_time_days: u16) -> Result<Self, FixedError> {
        let mut in_transit = Quantity::ZERO;
        let mut then = Vec::with_capacity(orders.len());
        for line in orders {
            in_transit = in_transit.plus(line.in_transit(day)?)?;
            then.push(line.at(day)?);
        }
        let Supply { on_order, late, .. } = supply(&then, day, lead_time_days)?;
        let late = late.iter().try_fold(Quantity::ZERO, |sum, order| sum.plus(order.open))?;
        Ok(Self { on_order, late, in_transit })
    }
}

/// What is on its way.
#[derive(Default)]
struct Supply {
    on_order: Quantity,
    drafts: Quantity,
    arrivals: BTreeMap<Date, Quantity>,
    late: Vec<LateOrder>,
    /// First day on which one more of them is late.
    next_late_on: Option<Date>,
}

/// The open order lines, late ones apart. Goods without an expected day are expected after the lead time;
/// goods whose day has come, and those that only wait for their bill, are expected tomorrow.
fn supply(orders: &[OrderLine], today: Date, lead_time_days: u16) -> Result<Supply, FixedError> {
    let mut supply = Supply::default();
    let tomorrow = today.saturating_add(1.day());
    for line in orders {
        let is_here = line.received_not_billed()?;
        let came_on = line.waits_for_bill_since()?;
        let waits = came_on.and_then(|on| on.until(today).ok()).map_or(0, |waits| waits.get_days());
        if !is_here.is_zero() && waits > OVERDUE_ORDER_DAYS {
            let expected_on = came_on.unwrap_or(today);
            supply.late.push(LateOrder { number: line.number.clone(), expected_on, open: is_here });
        } else if !is_here.is_zero() {
            supply.on_order = supply.on_order.plus(is_here)?;
            let arrival = supply.arrivals.entry(tomorrow).or_default();
            *arrival = arrival.plus(is_here)?;
        }
        let open = line.open()?;
        if open.is_zero() {
            continue;
        }
        let expected_on = line.arrives_on(lead_time_days);
        if line.is_overdue(today, lead_time_days) {
            supply.late.push(LateOrder { number: line.number.clone(), expected_on, open });
            continue;
        }
        let late_on = expected_on.saturating_add(i64::from(OVERDUE_ORDER_DAYS).saturating_add(1).days());
        supply.next_late_on = supply.next_late_on.into_iter().chain([late_on]).min();
        supply.on_order = supply.on_order.plus(open)?;
        if line.status == DocumentStatus::Draft {
            supply.drafts = supply.drafts.plus(open)?;
        }
        let arrival = supply.arrivals.entry(expected_on.max(tomorrow)).or_default();
        *arrival = arrival.plus(open)?;
    }
    while supply.arrivals.len() > ARRIVAL_DAYS_MAX {
        supply.arrivals.pop_last();
    }
    supply.late.sort_by(|a, b| (a.expected_on, &a.number).cmp(&(b.expected_on, &b.number)));
    Ok(supply)
}

/// First day at whose end nothing is left of `available` and what arrives until then.
fn stock_out_on(
    today: Date,
    available: Quantity,
    per_day: PerDay,
    arrivals: &BTreeMap<Date, Quantity>,
) -> Result<Option<Date>, FixedError> {
    if available <= Quantity::ZERO {
        return Ok(Some(today));
    }
    let empty_on = |stock| {
        let days = per_day.days_until_empty(stock).filter(|days| *days <= PROJECTION_DAYS_MAX)?;
        Some(today.saturating_add(i64::from(days).days()))
    };
    let mut stock = available;
    for (day, quantity) in arrivals {
        match empty_on(stock) {
            Some(empty) if empty < *day => return Ok(Some(empty)),
            _ => stock = stock.plus(*quantity)?,
        }
    }
    Ok(empty_on(stock))
}

/// Reorder point and order-up-to level.
struct Levels {
    safety_stock: Quantity,
    reorder_point: Quantity,
    order_up_to: Quantity,
}

/// The levels; computed ones are rounded up to whole units where the item sells in whole units.
fn levels(
    rate: &Rate,
    enough: Option<&Enough>,
    z_micro: i64,
    settings: &Resolved,
) -> Result<Levels, FixedError> {
    let lead = u32::from(settings.lead_time_days.value);
    let both = lead.saturating_add(u32::from(settings.review_days.value));
    let unit = if rate.whole_units { Quantity::ONE } else { Quantity::ZERO };
    let (safety_stock, for_lead_time, for_both) = match enough {
        Some(enough) => {
            let safety_stock = enough.lead_time.minus(rate.per_day.over(lead)?)?.max(Quantity::ZERO);
            (safety_stock, enough.lead_time, enough.both.max(enough.lead_time))
        }
        None => {
            let safety_stock = safety(z_micro, rate.spread, lead)?;
            let for_both = rate.per_day.over(both)?.plus(safety(z_micro, rate.spread, both)?)?;
            (safety_stock, rate.per_day.over(lead)?.plus(safety_stock)?, for_both)
        }
    };
    let mut reorder_point = for_lead_time.up_to_multiple_of(unit)?;
    let mut order_up_to = for_both.up_to_multiple_of(unit)?;
    if let Some(max) = settings.max {
        order_up_to = max;
        reorder_point = reorder_point.min(max);
    }
    if let Some(min) = settings.min {
        reorder_point = min;
        order_up_to = order_up_to.max(min);
    }
    Ok(Levels { safety_stock: safety_stock.up_to_multiple_of(unit)?, reorder_point, order_up_to })
}

/// What is missing, as it can be bought: the minimum order at least, whole units, whole cartons and whole purchase units.
fn buyable(
    missing: Quantity,
    whole_units: bool,
    settings: &Resolved,
    by: Option<&OrderedBy>,
) -> Result<Quantity, FixedError> {
    let mut quantity = missing.max(settings.moq.unwrap_or(Quantity::ZERO));
    if whole_units {
        quantity = quantity.up_to_multiple_of(Quantity::ONE)?;
    }
    let step = match (settings.pack.filter(|pack| *pack > Quantity::ZERO), by.map(|by| by.unit.holds)) {
        (Some(pack), Some(holds)) => pack.common_multiple(holds)?,
        (one, other) => one.or(other).unwrap_or(Quantity::ZERO),
    };
    quantity.up_to_multiple_of(step)
}

/// Plans one item.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn plan(input: &PlanInput<'_>) -> Result<Plan, FixedError> {
    let (today, settings) = (input.today, input.settings);
    let per_day = input.enough.as_ref().map_or(input.rate.per_day, |enough| enough.per_day);
    let rate = &Rate { per_day, ..input.rate.clone() };
    let z_micro = settings.service_level.z_micro();
    let supply = supply(input.orders, today, settings.lead_time_days.value)?;
    let levels = levels(rate, input.enough.as_ref(), z_micro, settings)?;
    let on_hand = input.on_hand.quantity();
    let sells = !rate.per_day.is_zero();
    let hold = if on_hand.is_none() {
        Some(Hold::NotCounted)
    } else if settings.exclude {
        Some(Hold::Excluded)
    } else if !sells && settings.min.is_none_or(|min| min <= Quantity::ZERO) {
        Some(Hold::NoDemand)
    } else {
        None
    };

    let available = on_hand.map(|on_hand| on_hand.minus(input.committed)).transpose()?;
    let expected = available.map(|available| available.plus(supply.on_order)).transpose()?;
    let order = match expected {
        Some(expected)
            if hold.is_none() && expected <= levels.reorder_point && expected < levels.order_up_to =>
        {
            Some(buyable(levels.order_up_to.minus(expected)?, rate.whole_units, settings, input.by.as_ref())?)
        }
        _ => None,
    };
    let cover_days = available.and_then(|available| rate.per_day.days_in(available));
    let stock_out_on = match available {
        Some(available) if sells => stock_out_on(today, available, rate.per_day, &supply.arrivals)?,
        _ => None,
    };
    let review_days = u32::from(settings.review_days.value).max(1);
    let reaches_reorder_point = match expected {
        Some(expected) if hold.is_none() && order.is_none() => {
            rate.per_day.days_until_empty(expected.minus(levels.reorder_point)?)
        }
        _ => None,
    };
    let next_check_days = reaches_reorder_point.unwrap_or(review_days).clamp(1, review_days);
    let review_on = today.saturating_add(i64::from(next_check_days).days());
    let next_check_on =
        [input.changes_on, supply.next_late_on].into_iter().flatten().fold(review_on, Date::min);

    let mut plan = Plan {
        planned_on: today,
        planned_at: input.now,
        rate: rate.clone(),
        lead_time_days: settings.lead_time_days,
        review_days: settings.review_days,
        safety_stock: levels.safety_stock,
        reorder_point: levels.reorder_point,
        order_up_to: levels.order_up_to,
        on_hand,
        committed: input.committed,
        count_sales_drafts: settings.count_sales_drafts,
        costing: settings.costing,
        on_order: supply.on_order,
        on_order_draft: supply.drafts,
        open_on_orders: open_on_orders(input.orders)?,
        next_arrival_on: supply.arrivals.keys().next().copied(),
        late_orders: supply.late.iter().take(LATE_ORDERS_NAMED_MAX).cloned().collect(),
        cover_days,
        stock_out_on,
        supplier: input.supplier.map(|supplier| supplier.value),
        order,
        hold,
        wanted_on: today.saturating_add(i64::from(settings.lead_time_days.value).days()),
        unit_price: input.unit_price.map_or(Money::ZERO, |price| price.value),
        by: input.by.clone(),
        reason: String::new(),
        inputs: inputs(input, rate, &supply, z_micro),
        next_check_on,
    };
    plan.reason = reason(&plan, settings, supply.late.len(), expected)?;
    Ok(plan)
}

/// Every figure that a plan depends on, by name.
fn inputs(input: &PlanInput<'_>, rate: &Rate, supply: &Supply, z_micro: i64) -> BTreeMap<String, String> {
    let settings = input.settings;
    let or_none =
        |value: Option<Quantity>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    let arrivals: Vec<String> =
        supply.arrivals.iter().map(|(day, quantity)| format!("{day} {quantity}")).collect();
    let (price, price_from) = match input.unit_price {
        Some(Sourced { value, from: Origin::Learned }) => (value.to_string(), "the last bill"),
        Some(Sourced { value, .. }) => (value.to_string(), "the item's purchase price in Xero"),
        None => ("unknown".to_owned(), "nowhere"),
    };
    [
        ("today", input.today.to_string()),
        (
            "on_hand",
            input.on_hand.quantity().map_or_else(|| "not counted".to_owned(), |on_hand| on_hand.to_string()),
        ),
        ("committed", input.committed.to_string()),
        ("on_order", supply.on_order.to_string()),
        ("on_order_draft", supply.drafts.to_string()),
        ("arrivals", arrivals.join("; ")),
        ("late_orders", supply.late.len().to_string()),
        ("demand_from", rate.from.to_string()),
        ("demand_to", rate.to.to_string()),
        ("demand_sold", rate.sold.to_string()),
        ("rate_per_day", rate.per_day.to_string()),
        ("spread_per_day", rate.spread.to_string()),
        ("whole_units", rate.whole_units.to_string()),
        ("lead_time_days", settings.lead_time_days.value.to_string()),
        ("lead_time_from", settings.lead_time_days.from.to_string()),
        ("review_days", settings.review_days.value.to_string()),
        ("review_from", settings.review_days.from.to_string()),
        ("service_level", settings.service_level.to_string()),
        ("z", PerDay::from_micro(z_micro).to_string()),
        ("pack", or_none(settings.pack)),
        ("moq", or_none(settings.moq)),
        ("min", or_none(settings.min)),
        ("max", or_none(settings.max)),
        ("exclude", settings.exclude.to_string()),
        ("unit_price", price),
        ("unit_price_from", price_from.to_owned()),
        (
            "supplier_from",
            input.supplier.map_or_else(|| "nowhere".to_owned(), |supplier| supplier.from.to_string()),
        ),
    ]
    .into_iter()
    .chain(input.by.iter().flat_map(|by| {
        [
            ("purchase_unit", by.unit.name.clone()),
            ("purchase_unit_holds", by.unit.holds.to_string()),
            ("purchase_unit_price", by.price.to_string()),
        ]
    }))
    .chain(input.enough.iter().flat_map(|enough| {
        [("enough_for_lead_time", enough.lead_time.to_string()), ("enough_for_both", enough.both.to_string())]
    }))
    .map(|(name, value)| (name.to_owned(), value))
    .chain(input.enough.iter().flat_map(|enough| enough.facts.clone()))
    .collect()
}

/// A day as people write it, e.g. `Thu 26 Nov`, with its year if that isn't `today`'s.
fn spoken(day: Date, today: Date) -> String {
    let format = if day.year() == today.year() { "%a %-d %b" } else { "%a %-d %b %Y" };
    day.strftime(format).to_string()
}

fn count(number: u32, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// The sentence behind a plan.
fn reason(
    plan: &Plan,
    settings: &Resolved,
    late_orders: usize,
    expected: Option<Quantity>,
) -> Result<String, FixedError> {
    let mut text = match plan.on_hand {
        None => "Not counted".to_owned(),
        Some(on_hand) => format!("{on_hand} on hand"),
    };
    if !plan.committed.is_zero() {
        text.push_str(&format!(", {} of it committed", plan.committed));
    }
    match (plan.on_order.is_zero(), plan.on_order_draft.is_zero()) {
        (true, _) => text.push_str(", none on order"),
        (false, true) => text.push_str(&format!(", {} on order", plan.on_order)),
        (false, false) => {
            text.push_str(&format!(", {} on order ({} as draft)", plan.on_order, plan.on_order_draft))
        }
    }
    if late_orders > 0 {
        let orders = count(u32::try_from(late_orders).unwrap_or(u32::MAX), "late order");
        text.push_str(&format!(", {orders} not counted on"));
    }
    if plan.rate.per_day.is_zero() {
        text.push_str(&format!("; no net sales since {}", plan.rate.from));
    } else {
        text.push_str(&format!("; sells {} a day", plan.rate.per_day.rounded()));
        let lead_time = count(u32::from(plan.lead_time_days.value), "day");
        text.push_str(&format!(", supplier takes {lead_time}"));
    }
    match plan.stock_out_on {
        Some(day) if day == plan.planned_on => text.push_str(": nothing is left"),
        Some(day) => text.push_str(&format!(": runs out on {}", spoken(day, plan.planned_on))),
        None => {}
    }
    if let (Some(order), Some(expected)) = (plan.order, expected) {
        let after = expected.plus(order)?;
        let order = match &plan.by {
            Some(by) => by.unit.said(order)?,
            None => order.to_string(),
        };
        match plan.rate.per_day.days_in(after) {
            Some(days) => text.push_str(&format!("; {order} brings it to {}", count(days, "day"))),
            None => text.push_str(&format!("; {order} brings it to {after}")),
        }
        let missing = plan.order_up_to.minus(expected)?;
        if settings.moq.is_some_and(|moq| moq > missing) {
            text.push_str(", raised to the least that can be ordered");
        }
        if let Some(pack) = settings.pack.filter(|pack| *pack > Quantity::ONE) {
            text.push_str(&format!(", in whole cartons of {pack}"));
        }
    } else {
        text.push_str(&match plan.hold {
            Some(Hold::NotCounted) => "; count it to have it planned".to_owned(),
            Some(Hold::Excluded) => "; excluded from ordering".to_owned(),
            Some(Hold::NoDemand) => "; nothing to order".to_owned(),
            None => format!("; ordered again at {}", plan.reorder_point),
        });
    }
    let by_hand = match (settings.min, settings.max) {
        (Some(min), Some(max)) => format!(" (set by hand: at {min} up to {max})"),
        (Some(min), None) => format!(" (set by hand: at {min})"),
        (None, Some(max)) => format!(" (set by hand: up to {max})"),
        (None, None) => String::new(),
    };
    text.push_str(&by_hand);
    text.push('.');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;
    use proptest::prelude::*;

    use super::super::sample::*;
    use super::*;
    use crate::fixed::mul_div;
    use crate::settings::Origin;
    use crate::units::PurchaseUnit;

    #[test]
    fn the_formula_by_hand() {
        // 2 a day over 12 days, z 1.644854, spread 1.5: 24 + 1.644854 · 1.5 · √12 = 24 + 8.5469
        // 2 a day over 19 days: 38 + 1.644854 · 1.5 · √19 = 38 + 10.7546
        let settings = settings();
        let by_weight = Rate { whole_units: false, ..rate("2", "1.5") };
        let figures = |rate| {
            let plan = plan(&input("30", rate, &[], &settings)).unwrap();
            [plan.safety_stock, plan.reorder_point, plan.order_up_to, plan.order.unwrap()]
                .map(|figure| figure.to_string())
        };
        assert_eq!(figures(by_weight), ["8.547", "32.547", "48.7547", "18.7547"]);
        assert_eq!(figures(rate("2", "1.5")), ["9", "33", "49", "19"]);
        let plan = plan(&input("30", rate("2", "1.5"), &[], &settings)).unwrap();
        assert_eq!((plan.cover_days, plan.stock_out_on), (Some(15), Some(day(15))));
        assert_eq!((plan.wanted_on, plan.next_check_on), (day(12), day(7)));
    }

    #[test]
    fn what_a_forecast_says_is_enough_takes_the_place_of_rate_and_spread() {
        let settings = settings();
        let enough = |per_day: &str, lead_time: &str, both: &str| Enough {
            per_day: per_day.parse().unwrap(),
            lead_time: q(lead_time),
            both: q(both),
            facts: BTreeMap::new(),
        };
        let planned = |on_hand: &str, enough| {
            let plan =
                plan(&PlanInput { enough, ..input(on_hand, rate("2", "1.5"), &[], &settings) }).unwrap();
            let figures = [plan.safety_stock, plan.reorder_point, plan.order_up_to].map(|it| it.to_string());
            (figures, plan.order.map(|order| order.to_string()), plan.cover_days)
        };
        let said = |figures: [&str; 3], order: Option<&str>, cover| {
            (figures.map(str::to_owned), order.map(str::to_owned), Some(cover))
        };
        // 3 a day over 12 days are 36; 40 are enough, and 60 for 19 days
        assert_eq!(planned("41", Some(enough("3", "40", "60"))), said(["4", "40", "60"], None, 13));
        assert_eq!(planned("40", Some(enough("3", "40", "60"))), said(["4", "40", "60"], Some("20"), 13));
        // enough for longer is never less
        assert_eq!(planned("30", Some(enough("1", "40.2", "9"))), said(["29", "41", "41"], Some("11"), 30));
    }

    /// On hand, open orders (quantity, expected in days, status), what is changed in the settings; then the
    /// order, the stock-out in days from today, and whether something holds it.
    #[test]
    fn plans_as_a_table() {
        type Change = fn(&mut Resolved);
        type Case<'a> = (
            &'a str,
            &'a str,
            &'a [(&'a str, Option<i64>)],
            Change,
            Option<&'a str>,
            Option<i64>,
            Option<Hold>,
        );
        let same: Change = |_| {};
        let cases: [Case<'_>; 19] = [
            ("2", "34", &[], same, None, Some(17), None),
            ("2", "33", &[], same, Some("16"), Some(17), None),
            ("2", "0", &[], same, Some("49"), Some(0), None),
            ("2", "-4", &[], same, Some("53"), Some(0), None),
            // what is on order counts, also without an expected day; what came in does not
            ("2", "3", &[("40", Some(2))], same, None, Some(2 + 20), None),
            ("2", "3", &[("40", Some(1))], same, None, Some(22), None),
            ("2", "3", &[("40", Some(3))], same, None, Some(2), None),
            ("2", "3", &[("20", None)], same, Some("26"), Some(2), None),
            // late by 30 days it still counts, for tomorrow; by 31 it is a question
            ("2", "3", &[("40", Some(-30))], same, None, Some(22), None),
            ("2", "3", &[("40", Some(-31))], same, Some("46"), Some(2), None),
            // minimum order, cartons, both
            ("2", "30", &[], |s| s.moq = Some(q("25")), Some("25"), Some(15), None),
            ("2", "30", &[], |s| s.pack = Some(q("12")), Some("24"), Some(15), None),
            (
                "2",
                "30",
                &[],
                |s| (s.moq, s.pack) = (Some(q("25")), Some(q("12"))),
                Some("36"),
                Some(15),
                None,
            ),
            // levels set by hand
            ("2", "30", &[], |s| (s.min, s.max) = (Some(q("10")), Some(q("40"))), None, Some(15), None),
            ("2", "10", &[], |s| (s.min, s.max) = (Some(q("10")), Some(q("40"))), Some("30"), Some(5), None),
            ("0", "3", &[], |s| (s.min, s.max) = (Some(q("5")), Some(q("9"))), Some("6"), None, None),
            ("2", "3", &[], |s| s.max = Some(q("20")), Some("17"), Some(2), None),
            // never
            ("2", "3", &[], |s| s.exclude = true, None, Some(2), Some(Hold::Excluded)),
            ("0", "0", &[], same, None, None, Some(Hold::NoDemand)),
        ];
        for (per_day, on_hand, orders, change, order, out_in, hold) in cases {
            let orders: Vec<OrderLine> = orders
                .iter()
                .map(|(open, expected)| order_line("PO-1", open, *expected, DocumentStatus::Authorised))
                .collect();
            let mut settings = settings();
            change(&mut settings);
            let spread = if per_day == "0" { "0" } else { "1.5" };
            let plan = plan(&input(on_hand, rate(per_day, spread), &orders, &settings)).unwrap();
            let what = format!("{on_hand} on hand, {orders:?}, {settings:?}");
            assert_eq!(plan.order, order.map(q), "{what}");
            assert_eq!(plan.stock_out_on, out_in.map(day), "{what}");
            assert_eq!(plan.hold, hold, "{what}");
        }
    }

    #[test]
    fn an_uncounted_item_has_a_rate_but_no_stock_figure() {
        let settings = settings();
        let uncounted =
            PlanInput { on_hand: OnHand::NotCounted, ..input("0", rate("2", "1.5"), &[], &settings) };
        let plan = plan(&uncounted).unwrap();
        assert_eq!((plan.on_hand, plan.cover_days, plan.stock_out_on, plan.order), (None, None, None, None));
        assert_eq!(plan.hold, Some(Hold::NotCounted));
        assert_eq!(plan.rate.per_day.to_string(), "2");
        assert_eq!(plan.inputs.get("on_hand").unwrap(), "not counted");
    }

    /// A supplier who counts by the case is asked for whole cases, which cartons have to fill, and the reason says how many.
    #[test]
    fn orders_are_whole_purchase_units() {
        let unit = PurchaseUnit { name: "case".to_owned(), holds: q("10") };
        let by = Some(OrderedBy { unit, price: "48.10".parse().unwrap() });
        let order = |pack: Option<&str>| {
            let settings = Resolved { pack: pack.map(q), ..settings() };
            let input = PlanInput { by: by.clone(), ..input("3", rate("1.4", "1.2"), &[], &settings) };
            plan(&input).unwrap()
        };
        let plain = order(None);
        assert_eq!(plain.order, Some(q("40")), "36 are missing");
        assert!(plain.reason.contains("; 40 (4 × case of 10) brings it to 30 days"), "{}", plain.reason);
        assert_eq!(plain.inputs.get("purchase_unit_holds").unwrap(), "10");
        assert_eq!(order(Some("15")).order, Some(q("60")), "cartons of 15 and cases of 10");
        assert_eq!(order(Some("0.25")).order, Some(q("40")));
    }

    #[test]
    fn reasons_read_as_sentences() {
        let orders = [
            order_line("PO-1", "24", Some(9), DocumentStatus::Authorised),
            order_line("PO-2", "6", Some(9), DocumentStatus::Draft),
            order_line("PO-3", "50", Some(-90), DocumentStatus::Authorised),
        ];
        let plain = settings();
        let by_carton = Resolved { pack: Some(q("12")), ..settings() };
        let by_hand = Resolved { min: Some(q("5")), max: Some(q("9")), ..settings() };
        let uncounted = PlanInput { on_hand: OnHand::NotCounted, ..input("0", rate("1", "1"), &[], &plain) };
        let promised = PlanInput { committed: q("2"), ..input("90", rate("1.4", "1.2"), &orders, &plain) };
        let cases = [
            (
                input("3", rate("1.4", "1.2"), &[], &by_carton),
                "3 on hand, none on order; sells 1.4 a day, supplier takes 12 days: runs out on Thu 26 Nov; \
                 36 brings it to 27 days, in whole cartons of 12.",
            ),
            (
                promised,
                "90 on hand, 2 of it committed, 30 on order (6 as draft), 1 late order not counted on; sells 1.4 a \
                 day, supplier takes 12 days: runs out on Tue 16 Feb 2027; ordered again at 24.",
            ),
            (
                input("0", rate("0", "0"), &[], &plain),
                "0 on hand, none on order; no net sales since 2026-05-25; nothing to order.",
            ),
            (
                input("2", rate("0", "0"), &[], &by_hand),
                "2 on hand, none on order; no net sales since 2026-05-25; 7 brings it to 9 (set by hand: at 5 up to 9).",
            ),
            (
                uncounted,
                "Not counted, none on order; sells 1 a day, supplier takes 12 days; count it to have it planned.",
            ),
        ];
        for (input, expected) in cases {
            assert_eq!(plan(&input).unwrap().reason, expected);
        }
    }

    #[test]
    fn the_next_look_is_when_stock_reaches_the_reorder_point_or_a_review_is_due() {
        let settings = settings();
        // reorder point 33: 38.6 falls to it in three days, 500 long after the review
        let next = |on_hand| plan(&input(on_hand, rate("2", "1.5"), &[], &settings)).unwrap().next_check_on;
        assert_eq!([next("38.6"), next("500"), next("3")], [day(3), day(7), day(7)]);
    }

    #[test]
    fn a_plan_with_everything_in_it_stays_a_small_row() {
        let orders: Vec<OrderLine> = (0..60)
            .map(|at| {
                order_line(
                    &format!("PO-2026-{at:06}"),
                    "123456.7891",
                    Some(at * 4 - 120),
                    DocumentStatus::Draft,
                )
            })
            .collect();
        let (pack, moq, min, max) =
            (Some(q("144.125")), Some(q("1000.5")), Some(q("99999.5")), Some(q("9999999.25")));
        let settings = Resolved { pack, moq, min, max, ..settings() };
        let plan =
            plan(&input("12345.6789", rate("1234.567891", "2345.678912"), &orders, &settings)).unwrap();
        assert_eq!(plan.late_orders.len(), LATE_ORDERS_NAMED_MAX);
        assert!(plan.reason.contains("23 late orders"), "{}", plan.reason);
        let size = serde_json::to_string(&plan).unwrap().len();
        assert!(size <= 4_096, "{size} bytes");
    }

    prop_compose! {
        fn orders()(
            lines in prop::collection::vec((1i64..2_000_000, prop::option::of(-60i64..60), any::<bool>()), 0..24)
        ) -> Vec<OrderLine> {
            lines.into_iter().map(|(e4, expected, draft)| {
                let status = if draft { DocumentStatus::Draft } else { DocumentStatus::Authorised };
                order_line("PO-9", &Quantity::from_e4(e4).to_string(), expected, status)
            }).collect()
        }
    }

    prop_compose! {
        fn any_settings()(
            lead in 0u16..90, review in 1u16..60, level in 50u32..=99,
            pack in prop::option::of(1i64..500_000), moq in prop::option::of(0i64..1_000_000),
            min in prop::option::of(0i64..500_000), above in prop::option::of(0i64..500_000), exclude in prop::bool::weighted(0.1),
        ) -> Resolved {
            let of = |value: Option<i64>| value.map(Quantity::from_e4);
            Resolved {
                lead_time_days: Sourced { value: lead, from: Origin::Supplier },
                review_days: Sourced { value: review, from: Origin::Org },
                service_level: level.to_string().parse().unwrap(),
                pack: of(pack),
                moq: of(moq),
                min: of(min),
                max: of(above.map(|above| above + min.unwrap_or(0))),
                exclude,
                ..settings()
            }
        }
    }

    /// The plan's decision once more, from its map of inputs alone and day by day: the model that
    /// [`plan`] is compared with. Order, reorder point, order-up-to level, stock-out.
    fn recomputed(inputs: &BTreeMap<String, String>) -> (Option<Quantity>, Quantity, Quantity, Option<Date>) {
        let text = |name: &str| inputs.get(name).unwrap().as_str();
        let e4 = |name: &str| q(text(name)).e4();
        let set = |name: &str| text(name).parse::<Quantity>().ok().map(Quantity::e4);
        let micro = |name: &str| text(name).parse::<PerDay>().unwrap().micro();
        let number = |name: &str| text(name).parse::<i64>().unwrap();
        let today: Date = text("today").parse().unwrap();
        let (rate, spread, z) = (micro("rate_per_day"), micro("spread_per_day"), micro("z"));

        let level = |days: i64| {
            let deviation = u128::from((spread * spread).unsigned_abs() * days.unsigned_abs()).isqrt();
            let safety = (deviation * u128::from(z.unsigned_abs())).div_ceil(100_000_000);
            let level = mul_div(rate, days, 100).unwrap() + i64::try_from(safety).unwrap();
            let lead = days == number("lead_time_days");
            let named = if lead { "enough_for_lead_time" } else { "enough_for_both" };
            let enough = inputs.get("enough_for_lead_time").map(|lead| q(lead).e4().max(q(text(named)).e4()));
            let level = enough.unwrap_or(level);
            if text("whole_units") == "true" { (level + 9_999) / 10_000 * 10_000 } else { level }
        };
        let lead = number("lead_time_days");
        let (min, max) = (set("min"), set("max"));
        let mut up_to = max.unwrap_or_else(|| level(lead + number("review_days")));
        let mut at = level(lead);
        if let Some(max) = max {
            at = at.min(max);
        }
        if let Some(min) = min {
            (at, up_to) = (min, up_to.max(min));
        }

        let on_hand = set("on_hand");
        let available = on_hand.map(|on_hand| on_hand - e4("committed"));
        let stocked = rate > 0 || min.is_some_and(|min| min > 0);
        let order = available.map(|available| available + e4("on_order")).and_then(|expected| {
            if text("exclude") == "true" || !stocked || expected > at || expected >= up_to {
                return None;
            }
            let mut order = (up_to - expected).max(set("moq").unwrap_or(0));
            if text("whole_units") == "true" {
                order = (order + 9_999) / 10_000 * 10_000;
            }
            let pack = set("pack").unwrap_or(1);
            Some(Quantity::from_e4((order + pack - 1) / pack * pack))
        });

        let arrivals: Vec<(Date, i64)> = text("arrivals")
            .split("; ")
            .filter_map(|arrival| arrival.split_once(' '))
            .map(|(day, quantity)| (day.parse().unwrap(), q(quantity).e4()))
            .collect();
        let out = available.filter(|_| rate > 0).and_then(|available| {
            (0..=i64::from(PROJECTION_DAYS_MAX))
                .map(|ahead| today.saturating_add(ahead.days()))
                .zip(0..)
                .find_map(|(day, ahead)| {
                    let come: i64 =
                        arrivals.iter().filter(|(on, _)| *on <= day).map(|(_, quantity)| quantity).sum();
                    let left =
                        if ahead == 0 { available * 100 } else { (available + come) * 100 - rate * ahead };
                    (left <= 0 || (ahead > 0 && available <= 0)).then_some(day)
                })
        });
        (order, Quantity::from_e4(at), Quantity::from_e4(up_to), out)
    }

    proptest! {
        #[test]
        fn a_plan_can_be_recomputed_from_its_inputs_alone(
            on_hand in prop::option::weighted(0.9, -200_000i64..5_000_000),
            committed in 0i64..300_000,
            rate_micro in prop_oneof![Just(0i64), 1i64..40_000_000],
            spread_micro in 0i64..40_000_000,
            whole: bool,
            enough in prop::option::of((prop_oneof![Just(0i64), 1i64..40_000_000], 0i64..5_000_000, 0i64..5_000_000)),
            orders in orders(),
            settings in any_settings(),
        ) {
            let rate = Rate {
                per_day: PerDay::from_micro(rate_micro),
                spread: PerDay::from_micro(spread_micro),
                whole_units: whole,
                ..rate("0", "0")
            };
            let input = PlanInput {
                on_hand: on_hand.map_or(OnHand::NotCounted, |e4| OnHand::Counted(Quantity::from_e4(e4))),
                committed: Quantity::from_e4(committed),
                enough: enough.map(|(micro, lead_time, both)| Enough {
                    per_day: PerDay::from_micro(micro),
                    lead_time: Quantity::from_e4(lead_time),
                    both: Quantity::from_e4(both),
                    facts: BTreeMap::from([("growth".to_owned(), "1.1".to_owned())]),
                }),
                ..input("0", rate, &orders, &settings)
            };
            let plan = plan(&input).unwrap();
            let found = (plan.order, plan.reorder_point, plan.order_up_to, plan.stock_out_on);
            prop_assert_eq!(found, recomputed(&plan.inputs), "{:#?}", plan.inputs);
            if let Some(order) = plan.order {
                let expected = plan.on_hand.unwrap().minus(plan.committed).unwrap().plus(plan.on_order).unwrap();
                prop_assert!(expected.plus(order).unwrap() >= plan.order_up_to);
                prop_assert!(order >= settings.moq.unwrap_or(Quantity::ZERO));
            }
            prop_assert!(plan.next_check_on > TODAY && plan.next_check_on <= day(60));
            let stored = serde_json::to_string(&plan).unwrap();
            prop_assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap(), plan);
        }
    }

    #[test]
    fn the_next_look_is_no_later_than_a_day_on_which_stock_or_supply_changes_by_itself() {
        let settings = settings();
        // an order that is late by 28 days is a question in three
        let orders = [order_line("PO-1", "40", Some(-28), DocumentStatus::Authorised)];
        let next = |changes_on, orders: &[OrderLine]| {
            plan(&PlanInput { changes_on, ..input("500", rate("2", "1.5"), orders, &settings) })
                .unwrap()
                .next_check_on
        };
        let looks = [next(None, &[]), next(Some(day(2)), &[]), next(Some(day(9)), &[]), next(None, &orders)];
        assert_eq!(looks, [day(7), day(2), day(7), day(3)]);
    }
}

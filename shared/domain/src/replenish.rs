//! What to order, when and why.
//!
//! Demand over lead time plus safety stock is the reorder point; at or below it, stock and supply together
//! are brought up to the order-up-to level, which covers lead time and review period. Levels set by hand
//! replace the computed ones.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::demand::{PerDay, Rate, safety};
use crate::document::{DocumentStatus, Item};
use crate::fixed::{FixedError, Money, Quantity};
use crate::governance::{Proposal, ProposalLine, ProposalState};
use crate::ids::{ContactId, LocationId, OrgId};
use crate::ledger::{OnHand, OrderLine, Position};
use crate::settings::{Origin, Resolved, Sourced};

/// Days that stock is projected ahead; beyond, a stock-out has no date.
pub const PROJECTION_DAYS_MAX: u32 = 730;
/// Days of arrival that a plan looks at; what comes after the last of them counts as on order only.
pub const ARRIVAL_DAYS_MAX: usize = 16;
/// Late orders that a plan names; it says how many there are.
pub const LATE_ORDERS_NAMED_MAX: usize = 8;
/// Lines of one proposal; the items after these, by code, wait until it is decided.
pub const PROPOSAL_LINES_MAX: usize = 200;
/// Days for which a line that a person rejected isn't proposed again.
pub const REJECTION_REST_DAYS: i64 = 14;
/// Unless so many percent more than the rejected quantity are wanted.
pub const REJECTION_GROWTH_PERCENT: i128 = 20;

/// All that a plan depends on.
#[derive(Clone, Debug)]
pub struct PlanInput<'a> {
    /// The org's civil day.
    pub today: Date,
    /// The instant.
    pub now: Timestamp,
    /// How fast it sells.
    pub rate: Rate,
    /// How much there is.
    pub on_hand: OnHand,
    /// How much of it is promised, see [`committed`].
    pub committed: Quantity,
    /// The item's purchase order lines.
    pub orders: &'a [OrderLine],
    /// The settings that hold for it.
    pub settings: &'a Resolved,
    /// Who supplies it, set or learned.
    pub supplier: Option<Sourced<ContactId>>,
    /// Price of one unit in base currency: [`Origin::Learned`] from the last bill, [`Origin::Default`] for
    /// the item's purchase price in Xero.
    pub unit_price: Option<Sourced<Money>>,
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
    /// On order when it was made, late orders left out.
    pub on_order: Quantity,
    /// Of this, what is on orders that are drafts.
    pub on_order_draft: Quantity,
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
    /// Why, in one sentence with its figures.
    pub reason: String,
    /// Every figure that went in, by name: the plan can be recomputed from them alone.
    pub inputs: BTreeMap<String, String>,
    /// When it should be made again at the latest.
    pub next_check_on: Date,
}

/// What is promised to customers: sales drafts if they count, and what Xero holds as back-ordered.
///
/// # Errors
/// [`FixedError`] when it does not fit.
pub fn committed(position: &Position, settings: &Resolved) -> Result<Quantity, FixedError> {
    if settings.count_sales_drafts {
        return position.committed_total();
    }
    Ok(position.snapshot.map_or(Quantity::ZERO, |snapshot| snapshot.xero.back_ordered))
}

/// What is on its way.
#[derive(Default)]
struct Supply {
    on_order: Quantity,
    drafts: Quantity,
    arrivals: BTreeMap<Date, Quantity>,
    late: Vec<LateOrder>,
}

/// The open order lines, late ones apart. Goods without an expected day are expected after the lead time;
/// goods whose day has come are expected tomorrow.
fn supply(orders: &[OrderLine], today: Date, lead_time_days: u16) -> Result<Supply, FixedError> {
    let mut supply = Supply::default();
    for line in orders {
        let open = line.open()?;
        if open.is_zero() {
            continue;
        }
        let expected_on =
            line.expected_on.unwrap_or_else(|| line.ordered_on.saturating_add(i64::from(lead_time_days).days()));
        let dated = OrderLine { expected_on: Some(expected_on), ..line.clone() };
        if dated.is_overdue(today) {
            supply.late.push(LateOrder { number: line.number.clone(), expected_on, open });
            continue;
        }
        supply.on_order = supply.on_order.plus(open)?;
        if line.status == DocumentStatus::Draft {
            supply.drafts = supply.drafts.plus(open)?;
        }
        let arrival = supply.arrivals.entry(expected_on.max(today.saturating_add(1.day()))).or_default();
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

fn levels(rate: &Rate, z_micro: i64, settings: &Resolved) -> Result<Levels, FixedError> {
    let lead = u32::from(settings.lead_time_days.value);
    let both = lead.saturating_add(u32::from(settings.review_days.value));
    let safety_stock = safety(z_micro, rate.spread, lead)?;
    let mut reorder_point = rate.per_day.over(lead)?.plus(safety_stock)?;
    let mut order_up_to = rate.per_day.over(both)?.plus(safety(z_micro, rate.spread, both)?)?;
    if let Some(max) = settings.max {
        order_up_to = max;
        reorder_point = reorder_point.min(max);
    }
    if let Some(min) = settings.min {
        reorder_point = min;
        order_up_to = order_up_to.max(min);
    }
    Ok(Levels { safety_stock, reorder_point, order_up_to })
}

/// What is missing, as it can be bought: the minimum order at least, whole units, whole cartons.
fn buyable(missing: Quantity, whole_units: bool, settings: &Resolved) -> Result<Quantity, FixedError> {
    let mut quantity = missing.max(settings.moq.unwrap_or(Quantity::ZERO));
    if whole_units {
        quantity = quantity.up_to_multiple_of(Quantity::ONE)?;
    }
    quantity.up_to_multiple_of(settings.pack.unwrap_or(Quantity::ZERO))
}

/// Plans one item.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn plan(input: &PlanInput<'_>) -> Result<Plan, FixedError> {
    let (today, settings, rate) = (input.today, input.settings, &input.rate);
    let z_micro = settings.service_level.z_micro();
    let supply = supply(input.orders, today, settings.lead_time_days.value)?;
    let levels = levels(rate, z_micro, settings)?;
    let on_hand = input.on_hand.quantity();
    let sells = !rate.per_day.is_zero();
    let hold = if on_hand.is_none() {
        Some(Hold::NotCounted)
    } else if settings.exclude {
        Some(Hold::Excluded)
    } else if !sells && !settings.min.is_some_and(|min| min > Quantity::ZERO) {
        Some(Hold::NoDemand)
    } else {
        None
    };

    let available = on_hand.map(|on_hand| on_hand.minus(input.committed)).transpose()?;
    let expected = available.map(|available| available.plus(supply.on_order)).transpose()?;
    let order = match expected {
        Some(expected) if hold.is_none() && expected <= levels.reorder_point && expected < levels.order_up_to => {
            Some(buyable(levels.order_up_to.minus(expected)?, rate.whole_units, settings)?)
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
        on_order: supply.on_order,
        on_order_draft: supply.drafts,
        next_arrival_on: supply.arrivals.keys().next().copied(),
        late_orders: supply.late.iter().take(LATE_ORDERS_NAMED_MAX).cloned().collect(),
        cover_days,
        stock_out_on,
        supplier: input.supplier.map(|supplier| supplier.value),
        order,
        hold,
        wanted_on: today.saturating_add(i64::from(settings.lead_time_days.value).days()),
        unit_price: input.unit_price.map_or(Money::ZERO, |price| price.value),
        reason: String::new(),
        inputs: inputs(input, &supply, z_micro),
        next_check_on: today.saturating_add(i64::from(next_check_days).days()),
    };
    plan.reason = reason(&plan, settings, supply.late.len(), expected)?;
    Ok(plan)
}

/// Every figure that a plan depends on, by name.
fn inputs(input: &PlanInput<'_>, supply: &Supply, z_micro: i64) -> BTreeMap<String, String> {
    let (settings, rate) = (input.settings, &input.rate);
    let or_none = |value: Option<Quantity>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    let arrivals: Vec<String> = supply.arrivals.iter().map(|(day, quantity)| format!("{day} {quantity}")).collect();
    let (price, price_from) = match input.unit_price {
        Some(Sourced { value, from: Origin::Learned }) => (value.to_string(), "the last bill"),
        Some(Sourced { value, .. }) => (value.to_string(), "the item's purchase price in Xero"),
        None => ("unknown".to_owned(), "nowhere"),
    };
    [
        ("today", input.today.to_string()),
        ("on_hand", input.on_hand.quantity().map_or_else(|| "not counted".to_owned(), |on_hand| on_hand.to_string())),
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
        ("supplier_from", input.supplier.map_or_else(|| "nowhere".to_owned(), |supplier| supplier.from.to_string())),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// A day as people write it, e.g. `Thu 26 Nov`.
fn spoken(day: Date) -> String {
    day.strftime("%a %-d %b").to_string()
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
        (false, false) => text.push_str(&format!(", {} on order ({} as draft)", plan.on_order, plan.on_order_draft)),
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
        Some(day) => text.push_str(&format!(": runs out on {}", spoken(day))),
        None => {}
    }
    if let (Some(order), Some(expected)) = (plan.order, expected) {
        let after = expected.plus(order)?;
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
pub fn standing(position: &Position, plan: &Plan, settings: &Resolved, today: Date) -> Result<Standing, FixedError> {
    let OnHand::Counted(on_hand) = position.on_hand(today)? else { return Ok(Standing::NotCounted) };
    let available = on_hand.minus(committed(position, settings)?)?;
    let is_stocked = plan.hold.is_none_or(|hold| hold == Hold::NotCounted);
    if is_stocked {
        if available <= Quantity::ZERO {
            return Ok(Standing::OutOfStock);
        }
        let supply_possible_on = today.saturating_add(i64::from(plan.lead_time_days.value).days());
        let runs_out_before_supply = plan
            .stock_out_on
            .is_some_and(|out| out < supply_possible_on || plan.next_arrival_on.is_some_and(|arrival| out < arrival));
        if runs_out_before_supply {
            return Ok(Standing::RunsOutBeforeSupply);
        }
        if available.plus(plan.on_order)? <= plan.reorder_point {
            return Ok(Standing::BelowReorderPoint);
        }
    }
    if on_hand > Quantity::ZERO {
        let idle_since = position.last_sold_on.or(plan.rate.known_since);
        let idle_days = idle_since.and_then(|since| since.until(today).ok()).map_or(0, |span| span.get_days());
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

/// A line that planning wants, with the day on which its goods should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The line.
    pub line: ProposalLine,
    /// When.
    pub wanted_on: Date,
}

/// What plans want to order, by supplier and in the order of item codes. Items without a supplier can't be
/// ordered and are left out; their plans say how much is missing.
pub fn wanted_by_supplier<'a>(
    plans: impl IntoIterator<Item = (&'a Item, &'a LocationId, &'a Plan)>,
) -> BTreeMap<ContactId, Vec<Wanted>> {
    let mut by_supplier: BTreeMap<ContactId, Vec<Wanted>> = BTreeMap::new();
    for (item, location, plan) in plans {
        let (Some(supplier), Some(quantity)) = (plan.supplier, plan.order) else { continue };
        let line = ProposalLine {
            item: item.id,
            code: item.code.clone(),
            name: item.name.clone(),
            location: location.clone(),
            quantity,
            unit_price: plan.unit_price,
            reason: plan.reason.clone(),
            inputs: plan.inputs.clone(),
        };
        by_supplier.entry(supplier).or_default().push(Wanted { line, wanted_on: plan.wanted_on });
    }
    for wanted in by_supplier.values_mut() {
        wanted.sort_by(|a, b| (&a.line.code, &a.line.location).cmp(&(&b.line.code, &b.line.location)));
    }
    by_supplier
}

/// What becomes of a supplier's proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing changes.
    Keep,
    /// A new proposal.
    Open(Proposal),
    /// The open proposal, changed; whoever was shown the old one must look again.
    Update(Proposal),
    /// The open proposal is not wanted any more.
    Withdraw(Proposal),
}

/// To whom a proposal goes.
#[derive(Clone, Copy, Debug)]
pub struct Supplier<'a> {
    /// Whose proposal it is.
    pub org: OrgId,
    /// The supplier.
    pub id: ContactId,
    /// The supplier's name.
    pub name: &'a str,
}

/// What becomes of a supplier's proposal, given what is wanted and the supplier's proposals that are pending
/// or were rejected in the last [`REJECTION_REST_DAYS`] days (older ones do no harm).
///
/// One proposal at a time: while an approved one is under way, or a failed one waits for a person, nothing
/// changes. Planning twice changes nothing: on the day of its plan an open proposal keeps its text as long
/// as items, quantities and prices are the same, so that a person can decide on what was shown.
pub fn propose(
    supplier: Supplier<'_>,
    wanted: &[Wanted],
    proposals: &[Proposal],
    today: Date,
    now: Timestamp,
) -> Decision {
    let is_under_way = |proposal: &Proposal| proposal.is_pending() && proposal.status != ProposalState::Open;
    if proposals.iter().any(is_under_way) {
        return Decision::Keep;
    }
    let open = proposals.iter().find(|proposal| proposal.status == ProposalState::Open);
    let kept: Vec<&Wanted> =
        wanted.iter().filter(|wanted| !rests(&wanted.line, proposals, now)).take(PROPOSAL_LINES_MAX).collect();
    let wanted_on = kept.iter().map(|wanted| wanted.wanted_on).min();
    let lines: Vec<ProposalLine> = kept.into_iter().map(|wanted| wanted.line.clone()).collect();
    match (open, wanted_on) {
        (None, None) => Decision::Keep,
        (None, Some(wanted_on)) => Decision::Open(Proposal {
            id: Proposal::new_id(supplier.org, supplier.id, now),
            supplier: supplier.id,
            supplier_name: supplier.name.to_owned(),
            planned_on: today,
            wanted_on,
            proposed_at: now,
            lines,
            status: ProposalState::Open,
        }),
        (Some(open), None) => {
            Decision::Withdraw(Proposal { status: ProposalState::Withdrawn { at: now }, ..open.clone() })
        }
        (Some(open), Some(_)) if open.planned_on == today && order_the_same(&open.lines, &lines) => Decision::Keep,
        (Some(open), Some(wanted_on)) => {
            let planned = Proposal { planned_on: today, wanted_on, lines, ..open.clone() };
            if planned == *open { Decision::Keep } else { Decision::Update(planned) }
        }
    }
}

fn order_the_same(one: &[ProposalLine], other: &[ProposalLine]) -> bool {
    let ordered = |line: &ProposalLine| (line.item, line.location.clone(), line.quantity, line.unit_price);
    one.iter().map(ordered).eq(other.iter().map(ordered))
}

/// Whether a person rejected this line lately, and not much more is wanted now.
fn rests(line: &ProposalLine, proposals: &[Proposal], now: Timestamp) -> bool {
    let rest = SignedDuration::from_hours(REJECTION_REST_DAYS.saturating_mul(24));
    let latest = proposals
        .iter()
        .filter_map(|proposal| match &proposal.status {
            ProposalState::Rejected { at, .. } if now.duration_since(*at) < rest => {
                let same = |old: &&ProposalLine| old.item == line.item && old.location == line.location;
                proposal.lines.iter().find(same).map(|old| (*at, old.quantity))
            }
            _ => None,
        })
        .max();
    latest.is_some_and(|(_, rejected)| {
        let threshold = i128::from(rejected.e4()).saturating_mul(REJECTION_GROWTH_PERCENT.saturating_add(100));
        i128::from(line.quantity.e4()).saturating_mul(100) < threshold
    })
}

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
        let expected_on = line
            .expected_on
            .unwrap_or_else(|| line.ordered_on.saturating_add(i64::from(lead_time_days).days()));
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

/// The levels; computed ones are rounded up to whole units where the item sells in whole units.
fn levels(rate: &Rate, z_micro: i64, settings: &Resolved) -> Result<Levels, FixedError> {
    let lead = u32::from(settings.lead_time_days.value);
    let both = lead.saturating_add(u32::from(settings.review_days.value));
    let unit = if rate.whole_units { Quantity::ONE } else { Quantity::ZERO };
    let safety_stock = safety(z_micro, rate.spread, lead)?;
    let mut reorder_point = rate.per_day.over(lead)?.plus(safety_stock)?.up_to_multiple_of(unit)?;
    let mut order_up_to =
        rate.per_day.over(both)?.plus(safety(z_micro, rate.spread, both)?)?.up_to_multiple_of(unit)?;
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
    .map(|(name, value)| (name.to_owned(), value))
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
pub fn standing(
    position: &Position,
    plan: &Plan,
    settings: &Resolved,
    today: Date,
) -> Result<Standing, FixedError> {
    let OnHand::Counted(on_hand) = position.on_hand(today)? else { return Ok(Standing::NotCounted) };
    let available = on_hand.minus(committed(position, settings)?)?;
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
    let kept: Vec<&Wanted> = wanted
        .iter()
        .filter(|wanted| !rests(&wanted.line, proposals, now))
        .take(PROPOSAL_LINES_MAX)
        .collect();
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
        (Some(open), Some(_)) if open.planned_on == today && order_the_same(&open.lines, &lines) => {
            Decision::Keep
        }
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
        let threshold =
            i128::from(rejected.e4()).saturating_mul(REJECTION_GROWTH_PERCENT.saturating_add(100));
        i128::from(line.quantity.e4()).saturating_mul(100) < threshold
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::fixed::mul_div;
    use crate::governance::{Approval, Phase};
    use crate::ids::{DocumentId, ItemId, LineId};
    use crate::settings::Settings;

    const TODAY: Date = date(2026, 11, 23);

    fn now() -> Timestamp {
        "2026-11-23T00:30:00Z".parse().unwrap()
    }

    fn q(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    fn day(ahead: i64) -> Date {
        TODAY.saturating_add(ahead.days())
    }

    fn item(code: &str) -> Item {
        Item {
            id: ItemId(crate::ids::derived("item", &[code])),
            code: code.to_owned(),
            name: format!("Item {code}"),
            tracked: false,
            purchase_price: None,
            sales_price: None,
            purchase_account: String::new(),
            purchase_tax: String::new(),
            sales_account: "200".to_owned(),
            quantity: None,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    /// Lead time 12 days, review 7, service level 95 %.
    fn settings() -> Resolved {
        let mut resolved = Settings::default().for_item(&item("BOX"), &LocationId::main(), None);
        resolved.lead_time_days = Sourced { value: 12, from: Origin::Supplier };
        resolved
    }

    fn rate(per_day: &str, spread: &str) -> Rate {
        Rate {
            per_day: per_day.parse().unwrap(),
            spread: spread.parse().unwrap(),
            from: day(-182),
            to: day(-1),
            sold: Quantity::ONE,
            known_since: Some(day(-400)),
            whole_units: true,
        }
    }

    fn order_line(number: &str, open: &str, expected: Option<i64>, status: DocumentStatus) -> OrderLine {
        OrderLine {
            order: DocumentId(crate::ids::derived("order", &[number])),
            line: LineId(Uuid::nil()),
            item: item("BOX").id,
            number: number.to_owned(),
            supplier: ContactId(Uuid::nil()),
            status,
            ordered_on: day(-5),
            expected_on: expected.map(day),
            ordered: q(open),
            received: Quantity::ZERO,
            billed: Quantity::ZERO,
            unit_price: Money::ZERO,
        }
    }

    fn input<'a>(
        on_hand: &str,
        rate: Rate,
        orders: &'a [OrderLine],
        settings: &'a Resolved,
    ) -> PlanInput<'a> {
        PlanInput {
            today: TODAY,
            now: now(),
            rate,
            on_hand: OnHand::Counted(q(on_hand)),
            committed: Quantity::ZERO,
            orders,
            settings,
            supplier: Some(Sourced { value: ContactId(Uuid::from_u128(5)), from: Origin::Learned }),
            unit_price: Some(Sourced { value: "4.81".parse().unwrap(), from: Origin::Learned }),
        }
    }

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
    fn the_drafts_switch_decides_what_is_committed() {
        let position = Position { committed: q("4"), ..Position::default() };
        assert_eq!(committed(&position, &settings()), Ok(q("4")));
        assert_eq!(
            committed(&position, &Resolved { count_sales_drafts: false, ..settings() }),
            Ok(Quantity::ZERO)
        );
    }

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

    fn supplier() -> Supplier<'static> {
        Supplier { org: OrgId(Uuid::from_u128(1)), id: ContactId(Uuid::from_u128(5)), name: "Acme" }
    }

    fn wanted(lines: &[(&str, &str)]) -> Vec<Wanted> {
        let line = |(code, quantity): &(&str, &str)| ProposalLine {
            item: item(code).id,
            code: (*code).to_owned(),
            name: String::new(),
            location: LocationId::main(),
            quantity: q(quantity),
            unit_price: "4.81".parse().unwrap(),
            reason: format!("{quantity} needed"),
            inputs: BTreeMap::new(),
        };
        lines.iter().map(|pair| Wanted { line: line(pair), wanted_on: day(12) }).collect()
    }

    fn opened(lines: &[(&str, &str)]) -> Proposal {
        match propose(supplier(), &wanted(lines), &[], TODAY, now()) {
            Decision::Open(proposal) => proposal,
            other => panic!("{other:?}"),
        }
    }

    fn later(hours: i64) -> Timestamp {
        now() + SignedDuration::from_hours(hours)
    }

    #[test]
    fn planning_twice_grows_no_second_proposal() {
        let open = opened(&[("BOX", "24"), ("TAPE", "6")]);
        let again = |lines: &[(&str, &str)], today| {
            propose(supplier(), &wanted(lines), std::slice::from_ref(&open), today, later(1))
        };
        assert_eq!(again(&[("BOX", "24"), ("TAPE", "6")], TODAY), Decision::Keep);

        let Decision::Update(updated) = again(&[("BOX", "36"), ("TAPE", "6")], TODAY) else { panic!() };
        assert_eq!((updated.id, updated.proposed_at), (open.id, open.proposed_at));
        assert_ne!(updated.contents(), open.contents(), "whoever was shown the old one must look again");

        let Decision::Update(next_day) = again(&[("BOX", "24"), ("TAPE", "6")], day(1)) else { panic!() };
        assert_eq!(next_day.planned_on, day(1));
        let Decision::Withdraw(withdrawn) = again(&[], TODAY) else { panic!() };
        assert_eq!(withdrawn.status, ProposalState::Withdrawn { at: later(1) });
        assert_eq!(propose(supplier(), &[], &[], TODAY, now()), Decision::Keep);
    }

    #[test]
    fn a_proposal_takes_a_limited_number_of_lines() {
        let codes: Vec<String> = (0..=PROPOSAL_LINES_MAX).map(|at| format!("ITEM-{at:04}")).collect();
        let lines: Vec<(&str, &str)> = codes.iter().map(|code| (code.as_str(), "1")).collect();
        let kept = opened(&lines).lines;
        assert_eq!((kept.len(), kept.last().unwrap().code.as_str()), (PROPOSAL_LINES_MAX, "ITEM-0199"));
    }

    #[test]
    fn an_open_proposal_keeps_its_text_for_the_day() {
        let open = opened(&[("BOX", "24")]);
        let mut same = wanted(&[("BOX", "24")]);
        same[0].line.reason = "one was sold since".to_owned();
        assert_eq!(propose(supplier(), &same, &[open], TODAY, later(1)), Decision::Keep);
    }

    #[test]
    fn nothing_grows_beside_an_order_under_way() {
        let open = opened(&[("BOX", "24")]);
        let (approved, _, _) = open.approve(Phase::Assist, open.contents(), "Kim", now()).unwrap();
        let ProposalState::Approved { approval, .. } = approved.status.clone() else { panic!() };
        let failed = ProposalState::Failed { approval: approval.clone(), reason: "refused".to_owned() };
        let done = ProposalState::Done { approval: Approval { ..approval }, order: DocumentId(Uuid::nil()) };
        let more = wanted(&[("TAPE", "6")]);
        let decide =
            |status| propose(supplier(), &more, &[Proposal { status, ..open.clone() }], TODAY, later(1));
        assert_eq!(decide(approved.status.clone()), Decision::Keep);
        assert_eq!(decide(failed), Decision::Keep);
        assert!(matches!(decide(done), Decision::Open(_)));
    }

    #[test]
    fn a_rejected_line_rests_until_its_time_or_until_much_more_is_wanted() {
        let open = opened(&[("BOX", "10"), ("TAPE", "6")]);
        let rejected = open.reject(open.contents(), "Kim", now(), "too early").unwrap();
        let codes = |lines: &[(&str, &str)], hours| match propose(
            supplier(),
            &wanted(lines),
            std::slice::from_ref(&rejected),
            day(1),
            later(hours),
        ) {
            Decision::Open(proposal) => proposal.lines.iter().map(|line| line.code.clone()).collect(),
            Decision::Keep => Vec::new(),
            other => panic!("{other:?}"),
        };
        let nothing: Vec<String> = Vec::new();
        assert_eq!(codes(&[("BOX", "10"), ("TAPE", "6")], 24), nothing);
        assert_eq!(codes(&[("BOX", "11.9999")], 24), nothing);
        assert_eq!(codes(&[("BOX", "12")], 24), ["BOX"]);
        assert_eq!(codes(&[("BOX", "10"), ("GLUE", "1")], 24), ["GLUE"]);
        assert_eq!(codes(&[("BOX", "10")], 24 * REJECTION_REST_DAYS - 1), nothing);
        assert_eq!(codes(&[("BOX", "10")], 24 * REJECTION_REST_DAYS), ["BOX"]);
    }

    #[test]
    fn wants_are_grouped_by_supplier_and_sorted_by_code() {
        let settings = settings();
        let of = |supplier: Option<u128>, on_hand| {
            let supplier =
                supplier.map(|id| Sourced { value: ContactId(Uuid::from_u128(id)), from: Origin::Item });
            plan(&PlanInput { supplier, ..input(on_hand, rate("2", "1.5"), &[], &settings) }).unwrap()
        };
        let (items, main) = (["TAPE", "BOX", "GLUE", "INK", "PEN"].map(item), LocationId::main());
        let plans = [of(Some(1), "3"), of(Some(1), "3"), of(Some(2), "3"), of(None, "3"), of(Some(2), "300")];
        let found = wanted_by_supplier(items.iter().zip(&plans).map(|(item, plan)| (item, &main, plan)));
        let codes: Vec<Vec<&str>> = found
            .values()
            .map(|lines| lines.iter().map(|wanted| wanted.line.code.as_str()).collect())
            .collect();
        assert_eq!(codes, [vec!["BOX", "TAPE"], vec!["GLUE"]]);
    }
}

//! Planning, as work on the queue: chunks of items write their plans; one step per org turns what plans
//! want into proposals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::{Date, Time};
use parstock_domain::calendar::OrgClock;
use parstock_domain::demand::{self, Brought, DemandByDay, History};
use parstock_domain::document::Item;
use parstock_domain::fixed::{FixedError, Money, Quantity};
use parstock_domain::governance::{OrderedBy, Proposal, ProposalState};
use parstock_domain::ids::{ContactId, ItemId, LocationId, OrgId, ProposalId, derived};
use parstock_domain::ledger::{OrderLine, Position};
use parstock_domain::prices;
use parstock_domain::replenish::{self, Decision, Plan, PlanInput, Standing, Supplier, Wanted};
use parstock_domain::settings::{Learned, Origin, Resolved, Sourced};
use parstock_domain::units::PurchaseUnit;

use crate::booking;
use crate::contacts::Contacts;
use crate::effects::{forget_told, may_be_over};
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::message::{Message, PLAN_ITEMS_MAX};
use crate::poller::PLAN_ALL_AFTER_DAYS;
use crate::ports::{Clock, Ports, Row, Store, Write};
use crate::records::{
    Backfill, Content, HintOf, Key, List, Owner, Pointer, Profile, Rejected, Touched, Trouble, WaitingHint,
    Want,
};
use crate::send::{send_in, send_now};
use crate::writer::{LEASE_SECONDS, Reason, Writer};

/// Seconds between a chunk's plans and the step that proposes, so that a run of chunks proposes once.
const PROPOSE_AFTER_SECONDS: u32 = 60;
/// Warnings of one commit: position and alert each, and the audit entry.
const WARNINGS_PER_COMMIT: usize = 45;
/// Times that warnings which a booking foiled are decided anew.
const ATTEMPTS_MAX: u32 = 5;

/// Plans the items that changed since they were last planned, those whose day has come, and those that want
/// to be ordered, whose figures stand in the digest and age by the day.
///
/// # Errors
/// When the store or a queue does not answer.
pub async fn touched<P: Ports>(ports: &P, org: OrgId) -> Result<(), AppError> {
    let now = ports.clock().now();
    let mut marks = load::all::<Touched>(ports.store(), org, &List::Touched).await?;
    marks.retain(|(_, mark)| mark.content.at <= now);
    let mut items: BTreeSet<ItemId> =
        marks.iter().flat_map(|(_, mark)| mark.content.items.iter().copied()).collect();
    for (key, _) in load::all::<Want>(ports.store(), org, &List::Wants).await? {
        if let Key::Want(_, item, _) = key {
            items.insert(item);
        }
    }
    let items: Vec<ItemId> = items.into_iter().collect();
    for chunk in items.chunks(PLAN_ITEMS_MAX) {
        send_now(ports, Message::Plan { org, items: chunk.to_vec() }).await?;
    }
    // A mark is written before its booking: while that can still be under way the mark stays, and its items
    // are planned again the next time. What is to be looked at on a day is kept in step by planning itself.
    let lease = SignedDuration::from_secs(LEASE_SECONDS);
    let is_served = |key: &Key, mark: &Touched| {
        mark.at.saturating_add(lease).is_ok_and(|end| end <= now)
            && mark.items.first().is_none_or(|item| *key != look_on(*item))
    };
    let served = marks.into_iter().filter(|(key, mark)| is_served(key, &mark.content));
    let served = served.map(|(key, _)| removal(key)).collect();
    ports.store().write_each(Owner::Org(org), served).await?;
    Ok(())
}

/// The mark of an item that is to be planned again on a day, whatever is booked until then.
fn look_on(item: ItemId) -> Key {
    Key::Touched(derived("look on", &[&item.to_string()]))
}

/// Keeps the mark of the day on which a plan is to be looked at again. What is further away than the
/// planning of all items needs none.
fn mark_next_check(clock: &OrgClock, item: ItemId, old: Option<&Plan>, plan: &Plan, writes: &mut Vec<Write>) {
    let marked = |plan: &Plan| {
        let days = plan.planned_on.until(plan.next_check_on).map_or(i32::MAX, |span| span.get_days());
        (days < PLAN_ALL_AFTER_DAYS).then_some(plan.next_check_on)
    };
    match (old.and_then(marked), marked(plan)) {
        (was, Some(day)) if was != Some(day) => {
            if let Some(at) = clock.instant_at(day, Time::midnight()) {
                writes.push(unguarded(look_on(item), Touched { at, items: vec![item] }));
            }
        }
        (Some(_), None) => writes.push(removal(look_on(item))),
        _ => {}
    }
}

/// Plans one chunk of all items, and asks for the next.
///
/// # Errors
/// When the store or a queue does not answer.
pub async fn all<P: Ports>(ports: &P, org: OrgId, day: Date, after: Option<ItemId>) -> Result<(), AppError> {
    let after = after.map(Key::Item);
    let limit = u32::try_from(PLAN_ITEMS_MAX).unwrap_or(u32::MAX);
    let page = ports.store().list(Owner::Org(org), &List::Items, after.as_ref(), limit).await?;
    let chunk: Vec<ItemId> = page
        .rows
        .iter()
        .filter_map(|row| if let Key::Item(item) = &row.key { Some(*item) } else { None })
        .collect();
    if let (Some(_), Some(last)) = (&page.next, chunk.last()) {
        send_now(ports, Message::PlanAll { org, day, after: Some(*last) }).await?;
    }
    items(ports, org, &chunk).await
}

/// What plans of one chunk share.
struct Chunk<'p, P> {
    ports: &'p P,
    org: OrgId,
    today: Date,
    now: jiff::Timestamp,
    contacts: Contacts,
    settings: parstock_domain::settings::Settings,
}

/// Plans items, and asks for proposals if what they want has changed.
///
/// # Errors
/// When the store or a queue does not answer.
pub async fn items<P: Ports>(ports: &P, org: OrgId, items: &[ItemId]) -> Result<(), AppError> {
    let owner = Owner::Org(org);
    let Some(profile) = load::one::<Profile>(ports.store(), owner, Key::Profile).await? else {
        return Ok(());
    };
    let clock = OrgClock::new(&profile.content.time_zone)
        .map_err(|error| AppError::NeedsPerson(error.to_string()))?;
    let now = ports.clock().now();
    let location = LocationId::main();
    let known = known(ports, owner, items, &location).await?;
    let chunk = Chunk {
        ports,
        org,
        today: clock.day_of(now),
        now,
        contacts: Contacts::all(ports, org).await?,
        settings: crate::settings::for_items(ports, org, items).await?,
    };
    let mut priced = crate::prices::standing(ports, org, items).await?;
    let mut writes = Vec::new();
    let mut crossings = Vec::new();
    let mut maybe_over = Vec::new();
    let mut wants_changed = false;
    for Known { item, position, lesson, trouble, history, old } in known {
        let mut position = position.unwrap_or(Position { tracked: item.tracked, ..Position::default() });
        let resolved = chunk.resolved(&item, &location, lesson.as_ref());
        // its stock and prices are of another unit until its papers are read again, which plans it
        if lesson.as_ref().is_some_and(|lesson| chunk.is_read_otherwise(&item, lesson))
            && papers_wait(ports, org).await?
        {
            continue;
        }
        let (demand, orders) = chunk.demand_and_orders(item.id, &position, history).await?;
        if let Some(history) = demand.keep {
            writes.push(unguarded(Key::Demand(item.id, location.clone()), history));
        }
        let org_settings = chunk.settings.policy.org();
        let changed_on = clock.day_of(item.priced_at.unwrap_or(item.updated_at));
        let bill = prices::Bill {
            last: lesson.as_ref(),
            unit: chunk.unit_of_price(&item, &resolved, lesson.as_ref()),
            changed_on,
            basis: org_settings.price_change_from,
            percent: org_settings.price_change_percent,
            now,
        };
        crate::prices::keep(ports, org, &item, &bill, priced.remove(&item.id)).await?;
        let plan = chunk.plan(&item, &resolved, &position, lesson, &demand.days, &orders)?;
        let standing = replenish::standing(&position, &plan, &resolved, chunk.today)?;
        mark_trouble(&item, &location, standing, &plan, trouble, &mut writes);
        if may_be_over(&position, standing) {
            maybe_over.push((item.id, location.clone(), standing));
        }
        wants_changed |= want(&item, &location, old.as_ref(), &plan, &mut writes);
        mark_next_check(&clock, item.id, old.as_ref(), &plan, &mut writes);
        writes.push(unguarded(Key::Plan(item.id, location.clone()), plan.clone()));
        if let Some(old) = old
            && replenish::crossing_between(&old, &plan, &mut position)?.is_some()
        {
            crossings.push(Crossed { item: item.id, before: old, after: plan });
        }
    }
    // before the plans are written: they would hide that a line was crossed
    for crossings in crossings.chunks(WARNINGS_PER_COMMIT) {
        warn(ports, org, &location, crossings).await?;
    }
    writes.extend(forget_told(ports, org, &maybe_over).await?);
    ports.store().write_each(owner, writes).await?;
    if !crossings.is_empty() {
        send_now(ports, Message::Alerts { org }).await?;
    }
    if wants_changed {
        send_in(ports, Message::Propose { org }, PROPOSE_AFTER_SECONDS).await?;
    }
    Ok(())
}

/// What is known of an item that is planned.
struct Known {
    item: Item,
    position: Option<Position>,
    lesson: Option<Learned>,
    trouble: Option<Trouble>,
    history: Option<History>,
    old: Option<Plan>,
}

/// What is known of items, read together; an item that Xero does not list is left out.
async fn known<P: Ports>(
    ports: &P,
    owner: Owner,
    items: &[ItemId],
    location: &LocationId,
) -> Result<Vec<Known>, AppError> {
    let at = || location.clone();
    let keys: Vec<Key> = items
        .iter()
        .flat_map(|item| {
            [
                Key::Item(*item),
                Key::Position(*item, at()),
                Key::Supply(*item),
                Key::Trouble(*item, at()),
                Key::Demand(*item, at()),
                Key::Plan(*item, at()),
            ]
        })
        .collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = ports.store().get(owner, &keys).await?.into_iter();
    let mut known = Vec::with_capacity(items.len());
    for _ in items {
        let item = content::<Item>(&mut rows)?;
        let position = content(&mut rows)?;
        let lesson = content(&mut rows)?;
        let trouble = content(&mut rows)?;
        let history = content(&mut rows)?;
        let old = content(&mut rows)?;
        let Some(item) = item else { continue };
        known.push(Known { item, position, lesson, trouble, history, old });
    }
    Ok(known)
}

/// The content of the next row, if it is there.
fn content<T: Content>(rows: &mut impl Iterator<Item = Option<Row>>) -> Result<Option<T>, AppError> {
    Ok(load::decode_row(rows.next().flatten())?.map(|row| row.content))
}

/// Whether documents wait to be fetched.
async fn papers_wait<P: Ports>(ports: &P, org: OrgId) -> Result<bool, AppError> {
    let waiting = load::all::<WaitingHint>(ports.store(), org, &List::Hints).await?;
    Ok(waiting.iter().any(|(key, _)| matches!(key, Key::Hint(HintOf::Invoice(_) | HintOf::Again(_)))))
}

/// An item that two plans show to have crossed a line.
struct Crossed {
    item: ItemId,
    before: Plan,
    after: Plan,
}

/// Raises the warnings of items that crossed a line without a booking, or by what is on order.
async fn warn<P: Ports>(
    ports: &P,
    org: OrgId,
    location: &LocationId,
    crossed: &[Crossed],
) -> Result<(), AppError> {
    let mut attempt = 1;
    loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        if !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
            return Ok(());
        }
        let keys: Vec<Key> =
            crossed.iter().map(|crossed| Key::Position(crossed.item, location.clone())).collect();
        let positions = load::many::<Position>(ports.store(), writer.owner(), &keys).await?;
        let mut writes = Vec::new();
        for ((crossed, key), position) in crossed.iter().zip(keys).zip(positions) {
            let Some(mut position) = position else { continue };
            let Crossed { item, before, after } = crossed;
            let crossing = replenish::crossing_between(before, after, &mut position.content)?;
            if let Some(crossing) = crossing {
                writes.push(position.write(key));
                writes.push(booking::alert(&writer, *item, location, crossing, Some(after)));
            }
        }
        if writes.is_empty() {
            return Ok(());
        }
        let reason = Reason::own("warn by plan").with("warnings", writes.len() / 2);
        let id = writer.new_commit();
        match writer.commit(id, writes, reason).await {
            // a booking was quicker: what is to be told is decided anew
            Err(AppError::Retry(_)) if attempt < ATTEMPTS_MAX => attempt += 1,
            outcome => return outcome,
        }
    }
}

impl<P: Ports> Chunk<'_, P> {
    fn resolved(&self, item: &Item, location: &LocationId, lesson: Option<&Learned>) -> Resolved {
        // by its present name, as settings have it
        let learned =
            lesson.map(|lesson| self.contacts.name(lesson.supplier).unwrap_or(lesson.supplier_name.as_str()));
        self.settings.for_item(item, location, learned)
    }

    fn plan(
        &self,
        item: &Item,
        resolved: &Resolved,
        position: &Position,
        lesson: Option<Learned>,
        demand: &DemandByDay,
        orders: &[OrderLine],
    ) -> Result<Plan, AppError> {
        let rate = demand::rate(demand, position.first_on, self.today)?;
        let supplier = self.supplier(resolved, lesson.as_ref());
        let unit = supplier.and_then(|supplier| self.unit_on(item, supplier.value, self.today));
        let unit_of_price = self.unit_of_price(item, resolved, lesson.as_ref());
        // what another supplier charges is no price of this one
        let lesson = lesson.filter(|lesson| {
            let taught_by = self.contacts.present(lesson.supplier);
            supplier.is_none_or(|supplier| supplier.value == taught_by)
        });
        let price = |quantity: Quantity| match (&lesson, item.purchase_price) {
            (Some(lesson), _) => {
                let price = lesson.price_of(quantity)?;
                Ok::<_, FixedError>(Some(Sourced { value: price, from: Origin::Learned }))
            }
            (None, price) => {
                let price = match (price, unit_of_price) {
                    (Some(price), Some(unit)) => Some(price.part(quantity, unit.holds)?),
                    (price, _) => price,
                };
                Ok(price.map(|value| Sourced { value, from: Origin::Default }))
            }
        };
        let by = match unit {
            Some(unit) => {
                let price = price(unit.holds)?.map_or(Money::ZERO, |price| price.value);
                Some(OrderedBy { unit: unit.clone(), price })
            }
            None => None,
        };
        let input = PlanInput {
            today: self.today,
            now: self.now,
            rate,
            enough: None,
            on_hand: position.on_hand(self.today)?,
            committed: position.committed_total(resolved.count_sales_drafts)?,
            changes_on: position.next_ahead(self.today),
            orders,
            settings: resolved,
            supplier,
            unit_price: price(Quantity::ONE)?,
            by,
        };
        Ok(replenish::plan(&input)?)
    }

    /// The unit by which a contact's papers of a day count an item; Xero adds up those of tracked items as they stand.
    fn unit_on(&self, item: &Item, contact: ContactId, day: Date) -> Option<&PurchaseUnit> {
        self.settings.unit_on(&item.code, self.contacts.name(contact), day).filter(|_| !item.tracked)
    }

    /// By what an item's purchase price in Xero is: the unit of the supplier that is set, else of the one who billed it last.
    fn unit_of_price(
        &self,
        item: &Item,
        resolved: &Resolved,
        lesson: Option<&Learned>,
    ) -> Option<&PurchaseUnit> {
        let supplier = self.supplier(resolved, lesson)?.value;
        self.unit_on(item, supplier, self.today)
    }

    /// Whether the item's latest bill was read by another unit than holds for it now.
    fn is_read_otherwise(&self, item: &Item, lesson: &Learned) -> bool {
        let unit = self.unit_on(item, lesson.supplier, lesson.on);
        let holds = unit.map_or(Quantity::ONE, |unit| unit.holds);
        !item.tracked && holds != lesson.holds.unwrap_or(Quantity::ONE)
    }

    fn supplier(&self, resolved: &Resolved, lesson: Option<&Learned>) -> Option<Sourced<ContactId>> {
        let set = resolved.supplier.as_deref().and_then(|name| self.contacts.named(name));
        Sourced::set_or_learned(set, lesson.map(|lesson| self.contacts.present(lesson.supplier)))
    }

    /// The item's demand: what is folded and what came since, or the whole window where that isn't enough. Its order
    /// lines lie behind its movements and are read with them.
    async fn demand_and_orders(
        &self,
        item: ItemId,
        position: &Position,
        known: Option<History>,
    ) -> Result<(Brought, Vec<OrderLine>), AppError> {
        let store = self.ports.store();
        let window = demand::window_start(self.today);
        let Some(known) = known else {
            let (read, orders) = load::movements_and_order_lines(store, self.org, item, window).await?;
            return Ok((History::of_window(&read, position.movements, self.today)?, orders));
        };
        let (read, orders) = match known.is_whole(position.movements) {
            true => (Vec::new(), order_lines(store, self.org, item).await?),
            false => load::movements_and_order_lines(store, self.org, item, known.folded_before).await?,
        };
        if let Some(brought) = known.bring(&read, position.movements, self.today)? {
            return Ok((brought, orders));
        }
        let read = load::movements(store, self.org, item, Some(window)).await?;
        Ok((History::of_window(&read, position.movements, self.today)?, orders))
    }
}

/// An item's order lines.
async fn order_lines(store: &impl Store, org: OrgId, item: ItemId) -> Result<Vec<OrderLine>, AppError> {
    let lines = load::all::<OrderLine>(store, org, &List::OrderLines(item)).await?;
    Ok(lines.into_iter().map(|(_, row)| row.content).collect())
}

/// Keeps the list of items that stand otherwise than well.
fn mark_trouble(
    item: &Item,
    location: &LocationId,
    standing: Standing,
    plan: &Plan,
    known: Option<Trouble>,
    writes: &mut Vec<Write>,
) {
    let key = Key::Trouble(item.id, location.clone());
    let trouble = Trouble {
        code: item.code.clone(),
        name: item.name.clone(),
        standing,
        available: plan.on_hand.and_then(|on_hand| on_hand.minus(plan.committed).ok()),
        runs_out_on: plan.stock_out_on,
        late_order_numbers: plan.late_orders.iter().map(|order| order.number.clone()).collect(),
    };
    let well =
        matches!(standing, Standing::Fine | Standing::Ordered) && trouble.late_order_numbers.is_empty();
    match known {
        Some(_) if well => writes.push(removal(key)),
        Some(known) if known == trouble => {}
        None if well => {}
        _ => writes.push(unguarded(key, trouble)),
    }
}

/// Keeps the mark of a plan that wants to order in step with the plan. Returns whether it changed.
fn want(
    item: &Item,
    location: &LocationId,
    old: Option<&Plan>,
    plan: &Plan,
    writes: &mut Vec<Write>,
) -> bool {
    let wanted = replenish::wanted_by_supplier([(item, location, plan)]);
    let was = old.filter(|old| old.order.is_some()).and_then(|old| old.supplier);
    let is = wanted.keys().next().copied();
    if let Some(was) = was.filter(|was| Some(*was) != is) {
        writes.push(removal(Key::Want(was, item.id, location.clone())));
    }
    for (supplier, lines) in wanted {
        for Wanted { line, wanted_on } in lines {
            let key = Key::Want(supplier, item.id, location.clone());
            writes.push(unguarded(
                key,
                Want { line, wanted_on, planned_on: plan.planned_on, open_on_orders: plan.open_on_orders },
            ));
        }
    }
    let said =
        |plan: &Plan| (plan.order, plan.unit_price, plan.by.clone(), plan.planned_on, plan.open_on_orders);
    was != is || (is.is_some() && old.map(said) != Some(said(plan)))
}

/// Turns what plans want into proposals: at most one per supplier stands between plan and order.
///
/// # Errors
/// [`AppError::NotNow`] while another worker holds the org.
pub async fn propose<P: Ports>(ports: &P, org: OrgId) -> Result<(), AppError> {
    let mut writer = Writer::open(ports, org).await?;
    let result = propose_all(&mut writer).await;
    writer.close().await;
    result
}

async fn propose_all<P: Ports>(writer: &mut Writer<'_, P>) -> Result<(), AppError> {
    let store = writer.ports().store();
    let mut wanted: BTreeMap<ContactId, Vec<Want>> = BTreeMap::new();
    for (key, row) in load::all::<Want>(store, writer.org(), &List::Wants).await? {
        if let Key::Want(supplier, ..) = key {
            wanted.entry(supplier).or_default().push(row.content);
        }
    }
    for (key, _) in load::all::<Pointer<ProposalId>>(store, writer.org(), &List::PendingProposals).await? {
        if let Key::PendingProposal(supplier) = key {
            wanted.entry(supplier).or_default();
        }
    }
    for (supplier, mut lines) in wanted {
        lines.sort_by(|a, b| (&a.line.code, &a.line.location).cmp(&(&b.line.code, &b.line.location)));
        propose_one(writer, supplier, &lines).await?;
    }
    Ok(())
}

async fn propose_one<P: Ports>(
    writer: &mut Writer<'_, P>,
    supplier: ContactId,
    wants: &[Want],
) -> Result<(), AppError> {
    let store = writer.ports().store();
    let owner = writer.owner();
    let pointer_key = Key::PendingProposal(supplier);
    let pointer = load::one::<Pointer<ProposalId>>(store, owner, pointer_key.clone()).await?;
    let rejected = load::one::<Rejected>(store, owner, Key::Rejected(supplier)).await?;
    let mut ids: Vec<ProposalId> = pointer.iter().map(|pointer| pointer.content.to).collect();
    ids.extend(rejected.iter().flat_map(|row| row.content.proposals.iter().map(|(id, _)| *id)));
    let keys: Vec<Key> = ids.into_iter().map(Key::Proposal).collect();
    let standing: Vec<Versioned<Proposal>> =
        load::many::<Proposal>(store, owner, &keys).await?.into_iter().flatten().collect();
    let proposals: Vec<Proposal> = standing.iter().map(|row| row.content.clone()).collect();
    let contacts = Contacts::of(writer.ports(), writer.org(), BTreeSet::from([supplier])).await?;
    let name = contacts.name(supplier).unwrap_or("unnamed supplier");
    let whose = Supplier { org: writer.org(), id: supplier, name };
    let now = writer.now();
    let today = writer.clock().day_of(now);
    let wanted: Vec<Wanted> =
        wants.iter().map(|want| Wanted { line: want.line.clone(), wanted_on: want.wanted_on }).collect();
    let (proposal, what) = match replenish::propose(whose, &wanted, &proposals, today, now) {
        Decision::Keep => return Ok(()),
        Decision::Open(proposal) => (proposal, "propose order"),
        Decision::Update(proposal) => (proposal, "change proposal"),
        Decision::Withdraw(proposal) => (proposal, "withdraw proposal"),
    };
    let outdated = outdated(writer, &proposal, wants).await?;
    if !outdated.is_empty() {
        // their new plans ask for proposals again
        return send_now(writer.ports(), Message::Plan { org: writer.org(), items: outdated }).await;
    }
    let mut writes = Vec::new();
    let expect = |id| standing.iter().find(|row| row.content.id == id).map(|row| row.expect);
    match (&proposal.status, expect(proposal.id), pointer) {
        (ProposalState::Withdrawn { .. }, ..) => writes.push(removal(pointer_key)),
        (_, None, pointer) => {
            let content = Pointer { to: proposal.id };
            let expect = pointer.map_or(crate::ports::Expect::Absent, |pointer| pointer.expect);
            writes.push(Versioned { content, expect }.write(pointer_key));
        }
        _ => {}
    }
    let reason = Reason::own(what)
        .with("proposal", proposal.id)
        .with("supplier", supplier)
        .with("lines", proposal.lines.len())
        .with("contents", proposal.contents());
    let expect = expect(proposal.id).unwrap_or(crate::ports::Expect::Absent);
    let key = Key::Proposal(proposal.id);
    writes.push(Versioned { content: proposal, expect }.write(key));
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await
}

/// Items of a proposal whose plan has not seen what is on order by now. Proposing them would order the same
/// goods twice. The order lines are read after the supplier's proposals: an order whose proposal is done by
/// then has its lines booked.
async fn outdated<P: Ports>(
    writer: &Writer<'_, P>,
    proposal: &Proposal,
    wants: &[Want],
) -> Result<Vec<ItemId>, AppError> {
    let mut outdated = Vec::new();
    if matches!(proposal.status, ProposalState::Withdrawn { .. }) {
        return Ok(outdated);
    }
    for line in &proposal.lines {
        let Some(want) = wants.iter().find(|want| want.line.item == line.item) else { continue };
        let orders = order_lines(writer.ports().store(), writer.org(), line.item).await?;
        if replenish::open_on_orders(&orders)? != want.open_on_orders {
            outdated.push(line.item);
        }
    }
    Ok(outdated)
}

//! Booking an adjustment of untracked items in the ledger, in commits of at most a hundred rows. The adjustment says how far it is,
//! so a crash between two of them is mended by going on.

use std::collections::{BTreeMap, BTreeSet};

use parstock_domain::adjustment::{Adjustment, AdjustmentLine, AdjustmentNumber, Form, Stage};
use parstock_domain::document::Item;
use parstock_domain::ids::{ItemId, LocationId, OrgId};
use parstock_domain::ledger::adjusted::Adjusting;
use parstock_domain::ledger::booking::StockCost;
use parstock_domain::ledger::{Because, Layers, Movement, Position};
use parstock_domain::replenish::Plan;

use super::{adjustment, missing, question};
use crate::booking::warning;
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::message::{Message, PLAN_ITEMS_MAX};
use crate::ports::{Expect, Ports, Store, Write};
use crate::records::Key;
use crate::refold;
use crate::send::send_now;
use crate::sync::touch;
use crate::tries::Tries;
use crate::writer::{Reason, Writer};

/// Lines that one commit books: two movements each, and position, costs and alert of as many items at most. The bytes of so many costs
/// fit into a commit.
const LINES_PER_COMMIT: usize = 8;

/// Books what is still to be booked of an adjustment of untracked items; nothing of one that goes into Xero.
///
/// # Errors
/// [`AppError::NotNow`] while another worker holds the org; when the store does not answer.
pub(crate) async fn book<P: Ports>(ports: &P, org: OrgId, number: AdjustmentNumber) -> Result<(), AppError> {
    let standing = Writer::open_unleased(ports, org).await?;
    let asked = adjustment(&standing, number).await?.content;
    if !is_under_way(&asked) {
        return Ok(());
    }
    let mut writer = Writer::open(ports, org).await?;
    let result = go_on(&mut writer, number).await;
    writer.close().await;
    let crossed = result?;
    let items: BTreeSet<ItemId> = asked.lines.iter().map(|line| line.item).collect();
    let items: Vec<ItemId> = items.into_iter().collect();
    for items in items.chunks(PLAN_ITEMS_MAX) {
        send_now(ports, Message::Plan { org, items: items.to_vec() }).await?;
    }
    if crossed {
        send_now(ports, Message::Alerts { org }).await?;
    }
    Ok(())
}

fn is_under_way(adjustment: &Adjustment) -> bool {
    adjustment.form == Form::Ledger && adjustment.stage == Stage::Booking
}

/// Says whether a position crossed a line.
async fn go_on<P: Ports>(writer: &mut Writer<'_, P>, number: AdjustmentNumber) -> Result<bool, AppError> {
    let (mut tries, mut crossed) = (Tries::begin(writer.ports()), false);
    loop {
        let adjustment = adjustment(writer, number).await?;
        if !is_under_way(&adjustment.content) {
            return Ok(crossed);
        }
        if writer.is_late() {
            return Err(AppError::Retry(format!("{number} is not whole yet and goes on")));
        }
        match step(writer, adjustment).await {
            Ok(has_crossed) => crossed |= has_crossed,
            Err(error) => {
                tries.next(error)?;
                writer.reload_head().await?;
            }
        }
    }
}

async fn step<P: Ports>(
    writer: &mut Writer<'_, P>,
    mut adjustment: Versioned<Adjustment>,
) -> Result<bool, AppError> {
    let number = adjustment.content.number;
    let done = adjustment.content.done;
    if done == 0
        && let Some(why) = missing(writer, &adjustment.content, &BTreeMap::new()).await?
    {
        refuse(writer, adjustment, why).await?;
        return Ok(false);
    }
    let lines: Vec<(u32, AdjustmentLine)> =
        (1..).zip(adjustment.content.lines.iter().cloned()).skip(done).take(LINES_PER_COMMIT).collect();
    let mut by_item: BTreeMap<ItemId, Vec<&(u32, AdjustmentLine)>> = BTreeMap::new();
    for line in &lines {
        by_item.entry(line.1.item).or_default().push(line);
    }
    let (id, location) = (writer.new_commit(), LocationId::main());
    let mut writes = Vec::new();
    let mut reason = Reason::own("book adjustment").with("adjustment", number).with("lines", lines.len());
    let (mut movements, mut left_out, mut crossed) = (0, Vec::new(), false);
    touch(writer, by_item.keys().copied().collect()).await?;
    for (item, lines) in by_item {
        let on = adjustment.content.on;
        let Some(mut stock) = Stock::read(writer, item, on).await? else {
            // Xero began to track it: its book of ours is closed
            left_out.extend(lines.iter().map(|(_, line)| format!("{} ({})", line.code, line.change)));
            continue;
        };
        let mut booked = Vec::new();
        for (index, line) in lines {
            let adjusting = Adjusting {
                number,
                index: *index,
                line,
                on,
                location: &location,
                today: writer.clock().day_of(writer.now()),
                recorded_at: writer.now(),
                commit: id,
            };
            let StockCost::Effective(refold) = &mut stock.cost else {
                return Err(AppError::Bug("an adjustment of an item that Xero tracks".to_owned()));
            };
            booked.extend(adjusting.book(&mut stock.position.content, refold)?);
        }
        movements += booked.len();
        for movement in &booked {
            writes.push(Versioned::new(movement.clone()).write(Key::Movement(item, movement.key)));
        }
        let stored = refold::Stored {
            item,
            location: &location,
            because: Because::Adjustment(number),
            at: writer.now(),
            commit: id,
        };
        crossed |= stock.write(writer, stored, &booked, &mut writes, &mut reason)?;
    }
    if !left_out.is_empty() {
        reason = reason.with("left_out", left_out.join(", "));
        adjustment.content.left_out.extend(left_out);
        let text = format!(
            "Of adjustment {number} the lines of {} were not booked: Xero tracks these items since. Adjust them anew.",
            adjustment.content.left_out.join(", ")
        );
        writes.push(question(writer.now(), number, text));
    }
    adjustment.content.done = done.saturating_add(lines.len());
    if adjustment.content.done >= adjustment.content.lines.len() {
        adjustment.content.stage = Stage::Booked;
    }
    writes.push(adjustment.write(Key::Adjustment(number)));
    writer.commit(id, writes, reason.with("movements", movements)).await?;
    Ok(crossed)
}

/// Books nothing of an adjustment, since something went out after it was decided. Once a part is booked the rest follows.
async fn refuse<P: Ports>(
    writer: &mut Writer<'_, P>,
    mut adjustment: Versioned<Adjustment>,
    why: String,
) -> Result<(), AppError> {
    let number = adjustment.content.number;
    let text = format!("Adjustment {number} by {} was not booked: {why}.", adjustment.content.made_by);
    let reason = Reason::own("adjustment refused").with("adjustment", number).with("reason", &why);
    adjustment.content.stage = Stage::Refused { reason: why, is_uncertain: false };
    let writes = vec![question(writer.now(), number, text), adjustment.write(Key::Adjustment(number))];
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await
}

/// An item's position and costs while lines are booked on it.
struct Stock {
    before: Position,
    position: Versioned<Position>,
    plan: Option<Plan>,
    cost: StockCost,
    layers: Expect,
}

impl Stock {
    /// Reads them, so that movements from a day on can be added; `None` of an item whose costs Xero holds.
    async fn read<P: Ports>(
        writer: &Writer<'_, P>,
        item: ItemId,
        from: jiff::civil::Date,
    ) -> Result<Option<Self>, AppError> {
        let location = LocationId::main();
        let keys = [
            Key::Position(item, location.clone()),
            Key::Layer(item, location.clone()),
            Key::Plan(item, location.clone()),
            Key::Item(item),
        ];
        let mut rows = writer.ports().store().get(writer.owner(), &keys).await?.into_iter();
        let position = load::decode_row::<Position>(rows.next().flatten())?;
        let position = position.unwrap_or(Versioned::new(Position::default()));
        let layers = load::decode_row::<Layers>(rows.next().flatten())?;
        let plan = load::decode_row::<Plan>(rows.next().flatten())?.map(|row| row.content);
        let master = load::decode_row::<Item>(rows.next().flatten())?;
        if master.is_some_and(|item| item.content.tracked) {
            return Ok(None);
        }
        let (layers, expect) = layers.map_or((None, Expect::Absent), |row| (Some(row.content), row.expect));
        let method = match &plan {
            Some(plan) => plan.costing,
            None => {
                refold::methods(writer, &[item], &location).await?.get(&item).copied().unwrap_or_default()
            }
        };
        let cost = refold::begin(writer, item, &location, &position.content, layers, method, from).await?;
        let is_ours = matches!(cost, StockCost::Effective(_));
        let before = position.content.clone();
        Ok(is_ours.then_some(Self { before, position, plan, cost, layers: expect }))
    }

    /// Says whether the position crossed a line.
    fn write<P: Ports>(
        mut self,
        writer: &Writer<'_, P>,
        stored: refold::Stored<'_>,
        booked: &[Movement],
        writes: &mut Vec<Write>,
        reason: &mut Reason,
    ) -> Result<bool, AppError> {
        let today = writer.clock().day_of(stored.at);
        let after = &mut self.position.content;
        let plan = self.plan.as_ref();
        let alert = warning(writer, stored.item, stored.location, &self.before, after, plan, today)?;
        let crossed = alert.is_some();
        writes.extend(alert);
        writes.push(self.position.write(Key::Position(stored.item, stored.location.clone())));
        stored.write(self.cost, booked, self.layers, writes, &mut reason.cogs)?;
        Ok(crossed)
    }
}

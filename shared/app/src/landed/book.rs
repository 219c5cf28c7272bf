//! Booking a voucher, or taking it back, in commits of at most a hundred rows. The voucher says how far it is, so a crash between
//! two of them is mended by going on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::document::DocumentRef;
use parstock_domain::fixed::{FixedError, Money};
use parstock_domain::ids::{CommitId, ItemId, LocationId, OrgId, derived};
use parstock_domain::landed::{Share, Stage, Voucher, VoucherNumber};
use parstock_domain::ledger::booking::StockCost;
use parstock_domain::ledger::landed;
use parstock_domain::ledger::{Because, Cause, Layers, Movement, Position};
use parstock_domain::replenish::Plan;
use parstock_domain::settings::{LandedOn, Learned};

use super::purchases::asked;
use super::{known, voucher};
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{Expect, Ports, Store, Write};
use crate::records::{Key, ReviewKind};
use crate::refold;
use crate::sync::touch;
use crate::tries::Tries;
use crate::writer::{Reason, Writer};

/// Shares that one commit books: a movement each, and position and costs of as many items at most. The bytes of so many costs fit
/// into a commit.
const SHARES_PER_COMMIT: usize = 8;

/// Books what is still to be booked of a voucher.
///
/// # Errors
/// [`AppError::NotNow`] while another worker holds the org; when the store does not answer.
pub(crate) async fn book<P: Ports>(ports: &P, org: OrgId, number: VoucherNumber) -> Result<(), AppError> {
    let standing = Writer::open_unleased(ports, org).await?;
    if !is_under_way(&voucher(&standing, number).await?.content) {
        return Ok(());
    }
    let mut writer = Writer::open(ports, org).await?;
    let result = go_on(&mut writer, number).await;
    writer.close().await;
    result
}

const fn is_under_way(voucher: &Voucher) -> bool {
    matches!(voucher.stage, Stage::Booking | Stage::TakingBack)
}

async fn go_on<P: Ports>(writer: &mut Writer<'_, P>, number: VoucherNumber) -> Result<(), AppError> {
    let mut tries = Tries::begin(writer.ports());
    loop {
        let voucher = voucher(writer, number).await?;
        if !is_under_way(&voucher.content) {
            return Ok(());
        }
        if writer.is_late() {
            return Err(AppError::Retry(format!("voucher {number} is not whole yet and goes on")));
        }
        if let Err(error) = step(writer, voucher).await {
            tries.next(error)?;
            writer.reload_head().await?;
        }
    }
}

async fn step<P: Ports>(writer: &mut Writer<'_, P>, mut voucher: Versioned<Voucher>) -> Result<(), AppError> {
    let number = voucher.content.number;
    let (on, back, done) =
        (voucher.content.draft.on, voucher.content.stage == Stage::TakingBack, voucher.content.done);
    let shares: Vec<Share> =
        voucher.content.draft.shares.iter().skip(done).take(SHARES_PER_COMMIT).cloned().collect();
    let bills: BTreeSet<DocumentRef> = shares.iter().map(|share| share.of).collect();
    let received = known::received(writer, &bills).await?;
    let mut by_item: BTreeMap<ItemId, Vec<(&Share, Date)>> = BTreeMap::new();
    // what Xero tracks is revalued there
    for share in shares.iter().filter(|share| !share.tracked) {
        let there = received.get(&(share.of, share.line));
        let received_on = there.map_or(share.on, |there| there.on);
        by_item.entry(share.item).or_default().push((share, received_on));
    }
    let id = writer.new_commit();
    let mut writes = Vec::new();
    let mut reason = Reason::own(if back { "take landed cost back" } else { "book landed cost" })
        .with("voucher", number)
        .with("shares", shares.len());
    let (mut movements, mut left_out) = (0, Vec::new());
    // what one of them costs now may be another price
    touch(writer, shares.iter().map(|share| share.item).collect()).await?;
    writes.extend(lessons_of_tracked(writer, &shares, back).await?);
    for (item, shares) in by_item {
        let from = shares.iter().map(|(_, received_on)| *received_on).min().unwrap_or(on).min(on);
        let Some(mut costs) = ItemCosts::begin(writer, item, from).await? else {
            // Xero began to track it: its book of ours is closed
            left_out.extend(shares.iter().map(|(share, _)| format!("{} ({})", share.code, share.amount)));
            continue;
        };
        let mut booked = Vec::new();
        for (share, received_on) in shares {
            let landing = Landing { number, on, share, received_on, back };
            booked.push(costs.land(writer, id, &landing)?);
        }
        movements += booked.len();
        for movement in &booked {
            writes.push(Versioned::new(movement.clone()).write(Key::Movement(item, movement.key)));
        }
        costs.write(writer, id, number, &booked, &mut writes, &mut reason)?;
    }
    if !left_out.is_empty() && !back {
        reason = reason.with("left_out", left_out.join(", "));
        voucher.content.left_out.extend(left_out);
        let text = format!(
            "Of landed cost voucher {number} the shares of {} did not land: Xero tracks these items since. Take the voucher back on the page Landed cost, and make it anew without them.",
            voucher.content.left_out.join(", ")
        );
        writes.push(asked(writer, left_out_key(number), ReviewKind::ShareLeftOut, None, text).await?);
    }
    voucher.content.done = done.saturating_add(shares.len());
    if voucher.content.done >= voucher.content.draft.shares.len() {
        voucher.content.stage = if back { Stage::TakenBack } else { Stage::Booked };
    }
    writes.push(voucher.write(Key::Voucher(number)));
    writer.commit(id, writes, reason.with("movements", movements)).await
}

/// What landed on items that Xero tracks, as their suppliers' latest bills have taught what they cost.
async fn lessons_of_tracked<P: Ports>(
    writer: &Writer<'_, P>,
    shares: &[Share],
    back: bool,
) -> Result<Vec<Write>, AppError> {
    let items: BTreeSet<ItemId> =
        shares.iter().filter(|share| share.tracked).map(|share| share.item).collect();
    let keys: Vec<Key> = items.iter().map(|item| Key::Supply(*item)).collect();
    let lessons = load::many::<Learned>(writer.ports().store(), writer.owner(), &keys).await?;
    let mut writes = Vec::new();
    for ((item, key), lesson) in items.into_iter().zip(keys).zip(lessons) {
        let Some(mut lesson) = lesson else { continue };
        let mut learns = false;
        for share in shares.iter().filter(|share| share.item == item) {
            learns |= land(&mut lesson.content, share, back)?;
        }
        if learns {
            writes.push(lesson.write(key));
        }
    }
    Ok(writes)
}

/// Takes note of a share in what was learned of its item. Says whether that changes anything.
fn land(lesson: &mut Learned, share: &Share, back: bool) -> Result<bool, FixedError> {
    let amount = if back { share.amount.negated()? } else { share.amount };
    lesson.land((share.of, share.line), LandedOn { quantity: share.quantity, amount })
}

/// The key of the question about shares that did not land.
pub(super) fn left_out_key(number: VoucherNumber) -> Key {
    Key::Review(derived("review", &[ReviewKind::ShareLeftOut.code(), &number.to_string()]))
}

/// A share that lands.
pub(super) struct Landing<'a> {
    pub number: VoucherNumber,
    /// The day on which its voucher takes effect.
    pub on: Date,
    pub share: &'a Share,
    /// The day on which the goods came in, as it is booked now.
    pub received_on: Date,
    /// Whether it is taken back.
    pub back: bool,
}

/// An item's position and costs while shares land on it.
pub(super) struct ItemCosts {
    item: ItemId,
    location: LocationId,
    position: Versioned<Position>,
    cost: StockCost,
    layers: Expect,
    lesson: Option<Versioned<Learned>>,
    learns: bool,
}

impl ItemCosts {
    /// Reads them, so that shares can land from a day on; `None` of an item whose costs Xero holds.
    pub async fn begin<P: Ports>(
        writer: &Writer<'_, P>,
        item: ItemId,
        from: Date,
    ) -> Result<Option<Self>, AppError> {
        let location = LocationId::main();
        let (position, layers, plan) = (
            Key::Position(item, location.clone()),
            Key::Layer(item, location.clone()),
            Key::Plan(item, location.clone()),
        );
        let keys = [position, layers, plan, Key::Supply(item)];
        let rows = writer.ports().store().get(writer.owner(), &keys).await?;
        let mut rows = rows.into_iter();
        let position = load::decode_row::<Position>(rows.next().flatten())?;
        let position = position.unwrap_or(Versioned::new(Position::default()));
        let layers = load::decode_row::<Layers>(rows.next().flatten())?;
        let plan = load::decode_row::<Plan>(rows.next().flatten())?;
        let lesson = load::decode_row::<Learned>(rows.next().flatten())?;
        let (layers, expect) = layers.map_or((None, Expect::Absent), |row| (Some(row.content), row.expect));
        let method = match plan {
            Some(plan) => plan.content.costing,
            None => {
                refold::methods(writer, &[item], &location).await?.get(&item).copied().unwrap_or_default()
            }
        };
        let cost = refold::begin(writer, item, &location, &position.content, layers, method, from).await?;
        let is_ours = matches!(cost, StockCost::Effective(_));
        Ok(is_ours.then_some(Self { item, location, position, cost, layers: expect, lesson, learns: false }))
    }

    /// What the stock is worth.
    pub fn value(&self) -> Money {
        self.cost.total().cost
    }

    /// How much of a share was left when it landed, in ten-thousandths.
    pub fn kept(&self, cause: &Cause, amount: Money) -> Result<i64, AppError> {
        let StockCost::Effective(refold) = &self.cost else { return Ok(0) };
        let correction = refold.costed(cause).map(|costed| costed.correction).unwrap_or_default();
        Ok(amount.minus(correction)?.e4().max(0))
    }

    /// Lands a share, or takes it back.
    pub fn land<P: Ports>(
        &mut self,
        writer: &Writer<'_, P>,
        commit: CommitId,
        landing: &Landing<'_>,
    ) -> Result<Movement, AppError> {
        let StockCost::Effective(refold) = &mut self.cost else {
            return Err(AppError::Bug("landed cost of an item that Xero tracks".to_owned()));
        };
        let now = writer.now();
        let landed = landed::Landing {
            voucher: landing.number,
            on: landing.on,
            of: landing.share.of,
            line: landing.share.line,
            received_on: landing.received_on,
            item: self.item,
            amount: landing.share.amount,
            location: &self.location,
            today: writer.clock().day_of(now),
            recorded_at: now,
            commit,
        };
        if let Some(lesson) = &mut self.lesson {
            self.learns |= land(&mut lesson.content, landing.share, landing.back)?;
        }
        let position = &mut self.position.content;
        let movement =
            if landing.back { landed.take_back(position, refold)? } else { landed.book(position, refold)? };
        Ok(movement)
    }

    fn write<P: Ports>(
        self,
        writer: &Writer<'_, P>,
        commit: CommitId,
        number: VoucherNumber,
        booked: &[Movement],
        writes: &mut Vec<Write>,
        reason: &mut Reason,
    ) -> Result<(), AppError> {
        let stored = refold::Stored {
            item: self.item,
            location: &self.location,
            because: Because::LandedCost(number),
            at: writer.now(),
            commit,
        };
        writes.extend(self.lesson.filter(|_| self.learns).map(|lesson| lesson.write(Key::Supply(self.item))));
        writes.push(self.position.write(Key::Position(self.item, self.location.clone())));
        Ok(stored.write(self.cost, booked, self.layers, writes, &mut reason.cogs)?)
    }
}

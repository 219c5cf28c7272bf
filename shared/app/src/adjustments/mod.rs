//! Stock adjustments: a person says what was written off or found, and why. Stock that Xero doesn't track is adjusted in the ledger,
//! tracked stock by a zero-total document in Xero.

mod book;
mod file;
mod make;

pub(crate) use book::book;
pub use file::{Asked, COLUMNS, ROWS_MAX, parse};
pub use make::{approve, make, reject};

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parstock_domain::adjustment::{Adjustment, AdjustmentNumber, Stage};
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::{ContactId, DayNumber, ItemId, LocationId, OrgId, derived};
use parstock_domain::ledger::Position;
use parstock_domain::ledger::proof::ADJUSTMENTS_CONTACT;

use crate::contacts::Contacts;
use crate::error::AppError;
use crate::load::{self, Versioned, unguarded};
use crate::ports::{Ports, Write};
use crate::records::{ContactRecord, Effect, EffectKind, Key, List, Mark, Review, ReviewKind};
use crate::tries::Tries;
use crate::writer::{Reason, Writer};

/// Days that the list of adjustments goes back.
pub const LOOKED_BACK_DAYS: i64 = 400;
/// The same as a time.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(24 * LOOKED_BACK_DAYS);

/// The adjustments of the last [`LOOKED_BACK_DAYS`], the latest first.
///
/// # Errors
/// When the store does not answer.
pub async fn all<P: Ports>(ports: &P, org: OrgId) -> Result<Vec<Adjustment>, AppError> {
    let writer = Writer::open_unleased(ports, org).await?;
    let from = writer.now().saturating_sub(LOOKED_BACK).unwrap_or(Timestamp::MIN);
    Ok(made_since(&writer, from).await?.into_iter().rev().collect())
}

/// The adjustments made on the day of an instant and later, by number.
async fn made_since<P: Ports>(writer: &Writer<'_, P>, from: Timestamp) -> Result<Vec<Adjustment>, AppError> {
    let first = DayNumber { on: writer.clock().day_of(from), index: 0 };
    let after = Some(Key::Adjustment(AdjustmentNumber(first)));
    let rows = load::all_after(writer.ports().store(), writer.owner(), &List::Adjustments, after).await?;
    Ok(rows.into_iter().map(|(_, row)| row.content).collect())
}

/// The index of the last number that was given on a day. The second half of a revaluation has its number before it is made.
fn last_index(standing: &[Adjustment], on: Date) -> u32 {
    let numbers = standing.iter().flat_map(|known| {
        [Some(known.number.0), known.revalues.as_ref().map(|revalues| revalues.other.0)].into_iter().flatten()
    });
    numbers.filter(|number| number.on == on).map(|number| number.index).max().unwrap_or(0)
}

/// The numbers of the next two adjustments of today.
///
/// # Errors
/// When the day has no more, or the store does not answer.
pub(crate) async fn next_two<P: Ports>(
    writer: &Writer<'_, P>,
) -> Result<(AdjustmentNumber, AdjustmentNumber), AppError> {
    let today = writer.clock().day_of(writer.now());
    let first = DayNumber::after(today, last_index(&made_since(writer, writer.now()).await?, today))?;
    let second = DayNumber::after(today, first.index)?;
    Ok((AdjustmentNumber(first), AdjustmentNumber(second)))
}

/// Makes an adjustment's items its own while it is written, where that matters: between the two halves of a revaluation nothing else of
/// ours moves its items. Answers which adjustment is in between. The commit's place in the audit chain makes it one at a time.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn begin<P: Ports>(
    writer: &mut Writer<'_, P>,
    number: AdjustmentNumber,
) -> Result<Option<Adjustment>, AppError> {
    let mut tries = Tries::begin(writer.ports());
    loop {
        writer.reload_head().await?;
        let mut own = adjustment(writer, number).await?;
        if own.content.has_begun {
            return Ok(None);
        }
        let from = writer.now().saturating_sub(LOOKED_BACK).unwrap_or(Timestamp::MIN);
        let standing = made_since(writer, from).await?;
        if let Some(other) = standing.into_iter().find(|other| other.keeps_out(&own.content)) {
            return Ok(Some(other));
        }
        own.content.has_begun = true;
        let reason = Reason::own("begin adjustment").with("adjustment", number);
        let writes = vec![own.write(Key::Adjustment(number))];
        let id = writer.new_commit();
        match writer.commit(id, writes, reason).await {
            Ok(()) => return Ok(None),
            Err(error) => tries.next(error)?,
        }
    }
}

/// The contact of adjustments, as contacts were last read, or what to do where it is not there.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn contact<P: Ports>(writer: &Writer<'_, P>) -> Result<Result<ContactId, String>, AppError> {
    let contacts = Contacts::all(writer.ports(), writer.org()).await?;
    let is_it = |contact: &ContactRecord| {
        contact.name == ADJUSTMENTS_CONTACT && !contact.archived && contact.merged_into.is_none()
    };
    let found = contacts.iter().find(|(_, contact)| is_it(contact)).map(|(id, _)| id);
    Ok(found.ok_or_else(|| {
        format!(
            "make a contact named `{ADJUSTMENTS_CONTACT}` in Xero; parstock reads contacts about once an hour, then try again"
        )
    }))
}

/// How much adjustments that are on their way still take out, by item, whenever they were made.
async fn under_way<P: Ports>(writer: &Writer<'_, P>) -> Result<BTreeMap<ItemId, Quantity>, AppError> {
    let (store, owner) = (writer.ports().store(), writer.owner());
    let pending = load::all::<Mark>(store, writer.org(), &List::PendingEffects).await?;
    let effects = pending.into_iter().filter_map(|(key, _)| match key {
        Key::PendingEffect(id) => Some(Key::Effect(id)),
        _ => None,
    });
    let effects = load::many::<Effect>(store, owner, &effects.collect::<Vec<_>>()).await?;
    let numbers = effects.into_iter().flatten().filter_map(|effect| match effect.content.what {
        EffectKind::Adjustment { number, .. } => Some(Key::Adjustment(number)),
        _ => None,
    });
    let standing = load::many::<Adjustment>(store, owner, &numbers.collect::<Vec<_>>()).await?;
    let mut taken: BTreeMap<ItemId, Quantity> = BTreeMap::new();
    for adjustment in standing.into_iter().flatten().map(|row| row.content) {
        // what has a document is booked, and only compared still
        if adjustment.stage != Stage::Booking || adjustment.document.is_some() {
            continue;
        }
        for line in adjustment.lines.iter().skip(adjustment.done).filter(|line| line.change.is_negative()) {
            let sum = taken.entry(line.item).or_default();
            *sum = sum.plus(line.change.magnitude())?;
        }
    }
    Ok(taken)
}

/// The first of an adjustment's items of which less lies there than is to go out of the ledger, in words that say so. `taken` is what
/// others take out. An item that Xero tracks is none of the ledger.
async fn missing<P: Ports>(
    writer: &Writer<'_, P>,
    adjustment: &Adjustment,
    taken: &BTreeMap<ItemId, Quantity>,
) -> Result<Option<String>, AppError> {
    let (changes, today) = (adjustment.changes()?, writer.clock().day_of(writer.now()));
    let keys: Vec<Key> = changes.keys().map(|item| Key::Position(*item, LocationId::main())).collect();
    let positions = load::many::<Position>(writer.ports().store(), writer.owner(), &keys).await?;
    for ((item, change), position) in changes.into_iter().zip(positions) {
        let position = position.map(|row| row.content).unwrap_or_default();
        if !change.is_negative() || position.tracked {
            continue;
        }
        let there = position.on_hand(today)?.quantity().unwrap_or_default();
        let others = taken.get(&item).copied().unwrap_or_default();
        let out = others.plus(change.magnitude())?;
        if out > there {
            let line = adjustment.lines.iter().find(|line| line.item == item);
            let code = line.map(|line| line.code.as_str()).unwrap_or_default();
            return Ok(Some(format!(
                "{there} of `{code}` lie there by now, and {out} are to go out: reject it, and make it anew"
            )));
        }
    }
    Ok(None)
}

/// An adjustment that must be there.
pub(crate) async fn adjustment<P: Ports>(
    writer: &Writer<'_, P>,
    number: AdjustmentNumber,
) -> Result<Versioned<Adjustment>, AppError> {
    let row =
        load::one::<Adjustment>(writer.ports().store(), writer.owner(), Key::Adjustment(number)).await?;
    row.ok_or_else(|| AppError::Reject(format!("there is no adjustment {number}")))
}

/// The key of the one question about an adjustment.
pub(crate) fn question_key(number: AdjustmentNumber) -> Key {
    Key::Review(derived("review", &[ReviewKind::Adjustment.code(), &number.to_string()]))
}

/// A question about an adjustment.
pub(crate) fn question(since: Timestamp, number: AdjustmentNumber, text: String) -> Write {
    let kind = ReviewKind::Adjustment;
    let review = Review { kind, since, item: None, document: None, text, codes: BTreeSet::new() };
    unguarded(question_key(number), review)
}

//! The items' master data: Xero has no webhook for it, so it is polled and compared.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use parstock_domain::document::Item;
use parstock_domain::event::{Event, EventType, Source};
use parstock_domain::ids::ItemId;
use parstock_domain::prices::PriceStatus;

use super::{backfill, feed, quantities};
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::look_again;
use crate::opening::{MODE_WRITES_MAX, change_mode};
use crate::ports::{Books, BooksSession, COMMIT_WRITES_MAX, ChangedItems, Expect, Ports};
use crate::records::{Key, Pointer};
use crate::writer::{Reason, Writer};

/// Items of one commit: item, code and what a change of its book writes each, and the audit entry.
const ITEMS_PER_COMMIT: usize = (COMMIT_WRITES_MAX - 2) / (2 + MODE_WRITES_MAX + REVIEWS_OF_BOOK);
/// Questions about an item's book that end with it.
const REVIEWS_OF_BOOK: usize = 2;
/// Reading begins this much before the last change seen.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// Reads items that changed (all, the first time) and keeps what is new.
pub async fn refresh<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
) -> Result<(), AppError> {
    let since = writer.profile.content.items_until.and_then(|until| until.checked_sub(OVERLAP).ok());
    let ChangedItems { mut items, unreadable, latest, answered_at } = session.items(since).await?;
    items.sort_by_key(|item| (item.updated_at, item.id));
    for chunk in items.chunks(ITEMS_PER_COMMIT) {
        keep(writer, chunk).await?;
    }
    feed::tell_unreadable(writer, feed::ITEM, &unreadable).await?;
    let read = items.iter().map(|item| feed::unreadable_review(feed::ITEM, &item.id.to_string()));
    feed::end_reviews(writer, read.collect()).await?;
    let profile = &mut writer.profile.content;
    // Nothing but what was known already: without a step on it would be read again at every poll. By Xero's own
    // time alone: by ours, changes could be jumped over.
    let known = latest.is_some() && latest <= profile.items_until;
    let step = answered_at.and_then(|at| at.checked_sub(OVERLAP).ok()).filter(|_| known);
    profile.items_until = profile.items_until.max(latest).max(step);
    Ok(())
}

async fn keep<P: Ports>(writer: &mut Writer<'_, P>, items: &[Item]) -> Result<(), AppError> {
    let store = writer.ports().store();
    let keys: Vec<Key> = items.iter().map(|item| Key::Item(item.id)).collect();
    let known = load::many::<Item>(store, writer.owner(), &keys).await?;
    let id = writer.new_commit();
    let (mut writes, mut codes, mut turned) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut repriced = BTreeSet::new();
    let ids: Vec<ItemId> = items.iter().map(|item| item.id).collect();
    let priced = crate::prices::standing(writer.ports(), writer.org(), &ids).await?;
    let mut event = None;
    let mut changed = 0;
    for (item, known) in items.iter().zip(known) {
        // what Xero holds of it belongs to the position, not to the master data
        let mut fresh = Item { quantity: None, ..item.clone() };
        let (expect, standing) = match known {
            Some(known) => (known.expect, Some(known.content)),
            None => (Expect::Absent, None),
        };
        let is_priced_anew = |standing: &Item| {
            standing.purchase_price != fresh.purchase_price || standing.sales_price != fresh.sales_price
        };
        if standing.as_ref().is_some_and(is_priced_anew) {
            repriced.insert(fresh.id);
        }
        let is_ours = priced.get(&fresh.id).is_some_and(|row| {
            matches!(row.content.status, PriceStatus::Approved { .. })
                && Some(row.content.to) == fresh.purchase_price
        });
        fresh.priced_at = match &standing {
            Some(standing) if is_ours || standing.purchase_price == fresh.purchase_price => {
                standing.priced_at
            }
            _ => Some(fresh.updated_at),
        };
        if standing.as_ref() == Some(&fresh) {
            continue;
        }
        if standing.as_ref().is_none_or(|standing| standing.code != fresh.code) {
            writes.push(unguarded(Key::ItemCode(fresh.code.clone()), Pointer { to: fresh.id }));
            codes.push(fresh.code.clone());
        }
        if standing.as_ref().is_some_and(|standing| standing.tracked != fresh.tracked) {
            writes.extend(change_mode(writer, fresh.id, fresh.tracked, id).await?);
            turned.insert(fresh.id);
            // what was asked about the old book
            writes.push(removal(Key::Review(backfill::negative_opening_review(fresh.id))));
            writes.push(removal(Key::Review(quantities::residual_review(fresh.id))));
        }
        event.get_or_insert(Event {
            what: if standing.is_none() { EventType::ItemCreated } else { EventType::ItemUpdated },
            subject: fresh.id.to_string(),
            time: fresh.updated_at,
            source: Source::Poll,
        });
        changed += 1;
        let key = Key::Item(fresh.id);
        writes.push(Versioned { content: fresh, expect }.write(key));
    }
    if writes.is_empty() {
        return Ok(());
    }
    super::touch(writer, turned.union(&repriced).copied().collect()).await?;
    look_again::at_codes(writer, &codes).await?;
    let reason = Reason { event, ..Reason::own("keep items") }.with("items", changed);
    writer.commit(id, writes, reason).await
}

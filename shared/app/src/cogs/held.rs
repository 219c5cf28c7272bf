//! Items held back: which purchases are coded to other accounts, and what people are asked about them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::cogs::{Coded, CogsHeld, CogsSettings};
use parstock_domain::document::{DocumentRef, Item};
use parstock_domain::ids::{ItemId, LineId, LocationId, derived};
use parstock_domain::ledger::Position;

use super::sums::Sums;
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::ports::{Ports, Store};
use crate::records::{DocumentRecord, Key, List, MoreLines, Review, ReviewKind};
use crate::writer::Writer;

/// Documents read at once.
const DOCUMENTS_PAGE: u32 = 500;
/// Keys of one read.
const KEYS_PER_READ: usize = 500;

/// A purchase line on another account, with its document and the document's number.
pub(super) type Purchase = (Coded, DocumentRef, String);

/// The purchases of untracked items that are coded to another account than the stock account, by item: those of a day on, and
/// of the lines `known` to be of concern.
pub(super) async fn coded_elsewhere<P: Ports>(
    writer: &Writer<'_, P>,
    since: Date,
    stock_account: &str,
    known: &BTreeSet<LineId>,
) -> Result<BTreeMap<ItemId, Vec<Purchase>>, AppError> {
    let store = writer.ports().store();
    let mut found: BTreeMap<ItemId, Vec<Purchase>> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = store.list(writer.owner(), &List::Documents, after.as_ref(), DOCUMENTS_PAGE).await?;
        for row in page.rows {
            let Some(header) = load::decode_row::<DocumentRecord>(Some(row))?.map(|row| row.content) else {
                continue;
            };
            let mut lines = header.lines;
            if header.more > 0 {
                let list = List::DocumentLines(header.of);
                let more = load::all::<MoreLines>(store, writer.org(), &list).await?;
                lines.extend(more.into_iter().flat_map(|(_, row)| row.content.lines));
            }
            for line in lines {
                let concerns = line.effective_on >= since || known.contains(&line.line);
                if concerns && !line.account.is_empty() && line.account != stock_account {
                    let (item, account) = (line.item, line.account);
                    let coded = Coded { item, line: line.line, account, stands: true };
                    found.entry(item).or_default().push((coded, header.of, header.number.clone()));
                }
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let items: Vec<ItemId> = found.keys().copied().collect();
    let keys: Vec<Key> = items.iter().map(|item| Key::Position(*item, LocationId::main())).collect();
    let mut tracked = BTreeSet::new();
    for (items, keys) in items.chunks(KEYS_PER_READ).zip(keys.chunks(KEYS_PER_READ)) {
        let positions = load::many::<Position>(store, writer.owner(), keys).await?;
        let is_tracked = |position: &Option<Versioned<Position>>| {
            position.as_ref().is_some_and(|position| position.content.tracked)
        };
        tracked.extend(items.iter().zip(positions).filter(|(_, it)| is_tracked(it)).map(|(item, _)| *item));
    }
    found.retain(|item, _| !tracked.contains(item));
    Ok(found)
}

/// Asks about the items of which something is held back, and about no others any more.
pub(super) async fn ask<P: Ports>(writer: &Writer<'_, P>, sums: &Sums) -> Result<(), AppError> {
    let store = writer.ports().store();
    let mut writes = Vec::new();
    for (key, review) in load::all::<Review>(store, writer.org(), &List::Reviews).await? {
        let is_ours = review.content.kind == ReviewKind::CogsHeld;
        let holds = |item: &ItemId| sums.held.get(item).is_some_and(|held| !held.content.days.is_empty());
        if is_ours && !review.content.item.as_ref().is_some_and(holds) {
            writes.push(removal(key));
        }
    }
    let asked: Vec<(ItemId, &CogsHeld)> = sums
        .held
        .iter()
        .filter(|(_, row)| !row.content.days.is_empty())
        .map(|(item, row)| (*item, &row.content))
        .collect();
    let keys: Vec<Key> = asked.iter().map(|(item, _)| Key::Item(*item)).collect();
    let masters = load::many::<Item>(store, writer.owner(), &keys).await?;
    for ((item, held), master) in asked.into_iter().zip(masters) {
        let code = master.map_or_else(|| item.to_string(), |master| master.content.code);
        let review = Review {
            kind: ReviewKind::CogsHeld,
            since: held.seen_at,
            item: Some(item),
            document: None,
            text: question(&code, held, &sums.ledger.content.settings),
            codes: BTreeSet::new(),
        };
        let id = derived("review", &[ReviewKind::CogsHeld.code(), &item.to_string()]);
        writes.push(unguarded(Key::Review(id), review));
    }
    Ok(store.write_each(writer.owner(), writes).await?)
}

/// What is to be done about an item of which something is held back.
fn question(code: &str, held: &CogsHeld, settings: &CogsSettings) -> String {
    /// Purchases that the question names.
    const NAMED_MAX: usize = 5;
    let named: Vec<String> = held
        .elsewhere
        .values()
        .take(NAMED_MAX)
        .map(|line| format!("{} {} on account {}", line.of.kind.words(), line.number, line.account))
        .collect();
    let more = held.elsewhere.len().saturating_sub(NAMED_MAX) + held.more as usize;
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "No cost of goods sold of {code} is journaled: {}{more} would be counted twice. Code these lines to the stock account {} in \
         Xero, and what was held back is journaled.",
        named.join(", "),
        settings.stock_account
    )
}

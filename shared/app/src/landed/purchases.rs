//! What is kept of purchases as they are booked, and what is asked of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use parstock_domain::document::{Document, DocumentKind, DocumentRef, Item};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ItemId, derived};
use parstock_domain::landed::Purchase;
use parstock_domain::ledger::DesiredLine;
use parstock_domain::settings::Policy;

use super::{ASKED_ABOUT_DAYS, papers, purchases_since, revalue};
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::ports::{Expect, Ports, Store, Write};
use crate::records::{Backfill, Content, DocumentRecord, Key, Review, ReviewKind};
use crate::writer::Writer;

/// Days before a freight bill in which the goods that it carried came in.
pub const FREIGHT_AFTER_GOODS_DAYS: i64 = 60;
/// Bills that the question about freight names; it says how many more there are.
const FREIGHT_NAMED_MAX: usize = 5;

/// The writes by which a purchase is kept as it is now, with the questions that it raises. `lines` is what it should have booked.
///
/// # Errors
/// When the store does not answer or an amount does not fit.
pub(crate) async fn keep<P: Ports>(
    writer: &Writer<'_, P>,
    document: &Document,
    booked: Option<&DocumentRecord>,
    lines: &[DesiredLine],
) -> Result<Vec<Write>, AppError> {
    if !brings_goods(document.of.kind) {
        return Ok(Vec::new());
    }
    let (store, of) = (writer.ports().store(), document.of);
    let decimals = revalue::decimals_of(writer);
    let known = match booked {
        Some(booked) => load::one::<Purchase>(store, writer.owner(), Key::Purchase(booked.date, of)).await?,
        None => None,
    };
    let before = known.as_ref().map(|known| &known.content);
    let mut kept = Purchase::of(document, decimals, before);
    if let Some(kept) = &mut kept {
        (kept.has_goods, kept.has_tracked) = match kept.has_goods {
            true => brings(writer, document.of.kind, lines).await?,
            false => (false, false),
        };
        // what was there before parstock came is not asked about
        kept.left_alone |=
            known.is_none() && !matches!(writer.profile.content.backfill, Backfill::Done { .. });
    }
    let mut kept = kept.filter(|kept| kept.brings_any() || !kept.charges.is_empty());
    if kept.as_ref() == before {
        return Ok(Vec::new());
    }
    let mut writes = Vec::new();
    let was_freight = before.is_some_and(Purchase::looks_like_freight);
    if was_freight || kept.as_ref().is_some_and(Purchase::looks_like_freight) {
        let (question, asked) = freight_question(writer, &BTreeMap::from([(of, kept.clone())])).await?;
        writes.push(question);
        let is_asked = asked.iter().any(|asked| asked.of == of);
        if let Some(kept) = kept.as_mut().filter(|kept| is_asked && papers::is_wanted(kept)) {
            // the sweep after the next poll has the effect carried out
            papers::ask(writer, &mut writes, kept, false);
        }
    }
    let mut expect = Expect::Absent;
    if let Some(known) = &known {
        if kept.as_ref().is_some_and(|kept| kept.on == known.content.on) {
            expect = known.expect;
        } else {
            let key = Key::Purchase(known.content.on, of);
            writes.push(Write { key, record: None, expect: known.expect });
        }
    }
    if let Some(content) = kept.clone() {
        let key = Key::Purchase(content.on, of);
        writes.push(Versioned { content, expect }.write(key));
    }
    if before.is_some_and(Purchase::is_spent) {
        writes.push(overspent_question(writer, of, kept.as_ref()).await?);
    }
    Ok(writes)
}

/// Whether documents of a kind bring goods in.
pub(super) const fn brings_goods(kind: DocumentKind) -> bool {
    matches!(kind, DocumentKind::GoodsReceipt | DocumentKind::Bill | DocumentKind::SpendMoney)
}

/// Whether lines bring in an item whose costs parstock holds, and one whose costs Xero does: that is in its stock by its bill alone.
async fn brings<P: Ports>(
    writer: &Writer<'_, P>,
    kind: DocumentKind,
    lines: &[DesiredLine],
) -> Result<(bool, bool), AppError> {
    let items: BTreeSet<ItemId> =
        lines.iter().filter(|line| line.change > Quantity::ZERO).map(|line| line.item).collect();
    let keys: Vec<Key> = items.into_iter().map(Key::Item).collect();
    let masters = load::many::<Item>(writer.ports().store(), writer.owner(), &keys).await?;
    // one that was not read yet counts as untracked, as it is booked
    let is_tracked = |item: &Option<Versioned<Item>>| item.as_ref().is_some_and(|item| item.content.tracked);
    let has_untracked = masters.iter().any(|item| !is_tracked(item));
    Ok((has_untracked, kind != DocumentKind::GoodsReceipt && masters.iter().any(is_tracked)))
}

/// Whether a bill no longer is what vouchers have spread of it.
pub(super) async fn overspent_question<P: Ports>(
    writer: &Writer<'_, P>,
    of: DocumentRef,
    purchase: Option<&Purchase>,
) -> Result<Write, AppError> {
    let key = Key::Review(derived("review", &[ReviewKind::Overspent.code(), &of.id.to_string()]));
    let otherwise = purchase.and_then(|purchase| Some((purchase, purchase.otherwise().next()?)));
    let Some((purchase, charge)) = otherwise else { return Ok(removal(key)) };
    let was = match &charge.spread_from {
        Some(account) if *account != charge.account => format!("from account {account} "),
        _ => String::new(),
    };
    let text = format!(
        "Vouchers spread {} of `{}` on {} of {} {was}and it is {} on account {} now. Take them back on the page Landed cost, and make them anew.",
        charge.spread, charge.what, purchase.number, purchase.contact_name, charge.net, charge.account
    );
    asked(writer, key, ReviewKind::Overspent, Some(of), text).await
}

/// A question that has been asked since it was first asked.
pub(super) async fn asked<P: Ports>(
    writer: &Writer<'_, P>,
    key: Key,
    kind: ReviewKind,
    document: Option<DocumentRef>,
    text: String,
) -> Result<Write, AppError> {
    let known = load::one::<Review>(writer.ports().store(), writer.owner(), key.clone()).await?;
    let since = known.map_or(writer.now(), |known| known.content.since);
    Ok(unguarded(key, Review { kind, since, item: None, document, text, codes: BTreeSet::new() }))
}

/// Asks anew about freight: what came in later, grew old or was allowed to be asked about changes the question, too.
///
/// # Errors
/// When the store does not answer or an amount does not fit.
pub(crate) async fn ask_again<P: Ports>(writer: &Writer<'_, P>) -> Result<(), AppError> {
    let (question, asked) = freight_question(writer, &BTreeMap::new()).await?;
    let known = load::one::<Review>(writer.ports().store(), writer.owner(), freight_key()).await?;
    let stands = known.map(|known| known.content.into_record());
    if question.record != stands {
        writer.ports().store().write_each(writer.owner(), vec![question]).await?;
    }
    papers::ask_for(writer, &asked).await
}

/// The one question about all that looks like freight of goods that came in, if there is any, once purchases are as `changed` has
/// them; and what it asks about.
///
/// # Errors
/// When the store does not answer or an amount does not fit.
pub(crate) async fn freight_question<P: Ports>(
    writer: &Writer<'_, P>,
    changed: &BTreeMap<DocumentRef, Option<Purchase>>,
) -> Result<(Write, Vec<Purchase>), AppError> {
    let (store, key) = (writer.ports().store(), freight_key());
    let policy = load::one::<Policy>(store, writer.owner(), Key::Policy).await?;
    let settings = policy.map(|row| row.content).unwrap_or_default().org();
    // of what Xero tracks nobody is asked who could not spread anything over it
    let revalues = settings.adjustment_account.is_some() && settings.cogs.is_some();
    if !settings.ask_about_freight || !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Ok((removal(key), Vec::new()));
    }
    let today = writer.clock().day_of(writer.now());
    let from = today.saturating_sub((ASKED_ABOUT_DAYS + FREIGHT_AFTER_GOODS_DAYS).days());
    let mut purchases = purchases_since(writer, from).await?;
    purchases.retain(|purchase| !changed.contains_key(&purchase.of));
    purchases.extend(changed.values().flatten().cloned());
    let goods: Vec<Date> =
        purchases.iter().filter(|it| it.has_goods || revalues && it.has_tracked).map(|it| it.on).collect();
    let (mut named, mut asked, mut total) = (Vec::new(), Vec::new(), Money::ZERO);
    for purchase in purchases {
        let left = purchase.freight_left()?;
        let first = purchase.on.saturating_sub(FREIGHT_AFTER_GOODS_DAYS.days());
        let has_carried = goods.iter().any(|on| (first..=purchase.on).contains(on));
        let is_late = purchase.on < today.saturating_sub(ASKED_ABOUT_DAYS.days());
        if left.is_zero() || purchase.left_alone || is_late || !has_carried {
            continue;
        }
        total = total.plus(left)?;
        if named.len() < FREIGHT_NAMED_MAX {
            named.push(format!("{} of {} ({left})", purchase.number, purchase.contact_name));
        }
        asked.push(purchase);
    }
    if asked.is_empty() {
        return Ok((removal(key), asked));
    }
    let more = asked.len().saturating_sub(named.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let text = format!(
        "{total} on bills looks like freight of goods that came in: {}{more}. Spread it over them on the page Landed cost, or say there that it is none.",
        named.join(", "),
    );
    let question = self::asked(writer, key, ReviewKind::FreightLeft, None, text).await?;
    Ok((question, asked))
}

/// The key of that question.
pub(crate) fn freight_key() -> Key {
    Key::Review(derived("review", &[ReviewKind::FreightLeft.code()]))
}

//! Item prices in Xero that bills have left behind: proposed by planning, decided by a person, written by an effect.

use jiff::Timestamp;
use parstock_domain::document::Item;
use parstock_domain::fixed::Money;
use parstock_domain::governance::{DecisionError, Phase};
use parstock_domain::ids::{ItemId, OrgId};
use parstock_domain::prices::{self, PriceChange, PriceStatus, PriceWrite};
use parstock_domain::settings::{Learned, Policy};

use crate::effects::{effect_id, plan_effects};
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::message::Message;
use crate::ports::{Ports, Store, Write};
use crate::records::{EffectKind, Key, List, Owner, PRICES_PER_EFFECT_MAX};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Times a decision is taken again that another worker's commit foiled.
const ATTEMPTS_MAX: u32 = 10;
/// Prices that a decision's audit entry names; it says how many there are.
const NAMED_MAX: usize = 20;

/// Keeps the proposed price of an item in step with its plan, which says whether it is due; nothing where that has not changed.
///
/// # Errors
/// When the store does not answer or an amount does not fit.
pub(crate) async fn keep(
    store: &impl Store,
    org: OrgId,
    item: &Item,
    lesson: Option<&Learned>,
    (was, is): (Option<Money>, Option<Money>),
    (percent, now): (u16, Timestamp),
) -> Result<Option<Write>, AppError> {
    let key = Key::PriceChange(item.id);
    let (Some(to), Some(lesson), Some(from)) = (is, lesson, item.purchase_price) else {
        return Ok(was.map(|_| removal(key)));
    };
    if was == is {
        return Ok(None);
    }
    let standing = load::one::<PriceChange>(store, Owner::Org(org), key.clone()).await?;
    let wanted = PriceChange {
        item: item.id,
        code: item.code.clone(),
        name: item.name.clone(),
        from,
        to,
        sales_price: item.sales_price,
        because: lesson.from,
        on: lesson.on,
        supplier_name: lesson.supplier_name.clone(),
        since: now,
        status: PriceStatus::Open,
    };
    let revised = prices::revised(standing.map(|row| row.content), wanted, percent)?;
    Ok(Some(unguarded(key, revised)))
}

/// The price changes that a person can decide, by code.
///
/// # Errors
/// When the store does not answer.
pub async fn open<P: Ports>(ports: &P, org: OrgId) -> Result<Vec<PriceChange>, AppError> {
    let mut changes = all(ports, org).await?;
    changes.retain(|change| change.status.is_open());
    Ok(changes)
}

/// All price changes, rejected ones and those under way included, by code.
///
/// # Errors
/// When the store does not answer.
pub async fn all<P: Ports>(ports: &P, org: OrgId) -> Result<Vec<PriceChange>, AppError> {
    let rows = load::all::<PriceChange>(ports.store(), org, &List::PriceChanges).await?;
    let mut changes: Vec<PriceChange> = rows.into_iter().map(|(_, row)| row.content).collect();
    changes.sort_by(|a, b| a.code.cmp(&b.code));
    Ok(changes)
}

/// What a person decides on prices, each as it was shown: the item and its new price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They are set in Xero.
    Approve,
    /// They stay as they are, until what is paid moves on.
    Reject,
}

/// Takes a decision on the prices that were shown. Answers how many it took.
///
/// # Errors
/// [`AppError::Reject`] with what stands against it: one changed or was decided since it was shown, the org only observes.
pub async fn decide<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    shown: &[(ItemId, Money)],
    decision: Decision,
) -> Result<usize, AppError> {
    if shown.is_empty() {
        return Err(AppError::Reject("choose at least one price".to_owned()));
    }
    for chunk in shown.chunks(PRICES_PER_EFFECT_MAX) {
        let mut attempt = 1;
        let effects = loop {
            let mut writer = Writer::open_unleased(ports, org).await?;
            match once(&mut writer, who, chunk, decision).await {
                Err(AppError::Retry(_)) if attempt < ATTEMPTS_MAX => attempt += 1,
                outcome => break outcome?,
            }
        };
        for effect in effects {
            // if this is lost, the next sweep finds the pending effect
            if let Err(error) = send_now(ports, Message::Effect { org, effect }).await {
                tracing::warn!(org_id = %org, error_kind = error.kind(), why = %error, "approved prices wait for the next sweep");
            }
        }
    }
    Ok(shown.len())
}

async fn once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    shown: &[(ItemId, Money)],
    decision: Decision,
) -> Result<Vec<parstock_domain::ids::EffectId>, AppError> {
    let store = writer.ports().store();
    let policy = load::one::<Policy>(store, writer.owner(), Key::Policy).await?;
    let phase = policy.map(|row| row.content).unwrap_or_default().org().phase;
    if decision == Decision::Approve && phase < Phase::Assist {
        return Err(AppError::Reject(DecisionError::Observing.to_string()));
    }
    let keys: Vec<Key> = shown.iter().map(|(item, _)| Key::PriceChange(*item)).collect();
    let rows = load::many::<PriceChange>(store, writer.owner(), &keys).await?;
    let mut changes: Vec<Versioned<PriceChange>> = Vec::with_capacity(shown.len());
    for ((_, to), row) in shown.iter().zip(rows) {
        let is_shown = |row: &Versioned<PriceChange>| row.content.to == *to && row.content.status.is_open();
        let gone = "a price changed or was decided since it was shown: look at the list again";
        changes.push(row.filter(is_shown).ok_or_else(|| AppError::Reject(gone.to_owned()))?);
    }
    let at = writer.now();
    let prices = changes.iter().map(|change| {
        let PriceChange { item, from, to, .. } = change.content;
        PriceWrite { item, from, to }
    });
    let kind = EffectKind::Prices { at, prices: prices.collect() };
    let status = match decision {
        Decision::Approve => {
            PriceStatus::Approved { who: who.to_owned(), at, effect: effect_id(writer.org(), &kind) }
        }
        Decision::Reject => PriceStatus::Rejected { who: who.to_owned(), at },
    };
    let what = if decision == Decision::Approve { "approve prices" } else { "reject prices" };
    let mut reason = Reason { who: who.to_owned(), ..Reason::own(what) }.with("prices", changes.len());
    let mut writes = Vec::new();
    for (number, change) in changes.into_iter().enumerate() {
        let Versioned { content, expect } = change;
        if number < NAMED_MAX {
            reason = reason.with(&content.code, format!("{} -> {}", content.from, content.to));
        }
        let key = Key::PriceChange(content.item);
        writes.push(
            Versioned { content: PriceChange { status: status.clone(), ..content }, expect }.write(key),
        );
    }
    let effects = match decision {
        Decision::Approve => plan_effects(&mut writes, writer.org(), vec![kind], at),
        Decision::Reject => Vec::new(),
    };
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    Ok(effects)
}

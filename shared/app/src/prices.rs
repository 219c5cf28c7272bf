//! Item prices in Xero that bills have left behind: proposed by planning, decided by a person, written by an effect.

use std::collections::BTreeMap;

use parstock_domain::document::Item;
use parstock_domain::fixed::Money;
use parstock_domain::governance::{DecisionError, Phase};
use parstock_domain::ids::{CommitId, EffectId, ItemId, OrgId};
use parstock_domain::prices::{self, Bill, PriceChange, PriceStatus, PriceWrite};
use parstock_domain::settings::Policy;

use crate::effects::{effect_id, plan_effects};
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{Commit, CommitError, Entropy, Expect, Ports, Store, Write};
use crate::records::{Content, EffectKind, Key, List, Owner, PRICES_PER_EFFECT_MAX};
use crate::send::try_effects;
use crate::tries::Tries;
use crate::writer::{Reason, Writer};

/// Items whose price changes are read by their keys.
const READ_BY_KEY_MAX: usize = 10;
/// Prices that a decision's audit entry names; it says how many there are.
const NAMED_MAX: usize = 20;

/// The price changes that stand of items. Those of a few are read by their keys, since all of a shop's may be hundreds;
/// those of many as a list, since few items have one.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn standing<P: Ports>(
    ports: &P,
    org: OrgId,
    items: &[ItemId],
) -> Result<BTreeMap<ItemId, Versioned<PriceChange>>, AppError> {
    let rows: Vec<Versioned<PriceChange>> = if items.len() <= READ_BY_KEY_MAX {
        let keys: Vec<Key> = items.iter().map(|item| Key::PriceChange(*item)).collect();
        load::many::<PriceChange>(ports.store(), Owner::Org(org), &keys)
            .await?
            .into_iter()
            .flatten()
            .collect()
    } else {
        let all = load::all::<PriceChange>(ports.store(), org, &List::PriceChanges).await?;
        all.into_iter().map(|(_, row)| row).collect()
    };
    Ok(rows.into_iter().map(|row| (row.content.item, row)).collect())
}

/// Keeps what is proposed of an item's price, unless a person is quicker: the item's next plan looks again.
///
/// # Errors
/// When the store does not answer or an amount does not fit.
pub(crate) async fn keep<P: Ports>(
    ports: &P,
    org: OrgId,
    item: &Item,
    bill: &Bill<'_>,
    standing: Option<Versioned<PriceChange>>,
) -> Result<(), AppError> {
    let known = standing.as_ref().map(|row| &row.content);
    let wanted = prices::kept(known, item, bill)?;
    if wanted.as_ref() == known {
        return Ok(());
    }
    let expect = standing.map_or(Expect::Absent, |row| row.expect);
    let write = Write { key: Key::PriceChange(item.id), record: wanted.map(Content::into_record), expect };
    let commit = Commit { id: CommitId(ports.entropy().uuid()), writes: vec![write] };
    match ports.store().commit(Owner::Org(org), commit).await {
        Ok(()) | Err(CommitError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
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

/// What a decision took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// How many prices.
    pub taken: usize,
    /// Items whose price changed or was decided since it was shown: they are left as they were.
    pub left: Vec<ItemId>,
}

/// Takes a decision on the prices that were shown, those of them that still stand.
///
/// # Errors
/// [`AppError::Reject`] when nothing was chosen or the org only observes.
pub async fn decide<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    shown: &[(ItemId, Money)],
    decision: Decision,
) -> Result<Decided, AppError> {
    // a price that is named twice is one
    let shown: Vec<(ItemId, Money)> = shown.iter().copied().collect::<BTreeMap<_, _>>().into_iter().collect();
    if shown.is_empty() {
        return Err(AppError::Reject("choose at least one price".to_owned()));
    }
    let mut decided = Decided::default();
    for chunk in shown.chunks(PRICES_PER_EFFECT_MAX) {
        let mut tries = Tries::begin(ports);
        let effects = loop {
            let mut writer = Writer::open_unleased(ports, org).await?;
            match once(&mut writer, who, chunk, decision, &mut decided).await {
                Ok(done) => break done,
                Err(error) => tries.next(error)?,
            }
        };
        try_effects(ports, org, effects).await;
    }
    Ok(decided)
}

async fn once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    shown: &[(ItemId, Money)],
    decision: Decision,
    decided: &mut Decided,
) -> Result<Vec<EffectId>, AppError> {
    let store = writer.ports().store();
    let policy = load::one::<Policy>(store, writer.owner(), Key::Policy).await?;
    let phase = policy.map(|row| row.content).unwrap_or_default().org().phase;
    if decision == Decision::Approve && phase < Phase::Assist {
        return Err(AppError::Reject(DecisionError::Observing.to_string()));
    }
    let keys: Vec<Key> = shown.iter().map(|(item, _)| Key::PriceChange(*item)).collect();
    let rows = load::many::<PriceChange>(store, writer.owner(), &keys).await?;
    let (mut changes, mut left): (Vec<Versioned<PriceChange>>, Vec<ItemId>) = (Vec::new(), Vec::new());
    for ((item, to), row) in shown.iter().zip(rows) {
        let is_shown = |row: &Versioned<PriceChange>| row.content.to == *to && row.content.status.is_open();
        match row.filter(is_shown) {
            Some(row) => changes.push(row),
            None => left.push(*item),
        }
    }
    if changes.is_empty() {
        decided.left.extend(left);
        return Ok(Vec::new());
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
    let taken = changes.len();
    let mut reason = Reason { who: who.to_owned(), ..Reason::own(what) }.with("prices", taken);
    let mut writes = Vec::new();
    for (number, change) in changes.into_iter().enumerate() {
        let Versioned { content, expect } = change;
        if number < NAMED_MAX {
            reason =
                reason.with(&format!("item {}", content.code), format!("{} -> {}", content.from, content.to));
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
    decided.taken += taken;
    decided.left.extend(left);
    Ok(effects)
}

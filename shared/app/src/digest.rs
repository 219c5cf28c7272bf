//! The daily digest: put together once per org and day, stored, and sent as effects.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::audit::{Entry, Statement};
use parstock_domain::event::Source;
use parstock_domain::fixed::{FixedError, Money, Quantity, SCALE};
use parstock_domain::governance::{Proposal, ProposalState};
use parstock_domain::ids::{ItemId, LocationId, OrgId, ProposalId};
use parstock_domain::ledger::proof::{Difference, LikelyCause};
use parstock_domain::ledger::{Position, Proof};
use parstock_domain::replenish::Plan;
use parstock_domain::settings::Policy;
use parstock_views::StandingGroup;
use parstock_views::digest::{
    Change, Changes, DIFFERENCES_NAMED_MAX, DecideNow, Decision, DecisionLine, DigestContent, HistoryLoad,
    NotCounted, Occasion, OrderFigures, ProofNews, Trust, Watching, WrittenOrder,
};

use crate::chart;
use crate::effects::plan_effects;
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::message::Message;
use crate::ports::{Books, Ports, Store};
use crate::records::{
    AuditCheck, Backfill, DigestRecord, Effect, EffectKind, Key, List, Mark, Pointer, Review, Trouble,
};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Items whose standing a digest remembers for tomorrow's comparison; the graver ones come first.
const TROUBLED_MAX: usize = 2_000;
/// Days after which a digest is sent although nothing has changed, so that silence is not taken for failure.
const ALL_CLEAR_DAYS: u32 = 7;
/// By how much the money of a difference must change to be told again: one unit of the base currency.
const TOLD_AGAIN_FROM: Money = Money::from_e4(SCALE);
/// Audit entries since yesterday that a digest looks through.
const ENTRIES_MAX: usize = 20_000;
/// Audit entries read at once.
const ENTRIES_PAGE: u32 = 500;

/// Puts the digest of the org's day together, if it is due, and asks for its sending.
///
/// # Errors
/// When the store does not answer or another worker was quicker.
pub async fn produce<P: Ports>(ports: &P, org: OrgId) -> Result<(), AppError> {
    let mut writer = Writer::open_unleased(ports, org).await?;
    let policy = load::one::<Policy>(ports.store(), writer.owner(), Key::Policy).await?;
    let settings = policy.map(|row| row.content).unwrap_or_default().org();
    let now = writer.now();
    let last = writer.profile.content.digest_on;
    let Some(day) = writer.clock().digest_due(last, now, settings.digest_at) else { return Ok(()) };
    let content = content(&writer, day, last).await?;
    let is_sent = content.occasion.is_sent();
    let mut writes = Vec::new();
    let record = DigestRecord { at: now, content: serde_json::to_string(&content)? };
    writes.push(Versioned::new(record).write(Key::Digest(day)));
    let mut effects = Vec::new();
    if is_sent && !settings.mail_to.is_empty() {
        effects.push(EffectKind::DigestMail { day });
    }
    if is_sent && settings.slack {
        effects.push(EffectKind::DigestChat { day });
    }
    let ids = plan_effects(&mut writes, org, effects, now);
    writer.profile.content.digest_on = Some(day);
    writes.push(writer.profile.clone().write(Key::Profile));
    let reason = Reason::own("put digest together")
        .with("day", day)
        .with("decisions", content.decide.count)
        .with("sent", is_sent);
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    for effect in ids {
        send_now(ports, Message::Effect { org, effect }).await?;
    }
    Ok(())
}

/// What the digest of a day says.
async fn content<P: Ports>(
    writer: &Writer<'_, P>,
    day: Date,
    last: Option<Date>,
) -> Result<DigestContent, AppError> {
    let store = writer.ports().store();
    let org = writer.org();
    let profile = &writer.profile.content;
    let yesterday = match last {
        Some(last) => load::one::<DigestRecord>(store, writer.owner(), Key::Digest(last)).await?,
        None => None,
    };
    let told_at = yesterday.as_ref().map(|row| row.content.at);
    let yesterday: Option<DigestContent> =
        yesterday.map(|row| serde_json::from_str(&row.content.content)).transpose()?;
    // one of before the history was in has nothing that could be compared
    let yesterday = yesterday.filter(|digest| digest.trust.history == HistoryLoad::Whole);
    let mut troubles: Vec<(ItemId, Trouble)> = load::all::<Trouble>(store, org, &List::Troubles)
        .await?
        .into_iter()
        .filter_map(
            |(key, row)| if let Key::Trouble(item, _) = key { Some((item, row.content)) } else { None },
        )
        .collect();
    troubles.sort_by(|(_, a), (_, b)| (a.standing, &a.code).cmp(&(b.standing, &b.code)));
    crate::landed::ask_again(writer).await?;
    let reviews = load::all::<Review>(store, org, &List::Reviews).await?;
    let asked_anew = reviews.iter().any(|(_, review)| told_at.is_some_and(|at| review.content.since > at));
    let (loaded_on, loaded) = match profile.backfill {
        Backfill::Done { at, last_entry, .. } => (Some(writer.clock().day_of(at)), last_entry),
        Backfill::Reading { .. } | Backfill::Opening { .. } => (None, writer.head().seq),
    };
    // what the first load read is no news
    let since = yesterday.as_ref().map_or(loaded, |digest| digest.trust.audit.seq);
    let news = News::since(writer, since).await?;
    let mut decide = DecideNow::of(decisions(writer).await?)?;
    for decision in &mut decide.shown {
        if let Some(line) = decision.lines.first_mut() {
            line.chart = chart::stock(writer, line.item, chart::MAIL_DAYS).await?;
        }
    }
    let settings = load::one::<Policy>(store, writer.owner(), Key::Policy).await?;
    let allowance = writer.ports().books().allowance(org).await?;
    let prices = crate::prices::open(writer.ports(), writer.org()).await?.len();
    let mut content = DigestContent {
        org: profile.organisation.name.clone(),
        currency: profile.organisation.base_currency.clone(),
        day,
        occasion: Occasion::News,
        produced_at: writer.clock().zoned(writer.now()),
        phase: settings.map(|row| row.content).unwrap_or_default().org().phase,
        console_url: format!("{}{}", writer.ports().console_url(), crate::console::root_of(org)),
        decide,
        changed: changed(&troubles, yesterday.as_ref(), writer).await?,
        troubled: troubles
            .iter()
            .take(TROUBLED_MAX)
            .map(|(item, trouble)| (*item, StandingGroup::from(trouble.standing)))
            .filter(|(_, group)| group.trouble() > 0)
            .collect(),
        watching: watching(&troubles, reviews.len(), prices),
        not_counted: NotCounted {
            items: count(&troubles, StandingGroup::NotCounted),
            lines_without_item: news.lines_without_item,
            lines: news.lines,
            days: last.or(loaded_on).map_or(1, |since| days_between(since, day).max(1)),
        },
        written: news.written(writer).await?,
        trust: Trust {
            polled_at: profile.polled_at,
            history: history(profile.backfill),
            calls_left: allowance.left_today,
            by_webhook: news.by_webhook,
            by_poll: news.by_poll,
            audit: writer.head(),
            needs_person: needs_person(writer).await?,
        },
        journal_drafts: crate::cogs::drafts(writer).await?,
        proof: None,
        differences_told: Vec::new(),
    };
    let told = yesterday.as_ref().map(|digest| digest.differences_told.as_slice()).unwrap_or_default();
    (content.proof, content.differences_told) = proof_news(writer, told).await?;
    content.occasion = occasion(&content, yesterday.as_ref(), asked_anew);
    Ok(content)
}

fn days_between(since: Date, day: Date) -> u32 {
    since.until(day).map_or(0, |span| span.get_days().unsigned_abs())
}

/// Whether a digest has something to tell: something to decide or to do, or what its reader has not seen in the
/// digest of yesterday. Without that it is sent once in [`ALL_CLEAR_DAYS`] days. `asked_anew`: a question came since.
fn occasion(today: &DigestContent, yesterday: Option<&DigestContent>, asked_anew: bool) -> Occasion {
    let Some(yesterday) = yesterday else { return Occasion::News };
    let asks = today.decide.count > 0
        || !today.trust.needs_person.is_empty()
        || today.trust.history != HistoryLoad::Whole;
    let is_new = today.changed.count > 0
        || !today.written.is_empty()
        || asked_anew
        || today.proof.is_some()
        || today.watching.orders_late > yesterday.watching.orders_late
        || today.watching.prices > yesterday.watching.prices
        || today.not_counted.items > yesterday.not_counted.items;
    if asks || is_new {
        return Occasion::News;
    }
    let since = match yesterday.occasion {
        Occasion::News | Occasion::AllClear { .. } => yesterday.day,
        Occasion::Nothing { since } => since,
    };
    if days_between(since, today.day) >= ALL_CLEAR_DAYS {
        Occasion::AllClear { since }
    } else {
        Occasion::Nothing { since }
    }
}

/// What the latest proof found that was not told, and all that is told by now. A difference is told again when its money
/// has changed by [`TOLD_AGAIN_FROM`]: what is sold of stock that Xero values otherwise changes it a little every day.
async fn proof_news<P: Ports>(
    writer: &Writer<'_, P>,
    told: &[Difference],
) -> Result<(Option<ProofNews>, Vec<Difference>), AppError> {
    let Some(day) = writer.profile.content.proved_on else { return Ok((None, Vec::new())) };
    let proof = load::one::<Proof>(writer.ports().store(), writer.owner(), Key::Proof(day)).await?;
    let Some(proof) = proof.map(|row| row.content) else { return Ok((None, Vec::new())) };
    let (mut fresh, mut telling) = (Vec::new(), Vec::new());
    let count = proof.count();
    for difference in proof.differences.into_iter().filter(|it| it.cause != LikelyCause::Rounding) {
        let same = |known: &&Difference| known.of == difference.of && known.cause == difference.cause;
        let before = told.iter().find(same).map(|known| known.value);
        let again = match before {
            Some(before) => difference.value.minus(before)?.magnitude() >= TOLD_AGAIN_FROM,
            None => true,
        };
        let value = before.filter(|_| !again).unwrap_or(difference.value);
        telling.push(Difference { value, ..difference.clone() });
        if again {
            fresh.push(difference);
        }
    }
    let more = fresh.len().saturating_sub(DIFFERENCES_NAMED_MAX);
    fresh.truncate(DIFFERENCES_NAMED_MAX);
    let news = ProofNews { count, named: fresh, more };
    Ok(((!news.named.is_empty()).then_some(news), telling))
}

/// What a person must do: about the org, its audit trail, and effects.
async fn needs_person<P: Ports>(writer: &Writer<'_, P>) -> Result<Vec<String>, AppError> {
    let store = writer.ports().store();
    let mut needed: BTreeSet<String> = writer.profile.content.needs_person.iter().cloned().collect();
    let check = load::one::<AuditCheck>(store, writer.owner(), Key::AuditCheck).await?;
    needed.extend(check.and_then(|check| check.content.broken));
    for (key, _) in load::all::<Mark>(store, writer.org(), &List::PendingEffects).await? {
        let Key::PendingEffect(id) = key else { continue };
        let effect = load::one::<Effect>(store, writer.owner(), Key::Effect(id)).await?;
        needed.extend(effect.and_then(|effect| effect.content.needs_person));
    }
    Ok(needed.into_iter().collect())
}

/// How far the first load is, in the views' words.
pub fn history(backfill: Backfill) -> HistoryLoad {
    match backfill {
        Backfill::Reading { documents, .. } => HistoryLoad::Reading { documents },
        Backfill::Opening { documents } => HistoryLoad::Opening { documents },
        Backfill::Done { .. } => HistoryLoad::Whole,
    }
}

fn count(troubles: &[(ItemId, Trouble)], which: StandingGroup) -> u32 {
    let of_group = |trouble: &Trouble| StandingGroup::from(trouble.standing) == which;
    let counted = troubles.iter().filter(|(_, trouble)| of_group(trouble)).count();
    u32::try_from(counted).unwrap_or(u32::MAX)
}

/// How many orders are late, each counted once however many items it holds.
pub fn late_orders<'t>(troubles: impl IntoIterator<Item = &'t Trouble>) -> usize {
    let numbers: BTreeSet<&String> =
        troubles.into_iter().flat_map(|trouble| &trouble.late_order_numbers).collect();
    numbers.len()
}

fn watching(troubles: &[(ItemId, Trouble)], reviews: usize, prices: usize) -> Watching {
    let late = late_orders(troubles.iter().map(|(_, trouble)| trouble));
    Watching {
        out_of_stock: count(troubles, StandingGroup::OutOfStock),
        low: count(troubles, StandingGroup::Low),
        overstock: count(troubles, StandingGroup::Overstock),
        dead: count(troubles, StandingGroup::Dead),
        orders_late: u32::try_from(late).unwrap_or(u32::MAX),
        reviews: u32::try_from(reviews).unwrap_or(u32::MAX),
        prices: u32::try_from(prices).unwrap_or(u32::MAX),
    }
}

async fn changed<P: Ports>(
    troubles: &[(ItemId, Trouble)],
    yesterday: Option<&DigestContent>,
    writer: &Writer<'_, P>,
) -> Result<Changes, AppError> {
    let Some(yesterday) = yesterday else { return Ok(Changes::default()) };
    let mut changes = Vec::new();
    for (item, trouble) in troubles {
        let now = StandingGroup::from(trouble.standing);
        if now.trouble() == 0 {
            continue;
        }
        changes.push(Change {
            item: *item,
            code: trouble.code.clone(),
            name: trouble.name.clone(),
            was: yesterday.stood(*item),
            now,
            available: trouble.available,
            runs_out_on: trouble.runs_out_on,
        });
    }
    let troubled: BTreeMap<ItemId, ()> = changes.iter().map(|change| (change.item, ())).collect();
    let resolved: Vec<ItemId> =
        yesterday.troubled.keys().filter(|item| !troubled.contains_key(item)).copied().collect();
    let store = writer.ports().store();
    let location = LocationId::main();
    let keys: Vec<Key> = resolved.iter().map(|item| Key::Item(*item)).collect();
    let items = load::many::<parstock_domain::document::Item>(store, writer.owner(), &keys).await?;
    let keys: Vec<Key> = resolved.iter().map(|item| Key::Plan(*item, location.clone())).collect();
    let plans = load::many::<Plan>(store, writer.owner(), &keys).await?;
    for (item, plan) in items.into_iter().zip(plans) {
        let (Some(item), Some(plan)) = (item, plan) else { continue };
        let (item, plan) = (item.content, plan.content);
        changes.push(Change {
            item: item.id,
            was: yesterday.stood(item.id),
            now: StandingGroup::Enough,
            code: item.code,
            name: item.name,
            available: available(&plan),
            runs_out_on: plan.stock_out_on,
        });
    }
    Ok(Changes::of(changes))
}

fn available(plan: &Plan) -> Option<Quantity> {
    plan.on_hand.and_then(|on_hand| on_hand.minus(plan.committed).ok())
}

/// What ordering so much of an item means, by its latest plan.
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn order_figures(plan: &Plan, quantity: Quantity) -> Result<OrderFigures, FixedError> {
    let expected = plan.available()?.map(|available| available.plus(plan.on_order)).transpose()?;
    let (cover_after_days, rounded_up) = match expected {
        None => (None, Quantity::ZERO),
        Some(expected) => {
            let missing = plan.order_up_to.minus(expected)?.max(Quantity::ZERO);
            let after = expected.plus(quantity)?;
            (plan.rate.per_day.days_in(after), quantity.minus(missing)?.max(Quantity::ZERO))
        }
    };
    Ok(OrderFigures { cover_after_days, rounded_up, lead_time_days: plan.lead_time_days.value })
}

/// The proposals that a person is to decide about, with the present figures of their lines.
async fn decisions<P: Ports>(writer: &Writer<'_, P>) -> Result<Vec<Decision>, AppError> {
    let store = writer.ports().store();
    let today = writer.clock().day_of(writer.now());
    let mut decisions = Vec::new();
    for (_, pointer) in load::all::<Pointer<ProposalId>>(store, writer.org(), &List::PendingProposals).await?
    {
        let key = Key::Proposal(pointer.content.to);
        let Some(proposal) = load::one::<Proposal>(store, writer.owner(), key).await? else { continue };
        let proposal = proposal.content;
        let problem = match &proposal.status {
            ProposalState::Open => None,
            ProposalState::Failed { reason, .. } => Some(reason.clone()),
            _ => continue,
        };
        let plans: Vec<Key> =
            proposal.lines.iter().map(|line| Key::Plan(line.item, line.location.clone())).collect();
        let plans = load::many::<Plan>(store, writer.owner(), &plans).await?;
        let positions: Vec<Key> =
            proposal.lines.iter().map(|line| Key::Position(line.item, line.location.clone())).collect();
        let positions = load::many::<Position>(store, writer.owner(), &positions).await?;
        let mut lines = Vec::new();
        for ((line, plan), position) in proposal.lines.iter().zip(plans).zip(positions) {
            let plan = plan.map(|row| row.content);
            let position = position.map(|row| row.content).unwrap_or_default();
            let drafts = plan.as_ref().is_none_or(|plan| plan.count_sales_drafts);
            lines.push(DecisionLine {
                item: line.item,
                code: line.code.clone(),
                name: line.name.clone(),
                on_hand: position.on_hand(today)?.quantity(),
                available: position.available(today, drafts)?.quantity(),
                on_order: plan.as_ref().map(|plan| plan.on_order).unwrap_or_default(),
                cover_days: plan.as_ref().and_then(|plan| plan.cover_days),
                runs_out_on: plan.as_ref().and_then(|plan| plan.stock_out_on),
                reorder_point: plan.as_ref().map(|plan| plan.reorder_point).unwrap_or_default(),
                committed: position.committed_total(drafts)?,
                figures: plan.as_ref().map(|plan| order_figures(plan, line.quantity)).transpose()?,
                quantity: line.quantity,
                unit_price: Some(line.unit_price),
                by: line.by.clone(),
                cost: line.cost()?,
                reason: line.reason.clone(),
                chart: None,
            });
        }
        decisions.push(Decision {
            proposal: proposal.id,
            supplier: proposal.supplier_name.clone(),
            total: proposal.total()?,
            wanted_on: proposal.wanted_on,
            problem,
            line_count: lines.len(),
            lines,
        });
    }
    Ok(decisions)
}

/// What the audit trail says of the time since the last digest.
#[derive(Default)]
struct News {
    by_webhook: u32,
    by_poll: u32,
    lines: u32,
    lines_without_item: u32,
    /// The proposals whose orders were written, and when.
    orders: BTreeMap<ProposalId, Timestamp>,
}

impl News {
    async fn since<P: Ports>(writer: &Writer<'_, P>, seq: u64) -> Result<Self, AppError> {
        let mut news = Self::default();
        let mut after = Some(Key::AuditEntry(seq));
        let mut read = 0;
        while read < ENTRIES_MAX {
            let store = writer.ports().store();
            let page = store.list(writer.owner(), &List::AuditEntries, after.as_ref(), ENTRIES_PAGE).await?;
            read += page.rows.len();
            for row in page.rows {
                if let Some(entry) = load::decode_row::<Entry>(Some(row))? {
                    news.take(&serde_json::from_str(&entry.content.payload)?);
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        Ok(news)
    }

    fn take(&mut self, statement: &Statement) {
        let figure =
            |name: &str| statement.details.get(name).and_then(|text| text.parse().ok()).unwrap_or(0u32);
        match statement.event.as_ref().map(|event| event.source) {
            Some(Source::Webhook) => self.by_webhook += 1,
            Some(Source::Poll) if statement.what == "book document" => self.by_poll += 1,
            _ => {}
        }
        self.lines += figure("lines");
        self.lines_without_item += figure("lines_without_item");
        if statement.what == crate::effects::ORDER_WRITTEN {
            let proposal = statement.details.get("proposal").and_then(|id| id.parse().ok());
            self.orders.extend(proposal.map(|proposal| (proposal, statement.at)));
        }
    }

    async fn written<P: Ports>(&self, writer: &Writer<'_, P>) -> Result<Vec<WrittenOrder>, AppError> {
        let store = writer.ports().store();
        let keys: Vec<Key> = self.orders.keys().map(|id| Key::Proposal(*id)).collect();
        let mut written = Vec::new();
        for proposal in load::many::<Proposal>(store, writer.owner(), &keys).await?.into_iter().flatten() {
            let proposal = proposal.content;
            if let (ProposalState::Done { approval, .. }, Some(at)) =
                (&proposal.status, self.orders.get(&proposal.id))
            {
                written.push(WrittenOrder {
                    proposal: proposal.id,
                    number: approval.order_number.clone(),
                    supplier: proposal.supplier_name.clone(),
                    total: proposal.total()?,
                    approved_by: approval.who.clone(),
                    at: *at,
                });
            }
        }
        written.sort_by_key(|order| order.at);
        Ok(written)
    }
}

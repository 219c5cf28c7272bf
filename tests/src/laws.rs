//! Laws of what people are told and asked, and of what lay there before: each is said by its plain
//! definition, from the rows and from what really left, with no calculation of the use cases.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use parstock_app::adjustments::Asked;
use parstock_app::ports::Mail;
use parstock_app::records::{EffectKind, EffectState, Key, Owner, Record, ReviewKind};
use parstock_domain::adjustment;
use parstock_domain::governance::ProposalState;
use parstock_domain::ids::{ContactId, ItemId, OrgId, ProposalId};
use parstock_domain::landed::Stage;
use parstock_domain::ledger::{Cause, Movement};

use crate::books::Company;
use crate::mail::Taken;
use crate::store::FakeStore;
use crate::trade::ZONE_IANA;

/// A message whose answer was lost may come once more.
const TIMES_MAX: usize = 2;
/// The local hour of the digest where nobody set another.
const DIGEST_AT: Time = Time::constant(8, 0, 0, 0);
/// How long after that hour it must be there: a few ticks, and the work behind them.
const DIGEST_TAKES: SignedDuration = SignedDuration::from_hours(2);

/// What a person counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// At the end of this day.
    pub as_of: Date,
    /// How much lay there, in ten-thousandths.
    pub quantity: i64,
}

fn movements(store: &FakeStore, org: OrgId) -> Vec<Movement> {
    let rows = store.rows(Owner::Org(org)).into_iter();
    rows.filter_map(|row| if let Record::Movement(movement) = row.record { Some(movement) } else { None })
        .collect()
}

fn sum<'m>(movements: impl Iterator<Item = &'m Movement>) -> i64 {
    movements.map(|movement| movement.quantity.e4() * if movement.key.out { -1 } else { 1 }).sum()
}

/// A tracked item was opened with what lay there before its first document. One that came after the first
/// load is opened once Xero's figure of it stood through two readings, so it may have no opening yet.
pub fn openings(store: &FakeStore, company: &Company, loaded: &BTreeSet<ItemId>) -> Vec<String> {
    let movements = movements(store, company.organisation.id);
    let mut found = Vec::new();
    for item in company.items.values().filter(|item| item.tracked) {
        let of_item = || movements.iter().filter(|movement| movement.item == item.id);
        let openings = || of_item().filter(|movement| movement.key.cause == Cause::Opening);
        let lay_there = company.initial.get(&item.id).copied().unwrap_or_default().e4();
        let opened = sum(openings());
        let was_loaded = loaded.contains(&item.id);
        if opened != lay_there && (was_loaded || opened != 0) {
            found.push(format!("{}: opened with {opened}, and {lay_there} lay there", item.code));
        }
        let first = of_item().filter(|movement| movement.key.cause != Cause::Opening);
        let first = first.map(|movement| movement.key.effective_on).min();
        let late = openings().any(|opening| first.is_some_and(|first| opening.key.effective_on >= first));
        if was_loaded && late {
            found.push(format!("{}: its opening does not come before its first document", item.code));
        }
    }
    found
}

/// At the end of the day of its count an item has what was counted.
pub fn counts(store: &FakeStore, company: &Company, counted: &BTreeMap<ItemId, Counted>) -> Vec<String> {
    let org = company.organisation.id;
    let movements = movements(store, org);
    let mut found = Vec::new();
    for (item, count) in counted {
        let until = movements
            .iter()
            .filter(|movement| movement.item == *item && movement.key.effective_on <= count.as_of);
        let (code, is) = (company.items.get(item).map_or("", |item| &item.code), sum(until));
        if is != count.quantity {
            found.push(format!(
                "{code}: {} were counted at the end of {}, the movements say {is}",
                count.quantity, count.as_of
            ));
        }
        let rows = store.rows(Owner::Org(org));
        let opened = rows.into_iter().any(|row| match (row.key, row.record) {
            (Key::Position(of, _), Record::Position(position)) => of == *item && position.opened,
            _ => false,
        });
        if !opened {
            found.push(format!("{code}: counted, and shown as not counted"));
        }
    }
    found
}

/// The one voucher that a person made stands whole or is taken back whole: each share lands once, and is taken back once; bills
/// know how much of their charges is spread; its journal stands in Xero once, with one against it if it is taken back; and nothing
/// is left to be done.
pub fn vouchers(store: &FakeStore, company: &Company) -> Vec<String> {
    let org = company.organisation.id;
    let rows = store.rows(Owner::Org(org));
    let mut found = Vec::new();
    let (mut vouchers, mut spread, mut pending) = (Vec::new(), 0, 0);
    for row in rows {
        match (row.key, row.record) {
            (_, Record::Voucher(voucher)) => vouchers.push(voucher),
            (_, Record::Purchase(purchase)) => {
                spread += purchase.charges.iter().map(|charge| charge.spread.e4()).sum::<i64>();
            }
            (Key::PendingEffect(_), _) => pending += 1,
            _ => {}
        }
    }
    let [voucher] = vouchers.as_slice() else {
        return vec![format!("there are {} vouchers", vouchers.len())];
    };
    let total: i64 = voucher.draft.charges.iter().map(|charge| charge.amount.e4()).sum();
    let shares: i64 = voucher.draft.shares.iter().map(|share| share.amount.e4()).sum();
    let (stands, is_whole) = match voucher.stage {
        Stage::Booked => (true, voucher.done == voucher.draft.shares.len()),
        Stage::TakenBack => (false, voucher.done == voucher.draft.shares.len()),
        Stage::Booking | Stage::TakingBack => (true, false),
    };
    if !is_whole || shares != total || spread != if stands { total } else { 0 } || pending > 0 {
        found.push(format!(
            "voucher of {total} with shares of {shares}, of which {spread} is spread, {}; {pending} effects wait",
            voucher.state_words()
        ));
    }
    let marked = |back: bool| {
        let mark = voucher.mark(back);
        company.journals.iter().filter(|journal| journal.known.narration.ends_with(&mark)).count()
    };
    let (journals, due) = ((marked(false), marked(true)), (1, usize::from(!stands)));
    if journals != due {
        found.push(format!("the voucher has {journals:?} journals in Xero, not {due:?}"));
    }
    let movements = movements(store, org);
    for share in &voucher.draft.shares {
        let cause = Cause::LandedCost { voucher: voucher.number, of: share.of, line: share.line };
        let landed: Vec<(i64, bool)> = movements
            .iter()
            .filter(|movement| movement.key.cause == cause && movement.item == share.item)
            .map(|movement| (movement.value.e4(), movement.key.correction))
            .collect();
        let amount = share.amount.e4();
        let due = if stands { vec![(amount, false)] } else { vec![(amount, false), (amount, true)] };
        if landed != due {
            found.push(format!("{} of {} landed as {landed:?}, not {due:?}", amount, share.code));
        }
    }
    found
}

/// What a person adjusted moved once what it says: in the ledger for items of ours, by one document in Xero for each adjustment of
/// items that Xero tracks; and nothing is left to be done.
pub fn adjustments(store: &FakeStore, company: &Company, rows: &[Asked]) -> Vec<String> {
    let org = company.organisation.id;
    let (mut found, mut is): (Vec<String>, BTreeMap<ItemId, i64>) = (Vec::new(), BTreeMap::new());
    for row in store.rows(Owner::Org(org)) {
        match (row.key, row.record) {
            (_, Record::Adjustment(adjustment)) => {
                let name = adjustment.number.to_string();
                let documents = company.documents.values().filter(|document| document.number == name);
                let (documents, due) = (documents.count(), usize::from(adjustment.form.document().is_some()));
                if adjustment.stage != adjustment::Stage::Booked || documents != due {
                    found.push(format!("{name} is {} with {documents} documents", adjustment.state_words()));
                }
            }
            (_, Record::Movement(movement)) => {
                let is_meant = match movement.key.cause {
                    Cause::Adjustment { .. } => true,
                    Cause::Document { of, .. } => company
                        .documents
                        .get(&of.id)
                        .is_some_and(|document| document.number.starts_with("ADJ-")),
                    _ => false,
                };
                if is_meant {
                    let change = movement.signed_quantity().map_or(i64::MAX, |change| change.e4());
                    *is.entry(movement.item).or_default() += change;
                }
            }
            (Key::PendingEffect(_), _) => found.push("an effect waits".into()),
            (_, Record::Review(review)) if review.kind == ReviewKind::Adjustment => {
                found.push(format!("a person is asked: {}", review.text));
            }
            _ => {}
        }
    }
    let mut due: BTreeMap<ItemId, i64> = BTreeMap::new();
    for row in rows {
        let item = company.items.values().find(|item| item.code == row.code).map(|item| item.id);
        *due.entry(item.unwrap_or(ItemId(uuid::Uuid::nil()))).or_default() += row.quantity.e4();
    }
    if is != due {
        found.push(format!("adjusted was {is:?}, not {due:?}"));
    }
    found
}

/// Per supplier at most one proposal waits for a person, and it is the one that the supplier's row names.
pub fn proposals(store: &FakeStore, org: OrgId) -> Vec<String> {
    let mut open: BTreeMap<ContactId, Vec<ProposalId>> = BTreeMap::new();
    let mut named: BTreeMap<ContactId, ProposalId> = BTreeMap::new();
    for row in store.rows(Owner::Org(org)) {
        match (row.key, row.record) {
            (_, Record::Proposal(proposal)) if proposal.status == ProposalState::Open => {
                open.entry(proposal.supplier).or_default().push(proposal.id);
            }
            (Key::PendingProposal(supplier), Record::PendingProposal(pointer)) => {
                named.insert(supplier, pointer.to);
            }
            _ => {}
        }
    }
    open.into_iter()
        .filter(|(supplier, ids)| named.get(supplier).map(std::slice::from_ref) != Some(ids.as_slice()))
        .map(|(supplier, ids)| format!("{supplier} has the open proposals {ids:?}, not one that is named"))
        .collect()
}

/// Each day has one digest, told once by mail and once by Slack, twice at most after a lost answer, unless it has
/// nothing to tell, and nothing is told that was not decided. `mails` are those of this org.
pub fn notices(
    store: &FakeStore,
    org: OrgId,
    mails: &[Taken<Mail>],
    posts: &[Taken<(OrgId, String)>],
    now: Timestamp,
) -> Vec<String> {
    let mut found = Vec::new();
    let (mut days, mut told, mut decided) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut silent = BTreeSet::new();
    for row in store.rows(Owner::Org(org)) {
        match (row.key, row.record) {
            (Key::Digest(day), Record::Digest(digest)) => {
                days.push(day);
                let content: serde_json::Value = serde_json::from_str(&digest.content).unwrap_or_default();
                if content.pointer("/occasion/kind").is_some_and(|kind| kind == "nothing") {
                    silent.insert(day);
                }
            }
            (Key::Effect(id), Record::Effect(effect)) => {
                let message_id = format!("{id}@parstock");
                let (channel, day, times) = match effect.what {
                    EffectKind::DigestMail { day } => {
                        let same = mails.iter().filter(|taken| taken.what.message_id == message_id);
                        ("mail", day, same.count())
                    }
                    EffectKind::DigestChat { day } => {
                        let link = format!("/digests/{day}|");
                        let same =
                            posts.iter().filter(|taken| taken.what.0 == org && taken.what.1.contains(&link));
                        ("Slack", day, same.count())
                    }
                    _ => {
                        decided.insert(message_id);
                        continue;
                    }
                };
                decided.insert(message_id);
                if !told.insert((day, channel)) {
                    found.push(format!("two effects tell the digest of {day} by {channel}"));
                }
                let is_done = matches!(effect.status, EffectState::Done { .. });
                let is_failed = matches!(effect.status, EffectState::Failed { .. });
                if times > TIMES_MAX || (is_done && times == 0) || !(is_done || is_failed) {
                    found.push(format!(
                        "the digest of {day} was told {times} times by {channel}; its effect is {:?}",
                        effect.status
                    ));
                }
            }
            _ => {}
        }
    }
    let mut sent: BTreeMap<&str, usize> = BTreeMap::new();
    for taken in mails {
        *sent.entry(&taken.what.message_id).or_default() += 1;
    }
    for (message_id, times) in sent {
        if times > TIMES_MAX || !decided.contains(message_id) {
            found.push(format!("the mail {message_id} was sent {times} times"));
        }
    }
    let sent = days.len().saturating_sub(silent.len());
    if told.len() != 2 * sent || told.iter().any(|(day, _)| silent.contains(day)) {
        found.push(format!("{sent} digests to be sent have {} effects", told.len()));
    }
    if days.windows(2).any(|pair| matches!(pair, [one, next] if one.saturating_add(1.days()) != *next)) {
        found.push(format!("the days of the digests have gaps: {days:?}"));
    }
    let due = now.checked_sub(DIGEST_TAKES).unwrap_or(now);
    let due = TimeZone::get(ZONE_IANA).map(|zone| due.to_zoned(zone));
    if let Ok(due) = due
        && due.time() >= DIGEST_AT
        && !days.contains(&due.date())
    {
        found.push(format!("there is no digest of {}, only of {days:?}", due.date()));
    }
    found
}

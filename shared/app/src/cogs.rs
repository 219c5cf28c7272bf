//! Cost of goods sold of untracked stock: once a day what commits told of it is summed up and turned into journals, as the setting
//! `cogs` says. What reads the audit trail is this: each entry tells what its commit changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp, ToSpan};
use parstock_domain::audit::{Entry, Statement};
use parstock_domain::cogs::{
    self, Coded, CogsHeld, CogsLedger, CogsMonth, CogsSettings, Fate, Journal, JournalInXero, JournalNumber,
};
use parstock_domain::document::{Account, DocumentRef, Item};
use parstock_domain::fixed::{Money, decimals};
use parstock_domain::governance::Phase;
use parstock_domain::ids::{DocumentId, EffectId, ItemId, LocationId, OrgId, derived};
use parstock_domain::ledger::Position;
use parstock_domain::settings::Policy;
use parstock_views::pages::JournalLine;

use crate::effects::{effect_id, plan_effects};
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::message::Message;
use crate::ports::{Books, BooksSession, Expect, Ports, Priority, Store, Write};
use crate::records::{Backfill, DocumentRecord, EffectKind, Key, List, Mark, MoreLines, Review, ReviewKind};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Calls of a day's decision: accounts, their balances, and what became of journals.
const CALLS: u32 = 3;
/// Pages of changed journals read at once; the next decision goes on behind them.
const JOURNAL_PAGES_MAX: u32 = 5;
/// How far the journals that changed in Xero are read again, since its clock may be another than ours.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// Audit entries read at once.
const ENTRIES_PAGE: u32 = 500;
/// Audit entries that one journal's page looks through.
const ENTRIES_MAX: usize = 20_000;
/// Documents read at once.
const DOCUMENTS_PAGE: u32 = 500;
/// Keys of one read.
const KEYS_PER_READ: usize = 500;
/// Rows after which a step is written. One more audit entry may add an item held for each of forty lines and thirty months.
const ROWS_PER_STEP: usize = 20;
/// Days whose journals are looked at again. What becomes of older ones in Xero is not seen.
const LOOKED_BACK_DAYS: i64 = 400;
/// Decimals of a journal's amounts in Xero.
const JOURNAL_DECIMALS_MAX: u32 = 2;

/// What follows from the setting: from the next day on commits tell what they change of cost of goods sold.
pub(crate) async fn follow<P: Ports>(
    writer: &mut Writer<'_, P>,
    wanted: Option<CogsSettings>,
) -> Result<Option<Write>, AppError> {
    let Some(settings) = wanted else {
        writer.profile.content.cogs_from = None;
        return Ok(None);
    };
    if writer.profile.content.cogs_from.is_some() {
        return Ok(None);
    }
    let tomorrow = writer.clock().day_of(writer.now()).saturating_add(1.day());
    writer.profile.content.cogs_from = Some(tomorrow);
    let known = load::one::<CogsLedger>(writer.ports().store(), writer.owner(), Key::Cogs).await?;
    let (journals_until, expect) =
        known.map_or((writer.now(), Expect::Absent), |known| (known.content.journals_until, known.expect));
    let content = CogsLedger {
        since: tomorrow,
        settings,
        begun: writer.head().seq,
        coded_through: writer.head().seq,
        walked: writer.head().seq,
        carried: Money::ZERO,
        journals_until,
    };
    Ok(Some(Versioned { content, expect }.write(Key::Cogs)))
}

/// Decides the journals of the org's day, unless that is done.
///
/// # Errors
/// [`AppError::NotNow`] while another worker holds the org; when Xero or the store does not answer. The sweep after the next
/// poll asks again.
pub async fn daily<P: Ports>(ports: &P, org: OrgId) -> Result<(), AppError> {
    let mut writer = Writer::open(ports, org).await?;
    let result = decide(&mut writer).await;
    if let Err(AppError::NeedsPerson(what)) = &result {
        let question = question(writer.now(), format!("Cost of goods sold is not journaled: {what}"));
        ports.store().write_each(writer.owner(), vec![question]).await?;
    }
    writer.close().await;
    for effect in result? {
        send_now(ports, Message::Effect { org, effect }).await?;
    }
    Ok(())
}

/// The one question of why nothing is journaled.
fn question(since: Timestamp, text: String) -> Write {
    let (kind, codes) = (ReviewKind::CogsRefused, BTreeSet::new());
    unguarded(question_key(), Review { kind, since, item: None, document: None, text, codes })
}

fn question_key() -> Key {
    Key::Review(derived("review", &[ReviewKind::CogsRefused.code()]))
}

async fn decide<P: Ports>(writer: &mut Writer<'_, P>) -> Result<Vec<EffectId>, AppError> {
    let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
    let policy = policy.map(|row| row.content).unwrap_or_default().org();
    let (Some(settings), Some(_)) = (policy.cogs, writer.profile.content.cogs_from) else {
        return Ok(Vec::new());
    };
    let today = writer.clock().day_of(writer.now());
    let Some(mut sums) = Sums::read(writer).await? else { return Ok(Vec::new()) };
    let is_loaded = matches!(writer.profile.content.backfill, Backfill::Done { .. });
    if !is_loaded || writer.profile.content.journaled_on == Some(today) {
        return Ok(Vec::new());
    }
    sums.walk(writer, Walk::Coded).await?;
    if sums.ledger.content.settings.stock_account != settings.stock_account {
        sums.hold_anew(writer, &settings.stock_account).await?;
    }
    sums.ledger.content.settings = settings;
    sums.walk(writer, Walk::Sold).await?;
    let until = writer.now();
    let mut session = writer.ports().books().open(writer.org(), Priority::Poll, CALLS).await?;
    let said = ask(&mut session, &sums.ledger.content, today).await;
    session.close().await;
    let Said { accounts, changed, latest, whole } = said?;
    for there in &changed {
        sums.learn(there)?;
        sums.write_if_full(writer).await?;
    }
    if whole {
        sums.give_up(writer).await?;
    }
    sums.ledger.content.journals_until = if whole { until } else { latest.unwrap_or(until) };
    sums.write(writer, "read journals").await?;
    sums.ask_about_held(writer).await?;
    writer.profile.content.journaled_on = Some(today);
    sums.extra.push(writer.profile.clone().write(Key::Profile));
    if let Err(problem) = sums.ledger.content.settings.check(&accounts) {
        tracing::warn!(org_id = %writer.org(), why = %problem, "cost of goods sold is not journaled");
        sums.extra.push(question(writer.now(), format!("Cost of goods sold is not journaled: {problem}.")));
        sums.write(writer, "refuse journals").await?;
        return Ok(Vec::new());
    }
    sums.extra.push(removal(question_key()));
    if policy.phase < Phase::Assist {
        sums.write(writer, "sum up cost of goods sold").await?;
        return Ok(Vec::new());
    }
    sums.plan(writer, today).await
}

/// What Xero says.
struct Said {
    accounts: Vec<Account>,
    /// The journals that changed since the last decision, those that can be read.
    changed: Vec<JournalInXero>,
    /// The latest change among them.
    latest: Option<Timestamp>,
    /// Whether these are all.
    whole: bool,
}

async fn ask(session: &mut impl BooksSession, ledger: &CogsLedger, today: Date) -> Result<Said, AppError> {
    let since = ledger.journals_until.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
    let (mut changed, mut latest, mut whole) = (Vec::new(), None, true);
    for number in 1..=JOURNAL_PAGES_MAX {
        let page = session.journals_changed(since, number).await?;
        changed.extend(page.journals);
        latest = latest.max(page.latest);
        // one that can't be read may be ours
        whole &= !page.unreadable;
        if !page.more {
            return Ok(Said { accounts: session.accounts(today).await?, changed, latest, whole });
        }
    }
    Ok(Said { accounts: session.accounts(today).await?, changed, latest, whole: false })
}

/// What of the audit trail is taken.
#[derive(Clone, Copy)]
enum Walk {
    /// Where purchases are coded.
    Coded,
    /// What was sold.
    Sold,
}

/// What is summed up, while a decision changes it.
struct Sums {
    ledger: Versioned<CogsLedger>,
    months: BTreeMap<Date, Versioned<CogsMonth>>,
    held: BTreeMap<ItemId, Versioned<CogsHeld>>,
    journals: BTreeMap<JournalNumber, Versioned<Journal>>,
    changed_months: BTreeSet<Date>,
    changed_held: BTreeSet<ItemId>,
    changed_journals: BTreeSet<JournalNumber>,
    extra: Vec<Write>,
}

impl Sums {
    /// What is stored. What an earlier beginning summed up holds no longer.
    async fn read<P: Ports>(writer: &Writer<'_, P>) -> Result<Option<Self>, AppError> {
        let (store, org) = (writer.ports().store(), writer.org());
        let Some(ledger) = load::one::<CogsLedger>(store, writer.owner(), Key::Cogs).await? else {
            return Ok(None);
        };
        let since = ledger.content.since;
        let mut months = BTreeMap::new();
        for (key, row) in load::all::<CogsMonth>(store, org, &List::CogsMonths).await? {
            let Key::CogsMonth(month) = key else { continue };
            let is_old = row.content.since != since;
            let content = if is_old { CogsMonth::new(since) } else { row.content };
            months.insert(month, Versioned { content, expect: row.expect });
        }
        let mut held = BTreeMap::new();
        for (key, row) in load::all::<CogsHeld>(store, org, &List::CogsHeld).await? {
            let Key::CogsHeld(item) = key else { continue };
            let is_old = row.content.since != since;
            let content = if is_old { CogsHeld::new(since, writer.now()) } else { row.content };
            held.insert(item, Versioned { content, expect: row.expect });
        }
        // those of an earlier beginning are there to be let go, some each time; free ones hold nothing back
        let free = held.iter().filter(|(_, row)| row.content.is_free()).map(|(item, _)| *item);
        let changed_held = free.take(ROWS_PER_STEP - 1).collect();
        let journals = journals(writer).await?;
        Ok(Some(Self {
            ledger,
            months,
            held,
            journals: journals.into_iter().map(|row| (row.content.number, row)).collect(),
            changed_months: BTreeSet::new(),
            changed_held,
            changed_journals: BTreeSet::new(),
            extra: Vec::new(),
        }))
    }

    fn month(&mut self, on: Date) -> &mut CogsMonth {
        let (month, since) = (on.first_of_month(), self.ledger.content.since);
        self.changed_months.insert(month);
        &mut self.months.entry(month).or_insert_with(|| Versioned::new(CogsMonth::new(since))).content
    }

    fn held(&mut self, item: ItemId, seen_at: Timestamp) -> &mut CogsHeld {
        let since = self.ledger.content.since;
        self.changed_held.insert(item);
        &mut self.held.entry(item).or_insert_with(|| Versioned::new(CogsHeld::new(since, seen_at))).content
    }

    /// Takes what the audit entries since the last time tell: where purchases are coded first, so that nothing is counted of an
    /// item whose purchase is told behind its sale.
    async fn walk<P: Ports>(&mut self, writer: &mut Writer<'_, P>, what: Walk) -> Result<(), AppError> {
        let end = writer.head().seq;
        let mut after = Some(Key::AuditEntry(*self.walked(what)));
        while after.is_some() && *self.walked(what) < end {
            let store = writer.ports().store();
            let page = store.list(writer.owner(), &List::AuditEntries, after.as_ref(), ENTRIES_PAGE).await?;
            for row in page.rows {
                let Some(entry) = load::decode_row::<Entry>(Some(row))?.map(|entry| entry.content) else {
                    continue;
                };
                if entry.seq > end {
                    return Ok(());
                }
                let statement: Statement = serde_json::from_str(&entry.payload)?;
                match what {
                    Walk::Coded => self.take_coded(&statement)?,
                    Walk::Sold => self.take_sold(&statement)?,
                }
                *self.walked(what) = entry.seq;
                self.write_if_full(writer).await?;
            }
            after = page.next;
        }
        Ok(())
    }

    const fn walked(&mut self, what: Walk) -> &mut u64 {
        match what {
            Walk::Coded => &mut self.ledger.content.coded_through,
            Walk::Sold => &mut self.ledger.content.walked,
        }
    }

    fn take_coded(&mut self, statement: &Statement) -> Result<(), AppError> {
        let news = &statement.cogs;
        let number = statement.details.get("number").cloned().unwrap_or_default();
        let stock_account = self.ledger.content.settings.stock_account.clone();
        for coded in &news.coded {
            let Some(of) = news.of else { continue };
            if self.held.contains_key(&coded.item) || (coded.stands && coded.account != stock_account) {
                self.held(coded.item, statement.at).note(coded, of, &number, &stock_account);
            }
        }
        let items: BTreeSet<ItemId> = news.coded.iter().map(|coded| coded.item).collect();
        for item in items {
            self.release(item, &cause(statement))?;
        }
        Ok(())
    }

    fn take_sold(&mut self, statement: &Statement) -> Result<(), AppError> {
        let cause = cause(statement);
        for sold in &statement.cogs.sold {
            if self.held.get(&sold.item).is_some_and(|held| !held.content.is_free()) {
                let sum = self.held(sold.item, statement.at).days.entry(sold.on).or_default();
                *sum = sum.plus(sold.cost)?;
            } else {
                self.month(sold.on).add(sold.on, sold.cost, &cause)?;
            }
        }
        Ok(())
    }

    /// Counts what was held back of an item, if nothing stands in the way any more.
    fn release(&mut self, item: ItemId, cause: &str) -> Result<(), AppError> {
        let Some(held) = self.held.get_mut(&item).filter(|held| held.content.is_free()) else {
            return Ok(());
        };
        for (on, cost) in std::mem::take(&mut held.content.days) {
            self.month(on).add(on, cost, cause)?;
        }
        Ok(())
    }

    /// Holds back by another stock account: which purchases are coded to another one is read from the documents as booked. The
    /// ledger goes by it when all is done, so that what is broken off is begun anew.
    async fn hold_anew<P: Ports>(
        &mut self,
        writer: &mut Writer<'_, P>,
        stock_account: &str,
    ) -> Result<(), AppError> {
        let now = writer.now();
        let mut found = coded_elsewhere(writer, self.ledger.content.since, stock_account).await?;
        let items: BTreeSet<ItemId> = self.held.keys().chain(found.keys()).copied().collect();
        for item in items {
            let held = self.held(item, now);
            (held.elsewhere, held.more) = (BTreeMap::new(), 0);
            for (coded, of, number) in found.remove(&item).unwrap_or_default() {
                held.note(&coded, of, &number, stock_account);
            }
            self.release(item, "another stock account")?;
            self.write_if_full(writer).await?;
        }
        Ok(())
    }

    /// Takes note of what Xero holds of a journal of ours.
    fn learn(&mut self, there: &JournalInXero) -> Result<(), AppError> {
        let is_same = |journal: &Journal| {
            journal.id().map_or_else(|| there.narration.ends_with(&journal.mark()), |id| id == there.id)
        };
        let Some(known) = self.journals.values_mut().find(|known| is_same(&known.content)) else {
            return Ok(());
        };
        let before = known.content.clone();
        let (parts, carried) = known.content.learn(there)?;
        if known.content != before {
            self.changed_journals.insert(before.number);
        }
        self.reopen(&before, &parts, carried)
    }

    /// Opens the days of journals again that were tried to the end and are not in Xero.
    async fn give_up<P: Ports>(&mut self, writer: &mut Writer<'_, P>) -> Result<(), AppError> {
        let pending = load::all::<Mark>(writer.ports().store(), writer.org(), &List::PendingEffects).await?;
        let pending: BTreeSet<EffectId> = pending
            .into_iter()
            .filter_map(|(key, _)| if let Key::PendingEffect(id) = key { Some(id) } else { None })
            .collect();
        let is_lost = |journal: &Journal| {
            journal.fate == Fate::Planned
                && !pending
                    .contains(&effect_id(writer.org(), &EffectKind::Journal { number: journal.number }))
        };
        let lost: Vec<JournalNumber> = self
            .journals
            .iter()
            .filter(|(_, known)| is_lost(&known.content))
            .map(|(number, _)| *number)
            .collect();
        for number in lost {
            let Some(known) = self.journals.get_mut(&number) else { continue };
            let (parts, carried) = known.content.reopen("it never came to Xero".to_owned())?;
            let journal = known.content.clone();
            self.changed_journals.insert(number);
            self.reopen(&journal, &parts, carried)?;
            self.write_if_full(writer).await?;
        }
        Ok(())
    }

    /// Opens days of a journal again, if it is one of this beginning.
    fn reopen(
        &mut self,
        journal: &Journal,
        parts: &BTreeMap<Date, Money>,
        carried: Money,
    ) -> Result<(), AppError> {
        if journal.since != self.ledger.content.since {
            return Ok(());
        }
        self.ledger.content.carried = self.ledger.content.carried.plus(carried)?;
        for (on, part) in parts {
            self.month(*on).reopen(*on, *part, &journal.causes)?;
        }
        Ok(())
    }

    /// Decides the journals of what is due.
    async fn plan<P: Ports>(
        &mut self,
        writer: &mut Writer<'_, P>,
        today: Date,
    ) -> Result<Vec<EffectId>, AppError> {
        let profile = &writer.profile.content;
        let closed = profile.organisation.locked_through().max(profile.closed_through);
        let open_from = closed.and_then(|closed| closed.tomorrow().ok());
        let places = decimals(&profile.organisation.base_currency).min(JOURNAL_DECIMALS_MAX);
        let months: BTreeMap<Date, CogsMonth> =
            self.months.iter().map(|(month, row)| (*month, row.content.clone())).collect();
        let ledger = &self.ledger.content;
        let standing = self.journals.values().map(|row| &row.content).filter(|it| it.since == ledger.since);
        let from = standing.map(|journal| journal.entries.1).max().unwrap_or(ledger.begun);
        let entries = (from, ledger.walked);
        let of_today = self.journals.keys().filter(|number| number.on == today);
        let last = of_today.map(|number| number.index).max().unwrap_or(0);
        let mut effects = Vec::new();
        let due = cogs::due(&months, ledger.settings.every, today, open_from)?;
        for (index, due) in (last.saturating_add(1)..).zip(due) {
            let number = JournalNumber { on: today, index };
            let parts = due.parts.clone();
            let (journal, left) = cogs::journal(due, number, &self.ledger.content, entries, places)?;
            self.ledger.content.carried = left;
            for (on, part) in parts {
                self.month(on).settle(&BTreeMap::from([(on, part)]))?;
            }
            if let Some(journal) = journal {
                self.changed_journals.insert(number);
                self.journals.insert(number, Versioned::new(journal));
                effects.push(EffectKind::Journal { number });
            }
        }
        let (org, now) = (writer.org(), writer.now());
        let ids = plan_effects(&mut self.extra, org, effects, now);
        self.write(writer, "decide journals").await?;
        Ok(ids)
    }

    async fn write_if_full<P: Ports>(&mut self, writer: &mut Writer<'_, P>) -> Result<(), AppError> {
        let rows = self.changed_months.len() + self.changed_held.len() + self.changed_journals.len();
        if rows >= ROWS_PER_STEP { self.write(writer, "sum up cost of goods sold").await } else { Ok(()) }
    }

    /// Writes what has changed.
    async fn write<P: Ports>(
        &mut self,
        writer: &mut Writer<'_, P>,
        what: &'static str,
    ) -> Result<(), AppError> {
        let mut writes = std::mem::take(&mut self.extra);
        let journals = self.changed_journals.len();
        for month in std::mem::take(&mut self.changed_months) {
            if let Some(row) = self.months.get_mut(&month) {
                writes.push(renewed(row).write(Key::CogsMonth(month)));
            }
        }
        for item in std::mem::take(&mut self.changed_held) {
            let Some(row) = self.held.get_mut(&item) else { continue };
            if row.content.is_free() {
                writes.push(Write { key: Key::CogsHeld(item), record: None, expect: row.expect });
                self.held.remove(&item);
            } else {
                writes.push(renewed(row).write(Key::CogsHeld(item)));
            }
        }
        for number in std::mem::take(&mut self.changed_journals) {
            if let Some(row) = self.journals.get_mut(&number) {
                writes.push(renewed(row).write(Key::Journal(number)));
            }
        }
        writes.push(renewed(&mut self.ledger).write(Key::Cogs));
        let reason = Reason::own(what)
            .with("through_entry", self.ledger.content.walked)
            .with("journals", journals)
            .with("carried", self.ledger.content.carried);
        let id = writer.new_commit();
        writer.commit(id, writes, reason).await
    }

    /// Asks about the items of which something is held back, and about no others any more.
    async fn ask_about_held<P: Ports>(&self, writer: &Writer<'_, P>) -> Result<(), AppError> {
        let store = writer.ports().store();
        let mut writes = Vec::new();
        for (key, review) in load::all::<Review>(store, writer.org(), &List::Reviews).await? {
            let is_ours = review.content.kind == ReviewKind::CogsHeld;
            let holds = |item: &ItemId| self.held.get(item).is_some_and(|held| !held.content.days.is_empty());
            if is_ours && !review.content.item.as_ref().is_some_and(holds) {
                writes.push(removal(key));
            }
        }
        let asked: Vec<(ItemId, &CogsHeld)> = self
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
                text: held_question(&code, held, &self.ledger.content.settings),
                codes: BTreeSet::new(),
            };
            let id = derived("review", &[ReviewKind::CogsHeld.code(), &item.to_string()]);
            writes.push(unguarded(Key::Review(id), review));
        }
        Ok(store.write_each(writer.owner(), writes).await?)
    }
}

/// A purchase line on another account, with its document and the document's number.
type Purchase = (Coded, DocumentRef, String);

/// The purchases of untracked items since a day that are coded to another account than the stock account, by item.
async fn coded_elsewhere<P: Ports>(
    writer: &Writer<'_, P>,
    since: Date,
    stock_account: &str,
) -> Result<BTreeMap<ItemId, Vec<Purchase>>, AppError> {
    let began = writer.clock().instant_at(since, Time::midnight()).unwrap_or(writer.now());
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
                let is_new = line.effective_on >= since || header.updated_at >= began;
                if is_new && !line.account.is_empty() && line.account != stock_account {
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

/// The journals of the last [`LOOKED_BACK_DAYS`], by number.
async fn journals<P: Ports>(writer: &Writer<'_, P>) -> Result<Vec<Versioned<Journal>>, AppError> {
    let today = writer.clock().day_of(writer.now());
    let on = today.saturating_sub(LOOKED_BACK_DAYS.days());
    let after = Some(Key::Journal(JournalNumber { on, index: 0 }));
    let rows = load::all_after(writer.ports().store(), writer.owner(), &List::Journals, after).await?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// How many drafts wait in Xero to be posted, and what they come to; `None` if none does.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn drafts<P: Ports>(writer: &Writer<'_, P>) -> Result<Option<(usize, Money)>, AppError> {
    if writer.profile.content.cogs_from.is_none() {
        return Ok(None);
    }
    let (mut count, mut total) = (0, Money::ZERO);
    for journal in journals(writer).await? {
        if let Fate::Draft { .. } = journal.content.fate {
            (count, total) = (count + 1, total.plus(journal.content.amount)?);
        }
    }
    Ok((count > 0).then_some((count, total)))
}

/// What the audit trail tells of a journal's days; without the items' codes.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn told<P: Ports>(
    writer: &Writer<'_, P>,
    journal: &Journal,
) -> Result<Vec<JournalLine>, AppError> {
    let (from, to) = journal.entries;
    let (mut lines, mut read) = (Vec::new(), 0);
    let mut after = Some(Key::AuditEntry(from));
    while after.is_some() && read < ENTRIES_MAX {
        let store = writer.ports().store();
        let page = store.list(writer.owner(), &List::AuditEntries, after.as_ref(), ENTRIES_PAGE).await?;
        read += page.rows.len();
        for row in page.rows {
            let Some(entry) = load::decode_row::<Entry>(Some(row))?.map(|entry| entry.content) else {
                continue;
            };
            if entry.seq > to {
                return Ok(lines);
            }
            let statement: Statement = serde_json::from_str(&entry.payload)?;
            let cause = cause(&statement);
            for sold in statement.cogs.sold.iter().filter(|sold| journal.parts.contains_key(&sold.on)) {
                lines.push(JournalLine {
                    item: sold.item,
                    code: String::new(),
                    on: sold.on,
                    cause: cause.clone(),
                    entry: entry.seq,
                    cost: sold.cost,
                });
            }
        }
        after = page.next;
    }
    Ok(lines)
}

/// What made a commit change cost of goods sold, in words.
fn cause(statement: &Statement) -> String {
    let number = statement.details.get("number").map(String::as_str).unwrap_or_default();
    match statement.cogs.of {
        Some(of) if !number.is_empty() => format!("{} {number}", of.kind.words()),
        Some(of) => of.kind.words().to_owned(),
        None => "a count".to_owned(),
    }
}

/// The row to write now; what is written after it expects this one.
fn renewed<T: Clone>(row: &mut Versioned<T>) -> Versioned<T> {
    let now = row.clone();
    row.expect = match row.expect {
        Expect::Version(version) => Expect::Version(version + 1),
        Expect::Absent | Expect::Anything => Expect::Version(1),
    };
    now
}

/// What is to be done about an item of which something is held back.
fn held_question(code: &str, held: &CogsHeld, settings: &CogsSettings) -> String {
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

/// Why a planned journal must not be written any more; `None` if it may.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn why_not<P: Ports>(
    writer: &Writer<'_, P>,
    journal: &Journal,
) -> Result<Option<String>, AppError> {
    let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
    let policy = policy.map(|row| row.content).unwrap_or_default().org();
    let same = policy.cogs.is_some_and(|cogs| {
        (cogs.stock_account, cogs.cogs_account)
            == (journal.settings.stock_account.clone(), journal.settings.cogs_account.clone())
    });
    let same = same && writer.profile.content.cogs_from == Some(journal.since);
    Ok(match (policy.phase, same) {
        (phase, _) if phase < Phase::Assist => {
            Some("the phase is observe now, which writes nothing to Xero".to_owned())
        }
        (_, false) => Some("the setting `cogs` names other accounts now or none, or began anew".to_owned()),
        (_, true) => None,
    })
}

/// The writes of a journal that is in Xero.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn written<P: Ports>(
    writer: &Writer<'_, P>,
    number: JournalNumber,
    id: DocumentId,
) -> Result<Vec<Write>, AppError> {
    let journal = load::one::<Journal>(writer.ports().store(), writer.owner(), Key::Journal(number)).await?;
    let Some(mut journal) = journal.filter(|row| row.content.fate == Fate::Planned) else {
        return Ok(Vec::new());
    };
    journal.content.written(id);
    Ok(vec![journal.write(Key::Journal(number))])
}

/// The writes of a journal that came to nothing: its days are open again, and people are told why.
///
/// # Errors
/// When the store does not answer or an amount does not fit.
pub(crate) async fn failed<P: Ports>(
    writer: &Writer<'_, P>,
    number: JournalNumber,
    why: &str,
) -> Result<Vec<Write>, AppError> {
    let Some(mut sums) = Sums::read(writer).await? else { return Ok(Vec::new()) };
    let known = sums.journals.get_mut(&number).filter(|row| row.content.fate == Fate::Planned);
    let Some(known) = known else { return Ok(Vec::new()) };
    let (parts, carried) = known.content.reopen(why.to_owned())?;
    let known = known.clone();
    sums.reopen(&known.content, &parts, carried)?;
    let text =
        format!("Journal {number} is not in Xero: {why}. Its days are journaled anew on the next morning.");
    let mut writes = vec![question(writer.now(), text), known.write(Key::Journal(number))];
    for month in &sums.changed_months {
        if let Some(row) = sums.months.get(month) {
            writes.push(row.clone().write(Key::CogsMonth(*month)));
        }
    }
    writes.push(sums.ledger.write(Key::Cogs));
    Ok(writes)
}

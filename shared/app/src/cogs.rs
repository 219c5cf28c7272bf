//! Cost of goods sold of untracked stock: once a day what commits told of it is summed up and turned into journals, as the setting
//! `cogs` says. What reads the audit trail is this: each entry tells what its commit changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use parstock_domain::audit::{Entry, Statement};
use parstock_domain::cogs::{
    self, CogsHeld, CogsLedger, CogsMonth, CogsSettings, Fate, Journal, JournalInXero, JournalNumber,
};
use parstock_domain::document::{Account, Item};
use parstock_domain::fixed::{Money, decimals};
use parstock_domain::governance::Phase;
use parstock_domain::ids::{DocumentId, EffectId, ItemId, OrgId, derived};
use parstock_domain::settings::Policy;
use parstock_views::pages::JournalLine;
use uuid::Uuid;

use crate::effects::{effect_id, plan_effects};
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::message::Message;
use crate::ports::{Books, BooksSession, Expect, Ports, Priority, Store, Write};
use crate::records::{Backfill, EffectKind, Key, List, Mark, Review, ReviewKind};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Calls of a day's decision: accounts, their balances, and what became of journals.
const CALLS: u32 = 3;
/// Pages of changed journals read at once; more are read the next day.
const JOURNAL_PAGES_MAX: u32 = 5;
/// How far the journals that changed in Xero are read again, since its clock may be another than ours.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// Audit entries read at once.
const ENTRIES_PAGE: u32 = 500;
/// Days whose journals are looked at again. What becomes of older ones in Xero is not seen.
const LOOKED_BACK_DAYS: i64 = 400;
/// Rows of months and held items after which a step of the walk is written.
const ROWS_PER_STEP: usize = 40;

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
    let (carried, expect) =
        known.map_or((Money::ZERO, Expect::Absent), |known| (known.content.carried, known.expect));
    let content = CogsLedger {
        since: tomorrow,
        settings,
        walked: writer.head().seq,
        begun: writer.head().seq,
        carried,
        journals_until: writer.now(),
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
    writer.close().await;
    for effect in result? {
        send_now(ports, Message::Effect { org, effect }).await?;
    }
    Ok(())
}

async fn decide<P: Ports>(writer: &mut Writer<'_, P>) -> Result<Vec<EffectId>, AppError> {
    let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
    let policy = policy.map(|row| row.content).unwrap_or_default().org();
    let (Some(settings), Some(_)) = (policy.cogs, writer.profile.content.cogs_from) else {
        return Ok(Vec::new());
    };
    let today = writer.clock().day_of(writer.now());
    let Some(mut books) = Sums::read(writer).await? else { return Ok(Vec::new()) };
    let is_loaded = matches!(writer.profile.content.backfill, Backfill::Done { .. });
    if !is_loaded || writer.profile.content.journaled_on == Some(today) {
        return Ok(Vec::new());
    }
    books.ledger.content.settings = settings;
    books.walk(writer).await?;
    let until = writer.now();
    let mut session = writer.ports().books().open(writer.org(), Priority::Poll, CALLS).await?;
    let said = ask(&mut session, &books.ledger.content, today).await;
    session.close().await;
    let Said { accounts, changed, whole } = said?;
    books.learn(&changed)?;
    if whole {
        books.give_up(writer).await?;
        books.ledger.content.journals_until = until;
    }
    writer.profile.content.journaled_on = Some(today);
    books.extra.push(writer.profile.clone().write(Key::Profile));
    let question = Key::Review(derived("review", &[ReviewKind::CogsRefused.code()]));
    match books.ledger.content.settings.check(&accounts) {
        Err(problem) => {
            tracing::warn!(org_id = %writer.org(), why = %problem, "cost of goods sold is not journaled");
            let review = Review {
                kind: ReviewKind::CogsRefused,
                since: writer.now(),
                item: None,
                document: None,
                text: format!("Cost of goods sold is not journaled: {problem}."),
                codes: BTreeSet::new(),
            };
            books.extra.push(unguarded(question, review));
            books.write(writer, "refuse journals").await?;
            return Ok(Vec::new());
        }
        Ok(()) => books.extra.push(removal(question)),
    }
    if policy.phase < Phase::Assist {
        books.write(writer, "sum up cost of goods sold").await?;
        return Ok(Vec::new());
    }
    books.plan(writer, today).await
}

/// What Xero says.
struct Said {
    accounts: Vec<Account>,
    /// The journals that changed since the last decision.
    changed: Vec<JournalInXero>,
    /// Whether these are all.
    whole: bool,
}

async fn ask(session: &mut impl BooksSession, ledger: &CogsLedger, today: Date) -> Result<Said, AppError> {
    let since = ledger.journals_until.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
    let (mut changed, mut whole, mut page) = (Vec::new(), false, 1);
    while !whole && page <= JOURNAL_PAGES_MAX {
        let (journals, more) = session.journals_changed(since, page).await?;
        changed.extend(journals);
        (whole, page) = (!more, page + 1);
    }
    Ok(Said { accounts: session.accounts(today).await?, changed, whole })
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
    async fn read<P: Ports>(writer: &Writer<'_, P>) -> Result<Option<Self>, AppError> {
        let (store, org) = (writer.ports().store(), writer.org());
        let Some(ledger) = load::one::<CogsLedger>(store, writer.owner(), Key::Cogs).await? else {
            return Ok(None);
        };
        let months = load::all::<CogsMonth>(store, org, &List::CogsMonths).await?;
        let held = load::all::<CogsHeld>(store, org, &List::CogsHeld).await?;
        let journals = journals(writer).await?;
        Ok(Some(Self {
            ledger,
            months: months
                .into_iter()
                .filter_map(
                    |(key, row)| if let Key::CogsMonth(month) = key { Some((month, row)) } else { None },
                )
                .collect(),
            held: held
                .into_iter()
                .filter_map(|(key, row)| if let Key::CogsHeld(item) = key { Some((item, row)) } else { None })
                .collect(),
            journals: journals.into_iter().map(|row| (row.content.number, row)).collect(),
            changed_months: BTreeSet::new(),
            changed_held: BTreeSet::new(),
            changed_journals: BTreeSet::new(),
            extra: Vec::new(),
        }))
    }

    fn month(&mut self, on: Date) -> &mut CogsMonth {
        let month = on.first_of_month();
        self.changed_months.insert(month);
        &mut self.months.entry(month).or_insert_with(|| Versioned::new(CogsMonth::default())).content
    }

    /// Counts what the audit entries since the last time tell.
    async fn walk<P: Ports>(&mut self, writer: &mut Writer<'_, P>) -> Result<(), AppError> {
        let end = writer.head().seq;
        let mut after = Some(Key::AuditEntry(self.ledger.content.walked));
        while after.is_some() && self.ledger.content.walked < end {
            let store = writer.ports().store();
            let page = store.list(writer.owner(), &List::AuditEntries, after.as_ref(), ENTRIES_PAGE).await?;
            for row in page.rows {
                let Some(entry) = load::decode_row::<Entry>(Some(row))?.map(|entry| entry.content) else {
                    continue;
                };
                if entry.seq > end {
                    return Ok(());
                }
                self.take(&serde_json::from_str(&entry.payload)?)?;
                self.ledger.content.walked = entry.seq;
                if self.changed_months.len() + self.changed_held.len() > ROWS_PER_STEP {
                    self.write(writer, "sum up cost of goods sold").await?;
                }
            }
            after = page.next;
        }
        Ok(())
    }

    fn take(&mut self, statement: &Statement) -> Result<(), AppError> {
        let news = &statement.cogs;
        let number = statement.details.get("number").cloned().unwrap_or_default();
        let stock_account = self.ledger.content.settings.stock_account.clone();
        for coded in &news.coded {
            let (Some(of), true) =
                (news.of, self.held.contains_key(&coded.item) || coded.account != stock_account)
            else {
                continue;
            };
            let row = self.held.entry(coded.item).or_insert_with(|| Versioned::new(CogsHeld::default()));
            row.content.note(coded, of, &number, &stock_account);
            self.changed_held.insert(coded.item);
        }
        let cause = cause(statement);
        for sold in &news.sold {
            match self.held.get_mut(&sold.item).filter(|held| !held.content.is_free()) {
                Some(held) => {
                    let sum = held.content.days.entry(sold.on).or_default();
                    *sum = sum.plus(sold.cost)?;
                    self.changed_held.insert(sold.item);
                }
                None => self.month(sold.on).add(sold.on, sold.cost, &cause)?,
            }
        }
        let items: BTreeSet<ItemId> = news.coded.iter().map(|coded| coded.item).collect();
        for item in items {
            let Some(held) = self.held.get_mut(&item).filter(|held| held.content.is_free()) else { continue };
            for (on, cost) in std::mem::take(&mut held.content.days) {
                self.month(on).add(on, cost, &cause)?;
            }
        }
        Ok(())
    }

    /// Takes note of what Xero holds of our journals.
    fn learn(&mut self, changed: &[JournalInXero]) -> Result<(), AppError> {
        for there in changed {
            let is_same = |journal: &Journal| match journal.fate {
                Fate::Planned => there.narration.contains(&journal.mark()),
                _ => journal.id() == Some(there.id),
            };
            let Some(known) = self.journals.values_mut().find(|known| is_same(&known.content)) else {
                continue;
            };
            let before = known.content.clone();
            let (parts, carried) = known.content.learn(there)?;
            if known.content != before {
                self.changed_journals.insert(before.number);
            }
            self.reopen(&parts, carried)?;
        }
        Ok(())
    }

    /// Opens the days of journals again that were tried to the end and are not in Xero.
    async fn give_up<P: Ports>(&mut self, writer: &Writer<'_, P>) -> Result<(), AppError> {
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
            self.changed_journals.insert(number);
            self.reopen(&parts, carried)?;
        }
        Ok(())
    }

    fn reopen(&mut self, parts: &BTreeMap<Date, Money>, carried: Money) -> Result<(), AppError> {
        self.ledger.content.carried = self.ledger.content.carried.plus(carried)?;
        for (on, part) in parts {
            self.month(*on).reopen(&BTreeMap::from([(*on, *part)]))?;
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
        let places = decimals(&profile.organisation.base_currency);
        let months: BTreeMap<Date, CogsMonth> =
            self.months.iter().map(|(month, row)| (*month, row.content.clone())).collect();
        let ledger = &self.ledger.content;
        let walked = ledger.walked;
        let from =
            self.journals.values().map(|journal| journal.content.entries.1).max().unwrap_or(ledger.begun);
        let mut index = self.journals.keys().filter(|number| number.on == today).count();
        let mut effects = Vec::new();
        for due in cogs::due(&months, ledger.settings.every, today, open_from)? {
            index += 1;
            let number = JournalNumber { on: today, index: u32::try_from(index).unwrap_or(u32::MAX) };
            let parts = due.parts.clone();
            let (journal, left) = cogs::journal(due, number, &self.ledger.content, (from, walked), places)?;
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
            let question = Key::Review(held_review(item));
            if row.content.is_free() {
                writes.push(Write { key: Key::CogsHeld(item), record: None, expect: row.expect });
                writes.push(removal(question));
                self.held.remove(&item);
                continue;
            }
            let text = held_question(writer, item, &row.content, &self.ledger.content.settings).await?;
            let review = Review {
                kind: ReviewKind::CogsHeld,
                since: writer.now(),
                item: Some(item),
                document: None,
                text,
                codes: BTreeSet::new(),
            };
            writes.push(unguarded(question, review));
            writes.push(renewed(row).write(Key::CogsHeld(item)));
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
    let mut lines = Vec::new();
    let mut after = Some(Key::AuditEntry(from));
    while after.is_some() {
        let store = writer.ports().store();
        let page = store.list(writer.owner(), &List::AuditEntries, after.as_ref(), ENTRIES_PAGE).await?;
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

fn held_review(item: ItemId) -> Uuid {
    derived("review", &[ReviewKind::CogsHeld.code(), &item.to_string()])
}

async fn held_question<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    held: &CogsHeld,
    settings: &CogsSettings,
) -> Result<String, AppError> {
    /// Purchases that the question names.
    const NAMED_MAX: usize = 5;
    let master = load::one::<Item>(writer.ports().store(), writer.owner(), Key::Item(item)).await?;
    let code = master.map_or_else(|| item.to_string(), |master| master.content.code);
    let named: Vec<String> = held
        .elsewhere
        .values()
        .take(NAMED_MAX)
        .map(|line| format!("{} {} on account {}", line.of.kind.words(), line.number, line.account))
        .collect();
    let more = held.elsewhere.len().saturating_sub(NAMED_MAX) + held.more as usize;
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Ok(format!(
        "No cost of goods sold of {code} is journaled: {}{more} would be counted twice. Code these lines to the stock account {} in \
         Xero, and what was held back is journaled.",
        named.join(", "),
        settings.stock_account
    ))
}

/// Takes note of how the writing of a journal ended: what it says in Xero, or why it came to nothing, which opens its days again.
///
/// # Errors
/// When the store does not answer or another worker was quicker.
pub(crate) async fn ended<P: Ports>(
    writer: &Writer<'_, P>,
    number: JournalNumber,
    outcome: Result<DocumentId, String>,
) -> Result<Vec<Write>, AppError> {
    let Some(mut sums) = Sums::read(writer).await? else { return Ok(Vec::new()) };
    let Some(journal) = sums.journals.get_mut(&number) else { return Ok(Vec::new()) };
    if journal.content.fate != Fate::Planned {
        return Ok(Vec::new());
    }
    let (parts, carried) = match outcome {
        Ok(id) => {
            journal.content.written(id);
            return Ok(vec![journal.clone().write(Key::Journal(number))]);
        }
        Err(why) => journal.content.reopen(why)?,
    };
    let mut writes = vec![journal.clone().write(Key::Journal(number))];
    sums.reopen(&parts, carried)?;
    for month in &sums.changed_months {
        if let Some(row) = sums.months.get(month) {
            writes.push(row.clone().write(Key::CogsMonth(*month)));
        }
    }
    writes.push(sums.ledger.write(Key::Cogs));
    Ok(writes)
}

//! What commits told, summed up while a decision changes it, and written in steps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use parstock_domain::audit::{Entry, Statement};
use parstock_domain::cogs::{self, CogsHeld, CogsLedger, CogsMonth, Fate, Journal, JournalNumber, Undone};
use parstock_domain::ids::{EffectId, ItemId, LineId};
use parstock_domain::manual_journal::{JournalInXero, decimals};

use super::held::coded_elsewhere;
use super::shown::cause;
use crate::effects::{effect_id, plan_effects};
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{Expect, Ports, Store, Write};
use crate::records::{EffectKind, Key, List, Mark};
use crate::writer::{Reason, Writer};

/// Audit entries read at once.
const ENTRIES_PAGE: u32 = 500;
/// Rows after which a step is written. One more audit entry may add an item held for each of forty lines and thirty months.
const ROWS_PER_STEP: usize = 20;
/// Days whose journals are looked at again. What becomes of older ones in Xero is not seen.
const LOOKED_BACK_DAYS: i64 = 400;

/// What of the audit trail is taken.
#[derive(Clone, Copy)]
pub(super) enum Walk {
    /// Where purchases are coded.
    Coded,
    /// What was sold.
    Sold,
}

/// What is summed up, while a decision changes it.
pub(super) struct Sums {
    pub ledger: Versioned<CogsLedger>,
    pub months: BTreeMap<Date, Versioned<CogsMonth>>,
    pub held: BTreeMap<ItemId, Versioned<CogsHeld>>,
    pub journals: BTreeMap<JournalNumber, Versioned<Journal>>,
    pub changed_months: BTreeSet<Date>,
    changed_held: BTreeSet<ItemId>,
    changed_journals: BTreeSet<JournalNumber>,
    pub extra: Vec<Write>,
}

impl Sums {
    /// What is stored. What an earlier beginning summed up holds no longer.
    pub async fn read<P: Ports>(writer: &Writer<'_, P>) -> Result<Option<Self>, AppError> {
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
    pub async fn walk<P: Ports>(&mut self, writer: &mut Writer<'_, P>, what: Walk) -> Result<(), AppError> {
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
    pub async fn hold_anew<P: Ports>(
        &mut self,
        writer: &mut Writer<'_, P>,
        stock_account: &str,
    ) -> Result<(), AppError> {
        let now = writer.now();
        let lines = self.held.values().flat_map(|row| row.content.elsewhere.keys().copied());
        let known: BTreeSet<LineId> = lines.collect();
        let mut found = coded_elsewhere(writer, self.ledger.content.since, stock_account, &known).await?;
        // no account's, so that another change in the middle of it begins anew, too
        self.ledger.content.settings.stock_account.clear();
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
    pub fn learn(&mut self, there: &JournalInXero) -> Result<(), AppError> {
        let is_same = |journal: &Journal| {
            journal.id().map_or_else(|| there.narration.ends_with(&journal.mark()), |id| id == there.id)
        };
        let Some(known) = self.journals.values_mut().find(|known| is_same(&known.content)) else {
            return Ok(());
        };
        let before = known.content.clone();
        let undone = known.content.learn(there)?;
        if known.content != before {
            self.changed_journals.insert(before.number);
        }
        self.undo(&before, &undone)
    }

    /// Opens the days of journals again that were tried to the end and are not in Xero.
    pub async fn give_up<P: Ports>(&mut self, writer: &mut Writer<'_, P>) -> Result<(), AppError> {
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
            let undone = known.content.reopen("it never came to Xero".to_owned())?;
            let journal = known.content.clone();
            self.changed_journals.insert(number);
            self.undo(&journal, &undone)?;
            self.write_if_full(writer).await?;
        }
        Ok(())
    }

    /// Opens again what of a journal no longer stands, if it is one of this beginning.
    pub fn undo(&mut self, journal: &Journal, undone: &Undone) -> Result<(), AppError> {
        if journal.since != self.ledger.content.since {
            return Ok(());
        }
        self.ledger.content.carried = self.ledger.content.carried.plus(undone.carried)?;
        for (on, part) in &undone.parts {
            self.month(*on).reopen(*on, *part, &journal.causes)?;
        }
        Ok(())
    }

    /// Decides the journals of what is due.
    pub async fn plan<P: Ports>(
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
                self.month(on).settle(on, part)?;
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

    pub fn changed_rows(&self) -> usize {
        self.changed_months.len() + self.changed_held.len() + self.changed_journals.len()
    }

    pub async fn write_if_full<P: Ports>(&mut self, writer: &mut Writer<'_, P>) -> Result<(), AppError> {
        if self.changed_rows() >= ROWS_PER_STEP {
            self.write(writer, "sum up cost of goods sold").await
        } else {
            Ok(())
        }
    }

    /// Writes what has changed.
    pub async fn write<P: Ports>(
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
}

/// The journals of the last [`LOOKED_BACK_DAYS`], by number.
pub(super) async fn journals<P: Ports>(writer: &Writer<'_, P>) -> Result<Vec<Versioned<Journal>>, AppError> {
    let today = writer.clock().day_of(writer.now());
    let on = today.saturating_sub(LOOKED_BACK_DAYS.days());
    let after = Some(Key::Journal(JournalNumber { on, index: 0 }));
    let rows = load::all_after(writer.ports().store(), writer.owner(), &List::Journals, after).await?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
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

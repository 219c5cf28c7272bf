//! Cost of goods sold of untracked stock: once a day what commits told of it, each in its audit entry, is summed up and turned into
//! journals, as the setting `cogs` says.

mod held;
mod outcome;
mod shown;
mod sums;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use parstock_domain::cogs::{CogsLedger, CogsSettings};
use parstock_domain::document::Account;
use parstock_domain::fixed::Money;
use parstock_domain::governance::Phase;
use parstock_domain::ids::{DocumentId, EffectId, OrgId, derived};
use parstock_domain::manual_journal::{JournalInXero, StateInXero};
use parstock_domain::settings::Policy;

pub(crate) use outcome::{failed, planned, written};
pub(crate) use shown::{drafts, told};

use self::sums::{Sums, Walk};
use crate::error::AppError;
use crate::landed;
use crate::load::{self, Versioned, removal, unguarded};
use crate::message::Message;
use crate::pages::{self, Page, Pages, Reading};
use crate::ports::{Books, BooksSession, Expect, JournalPage, Ports, Priority, Store, Write};
use crate::records::{Backfill, Key, List, Review, ReviewKind};
use crate::send::send_now;
use crate::writer::Writer;

/// Calls of a day's decision: accounts, their balances, and what became of journals.
const CALLS: u32 = 3;
/// Pages of changed journals read at once, those of one second as one; the next decision goes on behind them.
const JOURNAL_PAGES_MAX: u32 = 5;
/// How far the journals that changed in Xero are read again, since its clock may be another than ours.
pub(crate) const OVERLAP: SignedDuration = SignedDuration::from_mins(10);

/// What follows from the setting: from the next day on commits tell what they change of cost of goods sold.
pub(crate) async fn follow<P: Ports>(
    writer: &mut Writer<'_, P>,
    wanted: Option<CogsSettings>,
) -> Result<Option<Write>, AppError> {
    let Some(settings) = wanted else {
        if writer.profile.content.cogs_from.take().is_some() {
            forget_questions(writer).await?;
        }
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
        let question = question(&writer, format!("Cost of goods sold is not journaled: {what}")).await?;
        ports.store().write_each(writer.owner(), vec![question]).await?;
    }
    writer.close().await;
    for effect in result? {
        send_now(ports, Message::Effect { org, effect }).await?;
    }
    Ok(())
}

/// The one question of why nothing is journaled, asked since the first time.
async fn question<P: Ports>(writer: &Writer<'_, P>, text: String) -> Result<Write, AppError> {
    let known = load::one::<Review>(writer.ports().store(), writer.owner(), question_key()).await?;
    let since = known.map_or(writer.now(), |known| known.content.since);
    let (kind, codes) = (ReviewKind::CogsRefused, BTreeSet::new());
    Ok(unguarded(question_key(), Review { kind, since, item: None, document: None, text, codes }))
}

/// Asks nothing about journals any more.
async fn forget_questions<P: Ports>(writer: &Writer<'_, P>) -> Result<(), AppError> {
    let store = writer.ports().store();
    let is_ours =
        |kind| matches!(kind, ReviewKind::CogsHeld | ReviewKind::CogsRefused | ReviewKind::VoucherJournal);
    let reviews = load::all::<Review>(store, writer.org(), &List::Reviews).await?;
    let ours = reviews.into_iter().filter(|(_, review)| is_ours(review.content.kind));
    Ok(store.write_each(writer.owner(), ours.map(|(key, _)| removal(key)).collect()).await?)
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
    let Said { accounts, mut changed, latest, whole } = match ask(writer, &sums.ledger.content, today).await {
        Ok(said) => said,
        Err(error) => {
            // what is summed up need not be again while Xero can't be asked
            if sums.changed_rows() > 0 {
                sums.write(writer, "sum up cost of goods sold").await?;
            }
            return Err(error);
        }
    };
    // a copy of a journal that was voided is known by its mark once the other is gone
    changed.sort_by_key(|there| there.state != StateInXero::Gone);
    for there in &changed {
        sums.learn(there)?;
        sums.write_if_full(writer).await?;
    }
    if whole {
        sums.give_up(writer).await?;
    }
    // what was not read to its end is read again from the latest change that was
    let read_until = if whole { Some(until) } else { latest };
    sums.ledger.content.journals_until = read_until.unwrap_or(sums.ledger.content.journals_until);
    // before it is kept how far they were read
    landed::learn(writer, &changed, whole).await?;
    sums.write(writer, "read journals").await?;
    held::ask(writer, &sums).await?;
    writer.profile.content.journaled_on = Some(today);
    sums.extra.push(writer.profile.clone().write(Key::Profile));
    if let Err(problem) = sums.ledger.content.settings.check(&accounts) {
        tracing::warn!(org_id = %writer.org(), why = %problem, "cost of goods sold is not journaled");
        let text = format!("Cost of goods sold is not journaled: {problem}.");
        sums.extra.push(question(writer, text).await?);
        sums.write(writer, "refuse journals").await?;
        return Ok(Vec::new());
    }
    sums.extra.push(removal(question_key()));
    if policy.phase < Phase::Assist {
        sums.write(writer, "sum up cost of goods sold").await?;
        return Ok(Vec::new());
    }
    let mut effects = sums.plan(writer, today).await?;
    effects.extend(landed::decide_due(writer).await?);
    Ok(effects)
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

async fn ask<P: Ports>(writer: &Writer<'_, P>, ledger: &CogsLedger, today: Date) -> Result<Said, AppError> {
    let mut session = writer.ports().books().open(writer.org(), Priority::Poll, CALLS).await?;
    let said = read(writer, &mut session, ledger, today).await;
    session.close().await;
    said
}

/// The manual journals that have changed.
struct Changed<'c, 'w, P: Ports> {
    writer: &'c Writer<'w, P>,
    session: &'c mut <P::Books as Books>::Session,
    journals: BTreeMap<DocumentId, JournalInXero>,
    unreadable: bool,
}

impl<P: Ports> Pages for Changed<'_, '_, P> {
    async fn fetch(&mut self, since: Option<Timestamp>, number: u32) -> Result<Page, AppError> {
        let found = self.session.journals_changed(since.unwrap_or(Timestamp::MIN), number).await?;
        let JournalPage { journals, unreadable, more, latest, holds } = found;
        self.unreadable |= unreadable;
        self.journals.extend(journals.into_iter().map(|journal| (journal.id, journal)));
        Ok(Page { more, latest, answered_at: None, holds })
    }

    fn is_late(&self) -> bool {
        self.writer.is_late()
    }
}

async fn read<P: Ports>(
    writer: &Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    ledger: &CogsLedger,
    today: Date,
) -> Result<Said, AppError> {
    let mut since = Some(ledger.journals_until.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN));
    let mut list = Changed { writer, session, journals: BTreeMap::new(), unreadable: false };
    let (mut latest, mut all) = (None, false);
    for _ in 0..JOURNAL_PAGES_MAX {
        let Reading::UpTo { latest: seen, next, .. } = pages::read(&mut list, since).await? else { break };
        latest = latest.max(seen);
        all = next.is_none();
        if all {
            break;
        }
        since = next;
    }
    let Changed { session, journals, unreadable, .. } = list;
    let changed = journals.into_values().collect();
    // one that can't be read may be ours
    Ok(Said { accounts: session.accounts(today).await?, changed, latest, whole: all && !unreadable })
}

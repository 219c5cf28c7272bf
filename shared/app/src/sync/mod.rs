//! Keeping an org's copy true to Xero: what webhooks named is fetched, what changed is polled, and the
//! difference is booked. Webhooks only make it faster; polling alone converges.

mod backfill;
mod contacts;
mod feed;
mod items;
mod organisation;
pub(crate) mod quantities;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use parstock_domain::document::DocumentRef;
use parstock_domain::event::Source;
use parstock_domain::ids::{DocumentId, ItemId, OrgId};

use crate::error::AppError;
use crate::load::{self, Versioned, unguarded};
use crate::message::Message;
use crate::ports::{
    Books, BooksSession, Clock, Commit, DELAY_SECONDS_MAX, Feed, Ports, Priority, Store, Write,
};
use crate::records::{Backfill, HintOf, Key, List, WaitingHint};
use crate::send::{send_in, send_now};
use crate::writer::Writer;

pub use backfill::{MONTHS as BACKFILL_MONTHS, advance as backfill};

/// Calls that one poll takes: the four feeds, and items, contacts, the organisation or the quantities of tracked
/// items.
pub const CALLS_PER_POLL: u32 = 5;
/// Ids that one call fetches, by the length of the URL (about 52 were seen to pass, XeroAPI/Xero-Java#331).
pub const IDS_PER_CALL: usize = 40;
/// Times that hints which came in meanwhile are served before the org is let go.
const ROUNDS_MAX: u32 = 3;
/// Documents that are fetched over one reservation of calls; what asked for them ends with it.
const INVOICES_PER_ROUND_MAX: usize = 400;

/// What a round did, for the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Documents that were booked.
    pub documents: u32,
    /// Movements booked.
    pub movements: u32,
    /// Items that crossed a line and are to be planned at once.
    pub crossed: BTreeSet<ItemId>,
    /// Items of bills and orders, which are planned at once, too.
    pub supplied: BTreeSet<ItemId>,
    /// Whether the org was due for a sync.
    pub sync: bool,
    /// Whether the first load is to go on.
    pub load: bool,
}

/// Serves an org: `hints` and those that wait.
///
/// # Errors
/// [`AppError::NotNow`] when another worker holds the org or Xero can't be asked; record the hints then.
/// [`AppError::NeedsPerson`] while the org's time zone is not known or its base currency is another, too.
pub async fn serve<P: Ports>(ports: &P, org: OrgId, hints: BTreeSet<HintOf>) -> Result<Done, AppError> {
    let mut writer = Writer::open(ports, org).await?;
    let ready = match organisation::can_be_booked(&writer.profile.content) {
        Err(_) if hints.contains(&HintOf::Sync) => organisation::look_again(&mut writer).await,
        ready => ready,
    };
    if let Err(error) = ready {
        writer.close().await;
        return Err(error);
    }
    let mut done = Done::default();
    let was_stale = writer.profile.content.quantities_stale;
    let mut result = rounds(&mut writer, hints, &mut done).await;
    if writer.profile.content.quantities_stale && !was_stale {
        // the next poll reads Xero's quantities
        result = result.and(writer.save_profile().await);
    }
    if done.sync && matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        // whatever the poll came to: mails, warnings and planning don't wait for Xero
        result = result.and(crate::poller::sweep(&mut writer).await);
    }
    let crossed = std::mem::take(&mut done.crossed);
    writer.close().await;
    if done.load {
        // not before the org is free: the step would find it held, and have it asked for in the same way again
        send_now(ports, Message::Backfill { org }).await?;
    }
    let items: Vec<ItemId> = crossed.union(&done.supplied).copied().collect();
    for items in items.chunks(crate::message::PLAN_ITEMS_MAX) {
        send_now(ports, Message::Plan { org, items: items.to_vec() }).await?;
    }
    if !crossed.is_empty() {
        send_now(ports, Message::Alerts { org }).await?;
    }
    done.crossed = crossed;
    result.map(|()| done)
}

async fn rounds<P: Ports>(
    writer: &mut Writer<'_, P>,
    mut hints: BTreeSet<HintOf>,
    done: &mut Done,
) -> Result<(), AppError> {
    for _ in 0..ROUNDS_MAX {
        let waiting = load::all::<WaitingHint>(writer.ports().store(), writer.org(), &List::Hints).await?;
        hints.extend(waiting.iter().filter_map(|(key, _)| match key {
            Key::Hint(of) => Some(*of),
            _ => None,
        }));
        if hints.is_empty() {
            return Ok(());
        }
        done.sync |= hints.contains(&HintOf::Sync);
        // what fails does not hold up the rest, and is asked for again
        let mut failure = look_again(writer, &hints, done).await.err();
        let of_documents: Vec<HintOf> =
            hints.iter().copied().filter(|hint| matches!(hint, HintOf::Invoice(_))).collect();
        for chunk in of_documents.chunks(INVOICES_PER_ROUND_MAX) {
            if writer.is_late() {
                record(writer.ports(), writer.org(), &hints).await?;
                return failure.map_or(Ok(()), Err);
            }
            match fetch_invoices(writer, chunk, done).await {
                Ok(()) => {
                    let of_chunk = |key: &Key| matches!(key, Key::Hint(of) if chunk.contains(of));
                    end(writer, waiting.iter().filter(|(key, _)| of_chunk(key))).await?;
                    hints.retain(|hint| !chunk.contains(hint));
                }
                Err(error) => {
                    failure.get_or_insert(error);
                }
            }
        }
        if hints.contains(&HintOf::Sync)
            && let Err(error) = poll(writer, done).await
        {
            failure.get_or_insert(error);
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        end(writer, waiting.iter().filter(|(key, _)| matches!(key, Key::Hint(of) if hints.contains(of))))
            .await?;
        hints.clear();
        if writer.is_late() {
            return Ok(());
        }
    }
    Ok(())
}

/// Ends hints that are served; one that was renewed meanwhile stays.
async fn end<P: Ports>(
    writer: &Writer<'_, P>,
    served: impl Iterator<Item = &(Key, Versioned<WaitingHint>)>,
) -> Result<(), AppError> {
    for (key, hint) in served {
        let write = Write { key: key.clone(), record: None, expect: hint.expect };
        let commit = Commit { id: writer.new_commit(), writes: vec![write] };
        match writer.ports().store().commit(writer.owner(), commit).await {
            Ok(()) | Err(crate::ports::CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Reads the lists again that are asked for, orders among them, before the bills that bring their goods in. A poll reads every list.
async fn look_again<P: Ports>(
    writer: &mut Writer<'_, P>,
    hints: &BTreeSet<HintOf>,
    done: &mut Done,
) -> Result<(), AppError> {
    let is_polled = hints.contains(&HintOf::Sync);
    let mut feeds = BTreeSet::new();
    let mut again: BTreeMap<Feed, Vec<DocumentRef>> = BTreeMap::new();
    for hint in hints {
        match hint {
            HintOf::CreditNotes if !is_polled => {
                feeds.insert(Feed::CreditNotes);
            }
            HintOf::Again(of) => {
                if let Some(feed) = Feed::of(of.kind) {
                    again.entry(feed).or_default().push(*of);
                }
            }
            HintOf::Invoice(_) | HintOf::Sync | HintOf::CreditNotes => {}
        }
    }
    for (feed, documents) in &again {
        feed::rewind(writer, *feed, documents).await?;
        feeds.insert(*feed);
    }
    if feeds.is_empty() {
        return Ok(());
    }
    let calls = u32::try_from(feeds.len()).unwrap_or(u32::MAX);
    let mut session = writer.ports().books().open(writer.org(), Priority::Webhook, calls).await?;
    let result = read_feeds(writer, &mut session, &feeds, done).await;
    session.close().await;
    result
}

async fn read_feeds<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    feeds: &BTreeSet<Feed>,
    done: &mut Done,
) -> Result<(), AppError> {
    for feed in feed::cursors(writer, feeds.iter().copied()).await? {
        feed::read(writer, session, feed, feed::PAGES_PER_POLL_MAX, Source::Webhook, done).await?;
    }
    Ok(())
}

async fn fetch_invoices<P: Ports>(
    writer: &mut Writer<'_, P>,
    hints: &[HintOf],
    done: &mut Done,
) -> Result<(), AppError> {
    let id = |hint: &HintOf| if let HintOf::Invoice(id) = hint { Some(*id) } else { None };
    let ids: Vec<DocumentId> = hints.iter().filter_map(id).collect();
    let calls = u32::try_from(ids.len().div_ceil(IDS_PER_CALL)).unwrap_or(u32::MAX);
    let mut session = writer.ports().books().open(writer.org(), Priority::Webhook, calls).await?;
    let result = fetch_by_ids(writer, &mut session, &ids, done).await;
    session.close().await;
    result
}

async fn fetch_by_ids<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    ids: &[DocumentId],
    done: &mut Done,
) -> Result<(), AppError> {
    for ids in ids.chunks(IDS_PER_CALL) {
        let page = session.invoices(ids).await?;
        feed::book_page(writer, session, page, Source::Webhook, done).await?;
    }
    Ok(())
}

/// Compares all that changed in Xero with our copy. With nothing changed it takes [`CALLS_PER_POLL`] calls.
async fn poll<P: Ports>(writer: &mut Writer<'_, P>, done: &mut Done) -> Result<(), AppError> {
    let profile = &writer.profile.content;
    if !matches!(profile.backfill, Backfill::Done { .. }) {
        done.load = true;
        return Ok(());
    }
    let spacing = writer.ports().books().allowance(writer.org()).await?.poll_spacing;
    let next = profile.polled_at.map(|at| at.saturating_add(spacing).unwrap_or(Timestamp::MAX));
    if next.is_some_and(|next| writer.now() < next) {
        // the day's calls would not last
        return Ok(());
    }
    let stale = profile.quantities_stale;
    let organisation = organisation::is_due(profile, writer.now());
    let quantities = stale || (!organisation && profile.polls_since_quantities >= quantities::POLLS_BETWEEN);
    // by turns while nothing moves; a shop that sells all day must not lose sight of its items
    let by_turns = stale || !quantities;
    let contacts = by_turns && !organisation && profile.polls_since_contacts >= contacts::POLLS_BETWEEN;
    let lists = Lists { organisation, items: by_turns && !contacts && !organisation, contacts, quantities };
    let calls = CALLS_PER_POLL.saturating_add(u32::from(stale));
    let mut session = writer.ports().books().open(writer.org(), Priority::Poll, calls).await?;
    let result = read_all(writer, &mut session, lists, done).await;
    session.close().await;
    if result.is_err() && quantities {
        writer.profile.content.quantities_stale = true;
    }
    if result.is_err() && organisation {
        // one that Xero refuses is asked for another day
        writer.save_profile().await?;
    }
    let reached = result?;
    let now = writer.now();
    let profile = &mut writer.profile.content;
    if reached == feed::Reached::End {
        profile.polled_at = Some(now);
    }
    profile.polls_since_quantities =
        if quantities { 0 } else { profile.polls_since_quantities.saturating_add(1) };
    profile.polls_since_contacts = if contacts { 0 } else { profile.polls_since_contacts.saturating_add(1) };
    profile.needs_person = None;
    writer.save_profile().await
}

/// Which lists a poll reads besides the feeds.
#[derive(Clone, Copy)]
struct Lists {
    organisation: bool,
    items: bool,
    contacts: bool,
    quantities: bool,
}

/// Reads each list by itself: one that Xero refuses doesn't hold up the others. The first failure is
/// returned once all were tried.
async fn read_all<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    Lists { organisation, items, contacts, quantities }: Lists,
    done: &mut Done,
) -> Result<feed::Reached, AppError> {
    let mut failure = None;
    let mut reached = feed::Reached::End;
    if organisation {
        match session.organisation().await {
            Ok(fresh) => organisation::keep(writer, fresh).await?,
            Err(error) => {
                writer.profile.content.organisation_asked_at = Some(writer.now());
                failure.get_or_insert(error.into());
            }
        }
    }
    if quantities {
        writer.profile.content.quantities_stale = false;
    }
    if items && let Err(error) = items::refresh(writer, session).await {
        failure.get_or_insert(error);
    }
    if contacts && let Err(error) = contacts::refresh(writer, session).await {
        failure.get_or_insert(error);
    }
    for kept in feed::cursors(writer, Feed::ALL).await? {
        if writer.is_late() {
            reached = feed::Reached::More;
            break;
        }
        let feed = kept.0;
        match feed::read(writer, session, kept, feed::PAGES_PER_POLL_MAX, Source::Poll, done).await {
            Ok(feed::Reached::End) => {}
            Ok(feed::Reached::More) => reached = feed::Reached::More,
            Err(error) => {
                tracing::warn!(org_id = %writer.org(), kind = feed.code(), error_kind = error.kind(), why = %error, "a list could not be read");
                failure.get_or_insert(error);
            }
        }
    }
    let documents_are_in = failure.is_none() && reached == feed::Reached::End;
    if quantities && let Err(error) = quantities::refresh(writer, session, documents_are_in, done).await {
        failure.get_or_insert(error);
    }
    failure.map_or(Ok(reached), Err)
}

/// Records hints as due and has the org looked at again, at `until` or as soon as a message can be
/// delayed to. One such message stands per org at most: whoever comes later finds it marked.
///
/// # Errors
/// When the store or the queue does not answer: give the messages back then.
pub async fn wait<P: Ports>(
    ports: &P,
    org: OrgId,
    hints: &BTreeSet<HintOf>,
    until: Timestamp,
) -> Result<(), AppError> {
    let now = ports.clock().now();
    let waiting = load::all::<WaitingHint>(ports.store(), org, &List::Hints).await?;
    let mut due = hints.clone();
    if due.is_empty() {
        // woken up for hints that still can't be served
        let first =
            waiting.iter().find_map(|(key, _)| if let Key::Hint(of) = key { Some(*of) } else { None });
        due.extend(first);
    }
    if due.is_empty() {
        return Ok(());
    }
    let standing = waiting.iter().filter_map(|(_, hint)| hint.content.wake_at).filter(|at| *at > now).max();
    let wake_at = match standing {
        Some(at) => at,
        None => {
            let seconds = until.duration_since(now).as_secs().clamp(1, i64::from(DELAY_SECONDS_MAX));
            let delay = u32::try_from(seconds).unwrap_or(DELAY_SECONDS_MAX);
            send_in(ports, Message::Waiting { org }, delay).await?;
            now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(now)
        }
    };
    let mark = WaitingHint { since: now, wake_at: Some(wake_at) };
    let writes = due.iter().map(|of| unguarded(Key::Hint(*of), mark)).collect();
    ports.store().write_each(crate::records::Owner::Org(org), writes).await?;
    Ok(())
}

/// Records hints as due, so that their messages can be acknowledged.
///
/// # Errors
/// When the store does not answer: give the messages back then.
pub async fn record<P: Ports>(ports: &P, org: OrgId, hints: &BTreeSet<HintOf>) -> Result<(), AppError> {
    let since = ports.clock().now();
    let writes =
        hints.iter().map(|of| unguarded(Key::Hint(*of), WaitingHint { since, wake_at: None })).collect();
    ports.store().write_each(crate::records::Owner::Org(org), writes).await?;
    Ok(())
}

/// Remembers what a person must do before syncing goes on, and logs it once. It is shown in the digest and on the
/// health page, and cleared by the next poll that succeeds.
///
/// Whoever holds the org just now writes its profile too and finds out by itself; the next poll says it again.
///
/// # Errors
/// When the store does not answer.
pub async fn needs_person<P: Ports>(ports: &P, org: OrgId, what: &str) -> Result<(), AppError> {
    let mut writer = match Writer::open(ports, org).await {
        Ok(writer) => writer,
        // not connected, or held
        Err(AppError::NeedsPerson(_) | AppError::NotNow { .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let result = if writer.profile.content.needs_person.as_deref() == Some(what) {
        Ok(())
    } else {
        tracing::error!(org_id = %org, why = what, "a person has to act");
        writer.profile.content.needs_person = Some(what.to_owned());
        writer.save_profile().await
    };
    writer.close().await;
    result
}

/// Marks the items that are about to be booked, so that they are planned again even if this worker dies
/// between booking and saying so.
pub(crate) async fn touch<P: Ports>(writer: &Writer<'_, P>, items: BTreeSet<ItemId>) -> Result<(), AppError> {
    /// Items that one mark holds (16 bytes each, far below a row's limit).
    const ITEMS_PER_MARK: usize = 2_000;
    if items.is_empty() || !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Ok(());
    }
    let items: Vec<ItemId> = items.into_iter().collect();
    let at = writer.now();
    let marks = items.chunks(ITEMS_PER_MARK).map(|items| {
        let key = Key::Touched(crate::ports::Entropy::uuid(writer.ports().entropy()));
        unguarded(key, crate::records::Touched { at, items: items.to_vec() })
    });
    writer.ports().store().write_each(writer.owner(), marks.collect()).await?;
    Ok(())
}

type Codes = BTreeMap<String, ItemId>;

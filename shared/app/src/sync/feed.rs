//! Reading a feed of changed documents from where it was left, and booking what it brings.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use parstock_domain::document::{Document, DocumentRef};
use parstock_domain::event::Source;
use parstock_domain::ids::{ItemId, derived};
use uuid::Uuid;

use super::{Codes, Done, items, touch};
use crate::booking;
use crate::error::{AppError, panic_words};
use crate::load::{self, Versioned, removal, unguarded};
use crate::pages::{self, Page, Pages, Reading};
use crate::ports::{Books, BooksSession, Commit, DocumentPage, Expect, Feed, Ports, Store, Unreadable};
use crate::records::{Backfill, Cursor, DocumentRecord, Key, List, Pointer, Review, ReviewKind};
use crate::writer::Writer;

/// Pages of a feed that one poll reads at most, those of one second as one; what is left comes with the next.
pub const PAGES_PER_POLL_MAX: u32 = 5;
/// Every read begins this much before the last change seen: `If-Modified-Since` knows only seconds, and
/// Xero's servers don't agree on the time to the second.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// Each feed with where its reading stopped, in their order; `None` for one that was never read.
pub async fn cursors<P: Ports>(
    writer: &Writer<'_, P>,
    feeds: impl IntoIterator<Item = Feed>,
) -> Result<Vec<(Feed, Option<Versioned<Cursor>>)>, AppError> {
    let feeds: Vec<Feed> = feeds.into_iter().collect();
    let keys: Vec<Key> = feeds.iter().map(|feed| Key::Cursor(*feed)).collect();
    let kept = load::many::<Cursor>(writer.ports().store(), writer.owner(), &keys).await?;
    Ok(feeds.into_iter().zip(kept).collect())
}

/// Where a feed stands after reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// All changes are in.
    End,
    /// More is to be read.
    More,
}

/// Reads at most `pages_max` pages of changes and books them; those of one second count as one.
///
/// Where reading stops is kept, so that the next poll goes on from there; see [`pages::read`].
///
/// `kept` is where reading stopped before, as [`cursors`] has it.
///
/// The cursor moves by Xero's time alone: by what it says of documents, and of itself when it answers. Our
/// own clock may be hours ahead of it, and stepping on by it would jump over what changes meanwhile.
pub async fn read<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    (feed, kept): (Feed, Option<Versioned<Cursor>>),
    pages_max: u32,
    source: Source,
    done: &mut Done,
) -> Result<Reached, AppError> {
    let key = Key::Cursor(feed);
    let begin = match writer.profile.content.backfill {
        Backfill::Reading { from, .. } => from,
        Backfill::Opening { .. } | Backfill::Done { .. } => writer.profile.content.connected_at,
    };
    let mut cursor = kept.unwrap_or(Versioned::new(Cursor { until: begin, resume: None }));
    let mut since = cursor.content.resume.unwrap_or(before(cursor.content.until, OVERLAP));
    let (known, resumes) = (cursor.content.until, cursor.content.resume.is_some());
    let (mut newest, mut answered_at, mut read) = (None, None, 0);
    loop {
        let mut documents =
            Documents { writer: &mut *writer, session: &mut *session, feed, source, done: &mut *done };
        let (latest, next, is_unfinished) = match pages::read(&mut documents, Some(since)).await? {
            Reading::UpTo { latest, next, answered_at: at } => {
                answered_at = answered_at.or(at);
                (latest, next, false)
            }
            Reading::Unfinished => (None, Some(since), true),
        };
        newest = newest.max(latest);
        let mut until = latest.map_or(cursor.content.until, |latest| latest.max(cursor.content.until));
        // Nothing but what was known already: without a step on it would be read again at every poll. The end of
        // a list whose beginning was read before is no such proof, since its pages may have shifted meanwhile.
        if next.is_none() && !resumes && newest.is_some_and(|newest| newest <= known) {
            until = until.max(answered_at.map_or(known, |answered_at| before(answered_at, OVERLAP)));
        }
        let content = Cursor { until, resume: next };
        // A feed without anything keeps where it began, too: our clock must not say later where that was.
        if content != cursor.content || cursor.expect == Expect::Absent {
            let write = Versioned { content, expect: cursor.expect }.write(key.clone());
            let commit = Commit { id: writer.new_commit(), writes: vec![write] };
            writer.ports().store().commit(writer.owner(), commit).await?;
            cursor = Versioned { content, expect: cursor.expect.after_write() };
        }
        let Some(next) = next else { return Ok(Reached::End) };
        since = next;
        read += 1;
        if is_unfinished || read >= pages_max || writer.is_late() {
            return Ok(Reached::More);
        }
    }
}

/// The documents of a feed, which are booked as they are read.
struct Documents<'d, 'w, P: Ports> {
    writer: &'d mut Writer<'w, P>,
    session: &'d mut <P::Books as Books>::Session,
    feed: Feed,
    source: Source,
    done: &'d mut Done,
}

impl<P: Ports> Pages for Documents<'_, '_, P> {
    async fn fetch(&mut self, since: Option<Timestamp>, number: u32) -> Result<Page, AppError> {
        let since = since.unwrap_or(Timestamp::MIN);
        let found = self.session.changed(self.feed, since, number).await?;
        let holds = found.holds.clone();
        let page = Page { more: found.more, latest: found.latest, answered_at: found.answered_at, holds };
        book_page(self.writer, self.session, found, self.source, self.done).await?;
        Ok(page)
    }

    fn is_late(&self) -> bool {
        self.writer.is_late()
    }
}

fn before(instant: Timestamp, by: SignedDuration) -> Timestamp {
    instant.saturating_sub(by).unwrap_or(instant)
}

/// Has a feed read again from the earliest of these documents on, the next time that it is read.
///
/// # Errors
/// When the store does not answer.
pub async fn rewind<P: Ports>(
    writer: &Writer<'_, P>,
    feed: Feed,
    documents: &[DocumentRef],
) -> Result<(), AppError> {
    let store = writer.ports().store();
    let mut earliest: Option<Timestamp> = None;
    let keys: Vec<Key> = documents.iter().map(|of| Key::Document(*of)).collect();
    for keys in keys.chunks(500) {
        for record in load::many::<DocumentRecord>(store, writer.owner(), keys).await?.into_iter().flatten() {
            let at = record.content.updated_at;
            earliest = Some(earliest.map_or(at, |earliest| earliest.min(at)));
        }
    }
    let key = Key::Cursor(feed);
    let cursor = load::one::<Cursor>(store, writer.owner(), key.clone()).await?;
    // a feed that was never read is read from its beginning on
    let (Some(earliest), Some(cursor)) = (earliest, cursor) else { return Ok(()) };
    let from = pages::restart(earliest);
    let until = cursor.content.until;
    if cursor.content.resume.unwrap_or(before(until, OVERLAP)) <= from {
        return Ok(());
    }
    let content = Cursor { until, resume: Some(from) };
    let write = Versioned { content, expect: cursor.expect }.write(key);
    let commit = Commit { id: writer.new_commit(), writes: vec![write] };
    Ok(store.commit(writer.owner(), commit).await?)
}

/// Books the documents of a page. One that fails doesn't hold up the others; the first failure is
/// returned once all were tried, so that whoever asked asks again.
pub async fn book_page<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    page: DocumentPage,
    source: Source,
    done: &mut Done,
) -> Result<(), AppError> {
    tell_unreadable(writer, DOCUMENT, &page.unreadable).await?;
    // what was asked about a document that could not be read or booked ends once it can be
    let mut answered = BTreeSet::new();
    for document in &page.documents {
        answered.insert(unreadable_review(DOCUMENT, &document.of.id.to_string()));
        answered.insert(refused_review(document));
    }
    let documents = unbooked(writer, page.documents).await?;
    if documents.is_empty() {
        return end_reviews(writer, answered).await;
    }
    let codes = codes(writer, session, &documents).await?;
    let touched: BTreeSet<ItemId> = documents
        .iter()
        .flat_map(|document| &document.lines)
        .filter_map(|line| line.item.as_ref())
        .filter_map(|named| named.id.or_else(|| codes.get(&named.code).copied()))
        .collect();
    touch(writer, touched).await?;
    let mut failure = None;
    for document in &documents {
        let booked = Box::pin(booking::book(writer, document, &codes, source, None));
        let booked = AssertUnwindSafe(booked).catch_unwind().await;
        match booked {
            Ok(Ok(outcome)) => {
                done.documents += 1;
                done.movements += outcome.movements;
                done.crossed.extend(outcome.crossed);
                done.supplied.extend(outcome.supplied);
                writer.profile.content.quantities_stale |= outcome.touched_tracked;
            }
            Ok(Err(error @ (AppError::Reject(_) | AppError::Bug(_)))) => {
                answered.remove(&refused_review(document));
                refuse(writer, document, &error.to_string()).await?;
            }
            Ok(Err(error)) => {
                answered.remove(&refused_review(document));
                writer.reload_head().await?;
                failure.get_or_insert(error);
            }
            Err(panic) => {
                let why = panic_words(&*panic);
                answered.remove(&refused_review(document));
                refuse(writer, document, &format!("a bug in parstock: {why}")).await?;
                writer.reload_head().await?;
            }
        }
    }
    end_reviews(writer, answered).await?;
    failure.map_or(Ok(()), Err)
}

/// The documents whose present state is not booked yet, found with one read for all.
async fn unbooked<P: Ports>(
    writer: &Writer<'_, P>,
    documents: Vec<Document>,
) -> Result<Vec<Document>, AppError> {
    let keys: Vec<Key> = documents.iter().map(|document| Key::Document(document.of)).collect();
    let known = load::many::<DocumentRecord>(writer.ports().store(), writer.owner(), &keys).await?;
    let news = documents.into_iter().zip(known).filter(|(document, known)| {
        known.as_ref().is_none_or(|known| {
            let known = &known.content;
            known.progress.is_some()
                || known.unresolved
                || known.updated_at < document.updated_at
                || (known.updated_at == document.updated_at
                    && booking::content_of(document).ok() != Some(known.content))
        })
    });
    Ok(news.map(|(document, _)| document).collect())
}

/// Finds the items of lines that name only a code; asks Xero for the items once if one is unknown.
async fn codes<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
    documents: &[Document],
) -> Result<Codes, AppError> {
    let named: BTreeSet<String> = documents
        .iter()
        .flat_map(|document| &document.lines)
        .filter_map(|line| line.item.as_ref())
        .filter(|named| named.id.is_none())
        .map(|named| named.code.clone())
        .collect();
    let mut codes = known_codes(writer, &named).await?;
    if named.iter().any(|code| !codes.contains_key(code)) {
        items::refresh(writer, session).await?;
        codes = known_codes(writer, &named).await?;
    }
    Ok(codes)
}

async fn known_codes<P: Ports>(writer: &Writer<'_, P>, named: &BTreeSet<String>) -> Result<Codes, AppError> {
    let keys: Vec<Key> = named.iter().map(|code| Key::ItemCode(code.clone())).collect();
    let mut codes = Codes::new();
    for (keys, named) in keys.chunks(500).zip(named.iter().collect::<Vec<_>>().chunks(500)) {
        let rows = load::many::<Pointer<ItemId>>(writer.ports().store(), writer.owner(), keys).await?;
        for (code, row) in named.iter().zip(rows) {
            if let Some(row) = row {
                codes.insert((*code).clone(), row.content.to);
            }
        }
    }
    Ok(codes)
}

/// What can't be understood, in the words of its question.
pub(super) const DOCUMENT: &str = "document";
/// As [`DOCUMENT`].
pub(super) const ITEM: &str = "item";
/// As [`DOCUMENT`]. It has a question of its own, since an item's master data may be read without it.
pub(super) const QUANTITY: &str = "quantity of the item";

/// The one question about something that can't be understood.
pub(super) fn unreadable_review(what: &str, id: &str) -> Uuid {
    derived("review", &["unreadable", what, id])
}

/// The one question about a document that can't be booked.
fn refused_review(document: &Document) -> Uuid {
    derived("review", &["refused", &document.of.id.to_string()])
}

/// Puts what can't be understood on the review list; it doesn't hold up the rest.
pub(super) async fn tell_unreadable<P: Ports>(
    writer: &Writer<'_, P>,
    what: &str,
    unreadable: &[Unreadable],
) -> Result<(), AppError> {
    let mut writes = Vec::new();
    for one in unreadable {
        // an id may come in capitals
        let id = one.id.parse::<Uuid>().map_or_else(|_| one.id.clone(), |id| id.to_string());
        let text = format!(
            "The {what} {id} could not be read and is not counted: {}. Correct it in Xero; it is read again when it changes.",
            one.why
        );
        let key = Key::Review(unreadable_review(what, &id));
        let asked = load::one::<Review>(writer.ports().store(), writer.owner(), key.clone()).await?;
        if asked.is_some_and(|asked| asked.content.text == text) {
            continue;
        }
        let (kind, since) = (ReviewKind::UnreadableDocument, writer.now());
        let review = Review { kind, since, item: None, document: None, text, codes: BTreeSet::new() };
        writes.push(unguarded(key, review));
    }
    if !writes.is_empty() {
        writer.ports().store().write_each(writer.owner(), writes).await?;
    }
    Ok(())
}

/// Ends those of these questions that stand: their cause is gone.
pub(super) async fn end_reviews<P: Ports>(
    writer: &Writer<'_, P>,
    answered: BTreeSet<Uuid>,
) -> Result<(), AppError> {
    if answered.is_empty() {
        return Ok(());
    }
    let standing = load::all::<Review>(writer.ports().store(), writer.org(), &List::Reviews).await?;
    let ended = standing.into_iter().filter_map(|(key, _)| match &key {
        Key::Review(id) if answered.contains(id) => Some(removal(key)),
        _ => None,
    });
    let ended: Vec<_> = ended.collect();
    if !ended.is_empty() {
        writer.ports().store().write_each(writer.owner(), ended).await?;
    }
    Ok(())
}

async fn refuse<P: Ports>(writer: &Writer<'_, P>, document: &Document, why: &str) -> Result<(), AppError> {
    tracing::error!(org_id = %writer.org(), id = %document.of.id, kind = document.of.kind.code(), why, "a document could not be booked");
    let text = format!(
        "The {} {} could not be booked: {why}. The others are not held up; it is tried again when it changes.",
        document.of.kind.words(),
        document.number
    );
    let review = Review {
        kind: ReviewKind::UnreadableDocument,
        since: writer.now(),
        item: None,
        document: Some(document.of),
        text,
        codes: BTreeSet::new(),
    };
    let key = Key::Review(refused_review(document));
    writer.ports().store().write_each(writer.owner(), vec![unguarded(key, review)]).await?;
    Ok(())
}

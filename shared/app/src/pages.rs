//! Reading a list of changes page by page, while it changes.

use jiff::{SignedDuration, Timestamp};

use crate::error::AppError;

/// Pages of one second that are walked by their number: twenty thousand changes, which fifteen minutes' calls read twice.
const PAGES_OF_ONE_SECOND_MAX: usize = 20;
/// Times that such a walk is made again at once because its pages moved; then whoever asked asks again later.
const WALKS_MAX: u32 = 3;
/// After a full page reading starts again this much before its last change.
const RESTART_OVERLAP: SignedDuration = SignedDuration::from_secs(1);

/// A page as far as it says how to go on.
pub(crate) struct Page {
    /// Whether more may follow.
    pub(crate) more: bool,
    /// The latest change on it.
    pub(crate) latest: Option<Timestamp>,
    /// Xero's clock at the time of the answer, if it said so.
    pub(crate) answered_at: Option<Timestamp>,
    /// What stands on it, by id and last change.
    pub(crate) holds: Vec<String>,
}

/// A list whose pages are fetched and kept.
pub(crate) trait Pages {
    /// Fetches a page of what has changed since an instant, or of all, and keeps it.
    async fn fetch(&mut self, since: Option<Timestamp>, number: u32) -> Result<Page, AppError>;

    /// Whether no more time is left.
    fn is_late(&self) -> bool;
}

impl Page {
    /// Where reading starts again behind it, unless it holds nothing but changes of the second with which the list begins.
    fn next(&self, since: Option<Timestamp>) -> Option<Timestamp> {
        self.latest.map(restart).filter(|next| since.is_none_or(|since| *next > since))
    }

    /// Whether the next page has to be asked for by its number, since it begins within the same second.
    fn goes_on(&self, since: Option<Timestamp>) -> bool {
        self.more && self.next(since).is_none()
    }
}

/// Where reading starts again, so that what was changed in the same second is read, too.
pub(crate) fn restart(latest: Timestamp) -> Timestamp {
    latest.saturating_sub(RESTART_OVERLAP).unwrap_or(latest)
}

/// What a reading has come to.
pub(crate) enum Reading {
    /// All up to the latest change is read.
    UpTo {
        /// The latest change that was read.
        latest: Option<Timestamp>,
        /// Where reading goes on; `None` at the end of the list.
        next: Option<Timestamp>,
        /// Xero's clock at the time of the answer, if it said so.
        answered_at: Option<Timestamp>,
    },
    /// It has to begin at the same place again: time ran out, or the pages of a second moved for as long as they were read.
    Unfinished,
}

/// Reads the first page of what has changed since an instant, or all pages of the second with which that begins.
///
/// Pages shift while things change, so they are not walked by number: reading goes on just before the last change seen. Only where a
/// page holds nothing but the changes of one second (a mass edit) the next ones are, at once, and whatever is changed meanwhile moves to
/// the end, and others to a page that was read before. So those before the last one are read once more, until they stand as they did. Then
/// nothing has slipped by.
///
/// # Errors
/// [`AppError::NeedsPerson`] where a second holds more changes than can be walked so.
pub(crate) async fn read(list: &mut impl Pages, since: Option<Timestamp>) -> Result<Reading, AppError> {
    let first = list.fetch(since, 1).await?;
    if !first.goes_on(since) {
        let next = first.next(since).filter(|_| first.more);
        return Ok(Reading::UpTo { latest: first.latest, next, answered_at: first.answered_at });
    }
    let mut full = vec![first];
    for _ in 0..WALKS_MAX {
        let last = loop {
            if full.len() >= PAGES_OF_ONE_SECOND_MAX {
                return Err(too_many(full.last().and_then(|page| page.latest)));
            }
            if list.is_late() {
                return Ok(Reading::Unfinished);
            }
            let number = u32::try_from(full.len()).unwrap_or(u32::MAX).saturating_add(1);
            let page = list.fetch(since, number).await?;
            // a server that does not know pages gives the same one for ever
            if !page.goes_on(since) || full.last().is_some_and(|before| before.holds == page.holds) {
                break page;
            }
            full.push(page);
        };
        let mut again = Vec::with_capacity(full.len());
        for (number, _) in (1..).zip(&full) {
            if list.is_late() {
                return Ok(Reading::Unfinished);
            }
            let page = list.fetch(since, number).await?;
            if !page.goes_on(since) {
                break;
            }
            again.push(page);
        }
        if again.iter().map(|page| &page.holds).eq(full.iter().map(|page| &page.holds)) {
            // where nobody counts pages, the last one is empty
            let latest = last.latest.or(full.last().and_then(|page| page.latest));
            let next = last.next(since).filter(|_| last.more);
            return Ok(Reading::UpTo { latest, next, answered_at: last.answered_at });
        }
        full = again;
    }
    tracing::warn!(count = full.len(), "pages of one second moved for as long as they were read");
    Ok(Reading::Unfinished)
}

fn too_many(second: Option<Timestamp>) -> AppError {
    let second = second.map_or_else(|| "one second".to_owned(), |second| format!("the second {second}"));
    AppError::NeedsPerson(format!(
        "Xero lists more than {PAGES_OF_ONE_SECOND_MAX} pages of changes of {second}, more than can be read beside each other: change some of \
         them once more (in Xero's list, select a few hundred and save them), so that they bear different times"
    ))
}

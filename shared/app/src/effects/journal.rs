//! A decided journal becomes exactly one manual journal in Xero.
//!
//! Journals have no number that Xero knows; ours stands in the narration. After an unknown outcome the journal is looked up by it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use parstock_domain::cogs::JournalNumber;
use parstock_domain::ids::DocumentId;
use parstock_domain::manual_journal::ManualJournal;

use super::{Attempt, GivenUp};
use crate::error::AppError;
use crate::landed::{Planned, Which};
use crate::ports::{Books, BooksError, BooksSession, Ports, Priority, Write};
use crate::records::EffectState;
use crate::writer::{Reason, Writer};
use crate::{cogs, landed};

/// Calls that one journal takes: looking for it, and writing it.
const CALLS: u32 = 2;

/// Minutes after which a journal is looked at again that waits for another one.
const WAITS_MINUTES: i64 = 5;

/// Of what a journal is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    /// Of cost of goods sold.
    Cogs(JournalNumber),
    /// Of a landed cost voucher.
    Voucher(Which),
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cogs(number) => number.fmt(f),
            Self::Voucher(which) => write!(f, "voucher {}", which.number),
        }
    }
}

impl Whose {
    /// What is to be done about it now.
    async fn planned<P: Ports>(self, writer: &Writer<'_, P>) -> Result<Planned, AppError> {
        match self {
            Self::Cogs(number) => Ok(match cogs::planned(writer, number).await? {
                Some((journal, why_not)) => Planned::Write { journal, why_not, since: None },
                None => Planned::Nothing,
            }),
            Self::Voucher(which) => landed::planned(writer, which).await,
        }
    }

    /// The writes of a journal that is in Xero.
    async fn written<P: Ports>(self, writer: &Writer<'_, P>, id: DocumentId) -> Result<Vec<Write>, AppError> {
        match self {
            Self::Cogs(number) => cogs::written(writer, number, id).await,
            Self::Voucher(which) => landed::written(writer, which, id).await,
        }
    }

    /// The writes of a journal that came to nothing.
    async fn failed<P: Ports>(self, writer: &Writer<'_, P>, why: &str) -> Result<Vec<Write>, AppError> {
        match self {
            Self::Cogs(number) => cogs::failed(writer, number, why).await,
            Self::Voucher(which) => landed::failed(writer, which, why).await,
        }
    }
}

/// Tries to bring a journal into Xero.
pub(super) async fn send<P: Ports>(
    writer: &mut Writer<'_, P>,
    mut attempt: Attempt,
    whose: Whose,
) -> Result<(), AppError> {
    let (journal, why_not, since) = match whose.planned(writer).await? {
        Planned::Write { journal, why_not, since } => (journal, why_not, since),
        Planned::Waits(why) => {
            attempt.uncount();
            let until = writer.now().saturating_add(SignedDuration::from_mins(WAITS_MINUTES)).ok();
            return attempt.later(writer, until, why).await;
        }
        Planned::Nothing => {
            let at = writer.now();
            let told = Reason::own("journal known").with("journal", whose);
            return attempt.end(writer, EffectState::Done { at }, Vec::new(), told).await;
        }
    };
    let outcome = match writer.ports().books().open(writer.org(), Priority::Poll, CALLS).await {
        Ok(mut session) => {
            let outcome = find_or_create(&mut session, &attempt, &journal, (why_not, since)).await;
            session.close().await;
            outcome
        }
        Err(error) => Err(error),
    };
    let error = match outcome {
        Ok(id) => {
            let told = Reason::own("journal written").with("journal", whose).with("id", id);
            let at = writer.now();
            let writes = whose.written(writer, id).await?;
            return attempt.end(writer, EffectState::Done { at }, writes, told).await;
        }
        Err(error) => error,
    };
    let Some((attempt, given_up)) = attempt.unless_put_off(writer, error).await? else { return Ok(()) };
    let reason = match given_up {
        GivenUp::Refused(why) => why,
        // it may be there: the next day's decision finds it, or opens its days again
        GivenUp::Exhausted(why) => {
            let reason = format!("{why}. Tomorrow's decision looks for it by {}", journal.mark);
            let told = Reason::own("journal unknown").with("journal", whose).with("reason", &reason);
            return attempt.end(writer, EffectState::Failed { reason }, Vec::new(), told).await;
        }
    };
    let told = Reason::own("journal failed").with("journal", whose).with("reason", &reason);
    let writes = whose.failed(writer, &reason).await?;
    attempt.end(writer, EffectState::Failed { reason }, writes, told).await
}

async fn find_or_create(
    session: &mut impl BooksSession,
    attempt: &Attempt,
    journal: &ManualJournal,
    (why_not, since): (Option<String>, Option<Timestamp>),
) -> Result<DocumentId, BooksError> {
    let effect = &attempt.effect.content;
    let tried = (attempt.looks_first || effect.attempts > 1).then_some(effect.decided_at);
    if let Some(since) = since.or(tried)
        && let Ok(since) = since.checked_sub(cogs::OVERLAP)
        && let Some(standing) = session.journal_marked(&journal.mark, since).await?
    {
        return Ok(standing);
    }
    if let Some(why) = why_not {
        return Err(BooksError::Reject(why));
    }
    session.create_journal(journal, attempt.id).await
}

//! A decided journal of cost of goods sold becomes exactly one manual journal in Xero.
//!
//! Journals have no number that Xero knows; ours stands in the narration. After an unknown outcome the journal is looked up by it.

use jiff::SignedDuration;
use parstock_domain::cogs::{Fate, Journal, JournalNumber};
use parstock_domain::ids::DocumentId;

use super::{Attempt, PERSON_MINUTES};
use crate::cogs;
use crate::error::AppError;
use crate::load;
use crate::ports::{Books, BooksError, BooksSession, Ports, Priority};
use crate::records::{EffectState, Key};
use crate::writer::{Reason, Writer};

/// Calls that one journal takes: looking for it, and writing it.
const CALLS: u32 = 2;

/// Tries to bring a journal into Xero.
pub(super) async fn send<P: Ports>(
    writer: &mut Writer<'_, P>,
    mut attempt: Attempt,
    number: JournalNumber,
) -> Result<(), AppError> {
    let journal = load::one::<Journal>(writer.ports().store(), writer.owner(), Key::Journal(number)).await?;
    let journal = match journal.map(|row| row.content) {
        Some(journal) if journal.fate == Fate::Planned => journal,
        // a decision has found it in Xero, or given it up
        _ => {
            let at = writer.now();
            let told = Reason::own("journal known").with("journal", number);
            return attempt.end(writer, EffectState::Done { at }, Vec::new(), told).await;
        }
    };
    let why_not = cogs::why_not(writer, &journal).await?;
    let outcome = match writer.ports().books().open(writer.org(), Priority::Poll, CALLS).await {
        Ok(mut session) => {
            let outcome = find_or_create(&mut session, &attempt, &journal, why_not).await;
            session.close().await;
            outcome
        }
        Err(error) => Err(error),
    };
    let reason = match outcome {
        Ok(id) => {
            let told = Reason::own("journal written").with("journal", number).with("id", id);
            let at = writer.now();
            let writes = cogs::written(writer, number, id).await?;
            return attempt.end(writer, EffectState::Done { at }, writes, told).await;
        }
        Err(BooksError::NotNow { until, why }) => {
            attempt.uncount();
            return attempt.later(writer, Some(until), why).await;
        }
        Err(BooksError::NeedsPerson(why)) => {
            tracing::error!(org_id = %writer.org(), id = %attempt.id, why, "a person has to act");
            attempt.uncount();
            attempt.effect.content.needs_person = Some(why.clone());
            let again = writer.now().saturating_add(SignedDuration::from_mins(PERSON_MINUTES)).ok();
            return attempt.later(writer, again, why).await;
        }
        Err(BooksError::Retry(why)) if !attempt.is_exhausted() => {
            return attempt.later(writer, None, why).await;
        }
        Err(BooksError::Unknown(why)) if !attempt.is_exhausted() => {
            tracing::warn!(org_id = %writer.org(), id = %attempt.id, why, "it is unknown whether a journal was written");
            return attempt.unknown(writer).await;
        }
        // it may be there: the next day's decision finds it, or opens its days again
        Err(BooksError::Retry(why) | BooksError::Unknown(why)) => {
            let tries = attempt.effect.content.attempts;
            let reason = format!(
                "tried {tries} times, last: {why}. Tomorrow's decision looks for it by {}",
                journal.mark()
            );
            let told = Reason::own("journal unknown").with("journal", number).with("reason", &reason);
            return attempt.end(writer, EffectState::Failed { reason }, Vec::new(), told).await;
        }
        Err(BooksError::Reject(why)) => why,
    };
    let told = Reason::own("journal failed").with("journal", number).with("reason", &reason);
    let writes = cogs::failed(writer, number, &reason).await?;
    attempt.end(writer, EffectState::Failed { reason }, writes, told).await
}

async fn find_or_create(
    session: &mut impl BooksSession,
    attempt: &Attempt,
    journal: &Journal,
    why_not: Option<String>,
) -> Result<DocumentId, BooksError> {
    let effect = &attempt.effect.content;
    if (attempt.looks_first || effect.attempts > 1)
        && let Ok(since) = effect.decided_at.checked_sub(cogs::OVERLAP)
        && let Some(standing) = session.journal_marked(&journal.mark(), since).await?
    {
        return Ok(standing);
    }
    if let Some(why) = why_not {
        return Err(BooksError::Reject(why));
    }
    session.create_journal(journal, attempt.id).await
}

//! The papers of a bill are read, once for each time that they are asked for. Reading them twice is harmless.

use parstock_domain::document::DocumentRef;
use parstock_domain::landed::Papers;

use super::Attempt;
use crate::error::AppError;
use crate::landed;
use crate::ports::{Books, BooksError, BooksSession, PAPERS_READ_MAX, Ports, Priority};
use crate::records::{EffectState, Key};
use crate::writer::{Reason, Writer};

/// Calls that the papers of one bill take: listing them, and reading the PDFs.
const CALLS: u32 = 1 + PAPERS_READ_MAX;

/// Times that reading may be broken off, as by a file that takes the process with it.
const READS_BROKEN_OFF_MAX: u32 = 2;

/// Tries to read the papers of a bill.
pub(super) async fn read<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    of: DocumentRef,
    by_person: bool,
) -> Result<(), AppError> {
    let done = EffectState::Done { at: writer.now() };
    // whoever read them before did not come to an end
    if attempt.looks_first && attempt.effect.content.attempts > READS_BROKEN_OFF_MAX {
        let why = "reading them was broken off twice: look at them in Xero yourself".to_owned();
        return failed(writer, attempt, of, why).await;
    }
    if landed::purchase(writer, of).await?.is_none() {
        let told = Reason::own("papers of no bill any more").with("id", of.id);
        return attempt.end(writer, done, Vec::new(), told).await;
    }
    let priority = if by_person { Priority::Person } else { Priority::Poll };
    let outcome = match writer.ports().books().open(writer.org(), priority, CALLS).await {
        Ok(mut session) => {
            let outcome = session.papers(of).await;
            session.close().await;
            outcome
        }
        // nothing was asked yet: what a person has to do first is waited for
        Err(error) => {
            let Some((attempt, given_up)) = attempt.unless_put_off(writer, error).await? else {
                return Ok(());
            };
            return failed(writer, attempt, of, given_up.why()).await;
        }
    };
    // a person who has to act, as where a scope is missing, asks again afterwards: trying on would use up calls
    let (attempt, why) = match outcome {
        Ok(attached) => {
            let papers = landed::named_by(writer, of, &attached).await?;
            let told = Reason::own("papers read").with("id", of.id).with("papers", papers.len());
            let papers = Papers::Read { at: writer.now(), papers };
            return end(writer, attempt, of, papers, done, told).await;
        }
        Err(BooksError::NeedsPerson(why) | BooksError::Reject(why)) => (attempt, why),
        Err(error) => match attempt.unless_put_off(writer, error).await? {
            None => return Ok(()),
            Some((attempt, given_up)) => (attempt, given_up.why()),
        },
    };
    failed(writer, attempt, of, why).await
}

async fn failed<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    of: DocumentRef,
    why: String,
) -> Result<(), AppError> {
    let told = Reason::own("papers not read").with("id", of.id).with("reason", &why);
    let status = EffectState::Failed { reason: why.clone() };
    end(writer, attempt, of, Papers::Failed { why }, status, told).await
}

async fn end<P: Ports>(
    writer: &mut Writer<'_, P>,
    attempt: Attempt,
    of: DocumentRef,
    papers: Papers,
    status: EffectState,
    told: Reason,
) -> Result<(), AppError> {
    let purchase = landed::purchase(writer, of).await?.map(|mut purchase| {
        purchase.content.papers = Some(papers);
        let key = Key::Purchase(purchase.content.on, of);
        purchase.write(key)
    });
    attempt.end(writer, status, purchase.into_iter().collect(), told).await
}

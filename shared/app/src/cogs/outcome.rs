//! What becomes of a decided journal: whether it may still be written, and what its end writes.

use parstock_domain::cogs::{Fate, Journal, JournalNumber};
use parstock_domain::governance::Phase;
use parstock_domain::ids::DocumentId;
use parstock_domain::manual_journal::ManualJournal;
use parstock_domain::settings::Policy;

use super::question;
use super::sums::Sums;
use crate::error::AppError;
use crate::load;
use crate::ports::{Ports, Write};
use crate::records::Key;
use crate::writer::Writer;

/// A journal as it is to be written, and why it must not be any more; `None` when a decision has found it in Xero, or given it up.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn planned<P: Ports>(
    writer: &Writer<'_, P>,
    number: JournalNumber,
) -> Result<Option<(ManualJournal, Option<String>)>, AppError> {
    let journal = load::one::<Journal>(writer.ports().store(), writer.owner(), Key::Journal(number)).await?;
    match journal.map(|row| row.content).filter(|journal| journal.fate == Fate::Planned) {
        Some(journal) => Ok(Some((journal.manual_journal()?, why_not(writer, &journal).await?))),
        None => Ok(None),
    }
}

/// Why a planned journal must not be written any more; `None` if it may.
///
/// # Errors
/// When the store does not answer.
async fn why_not<P: Ports>(writer: &Writer<'_, P>, journal: &Journal) -> Result<Option<String>, AppError> {
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
    let undone = known.content.reopen(why.to_owned())?;
    let known = known.clone();
    sums.undo(&known.content, &undone)?;
    let mut writes = vec![known.write(Key::Journal(number))];
    if writer.profile.content.cogs_from.is_some() {
        writes.push(question(writer, format!("Journal {number} is not in Xero: {why}.")).await?);
    }
    for month in &sums.changed_months {
        if let Some(row) = sums.months.get(month) {
            writes.push(row.clone().write(Key::CogsMonth(*month)));
        }
    }
    writes.push(sums.ledger.write(Key::Cogs));
    Ok(writes)
}

//! What people are shown of journals.

use parstock_domain::audit::{Entry, Statement};
use parstock_domain::cogs::{Fate, Journal};
use parstock_domain::fixed::Money;
use parstock_views::pages::JournalLine;

use super::sums::journals;
use crate::error::AppError;
use crate::landed;
use crate::load;
use crate::ports::{Ports, Store};
use crate::records::{Key, List};
use crate::writer::Writer;

/// Audit entries read at once.
const ENTRIES_PAGE: u32 = 500;
/// Audit entries that one journal's page looks through.
const ENTRIES_MAX: usize = 20_000;

/// How many drafts, those of landed cost included, wait in Xero to be posted, and what they move; `None` if none does.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn drafts<P: Ports>(writer: &Writer<'_, P>) -> Result<Option<(usize, Money)>, AppError> {
    if writer.profile.content.cogs_from.is_none() {
        return Ok(None);
    }
    let (mut count, mut total) = landed::drafts(writer).await?;
    for journal in journals(writer).await? {
        if let Fate::Draft { .. } = journal.content.fate {
            (count, total) = (count + 1, total.plus(journal.content.amount.magnitude())?);
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
    let (mut lines, mut read) = (Vec::new(), 0);
    let mut after = Some(Key::AuditEntry(from));
    while after.is_some() && read < ENTRIES_MAX {
        let store = writer.ports().store();
        let page = store.list(writer.owner(), &List::AuditEntries, after.as_ref(), ENTRIES_PAGE).await?;
        read += page.rows.len();
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
pub(super) fn cause(statement: &Statement) -> String {
    let number = statement.details.get("number").map(String::as_str).unwrap_or_default();
    match statement.cogs.of {
        Some(of) if !number.is_empty() => format!("{} {number}", of.kind.words()),
        Some(of) => of.kind.words().to_owned(),
        None => match statement.details.get("voucher") {
            Some(voucher) => format!("landed cost {voucher}"),
            None => "a count".to_owned(),
        },
    }
}

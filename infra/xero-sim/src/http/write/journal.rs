//! Manual journals.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{TrackingIn, decimal, elements, given, read_day, real};
use crate::act::{Act, JournalLine, JournalStatus, NewJournal};
use crate::error::XeroError;
use crate::http::query::Query;
use crate::http::render;
use crate::http::reply::Reply;
use crate::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct JournalIn {
    #[serde(rename = "ManualJournalID")]
    id: Option<Uuid>,
    narration: Option<String>,
    date: Option<String>,
    status: Option<String>,
    url: Option<String>,
    journal_lines: Option<Vec<LineIn>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LineIn {
    line_amount: Option<Box<RawValue>>,
    account_code: Option<String>,
    description: Option<String>,
    tracking: Option<Vec<TrackingIn>>,
}

impl World {
    pub(super) fn write_journals(
        &mut self,
        now: Timestamp,
        only_new: bool,
        id: Option<Uuid>,
        query: &Query,
        body: &[u8],
    ) -> Reply {
        let mut all = match elements::<JournalIn>(body, "ManualJournals") {
            Ok(all) => all,
            Err(refusal) => return refusal,
        };
        if let (Some(_), [one]) = (id, all.as_mut_slice()) {
            one.id = id;
        }
        self.write_each(
            now,
            "ManualJournals",
            query,
            all,
            |world, element| world.write_journal(now, only_new, element),
            |world, json, element, id| match id
                .and_then(|id| world.books.journals.iter().find(|row| row.id == id))
            {
                Some(row) => render::journal(json, &world.books, row, true),
                None => {
                    json.id("ManualJournalID", element.id.unwrap_or_default());
                    json.some_text("Narration", element.narration.as_deref());
                }
            },
        )
    }

    fn write_journal(
        &mut self,
        now: Timestamp,
        only_new: bool,
        element: &JournalIn,
    ) -> Result<(Uuid, Vec<String>), XeroError> {
        if self.books.forbidden.contains("CreateManualJournal") {
            return Err(XeroError::refused("You are not permitted to create or change manual journals"));
        }
        let narration = given(&element.narration);
        let narration = narration.ok_or_else(|| XeroError::refused("Narration must be supplied"))?;
        let status = match element.status.as_deref() {
            None => None,
            Some(word) => Some(
                JournalStatus::parse(word)
                    .ok_or_else(|| XeroError::refused(format!("Status '{word}' is not valid")))?,
            ),
        };
        let lines = element.journal_lines.as_deref().map(|lines| self.journal_lines(lines)).transpose()?;
        let Some(id) = real(element.id) else {
            let date = read_day("Date", element.date.as_deref())?;
            let new = NewJournal {
                narration,
                date: date.ok_or_else(|| XeroError::refused("Date must be supplied"))?,
                status: status.unwrap_or(JournalStatus::Draft),
                lines: lines.unwrap_or_default(),
                url: given(&element.url),
            };
            self.apply_within(now, &Act::CreateJournal(new), true)?;
            return Ok((self.books.journals.last().map(|row| row.id).unwrap_or_default(), Vec::new()));
        };
        if only_new {
            return Err(XeroError::refused("PUT creates manual journals: use POST to change one"));
        }
        let act = Act::EditJournal { id, narration: Some(narration), status, lines };
        self.apply_within(now, &act, true)?;
        Ok((id, Vec::new()))
    }

    fn journal_lines(&self, lines: &[LineIn]) -> Result<Vec<JournalLine>, XeroError> {
        let line = |line: &LineIn| {
            let amount = line.line_amount.as_ref();
            let amount = amount.ok_or_else(|| XeroError::refused("LineAmount must be supplied"))?;
            Ok(JournalLine {
                amount: decimal("LineAmount", amount)?.round2(),
                account_code: line.account_code.clone().unwrap_or_default(),
                description: line.description.clone().unwrap_or_default(),
                tracking: self.tracking(line.tracking.as_deref().unwrap_or_default())?,
            })
        };
        lines.iter().map(line).collect()
    }
}

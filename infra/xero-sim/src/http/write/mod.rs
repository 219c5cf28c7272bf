//! Writes.

mod attachment;
mod document;
mod item;
mod journal;

use http::Method;
use http::request::Parts;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use uuid::Uuid;

use crate::act::{Act, E4, TrackingChoice};
use crate::error::XeroError;
use crate::http::query::Query;
use crate::http::read::list_named;
use crate::http::reply::Reply;
use crate::json::Json;
use crate::state::Books;
use crate::world::World;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NotesIn {
    history_records: Vec<NoteIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NoteIn {
    details: String,
}

/// A tracking option as it is sent: by ids or by names.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TrackingIn {
    #[serde(rename = "TrackingCategoryID")]
    category_id: Option<Uuid>,
    name: Option<String>,
    option: Option<String>,
}

/// What became of one element of a batch: its id, with Xero's remarks, or its refusal.
type Done = Result<(Uuid, Vec<String>), Vec<String>>;

impl World {
    /// Does a write inside a commit that is already begun. A refused element leaves nothing behind.
    pub(super) fn write(
        &mut self,
        now: Timestamp,
        parts: &Parts,
        segments: &[&str],
        query: &Query,
        body: &[u8],
    ) -> Reply {
        let only_new = parts.method == Method::PUT;
        match segments {
            ["Items"] => self.write_items(now, only_new, None, query, body),
            ["Items", id] => match self.item_named(id) {
                Some(id) => self.write_items(now, false, Some(id), query, body),
                None => Reply::not_found(),
            },
            ["ManualJournals"] => self.write_journals(now, only_new, None, query, body),
            ["ManualJournals", id] => match Uuid::parse_str(id) {
                Ok(id) if self.books.journals.iter().any(|row| row.id == id) => {
                    self.write_journals(now, false, Some(id), query, body)
                }
                _ => Reply::not_found(),
            },
            ["CreditNotes", id, "Allocations"] if only_new => self.write_allocations(now, id, query, body),
            [endpoint, id, "Attachments", name] => self.write_attachment(now, (endpoint, id), name, body),
            [endpoint, id, "History"] => self.write_notes(now, endpoint, id, body),
            ["BankTransactions", ..] => Reply::plain(404, "This write is not simulated"),
            [endpoint] => match list_named(endpoint) {
                Some(list) => self.write_documents(now, list, only_new, None, query, body),
                None => Reply::plain(404, "This write is not simulated"),
            },
            [endpoint, id] => {
                let list = list_named(endpoint);
                match list.and_then(|list| Some((list, self.document_in(list, id)?.id))) {
                    Some((list, id)) => self.write_documents(now, list, false, Some(id), query, body),
                    None => Reply::not_found(),
                }
            }
            _ => Reply::plain(404, "This write is not simulated"),
        }
    }

    fn item_named(&self, id: &str) -> Option<Uuid> {
        let by_id = Uuid::parse_str(id).ok().and_then(|id| self.books.item_with_id(id));
        by_id.or_else(|| self.books.item_with_code(id)).map(|row| row.id)
    }

    /// Does the elements one by one and answers for them as `summarizeErrors` wants it.
    fn write_each<E>(
        &mut self,
        now: Timestamp,
        list: &str,
        query: &Query,
        elements: Vec<E>,
        mut work: impl FnMut(&mut World, &E) -> Result<(Uuid, Vec<String>), XeroError>,
        render: impl Fn(&World, &mut Json, &E, Option<Uuid>),
    ) -> Reply {
        let mut outcomes: Vec<(E, Done)> = Vec::with_capacity(elements.len());
        for element in elements {
            let done = match work(self, &element) {
                Ok(done) => Ok(done),
                Err(XeroError::Refused(messages)) => Err(messages),
                Err(error) => return Reply::plain(500, &error.to_string()),
            };
            outcomes.push((element, done));
        }
        let write = |world: &World, json: &mut Json, element: &E, done: &Done| {
            render(world, json, element, done.as_ref().ok().map(|(id, _)| *id));
            let mut remarks = |name: &str, messages: &[String]| {
                if !messages.is_empty() {
                    json.array(name, |all| {
                        for message in messages {
                            all.object(|one| one.text("Message", message));
                        }
                    });
                }
            };
            let status = match done {
                Ok((_, warnings)) => {
                    remarks("Warnings", warnings);
                    if warnings.is_empty() { "OK" } else { "WARNING" }
                }
                Err(messages) => {
                    remarks("ValidationErrors", messages);
                    "ERROR"
                }
            };
            json.text("StatusAttributeString", status);
        };
        let any_refused = outcomes.iter().any(|(_, done)| done.is_err());
        if any_refused && !query.is("summarizeErrors", "false") {
            // The valid elements stay written although the answer names only the others.
            return Reply::elements_refused(|all| {
                for (element, done) in outcomes.iter().filter(|(_, done)| done.is_err()) {
                    all.object(|json| write(self, json, element, done));
                }
            });
        }
        self.envelope(now, list, |all| {
            for (element, done) in &outcomes {
                all.object(|json| write(self, json, element, done));
            }
        })
    }

    /// The names of tracking options that are sent by ids or by names.
    fn tracking(&self, given: &[TrackingIn]) -> Result<Vec<TrackingChoice>, XeroError> {
        let choice = |one: &TrackingIn| {
            let by_id = one.category_id.and_then(|id| self.books.tracking.iter().find(|row| row.id == id));
            let category = by_id.map(|row| row.value.name.clone()).or_else(|| one.name.clone());
            let missing = || XeroError::refused("Tracking needs a category and an option");
            Ok(TrackingChoice {
                category: category.ok_or_else(missing)?,
                option: one.option.clone().ok_or_else(missing)?,
            })
        };
        given.iter().map(choice).collect()
    }

    fn write_notes(&mut self, now: Timestamp, endpoint: &str, id: &str, body: &[u8]) -> Reply {
        let list = list_named(endpoint);
        let others = ["Items", "Contacts", "ManualJournals", "Payments", "Prepayments", "Overpayments"];
        if list.is_none() && !others.contains(&endpoint) {
            return Reply::not_found();
        }
        let Ok(of) = Uuid::parse_str(id) else { return Reply::not_found() };
        if list.is_some_and(|list| self.document_in(list, id).is_none()) || !self.books.has_history(of) {
            return Reply::not_found();
        }
        let notes = match serde_json::from_slice::<NotesIn>(body) {
            Ok(notes) => notes.history_records,
            Err(error) => return Reply::refused(&format!("JSON for history records was expected: {error}")),
        };
        for note in &notes {
            let act = Act::AddNote { of, details: note.details.clone() };
            match self.apply_within(now, &act, true) {
                Ok(_) => {}
                Err(XeroError::Refused(messages)) => return Reply::refused(&messages.join("; ")),
                Err(error) => return Reply::plain(500, &error.to_string()),
            }
        }
        self.envelope(now, "HistoryRecords", |all| {
            for note in &notes {
                all.object(|json| {
                    json.text("Details", &note.details);
                    json.instant("DateUTC", now.as_millisecond());
                });
            }
        })
    }
}

/// The elements of a body: a list under its name, or one element alone.
fn elements<E: DeserializeOwned>(body: &[u8], list: &str) -> Result<Vec<E>, Reply> {
    let expected =
        |error: serde_json::Error| Reply::refused(&format!("JSON for {list} was expected: {error}"));
    let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(body).map_err(expected)?;
    let elements: Vec<E> = match fields.get(list) {
        Some(all) => serde_json::from_str(all.get()).map_err(expected)?,
        None if fields.is_empty() => Vec::new(),
        None => vec![serde_json::from_slice(body).map_err(expected)?],
    };
    if elements.is_empty() {
        return Err(Reply::refused(&format!("There are no {list} in the request")));
    }
    Ok(elements)
}

/// Reads a JSON number, or a text of one, from its digits.
fn decimal(name: &str, raw: &RawValue) -> Result<E4, XeroError> {
    E4::parse(raw.get().trim_matches('"'))
        .ok_or_else(|| XeroError::refused(format!("{name} '{}' is not a decimal number", raw.get())))
}

/// Reads `2026-10-01`, with or without a time, or Microsoft's form.
fn read_day(name: &str, text: Option<&str>) -> Result<Option<Date>, XeroError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let microsoft = || {
        let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
        let digits = inner.split('+').next()?;
        let instant = Timestamp::from_millisecond(digits.parse().ok()?).ok()?;
        Some(instant.to_zoned(jiff::tz::TimeZone::UTC).date())
    };
    let iso = || text.trim_end_matches('Z').parse::<DateTime>().ok().map(|civil| civil.date());
    text.parse::<Date>()
        .ok()
        .or_else(iso)
        .or_else(microsoft)
        .map(Some)
        .ok_or_else(|| XeroError::refused(format!("{name} '{text}' is not a date")))
}

/// A text that says something.
fn given(text: &Option<String>) -> Option<String> {
    text.clone().filter(|text| !text.is_empty())
}

/// Whether the API may use an id: the nil id counts as none.
fn real(id: Option<Uuid>) -> Option<Uuid> {
    id.filter(|id| !id.is_nil())
}

/// The place of a line among those of a document.
fn place_of(document: &crate::state::Document, id: Uuid) -> Result<u32, XeroError> {
    Books::line_with_id(document, id)
        .ok_or_else(|| XeroError::refused(format!("The line item {id} could not be found")))
}

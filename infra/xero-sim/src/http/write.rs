//! Writes: purchase orders, and notes in histories.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::act::{
    Act, Changes, Currency, DocumentKind, DocumentName, E4, Line, LineAmountTypes, NewDocument, Status,
};
use crate::error::XeroError;
use crate::http::query::Query;
use crate::http::read::list_named;
use crate::http::render::{self, Detail};
use crate::http::reply::Reply;
use crate::json::Json;
use crate::state::{Books, Document, DocumentList};
use crate::world::World;
use crate::zones::day_in;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OrdersIn {
    purchase_orders: Vec<OrderIn>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OrderIn {
    #[serde(rename = "PurchaseOrderID")]
    id: Option<Uuid>,
    #[serde(rename = "PurchaseOrderNumber")]
    number: Option<String>,
    contact: Option<ContactIn>,
    date: Option<String>,
    delivery_date: Option<String>,
    expected_arrival_date: Option<String>,
    line_amount_types: Option<LineAmountTypes>,
    reference: Option<String>,
    status: Option<String>,
    line_items: Option<Vec<LineIn>>,
    currency_code: Option<String>,
    currency_rate: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct ContactIn {
    #[serde(rename = "ContactID")]
    id: Option<Uuid>,
    #[serde(rename = "ContactNumber")]
    number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LineIn {
    #[serde(rename = "LineItemID")]
    id: Option<Uuid>,
    description: Option<String>,
    quantity: Option<Box<RawValue>>,
    unit_amount: Option<Box<RawValue>>,
    item_code: Option<String>,
    account_code: Option<String>,
    tax_type: Option<String>,
}

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

/// What became of one element of a batch.
struct Outcome {
    element: OrderIn,
    done: Result<Uuid, Vec<String>>,
}

impl World {
    /// Does a write inside a commit that is already begun. A refused element leaves nothing behind.
    pub(super) fn write(
        &mut self,
        now: Timestamp,
        only_new: bool,
        segments: &[&str],
        query: &Query,
        body: &[u8],
    ) -> Reply {
        match segments {
            ["PurchaseOrders"] => self.write_orders(now, only_new, None, query, body),
            ["PurchaseOrders", id] => {
                match self.document_in(DocumentList::PurchaseOrders, id).map(|order| order.id) {
                    Some(id) => self.write_orders(now, false, Some(id), query, body),
                    None => Reply::not_found(),
                }
            }
            [endpoint, id, "History"] => self.write_notes(now, endpoint, id, body),
            _ => Reply::plain(404, "This write is not simulated"),
        }
    }

    fn write_orders(
        &mut self,
        now: Timestamp,
        only_new: bool,
        id: Option<Uuid>,
        query: &Query,
        body: &[u8],
    ) -> Reply {
        let parsed = serde_json::from_slice::<OrdersIn>(body)
            .map(|orders| orders.purchase_orders)
            .or_else(|_| serde_json::from_slice::<OrderIn>(body).map(|order| vec![order]));
        let mut orders = match parsed {
            Ok(orders) if !orders.is_empty() => orders,
            Ok(_) => return Reply::refused("There are no purchase orders in the request"),
            Err(error) => return Reply::refused(&format!("JSON for purchase orders was expected: {error}")),
        };
        if let (Some(_), [order]) = (id, orders.as_mut_slice()) {
            order.id = id;
        }
        let outcomes: Result<Vec<Outcome>, XeroError> =
            orders.into_iter().map(|element| self.write_order(now, only_new, element)).collect();
        let outcomes = match outcomes {
            Ok(outcomes) => outcomes,
            Err(error) => return Reply::plain(500, &error.to_string()),
        };
        let any_refused = outcomes.iter().any(|outcome| outcome.done.is_err());
        if any_refused && !query.is("summarizeErrors", "false") {
            // The valid elements stay written although the answer names only the others.
            return Reply::elements_refused(|elements| {
                for outcome in outcomes.iter().filter(|outcome| outcome.done.is_err()) {
                    elements.object(|json| self.outcome(json, outcome));
                }
            });
        }
        self.envelope(now, "PurchaseOrders", |all| {
            for outcome in &outcomes {
                all.object(|json| self.outcome(json, outcome));
            }
        })
    }

    fn outcome(&self, json: &mut Json, outcome: &Outcome) {
        match &outcome.done {
            Ok(id) => {
                if let Some(order) = self.books.document_with_id(*id) {
                    render::document(json, &self.books, order, Detail { lines: true, four_places: true });
                }
                json.text("StatusAttributeString", "OK");
            }
            Err(messages) => {
                json.id("PurchaseOrderID", outcome.element.id.unwrap_or_default());
                json.some_text("PurchaseOrderNumber", outcome.element.number.as_deref());
                json.some_text("Reference", outcome.element.reference.as_deref());
                json.some_text("Status", outcome.element.status.as_deref());
                json.text("StatusAttributeString", "ERROR");
                json.array("ValidationErrors", |errors| {
                    for message in messages {
                        errors.object(|error| error.text("Message", message));
                    }
                });
            }
        }
    }

    /// Writes one purchase order; the error is only for a file that can't be written.
    fn write_order(
        &mut self,
        now: Timestamp,
        only_new: bool,
        element: OrderIn,
    ) -> Result<Outcome, XeroError> {
        let done = self.order_act(now, only_new, &element).and_then(|(act, name)| {
            self.apply_within(now, &act, true)?;
            Ok(name)
        });
        let done = match done {
            Ok(name) => match self.books.document_named(name.kind, &name.number) {
                Some(order) => Ok(order.id),
                None => return Err(XeroError::NoSuchDocument(name)),
            },
            Err(XeroError::Refused(messages)) => Err(messages),
            Err(error) => return Err(error),
        };
        Ok(Outcome { element, done })
    }

    /// The act that an element asks for, with the name that the order then has.
    fn order_act(
        &self,
        now: Timestamp,
        only_new: bool,
        element: &OrderIn,
    ) -> Result<(Act, DocumentName), XeroError> {
        let status = match element.status.as_deref() {
            None => None,
            Some(word) => Some(
                Status::parse(word)
                    .ok_or_else(|| XeroError::refused(format!("Status '{word}' is not valid")))?,
            ),
        };
        let contact = match &element.contact {
            None => None,
            Some(contact) => Some(self.contact_name(contact)?),
        };
        let date = read_day("Date", element.date.as_deref())?;
        let due = read_day("DeliveryDate", element.delivery_date.as_deref())?;
        let expected_arrival = read_day("ExpectedArrivalDate", element.expected_arrival_date.as_deref())?;
        let kind = DocumentKind::PurchaseOrder;
        let Some(id) = element.id.filter(|id| !id.is_nil()) else {
            let number = match element.number.as_deref() {
                None | Some("") => self.books.next_number(kind),
                Some(number) => number.to_owned(),
            };
            let new = NewDocument {
                kind,
                number: number.clone(),
                reference: element.reference.clone().unwrap_or_default(),
                contact: contact.ok_or_else(|| {
                    XeroError::refused("A Contact must be specified for this type of transaction")
                })?,
                date: match date {
                    Some(date) => date,
                    None => self.today(now)?,
                },
                due,
                expected_arrival,
                status: status.unwrap_or(Status::Draft),
                amounts: element.line_amount_types.unwrap_or_default(),
                currency: self.currency(element)?,
                lines: lines(None, element.line_items.as_deref().unwrap_or_default())?,
            };
            return Ok((Act::CreateDocument(new), DocumentName { kind, number }));
        };
        if only_new {
            return Err(XeroError::refused("PUT creates purchase orders: use POST to change one"));
        }
        let present = self
            .books
            .document_with_id(id)
            .filter(|document| document.kind == kind)
            .ok_or_else(|| XeroError::refused("The purchase order could not be found"))?;
        let document = DocumentName { kind, number: present.number.to_string() };
        let number = element.number.clone().filter(|number| !number.is_empty());
        let changes = Changes {
            number: number.clone(),
            reference: element.reference.clone(),
            contact,
            date,
            due,
            expected_arrival,
            status,
            lines: match &element.line_items {
                None => None,
                Some(given) => Some(lines(Some(present), given)?),
            },
        };
        let name = DocumentName { kind, number: number.unwrap_or_else(|| document.number.clone()) };
        Ok((Act::EditDocument { document, changes }, name))
    }

    /// A purchase order's contact must exist: by id or by its number in another system, never by name.
    fn contact_name(&self, contact: &ContactIn) -> Result<String, XeroError> {
        let by_id = contact.id.and_then(|id| self.books.contact_with_id(id));
        let row = by_id.or_else(|| self.books.contact_with_number(contact.number.as_deref()?));
        row.map(|row| row.value.name.clone())
            .ok_or_else(|| XeroError::refused("The Contact could not be found"))
    }

    fn today(&self, now: Timestamp) -> Result<Date, XeroError> {
        let organisation = self.books.organisation.as_ref().ok_or(XeroError::NoOrganisation)?;
        day_in(&organisation.value.time_zone, now).ok_or_else(|| {
            XeroError::refused("Send a Date: today is not known in this organisation's time zone")
        })
    }

    fn currency(&self, element: &OrderIn) -> Result<Option<Currency>, XeroError> {
        let base = self.books.organisation.as_ref().map(|row| row.value.base_currency.as_str());
        let Some(code) = element.currency_code.as_deref().filter(|code| Some(*code) != base) else {
            return Ok(None);
        };
        let rate = match &element.currency_rate {
            None => return Err(XeroError::refused("Send a CurrencyRate: day rates are not simulated")),
            Some(raw) => decimal("CurrencyRate", raw)?,
        };
        if rate <= E4::ZERO {
            return Err(XeroError::refused("CurrencyRate must be above 0"));
        }
        Ok(Some(Currency { code: code.to_owned(), rate_millionths: rate.0.saturating_mul(100) }))
    }

    fn write_notes(&mut self, now: Timestamp, endpoint: &str, id: &str, body: &[u8]) -> Reply {
        let list = list_named(endpoint);
        if list.is_none() && !matches!(endpoint, "Items" | "Contacts") {
            return Reply::not_found();
        }
        let Ok(of) = Uuid::parse_str(id) else { return Reply::not_found() };
        if list.is_some_and(|list| self.document_in(list, id).is_none()) {
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

/// The lines of an element. One with the `LineItemID` of a present line continues it; one without is new.
fn lines(present: Option<&Document>, given: &[LineIn]) -> Result<Vec<Line>, XeroError> {
    let line = |line: &LineIn| {
        let continues = match (present, line.id.filter(|id| !id.is_nil())) {
            (Some(document), Some(id)) => Some(
                Books::line_with_id(document, id)
                    .ok_or_else(|| XeroError::refused(format!("The line item {id} could not be found")))?,
            ),
            _ => None,
        };
        let number =
            |name, raw: &Option<Box<RawValue>>| raw.as_ref().map_or(Ok(E4::ZERO), |raw| decimal(name, raw));
        Ok(Line {
            item_code: line.item_code.clone().filter(|code| !code.is_empty()),
            description: line.description.clone().unwrap_or_default(),
            quantity: number("Quantity", &line.quantity)?,
            unit_amount: number("UnitAmount", &line.unit_amount)?,
            account_code: line.account_code.clone().filter(|code| !code.is_empty()),
            discount_percent: E4::ZERO,
            tax_type: line.tax_type.clone().filter(|tax| !tax.is_empty()),
            continues,
        })
    };
    given.iter().map(line).collect()
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

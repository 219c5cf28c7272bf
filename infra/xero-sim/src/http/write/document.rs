//! Invoices, bills, credit notes and purchase orders; allocations of credit notes.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{TrackingIn, decimal, elements, given, place_of, read_day, real};
use crate::act::{Act, Changes, Currency, DocumentKind, E4, Line, LineAmountTypes, NewDocument, Status};
use crate::error::XeroError;
use crate::http::query::Query;
use crate::http::render::{self, Detail};
use crate::http::reply::Reply;
use crate::state::{Document, DocumentList};
use crate::world::World;
use crate::zones::day_in;

/// Nobody has published the words, so these are our own.
const NO_PERMISSION: &str = "You are not permitted to do that";
/// What Xero says when a plan's cap of approvals is reached (XeroAPI/xero-node#548).
const CAP_REACHED: &str = "You have reached the limit of invoices you can approve";
/// What Xero remarks on a mark that it ignores (developer.xero.com, Purchase orders).
const NOT_SENT: &str = "Only AUTHORISED and BILLED purchase orders may have SentToContact updated.";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DocumentIn {
    #[serde(rename = "PurchaseOrderID", alias = "InvoiceID", alias = "CreditNoteID")]
    id: Option<Uuid>,
    #[serde(rename = "PurchaseOrderNumber", alias = "InvoiceNumber", alias = "CreditNoteNumber")]
    number: Option<String>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    contact: Option<ContactIn>,
    date: Option<String>,
    #[serde(alias = "DueDate")]
    delivery_date: Option<String>,
    expected_arrival_date: Option<String>,
    line_amount_types: Option<LineAmountTypes>,
    reference: Option<String>,
    status: Option<String>,
    sent_to_contact: Option<bool>,
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
    discount_rate: Option<Box<RawValue>>,
    tracking: Option<Vec<TrackingIn>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AllocationIn {
    invoice: AllocatedIn,
    amount: Box<RawValue>,
    date: Option<String>,
}

#[derive(Deserialize)]
struct AllocatedIn {
    #[serde(rename = "InvoiceID")]
    id: Uuid,
}

/// The names of a list's id and number.
fn names(list: DocumentList) -> (&'static str, &'static str) {
    match list {
        DocumentList::Invoices => ("InvoiceID", "InvoiceNumber"),
        DocumentList::CreditNotes => ("CreditNoteID", "CreditNoteNumber"),
        DocumentList::PurchaseOrders => ("PurchaseOrderID", "PurchaseOrderNumber"),
        DocumentList::BankTransactions => ("BankTransactionID", "Reference"),
    }
}

impl World {
    pub(super) fn write_documents(
        &mut self,
        now: Timestamp,
        list: DocumentList,
        only_new: bool,
        id: Option<Uuid>,
        query: &Query,
        body: &[u8],
    ) -> Reply {
        let mut all = match elements::<DocumentIn>(body, list.endpoint()) {
            Ok(all) => all,
            Err(refusal) => return refusal,
        };
        if let (Some(_), [one]) = (id, all.as_mut_slice()) {
            one.id = id;
        }
        // Purchase orders always have four places, and there is no parameter for it.
        let four_places = list == DocumentList::PurchaseOrders || query.four_places();
        self.write_each(
            now,
            list.endpoint(),
            query,
            all,
            |world, element| world.write_document(now, list, only_new, four_places, element),
            |world, json, element, id| match id.and_then(|id| world.books.document_with_id(id)) {
                Some(document) => {
                    render::document(json, &world.books, document, Detail { lines: true, four_places });
                }
                None => {
                    let (id_name, number_name) = names(list);
                    json.id(id_name, element.id.unwrap_or_default());
                    json.some_text(number_name, element.number.as_deref());
                    json.some_text("Status", element.status.as_deref());
                }
            },
        )
    }

    fn write_document(
        &mut self,
        now: Timestamp,
        list: DocumentList,
        only_new: bool,
        four_places: bool,
        element: &DocumentIn,
    ) -> Result<(Uuid, Vec<String>), XeroError> {
        let status = match element.status.as_deref() {
            None => None,
            Some(word) => Some(
                Status::parse(word)
                    .ok_or_else(|| XeroError::refused(format!("Status '{word}' is not valid")))?,
            ),
        };
        let contact = element.contact.as_ref().map(|contact| self.contact_name(contact)).transpose()?;
        let date = read_day("Date", element.date.as_deref())?;
        let due = read_day("DeliveryDate", element.delivery_date.as_deref())?;
        let expected_arrival = read_day("ExpectedArrivalDate", element.expected_arrival_date.as_deref())?;
        let lines = |present| {
            let given = element.line_items.as_deref().unwrap_or_default();
            self.lines(present, given, four_places)
        };
        let Some(id) = real(element.id) else {
            let kind = kind_of(list, element.kind.as_deref())?;
            self.check_allowed(kind, Some(status.unwrap_or(Status::Draft)))?;
            let number = match given(&element.number) {
                None => self.books.next_number(kind),
                Some(number) => number,
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
                lines: lines(None)?,
            };
            self.apply_within(now, &Act::CreateDocument(new), true)?;
            let written = self.books.document_named(kind, &number).map(|document| document.id);
            return Ok((written.unwrap_or_default(), Vec::new()));
        };
        if only_new {
            return Err(XeroError::refused("PUT creates documents: use POST to change one"));
        }
        let missing = || XeroError::refused("The document could not be found");
        let present = self.books.document_with_id(id).ok_or_else(missing)?;
        if DocumentList::of(present.kind) != list {
            return Err(missing());
        }
        let approves = status == Some(Status::Authorised) && present.status != Status::Authorised;
        self.check_allowed(present.kind, status.filter(|_| approves))?;
        if matches!(status, Some(Status::Paid)) && present.status != Status::Paid {
            return Err(XeroError::refused("Status PAID comes by payments only"));
        }
        let next = status.unwrap_or(present.status);
        let may_be_sent = matches!(next, Status::Authorised | Status::Billed);
        let warnings = match element.sent_to_contact {
            Some(_) if list == DocumentList::PurchaseOrders && !may_be_sent => vec![NOT_SENT.to_owned()],
            _ => Vec::new(),
        };
        let changes = Changes {
            number: given(&element.number),
            reference: element.reference.clone(),
            contact,
            date,
            due,
            expected_arrival,
            currency: self.currency(element)?,
            status,
            lines: element.line_items.as_ref().map(|_| lines(Some(present))).transpose()?,
            sent: element.sent_to_contact.filter(|_| warnings.is_empty()),
        };
        self.apply_within(now, &Act::EditDocumentById { id, changes }, true)?;
        Ok((id, warnings))
    }

    /// Refuses an approval that the plan's cap forbids, and a draft order or, by its switch, a credit note that the role forbids.
    fn check_allowed(&self, kind: DocumentKind, status: Option<Status>) -> Result<(), XeroError> {
        let credits_need_it = self.settings.switches.credit_notes_need_draft_action;
        let (action, words) = match (kind, status) {
            (DocumentKind::Bill, Some(Status::Authorised)) => ("CreateApprovedBill", CAP_REACHED),
            (DocumentKind::Invoice, Some(Status::Authorised)) => ("CreateApprovedInvoice", CAP_REACHED),
            (DocumentKind::PurchaseOrder, Some(Status::Draft)) => ("CreateDraftPurchaseOrder", NO_PERMISSION),
            (DocumentKind::SupplierCredit, Some(_)) if credits_need_it => ("CreateDraftBill", NO_PERMISSION),
            (DocumentKind::SalesCredit, Some(_)) if credits_need_it => ("CreateDraftInvoice", NO_PERMISSION),
            _ => return Ok(()),
        };
        match self.books.forbidden.contains(action) {
            true => Err(XeroError::refused(words)),
            false => Ok(()),
        }
    }

    /// A document's contact must exist: by id or by its number in another system, never by name.
    fn contact_name(&self, contact: &ContactIn) -> Result<String, XeroError> {
        let by_id = contact.id.and_then(|id| self.books.contact_with_id(id));
        let row = by_id.or_else(|| self.books.contact_with_number(contact.number.as_deref()?));
        let row = row.ok_or_else(|| XeroError::refused("The Contact could not be found"))?;
        if self.books.merged.contains_key(&row.id) {
            return Err(XeroError::refused("The Contact is archived"));
        }
        Ok(row.value.name.clone())
    }

    fn today(&self, now: Timestamp) -> Result<Date, XeroError> {
        let organisation = self.books.organisation.as_ref().ok_or(XeroError::NoOrganisation)?;
        day_in(&organisation.value.time_zone, now).ok_or_else(|| {
            XeroError::refused("Send a Date: today is not known in this organisation's time zone")
        })
    }

    fn currency(&self, element: &DocumentIn) -> Result<Option<Currency>, XeroError> {
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

    /// The lines of an element. One with the `LineItemID` of a present line continues it; one without is new.
    fn lines(
        &self,
        present: Option<&Document>,
        given_lines: &[LineIn],
        four_places: bool,
    ) -> Result<Vec<Line>, XeroError> {
        let line = |line: &LineIn| {
            let continues = match (present, real(line.id)) {
                (Some(document), Some(id)) => Some(place_of(document, id)?),
                _ => None,
            };
            let number = |name, raw: &Option<Box<RawValue>>| {
                raw.as_ref().map_or(Ok(E4::ZERO), |raw| decimal(name, raw))
            };
            let price = number("UnitAmount", &line.unit_amount)?;
            Ok(Line {
                item_code: given(&line.item_code),
                description: line.description.clone().unwrap_or_default(),
                quantity: number("Quantity", &line.quantity)?,
                // Without unitdp=4 prices are cut to two places as they are written, too.
                unit_amount: if four_places { price } else { price.round2() },
                account_code: given(&line.account_code),
                discount_percent: number("DiscountRate", &line.discount_rate)?,
                tax_type: given(&line.tax_type).filter(|name| name != "NONE"),
                continues,
                tracking: self.tracking(line.tracking.as_deref().unwrap_or_default())?,
            })
        };
        given_lines.iter().map(line).collect()
    }

    pub(super) fn write_allocations(
        &mut self,
        now: Timestamp,
        id: &str,
        query: &Query,
        body: &[u8],
    ) -> Reply {
        let Some(credit) = self.document_in(DocumentList::CreditNotes, id).map(|note| note.id) else {
            return Reply::not_found();
        };
        let all = match elements::<AllocationIn>(body, "Allocations") {
            Ok(all) => all,
            Err(refusal) => return refusal,
        };
        self.write_each(
            now,
            "Allocations",
            query,
            all,
            |world, element| {
                let amount = decimal("Amount", &element.amount)?;
                let date = match read_day("Date", element.date.as_deref())? {
                    Some(date) => date,
                    None => world.today(now)?,
                };
                let act = Act::Allocate { credit, invoice: element.invoice.id, amount, date };
                world.apply_within(now, &act, true)?;
                let last = world.books.allocations.last().map(|allocation| allocation.id);
                Ok((last.unwrap_or_default(), Vec::new()))
            },
            |world, json, element, id| {
                let written = id.and_then(|id| world.books.allocations.iter().find(|one| one.id == id));
                match written {
                    Some(allocation) => render::allocation(json, &world.books, allocation),
                    None => {
                        if let Ok(amount) = decimal("Amount", &element.amount) {
                            json.two("Amount", amount);
                        }
                        let date = read_day("Date", element.date.as_deref()).ok().flatten();
                        if let Some(date) = date.or_else(|| world.today(now).ok()) {
                            json.day("Date", date);
                        }
                        json.nested("Invoice", |invoice| invoice.id("InvoiceID", element.invoice.id));
                    }
                }
            },
        )
    }
}

/// The kind of document that is to be made.
fn kind_of(list: DocumentList, word: Option<&str>) -> Result<DocumentKind, XeroError> {
    if list == DocumentList::PurchaseOrders {
        return Ok(DocumentKind::PurchaseOrder);
    }
    DocumentKind::ALL
        .into_iter()
        .find(|kind| DocumentList::of(*kind) == list && Some(kind.xero_type()) == word)
        .ok_or_else(|| XeroError::refused("Type must be one of the list's types"))
}

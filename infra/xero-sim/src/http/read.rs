//! Reads.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::act::{Account, Contact, DocumentKind, Status};
use crate::http::query::{Field, Page, Query};
use crate::http::render::{self, Detail};
use crate::http::reply::Reply;
use crate::json::Json;
use crate::state::{AdvanceList, Books, Document, DocumentList, Row, StockedItem};
use crate::world::World;

/// What a custom connection with all scopes may do in a demo company.
const ACTIONS: [&str; 12] = [
    "CreateApprovedInvoice",
    "CreateApprovedBill",
    "CreateApprovedPurchaseOrder",
    "CreateDraftInvoice",
    "CreateDraftBill",
    "CreateDraftPurchaseOrder",
    "CreateInvoicePayment",
    "CreateManualJournal",
    "CreateRepeatingBill",
    "CreateRepeatingInvoice",
    "AttachFilesIntoInvoice",
    "UseMulticurrency",
];

/// The list that an endpoint's name means.
pub(super) fn list_named(endpoint: &str) -> Option<DocumentList> {
    [
        DocumentList::Invoices,
        DocumentList::CreditNotes,
        DocumentList::PurchaseOrders,
        DocumentList::BankTransactions,
    ]
    .into_iter()
    .find(|list| list.endpoint() == endpoint)
}

/// The part of a list that a page shows.
pub(super) struct Shown<T> {
    pub(super) rows: Vec<T>,
    pub(super) page: Option<(Page, usize)>,
}

pub(super) fn turn_page<T>(rows: Vec<T>, page: Option<Page>) -> Shown<T> {
    match page {
        None => Shown { rows, page: None },
        Some(page) => {
            let all = rows.len();
            let skipped = (page.number - 1).saturating_mul(page.size);
            Shown { rows: rows.into_iter().skip(skipped).take(page.size).collect(), page: Some((page, all)) }
        }
    }
}

impl World {
    pub(super) fn read(&self, now: Timestamp, segments: &[&str], query: &Query) -> Reply {
        let answer = match segments {
            ["Organisation"] => self.organisation(now),
            ["Organisation", "Actions"] => self.actions(now),
            ["Accounts"] => self.accounts(now, query),
            ["Contacts"] => self.contacts(now, query),
            ["Contacts", id] => self.contact(now, id),
            ["Items"] => self.item_list(now, query),
            ["Items", id] => self.item(now, id, query),
            ["Prepayments"] => self.advances(now, AdvanceList::Prepayments, query),
            ["Overpayments"] => self.advances(now, AdvanceList::Overpayments, query),
            ["Payments"] => self.payments(now, query),
            ["ManualJournals"] => self.journals(now, query),
            ["ManualJournals", id] => self.journal(now, id),
            ["TaxRates"] => Ok(self.tax_rates(now)),
            ["TrackingCategories"] => Ok(self.tracking_categories(now)),
            ["Currencies"] => Ok(self.currencies(now)),
            ["BrandingThemes"] => Ok(self.branding_themes(now)),
            ["Reports", "BalanceSheet"] => self.balance_sheet(now, query),
            ["Reports", "TrialBalance"] => self.trial_balance(now, query),
            [endpoint, id, "Attachments"] => self.attachments(now, endpoint, id),
            [endpoint, id, "Attachments", which] => self.attachment(endpoint, id, which),
            [_, id, "History"] => self.history(now, id),
            [endpoint] => match list_named(endpoint) {
                Some(list) => self.document_list(now, list, query),
                None => Err(Reply::not_found()),
            },
            [endpoint, id] => self.one_document(now, endpoint, id, query),
            _ => Err(Reply::not_found()),
        };
        answer.unwrap_or_else(|refusal| refusal)
    }

    /// Wraps resources as every answer is wrapped.
    pub(super) fn envelope(&self, now: Timestamp, name: &str, fill: impl FnOnce(&mut Json)) -> Reply {
        self.paged_envelope(now, name, None, fill)
    }

    pub(super) fn paged_envelope(
        &self,
        now: Timestamp,
        name: &str,
        page: Option<(Page, usize)>,
        fill: impl FnOnce(&mut Json),
    ) -> Reply {
        let mut json = Json::new();
        json.object(|answer| {
            answer.id("Id", self.ids.id(&format!("answer/{}", self.meter.used.calls)));
            answer.text("Status", "OK");
            answer.text("ProviderName", "parstock");
            answer.text("DateTimeUTC", &format!("/Date({})/", now.as_millisecond()));
            if let Some((page, items)) = page {
                answer.nested("pagination", |pagination| {
                    pagination.count("page", page.number);
                    pagination.count("pageSize", page.size);
                    pagination.count("pageCount", items.div_ceil(page.size));
                    pagination.count("itemCount", items);
                });
            }
            answer.array(name, fill);
        });
        Reply::json(200, json.into_string())
    }

    fn organisation(&self, now: Timestamp) -> Result<Reply, Reply> {
        let row = self.books.organisation.as_ref().ok_or_else(Reply::not_found)?;
        Ok(self.envelope(now, "Organisations", |all| all.object(|json| render::organisation(json, row))))
    }

    fn actions(&self, now: Timestamp) -> Result<Reply, Reply> {
        Ok(self.envelope(now, "Actions", |all| {
            for name in ACTIONS {
                let allowed = !self.books.forbidden.contains(name);
                all.object(|json| {
                    json.text("Name", name);
                    json.text("Status", if allowed { "ALLOWED" } else { "NOT-ALLOWED" });
                });
            }
        }))
    }

    fn accounts(&self, now: Timestamp, query: &Query) -> Result<Reply, Reply> {
        let rows = self.books.accounts.iter().filter(|row| row.updated >= query.modified_since);
        let rows = query.select(rows, |row, name| account_field(row, name))?;
        Ok(self.envelope(now, "Accounts", |all| {
            for row in rows {
                all.object(|json| render::account(json, row));
            }
        }))
    }

    fn contacts(&self, now: Timestamp, query: &Query) -> Result<Reply, Reply> {
        let ids = query.list("IDs");
        let mut rows: Vec<_> = self
            .books
            .contacts
            .iter()
            .filter(|row| row.updated >= query.modified_since)
            .filter(|row| ids.as_ref().is_none_or(|ids| ids.contains(&row.id.to_string())))
            .filter(|row| {
                let archived = self.books.merged.contains_key(&row.id);
                !archived || ids.is_some() || query.is("includeArchived", "true")
            })
            .collect();
        rows.sort_by_key(|row| (row.updated, row.id));
        let shown =
            turn_page(query.select(rows.into_iter(), |row, name| contact_field(row, name))?, query.page);
        Ok(self.paged_envelope(now, "Contacts", shown.page, |all| {
            for row in shown.rows {
                all.object(|json| render::contact(json, &self.books, row));
            }
        }))
    }

    fn contact(&self, now: Timestamp, id: &str) -> Result<Reply, Reply> {
        let by_id = Uuid::parse_str(id).ok().and_then(|id| self.books.contact_with_id(id));
        let row = by_id.or_else(|| self.books.contact_with_number(id)).ok_or_else(Reply::not_found)?;
        Ok(self.envelope(now, "Contacts", |all| all.object(|json| render::contact(json, &self.books, row))))
    }

    /// Items are not paged: all that match come in one answer.
    fn item_list(&self, now: Timestamp, query: &Query) -> Result<Reply, Reply> {
        let items = self.books.items.iter().filter(|row| !row.value.deleted);
        let mut rows: Vec<_> = items.filter(|row| row.updated >= query.modified_since).collect();
        rows.sort_by_key(|row| (row.updated, row.id));
        let rows = query.select(rows.into_iter(), |row, name| item_field(row, name))?;
        Ok(self.envelope(now, "Items", |all| {
            for row in rows {
                all.object(|json| render::item(json, row, query.four_places()));
            }
        }))
    }

    fn item(&self, now: Timestamp, id: &str, query: &Query) -> Result<Reply, Reply> {
        let by_id = Uuid::parse_str(id).ok().and_then(|id| self.books.item_with_id(id));
        let row = by_id.or_else(|| self.books.item_with_code(id)).ok_or_else(Reply::not_found)?;
        Ok(self.envelope(now, "Items", |all| all.object(|json| render::item(json, row, query.four_places()))))
    }

    fn history(&self, now: Timestamp, id: &str) -> Result<Reply, Reply> {
        let id = Uuid::parse_str(id).map_err(|_| Reply::not_found())?;
        if !self.books.has_history(id) {
            return Err(Reply::not_found());
        }
        Ok(self.envelope(now, "HistoryRecords", |all| {
            for note in self.books.notes.get(&id).into_iter().flatten().rev() {
                all.object(|json| render::note(json, note));
            }
        }))
    }

    fn document_list(&self, now: Timestamp, list: DocumentList, query: &Query) -> Result<Reply, Reply> {
        let wanted = Wanted::read(list, query, self.settings.switches.lists_omit_deleted)?;
        let rows = match &wanted.ids {
            None => {
                let changed = self.books.changed_since(list, query.modified_since);
                query.select(changed.filter(|document| wanted.has(&self.books, document)), |row, name| {
                    document_field(row, name)
                })?
            }
            Some(ids) => {
                let mut named: Vec<&Document> = ids
                    .iter()
                    .filter_map(|id| self.document_in(list, id))
                    .filter(|document| document.updated >= query.modified_since)
                    .collect();
                named.sort_by_key(|document| (document.updated, document.id));
                let named = named.into_iter().filter(|document| wanted.has(&self.books, document));
                query.select(named, |row, name| document_field(row, name))?
            }
        };
        let shown = turn_page(rows, query.page);
        // Without a page there are no lines.
        let lines = query.page.is_some() && !query.is("summaryOnly", "true");
        let detail = Detail { lines, four_places: query.four_places() };
        Ok(self.paged_envelope(now, list.endpoint(), shown.page, |all| {
            for document in shown.rows {
                all.object(|json| render::document(json, &self.books, document, detail));
            }
        }))
    }

    fn one_document(&self, now: Timestamp, endpoint: &str, id: &str, query: &Query) -> Result<Reply, Reply> {
        let list = list_named(endpoint).ok_or_else(Reply::not_found)?;
        let document = self.document_in(list, id).ok_or_else(Reply::not_found)?;
        let detail = Detail { lines: true, four_places: query.four_places() };
        Ok(self.envelope(now, list.endpoint(), |all| {
            all.object(|json| render::document(json, &self.books, document, detail));
        }))
    }

    /// A document of a list by its id, or by its number where that is unique.
    pub(super) fn document_in(&self, list: DocumentList, id: &str) -> Option<&Document> {
        let found = match Uuid::parse_str(id) {
            Ok(id) => self.books.document_with_id(id),
            Err(_) => [DocumentKind::Invoice, DocumentKind::SalesCredit, DocumentKind::PurchaseOrder]
                .into_iter()
                .filter(|kind| DocumentList::of(*kind) == list)
                .find_map(|kind| self.books.document_named(kind, id)),
        };
        found.filter(|document| DocumentList::of(document.kind) == list)
    }
}

/// The filters of a list of documents that are no `where`. A list that doesn't know a parameter ignores it.
struct Wanted {
    ids: Option<BTreeSet<String>>,
    numbers: Option<BTreeSet<String>>,
    statuses: Option<BTreeSet<String>>,
    contacts: Option<BTreeSet<String>>,
    omit_deleted: bool,
    from: Option<jiff::civil::Date>,
    to: Option<jiff::civil::Date>,
}

impl Wanted {
    fn read(list: DocumentList, query: &Query, lists_omit_deleted: bool) -> Result<Wanted, Reply> {
        let mut wanted = Wanted {
            ids: None,
            numbers: None,
            statuses: None,
            contacts: None,
            omit_deleted: false,
            from: None,
            to: None,
        };
        match list {
            DocumentList::Invoices => {
                wanted.ids = query.list("IDs");
                wanted.numbers = query.list("InvoiceNumbers");
                wanted.statuses = query.list("Statuses");
                wanted.contacts = query.list("ContactIDs");
                let asked = wanted.ids.is_some() || wanted.numbers.is_some() || wanted.statuses.is_some();
                wanted.omit_deleted = lists_omit_deleted && !asked;
            }
            DocumentList::PurchaseOrders => {
                wanted.statuses = query.list("Status");
                wanted.from = query.day("DateFrom")?;
                wanted.to = query.day("DateTo")?;
            }
            DocumentList::CreditNotes | DocumentList::BankTransactions => {}
        }
        Ok(wanted)
    }

    fn has(&self, books: &Books, document: &Document) -> bool {
        let among = |set: &Option<BTreeSet<String>>, text: &dyn Fn() -> String| {
            set.as_ref().is_none_or(|set| set.contains(&text().to_ascii_lowercase()))
        };
        let gone = matches!(document.status, Status::Voided | Status::Deleted);
        among(&self.numbers, &|| document.number.to_string())
            && among(&self.contacts, &|| {
                books.contact(document.contact).map_or_else(String::new, |row| row.id.to_string())
            })
            && among(&self.statuses, &|| document.status.xero().to_owned())
            && !(self.omit_deleted && gone)
            && self.from.is_none_or(|from| document.date >= from)
            && self.to.is_none_or(|to| document.date <= to)
    }
}

fn account_field(row: &Row<Account>, name: &str) -> Option<Field> {
    match name {
        "Type" => Some(Field::Text(row.value.account_type.clone())),
        "Code" => Some(Field::Text(row.value.code.clone())),
        "Name" => Some(Field::Text(row.value.name.clone())),
        "Status" => Some(Field::Text("ACTIVE".to_owned())),
        "UpdatedDateUTC" => Some(Field::Instant(row.updated)),
        _ => None,
    }
}

fn contact_field(row: &Row<Contact>, name: &str) -> Option<Field> {
    match name {
        "Name" => Some(Field::Text(row.value.name.clone())),
        "ContactStatus" => Some(Field::Text("ACTIVE".to_owned())),
        "IsSupplier" => Some(Field::Flag(row.value.is_supplier)),
        "IsCustomer" => Some(Field::Flag(row.value.is_customer)),
        "UpdatedDateUTC" => Some(Field::Instant(row.updated)),
        _ => None,
    }
}

fn item_field(row: &Row<StockedItem>, name: &str) -> Option<Field> {
    match name {
        "Code" => Some(Field::Text(row.value.item.code.clone())),
        "Name" => Some(Field::Text(row.value.item.name.clone())),
        "IsTrackedAsInventory" => Some(Field::Flag(row.value.is_tracked())),
        "IsSold" | "IsPurchased" => Some(Field::Flag(true)),
        "UpdatedDateUTC" => Some(Field::Instant(row.updated)),
        _ => None,
    }
}

pub(super) fn document_field(document: &Document, name: &str) -> Option<Field> {
    match name {
        "Type" => Some(Field::Text(document.kind.xero_type().to_owned())),
        "Status" => Some(Field::Text(document.status.xero().to_owned())),
        "InvoiceNumber" | "CreditNoteNumber" | "PurchaseOrderNumber" => {
            Some(Field::Text(document.number.to_string()))
        }
        "Reference" => Some(Field::Text(document.reference.to_string())),
        "Date" => Some(Field::Day(document.date)),
        "InvoiceID" | "CreditNoteID" | "PurchaseOrderID" | "BankTransactionID" => {
            Some(Field::Text(document.id.to_string()))
        }
        "UpdatedDateUTC" => Some(Field::Instant(document.updated)),
        _ => None,
    }
}

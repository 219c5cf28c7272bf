//! Reads of what stands beside the documents, and printed orders.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use uuid::Uuid;

use crate::act::{E4, form_of};
use crate::http::query::{Field, Query};
use crate::http::read::{document_field, turn_page};
use crate::http::render::{self, Detail};
use crate::http::reply::Reply;
use crate::ids::advance_id;
use crate::state::{AdvanceList, DocumentList, Journal, Payment, Row};
use crate::world::World;

impl World {
    pub(super) fn advances(&self, now: Timestamp, list: AdvanceList, query: &Query) -> Result<Reply, Reply> {
        let money = self.books.changed_since(DocumentList::BankTransactions, query.modified_since);
        let rows = money.filter(|document| AdvanceList::of(document.kind) == Some(list));
        let rows = query.select(rows, |document, name| match name {
            name if name == list.id_name() => Some(Field::Text(advance_id(document.id).to_string())),
            name => document_field(document, name),
        })?;
        let shown = turn_page(rows, query.page);
        let detail = Detail { lines: query.page.is_some(), four_places: query.four_places() };
        Ok(self.paged_envelope(now, list.endpoint(), shown.page, |all| {
            for document in shown.rows {
                all.object(|json| render::advance(json, &self.books, document, list, detail));
            }
        }))
    }

    pub(super) fn payments(&self, now: Timestamp, query: &Query) -> Result<Reply, Reply> {
        let mut rows: Vec<&Row<Payment>> =
            self.books.payments.iter().filter(|row| row.updated >= query.modified_since).collect();
        rows.sort_by_key(|row| (row.updated, row.id));
        let rows = query.select(rows.into_iter(), |row, name| match name {
            "Status" => {
                let word = if row.value.is_deleted { "DELETED" } else { "AUTHORISED" };
                Some(Field::Text(word.to_owned()))
            }
            "Date" => Some(Field::Day(row.value.date)),
            "PaymentID" => Some(Field::Text(row.id.to_string())),
            "UpdatedDateUTC" => Some(Field::Instant(row.updated)),
            _ => None,
        })?;
        let shown = turn_page(rows, query.page);
        Ok(self.paged_envelope(now, "Payments", shown.page, |all| {
            for row in shown.rows {
                all.object(|json| render::payment(json, &self.books, row));
            }
        }))
    }

    pub(super) fn journals(&self, now: Timestamp, query: &Query) -> Result<Reply, Reply> {
        let mut rows: Vec<&Row<Journal>> =
            self.books.journals.iter().filter(|row| row.updated >= query.modified_since).collect();
        rows.sort_by_key(|row| (row.updated, row.id));
        // Xero's specification names no field of journals to filter by, so the narration is none here.
        let rows = query.select(rows.into_iter(), |row, name| match name {
            "Status" => Some(Field::Text(row.value.status.xero().to_owned())),
            "Date" => Some(Field::Day(row.value.date)),
            "ManualJournalID" => Some(Field::Text(row.id.to_string())),
            "UpdatedDateUTC" => Some(Field::Instant(row.updated)),
            _ => None,
        })?;
        let shown = turn_page(rows, query.page);
        let lines = query.page.is_some();
        Ok(self.paged_envelope(now, "ManualJournals", shown.page, |all| {
            for row in shown.rows {
                all.object(|json| render::journal(json, &self.books, row, lines));
            }
        }))
    }

    pub(super) fn journal(&self, now: Timestamp, id: &str) -> Result<Reply, Reply> {
        let id = Uuid::parse_str(id).map_err(|_| Reply::not_found())?;
        let row = self.books.journals.iter().find(|row| row.id == id).ok_or_else(Reply::not_found)?;
        Ok(self.envelope(now, "ManualJournals", |all| {
            all.object(|json| render::journal(json, &self.books, row, true));
        }))
    }

    pub(super) fn tax_rates(&self, now: Timestamp) -> Reply {
        let rates = self.books.organisation.iter().flat_map(|row| &row.value.tax_rates);
        let none = ("NONE", E4::ZERO);
        let rates = rates.map(|rate| (rate.tax_type.as_str(), rate.percent)).chain([none]);
        self.envelope(now, "TaxRates", |all| {
            for (name, percent) in rates {
                all.object(|json| {
                    json.text("Name", name);
                    json.text("TaxType", name);
                    json.text("Status", "ACTIVE");
                    json.flag("CanApplyToAssets", true);
                    json.flag("CanApplyToExpenses", true);
                    json.flag("CanApplyToRevenue", true);
                    json.four("DisplayTaxRate", percent);
                    json.four("EffectiveRate", percent);
                });
            }
        })
    }

    pub(super) fn tracking_categories(&self, now: Timestamp) -> Reply {
        self.envelope(now, "TrackingCategories", |all| {
            for row in &self.books.tracking {
                all.object(|json| render::tracking_category(json, row));
            }
        })
    }

    /// The base currency, and those that documents are in.
    pub(super) fn currencies(&self, now: Timestamp) -> Reply {
        let base = self.books.organisation.iter().map(|row| row.value.base_currency.as_str());
        let foreign = self.books.documents.iter().filter_map(|document| document.currency.as_deref());
        let codes: BTreeSet<&str> = base.chain(foreign.map(|currency| currency.code.as_str())).collect();
        self.envelope(now, "Currencies", |all| {
            for code in codes {
                all.object(|json| {
                    json.text("Code", code);
                    json.text("Description", code);
                });
            }
        })
    }

    pub(super) fn branding_themes(&self, now: Timestamp) -> Reply {
        self.envelope(now, "BrandingThemes", |all| {
            all.object(|json| {
                json.id("BrandingThemeID", self.ids.id("branding theme"));
                json.text("Name", "Standard");
                json.count("SortOrder", 0);
                json.instant("CreatedDateUTC", 0);
            });
        })
    }

    pub(super) fn attachments(&self, now: Timestamp, endpoint: &str, id: &str) -> Result<Reply, Reply> {
        let of = self.attached_to(endpoint, id).ok_or_else(Reply::not_found)?;
        Ok(self.envelope(now, "Attachments", |all| {
            for file in self.books.attachments.get(&of).into_iter().flatten() {
                all.object(|json| render::attachment(json, endpoint, of, file));
            }
        }))
    }

    /// A file beside a document, by its id or its name.
    pub(super) fn attachment(&self, endpoint: &str, id: &str, which: &str) -> Result<Reply, Reply> {
        let of = self.attached_to(endpoint, id).ok_or_else(Reply::not_found)?;
        let mut files = self.books.attachments.get(&of).into_iter().flatten();
        let file = files.find(|file| file.file_name == which || file.id.to_string() == which);
        let file = file.ok_or_else(Reply::not_found)?;
        let content = STANDARD.decode(&file.content);
        let content =
            content.map_err(|error| Reply::plain(500, &format!("the simulator's file: {error}")))?;
        Ok(Reply::file(form_of(&file.file_name), content))
    }

    /// An order as a PDF: the shortest that is one, with the order's number in it.
    pub(super) fn print_order(&self, segments: &[&str]) -> Reply {
        let [_, id] = segments else { return Reply::not_found() };
        match self.document_in(DocumentList::PurchaseOrders, id) {
            Some(order) => Reply::pdf(format!("%PDF-1.4\n% Purchase order {}\n%%EOF\n", order.number)),
            None => Reply::not_found(),
        }
    }
}

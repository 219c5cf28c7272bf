//! Resources as Xero writes them in JSON.

use uuid::Uuid;

use crate::act::{
    Account, Contact, DocumentKind, E4, Organisation, Status, Tracking, TrackingCategory, TrackingChoice,
};
use crate::ids::{advance_id, line_id};
use crate::json::Json;
use crate::state::{
    AdvanceList, Allocation, Attachment, Books, Document, DocumentList, Journal, Note, Payment, Row,
    StockedItem, StoredLine,
};

/// How much of a document is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detail {
    /// With its lines.
    pub(crate) lines: bool,
    /// Prices at four places instead of two.
    pub(crate) four_places: bool,
}

pub(crate) fn organisation(json: &mut Json, row: &Row<Organisation>) {
    let organisation = &row.value;
    json.id("OrganisationID", row.id);
    json.text("Name", &organisation.name);
    json.text("LegalName", &organisation.name);
    json.flag("PaysTax", true);
    json.text("Version", version_of(&organisation.country));
    json.text("OrganisationType", "COMPANY");
    json.text("BaseCurrency", &organisation.base_currency);
    json.text("CountryCode", &organisation.country);
    json.flag("IsDemoCompany", true);
    json.text("OrganisationStatus", "ACTIVE");
    if let Some(lock) = organisation.period_lock_date {
        json.day("PeriodLockDate", lock);
    }
    if let Some(lock) = organisation.end_of_year_lock_date {
        json.day("EndOfYearLockDate", lock);
    }
    json.instant("CreatedDateUTC", row.updated);
    json.text("Timezone", &organisation.time_zone);
    json.text("ShortCode", &format!("!{}", row.id.simple().to_string().get(..5).unwrap_or_default()));
    json.text("Edition", "BUSINESS");
    json.text("Class", "DEMO");
}

/// The edition of Xero of a country: Britain has another name here than in ISO 3166, most countries have none.
fn version_of(country: &str) -> &'static str {
    match country {
        "AU" => "AU",
        "NZ" => "NZ",
        "GB" => "UK",
        "US" => "US",
        _ => "GLOBAL",
    }
}

pub(crate) fn account(json: &mut Json, row: &Row<Account>) {
    let account = &row.value;
    json.id("AccountID", row.id);
    json.text("Code", &account.code);
    json.text("Name", &account.name);
    json.text("Status", "ACTIVE");
    json.text("Type", &account.account_type);
    json.text("Class", class_of(&account.account_type));
    json.some_text("SystemAccount", account.system_account.as_deref());
    json.flag("EnablePaymentsToAccount", false);
    json.instant("UpdatedDateUTC", row.updated);
}

pub(crate) fn class_of(account_type: &str) -> &'static str {
    match account_type {
        "REVENUE" | "SALES" | "OTHERINCOME" => "REVENUE",
        "DIRECTCOSTS" | "EXPENSE" | "OVERHEADS" | "DEPRECIATN" => "EXPENSE",
        "CURRLIAB" | "LIABILITY" | "TERMLIAB" => "LIABILITY",
        "EQUITY" => "EQUITY",
        _ => "ASSET",
    }
}

pub(crate) fn contact(json: &mut Json, books: &Books, row: &Row<Contact>) {
    let contact = &row.value;
    json.id("ContactID", row.id);
    json.some_text("ContactNumber", contact.contact_number.as_deref());
    let merged_into = books.merged.get(&row.id);
    json.text("ContactStatus", if merged_into.is_some() { "ARCHIVED" } else { "ACTIVE" });
    if let Some(id) = merged_into {
        json.id("MergedToContactID", *id);
    }
    json.text("Name", &contact.name);
    json.some_text("EmailAddress", contact.email.as_deref());
    json.flag("IsSupplier", contact.is_supplier);
    json.flag("IsCustomer", contact.is_customer);
    json.instant("UpdatedDateUTC", row.updated);
}

/// Writes a price at the places asked for.
fn price(json: &mut Json, name: &str, value: E4, four_places: bool) {
    if four_places { json.four(name, value) } else { json.two(name, value) }
}

pub(crate) fn item(json: &mut Json, row: &Row<StockedItem>, four_places: bool) {
    let StockedItem { item, stock, .. } = &row.value;
    json.id("ItemID", row.id);
    json.text("Code", &item.code);
    json.text("Name", &item.name);
    json.text("Description", &item.description);
    json.instant("UpdatedDateUTC", row.updated);
    json.nested("PurchaseDetails", |details| {
        price(details, "UnitPrice", item.purchase_price, four_places);
        match &item.tracking {
            Tracking::Tracked { cogs_account, .. } => details.text("COGSAccountCode", cogs_account),
            Tracking::Untracked { purchase_account } => details.text("AccountCode", purchase_account),
        }
    });
    json.nested("SalesDetails", |details| {
        price(details, "UnitPrice", item.sales_price, four_places);
        details.text("AccountCode", &item.sales_account);
    });
    json.flag("IsTrackedAsInventory", row.value.is_tracked());
    if let Tracking::Tracked { asset_account, .. } = &item.tracking {
        json.text("InventoryAssetAccountCode", asset_account);
        json.two("TotalCostPool", stock.cost_pool);
        json.four("QuantityOnHand", stock.on_hand);
        // Back-orders are not simulated, so all that is there is available.
        json.four("QuantityAvailable", stock.on_hand);
        json.four("QuantityOnBackOrder", E4::ZERO);
    }
    json.flag("IsSold", true);
    json.flag("IsPurchased", true);
}

pub(crate) fn document(json: &mut Json, books: &Books, document: &Document, detail: Detail) {
    let list = DocumentList::of(document.kind);
    match list {
        DocumentList::Invoices => invoice_head(json, document),
        DocumentList::CreditNotes => credit_note_head(json, books, document),
        DocumentList::PurchaseOrders => order_head(json, document),
        DocumentList::BankTransactions => bank_head(json, books, document),
    }
    body(json, books, document, document.status.xero(), detail);
    if matches!(list, DocumentList::Invoices | DocumentList::CreditNotes) {
        let instant = jiff::Timestamp::from_millisecond(document.updated).unwrap_or_default();
        json.text("UpdatedDateUTCString", &instant.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    }
}

/// What every list shows alike.
fn body(json: &mut Json, books: &Books, document: &Document, status: &str, detail: Detail) {
    if let Some(row) = books.contact(document.contact) {
        json.nested("Contact", |contact| {
            contact.id("ContactID", row.id);
            contact.text("Name", &row.value.name);
        });
    }
    json.day_twice("Date", Some(document.date));
    json.text("Status", status);
    json.text("LineAmountTypes", document.amounts.xero());
    if detail.lines {
        // Purchase orders always have four places, and there is no parameter for it.
        let four_places = detail.four_places || document.kind == DocumentKind::PurchaseOrder;
        json.array("LineItems", |lines| {
            for stored in &document.lines {
                lines.object(|json| line(json, books, document, stored, four_places));
            }
        });
    }
    json.two("SubTotal", document.sub_total);
    json.two("TotalTax", document.total_tax);
    json.two("Total", document.total);
    json.instant("UpdatedDateUTC", document.updated);
    match (&document.currency, &books.organisation) {
        (Some(currency), _) => {
            json.text("CurrencyCode", &currency.code);
            json.millionths("CurrencyRate", currency.rate_millionths);
        }
        (None, Some(row)) => {
            json.text("CurrencyCode", &row.value.base_currency);
            json.millionths("CurrencyRate", 1_000_000);
        }
        (None, None) => {}
    }
    json.flag("HasAttachments", books.attachments.contains_key(&document.id));
}

fn invoice_head(json: &mut Json, document: &Document) {
    json.text("Type", document.kind.xero_type());
    json.id("InvoiceID", document.id);
    json.text("InvoiceNumber", &document.number);
    if document.kind == DocumentKind::Invoice {
        json.text("Reference", &document.reference);
    }
    json.day_twice("DueDate", document.due);
    let open = document.total - document.applied;
    let paid = if document.status == Status::Paid { open } else { E4::ZERO };
    let owed = if document.status == Status::Authorised { open } else { E4::ZERO };
    json.two("AmountDue", owed);
    json.two("AmountPaid", paid);
    json.two("AmountCredited", document.applied);
    if let Some(day) = document.paid_on {
        json.day("FullyPaidOnDate", day);
    }
}

fn credit_note_head(json: &mut Json, books: &Books, document: &Document) {
    json.text("Type", document.kind.xero_type());
    json.id("CreditNoteID", document.id);
    json.text("CreditNoteNumber", &document.number);
    if document.kind == DocumentKind::SalesCredit {
        json.text("Reference", &document.reference);
    }
    let open = document.total - document.applied;
    json.two("RemainingCredit", if document.status == Status::Authorised { open } else { E4::ZERO });
    json.array("Allocations", |all| {
        for allocation in books.allocations.iter().filter(|one| one.credit == document.id) {
            all.object(|json| self::allocation(json, books, allocation));
        }
    });
    if let Some(day) = document.paid_on {
        json.day("FullyPaidOnDate", day);
    }
}

fn order_head(json: &mut Json, document: &Document) {
    json.id("PurchaseOrderID", document.id);
    json.text("PurchaseOrderNumber", &document.number);
    json.text("Type", document.kind.xero_type());
    json.text("Reference", &document.reference);
    json.day_twice("DeliveryDate", document.due);
    // the only date of an order that no published answer repeats as text
    if let Some(day) = document.expected_arrival {
        json.day("ExpectedArrivalDate", day);
    }
    json.flag("SentToContact", document.sent);
    json.flag("IsDiscounted", false);
}

fn bank_head(json: &mut Json, books: &Books, document: &Document) {
    json.id("BankTransactionID", document.id);
    json.text("Type", document.kind.xero_type());
    if let Some(list) = AdvanceList::of(document.kind) {
        json.id(list.id_name(), advance_id(document.id));
    }
    bank_reference(json, document);
    json.flag("IsReconciled", true);
    // Acts don't say which bank account: it is the first of the chart, or one that the chart doesn't show.
    let bank = books.accounts.iter().find(|row| row.value.account_type == "BANK");
    json.nested("BankAccount", |account| {
        account.id("AccountID", bank.map_or_else(|| books.ids.id("account of the bank"), |row| row.id));
        account.some_text("Code", bank.map(|row| row.value.code.as_str()));
        account.text("Name", bank.map_or("Bank", |row| &row.value.name));
    });
}

/// Bank transactions have no number of their own.
fn bank_reference(json: &mut Json, document: &Document) {
    json.text(
        "Reference",
        if document.reference.is_empty() { &document.number } else { &document.reference },
    );
}

fn line(json: &mut Json, books: &Books, document: &Document, line: &StoredLine, four_places: bool) {
    if let Some(row) = line.item.and_then(|index| books.item(index)) {
        json.text("ItemCode", &row.value.item.code);
        json.nested("Item", |item| {
            item.id("ItemID", row.id);
            item.text("Name", &row.value.item.name);
            item.text("Code", &row.value.item.code);
        });
    }
    json.text("Description", &line.description);
    price(json, "UnitAmount", line.unit_amount, four_places);
    json.text("TaxType", line.tax_type.as_deref().unwrap_or("NONE"));
    json.two("TaxAmount", line.tax);
    json.two("LineAmount", line.amount);
    if let Some(account) = books.account(line.account) {
        json.text("AccountCode", &account.code);
    }
    if line.discount_percent != E4::ZERO {
        json.two("DiscountRate", line.discount_percent);
    }
    tracking(json, books, line.tracking.as_deref().unwrap_or_default());
    json.four("Quantity", line.quantity);
    json.id("LineItemID", line_id(document.id, line.serial));
}

pub(crate) fn note(json: &mut Json, note: &Note) {
    json.text("Changes", "Note");
    json.instant("DateUTC", note.at);
    json.text("User", "System Generated");
    json.text("Details", &note.details);
}

/// The tracking options of a line.
fn tracking(json: &mut Json, books: &Books, choices: &[TrackingChoice]) {
    json.array("Tracking", |all| {
        for choice in choices {
            all.object(|one| {
                one.text("Name", &choice.category);
                one.text("Option", &choice.option);
                if let Some(row) = books.tracking.iter().find(|row| row.value.name == choice.category) {
                    one.id("TrackingCategoryID", row.id);
                    one.id("TrackingOptionID", option_id(row.id, &choice.option));
                }
            });
        }
    });
}

/// The id of a tracking option.
fn option_id(category: Uuid, name: &str) -> Uuid {
    Uuid::new_v5(&category, name.as_bytes())
}

pub(crate) fn tracking_category(json: &mut Json, row: &Row<TrackingCategory>) {
    json.text("Name", &row.value.name);
    json.text("Status", "ACTIVE");
    json.id("TrackingCategoryID", row.id);
    json.array("Options", |all| {
        for name in &row.value.options {
            all.object(|one| {
                one.id("TrackingOptionID", option_id(row.id, name));
                one.text("Name", name);
                one.text("Status", "ACTIVE");
            });
        }
    });
}

pub(crate) fn journal(json: &mut Json, books: &Books, row: &Row<Journal>, lines: bool) {
    let journal = &row.value;
    json.day("Date", journal.date);
    json.text("Status", journal.status.xero());
    json.text("LineAmountTypes", "NoTax");
    json.instant("UpdatedDateUTC", row.updated);
    json.id("ManualJournalID", row.id);
    json.text("Narration", &journal.narration);
    json.some_text("Url", journal.url.as_deref());
    json.array("JournalLines", |all| {
        for line in journal.lines.iter().filter(|_| lines) {
            all.object(|one| {
                one.text("Description", &line.description);
                one.text("TaxType", "NONE");
                one.two("LineAmount", line.amount);
                one.text("AccountCode", &line.account_code);
                if let Some(account) = books.accounts.iter().find(|row| row.value.code == line.account_code) {
                    one.id("AccountID", account.id);
                }
                tracking(one, books, &line.tracking);
                one.flag("IsBlank", false);
            });
        }
    });
    json.flag("ShowOnCashBasisReports", true);
    json.flag("HasAttachments", books.attachments.contains_key(&row.id));
}

pub(crate) fn payment(json: &mut Json, books: &Books, row: &Row<Payment>) {
    let payment = &row.value;
    json.id("PaymentID", row.id);
    json.day("Date", payment.date);
    json.two("Amount", payment.amount);
    json.millionths("CurrencyRate", 1_000_000);
    json.text("Status", if payment.is_deleted { "DELETED" } else { "AUTHORISED" });
    json.instant("UpdatedDateUTC", row.updated);
    if let Some(document) = books.document(payment.document) {
        let (kind, is_credit) = match document.kind {
            DocumentKind::Invoice => ("ACCRECPAYMENT", false),
            DocumentKind::SalesCredit => ("ARCREDITPAYMENT", true),
            DocumentKind::SupplierCredit => ("APCREDITPAYMENT", true),
            _ => ("ACCPAYPAYMENT", false),
        };
        json.text("PaymentType", kind);
        let (whole, id, number) = if is_credit {
            ("CreditNote", "CreditNoteID", "CreditNoteNumber")
        } else {
            ("Invoice", "InvoiceID", "InvoiceNumber")
        };
        json.nested(whole, |one| {
            one.id(id, document.id);
            one.text("Type", document.kind.xero_type());
            one.text(number, &document.number);
        });
    }
}

/// A prepayment or an overpayment as its own list shows it: the bank transaction by which it came, under its own id.
pub(crate) fn advance(
    json: &mut Json,
    books: &Books,
    document: &Document,
    list: AdvanceList,
    detail: Detail,
) {
    json.id(list.id_name(), advance_id(document.id));
    json.text("Type", document.kind.xero_type());
    bank_reference(json, document);
    let in_force = document.status == Status::Authorised;
    // the specification knows no DELETED here
    body(json, books, document, if in_force { "AUTHORISED" } else { "VOIDED" }, detail);
    json.two("RemainingCredit", if in_force { document.total } else { E4::ZERO });
    json.array("Allocations", |_| {});
}

pub(crate) fn allocation(json: &mut Json, books: &Books, allocation: &Allocation) {
    json.id("AllocationID", allocation.id);
    json.two("Amount", allocation.amount);
    json.day("Date", allocation.date);
    json.nested("Invoice", |invoice| {
        invoice.id("InvoiceID", allocation.invoice);
        let document = books.document_with_id(allocation.invoice);
        invoice.some_text("InvoiceNumber", document.map(|document| &*document.number));
    });
    json.flag("IsDeleted", false);
}

pub(crate) fn attachment(json: &mut Json, endpoint: &str, of: Uuid, file: &Attachment) {
    json.id("AttachmentID", file.id);
    json.text("FileName", &file.file_name);
    let name = &file.file_name;
    json.text("Url", &format!("https://api.xero.com/api.xro/2.0/{endpoint}/{of}/Attachments/{name}"));
    json.text("MimeType", &file.mime_type);
    json.count("ContentLength", file.length);
}

//! The books in memory, compact and indexed; every read is answered from here.

mod amounts;
mod documents;
mod extras;
pub(crate) mod ledger;
mod masters;
mod rules;
mod stock;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::act::{
    Account, Act, Contact, Currency, DocumentKind, DocumentName, E4, Item, LineAmountTypes, Status,
    TrackingCategory, TrackingChoice,
};
use crate::act::{Organisation, Tracking};
use crate::error::XeroError;
use crate::ids::{Ids, advance_id};
use crate::settings::Switches;
pub(crate) use extras::{Allocation, Attachment, Journal, Payment};
pub(crate) use stock::Moved;
pub use stock::Stock;

/// Longest note in a document's history, in characters (developer.xero.com, History and Notes).
pub(crate) const NOTE_LIMIT: usize = 2_500;

/// The API's lists of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DocumentList {
    Invoices,
    CreditNotes,
    PurchaseOrders,
    BankTransactions,
}

impl DocumentList {
    /// The list that a kind of document is in.
    pub(crate) fn of(kind: DocumentKind) -> DocumentList {
        match kind {
            DocumentKind::Invoice | DocumentKind::Bill => DocumentList::Invoices,
            DocumentKind::SalesCredit | DocumentKind::SupplierCredit => DocumentList::CreditNotes,
            DocumentKind::PurchaseOrder => DocumentList::PurchaseOrders,
            DocumentKind::SpendMoney
            | DocumentKind::ReceiveMoney
            | DocumentKind::SpendPrepayment
            | DocumentKind::ReceivePrepayment
            | DocumentKind::SpendOverpayment
            | DocumentKind::ReceiveOverpayment => DocumentList::BankTransactions,
        }
    }

    /// Name of the endpoint.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            DocumentList::Invoices => "Invoices",
            DocumentList::CreditNotes => "CreditNotes",
            DocumentList::PurchaseOrders => "PurchaseOrders",
            DocumentList::BankTransactions => "BankTransactions",
        }
    }
}

/// The two lists in which money before or beyond what is owed stands a second time, under an id of its own
/// (Xero-OpenAPI, `BankTransaction.PrepaymentID` and `.OverpaymentID`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdvanceList {
    Prepayments,
    Overpayments,
}

impl AdvanceList {
    /// The list that a kind of bank transaction is in as well.
    pub(crate) fn of(kind: DocumentKind) -> Option<AdvanceList> {
        match kind {
            DocumentKind::SpendPrepayment | DocumentKind::ReceivePrepayment => Some(AdvanceList::Prepayments),
            DocumentKind::SpendOverpayment | DocumentKind::ReceiveOverpayment => {
                Some(AdvanceList::Overpayments)
            }
            _ => None,
        }
    }

    /// Name of the endpoint.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            AdvanceList::Prepayments => "Prepayments",
            AdvanceList::Overpayments => "Overpayments",
        }
    }

    /// Name of its ids.
    pub(crate) fn id_name(self) -> &'static str {
        match self {
            AdvanceList::Prepayments => "PrepaymentID",
            AdvanceList::Overpayments => "OverpaymentID",
        }
    }

    /// Category of its webhook events.
    pub(crate) fn category(self) -> &'static str {
        match self {
            AdvanceList::Prepayments => "PREPAYMENT",
            AdvanceList::Overpayments => "OVERPAYMENT",
        }
    }
}

/// Something with an id and the instant of its last change, in milliseconds since 1970 (UTC).
#[derive(Debug)]
pub(crate) struct Row<T> {
    pub(crate) id: Uuid,
    pub(crate) updated: i64,
    pub(crate) value: T,
}

/// An item with its stock.
#[derive(Debug)]
pub(crate) struct StockedItem {
    pub(crate) item: Item,
    pub(crate) stock: Stock,
    /// Whether a tracked movement ever touched it.
    pub(crate) has_moved: bool,
    /// Whether it is inactive. No answer of the API says so.
    pub(crate) archived: bool,
    /// Whether it was removed; its place stays.
    pub(crate) deleted: bool,
}

impl StockedItem {
    pub(crate) fn is_tracked(&self) -> bool {
        matches!(self.item.tracking, Tracking::Tracked { .. })
    }
}

/// A line as stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredLine {
    /// Counts every line the document ever had; the `LineItemID` follows from it.
    pub(crate) serial: u32,
    pub(crate) item: Option<u32>,
    pub(crate) account: Option<u32>,
    pub(crate) description: Arc<str>,
    pub(crate) quantity: E4,
    pub(crate) unit_amount: E4,
    pub(crate) discount_percent: E4,
    pub(crate) amount: E4,
    pub(crate) tax_type: Option<Arc<str>>,
    pub(crate) tax: E4,
    pub(crate) tracking: Option<Box<[TrackingChoice]>>,
    /// What the line did to tracked stock; zero while the document has no effect.
    pub(crate) moved: Moved,
}

/// A document as stored.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) id: Uuid,
    pub(crate) kind: DocumentKind,
    pub(crate) number: Arc<str>,
    pub(crate) reference: Arc<str>,
    pub(crate) contact: u32,
    pub(crate) date: Date,
    pub(crate) due: Option<Date>,
    pub(crate) expected_arrival: Option<Date>,
    pub(crate) status: Status,
    pub(crate) amounts: LineAmountTypes,
    pub(crate) currency: Option<Box<Currency>>,
    pub(crate) lines: Box<[StoredLine]>,
    pub(crate) next_serial: u32,
    pub(crate) sub_total: E4,
    pub(crate) total_tax: E4,
    pub(crate) total: E4,
    pub(crate) paid_on: Option<Date>,
    /// What is allocated from it or to it.
    pub(crate) applied: E4,
    /// Whether it counts as sent.
    pub(crate) sent: bool,
    /// Milliseconds since 1970 (UTC).
    pub(crate) updated: i64,
}

/// A note in a history.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// Milliseconds since 1970 (UTC).
    pub(crate) at: i64,
    pub(crate) details: String,
}

/// How many documents of a kind had a number, and which one has it now.
#[derive(Clone, Copy, Debug)]
struct NumberUse {
    latest: u32,
    uses: u32,
}

/// What an act led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A contact is new (`true`) or changed.
    Contact {
        /// Its id.
        id: Uuid,
        /// Whether it is new.
        is_new: bool,
    },
    /// A document is new or changed.
    Document {
        /// Its id.
        id: Uuid,
        /// What it is.
        kind: DocumentKind,
        /// Its number.
        number: String,
        /// Whether it is new.
        is_new: bool,
        /// Its status from now on.
        status: Status,
        /// Whether the change is nothing but a payment.
        is_payment: bool,
    },
    /// Tracked stock moved.
    Stock {
        /// The item's code.
        item_code: String,
        /// What came in (positive) or went out (negative).
        quantity: E4,
        /// Quantity on hand from now on.
        on_hand: E4,
    },
}

/// The books of one organisation.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) ids: Ids,
    pub(crate) switches: Switches,
    pub(crate) organisation: Option<Row<Organisation>>,
    pub(crate) accounts: Vec<Row<Account>>,
    pub(crate) contacts: Vec<Row<Contact>>,
    pub(crate) items: Vec<Row<StockedItem>>,
    pub(crate) documents: Vec<Document>,
    pub(crate) notes: BTreeMap<Uuid, Vec<Note>>,
    pub(crate) journals: Vec<Row<Journal>>,
    pub(crate) payments: Vec<Row<Payment>>,
    pub(crate) allocations: Vec<Allocation>,
    pub(crate) attachments: BTreeMap<Uuid, Vec<Attachment>>,
    pub(crate) tracking: Vec<Row<TrackingCategory>>,
    /// What plan and role don't allow.
    pub(crate) forbidden: BTreeSet<String>,
    /// Contacts that were merged, with where they went.
    pub(crate) merged: BTreeMap<Uuid, Uuid>,
    account_by_code: BTreeMap<String, u32>,
    contact_by_name: BTreeMap<String, u32>,
    item_by_code: BTreeMap<String, u32>,
    contact_by_id: BTreeMap<Uuid, u32>,
    item_by_id: BTreeMap<Uuid, u32>,
    document_by_id: BTreeMap<Uuid, u32>,
    numbers: BTreeMap<(DocumentKind, Arc<str>), NumberUse>,
    changed: BTreeMap<DocumentList, BTreeSet<(i64, Uuid, u32)>>,
    texts: BTreeSet<Arc<str>>,
}

impl Books {
    pub(crate) fn new(ids: Ids, switches: Switches) -> Books {
        Books {
            ids,
            switches,
            organisation: None,
            accounts: Vec::new(),
            contacts: Vec::new(),
            items: Vec::new(),
            documents: Vec::new(),
            notes: BTreeMap::new(),
            journals: Vec::new(),
            payments: Vec::new(),
            allocations: Vec::new(),
            attachments: BTreeMap::new(),
            tracking: Vec::new(),
            forbidden: BTreeSet::new(),
            merged: BTreeMap::new(),
            account_by_code: BTreeMap::new(),
            contact_by_name: BTreeMap::new(),
            item_by_code: BTreeMap::new(),
            contact_by_id: BTreeMap::new(),
            item_by_id: BTreeMap::new(),
            document_by_id: BTreeMap::new(),
            numbers: BTreeMap::new(),
            changed: BTreeMap::new(),
            texts: BTreeSet::new(),
        }
    }

    /// Does one act, wholly or not at all.
    pub(crate) fn apply(&mut self, now: Timestamp, act: &Act) -> Result<Vec<Happening>, XeroError> {
        let at = now.as_millisecond();
        if let Act::SetUpOrganisation(organisation) = act {
            return self.set_up(at, organisation);
        }
        if self.organisation.is_none() {
            return Err(XeroError::NoOrganisation);
        }
        match act {
            Act::SetUpOrganisation(_) => Ok(Vec::new()),
            Act::UpsertAccount(account) => self.upsert_account(at, account),
            Act::UpsertContact(contact) => self.upsert_contact(at, contact),
            Act::UpsertItem(item) => self.upsert_item(at, item),
            Act::CreateDocument(document) => self.create_document(at, document),
            Act::EditDocument { document, changes } => {
                let id = self.find(document)?.id;
                self.edit_document(at, id, changes)
            }
            Act::EditDocumentById { id, changes } => self.edit_document(at, *id, changes),
            Act::Touch { documents } => Ok(self.touch(at, documents)),
            Act::RenameItem { code, new_code } => self.rename_item(at, code, new_code),
            Act::ArchiveItem { code, archived } => self.archive_item(at, code, *archived),
            Act::DeleteItem { code } => self.delete_item(code),
            Act::MergeContacts { from, into } => self.merge_contacts(at, from, into),
            Act::UpsertTrackingCategory(category) => self.upsert_tracking(at, category),
            Act::ForbidActions(names) => {
                self.forbidden = names.iter().cloned().collect();
                Ok(Vec::new())
            }
            Act::CreateJournal(journal) => self.create_journal(at, journal),
            Act::EditJournal { id, narration, status, lines } => {
                self.edit_journal(at, *id, narration.as_deref(), *status, lines.as_deref())
            }
            Act::Allocate { credit, invoice, amount, date } => {
                self.allocate(at, *credit, *invoice, *amount, *date)
            }
            Act::Attach { of, file_name, mime_type, length, content } => {
                self.attach(at, *of, file_name, mime_type, (*length, content))
            }
            Act::AddNote { of, details } => {
                self.add_note(at, *of, details)?;
                Ok(Vec::new())
            }
        }
    }

    /// The prepayments and overpayments among the bank transactions.
    fn advances(&self) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(|document| AdvanceList::of(document.kind).is_some())
    }

    /// Whether something that has a history has this id.
    pub(crate) fn has_history(&self, id: Uuid) -> bool {
        self.document_by_id.contains_key(&id)
            || self.item_by_id.contains_key(&id)
            || self.contact_by_id.contains_key(&id)
            || self.journals.iter().any(|row| row.id == id)
            || self.payments.iter().any(|row| row.id == id)
            || self.advances().any(|advance| advance_id(advance.id) == id)
    }

    /// Adds a note to the history of whatever has this id.
    fn add_note(&mut self, at: i64, id: Uuid, details: &str) -> Result<(), XeroError> {
        if !self.has_history(id) {
            return Err(XeroError::refused("The document does not exist"));
        }
        if details.trim().is_empty() {
            return Err(XeroError::refused("Details must be supplied"));
        }
        if details.chars().count() > NOTE_LIMIT {
            return Err(XeroError::refused(format!("Details cannot exceed {NOTE_LIMIT} characters")));
        }
        self.notes.entry(id).or_default().push(Note { at, details: details.to_owned() });
        Ok(())
    }

    pub(crate) fn document(&self, index: u32) -> Option<&Document> {
        self.documents.get(index as usize)
    }

    pub(crate) fn document_with_id(&self, id: Uuid) -> Option<&Document> {
        self.document(*self.document_by_id.get(&id)?)
    }

    /// The document with this name; the latest one if several have it.
    pub(crate) fn document_named(&self, kind: DocumentKind, number: &str) -> Option<&Document> {
        self.document(self.numbers.get(&(kind, Arc::from(number)))?.latest)
    }

    fn find(&self, name: &DocumentName) -> Result<&Document, XeroError> {
        self.document_named(name.kind, &name.number).ok_or_else(|| XeroError::NoSuchDocument(name.clone()))
    }

    pub(crate) fn account(&self, index: Option<u32>) -> Option<&Account> {
        Some(&self.accounts.get(index? as usize)?.value)
    }

    pub(crate) fn contact(&self, index: u32) -> Option<&Row<Contact>> {
        self.contacts.get(index as usize)
    }

    pub(crate) fn contact_with_id(&self, id: Uuid) -> Option<&Row<Contact>> {
        self.contact(*self.contact_by_id.get(&id)?)
    }

    pub(crate) fn contact_named(&self, name: &str) -> Option<&Row<Contact>> {
        self.contact(*self.contact_by_name.get(name)?)
    }

    pub(crate) fn contact_with_number(&self, number: &str) -> Option<&Row<Contact>> {
        self.contacts.iter().find(|row| row.value.contact_number.as_deref() == Some(number))
    }

    pub(crate) fn item(&self, index: u32) -> Option<&Row<StockedItem>> {
        self.items.get(index as usize)
    }

    pub(crate) fn item_with_id(&self, id: Uuid) -> Option<&Row<StockedItem>> {
        self.item(*self.item_by_id.get(&id)?)
    }

    pub(crate) fn item_with_code(&self, code: &str) -> Option<&Row<StockedItem>> {
        self.item(*self.item_by_code.get(code)?)
    }

    /// The documents of a list that changed at or after an instant (milliseconds), oldest change first, then by id.
    pub(crate) fn changed_since(
        &self,
        list: DocumentList,
        since: i64,
    ) -> impl DoubleEndedIterator<Item = &Document> {
        self.changed
            .get(&list)
            .into_iter()
            .flat_map(move |set| set.range((since, Uuid::nil(), 0)..))
            .filter_map(|(_, _, index)| self.document(*index))
    }

    /// One shared copy of a text that many lines repeat.
    fn shared(&mut self, text: &str) -> Arc<str> {
        match self.texts.get(text) {
            Some(known) => Arc::clone(known),
            None => {
                let new: Arc<str> = Arc::from(text);
                self.texts.insert(Arc::clone(&new));
                new
            }
        }
    }
}

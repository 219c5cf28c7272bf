//! The ports: what use cases ask of the world. Each has a real adapter, a local or fake one, and one
//! conformance suite for all.

use std::future::Future;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parstock_domain::adjustment::{AdjustmentDraft, AdjustmentNumber};
use parstock_domain::document::{
    Account, BillDraft, Contact, Document, DocumentKind, DocumentRef, Item, OrderDraft, Organisation,
    XeroQuantity,
};
use parstock_domain::governance::Approval;
use parstock_domain::ids::{CommitId, ContactId, DocumentId, EffectId, ItemId, OrgId};
use parstock_domain::manual_journal::{JournalInXero, ManualJournal};
use parstock_domain::prices::PriceWrite;
use thiserror::Error;
use uuid::Uuid;

use crate::records::{Key, List, Owner, Record};

/// All ports of a process, with static dispatch.
pub trait Ports: Send + Sync {
    /// Where state is kept.
    type Store: Store;
    /// Xero.
    type Books: Books;
    /// The three queues.
    type Queue: Queue;
    /// Mail.
    type Mailer: Mailer;
    /// Slack.
    type Chat: Chat;
    /// Time.
    type Clock: Clock;
    /// Chance.
    type Entropy: Entropy;

    /// The store.
    fn store(&self) -> &Self::Store;
    /// The books.
    fn books(&self) -> &Self::Books;
    /// The queues.
    fn queue(&self) -> &Self::Queue;
    /// The mailer.
    fn mailer(&self) -> &Self::Mailer;
    /// The chat.
    fn chat(&self) -> &Self::Chat;
    /// The clock.
    fn clock(&self) -> &Self::Clock;
    /// The source of chance.
    fn entropy(&self) -> &Self::Entropy;
    /// Where people find the console, without a slash at the end; notices link to it.
    fn console_url(&self) -> &str;
}

/// Time, as an instant.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Chance.
pub trait Entropy: Send + Sync {
    /// A fresh random id.
    fn uuid(&self) -> Uuid;
}

/// A stored record with its key and the version to name when it is written again.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its key.
    pub key: Key,
    /// Its content.
    pub record: Record,
    /// Its version, from 1; each write adds one.
    pub version: u64,
}

/// What must hold of a row for a write to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It does not exist.
    Absent,
    /// It exists in this version.
    Version(u64),
    /// Nothing: derived rows and marks.
    Anything,
}

impl Expect {
    /// What holds of the row once it was written under this condition, as long as nobody else writes it.
    #[must_use]
    pub const fn after_write(self) -> Self {
        match self {
            Self::Absent => Self::Version(1),
            Self::Version(version) => Self::Version(version.saturating_add(1)),
            Self::Anything => Self::Anything,
        }
    }
}

/// One write of a commit. No commit holds two with one key.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Which row.
    pub key: Key,
    /// What it shall hold; `None` deletes it.
    pub record: Option<Record>,
    /// What must hold of it.
    pub expect: Expect,
}

/// Writes that happen together or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// Its id: a repeat of the same commit within minutes has no second effect.
    pub id: CommitId,
    /// At least one and at most [`COMMIT_WRITES_MAX`].
    pub writes: Vec<Write>,
}

/// Writes that one commit can hold (DynamoDB: 100 actions in a transaction).
pub const COMMIT_WRITES_MAX: usize = 100;

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Rows in the order of their keys.
    pub rows: Vec<Row>,
    /// Pass it to continue; `None` at the end.
    pub next: Option<Key>,
}

/// Why reading failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Throttled, timed out, unreachable: try again.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// A row does not decode.
    #[error("the row {key} can't be read: {why}")]
    Unreadable {
        /// Its key.
        key: String,
        /// What is wrong.
        why: String,
    },
}

/// Why a commit did not happen, or may have happened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommitError {
    /// Somebody else wrote first: load again, decide again. Nothing was written.
    #[error("another worker wrote {keys:?} first")]
    Conflict {
        /// The rows whose condition failed; may be empty when the store could not say.
        keys: Vec<Key>,
    },
    /// No answer: it may have been written. The same commit may be sent again.
    #[error("the store did not say whether it wrote: {0}")]
    Unknown(String),
    /// Too many writes, a doubled key, a row too large: a bug. Nothing was written.
    #[error("the commit can't be written: {0}")]
    Impossible(String),
}

/// State. Every call names whose rows it is about first.
pub trait Store: Send + Sync {
    /// Reads rows, strongly consistent, in the order of `keys`; at most 1,000 keys.
    fn get(
        &self,
        owner: Owner,
        keys: &[Key],
    ) -> impl Future<Output = Result<Vec<Option<Row>>, StoreError>> + Send;

    /// Reads a page of at most `limit` rows of a list, in key order, strongly consistent, after the key
    /// `after` if given.
    fn list(
        &self,
        owner: Owner,
        list: &List,
        after: Option<&Key>,
        limit: u32,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// Writes all or nothing.
    fn commit(&self, owner: Owner, commit: Commit) -> impl Future<Output = Result<(), CommitError>> + Send;

    /// Writes derived rows and marks, each by itself, in any number; all have [`Expect::Anything`].
    fn write_each(
        &self,
        owner: Owner,
        writes: Vec<Write>,
    ) -> impl Future<Output = Result<(), CommitError>> + Send;
}

/// What kind of work a call to Xero serves; the limits keep a reserve for the kinds above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// First load of history.
    Backfill,
    /// The 15-minute poll.
    Poll,
    /// A write or read that a person waits for.
    Person,
    /// Fetching what a webhook told of.
    Webhook,
}

/// Which list of changed documents to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// Orders to suppliers, first, so that bills find their order.
    PurchaseOrders,
    /// Sales invoices and bills.
    Invoices,
    /// Credit notes of both kinds.
    CreditNotes,
    /// Spend and receive money.
    BankTransactions,
}

impl Feed {
    /// Every feed, in the order in which they are read.
    pub const ALL: [Self; 4] =
        [Self::PurchaseOrders, Self::Invoices, Self::CreditNotes, Self::BankTransactions];

    /// The feed that lists documents of a kind; goods receipts are ours.
    pub const fn of(kind: DocumentKind) -> Option<Self> {
        match kind {
            DocumentKind::GoodsReceipt => None,
            DocumentKind::PurchaseOrder => Some(Self::PurchaseOrders),
            DocumentKind::SalesInvoice | DocumentKind::Bill => Some(Self::Invoices),
            DocumentKind::SalesCredit | DocumentKind::SupplierCredit => Some(Self::CreditNotes),
            DocumentKind::SpendMoney | DocumentKind::ReceiveMoney => Some(Self::BankTransactions),
        }
    }

    /// The word in keys.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PurchaseOrders => "purchase_orders",
            Self::Invoices => "invoices",
            Self::CreditNotes => "credit_notes",
            Self::BankTransactions => "bank_transactions",
        }
    }
}

/// A page of changed documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DocumentPage {
    /// Documents in the order of their change.
    pub documents: Vec<Document>,
    /// Documents of the page that can't be understood, with the reason: they go to the review list.
    pub unreadable: Vec<Unreadable>,
    /// Whether more may follow.
    pub more: bool,
    /// The latest change on the page, unreadable documents included.
    pub latest: Option<Timestamp>,
    /// What stands on it, by id and last change, whether it can be understood or not: a page that holds the same has not moved.
    pub holds: Vec<String>,
    /// Xero's clock at the time of the answer, if it said so. It may be another than ours.
    pub answered_at: Option<Timestamp>,
}

/// Items whose master data changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangedItems {
    /// The items, in any order.
    pub items: Vec<Item>,
    /// Items that can't be understood, with the reason: they go to the review list.
    pub unreadable: Vec<Unreadable>,
    /// The latest change among them, unreadable ones included.
    pub latest: Option<Timestamp>,
    /// Xero's clock at the time of the answer, if it said so. It may be another than ours.
    pub answered_at: Option<Timestamp>,
}

/// A page of changed contacts. One that can't be read is left out: its documents name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedContacts {
    /// The contacts, in the order of their change.
    pub contacts: Vec<Contact>,
    /// Whether more may follow.
    pub more: bool,
    /// The latest change on the page, unreadable ones included.
    pub latest: Option<Timestamp>,
    /// What stands on it, by id and last change, whether it can be understood or not: a page that holds the same has not moved.
    pub holds: Vec<String>,
    /// Xero's clock at the time of the answer, if it said so. It may be another than ours.
    pub answered_at: Option<Timestamp>,
}

/// A page of changed manual journals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalPage {
    /// The journals that can be read.
    pub journals: Vec<JournalInXero>,
    /// Whether there are others.
    pub unreadable: bool,
    /// Whether more may follow.
    pub more: bool,
    /// The latest change on the page, unreadable ones included.
    pub latest: Option<Timestamp>,
    /// What stands on it, by id and last change, whether it can be understood or not: a page that holds the same has not moved.
    pub holds: Vec<String>,
}

/// What Xero holds of tracked items.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackedQuantities {
    /// Each item's, in any order.
    pub quantities: Vec<(ItemId, XeroQuantity)>,
    /// Items that can't be understood, with the reason: they go to the review list.
    pub unreadable: Vec<Unreadable>,
}

/// PDFs of one bill that are read, the first ones.
pub const PAPERS_READ_MAX: u32 = 3;

/// A file that is attached to a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its name, as somebody gave it.
    pub name: String,
    /// Its text, or why there is none, as what follows the name: `has no text that can be read`.
    pub text: Result<String, String>,
}

/// A document or an item that can't be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Its Xero id as text, if it has one.
    pub id: String,
    /// What is wrong with it.
    pub why: String,
}

/// Why Xero did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BooksError {
    /// A limit is reached, the tenant is parked, or Xero has said when to come again; nothing was written.
    #[error("Xero can't be asked before {until}: {why}")]
    NotNow {
        /// From when on it can be asked.
        until: Timestamp,
        /// Which limit.
        why: String,
    },
    /// A passing fault; nothing was written.
    #[error("Xero did not answer: {0}")]
    Retry(String),
    /// Xero refuses the content.
    #[error("Xero refused: {0}")]
    Reject(String),
    /// A person has to act, e.g. a wrong secret or a missing scope; the text says what to do.
    #[error("{0}")]
    NeedsPerson(String),
    /// A write got no answer: look before acting again.
    #[error("it is unknown whether Xero wrote: {0}")]
    Unknown(String),
}

/// Whom a connection reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The organisation.
    pub organisation: Organisation,
    /// Its Xero tenant id, where the connection knows it: that of a consent does, a custom one does not.
    pub tenant: Option<Uuid>,
}

/// Xero. Each session is paid for by one grant out of the org's call limits.
pub trait Books: Send + Sync {
    /// A session.
    type Session: BooksSession;

    /// The organisation behind a connection (a token set). A custom connection has exactly one.
    fn identify(&self, connection: &str) -> impl Future<Output = Result<Identified, BooksError>> + Send;

    /// Opens a session for about `calls` calls.
    fn open(
        &self,
        org: OrgId,
        priority: Priority,
        calls: u32,
    ) -> impl Future<Output = Result<Self::Session, BooksError>> + Send;

    /// How many calls are left today and until when the org is parked, as last known, without a call.
    fn allowance(&self, org: OrgId) -> impl Future<Output = Result<Allowance, BooksError>> + Send;
}

/// What is left of the call limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Calls left today, if known.
    pub left_today: Option<u32>,
    /// Until when nothing may be asked.
    pub parked_until: Option<Timestamp>,
    /// How far apart fetches of what webhooks announced should lie, so that the day's calls last.
    pub fetch_spacing: SignedDuration,
    /// The same of polls.
    pub poll_spacing: SignedDuration,
}

/// A run of calls to Xero, one after another.
pub trait BooksSession: Send {
    /// The organisation.
    fn organisation(&mut self) -> impl Future<Output = Result<Organisation, BooksError>> + Send;

    /// Invoices and bills by id, in their present state, with lines. Ids that Xero doesn't know are left out.
    fn invoices(
        &mut self,
        ids: &[DocumentId],
    ) -> impl Future<Output = Result<DocumentPage, BooksError>> + Send;

    /// Page `page` (from 1) of a feed's documents changed since an instant, voided and deleted ones
    /// included, in the order of their change.
    fn changed(
        &mut self,
        feed: Feed,
        since: Timestamp,
        page: u32,
    ) -> impl Future<Output = Result<DocumentPage, BooksError>> + Send;

    /// Items whose master data changed since an instant; all without one.
    fn items(
        &mut self,
        since: Option<Timestamp>,
    ) -> impl Future<Output = Result<ChangedItems, BooksError>> + Send;

    /// What Xero holds of every tracked item.
    fn tracked_quantities(&mut self) -> impl Future<Output = Result<TrackedQuantities, BooksError>> + Send;

    /// Every account with its balance at the end of a day.
    fn accounts(&mut self, day: Date) -> impl Future<Output = Result<Vec<Account>, BooksError>> + Send;

    /// Page `page` (from 1) of the contacts changed since an instant, archived ones included, in the order of
    /// their change; of all contacts without an instant.
    fn contacts(
        &mut self,
        since: Option<Timestamp>,
        page: u32,
    ) -> impl Future<Output = Result<ChangedContacts, BooksError>> + Send;

    /// The purchase order with this number.
    fn order_by_number(
        &mut self,
        number: &str,
    ) -> impl Future<Output = Result<Option<Document>, BooksError>> + Send;

    /// Writes a purchase order as DRAFT. The approval stands behind it; the effect's id and the
    /// instant of the approval are the idempotency key: who approves again what was refused asks anew.
    fn create_order(
        &mut self,
        draft: &OrderDraft,
        approval: &Approval,
        effect: EffectId,
    ) -> impl Future<Output = Result<Document, BooksError>> + Send;

    /// The supplier's bill with this number that is neither deleted nor voided, the earliest of several.
    fn bill_by_number(
        &mut self,
        supplier: ContactId,
        number: &str,
    ) -> impl Future<Output = Result<Option<Document>, BooksError>> + Send;

    /// Writes a bill as DRAFT for goods of an order, at the prices, accounts and taxes that the order's lines have now. The effect's
    /// id is the idempotency key.
    fn create_bill(
        &mut self,
        draft: &BillDraft,
        effect: EffectId,
    ) -> impl Future<Output = Result<Document, BooksError>> + Send;

    /// The history notes of a purchase order.
    fn order_notes(
        &mut self,
        order: DocumentId,
    ) -> impl Future<Output = Result<Vec<String>, BooksError>> + Send;

    /// Adds a history note to a purchase order.
    fn add_order_note(
        &mut self,
        order: DocumentId,
        note: &str,
        effect: EffectId,
    ) -> impl Future<Output = Result<(), BooksError>> + Send;

    /// Page `page` (from 1) of the manual journals that changed since an instant, in the order of their change.
    fn journals_changed(
        &mut self,
        since: Timestamp,
        page: u32,
    ) -> impl Future<Output = Result<JournalPage, BooksError>> + Send;

    /// The manual journal with this mark in its narration among those that changed since an instant.
    fn journal_marked(
        &mut self,
        mark: &str,
        since: Timestamp,
    ) -> impl Future<Output = Result<Option<DocumentId>, BooksError>> + Send;

    /// Writes a manual journal. The effect's id is the idempotency key.
    fn create_journal(
        &mut self,
        journal: &ManualJournal,
        effect: EffectId,
    ) -> impl Future<Output = Result<DocumentId, BooksError>> + Send;

    /// Sets purchase prices of items, all else of them unchanged, unless a person has set another price since. Those that have the
    /// price already are left alone. Answers the items that were refused, and why.
    fn set_purchase_prices(
        &mut self,
        prices: &[PriceWrite],
        effect: EffectId,
    ) -> impl Future<Output = Result<Vec<(ItemId, String)>, BooksError>> + Send;

    /// The bills or suppliers' credit notes with the number of an adjustment, in any state.
    fn adjustments_by_number(
        &mut self,
        kind: DocumentKind,
        number: AdjustmentNumber,
    ) -> impl Future<Output = Result<Vec<Document>, BooksError>> + Send;

    /// Whether plan and role let another bill be approved now.
    fn may_approve_bills(&mut self) -> impl Future<Output = Result<bool, BooksError>> + Send;

    /// Writes an approved document over nothing that adjusts tracked stock. The effect's id is the idempotency key.
    fn create_adjustment(
        &mut self,
        draft: &AdjustmentDraft,
        effect: EffectId,
    ) -> impl Future<Output = Result<Document, BooksError>> + Send;

    /// The files that are attached to a bill or to spent money, in Xero's order, with the text of the first
    /// [`PAPERS_READ_MAX`] PDFs. That text is anybody's: it is neither stored nor logged.
    fn papers(&mut self, of: DocumentRef) -> impl Future<Output = Result<Vec<Attached>, BooksError>> + Send;

    /// Gives back what was not used of the grant, and keeps what Xero said of its limits.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// The queues, each with a dead-letter queue of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QueueName {
    /// Hints and the sync order of each org.
    Events,
    /// Backfill and planning.
    Work,
    /// Effects.
    Effects,
}

impl QueueName {
    /// Every queue.
    pub const ALL: [Self; 3] = [Self::Events, Self::Work, Self::Effects];

    /// The word in names.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Work => "work",
            Self::Effects => "effects",
        }
    }
}

/// Longest delay of a message in seconds (SQS: 15 minutes).
pub const DELAY_SECONDS_MAX: u32 = 900;

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Its body.
    pub body: String,
    /// Not before this many seconds, at most [`DELAY_SECONDS_MAX`].
    pub delay_seconds: u32,
}

impl Outgoing {
    /// A message to deliver at once.
    pub const fn now(body: String) -> Self {
        Self { body, delay_seconds: 0 }
    }
}

/// Why something was not sent, or may have been sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// It will never be taken as it is.
    #[error("it was refused: {0}")]
    Refused(String),
    /// It was not taken; try again.
    #[error("it could not be sent: {0}")]
    Retry(String),
    /// No answer: it may have been sent.
    #[error("it is unknown whether it was sent: {0}")]
    Unknown(String),
}

/// Queues: at least once, in any order.
pub trait Queue: Send + Sync {
    /// Sends all messages. On an error some may have been sent; send all again.
    fn send(
        &self,
        queue: QueueName,
        messages: Vec<Outgoing>,
    ) -> impl Future<Output = Result<(), SendError>> + Send;

    /// Puts a message that can't succeed into the queue's dead-letter queue, with its cause.
    fn bury(
        &self,
        queue: QueueName,
        body: &str,
        cause: &str,
    ) -> impl Future<Output = Result<(), SendError>> + Send;
}

/// A mail to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// To whom, at least one address.
    pub to: Vec<String>,
    /// Its subject, one line.
    pub subject: String,
    /// The HTML part.
    pub html: String,
    /// The plain-text part.
    pub text: String,
    /// Pictures that the HTML names as `cid:<name>`, as PNG.
    pub pictures: Vec<(String, Vec<u8>)>,
    /// The id by which a repeat is known (without angle brackets).
    pub message_id: String,
}

/// Mail.
pub trait Mailer: Send + Sync {
    /// Sends a mail.
    fn send(&self, mail: &Mail) -> impl Future<Output = Result<(), SendError>> + Send;
}

/// Slack.
pub trait Chat: Send + Sync {
    /// Posts a message, Slack's JSON. Refuses where no webhook is set.
    fn post(&self, org: OrgId, message: &str) -> impl Future<Output = Result<(), SendError>> + Send;
}

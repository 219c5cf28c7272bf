//! What is stored: each kind of row with its typed key. How keys become strings is the store's business.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::adjustment::{Adjustment, AdjustmentNumber};
use parstock_domain::alert::{Alert, AlertKind};
use parstock_domain::audit::{Entry, Hash, Head};
use parstock_domain::cogs::{CogsHeld, CogsLedger, CogsMonth, Journal, JournalNumber};
use parstock_domain::demand::History;
use parstock_domain::document::{DocumentRef, DocumentStatus, ForeignCurrency, Item, Organisation};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::goods_receipt::{GoodsReceipt, ReceiptNumber};
use parstock_domain::governance::Proposal;
use parstock_domain::ids::{
    CommitId, ContactId, DocumentId, EffectId, ItemId, LineId, LocationId, OrgId, ProposalId,
};
use parstock_domain::landed::{Purchase, Voucher, VoucherNumber};
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::{
    BookedLine, Checkpoint, Closing, Layers, Movement, MovementKey, OrderLine, Position, Proof, Restatement,
};
use parstock_domain::prices::{PriceChange, PriceWrite};
use parstock_domain::replenish::{Plan, Standing};
use parstock_domain::settings::{ItemSettings, Learned, Policy, SupplierSettings};
use parstock_domain::units::UnitRule;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::closing::ClosedPart;
use crate::ports::Feed;

/// Whose rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The whole stack: its orgs, tenants and connections.
    Stack,
    /// One organisation.
    Org(OrgId),
}

/// The key of a row within its owner. The order of keys of one kind is the order of their lists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Key {
    /// Stack: an org of the stack.
    Org(OrgId),
    /// Stack: the org of a Xero tenant id.
    Tenant(Uuid),
    /// Stack: a token set.
    Connection(String),
    /// Stack: what is left of the minute of an app that several organisations may be reached with, by its client id.
    AppMinute(String),
    /// Stack: a link that signs a person in, by the hash of its token.
    SignInLink(Hash),
    /// Stack: the sign-in links mailed lately.
    SignInMails,
    /// The organisation and how far its copy is.
    Profile,
    /// The policy file in force; its scopes name items and suppliers by their Xero ids.
    Policy,
    /// The org's call budget.
    CallBudget,
    /// The lease of the writer of ledger and proposals.
    Lease,
    /// How far a feed has been read.
    Cursor(Feed),
    /// A hint that waits.
    Hint(HintOf),
    /// An item's master data.
    Item(ItemId),
    /// The item with a code.
    ItemCode(String),
    /// A contact that is or may become a supplier.
    Contact(ContactId),
    /// What people set for an item.
    ItemSettings(ItemId),
    /// What people set for a supplier.
    SupplierSettings(ContactId),
    /// What bills taught about an item's supply.
    Supply(ItemId),
    /// A document as booked.
    Document(DocumentRef),
    /// Further booked lines of a long document.
    DocumentLines(DocumentRef, u32),
    /// An item's position.
    Position(ItemId, LocationId),
    /// An item's cost layers.
    Layer(ItemId, LocationId),
    /// An item's costs at the end of a month. It holds as long as the layers name it.
    Checkpoint(ItemId, LocationId, Date),
    /// What Xero said last of a tracked item on a day.
    Snapshot(ItemId, Date),
    /// What a commit made earlier movements of an item worth.
    Restatement(ItemId, CommitId),
    /// A movement.
    Movement(ItemId, MovementKey),
    /// An order line of an item.
    OrderLine(ItemId, DocumentId, LineId),
    /// The plan of an item.
    Plan(ItemId, LocationId),
    /// An item's demand by day, folded from its movements.
    Demand(ItemId, LocationId),
    /// A plan that wants to order now.
    Want(ContactId, ItemId, LocationId),
    /// An item that stands otherwise than well.
    Trouble(ItemId, LocationId),
    /// Items to plan again, marked before they are booked.
    Touched(Uuid),
    /// A proposal.
    Proposal(ProposalId),
    /// The one proposal of a supplier that stands between plan and order.
    PendingProposal(ContactId),
    /// What a person rejected lately, by supplier.
    Rejected(ContactId),
    /// An effect.
    Effect(EffectId),
    /// An effect that is not finished.
    PendingEffect(EffectId),
    /// A warning that waits to be told.
    Alert(Uuid),
    /// What was told of an item that is short.
    Told(ItemId, LocationId),
    /// Warnings told together.
    AlertBatch(Uuid),
    /// A question for a person.
    Review(Uuid),
    /// The digest of a day.
    Digest(Date),
    /// The proof of a day.
    Proof(Date),
    /// What was reported of a month, named by its first day; it may have been closed more than once.
    Closing(Date, u32),
    /// A part of its items.
    ClosedItems(Date, u32, u32),
    /// Cost of goods sold since it is journaled.
    Cogs,
    /// Cost of goods sold of a month, named by its first day.
    CogsMonth(Date),
    /// An item of which no cost of goods sold is journaled.
    CogsHeld(ItemId),
    /// A journal of cost of goods sold.
    Journal(JournalNumber),
    /// A purchase of a day as far as landed cost is concerned.
    Purchase(Date, DocumentRef),
    /// A landed cost voucher.
    Voucher(VoucherNumber),
    /// A change of an item's price in Xero.
    PriceChange(ItemId),
    /// A goods receipt.
    GoodsReceipt(ReceiptNumber),
    /// An adjustment of stock.
    Adjustment(AdjustmentNumber),
    /// An audit entry.
    AuditEntry(u64),
    /// The end of the audit chain.
    AuditHead,
    /// How far the audit chain was checked.
    AuditCheck,
}

/// A list of rows that lie side by side: most have a common beginning of their keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// The orgs of the stack.
    Orgs,
    /// Hints that wait.
    Hints,
    /// Items.
    Items,
    /// What people set for items.
    ItemSettings,
    /// What people set for suppliers.
    SupplierSettings,
    /// Contacts.
    Contacts,
    /// Documents of any kind, by kind and id.
    Documents,
    /// Further booked lines of a document.
    DocumentLines(DocumentRef),
    /// An item's movements, in their order.
    Movements(ItemId),
    /// What earlier movements of an item were made worth.
    Restatements(ItemId),
    /// What Xero said of a tracked item, the earliest first.
    Snapshots(ItemId),
    /// An item's order lines.
    OrderLines(ItemId),
    /// An item's movements and, behind them, its order lines.
    MovementsAndOrderLines(ItemId),
    /// Plans that want to order now, by supplier.
    Wants,
    /// Items that stand otherwise than well.
    Troubles,
    /// Marks of items to plan again.
    Touched,
    /// Proposals.
    Proposals,
    /// Pointers to the proposals that stand between plan and order.
    PendingProposals,
    /// Effects that are not finished.
    PendingEffects,
    /// Warnings that wait to be told.
    Alerts,
    /// Questions for a person.
    Reviews,
    /// Digests, by day.
    Digests,
    /// What was reported of closed months, by month.
    Closings,
    /// The items of a closing.
    ClosedItems(Date, u32),
    /// Cost of goods sold by month.
    CogsMonths,
    /// Items of which no cost of goods sold is journaled.
    CogsHeld,
    /// Journals of cost of goods sold, by number.
    Journals,
    /// Purchases as far as landed cost is concerned, by day.
    Purchases,
    /// Landed cost vouchers, by number.
    Vouchers,
    /// Changes of item prices in Xero.
    PriceChanges,
    /// Goods receipts, by number.
    GoodsReceipts,
    /// Adjustments of stock, by number.
    Adjustments,
    /// The audit trail.
    AuditEntries,
}

/// What a waiting hint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HintOf {
    /// An invoice or bill to fetch.
    Invoice(DocumentId),
    /// Credit notes changed.
    CreditNotes,
    /// The org is due for a sync.
    Sync,
    /// A document to look at again that can't be fetched by its id: its feed is read again from it on.
    Again(DocumentRef),
}

/// An org of the stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgEntry {
    /// The org.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// Its time zone, an IANA name; `None` while Xero's name for it is unknown to us.
    pub time_zone: Option<String>,
    /// The token set through which it is reached.
    pub connection: String,
    /// Its Xero tenant id: known with a consent, else once a signed webhook told it together with a document that was
    /// found here.
    pub tenant: Option<Uuid>,
}

/// A token set. The tokens themselves lie in the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Which version of the vault's secret is in force.
    pub secret_version: String,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// Who refreshes it just now, and until when nobody else may.
    pub lease: Option<(Uuid, Timestamp)>,
    /// Why a person must act before it works again.
    pub broken: Option<String>,
}

/// A link that signs a person in, once. Its token is in the mail alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInLink {
    /// Whom it signs in: their mail address.
    pub address: String,
    /// The page to go to afterwards.
    pub next: String,
    /// From here on it is worth nothing.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// The sign-in links mailed lately: what the limits on them count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInMails {
    /// To whom and when.
    pub sent: Vec<(String, Timestamp)>,
    /// From here on none of them counts.
    pub expires_at: Timestamp,
}

/// The organisation and how far its copy is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// As Xero describes it.
    pub organisation: Organisation,
    /// Its time zone, an IANA name: the one that a person set, else Xero's.
    pub time_zone: String,
    /// The last day whose books a person closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_through: Option<Date>,
    /// Whether there are rules by what suppliers' papers count items, or were until lately.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_purchase_units: bool,
    /// The first day whose cost of goods sold is journaled, where a person wants that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cogs_from: Option<Date>,
    /// Whether the first load waits for a person to set the time zone, since Xero's name for it is not known.
    #[serde(default)]
    pub awaits_time_zone: bool,
    /// When parstock first saw it.
    pub connected_at: Timestamp,
    /// How far the first load is.
    pub backfill: Backfill,
    /// When the last whole poll ended.
    pub polled_at: Option<Timestamp>,
    /// Polls since Xero's quantities of tracked items were last read.
    pub polls_since_quantities: u32,
    /// Whether a booking touched a tracked item since then.
    pub quantities_stale: bool,
    /// Up to when items were read.
    pub items_until: Option<Timestamp>,
    /// Polls since contacts were last read.
    #[serde(default)]
    pub polls_since_contacts: u32,
    /// Up to when contacts were read.
    #[serde(default)]
    pub contacts_until: Option<Timestamp>,
    /// When Xero was last asked about the organisation itself.
    #[serde(default)]
    pub organisation_asked_at: Option<Timestamp>,
    /// The base currency in Xero, if it is no longer the one in which the books are kept: nothing is read meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_currency: Option<String>,
    /// Day of the latest planning of touched items.
    pub planned_on: Option<Date>,
    /// Day of the latest planning of all items.
    pub planned_all_on: Option<Date>,
    /// Day of the latest digest.
    pub digest_on: Option<Date>,
    /// Day of the latest proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proved_on: Option<Date>,
    /// The last month, by its first day, up to which all that was reported is put down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_through: Option<Date>,
    /// Day of the latest decision about journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journaled_on: Option<Date>,
    /// When warnings were last told.
    pub alerts_told_at: Option<Timestamp>,
    /// What a person must do before syncing goes on.
    pub needs_person: Option<String>,
}

/// How far the first load is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Backfill {
    /// Documents are being read.
    Reading {
        /// The beginning of history.
        from: Timestamp,
        /// Documents booked so far.
        documents: u64,
    },
    /// Documents are read; opening balances of tracked items are being derived.
    Opening {
        /// Documents booked.
        documents: u64,
    },
    /// It is whole.
    Done {
        /// When it was.
        at: Timestamp,
        /// Documents booked.
        documents: u64,
        /// The last audit entry of it: what comes behind is news.
        #[serde(default)]
        last_entry: u64,
    },
}

/// How far a feed has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The latest change that is booked.
    pub until: Timestamp,
    /// Since when reading goes on, while a long list is being read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Timestamp>,
}

/// The lease of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it; nil when nobody does.
    pub holder: Uuid,
    /// Until when at most.
    pub until: Timestamp,
}

/// A hint that waits to be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingHint {
    /// Since when.
    pub since: Timestamp,
    /// When a message comes that has the org's hints served. One stands per org at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<Timestamp>,
}

/// A document as booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRecord {
    /// Kind and Xero id.
    pub of: DocumentRef,
    /// Its number.
    pub number: String,
    /// Its contact.
    pub contact: ContactId,
    /// The contact's name.
    pub contact_name: String,
    /// Its date.
    pub date: Date,
    /// Its status.
    pub status: DocumentStatus,
    /// When Xero last changed what is booked.
    pub updated_at: Timestamp,
    /// Hash of the content that is booked (or is being booked).
    pub content: Hash,
    /// How far booking is: lines still to book, and of how many; `None` when it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<(u32, u32)>,
    /// The first booked lines; further ones lie in [`Key::DocumentLines`].
    pub lines: Vec<BookedLine>,
    /// How many rows of further lines there are.
    pub more: u32,
    /// Money on lines that name no item.
    pub uncountable: Money,
    /// Its currency, where that is not the org's base currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<ForeignCurrency>,
    /// Whether the same content is to be looked at again: a line names an item that nobody knew, or an order
    /// came after a bill that may have brought in its goods.
    #[serde(default)]
    pub unresolved: bool,
    /// The effect by which we wrote it ourselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<EffectId>,
}

/// What a person rejected lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The rejected proposals with the day of the rejection, the latest last.
    pub proposals: Vec<(ProposalId, Date)>,
}

/// What an effect does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum EffectKind {
    /// A DRAFT purchase order in Xero with a history note.
    Order {
        /// The approved proposal.
        proposal: ProposalId,
    },
    /// The digest of a day by mail.
    DigestMail {
        /// The day.
        day: Date,
    },
    /// The digest of a day by Slack.
    DigestChat {
        /// The day.
        day: Date,
    },
    /// Warnings by mail.
    AlertMail {
        /// The batch.
        batch: Uuid,
    },
    /// Warnings by Slack.
    AlertChat {
        /// The batch.
        batch: Uuid,
    },
    /// A journal of cost of goods sold in Xero.
    Journal {
        /// Its number.
        number: JournalNumber,
    },
    /// A landed cost voucher, in the ledger and in Xero.
    Voucher {
        /// Its number.
        number: VoucherNumber,
        /// Whether it is taken back.
        back: bool,
        /// How often its journal was decided anew.
        again: u32,
    },
    /// A goods receipt, in the ledger, and its bill in Xero as a draft.
    GoodsReceipt {
        /// Its number.
        number: ReceiptNumber,
        /// Whether it is taken back.
        back: bool,
    },
    /// An adjustment of stock, in the ledger or in Xero.
    Adjustment {
        /// Its number.
        number: AdjustmentNumber,
        /// How often it was tried anew after it was refused.
        again: u32,
    },
    /// What the papers of a bill name: read, and nothing written.
    Papers {
        /// The bill.
        of: DocumentRef,
        /// What it is called.
        number: String,
        /// When they were asked for.
        at: Timestamp,
        /// Whether a person waits for it.
        by_person: bool,
    },
    /// Purchase prices of items in Xero, at most [`PRICES_PER_EFFECT_MAX`].
    Prices {
        /// When a person approved them.
        at: Timestamp,
        /// The prices.
        prices: Vec<PriceWrite>,
    },
}

/// Prices that one effect writes: the commit of its end has two rows for each.
pub const PRICES_PER_EFFECT_MAX: usize = 40;

/// Where an effect stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum EffectState {
    /// Not tried yet.
    Waiting,
    /// Somebody tries it now; after `until` it is unknown how that ended.
    Trying {
        /// Until when nobody else may.
        until: Timestamp,
    },
    /// It failed without effect and is due again.
    Due {
        /// When.
        at: Timestamp,
        /// What went wrong.
        why: String,
    },
    /// It is unknown how it ended: look before acting again.
    Unknown {
        /// When.
        at: Timestamp,
    },
    /// A purchase order is written; its history note is not.
    Noting {
        /// The order.
        order: DocumentId,
        /// Somebody writes the note now; after this nobody does.
        until: Timestamp,
    },
    /// It is done.
    Done {
        /// When.
        at: Timestamp,
    },
    /// It will not be tried again.
    Failed {
        /// Why, and what to do.
        reason: String,
    },
}

/// An effect: what leaves for the outside, with an id fixed before the first try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What it does.
    pub what: EffectKind,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Where it stands.
    pub status: EffectState,
    /// What a person must do before it can be done; it stays due meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_person: Option<String>,
}

/// What was told of an item, kept for as long as it is short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The gravest that was told of it and still holds.
    pub kind: AlertKind,
}

/// Warnings told together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertBatch {
    /// When they were put together.
    pub at: Timestamp,
    /// The warnings.
    pub alerts: Vec<Alert>,
}

/// What a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewKind {
    /// A bill line fits several open orders.
    UnclearArrival,
    /// A line names an item that Xero doesn't list.
    UnknownItem,
    /// A document can't be understood.
    UnreadableDocument,
    /// The derived opening balance is below zero.
    NegativeOpening,
    /// Xero's quantity and our movements differ.
    Residual,
    /// An order is in Xero without the note that says why.
    MissingNote,
    /// Settings were applied in part.
    HalfApplied,
    /// Cost of goods sold can't be journaled with the accounts as they are.
    CogsRefused,
    /// Purchases of an item are coded to another account than the stock account.
    CogsHeld,
    /// A bill looks like freight of goods, and no voucher spreads it.
    FreightLeft,
    /// Vouchers have spread more of a bill's line than it is now.
    Overspent,
    /// The journal of a voucher is not in Xero.
    VoucherJournal,
    /// Shares of a voucher did not land.
    ShareLeftOut,
    /// A goods receipt waits for a person.
    ReceiptWaits,
    /// The bill of a goods receipt needs a person.
    ReceiptBill,
    /// An adjustment waits for approval, or is not booked as it was meant.
    Adjustment,
    /// Money in advance moves goods, which its bill or invoice may move again.
    GoodsInAdvance,
}

impl ReviewKind {
    /// The word in ids.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnclearArrival => "unclear_arrival",
            Self::UnknownItem => "unknown_item",
            Self::UnreadableDocument => "unreadable_document",
            Self::NegativeOpening => "negative_opening",
            Self::Residual => "residual",
            Self::MissingNote => "missing_note",
            Self::HalfApplied => "half_applied",
            Self::CogsRefused => "cogs_refused",
            Self::CogsHeld => "cogs_held",
            Self::FreightLeft => "freight_left",
            Self::Overspent => "overspent",
            Self::VoucherJournal => "voucher_journal",
            Self::ShareLeftOut => "share_left_out",
            Self::ReceiptWaits => "receipt_waits",
            Self::ReceiptBill => "receipt_bill",
            Self::Adjustment => "adjustment",
            Self::GoodsInAdvance => "goods_in_advance",
        }
    }
}

/// A question for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Which kind of question.
    pub kind: ReviewKind,
    /// Since when.
    pub since: Timestamp,
    /// The item, if it is about one.
    pub item: Option<ItemId>,
    /// The document, if it is about one.
    pub document: Option<DocumentRef>,
    /// The question, with its figures and what to do.
    pub text: String,
    /// The item codes that nobody knows, if it is about some; at most [`CODES_OF_REVIEW_MAX`].
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub codes: BTreeSet<String>,
}

/// Item codes that a review keeps. With so many, any code may be among those that it left out.
pub const CODES_OF_REVIEW_MAX: usize = 500;

/// The digest of a day: what was told, so that it can be shown again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestRecord {
    /// When it was put together.
    pub at: Timestamp,
    /// Its content, the views' own JSON.
    pub content: String,
}

/// An item that stands otherwise than well, as it was last planned: digests and counts read these instead
/// of every item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub standing: Standing,
    /// What is available; `None` when it was never counted.
    pub available: Option<Quantity>,
    /// When it runs out unless something comes.
    pub runs_out_on: Option<Date>,
    /// The numbers of its late orders, as far as its plan names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub late_order_numbers: Vec<String>,
}

/// How far the audit chain was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditCheck {
    /// The end up to which it was whole.
    pub verified: Head,
    /// How far a walk from the first entry on has come, while one is under way.
    pub walked: Option<Head>,
    /// When a check last came to the chain's end.
    pub at: Option<Timestamp>,
    /// Where it is broken, and what to do, until a walk from the first entry on comes to the end.
    pub broken: Option<String>,
}

/// Items to plan again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Since when; an instant that has not come for what changes by itself, such as a document dated ahead.
    pub at: Timestamp,
    /// The items.
    pub items: Vec<ItemId>,
}

macro_rules! records {
    ($($(#[$doc:meta])* $variant:ident($content:ty))*) => {
        /// The content of a row.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum Record {
            $($(#[$doc])* $variant($content),)*
        }

        $(impl Content for $content {
            fn into_record(self) -> Record {
                Record::$variant(self)
            }
            fn from_record(record: Record) -> Option<Self> {
                match record {
                    Record::$variant(content) => Some(content),
                    _ => None,
                }
            }
        })*
    };
}

/// A type that is the content of one kind of row.
pub trait Content: Sized {
    /// As a record.
    fn into_record(self) -> Record;
    /// From a record, if it is of this kind.
    fn from_record(record: Record) -> Option<Self>;
}

/// The document or thing that a code or pointer stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer<T> {
    /// What it points to.
    pub to: T,
}

/// Calls left and used, of an org or of an app's minute, as the client's limits keep them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallBudgetRecord {
    /// The client's own JSON.
    pub state: String,
}

/// An empty mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {}

/// What people set for an item. Xero may rename items and suppliers, so both are kept by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemSettingsRecord {
    /// Its supplier.
    pub supplier: Option<ContactId>,
    /// All else; no supplier's name stands here.
    pub set: ItemSettings,
    /// By what suppliers' papers count it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitRule<ContactId>>,
}

/// A contact that is or may become a supplier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRecord {
    /// Its present name.
    pub name: String,
    /// Whether it is archived in Xero.
    #[serde(default)]
    pub archived: bool,
    /// The contact into which it was merged in Xero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<ContactId>,
}

/// A plan that wants to order now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// What it would order.
    pub line: parstock_domain::governance::ProposalLine,
    /// When the goods are wanted.
    pub wanted_on: Date,
    /// Day of the plan.
    pub planned_on: Date,
    /// What was open on the item's purchase orders when it was planned: with another figure the plan has
    /// not seen an order yet.
    #[serde(default)]
    pub open_on_orders: Quantity,
}

records! {
    /// See [`OrgEntry`].
    Org(OrgEntry)
    /// The org of a tenant, or of a code's item, or the pending proposal.
    Tenant(Pointer<OrgId>)
    /// See [`Connection`].
    Connection(Connection)
    /// See [`SignInLink`].
    SignInLink(SignInLink)
    /// See [`SignInMails`].
    SignInMails(SignInMails)
    /// See [`Profile`].
    Profile(Profile)
    /// See [`Policy`].
    Policy(Policy)
    /// See [`CallBudgetRecord`].
    CallBudget(CallBudgetRecord)
    /// See [`Lease`].
    Lease(Lease)
    /// See [`Cursor`].
    Cursor(Cursor)
    /// See [`WaitingHint`].
    Hint(WaitingHint)
    /// See [`Item`].
    Item(Item)
    /// The item of a code.
    ItemCode(Pointer<ItemId>)
    /// See [`ContactRecord`].
    Contact(ContactRecord)
    /// See [`ItemSettingsRecord`].
    ItemSettings(ItemSettingsRecord)
    /// See [`SupplierSettings`].
    SupplierSettings(SupplierSettings)
    /// See [`Learned`].
    Supply(Learned)
    /// See [`DocumentRecord`].
    Document(DocumentRecord)
    /// Further booked lines.
    DocumentLines(MoreLines)
    /// See [`Position`].
    Position(Position)
    /// See [`Layers`].
    Layer(Layers)
    /// See [`Checkpoint`].
    Checkpoint(Checkpoint)
    /// See [`Restatement`].
    Restatement(Restatement)
    /// See [`Snapshot`].
    Snapshot(Snapshot)
    /// See [`Movement`].
    Movement(Movement)
    /// See [`OrderLine`].
    OrderLine(OrderLine)
    /// See [`Plan`].
    Plan(Plan)
    /// See [`History`].
    Demand(History)
    /// See [`Want`].
    Want(Want)
    /// See [`Trouble`].
    Trouble(Trouble)
    /// See [`Touched`].
    Touched(Touched)
    /// See [`Proposal`].
    Proposal(Proposal)
    /// The pending proposal of a supplier.
    PendingProposal(Pointer<ProposalId>)
    /// See [`Rejected`].
    Rejected(Rejected)
    /// See [`Effect`].
    Effect(Effect)
    /// Marks an effect that is not finished.
    PendingEffect(Mark)
    /// See [`Alert`].
    Alert(Alert)
    /// See [`Told`].
    Told(Told)
    /// See [`AlertBatch`].
    AlertBatch(AlertBatch)
    /// See [`Review`].
    Review(Review)
    /// See [`DigestRecord`].
    Digest(DigestRecord)
    /// See [`Proof`].
    Proof(Proof)
    /// See [`Closing`].
    Closing(Closing)
    /// See [`ClosedPart`].
    ClosedItems(ClosedPart)
    /// See [`CogsLedger`].
    Cogs(CogsLedger)
    /// See [`CogsMonth`].
    CogsMonth(CogsMonth)
    /// See [`CogsHeld`].
    CogsHeld(CogsHeld)
    /// See [`Journal`].
    Journal(Journal)
    /// See [`Purchase`].
    Purchase(Purchase)
    /// See [`Voucher`].
    Voucher(Voucher)
    /// See [`PriceChange`].
    PriceChange(PriceChange)
    /// See [`GoodsReceipt`].
    GoodsReceipt(GoodsReceipt)
    /// See [`Adjustment`].
    Adjustment(Adjustment)
    /// See [`Entry`].
    AuditEntry(Entry)
    /// See [`Head`].
    AuditHead(Head)
    /// See [`AuditCheck`].
    AuditCheck(AuditCheck)
}

impl Record {
    /// From when on nobody misses the row. The table may keep it for days more, so whoever reads it looks at the time, too.
    pub const fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::SignInLink(link) => Some(link.expires_at),
            Self::SignInMails(mails) => Some(mails.expires_at),
            _ => None,
        }
    }
}

/// Further booked lines of a long document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoreLines {
    /// The lines.
    pub lines: Vec<BookedLine>,
}

impl List {
    /// Whether a key belongs to the list: what the stores filter by.
    pub fn holds(&self, key: &Key) -> bool {
        match (self, key) {
            (Self::Orgs, Key::Org(_))
            | (Self::Hints, Key::Hint(_))
            | (Self::Items, Key::Item(_))
            | (Self::ItemSettings, Key::ItemSettings(_))
            | (Self::SupplierSettings, Key::SupplierSettings(_))
            | (Self::Contacts, Key::Contact(_))
            | (Self::Documents, Key::Document(_))
            | (Self::Wants, Key::Want(..))
            | (Self::Troubles, Key::Trouble(..))
            | (Self::Touched, Key::Touched(_))
            | (Self::Proposals, Key::Proposal(_))
            | (Self::PendingProposals, Key::PendingProposal(_))
            | (Self::PendingEffects, Key::PendingEffect(_))
            | (Self::Alerts, Key::Alert(_))
            | (Self::Reviews, Key::Review(_))
            | (Self::Digests, Key::Digest(_))
            | (Self::Closings, Key::Closing(..))
            | (Self::CogsMonths, Key::CogsMonth(_))
            | (Self::CogsHeld, Key::CogsHeld(_))
            | (Self::Journals, Key::Journal(_))
            | (Self::Purchases, Key::Purchase(..))
            | (Self::Vouchers, Key::Voucher(_))
            | (Self::PriceChanges, Key::PriceChange(_))
            | (Self::GoodsReceipts, Key::GoodsReceipt(_))
            | (Self::Adjustments, Key::Adjustment(_))
            | (Self::AuditEntries, Key::AuditEntry(_)) => true,
            (Self::DocumentLines(of), Key::DocumentLines(document, _)) => of == document,
            (Self::ClosedItems(month, number), Key::ClosedItems(of, closing, _)) => {
                (month, number) == (of, closing)
            }
            (Self::Movements(of) | Self::MovementsAndOrderLines(of), Key::Movement(item, _))
            | (Self::Restatements(of), Key::Restatement(item, _))
            | (Self::Snapshots(of), Key::Snapshot(item, _))
            | (Self::OrderLines(of) | Self::MovementsAndOrderLines(of), Key::OrderLine(item, ..)) => {
                of == item
            }
            _ => false,
        }
    }
}

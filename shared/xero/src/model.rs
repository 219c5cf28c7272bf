//! Xero's resources as the accounting API reads and writes them.
//!
//! Field names follow Xero's OpenAPI document (16.1.0) in Rust's spelling. Fields that this client's readers have no
//! use for are ignored, as is every field that Xero adds. Only an id is required; everything else may be absent. A
//! word that is not known yet is kept as `Other`.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// An enumeration of Xero's words that keeps words it doesn't know.
macro_rules! text_enum {
    ($(#[$about:meta])* pub enum $name:ident { $($(#[$word_about:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$word_about])* $word,)+
            /// A word that this client does not know.
            Other(String),
        }

        impl $name {
            /// Xero's word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$word,)+
                    _ => Self::Other(text),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(<String as serde::Deserialize>::deserialize(deserializer)?.into())
            }
        }
    };
}
pub(crate) use text_enum;

mod account;
mod attachment;
mod bank_transaction;
mod bill;
mod contact;
mod credit_note;
mod history;
mod invoice;
mod item;
mod journal;
mod line_item;
mod lines;
mod organisation;
mod page;
mod payment;
mod purchase_order;
mod report;
mod setting;
mod walk;

pub use account::{Account, AccountClass, AccountStatus};
pub use attachment::{
    ATTACHMENT_BYTES_MAX, ATTACHMENTS_MAX, Attachment, AttachmentOf, FILE_NAME_MAX, NewAttachment,
};
pub use bank_transaction::{BankTransaction, BankTransactionStatus, BankTransactionType};
pub use bill::{BillUpdate, NewBill, NewStatus};
pub use contact::{Address, Contact, ContactRef, ContactStatus, Phone};
pub(crate) use contact::{contact_by_id, some_contact_by_id};
pub use credit_note::{
    Allocation, CreditNote, CreditNoteType, CreditNoteUpdate, InvoiceRef, NewAllocation, NewCreditNote,
};
pub use history::{HISTORY_NOTE_MAX, HistoryNote, HistoryOf, HistoryRecord};
pub use invoice::{Invoice, InvoiceStatus, InvoiceType};
pub use item::{Item, ItemPrice, ItemUpdate};
pub use journal::{
    JournalLine, JournalStatus, ManualJournal, ManualJournalUpdate, NewJournalLine, NewJournalStatus,
    NewManualJournal,
};
pub use line_item::{LineAmountTypes, LineItem, LineItemItem, NewLineItem, Tracking};
pub use lines::{LineUpdate, Lines, TRACKING_MAX};
pub use organisation::Organisation;
pub use page::{Page, Pagination, Unreadable};
pub(crate) use page::{Resource, first, read_page};
pub use payment::{
    Advance, AdvanceStatus, AdvanceType, Overpayment, Payment, PaymentStatus, PaymentType, Prepayment,
};
pub use purchase_order::{NewPurchaseOrder, PurchaseOrder, PurchaseOrderStatus, PurchaseOrderUpdate};
pub(crate) use report::Report;
pub use report::{BalanceRow, BalanceSheet, TrialBalance, TrialRow};
pub use setting::{
    Action, ActionStatus, BrandingTheme, Currency, SettingStatus, TaxRate, TrackingCategory, TrackingOption,
};
pub use walk::{Listed, Walk};

/// Reads a field on which nothing depends: what it can't read is left out instead of spoiling the rest.
pub(crate) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let written = Option::<Box<RawValue>>::deserialize(deserializer)?;
    Ok(written.and_then(|written| serde_json::from_str(written.get()).ok()))
}

/// Reads a list that Xero may also give as null.
fn list_or_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

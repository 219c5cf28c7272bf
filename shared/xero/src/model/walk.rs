use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    BankTransaction, Contact, CreditNote, Invoice, ManualJournal, Overpayment, Page, Payment, Prepayment,
    PurchaseOrder,
};

/// A resource of a paged list.
pub trait Listed {
    /// Its identity.
    fn id(&self) -> Uuid;
    /// When it last changed.
    fn updated_at(&self) -> Option<Timestamp>;
}

macro_rules! listed {
    ($($resource:ty: $id:ident,)+) => {$(
        impl Listed for $resource {
            fn id(&self) -> Uuid {
                self.$id
            }

            fn updated_at(&self) -> Option<Timestamp> {
                self.updated_at
            }
        }
    )+};
}

listed! {
    Invoice: invoice_id,
    CreditNote: credit_note_id,
    PurchaseOrder: purchase_order_id,
    BankTransaction: bank_transaction_id,
    Prepayment: prepayment_id,
    Overpayment: overpayment_id,
    Payment: payment_id,
    ManualJournal: manual_journal_id,
    Contact: contact_id,
}

/// Watches a walk through the pages of a list and says whether it can have missed something.
///
/// Xero pages a list of changes by number. A resource that changes while the list is read moves to its end, and all
/// behind it move up by one: the next page then begins one too late. Nothing in the answers says so, except that fewer
/// different resources were seen than Xero counts. A walk that is not [complete](Self::is_complete) is done again from
/// [where it began](Self::began_at), or reading goes on from the last change seen instead of by page numbers.
#[derive(Debug, Clone, Default)]
pub struct Walk {
    seen: BTreeSet<Uuid>,
    unreadable: BTreeSet<Option<String>>,
    counted: Option<u32>,
    began_at: Option<Timestamp>,
}

impl Walk {
    /// Takes note of a page.
    pub fn saw<T: Listed>(&mut self, page: &Page<T>) {
        if self.seen.is_empty() {
            self.began_at = page.resources.first().and_then(Listed::updated_at);
        }
        self.seen.extend(page.resources.iter().map(Listed::id));
        self.unreadable.extend(page.unreadable.iter().map(|element| element.id.clone()));
        let counted = page.pagination.and_then(|pagination| pagination.item_count);
        self.counted = counted.max(self.counted);
    }

    /// Whether as many different resources were seen as Xero counted at most. `false` too if Xero never said.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let seen = self.seen.len() + self.unreadable.len();
        self.counted.is_some_and(|counted| u32::try_from(seen).is_ok_and(|seen| seen >= counted))
    }

    /// The last change of the first resource seen.
    #[must_use]
    pub fn began_at(&self) -> Option<Timestamp> {
        self.began_at
    }
}

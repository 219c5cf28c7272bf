//! Events named as the business says them, whatever brought the news.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::DocumentKind;

/// Where the news came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A webhook's hint.
    Webhook,
    /// The poller's comparison with our copy.
    Poll,
    /// Our own effect's answer.
    Effect,
    /// A person's file or form.
    Person,
}

/// What happened, in the words of the business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EventType {
    /// A sales invoice is new.
    #[serde(rename = "INVOICE.CREATED")]
    InvoiceCreated,
    /// A sales invoice changed, was voided or deleted.
    #[serde(rename = "INVOICE.UPDATED")]
    InvoiceUpdated,
    /// A bill is new.
    #[serde(rename = "BILL.CREATED")]
    BillCreated,
    /// A bill changed, was voided or deleted.
    #[serde(rename = "BILL.UPDATED")]
    BillUpdated,
    /// A credit note of either kind is new.
    #[serde(rename = "CREDIT_NOTE.CREATED")]
    CreditNoteCreated,
    /// A credit note of either kind changed.
    #[serde(rename = "CREDIT_NOTE.UPDATED")]
    CreditNoteUpdated,
    /// A purchase order is new.
    #[serde(rename = "PURCHASE_ORDER.CREATED")]
    PurchaseOrderCreated,
    /// A purchase order changed.
    #[serde(rename = "PURCHASE_ORDER.UPDATED")]
    PurchaseOrderUpdated,
    /// Goods came in by a goods receipt.
    #[serde(rename = "GOODS_RECEIPT.CREATED")]
    GoodsReceiptCreated,
    /// A goods receipt was taken back.
    #[serde(rename = "GOODS_RECEIPT.UPDATED")]
    GoodsReceiptUpdated,
    /// Spend or receive money is new.
    #[serde(rename = "BANK_TRANSACTION.CREATED")]
    BankTransactionCreated,
    /// Spend or receive money changed.
    #[serde(rename = "BANK_TRANSACTION.UPDATED")]
    BankTransactionUpdated,
    /// An item is new.
    #[serde(rename = "ITEM.CREATED")]
    ItemCreated,
    /// An item's master data changed.
    #[serde(rename = "ITEM.UPDATED")]
    ItemUpdated,
    /// Xero's figure of a tracked item changed.
    #[serde(rename = "STOCK.REPORTED")]
    StockReported,
    /// An opening balance was given.
    #[serde(rename = "STOCK.OPENED")]
    StockOpened,
    /// Stock moved between locations of the org. Nothing raises it yet: Xero has no such document, and
    /// transfers start in parstock once an org can have several locations.
    #[serde(rename = "INVENTORY_TRANSFER.CREATED")]
    InventoryTransferCreated,
}

impl EventType {
    /// The event of a document that is new to us, or changed.
    pub const fn of_document(kind: DocumentKind, is_new: bool) -> Self {
        match (kind, is_new) {
            (DocumentKind::SalesInvoice, true) => Self::InvoiceCreated,
            (DocumentKind::SalesInvoice, false) => Self::InvoiceUpdated,
            (DocumentKind::Bill, true) => Self::BillCreated,
            (DocumentKind::Bill, false) => Self::BillUpdated,
            (DocumentKind::SalesCredit | DocumentKind::SupplierCredit, true) => Self::CreditNoteCreated,
            (DocumentKind::SalesCredit | DocumentKind::SupplierCredit, false) => Self::CreditNoteUpdated,
            (DocumentKind::GoodsReceipt, true) => Self::GoodsReceiptCreated,
            (DocumentKind::GoodsReceipt, false) => Self::GoodsReceiptUpdated,
            (DocumentKind::PurchaseOrder, true) => Self::PurchaseOrderCreated,
            (DocumentKind::PurchaseOrder, false) => Self::PurchaseOrderUpdated,
            (DocumentKind::SpendMoney | DocumentKind::ReceiveMoney, true) => Self::BankTransactionCreated,
            (DocumentKind::SpendMoney | DocumentKind::ReceiveMoney, false) => Self::BankTransactionUpdated,
        }
    }

    /// The name as it is written, e.g. `INVOICE.CREATED`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvoiceCreated => "INVOICE.CREATED",
            Self::InvoiceUpdated => "INVOICE.UPDATED",
            Self::BillCreated => "BILL.CREATED",
            Self::BillUpdated => "BILL.UPDATED",
            Self::CreditNoteCreated => "CREDIT_NOTE.CREATED",
            Self::CreditNoteUpdated => "CREDIT_NOTE.UPDATED",
            Self::PurchaseOrderCreated => "PURCHASE_ORDER.CREATED",
            Self::PurchaseOrderUpdated => "PURCHASE_ORDER.UPDATED",
            Self::GoodsReceiptCreated => "GOODS_RECEIPT.CREATED",
            Self::GoodsReceiptUpdated => "GOODS_RECEIPT.UPDATED",
            Self::BankTransactionCreated => "BANK_TRANSACTION.CREATED",
            Self::BankTransactionUpdated => "BANK_TRANSACTION.UPDATED",
            Self::ItemCreated => "ITEM.CREATED",
            Self::ItemUpdated => "ITEM.UPDATED",
            Self::StockReported => "STOCK.REPORTED",
            Self::StockOpened => "STOCK.OPENED",
            Self::InventoryTransferCreated => "INVENTORY_TRANSFER.CREATED",
        }
    }
}

/// An event, as it stands in the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    #[serde(rename = "type")]
    pub what: EventType,
    /// To what: a document's or item's id.
    pub subject: String,
    /// The subject's own instant (a document's change in Xero).
    pub time: Timestamp,
    /// Where the news came from.
    pub source: Source,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_json_agree() {
        for kind in DocumentKind::ALL {
            for is_new in [true, false] {
                let event = EventType::of_document(kind, is_new);
                assert_eq!(serde_json::to_string(&event).unwrap(), format!("\"{}\"", event.name()));
            }
        }
        let transfer = EventType::InventoryTransferCreated;
        assert_eq!(serde_json::to_string(&transfer).unwrap(), format!("\"{}\"", transfer.name()));
    }
}

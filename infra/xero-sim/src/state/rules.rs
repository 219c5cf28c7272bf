//! Which status a document may be written in, which may follow, and what a lock date forbids.

use jiff::civil::Date;

use crate::act::{Changes, DocumentKind, E4, Organisation, Status};
use crate::error::XeroError;
use crate::settings::Switches;
use crate::state::{Document, DocumentList};

/// Refusal of a change that the document's status doesn't allow.
pub(super) const NOT_MODIFIABLE: &str = "Invoice not of valid status for modification";
const ORDER_NOT_MODIFIABLE: &str = "Purchase order not of valid status for modification";
/// Refusal of a change to a paid document.
const HAS_PAYMENT: &str =
    "This document cannot be edited as it has a payment or credit note allocated to it.";

/// What a document of this kind does to tracked stock once it has effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StockEffect {
    None,
    /// Goods bought: in at their price.
    Bring,
    /// Goods sold: out at average cost.
    Take,
    /// A customer's return: back in at average cost.
    BringBack,
    /// A return to the supplier: out.
    TakeBack,
}

pub(super) fn stock_effect(kind: DocumentKind) -> StockEffect {
    match kind {
        DocumentKind::Bill
        | DocumentKind::SpendMoney
        | DocumentKind::SpendPrepayment
        | DocumentKind::SpendOverpayment => StockEffect::Bring,
        DocumentKind::Invoice
        | DocumentKind::ReceiveMoney
        | DocumentKind::ReceivePrepayment
        | DocumentKind::ReceiveOverpayment => StockEffect::Take,
        DocumentKind::SalesCredit => StockEffect::BringBack,
        DocumentKind::SupplierCredit => StockEffect::TakeBack,
        DocumentKind::PurchaseOrder => StockEffect::None,
    }
}

/// Whether a document in this status counts in the books.
pub(super) fn has_effect(status: Status) -> bool {
    matches!(status, Status::Authorised | Status::Paid)
}

pub(super) fn number_is_unique(kind: DocumentKind) -> bool {
    matches!(kind, DocumentKind::Invoice | DocumentKind::SalesCredit | DocumentKind::PurchaseOrder)
}

pub(super) fn number_taken(kind: DocumentKind) -> XeroError {
    XeroError::refused(match kind {
        DocumentKind::PurchaseOrder => "Order number must be unique",
        DocumentKind::SalesCredit => "Credit note # must be unique",
        _ => "Invoice # must be unique",
    })
}

/// Whether a document may be written in this status.
pub(super) fn may_begin(kind: DocumentKind, status: Status) -> bool {
    match DocumentList::of(kind) {
        DocumentList::BankTransactions => status == Status::Authorised,
        _ => matches!(status, Status::Draft | Status::Submitted | Status::Authorised),
    }
}

/// Refuses changes that the present status doesn't allow.
pub(super) fn check_change(
    document: &Document,
    changes: &Changes,
    switches: &Switches,
) -> Result<(), XeroError> {
    let next = changes.status.unwrap_or(document.status);
    let is_revalued = changes.lines.is_some() || changes.currency.is_some();
    let is_edit = is_revalued || changes.contact.is_some() || next == Status::Voided;
    if document.applied != E4::ZERO && is_edit {
        return Err(XeroError::refused(HAS_PAYMENT));
    }
    let allowed = match DocumentList::of(document.kind) {
        DocumentList::PurchaseOrders => return check_order(document.status, next, changes, switches),
        DocumentList::BankTransactions => may_follow_bank(document.status, next),
        _ => may_follow(document, next),
    };
    if !allowed {
        return Err(XeroError::refused(NOT_MODIFIABLE));
    }
    let paid = document.status == Status::Paid && next == Status::Paid;
    if paid && (document.kind != DocumentKind::Bill || changes.date.is_some() || is_revalued) {
        return Err(XeroError::refused(HAS_PAYMENT));
    }
    Ok(())
}

fn may_follow(document: &Document, next: Status) -> bool {
    use Status::{Authorised, Deleted, Draft, Paid, Submitted, Voided};
    match (document.status, next) {
        (Draft, Draft | Submitted | Authorised | Deleted) => true,
        (Submitted, Submitted | Authorised | Deleted) => true,
        (Authorised, Authorised | Paid | Voided) => true,
        // Going back to AUTHORISED is a payment taken back.
        (Paid, Paid | Authorised) => true,
        // Voiding needs a document without payments, and one with total 0 never has any.
        (Paid, Voided) => document.total == E4::ZERO,
        _ => false,
    }
}

fn may_follow_bank(present: Status, next: Status) -> bool {
    present == Status::Authorised && matches!(next, Status::Authorised | Status::Deleted | Status::Voided)
}

fn check_order(
    present: Status,
    next: Status,
    changes: &Changes,
    switches: &Switches,
) -> Result<(), XeroError> {
    use Status::{Authorised, Billed, Deleted, Draft, Submitted};
    let allowed = match (present, next) {
        (Draft, Draft | Submitted | Authorised | Deleted) => true,
        (Submitted, Submitted | Authorised | Deleted) => true,
        (Draft | Submitted, Billed) => switches.unapproved_order_may_be_billed,
        (Authorised, Authorised | Billed | Deleted) => true,
        (Billed, Authorised) => true,
        // A billed order is closed; only notes and its status change.
        (Billed, Billed) => *changes == Changes { status: changes.status, ..Changes::default() },
        _ => false,
    };
    if allowed { Ok(()) } else { Err(XeroError::refused(ORDER_NOT_MODIFIABLE)) }
}

/// Refuses a document with effect that is dated in a locked period.
pub(super) fn check_lock(organisation: &Organisation, date: Date) -> Result<(), XeroError> {
    let locks = [
        (organisation.period_lock_date, "period lock date"),
        (organisation.end_of_year_lock_date, "end of year lock date"),
    ];
    for (lock, name) in locks {
        if let Some(lock) = lock.filter(|lock| date <= *lock) {
            return Err(XeroError::refused(format!(
                "The document date cannot be before the {name}, currently set at {lock}"
            )));
        }
    }
    Ok(())
}

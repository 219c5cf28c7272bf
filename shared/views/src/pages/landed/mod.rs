//! Landed cost: freight that waits to be spread, the form of a voucher, what it would do, and the vouchers.

mod entered;
mod form;
mod list;
mod preview;
mod voucher;

use parstock_domain::document::DocumentRef;
use parstock_domain::landed::{Basis, VoucherJournal, VoucherJournalFate as Fate};

pub use entered::{Entered, receipt_key};
pub use form::{LandedFormPage, ReceiptRow};
pub use list::{BILLS_SHOWN_MAX, BillRow, LandedChoicePage, LandedPage, VOUCHERS_SHOWN_MAX};
pub use preview::LandedPreviewPage;
pub use voucher::VoucherPage;

/// What a bill is called: its number, or its kind where it has none.
fn bill_name<'a>(of: &DocumentRef, number: &'a str) -> &'a str {
    if number.is_empty() { of.kind.words() } else { number }
}

const fn basis_words(basis: Basis) -> &'static str {
    match basis {
        Basis::Value => "by value",
        Basis::Quantity => "by quantity",
        Basis::Weight => "by weight",
        Basis::Hand => "by hand",
    }
}

/// What became of a journal, in words.
fn journal_words(journal: Option<&VoucherJournal>) -> String {
    match journal.map(|journal| &journal.fate) {
        None => "no journal".to_owned(),
        Some(Fate::Due { why_not: None }) => "waits until parstock may write to Xero".to_owned(),
        Some(Fate::Due { why_not: Some(why) }) => format!("waits: {why}"),
        Some(Fate::Planned) => "being written".to_owned(),
        Some(Fate::Draft { .. }) => "draft in Xero".to_owned(),
        Some(Fate::Posted { .. }) => "posted in Xero".to_owned(),
        Some(Fate::Gone { .. }) => "deleted in Xero".to_owned(),
    }
}

//! Goods receipts: what is to come, the form by which a person says what came, and the receipts.

mod form;
mod list;
mod receipt;

use parstock_domain::goods_receipt::BillFate;

pub use form::{ReceiptFields, ReceiptFormPage, quantity_field};
pub use list::{RECEIPTS_SHOWN_MAX, ReceiptsPage, ToComeRow};
pub use receipt::ReceiptPage;

/// What became of a receipt's bill, in words.
fn bill_words(bill: Option<&BillFate>) -> String {
    match bill {
        None => String::new(),
        Some(BillFate::Written { .. }) => "draft bill written".to_owned(),
        Some(BillFate::None { why }) => format!("no bill: {why}"),
    }
}

//! Landed cost: what freight, duty and insurance add to the cost of goods, from the lines of purchases that name no item, by
//! vouchers that a person makes.

mod purchase;
mod spread;
mod voucher;

pub use purchase::{CHARGES_MAX, Charge, Purchase, name};
pub use spread::spread;
pub use voucher::{
    Basis, Draft, Problem, Received, Request, RequestedCharge, RequestedReceipt, SHARES_MAX, SPENT_MAX,
    Share, Spent, Stage, TakenBack, Voucher, VoucherJournal, VoucherJournalFate, VoucherNumber, draft,
};

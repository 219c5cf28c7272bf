//! Landed cost: what freight, duty and insurance add to the cost of goods, from the lines of purchases that name no item, by
//! vouchers that a person makes.

mod papers;
mod purchase;
mod revaluation;
mod spread;
mod voucher;

pub use papers::{Known as KnownNames, NAMED_MAX, NameOf, Named, PAPER_NAME_MAX, Paper, Papers};
pub use purchase::{CHARGES_MAX, Charge, Purchase, name};
pub use revaluation::{Accounts, Half, Part, Revaluation, RevaluationFate, Revalues};
pub use spread::spread;
pub use voucher::{
    Basis, Draft, Problem, Received, Request, RequestedCharge, RequestedReceipt, SHARES_MAX, SPENT_MAX,
    Share, Spent, Stage, TakenBack, Voucher, VoucherJournal, VoucherJournalFate, VoucherNumber, draft,
};

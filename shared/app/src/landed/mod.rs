//! Landed cost: a person spreads charges of bills over receipts by a voucher. The ledger takes it in at once, Xero's books by a
//! manual journal.

mod book;
mod books;
mod journal;
mod known;
mod make;
mod named;
mod papers;
mod preview;
mod purchases;
mod revalue;

pub(crate) use book::book;
pub(crate) use journal::{Planned, Which, decide_due, drafts, failed, learn, planned, written};
pub(crate) use known::received;
pub use make::{leave, make, take_back};
pub use named::{NamedCharge, NamedReceipt, NamedRequest, resolve};
pub use papers::read_papers;
pub(crate) use papers::{named_by, purchase};
pub use preview::{Landed, Preview, preview};
pub use purchases::FREIGHT_AFTER_GOODS_DAYS;
pub(crate) use purchases::{ask_again, freight_key, keep};
pub(crate) use revalue::{decided_anew, follow, instead, rejected, voided};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use parstock_domain::document::{DocumentKind, DocumentRef};
use parstock_domain::ids::{DocumentId, OrgId};
use parstock_domain::landed::{Purchase, Voucher, VoucherNumber};

use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::Ports;
use crate::records::{Key, List};
use crate::writer::Writer;

/// Days that lists of purchases and vouchers go back.
pub const LOOKED_BACK_DAYS: i64 = 400;
/// The same as a time.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(24 * LOOKED_BACK_DAYS);
/// Days after a freight bill in which goods may still come in that it is for: it is often written before they land.
pub(crate) const FREIGHT_BEFORE_GOODS_DAYS: i64 = 14;
/// Days for which a bill may be late in being entered, and still be asked about.
pub(crate) const ASKED_ABOUT_DAYS: i64 = 90;

/// The purchases of the days from `from` on, by day.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn purchases_since<P: Ports>(
    writer: &Writer<'_, P>,
    from: Date,
) -> Result<Vec<Purchase>, AppError> {
    let first = DocumentRef { kind: DocumentKind::GoodsReceipt, id: DocumentId(uuid::Uuid::nil()) };
    let after = Some(Key::Purchase(from, first));
    let rows =
        load::all_after::<Purchase>(writer.ports().store(), writer.owner(), &List::Purchases, after).await?;
    Ok(rows.into_iter().map(|(_, row)| row.content).collect())
}

/// The purchases that look like freight and are not spread, the latest first.
///
/// # Errors
/// When the store does not answer.
pub async fn to_spread<P: Ports>(ports: &P, org: OrgId) -> Result<Vec<Purchase>, AppError> {
    let writer = Writer::open_unleased(ports, org).await?;
    let from = writer.clock().day_of(writer.now()).saturating_sub(ASKED_ABOUT_DAYS.days());
    let mut open = Vec::new();
    for purchase in purchases_since(&writer, from).await? {
        if !purchase.left_alone && !purchase.freight_left()?.is_zero() {
            open.push(purchase);
        }
    }
    open.reverse();
    Ok(open)
}

/// The vouchers of the last [`LOOKED_BACK_DAYS`], the latest first.
///
/// # Errors
/// When the store does not answer.
pub async fn all<P: Ports>(ports: &P, org: OrgId) -> Result<Vec<Voucher>, AppError> {
    let writer = Writer::open_unleased(ports, org).await?;
    let from = writer.now().saturating_sub(LOOKED_BACK).unwrap_or(Timestamp::MIN);
    Ok(vouchers(&writer, from).await?.into_iter().rev().map(|row| row.content).collect())
}

/// The vouchers from the day of an instant on, by number.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn vouchers<P: Ports>(
    writer: &Writer<'_, P>,
    from: Timestamp,
) -> Result<Vec<Versioned<Voucher>>, AppError> {
    let after = Some(Key::Voucher(VoucherNumber { on: writer.clock().day_of(from), index: 0 }));
    let rows = load::all_after(writer.ports().store(), writer.owner(), &List::Vouchers, after).await?;
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// How many days lie between a bill and goods.
pub(crate) fn days_apart(bill: &Purchase, goods: &Purchase) -> u32 {
    bill.on.until(goods.on).map_or(0, |span| span.get_days().unsigned_abs())
}

/// A voucher that must be there.
async fn voucher<P: Ports>(
    writer: &Writer<'_, P>,
    number: VoucherNumber,
) -> Result<Versioned<Voucher>, AppError> {
    let voucher = load::one::<Voucher>(writer.ports().store(), writer.owner(), Key::Voucher(number)).await?;
    voucher.ok_or_else(|| AppError::Reject(format!("there is no landed cost voucher {number}")))
}

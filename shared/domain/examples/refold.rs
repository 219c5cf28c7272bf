//! How long a receipt that is told two years late takes: an item's 22,000 movements read from their stored text, costed anew with
//! the receipt in its place, and what changed written as text.
//!
//! `cargo run --release -p parstock-domain --example refold`
#![expect(clippy::print_stdout, reason = "figures are for people")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::error::Error;
use std::time::Instant;

use jiff::civil::date;
use jiff::{Timestamp, ToSpan};
use parstock_domain::costing::Method;
use parstock_domain::document::{DocumentKind, DocumentRef};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{CommitId, DocumentId, ItemId, LineId, LocationId};
use parstock_domain::ledger::valuation::Refold;
use parstock_domain::ledger::{Cause, Dating, Movement, MovementKey, Place, Valuation};
use uuid::Uuid;

const MOVEMENTS: i64 = 22_000;
const DAYS: i64 = 730;
/// One in so many is a receipt.
const RECEIPTS: i64 = 20;
const ROUNDS: usize = 5;

fn movement(number: i64, day: i64, comes_in: bool) -> Result<Movement, Box<dyn Error>> {
    let kind = if comes_in { DocumentKind::Bill } else { DocumentKind::SalesInvoice };
    // ids as they come, in no order
    let id = Uuid::from_u128(u128::try_from(number)?.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
    let of = DocumentRef { kind, id: DocumentId(id) };
    let ours = Place::Stock(LocationId::main());
    let (from, to) = if comes_in { (Place::Supplier, ours) } else { (ours, Place::Customer) };
    let units = if comes_in { 10 * (RECEIPTS - 1) } else { 9 + number % 3 };
    Ok(Movement {
        item: ItemId(Uuid::from_u128(7)),
        key: MovementKey {
            effective_on: date(2024, 6, 1).saturating_add(day.days()),
            out: !comes_in,
            cause: Cause::Document { of, line: LineId(id) },
            revision: 1,
            correction: false,
        },
        quantity: Quantity::from_whole(units)?,
        from,
        to,
        value: if comes_in { Money::from_whole(units * (3 + number % 5))? } else { Money::ZERO },
        correction: Money::ZERO,
        posted_on: None,
        found: None,
        returns: Vec::new(),
        recorded_at: Timestamp::UNIX_EPOCH,
        commit: CommitId(Uuid::nil()),
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    for method in [Method::Average, Method::Fifo, Method::Lifo] {
        let mut stored = Vec::new();
        for number in 0..MOVEMENTS {
            let movement = movement(number, number * DAYS / MOVEMENTS, number % RECEIPTS == 0)?;
            stored.push(serde_json::to_string(&movement)?);
        }
        let late = movement(MOVEMENTS, 0, true)?;
        let dating = Dating { today: date(2026, 6, 1), open_from: None, cogs: None };
        let mut best = f64::INFINITY;
        let mut written = 0;
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let movements =
                stored.iter().map(|row| serde_json::from_str(row)).collect::<Result<Vec<_>, _>>()?;
            let mut refold = Refold::new(Valuation::new(method), None, movements, dating, Money::ZERO)?;
            let (booked, _) = refold.document(late.clone(), None)?;
            let refolded = refold.finish([&booked])?;
            let rows = [
                serde_json::to_string(&booked)?,
                serde_json::to_string(&refolded.valuation)?,
                serde_json::to_string(&refolded.checkpoint)?,
                serde_json::to_string(&refolded.months)?,
            ];
            best = best.min(began.elapsed().as_secs_f64());
            written = rows.iter().map(String::len).sum();
        }
        println!(
            "{}: {MOVEMENTS} movements over {DAYS} days, best of {ROUNDS}: {:.0} ms, {written} bytes written in 4 rows",
            method.word(),
            best * 1_000.0
        );
    }
    Ok(())
}

//! What the tests of planning share.

use jiff::civil::{Date, date};
use jiff::{Timestamp, ToSpan};
use uuid::Uuid;

use super::plan::PlanInput;
use crate::demand::Rate;
use crate::document::{DocumentStatus, Item};
use crate::fixed::{Money, Quantity};
use crate::ids::{ContactId, DocumentId, ItemId, LineId, LocationId};
use crate::ledger::{OnHand, OrderLine};
use crate::settings::{Origin, Resolved, Settings, Sourced};

pub(super) const TODAY: Date = date(2026, 11, 23);

pub(super) fn now() -> Timestamp {
    "2026-11-23T00:30:00Z".parse().unwrap()
}

pub(super) fn q(text: &str) -> Quantity {
    text.parse().unwrap()
}

pub(super) fn day(ahead: i64) -> Date {
    TODAY.saturating_add(ahead.days())
}

pub(super) fn item(code: &str) -> Item {
    Item {
        id: ItemId(crate::ids::derived("item", &[code])),
        code: code.to_owned(),
        name: format!("Item {code}"),
        tracked: false,
        purchase_price: None,
        sales_price: None,
        purchase_account: String::new(),
        purchase_tax: String::new(),
        sales_account: "200".to_owned(),
        quantity: None,
        updated_at: Timestamp::UNIX_EPOCH,
        priced_at: None,
    }
}

/// Lead time 12 days, review 7, service level 95 %.
pub(super) fn settings() -> Resolved {
    let mut resolved = Settings::default().for_item(&item("BOX"), &LocationId::main(), None);
    resolved.lead_time_days = Sourced { value: 12, from: Origin::Supplier };
    resolved
}

pub(super) fn rate(per_day: &str, spread: &str) -> Rate {
    Rate {
        per_day: per_day.parse().unwrap(),
        spread: spread.parse().unwrap(),
        from: day(-182),
        to: day(-1),
        sold: Quantity::ONE,
        known_since: Some(day(-400)),
        whole_units: true,
    }
}

pub(super) fn order_line(
    number: &str,
    open: &str,
    expected: Option<i64>,
    status: DocumentStatus,
) -> OrderLine {
    OrderLine {
        order: DocumentId(crate::ids::derived("order", &[number])),
        line: LineId(Uuid::nil()),
        item: item("BOX").id,
        number: number.to_owned(),
        supplier: ContactId(Uuid::nil()),
        status,
        ordered_on: day(-5),
        expected_on: expected.map(day),
        ordered: q(open),
        received: Quantity::ZERO,
        billed: Quantity::ZERO,
        unit_price: Money::ZERO,
        unit: None,
        net: Money::ZERO,
        receipts: Vec::new(),
        bills: Vec::new(),
    }
}

pub(super) fn input<'a>(
    on_hand: &str,
    rate: Rate,
    orders: &'a [OrderLine],
    settings: &'a Resolved,
) -> PlanInput<'a> {
    PlanInput {
        today: TODAY,
        now: now(),
        rate,
        enough: None,
        on_hand: OnHand::Counted(q(on_hand)),
        committed: Quantity::ZERO,
        changes_on: None,
        orders,
        settings,
        supplier: Some(Sourced { value: ContactId(Uuid::from_u128(5)), from: Origin::Learned }),
        unit_price: Some(Sourced { value: "4.81".parse().unwrap(), from: Origin::Learned }),
        by: None,
    }
}

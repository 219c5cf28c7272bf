//! What stories of landed cost and of adjustments share: accounts and rules, a bill of freight, and vouchers over what it carried.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use jiff::SignedDuration;
use parstock_app::error::AppError;
use parstock_app::landed::{self, NamedCharge, NamedReceipt, NamedRequest};
use parstock_app::records::Record;
use parstock_domain::document::{Account, Contact, Document};
use parstock_domain::fixed::Money;
use parstock_domain::ids::{ContactId, derived};
use parstock_domain::landed::{Basis, Voucher, VoucherNumber};
use parstock_domain::ledger::proof::ADJUSTMENTS_CONTACT;

use super::stock::{Shop, bill};

/// Account of stock that Xero doesn't track.
pub(super) const STOCK: &str = "300";
/// Account of cost of goods sold.
pub(super) const COGS: &str = "310";
/// Account of adjusted tracked stock.
pub(super) const ADJUSTED: &str = "401";
/// Account of freight.
pub(super) const FREIGHT: &str = "425";
/// Account of stock that Xero tracks.
pub(super) const INVENTORY: &str = "630";

pub(super) fn money(text: &str) -> Money {
    text.parse().unwrap()
}

/// A rule of the whole organisation; its value is JSON.
pub(super) fn rule(setting: &str, value: &str) -> String {
    format!(r#"{{"scope": "org", "setting": "{setting}", "value": {value}}}"#)
}

pub(super) fn policy(rules: &[String]) -> String {
    format!(r#"{{"version": 1, "rules": [{}]}}"#, rules.join(", "))
}

pub(super) fn phase(phase: &str) -> String {
    rule("phase", &format!(r#""{phase}""#))
}

pub(super) fn cogs() -> String {
    rule("cogs", &format!(r#"{{"stock_account": "{STOCK}", "cogs_account": "{COGS}", "every": "day"}}"#))
}

pub(super) fn adjustment_account() -> String {
    rule("adjustment_account", &format!(r#""{ADJUSTED}""#))
}

/// The accounts of a shop.
pub(super) fn accounts() -> Vec<Account> {
    let kinds = [(STOCK, "CURRENT"), (COGS, "DIRECTCOSTS"), (ADJUSTED, "EXPENSE"), (INVENTORY, "INVENTORY")];
    let account = |(code, kind): (&str, &str)| Account {
        code: code.to_owned(),
        name: kind.to_owned(),
        kind: kind.to_owned(),
        balance: Money::ZERO,
    };
    kinds.map(account).into()
}

/// The contact of adjustments.
pub(super) fn adjustments_contact() -> Contact {
    Contact {
        id: ContactId(derived("contact", &["adjustments"])),
        name: ADJUSTMENTS_CONTACT.to_owned(),
        archived: false,
        only_customer: false,
        merged_into: None,
    }
}

/// The documents of adjustments in Xero, in the order in which they came.
pub(super) fn adjustment_documents(shop: &Shop) -> Vec<Document> {
    let mut found: Vec<Document> = shop.in_xero(|company, _| {
        company.documents.values().filter(|document| document.number.starts_with("ADJ-")).cloned().collect()
    });
    found.sort_by_key(|document| (document.updated_at, document.number.clone()));
    found
}

/// The first poll of the next day.
pub(super) async fn next_day(shop: &Shop) {
    shop.wait(SignedDuration::from_hours(24) - SignedDuration::from_mins(15));
    shop.poll().await;
}

/// A freight bill.
pub(super) fn freight(shop: &Shop, amount: &str) {
    let mut freight = bill("F-1", "2026-06-02").line("", "1", amount).account(FREIGHT);
    freight.describe(0, "Sea freight");
    shop.save(freight);
}

/// The freight over all goods of bills, by value.
pub(super) fn over(receipts: &[&str]) -> NamedRequest {
    let receipt =
        |bill: &&str| NamedReceipt { bill: (*bill).to_owned(), item: None, weight: None, amount: None };
    NamedRequest {
        basis: Basis::Value,
        on: None,
        charges: vec![NamedCharge { bill: "F-1".to_owned(), line: None, amount: None }],
        receipts: receipts.iter().map(receipt).collect(),
    }
}

pub(super) async fn take_back(shop: &Shop, number: VoucherNumber) -> Result<(), AppError> {
    landed::take_back(&shop.ports, shop.org, "Kim", number, "the wrong bill").await?;
    shop.work().await;
    Ok(())
}

/// The first voucher.
pub(super) fn voucher(shop: &Shop) -> Voucher {
    let voucher = |record| if let Record::Voucher(voucher) = record { Some(voucher) } else { None };
    shop.rows().find_map(|(_, record)| voucher(record)).unwrap()
}

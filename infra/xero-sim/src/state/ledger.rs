//! The balance of each account, worked out from what is in the books.

use std::collections::BTreeMap;

use crate::act::{DocumentKind, E4, JournalStatus, Tracking};
use crate::state::amounts::in_base_currency;
use crate::state::documents::base_value;
use crate::state::{Books, rules};

/// Where an amount stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    /// An account of the chart, by its place.
    Account(u32),
    /// What customers owe.
    Receivable,
    /// What is owed to suppliers.
    Payable,
    /// Money.
    Bank,
    /// Tax collected less tax paid.
    Tax,
}

impl Books {
    /// What is on each account, debits above zero. It comes to zero in all.
    ///
    /// The accounts of tracked stock hold exactly the cost pools; what the documents put there beyond that went to the
    /// items' cost of goods sold.
    pub(crate) fn balances(&self) -> BTreeMap<Slot, E4> {
        let mut balances: BTreeMap<Slot, E4> = BTreeMap::new();
        let mut add = |slot: Slot, amount: E4| {
            let balance = balances.entry(slot).or_default();
            *balance = *balance + amount;
        };
        // What stands on the asset account of each tracked item.
        let mut bought: BTreeMap<u32, E4> = BTreeMap::new();
        for document in self.documents.iter().filter(|document| rules::has_effect(document.status)) {
            use DocumentKind::{
                Bill, Invoice, PurchaseOrder, ReceiveMoney, ReceiveOverpayment, ReceivePrepayment,
                SalesCredit, SpendMoney, SpendOverpayment, SpendPrepayment, SupplierCredit,
            };
            let (counter, buys) = match document.kind {
                PurchaseOrder => continue,
                Invoice => (Slot::Receivable, false),
                SalesCredit => (Slot::Receivable, true),
                Bill => (Slot::Payable, true),
                SupplierCredit => (Slot::Payable, false),
                SpendMoney | SpendPrepayment | SpendOverpayment => (Slot::Bank, true),
                ReceiveMoney | ReceivePrepayment | ReceiveOverpayment => (Slot::Bank, false),
            };
            // A line without an account is a sale of nothing known, and stays with the tax; money in advance is owed.
            let without_account = match document.kind {
                SpendPrepayment | SpendOverpayment => Slot::Payable,
                ReceivePrepayment | ReceiveOverpayment => Slot::Receivable,
                _ => Slot::Tax,
            };
            let signed = |amount: E4| if buys { amount } else { -amount };
            let currency = document.currency.as_deref();
            let mut sum = E4::ZERO;
            for line in &document.lines {
                let net = signed(base_value(line, document.amounts, currency));
                let tax = signed(in_base_currency(line.tax, currency));
                let asset = line.item.filter(|item| {
                    let account = self.account(line.account);
                    self.item(*item).is_some_and(|row| row.value.is_tracked())
                        && account.is_some_and(|account| account.account_type == super::masters::INVENTORY)
                });
                match (asset, line.account) {
                    (Some(item), _) => {
                        let put = bought.entry(item).or_default();
                        *put = *put + net;
                    }
                    (None, Some(account)) => add(Slot::Account(account), net),
                    (None, None) => add(without_account, net),
                }
                add(Slot::Tax, tax);
                sum = sum + net + tax;
            }
            add(counter, -sum);
        }
        for (place, row) in self.items.iter().enumerate() {
            let Tracking::Tracked { asset_account, cogs_account } = &row.value.item.tracking else {
                continue;
            };
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let put = bought.remove(&place).unwrap_or_default();
            let pool = row.value.stock.cost_pool;
            let slot = |code: &str| self.account_by_code.get(code).copied().map_or(Slot::Tax, Slot::Account);
            add(slot(asset_account), pool);
            add(slot(cogs_account), put - pool);
        }
        for row in &self.payments {
            let payment = &row.value;
            let Some(document) = self.document(payment.document).filter(|_| !payment.is_deleted) else {
                continue;
            };
            let amount = in_base_currency(payment.amount, document.currency.as_deref());
            let (owed, amount) = match document.kind {
                DocumentKind::Invoice => (Slot::Receivable, amount),
                DocumentKind::SalesCredit => (Slot::Receivable, -amount),
                DocumentKind::SupplierCredit => (Slot::Payable, amount),
                _ => (Slot::Payable, -amount),
            };
            add(Slot::Bank, amount);
            add(owed, -amount);
        }
        for row in self.journals.iter().filter(|row| row.value.status == JournalStatus::Posted) {
            for line in &row.value.lines {
                let account = self.account_by_code.get(&line.account_code).copied();
                add(account.map_or(Slot::Tax, Slot::Account), line.amount);
            }
        }
        balances
    }
}

//! A person spreads freight over goods that came in, and may take that back.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parstock_app::landed;
use parstock_app::ports::Store;
use parstock_app::records::{Key, Owner, Record};
use parstock_domain::document::{Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, ItemRef};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ContactId, DocumentId, ItemId, LineId, OrgId};
use parstock_domain::landed::{Basis, Request, RequestedCharge, RequestedReceipt, Stage, Voucher};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{CONSOLE_TIME_OUT, World};
use crate::laws;
use crate::scheduler::{Faults, later, lock};
use crate::trade::ZONE_IANA;

/// Lines of the bill of goods: more than one commit books.
const LINES: u128 = 20;
/// The account of untracked stock.
const STOCK: &str = "620";
/// How long a person waits before trying again.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// What a person wants of vouchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouchers {
    /// Nothing.
    None,
    /// One is made.
    Made,
    /// One is made and, once it stands, taken back.
    TakenBack,
}

/// A person at work.
pub(super) struct Landing {
    request: Request,
    /// Whether what was made is taken back now.
    back: bool,
    due: Timestamp,
}

fn bill(number: u128, today: Date, lines: Vec<DocumentLine>) -> Document {
    Document {
        of: DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(number)) },
        number: format!("LANDED-{number}"),
        reference: String::new(),
        status: DocumentStatus::Authorised,
        contact: ContactId(Uuid::from_u128(number)),
        contact_name: "Carrier".to_owned(),
        date: today,
        expected_on: None,
        updated_at: Timestamp::UNIX_EPOCH,
        lines,
        in_advance: false,
        set_against: Vec::new(),
        foreign: None,
    }
}

fn line(number: u128, item: Option<(ItemId, &str)>, quantity: i64, price: i64) -> DocumentLine {
    let (quantity, unit_amount) = (Quantity::from_e4(quantity), Money::from_e4(price));
    DocumentLine {
        id: LineId(Uuid::from_u128(number)),
        item: item.map(|(id, code)| ItemRef { id: Some(id), code: code.to_owned() }),
        description: "Freight".to_owned(),
        quantity,
        unit_amount,
        net: quantity.at(unit_amount).unwrap(),
        account: if item.is_some() { STOCK } else { "425" }.to_owned(),
        unit: None,
        foreign_net: None,
    }
}

impl<S: Store + 'static> World<S> {
    /// Goods and their freight come in, and a person spreads it.
    pub(super) fn land(&mut self) {
        let today = self.sim.now().to_zoned(TimeZone::get(ZONE_IANA).unwrap()).date();
        let now = self.sim.now();
        let orgs: Vec<OrgId> = self.traders.keys().copied().collect();
        for org in &orgs {
            self.journal_cost_of_goods(*org, today);
            let request = self.ports.books.with(*org, |company| {
                let ours: Vec<(ItemId, String)> = company
                    .items
                    .values()
                    .filter(|item| !item.tracked)
                    .map(|item| (item.id, item.code.clone()))
                    .collect();
                let lines = (1..=LINES).zip(ours.iter().cycle());
                let goods = lines.map(|(number, (id, code))| {
                    line(100 + number, Some((*id, code)), 30_000, 70_000 + number as i64)
                });
                let goods = bill(1, today, goods.collect());
                let charge = line(99, None, 10_000, 1_234_500);
                let spent = charge.id;
                let freight = bill(2, today, vec![charge]);
                let receipts = goods.lines.iter().map(|line| RequestedReceipt {
                    of: goods.of,
                    line: line.id,
                    weight: None,
                    amount: None,
                });
                let request = Request {
                    basis: Basis::Value,
                    on: None,
                    // a part, so that the same could be asked for twice
                    charges: vec![RequestedCharge {
                        of: freight.of,
                        line: spent,
                        amount: Some(Money::from_e4(500_000)),
                    }],
                    receipts: receipts.collect(),
                };
                for bill in [goods, freight] {
                    company.documents.insert(bill.of.id, Document { updated_at: now, ..bill });
                }
                request
            });
            lock(&self.landing).insert(*org, Landing { request, back: false, due: now });
        }
        let wanted = std::mem::take(&mut *lock(&self.landing));
        self.rest();
        *lock(&self.landing) = wanted;
        self.decide_vouchers(self.story.vouchers == Vouchers::Made);
        if self.story.vouchers == Vouchers::TakenBack {
            for landing in lock(&self.landing).values_mut() {
                landing.back = true;
            }
            self.decide_vouchers(true);
        }
        let landing = std::mem::take(&mut *lock(&self.landing));
        for org in landing.into_keys() {
            let company = self.ports.books.with(org, |company| company.clone());
            for what in laws::vouchers(&self.store, &company) {
                self.sim.violation(what);
            }
        }
    }

    /// Cost of goods sold is journaled from today on, so that vouchers have journals.
    fn journal_cost_of_goods(&self, org: OrgId, today: Date) {
        let row = self.store.row(Owner::Org(org), &Key::Profile);
        let Some(Record::Profile(mut profile)) = row.map(|row| row.record) else { return };
        profile.cogs_from = Some(today);
        self.store.put(Owner::Org(org), Key::Profile, Record::Profile(profile));
        let cogs = json!({ "stock_account": STOCK, "cogs_account": "310", "every": "day" });
        let rule =
            |setting: &str, value: Value| json!({ "scope": "org", "setting": setting, "value": value });
        let rules = [rule("phase", "assist".into()), rule("cogs", cogs)];
        let policy = serde_json::from_value(json!({ "rules": rules })).unwrap();
        self.store.put(Owner::Org(org), Key::Policy, Record::Policy(policy));
    }

    /// Lets people decide until all have, and all is done that follows from it.
    fn decide_vouchers(&mut self, harmed: bool) {
        let faults = if self.story.planned.is_none() { self.story.faults } else { Faults::NONE };
        self.sim.set_faults(faults);
        if harmed {
            self.begin_to_harm();
        }
        let now = self.sim.now();
        lock(&self.landing).values_mut().for_each(|landing| landing.due = now);
        self.deciding = true;
        while self.is_deciding() {
            if !self.turn(Timestamp::MAX) {
                break;
            }
        }
        self.deciding = false;
        self.rest();
    }

    fn is_deciding(&self) -> bool {
        lock(&self.landing)
            .iter()
            .any(|(org, landing)| !is_decided(self.voucher(*org).as_ref(), landing.back))
    }

    fn voucher(&self, org: OrgId) -> Option<Voucher> {
        let rows = self.store.rows(Owner::Org(org)).into_iter();
        let mut vouchers = rows.filter_map(|row| match (row.key, row.record) {
            (Key::Voucher(_), Record::Voucher(voucher)) => Some(voucher),
            _ => None,
        });
        vouchers.next()
    }

    /// When a person tries next.
    pub(super) fn next_decision(&self) -> Option<Timestamp> {
        let landing = lock(&self.landing);
        landing.values().map(|landing| landing.due).min().filter(|_| self.deciding)
    }

    /// People look whether their voucher is there, and try again where it is not.
    pub(super) fn try_vouchers(&mut self, now: Timestamp) {
        if self.next_decision().is_none_or(|due| due > now) {
            return;
        }
        let mut tries = BTreeMap::new();
        for (org, landing) in lock(&self.landing).iter_mut() {
            landing.due = later(now, AGAIN);
            tries.insert(*org, (landing.request.clone(), landing.back));
        }
        for (org, (request, back)) in tries {
            let voucher = self.voucher(org);
            if is_decided(voucher.as_ref(), back) {
                continue;
            }
            let ports = Arc::clone(&self.ports);
            self.tasks.spawn("voucher", CONSOLE_TIME_OUT, async move {
                let who = "A person";
                match voucher {
                    // whatever it answers, a person looks at the list before trying again
                    None => drop(landed::make(&*ports, org, who, &request, None).await),
                    Some(voucher) => {
                        drop(landed::take_back(&*ports, org, who, voucher.number, "wrong").await)
                    }
                }
            });
        }
    }
}

fn is_decided(voucher: Option<&Voucher>, back: bool) -> bool {
    voucher.is_some_and(|voucher| !back || matches!(voucher.stage, Stage::TakingBack | Stage::TakenBack))
}

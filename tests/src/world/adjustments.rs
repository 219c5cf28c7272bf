//! A person writes off and finds stock, tracked and untracked, and looks whether that was taken before trying again.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parstock_app::adjustments::{self, Asked};
use parstock_app::ports::Store;
use parstock_app::records::{Key, Owner, Record};
use parstock_domain::adjustment::{Adjustment, ReasonCode};
use parstock_domain::document::{Account, Contact};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ContactId, OrgId, derived};
use parstock_domain::ledger::Position;
use parstock_domain::ledger::proof::ADJUSTMENTS_CONTACT;
use serde_json::{Value, json};

use super::{CONSOLE_TIME_OUT, World};
use crate::laws;
use crate::scheduler::{Faults, later, lock};
use crate::trade::ZONE_IANA;

/// The account of what is written off.
const EXPENSE: &str = "401";
/// Rows of each untracked item: more than one commit books.
const ROWS: usize = 3;
/// How long a person waits before trying again.
const AGAIN: SignedDuration = SignedDuration::from_mins(1);

/// A person who wants stock adjusted.
pub(super) struct Adjusting {
    rows: Vec<Asked>,
    due: Timestamp,
}

impl<S: Store + 'static> World<S> {
    /// What a person adjusts is adjusted once, whatever goes wrong.
    pub(super) fn adjust(&mut self) {
        let now = self.sim.now();
        let today = now.to_zoned(TimeZone::get(ZONE_IANA).unwrap()).date();
        let orgs: Vec<OrgId> = self.traders.keys().copied().collect();
        for org in &orgs {
            self.ports.books.with(*org, |company| {
                let contact = Contact {
                    id: ContactId(derived("contact", &["adjustments"])),
                    name: ADJUSTMENTS_CONTACT.to_owned(),
                    archived: false,
                    only_customer: false,
                    merged_into: None,
                };
                company.contacts.insert(contact.id.0, (contact, now));
                company.accounts.push(Account {
                    code: EXPENSE.to_owned(),
                    name: "Shrinkage".to_owned(),
                    kind: "EXPENSE".to_owned(),
                    balance: Money::ZERO,
                });
            });
            let rule =
                |setting: &str, value: Value| json!({ "scope": "org", "setting": setting, "value": value });
            let rules = [rule("phase", "assist".into()), rule("adjustment_account", EXPENSE.into())];
            let policy = serde_json::from_value(json!({ "rules": rules })).unwrap();
            self.store.put(Owner::Org(*org), Key::Policy, Record::Policy(policy));
        }
        // what nobody has counted can't be adjusted, and the contact has to be read; that is not what is harmed
        let planned = self.story.planned.take();
        self.count();
        self.rest();
        self.story.planned = planned;
        let mut wanted = BTreeMap::new();
        for org in &orgs {
            let rows = self.rows_of(*org, today);
            wanted.insert(*org, rows.clone());
            lock(&self.adjusting).insert(*org, Adjusting { rows, due: self.sim.now() });
        }
        let faults = if self.story.planned.is_none() { self.story.faults } else { Faults::NONE };
        self.sim.set_faults(faults);
        self.begin_to_harm();
        self.adjusts = true;
        while orgs.iter().any(|org| self.made(*org).is_empty()) {
            if !self.turn(Timestamp::MAX) {
                break;
            }
        }
        self.adjusts = false;
        self.rest();
        lock(&self.adjusting).clear();
        for (org, rows) in wanted {
            let company = self.ports.books.with(org, |company| company.clone());
            for what in laws::adjustments(&self.store, &company, &rows) {
                self.sim.violation(what);
            }
        }
    }

    /// Several rows of each item of ours that was counted, one in and one out of each that Xero tracks.
    fn rows_of(&self, org: OrgId, today: jiff::civil::Date) -> Vec<Asked> {
        let company = self.ports.books.with(org, |company| company.clone());
        let row = |code: &str, change: i64, reason, unit_cost: Option<i64>| Asked {
            line: 2,
            code: code.to_owned(),
            on: today,
            quantity: Quantity::from_e4(change),
            reason,
            unit_cost: unit_cost.map(Money::from_e4),
            note: String::new(),
        };
        let mut rows = Vec::new();
        for item in company.items.values() {
            let key = Key::Position(item.id, parstock_domain::ids::LocationId::main());
            let position = match self.store.row(Owner::Org(org), &key).map(|row| row.record) {
                Some(Record::Position(position)) => position,
                _ => Position::default(),
            };
            let there = position.on_hand(today).ok().and_then(|there| there.quantity());
            if position.tracked != item.tracked || there.is_none() {
                continue;
            }
            rows.push(row(&item.code, 20_000, ReasonCode::Found, Some(31_234)));
            if there.is_some_and(|there| there >= Quantity::from_e4(90_000)) {
                let some = if item.tracked { 1 } else { ROWS };
                rows.extend((0..some).map(|_| row(&item.code, -15_000, ReasonCode::Damaged, None)));
            }
        }
        rows
    }

    fn made(&self, org: OrgId) -> Vec<Adjustment> {
        let rows = self.store.rows(Owner::Org(org)).into_iter();
        let made = rows.filter_map(|row| match row.record {
            Record::Adjustment(adjustment) => Some(adjustment),
            _ => None,
        });
        made.collect()
    }

    /// When a person tries next.
    pub(super) fn next_adjustment(&self) -> Option<Timestamp> {
        lock(&self.adjusting).values().map(|adjusting| adjusting.due).min().filter(|_| self.adjusts)
    }

    /// People look whether their adjustments are there, and try again where they are not.
    pub(super) fn try_adjustments(&mut self, now: Timestamp) {
        if self.next_adjustment().is_none_or(|due| due > now) {
            return;
        }
        let mut tries = BTreeMap::new();
        for (org, adjusting) in lock(&self.adjusting).iter_mut() {
            adjusting.due = later(now, AGAIN);
            tries.insert(*org, adjusting.rows.clone());
        }
        for (org, rows) in tries {
            if !self.made(org).is_empty() {
                continue;
            }
            let ports = Arc::clone(&self.ports);
            self.tasks.spawn("adjustment", CONSOLE_TIME_OUT, async move {
                // whatever else it answers, a person looks at the list before trying again
                if let Ok(Err(wrong)) = adjustments::make(&*ports, org, "A person", &rows).await {
                    ports.sim.violation(format!("adjustments are refused: {wrong:?}"));
                }
            });
        }
    }
}

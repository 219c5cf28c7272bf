//! By what suppliers' papers count items: their documents are read in base units before anything is decided about them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::document::{Document, Item, ItemRef};
use parstock_domain::ids::{ContactId, ItemId};
use parstock_domain::units::{PurchaseUnit, UnitRule, counts_by_purchase_units, unit_on};

use crate::contacts::Contacts;
use crate::error::AppError;
use crate::load;
use crate::ports::Ports;
use crate::records::{ItemSettingsRecord, Key};
use crate::writer::Writer;

/// Keys of one read.
const KEYS_PER_READ: usize = 500;

/// The rules of items by the contacts that stand now, with those contacts.
#[derive(Debug, Default)]
pub(crate) struct Units {
    rules: BTreeMap<ItemId, Vec<UnitRule<ContactId>>>,
    contacts: Contacts,
}

impl Units {
    /// Those of items that a paper of `contact` names. Items that Xero tracks have none: it adds up their papers as they stand. An
    /// org without any pays no read for them.
    pub(crate) async fn of<P: Ports>(
        writer: &Writer<'_, P>,
        items: BTreeSet<ItemId>,
        contact: ContactId,
    ) -> Result<Self, AppError> {
        let mut units = Self::default();
        if !writer.profile.content.has_purchase_units {
            return Ok(units);
        }
        let (store, owner) = (writer.ports().store(), writer.owner());
        let items: Vec<ItemId> = items.into_iter().collect();
        for items in items.chunks(KEYS_PER_READ) {
            let keys: Vec<Key> = items.iter().map(|item| Key::ItemSettings(*item)).collect();
            let rows = load::many::<ItemSettingsRecord>(store, owner, &keys).await?;
            let rules = rows.into_iter().map(|row| row.map(|row| row.content.units).unwrap_or_default());
            units.rules.extend(items.iter().copied().zip(rules).filter(|(_, rules)| !rules.is_empty()));
        }
        let named: Vec<ItemId> = units.rules.keys().copied().collect();
        for items in named.chunks(KEYS_PER_READ) {
            let keys: Vec<Key> = items.iter().map(|item| Key::Item(*item)).collect();
            for row in load::many::<Item>(store, owner, &keys).await?.into_iter().flatten() {
                if row.content.tracked {
                    units.rules.remove(&row.content.id);
                }
            }
        }
        let of_rules = units.rules.values().flatten().filter_map(|rule| rule.supplier);
        let suppliers: BTreeSet<ContactId> = of_rules.collect();
        if !suppliers.is_empty() {
            let asked = suppliers.into_iter().chain([contact]).collect();
            units.contacts = Contacts::of(writer.ports(), writer.org(), asked).await?;
            for rules in units.rules.values_mut() {
                merge(rules, |supplier| units.contacts.present(*supplier));
            }
        }
        Ok(units)
    }

    /// The unit by which a paper of a contact and a day counts an item; `None` is the base unit.
    pub(crate) fn on(&self, item: ItemId, contact: ContactId, day: Date) -> Option<&PurchaseUnit> {
        unit_on(self.rules.get(&item)?, Some(&self.contacts.present(contact)), day)
    }
}

/// Rules under the names of the contacts that stand now: what was set for a merged one holds for the one that stands for it, unless
/// that has its own of the same day.
pub(crate) fn merge<S: Clone + PartialEq>(rules: &mut Vec<UnitRule<S>>, present: impl Fn(&S) -> S) {
    let is_merged = |rule: &UnitRule<S>| rule.supplier.as_ref().is_some_and(|it| present(it) != *it);
    rules.sort_by_key(is_merged);
    let mut kept: Vec<UnitRule<S>> = Vec::with_capacity(rules.len());
    for mut rule in rules.drain(..) {
        rule.supplier = rule.supplier.as_ref().map(&present);
        if kept.iter().all(|other| (&other.supplier, other.from) != (&rule.supplier, rule.from)) {
            kept.push(rule);
        }
    }
    *rules = kept;
}

/// The document with its lines in base units. `resolve` finds the item of a line.
///
/// # Errors
/// When the store does not answer or a quantity does not fit.
pub(crate) async fn in_base_units<'d, P: Ports>(
    writer: &Writer<'_, P>,
    document: &'d Document,
    resolve: impl Fn(&ItemRef) -> Option<ItemId>,
) -> Result<Cow<'d, Document>, AppError> {
    if !counts_by_purchase_units(document.of.kind) || !writer.profile.content.has_purchase_units {
        return Ok(Cow::Borrowed(document));
    }
    let named = document.lines.iter().map(|line| line.item.as_ref().and_then(&resolve));
    let named: Vec<Option<ItemId>> = named.collect();
    let units = Units::of(writer, named.iter().flatten().copied().collect(), document.contact).await?;
    if units.rules.is_empty() {
        return Ok(Cow::Borrowed(document));
    }
    let mut lines = Vec::with_capacity(document.lines.len());
    for (line, item) in document.lines.iter().zip(named) {
        let unit = item.and_then(|item| units.on(item, document.contact, document.date));
        lines.push(match unit {
            Some(unit) => line.clone().in_base_units(unit)?,
            None => line.clone(),
        });
    }
    Ok(Cow::Owned(Document { lines, ..document.clone() }))
}

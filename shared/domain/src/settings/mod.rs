//! What Xero doesn't know: how items are bought, how careful planning is, when people are told.
//!
//! Settings are files: a policy ([`policy`]), `items.csv`, `suppliers.csv` and `units.csv` ([`files`]). What is learned
//! from bills ([`Learned`]) fills gaps and never stands against what a person set.

pub mod files;
mod learned;
pub mod policy;

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::costing::Method;
use crate::demand::ServiceLevel;
use crate::document::Item;
use crate::fixed::Quantity;
use crate::governance::Phase;
use crate::ids::LocationId;
use crate::units::{PurchaseUnit, UnitRule, unit_on};

pub use learned::{LandedOn, Learned};
pub use policy::{LEAD_TIME_DAYS_DEFAULT, OrgSettings, Policy, PriceBasis, Rule, Scope, ScopedRule};

/// Where a value comes from, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nobody set it: the value that the documentation names.
    Default,
    /// Learned from bills.
    Learned,
    /// Set for the whole org.
    Org,
    /// Set for the location.
    Location,
    /// Set for the category.
    Category,
    /// Set for the supplier.
    Supplier,
    /// Set for the item.
    Item,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::Learned => "learned from bills",
            Self::Org => "set for the organisation",
            Self::Location => "set for the location",
            Self::Category => "set for the category",
            Self::Supplier => "set for the supplier",
            Self::Item => "set for the item",
        })
    }
}

/// A value and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub from: Origin,
}

impl<T> Sourced<T> {
    /// What a person set for the item, else what was learned.
    pub fn set_or_learned(set: Option<T>, learned: Option<T>) -> Option<Self> {
        set.map(|value| Self { value, from: Origin::Item })
            .or_else(|| learned.map(|value| Self { value, from: Origin::Learned }))
    }
}

/// A row of `items.csv`. What is `None` was left blank: not set, which is not zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemSettings {
    /// Its category, for scopes; else the item's sales account.
    pub category: Option<String>,
    /// Its supplier's name as Xero has it.
    pub supplier: Option<String>,
    /// Units in a carton: it is ordered in whole cartons.
    pub pack: Option<Quantity>,
    /// The least that the supplier sells at once, in base units.
    pub moq: Option<Quantity>,
    /// Days from order to arrival.
    pub lead_time_days: Option<u16>,
    /// A reorder point set by hand: it replaces the computed one.
    pub min: Option<Quantity>,
    /// An order-up-to level set by hand: it replaces the computed one.
    pub max: Option<Quantity>,
    /// Never propose to order it (it is to run out, or is bought elsewhere).
    pub exclude: bool,
}

/// A row of `suppliers.csv`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupplierSettings {
    /// Days from order to arrival.
    pub lead_time_days: Option<u16>,
    /// Days between two looks at what to order there.
    pub review_days: Option<u16>,
}

/// All settings of an org.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The policy.
    pub policy: Policy,
    /// Items by code.
    pub items: BTreeMap<String, ItemSettings>,
    /// Suppliers by name.
    pub suppliers: BTreeMap<String, SupplierSettings>,
    /// By what suppliers' papers count items, by code and with suppliers' names; tracked items have no such rules.
    pub units: BTreeMap<String, Vec<UnitRule<String>>>,
}

/// The settings that hold for one item at one location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its category.
    pub category: String,
    /// Its supplier's name as a person set it.
    pub supplier: Option<String>,
    /// What parstock may do about it in Xero. A proposal has the lowest phase of its lines.
    pub phase: Phase,
    /// How careful planning is.
    pub service_level: ServiceLevel,
    /// Days between two looks at what to order.
    pub review_days: Sourced<u16>,
    /// Days from order to arrival.
    pub lead_time_days: Sourced<u16>,
    /// Stock without a sale in so many days is dead.
    pub dead_after_days: u16,
    /// Stock for more than so many days is too much.
    pub overstock_cover_days: u16,
    /// Which cost leaves with what goes out, where the ledger is the book.
    pub costing: Method,
    /// Whether sales drafts commit stock.
    pub count_sales_drafts: bool,
    /// Units in a carton.
    pub pack: Option<Quantity>,
    /// The least that the supplier sells at once.
    pub moq: Option<Quantity>,
    /// A reorder point set by hand.
    pub min: Option<Quantity>,
    /// An order-up-to level set by hand.
    pub max: Option<Quantity>,
    /// Never propose to order it.
    pub exclude: bool,
}

impl Settings {
    /// The unit by which a supplier's papers of a day count an item, by their code and name; `None` is the base unit.
    pub fn unit_on(&self, code: &str, supplier: Option<&str>, day: Date) -> Option<&PurchaseUnit> {
        let rules = self.units.get(code).map(Vec::as_slice).unwrap_or_default();
        unit_on(rules, supplier.map(str::to_owned).as_ref(), day)
    }

    /// What holds for `item` at `location`: of several scopes the most specific wins (item, supplier,
    /// category, location, org), and within one scope the row in `items.csv` or `suppliers.csv` before the
    /// policy's rule. `learned_supplier` names the supplier of the last bill; it counts where none is set.
    pub fn for_item(&self, item: &Item, location: &LocationId, learned_supplier: Option<&str>) -> Resolved {
        let own = self.items.get(&item.code).cloned().unwrap_or_default();
        let category = own.category.clone().unwrap_or_else(|| item.sales_account.clone());
        let supplier = own.supplier.as_deref().or(learned_supplier);
        let of_supplier = supplier.and_then(|name| self.suppliers.get(name)).copied().unwrap_or_default();
        let subject =
            policy::Subject { item: &item.code, supplier, category: &category, location: &location.0 };
        let policy = &self.policy;
        let best = |file: Option<Sourced<u16>>, rule: Sourced<u16>| match file {
            Some(file) if file.from >= rule.from => file,
            _ => rule,
        };
        let from = |origin, value: Option<u16>| value.map(|value| Sourced { value, from: origin });
        let lead_time_set =
            from(Origin::Item, own.lead_time_days).or(from(Origin::Supplier, of_supplier.lead_time_days));
        Resolved {
            phase: policy.phase(&subject),
            service_level: policy.service_level(&subject),
            review_days: best(from(Origin::Supplier, of_supplier.review_days), policy.review_days(&subject)),
            lead_time_days: best(lead_time_set, policy.lead_time_days(&subject)),
            dead_after_days: policy.dead_after_days(&subject),
            overstock_cover_days: policy.overstock_cover_days(&subject),
            costing: policy.costing(&subject),
            count_sales_drafts: policy.count_sales_drafts(&subject),
            pack: own.pack,
            moq: own.moq,
            min: own.min,
            max: own.max,
            exclude: own.exclude,
            supplier: own.supplier,
            category,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::ids::ItemId;

    fn item(code: &str, sales_account: &str) -> Item {
        Item {
            id: ItemId(uuid::Uuid::nil()),
            code: code.to_owned(),
            name: String::new(),
            tracked: false,
            purchase_price: None,
            sales_price: None,
            purchase_account: String::new(),
            purchase_tax: String::new(),
            sales_account: sales_account.to_owned(),
            quantity: None,
            updated_at: Timestamp::UNIX_EPOCH,
            priced_at: None,
        }
    }

    #[test]
    fn without_settings_the_documented_defaults_hold() {
        let resolved = Settings::default().for_item(&item("BOX", "200"), &LocationId::main(), None);
        assert_eq!(resolved.phase, Phase::Observe);
        assert_eq!(resolved.service_level.to_string(), "95");
        assert_eq!(resolved.lead_time_days, Sourced { value: 14, from: Origin::Default });
        assert_eq!(resolved.review_days, Sourced { value: 7, from: Origin::Default });
        assert_eq!((resolved.category.as_str(), resolved.supplier), ("200", None));
        assert!(resolved.count_sales_drafts && !resolved.exclude);
        let org = Settings::default().policy.org();
        assert_eq!((org.digest_at.to_string().as_str(), org.order_prefix.as_str()), ("08:00:00", "PS-"));
    }

    /// Sources of the lead time from the weakest on: each that is added wins over those before.
    #[test]
    fn the_most_specific_scope_wins() {
        let mut settings = Settings::default();
        let rule = |scope, days| ScopedRule { scope, rule: Rule::LeadTimeDays(days) };
        let lead_time = |settings: &Settings| {
            let found =
                settings.for_item(&item("BOX", "200"), &LocationId::main(), Some("Acme")).lead_time_days;
            (found.value, found.from)
        };
        settings.policy.set(rule(Scope::Org, 1));
        assert_eq!(lead_time(&settings), (1, Origin::Org));
        settings.policy.set(rule(Scope::Location("main".into()), 2));
        assert_eq!(lead_time(&settings), (2, Origin::Location));
        settings.policy.set(rule(Scope::Category("200".into()), 3));
        assert_eq!(lead_time(&settings), (3, Origin::Category));
        settings.policy.set(rule(Scope::Supplier("Acme".into()), 4));
        assert_eq!(lead_time(&settings), (4, Origin::Supplier));
        let row = SupplierSettings { lead_time_days: Some(5), review_days: None };
        settings.suppliers.insert("Acme".to_owned(), row);
        assert_eq!(lead_time(&settings), (5, Origin::Supplier));
        settings.policy.set(rule(Scope::Item("BOX".into()), 6));
        assert_eq!(lead_time(&settings), (6, Origin::Item));
        let row = ItemSettings { lead_time_days: Some(7), ..ItemSettings::default() };
        settings.items.insert("BOX".to_owned(), row);
        assert_eq!(lead_time(&settings), (7, Origin::Item));
        let other = settings.for_item(&item("TAPE", "201"), &LocationId("depot".into()), None);
        assert_eq!(other.lead_time_days.from, Origin::Org, "another item has none of these");
    }

    #[test]
    fn what_is_learned_never_stands_against_what_is_set() {
        let mut settings = Settings::default();
        let row = ItemSettings { supplier: Some("Set".to_owned()), ..ItemSettings::default() };
        settings.items.insert("BOX".to_owned(), row);
        for (name, days) in [("Set", 3), ("Learned", 9)] {
            let row = SupplierSettings { lead_time_days: Some(days), review_days: None };
            settings.suppliers.insert(name.to_owned(), row);
        }
        let lead_time = |code| {
            settings.for_item(&item(code, "200"), &LocationId::main(), Some("Learned")).lead_time_days.value
        };
        assert_eq!((lead_time("BOX"), lead_time("TAPE")), (3, 9));
        assert_eq!(Sourced::set_or_learned(Some(1), Some(2)), Some(Sourced { value: 1, from: Origin::Item }));
        assert_eq!(Sourced::set_or_learned(None, Some(2)), Some(Sourced { value: 2, from: Origin::Learned }));
        assert_eq!(Sourced::<u8>::set_or_learned(None, None), None);
    }
}

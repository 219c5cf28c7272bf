//! Settings: loading what holds, and exporting, checking and applying the files.
//!
//! Files name items by their code and suppliers by their name. Both may change in Xero, so rows are kept by ids:
//! names become ids when files are applied, and ids the present names when settings are read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::calendar::OrgClock;
use parstock_domain::document::Item;
use parstock_domain::ids::{ContactId, ItemId, LocationId, OrgId, derived};
use parstock_domain::settings::files::{self, Change, Exported, File, Files, Known, Problem};
use parstock_domain::settings::{
    ItemSettings, Learned, Policy, Scope, ScopedRule, Settings, SupplierSettings,
};
use parstock_domain::units::UnitRule;

use crate::connect;
use crate::contacts::Contacts;
use crate::error::AppError;
use crate::load::{self, Versioned, removal, unguarded};
use crate::look_again;
use crate::message::Message;
use crate::ports::{Clock, Expect, Ports, Write};
use crate::records::{
    ContactRecord, Content, ItemSettingsRecord, Key, List, Owner, Profile, Review, ReviewKind,
};
use crate::send::send_now;
use crate::units;
use crate::writer::{Reason, Writer};

/// Rows of one commit, beside the profile and a question.
const ROWS_PER_COMMIT: usize = 80;
/// Keys of one read.
const KEYS_PER_READ: usize = 500;

/// What a change of settings would do, or did.
#[derive(Debug)]
pub enum Applied {
    /// Nothing was changed: the files have these errors.
    Refused(Vec<Problem>),
    /// These values changed.
    Changed(Vec<Change>),
}

/// The settings that concern these items, and all suppliers, by their present codes and names.
///
/// # Errors
/// When the store does not answer.
pub async fn for_items<P: Ports>(ports: &P, org: OrgId, items: &[ItemId]) -> Result<Settings, AppError> {
    let keys: Vec<Key> = items.iter().map(|item| Key::ItemSettings(*item)).collect();
    let rows = many::<ItemSettingsRecord, P>(ports, org, &keys).await?;
    let set = items.iter().zip(rows).filter_map(|(item, row)| Some((*item, row?.content)));
    named(ports, org, set.collect()).await
}

/// All settings of an org, by the present codes and names.
///
/// # Errors
/// When the store does not answer.
pub async fn all<P: Ports>(ports: &P, org: OrgId) -> Result<Settings, AppError> {
    let rows = load::all::<ItemSettingsRecord>(ports.store(), org, &List::ItemSettings).await?;
    let set = rows.into_iter().filter_map(|(key, row)| match key {
        Key::ItemSettings(item) => Some((item, row.content)),
        _ => None,
    });
    named(ports, org, set.collect()).await
}

async fn many<T: Content, P: Ports>(
    ports: &P,
    org: OrgId,
    keys: &[Key],
) -> Result<Vec<Option<Versioned<T>>>, AppError> {
    let mut rows = Vec::with_capacity(keys.len());
    for keys in keys.chunks(KEYS_PER_READ) {
        rows.extend(load::many::<T>(ports.store(), Owner::Org(org), keys).await?);
    }
    Ok(rows)
}

/// The settings as people write them: policy, suppliers and these items by their present codes and names.
async fn named<P: Ports>(
    ports: &P,
    org: OrgId,
    items: Vec<(ItemId, ItemSettingsRecord)>,
) -> Result<Settings, AppError> {
    let policy = load::one::<Policy>(ports.store(), Owner::Org(org), Key::Policy).await?;
    let policy = policy.map(|row| row.content).unwrap_or_default();
    let rows = load::all::<SupplierSettings>(ports.store(), org, &List::SupplierSettings).await?;
    let suppliers: Vec<(ContactId, SupplierSettings)> = rows
        .into_iter()
        .filter_map(|(key, row)| match key {
            Key::SupplierSettings(contact) => Some((contact, row.content)),
            _ => None,
        })
        .collect();
    let mut named_items: BTreeSet<ItemId> = items.iter().map(|(item, _)| *item).collect();
    let mut named_contacts: BTreeSet<ContactId> = suppliers.iter().map(|(contact, _)| *contact).collect();
    named_contacts.extend(items.iter().filter_map(|(_, row)| row.supplier));
    named_contacts.extend(items.iter().flat_map(|(_, row)| &row.units).filter_map(|rule| rule.supplier));
    for rule in policy.rules() {
        match &rule.scope {
            Scope::Item(id) => named_items.extend(id.parse::<ItemId>().ok()),
            Scope::Supplier(id) => named_contacts.extend(id.parse::<ContactId>().ok()),
            Scope::Org | Scope::Location(_) | Scope::Category(_) => {}
        }
    }
    let keys: Vec<Key> = named_items.iter().map(|item| Key::Item(*item)).collect();
    let masters = many::<Item, P>(ports, org, &keys).await?;
    let codes: BTreeMap<ItemId, (Timestamp, String)> = masters
        .into_iter()
        .flatten()
        .map(|row| (row.content.id, (row.content.updated_at, row.content.code)))
        .collect();
    let contacts = Contacts::of(ports, org, named_contacts).await?;
    let code = |item: &ItemId| codes.get(item).map_or_else(|| item.to_string(), |(_, code)| code.clone());
    let name =
        |contact: &ContactId| contacts.name(*contact).map_or_else(|| contact.to_string(), str::to_owned);
    let is_merged = |contact: ContactId| contacts.present(contact) != contact;
    let scope = |scope: &Scope| match scope {
        Scope::Item(id) => Scope::Item(id.parse().map_or_else(|_| id.clone(), |id| code(&id))),
        Scope::Supplier(id) => Scope::Supplier(id.parse().map_or_else(|_| id.clone(), |id| name(&id))),
        Scope::Org | Scope::Location(_) | Scope::Category(_) => scope.clone(),
    };
    // of two items with one code the later counts, as for documents
    let mut items = items;
    items.sort_by_key(|(item, _)| codes.get(item).map(|(at, _)| *at));
    // what was set for a merged supplier holds for the one that stands for it, unless that has its own
    let mut suppliers = suppliers;
    suppliers.sort_by_key(|(contact, _)| !is_merged(*contact));
    let mut rules = policy.rules().to_vec();
    rules.sort_by_key(|rule| match &rule.scope {
        Scope::Supplier(id) => !id.parse().is_ok_and(is_merged),
        Scope::Org | Scope::Location(_) | Scope::Category(_) | Scope::Item(_) => true,
    });
    let rules_of = |row: &ItemSettingsRecord| {
        let mut rules = row.units.clone();
        units::merge(&mut rules, |supplier| contacts.present(*supplier));
        let rules = rules.into_iter().map(|UnitRule { supplier, from, unit }| UnitRule {
            supplier: supplier.as_ref().map(name),
            from,
            unit,
        });
        let mut rules: Vec<UnitRule<String>> = rules.collect();
        rules.sort_by(|a, b| (&a.supplier, a.from).cmp(&(&b.supplier, b.from)));
        rules
    };
    let counted = items.iter().filter(|(_, row)| !row.units.is_empty());
    Ok(Settings {
        policy: rescoped(&rules, scope),
        units: counted.map(|(item, row)| (code(item), rules_of(row))).collect(),
        items: items
            .into_iter()
            .filter(|(_, row)| row.supplier.is_some() || row.set != ItemSettings::default())
            .map(|(item, row)| {
                let supplier = row.supplier.as_ref().map(name);
                (code(&item), ItemSettings { supplier, ..row.set })
            })
            .collect(),
        suppliers: suppliers.into_iter().map(|(contact, set)| (name(&contact), set)).collect(),
    })
}

fn rescoped(rules: &[ScopedRule], scope: impl Fn(&Scope) -> Scope) -> Policy {
    Policy::new(rules.iter().map(|rule| ScopedRule { scope: scope(&rule.scope), rule: rule.rule.clone() }))
}

/// The settings in force, as files with a row for each item and each supplier: whoever is set as one, or
/// has billed an item.
///
/// # Errors
/// When the store does not answer.
pub async fn export<P: Ports>(ports: &P, org: OrgId) -> Result<Exported, AppError> {
    let settings = all(ports, org).await?;
    let (mut known, ids) = known(ports, org, None).await?;
    let keys: Vec<Key> = ids.items.values().map(|item| Key::Supply(*item)).collect();
    let learned = many::<Learned, P>(ports, org, &keys).await?;
    let contacts = Contacts::all(ports, org).await?;
    let bills = learned.iter().flatten().filter_map(|row| contacts.name(row.content.supplier));
    let set = settings.items.values().filter_map(|item| item.supplier.as_deref());
    known.suppliers = bills.chain(set).map(str::to_owned).collect();
    Ok(files::export(&settings, &known))
}

/// What the files would change, or what is wrong with them. Nothing is changed.
///
/// # Errors
/// When the store does not answer.
pub async fn check<P: Ports>(ports: &P, org: OrgId, texts: &Files<'_>) -> Result<Applied, AppError> {
    let profile = load::one::<Profile>(ports.store(), Owner::Org(org), Key::Profile).await?;
    let standing = all(ports, org).await?;
    let (known, _) = known(ports, org, profile.as_ref().map(|profile| &profile.content)).await?;
    let now = ports.clock().now();
    Ok(match wanted(texts, &standing, &known, profile.as_ref().map(|profile| &profile.content), now) {
        Err(problems) => Applied::Refused(problems),
        Ok(wanted) => Applied::Changed(files::difference(&standing, &wanted)),
    })
}

/// The settings that the files describe.
fn wanted(
    texts: &Files<'_>,
    standing: &Settings,
    known: &Known,
    profile: Option<&Profile>,
    now: Timestamp,
) -> Result<Settings, Vec<Problem>> {
    let wanted = files::check(texts, standing, known)?;
    let zone = |settings: &Settings| settings.policy.org().time_zone;
    if let (Some(profile), Some(_), None) = (profile, zone(standing), zone(&wanted))
        && let Err(unknown) = OrgClock::of_org(None, &profile.organisation.xero_time_zone)
    {
        return Err(vec![Problem { file: File::Policy, line: 1, what: unknown.to_string() }]);
    }
    let clock = profile.and_then(|profile| OrgClock::new(&profile.time_zone).ok());
    let today = clock.map_or(Date::MAX, |clock| clock.day_of(now));
    let stands = standing.policy.org().closed_through;
    let closed = wanted.policy.org().closed_through.filter(|day| Some(*day) != stands);
    if let Some(day) = closed.filter(|day| *day >= today) {
        let lines = (1..).zip(texts.policy.unwrap_or_default().lines());
        let line =
            lines.into_iter().find(|(_, text)| text.contains("closed_through")).map_or(1, |(line, _)| line);
        let what = format!(
            "closed_through: {day} is not over yet, so it can't be closed: name yesterday or an earlier day"
        );
        return Err(vec![Problem { file: File::Policy, line, what }]);
    }
    Ok(wanted)
}

/// Puts the files in force and has everything planned again. With a single error nothing is changed.
///
/// More rows than one commit holds are written in several. Should it be broken off between two, a question on
/// the review list says so until the same files are applied again, which writes what is left.
///
/// # Errors
/// When the store does not answer or another worker holds the org.
pub async fn apply<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    texts: &Files<'_>,
) -> Result<Applied, AppError> {
    let mut writer = Writer::open(ports, org).await?;
    let was_held = writer.profile.content.awaits_time_zone;
    let result = match write(&mut writer, who, texts).await {
        Ok(Applied::Changed(changes)) => {
            follow(&mut writer, &changes, was_held).await.map(|()| Applied::Changed(changes))
        }
        outcome => outcome,
    };
    writer.close().await;
    result
}

async fn write<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    texts: &Files<'_>,
) -> Result<Applied, AppError> {
    let standing = all(writer.ports(), writer.org()).await?;
    let (known, ids) = known(writer.ports(), writer.org(), Some(&writer.profile.content)).await?;
    let wanted = match wanted(texts, &standing, &known, Some(&writer.profile.content), writer.now()) {
        Err(problems) => return Ok(Applied::Refused(problems)),
        Ok(wanted) => wanted,
    };
    let changes = files::difference(&standing, &wanted);
    // before the rows: broken off between, the files are applied again, and so is this
    let mut writes = look_again::by_units(writer, &ids.counted_otherwise(&standing, &wanted)?).await?;
    writes.extend(ids.writes(&standing, &wanted)?);
    let question = Key::Review(derived("review", &[ReviewKind::HalfApplied.code()]));
    let asked =
        load::one::<Review>(writer.ports().store(), writer.owner(), question.clone()).await?.is_some();
    let zone = wanted.policy.org().time_zone;
    writer.profile.content.closed_through = wanted.policy.org().closed_through;
    // until the last rule is gone, whatever comes between
    writer.profile.content.has_purchase_units = !(wanted.units.is_empty() && standing.units.is_empty());
    let cogs = crate::cogs::follow(writer, wanted.policy.org().cogs).await?;
    let now = writer.now();
    // while it is still unknown, what stands goes on
    let zone_changes =
        connect::settle_zone(&mut writer.profile.content, zone.as_deref(), now).unwrap_or(false);
    if writes.is_empty() && !zone_changes && !asked {
        return Ok(Applied::Changed(changes));
    }
    // until all is asked to be planned again; see `follow`
    writer.profile.content.planned_all_on = None;
    let commits = writes.len().div_ceil(ROWS_PER_COMMIT).max(1);
    for number in 1..=commits {
        let rows = writes.iter().skip((number - 1) * ROWS_PER_COMMIT).take(ROWS_PER_COMMIT);
        let mut rows: Vec<Write> = rows.cloned().collect();
        if number == 1 {
            rows.push(writer.profile.clone().write(Key::Profile));
            rows.extend(cogs.clone());
            if !wanted.policy.org().ask_about_freight {
                rows.push(removal(crate::landed::freight_key()));
            }
        }
        if number < commits {
            let text = format!(
                "Settings are in force in part: {} of {} changed rows are written. Apply the same files again.",
                number * ROWS_PER_COMMIT,
                writes.len()
            );
            let (kind, since, codes) = (ReviewKind::HalfApplied, writer.now(), BTreeSet::new());
            let review = Review { kind, since, item: None, document: None, text, codes };
            rows.push(unguarded(question.clone(), review));
        } else if asked || commits > 1 {
            rows.push(removal(question.clone()));
        }
        let mut reason = Reason { who: who.to_owned(), ..Reason::own("apply settings") };
        for change in changes.iter().take(CHANGES_IN_AUDIT) {
            let name = format!("{} {}", change.subject, change.setting);
            reason = reason.with(&name, format!("{} -> {}", change.before, change.after));
        }
        let id = writer.new_commit();
        writer.commit(id, rows, reason.with("changes", changes.len())).await?;
        if let (1, Expect::Version(version)) = (number, writer.profile.expect) {
            writer.profile.expect = Expect::Version(version + 1);
        }
    }
    Ok(Applied::Changed(changes))
}

/// What follows from settings in force. Whatever is broken off here is made good: the zone by the next apply,
/// the first load by the next poll, the planning by the next day's.
async fn follow<P: Ports>(
    writer: &mut Writer<'_, P>,
    changes: &[Change],
    was_held: bool,
) -> Result<(), AppError> {
    let (ports, org) = (writer.ports(), writer.org());
    if !writer.profile.content.awaits_time_zone {
        connect::keep_entry(ports, org, &writer.profile.content).await?;
        if was_held {
            send_now(ports, Message::Backfill { org }).await?;
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    let clock = OrgClock::new(&writer.profile.content.time_zone)
        .map_err(|error| AppError::NeedsPerson(error.to_string()))?;
    let day = clock.day_of(writer.now());
    if changes.iter().any(|change| change.file == File::Units) {
        send_now(ports, Message::Waiting { org }).await?;
    }
    send_now(ports, Message::PlanAll { org, day, after: None }).await?;
    writer.profile.content.planned_all_on = Some(day);
    writer.save_profile().await
}

/// Changes that an audit entry spells out; the digest of the rows covers all.
const CHANGES_IN_AUDIT: usize = 50;

/// The ids of what files name.
struct Ids {
    items: BTreeMap<String, ItemId>,
    suppliers: BTreeMap<String, ContactId>,
    /// The contacts that were merged, by the one that stands for them.
    merged: BTreeMap<ContactId, Vec<ContactId>>,
}

impl Ids {
    /// The item of a code; what is gone from Xero is named by its id.
    fn item(&self, code: &str) -> Result<ItemId, AppError> {
        let id = self.items.get(code).copied().or_else(|| code.parse().ok());
        id.ok_or_else(|| AppError::Bug(format!("the item `{code}` was checked and is not known")))
    }

    /// The contact of a name, likewise.
    fn supplier(&self, name: &str) -> Result<ContactId, AppError> {
        let id = self.suppliers.get(name).copied().or_else(|| name.parse().ok());
        id.ok_or_else(|| AppError::Bug(format!("the contact `{name}` was checked and is not known")))
    }

    /// The items that papers count otherwise now, each from the first day on which they do; `None` is from the beginning.
    fn counted_otherwise(
        &self,
        standing: &Settings,
        wanted: &Settings,
    ) -> Result<BTreeMap<ItemId, Option<Date>>, AppError> {
        let mut items = BTreeMap::new();
        for code in differing(&standing.units, &wanted.units) {
            let [before, after] =
                [standing, wanted].map(|of| of.units.get(code).map(Vec::as_slice).unwrap_or_default());
            let gone = before.iter().filter(|rule| !after.contains(rule));
            let new = after.iter().filter(|rule| !before.contains(rule));
            let from = gone.chain(new).map(|rule| rule.from).min().flatten();
            items.insert(self.item(code)?, from);
        }
        Ok(items)
    }

    /// The rows that differ.
    fn writes(&self, standing: &Settings, wanted: &Settings) -> Result<Vec<Write>, AppError> {
        let mut writes = Vec::new();
        if wanted.policy != standing.policy {
            let mut rules = Vec::new();
            for rule in wanted.policy.rules() {
                let scope = match &rule.scope {
                    Scope::Item(code) => Scope::Item(self.item(code)?.to_string()),
                    Scope::Supplier(name) => Scope::Supplier(self.supplier(name)?.to_string()),
                    Scope::Org | Scope::Location(_) | Scope::Category(_) => rule.scope.clone(),
                };
                rules.push(ScopedRule { scope, rule: rule.rule.clone() });
            }
            writes.push(unguarded(Key::Policy, Policy::new(rules)));
        }
        let items: BTreeSet<&String> = differing(&standing.items, &wanted.items)
            .chain(differing(&standing.units, &wanted.units))
            .collect();
        for code in items {
            let key = Key::ItemSettings(self.item(code)?);
            let (set, units) = (wanted.items.get(code), wanted.units.get(code));
            if set.is_none() && units.is_none() {
                writes.push(removal(key));
                continue;
            }
            let set = set.cloned().unwrap_or_default();
            let supplier = set.supplier.as_deref().map(|name| self.supplier(name)).transpose()?;
            let rules = units.into_iter().flatten().map(|rule| {
                let supplier = rule.supplier.as_deref().map(|name| self.supplier(name)).transpose()?;
                Ok(UnitRule { supplier, from: rule.from, unit: rule.unit.clone() })
            });
            let units = rules.collect::<Result<_, AppError>>()?;
            let set = ItemSettings { supplier: None, ..set };
            writes.push(unguarded(key, ItemSettingsRecord { supplier, set, units }));
        }
        for name in differing(&standing.suppliers, &wanted.suppliers) {
            let supplier = self.supplier(name)?;
            let merged = self.merged.get(&supplier).into_iter().flatten();
            writes.extend(merged.map(|contact| removal(Key::SupplierSettings(*contact))));
            let key = Key::SupplierSettings(supplier);
            writes.push(
                wanted
                    .suppliers
                    .get(name)
                    .map_or_else(|| removal(key.clone()), |set| unguarded(key.clone(), *set)),
            );
        }
        Ok(writes)
    }
}

/// The names whose values differ, those that stand on one side alone included.
fn differing<'a, T: PartialEq>(
    standing: &'a BTreeMap<String, T>,
    wanted: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = &'a String> {
    let names: BTreeSet<&String> = standing.keys().chain(wanted.keys()).collect();
    names.into_iter().filter(|name| standing.get(*name) != wanted.get(*name))
}

/// What files may name, the org's items and suppliers, and their ids.
async fn known<P: Ports>(ports: &P, org: OrgId, profile: Option<&Profile>) -> Result<(Known, Ids), AppError> {
    let mut items: Vec<Item> = load::all::<Item>(ports.store(), org, &List::Items)
        .await?
        .into_iter()
        .map(|(_, row)| row.content)
        .collect();
    // of two items with one code the later counts
    items.sort_by_key(|item| item.updated_at);
    let contacts = Contacts::all(ports, org).await?;
    let (mut suppliers, mut merged) = (BTreeMap::new(), BTreeMap::<ContactId, Vec<ContactId>>::new());
    let mut in_order: Vec<(ContactId, &ContactRecord)> = contacts.iter().collect();
    // of two contacts with one name the one that can be ordered from counts
    in_order.sort_by_key(|(_, contact)| !contact.archived);
    for (id, contact) in in_order {
        let present = contacts.present(id);
        if present == id {
            suppliers.insert(contact.name.clone(), id);
        } else {
            merged.entry(present).or_default().push(id);
        }
    }
    let tracked = items.iter().filter(|item| item.tracked);
    let known = Known {
        tracked: tracked.map(|item| item.code.clone()).collect(),
        items: items.iter().map(|item| (item.code.clone(), item.sales_account.clone())).collect(),
        suppliers: suppliers.keys().cloned().collect(),
        locations: BTreeSet::from([LocationId::main().0]),
        country: profile.map(|profile| profile.organisation.country.clone()).unwrap_or_default(),
    };
    let ids = Ids { items: items.into_iter().map(|item| (item.code, item.id)).collect(), suppliers, merged };
    Ok((known, ids))
}

//! Settings: loading what holds, and exporting, checking and applying the files.

use std::collections::{BTreeMap, BTreeSet};

use parstock_domain::document::Item;
use parstock_domain::ids::{ContactId, LocationId, OrgId};
use parstock_domain::settings::files::{self, Change, Exported, Files, Known, Problem};
use parstock_domain::settings::{ItemSettings, Learned, Policy, Settings, SupplierSettings};

use crate::error::AppError;
use crate::load::{self, unguarded};
use crate::message::Message;
use crate::ports::{Expect, Ports, Write};
use crate::records::{ContactRecord, Key, List, Owner};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Rows of one commit.
const ROWS_PER_COMMIT: usize = 80;

/// What a change of settings would do, or did.
#[derive(Debug)]
pub enum Applied {
    /// Nothing was changed: the files have these errors.
    Refused(Vec<Problem>),
    /// These values changed.
    Changed(Vec<Change>),
}

/// The settings that concern the items with these codes, and all suppliers.
///
/// # Errors
/// When the store does not answer.
pub async fn for_codes<P: Ports>(ports: &P, org: OrgId, codes: &[String]) -> Result<Settings, AppError> {
    let owner = Owner::Org(org);
    let policy = load::one::<Policy>(ports.store(), owner, Key::Policy).await?;
    let keys: Vec<Key> = codes.iter().map(|code| Key::ItemSettings(code.clone())).collect();
    let rows = load::many::<ItemSettings>(ports.store(), owner, &keys).await?;
    let items = codes.iter().zip(rows).filter_map(|(code, row)| Some((code.clone(), row?.content))).collect();
    let suppliers = suppliers(ports, org).await?;
    Ok(Settings { policy: policy.map(|row| row.content).unwrap_or_default(), items, suppliers })
}

async fn suppliers<P: Ports>(ports: &P, org: OrgId) -> Result<BTreeMap<String, SupplierSettings>, AppError> {
    let rows = load::all::<SupplierSettings>(ports.store(), org, &List::SupplierSettings).await?;
    Ok(rows
        .into_iter()
        .filter_map(|(key, row)| match key {
            Key::SupplierSettings(name) => Some((name, row.content)),
            _ => None,
        })
        .collect())
}

/// All settings of an org.
///
/// # Errors
/// When the store does not answer.
pub async fn all<P: Ports>(ports: &P, org: OrgId) -> Result<Settings, AppError> {
    let rows = load::all::<ItemSettings>(ports.store(), org, &List::ItemSettings).await?;
    let items = rows.into_iter().filter_map(|(key, row)| match key {
        Key::ItemSettings(code) => Some((code, row.content)),
        _ => None,
    });
    let of_all = for_codes(ports, org, &[]).await?;
    Ok(Settings { items: items.collect(), ..of_all })
}

/// The settings in force, as files with a row for each item and each supplier: whoever is set as one, or
/// has billed an item.
///
/// # Errors
/// When the store does not answer.
pub async fn export<P: Ports>(ports: &P, org: OrgId) -> Result<Exported, AppError> {
    let settings = all(ports, org).await?;
    let items = load::all::<Item>(ports.store(), org, &List::Items).await?;
    let keys: Vec<Key> = items.iter().map(|(_, row)| Key::Supply(row.content.id)).collect();
    let learned = load::many::<Learned>(ports.store(), Owner::Org(org), &keys).await?;
    let learned: BTreeSet<ContactId> =
        learned.into_iter().flatten().map(|row| row.content.supplier).collect();
    let mut known = known(ports, org).await?;
    let contacts = load::all::<ContactRecord>(ports.store(), org, &List::Contacts).await?;
    let bills = contacts.into_iter().filter_map(|(key, row)| match key {
        Key::Contact(id) if learned.contains(&id) => Some(row.content.name),
        _ => None,
    });
    let set = settings.items.values().filter_map(|item| item.supplier.clone());
    known.suppliers = bills.chain(set).collect();
    Ok(files::export(&settings, &known))
}

/// What the files would change, or what is wrong with them. Nothing is changed.
///
/// # Errors
/// When the store does not answer.
pub async fn check<P: Ports>(ports: &P, org: OrgId, texts: &Files<'_>) -> Result<Applied, AppError> {
    let standing = all(ports, org).await?;
    Ok(match files::check(texts, &standing, &known(ports, org).await?) {
        Err(problems) => Applied::Refused(problems),
        Ok(wanted) => Applied::Changed(files::difference(&standing, &wanted)),
    })
}

/// Puts the files in force and has everything planned again. With a single error nothing is changed.
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
    let result = write(&mut writer, who, texts).await;
    let day = writer.clock().day_of(writer.now());
    writer.close().await;
    let applied = result?;
    if matches!(&applied, Applied::Changed(changes) if !changes.is_empty()) {
        send_now(ports, Message::PlanAll { org, day, after: None }).await?;
    }
    Ok(applied)
}

async fn write<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    texts: &Files<'_>,
) -> Result<Applied, AppError> {
    let standing = all(writer.ports(), writer.org()).await?;
    let known = known(writer.ports(), writer.org()).await?;
    let wanted = match files::check(texts, &standing, &known) {
        Err(problems) => return Ok(Applied::Refused(problems)),
        Ok(wanted) => wanted,
    };
    let changes = files::difference(&standing, &wanted);
    let mut writes: Vec<Write> = Vec::new();
    if wanted.policy != standing.policy {
        writes.push(unguarded(Key::Policy, wanted.policy.clone()));
    }
    rows(&standing.items, &wanted.items, Key::ItemSettings, &mut writes);
    rows(&standing.suppliers, &wanted.suppliers, Key::SupplierSettings, &mut writes);
    for chunk in writes.chunks(ROWS_PER_COMMIT) {
        let mut reason = Reason { who: who.to_owned(), ..Reason::own("apply settings") };
        for change in changes.iter().take(CHANGES_IN_AUDIT) {
            let name = format!("{} {}", change.subject, change.setting);
            reason = reason.with(&name, format!("{} -> {}", change.before, change.after));
        }
        let id = writer.new_commit();
        writer.commit(id, chunk.to_vec(), reason.with("changes", changes.len())).await?;
    }
    Ok(Applied::Changed(changes))
}

/// Changes that an audit entry spells out; the digest of the rows covers all.
const CHANGES_IN_AUDIT: usize = 50;

fn rows<T: Clone + PartialEq + crate::records::Content>(
    standing: &BTreeMap<String, T>,
    wanted: &BTreeMap<String, T>,
    key: impl Fn(String) -> Key,
    writes: &mut Vec<Write>,
) {
    for (name, value) in wanted.iter().filter(|(name, value)| standing.get(*name) != Some(value)) {
        writes.push(unguarded(key(name.clone()), value.clone()));
    }
    for name in standing.keys().filter(|name| !wanted.contains_key(*name)) {
        writes.push(Write { key: key(name.clone()), record: None, expect: Expect::Anything });
    }
}

/// What files may name: the org's items and suppliers.
async fn known<P: Ports>(ports: &P, org: OrgId) -> Result<Known, AppError> {
    let items = load::all::<Item>(ports.store(), org, &List::Items).await?;
    let contacts = load::all::<ContactRecord>(ports.store(), org, &List::Contacts).await?;
    Ok(Known {
        items: items.into_iter().map(|(_, row)| (row.content.code, row.content.sales_account)).collect(),
        suppliers: contacts.into_iter().map(|(_, row)| row.content.name).collect(),
        locations: BTreeSet::from([LocationId::main().0]),
    })
}

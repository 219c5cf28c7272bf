//! The envelope around every answer: `{"DateTimeUTC": .., "pagination": .., "<Resources>": [..]}`.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    Account, BankTransaction, Contact, CreditNote, HistoryRecord, Invoice, Item, Organisation, PurchaseOrder,
};
use crate::{date::parse_instant, error::json_error};

/// A resource that the API lists under its own name.
pub(crate) trait Resource {
    /// Its path, which is also the name of the list in an answer, and the name under which calls are counted.
    const NAME: &'static str;
}

macro_rules! resources {
    ($($resource:ty => $name:literal,)+) => {
        $(impl Resource for $resource { const NAME: &'static str = $name; })+
    };
}

resources! {
    Organisation => "Organisations",
    Account => "Accounts",
    Contact => "Contacts",
    Item => "Items",
    Invoice => "Invoices",
    CreditNote => "CreditNotes",
    PurchaseOrder => "PurchaseOrders",
    BankTransaction => "BankTransactions",
    HistoryRecord => "HistoryRecords",
}

/// Some resources, and where they stand among all that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The resources.
    pub resources: Vec<T>,
    /// Elements of a paged list that could not be read. They don't hold up the others.
    pub unreadable: Vec<Unreadable>,
    /// Where they stand; absent where Xero does not page.
    pub pagination: Option<Pagination>,
    /// Xero's clock at the time of the answer, if it said so.
    pub answered_at: Option<Timestamp>,
}

/// An element of a list that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its identity, if that much could be read.
    pub id: Option<String>,
    /// When it last changed, if that could be read.
    pub updated_at: Option<Timestamp>,
    /// What is wrong with it.
    pub why: String,
}

impl Page<&RawValue> {
    /// Reads each element by itself.
    pub(crate) fn read_each<R: Resource + DeserializeOwned>(self) -> Page<R> {
        let (mut resources, mut unreadable) = (Vec::with_capacity(self.resources.len()), Vec::new());
        for element in self.resources {
            match serde_json::from_str(element.get()) {
                Ok(resource) => resources.push(resource),
                Err(error) => unreadable.push(Unreadable::new::<R>(element, &error)),
            }
        }
        let Page { pagination, answered_at, .. } = self;
        Page { resources, unreadable, pagination, answered_at }
    }
}

impl Unreadable {
    fn new<R: Resource>(element: &RawValue, error: &serde_json::Error) -> Self {
        // only these two fields, whatever the rest looks like
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(element.get()).unwrap_or_default();
        let text = |name: &str| serde_json::from_str::<String>(fields.get(name)?.get()).ok();
        let name = format!("{}ID", R::NAME.strip_suffix('s').unwrap_or(R::NAME));
        Self {
            id: text(&name),
            updated_at: text("UpdatedDateUTC").as_deref().and_then(parse_instant),
            why: json_error(error),
        }
    }
}

/// Where a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// This page, from 1.
    pub page: u32,
    /// The most resources of a page.
    pub page_size: u32,
    /// How many pages there are.
    pub page_count: u32,
    /// How many resources there are on all pages.
    pub item_count: u32,
}

/// Reads an answer whose list is called `name`.
pub(crate) fn read_page<'de, T: Deserialize<'de>>(
    body: &'de [u8],
    name: &'static str,
) -> Result<Page<T>, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let page = PageSeed { name, of: PhantomData }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(page)
}

/// The only resource of an answer.
pub(crate) fn first<T>(page: Page<T>) -> Option<T> {
    page.resources.into_iter().next()
}

struct PageSeed<T> {
    name: &'static str,
    of: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for PageSeed<T> {
    type Value = Page<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page<T>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for PageSeed<T> {
    type Value = Page<T>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "an object with {}", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<T>, A::Error> {
        let mut resources = None;
        let mut pagination = None;
        let mut answered_at = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                key if key == self.name => resources = Some(map.next_value()?),
                "pagination" => pagination = map.next_value()?,
                "DateTimeUTC" => {
                    answered_at = map.next_value::<Option<String>>()?.as_deref().and_then(parse_instant);
                }
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let resources = resources.ok_or_else(|| serde::de::Error::missing_field(self.name))?;
        Ok(Page { resources, unreadable: Vec::new(), pagination, answered_at })
    }
}

//! The envelope around every answer: `{"DateTimeUTC": .., "pagination": .., "<Resources>": [..]}`.

use std::{fmt, marker::PhantomData};

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};

use super::{
    Account, BankTransaction, Contact, CreditNote, HistoryRecord, Invoice, Item, Organisation, PurchaseOrder,
};
use crate::date::parse_instant;

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
    /// Where they stand; absent where Xero does not page.
    pub pagination: Option<Pagination>,
    /// Xero's clock at the time of the answer, if it said so.
    pub answered_at: Option<Timestamp>,
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
        Ok(Page { resources, pagination, answered_at })
    }
}

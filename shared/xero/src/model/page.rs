//! The envelope around every answer: `{"DateTimeUTC": .., "pagination": .., "<Resources>": [..]}`.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    Account, Action, Allocation, Attachment, BankTransaction, BrandingTheme, Contact, CreditNote, Currency,
    HistoryRecord, Invoice, Item, ManualJournal, Organisation, Overpayment, Payment, Prepayment,
    PurchaseOrder, Report, TaxRate, TrackingCategory, lenient,
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
    Prepayment => "Prepayments",
    Overpayment => "Overpayments",
    Payment => "Payments",
    ManualJournal => "ManualJournals",
    TaxRate => "TaxRates",
    TrackingCategory => "TrackingCategories",
    Currency => "Currencies",
    BrandingTheme => "BrandingThemes",
    Action => "Actions",
    Allocation => "Allocations",
    Attachment => "Attachments",
    Report => "Reports",
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

impl<T> Page<T> {
    /// An answer without any.
    pub(crate) const fn empty() -> Self {
        Self { resources: Vec::new(), unreadable: Vec::new(), pagination: None, answered_at: None }
    }

    /// Whether this page, asked for as `number`, may have another behind it.
    ///
    /// An empty page is the last. Any other is only if Xero says so: it may give smaller pages than it was asked
    /// for, and its specification requires none of the figures about pages.
    #[must_use]
    pub fn may_have_more(&self, number: u32) -> bool {
        let here = u32::try_from(self.resources.len() + self.unreadable.len()).unwrap_or(u32::MAX);
        let told = self.pagination.unwrap_or_default();
        let number = told.page.unwrap_or(number).max(1);
        match (told.page_count, told.item_count) {
            _ if here == 0 => false,
            (Some(pages), _) => number < pages,
            (None, Some(items)) => number.saturating_mul(here) < items,
            (None, None) => true,
        }
    }
}

impl Page<&RawValue> {
    /// Reads each element by itself.
    pub(crate) fn read_each<R: Resource + DeserializeOwned>(self) -> Page<R> {
        let (mut resources, mut unreadable) = (Vec::with_capacity(self.resources.len()), Vec::new());
        for element in self.resources {
            match serde_json::from_str(element.get()) {
                Ok(resource) => resources.push(resource),
                Err(error) => unreadable.push(Unreadable::new::<R>(element.get().as_bytes(), &error)),
            }
        }
        let Page { pagination, answered_at, .. } = self;
        Page { resources, unreadable, pagination, answered_at }
    }
}

impl Unreadable {
    pub(crate) fn new<R: Resource>(element: &[u8], error: &serde_json::Error) -> Self {
        // only these two fields, whatever the rest looks like
        let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(element).unwrap_or_default();
        let text = |name: &str| serde_json::from_str::<String>(fields.get(name)?.get()).ok();
        let name = format!("{}ID", R::NAME.strip_suffix('s').unwrap_or(R::NAME));
        Self {
            id: text(&name),
            updated_at: text("UpdatedDateUTC").as_deref().and_then(parse_instant),
            why: json_error(error),
        }
    }
}

/// Where a page stands. Xero's specification requires none of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// This page, from 1.
    #[serde(default, deserialize_with = "lenient")]
    pub page: Option<u32>,
    /// The most resources of a page.
    #[serde(default, deserialize_with = "lenient")]
    pub page_size: Option<u32>,
    /// How many pages there are.
    #[serde(default, deserialize_with = "lenient")]
    pub page_count: Option<u32>,
    /// How many resources there are on all pages.
    #[serde(default, deserialize_with = "lenient")]
    pub item_count: Option<u32>,
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

/// [`lenient`] as a seed.
struct Lenient<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Lenient<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        lenient(deserializer)
    }
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
                "pagination" => pagination = map.next_value_seed(Lenient(PhantomData))?,
                "DateTimeUTC" => {
                    let text: Option<String> = map.next_value_seed(Lenient(PhantomData))?;
                    answered_at = text.as_deref().and_then(parse_instant);
                }
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let resources = resources.ok_or_else(|| serde::de::Error::missing_field(self.name))?;
        Ok(Page { resources, unreadable: Vec::new(), pagination, answered_at })
    }
}

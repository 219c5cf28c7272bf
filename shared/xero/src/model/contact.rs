use jiff::Timestamp;
use serde::{Deserialize, Serializer, ser::SerializeStruct};
use uuid::Uuid;

use super::list_or_null;
use crate::date::lenient_instant;

text_enum! {
    /// Whether a contact can be used.
    pub enum ContactStatus {
        /// It can.
        Active = "ACTIVE",
        /// It can no longer.
        Archived = "ARCHIVED",
        /// The person has asked for their data to be removed.
        GdprRequest = "GDPRREQUEST",
    }
}

/// A customer, a supplier or both.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Contact {
    /// Its identity.
    #[serde(rename = "ContactID")]
    pub contact_id: Uuid,
    /// The identity that another system has given it, at most 50 characters.
    pub contact_number: Option<String>,
    /// The account number shown to people.
    pub account_number: Option<String>,
    /// Its name, no longer unique everywhere.
    pub name: Option<String>,
    /// The given name of its main person.
    pub first_name: Option<String>,
    /// The family name of its main person.
    pub last_name: Option<String>,
    /// Where its documents are mailed.
    pub email_address: Option<String>,
    /// Whether it can be used.
    pub contact_status: Option<ContactStatus>,
    /// Whether a bill was ever made for it. A change of this does not count as a change of the contact.
    pub is_supplier: Option<bool>,
    /// Whether an invoice was ever made for it. A change of this does not count as a change of the contact.
    pub is_customer: Option<bool>,
    /// The ISO code of the currency its documents begin with.
    pub default_currency: Option<String>,
    /// Its addresses.
    #[serde(default, deserialize_with = "list_or_null")]
    pub addresses: Vec<Address>,
    /// Its telephone numbers.
    #[serde(default, deserialize_with = "list_or_null")]
    pub phones: Vec<Phone>,
    /// The contact into which this one was merged.
    #[serde(default, rename = "MergedToContactID")]
    pub merged_into: Option<Uuid>,
    /// When it last changed.
    #[serde(default, rename = "UpdatedDateUTC", deserialize_with = "lenient_instant")]
    pub updated_at: Option<Timestamp>,
}

/// The contact of a document, of which Xero repeats little.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContactRef {
    /// The contact.
    #[serde(rename = "ContactID")]
    pub contact_id: Option<Uuid>,
    /// Its name at the time of reading.
    pub name: Option<String>,
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Address {
    /// `POBOX`, `STREET` or another word.
    pub address_type: Option<String>,
    /// The first line.
    pub address_line1: Option<String>,
    /// The second line.
    pub address_line2: Option<String>,
    /// The third line.
    pub address_line3: Option<String>,
    /// The fourth line.
    pub address_line4: Option<String>,
    /// The town.
    pub city: Option<String>,
    /// The state or region.
    pub region: Option<String>,
    /// The postal code.
    pub postal_code: Option<String>,
    /// The country.
    pub country: Option<String>,
    /// The person it is meant for.
    pub attention_to: Option<String>,
}

/// A telephone number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Phone {
    /// `DEFAULT`, `DDI`, `MOBILE`, `FAX` or another word.
    pub phone_type: Option<String>,
    /// The number within its area.
    pub phone_number: Option<String>,
    /// The area code.
    pub phone_area_code: Option<String>,
    /// The country code.
    pub phone_country_code: Option<String>,
}

/// Writes a contact as its id alone: any other field would overwrite the contact's own.
pub(crate) fn contact_by_id<S: Serializer>(contact_id: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    let mut contact = serializer.serialize_struct("Contact", 1)?;
    contact.serialize_field("ContactID", contact_id)?;
    contact.end()
}

/// See [`contact_by_id`].
pub(crate) fn some_contact_by_id<S: Serializer>(id: &Option<Uuid>, serializer: S) -> Result<S::Ok, S::Error> {
    match id {
        Some(id) => contact_by_id(id, serializer),
        None => serializer.serialize_none(),
    }
}

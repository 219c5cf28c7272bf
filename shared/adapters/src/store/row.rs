//! Records as attributes. A row has
//!
//! - `PK`, `SK`: its address,
//! - `ver`: its version,
//! - `row`: the record as JSON, of which `type` names the kind,
//! - `by`: the commit that wrote it, where the row was that commit's only write,
//! - `expires_at`: where it ends by itself, when, in seconds since 1970: the table's time to live.
//!
//! The record is one text and not an attribute per field: no condition looks into it, and on its way to the
//! table and back a field that is an attribute costs many times what it costs in a text.

#![expect(
    clippy::disallowed_types,
    reason = "the SDK's rows are hash maps; nothing here depends on their order"
)]

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use parstock_app::records::Record;
use parstock_domain::ids::CommitId;

use super::keys::Address;

/// A row as DynamoDB has it.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// Attribute of the partition key.
pub(super) const PARTITION: &str = "PK";
/// Attribute of the sort key.
pub(super) const SORT: &str = "SK";
const VERSION: &str = "ver";
const RECORD: &str = "row";
const WRITTEN_BY: &str = "by";
/// The attribute of the table's time to live.
pub const EXPIRES: &str = "expires_at";

/// The attributes that name a row.
pub(super) fn named(address: Address) -> Attributes {
    HashMap::from([
        (PARTITION.to_owned(), AttributeValue::S(address.partition)),
        (SORT.to_owned(), AttributeValue::S(address.sort)),
    ])
}

/// The address that a row or key names.
pub(super) fn address(attributes: &Attributes) -> Option<Address> {
    Some(Address {
        partition: attributes.get(PARTITION)?.as_s().ok()?.clone(),
        sort: attributes.get(SORT)?.as_s().ok()?.clone(),
    })
}

/// A row.
pub(super) fn encode(address: Address, record: &Record, version: u64) -> Result<Attributes, String> {
    let expires_at = record.expires_at();
    let record = serde_json::to_string(record).map_err(|error| error.to_string())?;
    let mut attributes = named(address);
    if let Some(at) = expires_at {
        attributes.insert(EXPIRES.to_owned(), AttributeValue::N(at.as_second().to_string()));
    }
    attributes.insert(VERSION.to_owned(), AttributeValue::N(version.to_string()));
    attributes.insert(RECORD.to_owned(), AttributeValue::S(record));
    Ok(attributes)
}

/// Record and version of a row.
pub(super) fn decode(attributes: &Attributes) -> Result<(Record, u64), String> {
    let version = match attributes.get(VERSION) {
        Some(AttributeValue::N(version)) => {
            version.parse().map_err(|_| format!("its version is {version}"))?
        }
        _ => return Err("it has no version".to_owned()),
    };
    let Some(AttributeValue::S(record)) = attributes.get(RECORD) else {
        return Err("it has no record".to_owned());
    };
    let record = serde_json::from_str(record).map_err(|error| error.to_string())?;
    Ok((record, version))
}

/// Marks a row as the only write of a commit.
pub(super) fn sign(attributes: &mut Attributes, commit: CommitId) {
    attributes.insert(WRITTEN_BY.to_owned(), AttributeValue::B(Blob::new(commit.0.as_bytes().to_vec())));
}

/// Whether a commit of one write wrote this row.
pub(super) fn is_signed_by(attributes: &Attributes, commit: CommitId) -> bool {
    matches!(attributes.get(WRITTEN_BY), Some(AttributeValue::B(by)) if by.as_ref() == commit.0.as_bytes())
}

/// Size of a row in bytes by DynamoDB's rules for item sizes: names and texts count their UTF-8 bytes,
/// numbers a byte per two digits and one more.
pub(super) fn size(attributes: &Attributes) -> usize {
    attributes.iter().map(|(name, value)| name.len().saturating_add(value_size(value))).sum()
}

fn value_size(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => {
            let digits = number.chars().filter(char::is_ascii_digit).count();
            digits.div_ceil(2).saturating_add(1)
        }
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        // rows have no others
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_documented_rules() {
        let attributes = HashMap::from([
            ("name".to_owned(), AttributeValue::S("Größe".to_owned())), // 4 + 7
            ("n".to_owned(), AttributeValue::N("12345".to_owned())),    // 1 + 3 + 1
            ("by".to_owned(), AttributeValue::B(Blob::new(vec![0; 16]))), // 2 + 16
        ]);
        assert_eq!(size(&attributes), 11 + 5 + 18);
    }
}

//! Records as attributes. Beside the record's own fields, of which `type` names its kind, a row has
//!
//! - `PK`, `SK`: its address,
//! - `ver`: its version,
//! - `by`: the commit that wrote it, where the row was that commit's only write.

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
const WRITTEN_BY: &str = "by";

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
    let mut attributes: Attributes =
        serde_dynamo::aws_sdk_dynamodb_1::to_item(record).map_err(|error| error.to_string())?;
    attributes.extend(named(address));
    attributes.insert(VERSION.to_owned(), AttributeValue::N(version.to_string()));
    Ok(attributes)
}

/// Record and version of a row.
pub(super) fn decode(mut attributes: Attributes) -> Result<(Record, u64), String> {
    let version = match attributes.remove(VERSION) {
        Some(AttributeValue::N(version)) => {
            version.parse().map_err(|_| format!("its version is {version}"))?
        }
        _ => return Err("it has no version".to_owned()),
    };
    for own in [PARTITION, SORT, WRITTEN_BY] {
        attributes.remove(own);
    }
    let record =
        serde_dynamo::aws_sdk_dynamodb_1::from_item(attributes).map_err(|error| error.to_string())?;
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
/// numbers a byte per two digits and one more, lists and maps three bytes and one for each element.
pub(super) fn size(attributes: &Attributes) -> usize {
    attributes.iter().map(|(name, value)| name.len().saturating_add(value_size(value))).sum()
}

fn value_size(value: &AttributeValue) -> usize {
    const COLLECTION: usize = 3;
    const ELEMENT: usize = 1;
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(number) => {
            let digits = number.chars().filter(char::is_ascii_digit).count();
            digits.div_ceil(2).saturating_add(1).saturating_add(usize::from(number.starts_with('-')))
        }
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::L(values) => values
            .iter()
            .fold(COLLECTION, |sum, value| sum.saturating_add(ELEMENT).saturating_add(value_size(value))),
        AttributeValue::M(values) => values.iter().fold(COLLECTION, |sum, (name, value)| {
            sum.saturating_add(ELEMENT).saturating_add(name.len()).saturating_add(value_size(value))
        }),
        // booleans and nulls; sets don't occur in rows
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_documented_rules() {
        let attributes = HashMap::from([
            ("name".to_owned(), AttributeValue::S("Größe".to_owned())), // 4 + 7
            ("n".to_owned(), AttributeValue::N("-12345".to_owned())),   // 1 + 3 + 1 + 1
            ("l".to_owned(), AttributeValue::L(vec![AttributeValue::Bool(true), AttributeValue::Null(true)])), // 1 + 3 + 2 + 2
            (
                "m".to_owned(),
                AttributeValue::M(HashMap::from([("ab".to_owned(), AttributeValue::S("c".to_owned()))])),
            ), // 1 + 3 + 1 + 2 + 1
        ]);
        assert_eq!(size(&attributes), 11 + 6 + 8 + 8);
    }
}

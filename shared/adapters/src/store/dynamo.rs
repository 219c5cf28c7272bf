//! The store over the AWS SDK.
//!
//! A row's version stands in its attribute `ver`, and every write of a commit carries its condition on it.
//!
//! *Lost answers.* The SDK repeats a request that got no answer. A repeated `TransactWriteItems` is told
//! from a new one by the commit's id as its token, for ten minutes. A repeated `PutItem` has no token: its
//! condition would fail on the row that its own first try wrote. So a row written alone is signed with its
//! commit's id, and a condition that fails on our own signature is a success. A deletion leaves no place
//! for a signature: alone and under a condition it goes by `TransactWriteItems` too.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Delete, DeleteRequest, KeysAndAttributes, Put, PutRequest,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, WriteRequest,
};
use parstock_app::ports::{
    COMMIT_WRITES_MAX, Commit, CommitError, Expect, Page, Row, Store, StoreError, Write,
};
use parstock_app::records::{Key, List, Owner};
use uuid::Uuid;

use super::keys::{self, Address, Sort};
use super::row::{self, Attributes};
use super::units::{self, Costs, Meter};

/// Largest row in bytes (DynamoDB: 400 KB, names included).
pub const ROW_BYTES_MAX: usize = 400 * 1024;
/// Largest commit in bytes (DynamoDB: 4 MB in a transaction).
pub const COMMIT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Rows that one request can read (DynamoDB: `BatchGetItem`).
const READ_CHUNK: usize = 100;
/// Rows that one request can write, each by itself (DynamoDB: `BatchWriteItem`).
const WRITE_CHUNK: usize = 25;
/// How often the rest of a half-served request is sent again before the store counts as unavailable.
const ROUNDS_MAX: u32 = 8;
/// Pause before the first repeat; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
/// How long one try of a request may take.
const TRY_SECONDS_MAX: u64 = 3;
/// How long a request may take with its repeats.
const REQUEST_SECONDS_MAX: u64 = 10;
/// How often the SDK tries a request.
const TRIES_MAX: u32 = 3;
/// The rows of a list, by the beginning of their sort keys or from one to another.
pub(super) const BEGINS_WITH: &str = "PK = :partition AND begins_with(SK, :prefix)";
pub(super) const BETWEEN: &str = "PK = :partition AND SK BETWEEN :from AND :to";
/// The least version of a row written without a condition.
const UNCONDITIONAL_VERSION_MIN: u64 = 1 << 62;

/// A client of DynamoDB with the time limits that the processor counts on.
pub fn client(config: &SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(TRY_SECONDS_MAX))
        .operation_timeout(Duration::from_secs(REQUEST_SECONDS_MAX))
        .build();
    let config = aws_sdk_dynamodb::config::Builder::from(config)
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES_MAX))
        .timeout_config(timeouts)
        .build();
    Client::from_conf(config)
}

/// State in a DynamoDB table with the string keys `PK` and `SK`.
#[derive(Clone, Debug)]
pub struct DynamoStore {
    client: Client,
    table: String,
    meter: Option<Meter>,
}

/// A write, ready to be sent.
struct Action {
    key: Key,
    address: Address,
    /// The whole row; `None` deletes it.
    attributes: Option<Attributes>,
    bytes: usize,
    expect: Expect,
}

impl DynamoStore {
    /// The store in this table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), meter: None }
    }

    /// The same store, counting on `meter` what it reads and writes.
    #[must_use]
    pub fn metered(self, meter: Meter) -> Self {
        Self { meter: Some(meter), ..self }
    }

    async fn get_one(&self, owner: Owner, key: &Key) -> Result<Option<Row>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(row::named(keys::address(owner, key))))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        self.count_read(key, answer.item.as_ref());
        answer.item.map(|attributes| decode(key.clone(), &attributes)).transpose()
    }

    /// Reads at most [`READ_CHUNK`] rows with different addresses.
    async fn get_chunk(&self, addresses: &[&Address]) -> Result<BTreeMap<Address, Attributes>, StoreError> {
        let mut rows = BTreeMap::new();
        let mut left: Vec<Attributes> =
            addresses.iter().map(|address| row::named((*address).clone())).collect();
        let mut rounds = 0;
        while !left.is_empty() {
            pause(rounds).await.ok_or_else(|| {
                StoreError::Unavailable(format!("DynamoDB left {} rows unread", left.len()))
            })?;
            rounds = rounds.saturating_add(1);
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(left))
                .consistent_read(true)
                .build()
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(&self.table, wanted)
                .send()
                .await
                .map_err(|error| unavailable(&error))?;
            for attributes in answer.responses.into_iter().flatten().flat_map(|(_, rows)| rows) {
                if let Some(address) = row::address(&attributes) {
                    rows.insert(address, attributes);
                }
            }
            left = answer.unprocessed_keys.into_iter().flatten().flat_map(|(_, rest)| rest.keys).collect();
        }
        Ok(rows)
    }

    async fn put_alone(&self, commit: &Commit, action: Action) -> Result<(), CommitError> {
        let Action { key, attributes, expect, .. } = action;
        let mut attributes = attributes.unwrap_or_default();
        row::sign(&mut attributes, commit.id);
        let (condition, values) = condition(expect);
        let answer = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(attributes))
            .set_condition_expression(condition)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let error = match answer {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                if failed.item().is_some_and(|there| row::is_signed_by(there, commit.id)) {
                    return Ok(());
                }
                Err(CommitError::Conflict { keys: vec![key] })
            }
            Some(PutItemError::TransactionConflictException(_)) => {
                Err(CommitError::Conflict { keys: vec![key] })
            }
            _ => Err(unwritten(&error)),
        }
    }

    async fn write_together(&self, commit: &Commit, actions: Vec<Action>) -> Result<(), CommitError> {
        let keys: Vec<Key> = actions.iter().map(|action| action.key.clone()).collect();
        let items = actions
            .into_iter()
            .map(|action| self.transact_item(action))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| CommitError::Impossible(error.to_string()))?;
        let answer = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .client_request_token(commit.id.to_string())
            .send()
            .await;
        let error = match answer {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                Err(cancelled_because(&keys, cancelled.cancellation_reasons()))
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => {
                Err(CommitError::Unknown("an earlier try of the same commit is under way".to_owned()))
            }
            Some(TransactWriteItemsError::IdempotentParameterMismatchException(_)) => Err(
                CommitError::Impossible(format!("commit {} was sent before with other writes", commit.id)),
            ),
            _ => Err(unwritten(&error)),
        }
    }

    fn transact_item(
        &self,
        action: Action,
    ) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let (condition, values) = condition(action.expect);
        Ok(match action.attributes {
            Some(attributes) => TransactWriteItem::builder()
                .put(
                    Put::builder()
                        .table_name(&self.table)
                        .set_item(Some(attributes))
                        .set_condition_expression(condition)
                        .set_expression_attribute_values(values)
                        .build()?,
                )
                .build(),
            None => TransactWriteItem::builder()
                .delete(
                    Delete::builder()
                        .table_name(&self.table)
                        .set_key(Some(row::named(action.address)))
                        .set_condition_expression(condition)
                        .set_expression_attribute_values(values)
                        .build()?,
                )
                .build(),
        })
    }

    /// Writes at most [`WRITE_CHUNK`] rows with different addresses.
    async fn write_chunk(&self, actions: Vec<Action>) -> Result<(), CommitError> {
        let mut left = actions
            .into_iter()
            .map(|action| {
                Ok(match action.attributes {
                    Some(attributes) => WriteRequest::builder()
                        .put_request(PutRequest::builder().set_item(Some(attributes)).build()?)
                        .build(),
                    None => WriteRequest::builder()
                        .delete_request(
                            DeleteRequest::builder().set_key(Some(row::named(action.address))).build()?,
                        )
                        .build(),
                })
            })
            .collect::<Result<Vec<_>, aws_sdk_dynamodb::error::BuildError>>()
            .map_err(|error| CommitError::Impossible(error.to_string()))?;
        let mut rounds = 0;
        while !left.is_empty() {
            pause(rounds).await.ok_or_else(|| {
                CommitError::Unknown(format!("DynamoDB left {} rows unwritten", left.len()))
            })?;
            rounds = rounds.saturating_add(1);
            let answer = self
                .client
                .batch_write_item()
                .request_items(&self.table, left)
                .send()
                .await
                .map_err(|error| unwritten(&error))?;
            left = answer.unprocessed_items.into_iter().flatten().flat_map(|(_, rest)| rest).collect();
        }
        Ok(())
    }

    fn count_read(&self, key: &Key, attributes: Option<&Attributes>) {
        if let Some(meter) = &self.meter {
            meter
                .count_read(|costs| units::add_read(costs, keys::kind(key), attributes.map_or(0, row::size)));
        }
    }

    fn count_written(&self, actions: &[(&'static str, usize)], together: bool) {
        if let Some(meter) = &self.meter {
            meter.count_written(|costs| {
                for (kind, bytes) in actions {
                    units::add_write(costs, kind, *bytes, together);
                }
            });
        }
    }
}

impl Store for DynamoStore {
    async fn get(&self, owner: Owner, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        if let [key] = keys {
            return Ok(vec![self.get_one(owner, key).await?]);
        }
        let addresses: Vec<Address> = keys.iter().map(|key| keys::address(owner, key)).collect();
        // DynamoDB refuses a request that names a row twice.
        let different: Vec<&Address> = addresses.iter().collect::<BTreeSet<_>>().into_iter().collect();
        let mut found = BTreeMap::new();
        for chunk in different.chunks(READ_CHUNK) {
            found.append(&mut self.get_chunk(chunk).await?);
        }
        keys.iter()
            .zip(&addresses)
            .map(|(key, address)| {
                let attributes = found.get(address);
                self.count_read(key, attributes);
                attributes.map(|attributes| decode(key.clone(), attributes)).transpose()
            })
            .collect()
    }

    async fn list(
        &self,
        owner: Owner,
        list: &List,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let range = keys::range(owner, list);
        let mut start = after.map(|key| keys::address(owner, key));
        if let (Some(start), Some(after)) = (&start, after)
            && !range.contains(start)
        {
            return Err(StoreError::Unreadable {
                key: format!("{after:?}"),
                why: format!("it is not in {list:?}"),
            });
        }
        let limit = limit.max(1);
        let (condition, mut values) = match range.sort {
            Sort::BeginsWith(prefix) => {
                (BEGINS_WITH, Attributes::from([(":prefix".to_owned(), AttributeValue::S(prefix))]))
            }
            Sort::Between(from, to) => (
                BETWEEN,
                [(":from", from), (":to", to)]
                    .map(|(name, sort)| (name.to_owned(), AttributeValue::S(sort.to_owned())))
                    .into(),
            ),
        };
        values.insert(":partition".to_owned(), AttributeValue::S(range.partition));
        let mut page = Page::default();
        loop {
            let left = limit.saturating_sub(u32::try_from(page.rows.len()).unwrap_or(u32::MAX));
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression(condition)
                .set_expression_attribute_values(Some(values.clone()))
                .consistent_read(true)
                .limit(i32::try_from(left).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start.map(row::named))
                .send()
                .await
                .map_err(|error| unavailable(&error))?;
            let rows = answer.items.unwrap_or_default();
            let (count, bytes) = (rows.len(), rows.iter().map(row::size).sum());
            for attributes in rows {
                page.rows.push(decode_listed(owner, &attributes)?);
            }
            if let (Some(meter), Some(row)) = (&self.meter, page.rows.last()) {
                meter.count_read(|costs| units::add_page(costs, keys::kind(&row.key), count, bytes));
            }
            start = answer.last_evaluated_key.as_ref().and_then(row::address);
            if start.is_none() {
                return Ok(page);
            }
            if page.rows.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
                page.next = page.rows.last().map(|row| row.key.clone());
                return Ok(page);
            }
        }
    }

    async fn commit(&self, owner: Owner, commit: Commit) -> Result<(), CommitError> {
        let mut actions = prepare(owner, &commit)?;
        let written: Vec<_> = actions.iter().map(|action| (keys::kind(&action.key), action.bytes)).collect();
        let alone = goes_alone(&commit);
        match actions.pop() {
            Some(action) if alone => self.put_alone(&commit, action).await?,
            Some(action) => {
                actions.push(action);
                self.write_together(&commit, actions).await?;
            }
            None => {}
        }
        self.count_written(&written, !alone);
        Ok(())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a version that no reader has seen; nothing else follows from it"
    )]
    async fn write_each(&self, owner: Owner, writes: Vec<Write>) -> Result<(), CommitError> {
        let version = unconditional_version(Uuid::new_v4());
        // The last write of a key is the one that counts, and DynamoDB takes each key once.
        let mut actions = BTreeMap::new();
        for write in writes {
            if write.expect != Expect::Anything {
                return Err(CommitError::Impossible(format!(
                    "{:?} has a condition outside a commit",
                    write.key
                )));
            }
            let action = Action::new(owner, write, version)?;
            actions.insert(action.address.clone(), action);
        }
        let mut actions = actions.into_values().peekable();
        while actions.peek().is_some() {
            let chunk: Vec<Action> = actions.by_ref().take(WRITE_CHUNK).collect();
            let written: Vec<_> =
                chunk.iter().map(|action| (keys::kind(&action.key), action.bytes)).collect();
            self.write_chunk(chunk).await?;
            self.count_written(&written, false);
        }
        Ok(())
    }
}

impl Action {
    /// A write; `unconditional` is the version it leaves when nothing is expected of the row.
    fn new(owner: Owner, write: Write, unconditional: u64) -> Result<Self, CommitError> {
        let Write { key, record, expect } = write;
        let version = match expect {
            Expect::Absent => 1,
            Expect::Version(seen) => seen
                .checked_add(1)
                .ok_or_else(|| CommitError::Impossible(format!("{key:?} has no version after {seen}")))?,
            Expect::Anything => unconditional,
        };
        let address = keys::address(owner, &key);
        if address.partition.len() > keys::PARTITION_BYTES_MAX || address.sort.len() > keys::SORT_BYTES_MAX {
            return Err(CommitError::Impossible(format!(
                "the key {key:?} is too long: at most {} bytes fit",
                keys::SORT_BYTES_MAX
            )));
        }
        let attributes = record
            .map(|record| row::encode(address.clone(), &record, version))
            .transpose()
            .map_err(|why| CommitError::Impossible(format!("{key:?}: {why}")))?;
        let bytes = attributes.as_ref().map_or(0, row::size);
        if bytes > ROW_BYTES_MAX {
            return Err(CommitError::Impossible(format!(
                "the row {key:?} has {bytes} bytes, at most {ROW_BYTES_MAX} fit"
            )));
        }
        Ok(Self { key, address, attributes, bytes, expect })
    }
}

/// Checks the limits of a commit.
fn prepare(owner: Owner, commit: &Commit) -> Result<Vec<Action>, CommitError> {
    if commit.writes.is_empty() || commit.writes.len() > COMMIT_WRITES_MAX {
        return Err(CommitError::Impossible(format!(
            "it has {} writes, 1 to {COMMIT_WRITES_MAX} are possible",
            commit.writes.len()
        )));
    }
    // The same commit sent again must be the same to the byte, so its version comes from its id.
    let unconditional = unconditional_version(commit.id.0);
    let mut addresses = BTreeSet::new();
    let mut bytes = 0_usize;
    let mut actions = Vec::with_capacity(commit.writes.len());
    for write in &commit.writes {
        let action = Action::new(owner, write.clone(), unconditional)?;
        if !addresses.insert(action.address.clone()) {
            return Err(CommitError::Impossible(format!("it writes {:?} twice", action.key)));
        }
        bytes = bytes.saturating_add(action.bytes);
        actions.push(action);
    }
    if bytes > COMMIT_BYTES_MAX {
        return Err(CommitError::Impossible(format!("it has {bytes} bytes, at most {COMMIT_BYTES_MAX} fit")));
    }
    Ok(actions)
}

/// Whether a commit is a single put, which costs half of what it would in a transaction.
fn goes_alone(commit: &Commit) -> bool {
    matches!(commit.writes.as_slice(), [write] if write.record.is_some())
}

/// What a commit will cost by kind of row.
///
/// # Errors
/// [`CommitError::Impossible`] where the commit can't be written at all.
pub fn write_units(owner: Owner, commit: &Commit) -> Result<Costs, CommitError> {
    let mut costs = Costs::new();
    for action in prepare(owner, commit)? {
        units::add_write(&mut costs, keys::kind(&action.key), action.bytes, !goes_alone(commit));
    }
    Ok(costs)
}

/// The version of a row that is written whatever stands there. A put can't count up from a version that
/// it hasn't read, so it takes one of 2^62 by the write's id: whoever read an earlier version finds
/// another one.
fn unconditional_version(id: Uuid) -> u64 {
    UNCONDITIONAL_VERSION_MIN | (id.as_u64_pair().1 & (UNCONDITIONAL_VERSION_MIN - 1))
}

/// The condition of a write, with its values.
fn condition(expect: Expect) -> (Option<String>, Option<Attributes>) {
    match expect {
        Expect::Absent => (Some("attribute_not_exists(PK)".to_owned()), None),
        Expect::Version(seen) => (
            Some("ver = :seen".to_owned()),
            Some(Attributes::from([(":seen".to_owned(), AttributeValue::N(seen.to_string()))])),
        ),
        Expect::Anything => (None, None),
    }
}

fn decode(key: Key, attributes: &Attributes) -> Result<Row, StoreError> {
    match row::decode(attributes) {
        Ok((record, version)) => Ok(Row { key, record, version }),
        Err(why) => Err(StoreError::Unreadable { key: format!("{key:?}"), why }),
    }
}

fn decode_listed(owner: Owner, attributes: &Attributes) -> Result<Row, StoreError> {
    let Some(address) = row::address(attributes) else {
        return Err(StoreError::Unreadable { key: String::new(), why: "it has no key".to_owned() });
    };
    match keys::key(&address) {
        Some((of, key)) if of == owner => decode(key, attributes),
        _ => Err(StoreError::Unreadable {
            key: format!("{} {}", address.partition, address.sort),
            why: "no key is spelt so".to_owned(),
        }),
    }
}

/// Pauses before a repeat, not before the first round; `None` once there were too many.
async fn pause(rounds: u32) -> Option<()> {
    if rounds >= ROUNDS_MAX {
        return None;
    }
    if let Some(repeats) = rounds.checked_sub(1) {
        tokio::time::sleep(FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(repeats))).await;
    }
    Some(())
}

/// Why DynamoDB cancelled a commit: one reason per write, in their order. Nothing was written.
fn cancelled_because(keys: &[Key], reasons: &[CancellationReason]) -> CommitError {
    let with = |codes: &[&str]| -> Vec<Key> {
        keys.iter()
            .zip(reasons)
            .filter(|(_, reason)| reason.code().is_some_and(|code| codes.contains(&code)))
            .map(|(key, _)| key.clone())
            .collect()
    };
    let failed = with(&["ConditionalCheckFailed"]);
    if !failed.is_empty() {
        return CommitError::Conflict { keys: failed };
    }
    let invalid = with(&["ValidationError", "ItemCollectionSizeLimitExceeded"]);
    if !invalid.is_empty() {
        return CommitError::Impossible(format!("DynamoDB refuses {invalid:?}"));
    }
    let throttled = with(&["ThrottlingError", "ProvisionedThroughputExceeded"]);
    if !throttled.is_empty() {
        return CommitError::Unknown(format!("DynamoDB throttles {throttled:?}; nothing was written"));
    }
    // Somebody else is writing these rows at this moment.
    CommitError::Conflict { keys: with(&["TransactionConflict"]) }
}

fn unavailable<E: ProvideErrorMetadata>(error: &SdkError<E>) -> StoreError {
    StoreError::Unavailable(told(error))
}

/// Why a write did not happen, where the answer is no conflict.
fn unwritten<E: ProvideErrorMetadata>(error: &SdkError<E>) -> CommitError {
    /// Refused for a while, which says nothing against the write.
    const PASSING: [&str; 5] = [
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionInProgressException",
        "ReplicatedWriteConflictException",
    ];
    let never_sent = matches!(error, SdkError::ConstructionFailure(_));
    let refused = error.raw_response().is_some_and(|answer| answer.status().is_client_error())
        && !error.code().is_some_and(|code| PASSING.contains(&code));
    if never_sent || refused {
        CommitError::Impossible(told(error))
    } else {
        CommitError::Unknown(told(error))
    }
}

/// What went wrong, in words that hold no content of rows.
fn told<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    match error {
        SdkError::ServiceError(_) => match error.code() {
            Some("ResourceNotFoundException") => "the table doesn't exist: deploy the stack first".to_owned(),
            Some(code) => {
                format!("DynamoDB answered {code}: {}", error.message().unwrap_or("no reason given"))
            }
            None => "DynamoDB answered with an error that has no code".to_owned(),
        },
        SdkError::TimeoutError(_) => format!("DynamoDB did not answer within {REQUEST_SECONDS_MAX} s"),
        SdkError::DispatchFailure(_) => "DynamoDB could not be reached, or the connection broke".to_owned(),
        SdkError::ResponseError(_) => "DynamoDB's answer can't be read".to_owned(),
        _ => "the request to DynamoDB could not be made".to_owned(),
    }
}

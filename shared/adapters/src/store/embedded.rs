//! The store without a network: the same adapter and the same SDK, whose requests an emulator answers
//! inside the process, over SQLite.
//!
//! The SDK hands its HTTP client a request with the operation in `x-amz-target` and JSON in the body;
//! ours gives it straight to the emulator's operation. Nothing is signed, resolved, repeated or timed.
//!
//! The emulator works on the caller's thread and one call at a time, so another thread would only add a
//! handover. Reads are most of all requests, and those of the store's forms are answered straight from the emulator's table, whose
//! rows are the JSON that the answer consists of. After each call the caller's task gives way once: else a long booking, whose every step is
//! ready at once, could neither be stopped nor let a webhook in.
//!
//! *What it can't show*: conflicts between commits under way, throttling, lost answers and stale reads.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, IdentityCache, Region, StalledStreamProtectionConfig};
use aws_sdk_dynamodb::{Client, Config};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use dynoxide::DynoxideError;
use dynoxide::actions::{
    batch_get_item, batch_write_item, create_table, delete_item, get_item, put_item, query,
    transact_write_items,
};
use dynoxide::storage::Storage;
use futures::FutureExt;
use rusqlite::{OptionalExtension, Statement};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::DynamoStore;
use super::dynamo::{BEGINS_WITH, BETWEEN};
use super::row::{PARTITION, SORT};

/// The table's name.
const TABLE: &str = "parstock";
/// How the file is used: with a write-ahead log `NORMAL` costs no commit, where the default would wait for the disk in
/// each; rows that are read and written all the time stay in memory (32 MB), and the log grows to 16 MB before it is put
/// into the file. The file is locked for each request, so that somebody may look into it meanwhile.
const USE_OF_FILE: &str =
    "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4096;";
/// How a file is used that nobody reads again once the process has ended, however it does: nothing waits for the disk, and a page is
/// written once.
const USE_OF_TEMPORARY_FILE: &str = "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; \
     PRAGMA cache_size = -32768; PRAGMA locking_mode = EXCLUSIVE;";
/// A row of the table by its key, as the emulator keeps it: the JSON of its attributes, under keys that say of each that it is a
/// string.
const ROW: &str = r#"SELECT item_json FROM "parstock" WHERE pk = 'S:' || ?1 AND sk = 'S:' || ?2"#;
/// The rows of a partition from one sort key to another, in order.
const ROWS_BETWEEN: &str = r#"SELECT substr(sk, 3), item_json FROM "parstock"
    WHERE pk = 'S:' || ?1 AND sk BETWEEN ?2 AND ?3 ORDER BY sk LIMIT ?4"#;
/// Rows of one read by key (DynamoDB: `BatchGetItem`).
const KEYS_MAX: usize = 100;
/// What one read by key brings at most, in bytes; DynamoDB leaves the rest of 16 MB unread, and so does the emulator.
const READ_BYTES_MAX: usize = 15 * 1024 * 1024;
/// What a page of a list brings at most, in bytes of JSON; DynamoDB ends it at 1 MB of rows, and so does the emulator.
const PAGE_BYTES_MAX: usize = 900 * 1024;
/// How many of the latest commits are known again.
const REMEMBERED_COMMITS: usize = 256;

/// Why an embedded store can't be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The path is no text.
    #[error("the path {0:?} can't be used for a database: choose one of plain characters")]
    Path(std::path::PathBuf),
    /// The file can't be opened, or is no database.
    #[error("the database can't be opened: {0}; check that the folder exists and can be written")]
    Database(#[from] DynoxideError),
    /// The emulator does not take the table's description.
    #[error("the table can't be created: {0}")]
    Table(#[from] serde_json::Error),
}

/// A store in the file at `path`, which is created when it isn't there.
///
/// What was committed survives the end of the process, however it ends; after a power cut the latest
/// commits may be missing, never a part of one. Only one process may use the file at a time.
///
/// # Errors
/// [`OpenError`], which says what to do.
pub fn open(path: &Path) -> Result<DynamoStore, OpenError> {
    open_for(path, USE_OF_FILE)
}

/// As [`open`], of a file that ends with the process: if that ends by itself, nothing of it can be read.
///
/// # Errors
/// [`OpenError`], which says what to do.
pub fn open_temporary(path: &Path) -> Result<DynamoStore, OpenError> {
    open_for(path, USE_OF_TEMPORARY_FILE)
}

fn open_for(path: &Path, usage: &str) -> Result<DynamoStore, OpenError> {
    let storage = Storage::new(path.to_str().ok_or_else(|| OpenError::Path(path.to_owned()))?)?;
    storage.conn().execute_batch(usage).map_err(DynoxideError::from)?;
    Ok(Emulator::over(storage)?.store())
}

/// A store that ends with the process.
///
/// # Errors
/// [`OpenError`]
pub fn in_memory() -> Result<DynamoStore, OpenError> {
    Ok(Emulator::in_memory()?.store())
}

/// The table and what answers requests for it. As an HTTP client of the SDK its requests end in this process.
#[derive(Clone)]
pub struct Emulator {
    storage: Arc<Mutex<Storage>>,
    /// Token and request of the latest commits: a few hundred are enough, since a commit that got no answer is sent
    /// again at once.
    commits: Arc<Mutex<VecDeque<SentCommit>>>,
}

/// A commit's token and its request.
type SentCommit = (String, Vec<u8>);

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Emulator")
    }
}

impl HttpConnector for Emulator {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = request.headers().get("x-amz-target").and_then(|target| target.rsplit('.').next());
        let body = request.body().bytes().unwrap_or_default();
        let (status, body) = self.answer(operation.unwrap_or_default(), body);
        let answer = status
            .try_into()
            .map(|status| HttpResponse::new(status, SdkBody::from(body)))
            .map_err(|error| ConnectorError::other(Box::new(error), None));
        HttpConnectorFuture::new(async move {
            tokio::task::yield_now().await;
            answer
        })
    }
}

impl Emulator {
    /// A table that ends with the process.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn in_memory() -> Result<Self, OpenError> {
        Self::over(Storage::memory()?)
    }

    fn over(storage: Storage) -> Result<Self, OpenError> {
        if storage.get_table_metadata(TABLE)?.is_none() {
            let description = json!({
                "TableName": TABLE,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": PARTITION, "AttributeType": "S"},
                    {"AttributeName": SORT, "AttributeType": "S"},
                ],
                "KeySchema": [
                    {"AttributeName": PARTITION, "KeyType": "HASH"},
                    {"AttributeName": SORT, "KeyType": "RANGE"},
                ],
            });
            at_once(create_table::execute(&storage, serde_json::from_value(description)?))?;
        }
        Ok(Self { storage: Arc::new(Mutex::new(storage)), commits: Arc::default() })
    }

    /// The store over this table.
    pub fn store(&self) -> DynamoStore {
        let emulator = SharedHttpConnector::new(self.clone());
        let config = Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("local"))
            .endpoint_url("http://localhost")
            .allow_no_auth()
            .identity_cache(IdentityCache::no_cache())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http_client_fn(move |_, _| emulator.clone()))
            .build();
        DynamoStore::new(Client::from_conf(config), TABLE)
    }

    /// Answers a request as DynamoDB does: the operation named in its `x-amz-target` and its JSON body, to
    /// a status and a JSON body.
    pub fn answer(&self, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
        match self.run(operation, body) {
            Ok(answer) => (200, answer),
            Err(error) => (error.status_code(), error.to_json().into_bytes()),
        }
    }

    fn run(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
        match operation {
            "GetItem" => match self.row(body)? {
                Some(answer) => Ok(answer),
                None => self.act(body, |storage, request| at_once(get_item::execute(storage, request))),
            },
            "BatchGetItem" => match self.rows(body)? {
                Some(answer) => Ok(answer),
                None => self.act(body, |storage, request| at_once(batch_get_item::execute(storage, request))),
            },
            "Query" => match self.page(body)? {
                Some(answer) => Ok(answer),
                None => self.act(body, |storage, request| at_once(query::execute(storage, request))),
            },
            "PutItem" => self.act(body, |storage, request| at_once(put_item::execute(storage, request))),
            "DeleteItem" => {
                self.act(body, |storage, request| at_once(delete_item::execute(storage, request)))
            }
            "BatchWriteItem" => {
                self.act(body, |storage, request| at_once(batch_write_item::execute(storage, request)))
            }
            "TransactWriteItems" => self.commit(body),
            _ => Err(DynoxideError::ValidationException(format!("{operation} is not used here"))),
        }
    }

    /// Not to be had any more after a panic: nobody knows what the request that panicked had begun.
    fn storage(&self) -> Result<MutexGuard<'_, Storage>, DynoxideError> {
        self.storage.lock().map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    }

    fn act<Q: DeserializeOwned, A: Serialize>(
        &self,
        body: &[u8],
        act: impl FnOnce(&Storage, Q) -> Result<A, DynoxideError>,
    ) -> Result<Vec<u8>, DynoxideError> {
        let request = read(body)?;
        written(&act(&*self.storage()?, request)?)
    }

    /// The answer to a read of a row by its key; `None` where the request asks for more than that.
    fn row(&self, body: &[u8]) -> Result<Option<Vec<u8>>, DynoxideError> {
        let Some(request) =
            serde_json::from_slice::<RowRead>(body).ok().filter(|request| request.table == TABLE)
        else {
            return Ok(None);
        };
        let storage = self.storage()?;
        let mut statement = storage.conn().prepare_cached(ROW).map_err(DynoxideError::from)?;
        let found = json_of(&mut statement, &request.key)?;
        Ok(Some(found.map_or_else(|| b"{}".to_vec(), |row| format!(r#"{{"Item":{row}}}"#).into_bytes())))
    }

    /// As [`row`](Self::row), of several.
    fn rows(&self, body: &[u8]) -> Result<Option<Vec<u8>>, DynoxideError> {
        let Ok(RowsRead { tables }) = serde_json::from_slice(body) else { return Ok(None) };
        let Some(RowsOfTable { keys, .. }) = tables.get(TABLE).filter(|_| tables.len() == 1) else {
            return Ok(None);
        };
        let different: BTreeSet<&RowKey> = keys.iter().collect();
        if different.len() < keys.len() || keys.len() > KEYS_MAX {
            return Ok(None);
        }
        let storage = self.storage()?;
        let mut statement = storage.conn().prepare_cached(ROW).map_err(DynoxideError::from)?;
        let mut answer = format!(r#"{{"Responses":{{"{TABLE}":["#);
        let mut found = keys.iter().filter_map(|key| json_of(&mut statement, key).transpose());
        if let Some(first) = found.next() {
            answer.push_str(&first?);
        }
        for row in found {
            answer.push(',');
            answer.push_str(&row?);
            if answer.len() > READ_BYTES_MAX {
                return Ok(None);
            }
        }
        answer.push_str(r#"]},"UnprocessedKeys":{}}"#);
        Ok(Some(answer.into_bytes()))
    }

    /// As [`row`](Self::row), of a page of a list.
    fn page(&self, body: &[u8]) -> Result<Option<Vec<u8>>, DynoxideError> {
        let Some(request) =
            serde_json::from_slice::<PageRead>(body).ok().filter(|request| request.table == TABLE)
        else {
            return Ok(None);
        };
        let Some((from, to)) = request.between() else { return Ok(None) };
        let partition = &request.values.partition.text;
        let storage = self.storage()?;
        let mut statement = storage.conn().prepare_cached(ROWS_BETWEEN).map_err(DynoxideError::from)?;
        let mut found = statement.query((partition, from, to, request.limit)).map_err(DynoxideError::from)?;
        let (mut answer, mut count, mut last) = (String::from(r#"{"Items":["#), 0, None);
        while let Some(row) = found.next().map_err(DynoxideError::from)? {
            if count > 0 {
                answer.push(',');
            }
            let json = row.get_ref(1).and_then(|json| Ok(json.as_str()?)).map_err(DynoxideError::from)?;
            answer.push_str(json);
            if answer.len() > PAGE_BYTES_MAX {
                return Ok(None);
            }
            count += 1;
            if count == request.limit {
                last = Some(row.get::<_, String>(0).map_err(DynoxideError::from)?);
            }
        }
        answer.push_str(&format!(r#"],"Count":{count},"ScannedCount":{count}"#));
        if let Some(sort) = last {
            let last = json!({PARTITION: {"S": partition}, SORT: {"S": sort}});
            answer.push_str(&format!(r#","LastEvaluatedKey":{last}"#));
        }
        answer.push('}');
        Ok(Some(answer.into_bytes()))
    }

    fn commit(&self, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
        let mut request: transact_write_items::TransactWriteItemsRequest = read(body)?;
        // Held until the commit is done, so that its repeat waits for its end.
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(token) = request.client_request_token.take() else {
            return written(&at_once(transact_write_items::execute(&*self.storage()?, request))?);
        };
        if let Some((_, first)) = commits.iter().find(|(known, _)| *known == token) {
            // compared as JSON, since the SDK writes attributes in any order
            return if read::<Value>(first)? == read::<Value>(body)? {
                Ok(b"{}".to_vec())
            } else {
                Err(DynoxideError::IdempotentParameterMismatchException(token))
            };
        }
        let answer = written(&at_once(transact_write_items::execute(&*self.storage()?, request))?)?;
        if commits.len() >= REMEMBERED_COMMITS {
            commits.pop_front();
        }
        commits.push_back((token, body.to_vec()));
        Ok(answer)
    }
}

/// A read of one row and of nothing else.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RowRead<'b> {
    #[serde(rename = "TableName", borrow)]
    table: Cow<'b, str>,
    #[serde(borrow)]
    key: RowKey<'b>,
    /// The emulator knows no other reads.
    #[serde(rename = "ConsistentRead")]
    _consistent: Option<bool>,
}

/// A read of several rows and of nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowsRead<'b> {
    #[serde(rename = "RequestItems", borrow)]
    tables: BTreeMap<Cow<'b, str>, RowsOfTable<'b>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RowsOfTable<'b> {
    #[serde(borrow)]
    keys: Vec<RowKey<'b>>,
    #[serde(rename = "ConsistentRead")]
    _consistent: Option<bool>,
}

/// A read of a page of a list and of nothing else.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct PageRead<'b> {
    #[serde(rename = "TableName", borrow)]
    table: Cow<'b, str>,
    #[serde(rename = "KeyConditionExpression", borrow)]
    condition: Cow<'b, str>,
    #[serde(rename = "ExpressionAttributeValues", borrow)]
    values: PageBounds<'b>,
    limit: u32,
    #[serde(rename = "ExclusiveStartKey", borrow)]
    after: Option<RowKey<'b>>,
    #[serde(rename = "ConsistentRead")]
    _consistent: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PageBounds<'b> {
    #[serde(rename = ":partition", borrow)]
    partition: Text<'b>,
    #[serde(rename = ":prefix", borrow)]
    prefix: Option<Text<'b>>,
    #[serde(rename = ":from", borrow)]
    from: Option<Text<'b>>,
    #[serde(rename = ":to", borrow)]
    to: Option<Text<'b>>,
}

impl PageRead<'_> {
    /// The first and the last sort key that can be on the page, as the table has them; `None` for another condition than the
    /// store's.
    fn between(&self) -> Option<(String, String)> {
        let text = |text: &Option<Text<'_>>| Some(format!("S:{}", text.as_ref()?.text));
        let (from, to) = match &*self.condition {
            BETWEEN => (text(&self.values.from)?, text(&self.values.to)?),
            BEGINS_WITH => {
                let prefix = text(&self.values.prefix)?;
                let last = format!("{prefix}{}", char::MAX);
                (prefix, last)
            }
            _ => return None,
        };
        // right behind the one before
        let next = self.after.as_ref().map(|after| format!("S:{}\0", after.sort.text));
        Some((
            match next {
                Some(next) => next.max(from),
                None => from,
            },
            to,
        ))
    }
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct RowKey<'b> {
    #[serde(rename = "PK", borrow)]
    partition: Text<'b>,
    #[serde(rename = "SK", borrow)]
    sort: Text<'b>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(deny_unknown_fields)]
struct Text<'b> {
    #[serde(rename = "S", borrow)]
    text: Cow<'b, str>,
}

/// What the table has under a key, as JSON.
fn json_of(statement: &mut Statement<'_>, key: &RowKey<'_>) -> Result<Option<String>, DynoxideError> {
    let found = statement.query_row([&key.partition.text, &key.sort.text], |row| row.get(0));
    found.optional().map_err(DynoxideError::from)
}

/// The emulator's operations over SQLite never wait for anything.
fn at_once<A>(operation: impl Future<Output = Result<A, DynoxideError>>) -> Result<A, DynoxideError> {
    let waits = || DynoxideError::InternalServerError("the operation waits for something".to_owned());
    operation.now_or_never().unwrap_or_else(|| Err(waits()))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| DynoxideError::SerializationException(error.to_string()))
}

fn written<T: Serialize>(answer: &T) -> Result<Vec<u8>, DynoxideError> {
    serde_json::to_vec(answer).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(sort: &str) -> Value {
        json!({"PK": {"S": "ORG#1"}, "SK": {"S": sort}})
    }

    /// What the emulator says to the same request.
    fn emulated(emulator: &Emulator, operation: &str, request: &Value) -> Value {
        let storage = emulator.storage().unwrap();
        let request = request.clone();
        let answer = match operation {
            "Query" => serde_json::to_value(
                at_once(query::execute(&*storage, serde_json::from_value(request).unwrap())).unwrap(),
            ),
            "GetItem" => serde_json::to_value(
                at_once(get_item::execute(&*storage, serde_json::from_value(request).unwrap())).unwrap(),
            ),
            "BatchGetItem" => serde_json::to_value(
                at_once(batch_get_item::execute(&*storage, serde_json::from_value(request).unwrap()))
                    .unwrap(),
            ),
            _ => panic!("{operation}"),
        };
        answer.unwrap()
    }

    #[test]
    fn rows_are_read_as_the_emulator_reads_them() {
        let emulator = Emulator::in_memory().unwrap();
        for sort in ["A#1", "A#\"ü\u{1f4a9}\\", "B"] {
            let mut item = key(sort);
            item["ver"] = json!({"N": "3"});
            item["row"] = json!({"S": format!("{{\"type\":\"{sort}\"}}")});
            item["by"] = json!({"B": "AAEC"});
            let put = json!({"TableName": TABLE, "Item": item});
            assert_eq!(emulator.answer("PutItem", put.to_string().as_bytes()).0, 200);
        }
        let read = |operation: &str, request: &Value| -> Value {
            let (status, body) = emulator.answer(operation, request.to_string().as_bytes());
            assert_eq!(status, 200, "{request}");
            serde_json::from_slice(&body).unwrap()
        };
        for sort in ["A#1", "A#\"ü\u{1f4a9}\\", "B", "C"] {
            let request = json!({"TableName": TABLE, "Key": key(sort), "ConsistentRead": true});
            assert!(emulator.row(request.to_string().as_bytes()).unwrap().is_some(), "it is read straight");
            assert_eq!(read("GetItem", &request), emulated(&emulator, "GetItem", &request));
        }
        for sorts in [&["A#1", "C", "A#\"ü\u{1f4a9}\\", "B"][..], &["C"], &["B"]] {
            let keys: Vec<Value> = sorts.iter().map(|sort| key(sort)).collect();
            let request = json!({"RequestItems": {TABLE: {"Keys": keys, "ConsistentRead": true}}});
            assert!(
                emulator.rows(request.to_string().as_bytes()).unwrap().is_some(),
                "they are read straight"
            );
            assert_eq!(read("BatchGetItem", &request), emulated(&emulator, "BatchGetItem", &request));
        }
    }

    #[test]
    fn pages_are_read_as_the_emulator_reads_them() {
        let emulator = Emulator::in_memory().unwrap();
        for sort in ["A", "A#1", "A#2", "A#\u{1f4a9}", "B", "B#1"] {
            let put = json!({"TableName": TABLE, "Item": key(sort)});
            assert_eq!(emulator.answer("PutItem", put.to_string().as_bytes()).0, 200);
        }
        let text = |text: &str| json!({"S": text});
        let prefix =
            |prefix: &str| (BEGINS_WITH, json!({":partition": text("ORG#1"), ":prefix": text(prefix)}));
        let between = |from: &str, to: &str| {
            (BETWEEN, json!({":partition": text("ORG#1"), ":from": text(from), ":to": text(to)}))
        };
        let lists = [prefix("A"), prefix("A#"), prefix("C"), between("A#2", "B"), between("0", "9")];
        let (nothing_under, nothing_between) = (text("C"), text("0"));
        for (condition, values) in lists {
            for after in [None, Some("A#2"), Some("A#\u{1f4a9}")] {
                // DynamoDB takes a start within the list alone
                let is_empty = values[":prefix"] == nothing_under || values[":from"] == nothing_between;
                if after.is_some() && is_empty {
                    continue;
                }
                for limit in [1, 2, 3, 4, 100] {
                    let mut request = json!({
                        "TableName": TABLE, "KeyConditionExpression": condition,
                        "ExpressionAttributeValues": values, "Limit": limit, "ConsistentRead": true,
                    });
                    if let Some(after) = after {
                        request["ExclusiveStartKey"] = key(after);
                    }
                    let body = request.to_string();
                    let Some(straight) = emulator.page(body.as_bytes()).unwrap() else {
                        panic!("it is not read straight: {request}")
                    };
                    let straight: Value = serde_json::from_slice(&straight).unwrap();
                    assert_eq!(straight, emulated(&emulator, "Query", &request), "{request}");
                }
            }
        }
    }

    #[test]
    fn a_read_of_anything_else_is_the_emulators() {
        let emulator = Emulator::in_memory().unwrap();
        let one = |fields: Value| {
            let mut request = json!({"TableName": TABLE, "Key": key("A")});
            request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            emulator.row(request.to_string().as_bytes()).unwrap()
        };
        assert!(one(json!({})).is_some());
        assert!(one(json!({"ProjectionExpression": "ver"})).is_none());
        assert!(one(json!({"TableName": "other"})).is_none());
        assert!(one(json!({"Key": {"PK": {"N": "1"}, "SK": {"S": "A"}}})).is_none());
        let some = |keys: Vec<Value>| {
            let request = json!({"RequestItems": {TABLE: {"Keys": keys}}});
            emulator.rows(request.to_string().as_bytes()).unwrap()
        };
        assert!(some(vec![key("A"), key("B")]).is_some());
        assert!(some(vec![key("A"), key("A")]).is_none(), "which it refuses");
        let query = json!({
            "TableName": TABLE, "KeyConditionExpression": "PK = :partition", "Limit": 1,
            "ExpressionAttributeValues": {":partition": {"S": "ORG#1"}},
        });
        assert!(emulator.page(query.to_string().as_bytes()).unwrap().is_none());
        assert!(some((0..=KEYS_MAX).map(|number| key(&number.to_string())).collect()).is_none());
    }
}

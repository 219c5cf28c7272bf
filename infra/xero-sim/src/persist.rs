//! The world in a file: every act in order, and what waits to be sent.
//!
//! Acts are repeated when the file is opened, so the books themselves need no tables. All that one act or one write
//! through the API changes is one SQLite commit.

use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Serialize, de::DeserializeOwned};

use crate::act::Act;
use crate::error::OpenError;
use crate::settings::Switches;

/// Changes when older files can't be repeated any more.
const FORMAT: u32 = 1;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS act (
        number INTEGER PRIMARY KEY, at INTEGER NOT NULL, by_app INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS waiting (
        pile TEXT NOT NULL, number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (pile, number))
        STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS remembered (
        key TEXT PRIMARY KEY, expires INTEGER NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

/// What waits and is removed when done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pile {
    /// Webhook events not yet in a payload.
    Events,
    /// Webhook payloads not yet accepted.
    Deliveries,
}

impl Pile {
    fn name(self) -> &'static str {
        match self {
            Pile::Events => "event",
            Pile::Deliveries => "delivery",
        }
    }
}

/// A stored act.
pub(crate) struct StoredAct {
    pub(crate) number: i64,
    pub(crate) at: Timestamp,
    pub(crate) by_app: bool,
    pub(crate) act: Act,
}

/// The file, or nothing for a world that lives in memory only.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Option<Connection>,
}

impl Store {
    pub(crate) fn open(path: Option<&Path>, seed: u64, switches: &Switches) -> Result<Store, OpenError> {
        let Some(path) = path else { return Ok(Store { connection: None }) };
        let connection = Connection::open(path)?;
        // A killed process loses nothing with NORMAL, only a machine without power loses the last commits.
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        connection.execute_batch(TABLES)?;
        let store = Store { connection: Some(connection) };
        let wanted = format!("format {FORMAT}, seed {seed}, {switches:?}");
        match store.text("world")? {
            None => store.put_text("world", &wanted)?,
            Some(found) if found == wanted => {}
            Some(found) => return Err(OpenError::OtherWorld { found, wanted }),
        }
        Ok(store)
    }

    fn run(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<()> {
        match &self.connection {
            Some(connection) => connection.prepare_cached(sql)?.execute(values).map(|_| ()),
            None => Ok(()),
        }
    }

    pub(crate) fn begin(&self) -> rusqlite::Result<()> {
        self.run("BEGIN IMMEDIATE", &[])
    }

    pub(crate) fn commit(&self) -> rusqlite::Result<()> {
        self.run("COMMIT", &[])
    }

    pub(crate) fn roll_back(&self) -> rusqlite::Result<()> {
        self.run("ROLLBACK", &[])
    }

    pub(crate) fn add_act(&self, at: Timestamp, by_app: bool, act: &Act) -> rusqlite::Result<()> {
        if self.connection.is_none() {
            return Ok(());
        }
        let body = encode(act)?;
        self.run(
            "INSERT INTO act (at, by_app, body) VALUES (?1, ?2, ?3)",
            params![at.as_millisecond(), by_app, body],
        )
    }

    /// Calls back for each act in order.
    pub(crate) fn each_act(
        &self,
        mut work: impl FnMut(StoredAct) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let Some(connection) = &self.connection else { return Ok(()) };
        let mut statement = connection.prepare("SELECT number, at, by_app, body FROM act ORDER BY number")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(0)?;
            let unrepeatable = |cause: String| OpenError::Unrepeatable { number, cause };
            let at =
                Timestamp::from_millisecond(row.get(1)?).map_err(|error| unrepeatable(error.to_string()))?;
            let body: String = row.get(3)?;
            let act = serde_json::from_str(&body).map_err(|error| unrepeatable(error.to_string()))?;
            work(StoredAct { number, at, by_app: row.get(2)?, act })?;
        }
        Ok(())
    }

    pub(crate) fn put_waiting<T: Serialize>(
        &self,
        pile: Pile,
        number: u64,
        value: &T,
    ) -> rusqlite::Result<()> {
        if self.connection.is_none() {
            return Ok(());
        }
        self.run(
            "INSERT OR REPLACE INTO waiting (pile, number, body) VALUES (?1, ?2, ?3)",
            params![pile.name(), key(number), encode(value)?],
        )
    }

    pub(crate) fn remove_waiting(&self, pile: Pile, number: u64) -> rusqlite::Result<()> {
        self.run("DELETE FROM waiting WHERE pile = ?1 AND number = ?2", params![pile.name(), key(number)])
    }

    pub(crate) fn waiting<T: DeserializeOwned>(&self, pile: Pile) -> rusqlite::Result<Vec<(u64, T)>> {
        let Some(connection) = &self.connection else { return Ok(Vec::new()) };
        let mut statement =
            connection.prepare("SELECT number, body FROM waiting WHERE pile = ?1 ORDER BY number")?;
        let rows = statement.query_map([pile.name()], |row| {
            Ok((u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0), decode(&row.get::<_, String>(1)?)?))
        })?;
        rows.collect()
    }

    pub(crate) fn put<T: Serialize>(&self, name: &str, value: &T) -> rusqlite::Result<()> {
        if self.connection.is_none() {
            return Ok(());
        }
        self.put_text(name, &encode(value)?)
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> rusqlite::Result<Option<T>> {
        self.text(name)?.map(|text| decode(&text)).transpose()
    }

    fn put_text(&self, name: &str, value: &str) -> rusqlite::Result<()> {
        self.run("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", params![name, value])
    }

    fn text(&self, name: &str) -> rusqlite::Result<Option<String>> {
        let Some(connection) = &self.connection else { return Ok(None) };
        connection.query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0)).optional()
    }

    pub(crate) fn remember<T: Serialize>(&self, key: &str, expires: i64, value: &T) -> rusqlite::Result<()> {
        if self.connection.is_none() {
            return Ok(());
        }
        self.run(
            "INSERT OR REPLACE INTO remembered (key, expires, body) VALUES (?1, ?2, ?3)",
            params![key, expires, encode(value)?],
        )
    }

    pub(crate) fn forget_before(&self, now: i64) -> rusqlite::Result<()> {
        self.run("DELETE FROM remembered WHERE expires <= ?1", params![now])
    }

    pub(crate) fn remembered<T: DeserializeOwned>(&self) -> rusqlite::Result<Vec<(String, T)>> {
        let Some(connection) = &self.connection else { return Ok(Vec::new()) };
        let mut statement = connection.prepare("SELECT key, body FROM remembered")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, decode(&row.get::<_, String>(1)?)?)))?;
        rows.collect()
    }
}

/// SQLite's integers are signed.
fn key(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn encode<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn decode<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
    })
}

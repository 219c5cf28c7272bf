//! The process's own small database: queues, schedule and where a run stands. It survives the end of the
//! process, however it ends.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

/// Changes when older files can't be read any more.
const FORMAT: &str = "1";

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS message (
        id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL,
        visible_at INTEGER NOT NULL, receives INTEGER NOT NULL, handed_out INTEGER NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS message_by_due ON message (queue, visible_at, id);
    CREATE TABLE IF NOT EXISTS dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL,
        cause TEXT NOT NULL, buried_at INTEGER NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS act (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
";

/// The database, shared by whoever needs it in the process.
#[derive(Clone, Debug)]
pub struct Notebook {
    connection: Arc<Mutex<Connection>>,
}

impl Notebook {
    /// Opens or makes the database at `path`.
    ///
    /// # Errors
    /// When it can't be opened or was written by another version.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        // A killed process loses nothing with NORMAL, only a machine without power loses the last commits.
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        connection.execute_batch(TABLES)?;
        let notebook = Self { connection: Arc::new(Mutex::new(connection)) };
        match notebook.fact("format")? {
            None => notebook.set_fact("format", FORMAT)?,
            Some(found) if found == FORMAT => {}
            Some(_) => return Err(rusqlite::Error::InvalidQuery),
        }
        Ok(notebook)
    }

    /// The connection, never across an await.
    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A remembered fact.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn fact(&self, name: &str) -> rusqlite::Result<Option<String>> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT value FROM fact WHERE name = ?1")?;
        statement.query_row([name], |row| row.get(0)).optional()
    }

    /// Remembers a fact.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_fact(&self, name: &str, value: &str) -> rusqlite::Result<()> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO fact VALUES (?1, ?2)")?;
        statement.execute(params![name, value]).map(|_| ())
    }

    /// A remembered instant.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn instant(&self, name: &str) -> rusqlite::Result<Option<Timestamp>> {
        Ok(self.fact(name)?.and_then(|text| text.parse().ok()))
    }

    /// Remembers an instant.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_instant(&self, name: &str, instant: Timestamp) -> rusqlite::Result<()> {
        self.set_fact(name, &instant.to_string())
    }
}

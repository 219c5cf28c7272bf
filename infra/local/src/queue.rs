//! The three queues in the process's own database: at least once, with a visibility time, and a dead-letter
//! queue behind each, as SQS has them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::{DELAY_SECONDS_MAX, Outgoing, Queue, QueueName, SendError};
use parstock_app::process::{RECEIVES_MAX, Received};
use rusqlite::{OptionalExtension, params};
use tokio::sync::Notify;

use crate::clock::LocalClock;
use crate::notebook::Notebook;

/// Bytes of one message at most, as in SQS.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// How long a function may take with one batch.
const FUNCTION_TIMEOUT: SignedDuration = SignedDuration::from_mins(5);
/// For how long a message that was handed out is seen by nobody else: six times the function's timeout, as
/// AWS recommends.
const VISIBILITY: SignedDuration = SignedDuration::from_mins(6 * FUNCTION_TIMEOUT.as_mins());
/// How long the events queue gathers hints into one batch.
const EVENTS_WINDOW: SignedDuration = SignedDuration::from_secs(5);
/// Receives after which the queue itself takes a message for poison: the processor buries it two receives
/// earlier, with its cause.
const QUEUE_RECEIVES_MAX: u32 = RECEIVES_MAX + 2;
/// Messages of one batch.
const fn batch_max(queue: QueueName) -> u32 {
    match queue {
        QueueName::Events => 500,
        QueueName::Work | QueueName::Effects => 10,
    }
}

/// A message that nobody tries again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead {
    /// Its number.
    pub id: i64,
    /// Of which queue.
    pub queue: String,
    /// Its body.
    pub body: String,
    /// Why.
    pub cause: String,
    /// When it was given up.
    pub at: Timestamp,
}

/// The queues.
#[derive(Clone, Debug)]
pub struct LocalQueue {
    notebook: Notebook,
    clock: Arc<LocalClock>,
    arrived: Arc<Notify>,
}

impl LocalQueue {
    /// The queues in `notebook`. What the process before was working on when it ended is handed out again.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn open(notebook: Notebook, clock: Arc<LocalClock>) -> rusqlite::Result<Self> {
        let now = clock.now().as_millisecond();
        // only one process works on a folder, so nobody holds them any more
        notebook.connection().execute(
            "UPDATE message SET visible_at = ?1, handed_out = 0 WHERE handed_out = 1",
            params![now],
        )?;
        Ok(Self { notebook, clock, arrived: Arc::default() })
    }

    /// Tells when a message was sent.
    pub fn arrived(&self) -> Arc<Notify> {
        Arc::clone(&self.arrived)
    }

    /// When the next batch of a queue is due; `None` while it is empty.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn next_due(&self, queue: QueueName) -> rusqlite::Result<Option<Timestamp>> {
        let connection = self.notebook.connection();
        let mut first = connection.prepare_cached("SELECT min(visible_at) FROM message WHERE queue = ?1")?;
        let first: Option<i64> = first.query_row([queue.code()], |row| row.get(0))?;
        let Some(first) = first.and_then(|millis| Timestamp::from_millisecond(millis).ok()) else {
            return Ok(None);
        };
        if queue != QueueName::Events {
            return Ok(Some(first));
        }
        let full = i64::from(batch_max(queue)) - 1;
        let mut last = connection.prepare_cached(
            "SELECT visible_at FROM message WHERE queue = ?1 ORDER BY visible_at, id LIMIT 1 OFFSET ?2",
        )?;
        let last: Option<i64> = last.query_row(params![queue.code(), full], |row| row.get(0)).optional()?;
        let window_ends = first.saturating_add(EVENTS_WINDOW).unwrap_or(first);
        Ok(Some(match last.and_then(|millis| Timestamp::from_millisecond(millis).ok()) {
            Some(full) => full.min(window_ends),
            None => window_ends,
        }))
    }

    /// Hands out the next batch of a queue.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn receive(&self, queue: QueueName) -> rusqlite::Result<Vec<Received>> {
        let now = self.clock.now();
        let visible_again = now.saturating_add(VISIBILITY).unwrap_or(now).as_millisecond();
        let mut connection = self.notebook.connection();
        let commit = connection.transaction()?;
        let mut records = Vec::new();
        {
            let mut due = commit.prepare_cached(
                "SELECT id, body, receives FROM message WHERE queue = ?1 AND visible_at <= ?2
                 ORDER BY visible_at, id LIMIT ?3",
            )?;
            let mut hand_out = commit.prepare_cached(
                "UPDATE message SET visible_at = ?2, receives = receives + 1, handed_out = 1 WHERE id = ?1",
            )?;
            let rows = due
                .query_map(params![queue.code(), now.as_millisecond(), batch_max(queue)], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, u32>(2)?))
                })?;
            for row in rows.collect::<rusqlite::Result<Vec<_>>>()? {
                let (id, body, receives) = row;
                if receives >= QUEUE_RECEIVES_MAX {
                    let cause = format!("handed out {receives} times without an end");
                    commit.execute("DELETE FROM message WHERE id = ?1", params![id])?;
                    bury(&commit, queue, &body, &cause, now)?;
                    continue;
                }
                hand_out.execute(params![id, visible_again])?;
                records.push(Received { id: id.to_string(), body, receives: receives + 1 });
            }
        }
        commit.commit()?;
        Ok(records)
    }

    /// Ends a batch: those in `back` are handed out again when their visibility time is over, the others
    /// are done.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn settle(&self, records: &[Received], back: &[String]) -> rusqlite::Result<()> {
        let mut connection = self.notebook.connection();
        let commit = connection.transaction()?;
        {
            let mut done = commit.prepare_cached("DELETE FROM message WHERE id = ?1")?;
            let mut again = commit.prepare_cached("UPDATE message SET handed_out = 0 WHERE id = ?1")?;
            for record in records {
                let statement = if back.contains(&record.id) { &mut again } else { &mut done };
                statement.execute([&record.id])?;
            }
        }
        commit.commit()
    }

    /// How many messages wait in each queue.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn waiting(&self, queue: QueueName) -> rusqlite::Result<u64> {
        let connection = self.notebook.connection();
        let count: i64 =
            connection.query_row("SELECT count(*) FROM message WHERE queue = ?1", [queue.code()], |row| {
                row.get(0)
            })?;
        Ok(count.unsigned_abs())
    }

    /// What lies in the dead-letter queues, the oldest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn dead(&self) -> rusqlite::Result<Vec<Dead>> {
        let connection = self.notebook.connection();
        let mut statement =
            connection.prepare_cached("SELECT id, queue, body, cause, buried_at FROM dead ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok(Dead {
                id: row.get(0)?,
                queue: row.get(1)?,
                body: row.get(2)?,
                cause: row.get(3)?,
                at: Timestamp::from_millisecond(row.get(4)?).unwrap_or_default(),
            })
        })?;
        rows.collect()
    }

    /// Takes letters out of the dead-letter queues, and sends them again if `again` says so; answers how many.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn take_dead(&self, ids: &[i64], again: bool) -> rusqlite::Result<u64> {
        let now = self.clock.now().as_millisecond();
        let mut taken = 0u64;
        {
            let mut connection = self.notebook.connection();
            let commit = connection.transaction()?;
            for id in ids {
                if again {
                    commit.execute(
                        "INSERT INTO message (queue, body, visible_at, receives, handed_out)
                         SELECT queue, body, ?2, 0, 0 FROM dead WHERE id = ?1",
                        params![id, now],
                    )?;
                }
                let gone = commit.execute("DELETE FROM dead WHERE id = ?1", [id])?;
                taken = taken.saturating_add(u64::try_from(gone).unwrap_or(0));
            }
            commit.commit()?;
        }
        if again {
            self.arrived.notify_one();
        }
        Ok(taken)
    }
}

fn bury(
    connection: &rusqlite::Connection,
    queue: QueueName,
    body: &str,
    cause: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO dead (queue, body, cause, buried_at) VALUES (?1, ?2, ?3, ?4)",
        params![queue.code(), body, cause, at.as_millisecond()],
    )?;
    Ok(())
}

impl Queue for LocalQueue {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<(), SendError> {
        if let Some(message) = messages.iter().find(|message| {
            message.delay_seconds > DELAY_SECONDS_MAX
                || message.body.len() > BODY_BYTES_MAX
                || message.body.is_empty()
        }) {
            return Err(SendError::Refused(format!(
                "a message of {} bytes with a delay of {} seconds: the limits are {BODY_BYTES_MAX} and {DELAY_SECONDS_MAX}",
                message.body.len(),
                message.delay_seconds
            )));
        }
        let now = self.clock.now();
        let write = || {
            let mut connection = self.notebook.connection();
            let commit = connection.transaction()?;
            for message in &messages {
                let delay = SignedDuration::from_secs(i64::from(message.delay_seconds));
                let visible_at = now.saturating_add(delay).unwrap_or(now).as_millisecond();
                commit
                    .prepare_cached(
                        "INSERT INTO message (queue, body, visible_at, receives, handed_out) VALUES (?1, ?2, ?3, 0, 0)",
                    )?
                    .execute(params![queue.code(), message.body, visible_at])?;
            }
            commit.commit()
        };
        write().map_err(|error: rusqlite::Error| SendError::Retry(error.to_string()))?;
        self.arrived.notify_one();
        Ok(())
    }

    async fn bury(&self, queue: QueueName, body: &str, cause: &str) -> Result<(), SendError> {
        bury(&self.notebook.connection(), queue, body, cause, self.clock.now())
            .map_err(|error| SendError::Retry(error.to_string()))
    }
}

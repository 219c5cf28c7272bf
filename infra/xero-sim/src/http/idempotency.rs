//! `Idempotency-Key`: the answer to a write is kept for a few minutes and given again.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::http::reply::Reply;
use crate::world::World;

/// How long an answer is kept from the first call on, in milliseconds.
pub const KEPT_MILLISECONDS: i64 = 6 * 60_000;
/// Longest key, in characters.
pub const KEY_LIMIT: usize = 128;

/// An answer with the request that it belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Remembered {
    request: String,
    expires: i64,
    status: u16,
    body: String,
}

/// What a request is known by: method, address and body.
pub(crate) fn fingerprint(method: &str, address: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [method.as_bytes(), address.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl World {
    /// The answer already given under a key, or a refusal of the key; `None` if the work is to be done.
    pub(crate) fn answered_before(&self, now: Timestamp, key: &str, request: &str) -> Option<Reply> {
        if key.chars().count() > KEY_LIMIT {
            return Some(Reply::refused(&format!("Idempotency-Key must be {KEY_LIMIT} characters or less")));
        }
        let known = self.remembered.get(key).filter(|known| known.expires > now.as_millisecond())?;
        if known.request != request {
            return Some(Reply::refused(
                "The Idempotency-Key has already been used with a different request",
            ));
        }
        Some(Reply::json(known.status, known.body.clone()))
    }

    /// Keeps an answer, an error's too, inside the commit of its work.
    pub(crate) fn remember(
        &mut self,
        now: Timestamp,
        key: &str,
        request: String,
        reply: &Reply,
    ) -> rusqlite::Result<()> {
        let now = now.as_millisecond();
        self.remembered.retain(|_, known| known.expires > now);
        self.store.forget_before(now)?;
        let expires = now + KEPT_MILLISECONDS;
        let known = Remembered { request, expires, status: reply.status, body: reply.body.clone() };
        self.store.remember(key, expires, &known)?;
        self.remembered.insert(key.to_owned(), known);
        Ok(())
    }
}

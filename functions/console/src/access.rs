//! Who may sign in, and how a session is known again: by a signed cookie, so that no server has to
//! remember it.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How long a session lasts.
const SESSION: SignedDuration = SignedDuration::from_hours(12);
/// Wrong passwords after which nobody may sign in for a while.
const FAILURES_MAX: u32 = 10;
/// How long that while is.
const PAUSE: SignedDuration = SignedDuration::from_mins(15);
/// The cookie of a session.
pub const COOKIE: &str = "parstock_session";

/// The one person who may sign in, until there are roles.
pub struct Access {
    user: String,
    password: SecretString,
    key: SecretString,
    failures: AtomicU32,
    first_failure: AtomicI64,
}

/// Why nobody was signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// User or password are wrong.
    Wrong,
    /// Too many were wrong lately.
    Paused,
}

impl Access {
    /// Access for `user` with `password`. `key` signs sessions; with another key they all end.
    pub const fn new(user: String, password: SecretString, key: SecretString) -> Self {
        Self { user, password, key, failures: AtomicU32::new(0), first_failure: AtomicI64::new(0) }
    }

    fn sign(&self, purpose: &str, text: &str) -> String {
        // HMAC takes keys of any length
        let mac = Hmac::<Sha256>::new_from_slice(self.key.expose_secret().as_bytes());
        let tag = mac.map(|mac| {
            mac.chain_update(purpose).chain_update([0]).chain_update(text).finalize().into_bytes()
        });
        tag.map(|tag| URL_SAFE_NO_PAD.encode(tag)).unwrap_or_default()
    }

    /// Compares in constant time, by comparing signatures.
    fn same(&self, one: &str, other: &str) -> bool {
        let expected = self.sign("compare", one);
        let mac = Hmac::<Sha256>::new_from_slice(self.key.expose_secret().as_bytes());
        let given = URL_SAFE_NO_PAD.decode(expected).unwrap_or_default();
        mac.is_ok_and(|mac| {
            mac.chain_update("compare").chain_update([0]).chain_update(other).verify_slice(&given).is_ok()
        })
    }

    /// A session's cookie for whoever knows user and password.
    ///
    /// # Errors
    /// [`Refusal`] says why not.
    pub fn sign_in(&self, user: &str, password: &str, now: Timestamp) -> Result<String, Refusal> {
        let pause_ended = now.as_second() >= self.first_failure.load(Ordering::Relaxed) + PAUSE.as_secs();
        if pause_ended {
            self.failures.store(0, Ordering::Relaxed);
        } else if self.failures.load(Ordering::Relaxed) >= FAILURES_MAX {
            return Err(Refusal::Paused);
        }
        // both are always compared, so that the time taken does not tell which was wrong
        let known = self.same(&self.user, user) & self.same(self.password.expose_secret(), password);
        if !known {
            if self.failures.fetch_add(1, Ordering::Relaxed) == 0 {
                self.first_failure.store(now.as_second(), Ordering::Relaxed);
            }
            return Err(Refusal::Wrong);
        }
        let until = now.saturating_add(SESSION).unwrap_or(now).as_second();
        let said = format!("{}.{until}", URL_SAFE_NO_PAD.encode(user));
        let tag = self.sign("session", &said);
        Ok(format!("{said}.{tag}"))
    }

    /// The user of a session's cookie, if we made it and it has not ended.
    pub fn user_of(&self, cookie: &str, now: Timestamp) -> Option<String> {
        let (said, tag) = cookie.rsplit_once('.')?;
        if !self.same(&self.sign("session", said), tag) {
            return None;
        }
        let (user, until) = said.split_once('.')?;
        let until: i64 = until.parse().ok()?;
        if now.as_second() >= until {
            return None;
        }
        String::from_utf8(URL_SAFE_NO_PAD.decode(user).ok()?).ok()
    }

    /// The token that the forms of a session send back.
    pub fn token_of(&self, cookie: &str) -> String {
        self.sign("form", cookie)
    }

    /// Whether a form's token is the session's.
    pub fn token_fits(&self, cookie: &str, token: &str) -> bool {
        self.same(&self.token_of(cookie), token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access() -> Access {
        Access::new("owner".into(), SecretString::from("right"), SecretString::from("key"))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_session_is_known_until_it_ends_and_not_when_forged() {
        let access = access();
        let cookie = access.sign_in("owner", "right", at(1_000)).unwrap();
        assert_eq!(access.user_of(&cookie, at(1_001)).as_deref(), Some("owner"));
        assert_eq!(access.user_of(&cookie, at(1_000 + SESSION.as_secs())), None);
        let forged = cookie.replacen(&URL_SAFE_NO_PAD.encode("owner"), &URL_SAFE_NO_PAD.encode("other"), 1);
        assert_eq!(access.user_of(&forged, at(1_001)), None);
        let other_key = Access::new("owner".into(), SecretString::from("right"), SecretString::from("other"));
        assert_eq!(other_key.user_of(&cookie, at(1_001)), None);
        assert!(access.token_fits(&cookie, &access.token_of(&cookie)));
        assert!(!access.token_fits(&cookie, &access.token_of("another")));
    }

    #[test]
    fn guessing_is_stopped_for_a_while() {
        let access = access();
        for _ in 0..FAILURES_MAX {
            assert_eq!(access.sign_in("owner", "wrong", at(1_000)), Err(Refusal::Wrong));
        }
        assert_eq!(access.sign_in("owner", "right", at(1_001)), Err(Refusal::Paused));
        assert!(access.sign_in("owner", "right", at(1_000 + PAUSE.as_secs())).is_ok());
    }
}

//! Who may sign in, and how a session is known again: by a signed cookie, so that no server has to remember it.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use parstock_app::sign_in;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How long a session lasts.
const SESSION: SignedDuration = SignedDuration::from_hours(12);
/// Wrong passwords after which nobody may sign in for a while.
const FAILURES_MAX: u32 = 10;
/// How long that while is.
const PAUSE: SignedDuration = SignedDuration::from_mins(15);
/// The cookie of a session on one machine.
const COOKIE: &str = "parstock_session";
/// The same over https: browsers take a cookie of this beginning from its own host alone, over https.
/// Source: RFC 6265bis, 4.1.3.2.
const HOST_COOKIE: &str = "__Host-parstock_session";

/// How people sign in.
#[derive(Debug)]
pub enum SignIn {
    /// One person with a password, on one machine.
    Password(Password),
    /// Whoever reads the mails of one of these addresses, by a link that works once.
    Mail(Vec<String>),
}

/// The one person who has a password.
#[derive(Debug)]
pub struct Password {
    user: String,
    password: SecretString,
    failures: AtomicU32,
    first_failure: AtomicI64,
}

impl Password {
    /// The password of `user`.
    pub const fn new(user: String, password: SecretString) -> Self {
        Self { user, password, failures: AtomicU32::new(0), first_failure: AtomicI64::new(0) }
    }
}

/// Who gets in and how.
#[derive(Debug)]
pub struct Access {
    /// How people sign in.
    pub sign_in: SignIn,
    key: SecretString,
    is_https: bool,
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
    /// Access to the console at `console_url`. `key` signs sessions; with another key they all end.
    pub fn new(sign_in: SignIn, key: SecretString, console_url: &str) -> Self {
        Self { sign_in, key, is_https: console_url.starts_with("https://") }
    }

    /// A signature over a text. Those of one purpose are worth nothing for another.
    pub(crate) fn sign(&self, purpose: &str, text: &str) -> String {
        // HMAC takes keys of any length
        let mac = Hmac::<Sha256>::new_from_slice(self.key.expose_secret().as_bytes());
        let tag = mac.map(|mac| {
            mac.chain_update(purpose).chain_update([0]).chain_update(text).finalize().into_bytes()
        });
        tag.map(|tag| URL_SAFE_NO_PAD.encode(tag)).unwrap_or_default()
    }

    /// Compares in constant time, by comparing signatures.
    pub(crate) fn same(&self, one: &str, other: &str) -> bool {
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
    pub fn by_password(
        &self,
        known: &Password,
        user: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        let pause_ended = now.as_second() >= known.first_failure.load(Ordering::Relaxed) + PAUSE.as_secs();
        if pause_ended {
            known.failures.store(0, Ordering::Relaxed);
        } else if known.failures.load(Ordering::Relaxed) >= FAILURES_MAX {
            return Err(Refusal::Paused);
        }
        // both are always compared, so that the time taken does not tell which was wrong
        let is_right = self.same(&known.user, user) & self.same(known.password.expose_secret(), password);
        if !is_right {
            if known.failures.fetch_add(1, Ordering::Relaxed) == 0 {
                known.first_failure.store(now.as_second(), Ordering::Relaxed);
            }
            return Err(Refusal::Wrong);
        }
        Ok(self.session(user, now))
    }

    /// A session's cookie for a person who has proved who they are.
    pub(crate) fn session(&self, person: &str, now: Timestamp) -> String {
        let until = now.saturating_add(SESSION).unwrap_or(now).as_second();
        let said = format!("{}.{until}", URL_SAFE_NO_PAD.encode(person));
        let tag = self.sign("session", &said);
        format!("{said}.{tag}")
    }

    /// The person of a session's cookie, if we made it, it has not ended, and they may still sign in.
    pub fn person_of(&self, cookie: &str, now: Timestamp) -> Option<String> {
        let (said, tag) = cookie.rsplit_once('.')?;
        if !self.same(&self.sign("session", said), tag) {
            return None;
        }
        let (person, until) = said.split_once('.')?;
        let until: i64 = until.parse().ok()?;
        if now.as_second() >= until {
            return None;
        }
        let person = String::from_utf8(URL_SAFE_NO_PAD.decode(person).ok()?).ok()?;
        self.allows(&person).then_some(person)
    }

    /// What a person may do here: everything, as long as they may sign in.
    fn allows(&self, person: &str) -> bool {
        match &self.sign_in {
            SignIn::Password(known) => known.user == person,
            SignIn::Mail(users) => sign_in::known(users, person).is_some(),
        }
    }

    /// The name of a session's cookie.
    pub(crate) const fn cookie(&self) -> &'static str {
        if self.is_https { HOST_COOKIE } else { COOKIE }
    }

    /// The header that gives a browser this cookie, or takes it away when it is empty.
    pub(crate) fn set_cookie(&self, value: &str) -> String {
        let secure = if self.is_https { "; Secure" } else { "" };
        let ends = if value.is_empty() { "; Max-Age=0" } else { "" };
        // Lax, so that a link in a mail finds the session; no GET acts, and every form has its token and origin
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{ends}", self.cookie())
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

    fn password() -> Access {
        by(SignIn::Password(Password::new("owner".into(), SecretString::from("right"))), "key")
    }

    fn by(sign_in: SignIn, key: &str) -> Access {
        Access::new(sign_in, SecretString::from(key), "https://stock.example.com")
    }

    fn try_password(access: &Access, password: &str, now: Timestamp) -> Result<String, Refusal> {
        let SignIn::Password(known) = &access.sign_in else { panic!("there is no password") };
        access.by_password(known, "owner", password, now)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_session_is_known_until_it_ends_and_cannot_be_forged() {
        let access = password();
        let cookie = try_password(&access, "right", at(1_000)).unwrap();
        assert_eq!(access.person_of(&cookie, at(1_001)).as_deref(), Some("owner"));
        assert_eq!(access.person_of(&cookie, at(1_000 + SESSION.as_secs())), None);
        let forged = cookie.replacen(&URL_SAFE_NO_PAD.encode("owner"), &URL_SAFE_NO_PAD.encode("other"), 1);
        assert_eq!(access.person_of(&forged, at(1_001)), None);
        let other_key =
            by(SignIn::Password(Password::new("owner".into(), SecretString::from("right"))), "other");
        assert_eq!(other_key.person_of(&cookie, at(1_001)), None);
        assert!(access.token_fits(&cookie, &access.token_of(&cookie)));
        assert!(!access.token_fits(&cookie, &access.token_of("another")));
    }

    #[test]
    fn the_session_of_an_address_ends_with_its_place_in_the_settings() {
        let users = |all: &[&str]| SignIn::Mail(all.iter().map(|user| (*user).to_owned()).collect());
        let access = by(users(&["kim@example.com", "lee@example.com"]), "key");
        let cookie = access.session("kim@example.com", at(1_000));
        assert_eq!(access.person_of(&cookie, at(1_001)).as_deref(), Some("kim@example.com"));
        let without = by(users(&["lee@example.com"]), "key");
        assert_eq!(without.person_of(&cookie, at(1_001)), None);
        assert_eq!(password().person_of(&cookie, at(1_001)), None);
    }

    #[test]
    fn a_cookie_over_https_is_for_its_host_alone() {
        let header = password().set_cookie("value");
        assert_eq!(header, "__Host-parstock_session=value; Path=/; HttpOnly; SameSite=Lax; Secure");
        let local = Access::new(SignIn::Mail(Vec::new()), SecretString::from("key"), "http://127.0.0.1:4100");
        assert_eq!(local.set_cookie(""), "parstock_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }

    #[test]
    fn guessing_is_stopped_for_a_while() {
        let access = password();
        for _ in 0..FAILURES_MAX {
            assert_eq!(try_password(&access, "wrong", at(1_000)), Err(Refusal::Wrong));
        }
        assert_eq!(try_password(&access, "right", at(1_001)), Err(Refusal::Paused));
        assert!(try_password(&access, "right", at(1_000 + PAUSE.as_secs())).is_ok());
    }
}

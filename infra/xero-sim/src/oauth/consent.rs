//! A person's consent: codes, token sets that rotate, and the organisations that are connected.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{TokenReply, field, issue};
use crate::ids::Ids;
use crate::world::World;

/// How long a code is good, in seconds.
pub const CODE_SECONDS: i64 = 5 * 60;
/// How long an unused refresh token is good, in seconds.
pub const REFRESH_SECONDS: i64 = 60 * 24 * 3_600;
/// How long a refresh token still works after its first use, in seconds.
pub const GRACE_SECONDS: i64 = 30 * 60;

/// Without it there is no refresh token.
const OFFLINE: &str = "offline_access";

/// What the person does at the authorize page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// Is shown the page, and decides there.
    #[default]
    Asked,
    /// Allows access at once.
    Given(Given),
    /// Cancels.
    Denied,
}

/// What the person allows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The organisations; empty for the first one alone.
    pub organisations: Vec<Uuid>,
    /// Scopes asked for that are not granted.
    pub without: Vec<String>,
}

/// What the identity server keeps: of the one person who uses this Xero, and of the one app.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Identity {
    /// Codes, token sets, refresh tokens and connections so far: each gets a number, and its id follows from that.
    numbered: u64,
    codes: BTreeMap<String, Code>,
    sets: BTreeMap<u64, TokenSet>,
    refresh: BTreeMap<String, Refresh>,
    /// By tenant.
    connections: BTreeMap<Uuid, Connected>,
}

/// All instants are seconds since 1970.
#[derive(Debug, Deserialize, Serialize)]
struct Code {
    given_at: i64,
    redirect: String,
    set: u64,
}

#[derive(Debug, Deserialize, Serialize)]
struct TokenSet {
    event: Uuid,
    scope: Vec<String>,
    revoked: bool,
}

#[derive(Debug, Deserialize, Serialize)]
struct Refresh {
    set: u64,
    given_at: i64,
    used_at: Option<i64>,
    /// The refresh token it was got with.
    after: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Connected {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) event: Uuid,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// A token set whose next tokens are due.
pub(super) struct Due {
    set: u64,
    after: Option<String>,
}

impl Identity {
    fn number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }

    /// A person consents: connects the organisations and answers the code.
    fn consent(
        &mut self,
        ids: Ids,
        now: i64,
        redirect: &str,
        scope: Vec<String>,
        organisations: Vec<(Uuid, String)>,
    ) -> String {
        let set = self.number();
        let event = ids.id(&format!("consent/{set}"));
        self.sets.insert(set, TokenSet { event, scope, revoked: false });
        for (tenant, name) in organisations {
            let number = self.number();
            let known = self.connections.entry(tenant).or_insert_with(|| Connected {
                id: ids.id(&format!("connection/{number}")),
                name: name.clone(),
                event,
                created_at: now,
                updated_at: now,
            });
            (known.name, known.event, known.updated_at) = (name, event, now);
        }
        let code = ids.id(&format!("code/{set}")).simple().to_string();
        self.codes.insert(code.clone(), Code { given_at: now, redirect: redirect.to_owned(), set });
        code
    }

    /// Takes a code: once, within its time, for its own redirect address.
    pub(super) fn redeem(&mut self, now: Timestamp, form: &[(String, String)]) -> Option<Due> {
        let code = self.codes.remove(field(form, "code")?)?;
        let in_time = now.as_second() < code.given_at.saturating_add(CODE_SECONDS);
        let fits = field(form, "redirect_uri") == Some(code.redirect.as_str());
        (in_time && fits).then_some(Due { set: code.set, after: None })
    }

    /// Takes a refresh token: once, and for half an hour after that again.
    pub(super) fn rotate(
        &mut self,
        now: Timestamp,
        form: &[(String, String)],
        reuse_ends_the_successor: bool,
    ) -> Option<Due> {
        let (now, handle) = (now.as_second(), field(form, "refresh_token")?);
        let token = self.refresh.get_mut(handle)?;
        let good_until = match token.used_at {
            Some(used_at) => used_at.saturating_add(GRACE_SECONDS),
            None => token.given_at.saturating_add(REFRESH_SECONDS),
        };
        if now >= good_until {
            return None;
        }
        let again = token.used_at.is_some();
        token.used_at.get_or_insert(now);
        let set = token.set;
        if again && reuse_ends_the_successor {
            self.refresh.retain(|_, other| other.after.as_deref() != Some(handle) || other.used_at.is_some());
        }
        Some(Due { set, after: Some(handle.to_owned()) })
    }

    /// Ends the token set of a refresh token and every connection of its person.
    pub(super) fn revoke(&mut self, handle: &str) {
        let Some(token) = self.refresh.get(handle) else { return };
        if let Some(set) = self.sets.get_mut(&token.set) {
            set.revoked = true;
        }
        self.connections.clear();
    }

    /// What is connected, by tenant.
    pub(super) fn connections(&self) -> &BTreeMap<Uuid, Connected> {
        &self.connections
    }

    /// Ends a connection; `false` if there is none of this id.
    pub(super) fn disconnect(&mut self, id: Uuid) -> bool {
        let before = self.connections.len();
        self.connections.retain(|_, connected| connected.id != id);
        self.connections.len() < before
    }

    /// Forgets what can't be used any more.
    fn prune(&mut self, now: i64) {
        self.codes.retain(|_, code| now < code.given_at.saturating_add(CODE_SECONDS));
        self.refresh.retain(|_, token| match token.used_at {
            Some(used_at) => now < used_at.saturating_add(GRACE_SECONDS),
            None => now < token.given_at.saturating_add(REFRESH_SECONDS),
        });
    }
}

impl World {
    /// How the person answers the next consents.
    pub fn set_consent(&mut self, consent: Consent) {
        self.settings.consent = consent;
    }

    /// A person disconnects the app in Xero's own settings; the tokens stay.
    ///
    /// # Errors
    /// If it can't be stored.
    pub fn disconnect_app(&mut self, tenant: Uuid) -> Result<(), crate::error::XeroError> {
        self.identity.connections.remove(&tenant);
        Ok(self.store.put("identity", &self.identity)?)
    }

    /// Records a consent and answers its code.
    pub(super) fn give_consent(
        &mut self,
        now: Timestamp,
        redirect: &str,
        scope: Vec<String>,
        organisations: Vec<(Uuid, String)>,
    ) -> rusqlite::Result<String> {
        let code = self.identity.consent(self.ids, now.as_second(), redirect, scope, organisations);
        self.store.put("identity", &self.identity)?;
        Ok(code)
    }

    /// The next tokens of the token set that `take` finds, or `invalid_grant`.
    pub(super) fn consented(
        &mut self,
        now: Timestamp,
        take: impl FnOnce(&mut Identity) -> Option<Due>,
    ) -> TokenReply {
        let due = take(&mut self.identity);
        let refused = || TokenReply::Refused("invalid_grant");
        let found = due.and_then(|due| {
            let set = self.identity.sets.get(&due.set).filter(|set| !set.revoked)?;
            Some((due.set, due.after, set.event, set.scope.clone()))
        });
        let Some((set, after, event, scope)) = found else {
            // a code is used up even if it comes too late
            return match self.store.put("identity", &self.identity) {
                Ok(()) => refused(),
                Err(_) => TokenReply::Refused("server_error"),
            };
        };
        let refresh = scope.iter().any(|scope| scope == OFFLINE).then(|| {
            let number = self.identity.number();
            let handle = self.ids.id(&format!("refresh/{number}")).simple().to_string();
            let token = Refresh { set, given_at: now.as_second(), used_at: None, after };
            self.identity.refresh.insert(handle.clone(), token);
            handle
        });
        self.identity.prune(now.as_second());
        if self.store.put("identity", &self.identity).is_err() {
            return TokenReply::Refused("server_error");
        }
        issue(&self.settings, now, scope, Some((set, event)), refresh.as_deref())
    }
}

//! Sign-in: client credentials of a custom connection, and a person's consent in the browser ([`consent`]).
//!
//! Access tokens last thirty minutes. They are signed, not stored, so they outlive a restart as real ones do; refresh
//! tokens are stored.

mod consent;
mod endpoints;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::settings::Settings;
use crate::webhook::sign;
use crate::world::World;

pub(crate) use consent::Identity;
pub use consent::{CODE_SECONDS, Consent, GRACE_SECONDS, Given, REFRESH_SECONDS};
pub(crate) use endpoints::{denied, routes};

/// Lifetime of an access token, in seconds.
pub const TOKEN_SECONDS: i64 = 30 * 60;

/// What an app can ask for beside the accounting scopes; no effect on a custom connection.
const OTHER_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];
/// Accounting scopes that have a `.read` form, too.
const SCOPES: [&str; 9] = [
    "accounting.transactions",
    "accounting.invoices",
    "accounting.payments",
    "accounting.banktransactions",
    "accounting.manualjournals",
    "accounting.settings",
    "accounting.contacts",
    "accounting.attachments",
    "accounting.budgets",
];
/// The reports that a custom connection has the right to read, with all of the accounting scopes.
const REPORTS: [&str; 2] = ["accounting.reports.balancesheet.read", "accounting.reports.trialbalance.read"];

#[derive(Deserialize, Serialize)]
struct Claims {
    /// Seconds since 1970.
    exp: i64,
    client_id: String,
    scope: Vec<String>,
    /// The token set of a consent; a custom connection has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    set: Option<u64>,
    /// Which consent it came of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authentication_event_id: Option<Uuid>,
}

/// What the token endpoint answers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TokenReply {
    /// A body with a token.
    Granted(String),
    /// OAuth's word for what is wrong.
    Refused(&'static str),
}

fn is_known(scope: &str) -> bool {
    OTHER_SCOPES.contains(&scope)
        || SCOPES.contains(&scope.strip_suffix(".read").unwrap_or(scope))
        || (scope.starts_with("accounting.reports.") && scope.ends_with(".read"))
}

/// Whether a request shows the app's id and secret.
fn knows_app(settings: &Settings, authorization: Option<&str>) -> bool {
    let expected = STANDARD.encode(format!("{}:{}", settings.client_id, settings.client_secret));
    authorization.and_then(|value| value.strip_prefix("Basic ")) == Some(expected.as_str())
}

/// The value of a form's field.
fn field<'f>(form: &'f [(String, String)], name: &str) -> Option<&'f str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

impl World {
    /// Answers a request for a token.
    pub(crate) fn grant(
        &mut self,
        now: Timestamp,
        authorization: Option<&str>,
        form: &[(String, String)],
    ) -> TokenReply {
        if !knows_app(&self.settings, authorization) {
            return TokenReply::Refused("invalid_client");
        }
        match field(form, "grant_type") {
            Some("client_credentials") => own_credentials(&self.settings, now, form),
            Some("authorization_code") => self.consented(now, |identity| identity.redeem(now, form)),
            Some("refresh_token") => {
                let ends = self.settings.switches.reuse_ends_the_successor;
                self.consented(now, |identity| identity.rotate(now, form, ends))
            }
            _ => TokenReply::Refused("unsupported_grant_type"),
        }
    }
}

/// A token of a custom connection.
fn own_credentials(settings: &Settings, now: Timestamp, form: &[(String, String)]) -> TokenReply {
    let scope: Vec<String> = match field(form, "scope").unwrap_or_default() {
        "" => SCOPES.into_iter().chain(REPORTS).map(str::to_owned).collect(),
        asked => asked.split_ascii_whitespace().map(str::to_owned).collect(),
    };
    if !scope.iter().all(|name| is_known(name)) {
        return TokenReply::Refused("invalid_scope");
    }
    issue(settings, now, scope, None, None)
}

/// A signed access token, with a refresh token if there is one.
fn issue(
    settings: &Settings,
    now: Timestamp,
    scope: Vec<String>,
    consent: Option<(u64, Uuid)>,
    refresh: Option<&str>,
) -> TokenReply {
    let granted = scope.join(" ");
    let claims = Claims {
        exp: now.as_second() + TOKEN_SECONDS,
        client_id: settings.client_id.clone(),
        scope,
        set: consent.map(|(set, _)| set),
        authentication_event_id: consent.map(|(_, event)| event),
    };
    let Ok(claims) = serde_json::to_vec(&claims) else { return TokenReply::Refused("server_error") };
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let token = format!("{signed}.{}", sign(&token_key(settings), signed.as_bytes()));
    let refresh = refresh.map_or_else(String::new, |refresh| format!(r#""refresh_token":"{refresh}","#));
    TokenReply::Granted(format!(
        r#"{{"access_token":"{token}",{refresh}"expires_in":{TOKEN_SECONDS},"token_type":"Bearer","scope":"{granted}"}}"#
    ))
}

/// Another key than that of the webhooks.
fn token_key(settings: &Settings) -> String {
    format!("token/{}", settings.client_secret)
}

/// The scopes of a valid access token, or Xero's word for why it isn't.
pub(crate) fn verify(
    settings: &Settings,
    now: Timestamp,
    authorization: Option<&str>,
) -> Result<Vec<String>, &'static str> {
    claims(settings, now, authorization).map(|claims| claims.scope)
}

fn claims(settings: &Settings, now: Timestamp, authorization: Option<&str>) -> Result<Claims, &'static str> {
    let token =
        authorization.and_then(|value| value.strip_prefix("Bearer ")).ok_or("AuthenticationUnsuccessful")?;
    let (signed, signature) = token.rsplit_once('.').ok_or("AuthenticationUnsuccessful")?;
    if sign(&token_key(settings), signed.as_bytes()) != signature {
        return Err("AuthenticationUnsuccessful");
    }
    let claims: Option<Claims> = signed
        .split_once('.')
        .and_then(|(_, claims)| URL_SAFE_NO_PAD.decode(claims).ok())
        .and_then(|claims| serde_json::from_slice(&claims).ok());
    match claims {
        Some(claims) if claims.exp > now.as_second() => Ok(claims),
        Some(_) => Err("TokenExpired"),
        None => Err("AuthenticationUnsuccessful"),
    }
}

/// Whether scopes allow a call on an endpoint.
pub(crate) fn allows(scopes: &[String], endpoint: &str, writes: bool) -> bool {
    let enough: &[&str] = match endpoint {
        "Organisation" | "Accounts" => &["accounting.settings"],
        "Items" => &["accounting.settings", "accounting.invoices"],
        "Contacts" => &["accounting.contacts"],
        "BankTransactions" => &["accounting.banktransactions", "accounting.transactions"],
        _ => &["accounting.invoices", "accounting.transactions"],
    };
    scopes.iter().any(|scope| match scope.strip_suffix(".read") {
        Some(base) => !writes && enough.contains(&base),
        None => enough.contains(&scope.as_str()),
    })
}

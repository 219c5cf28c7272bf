//! The token endpoint of a custom connection: client credentials for a token of thirty minutes.
//!
//! Tokens are signed, not stored, so they outlive a restart as real ones do.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::settings::Settings;
use crate::webhook::sign;

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

#[derive(Deserialize, Serialize)]
struct Claims {
    /// Seconds since 1970.
    exp: i64,
    client_id: String,
    scope: Vec<String>,
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

/// Answers a request for a token.
pub(crate) fn grant(
    settings: &Settings,
    now: Timestamp,
    authorization: Option<&str>,
    form: &[(String, String)],
) -> TokenReply {
    let expected = STANDARD.encode(format!("{}:{}", settings.client_id, settings.client_secret));
    if authorization.and_then(|value| value.strip_prefix("Basic ")) != Some(expected.as_str()) {
        return TokenReply::Refused("invalid_client");
    }
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if field("grant_type") != Some("client_credentials") {
        return TokenReply::Refused("unsupported_grant_type");
    }
    let asked = field("scope").unwrap_or_default();
    let scope: Vec<String> = match asked {
        "" => SCOPES.map(str::to_owned).into(),
        _ => asked.split_ascii_whitespace().map(str::to_owned).collect(),
    };
    if !scope.iter().all(|name| is_known(name)) {
        return TokenReply::Refused("invalid_scope");
    }
    let granted = scope.join(" ");
    let claims =
        Claims { exp: now.as_second() + TOKEN_SECONDS, client_id: settings.client_id.clone(), scope };
    let Ok(claims) = serde_json::to_vec(&claims) else { return TokenReply::Refused("server_error") };
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let token = format!("{signed}.{}", sign(&token_key(settings), signed.as_bytes()));
    TokenReply::Granted(format!(
        r#"{{"access_token":"{token}","expires_in":{TOKEN_SECONDS},"token_type":"Bearer","scope":"{granted}"}}"#
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
        Some(claims) if claims.exp > now.as_second() => Ok(claims.scope),
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

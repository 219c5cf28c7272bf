//! Errors, sorted by what the caller can do about them.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::limits::RateProblem;

/// What a [`TokenStore`](crate::TokenStore) or a [`CallBudget`](crate::CallBudget) failed with.
///
/// Its text is shown in [`Error::Store`], so it must not carry a token.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, sorted by what the caller can do about it.
///
/// No variant carries a token or a client secret. [`Error::Reject`] carries Xero's own words, which may name a
/// contact: they are for the person who asked, not for a log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// This call failed for a passing reason and changed nothing in Xero. The same call may be made again at `at`.
    #[error("Xero did not answer ({why}); the same call may be made again at {at}")]
    RetryAfter {
        /// The earliest instant worth another try.
        at: Timestamp,
        /// The cause, for a log.
        why: String,
    },
    /// Nothing was sent, or Xero counted the call and refused it, and nothing was written: no call of this priority
    /// may be made before `until`. This can be almost a day away, so record the work as due then; never wait for it.
    #[error("no call is allowed before {until}: {why}")]
    NotNow {
        /// The earliest instant at which asking again makes sense.
        until: Timestamp,
        /// Which limit holds the call back.
        why: Wait,
    },
    /// Xero understood the request and refuses it; repeating it unchanged is useless.
    #[error("Xero refused the request (HTTP {status}): {}", refusal(.message, .validation))]
    Reject {
        /// The HTTP status.
        status: u16,
        /// Xero's summary.
        message: String,
        /// Each validation error of each element, in Xero's words.
        validation: Vec<String>,
    },
    /// Only a person can go on, in Xero or in this program's settings.
    #[error("{0}. {remedy}", remedy = .0.remedy())]
    AskPerson(Problem),
    /// A write was sent and its outcome is not known: it may or may not have happened. Search for the document
    /// (by its number) before sending it again; Xero forgets an idempotency key after about six minutes.
    #[error("the outcome of this write is unknown ({why}): look for the document before sending it again")]
    Unknown {
        /// The cause, for a log.
        why: String,
    },
    /// Xero's answer can't be understood, and nothing was written. The body itself is not shown, since it holds business data.
    #[error("Xero's answer for {resource} can't be understood: {why}")]
    BadAnswer {
        /// The resource that was asked for, such as `Invoices`.
        resource: &'static str,
        /// Where and how reading failed.
        why: String,
    },
    /// The caller's own store of tokens or limits failed.
    #[error("{doing} failed: {source}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// The store's own error.
        source: StoreError,
    },
    /// The request can't be expressed to Xero; nothing was sent.
    #[error(transparent)]
    Input(#[from] InputError),
}

/// Which limit holds a call back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The calls of the last minute, less the reserve for higher priorities.
    Minute,
    /// The calls of all organisations of this app within a minute.
    AppMinute,
    /// The calls of the day, less the reserve for higher priorities.
    Day,
    /// The calls under way at once, less the reserve for higher priorities.
    Concurrent,
    /// Xero answered 429, and the organisation is parked.
    Parked(RateProblem),
    /// Another process is fetching a token.
    Token,
    /// Xero is not available and has said when to come again.
    Unavailable,
}

impl std::fmt::Display for Wait {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Minute => out.write_str("the calls of this minute are used up"),
            Self::AppMinute => out.write_str("the calls of this minute for all organisations are used up"),
            Self::Day => out.write_str("the calls of this day are used up or kept for more urgent work"),
            Self::Concurrent => out.write_str("too many calls are under way"),
            Self::Parked(problem) => write!(out, "Xero refused a call because of its {problem} limit"),
            Self::Token => out.write_str("another process is fetching an access token"),
            Self::Unavailable => out.write_str("Xero is not available and has said when to come again"),
        }
    }
}

/// Why only a person can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The token endpoint answered `invalid_client`.
    WrongCredentials,
    /// The token endpoint answered `invalid_scope`.
    ScopeNotGranted,
    /// The token endpoint answered another error, such as `unauthorized_client`.
    ConnectionNotAllowed,
    /// What answers at the identity server's address does not speak as one.
    NoIdentityServer {
        /// The address without its path.
        origin: String,
        /// The HTTP status.
        status: u16,
    },
    /// What answers at the API's address knows no organisation.
    NoAccountingApi {
        /// The address without its path.
        origin: String,
        /// The HTTP status.
        status: u16,
    },
    /// The token endpoint answered `invalid_grant` to a refresh token: the consent was revoked, or nothing used it for 60
    /// days.
    ConsentEnded,
    /// There is no refresh token: nobody has consented yet, or the stored one is gone.
    NoConsent,
    /// The token endpoint answered `invalid_grant` to a code, which is used up, too old or for another redirect address; or
    /// it gave no answer, after which the code may be used up.
    CodeRefused,
    /// A new token was refused with 401 as well.
    TokenRefused,
    /// 403 with `AuthenticationUnsuccessful`: the organisation is no longer connected.
    Disconnected,
    /// 403 for another reason, or 401 for want of a scope: a scope or a permission of the connected user is missing.
    Forbidden {
        /// What was asked for, such as `BankTransactions`.
        resource: &'static str,
        /// Xero's own words, if they are short and plain.
        said: Option<String>,
    },
}

/// The scope that a resource needs. Source: developer.xero.com, *Scopes* (those of apps made since March 2026).
fn scope(resource: &str) -> Option<&'static str> {
    if resource.ends_with("/Attachments") {
        return Some("accounting.attachments");
    }
    Some(match resource.split('/').next()? {
        "Invoices" | "CreditNotes" | "PurchaseOrders" => "accounting.invoices",
        "Prepayments" | "Overpayments" | "Payments" => "accounting.payments.read",
        "BankTransactions" => "accounting.banktransactions.read",
        "ManualJournals" => "accounting.manualjournals",
        "Items" | "Accounts" | "Organisations" | "Actions" | "TaxRates" | "TrackingCategories"
        | "Currencies" | "BrandingThemes" => "accounting.settings",
        "Contacts" => "accounting.contacts",
        "Reports" => match resource {
            "Reports/BalanceSheet" => "accounting.reports.balancesheet.read",
            _ => "accounting.reports.trialbalance.read",
        },
        _ => return None,
    })
}

impl Problem {
    /// What the person has to do, as one sentence.
    #[must_use]
    pub fn remedy(&self) -> Cow<'static, str> {
        let fixed = match self {
            Self::WrongCredentials => {
                "Copy both again from the app's configuration page at developer.xero.com; generating a new \
                 secret there ends the old one."
            }
            Self::ScopeNotGranted => {
                "Add the missing scopes to the app at developer.xero.com, or ask for fewer, and let the organisation \
                 authorise it again."
            }
            Self::ConnectionNotAllowed => {
                "Check at developer.xero.com that the app may connect in this way, that it is paid for if it is a \
                 custom connection, and that the organisation has authorised it."
            }
            Self::ConsentEnded | Self::NoConsent => {
                "Let a person who may connect the organisation consent in the browser."
            }
            Self::CodeRefused => {
                "Consent again: a code is good for one use within five minutes, and for the redirect address that \
                 it was asked for with."
            }
            Self::TokenRefused => {
                "Check that the address of the API and the address of the identity server belong together, and \
                 that the organisation still authorises the app."
            }
            Self::NoIdentityServer { .. } => {
                "Check the address of the identity server: it is the base without `/connect/token`."
            }
            Self::NoAccountingApi { .. } => {
                "Check the address of the API: it is the whole base, `/api.xro/2.0` included where it has one."
            }
            Self::Disconnected => "Let the organisation authorise the app again.",
            Self::Forbidden { resource, .. } => {
                let scope = scope(resource)
                    .map_or_else(|| "the missing scope".to_owned(), |scope| format!("the scope `{scope}`"));
                return Cow::Owned(format!(
                    "Let the organisation authorise the app again with {scope}, and check the role of the person who \
                     does."
                ));
            }
        };
        Cow::Borrowed(fixed)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            Self::NoIdentityServer { origin, status } => {
                return write!(out, "{origin} does not answer as an identity server (HTTP {status})");
            }
            Self::NoAccountingApi { origin, status } => {
                return write!(out, "{origin} does not answer as Xero's accounting API (HTTP {status})");
            }
            Self::Forbidden { resource, said } => {
                write!(out, "This connection may not use {resource}")?;
                return said.as_ref().map_or(Ok(()), |said| write!(out, " (Xero says: {said})"));
            }
            Self::WrongCredentials => "The client id or the client secret is wrong",
            Self::ScopeNotGranted => "Xero does not grant the scopes asked for",
            Self::ConnectionNotAllowed => "Xero does not let this app fetch a token",
            Self::ConsentEnded => "The consent to use this organisation has ended",
            Self::NoConsent => "Nobody has consented to use this organisation",
            Self::CodeRefused => {
                "Xero did not take the code that it gave for the consent, or its answer got lost"
            }
            Self::TokenRefused => "Xero refuses even a new access token",
            Self::Disconnected => "The organisation is no longer connected to this app",
        };
        out.write_str(text)
    }
}

/// A value that can't be sent to Xero, found before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// An address is not an absolute http or https URL.
    #[error("the {what} is not an absolute http or https URL without user, query or fragment")]
    Url {
        /// Which address.
        what: &'static str,
    },
    /// An address would send secrets in the clear.
    #[error("the {what} must begin with https; plain http is only allowed to this machine itself")]
    PlainHttp {
        /// Which address.
        what: &'static str,
    },
    /// The client id or secret is empty.
    #[error("the {what} is empty")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// A text is longer than Xero takes.
    #[error("the {what} has {length} characters, and Xero takes at most {limit}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its length in characters.
        length: usize,
        /// The most Xero takes, in characters.
        limit: usize,
    },
    /// A text has characters that can't be sent.
    #[error("the {what} can't be sent: {why}")]
    Characters {
        /// Which text.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The lines of a document can't be sent.
    #[error("the lines can't be sent: {why}")]
    Lines {
        /// What is wrong with them.
        why: &'static str,
    },
    /// There are more than Xero takes.
    #[error("there would be {count} {what}, and Xero takes at most {limit}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// The most Xero takes.
        limit: usize,
    },
    /// Something is larger than Xero takes.
    #[error("the {what} would have {bytes} bytes, and Xero takes at most {limit}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Its size in bytes.
        bytes: usize,
        /// The most Xero takes, in bytes.
        limit: usize,
    },
    /// The HTTP client can't be built.
    #[error("the HTTP client can't be built: {why}")]
    Http {
        /// The cause.
        why: String,
    },
}

fn refusal(message: &str, validation: &[String]) -> String {
    if validation.is_empty() { message.to_owned() } else { validation.join("; ") }
}

/// What is safe to say of a JSON error: serde quotes the offending text, which may be personal.
pub(crate) fn json_error(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let cause = if text.starts_with("missing field") {
        text.split(" at line").next().unwrap_or_default().to_owned()
    } else {
        match error.classify() {
            serde_json::error::Category::Eof => "it ends too early".to_owned(),
            serde_json::error::Category::Syntax => "it is not JSON".to_owned(),
            serde_json::error::Category::Data | serde_json::error::Category::Io => {
                "a field has an unexpected form".to_owned()
            }
        }
    };
    format!("{cause} (line {}, column {})", error.line(), error.column())
}

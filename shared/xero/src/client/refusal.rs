//! What an answer that is not a success means.

use jiff::Timestamp;
use reqwest::{Response, StatusCode};
use serde::Deserialize;

use super::{
    Clock, ERROR_BYTES_MAX, Parts, READ_RETRY, READ_RETRY_MAX,
    request::{Call, names_scope, read_body, retry_after, transport_error},
};
use crate::{
    error::{Error, Problem, Wait},
    limits::Refused,
    model::lenient,
};

impl<T, B, C: Clock> Parts<T, B, C> {
    pub(super) fn retry(&self, why: String) -> Error {
        Error::RetryAfter { at: self.clock.now().saturating_add(READ_RETRY).unwrap_or(Timestamp::MAX), why }
    }

    pub(super) fn read_failed(&self, error: &reqwest::Error) -> Error {
        self.retry(transport_error(error))
    }

    /// No answer came.
    pub(super) fn not_answered(&self, call: &Call<'_>, error: &reqwest::Error) -> Error {
        // Without a connection nothing was sent, so even a write has a known outcome.
        if call.write.is_some() && !error.is_connect() {
            Error::Unknown { why: transport_error(error) }
        } else {
            self.read_failed(error)
        }
    }

    /// An answer came that is not a success.
    pub(super) async fn refused(
        &self,
        call: &Call<'_>,
        mut response: Response,
        refused: Option<Refused>,
    ) -> Error {
        let status = response.status();
        if let Some(refused) = refused {
            let until = self.clock.now().saturating_add(refused.pause()).unwrap_or(Timestamp::MAX);
            return Error::NotNow { until, why: Wait::Parked(refused.problem) };
        }
        let told = retry_after(&response).map(|wait| wait.min(READ_RETRY_MAX));
        let scope_named = names_scope(&response);
        // The words of a refusal help, but without them the status still tells what to do.
        let body = read_body(&mut response, ERROR_BYTES_MAX).await.unwrap_or_default();
        let answer: ErrorAnswer = serde_json::from_slice(&body).unwrap_or_default();
        let says = |word: &str| answer.detail.as_deref().is_some_and(|detail| detail.contains(word));
        let forbidden = || Problem::Forbidden { resource: call.counted_as, said: answer.said() };
        match status {
            // This is also how a call is refused for which the token has no scope.
            StatusCode::UNAUTHORIZED
                if scope_named || says("AuthorizationUnsuccessful") || says("insufficient_scope") =>
            {
                Error::AskPerson(forbidden())
            }
            StatusCode::UNAUTHORIZED => Error::AskPerson(Problem::TokenRefused),
            StatusCode::FORBIDDEN if says("AuthenticationUnsuccessful") => {
                Error::AskPerson(Problem::Disconnected)
            }
            StatusCode::FORBIDDEN => Error::AskPerson(forbidden()),
            _ if status.is_server_error() && call.write.is_some() => {
                Error::Unknown { why: format!("HTTP {}", status.as_u16()) }
            }
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => match told {
                Some(wait) => {
                    let until = self.clock.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
                    Error::NotNow { until, why: Wait::Unavailable }
                }
                None => self.retry(format!("HTTP {}", status.as_u16())),
            },
            _ if status.is_client_error() => {
                let (message, validation) = answer.words();
                Error::Reject { status: status.as_u16(), message, validation }
            }
            _ => Error::BadAnswer {
                resource: call.counted_as,
                why: format!(
                    "HTTP {} is neither success nor refusal; is the address right?",
                    status.as_u16()
                ),
            },
        }
    }
}

/// The body of a refusal; which of the fields are there depends on which part of Xero refuses.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorAnswer {
    #[serde(default, alias = "message", deserialize_with = "lenient")]
    message: Option<String>,
    #[serde(default, alias = "title", deserialize_with = "lenient")]
    title: Option<String>,
    #[serde(default, alias = "detail", deserialize_with = "lenient")]
    detail: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    elements: Option<Vec<ElementErrors>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ElementErrors {
    validation_errors: Option<Vec<Remark>>,
}

/// A validation error or a warning.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Remark {
    message: Option<String>,
}

pub(super) fn messages(remarks: Option<Vec<Remark>>) -> Vec<String> {
    remarks.unwrap_or_default().into_iter().filter_map(|remark| remark.message).collect()
}

/// The longest words of Xero's that are repeated when a call is forbidden, in characters.
const SAID_CHARS_MAX: usize = 120;
/// The longest single word in them: what is longer may be a token.
const SAID_WORD_CHARS_MAX: usize = 40;

impl ErrorAnswer {
    /// Title and detail, if they are short and plain.
    fn said(&self) -> Option<String> {
        let plain = |text: &&String| {
            !text.trim().is_empty()
                && text.chars().count() <= SAID_CHARS_MAX
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _-.,:;'()".contains(&byte))
                && text.split_whitespace().all(|word| word.len() <= SAID_WORD_CHARS_MAX)
        };
        let words: Vec<&str> =
            [&self.title, &self.detail].into_iter().flatten().filter(plain).map(|text| text.trim()).collect();
        (!words.is_empty()).then(|| words.join(", "))
    }

    fn words(self) -> (String, Vec<String>) {
        let message = self.message.or(self.detail).or(self.title);
        let elements = self.elements.unwrap_or_default();
        let validation =
            elements.into_iter().flat_map(|element| messages(element.validation_errors)).collect();
        (message.unwrap_or_else(|| "no reason was given".to_owned()), validation)
    }
}

//! From a call to its answer: token, grant, headers, body.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, Response, StatusCode, header};
use secrecy::{ExposeSecret, SecretString};

use super::{CALL_TIMEOUT, Clock, GRANT_MARGIN, Held, IdempotencyKey, Parts, Session, config::below};
use crate::{
    auth::{HttpIdentity, TokenStore},
    date::modified_since,
    error::{Error, Problem},
    limits::{CallBudget, RateProblem, Refused, Remaining, Usage},
};

/// The form of nearly every body.
pub(super) const JSON: &str = "application/json";
/// The form of a file, as the specification has it.
pub(super) const BYTES: &str = "application/octet-stream";
/// The form of a printed document.
pub(super) const PDF: &str = "application/pdf";

/// A request, before its token.
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// Under which name it is counted and spoken of.
    pub(super) counted_as: &'static str,
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) modified_since: Option<Timestamp>,
    /// The form that the answer is to have.
    pub(super) accept: &'static str,
    /// The form of the file that is asked for, which Xero wants to be told in a header of its own (Xero-OpenAPI, `contentType`).
    pub(super) file_form: Option<&'static str>,
    /// What a write sends.
    pub(super) write: Option<Sent<'a>>,
}

/// What a write sends.
pub(super) struct Sent<'a> {
    pub(super) key: &'a IdempotencyKey,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl<'a> Call<'a> {
    pub(super) fn get(
        counted_as: &'static str,
        path: &'a [&'a str],
        query: &'a [(&'a str, &'a str)],
        modified_since: Option<Timestamp>,
    ) -> Self {
        Self {
            method: Method::GET,
            counted_as,
            path,
            query,
            modified_since,
            accept: JSON,
            file_form: None,
            write: None,
        }
    }

    fn method_name(&self) -> &'static str {
        match self.method {
            Method::PUT => "PUT",
            Method::POST => "POST",
            _ => "GET",
        }
    }

    fn request<T, B, C>(&self, client: &Parts<T, B, C>, token: &SecretString) -> reqwest::RequestBuilder {
        let url = below(&client.config.api_url, self.path);
        let mut request = client.http.client.request(self.method.clone(), url);
        if !self.query.is_empty() {
            request = request.query(self.query);
        }
        // Stated here too, since a grant's lifetime relies on it whatever client was passed in.
        request = request.timeout(CALL_TIMEOUT);
        request = request.bearer_auth(token.expose_secret()).header(header::ACCEPT, self.accept);
        if let Some(tenant) = client.config.tenant {
            request = request.header("xero-tenant-id", tenant.to_string());
        }
        if let Some(instant) = self.modified_since {
            request = request.header(header::IF_MODIFIED_SINCE, modified_since(instant));
        }
        if let Some(form) = self.file_form {
            request = request.header("contentType", form);
        }
        if let Some(sent) = &self.write {
            request = request
                .header("Idempotency-Key", &sent.key.0)
                .header(header::CONTENT_TYPE, sent.content_type)
                .body(sent.body.clone());
        }
        request
    }
}

impl<T: TokenStore, B: CallBudget, C: Clock> Session<T, B, C> {
    /// Gives the grant back.
    ///
    /// # Errors
    /// [`Error::Store`]; the grant then runs out by itself.
    pub async fn finish(mut self) -> Result<(), Error> {
        self.settle().await
    }

    /// What the headers of this session's last answer said was left; `None` before the first.
    #[must_use]
    pub fn remaining(&self) -> Option<Remaining> {
        self.remaining
    }

    /// The clock of Xero's server in its last answer (the header `Date`, in whole seconds); `None` before the first.
    #[must_use]
    pub fn answered_at(&self) -> Option<Timestamp> {
        self.answered_at
    }

    /// Ends the grant if something failed, so that leaving by `?` leaves nothing behind.
    pub(super) async fn done<R>(&mut self, outcome: Result<R, Error>) -> Result<R, Error> {
        if outcome.is_err()
            && let Err(error) = self.settle().await
        {
            tracing::warn!(why = %error, "a grant could not be given back and will run out by itself");
        }
        outcome
    }

    async fn settle(&mut self) -> Result<(), Error> {
        let Some(Held { grant, usage }) = self.held.take() else { return Ok(()) };
        let settled = self.client.budget.settle(&grant, &usage, self.client.clock.now()).await;
        settled.map_err(|source| Error::Store { doing: "giving calls back", source })
    }

    /// Makes sure of one more call, with a new grant if the present one is used up or about to run out.
    async fn reserve(&mut self) -> Result<(), Error> {
        let start_by = self.client.clock.now().saturating_add(GRANT_MARGIN).unwrap_or(Timestamp::MAX);
        let enough = self
            .held
            .as_ref()
            .is_some_and(|held| held.usage.calls < held.grant.calls && start_by <= held.grant.expires_at);
        if !enough {
            self.settle().await?;
            let grant = self.client.grant(self.priority, self.to_come.max(1)).await?;
            self.held = Some(Held { grant, usage: Usage::default() });
        }
        Ok(())
    }

    /// Sends a call and returns the answer to it if it succeeded. A token that Xero refuses is renewed once.
    pub(super) async fn send(&mut self, call: Call<'_>) -> Result<Response, Error> {
        let outcome = self.attempt(&call).await;
        self.done(outcome).await
    }

    async fn attempt(&mut self, call: &Call<'_>) -> Result<Response, Error> {
        let mut refused_version = 0;
        loop {
            let client = Arc::clone(&self.client);
            let now = client.clock.now();
            let identity = HttpIdentity { http: &client.http, config: &client.config, now };
            let kind = client.config.kind;
            let token =
                client.held.get(&client.tokens, &identity, kind, &client.clock, refused_version).await?;
            self.reserve().await?;
            let request = call.request(&client, &token.access);
            client.http.counts.add(call.method_name(), call.counted_as);
            if let Some(held) = &mut self.held {
                held.usage.calls += 1;
            }
            self.to_come = self.to_come.saturating_sub(1);
            let response = match request.send().await {
                Ok(response) => response,
                Err(error) => return Err(client.not_answered(call, &error)),
            };
            let status = response.status();
            tracing::debug!(
                method = call.method_name(),
                resource = call.counted_as,
                status = status.as_u16(),
                "called"
            );
            let Usage { remaining, refused, .. } = Usage::of_answer(&response, self.client.clock.now());
            self.learn(remaining, refused);
            self.answered_at = server_clock(&response).or(self.answered_at);
            let unchanged = status == StatusCode::NOT_MODIFIED && call.modified_since.is_some();
            if status.is_success() || unchanged {
                return Ok(response);
            }
            let error = client.refused(call, response, refused).await;
            // A scope that is missing is missing in the next token, too.
            if matches!(error, Error::AskPerson(Problem::TokenRefused)) && refused_version == 0 {
                refused_version = token.version;
                continue;
            }
            return Err(error);
        }
    }

    fn learn(&mut self, remaining: Remaining, refused: Option<Refused>) {
        self.remaining = Some(remaining);
        if let Some(held) = &mut self.held {
            let before = held.usage.remaining;
            held.usage.remaining = Remaining {
                day: remaining.day.or(before.day),
                minute: remaining.minute.or(before.minute),
                app_minute: remaining.app_minute.or(before.app_minute),
            };
            held.usage.refused = refused;
            held.usage.answered_at = Some(self.client.clock.now());
        }
    }
}

/// Why a body did not come whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The connection failed.
    #[error("{0}")]
    Lost(String),
    /// It is longer than this many bytes.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_body(response: &mut Response, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| BodyError::Lost(transport_error(&error)))?
    {
        if body.len() + chunk.len() > limit {
            return Err(BodyError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What may be said of a failed exchange: never its headers, and of its address only the server.
pub(crate) fn transport_error(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "time ran out".to_owned()
    } else if error.is_connect() {
        // the origin alone: the rest of an address can name what is asked for
        let server =
            error.url().map_or_else(|| "the server".to_owned(), |url| url.origin().ascii_serialization());
        format!("no connection to {server}: check the address and the way to it from here")
    } else if error.is_body() || error.is_decode() {
        "the answer broke off".to_owned()
    } else {
        "the connection failed".to_owned()
    }
}

fn number<N: std::str::FromStr>(response: &Response, name: &str) -> Option<N> {
    response.headers().get(name)?.to_str().ok()?.trim().parse().ok()
}

impl Usage {
    /// One call, by its answer: what its headers say is left, and whether it was refused for a limit.
    #[must_use]
    pub fn of_answer(response: &Response, now: Timestamp) -> Self {
        let remaining = Remaining {
            day: number(response, "X-DayLimit-Remaining"),
            minute: number(response, "X-MinLimit-Remaining"),
            app_minute: number(response, "X-AppMinLimit-Remaining"),
        };
        let refused = (response.status() == StatusCode::TOO_MANY_REQUESTS).then(|| refusal(response));
        Self { calls: 1, remaining, refused, answered_at: Some(now) }
    }
}

/// The header `Date`. Source: RFC 9110, 6.6.1; its preferred form is that of RFC 5322.
fn server_clock(response: &Response) -> Option<Timestamp> {
    let text = response.headers().get(header::DATE)?.to_str().ok()?;
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// Whether the answer's challenge says that the token lacks a scope (RFC 6750, 3.1).
pub(super) fn names_scope(response: &Response) -> bool {
    let challenge = response.headers().get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    challenge.is_some_and(|challenge| challenge.contains("insufficient_scope"))
}

/// `Retry-After`, which is a number of seconds or an instant by the server's clock (RFC 9110, 10.2.3).
pub(crate) fn retry_after(response: &Response) -> Option<SignedDuration> {
    if let Some(seconds) = number::<u32>(response, "Retry-After") {
        return Some(SignedDuration::from_secs(seconds.into()));
    }
    let instant = |name| {
        let text = response.headers().get(name)?.to_str().ok()?;
        jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
    };
    let wait = instant("Retry-After")?.duration_since(instant("Date")?);
    Some(wait.max(SignedDuration::ZERO))
}

fn refusal(response: &Response) -> Refused {
    let problem = response.headers().get("X-Rate-Limit-Problem").and_then(|value| value.to_str().ok());
    Refused {
        problem: problem.map_or(RateProblem::Other, RateProblem::from_header),
        retry_after: retry_after(response),
    }
}

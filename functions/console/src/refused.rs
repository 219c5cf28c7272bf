//! Answers that are no page of their own.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use parstock_app::error::AppError;
use parstock_views::pages::ErrorPage;

/// An answer that is no page of its own.
pub enum Refused {
    /// Somebody has to sign in first.
    SignIn(String),
    /// It failed.
    Failed(StatusCode, String, String),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn(to) => Redirect::to(&to).into_response(),
            Self::Failed(status, what, what_to_do) => error_page(status, &what, &what_to_do),
        }
    }
}

impl From<AppError> for Refused {
    fn from(error: AppError) -> Self {
        let (status, what_to_do) = match &error {
            AppError::Reject(_) => (StatusCode::NOT_FOUND, "Go back and look again."),
            AppError::NeedsPerson(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Do what it says, then load the page again.")
            }
            AppError::NotNow { .. } | AppError::Unreachable(_) | AppError::Retry(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Nothing was changed. Try again in a minute.")
            }
            AppError::Bug(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Nothing was changed. If it happens again, report it with the time of day.",
            ),
        };
        if matches!(error, AppError::Bug(_)) {
            tracing::error!(error_kind = error.kind(), why = %error, "a page failed");
        }
        Self::Failed(status, error.to_string(), what_to_do.to_owned())
    }
}

pub(crate) fn error_page(status: StatusCode, what: &str, what_to_do: &str) -> Response {
    let page = ErrorPage { what: what.to_owned(), what_to_do: what_to_do.to_owned() };
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => (status, what.to_owned()).into_response(),
    }
}

/// A rendered page.
pub(crate) fn show<E: std::fmt::Display>(rendered: Result<String, E>) -> Result<Response, Refused> {
    rendered
        .map(|html| Html(html).into_response())
        .map_err(|error| AppError::Bug(format!("a page could not be rendered: {error}")).into())
}

impl Refused {
    /// A refusal, with what it was and what to do.
    pub(crate) fn new(status: StatusCode, what: impl Into<String>, what_to_do: impl Into<String>) -> Self {
        Self::Failed(status, what.into(), what_to_do.into())
    }
}

/// A page that says what stood against what a form wanted.
pub(crate) fn conflict<E: std::fmt::Display>(rendered: Result<String, E>) -> Result<Response, Refused> {
    let mut response = show(rendered)?;
    *response.status_mut() = StatusCode::CONFLICT;
    Ok(response)
}

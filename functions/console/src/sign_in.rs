//! Signing in and out.

use std::time::Duration;

use axum::Form;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use parstock_adapters::clock::WallClock;
use parstock_app::ports::{Clock, Ports};
use parstock_app::sign_in::{self, LINK_LIFETIME, Link};
use parstock_views::pages::{AddressPage, LinkPage, MailedPage, PasswordPage};
use serde::Deserialize;

use crate::Console;
use crate::access::{Access, Refusal, SignIn};
use crate::pages::nowhere;
use crate::person::{Person, is_foreign, next_of};
use crate::refused::{Refused, show};

/// How long the answer to an address takes at least: longer than mailing, so that the time tells nothing of the address.
const ANSWER_AFTER: Duration = Duration::from_secs(2);
/// What the token of a form is bound to before there is a session.
const BEFORE: &str = "sign-in";
/// What the form's token or origin being wrong is called.
const EXPIRED: &str = "The form has expired. Try again.";

#[derive(Deserialize)]
pub struct Parameters {
    #[serde(default)]
    next: String,
}

/// `/sign-in`
pub async fn form<P: Ports + 'static>(
    State(console): State<Console<P>>,
    Query(asked): Query<Parameters>,
) -> Result<Response, Refused> {
    form_page(&console.access, &asked.next, None, StatusCode::OK)
}

fn form_page(
    access: &Access,
    next: &str,
    problem: Option<&str>,
    status: StatusCode,
) -> Result<Response, Refused> {
    let (csrf, next) = (access.token_of(BEFORE), next_of(next).to_owned());
    let problem = problem.map(str::to_owned);
    let mut response = match access.sign_in {
        SignIn::Password(_) => show(PasswordPage { csrf, next, problem }.render()),
        SignIn::Mail(_) => show(AddressPage { csrf, next, problem }.render()),
    }?;
    *response.status_mut() = status;
    Ok(response)
}

fn is_ours(access: &Access, headers: &HeaderMap, token: &str) -> bool {
    !is_foreign(headers) && access.token_fits(BEFORE, token)
}

fn signed_in(access: &Access, cookie: &str, next: &str) -> Response {
    with_cookie(access, cookie, Redirect::to(next_of(next)).into_response())
}

fn with_cookie(access: &Access, value: &str, mut response: Response) -> Response {
    if let Ok(cookie) = access.set_cookie(value).parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// What either form of `/sign-in` sends.
#[derive(Deserialize)]
pub struct Fields {
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    address: String,
    csrf: String,
    #[serde(default)]
    next: String,
}

/// `POST /sign-in`
pub async fn ask<P: Ports + 'static>(
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Result<Response, Refused> {
    let access = &console.access;
    let refuse = |status, problem| form_page(access, &form.next, Some(problem), status);
    if !is_ours(access, &headers, &form.csrf) {
        return refuse(StatusCode::FORBIDDEN, EXPIRED);
    }
    match &access.sign_in {
        SignIn::Password(known) => {
            match access.by_password(known, &form.user, &form.password, WallClock.now()) {
                Err(Refusal::Wrong) => {
                    refuse(StatusCode::UNAUTHORIZED, "User or password are wrong. Try again.")
                }
                Err(Refusal::Paused) => refuse(
                    StatusCode::TOO_MANY_REQUESTS,
                    "Too many wrong passwords. Nobody can sign in for 15 minutes.",
                ),
                Ok(cookie) => Ok(signed_in(access, &cookie, &form.next)),
            }
        }
        SignIn::Mail(users) => {
            let asked = sign_in::ask(console.ports.as_ref(), users, &form.address, next_of(&form.next));
            let (outcome, ()) = tokio::join!(asked, tokio::time::sleep(ANSWER_AFTER));
            // the same answer whatever came of it: only the log knows
            match outcome {
                Ok(asked) => tracing::info!(kind = ?asked, "a sign-in link was asked for"),
                Err(error) => {
                    tracing::error!(error_kind = error.kind(), why = %error, "a sign-in link could not be mailed");
                }
            }
            show(MailedPage { minutes: LINK_LIFETIME.as_mins() }.render())
        }
    }
}

#[derive(Deserialize)]
pub struct LinkParameters {
    #[serde(default)]
    token: String,
}

/// `/sign-in/link`: what a mailed link opens. It changes nothing, since programs open links, too.
pub async fn link<P: Ports + 'static>(
    State(console): State<Console<P>>,
    Query(asked): Query<LinkParameters>,
) -> Result<Response, Refused> {
    let SignIn::Mail(users) = &console.access.sign_in else { return Ok(nowhere().await) };
    match sign_in::look(console.ports.as_ref(), users, &asked.token).await? {
        Link::Good { address, .. } => {
            let csrf = console.access.token_of(BEFORE);
            show(LinkPage { address, token: asked.token, csrf }.render())
        }
        worthless => over(&console.access, &worthless),
    }
}

/// The page about a link that signs in nobody; it offers a new one.
fn over(access: &Access, link: &Link) -> Result<Response, Refused> {
    let problem = match link {
        Link::Used => "This link has been used, and each works once. Ask for a new one.",
        _ => "This link is too old or not complete. Ask for a new one.",
    };
    form_page(access, "", Some(problem), StatusCode::GONE)
}

#[derive(Deserialize)]
pub struct LinkFields {
    token: String,
    csrf: String,
}

/// `POST /sign-in/link`: a person confirms that they want to sign in.
pub async fn confirm<P: Ports + 'static>(
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(form): Form<LinkFields>,
) -> Result<Response, Refused> {
    let access = &console.access;
    let SignIn::Mail(users) = &access.sign_in else { return Ok(nowhere().await) };
    if !is_ours(access, &headers, &form.csrf) {
        return form_page(access, "", Some(EXPIRED), StatusCode::FORBIDDEN);
    }
    match sign_in::redeem(console.ports.as_ref(), users, &form.token).await? {
        Link::Good { address, next } => {
            let cookie = access.session(&address, WallClock.now());
            Ok(signed_in(access, &cookie, &next))
        }
        worthless => over(access, &worthless),
    }
}

#[derive(Deserialize)]
pub struct OutFields {
    csrf: String,
}

/// `POST /sign-out`
pub async fn out<P: Ports + 'static>(
    person: Person,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(form): Form<OutFields>,
) -> Result<Response, Refused> {
    person.check_form(&console.access, &headers, &form.csrf)?;
    Ok(with_cookie(&console.access, "", Redirect::to("/sign-in").into_response()))
}

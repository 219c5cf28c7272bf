//! The handlers: who asks, one question to the app, one page.

use axum::Form;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use jiff::civil::Date;
use parstock_adapters::clock::WallClock;
use parstock_app::connect;
use parstock_app::console::{Console as Questions, Viewer, root_of};
use parstock_app::decide::{Decision, decide};
use parstock_app::error::AppError;
use parstock_app::ports::{Clock, Ports};
use parstock_domain::audit::Hash;
use parstock_domain::ids::{ItemId, OrgId, ProposalId};
use parstock_views::StandingGroup;
use parstock_views::pages::{ErrorPage, LoginPage, PositionQuery, query_value};
use serde::Deserialize;

use crate::Console;
use crate::access::{COOKIE, Refusal};

/// A signed-in person at an org of this stack. Sessions end by the wall clock, whatever time the org's own
/// clock shows. Both are checked here and nowhere else.
pub struct Session {
    org: OrgId,
    cookie: String,
    viewer: Viewer,
}

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

fn error_page(status: StatusCode, what: &str, what_to_do: &str) -> Response {
    let page = ErrorPage { what: what.to_owned(), what_to_do: what_to_do.to_owned() };
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => (status, what.to_owned()).into_response(),
    }
}

fn show<E: std::fmt::Display>(rendered: Result<String, E>) -> Result<Response, Refused> {
    rendered
        .map(|html| Html(html).into_response())
        .map_err(|error| AppError::Bug(format!("a page could not be rendered: {error}")).into())
}

fn cookie_of(headers: &HeaderMap) -> Option<String> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    all.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE).then(|| value.to_owned())
    })
}

/// A form that another site sent carries that site's origin.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, of)| of != host),
        _ => false,
    }
}

#[derive(Deserialize)]
struct OrgPath {
    org: String,
}

async fn org_in(parts: &mut Parts, known: &[OrgId]) -> Result<OrgId, Refused> {
    let path = Path::<OrgPath>::from_request_parts(parts, &()).await;
    let org = path.ok().and_then(|path| path.org.parse().ok()).filter(|org| known.contains(org));
    org.ok_or_else(|| {
        Refused::Failed(
            StatusCode::NOT_FOUND,
            "There is no such organisation here".to_owned(),
            "Begin at the console's first page.".to_owned(),
        )
    })
}

impl<P: Ports + 'static> FromRequestParts<Console<P>> for Session {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, console: &Console<P>) -> Result<Self, Refused> {
        let orgs: Vec<OrgId> =
            connect::orgs(console.ports.as_ref()).await?.into_iter().map(|entry| entry.org).collect();
        let org = org_in(parts, &orgs).await?;
        let now = WallClock.now();
        let cookie = cookie_of(&parts.headers).unwrap_or_default();
        match console.access.user_of(&cookie, now) {
            Some(user) => {
                let csrf = console.access.token_of(&cookie);
                Ok(Self { org, viewer: Viewer { user, csrf }, cookie })
            }
            None => Err(Refused::SignIn(sign_in_first(org, parts))),
        }
    }
}

/// Where a stranger is led: to the login, and from there to the page they asked for. What a form wanted to do
/// is not repeated.
fn sign_in_first(org: OrgId, parts: &Parts) -> String {
    let login = format!("{}/login", root_of(org));
    // the router has taken the org's part off the path
    let asked = format!("{}{}", root_of(org), parts.uri);
    if parts.method == Method::GET && is_page_of(org, &asked) {
        format!("{login}?next={}", query_value(&asked))
    } else {
        login
    }
}

/// Whether a path leads to a page of this org's console and nowhere else.
fn is_page_of(org: OrgId, path: &str) -> bool {
    path.strip_prefix(&root_of(org)).is_some_and(|rest| rest.starts_with('/'))
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !path.contains("..")
        && !path.contains("//")
        && path.len() <= NEXT_BYTES_MAX
}

/// Longest path that signing in leads to, in bytes.
const NEXT_BYTES_MAX: usize = 1_000;

impl Session {
    async fn questions<'p, P: Ports>(&self, console: &'p Console<P>) -> Result<Questions<'p, P>, Refused> {
        Ok(Questions::open(console.ports.as_ref(), self.org, self.viewer.clone()).await?)
    }

    fn to(&self, path: &str) -> Response {
        Redirect::to(&format!("{}{path}", root_of(self.org))).into_response()
    }

    fn check_form<P>(&self, console: &Console<P>, headers: &HeaderMap, token: &str) -> Result<(), Refused> {
        if is_foreign(headers) || !console.access.token_fits(&self.cookie, token) {
            return Err(Refused::Failed(
                StatusCode::FORBIDDEN,
                "The form has expired".to_owned(),
                "Nothing was changed. Load the page again and repeat what you wanted to do.".to_owned(),
            ));
        }
        Ok(())
    }
}

/// `/`: the first org's positions.
pub async fn start<P: Ports + 'static>(State(console): State<Console<P>>) -> Result<Response, Refused> {
    match connect::orgs(console.ports.as_ref()).await?.first() {
        Some(entry) => Ok(Redirect::to(&format!("{}/positions", root_of(entry.org))).into_response()),
        None => Err(AppError::NeedsPerson("No organisation is connected yet".to_owned()).into()),
    }
}

/// What isn't there.
pub async fn nowhere() -> Response {
    error_page(StatusCode::NOT_FOUND, "There is no such page", "Begin at the console's first page.")
}

/// A request that none of the handlers could read.
pub fn unreadable(status: StatusCode) -> Response {
    let what = match status {
        StatusCode::METHOD_NOT_ALLOWED => "This page can't be asked for in this way",
        StatusCode::PAYLOAD_TOO_LARGE => "The form is too large",
        _ => "The address or the form can't be read",
    };
    error_page(
        status,
        what,
        "Nothing was changed. Go back and try again, or begin at the console's first page.",
    )
}

#[derive(Deserialize)]
pub struct PositionParameters {
    #[serde(default)]
    q: String,
    #[serde(default)]
    standing: String,
    #[serde(default)]
    late: String,
    #[serde(default)]
    at: String,
    page: Option<usize>,
}

/// `/positions`
pub async fn positions<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Query(asked): Query<PositionParameters>,
) -> Result<Response, Refused> {
    let page = asked.page.unwrap_or(1).max(1);
    if !asked.at.is_empty() {
        let day = asked.at.parse::<Date>().map_err(|_| {
            Refused::Failed(
                StatusCode::BAD_REQUEST,
                format!("`{}` is not a day such as 2026-06-01", asked.at),
                "Go back and choose a day.".to_owned(),
            )
        })?;
        return show(session.questions(&console).await?.positions_at(day, asked.q, page).await?.render());
    }
    let query = PositionQuery {
        search: asked.q,
        standing: StandingGroup::from_code(&asked.standing),
        late: asked.late == "yes",
        page,
    };
    show(session.questions(&console).await?.positions(query).await?.render())
}

#[derive(Deserialize)]
pub struct ItemPath {
    item: ItemId,
}

/// `/items/{item}`
pub async fn item<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<ItemPath>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.item(path.item).await?.render())
}

/// `/proposals`
pub async fn proposals<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.proposals().await?.render())
}

#[derive(Deserialize)]
pub struct ProposalPath {
    proposal: ProposalId,
}

/// `/proposals/{proposal}`
pub async fn proposal<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<ProposalPath>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.proposal(path.proposal, None).await?.render())
}

#[derive(Deserialize)]
pub struct DecisionForm {
    csrf: String,
    contents: String,
    #[serde(default)]
    reason: String,
}

/// `POST /proposals/{proposal}/approve`
pub async fn approve<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<ProposalPath>,
    headers: HeaderMap,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Refused> {
    decided(&session, &console, path.proposal, &headers, &form, Decision::Approve).await
}

/// `POST /proposals/{proposal}/reject`
pub async fn reject<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<ProposalPath>,
    headers: HeaderMap,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Refused> {
    let decision = Decision::Reject { reason: form.reason.clone() };
    decided(&session, &console, path.proposal, &headers, &form, decision).await
}

async fn decided<P: Ports + 'static>(
    session: &Session,
    console: &Console<P>,
    id: ProposalId,
    headers: &HeaderMap,
    form: &DecisionForm,
    decision: Decision,
) -> Result<Response, Refused> {
    session.check_form(console, headers, &form.csrf)?;
    let shown: Hash =
        form.contents.parse().map_err(|error| AppError::Reject(format!("the form is damaged: {error}")))?;
    let ports = console.ports.as_ref();
    match decide(ports, session.org, id, shown, &session.viewer.user, &decision).await {
        Ok(_) => Ok(session.to(&format!("/proposals/{id}"))),
        Err(AppError::Reject(problem)) => {
            let page = session.questions(console).await?.proposal(id, Some(problem)).await?;
            let mut response = show(page.render())?;
            *response.status_mut() = StatusCode::CONFLICT;
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

/// `/digest`: the latest.
pub async fn latest_digest<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.digest(None).await?.render())
}

#[derive(Deserialize)]
pub struct DigestPath {
    day: Date,
}

/// `/digests/{day}`
pub async fn digest<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<DigestPath>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.digest(Some(path.day)).await?.render())
}

/// `/health`
pub async fn health<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    let queues = (console.gauge)().await;
    show(session.questions(&console).await?.health(queues).await?.render())
}

/// `/reviews`
pub async fn reviews<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.reviews().await?.render())
}

/// `/login`
pub async fn login<P: Ports + 'static>(
    State(console): State<Console<P>>,
    Path(path): Path<OrgPathOf>,
    Query(asked): Query<LoginParameters>,
) -> Result<Response, Refused> {
    show(login_page(&console, path.org, &asked.next, None).render())
}

#[derive(Deserialize)]
pub struct LoginParameters {
    #[serde(default)]
    next: String,
}

/// The org of a page that needs no session.
#[derive(Deserialize)]
pub struct OrgPathOf {
    org: OrgId,
}

/// The page asked for, or the positions when it is none of this org's.
fn next_of(org: OrgId, asked: &str) -> String {
    if is_page_of(org, asked) { asked.to_owned() } else { format!("{}/positions", root_of(org)) }
}

fn login_page<P>(console: &Console<P>, org: OrgId, next: &str, problem: Option<String>) -> LoginPage {
    LoginPage {
        csrf: console.access.token_of("login"),
        next: next_of(org, next),
        root: root_of(org),
        problem,
    }
}

#[derive(Deserialize)]
pub struct LoginForm {
    user: String,
    password: String,
    csrf: String,
    #[serde(default)]
    next: String,
}

/// `POST /login`
pub async fn sign_in<P: Ports + 'static>(
    State(console): State<Console<P>>,
    Path(path): Path<OrgPathOf>,
    headers: HeaderMap,
    Form(form): Form<LoginForm>,
) -> Result<Response, Refused> {
    let refuse = |status: StatusCode, problem: &str| {
        let mut response =
            show(login_page(&console, path.org, &form.next, Some(problem.to_owned())).render())?;
        *response.status_mut() = status;
        Ok(response)
    };
    if is_foreign(&headers) || !console.access.token_fits("login", &form.csrf) {
        return refuse(StatusCode::FORBIDDEN, "The form has expired. Try again.");
    }
    match console.access.sign_in(&form.user, &form.password, WallClock.now()) {
        Err(Refusal::Wrong) => refuse(StatusCode::UNAUTHORIZED, "User or password are wrong. Try again."),
        Err(Refusal::Paused) => refuse(
            StatusCode::TOO_MANY_REQUESTS,
            "Too many wrong passwords. Nobody can sign in for 15 minutes.",
        ),
        Ok(cookie) => {
            let mut response = Redirect::to(&next_of(path.org, &form.next)).into_response();
            set_cookie(&mut response, console.ports.console_url(), &cookie);
            Ok(response)
        }
    }
}

/// `POST /logout`
pub async fn sign_out<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(form): Form<LogoutForm>,
) -> Result<Response, Refused> {
    session.check_form(&console, &headers, &form.csrf)?;
    let mut response = session.to("/login");
    set_cookie(&mut response, console.ports.console_url(), "");
    Ok(response)
}

#[derive(Deserialize)]
pub struct LogoutForm {
    csrf: String,
}

fn set_cookie(response: &mut Response, console_url: &str, value: &str) {
    let secure = if console_url.starts_with("https://") { "; Secure" } else { "" };
    let ends = if value.is_empty() { "; Max-Age=0" } else { "" };
    // Lax, so that a link in a mail finds the session; no GET acts, and every form has its token and origin
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{ends}");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_pages_of_this_console_only() {
        let org: OrgId = "0b1c2d3e-0000-4000-8000-000000000001".parse().unwrap();
        let page = format!("{}/items/0b1c2d3e-0000-4000-8000-000000000002?x=1", root_of(org));
        assert_eq!(next_of(org, &page), page);
        let home = format!("{}/positions", root_of(org));
        let other = root_of("0b1c2d3e-0000-4000-8000-000000000009".parse().unwrap());
        for elsewhere in [
            "",
            "https://elsewhere.example/",
            "//elsewhere.example/",
            "/\\elsewhere.example",
            &root_of(org),
            &format!("{}.elsewhere.example/", root_of(org)),
            &format!("{}/..//elsewhere.example", root_of(org)),
            &format!("{}/\r\nSet-Cookie: a=b", root_of(org)),
            &format!("{}/{}", root_of(org), "x".repeat(NEXT_BYTES_MAX)),
            &format!("{other}/positions"),
        ] {
            assert_eq!(next_of(org, elsewhere), home, "{elsewhere:?}");
        }
    }
}

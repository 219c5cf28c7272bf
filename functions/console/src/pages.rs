//! The handlers of an organisation's pages: one question to the app, one page.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use parstock_app::connect;
use parstock_app::console::{Console as Questions, Viewer, root_of};
use parstock_app::decide::{Decision, decide};
use parstock_app::error::AppError;
use parstock_app::ports::Ports;
use parstock_domain::audit::Hash;
use parstock_domain::cogs::JournalNumber;
use parstock_domain::costing::Method;
use parstock_domain::ids::{ItemId, ProposalId};
use parstock_domain::ledger::View;
use parstock_views::StandingGroup;
use parstock_views::pages::PositionQuery;
use serde::Deserialize;

use crate::Console;
use crate::person::{Person, Session};
use crate::refused::{Refused, conflict, error_page, show};

impl Session {
    pub(crate) async fn questions<'p, P: Ports>(
        &self,
        console: &'p Console<P>,
    ) -> Result<Questions<'p, P>, Refused> {
        let Person { name, csrf, .. } = &self.person;
        let viewer = Viewer { user: name.clone(), csrf: csrf.clone(), connects: console.connects };
        Ok(Questions::open(console.ports.as_ref(), self.org, viewer).await?)
    }

    pub(crate) fn to(&self, path: &str) -> Response {
        Redirect::to(&format!("{}{path}", root_of(self.org))).into_response()
    }
}

/// `/`: the first org's positions, or where it can be connected.
pub async fn start<P: Ports + 'static>(
    _: Person,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    match connect::orgs(console.ports.as_ref()).await?.first() {
        Some(entry) => Ok(Redirect::to(&format!("{}/positions", root_of(entry.org))).into_response()),
        None if console.connects => Ok(Redirect::to("/connections").into_response()),
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

/// The day of a form, if one was chosen.
fn day(text: &str) -> Result<Option<Date>, Refused> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| {
        Refused::Failed(
            StatusCode::BAD_REQUEST,
            format!("`{text}` is not a day such as 2026-06-01"),
            "Go back and choose a day.".to_owned(),
        )
    })
}

/// `/positions`
pub async fn positions<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Query(asked): Query<PositionParameters>,
) -> Result<Response, Refused> {
    let page = asked.page.unwrap_or(1).max(1);
    if let Some(day) = day(&asked.at)? {
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
    pub item: ItemId,
}

#[derive(Deserialize)]
pub struct CardParameters {
    #[serde(default)]
    from: String,
    #[serde(default)]
    at: String,
    #[serde(default)]
    by: String,
    page: Option<usize>,
}

/// `/items/{item}`
pub async fn item<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<ItemPath>,
    Query(asked): Query<CardParameters>,
) -> Result<Response, Refused> {
    let by = (asked.by == Method::Fifo.word()).then_some(Method::Fifo);
    let view = View { from: day(&asked.from)?, at: day(&asked.at)?, known: None, by };
    let page = asked.page.unwrap_or(1).max(1);
    show(session.questions(&console).await?.item(path.item, view, page).await?.render())
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
    session.person.check_form(&console.access, headers, &form.csrf)?;
    let shown: Hash =
        form.contents.parse().map_err(|error| AppError::Reject(format!("the form is damaged: {error}")))?;
    let ports = console.ports.as_ref();
    match decide(ports, session.org, id, shown, &session.person.name, &decision).await {
        Ok(_) => Ok(session.to(&format!("/proposals/{id}"))),
        Err(AppError::Reject(problem)) => {
            let page = session.questions(console).await?.proposal(id, Some(problem)).await?;
            conflict(page.render())
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
pub struct JournalPath {
    number: JournalNumber,
}

#[derive(Deserialize)]
pub struct ClosingPath {
    month: Date,
    number: u32,
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

/// `/proof`: the latest.
pub async fn proof<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.proof().await?.render())
}

/// `/closings`
pub async fn closings<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.closings().await?.render())
}

/// `/closings/{month}/{number}`
pub async fn closing<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<ClosingPath>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.closing(path.month, path.number).await?.render())
}

/// `/journals`
pub async fn journals<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.journals().await?.render())
}

/// `/journals/{number}`
pub async fn journal<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<JournalPath>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.journal(path.number).await?.render())
}

/// `/reviews`
pub async fn reviews<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.reviews().await?.render())
}

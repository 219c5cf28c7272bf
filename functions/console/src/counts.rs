//! The handler of counts.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parstock_app::error::AppError;
use parstock_app::opening;
use parstock_app::ports::Ports;
use parstock_domain::ledger::View;
use parstock_views::pages::EnteredCount;

use crate::Console;
use crate::form::{Fields, field};
use crate::pages::ItemPath;
use crate::person::Session;
use crate::refused::{Refused, conflict};

/// `POST /items/{item}/count`: somebody has counted an item.
pub async fn count<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<ItemPath>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, field(&fields, "csrf"))?;
    let text = |name: &str| field(&fields, name).trim().to_owned();
    let entered =
        EnteredCount { as_of: text("as_of"), quantity: text("quantity"), unit_cost: text("unit_cost") };
    let page = session.questions(&console).await?.item(path.item, View::default(), 1).await?;
    let EnteredCount { as_of, quantity, unit_cost } = &entered;
    let problem = match opening::count(&page.position.code, as_of, quantity, unit_cost) {
        Err(problem) => problem,
        Ok(count) => {
            let (org, who) = (session.org, &session.person.name);
            match opening::import(console.ports.as_ref(), org, who, &[count]).await {
                Ok(Ok(_)) => return Ok(session.to(&format!("/items/{}", path.item))),
                Ok(Err(wrong)) => wrong.into_iter().map(|wrong| wrong.what).collect::<Vec<_>>().join("; "),
                Err(AppError::Reject(problem)) => problem,
                Err(error) => return Err(error.into()),
            }
        }
    };
    conflict(page.refused(entered, problem).render())
}

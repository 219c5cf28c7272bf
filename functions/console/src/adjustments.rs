//! The handlers of adjustments.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parstock_app::adjustments::{self, Asked};
use parstock_app::error::AppError;
use parstock_app::ports::Ports;
use parstock_domain::adjustment::{AdjustmentNumber, ReasonCode};
use parstock_domain::audit::Hash;
use parstock_domain::fixed::{Money, Quantity};
use parstock_views::pages::EnteredAdjustment;
use serde::Deserialize;

use crate::Console;
use crate::form::{Fields, damaged, field};
use crate::person::Session;
use crate::refused::{Refused, conflict, show};

/// `/adjustments`
pub async fn list<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    let page = session.questions(&console).await?.adjustments(EnteredAdjustment::default(), None).await?;
    show(page.render())
}

/// `POST /adjustments`: one item is adjusted.
pub async fn make<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, field(&fields, "csrf"))?;
    let text = |name: &str| field(&fields, name).trim().to_owned();
    let entered = EnteredAdjustment {
        item: text("item"),
        on: text("on"),
        quantity: text("quantity"),
        reason: text("reason"),
        unit_cost: text("unit_cost"),
        note: text("note"),
    };
    let problem = match asked(&entered) {
        Err(problem) => problem,
        Ok(asked) => {
            let (org, who) = (session.org, &session.person.name);
            match adjustments::make(console.ports.as_ref(), org, who, &[asked]).await {
                Ok(Ok(_)) => return Ok(session.to("/adjustments")),
                Ok(Err(wrong)) => wrong.into_iter().map(|wrong| wrong.what).collect::<Vec<_>>().join("; "),
                Err(AppError::Reject(problem)) => problem,
                Err(error) => return Err(error.into()),
            }
        }
    };
    conflict(session.questions(&console).await?.adjustments(entered, Some(problem)).await?.render())
}

/// What a person asks for, or which of the fields is none.
fn asked(entered: &EnteredAdjustment) -> Result<Asked, String> {
    // a minus as it is printed is one, too
    let quantity = entered.quantity.replace('\u{2212}', "-");
    let quantity: Quantity = quantity.parse().map_err(|error| format!("the change: {error}"))?;
    let unit_cost: Option<Money> = match entered.unit_cost.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|error| format!("what one is worth: {error}"))?),
    };
    Ok(Asked {
        line: 1,
        code: entered.item.clone(),
        on: entered.on.parse().map_err(|_| format!("`{}` is not a day such as 2026-11-22", entered.on))?,
        quantity,
        reason: ReasonCode::from_code(&entered.reason).ok_or("choose a reason")?,
        unit_cost,
        note: entered.note.clone(),
    })
}

#[derive(Deserialize)]
pub struct AdjustmentPath {
    number: AdjustmentNumber,
}

/// `POST /adjustments/{number}/approve`
pub async fn approve<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<AdjustmentPath>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, field(&fields, "csrf"))?;
    let number = path.number;
    let shown: Hash = field(&fields, "contents").parse().map_err(|_| damaged())?;
    let (ports, who) = (console.ports.as_ref(), &session.person.name);
    decided(&session, &console, adjustments::approve(ports, session.org, who, number, Some(shown)).await)
        .await
}

/// `POST /adjustments/{number}/reject`
pub async fn reject<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<AdjustmentPath>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, field(&fields, "csrf"))?;
    let number = path.number;
    let (ports, who) = (console.ports.as_ref(), &session.person.name);
    let outcome = adjustments::reject(ports, session.org, who, number, field(&fields, "reason")).await;
    decided(&session, &console, outcome).await
}

/// The list again, with what stood against a decision if something did.
async fn decided<P: Ports>(
    session: &Session,
    console: &Console<P>,
    outcome: Result<(), AppError>,
) -> Result<Response, Refused> {
    match outcome {
        Ok(()) => Ok(session.to("/adjustments")),
        Err(AppError::Reject(problem)) => {
            let questions = session.questions(console).await?;
            let page = questions.adjustments(EnteredAdjustment::default(), Some(problem)).await?;
            conflict(page.render())
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_entered_is_read_or_the_field_is_named() {
        let entered = |quantity: &str, on: &str, reason: &str, unit_cost: &str| EnteredAdjustment {
            item: "BOX".to_owned(),
            on: on.to_owned(),
            quantity: quantity.to_owned(),
            reason: reason.to_owned(),
            unit_cost: unit_cost.to_owned(),
            note: String::new(),
        };
        let read = asked(&entered("\u{2212}2.5", "2026-06-01", "damaged", "")).unwrap();
        assert_eq!((read.quantity, read.reason), (Quantity::from_e4(-25_000), ReasonCode::Damaged));
        for (wrong, says) in [
            (entered("two", "2026-06-01", "damaged", ""), "the change"),
            (entered("-1", "soon", "damaged", ""), "not a day"),
            (entered("-1", "2026-06-01", "", ""), "choose a reason"),
            (entered("1", "2026-06-01", "found", "x"), "is worth"),
        ] {
            let told = asked(&wrong).unwrap_err();
            assert!(told.contains(says), "{told}");
        }
    }
}

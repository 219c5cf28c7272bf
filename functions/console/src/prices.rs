//! The handlers of item prices.

use std::collections::BTreeSet;

use axum::Form;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use parstock_app::error::AppError;
use parstock_app::ports::Ports;
use parstock_app::prices::{Decided, Decision, decide};
use parstock_domain::fixed::Money;
use parstock_domain::ids::ItemId;

use crate::Console;
use crate::form::{Fields, damaged, field};
use crate::person::Session;
use crate::refused::{Refused, conflict, show};

/// `/prices`
pub async fn list<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.prices(None).await?.render())
}

/// `POST /prices`: a decision on the prices that are chosen.
pub async fn decided<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, field(&fields, "csrf"))?;
    let decision = match field(&fields, "decision") {
        "approve" => Decision::Approve,
        "reject" => Decision::Reject,
        _ => return Err(damaged().into()),
    };
    let shown = fields.iter().filter(|(name, _)| name == "price").map(|(_, key)| shown(key));
    let shown: Vec<(ItemId, Money)> = shown.collect::<Result<_, _>>()?;
    match decide(console.ports.as_ref(), session.org, &session.person.name, &shown, decision).await {
        Ok(Decided { left, .. }) if left.is_empty() => Ok(session.to("/prices")),
        Ok(Decided { taken, left }) => {
            let problem = format!(
                "{taken} of {} were decided; the others changed or were decided since they were shown. Look at those that are chosen again.",
                taken + left.len()
            );
            again(&session, &console, problem, left.into_iter().collect()).await
        }
        Err(AppError::Reject(problem)) => {
            again(&session, &console, problem, shown.into_iter().map(|(item, _)| item).collect()).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The page with what stood against a decision; chosen are those that it did not take.
async fn again<P: Ports>(
    session: &Session,
    console: &Console<P>,
    problem: String,
    chosen: BTreeSet<ItemId>,
) -> Result<Response, Refused> {
    let page = session.questions(console).await?.prices(Some((problem, chosen))).await?;
    conflict(page.render())
}

/// The price that [`parstock_views::pages::price_key`] names.
fn shown(key: &str) -> Result<(ItemId, Money), AppError> {
    let (item, to) = key.split_once(':').ok_or_else(damaged)?;
    Ok((item.parse().map_err(|_| damaged())?, to.parse().map_err(|_| damaged())?))
}

#[cfg(test)]
mod tests {
    use parstock_views::pages::price_key;

    use super::*;

    #[test]
    fn a_price_is_known_by_what_the_page_calls_it() {
        let item: ItemId = "0b1c2d3e-0000-4000-8000-000000000001".parse().unwrap();
        let to: Money = "12.3456".parse().unwrap();
        assert_eq!(shown(&price_key(item, to)).unwrap(), (item, to));
        for bad in
            ["", "x:1", "0b1c2d3e-0000-4000-8000-000000000001", "0b1c2d3e-0000-4000-8000-000000000001:x"]
        {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }
}

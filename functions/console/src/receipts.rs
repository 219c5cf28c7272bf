//! The handlers of goods receipts.

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parstock_app::error::AppError;
use parstock_app::ports::Ports;
use parstock_app::receiving::{self, Decision};
use parstock_domain::audit::Hash;
use parstock_domain::fixed::Quantity;
use parstock_domain::goods_receipt::{ReceiptNumber, Request, name, number_of};
use parstock_domain::ids::{DocumentId, LineId};
use parstock_views::pages::ReceiptFields;
use serde::Deserialize;

use crate::Console;
use crate::form::{Fields, damaged, field};
use crate::person::Session;
use crate::refused::{Refused, conflict, show};

/// `/receipts`
pub async fn all<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.receipts().await?.render())
}

#[derive(Deserialize)]
pub struct FormParameters {
    order: String,
}

/// `/receipts/new`: the form of an order.
pub async fn form<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Query(asked): Query<FormParameters>,
) -> Result<Response, Refused> {
    let order = order(&asked.order)?;
    show(session.questions(&console).await?.receipt_form(order, None, None).await?.render())
}

/// `POST /receipts`: what came in of an order.
pub async fn make<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, field(&fields, "csrf"))?;
    let order = order(field(&fields, "order"))?;
    let shown: Hash = field(&fields, "contents").parse().map_err(|_| damaged())?;
    let entered = entered(&fields);
    let (ports, who) = (console.ports.as_ref(), &session.person.name);
    let made = match request(order, &entered) {
        Ok(request) => receiving::make(ports, session.org, who, &request, Some(shown)).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(receipt) => Ok(session.to(&format!("/receipts/{}", name(receipt.number)))),
        Err(AppError::Reject(problem)) => {
            let questions = session.questions(&console).await?;
            conflict(questions.receipt_form(order, Some(entered), Some(problem)).await?.render())
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub struct ReceiptPath {
    name: String,
}

impl ReceiptPath {
    fn number(&self) -> Result<ReceiptNumber, AppError> {
        number_of(&self.name).ok_or_else(|| AppError::Reject("there is no such goods receipt".to_owned()))
    }
}

/// `/receipts/{name}`
pub async fn receipt<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<ReceiptPath>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.receipt(path.number()?, None).await?.render())
}

#[derive(Deserialize)]
pub struct DecisionForm {
    csrf: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    reason: String,
}

/// `POST /receipts/{name}/decide`
pub async fn decide<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Path(path): Path<ReceiptPath>,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, &form.csrf)?;
    let number = path.number()?;
    let decision = match form.decision.as_str() {
        "take-in" => Decision::TakeIn,
        "reject" => Decision::Reject { reason: form.reason },
        _ => return Err(damaged().into()),
    };
    let (ports, who) = (console.ports.as_ref(), &session.person.name);
    let done = receiving::decide(ports, session.org, who, number, &decision).await;
    after(&session, &console, number, done).await
}

/// `POST /receipts/{name}/take-back`
pub async fn take_back<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Path(path): Path<ReceiptPath>,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, &form.csrf)?;
    let number = path.number()?;
    let (ports, who) = (console.ports.as_ref(), &session.person.name);
    let done = receiving::take_back(ports, session.org, who, number, &form.reason).await;
    after(&session, &console, number, done).await
}

/// The receipt, with what stood against a decision if something did.
async fn after<P: Ports>(
    session: &Session,
    console: &Console<P>,
    number: ReceiptNumber,
    done: Result<(), AppError>,
) -> Result<Response, Refused> {
    match done {
        Ok(()) => Ok(session.to(&format!("/receipts/{}", name(number)))),
        Err(AppError::Reject(problem)) => {
            conflict(session.questions(console).await?.receipt(number, Some(problem)).await?.render())
        }
        Err(error) => Err(error.into()),
    }
}

fn order(text: &str) -> Result<DocumentId, AppError> {
    text.parse().map_err(|_| AppError::Reject("there is no such order".to_owned()))
}

/// What was entered, as it was.
fn entered(fields: &Fields) -> ReceiptFields {
    let quantity = |(name, value): &(String, String)| {
        let line: LineId = name.strip_prefix("quantity-")?.parse().ok()?;
        Some((line, value.trim().to_owned()))
    };
    ReceiptFields {
        quantities: fields.iter().filter_map(quantity).collect(),
        on: field(fields, "on").to_owned(),
        slip: field(fields, "slip").trim().to_owned(),
        billed: field(fields, "billed") == "yes",
        ends: field(fields, "ends") == "yes",
    }
}

/// What that asks for. A line that is empty or zero did not come.
fn request(order: DocumentId, entered: &ReceiptFields) -> Result<Request, AppError> {
    let on = entered.on.parse();
    let on = on.map_err(|_| AppError::Reject("say on which day it came, such as 2026-11-30".to_owned()))?;
    let mut quantities = Vec::new();
    for (line, text) in entered.quantities.iter().filter(|(_, text)| !text.is_empty()) {
        let quantity: Quantity = text
            .parse()
            .map_err(|error| AppError::Reject(format!("`{text}` is not how much came in: {error}")))?;
        if !quantity.is_zero() {
            quantities.push((*line, quantity));
        }
    }
    Ok(Request {
        order,
        on,
        slip: entered.slip.clone(),
        quantities,
        billed: entered.billed,
        ends: entered.ends,
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_entered_is_what_is_asked_for() {
        let line = |n| LineId(Uuid::from_u128(n));
        let fields: Fields = [
            ("quantity-00000000-0000-0000-0000-000000000001", " 2.5 "),
            ("quantity-00000000-0000-0000-0000-000000000002", ""),
            ("quantity-00000000-0000-0000-0000-000000000003", "0"),
            ("quantity-x", "7"),
            ("on", "2026-06-01"),
            ("ends", "yes"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let mut entered = entered(&fields);
        let order = DocumentId(Uuid::nil());
        let asked = request(order, &entered).unwrap();
        assert_eq!((asked.quantities, asked.ends), (vec![(line(1), "2.5".parse().unwrap())], true));
        entered.quantities.insert(line(2), "two".to_owned());
        assert!(matches!(request(order, &entered), Err(AppError::Reject(why)) if why.contains("`two`")));
        entered.on.clear();
        assert!(request(order, &entered).is_err());
    }
}

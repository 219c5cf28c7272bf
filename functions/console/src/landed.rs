//! The handlers of landed cost: its pages, and the form of a voucher.

use std::str::FromStr;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use parstock_app::console::Console as Questions;
use parstock_app::error::AppError;
use parstock_app::landed;
use parstock_app::ports::Ports;
use parstock_domain::audit::Hash;
use parstock_domain::document::{DocumentKind, DocumentRef};
use parstock_domain::fixed::FixedError;
use parstock_domain::ids::LineId;
use parstock_domain::landed::{Basis, Request, RequestedCharge, RequestedReceipt, VoucherNumber};
use parstock_views::pages::Entered;
use serde::Deserialize;

use crate::Console;
use crate::form::{Fields, field};
use crate::person::Session;
use crate::refused::{Refused, conflict, show};

/// `/landed`
pub async fn all<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.landed().await?.render())
}

#[derive(Deserialize)]
pub struct FormParameters {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    bill: String,
    #[serde(default)]
    basis: String,
    #[serde(default)]
    days: String,
    #[serde(default)]
    q: String,
}

/// `/landed/new`: the form of a bill, or which bill.
pub async fn form<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Query(asked): Query<FormParameters>,
) -> Result<Response, Refused> {
    let questions = session.questions(&console).await?;
    if asked.bill.is_empty() {
        return show(questions.landed_choice().await?.render());
    }
    let of = bill(&asked.kind, &asked.bill)?;
    let basis = basis(&asked.basis).unwrap_or(Basis::Value);
    show(questions.landed_form(of, basis, (days(&asked.days), asked.q), None, None).await?.render())
}

/// `POST /landed/preview`: what a voucher would do.
pub async fn preview<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, field(&fields, "csrf"))?;
    let entered = Entered::of(fields);
    let questions = session.questions(&console).await?;
    let shown = match request(&entered) {
        Ok(request) => questions.landed_preview(&request, entered.clone()).await,
        Err(error) => Err(error),
    };
    match shown {
        Ok(page) => show(page.render()),
        Err(AppError::Reject(problem)) => again(&questions, entered, problem).await,
        Err(error) => Err(error.into()),
    }
}

/// `POST /landed`: makes a voucher as the preview showed it.
pub async fn make<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, field(&fields, "csrf"))?;
    let shown: Hash = field(&fields, "contents").parse().map_err(damaged)?;
    let entered = Entered::of(fields);
    let (ports, who) = (console.ports.as_ref(), &session.person.name);
    let made = match request(&entered) {
        Ok(request) => landed::make(ports, session.org, who, &request, Some(shown)).await,
        Err(error) => Err(error),
    };
    match made {
        Ok(number) => Ok(session.to(&format!("/landed/{number}"))),
        Err(AppError::Reject(problem)) => again(&session.questions(&console).await?, entered, problem).await,
        Err(error) => Err(error.into()),
    }
}

/// The form with what was entered and what is wrong with it.
async fn again<P: Ports>(
    questions: &Questions<'_, P>,
    entered: Entered,
    problem: String,
) -> Result<Response, Refused> {
    let of = bill(entered.text("kind"), entered.text("bill"))?;
    let basis = basis(entered.text("basis")).unwrap_or(Basis::Value);
    let goods = (days(entered.text("days")), entered.text("q").to_owned());
    conflict(questions.landed_form(of, basis, goods, Some(entered), Some(problem)).await?.render())
}

/// A form about one bill.
#[derive(Deserialize)]
pub struct BillForm {
    csrf: String,
    kind: String,
    bill: String,
}

/// `POST /landed/leave`: a bill is no freight of goods.
pub async fn leave<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(form): Form<BillForm>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, &form.csrf)?;
    let of = bill(&form.kind, &form.bill)?;
    landed::leave(console.ports.as_ref(), session.org, &session.person.name, of).await?;
    Ok(session.to("/landed"))
}

/// `POST /landed/papers`: the papers of a bill are read.
pub async fn papers<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    headers: HeaderMap,
    Form(form): Form<BillForm>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, &form.csrf)?;
    let of = bill(&form.kind, &form.bill)?;
    landed::read_papers(console.ports.as_ref(), session.org, &session.person.name, of).await?;
    Ok(session.to(&format!("/landed/new?kind={}&bill={}", of.kind.code(), of.id)))
}

#[derive(Deserialize)]
pub struct VoucherPath {
    number: VoucherNumber,
}

/// `/landed/{number}`
pub async fn voucher<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<VoucherPath>,
) -> Result<Response, Refused> {
    show(session.questions(&console).await?.voucher(path.number, None).await?.render())
}

#[derive(Deserialize)]
pub struct TakeBackForm {
    csrf: String,
    #[serde(default)]
    reason: String,
}

/// `POST /landed/{number}/take-back`
pub async fn take_back<P: Ports + 'static>(
    session: Session,
    State(console): State<Console<P>>,
    Path(path): Path<VoucherPath>,
    headers: HeaderMap,
    Form(form): Form<TakeBackForm>,
) -> Result<Response, Refused> {
    session.person.check_form(&console.access, &headers, &form.csrf)?;
    let (ports, who) = (console.ports.as_ref(), &session.person.name);
    match landed::take_back(ports, session.org, who, path.number, &form.reason).await {
        Ok(()) => Ok(session.to(&format!("/landed/{}", path.number))),
        Err(AppError::Reject(problem)) => {
            conflict(session.questions(&console).await?.voucher(path.number, Some(problem)).await?.render())
        }
        Err(error) => Err(error.into()),
    }
}

fn damaged(what: impl std::fmt::Display) -> AppError {
    AppError::Reject(format!("the form is damaged: {what}"))
}

fn days(text: &str) -> i64 {
    text.parse().unwrap_or(landed::FREIGHT_AFTER_GOODS_DAYS)
}

fn basis(code: &str) -> Option<Basis> {
    Basis::ALL.into_iter().find(|basis| basis.code() == code)
}

/// The bill that a form is about.
fn bill(kind: &str, id: &str) -> Result<DocumentRef, AppError> {
    let kind = DocumentKind::from_code(kind).ok_or_else(|| damaged("it names no bill"))?;
    Ok(DocumentRef { kind, id: id.parse().map_err(damaged)? })
}

/// The line that [`parstock_views::pages::receipt_key`] names.
fn receipt(key: &str) -> Result<(DocumentRef, LineId), AppError> {
    let mut parts = key.split(':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(kind), Some(id), Some(line), None) => Ok((bill(kind, id)?, line.parse().map_err(damaged)?)),
        _ => Err(damaged("it names no line of a bill")),
    }
}

/// A number that may be left out.
fn number<T: FromStr<Err = FixedError>>(text: &str) -> Result<Option<T>, AppError> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error: FixedError| AppError::Reject(error.to_string()))
}

/// What a person asks for by what they entered. What stands beside a box that is not checked, or belongs to another basis, says
/// nothing.
fn request(entered: &Entered) -> Result<Request, AppError> {
    let of = bill(entered.text("kind"), entered.text("bill"))?;
    let basis = basis(entered.text("basis")).ok_or_else(|| {
        AppError::Reject("say how it is spread: by value, quantity, weight or hand".to_owned())
    })?;
    let on = match entered.text("on") {
        "" => None,
        day => Some(
            day.parse().map_err(|_| AppError::Reject(format!("`{day}` is not a day such as 2026-06-01")))?,
        ),
    };
    let mut charges = Vec::with_capacity(entered.charges.len());
    for line in &entered.charges {
        let amount = number(entered.text(&format!("amount-{line}")))?;
        charges.push(RequestedCharge { of, line: line.parse().map_err(damaged)?, amount });
    }
    let mut receipts = Vec::with_capacity(entered.receipts.len());
    for key in &entered.receipts {
        let (of, line) = receipt(key)?;
        let of_basis = |wanted, field: &str| match basis == wanted {
            true => entered.text(&format!("{field}-{key}")),
            false => "",
        };
        let (weight, amount) = (of_basis(Basis::Weight, "weight"), of_basis(Basis::Hand, "take"));
        receipts.push(RequestedReceipt { of, line, weight: number(weight)?, amount: number(amount)? });
    }
    Ok(Request { basis, on, charges, receipts })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use parstock_domain::ids::DocumentId;
    use parstock_views::pages::receipt_key;

    use super::*;

    const BILL: &str = "0b1c2d3e-0000-4000-8000-000000000001";
    const LINE: &str = "0b1c2d3e-0000-4000-8000-000000000002";

    fn of(kind: DocumentKind) -> DocumentRef {
        DocumentRef { kind, id: DocumentId(BILL.parse().unwrap()) }
    }

    fn key(line: &str) -> String {
        receipt_key(of(DocumentKind::SpendMoney), line.parse().unwrap())
    }

    /// The form with one charge and two receipts, and more fields.
    fn entered(more: &[(&str, &str)]) -> Entered {
        let (amount, first, second) = (format!("amount-{LINE}"), key(LINE), key(BILL));
        let weight = format!("weight-{second}");
        let mut fields = vec![
            ("csrf", "c5f1a0"),
            ("kind", "bill"),
            ("bill", BILL),
            ("days", "60"),
            ("charge", LINE),
            (amount.as_str(), "12.50"),
            ("receipt", first.as_str()),
            ("receipt", second.as_str()),
            (weight.as_str(), "0.5"),
            ("weight-x", "no number beside a box that is not checked"),
        ];
        fields.extend(more);
        Entered::of(fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn refused(more: &[(&str, &str)]) -> String {
        request(&entered(more)).unwrap_err().to_string()
    }

    #[test]
    fn a_form_says_what_is_spread_over_what() {
        let asked = request(&entered(&[("basis", "weight"), ("on", "2026-06-20")])).unwrap();
        assert_eq!((asked.basis, asked.on), (Basis::Weight, Some(date(2026, 6, 20))));
        let [charge] = asked.charges.as_slice() else { panic!("{asked:?}") };
        assert_eq!((charge.of, charge.line), (of(DocumentKind::Bill), LINE.parse().unwrap()));
        assert_eq!(charge.amount, Some("12.5".parse().unwrap()));
        let [first, second] = asked.receipts.as_slice() else { panic!("{asked:?}") };
        assert_eq!((first.of, first.line), (of(DocumentKind::SpendMoney), LINE.parse().unwrap()));
        assert_eq!((first.weight, first.amount), (None, None));
        assert_eq!((second.line, second.weight), (BILL.parse().unwrap(), Some("0.5".parse().unwrap())));
    }

    #[test]
    fn what_belongs_to_another_basis_says_nothing() {
        let take = format!("take-{}", key(LINE));
        let asked = request(&entered(&[("basis", "value"), (&take, "7,5")])).unwrap();
        assert!(asked.receipts.iter().all(|receipt| receipt.weight.is_none() && receipt.amount.is_none()));
        assert_eq!(asked.on, None);
        assert!(refused(&[("basis", "hand"), (&take, "7,5")]).contains("`7,5` is not a decimal number"));
        let asked = request(&entered(&[("basis", "hand"), (&take, "7.5")])).unwrap();
        assert_eq!(asked.receipts.first().and_then(|first| first.amount), Some("7.5".parse().unwrap()));
    }

    #[test]
    fn a_form_that_says_too_little_or_is_damaged_is_refused() {
        assert!(refused(&[]).contains("say how it is spread"));
        assert!(refused(&[("basis", "value"), ("on", "20/6")]).contains("`20/6` is not a day"));
        assert!(refused(&[("basis", "value"), ("bill", "x")]).contains("damaged"));
        assert!(refused(&[("basis", "value"), ("kind", "letter")]).contains("it names no bill"));
        assert!(refused(&[("basis", "value"), ("charge", "x")]).contains("damaged"));
        for bad in
            ["", "bill", &format!("bill:{BILL}"), &format!("bill:{BILL}:{LINE}:1"), &format!("bill:{BILL}:x")]
        {
            assert!(refused(&[("basis", "value"), ("receipt", bad)]).contains("damaged"), "{bad}");
        }
    }
}

//! A small company to try facts on, and a client without comfort.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use base64::Engine;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp, civil::date};
use parstock_xero_sim::act::{
    Account, Act, Changes, Contact, DocumentKind, DocumentName, E4, Item, Line, LineAmountTypes, NewDocument,
    Organisation, Status, TaxRate, Tracking,
};
use parstock_xero_sim::{Happening, Settings, SimClock, Switches, World, XeroError, router};
use serde_json::value::RawValue;
use tower::ServiceExt;

pub const SEED: u64 = 11;
pub const KINDS_WITH_WEBHOOK: [DocumentKind; 4] =
    [DocumentKind::Invoice, DocumentKind::Bill, DocumentKind::SalesCredit, DocumentKind::SupplierCredit];

pub fn e4(text: &str) -> E4 {
    E4::parse(text).unwrap()
}

pub fn start() -> Timestamp {
    "2026-03-02T01:00:00.250Z".parse().unwrap()
}

/// A clock that tests set.
pub struct TestClock(pub Mutex<Timestamp>);

impl SimClock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A world with its API and a clock.
pub struct Company {
    pub world: Arc<Mutex<World>>,
    pub clock: Arc<TestClock>,
    pub router: axum::Router,
    pub token: String,
}

pub fn organisation() -> Organisation {
    Organisation {
        name: "Corner Shop".into(),
        time_zone: "AUSEASTERNSTANDARDTIME".into(),
        base_currency: "AUD".into(),
        country: "AU".into(),
        period_lock_date: Some(date(2025, 6, 30)),
        end_of_year_lock_date: None,
        tax_rates: vec![TaxRate { tax_type: "OUTPUT".into(), percent: E4::whole(10) }],
    }
}

pub fn master_data() -> Vec<Act> {
    let account = |code: &str, account_type: &str| {
        Act::UpsertAccount(Account {
            code: code.into(),
            name: format!("Account {code}"),
            account_type: account_type.into(),
            system_account: None,
        })
    };
    let contact = |name: &str, number: &str| {
        Act::UpsertContact(Contact {
            name: name.into(),
            contact_number: Some(number.into()),
            email: None,
            is_supplier: true,
            is_customer: true,
        })
    };
    vec![
        Act::SetUpOrganisation(organisation()),
        account("200", "SALES"),
        account("310", "DIRECTCOSTS"),
        account("401", "EXPENSE"),
        account("630", "INVENTORY"),
        contact("Mill & Sons", "S-1"),
        contact("Jane", "C-1"),
        Act::UpsertItem(item("TEA", true)),
        Act::UpsertItem(item("CUP", true)),
        Act::UpsertItem(item("BAG", false)),
    ]
}

pub fn item(code: &str, tracked: bool) -> Item {
    Item {
        code: code.into(),
        name: format!("Item {code}"),
        description: format!("The {code}"),
        tracking: if tracked {
            Tracking::Tracked { asset_account: "630".into(), cogs_account: "310".into() }
        } else {
            Tracking::Untracked { purchase_account: "310".into() }
        },
        purchase_price: e4("1.2345"),
        sales_price: e4("2.5"),
        sales_account: "200".into(),
    }
}

pub fn line(item: &str, quantity: &str, price: &str) -> Line {
    Line { item_code: Some(item.into()), quantity: e4(quantity), unit_amount: e4(price), ..Line::default() }
}

pub fn text_line(description: &str, quantity: &str, price: &str, account: &str) -> Line {
    Line {
        description: description.into(),
        quantity: e4(quantity),
        unit_amount: e4(price),
        account_code: Some(account.into()),
        ..Line::default()
    }
}

pub fn document(kind: DocumentKind, number: &str, status: Status, lines: Vec<Line>) -> NewDocument {
    NewDocument {
        kind,
        number: number.into(),
        reference: String::new(),
        contact: "Mill & Sons".into(),
        date: date(2026, 3, 2),
        due: None,
        expected_arrival: None,
        status,
        amounts: LineAmountTypes::Exclusive,
        currency: None,
        lines,
    }
}

pub fn edit(kind: DocumentKind, number: &str, changes: Changes) -> Act {
    Act::EditDocument { document: DocumentName { kind, number: number.into() }, changes }
}

/// The messages of a refusal.
pub fn messages(result: Result<Vec<Happening>, XeroError>) -> Vec<String> {
    match result {
        Err(XeroError::Refused(messages)) => messages,
        other => panic!("not refused: {other:?}"),
    }
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The elements of the answer's list, each as the raw text it was sent as.
    pub fn raw(&self, list: &str) -> Vec<String> {
        let all: std::collections::BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(&self.body).unwrap();
        let elements: Vec<Box<RawValue>> = serde_json::from_str(all[list].get()).unwrap();
        elements.into_iter().map(|element| element.get().to_owned()).collect()
    }

    pub fn list(&self, name: &str) -> Vec<serde_json::Value> {
        assert_eq!(self.status, 200, "{}", self.body);
        self.json()[name].as_array().unwrap().clone()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Company {
    pub async fn new() -> Company {
        Company::with(Settings::development(SEED)).await
    }

    pub async fn with_switches(switches: Switches) -> Company {
        Company::with(Settings { switches, ..Settings::development(SEED) }).await
    }

    pub async fn with(settings: Settings) -> Company {
        Company::on(World::open(None, SEED, settings).unwrap()).await
    }

    /// A company in a world, set up if the world is empty.
    pub async fn on(mut world: World) -> Company {
        if world.tenant_id().is_none() {
            for act in master_data() {
                world.apply(start(), &act).unwrap();
            }
        }
        let world = Arc::new(Mutex::new(world));
        let clock = Arc::new(TestClock(Mutex::new(start())));
        let router = router(Arc::clone(&world), Arc::clone(&clock) as Arc<dyn SimClock>);
        let mut company = Company { world, clock, router, token: String::new() };
        company.sign_in().await;
        company
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn pass(&self, span: SignedDuration) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.checked_add(span).unwrap();
    }

    pub fn pass_seconds(&self, seconds: i64) {
        self.pass(SignedDuration::from_secs(seconds));
    }

    pub fn apply(&self, act: Act) -> Result<Vec<Happening>, XeroError> {
        self.world.lock().unwrap().apply(self.now(), &act)
    }

    pub fn write(
        &self,
        kind: DocumentKind,
        number: &str,
        status: Status,
        lines: Vec<Line>,
    ) -> Result<Vec<Happening>, XeroError> {
        self.apply(Act::CreateDocument(document(kind, number, status, lines)))
    }

    pub fn set(&self, kind: DocumentKind, number: &str, status: Status) -> Result<Vec<Happening>, XeroError> {
        self.apply(Act::set_status(kind, number, status))
    }

    /// Quantity on hand and cost pool.
    pub fn stock(&self, item: &str) -> (E4, E4) {
        let stock = self.world.lock().unwrap().stock(item).unwrap();
        (stock.on_hand, stock.cost_pool)
    }

    pub fn status(&self, kind: DocumentKind, number: &str) -> Status {
        self.world.lock().unwrap().document(kind, number).unwrap().status
    }

    pub fn id(&self, kind: DocumentKind, number: &str) -> String {
        self.world.lock().unwrap().document(kind, number).unwrap().id.to_string()
    }

    pub fn basic(&self) -> String {
        let world = self.world.lock().unwrap();
        let pair = format!("{}:{}", world.settings().client_id, world.settings().client_secret);
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    }

    pub async fn sign_in(&mut self) {
        let answer = self.ask_token(&self.basic(), "grant_type=client_credentials").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        self.token = answer.json()["access_token"].as_str().unwrap().to_owned();
    }

    pub async fn ask_token(&self, authorization: &str, form: &str) -> Answer {
        let request = Request::post("/connect/token")
            .header("authorization", authorization)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.send(request).await.unwrap()
    }

    /// Sends a request; `Err` if the connection breaks before the answer is whole.
    pub async fn send(&self, request: Request<Body>) -> Result<Answer, String> {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let body = String::from_utf8(bytes.to_vec()).unwrap();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api.xro/2.0/{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("accept", "application/json");
        let says_what_it_sends = headers.iter().any(|(name, _)| *name == "content-type");
        if !body.is_empty() && !says_what_it_sends {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::from(body.to_owned())).unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request("GET", path, &[], "")).await.unwrap()
    }

    pub async fn get_since(&self, path: &str, since: &str) -> Answer {
        self.send(self.request("GET", path, &[("If-Modified-Since", since)], "")).await.unwrap()
    }

    pub async fn put(&self, path: &str, body: &str) -> Answer {
        self.send(self.request("PUT", path, &[], body)).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(self.request("POST", path, &[], body)).await.unwrap()
    }

    pub async fn put_with_key(&self, path: &str, key: &str, body: &str) -> Result<Answer, String> {
        self.send(self.request("PUT", path, &[("Idempotency-Key", key)], body)).await
    }

    /// JSON of a purchase order to the supplier.
    pub fn order_json(&self, number: &str, extra: &str) -> String {
        let contact = self.world.lock().unwrap().contact_id("Mill & Sons").unwrap();
        format!(
            r#"{{"PurchaseOrders":[{{"PurchaseOrderNumber":"{number}","Contact":{{"ContactID":"{contact}"}},"Date":"2026-03-02",{extra}
            "LineItems":[{{"ItemCode":"TEA","Quantity":12,"UnitAmount":1.2345}}]}}]}}"#
        )
    }
}

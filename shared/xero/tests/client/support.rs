//! A scripted Xero on this machine, and what a test needs around it.

use std::{
    collections::BTreeMap,
    io::Write as _,
    sync::{Arc, LazyLock, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use parstock_xero::{Client, Clock, MemoryBudget, MemoryTokenStore, XeroConfig, http_client};
use secrecy::SecretString;

pub const SECRET: &str = "canary-client-secret";
pub const TOKEN: &str = "canary-access-token";

/// One for all tests, since loading the machine's certificates takes long. Each test has a server of its own, so they
/// share no connection.
pub static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| http_client(&["http://127.0.0.1"]).unwrap());

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

type Script = dyn Fn(&Seen, usize) -> Response + Send + Sync;

/// The server: what it saw, and what it answers.
pub struct Fake {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[derive(Clone)]
struct Shared {
    seen: Arc<Mutex<Vec<Seen>>>,
    script: Arc<Script>,
}

impl Fake {
    /// Answers the token endpoint with [`TOKEN`] and everything else by `script`, which gets the number of calls before.
    pub async fn start(script: impl Fn(&Seen, usize) -> Response + Send + Sync + 'static) -> Self {
        Self::start_with_identity(script, |_| token_answer(TOKEN)).await
    }

    pub async fn start_with_identity(
        script: impl Fn(&Seen, usize) -> Response + Send + Sync + 'static,
        identity: impl Fn(usize) -> Response + Send + Sync + 'static,
    ) -> Self {
        let tokens = Mutex::new(0);
        let script = move |seen: &Seen, before: usize| {
            if seen.path == "/connect/token" {
                let mut tokens = tokens.lock().unwrap();
                *tokens += 1;
                identity(*tokens)
            } else {
                script(seen, before)
            }
        };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Shared { seen: seen.clone(), script: Arc::new(script) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(handle).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, seen }
    }

    pub fn config(&self) -> XeroConfig {
        XeroConfig::new("client-id", SecretString::from(SECRET))
            .unwrap()
            .with_api_url(&format!("{}/api.xro/2.0", self.url))
            .unwrap()
            .with_identity_url(&self.url)
            .unwrap()
            .with_scopes(["accounting.invoices", "accounting.settings"])
    }

    pub fn client(&self) -> TestClient {
        self.client_sharing(Arc::default(), Arc::default(), Arc::default())
    }

    pub fn client_sharing(
        &self,
        tokens: Arc<MemoryTokenStore>,
        budget: Arc<MemoryBudget>,
        clock: Arc<TestClock>,
    ) -> TestClient {
        Client::new(self.config(), HTTP.clone(), tokens, budget, clock)
    }

    /// The calls of the API, without those for a token.
    pub fn calls(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path != "/connect/token").cloned().collect()
    }

    pub fn token_calls(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path == "/connect/token").cloned().collect()
    }
}

pub type TestClient = Client<Arc<MemoryTokenStore>, Arc<MemoryBudget>, Arc<TestClock>>;

async fn handle(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let headers = parts.headers.iter();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: query(parts.uri.query().unwrap_or_default()),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    if seen.path != "/connect/token" {
        record(&seen, parts.uri.query().unwrap_or_default());
    }
    let before = {
        let mut all = shared.seen.lock().unwrap();
        all.push(seen.clone());
        all.iter().filter(|one| one.path != "/connect/token").count().saturating_sub(1)
    };
    (shared.script)(&seen, before)
}

/// Keeps a request for the check against Xero's specification (`tests/spec`), as the simulated Xero does.
#[expect(
    clippy::disallowed_methods,
    reason = "only the test run of the specification sets it, for all processes"
)]
fn record(seen: &Seen, query: &str) {
    let Ok(folder) = std::env::var("XERO_SIM_EXCHANGES") else { return };
    let mut headers = seen.headers.clone();
    headers.remove("authorization");
    let line = serde_json::json!({
        "method": seen.method, "path": seen.path, "query": query, "headers": headers, "body": seen.body, "answer": null,
    });
    let path = std::path::Path::new(&folder).join(format!("client-{}.jsonl", std::process::id()));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    // one write, so that lines of tests at the same time don't mix
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn query(text: &str) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{text}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Body::from(body.to_owned())).unwrap()
}

/// An answer of which only the beginning arrives.
pub fn broken_off() -> Response {
    let cut = Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted));
    let pieces = Body::from_stream(futures::stream::iter([Ok("{"), cut]));
    Response::builder().header("content-length", "500").body(pieces).unwrap()
}

pub fn ok(body: &str) -> Response {
    answer(200, &[("content-type", "application/json")], body)
}

pub fn token_answer(token: &str) -> Response {
    ok(&format!(
        r#"{{"access_token":"{token}","expires_in":1800,"token_type":"Bearer","scope":"accounting.invoices"}}"#
    ))
}

pub const ORGANISATION: &str = r#"{"Id":"e1","Status":"OK","Organisations":[
    {"OrganisationID":"b2c885a9-4bb9-4a00-9b6e-6c2bf60b1a2b","Name":"Kettle & Co","BaseCurrency":"NZD",
     "Timezone":"NEWZEALANDSTANDARDTIME","IsDemoCompany":true,"PeriodLockDate":"/Date(1419937200000+0000)/"}]}"#;

/// A clock that moves when told to.
#[derive(Debug)]
pub struct TestClock(Mutex<Timestamp>);

impl Default for TestClock {
    fn default() -> Self {
        Self(Mutex::new("2026-03-01T00:00:00Z".parse().unwrap()))
    }
}

impl TestClock {
    pub fn pass(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_secs(seconds);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

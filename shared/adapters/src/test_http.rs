//! For tests: prepared or played answers instead of AWS, and the requests that asked for them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
}

type Script = dyn FnMut(&Seen) -> Option<(u16, String)> + Send;

/// Answers requests in their order; where it has no answer the connection fails.
#[derive(Clone)]
pub(crate) struct Canned {
    script: Arc<Mutex<Script>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl fmt::Debug for Canned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canned").field("seen", &self.seen).finish_non_exhaustive()
    }
}

impl Canned {
    /// Gives these answers and no more.
    pub(crate) fn new<I>(answers: I) -> Self
    where
        I: IntoIterator<Item = (u16, String)>,
        I::IntoIter: Send + 'static,
    {
        let mut answers = answers.into_iter();
        Self::playing(move |_| answers.next())
    }

    /// Answers each request by a function of it.
    pub(crate) fn playing(script: impl FnMut(&Seen) -> Option<(u16, String)> + Send + 'static) -> Self {
        Self { script: Arc::new(Mutex::new(script)), seen: Arc::default() }
    }

    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or(request.uri()).to_owned();
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let seen = Seen { target, body };
        let answer = (self.script.lock().unwrap())(&seen);
        self.seen.lock().unwrap().push(seen);
        HttpConnectorFuture::ready(match answer {
            Some((status, body)) => Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))),
            None => Err(ConnectorError::io("no further answer".into())),
        })
    }
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// A configuration that reaches only the prepared answers.
pub(crate) fn aws_config(http: &Canned) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(aws_sdk_sqs::config::SharedCredentialsProvider::new(
            aws_sdk_sqs::config::Credentials::new("id", "key", None, None, "test"),
        ))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .http_client(http.clone())
        .build()
}

/// Plays Xero on this machine: every GET of the API is answered by `script`, which gets its path with the query; every
/// request for a token with one. Answers where, and what was asked, with all headers.
pub(crate) async fn play_xero(
    script: impl Fn(&str) -> (u16, String) + Send + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let keep = Arc::clone(&asked);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (mut head, mut bytes) = (String::new(), [0; 4_096]);
            while !head.contains("\r\n\r\n") {
                let read = socket.read(&mut bytes).await.unwrap();
                head.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            }
            let target = head.split(' ').nth(1).unwrap();
            let (status, body) = if target == "/connect/token" {
                (200, r#"{"access_token":"token","expires_in":1800}"#.to_owned())
            } else {
                script(target)
            };
            record(&head);
            keep.lock().unwrap().push(head);
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

/// Keeps a request for the check against Xero's specification (`tests/spec`), as the simulated Xero does.
#[expect(
    clippy::disallowed_methods,
    reason = "only the test run of the specification sets it, for all processes"
)]
fn record(head: &str) {
    let Ok(folder) = std::env::var("XERO_SIM_EXCHANGES") else { return };
    let (first, headers) = head.split_once("\r\n").unwrap();
    let target = first.split(' ').nth(1).unwrap();
    if target == "/connect/token" {
        return;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = headers.lines().filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<&str, &str> = headers.filter(|(name, _)| *name != "authorization").collect();
    let line = serde_json::json!({
        "method": "GET", "path": path, "query": query, "headers": headers, "body": "", "answer": null,
    });
    let file = std::path::Path::new(&folder).join(format!("adapters-{}.jsonl", std::process::id()));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
    // one write, so that lines of tests at the same time don't mix
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

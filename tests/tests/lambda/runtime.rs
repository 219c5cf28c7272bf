//! A function's own process and the Runtime API that it polls.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};
use tokio::time::timeout;

/// A function that takes longer for anything is taken to hang.
const DEADLINE: Duration = Duration::from_secs(60);
/// The settings with which the cold start is measured too.
const SETTINGS: &str = include_str!("../../bench/settings.json");

/// What a function made of an event.
type Outcome = Result<Value, Value>;

/// A function under way. It ends with this value.
pub struct Function {
    name: String,
    child: Child,
    said: Arc<Mutex<String>>,
    ended: watch::Receiver<bool>,
    polled: watch::Receiver<bool>,
    events: mpsc::Sender<Value>,
    outcomes: mpsc::Receiver<Outcome>,
}

#[derive(Clone)]
struct Api {
    events: Arc<AsyncMutex<mpsc::Receiver<Value>>>,
    outcomes: mpsc::Sender<Outcome>,
    polled: Arc<watch::Sender<bool>>,
}

/// The settings of every function.
pub fn settings() -> Vec<(String, String)> {
    let settings: Value = serde_json::from_str(SETTINGS).unwrap();
    let all = settings.as_object().unwrap().iter();
    all.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

impl Function {
    /// Starts the binary that was built beside this test and waits for its first poll.
    pub async fn start(name: &str, more: &[(&str, String)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (events, to_serve) = mpsc::channel(1);
        let (tell, outcomes) = mpsc::channel(1);
        let (poll, polled) = watch::channel(false);
        let api = Api { events: Arc::new(AsyncMutex::new(to_serve)), outcomes: tell, polled: Arc::new(poll) };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .layer(DefaultBodyLimit::disable())
            .with_state(api);
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });

        let here = std::env::current_exe().unwrap();
        let binary = here.parent().unwrap().parent().unwrap().join(name);
        assert!(binary.exists(), "{} is not built: run `cargo build --workspace --bins`", binary.display());
        let (mut reader, writer) = std::io::pipe().unwrap();
        let child = Command::new(&binary)
            .env_clear()
            .envs(settings())
            .envs(more.iter().map(|(name, value)| (*name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (end, ended) = watch::channel(false);
        let kept = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                kept.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
            // nobody can write any more, so the process is gone
            let _ = end.send(true);
        });
        let mut function = Self { name: name.to_owned(), child, said, ended, polled, events, outcomes };
        function.first_poll().await;
        function
    }

    async fn first_poll(&mut self) {
        let mut polled = self.polled.clone();
        let mut ended = self.ended.clone();
        let came = timeout(DEADLINE, async {
            tokio::select! {
                polled = polled.wait_for(|polled| *polled) => polled.is_ok(),
                _ = ended.wait_for(|ended| *ended) => false,
            }
        });
        let came = came.await;
        assert_eq!(came, Ok(true), "{} did not poll; it said:\n{}", self.name, self.said());
    }

    /// Gives it one event and waits for what it makes of it.
    pub async fn invoke(&mut self, event: Value) -> Value {
        let work = async {
            self.events.send(event).await.unwrap();
            tokio::select! {
                outcome = self.outcomes.recv() => outcome,
                _ = self.ended.wait_for(|ended| *ended) => None,
            }
        };
        let outcome = timeout(DEADLINE, work).await;
        match outcome {
            Ok(Some(Ok(answer))) => answer,
            failed => panic!("{}: {failed:?}; it said:\n{}", self.name, self.said()),
        }
    }

    /// What it has written so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn next(State(api): State<Api>) -> Response {
    api.polled.send_replace(true);
    let Some(event) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let headers = [
        ("lambda-runtime-aws-request-id", "request-1"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-west-1:1:function:f"),
        // a deadline that never comes: in milliseconds since 1970
        ("lambda-runtime-deadline-ms", "9999999999999"),
    ];
    (headers, event.to_string()).into_response()
}

async fn response(State(api): State<Api>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    tell(&api, Ok(json_or_text(&body))).await
}

async fn error(State(api): State<Api>, Path(_): Path<String>, body: Bytes) -> StatusCode {
    tell(&api, Err(json_or_text(&body))).await
}

async fn tell(api: &Api, outcome: Outcome) -> StatusCode {
    let _ = api.outcomes.send(outcome).await;
    StatusCode::ACCEPTED
}

fn json_or_text(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into_owned().into())
}

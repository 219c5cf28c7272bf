//! How other commands reach the process that holds a folder: HTTP on this machine only, with a token that
//! lies in the folder.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use parstock_app::ports::Entropy;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::ask::{self, Answer, Ask};
use crate::error::LocalError;
use crate::folder::{Folder, Running};
use crate::ports::LocalPorts;

/// Longest question, in bytes: a file of 100,000 counts.
const ASK_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a connection on this machine may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may take: a large import, after the wait for its turn.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(300);

/// What goes over the wire.
#[derive(Serialize, Deserialize)]
enum Outcome {
    Answered(Answer),
    Input(String),
    Outside(String),
}

#[derive(Clone)]
struct Shared {
    ports: Arc<LocalPorts>,
    token: Arc<str>,
}

/// Answers questions until the process ends.
///
/// # Errors
/// When no port can be had, or the folder can't be written.
pub async fn serve(folder: &Folder, ports: Arc<LocalPorts>) -> Result<(), LocalError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(LocalError::outside)?;
    let address = listener.local_addr().map_err(LocalError::outside)?.to_string();
    // not the run's own chance, which anyone can repeat
    let token = parstock_adapters::clock::RandomIds.uuid().simple().to_string();
    folder.announce(&Running { address, token: token.clone() })?;
    let app = Router::new()
        .route("/ask", post(answer))
        .layer(DefaultBodyLimit::max(ASK_BYTES_MAX))
        .with_state(Shared { ports, token: token.into() });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "commands can no longer reach this process");
        }
    });
    Ok(())
}

async fn answer(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Json(ask): Json<Ask>,
) -> Result<Json<Outcome>, StatusCode> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    // a browser can't set this header across sites, and the token is of this run alone
    if shown.and_then(|value| value.strip_prefix("Bearer ")) != Some(&*shared.token) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(Json(match ask::answer_in_folder(&shared.ports, &ask).await {
        Ok(answer) => Outcome::Answered(answer),
        Err(LocalError::Input(what)) => Outcome::Input(what),
        Err(error) => Outcome::Outside(error.to_string()),
    }))
}

/// Puts a question to a running process.
///
/// # Errors
/// When it does not answer.
pub async fn put(running: &Running, ask: &Ask) -> Result<Answer, LocalError> {
    let silent = |error: reqwest::Error| {
        LocalError::Outside(format!("the running parstock does not answer: {}", error.without_url()))
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ANSWER_TIMEOUT)
        .build()
        .map_err(silent)?;
    let request =
        client.post(format!("http://{}/ask", running.address)).bearer_auth(&running.token).json(ask);
    let response = request.send().await.and_then(reqwest::Response::error_for_status).map_err(silent)?;
    match response.json::<Outcome>().await.map_err(silent)? {
        Outcome::Answered(answer) => Ok(answer),
        Outcome::Input(what) => Err(LocalError::Input(what)),
        Outcome::Outside(what) => Err(LocalError::Outside(what)),
    }
}

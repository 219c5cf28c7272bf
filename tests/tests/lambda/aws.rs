//! The parts of AWS that the functions call, on one port of this machine: DynamoDB (the embedded table), SQS,
//! Secrets Manager and SES.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use parstock_adapters::store::DynamoStore;
use parstock_adapters::store::embedded::Emulator;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The queue's messages that one invocation gets at most.
const BATCH_MAX: usize = 10;
/// Where SES takes mails.
const SES_PATH: &str = "/v2/email/outbound-emails";

/// A message as it lies in a queue.
#[derive(Clone, Debug)]
pub struct Sent {
    pub id: String,
    pub body: String,
    /// The attribute `cause`.
    pub cause: Option<String>,
}

#[derive(Default)]
struct Held {
    queues: BTreeMap<String, Vec<Sent>>,
    sent: u64,
    refused: Option<String>,
    /// Versions of each, the latest last.
    secrets: BTreeMap<String, Vec<(String, String)>>,
    mails: Vec<String>,
    hurried: usize,
}

/// A small AWS.
#[derive(Clone)]
pub struct Aws {
    pub address: String,
    emulator: Emulator,
    state: Arc<Mutex<Held>>,
}

impl Aws {
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let aws = Self { address, emulator: Emulator::in_memory().unwrap(), state: Arc::default() };
        let router = Router::new().fallback(serve).with_state(aws.clone());
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        aws
    }

    /// The table, as the functions see it.
    pub fn store(&self) -> DynamoStore {
        self.emulator.store()
    }

    /// Enters a secret by its full name.
    pub fn keep_secret(&self, name: &str, secret: &Value) {
        let entered = ("entered".to_owned(), secret.to_string());
        self.state.lock().unwrap().secrets.insert(name.to_owned(), vec![entered]);
    }

    /// Takes a secret away.
    pub fn forget_secret(&self, name: &str) {
        self.state.lock().unwrap().secrets.remove(name);
    }

    /// Whether there is a secret of this full name.
    pub fn has_secret(&self, name: &str) -> bool {
        self.state.lock().unwrap().secrets.contains_key(name)
    }

    /// What lies in a queue.
    pub fn queued(&self, queue: &str) -> Vec<Sent> {
        self.state.lock().unwrap().queues.get(queue).cloned().unwrap_or_default()
    }

    /// Takes the next messages out of a queue.
    pub fn receive(&self, queue: &str) -> Vec<Sent> {
        let mut state = self.state.lock().unwrap();
        let waiting = state.queues.entry(queue.to_owned()).or_default();
        let many = waiting.len().min(BATCH_MAX);
        waiting.drain(..many).collect()
    }

    /// From now on one entry of each request to this queue is refused; `None` ends it.
    pub fn refuse(&self, queue: Option<&str>) {
        self.state.lock().unwrap().refused = queue.map(str::to_owned);
    }

    /// How many messages were asked to come again soon.
    pub fn hurried(&self) -> usize {
        self.state.lock().unwrap().hurried
    }

    /// Mails that SES took, as they travel.
    pub fn mails(&self) -> Vec<String> {
        self.state.lock().unwrap().mails.clone()
    }
}

async fn serve(State(aws): State<Aws>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let answer = match target.split_once('.') {
        Some((service, operation)) if service.starts_with("DynamoDB") => {
            return reply(aws.emulator.answer(operation, &body));
        }
        Some(("AmazonSQS", operation)) => aws.state.lock().unwrap().sqs(operation, &read(&body)),
        Some(("secretsmanager", operation)) => aws.state.lock().unwrap().secret(operation, &read(&body)),
        None if uri.path() == SES_PATH => aws.state.lock().unwrap().mail(&read(&body)),
        _ => Err(("UnknownOperationException", format!("{uri} {target}"))),
    };
    reply(match answer {
        Ok(answer) => (200, answer.to_string().into_bytes()),
        Err((kind, message)) => (400, json!({"__type": kind, "message": message}).to_string().into_bytes()),
    })
}

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}

fn reply((status, body): (u16, Vec<u8>)) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    (StatusCode::from_u16(status).unwrap(), kind, body).into_response()
}

type Answer = Result<Value, (&'static str, String)>;

impl Held {
    fn sqs(&mut self, operation: &str, request: &Value) -> Answer {
        let queue = text(&request["QueueUrl"]).rsplit('/').next().unwrap_or_default().to_owned();
        let refused = self.refused.as_ref() == Some(&queue);
        match operation {
            "SendMessageBatch" => {
                let (mut taken, mut failed) = (Vec::new(), Vec::new());
                for (at, entry) in request["Entries"].as_array().unwrap().iter().enumerate() {
                    if refused && at == 0 {
                        // it comes with HTTP 200
                        failed
                            .push(json!({"Id": entry["Id"], "Code": "InternalError", "SenderFault": false}));
                        continue;
                    }
                    let id = self.put(&queue, entry);
                    taken.push(json!({"Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": ""}));
                }
                Ok(json!({"Successful": taken, "Failed": failed}))
            }
            "ChangeMessageVisibilityBatch" => {
                let entries = request["Entries"].as_array().unwrap().iter();
                let done: Vec<Value> = entries.map(|entry| json!({"Id": entry["Id"]})).collect();
                self.hurried += done.len();
                Ok(json!({"Successful": done, "Failed": []}))
            }
            "SendMessage" if refused => Err(("QueueDoesNotExist", queue)),
            "SendMessage" => Ok(json!({"MessageId": self.put(&queue, request), "MD5OfMessageBody": ""})),
            _ => Err(("UnknownOperationException", operation.to_owned())),
        }
    }

    fn put(&mut self, queue: &str, message: &Value) -> String {
        self.sent += 1;
        let id = format!("message-{}", self.sent);
        let cause = message["MessageAttributes"]["cause"]["StringValue"].as_str().map(str::to_owned);
        let sent = Sent { id: id.clone(), body: text(&message["MessageBody"]), cause };
        self.queues.entry(queue.to_owned()).or_default().push(sent);
        id
    }

    fn secret(&mut self, operation: &str, request: &Value) -> Answer {
        let unknown = |name: String| ("ResourceNotFoundException", format!("no secret {name}"));
        match operation {
            "GetSecretValue" => {
                let name = text(&request["SecretId"]);
                let versions = self.secrets.get(&name).ok_or_else(|| unknown(name.clone()))?;
                let wanted = request["VersionId"].as_str();
                let found = versions.iter().rev().find(|(id, _)| wanted.is_none_or(|wanted| wanted == id));
                let (_, secret) = found.ok_or_else(|| unknown(name.clone()))?;
                Ok(json!({"Name": name, "SecretString": secret}))
            }
            "PutSecretValue" => {
                let name = text(&request["SecretId"]);
                let kept = self.secrets.get_mut(&name).ok_or_else(|| unknown(name.clone()))?;
                kept.push((text(&request["ClientRequestToken"]), text(&request["SecretString"])));
                Ok(json!({"Name": name}))
            }
            "CreateSecret" => {
                let name = text(&request["Name"]);
                let first = (text(&request["ClientRequestToken"]), text(&request["SecretString"]));
                self.secrets.insert(name.clone(), vec![first]);
                Ok(json!({"Name": name}))
            }
            "DeleteSecret" => {
                let name = text(&request["SecretId"]);
                self.secrets.remove(&name).ok_or_else(|| unknown(name.clone()))?;
                Ok(json!({"Name": name}))
            }
            _ => Err(("UnknownOperationException", operation.to_owned())),
        }
    }

    fn mail(&mut self, request: &Value) -> Answer {
        let raw = BASE64.decode(text(&request["Content"]["Raw"]["Data"])).unwrap();
        self.mails.push(String::from_utf8(raw).unwrap());
        Ok(json!({"MessageId": format!("mail-{}", self.mails.len())}))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

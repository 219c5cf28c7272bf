//! The parts of AWS that functions and command call, on one port of this machine: DynamoDB (the embedded table), SQS,
//! Secrets Manager and SES; and of the ground that a stack stands on what the doctor looks at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
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
/// When each message was sent, in milliseconds since 1970.
const SENT_AT: &str = "1764061200000";

/// The ground that a stack stands on. As it is made, nothing is wrong with it.
pub struct Ground {
    /// The stack's name.
    pub name: &'static str,
    /// Its state.
    pub state: &'static str,
    /// Its outputs.
    pub outputs: BTreeMap<String, String>,
    /// Why AWS takes no credentials: code and message.
    pub refused: Option<(&'static str, &'static str)>,
    pub table_state: &'static str,
    pub protected: bool,
    pub recovery: &'static str,
    pub expiry: &'static str,
    /// Whether SES lets mails go to anybody.
    pub production: bool,
    /// Whether the sender is verified; `None` if SES does not know it.
    pub verified: Option<bool>,
    /// Subscriptions of the alarms' topic, confirmed and pending.
    pub subscribed: (u32, u32),
    /// The stack's alarms and their states.
    pub alarms: Vec<(&'static str, &'static str)>,
}

impl Default for Ground {
    fn default() -> Self {
        Self {
            name: "shop",
            state: "CREATE_COMPLETE",
            outputs: BTreeMap::new(),
            refused: None,
            table_state: "ACTIVE",
            protected: true,
            recovery: "ENABLED",
            expiry: "ENABLED",
            production: true,
            verified: Some(true),
            subscribed: (1, 0),
            alarms: vec![
                ("shop-DeadLettersAlarm-1", "OK"),
                ("shop-DigestMissedAlarm-2", "INSUFFICIENT_DATA"),
            ],
        }
    }
}

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
    /// Messages that somebody has received and not given back.
    in_hand: BTreeSet<String>,
    ground: Ground,
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

    /// Changes the stack's ground.
    pub fn ground(&self, change: impl FnOnce(&mut Ground)) {
        change(&mut self.state.lock().unwrap().ground);
    }

    /// Puts a message into a queue.
    pub fn put(&self, queue: &str, body: &str, cause: &str) {
        let message = json!({"MessageBody": body, "MessageAttributes": {"cause": {"StringValue": cause}}});
        self.state.lock().unwrap().put(queue, &message);
    }

    /// Mails that SES took, as they travel.
    pub fn mails(&self) -> Vec<String> {
        self.state.lock().unwrap().mails.clone()
    }
}

async fn serve(
    State(aws): State<Aws>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let mut state = aws.state.lock().unwrap();
    let answer = match target.split_once('.') {
        Some((service, operation)) if service.starts_with("DynamoDB") => {
            if let Some(answer) = state.ground.table(operation) {
                return reply((200, answer.to_string().into_bytes()));
            }
            drop(state);
            return reply(aws.emulator.answer(operation, &body));
        }
        Some(("AmazonSQS", operation)) => state.sqs(operation, &read(&body)),
        Some(("secretsmanager", operation)) => state.secret(operation, &read(&body)),
        None if uri.path().ends_with("/DescribeAlarms") => return state.ground.cloud_watch(),
        None if uri.path() == SES_PATH => state.mail(&read(&body)),
        None if method == Method::GET => state.ground.mail(uri.path()),
        None => return state.ground.query(std::str::from_utf8(&body).unwrap()),
        _ => Err(("UnknownOperationException", format!("{uri} {target}"))),
    };
    reply(match answer {
        Ok(answer) => (200, answer.to_string().into_bytes()),
        Err((kind, message)) => (400, json!({"__type": kind, "message": message}).to_string().into_bytes()),
    })
}

impl Ground {
    /// What DynamoDB says of the table itself.
    fn table(&self, operation: &str) -> Option<Value> {
        Some(match operation {
            "DescribeTable" => json!({"Table": {
                "TableStatus": self.table_state, "DeletionProtectionEnabled": self.protected,
            }}),
            "DescribeContinuousBackups" => json!({"ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "ENABLED",
                "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": self.recovery},
            }}),
            "DescribeTimeToLive" => json!({"TimeToLiveDescription": {"TimeToLiveStatus": self.expiry}}),
            _ => return None,
        })
    }

    /// What CloudWatch says of the alarms, in CBOR (RFC 8949): a map of one list of maps, and among them an
    /// alarm of a stack whose name begins with this one's.
    fn cloud_watch(&self) -> Response {
        fn text(out: &mut Vec<u8>, text: &str) {
            out.extend([0x78, u8::try_from(text.len()).unwrap()]);
            out.extend(text.as_bytes());
        }
        let topic = self.outputs.get("AlarmTopic").map_or("", String::as_str);
        let theirs =
            ("shop-test-DeadLettersAlarm-3", "ALARM", "arn:aws:sns:eu-west-1:123456789012:of-another-stack");
        let ours = self.alarms.iter().map(|(name, state)| (*name, *state, topic));
        let all: Vec<_> = ours.chain([theirs]).collect();
        let mut body = vec![0xa1];
        text(&mut body, "MetricAlarms");
        body.extend([0x98, u8::try_from(all.len()).unwrap()]);
        for (name, state, topic) in all {
            body.push(0xa3);
            for part in ["AlarmName", name, "StateValue", state, "AlarmActions"] {
                text(&mut body, part);
            }
            body.push(0x81);
            text(&mut body, topic);
        }
        ([(header::CONTENT_TYPE, "application/cbor")], [("smithy-protocol", "rpc-v2-cbor")], body)
            .into_response()
    }

    /// What SES says of account and sender.
    fn mail(&self, path: &str) -> Answer {
        if path == "/v2/email/account" {
            return Ok(json!({"ProductionAccessEnabled": self.production, "SendingEnabled": true}));
        }
        let unknown = || ("NotFoundException", format!("{path} is not there"));
        Ok(json!({"VerifiedForSendingStatus": self.verified.ok_or_else(unknown)?}))
    }

    /// What the services say that answer in XML.
    fn query(&self, form: &str) -> Response {
        let field = |name: &str| {
            form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
        };
        let failure = |code: &str, message: &str| {
            let error =
                format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
            xml(400, &format!("<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"))
        };
        if let Some((code, message)) = self.refused {
            return failure(code, message);
        }
        let action = field("Action");
        let result = match action {
            "GetCallerIdentity" => "<Arn>arn:aws:sts::123456789012:assumed-role/Admin/jane@example.com</Arn>\
                 <UserId>u</UserId><Account>123456789012</Account>"
                .to_owned(),
            "DescribeStacks" if field("StackName") != self.name => {
                return failure(
                    "ValidationError",
                    &format!("Stack with id {} does not exist", field("StackName")),
                );
            }
            "DescribeStacks" => {
                let output = |(name, value): (&String, &String)| {
                    format!(
                        "<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>"
                    )
                };
                let outputs: String = self.outputs.iter().map(output).collect();
                format!(
                    "<Stacks><member><StackName>{}</StackName><CreationTime>2026-11-25T08:00:00Z</CreationTime>\
                     <StackStatus>{}</StackStatus><Outputs>{outputs}</Outputs></member></Stacks>",
                    self.name, self.state
                )
            }
            "GetTopicAttributes" => {
                let entry = |name: &str, count: u32| {
                    format!("<entry><key>{name}</key><value>{count}</value></entry>")
                };
                let (confirmed, pending) = self.subscribed;
                let counts = [("SubscriptionsConfirmed", confirmed), ("SubscriptionsPending", pending)];
                let entries: String = counts.into_iter().map(|(name, count)| entry(name, count)).collect();
                format!("<Attributes>{entries}</Attributes>")
            }
            other => return failure("InvalidAction", &format!("nothing here does {other}")),
        };
        xml(200, &format!("<{action}Response><{action}Result>{result}</{action}Result></{action}Response>"))
    }
}

fn xml(status: u16, body: &str) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/xml")];
    (StatusCode::from_u16(status).unwrap(), kind, body.to_owned()).into_response()
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
            "GetQueueAttributes" => {
                let count = self.queues.get(&queue).map_or(0, Vec::len).to_string();
                Ok(json!({"Attributes": {"ApproximateNumberOfMessages": count}}))
            }
            "ReceiveMessage" => Ok(json!({"Messages": self.hand_out(&queue)})),
            "ChangeMessageVisibilityBatch" => {
                let entries = request["Entries"].as_array().unwrap();
                for entry in entries {
                    self.in_hand.remove(entry["ReceiptHandle"].as_str().unwrap());
                }
                self.hurried += entries.iter().filter(|entry| entry["VisibilityTimeout"] != 0).count();
                let done: Vec<Value> = entries.iter().map(|entry| json!({"Id": entry["Id"]})).collect();
                Ok(json!({"Successful": done, "Failed": []}))
            }
            "DeleteMessage" => {
                let gone = text(&request["ReceiptHandle"]);
                self.queues.entry(queue).or_default().retain(|message| message.id != gone);
                Ok(json!({}))
            }
            "SendMessage" if refused => Err(("QueueDoesNotExist", queue)),
            "SendMessage" => Ok(json!({"MessageId": self.put(&queue, request), "MD5OfMessageBody": ""})),
            _ => Err(("UnknownOperationException", operation.to_owned())),
        }
    }

    /// Messages that nobody has in hand, as a consumer gets them.
    fn hand_out(&mut self, queue: &str) -> Vec<Value> {
        let waiting = self.queues.get(queue).into_iter().flatten();
        let free: Vec<Sent> =
            waiting.filter(|message| !self.in_hand.contains(&message.id)).take(BATCH_MAX).cloned().collect();
        self.in_hand.extend(free.iter().map(|message| message.id.clone()));
        let shown = |message: Sent| {
            let cause = message.cause.map_or_else(
                || json!({}),
                |cause| json!({"cause": {"DataType": "String", "StringValue": cause}}),
            );
            json!({
                "MessageId": message.id, "ReceiptHandle": message.id, "Body": message.body,
                "Attributes": {"SentTimestamp": SENT_AT}, "MessageAttributes": cause,
            })
        };
        free.into_iter().map(shown).collect()
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
                assert!(request["SecretString"].is_null(), "a value has one way in");
                self.secrets.insert(name.clone(), Vec::new());
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

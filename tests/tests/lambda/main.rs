//! The five Lambda binaries, each in its own process: they poll a stand-in of the Runtime API, and what they
//! call of AWS and Xero answers on ports of this machine. And the command, which reaches the same stack.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a broken expectation here ends the test that met it, and the functions live by the machine's clock"
)]

mod aws;
mod command;
mod console;
mod runtime;
mod shop;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use parstock_adapters::store::DynamoStore;
use parstock_app::figures::Figure;
use parstock_app::load;
use parstock_app::message::{Envelope, Message};
use parstock_app::ports::{Commit, Expect, Store, Write};
use parstock_app::records::{Backfill, Key, List, OrgEntry, Owner, Profile, Record};
use parstock_domain::document::Item;
use parstock_domain::ids::{CommitId, OrgId};
use parstock_domain::ledger::Movement;
use parstock_domain::settings::Policy;
use parstock_xero_sim::{Delivery, sign};
use serde_json::{Value, json};
use uuid::Uuid;

use aws::{Aws, Sent};
use runtime::Function;
use shop::Shop;

const KEY: &str = "a signing key";
/// Who gets the digest.
const OWNER: &str = "owner@example.com";
/// What a line of the log may hold, figures aside.
const FIELDS: [&str; 12] = [
    "timestamp",
    "level",
    "function",
    "request_id",
    "what",
    "org_id",
    "kind",
    "id",
    "count",
    "duration_ms",
    "error_kind",
    "why",
];
/// The secret with what the connection reaches Xero with.
const CREDENTIALS: &str = "parstock/shop/connections/main/credentials";
/// Batches after which the messages are taken to go round in circles.
const BATCHES_MAX: usize = 200;

const FUNCTIONS: [&str; 5] =
    ["parstock-webhook", "parstock-processor", "parstock-poller", "parstock-digest", "parstock-console"];

/// A stack: AWS, a shop in Xero, and the functions' settings.
struct Stack {
    aws: Aws,
    shop: Shop,
}

impl Stack {
    async fn open() -> Self {
        Self::of(Shop::open().await).await
    }

    async fn of(shop: Shop) -> Self {
        let aws = Aws::open().await;
        let settings = shop.settings();
        aws.keep_secret("parstock/shop/webhook-keys", &json!([settings.webhook_key]));
        let app = json!({"client_id": settings.client_id, "client_secret": settings.client_secret});
        aws.keep_secret(CREDENTIALS, &app);
        aws.keep_secret("parstock/shop/console", &json!({"key": "signs sessions, and is long enough"}));
        Self { aws, shop }
    }

    /// A stack to which nothing is connected, with an app that people can consent to.
    async fn unconnected(shop: Shop) -> Self {
        let stack = Self::of(shop).await;
        let settings = stack.shop.settings();
        let app = json!({"client_id": settings.client_id, "client_secret": settings.client_secret});
        stack.aws.keep_secret("parstock/shop/xero-app", &app);
        stack.aws.forget_secret(CREDENTIALS);
        stack
    }

    async fn start(&self, function: &str) -> Function {
        self.start_with(function, &[]).await
    }

    async fn start_with(&self, function: &str, other: &[(&str, &str)]) -> Function {
        let mut more = vec![
            ("AWS_ENDPOINT_URL", self.aws.address.clone()),
            ("XERO_API_URL", format!("{}/api.xro/2.0", self.shop.address)),
            ("XERO_IDENTITY_URL", self.shop.address.clone()),
            ("XERO_LOGIN_URL", self.shop.address.clone()),
            ("XERO_CONNECTIONS_URL", format!("{}/connections", self.shop.address)),
        ];
        more.extend(other.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Function::start(function, &more).await
    }

    /// The one org, once the poller has connected it.
    async fn org(&self) -> OrgId {
        let orgs = load::all_of::<OrgEntry>(&self.aws.store(), Owner::Stack, &List::Orgs).await.unwrap();
        assert_eq!(orgs.len(), 1);
        orgs[0].1.content.org
    }

    /// Hands everything that waits in the queues to the processor, until nothing waits.
    async fn work(&self, processor: &mut Function) {
        for _ in 0..BATCHES_MAX {
            let waiting = ["events", "work", "effects"]
                .map(|queue| (queue, self.aws.receive(queue)))
                .into_iter()
                .filter(|(_, batch)| !batch.is_empty())
                .collect::<Vec<_>>();
            if waiting.is_empty() {
                return;
            }
            for (queue, batch) in waiting {
                let back = process(processor, queue, &batch, 1).await;
                assert_eq!(back, [""; 0], "given back; the processor said:\n{}", processor.said());
            }
        }
        panic!("there is still work after {BATCHES_MAX} batches");
    }

    /// Has the digest mailed from midnight on, so at any hour at which the test runs.
    async fn mail_to_the_owner(&self, org: OrgId) {
        let policy = json!({"rules": [
            {"scope": "org", "setting": "digest_at", "value": "00:00"},
            {"scope": "org", "setting": "mail_to", "value": [OWNER]},
        ]});
        let policy: Policy = serde_json::from_value(policy).unwrap();
        let write = Write { key: Key::Policy, record: Some(Record::Policy(policy)), expect: Expect::Absent };
        let commit = Commit { id: CommitId(Uuid::from_u128(7)), writes: vec![write] };
        self.aws.store().commit(Owner::Org(org), commit).await.unwrap();
    }

    /// Connects the shop and reads its history.
    async fn connect(&self, processor: &mut Function) -> OrgId {
        self.start("parstock-poller").await.invoke(json!({"source": "aws.scheduler"})).await;
        self.work(processor).await;
        self.org().await
    }
}

/// Gives the processor a batch as SQS does. Answers the ids of the messages that it gives back.
async fn process(processor: &mut Function, queue: &str, batch: &[Sent], receives: u32) -> Vec<String> {
    let records: Vec<Value> = batch
        .iter()
        .map(|message| {
            json!({
                "messageId": message.id,
                "receiptHandle": "handle",
                "body": message.body,
                "attributes": {"ApproximateReceiveCount": receives.to_string()},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:eu-west-1:1:{queue}"),
                "awsRegion": "eu-west-1",
            })
        })
        .collect();
    let answer = processor.invoke(json!({"Records": records})).await;
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

/// A request as API Gateway passes it on.
fn request(method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Value {
    let mut request = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers.iter().copied().chain([("host", "stock.example.com")]).collect::<BTreeMap<_, _>>(),
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "stock.example.com", "domainPrefix": "stock",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                     "userAgent": "test"},
            "requestId": "r", "routeKey": "$default", "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
        },
        "isBase64Encoded": false,
    });
    if let Some(body) = body {
        let fields = body.as_object().unwrap().clone();
        request.as_object_mut().unwrap().extend(fields);
    }
    request
}

fn plain(text: &str) -> Option<Value> {
    Some(json!({"body": text}))
}

fn encoded(bytes: &[u8]) -> Option<Value> {
    Some(json!({"body": BASE64.encode(bytes), "isBase64Encoded": true}))
}

fn webhook(delivery: &Delivery) -> Value {
    let body = plain(std::str::from_utf8(&delivery.body).unwrap());
    request("POST", "/webhook", &[("x-xero-signature", &delivery.signature)], body)
}

/// Status and body of an answer.
fn answered(answer: &Value) -> (u64, String) {
    (answer["statusCode"].as_u64().unwrap(), answer["body"].as_str().unwrap_or_default().to_owned())
}

/// What Xero sends of a sale: one event for each resource.
fn events(resources: &[Uuid]) -> String {
    let events: Vec<Value> = resources
        .iter()
        .map(|resource| {
            json!({
                "resourceUrl": format!("https://api.xero.com/api.xro/2.0/Invoices/{resource}"),
                "resourceId": resource,
                "eventDateUtc": "2026-11-22T08:00:00.000",
                "eventType": "UPDATE",
                "eventCategory": "INVOICE",
                "tenantId": Uuid::from_u128(1),
                "tenantType": "ORGANISATION",
            })
        })
        .collect();
    json!({"events": events, "firstEventSequence": 1, "lastEventSequence": events.len(), "entropy": "E"})
        .to_string()
}

/// The resources that the hints in the events queue name.
fn hinted(aws: &Aws) -> Vec<Uuid> {
    aws.queued("events")
        .iter()
        .map(|message| match Envelope::from_body(&message.body).unwrap().message {
            Message::Hint(hint) => hint.resource,
            other => panic!("{other:?} is no hint"),
        })
        .collect()
}

async fn movements(store: &DynamoStore, org: OrgId, code: &str) -> Vec<Movement> {
    let items = load::all::<Item>(store, org, &List::Items).await.unwrap();
    let item = items.iter().find(|(_, item)| item.content.code == code).unwrap().1.content.id;
    let movements = load::all::<Movement>(store, org, &List::Movements(item)).await.unwrap();
    movements.into_iter().map(|(_, movement)| movement.content).collect()
}

#[tokio::test]
async fn every_function_polls_with_the_settings_of_the_bench() {
    for function in FUNCTIONS {
        Function::start(function, &[]).await;
    }
}

#[test]
fn the_bench_measures_every_function() {
    let here = std::env::current_exe().unwrap();
    let folder = here.parent().unwrap().parent().unwrap();
    let bench = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/cold_start.py");
    let output = Command::new("python3").arg(bench).arg(folder).arg("1").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    for function in FUNCTIONS {
        let row = told.lines().find(|line| line.starts_with(function)).unwrap_or_default();
        assert_eq!(row.split_whitespace().count(), 5, "{told}");
    }
}

#[test]
fn the_bench_tells_what_a_process_said_that_ended_before_its_poll() {
    let folder = std::env::temp_dir().join(format!("parstock-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // a program that says something and ends
    std::os::unix::fs::symlink("/bin/ls", folder.join("parstock-webhook")).unwrap();
    let bench = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/cold_start.py");
    let output =
        Command::new("python3").arg(bench).arg(&folder).arg("1").current_dir(&folder).output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(told.contains("it ended before its first poll; it said:\nparstock-webhook"), "{told}");
}

#[tokio::test]
async fn a_signed_webhook_becomes_hints_and_a_badly_signed_one_nothing() {
    let stack = Stack::open().await;
    stack.aws.keep_secret("parstock/shop/webhook-keys", &json!(["the next key", KEY]));
    let mut webhook = stack.start("parstock-webhook").await;
    let resources: Vec<Uuid> = (1..=12).map(Uuid::from_u128).collect();
    let body = events(&resources);
    let signature = sign(KEY, body.as_bytes());
    let post = |signature: &str, body| request("POST", "/webhook", &[("x-xero-signature", signature)], body);

    let answer = webhook.invoke(post(&signature, plain(&body))).await;
    assert_eq!(answered(&answer), (200, String::new()));
    let mut found = hinted(&stack.aws);
    found.sort();
    assert_eq!(found, resources);

    let body = events(&[Uuid::from_u128(99)]);
    let answer = webhook.invoke(post(&sign(KEY, body.as_bytes()), encoded(body.as_bytes()))).await;
    assert_eq!(answered(&answer), (200, String::new()));
    assert!(hinted(&stack.aws).contains(&Uuid::from_u128(99)), "a body in base64 is the same body");

    let before = stack.aws.queued("events").len();
    for signature in [sign("another key", body.as_bytes()).as_str(), "", "not base64"] {
        let answer = webhook.invoke(post(signature, plain(&body))).await;
        assert_eq!(answered(&answer), (401, String::new()), "signed `{signature}`");
    }
    let unsigned = webhook.invoke(request("POST", "/webhook", &[], plain(&body))).await;
    assert_eq!(answered(&unsigned), (401, String::new()));

    let intent = r#"{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3"}"#;
    let answer = webhook.invoke(post(&sign(KEY, intent.as_bytes()), plain(intent))).await;
    assert_eq!(answered(&answer), (200, String::new()));
    assert_eq!(stack.aws.queued("events").len(), before, "none of these queued anything");
}

#[tokio::test]
async fn xero_sends_again_what_the_queue_did_not_take() {
    let stack = Stack::open().await;
    stack.aws.keep_secret("parstock/shop/webhook-keys", &json!([KEY]));
    let mut webhook = stack.start("parstock-webhook").await;
    let body = events(&[Uuid::from_u128(1), Uuid::from_u128(2)]);
    let signature = sign(KEY, body.as_bytes());
    let post = || request("POST", "/webhook", &[("x-xero-signature", &signature)], plain(&body));

    stack.aws.refuse(Some("events"));
    let answer = webhook.invoke(post()).await;
    assert_eq!(answered(&answer), (503, String::new()), "one entry was refused, with HTTP 200");
    stack.aws.refuse(None);
    assert_eq!(answered(&webhook.invoke(post()).await), (200, String::new()));
    let mut found = hinted(&stack.aws);
    found.sort();
    found.dedup();
    assert_eq!(found, [Uuid::from_u128(1), Uuid::from_u128(2)]);
}

#[tokio::test]
async fn a_poll_connects_the_shop_and_a_sale_becomes_a_movement() {
    let stack = Stack::open().await;
    let mut poller = stack.start("parstock-poller").await;
    poller.invoke(json!({"source": "aws.scheduler"})).await;
    let org = stack.org().await;
    let asked = |queue: &str| -> Vec<Message> {
        let queued = stack.aws.queued(queue);
        queued.iter().map(|message| Envelope::from_body(&message.body).unwrap().message).collect()
    };
    assert_eq!(asked("work"), [Message::Backfill { org }]);
    assert_eq!(asked("events"), [Message::Sync { org }]);

    let mut processor = stack.start("parstock-processor").await;
    stack.work(&mut processor).await;
    let store = stack.aws.store();
    let profile = load::one::<Profile>(&store, Owner::Org(org), Key::Profile).await.unwrap().unwrap();
    assert!(matches!(profile.content.backfill, Backfill::Done { .. }), "{:?}", profile.content.backfill);
    assert_eq!(movements(&store, org, "BAG").await.len(), 0);

    let mut receiver = stack.start("parstock-webhook").await;
    let deliveries = stack.shop.sell("INV-1", "BAG");
    assert!(!deliveries.is_empty());
    for delivery in &deliveries {
        assert_eq!(answered(&receiver.invoke(webhook(delivery)).await), (200, String::new()));
    }
    stack.work(&mut processor).await;
    let booked = movements(&store, org, "BAG").await;
    assert_eq!(booked.len(), 1, "{booked:?}; the processor said:\n{}", processor.said());
    assert!(booked[0].key.out);
    for queue in ["events-dead", "work-dead", "effects-dead"] {
        assert!(stack.aws.queued(queue).is_empty(), "{queue}: {:?}", stack.aws.queued(queue));
    }
}

#[tokio::test]
async fn a_poison_record_is_buried_with_its_cause_and_its_batch_mates_are_served() {
    let stack = Stack::open().await;
    let mut processor = stack.start("parstock-processor").await;
    let org = stack.connect(&mut processor).await;
    stack.shop.sell("INV-1", "BAG");
    let sync =
        Envelope::new(Message::Sync { org }, Uuid::from_u128(1), "/parstock/test", jiff::Timestamp::now());
    let mate = |id: &str| Sent { id: id.to_owned(), body: sync.to_body().unwrap(), cause: None };
    let poison = Sent { id: "poison".to_owned(), body: "no message of ours".to_owned(), cause: None };

    // while the dead-letter queue refuses, the poison alone is given back
    stack.aws.refuse(Some("events-dead"));
    let batch = [mate("first"), poison.clone(), mate("last")];
    assert_eq!(process(&mut processor, "events", &batch, 1).await, ["poison"]);
    assert_eq!(stack.aws.hurried(), 1, "it comes again before the queue's visibility time is over");
    assert_eq!(process(&mut processor, "events", std::slice::from_ref(&poison), 3).await, ["poison"]);
    assert_eq!(stack.aws.hurried(), 1, "what fails again and again waits longer");
    assert_eq!(movements(&stack.aws.store(), org, "BAG").await.len(), 1, "its batch-mates were served");

    stack.aws.refuse(None);
    assert_eq!(process(&mut processor, "events", &[poison], 4).await, [""; 0]);
    let dead = stack.aws.queued("events-dead");
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].body, "no message of ours");
    assert!(dead[0].cause.as_deref().unwrap().contains("not a parstock message"), "{dead:?}");
}

#[tokio::test]
async fn the_digest_is_asked_for_put_together_and_mailed_once() {
    let stack = Stack::open().await;
    let mut processor = stack.start("parstock-processor").await;
    let org = stack.connect(&mut processor).await;
    stack.mail_to_the_owner(org).await;
    stack.start("parstock-digest").await.invoke(json!({"source": "aws.scheduler"})).await;
    let asked = stack.aws.queued("effects");
    assert_eq!(asked.len(), 1);
    assert_eq!(Envelope::from_body(&asked[0].body).unwrap().message, Message::Digest { org });
    stack.work(&mut processor).await;
    // the same message twice asks for nothing new
    assert_eq!(process(&mut processor, "effects", &asked, 2).await, [""; 0]);
    stack.work(&mut processor).await;
    let mails = stack.aws.mails();
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].contains(OWNER) && mails[0].contains("Corner Shop"), "{}", mails[0]);
}

#[tokio::test]
async fn the_logs_are_json_of_known_fields_with_every_figure_and_nothing_secret_or_personal() {
    let stack = Stack::open().await;
    let mut processor = stack.start("parstock-processor").await;
    let org = stack.connect(&mut processor).await;
    stack.mail_to_the_owner(org).await;
    let mut receiver = stack.start("parstock-webhook").await;
    let deliveries = stack.shop.sell("INV-1", "BAG");
    for delivery in &deliveries {
        receiver.invoke(webhook(delivery)).await;
        let forged = Delivery { signature: sign("another key", &delivery.body), ..delivery.clone() };
        assert_eq!(answered(&receiver.invoke(webhook(&forged)).await).0, 401);
    }
    stack.work(&mut processor).await;
    let mut poller = stack.start("parstock-poller").await;
    poller.invoke(json!({"source": "aws.scheduler"})).await;
    let mut digest = stack.start("parstock-digest").await;
    digest.invoke(json!({"source": "aws.scheduler"})).await;
    stack.work(&mut processor).await;
    let check = Message::CheckAudit { org, whole: true };
    let check = Envelope::new(check, Uuid::from_u128(1), "/parstock/test", jiff::Timestamp::now());
    let bodies = [check.to_body().unwrap(), format!("{OWNER} wrote this")];
    let batch = bodies.map(|body| Sent { id: body.clone(), body, cause: None });
    assert_eq!(process(&mut processor, "work", &batch, 1).await, [""; 0]);
    let mut console = stack.start("parstock-console").await;
    let form = "user=owner&password=a-guess&csrf=a-token";
    let kind =
        [("content-type", "application/x-www-form-urlencoded"), ("cookie", "parstock_session=a-cookie")];
    console.invoke(request("POST", &format!("/o/{org}/login"), &kind, plain(form))).await;

    let settings = stack.shop.settings();
    let mut hidden: Vec<&str> =
        vec![&settings.client_secret, &settings.webhook_key, "signs sessions", OWNER, "Mill & Sons", "INV-1"];
    hidden.extend(["a-guess", "a-token", "a-cookie", "Corner Shop"]);
    hidden.extend(deliveries.iter().map(|delivery| delivery.signature.as_str()));
    let mut figures = BTreeSet::new();
    for (function, said) in [
        ("processor", processor.said()),
        ("webhook", receiver.said()),
        ("poller", poller.said()),
        ("digest", digest.said()),
        ("console", console.said()),
    ] {
        for word in &hidden {
            assert!(!said.contains(word), "{function} told `{word}`:\n{said}");
        }
        for line in said.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{function}: {line}"));
            let fields = line.as_object().unwrap();
            if let Some(metrics) = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array() {
                assert_eq!(line["stack"], "shop");
                figures.extend(metrics.iter().map(|metric| metric["Name"].as_str().unwrap().to_owned()));
                continue;
            }
            assert!(fields.keys().all(|field| FIELDS.contains(&field.as_str())), "{line}");
            assert_eq!((&line["function"], &line["request_id"]), (&json!(function), &json!("request-1")));
        }
    }
    let all = Figure::ALL.map(|figure| figure.name().to_owned());
    assert_eq!(figures, BTreeSet::from(all));
}

//! The command `parstock` against a stack: with its own credentials it reads, decides, and looks for faults.

use std::process::Stdio;

use parstock_app::load;
use parstock_app::records::List;
use parstock_domain::audit::{Entry, Statement};
use serde_json::{Value, json};

use super::*;

/// What a command answered: exit code, result and talk.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) code: i32,
    result: String,
    talk: String,
}

impl Ended {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.result).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The outputs by which the template names a stack's parts, as the functions' settings have them.
const OUTPUTS: [(&str, &str); 11] = [
    ("Table", "PARSTOCK_TABLE"),
    ("SecretPrefix", "PARSTOCK_SECRETS"),
    ("Connections", "PARSTOCK_CONNECTIONS"),
    ("MailFrom", "PARSTOCK_MAIL_FROM"),
    ("ConsoleUrl", "PARSTOCK_CONSOLE_URL"),
    ("EventsQueueUrl", "PARSTOCK_EVENTS_QUEUE_URL"),
    ("EventsDeadLetterUrl", "PARSTOCK_EVENTS_DEAD_LETTER_URL"),
    ("WorkQueueUrl", "PARSTOCK_WORK_QUEUE_URL"),
    ("WorkDeadLetterUrl", "PARSTOCK_WORK_DEAD_LETTER_URL"),
    ("EffectsQueueUrl", "PARSTOCK_EFFECTS_QUEUE_URL"),
    ("EffectsDeadLetterUrl", "PARSTOCK_EFFECTS_DEAD_LETTER_URL"),
];

impl Stack {
    /// A stack that CloudFormation describes, too.
    pub(super) async fn described() -> Self {
        let stack = Self::open().await;
        let settings: BTreeMap<String, String> = runtime::settings().into_iter().collect();
        stack.aws.ground(|ground| {
            let outputs = OUTPUTS.map(|(output, setting)| (output.to_owned(), settings[setting].clone()));
            ground.outputs = outputs.into_iter().collect();
            ground.outputs.insert("Version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
            let topic = "arn:aws:sns:eu-west-1:123456789012:alarms".to_owned();
            ground.outputs.insert("AlarmTopic".to_owned(), topic);
        });
        stack
    }

    /// Runs the command, `--stack shop` unless the arguments name another place.
    pub(super) async fn ask(&self, arguments: &[&str]) -> Ended {
        let mut all = arguments.to_vec();
        if !arguments.contains(&"--stack") {
            all.extend(["--stack", "shop"]);
        }
        let keys = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_REGION", "eu-west-1")];
        self.run(&all, &keys).await
    }

    async fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
        let here = std::env::current_exe().unwrap();
        let mut command = Command::new(here.parent().unwrap().parent().unwrap().join("parstock"));
        command
            .args(arguments)
            .env_clear()
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", &self.aws.address)
            .env("XERO_API_URL", format!("{}/api.xro/2.0", self.shop.address))
            .env("XERO_IDENTITY_URL", &self.shop.address)
            .envs(environment.iter().copied())
            .stdin(Stdio::null());
        // AWS and Xero answer on this very thread
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), result: text(output.stdout), talk: text(output.stderr) }
    }

    /// Everything that the audit trail says.
    pub(super) async fn audited(&self, org: OrgId) -> Vec<Statement> {
        let entries = load::all::<Entry>(&self.aws.store(), org, &List::AuditEntries).await.unwrap();
        let statement = |entry: &Entry| serde_json::from_str(&entry.payload).unwrap();
        entries.iter().map(|(_, row)| statement(&row.content)).collect()
    }
}

pub(super) fn file(folder: &std::path::Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_decides_at_the_command_line_and_the_order_leaves_by_the_stacks_queue() {
    let stack = Stack::described().await;
    let mut processor = stack.start("parstock-processor").await;
    let org = stack.connect(&mut processor).await;
    let folder = tempfile::tempdir().unwrap();

    let counted =
        file(folder.path(), "counts.csv", "item,location,as_of,quantity,unit_cost\nBAG,,2026-01-01,40,1\n");
    let imported = stack.ask(&["stock", "import", &counted, "--json"]).await;
    assert_eq!((imported.code, imported.json()["opened"].as_u64()), (0, Some(1)), "{imported:?}");
    let policy = json!({"version": 1, "rules": [{"scope": "org", "setting": "phase", "value": "assist"}]});
    let exported = stack.ask(&["settings", "export", folder.path().to_str().unwrap()]).await;
    assert_eq!(exported.code, 0, "{exported:?}");
    let policy = file(folder.path(), "policy.json", &policy.to_string());
    let items = file(folder.path(), "items.csv", "item,supplier,min,max\nTEA,Mill & Sons,200,300\n");
    let checked = stack.ask(&["settings", "check", &policy, &items]).await;
    assert_eq!(checked.code, 1, "{checked:?}");
    let applied = stack.ask(&["settings", "apply", &policy, &items]).await;
    assert_eq!(applied.code, 0, "{applied:?}");
    stack.work(&mut processor).await;

    let positions = stack.ask(&["positions", "BAG", "--json"]).await.json();
    assert_eq!(positions[0]["on_hand"], "40", "{positions}");
    let proposals = stack.ask(&["proposals", "--json"]).await.json();
    let proposal = proposals[0]["proposal"].as_str().unwrap_or_else(|| panic!("{proposals}")).to_owned();
    let shown = stack.ask(&["approve", &proposal, "--json"]).await;
    assert_eq!(shown.code, 1, "{shown:?}");
    let contents = shown.json()["contents"].as_str().unwrap().to_owned();
    assert!(stack.aws.queued("effects").is_empty());
    let approved = stack.ask(&["approve", &proposal, "--contents", &contents]).await;
    assert_eq!(approved.code, 0, "{approved:?}");
    let leaving = stack.aws.queued("effects");
    assert_eq!(leaving.len(), 1, "the order leaves by the queue, not from here");
    let message = Envelope::from_body(&leaving[0].body).unwrap().message;
    assert!(matches!(message, Message::Effect { org: of, .. } if of == org), "{message:?}");

    stack.work(&mut processor).await;
    let proposals = stack.ask(&["proposals", "--json"]).await.json();
    assert_eq!(proposals[0]["state"], "ordered", "{proposals}");
    let who = "jane@example.com (AWS role Admin)";
    let decided: Vec<String> = stack
        .audited(org)
        .await
        .into_iter()
        .filter(|statement| statement.who == who)
        .map(|statement| statement.what)
        .collect();
    assert_eq!(decided.len(), 3, "counts, settings, approval: {decided:?}");
    let verified = stack.ask(&["audit", "verify", "--json"]).await;
    assert_eq!(verified.json()["whole"], true, "{verified:?}");
    for asked in [&["item", "TEA"][..], &["health"], &["reviews"], &["connections", "--test"]] {
        let answer = stack.ask(asked).await;
        assert_eq!(answer.code, 0, "{asked:?}: {answer:?}");
        assert!(!answer.result.is_empty(), "{asked:?}");
    }
}

#[tokio::test]
async fn dead_letters_of_a_stack_are_listed_put_back_and_given_up() {
    let stack = Stack::described().await;
    for number in 0..12 {
        stack.aws.put("work-dead", &format!("work {number}"), "Xero refused it");
    }
    stack.aws.put("events-dead", "an event", "Xero refused it");
    let list =
        async || stack.ask(&["dead-letters", "list", "--json"]).await.json().as_array().unwrap().clone();
    let letters = list().await;
    assert_eq!(letters.len(), 13);
    assert_eq!(letters[0]["cause"], "Xero refused it");
    assert_eq!(list().await.len(), 13, "who looks gives them back");
    let of = |body: &str| {
        let letter = letters.iter().find(|letter| letter["message"] == body).unwrap();
        letter["id"].as_str().unwrap().to_owned()
    };

    let unknown = stack.ask(&["dead-letters", "drop", &of("work 3"), "nobody"]).await;
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert_eq!(list().await.len(), 13, "with a wrong one nothing is done");
    let again = stack.ask(&["dead-letters", "retry", &of("work 11"), &of("an event")]).await;
    assert_eq!(again.code, 0, "{again:?}");
    let dropped = stack.ask(&["dead-letters", "drop", &of("work 3")]).await;
    assert_eq!(dropped.code, 0, "{dropped:?}");
    assert_eq!(list().await.len(), 10);
    let bodies =
        |queue: &str| -> Vec<String> { stack.aws.queued(queue).into_iter().map(|sent| sent.body).collect() };
    assert_eq!(bodies("work"), ["work 11"]);
    assert_eq!(bodies("events"), ["an event"]);
}

#[tokio::test]
async fn what_keeps_from_reaching_a_stack_is_said_with_what_to_do() {
    let stack = Stack::described().await;
    let keys = [("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")];
    let asked = ["positions", "--stack", "shop"];
    let said = |ended: &Ended, code: i32, words: &[&str]| {
        assert_eq!(ended.code, code, "{ended:?}");
        for word in words {
            assert!(ended.talk.contains(word), "{word}: {ended:?}");
        }
    };

    let no_region = stack.run(&asked, &keys).await;
    said(&no_region, 2, &["AWS_REGION"]);
    let no_credentials = stack.run(&asked, &[("AWS_REGION", "eu-west-1")]).await;
    said(&no_credentials, 2, &["no AWS credentials", "AWS_PROFILE", "export-credentials"]);
    let both = stack.ask(&["positions", "--stack", "shop", "--data", "somewhere"]).await;
    said(&both, 2, &["--stack", "--data"]);
    let elsewhere = stack.ask(&["positions", "--stack", "other"]).await;
    said(&elsewhere, 2, &["no stack `other`", "eu-west-1", "123456789012", "AWS_REGION"]);
    let nothing_connected = stack.ask(&["positions"]).await;
    said(&nothing_connected, 2, &["no organisation is connected", "parstock doctor"]);

    for (code, message, words) in [
        ("ExpiredToken", "The security token included in the request is expired", "have expired"),
        ("InvalidClientTokenId", "The security token included in the request is invalid", "does not know"),
        ("SignatureDoesNotMatch", "Signature expired: 1 is now earlier than 2", "clock"),
        ("AccessDenied", "User: jane is not authorized", "may not"),
    ] {
        stack.aws.ground(|ground| ground.refused = Some((code, message)));
        said(&stack.ask(&["positions"]).await, 2, &[words]);
    }
    stack.aws.ground(|ground| ground.refused = None);

    stack.aws.ground(|ground| ground.state = "ROLLBACK_COMPLETE");
    said(&stack.ask(&["positions"]).await, 3, &["ROLLBACK_COMPLETE", "deploy again"]);
    stack.aws.ground(|ground| {
        ground.state = "CREATE_COMPLETE";
        ground.outputs.remove("Table");
    });
    said(&stack.ask(&["positions"]).await, 2, &["no output Table"]);
}

#[tokio::test]
async fn the_doctor_finds_nothing_wrong_with_a_sane_stack_and_names_what_is_broken() {
    let stack = Stack::described().await;
    let before = stack.ask(&["doctor", "--json"]).await;
    assert_eq!(before.code, 0, "{before:?}");
    let mut processor = stack.start("parstock-processor").await;
    stack.connect(&mut processor).await;
    let grades = |ended: &Ended| -> BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let all = ended.json()["findings"].as_array().unwrap().clone();
        all.iter().map(|finding| (text(&finding["check"]), text(&finding["grade"]))).collect()
    };
    let sane = stack.ask(&["doctor", "--json"]).await;
    assert_eq!(sane.code, 0, "{sane:?}");
    assert!(grades(&sane).values().all(|grade| grade != "failed"), "{sane:?}");
    for check in [
        "stack",
        "table",
        "webhook key",
        "console secret",
        "alarms",
        "Xero by main",
        "clock",
        "queue effects",
    ] {
        assert_eq!(grades(&sane).get(check).map(String::as_str), Some("ok"), "{check}: {sane:?}");
    }
    let settings = stack.shop.settings();
    let secrets = ["signs sessions", &settings.client_secret, &settings.webhook_key];
    for secret in secrets {
        let talk = stack.ask(&["doctor"]).await;
        assert!(!talk.result.contains(secret), "a secret is shown: {talk:?}");
    }

    let broken = async |check: &str, grade: &str| {
        let ended = stack.ask(&["doctor", "--json"]).await;
        assert_eq!(grades(&ended).get(check).map(String::as_str), Some(grade), "{check}: {ended:?}");
        assert_eq!(ended.code, i32::from(grade == "failed"), "{check}: {ended:?}");
    };
    stack.aws.ground(|ground| ground.table_state = "DELETING");
    broken("table", "failed").await;
    stack.aws.ground(|ground| {
        ground.table_state = "ACTIVE";
        ground.protected = false;
        ground.recovery = "DISABLED";
        ground.expiry = "DISABLED";
        ground.production = false;
    });
    for check in ["deletion protection", "point-in-time recovery", "expiry of rows", "mail account"] {
        broken(check, "warning").await;
    }
    stack.aws.ground(|ground| ground.verified = Some(false));
    broken("sender parstock@example.com", "failed").await;
    stack.aws.ground(|ground| ground.verified = None);
    broken("sender parstock@example.com", "failed").await;
    stack.aws.ground(|ground| {
        ground.verified = Some(true);
        ground.subscribed = (0, 1);
    });
    broken("alarm recipients", "failed").await;
    stack.aws.ground(|ground| {
        ground.subscribed = (1, 0);
        ground.alarms[0].1 = "ALARM";
    });
    broken("alarms", "failed").await;
    let told = stack.ask(&["doctor"]).await.result;
    assert!(told.contains("shop-DeadLettersAlarm-1") && !told.contains("shop-DigestMissedAlarm-2"), "{told}");
    stack.aws.ground(|ground| ground.alarms.clear());
    broken("alarms", "failed").await;
    stack.aws.ground(|ground| ground.alarms = vec![("shop-DeadLettersAlarm-1", "OK")]);
    stack.aws.put("effects-dead", "{}", "a cause");
    broken("dead letters", "failed").await;
    assert_eq!(stack.aws.receive("effects-dead").len(), 1);
    stack.aws.keep_secret("parstock/shop/webhook-keys", &json!({"key": "not a list"}));
    broken("webhook key", "failed").await;
    stack.aws.keep_secret("parstock/shop/webhook-keys", &json!(["a key"]));
    stack.aws.forget_secret("parstock/shop/console");
    broken("console secret", "failed").await;
    stack.aws.keep_secret("parstock/shop/console", &json!({"key": "signs sessions"}));
    stack.aws.forget_secret("parstock/shop/connections/main/credentials");
    broken("credentials of main", "failed").await;

    stack.aws.ground(|ground| ground.state = "UPDATE_ROLLBACK_FAILED");
    let unusable = stack.ask(&["doctor"]).await;
    assert_eq!(unusable.code, 1, "{unusable:?}");
    assert!(unusable.result.contains("UPDATE_ROLLBACK_FAILED"), "{unusable:?}");
    let nowhere = stack.ask(&["doctor", "--stack", "other"]).await;
    assert_eq!(nowhere.code, 2, "{nowhere:?}");
}

//! `--org live` from outside: the program itself against the simulated Xero on a port of this machine, by the
//! machine's clock, from the first start on; with all that goes wrong on the way.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]
#![expect(clippy::disallowed_methods, reason = "a live connection runs by the machine's clock")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use parstock_local::clock::LocalClock;
use parstock_tests::corner_shop;
use parstock_xero_sim::act::{Act, DocumentKind, E4, TimedAct};
use parstock_xero_sim::{Settings, World, router};
use serde_json::Value;

use super::program::{Running, ended, parstock, serve, until};

/// Xero gives up a webhook after this.
const WEBHOOK_ANSWER_MAX: Duration = Duration::from_secs(5);
/// Invoices that Xero holds before parstock comes.
const HISTORY: usize = 150;

/// A simulated Xero with a corner shop's books, on a thread and a runtime of its own.
struct Xero {
    world: Arc<Mutex<World>>,
    base: String,
}

impl Xero {
    fn serve(seed: u64, name: &str, day_limit: u32) -> Self {
        let settings = Settings { day_limit, ..Settings::development(seed) };
        let mut world = World::open(None, seed, settings).unwrap();
        let at = Timestamp::now() - 2.hours();
        let acts = books(name).into_iter().map(|act| TimedAct { at, act }).collect::<Vec<_>>();
        world.apply_history(&acts).unwrap();
        let world = Arc::new(Mutex::new(world));
        let base = serve(router(Arc::clone(&world), Arc::new(LocalClock::Wall)));
        Self { world, base }
    }

    fn settings(&self) -> Settings {
        self.world.lock().unwrap().settings().clone()
    }

    /// Somebody sells bags, and Xero tells: bodies and signatures of its webhooks.
    fn sell(&self, number: &str, quantity: i64) -> Vec<(Vec<u8>, String)> {
        let mut world = self.world.lock().unwrap();
        let now = Timestamp::now();
        world.apply(now, &sale(number, quantity, today())).unwrap();
        let mut told = Vec::new();
        while let Some(due) = world.next_due() {
            let at = due.max(now);
            for delivery in world.take_due_deliveries(at).unwrap() {
                world.delivery_answered(delivery.id, Some(200), at).unwrap();
                told.push((delivery.body, delivery.signature));
            }
        }
        told
    }
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::get("Australia/Sydney").unwrap()).date()
}

fn sale(number: &str, quantity: i64, date: Date) -> Act {
    corner_shop::document(DocumentKind::Invoice, number, corner_shop::UNTRACKED, E4::whole(quantity), date)
}

fn books(name: &str) -> Vec<Act> {
    let day = today() - 30.days();
    let mut acts = corner_shop::set_up(name);
    acts.extend((0..HISTORY).map(|number| sale(&format!("OLD-{number}"), 1, day)));
    acts
}

fn live(data: &Path) -> Command {
    parstock(&["run", "--org", "live", "--console-port", "0", "--webhook-port", "0"], data)
}

fn at(command: &mut Command, base: &str) {
    command.env("XERO_API_URL", format!("{base}/api.xro/2.0")).env("XERO_IDENTITY_URL", base);
}

fn with_credentials(command: &mut Command, xero: &Xero) {
    let settings = xero.settings();
    at(command, &xero.base);
    command
        .env("XERO_CLIENT_ID", settings.client_id)
        .env("XERO_CLIENT_SECRET", settings.client_secret)
        .env("XERO_WEBHOOK_KEY", settings.webhook_key);
}

/// `parstock run` on its way.
fn run(command: Command) -> Running {
    Running::start(command, Stdio::null())
}

fn webhooks(running: &Running) -> String {
    let line = running.says("Webhooks: POST ");
    line.trim_start_matches("Webhooks: POST ").split(' ').next().unwrap().to_owned()
}

fn signal(running: &Running, name: &str) {
    let done = Command::new("kill").arg(name).arg(running.child.id().to_string()).status().unwrap();
    assert!(done.success());
}

fn asked(arguments: &[&str], data: &Path) -> Value {
    let mut all = arguments.to_vec();
    all.push("--json");
    let (code, out, talk) = ended(parstock(&all, data));
    assert_eq!(code, 0, "{arguments:?}: {talk}");
    serde_json::from_str(&out).unwrap()
}

fn bags(data: &Path) -> Value {
    asked(&["positions", "BAG"], data)[0]["on_hand"].clone()
}

fn bags_are(data: &Path, wanted: &str) {
    until(&format!("{wanted} bags are there"), || {
        let found = bags(data);
        if found == wanted { Ok(()) } else { Err(found.to_string()) }
    });
}

async fn post(url: &str, body: &[u8], signature: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().timeout(WEBHOOK_ANSWER_MAX).build().unwrap();
    let request = client.post(url).header("x-xero-signature", signature).body(body.to_vec());
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn what_is_missing_or_wrong_at_the_first_start_is_said_and_nothing_is_kept_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let xero = Xero::serve(11, "Corner Shop", 1_000);

    let (code, _, talk) = ended(live(data));
    assert_eq!(code, 2, "{talk}");
    assert!(talk.contains("XERO_CLIENT_ID") && talk.contains("XERO_CLIENT_SECRET"), "{talk}");

    let mut unreachable = live(data);
    with_credentials(&mut unreachable, &xero);
    at(&mut unreachable, "http://127.0.0.1:9");
    let (code, _, talk) = ended(unreachable);
    assert_eq!(code, 3, "{talk}");

    let mut wrong = live(data);
    with_credentials(&mut wrong, &xero);
    wrong.env("XERO_CLIENT_SECRET", "canary-wrong");
    let (code, _, talk) = ended(wrong);
    assert_eq!(code, 2, "{talk}");
    assert!(!talk.contains("canary-wrong"), "{talk}");

    let (code, _, talk) = ended(live(data));
    assert_eq!(code, 2, "the wrong secret was kept: {talk}");
    // and the folder is for anything still
    let demo = run(parstock(&["run", "--console-port", "0"], data));
    demo.says("writing 18 months");
}

#[tokio::test]
async fn a_shop_is_loaded_told_by_webhooks_killed_and_goes_on_and_other_books_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let xero = Xero::serve(12, "Corner Shop", 1_000);
    let mut first = live(data);
    with_credentials(&mut first, &xero);
    let mut running = run(first);
    running.says("Corner Shop is connected");
    running.says("Nobody hears");
    let webhooks = webhooks(&running);

    // while the history is read, webhooks are answered
    while !running.all().contains("the history is whole") {
        assert_eq!(post(&webhooks, b"{}", "no signature").await, 401);
        assert_eq!(running.child.try_wait().unwrap(), None, "{}", running.all());
    }
    running.says(&format!("the history is whole: {HISTORY} documents"));

    // a count for what only a person knows
    assert_eq!(bags(data), Value::Null, "nobody counted");
    let counts = folder.path().join("counts.csv");
    std::fs::write(
        &counts,
        format!("item,location,as_of,quantity,unit_cost\nBAG,,{},{},1\n", today() - 31.days(), HISTORY + 100),
    )
    .unwrap();
    asked(&["stock", "import", counts.to_str().unwrap()], data);
    bags_are(data, "100");

    // a sale is told, badly signed, rightly, twice
    for (body, signature) in xero.sell("NEW-1", 3) {
        let mut forged = body.clone();
        *forged.last_mut().unwrap() ^= 1;
        assert_eq!(post(&webhooks, &forged, &signature).await, 401);
        for _ in 0..2 {
            assert_eq!(post(&webhooks, &body, &signature).await, 200);
        }
    }
    bags_are(data, "97");

    // it is killed with a webhook in its hands, and the next start books it, once
    for (body, signature) in xero.sell("NEW-2", 5) {
        assert_eq!(post(&webhooks, &body, &signature).await, 200);
    }
    running.kill();
    let mut again = live(data);
    at(&mut again, &xero.base);
    let running = run(again);
    running.says("Corner Shop is connected");
    bags_are(data, "92");
    let movements = asked(&["item", "BAG"], data)["movements"].clone();
    let new = |number: &str| {
        movements.as_array().unwrap().iter().filter(|movement| movement["number"] == number).count()
    };
    assert_eq!((new("NEW-1"), new("NEW-2")), (1, 1), "{movements}");
    assert_eq!(asked(&["audit", "verify"], data)["whole"], true);

    // the system asks it to end
    signal(&running, "-TERM");
    running.says("ended");
    let mut running = running;
    assert_eq!(running.waited(), 0);

    // neither a wrong secret nor another shop's gets in, and the right one is kept
    let other = Xero::serve(13, "Other Shop", 1_000);
    let mut wrong = live(data);
    with_credentials(&mut wrong, &xero);
    wrong.env("XERO_CLIENT_SECRET", "canary-wrong");
    assert_eq!(ended(wrong).0, 2);
    let mut elsewhere = live(data);
    with_credentials(&mut elsewhere, &other);
    let (code, _, talk) = ended(elsewhere);
    assert_eq!(code, 2, "{talk}");
    assert!(talk.contains("Corner Shop") && talk.contains("Other Shop") && talk.contains("--data"), "{talk}");
    let (code, _, talk) = ended(parstock(&["run"], data));
    assert_eq!(code, 2, "{talk}");
    assert!(talk.contains("--org live"), "{talk}");
    let mut right = live(data);
    at(&mut right, &xero.base);
    let running = run(right);
    running.says("Corner Shop is connected");
    bags_are(data, "92");
    drop(running);
}

#[tokio::test]
async fn a_used_up_day_is_told_with_the_hour_at_which_it_goes_on_and_one_ctrl_c_ends() {
    let folder = tempfile::tempdir().unwrap();
    let xero = Xero::serve(14, "Corner Shop", 4);
    let mut command = live(folder.path());
    with_credentials(&mut command, &xero);
    let mut running = run(command);
    running.says("Corner Shop is connected");
    let told = running.says("waits");
    assert!(told.contains("calls of the day") && told.contains("it goes on at"), "{told}");
    signal(&running, "-INT");
    running.says("ended");
    assert_eq!(running.waited(), 0);
}

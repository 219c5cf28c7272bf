//! `parstock connect` and `parstock connections` from outside: the program itself against the simulated Xero, with a browser
//! that follows where it is sent.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop where it stands")]
#![expect(clippy::disallowed_methods, reason = "a live connection runs by the machine's clock")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use jiff::{Timestamp, ToSpan};
use parstock_local::clock::LocalClock;
use parstock_xero_sim::act::{Act, Organisation, TimedAct};
use parstock_xero_sim::{Consent, Given, Settings, World, router_of};
use serde_json::Value;
use uuid::Uuid;

use super::program::{DEADLINE, Running, ended, parstock, serve};

/// A simulated Xero on a thread and a runtime of its own: one app, and the organisations of these names.
struct Xero {
    world: Arc<Mutex<World>>,
    tenants: Vec<Uuid>,
    base: String,
}

impl Xero {
    fn serve(seed: u64, names: &[&str]) -> Self {
        let settings = Settings { consent: Consent::Given(Given::default()), ..Settings::development(seed) };
        let at = Timestamp::now() - 2.hours();
        let worlds: Vec<Arc<Mutex<World>>> = (seed..)
            .zip(names)
            .map(|(seed, name)| {
                let mut world = World::open(None, seed, settings.clone()).unwrap();
                let act = Act::SetUpOrganisation(Organisation {
                    name: (*name).to_owned(),
                    time_zone: "AUSEASTERNSTANDARDTIME".to_owned(),
                    base_currency: "AUD".to_owned(),
                    country: "AU".to_owned(),
                    period_lock_date: None,
                    end_of_year_lock_date: None,
                    tax_rates: Vec::new(),
                });
                world.apply_history(&[TimedAct { at, act }]).unwrap();
                Arc::new(Mutex::new(world))
            })
            .collect();
        let tenants = worlds.iter().map(|world| world.lock().unwrap().tenant_id().unwrap()).collect();
        let base = serve(router_of(Arc::clone(&worlds[0]), worlds[1..].into(), Arc::new(LocalClock::Wall)));
        Self { world: Arc::clone(&worlds[0]), tenants, base }
    }

    fn consents(&self, consent: Consent) {
        self.world.lock().unwrap().set_consent(consent);
    }

    /// `parstock`, led to this Xero.
    fn parstock(&self, arguments: &[&str], data: &Path) -> Command {
        let mut command = parstock(arguments, data);
        command
            .env("XERO_API_URL", format!("{}/api.xro/2.0", self.base))
            .env("XERO_IDENTITY_URL", &self.base)
            .env("XERO_LOGIN_URL", &self.base)
            .env("XERO_CONNECTIONS_URL", format!("{}/connections", self.base));
        command
    }

    /// `parstock connect` with the app's credentials, listening at a free port.
    fn connect(&self, more: &[&str], data: &Path) -> Connecting {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port().to_string();
        let mut arguments = vec!["connect", "--print", "--port", &port];
        arguments.extend(more);
        let mut command = self.parstock(&arguments, data);
        let settings = self.world.lock().unwrap().settings().clone();
        command.env("XERO_CLIENT_ID", settings.client_id).env("XERO_CLIENT_SECRET", settings.client_secret);
        Connecting { running: Running::start(command, Stdio::piped()), port }
    }
}

struct Connecting {
    running: Running,
    port: String,
}

impl Connecting {
    fn address(&self) -> String {
        self.running.says("/identity/connect/authorize").trim().to_owned()
    }

    /// Opens the printed address as a browser does, and answers the last page.
    async fn consent(&self) -> (u16, String) {
        open(&self.address()).await
    }
}

async fn open(address: &str) -> (u16, String) {
    let browser = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap();
    let page = browser.get(address).send().await.unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}

fn listed(xero: &Xero, data: &Path, code: i32) -> Value {
    let (ended_with, out, talk) = ended(xero.parstock(&["connections", "--test", "--json"], data));
    assert_eq!(ended_with, code, "{out}{talk}");
    serde_json::from_str::<Value>(&out).unwrap()[0].clone()
}

#[tokio::test]
async fn a_person_consents_in_the_browser_runs_looks_and_removes_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let xero = Xero::serve(21, &["Corner Shop"]);
    let connecting = xero.connect(&[], data);
    assert!(connecting.address().contains(&format!("localhost%3A{}%2Fcallback", connecting.port)));
    let (status, page) = connecting.consent().await;
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("Corner Shop is connected") && page.contains("close this page"), "{page}");
    let (code, out, talk) = connecting.running.ends();
    assert_eq!((code, out.as_str()), (0, "Corner Shop is connected\n"), "{talk}");

    // what it kept is enough, here and in the next process
    let mut run =
        xero.parstock(&["run", "--org", "live", "--console-port", "0", "--webhook-port", "0"], data);
    run.env("PARSTOCK_LOG", "trace");
    let running = Running::start(run, Stdio::piped());
    running.says("Corner Shop is connected");
    running.says("the history is whole");
    let one = listed(&xero, data, 0);
    assert_eq!((&one["kind"], &one["organisation"]), (&"consent".into(), &"Corner Shop".into()));
    assert_eq!(one["test"]["said"], "reaches Corner Shop");
    assert_eq!(one["tenant_id"], xero.tenants[0].to_string());
    assert!(one["scopes"].as_array().unwrap().contains(&"accounting.invoices".into()), "{one}");
    assert!(one["token_issued_at"].is_string() && one["your_turn"].is_null(), "{one}");

    // a recording takes the same tokens, through the running process
    let out = folder.path().join("recording");
    let record = ["xero", "record", "--out", out.to_str().unwrap()];
    let (code, told, talk) = ended(xero.parstock(&record, data));
    assert_eq!(code, 0, "{told}{talk}");
    assert!(told.contains("recorded a demo company (AU)"), "{told}");
    let about: Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("about.json")).unwrap()).unwrap();
    assert_eq!(about["country"], "AU", "{about}");
    let items: Value =
        serde_json::from_str(&std::fs::read_to_string(out.join("items.json")).unwrap()).unwrap();
    assert_eq!(items["status"], 200, "{items}");

    // connecting again while it runs goes through the running process
    let again = xero.connect(&[], data);
    assert_eq!(again.consent().await.0, 200);
    assert_eq!(again.running.ends().0, 0);
    listed(&xero, data, 0);
    let logged = running.all();
    for secret in ["refresh_token=", "code=", xero.world.lock().unwrap().settings().client_secret.as_str()] {
        assert!(!logged.contains(secret), "{secret}");
    }
    drop(running);

    let (code, _, talk) = ended(xero.parstock(&["connections", "remove", "corner shop"], data));
    assert_eq!(code, 1, "{talk}");
    assert!(talk.contains("nothing was removed") && talk.contains("--yes"), "{talk}");
    assert_eq!(listed(&xero, data, 0)["test"]["works"], true);
    let (code, _, talk) = ended(xero.parstock(&["connections", "remove", "No Shop", "--yes"], data));
    assert_eq!(code, 2, "{talk}");
    let (code, out, talk) = ended(xero.parstock(&["connections", "remove", "corner shop", "--yes"], data));
    assert_eq!(code, 0, "{talk}");
    assert!(out.contains("Corner Shop is removed") && talk.contains("revoked"), "{out}{talk}");
    let (code, out, talk) = ended(xero.parstock(&["connections"], data));
    assert_eq!((code, out.as_str()), (0, ""), "{talk}");
    assert!(talk.contains("parstock connect"), "{talk}");
    let (code, _, talk) = ended(xero.parstock(&["run", "--org", "live"], data));
    assert_eq!(code, 2, "{talk}");
    assert!(talk.contains("parstock connect"), "{talk}");
    // and it may be connected again
    let again = xero.connect(&[], data);
    assert_eq!(again.consent().await.0, 200);
    assert_eq!(again.running.ends().0, 0);
    listed(&xero, data, 0);
}

#[tokio::test]
async fn a_denied_consent_a_wrong_state_and_a_taken_port_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let xero = Xero::serve(31, &["Corner Shop"]);

    let (code, _, talk) = ended(xero.parstock(&["connect", "--print"], data));
    assert_eq!(code, 2, "{talk}");
    assert!(talk.contains("XERO_CLIENT_ID") && talk.contains("http://localhost:4103/callback"), "{talk}");

    xero.consents(Consent::Denied);
    let connecting = xero.connect(&[], data);
    let (status, page) = connecting.consent().await;
    assert_eq!(status, 400);
    assert!(page.contains("Nothing was connected") && page.contains("not allowed"), "{page}");
    let (code, _, talk) = connecting.running.ends();
    assert_eq!(code, 2, "{talk}");
    assert!(talk.contains("not allowed"), "{talk}");

    // an answer to another question changes nothing, and the right one still counts
    xero.consents(Consent::Given(Given::default()));
    let connecting = xero.connect(&[], data);
    let forged = format!("http://localhost:{}/callback?code=canary&state=another", connecting.port);
    connecting.address();
    let (status, page) = open(&forged).await;
    assert_eq!(status, 400);
    assert!(page.contains("another attempt"), "{page}");
    connecting.running.says("wrong state");
    assert_eq!(connecting.consent().await.0, 200);
    let (code, _, talk) = connecting.running.ends();
    assert_eq!(code, 0, "{talk}");
    assert!(!talk.contains("canary"), "{talk}");

    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, _, talk) = ended(xero.parstock(&["connect", "--print", "--port", &port], data));
    assert_eq!(code, 3, "{talk}");
    assert!(talk.contains(&format!("port {port}")) && talk.contains("--port"), "{talk}");

    // a code that Xero does not take
    let connecting = xero.connect(&[], data);
    let address = connecting.address();
    let state = address.split("state=").nth(1).unwrap();
    let spent = format!("http://localhost:{}/callback?code=canary&state={state}", connecting.port);
    assert_eq!(open(&spent).await.0, 400);
    let (code, _, talk) = connecting.running.ends();
    assert_eq!(code, 2, "{talk}");
    assert!(talk.contains("did not take the code") && !talk.contains("canary"), "{talk}");
}

#[tokio::test]
async fn one_of_several_organisations_is_named_and_a_folder_never_changes_its_books() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let xero = Xero::serve(41, &["Corner Shop", "Other Shop"]);
    xero.consents(Consent::Given(Given { organisations: xero.tenants.clone(), without: Vec::new() }));
    let connecting = xero.connect(&[], data);
    assert_eq!(connecting.consent().await.0, 400);
    let (code, _, talk) = connecting.running.ends();
    assert_eq!(code, 2, "{talk}");
    for word in ["Corner Shop", "Other Shop", "--organisation"] {
        assert!(talk.contains(word), "{word}: {talk}");
    }
    let connecting = xero.connect(&["--organisation", "other shop"], data);
    let (status, page) = connecting.consent().await;
    assert_eq!(status, 200);
    assert!(page.contains("Other Shop is connected"), "{page}");
    assert_eq!(connecting.running.ends().0, 0);
    let live = ["run", "--org", "live", "--console-port", "0", "--webhook-port", "0"];
    let running = Running::start(xero.parstock(&live, data), Stdio::piped());
    running.says("Other Shop is connected");

    // another organisation's consent is refused, by the running process too
    let connecting = xero.connect(&["--organisation", "Corner Shop"], data);
    let (status, page) = connecting.consent().await;
    assert_eq!(status, 400, "{page}");
    let (code, _, talk) = connecting.running.ends();
    assert_eq!(code, 2, "{talk}");
    assert!(talk.contains("holds the books of Other Shop") && talk.contains("--data"), "{talk}");
    drop(running);
    assert_eq!(listed(&xero, data, 0)["test"]["said"], "reaches Other Shop");

    // removing one leaves the other connected in Xero
    let (code, _, talk) = ended(xero.parstock(&["connections", "remove", "xero", "--yes"], data));
    assert_eq!(code, 0, "{talk}");
    assert!(talk.contains("connected Corner Shop too"), "{talk}");
}

#[tokio::test]
async fn what_a_consent_lacks_is_named_and_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let xero = Xero::serve(51, &["Corner Shop"]);
    let without = vec!["accounting.contacts".to_owned(), "accounting.attachments".to_owned()];
    xero.consents(Consent::Given(Given { organisations: Vec::new(), without }));
    let connecting = xero.connect(&[], data);
    let (status, page) = connecting.consent().await;
    assert_eq!(status, 200);
    let (code, _, talk) = connecting.running.ends();
    assert_eq!(code, 0, "{talk}");
    for said in [&page, &talk] {
        assert!(said.contains("accounting.contacts") && said.contains("accounting.attachments"), "{said}");
        assert!(!said.contains("`accounting.invoices`"), "{said}");
    }
    let one = listed(&xero, data, 1);
    assert!(one["your_turn"].as_str().unwrap().contains("`accounting.contacts`"), "{one}");
    let live = ["run", "--org", "live", "--console-port", "0", "--webhook-port", "0"];
    let running = Running::start(xero.parstock(&live, data), Stdio::piped());
    running.says("The consent lacks `accounting.contacts`");
    drop(running);
    xero.consents(Consent::Given(Given::default()));
    let connecting = xero.connect(&[], data);
    assert_eq!(connecting.consent().await.0, 200);
    assert_eq!(connecting.running.ends().0, 0);
    assert!(listed(&xero, data, 0)["your_turn"].is_null());

    // revoked: said, with what to do
    xero.world.lock().unwrap().disconnect_app(xero.tenants[0]).unwrap();
    let one = listed(&xero, data, 3);
    assert!(one["test"]["said"].as_str().unwrap().contains("parstock connect"), "{one}");
}

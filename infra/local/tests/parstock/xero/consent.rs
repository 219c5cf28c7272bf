//! A consent that ends while parstock runs: Xero is asked once, and so is the owner; a new one goes on.

use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use parstock_adapters::config::ConsentAddresses;
use parstock_adapters::consent::App;
use parstock_adapters::vault::Credentials;
use parstock_app::load;
use parstock_app::ports::{Books, Ports};
use parstock_app::records::{Key, Owner, Profile};
use parstock_domain::fixed::Quantity;
use parstock_local::ask::{Ask, answer_in_folder};
use parstock_local::clock::LocalClock;
use parstock_local::commands::connect::Kept;
use parstock_local::driver::{CONNECTION, Driver};
use parstock_local::error::LocalError;
use parstock_local::place::Place;
use parstock_local::recording::http::{Budget, HttpCaller};
use parstock_local::recording::script::Method;
use parstock_local::recording::{self, Caller, RawAnswer};
use parstock_local::start;
use parstock_local::tell::Teller;
use parstock_local::trade::NoTrade;
use parstock_tests::corner_shop;
use parstock_xero::{ConsentApp, XeroConfig, http_client};
use parstock_xero_sim::act::{DocumentKind, E4};
use parstock_xero_sim::{ApiFault, Consent, Given};

use secrecy::SecretString;
use uuid::Uuid;

use super::shop::{MONDAY, Shop};

const REDIRECT: &str = "http://localhost:4103/callback";

/// The owner consents at the shop's Xero, and parstock keeps it.
async fn connect(shop: &Shop) {
    connect_without(shop, &[]).await;
}

/// The same, but some scopes that are asked for are not granted.
async fn connect_without(shop: &Shop, scopes: &[&str]) {
    let base = shop.base();
    let without = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let settings = {
        let mut world = shop.world.lock().unwrap();
        world.set_consent(Consent::Given(Given { without, ..Given::default() }));
        world.settings().clone()
    };
    let config = XeroConfig::new(settings.client_id.clone(), settings.client_secret.clone().into())
        .unwrap()
        .with_identity_url(base)
        .unwrap()
        .with_scopes([
            "accounting.invoices",
            "accounting.settings",
            "accounting.contacts",
            "accounting.banktransactions.read",
        ]);
    let http = http_client(&[base]).unwrap();
    let app = ConsentApp::new(config, http.clone())
        .unwrap()
        .with_login_url(base)
        .unwrap()
        .with_connections_url(&format!("{base}/connections"))
        .unwrap();
    let sent = http.get(app.authorize_url(REDIRECT, "state")).send().await.unwrap();
    let to = sent.headers()["location"].to_str().unwrap().to_owned();
    let code = to.split(['=', '&']).nth(1).unwrap().to_owned();
    let now = shop.ports.clock.now();
    let token = app.exchange(&code.into(), REDIRECT, now).await.unwrap();
    let tenant = app.tenants(&token, now).await.unwrap().remove(0);
    let kept = Kept {
        client_id: settings.client_id,
        client_secret: settings.client_secret.into(),
        tenant: tenant.tenant_id,
        organisation: shop.org.0,
        name: tenant.tenant_name.unwrap(),
        access: token.access,
        expires_at: token.expires_at,
        refresh: token.renewal.unwrap().refresh,
        issued_at: token.issued_at,
        scopes: token.scopes,
    };
    answer_in_folder(&shop.ports, &Ask::Connect(Box::new(kept))).await.unwrap();
}

struct Story {
    shop: Shop,
    driver: Driver<NoTrade>,
    teller: Teller,
}

impl Story {
    /// Lives on for some hours; what was said meanwhile.
    async fn hours(&mut self, hours: i64) -> Vec<String> {
        let until = self.shop.ports.clock.now() + hours.hours();
        let mut said = Vec::new();
        loop {
            let (at, kind) = self.driver.next().unwrap();
            if at >= until {
                return said;
            }
            let done = self.driver.step(at, kind).await.unwrap();
            said.extend(self.teller.troubles(&done).await.unwrap());
        }
    }

    fn calls(&self, of: &str) -> u64 {
        self.shop.world.lock().unwrap().audit().calls.get(of).copied().unwrap_or(0)
    }

    async fn needs_person(&self) -> Option<String> {
        let owner = Owner::Org(self.shop.org);
        let profile = load::one::<Profile>(self.shop.ports.store(), owner, Key::Profile).await.unwrap();
        profile.unwrap().content.needs_person
    }
}

async fn connected() -> Story {
    let shop = Shop::open().await;
    connect(&shop).await;
    let driver = shop.driver();
    let teller = Teller::new(shop.ports.clone(), shop.org).await.unwrap();
    let mut story = Story { shop, driver, teller };
    // the access token is renewed many times
    let said = story.hours(12).await;
    assert_eq!((said.len(), story.needs_person().await), (0, None), "{said:?}");
    assert!(story.calls("POST token") > 10, "{}", story.calls("POST token"));
    story
}

#[tokio::test]
async fn a_revoked_consent_is_asked_about_and_told_once_and_a_new_one_goes_on() {
    let mut story = connected().await;
    let shop = &story.shop;
    let settings = shop.world.lock().unwrap().settings().clone();
    let app = ConsentApp::new(
        XeroConfig::new(settings.client_id, settings.client_secret.into())
            .unwrap()
            .with_identity_url(shop.base())
            .unwrap(),
        http_client(&[shop.base()]).unwrap(),
    )
    .unwrap();
    let kept = parstock_xero::TokenStore::load(&start::tokens(&shop.ports)).await.unwrap().unwrap();
    app.revoke(&kept, shop.ports.clock.now()).await.unwrap();
    let before = story.calls("POST token");
    let said = story.hours(12).await;
    let told: Vec<&String> = said.iter().filter(|line| line.contains("your turn")).collect();
    // while its access token lasts, its calls are refused as those of a disconnected organisation; then the consent itself
    // is found to have ended
    assert!((1..=2).contains(&told.len()), "{said:#?}");
    assert!(told.iter().all(|line| line.contains("parstock connect")), "{said:#?}");
    assert!(story.needs_person().await.unwrap().contains("consent to use this organisation has ended"));
    assert_eq!(story.calls("POST token"), before + 1, "Xero was asked once, not at every poll");

    connect(&story.shop).await;
    let said = story.hours(1).await;
    assert!(said.iter().any(|line| line.contains("goes on")), "{said:#?}");
    assert_eq!(story.needs_person().await, None);
}

#[tokio::test]
async fn a_disconnected_organisation_is_told_once_and_not_at_every_poll() {
    let mut story = connected().await;
    let tenant = story.shop.world.lock().unwrap().tenant_id().unwrap();
    story.shop.world.lock().unwrap().disconnect_app(tenant).unwrap();
    let said = story.hours(12).await;
    let told: Vec<&String> = said.iter().filter(|line| line.contains("your turn")).collect();
    assert_eq!(told.len(), 1, "{said:#?}");
    assert!(told[0].contains("no longer connected") && told[0].contains("parstock connect"), "{told:?}");
    connect(&story.shop).await;
    story.hours(1).await;
    assert_eq!(story.needs_person().await, None);
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_poll_is_renewed_once_and_nothing_is_told() {
    let mut story = connected().await;
    let before = story.calls("POST token");
    story.shop.sell("INV-1", "BAG", E4::ONE);
    {
        let mut world = story.shop.world.lock().unwrap();
        world.script_call_after(1, ApiFault::TokenExpired);
    }
    let said = story.hours(1).await;
    assert_eq!((said.len(), story.needs_person().await), (0, None), "{said:?}");
    assert_eq!(story.shop.stock("BAG").await, Quantity::from_e4(-10_000));
    // and once or twice since the time of a token is over
    let renewed = story.calls("POST token") - before;
    assert!((2..=4).contains(&renewed), "{renewed}");
}

#[tokio::test]
async fn a_scope_that_the_consent_lacks_is_told_with_its_name_and_holds_up_nothing_else() {
    let mut story = connected().await;
    connect_without(&story.shop, &["accounting.banktransactions.read"]).await;
    story.shop.sell("INV-1", "BAG", E4::ONE);
    story.shop.apply(&corner_shop::document(DocumentKind::SpendMoney, "S-1", "BAG", E4::whole(5), MONDAY));
    let said = story.hours(2).await;
    let told: Vec<&String> = said.iter().filter(|line| line.contains("your turn")).collect();
    assert_eq!(told.len(), 1, "{said:#?}");
    for word in ["BankTransactions", "accounting.banktransactions.read", "parstock connect"] {
        assert!(told[0].contains(word), "{word}: {told:?}");
    }
    assert!(!told[0].contains("custom connection"), "{told:?}");
    assert!(story.shop.health().await.contains("accounting.banktransactions.read"));
    assert_eq!(story.shop.stock("BAG").await, Quantity::from_e4(-10_000), "the sale is booked");

    connect(&story.shop).await;
    story.hours(1).await;
    assert_eq!(story.needs_person().await, None);
    assert_eq!(
        story.shop.stock("BAG").await,
        Quantity::from_e4(40_000),
        "what could not be read is not lost"
    );
}

/// A caller of Xero that is slow: each call comes a third of an hour after the one before.
struct Slow<C> {
    caller: C,
    clock: Arc<LocalClock>,
    calls: usize,
}

impl<C: Caller> Caller for Slow<C> {
    async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> Result<RawAnswer, LocalError> {
        self.clock.advance_to(self.clock.now() + 20.minutes());
        self.calls += 1;
        self.caller.call(method, path, body).await
    }
}

fn slow(shop: &Shop, tenant: Uuid) -> Slow<impl Caller> {
    let settings = shop.world.lock().unwrap().settings().clone();
    let base = shop.base();
    let mut addresses = start::addresses(format!("{base}/api.xro/2.0"), base.to_owned());
    addresses.tenant = Some(tenant);
    let places =
        ConsentAddresses { login_url: base.to_owned(), connections_url: format!("{base}/connections") };
    let (id, secret): (String, SecretString) = (settings.client_id, settings.client_secret.into());
    let clock = Arc::clone(&shop.ports.clock);
    let credentials = Credentials {
        client_id: id.clone(),
        client_secret: secret.clone(),
        tenant: Some(tenant),
        token_set: None,
    };
    let budget = Budget { calls: shop.ports.budget(shop.org, &credentials), clock: Arc::clone(&clock) };
    let app = App::new(&addresses, &places, id, secret, Arc::clone(&clock)).unwrap();
    let caller = HttpCaller::over(addresses, app, start::tokens(&shop.ports), Some(budget)).unwrap();
    Slow { caller, clock, calls: 0 }
}

#[tokio::test]
async fn recordings_over_a_consent_renew_its_tokens_with_everybody_else() {
    let story = connected().await;
    let shop = &story.shop;
    let tenant = shop.world.lock().unwrap().tenant_id().unwrap();
    let before = story.calls("POST token");
    // what Xero counted of them
    let counted = |shop: &Shop| {
        let calls = shop.world.lock().unwrap().audit().calls;
        calls.iter().filter(|(kind, _)| *kind != "POST token").map(|(_, count)| count).sum::<u64>()
    };
    let counted_before = counted(shop);
    let before_left = shop.ports.books.allowance(shop.org).await.unwrap().left_today.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (slow(shop, tenant), slow(shop, tenant));
    let out = [folder.path().join("one"), folder.path().join("other")];
    let record = |caller, out| recording::record(caller, out, false, "PS-TEST", MONDAY, Duration::ZERO);
    let (first, second) = tokio::join!(record(&mut one, &out[0]), record(&mut other, &out[1]));
    assert_eq!((first.unwrap().country, second.unwrap().country), ("AU".to_owned(), "AU".to_owned()));
    let orders = std::fs::read_to_string(out[0].join("purchase-orders.json")).unwrap();
    assert!(orders.contains(r#""status": 200"#), "{orders}");
    // they are taken from the organisation's calls
    let left = shop.ports.books.allowance(shop.org).await.unwrap().left_today.unwrap();
    let counted = counted(shop) - counted_before;
    assert_eq!(u64::from(before_left - left), counted);
    // 20 minutes by each: every call may meet a token of which less is left than a call may take
    let renewed = story.calls("POST token") - before;
    let calls = u64::try_from(one.calls + other.calls).unwrap();
    assert!(renewed > calls / 3 && renewed <= calls, "{renewed} renewals in {calls} calls");
    // and none of it ended the consent
    shop.ports.books.identify(CONNECTION).await.unwrap();
    // without the tenant's name Xero would not know whose books are meant
    let (mut stranger, no) = (slow(shop, Uuid::from_u128(1)), folder.path().join("no"));
    let told = recording::record(&mut stranger, &no, false, "", MONDAY, Duration::ZERO).await;
    let told = told.unwrap_err().to_string();
    assert!(told.contains("403"), "{told}");
}

#[tokio::test]
async fn a_recording_without_calls_that_are_left_says_when_to_try_again() {
    let story = connected().await;
    let shop = &story.shop;
    let tenant = shop.world.lock().unwrap().tenant_id().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let record = async |name: &str| {
        let (mut caller, out) = (slow(shop, tenant), folder.path().join(name));
        recording::record(&mut caller, &out, false, "", MONDAY, Duration::ZERO).await.unwrap_err().to_string()
    };
    shop.world.lock().unwrap().script_call(ApiFault::LongDayLimit);
    let told = record("one").await;
    assert!(told.contains("429"), "{told}");
    let calls = |shop: &Shop| shop.world.lock().unwrap().audit().calls;
    let before = calls(shop);
    let told = record("two").await;
    assert!(
        told.contains("no calls of Xero are left before") && told.contains("record again then"),
        "{told}"
    );
    assert_eq!(calls(shop), before, "Xero is not asked");
}

#[tokio::test]
async fn a_recording_over_a_consent_that_has_ended_says_what_to_do() {
    let story = connected().await;
    let shop = &story.shop;
    let tenant = shop.world.lock().unwrap().tenant_id().unwrap();
    shop.world.lock().unwrap().disconnect_app(tenant).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut caller = slow(shop, tenant);
    let told =
        recording::record(&mut caller, &folder.path().join("one"), false, "", MONDAY, Duration::ZERO).await;
    let told = told.unwrap_err().to_string();
    assert!(told.contains("parstock connect") || told.contains("403"), "{told}");
}

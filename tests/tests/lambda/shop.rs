//! The corner shop in the simulated Xero on a port of this machine. The functions' clock is the machine's, so the
//! shop's days are counted back from today.

use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use parstock_tests::corner_shop::{document, first_bill, set_up};
use parstock_xero_sim::act::{DocumentKind, E4, TimedAct};
use parstock_xero_sim::{Consent, Delivery, Given, Settings, SimClock, World, router_of};
use tokio::net::TcpListener;
use uuid::Uuid;

const SEED: u64 = 3;

/// The machine's clock.
struct Machine;

impl SimClock for Machine {
    fn now(&self) -> Timestamp {
        now()
    }
}

fn now() -> Timestamp {
    Timestamp::now()
}

/// The shop.
pub struct Shop {
    pub address: String,
    world: Arc<Mutex<World>>,
    /// The shop's tenant id, and those of other organisations of the same person.
    pub tenants: Vec<Uuid>,
}

impl Shop {
    pub async fn open() -> Self {
        Self::beside(&[]).await
    }

    /// The shop and other organisations of these names.
    pub async fn beside(others: &[&str]) -> Self {
        let mut world = World::open(None, SEED, Settings::development(SEED)).unwrap();
        let at = now() - SignedDuration::from_hours(1);
        let acts = set_up("Corner Shop").into_iter().chain([first_bill(day())]);
        let history: Vec<TimedAct> = acts.map(|act| TimedAct { at, act }).collect();
        world.apply_history(&history).unwrap();
        let world = Arc::new(Mutex::new(world));
        let others: Vec<Arc<Mutex<World>>> = (SEED + 1..)
            .zip(others)
            .map(|(seed, name)| {
                let mut other = World::open(None, seed, Settings::development(SEED)).unwrap();
                let acts: Vec<TimedAct> = set_up(name).into_iter().map(|act| TimedAct { at, act }).collect();
                other.apply_history(&acts).unwrap();
                Arc::new(Mutex::new(other))
            })
            .collect();
        let all = std::iter::once(&world).chain(&others);
        let tenants = all.map(|world| world.lock().unwrap().tenant_id().unwrap()).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let api = router_of(Arc::clone(&world), others.into(), Arc::new(Machine));
        tokio::spawn(async { axum::serve(listener, api).await.unwrap() });
        Self { address, world, tenants }
    }

    /// The credentials of its connection and the key of its webhooks.
    pub fn settings(&self) -> Settings {
        self.world.lock().unwrap().settings().clone()
    }

    /// A person allows access on Xero's page, as a browser does, or cancels. Answers where the browser is led then.
    pub async fn consent(&self, page: &str, decision: &str) -> String {
        let browser = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let browser = browser.build().unwrap();
        let leads_to = |answer: &reqwest::Response| answer.headers()["location"].to_str().unwrap().to_owned();
        let shown = browser.get(page).send().await.unwrap();
        if shown.status() == 302 {
            // the person has decided beforehand
            return leads_to(&shown);
        }
        assert_eq!(shown.status(), 200);
        let html = shown.text().await.unwrap();
        assert!(html.contains("Corner Shop") && html.contains("accounting.invoices"), "{html}");
        let (_, rest) = html.split_once(r#"name="organisation" value=""#).unwrap();
        let organisation = rest.split('"').next().unwrap();
        let form = [("organisation", organisation), ("decision", decision)];
        let answer = browser.post(page).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 302);
        leads_to(&answer)
    }

    /// What people allow from now on, without being shown the page: every organisation, but not these scopes.
    pub fn consents_without(&self, scopes: &[&str]) {
        let without = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let given = Given { organisations: self.tenants.clone(), without };
        self.world.lock().unwrap().set_consent(Consent::Given(given));
    }

    /// The shop's tenant id.
    pub fn tenant(&self) -> Uuid {
        self.tenants[0]
    }

    /// Somebody disconnects the app in Xero.
    pub fn disconnect_app(&self) {
        let tenant = self.tenant();
        self.world.lock().unwrap().disconnect_app(tenant).unwrap();
    }

    /// Somebody buys one of an item. Answers the webhooks that Xero sends of it.
    pub fn sell(&self, number: &str, item: &str) -> Vec<Delivery> {
        let mut world = self.world.lock().unwrap();
        world.apply(now(), &document(DocumentKind::Invoice, number, item, E4::ONE, day())).unwrap();
        let due = world.next_due().unwrap();
        world.take_due_deliveries(due).unwrap()
    }
}

/// A day on which no document is dated ahead, wherever midnight falls.
fn day() -> Date {
    now().to_zoned(TimeZone::UTC).date().saturating_sub(2.days())
}

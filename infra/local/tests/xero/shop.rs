//! The corner shop in the simulated Xero on a port of this machine, reached through the adapter that reaches the
//! real one.

use std::path::Path;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_app::connect;
use parstock_domain::ids::OrgId;
use parstock_local::clock::{LocalClock, LocalEntropy};
use parstock_local::driver::CONNECTION;
use parstock_local::folder::Folder;
use parstock_local::notebook::Notebook;
use parstock_local::ports::LocalPorts;
use parstock_local::start;
use parstock_tests::corner_shop;
use parstock_xero_sim::act::{Act, DocumentKind, E4, TimedAct};
use parstock_xero_sim::{Settings, World};
use tempfile::TempDir;

const SEED: u64 = 3;
/// The shop's day.
pub const MONDAY: Date = Date::constant(2026, 3, 2);

/// An instant of it.
pub fn monday() -> Timestamp {
    "2026-03-02T01:00:00Z".parse().unwrap()
}

/// The shop.
pub struct Shop {
    pub world: Arc<Mutex<World>>,
    pub ports: Arc<LocalPorts>,
    pub org: OrgId,
    pub notebook: Notebook,
    base: String,
    _folder: TempDir,
}

impl Shop {
    pub async fn open() -> Self {
        let path = tempfile::tempdir().unwrap();
        let folder = Folder::at(path.path()).unwrap();
        let notebook = Notebook::open(&folder.file("local.sqlite")).unwrap();
        let clock = start::simulated_clock(&notebook, monday()).unwrap();
        let world = start::world(None, SEED, Settings::development(SEED)).unwrap();
        let acts = corner_shop::set_up("Corner Shop").into_iter().chain([corner_shop::first_bill(MONDAY)]);
        let setup: Vec<TimedAct> = acts.map(|act| TimedAct { at: monday(), act }).collect();
        world.lock().unwrap().apply_history(&setup).unwrap();
        let base = start::serve_world(Arc::clone(&world), Arc::clone(&clock)).await.unwrap();
        let settings = world.lock().unwrap().settings().clone();
        let vault = start::vault(&folder).unwrap();
        let secret = settings.client_secret.into();
        start::keep_credentials(&vault, &settings.client_id, &secret).await.unwrap();
        let ports = ports(&folder, &notebook, clock, &base, 1).await;
        let org = connect::ensure(&*ports, CONNECTION).await.unwrap();
        Self { world, ports, org, notebook, base, _folder: path }
    }

    /// The next process, after this one was killed.
    pub async fn killed(self) -> Self {
        let clock = Arc::clone(&self.ports.clock);
        drop(self.ports);
        let folder = Folder::at(self._folder.path()).unwrap();
        let ports = ports(&folder, &self.notebook, clock, &self.base, 2).await;
        Self { ports, ..self }
    }

    /// Where its data lies.
    pub fn path(&self) -> &Path {
        self._folder.path()
    }

    /// Where its Xero is.
    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn apply(&self, act: &Act) {
        self.world.lock().unwrap().apply(self.ports.clock.now(), act).unwrap();
    }

    /// Somebody buys, on the shop's day.
    pub fn sell(&self, number: &str, item: &str, quantity: E4) {
        self.apply(&corner_shop::document(DocumentKind::Invoice, number, item, quantity, MONDAY));
    }
}

async fn ports(
    folder: &Folder,
    notebook: &Notebook,
    clock: Arc<LocalClock>,
    base: &str,
    start: u64,
) -> Arc<LocalPorts> {
    let parts = start::Parts {
        folder,
        notebook,
        clock,
        entropy: LocalEntropy::seeded(SEED, start),
        addresses: start::addresses(format!("{base}/api.xro/2.0"), base.to_owned()),
        console_url: "http://127.0.0.1".to_owned(),
        posts_to_slack: false,
        runs: true,
    };
    Arc::new(start::ports(parts).await.unwrap())
}

//! The corner shop in the simulated Xero on a port of this machine, reached through the adapter that reaches the
//! real one.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_app::connect;
use parstock_app::decide::{Decision, decide};
use parstock_app::error::AppError;
use parstock_app::load::{self, unguarded};
use parstock_app::ports::{Commit, Entropy, Ports, Store};
use parstock_app::records::{Key, List, Owner, Pointer};
use parstock_app::settings::{self, Applied};
use parstock_domain::document::Item;
use parstock_domain::fixed::Quantity;
use parstock_domain::governance::Proposal;
use parstock_domain::ids::{CommitId, ContactId, LocationId, OrgId, ProposalId};
use parstock_domain::ledger::Position;
use parstock_domain::settings::files::Files;
use parstock_local::ask::{Ask, answer_in_folder};
use parstock_local::clock::{LocalClock, LocalEntropy};
use parstock_local::driver::{CONNECTION, Driver, Simulation};
use parstock_local::folder::Folder;
use parstock_local::notebook::Notebook;
use parstock_local::ports::LocalPorts;
use parstock_local::start;
use parstock_local::trade::NoTrade;
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
        Self::with(|_| {}).await
    }

    /// With other settings of its Xero.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::development(SEED);
        change(&mut settings);
        let path = tempfile::tempdir().unwrap();
        let folder = Folder::at(path.path()).unwrap();
        let notebook = Notebook::open(&folder.file("local.sqlite")).unwrap();
        let clock = start::simulated_clock(&notebook, monday()).unwrap();
        let world = start::world(None, SEED, settings).unwrap();
        let acts = corner_shop::set_up("Corner Shop").into_iter().chain([corner_shop::first_bill(MONDAY)]);
        let setup: Vec<TimedAct> = acts.map(|act| TimedAct { at: monday(), act }).collect();
        world.lock().unwrap().apply_history(&setup).unwrap();
        let base = start::serve_world(Arc::clone(&world), Arc::clone(&clock)).await.unwrap();
        let settings = world.lock().unwrap().settings().clone();
        let vault = start::vault(&folder).unwrap();
        let secret = settings.client_secret.into();
        start::keep_credentials(&vault, &settings.client_id, &secret).await.unwrap();
        start::keep_webhook_keys(&vault, &settings.webhook_key).await.unwrap();
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

    /// Its folder, in which nobody works any more.
    pub fn left(self) -> TempDir {
        self._folder
    }

    /// What steps through its time.
    pub fn driver(&self) -> Driver<NoTrade> {
        let simulation = Simulation { world: self.world.clone(), trade: NoTrade, owner: None };
        Driver::new(self.ports.clone(), self.notebook.clone(), Some(simulation))
    }

    /// What lies there of an item.
    pub async fn stock(&self, code: &str) -> Quantity {
        let key = Key::Position(self.item(code).await.id, LocationId::main());
        let position = load::one::<Position>(self.ports.store(), Owner::Org(self.org), key).await.unwrap();
        position.map_or(Quantity::ZERO, |position| position.content.booked)
    }

    pub async fn item(&self, code: &str) -> Item {
        let items = load::all::<Item>(self.ports.store(), self.org, &List::Items).await.unwrap();
        let found = items.into_iter().map(|(_, item)| item.content).find(|item| item.code == code);
        found.unwrap()
    }

    /// What `parstock health` answers.
    pub async fn health(&self) -> String {
        answer_in_folder(&self.ports, &Ask::Health).await.unwrap().text
    }

    pub async fn set(&self, policy: &str) {
        let files = Files { policy: Some(policy), ..Files::default() };
        let applied = settings::apply(&*self.ports, self.org, "a person", &files).await.unwrap();
        assert!(matches!(applied, Applied::Changed(_)), "{applied:?}");
    }

    /// An open proposal to a contact over one bag.
    pub async fn propose(&self, contact: &str) -> Proposal {
        self.propose_item(contact, "BAG").await
    }

    /// An open proposal to a contact over one of an item.
    pub async fn propose_item(&self, contact: &str, code: &str) -> Proposal {
        let supplier = ContactId(self.world.lock().unwrap().contact_id(contact).unwrap());
        let item = self.item(code).await;
        let now = self.ports.clock.now();
        let proposal = parstock_tests::store::proposal(self.org, supplier, [item].iter(), now);
        let writes = vec![
            unguarded(Key::Proposal(proposal.id), proposal.clone()),
            unguarded(Key::PendingProposal(supplier), Pointer { to: proposal.id }),
        ];
        let commit = Commit { id: CommitId(self.ports.entropy().uuid()), writes };
        self.ports.store().commit(Owner::Org(self.org), commit).await.unwrap();
        proposal
    }

    pub async fn approve(&self, proposal: &Proposal) -> Result<Proposal, AppError> {
        let yes = Decision::Approve;
        decide(&*self.ports, self.org, proposal.id, proposal.contents(), "Kim", &yes).await
    }

    pub async fn proposal(&self, id: ProposalId) -> Proposal {
        let owner = Owner::Org(self.org);
        load::one::<Proposal>(self.ports.store(), owner, Key::Proposal(id)).await.unwrap().unwrap().content
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

//! A corner shop with a tracked and an untracked item, in the simulated Xero on a port of this machine,
//! reached through the adapter that reaches the real one.

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
use parstock_xero_sim::act::{
    Account, Act, Contact, DocumentKind, E4, Item as XeroItem, Line, LineAmountTypes, NewDocument,
    Organisation, Status, TimedAct, Tracking,
};
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
        let setup: Vec<TimedAct> = set_up().into_iter().map(|act| TimedAct { at: monday(), act }).collect();
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

    /// Where its Xero is.
    pub fn base(&self) -> &str {
        &self.base
    }

    pub fn apply(&self, act: &Act) {
        self.world.lock().unwrap().apply(self.ports.clock.now(), act).unwrap();
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
    };
    Arc::new(start::ports(parts).await.unwrap())
}

fn set_up() -> Vec<Act> {
    let account = |code: &str, account_type: &str| {
        Act::UpsertAccount(Account {
            code: code.to_owned(),
            name: account_type.to_owned(),
            account_type: account_type.to_owned(),
            system_account: None,
        })
    };
    let item = |code: &str, tracking| {
        Act::UpsertItem(XeroItem {
            code: code.to_owned(),
            name: code.to_owned(),
            description: String::new(),
            tracking,
            purchase_price: E4::ONE,
            sales_price: E4::whole(2),
            sales_account: "200".to_owned(),
        })
    };
    let (asset, cogs) = ("630".to_owned(), "310".to_owned());
    vec![
        Act::SetUpOrganisation(Organisation {
            name: "Corner Shop".to_owned(),
            time_zone: "AUSEASTERNSTANDARDTIME".to_owned(),
            base_currency: "AUD".to_owned(),
            country: "AU".to_owned(),
            period_lock_date: None,
            end_of_year_lock_date: None,
            tax_rates: Vec::new(),
        }),
        account("200", "SALES"),
        account("310", "DIRECTCOSTS"),
        account("630", "INVENTORY"),
        Act::UpsertContact(Contact {
            name: "Mill & Sons".to_owned(),
            contact_number: None,
            email: None,
            is_supplier: true,
            is_customer: true,
        }),
        item("TEA", Tracking::Tracked { asset_account: asset, cogs_account: cogs.clone() }),
        item("BAG", Tracking::Untracked { purchase_account: cogs }),
        // a tracked item can be sold only while there is some
        document(DocumentKind::Bill, "B-1", "TEA", E4::whole(100)),
    ]
}

pub fn document(kind: DocumentKind, number: &str, item: &str, quantity: E4) -> Act {
    Act::CreateDocument(NewDocument {
        kind,
        number: number.to_owned(),
        reference: String::new(),
        contact: "Mill & Sons".to_owned(),
        date: MONDAY,
        due: None,
        expected_arrival: None,
        status: Status::Authorised,
        amounts: LineAmountTypes::NoTax,
        currency: None,
        lines: vec![Line {
            item_code: Some(item.to_owned()),
            quantity,
            unit_amount: E4::ONE,
            ..Line::default()
        }],
    })
}

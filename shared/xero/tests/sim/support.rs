//! A small shop in a simulated Xero, and a client of it.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp, civil::Date, civil::date};
use parstock_xero::{
    Client, Clock, Decimal, IdempotencyKey, MemoryBudget, MemoryTokenStore, Priority, Session, XeroConfig,
    http_client,
    model::{LineAmountTypes, NewBill, NewLineItem, NewPurchaseOrder, NewStatus, PurchaseOrderStatus},
};
use parstock_xero_sim::act::{
    Account, Act, Contact, DocumentKind, E4, Item, Line, NewDocument, Organisation, Status, TaxRate,
    Tracking, TrackingCategory,
};
use parstock_xero_sim::{ApiFault, Settings, SimClock, Switches, World, router};
use secrecy::SecretString;
use uuid::Uuid;

const SEED: u64 = 17;
pub const TODAY: Date = date(2026, 3, 2);

/// One for all tests, since loading the machine's certificates takes long.
static HTTP: LazyLock<reqwest::Client> = LazyLock::new(|| http_client(&["http://127.0.0.1"]).unwrap());

/// One time for both sides, moved by tests.
#[derive(Debug)]
pub struct Time(Mutex<Timestamp>);

impl Time {
    pub fn pass(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_secs(seconds);
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl SimClock for Time {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub type ShopClient = Client<Arc<MemoryTokenStore>, Arc<MemoryBudget>, Arc<Time>>;
pub type ShopSession = Session<Arc<MemoryTokenStore>, Arc<MemoryBudget>, Arc<Time>>;

pub struct Shop {
    world: Arc<Mutex<World>>,
    pub time: Arc<Time>,
    pub budget: Arc<MemoryBudget>,
    pub client: ShopClient,
}

pub fn e4(text: &str) -> E4 {
    E4::parse(text).unwrap()
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}

pub fn organisation(name: &str) -> Organisation {
    Organisation {
        name: name.into(),
        time_zone: "AUSEASTERNSTANDARDTIME".into(),
        base_currency: "AUD".into(),
        country: "AU".into(),
        period_lock_date: Some(date(2025, 6, 30)),
        end_of_year_lock_date: None,
        tax_rates: vec![TaxRate { tax_type: "INPUT".into(), percent: E4::whole(10) }],
    }
}

fn master_data() -> Vec<Act> {
    let account = |code: &str, account_type: &str, system: Option<&str>| {
        Act::UpsertAccount(Account {
            code: code.into(),
            name: format!("Account {code}"),
            account_type: account_type.into(),
            system_account: system.map(str::to_owned),
        })
    };
    let contact = |name: &str| {
        Act::UpsertContact(Contact {
            name: name.into(),
            contact_number: None,
            email: None,
            is_supplier: true,
            is_customer: true,
        })
    };
    let item = |code: &str, tracking: Tracking| {
        Act::UpsertItem(Item {
            code: code.into(),
            name: format!("Item {code}"),
            description: format!("The {code}"),
            tracking,
            purchase_price: e4("1.2345"),
            sales_price: e4("2.5"),
            sales_account: "200".into(),
        })
    };
    let tracked = || Tracking::Tracked { asset_account: "630".into(), cogs_account: "310".into() };
    vec![
        Act::SetUpOrganisation(organisation("Corner Shop")),
        account("090", "BANK", None),
        account("200", "SALES", None),
        account("310", "DIRECTCOSTS", None),
        account("401", "EXPENSE", None),
        account("610", "CURRENT", Some("DEBTORS")),
        account("620", "CURRENT", None),
        account("630", "INVENTORY", None),
        contact("Mill & Sons"),
        contact("Jane"),
        item("TEA", tracked()),
        item("CUP", tracked()),
        item("BAG", Tracking::Untracked { purchase_account: "310".into() }),
        Act::UpsertTrackingCategory(TrackingCategory {
            name: "Shop".into(),
            options: vec!["North".into(), "South".into()],
        }),
    ]
}

impl Shop {
    pub async fn open() -> Self {
        Self::with(Switches::default()).await
    }

    pub async fn with(switches: Switches) -> Self {
        let settings = Settings { switches, ..Settings::development(SEED) };
        let (id, secret) = (settings.client_id.clone(), settings.client_secret.clone());
        let time = Arc::new(Time(Mutex::new("2026-03-02T01:00:00.250Z".parse().unwrap())));
        let mut world = World::open(None, SEED, settings).unwrap();
        for act in master_data() {
            world.apply(SimClock::now(&*time), &act).unwrap();
        }
        let world = Arc::new(Mutex::new(world));
        let app = router(Arc::clone(&world), Arc::clone(&time) as Arc<dyn SimClock>);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let config = XeroConfig::new(id, SecretString::from(secret))
            .unwrap()
            .with_api_url(&format!("{url}/api.xro/2.0"))
            .unwrap()
            .with_identity_url(&url)
            .unwrap()
            .with_scopes([
                "accounting.invoices",
                "accounting.payments",
                "accounting.banktransactions",
                "accounting.manualjournals",
                "accounting.settings",
                "accounting.contacts",
                "accounting.attachments",
                "accounting.reports.balancesheet.read",
                "accounting.reports.trialbalance.read",
            ]);
        let budget = Arc::<MemoryBudget>::default();
        let client =
            Client::new(config, HTTP.clone(), Arc::default(), Arc::clone(&budget), Arc::clone(&time));
        Self { world, time, budget, client }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub async fn session(&self) -> ShopSession {
        self.client.session(Priority::Person, 20).await.unwrap()
    }

    pub fn now(&self) -> Timestamp {
        Clock::now(&*self.time)
    }

    pub fn apply(&self, act: &Act) {
        let now = self.now();
        self.world().apply(now, act).unwrap();
    }

    pub fn script(&self, fault: ApiFault) {
        self.world().script_call(fault);
    }

    pub fn contact(&self, name: &str) -> Uuid {
        self.world().contact_id(name).unwrap()
    }

    /// What the world counted of one kind of call.
    pub fn served(&self, kind: &str) -> u64 {
        self.world().audit().calls.get(kind).copied().unwrap_or(0)
    }

    /// A document written by a person in Xero.
    pub fn write(&self, kind: DocumentKind, number: &str, status: Status, lines: Vec<Line>) -> Uuid {
        self.apply(&Act::CreateDocument(NewDocument {
            kind,
            number: number.into(),
            reference: String::new(),
            contact: "Mill & Sons".into(),
            date: TODAY,
            due: None,
            expected_arrival: None,
            status,
            amounts: parstock_xero_sim::act::LineAmountTypes::NoTax,
            currency: None,
            lines,
        }));
        self.world().document(kind, number).unwrap().id
    }

    /// A bill of 12 TEA as the app writes it.
    pub fn bill(&self, number: &str, status: NewStatus) -> NewBill {
        NewBill {
            invoice_number: number.to_owned(),
            contact_id: self.contact("Mill & Sons"),
            status,
            date: TODAY,
            due_date: Some(date(2026, 3, 16)),
            line_amount_types: Some(LineAmountTypes::NoTax),
            currency_code: None,
            currency_rate: None,
            url: None,
            line_items: vec![item_line("TEA", "12", "1.2345")],
        }
    }

    /// An order of 12 TEA as the app writes it.
    pub fn order(&self, number: &str, status: PurchaseOrderStatus) -> NewPurchaseOrder {
        NewPurchaseOrder {
            purchase_order_number: number.to_owned(),
            contact_id: self.contact("Mill & Sons"),
            status,
            date: TODAY,
            delivery_date: Some(date(2026, 3, 16)),
            line_amount_types: Some(LineAmountTypes::Exclusive),
            reference: None,
            currency_code: None,
            delivery_instructions: None,
            line_items: vec![item_line("TEA", "12", "1.2345")],
        }
    }
}

pub fn item_line(code: &str, quantity: &str, price: &str) -> NewLineItem {
    NewLineItem {
        item_code: Some(code.to_owned()),
        quantity: Some(decimal(quantity)),
        unit_amount: Some(decimal(price)),
        ..NewLineItem::default()
    }
}

/// A line as a person writes it in Xero.
pub fn line(item: &str, quantity: &str, price: &str) -> Line {
    Line { item_code: Some(item.into()), quantity: e4(quantity), unit_amount: e4(price), ..Line::default() }
}

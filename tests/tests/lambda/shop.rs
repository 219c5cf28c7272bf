//! A shop with one tracked and one untracked item, in the simulated Xero on a port of this machine. The
//! functions' clock is the machine's, so the shop's days are counted back from today.

use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use parstock_xero_sim::act::{
    Account, Act, Contact, DocumentKind, E4, Item, Line, LineAmountTypes, NewDocument, Organisation, Status,
    TimedAct, Tracking,
};
use parstock_xero_sim::{Delivery, Settings, SimClock, World, router};
use tokio::net::TcpListener;

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
}

impl Shop {
    pub async fn open() -> Self {
        let mut world = World::open(None, SEED, Settings::development(SEED)).unwrap();
        let at = now() - SignedDuration::from_hours(1);
        let history: Vec<TimedAct> = set_up().into_iter().map(|act| TimedAct { at, act }).collect();
        world.apply_history(&history).unwrap();
        let world = Arc::new(Mutex::new(world));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let api = router(Arc::clone(&world), Arc::new(Machine));
        tokio::spawn(async { axum::serve(listener, api).await.unwrap() });
        Self { address, world }
    }

    /// The credentials of its connection and the key of its webhooks.
    pub fn settings(&self) -> Settings {
        self.world.lock().unwrap().settings().clone()
    }

    /// Somebody buys one of an item. Answers the webhooks that Xero sends of it.
    pub fn sell(&self, number: &str, item: &str) -> Vec<Delivery> {
        let mut world = self.world.lock().unwrap();
        world.apply(now(), &document(DocumentKind::Invoice, number, item, E4::ONE)).unwrap();
        let due = world.next_due().unwrap();
        world.take_due_deliveries(due).unwrap()
    }
}

fn document(kind: DocumentKind, number: &str, item: &str, quantity: E4) -> Act {
    Act::CreateDocument(NewDocument {
        kind,
        number: number.to_owned(),
        reference: String::new(),
        contact: "Mill & Sons".to_owned(),
        date: day(),
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

/// A day on which no document is dated ahead, wherever midnight falls.
fn day() -> Date {
    now().to_zoned(TimeZone::UTC).date().saturating_sub(2.days())
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
        Act::UpsertItem(Item {
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

//! The demo: an invented company in the simulated Xero, set up once and gone on with at every start.

use std::sync::{Arc, Mutex};

use jiff::civil::{Date, Time};
use jiff::{Timestamp, ToSpan};
use parstock_app::load;
use parstock_app::opening;
use parstock_app::ports::Ports;
use parstock_app::records::{Backfill, Key, Owner as RowOwner, Profile};
use parstock_app::settings::{self, Applied};
use parstock_domain::ids::OrgId;
use parstock_domain::settings::files::Files;
use parstock_xero_sim::demo::{
    ADJUSTMENTS, CATEGORIES, COST_OF_GOODS, DemoCompany, SUPPLIERS, UNTRACKED_STOCK,
};
use parstock_xero_sim::{Faults, Settings, WebhookFault, World};

use crate::driver::{Driver, Simulation, locked};
use crate::error::LocalError;
use crate::folder::Folder;
use crate::notebook::Notebook;
use crate::owner::{self, Owner};
use crate::start;
use crate::trade::DemoTrade;

/// The demo's seed: the same history on every machine.
pub const SEED: u64 = 7;
/// The day on which trade goes on under parstock's eyes.
pub const FIRST_DAY: Date = Date::constant(2026, 6, 1);
/// When parstock is connected: in the evening before.
const CONNECTED_AT: Time = Time::constant(19, 0, 0, 0);
/// Where notices go.
const MAIL_TO: &str = "owner@example.com";
/// Events in a thousand whose webhook is lost, comes twice, comes late.
const LOST_PER_MILLE: u16 = 120;
const DOUBLED_PER_MILLE: u16 = 40;
const LATE_PER_MILLE: u16 = 40;
/// Acts of the history between two reports of progress.
const ACTS_PER_REPORT: usize = 500;
/// Facts in the notebook.
const COUNTED: &str = "demo.counted";
const SET: &str = "demo.set";

/// The demo of a folder.
pub struct Demo {
    /// Steps through its time.
    pub driver: Driver<DemoTrade>,
    /// The company.
    pub company: DemoCompany,
    notebook: Notebook,
}

/// Who hears how far the set-up is.
pub trait Progress {
    /// `done` of `total` (0 when unknown) of what `what` names.
    fn report(&mut self, what: &str, done: u64, total: u64);
}

/// Nobody hears.
impl Progress for () {
    fn report(&mut self, _: &str, _: u64, _: u64) {}
}

fn xero_settings(seed: u64) -> Settings {
    let webhook = vec![
        (WebhookFault::Lost, LOST_PER_MILLE),
        (WebhookFault::Doubled, DOUBLED_PER_MILLE),
        (WebhookFault::Late, LATE_PER_MILLE),
    ];
    Settings { faults: Faults { webhook, ..Faults::default() }, ..Settings::development(seed) }
}

/// Opens the demo of a folder, writing the company's history into the simulated Xero the first time.
///
/// # Errors
/// When a file can't be used.
pub async fn open(
    folder: &Folder,
    notebook: Notebook,
    console_url: String,
    seed: u64,
    progress: &mut impl Progress,
) -> Result<Demo, LocalError> {
    let company = DemoCompany::new(seed, FIRST_DAY);
    let zone = company.time_zone();
    let evening = FIRST_DAY.saturating_sub(1.day()).to_datetime(CONNECTED_AT);
    let first = zone.to_ambiguous_timestamp(evening).compatible().map_err(LocalError::outside)?;
    let world = start::world(Some(&folder.file("xero.sqlite")), seed, xero_settings(seed))?;
    write_history(&world, &company, progress).await?;
    let clock = start::simulated_clock(&notebook, first)?;
    let ports = start::beside_simulated_xero(folder, &notebook, clock, &world, seed, console_url).await?;
    let simulation = Simulation {
        world,
        trade: DemoTrade::new(company.clone(), notebook.clone()),
        owner: Some(Owner::new(FIRST_DAY, zone, notebook.clone())),
    };
    let driver = Driver::new(ports, notebook.clone(), Some(simulation));
    Ok(Demo { driver, company, notebook })
}

async fn write_history(
    world: &Mutex<World>,
    company: &DemoCompany,
    progress: &mut impl Progress,
) -> Result<(), LocalError> {
    let history = company.history();
    let total = u64::try_from(history.len()).unwrap_or(u64::MAX);
    loop {
        let applied = {
            let mut world = locked(world);
            let done = usize::try_from(world.acts_applied()).unwrap_or(usize::MAX);
            let rest = history.get(done..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(());
            }
            world.apply_history(rest.get(..ACTS_PER_REPORT).unwrap_or(rest))?;
            world.acts_applied()
        };
        progress.report("writing 18 months of the demo company into the simulated Xero", applied, total);
        // the process may be asked to end in between
        tokio::task::yield_now().await;
    }
}

impl Demo {
    /// Connects, reads the history, and gives what Xero doesn't know: counts and settings.
    ///
    /// # Errors
    /// When a file can't be used, or a use case fails.
    pub async fn set_up(&mut self, progress: &mut impl Progress) -> Result<OrgId, LocalError> {
        let documents = {
            let world = self.driver.simulation.as_ref().map(|simulation| Arc::clone(&simulation.world));
            world.map_or(0, |world| u64::try_from(locked(&world).document_count()).unwrap_or(u64::MAX))
        };
        let org = load_history(&mut self.driver, documents, progress).await?;
        let ports = Arc::clone(self.driver.ports());
        if self.notebook.fact(COUNTED)?.is_none() {
            let counts = opening::parse(&self.company.opening_csv()).map_err(|wrong| {
                LocalError::outside(format!("the demo's opening counts can't be read: {wrong:?}"))
            })?;
            opening::import(&*ports, org, owner::NAME, &counts)
                .await?
                .map_err(|wrong| LocalError::outside(format!("the demo's opening counts: {wrong:?}")))?;
            self.notebook.set_fact(COUNTED, "yes")?;
        }
        if self.notebook.fact(SET)?.is_none() {
            let [policy, items, suppliers, units] = settings_files(&self.company);
            let files = Files {
                policy: Some(&policy),
                items: Some(&items),
                suppliers: Some(&suppliers),
                units: Some(&units),
            };
            match settings::apply(&*ports, org, owner::NAME, &files).await? {
                Applied::Changed(_) => {}
                Applied::Refused(problems) => {
                    let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
                    return Err(LocalError::outside(format!("the demo's settings: {}", all.join("; "))));
                }
            }
            self.notebook.set_fact(SET, "yes")?;
        }
        Ok(org)
    }

    /// The beginning of a day of the company, counted from 1 on the first trading day.
    ///
    /// # Errors
    /// When the day is out of range.
    pub fn begins(&self, day: i64) -> Result<Timestamp, LocalError> {
        let date = FIRST_DAY.checked_add((day - 1).days()).map_err(LocalError::outside)?;
        let zone = self.company.time_zone();
        zone.to_ambiguous_timestamp(date.to_datetime(Time::midnight()))
            .compatible()
            .map_err(LocalError::outside)
    }
}

/// Steps until an organisation is connected and its history is whole.
///
/// # Errors
/// When the driver fails, or a person has to act.
pub async fn load_history<T: crate::trade::Trade>(
    driver: &mut Driver<T>,
    documents: u64,
    progress: &mut impl Progress,
) -> Result<OrgId, LocalError> {
    loop {
        let ports = Arc::clone(driver.ports());
        if let Some(entry) = parstock_app::connect::orgs(&*ports).await?.first() {
            let owner = RowOwner::Org(entry.org);
            let profile = load::one::<Profile>(ports.store(), owner, Key::Profile).await?;
            match profile.map(|profile| profile.content.backfill) {
                Some(Backfill::Done { .. }) => return Ok(entry.org),
                Some(Backfill::Reading { documents: done, .. } | Backfill::Opening { documents: done }) => {
                    progress.report("reading the history out of Xero", done, documents);
                }
                None => {}
            }
        }
        let (at, kind) = driver.next()?;
        if let crate::driver::Done::Polled(Some(error)) = driver.step(at, kind).await? {
            return Err(LocalError::outside(error));
        }
    }
}

/// What the owner knows and Xero does not.
fn settings_files(company: &DemoCompany) -> [String; 4] {
    let policy = format!(
        r#"{{"version":1,"rules":[
            {{"scope":"org","setting":"phase","value":"assist"}},
            {{"scope":"org","setting":"mail_to","value":["{MAIL_TO}"]}},
            {{"scope":"org","setting":"slack","value":true}},
            {{"scope":"org","setting":"adjustment_account","value":"{ADJUSTMENTS}"}},
            {{"scope":"org","setting":"cogs","value":
                {{"stock_account":"{UNTRACKED_STOCK}","cogs_account":"{COST_OF_GOODS}","every":"day"}}}}
        ]}}"#
    );
    let mut items = String::from("item,category,supplier,pack,moq\n");
    for item in company.items() {
        let category = CATEGORIES.get(item.category).copied().unwrap_or_default();
        let supplier = SUPPLIERS.get(item.supplier).map_or("", |supplier| supplier.name);
        items
            .push_str(&format!("{},{category},{supplier},{},{}\n", item.code, item.pack, item.minimum_order));
    }
    let mut suppliers = String::from("supplier,lead_time_days\n");
    for supplier in &SUPPLIERS {
        suppliers.push_str(&format!("{},{}\n", supplier.name, supplier.lead_days));
    }
    let mut units = String::from("item,supplier,from,unit,holds\n");
    for item in company.items().iter().filter(|item| item.per_paper_unit() > 1) {
        units.push_str(&format!("{},,,carton,{}\n", item.code, item.per_paper_unit()));
    }
    [policy, items, suppliers, units]
}

//! A retailer's year: out of a file into the simulated Xero, day by day, and through webhook, queues,
//! processor, poller and digest under the simulated clock, at full speed. At the end the ledger is compared
//! with a sum that somebody else made of the same file.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use parstock_adapters::store::units::Costs;
use parstock_app::load;
use parstock_app::opening;
use parstock_app::ports::{Books, BooksError, BooksSession, DocumentPage, Feed, Ports, Priority, Store};
use parstock_app::records::{Key, List, Owner};
use parstock_domain::document::{DocumentKind, Item};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{LocationId, OrgId};
use parstock_domain::ledger::{Cause, Movement, Position};
use parstock_xero_sim::act::TimedAct;
use parstock_xero_sim::retail::{Days, RetailError, RetailYear, Supply, SupplyRow, supply_csv};
use parstock_xero_sim::{Audit, Settings, World};

use crate::demo::{Progress, load_history};
use crate::driver::{Driver, Simulation, locked};
use crate::error::LocalError;
use crate::folder::Folder;
use crate::notebook::Notebook;
use crate::ports::LocalPorts;
use crate::start;
use crate::trade::Trade;

/// The seed of a replay: it decides on supply, ids and the delays of webhooks.
const SEED: u64 = 19;
/// When parstock is connected, on the eve of the first day.
const CONNECTED_AT: Time = Time::constant(13, 0, 0, 0);
/// Who counts, in the audit trail.
const COUNTER: &str = "replay";
/// The other sum, which shares nothing with this program.
const INDEPENDENT_SUM: &str = include_str!("../independent_sum.py");
/// Movements read at once.
const MOVEMENTS_PAGE: u32 = 1_000;

/// Opens a retailer's file; every line of it is checked.
///
/// # Errors
/// [`LocalError::Input`] names the line and what is wrong with it.
pub fn open(sales: &Path, supply: Supply) -> Result<RetailYear, LocalError> {
    RetailYear::open(sales, SEED, supply).map_err(|error| LocalError::Input(error.to_string()))
}

/// What a replay did.
#[derive(Clone, Debug)]
pub struct Report {
    /// Documents in the simulated Xero.
    pub documents: u64,
    /// Stock movements in the ledger.
    pub movements: u64,
    /// Digests that were put together.
    pub digests: u64,
    /// What was called in the simulated Xero.
    pub calls: Audit,
    /// Sales invoices and bills.
    pub invoices: u64,
    /// What was read and written in DynamoDB, by kind of row, up to the last day.
    pub units: [Costs; 2],
    /// Messages in the dead-letter queues, with their cause.
    pub dead: Vec<String>,
    /// Items compared with the independent sum; `None` when that could not be run.
    pub checked: Option<u64>,
    /// What differs from it.
    pub differences: Vec<String>,
}

/// The days of the file as trade.
struct RetailTrade<'a> {
    days: Days<'a>,
    acts: VecDeque<TimedAct>,
    supply: File,
}

impl<'a> RetailTrade<'a> {
    fn new(year: &'a RetailYear, supply: &Path) -> Result<Self, LocalError> {
        let mut file = File::create(supply).map_err(LocalError::outside)?;
        file.write_all(supply_csv(&year.opening_rows()).as_bytes()).map_err(LocalError::outside)?;
        let days = year.days().map_err(broken)?;
        let mut trade = Self { days, acts: VecDeque::new(), supply: file };
        trade.fill()?;
        Ok(trade)
    }

    /// Reads days until there is something to do.
    fn fill(&mut self) -> Result<(), LocalError> {
        while self.acts.is_empty() {
            let Some(day) = self.days.next() else { return Ok(()) };
            let day = day.map_err(broken)?;
            self.note(&day.supply)?;
            self.acts.extend(day.acts);
        }
        Ok(())
    }

    fn note(&mut self, rows: &[SupplyRow]) -> Result<(), LocalError> {
        let text = supply_csv(rows);
        let rows = text.split_once('\n').map_or("", |(_, rows)| rows);
        self.supply.write_all(rows.as_bytes()).map_err(LocalError::outside)
    }
}

fn broken(error: RetailError) -> LocalError {
    LocalError::Input(error.to_string())
}

impl Trade for RetailTrade<'_> {
    fn next_due(&self, _: &World) -> Result<Option<Timestamp>, LocalError> {
        Ok(self.acts.front().map(|timed| timed.at))
    }

    fn perform(&mut self, world: &mut World, now: Timestamp) -> Result<Vec<TimedAct>, LocalError> {
        while let Some(timed) = self.acts.pop_front_if(|timed| timed.at <= now) {
            world.apply(now, &timed.act)?;
            self.fill()?;
        }
        Ok(Vec::new())
    }
}

/// Replays a year in a folder.
///
/// # Errors
/// What can't be used or fails outside.
pub async fn run(
    year: &RetailYear,
    sales: &Path,
    folder: &Folder,
    progress: &mut impl Progress,
) -> Result<Report, LocalError> {
    let notebook = Notebook::open(&folder.file("local.sqlite"))?;
    start::check_use(folder, &notebook, start::Use::Replay)?;
    start::claim(&notebook, start::Use::Replay)?;
    let zone = year.time_zone();
    let eve = year.first_day().saturating_sub(1.day());
    let clock = start::simulated_clock(&notebook, at(&zone, eve, CONNECTED_AT))?;
    let world = start::world(None, SEED, Settings::development(SEED))?;
    locked(&world).apply_history(&year.setup())?;
    let console_url = "http://127.0.0.1".to_owned();
    let ports = start::beside_simulated_xero(folder, &notebook, clock, &world, SEED, console_url).await?;
    let supply = folder.file("supply.csv");
    let simulation =
        Simulation { world: Arc::clone(&world), trade: RetailTrade::new(year, &supply)?, owner: None };
    let mut driver = Driver::new(Arc::clone(&ports), notebook, Some(simulation));
    let org = load_history(&mut driver, 0, &mut ()).await?;
    count(&ports, org, &year.opening_csv()).await?;
    live(&mut driver, year, &zone, progress).await?;
    let units = [ports.meter.read(), ports.meter.written()];
    let sums = ledger_sums(&ports, org, progress).await?;
    let money = money_of_sales(&ports, org).await?;
    let (checked, differences) = compare(folder, sales, &supply, &sums, &money)?;
    let digests =
        load::all::<parstock_app::records::DigestRecord>(ports.store(), org, &List::Digests).await?;
    let world = locked(&world);
    let is_invoice = |kind| {
        matches!(
            kind,
            parstock_xero_sim::act::DocumentKind::Invoice | parstock_xero_sim::act::DocumentKind::Bill
        )
    };
    Ok(Report {
        documents: u64::try_from(world.document_count()).unwrap_or(u64::MAX),
        movements: sums.values().map(|sums| sums.movements).sum(),
        digests: u64::try_from(digests.len()).unwrap_or(u64::MAX),
        calls: world.audit(),
        units,
        invoices: u64::try_from(world.documents().filter(|document| is_invoice(document.kind)).count())
            .unwrap_or(u64::MAX),
        dead: ports.queue.dead()?.into_iter().map(|dead| format!("{}: {}", dead.queue, dead.cause)).collect(),
        checked,
        differences,
    })
}

fn at(zone: &TimeZone, day: Date, time: Time) -> Timestamp {
    // the zone's rule for times that a change of the clocks skips or doubles
    zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().unwrap_or_default()
}

async fn count(ports: &LocalPorts, org: OrgId, csv: &str) -> Result<(), LocalError> {
    let counts = opening::parse(csv)
        .map_err(|wrong| LocalError::outside(format!("the opening stock can't be read: {wrong:?}")))?;
    if counts.is_empty() {
        return Ok(());
    }
    let booked = opening::import(ports, org, COUNTER, &counts).await?;
    booked.map(|_| ()).map_err(|wrong| LocalError::outside(format!("the opening stock: {wrong:?}")))
}

async fn live(
    driver: &mut Driver<RetailTrade<'_>>,
    year: &RetailYear,
    zone: &TimeZone,
    progress: &mut impl Progress,
) -> Result<(), LocalError> {
    let days = |from: Date, to: Date| from.until(to).map_or(0, |span| span.get_days().unsigned_abs());
    // a day more, so that the last document is polled, planned and told, too
    let total = days(year.first_day(), year.last_day()).saturating_add(2);
    for passed in 1..=total {
        let morning = year.first_day().saturating_add(i64::from(passed).days());
        driver.run_until(at(zone, morning, Time::midnight())).await?;
        progress.report("days replayed", u64::from(passed), u64::from(total));
    }
    Ok(())
}

/// What the ledger holds of an item, by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sums {
    quantity: Quantity,
    sales: Quantity,
    credits: Quantity,
    adjustments: Quantity,
    bills: Quantity,
    bill_value: Money,
    movements: u64,
}

async fn ledger_sums(
    ports: &LocalPorts,
    org: OrgId,
    progress: &mut impl Progress,
) -> Result<BTreeMap<String, Sums>, LocalError> {
    let items = load::all::<Item>(ports.store(), org, &List::Items).await?;
    let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
    let mut all = BTreeMap::new();
    for (done, (_, item)) in (1..).zip(items) {
        let item = item.content;
        let mut sums = Sums::default();
        let key = Key::Position(item.id, LocationId::main());
        if let Some(position) = load::one::<Position>(ports.store(), Owner::Org(org), key).await? {
            sums.quantity = position.content.booked;
        }
        let mut after = None;
        loop {
            let list = List::Movements(item.id);
            let page = ports.store().list(Owner::Org(org), &list, after.as_ref(), MOVEMENTS_PAGE).await?;
            for row in page.rows {
                if let Some(movement) = load::decode_row::<Movement>(Some(row))? {
                    add(&mut sums, &movement.content).map_err(LocalError::outside)?;
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        all.insert(item.code, sums);
        progress.report("items summed", done, total);
    }
    Ok(all)
}

fn add(sums: &mut Sums, movement: &Movement) -> Result<(), parstock_domain::fixed::FixedError> {
    sums.movements = sums.movements.saturating_add(1);
    let change = movement.signed_quantity()?;
    let Cause::Document { of, .. } = movement.key.cause else { return Ok(()) };
    match of.kind {
        DocumentKind::SalesInvoice => sums.sales = sums.sales.minus(change)?,
        DocumentKind::SalesCredit => sums.credits = sums.credits.plus(change)?,
        DocumentKind::SupplierCredit => sums.adjustments = sums.adjustments.plus(change)?,
        DocumentKind::Bill => {
            sums.bills = sums.bills.plus(change)?;
            let value = movement.value;
            sums.bill_value =
                if movement.key.out { sums.bill_value.minus(value)? } else { sums.bill_value.plus(value)? };
        }
        _ => {}
    }
    Ok(())
}

/// Net amounts of sales and of credits by item, as the client reads them out of Xero once more: the ledger
/// holds what goods cost, not what they were sold for.
async fn money_of_sales(ports: &LocalPorts, org: OrgId) -> Result<BTreeMap<String, [Money; 2]>, LocalError> {
    let mut all: BTreeMap<String, [Money; 2]> = BTreeMap::new();
    for feed in [Feed::Invoices, Feed::CreditNotes] {
        for page in 1.. {
            let documents = page_of(ports, org, feed, page).await?;
            for document in &documents.documents {
                let place = match document.of.kind {
                    DocumentKind::SalesInvoice => 0,
                    DocumentKind::SalesCredit => 1,
                    _ => continue,
                };
                for line in &document.lines {
                    let Some(item) = &line.item else { continue };
                    let sums = all.entry(item.code.clone()).or_default();
                    if let Some(sum) = sums.get_mut(place) {
                        *sum = sum.plus(line.net).map_err(LocalError::outside)?;
                    }
                }
            }
            if !documents.more {
                break;
            }
        }
    }
    Ok(all)
}

async fn page_of(ports: &LocalPorts, org: OrgId, feed: Feed, page: u32) -> Result<DocumentPage, LocalError> {
    loop {
        match ports.books().open(org, Priority::Backfill, 1).await {
            Ok(mut session) => {
                let documents = session.changed(feed, Timestamp::UNIX_EPOCH, page).await;
                session.close().await;
                return documents.map_err(LocalError::outside);
            }
            // time passes as it would for anyone who waits for the limits
            Err(BooksError::NotNow { until, .. }) if until > ports.clock.now() => {
                ports.clock.advance_to(until)
            }
            Err(error) => return Err(LocalError::outside(error)),
        }
    }
}

/// Compares with the independent sum. `None` where there is no Python to make it.
fn compare(
    folder: &Folder,
    sales: &Path,
    supply: &Path,
    ledger: &BTreeMap<String, Sums>,
    money: &BTreeMap<String, [Money; 2]>,
) -> Result<(Option<u64>, Vec<String>), LocalError> {
    let script: PathBuf = folder.file("independent_sum.py");
    fs::write(&script, INDEPENDENT_SUM).map_err(LocalError::outside)?;
    let Ok(output) = Command::new("python3").arg(&script).arg(sales).arg(supply).output() else {
        return Ok((None, Vec::new()));
    };
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(LocalError::outside(format!("the independent sum failed: {}", words.trim())));
    }
    let mut reader = csv::Reader::from_reader(output.stdout.as_slice());
    let (mut checked, mut differences) = (0u64, Vec::new());
    let nothing = Sums::default();
    let mut unseen: BTreeMap<&String, &Sums> = ledger.iter().filter(|(_, sums)| sums.movements > 0).collect();
    for record in reader.records() {
        let record = record.map_err(LocalError::outside)?;
        let field = |index: usize| record.get(index).unwrap_or_default();
        let code = field(0).to_owned();
        unseen.remove(&code);
        let ours = ledger.get(&code).unwrap_or(&nothing);
        let [sold, credited] = money.get(&code).copied().unwrap_or_default();
        let figures = [
            ("quantity", ours.quantity.e4()),
            ("units sold", ours.sales.e4()),
            ("sales", sold.e4()),
            ("units credited", ours.credits.e4()),
            ("credits", credited.e4()),
            ("units adjusted", ours.adjustments.e4()),
            ("units billed", ours.bills.e4()),
            ("bills", ours.bill_value.e4()),
        ];
        for (index, (what, ours)) in (1..).zip(figures) {
            let theirs: Quantity = field(index).parse().map_err(LocalError::outside)?;
            if theirs.e4() != ours {
                differences.push(format!("{code}: {what} {} here, {theirs} there", Quantity::from_e4(ours)));
            }
        }
        checked = checked.saturating_add(1);
    }
    for (code, sums) in unseen {
        differences.push(format!("{code}: {} movements here, unknown there", sums.movements));
    }
    Ok((Some(checked), differences))
}

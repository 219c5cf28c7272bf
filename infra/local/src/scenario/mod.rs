//! Scenarios: a short file says what people enter in Xero and what must come of it, and all of parstock runs on it,
//! from the webhook to the ledger.

pub mod file;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parstock_app::adjustments::{self, Asked};
use parstock_app::console::ItemCard;
use parstock_app::landed;
use parstock_app::opening;
use parstock_app::receiving::{self, Decision, NamedRequest};
use parstock_app::settings::{self, Applied};
use parstock_app::table;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::goods_receipt::GoodsReceipt;
use parstock_domain::ids::{LocationId, OrgId};
use parstock_domain::ledger::View;
use parstock_domain::ledger::proof::ADJUSTMENTS_CONTACT;
use parstock_domain::settings::files::Files;
use parstock_views::pages::{CardRow, PositionQuery, PositionRow};
use parstock_xero_sim::act::{
    self, Account, Act, Changes, Contact, DocumentKind, DocumentName, E4, JournalStatus, LineAmountTypes,
    NewDocument, TaxRate, Tracking,
};
use parstock_xero_sim::{JournalView, Settings, World};
use serde_json::json;

use self::file::{Expect, ExpectJournal, Item, Line, Number, Scenario, Step};
use crate::ask::console;
use crate::demo::load_history;
use crate::driver::{Driver, Simulation, locked};
use crate::error::LocalError;
use crate::folder::Folder;
use crate::notebook::Notebook;
use crate::ports::LocalPorts;
use crate::start;
use crate::trade::NoTrade;
use crate::voucher_file::VoucherFile;

const SEED: u64 = 5;
/// When the first step is entered, on the scenario's day.
const BEGINS_AT: Time = Time::constant(1, 0, 0, 0);
/// When a day begins that a step names: after the hour from which parstock plans.
const MORNING: Time = Time::constant(7, 0, 0, 0);
/// Until the next step parstock has come to rest, a poll included.
const BETWEEN_STEPS: SignedDuration = SignedDuration::from_mins(16);
/// Who counts and sets, in the audit trail.
const PERSON: &str = "scenario";
/// The contact of documents that name none.
const SOMEBODY: &str = "Somebody";
/// In percent.
const TAX: E4 = E4::whole(10);
const SALES: &str = "200";
const COST_OF_SALES: &str = "310";
const STOCK: &str = "620";
const TRACKED_STOCK: &str = "630";
/// The chart of accounts: code and Xero's type.
const ACCOUNTS: [(&str, &str); 7] = [
    ("090", "BANK"),
    (SALES, "SALES"),
    (COST_OF_SALES, "DIRECTCOSTS"),
    ("400", "EXPENSE"),
    ("425", "EXPENSE"),
    (STOCK, "CURRENT"),
    (TRACKED_STOCK, "INVENTORY"),
];

/// In which portions parstock learns of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// One by one.
    Apart,
    /// All that is entered between two counts at once.
    Together,
}

/// Runs a scenario in a folder of its own. Answers what differs from what must be.
///
/// # Errors
/// [`LocalError::Input`] when a step can't be done, as Xero itself would refuse it; else what failed outside.
pub async fn run(scenario: &Scenario, told: Told) -> Result<Vec<String>, LocalError> {
    let temporary = tempfile::tempdir().map_err(LocalError::outside)?;
    let folder = Folder::temporary(temporary.path());
    let mut books = Books::open(scenario, &folder).await?;
    let mut known = BTreeSet::new();
    for (number, step) in (1..).zip(&scenario.step) {
        let wrong = |what: String| LocalError::Input(format!("step {number}: {what}"));
        if let Some(day) = step.day {
            books.begin(day).await?;
        } else if let Some(counts) = &step.count {
            books.settle().await?;
            books.count(counts).await.map_err(|error| wrong(error.to_string()))?;
        } else if let Some(receipt) = &step.receipt {
            books.settle().await?;
            books.receive(receipt).await.map_err(|error| wrong(error.to_string()))?;
        } else if let Some(which) = step.take_in {
            books.settle().await?;
            books.take_in(which).await.map_err(|error| wrong(error.to_string()))?;
        } else if let Some(which) = step.receipt_back {
            books.settle().await?;
            books.receipt_back(which).await.map_err(|error| wrong(error.to_string()))?;
        } else if let Some(rows) = &step.adjust {
            books.settle().await?;
            books.adjust(rows).await.map_err(|error| wrong(error.to_string()))?;
        } else if let Some(which) = step.approve {
            books.settle().await?;
            books.approve(which).await.map_err(|error| wrong(error.to_string()))?;
        } else if let Some(units) = &step.units {
            books.settle().await?;
            books.units(units).await.map_err(|error| wrong(error.to_string()))?;
        } else if let Some(voucher) = &step.landed {
            books.settle().await?;
            books.land(voucher).await.map_err(|error| wrong(error.to_string()))?;
        } else if let Some(which) = step.take_back {
            books.settle().await?;
            books.take_back(which).await.map_err(|error| wrong(error.to_string()))?;
        } else if let Some(set) = &step.set_against {
            let act = books.setting_against(set).map_err(wrong)?;
            books.enter(step, &act).map_err(wrong)?;
        } else {
            let act = act_of(scenario, step, &mut known).map_err(wrong)?;
            books.enter(step, &act).map_err(wrong)?;
        }
        if told == Told::Apart {
            books.settle().await?;
        }
    }
    books.settle().await?;
    let mut differences = books.compare(&scenario.expect, scenario.ends()).await?;
    differences.extend(books.journals(scenario.journal.as_deref()).map_err(LocalError::Input)?);
    Ok(differences)
}

/// The books under way.
struct Books {
    world: Arc<Mutex<World>>,
    ports: Arc<LocalPorts>,
    driver: Driver<NoTrade>,
    org: OrgId,
}

impl Books {
    async fn open(scenario: &Scenario, folder: &Folder) -> Result<Self, LocalError> {
        let notebook = Notebook::open(&folder.file("local.sqlite"))?;
        let first = TimeZone::UTC
            .to_timestamp(scenario.today().to_datetime(BEGINS_AT))
            .map_err(LocalError::outside)?;
        let clock = start::simulated_clock(&notebook, first)?;
        let world = start::world(None, SEED, Settings::development(SEED))?;
        for act in set_up(scenario) {
            locked(&world).apply(first, &act).map_err(|error| LocalError::Input(error.to_string()))?;
        }
        let console_url = "http://127.0.0.1".to_owned();
        let ports = start::beside_simulated_xero(folder, &notebook, clock, &world, SEED, console_url).await?;
        let simulation = Simulation { world: Arc::clone(&world), trade: NoTrade, owner: None };
        let mut driver = Driver::new(Arc::clone(&ports), notebook, Some(simulation));
        let org = load_history(&mut driver, 0, &mut ()).await?;
        let books = Self { world, ports, driver, org };
        books.set(scenario).await?;
        Ok(books)
    }

    async fn set(&self, scenario: &Scenario) -> Result<(), LocalError> {
        if scenario.rules.is_empty() {
            return Ok(());
        }
        let policy = json!({ "version": 1, "rules": scenario.rules }).to_string();
        self.apply("rules", &Files { policy: Some(&policy), ..Files::default() }).await
    }

    async fn apply(&self, what: &str, files: &Files<'_>) -> Result<(), LocalError> {
        match settings::apply(&*self.ports, self.org, PERSON, files).await? {
            Applied::Changed(_) => Ok(()),
            Applied::Refused(problems) => {
                let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                Err(LocalError::Input(format!("{what}: {}", problems.join("; "))))
            }
        }
    }

    /// As `parstock settings apply units.csv` does.
    async fn units(&self, units: &[file::Unit]) -> Result<(), LocalError> {
        let mut text = String::from("item,supplier,from,unit,holds\n");
        for unit in units {
            let from = unit.from.map(|day| day.to_string()).unwrap_or_default();
            let holds = unit.holds.quantity().map_err(LocalError::Input)?;
            text.push_str(&format!("{},{},{from},{},{holds}\n", unit.item, unit.supplier, unit.unit));
        }
        self.apply("units", &Files { units: Some(&text), ..Files::default() }).await
    }

    fn now(&self) -> Timestamp {
        self.ports.clock.now()
    }

    fn enter(&self, step: &Step, act: &Act) -> Result<(), String> {
        let mut world = locked(&self.world);
        let contact = step.contact.as_deref().unwrap_or(SOMEBODY);
        if world.contact_id(contact).is_none() {
            world
                .apply(self.now(), &Act::UpsertContact(somebody(contact)))
                .map_err(|error| error.to_string())?;
        }
        world.apply(self.now(), act).map(|_| ()).map_err(|error| error.to_string())
    }

    /// What setting a credit note against an invoice is in Xero.
    fn setting_against(&self, set: &file::SetAgainst) -> Result<Act, String> {
        let world = locked(&self.world);
        let id = |kind, number: &str| {
            let document = world.document(kind, number);
            document.map(|document| document.id).ok_or_else(|| format!("there is no document `{number}`"))
        };
        Ok(Act::Allocate {
            credit: id(DocumentKind::SalesCredit, &set.credit)?,
            invoice: id(DocumentKind::Invoice, &set.invoice)?,
            amount: set.amount.e4()?,
            date: set.on,
        })
    }

    /// Lets parstock learn of what was entered, and come to rest.
    async fn settle(&mut self) -> Result<(), LocalError> {
        let until = self.now().checked_add(BETWEEN_STEPS).map_err(LocalError::outside)?;
        self.driver.run_until(until).await?;
        self.ports.clock.advance_to(until);
        Ok(())
    }

    /// Another day begins: parstock does what it does of a morning.
    async fn begin(&mut self, day: Date) -> Result<(), LocalError> {
        self.settle().await?;
        let morning = TimeZone::UTC.to_timestamp(day.to_datetime(MORNING)).map_err(LocalError::outside)?;
        self.ports.clock.advance_to(morning);
        self.settle().await
    }

    /// What differs of the journals that stand in Xero.
    fn journals(&self, expected: Option<&[ExpectJournal]>) -> Result<Vec<String>, String> {
        let Some(expected) = expected else { return Ok(Vec::new()) };
        let stands =
            |journal: &&JournalView| matches!(journal.status, JournalStatus::Draft | JournalStatus::Posted);
        let world = locked(&self.world);
        let journals: Vec<JournalView> = world.manual_journals().collect();
        let found: Vec<&JournalView> = journals.iter().filter(stands).collect();
        let credited = |journal: &JournalView, number: usize| -> i64 {
            let account = expected.get(number).and_then(|wanted| wanted.account.as_deref()).unwrap_or(STOCK);
            let lines = journal.lines.iter().filter(|line| line.account_code == account);
            lines.map(|line| -line.amount.0).sum()
        };
        let mut wrong = Vec::new();
        for number in 0..expected.len().max(found.len()) {
            let told = found.get(number).map(|it| {
                format!("{} of {}: {}", Money::from_e4(credited(it, number)), it.date, it.narration)
            });
            match (expected.get(number), found.get(number)) {
                (Some(wanted), Some(there))
                    if wanted.date == there.date
                        && wanted.amount.money()?.e4() == credited(there, number)
                        && wanted.says.as_ref().is_none_or(|says| there.narration.contains(says)) => {}
                (Some(wanted), _) => wrong.push(format!(
                    "journal {} must be {} of {}{}, and is {}",
                    number + 1,
                    wanted.amount.money()?,
                    wanted.date,
                    wanted.says.as_ref().map(|says| format!(" and say `{says}`")).unwrap_or_default(),
                    told.unwrap_or_else(|| "not there".to_owned())
                )),
                (None, _) => {
                    wrong.push(format!("journal {} must not be: {}", number + 1, told.unwrap_or_default()));
                }
            }
        }
        Ok(wrong)
    }

    /// As `parstock stock import` does.
    async fn count(&self, counts: &[file::Count]) -> Result<(), LocalError> {
        let counts = counts
            .iter()
            .map(|count| {
                Ok(opening::Count {
                    line: 0,
                    code: count.item.clone(),
                    location: LocationId::main(),
                    as_of: count.on,
                    quantity: count.quantity.quantity()?,
                    unit_cost: count.unit_cost.as_ref().map(Number::money).transpose()?,
                })
            })
            .collect::<Result<Vec<_>, String>>()
            .map_err(LocalError::Input)?;
        opening::import(&*self.ports, self.org, PERSON, &counts).await?.map(|_| ()).map_err(told)
    }

    /// As `parstock receipts make` does.
    async fn receive(&self, receipt: &file::Receipt) -> Result<(), LocalError> {
        let items = receipt.item.iter().map(|item| Ok((item.code.clone(), item.quantity.quantity()?)));
        let named = NamedRequest {
            order: receipt.order.clone(),
            on: Some(receipt.on),
            slip: String::new(),
            items: items.collect::<Result<_, String>>().map_err(LocalError::Input)?,
            billed: receipt.billed,
            ends: receipt.ends,
        };
        let request = receiving::resolve(&*self.ports, self.org, &named).await?;
        receiving::make(&*self.ports, self.org, PERSON, &request, None).await?;
        Ok(())
    }

    async fn receipt(&self, which: usize) -> Result<GoodsReceipt, LocalError> {
        let made = receiving::all(&*self.ports, self.org).await?;
        let receipt = which.checked_sub(1).and_then(|at| made.into_iter().rev().nth(at));
        receipt.ok_or_else(|| LocalError::Input(format!("there is no goods receipt {which}")))
    }

    /// As `parstock receipts take-in` does.
    async fn take_in(&self, which: usize) -> Result<(), LocalError> {
        let number = self.receipt(which).await?.number;
        Ok(receiving::decide(&*self.ports, self.org, PERSON, number, &Decision::TakeIn).await?)
    }

    /// As `parstock receipts take-back` does.
    async fn receipt_back(&self, which: usize) -> Result<(), LocalError> {
        let number = self.receipt(which).await?.number;
        Ok(receiving::take_back(&*self.ports, self.org, PERSON, number, PERSON).await?)
    }

    /// As `parstock stock adjust` does.
    async fn adjust(&self, rows: &[file::Adjust]) -> Result<(), LocalError> {
        let rows = rows
            .iter()
            .map(|row| {
                Ok(Asked {
                    line: 0,
                    code: row.item.clone(),
                    on: row.on,
                    quantity: row.quantity.quantity()?,
                    reason: row.reason,
                    unit_cost: row.unit_cost.as_ref().map(Number::money).transpose()?,
                    note: row.note.clone(),
                })
            })
            .collect::<Result<Vec<_>, String>>()
            .map_err(LocalError::Input)?;
        let made = adjustments::make(&*self.ports, self.org, PERSON, &rows).await?;
        made.map(|_| ()).map_err(told)
    }

    /// As `parstock stock adjustments approve` does.
    async fn approve(&self, which: usize) -> Result<(), LocalError> {
        let made = adjustments::all(&*self.ports, self.org).await?;
        let adjustment = which.checked_sub(1).and_then(|at| made.iter().rev().nth(at));
        let adjustment =
            adjustment.ok_or_else(|| LocalError::Input(format!("there is no adjustment {which}")))?;
        Ok(adjustments::approve(&*self.ports, self.org, PERSON, adjustment.number, None).await?)
    }

    /// As `parstock landed make` does.
    async fn land(&self, voucher: &VoucherFile) -> Result<(), LocalError> {
        let named = voucher.request().map_err(LocalError::Input)?;
        let request = landed::resolve(&*self.ports, self.org, &named).await?;
        landed::make(&*self.ports, self.org, PERSON, &request, None).await?;
        Ok(())
    }

    /// As `parstock landed take-back` does.
    async fn take_back(&self, which: usize) -> Result<(), LocalError> {
        let made = landed::all(&*self.ports, self.org).await?;
        let voucher = which.checked_sub(1).and_then(|at| made.iter().rev().nth(at));
        let voucher = voucher.ok_or_else(|| LocalError::Input(format!("there is no voucher {which}")))?;
        Ok(landed::take_back(&*self.ports, self.org, PERSON, voucher.number, PERSON).await?)
    }

    async fn compare(&self, expected: &[Expect], today: Date) -> Result<Vec<String>, LocalError> {
        let mut differences = Vec::new();
        for dead in self.ports.queue.dead()? {
            differences.push(format!("a message could not be served: {}", dead.cause));
        }
        let console = console(&*self.ports, self.org).await?;
        for expect in expected {
            let id = console.item_by_code(&expect.item).await?;
            let mut card = console.card(id, View { at: expect.on, ..View::default() }).await?;
            if expect.on.is_none() && !card.item.tracked {
                // what is dated ahead is not there yet
                card = console.card(id, View { at: Some(today), ..View::default() }).await?;
            }
            let query = PositionQuery { search: expect.item.clone(), page: 1, ..PositionQuery::default() };
            let rows = console.positions(query).await?.rows;
            let row = rows.iter().find(|row| row.item == id);
            let found = Found { row: row.filter(|_| expect.on.is_none()), card: &card };
            let of = match expect.on {
                Some(day) => format!("{} at the end of {day}", expect.item),
                None => expect.item.clone(),
            };
            let wrong = found
                .differences(expect)
                .map_err(|what| LocalError::Input(format!("expect {of}: {what}")))?;
            differences.extend(wrong.into_iter().map(|what| format!("{of}: {what}")));
        }
        Ok(differences)
    }
}

/// What there is of an item.
struct Found<'a> {
    /// Its position now; none where a past day is asked for.
    row: Option<&'a PositionRow>,
    card: &'a ItemCard,
}

impl Found<'_> {
    fn differences(&self, expect: &Expect) -> Result<Vec<String>, String> {
        let mut wrong = Wrong::default();
        let now = self.row;
        let on_hand = match now {
            Some(row) => row.on_hand,
            None => self.card.card.end.map(|end| end.quantity),
        };
        if let Some(counted) = expect.counted {
            wrong.say("counted", counted, on_hand.is_some());
        }
        wrong.quantity("on hand", &expect.on_hand, on_hand)?;
        // what Xero holds of a tracked item beyond its movements
        let more = self.card.card.unexplained.map_or(Money::ZERO, |more| more.value);
        let value = self
            .card
            .card
            .end
            .map(|end| end.value.plus(more))
            .transpose()
            .map_err(|error| error.to_string())?;
        wrong.money("value", &expect.value, value)?;
        wrong.quantity("committed", &expect.committed, now.map(|row| row.committed))?;
        wrong.quantity("available", &expect.available, now.and_then(|row| row.available))?;
        wrong.quantity("on order", &expect.on_order, now.map(|row| row.on_order))?;
        if let Some(layers) = &expect.layers {
            let expected: Vec<_> = layers
                .iter()
                .map(|layer| Ok((layer.quantity.quantity()?, layer.cost.money()?)))
                .collect::<Result<_, String>>()?;
            let found: Vec<_> = self.card.layers.iter().map(|layer| (layer.quantity, layer.cost)).collect();
            wrong.say("layers", layers_in_words(&expected), layers_in_words(&found));
        }
        for cost in expect.cost.iter().flatten() {
            let of_document = || self.card.card.rows.iter().filter(|row| row.number == cost.of);
            if let Some(expected) = &cost.foreign {
                let found: Vec<String> = of_document().filter_map(CardRow::foreign_words).collect();
                wrong.say(&format!("what {} says", cost.of), expected.clone(), found.join(", "));
            }
            let mut sum = Money::ZERO;
            for row in of_document() {
                sum = sum.minus(row.value).map_err(|error| error.to_string())?;
            }
            wrong.money(&format!("cost of {}", cost.of), &Some(cost.total.clone()), Some(sum))?;
        }
        Ok(wrong.0)
    }
}

/// All that is wrong with rows.
fn told(wrong: Vec<table::Wrong>) -> LocalError {
    LocalError::Input(wrong.into_iter().map(|wrong| wrong.what).collect::<Vec<_>>().join("; "))
}

fn layers_in_words(layers: &[(Quantity, Money)]) -> String {
    let words: Vec<String> =
        layers.iter().map(|(quantity, cost)| format!("{quantity} at {cost} together")).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// What differs.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn say<T: PartialEq + std::fmt::Display>(&mut self, what: &str, expected: T, found: T) {
        if expected != found {
            self.0.push(format!("{what} must be {expected}, and is {found}"));
        }
    }

    fn quantity(
        &mut self,
        what: &str,
        expected: &Option<Number>,
        found: Option<Quantity>,
    ) -> Result<(), String> {
        if let Some(expected) = expected {
            self.known(what, expected.quantity()?, found);
        }
        Ok(())
    }

    fn money(&mut self, what: &str, expected: &Option<Number>, found: Option<Money>) -> Result<(), String> {
        if let Some(expected) = expected {
            self.known(what, expected.money()?, found);
        }
        Ok(())
    }

    fn known<T: PartialEq + std::fmt::Display>(&mut self, what: &str, expected: T, found: Option<T>) {
        match found {
            Some(found) => self.say(what, expected, found),
            None => self.0.push(format!("{what} must be {expected}, and is not known")),
        }
    }
}

fn set_up(scenario: &Scenario) -> Vec<Act> {
    let mut acts = vec![Act::SetUpOrganisation(organisation(scenario, None))];
    acts.extend(ACCOUNTS.map(|(code, account_type)| {
        Act::UpsertAccount(Account {
            code: code.to_owned(),
            name: format!("{account_type} {code}"),
            account_type: account_type.to_owned(),
            system_account: None,
        })
    }));
    acts.extend([SOMEBODY, ADJUSTMENTS_CONTACT].map(|name| Act::UpsertContact(somebody(name))));
    acts.extend(scenario.item.iter().map(|item| Act::UpsertItem(xero_item(item))));
    acts
}

fn organisation(scenario: &Scenario, locked_through: Option<Date>) -> act::Organisation {
    let tax_rate = |tax_type: &str| TaxRate { tax_type: tax_type.to_owned(), percent: TAX };
    act::Organisation {
        name: "Scenario".to_owned(),
        time_zone: "GMTSTANDARDTIME".to_owned(),
        base_currency: scenario.organisation.currency.clone(),
        country: scenario.organisation.country.clone(),
        period_lock_date: locked_through,
        end_of_year_lock_date: None,
        tax_rates: vec![tax_rate("INPUT"), tax_rate("OUTPUT")],
    }
}

fn somebody(name: &str) -> Contact {
    Contact { name: name.to_owned(), contact_number: None, email: None, is_supplier: true, is_customer: true }
}

fn xero_item(item: &Item) -> act::Item {
    let tracking = if item.tracked {
        Tracking::Tracked { asset_account: TRACKED_STOCK.to_owned(), cogs_account: COST_OF_SALES.to_owned() }
    } else {
        Tracking::Untracked { purchase_account: STOCK.to_owned() }
    };
    act::Item {
        code: item.code.clone(),
        name: item.code.clone(),
        description: String::new(),
        tracking,
        purchase_price: E4::ZERO,
        sales_price: E4::ZERO,
        sales_account: SALES.to_owned(),
    }
}

/// What a step does in Xero. `known` are the documents that exist.
fn act_of(
    scenario: &Scenario,
    step: &Step,
    known: &mut BTreeSet<(DocumentKind, String)>,
) -> Result<Act, String> {
    if let Some(through) = step.lock {
        return Ok(Act::SetUpOrganisation(organisation(scenario, Some(through))));
    }
    let (kind, number) = step.document().ok_or("it names nothing")?;
    let lines =
        step.lines.as_ref().map(|lines| lines.iter().map(line).collect::<Result<Vec<_>, _>>()).transpose()?;
    let currency = step.currency.as_ref().map(|currency| {
        Ok::<_, String>(act::Currency {
            code: currency.code.clone(),
            rate_millionths: currency.rate.millionths()?,
        })
    });
    let currency = currency.transpose()?;
    if !known.insert((kind, number.to_owned())) {
        if step.amounts.is_some() {
            return Err("`amounts` is set when a document is first entered".to_owned());
        }
        let document = DocumentName { kind, number: number.to_owned() };
        let changes = Changes {
            contact: step.contact.clone(),
            date: step.on,
            currency,
            status: step.status.map(Into::into),
            lines,
            ..Changes::default()
        };
        return Ok(Act::EditDocument { document, changes });
    }
    Ok(Act::CreateDocument(NewDocument {
        kind,
        number: number.to_owned(),
        reference: String::new(),
        contact: step.contact.clone().unwrap_or_else(|| SOMEBODY.to_owned()),
        date: step.on.ok_or("a new document needs its day: `on = 2026-01-31`")?,
        due: None,
        expected_arrival: None,
        status: step.status.map_or(act::Status::Authorised, Into::into),
        amounts: step.amounts.map_or(LineAmountTypes::Exclusive, Into::into),
        currency,
        lines: lines.ok_or("a new document needs `lines`")?,
    }))
}

fn line(line: &Line) -> Result<act::Line, String> {
    Ok(act::Line {
        item_code: line.item.clone(),
        description: line.item.clone().or_else(|| line.what.clone()).unwrap_or_else(|| "Freight".to_owned()),
        quantity: line.quantity.e4()?,
        unit_amount: line.price.e4()?,
        account_code: line.account.clone().or_else(|| line.item.is_none().then(|| "425".to_owned())),
        discount_percent: line.discount.as_ref().map_or(Ok(E4::ZERO), Number::e4)?,
        tax_type: line.tax.clone(),
        ..act::Line::default()
    })
}

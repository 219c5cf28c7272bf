//! A real retailer's invoice lines as a history of acts.
//!
//! The rules are those of [`rules`], which is `docs/replay-rules.md`. The file is read twice: once to check every
//! line and to learn items, contacts and days, then again day by day, so that memory holds one day of lines and the
//! catalogue, never the year.

mod lines;
mod supply;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::act::{
    Account, Act, Contact, DocumentKind, E4, Item, Line, LineAmountTypes, NewDocument, Organisation, Status,
    TimedAct, Tracking,
};
use lines::{SourceLine, SourceLines};
use supply::Shelves;
pub use supply::{Supply, SupplyKind, SupplyRow, supply_csv};

/// Where the retailer is.
const TIME_ZONE: &str = "Europe/London";
/// The same in Xero's enumeration.
const XERO_TIME_ZONE: &str = "GMTSTANDARDTIME";
/// Code of the account of all sales of goods.
const SALES: &str = "200";
/// Code of the account of postage, fees and the like.
const SERVICES: &str = "260";
/// Code of the account of untracked stock.
const STOCK: &str = "631";
/// Contact of lines that name no customer.
const CASH_SALE: &str = "Cash sale";
/// Contact of the documents that adjust stock.
const STOCK_ADJUSTMENTS: &str = "Stock adjustments";
/// Longest name of an item in Xero, in characters.
const ITEM_NAME_MAX: usize = 50;
/// Items of one file at most.
const ITEMS_MAX: usize = 100_000;
/// Documents of one file at most.
const DOCUMENTS_MAX: usize = 1_000_000;
/// Codes of services, which are written as lines without item.
const SERVICE_CODES: [&str; 16] = [
    "POST",
    "DOT",
    "C2",
    "C3",
    "BANK CHARGES",
    "AMAZONFEE",
    "M",
    "m",
    "D",
    "S",
    "B",
    "CRUK",
    "ADJUST",
    "ADJUST2",
    "TEST001",
    "TEST002",
];
/// What the codes of gift vouchers begin with.
const GIFT_VOUCHER: &str = "gift_";

/// The rules by which lines become documents, in words.
pub const fn rules() -> &'static str {
    include_str!("../../../docs/replay-rules.md")
}

/// Why a file of sales can't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum RetailError {
    /// There is no such file, or it can't be opened.
    #[error("the sales file {} can't be opened ({source}): check the path", .path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A column is missing.
    #[error(
        "the sales file has no column {0:?} in its first line: see the rules for the seven columns it needs"
    )]
    MissingColumn(&'static str),
    /// A line can't be used.
    #[error("line {line} of the sales file: {problem}")]
    Line {
        /// Counted from 1, the heading included.
        line: u64,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// There is nothing to replay.
    #[error("the sales file has a heading but no lines")]
    Empty,
}

impl RetailError {
    fn line(line: u64, problem: impl Into<String>) -> RetailError {
        RetailError::Line { line, problem: problem.into() }
    }
}

/// How much there is in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines without the heading.
    pub lines: u64,
    /// Different document numbers.
    pub documents: u64,
    /// Different items, services left out.
    pub items: u64,
    /// Different contacts that are sold to.
    pub customers: u64,
}

/// What the file tells about an item before the year is replayed.
#[derive(Clone, Debug)]
struct CatalogueEntry {
    name: String,
    first_price: E4,
}

/// A retailer's year, checked and ready to be replayed.
#[derive(Debug)]
pub struct RetailYear {
    path: PathBuf,
    seed: u64,
    supply: Supply,
    catalogue: BTreeMap<String, CatalogueEntry>,
    customers: Vec<String>,
    first_day: Date,
    last_day: Date,
    counts: Counts,
    zone: TimeZone,
}

impl RetailYear {
    /// Reads the whole file once and checks every line of it.
    ///
    /// # Errors
    /// [`RetailError`] names the line and what is wrong with it.
    pub fn open(path: &Path, seed: u64, supply: Supply) -> Result<RetailYear, RetailError> {
        let zone = TimeZone::get(TIME_ZONE).map_err(|cause| RetailError::line(0, cause.to_string()))?;
        let mut catalogue: BTreeMap<String, CatalogueEntry> = BTreeMap::new();
        let mut customers: BTreeMap<String, ()> = BTreeMap::new();
        let mut documents: BTreeMap<String, Date> = BTreeMap::new();
        let mut days: Option<(Date, Date)> = None;
        let mut lines = 0;
        for line in SourceLines::open(path)? {
            let line = line?;
            lines += 1;
            let day = line.at.date();
            let (first, last) = days.unwrap_or((day, day));
            if day < last {
                let problem =
                    format!("its day {day} is before {last} of the line above: sort the file by day");
                return Err(RetailError::line(line.number, problem));
            }
            days = Some((first, day));
            match documents.get(&line.document) {
                Some(known) if *known != day => {
                    let problem = format!(
                        "document {:?} was already seen on {known}: a document must stay within one day",
                        line.document
                    );
                    return Err(RetailError::line(line.number, problem));
                }
                Some(_) => {}
                None if documents.len() >= DOCUMENTS_MAX => {
                    return Err(RetailError::line(
                        line.number,
                        format!("more than {DOCUMENTS_MAX} documents"),
                    ));
                }
                None => {
                    documents.insert(line.document.clone(), day);
                }
            }
            customers.entry(customer_name(&line.customer)).or_default();
            if let Some(code) = line.item_code() {
                if let Some(known) = catalogue.get_mut(code) {
                    if known.name.is_empty() {
                        known.name = item_name(&line.description);
                    }
                } else if catalogue.len() >= ITEMS_MAX {
                    return Err(RetailError::line(line.number, format!("more than {ITEMS_MAX} items")));
                } else {
                    let entry =
                        CatalogueEntry { name: item_name(&line.description), first_price: line.price };
                    catalogue.insert(code.to_owned(), entry);
                }
            }
        }
        let (first_day, last_day) = days.ok_or(RetailError::Empty)?;
        let counts = Counts {
            lines,
            documents: documents.len() as u64,
            items: catalogue.len() as u64,
            customers: customers.len() as u64,
        };
        let customers = customers.into_keys().collect();
        Ok(RetailYear {
            path: path.to_owned(),
            seed,
            supply,
            catalogue,
            customers,
            first_day,
            last_day,
            counts,
            zone,
        })
    }

    /// How much there is in the file.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Day of the first document.
    pub const fn first_day(&self) -> Date {
        self.first_day
    }

    /// Day of the last document.
    pub const fn last_day(&self) -> Date {
        self.last_day
    }

    /// The organisation's time zone.
    pub fn time_zone(&self) -> TimeZone {
        self.zone.clone()
    }

    /// Organisation, accounts, contacts and items: what must stand before the first document, at noon of the day
    /// before it.
    pub fn setup(&self) -> Vec<TimedAct> {
        let at = self.instant(self.eve().at(12, 0, 0, 0));
        let organisation = Act::SetUpOrganisation(Organisation {
            name: "Retailer of the replay".to_owned(),
            time_zone: XERO_TIME_ZONE.to_owned(),
            base_currency: "GBP".to_owned(),
            country: "GB".to_owned(),
            period_lock_date: None,
            end_of_year_lock_date: None,
            tax_rates: Vec::new(),
        });
        let account = |code: &str, name: &str, account_type: &str, system: Option<&str>| {
            Act::UpsertAccount(Account {
                code: code.to_owned(),
                name: name.to_owned(),
                account_type: account_type.to_owned(),
                system_account: system.map(str::to_owned),
            })
        };
        let accounts = [
            account(SALES, "Sales", "SALES", None),
            account(SERVICES, "Postage, fees and other income", "REVENUE", None),
            account(STOCK, "Stock on hand", "CURRENT", None),
            account("310", "Cost of goods sold", "DIRECTCOSTS", None),
            account("610", "Accounts receivable", "CURRENT", Some("DEBTORS")),
            account("800", "Accounts payable", "CURRLIAB", Some("CREDITORS")),
            account("860", "Rounding", "CURRLIAB", Some("ROUNDING")),
        ];
        let contact = |name: &str, is_supplier: bool| {
            Act::UpsertContact(Contact {
                name: name.to_owned(),
                contact_number: None,
                email: None,
                is_supplier,
                is_customer: !is_supplier,
            })
        };
        let suppliers = supply::supplier_names().chain([STOCK_ADJUSTMENTS.to_owned()]);
        let items = self.catalogue.iter().map(|(code, entry)| {
            let name = if entry.name.is_empty() { code } else { &entry.name };
            Act::UpsertItem(Item {
                code: code.clone(),
                name: name.clone(),
                description: name.clone(),
                tracking: Tracking::Untracked { purchase_account: STOCK.to_owned() },
                purchase_price: supply::cost(entry.first_price),
                sales_price: entry.first_price,
                sales_account: SALES.to_owned(),
            })
        });
        [organisation]
            .into_iter()
            .chain(accounts)
            .chain(self.customers.iter().map(|name| contact(name, false)))
            .chain(suppliers.map(|name| contact(&name, true)))
            .chain(items)
            .map(|act| TimedAct { at, act })
            .collect()
    }

    /// The opening stock, empty under [`Supply::None`].
    pub fn opening_rows(&self) -> Vec<SupplyRow> {
        self.shelves().opening_rows(self.eve())
    }

    /// The opening stock as `parstock stock import` reads it.
    pub fn opening_csv(&self) -> String {
        let mut text = String::from("item,location,as_of,quantity,unit_cost\n");
        for row in self.opening_rows() {
            let unit_cost =
                self.catalogue.get(&row.item).map_or(E4::ZERO, |entry| supply::cost(entry.first_price));
            let item = supply::csv_field(&row.item);
            text.push_str(&format!("{item},,{},{},{unit_cost}\n", row.date, row.quantity));
        }
        text
    }

    /// The year's days on which something happens, in order, read anew from the file.
    ///
    /// # Errors
    /// [`RetailError::Open`] when the file is gone since it was checked.
    pub fn days(&self) -> Result<Days<'_>, RetailError> {
        Ok(Days {
            year: self,
            source: SourceLines::open(&self.path)?,
            ahead: None,
            next_day: self.first_day,
            shelves: self.shelves(),
        })
    }

    fn shelves(&self) -> Shelves {
        let prices = self.catalogue.iter().map(|(code, entry)| (code.clone(), entry.first_price));
        Shelves::new(self.supply, self.seed, prices)
    }

    fn eve(&self) -> Date {
        self.first_day.saturating_sub(1.day())
    }

    fn instant(&self, local: DateTime) -> Timestamp {
        // The zone's rule for times that a change of the clocks skips or doubles is taken; it can't fail for the
        // years that the reader lets pass.
        self.zone.to_ambiguous_timestamp(local).compatible().unwrap_or_default()
    }
}

/// One day of the replay.
#[derive(Debug)]
pub struct RetailDay {
    /// The day, in the organisation's time zone.
    pub date: Date,
    /// What is done, in order of time.
    pub acts: Vec<TimedAct>,
    /// What the day's bills brought.
    pub supply: Vec<SupplyRow>,
}

/// The days of a [`RetailYear`]; ends after the first error.
#[derive(Debug)]
pub struct Days<'a> {
    year: &'a RetailYear,
    source: SourceLines,
    /// The first line of a later day, already read.
    ahead: Option<SourceLine>,
    next_day: Date,
    shelves: Shelves,
}

impl Iterator for Days<'_> {
    type Item = Result<RetailDay, RetailError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.next_day <= self.year.last_day {
            let date = self.next_day;
            self.next_day = date.saturating_add(1.day());
            match self.day(date) {
                Ok(day) if day.acts.is_empty() => {}
                Ok(day) => return Some(Ok(day)),
                Err(cause) => {
                    self.next_day = Date::MAX;
                    return Some(Err(cause));
                }
            }
        }
        None
    }
}

impl Days<'_> {
    fn day(&mut self, date: Date) -> Result<RetailDay, RetailError> {
        let mut acts = Vec::new();
        let supply = self.shelves.deliver(date);
        if !supply.is_empty() {
            let at = self.year.instant(date.at(7, 0, 0, 0));
            acts.push(TimedAct { at, act: Act::CreateDocument(supply::bill(date, &supply)) });
        }
        for document in self.documents_of(date)? {
            let at = self.year.instant(document.at);
            for new in document.into_books(&mut self.shelves, date) {
                acts.push(TimedAct { at, act: Act::CreateDocument(new) });
            }
        }
        acts.sort_by_key(|timed| timed.at);
        Ok(RetailDay { date, acts, supply: supply.into_iter().map(|delivery| delivery.row).collect() })
    }

    fn documents_of(&mut self, date: Date) -> Result<Vec<SourceDocument>, RetailError> {
        let mut documents: Vec<SourceDocument> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let line = match self.ahead.take() {
                Some(line) => line,
                None => match self.source.next() {
                    Some(line) => line?,
                    None => break,
                },
            };
            if line.at.date() > date {
                self.ahead = Some(line);
                break;
            }
            let place = *places.entry(line.document.clone()).or_insert(documents.len());
            match documents.get_mut(place) {
                Some(document) => document.lines.push(line),
                None => documents.push(SourceDocument { at: line.at, lines: vec![line] }),
            }
        }
        Ok(documents)
    }
}

/// The lines of one document number.
struct SourceDocument {
    at: DateTime,
    lines: Vec<SourceLine>,
}

/// What the first letter of a document number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nature {
    Sale,
    Credit,
    BookEntry,
}

impl Nature {
    fn of(document: &str) -> Option<Nature> {
        let (nature, digits) = match document.as_bytes() {
            [b'C', digits @ ..] => (Nature::Credit, digits),
            [b'A', digits @ ..] => (Nature::BookEntry, digits),
            digits => (Nature::Sale, digits),
        };
        (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(nature)
    }
}

impl SourceDocument {
    /// The documents that it becomes: one, or two if it sells and adjusts. The shelves learn what moves.
    fn into_books(self, shelves: &mut Shelves, date: Date) -> Vec<NewDocument> {
        let Some(first) = self.lines.first() else { return Vec::new() };
        let nature = first.nature;
        let (number, customer) = (first.document.clone(), customer_name(&first.customer));
        let (mut traded, mut adjusted) = (Vec::new(), Vec::new());
        for line in &self.lines {
            let adjusts = nature == Nature::Sale && line.quantity < 0;
            if let Some(code) = line.item_code() {
                shelves.took(code, line.quantity, adjusts, line.price, date);
            }
            if adjusts {
                adjusted.push(line.in_books(E4::ZERO))
            } else {
                traded.push(line.in_books(line.price))
            }
        }
        let document = |kind, number: String, contact: String, lines| NewDocument {
            kind,
            number,
            reference: String::new(),
            contact,
            date,
            due: Some(date),
            expected_arrival: None,
            status: Status::Authorised,
            amounts: LineAmountTypes::NoTax,
            currency: None,
            lines,
        };
        let mut documents = Vec::new();
        if !traded.is_empty() {
            let total: E4 = traded.iter().map(|line: &Line| line.quantity.times(line.unit_amount)).sum();
            let below_zero = nature == Nature::BookEntry && total < E4::ZERO;
            if below_zero {
                traded.iter_mut().for_each(|line| line.unit_amount = -line.unit_amount);
            }
            let credits = nature == Nature::Credit || below_zero;
            let kind = if credits { DocumentKind::SalesCredit } else { DocumentKind::Invoice };
            documents.push(document(kind, number.clone(), customer, traded));
        }
        if !adjusted.is_empty() {
            let (number, contact) = (format!("ADJ-{number}"), STOCK_ADJUSTMENTS.to_owned());
            documents.push(document(DocumentKind::SupplierCredit, number, contact, adjusted));
        }
        documents
    }
}

impl SourceLine {
    /// The item's code; `None` for services and in entries of the bookkeeping.
    fn item_code(&self) -> Option<&str> {
        let is_service = SERVICE_CODES.contains(&self.code.as_str()) || self.code.starts_with(GIFT_VOUCHER);
        (!is_service && self.nature != Nature::BookEntry).then_some(self.code.as_str())
    }

    fn in_books(&self, unit_amount: E4) -> Line {
        let item_code = self.item_code().map(str::to_owned);
        let description = if self.description.is_empty() { &self.code } else { &self.description };
        Line {
            description: description.clone(),
            quantity: E4::whole(self.quantity.saturating_abs()),
            unit_amount,
            account_code: item_code.is_none().then(|| SERVICES.to_owned()),
            item_code,
            ..Line::default()
        }
    }
}

fn customer_name(id: &str) -> String {
    if id.is_empty() { CASH_SALE.to_owned() } else { format!("Customer {id}") }
}

fn item_name(description: &str) -> String {
    description.chars().take(ITEM_NAME_MAX).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_name_every_service_code() {
        for code in SERVICE_CODES.iter().chain([&GIFT_VOUCHER]) {
            assert!(rules().contains(&format!("`{code}`")), "{code}");
        }
    }

    #[test]
    fn the_first_letter_tells_what_a_document_is() {
        assert!(Nature::of("536365") == Some(Nature::Sale));
        assert!(Nature::of("C536365") == Some(Nature::Credit));
        assert!(Nature::of("A563185") == Some(Nature::BookEntry));
        for unknown in ["", "C", "X1", "12-3", "c536365"] {
            assert!(Nature::of(unknown).is_none(), "{unknown}");
        }
    }
}

//! Settings as files: checked with every error and its line, compared, written.
//!
//! `policy.json`: `{"version": 1, "rules": [{"scope": "org", "setting": "phase", "value": "assist"}, …]}`.
//! `items.csv`, `suppliers.csv`, `units.csv`: a heading, then a row per item, supplier or purchase unit. A blank cell is not set,
//! which is not zero; so is the value `null` of a rule, and a rule for the org that says the default while none
//! is set. An export so may name everything that could be set, and changes nothing until somebody edits it.
//! A cell that a spreadsheet would take for a formula has an apostrophe before it.
//! Other columns than these are refused, since a value that nothing reads would only
//! look as if it were honoured.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::policy::{DAYS_MAX, REVIEW_DAYS_MAX};
use super::{ItemSettings, Policy, Rule, Scope, ScopedRule, Settings, SupplierSettings};
use crate::fixed::Quantity;
use crate::units::{HOLDS_MAX, PurchaseUnit, RULES_PER_ITEM_MAX, UNIT_CHARS_MAX, UnitRule};

/// The version of the policy file that is read and written.
pub const POLICY_VERSION: u32 = 1;
/// Most rules in a policy.
pub const RULES_MAX: usize = 500;
/// Most rows of `items.csv`, which is also the most items that an org may have.
pub const ITEM_ROWS_MAX: usize = 100_000;
/// Most rows of `suppliers.csv`.
pub const SUPPLIER_ROWS_MAX: usize = 10_000;
/// Most rows of `units.csv`.
pub const UNIT_ROWS_MAX: usize = 100_000;
/// Largest settings file, in bytes.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Longest category, in characters.
pub const CATEGORY_CHARS_MAX: usize = 255;
/// Problems that one check names at most.
pub const PROBLEMS_MAX: usize = 1_000;

const ITEM_COLUMNS: [&str; 9] =
    ["item", "category", "supplier", "pack", "moq", "lead_time_days", "min", "max", "exclude"];
const SUPPLIER_COLUMNS: [&str; 3] = ["supplier", "lead_time_days", "review_days"];
const UNIT_COLUMNS: [&str; 5] = ["item", "supplier", "from", "unit", "holds"];

/// One of the settings files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum File {
    /// The policy.
    Policy,
    /// A row per item.
    Items,
    /// A row per supplier.
    Suppliers,
    /// A row per purchase unit.
    Units,
}

impl File {
    /// Its name on disk.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy.json",
            Self::Items => "items.csv",
            Self::Suppliers => "suppliers.csv",
            Self::Units => "units.csv",
        }
    }
}

/// Something in a file that can't stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: File,
    /// The line in it, from 1.
    pub line: u64,
    /// What is wrong and what would be right.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", self.file.name(), self.line, self.what)
    }
}

/// The files to check; one that is `None` leaves its part of the settings as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files<'a> {
    /// Text of `policy.json`.
    pub policy: Option<&'a str>,
    /// Text of `items.csv`.
    pub items: Option<&'a str>,
    /// Text of `suppliers.csv`.
    pub suppliers: Option<&'a str>,
    /// Text of `units.csv`.
    pub units: Option<&'a str>,
}

/// What settings may speak of: what Xero has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Items by code, each with its sales account, which is its category unless one is set.
    pub items: BTreeMap<String, String>,
    /// Codes of the items that Xero tracks.
    pub tracked: BTreeSet<String>,
    /// Names of contacts.
    pub suppliers: BTreeSet<String>,
    /// Names of locations.
    pub locations: BTreeSet<String>,
    /// ISO code of the org's country; empty when unknown.
    pub country: String,
}

/// The problems of one file, in the order of its lines.
struct Problems {
    file: File,
    found: Vec<Problem>,
}

impl Problems {
    const fn of(file: File) -> Self {
        Self { file, found: Vec::new() }
    }

    fn add(&mut self, line: u64, what: impl fmt::Display) {
        if self.found.len() < PROBLEMS_MAX {
            self.found.push(Problem { file: self.file, line, what: what.to_string() });
        }
    }

    /// Notes an error and goes on.
    fn note<T, E: fmt::Display>(&mut self, line: u64, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(line, error)).ok()
    }
}

/// The settings that the files describe, on top of the standing ones where a file is not given.
///
/// # Errors
/// Every problem of every file with its line (at most [`PROBLEMS_MAX`] a file); then nothing is to change.
pub fn check(files: &Files<'_>, standing: &Settings, known: &Known) -> Result<Settings, Vec<Problem>> {
    let mut problems = Vec::new();
    let items = files.items.map_or_else(
        || standing.items.clone(),
        |text| {
            let mut found = Problems::of(File::Items);
            let units = if files.units.is_none() { &standing.units } else { &BTreeMap::new() };
            let items = read_items(text, units, known, &mut found);
            problems.append(&mut found.found);
            items
        },
    );
    let suppliers = files.suppliers.map_or_else(
        || standing.suppliers.clone(),
        |text| {
            let mut found = Problems::of(File::Suppliers);
            let suppliers = read_suppliers(text, known, &mut found);
            problems.append(&mut found.found);
            suppliers
        },
    );
    let units = files.units.map_or_else(
        || standing.units.clone(),
        |text| {
            let mut found = Problems::of(File::Units);
            let units = read_units(text, standing, &items, known, &mut found);
            problems.append(&mut found.found);
            units
        },
    );
    let policy = files.policy.map_or_else(
        || standing.policy.clone(),
        |text| {
            let mut found = Problems::of(File::Policy);
            let policy = read_policy(text, &standing.policy, known, &items, &mut found);
            problems.append(&mut found.found);
            policy
        },
    );
    if problems.is_empty() {
        return Ok(Settings { policy, items, suppliers, units });
    }
    problems.sort_by_key(|problem| (problem.file, problem.line));
    Err(problems)
}

/// The text without a byte order mark; `None` (with its problem) when it is empty or too large to read.
fn readable<'a>(text: &'a str, problems: &mut Problems) -> Option<&'a str> {
    if text.len() > FILE_BYTES_MAX {
        problems.add(1, format_args!("the file is larger than {FILE_BYTES_MAX} bytes"));
        return None;
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        problems
            .add(1, "the file is empty: leave it out to keep its settings, or start from an exported one");
        return None;
    }
    Some(text)
}

/// A row of a CSV file: its cells by column.
struct Row<'a> {
    line: u64,
    columns: &'a BTreeMap<&'static str, usize>,
    record: &'a csv::StringRecord,
}

impl Row<'_> {
    fn cell(&self, column: &str) -> &str {
        bare(self.columns.get(column).and_then(|at| self.record.get(*at)).unwrap_or_default())
    }

    fn text(&self, column: &str) -> Option<String> {
        let cell = self.cell(column).trim();
        (!cell.is_empty()).then(|| cell.to_owned())
    }

    fn parsed<T: FromStr<Err: fmt::Display>>(&self, column: &str, problems: &mut Problems) -> Option<T> {
        let cell = self.text(column)?;
        problems.note(self.line, cell.parse().map_err(|error| format!("{column}: {error}")))
    }

    fn quantity(&self, column: &str, least: Quantity, problems: &mut Problems) -> Option<Quantity> {
        let quantity: Quantity = self.parsed(column, problems)?;
        if quantity < least {
            let needed = if least.is_zero() { "at least 0" } else { "above 0" };
            problems.add(self.line, format_args!("{column}: {quantity} must be {needed}"));
            return None;
        }
        Some(quantity)
    }

    fn days(
        &self,
        column: &str,
        bounds: std::ops::RangeInclusive<u16>,
        problems: &mut Problems,
    ) -> Option<u16> {
        let cell = self.text(column)?;
        let days = cell.parse().ok().filter(|days| bounds.contains(days));
        if days.is_none() {
            let (least, most) = (bounds.start(), bounds.end());
            problems.add(
                self.line,
                format_args!("{column}: `{cell}` is not a whole number of days from {least} to {most}"),
            );
        }
        days
    }
}

/// Reads a CSV file row by row; the columns of `key` name the row, the first of them always, and no two rows may share them.
fn read_rows(
    text: &str,
    columns: &[&'static str],
    key: &[&'static str],
    rows_max: usize,
    problems: &mut Problems,
    mut read: impl FnMut(&Row<'_>, &mut Problems),
) {
    let Some(text) = readable(text, problems) else { return };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let Some(heading) = problems.note(1, reader.headers().cloned()) else { return };
    let mut places = BTreeMap::new();
    for (at, name) in heading.iter().enumerate() {
        let name = name.trim();
        match columns.iter().find(|column| **column == name) {
            None => problems
                .add(1, format_args!("there is no column `{name}`: the columns are {}", columns.join(", "))),
            Some(column) => {
                if places.insert(*column, at).is_some() {
                    problems.add(1, format_args!("the column `{name}` stands twice"));
                }
            }
        }
    }
    let Some(subject) = key.first().filter(|column| places.contains_key(*column)) else {
        let missing = key.first().copied().unwrap_or_default();
        problems.add(1, format_args!("the column `{missing}` is missing"));
        return;
    };
    let mut first_lines: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for record in reader.records() {
        let Some(record) = problems.note(1, record) else { continue };
        let line = record.position().map_or(1, csv::Position::line);
        if first_lines.len() >= rows_max {
            problems.add(line, format_args!("there are more than {rows_max} rows"));
            return;
        }
        if record.len() != heading.len() {
            let (has, needs) = (record.len(), heading.len());
            problems.add(
                line,
                format_args!("it has {has} cells, the heading has {needs}: quote cells that hold a comma"),
            );
            continue;
        }
        let row = Row { line, columns: &places, record: &record };
        let name: Vec<String> = key
            .iter()
            .map(|column| if column == subject { row.cell(column) } else { row.cell(column).trim() })
            .map(str::to_owned)
            .collect();
        if row.cell(subject).trim().is_empty() {
            problems.add(line, format_args!("the cell `{subject}` is empty"));
        } else if let Some(first) = first_lines.get(&name) {
            let name: Vec<&str> = name.iter().map(String::as_str).filter(|cell| !cell.is_empty()).collect();
            problems.add(line, format_args!("`{}` stands in line {first} already", name.join(", ")));
        } else {
            first_lines.insert(name, line);
            read(&row, problems);
        }
    }
}

/// The last rule of each supplier, by which orders count: rules stand in the order of suppliers and days.
fn latest(rules: Option<&Vec<UnitRule<String>>>) -> impl Iterator<Item = &UnitRule<String>> {
    let mut by_supplier = BTreeMap::new();
    for rule in rules.into_iter().flatten() {
        by_supplier.insert(rule.supplier.as_ref(), rule);
    }
    by_supplier.into_values()
}

/// Whether one holds the other so many whole times: an order is in whole packs and in whole purchase units.
fn fits(pack: Quantity, holds: Quantity) -> bool {
    pack.common_multiple(holds) == Ok(pack.max(holds))
}

fn unknown_item(code: &str) -> String {
    format!("no item in Xero has the code `{code}` (capitals matter)")
}

fn unknown_supplier(name: &str) -> String {
    format!("no contact in Xero has the name `{name}`")
}

fn read_items(
    text: &str,
    units: &BTreeMap<String, Vec<UnitRule<String>>>,
    known: &Known,
    problems: &mut Problems,
) -> BTreeMap<String, ItemSettings> {
    let mut items = BTreeMap::new();
    read_rows(text, &ITEM_COLUMNS, &["item"], ITEM_ROWS_MAX, problems, |row, problems| {
        let code = row.cell("item");
        if !known.items.contains_key(code) {
            problems.add(row.line, unknown_item(code));
        }
        let item = ItemSettings {
            category: row.text("category"),
            supplier: row.text("supplier"),
            pack: row.quantity("pack", Quantity::from_e4(1), problems),
            moq: row.quantity("moq", Quantity::ZERO, problems),
            lead_time_days: row.days("lead_time_days", 0..=DAYS_MAX, problems),
            min: row.quantity("min", Quantity::ZERO, problems),
            max: row.quantity("max", Quantity::ZERO, problems),
            exclude: match row.cell("exclude").trim() {
                "" | "no" => false,
                "yes" => true,
                other => {
                    problems.add(row.line, format_args!("exclude: `{other}` is neither yes nor no"));
                    false
                }
            },
        };
        let mut holds = latest(units.get(code)).map(|rule| rule.unit.holds);
        if let Some(pack) = item.pack
            && let Some(holds) = holds.find(|holds| !fits(pack, *holds))
        {
            problems.add(
                row.line,
                format_args!("pack: {pack} and the {holds} that a purchase unit holds in units.csv are no whole multiples of each other"),
            );
        }
        if let (Some(min), Some(max)) = (item.min, item.max)
            && min > max
        {
            problems.add(row.line, format_args!("min {min} is above max {max}"));
        }
        if let Some(supplier) = item.supplier.as_deref().filter(|name| !known.suppliers.contains(*name)) {
            problems.add(row.line, unknown_supplier(supplier));
        }
        if item.category.as_ref().is_some_and(|category| category.chars().count() > CATEGORY_CHARS_MAX) {
            problems.add(row.line, format_args!("category: longer than {CATEGORY_CHARS_MAX} characters"));
        }
        if item != ItemSettings::default() {
            items.insert(code.to_owned(), item);
        }
    });
    items
}

fn read_suppliers(text: &str, known: &Known, problems: &mut Problems) -> BTreeMap<String, SupplierSettings> {
    let mut suppliers = BTreeMap::new();
    read_rows(text, &SUPPLIER_COLUMNS, &["supplier"], SUPPLIER_ROWS_MAX, problems, |row, problems| {
        let name = row.cell("supplier");
        if !known.suppliers.contains(name) {
            problems.add(row.line, unknown_supplier(name));
        }
        let supplier = SupplierSettings {
            lead_time_days: row.days("lead_time_days", 0..=DAYS_MAX, problems),
            review_days: row.days("review_days", 1..=REVIEW_DAYS_MAX, problems),
        };
        if supplier != SupplierSettings::default() {
            suppliers.insert(name.to_owned(), supplier);
        }
    });
    suppliers
}

fn read_units(
    text: &str,
    standing: &Settings,
    items: &BTreeMap<String, ItemSettings>,
    known: &Known,
    problems: &mut Problems,
) -> BTreeMap<String, Vec<UnitRule<String>>> {
    let mut units: BTreeMap<String, Vec<UnitRule<String>>> = BTreeMap::new();
    let mut lines = BTreeMap::new();
    let key = ["item", "supplier", "from"];
    read_rows(text, &UNIT_COLUMNS, &key, UNIT_ROWS_MAX, problems, |row, problems| {
        let code = row.cell("item");
        if !known.items.contains_key(code) {
            problems.add(row.line, unknown_item(code));
        }
        let supplier = row.text("supplier");
        if let Some(supplier) = supplier.as_deref().filter(|name| !known.suppliers.contains(*name)) {
            problems.add(row.line, unknown_supplier(supplier));
        }
        let from = row.text("from").and_then(|cell| {
            let from = cell.parse::<Date>();
            let wrong = format!("from: `{cell}` is not a day such as 2026-01-31");
            problems.note(row.line, from.map_err(|_| wrong))
        });
        let name = row.text("unit");
        let holds = row.quantity("holds", Quantity::from_e4(1), problems);
        if row.text("holds").is_none() {
            problems.add(row.line, "holds: how many base units does it hold?");
        }
        if holds.is_some_and(|holds| holds > HOLDS_MAX) {
            problems.add(row.line, format_args!("holds: at most {HOLDS_MAX}"));
        }
        match name.as_deref() {
            None => problems.add(row.line, "unit: what is it called, such as case or dozen?"),
            Some(name) if name.contains(char::is_control) => {
                problems.add(row.line, "unit: it has a line break or another control character");
            }
            Some(name) if name.chars().count() > UNIT_CHARS_MAX => {
                problems.add(row.line, format_args!("unit: longer than {UNIT_CHARS_MAX} characters"));
            }
            Some(_) => {}
        }
        let (Some(name), Some(holds)) = (name, holds) else { return };
        let rule = UnitRule { supplier, from, unit: PurchaseUnit { name, holds } };
        // what stands from before Xero tracked it does no harm
        if known.tracked.contains(code) && !standing.units.get(code).is_some_and(|all| all.contains(&rule)) {
            problems.add(
                row.line,
                format_args!(
                    "`{code}` is tracked by Xero, which adds up the quantities on its papers as they stand: they have to \
                     count it as you sell it"
                ),
            );
        }
        lines.insert((code.to_owned(), rule.supplier.clone(), rule.from), row.line);
        let rules = units.entry(code.to_owned()).or_default();
        rules.push(rule);
        if rules.len() > RULES_PER_ITEM_MAX {
            problems.add(row.line, format_args!("`{code}` has more than {RULES_PER_ITEM_MAX} rows"));
        }
    });
    for (code, rules) in &mut units {
        rules.sort_by(|a, b| (&a.supplier, a.from).cmp(&(&b.supplier, b.from)));
        let Some(pack) = items.get(code).and_then(|item| item.pack) else { continue };
        for rule in latest(Some(rules)).filter(|rule| !fits(pack, rule.unit.holds)) {
            let line = lines.get(&(code.clone(), rule.supplier.clone(), rule.from)).copied().unwrap_or(1);
            let holds = rule.unit.holds;
            problems.add(
                line,
                format_args!(
                    "holds: {holds} and the pack of {pack} in items.csv are no whole multiples of each other"
                ),
            );
        }
    }
    units
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile<'a> {
    version: u32,
    #[serde(borrow)]
    rules: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    scope: String,
    setting: String,
    value: Value,
}

/// What is wrong with JSON, without serde_json's own line, which counts from the start of a part.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(what, _)| what.to_owned())
}

fn read_policy(
    text: &str,
    standing: &Policy,
    known: &Known,
    items: &BTreeMap<String, ItemSettings>,
    problems: &mut Problems,
) -> Policy {
    let mut policy = Policy::default();
    let Some(text) = readable(text, problems) else { return policy };
    let file: PolicyFile<'_> = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(error) => {
            problems.add(u64::try_from(error.line()).unwrap_or(1), without_line(&error));
            return policy;
        }
    };
    if file.version != POLICY_VERSION {
        let version = file.version;
        problems.add(
            1,
            format_args!("version {version} is not known: this program reads version {POLICY_VERSION}"),
        );
        return policy;
    }
    if file.rules.len() > RULES_MAX {
        problems
            .add(1, format_args!("there are {} rules, at most {RULES_MAX} are possible", file.rules.len()));
        return policy;
    }
    let categories: BTreeSet<&str> = items
        .values()
        .filter_map(|item| item.category.as_deref())
        .chain(known.items.values().map(String::as_str))
        .collect();
    let mut first_lines = BTreeMap::new();
    for raw in file.rules {
        let line = line_of(text, raw.get());
        let written: WrittenRule = match serde_json::from_str(raw.get()) {
            Ok(written) => written,
            Err(error) => {
                problems.add(line, without_line(&error));
                continue;
            }
        };
        let Some(scope) = problems.note(line, written.scope.parse::<Scope>()) else { continue };
        let stranger = match &scope {
            Scope::Item(code) if !known.items.contains_key(code) => Some(unknown_item(code)),
            Scope::Supplier(name) if !known.suppliers.contains(name) => Some(unknown_supplier(name)),
            Scope::Location(name) if !known.locations.contains(name) => {
                Some(format!("there is no location `{name}`"))
            }
            Scope::Category(name) if !categories.contains(name.as_str()) => {
                Some(format!("no item has the category `{name}`"))
            }
            _ => None,
        };
        if let Some(stranger) = stranger {
            problems.add(line, stranger);
        }
        let unset = written.value.is_null() && Rule::is_setting(&written.setting);
        let rule = match unset {
            true => continue,
            false => problems.note(line, Rule::new(&written.setting, &scope, &written.value)),
        };
        let Some(rule) = rule else { continue };
        if let Rule::Costing(method) = rule
            && !method.is_allowed_in(&known.country)
        {
            let of =
                if known.country.is_empty() { "a country that Xero doesn't name" } else { &known.country };
            let word = method.word();
            problems.add(
                line,
                format_args!(
                    "books of {of} may not go by {word}, which IAS 2 rules out: use \"fifo\" or \"average\""
                ),
            );
        }
        if let Some(first) = first_lines.insert((scope.clone(), rule.name()), line) {
            let name = rule.name();
            problems.add(line, format_args!("`{name}` for {scope} stands in line {first} already"));
        }
        let says_nothing = scope == Scope::Org
            && Rule::defaults().contains(&rule)
            && standing.rules().iter().all(|set| set.scope != scope || set.rule.name() != rule.name());
        if !says_nothing {
            policy.set(ScopedRule { scope, rule });
        }
    }
    policy
}

/// The line of `part`, which is a slice of `text`.
fn line_of(text: &str, part: &str) -> u64 {
    let offset = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    let before = text.as_bytes().get(..offset).unwrap_or_default();
    u64::try_from(before.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0).saturating_add(1)
}

/// The texts of all files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Text of `policy.json`.
    pub policy: String,
    /// Text of `items.csv`.
    pub items: String,
    /// Text of `suppliers.csv`.
    pub suppliers: String,
    /// Text of `units.csv`.
    pub units: String,
}

/// Writes settings as files that [`check`] reads back as the same settings over the standing ones. What is
/// not set is there, too: a blank row for each known item and supplier, each setting of the org with its
/// default, and `null` where there is none.
pub fn export(settings: &Settings, known: &Known) -> Exported {
    let defaults = Rule::defaults().into_iter().map(|rule| ScopedRule { scope: Scope::Org, rule });
    let all = Policy::new(defaults.chain(settings.policy.rules().iter().cloned()));
    let mut rules: Vec<(Scope, &str, Value)> =
        all.rules().iter().map(|set| (set.scope.clone(), set.rule.name(), set.rule.value())).collect();
    for name in Rule::names() {
        if !rules.iter().any(|(scope, set, _)| *scope == Scope::Org && *set == name) {
            rules.push((Scope::Org, name, Value::Null));
        }
    }
    rules.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let rules: Vec<String> = rules
        .into_iter()
        .map(|(scope, name, value)| {
            let scope = Value::from(scope.to_string());
            format!("    {{\"scope\": {scope}, \"setting\": \"{name}\", \"value\": {value}}}")
        })
        .collect();
    let codes: BTreeSet<&String> = known.items.keys().chain(settings.items.keys()).collect();
    let names: BTreeSet<&String> = known.suppliers.iter().chain(settings.suppliers.keys()).collect();
    let items = codes.into_iter().map(|code| {
        let cells = settings.items.get(code).map_or_else(Default::default, item_cells);
        (code, cells.to_vec())
    });
    let suppliers = names.into_iter().map(|name| {
        let cells = settings.suppliers.get(name).map_or_else(Default::default, supplier_cells);
        (name, cells.to_vec())
    });
    Exported {
        policy: format!(
            "{{\n  \"version\": {POLICY_VERSION},\n  \"rules\": [\n{}\n  ]\n}}\n",
            rules.join(",\n")
        ),
        items: table(&ITEM_COLUMNS, items),
        suppliers: table(&SUPPLIER_COLUMNS, suppliers),
        units: table(
            &UNIT_COLUMNS,
            unit_rows(settings).map(|(code, rule)| (code, unit_cells(rule).to_vec())),
        ),
    }
}

/// What makes a spreadsheet take a cell for a formula when it stands first. Source: OWASP ASVS 1.2.10.
const FORMULA_SIGNS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\0', '＝', '＋', '－', '＠'];

/// Whether a cell, apart from apostrophes before it, begins as a formula.
fn is_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(FORMULA_SIGNS)
}

/// The cell with an apostrophe before what a spreadsheet would take for a formula.
pub fn escaped(cell: &str) -> String {
    if is_formula(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// The cell without the apostrophe that [`escaped`] put there.
fn bare(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|_| is_formula(cell)).unwrap_or(cell)
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The cells of an item after its code, in the order of the columns.
fn item_cells(item: &ItemSettings) -> [String; 8] {
    [
        shown(item.category.as_ref()),
        shown(item.supplier.as_ref()),
        shown(item.pack),
        shown(item.moq),
        shown(item.lead_time_days),
        shown(item.min),
        shown(item.max),
        if item.exclude { "yes".to_owned() } else { String::new() },
    ]
}

fn supplier_cells(supplier: &SupplierSettings) -> [String; 2] {
    [shown(supplier.lead_time_days), shown(supplier.review_days)]
}

fn unit_rows(settings: &Settings) -> impl Iterator<Item = (&String, &UnitRule<String>)> {
    settings.units.iter().flat_map(|(code, rules)| rules.iter().map(move |rule| (code, rule)))
}

/// The cells of a purchase unit after the item's code, in the order of the columns.
fn unit_cells(rule: &UnitRule<String>) -> [String; 4] {
    [shown(rule.supplier.as_ref()), shown(rule.from), rule.unit.name.clone(), rule.unit.holds.to_string()]
}

fn table<'a>(columns: &[&str], rows: impl Iterator<Item = (&'a String, Vec<String>)>) -> String {
    let mut text = columns.join(",");
    text.push('\n');
    for (name, cells) in rows {
        text.push_str(&quoted(name));
        for cell in cells {
            text.push(',');
            text.push_str(&quoted(&cell));
        }
        text.push('\n');
    }
    text
}

/// A CSV cell (RFC 4180) that no spreadsheet takes for a formula.
fn quoted(cell: &str) -> String {
    let cell = escaped(cell);
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// One value that differs. A blank side is not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// In which file.
    pub file: File,
    /// Whose value: an item's code, a supplier's name, a rule's scope.
    pub subject: String,
    /// Which: a column or a setting.
    pub setting: &'static str,
    /// The standing value.
    pub before: String,
    /// The new value.
    pub after: String,
}

/// Every value that differs between two settings, by file, subject and setting.
pub fn difference(before: &Settings, after: &Settings) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(File::Policy, &rule_values(&before.policy), &rule_values(&after.policy), &mut changes);
    let (_, columns) = ITEM_COLUMNS.split_at(1);
    let items = |settings: &Settings| {
        cell_values(columns, settings.items.iter().map(|(code, item)| (code, item_cells(item).to_vec())))
    };
    compare(File::Items, &items(before), &items(after), &mut changes);
    let (_, columns) = SUPPLIER_COLUMNS.split_at(1);
    let suppliers = |settings: &Settings| {
        cell_values(
            columns,
            settings.suppliers.iter().map(|(name, supplier)| (name, supplier_cells(supplier).to_vec())),
        )
    };
    compare(File::Suppliers, &suppliers(before), &suppliers(after), &mut changes);
    let (_, columns) = UNIT_COLUMNS.split_at(3);
    let units = |settings: &Settings| {
        let rows = unit_rows(settings).map(|(code, rule)| {
            let supplier = rule.supplier.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
            let from = rule.from.map(|day| format!(" from {day}")).unwrap_or_default();
            (format!("{code}{supplier}{from}"), rule)
        });
        let rows: Vec<(String, &UnitRule<String>)> = rows.collect();
        cell_values(
            columns,
            rows.iter().map(|(name, rule)| (name, vec![rule.unit.name.clone(), rule.unit.holds.to_string()])),
        )
    };
    compare(File::Units, &units(before), &units(after), &mut changes);
    changes
}

type Values = BTreeMap<(String, &'static str), String>;

fn rule_values(policy: &Policy) -> Values {
    let value = |ScopedRule { scope, rule }: &ScopedRule| {
        ((scope.to_string(), rule.name()), rule.value().to_string())
    };
    policy.rules().iter().map(value).collect()
}

fn cell_values<'a>(
    columns: &[&'static str],
    rows: impl Iterator<Item = (&'a String, Vec<String>)>,
) -> Values {
    rows.flat_map(|(name, cells)| {
        columns.iter().zip(cells).map(|(column, cell)| ((name.clone(), *column), cell)).collect::<Vec<_>>()
    })
    .filter(|(_, cell)| !cell.is_empty())
    .collect()
}

fn compare(file: File, before: &Values, after: &Values, changes: &mut Vec<Change>) {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let of = |values: &Values| values.get(key).cloned().unwrap_or_default();
        let (before, after) = (of(before), of(after));
        if before != after {
            changes.push(Change { file, subject: key.0.clone(), setting: key.1, before, after });
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::time;
    use proptest::prelude::*;

    use super::*;
    use crate::governance::Phase;

    fn known() -> Known {
        Known {
            items: [("BOX", "200"), ("TAPE", "201")]
                .map(|(code, account)| (code.into(), account.into()))
                .into(),
            tracked: BTreeSet::new(),
            suppliers: ["Acme".to_owned()].into(),
            locations: ["main".to_owned()].into(),
            country: "NZ".to_owned(),
        }
    }

    fn problems(files: &Files<'_>) -> Vec<String> {
        check(files, &Settings::default(), &known()).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn good_files_are_read_and_missing_ones_keep_what_stands() {
        let items = "item,supplier,pack,min,max,exclude\nBOX,Acme,12,5,60,\nTAPE,,,,,yes\n";
        let policy = r#"{"version": 1, "rules": [
            {"scope": "org", "setting": "phase", "value": "assist"},
            {"scope": "category:201", "setting": "service_level", "value": "97.5"},
            {"scope": "org", "setting": "digest_at", "value": "06:30"}]}"#;
        let first = Files { items: Some(items), policy: Some(policy), ..Files::default() };
        let settings = check(&first, &Settings::default(), &known()).unwrap();
        let boxes = settings.items.get("BOX").unwrap();
        assert_eq!(
            (boxes.pack, boxes.moq, boxes.exclude),
            (Some(Quantity::from_whole(12).unwrap()), None, false)
        );
        assert!(settings.items.get("TAPE").unwrap().exclude);
        assert_eq!(settings.policy.org().phase, Phase::Assist);
        assert_eq!(settings.policy.org().digest_at, time(6, 30, 0, 0));
        let second = Files { suppliers: Some("supplier,lead_time_days\nAcme,12\n"), ..Files::default() };
        let both = check(&second, &settings, &known()).unwrap();
        assert_eq!(both.suppliers.get("Acme").unwrap().lead_time_days, Some(12));
        assert_eq!((both.items, both.policy), (settings.items, settings.policy));
    }

    #[test]
    fn purchase_units_are_read_by_item_supplier_and_day() {
        let text = "item,supplier,from,unit,holds\nBOX,,,case,12\nBOX,Acme,2026-03-01,crate,24\n";
        let settings =
            check(&Files { units: Some(text), ..Files::default() }, &Settings::default(), &known()).unwrap();
        let holds = |supplier, day| settings.unit_on("BOX", supplier, day).map(|unit| unit.holds.to_string());
        assert_eq!(holds(Some("Acme"), jiff::civil::date(2026, 3, 1)).as_deref(), Some("24"));
        assert_eq!(holds(Some("Acme"), jiff::civil::date(2026, 2, 28)).as_deref(), Some("12"));
        assert_eq!(settings.unit_on("TAPE", None, jiff::civil::date(2026, 3, 1)), None);
        let changes: Vec<String> = difference(&Settings::default(), &settings)
            .iter()
            .map(|change| {
                format!("{} {} {}: {}", change.file.name(), change.subject, change.setting, change.after)
            })
            .collect();
        assert_eq!(
            changes,
            [
                "units.csv BOX holds: 12",
                "units.csv BOX unit: case",
                "units.csv BOX of Acme from 2026-03-01 holds: 24",
                "units.csv BOX of Acme from 2026-03-01 unit: crate",
            ]
        );
        // what stands of an item that Xero tracks by now does no harm, and a pack has to fit
        let tracking = Known { tracked: ["BOX".to_owned()].into(), ..known() };
        assert!(check(&Files { units: Some(text), ..Files::default() }, &settings, &tracking).is_ok());
        let pack = Files { items: Some("item,pack\nBOX,24\n"), ..Files::default() };
        let packed = check(&pack, &settings, &known()).unwrap();
        let odd = Files { items: Some("item,pack\nBOX,18\n"), ..Files::default() };
        let wrong = check(&odd, &settings, &known()).unwrap_err();
        assert_eq!(
            wrong[0].to_string(),
            "items.csv line 2: pack: 18 and the 12 that a purchase unit holds in units.csv are no whole multiples of each other"
        );
        let tens = Files { units: Some("item,unit,holds\nBOX,case,10\n"), ..Files::default() };
        let wrong = check(&tens, &packed, &known()).unwrap_err();
        assert_eq!(
            wrong[0].to_string(),
            "units.csv line 2: holds: 10 and the pack of 24 in items.csv are no whole multiples of each other"
        );
        let none = Files { units: Some("item,supplier,from,unit,holds\n"), ..Files::default() };
        assert_eq!(check(&none, &settings, &known()), Ok(Settings::default()));

        let wrong = "item,supplier,from,unit,holds\n\
            NONE,Nobody,3 March,case,12\n\
            TAPE,,,case,12\n\
            BOX,,,,0\n\
            BOX,,,case,\n\
            BOX,Acme,,a name of more than thirty characters,1000001\n";
        let tracking = Known { tracked: ["TAPE".to_owned()].into(), ..known() };
        let files = Files { units: Some(wrong), ..Files::default() };
        let found = check(&files, &Settings::default(), &tracking).unwrap_err();
        assert_eq!(
            found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "units.csv line 2: no item in Xero has the code `NONE` (capitals matter)",
                "units.csv line 2: no contact in Xero has the name `Nobody`",
                "units.csv line 2: from: `3 March` is not a day such as 2026-01-31",
                "units.csv line 3: `TAPE` is tracked by Xero, which adds up the quantities on its papers as they stand: they \
                 have to count it as you sell it",
                "units.csv line 4: holds: 0 must be above 0",
                "units.csv line 4: unit: what is it called, such as case or dozen?",
                "units.csv line 5: `BOX` stands in line 4 already",
                "units.csv line 6: holds: at most 1000000",
                "units.csv line 6: unit: longer than 30 characters",
            ]
        );
    }

    #[test]
    fn last_in_first_out_is_for_the_united_states() {
        let policy = "{\"version\": 1, \"rules\": [\n{\"scope\": \"item:BOX\", \"setting\": \"costing\", \"value\": \"lifo\"}]}";
        let files = Files { policy: Some(policy), ..Files::default() };
        assert_eq!(
            problems(&files),
            [
                "policy.json line 2: books of NZ may not go by lifo, which IAS 2 rules out: use \"fifo\" or \"average\""
            ]
        );
        let american = Known { country: "US".to_owned(), ..known() };
        assert_eq!(check(&files, &Settings::default(), &american).unwrap().policy.rules().len(), 1);
    }

    #[test]
    fn every_error_is_named_with_its_file_and_line() {
        let items = "item,category,supplier,pack,moq,lead_time_days,min,max,exclude\n\
            BOX,,Nobody,0,-1,12.5,9,3,maybe\n\
            box,,,,,,,,\n\
            BOX,,,,,,,,\n\
            TAPE,\"a,b\",,1e3\n\
            ,,,,,,,,\n";
        let suppliers = "supplier,review_days\nAcme,0\nSomeone,\n";
        let policy = "{\"version\": 1, \"rules\": [\n\
            {\"scope\": \"org\", \"setting\": \"phase\", \"value\": \"yolo\"},\n\
            {\"scope\": \"shop\", \"setting\": \"phase\", \"value\": \"assist\"},\n\
            {\"scope\": \"item:BOX\", \"setting\": \"digest_at\", \"value\": \"08:00\"},\n\
            {\"scope\": \"org\", \"setting\": \"colour\", \"value\": 1},\n\
            {\"scope\": \"category:999\", \"setting\": \"review_days\", \"value\": 91},\n\
            {\"scope\": \"org\", \"setting\": \"slack\", \"value\": true, \"why\": 1},\n\
            {\"scope\": \"org\", \"setting\": \"mail_to\", \"value\": [\"a@b\", \"a b@c\"]},\n\
            {\"scope\": \"org\", \"setting\": \"time_zone\", \"value\": \"Mars/Olympus\"},\n\
            {\"scope\": \"org\", \"setting\": \"slack\", \"value\": true},\n\
            {\"scope\": \"org\", \"setting\": \"slack\", \"value\": false}\n]}";
        let found = problems(&Files {
            policy: Some(policy),
            items: Some(items),
            suppliers: Some(suppliers),
            units: None,
        });
        let expected = [
            "policy.json line 2: `phase` takes \"observe\" or \"assist\", not \"yolo\"",
            "policy.json line 3: `shop` is not a scope: write org, location:NAME, category:NAME, supplier:NAME or item:CODE",
            "policy.json line 4: `digest_at` holds for the whole organisation: use the scope org",
            "policy.json line 5: there is no setting `colour`: the settings are phase,",
            "policy.json line 6: no item has the category `999`",
            "policy.json line 6: `review_days` takes a number of days from 1 to 90, not 91",
            "policy.json line 7: unknown field `why`",
            "policy.json line 8: `mail_to` takes a list of at most 20 mail addresses, not [\"a@b\",\"a b@c\"]",
            "policy.json line 9: `time_zone` takes an IANA time zone",
            "policy.json line 11: `slack` for org stands in line 10 already",
            "items.csv line 2: pack: 0 must be above 0",
            "items.csv line 2: moq: -1 must be at least 0",
            "items.csv line 2: lead_time_days: `12.5` is not a whole number of days from 0 to 730",
            "items.csv line 2: exclude: `maybe` is neither yes nor no",
            "items.csv line 2: min 9 is above max 3",
            "items.csv line 2: no contact in Xero has the name `Nobody`",
            "items.csv line 3: no item in Xero has the code `box` (capitals matter)",
            "items.csv line 4: `BOX` stands in line 2 already",
            "items.csv line 5: it has 4 cells, the heading has 9",
            "items.csv line 6: the cell `item` is empty",
            "suppliers.csv line 2: review_days: `0` is not a whole number of days from 1 to 90",
            "suppliers.csv line 3: no contact in Xero has the name `Someone`",
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\nshould begin with\n{expected}");
        }
        assert_eq!(found.len(), expected.len(), "{found:#?}");
    }

    #[test]
    fn files_that_can_not_be_read_at_all_say_so() {
        let cases = [
            (
                Files { policy: Some("{\n \"version\": 1,\n \"rules\": [}"), ..Files::default() },
                "policy.json line 3: ",
            ),
            (
                Files { policy: Some("{\"version\": 2, \"rules\": []}"), ..Files::default() },
                "policy.json line 1: version 2",
            ),
            (Files { items: Some(" \n"), ..Files::default() }, "items.csv line 1: the file is empty"),
            (
                Files { items: Some("code,pack\nBOX,1\n"), ..Files::default() },
                "items.csv line 1: there is no column `code`",
            ),
            (
                Files { items: Some("item,kit\nBOX,1\n"), ..Files::default() },
                "items.csv line 1: there is no column `kit`",
            ),
            (
                Files { suppliers: Some("supplier,supplier\n"), ..Files::default() },
                "suppliers.csv line 1: the column `supplier` stands twice",
            ),
        ];
        for (files, expected) in cases {
            let found = problems(&files);
            assert!(found[0].starts_with(expected), "{found:?}");
        }
        let too_many: String = (0..=RULES_MAX).map(|_| "1,").collect();
        let policy = format!("{{\"version\":1,\"rules\":[{}]}}", too_many.trim_end_matches(','));
        assert!(problems(&Files { policy: Some(&policy), ..Files::default() })[0].contains("at most 500"));
    }

    #[test]
    fn an_export_names_all_that_could_be_set_and_changes_nothing_until_it_is_edited() {
        let known = known();
        let text = export(&Settings::default(), &known);
        for name in Rule::names() {
            assert!(text.policy.contains(&format!("\"scope\": \"org\", \"setting\": \"{name}\"")), "{name}");
        }
        assert_eq!(text.items.lines().count(), known.items.len() + 1);
        assert_eq!(text.suppliers.lines().count(), known.suppliers.len() + 1);
        let read = |policy: &str| {
            let files = Files {
                policy: Some(policy),
                items: Some(&text.items),
                suppliers: Some(&text.suppliers),
                units: Some(&text.units),
            };
            check(&files, &Settings::default(), &known).unwrap()
        };
        assert_eq!(read(&text.policy), Settings::default());
        let edited = read(&text.policy.replace("\"observe\"", "\"assist\""));
        assert_eq!(
            edited.policy.rules(),
            [ScopedRule { scope: Scope::Org, rule: Rule::Phase(Phase::Assist) }]
        );
        // and back: a default that replaces what is set is a change
        let files = Files { policy: Some(&text.policy), ..Files::default() };
        assert_eq!(check(&files, &edited, &known).unwrap().policy.org().phase, Phase::Observe);
    }

    #[test]
    fn a_formula_in_a_cell_is_text_for_a_spreadsheet_and_comes_back_as_it_was() {
        for cell in ["=HYPERLINK(\"x\")", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\0x", "'=1", "''=1", "＝1"]
        {
            let written = escaped(cell);
            assert!(written.starts_with('\''), "{cell:?}");
            assert_eq!(bare(&written), cell);
        }
        for cell in ["a=b", "", "'quoted'", "'", "1-1"] {
            assert_eq!((escaped(cell).as_str(), bare(cell)), (cell, cell));
        }
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
        let files = Files { items: Some("\u{feff}item,pack\r\nBOX, 6\r\n"), ..Files::default() };
        let settings = check(&files, &Settings::default(), &known()).unwrap();
        assert_eq!(settings.items.get("BOX").unwrap().pack, Some(Quantity::from_whole(6).unwrap()));
    }

    #[test]
    fn the_difference_names_each_value_once() {
        let before = Settings {
            items: [("BOX".to_owned(), ItemSettings { moq: Some(Quantity::ONE), ..ItemSettings::default() })]
                .into(),
            ..Settings::default()
        };
        let mut after = before.clone();
        after.policy.set(ScopedRule { scope: Scope::Org, rule: Rule::Slack(true) });
        after.items.get_mut("BOX").unwrap().moq = None;
        after.items.get_mut("BOX").unwrap().exclude = true;
        let changes: Vec<String> = difference(&before, &after)
            .iter()
            .map(|change| {
                format!(
                    "{} {} {}: {} -> {}",
                    change.file.name(),
                    change.subject,
                    change.setting,
                    change.before,
                    change.after
                )
            })
            .collect();
        assert_eq!(
            changes,
            ["policy.json org slack:  -> true", "items.csv BOX exclude:  -> yes", "items.csv BOX moq: 1 -> "]
        );
        assert_eq!(difference(&after, &after), []);
    }

    fn quantities() -> impl Strategy<Value = Option<Quantity>> {
        prop::option::of((1i64..10_000_000_000).prop_map(Quantity::from_e4))
    }

    fn names() -> impl Strategy<Value = String> {
        "[A-Za-z0-9,;\"' \n=+@é]{0,8}[A-Za-z\"]"
    }

    /// Names as Xero may have them inside a cell that is trimmed.
    fn trimmed() -> impl Strategy<Value = Option<String>> {
        prop::option::of("[A-Za-z\",'][A-Za-z0-9,\"' \n]{0,8}[A-Za-z\"]")
    }

    prop_compose! {
        fn item()(
            category in trimmed(), supplier in trimmed(), pack in quantities(), moq in quantities(),
            lead_time_days in prop::option::of(0..=DAYS_MAX), min in quantities(), extra in quantities(), exclude: bool,
        ) -> ItemSettings {
            let max = extra.map(|extra| extra.plus(min.unwrap_or(Quantity::ZERO)).unwrap());
            ItemSettings { category, supplier, pack, moq, lead_time_days, min, max, exclude }
        }
    }

    prop_compose! {
        fn unit_rule()(
            supplier in trimmed(), from in prop::option::of(0_i64..4_000), name in trimmed(), holds in 1_i64..HOLDS_MAX.e4(),
        ) -> UnitRule<String> {
            let from = from.map(|days| jiff::civil::date(2020, 1, 1).saturating_add(jiff::Span::new().days(days)));
            let name = name.map_or_else(|| "case".to_owned(), |name| name.replace('\n', "-"));
            UnitRule { supplier, from, unit: PurchaseUnit { name, holds: Quantity::from_e4(holds) } }
        }
    }

    fn rule() -> impl Strategy<Value = Rule> {
        prop_oneof![
            any::<bool>().prop_map(|on| Rule::Phase(if on { Phase::Assist } else { Phase::Observe })),
            (5_000i64..=9_990)
                .prop_map(|h| Rule::ServiceLevel(Quantity::from_e4(h * 100).to_string().parse().unwrap())),
            (1..=REVIEW_DAYS_MAX).prop_map(Rule::ReviewDays),
            (0..=DAYS_MAX).prop_map(Rule::LeadTimeDays),
            any::<bool>().prop_map(Rule::CountSalesDrafts),
        ]
    }

    fn org_rule() -> impl Strategy<Value = Rule> {
        prop_oneof![
            (0i8..24, 0i8..60).prop_map(|(hour, minute)| Rule::DigestAt(time(hour, minute, 0, 0))),
            "[A-Z]{1,9}-".prop_map(Rule::OrderPrefix),
            prop::collection::vec("[a-z]{1,5}@[a-z]{1,5}\\.test", 0..4).prop_map(Rule::MailTo),
            Just(Rule::TimeZone("Australia/Adelaide".to_owned())),
        ]
    }

    proptest! {
        #[test]
        fn what_is_exported_is_accepted_and_means_the_same(
            items in prop::collection::btree_map(names(), item(), 0..8),
            suppliers in prop::collection::btree_map(
                names(),
                (prop::option::of(0..=DAYS_MAX), prop::option::of(1..=REVIEW_DAYS_MAX))
                    .prop_map(|(lead_time_days, review_days)| SupplierSettings { lead_time_days, review_days }),
                0..4,
            ),
            rules in prop::collection::vec((any::<prop::sample::Index>(), rule()), 0..8),
            org_rules in prop::collection::vec(org_rule(), 0..4),
            unit_rules in prop::collection::vec((any::<prop::sample::Index>(), unit_rule()), 0..6),
        ) {
            let mut known = Known { locations: ["main".to_owned()].into(), ..Known::default() };
            let codes = items.keys().cloned().chain(["an item without a row".to_owned()]);
            known.items = codes.map(|code| (code, "200".to_owned())).collect();
            known.suppliers = suppliers.keys().cloned().chain(items.values().filter_map(|item| item.supplier.clone())).collect();
            let scopes: Vec<Scope> = [Scope::Org, Scope::Location("main".into()), Scope::Category("200".into())]
                .into_iter()
                .chain(items.keys().cloned().map(Scope::Item))
                .chain(suppliers.keys().cloned().map(Scope::Supplier))
                .collect();
            let scoped = rules.into_iter().map(|(at, rule)| ScopedRule { scope: at.get(&scopes).clone(), rule });
            let of_org = org_rules.into_iter().map(|rule| ScopedRule { scope: Scope::Org, rule });
            let mut units: BTreeMap<String, Vec<UnitRule<String>>> = BTreeMap::new();
            let codes: Vec<&String> = known.items.keys().collect();
            for (at, rule) in unit_rules {
                let rules = units.entry((*at.get(&codes)).clone()).or_default();
                let of = |rule: &UnitRule<String>| (rule.supplier.clone(), rule.from);
                if !rules.iter().any(|standing| of(standing) == of(&rule)) {
                    known.suppliers.extend(rule.supplier.clone());
                    rules.push(rule);
                    rules.sort_by_key(of);
                }
            }
            let mut settings = Settings { policy: Policy::new(scoped.chain(of_org)), items, suppliers, units };
            for (code, item) in &mut settings.items {
                let mut holds = settings.units.get(code).into_iter().flatten().map(|rule| rule.unit.holds);
                item.pack = item.pack.filter(|pack| holds.all(|holds| fits(*pack, holds)));
            }
            // a blank row is no row
            settings.items.retain(|_, item| *item != ItemSettings::default());
            settings.suppliers.retain(|_, supplier| *supplier != SupplierSettings::default());

            let text = export(&settings, &known);
            let files = Files {
                policy: Some(&text.policy),
                items: Some(&text.items),
                suppliers: Some(&text.suppliers),
                units: Some(&text.units),
            };
            let read = check(&files, &settings, &known);
            prop_assert_eq!(read.as_ref(), Ok(&settings), "{:?}", text);
            // over nothing, rules of the org that say the default are left out, and all else is the same
            let read = check(&files, &Settings::default(), &known).unwrap();
            prop_assert_eq!(read.policy.org(), settings.policy.org());
            prop_assert_eq!((&read.items, &read.suppliers), (&settings.items, &settings.suppliers));
            prop_assert_eq!(&read.units, &settings.units);
            prop_assert_eq!(difference(&settings, &settings), vec![]);
            let stored = serde_json::to_string(&settings).unwrap();
            prop_assert_eq!(serde_json::from_str::<Settings>(&stored).unwrap(), settings);
        }
    }
}

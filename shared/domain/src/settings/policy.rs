//! The policy: rules, each a setting's value for a scope.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use super::{Origin, Sourced};
use crate::calendar::{OrgClock, QuietHours};
use crate::cogs::CogsSettings;
use crate::costing::Method;
use crate::demand::ServiceLevel;
use crate::fixed::Money;
use crate::governance::Phase;

/// Days between two looks at what to order, unless set.
pub const REVIEW_DAYS_DEFAULT: u16 = 7;
/// Days from order to arrival, unless set.
pub const LEAD_TIME_DAYS_DEFAULT: u16 = 14;
/// Days without a sale after which stock is dead, unless set.
pub const DEAD_AFTER_DAYS_DEFAULT: u16 = 180;
/// Days of cover above which stock is too much, unless set.
pub const OVERSTOCK_COVER_DAYS_DEFAULT: u16 = 180;
/// Minutes between two messages with alerts, unless set.
pub const ALERT_INTERVAL_MINUTES_DEFAULT: u16 = 60;
/// What our order numbers begin with, unless set.
pub const ORDER_PREFIX_DEFAULT: &str = "PS-";
/// Local time of the digest, unless set.
pub const DIGEST_AT_DEFAULT: Time = time(8, 0, 0, 0);
/// No alerts between these local times, unless set.
pub const QUIET_DEFAULT: QuietHours = QuietHours { from: time(21, 0, 0, 0), until: time(7, 0, 0, 0) };

/// Most days that any setting takes: two years.
pub const DAYS_MAX: u16 = 730;
/// Most days between two looks at what to order.
pub const REVIEW_DAYS_MAX: u16 = 90;
/// Most minutes between two messages with alerts: a day.
pub const ALERT_INTERVAL_MINUTES_MAX: u16 = 1_440;
/// Percent from which on a change of an item's purchase price is proposed, where nobody set another.
pub const PRICE_CHANGE_PERCENT_DEFAULT: u16 = 10;
/// The largest such share, in percent.
pub const PRICE_CHANGE_PERCENT_MAX: u16 = 1_000;
/// Percent of what was ordered beyond which a goods receipt waits for a person, where nobody set another.
pub const RECEIPT_DEVIATION_PERCENT_DEFAULT: u16 = 10;
/// The largest such share, in percent.
pub const RECEIPT_DEVIATION_PERCENT_MAX: u16 = 1_000;
/// Most addresses that the digest goes to.
pub const MAIL_TO_MAX: usize = 20;
/// Longest mail address, in bytes (RFC 5321's path limit).
pub const MAIL_ADDRESS_BYTES_MAX: usize = 254;
/// Longest order prefix, in characters: prefix and 13 digits stay a readable number.
pub const ORDER_PREFIX_CHARS_MAX: usize = 10;
/// Characters of an account's code (Xero's limit).
const ACCOUNT_CODE_CHARS_MAX: usize = 10;

/// What a rule holds for. A later one is more specific and wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// The whole org.
    Org,
    /// A location, by name.
    Location(String),
    /// A category, by name.
    Category(String),
    /// A supplier, by its name in Xero.
    Supplier(String),
    /// An item, by its code.
    Item(String),
}

impl Scope {
    const fn origin(&self) -> Origin {
        match self {
            Self::Org => Origin::Org,
            Self::Location(_) => Origin::Location,
            Self::Category(_) => Origin::Category,
            Self::Supplier(_) => Origin::Supplier,
            Self::Item(_) => Origin::Item,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Org => f.write_str("org"),
            Self::Location(name) => write!(f, "location:{name}"),
            Self::Category(name) => write!(f, "category:{name}"),
            Self::Supplier(name) => write!(f, "supplier:{name}"),
            Self::Item(code) => write!(f, "item:{code}"),
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// A text that names no scope.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a scope: write org, location:NAME, category:NAME, supplier:NAME or item:CODE")]
pub struct NotAScope(String);

impl FromStr for Scope {
    type Err = NotAScope;
    fn from_str(text: &str) -> Result<Self, NotAScope> {
        match text.split_once(':') {
            None if text == "org" => Ok(Self::Org),
            Some((_, "")) => Err(NotAScope(text.to_owned())),
            Some(("location", name)) => Ok(Self::Location(name.to_owned())),
            Some(("category", name)) => Ok(Self::Category(name.to_owned())),
            Some(("supplier", name)) => Ok(Self::Supplier(name.to_owned())),
            Some(("item", code)) => Ok(Self::Item(code.to_owned())),
            _ => Err(NotAScope(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = NotAScope;
    fn try_from(text: String) -> Result<Self, NotAScope> {
        text.parse()
    }
}

/// What an item's purchase price in Xero is held beside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceBasis {
    /// The price of the latest bill.
    #[default]
    Last,
    /// That with what vouchers put on top of it.
    Landed,
}

/// One setting with its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "setting", content = "value", rename_all = "snake_case")]
pub enum Rule {
    /// What parstock may do in Xero.
    Phase(Phase),
    /// How careful planning is, a percentage as text.
    ServiceLevel(ServiceLevel),
    /// Days between two looks at what to order.
    ReviewDays(u16),
    /// Days from order to arrival.
    LeadTimeDays(u16),
    /// Stock without a sale in so many days is dead.
    DeadAfterDays(u16),
    /// Stock for more than so many days is too much.
    OverstockCoverDays(u16),
    /// Which cost leaves with what goes out.
    Costing(Method),
    /// Whether sales drafts commit stock.
    CountSalesDrafts(bool),
    /// Local time of the digest.
    DigestAt(Time),
    /// Local time from which alerts wait.
    QuietFrom(Time),
    /// Local time until which alerts wait.
    QuietUntil(Time),
    /// Minutes between two messages with alerts.
    AlertIntervalMinutes(u16),
    /// What our order numbers begin with.
    OrderPrefix(String),
    /// Who gets digest and alerts by mail.
    MailTo(Vec<String>),
    /// Whether digest and alerts go to Slack.
    Slack(bool),
    /// The org's IANA time zone, where Xero's isn't known.
    TimeZone(String),
    /// The last day whose books are closed, where that is later than Xero's lock dates.
    ClosedThrough(Date),
    /// How cost of goods sold of untracked stock comes into Xero; it does not where this is not set.
    Cogs(CogsSettings),
    /// Whether a person is asked to spread what looks like freight of goods.
    AskAboutFreight(bool),
    /// From how many percent on a change of an item's purchase price is proposed; zero for never.
    PriceChangePercent(u16),
    /// What an item's purchase price is held beside.
    PriceChangeFrom(PriceBasis),
    /// How many percent of what was ordered a goods receipt may differ from it without waiting for a person.
    ReceiptDeviationPercent(u16),
    /// The code of the account that adjusted tracked stock goes to.
    AdjustmentAccount(String),
    /// What may be adjusted without a second decision, base currency.
    AdjustmentValueMax(Money),
}

/// A setting's name in the file, what it takes, and whether narrower scopes than the org may have it.
struct Spec {
    name: &'static str,
    takes: &'static str,
    scoped: bool,
}

const SPECS: [Spec; 24] = [
    Spec { name: "phase", takes: "\"observe\" or \"assist\"", scoped: true },
    Spec { name: "service_level", takes: "a percentage as text, such as \"97.5\"", scoped: true },
    Spec { name: "review_days", takes: "a number of days from 1 to 90", scoped: true },
    Spec { name: "lead_time_days", takes: "a number of days from 0 to 730", scoped: true },
    Spec { name: "dead_after_days", takes: "a number of days from 1 to 730", scoped: true },
    Spec { name: "overstock_cover_days", takes: "a number of days from 1 to 730", scoped: true },
    Spec { name: "costing", takes: "\"average\", \"fifo\" or \"lifo\"", scoped: true },
    Spec { name: "count_sales_drafts", takes: "true or false", scoped: true },
    Spec { name: "digest_at", takes: "a local time such as \"08:00\"", scoped: false },
    Spec { name: "quiet_from", takes: "a local time such as \"21:00\"", scoped: false },
    Spec { name: "quiet_until", takes: "a local time such as \"07:00\"", scoped: false },
    Spec { name: "alert_interval_minutes", takes: "a number of minutes from 0 to 1440", scoped: false },
    Spec {
        name: "order_prefix",
        takes: "1 to 10 letters, digits or hyphens, such as \"PS-\"",
        scoped: false,
    },
    Spec { name: "mail_to", takes: "a list of at most 20 mail addresses", scoped: false },
    Spec { name: "slack", takes: "true or false", scoped: false },
    Spec { name: "time_zone", takes: "an IANA time zone such as \"Australia/Adelaide\"", scoped: false },
    Spec { name: "closed_through", takes: "a day such as \"2026-06-30\"", scoped: false },
    Spec {
        name: "cogs",
        takes: "two account codes and how often, such as {\"stock_account\": \"631\", \"cogs_account\": \"310\", \"every\": \"day\"} \
                (or \"month\"; with \"as\": \"posted\" no draft)",
        scoped: false,
    },
    Spec { name: "ask_about_freight", takes: "true or false", scoped: false },
    Spec { name: "price_change_percent", takes: "a percentage from 0 (never) to 1000", scoped: false },
    Spec { name: "price_change_from", takes: "\"last\" or \"landed\"", scoped: false },
    Spec { name: "receipt_deviation_percent", takes: "a percentage from 0 to 1000", scoped: false },
    Spec { name: "adjustment_account", takes: "the code of an account, such as \"401\"", scoped: false },
    Spec {
        name: "adjustment_value_max",
        takes: "an amount in base currency as text, such as \"500\"",
        scoped: false,
    },
];

/// Why a rule can't stand.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    /// No setting has this name.
    #[error("there is no setting `{name}`: the settings are {known}")]
    UnknownSetting {
        /// The name.
        name: String,
        /// All names.
        known: String,
    },
    /// The value doesn't fit the setting.
    #[error("`{name}` takes {takes}, not {given}")]
    WrongValue {
        /// The setting.
        name: &'static str,
        /// What it takes.
        takes: &'static str,
        /// What was given, JSON.
        given: String,
    },
    /// The setting holds for the whole org only.
    #[error("`{0}` holds for the whole organisation: use the scope org")]
    OrgOnly(&'static str),
}

impl Rule {
    /// What holds for the org as long as nobody says otherwise. Time zone and closed books have no default, since they
    /// are Xero's, and cost of goods sold comes into Xero only where it is set.
    pub fn defaults() -> [Self; 15] {
        [
            Self::Phase(Phase::default()),
            Self::ServiceLevel(ServiceLevel::DEFAULT),
            Self::ReviewDays(REVIEW_DAYS_DEFAULT),
            Self::LeadTimeDays(LEAD_TIME_DAYS_DEFAULT),
            Self::DeadAfterDays(DEAD_AFTER_DAYS_DEFAULT),
            Self::OverstockCoverDays(OVERSTOCK_COVER_DAYS_DEFAULT),
            Self::Costing(Method::default()),
            Self::CountSalesDrafts(true),
            Self::DigestAt(DIGEST_AT_DEFAULT),
            Self::QuietFrom(QUIET_DEFAULT.from),
            Self::QuietUntil(QUIET_DEFAULT.until),
            Self::AlertIntervalMinutes(ALERT_INTERVAL_MINUTES_DEFAULT),
            Self::OrderPrefix(ORDER_PREFIX_DEFAULT.to_owned()),
            Self::MailTo(Vec::new()),
            Self::Slack(false),
        ]
    }

    /// The names of all settings.
    pub fn names() -> impl Iterator<Item = &'static str> {
        SPECS.iter().map(|spec| spec.name)
    }

    /// Whether a setting has this name.
    pub fn is_setting(name: &str) -> bool {
        Self::names().any(|known| known == name)
    }

    /// The rule of a setting's name and JSON value for a scope.
    ///
    /// # Errors
    /// [`RuleError`] says what is wrong and what would be right.
    pub fn new(name: &str, scope: &Scope, value: &Value) -> Result<Self, RuleError> {
        let Some(spec) = SPECS.iter().find(|spec| spec.name == name) else {
            let known = SPECS.map(|spec| spec.name).join(", ");
            return Err(RuleError::UnknownSetting { name: name.to_owned(), known });
        };
        if !spec.scoped && *scope != Scope::Org {
            return Err(RuleError::OrgOnly(spec.name));
        }
        serde_json::from_value(serde_json::json!({ "setting": name, "value": value }))
            .ok()
            .filter(Self::is_within_bounds)
            .ok_or_else(|| RuleError::WrongValue {
                name: spec.name,
                takes: spec.takes,
                given: value.to_string(),
            })
    }

    fn is_within_bounds(&self) -> bool {
        match self {
            Self::ReviewDays(days) => (1..=REVIEW_DAYS_MAX).contains(days),
            Self::LeadTimeDays(days) => *days <= DAYS_MAX,
            Self::DeadAfterDays(days) | Self::OverstockCoverDays(days) => (1..=DAYS_MAX).contains(days),
            Self::AlertIntervalMinutes(minutes) => *minutes <= ALERT_INTERVAL_MINUTES_MAX,
            Self::PriceChangePercent(percent) => *percent <= PRICE_CHANGE_PERCENT_MAX,
            Self::ReceiptDeviationPercent(percent) => *percent <= RECEIPT_DEVIATION_PERCENT_MAX,
            Self::OrderPrefix(prefix) => {
                (1..=ORDER_PREFIX_CHARS_MAX).contains(&prefix.len())
                    && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            }
            Self::MailTo(addresses) => {
                addresses.len() <= MAIL_TO_MAX && addresses.iter().all(|a| is_address(a))
            }
            Self::TimeZone(zone) => OrgClock::new(zone).is_ok(),
            Self::AdjustmentAccount(code) => is_code(code),
            Self::AdjustmentValueMax(most) => !most.is_negative(),
            Self::Cogs(cogs) => {
                is_code(&cogs.stock_account)
                    && is_code(&cogs.cogs_account)
                    && cogs.stock_account != cogs.cogs_account
            }
            Self::Phase(_)
            | Self::ServiceLevel(_)
            | Self::Costing(_)
            | Self::CountSalesDrafts(_)
            | Self::DigestAt(_)
            | Self::QuietFrom(_)
            | Self::QuietUntil(_)
            | Self::ClosedThrough(_)
            | Self::AskAboutFreight(_)
            | Self::PriceChangeFrom(_)
            | Self::Slack(_) => true,
        }
    }

    /// The setting's name in the file.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Phase(_) => "phase",
            Self::ServiceLevel(_) => "service_level",
            Self::ReviewDays(_) => "review_days",
            Self::LeadTimeDays(_) => "lead_time_days",
            Self::DeadAfterDays(_) => "dead_after_days",
            Self::OverstockCoverDays(_) => "overstock_cover_days",
            Self::Costing(_) => "costing",
            Self::CountSalesDrafts(_) => "count_sales_drafts",
            Self::DigestAt(_) => "digest_at",
            Self::QuietFrom(_) => "quiet_from",
            Self::QuietUntil(_) => "quiet_until",
            Self::AlertIntervalMinutes(_) => "alert_interval_minutes",
            Self::OrderPrefix(_) => "order_prefix",
            Self::MailTo(_) => "mail_to",
            Self::Slack(_) => "slack",
            Self::TimeZone(_) => "time_zone",
            Self::ClosedThrough(_) => "closed_through",
            Self::Cogs(_) => "cogs",
            Self::AskAboutFreight(_) => "ask_about_freight",
            Self::PriceChangePercent(_) => "price_change_percent",
            Self::PriceChangeFrom(_) => "price_change_from",
            Self::ReceiptDeviationPercent(_) => "receipt_deviation_percent",
            Self::AdjustmentAccount(_) => "adjustment_account",
            Self::AdjustmentValueMax(_) => "adjustment_value_max",
        }
    }

    /// The value as the file has it.
    pub fn value(&self) -> Value {
        match self {
            Self::Phase(Phase::Observe) => "observe".into(),
            Self::Phase(Phase::Assist) => "assist".into(),
            Self::ServiceLevel(level) => level.to_string().into(),
            Self::ReviewDays(number)
            | Self::LeadTimeDays(number)
            | Self::DeadAfterDays(number)
            | Self::OverstockCoverDays(number)
            | Self::AlertIntervalMinutes(number)
            | Self::PriceChangePercent(number)
            | Self::ReceiptDeviationPercent(number) => (*number).into(),
            Self::Costing(method) => method.word().into(),
            Self::CountSalesDrafts(switch) | Self::Slack(switch) | Self::AskAboutFreight(switch) => {
                (*switch).into()
            }
            Self::DigestAt(time) | Self::QuietFrom(time) | Self::QuietUntil(time) => time.to_string().into(),
            Self::OrderPrefix(text) | Self::TimeZone(text) | Self::AdjustmentAccount(text) => {
                text.clone().into()
            }
            Self::AdjustmentValueMax(most) => most.to_string().into(),
            Self::MailTo(addresses) => addresses.clone().into(),
            Self::ClosedThrough(day) => day.to_string().into(),
            Self::Cogs(cogs) => serde_json::json!(cogs),
            Self::PriceChangeFrom(basis) => serde_json::json!(basis),
        }
    }
}

/// Whether a text can be the code of an account.
fn is_code(text: &str) -> bool {
    (1..=ACCOUNT_CODE_CHARS_MAX).contains(&text.chars().count())
}

/// Whether a text can be a mail address: one `@` between two parts, nothing that could end a mail header.
fn is_address(text: &str) -> bool {
    let parts = text
        .split_once('@')
        .filter(|(local, host)| !local.is_empty() && !host.is_empty() && !host.contains('@'));
    parts.is_some()
        && text.len() <= MAIL_ADDRESS_BYTES_MAX
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || ",;<>\"".contains(c))
}

/// A rule and what it holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopedRule {
    /// What it holds for.
    pub scope: Scope,
    /// The setting and its value.
    #[serde(flatten)]
    pub rule: Rule,
}

/// All rules of an org. At most one per setting and scope; what no rule says has a documented default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    rules: Vec<ScopedRule>,
}

/// What a rule is looked up for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub item: &'a str,
    pub supplier: Option<&'a str>,
    pub category: &'a str,
    pub location: &'a str,
}

impl Subject<'_> {
    fn is_in(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Org => true,
            Scope::Location(name) => name == self.location,
            Scope::Category(name) => name == self.category,
            Scope::Supplier(name) => Some(name.as_str()) == self.supplier,
            Scope::Item(code) => code == self.item,
        }
    }
}

/// What holds for the org as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgSettings {
    /// What parstock may do in Xero where no narrower rule says otherwise.
    pub phase: Phase,
    /// Local time of the digest.
    pub digest_at: Time,
    /// When alerts wait.
    pub quiet: QuietHours,
    /// Minutes between two messages with alerts.
    pub alert_interval_minutes: u16,
    /// What our order numbers begin with.
    pub order_prefix: String,
    /// Who gets digest and alerts by mail.
    pub mail_to: Vec<String>,
    /// Whether digest and alerts go to Slack.
    pub slack: bool,
    /// The IANA zone that a person set.
    pub time_zone: Option<String>,
    /// The last day whose books a person closed.
    pub closed_through: Option<Date>,
    /// How cost of goods sold comes into Xero.
    pub cogs: Option<CogsSettings>,
    /// Whether a person is asked to spread what looks like freight of goods.
    pub ask_about_freight: bool,
    /// From how many percent on a change of an item's purchase price is proposed; zero for never.
    pub price_change_percent: u16,
    /// What an item's purchase price is held beside.
    pub price_change_from: PriceBasis,
    /// How many percent of what was ordered a goods receipt may differ from it without waiting for a person.
    pub receipt_deviation_percent: u16,
    /// The code of the account that adjusted tracked stock goes to.
    pub adjustment_account: Option<String>,
    /// What may be adjusted without a second decision.
    pub adjustment_value_max: Option<Money>,
}

impl Policy {
    /// The policy of these rules, in a fixed order. Of two rules for the same setting and scope the later
    /// one stands.
    pub fn new(rules: impl IntoIterator<Item = ScopedRule>) -> Self {
        let mut policy = Self::default();
        for rule in rules {
            policy.set(rule);
        }
        policy
    }

    /// Puts a rule in the place of the one for the same setting and scope.
    pub fn set(&mut self, rule: ScopedRule) {
        let key = |rule: &ScopedRule| (rule.scope.clone(), rule.rule.name());
        match self.rules.binary_search_by_key(&key(&rule), key) {
            Ok(at) => {
                if let Some(standing) = self.rules.get_mut(at) {
                    *standing = rule;
                }
            }
            Err(at) => self.rules.insert(at, rule),
        }
    }

    /// Its rules, by scope and name.
    pub fn rules(&self) -> &[ScopedRule] {
        &self.rules
    }

    fn find<'a, T>(
        &'a self,
        subject: &Subject<'_>,
        pick: impl Fn(&'a Rule) -> Option<T>,
    ) -> Option<Sourced<T>> {
        // Rules are sorted by scope, the most specific last.
        self.rules
            .iter()
            .rev()
            .filter(|rule| subject.is_in(&rule.scope))
            .find_map(|rule| pick(&rule.rule).map(|value| Sourced { value, from: rule.scope.origin() }))
    }

    pub(super) fn phase(&self, subject: &Subject<'_>) -> Phase {
        let rule = |rule: &Rule| if let Rule::Phase(phase) = rule { Some(*phase) } else { None };
        self.find(subject, rule).map_or_else(Phase::default, |found| found.value)
    }

    pub(super) fn service_level(&self, subject: &Subject<'_>) -> ServiceLevel {
        let rule = |rule: &Rule| if let Rule::ServiceLevel(level) = rule { Some(*level) } else { None };
        self.find(subject, rule).map_or(ServiceLevel::DEFAULT, |found| found.value)
    }

    pub(super) fn review_days(&self, subject: &Subject<'_>) -> Sourced<u16> {
        let rule = |rule: &Rule| if let Rule::ReviewDays(days) = rule { Some(*days) } else { None };
        self.find(subject, rule).unwrap_or(Sourced { value: REVIEW_DAYS_DEFAULT, from: Origin::Default })
    }

    pub(super) fn lead_time_days(&self, subject: &Subject<'_>) -> Sourced<u16> {
        let rule = |rule: &Rule| if let Rule::LeadTimeDays(days) = rule { Some(*days) } else { None };
        self.find(subject, rule).unwrap_or(Sourced { value: LEAD_TIME_DAYS_DEFAULT, from: Origin::Default })
    }

    pub(super) fn dead_after_days(&self, subject: &Subject<'_>) -> u16 {
        let rule = |rule: &Rule| if let Rule::DeadAfterDays(days) = rule { Some(*days) } else { None };
        self.find(subject, rule).map_or(DEAD_AFTER_DAYS_DEFAULT, |found| found.value)
    }

    pub(super) fn overstock_cover_days(&self, subject: &Subject<'_>) -> u16 {
        let rule = |rule: &Rule| if let Rule::OverstockCoverDays(days) = rule { Some(*days) } else { None };
        self.find(subject, rule).map_or(OVERSTOCK_COVER_DAYS_DEFAULT, |found| found.value)
    }

    pub(super) fn costing(&self, subject: &Subject<'_>) -> Method {
        let rule = |rule: &Rule| if let Rule::Costing(method) = rule { Some(*method) } else { None };
        self.find(subject, rule).map_or_else(Method::default, |found| found.value)
    }

    pub(super) fn count_sales_drafts(&self, subject: &Subject<'_>) -> bool {
        let rule = |rule: &Rule| if let Rule::CountSalesDrafts(count) = rule { Some(*count) } else { None };
        self.find(subject, rule).is_none_or(|found| found.value)
    }

    /// What holds for the org as a whole.
    pub fn org(&self) -> OrgSettings {
        let mut org = OrgSettings {
            phase: Phase::default(),
            digest_at: DIGEST_AT_DEFAULT,
            quiet: QUIET_DEFAULT,
            alert_interval_minutes: ALERT_INTERVAL_MINUTES_DEFAULT,
            order_prefix: ORDER_PREFIX_DEFAULT.to_owned(),
            mail_to: Vec::new(),
            slack: false,
            time_zone: None,
            closed_through: None,
            cogs: None,
            ask_about_freight: true,
            price_change_percent: PRICE_CHANGE_PERCENT_DEFAULT,
            price_change_from: PriceBasis::default(),
            receipt_deviation_percent: RECEIPT_DEVIATION_PERCENT_DEFAULT,
            adjustment_account: None,
            adjustment_value_max: None,
        };
        for rule in self.rules.iter().filter(|rule| rule.scope == Scope::Org) {
            match &rule.rule {
                Rule::Phase(phase) => org.phase = *phase,
                Rule::DigestAt(at) => org.digest_at = *at,
                Rule::QuietFrom(from) => org.quiet.from = *from,
                Rule::QuietUntil(until) => org.quiet.until = *until,
                Rule::AlertIntervalMinutes(minutes) => org.alert_interval_minutes = *minutes,
                Rule::OrderPrefix(prefix) => org.order_prefix = prefix.clone(),
                Rule::MailTo(addresses) => org.mail_to = addresses.clone(),
                Rule::Slack(on) => org.slack = *on,
                Rule::TimeZone(zone) => org.time_zone = Some(zone.clone()),
                Rule::ClosedThrough(day) => org.closed_through = Some(*day),
                Rule::Cogs(cogs) => org.cogs = Some(cogs.clone()),
                Rule::AskAboutFreight(asks) => org.ask_about_freight = *asks,
                Rule::PriceChangePercent(percent) => org.price_change_percent = *percent,
                Rule::PriceChangeFrom(basis) => org.price_change_from = *basis,
                Rule::ReceiptDeviationPercent(percent) => org.receipt_deviation_percent = *percent,
                Rule::AdjustmentAccount(code) => org.adjustment_account = Some(code.clone()),
                Rule::AdjustmentValueMax(most) => org.adjustment_value_max = Some(*most),
                Rule::ServiceLevel(_)
                | Rule::ReviewDays(_)
                | Rule::LeadTimeDays(_)
                | Rule::DeadAfterDays(_)
                | Rule::OverstockCoverDays(_)
                | Rule::Costing(_)
                | Rule::CountSalesDrafts(_) => {}
            }
        }
        org
    }
}

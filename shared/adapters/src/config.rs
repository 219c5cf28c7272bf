//! The functions' settings, read from the environment once; all that is wrong with them is told at once.
//!
//! | variable | meaning |
//! |---|---|
//! | `PARSTOCK_STACK` | name of the stack, by which its figures are told from those of others |
//! | `PARSTOCK_TABLE` | name of the DynamoDB table |
//! | `PARSTOCK_SECRETS` | what the names of the stack's secrets begin with, e.g. `parstock/shop` |
//! | `PARSTOCK_CONNECTIONS` | names of the Xero connections, with commas between; each has its credentials in the secret `connections/<name>/credentials` |
//! | `PARSTOCK_MAIL_FROM` | address that mails come from |
//! | `PARSTOCK_CONSOLE_URL` | where people reach the console, for links in mails |
//! | `PARSTOCK_CONSOLE_USERS` | mail addresses of those who may sign in to the console, with commas between; for the console alone |
//! | `PARSTOCK_EVENTS_QUEUE_URL`, `PARSTOCK_EVENTS_DEAD_LETTER_URL`, and the same with `WORK` and `EFFECTS` | URLs of the queues and of their dead-letter queues |
//! | `XERO_API_URL` | base of the accounting API, `/api.xro/2.0` included; Xero's own if not set |
//! | `XERO_IDENTITY_URL` | base of the identity server; Xero's own if not set |
//! | `XERO_LOGIN_URL`, `XERO_CONNECTIONS_URL` | base of the login server, whole address of the list of connections; for what connects; Xero's own if not set |
//! | `XERO_SCOPES` | scopes to ask for, with blanks between; all that the connection has if not set |
//! | `XERO_TENANT_ID` | tenant to name in each call, for what stands in for Xero and demands it; none if not set, since a custom connection has none |
//! | `SSL_CERT_FILE` | the image's one bundle of authorities, read by the TLS library and not here; without it every client reads each file of a folder, which takes most of a cold start |
//!
//! Secrets themselves are never in the environment.

use std::collections::BTreeMap;
use std::fmt;

use parstock_app::ports::QueueName;
use parstock_xero::{API_URL, CONNECTIONS_URL, ConsentApp, IDENTITY_URL, InputError, LOGIN_URL, XeroConfig};
use reqwest::Url;
use secrecy::SecretString;
use thiserror::Error;
use uuid::Uuid;

use crate::queue::QueueAddress;
use crate::vault::Credentials;

/// The scopes that a consent is asked for, with what each is for. All at once, since more of them later need another
/// consent.
pub const CONSENT_SCOPES: [(&str, &str); 10] = [
    (
        "accounting.invoices",
        "invoices, bills, credit notes and purchase orders: what moves stock, draft orders, draft bills of goods that came \
         in, and adjustments of tracked stock",
    ),
    ("accounting.banktransactions.read", "goods bought or sold as spend or receive money, in advance or not"),
    (
        "accounting.payments.read",
        "recordings of how Xero answers alone: payments, prepayments and overpayments",
    ),
    ("accounting.manualjournals", "draft journals of landed cost and of the cost of goods sold"),
    ("accounting.contacts", "suppliers and customers"),
    (
        "accounting.settings",
        "items, accounts, tax rates, tracking categories and the organisation itself; approved purchase prices are set on items",
    ),
    ("accounting.attachments", "papers attached to bills that look like freight: which goods they name"),
    ("accounting.reports.balancesheet.read", "the stock accounts, compared with the value of the stock"),
    ("accounting.reports.trialbalance.read", "the stock accounts, compared with the value of the stock"),
    ("offline_access", "to go on without asking you every half an hour"),
];

/// The variable with the name of the stack.
const STACK: &str = "PARSTOCK_STACK";
/// Connections of one stack.
pub const CONNECTIONS_MAX: usize = 50;
/// People who may sign in to the console of one stack.
pub const CONSOLE_USERS_MAX: usize = 50;
/// The longest mail address, in characters (RFC 5321, 4.5.3.1).
const ADDRESS_CHARS_MAX: usize = 254;
/// The longest name of a connection, in characters.
const CONNECTION_NAME_CHARS_MAX: usize = 40;

/// Everything that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigError {
    /// One sentence for each.
    pub problems: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings can't be used:")?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n- {problem}"))
    }
}

/// Where Xero is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XeroAddresses {
    /// The base of the accounting API, `/api.xro/2.0` included.
    pub api_url: String,
    /// The base of the identity server.
    pub identity_url: String,
    /// The scopes to ask for; empty for all that the connection has.
    pub scopes: Vec<String>,
    /// The tenant to name in each call. A custom connection has none: its token is for one organisation.
    pub tenant: Option<Uuid>,
}

impl XeroAddresses {
    /// The settings of a client that reaches these addresses with a connection's credentials.
    ///
    /// # Errors
    /// When an address or a credential can't be used.
    pub fn client_config(&self, credentials: &Credentials) -> Result<XeroConfig, InputError> {
        let config = XeroConfig::new(credentials.client_id.clone(), credentials.client_secret.clone())?
            .with_api_url(&self.api_url)?
            .with_identity_url(&self.identity_url)?
            .with_scopes(&self.scopes);
        Ok(match (credentials.tenant, self.tenant) {
            (Some(tenant), _) => config.with_consent(tenant),
            (None, Some(tenant)) => config.with_tenant(tenant),
            (None, None) => config,
        })
    }

    /// The scopes that a consent is asked for: those set, or [`CONSENT_SCOPES`].
    pub fn consent_scopes(&self) -> Vec<String> {
        if self.scopes.is_empty() {
            CONSENT_SCOPES.iter().map(|(scope, _)| (*scope).to_owned()).collect()
        } else {
            self.scopes.clone()
        }
    }
}

/// Where people consent, and where what they connected is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentAddresses {
    /// The base of the login server.
    pub login_url: String,
    /// The whole address of the list of connections.
    pub connections_url: String,
}

impl ConsentAddresses {
    /// From the environment: `XERO_LOGIN_URL` and `XERO_CONNECTIONS_URL`, Xero's own if not set.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&variable)
    }

    fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { variable, problems: Vec::new() };
        let addresses = Self::read_by(&mut reader);
        reader.finish(addresses)
    }

    fn read_by(reader: &mut Reader<'_>) -> Self {
        let or = |name: &str, own: &str| reader.optional(name).unwrap_or_else(|| own.to_owned());
        let addresses = Self {
            login_url: or("XERO_LOGIN_URL", LOGIN_URL),
            connections_url: or("XERO_CONNECTIONS_URL", CONNECTIONS_URL),
        };
        // The client has the rules of addresses.
        let nobody = || {
            let config = XeroConfig::new("nobody", SecretString::from("nothing"))?;
            ConsentApp::new(config, reqwest::Client::new())
        };
        for (name, checked) in [
            ("XERO_LOGIN_URL", nobody().and_then(|app| app.with_login_url(&addresses.login_url))),
            (
                "XERO_CONNECTIONS_URL",
                nobody().and_then(|app| app.with_connections_url(&addresses.connections_url)),
            ),
        ] {
            if let Err(error) = checked {
                reader.problems.push(format!("{name}: {error}"));
            }
        }
        addresses
    }
}

/// What the webhook needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// The name of the stack.
    pub stack: String,
    /// The events queue.
    pub queues: BTreeMap<QueueName, QueueAddress>,
    /// What the names of the stack's secrets begin with.
    pub secret_prefix: String,
}

/// What the console needs beside [`Config`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleConfig {
    /// What all functions need.
    pub common: Config,
    /// Mail addresses of those who may sign in.
    pub users: Vec<String>,
    /// Where people consent.
    pub consent: ConsentAddresses,
}

impl ConsoleConfig {
    /// From the environment.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&variable)
    }

    fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { variable, problems: Vec::new() };
        let config = Self {
            common: Config::read_by(&mut reader),
            users: reader.console_users(),
            consent: ConsentAddresses::read_by(&mut reader),
        };
        reader.finish(config)
    }
}

/// What all other functions need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The name of the stack.
    pub stack: String,
    /// The table.
    pub table: String,
    /// The three queues with their dead-letter queues.
    pub queues: BTreeMap<QueueName, QueueAddress>,
    /// What the names of the stack's secrets begin with.
    pub secret_prefix: String,
    /// The names of the Xero connections.
    pub connections: Vec<String>,
    /// Where Xero is.
    pub xero: XeroAddresses,
    /// The address that mails come from.
    pub mail_from: String,
    /// Where people reach the console, without a slash at its end.
    pub console_url: String,
}

impl WebhookConfig {
    /// From the environment.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&variable)
    }

    fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { variable, problems: Vec::new() };
        let url = reader.queue_url("PARSTOCK_EVENTS_QUEUE_URL");
        let config = Self {
            stack: reader.required(STACK),
            queues: BTreeMap::from([(QueueName::Events, QueueAddress { url, dead_letter_url: None })]),
            secret_prefix: reader.secret_prefix(),
        };
        reader.finish(config)
    }
}

impl Config {
    /// From the environment.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&variable)
    }

    fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { variable, problems: Vec::new() };
        let config = Self::read_by(&mut reader);
        reader.finish(config)
    }

    fn read_by(reader: &mut Reader<'_>) -> Self {
        Self {
            stack: reader.required(STACK),
            table: reader.required("PARSTOCK_TABLE"),
            queues: QueueName::ALL.into_iter().map(|queue| (queue, reader.queue(queue))).collect(),
            secret_prefix: reader.secret_prefix(),
            connections: reader.connections(),
            xero: reader.xero(),
            mail_from: reader.mail_from(),
            console_url: reader.console_url(),
        }
    }

    /// The queue behind an event source's ARN, told by its name.
    pub fn queue_of(&self, arn: &str) -> Option<QueueName> {
        let name = arn.rsplit(':').next()?;
        self.queues
            .iter()
            .find(|(_, address)| address.url.rsplit('/').next() == Some(name))
            .map(|(queue, _)| *queue)
    }
}

impl XeroAddresses {
    /// From the environment alone, for programs that have their other settings from elsewhere.
    ///
    /// # Errors
    /// [`ConfigError`] with every problem.
    pub fn from_env() -> Result<Self, ConfigError> {
        let mut reader = Reader { variable: &variable, problems: Vec::new() };
        let addresses = reader.xero();
        reader.finish(addresses)
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the Config that everything else asks")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads variables and collects what is wrong with them.
struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    problems: Vec<String>,
}

impl Reader<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.variable)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problems.push(format!("{name} is not set"));
            String::new()
        })
    }

    fn queue(&mut self, queue: QueueName) -> QueueAddress {
        let name = queue.code().to_uppercase();
        QueueAddress {
            url: self.queue_url(&format!("PARSTOCK_{name}_QUEUE_URL")),
            dead_letter_url: Some(self.queue_url(&format!("PARSTOCK_{name}_DEAD_LETTER_URL"))),
        }
    }

    fn queue_url(&mut self, name: &str) -> String {
        let url = self.required(name);
        if !url.is_empty()
            && !Url::parse(&url).is_ok_and(|url| url.scheme() == "https" || url.scheme() == "http")
        {
            self.problems.push(format!("{name} is not the URL of a queue"));
        }
        url
    }

    fn secret_prefix(&mut self) -> String {
        let name = "PARSTOCK_SECRETS";
        let prefix = self.required(name);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
        if !prefix.bytes().all(allowed) || prefix.ends_with('/') {
            self.problems
                .push(format!("{name} may have letters, digits and /_+=.@- only, and no slash at its end"));
        }
        prefix
    }

    fn connections(&mut self) -> Vec<String> {
        let variable = "PARSTOCK_CONNECTIONS";
        let names: Vec<String> =
            self.required(variable).split(',').map(|name| name.trim().to_owned()).collect();
        let plain = |name: &String| {
            (1..=CONNECTION_NAME_CHARS_MAX).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
        if self.optional(variable).is_some()
            && !(names.iter().all(plain) && names.len() <= CONNECTIONS_MAX && distinct.len() == names.len())
        {
            self.problems.push(format!(
                "{variable} must be 1 to {CONNECTIONS_MAX} different names of lower-case letters, digits and dashes, \
                 with commas between"
            ));
        }
        names
    }

    fn tenant(&mut self) -> Option<Uuid> {
        let name = "XERO_TENANT_ID";
        let tenant = self.optional(name)?.parse().ok();
        if tenant.is_none() {
            self.problems.push(format!("{name} is not an id such as 01234567-89ab-cdef-0123-456789abcdef"));
        }
        tenant
    }

    fn xero(&mut self) -> XeroAddresses {
        let addresses = XeroAddresses {
            api_url: self.optional("XERO_API_URL").unwrap_or_else(|| API_URL.to_owned()),
            identity_url: self.optional("XERO_IDENTITY_URL").unwrap_or_else(|| IDENTITY_URL.to_owned()),
            scopes: self
                .optional("XERO_SCOPES")
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            tenant: self.tenant(),
        };
        // The client has the rules of addresses; the credentials come later.
        let nobody = || XeroConfig::new("nobody", SecretString::from("nothing"));
        for (name, checked) in [
            ("XERO_API_URL", nobody().and_then(|config| config.with_api_url(&addresses.api_url))),
            (
                "XERO_IDENTITY_URL",
                nobody().and_then(|config| config.with_identity_url(&addresses.identity_url)),
            ),
        ] {
            if let Err(error) = checked {
                self.problems.push(format!("{name}: {error}"));
            }
        }
        addresses
    }

    fn mail_from(&mut self) -> String {
        let name = "PARSTOCK_MAIL_FROM";
        let from = self.required(name);
        if !from.is_empty() && !crate::mailer::is_address(&from) {
            self.problems.push(format!("{name} is not a mail address such as stock@example.com"));
        }
        from
    }

    fn console_users(&mut self) -> Vec<String> {
        let name = "PARSTOCK_CONSOLE_USERS";
        let users: Vec<String> =
            self.required(name).split(',').map(|address| address.trim().to_owned()).collect();
        if self.optional(name).is_none() {
            return Vec::new();
        }
        // an address is personal, so an error says which one it is by its place
        for (at, address) in users.iter().enumerate() {
            if !crate::mailer::is_address(address) || address.chars().count() > ADDRESS_CHARS_MAX {
                let at = at.saturating_add(1);
                self.problems
                    .push(format!("{name}: number {at} is not a mail address such as kim@example.com"));
            }
        }
        let different: std::collections::BTreeSet<String> =
            users.iter().map(|address| address.to_ascii_lowercase()).collect();
        if users.len() > CONSOLE_USERS_MAX || different.len() < users.len() {
            self.problems.push(format!(
                "{name} must be 1 to {CONSOLE_USERS_MAX} different mail addresses, with commas between"
            ));
        }
        users
    }

    fn console_url(&mut self) -> String {
        let name = "PARSTOCK_CONSOLE_URL";
        let url = self.required(name);
        if !url.is_empty() && !Url::parse(&url).is_ok_and(|url| url.scheme() == "https") {
            self.problems.push(format!("{name} is not an address that begins with https"));
        }
        url.trim_end_matches('/').to_owned()
    }

    fn finish<C>(self, config: C) -> Result<C, ConfigError> {
        if self.problems.is_empty() { Ok(config) } else { Err(ConfigError { problems: self.problems }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 12] = [
        ("PARSTOCK_STACK", "shop"),
        ("PARSTOCK_TABLE", "parstock"),
        ("PARSTOCK_SECRETS", "parstock/shop"),
        ("PARSTOCK_CONNECTIONS", "main, second-shop"),
        ("PARSTOCK_MAIL_FROM", "stock@example.com"),
        ("PARSTOCK_CONSOLE_URL", "https://stock.example.com/"),
        ("PARSTOCK_EVENTS_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/events"),
        ("PARSTOCK_EVENTS_DEAD_LETTER_URL", "https://sqs.eu-west-1.amazonaws.com/1/events-dead"),
        ("PARSTOCK_WORK_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/work"),
        ("PARSTOCK_WORK_DEAD_LETTER_URL", "https://sqs.eu-west-1.amazonaws.com/1/work-dead"),
        ("PARSTOCK_EFFECTS_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/effects"),
        ("PARSTOCK_EFFECTS_DEAD_LETTER_URL", "https://sqs.eu-west-1.amazonaws.com/1/effects-dead"),
    ];

    /// The good settings with some replaced.
    fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let mut variables = BTreeMap::from(GOOD);
        variables.extend(changes.iter().copied());
        Config::read(&|name| variables.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn xero_itself_is_asked_unless_another_is_named() {
        let config = read(&[]).unwrap();
        assert_eq!(config.xero.api_url, "https://api.xero.com/api.xro/2.0");
        assert_eq!((config.connections.len(), config.xero.tenant), (2, None));
        let named = read(&[("XERO_TENANT_ID", "01234567-89ab-cdef-0123-456789abcdef")]).unwrap();
        assert_eq!(named.xero.tenant, Some(Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef)));
        let local =
            read(&[("XERO_API_URL", "http://127.0.0.1:4010/api.xro/2.0"), ("XERO_SCOPES", "a b")]).unwrap();
        assert_eq!(
            (local.xero.api_url.as_str(), local.xero.scopes.len()),
            ("http://127.0.0.1:4010/api.xro/2.0", 2)
        );
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let error = Config::read(&|_| None).unwrap_err();
        for (name, _) in GOOD {
            assert!(
                error.problems.iter().any(|problem| problem == &format!("{name} is not set")),
                "{name}: {error}"
            );
        }
        let wrong = [
            ("PARSTOCK_CONNECTIONS", "main,main"),
            ("PARSTOCK_MAIL_FROM", "stock"),
            ("PARSTOCK_SECRETS", "parstock/"),
            ("PARSTOCK_CONSOLE_URL", "http://stock.example.com"),
            ("PARSTOCK_WORK_QUEUE_URL", "work"),
            ("XERO_API_URL", "http://xero.example/api.xro/2.0"),
            ("XERO_IDENTITY_URL", "ftp://identity.xero.com"),
            ("XERO_TENANT_ID", "shop"),
        ];
        let error = read(&wrong).unwrap_err();
        assert_eq!(error.problems.len(), wrong.len(), "{error}");
        for (name, _) in wrong {
            assert!(error.problems.iter().any(|problem| problem.starts_with(name)), "{name}: {error}");
        }
        for connections in ["", "Main", "a b", "../x", "main,"] {
            assert!(read(&[("PARSTOCK_CONNECTIONS", connections)]).is_err(), "{connections}");
        }
    }

    #[test]
    fn the_webhook_needs_less() {
        let variables = BTreeMap::from(GOOD);
        let wanted = ["PARSTOCK_STACK", "PARSTOCK_SECRETS", "PARSTOCK_EVENTS_QUEUE_URL"];
        let some = |name: &str| wanted.contains(&name).then(|| variables[name].to_owned());
        assert_eq!(WebhookConfig::read(&some).unwrap().queues.len(), 1);
        assert_eq!(WebhookConfig::read(&|_| None).unwrap_err().problems.len(), wanted.len());
    }

    #[test]
    fn a_consent_names_its_own_tenant_and_asks_for_every_scope_once() {
        let xero = read(&[]).unwrap().xero;
        let scopes = xero.consent_scopes();
        assert!(scopes.contains(&"offline_access".to_owned()));
        assert_eq!(scopes.iter().collect::<std::collections::BTreeSet<_>>().len(), CONSENT_SCOPES.len());
        let set = read(&[("XERO_SCOPES", "a b")]).unwrap().xero.consent_scopes();
        assert_eq!(set, ["a", "b"]);
        let docs = include_str!("../../../docs/connect.md");
        for (scope, what_for) in CONSENT_SCOPES {
            let row = format!("| `{scope}` | {what_for} |");
            assert!(docs.contains(&row), "put this into docs/connect.md:\n{row}");
        }
    }

    #[test]
    fn login_and_connections_are_xeros_own_unless_others_are_named() {
        let own = ConsentAddresses::read(&|_| None).unwrap();
        assert_eq!(own.login_url, "https://login.xero.com");
        assert_eq!(own.connections_url, "https://api.xero.com/connections");
        let local = ConsentAddresses::read(&|name| Some(format!("http://127.0.0.1:1/{name}"))).unwrap();
        assert_eq!(local.login_url, "http://127.0.0.1:1/XERO_LOGIN_URL");
        let wrong = ConsentAddresses::read(&|_| Some("http://xero.example".to_owned())).unwrap_err();
        assert_eq!(wrong.problems.len(), 2, "{wrong}");
    }

    #[test]
    fn the_console_needs_to_know_who_may_sign_in() {
        let read = |users: &str| {
            let mut variables = BTreeMap::from(GOOD);
            variables.insert("PARSTOCK_CONSOLE_USERS", users);
            ConsoleConfig::read(&|name| variables.get(name).map(|value| (*value).to_owned()))
        };
        let config = read("kim@example.com, Lee@example.com").unwrap();
        assert_eq!(config.users, ["kim@example.com", "Lee@example.com"]);
        assert_eq!(config.consent.login_url, LOGIN_URL);
        let many: Vec<String> = (0..=CONSOLE_USERS_MAX).map(|n| format!("u{n}@example.com")).collect();
        let long = format!("{}@example.com", "a".repeat(ADDRESS_CHARS_MAX));
        for wrong in
            ["", "lee", "kim@example.com,", "kim@example.com,KIM@example.com", &many.join(","), long.as_str()]
        {
            let error = read(wrong).unwrap_err();
            assert_eq!(error.problems.len(), 1, "{wrong}: {error}");
            assert!(error.problems[0].starts_with("PARSTOCK_CONSOLE_USERS"), "{error}");
            assert!(wrong.is_empty() || !error.to_string().contains(wrong), "{error}");
        }
    }

    #[test]
    fn a_queue_is_known_by_the_name_in_its_arn() {
        let config = read(&[]).unwrap();
        assert_eq!(config.queue_of("arn:aws:sqs:eu-west-1:1:work"), Some(QueueName::Work));
        assert_eq!(config.queue_of("arn:aws:sqs:eu-west-1:1:work-dead"), None);
        assert_eq!(config.queue_of(""), None);
    }
}

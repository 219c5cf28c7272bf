//! `parstock connect`: a person consents in the browser, and the organisation is connected to the data folder.

use std::io::ErrorKind;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use clap::Args;
use jiff::Timestamp;
use parstock_adapters::clock::{RandomIds, WallClock};
use parstock_adapters::config::{ConsentAddresses, XeroAddresses};
use parstock_adapters::consent::{self, App, name_of};
use parstock_adapters::vault::Credentials;
use parstock_app::connect::Fit;
use parstock_app::ports::Entropy;
use parstock_domain::ids::OrgId;
use parstock_views::pages::{ConsentPage, content_security_policy};
use parstock_xero::{Renewal, StoredToken, Tenant, missing_scopes};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::OfFolder;
use crate::ask::{self, Answer, Ask};
use crate::driver::CONNECTION;
use crate::error::LocalError;
use crate::folder::Folder;
use crate::ports::LocalPorts;
use crate::stop::until_stopped;
use crate::{live, screen, start};

/// Port of the redirect address unless `--port` says otherwise.
pub const PORT: u16 = 4103;
/// How long a person may take in the browser.
const CONSENT_WAIT: Duration = Duration::from_secs(10 * 60);
/// How long the last page may take to reach the browser.
const GOODBYE_WAIT: Duration = Duration::from_secs(2);
/// Answers that wait to be looked at: a browser asks once, whoever asks more often waits.
const ANSWERS_WAITING: usize = 4;

/// Connects an organisation.
#[derive(Args, Clone, Debug)]
pub struct Connect {
    /// Port of the redirect address http://localhost:PORT/callback, which has to be set in the app
    #[arg(long, value_name = "PORT", default_value_t = PORT)]
    pub port: u16,
    /// Name or id of the organisation, if the consent reaches several
    #[arg(long, value_name = "NAME")]
    pub organisation: Option<String>,
    /// Only print the address, don't open it in the browser
    #[arg(long)]
    pub print: bool,
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: OfFolder,
}

/// What a consent gave, on its way into the data folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The app's id.
    pub client_id: String,
    /// The app's secret.
    #[serde(serialize_with = "text")]
    pub client_secret: SecretString,
    /// The tenant that is connected.
    pub tenant: Uuid,
    /// The organisation that Xero named for it.
    pub organisation: Uuid,
    /// Its name.
    pub name: String,
    /// The access token.
    #[serde(serialize_with = "text")]
    pub access: SecretString,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// The refresh token.
    #[serde(serialize_with = "text")]
    pub refresh: SecretString,
    /// When they were given.
    pub issued_at: Option<Timestamp>,
    /// What they allow.
    pub scopes: Vec<String>,
}

/// To the process that holds the folder: on this machine only, and with the token that lies in the folder.
pub(super) fn text<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

/// Connects.
///
/// # Errors
/// What is missing, what the person or Xero refused, and what is in the way; nothing is kept then.
pub async fn run(options: Connect) -> Result<u8, LocalError> {
    until_stopped("nothing was connected", Box::pin(connect(options))).await
}

async fn connect(options: Connect) -> Result<u8, LocalError> {
    let input = |error: &dyn std::fmt::Display| LocalError::Input(error.to_string());
    let addresses = XeroAddresses::from_env().map_err(|error| input(&error))?;
    let places = ConsentAddresses::from_env().map_err(|error| input(&error))?;
    let folder = Folder::at(&options.common.data)?;
    start::may_be_live(&folder)?;
    let redirect = format!("http://localhost:{}/callback", options.port);
    let known = live::kept_credentials(&start::vault(&folder)?, CONNECTION).await?;
    let app_credentials =
        live::given_app().or_else(|| known.clone().map(|known| (known.client_id, known.client_secret)));
    let (client_id, client_secret) = app_credentials.ok_or_else(|| {
        LocalError::Input(format!(
            "set XERO_CLIENT_ID and XERO_CLIENT_SECRET to those of your app: a web app at developer.xero.com, My Apps, \
             with the redirect address {redirect}; docs/connect.md leads through it"
        ))
    })?;
    let scopes = addresses.consent_scopes();
    let app = App::new(&addresses, &places, client_id, client_secret, Arc::new(WallClock));
    let app = app.map_err(|error| input(&error))?;
    let state = format!("{}{}", RandomIds.uuid().simple(), RandomIds.uuid().simple());
    let mut browser = Browser::listen(options.port, state.clone()).await?;
    let url = app.authorize_url(&redirect, &state);
    screen::talk(&format!("Sign in to Xero and allow access at this address:\n\n  {url}\n"));
    if !options.print && !opened(url.as_str()) {
        screen::talk("(no browser could be opened from here: open it yourself)");
    }
    let (answer, reply) = browser.answer(CONSENT_WAIT).await?;
    let connecting = async {
        let code = code_of(answer)?;
        let given = app.exchange(&code, &redirect).await.map_err(failed)?;
        let known = known.as_ref().and_then(|known| known.tenant);
        let event = given.token.auth_event();
        let tenant = pick(&given.tenants, event, options.organisation.as_deref(), known)?.tenant_id;
        let kept = kept(&app, tenant, given.token).await?;
        let lacks = lacks(&kept.scopes, &scopes);
        let name = kept.name.clone();
        let ask = Ask::Connect(Box::new(kept));
        Ok::<_, LocalError>((ask::put_live(&folder, &ask).await?, name, lacks))
    };
    match connecting.await {
        Ok((answer, name, lacks)) => {
            let next = format!(
                "You can close this page. Start parstock with: parstock run --org live --data {}",
                folder.path().display()
            );
            let next = lacks.map_or(next.clone(), |lacks| format!("{lacks} {next}"));
            browser.goodbye(reply, StatusCode::OK, &format!("{name} is connected"), &next).await;
            super::show(options.common.json, &answer)
        }
        Err(error) => {
            let what = "Nothing was connected";
            browser.goodbye(reply, StatusCode::BAD_REQUEST, what, &error.to_string()).await;
            Err(error)
        }
    }
}

/// What is missing of a consent's scopes, as a sentence.
pub(crate) fn lacks(granted: &[String], needed: &[String]) -> Option<String> {
    let missing = missing_scopes(granted, needed.iter().map(String::as_str));
    (!missing.is_empty()).then(|| lacks_these(&missing))
}

/// As [`lacks`], for scopes that are missing.
pub(crate) fn lacks_these(missing: &[impl std::fmt::Display]) -> String {
    let missing: Vec<String> = missing.iter().map(|scope| format!("`{scope}`")).collect();
    format!("The consent lacks {}: run `parstock connect` again and allow all of it.", missing.join(", "))
}

fn failed(error: parstock_xero::Error) -> LocalError {
    match error {
        parstock_xero::Error::AskPerson(_) => LocalError::Input(error.to_string()),
        other => LocalError::Outside(other.to_string()),
    }
}

/// Opens an address in the browser, as far as this machine can.
fn opened(url: &str) -> bool {
    let programs: &[&str] = if cfg!(target_os = "macos") { &["open"] } else { &["xdg-open", "wslview"] };
    programs.iter().any(|program| {
        let mut command = Command::new(program);
        command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().is_ok()
    })
}

/// The organisation to connect: the one that is named, else the one that the consent is for.
fn pick<'t>(
    tenants: &'t [Tenant],
    event: Option<Uuid>,
    wanted: Option<&str>,
    known: Option<Uuid>,
) -> Result<&'t Tenant, LocalError> {
    let all = || tenants.iter().filter(|tenant| tenant.is_organisation());
    let picked = match wanted {
        Some(wanted) => {
            let is_wanted = |tenant: &&Tenant| {
                name_of(tenant).to_lowercase() == wanted.to_lowercase()
                    || tenant.tenant_id.to_string() == wanted
            };
            let mut named = all().filter(is_wanted);
            named.next().filter(|_| named.next().is_none())
        }
        None => consent::pick(tenants, event, known),
    };
    picked.ok_or_else(|| {
        let names: Vec<String> = all().map(name_of).collect();
        LocalError::Input(if names.is_empty() {
            "the consent reaches no organisation: choose one at Xero's page".to_owned()
        } else {
            format!(
                "the consent reaches {}: name one of them with --organisation, and connect each to a folder of its own",
                names.join(", ")
            )
        })
    })
}

/// What there is to keep, once Xero said whose books the tenant's are.
async fn kept(app: &App<WallClock>, tenant: Uuid, token: StoredToken) -> Result<Kept, LocalError> {
    let Some(renewal) = token.renewal.clone() else {
        return Err(LocalError::Outside("Xero gave no refresh token".to_owned()));
    };
    let whose = app.identify(tenant, &token).await.map_err(failed)?;
    let Credentials { client_id, client_secret, .. } = app.credentials(tenant);
    Ok(Kept {
        client_id,
        client_secret,
        tenant,
        organisation: whose.organisation,
        name: whose.name,
        access: token.access,
        expires_at: token.expires_at,
        refresh: renewal.refresh,
        issued_at: token.issued_at,
        scopes: token.scopes,
    })
}

/// Keeps what a consent gave.
pub(crate) async fn answer(ports: &LocalPorts, kept: &Kept) -> Result<Answer, LocalError> {
    let fit = parstock_app::connect::fit(ports, CONNECTION, OrgId(kept.organisation)).await?;
    if let Fit::HasOther(entry) | Fit::IsElsewhere(entry) = fit {
        return Err(LocalError::Input(format!(
            "the data folder holds the books of {}, and the consent reaches {}: use another folder with --data",
            entry.name, kept.name
        )));
    }
    let credentials = Credentials {
        client_id: kept.client_id.clone(),
        client_secret: kept.client_secret.clone(),
        tenant: Some(kept.tenant),
        token_set: None,
    };
    let token = StoredToken {
        access: kept.access.clone(),
        expires_at: kept.expires_at,
        version: 1,
        issued_at: kept.issued_at,
        scopes: kept.scopes.clone(),
        renewal: Some(Renewal { refresh: kept.refresh.clone(), fallback: None, ended: false }),
    };
    let (tokens, now) = (start::tokens(ports), ports.clock.now());
    let adopted = consent::keep(&*ports.vault, &tokens, CONNECTION, &credentials, token, now);
    if !adopted.await.map_err(LocalError::outside)? {
        return Err(LocalError::Outside(
            "another process is just fetching a token: run `parstock connect` again in a minute".to_owned(),
        ));
    }
    let json = json!({
        "organisation": kept.name, "organisation_id": kept.organisation, "tenant_id": kept.tenant,
        "scopes": kept.scopes,
    });
    let scopes =
        XeroAddresses::from_env().map_err(|error| LocalError::Input(error.to_string()))?.consent_scopes();
    let answer = Answer::new(json, format!("{} is connected\n", kept.name));
    Ok(match lacks(&kept.scopes, &scopes) {
        Some(lacks) => answer.saying(lacks),
        None => answer,
    })
}

/// What came back from Xero's page.
#[derive(Debug)]
enum Came {
    /// The code.
    Code(SecretString),
    /// OAuth's word for why there is none.
    Refused(String),
}

fn code_of(came: Came) -> Result<SecretString, LocalError> {
    match came {
        Came::Code(code) => Ok(code),
        Came::Refused(word) if word == "access_denied" => Err(LocalError::Input(
            "access was not allowed at Xero's page: run `parstock connect` again if that was a mistake"
                .to_owned(),
        )),
        Came::Refused(word) => {
            let word = parstock_views::text::cut(&parstock_views::text::plain(&word), 80);
            Err(LocalError::Outside(format!(
                "Xero refused the consent ({word}): check the app's settings there"
            )))
        }
    }
}

type Reply = oneshot::Sender<Response>;

/// The listener at the redirect address.
struct Browser {
    answers: mpsc::Receiver<(Came, Reply)>,
    servers: Vec<tokio::task::JoinHandle<()>>,
    stop: tokio::sync::watch::Sender<bool>,
}

#[derive(Clone)]
struct Shared {
    state: Arc<str>,
    answers: mpsc::Sender<(Came, Reply)>,
}

impl Browser {
    /// Listens at `http://localhost:PORT/callback`, which a browser may take for either loopback address.
    async fn listen(port: u16, state: String) -> Result<Self, LocalError> {
        let taken = |error: std::io::Error| {
            LocalError::Outside(format!(
                "port {port} can't be had ({error}): end what uses it, or name another with --port and add \
                 http://localhost:{port}/callback, with that port, to the app's redirect addresses"
            ))
        };
        let mut listeners = vec![TcpListener::bind(("127.0.0.1", port)).await.map_err(taken)?];
        match TcpListener::bind(("::1", port)).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(taken(error)),
            // a machine without it
            Err(_) => {}
        }
        let (sender, answers) = mpsc::channel(ANSWERS_WAITING);
        let app = Router::new()
            .route("/callback", get(callback))
            .with_state(Shared { state: state.into(), answers: sender });
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let servers = listeners
            .into_iter()
            .map(|listener| {
                let (app, mut stopped) = (app.clone(), stopped.clone());
                tokio::spawn(async move {
                    let until = async move { drop(stopped.wait_for(|stop| *stop).await) };
                    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(until).await {
                        tracing::error!(%error, "the redirect address is no longer served");
                    }
                })
            })
            .collect();
        Ok(Self { answers, servers, stop })
    }

    /// What the browser brings back, and where to send the last page.
    async fn answer(&mut self, wait: Duration) -> Result<(Came, Reply), LocalError> {
        let answer = tokio::time::timeout(wait, self.answers.recv()).await.ok().flatten();
        answer.ok_or_else(|| {
            LocalError::Outside(format!(
                "no answer came from the browser within {} minutes: run `parstock connect` again",
                wait.as_secs().div_ceil(60)
            ))
        })
    }

    /// Shows the last page, and waits until it is there.
    async fn goodbye(self, reply: Reply, status: StatusCode, what: &str, what_to_do: &str) {
        // whoever closed the page reads the same in the terminal
        let _ = reply.send(page(status, what, what_to_do));
        let _ = self.stop.send(true);
        for server in self.servers {
            let _ = tokio::time::timeout(GOODBYE_WAIT, server).await;
        }
    }
}

async fn callback(State(shared): State<Shared>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let field = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if field("state").as_deref() != Some(&*shared.state) {
        screen::talk(
            "An answer came that does not belong to this attempt (wrong state); it was refused. Still waiting.",
        );
        return page(
            StatusCode::BAD_REQUEST,
            "This answer belongs to another attempt",
            "Nothing was connected by it. Use the address that parstock printed last.",
        );
    }
    let came = match (field("code"), field("error")) {
        (Some(code), None) => Came::Code(code.into()),
        (_, error) => Came::Refused(error.unwrap_or_else(|| "neither code nor error".to_owned())),
    };
    let (reply, told) = oneshot::channel();
    let gone = || page(StatusCode::GONE, "This attempt is over", "Run `parstock connect` again.");
    if shared.answers.send((came, reply)).await.is_err() {
        return gone();
    }
    told.await.unwrap_or_else(|_| gone())
}

fn page(status: StatusCode, what: &str, what_to_do: &str) -> Response {
    let page = ConsentPage { what: what.to_owned(), what_to_do: what_to_do.to_owned() };
    let html = page.render().unwrap_or_else(|_| what.to_owned());
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CONTENT_SECURITY_POLICY, content_security_policy()),
        // the address holds the code
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONNECTION, "close".to_owned()),
    ];
    (status, headers, html).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: u128, name: &str, event: u128) -> Tenant {
        let id = Uuid::from_u128(number);
        Tenant {
            connection_id: id,
            tenant_id: id,
            tenant_name: Some(name.to_owned()),
            tenant_type: Some("ORGANISATION".to_owned()),
            auth_event_id: Some(Uuid::from_u128(event)),
        }
    }

    #[test]
    fn the_organisation_is_the_named_the_known_the_consents_or_the_only_one() {
        let all = [tenant(1, "Corner Shop", 7), tenant(2, "Other Shop", 8), tenant(3, "Third Shop", 8)];
        let id = |number| Some(Uuid::from_u128(number));
        let picked = |all: &[Tenant], event, wanted, known| {
            pick(all, event, wanted, known)
                .map(|tenant| tenant.tenant_id.as_u128())
                .map_err(|e| e.to_string())
        };
        assert_eq!(picked(&all, id(8), Some("corner shop"), id(2)), Ok(1));
        let third = Uuid::from_u128(3).to_string();
        assert_eq!(picked(&all, None, Some(&third), None), Ok(3));
        assert_eq!(picked(&all, id(7), None, id(2)), Ok(2));
        assert_eq!(picked(&all, id(7), None, None), Ok(1));
        assert_eq!(picked(&all[..1], None, None, None), Ok(1));
        for (event, wanted) in [(id(8), None), (None, None), (id(7), Some("No Shop"))] {
            let said = picked(&all, event, wanted, None).unwrap_err();
            assert!(
                said.contains("Corner Shop, Other Shop, Third Shop") && said.contains("--organisation"),
                "{said}"
            );
        }
        let practice = Tenant { tenant_type: Some("PRACTICE".to_owned()), ..tenant(4, "Books & Co", 7) };
        assert!(picked(&[practice], id(7), None, None).unwrap_err().contains("no organisation"));
    }

    #[tokio::test]
    async fn without_an_answer_in_time_it_ends_and_says_so() {
        let mut browser = Browser::listen(0, "state".to_owned()).await.unwrap();
        let error = browser.answer(Duration::ZERO).await.map(drop).unwrap_err();
        assert!(error.to_string().contains("no answer came from the browser"), "{error}");
    }

    #[test]
    fn what_goes_to_the_running_process_shows_nothing_in_debug_output() {
        let secret = || SecretString::from("canary");
        let kept = Kept {
            client_id: "id".into(),
            client_secret: secret(),
            tenant: Uuid::nil(),
            organisation: Uuid::nil(),
            name: "Shop".into(),
            access: secret(),
            expires_at: Timestamp::UNIX_EPOCH,
            refresh: secret(),
            issued_at: None,
            scopes: Vec::new(),
        };
        let ask = Ask::Connect(Box::new(kept));
        assert!(!format!("{ask:?}").contains("canary"));
        assert_eq!(serde_json::to_string(&ask).unwrap().matches("canary").count(), 3);
    }
}

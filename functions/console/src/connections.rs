//! Connecting organisations from the console, and disconnecting them.
//!
//! A person presses *Connect*, consents at Xero's pages and comes back to the callback page, which shows what is about to be
//! kept; pressing its button keeps it. The state that Xero brings back is signed, ends after a while, and is bound to the
//! session, so that nobody can slip a consent of theirs under another person.

use std::sync::Arc;

use axum::extract::{FromRef, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use jiff::{SignedDuration, Timestamp};
use parstock_adapters::clock::{RandomIds, WallClock};
use parstock_adapters::config::{ConsentAddresses, XeroAddresses};
use parstock_adapters::consent::{self, App, Ended, Given, Standing, ToDo, name_of};
use parstock_adapters::tokens::StoreTokens;
use parstock_adapters::vault::{Credentials, Freshness, Vault, names};
use parstock_app::connect::{self, Fit};
use parstock_app::console::root_of;
use parstock_app::error::AppError;
use parstock_app::load;
use parstock_app::ports::{Clock, Entropy, Ports};
use parstock_app::records::{Key, OrgEntry, Owner, Profile};
use parstock_domain::ids::OrgId;
use parstock_views::pages::{
    ChoosePage, ConnectionRow, ConnectionsPage, ConsentedPage, DisconnectPage, Frame,
    content_security_policy_with_forms_to,
};
use parstock_views::text;
use parstock_xero::{Problem, StoredToken, Tenant};
use secrecy::SecretString;
use serde::Deserialize;
use uuid::Uuid;

use crate::Console;
use crate::access::Access;
use crate::person::Person;
use crate::refused::{Refused, show};

/// How long a person may take at Xero's pages.
const CONSENT_WAIT: SignedDuration = SignedDuration::from_mins(10);
/// Characters of a word of Xero's that are shown.
const WORD_CHARS_MAX: usize = 80;
/// What to do after most refusals.
const BEGIN_AGAIN: &str = "Nothing was connected. Go to the connections and begin again.";

/// What connecting needs beside the console's ports.
#[derive(Debug)]
pub struct Consents<V> {
    /// Secrets.
    pub vault: Arc<V>,
    /// The names of the stack's connections.
    pub connections: Vec<String>,
    /// Where Xero is.
    pub addresses: XeroAddresses,
    /// Where people consent.
    pub places: ConsentAddresses,
}

/// What the pages here are made of.
pub(crate) struct Connecting<P, V> {
    console: Console<P>,
    consents: Arc<Consents<V>>,
}

impl<P, V> Clone for Connecting<P, V> {
    fn clone(&self) -> Self {
        Self { console: self.console.clone(), consents: Arc::clone(&self.consents) }
    }
}

impl<P, V> FromRef<Connecting<P, V>> for Arc<Access> {
    fn from_ref(connecting: &Connecting<P, V>) -> Self {
        Self::clone(&connecting.console.access)
    }
}

/// The pages under `/connections`.
pub(crate) fn pages<P: Ports<Store: Clone> + 'static, V: Vault + 'static>(
    console: Console<P>,
    consents: Consents<V>,
) -> Router {
    Router::new()
        .route("/connections", get(list::<P, V>))
        .route("/connections/callback", get(came_back::<P, V>).post(keep::<P, V>))
        .route("/connections/{connection}/connect", post(begin::<P, V>))
        .route("/connections/{connection}/choose", post(choose::<P, V>))
        .route("/connections/{connection}/disconnect", get(ask_end::<P, V>).post(end::<P, V>))
        .with_state(Connecting { console, consents: Arc::new(consents) })
}

type Tokens<P, V> = StoreTokens<<P as Ports>::Store, V, RandomIds>;

impl<P: Ports<Store: Clone>, V: Vault> Connecting<P, V> {
    fn ports(&self) -> &P {
        &self.console.ports
    }

    fn vault(&self) -> &V {
        &self.consents.vault
    }

    /// The stack's connection of this name.
    fn named(&self, name: &str) -> Result<&str, Refused> {
        let found = self.consents.connections.iter().find(|connection| *connection == name);
        found.map(String::as_str).ok_or_else(|| {
            Refused::new(
                StatusCode::NOT_FOUND,
                "There is no connection of this name",
                "The names of the connections are a parameter of the stack.",
            )
        })
    }

    fn tokens(&self, connection: &str) -> Tokens<P, V> {
        let store = Arc::new(self.ports().store().clone());
        StoreTokens::new(store, Arc::clone(&self.consents.vault), Arc::new(RandomIds), connection.to_owned())
    }

    async fn standing(&self, connection: &str) -> Result<Option<Standing>, Refused> {
        let standing = Standing::of(self.vault(), &self.tokens(connection), connection).await;
        standing.map_err(|error| unkept(&*error))
    }

    /// The address that Xero sends the browser back to.
    fn redirect(&self) -> String {
        format!("{}/connections/callback", self.ports().console_url())
    }

    /// The app to which people consent, or what to do so that there is one.
    async fn app(&self) -> Result<App<WallClock>, Refused> {
        let name = names::XERO_APP;
        let missing = |what: &str| {
            Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!(
                    "{what} the secret `{name}`: it needs id and secret of your web app at developer.xero.com, as \
                     {{\"client_id\": \"…\", \"client_secret\": \"…\"}}"
                ),
                "Enter it in AWS Secrets Manager, then load the page again.",
            )
        };
        let secret = self.vault().get(name, Freshness::Now).await.map_err(|error| unkept(&error))?;
        let secret = secret.ok_or_else(|| missing("There is nothing in"))?;
        let app = Credentials::read(&secret).ok_or_else(|| missing("Nothing can be made of"))?;
        self.app_of(&app).map_err(|_| missing("Xero could not be asked with"))
    }

    fn app_of(&self, credentials: &Credentials) -> Result<App<WallClock>, parstock_xero::InputError> {
        let Consents { addresses, places, .. } = &*self.consents;
        let (id, secret) = (credentials.client_id.clone(), credentials.client_secret.clone());
        App::new(addresses, places, id, secret, Arc::new(WallClock))
    }

    async fn page(&self, person: &Person, said: Option<String>) -> Result<Response, Refused> {
        let problem = match self.app().await {
            Ok(_) => None,
            Err(Refused::Failed(_, what, what_to_do)) => Some(format!("{what}. {what_to_do}")),
            Err(elsewhere) => return Err(elsewhere),
        };
        let orgs = connect::orgs(self.ports()).await?;
        let mut rows = Vec::new();
        for name in &self.consents.connections {
            let org = orgs.iter().find(|entry| entry.connection == *name);
            rows.push(self.row(name, org).await?);
        }
        let (frame, now) = (frame(person), WallClock.now());
        let page = ConnectionsPage { frame, now, said, problem, redirect: self.redirect(), rows };
        let mut response = show(page.render())?;
        let policy = content_security_policy_with_forms_to(&pages_behind(&self.consents.places.login_url));
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        Ok(response)
    }

    async fn row(&self, name: &str, org: Option<&OrgEntry>) -> Result<ConnectionRow, AppError> {
        let mut row = ConnectionRow {
            name: name.to_owned(),
            organisation: org.map(|entry| (entry.name.clone(), root_of(entry.org))),
            ..ConnectionRow::default()
        };
        if let Some(entry) = org {
            let profile =
                load::one::<Profile>(self.ports().store(), Owner::Org(entry.org), Key::Profile).await?;
            row.last_read_at = profile.and_then(|profile| profile.content.polled_at);
        }
        // one that can't be read must not hide the others
        match Standing::of(self.vault(), &self.tokens(name), name).await {
            Err(error) => row.your_turn = Some(error.to_string()),
            Ok(None) => {}
            Ok(Some(standing)) => {
                row.kind = Some(if standing.is_consent() { "consent" } else { "custom connection" });
                row.token_issued_at = standing.token.as_ref().and_then(|token| token.issued_at);
                row.your_turn = standing.to_do(&self.consents.addresses.consent_scopes()).map(to_do);
            }
        }
        Ok(row)
    }

    /// Keeps a consent for a connection, if it reaches the books that it may reach.
    async fn bind(
        &self,
        person: &Person,
        name: &str,
        app: &App<WallClock>,
        tenant: Uuid,
        token: StoredToken,
    ) -> Result<Response, Refused> {
        let whose = app.identify(tenant, &token).await.map_err(refusal)?;
        match connect::fit(self.ports(), name, OrgId(whose.organisation)).await? {
            Fit::Fits => {}
            Fit::HasOther(entry) => {
                return Err(Refused::new(
                    StatusCode::CONFLICT,
                    format!("{name} has the books of {}, and the consent reaches {}", entry.name, whose.name),
                    format!(
                        "Nothing was connected: a connection never changes its books. Choose {} at Xero's page, or add \
                         another connection to the stack's parameter.",
                        entry.name
                    ),
                ));
            }
            Fit::IsElsewhere(entry) => {
                return Err(Refused::new(
                    StatusCode::CONFLICT,
                    format!("{} is connected as {} already", whose.name, entry.connection),
                    format!(
                        "Nothing was connected. If its consent has ended, connect {} again.",
                        entry.connection
                    ),
                ));
            }
        }
        let credentials = app.credentials(tenant);
        let (tokens, now) = (self.tokens(name), WallClock.now());
        let kept = consent::keep(self.vault(), &tokens, name, &credentials, token, now).await;
        if !kept.map_err(|error| unkept(&*error))? {
            return Err(busy());
        }
        tracing::info!(id = name, "a consent is kept");
        let said = match connect::consented(self.ports(), name, tenant, &person.name).await {
            Ok(_) => format!("{} is connected.", whose.name),
            Err(error) => {
                tracing::warn!(id = name, error_kind = error.kind(), why = %error, "an organisation is not set up yet");
                format!("{} is connected. Its pages are there after the next poll.", whose.name)
            }
        };
        self.page(person, Some(said)).await
    }
}

fn frame(person: &Person) -> Frame {
    Frame { user: person.name.clone(), csrf: person.csrf.clone() }
}

/// What a person has to do, as a sentence.
fn to_do(what: ToDo) -> String {
    match what {
        ToDo::Consent(problem) => format!("{problem}: connect it again."),
        ToDo::Allow(scopes) => {
            let scopes: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
            format!("The consent lacks {}: connect it again and allow all of it.", scopes.join(", "))
        }
    }
}

/// Where a form may lead that begins at the login server: browsers hold each step of the way against the policy of the page
/// that the form was on, and Xero leads from one host of its own to another.
fn pages_behind(login_url: &str) -> String {
    let (scheme, rest) = login_url.split_once("://").unwrap_or(("https", login_url));
    let host = rest.split('/').next().unwrap_or_default();
    if host.ends_with(".xero.com") { "https://*.xero.com".to_owned() } else { format!("{scheme}://{host}") }
}

fn refusal(error: parstock_xero::Error) -> Refused {
    match error {
        parstock_xero::Error::AskPerson(Problem::Forbidden { .. }) => Refused::new(
            StatusCode::BAD_REQUEST,
            "The consent does not allow parstock to read the organisation itself",
            "Nothing was connected. Go to the connections, begin again and allow all of it.",
        ),
        parstock_xero::Error::AskPerson(_) => {
            Refused::new(StatusCode::BAD_REQUEST, error.to_string(), BEGIN_AGAIN)
        }
        other => {
            tracing::warn!(why = %other, "Xero could not be asked about a consent");
            Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Xero did not answer as it should",
                "Nothing was connected. Begin again in a minute.",
            )
        }
    }
}

/// Store or vault did not answer.
fn unkept(error: &dyn std::error::Error) -> Refused {
    AppError::Retry(error.to_string()).into()
}

fn busy() -> Refused {
    Refused::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "Another process is just fetching a token",
        "Begin again in a minute.",
    )
}

/// `/connections`
async fn list<P: Ports<Store: Clone> + 'static, V: Vault + 'static>(
    person: Person,
    State(connecting): State<Connecting<P, V>>,
) -> Result<Response, Refused> {
    connecting.page(&person, None).await
}

#[derive(Deserialize)]
struct ConnectionPath {
    connection: String,
}

#[derive(Deserialize)]
struct TokenForm {
    csrf: String,
}

/// What is signed of an attempt to connect.
fn state_text(person: &Person, until: i64, nonce: &str, connection: &str) -> String {
    format!("{}\n{until}.{nonce}.{connection}", person.cookie)
}

/// A fresh state for this person and connection.
fn state(access: &Access, person: &Person, connection: &str, now: Timestamp) -> String {
    let until = now.saturating_add(CONSENT_WAIT).unwrap_or(now).as_second();
    let nonce = RandomIds.uuid().simple().to_string();
    let tag = access.sign("consent", &state_text(person, until, &nonce, connection));
    format!("{until}.{nonce}.{connection}.{tag}")
}

/// The connection that a state is for, if it belongs to this session and is not too old.
fn connection_of(access: &Access, person: &Person, state: &str, now: Timestamp) -> Result<String, Refused> {
    let parts: Vec<&str> = state.split('.').collect();
    let known = match parts.as_slice() {
        [until, nonce, connection, tag] => until
            .parse::<i64>()
            .ok()
            .filter(|until| {
                access.same(&access.sign("consent", &state_text(person, *until, nonce, connection)), tag)
            })
            .map(|until| (until, (*connection).to_owned())),
        _ => None,
    };
    let refuse = |what: &str| Err(Refused::new(StatusCode::BAD_REQUEST, what, BEGIN_AGAIN));
    match known {
        None => refuse("This answer of Xero's belongs to another attempt"),
        Some((until, _)) if now.as_second() >= until => refuse("This answer of Xero's came too late"),
        Some((_, connection)) => Ok(connection),
    }
}

/// `POST /connections/{connection}/connect`: on to Xero's page.
async fn begin<P: Ports<Store: Clone> + 'static, V: Vault + 'static>(
    person: Person,
    State(connecting): State<Connecting<P, V>>,
    Path(path): Path<ConnectionPath>,
    headers: HeaderMap,
    Form(form): Form<TokenForm>,
) -> Result<Response, Refused> {
    let access = &connecting.console.access;
    person.check_form(access, &headers, &form.csrf)?;
    let name = connecting.named(&path.connection)?;
    let state = state(access, &person, name, WallClock.now());
    let page = connecting.app().await?.authorize_url(&connecting.redirect(), &state);
    Ok(Redirect::to(page.as_str()).into_response())
}

#[derive(Deserialize)]
struct CameBack {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    error: String,
}

/// `/connections/callback`: what Xero's page sends the browser back to. It only shows what came.
async fn came_back<P: Ports<Store: Clone> + 'static, V: Vault + 'static>(
    person: Person,
    State(connecting): State<Connecting<P, V>>,
    Query(came): Query<CameBack>,
) -> Result<Response, Refused> {
    let connection = connection_of(&connecting.console.access, &person, &came.state, WallClock.now())?;
    let refuse =
        |what: String, what_to_do: &str| Err(Refused::new(StatusCode::BAD_REQUEST, what, what_to_do));
    match came.error.as_str() {
        "" if came.code.is_empty() => refuse("Xero's answer has no code".to_owned(), BEGIN_AGAIN),
        "" => {
            let page =
                ConsentedPage { frame: frame(&person), connection, code: came.code, state: came.state };
            show(page.render())
        }
        "access_denied" => refuse(
            "Access was not allowed at Xero's page".to_owned(),
            "Nothing was connected. If that was a mistake, go to the connections and begin again.",
        ),
        word => refuse(
            format!("Xero refused the consent ({})", text::cut(&text::plain(word), WORD_CHARS_MAX)),
            "Nothing was connected. Check the app's settings at developer.xero.com, then begin again.",
        ),
    }
}

#[derive(Deserialize)]
struct KeepForm {
    csrf: String,
    state: String,
    code: SecretString,
}

/// `POST /connections/callback`: keeps what the person consented to.
async fn keep<P: Ports<Store: Clone> + 'static, V: Vault + 'static>(
    person: Person,
    State(connecting): State<Connecting<P, V>>,
    headers: HeaderMap,
    Form(form): Form<KeepForm>,
) -> Result<Response, Refused> {
    let access = &connecting.console.access;
    person.check_form(access, &headers, &form.csrf)?;
    let name = connection_of(access, &person, &form.state, WallClock.now())?;
    let name = connecting.named(&name)?;
    let app = connecting.app().await?;
    let standing = connecting.standing(name).await?;
    let Given { token, tenants } = app.exchange(&form.code, &connecting.redirect()).await.map_err(refusal)?;
    if token.renewal.is_none() {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "Xero gave no refresh token: the scope `offline_access` is missing",
            BEGIN_AGAIN,
        ));
    }
    let known = standing.as_ref().and_then(|standing| standing.credentials.tenant);
    if let Some(tenant) = consent::pick(&tenants, token.auth_event(), known) {
        return connecting.bind(&person, name, &app, tenant.tenant_id, token).await;
    }
    let free = free(&connect::orgs(connecting.ports()).await?, name, tenants);
    if free.is_empty() {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "The consent reaches no organisation that is not connected already",
            "Nothing was connected. Begin again and choose an organisation at Xero's page.",
        ));
    }
    if standing.is_some() {
        return Err(Refused::new(
            StatusCode::CONFLICT,
            format!("The consent reaches several organisations, and not that of {name}"),
            "Nothing was connected. Begin again and choose its organisation at Xero's page.",
        ));
    }
    // They wait in their place: without credentials beside them nothing uses them.
    let adopted = connecting.tokens(name).adopt(token, WallClock.now()).await;
    if !adopted.map_err(|error| unkept(&*error))? {
        return Err(busy());
    }
    let organisations = free.iter().map(|tenant| (tenant.tenant_id.to_string(), name_of(tenant))).collect();
    show(ChoosePage { frame: frame(&person), connection: name.to_owned(), organisations }.render())
}

/// The organisations that no other connection has.
fn free(orgs: &[OrgEntry], name: &str, tenants: Vec<Tenant>) -> Vec<Tenant> {
    let is_taken =
        |tenant: Uuid| orgs.iter().any(|entry| entry.tenant == Some(tenant) && entry.connection != name);
    tenants.into_iter().filter(|one| one.is_organisation() && !is_taken(one.tenant_id)).collect()
}

#[derive(Deserialize)]
struct ChooseForm {
    csrf: String,
    tenant: Uuid,
}

/// `POST /connections/{connection}/choose`: keeps one of the organisations that a consent reaches.
async fn choose<P: Ports<Store: Clone> + 'static, V: Vault + 'static>(
    person: Person,
    State(connecting): State<Connecting<P, V>>,
    Path(path): Path<ConnectionPath>,
    headers: HeaderMap,
    Form(form): Form<ChooseForm>,
) -> Result<Response, Refused> {
    person.check_form(&connecting.console.access, &headers, &form.csrf)?;
    let name = connecting.named(&path.connection)?;
    if connecting.standing(name).await?.is_some() {
        return Err(Refused::new(
            StatusCode::CONFLICT,
            format!("{name} is connected already"),
            "Nothing was changed.",
        ));
    }
    let app = connecting.app().await?;
    let Given { token, tenants } = app.reach(&connecting.tokens(name)).await.map_err(refusal)?;
    let chosen = tenants.iter().find(|one| one.is_organisation() && one.tenant_id == form.tenant);
    let Some(chosen) = chosen else {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "The consent does not reach this organisation",
            BEGIN_AGAIN,
        ));
    };
    connecting.bind(&person, name, &app, chosen.tenant_id, token).await
}

/// What is connected, and whose books it reaches.
async fn connected<P: Ports<Store: Clone>, V: Vault>(
    connecting: &Connecting<P, V>,
    name: &str,
) -> Result<(Standing, Option<OrgEntry>), Refused> {
    let standing = connecting.standing(name).await?.ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, format!("{name} is not connected"), "Nothing was changed.")
    })?;
    let orgs = connect::orgs(connecting.ports()).await?;
    Ok((standing, orgs.into_iter().find(|entry| entry.connection == name)))
}

/// `/connections/{connection}/disconnect`: asks.
async fn ask_end<P: Ports<Store: Clone> + 'static, V: Vault + 'static>(
    person: Person,
    State(connecting): State<Connecting<P, V>>,
    Path(path): Path<ConnectionPath>,
) -> Result<Response, Refused> {
    let name = connecting.named(&path.connection)?;
    let (standing, org) = connected(&connecting, name).await?;
    let page = DisconnectPage {
        frame: frame(&person),
        connection: name.to_owned(),
        organisation: org.map(|entry| entry.name),
        is_consent: standing.is_consent(),
    };
    show(page.render())
}

/// `POST /connections/{connection}/disconnect`
async fn end<P: Ports<Store: Clone> + 'static, V: Vault + 'static>(
    person: Person,
    State(connecting): State<Connecting<P, V>>,
    Path(path): Path<ConnectionPath>,
    headers: HeaderMap,
    Form(form): Form<TokenForm>,
) -> Result<Response, Refused> {
    person.check_form(&connecting.console.access, &headers, &form.csrf)?;
    let name = connecting.named(&path.connection)?;
    let (standing, _) = connected(&connecting, name).await?;
    connect::ending(connecting.ports(), name, &person.name).await?;
    let tokens = connecting.tokens(name);
    let what = match standing.credentials.tenant {
        None => "The custom connection stays in Xero until you end it there.".to_owned(),
        Some(tenant) => {
            let app = connecting.app_of(&standing.credentials).map_err(|error| unkept(&error))?;
            let ended = app.end(&tokens, tenant).await.map_err(|error| {
                Refused::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    format!("Nothing was disconnected, since Xero could not be told: {error}"),
                    "Try again in a minute.",
                )
            })?;
            match ended {
                Ended::Before => "Its consent had ended in Xero already.".to_owned(),
                Ended::Revoked => {
                    "Its organisation is disconnected in Xero, and the consent is revoked.".to_owned()
                }
                Ended::Disconnected(others) => format!(
                    "Its organisation is disconnected in Xero. The consent stays, since the same person connected {} \
                     too.",
                    others.join(", ")
                ),
            }
        }
    };
    consent::forget(connecting.vault(), &tokens, name).await.map_err(|error| unkept(&*error))?;
    tracing::info!(id = name, "a connection is removed");
    connecting.page(&person, Some(format!("{name} is no longer connected. {what}"))).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::SignIn;

    fn access() -> Access {
        let users = vec!["kim@example.com".to_owned(), "lee@example.com".to_owned()];
        Access::new(SignIn::Mail(users), SecretString::from("key"), "https://stock.example.com")
    }

    fn person(access: &Access, name: &str, now: Timestamp) -> Person {
        let cookie = access.session(name, now);
        Person { name: name.to_owned(), csrf: access.token_of(&cookie), cookie }
    }

    #[test]
    fn a_state_is_good_for_its_session_and_its_time_alone() {
        let access = access();
        let now = Timestamp::from_second(1_000).unwrap();
        let kim = person(&access, "kim@example.com", now);
        let given = state(&access, &kim, "main", now);
        assert_eq!(connection_of(&access, &kim, &given, now).ok().as_deref(), Some("main"));
        assert_ne!(given, state(&access, &kim, "main", now), "each attempt has its own");
        let what = |person: &Person, state: &str, now| match connection_of(&access, person, state, now) {
            Err(Refused::Failed(_, what, _)) => what,
            _ => panic!("{state} is good"),
        };
        assert!(what(&kim, &given, now + CONSENT_WAIT).contains("too late"));
        let lee = person(&access, "lee@example.com", now);
        let other = given.replace(".main.", ".other.");
        let later = given.replacen("1600.", "9600.", 1);
        for (person, state) in [
            (&lee, given.as_str()),
            (&kim, other.as_str()),
            (&kim, later.as_str()),
            (&kim, ""),
            (&kim, "a.b.c.d"),
        ] {
            assert!(what(person, state, now).contains("another attempt"), "{state}");
        }
    }

    #[test]
    fn a_form_may_lead_to_xero_and_to_what_stands_in_for_it() {
        assert_eq!(pages_behind("https://login.xero.com"), "https://*.xero.com");
        assert_eq!(pages_behind("http://127.0.0.1:4010/login"), "http://127.0.0.1:4010");
    }
}

//! The addresses of sign-in: the page where a person consents, tokens, revocation, connections.

use axum::extract::{Form, Path, Query, State};
use axum::response::Response;
use axum::routing::{delete, get, post};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header as name};
use jiff::Timestamp;
use uuid::Uuid;

use super::{Consent, Given, TokenReply, claims, field, is_known, knows_app};
use crate::http::reply::Reply;
use crate::http::{Shared, header, recorded, response};

type Fields = Vec<(String, String)>;

/// Everything of sign-in.
pub(crate) fn routes() -> axum::Router<Shared> {
    axum::Router::new()
        .route("/identity/connect/authorize", get(authorize).post(decide))
        .route("/connect/token", post(token))
        .route("/connect/revocation", post(revoke))
        .route("/connections", get(connections))
        .route("/connections/{id}", delete(disconnect))
}

/// Why a call of the API with the token of a consent is refused, if so: it names no tenant, or one that is not
/// connected.
pub(crate) fn denied(shared: &Shared, now: Timestamp, headers: &HeaderMap) -> Option<Reply> {
    let world = shared.world();
    let claims = claims(&world.settings, now, header(headers, "authorization")).ok()?;
    claims.set?;
    let tenant: Option<Uuid> = header(headers, "xero-tenant-id").and_then(|tenant| tenant.parse().ok());
    let connected = tenant.is_some_and(|tenant| world.identity.connections().contains_key(&tenant));
    (!connected).then(|| Reply::denied(403, "Forbidden", "AuthenticationUnsuccessful"))
}

async fn token(State(shared): State<Shared>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    let now = shared.clock.now();
    let mut world = shared.world();
    *world.meter.served.entry("POST token".to_owned()).or_default() += 1;
    response(match world.grant(now, header(&headers, "authorization"), &form) {
        TokenReply::Granted(body) => Reply::json(200, body),
        TokenReply::Refused(word) => Reply::json(400, format!(r#"{{"error":"{word}"}}"#)),
    })
}

async fn revoke(State(shared): State<Shared>, headers: HeaderMap, Form(form): Form<Fields>) -> Response {
    let mut world = shared.world();
    if !knows_app(&world.settings, header(&headers, "authorization")) {
        return response(Reply::json(400, r#"{"error":"invalid_client"}"#.to_owned()));
    }
    // an unknown token is no error (RFC 7009, 2.2)
    world.identity.revoke(field(&form, "token").unwrap_or_default());
    match world.store.put("identity", &world.identity) {
        Ok(()) => response(Reply::plain(200, "")),
        Err(_) => response(Reply::plain(500, "the simulator's file can't be written")),
    }
}

/// What a token of a consent is needed for.
fn signed_in(shared: &Shared, headers: &HeaderMap) -> Result<(), Reply> {
    let world = shared.world();
    match claims(&world.settings, shared.clock.now(), header(headers, "authorization")) {
        Ok(claims) if claims.set.is_some() => Ok(()),
        Ok(_) => Err(Reply::denied(403, "Forbidden", "AuthenticationUnsuccessful")),
        Err(detail) => Err(Reply::denied(401, "Unauthorized", detail)),
    }
}

async fn connections(State(shared): State<Shared>, Query(query): Query<Fields>, parts: Parts) -> Response {
    let reply = match signed_in(&shared, &parts.headers) {
        Ok(()) => list(&shared, &query),
        Err(denied) => denied,
    };
    recorded(&parts, &[], reply)
}

fn list(shared: &Shared, query: &[(String, String)]) -> Reply {
    let event = field(query, "authEventId");
    // as .NET writes them: seven digits of a second, no zone
    let day = |at: i64| {
        let at = Timestamp::from_second(at).unwrap_or_default();
        format!("{}.0000000", at.strftime("%Y-%m-%dT%H:%M:%S"))
    };
    let world = shared.world();
    let listed: Vec<serde_json::Value> = world
        .identity
        .connections()
        .iter()
        .filter(|(_, connected)| event.is_none_or(|event| connected.event.to_string() == event))
        .map(|(tenant, connected)| {
            serde_json::json!({
                "id": connected.id, "authEventId": connected.event, "tenantId": tenant,
                "tenantType": "ORGANISATION", "tenantName": connected.name,
                "createdDateUtc": day(connected.created_at), "updatedDateUtc": day(connected.updated_at),
            })
        })
        .collect();
    Reply::json(200, serde_json::Value::from(listed).to_string())
}

async fn disconnect(State(shared): State<Shared>, Path(id): Path<Uuid>, parts: Parts) -> Response {
    let reply = match signed_in(&shared, &parts.headers) {
        Ok(()) => end(&shared, id),
        Err(denied) => denied,
    };
    recorded(&parts, &[], reply)
}

fn end(shared: &Shared, id: Uuid) -> Reply {
    let mut world = shared.world();
    let found = world.identity.disconnect(id);
    match world.store.put("identity", &world.identity) {
        Err(_) => Reply::plain(500, "the simulator's file can't be written"),
        Ok(()) if found => Reply::plain(204, ""),
        Ok(()) => Reply::plain(404, ""),
    }
}

/// What an app asks a person for.
struct Asked {
    redirect: String,
    state: Option<String>,
    scope: Vec<String>,
}

impl Asked {
    /// Reads the question, or says why it is shown to nobody. Such an error never goes to the redirect address, which may
    /// be anybody's (RFC 6749, 4.1.2.1).
    fn read(shared: &Shared, query: &Fields) -> Result<Asked, &'static str> {
        let redirect = field(query, "redirect_uri").unwrap_or_default();
        let local = redirect.strip_prefix("http://localhost");
        let local = local.is_some_and(|rest| rest.starts_with(':') || rest.starts_with('/'));
        if !redirect.starts_with("https://") && !local {
            return Err("Invalid redirect_uri");
        }
        if field(query, "client_id") != Some(shared.world().settings.client_id.as_str()) {
            return Err("unauthorized_client");
        }
        if field(query, "response_type") != Some("code") {
            return Err("unsupported_response_type");
        }
        let scope: Vec<String> =
            field(query, "scope").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
        if scope.is_empty() || !scope.iter().all(|name| is_known(name)) {
            return Err("invalid_scope");
        }
        Ok(Asked { redirect: redirect.to_owned(), state: field(query, "state").map(str::to_owned), scope })
    }

    /// Sends the browser back with the answer.
    fn back(&self, answer: &str) -> Response {
        let state =
            self.state.as_deref().map_or_else(String::new, |state| format!("&state={}", escaped(state)));
        let join = if self.redirect.contains('?') { '&' } else { '?' };
        let to = HeaderValue::try_from(format!("{}{join}{answer}{state}", self.redirect));
        let mut response = response(Reply::plain(302, ""));
        match to {
            Ok(to) => drop(response.headers_mut().insert(name::LOCATION, to)),
            Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
        }
        response
    }

    fn allow(&self, shared: &Shared, given: &Given) -> Response {
        let all = shared.organisations();
        let organisations: Vec<(Uuid, String)> = match given.organisations.as_slice() {
            [] => all.into_iter().take(1).collect(),
            some => all.into_iter().filter(|(tenant, _)| some.contains(tenant)).collect(),
        };
        let scope = self.scope.iter().filter(|scope| !given.without.contains(scope)).cloned().collect();
        let code = shared.world().give_consent(shared.clock.now(), &self.redirect, scope, organisations);
        match code {
            Ok(code) => self.back(&format!("code={code}")),
            Err(_) => response(Reply::plain(500, "the simulator's file can't be written")),
        }
    }
}

/// A value for a query. Everything but letters and digits is escaped.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// Text for a page.
fn shown(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn page(status: u16, body: &str) -> Response {
    let mut response = response(Reply::plain(status, body));
    response.headers_mut().insert(name::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

async fn authorize(State(shared): State<Shared>, Query(query): Query<Fields>) -> Response {
    let asked = match Asked::read(&shared, &query) {
        Ok(asked) => asked,
        Err(word) => return page(400, &format!("<h1>Error</h1><p>{word}</p>")),
    };
    let consent = shared.world().settings.consent.clone();
    match consent {
        Consent::Given(given) => asked.allow(&shared, &given),
        Consent::Denied => asked.back("error=access_denied"),
        Consent::Asked => {
            let choices: String = shared
                .organisations()
                .iter()
                .enumerate()
                .map(|(at, (tenant, name))| {
                    let checked = if at == 0 { " checked" } else { "" };
                    format!(
                        r#"<p><label><input type="radio" name="organisation" value="{tenant}"{checked}> {}</label></p>"#,
                        shown(name)
                    )
                })
                .collect();
            let scopes: String =
                asked.scope.iter().map(|scope| format!("<li>{}</li>", shown(scope))).collect();
            page(
                200,
                &format!(
                    r#"<!DOCTYPE html><title>Simulated Xero</title><h1>An app wants access to your organisation data</h1>
<ul>{scopes}</ul><form method="post">{choices}<button name="decision" value="allow">Allow access</button>
<button name="decision" value="cancel">Cancel</button></form>"#
                ),
            )
        }
    }
}

async fn decide(
    State(shared): State<Shared>,
    Query(query): Query<Fields>,
    Form(form): Form<Fields>,
) -> Response {
    let asked = match Asked::read(&shared, &query) {
        Ok(asked) => asked,
        Err(word) => return page(400, &format!("<h1>Error</h1><p>{word}</p>")),
    };
    if field(&form, "decision") != Some("allow") {
        return asked.back("error=access_denied");
    }
    let organisations = field(&form, "organisation").and_then(|id| id.parse().ok()).into_iter().collect();
    asked.allow(&shared, &Given { organisations, without: Vec::new() })
}

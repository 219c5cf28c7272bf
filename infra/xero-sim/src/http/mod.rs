//! The API over HTTP: addresses, sign-in, limits and faults.

pub(crate) mod idempotency;
mod lists;
mod query;
mod read;
mod record;
mod render;
pub(crate) mod reply;
mod reports;
mod scopes;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::act::Act;
use crate::error::XeroError;
use crate::http::query::Query;
use crate::http::reply::{Fate, Reply};
use crate::limits::Limited;
use crate::oauth;
use crate::settings::{ApiFault, DATE_SKEW, LONG_RETRY_AFTER};
use crate::world::World;

/// How long a slow answer takes, in wall time.
pub const SLOW_ANSWER: Duration = Duration::from_secs(3);
/// Largest request body, in bytes.
pub const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// Longest path with query, in bytes. Xero states none; about 52 ids in `IDs=` were seen to pass.
pub const ADDRESS_LIMIT: usize = 2_200;

/// Where the simulator takes the time from.
pub trait SimClock: Send + Sync {
    /// Now, in simulated time.
    fn now(&self) -> Timestamp;
}

/// The worlds and their clock, as handlers share them.
#[derive(Clone)]
pub(crate) struct Shared {
    world: Arc<Mutex<World>>,
    others: Arc<[Arc<Mutex<World>>]>,
    pub(crate) clock: Arc<dyn SimClock>,
}

fn locked(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// The world, never across an await. A handler that panicked leaves it usable: acts are whole or not done.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }

    /// Every organisation: its tenant id and its name, those of the world itself first.
    pub(crate) fn organisations(&self) -> Vec<(Uuid, String)> {
        let of = |world: &Arc<Mutex<World>>| locked(world).tenant();
        std::iter::once(&self.world).chain(self.others.iter()).filter_map(of).collect()
    }

    /// With the world of the tenant that a call names, if it is another.
    fn of_tenant(&self, headers: &HeaderMap) -> Shared {
        let asked = header(headers, "xero-tenant-id");
        let named = |world: &&Arc<Mutex<World>>| {
            let tenant = locked(world).tenant_id().map(|tenant| tenant.to_string());
            asked.is_some() && tenant.as_deref() == asked
        };
        let world = self.others.iter().find(named).unwrap_or(&self.world);
        Shared { world: Arc::clone(world), ..self.clone() }
    }
}

/// Counts a call among those at once until it is dropped, even if the caller hangs up.
struct Underway(Shared);

impl Underway {
    fn begin(shared: &Shared) -> Underway {
        shared.world().meter.enter();
        Underway(shared.clone())
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.world().meter.leave();
    }
}

/// Sign-in (`/identity/connect/authorize`, `/connect/token`, `/connect/revocation`, `/connections`) and the accounting API
/// under `/api.xro/2.0`.
pub fn router(world: Arc<Mutex<World>>, clock: Arc<dyn SimClock>) -> axum::Router {
    router_of(world, [].into(), clock)
}

/// Several organisations behind one app. Sign-in, the custom connection and calls that name no tenant belong to `world`; the
/// others must have been opened with the same client id and secret.
pub fn router_of(
    world: Arc<Mutex<World>>,
    others: Arc<[Arc<Mutex<World>>]>,
    clock: Arc<dyn SimClock>,
) -> axum::Router {
    axum::Router::new().route("/api.xro/2.0/{*path}", any(api)).merge(oauth::routes()).with_state(Shared {
        world,
        others,
        clock,
    })
}

async fn api(State(shared): State<Shared>, request: Request) -> Response {
    if let Some(denied) = oauth::denied(&shared, shared.clock.now(), request.headers()) {
        return response(denied);
    }
    let shared = shared.of_tenant(request.headers());
    let _underway = Underway::begin(&shared);
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return response(Reply::plain(413, "The request body is too large"));
    };
    let now = shared.clock.now();
    let reply = shared.world().serve(now, &parts, &body);
    if reply.fate == Fate::ArrivesSlowly {
        tokio::time::sleep(SLOW_ANSWER).await;
    }
    recorded(&parts, &body, reply)
}

/// The answer of an exchange, which is recorded where that is asked for.
pub(crate) fn recorded(parts: &Parts, body: &[u8], reply: Reply) -> Response {
    match record::exchange(parts, body, &reply) {
        Ok(()) => response(reply),
        Err(error) => response(Reply::plain(500, &format!("the exchange can't be recorded: {error}"))),
    }
}

pub(crate) fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

pub(crate) fn response(reply: Reply) -> Response {
    let body = match reply.fate {
        // A body that fails before its first byte makes the server close the connection without an answer.
        Fate::NeverArrives => Body::from_stream(futures::stream::once(async {
            Err::<Bytes, std::io::Error>(std::io::ErrorKind::ConnectionAborted.into())
        })),
        Fate::Arrives | Fate::ArrivesSlowly => reply.file.map_or_else(|| Body::from(reply.body), Body::from),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(http::header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    for (name, value) in reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

impl World {
    /// Answers one call of the API.
    fn serve(&mut self, now: Timestamp, parts: &Parts, body: &[u8]) -> Reply {
        let path = parts.uri.path().strip_prefix("/api.xro/2.0/").unwrap_or_default();
        let decoded: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
        let writes = parts.method != Method::GET;
        if let Err(denied) = self.check_access(now, &parts.headers, &segments, writes) {
            return denied;
        }
        let number = self.meter.used.calls;
        self.meter.used.calls += 1;
        let drawn = || self.settings.faults.of_call(self.seed, number);
        let fault = self.scripted.pop_front().unwrap_or_else(drawn);
        let mut reply = self.limit_and_answer(now, parts, &segments, body, fault);
        if self.store.put("used", &self.meter.used).is_err() {
            return Reply::plain(500, "the simulator's file can't be written");
        }
        if self.settings.faults.without_retry_after {
            reply.headers.retain(|(name, _)| *name != "Retry-After");
        }
        let remaining = self.meter.headers().map(|(name, left)| (name, left.to_string()));
        reply.headers.extend(remaining);
        match fault {
            Some(ApiFault::DroppedBefore | ApiFault::DroppedAfterCommit) => reply.fate = Fate::NeverArrives,
            Some(ApiFault::Slow) => reply.fate = Fate::ArrivesSlowly,
            _ => {}
        }
        let skew = if fault == Some(ApiFault::SkewedDate) { DATE_SKEW } else { 0 };
        let date = now.saturating_add(SignedDuration::from_secs(skew)).unwrap_or(now);
        reply.headers.push(("Date", date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()));
        reply
    }

    fn check_access(
        &self,
        now: Timestamp,
        headers: &HeaderMap,
        segments: &[&str],
        writes: bool,
    ) -> Result<(), Reply> {
        let scopes = oauth::verify(&self.settings, now, header(headers, "authorization"))
            .map_err(|detail| Reply::denied(401, "Unauthorized", detail))?;
        // A custom connection needs no tenant, but a wrong one is refused.
        let tenant = self.tenant_id().map(|id| id.to_string());
        if header(headers, "xero-tenant-id").is_some_and(|asked| Some(asked) != tenant.as_deref()) {
            return Err(Reply::denied(403, "Forbidden", "AuthenticationUnsuccessful"));
        }
        if !scopes::allow(&scopes, segments, writes, &self.settings.switches) {
            return Err(Reply::denied(403, "Forbidden", "InsufficientScope"));
        }
        let accept = header(headers, "accept").unwrap_or_default();
        let prints = matches!(segments, ["PurchaseOrders", _]) && !writes && accept.contains("pdf");
        let is_file = matches!(segments, [_, _, "Attachments", _]) && !writes;
        if !(prints || is_file || accept.contains("json")) {
            // Xero would answer in XML, its default; a client that forgets the header should notice here, too.
            return Err(Reply::plain(
                406,
                "Xero's default is XML, which is not simulated: send Accept: application/json",
            ));
        }
        Ok(())
    }

    fn limit_and_answer(
        &mut self,
        now: Timestamp,
        parts: &Parts,
        segments: &[&str],
        body: &[u8],
        fault: Option<ApiFault>,
    ) -> Reply {
        let at = now.as_millisecond();
        let what = format!("{} {}", parts.method, kind_of_call(segments));
        if let Err(limited) = self.meter.admit(at, &what) {
            return Reply::limited(limited);
        }
        match fault {
            Some(ApiFault::MinuteLimit) => Reply::limited(self.meter.limited("minute", at)),
            Some(ApiFault::LongDayLimit) => {
                let limited = self.meter.limited("day", at);
                Reply::limited(Limited { retry_after: Some(LONG_RETRY_AFTER), ..limited })
            }
            Some(ApiFault::AppMinuteLimit) => Reply::limited(self.meter.limited("appminute", at)),
            Some(ApiFault::TokenExpired) => Reply::denied(401, "Unauthorized", "TokenExpired"),
            Some(ApiFault::Disconnected) => Reply::denied(403, "Forbidden", "AuthenticationUnsuccessful"),
            Some(ApiFault::ScopeMissing) => Reply::denied(403, "Forbidden", "InsufficientScope"),
            Some(ApiFault::DayLimit) => Reply::limited(self.meter.limited("day", at)),
            Some(ApiFault::ConcurrentLimit) => Reply::limited(self.meter.limited("concurrent", at)),
            Some(ApiFault::ServerError) => Reply::plain(500, "An error occurred in Xero"),
            Some(ApiFault::Unavailable) => Reply::plain(503, "The Xero API is currently unavailable"),
            Some(ApiFault::DroppedBefore) => Reply::plain(500, ""),
            Some(ApiFault::ShiftedPage) => {
                if let Err(error) = self.shift_page(now, parts, segments) {
                    return Reply::plain(500, &error.to_string());
                }
                self.answer(now, parts, segments, body)
            }
            Some(ApiFault::DroppedAfterCommit | ApiFault::Slow | ApiFault::SkewedDate) | None => {
                self.answer(now, parts, segments, body)
            }
        }
    }

    /// Lets somebody change the first half of the page before the one that is asked for.
    fn shift_page(&mut self, now: Timestamp, parts: &Parts, segments: &[&str]) -> Result<(), XeroError> {
        let (Ok(query), [endpoint]) = (Query::read(parts), segments) else { return Ok(()) };
        let (Some(list), Some(page)) = (read::list_named(endpoint), query.page) else { return Ok(()) };
        let before = page.number.saturating_sub(2).saturating_mul(page.size);
        let documents = self.books.changed_since(list, query.modified_since);
        let documents: Vec<Uuid> =
            documents.skip(before).take(page.size / 2).map(|document| document.id).collect();
        self.shifted += documents.len() as u64;
        self.apply(now, &Act::Touch { documents }).map(drop)
    }

    fn answer(&mut self, now: Timestamp, parts: &Parts, segments: &[&str], body: &[u8]) -> Reply {
        if parts.uri.path_and_query().is_some_and(|address| address.as_str().len() > ADDRESS_LIMIT) {
            return Reply::plain(414, "The address is too long");
        }
        let query = match Query::read(parts) {
            Ok(query) => query,
            Err(reply) => return reply,
        };
        match parts.method {
            Method::GET if header(&parts.headers, "accept").is_some_and(|form| form.contains("pdf")) => {
                self.print_order(segments)
            }
            Method::GET => self.read(now, segments, &query),
            Method::PUT | Method::POST => {
                let key = header(&parts.headers, "idempotency-key").map(str::to_owned);
                let address = parts.uri.path_and_query().map_or("", |address| address.as_str());
                let request = idempotency::fingerprint(parts.method.as_str(), address, body);
                if let Some(reply) = key.as_deref().and_then(|key| self.answered_before(now, key, &request)) {
                    return reply;
                }
                self.write_once(now, parts, segments, &query, body, key.map(|key| (key, request)))
                    .unwrap_or_else(|error| Reply::plain(500, &format!("the simulator's file: {error}")))
            }
            _ => Reply::plain(405, "The HTTP method is not supported"),
        }
    }

    /// Does a write and remembers its answer, as one commit.
    fn write_once(
        &mut self,
        now: Timestamp,
        parts: &Parts,
        segments: &[&str],
        query: &Query,
        body: &[u8],
        key: Option<(String, String)>,
    ) -> rusqlite::Result<Reply> {
        self.store.begin()?;
        let reply = self.write(now, parts, segments, query, body);
        if let Some((key, request)) = key {
            self.remember(now, &key, request, &reply)?;
        }
        self.store.commit()?;
        Ok(reply)
    }
}

/// Decodes one segment of a path, in which `%2F` is part of a name. What is no valid escape stays as it is.
fn decode(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = match tail {
            [high, low, ..] if *first == b'%' => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok()),
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = match escaped {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a call is counted as: the endpoint, with what is asked of one of its resources.
fn kind_of_call(segments: &[&str]) -> String {
    match segments {
        [endpoint, _, "History"] => format!("{endpoint} History"),
        [endpoint, _, "Attachments"] | [endpoint, _, "Attachments", _] => format!("{endpoint} Attachments"),
        [endpoint, _, "Allocations"] => format!("{endpoint} Allocations"),
        ["Reports", name] => format!("Reports {name}"),
        ["Organisation", "Actions"] => "Organisation Actions".to_owned(),
        [endpoint, _] => format!("{endpoint} by id"),
        [endpoint] => (*endpoint).to_owned(),
        _ => "unknown".to_owned(),
    }
}

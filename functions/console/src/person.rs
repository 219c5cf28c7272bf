//! Who asks: checked here and nowhere else.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use parstock_adapters::clock::WallClock;
use parstock_app::connect;
use parstock_app::console::root_of;
use parstock_app::ports::{Clock, Ports};
use parstock_domain::ids::OrgId;
use parstock_views::pages::query_value;
use serde::Deserialize;

use crate::Console;
use crate::access::Access;
use crate::refused::Refused;

/// Longest path that signing in leads to, in bytes.
const NEXT_BYTES_MAX: usize = 1_000;

/// A signed-in person. Sessions end by the wall clock, whatever time an org's own clock shows.
pub struct Person {
    /// Their name: a mail address, or the user of one machine.
    pub name: String,
    /// The token that their forms send back.
    pub csrf: String,
    /// Their session's cookie.
    pub cookie: String,
}

/// A signed-in person at an org of this stack.
pub struct Session {
    /// The org.
    pub org: OrgId,
    /// The person.
    pub person: Person,
}

impl Person {
    fn of(headers: &HeaderMap, access: &Access) -> Option<Self> {
        let cookie = cookie_of(headers, access.cookie())?;
        let name = access.person_of(&cookie, WallClock.now())?;
        Some(Self { name, csrf: access.token_of(&cookie), cookie })
    }

    /// Refuses a form that did not come from a page of this session.
    pub fn check_form(&self, access: &Access, headers: &HeaderMap, token: &str) -> Result<(), Refused> {
        if is_foreign(headers) || !access.token_fits(&self.cookie, token) {
            return Err(Refused::new(
                StatusCode::FORBIDDEN,
                "The form has expired",
                "Nothing was changed. Load the page again and repeat what you wanted to do.",
            ));
        }
        Ok(())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Person
where
    Arc<Access>: FromRef<S>,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let access = Arc::<Access>::from_ref(state);
        Self::of(&parts.headers, &access).ok_or_else(|| sign_in_first(&parts.method, path_of(parts)))
    }
}

#[derive(Deserialize)]
struct OrgPath {
    org: String,
}

impl<P: Ports + 'static> FromRequestParts<Console<P>> for Session {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, console: &Console<P>) -> Result<Self, Refused> {
        let path = Path::<OrgPath>::from_request_parts(parts, &()).await;
        let org: Option<OrgId> = path.ok().and_then(|path| path.org.parse().ok());
        let Some(person) = Person::of(&parts.headers, &console.access) else {
            // the router has taken the org's part off the path
            let asked = org.map(|org| format!("{}{}", root_of(org), path_of(parts))).unwrap_or_default();
            return Err(sign_in_first(&parts.method, &asked));
        };
        let known = connect::orgs(console.ports.as_ref()).await?;
        let org = org.filter(|org| known.iter().any(|entry| entry.org == *org)).ok_or_else(|| {
            Refused::new(
                StatusCode::NOT_FOUND,
                "There is no such organisation here",
                "Begin at the console's first page.",
            )
        })?;
        Ok(Self { org, person })
    }
}

/// Path and query of a request: on AWS its address is a whole one.
fn path_of(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("/", |path| path.as_str())
}

/// Where a stranger is led: to the sign-in, and from there to the page they asked for. What a form wanted to do is not
/// repeated.
fn sign_in_first(method: &Method, asked: &str) -> Refused {
    Refused::SignIn(if *method == Method::GET && is_page(asked) {
        format!("/sign-in?next={}", query_value(asked))
    } else {
        "/sign-in".to_owned()
    })
}

/// The page asked for, or the first one when it is none of ours.
pub fn next_of(asked: &str) -> &str {
    if is_page(asked) { asked } else { "/" }
}

/// Whether a path leads to a page of this console that somebody may have asked for, and nowhere else.
fn is_page(path: &str) -> bool {
    (path.starts_with("/o/") || path == "/connections")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !path.contains("..")
        && !path.contains("//")
        && path.len() <= NEXT_BYTES_MAX
}

fn cookie_of(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    all.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == wanted).then(|| value.to_owned())
    })
}

/// A form that another site sent carries that site's origin.
pub fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_none_or(|(_, of)| of != host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_pages_of_this_console_only() {
        let org: OrgId = "0b1c2d3e-0000-4000-8000-000000000001".parse().unwrap();
        let page = format!("{}/items/0b1c2d3e-0000-4000-8000-000000000002?x=1", root_of(org));
        for ours in [page.as_str(), "/connections"] {
            assert_eq!(next_of(ours), ours);
        }
        for elsewhere in [
            "",
            "https://elsewhere.example/",
            "//elsewhere.example/",
            "/\\elsewhere.example",
            &format!("{}/..//elsewhere.example", root_of(org)),
            &format!("{}/\r\nSet-Cookie: a=b", root_of(org)),
            &format!("{}/{}", root_of(org), "x".repeat(NEXT_BYTES_MAX)),
            // it holds a code
            "/connections/callback?code=1",
            "/sign-out",
        ] {
            assert_eq!(next_of(elsewhere), "/", "{elsewhere:?}");
        }
    }
}

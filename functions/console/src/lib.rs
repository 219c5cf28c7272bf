//! The console: what people see and decide, as server-rendered pages.
//!
//! The same router answers as a Lambda function and on one machine, where it connects nothing. No GET ever acts. Every
//! page but those of signing in asks for a session; every form carries a token bound to it.

mod access;
mod adjustments;
mod connections;
mod counts;
mod form;
mod landed;
mod pages;
mod person;
mod prices;
mod receipts;
mod refused;
mod sign_in;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use parstock_adapters::vault::Vault;
use parstock_app::ports::Ports;
use parstock_views::pages::{QueueState, content_security_policy};

pub use access::{Access, Password, SignIn};
pub use connections::Consents;

/// Bytes of a form at most. The largest is a landed cost voucher's: up to 300 receipts with three fields, each of which names its
/// line by two ids, come to some 100 KiB.
const FORM_BYTES_MAX: usize = 256 * 1024;

/// Asks the queues how much waits in them.
pub type Gauge = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<QueueState>> + Send>> + Send + Sync>;

/// The content type of a page.
const HTML: &str = "text/html; charset=utf-8";

/// What the console's pages are made of.
pub struct Console<P> {
    /// The ports.
    pub ports: Arc<P>,
    /// Who may sign in.
    pub access: Arc<Access>,
    /// How the queues are asked.
    pub gauge: Gauge,
    /// Whether it connects organisations, too: as [`router_with_connections`] says.
    pub connects: bool,
}

impl<P> FromRef<Console<P>> for Arc<Access> {
    fn from_ref(console: &Console<P>) -> Self {
        Self::clone(&console.access)
    }
}

impl<P> Clone for Console<P> {
    fn clone(&self) -> Self {
        Self {
            ports: Arc::clone(&self.ports),
            access: Arc::clone(&self.access),
            gauge: Arc::clone(&self.gauge),
            connects: self.connects,
        }
    }
}

/// The console's pages.
pub fn router<P: Ports + 'static>(console: Console<P>) -> Router {
    framed(pages_of(console))
}

/// The console's pages, with those that connect organisations.
pub fn router_with_connections<P: Ports<Store: Clone> + 'static, V: Vault + 'static>(
    console: Console<P>,
    consents: Consents<V>,
) -> Router {
    let console = Console { connects: true, ..console };
    framed(pages_of(console.clone()).merge(connections::pages(console, consents)))
}

fn pages_of<P: Ports + 'static>(console: Console<P>) -> Router {
    let org = Router::new()
        .route("/", get(pages::positions::<P>))
        .route("/positions", get(pages::positions::<P>))
        .route("/items/{item}", get(pages::item::<P>))
        .route("/items/{item}/count", post(counts::count::<P>))
        .route("/proposals", get(pages::proposals::<P>))
        .route("/proposals/{proposal}", get(pages::proposal::<P>))
        .route("/proposals/{proposal}/approve", post(pages::approve::<P>))
        .route("/proposals/{proposal}/reject", post(pages::reject::<P>))
        .route("/digest", get(pages::latest_digest::<P>))
        .route("/digests/{day}", get(pages::digest::<P>))
        .route("/health", get(pages::health::<P>))
        .route("/proof", get(pages::proof::<P>))
        .route("/closings", get(pages::closings::<P>))
        .route("/closings/{month}/{number}", get(pages::closing::<P>))
        .route("/journals", get(pages::journals::<P>))
        .route("/journals/{number}", get(pages::journal::<P>))
        .route("/landed", get(landed::all::<P>).post(landed::make::<P>))
        .route("/landed/new", get(landed::form::<P>))
        .route("/landed/preview", post(landed::preview::<P>))
        .route("/landed/leave", post(landed::leave::<P>))
        .route("/landed/papers", post(landed::papers::<P>))
        .route("/landed/{number}", get(landed::voucher::<P>))
        .route("/landed/{number}/take-back", post(landed::take_back::<P>))
        .route("/adjustments", get(adjustments::list::<P>).post(adjustments::make::<P>))
        .route("/adjustments/{number}/approve", post(adjustments::approve::<P>))
        .route("/adjustments/{number}/reject", post(adjustments::reject::<P>))
        .route("/prices", get(prices::list::<P>).post(prices::decided::<P>))
        .route("/receipts", get(receipts::all::<P>).post(receipts::make::<P>))
        .route("/receipts/new", get(receipts::form::<P>))
        .route("/receipts/{name}", get(receipts::receipt::<P>))
        .route("/receipts/{name}/decide", post(receipts::decide::<P>))
        .route("/receipts/{name}/take-back", post(receipts::take_back::<P>))
        .route("/reviews", get(pages::reviews::<P>));
    Router::new()
        .route("/", get(pages::start::<P>))
        .route("/sign-in", get(sign_in::form::<P>).post(sign_in::ask::<P>))
        .route("/sign-in/link", get(sign_in::link::<P>).post(sign_in::confirm::<P>))
        .route("/sign-out", post(sign_in::out::<P>))
        .nest("/o/{org}", org)
        .with_state(console)
}

/// What surrounds every page.
fn framed(pages: Router) -> Router {
    pages
        .fallback(pages::nowhere)
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(middleware::from_fn(guard))
}

/// Every answer: a page even where the address or a form can't be read, with headers that allow nothing from
/// elsewhere, no frame and no cache.
async fn guard(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_page = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == HTML);
    if response.status().is_client_error() && !is_page {
        response = pages::unreadable(response.status());
    }
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy()) {
        // a page may have one of its own
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    for (name, value) in [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

//! A stateful Xero for development: one organisation with one app, by custom connection or consent, as far as parstock needs it.
//!
//! [`World`] is the state, [`router`] its API over HTTP, [`act`] what people and trade do to the books. What is
//! enforced comes from Xero's public documentation, and each such fact has a test that names its source; facts that
//! nobody confirmed are [`Switches`]. Figures measured against this simulator are not figures of Xero.

pub mod act;
mod audit;
pub mod demo;
mod error;
mod http;
mod ids;
mod json;
mod limits;
mod oauth;
mod persist;
pub mod retail;
mod settings;
mod state;
mod webhook;
mod world;
mod zones;

pub use audit::{Audit, DocumentView, JournalView, LineView};
pub use error::{OpenError, XeroError};
pub use http::{ADDRESS_LIMIT, BODY_LIMIT, SLOW_ANSWER, SimClock, router, router_of};
pub use limits::{APP_CALLS_PER_MINUTE, CALLS_AT_ONCE, CALLS_PER_MINUTE};
pub use oauth::{CODE_SECONDS, Consent, GRACE_SECONDS, Given, REFRESH_SECONDS, TOKEN_SECONDS};
pub use settings::{
    ApiFault, DATE_SKEW, Faults, LONG_RETRY_AFTER, STARTER_CALLS_PER_DAY, Settings, Switches, WebhookFault,
};
pub use state::{Happening, Stock};
pub use webhook::{Delivery, IntentToReceive, sign};
pub use world::World;

#![doc = include_str!("../README.md")]

mod app_minute;
mod auth;
mod client;
mod date;
mod decimal;
mod error;
mod limits;
pub mod model;
mod stream;
pub mod webhook;

pub use app_minute::AppMinute;
pub use auth::{
    CONNECTIONS_URL, ConnectionKind, ConsentApp, HeldToken, IdentityServer, IssueError, Issued, LOGIN_URL,
    MemoryTokenStore, OFFLINE_ACCESS, REFRESH_GRACE, REFRESH_LIFETIME, Renewal, StoredToken, TOKEN_LEASE,
    TOKEN_SKEW, TOKEN_TIMEOUT, Tenant, TokenRequest, TokenStore, missing_scopes,
};
pub use client::{
    API_URL, BATCH_BYTES_MAX, BATCH_ELEMENTS_MAX, Batch, CALL_TIMEOUT, CONNECT_TIMEOUT, CallCounts, CallKind,
    Client, Clock, ContactsQuery, ELEMENT_BYTES_MAX, IDENTITY_URL, IDS_PER_CALL, ITEMS_BYTES_MAX,
    IdempotencyKey, ItemsQuery, ItemsRead, JournalMark, NUMBERS_LENGTH_MAX, Obstacle, PAGE_SIZE,
    RESPONSE_BYTES_MAX, RefusalReason, Session, SystemClock, UNREADABLE_ITEMS_MAX, WriteOutcome, WriteRules,
    XeroConfig, http_client,
};
pub use date::{parse_day, parse_instant};
pub use decimal::{Decimal, DecimalError};
pub use error::{Error, InputError, Problem, StoreError, Wait};
pub use limits::{
    Answer, BudgetState, CONCURRENT_CEILING, CallBudget, GRANT_CALLS_MAX, GRANT_LIFETIME, Grant,
    MINUTE_CEILING, MemoryBudget, Priority, RateProblem, Refused, Remaining, Reserve, STARTER_DAY_LIMIT,
    Usage,
};

//! How the stack does, in at most ten figures, for alarms.
//!
//! A figure is announced where it is known: what is true of one org comes out of that org's own messages, so that no
//! invocation grows with the number of orgs; the alarm takes the worst of them. It leaves as a `tracing` event of the
//! target [`TARGET`]. The functions' log writes it so that CloudWatch counts it; on one machine nobody takes it,
//! since the health page shows the same.

use jiff::{SignedDuration, Timestamp};
use parstock_domain::calendar::OrgClock;
use parstock_domain::ids::OrgId;
use parstock_domain::settings::Policy;

use crate::error::AppError;
use crate::load;
use crate::ports::{Books, Clock, Ports, Store};
use crate::records::{Backfill, Connection, Effect, Key, List, OrgEntry, Owner, Profile};

/// The target of the events that announce figures.
pub const TARGET: &str = "parstock::figures";
/// Effects that are looked at for the oldest. Their order is that of their ids, so with more the oldest may be missed;
/// so many at once are told by the age of the others.
const EFFECTS_LOOKED_AT: u32 = 100;
/// How long after its hour a digest counts as missed: four ticks.
const DIGEST_LATE: SignedDuration = SignedDuration::from_hours(1);
/// How long an access token of Xero works (developer.xero.com, *The standard authorization code flow*).
const TOKEN_WORKS: SignedDuration = SignedDuration::from_mins(30);

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    /// 1 for each tick of the poller that looked at every org.
    PollerHeartbeat,
    /// Webhooks whose signature was not Xero's.
    WebhookRefused,
    /// Age of the org's oldest effect that has not left; 0 without one.
    OldestEffectSeconds,
    /// Age of the access token of the org's connection, which is renewed at every other poll.
    TokenAgeSeconds,
    /// 1 while the org's digest is an hour late, else 0.
    DigestsMissed,
    /// 1 when the check of the org's audit trail found it broken, else 0.
    AuditBroken,
    /// Calls of Xero that the org has left today, once Xero has said so.
    CallsLeftToday,
    /// Time since the org's last whole poll.
    SyncAgeSeconds,
    /// Documents whose present state was booked.
    DocumentsBooked,
    /// Records that were given back to their queue or buried.
    MessagesFailed,
}

impl Figure {
    /// All of them: CloudWatch asks nothing for ten.
    pub const ALL: [Self; 10] = [
        Self::PollerHeartbeat,
        Self::WebhookRefused,
        Self::OldestEffectSeconds,
        Self::TokenAgeSeconds,
        Self::DigestsMissed,
        Self::AuditBroken,
        Self::CallsLeftToday,
        Self::SyncAgeSeconds,
        Self::DocumentsBooked,
        Self::MessagesFailed,
    ];

    /// Its name in CloudWatch.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PollerHeartbeat => "poller_heartbeat",
            Self::WebhookRefused => "webhook_refused",
            Self::OldestEffectSeconds => "oldest_effect_seconds",
            Self::TokenAgeSeconds => "token_age_seconds",
            Self::DigestsMissed => "digests_missed",
            Self::AuditBroken => "audit_broken",
            Self::CallsLeftToday => "calls_left_today",
            Self::SyncAgeSeconds => "sync_age_seconds",
            Self::DocumentsBooked => "documents_booked",
            Self::MessagesFailed => "messages_failed",
        }
    }

    /// Its unit, in CloudWatch's words.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::OldestEffectSeconds | Self::TokenAgeSeconds | Self::SyncAgeSeconds => "Seconds",
            _ => "Count",
        }
    }
}

/// Announces a figure.
pub fn announce(figure: Figure, value: u64) {
    tracing::info!(target: TARGET, figure = figure.name(), value);
}

/// Announces how an org stands, with few reads. Called after each of its polls, whatever came of it.
///
/// # Errors
/// When the store doesn't answer.
pub async fn of_org<P: Ports>(ports: &P, org: OrgId) -> Result<(), AppError> {
    let (store, owner, now) = (ports.store(), Owner::Org(org), ports.clock().now());
    let mut rows = store.get(owner, &[Key::Profile, Key::Policy]).await?.into_iter();
    let Some(profile) = load::decode_row::<Profile>(rows.next().flatten())? else { return Ok(()) };
    let policy = load::decode_row::<Policy>(rows.next().flatten())?;
    let profile = profile.content;
    if let Backfill::Done { at, .. } = profile.backfill {
        let polled_at = profile.polled_at.map_or(at, |polled| polled.max(at));
        announce(Figure::SyncAgeSeconds, seconds(polled_at, now));
        let clock =
            OrgClock::new(&profile.time_zone).map_err(|error| AppError::NeedsPerson(error.to_string()))?;
        let before = now.saturating_sub(DIGEST_LATE).unwrap_or(now);
        let digest_at = policy.map(|row| row.content).unwrap_or_default().org().digest_at;
        let missed = at <= before && clock.digest_due(profile.digest_on, before, digest_at).is_some();
        announce(Figure::DigestsMissed, u64::from(missed));
    }
    let pending = store.list(owner, &List::PendingEffects, None, EFFECTS_LOOKED_AT).await?;
    let keys: Vec<Key> = pending
        .rows
        .into_iter()
        .filter_map(
            |row| if let Key::PendingEffect(effect) = row.key { Some(Key::Effect(effect)) } else { None },
        )
        .collect();
    let effects = load::many::<Effect>(store, owner, &keys).await?.into_iter().flatten();
    let oldest = effects.map(|effect| effect.content.decided_at).min();
    announce(Figure::OldestEffectSeconds, oldest.map_or(0, |oldest| seconds(oldest, now)));
    if let Some(left) = ports.books().allowance(org).await?.left_today {
        announce(Figure::CallsLeftToday, u64::from(left));
    }
    let Some(entry) = load::one::<OrgEntry>(store, Owner::Stack, Key::Org(org)).await? else { return Ok(()) };
    let connection = Key::Connection(entry.content.connection);
    if let Some(connection) = load::one::<Connection>(store, Owner::Stack, connection).await? {
        let renewed_at = connection.content.expires_at.saturating_sub(TOKEN_WORKS);
        announce(Figure::TokenAgeSeconds, renewed_at.map_or(0, |renewed_at| seconds(renewed_at, now)));
    }
    Ok(())
}

/// Seconds from one instant to another; 0 if it has not come.
fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}

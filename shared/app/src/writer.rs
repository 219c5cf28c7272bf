//! The one writer of an org's ledger and proposals: holds the org's lease, and puts an audit entry into
//! every commit.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use parstock_domain::audit::{Hash, Head, Statement};
use parstock_domain::calendar::OrgClock;
use parstock_domain::cogs::CogsNews;
use parstock_domain::event::Event;
use parstock_domain::ids::{CommitId, OrgId};
use uuid::Uuid;

use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{Clock, Commit, CommitError, Entropy, Expect, Ports, Store, Write};
use crate::records::{Key, Lease, Owner, Profile};

/// Seconds for which a worker may hold an org: longer than any function may run, so that a worker that
/// died without letting go can't write any more when the next one begins.
pub const LEASE_SECONDS: i64 = 960;
/// Seconds after which to look again when another worker holds the org: it is usually done by then.
const BUSY_SECONDS: i64 = 10;
/// Seconds by which that comes sooner or later, by chance, lest two workers that wait for each other meet every time.
const BUSY_SPREAD_SECONDS: i64 = 5;
/// Times that one commit is sent when the store doesn't say whether it wrote.
const SENDS_MAX: u32 = 3;

/// Who did something, and why, for the audit trail.
#[derive(Clone, Debug)]
pub struct Reason {
    /// A short verb phrase: `book document`.
    pub what: &'static str,
    /// `parstock`, or a person.
    pub who: String,
    /// The event behind it.
    pub event: Option<Event>,
    /// What it tells of cost of goods sold.
    pub cogs: CogsNews,
    /// Ids and figures.
    pub details: BTreeMap<String, String>,
}

impl Reason {
    /// Something that parstock does by itself.
    pub fn own(what: &'static str) -> Self {
        Self {
            what,
            who: "parstock".to_owned(),
            event: None,
            cogs: CogsNews::default(),
            details: BTreeMap::new(),
        }
    }

    /// With one more id or figure.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.details.insert(name.to_owned(), value.to_string());
        self
    }
}

/// When to ask again for an org that another worker holds.
fn look_again_at(now: Timestamp, chance: Uuid) -> Timestamp {
    let offset = i64::from(chance.as_bytes()[15]) % (2 * BUSY_SPREAD_SECONDS + 1) - BUSY_SPREAD_SECONDS;
    now.saturating_add(SignedDuration::from_secs(BUSY_SECONDS + offset)).unwrap_or(now)
}

/// The writer of one org.
pub struct Writer<'p, P> {
    ports: &'p P,
    org: OrgId,
    /// The org's profile, kept up to date by its owner.
    pub profile: Versioned<Profile>,
    clock: OrgClock,
    head: Versioned<Head>,
    /// `None` for a small decision that relies on the conditions alone.
    lease: Option<Versioned<Lease>>,
}

impl<'p, P: Ports> Writer<'p, P> {
    /// Takes the org's lease and reads what every writer needs.
    ///
    /// # Errors
    /// [`AppError::NotNow`] while another worker holds the org; [`AppError::NeedsPerson`] when the org is
    /// not set up.
    pub async fn open(ports: &'p P, org: OrgId) -> Result<Self, AppError> {
        let owner = Owner::Org(org);
        let now = ports.clock().now();
        let look_again = look_again_at(now, ports.entropy().uuid());
        let version = match load::one::<Lease>(ports.store(), owner, Key::Lease).await? {
            Some(lease) if lease.content.holder != Uuid::nil() && lease.content.until > now => {
                return Err(AppError::NotNow {
                    until: look_again.min(lease.content.until),
                    why: "another worker holds the organisation".to_owned(),
                });
            }
            Some(lease) => lease.expect,
            None => Expect::Absent,
        };
        let taken = Lease {
            holder: ports.entropy().uuid(),
            until: now.saturating_add(SignedDuration::from_secs(LEASE_SECONDS)).unwrap_or(now),
        };
        let held = Versioned { content: taken, expect: version.after_write() };
        let write = Versioned { content: taken, expect: version }.write(Key::Lease);
        let id = CommitId(ports.entropy().uuid());
        match ports.store().commit(owner, Commit { id, writes: vec![write] }).await {
            Ok(()) => {}
            Err(CommitError::Conflict { .. }) => {
                return Err(AppError::NotNow {
                    until: look_again,
                    why: "another worker takes the organisation".to_owned(),
                });
            }
            Err(error) => return Err(error.into()),
        }
        Self::read(ports, org, Some(held)).await
    }

    /// A writer for a small decision that must not wait for the lease: it relies on the conditions of its
    /// commit alone, and decides anew when another worker was quicker.
    ///
    /// # Errors
    /// [`AppError::NeedsPerson`] when the org is not set up.
    pub async fn open_unleased(ports: &'p P, org: OrgId) -> Result<Self, AppError> {
        Self::read(ports, org, None).await
    }

    /// Reads what every writer needs, after the lease is ours, so that nobody has written since.
    async fn read(ports: &'p P, org: OrgId, lease: Option<Versioned<Lease>>) -> Result<Self, AppError> {
        let rows = ports.store().get(Owner::Org(org), &[Key::Profile, Key::AuditHead]).await?;
        let mut rows = rows.into_iter();
        let mut row = || rows.next().flatten();
        let profile = load::decode_row::<Profile>(row())?.ok_or_else(|| {
            AppError::NeedsPerson("the organisation is not connected yet: run the poller once".to_owned())
        })?;
        let head = load::decode_row::<Head>(row())?.unwrap_or(Versioned::new(Head::default()));
        let clock = OrgClock::new(&profile.content.time_zone)
            .map_err(|error| AppError::NeedsPerson(error.to_string()))?;
        Ok(Self { ports, org, profile, clock, head, lease })
    }

    /// The ports.
    pub const fn ports(&self) -> &'p P {
        self.ports
    }

    /// The org.
    pub const fn org(&self) -> OrgId {
        self.org
    }

    /// The owner of the org's rows.
    pub const fn owner(&self) -> Owner {
        Owner::Org(self.org)
    }

    /// The org's civil days and hours.
    pub const fn clock(&self) -> &OrgClock {
        &self.clock
    }

    /// Goes by the profile's time zone from now on.
    ///
    /// # Errors
    /// When it is not known.
    pub fn renew_clock(&mut self) -> Result<(), AppError> {
        self.clock = OrgClock::new(&self.profile.content.time_zone)
            .map_err(|error| AppError::NeedsPerson(error.to_string()))?;
        Ok(())
    }

    /// The end of the org's audit chain, as last read or written.
    pub const fn head(&self) -> Head {
        self.head.content
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.ports.clock().now()
    }

    /// A fresh commit's id.
    pub fn new_commit(&self) -> CommitId {
        CommitId(self.ports.entropy().uuid())
    }

    /// Whether the lease is about to end, so that no further work should begin.
    pub fn is_late(&self) -> bool {
        const MARGIN: SignedDuration = SignedDuration::from_secs(60);
        let soon = self.now().saturating_add(MARGIN);
        self.lease.as_ref().is_some_and(|lease| soon.is_ok_and(|soon| soon >= lease.content.until))
    }

    /// Writes all or nothing, with an audit entry that holds the digest of the rows.
    ///
    /// # Errors
    /// A conflict or an unknown outcome is [`AppError::Retry`]: open a new writer, load and decide again.
    pub async fn commit(
        &mut self,
        id: CommitId,
        mut writes: Vec<Write>,
        reason: Reason,
    ) -> Result<(), AppError> {
        let rows = Hash::of(&serde_json::to_vec(
            &writes.iter().map(|write| (&write.key, &write.record)).collect::<Vec<_>>(),
        )?);
        let statement = Statement {
            at: self.now(),
            who: reason.who,
            what: reason.what.to_owned(),
            commit: id,
            event: reason.event,
            rows,
            cogs: reason.cogs,
            details: reason.details,
        };
        let (entry, head) = self.head.content.append(self.org, serde_json::to_string(&statement)?);
        writes.push(Versioned::new(entry.clone()).write(Key::AuditEntry(entry.seq)));
        writes.push(Versioned { content: head, expect: self.head.expect }.write(Key::AuditHead));
        let commit = Commit { id, writes };
        let mut sends = 1;
        loop {
            match self.ports.store().commit(self.owner(), commit.clone()).await {
                Ok(()) => break,
                // the same commit again has no second effect
                Err(CommitError::Unknown(_)) if sends < SENDS_MAX => sends += 1,
                Err(error) => return Err(error.into()),
            }
        }
        self.head = Versioned { content: head, expect: self.head.expect.after_write() };
        Ok(())
    }

    /// Reads the end of the audit chain again, after a commit that failed or whose outcome is unknown.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn reload_head(&mut self) -> Result<(), AppError> {
        let head = load::one::<Head>(self.ports.store(), self.owner(), Key::AuditHead).await?;
        self.head = head.unwrap_or(Versioned::new(Head::default()));
        Ok(())
    }

    /// Stores the profile. It is housekeeping, not state of the business: no audit entry.
    ///
    /// # Errors
    /// A conflict is [`AppError::Retry`].
    pub async fn save_profile(&mut self) -> Result<(), AppError> {
        let id = self.new_commit();
        let write = self.profile.clone().write(Key::Profile);
        self.ports.store().commit(self.owner(), Commit { id, writes: vec![write] }).await?;
        self.profile.expect = self.profile.expect.after_write();
        Ok(())
    }

    /// Lets the org go. A failure is harmless: the lease ends by itself.
    pub async fn close(self) {
        let Some(lease) = self.lease else { return };
        let free = Lease { holder: Uuid::nil(), until: lease.content.until };
        let write = Versioned { content: free, expect: lease.expect }.write(Key::Lease);
        let commit = Commit { id: CommitId(self.ports.entropy().uuid()), writes: vec![write] };
        if let Err(error) = self.ports.store().commit(Owner::Org(self.org), commit).await {
            tracing::warn!(org_id = %self.org, why = %error, "the organisation's lease could not be given back and runs out by itself");
        }
    }
}

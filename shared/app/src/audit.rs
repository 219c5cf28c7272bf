//! The check of the audit trail: every night from where the last one ended, once a week from the first entry on.

use parstock_domain::audit::{Broken, Entry, Head, verify};
use parstock_domain::ids::{CommitId, OrgId};

use crate::error::AppError;
use crate::figures::{Figure, announce};
use crate::load::{self, Versioned};
use crate::message::Message;
use crate::ports::{Clock, Commit, Entropy, Ports, Store};
use crate::records::{AuditCheck, Key, List, Owner};
use crate::send::send_now;

/// Entries read at once.
const ENTRIES_PAGE: u32 = 500;
/// Entries that one message checks: with the largest page some 10 MB to read.
const ENTRIES_PER_MESSAGE: u64 = 10_000;

/// How far a walk along the chain came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// The entries up to here follow each other.
    Reached(Head),
    /// They don't.
    Broken(Broken),
}

/// Follows an org's chain from its first entry to the end that its head names.
///
/// # Errors
/// When the store doesn't answer.
pub async fn walk_whole(store: &impl Store, org: OrgId) -> Result<Walk, AppError> {
    let end = head(store, org).await?;
    match walk(store, org, Head::default(), end, u64::MAX).await? {
        Walk::Reached(end) => nothing_follows(store, org, end).await,
        broken => Ok(broken),
    }
}

/// What was added behind the end without its head would stop every later commit.
async fn nothing_follows(store: &impl Store, org: OrgId, end: Head) -> Result<Walk, AppError> {
    let after = (end.seq > 0).then_some(Key::AuditEntry(end.seq));
    let behind = store.list(Owner::Org(org), &List::AuditEntries, after.as_ref(), 1).await?;
    // a commit that came meanwhile wrote its entry and the head together
    if behind.rows.is_empty() || head(store, org).await? != end {
        return Ok(Walk::Reached(end));
    }
    Ok(broken(end.seq.saturating_add(1), "an entry follows the end that the head names"))
}

/// Follows an org's chain from one end that is known to another, at most `entries` entries.
///
/// # Errors
/// When the store doesn't answer.
async fn walk(store: &impl Store, org: OrgId, from: Head, to: Head, entries: u64) -> Result<Walk, AppError> {
    let (mut reached, last) = (from, to.seq.min(from.seq.saturating_add(entries)));
    while reached.seq < last {
        let after = (reached.seq > 0).then_some(Key::AuditEntry(reached.seq));
        let limit = last.saturating_sub(reached.seq).min(u64::from(ENTRIES_PAGE));
        let limit = u32::try_from(limit).unwrap_or(ENTRIES_PAGE);
        let page = store.list(Owner::Org(org), &List::AuditEntries, after.as_ref(), limit).await?;
        if page.rows.is_empty() {
            return Ok(broken(reached.seq.saturating_add(1), "an entry is missing"));
        }
        let mut found = Vec::with_capacity(page.rows.len());
        for row in page.rows {
            found.extend(load::decode_row::<Entry>(Some(row))?.map(|row| row.content));
        }
        match verify(org, reached, &found) {
            Ok(head) => reached = head,
            Err(broken) => return Ok(Walk::Broken(broken)),
        }
    }
    if reached.seq == to.seq && reached.hash != to.hash {
        return Ok(broken(to.seq, "it is another than its head or the last check says"));
    }
    Ok(Walk::Reached(reached))
}

const fn broken(seq: u64, what: &'static str) -> Walk {
    Walk::Broken(Broken { seq, what })
}

/// The end of an org's chain, as its row says.
async fn head(store: &impl Store, org: OrgId) -> Result<Head, AppError> {
    let head = load::one::<Head>(store, Owner::Org(org), Key::AuditHead).await?;
    Ok(head.map_or_else(Head::default, |head| head.content))
}

/// Checks the next part of the trail, and asks for the part behind it.
///
/// A walk from the first entry on has to pass the end that was checked before: whoever writes the whole chain anew is
/// found by that. While the trail is broken every check begins at the first entry.
///
/// # Errors
/// When the store or the queue doesn't answer.
pub async fn check<P: Ports>(ports: &P, org: OrgId, whole: bool) -> Result<(), AppError> {
    let (store, owner) = (ports.store(), Owner::Org(org));
    let known = load::one::<AuditCheck>(store, owner, Key::AuditCheck).await?;
    let mut known = known.unwrap_or(Versioned::new(AuditCheck::default()));
    let check = &mut known.content;
    // read before the entries, so that they reach at least as far
    let end = head(store, org).await?;
    if whole || (check.broken.is_some() && check.walked.is_none()) {
        check.walked = Some(Head::default());
    }
    let from = check.walked.unwrap_or(check.verified);
    let to = if from.seq < check.verified.seq { check.verified } else { end };
    let outcome = if end.seq < check.verified.seq {
        broken(end.seq.saturating_add(1), "the chain is shorter than it was")
    } else {
        match walk(store, org, from, to, ENTRIES_PER_MESSAGE).await? {
            Walk::Reached(reached) if reached == end => nothing_follows(store, org, end).await?,
            other => other,
        }
    };
    let mut ended = true;
    match outcome {
        Walk::Reached(reached) if reached.seq == end.seq => {
            *check =
                AuditCheck { verified: reached, walked: None, at: Some(ports.clock().now()), broken: None };
        }
        Walk::Reached(reached) => {
            ended = false;
            *(check.walked.as_mut().unwrap_or(&mut check.verified)) = reached;
        }
        Walk::Broken(broken) => {
            tracing::error!(org_id = %org, count = broken.seq, why = broken.what, "the audit trail is broken");
            check.walked = None;
            check.broken = Some(format!(
                "{broken}. Somebody changed the table by hand, or it was restored in part: restore it as \
                 docs/operations.md says, and compare the last hash with the one in an older digest."
            ));
        }
    }
    let is_broken = check.broken.is_some();
    let commit = Commit { id: CommitId(ports.entropy().uuid()), writes: vec![known.write(Key::AuditCheck)] };
    store.commit(owner, commit).await?;
    if ended {
        announce(Figure::AuditBroken, u64::from(is_broken));
        return Ok(());
    }
    send_now(ports, Message::CheckAudit { org, whole: false }).await
}

//! A store in memory that keeps DynamoDB's promises and no others, and watches the laws of what is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::{
    COMMIT_WRITES_MAX, Commit, CommitError, Expect, Page, Row, Store, StoreError, Write,
};
use parstock_app::records::{Key, List, Owner, Pointer, Record};
use parstock_domain::audit::{Hash, Statement};
use parstock_domain::document::Item;
use parstock_domain::fixed::Quantity;
use parstock_domain::governance::{Proposal, ProposalLine, ProposalState};
use parstock_domain::ids::{CommitId, ContactId, ItemId, LocationId, OrgId};

use crate::books::Company;
use crate::scheduler::{Edge, Sim, Verdict, later, lock};

/// Rows that one read may name.
const GET_KEYS_MAX: usize = 1_000;
/// Bytes of one row as JSON (DynamoDB: 400 KB an item).
const ROW_BYTES_MAX: usize = 400 * 1_024;
/// How long the store knows a commit by its id (DynamoDB: ten minutes).
const COMMIT_REMEMBERED: SignedDuration = SignedDuration::from_mins(10);

/// The store.
#[derive(Clone)]
pub struct FakeStore {
    sim: Sim,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<(Owner, Key), (Record, u64)>,
    commits: BTreeMap<CommitId, (Timestamp, Commit)>,
    booked: BTreeMap<(OrgId, ItemId), i128>,
    written: u64,
}

impl FakeStore {
    /// An empty store.
    pub fn new(sim: Sim) -> Self {
        Self { sim, state: Arc::default() }
    }

    /// Every row of an owner, in the order of keys, as it stands.
    pub fn rows(&self, owner: Owner) -> Vec<Row> {
        let state = lock(&self.state);
        state
            .rows
            .iter()
            .filter(|((of, _), _)| *of == owner)
            .map(|((_, key), (record, version))| Row {
                key: key.clone(),
                record: record.clone(),
                version: *version,
            })
            .collect()
    }

    /// One row as it stands.
    pub fn row(&self, owner: Owner, key: &Key) -> Option<Row> {
        lock(&self.state).row(owner, key)
    }

    /// Whether a list has any row.
    pub fn has(&self, owner: Owner, list: &List) -> bool {
        lock(&self.state).rows.keys().any(|(of, key)| *of == owner && list.holds(key))
    }

    /// How many commits were applied.
    pub fn commits(&self) -> u64 {
        lock(&self.state).written
    }

    /// Puts a row in place, as set-up does before the story begins.
    pub fn put(&self, owner: Owner, key: Key, record: Record) {
        lock(&self.state).apply(owner, &Write { key, record: Some(record), expect: Expect::Anything });
    }

    /// Puts a proposal in place as planning leaves it, over the first `items` items of a company.
    pub fn put_proposal(
        &self,
        company: &Company,
        supplier: ContactId,
        items: usize,
        now: Timestamp,
    ) -> Proposal {
        let org = company.organisation.id;
        let proposal = proposal(org, supplier, company.items.values().take(items), now);
        let owner = Owner::Org(org);
        let pending = Record::PendingProposal(Pointer { to: proposal.id });
        self.put(owner, Key::PendingProposal(supplier), pending);
        self.put(owner, Key::Proposal(proposal.id), Record::Proposal(proposal.clone()));
        proposal
    }
}

/// A proposal as planning leaves it, over one of each item.
pub fn proposal<'i>(
    org: OrgId,
    supplier: ContactId,
    items: impl Iterator<Item = &'i Item>,
    now: Timestamp,
) -> Proposal {
    let today = now.to_zoned(TimeZone::UTC).date();
    let lines = items.map(|item| ProposalLine {
        item: item.id,
        code: item.code.clone(),
        name: item.name.clone(),
        location: LocationId::main(),
        quantity: Quantity::ONE,
        unit_price: item.purchase_price.unwrap_or_default(),
        reason: "for the test".into(),
        inputs: BTreeMap::new(),
        by: None,
    });
    Proposal {
        id: Proposal::new_id(org, supplier, now),
        supplier,
        supplier_name: String::new(),
        planned_on: today,
        wanted_on: today,
        proposed_at: now,
        lines: lines.collect(),
        status: ProposalState::Open,
    }
}

impl State {
    fn apply(&mut self, owner: Owner, write: &Write) {
        let at = (owner, write.key.clone());
        let version = self.rows.get(&at).map_or(0, |(_, version)| *version);
        match &write.record {
            Some(record) => {
                self.rows.insert(at, (record.clone(), version + 1));
            }
            None => {
                self.rows.remove(&at);
            }
        }
    }

    fn holds(&self, owner: Owner, write: &Write) -> bool {
        let version = self.rows.get(&(owner, write.key.clone())).map(|(_, version)| *version);
        match write.expect {
            Expect::Absent => version.is_none(),
            Expect::Version(expected) => version == Some(expected),
            Expect::Anything => true,
        }
    }

    fn row(&self, owner: Owner, key: &Key) -> Option<Row> {
        let (record, version) = self.rows.get(&(owner, key.clone()))?;
        Some(Row { key: key.clone(), record: record.clone(), version: *version })
    }
}

/// Rows whose size depends on how much there is of something.
const fn grows(key: &Key) -> bool {
    !matches!(
        key,
        Key::Position(..)
            | Key::Layer(..)
            | Key::Checkpoint(..)
            | Key::Restatement(..)
            | Key::Movement(..)
            | Key::OrderLine(..)
            | Key::Lease
            | Key::Cursor(_)
            | Key::Hint(_)
    )
}

/// Why a set of writes could never be written, if so.
fn impossible(writes: &[Write]) -> Option<String> {
    let mut keys = BTreeSet::new();
    for write in writes {
        if !keys.insert(&write.key) {
            return Some(format!("{:?} is written twice", write.key));
        }
        let bytes = if grows(&write.key) {
            serde_json::to_vec(&write.record).map_or(usize::MAX, |json| json.len())
        } else {
            0
        };
        if bytes > ROW_BYTES_MAX {
            return Some(format!("{:?} has {bytes} bytes, more than {ROW_BYTES_MAX}", write.key));
        }
    }
    None
}

impl Store for FakeStore {
    async fn get(&self, owner: Owner, keys: &[Key]) -> Result<Vec<Option<Row>>, StoreError> {
        if keys.len() > GET_KEYS_MAX {
            self.sim.violation(format!("{} rows are read at once, more than {GET_KEYS_MAX}", keys.len()));
        }
        if self.sim.point(Edge::Before, "store.get").await == Verdict::Fail {
            return Err(StoreError::Unavailable("throttled".into()));
        }
        // several rows are not read at one instant
        let torn_at = if keys.len() > 1 && self.sim.odd() {
            self.sim.draw(|rng| rng.below(keys.len() as u64)) as usize
        } else {
            0
        };
        let (first, rest) = keys.split_at(torn_at);
        let mut rows: Vec<_> = first.iter().map(|key| lock(&self.state).row(owner, key)).collect();
        if torn_at > 0 && self.sim.point(Edge::Before, "store.get.rest").await == Verdict::Fail {
            return Err(StoreError::Unavailable("throttled".into()));
        }
        rows.extend(rest.iter().map(|key| lock(&self.state).row(owner, key)));
        if self.sim.point(Edge::After, "store.get").await == Verdict::Fail {
            return Err(StoreError::Unavailable("timed out".into()));
        }
        Ok(rows)
    }

    async fn list(
        &self,
        owner: Owner,
        list: &List,
        after: Option<&Key>,
        limit: u32,
    ) -> Result<Page, StoreError> {
        let read = || {
            let state = lock(&self.state);
            let limit = limit.max(1) as usize;
            // a page may end early, and an end may show only on the next page
            let short = self.sim.odd();
            let limit = if short { 1 + self.sim.draw(|rng| rng.below(limit as u64)) as usize } else { limit };
            let mut found = state.rows.iter().filter(|((of, key), _)| {
                *of == owner && list.holds(key) && after.is_none_or(|after| key > after)
            });
            let rows: Vec<Row> = found
                .by_ref()
                .take(limit)
                .map(|((_, key), (record, version))| Row {
                    key: key.clone(),
                    record: record.clone(),
                    version: *version,
                })
                .collect();
            let more = rows.len() == limit && (short || found.next().is_some());
            let next = if more { rows.last().map(|row| row.key.clone()) } else { None };
            Ok(Page { rows, next })
        };
        let unavailable = || StoreError::Unavailable("throttled".into());
        self.sim.call("store.list", unavailable, read, unavailable).await
    }

    async fn commit(&self, owner: Owner, commit: Commit) -> Result<(), CommitError> {
        if commit.writes.is_empty() || commit.writes.len() > COMMIT_WRITES_MAX {
            return Err(CommitError::Impossible(format!(
                "{} writes, not 1 to {COMMIT_WRITES_MAX}",
                commit.writes.len()
            )));
        }
        if let Some(why) = impossible(&commit.writes) {
            return Err(CommitError::Impossible(why));
        }
        if self.sim.point(Edge::Before, "store.commit").await == Verdict::Fail {
            return Err(if self.sim.draw(|rng| rng.chance(500)) {
                CommitError::Conflict { keys: Vec::new() }
            } else {
                CommitError::Unknown("throttled".into())
            });
        }
        let answer = self.write(owner, &commit);
        if self.sim.point(Edge::After, "store.commit").await == Verdict::Fail {
            return Err(CommitError::Unknown("timed out".into()));
        }
        answer
    }

    async fn write_each(&self, owner: Owner, writes: Vec<Write>) -> Result<(), CommitError> {
        if let Some(why) = impossible(&writes) {
            return Err(CommitError::Impossible(why));
        }
        if let Some(write) = writes.iter().find(|write| write.expect != Expect::Anything) {
            return Err(CommitError::Impossible(format!("{:?} names a condition", write.key)));
        }
        if self.sim.point(Edge::Before, "store.write_each").await == Verdict::Fail {
            return Err(CommitError::Unknown("throttled".into()));
        }
        // each is written by itself: a stop in between leaves some
        let half = self.sim.draw(|rng| rng.below(writes.len() as u64 + 1)) as usize;
        let (first, rest) = writes.split_at(half);
        for write in first {
            self.derived(owner, write);
        }
        if !rest.is_empty()
            && half > 0
            && self.sim.point(Edge::Before, "store.write_each.rest").await == Verdict::Fail
        {
            return Err(CommitError::Unknown("throttled".into()));
        }
        for write in rest {
            self.derived(owner, write);
        }
        if self.sim.point(Edge::After, "store.write_each").await == Verdict::Fail {
            return Err(CommitError::Unknown("timed out".into()));
        }
        Ok(())
    }
}

impl FakeStore {
    fn write(&self, owner: Owner, commit: &Commit) -> Result<(), CommitError> {
        let now = self.sim.now();
        let mut state = lock(&self.state);
        state.commits.retain(|_, (at, _)| later(*at, COMMIT_REMEMBERED) > now);
        // one row alone is a conditional put, which knows no ids
        if commit.writes.len() > 1 {
            match state.commits.get(&commit.id) {
                Some((_, earlier)) if earlier == commit => return Ok(()),
                Some(_) => return Err(CommitError::Impossible("another commit has the same id".into())),
                None => {}
            }
        }
        let failed: Vec<Key> = commit
            .writes
            .iter()
            .filter(|write| !state.holds(owner, write))
            .map(|write| write.key.clone())
            .collect();
        if !failed.is_empty() {
            let keys = if self.sim.odd() { Vec::new() } else { failed };
            return Err(CommitError::Conflict { keys });
        }
        for broken in laws(&mut state, owner, commit) {
            self.sim.violation(broken);
        }
        for write in &commit.writes {
            state.apply(owner, write);
        }
        state.commits.insert(commit.id, (now, commit.clone()));
        state.written += 1;
        Ok(())
    }

    fn derived(&self, owner: Owner, write: &Write) {
        if needs_audit(&write.key) {
            self.sim.violation(format!("{:?} is written as if it were derived", write.key));
        }
        lock(&self.state).apply(owner, write);
    }
}

/// Rows that are state of the business: they never change without an audit entry.
const fn needs_audit(key: &Key) -> bool {
    matches!(
        key,
        Key::Document(_)
            | Key::DocumentLines(..)
            | Key::Position(..)
            | Key::Layer(..)
            | Key::Checkpoint(..)
            | Key::Restatement(..)
            | Key::Movement(..)
            | Key::OrderLine(..)
            | Key::Proposal(_)
            | Key::PendingProposal(_)
            | Key::Policy
            | Key::ItemSettings(_)
            | Key::SupplierSettings(_)
            | Key::AuditEntry(_)
            | Key::AuditHead
    )
}

/// The laws of a commit, checked before it is applied; answers those that it breaks.
fn laws(state: &mut State, owner: Owner, commit: &Commit) -> Vec<String> {
    let mut broken = Vec::new();
    let entries: Vec<_> = commit
        .writes
        .iter()
        .filter_map(|write| match &write.record {
            Some(Record::AuditEntry(entry)) => Some(entry),
            _ => None,
        })
        .collect();
    if let Some(write) = commit.writes.iter().find(|write| needs_audit(&write.key)) {
        match entries.as_slice() {
            [entry] => broken.extend(entry_fits(&entry.payload, commit)),
            _ => broken.push(format!("{:?} is written with {} audit entries", write.key, entries.len())),
        }
    }
    for write in &commit.writes {
        let exists = state.rows.contains_key(&(owner, write.key.clone()));
        if exists && matches!(write.key, Key::Movement(..) | Key::Restatement(..) | Key::AuditEntry(_)) {
            broken.push(format!("{:?} was written before and is not to change", write.key));
        }
        if let (Owner::Org(org), Some(Record::Movement(movement))) = (owner, &write.record) {
            let quantity = i128::from(movement.quantity.e4());
            let change = if movement.key.out { -quantity } else { quantity };
            *state.booked.entry((org, movement.item)).or_default() += change;
        }
    }
    broken.extend(commit.writes.iter().filter_map(|write| second_proposal(state, owner, commit, write)));
    for write in &commit.writes {
        if let (Owner::Org(org), Key::Position(item, _), Some(Record::Position(position))) =
            (owner, &write.key, &write.record)
        {
            let sum = state.booked.get(&(org, *item)).copied().unwrap_or_default();
            if i128::from(position.booked.e4()) != sum {
                broken.push(format!(
                    "{item} has a position of {} after movements of {sum}",
                    position.booked.e4()
                ));
            }
        }
        if let (Key::Layer(item, location), Some(Record::Layer(layers))) = (&write.key, &write.record) {
            let layer = layers.total();
            let position =
                commit.writes.iter().find(|other| other.key == Key::Position(*item, location.clone()));
            if let Some(Record::Position(position)) = position.and_then(|write| write.record.as_ref())
                && (layer.quantity, layer.cost) != (position.booked, position.value)
            {
                broken.push(format!("{item} has a cost layer that differs from its position"));
            }
        }
    }
    broken
}

/// An open proposal beside one that is still open for the same supplier.
fn second_proposal(state: &State, owner: Owner, commit: &Commit, write: &Write) -> Option<String> {
    let Some(Record::Proposal(Proposal { id, supplier, status: ProposalState::Open, .. })) = &write.record
    else {
        return None;
    };
    let ends = |key: &Key| commit.writes.iter().any(|write| write.key == *key);
    let other = state.rows.iter().find_map(|((of, key), (record, _))| match record {
        Record::Proposal(other)
            if *of == owner
                && other.id != *id
                && other.supplier == *supplier
                && other.status == ProposalState::Open
                && !ends(key) =>
        {
            Some(other.id)
        }
        _ => None,
    })?;
    Some(format!("{id} is proposed to {supplier} while {other} is open"))
}

/// Whether the audit entry speaks of this commit and of these rows.
fn entry_fits(payload: &str, commit: &Commit) -> Option<String> {
    let Ok(statement) = serde_json::from_str::<Statement>(payload) else {
        return Some("an audit entry can't be read".into());
    };
    let rows: Vec<_> = commit
        .writes
        .iter()
        .filter(|write| !matches!(write.key, Key::AuditEntry(_) | Key::AuditHead))
        .map(|write| (&write.key, &write.record))
        .collect();
    let json = serde_json::to_vec(&rows).unwrap_or_default();
    (statement.commit != commit.id || statement.rows != Hash::of(&json)).then(|| {
        format!("the audit entry `{}` does not hold the digest of its commit's rows", statement.what)
    })
}

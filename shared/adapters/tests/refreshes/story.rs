//! Eight processes, one token set, a scripted Xero, a store and a vault that lose answers, and a simulated clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use parstock_adapters::tokens::StoreTokens;
use parstock_adapters::vault::{Freshness, Vault, VaultError};
use parstock_tests::rng::Rng;
use parstock_tests::scheduler::{Edge, Faults, Sim, Tasks, Verdict, run_alone};
use parstock_tests::store::FakeStore;
use parstock_xero::{
    Clock, ConnectionKind, Error, HeldToken, IdentityServer, IssueError, Issued, Problem, REFRESH_GRACE,
    REFRESH_LIFETIME, Renewal, StoredToken, TOKEN_SKEW, TOKEN_TIMEOUT, TokenRequest,
};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

/// Processes.
const WORKERS: usize = 8;
/// How long an access token lives.
const ACCESS_LIFETIME: SignedDuration = SignedDuration::from_mins(30);
/// A process that takes longer is killed: a function's longest run.
const TIME_OUT: SignedDuration = SignedDuration::from_mins(5);
/// What goes wrong, per thousand points: each call of Xero, store and vault has one before its effect and one after.
const FAULTS: Faults = Faults { fail_before: 30, fail_after: 30, crash: 10, delay: 30, oddity: 0 };
/// The longest wait of a process between two things it wants of Xero while the token is good.
const PAUSE_MAX: SignedDuration = SignedDuration::from_mins(20);
/// The longest wait before it asks again when it got none.
const AGAIN_MAX: SignedDuration = SignedDuration::from_mins(2);

/// A mistake put in on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// Xero takes a refresh token once and not again.
    NoGrace,
    /// Whatever was put last into the vault is taken for what is in force.
    LatePutsCount,
}

impl Plant {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::NoGrace, Self::LatePutsCount];
}

/// What is to happen.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// Of all chance.
    pub seed: u64,
    /// After how many refreshes it ends.
    pub refreshes: u64,
    /// Unconfirmed of Xero: using a refresh token again ends the one that its first use gave.
    pub reuse_ends_the_successor: bool,
    /// A mistake.
    pub plant: Option<Plant>,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Refreshes that Xero did.
    pub refreshes: u64,
    /// Refreshes of which the answer was used.
    pub used: u64,
    /// Requests that never reached Xero.
    pub lost_before: u64,
    /// Answers that got lost although Xero had rotated.
    pub lost_after: u64,
    /// New tokens that could not be persisted.
    pub unpersisted: u64,
    /// Processes that died.
    pub crashes: u64,
    /// Processes that died after Xero's answer and before it was persisted.
    pub crashes_between: u64,
    /// Calls that took long, some longer than the lease.
    pub delayed: u64,
    /// Connections that were lost: Xero took none of the refresh tokens any more.
    pub lost: u64,
    /// Laws that were broken.
    pub violations: Vec<String>,
    /// Simulated time.
    pub took: SignedDuration,
}

impl Told {
    /// How often each step failed.
    pub fn steps(&self) -> [(&'static str, u64); 6] {
        [
            ("request lost before Xero", self.lost_before),
            ("answer lost after Xero rotated", self.lost_after),
            ("answer not persisted", self.unpersisted),
            ("process died", self.crashes),
            ("process died between answer and persisting", self.crashes_between),
            ("call took long", self.delayed),
        ]
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Xero's side: which refresh tokens it takes.
struct Xero {
    sim: Sim,
    story: Story,
    state: Mutex<XeroState>,
}

#[derive(Default)]
struct XeroState {
    given: u64,
    refresh: BTreeMap<String, Refresh>,
    told: Told,
}

struct Refresh {
    given_at: Timestamp,
    used_at: Option<Timestamp>,
    after: Option<String>,
}

impl Xero {
    /// New tokens.
    fn give(&self, state: &mut XeroState, after: Option<String>) -> Issued {
        state.given += 1;
        let (access, refresh) = (format!("access-{}", state.given), format!("refresh-{}", state.given));
        let given = Refresh { given_at: self.sim.now(), used_at: None, after };
        state.refresh.insert(refresh.clone(), given);
        Issued {
            access: access.into(),
            lifetime: ACCESS_LIFETIME,
            refresh: Some(refresh.into()),
            scopes: Vec::new(),
        }
    }

    /// What a consent gives.
    fn consent(&self) -> Issued {
        self.give(&mut lock(&self.state), None)
    }

    fn rotate(&self, handle: &str) -> Result<Issued, IssueError> {
        let mut state = lock(&self.state);
        let now = self.sim.now();
        state
            .refresh
            .retain(|_, token| token.used_at.is_none_or(|at| now.duration_since(at) < REFRESH_GRACE));
        let refused = IssueError::Failed(Error::AskPerson(Problem::ConsentEnded));
        let Some(token) = state.refresh.get_mut(handle) else { return Err(refused) };
        let again = token.used_at.is_some();
        let too_old = now.duration_since(token.given_at) >= REFRESH_LIFETIME;
        if too_old || (again && self.story.plant == Some(Plant::NoGrace)) {
            return Err(refused);
        }
        token.used_at.get_or_insert(now);
        if again && self.story.reuse_ends_the_successor {
            state.refresh.retain(|_, next| next.after.as_deref() != Some(handle) || next.used_at.is_some());
        }
        state.told.refreshes += 1;
        Ok(self.give(&mut state, Some(handle.to_owned())))
    }
}

/// The simulated clock, as the client asks it.
struct Ticks(Sim);

impl Clock for Ticks {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// One process's way to Xero. It knows whether an answer has come that is not persisted yet.
struct Way {
    xero: Arc<Xero>,
    worker: Arc<Mutex<Worker>>,
}

impl IdentityServer for Way {
    async fn issue(&self, request: TokenRequest<'_>) -> Result<Issued, IssueError> {
        let TokenRequest::Refresh(refresh) = request else {
            return Err(IssueError::Failed(Error::AskPerson(Problem::ConnectionNotAllowed)));
        };
        let (sim, refresh) = (&self.xero.sim, refresh.expose_secret().to_owned());
        let sent_at = sim.now();
        // the client hangs up then; what has not reached Xero by that time never does
        let hung_up = || sim.now().duration_since(sent_at).unsigned_abs() > TOKEN_TIMEOUT;
        if sim.point(Edge::Before, "xero.refresh").await == Verdict::Fail || hung_up() {
            lock(&self.xero.state).told.lost_before += 1;
            return Err(IssueError::Lost("before".to_owned()));
        }
        let answer = self.xero.rotate(&refresh);
        if sim.point(Edge::After, "xero.refresh").await == Verdict::Fail || hung_up() {
            lock(&self.xero.state).told.lost_after += 1;
            return Err(IssueError::Lost("after".to_owned()));
        }
        lock(&self.worker).unpersisted = answer.is_ok();
        answer
    }
}

/// The vault.
struct FakeVault {
    sim: Sim,
    plant: Option<Plant>,
    latest: Mutex<BTreeMap<String, String>>,
    /// In the order in which they were put.
    versions: Mutex<Vec<(Uuid, String)>>,
}

/// Versions that are remembered; AWS keeps those of a day at least.
const VERSIONS_KEPT: usize = 200;

impl FakeVault {
    async fn call<T>(&self, call: &'static str, effect: impl FnOnce() -> T + Send) -> Result<T, VaultError> {
        let lost = || VaultError::Unavailable { name: "token".to_owned(), why: "timed out".to_owned() };
        if self.sim.point(Edge::Before, call).await == Verdict::Fail {
            return Err(lost());
        }
        let answer = effect();
        if self.sim.point(Edge::After, call).await == Verdict::Fail {
            return Err(lost());
        }
        Ok(answer)
    }
}

impl Vault for FakeVault {
    async fn get(&self, name: &str, _: Freshness) -> Result<Option<SecretString>, VaultError> {
        let read = || lock(&self.latest).get(name).map(|text| SecretString::from(text.clone()));
        self.call("vault.get", read).await
    }

    async fn put(&self, name: &str, secret: SecretString) -> Result<(), VaultError> {
        let write = || drop(lock(&self.latest).insert(name.to_owned(), secret.expose_secret().to_owned()));
        self.call("vault.put", write).await
    }

    async fn put_version(&self, name: &str, version: Uuid, secret: SecretString) -> Result<(), VaultError> {
        let write = || {
            let text = secret.expose_secret().to_owned();
            lock(&self.latest).insert(name.to_owned(), text.clone());
            let mut versions = lock(&self.versions);
            versions.push((version, text));
            let excess = versions.len().saturating_sub(VERSIONS_KEPT);
            versions.drain(..excess);
        };
        self.call("vault.put", write).await
    }

    async fn get_version(&self, name: &str, version: Uuid) -> Result<Option<SecretString>, VaultError> {
        let read = || {
            let late = self.plant == Some(Plant::LatePutsCount);
            let text = match late {
                true => lock(&self.latest).get(name).cloned(),
                false => {
                    let versions = lock(&self.versions);
                    versions.iter().find(|(id, _)| *id == version).map(|(_, text)| text.clone())
                }
            };
            text.map(SecretString::from)
        };
        self.call("vault.get", read).await
    }

    async fn forget(&self, name: &str) -> Result<(), VaultError> {
        lock(&self.latest).remove(name);
        Ok(())
    }
}

/// A process, as the world sees it.
struct Worker {
    /// Of the process that runs now: what it holds in memory, which dies with it.
    held: Arc<HeldToken>,
    tokens: Arc<StoreTokens<FakeStore, FakeVault, Sim>>,
    next_at: Timestamp,
    /// Whether a run has begun whose end was not looked at.
    begun: bool,
    runs: bool,
    unpersisted: bool,
    /// What came of the last run; `None` if it died.
    outcome: Option<Result<StoredToken, Error>>,
}

/// Notes that a process has ended, however it did.
struct Running(Arc<Mutex<Worker>>);

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.0).runs = false;
    }
}

/// Everything.
struct Ground {
    sim: Sim,
    xero: Arc<Xero>,
    store: Arc<FakeStore>,
    vault: Arc<FakeVault>,
}

impl Ground {
    fn tokens(&self) -> Arc<StoreTokens<FakeStore, FakeVault, Sim>> {
        let (store, vault) = (Arc::clone(&self.store), Arc::clone(&self.vault));
        Arc::new(StoreTokens::new(store, vault, Arc::new(self.sim.clone()), "main".to_owned()))
    }

    /// A person consents; answers the new process's tokens.
    fn consent(&self) -> bool {
        let issued = self.xero.consent();
        let now = self.sim.now();
        let token = StoredToken {
            access: issued.access,
            expires_at: later(now, ACCESS_LIFETIME),
            version: 1,
            issued_at: Some(now),
            scopes: Vec::new(),
            renewal: issued.refresh.map(|refresh| Renewal { refresh, fallback: None, ended: false }),
        };
        // no process runs into it: the person waits until the lease is free
        self.sim.set_faults(Faults::NONE);
        let adopted = run_alone(self.tokens().adopt(token, later(now, SignedDuration::from_hours(1))));
        self.sim.set_faults(FAULTS);
        adopted.is_ok_and(|adopted| adopted)
    }
}

fn later(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.checked_add(time).unwrap_or(Timestamp::MAX)
}

fn some_of(rng: &mut Rng, most: SignedDuration) -> SignedDuration {
    let most = u64::try_from(most.as_millis()).unwrap_or(0);
    SignedDuration::from_millis(i64::try_from(rng.below(most)).unwrap_or(0))
}

/// Lets it happen.
pub fn run(story: &Story) -> Told {
    let began = Timestamp::UNIX_EPOCH;
    let sim = Sim::new(story.seed, began);
    let xero = Arc::new(Xero { sim: sim.clone(), story: *story, state: Mutex::default() });
    let ground = Ground {
        store: Arc::new(FakeStore::new(sim.clone())),
        vault: Arc::new(FakeVault {
            sim: sim.clone(),
            plant: story.plant,
            latest: Mutex::default(),
            versions: Mutex::default(),
        }),
        xero: Arc::clone(&xero),
        sim: sim.clone(),
    };
    assert!(ground.consent(), "the first consent");
    let new_process = |next_at| Worker {
        held: Arc::default(),
        tokens: ground.tokens(),
        next_at,
        begun: false,
        runs: false,
        unpersisted: false,
        outcome: None,
    };
    let workers: Vec<Arc<Mutex<Worker>>> =
        (0..WORKERS).map(|_| Arc::new(Mutex::new(new_process(sim.now())))).collect();
    let mut tasks = Tasks::new(sim.clone());
    let mut told = Told::default();
    while lock(&xero.state).told.refreshes < story.refreshes {
        for worker in &workers {
            begin(&ground, worker, &mut tasks);
        }
        if !tasks.step() {
            let next = workers.iter().map(|worker| {
                let worker = lock(worker);
                if worker.begun { Timestamp::MAX } else { worker.next_at }
            });
            let next = next.min().into_iter().chain(tasks.next_due()).min().unwrap_or(Timestamp::MAX);
            sim.pass_until(next);
        }
        let mut ended = false;
        for worker in &workers {
            ended |= end(&ground, worker, &mut told, &new_process);
        }
        if ended {
            told.lost += 1;
            // a person mends it, so that the story goes on
            if !ground.consent() {
                told.violations.push("a new consent could not be kept".to_owned());
                break;
            }
        }
    }
    let harms = sim.harms();
    let harm = |name: &str| harms.get(name).copied().unwrap_or(0);
    let seen = std::mem::take(&mut lock(&xero.state).told);
    told.violations.extend(sim.violations());
    Told {
        refreshes: seen.refreshes,
        lost_before: seen.lost_before,
        lost_after: seen.lost_after,
        delayed: harm("delayed"),
        took: sim.now().duration_since(began),
        ..told
    }
}

/// Starts a process that has something to do.
fn begin(ground: &Ground, worker: &Arc<Mutex<Worker>>, tasks: &mut Tasks) {
    let now = ground.sim.now();
    let mut state = lock(worker);
    if state.begun || state.next_at > now {
        return;
    }
    (state.begun, state.runs, state.unpersisted, state.outcome) = (true, true, false, None);
    let (held, tokens, sim) = (Arc::clone(&state.held), Arc::clone(&state.tokens), ground.sim.clone());
    let way = Way { xero: Arc::clone(&ground.xero), worker: Arc::clone(worker) };
    let running = Running(Arc::clone(worker));
    tasks.spawn("worker", TIME_OUT, async move {
        let got = held.get(&*tokens, &way, ConnectionKind::Consent, &Ticks(sim), 0).await;
        lock(&running.0).outcome = Some(got);
    });
}

/// Looks what came of a process that has ended. Whether the connection is lost.
fn end(
    ground: &Ground,
    worker: &Arc<Mutex<Worker>>,
    told: &mut Told,
    new_process: &impl Fn(Timestamp) -> Worker,
) -> bool {
    let now = ground.sim.now();
    let mut state = lock(worker);
    if state.runs || !state.begun {
        return false;
    }
    state.begun = false;
    let pause = |most| later(now, ground.sim.draw(|rng| some_of(rng, most)));
    match state.outcome.take() {
        None => {
            told.crashes += 1;
            told.crashes_between += u64::from(state.unpersisted);
            *state = new_process(pause(AGAIN_MAX));
        }
        Some(Ok(token)) => {
            told.used += u64::from(state.unpersisted);
            if now.duration_until(token.expires_at) <= SignedDuration::ZERO && state.unpersisted {
                told.violations.push("a new token is too old".to_owned());
            }
            let good_for = now.duration_until(token.expires_at) - TOKEN_SKEW;
            state.next_at = pause(PAUSE_MAX.min(good_for.max(SignedDuration::from_secs(1))));
        }
        Some(Err(Error::AskPerson(_))) => {
            *state = new_process(pause(AGAIN_MAX));
            return true;
        }
        Some(Err(Error::Store { .. })) if state.unpersisted => {
            told.unpersisted += 1;
            state.next_at = pause(AGAIN_MAX);
        }
        Some(Err(_)) => state.next_at = pause(AGAIN_MAX),
    }
    false
}

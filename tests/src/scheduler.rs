//! The seeded scheduler: tasks are futures that only ever wait in calls of the fakes, and each call has
//! two points at which the scheduler decides what becomes of it. The same seed gives the same history.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use jiff::{SignedDuration, Timestamp};

use crate::rng::Rng;

/// Which side of a call's effect a point lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Nothing has happened yet.
    Before,
    /// It has happened, and the caller doesn't know.
    After,
}

/// What becomes of a call at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Proceed,
    /// It fails: before its effect, or after it with the answer lost.
    Fail,
}

/// What the scheduler does to a task at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// The call fails.
    Fail,
    /// The task is dropped where it stands, as when a function runs out of time or memory.
    Crash,
}

/// How often something goes wrong, per thousand points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A call fails without effect.
    pub fail_before: u32,
    /// A call has its effect, and its answer is lost.
    pub fail_after: u32,
    /// The task is dropped.
    pub crash: u32,
    /// The call takes long.
    pub delay: u32,
    /// Oddities that are no failures: short pages, torn reads, doubled messages, lost webhooks, …
    pub oddity: u32,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self { fail_before: 0, fail_after: 0, crash: 0, delay: 0, oddity: 0 };
    /// Everything goes wrong now and then.
    pub const SOME: Self = Self { fail_before: 20, fail_after: 20, crash: 8, delay: 20, oddity: 150 };
}

/// Harm planned for one point of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// At which point, counted from 1.
    pub at: u64,
    /// What is done there.
    pub harm: Harm,
    /// For how long from then on every point meets the same; zero harms the one point.
    pub lasts: SignedDuration,
}

struct State {
    now: Timestamp,
    rng: Rng,
    faults: Faults,
    planned: Option<Planned>,
    planned_until: Option<Timestamp>,
    points: u64,
    crash: bool,
    sleep_until: Option<Timestamp>,
    history: u64,
    failures: BTreeMap<&'static str, u64>,
    violations: Vec<String>,
}

/// What all fakes share: time, chance and the decisions at their points.
#[derive(Clone)]
pub struct Sim(Arc<Mutex<State>>);

/// Locks, whatever a panicking task left behind: the state is only ever changed in whole steps.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sim {
    /// A world at `now` in which all chance follows from `seed`, and nothing goes wrong yet.
    pub fn new(seed: u64, now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(State {
            now,
            rng: Rng::new(seed),
            faults: Faults::NONE,
            planned: None,
            planned_until: None,
            points: 0,
            crash: false,
            sleep_until: None,
            history: 0xcbf2_9ce4_8422_2325,
            failures: BTreeMap::new(),
            violations: Vec::new(),
        })))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        lock(&self.0).now
    }

    /// Lets time pass.
    pub fn pass(&self, time: SignedDuration) {
        let mut state = lock(&self.0);
        state.now = later(state.now, time);
    }

    /// Moves time forward to `to`; never back.
    pub fn pass_until(&self, to: Timestamp) {
        let mut state = lock(&self.0);
        state.now = state.now.max(to);
    }

    /// From now on this often.
    pub fn set_faults(&self, faults: Faults) {
        lock(&self.0).faults = faults;
    }

    /// Plans harm for one point.
    pub fn plan(&self, planned: Planned) {
        lock(&self.0).planned = Some(planned);
    }

    /// Whether a planned outage is under way.
    pub fn is_outage(&self) -> bool {
        let state = lock(&self.0);
        state.planned_until.is_some_and(|until| state.now < until)
    }

    /// Draws from the run's chance.
    pub fn draw<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut lock(&self.0).rng)
    }

    /// Whether an oddity happens here.
    pub fn odd(&self) -> bool {
        let mut state = lock(&self.0);
        let per_mille = state.faults.oddity;
        per_mille > 0 && state.rng.chance(per_mille)
    }

    /// How many points were passed.
    pub fn points(&self) -> u64 {
        lock(&self.0).points
    }

    /// How often each kind of harm was done.
    pub fn harms(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.0).failures.clone()
    }

    /// A digest of all that happened, in its order.
    pub fn history(&self) -> u64 {
        lock(&self.0).history
    }

    /// Adds to the history.
    pub fn note(&self, what: &str) {
        lock(&self.0).note(what);
    }

    /// Notes that a law was broken. Fakes don't panic: a use case might catch it.
    pub fn violation(&self, what: String) {
        lock(&self.0).violations.push(what);
    }

    /// The laws that were broken.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.0).violations.clone()
    }

    /// Waits for its turn at a point of the call `name`.
    pub fn point<'a>(
        &'a self,
        edge: Edge,
        name: &'static str,
    ) -> impl Future<Output = Verdict> + Send + use<'a> {
        AtPoint { sim: self, edge, name, turn: Turn::First }
    }

    /// One call of a fake: a point, its effect, a point. `refuse` answers for a call that fails before its
    /// effect, `lose` for one whose answer is lost.
    pub async fn call<T, E>(
        &self,
        name: &'static str,
        refuse: impl FnOnce() -> E,
        effect: impl FnOnce() -> Result<T, E>,
        lose: impl FnOnce() -> E,
    ) -> Result<T, E> {
        if self.point(Edge::Before, name).await == Verdict::Fail {
            return Err(refuse());
        }
        let answer = effect();
        if self.point(Edge::After, name).await == Verdict::Fail {
            return Err(lose());
        }
        answer
    }
}

/// `now` and some time, held at the end of time.
pub(crate) fn later(now: Timestamp, time: SignedDuration) -> Timestamp {
    now.checked_add(time).unwrap_or(Timestamp::MAX)
}

impl State {
    fn note(&mut self, what: &str) {
        for byte in what.bytes().chain([0]) {
            self.mix(u64::from(byte));
        }
    }

    /// FNV-1a.
    const fn mix(&mut self, value: u64) {
        self.history = (self.history ^ value).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn decide(&mut self, edge: Edge) -> Decision {
        self.points += 1;
        if let Some(planned) = self.planned {
            if self.points == planned.at {
                self.planned_until = Some(later(self.now, planned.lasts));
                return planned.harm.into();
            }
            if self.planned_until.is_some_and(|until| self.now < until) {
                return planned.harm.into();
            }
        }
        let fail = match edge {
            Edge::Before => self.faults.fail_before,
            Edge::After => self.faults.fail_after,
        };
        let Faults { crash, delay, .. } = self.faults;
        let drawn = u32::try_from(self.rng.below(1_000)).unwrap_or(u32::MAX);
        if drawn < fail {
            Decision::Fail
        } else if drawn < fail + crash {
            Decision::Crash
        } else if drawn < fail + crash + delay {
            // most delays are short; some outlast the function
            let seconds_max = if self.rng.chance(50) { 600 } else { 5 };
            Decision::Delay(later(self.now, SignedDuration::from_millis(self.millis(seconds_max * 1_000))))
        } else {
            Decision::Proceed
        }
    }

    fn millis(&mut self, limit: u64) -> i64 {
        i64::try_from(self.rng.below(limit)).unwrap_or(i64::MAX)
    }

    fn count(&mut self, what: &'static str) {
        *self.failures.entry(what).or_default() += 1;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Proceed,
    Fail,
    Crash,
    Delay(Timestamp),
}

impl From<Harm> for Decision {
    fn from(harm: Harm) -> Self {
        match harm {
            Harm::Fail => Self::Fail,
            Harm::Crash => Self::Crash,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    First,
    Second,
    Delayed,
}

struct AtPoint<'a> {
    sim: &'a Sim,
    edge: Edge,
    name: &'static str,
    turn: Turn,
}

impl Future for AtPoint<'_> {
    type Output = Verdict;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Verdict> {
        // a set of futures inside a task polls only those that woke it
        context.waker().wake_by_ref();
        match self.turn {
            Turn::First => {
                self.turn = Turn::Second;
                Poll::Pending
            }
            Turn::Delayed => Poll::Ready(Verdict::Proceed),
            Turn::Second => {
                let mut state = lock(&self.sim.0);
                let decision = state.decide(self.edge);
                state.note(self.name);
                state.note(match (self.edge, decision) {
                    (_, Decision::Proceed) => "goes on",
                    (Edge::Before, Decision::Fail) => "fails",
                    (Edge::After, Decision::Fail) => "loses its answer",
                    (_, Decision::Crash) => "crashes",
                    (_, Decision::Delay(_)) => "takes long",
                });
                match decision {
                    Decision::Proceed => Poll::Ready(Verdict::Proceed),
                    Decision::Fail => {
                        state.count(if self.edge == Edge::Before { "failed before" } else { "failed after" });
                        Poll::Ready(Verdict::Fail)
                    }
                    Decision::Crash => {
                        state.count("crashed");
                        state.crash = true;
                        Poll::Pending
                    }
                    Decision::Delay(until) => {
                        state.count("delayed");
                        state.sleep_until = Some(until);
                        drop(state);
                        self.turn = Turn::Delayed;
                        Poll::Pending
                    }
                }
            }
        }
    }
}

struct Task {
    number: u64,
    name: &'static str,
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    ready_at: Timestamp,
    ends_at: Timestamp,
}

/// The tasks that are under way.
pub struct Tasks {
    sim: Sim,
    tasks: Vec<Task>,
    spawned: u64,
}

impl Tasks {
    /// None yet.
    pub fn new(sim: Sim) -> Self {
        Self { sim, tasks: Vec::new(), spawned: 0 }
    }

    /// Starts a task that is dropped when it takes longer than `time_out`.
    pub fn spawn(
        &mut self,
        name: &'static str,
        time_out: SignedDuration,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        let now = self.sim.now();
        self.sim.note(name);
        self.spawned += 1;
        let (number, future) = (self.spawned, Box::pin(future));
        self.tasks.push(Task { number, name, future, ready_at: now, ends_at: later(now, time_out) });
    }

    /// How many are under way.
    pub const fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether none is under way.
    pub const fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// When the next task can go on or is dropped; `None` without tasks.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.tasks.iter().map(|task| task.ready_at.min(task.ends_at)).min()
    }

    /// Gives one of the tasks that can go on its turn. Answers whether there was one.
    pub fn step(&mut self) -> bool {
        let now = self.sim.now();
        self.tasks.retain(|task| {
            if task.ends_at <= now {
                self.sim.note("timed out");
                lock(&self.sim.0).count("timed out");
            }
            task.ends_at > now
        });
        let ready: Vec<usize> = self
            .tasks
            .iter()
            .enumerate()
            .filter(|(_, task)| task.ready_at <= now)
            .map(|(at, _)| at)
            .collect();
        let Some(&at) = self.sim.draw(|rng| rng.pick(&ready)) else { return false };
        let mut task = self.tasks.swap_remove(at);
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| {
            task.future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        }));
        let mut state = lock(&self.sim.0);
        state.mix(task.number);
        let moment = SignedDuration::from_millis(state.millis(20));
        state.now = later(state.now, moment);
        let crashed = std::mem::take(&mut state.crash);
        let sleep_until = state.sleep_until.take();
        drop(state);
        match polled {
            Err(_) => self.sim.violation(format!("the task `{}` panicked", task.name)),
            Ok(Poll::Ready(())) => {}
            Ok(Poll::Pending) if crashed => {}
            Ok(Poll::Pending) => {
                task.ready_at = sleep_until.unwrap_or(now);
                self.tasks.push(task);
            }
        }
        true
    }
}

/// Runs one future of the fakes to its end, alone. It must not meet a crash.
pub fn run_alone<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    /// Ten tasks that each do five calls; answers the history and what they did.
    fn history(seed: u64, faults: Faults) -> (u64, Vec<u32>) {
        let sim = Sim::new(seed, START);
        sim.set_faults(faults);
        let done = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Tasks::new(sim.clone());
        for task in 0..10 {
            let (sim, done) = (sim.clone(), Arc::clone(&done));
            tasks.spawn("task", SignedDuration::from_secs(60), async move {
                for _ in 0..5 {
                    let _ = sim
                        .call(
                            "call",
                            || (),
                            || {
                                lock(&done).push(task);
                                Ok(())
                            },
                            || (),
                        )
                        .await;
                }
            });
        }
        while !tasks.is_empty() {
            if !tasks.step() {
                sim.pass_until(tasks.next_due().unwrap_or(START));
            }
        }
        let done = lock(&done).clone();
        (sim.history(), done)
    }

    #[test]
    fn the_same_seed_gives_the_same_history() {
        for seed in 0..50 {
            assert_eq!(history(seed, Faults::SOME), history(seed, Faults::SOME));
            assert_ne!(history(seed, Faults::SOME).0, history(seed + 1, Faults::SOME).0);
        }
    }

    #[test]
    fn tasks_interleave_and_nothing_is_lost_without_faults() {
        let (_, done) = history(1, Faults::NONE);
        assert_eq!(done.len(), 50);
        assert!(done.windows(2).any(|pair| pair[0] > pair[1]), "tasks took turns: {done:?}");
    }

    #[test]
    fn faults_stop_some_calls_and_tasks() {
        let (_, done) = history(3, Faults { crash: 100, fail_before: 100, ..Faults::NONE });
        assert!(done.len() < 50);
    }

    #[test]
    fn a_planned_crash_meets_exactly_its_point() {
        let sim = Sim::new(1, START);
        sim.plan(Planned { at: 2, harm: Harm::Crash, lasts: SignedDuration::ZERO });
        let effects = Arc::new(Mutex::new(0));
        let mut tasks = Tasks::new(sim.clone());
        for _ in 0..2 {
            let (sim, effects) = (sim.clone(), Arc::clone(&effects));
            tasks.spawn("task", SignedDuration::from_secs(60), async move {
                let first = sim
                    .call(
                        "first",
                        || (),
                        || {
                            *lock(&effects) += 1;
                            Ok(())
                        },
                        || (),
                    )
                    .await;
                let second = sim
                    .call(
                        "second",
                        || (),
                        || {
                            *lock(&effects) += 10;
                            Ok(())
                        },
                        || (),
                    )
                    .await;
                assert_eq!((first, second), (Ok(()), Ok(())));
            });
            while tasks.step() {}
        }
        assert_eq!(
            *lock(&effects),
            1 + 11,
            "the first task ended after its first effect, the second went through"
        );
        assert_eq!(sim.violations(), Vec::<String>::new());
    }

    #[test]
    fn a_panic_is_a_violation_and_a_late_task_is_dropped() {
        let sim = Sim::new(1, START);
        let mut tasks = Tasks::new(sim.clone());
        tasks.spawn("broken", SignedDuration::from_secs(60), async { panic!("on purpose") });
        let waiting = sim.clone();
        tasks.spawn("late", SignedDuration::from_secs(1), async move {
            waiting.point(Edge::Before, "call").await;
        });
        tasks.step();
        tasks.step();
        sim.pass(SignedDuration::from_secs(2));
        tasks.step();
        assert!(tasks.is_empty());
        assert_eq!(sim.violations(), ["the task `broken` panicked"]);
    }
}

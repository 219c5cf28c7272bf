//! The call budget of an org, shared by every process through the store.

use std::sync::{Arc, Mutex, PoisonError};

use parstock_app::ports::{Commit, CommitError, Entropy, Expect, Store, Write};
use parstock_app::records::{CallBudgetRecord, Content, Key, Owner, Record};
use parstock_domain::ids::{CommitId, OrgId};
use parstock_xero::{Answer, AppMinute, BudgetState, CallBudget, Grant, Priority, StoreError, Usage};
use thiserror::Error;

use jiff::Timestamp;

/// How often a step is tried again because another process was faster. At most five sessions are under way at once
/// per org, and each try fails only because another one succeeded.
const TRIES_MAX: u32 = 12;

/// Why the budget could not be kept.
#[derive(Debug, Error)]
enum BudgetError {
    #[error("the call budget holds something else than a budget: {0}")]
    Unreadable(String),
    #[error("other processes changed the call budget {TRIES_MAX} times in a row")]
    Busy,
}

/// The budget of one org, as a row that is only ever written over a version that is known.
#[derive(Debug)]
pub struct StoreBudget<S, E> {
    store: Arc<S>,
    entropy: Arc<E>,
    org: OrgId,
    app: Arc<AppMinute>,
    /// The state that the latest grant left: mostly nobody writes before it is settled.
    granted: Mutex<Option<(BudgetState, Expect)>>,
}

impl<S: Store, E: Entropy> StoreBudget<S, E> {
    /// The budget of `org`, which is reached with an app whose other organisations in this process have the same `app`.
    pub fn new(store: Arc<S>, entropy: Arc<E>, org: OrgId, app: Arc<AppMinute>) -> Self {
        Self { store, entropy, org, app, granted: Mutex::default() }
    }

    /// Takes the state as `known`, or else as it is read, lets `step` change it and writes it back, again as long as
    /// others were faster. `step` may be run several times; its last answer counts. Nothing is written when it says so.
    /// Answers the state that it left, too.
    async fn change<A>(
        &self,
        mut known: Option<(BudgetState, Expect)>,
        step: impl Fn(&mut BudgetState) -> (A, Keep) + Send,
    ) -> Result<(A, BudgetState, Expect), StoreError> {
        for _ in 0..TRIES_MAX {
            let (mut state, expect) = match known.take() {
                Some(known) => known,
                None => read_state(&*self.store, self.org).await?,
            };
            let (answer, keep) = step(&mut state);
            if matches!(keep, Keep::Unchanged) {
                return Ok((answer, state, expect));
            }
            let record = CallBudgetRecord { state: serde_json::to_string(&state)? }.into_record();
            let write = Write { key: Key::CallBudget, record: Some(record), expect };
            let commit = Commit { id: CommitId(self.entropy.uuid()), writes: vec![write] };
            match self.store.commit(Owner::Org(self.org), commit).await {
                Ok(()) => return Ok((answer, state, expect.after_write())),
                Err(CommitError::Conflict { .. }) => {}
                // Whether or not it was written, the caller gets no grant: one that nobody holds runs out.
                Err(error) => return Err(error.into()),
            }
        }
        Err(BudgetError::Busy.into())
    }
}

/// Whether a step changed what is to be kept.
enum Keep {
    Changed,
    Unchanged,
}

/// The state of an org's budget with what must hold for it to be replaced.
async fn read_state<S: Store>(store: &S, org: OrgId) -> Result<(BudgetState, Expect), StoreError> {
    let row = store.get(Owner::Org(org), &[Key::CallBudget]).await?.into_iter().next().flatten();
    let Some(row) = row else { return Ok((BudgetState::default(), Expect::Absent)) };
    let Record::CallBudget(CallBudgetRecord { state }) = row.record else {
        return Err(BudgetError::Unreadable("another kind of row".to_owned()).into());
    };
    let state = serde_json::from_str(&state).map_err(|error| BudgetError::Unreadable(error.to_string()))?;
    Ok((state, Expect::Version(row.version)))
}

/// The budget of an org as last kept; `None` before its first call.
///
/// # Errors
/// Those of the store.
pub(crate) async fn kept<S: Store>(store: &S, org: OrgId) -> Result<Option<BudgetState>, StoreError> {
    let (state, expect) = read_state(store, org).await?;
    Ok((expect != Expect::Absent).then_some(state))
}

impl<S: Store, E: Entropy> CallBudget for StoreBudget<S, E> {
    async fn grant(&self, priority: Priority, calls: u32, now: Timestamp) -> Result<Answer, StoreError> {
        let step = |state: &mut BudgetState| {
            let answer = state.grant_within(&self.app, priority, calls, now);
            let keep = if matches!(answer, Answer::Granted(_)) { Keep::Changed } else { Keep::Unchanged };
            (answer, keep)
        };
        let (answer, state, expect) = self.change(None, step).await?;
        *self.granted.lock().unwrap_or_else(PoisonError::into_inner) = Some((state, expect));
        Ok(answer)
    }

    async fn settle(&self, grant: &Grant, usage: &Usage, now: Timestamp) -> Result<(), StoreError> {
        let known = self.granted.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (answer, ..) = self
            .change(known, |state| (state.settle_within(&self.app, grant, usage, now), Keep::Changed))
            .await?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use parstock_xero::{CONCURRENT_CEILING, RateProblem, Refused, Remaining, Wait};
    use uuid::Uuid;

    use super::*;
    use crate::clock::RandomIds;
    use crate::test_store::RowStore;

    const ORG: OrgId = OrgId(Uuid::from_u128(1));

    fn budget(store: &Arc<RowStore>) -> StoreBudget<RowStore, RandomIds> {
        StoreBudget::new(Arc::clone(store), Arc::new(RandomIds), ORG, Arc::default())
    }

    #[tokio::test]
    async fn an_organisation_knows_of_its_apps_minute_what_another_of_this_process_has_learnt() {
        let (store, app) = (Arc::new(RowStore::default()), Arc::<AppMinute>::default());
        let of = |org: u128, app: &Arc<AppMinute>| {
            let org = OrgId(Uuid::from_u128(org));
            StoreBudget::new(Arc::clone(&store), Arc::new(RandomIds), org, Arc::clone(app))
        };
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let learnt = of(1, &app);
        let Answer::Granted(grant) = learnt.grant(Priority::Poll, 1, now).await.unwrap() else { panic!() };
        let remaining = Remaining { app_minute: Some(900), ..Remaining::default() };
        learnt.settle(&grant, &Usage { calls: 1, remaining, refused: None }, now).await.unwrap();
        let asked = of(2, &app).grant(Priority::Poll, 1, now).await.unwrap();
        assert!(matches!(asked, Answer::NotBefore { why: Wait::AppMinute, .. }), "{asked:?}");
        let asked = of(2, &app).grant(Priority::Person, 1, now).await.unwrap();
        assert!(matches!(asked, Answer::Granted(_)), "{asked:?}");
        // an organisation of another app has a minute of its own, and the next minute is another
        let asked = of(3, &Arc::default()).grant(Priority::Poll, 1, now).await.unwrap();
        assert!(matches!(asked, Answer::Granted(_)), "{asked:?}");
        let later = now + jiff::SignedDuration::from_secs(61);
        let asked = of(4, &app).grant(Priority::Poll, 1, later).await.unwrap();
        assert!(matches!(asked, Answer::Granted(_)), "{asked:?}");
        // one whom Xero refused for the app tells the others, too
        let Answer::Granted(grant) = learnt.grant(Priority::Poll, 1, later).await.unwrap() else { panic!() };
        let refused = Some(Refused { problem: RateProblem::AppMinute, retry_after: None });
        let usage = Usage { calls: 1, remaining: Remaining::default(), refused };
        learnt.settle(&grant, &usage, later).await.unwrap();
        let asked = of(5, &app).grant(Priority::Webhook, 1, later).await.unwrap();
        assert!(matches!(asked, Answer::NotBefore { why: Wait::AppMinute, .. }), "{asked:?}");
    }

    #[tokio::test]
    async fn processes_share_what_one_of_them_learnt() {
        let store = Arc::new(RowStore::default());
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let Answer::Granted(grant) = budget(&store).grant(Priority::Poll, 5, now).await.unwrap() else {
            panic!()
        };
        let remaining = Remaining { day: Some(42), ..Remaining::default() };
        budget(&store).settle(&grant, &Usage { calls: 2, remaining, refused: None }, now).await.unwrap();
        let asked = budget(&store).grant(Priority::Poll, 5, now).await.unwrap();
        assert!(matches!(asked, Answer::NotBefore { why: Wait::Day, .. }), "{asked:?}");
        assert_eq!(kept(&*store, ORG).await.unwrap().unwrap().day_left(), 42);
        assert_eq!(kept(&*store, OrgId(Uuid::from_u128(2))).await.unwrap(), None);
    }

    #[tokio::test]
    async fn two_at_once_never_get_the_same_place() {
        let store = Arc::new(RowStore::default());
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let asked = (0..8).map(|_| {
            let budget = budget(&store);
            async move { budget.grant(Priority::Webhook, 1, now).await.unwrap() }
        });
        let answers = futures::future::join_all(asked).await;
        let granted = answers.iter().filter(|answer| matches!(answer, Answer::Granted(_))).count();
        assert_eq!(granted, usize::try_from(CONCURRENT_CEILING).unwrap());
        assert!(store.conflicts() > 0, "they did race");
    }
}

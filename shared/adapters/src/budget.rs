//! The call budget of an org, shared by every process through the store.

use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use parstock_app::ports::{Commit, CommitError, Entropy, Expect, Store, Write};
use parstock_app::records::{CallBudgetRecord, Content, Key, Owner, Record};
use parstock_domain::ids::{CommitId, OrgId};
use parstock_xero::{Answer, AppMinute, BudgetState, CallBudget, Grant, Priority, StoreError, Usage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use jiff::Timestamp;

use crate::vault::Credentials;

/// How often a step is tried again because another process was faster. At most five sessions are under way at once
/// per org, and each try fails only because another one succeeded. Many more may tell what is left of an app's minute, but not once
/// another has told as little.
const TRIES_MAX: u32 = 12;

/// Why the budget could not be kept.
#[derive(Debug, Error)]
enum BudgetError {
    #[error("the call budget holds something else than a budget: {0}")]
    Unreadable(String),
    #[error("other processes changed it {TRIES_MAX} times in a row")]
    Busy,
}

/// The budget of one org, as a row that is only ever written over a version that is known.
#[derive(Debug)]
pub struct StoreBudget<S, E> {
    store: Arc<S>,
    entropy: Arc<E>,
    org: OrgId,
    /// The client id of an app that other organisations may be reached with, too.
    shared_app: Option<String>,
    /// What the latest grant left: mostly nobody writes before it is settled.
    granted: Mutex<Option<Granted>>,
}

#[derive(Debug)]
struct Granted {
    state: Kept<BudgetState>,
    app: Kept<AppMinute>,
}

/// What a row holds, with what must hold for it to be replaced.
#[derive(Clone, Debug)]
struct Kept<T> {
    content: T,
    expect: Expect,
}

/// Whether a step changed what is to be kept.
enum Keep {
    Changed,
    Unchanged,
}

impl<S: Store, E: Entropy> StoreBudget<S, E> {
    /// The budget of `org`, which is reached with these credentials. A custom connection has an app of its own; with that of a
    /// consent other organisations may be reached, too.
    pub fn of(store: Arc<S>, entropy: Arc<E>, org: OrgId, with: &Credentials) -> Self {
        Self::new(store, entropy, org, with.is_consent().then(|| with.client_id.clone()))
    }

    fn new(store: Arc<S>, entropy: Arc<E>, org: OrgId, shared_app: Option<String>) -> Self {
        Self { store, entropy, org, shared_app, granted: Mutex::default() }
    }

    /// Takes what a row holds as `known`, or else as it is read, lets `step` change it and writes it back, again as long as
    /// others were faster. `step` may be run several times; its last answer counts. Nothing is written when it says so.
    /// Answers what it left, too.
    async fn change<T: Default + Serialize + DeserializeOwned, A>(
        &self,
        (owner, key): (Owner, Key),
        mut known: Option<Kept<T>>,
        step: impl Fn(&mut T) -> (A, Keep) + Send,
    ) -> Result<(A, Kept<T>), StoreError> {
        for _ in 0..TRIES_MAX {
            let mut kept = match known.take() {
                Some(known) => known,
                None => read(&*self.store, owner, &key).await?,
            };
            let (answer, keep) = step(&mut kept.content);
            if matches!(keep, Keep::Unchanged) {
                return Ok((answer, kept));
            }
            let record = CallBudgetRecord { state: serde_json::to_string(&kept.content)? }.into_record();
            let write = Write { key: key.clone(), record: Some(record), expect: kept.expect };
            let commit = Commit { id: CommitId(self.entropy.uuid()), writes: vec![write] };
            match self.store.commit(owner, commit).await {
                Ok(()) => return Ok((answer, Kept { expect: kept.expect.after_write(), ..kept })),
                Err(CommitError::Conflict { .. }) => {}
                // Whether or not it was written, the caller gets no grant: one that nobody holds runs out.
                Err(error) => return Err(error.into()),
            }
        }
        Err(BudgetError::Busy.into())
    }

    fn of_org(&self) -> (Owner, Key) {
        (Owner::Org(self.org), Key::CallBudget)
    }

    async fn app_minute(&self) -> Result<Kept<AppMinute>, StoreError> {
        match &self.shared_app {
            Some(app) => read(&*self.store, Owner::Stack, &Key::AppMinute(app.clone())).await,
            None => Ok(Kept { content: AppMinute::default(), expect: Expect::Absent }),
        }
    }

    /// Lets other organisations of the app know, if little was or is left of its minute. Whoever doesn't hear of it learns as much from
    /// the next answer, so a store that fails is no failure of the work.
    async fn tell(&self, known: Option<Kept<AppMinute>>, usage: &Usage, now: Timestamp) {
        let Some(app) = &self.shared_app else { return };
        let step = |minute: &mut AppMinute| {
            let before = minute.clone();
            minute.hear(usage, now);
            let keep = if minute.is_news_after(&before, now) { Keep::Changed } else { Keep::Unchanged };
            ((), keep)
        };
        if let Err(error) = self.change((Owner::Stack, Key::AppMinute(app.clone())), known, step).await {
            tracing::warn!(why = %error, "others do not hear what is left of the app's minute");
        }
    }
}

/// What a row holds, or nothing yet.
async fn read<S: Store, T: Default + DeserializeOwned>(
    store: &S,
    owner: Owner,
    key: &Key,
) -> Result<Kept<T>, StoreError> {
    let row = store.get(owner, slice::from_ref(key)).await?.into_iter().next().flatten();
    let Some(row) = row else { return Ok(Kept { content: T::default(), expect: Expect::Absent }) };
    let Record::CallBudget(CallBudgetRecord { state }) = row.record else {
        return Err(BudgetError::Unreadable("another kind of row".to_owned()).into());
    };
    let content = serde_json::from_str(&state).map_err(|error| BudgetError::Unreadable(error.to_string()))?;
    Ok(Kept { content, expect: Expect::Version(row.version) })
}

/// The budget of an org as last kept; `None` before its first call.
///
/// # Errors
/// Those of the store.
pub(crate) async fn kept<S: Store>(store: &S, org: OrgId) -> Result<Option<BudgetState>, StoreError> {
    let kept: Kept<BudgetState> = read(store, Owner::Org(org), &Key::CallBudget).await?;
    Ok((kept.expect != Expect::Absent).then_some(kept.content))
}

impl<S: Store, E: Entropy> CallBudget for StoreBudget<S, E> {
    async fn grant(&self, priority: Priority, calls: u32, now: Timestamp) -> Result<Answer, StoreError> {
        let app = self.app_minute().await?;
        let step = |state: &mut BudgetState| {
            let answer = state.grant_within(&app.content, priority, calls, now);
            let keep = if matches!(answer, Answer::Granted(_)) { Keep::Changed } else { Keep::Unchanged };
            (answer, keep)
        };
        let (answer, state) = self.change(self.of_org(), None, step).await?;
        *self.granted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Granted { state, app });
        Ok(answer)
    }

    async fn settle(&self, grant: &Grant, usage: &Usage, now: Timestamp) -> Result<(), StoreError> {
        let known = self.granted.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (state, app) = known.map(|known| (known.state, known.app)).unzip();
        let step = |state: &mut BudgetState| (state.settle(grant, usage, now), Keep::Changed);
        self.change(self.of_org(), state, step).await?;
        self.tell(app, usage, now).await;
        Ok(())
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
        StoreBudget::new(Arc::clone(store), Arc::new(RandomIds), ORG, None)
    }

    #[tokio::test]
    async fn an_organisation_knows_of_its_apps_minute_what_another_has_learnt() {
        let store = Arc::new(RowStore::default());
        // each of them in a process of its own
        let of = |org: u128, app: &str| {
            let org = OrgId(Uuid::from_u128(org));
            StoreBudget::new(Arc::clone(&store), Arc::new(RandomIds), org, Some(app.to_owned()))
        };
        let at = |second: i64| -> Timestamp {
            "2026-11-22T08:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_secs(second)
        };
        let granted = async |org: u128, priority: Priority, second: i64| {
            let Answer::Granted(grant) = of(org, "a").grant(priority, 1, at(second)).await.unwrap() else {
                panic!()
            };
            grant
        };
        let hears = async |org: u128, grant: &Grant, left: u32, second: i64| {
            let remaining = Remaining { app_minute: Some(left), ..Remaining::default() };
            let usage = Usage { calls: 1, remaining, ..Usage::default() };
            of(org, "a").settle(grant, &usage, at(second)).await.unwrap();
        };
        let waits = async |org: u128, app: &str, priority: Priority, second: i64| match of(org, app)
            .grant(priority, 1, at(second))
            .await
            .unwrap()
        {
            Answer::NotBefore { until, why: Wait::AppMinute } => Some(until),
            Answer::NotBefore { why, .. } => panic!("{why:?}"),
            Answer::Granted(_) => None,
        };
        // plenty is left, so nobody else has to know
        let (first, second) = (granted(1, Priority::Poll, 0).await, granted(2, Priority::Poll, 0).await);
        hears(1, &first, 9_000, 0).await;
        let app = Key::AppMinute("a".to_owned());
        assert_eq!(store.get(Owner::Stack, slice::from_ref(&app)).await.unwrap(), [None]);
        hears(2, &second, 1_900, 0).await;
        assert_eq!(waits(3, "a", Priority::Poll, 1).await, Some(at(60)));
        assert_eq!(waits(4, "a", Priority::Person, 1).await, None);
        // an organisation of another app has a minute of its own
        assert_eq!(waits(5, "b", Priority::Poll, 1).await, None);
        // the next minute is another, as soon as anybody hears of it
        let grant = granted(6, Priority::Person, 30).await;
        hears(6, &grant, 9_999, 31).await;
        assert_eq!(waits(7, "a", Priority::Backfill, 32).await, None);
        // whom Xero refuses for the app tells the others, too, and no answer to an earlier call says otherwise
        let (first, second) = (granted(8, Priority::Poll, 70).await, granted(9, Priority::Poll, 70).await);
        let pause = Some(jiff::SignedDuration::from_secs(20));
        let refused = Some(Refused { problem: RateProblem::AppMinute, retry_after: pause });
        let usage = Usage { calls: 1, refused, ..Usage::default() };
        of(8, "a").settle(&first, &usage, at(71)).await.unwrap();
        hears(9, &second, 9_000, 72).await;
        assert_eq!(waits(10, "a", Priority::Webhook, 73).await, Some(at(91)));
        assert_eq!(
            waits(9, "a", Priority::Webhook, 73).await,
            Some(at(91)),
            "although it heard of plenty itself"
        );
        assert_eq!(waits(10, "a", Priority::Backfill, 91).await, None);
    }

    #[tokio::test]
    async fn sessions_on_one_budget_at_once_settle_each_its_own_grant() {
        let store = Arc::new(RowStore::default());
        let shared = budget(&store);
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let sessions = (1..=4).map(|calls| {
            let shared = &shared;
            async move {
                let Answer::Granted(grant) = shared.grant(Priority::Webhook, 10, now).await.unwrap() else {
                    panic!()
                };
                tokio::task::yield_now().await;
                let usage = Usage { calls, ..Usage::default() };
                shared.settle(&grant, &usage, now).await.unwrap();
            }
        });
        futures::future::join_all(sessions).await;
        let state = kept(&*store, ORG).await.unwrap().unwrap();
        assert_eq!(state.day_left(), parstock_xero::STARTER_DAY_LIMIT - (1 + 2 + 3 + 4));
    }

    #[tokio::test]
    async fn processes_share_what_one_of_them_learnt() {
        let store = Arc::new(RowStore::default());
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let Answer::Granted(grant) = budget(&store).grant(Priority::Poll, 5, now).await.unwrap() else {
            panic!()
        };
        let remaining = Remaining { day: Some(42), ..Remaining::default() };
        budget(&store).settle(&grant, &Usage { calls: 2, remaining, ..Usage::default() }, now).await.unwrap();
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

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use jiff::{SignedDuration, Timestamp};
use parstock_xero::{
    Client, Clock, Error, MemoryBudget, MemoryTokenStore, Priority, Problem, StoreError, StoredToken,
    TOKEN_LEASE, TokenStore, Wait,
};

use crate::support::{Fake, HTTP, ORGANISATION, TestClient, TestClock, answer, ok, token_answer};

async fn call(client: &TestClient) -> Result<(), Error> {
    let mut session = client.session(Priority::Webhook, 1).await?;
    session.organisation().await?;
    session.finish().await
}

#[tokio::test]
async fn one_fetch_serves_every_task_and_every_process() {
    let fake = Fake::start(|_, _| ok(ORGANISATION)).await;
    let (tokens, clock) = (Arc::<MemoryTokenStore>::default(), Arc::<TestClock>::default());
    let processes: Vec<_> = (0..3)
        .map(|_| Arc::new(fake.client_sharing(tokens.clone(), Arc::default(), clock.clone())))
        .collect();
    // Within a process all wait for the one fetch.
    let tasks: Vec<_> = (0..5)
        .map(|_| {
            let client = processes[0].clone();
            tokio::spawn(async move { call(&client).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    call(&processes[1]).await.unwrap();
    call(&processes[2]).await.unwrap();
    assert_eq!(fake.token_calls().len(), 1);
    assert_eq!(tokens.load().await.unwrap().unwrap().version, 1);

    let asked = &fake.token_calls()[0];
    assert_eq!(asked.method, "POST");
    assert_eq!(asked.headers["authorization"], "Basic Y2xpZW50LWlkOmNhbmFyeS1jbGllbnQtc2VjcmV0");
    assert_eq!(asked.body, "grant_type=client_credentials&scope=accounting.invoices+accounting.settings");
}

#[tokio::test]
async fn a_token_is_renewed_a_minute_before_it_ends() {
    let fake = Fake::start(|_, _| ok(ORGANISATION)).await;
    let (tokens, clock) = (Arc::<MemoryTokenStore>::default(), Arc::<TestClock>::default());
    let client = fake.client_sharing(tokens.clone(), Arc::default(), clock.clone());
    call(&client).await.unwrap();
    clock.pass(1_739);
    call(&client).await.unwrap();
    assert_eq!(fake.token_calls().len(), 1);
    clock.pass(1);
    call(&client).await.unwrap();
    assert_eq!(fake.token_calls().len(), 2);
    assert_eq!(tokens.load().await.unwrap().unwrap().version, 2);
}

#[tokio::test]
async fn while_another_process_fetches_nobody_waits() {
    let fake = Fake::start(|_, _| ok(ORGANISATION)).await;
    let (tokens, clock) = (Arc::<MemoryTokenStore>::default(), Arc::<TestClock>::default());
    let client = fake.client_sharing(tokens.clone(), Arc::default(), clock.clone());
    let now = clock.now();
    assert!(tokens.try_lease(now, now + TOKEN_LEASE, 0).await.unwrap());
    let error = call(&client).await.unwrap_err();
    assert!(
        matches!(error, Error::NotNow { why: Wait::Token, until } if until == now + SignedDuration::from_secs(3))
    );
    assert_eq!(fake.token_calls().len(), 0);
    // The other one died; its lease runs out.
    clock.pass(TOKEN_LEASE.as_secs());
    call(&client).await.unwrap();
    assert_eq!(fake.token_calls().len(), 1);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let fake = Fake::start(|seen, _| {
        if seen.headers["authorization"] == "Bearer second" {
            ok(ORGANISATION)
        } else {
            answer(401, &[], "{}")
        }
    })
    .await;
    let client = fake.client();
    // The scripted identity server always gives the same token, so the new one is refused as well.
    let error = call(&client).await.unwrap_err();
    assert!(matches!(error, Error::AskPerson(Problem::TokenRefused)), "{error:?}");
    assert_eq!((fake.calls().len(), fake.token_calls().len()), (2, 2));

    let fake = Fake::start_with_identity(
        |seen, _| {
            if seen.headers["authorization"] == "Bearer second" {
                ok(ORGANISATION)
            } else {
                answer(401, &[], "{}")
            }
        },
        |number| token_answer(if number == 1 { "first" } else { "second" }),
    )
    .await;
    let (tokens, clock) = (Arc::<MemoryTokenStore>::default(), Arc::<TestClock>::default());
    let (client, other) = (
        fake.client_sharing(tokens.clone(), Arc::default(), clock.clone()),
        fake.client_sharing(tokens, Arc::default(), clock),
    );
    call(&client).await.unwrap();
    call(&other).await.unwrap();
    assert_eq!((fake.calls().len(), fake.token_calls().len()), (3, 2));
}

#[tokio::test]
async fn a_refused_identity_says_what_to_do_and_holds_nobody_up() {
    for (status, body, problem, words) in [
        (400, r#"{"error":"invalid_client"}"#, Problem::WrongCredentials, "client secret is wrong"),
        (401, "", Problem::WrongCredentials, "developer.xero.com"),
        (400, r#"{"error":"invalid_scope"}"#, Problem::ScopeNotGranted, "scopes"),
        (400, r#"{"error":"unauthorized_client"}"#, Problem::ConnectionNotAllowed, "may connect in this way"),
    ] {
        let mended = Arc::new(AtomicBool::new(false));
        let switch = mended.clone();
        let fake = Fake::start_with_identity(
            |_, _| ok(ORGANISATION),
            move |_| {
                if switch.load(Ordering::SeqCst) { token_answer("good") } else { answer(status, &[], body) }
            },
        )
        .await;
        let client = fake.client();
        for _ in 0..2 {
            let error = call(&client).await.unwrap_err();
            assert!(matches!(&error, Error::AskPerson(said) if *said == problem), "{error:?}");
            assert!(error.to_string().contains(words), "{error}");
        }
        assert_eq!(fake.calls().len(), 0);
        // The lease was given back, so nobody waits once a person has put it right.
        mended.store(true, Ordering::SeqCst);
        call(&client).await.unwrap();
    }
}

#[tokio::test]
async fn a_failing_identity_server_is_tried_again_later() {
    for status in [429, 500, 503] {
        let fake = Fake::start_with_identity(|_, _| ok(ORGANISATION), move |_| answer(status, &[], "")).await;
        let error = call(&fake.client()).await.unwrap_err();
        assert!(matches!(error, Error::RetryAfter { .. }), "{error:?}");
    }
    let body = r#"{"token_type":"Bearer"}"#;
    let fake = Fake::start_with_identity(|_, _| ok(ORGANISATION), move |_| ok(body)).await;
    let error = call(&fake.client()).await.unwrap_err();
    assert!(matches!(error, Error::BadAnswer { resource: "token", .. }), "{error:?}");
    for status in [429, 503] {
        let fake = Fake::start_with_identity(
            |_, _| ok(ORGANISATION),
            move |_| answer(status, &[("Retry-After", "90")], ""),
        )
        .await;
        let error = call(&fake.client()).await.unwrap_err();
        let expected = TestClock::default().now() + SignedDuration::from_secs(90);
        assert!(matches!(error, Error::NotNow { until, .. } if until == expected), "{error:?}");
    }
}

/// It is another server that answers there, so nobody is asked whether the connection is paid for.
#[tokio::test]
async fn an_address_that_is_no_identity_server_is_named() {
    for (status, body) in [
        (404, "<html>canary</html>"),
        (405, ""),
        (400, r#"{"message":"canary"}"#),
        (302, ""),
        (200, "<html>canary</html>"),
    ] {
        let fake =
            Fake::start_with_identity(|_, _| ok(ORGANISATION), move |_| answer(status, &[], body)).await;
        let error = call(&fake.client()).await.unwrap_err();
        let shown = error.to_string();
        assert!(
            matches!(&error, Error::AskPerson(Problem::NoIdentityServer { status: told, .. }) if *told == status),
            "{error:?}"
        );
        assert!(shown.contains(&fake.url) && shown.contains("/connect/token"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

/// A store in which another process may be faster, or which may fail.
struct Racing {
    inner: MemoryTokenStore,
    rival: Option<StoredToken>,
    fails: bool,
    published: Mutex<bool>,
}

impl TokenStore for Racing {
    async fn load(&self) -> Result<Option<StoredToken>, StoreError> {
        self.inner.load().await
    }

    async fn try_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
        seen_version: u64,
    ) -> Result<bool, StoreError> {
        self.inner.try_lease(now, until, seen_version).await
    }

    async fn publish(&self, token: &StoredToken) -> Result<bool, StoreError> {
        if self.fails {
            return Err("the table is gone".into());
        }
        if let Some(rival) = &self.rival {
            assert!(self.inner.publish(rival).await?);
        }
        *self.published.lock().unwrap() = true;
        self.inner.publish(token).await
    }

    async fn release(&self, seen_version: u64) -> Result<(), StoreError> {
        self.inner.release(seen_version).await
    }

    async fn end(&self, seen_version: u64) -> Result<(), StoreError> {
        self.inner.end(seen_version).await
    }
}

async fn race(rival: Option<StoredToken>, fails: bool) -> (Fake, Result<(), Error>) {
    let fake = Fake::start(|_, _| ok(ORGANISATION)).await;
    let store = Racing { inner: MemoryTokenStore::default(), rival, fails, published: Mutex::default() };
    let client =
        Client::new(fake.config(), HTTP.clone(), store, MemoryBudget::default(), TestClock::default());
    let outcome = async {
        let mut session = client.session(Priority::Webhook, 1).await?;
        session.organisation().await.map(drop)
    };
    let outcome = outcome.await;
    (fake, outcome)
}

#[tokio::test]
async fn a_token_that_could_not_be_published_is_never_used() {
    let (fake, outcome) = race(None, true).await;
    let error = outcome.unwrap_err();
    assert_eq!(error.to_string(), "publishing the access token failed: the table is gone");
    assert_eq!(fake.calls().len(), 0);
}

#[tokio::test]
async fn the_token_of_a_faster_process_is_used_instead() {
    let expires_at = TestClock::default().now() + SignedDuration::from_secs(1_800);
    let rival = StoredToken {
        access: "rival".into(),
        expires_at,
        version: 1,
        issued_at: None,
        scopes: Vec::new(),
        renewal: None,
    };
    let (fake, outcome) = race(Some(rival), false).await;
    outcome.unwrap();
    assert_eq!(fake.calls()[0].headers["authorization"], "Bearer rival");
}

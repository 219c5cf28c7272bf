use std::sync::Arc;

use axum::{body::Body, response::Response};
use parstock_xero::{
    Clock, Error, InputError, ItemsQuery, MemoryBudget, Priority, Problem, RateProblem, Wait, XeroConfig,
};
use secrecy::SecretString;

use crate::{
    support::{Fake, HTTP, ORGANISATION, TestClock, answer, ok},
    writes::{key, order},
};

/// What a read and a write make of the same answer.
async fn outcomes(script: impl Fn() -> Response + Send + Sync + 'static) -> (Error, Error) {
    let fake = Fake::start(move |_, _| script()).await;
    // Each with a budget of its own, since a refusal parks the organisation.
    let (reading, writing) = (fake.client(), fake.client());
    let read = reading.session(Priority::Webhook, 1).await.unwrap().accounts().await.unwrap_err();
    let mut session = writing.session(Priority::Webhook, 1).await.unwrap();
    (read, session.create_purchase_orders(&[order("PS-1")], &key()).await.unwrap_err())
}

#[tokio::test]
async fn a_server_error_is_retried_for_a_read_and_unknown_for_a_write() {
    for status in [500, 502, 503, 504] {
        let (read, write) = outcomes(move || answer(status, &[], "oh")).await;
        assert!(matches!(read, Error::RetryAfter { .. }), "{read:?}");
        assert!(matches!(write, Error::Unknown { .. }), "{write:?}");
        // When Xero says when to come again, nothing is tried before.
        let (read, write) = outcomes(move || answer(status, &[("Retry-After", "7")], "oh")).await;
        let expected = TestClock::default().now() + jiff::SignedDuration::from_secs(7);
        assert!(
            matches!(read, Error::NotNow { until, why: Wait::Unavailable } if until == expected),
            "{read:?}"
        );
        assert!(matches!(write, Error::Unknown { .. }), "{write:?}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_retried_for_a_read_and_unknown_for_a_write() {
    let broken = || {
        let pieces = [Ok("{\"Accounts\":["), Err(std::io::Error::other("cut"))];
        Response::new(Body::from_stream(futures::stream::iter(pieces)))
    };
    let (read, write) = outcomes(broken).await;
    assert!(matches!(read, Error::RetryAfter { .. }), "{read:?}");
    assert!(matches!(write, Error::Unknown { .. }), "{write:?}");
    let fake = Fake::start(move |_, _| broken()).await;
    let client = fake.client();
    let mut session = client.session(Priority::Poll, 1).await.unwrap();
    let error = session.items(ItemsQuery::default(), |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::RetryAfter { .. }), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_drops_after_the_request_leaves_a_write_unknown() {
    // A server that takes the request and hangs up, which is how a write is lost after it was done.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            socket.readable().await.unwrap();
            let mut bytes = [0; 4_096];
            while socket.try_read(&mut bytes).is_ok_and(|read| read > 0) {}
        }
    });
    let fake = Fake::start(|_, _| ok("")).await;
    let client = parstock_xero::Client::new(
        fake.config().with_api_url(&api).unwrap(),
        HTTP.clone(),
        parstock_xero::MemoryTokenStore::default(),
        MemoryBudget::default(),
        TestClock::default(),
    );
    let mut session = client.session(Priority::Person, 2).await.unwrap();
    let error = session.create_purchase_orders(&[order("PS-1")], &key()).await.unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
    let error = session.accounts().await.unwrap_err();
    assert!(matches!(error, Error::RetryAfter { .. }), "{error:?}");
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent_so_even_a_write_may_be_repeated() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let fake = Fake::start(|_, _| ok("")).await;
    let client = parstock_xero::Client::new(
        fake.config().with_api_url(&nobody).unwrap(),
        HTTP.clone(),
        parstock_xero::MemoryTokenStore::default(),
        MemoryBudget::default(),
        TestClock::default(),
    );
    let mut session = client.session(Priority::Person, 1).await.unwrap();
    let error = session.create_purchase_orders(&[order("PS-1")], &key()).await.unwrap_err();
    assert!(matches!(error, Error::RetryAfter { .. }), "{error:?}");
}

#[tokio::test]
async fn a_forbidden_call_tells_a_lost_connection_from_a_missing_scope() {
    let disconnected = r#"{"Type":null,"Title":"Forbidden","Status":403,"Detail":"AuthenticationUnsuccessful","Instance":"0"}"#;
    let (read, write) = outcomes(move || answer(403, &[], disconnected)).await;
    for error in [read, write] {
        assert!(matches!(error, Error::AskPerson(Problem::Disconnected)), "{error:?}");
        assert!(error.to_string().contains("authorise"), "{error}");
    }
    let scope = r#"{"Type":null,"Title":"Forbidden","Status":403,"Detail":"insufficient_scope"}"#;
    let (read, write) = outcomes(move || answer(403, &[], scope)).await;
    assert_eq!(
        read.to_string(),
        "This connection may not use Accounts (Xero says: Forbidden, insufficient_scope). Let the \
         organisation authorise the app again with the scope `accounting.settings`, and check the role of the person \
         who does."
    );
    assert!(write.to_string().contains("may not use PurchaseOrders"), "{write}");
    assert!(write.to_string().contains("`accounting.invoices`"), "{write}");
}

/// The forms in which Xero and its gateways write it (facts of the API's own error bodies; RFC 6750, 3.1).
#[tokio::test]
async fn a_missing_scope_is_known_in_each_of_its_forms() {
    let challenge = ("WWW-Authenticate", r#"Bearer error="insufficient_scope""#);
    for (status, headers, body) in [
        (401, vec![], r#"{"Title":"Unauthorized","Status":401,"Detail":"AuthorizationUnsuccessful"}"#),
        (401, vec![], r#"{"title":"Unauthorized","detail":"AuthorizationUnsuccessful"}"#),
        (401, vec![challenge], ""),
        (403, vec![], ""),
        (403, vec![], r#"{"Title":["odd"],"Detail":"0123456789012345678901234567890123456789canary"}"#),
    ] {
        let kept = headers.clone();
        let (read, _) = outcomes(move || answer(status, &headers, body)).await;
        assert!(
            matches!(&read, Error::AskPerson(Problem::Forbidden { resource: "Accounts", .. })),
            "{body}: {read:?}"
        );
        // Another token would lack it, too.
        let fake = Fake::start(move |_, _| answer(status, &kept, body)).await;
        let mut session = fake.client().session(Priority::Person, 1).await.unwrap();
        session.accounts().await.unwrap_err();
        assert_eq!((fake.calls().len(), fake.token_calls().len()), (1, 1), "{status} {body}");
        assert!(!format!("{read} {read:?}").contains("canary"), "{read}");
    }
    let lower = r#"{"title":"Forbidden","detail":"AuthenticationUnsuccessful"}"#;
    let (read, _) = outcomes(move || answer(403, &[], lower)).await;
    assert!(matches!(read, Error::AskPerson(Problem::Disconnected)), "{read:?}");
}

#[tokio::test]
async fn an_address_that_is_not_xeros_is_named() {
    for status in [404, 405] {
        let fake = Fake::start(move |_, _| answer(status, &[], "<html>canary</html>")).await;
        let mut session = fake.client().session(Priority::Person, 1).await.unwrap();
        let error = session.organisation().await.unwrap_err();
        let origin = fake.url.clone();
        assert!(
            matches!(&error, Error::AskPerson(Problem::NoAccountingApi { origin: told, .. }) if *told == origin),
            "{error:?}"
        );
        let shown = error.to_string();
        assert!(shown.contains(&origin) && shown.contains("/api.xro/2.0"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_xeros_words() {
    for status in [400, 404, 409, 412] {
        let (read, _) = outcomes(move || answer(status, &[], r#"{"Message":"No such thing"}"#)).await;
        assert!(
            matches!(&read, Error::Reject { status: said, message, .. } if *said == status && message == "No such thing"),
            "{read:?}"
        );
    }
    let (read, _) = outcomes(|| answer(400, &[], r#"{"message":"No such thing"}"#)).await;
    assert_eq!(read.to_string(), "Xero refused the request (HTTP 400): No such thing");
    let (read, _) = outcomes(|| answer(400, &[], "<html>")).await;
    assert_eq!(read.to_string(), "Xero refused the request (HTTP 400): no reason was given");
}

#[tokio::test]
async fn what_can_not_be_read_is_not_shown() {
    for body in
        [r#"{"Accounts":[{"AccountID":"Jane Doe"}]}"#, "Jane Doe", r#"{"Accounts":[{"Name":"Jane Doe"}]}"#]
    {
        let (read, _) = outcomes(move || ok(body)).await;
        assert!(matches!(read, Error::BadAnswer { resource: "Accounts", .. }), "{read:?}");
        assert!(!format!("{read} {read:?}").contains("Jane"), "{read:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (read, _) = outcomes(|| answer(302, &[("Location", "http://127.0.0.1:1/")], "")).await;
    assert!(matches!(read, Error::BadAnswer { .. }), "{read:?}");
}

#[tokio::test]
async fn each_refused_rate_parks_the_organisation_for_everyone() {
    for (header, seconds, problem) in [
        (Some("minute"), Some(17), RateProblem::Minute),
        (Some("Day"), Some(73_451), RateProblem::Day),
        (Some("concurrent"), None, RateProblem::Concurrent),
        (Some("appminute"), Some(3), RateProblem::AppMinute),
        (None, None, RateProblem::Other),
    ] {
        let fake = Fake::start(move |_, before| {
            if before > 0 {
                return ok(ORGANISATION);
            }
            let seconds = seconds.map(|seconds| seconds.to_string());
            let headers: Vec<(&str, &str)> = header
                .map(|header| ("X-Rate-Limit-Problem", header))
                .into_iter()
                .chain(seconds.as_deref().map(|seconds| ("Retry-After", seconds)))
                .collect();
            answer(429, &headers, "")
        })
        .await;
        let budget = Arc::<MemoryBudget>::default();
        let clock = Arc::<TestClock>::default();
        let client = fake.client_sharing(Arc::default(), budget.clone(), clock.clone());
        let other_process = fake.client_sharing(Arc::default(), budget, clock.clone());
        let mut session = client.session(Priority::Webhook, 5).await.unwrap();
        let error = session.organisation().await.unwrap_err();
        let Error::NotNow { until, why } = error else { panic!("{error:?}") };
        assert_eq!(why, Wait::Parked(problem));
        let wait = clock.now().duration_until(until).as_secs();
        assert_eq!(wait, seconds.unwrap_or(if problem == RateProblem::Concurrent { 5 } else { 60 }));

        // The same session, and another process, hold still without sending anything.
        assert!(
            matches!(session.organisation().await, Err(Error::NotNow { until: same, .. }) if same == until)
        );
        clock.pass(wait - 1);
        let refused = other_process.session(Priority::Webhook, 1).await.map(drop).unwrap_err();
        assert!(matches!(refused, Error::NotNow { until: same, .. } if same == until), "{refused:?}");
        assert_eq!(fake.calls().len(), 1);
        clock.pass(1);
        other_process.session(Priority::Webhook, 1).await.unwrap().organisation().await.unwrap();
    }
}

/// RFC 9110, 10.2.3: an instant by the clock of who sent it.
#[tokio::test]
async fn a_wait_may_be_told_as_an_instant() {
    let fake = Fake::start(|_, _| {
        let headers = [
            ("X-Rate-Limit-Problem", "minute"),
            ("Date", "Tue, 03 Mar 2026 10:00:00 GMT"),
            ("Retry-After", "Tue, 03 Mar 2026 10:00:41 GMT"),
        ];
        answer(429, &headers, "")
    })
    .await;
    let clock = Arc::<TestClock>::default();
    let client = fake.client_sharing(Arc::default(), Arc::default(), clock.clone());
    let error = client.session(Priority::Webhook, 1).await.unwrap().organisation().await.unwrap_err();
    let Error::NotNow { until, .. } = error else { panic!("{error:?}") };
    assert_eq!(clock.now().duration_until(until).as_secs(), 41);
}

#[tokio::test]
async fn a_session_that_fails_gives_its_place_back() {
    let fake = Fake::start(|_, _| answer(500, &[], "")).await;
    let client = fake.client();
    for _ in 0..20 {
        let mut session = client.session(Priority::Webhook, 2).await.unwrap();
        session.organisation().await.unwrap_err();
    }
}

#[tokio::test]
async fn a_grant_that_ran_out_is_not_used() {
    let fake = Fake::start(|_, _| ok(ORGANISATION)).await;
    let (budget, clock) = (Arc::<MemoryBudget>::default(), Arc::<TestClock>::default());
    let client = fake.client_sharing(Arc::default(), budget.clone(), clock.clone());
    let mut session = client.session(Priority::Webhook, 20).await.unwrap();
    session.organisation().await.unwrap();
    clock.pass(179);
    // The first grant was settled with the one call made, and the rest asked for anew.
    session.organisation().await.unwrap();
    session.finish().await.unwrap();
    assert_eq!(budget.state().day_left(), 1_000 - 2);
}

#[test]
fn addresses_are_checked_before_a_secret_is_sent() {
    let config = || XeroConfig::new("id", SecretString::from("secret")).unwrap();
    for good in [
        "https://api.xero.com/api.xro/2.0",
        "https://api.xero.com/api.xro/2.0/",
        "http://127.0.0.1:4010",
        "http://localhost:4010/api.xro/2.0",
        "http://[::1]:4010",
    ] {
        assert!(config().with_api_url(good).is_ok(), "{good}");
    }
    for plain in [
        "http://api.xero.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
    ] {
        assert_eq!(
            config().with_identity_url(plain).unwrap_err(),
            InputError::PlainHttp { what: "identity address" },
            "{plain}"
        );
    }
    for bad in [
        "",
        "api.xero.com",
        "ftp://localhost",
        "https://user:word@api.xero.com",
        "https://x.com/?a=b",
        "mailto:a@b",
    ] {
        assert_eq!(config().with_api_url(bad).unwrap_err(), InputError::Url { what: "API address" }, "{bad}");
    }
    assert!(XeroConfig::new(" ", SecretString::from("secret")).is_err());
    assert!(XeroConfig::new("id", SecretString::from("")).is_err());
}

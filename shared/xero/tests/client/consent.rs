//! A person's consent: the code, the refresh tokens, several organisations, and the end.

use std::sync::Arc;

use jiff::SignedDuration;
use parstock_xero::{
    Client, Clock, ConsentApp, Error, MemoryBudget, MemoryTokenStore, Priority, Problem, Renewal,
    StoredToken, TokenStore,
};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::support::{Fake, HTTP, ORGANISATION, TestClock, answer, broken_off, ok};

const REDIRECT: &str = "http://localhost:4103/callback";
const TENANT: Uuid = Uuid::from_u128(7);

fn granted(number: usize) -> axum::response::Response {
    ok(&format!(
        r#"{{"access_token":"access-{number}","refresh_token":"refresh-{number}","expires_in":1800,
            "token_type":"Bearer","scope":"offline_access accounting.invoices"}}"#
    ))
}

fn app(fake: &Fake) -> ConsentApp {
    ConsentApp::new(fake.config(), HTTP.clone())
        .unwrap()
        .with_login_url(&fake.url)
        .unwrap()
        .with_connections_url(&format!("{}/connections", fake.url))
        .unwrap()
}

/// A token set whose access token has just ended.
fn tokens() -> StoredToken {
    StoredToken {
        access: "access-0".into(),
        expires_at: TestClock::default().now(),
        version: 3,
        issued_at: None,
        scopes: Vec::new(),
        renewal: Some(Renewal { refresh: "refresh-0".into(), fallback: None, ended: false }),
    }
}

fn client(
    fake: &Fake,
    tokens: &Arc<MemoryTokenStore>,
    tenant: Uuid,
) -> Client<Arc<MemoryTokenStore>, MemoryBudget, TestClock> {
    let config = fake.config().with_consent(tenant);
    Client::new(config, HTTP.clone(), Arc::clone(tokens), MemoryBudget::default(), TestClock::default())
}

async fn call<B: parstock_xero::CallBudget, C: Clock>(
    client: &Client<Arc<MemoryTokenStore>, B, C>,
) -> Result<(), Error> {
    let mut session = client.session(Priority::Poll, 1).await?;
    session.organisation().await?;
    session.finish().await
}

#[tokio::test]
async fn the_address_names_app_scopes_state_and_redirect_and_asks_for_refresh_tokens() {
    let fake = Fake::start(|_, _| ok("")).await;
    let url = app(&fake).authorize_url(REDIRECT, "a state");
    assert!(url.as_str().starts_with(&format!("{}/identity/connect/authorize?", fake.url)), "{url}");
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let expected = [
        ("response_type", "code"),
        ("client_id", "client-id"),
        ("redirect_uri", REDIRECT),
        ("scope", "accounting.invoices accounting.settings offline_access"),
        ("state", "a state"),
    ];
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_code_becomes_a_token_set_and_a_used_one_asks_for_another_consent() {
    let fake = Fake::start_with_identity(
        |_, _| ok(""),
        |number| if number == 1 { granted(1) } else { answer(400, &[], r#"{"error":"invalid_grant"}"#) },
    )
    .await;
    let (app, now) = (app(&fake), TestClock::default().now());
    let token = app.exchange(&"canary-code".into(), REDIRECT, now).await.unwrap();
    assert_eq!(token.renewal.as_ref().unwrap().refresh.expose_secret(), "refresh-1");
    assert_eq!(token.scopes, ["offline_access", "accounting.invoices"]);
    assert_eq!((token.version, token.expires_at), (1, now + SignedDuration::from_mins(30)));
    let asked = &fake.token_calls()[0];
    assert_eq!(asked.headers["authorization"], "Basic Y2xpZW50LWlkOmNhbmFyeS1jbGllbnQtc2VjcmV0");
    assert_eq!(
        asked.body,
        "grant_type=authorization_code&code=canary-code&redirect_uri=http%3A%2F%2Flocalhost%3A4103%2Fcallback"
    );
    let again = app.exchange(&"canary-code".into(), REDIRECT, now).await.unwrap_err();
    assert!(matches!(again, Error::AskPerson(Problem::CodeRefused)), "{again:?}");
    let shown = format!("{app:?} {token:?} {again} {again:?}");
    for secret in ["canary-code", "access-1", "refresh-1", "canary"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}

#[tokio::test]
async fn a_consent_without_a_refresh_token_is_not_taken() {
    let fake = Fake::start(|_, _| ok("")).await;
    let error =
        app(&fake).exchange(&"canary-code".into(), REDIRECT, TestClock::default().now()).await.unwrap_err();
    assert!(error.to_string().contains("offline_access"), "{error}");
}

#[tokio::test]
async fn a_code_whose_answer_got_lost_may_be_used_up() {
    let fake = Fake::start_with_identity(|_, _| ok(""), |_| broken_off()).await;
    let error =
        app(&fake).exchange(&"canary-code".into(), REDIRECT, TestClock::default().now()).await.unwrap_err();
    assert!(matches!(error, Error::AskPerson(Problem::CodeRefused)), "{error:?}");
    assert_eq!(fake.token_calls().len(), 1);
}

/// RFC 6749, 5.1 and 6: neither the lifetime nor another refresh token has to come.
#[tokio::test]
async fn a_renewal_may_leave_out_the_refresh_token_and_its_lifetime() {
    for lifetime in ["", r#","expires_in":"1800""#, r#","expires_in":null"#] {
        let body = format!(r#"{{"access_token":"next"{lifetime}}}"#);
        let fake = Fake::start_with_identity(|_, _| ok(ORGANISATION), move |_| ok(&body)).await;
        let kept = Arc::new(MemoryTokenStore::holding(tokens()));
        call(&client(&fake, &kept, TENANT)).await.unwrap();
        let stored = kept.load().await.unwrap().unwrap();
        assert_eq!(stored.renewal.unwrap().refresh.expose_secret(), "refresh-0");
        assert_eq!(stored.expires_at, TestClock::default().now() + SignedDuration::from_mins(30));
    }
}

/// Two organisations on one token set: one refresh serves both, each names its tenant.
#[tokio::test]
async fn a_refresh_token_is_used_once_for_all_organisations_of_its_token_set() {
    let fake = Fake::start_with_identity(|_, _| ok(ORGANISATION), granted).await;
    let kept = Arc::new(MemoryTokenStore::holding(tokens()));
    let other = Uuid::from_u128(8);
    for tenant in [TENANT, other, TENANT] {
        call(&client(&fake, &kept, tenant)).await.unwrap();
    }
    assert_eq!(fake.token_calls().len(), 1);
    assert_eq!(fake.token_calls()[0].body, "grant_type=refresh_token&refresh_token=refresh-0");
    let stored = kept.load().await.unwrap().unwrap();
    assert_eq!(stored.version, 4);
    assert_eq!(stored.renewal.unwrap().refresh.expose_secret(), "refresh-1");
    let seen: Vec<String> = fake.calls().iter().map(|call| call.headers["xero-tenant-id"].clone()).collect();
    assert_eq!(seen, [TENANT.to_string(), other.to_string(), TENANT.to_string()]);
}

/// Xero has rotated, and the answer breaks off: the same refresh token is sent again at once, and still works.
#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_refresh_token() {
    for (lost, asks, works) in [(1, 2, true), (2, 3, true), (3, 3, false)] {
        let fake = Fake::start_with_identity(
            |_, _| ok(ORGANISATION),
            move |number| if number <= lost { broken_off() } else { granted(number) },
        )
        .await;
        let kept = Arc::new(MemoryTokenStore::holding(tokens()));
        let outcome = call(&client(&fake, &kept, TENANT)).await;
        assert_eq!(outcome.is_ok(), works, "{outcome:?}");
        let sent: Vec<String> = fake.token_calls().into_iter().map(|call| call.body).collect();
        assert_eq!(sent, vec!["grant_type=refresh_token&refresh_token=refresh-0"; asks]);
        if !works {
            assert!(matches!(outcome, Err(Error::RetryAfter { .. })), "{outcome:?}");
            // nobody waits for a lease
            call(&client(&fake, &kept, TENANT)).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_revoked_consent_is_asked_about_once_and_not_at_every_call() {
    let fake = Fake::start_with_identity(
        |_, _| ok(ORGANISATION),
        |_| answer(400, &[], r#"{"error":"invalid_grant"}"#),
    )
    .await;
    let kept = Arc::new(MemoryTokenStore::holding(tokens()));
    for _ in 0..3 {
        let error = call(&client(&fake, &kept, TENANT)).await.unwrap_err();
        assert!(matches!(error, Error::AskPerson(Problem::ConsentEnded)), "{error:?}");
        assert!(error.to_string().contains("consent in the browser"), "{error}");
    }
    assert_eq!((fake.calls().len(), fake.token_calls().len()), (0, 1));
    // a new consent ends that
    let now = TestClock::default().now();
    assert!(kept.try_lease(now, now + SignedDuration::from_secs(45), 3).await.unwrap());
    let fresh = StoredToken { version: 4, expires_at: now + SignedDuration::from_mins(30), ..tokens() };
    assert!(kept.publish(&fresh).await.unwrap());
    call(&client(&fake, &kept, TENANT)).await.unwrap();
}

#[tokio::test]
async fn without_a_consent_xero_is_not_asked() {
    let fake = Fake::start(|_, _| ok(ORGANISATION)).await;
    let error = call(&client(&fake, &Arc::default(), TENANT)).await.unwrap_err();
    assert!(matches!(error, Error::AskPerson(Problem::NoConsent)), "{error:?}");
    assert_eq!(fake.token_calls().len(), 0);
}

/// The store was ahead of what came into force, and Xero knows only the refresh token before it.
#[tokio::test]
async fn the_refresh_token_before_is_tried_when_xero_refuses_one_that_may_never_have_been_in_force() {
    let fake = Fake::start_with_identity(
        |_, _| ok(ORGANISATION),
        |number| if number == 1 { answer(400, &[], r#"{"error":"invalid_grant"}"#) } else { granted(number) },
    )
    .await;
    let renewal = Renewal { refresh: "ahead".into(), fallback: Some("before".into()), ended: false };
    let kept = Arc::new(MemoryTokenStore::holding(StoredToken { renewal: Some(renewal), ..tokens() }));
    call(&client(&fake, &kept, TENANT)).await.unwrap();
    let sent: Vec<String> = fake.token_calls().into_iter().map(|call| call.body).collect();
    assert_eq!(
        sent,
        ["ahead", "before"].map(|token| format!("grant_type=refresh_token&refresh_token={token}"))
    );
}

#[tokio::test]
async fn organisations_are_listed_and_disconnected_and_a_consent_revoked() {
    let (connection, gone) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let fake = Fake::start(move |seen, _| match (seen.method.as_str(), seen.path.as_str()) {
        ("GET", "/connections") => ok(&format!(
            r#"[{{"id":"{connection}","tenantId":"{TENANT}","tenantType":"ORGANISATION","tenantName":"Kettle & Co",
                "createdDateUtc":"2026-01-01T00:00:00","authEventId":"{gone}"}},
               {{"id":"{gone}","tenantId":"{gone}","tenantType":"PRACTICE","tenantName":null}}]"#
        )),
        ("DELETE", path) if path == format!("/connections/{connection}") => answer(204, &[], ""),
        ("DELETE", _) => answer(404, &[], ""),
        ("POST", "/connect/revocation") => ok(""),
        _ => answer(500, &[], ""),
    })
    .await;
    let (app, now) = (app(&fake), TestClock::default().now());
    let tenants = app.tenants(&tokens(), now).await.unwrap();
    assert_eq!((tenants[0].connection_id, tenants[0].tenant_id), (connection, TENANT));
    assert_eq!(tenants[0].tenant_name.as_deref(), Some("Kettle & Co"));
    assert_eq!(tenants[0].auth_event_id, Some(gone));
    assert_eq!(tenants.iter().map(|tenant| tenant.is_organisation()).collect::<Vec<_>>(), [true, false]);
    app.disconnect(&tokens(), connection, now).await.unwrap();
    app.disconnect(&tokens(), gone, now).await.unwrap();
    app.revoke(&tokens(), now).await.unwrap();
    let calls = fake.calls();
    assert!(calls[..3].iter().all(|call| call.headers["authorization"] == "Bearer access-0"));
    let revoked = calls.last().unwrap();
    assert_eq!(revoked.body, "token=refresh-0");
    assert!(revoked.headers["authorization"].starts_with("Basic "), "{revoked:?}");
}

#[tokio::test]
async fn what_the_list_of_organisations_refuses_says_what_to_do() {
    for (status, expected) in [(401, "token"), (403, "no longer connected"), (503, "again"), (400, "400")] {
        let fake = Fake::start(move |_, _| answer(status, &[], "canary")).await;
        let error = app(&fake).tenants(&tokens(), TestClock::default().now()).await.unwrap_err();
        let shown = error.to_string();
        assert!(shown.contains(expected) && !shown.contains("canary"), "{shown}");
    }
}

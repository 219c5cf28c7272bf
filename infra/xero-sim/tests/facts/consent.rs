//! A person's consent: the authorize page, codes, refresh tokens, connections and their ends.

use std::sync::{Arc, Mutex};

use axum::body::Body;
use http::Request;
use jiff::SignedDuration;
use parstock_xero_sim::{
    CODE_SECONDS, Consent, GRACE_SECONDS, Given, Settings, SimClock, Switches, World, router_of,
};
use serde_json::Value;
use uuid::Uuid;

use crate::support::*;

const REDIRECT: &str = "http://localhost:4103/callback";
const SCOPES: &str = "offline_access accounting.invoices accounting.settings";
/// What an app of two organisations is opened with beside the first.
const OTHER_SEED: u64 = SEED + 1;

/// A company whose owner consents at once.
async fn company() -> Company {
    company_with(Switches::default()).await
}

async fn company_with(switches: Switches) -> Company {
    let consent = Consent::Given(Given::default());
    Company::with(Settings { switches, consent, ..Settings::development(SEED) }).await
}

/// Two companies of one owner behind one app.
async fn two_companies() -> (Company, Uuid, Uuid) {
    let settings = Settings::development(SEED);
    let mut other = World::open(None, OTHER_SEED, settings).unwrap();
    for act in master_data() {
        other.apply(start(), &act).unwrap();
    }
    let mut first = company().await;
    let tenants = [first.world.lock().unwrap().tenant_id().unwrap(), other.tenant_id().unwrap()];
    let given = Given { organisations: tenants.to_vec(), without: Vec::new() };
    first.world.lock().unwrap().set_consent(Consent::Given(given));
    let clock = Arc::clone(&first.clock) as Arc<dyn SimClock>;
    first.router = router_of(Arc::clone(&first.world), [Arc::new(Mutex::new(other))].into(), clock);
    (first, tenants[0], tenants[1])
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn address(company: &Company, redirect: &str, scopes: &str) -> String {
    format!(
        "/identity/connect/authorize?response_type=code&client_id={}&redirect_uri={}&scope={}&state=a%20state",
        company.world.lock().unwrap().settings().client_id,
        escaped(redirect),
        escaped(scopes)
    )
}

async fn open(company: &Company, address: &str) -> Answer {
    company.send(Request::get(address).body(Body::empty()).unwrap()).await.unwrap()
}

async fn code(company: &Company) -> String {
    let answer = open(company, &address(company, REDIRECT, SCOPES)).await;
    assert_eq!(answer.status, 302, "{}", answer.body);
    let to = answer.header("location").unwrap();
    let query = to.strip_prefix(&format!("{REDIRECT}?code=")).unwrap();
    query.strip_suffix("&state=a%20state").unwrap().to_owned()
}

async fn redeem(company: &Company, code: &str, redirect: &str) -> Answer {
    let form = format!("grant_type=authorization_code&code={code}&redirect_uri={}", escaped(redirect));
    company.ask_token(&company.basic(), &form).await
}

async fn refresh(company: &Company, refresh: &str) -> Answer {
    company.ask_token(&company.basic(), &format!("grant_type=refresh_token&refresh_token={refresh}")).await
}

fn text(answer: &Answer, name: &str) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()[name].as_str().unwrap().to_owned()
}

fn is_refused(answer: &Answer, word: &str) {
    assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(word)));
}

/// Consents, signs in with it, and answers the refresh token.
async fn signed_in(company: &mut Company) -> String {
    let tokens = redeem(company, &code(company).await, REDIRECT).await;
    company.token = text(&tokens, "access_token");
    text(&tokens, "refresh_token")
}

async fn with_token(company: &Company, method: &str, path: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", company.token))
        .body(Body::empty());
    company.send(request.unwrap()).await.unwrap()
}

async fn connections(company: &Company) -> Vec<Value> {
    let answer = with_token(company, "GET", "/connections").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json().as_array().unwrap().clone()
}

async fn organisation(company: &Company, tenant: Option<Uuid>) -> Answer {
    let tenant = tenant.map(|tenant| tenant.to_string());
    let headers: Vec<(&str, &str)> =
        tenant.iter().map(|tenant| ("xero-tenant-id", tenant.as_str())).collect();
    company.send(company.request("GET", "Organisation", &headers, "")).await.unwrap()
}

#[tokio::test]
async fn consent_sends_the_browser_back_with_code_and_state() {
    // Fact: the code flow at login.xero.com/identity/connect/authorize answers at the redirect address with `code` and the
    // `state` that was sent; a person who cancels answers `error=access_denied` (developer.xero.com, The standard
    // authorization code flow; RFC 6749, 4.1.2).
    let company = company().await;
    assert_eq!(code(&company).await.len(), 32);
    company.world.lock().unwrap().set_consent(Consent::Denied);
    let denied = open(&company, &address(&company, REDIRECT, SCOPES)).await;
    assert_eq!(
        denied.header("location"),
        Some(format!("{REDIRECT}?error=access_denied&state=a%20state").as_str())
    );
}

#[tokio::test]
async fn a_redirect_is_https_or_localhost_and_never_127_0_0_1() {
    // Fact: redirect addresses are https, or http://localhost; 127.0.0.1 is refused (developer.xero.com, as read by [RN]
    // on 1 October 2026). An error about the address or the app is never sent to it (RFC 6749, 4.1.2.1).
    let company = company().await;
    for (redirect, status) in [
        (REDIRECT, 302),
        ("https://app.example.com/back", 302),
        ("http://127.0.0.1:4103/callback", 400),
        ("http://app.example.com/back", 400),
        ("http://localhost.example.com/back", 400),
    ] {
        let answer = open(&company, &address(&company, redirect, SCOPES)).await;
        assert_eq!(answer.status, status, "{redirect}");
    }
    let unknown_app = address(&company, REDIRECT, SCOPES).replace("client_id=", "client_id=x");
    assert_eq!(open(&company, &unknown_app).await.status, 400);
    let unknown_scope = address(&company, REDIRECT, "accounting.everything");
    assert!(open(&company, &unknown_scope).await.body.contains("invalid_scope"));
}

#[tokio::test]
async fn without_the_switch_a_person_decides_on_a_page() {
    let company = company().await;
    company.world.lock().unwrap().set_consent(Consent::Asked);
    let address = address(&company, REDIRECT, SCOPES);
    let page = open(&company, &address).await;
    assert_eq!(page.status, 200);
    for word in ["Corner Shop", "accounting.invoices", "Allow access"] {
        assert!(page.body.contains(word), "{word}: {}", page.body);
    }
    let tenant = company.world.lock().unwrap().tenant_id().unwrap();
    for (decision, answer) in [("allow", "?code="), ("cancel", "?error=access_denied")] {
        let request = Request::post(&address)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(format!("organisation={tenant}&decision={decision}")));
        let sent = company.send(request.unwrap()).await.unwrap();
        assert!(sent.header("location").unwrap().contains(answer), "{decision}");
    }
}

#[tokio::test]
async fn a_code_is_good_once_for_five_minutes_and_for_its_redirect() {
    // Fact: the code lasts five minutes and is good for one use (developer.xero.com, Token types, [RN][SKILL]); it is
    // bound to its redirect address (RFC 6749, 4.1.3).
    let company = company().await;
    let first = code(&company).await;
    let tokens = redeem(&company, &first, REDIRECT).await;
    assert_eq!(tokens.json()["expires_in"], 1800);
    assert_eq!(text(&tokens, "scope"), SCOPES);
    is_refused(&redeem(&company, &first, REDIRECT).await, "invalid_grant");
    let elsewhere = code(&company).await;
    is_refused(&redeem(&company, &elsewhere, "http://localhost:4104/callback").await, "invalid_grant");
    let late = code(&company).await;
    company.pass_seconds(CODE_SECONDS);
    is_refused(&redeem(&company, &late, REDIRECT).await, "invalid_grant");
    let wrong = company.ask_token("Basic d3Jvbmc6c2VjcmV0", "grant_type=authorization_code&code=x").await;
    is_refused(&wrong, "invalid_client");
}

#[tokio::test]
async fn only_offline_access_gives_a_refresh_token() {
    // Fact: refresh tokens need the scope offline_access (developer.xero.com, Scopes, [RN][SKILL]).
    let company = company().await;
    let answer = open(&company, &address(&company, REDIRECT, "accounting.invoices")).await;
    let code = answer.header("location").unwrap().split(['=', '&']).nth(1).unwrap().to_owned();
    let tokens = redeem(&company, &code, REDIRECT).await;
    assert_eq!((tokens.status, tokens.json().get("refresh_token")), (200, None));
}

#[tokio::test]
async fn a_refresh_token_rotates_and_the_one_before_works_for_half_an_hour() {
    // Fact: a refresh token is good for one use and gives the next; the one before still works for a grace of 30 minutes,
    // for answers that got lost (developer.xero.com, Token types and FAQ, [RN][SKILL]).
    let mut company = company().await;
    let first = signed_in(&mut company).await;
    let tokens = refresh(&company, &first).await;
    let second = text(&tokens, "refresh_token");
    assert_ne!(first, second);
    assert_eq!(text(&tokens, "scope"), SCOPES);
    company.pass_seconds(GRACE_SECONDS - 1);
    let again = text(&refresh(&company, &first).await, "refresh_token");
    assert!(again != first && again != second);
    company.pass_seconds(1);
    is_refused(&refresh(&company, &first).await, "invalid_grant");
    assert_eq!(refresh(&company, &again).await.status, 200);
    is_refused(&refresh(&company, "made up").await, "invalid_grant");
}

#[tokio::test]
async fn what_a_reuse_does_to_the_successor_is_a_switch() {
    // Unconfirmed: whether the token whose answer got lost still works after its predecessor was used again.
    for ends in [true, false] {
        let mut company =
            company_with(Switches { reuse_ends_the_successor: ends, ..Switches::default() }).await;
        let first = signed_in(&mut company).await;
        let lost = text(&refresh(&company, &first).await, "refresh_token");
        assert_eq!(refresh(&company, &first).await.status, 200);
        assert_eq!(refresh(&company, &lost).await.status == 400, ends);
    }
}

#[tokio::test]
async fn an_unused_refresh_token_lasts_sixty_days() {
    // Fact: an unused refresh token ends after 60 days (developer.xero.com, Token types, [RN][SKILL]).
    for (days, status) in [(59, 200), (60, 400)] {
        let mut company = company().await;
        let token = signed_in(&mut company).await;
        company.pass(SignedDuration::from_hours(24 * days));
        assert_eq!(refresh(&company, &token).await.status, status, "after {days} days");
    }
}

#[tokio::test]
async fn one_token_set_reaches_every_organisation_of_the_consent_and_each_call_names_one() {
    // Fact: one consent may cover several organisations that share one token set; GET /connections lists them, and each
    // call names its own in xero-tenant-id ([SKILL]; XeroAPI/Xero-OpenAPI, identity).
    let (mut company, first, second) = two_companies().await;
    signed_in(&mut company).await;
    let listed = connections(&company).await;
    let mut tenants: Vec<&str> = listed.iter().map(|one| one["tenantId"].as_str().unwrap()).collect();
    tenants.sort_unstable();
    let mut expected = [first.to_string(), second.to_string()];
    expected.sort_unstable();
    assert_eq!(tenants, expected);
    for one in &listed {
        assert_eq!((&one["tenantType"], &one["tenantName"]), (&"ORGANISATION".into(), &"Corner Shop".into()));
        assert!(!one["createdDateUtc"].as_str().unwrap().ends_with('Z'));
    }
    for tenant in [first, second] {
        let answer = organisation(&company, Some(tenant)).await;
        assert_eq!(answer.list("Organisations")[0]["OrganisationID"], tenant.to_string());
    }
    // Unconfirmed: the status of a call that names none.
    for tenant in [None, Some(Uuid::nil())] {
        let answer = organisation(&company, tenant).await;
        assert_eq!((answer.status, &answer.json()["Detail"]), (403, &"AuthenticationUnsuccessful".into()));
    }
    let event = listed[0]["authEventId"].as_str().unwrap();
    let asked = with_token(&company, "GET", &format!("/connections?authEventId={event}")).await;
    assert_eq!(asked.json().as_array().unwrap().len(), 2);
    let asked = with_token(&company, "GET", &format!("/connections?authEventId={}", Uuid::nil())).await;
    assert_eq!(asked.json().as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_deleted_connection_ends_one_organisation_and_refreshing_goes_on() {
    // Fact: DELETE /connections/{id} answers 204, 404 for an unknown one (XeroAPI/Xero-OpenAPI, identity); afterwards
    // refreshing succeeds and every call of that organisation gets 403 AuthenticationUnsuccessful (third-party logs).
    let (mut company, first, second) = two_companies().await;
    let token = signed_in(&mut company).await;
    let listed = connections(&company).await;
    let gone = listed.iter().find(|one| one["tenantId"] == first.to_string()).unwrap();
    let path = format!("/connections/{}", gone["id"].as_str().unwrap());
    assert_eq!(with_token(&company, "DELETE", &path).await.status, 204);
    assert_eq!(with_token(&company, "DELETE", &path).await.status, 404);
    company.token = text(&refresh(&company, &token).await, "access_token");
    let denied = organisation(&company, Some(first)).await;
    assert_eq!((denied.status, &denied.json()["Detail"]), (403, &"AuthenticationUnsuccessful".into()));
    assert_eq!(organisation(&company, Some(second)).await.status, 200);
    // a person can do the same in Xero
    company.world.lock().unwrap().disconnect_app(second).unwrap();
    assert_eq!(organisation(&company, Some(second)).await.status, 403);
}

#[tokio::test]
async fn revocation_ends_the_refresh_token_and_every_connection_of_its_person() {
    // Fact: POST /connect/revocation with the refresh token drops all connections of that person ([RN][SKILL]).
    let (mut company, first, second) = two_companies().await;
    let token = signed_in(&mut company).await;
    let revoke = |authorization: String, token: String| {
        let request = Request::post("/connect/revocation")
            .header("authorization", authorization)
            .header("content-type", "application/x-www-form-urlencoded");
        request.body(Body::from(format!("token={token}"))).unwrap()
    };
    let stranger = company.send(revoke("Basic d3Jvbmc6c2VjcmV0".to_owned(), token.clone())).await.unwrap();
    is_refused(&stranger, "invalid_client");
    let unknown = company.send(revoke(company.basic(), "unknown".to_owned())).await.unwrap();
    assert_eq!((unknown.status, connections(&company).await.len()), (200, 2));
    assert_eq!(company.send(revoke(company.basic(), token.clone())).await.unwrap().status, 200);
    is_refused(&refresh(&company, &token).await, "invalid_grant");
    assert_eq!(connections(&company).await.len(), 0);
    for tenant in [first, second] {
        assert_eq!(organisation(&company, Some(tenant)).await.status, 403);
    }
}

#[tokio::test]
async fn fewer_scopes_than_asked_limit_the_calls_and_are_named_in_the_answer() {
    // Fact: a token allows what was granted, and the answer names it (RFC 6749, 5.1); scopes are additive, a later consent
    // adds to them (developer.xero.com, Scopes, [RN]).
    let mut company = company().await;
    let without = vec!["accounting.invoices".to_owned()];
    let given = Given { organisations: Vec::new(), without };
    company.world.lock().unwrap().set_consent(Consent::Given(given));
    let tokens = redeem(&company, &code(&company).await, REDIRECT).await;
    assert_eq!(text(&tokens, "scope"), "offline_access accounting.settings");
    company.token = text(&tokens, "access_token");
    let tenant = company.world.lock().unwrap().tenant_id().unwrap().to_string();
    let headers = [("xero-tenant-id", tenant.as_str())];
    let denied = company.send(company.request("GET", "Invoices", &headers, "")).await.unwrap();
    assert_eq!((denied.status, &denied.json()["Detail"]), (403, &"InsufficientScope".into()));
    company.world.lock().unwrap().set_consent(Consent::Given(Given::default()));
    signed_in(&mut company).await;
    let allowed = company.send(company.request("GET", "Invoices", &headers, "")).await.unwrap();
    assert_eq!(allowed.status, 200);
}

#[tokio::test]
async fn a_custom_connection_has_no_connections_to_list() {
    // Fact: a custom connection has neither tenant nor /connections (developer.xero.com, Custom Connections).
    let company = company().await;
    assert_eq!(with_token(&company, "GET", "/connections").await.status, 403);
    assert_eq!(organisation(&company, None).await.status, 200);
}

#[tokio::test]
async fn refresh_tokens_and_connections_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xero.db");
    let settings = || Settings { consent: Consent::Given(Given::default()), ..Settings::development(SEED) };
    let mut company = Company::on(World::open(Some(&path), SEED, settings()).unwrap()).await;
    let token = signed_in(&mut company).await;
    let Company { world, router, .. } = company;
    drop(router);
    drop(Arc::into_inner(world).unwrap());
    let mut company = Company::on(World::open(Some(&path), SEED, settings()).unwrap()).await;
    company.token = text(&refresh(&company, &token).await, "access_token");
    assert_eq!(connections(&company).await.len(), 1);
    // ids go on where they stood
    assert_ne!(signed_in(&mut company).await, token);
}

//! Sign-in and what a token allows.

use axum::body::Body;
use http::Request;

use crate::support::*;

#[tokio::test]
async fn client_credentials_give_a_bearer_token_of_thirty_minutes() {
    // Fact: a custom connection signs in with client credentials and HTTP Basic; access tokens last 30 minutes, and
    // there is no refresh token (developer.xero.com, Custom Connections).
    let company = Company::new().await;
    let answer = company
        .ask_token(&company.basic(), "grant_type=client_credentials&scope=accounting.contacts.read")
        .await;
    let json = answer.json();
    assert_eq!(
        (answer.status, json["expires_in"].as_i64(), json["token_type"].as_str()),
        (200, Some(1800), Some("Bearer"))
    );
    assert!(json.get("refresh_token").is_none());
    assert_eq!(json["scope"], "accounting.contacts.read");
    company.pass_seconds(1799);
    assert_eq!(company.get("Organisation").await.status, 200);
    company.pass_seconds(1);
    let late = company.get("Organisation").await;
    assert_eq!((late.status, late.json()["Detail"].as_str()), (401, Some("TokenExpired")));
}

#[tokio::test]
async fn a_wrong_secret_grant_or_scope_gets_no_token() {
    // Fact: OAuth 2.0 error words (RFC 6749, section 5.2), invalid_scope as the official MCP server expects it
    // (XeroAPI/xero-mcp-server, xero-client).
    let company = Company::new().await;
    let basic = company.basic();
    for (authorization, form, word) in [
        ("Basic d3Jvbmc6c2VjcmV0", "grant_type=client_credentials", "invalid_client"),
        (basic.as_str(), "grant_type=password", "unsupported_grant_type"),
        (basic.as_str(), "grant_type=client_credentials&scope=accounting.everything", "invalid_scope"),
    ] {
        let answer = company.ask_token(authorization, form).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (400, Some(word)));
    }
}

#[tokio::test]
async fn tokens_and_tenants_are_checked() {
    // Fact: 401 for a missing or bad token; 403 with Detail AuthenticationUnsuccessful for a tenant that is not
    // connected (third-party logs of revoked connections).
    let mut company = Company::new().await;
    let tenant = company.world.lock().unwrap().tenant_id().unwrap().to_string();
    for (tenant, status) in [(tenant.as_str(), 200), ("6a1f3a52-0000-4000-8000-000000000000", 403)] {
        let request = company.request("GET", "Organisation", &[("xero-tenant-id", tenant)], "");
        let answer = company.send(request).await.unwrap();
        assert_eq!(answer.status, status);
        if status == 403 {
            assert_eq!(answer.json()["Detail"], "AuthenticationUnsuccessful");
        }
    }
    let bare =
        Request::get("/api.xro/2.0/Organisation").header("accept", "application/json").body(Body::empty());
    assert_eq!(company.send(bare.unwrap()).await.unwrap().status, 401);
    company.token.replace_range(40..41, "!");
    assert_eq!(company.get("Organisation").await.status, 401);
}

#[tokio::test]
async fn scopes_limit_what_can_be_called() {
    // Fact: granular scopes; accounting.invoices covers invoices, credit notes and purchase orders, `.read` only reads
    // (developer.xero.com, Scopes, since 2 March 2026).
    let mut company = Company::new().await;
    let form = "grant_type=client_credentials&scope=accounting.invoices.read%20accounting.settings.read";
    company.token =
        company.ask_token(&company.basic(), form).await.json()["access_token"].as_str().unwrap().to_owned();
    for (path, status) in [
        ("Invoices", 200),
        ("PurchaseOrders", 200),
        ("Items", 200),
        ("Contacts", 403),
        ("BankTransactions", 403),
    ] {
        assert_eq!(company.get(path).await.status, status, "{path}");
    }
    assert_eq!(company.put("PurchaseOrders", &company.order_json("PO-1", "")).await.status, 403);
}

#[tokio::test]
async fn without_accept_json_the_default_would_be_xml() {
    // Fact: the API answers XML unless Accept: application/json is sent (developer.xero.com, Requests and Responses).
    let company = Company::new().await;
    let mut request = company.request("GET", "Organisation", &[], "");
    request.headers_mut().remove("accept");
    let answer = company.send(request).await.unwrap();
    assert_eq!(answer.status, 406);
    assert!(answer.body.contains("XML"));
}

#[tokio::test]
async fn unknown_addresses_are_not_found() {
    let company = Company::new().await;
    for path in
        ["Quotes", "Invoices/PO-1/Nothing", "Invoices/00000000-0000-0000-0000-000000000001", "Items/GHOST"]
    {
        assert_eq!(company.get(path).await.status, 404, "{path}");
    }
}

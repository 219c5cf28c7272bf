//! Writing purchase orders and notes through the API.

use parstock_xero_sim::Switches;
use parstock_xero_sim::act::{DocumentKind as Kind, Status};

use crate::support::*;

#[tokio::test]
async fn an_order_is_created_as_sent() {
    // Fact: PUT /PurchaseOrders creates; prices have 4 places; the answer carries the order with its ids (Xero-OpenAPI).
    let company = Company::new().await;
    let body =
        company.order_json("PS-1", r#""Reference":"plan 7","DeliveryDate":"2026-03-20","Status":"DRAFT","#);
    let answer = company.put("PurchaseOrders?summarizeErrors=false", &body).await;
    let order = &answer.list("PurchaseOrders")[0];
    assert_eq!(order["StatusAttributeString"], "OK");
    assert_eq!(order["Status"], "DRAFT");
    assert_eq!(order["DeliveryDateString"], "2026-03-20T00:00:00");
    let line = &answer.raw("PurchaseOrders")[0];
    assert!(line.contains(r#""UnitAmount":1.2345"#) && line.contains(r#""LineAmount":14.81"#), "{line}");
    let stored = company.world.lock().unwrap().document(Kind::PurchaseOrder, "PS-1").unwrap();
    assert_eq!((stored.reference.as_str(), stored.lines[0].quantity), ("plan 7", e4("12")));
    assert_eq!(company.stock("TEA").0, e4("0"));
    // Number and date are chosen if they aren't sent: the date is the organisation's, here already the next day.
    company.pass_seconds(14 * 3600);
    let body = company.order_json("", "").replace(r#""Date":"2026-03-02","#, "");
    let mut company = company;
    company.sign_in().await;
    let order = &company.put("PurchaseOrders", &body).await.list("PurchaseOrders")[0];
    assert_eq!(order["PurchaseOrderNumber"], "PO-0002");
    assert_eq!(order["DateString"], "2026-03-03T00:00:00");
}

#[tokio::test]
async fn an_orders_number_is_unique_and_its_contact_exists() {
    // Fact: "Order number must be unique"; the contact must already exist, by ContactID or ContactNumber
    // (Xero-OpenAPI; developer.xero.com, Purchase Orders).
    let company = Company::new().await;
    assert_eq!(company.put("PurchaseOrders", &company.order_json("PS-1", "")).await.status, 200);
    for method in ["PUT", "POST"] {
        let request = company.request(method, "PurchaseOrders", &[], &company.order_json("PS-1", ""));
        let answer = company.send(request).await.unwrap();
        assert_eq!(answer.status, 400);
        let json = answer.json();
        assert_eq!(
            (json["ErrorNumber"].as_i64(), json["Type"].as_str()),
            (Some(10), Some("ValidationException"))
        );
        assert_eq!(json["Elements"][0]["ValidationErrors"][0]["Message"], "Order number must be unique");
    }
    for contact in [r#"{"Name":"Mill & Sons"}"#, r#"{"ContactID":"6a1f3a52-0000-4000-8000-000000000000"}"#] {
        let body = format!(
            r#"{{"Contact":{contact},"LineItems":[{{"ItemCode":"TEA","Quantity":1,"UnitAmount":1}}]}}"#
        );
        assert_eq!(company.put("PurchaseOrders", &body).await.status, 400, "{contact}");
    }
    let body = r#"{"Contact":{"ContactNumber":"S-1"},"LineItems":[{"ItemCode":"TEA","Quantity":"1.5","UnitAmount":1}]}"#;
    assert_eq!(company.put("PurchaseOrders", body).await.status, 200);
}

/// Three orders of which the second is refused.
fn batch(company: &Company) -> String {
    let one = |number: &str| {
        let whole = company.order_json(number, "");
        whole.strip_prefix(r#"{"PurchaseOrders":["#).unwrap().strip_suffix("]}").unwrap().to_owned()
    };
    format!(
        r#"{{"PurchaseOrders":[{},{},{}]}}"#,
        one("PS-1"),
        one("PS-1").replace("TEA", "GHOST"),
        one("PS-3")
    )
}

#[tokio::test]
async fn with_summarize_errors_false_each_element_answers_for_itself() {
    // Fact: summarizeErrors=false gives 200 with StatusAttributeString and ValidationErrors per element (Xero-OpenAPI;
    // developer.xero.com, Requests and Responses).
    let company = Company::new().await;
    let orders =
        company.put("PurchaseOrders?summarizeErrors=false", &batch(&company)).await.list("PurchaseOrders");
    let states: Vec<_> =
        orders.iter().map(|order| order["StatusAttributeString"].as_str().unwrap()).collect();
    assert_eq!(states, ["OK", "ERROR", "OK"]);
    assert!(orders[1]["ValidationErrors"][0]["Message"].as_str().unwrap().len() > 5);
    assert_eq!(company.world.lock().unwrap().document_count(), 2);
}

#[tokio::test]
async fn without_it_only_the_failed_ones_are_named_while_the_valid_are_saved() {
    // Fact: a batch without summarizeErrors=false answers 400 and names only the failed elements, while the valid ones
    // are saved (XeroAPI/xero-ruby#247).
    let company = Company::new().await;
    let answer = company.put("PurchaseOrders", &batch(&company)).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["Elements"].as_array().unwrap().len(), 1);
    assert_eq!(company.world.lock().unwrap().document_count(), 2);
}

#[tokio::test]
async fn an_order_is_changed_by_post() {
    // Fact: lines of an AUTHORISED order are editable by POST (XeroAPI/Xero-Net, PurchaseOrders tests); lines without
    // LineItemID are made anew (xero.uservoice.com, suggestion 50252319).
    let company = Company::new().await;
    let body = company.order_json("PS-1", r#""Status":"AUTHORISED","#);
    let order = company.put("PurchaseOrders", &body).await.list("PurchaseOrders").remove(0);
    let (id, line) =
        (order["PurchaseOrderID"].as_str().unwrap(), order["LineItems"][0]["LineItemID"].as_str().unwrap());
    let body = format!(
        r#"{{"PurchaseOrders":[{{"PurchaseOrderID":"{id}","LineItems":[
            {{"LineItemID":"{line}","ItemCode":"TEA","Quantity":6,"UnitAmount":1.5}},
            {{"ItemCode":"CUP","Quantity":2,"UnitAmount":3}}]}}]}}"#
    );
    let changed = company.post("PurchaseOrders", &body).await.list("PurchaseOrders").remove(0);
    assert_eq!(changed["LineItems"][0]["LineItemID"], line);
    assert_eq!(changed["LineItems"].as_array().unwrap().len(), 2);
    assert!(company.get(&format!("PurchaseOrders/{id}")).await.body.contains(r#""Total":15.00"#));
    let renewed = body.replace(&format!(r#""LineItemID":"{line}","#), "");
    let changed =
        company.post(&format!("PurchaseOrders/{id}"), &renewed).await.list("PurchaseOrders").remove(0);
    assert_ne!(changed["LineItems"][0]["LineItemID"], line);
    // PUT only creates.
    assert_eq!(company.put("PurchaseOrders", &body).await.status, 400);
}

#[tokio::test]
async fn statuses_follow_the_rules_of_orders() {
    // Fact: created as DRAFT, SUBMITTED or AUTHORISED; SUBMITTED -> AUTHORISED, not back to DRAFT; AUTHORISED <-> BILLED;
    // unbilled ones -> DELETED (XeroAPI/Xero-Net#185 and PurchaseOrders tests; help.xero.com, "Mark a purchase order as
    // billed"). Whether an unapproved one can be billed is unconfirmed.
    use Status::*;
    for lenient in [false, true] {
        let switches = Switches { unapproved_order_may_be_billed: lenient, ..Switches::default() };
        for from in [Draft, Submitted, Authorised, Billed, Deleted] {
            for to in [Draft, Submitted, Authorised, Billed, Deleted] {
                let company = Company::with_switches(switches.clone()).await;
                let first = if matches!(from, Draft | Submitted) { from } else { Authorised };
                company.write(Kind::PurchaseOrder, "PS-1", first, vec![line("TEA", "1", "1")]).unwrap();
                if first != from {
                    company.set(Kind::PurchaseOrder, "PS-1", from).unwrap();
                }
                let id = company.id(Kind::PurchaseOrder, "PS-1");
                let body = format!(r#"{{"PurchaseOrderID":"{id}","Status":"{}"}}"#, to.xero());
                let answer = company.post("PurchaseOrders", &body).await;
                let allowed = match (from, to) {
                    (Draft, Submitted | Authorised | Deleted) | (Submitted, Authorised | Deleted) => true,
                    (Authorised, Billed | Deleted) | (Billed, Authorised) => true,
                    (Draft | Submitted, Billed) => lenient,
                    (Deleted, Deleted) => false,
                    (a, b) => a == b,
                };
                assert_eq!(answer.status, if allowed { 200 } else { 400 }, "{from:?} -> {to:?}");
                assert_eq!(company.status(Kind::PurchaseOrder, "PS-1"), if allowed { to } else { from });
            }
        }
    }
    let company = Company::new().await;
    for status in ["BILLED", "DELETED", "RECEIVED"] {
        let body = company.order_json("PS-9", &format!(r#""Status":"{status}","#));
        assert_eq!(company.put("PurchaseOrders", &body).await.status, 400, "{status}");
    }
}

#[tokio::test]
async fn broken_requests_say_what_is_wrong() {
    let company = Company::new().await;
    for body in ["", "{", "[]", r#"{"PurchaseOrders":[]}"#, r#"{"PurchaseOrders":"x"}"#] {
        let answer = company.put("PurchaseOrders", body).await;
        assert_eq!((answer.status, answer.json()["Message"].is_string()), (400, true), "{body:?}");
    }
    for (from, to) in [("12,", "1e2,"), ("12,", "-12,"), ("2026-03-02", "02.03.2026")] {
        let body = company.order_json("PS-1", "").replacen(from, to, 1);
        assert_eq!(company.put("PurchaseOrders", &body).await.status, 400, "{to}");
    }
    assert_eq!(company.put("Quotes", "{}").await.status, 404);
    assert_eq!(company.put("BankTransactions", "{}").await.status, 404);
    assert_eq!(company.world.lock().unwrap().document_count(), 0);
}

#[tokio::test]
async fn an_idempotency_key_gives_the_same_answer_for_six_minutes() {
    // Fact: Idempotency-Key of at most 128 characters, remembered per app for about 6 minutes from the first call; the
    // same key with another request is refused; errors are remembered too; repeats count against the limits
    // (developer.xero.com, Idempotent requests; Xero-OpenAPI).
    let mut company = Company::new().await;
    let body = company.order_json("PS-1", "");
    let first = company.put_with_key("PurchaseOrders", "k-1", &body).await.unwrap();
    let again = company.put_with_key("PurchaseOrders", "k-1", &body).await.unwrap();
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    let left = |answer: &Answer| answer.header("X-MinLimit-Remaining").unwrap().parse::<u32>().unwrap();
    assert_eq!(left(&again), left(&first) - 1);
    let other = company.put_with_key("PurchaseOrders", "k-1", &company.order_json("PS-2", "")).await.unwrap();
    assert_eq!(other.status, 400);
    assert!(other.body.contains("used with a different request"));
    let long = company.put_with_key("PurchaseOrders", &"k".repeat(129), &body).await.unwrap();
    assert_eq!(long.status, 400);
    // An error is remembered although its cause is gone.
    let ghost = body.replace("PS-1", "PS-3").replace("TEA", "GHOST");
    assert_eq!(company.put_with_key("PurchaseOrders", "k-2", &ghost).await.unwrap().status, 400);
    company.apply(parstock_xero_sim::act::Act::UpsertItem(item("GHOST", true))).unwrap();
    assert_eq!(company.put_with_key("PurchaseOrders", "k-2", &ghost).await.unwrap().status, 400);
    // After the window the key is forgotten: the order exists, its number refuses the double.
    company.pass_seconds(6 * 60);
    company.sign_in().await;
    let late = company.put_with_key("PurchaseOrders", "k-1", &body).await.unwrap();
    assert_eq!(late.status, 400);
    assert!(late.body.contains("Order number must be unique"));
    assert_eq!(company.put_with_key("PurchaseOrders", "k-2", &ghost).await.unwrap().status, 200);
}

#[tokio::test]
async fn notes_are_added_to_histories() {
    // Fact: GET and PUT /{Endpoint}/{id}/History, notes of at most 2,500 characters, shown as "System Generated"
    // (developer.xero.com, History and Notes; Xero-OpenAPI).
    let company = Company::new().await;
    company.put("PurchaseOrders", &company.order_json("PS-1", "")).await;
    company.write(Kind::Bill, "B-1", Status::Draft, vec![line("TEA", "1", "1")]).unwrap();
    let item = company.get("Items/TEA").await.list("Items")[0]["ItemID"].as_str().unwrap().to_owned();
    for path in [
        format!("PurchaseOrders/{}/History", company.id(Kind::PurchaseOrder, "PS-1")),
        format!("Invoices/{}/History", company.id(Kind::Bill, "B-1")),
        format!("Items/{item}/History"),
    ] {
        let note = |text: &str| format!(r#"{{"HistoryRecords":[{{"Details":"{text}"}}]}}"#);
        assert_eq!(company.put(&path, &note("12 to last until May")).await.status, 200, "{path}");
        let records = company.get(&path).await.list("HistoryRecords");
        assert_eq!(records.len(), 1);
        assert_eq!(records[0]["Details"], "12 to last until May");
        assert_eq!(records[0]["User"], "System Generated");
        assert_eq!(company.put(&path, &note(&"x".repeat(2_501))).await.status, 400);
        assert_eq!(company.put(&path, &note(&"x".repeat(2_500))).await.status, 200);
    }
    let order = company.id(Kind::PurchaseOrder, "PS-1");
    assert_eq!(company.put(&format!("Invoices/{order}/History"), "{}").await.status, 404);
}

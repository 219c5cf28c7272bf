use jiff::civil::date;
use parstock_xero::{
    Decimal, Error, IdempotencyKey, InputError, Priority, WriteOutcome,
    model::{
        BillUpdate, HISTORY_NOTE_MAX, HistoryNote, HistoryOf, InvoiceStatus, LineAmountTypes, NewBill,
        NewLineItem, NewPurchaseOrder, NewStatus, PurchaseOrderStatus, Tracking,
    },
};
use uuid::Uuid;

use crate::support::{Fake, answer, ok};

pub fn order(number: &str) -> NewPurchaseOrder {
    NewPurchaseOrder {
        purchase_order_number: number.to_owned(),
        contact_id: Uuid::from_u128(5),
        status: PurchaseOrderStatus::Draft,
        date: date(2026, 3, 1),
        delivery_date: Some(date(2026, 3, 15)),
        line_amount_types: Some(LineAmountTypes::Exclusive),
        reference: None,
        currency_code: None,
        delivery_instructions: None,
        line_items: vec![NewLineItem {
            item_code: Some("MUG-01".to_owned()),
            quantity: Some(Decimal::from(24)),
            unit_amount: Some(Decimal::from_e4(33_333)),
            ..NewLineItem::default()
        }],
    }
}

pub fn key() -> IdempotencyKey {
    IdempotencyKey::new("proposal-1").unwrap()
}

#[tokio::test]
async fn an_order_is_sent_as_written_and_each_outcome_is_read_by_itself() {
    let fake = Fake::start(|_, _| {
        ok(r#"{"Status":"OK","PurchaseOrders":[
            {"PurchaseOrderID":"243216c5-369e-4056-ac67-05388f86dc81","PurchaseOrderNumber":"PS-1","Status":"DRAFT",
             "StatusAttributeString":"OK","Warnings":[{"Message":"The rate is unusual."}]},
            {"PurchaseOrderNumber":"PS-2","StatusAttributeString":"ERROR",
             "ValidationErrors":[{"Message":"Order number must be unique"}]},
            {"PurchaseOrderID":"00000000-0000-0000-0000-000000000000","StatusAttributeString":"ERROR",
             "ValidationErrors":[{"Message":"Contact is archived"},{"Message":"No lines"}]}]}"#)
    })
    .await;
    let client = fake.client();
    let mut session = client.session(Priority::Person, 1).await.unwrap();
    let orders = [order("PS-1"), order("PS-2"), order("PS-3")];
    let outcomes = session.create_purchase_orders(&orders, &key()).await.unwrap().outcomes;
    assert_eq!(session.create_purchase_orders(&[], &key()).await.unwrap().outcomes, []);
    session.finish().await.unwrap();

    let [WriteOutcome::Saved { resource, warnings }, taken, WriteOutcome::Refused { errors }] =
        outcomes.as_slice()
    else {
        panic!("{outcomes:?}")
    };
    assert_eq!(resource.purchase_order_number.as_deref(), Some("PS-1"));
    assert_eq!(warnings, &["The rate is unusual."]);
    assert!(taken.number_is_taken());
    assert_eq!(errors, &["Contact is archived", "No lines"]);
    assert!(!outcomes[2].number_is_taken());

    let calls = fake.calls();
    assert_eq!(calls.len(), 1);
    let call = &calls[0];
    assert_eq!((call.method.as_str(), call.path.as_str()), ("PUT", "/api.xro/2.0/PurchaseOrders"));
    assert_eq!(call.query.iter().collect::<Vec<_>>(), [(&"summarizeErrors".to_owned(), &"false".to_owned())]);
    assert_eq!(call.headers["idempotency-key"], "proposal-1");
    assert_eq!(call.headers["content-type"], "application/json");
    let sent = r#"{"PurchaseOrderNumber":"PS-1","Contact":{"ContactID":"00000000-0000-0000-0000-000000000005"},"Status":"DRAFT","Date":"2026-03-01","DeliveryDate":"2026-03-15","LineAmountTypes":"Exclusive","LineItems":[{"ItemCode":"MUG-01","Quantity":24,"UnitAmount":3.3333}]}"#;
    assert!(call.body.starts_with(&format!(r#"{{"PurchaseOrders":[{sent},"#)), "{}", call.body);
}

#[tokio::test]
async fn a_bill_is_sent_with_four_decimals_and_nothing_of_its_contact_but_the_id() {
    let fake = Fake::start(|_, _| {
        ok(r#"{"Invoices":[{"InvoiceID":"243216c5-369e-4056-ac67-05388f86dc81","StatusAttributeString":"OK"}]}"#)
    })
    .await;
    let client = fake.client();
    let line = NewLineItem {
        description: Some("Freight".to_owned()),
        quantity: Some(Decimal::from(1)),
        unit_amount: Some(Decimal::from_e4(12_345)),
        account_code: Some("310".to_owned()),
        tracking: vec![Tracking {
            name: Some("Shop".to_owned()),
            option: Some("North".to_owned()),
            ..Tracking::default()
        }],
        ..NewLineItem::default()
    };
    let bill = NewBill {
        invoice_number: "PS-1".to_owned(),
        contact_id: Uuid::from_u128(5),
        status: NewStatus::Draft,
        date: date(2026, 3, 1),
        due_date: None,
        line_amount_types: Some(LineAmountTypes::Exclusive),
        currency_code: Some("USD".to_owned()),
        currency_rate: Some(Decimal::new(937_053, 6).unwrap()),
        url: None,
        line_items: vec![line],
    };
    let mut session = client.session(Priority::Person, 2).await.unwrap();
    assert_eq!(session.create_bills(&[bill], &key()).await.unwrap().outcomes.len(), 1);
    let id = Uuid::from_u128(9);
    let update = BillUpdate::status(id, InvoiceStatus::Voided);
    assert_eq!(session.update_bills(&[update], &key()).await.unwrap().outcomes.len(), 1);
    session.finish().await.unwrap();
    let calls = fake.calls();
    assert_eq!((calls[0].method.as_str(), calls[1].method.as_str()), ("PUT", "POST"));
    for call in &calls {
        assert_eq!(call.path, "/api.xro/2.0/Invoices");
        assert_eq!(call.query["summarizeErrors"], "false");
        assert_eq!(call.query["unitdp"], "4");
    }
    assert_eq!(
        calls[0].body,
        r#"{"Invoices":[{"Type":"ACCPAY","InvoiceNumber":"PS-1","Contact":{"ContactID":"00000000-0000-0000-0000-000000000005"},"Status":"DRAFT","Date":"2026-03-01","LineAmountTypes":"Exclusive","CurrencyCode":"USD","CurrencyRate":0.937053,"LineItems":[{"Description":"Freight","Quantity":1,"UnitAmount":1.2345,"AccountCode":"310","Tracking":[{"Name":"Shop","Option":"North"}]}]}]}"#
    );
    assert_eq!(
        calls[1].body,
        r#"{"Invoices":[{"InvoiceID":"00000000-0000-0000-0000-000000000009","Status":"VOIDED"}]}"#
    );
}

#[tokio::test]
async fn each_call_of_a_long_batch_has_a_key_of_its_own() {
    let fake = Fake::start(|seen, _| {
        let orders = seen.body.matches("PurchaseOrderNumber").count();
        let one =
            r#"{"PurchaseOrderID":"243216c5-369e-4056-ac67-05388f86dc81","StatusAttributeString":"OK"}"#;
        ok(&format!(r#"{{"PurchaseOrders":[{}]}}"#, vec![one; orders].join(",")))
    })
    .await;
    let client = fake.client();
    let orders: Vec<NewPurchaseOrder> = (0..101).map(|number| order(&format!("PS-{number}"))).collect();
    let mut session = client.session(Priority::Person, 3).await.unwrap();
    let batch = session.create_purchase_orders(&orders, &key()).await.unwrap();
    assert_eq!((batch.outcomes.len(), batch.stopped.is_none()), (101, true));
    session.finish().await.unwrap();
    let keys: Vec<String> = fake.calls().iter().map(|call| call.headers["idempotency-key"].clone()).collect();
    assert_eq!(keys, ["proposal-1", "proposal-1/2", "proposal-1/3"]);
    // A key with no room for that is refused before anything is sent.
    let mut session = client.session(Priority::Person, 3).await.unwrap();
    let long = IdempotencyKey::new("k".repeat(128)).unwrap();
    let error = session.create_purchase_orders(&orders, &long).await.unwrap_err();
    assert!(matches!(error, Error::Input(InputError::TooLong { .. })), "{error:?}");
    assert_eq!(fake.calls().len(), 3);
}

#[tokio::test]
async fn a_refusal_without_reasons_says_so_or_repeats_the_warnings() {
    for (warnings, expected) in
        [("[]", "Xero gave no reason"), (r#"[{"Message":"Unusual rate"}]"#, "Unusual rate")]
    {
        let fake = Fake::start(move |_, _| {
            ok(&format!(
                r#"{{"PurchaseOrders":[{{"StatusAttributeString":"ERROR","Warnings":{warnings}}}]}}"#
            ))
        })
        .await;
        let mut session = fake.client().session(Priority::Person, 1).await.unwrap();
        let outcomes = session.create_purchase_orders(&[order("PS-1")], &key()).await.unwrap().outcomes;
        assert_eq!(outcomes, [WriteOutcome::Refused { errors: vec![expected.to_owned()] }]);
    }
}

#[tokio::test]
async fn an_answer_that_does_not_tell_leaves_the_outcome_unknown() {
    for body in [
        "",
        "<html>",
        r#"{"Status":"OK"}"#,
        r#"{"PurchaseOrders":[]}"#,
        r#"{"PurchaseOrders":[{"StatusAttributeString":"OK"}]}"#,
    ] {
        let fake = Fake::start(move |_, _| ok(body)).await;
        let client = fake.client();
        let mut session = client.session(Priority::Person, 1).await.unwrap();
        let error = session.create_purchase_orders(&[order("PS-1")], &key()).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{body}: {error}");
    }
}

#[tokio::test]
async fn a_note_goes_to_the_history_of_its_document() {
    let fake = Fake::start(|_, _| ok(r#"{"HistoryRecords":[{"Details":"why"}]}"#)).await;
    let client = fake.client();
    let note = HistoryNote::new("Ordered since 3 \u{2264} 4").unwrap();
    let mut session = client.session(Priority::Person, 1).await.unwrap();
    session.add_history(HistoryOf::PurchaseOrder, Uuid::from_u128(9), &note, &key()).await.unwrap();
    session.finish().await.unwrap();
    let call = &fake.calls()[0];
    assert_eq!(call.path, "/api.xro/2.0/PurchaseOrders/00000000-0000-0000-0000-000000000009/History");
    assert_eq!(call.body, r#"{"HistoryRecords":[{"Details":"Ordered since 3 ≤ 4"}]}"#);
    assert_eq!(call.headers["idempotency-key"], "proposal-1");
    assert_eq!(call.query.len(), 0);
}

#[tokio::test]
async fn a_batch_that_is_refused_whole_names_every_error() {
    let fake = Fake::start(|_, _| {
        answer(
            400,
            &[],
            r#"{"ErrorNumber":10,"Type":"ValidationException","Message":"A validation exception occurred",
            "Elements":[{"ValidationErrors":[{"Message":"first"},{"Message":"second"}]},{"ValidationErrors":[{"Message":"third"}]}]}"#,
        )
    })
    .await;
    let client = fake.client();
    let mut session = client.session(Priority::Person, 1).await.unwrap();
    match session.create_purchase_orders(&[order("PS-1")], &key()).await.unwrap_err() {
        Error::Reject { status, message, validation } => {
            assert_eq!((status, message.as_str()), (400, "A validation exception occurred"));
            assert_eq!(validation, ["first", "second", "third"]);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn what_can_not_be_sent_is_refused_beforehand() {
    assert!(HistoryNote::new("a".repeat(HISTORY_NOTE_MAX)).is_ok());
    assert_eq!(
        HistoryNote::new("a".repeat(HISTORY_NOTE_MAX + 1)).unwrap_err().to_string(),
        "the history note has 2501 characters, and Xero takes at most 2500"
    );
    assert!(HistoryNote::new(" ").is_err());
    assert!(IdempotencyKey::new("k".repeat(128)).is_ok());
    assert!(matches!(IdempotencyKey::new("k".repeat(129)), Err(InputError::TooLong { limit: 128, .. })));
    assert!(IdempotencyKey::new("").is_err());
    assert!(IdempotencyKey::new("two words").is_err());
    assert!(IdempotencyKey::new("clé").is_err());
}

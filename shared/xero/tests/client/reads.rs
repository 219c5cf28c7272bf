use jiff::{Timestamp, civil::date};
use parstock_xero::{
    CallKind, ContactsQuery, Decimal, Error, IDS_PER_CALL, InputError, ItemsQuery, Priority, Remaining,
    UNREADABLE_ITEMS_MAX,
    model::{
        BankTransactionType, CreditNoteType, HistoryOf, InvoiceStatus, InvoiceType, LineAmountTypes,
        PurchaseOrderStatus,
    },
};
use uuid::Uuid;

use crate::support::{Fake, HTTP, ORGANISATION, answer, ok};

const ID: &str = "243216c5-369e-4056-ac67-05388f86dc81";

fn since() -> Option<Timestamp> {
    Some("2026-02-28T23:59:59.750Z".parse().unwrap())
}

#[tokio::test]
async fn the_organisation_comes_with_its_zone_and_lock_date() {
    let fake = Fake::start(|_, _| ok(ORGANISATION)).await;
    let client = fake.client();
    let mut session = client.session(Priority::Person, 1).await.unwrap();
    let organisation = session.organisation().await.unwrap();
    session.finish().await.unwrap();
    assert_eq!(organisation.timezone.as_deref(), Some("NEWZEALANDSTANDARDTIME"));
    assert_eq!(organisation.period_lock_date, Some(date(2014, 12, 30)));
    assert_eq!(organisation.is_demo_company, Some(true));

    let call = &fake.calls()[0];
    assert_eq!((call.method.as_str(), call.path.as_str()), ("GET", "/api.xro/2.0/Organisation"));
    assert_eq!(call.headers["accept"], "application/json");
    assert_eq!(call.headers["authorization"], "Bearer canary-access-token");
    assert!(!call.headers.contains_key("xero-tenant-id"));
    assert!(!call.headers.contains_key("if-modified-since"));
}

#[tokio::test]
async fn a_known_tenant_is_sent() {
    let fake = Fake::start(|_, _| ok(ORGANISATION)).await;
    let tenant = Uuid::from_u128(7);
    let client = parstock_xero::Client::new(
        fake.config().with_tenant(tenant),
        HTTP.clone(),
        parstock_xero::MemoryTokenStore::default(),
        parstock_xero::MemoryBudget::default(),
        parstock_xero::SystemClock,
    );
    client.session(Priority::Person, 1).await.unwrap().organisation().await.unwrap();
    assert_eq!(fake.calls()[0].headers["xero-tenant-id"], tenant.to_string());
}

#[tokio::test]
async fn each_list_sends_what_its_path_takes_and_nothing_else() {
    let fake = Fake::start(|seen, _| {
        let name = seen.path.rsplit('/').next().unwrap();
        ok(&format!(r#"{{"{name}":[]}}"#))
    })
    .await;
    let client = fake.client();
    let mut session = client.session(Priority::Poll, 7).await.unwrap();
    session.accounts().await.unwrap();
    session
        .contacts(ContactsQuery { modified_since: since(), page: 2, include_archived: true })
        .await
        .unwrap();
    session.items(ItemsQuery { modified_since: since(), only_tracked: true }, |_| {}).await.unwrap();
    session.invoices_modified(since(), 1).await.unwrap();
    session.credit_notes_modified(since(), 1).await.unwrap();
    session.bank_transactions_modified(since(), 1).await.unwrap();
    session.purchase_orders_modified(since(), 1).await.unwrap();
    session.finish().await.unwrap();

    let asked: Vec<(String, String)> = fake
        .calls()
        .iter()
        .map(|call| {
            let query = call
                .query
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
                .join("&");
            (call.path.trim_start_matches("/api.xro/2.0/").to_owned(), query)
        })
        .collect();
    let expected = [
        ("Accounts", ""),
        ("Contacts", "includeArchived=true&order=UpdatedDateUTC ASC&page=2&pageSize=1000"),
        ("Items", "unitdp=4&where=IsTrackedAsInventory==true"),
        (
            "Invoices",
            "Statuses=DRAFT,SUBMITTED,AUTHORISED,PAID,VOIDED,DELETED&order=UpdatedDateUTC ASC&page=1&pageSize=1000&unitdp=4",
        ),
        ("CreditNotes", "order=UpdatedDateUTC ASC&page=1&pageSize=1000&unitdp=4"),
        ("BankTransactions", "order=UpdatedDateUTC ASC&page=1&pageSize=1000&unitdp=4"),
        ("PurchaseOrders", "order=UpdatedDateUTC ASC&page=1&pageSize=1000"),
    ];
    assert_eq!(asked, expected.map(|(path, query)| (path.to_owned(), query.to_owned())));
    for call in &fake.calls()[1..] {
        assert_eq!(call.headers["if-modified-since"], "2026-02-28T23:59:59Z", "{}", call.path);
    }
}

#[tokio::test]
async fn invoices_by_id_go_in_chunks_with_a_page_so_that_lines_come() {
    let fake = Fake::start(|seen, _| {
        let invoices: Vec<String> = seen.query["IDs"]
            .split(',')
            .map(|id| format!(r#"{{"InvoiceID":"{id}","Type":"ACCREC"}}"#))
            .collect();
        ok(&format!(r#"{{"Invoices":[{}]}}"#, invoices.join(",")))
    })
    .await;
    let client = fake.client();
    let ids: Vec<Uuid> = (0..IDS_PER_CALL as u128 * 2 + 1).map(Uuid::from_u128).collect();
    let mut session = client.session(Priority::Webhook, 3).await.unwrap();
    let invoices = session.invoices_by_id(&ids).await.unwrap();
    assert_eq!(session.invoices_by_id(&[]).await.unwrap().resources, []);
    session.finish().await.unwrap();
    assert_eq!(invoices.resources.iter().map(|invoice| invoice.invoice_id).collect::<Vec<_>>(), ids);
    let calls = fake.calls();
    assert_eq!(calls.len(), 3);
    for call in calls {
        assert_eq!((call.query["page"].as_str(), call.query["pageSize"].as_str()), ("1", "1000"));
        assert_eq!(call.query["unitdp"], "4");
        assert!(call.query["IDs"].split(',').count() <= IDS_PER_CALL);
    }
}

#[tokio::test]
async fn an_invoice_is_read_exactly_and_keeps_unknown_words() {
    let fake = Fake::start(|_, _| {
        ok(&format!(
            r#"{{"Id":"x","DateTimeUTC":"/Date(1772323200000)/","pagination":{{"page":1,"pageSize":1000,"pageCount":1,"itemCount":2}},
            "Invoices":[{{"InvoiceID":"{ID}","Type":"ACCPAY","Status":"PAID","InvoiceNumber":"B-17","Date":"/Date(1767225600000+0000)/",
              "DateString":"2026-01-01T00:00:00","DueDate":"2026-01-31T00:00:00","LineAmountTypes":"Exclusive",
              "Contact":{{"ContactID":"{ID}","Name":"Ridgeway","Balances":{{}}}},"CurrencyCode":"USD","CurrencyRate":0.937053,
              "Total":1234567890123.45,"UpdatedDateUTC":"/Date(1769904000123+0000)/","Payments":[{{"Amount":1.5}}],
              "LineItems":[{{"LineItemID":"{ID}","ItemCode":"MUG-01","Item":{{"ItemID":"{ID}","Code":"MUG-01","Name":"Mug"}},
                "Quantity":0.1000,"UnitAmount":"3.3333","LineAmount":0.33,"Tracking":null}}]}},
             {{"InvoiceID":"{ID}","Type":"ARPREPAYMENT","Status":"FROZEN","LineItems":null,"Contact":null,"Date":null}}]}}"#
        ))
    })
    .await;
    let client = fake.client();
    let mut session = client.session(Priority::Poll, 1).await.unwrap();
    let page = session.invoices_modified(None, 1).await.unwrap();
    session.finish().await.unwrap();
    assert_eq!(page.answered_at, Some("2026-03-01T00:00:00Z".parse().unwrap()));
    assert_eq!(page.pagination.unwrap().item_count, Some(2));
    assert!(!page.may_have_more(1));
    let [bill, odd] = page.resources.as_slice() else { panic!("{page:?}") };
    assert_eq!(
        (bill.kind.clone(), bill.status.clone()),
        (Some(InvoiceType::Bill), Some(InvoiceStatus::Paid))
    );
    assert_eq!((bill.date, bill.due_date), (Some(date(2026, 1, 1)), Some(date(2026, 1, 31))));
    assert_eq!(bill.line_amount_types, Some(LineAmountTypes::Exclusive));
    assert_eq!(bill.currency_rate, Some(Decimal::new(937_053, 6).unwrap()));
    assert_eq!(bill.total, Some(Decimal::new(123_456_789_012_345, 2).unwrap()));
    assert_eq!(bill.updated_at, Some("2026-02-01T00:00:00.123Z".parse().unwrap()));
    let line = &bill.line_items[0];
    assert_eq!((line.quantity.unwrap().to_e4(), line.unit_amount.unwrap().to_e4()), (Ok(1_000), Ok(33_333)));
    assert_eq!(line.item.as_ref().unwrap().code.as_deref(), Some("MUG-01"));
    assert_eq!(odd.kind, Some(InvoiceType::Other("ARPREPAYMENT".to_owned())));
    assert_eq!(odd.status, Some(InvoiceStatus::Other("FROZEN".to_owned())));
    assert_eq!((odd.line_items.len(), odd.date), (0, None));
}

#[tokio::test]
async fn the_other_documents_are_read() {
    let fake = Fake::start(|seen, _| {
        let name = seen.path.trim_start_matches("/api.xro/2.0/");
        let element = match name {
            "CreditNotes" => format!(r#"{{"CreditNoteID":"{ID}","Type":"ACCRECCREDIT","Date":"2026-01-05"}}"#),
            "BankTransactions" => format!(r#"{{"BankTransactionID":"{ID}","Type":"SPEND-TRANSFER","LineItems":[{{}}]}}"#),
            "PurchaseOrders" => format!(
                r#"{{"PurchaseOrderID":"{ID}","Status":"BILLED","ExpectedArrivalDate":"/Date(1767225600000+0000)/"}}"#
            ),
            "Contacts" => format!(r#"{{"ContactID":"{ID}","IsSupplier":true,"Addresses":[{{"AddressLine1":"1 Quay"}}]}}"#),
            "Accounts" => format!(r#"{{"AccountID":"{ID}","Code":"630","Type":"INVENTORY","Status":"ACTIVE"}}"#),
            _ => return ok(r#"{"HistoryRecords":[{"Details":"made","Changes":"Note","DateUTC":"/Date(0)/"}]}"#),
        };
        ok(&format!(r#"{{"{name}":[{element}]}}"#))
    })
    .await;
    let client = fake.client();
    let mut session = client.session(Priority::Poll, 6).await.unwrap();
    let credit_note = session.credit_notes_modified(None, 1).await.unwrap().resources.remove(0);
    assert_eq!((credit_note.kind, credit_note.date), (Some(CreditNoteType::Sale), Some(date(2026, 1, 5))));
    let spent = session.bank_transactions_modified(None, 1).await.unwrap().resources.remove(0);
    assert_eq!((spent.kind, spent.line_items.len()), (Some(BankTransactionType::SpendTransfer), 1));
    let order = session.purchase_orders_modified(None, 1).await.unwrap().resources.remove(0);
    assert_eq!(order.status, Some(PurchaseOrderStatus::Billed));
    assert_eq!(order.expected_arrival_date, Some(date(2026, 1, 1)));
    let query = ContactsQuery { modified_since: None, page: 1, include_archived: false };
    let contact = session.contacts(query).await.unwrap().resources.remove(0);
    assert_eq!(contact.addresses[0].address_line1.as_deref(), Some("1 Quay"));
    assert_eq!(session.accounts().await.unwrap()[0].kind.as_deref(), Some("INVENTORY"));
    let history = session.history(HistoryOf::PurchaseOrder, Uuid::from_u128(1)).await.unwrap();
    assert_eq!(history[0].at, Some(Timestamp::UNIX_EPOCH));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn items_come_one_by_one_with_their_stock() {
    let fake = Fake::start(|_, _| {
        ok(&format!(
            r#"{{"Items":[{{"ItemID":"{ID}","Code":"MUG-01","IsTrackedAsInventory":true,"QuantityOnHand":12.5000,
            "TotalCostPool":41.67,"QuantityAvailable":10,"QuantityOnBackOrder":2.5,
            "PurchaseDetails":{{"UnitPrice":3.3333,"COGSAccountCode":"310"}}}},{{"ItemID":"{ID}","Code":"mug-01"}}]}}"#
        ))
    })
    .await;
    let client = fake.client();
    let mut session = client.session(Priority::Poll, 1).await.unwrap();
    let mut items = Vec::new();
    assert_eq!(session.items(ItemsQuery::default(), |item| items.push(item)).await.unwrap().count, 2);
    session.finish().await.unwrap();
    assert_eq!(items[0].quantity_on_hand.unwrap().to_e4(), Ok(125_000));
    assert_eq!(items[0].quantity_on_back_order.unwrap().to_e4(), Ok(25_000));
    assert_eq!(items[0].purchase_details.as_ref().unwrap().cogs_account_code.as_deref(), Some("310"));
    assert_eq!((items[1].code.as_str(), items[1].quantity_on_hand), ("mug-01", None));
}

#[tokio::test]
async fn an_order_is_found_by_its_number_whatever_is_in_it() {
    let fake = Fake::start(|seen, _| {
        if seen.path.ends_with("PS-A%2F1%20b") {
            ok(&format!(
                r#"{{"PurchaseOrders":[{{"PurchaseOrderID":"{ID}","PurchaseOrderNumber":"PS-A/1 b"}}]}}"#
            ))
        } else {
            answer(404, &[], "The resource you're looking for cannot be found")
        }
    })
    .await;
    let client = fake.client();
    let mut session = client.session(Priority::Person, 2).await.unwrap();
    let order = session.purchase_order_by_number("PS-A/1 b").await.unwrap().unwrap();
    assert_eq!(order.purchase_order_number.as_deref(), Some("PS-A/1 b"));
    assert_eq!(session.purchase_order_by_number("PS-B").await.unwrap(), None);
    for number in ["", ".", ".."] {
        let error = session.purchase_order_by_number(number).await.unwrap_err();
        assert!(matches!(error, Error::Input(InputError::Characters { .. })), "{error}");
    }
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test]
async fn calls_are_counted_by_kind_and_headers_reach_the_budget() {
    let fake = Fake::start(|seen, before| {
        let headers = [
            ("X-DayLimit-Remaining", (4_000 - before).to_string()),
            ("X-MinLimit-Remaining", (59 - before).to_string()),
            ("X-AppMinLimit-Remaining", "9999".to_owned()),
        ];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let name = seen.path.rsplit('/').next().unwrap();
        answer(200, &headers, &format!(r#"{{"{name}":[]}}"#))
    })
    .await;
    let budget = std::sync::Arc::<parstock_xero::MemoryBudget>::default();
    let client = fake.client_sharing(Default::default(), budget.clone(), Default::default());
    let mut session = client.session(Priority::Poll, 2).await.unwrap();
    session.accounts().await.unwrap();
    session.invoices_modified(None, 1).await.unwrap();
    // One more than asked for.
    session.invoices_modified(None, 2).await.unwrap();
    assert_eq!(
        session.remaining(),
        Some(Remaining { day: Some(3_998), minute: Some(57), app_minute: Some(9_999) })
    );
    session.finish().await.unwrap();
    assert_eq!(budget.state().day_left(), 3_998);
    let counts: Vec<_> = client.call_counts().into_iter().collect();
    let kind = |method, resource| CallKind { method, resource };
    assert_eq!(
        counts,
        [(kind("GET", "Accounts"), 1), (kind("GET", "Invoices"), 2), (kind("POST", "token"), 1)]
    );
}

#[tokio::test]
async fn sessions_work_on_any_thread() {
    let fake = Fake::start(|_, _| ok(r#"{"Items":[]}"#)).await;
    let client = fake.client();
    let task = tokio::spawn(async move {
        let mut session = client.session(Priority::Poll, 1).await?;
        let count = session.items(ItemsQuery::default(), |_| {}).await?.count;
        session.invoices_by_id(&[]).await?;
        session.create_purchase_orders(&[], &crate::writes::key()).await.map(drop)?;
        session.finish().await?;
        Ok::<_, Error>(count)
    });
    assert_eq!(task.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn one_document_that_cannot_be_read_holds_up_no_other() {
    let fake = Fake::start(|_, _| {
        ok(&format!(
            r#"{{"Invoices":[
                {{"InvoiceID":"{ID}","Type":"ACCREC","Date":"/Date(1439434356790+0000)/"}},
                {{"InvoiceID":"00000000-0000-0000-0000-000000000002","UpdatedDateUTC":"/Date(1439434356790+0000)/","Date":"last Tuesday"}}
            ]}}"#
        ))
    })
    .await;
    let client = fake.client();
    let mut session = client.session(Priority::Poll, 1).await.unwrap();
    let page = session.invoices_modified(None, 1).await.unwrap();
    session.finish().await.unwrap();
    assert_eq!(page.resources.len(), 1);
    let [unreadable] = page.unreadable.as_slice() else { panic!("{:?}", page.unreadable) };
    assert_eq!(unreadable.id.as_deref(), Some("00000000-0000-0000-0000-000000000002"));
    assert_eq!(unreadable.updated_at, Some(Timestamp::from_millisecond(1_439_434_356_790).unwrap()));
}

#[tokio::test]
async fn one_item_that_cannot_be_read_holds_up_no_other() {
    let fake = Fake::start(|_, _| {
        ok(&format!(
            r#"{{"DateTimeUTC":"/Date(1772323200000)/","Items":[
                {{"ItemID":"00000000-0000-0000-0000-000000000002","Code":"A","QuantityOnHand":"many","UpdatedDateUTC":"/Date(1439434356790+0000)/"}},
                {{"ItemID":"{ID}"}},
                {{"ItemID":"{ID}","Code":"MUG-01","UpdatedDateUTC":"some day"}}]}}"#
        ))
    })
    .await;
    let mut session = fake.client().session(Priority::Poll, 1).await.unwrap();
    let mut codes = Vec::new();
    let read = session.items(ItemsQuery::default(), |item| codes.push(item.code)).await.unwrap();
    session.finish().await.unwrap();
    assert_eq!((codes, read.count), (vec!["MUG-01".to_owned()], 1));
    assert_eq!(read.answered_at, Some("2026-03-01T00:00:00Z".parse().unwrap()));
    let told: Vec<_> = read.unreadable.iter().map(|item| item.id.as_deref().unwrap()).collect();
    assert_eq!(told, ["00000000-0000-0000-0000-000000000002", ID]);
    assert_eq!(read.unreadable[0].updated_at, Timestamp::from_millisecond(1_439_434_356_790).ok());
}

#[tokio::test]
async fn items_of_another_form_altogether_are_an_error() {
    let fake = Fake::start(|_, _| {
        let items = vec!["{}"; UNREADABLE_ITEMS_MAX + 1].join(",");
        ok(&format!(r#"{{"Items":[{items}]}}"#))
    })
    .await;
    let mut session = fake.client().session(Priority::Poll, 1).await.unwrap();
    let error = session.items(ItemsQuery::default(), |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::BadAnswer { resource: "Items", .. }), "{error:?}");
}

#[tokio::test]
async fn an_invoice_that_was_asked_for_by_id_and_cannot_be_read_is_told_of() {
    let fake = Fake::start(|_, _| {
        ok(&format!(
            r#"{{"Invoices":[{{"InvoiceID":"{ID}","Date":"last Tuesday"}},{{"InvoiceID":"{ID}"}}]}}"#
        ))
    })
    .await;
    let mut session = fake.client().session(Priority::Webhook, 1).await.unwrap();
    let page = session.invoices_by_id(&[ID.parse().unwrap()]).await.unwrap();
    session.finish().await.unwrap();
    assert_eq!((page.resources.len(), page.unreadable.len()), (1, 1));
    assert_eq!(page.unreadable[0].id.as_deref(), Some(ID));
}

#[tokio::test]
async fn a_page_is_the_last_if_xero_says_so_or_if_it_is_empty() {
    let two = format!(r#"{{"InvoiceID":"{ID}"}},{{"InvoiceID":"{ID}"}}"#);
    for (asked, pagination, elements, more) in [
        (1, r#""pagination":{"page":1,"pageSize":2,"pageCount":2,"itemCount":4},"#, two.as_str(), true),
        (2, r#""pagination":{"page":2,"pageSize":2,"pageCount":2,"itemCount":4},"#, two.as_str(), false),
        (2, r#""pagination":{"pageCount":3},"#, two.as_str(), true),
        (3, r#""pagination":{"pageCount":3},"#, two.as_str(), false),
        (
            1,
            r#""pagination":{"page":null,"pageSize":null,"pageCount":null,"itemCount":2},"#,
            two.as_str(),
            false,
        ),
        (1, r#""pagination":{"page":1,"itemCount":3},"#, two.as_str(), true),
        (1, r#""pagination":{"page":"first","pageCount":{},"itemCount":"3"},"#, two.as_str(), true),
        (1, r#""pagination":null,"#, two.as_str(), true),
        (1, r#""pagination":"none","#, two.as_str(), true),
        (1, "", two.as_str(), true),
        (2, "", "", false),
        (1, r#""pagination":{"pageCount":9},"#, "", false),
    ] {
        let body = format!(r#"{{"DateTimeUTC":7,{pagination}"Invoices":[{elements}]}}"#);
        let fake = Fake::start(move |_, _| ok(&body)).await;
        let mut session = fake.client().session(Priority::Poll, 1).await.unwrap();
        let page = session.invoices_modified(None, asked).await.unwrap();
        session.finish().await.unwrap();
        assert_eq!(page.may_have_more(asked), more, "{pagination}{elements}");
    }
}

#[tokio::test]
async fn not_modified_is_a_list_without_elements() {
    let fake = Fake::start(|_, _| answer(304, &[], "")).await;
    let client = fake.client();
    let mut session = client.session(Priority::Poll, 2).await.unwrap();
    let page = session.invoices_modified(since(), 1).await.unwrap();
    assert_eq!((page.resources.len(), page.unreadable.len(), page.may_have_more(1)), (0, 0, false));
    let query = ItemsQuery { modified_since: since(), only_tracked: false };
    assert_eq!(session.items(query, |_| {}).await.unwrap(), Default::default());
    // Where nothing was said of a time it is no answer.
    let error = session.accounts().await.unwrap_err();
    assert!(matches!(error, Error::BadAnswer { .. }), "{error:?}");
}

#[tokio::test]
async fn fields_on_which_nothing_depends_may_be_odd() {
    let fake = Fake::start(|seen, _| {
        ok(&if seen.path.ends_with("History") {
            r#"{"HistoryRecords":[{"Details":"made","DateUTC":"some day"},{"DateUTC":7}]}"#.to_owned()
        } else {
            format!(
                r#"{{"Organisations":[{{"OrganisationID":"{ID}","PeriodLockDate":"never","EndOfYearLockDate":0,
                "CreatedDateUTC":"long ago","FinancialYearEndDay":"last","IsDemoCompany":"yes"}}]}}"#
            )
        })
    })
    .await;
    let client = fake.client();
    let mut session = client.session(Priority::Poll, 2).await.unwrap();
    let organisation = session.organisation().await.unwrap();
    assert_eq!((organisation.period_lock_date, organisation.created_at), (None, None));
    let history = session.history(HistoryOf::PurchaseOrder, Uuid::from_u128(1)).await.unwrap();
    assert_eq!((history.len(), history[0].details.as_deref()), (2, Some("made")));
    session.finish().await.unwrap();
}

/// In a process of its own, since the environment is read when a client is made.
#[test]
fn no_proxy_of_the_environment_is_asked_for_this_machine() {
    const INSIDE: &str = "PARSTOCK_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_none() {
        let name = "reads::no_proxy_of_the_environment_is_asked_for_this_machine";
        let mut inside = std::process::Command::new(std::env::current_exe().unwrap());
        inside.args(["--exact", name]).env(INSIDE, "1").env_remove("NO_PROXY").env_remove("no_proxy");
        for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            inside.env(variable, "http://127.0.0.1:1");
        }
        assert!(inside.status().unwrap().success());
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let fake = Fake::start(|_, _| ok(ORGANISATION)).await;
        let mut session = fake.client().session(Priority::Person, 1).await.unwrap();
        session.organisation().await.unwrap();
    });
}

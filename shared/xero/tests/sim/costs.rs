//! What each kind of work costs in calls, as `docs/xero-limits.md` tells it.

use parstock_xero::{
    ItemsQuery,
    model::{
        AttachmentOf, BillUpdate, HistoryNote, HistoryOf, InvoiceStatus, NewAttachment, NewStatus,
        PurchaseOrderStatus,
    },
};
use parstock_xero_sim::act::{DocumentKind, Status};
use uuid::Uuid;

use crate::support::{Shop, ShopSession, TODAY, key, line};

/// The calls of the API that were made so far.
fn made(shop: &Shop) -> u64 {
    let token = |kind: &&parstock_xero::CallKind| kind.resource != "token";
    let counts = shop.client.call_counts();
    counts.iter().filter(|(kind, _)| token(kind)).map(|(_, count)| count).sum()
}

/// A look at the five lists that can have changed.
async fn poll(session: &mut ShopSession, since: jiff::Timestamp) {
    session.invoices_modified(Some(since), 1).await.unwrap();
    session.credit_notes_modified(Some(since), 1).await.unwrap();
    session.purchase_orders_modified(Some(since), 1).await.unwrap();
    session.bank_transactions_modified(Some(since), 1).await.unwrap();
    session.items(ItemsQuery::default(), |_| {}).await.unwrap();
}

#[tokio::test]
async fn each_kind_of_work_costs_what_the_document_says() {
    let shop = Shop::open().await;
    let bills: Vec<Uuid> = (0..100)
        .map(|number| {
            let number = format!("B-{number}");
            shop.write(DocumentKind::Bill, &number, Status::Authorised, vec![line("TEA", "1", "1")])
        })
        .collect();
    let mut costs = Vec::new();
    let mut before = 0;
    let mut note = |what: &'static str, shop: &Shop| {
        let now = made(shop);
        costs.push((what, now - before));
        before = now;
        shop.time.pass(60);
    };
    let mut session = shop.session().await;
    poll(&mut session, shop.now()).await;
    note("a poll", &shop);
    session.invoices_by_id(&bills[..1]).await.unwrap();
    note("a webhook of one document", &shop);
    session.invoices_by_id(&bills[..40]).await.unwrap();
    note("a webhook of 40 documents", &shop);
    session.finish().await.unwrap();

    let mut session = shop.session().await;
    let order = shop.order("PS-1", PurchaseOrderStatus::Draft);
    assert!(session.purchase_order_by_number("PS-1").await.unwrap().is_none());
    let made_order = session.create_purchase_orders(&[order], &key("a")).await.unwrap();
    assert!(made_order.stopped.is_none());
    let id = session.purchase_order_by_number("PS-1").await.unwrap().unwrap().purchase_order_id;
    let text = HistoryNote::new("approved").unwrap();
    session.add_history(HistoryOf::PurchaseOrder, id, &text, &key("b")).await.unwrap();
    note("an order with a note, looked up before and after", &shop);
    let bill = shop.bill("X-1", NewStatus::Draft);
    session.invoices_by_number(&["X-1"]).await.unwrap();
    let made_bill = session.create_bills(&[bill], &key("c")).await.unwrap();
    let parstock_xero::WriteOutcome::Saved { resource, .. } = &made_bill.outcomes[0] else { panic!() };
    let approve = BillUpdate::status(resource.invoice_id, InvoiceStatus::Authorised);
    assert!(session.update_bills(&[approve], &key("d")).await.unwrap().stopped.is_none());
    note("a bill, looked up before and approved", &shop);
    session.finish().await.unwrap();

    let mut session = shop.session().await;
    session.write_rules().await.unwrap();
    note("the rules for writes", &shop);
    session.balance_sheet(TODAY).await.unwrap();
    session.items(ItemsQuery { only_tracked: true, ..Default::default() }, |_| {}).await.unwrap();
    session.accounts().await.unwrap();
    note("the daily proof", &shop);
    let (of, bill) = (AttachmentOf::Invoice, bills[0]);
    let file = NewAttachment::new("freight.pdf", b"%PDF-1.4".to_vec()).unwrap();
    let file = session.attach(of, bill, &file, &key("e")).await.unwrap();
    note("a paper put beside a bill", &shop);
    assert_eq!(session.attachments(of, bill).await.unwrap().len(), 1);
    session.attached_pdf(of, bill, file.attachment_id, 100).await.unwrap();
    note("the papers of a bill that has one PDF", &shop);
    session.finish().await.unwrap();
    assert_eq!(
        costs,
        [
            ("a poll", 5),
            ("a webhook of one document", 1),
            ("a webhook of 40 documents", 1),
            ("an order with a note, looked up before and after", 4),
            ("a bill, looked up before and approved", 3),
            ("the rules for writes", 3),
            ("the daily proof", 3),
            ("a paper put beside a bill", 1),
            ("the papers of a bill that has one PDF", 2),
        ]
    );
}

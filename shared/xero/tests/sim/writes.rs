//! Writes, and looking for what was written.

use jiff::civil::date;
use parstock_xero::{
    BATCH_ELEMENTS_MAX, Batch, Error, InputError, JournalMark, Obstacle, RefusalReason, WriteOutcome,
    WriteRules,
    model::{
        ATTACHMENTS_MAX, AttachmentOf, BillUpdate, CreditNote, CreditNoteType, CreditNoteUpdate, HistoryNote,
        HistoryOf, Invoice, InvoiceStatus, InvoiceType, ItemUpdate, JournalStatus, LineAmountTypes, Lines,
        ManualJournal, ManualJournalUpdate, NewAllocation, NewAttachment, NewCreditNote, NewJournalLine,
        NewJournalStatus, NewManualJournal, NewStatus, PurchaseOrderStatus, PurchaseOrderUpdate, Tracking,
    },
};
use parstock_xero_sim::act::{Act, DocumentKind, Status};
use parstock_xero_sim::{ApiFault, Switches};

use crate::support::{Shop, TODAY, decimal, e4, item_line, key, line, organisation};

/// The only element of a batch, which was saved.
fn saved<T: std::fmt::Debug>(batch: Batch<T>) -> T {
    assert!(batch.stopped.is_none(), "{batch:?}");
    let [WriteOutcome::Saved { resource, .. }] = <[_; 1]>::try_from(batch.outcomes).unwrap() else {
        panic!("it was refused")
    };
    resource
}

/// The words with which the only element of a batch was refused.
fn refused<T: std::fmt::Debug>(batch: Batch<T>) -> Vec<String> {
    let [WriteOutcome::Refused { errors }] = <[_; 1]>::try_from(batch.outcomes).unwrap() else {
        panic!("it was saved")
    };
    errors
}

#[tokio::test]
async fn a_bill_is_made_approved_found_and_voided() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    let draft = saved(session.create_bills(&[shop.bill("B-1", NewStatus::Draft)], &key("a")).await.unwrap());
    assert_eq!(draft.status, Some(InvoiceStatus::Draft));
    assert_eq!(draft.line_items[0].unit_amount, Some(decimal("1.2345")), "four decimals survive");
    assert_eq!(shop.world().stock("TEA").unwrap().on_hand, e4("0"));

    let approve = BillUpdate::status(draft.invoice_id, InvoiceStatus::Authorised);
    let approved = saved(session.update_bills(&[approve], &key("b")).await.unwrap());
    assert_eq!(approved.status, Some(InvoiceStatus::Authorised));
    assert_eq!(shop.world().stock("TEA").unwrap().on_hand, e4("12"));

    let found = session.invoices_by_number(&["B-0", "B-1"]).await.unwrap().resources;
    assert_eq!(found.iter().map(|bill| bill.invoice_id).collect::<Vec<_>>(), [draft.invoice_id]);
    assert_eq!(found[0].line_items.len(), 1, "lines come with it");

    let void = BillUpdate::status(draft.invoice_id, InvoiceStatus::Voided);
    assert_eq!(
        saved(session.update_bills(&[void], &key("c")).await.unwrap()).status,
        Some(InvoiceStatus::Voided)
    );
    assert_eq!(shop.world().stock("TEA").unwrap().on_hand, e4("0"));
    assert_eq!(session.invoices_by_number(&["B-1"]).await.unwrap().resources.len(), 1, "voided ones too");
    session.finish().await.unwrap();
}

#[tokio::test]
async fn an_update_keeps_the_lines_that_it_does_not_change() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    let mut bill = shop.bill("B-1", NewStatus::Draft);
    bill.line_items = ["TEA", "CUP", "BAG"].map(|code| item_line(code, "3", "0.3333")).into();
    let before = saved(session.create_bills(&[bill], &key("a")).await.unwrap());
    let ids: Vec<_> = before.line_items.iter().map(|line| line.line_item_id.unwrap()).collect();

    let mut lines = Lines::keeping(&before.line_items).unwrap();
    lines.change(ids[0], |line| line.quantity = Some(decimal("5"))).unwrap();
    lines.remove(ids[1]).unwrap();
    lines.add(item_line("CUP", "1", "2"));
    let update = BillUpdate { lines: Some(lines), ..BillUpdate::new(before.invoice_id) };
    let after = saved(session.update_bills(&[update], &key("b")).await.unwrap());
    let kept: Vec<_> = after.line_items.iter().map(|line| line.line_item_id.unwrap()).collect();
    assert_eq!((kept[0], kept[1], kept.len()), (ids[0], ids[2], 3));
    assert!(!ids.contains(&kept[2]), "the new line has an id of its own");
    assert_eq!(after.line_items[0].quantity, Some(decimal("5")));
    assert_eq!(after.line_items[1].unit_amount, Some(decimal("0.3333")));
    assert_eq!(after.line_items[1].account_code, before.line_items[2].account_code);
    session.finish().await.unwrap();
}

#[test]
fn lines_that_would_be_lost_are_refused_before_they_are_sent() {
    assert!(matches!(Lines::keeping(&[]), Err(InputError::Lines { .. })));
    let without_id = parstock_xero::model::LineItem::default();
    assert!(matches!(Lines::keeping(&[without_id]), Err(InputError::Lines { .. })));
    let id = uuid::Uuid::from_u128(1);
    let line = parstock_xero::model::LineItem { line_item_id: Some(id), ..Default::default() };
    let mut lines = Lines::keeping(&[line]).unwrap();
    assert!(lines.remove(id).is_err(), "a document needs a line");
    assert!(lines.change(uuid::Uuid::from_u128(2), |_| {}).is_err());
}

#[tokio::test]
async fn many_elements_go_in_several_calls_and_each_is_read_by_itself() {
    let shop = Shop::open().await;
    let mut bills: Vec<_> =
        (0..120).map(|number| shop.bill(&format!("B-{number}"), NewStatus::Draft)).collect();
    bills[70].line_items[0].item_code = Some("GHOST".to_owned());
    let mut session = shop.session().await;
    let batch = session.create_bills(&bills, &key("many")).await.unwrap();
    assert!(batch.stopped.is_none());
    let bad: Vec<usize> = batch
        .outcomes
        .iter()
        .enumerate()
        .filter(|(_, outcome)| matches!(outcome, WriteOutcome::Refused { .. }))
        .map(|(place, _)| place)
        .collect();
    assert_eq!((batch.outcomes.len(), bad), (120, vec![70]));
    assert_eq!(shop.served("PUT Invoices"), 3);
    assert_eq!(shop.world().document_count(), 119);
    // The same keys give the same answers, so a repetition makes none twice.
    let again = session.create_bills(&bills, &key("many")).await.unwrap();
    assert_eq!((again.outcomes.len(), shop.world().document_count()), (120, 119));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn a_batch_that_is_stopped_says_what_was_done_before() {
    let shop = Shop::open().await;
    let bills: Vec<_> = (0..120).map(|number| shop.bill(&format!("B-{number}"), NewStatus::Draft)).collect();
    for (fault, saved_in_all) in [(ApiFault::DroppedAfterCommit, 100), (ApiFault::MinuteLimit, 150)] {
        let mut session = shop.session().await;
        session.organisation().await.unwrap();
        // The first call succeeds, the second goes wrong.
        shop.script(ApiFault::SkewedDate);
        shop.script(fault);
        let batch = session.create_bills(&bills, &key(&format!("{fault:?}"))).await.unwrap();
        assert_eq!(batch.outcomes.len(), BATCH_ELEMENTS_MAX);
        assert_eq!(shop.world().document_count(), saved_in_all, "{fault:?}");
        match (fault, batch.stopped) {
            (ApiFault::DroppedAfterCommit, Some(Error::Unknown { .. })) => {
                let numbers: Vec<String> = (50..120).map(|number| format!("B-{number}")).collect();
                let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
                let mut session = shop.session().await;
                assert_eq!(session.invoices_by_number(&numbers).await.unwrap().resources.len(), 50);
                session.finish().await.unwrap();
            }
            (ApiFault::MinuteLimit, Some(Error::NotNow { .. })) => {}
            (_, stopped) => panic!("{fault:?}: {stopped:?}"),
        }
    }
}

/// A return of 4 TEA at 1.25.
fn supplier_credit(shop: &Shop, number: &str, status: NewStatus) -> NewCreditNote {
    NewCreditNote {
        kind: CreditNoteType::Bill,
        credit_note_number: number.to_owned(),
        contact_id: shop.contact("Mill & Sons"),
        status,
        date: TODAY,
        line_amount_types: Some(LineAmountTypes::NoTax),
        currency_code: None,
        currency_rate: None,
        line_items: vec![item_line("TEA", "4", "1.25")],
    }
}

#[tokio::test]
async fn a_credit_note_is_made_found_and_allocated() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    let bill =
        saved(session.create_bills(&[shop.bill("B-1", NewStatus::Authorised)], &key("a")).await.unwrap());
    let note = supplier_credit(&shop, "CR-1", NewStatus::Draft);
    let note = saved(session.create_credit_notes(&[note], &key("b")).await.unwrap());
    let found = session.credit_notes_by_number("CR-1").await.unwrap().resources;
    assert_eq!(found[0].credit_note_id, note.credit_note_id);
    assert!(session.credit_notes_by_number("CR-2").await.unwrap().resources.is_empty());
    let approve = CreditNoteUpdate::status(note.credit_note_id, InvoiceStatus::Authorised);
    saved(session.update_credit_notes(&[approve], &key("c")).await.unwrap());
    assert_eq!(shop.world().stock("TEA").unwrap().on_hand, e4("8"));

    let part = |amount| NewAllocation { invoice_id: bill.invoice_id, amount: decimal(amount), date: TODAY };
    let outcome = session.allocate(note.credit_note_id, &[part("2.5")], &key("d")).await.unwrap();
    assert_eq!(saved(outcome).amount, Some(decimal("2.5")));
    let too_much = session.allocate(note.credit_note_id, &[part("5")], &key("e")).await.unwrap();
    assert_eq!(RefusalReason::of(&refused(too_much)[0]), RefusalReason::Outstanding);
    let found = session.credit_notes_by_number("CR-1").await.unwrap().resources.remove(0);
    assert_eq!(found.remaining_credit, Some(decimal("2.5")));
    assert_eq!(found.allocations[0].invoice.as_ref().unwrap().invoice_id, Some(bill.invoice_id));
    let bill = session.invoices_by_number(&["B-1"]).await.unwrap().resources.remove(0);
    assert_eq!(bill.amount_due, Some(decimal("12.31")));
    // What stands on a bill keeps it from being voided.
    let void = BillUpdate::status(bill.invoice_id, InvoiceStatus::Voided);
    let words = refused(session.update_bills(&[void], &key("f")).await.unwrap());
    assert_eq!(RefusalReason::of(&words[0]), RefusalReason::HasPayment);
    session.finish().await.unwrap();
}

fn journal(narration: &str, status: NewJournalStatus, account: &str) -> NewManualJournal {
    let line = |amount: &str, code: &str| NewJournalLine {
        line_amount: decimal(amount),
        account_code: code.to_owned(),
        description: Some("Cost of the day".to_owned()),
        tracking: Vec::new(),
    };
    let lines = vec![line("120.50", "310"), line("-120.50", account)];
    NewManualJournal::new(narration, TODAY, status, lines).unwrap()
}

#[tokio::test]
async fn a_journal_is_made_posted_and_voided() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    let draft =
        journal("COGS 2026-03-02 #41", NewJournalStatus::Draft, "620").with_url("https://x.example/41");
    let made: ManualJournal = saved(session.create_manual_journals(&[draft], &key("a")).await.unwrap());
    assert_eq!((made.status.clone(), made.journal_lines.len()), (Some(JournalStatus::Draft), 2));
    for (status, name) in [(JournalStatus::Posted, "b"), (JournalStatus::Voided, "c")] {
        let update = ManualJournalUpdate {
            manual_journal_id: made.manual_journal_id,
            narration: made.narration.clone().unwrap(),
            status: status.clone(),
        };
        let changed = saved(session.update_manual_journals(&[update], &key(name)).await.unwrap());
        assert_eq!(changed.status, Some(status));
        assert_eq!(changed.journal_lines.len(), 2);
    }
    let since = shop.now();
    for (mark, found) in [
        (JournalMark::Narration("#41"), 1),
        (JournalMark::Url("https://x.example/41"), 1),
        (JournalMark::Narration("#42"), 0),
    ] {
        assert_eq!(session.manual_journals_marked(mark, since).await.unwrap().len(), found, "{mark:?}");
    }
    session.finish().await.unwrap();
}

#[tokio::test]
async fn a_journal_whose_answer_got_lost_is_found_by_its_mark() {
    let shop = Shop::open().await;
    let since = shop.now();
    for (fault, found) in [(ApiFault::DroppedAfterCommit, 1), (ApiFault::DroppedBefore, 0)] {
        let mut session = shop.session().await;
        session.organisation().await.unwrap();
        shop.script(fault);
        let text = format!("COGS {fault:?}");
        let new = journal(&text, NewJournalStatus::Posted, "620");
        let error = session.create_manual_journals(&[new], &key(&text.replace(' ', "-"))).await.unwrap_err();
        assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
        let mark = JournalMark::Narration(&text);
        assert_eq!(session.manual_journals_marked(mark, since).await.unwrap().len(), found);
        session.finish().await.unwrap();
    }
}

#[test]
fn a_journal_that_does_not_balance_is_not_sent() {
    let line = |amount: &str| NewJournalLine {
        line_amount: decimal(amount),
        account_code: "310".to_owned(),
        description: None,
        tracking: Vec::new(),
    };
    for lines in [vec![line("1"), line("-1.01")], vec![line("0")], vec![]] {
        let error = NewManualJournal::new("x", TODAY, NewJournalStatus::Draft, lines).unwrap_err();
        assert!(matches!(error, InputError::Lines { .. }), "{error}");
    }
    assert!(NewManualJournal::new(" ", TODAY, NewJournalStatus::Draft, vec![line("1"), line("-1")]).is_err());
}

#[tokio::test]
async fn a_price_changes_and_nothing_else_of_the_item() {
    for clears in [false, true] {
        let switches = Switches { item_update_clears_left_out: clears, ..Switches::default() };
        let shop = Shop::with(switches).await;
        let mut session = shop.session().await;
        shop.write(DocumentKind::Bill, "B-1", Status::Authorised, vec![line("TEA", "5", "1.5")]);
        let mut items = Vec::new();
        session.items(Default::default(), |item| items.push(item)).await.unwrap();
        for before in items {
            let update = ItemUpdate::of(&before).with_purchase_price(decimal("1.2399"));
            let key = key(&format!("price-of-{}", before.code));
            let after = saved(session.update_items(&[update], &key).await.unwrap());
            let mut expected = before;
            expected.purchase_details.as_mut().unwrap().unit_price = Some(decimal("1.2399"));
            expected.updated_at = after.updated_at;
            assert_eq!(after, expected, "clears: {clears}");
        }
        session.finish().await.unwrap();
    }
}

#[tokio::test]
async fn an_order_goes_every_way_that_it_may() {
    use PurchaseOrderStatus::{Authorised, Billed, Deleted, Draft, Submitted};
    let shop = Shop::open().await;
    let all = [Draft, Submitted, Authorised, Billed, Deleted];
    let mut number = 0;
    for from in &all {
        for to in &all {
            shop.time.pass(60);
            number += 1;
            let mut session = shop.session().await;
            let begin = if matches!(from, Draft | Submitted) { from.clone() } else { Authorised };
            let order = shop.order(&format!("PS-{number}"), begin.clone());
            let order =
                saved(session.create_purchase_orders(&[order], &key(&format!("n{number}"))).await.unwrap());
            let id = order.purchase_order_id;
            if *from != begin {
                let step = PurchaseOrderUpdate::status(id, from.clone());
                saved(session.update_purchase_orders(&[step], &key(&format!("s{number}"))).await.unwrap());
            }
            let step = PurchaseOrderUpdate::status(id, to.clone());
            let outcome = session.update_purchase_orders(&[step], &key(&format!("t{number}"))).await.unwrap();
            let done = matches!(outcome.outcomes[0], WriteOutcome::Saved { .. });
            assert_eq!(done, from.may_become(to), "{from} -> {to}");
            session.finish().await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_order_is_changed_marked_as_sent_and_printed() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    let order = shop.order("PS-1", PurchaseOrderStatus::Draft);
    let order = saved(session.create_purchase_orders(&[order], &key("a")).await.unwrap());
    let id = order.purchase_order_id;
    let sent = PurchaseOrderUpdate { sent_to_contact: Some(true), ..PurchaseOrderUpdate::new(id) };
    let early = session.update_purchase_orders(std::slice::from_ref(&sent), &key("b")).await.unwrap();
    let [WriteOutcome::Saved { resource, warnings }] = early.outcomes.as_slice() else { panic!("{early:?}") };
    assert_eq!((resource.sent_to_contact, warnings.len()), (Some(false), 1), "it says why it did nothing");

    let mut lines = Lines::keeping(&order.line_items).unwrap();
    lines
        .change(order.line_items[0].line_item_id.unwrap(), |line| line.unit_amount = Some(decimal("1.1111")))
        .unwrap();
    let update = PurchaseOrderUpdate {
        status: Some(PurchaseOrderStatus::Authorised),
        expected_arrival_date: Some(date(2026, 3, 20)),
        lines: Some(lines),
        ..sent
    };
    let after = saved(session.update_purchase_orders(&[update], &key("c")).await.unwrap());
    assert_eq!(after.sent_to_contact, Some(true));
    assert_eq!(after.expected_arrival_date, Some(date(2026, 3, 20)));
    assert_eq!(after.delivery_date, order.delivery_date, "what is left out stays");
    assert_eq!(after.line_items[0].unit_amount, Some(decimal("1.1111")));
    let pdf = session.purchase_order_pdf(id).await.unwrap();
    assert!(pdf.starts_with(b"%PDF-"));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn files_are_put_beside_documents_and_looked_for() {
    let shop = Shop::open().await;
    let order = shop.write(DocumentKind::PurchaseOrder, "PS-1", Status::Draft, vec![line("TEA", "1", "1")]);
    let bill = shop.write(DocumentKind::Bill, "B-1", Status::Draft, vec![line("TEA", "1", "1")]);
    let mut session = shop.session().await;
    let file = |name: &str| NewAttachment::new(name, b"%PDF-1.4".to_vec()).unwrap();
    let why = file("why so much – Größe.pdf");
    for (of, id) in [(AttachmentOf::PurchaseOrder, order), (AttachmentOf::Invoice, bill)] {
        let kept = session.attach(of, id, &why, &key(&format!("a-{id}"))).await.unwrap();
        assert_eq!(kept.content_length, Some(8));
        let present = session.attachments(of, id).await.unwrap();
        assert_eq!(why.among(&present), Some(&kept));
        assert_eq!(file("other.pdf").among(&present), None);
        why.fits(&present).unwrap();
        let content = session.attached_pdf(of, id, kept.attachment_id, 8).await.unwrap();
        assert_eq!(content, b"%PDF-1.4");
        let longer = session.attached_pdf(of, id, kept.attachment_id, 7).await.unwrap_err();
        assert!(matches!(longer, Error::BadAnswer { .. }), "{longer:?}");
        let gone = session.attached_pdf(of, id, id, 8).await.unwrap_err();
        assert!(matches!(gone, Error::Reject { status: 404, .. }), "{gone:?}");
    }
    for number in 1..ATTACHMENTS_MAX {
        shop.time.pass(10);
        let name = format!("{number}.pdf");
        session.attach(AttachmentOf::Invoice, bill, &file(&name), &key(&name)).await.unwrap();
    }
    let present = session.attachments(AttachmentOf::Invoice, bill).await.unwrap();
    assert!(matches!(file("11.pdf").fits(&present), Err(InputError::TooMany { .. })));
    let error = session.attach(AttachmentOf::Invoice, bill, &file("11.pdf"), &key("11")).await.unwrap_err();
    assert!(matches!(error, Error::Reject { .. }), "{error:?}");
}

#[test]
fn a_file_that_can_not_be_sent_is_refused_beforehand() {
    let new = |name: &str, length: usize| NewAttachment::new(name, vec![0; length]);
    assert!(new("a.pdf", 10 * 1024 * 1024).is_ok());
    for (name, length) in
        [("a.pdf", 10 * 1024 * 1024 + 1), ("a.pdf", 0), ("../a.pdf", 1), ("..", 1), ("a\n.pdf", 1)]
    {
        assert!(new(name, length).is_err(), "{name:?}");
    }
}

#[tokio::test]
async fn notes_go_to_each_kind_that_has_a_history() {
    let shop = Shop::open().await;
    let order = shop.write(DocumentKind::PurchaseOrder, "PS-1", Status::Draft, vec![line("TEA", "1", "1")]);
    let bill = shop.write(DocumentKind::Bill, "B-1", Status::Authorised, vec![line("TEA", "9", "1")]);
    let credit = shop.write(DocumentKind::SupplierCredit, "C-1", Status::Draft, vec![line("TEA", "1", "1")]);
    shop.apply(&Act::set_status(DocumentKind::Bill, "B-1", Status::Paid));
    let mut session = shop.session().await;
    let new = journal("x", NewJournalStatus::Draft, "620");
    let journal = saved(session.create_manual_journals(&[new], &key("j")).await.unwrap());
    let payment = session.payments_modified(None, 1).await.unwrap().resources.remove(0);
    let note = HistoryNote::new("12 to last until May").unwrap();
    for (of, id) in [
        (HistoryOf::PurchaseOrder, order),
        (HistoryOf::Invoice, bill),
        (HistoryOf::CreditNote, credit),
        (HistoryOf::ManualJournal, journal.manual_journal_id),
        (HistoryOf::Payment, payment.payment_id),
        (HistoryOf::Contact, shop.contact("Jane")),
    ] {
        session.add_history(of, id, &note, &key(&format!("{of:?}"))).await.unwrap();
        let history = session.history(of, id).await.unwrap();
        assert_eq!(history[0].details.as_deref(), Some("12 to last until May"), "{of:?}");
    }
    session.finish().await.unwrap();
}

#[tokio::test]
async fn lines_carry_tracking_options() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    let category = session.tracking_categories(false).await.unwrap().remove(0);
    let option = category.options[1].clone();
    let choice = Tracking {
        tracking_category_id: Some(category.tracking_category_id),
        tracking_option_id: Some(option.tracking_option_id),
        name: category.name.clone(),
        option: option.name.clone(),
    };
    let mut bill = shop.bill("B-1", NewStatus::Draft);
    bill.line_items[0].tracking = vec![choice.clone()];
    let made = saved(session.create_bills(&[bill.clone()], &key("a")).await.unwrap());
    assert_eq!(made.line_items[0].tracking, std::slice::from_ref(&choice));
    // An update that changes something else keeps them.
    let lines = Lines::keeping(&made.line_items).unwrap();
    let update = BillUpdate { lines: Some(lines), ..BillUpdate::new(made.invoice_id) };
    let after = saved(session.update_bills(&[update], &key("b")).await.unwrap());
    assert_eq!(after.line_items[0].tracking, std::slice::from_ref(&choice));
    bill.line_items[0].tracking = vec![choice.clone(), choice.clone(), choice];
    let error = session.create_bills(&[bill], &key("c")).await.unwrap_err();
    assert!(matches!(error, Error::Input(InputError::TooMany { limit: 2, .. })), "{error:?}");
    session.finish().await.unwrap();
}

#[tokio::test]
async fn what_the_books_forbid_is_known_before_and_explained_after() {
    let shop = Shop::open().await;
    shop.apply(&Act::ForbidActions(vec!["CreateApprovedBill".into(), "CreateManualJournal".into()]));
    let mut session = shop.session().await;
    let rules = session.write_rules().await.unwrap();

    let good = shop.bill("B-0", NewStatus::Draft);
    rules.check_bill(&good).unwrap();
    saved(session.create_bills(std::slice::from_ref(&good), &key("0")).await.unwrap());

    let mut locked = shop.bill("B-1", NewStatus::Authorised);
    locked.date = date(2025, 6, 30);
    let capped = shop.bill("B-2", NewStatus::Authorised);
    assert!(matches!(rules.check_bill(&capped), Err(Obstacle::NotAllowed { .. })));
    let words = refused(session.create_bills(&[capped], &key("2")).await.unwrap());
    assert_eq!(RefusalReason::of(&words[0]), RefusalReason::PlanCap, "{words:?}");

    shop.apply(&Act::ForbidActions(Vec::new()));
    let rules = session.write_rules().await.unwrap();
    let obstacle = rules.check_bill(&locked).unwrap_err();
    assert!(obstacle.to_string().contains("period lock date is 2025-06-30"), "{obstacle}");
    let words = refused(session.create_bills(&[locked.clone()], &key("1")).await.unwrap());
    assert_eq!(RefusalReason::of(&words[0]), RefusalReason::Locked, "{words:?}");
    // A draft is not in the books yet.
    locked.status = NewStatus::Draft;
    rules.check_bill(&locked).unwrap();
    saved(session.create_bills(&[locked], &key("1d")).await.unwrap());

    let mut inventory = shop.bill("B-3", NewStatus::Draft);
    inventory.line_items[0] = parstock_xero::model::NewLineItem {
        description: Some("Freight".to_owned()),
        account_code: Some("630".to_owned()),
        ..item_line("TEA", "1", "5")
    };
    inventory.line_items[0].item_code = None;
    assert!(matches!(rules.check_bill(&inventory), Err(Obstacle::Account { .. })));
    let words = refused(session.create_bills(&[inventory], &key("3")).await.unwrap());
    assert_eq!(RefusalReason::of(&words[0]), RefusalReason::InventoryAccount, "{words:?}");

    for (account, reason) in [
        ("630", RefusalReason::InventoryAccount),
        ("610", RefusalReason::Account),
        ("090", RefusalReason::Account),
        ("999", RefusalReason::Account),
    ] {
        let new = journal("x", NewJournalStatus::Posted, account);
        assert!(rules.check_journal(&new).is_err(), "{account}");
        let words =
            refused(session.create_manual_journals(&[new], &key(&format!("j{account}"))).await.unwrap());
        assert_eq!(RefusalReason::of(&words[0]), reason, "{words:?}");
    }
    rules.check_journal(&journal("x", NewJournalStatus::Posted, "620")).unwrap();

    let number = shop.order("PS-1", PurchaseOrderStatus::Draft);
    rules.check_purchase_order(&number).unwrap();
    saved(session.create_purchase_orders(std::slice::from_ref(&number), &key("o")).await.unwrap());
    let words = refused(session.create_purchase_orders(&[number], &key("p")).await.unwrap());
    assert_eq!(RefusalReason::of(&words[0]), RefusalReason::NumberTaken);
    session.finish().await.unwrap();
}

#[tokio::test]
async fn a_bill_changes_only_as_its_state_allows() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    let rules = session.write_rules().await.unwrap();
    let bill =
        saved(session.create_bills(&[shop.bill("B-1", NewStatus::Authorised)], &key("a")).await.unwrap());
    for (to, may) in [
        (InvoiceStatus::Draft, false),
        (InvoiceStatus::Deleted, false),
        (InvoiceStatus::Paid, false),
        (InvoiceStatus::Voided, true),
    ] {
        let update = BillUpdate::status(bill.invoice_id, to.clone());
        assert_eq!(rules.check_bill_update(&bill, &update).is_ok(), may, "{to}");
        let outcome = session.update_bills(&[update], &key(to.as_str())).await.unwrap();
        assert_eq!(matches!(outcome.outcomes[0], WriteOutcome::Saved { .. }), may, "{to}");
    }
    // After the books were closed, the voided bill's date is in a locked period.
    let mut closed = organisation("Corner Shop");
    closed.end_of_year_lock_date = Some(TODAY);
    shop.apply(&Act::SetUpOrganisation(closed));
    let rules = session.write_rules().await.unwrap();
    let update = BillUpdate::status(bill.invoice_id, InvoiceStatus::Voided);
    assert!(matches!(rules.check_bill_update(&bill, &update), Err(Obstacle::Locked { .. })));
    session.finish().await.unwrap();
}

/// Whether Organisation Actions speak of credit notes nobody has confirmed, so it is Xero who refuses.
#[tokio::test]
async fn who_may_not_write_a_credit_note_is_told_so_by_xero() {
    for credit_notes_need_draft_action in [true, false] {
        let shop = Shop::with(Switches { credit_notes_need_draft_action, ..Switches::default() }).await;
        let mut session = shop.session().await;
        let new = supplier_credit(&shop, "CR-1", NewStatus::Draft);
        shop.apply(&Act::ForbidActions(vec!["CreateDraftBill".to_owned()]));
        session.write_rules().await.unwrap().check_credit_note(&new).unwrap();
        let written = session.create_credit_notes(std::slice::from_ref(&new), &key("a")).await.unwrap();
        match &written.outcomes[0] {
            WriteOutcome::Refused { errors } => {
                assert!(credit_notes_need_draft_action && errors[0].contains("not permitted"), "{errors:?}");
            }
            WriteOutcome::Saved { .. } => assert!(!credit_notes_need_draft_action),
        }
        session.finish().await.unwrap();
    }
}

fn note_as(note: &CreditNote, status: InvoiceStatus) -> CreditNote {
    CreditNote { status: Some(status), ..note.clone() }
}

#[tokio::test]
async fn a_credit_note_changes_only_as_its_state_allows() {
    let shop = Shop::open().await;
    shop.write(DocumentKind::Bill, "B-0", Status::Authorised, vec![line("TEA", "9", "1")]);
    let mut session = shop.session().await;
    let rules = session.write_rules().await.unwrap();
    let new = supplier_credit(&shop, "CR-1", NewStatus::Authorised);
    let note = saved(session.create_credit_notes(&[new], &key("a")).await.unwrap());
    let mut inventory = Lines::keeping(&note.line_items).unwrap();
    inventory.add(parstock_xero::model::NewLineItem {
        account_code: Some("630".to_owned()),
        item_code: None,
        ..item_line("TEA", "1", "1")
    });
    let update = CreditNoteUpdate { lines: Some(inventory), ..CreditNoteUpdate::new(note.credit_note_id) };
    assert!(matches!(rules.check_credit_note_update(&note, &update), Err(Obstacle::Account { .. })));
    for (to, may) in [
        (InvoiceStatus::Draft, false),
        (InvoiceStatus::Deleted, false),
        (InvoiceStatus::Paid, false),
        (InvoiceStatus::Voided, true),
    ] {
        let update = CreditNoteUpdate::status(note.credit_note_id, to.clone());
        assert_eq!(rules.check_credit_note_update(&note, &update).is_ok(), may, "{to}");
        let outcome = session.update_credit_notes(&[update], &key(to.as_str())).await.unwrap();
        assert_eq!(matches!(outcome.outcomes[0], WriteOutcome::Saved { .. }), may, "{to}");
    }
    // A draft is approved into open books only, and moved into open books only.
    let draft = note_as(&note, InvoiceStatus::Draft);
    let mut closed = rules.clone();
    closed.organisation.period_lock_date = Some(TODAY);
    let approve = CreditNoteUpdate::status(note.credit_note_id, InvoiceStatus::Authorised);
    rules.check_credit_note_update(&draft, &approve).unwrap();
    assert!(matches!(closed.check_credit_note_update(&draft, &approve), Err(Obstacle::Locked { .. })));
    let back =
        CreditNoteUpdate { date: Some(date(2025, 6, 30)), ..CreditNoteUpdate::new(note.credit_note_id) };
    rules.check_credit_note_update(&draft, &back).unwrap();
    assert!(matches!(rules.check_credit_note_update(&note, &back), Err(Obstacle::Locked { .. })));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn what_keeps_a_credit_from_being_allocated_is_known_before_and_explained_after() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    let bill =
        saved(session.create_bills(&[shop.bill("B-1", NewStatus::Authorised)], &key("a")).await.unwrap());
    let rules = session.write_rules().await.unwrap();
    let new = supplier_credit(&shop, "CR-1", NewStatus::Authorised);
    let note = saved(session.create_credit_notes(&[new], &key("b")).await.unwrap());
    let part =
        |amount: &str| NewAllocation { invoice_id: bill.invoice_id, amount: decimal(amount), date: TODAY };
    let bills = std::slice::from_ref(&bill);
    let why = |rules: &WriteRules, note: &CreditNote, bills: &[Invoice], parts: &[NewAllocation]| {
        rules.check_allocations(note, bills, parts).unwrap_err().to_string()
    };

    // each is refused by Xero as well
    let before_lock = NewAllocation { date: date(2025, 6, 30), ..part("1") };
    for (parts, says, reason) in [
        (vec![part("5.01")], "left of the credit note", RefusalReason::Outstanding),
        (vec![before_lock], "period lock date is 2025-06-30", RefusalReason::Locked),
    ] {
        let told = why(&rules, &note, bills, &parts);
        assert!(told.contains(says), "{told}");
        let words = refused(
            session.allocate(note.credit_note_id, &parts, &key(&says.replace(' ', "-"))).await.unwrap(),
        );
        assert_eq!(RefusalReason::of(&words[0]), reason, "{words:?}");
    }
    let small = Invoice { amount_due: Some(decimal("3")), ..bill.clone() };
    let drafted = Invoice { status: Some(InvoiceStatus::Draft), ..bill.clone() };
    let sale = Invoice { kind: Some(InvoiceType::Sale), ..bill.clone() };
    let mut of_another = bill.clone();
    of_another.contact.as_mut().unwrap().contact_id = Some(shop.contact("Jane"));
    let foreign = Invoice { currency_code: Some("USD".to_owned()), ..bill.clone() };
    for (bill, parts, says) in [
        (&bill, vec![part("3"), part("2.01")], "left of the credit note"),
        (&small, vec![part("2"), part("1.01")], "what is owed"),
        (&bill, vec![part("0")], "above zero"),
        (&drafted, vec![part("1")], "not approved"),
        (&sale, vec![part("1")], "suppliers' credits to bills"),
        (&of_another, vec![part("1")], "another contact's"),
        (&foreign, vec![part("1")], "another currency"),
    ] {
        let told = why(&rules, &note, std::slice::from_ref(bill), &parts);
        assert!(told.contains(says), "{told}");
    }
    assert!(why(&rules, &note, &[], &[part("1")]).contains("not among those read"));
    let draft = note_as(&note, InvoiceStatus::Draft);
    assert!(why(&rules, &draft, bills, &[part("1")]).contains("credit note is not approved"));

    let parts = [part("3"), part("2")];
    rules.check_allocations(&note, bills, &parts).unwrap();
    let batch = session.allocate(note.credit_note_id, &parts, &key("c")).await.unwrap();
    assert!(batch.outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Saved { .. })), "{batch:?}");
    // What stands on either keeps both from being voided.
    let bill = session.invoices_by_number(&["B-1"]).await.unwrap().resources.remove(0);
    let void = BillUpdate::status(bill.invoice_id, InvoiceStatus::Voided);
    assert_eq!(rules.check_bill_update(&bill, &void), Err(Obstacle::Settled));
    let note = session.credit_notes_by_number("CR-1").await.unwrap().resources.remove(0);
    let void = CreditNoteUpdate::status(note.credit_note_id, InvoiceStatus::Voided);
    let part_left =
        CreditNote { remaining_credit: Some(decimal("1")), ..note_as(&note, InvoiceStatus::Authorised) };
    assert_eq!(rules.check_credit_note_update(&part_left, &void), Err(Obstacle::Settled));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn numbers_that_can_not_be_looked_for_are_refused() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    for number in ["", "a,b", "say \"x\"", "a\\b", "a\nb"] {
        let error = session.invoices_by_number(&[number]).await.unwrap_err();
        assert!(matches!(error, Error::Input(_)), "{number:?}: {error:?}");
        assert!(session.credit_notes_by_number(number).await.is_err());
    }
    assert!(session.invoices_by_number(&[]).await.unwrap().resources.is_empty());
    // Long lists go in several calls, none longer than an address may be.
    let numbers: Vec<String> = (0..200).map(|number| format!("SUPPLIER-{number:06}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    session.invoices_by_number(&numbers).await.unwrap();
    assert_eq!(shop.served("GET Invoices"), 3);
    session.finish().await.unwrap();
}

//! Reads beyond the documents of trade.

use parstock_xero::{
    Decimal, Error,
    model::{
        ActionStatus, Advance, AdvanceType, BankTransactionType, ContactStatus, JournalStatus, PaymentStatus,
        PaymentType,
    },
};
use parstock_xero_sim::act::{Act, DocumentKind, JournalLine, JournalStatus as Posted, NewJournal, Status};

use crate::support::{Shop, TODAY, decimal, e4, line, organisation};

#[tokio::test]
async fn an_advance_that_stands_in_two_lists_is_known_as_one() {
    // Source: Xero-OpenAPI, BankTransaction.PrepaymentID and BankTransaction.OverpaymentID.
    let shop = Shop::open().await;
    for (kind, reference) in [
        (DocumentKind::ReceivePrepayment, "P-1"),
        (DocumentKind::SpendPrepayment, "P-2"),
        (DocumentKind::ReceiveOverpayment, "O-1"),
        (DocumentKind::SpendOverpayment, "O-2"),
    ] {
        shop.write(kind, reference, Status::Authorised, vec![line("BAG", "1", "75.5")]);
    }
    shop.write(DocumentKind::SpendMoney, "S-1", Status::Authorised, vec![line("TEA", "5", "1")]);
    let mut session = shop.session().await;
    let bank = session.bank_transactions_modified(None, 1).await.unwrap().resources;
    assert_eq!(bank.len(), 5);
    let mut brought: Vec<Advance> = bank.iter().filter_map(|transaction| transaction.brings()).collect();
    brought.sort();
    let prepayments = session.prepayments_modified(None, 1).await.unwrap().resources;
    let overpayments = session.overpayments_modified(None, 1).await.unwrap().resources;
    let mut listed: Vec<Advance> =
        prepayments.iter().map(|one| Advance::Prepayment(one.prepayment_id)).collect();
    listed.extend(overpayments.iter().map(|one| Advance::Overpayment(one.overpayment_id)));
    listed.sort();
    assert_eq!(brought, listed);
    assert_eq!(bank.iter().filter(|transaction| transaction.is_advance()).count(), 4);
    let spent = bank.iter().find(|one| one.kind == Some(BankTransactionType::Spend)).unwrap();
    assert_eq!((spent.brings(), spent.is_advance()), (None, false));
    let kinds: Vec<_> = prepayments.iter().map(|one| one.kind.clone().unwrap()).collect();
    assert!(kinds.contains(&AdvanceType::ReceivePrepayment) && kinds.contains(&AdvanceType::SpendPrepayment));
    assert_eq!(prepayments[0].remaining_credit, Some(decimal("75.5")));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn payments_come_with_what_they_are_for_and_stay_when_taken_back() {
    let shop = Shop::open().await;
    let bill = shop.write(DocumentKind::Bill, "B-1", Status::Authorised, vec![line("TEA", "12", "1.25")]);
    shop.apply(&Act::set_status(DocumentKind::Bill, "B-1", Status::Paid));
    let mut session = shop.session().await;
    let paid = session.payments_modified(None, 1).await.unwrap().resources.remove(0);
    assert_eq!(paid.payment_type, Some(PaymentType::Bill));
    assert_eq!((paid.amount, paid.status), (Some(decimal("15")), Some(PaymentStatus::Authorised)));
    assert_eq!(paid.invoice.unwrap().invoice_id, Some(bill));
    shop.time.pass(60);
    let before = shop.now();
    shop.apply(&Act::set_status(DocumentKind::Bill, "B-1", Status::Authorised));
    let changed = session.payments_modified(Some(before), 1).await.unwrap().resources;
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].status, Some(PaymentStatus::Deleted));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn journals_are_read_with_their_lines() {
    let shop = Shop::open().await;
    let posted = |amount: &str, account: &str| JournalLine {
        amount: e4(amount),
        account_code: account.into(),
        description: "Shrinkage".into(),
        tracking: Vec::new(),
    };
    shop.apply(&Act::CreateJournal(NewJournal {
        narration: "Shrinkage of February".into(),
        date: TODAY,
        status: Posted::Posted,
        lines: vec![posted("12.34", "401"), posted("-12.34", "620")],
        url: None,
    }));
    let mut session = shop.session().await;
    let page = session.manual_journals_modified(None, 1).await.unwrap();
    assert!(!page.may_have_more(1));
    let journal = &page.resources[0];
    assert_eq!(journal.status, Some(JournalStatus::Posted));
    assert_eq!(journal.journal_lines[1].line_amount, Some(decimal("-12.34")));
    assert_eq!(journal.date, Some(TODAY));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn what_the_organisation_has_set_up_is_read() {
    let shop = Shop::open().await;
    shop.apply(&Act::ForbidActions(vec!["CreateApprovedBill".into()]));
    let mut session = shop.session().await;
    let rates = session.tax_rates().await.unwrap();
    let input = rates.iter().find(|rate| rate.tax_type == "INPUT").unwrap();
    assert_eq!(input.effective_rate, Some(decimal("10")));
    let categories = session.tracking_categories(true).await.unwrap();
    assert_eq!(categories[0].options.len(), 2);
    let currencies = session.currencies().await.unwrap();
    assert_eq!(currencies[0].code, "AUD");
    let themes = session.branding_themes().await.unwrap();
    assert_eq!(themes[0].sort_order, Some(0));
    let actions = session.actions().await.unwrap();
    let of = |name: &str| actions.iter().find(|action| action.name == name).unwrap().status.clone();
    assert_eq!(of("CreateApprovedBill"), Some(ActionStatus::NotAllowed));
    assert_eq!(of("CreateDraftBill"), Some(ActionStatus::Allowed));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn reports_are_rows_of_accounts_and_amounts() {
    let shop = Shop::open().await;
    shop.write(DocumentKind::Bill, "B-1", Status::Authorised, vec![line("TEA", "12", "1.25")]);
    shop.write(DocumentKind::Invoice, "INV-1", Status::Authorised, vec![line("TEA", "5", "2.5")]);
    let mut session = shop.session().await;
    let accounts = session.accounts().await.unwrap();
    let id = |code: &str| {
        Some(accounts.iter().find(|account| account.code.as_deref() == Some(code)).unwrap().account_id)
    };
    let sheet = session.balance_sheet(TODAY).await.unwrap();
    let amount = |account| sheet.rows.iter().find(|row| row.account_id == account).unwrap().amount;
    let mut pools = Vec::new();
    session.items(Default::default(), |item| pools.extend(item.total_cost_pool)).await.unwrap();
    assert_eq!(amount(id("630")), decimal("8.75"), "{sheet:?}");
    assert_eq!(pools.iter().filter(|pool| !pool.is_zero()).collect::<Vec<_>>(), [&amount(id("630"))]);
    assert_eq!(amount(id("610")), decimal("12.5"));
    let earnings = sheet.rows.iter().find(|row| row.account_id.is_none()).unwrap();
    assert_eq!((earnings.name.as_str(), earnings.amount), ("Current Year Earnings", decimal("6.25")));
    assert!(sheet.titles[1].contains("Corner Shop"));

    let trial = session.trial_balance(TODAY).await.unwrap();
    let sum = |of: fn(&parstock_xero::model::TrialRow) -> Decimal| -> i64 {
        trial.rows.iter().map(|row| of(row).to_e4().unwrap()).sum()
    };
    assert_eq!(sum(|row| row.debit), sum(|row| row.credit));
    assert!(sum(|row| row.debit) > 0);
    let sales = trial.rows.iter().find(|row| row.account_id == id("200")).unwrap();
    assert_eq!((sales.name.as_str(), sales.year_credit), ("Account 200 (200)", decimal("12.5")));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn tracked_items_tell_what_is_available() {
    let shop = Shop::open().await;
    shop.write(DocumentKind::Bill, "B-1", Status::Authorised, vec![line("TEA", "12", "1.25")]);
    let mut session = shop.session().await;
    let mut items = Vec::new();
    session.items(Default::default(), |item| items.push(item)).await.unwrap();
    let of = |code: &str| items.iter().find(|item| item.code == code).unwrap();
    assert_eq!(of("TEA").quantity_available, Some(decimal("12")));
    assert_eq!(of("TEA").quantity_on_back_order, Some(decimal("0")));
    assert_eq!((of("BAG").quantity_available, of("BAG").quantity_on_hand), (None, None));
    session.finish().await.unwrap();
}

#[tokio::test]
async fn what_people_rename_and_merge_keeps_its_id() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    let bill = shop.write(DocumentKind::Bill, "B-1", Status::Authorised, vec![line("TEA", "12", "1.25")]);
    let organisation_id = session.organisation().await.unwrap().organisation_id;
    let mut tea = None;
    session
        .items(Default::default(), |item| {
            if item.code == "TEA" {
                tea = Some(item.item_id);
            }
        })
        .await
        .unwrap();
    shop.time.pass(60);
    let since = shop.now();
    shop.apply(&Act::SetUpOrganisation(organisation("Corner Shop & Daughters")));
    shop.apply(&Act::RenameItem { code: "TEA".into(), new_code: "TEA-2".into() });
    shop.apply(&Act::MergeContacts { from: "Mill & Sons".into(), into: "Jane".into() });

    let renamed = session.organisation().await.unwrap();
    assert_eq!(renamed.organisation_id, organisation_id);
    assert_eq!(renamed.name.as_deref(), Some("Corner Shop & Daughters"));
    let mut changed = Vec::new();
    let query = parstock_xero::ItemsQuery { modified_since: Some(since), only_tracked: false };
    session.items(query, |item| changed.push((Some(item.item_id), item.code))).await.unwrap();
    assert_eq!(changed, [(tea, "TEA-2".to_owned())]);
    let query = parstock_xero::ContactsQuery { modified_since: Some(since), page: 1, include_archived: true };
    let merged = session.contacts(query).await.unwrap().resources.remove(0);
    assert_eq!(merged.contact_status, Some(ContactStatus::Archived));
    assert_eq!(merged.merged_into, Some(shop.contact("Jane")));
    // Its documents name the other now, without having changed.
    let moved = session.invoices_by_id(&[bill]).await.unwrap().resources.remove(0);
    assert_eq!(moved.contact.unwrap().contact_id, Some(shop.contact("Jane")));
    assert!(session.invoices_modified(Some(since), 1).await.unwrap().resources.is_empty());
    // A document can't be written for the one that is gone.
    let gone = shop.bill("B-2", parstock_xero::model::NewStatus::Draft);
    let outcome = session.create_bills(&[gone], &crate::support::key("a")).await.unwrap();
    let parstock_xero::WriteOutcome::Refused { errors } = &outcome.outcomes[0] else { panic!("{outcome:?}") };
    assert_eq!(parstock_xero::RefusalReason::of(&errors[0]), parstock_xero::RefusalReason::Contact);
    session.finish().await.unwrap();
}

#[tokio::test]
async fn a_report_that_can_not_be_understood_is_no_report() {
    let shop = Shop::open().await;
    let mut session = shop.session().await;
    let error = session.balance_sheet(jiff::civil::date(2020, 1, 1)).await.unwrap_err();
    assert!(matches!(error, Error::Reject { status: 400, .. }), "{error:?}");
}

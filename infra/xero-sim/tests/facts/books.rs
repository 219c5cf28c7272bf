//! Stock, cost, statuses and amounts.

use jiff::civil::date;
use parstock_xero_sim::act::{
    Act, Changes, Currency, DocumentKind as Kind, E4, LineAmountTypes, Status, Tracking,
};
use parstock_xero_sim::{Happening, Settings, Switches};

use crate::support::*;

async fn stocked() -> Company {
    let company = Company::new().await;
    company.write(Kind::Bill, "B-1", Status::Authorised, vec![line("TEA", "10", "2")]).unwrap();
    company
}

#[tokio::test]
async fn bills_and_money_spent_bring_stock_sales_and_money_received_take_it() {
    // Fact: ACCPAY bill and SPEND money raise tracked stock, ACCREC invoice and RECEIVE money lower it, credit notes
    // reverse (developer.xero.com, Items; help.xero.com, how transactions update tracked inventory).
    let company = Company::new().await;
    let mut on_hand = E4::ZERO;
    for (kind, change) in [
        (Kind::Bill, 10),
        (Kind::SpendMoney, 5),
        (Kind::Invoice, -3),
        (Kind::ReceiveMoney, -2),
        (Kind::SalesCredit, 1),
        (Kind::SupplierCredit, -4),
    ] {
        let quantity = E4::whole(i64::abs(change)).to_string();
        company.write(kind, "N", Status::Authorised, vec![line("TEA", &quantity, "2")]).unwrap();
        on_hand = on_hand + E4::whole(change);
        assert_eq!(company.stock("TEA").0, on_hand, "{kind:?}");
    }
}

#[tokio::test]
async fn stock_moves_at_approval_even_for_other_dates() {
    // Fact: invoices, bills and credit notes move stock when approved, and at once, whatever date they bear
    // (help.xero.com, how transactions update tracked inventory).
    let company = Company::new().await;
    let mut bill = document(Kind::Bill, "B-9", Status::Draft, vec![line("TEA", "10", "2")]);
    bill.date = date(2027, 1, 1);
    company.apply(Act::CreateDocument(bill)).unwrap();
    assert_eq!(company.stock("TEA").0, E4::ZERO);
    company.set(Kind::Bill, "B-9", Status::Submitted).unwrap();
    assert_eq!(company.stock("TEA").0, E4::ZERO);
    let happened = company.set(Kind::Bill, "B-9", Status::Authorised).unwrap();
    assert_eq!(company.stock("TEA"), (E4::whole(10), E4::whole(20)));
    let ten = E4::whole(10);
    assert!(happened.contains(&Happening::Stock { item_code: "TEA".into(), quantity: ten, on_hand: ten }));
}

#[tokio::test]
async fn untracked_items_and_lines_without_item_move_nothing() {
    // Fact: untracked items have no quantity; a line moves stock only with the code of a tracked item
    // (developer.xero.com, Items; XeroAPI/Xero-Net, TrackedInventoryTest).
    let company = Company::new().await;
    let lines = vec![line("BAG", "10", "2"), text_line("Freight", "1", "30", "401")];
    let happened = company.write(Kind::Bill, "B-1", Status::Authorised, lines).unwrap();
    assert!(!happened.iter().any(|happening| matches!(happening, Happening::Stock { .. })));
    assert_eq!(company.stock("BAG").0, E4::ZERO);
}

#[tokio::test]
async fn purchase_orders_never_move_stock() {
    // Fact: quotes and purchase orders never move stock, billed ones neither (help.xero.com, how transactions update
    // tracked inventory, and "Mark a purchase order as billed").
    let company = Company::new().await;
    company.write(Kind::PurchaseOrder, "PO-1", Status::Authorised, vec![line("TEA", "10", "2")]).unwrap();
    company.set(Kind::PurchaseOrder, "PO-1", Status::Billed).unwrap();
    assert_eq!(company.stock("TEA"), (E4::ZERO, E4::ZERO));
}

#[tokio::test]
async fn selling_more_than_there_is_is_refused_whatever_the_text() {
    // Fact: approving a sale beyond the stock on hand is refused; the text is unconfirmed (Xeroom and SyncTools
    // report "No items available to sell").
    for text in ["No items available to sell", "Not enough stock"] {
        let company =
            Company::with_switches(Switches { oversell_text: text.into(), ..Switches::default() }).await;
        company.write(Kind::Bill, "B-1", Status::Authorised, vec![line("TEA", "10", "2")]).unwrap();
        let sale = || vec![line("TEA", "6", "5"), line("TEA", "4.0001", "5")];
        assert_eq!(messages(company.write(Kind::Invoice, "I-1", Status::Authorised, sale())), [text]);
        assert_eq!(company.stock("TEA").0, E4::whole(10));
        // The refused number is free, a draft needs no stock.
        company.write(Kind::Invoice, "I-1", Status::Draft, sale()).unwrap();
        assert_eq!(messages(company.set(Kind::Invoice, "I-1", Status::Authorised)), [text]);
        assert_eq!(company.status(Kind::Invoice, "I-1"), Status::Draft);
    }
}

#[tokio::test]
async fn voiding_and_deleting_reverse() {
    // Fact: voiding or deleting a document takes its stock movement back (help.xero.com, how transactions update
    // tracked inventory).
    let company = stocked().await;
    company.write(Kind::Invoice, "I-1", Status::Authorised, vec![line("TEA", "3", "5")]).unwrap();
    assert_eq!(company.stock("TEA"), (E4::whole(7), E4::whole(14)));
    company.set(Kind::Invoice, "I-1", Status::Voided).unwrap();
    assert_eq!(company.stock("TEA"), (E4::whole(10), E4::whole(20)));
    company.write(Kind::SpendMoney, "S-1", Status::Authorised, vec![line("TEA", "5", "3")]).unwrap();
    company.set(Kind::SpendMoney, "S-1", Status::Deleted).unwrap();
    assert_eq!(company.stock("TEA"), (E4::whole(10), E4::whole(20)));
    // A bill whose goods are sold can't be voided: stock is never negative.
    company.write(Kind::Invoice, "I-2", Status::Authorised, vec![line("TEA", "1", "5")]).unwrap();
    messages(company.set(Kind::Bill, "B-1", Status::Voided));
    assert_eq!(company.status(Kind::Bill, "B-1"), Status::Authorised);
}

#[tokio::test]
async fn editing_an_approved_document_moves_the_difference() {
    let company = stocked().await;
    company.write(Kind::Invoice, "I-1", Status::Authorised, vec![line("TEA", "3", "5")]).unwrap();
    let changes = Changes { lines: Some(vec![line("TEA", "5", "5")]), ..Changes::default() };
    company.apply(edit(Kind::Invoice, "I-1", changes)).unwrap();
    assert_eq!(company.stock("TEA").0, E4::whole(5));
    let changes = Changes { lines: Some(vec![line("TEA", "11", "5")]), ..Changes::default() };
    messages(company.apply(edit(Kind::Invoice, "I-1", changes)));
    assert_eq!(company.stock("TEA").0, E4::whole(5));
}

#[tokio::test]
async fn a_zero_total_bill_raises_stock_with_its_value() {
    // Fact: stock is increased by a zero-total ACCPAY document of two lines, the item on the inventory account and its
    // mirror on the adjustment account (developer.xero.com, "Tracked inventory in Xero"). Whether it then is AUTHORISED
    // or PAID is unconfirmed; voiding needs no payments on it either way.
    for (paid, status) in [(false, Status::Authorised), (true, Status::Paid)] {
        let company =
            Company::with_switches(Switches { zero_total_is_paid: paid, ..Switches::default() }).await;
        let lines = vec![line("TEA", "2", "10"), text_line("Inventory Adjustment", "2", "-10", "401")];
        company.write(Kind::Bill, "ADJ-1", Status::Authorised, lines).unwrap();
        assert_eq!(company.status(Kind::Bill, "ADJ-1"), status);
        assert_eq!(company.stock("TEA"), (E4::whole(2), E4::whole(20)));
        company.set(Kind::Bill, "ADJ-1", Status::Voided).unwrap();
        assert_eq!(company.stock("TEA"), (E4::ZERO, E4::ZERO));
    }
}

#[tokio::test]
async fn a_suppliers_credit_leaves_at_average_or_at_its_amount() {
    // Fact: what a credit at another price than the average does to the cost pool is unconfirmed.
    for (at_line_amount, pool) in [(false, "16"), (true, "14")] {
        let switches = Switches { supplier_credit_at_line_amount: at_line_amount, ..Switches::default() };
        let company = Company::with_switches(switches).await;
        company.write(Kind::Bill, "B-1", Status::Authorised, vec![line("TEA", "10", "2")]).unwrap();
        company.write(Kind::SupplierCredit, "C-1", Status::Authorised, vec![line("TEA", "2", "3")]).unwrap();
        assert_eq!(company.stock("TEA"), (E4::whole(8), e4(pool)));
    }
}

#[tokio::test]
async fn a_foreign_bill_values_stock_in_the_base_currency() {
    // Fact: CurrencyRate is foreign units per base unit (Xero-OpenAPI, quote examples); the pool is in base currency.
    let company = Company::new().await;
    let mut bill = document(Kind::Bill, "B-1", Status::Authorised, vec![line("TEA", "10", "6.5")]);
    bill.currency = Some(Currency { code: "USD".into(), rate_millionths: 650_000 });
    company.apply(Act::CreateDocument(bill)).unwrap();
    assert_eq!(company.stock("TEA"), (E4::whole(10), E4::whole(100)));
}

#[tokio::test]
async fn tax_contained_in_a_price_is_no_cost() {
    let company = Company::new().await;
    let mut bought = line("TEA", "10", "11");
    bought.tax_type = Some("OUTPUT".into());
    let mut bill = document(Kind::Bill, "B-1", Status::Authorised, vec![bought]);
    bill.amounts = LineAmountTypes::Inclusive;
    company.apply(Act::CreateDocument(bill)).unwrap();
    assert_eq!(company.stock("TEA").1, E4::whole(100));
    assert_eq!(company.world.lock().unwrap().document(Kind::Bill, "B-1").unwrap().total, E4::whole(110));
}

#[tokio::test]
async fn quantities_are_never_negative() {
    // Fact: "The quantity value '-x.0000' is invalid. Quantity must not be less than zero." (WorkGuru support).
    let company = Company::new().await;
    let refused = company.write(Kind::Bill, "B-1", Status::Draft, vec![line("TEA", "-2", "1")]);
    assert_eq!(
        messages(refused),
        ["The quantity value '-2.0000' is invalid. Quantity must not be less than zero."]
    );
}

#[tokio::test]
async fn only_sales_invoices_have_discounts() {
    // Fact: DiscountRate only on ACCREC invoices (Xero-OpenAPI, LineItem).
    let company = stocked().await;
    let mut discounted = line("TEA", "1", "9.99");
    discounted.discount_percent = e4("12.5");
    company.write(Kind::Invoice, "I-1", Status::Authorised, vec![discounted.clone()]).unwrap();
    assert_eq!(company.world.lock().unwrap().document(Kind::Invoice, "I-1").unwrap().total, e4("8.74"));
    messages(company.write(Kind::Bill, "B-2", Status::Authorised, vec![discounted]));
}

#[tokio::test]
async fn numbers_are_unique_where_xero_says_so() {
    // Fact: ACCREC numbers are unique ("Invoice # must be unique"), ACCPAY numbers are free text (developer.xero.com,
    // Invoices); "Order number must be unique" (Xero-OpenAPI, PurchaseOrders example).
    let company = stocked().await;
    let lines = || vec![text_line("Service", "1", "5", "401")];
    for (kind, message) in [
        (Kind::Invoice, Some("Invoice # must be unique")),
        (Kind::PurchaseOrder, Some("Order number must be unique")),
        (Kind::Bill, None),
        (Kind::SupplierCredit, None),
    ] {
        company.write(kind, "N-1", Status::Draft, lines()).unwrap();
        let first = company.id(kind, "N-1");
        let again = company.write(kind, "N-1", Status::Draft, lines());
        match message {
            Some(message) => assert_eq!(messages(again), [message]),
            None => {
                again.unwrap();
                assert_ne!(company.id(kind, "N-1"), first);
            }
        }
    }
}

#[tokio::test]
async fn statuses_follow_the_rules_of_invoices() {
    // Fact: DRAFT or SUBMITTED -> AUTHORISED -> PAID; VOIDED from AUTHORISED without payments, DELETED from DRAFT or
    // SUBMITTED; "Invoice not of valid status for modification" (developer.xero.com, Invoices).
    use Status::*;
    let allowed = [
        (Draft, Submitted),
        (Draft, Authorised),
        (Draft, Deleted),
        (Submitted, Authorised),
        (Submitted, Deleted),
        (Authorised, Paid),
        (Authorised, Voided),
        (Paid, Authorised),
    ];
    for kind in KINDS_WITH_WEBHOOK {
        for from in [Draft, Submitted, Authorised, Paid, Voided, Deleted] {
            for to in [Draft, Submitted, Authorised, Paid, Voided, Deleted] {
                if (from, to) == (Paid, Paid) {
                    continue; // Not a change of status; what may be edited then has its own test.
                }
                let company = Company::new().await;
                company.write(kind, "N-1", Draft, vec![text_line("Service", "1", "5", "401")]).unwrap();
                let way: &[Status] = match from {
                    Draft => &[],
                    Submitted => &[Submitted],
                    Authorised => &[Authorised],
                    Paid => &[Authorised, Paid],
                    Voided => &[Authorised, Voided],
                    _ => &[Deleted],
                };
                for step in way {
                    company.set(kind, "N-1", *step).unwrap();
                }
                let result = company.set(kind, "N-1", to);
                let stays = from == to && matches!(from, Draft | Submitted | Authorised);
                if allowed.contains(&(from, to)) || stays {
                    result.unwrap_or_else(|error| panic!("{kind:?} {from:?} -> {to:?}: {error}"));
                } else {
                    messages(result);
                    assert_eq!(company.status(kind, "N-1"), from, "{kind:?} {from:?} -> {to:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_paid_invoice_cannot_be_edited_but_some_parts_of_a_paid_bill_can() {
    // Fact: "This document cannot be edited as it has a payment or credit note allocated to it." (developer.xero.com,
    // Invoices); since 19 March 2026 paid bills may change number, due date and contact, among others (Xero changelog).
    let company = stocked().await;
    company.write(Kind::Invoice, "I-1", Status::Authorised, vec![line("TEA", "1", "5")]).unwrap();
    company.set(Kind::Invoice, "I-1", Status::Paid).unwrap();
    company.set(Kind::Bill, "B-1", Status::Paid).unwrap();
    let due = || Changes { due: Some(date(2026, 5, 1)), ..Changes::default() };
    assert_eq!(
        messages(company.apply(edit(Kind::Invoice, "I-1", due()))),
        ["This document cannot be edited as it has a payment or credit note allocated to it."]
    );
    company.apply(edit(Kind::Bill, "B-1", due())).unwrap();
    let lines = Changes { lines: Some(vec![line("TEA", "9", "2")]), ..Changes::default() };
    messages(company.apply(edit(Kind::Bill, "B-1", lines)));
    // Voiding needs a document without payments.
    messages(company.set(Kind::Invoice, "I-1", Status::Voided));
}

#[tokio::test]
async fn locked_periods_refuse_documents_with_effect() {
    // Fact: "The document date cannot be before the period lock date, currently set at ..." (Wise-Sync and Dext help).
    let company = stocked().await;
    let dated = |number: &str, day, status| {
        let mut bill = document(Kind::Bill, number, status, vec![line("TEA", "1", "2")]);
        bill.date = day;
        Act::CreateDocument(bill)
    };
    let locked = "The document date cannot be before the period lock date, currently set at 2025-06-30";
    assert_eq!(messages(company.apply(dated("B-2", date(2025, 6, 30), Status::Authorised))), [locked]);
    company.apply(dated("B-3", date(2025, 7, 1), Status::Authorised)).unwrap();
    company.apply(dated("B-4", date(2025, 6, 1), Status::Draft)).unwrap();
    assert_eq!(messages(company.set(Kind::Bill, "B-4", Status::Authorised)), [locked]);
    // Closing a period later locks what is in it, payments aside.
    let mut organisation = organisation();
    organisation.period_lock_date = Some(date(2026, 3, 31));
    company.apply(Act::SetUpOrganisation(organisation)).unwrap();
    messages(company.set(Kind::Bill, "B-3", Status::Voided));
    company.set(Kind::Bill, "B-3", Status::Paid).unwrap();
    assert_eq!(company.stock("TEA").0, E4::whole(11));
}

#[tokio::test]
async fn inventory_accounts_are_for_tracked_items_only() {
    // Fact: lines without a tracked item can't use an inventory account; a bill line of a tracked item uses the item's
    // asset account (AroFlo help; XeroAPI/Xero-Net, TrackedInventoryTest).
    let company = Company::new().await;
    let refused = company.write(Kind::Bill, "B-1", Status::Draft, vec![text_line("Tea", "1", "5", "630")]);
    assert_eq!(messages(refused), ["You cannot save this transaction using an inventory account type"]);
    let mut elsewhere = line("TEA", "1", "5");
    elsewhere.account_code = Some("401".into());
    messages(company.write(Kind::Bill, "B-1", Status::Draft, vec![elsewhere]));
}

#[tokio::test]
async fn items_turn_tracked_at_any_time_and_untracked_only_while_unused() {
    // Fact: untracked -> tracked is allowed, tracked -> untracked while there are no transactions (XeroAPI/Xero-Net,
    // TrackedItems/Update).
    let company = stocked().await;
    company.apply(Act::UpsertItem(item("BAG", true))).unwrap();
    company.apply(Act::UpsertItem(item("CUP", false))).unwrap();
    messages(company.apply(Act::UpsertItem(item("TEA", false))));
    let mut wrong = item("NEW", true);
    wrong.tracking = Tracking::Tracked { asset_account: "401".into(), cogs_account: "310".into() };
    messages(company.apply(Act::UpsertItem(wrong)));
    let mut long = item("NEW", true);
    long.code = "x".repeat(31);
    messages(company.apply(Act::UpsertItem(long)));
}

#[tokio::test]
async fn what_does_not_exist_is_refused() {
    let company = Company::with(Settings::development(SEED)).await;
    let mut nobody = document(Kind::Bill, "B-1", Status::Draft, vec![line("TEA", "1", "1")]);
    nobody.contact = "Nobody".into();
    messages(company.apply(Act::CreateDocument(nobody)));
    messages(company.write(Kind::Bill, "B-1", Status::Draft, vec![line("GHOST", "1", "1")]));
    messages(company.write(Kind::Bill, "B-1", Status::Draft, vec![text_line("x", "1", "1", "999")]));
    messages(company.write(Kind::Bill, "B-1", Status::Draft, vec![]));
    messages(company.write(Kind::Bill, "B-1", Status::Paid, vec![line("TEA", "1", "1")]));
    assert!(company.set(Kind::Bill, "B-1", Status::Authorised).is_err());
    assert_eq!(company.world.lock().unwrap().document_count(), 0);
}

#[tokio::test]
async fn an_inactive_item_is_listed_as_any_other_and_its_lines_stay() {
    // Fact: the list of items holds inactive ones too, and nothing in it tells them apart (XeroAPI/Xero-NetStandard#460);
    // only people make an item inactive, no app can (calcinai/xero-php#524). Whether new lines of it are refused is
    // unconfirmed.
    for refused in [true, false] {
        let switches = Switches { archived_item_is_refused: refused, ..Switches::default() };
        let company = Company::with_switches(switches).await;
        company.write(Kind::Bill, "B-1", Status::Draft, vec![line("BAG", "4", "2")]).unwrap();
        let listed = || async { company.get("Items").await.list("Items").len() };
        let before = listed().await;
        company.apply(Act::ArchiveItem { code: "BAG".into(), archived: true }).unwrap();
        assert_eq!(listed().await, before);
        let item = company.get("Items/BAG").await.list("Items").remove(0);
        assert!(item.get("Status").is_none() && item.get("IsArchived").is_none(), "{item}");
        company.set(Kind::Bill, "B-1", Status::Authorised).unwrap();
        let new = company.write(Kind::Bill, "B-2", Status::Draft, vec![line("BAG", "1", "2")]);
        assert_eq!(new.is_err(), refused);
        company.apply(Act::ArchiveItem { code: "BAG".into(), archived: false }).unwrap();
        company.write(Kind::Bill, "B-3", Status::Draft, vec![line("BAG", "1", "2")]).unwrap();
    }
}

#[tokio::test]
async fn an_item_is_removed_only_if_it_stands_on_no_document() {
    // Fact: items that are used on transactions can't be deleted (developer.xero.com, Items).
    let company = Company::new().await;
    company.write(Kind::Bill, "B-1", Status::Draft, vec![line("BAG", "4", "2")]).unwrap();
    assert!(company.apply(Act::DeleteItem { code: "BAG".into() }).is_err());
    company.apply(Act::DeleteItem { code: "CUP".into() }).unwrap();
    let items = company.get("Items").await.list("Items");
    assert!(items.iter().all(|item| item["Code"] != "CUP") && items.len() == 2, "{items:?}");
    assert_eq!(company.get("Items/CUP").await.status, 404);
    assert!(company.write(Kind::Bill, "B-2", Status::Draft, vec![line("CUP", "1", "2")]).is_err());
}

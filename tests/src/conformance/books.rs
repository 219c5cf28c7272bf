//! What the books must do: changes in order, ids that aren't there left out, one order per effect.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::{Books, BooksError, BooksSession, Feed, PAPERS_READ_MAX, Priority};
use parstock_domain::adjustment::{AdjustmentDraft, AdjustmentDraftLine, AdjustmentNumber};
use parstock_domain::audit::Hash;
use parstock_domain::document::{
    BillDraft, Contact, DocumentKind, DocumentRef, DocumentStatus, Item, OrderDraft, OrderDraftLine,
};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::governance::Approval;
use parstock_domain::ids::{ContactId, DayNumber, DocumentId, EffectId, ItemId, LineId, OrgId, ProposalId};
use parstock_domain::prices::PriceWrite;
use uuid::Uuid;

use crate::papers::{locked, pdf};

/// Books of one organisation in which somebody else works too. It has an item that is tracked, one that
/// isn't, and a contact.
pub trait Harness {
    /// The books under test.
    type Books: Books;

    /// The books.
    fn books(&self) -> &Self::Books;
    /// The name of the connection to the organisation.
    fn connection(&self) -> String;
    /// Its id.
    fn org(&self) -> OrgId;
    /// The organisation's present day.
    fn today(&self) -> Date;
    /// The present instant.
    fn now(&self) -> Timestamp;
    /// Somebody writes and approves a sales invoice over so much of an item; its id.
    fn sell(&self, item: &Item, quantity: Quantity) -> DocumentId;
    /// Somebody voids an invoice.
    fn void(&self, invoice: DocumentId);
    /// Somebody puts a file beside a bill.
    fn attach(&self, bill: DocumentId, name: &str, content: &[u8]);
    /// Lets time pass.
    fn pass(&self, time: SignedDuration);
}

/// Longer than the instants of changes are rounded to.
const A_WHILE: SignedDuration = SignedDuration::from_secs(10);

async fn session<H: Harness>(harness: &H) -> <H::Books as Books>::Session {
    harness.books().open(harness.org(), Priority::Person, 10).await.unwrap()
}

async fn items(harness: &impl Harness) -> (Item, Item) {
    let mut session = session(harness).await;
    let items = session.items(None).await.unwrap().items;
    session.close().await;
    let first = |tracked| items.iter().find(|item| item.tracked == tracked).unwrap().clone();
    (first(true), first(false))
}

async fn supplier(harness: &impl Harness) -> Contact {
    let mut session = session(harness).await;
    let contacts = session.contacts(None, 1).await.unwrap();
    session.close().await;
    assert!(!contacts.contacts.is_empty() && contacts.latest.is_some(), "{contacts:?}");
    contacts.contacts.first().unwrap().clone()
}

/// Runs the suite; `make` answers fresh books each time.
///
/// # Panics
/// When a promise is broken.
pub async fn books<H: Harness>(make: impl AsyncFn() -> H) {
    a_connection_names_its_organisation(&make().await).await;
    changes_come_in_their_order_and_from_an_instant_on(&make().await).await;
    ids_bring_present_states_and_unknown_ones_nothing(&make().await).await;
    only_tracked_items_have_quantities(&make().await).await;
    one_effect_makes_one_draft_order(&make().await).await;
    a_taken_number_makes_no_second_order(&make().await).await;
    an_unknown_item_is_refused(&make().await).await;
    notes_are_read_back(&make().await).await;
    goods_of_an_order_become_one_draft_of_a_bill(&make().await).await;
    a_price_is_set_unless_somebody_changed_it(&make().await).await;
    an_adjustment_comes_to_nothing_and_moves_stock_once(&make().await).await;
    papers_of_a_bill_have_their_text_or_a_word_why_not(&make().await).await;
}

async fn a_connection_names_its_organisation(harness: &impl Harness) {
    let organisation = harness.books().identify(&harness.connection()).await.unwrap().organisation;
    assert_eq!(organisation.id, harness.org());
    assert!(!organisation.base_currency.is_empty(), "it has a base currency");
    let mut session = session(harness).await;
    assert_eq!(session.organisation().await.unwrap(), organisation);
    session.close().await;
    let stranger = harness.books().open(OrgId(Uuid::from_u128(1)), Priority::Person, 1).await;
    assert!(matches!(stranger.err(), Some(BooksError::NeedsPerson(_))), "an org that isn't connected");
}

async fn changes_come_in_their_order_and_from_an_instant_on(harness: &impl Harness) {
    let (tracked, untracked) = items(harness).await;
    harness.pass(A_WHILE);
    let begin = harness.now();
    let first = harness.sell(&untracked, Quantity::from_e4(25_000));
    harness.pass(A_WHILE);
    let between = harness.now();
    let second = harness.sell(&tracked, Quantity::ONE);
    harness.pass(A_WHILE);
    harness.void(first);
    let mut session = session(harness).await;
    let page = session.changed(Feed::Invoices, begin, 1).await.unwrap();
    let told: Vec<_> = page.documents.iter().map(|document| (document.of.id, document.status)).collect();
    assert_eq!(told, [(second, DocumentStatus::Authorised), (first, DocumentStatus::Voided)]);
    assert_eq!(page.latest, page.documents.last().map(|document| document.updated_at));
    assert!(page.unreadable.is_empty());
    let of = DocumentRef { kind: DocumentKind::SalesInvoice, id: first };
    let voided = page.documents.last().unwrap();
    assert_eq!((voided.of, voided.lines.len()), (of, 1));
    let line = voided.lines.first().unwrap();
    assert_eq!(line.quantity, Quantity::from_e4(25_000), "a fraction stays exact");
    assert_eq!(line.item.as_ref().map(|item| item.code.clone()), Some(untracked.code));
    let page = session.changed(Feed::Invoices, between, 1).await.unwrap();
    assert_eq!(page.documents.len(), 2, "both changed since");
    harness.pass(A_WHILE);
    let page = session.changed(Feed::Invoices, harness.now(), 1).await.unwrap();
    assert_eq!((page.documents.len(), page.more, page.latest), (0, false, None), "an empty page is the last");
    for feed in [Feed::PurchaseOrders, Feed::CreditNotes, Feed::BankTransactions] {
        assert_eq!(session.changed(feed, begin, 1).await.unwrap().documents, [], "{feed:?}");
    }
    session.close().await;
}

async fn ids_bring_present_states_and_unknown_ones_nothing(harness: &impl Harness) {
    let (_, untracked) = items(harness).await;
    let (kept, voided) = (harness.sell(&untracked, Quantity::ONE), harness.sell(&untracked, Quantity::ONE));
    harness.void(voided);
    let mut session = session(harness).await;
    let unknown = DocumentId(Uuid::from_u128(0xdead));
    let page = session.invoices(&[kept, unknown, voided]).await.unwrap();
    let mut told: Vec<_> = page.documents.iter().map(|document| (document.of.id, document.status)).collect();
    told.sort();
    let mut wanted = [(kept, DocumentStatus::Authorised), (voided, DocumentStatus::Voided)];
    wanted.sort();
    assert_eq!(told, wanted);
    session.close().await;
}

async fn only_tracked_items_have_quantities(harness: &impl Harness) {
    let (tracked, untracked) = items(harness).await;
    assert!(tracked.quantity.is_some() && untracked.quantity.is_none());
    let mut session = session(harness).await;
    let quantities = session.tracked_quantities().await.unwrap().quantities;
    session.close().await;
    let of = |item: &Item| quantities.iter().find(|(id, _)| *id == item.id).map(|(_, quantity)| *quantity);
    assert_eq!((of(&tracked), of(&untracked)), (tracked.quantity, None));
}

/// An order for a proposal, whose number follows from it.
async fn draft(harness: &impl Harness, proposal: u128) -> (OrderDraft, Approval) {
    let (_, item) = items(harness).await;
    let proposal = ProposalId(Uuid::from_u128(proposal << 64));
    let draft = OrderDraft {
        number: proposal.order_number("PS-"),
        reference: "plan".to_owned(),
        supplier: supplier(harness).await.id,
        date: harness.today(),
        wanted_on: harness.today().tomorrow().unwrap(),
        lines: vec![OrderDraftLine {
            item_code: item.code,
            description: "5 × “A” & <b>".to_owned(),
            quantity: Quantity::from_e4(125_000),
            unit_price: Money::from_e4(12_345),
            account: String::new(),
            tax: String::new(),
        }],
    };
    let approval = Approval {
        proposal,
        contents: Hash::default(),
        who: "a person".to_owned(),
        at: harness.now(),
        order_number: draft.number.clone(),
    };
    (draft, approval)
}

fn effect(n: u128) -> EffectId {
    EffectId(Uuid::from_u128(0x5eed_0000 + n))
}

async fn one_effect_makes_one_draft_order(harness: &impl Harness) {
    let (draft, approval) = draft(harness, 1).await;
    let number = draft.number.as_str();
    let mut session = session(harness).await;
    assert_eq!(session.order_by_number(number).await.unwrap(), None);
    let first = session.create_order(&draft, &approval, effect(1)).await.unwrap();
    let again = session.create_order(&draft, &approval, effect(1)).await.unwrap();
    assert_eq!(again.of, first.of, "a repeat is the same order");
    assert_eq!((first.status, first.number.as_str()), (DocumentStatus::Draft, number));
    assert_eq!((first.contact, first.expected_on), (draft.supplier, Some(draft.wanted_on)));
    let found = session.order_by_number(number).await.unwrap().unwrap();
    assert_eq!(found.of, first.of);
    let (line, asked) = (found.lines.first().unwrap(), draft.lines.first().unwrap());
    assert_eq!((line.quantity, line.unit_amount), (asked.quantity, asked.unit_price), "four decimals stay");
    assert_eq!(line.description, asked.description);
    assert_eq!(orders(&mut session, &approval).await, 1, "one order and no more");
    session.close().await;
}

async fn orders(session: &mut impl BooksSession, approval: &Approval) -> usize {
    let since = approval.at.saturating_sub(A_WHILE).unwrap();
    session.changed(Feed::PurchaseOrders, since, 1).await.unwrap().documents.len()
}

/// An order that is there under this number may be our own: the caller looks it up and decides.
async fn a_taken_number_makes_no_second_order(harness: &impl Harness) {
    let (draft, approval) = draft(harness, 1).await;
    let mut session = session(harness).await;
    session.create_order(&draft, &approval, effect(1)).await.unwrap();
    let refused = session.create_order(&draft, &approval, effect(2)).await;
    assert!(matches!(refused, Err(BooksError::Unknown(_))), "{refused:?}");
    assert_eq!(orders(&mut session, &approval).await, 1);
    session.close().await;
}

async fn an_unknown_item_is_refused(harness: &impl Harness) {
    let (mut draft, approval) = draft(harness, 1).await;
    draft.lines.first_mut().unwrap().item_code = "no such item".to_owned();
    let mut session = session(harness).await;
    let refused = session.create_order(&draft, &approval, effect(1)).await;
    assert!(matches!(refused, Err(BooksError::Reject(_))), "{refused:?}");
    assert_eq!(orders(&mut session, &approval).await, 0);
    session.close().await;
}

async fn notes_are_read_back(harness: &impl Harness) {
    let (draft, approval) = draft(harness, 1).await;
    let mut session = session(harness).await;
    let order = session.create_order(&draft, &approval, effect(1)).await.unwrap().of.id;
    let note = "Ordered by parstock: covers 14 days & “more”.";
    session.add_order_note(order, note, effect(2)).await.unwrap();
    session.add_order_note(order, note, effect(2)).await.unwrap();
    let notes = session.order_notes(order).await.unwrap();
    let ours = notes.iter().filter(|found| *found == note).count();
    assert_eq!(ours, 1, "a repeat adds no second note: {notes:?}");
    session.close().await;
}

async fn goods_of_an_order_become_one_draft_of_a_bill(harness: &impl Harness) {
    let (draft, approval) = draft(harness, 1).await;
    let mut session = session(harness).await;
    let order = session.create_order(&draft, &approval, effect(1)).await.unwrap();
    let ordered = order.lines.first().unwrap();
    let bill = BillDraft {
        number: "GR-2026-06-01-001".to_owned(),
        order: order.of.id,
        order_number: order.number.clone(),
        supplier: order.contact,
        date: harness.today(),
        lines: vec![(ordered.id, Quantity::from_e4(25_000))],
    };
    assert_eq!(session.bill_by_number(order.contact, &bill.number).await.unwrap(), None);
    let first = session.create_bill(&bill, effect(2)).await.unwrap();
    let again = session.create_bill(&bill, effect(2)).await.unwrap();
    assert_eq!(again.of, first.of, "a repeat is the same bill");
    let found = session.bill_by_number(order.contact, &bill.number).await.unwrap().unwrap();
    assert_eq!((found.of, found.status), (first.of, DocumentStatus::Draft));
    assert_eq!((found.of.kind, found.date, found.contact), (DocumentKind::Bill, bill.date, order.contact));
    let line = found.lines.first().unwrap();
    assert_eq!((line.quantity, line.unit_amount), (Quantity::from_e4(25_000), ordered.unit_amount));
    assert_eq!((&line.item, &line.account), (&ordered.item, &ordered.account), "as on the order");
    let other = ContactId(Uuid::from_u128(0xdead));
    assert_eq!(session.bill_by_number(other, &bill.number).await.unwrap(), None, "another supplier's");
    let gone = BillDraft { lines: vec![(LineId(Uuid::from_u128(0xdead)), Quantity::ONE)], ..bill };
    let refused = session.create_bill(&gone, effect(3)).await;
    assert!(matches!(refused, Err(BooksError::Reject(_))), "{refused:?}");
    session.close().await;
}

async fn a_price_is_set_unless_somebody_changed_it(harness: &impl Harness) {
    let (tracked, untracked) = items(harness).await;
    let mut session = session(harness).await;
    let set = |item: &Item, from: Money| PriceWrite { item: item.id, from, to: Money::from_e4(98_765) };
    for (number, item) in (1..).zip([&tracked, &untracked]) {
        let from = item.purchase_price.unwrap();
        let stale =
            session.set_purchase_prices(&[set(item, Money::from_e4(1))], effect(10 * number)).await.unwrap();
        assert_eq!(stale.iter().map(|(item, _)| *item).collect::<Vec<_>>(), [item.id]);
        for _ in 0..2 {
            let refused =
                session.set_purchase_prices(&[set(item, from)], effect(10 * number + 1)).await.unwrap();
            assert_eq!(refused, [], "and a repeat does no more");
        }
        let items = session.items(None).await.unwrap().items;
        let now = items.iter().find(|now| now.id == item.id).unwrap();
        let wanted = Item {
            purchase_price: Some(Money::from_e4(98_765)),
            updated_at: now.updated_at,
            quantity: now.quantity,
            ..item.clone()
        };
        assert_eq!(*now, wanted, "all else stays");
        // what stock is worth may follow its price in books that are not Xero's
        let on_hand = |item: &Item| item.quantity.map(|quantity| quantity.on_hand);
        assert_eq!(on_hand(now), on_hand(item));
    }
    let gone = Item { id: ItemId(Uuid::from_u128(0xdead)), ..untracked };
    let refused = session.set_purchase_prices(&[set(&gone, Money::ZERO)], effect(99)).await.unwrap();
    assert_eq!(refused.len(), 1, "an item that isn't there");
    session.close().await;
}

/// The account of adjustments in every books under test.
const ADJUSTMENTS: &str = "310";

async fn on_hand(session: &mut impl BooksSession, item: &Item) -> Quantity {
    let quantities = session.tracked_quantities().await.unwrap().quantities;
    quantities.iter().find(|(id, _)| *id == item.id).unwrap().1.on_hand
}

/// Bill and credit note over nothing: found by their number, written once for one effect, and the quantity moves by as much.
async fn an_adjustment_comes_to_nothing_and_moves_stock_once(harness: &impl Harness) {
    let (tracked, _) = items(harness).await;
    let contact = supplier(harness).await.id;
    let mut session = session(harness).await;
    assert!(session.may_approve_bills().await.unwrap());
    // first in, so that it is there to be taken out again
    for (index, kind) in (1..).zip([DocumentKind::Bill, DocumentKind::SupplierCredit]) {
        let number = AdjustmentNumber(DayNumber { on: harness.today(), index });
        let draft = AdjustmentDraft {
            number,
            kind,
            contact,
            date: harness.today(),
            account: ADJUSTMENTS.to_owned(),
            lines: vec![AdjustmentDraftLine {
                item_code: tracked.code.clone(),
                description: "found: behind the shelf".to_owned(),
                quantity: Quantity::from_e4(25_000),
                unit_cost: Money::from_e4(12_345),
                account: tracked.purchase_account.clone(),
            }],
        };
        assert_eq!(session.adjustments_by_number(kind, number).await.unwrap(), []);
        let before = on_hand(&mut session, &tracked).await;
        let first = session.create_adjustment(&draft, effect(u128::from(index) + 20)).await.unwrap();
        let again = session.create_adjustment(&draft, effect(u128::from(index) + 20)).await.unwrap();
        assert_eq!(again.of, first.of, "a repeat is the same document");
        let found = session.adjustments_by_number(kind, number).await.unwrap();
        assert_eq!(found.iter().map(|found| found.of).collect::<Vec<_>>(), [first.of]);
        let found = found.first().unwrap();
        assert!(found.status.moves_stock(), "{:?}", found.status);
        let net = found.lines.iter().map(|line| line.net).try_fold(Money::ZERO, Money::plus).unwrap();
        assert_eq!((found.of.kind, found.lines.len(), net), (kind, 2, Money::ZERO));
        let line = found.lines.iter().find(|line| line.item.is_some()).unwrap();
        assert_eq!((line.quantity, line.unit_amount), (Quantity::from_e4(25_000), Money::from_e4(12_345)));
        let change = if kind == DocumentKind::Bill { 25_000 } else { -25_000 };
        let after = on_hand(&mut session, &tracked).await;
        assert_eq!(after.minus(before).unwrap(), Quantity::from_e4(change), "once");
    }
    session.close().await;
}

async fn papers_of_a_bill_have_their_text_or_a_word_why_not(harness: &impl Harness) {
    let (draft, approval) = draft(harness, 1).await;
    let mut session = session(harness).await;
    let order = session.create_order(&draft, &approval, effect(1)).await.unwrap();
    let bill = BillDraft {
        number: "F-2201".to_owned(),
        order: order.of.id,
        order_number: order.number.clone(),
        supplier: order.contact,
        date: harness.today(),
        lines: vec![(order.lines.first().unwrap().id, Quantity::ONE)],
    };
    let of = session.create_bill(&bill, effect(2)).await.unwrap().of;
    assert_eq!(session.papers(of).await.unwrap(), [], "nothing is attached");
    let text = pdf(&["Freight of PO-1234", "and G-1877 (two pallets)"]);
    let files: [(&str, &[u8]); 7] = [
        ("a freight.pdf", &text),
        ("b photo.png", b"not a picture"),
        ("c locked.pdf", &locked()),
        ("d scan.pdf", &pdf(&[])),
        ("e one more.pdf", &text),
        ("f another.pdf", &text),
        ("g garbage", b"garbage"),
    ];
    for (name, content) in files {
        harness.pass(A_WHILE);
        harness.attach(of.id, name, content);
    }
    let papers = session.papers(of).await.unwrap();
    let told: Vec<(&str, Result<(), &str>)> = papers
        .iter()
        .map(|paper| (&*paper.name, paper.text.as_ref().map(drop).map_err(|why| &**why)))
        .collect();
    let unread = format!("was not read: {PAPERS_READ_MAX} PDFs were");
    assert_eq!(
        told,
        [
            ("a freight.pdf", Ok(())),
            ("b photo.png", Err("is no PDF")),
            ("c locked.pdf", Err("is locked with a password")),
            ("d scan.pdf", Err("has no text that can be read")),
            ("e one more.pdf", Err(&*unread)),
            ("f another.pdf", Err(&*unread)),
            ("g garbage", Err("is no PDF")),
        ]
    );
    let text = papers.first().unwrap().text.as_ref().unwrap();
    assert!(text.contains("PO-1234") && text.contains("G-1877"), "{text}");
    session.close().await;
}

//! Rows of many kinds, with values at the edges, to be stored and read back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use parstock_app::closing::ClosedPart;
use parstock_app::ports::Feed;
use parstock_app::records::{
    AlertBatch, Cursor, DocumentRecord, Effect, EffectKind, EffectState, HintOf, Key, Lease, List, Mark,
    MoreLines, Pointer, Record, Review, ReviewKind, SignInLink, SignInMails, Told, Touched, WaitingHint,
};
use parstock_domain::adjustment::{
    self, Adjustment, AdjustmentLine, AdjustmentNumber, Approved, Form, ReasonCode,
};
use parstock_domain::alert::{Alert, AlertKind};
use parstock_domain::audit::{Entry, Hash};
use parstock_domain::cogs::{
    Coded, CogsHeld, CogsLedger, CogsMonth, CogsSettings, Every, Fate, Journal, JournalNumber,
};
use parstock_domain::costing::Method;
use parstock_domain::document::{
    DocumentKind, DocumentRef, DocumentStatus, ForeignCurrency, Item, XeroQuantity,
};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::goods_receipt::{BillFate, Deviation, GoodsReceipt, ReceiptLine, Stage as ReceiptStage};
use parstock_domain::ids::{
    CommitId, ContactId, DayNumber, DocumentId, EffectId, ItemId, LineId, LocationId, OrgId, ProposalId,
};
use parstock_domain::landed::{
    Accounts, Basis, Charge, Draft, Half, NameOf, Named, Paper, Papers, Part, Purchase, Revaluation,
    RevaluationFate, Revalues, Share, Spent, Stage, TakenBack, Voucher, VoucherJournal, VoucherJournalFate,
};
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::proof::{AccountProof, Difference, LikelyCause, Subject};
use parstock_domain::ledger::{
    Balance, Billed, BilledPart, BookedLine, Cause, ClosedItem, Closing, ClosingState, Figures, Layers,
    Movement, MovementKey, OrderLine, OtherGoods, Place, Position, Proof, ReceivedPart, Valuation,
};
use parstock_domain::manual_journal::{JournalState, ManualJournalLine};
use parstock_domain::prices::{PriceChange, PriceStatus};
use uuid::Uuid;

const LARGEST: i64 = i64::MAX;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// An instant with parts of a second.
pub fn instant() -> Timestamp {
    Timestamp::UNIX_EPOCH.checked_add(jiff::SignedDuration::from_micros(1_800_000_000_123_456)).unwrap()
}

/// A movement of an item; its key is its place in the item's history.
pub fn movement(
    item: ItemId,
    on: Date,
    out: bool,
    cause: Cause,
    revision: u32,
    correction: bool,
) -> (Key, Record) {
    let key = MovementKey { effective_on: on, out, cause, revision, correction };
    let (from, to) = (Place::Supplier, Place::Stock(LocationId::main()));
    let movement = Movement {
        item,
        key,
        quantity: Quantity::from_e4(LARGEST),
        from,
        to,
        value: Money::from_e4(LARGEST),
        correction: Money::from_e4(-1),
        posted_on: None,
        found: None,
        returns: vec![DocumentId(id(6))],
        recorded_at: instant(),
        commit: CommitId(id(9)),
    };
    (Key::Movement(item, key), Record::Movement(movement))
}

/// One booked line.
pub fn booked_line(n: u128) -> BookedLine {
    BookedLine {
        line: LineId(id(n)),
        item: ItemId(id(n + 1)),
        effective_on: date(2026, 2, 28),
        change: Quantity::from_e4(-12_345),
        value: Money::from_e4(-1),
        cost: Some(Money::ZERO),
        elsewhere: Quantity::from_e4(-1),
        priced: Some(Money::from_e4(7)),
        foreign_net: Some(Money::from_e4(1)),
        account: "300".to_owned(),
        returns: vec![DocumentId(id(5))],
        net: Some(Money::from_e4(11)),
        committed: Quantity::ONE,
        ordered: Quantity::ZERO,
        revision: u32::MAX,
        billed: vec![Billed { order: DocumentId(id(3)), line: LineId(id(4)), quantity: Quantity::ONE }],
    }
}

/// Rows of many kinds, each under its key.
pub fn rows() -> Vec<(Key, Record)> {
    let item = ItemId(id(77));
    let of = DocumentRef { kind: DocumentKind::Bill, id: DocumentId(id(5)) };
    let contact = ContactId(id(6));
    let main = LocationId::main();
    let text = "Señor “Hüte” & <b>Co</b>\u{1f}\n\t\\ # | 漢字";
    let document = DocumentRecord {
        of,
        number: text.into(),
        contact,
        contact_name: String::new(),
        date: date(2024, 2, 29),
        status: DocumentStatus::Authorised,
        updated_at: instant(),
        content: Hash([0xff; 32]),
        progress: Some((420, 500)),
        lines: (0..20).map(|n| booked_line(n * 2)).collect(),
        more: 12,
        uncountable: Money::from_e4(-LARGEST),
        foreign: Some(ForeignCurrency { code: "USD".into(), rate: "0.6512".into() }),
        unresolved: false,
        effect: None,
    };
    let master = Item {
        id: item,
        code: text.into(),
        name: String::new(),
        tracked: true,
        purchase_price: Some(Money::from_e4(1)),
        sales_price: None,
        purchase_account: "630".into(),
        purchase_tax: String::new(),
        sales_account: "200".into(),
        quantity: None,
        updated_at: instant(),
        priced_at: None,
    };
    let alert = Alert {
        item,
        location: main.clone(),
        kind: AlertKind::OutOfStock,
        raised_at: instant(),
        available: Quantity::from_e4(-1),
        on_order: Quantity::ZERO,
        reorder_point: None,
    };
    let order_line = OrderLine {
        order: DocumentId(id(8)),
        line: LineId(id(9)),
        item,
        number: text.into(),
        supplier: contact,
        status: DocumentStatus::Billed,
        ordered_on: date(1999, 12, 31),
        expected_on: None,
        ordered: Quantity::ONE,
        received: Quantity::ZERO,
        billed: Quantity::from_e4(-LARGEST),
        unit_price: Money::ZERO,
        net: Money::from_e4(LARGEST),
        receipts: vec![ReceivedPart {
            receipt: DocumentId(id(10)),
            on: date(2000, 1, 1),
            quantity: Quantity::ONE,
            cost: Money::from_e4(1),
            others: vec![OtherGoods {
                bill: DocumentId(id(11)),
                line: LineId(id(12)),
                quantity: Quantity::ONE,
            }],
            ends: true,
            with_bill: true,
        }],
        bills: vec![BilledPart {
            bill: DocumentId(id(11)),
            line: LineId(id(12)),
            on: date(2000, 1, 2),
            quantity: Quantity::ONE,
            net: Money::from_e4(-1),
        }],
        unit: None,
    };
    let effect = |status| Effect {
        what: EffectKind::Order { proposal: ProposalId(id(2)) },
        decided_at: instant(),
        attempts: u32::MAX,
        status,
        needs_person: Some(text.into()),
    };
    let review = Review {
        kind: ReviewKind::UnclearArrival,
        since: instant(),
        item: Some(item),
        document: Some(of),
        text: text.into(),
        codes: [text.to_owned()].into(),
    };
    let difference = |of, cause| Difference {
        of,
        named: text.into(),
        quantity: Quantity::from_e4(-LARGEST),
        value: Money::from_e4(-LARGEST),
        cause,
    };
    let proof = Proof {
        day: date(2026, 1, 1),
        at: instant(),
        items: u32::MAX,
        xero: Balance { quantity: Quantity::from_e4(LARGEST), value: Money::from_e4(LARGEST) },
        ours: Balance::default(),
        accounts: vec![AccountProof {
            code: text.into(),
            name: String::new(),
            balance: Money::from_e4(-LARGEST),
            items: Money::ZERO,
        }],
        without_accounts: Some(text.into()),
        differences: vec![
            difference(Subject::Item(item), LikelyCause::AdjustedInXero),
            difference(Subject::Cents, LikelyCause::Rounding),
            difference(Subject::Account(text.into()), LikelyCause::DatedAhead),
        ],
        more: 0,
    };
    let (since, settings) = (
        date(2026, 1, 1),
        CogsSettings {
            stock_account: text.into(),
            cogs_account: "310".into(),
            every: Every::Month,
            state: JournalState::Posted,
        },
    );
    let cogs = CogsLedger {
        since,
        settings: settings.clone(),
        begun: 0,
        coded_through: u64::MAX,
        walked: u64::MAX,
        carried: Money::from_e4(-49),
        journals_until: instant(),
    };
    let mut month = CogsMonth::new(since);
    month.add(since, Money::from_e4(LARGEST), "").unwrap();
    month.settle(since, Money::from_e4(1)).unwrap();
    month.add(since, Money::ZERO, text).unwrap();
    let mut held = CogsHeld::new(since, instant());
    let coded = Coded { item, line: LineId(id(9)), account: "425".into(), stands: true };
    held.note(&coded, of, text, "631");
    held.days.insert(since, Money::from_e4(-LARGEST));
    let journal = Journal {
        number: JournalNumber { on: since, index: 7 },
        date: since,
        amount: Money::from_e4(LARGEST),
        parts: [(since, Money::from_e4(LARGEST))].into(),
        carried: Money::from_e4(-1),
        causes: [text.to_owned()].into(),
        since,
        narration: text.into(),
        settings,
        entries: (0, u64::MAX),
        fate: Fate::Posted { id: DocumentId(id(3)) },
    };
    vec![
        (Key::Tenant(id(1)), Record::Tenant(Pointer { to: OrgId(id(1)) })),
        (
            Key::SignInLink(Hash([0xfe; 32])),
            Record::SignInLink(SignInLink {
                address: "owner@example.com".into(),
                next: "/o/1/health?x=#".into(),
                expires_at: instant(),
                used_at: Some(instant()),
            }),
        ),
        (
            Key::SignInMails,
            Record::SignInMails(SignInMails {
                sent: vec![("owner@example.com".into(), instant())],
                expires_at: instant(),
            }),
        ),
        (Key::Lease, Record::Lease(Lease { holder: id(1), until: instant() })),
        (Key::Cursor(Feed::Invoices), Record::Cursor(Cursor { until: instant(), resume: None })),
        (Key::Hint(HintOf::Sync), Record::Hint(WaitingHint { since: instant(), wake_at: Some(instant()) })),
        (Key::Item(item), Record::Item(master)),
        (Key::ItemCode(text.into()), Record::ItemCode(Pointer { to: item })),
        (Key::Document(of), Record::Document(document)),
        (Key::DocumentLines(of, 0), Record::DocumentLines(MoreLines { lines: vec![booked_line(1)] })),
        (Key::Position(item, main.clone()), Record::Position(Position::default())),
        (
            Key::Layer(item, main.clone()),
            Record::Layer(Layers::Effective(Box::new(Valuation::new(Method::Fifo)))),
        ),
        movement(item, date(2026, 1, 1), false, Cause::Opening, 1, false),
        (Key::OrderLine(item, order_line.order, order_line.line), Record::OrderLine(order_line)),
        (Key::Touched(id(4)), Record::Touched(Touched { at: instant(), items: vec![item; 100] })),
        (Key::PendingProposal(contact), Record::PendingProposal(Pointer { to: ProposalId(id(3)) })),
        (Key::Effect(EffectId(id(1))), Record::Effect(effect(EffectState::Waiting))),
        (Key::Effect(EffectId(id(2))), Record::Effect(effect(EffectState::Failed { reason: text.into() }))),
        (Key::PendingEffect(EffectId(id(1))), Record::PendingEffect(Mark {})),
        (Key::Alert(id(3)), Record::Alert(alert.clone())),
        (Key::Told(item, main), Record::Told(Told { kind: AlertKind::BelowReorderPoint })),
        (Key::AlertBatch(id(3)), Record::AlertBatch(AlertBatch { at: instant(), alerts: vec![alert] })),
        (Key::Review(id(3)), Record::Review(review)),
        (Key::Proof(date(2026, 1, 1)), Record::Proof(proof)),
        (
            Key::Snapshot(item, since),
            Record::Snapshot(Snapshot { xero: in_xero(), at: instant(), booked: Quantity::ZERO }),
        ),
        (Key::Closing(since, 2), Record::Closing(closing())),
        (Key::ClosedItems(since, 2, 0), Record::ClosedItems(closed_part(item))),
        (Key::Cogs, Record::Cogs(cogs)),
        (Key::CogsMonth(date(2026, 1, 1)), Record::CogsMonth(month)),
        (Key::CogsHeld(item), Record::CogsHeld(held)),
        (Key::Journal(journal.number), Record::Journal(journal)),
        (Key::Purchase(since, of), Record::Purchase(purchase(of))),
        (Key::PriceChange(item), Record::PriceChange(price_change(item, of))),
        (Key::Adjustment(adjustment(item).number), Record::Adjustment(adjustment(item))),
        (Key::Voucher(DayNumber { on: since, index: 7 }), Record::Voucher(voucher(item, of))),
        (Key::GoodsReceipt(DayNumber { on: since, index: 9 }), Record::GoodsReceipt(goods_receipt(item))),
        (
            Key::AuditEntry(u64::MAX),
            Record::AuditEntry(Entry {
                seq: u64::MAX,
                previous: Hash::default(),
                payload: text.into(),
                hash: Hash([1; 32]),
            }),
        ),
    ]
}

fn goods_receipt(item: ItemId) -> GoodsReceipt {
    let (by, at, reason) = ("Somebody".to_owned(), instant(), "why \u{1f}".to_owned());
    GoodsReceipt {
        number: DayNumber { on: date(2026, 2, 28), index: 9 },
        order: DocumentId(id(8)),
        order_number: "PO-1".into(),
        supplier: ContactId(id(6)),
        supplier_name: "Supplier".into(),
        on: date(2026, 2, 27),
        slip: "LS 7".into(),
        lines: vec![ReceiptLine {
            line: LineId(id(9)),
            item,
            code: "A".into(),
            name: "An item".into(),
            ordered: Quantity::ONE,
            before: Quantity::ZERO,
            quantity: Quantity::from_e4(LARGEST),
            billed_before: Quantity::ONE,
            others: vec![OtherGoods {
                bill: DocumentId(id(11)),
                line: LineId(id(12)),
                quantity: Quantity::ONE,
            }],
            cost: Money::from_e4(3),
        }],
        billed: true,
        ends: true,
        made_by: "Somebody".into(),
        made_at: at,
        deviations: vec![
            Deviation::Over {
                code: "A".into(),
                ordered: Quantity::ONE,
                received: Quantity::from_e4(LARGEST),
            },
            Deviation::MaybeBilled { code: "A".into(), bills: vec!["B-1".into()] },
        ],
        stage: ReceiptStage::TakenBack { by, at, reason },
        bill: Some(BillFate::Written { bill: DocumentId(id(11)) }),
    }
}

fn adjustment(item: ItemId) -> Adjustment {
    let (on, largest) = (date(2026, 1, 1), Money::from_e4(LARGEST));
    let line = AdjustmentLine {
        item,
        code: "A".into(),
        change: Quantity::from_e4(-1),
        reason: ReasonCode::OwnUse,
        unit_cost: largest,
        note: "\u{1f6a2} #".into(),
    };
    let held = XeroQuantity { on_hand: Quantity::ONE, back_ordered: Quantity::ZERO, cost_pool: largest };
    Adjustment {
        number: AdjustmentNumber(DayNumber { on, index: DayNumber::INDEX_MAX }),
        on,
        form: Form::CreditNote,
        contents: Hash([2; 32]),
        request: Hash([3; 32]),
        lines: vec![line],
        made_by: "Kim".into(),
        made_at: instant(),
        stage: adjustment::Stage::Rejected { by: "Kim".into(), at: instant(), reason: "x".into() },
        approved: Some(Approved { by: "Kim".into(), at: instant() }),
        again: u32::MAX,
        done: 1,
        left_out: vec!["A".into()],
        before: vec![(item, held)],
        before_again: u32::MAX,
        document: Some(DocumentId(id(9))),
        has_begun: true,
        is_void: true,
        revalues: Some(Revalues {
            voucher: DayNumber { on, index: 1 },
            back: true,
            half: Half::First,
            other: AdjustmentNumber(DayNumber { on, index: 1 }),
            account: "401".into(),
            parts: vec![revalued_part(item)],
        }),
    }
}

fn revalued_part(item: ItemId) -> Part {
    Part {
        item,
        code: "A".into(),
        amount: Money::from_e4(LARGEST),
        received: Quantity::from_e4(-1),
        on_hand: Quantity::ONE,
        pool: Money::from_e4(LARGEST),
        units: Quantity::ONE,
        comes_at: Money::from_e4(LARGEST),
        goes_at: Money::from_e4(1),
        on_pool: Money::from_e4(-1),
    }
}

fn price_change(item: ItemId, of: DocumentRef) -> PriceChange {
    PriceChange {
        item,
        code: "A".into(),
        name: "\u{1f6a2}".into(),
        from: Money::from_e4(1),
        to: Money::from_e4(LARGEST),
        sales_price: None,
        because: of,
        on: date(2026, 1, 1),
        supplier_name: String::new(),
        since: instant(),
        status: PriceStatus::Approved { who: "Ada".into(), at: instant(), effect: EffectId(id(2)) },
        unit: None,
    }
}

fn purchase(of: DocumentRef) -> Purchase {
    let charge = Charge {
        line: LineId(id(9)),
        what: "Sea freight \u{1f6a2}".into(),
        account: "425".into(),
        net: Money::from_e4(LARGEST),
        spread: Money::from_e4(1),
        spread_from: Some("425".into()),
    };
    Purchase {
        of,
        number: String::new(),
        contact_name: "Carrier".into(),
        on: date(2026, 1, 1),
        has_goods: true,
        has_tracked: true,
        left_alone: true,
        papers: Some(Papers::Read {
            at: Timestamp::UNIX_EPOCH,
            papers: vec![
                Paper {
                    name: "Frachtbrief \u{1f6a2}.pdf".into(),
                    names: vec![Named { what: NameOf::Order, name: "PO-1".into(), receipts: vec![of] }],
                    more: 0,
                    unread: None,
                },
                Paper::unread("scan.pdf", "has no text that can be read"),
            ],
        }),
        charges: vec![charge],
    }
}

fn voucher(item: ItemId, of: DocumentRef) -> Voucher {
    let (on, amount) = (date(2026, 1, 1), Money::from_e4(LARGEST));
    let spent = Spent {
        of,
        line: LineId(id(9)),
        number: "F-1".into(),
        contact_name: "Carrier".into(),
        what: String::new(),
        account: "425".into(),
        amount,
        left: amount,
    };
    let share = Share {
        of,
        line: LineId(id(8)),
        number: "G-1".into(),
        item,
        code: "A".into(),
        on,
        quantity: Quantity::from_e4(LARGEST),
        value: amount,
        weight: Some(Quantity::from_e4(1)),
        amount,
        tracked: true,
    };
    let line = ManualJournalLine { account: "620".into(), what: "Landed cost".into(), amount };
    let journal = |fate| VoucherJournal {
        date: on,
        lines: vec![line.clone()],
        since: on,
        again: 2,
        tracked_alone: true,
        copy: None,
        fate,
    };
    Voucher {
        number: DayNumber { on, index: 7 },
        draft: Draft { on, basis: Basis::Weight, charges: vec![spent], shares: vec![share] },
        made_by: "Ada".into(),
        made_at: instant(),
        stage: Stage::TakingBack,
        done: 1,
        left_out: vec!["A (1.00)".into()],
        taken_back: Some(TakenBack { by: "Ada".into(), at: instant(), reason: "wrong".into() }),
        journal: Some(journal(VoucherJournalFate::Posted { id: DocumentId(id(3)) })),
        journal_back: Some(journal(VoucherJournalFate::Due { why_not: Some("not yet".into()) })),
        revaluation: Some(Revaluation {
            adjustment: Some(AdjustmentNumber(DayNumber { on, index: 7 })),
            on,
            since: on,
            accounts: Accounts { stock: "620".into(), adjustment: "401".into(), cogs: "310".into() },
            fate: RevaluationFate::Settled,
            parts: vec![revalued_part(item)],
        }),
        revaluation_back: None,
    }
}

/// A list with its rows in order.
pub type ListSample = (List, Vec<(Key, Record)>);

/// Rows of each list, which its key order tells apart; the list's rows in order.
pub fn lists() -> BTreeMap<&'static str, ListSample> {
    let item = ItemId(id(77));
    let of = DocumentRef { kind: DocumentKind::Bill, id: DocumentId(id(5)) };
    let cause = |kind, document: u128, line: u128| Cause::Document {
        of: DocumentRef { kind, id: DocumentId(id(document)) },
        line: LineId(id(line)),
    };
    let day = date(2026, 5, 4);
    let movements = vec![
        movement(item, date(2026, 5, 3), true, cause(DocumentKind::Bill, 1, 1), 1, false),
        movement(item, day, false, Cause::Opening, 1, false),
        movement(item, day, false, cause(DocumentKind::Bill, 2, 1), 1, false),
        movement(item, day, false, cause(DocumentKind::Bill, 2, 1), 2, false),
        movement(item, day, false, cause(DocumentKind::Bill, 2, 1), 2, true),
        movement(item, day, false, cause(DocumentKind::Bill, 2, 1), 10, false),
        movement(item, day, false, cause(DocumentKind::Bill, 2, 2), 1, false),
        movement(item, day, false, cause(DocumentKind::Bill, 1 << 100, 1), 1, false),
        movement(item, day, false, cause(DocumentKind::SalesCredit, 1, 1), 1, false),
        movement(item, day, true, cause(DocumentKind::SalesInvoice, 1, 1), 1, true),
        movement(item, day, true, cause(DocumentKind::SupplierCredit, 1, 1), 1, false),
        movement(item, date(2026, 12, 1), false, cause(DocumentKind::Bill, 1, 1), 1, false),
    ];
    let entries = [1, 2, 9, 10, 99, 100, 1 << 40].into_iter().map(|seq| {
        let entry = Entry { seq, previous: Hash::default(), payload: "{}".into(), hash: Hash::default() };
        (Key::AuditEntry(seq), Record::AuditEntry(entry))
    });
    let hint = Record::Hint(WaitingHint { since: instant(), wake_at: Some(instant()) });
    let hints = [
        HintOf::Invoice(DocumentId(id(1))),
        HintOf::Invoice(DocumentId(id(2))),
        HintOf::CreditNotes,
        HintOf::Sync,
        HintOf::Again(of),
    ];
    let further = [0, 1, 2, 10, 11, 100].into_iter().map(|n| {
        (
            Key::DocumentLines(of, n),
            Record::DocumentLines(MoreLines { lines: vec![booked_line(u128::from(n))] }),
        )
    });
    let touched = (1..40)
        .map(|n| (Key::Touched(id(n << 90)), Record::Touched(Touched { at: instant(), items: vec![] })));
    let pending = (1..4).map(|n| (Key::PendingEffect(EffectId(id(n))), Record::PendingEffect(Mark {})));
    BTreeMap::from([
        ("movements", (List::Movements(item), movements)),
        ("audit entries", (List::AuditEntries, entries.collect())),
        ("hints", (List::Hints, hints.into_iter().map(|of| (Key::Hint(of), hint.clone())).collect())),
        ("document lines", (List::DocumentLines(of), further.collect())),
        ("touched", (List::Touched, touched.collect())),
        ("pending effects", (List::PendingEffects, pending.collect())),
    ])
}

/// What Xero says, as large as it gets.
fn in_xero() -> XeroQuantity {
    XeroQuantity { on_hand: Quantity::ONE, back_ordered: Quantity::ZERO, cost_pool: Money::from_e4(LARGEST) }
}

fn figures() -> Figures {
    let end = Balance { quantity: Quantity::from_e4(-LARGEST), value: Money::from_e4(LARGEST) };
    Figures { end, opened: Money::ZERO, purchased: Money::from_e4(1), sold: Money::from_e4(-1) }
}

fn closing() -> Closing {
    Closing {
        state: ClosingState::Making(Some(ItemId(id(1)))),
        ours: figures(),
        ..Closing::begin(date(2026, 1, 1), 2, instant())
    }
}

fn closed_part(item: ItemId) -> ClosedPart {
    ClosedPart {
        not_counted: 7,
        items: vec![
            ClosedItem {
                item,
                code: "#".into(),
                tracked: true,
                figures: figures(),
                xero: Some(figures().end)
            };
            200
        ],
    }
}

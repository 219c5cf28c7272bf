//! One morning of a made-up shop, for snapshots, the payload test and the preview.
//!
//! Each text that comes from outside passes through `say`, so that a test can put something else there.
#![expect(clippy::unwrap_used, reason = "samples are constants: one that doesn't parse is a broken test")]

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, Zoned};
use parstock_domain::adjustment::{self, Adjustment, AdjustmentLine, AdjustmentNumber, Form, ReasonCode};
use parstock_domain::alert::AlertKind;
use parstock_domain::audit::{Hash, Head};
use parstock_domain::cogs::{CogsSettings, Every, Fate, Journal, JournalNumber};
use parstock_domain::document::{DocumentKind, DocumentRef, ForeignCurrency, XeroQuantity};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::goods_receipt::{self, BillFate, Deviation, GoodsReceipt, ReceiptNumber};
use parstock_domain::governance::{Approval, Phase, Proposal, ProposalLine, ProposalState};
use parstock_domain::ids::{
    ContactId, DayNumber, DocumentId, EffectId, ItemId, LineId, LocationId, ProposalId,
};
use parstock_domain::landed::*;
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::proof::{AccountProof, Difference, LikelyCause, Subject};
use parstock_domain::ledger::{Balance, Margin, Place, Proof, Sold};
use parstock_domain::manual_journal::{JournalState, ManualJournalLine};
use parstock_domain::prices::{PriceChange, PriceStatus};
use parstock_views::StandingGroup;
use parstock_views::alert::{AlertContent, Warning};
use parstock_views::chart::StockChart;
use parstock_views::digest::*;
use parstock_views::pages::*;
use parstock_views::sign_in::SignInMail;
use uuid::Uuid;

pub type Say<'a> = &'a dyn Fn(&str) -> String;

pub fn as_written(text: &str) -> String {
    text.to_owned()
}

pub fn q(text: &str) -> Quantity {
    text.parse().unwrap()
}

pub fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn now() -> Zoned {
    "2026-11-24T08:00:00+11:00[Australia/Sydney]".parse().unwrap()
}

fn item(number: u128) -> ItemId {
    ItemId(Uuid::from_u128(0x1000 + number))
}

pub fn proposal_id(number: u128) -> ProposalId {
    ProposalId(Uuid::from_u128(0x2000 + number))
}

/// Stock that is sold at about `rate` a day, filled up by `fill` now and then, and `last` at the end.
pub fn chart(days: i64, rate: i64, fill: i64, point: i64, last: i64) -> StockChart {
    let whole = |value| Quantity::from_whole(value).unwrap();
    let mut stock = last;
    let (mut on_hand, mut sales) = (Vec::new(), Vec::new());
    // backwards from the last day; squares modulo a prime come in a jumbled order
    for number in 0..days {
        let sold = rate * (number * number % 11) / 4;
        on_hand.push(whole(stock));
        sales.push(whole(sold));
        stock += sold;
        if stock > fill + point / 4 {
            stock -= fill;
        }
    }
    on_hand.reverse();
    sales.reverse();
    StockChart { ends_on: day("2026-11-23"), on_hand, sales, reorder_point: Some(whole(point)) }
}

#[expect(clippy::too_many_arguments, reason = "one row of the table below reads as one call")]
fn line(
    say: Say,
    number: u128,
    code: &str,
    name: &str,
    stock: Option<(&str, &str)>,
    lasts: Option<(u32, &str)>,
    order: (&str, &str),
    chart: Option<StockChart>,
) -> DecisionLine {
    DecisionLine {
        item: item(number),
        code: say(code),
        name: say(name),
        on_hand: stock.map(|(on_hand, _)| q(on_hand)),
        committed: q(if stock.is_some_and(|(on_hand, available)| on_hand != available) { "2" } else { "0" }),
        available: stock.map(|(_, available)| q(available)),
        on_order: q("0"),
        cover_days: lasts.map(|(days, _)| days),
        runs_out_on: lasts.map(|(_, on)| day(on)),
        reorder_point: q("20"),
        quantity: q(order.0),
        unit_price: Some(money("31")),
        figures: stock.map(|_| OrderFigures {
            cover_after_days: Some(26),
            rounded_up: q(if number == 1 { "4" } else { "0" }),
            lead_time_days: 14,
        }),
        cost: money(order.1),
        reason: say("Sells 2.4 a day; 14 days until a delivery arrives need 34, and 6 are available."),
        chart,
        by: None,
    }
}

pub fn digest(say: Say) -> DigestContent {
    let nordwood = Decision {
        proposal: proposal_id(1),
        supplier: say("Nordwood Furniture Pty Ltd"),
        total: money("2480.40"),
        wanted_on: day("2026-12-04"),
        problem: None,
        line_count: 6,
        lines: vec![
            line(
                say,
                1,
                "P-1003",
                "Oak wall shelf 80 cm",
                Some(("8", "6")),
                Some((3, "2026-11-27")),
                ("36", "1116"),
                Some(chart(90, 2, 48, 20, 8)),
            ),
            line(
                say,
                2,
                "P-1011",
                "Oak wall shelf 120 cm, with brackets and screws",
                Some(("14", "14")),
                Some((9, "2026-12-03")),
                ("24", "984"),
                None,
            ),
            line(
                say,
                3,
                "P-1020",
                "Bench",
                Some(("2", "2")),
                Some((11, "2026-12-05")),
                ("6", "380.40"),
                None,
            ),
        ],
    };
    let lumen = Decision {
        proposal: proposal_id(2),
        supplier: say("Lumen Import"),
        total: money("1204"),
        wanted_on: day("2026-12-11"),
        problem: None,
        line_count: 2,
        lines: vec![
            line(
                say,
                4,
                "L-0042",
                "Desk lamp, brass",
                Some(("0", "-4")),
                Some((0, "2026-11-24")),
                ("60", "900"),
                Some(chart(90, 5, 110, 45, 0)),
            ),
            line(
                say,
                5,
                "L-0043",
                "Bulb E27, warm white, box of 10",
                Some(("31", "31")),
                Some((12, "2026-12-06")),
                ("80", "304"),
                None,
            ),
        ],
    };
    let linen = Decision {
        proposal: proposal_id(3),
        supplier: say("Linen & Co"),
        total: money("435.60"),
        wanted_on: day("2026-12-02"),
        problem: None,
        line_count: 1,
        lines: vec![line(say, 6, "T-0007", "Tea towel", None, None, ("120", "435.60"), None)],
    };
    let change = |number, code: &str, name: &str, was, now, available: &str, out: Option<&str>| Change {
        item: item(number),
        code: say(code),
        name: say(name),
        was,
        now,
        available: Some(q(available)),
        runs_out_on: out.map(day),
    };
    DigestContent {
        org: say("Harbour Homewares"),
        currency: "AUD".to_owned(),
        day: day("2026-11-24"),
        occasion: Occasion::News,
        produced_at: now(),
        phase: Phase::Assist,
        console_url: "http://127.0.0.1:8090".to_owned(),
        decide: DecideNow::of(vec![linen, nordwood, lumen]).unwrap(),
        changed: Changes::of(vec![
            change(
                4,
                "L-0042",
                "Desk lamp, brass",
                StandingGroup::Low,
                StandingGroup::OutOfStock,
                "-4",
                Some("2026-11-24"),
            ),
            change(
                1,
                "P-1003",
                "Oak wall shelf 80 cm",
                StandingGroup::Enough,
                StandingGroup::Low,
                "6",
                Some("2026-11-27"),
            ),
            change(
                9,
                "C-0300",
                "Candle, large",
                StandingGroup::Low,
                StandingGroup::Enough,
                "144",
                Some("2027-01-19"),
            ),
            change(
                10,
                "C-0301",
                "Candle, small",
                StandingGroup::Enough,
                StandingGroup::NotCounted,
                "1",
                None,
            ),
        ]),
        troubled: BTreeMap::from([(item(4), StandingGroup::OutOfStock), (item(1), StandingGroup::Low)]),
        watching: Watching {
            out_of_stock: 1,
            low: 5,
            overstock: 3,
            dead: 1,
            orders_late: 1,
            reviews: 2,
            prices: 3,
        },
        not_counted: NotCounted { items: 4, lines_without_item: 12, lines: 340, days: 30 },
        written: vec![WrittenOrder {
            proposal: proposal_id(8),
            number: say("PS-7QF2KX3M5ZB4A"),
            supplier: say("Kiln Street Ceramics"),
            total: money("612.50"),
            approved_by: say("Kim"),
            at: at("2026-11-23T06:31:00Z"),
        }],
        trust: Trust {
            polled_at: Some(at("2026-11-23T20:56:00Z")),
            history: HistoryLoad::Whole,
            calls_left: Some(874),
            by_webhook: 41,
            by_poll: 3,
            audit: Head { seq: 4211, hash: Hash::of(b"the end of the chain") },
            needs_person: vec![],
        },
        proof: None,
        differences_told: vec![],
        journal_drafts: Some((2, money("345.10"))),
    }
}

/// A journal of cost of goods sold.
fn journal(say: Say, index: u32, amount: &str, fate: Fate) -> Journal {
    Journal {
        number: JournalNumber { on: day("2026-11-24"), index },
        date: day("2026-11-23"),
        amount: money(amount),
        parts: [(day("2026-11-23"), money(amount))].into(),
        carried: money("0.0025"),
        causes: [say("bill NW-88120")].into(),
        since: day("2026-11-01"),
        narration: say("Cost of goods sold, untracked stock, 2026-11-23 [parstock 2026-11-24-001]"),
        settings: CogsSettings {
            stock_account: say("631"),
            cogs_account: say("310"),
            every: Every::Day,
            state: JournalState::Draft,
        },
        entries: (4100, 4180),
        fate,
    }
}

/// Item prices of which one failed.
pub fn prices(say: Say) -> PricesPage {
    let change = |number: u128, to: &str, status| PriceChange {
        item: ItemId(Uuid::from_u128(number)),
        code: say("CUP"),
        name: say("A cup"),
        from: money("10"),
        to: money(to),
        sales_price: Some(money("25")),
        because: DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(1)) },
        on: jiff::civil::date(2026, 6, 1),
        supplier_name: say("Northern Range"),
        since: Timestamp::UNIX_EPOCH,
        status,
        unit: None,
    };
    let failed = change(2, "8.5", PriceStatus::Failed { reason: say("somebody changed it there") });
    PricesPage {
        site: site(say, Phase::Assist),
        open: vec![change(1, "12.3456", PriceStatus::Open), PriceChange { sales_price: None, ..failed }],
        count: 3,
        under_way: 1,
        percent: 10,
        problem: Some((say("a price changed since it was shown"), [ItemId(Uuid::from_u128(2))].into())),
    }
}

fn goods_receipt(say: Say, stage: goods_receipt::Stage) -> GoodsReceipt {
    let quantity = |text: &str| text.parse().unwrap();
    GoodsReceipt {
        number: ReceiptNumber { on: now().date(), index: 2 },
        order: DocumentId(Uuid::from_u128(7)),
        order_number: say("PO-7"),
        supplier: ContactId(Uuid::from_u128(3)),
        supplier_name: say("Northern Range"),
        on: jiff::civil::date(2026, 6, 1),
        slip: say("LS 7"),
        lines: vec![goods_receipt::ReceiptLine {
            line: LineId(Uuid::from_u128(8)),
            item: ItemId(Uuid::from_u128(1)),
            code: say("CUP"),
            name: say("A cup"),
            ordered: quantity("24"),
            before: quantity("12"),
            quantity: quantity("36.5"),
            billed_before: Quantity::ZERO,
            others: Vec::new(),
            cost: money("109.5"),
        }],
        billed: false,
        ends: true,
        made_by: say("kim@example.com"),
        made_at: Timestamp::UNIX_EPOCH,
        deviations: vec![
            Deviation::Over { code: say("CUP"), ordered: quantity("24"), received: quantity("48.5") },
            Deviation::MaybeBilled { code: say("CUP"), bills: vec![say("B-1")] },
        ],
        stage,
        bill: Some(BillFate::None { why: say("the phase is observe") }),
    }
}

/// The pages of goods receipts.
fn receipt_pages(say: Say) -> Vec<(String, String)> {
    let stages = [
        goods_receipt::Stage::Waiting,
        goods_receipt::Stage::TakenIn { by: say("kim@example.com"), at: Timestamp::UNIX_EPOCH },
        goods_receipt::Stage::TakenBack {
            by: say("kim@example.com"),
            at: Timestamp::UNIX_EPOCH,
            reason: say("a wrong pallet"),
        },
    ];
    let site = || site(say, Phase::Assist);
    let receipts: Vec<GoodsReceipt> = stages.into_iter().map(|stage| goods_receipt(say, stage)).collect();
    let to_come = ToComeRow {
        order: DocumentId(Uuid::from_u128(7)),
        number: say("PO-7"),
        supplier_name: say("Northern Range"),
        on: jiff::civil::date(2026, 5, 1),
        expected_on: None,
        open_lines: 2,
    };
    let line = receipts.first().and_then(|receipt| receipt.lines.first()).unwrap();
    let form = ReceiptFormPage {
        site: site(),
        order: to_come.order,
        number: to_come.number.clone(),
        supplier_name: to_come.supplier_name.clone(),
        on: to_come.on,
        contents: Hash::of(b"form"),
        lines: vec![goods_receipt::OrderedLine {
            line: line.line,
            item: line.item,
            code: line.code.clone(),
            name: line.name.clone(),
            ordered: line.ordered,
            received: line.before,
            billed: line.before,
            bills: Vec::new(),
            unreceived: line.before,
            open: line.before,
            net: line.cost,
            last_cost: Money::ZERO,
            unmatched_bills: Vec::new(),
            unit: None,
        }],
        percent: 10,
        entered: Some(ReceiptFields {
            quantities: [(line.line, say("two"))].into(),
            on: say("2026-06-01"),
            slip: say("LS 7"),
            billed: true,
            ends: true,
        }),
        problem: Some(say("that is not how much came in")),
    };
    let first = ReceiptFormPage { entered: None, problem: None, ..form.clone() };
    let page = |receipt: &GoodsReceipt| ReceiptPage {
        site: site(),
        receipt: receipt.clone(),
        problem: Some(say("it was decided already")),
    };
    let list = ReceiptsPage { site: site(), to_come: vec![to_come], receipts: receipts.clone(), count: 7 };
    let none = ReceiptsPage { to_come: Vec::new(), receipts: Vec::new(), count: 0, ..list.clone() };
    let mut pages = vec![
        ("receipts".to_owned(), list.render().unwrap()),
        ("receipts-none".to_owned(), none.render().unwrap()),
        ("receipt-form".to_owned(), form.render().unwrap()),
        ("receipt-form-first".to_owned(), first.render().unwrap()),
    ];
    for receipt in &receipts {
        let name = format!("receipt-{}", receipt.stage.words().replace(' ', "-"));
        pages.push((name, page(receipt).render().unwrap()));
    }
    pages
}

/// Adjustments of each stage.
pub fn adjustments(say: Say) -> AdjustmentsPage {
    use adjustment::Stage;
    let line = |change: i64, reason| AdjustmentLine {
        item: ItemId(Uuid::from_u128(1)),
        code: say("CUP"),
        change: Quantity::from_e4(change),
        reason,
        unit_cost: money("12.3456"),
        note: say("fell off the shelf"),
    };
    let adjustment = |index: u32, stage| Adjustment {
        number: AdjustmentNumber(DayNumber { on: jiff::civil::date(2026, 11, 24), index }),
        on: jiff::civil::date(2026, 11, 23),
        form: Form::CreditNote,
        lines: vec![line(-25_000, ReasonCode::Damaged); 12],
        contents: Hash::default(),
        request: Hash::default(),
        made_by: say("Kim"),
        made_at: Timestamp::UNIX_EPOCH,
        stage,
        approved: None,
        again: 0,
        done: 0,
        left_out: Vec::new(),
        before: Vec::new(),
        before_again: 0,
        document: Some(DocumentId(Uuid::from_u128(2))),
        has_begun: false,
        is_void: false,
        revalues: None,
    };
    let rejected = Stage::Rejected {
        by: say("Lee"),
        at: Timestamp::UNIX_EPOCH,
        reason: say("they are behind the door"),
    };
    let stages = [
        Stage::Waiting,
        Stage::Refused { reason: say("Xero holds 2 of `CUP`"), is_uncertain: true },
        Stage::Booked,
        rejected,
    ];
    AdjustmentsPage {
        site: site(say, Phase::Assist),
        adjustments: (1..).zip(stages).map(|(index, stage)| adjustment(index, stage)).collect(),
        count: 7,
        entered: EnteredAdjustment {
            item: say("CUP"),
            on: say("2026-11-23"),
            quantity: say("-2.5"),
            reason: say("damaged"),
            unit_cost: say("x"),
            note: say("fell off the shelf"),
        },
        problem: Some(say("nobody has counted `CUP`")),
    }
}

/// Journals of each fate.
pub fn journals(say: Say) -> JournalsPage {
    let id = DocumentId(Uuid::from_u128(0x5000));
    let lost = Fate::Reopened { why: say("it was deleted or voided in Xero") };
    let first = journal(say, 4, "12.50", Fate::Planned);
    let settings = Some(first.settings.clone());
    let journals = vec![
        first,
        journal(say, 3, "-4.10", Fate::Draft { id }),
        journal(say, 2, "310.00", Fate::Posted { id }),
        journal(say, 1, "98.05", lost),
    ];
    JournalsPage {
        site: site(say, Phase::Assist),
        settings,
        since: Some(day("2026-11-01")),
        open: money("51.20"),
        carried: money("-0.0031"),
        held: money("18.40"),
        held_items: 2,
        drafts: money("-4.10"),
        journals,
        count: 7,
    }
}

/// What a journal is made of.
pub fn journal_page(say: Say) -> JournalPage {
    let line = |number, cost: &str| JournalLine {
        item: item(number),
        code: say("P-1007"),
        on: day("2026-11-23"),
        cause: say("invoice INV-20117"),
        entry: 4131,
        cost: money(cost),
    };
    JournalPage {
        site: site(say, Phase::Assist),
        journal: journal(say, 1, "12.50", Fate::Planned),
        lines: vec![line(1, "12.1234"), line(2, "0.3766")],
        count: 3,
    }
}

fn bill(number: u128) -> DocumentRef {
    DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(0x6000 + number)) }
}

fn line_id(number: u128) -> LineId {
    LineId(Uuid::from_u128(0x7000 + number))
}

fn draft(say: Say, basis: Basis) -> Draft {
    let spent = |line, what: &str, amount: &str| Spent {
        of: bill(1),
        line: line_id(line),
        number: say("F-20981"),
        contact_name: say("Southern Ocean Freight"),
        what: say(what),
        account: say("425"),
        amount: money(amount),
        left: money(amount),
    };
    let share = |number, code: &str, quantity: &str, value: &str, amount: &str| Share {
        of: bill(2),
        line: line_id(number),
        number: say("NW-88120"),
        item: item(number),
        code: say(code),
        on: day("2026-11-02"),
        quantity: q(quantity),
        value: money(value),
        weight: (basis == Basis::Weight).then(|| q("2.5")),
        amount: money(amount),
        tracked: code == "P-1011",
    };
    Draft {
        on: day("2026-11-20"),
        basis,
        charges: vec![spent(1, "Sea freight Gdansk", "410"), spent(2, "Import duty 5%", "74.4")],
        shares: vec![share(3, "P-1003", "48", "1488", "290.04"), share(4, "P-1011", "24", "984", "194.36")],
    }
}

/// What a voucher puts on stock that Xero tracks, or takes off it.
fn revaluation(say: Say, on_pool: &str) -> Revaluation {
    let number = |index| AdjustmentNumber(DayNumber { on: day("2026-11-24"), index });
    Revaluation {
        adjustment: Some(number(1)),
        on: day("2026-11-20"),
        since: day("2026-01-01"),
        accounts: Accounts { stock: say("631"), adjustment: say("401"), cogs: say("310") },
        fate: RevaluationFate::Waits,
        parts: vec![Part {
            item: item(4),
            code: say("P-1011"),
            amount: money("194.36"),
            received: q("24"),
            on_hand: q("11"),
            pool: money("450"),
            units: q("1"),
            comes_at: money("55.5"),
            goes_at: money("43.1"),
            on_pool: money(on_pool),
        }],
    }
}

/// A voucher at each stage, with each fate of its journals.
pub fn vouchers(say: Say) -> Vec<Voucher> {
    let id = DocumentId(Uuid::from_u128(0x5000));
    let journal = |fate| {
        let line = |account: &str, amount| ManualJournalLine {
            account: say(account),
            what: say("Landed cost of stock"),
            amount: money(amount),
        };
        Some(VoucherJournal {
            date: day("2026-11-20"),
            lines: vec![line("631", "484.40"), line("425", "-484.40")],
            since: day("2026-01-01"),
            again: 0,
            tracked_alone: false,
            copy: None,
            fate,
        })
    };
    let voucher =
        |index, stage, fate: Option<VoucherJournalFate>, back: Option<VoucherJournalFate>| Voucher {
            number: VoucherNumber { on: day("2026-11-24"), index },
            draft: draft(say, Basis::Value),
            made_by: say("Kim"),
            made_at: at("2026-11-23T20:40:00Z"),
            stage,
            done: 1,
            left_out: Vec::new(),
            taken_back: back.is_some().then(|| TakenBack {
                by: say("Kim"),
                at: at("2026-11-23T20:50:00Z"),
                reason: say("it was freight of another delivery"),
            }),
            journal: fate.and_then(journal),
            revaluation: Some(revaluation(say, "17.4")),
            revaluation_back: back
                .is_some()
                .then(|| Revaluation { fate: RevaluationFate::Settled, ..revaluation(say, "-17.4") }),
            journal_back: back.and_then(journal),
        };
    use VoucherJournalFate::{Draft, Due, Gone, Planned, Posted};
    let why = Some(say("Xero refused it: account 631 is archived"));
    vec![
        voucher(6, Stage::Booking, Some(Planned), None),
        voucher(5, Stage::Booked, Some(Due { why_not: why }), None),
        voucher(4, Stage::Booked, Some(Due { why_not: None }), None),
        voucher(3, Stage::TakingBack, Some(Posted { id }), Some(Planned)),
        voucher(2, Stage::TakenBack, Some(Gone { id }), Some(Draft { id })),
        voucher(1, Stage::Booked, None, None),
    ]
}

fn freight(say: Say) -> Purchase {
    let charge = |line, what: &str, net: &str, spread: &str| Charge {
        line: line_id(line),
        what: say(what),
        account: say("425"),
        net: money(net),
        spread: money(spread),
        spread_from: None,
    };
    Purchase {
        of: bill(1),
        number: say("F-20981"),
        contact_name: say("Southern Ocean Freight"),
        on: day("2026-11-20"),
        has_goods: false,
        has_tracked: false,
        left_alone: false,
        papers: Some(Papers::Read {
            at: at("2026-11-21T03:00:00Z"),
            papers: vec![
                Paper {
                    name: say("freight.pdf"),
                    names: vec![
                        Named { what: NameOf::Order, name: say("PO-1234"), receipts: vec![bill(2)] },
                        Named { what: NameOf::Bill, name: say("NW-88120"), receipts: vec![bill(2)] },
                    ],
                    more: 0,
                    unread: None,
                },
                Paper {
                    name: say("scan.pdf"),
                    names: vec![],
                    more: 0,
                    unread: Some(say("has no text that can be read")),
                },
            ],
        }),
        charges: vec![
            charge(1, "Sea freight Gdansk", "450", "40"),
            charge(2, "Import duty 5%", "74.4", "0"),
            charge(5, "Storage", "30", "30"),
        ],
    }
}

fn bill_rows(say: Say) -> Vec<BillRow> {
    let first = BillRow::of(&freight(say), |_| true).unwrap().unwrap();
    let kind = DocumentKind::SpendMoney;
    let second = BillRow { of: DocumentRef { kind, ..bill(7) }, number: String::new(), ..first.clone() };
    vec![first, second]
}

/// The page of landed cost.
pub fn landed(say: Say) -> LandedPage {
    let (site, vouchers) = (site(say, Phase::Assist), vouchers(say));
    LandedPage { site, to_spread: bill_rows(say), bills: 5, count: vouchers.len() + 1, vouchers }
}

pub fn landed_choice(say: Say) -> LandedChoicePage {
    LandedChoicePage { site: site(say, Phase::Assist), rows: bill_rows(say), count: 3 }
}

/// What was entered in the form of a voucher: no number in one place.
pub fn entered(say: Say) -> Entered {
    let key = receipt_key(bill(2), line_id(3));
    let field = |name: &str, value: String| (name.to_owned(), value);
    Entered::of([
        field("kind", "bill".to_owned()),
        field("bill", bill(1).id.to_string()),
        field("days", "60".to_owned()),
        field("basis", "weight".to_owned()),
        field("on", say("2026-11-20")),
        field("charge", line_id(1).to_string()),
        field(&format!("amount-{}", line_id(1)), say("41,5")),
        field("receipt", key.clone()),
        field(&format!("weight-{key}"), say("2.5")),
        field(&format!("take-{key}"), say("1")),
    ])
}

pub fn landed_form(say: Say) -> LandedFormPage {
    let receipt = |number, code: &str, quantity: &str, value: &str| ReceiptRow {
        of: bill(2),
        line: line_id(number),
        contact_name: say("Nordwood Furniture Pty Ltd"),
        received: Received {
            number: say("NW-88120"),
            item: item(number),
            code: say(code),
            tracked: false,
            on: day("2026-11-02"),
            quantity: q(quantity),
            value: money(value),
            account: "620".into(),
        },
    };
    LandedFormPage {
        site: site(say, Phase::Assist),
        purchase: freight(say),
        receipts: vec![receipt(3, "P-1003", "48", "1488"), receipt(4, "P-1011", "24", "984")],
        days: 60,
        days_max: 400,
        search: say("Northern"),
        left_out: (2, 40),
        basis: Basis::Value,
        entered: None,
        problem: None,
    }
}

pub fn landed_preview(say: Say) -> LandedPreviewPage {
    LandedPreviewPage {
        site: site(say, Phase::Assist),
        draft: draft(say, Basis::Weight),
        contents: Hash::of(b"what it would do"),
        landed: vec![(money("48.34"), money("241.7")), (money("113.3767"), money("80.9833"))],
        revalued: revaluation(say, "89.09").parts,
        total: money("484.4"),
        in_stock: money("161.7167"),
        sold: money("322.6833"),
        entered: entered(say),
    }
}

/// The pages of landed cost.
fn landed_pages(say: Say) -> Vec<(String, String)> {
    let problem = || Some(say("of `Sea freight` on F-20981 410.00 is left to spread, not 500.00"));
    let nothing = LandedPage { to_spread: vec![], bills: 0, vouchers: vec![], count: 0, ..landed(say) };
    let no_goods = LandedFormPage {
        receipts: vec![],
        left_out: (0, 0),
        days: 1,
        purchase: Purchase { charges: vec![], papers: Some(Papers::Due), ..freight(say) },
        ..landed_form(say)
    };
    let wrong = LandedFormPage {
        basis: Basis::Weight,
        entered: Some(entered(say)),
        problem: problem(),
        purchase: Purchase {
            papers: Some(Papers::Failed { why: say("the consent lacks accounting.attachments") }),
            ..freight(say)
        },
        ..landed_form(say)
    };
    let mut pages = vec![
        ("landed".to_owned(), landed(say).render()),
        ("landed-none".to_owned(), nothing.render()),
        ("landed-choice".to_owned(), landed_choice(say).render()),
        (
            "landed-choice-none".to_owned(),
            LandedChoicePage { rows: vec![], count: 0, ..landed_choice(say) }.render(),
        ),
        ("landed-form".to_owned(), landed_form(say).render()),
        ("landed-form-no-goods".to_owned(), no_goods.render()),
        ("landed-form-problem".to_owned(), wrong.render()),
        ("landed-preview".to_owned(), landed_preview(say).render()),
    ];
    let first = AdjustmentNumber(DayNumber { on: day("2026-11-24"), index: 1 });
    let halves = vec![(first, say("waits for approval"))];
    for voucher in vouchers(say) {
        let name = format!("voucher-{}", voucher.number.index);
        let problem = if voucher.stage == Stage::Booked { problem() } else { None };
        pages.push((
            name,
            VoucherPage { site: site(say, Phase::Assist), voucher, halves: halves.clone(), problem }.render(),
        ));
    }
    pages.into_iter().map(|(name, page)| (name, page.unwrap())).collect()
}

/// A proof with differences.
pub fn proof(say: Say) -> ProofPage {
    let account = AccountProof {
        code: say("630"),
        name: say("Stock on hand"),
        balance: money("2030.10"),
        items: money("2000"),
    };
    let proof = Proof {
        day: day("2026-11-24"),
        at: at("2026-11-23T16:01:00Z"),
        items: 2,
        xero: Balance { quantity: q("90"), value: money("2000") },
        ours: Balance { quantity: q("88"), value: money("1987.20") },
        accounts: vec![account],
        without_accounts: Some(say("the scope is missing")),
        differences: vec![
            Difference {
                of: Subject::Account("630".to_owned()),
                named: say("630 Stock on hand"),
                quantity: Quantity::ZERO,
                value: money("30.10"),
                cause: LikelyCause::Unexplained,
            },
            Difference {
                of: Subject::Item(item(1)),
                named: say("P-1003 Oak wall shelf 80 cm"),
                quantity: q("2"),
                value: money("12.80"),
                cause: LikelyCause::AdjustedInXero,
            },
        ],
        more: 3,
    };
    ProofPage { site: site(say, Phase::Assist), proof: Some(proof) }
}

/// A morning with nothing to do.
pub fn calm(say: Say) -> DigestContent {
    let mut content = digest(say);
    content.decide = DecideNow::default();
    content.changed = Changes::default();
    content.watching = Watching::default();
    content.not_counted = NotCounted::default();
    content.written.clear();
    content
}

/// The morning after a week without news, though something is still out of stock.
pub fn all_clear(say: Say) -> DigestContent {
    let mut content = calm(say);
    content.occasion = Occasion::AllClear { since: day("2026-11-17") };
    content
}

/// A first morning: observing, history incomplete, and something for a person to do.
pub fn troubled(say: Say) -> DigestContent {
    let mut content = digest(say);
    content.phase = Phase::Observe;
    content.trust.needs_person = vec![say(
        "Xero refused the client secret: put the new one into the vault with `parstock secret set`.",
    )];
    content.trust.history = HistoryLoad::Reading { documents: 1830 };
    content.trust.polled_at = None;
    content.trust.calls_left = None;
    let named = proof(say).proof.unwrap().differences;
    content.proof = Some(ProofNews { count: 5, named, more: 1 });
    content
}

pub fn alert(say: Say) -> AlertContent {
    let warning = |number,
                   code: &str,
                   name: &str,
                   kind,
                   available: &str,
                   point: Option<&str>,
                   out: Option<&str>,
                   proposed| Warning {
        item: item(number),
        code: say(code),
        name: say(name),
        kind,
        available: q(available),
        on_order: q("0"),
        reorder_point: point.map(q),
        runs_out_on: out.map(day),
        proposed,
    };
    AlertContent {
        org: say("Harbour Homewares"),
        currency: "AUD".to_owned(),
        produced_at: now(),
        console_url: "http://127.0.0.1:8090".to_owned(),
        warnings: vec![
            warning(
                1,
                "P-1003",
                "Oak wall shelf 80 cm",
                AlertKind::BelowReorderPoint,
                "6",
                Some("20"),
                Some("2026-11-27"),
                Some((proposal_id(1), q("36"), money("2480.40"))),
            ),
            warning(4, "L-0042", "Desk lamp, brass", AlertKind::OutOfStock, "-4", Some("45"), None, None),
            warning(5, "L-0043", "Bulb E27", AlertKind::BelowReorderPoint, "31", Some("40"), None, None),
        ],
    }
}

pub fn site(say: Say, phase: Phase) -> Site {
    Site {
        root: String::new(),
        org: say("Harbour Homewares"),
        currency: "AUD".to_owned(),
        now: now(),
        phase,
        user: say("Kim"),
        csrf: "c5f1a0".to_owned(),
        open_proposals: 3,
        open_reviews: 2,
        connects: true,
    }
}

fn positions_of(say: Say) -> Vec<PositionRow> {
    let row = |number,
               code: &str,
               name: &str,
               stock: Option<(&str, &str)>,
               on_order: &str,
               lasts: Option<(u32, &str)>,
               standing| PositionRow {
        item: item(number),
        code: say(code),
        name: say(name),
        on_hand: stock.map(|(on_hand, _)| q(on_hand)),
        committed: q("2"),
        available: stock.map(|(_, available)| q(available)),
        on_order: q(on_order),
        late: q(if number == 1 { "12" } else { "0" }),
        late_orders: if number == 1 { vec![say("PO-0117")] } else { vec![] },
        cover_days: lasts.map(|(days, _)| days),
        runs_out_on: lasts.map(|(_, on)| day(on)),
        standing,
    };
    vec![
        row(
            4,
            "L-0042",
            "Desk lamp, brass",
            Some(("-2", "-4")),
            "0",
            Some((0, "2026-11-24")),
            StandingGroup::OutOfStock,
        ),
        row(
            1,
            "P-1003",
            "Oak wall shelf 80 cm",
            Some(("8", "6")),
            "0",
            Some((3, "2026-11-27")),
            StandingGroup::Low,
        ),
        row(
            2,
            "P-1011",
            "Oak wall shelf 120 cm, with brackets and screws",
            Some(("14", "12")),
            "24",
            Some((9, "2026-12-03")),
            StandingGroup::Low,
        ),
        row(
            9,
            "C-0300",
            "Candle, large",
            Some(("1440.5", "1438.5")),
            "0",
            Some((56, "2027-01-19")),
            StandingGroup::Enough,
        ),
        row(11, "G-0001", "Garden gnome", Some(("61", "61")), "0", None, StandingGroup::Dead),
        row(6, "T-0007", "Tea towel", None, "0", None, StandingGroup::NotCounted),
    ]
}

pub fn positions(say: Say) -> PositionsPage {
    PositionsPage {
        site: site(say, Phase::Assist),
        query: PositionQuery { search: say("shelf"), standing: None, late: false, page: 2 },
        rows: positions_of(say),
        found: 260,
        counts: vec![
            (StandingGroup::OutOfStock, 1),
            (StandingGroup::Low, 5),
            (StandingGroup::Enough, 240),
            (StandingGroup::Overstock, 3),
            (StandingGroup::Dead, 1),
            (StandingGroup::NotCounted, 4),
        ],
        late_items: 3,
        late_orders: 2,
    }
}

pub fn positions_at(say: Say) -> PositionsAtPage {
    let row = |number, code: &str, name: &str, on_hand: Option<&str>| PositionAt {
        item: item(number),
        code: say(code),
        name: say(name),
        end: on_hand.map(|on_hand| Balance { quantity: q(on_hand), value: money("12.5") }),
        committed: q("4"),
        available: on_hand.map(|on_hand| q(on_hand).minus(q("4")).unwrap()),
        on_order: q("24"),
        late: q("12"),
        in_transit: q("6"),
    };
    PositionsAtPage {
        site: site(say, Phase::Assist),
        day: day("2026-06-30"),
        search: say("shelf"),
        page: 2,
        rows: vec![row(1, "P-1003", "Oak wall shelf 80 cm", Some("44")), row(6, "T-0007", "Tea towel", None)],
        found: 260,
    }
}

fn inputs(say: Say) -> BTreeMap<String, String> {
    [
        ("demand a day", "2.4"),
        ("spread a day", "1.1"),
        ("lead time, days", "14"),
        ("safety stock", "8"),
        ("pack", "12"),
        ("last price", "31.00"),
    ]
    .into_iter()
    .map(|(name, value)| (say(name), say(value)))
    .collect()
}

pub fn item_page(say: Say) -> ItemPage {
    let line = |on: &str, cause, number: &str, contact: &str, change: &str, after: &str| {
        let change = q(change);
        let (ours, theirs) = (Place::Stock(LocationId(say("main"))), Place::Customer);
        let (from, to) = if change.is_negative() { (ours, theirs) } else { (theirs, ours) };
        CardRow {
            on: day(on),
            posted_on: number.starts_with("NW").then(|| day("2026-11-10")),
            cause,
            number: say(number),
            foreign: number
                .starts_with("NW")
                .then(|| (ForeignCurrency { code: say("USD"), rate: say("0.6512") }, money("969.06"))),
            contact: say(contact),
            from,
            to,
            change,
            value: change.at(money("31")).unwrap(),
            correction: Money::ZERO,
            layers: vec![PartRow {
                of: say("bill NW-88120"),
                quantity: change,
                cost: change.at(money("31")).unwrap(),
            }],
            after: Some(Balance { quantity: q(after), value: q(after).at(money("31")).unwrap() }),
            reversal: number == "INV-2207" && !change.is_negative(),
            booking: number.starts_with("NW").then_some((80, 500)),
            sold: (cause == "invoice").then(|| Sold {
                quantity: change.negated().unwrap(),
                revenue: Some(change.negated().unwrap().at(money("49")).unwrap()),
                cost: (number != "INV-2207").then(|| change.negated().unwrap().at(money("31")).unwrap()),
            }),
            recorded_at: Timestamp::UNIX_EPOCH,
        }
    };
    ItemPage {
        site: site(say, Phase::Assist),
        position: positions_of(say).remove(1),
        tracked: false,
        value: Some(money("248")),
        chart: Some(chart(180, 2, 48, 20, 8)),
        card: CardShown {
            from: Some(day("2026-11-02")),
            at: Some(day("2026-11-23")),
            by: None,
            before: Some(Balance { quantity: q("4"), value: money("124") }),
            end: Some(Balance { quantity: q("8"), value: money("248") }),
            said: Some(Snapshot {
                xero: XeroQuantity { on_hand: q("6"), back_ordered: Quantity::ZERO, cost_pool: money("186") },
                at: Timestamp::UNIX_EPOCH,
                booked: q("8"),
            }),
            unexplained: Some(Balance { quantity: q("-2"), value: money("-62") }),
            rows: vec![
                line("2026-11-23", "invoice", "INV-2231", "Bay Cafe", "-3", "8"),
                line("2026-11-22", "sales credit note", "CN-0102", "Bay Cafe", "1", "11"),
                line("2026-11-20", "invoice", "INV-2207", "Walk-in customer", "2", "10"),
                line("2026-11-20", "invoice", "INV-2207", "Walk-in customer", "-2", "8"),
                line("2026-11-02", "bill", "NW-88120", "Nordwood Furniture Pty Ltd", "48", "52"),
            ],
            page: 1,
            found: 417,
            margin: Margin { revenue: money("147"), cost: money("93"), known: q("3"), unknown: q("4") },
            restated: vec![
                RestatedRow {
                    cause: "bill",
                    number: say("NW-88120"),
                    month: day("2026-10-01"),
                    posted_on: Some(day("2026-11-10")),
                    change: money("-62.5"),
                    recorded_at: Timestamp::UNIX_EPOCH,
                },
                RestatedRow {
                    cause: "count",
                    number: say("2026-11-02"),
                    month: day("2026-11-01"),
                    posted_on: None,
                    change: money("12"),
                    recorded_at: Timestamp::UNIX_EPOCH,
                },
            ],
        },
        layers: vec![LayerRow {
            of: say("bill NW-88120"),
            quantity: q("8"),
            cost: money("248"),
            unit_cost: money("31"),
        }],
        orders: vec![
            OpenOrder {
                number: say("PO-0117"),
                supplier: say("Nordwood Furniture Pty Ltd"),
                ordered: q("24"),
                open: q("12"),
                expected_on: Some(day("2026-10-20")),
                draft: false,
                late: true,
            },
            OpenOrder {
                number: say("PS-7QF2KX3M5ZB4A"),
                supplier: say("Nordwood Furniture Pty Ltd"),
                ordered: q("36"),
                open: q("36"),
                expected_on: None,
                draft: true,
                late: false,
            },
        ],
        plan: Some(PlanShown {
            planned_on: day("2026-11-24"),
            reorder_point: q("42"),
            order: Some(q("36")),
            supplier: say("Nordwood Furniture Pty Ltd"),
            unit_price: money("31.0025"),
            reason: say("Sells 2.4 a day; 14 days until a delivery arrives need 34, and 6 are available."),
            inputs: inputs(say),
            proposal: Some(proposal_id(1)),
        }),
        entered: EnteredCount { as_of: say("soon"), quantity: say("12"), unit_cost: say("") },
        problem: Some(say("`soon` is not a day such as 2026-11-22")),
    }
}

pub fn proposal(say: Say, phase: Phase, status: ProposalState) -> ProposalPage {
    let line = |number, code: &str, name: &str, quantity: &str, price: &str| ProposalLine {
        item: item(number),
        code: say(code),
        name: say(name),
        location: LocationId::main(),
        quantity: q(quantity),
        unit_price: money(price),
        reason: say("Sells 2.4 a day; 14 days until a delivery arrives need 34, and 6 are available."),
        inputs: inputs(say),
        by: None,
    };
    let proposal = Proposal {
        id: proposal_id(1),
        supplier: ContactId(Uuid::from_u128(0x3000)),
        supplier_name: say("Nordwood Furniture Pty Ltd"),
        planned_on: day("2026-11-24"),
        wanted_on: day("2026-12-04"),
        proposed_at: at("2026-11-23T20:15:00Z"),
        lines: vec![
            line(1, "P-1003", "Oak wall shelf 80 cm", "36", "31"),
            line(2, "P-1011", "Oak wall shelf 120 cm, with brackets and screws", "24", "41"),
        ],
        status,
    };
    ProposalPage {
        site: site(say, phase),
        order_number: proposal.id.order_number("PS-"),
        positions: positions_of(say).into_iter().map(|row| (row.item, row)).collect(),
        figures: BTreeMap::from([(
            item(1),
            OrderFigures { cover_after_days: Some(26), rounded_up: q("4"), lead_time_days: 14 },
        )]),
        proposal,
        phase,
        problem: None,
    }
}

/// Every place where a proposal can stand.
pub fn states(say: Say) -> Vec<ProposalState> {
    let id = proposal_id(1);
    let approval = Approval {
        proposal: id,
        contents: Hash::default(),
        who: say("Kim"),
        at: at("2026-11-23T21:00:00Z"),
        order_number: id.order_number("PS-"),
    };
    vec![
        ProposalState::Open,
        ProposalState::Approved { approval: approval.clone(), effect: EffectId(Uuid::from_u128(1)) },
        ProposalState::Done { approval: approval.clone(), order: DocumentId(Uuid::from_u128(2)) },
        ProposalState::Failed {
            approval,
            reason: say("the supplier is archived in Xero: restore it, then propose again"),
        },
        ProposalState::Rejected {
            who: say("Kim"),
            at: at("2026-11-23T21:00:00Z"),
            reason: say("we close this range"),
        },
        ProposalState::Withdrawn { at: at("2026-11-23T21:00:00Z") },
    ]
}

pub fn proposals(say: Say) -> ProposalsPage {
    let rows = states(say)
        .into_iter()
        .map(|status| ProposalRow::of(&proposal(say, Phase::Assist, status).proposal).unwrap())
        .collect();
    ProposalsPage { site: site(say, Phase::Assist), rows }
}

pub fn health(say: Say, well: bool) -> HealthPage {
    let queue = |name: &str, dead: Option<u64>| QueueState {
        name: name.to_owned(),
        waiting: Some(3),
        dead: dead.map(|count| {
            (0..count)
                .map(|_| DeadLetter {
                    id: "7".to_owned(),
                    cause: say("Xero refused the request (HTTP 400)"),
                    at: at("2026-11-23T20:10:00Z"),
                })
                .collect()
        }),
    };
    HealthPage {
        site: site(say, Phase::Assist),
        polled_at: Some(if well { at("2026-11-23T20:56:00Z") } else { at("2026-11-23T12:00:00Z") }),
        history: if well { HistoryLoad::Whole } else { HistoryLoad::Opening { documents: 2300 } },
        calls_left: Some(874),
        parked_until: (!well).then(|| at("2026-11-23T21:20:00Z")),
        hints: 2,
        part_booked: if well {
            vec![]
        } else {
            vec![PartBooked {
                what: "bill",
                number: say("NW-88120"),
                contact: say("Nordwood Furniture Pty Ltd"),
                booked: 80,
                lines: 500,
            }]
        },
        queues: vec![queue("events", Some(0)), queue("sync", Some(u64::from(!well))), queue("effects", None)],
        effects: vec![PendingEffect {
            what: say("Order PS-7QF2KX3M5ZB4A"),
            since: at("2026-11-23T20:30:00Z"),
            attempts: 2,
            state: say("unknown how it ended; looked for again at 08:05"),
        }],
        audit: Head { seq: 4211, hash: Hash::of(b"the end of the chain") },
        proof: (!well).then(|| (day("2026-11-24"), 5)),
        audit_checked_at: well.then(|| at("2026-11-23T17:04:00Z")),
        journals: true,
        needs_person: if well { vec![] } else { vec![say("Xero refused the client secret.")] },
    }
}

pub fn reviews(say: Say) -> ReviewsPage {
    ReviewsPage {
        site: site(say, Phase::Assist),
        rows: vec![ReviewRow {
            kind: "unclear arrival".to_owned(),
            text: say(
                "Bill NW-88120 brings 12 of P-1003, and both PO-0117 and PO-0118 wait for them. It was taken to settle PO-0117; change the bill's reference in Xero if that is wrong.",
            ),
            since: at("2026-11-22T02:10:00Z"),
            item: Some((item(1), say("P-1003"))),
            document: say("NW-88120"),
            page: Some("landed"),
        }],
    }
}

pub fn password(say: Say) -> PasswordPage {
    PasswordPage {
        csrf: "c5f1a0".to_owned(),
        next: say("/proposals"),
        problem: Some(say("Name or password is wrong.")),
    }
}

pub fn frame(say: Say) -> Frame {
    Frame { user: say("kim@example.com"), csrf: "c5f1a0".to_owned() }
}

pub fn connections(say: Say) -> ConnectionsPage {
    ConnectionsPage {
        frame: frame(say),
        now: at("2026-11-23T21:00:00Z"),
        said: Some(say("Corner Shop is connected.")),
        problem: Some(say("There is no secret `xero-app`.")),
        redirect: say("https://stock.example.com/connections/callback"),
        rows: vec![
            ConnectionRow {
                name: say("main"),
                organisation: Some((say("Corner Shop"), "/o/1".to_owned())),
                kind: Some("consent"),
                token_issued_at: Some(at("2026-11-23T20:50:00Z")),
                last_read_at: Some(at("2026-11-23T20:45:00Z")),
                your_turn: Some(say("The consent lacks `accounting.contacts`.")),
            },
            ConnectionRow { name: say("second-shop"), ..ConnectionRow::default() },
        ],
    }
}

/// The pages of signing in and of connecting.
fn ways_in(say: Say) -> Vec<(String, String)> {
    let address =
        AddressPage { csrf: "c5f1a0".to_owned(), next: say("/"), problem: Some(say("It was used.")) };
    let link = LinkPage { address: say("kim@example.com"), token: say("3f2a"), csrf: "c5f1a0".to_owned() };
    let consented =
        ConsentedPage { frame: frame(say), connection: say("main"), code: say("code"), state: say("state") };
    let choose = ChoosePage {
        frame: frame(say),
        connection: say("main"),
        organisations: vec![(say("1"), say("Corner Shop")), (say("2"), say("Other Shop"))],
    };
    let disconnect = DisconnectPage {
        frame: frame(say),
        connection: say("main"),
        organisation: Some(say("Corner Shop")),
        is_consent: true,
    };
    [
        ("sign-in-password", password(say).render()),
        ("sign-in-address", address.render()),
        ("sign-in-mailed", MailedPage { minutes: 30 }.render()),
        ("sign-in-link", link.render()),
        ("connections", connections(say).render()),
        ("connection-consented", consented.render()),
        ("connection-choose", choose.render()),
        ("connection-disconnect", disconnect.render()),
    ]
    .map(|(name, page)| (name.to_owned(), page.unwrap()))
    .into()
}

pub fn sign_in_mail(say: Say) -> SignInMail {
    SignInMail {
        address: say("kim@example.com"),
        console_url: "http://127.0.0.1:8090".to_owned(),
        link: "http://127.0.0.1:8090/sign-in/link?token=3f2a".to_owned(),
        minutes: 30,
    }
}

pub fn error(say: Say) -> ErrorPage {
    ErrorPage {
        what: say("There is no such proposal"),
        what_to_do: say("It may have been made by an older plan. Look at the list of proposals."),
    }
}

/// Every page, by name.
pub fn pages(say: Say) -> Vec<(String, String)> {
    let digest_page = |content: Option<DigestContent>| DigestPage {
        site: site(say, Phase::Assist),
        content,
        day: now().date(),
        previous: Some(now().date().saturating_sub(1.day())),
        next: None,
    };
    let mut pages = vec![
        ("positions".to_owned(), positions(say).render().unwrap()),
        ("positions-late".to_owned(), {
            let mut page = positions(say);
            (page.query.late, page.query.search) = (true, String::new());
            page.render().unwrap()
        }),
        ("positions-at".to_owned(), positions_at(say).render().unwrap()),
        ("item".to_owned(), item_page(say).render().unwrap()),
        ("proposals".to_owned(), proposals(say).render().unwrap()),
        ("proposal-observe".to_owned(), proposal(say, Phase::Observe, ProposalState::Open).render().unwrap()),
        ("digest".to_owned(), digest_page(Some(digest(say))).render().unwrap()),
        ("digest-troubled".to_owned(), digest_page(Some(troubled(say))).render().unwrap()),
        ("digest-all-clear".to_owned(), digest_page(Some(all_clear(say))).render().unwrap()),
        ("digest-none".to_owned(), digest_page(None).render().unwrap()),
        ("health".to_owned(), health(say, true).render().unwrap()),
        ("health-troubled".to_owned(), health(say, false).render().unwrap()),
        ("proof".to_owned(), proof(say).render().unwrap()),
        ("journals".to_owned(), journals(say).render().unwrap()),
        ("journals-none".to_owned(), {
            let page = JournalsPage { settings: None, journals: Vec::new(), count: 0, ..journals(say) };
            page.render().unwrap()
        }),
        ("prices".to_owned(), prices(say).render().unwrap()),
        (
            "prices_none".to_owned(),
            PricesPage { open: Vec::new(), count: 0, percent: 0, ..prices(say) }.render().unwrap(),
        ),
        ("adjustments".to_owned(), adjustments(say).render().unwrap()),
        (
            "adjustments_none".to_owned(),
            AdjustmentsPage { adjustments: Vec::new(), count: 0, problem: None, ..adjustments(say) }
                .render()
                .unwrap(),
        ),
        ("journal".to_owned(), journal_page(say).render().unwrap()),
        ("proof-none".to_owned(), ProofPage { proof: None, ..proof(say) }.render().unwrap()),
        ("reviews".to_owned(), reviews(say).render().unwrap()),
        ("error".to_owned(), error(say).render().unwrap()),
    ];
    pages.extend(ways_in(say));
    pages.extend(landed_pages(say));
    pages.extend(receipt_pages(say));
    for status in states(say) {
        let mut page = proposal(say, Phase::Assist, status);
        page.problem =
            Some(say("The proposal has changed since it was shown: look at it again before you decide."));
        let name = format!("proposal-{}", page.proposal.state_name());
        pages.push((name, page.render().unwrap()));
    }
    pages
}

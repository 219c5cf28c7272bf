//! A day in the shop, the same for the history and for the days to come.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::catalogue::{
    ADJUSTMENTS, COUNTER, CUSTOMERS, ELECTRICITY, FREIGHT_IN, FREIGHT_OUT, INVENTORY_ADJUSTMENTS, LANDLORD,
    POWER, RENT, TAX_ON_PURCHASES, TAX_ON_SALES, item_act, setup,
};
use super::{DemoCompany, ItemFacts, SUPPLIERS, SupplierFacts, View, cases, days_between, plus_days};
use crate::act::{
    Act, Changes, DocumentKind, DocumentName, E4, Line, LineAmountTypes, NewDocument, Status, TimedAct,
    div_half_up,
};
use crate::ids::draw;

/// Invoice number of the first day's first sale; each day has [`INVOICES_PER_DAY`] numbers.
const FIRST_INVOICE: i64 = 10_000;
/// Numbers a day: customers take the first six, the cases the others.
const INVOICES_PER_DAY: i64 = 12;
const FIRST_CASE_INVOICE: i64 = 6;
/// Order number of the first day; each day has one number per supplier.
const FIRST_ORDER: i64 = 100;
/// Days from a part delivery to the rest.
const REST_AFTER_DAYS: i64 = 6;
/// How long before the first trading day the owner forgets an item that shall run low, beside its lead time, in days.
const FORGOTTEN_DAYS: i64 = 40;
/// Days before the first trading day on which nobody has second thoughts.
const QUIET_DAYS: i64 = 4;
/// The mistaken purchase comes on this day, counted from the first trading day, and is this big, in units.
const OVERSTOCK_DAY: i64 = -200;
const OVERSTOCK_UNITS: i64 = 240;
/// What stays of the dead item at least, in units.
const DEAD_UNITS: i64 = 36;

/// Items that run down to so many units before the first trading day, and how many days before it they get there.
const RUN_DOWN: [(&str, i64, i64); 3] =
    [(cases::OUT_OF_STOCK, 0, 4), (cases::LOW_UNTRACKED, 2, 0), (cases::LOW_LONG_LEAD, 9, 0)];
/// Items that are kept above so many units, without an order, from so many days before the first trading day.
const KEPT: [(&str, i64, i64); 6] = [
    (cases::CROSSES_TRACKED, 160, 52),
    (cases::CROSSES_UNTRACKED, 150, 52),
    (cases::DRAFT_COMMITS, 24, 8),
    (cases::VOIDED, 14, 8),
    (cases::EDITED, 18, 8),
    (cases::RETURNED, 12, 8),
];
/// Units that the two big invoices of day 1 leave.
const LEFT_TRACKED: i64 = 10;
const LEFT_UNTRACKED: i64 = 9;

/// An order and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub number: String,
    pub supplier: String,
    pub ordered_on: Date,
    pub approved: bool,
    pub lines: Vec<OrderLine>,
}

/// A line of an order, in units.
#[derive(Clone, Debug)]
pub(super) struct OrderLine {
    pub code: String,
    pub ordered: i64,
    pub delivered: i64,
    pub price: E4,
}

impl OrderLine {
    pub fn open(&self) -> i64 {
        (self.ordered - self.delivered).max(0)
    }
}

impl Order {
    /// Counts a delivery to the first line of the item that is open.
    pub fn deliver(&mut self, code: &str, units: i64) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.code == code && line.open() > 0) {
            line.delivered += units;
        }
    }
}

/// What a draw is for; keeps the draws of a day apart.
#[derive(Clone, Copy)]
enum Purpose {
    Demand = 1,
    Baskets,
    Events,
    Delivery,
    Bill,
}

/// Well-mixed numbers for one purpose on one day.
struct Draws {
    seed: u64,
    stream: u64,
    counter: u64,
}

impl Draws {
    fn new(seed: u64, purpose: Purpose, of: u64) -> Draws {
        Draws { seed, stream: 1_000 + of * 8 + purpose as u64, counter: 0 }
    }

    /// From 0 up to below `bound`.
    fn below(&mut self, bound: i64) -> i64 {
        self.counter += 1;
        let drawn = draw(self.seed, self.stream, self.counter);
        i64::try_from(drawn % bound.max(1).unsigned_abs()).unwrap_or_default()
    }

    /// True in so many of a thousand cases.
    fn chance(&mut self, per_mille: i64) -> bool {
        self.below(1_000) < per_mille
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let place = self.below(i64::try_from(choices.len()).unwrap_or(1));
        choices.get(usize::try_from(place).unwrap_or_default()).copied()
    }
}

/// The shop on one day.
pub(super) struct Shop<'a> {
    company: &'a DemoCompany,
    items: BTreeMap<&'a str, &'a ItemFacts>,
    day: Date,
    on_hand: BTreeMap<String, i64>,
    orders: Vec<Order>,
    unnamed_deliveries: Vec<(String, String, i64)>,
    acts: Vec<TimedAct>,
    /// Acts that were put off to a later day.
    later: Vec<(Date, TimedAct)>,
}

/// Set-up and history, and what was delivered on bills that name no order.
pub(super) fn history(company: &DemoCompany) -> (Vec<TimedAct>, Vec<(String, String, i64)>) {
    let mut shop = Shop::new(company, BTreeMap::new(), Vec::new());
    shop.open_the_books();
    let mut day = company.first_day;
    while day < company.first_trading_day {
        shop.day = day;
        shop.morning();
        shop.customers();
        shop.afternoon();
        shop.buy();
        day = plus_days(day, 1);
    }
    shop.acts.sort_by_key(|timed| timed.at);
    (shop.acts, shop.unnamed_deliveries)
}

/// A day to come.
pub(super) fn trade(company: &DemoCompany, day: Date, view: &View) -> Vec<TimedAct> {
    let mut shop = Shop::new(company, view.on_hand.clone(), view.orders.clone());
    shop.day = day;
    shop.morning();
    shop.cases_of_trading_day();
    shop.customers();
    shop.acts.sort_by_key(|timed| timed.at);
    shop.acts
}

impl<'a> Shop<'a> {
    fn new(company: &'a DemoCompany, on_hand: BTreeMap<String, i64>, orders: Vec<Order>) -> Shop<'a> {
        Shop {
            company,
            items: company.items.iter().map(|item| (item.code, item)).collect(),
            day: company.first_day,
            on_hand,
            orders,
            unnamed_deliveries: Vec::new(),
            acts: Vec::new(),
            later: Vec::new(),
        }
    }

    fn draws(&self, purpose: Purpose) -> Draws {
        Draws::new(self.company.seed, purpose, self.day_number().unsigned_abs())
    }

    /// Days since the history began.
    fn day_number(&self) -> i64 {
        days_between(self.company.first_day, self.day)
    }

    fn instant(&self, minutes: i64) -> Timestamp {
        let hour = i8::try_from(minutes / 60).unwrap_or_default();
        let minute = i8::try_from(minutes % 60).unwrap_or_default();
        self.company.instant(self.day.at(hour, minute, 0, 0))
    }

    /// Does something at so many minutes past midnight.
    fn act(&mut self, minutes: i64, act: Act) {
        let at = self.instant(minutes);
        self.acts.push(TimedAct { at, act });
    }

    fn stock(&self, code: &str) -> i64 {
        self.on_hand.get(code).copied().unwrap_or_default()
    }

    fn add(&mut self, code: &str, units: i64) {
        *self.on_hand.entry(code.to_owned()).or_default() += units;
    }

    fn invoice_number(&self, place: i64) -> String {
        invoice_number(self.day_number(), place)
    }

    // ---- the first day ----

    fn open_the_books(&mut self) {
        for act in setup(&self.company.items) {
            self.act(7 * 60, act);
        }
        for (place, supplier) in SUPPLIERS.iter().enumerate() {
            let mut lines = Vec::new();
            for item in self.company.items.iter().filter(|item| item.supplier == place) {
                let units = self.company.opening_stock(item);
                self.add(item.code, units);
                if item.tracked {
                    lines.push(purchase_line(item.code, units, item.cost));
                }
            }
            let number = format!("{}-OPENING STOCK", supplier.bill_prefix);
            let bill = self.document(DocumentKind::Bill, number, supplier.name, lines);
            self.act(7 * 60 + 30, Act::CreateDocument(bill));
        }
    }

    // ---- morning: deliveries, bills, what was put off ----

    fn morning(&mut self) {
        let (due, later) = std::mem::take(&mut self.later).into_iter().partition(|(day, _)| *day <= self.day);
        self.later = later;
        let due: Vec<(Date, TimedAct)> = due;
        self.acts.extend(due.into_iter().map(|(_, timed)| timed));
        self.raise_prices();
        self.cases_of_history();
        let orders = std::mem::take(&mut self.orders);
        for (place, order) in orders.into_iter().enumerate() {
            self.receive(order, i64::try_from(place).unwrap_or_default());
        }
        if self.day.day() == 1 {
            self.pay_bill(LANDLORD, "RENT", RENT, E4::whole(3_200));
        }
        if self.day.day() == 18 {
            let amount = E4::cents(28_000 + self.draws(Purpose::Bill).below(9_000));
            self.pay_bill(ELECTRICITY, "POWER", POWER, amount);
        }
    }

    fn pay_bill(&mut self, contact: &str, what: &str, account: &str, amount: E4) {
        let line = Line {
            description: format!("{what} {}", self.day.strftime("%B %Y")),
            quantity: E4::ONE,
            unit_amount: amount,
            account_code: Some(account.to_owned()),
            tax_type: Some(TAX_ON_PURCHASES.to_owned()),
            ..Line::default()
        };
        let number = format!("{what}-{}", self.day.strftime("%Y-%m"));
        let bill = self.document(DocumentKind::Bill, number, contact, vec![line]);
        self.act(8 * 60 + 10, Act::CreateDocument(bill));
    }

    fn raise_prices(&mut self) {
        if self.day != self.company.price_rise {
            return;
        }
        let company = self.company;
        let rises = |item: &&ItemFacts| {
            item.supplier == cases::PRICE_RISE_SUPPLIER && item.code != cases::PRICE_FORGOTTEN
        };
        for item in company.items.iter().filter(rises) {
            let cost = item.cost_on(self.day, company.price_rise);
            self.act(8 * 60, item_act(item, cost));
        }
    }

    /// Delivers what of the order is due today, and keeps it while something is open.
    fn receive(&mut self, mut order: Order, place: i64) {
        let known = SUPPLIERS.iter().find(|supplier| supplier.name == order.supplier);
        let Some(supplier) = known.filter(|_| order.approved && self.is_due(&order)) else {
            self.orders.push(order);
            return;
        };
        let mut draws = Draws::new(self.company.seed, Purpose::Delivery, hash(&order.number));
        let is_first = order.lines.iter().all(|line| line.delivered == 0);
        let in_part = is_first && order.number != cases::UNCLEAR_ORDERS[1] && draws.chance(90);
        let names_order = self.company.trading_day(self.day) > 0 || draws.chance(850);
        let mut lines = Vec::new();
        for line in &mut order.lines {
            let units = if in_part { (line.open() * 3 + 4) / 5 } else { line.open() };
            if units > 0 {
                line.delivered += units;
                lines.push((line.code.clone(), units, line.price));
            }
        }
        self.bill(supplier, &order.number, names_order, &lines, 8 * 60 + 20 + place % 60);
        if order.lines.iter().any(|line| line.open() > 0) {
            self.orders.push(order);
        } else {
            let billed = Act::set_status(DocumentKind::PurchaseOrder, &order.number, Status::Billed);
            self.act(9 * 60 + 20, billed);
        }
    }

    fn bill(
        &mut self,
        supplier: &SupplierFacts,
        order: &str,
        names_order: bool,
        delivered: &[(String, i64, E4)],
        minutes: i64,
    ) {
        let mut draws = Draws::new(self.company.seed, Purpose::Bill, hash(order));
        let serial = 20_000 + self.day_number() * 10 + draws.below(10);
        let own_number = format!("{}-{serial}", supplier.bill_prefix);
        let number = if names_order { format!("{own_number} {order}") } else { own_number };
        let mut lines = Vec::new();
        for (code, units, price) in delivered {
            self.add(code, *units);
            if !names_order {
                self.unnamed_deliveries.push((order.to_owned(), code.clone(), *units));
            }
            lines.push(self.supplier_line(code, *units, *price));
        }
        if draws.chance(400) {
            lines.push(Line {
                description: "Freight".to_owned(),
                quantity: E4::ONE,
                unit_amount: E4::cents(2_500 + draws.below(40) * 100),
                account_code: Some(FREIGHT_IN.to_owned()),
                tax_type: Some(TAX_ON_PURCHASES.to_owned()),
                ..Line::default()
            });
        }
        let bill = self.document(DocumentKind::Bill, number, supplier.name, lines);
        self.act(minutes, Act::CreateDocument(bill));
    }

    fn is_due(&self, order: &Order) -> bool {
        let on_trading_day = |wanted: i64| self.company.trading_day(self.day) >= wanted;
        if order.number == cases::PARTIAL_ORDER {
            return on_trading_day(4);
        }
        if cases::UNCLEAR_ORDERS.contains(&order.number.as_str()) {
            return on_trading_day(7);
        }
        let Some(supplier) = SUPPLIERS.iter().find(|supplier| supplier.name == order.supplier) else {
            return false;
        };
        let mut draws = Draws::new(self.company.seed, Purpose::Events, hash(&order.number));
        let late = draws.below(3 + supplier.lead_days / 6) - 1;
        let is_rest = order.lines.iter().any(|line| line.delivered > 0);
        let wait = supplier.lead_days + late + if is_rest { REST_AFTER_DAYS } else { 0 };
        self.day >= plus_days(order.ordered_on, wait)
    }

    // ---- the cases with a place in the history ----

    fn cases_of_history(&mut self) {
        match self.company.trading_day(self.day) - 1 {
            OVERSTOCK_DAY => {
                self.buy_unordered(cases::OVERSTOCK, OVERSTOCK_UNITS, DocumentKind::Bill, 8 * 60 + 15)
            }
            -60 => {
                let cost = self.cost(cases::SENT_BACK);
                let supplier = self.supplier_of(cases::SENT_BACK);
                self.take_out(cases::SENT_BACK, 5, vec![purchase_line(cases::SENT_BACK, 5, cost)], supplier);
            }
            -52 => self.order_one(cases::UNCLEAR_ORDERS[0], &[(cases::UNCLEAR, 24)]),
            -47 => self.order_one(cases::UNCLEAR_ORDERS[1], &[(cases::UNCLEAR, 24)]),
            -20 => self.adjust_up(cases::ADJUSTED_UP, 6),
            -18 => {
                let lines = adjustment_lines(cases::ADJUSTED_DOWN, 4, self.cost(cases::ADJUSTED_DOWN));
                self.take_out(cases::ADJUSTED_DOWN, 4, lines, INVENTORY_ADJUSTMENTS);
            }
            -14 => {
                let [in_part, in_full] = cases::PARTIAL_ITEMS;
                self.order_one(cases::PARTIAL_ORDER, &[(in_part, 48), (in_full, 24)]);
            }
            -3 => {
                let delivered = [(cases::UNCLEAR.to_owned(), 24, self.cost(cases::UNCLEAR))];
                self.deliver_case(cases::UNCLEAR_ORDERS[0], false, &delivered);
            }
            -2 => {
                let [in_part, in_full] = cases::PARTIAL_ITEMS;
                let delivered = [
                    (in_part.to_owned(), 36, self.cost(in_part)),
                    (in_full.to_owned(), 24, self.cost(in_full)),
                ];
                self.deliver_case(cases::PARTIAL_ORDER, true, &delivered);
            }
            -1 => {
                let number = invoice_number(self.day_number(), FIRST_CASE_INVOICE);
                let lines = vec![self.sale_line(cases::DRAFT_COMMITS, 12)];
                let mut draft = self.document(DocumentKind::Invoice, number, "Headland Homestay", lines);
                draft.status = Status::Draft;
                self.act(15 * 60, Act::CreateDocument(draft));
            }
            _ => {}
        }
    }

    fn deliver_case(&mut self, number: &str, names_order: bool, delivered: &[(String, i64, E4)]) {
        let Some(order) = self.orders.iter_mut().find(|order| order.number == number) else { return };
        for (code, units, _) in delivered {
            order.deliver(code, *units);
        }
        let Some(supplier) = SUPPLIERS.iter().find(|supplier| supplier.name == order.supplier) else {
            return;
        };
        self.bill(supplier, number, names_order, delivered, 8 * 60 + 45);
    }

    fn order_one(&mut self, number: &str, wanted: &[(&str, i64)]) {
        let Some((first, _)) = wanted.first() else { return };
        let supplier = self.supplier_of(first);
        let lines = wanted.iter().map(|(code, units)| ((*code).to_owned(), *units)).collect();
        self.order(number.to_owned(), supplier, lines);
    }

    /// Xero's own adjustment: a bill over nothing, with the value taken back on a line without item.
    fn adjust_up(&mut self, code: &str, units: i64) {
        let number = format!("ADJ-{}", self.day);
        let lines = adjustment_lines(code, units, self.cost(code));
        let mut bill = self.document(DocumentKind::Bill, number, INVENTORY_ADJUSTMENTS, lines);
        bill.amounts = LineAmountTypes::NoTax;
        self.add(code, units);
        self.act(12 * 60, Act::CreateDocument(bill));
    }

    fn take_out(&mut self, code: &str, units: i64, lines: Vec<Line>, contact: &str) {
        if self.stock(code) < units {
            return;
        }
        let number = format!("SC-{}", self.day);
        let mut credit = self.document(DocumentKind::SupplierCredit, number, contact, lines);
        if contact == INVENTORY_ADJUSTMENTS {
            credit.amounts = LineAmountTypes::NoTax;
        }
        self.add(code, -units);
        self.act(8 * 60 + 5, Act::CreateDocument(credit));
    }

    /// Buys without an order: by bill, or by card over the counter.
    fn buy_unordered(&mut self, code: &str, units: i64, kind: DocumentKind, minutes: i64) {
        let paid_by = if kind == DocumentKind::SpendMoney { "CARD" } else { "DIRECT" };
        let number = format!("{paid_by}-{code}-{}", self.day);
        let lines = vec![self.supplier_line(code, units, self.cost(code))];
        let document = self.document(kind, number, self.supplier_of(code), lines);
        self.add(code, units);
        self.act(minutes, Act::CreateDocument(document));
    }

    // ---- customers ----

    fn customers(&mut self) {
        let mut draws = self.draws(Purpose::Baskets);
        let mut wanted = self.wanted();
        if wanted.is_empty() {
            return;
        }
        let is_saturday = self.day.weekday() == jiff::civil::Weekday::Saturday;
        let baskets = (2 + draws.below(3)).min(i64::try_from(wanted.len()).unwrap_or(1)).max(1);
        for place in 0..baskets {
            let left = i64::try_from(wanted.len()).unwrap_or_default();
            let share = if place + 1 == baskets { left } else { left / (baskets - place) };
            let basket: Vec<(&'a ItemFacts, i64)> = (0..share)
                .map(|_| {
                    let pick = draws.below(i64::try_from(wanted.len()).unwrap_or(1));
                    wanted.swap_remove(usize::try_from(pick).unwrap_or_default())
                })
                .collect();
            let minutes = 9 * 60 + 30 + place * 100 + draws.below(90);
            if is_saturday && place + 1 == baskets {
                self.counter_takings(&basket);
            } else {
                self.invoice(place, minutes, &basket, &mut draws);
            }
        }
    }

    /// What customers want today and the shop has.
    fn wanted(&self) -> Vec<(&'a ItemFacts, i64)> {
        let mut draws = self.draws(Purpose::Demand);
        let mut wanted = Vec::new();
        for item in &self.company.items {
            let season = item.season(self.day, self.company.first_day, self.company.first_trading_day);
            // Draws are taken for every item, so that none moves another's.
            let sells = draws.chance((item.often * season / 1_000).min(950));
            let units = 1 + draws.below(2 * item.size - 1);
            let rounding = draws.below(1_000);
            let natural = if sells { units } else { 0 };
            let units = self.paced(item, natural, rounding).min(self.stock(item.code) - self.kept_back(item));
            if units > 0 {
                wanted.push((item, units));
            }
        }
        wanted
    }

    /// Items that shall run down sell evenly down to their target, the others as it comes.
    fn paced(&self, item: &ItemFacts, natural: i64, rounding: i64) -> i64 {
        let Some((_, target, done)) = RUN_DOWN.iter().find(|(code, ..)| *code == item.code) else {
            return natural;
        };
        let days_left = -done - self.company.trading_day(self.day) + 1;
        if days_left > FORGOTTEN_DAYS {
            return natural;
        }
        let surplus = (self.stock(item.code) - target).max(0);
        if days_left <= 1 { surplus } else { (surplus * 1_000 / days_left + rounding) / 1_000 }
    }

    /// Units that customers don't get: what the cases need.
    fn kept_back(&self, item: &ItemFacts) -> i64 {
        let trading_day = self.company.trading_day(self.day);
        let is_case = KEPT.iter().any(|(code, ..)| *code == item.code);
        if is_case && (1..=3).contains(&trading_day) {
            return i64::MAX / 2;
        }
        if item.code == cases::DEAD { DEAD_UNITS } else { 0 }
    }

    fn invoice(&mut self, place: i64, minutes: i64, basket: &[(&ItemFacts, i64)], draws: &mut Draws) {
        let number = self.invoice_number(place);
        let contact = draws.one_of(&CUSTOMERS).unwrap_or(COUNTER);
        let discount = if draws.chance(120) { E4::whole(5) } else { E4::ZERO };
        let mut lines = Vec::new();
        for (item, units) in basket {
            self.add(item.code, -units);
            let mut line = self.sale_line(item.code, *units);
            line.discount_percent = discount;
            lines.push(line);
        }
        if draws.chance(180) {
            lines.push(Line {
                description: "Delivery".to_owned(),
                quantity: E4::ONE,
                unit_amount: E4::cents(1_450),
                account_code: Some(FREIGHT_OUT.to_owned()),
                tax_type: Some(TAX_ON_SALES.to_owned()),
                ..Line::default()
            });
        }
        let invoice = self.document(DocumentKind::Invoice, number, contact, lines);
        self.act(minutes, Act::CreateDocument(invoice));
    }

    /// Saturday's sales over the counter: money received, prices with tax.
    fn counter_takings(&mut self, basket: &[(&ItemFacts, i64)]) {
        let mut lines = Vec::new();
        for (item, units) in basket {
            self.add(item.code, -units);
            let mut line = self.sale_line(item.code, *units);
            line.unit_amount = E4(div_half_up(i128::from(item.price.0) * 11, 10)).round2();
            lines.push(line);
        }
        let number = format!("TILL-{}", self.day);
        let mut takings = self.document(DocumentKind::ReceiveMoney, number, COUNTER, lines);
        takings.amounts = LineAmountTypes::Inclusive;
        self.act(16 * 60 + 20, Act::CreateDocument(takings));
    }

    // ---- afternoon: second thoughts ----

    /// Voids, edits, returns, drafts and payments of the history.
    fn afternoon(&mut self) {
        // The last days are quiet, so that the cases stand as described.
        if self.company.trading_day(self.day) > -QUIET_DAYS {
            self.top_up();
            return;
        }
        let mut draws = self.draws(Purpose::Events);
        let (void, edit, pay) = (draws.chance(14), draws.chance(22), draws.chance(300));
        let (bring_back, put_off) = (draws.chance(70), draws.chance(18));
        let first = self.invoice_number(0);
        let second = self.invoice_number(1);
        if void && let Some(lines) = self.lines_of(&first) {
            for line in &lines {
                self.add_back(line);
            }
            self.act(16 * 60 + 40, Act::set_status(DocumentKind::Invoice, &first, Status::Voided));
        } else if edit && let Some(mut lines) = self.lines_of(&first) {
            self.edit_first_line(&first, &mut lines);
        } else if pay && self.lines_of(&first).is_some() {
            self.act(16 * 60 + 55, Act::set_status(DocumentKind::Invoice, &first, Status::Paid));
        }
        if bring_back && let Some(lines) = self.lines_of(&second) {
            self.bring_back(lines);
        }
        if put_off {
            self.draft_thrown_away();
        }
        self.top_up();
    }

    /// The lines of one of today's invoices.
    fn lines_of(&self, number: &str) -> Option<Vec<Line>> {
        self.acts.iter().rev().take(20).find_map(|timed| match &timed.act {
            Act::CreateDocument(new) if new.kind == DocumentKind::Invoice && new.number == number => {
                Some(new.lines.clone())
            }
            _ => None,
        })
    }

    fn add_back(&mut self, line: &Line) {
        if let Some(code) = &line.item_code {
            self.add(code, line.quantity.0 / E4::ONE.0);
        }
    }

    fn edit_first_line(&mut self, number: &str, lines: &mut [Line]) {
        for (place, line) in (0_u32..).zip(lines.iter_mut()) {
            line.continues = Some(place);
        }
        let Some(line) = lines.first_mut() else { return };
        let Some(code) = line.item_code.clone() else { return };
        let change = if line.quantity > E4::ONE { -1 } else { 1 };
        if self.stock(&code) - change < 0 {
            return;
        }
        line.quantity = line.quantity + E4::whole(change);
        self.add(&code, -change);
        let changes = Changes { lines: Some(lines.to_vec()), ..Changes::default() };
        let document = DocumentName { kind: DocumentKind::Invoice, number: number.to_owned() };
        self.act(16 * 60 + 45, Act::EditDocument { document, changes });
    }

    fn bring_back(&mut self, lines: Vec<Line>) {
        let Some(mut line) = lines.into_iter().find(|line| line.item_code.is_some()) else { return };
        line.quantity = E4::ONE;
        line.discount_percent = E4::ZERO;
        self.add_back(&line);
        let number = format!("CN-{}", FIRST_INVOICE + self.day_number());
        let credit = self.document(DocumentKind::SalesCredit, number, COUNTER, vec![line]);
        self.act(16 * 60 + 50, Act::CreateDocument(credit));
    }

    /// A quote-like draft that comes to nothing the next day.
    fn draft_thrown_away(&mut self) {
        let number = self.invoice_number(FIRST_CASE_INVOICE + 5);
        let lines = vec![self.sale_line("P-1049", 40)];
        let mut draft = self.document(DocumentKind::Invoice, number.clone(), "Lantern Bay Weddings", lines);
        draft.status = Status::Draft;
        self.act(16 * 60 + 52, Act::CreateDocument(draft));
        let tomorrow = plus_days(self.day, 1);
        let at = self.company.instant(tomorrow.at(9, 5, 0, 0));
        let act = Act::set_status(DocumentKind::Invoice, &number, Status::Deleted);
        if tomorrow < self.company.first_trading_day {
            self.later.push((tomorrow, TimedAct { at, act }));
        }
    }

    /// Keeps what the cases need, bought over the counter.
    fn top_up(&mut self) {
        let until = 1 - self.company.trading_day(self.day);
        for (code, least, days) in KEPT {
            let stock = self.stock(code);
            if until <= days && stock < least {
                self.buy_unordered(code, least / 4 + least - stock, DocumentKind::SpendMoney, 16 * 60 + 57);
            }
        }
    }

    // ---- evening: buying by habit ----

    fn buy(&mut self) {
        let company = self.company;
        for (place, supplier) in (0_i64..).zip(SUPPLIERS.iter()) {
            if (self.day_number() + place * 3) % supplier.review_days != 0 {
                continue;
            }
            let mut lines = Vec::new();
            for item in company.items.iter().filter(|item| supplier_name(item) == supplier.name) {
                if self.is_forgotten(item, supplier) {
                    continue;
                }
                let (least, most) = company.buying_levels(item, self.day);
                let position = self.stock(item.code) + self.on_order(item.code);
                if most > 0 && position <= least {
                    let packs = (most - position + item.pack - 1) / item.pack;
                    lines.push((item.code.to_owned(), (packs * item.pack).max(item.minimum_order)));
                }
            }
            if !lines.is_empty() {
                let number = format!("PO-{}", FIRST_ORDER + self.day_number() * 4 + place);
                self.order(number, supplier.name, lines);
            }
        }
    }

    /// Whether the owner doesn't think of the item any more, so that nothing is on order on the first trading day.
    fn is_forgotten(&self, item: &ItemFacts, supplier: &SupplierFacts) -> bool {
        let until = 1 - self.company.trading_day(self.day);
        let kept = KEPT.iter().any(|(code, _, days)| *code == item.code && until <= *days);
        let run_down = RUN_DOWN.iter().any(|(code, ..)| *code == item.code);
        let in_case = item.code == cases::UNCLEAR || cases::PARTIAL_ITEMS.contains(&item.code);
        kept || (run_down || in_case) && until <= FORGOTTEN_DAYS + supplier.lead_days
    }

    fn on_order(&self, code: &str) -> i64 {
        let lines = self.orders.iter().flat_map(|order| &order.lines);
        lines.filter(|line| line.code == code).map(OrderLine::open).sum()
    }

    fn order(&mut self, number: String, supplier: &str, wanted: Vec<(String, i64)>) {
        let lines: Vec<OrderLine> = wanted
            .into_iter()
            .map(|(code, ordered)| OrderLine { price: self.cost(&code), code, ordered, delivered: 0 })
            .collect();
        let papers =
            lines.iter().map(|line| self.supplier_line(&line.code, line.ordered, line.price)).collect();
        let mut paper = self.document(DocumentKind::PurchaseOrder, number.clone(), supplier, papers);
        let starts_as_draft = Draws::new(self.company.seed, Purpose::Baskets, hash(&number)).chance(250);
        if starts_as_draft {
            paper.status = Status::Draft;
        }
        let lead = SUPPLIERS.iter().find(|known| known.name == supplier).map_or(0, |known| known.lead_days);
        paper.expected_arrival = Some(plus_days(self.day, lead));
        self.act(17 * 60, Act::CreateDocument(paper));
        if starts_as_draft {
            let approved = Act::set_status(DocumentKind::PurchaseOrder, &number, Status::Authorised);
            self.act(17 * 60 + 40, approved);
        }
        let (supplier, ordered_on) = (supplier.to_owned(), self.day);
        self.orders.push(Order { number, supplier, ordered_on, approved: true, lines });
    }

    // ---- the cases of the first trading days ----

    fn cases_of_trading_day(&mut self) {
        match self.company.trading_day(self.day) {
            1 => {
                let tracked = self.stock(cases::CROSSES_TRACKED) - LEFT_TRACKED;
                let untracked = self.stock(cases::CROSSES_UNTRACKED) - LEFT_UNTRACKED;
                self.sell_case(0, 11 * 60, cases::CROSSES_TRACKED, tracked, "Lantern Bay Weddings");
                self.sell_case(1, 11 * 60 + 20, cases::CROSSES_UNTRACKED, untracked, "Ochre House Hire");
                self.sell_case(2, 13 * 60, cases::VOIDED, 5, "Bellbird Guesthouse");
                self.sell_case(3, 14 * 60, cases::EDITED, 4, "Ferry Road Hotel");
                self.sell_case(4, 15 * 60, cases::RETURNED, 3, "Gumnut Gift Barn");
            }
            2 => {
                let yesterday = self.day_number() - 1;
                let voided = invoice_number(yesterday, FIRST_CASE_INVOICE + 2);
                self.act(9 * 60 + 20, Act::set_status(DocumentKind::Invoice, &voided, Status::Voided));
                let number = invoice_number(yesterday, FIRST_CASE_INVOICE + 3);
                let line = Line { continues: Some(0), ..self.sale_line(cases::EDITED, 6) };
                let changes = Changes { lines: Some(vec![line]), ..Changes::default() };
                let document = DocumentName { kind: DocumentKind::Invoice, number };
                self.act(10 * 60 + 30, Act::EditDocument { document, changes });
                let lines = vec![self.sale_line(cases::RETURNED, 2)];
                let number = format!("CN-{}", FIRST_INVOICE + self.day_number());
                let credit = self.document(DocumentKind::SalesCredit, number, "Gumnut Gift Barn", lines);
                self.act(15 * 60 + 30, Act::CreateDocument(credit));
            }
            3 => {
                let draft = invoice_number(self.day_number() - 3, FIRST_CASE_INVOICE);
                self.act(10 * 60, Act::set_status(DocumentKind::Invoice, &draft, Status::Authorised));
                self.adjust_up(cases::ADJUSTED_UP, 3);
            }
            _ => {}
        }
    }

    fn sell_case(&mut self, place: i64, minutes: i64, code: &str, units: i64, contact: &str) {
        if units < 1 || self.stock(code) < units {
            return;
        }
        self.add(code, -units);
        let number = self.invoice_number(FIRST_CASE_INVOICE + place);
        let lines = vec![self.sale_line(code, units)];
        let invoice = self.document(DocumentKind::Invoice, number, contact, lines);
        self.act(minutes, Act::CreateDocument(invoice));
    }

    // ---- papers ----

    fn cost(&self, code: &str) -> E4 {
        let cost = |item: &&ItemFacts| item.cost_on(self.day, self.company.price_rise);
        self.items.get(code).map_or(E4::ZERO, cost)
    }

    fn supplier_of(&self, code: &str) -> &'static str {
        self.items.get(code).map_or("", |item| supplier_name(item))
    }

    /// A line as the supplier writes it.
    fn supplier_line(&self, code: &str, units: i64, cost: E4) -> Line {
        let per = self.items.get(code).map_or(1, |item| item.per_paper_unit());
        let quantity = E4(div_half_up(i128::from(E4::whole(units).0), i128::from(per)));
        Line { quantity, unit_amount: cost.times(E4::whole(per)), ..purchase_line(code, units, cost) }
    }

    fn sale_line(&self, code: &str, units: i64) -> Line {
        Line {
            item_code: Some(code.to_owned()),
            quantity: E4::whole(units),
            unit_amount: self.items.get(code).map_or(E4::ZERO, |item| item.price),
            tax_type: Some(TAX_ON_SALES.to_owned()),
            ..Line::default()
        }
    }

    /// An approved document of today, tax on top.
    fn document(&self, kind: DocumentKind, number: String, contact: &str, lines: Vec<Line>) -> NewDocument {
        NewDocument {
            kind,
            number,
            reference: String::new(),
            contact: contact.to_owned(),
            date: self.day,
            due: Some(plus_days(self.day, 14)),
            expected_arrival: None,
            status: Status::Authorised,
            amounts: LineAmountTypes::Exclusive,
            currency: None,
            lines,
        }
    }
}

fn invoice_number(day_number: i64, place: i64) -> String {
    format!("INV-{}", FIRST_INVOICE + day_number * INVOICES_PER_DAY + place)
}

fn supplier_name(item: &ItemFacts) -> &'static str {
    SUPPLIERS.get(item.supplier).map_or("", |supplier| supplier.name)
}

fn purchase_line(code: &str, units: i64, cost: E4) -> Line {
    Line {
        item_code: Some(code.to_owned()),
        quantity: E4::whole(units),
        unit_amount: cost,
        tax_type: Some(TAX_ON_PURCHASES.to_owned()),
        ..Line::default()
    }
}

/// The item's line and the one that takes its value back.
fn adjustment_lines(code: &str, units: i64, cost: E4) -> Vec<Line> {
    let item = Line { tax_type: None, ..purchase_line(code, units, cost) };
    let back = Line {
        item_code: None,
        description: "Inventory adjustment".to_owned(),
        unit_amount: -cost,
        account_code: Some(ADJUSTMENTS.to_owned()),
        ..item.clone()
    };
    vec![item, back]
}

/// A number from a text, the same on every machine (FNV-1a).
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    // Kept small, so that streams made from it don't run over.
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step) >> 8
}

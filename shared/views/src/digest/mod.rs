//! The digest of a day: what one person must decide, what changed, and how far the figures can be trusted.

mod mail;
mod plain;
mod slack;

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use parstock_domain::audit::Head;
use parstock_domain::fixed::{FixedError, Money, Quantity};
use parstock_domain::governance::{OrderedBy, Phase};
use parstock_domain::ids::{ItemId, ProposalId};
use parstock_domain::ledger::proof::Difference;
use parstock_domain::units::PurchaseUnit;
use serde::{Deserialize, Serialize};

use crate::chart::StockChart;
use crate::format::{Style, counted};
use crate::{RenderError, StandingGroup, text};

/// Proposals that a digest shows; the rest is counted.
pub const DECISIONS_MAX: usize = 5;
/// Lines of a proposal that a digest shows; the rest is counted.
pub const DECISION_LINES_MAX: usize = 4;
/// Changes that a digest shows; the rest is counted.
pub const CHANGES_MAX: usize = 9;
/// Written orders that a digest shows; the rest is counted.
pub const WRITTEN_MAX: usize = 10;

/// What a reader must know before deciding in phase observe.
pub(crate) const OBSERVE_NOTE: &str =
    "Phase observe: parstock writes nothing to Xero. To approve orders, set the phase to assist.";

/// Everything that a digest says. It is stored with the day, so that the digest can be shown again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DigestContent {
    /// The org's name.
    pub org: String,
    /// ISO code of its base currency.
    pub currency: String,
    /// The org's civil day that it is for.
    pub day: Date,
    /// Whether it is sent, and why.
    #[serde(default)]
    pub occasion: Occasion,
    /// When it was put together, in the org's time zone.
    pub produced_at: Zoned,
    /// What parstock may do in Xero.
    pub phase: Phase,
    /// Where the console is: `https://…` or `http://127.0.0.1:…`, without a slash at the end. The pages
    /// of [`crate::pages`] lie below it.
    pub console_url: String,
    /// Open proposals, and approved ones that could not be written.
    pub decide: DecideNow,
    /// What stands otherwise than yesterday.
    pub changed: Changes,
    /// How each item stands that troubles, so that tomorrow's digest can tell what changed. Not shown.
    pub troubled: BTreeMap<ItemId, StandingGroup>,
    /// What to keep an eye on.
    pub watching: Watching,
    /// What the figures leave out.
    pub not_counted: NotCounted,
    /// What parstock wrote to Xero since yesterday's digest.
    pub written: Vec<WrittenOrder>,
    /// How far the figures can be trusted.
    pub trust: Trust,
    /// Draft journals of cost of goods sold and landed cost that wait in Xero to be posted: how many, and what they move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_drafts: Option<(usize, Money)>,
    /// What the daily proof found anew; `None` when it found nothing new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ProofNews>,
    /// The differences of the proof as they were last told, so that tomorrow's digest can tell what changed. Not shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences_told: Vec<Difference>,
}

/// Differences that a digest names; the rest is counted.
pub const DIFFERENCES_NAMED_MAX: usize = 3;

/// What the daily proof found anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofNews {
    /// How many differences there are by now.
    pub count: usize,
    /// Those that are new or of other money than was told, at most [`DIFFERENCES_NAMED_MAX`].
    pub named: Vec<Difference>,
    /// How many more of these there are.
    pub more: usize,
}

/// Whether a digest is sent, and why. It is kept and shown in the console in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Occasion {
    /// It has something to tell, or it is the first.
    #[default]
    News,
    /// There was nothing to tell for so long that the reader should hear that all is well.
    AllClear {
        /// The day of the digest that was sent last.
        since: Date,
    },
    /// It has nothing to tell and is not sent.
    Nothing {
        /// The day of the digest that was sent last.
        since: Date,
    },
}

impl Occasion {
    /// Whether it leaves as mail and Slack message.
    pub const fn is_sent(self) -> bool {
        !matches!(self, Self::Nothing { .. })
    }
}

/// The open proposals. Made by [`DecideNow::of`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecideNow {
    /// How many there are.
    pub count: usize,
    /// What all of them cost.
    pub total: Money,
    /// The first of them, at most [`DECISIONS_MAX`].
    pub shown: Vec<Decision>,
}

impl DecideNow {
    /// Counts and sums all open proposals and keeps those that are shown, the most urgent first: by the
    /// earliest day on which a line runs out, then by the day on which the goods are wanted.
    ///
    /// # Errors
    /// [`FixedError`] when the sum does not fit.
    pub fn of(mut all: Vec<Decision>) -> Result<Self, FixedError> {
        let count = all.len();
        let mut total = Money::ZERO;
        for decision in &all {
            total = total.plus(decision.total)?;
        }
        all.sort_by_key(|decision| (decision.runs_out_on().unwrap_or(Date::MAX), decision.wanted_on));
        all.truncate(DECISIONS_MAX);
        for decision in &mut all {
            decision.lines.sort_by_key(|line| line.runs_out_on.unwrap_or(Date::MAX));
            decision.lines.truncate(DECISION_LINES_MAX);
        }
        Ok(Self { count, total, shown: all })
    }

    pub(crate) fn more(&self) -> usize {
        self.count.saturating_sub(self.shown.len())
    }

    pub(crate) fn more_words(&self) -> String {
        counted(self.more(), "more proposal", "more proposals")
    }
}

/// One open proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The proposal.
    pub proposal: ProposalId,
    /// The supplier's name.
    pub supplier: String,
    /// What it costs, base currency.
    pub total: Money,
    /// When the goods are wanted.
    pub wanted_on: Date,
    /// Why the approved order could not be written; it may be tried again or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// How many lines it has.
    pub line_count: usize,
    /// Its lines; [`DecideNow::of`] keeps the most urgent, at most [`DECISION_LINES_MAX`].
    pub lines: Vec<DecisionLine>,
}

impl Decision {
    fn runs_out_on(&self) -> Option<Date> {
        self.lines.iter().filter_map(|line| line.runs_out_on).min()
    }

    pub(crate) fn more(&self) -> usize {
        self.line_count.saturating_sub(self.lines.len())
    }

    /// What went wrong with it, as a sentence.
    pub(crate) fn problem_sentence(&self) -> Option<String> {
        self.problem
            .as_ref()
            .map(|problem| format!("It was approved, but could not be written to Xero: {problem}"))
    }

    /// The path of its page below the console's address.
    pub(crate) fn path(&self) -> String {
        format!("/proposals/{}", self.proposal)
    }

    /// The chart that stands for it: that of its most urgent line.
    pub(crate) fn chart(&self) -> Option<&StockChart> {
        self.lines.first().and_then(|line| line.chart.as_ref())
    }
}

/// One line of an open proposal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionLine {
    /// The item.
    pub item: ItemId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What lies there; `None` when it was never counted.
    pub on_hand: Option<Quantity>,
    /// Promised to customers.
    #[serde(default)]
    pub committed: Quantity,
    /// On hand less what is committed; `None` when it was never counted.
    pub available: Option<Quantity>,
    /// On order.
    pub on_order: Quantity,
    /// How many days the available stock lasts; `None` when nothing is sold or it was never counted.
    pub cover_days: Option<u32>,
    /// When it runs out unless something comes; `None` as above.
    pub runs_out_on: Option<Date>,
    /// The reorder point.
    pub reorder_point: Quantity,
    /// How much to order.
    pub quantity: Quantity,
    /// Price of one unit, base currency; `None` in digests that were put together before it was kept.
    #[serde(default)]
    pub unit_price: Option<Money>,
    /// How the supplier counts it, where that is not by the base unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OrderedBy>,
    /// What the order means; `None` when it was never planned, and as above.
    #[serde(default)]
    pub figures: Option<OrderFigures>,
    /// What that costs, base currency.
    pub cost: Money,
    /// Why, in one sentence with its figures.
    pub reason: String,
    /// Its last 90 days; only the most urgent line's is shown.
    pub chart: Option<StockChart>,
}

impl DecisionLine {
    fn unit(&self) -> Option<&PurchaseUnit> {
        self.by.as_ref().map(|by| &by.unit)
    }

    /// The price of one, as the supplier counts it.
    fn price(&self, style: &Style) -> Option<String> {
        let price = self.by.as_ref().map(|by| by.price).or(self.unit_price);
        price.map(|price| style.price_by(price, self.unit()))
    }

    /// What to order: `36 at $31.00 = $1,116.00`, or `36 (3 × case of 12) at $372.00 a case = $1,116.00`.
    pub(crate) fn order(&self, style: &Style) -> String {
        let quantity = style.quantity_by(self.quantity, self.unit());
        let at = self.price(style).map(|price| format!(" at {price}")).unwrap_or_default();
        format!("{quantity}{at} = {}", style.money(self.cost))
    }

    /// Where it stands: `8 on hand, 2 committed, 6 available, 0 on order`.
    pub(crate) fn stock(&self, style: &Style) -> String {
        let on_order = style.quantity(self.on_order);
        match (self.on_hand, self.available) {
            (Some(on_hand), Some(available)) if on_hand != available => format!(
                "{} on hand{}, {} available, {on_order} on order",
                style.quantity(on_hand),
                if self.committed.is_zero() {
                    String::new()
                } else {
                    format!(", {} committed", style.quantity(self.committed))
                },
                style.quantity(available)
            ),
            (Some(on_hand), _) => format!("{} on hand, {on_order} on order", style.quantity(on_hand)),
            (None, _) => format!("not counted, {on_order} on order"),
        }
    }

    /// Whether it runs out before the goods are wanted.
    pub(crate) fn is_urgent(&self, decision: &Decision) -> bool {
        self.runs_out_on.is_some_and(|day| day < decision.wanted_on)
    }

    /// How long that lasts: `lasts 3 days, runs out Fri 27 Nov`; `None` when nobody knows.
    pub(crate) fn lasting(&self, style: &Style) -> Option<String> {
        let days = self.cover_days?;
        let until = self.runs_out_on.map(|day| format!(", runs out {}", style.day(day))).unwrap_or_default();
        let nothing_left = self.available.is_none_or(|available| available <= Quantity::ZERO);
        Some(if days == 0 && nothing_left {
            "nothing left to sell".to_owned()
        } else if days == 0 {
            "lasts less than a day".to_owned()
        } else {
            format!("lasts {}{until}", counted(days, "day", "days"))
        })
    }
}

/// What an order of an item means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFigures {
    /// How many days what is available and on order lasts together with it; `None` when nothing is sold or the
    /// item was never counted.
    pub cover_after_days: Option<u32>,
    /// How much of it only fills the least that is sold at once, or whole cartons.
    pub rounded_up: Quantity,
    /// Days from order to arrival.
    pub lead_time_days: u16,
}

impl OrderFigures {
    /// `12 days`.
    pub(crate) fn lead_time(&self) -> String {
        counted(self.lead_time_days, "day", "days")
    }

    /// `Lasts 26 days with it; 4 of it fill minimum order or carton; lead time 12 days.`
    pub(crate) fn sentence(&self, style: &Style) -> String {
        let lead_time = format!("lead time {}", self.lead_time());
        let mut parts = Vec::new();
        parts.extend(
            self.cover_after_days.map(|days| format!("lasts {} with it", counted(days, "day", "days"))),
        );
        if !self.rounded_up.is_zero() {
            parts.push(format!("{} of it fill minimum order or carton", style.quantity(self.rounded_up)));
        }
        parts.push(lead_time);
        let sentence = parts.join("; ");
        let (first, rest) = sentence.split_at_checked(1).unwrap_or(("", &sentence));
        format!("{}{rest}.", first.to_uppercase())
    }
}

/// What stands otherwise than yesterday. Made by [`Changes::of`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// How many there are.
    pub count: usize,
    /// The first of them, at most [`CHANGES_MAX`].
    pub shown: Vec<Change>,
}

impl Changes {
    /// Drops what is no change to a person, counts the rest and keeps the gravest: new and worse before
    /// resolved, then by standing and code.
    pub fn of(mut all: Vec<Change>) -> Self {
        all.retain(|change| change.kind().is_some());
        all.sort_by(|a, b| (a.kind(), a.now, &a.code).cmp(&(b.kind(), b.now, &b.code)));
        let count = all.len();
        all.truncate(CHANGES_MAX);
        Self { count, shown: all }
    }

    pub(crate) fn more(&self) -> usize {
        self.count.saturating_sub(self.shown.len())
    }
}

/// An item that stands otherwise than yesterday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The item.
    pub item: ItemId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How it stood in yesterday's digest.
    pub was: StandingGroup,
    /// How it stands now.
    pub now: StandingGroup,
    /// What is available; `None` when it was never counted.
    pub available: Option<Quantity>,
    /// When it runs out unless something comes.
    pub runs_out_on: Option<Date>,
}

/// Which way an item went. The order is the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ChangeKind {
    Worse,
    New,
    Resolved,
}

impl ChangeKind {
    const fn words(self) -> &'static str {
        match self {
            Self::Worse => "Worse",
            Self::New => "New",
            Self::Resolved => "Resolved",
        }
    }
}

impl Change {
    /// Which way it went; `None` when it is no worse and nothing was solved.
    fn kind(&self) -> Option<ChangeKind> {
        match (self.was.trouble(), self.now.trouble()) {
            (0, now) if now > 0 => Some(ChangeKind::New),
            (was, now) if now > was => Some(ChangeKind::Worse),
            (was, 0) if was > 0 => Some(ChangeKind::Resolved),
            _ => None,
        }
    }

    /// What happened, without the item: `low, 8 available, runs out Fri 27 Nov`.
    pub(crate) fn sentence(&self, style: &Style) -> String {
        let mut sentence = self.now.words().to_owned();
        if let Some(available) = self.available {
            sentence.push_str(&format!(", {} available", style.quantity(available)));
        }
        if let Some(day) = self.runs_out_on.filter(|_| self.now != StandingGroup::OutOfStock) {
            sentence.push_str(&format!(", runs out {}", style.day(day)));
        }
        sentence
    }

    pub(crate) fn word(&self) -> &'static str {
        self.kind().map_or("Changed", ChangeKind::words)
    }

    /// The colour of its word in a mail.
    fn colour(&self) -> &'static str {
        match self.kind() {
            Some(ChangeKind::Worse | ChangeKind::New) => "#a3211a",
            Some(ChangeKind::Resolved) | None => "#1c6b3a",
        }
    }
}

/// How many items or orders stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watching {
    /// Items with nothing available.
    pub out_of_stock: u32,
    /// Items at or below their reorder point.
    pub low: u32,
    /// Items with far too much.
    pub overstock: u32,
    /// Items not sold for long.
    pub dead: u32,
    /// Purchase orders that are too late to count on.
    pub orders_late: u32,
    /// Questions that wait for a person.
    pub reviews: u32,
    /// Item prices that wait for a decision.
    #[serde(default)]
    pub prices: u32,
}

impl Watching {
    /// What is worth a word, with its page below the console's address.
    pub(crate) fn entries(&self) -> Vec<(u32, &'static str, &'static str)> {
        [
            (self.out_of_stock, "out of stock", "/positions?standing=out"),
            (self.low, "low", "/positions?standing=low"),
            (self.overstock, "overstock", "/positions?standing=overstock"),
            (self.dead, "dead stock", "/positions?standing=dead"),
            (
                self.orders_late,
                if self.orders_late == 1 { "order late" } else { "orders late" },
                "/positions?late=yes",
            ),
            (
                self.reviews,
                if self.reviews == 1 { "question for you" } else { "questions for you" },
                "/reviews",
            ),
            (
                self.prices,
                if self.prices == 1 { "item price to decide" } else { "item prices to decide" },
                "/prices",
            ),
        ]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .collect()
    }
}

/// What the figures leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCounted {
    /// Items without an opening balance.
    pub items: u32,
    /// Sales lines that name no item.
    pub lines_without_item: u32,
    /// All sales lines of the same days.
    pub lines: u32,
    /// Over how many days the lines were counted.
    pub days: u32,
}

impl NotCounted {
    /// The sentences, none when everything is counted.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.items > 0 {
            let (is, an) = if self.items == 1 { ("has", "its") } else { ("have", "their") };
            sentences.push(format!(
                "{} {is} no opening balance: no warning and no order comes for {} until you give {an} quantity.",
                counted(self.items, "item", "items"),
                if self.items == 1 { "it" } else { "them" },
            ));
        }
        if self.lines_without_item > 0 {
            sentences.push(format!(
                "{} of {} of the last {} ({}) {} no item, so {} stock is not booked.",
                self.lines_without_item,
                counted(self.lines, "sales line", "sales lines"),
                counted(self.days, "day", "days"),
                crate::format::percent(self.lines_without_item, self.lines),
                if self.lines_without_item == 1 { "names" } else { "name" },
                if self.lines_without_item == 1 { "its" } else { "their" },
            ));
        }
        sentences
    }
}

/// A purchase order that parstock wrote to Xero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrittenOrder {
    /// The proposal that was approved.
    pub proposal: ProposalId,
    /// The order's number in Xero.
    pub number: String,
    /// The supplier's name.
    pub supplier: String,
    /// What it costs, base currency.
    pub total: Money,
    /// Who approved it.
    pub approved_by: String,
    /// When it was written.
    pub at: Timestamp,
}

/// How far the figures can be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trust {
    /// When the last whole poll ended; `None` before the first.
    pub polled_at: Option<Timestamp>,
    /// How far the first load is.
    pub history: HistoryLoad,
    /// Xero calls left today; `None` before Xero said so.
    pub calls_left: Option<u32>,
    /// Document changes since yesterday's digest that a webhook told first.
    pub by_webhook: u32,
    /// Document changes since yesterday's digest that the poll found first.
    pub by_poll: u32,
    /// The end of the audit chain.
    pub audit: Head,
    /// What a person must do before parstock goes on, one sentence each.
    pub needs_person: Vec<String>,
}

/// How far the first load of history is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum HistoryLoad {
    /// Documents are being read.
    Reading {
        /// Documents booked so far.
        documents: u64,
    },
    /// Documents are read; opening balances are being derived.
    Opening {
        /// Documents booked.
        documents: u64,
    },
    /// It is whole.
    Whole,
}

impl HistoryLoad {
    /// The sentence, `None` when it is whole.
    pub(crate) fn sentence(self) -> Option<String> {
        let documents = |count| counted(count, "document", "documents");
        match self {
            Self::Reading { documents: count } => Some(format!(
                "History is still being read: {} so far. Figures are not final.",
                documents(count)
            )),
            Self::Opening { documents: count } => Some(format!(
                "History is read ({}); opening balances are being derived. Figures are not final.",
                documents(count)
            )),
            Self::Whole => None,
        }
    }
}

/// A digest as it leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedDigest {
    /// The mail's subject, one line.
    pub subject: String,
    /// The mail's HTML part.
    pub html: String,
    /// The mail's plain-text part.
    pub text: String,
    /// Pictures that the HTML names as `cid:<name>`, as PNG.
    pub pictures: Vec<(String, Vec<u8>)>,
    /// The Slack message, JSON.
    pub slack: String,
}

impl DigestContent {
    pub(crate) fn style(&self) -> Style {
        Style::new(&self.currency, self.produced_at.clone())
    }

    /// How an item stood when the digest was put together: what `was` is in tomorrow's [`Change`].
    pub fn stood(&self, item: ItemId) -> StandingGroup {
        self.troubled.get(&item).copied().unwrap_or(StandingGroup::Enough)
    }

    /// What it comes down to: `3 decisions, $4,120 to order`. The amount is the sum of the open proposals,
    /// so each reader can add it up; what a delay would lose is not known.
    pub fn headline(&self) -> String {
        let person = if self.trust.needs_person.is_empty() { "" } else { ", a person is needed" };
        let out = self.watching.out_of_stock;
        if let Occasion::AllClear { since } = self.occasion {
            let days = since.until(self.day).map_or(0, |span| span.get_days().unsigned_abs());
            let days = counted(days, "day", "days");
            if out > 0 {
                format!("Nothing new for {days}, {out} out of stock")
            } else {
                format!("All clear for {days}")
            }
        } else if self.decide.count > 0 {
            let decisions = counted(self.decide.count, "decision", "decisions");
            format!("{decisions}, {} to order{person}", self.style().whole_money(self.decide.total))
        } else if out > 0 {
            format!("Nothing to decide, {out} out of stock{person}")
        } else if !person.is_empty() {
            "A person is needed".to_owned()
        } else if self.trust.history != HistoryLoad::Whole {
            "History is being read".to_owned()
        } else {
            "All clear".to_owned()
        }
    }

    /// What a reader should know about its being sent or not.
    pub(crate) fn occasion_sentence(&self) -> Option<String> {
        match self.occasion {
            Occasion::News => None,
            Occasion::AllClear { since } => Some(format!(
                "Nothing has changed since the digest of {}, and days without news bring none. This one says that parstock still looks.",
                self.style().day(since)
            )),
            Occasion::Nothing { since } => Some(format!(
                "Not sent: nothing has changed since the digest of {}.",
                self.style().day(since)
            )),
        }
    }

    /// The mail's subject: `3 decisions, $4,120 to order - Tue 24 Nov - Acme`. One line.
    pub fn subject(&self) -> String {
        text::header_line(&format!("{} - {} - {}", self.headline(), self.style().day(self.day), self.org))
    }

    /// The digest as mail and Slack message.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render(&self) -> Result<RenderedDigest, RenderError> {
        let mut pictures = Vec::new();
        for (index, decision) in self.decide.shown.iter().enumerate() {
            if let Some(chart) = decision.chart() {
                pictures.push((mail::picture_name(index), chart.png()?));
            }
        }
        Ok(RenderedDigest {
            subject: self.subject(),
            html: mail::render(self)?,
            text: plain::render(self),
            pictures,
            slack: slack::render(self)?,
        })
    }

    /// The sentences about trust, in the order of the block.
    pub(crate) fn trust_sentences(&self) -> Vec<String> {
        let style = self.style();
        let trust = &self.trust;
        let mut sentences = Vec::new();
        sentences.push(match trust.polled_at {
            Some(at) => format!("Xero last read whole {} ago, at {}.", style.age(at), style.instant(at)),
            None => "Xero has not been read whole yet.".to_owned(),
        });
        sentences.extend(trust.history.sentence());
        sentences.push(match trust.calls_left {
            Some(calls) => format!("{} left today.", counted(calls, "Xero call", "Xero calls")),
            None => "Xero has not said how many calls are left today.".to_owned(),
        });
        sentences.push(format!(
            "Of {} since yesterday, webhooks told {} and the poll found {}.",
            counted(
                u64::from(trust.by_webhook).saturating_add(u64::from(trust.by_poll)),
                "document change",
                "document changes"
            ),
            trust.by_webhook,
            trust.by_poll,
        ));
        sentences.extend(self.journal_drafts.map(|(count, total)| {
            let journals = counted(count, "journal", "journals");
            let (wait, themselves) = if count == 1 { ("waits", "as a draft") } else { ("wait", "as drafts") };
            format!("{journals} of {} {wait} in Xero {themselves}.", style.money(total))
        }));
        sentences.extend(self.proof.as_ref().map(|proof| {
            let named: Vec<String> = proof
                .named
                .iter()
                .map(|it| format!("{} {} ({})", it.named, style.money(it.value), it.cause.words()))
                .collect();
            let more = match proof.more {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(
                "The daily proof found {} with Xero; new or changed: {}{more}.",
                counted(proof.count, "difference", "differences"),
                named.join(", ")
            )
        }));
        sentences
    }

    /// The end of the audit chain, short: `audit entry 4211, hash 1f2e3d4c5b6a7988`.
    pub(crate) fn audit_line(&self) -> String {
        crate::format::audit_head(self.trust.audit)
    }

    pub(crate) fn written_shown(&self) -> &[WrittenOrder] {
        self.written.get(..WRITTEN_MAX).unwrap_or(&self.written)
    }

    /// `Draft PS-… for Nordwood, $1,240.00, approved by Kim, written at Mon 23 Nov 17:30.`
    pub(crate) fn written_sentence(&self, order: &WrittenOrder) -> String {
        let style = self.style();
        format!(
            "Draft {} for {}, {}, approved by {}, written at {}.",
            order.number,
            order.supplier,
            style.money(order.total),
            order.approved_by,
            style.instant(order.at)
        )
    }

    pub(crate) fn observes(&self) -> bool {
        self.phase == Phase::Observe
    }
}

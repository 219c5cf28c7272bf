//! One item: its figures, its card, and why it is (not) ordered.

use std::collections::BTreeMap;

use askama::Template;
use jiff::civil::Date;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::ProposalId;

use super::card::{CARD_LINES_PER_PAGE, CardShown, LayerRow};
use super::positions::PositionRow;
use super::{STYLE_SHEET, Site, Tab};
use crate::chart::StockChart;
use crate::format::{Style, counted};

/// An order line that is still open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// The order's number.
    pub number: String,
    /// The supplier's name.
    pub supplier: String,
    /// How much was ordered.
    pub ordered: Quantity,
    /// How much of it has not come.
    pub open: Quantity,
    /// When it is expected.
    pub expected_on: Option<Date>,
    /// Whether the order is only a draft in Xero.
    pub draft: bool,
    /// Whether it is too late to count on, so that it is not in [`PositionRow::on_order`].
    pub late: bool,
}

/// The plan of the item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanShown {
    /// The day of the plan.
    pub planned_on: Date,
    /// The reorder point.
    pub reorder_point: Quantity,
    /// How much to order now; `None` when nothing.
    pub order: Option<Quantity>,
    /// The supplier's name; empty when none is known.
    pub supplier: String,
    /// Price of one unit, base currency.
    pub unit_price: Money,
    /// Why, in one sentence with its figures.
    pub reason: String,
    /// The figures behind the reason, by name.
    pub inputs: BTreeMap<String, String>,
    /// The open proposal that orders it.
    pub proposal: Option<ProposalId>,
}

/// What a person entered for a count, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnteredCount {
    /// The day at whose end it lay there.
    pub as_of: String,
    /// How much.
    pub quantity: String,
    /// What one unit is worth.
    pub unit_cost: String,
}

/// The page of an item. Where the ledger is its book, its form sends `csrf`, `as_of`, `quantity` and `unit_cost` to `…/count`.
#[derive(Clone, Debug)]
pub struct ItemPage {
    /// The frame.
    pub site: Site,
    /// The item's position.
    pub position: PositionRow,
    /// Whether Xero is the book of this item (else parstock's ledger is).
    pub tracked: bool,
    /// Value of the stock, base currency; `None` when it was never counted.
    pub value: Option<Money>,
    /// The stock of the last days, for the chart; `None` when it was never counted.
    pub chart: Option<StockChart>,
    /// A page of its card, the latest line first.
    pub card: CardShown,
    /// What its stock cost, by parstock's ledger; empty when there is none.
    pub layers: Vec<LayerRow>,
    /// Order lines that are still open.
    pub orders: Vec<OpenOrder>,
    /// The plan; `None` before the first.
    pub plan: Option<PlanShown>,
    /// What stands in the form of a count.
    pub entered: EnteredCount,
    /// What stood against the count.
    pub problem: Option<String>,
}

#[derive(Template)]
#[template(path = "item.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a ItemPage,
    position: &'a PositionRow,
    chart: Option<String>,
    today: Date,
}

impl ItemPage {
    /// The page again, with what was entered and what stands against it.
    #[must_use]
    pub fn refused(self, entered: EnteredCount, problem: String) -> Self {
        Self { entered, problem: Some(problem), ..self }
    }

    fn card_words(&self) -> String {
        counted(self.card.found, "line", "lines")
    }

    fn margin_words(&self) -> String {
        let style = self.site.style();
        self.card.margin_words(|amount| style.money(amount))
    }

    fn address(&self, page: usize) -> String {
        let from = self.card.from.map_or_else(String::new, |day| format!("from={day}&"));
        let at = self.card.at.map_or_else(String::new, |day| format!("at={day}&"));
        let by = self.card.by.map_or_else(String::new, |method| format!("by={}&", method.word()));
        format!("{}/items/{}?{from}{at}{by}page={page}#card", self.site.root, self.position.item)
    }

    fn previous(&self) -> Option<String> {
        let page = self.card.page.checked_sub(1).filter(|page| *page >= 1)?;
        Some(self.address(page))
    }

    fn next(&self) -> Option<String> {
        let page = self.card.page.max(1).saturating_add(1);
        (page <= self.card.found.div_ceil(CARD_LINES_PER_PAGE)).then(|| self.address(page))
    }

    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let style = self.site.style();
        let chart = self.chart.as_ref().map(|chart| chart.figure(&style));
        Page {
            site: &self.site,
            today: style.today(),
            style,
            tab: Tab::Positions,
            title: format!("{} {}", self.position.code, self.position.name),
            style_sheet: STYLE_SHEET,
            page: self,
            position: &self.position,
            chart,
        }
        .render()
    }
}

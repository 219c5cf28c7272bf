//! One item: its figures, its documents with the running quantity, and why it is (not) ordered.

use std::collections::BTreeMap;

use askama::Template;
use jiff::civil::Date;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::ProposalId;

use super::positions::PositionRow;
use super::{STYLE_SHEET, Site, Tab};
use crate::chart::StockChart;
use crate::format::{Style, counted};

/// A movement of the item with what it left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovementRow {
    /// The day on which it takes effect.
    pub on: Date,
    /// What caused it: the words of a document's kind, or `opening balance`.
    pub cause: String,
    /// The document's number; empty when it has none.
    pub number: String,
    /// The document's contact; empty when there is none.
    pub contact: String,
    /// The change: above zero in, below zero out.
    pub change: Quantity,
    /// What lay there afterwards; `None` when it was never counted.
    pub after: Option<Quantity>,
    /// Whether it takes back an earlier booking, because a document changed.
    pub reversal: bool,
    /// How many lines of the document are booked, and of how many; `None` when it is whole.
    pub booking: Option<(u32, u32)>,
}

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

impl MovementRow {
    /// How far the document is booked, if it is not whole: `booking 80 of 500 lines`.
    fn booking_words(&self) -> Option<String> {
        self.booking.map(|(booked, lines)| super::booking_words(booked, lines))
    }
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

/// The page of an item.
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
    /// Movements, the latest first.
    pub movements: Vec<MovementRow>,
    /// How many older ones are not in `movements`.
    pub older: usize,
    /// Order lines that are still open.
    pub orders: Vec<OpenOrder>,
    /// The plan; `None` before the first.
    pub plan: Option<PlanShown>,
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
}

impl ItemPage {
    fn older_words(&self) -> String {
        counted(self.older, "older movement is", "older movements are")
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

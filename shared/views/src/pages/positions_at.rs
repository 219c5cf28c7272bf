//! What lay where at the end of a day.

use askama::Template;
use jiff::civil::Date;
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::ItemId;
use parstock_domain::ledger::Balance;

use super::positions::POSITIONS_PER_PAGE;
use super::{STYLE_SHEET, Site, Tab, query_value};
use crate::format::{Style, counted};

/// How an item stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionAt {
    /// The item.
    pub item: ItemId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// How much and what it was worth; `None` when nobody has counted it, or only after that day.
    pub end: Option<Balance>,
    /// On sales drafts of days up to that one, and back-ordered in Xero then.
    pub committed: Quantity,
    /// What lay there less what was committed.
    pub available: Option<Quantity>,
    /// On order then, late orders left out.
    pub on_order: Quantity,
    /// What was open on late orders.
    pub late: Quantity,
    /// Billed by then, and taken in later.
    pub in_transit: Quantity,
}

/// The positions at the end of a day, by the documents known now.
#[derive(Clone, Debug)]
pub struct PositionsAtPage {
    /// The frame.
    pub site: Site,
    /// The day.
    pub day: Date,
    /// Part of a code or name; empty for all.
    pub search: String,
    /// Which page, from 1.
    pub page: usize,
    /// The rows of this page, at most [`POSITIONS_PER_PAGE`].
    pub rows: Vec<PositionAt>,
    /// How many rows there are on all pages.
    pub found: usize,
}

#[derive(Template)]
#[template(path = "positions_at.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a PositionsAtPage,
}

impl PositionsAtPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let style = self.site.style();
        let title = format!("Positions at the end of {}", style.day(self.day));
        let style_sheet = STYLE_SHEET;
        Page { site: &self.site, style, tab: Tab::Positions, title, style_sheet, page: self }.render()
    }

    fn found_words(&self) -> String {
        counted(self.found, "item", "items")
    }

    fn is_ahead(&self) -> bool {
        self.day > self.site.now.date()
    }

    fn address(&self, page: usize) -> String {
        let search = query_value(&self.search);
        format!("{}/positions?at={}&q={search}&page={page}", self.site.root, self.day)
    }

    fn previous(&self) -> Option<String> {
        let page = self.page.checked_sub(1).filter(|page| *page >= 1)?;
        Some(self.address(page))
    }

    fn next(&self) -> Option<String> {
        let page = self.page.max(1).saturating_add(1);
        (page <= self.found.div_ceil(POSITIONS_PER_PAGE)).then(|| self.address(page))
    }
}

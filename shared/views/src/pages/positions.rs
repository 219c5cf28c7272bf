//! The list of positions.

use askama::Template;
use jiff::civil::Date;
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::ItemId;

use super::{STYLE_SHEET, Site, Tab, query_value};
use crate::StandingGroup;
use crate::format::{Style, counted};

/// Rows of one page of positions.
pub const POSITIONS_PER_PAGE: usize = 100;

/// What the address asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PositionQuery {
    /// `?q=`: part of a code or name; empty for all.
    pub search: String,
    /// `?standing=`, a [`StandingGroup::code`]; `None` for all.
    pub standing: Option<StandingGroup>,
    /// `?late=yes`: only items on late orders.
    pub late: bool,
    /// `?page=`, from 1.
    pub page: usize,
}

impl PositionQuery {
    /// The address of another page or part of the same search.
    fn address(&self, root: &str, standing: Option<StandingGroup>, late: bool, page: usize) -> String {
        let mut address = format!("{root}/positions?q={}", query_value(&self.search));
        if let Some(standing) = standing {
            address.push_str(&format!("&standing={}", standing.code()));
        }
        if late {
            address.push_str("&late=yes");
        }
        if page > 1 {
            address.push_str(&format!("&page={page}"));
        }
        address
    }
}

/// An item's position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionRow {
    /// The item.
    pub item: ItemId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// What lies there; `None` when it was never counted.
    pub on_hand: Option<Quantity>,
    /// On sales drafts.
    pub committed: Quantity,
    /// On hand less committed; `None` when it was never counted.
    pub available: Option<Quantity>,
    /// On order, late orders left out.
    pub on_order: Quantity,
    /// What is open on late orders.
    pub late: Quantity,
    /// The numbers of these orders, as far as the item's plan names them.
    pub late_orders: Vec<String>,
    /// How many days the available stock lasts; `None` when nothing is sold or it was never counted.
    pub cover_days: Option<u32>,
    /// When it runs out unless something comes; `None` as above.
    pub runs_out_on: Option<Date>,
    /// How it stands.
    pub standing: StandingGroup,
}

impl PositionRow {
    /// On order, and beside it what is not counted on: `24 + 12 late`.
    pub(crate) fn on_order_words(&self, style: &Style) -> String {
        let on_order = style.quantity(self.on_order);
        if self.late.is_zero() {
            on_order
        } else {
            format!("{on_order} + {} late", style.quantity(self.late))
        }
    }
}

/// The list of positions.
#[derive(Clone, Debug)]
pub struct PositionsPage {
    /// The frame.
    pub site: Site,
    /// What was asked for.
    pub query: PositionQuery,
    /// The rows of this page, at most [`POSITIONS_PER_PAGE`].
    pub rows: Vec<PositionRow>,
    /// How many rows the query has on all pages.
    pub found: usize,
    /// How many items of the org stand how, whatever was asked for.
    pub counts: Vec<(StandingGroup, usize)>,
    /// How many items of the org are on late orders.
    pub late_items: usize,
    /// How many orders of the org are late.
    pub late_orders: usize,
}

#[derive(Template)]
#[template(path = "positions.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a PositionsPage,
}

/// A chip that narrows the list to one standing.
struct Chip {
    words: &'static str,
    class: &'static str,
    count: usize,
    address: String,
    chosen: bool,
}

impl PositionsPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        Page {
            site: &self.site,
            style: self.site.style(),
            tab: Tab::Positions,
            title: "Positions".to_owned(),
            style_sheet: STYLE_SHEET,
            page: self,
        }
        .render()
    }

    fn chips(&self) -> Vec<Chip> {
        let all = Chip {
            words: "all",
            class: "all",
            count: self.counts.iter().map(|(_, count)| count).sum(),
            address: self.query.address(&self.site.root, None, false, 1),
            chosen: self.query.standing.is_none() && !self.query.late,
        };
        let each = StandingGroup::ALL.into_iter().map(|standing| Chip {
            words: standing.words(),
            class: standing.code(),
            count: self.counts.iter().find(|(of, _)| *of == standing).map_or(0, |(_, count)| *count),
            address: self.query.address(&self.site.root, Some(standing), false, 1),
            chosen: self.query.standing == Some(standing),
        });
        let late = Chip {
            words: "on late orders",
            class: "late",
            count: self.late_items,
            address: self.query.address(&self.site.root, None, true, 1),
            chosen: self.query.late,
        };
        std::iter::once(all).chain(each).chain([late]).filter(|chip| chip.count > 0 || chip.chosen).collect()
    }

    fn found_words(&self) -> String {
        let items = counted(self.found, "item", "items");
        if self.query.late && self.query.search.is_empty() {
            format!("{items} on {}", counted(self.late_orders, "late order", "late orders"))
        } else {
            items
        }
    }

    fn pages(&self) -> usize {
        self.found.div_ceil(POSITIONS_PER_PAGE).max(1)
    }

    fn number(&self) -> usize {
        self.query.page.max(1)
    }

    fn previous(&self) -> Option<String> {
        let page = self.query.page.checked_sub(1).filter(|page| *page >= 1)?;
        Some(self.query.address(&self.site.root, self.query.standing, self.query.late, page))
    }

    fn next(&self) -> Option<String> {
        let page = self.number().saturating_add(1);
        (page <= self.pages())
            .then(|| self.query.address(&self.site.root, self.query.standing, self.query.late, page))
    }
}

//! Closed months: what was reported of each when its books closed.

use askama::Template;
use parstock_domain::ledger::{ClosedItem, Closing, ClosingState};

use super::{STYLE_SHEET, Site, Tab};
use crate::format::{Style, counted};

/// Items that the page of a closing shows at most, those of most money; the command lists all of them.
pub const CLOSED_ITEMS_SHOWN_MAX: usize = 200;

/// The page of all closed months.
#[derive(Clone, Debug)]
pub struct ClosingsPage {
    /// The frame.
    pub site: Site,
    /// The closings, the latest month first.
    pub closings: Vec<Closing>,
}

#[derive(Template)]
#[template(path = "closings.html")]
struct AllPage<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a ClosingsPage,
}

impl ClosingsPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let (site, style) = (&self.site, self.site.style());
        let title = "Closed months".to_owned();
        AllPage { site, style, tab: Tab::Health, title, style_sheet: STYLE_SHEET, page: self }.render()
    }
}

/// Month and number of a closing, as people read them.
pub fn closing_name(closing: &Closing) -> String {
    let month = closing.month.strftime("%B %Y").to_string();
    if closing.number > 1 { format!("{month}, closing {}", closing.number) } else { month }
}

/// How far a closing is, in words.
pub fn closing_state(closing: &Closing, style: &Style) -> String {
    match closing.state {
        ClosingState::Making(_) => {
            format!("being put down, {} so far", counted(closing.items, "item", "items"))
        }
        ClosingState::Standing => "stands".to_owned(),
        ClosingState::Reopened(at) => format!("opened again at {}", style.instant(at)),
    }
}

/// The page of one closing.
#[derive(Clone, Debug)]
pub struct ClosingPage {
    /// The frame.
    pub site: Site,
    /// The closing.
    pub closing: Closing,
    /// Its items, most money first.
    pub items: Vec<ClosedItem>,
}

#[derive(Template)]
#[template(path = "closing.html")]
struct OnePage<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a ClosingPage,
    closing: &'a Closing,
}

impl ClosingPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let (site, style, closing) = (&self.site, self.site.style(), &self.closing);
        let title = closing_name(closing);
        OnePage { site, style, tab: Tab::Health, title, style_sheet: STYLE_SHEET, page: self, closing }
            .render()
    }

    fn more_words(&self) -> Option<String> {
        let more = (self.closing.items as usize).saturating_sub(self.items.len());
        (more > 0).then(|| counted(more, "item of less money", "items of less money"))
    }
}

//! Questions that wait for a person.

use askama::Template;
use jiff::Timestamp;
use parstock_domain::ids::ItemId;

use super::{STYLE_SHEET, Site, Tab};
use crate::format::Style;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewRow {
    /// What it is about, in a few words: `unclear arrival`.
    pub kind: String,
    /// The question, with its figures and what to do.
    pub text: String,
    /// Since when.
    pub since: Timestamp,
    /// The item with its code, if it is about one.
    pub item: Option<(ItemId, String)>,
    /// The document's number, empty if it is about none.
    pub document: String,
    /// The page on which it is settled, below the org's root, if there is one.
    pub page: Option<&'static str>,
}

/// The questions.
#[derive(Clone, Debug)]
pub struct ReviewsPage {
    /// The frame.
    pub site: Site,
    /// The questions, the oldest first.
    pub rows: Vec<ReviewRow>,
}

#[derive(Template)]
#[template(path = "reviews.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a ReviewsPage,
}

impl ReviewsPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        Page {
            site: &self.site,
            style: self.site.style(),
            tab: Tab::Reviews,
            title: "Reviews".to_owned(),
            style_sheet: STYLE_SHEET,
            page: self,
        }
        .render()
    }
}

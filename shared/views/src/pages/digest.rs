//! The digest of any day, shown again.

use askama::Template;
use jiff::civil::Date;

use super::{STYLE_SHEET, Site, Tab};
use crate::digest::{Decision, DigestContent};
use crate::format::Style;

/// The digest of a day.
#[derive(Clone, Debug)]
pub struct DigestPage {
    /// The frame.
    pub site: Site,
    /// What was told; `None` when there is no digest of the day.
    pub content: Option<DigestContent>,
    /// The day.
    pub day: Date,
    /// The latest earlier day with a digest.
    pub previous: Option<Date>,
    /// The first later day with a digest.
    pub next: Option<Date>,
}

#[derive(Template)]
#[template(path = "digest.html")]
struct Page<'a> {
    site: &'a Site,
    /// As of the day of the digest.
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a DigestPage,
    /// With the chart of each.
    decisions: Vec<(&'a Decision, Option<String>)>,
}

impl DigestPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let style = self.content.as_ref().map_or_else(|| self.site.style(), DigestContent::style);
        let decisions = self.content.iter().flat_map(|content| &content.decide.shown);
        let decisions = decisions
            .map(|decision| (decision, decision.chart().map(|chart| chart.figure(&style))))
            .collect();
        Page {
            site: &self.site,
            title: format!("Digest of {}", style.day(self.day)),
            style,
            tab: Tab::Digest,
            style_sheet: STYLE_SHEET,
            page: self,
            decisions,
        }
        .render()
    }
}

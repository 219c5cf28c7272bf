//! The daily proof: what Xero holds beside what parstock's ledger says.

use askama::Template;
use parstock_domain::ledger::Proof;
use parstock_domain::ledger::proof::{Difference, Subject};

use super::{STYLE_SHEET, Site, Tab};
use crate::format::{Style, counted};

/// The page of the latest proof.
#[derive(Clone, Debug)]
pub struct ProofPage {
    /// The frame.
    pub site: Site,
    /// The proof; `None` before the first.
    pub proof: Option<Proof>,
}

#[derive(Template)]
#[template(path = "proof.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a ProofPage,
}

impl ProofPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let style = self.site.style();
        let title = "Daily proof".to_owned();
        Page { site: &self.site, style, tab: Tab::Health, title, style_sheet: STYLE_SHEET, page: self }
            .render()
    }

    fn address(&self, difference: &Difference) -> Option<String> {
        match difference.of {
            Subject::Item(item) => Some(format!("{}/items/{item}", self.site.root)),
            Subject::Cents | Subject::Account(_) => None,
        }
    }

    fn more_words(&self) -> Option<String> {
        let more = self.proof.as_ref().map_or(0, |proof| proof.more);
        (more > 0).then(|| counted(more, "more difference of less money", "more differences of less money"))
    }
}

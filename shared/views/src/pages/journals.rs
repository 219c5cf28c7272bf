//! Cost of goods sold: what of it is in Xero, what is not and why, and what each journal is made of.

use askama::Template;
use jiff::civil::Date;
use parstock_domain::cogs::{CogsSettings, Every, Fate, Journal, JournalNumber};
use parstock_domain::fixed::Money;
use parstock_domain::ids::ItemId;
use parstock_domain::manual_journal::JournalState;

use super::{STYLE_SHEET, Site, Tab};
use crate::format::{Style, counted};

/// Journals that the page shows at most, the latest.
pub const JOURNALS_SHOWN_MAX: usize = 100;
/// Lines of one journal that its page shows at most, those of most money.
pub const JOURNAL_LINES_SHOWN_MAX: usize = 500;

/// The page of all journals.
#[derive(Clone, Debug)]
pub struct JournalsPage {
    /// The frame.
    pub site: Site,
    /// How a person wants them; `None` while nobody does.
    pub settings: Option<CogsSettings>,
    /// The first day whose cost is journaled.
    pub since: Option<Date>,
    /// What is told and in no journal yet.
    pub open: Money,
    /// What is carried to the next journal, less than one minor unit.
    pub carried: Money,
    /// What is held back, since purchases are coded to other accounts.
    pub held: Money,
    /// Of how many items.
    pub held_items: usize,
    /// What the drafts in Xero come to.
    pub drafts: Money,
    /// The latest journals, the latest first.
    pub journals: Vec<Journal>,
    /// How many there are.
    pub count: usize,
}

#[derive(Template)]
#[template(path = "journals.html")]
struct AllPage<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a JournalsPage,
}

impl JournalsPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let style = self.site.style();
        let title = "Cost of goods sold".to_owned();
        AllPage { site: &self.site, style, tab: Tab::Health, title, style_sheet: STYLE_SHEET, page: self }
            .render()
    }

    fn lead(&self) -> Option<String> {
        let settings = self.settings.as_ref()?;
        let since = self.site.style().day(self.since?);
        let every = match settings.every {
            Every::Day => "each day",
            Every::Month => "each month",
        };
        let state = match settings.state {
            JournalState::Draft => "a draft",
            JournalState::Posted => "a posted journal",
        };
        Some(format!(
            "What is sold from {since} on is credited to account {} and debited to account {}: {state} for {every}.",
            settings.stock_account, settings.cogs_account
        ))
    }

    fn more_words(&self) -> Option<String> {
        let more = self.count.saturating_sub(self.journals.len());
        (more > 0).then(|| counted(more, "earlier journal", "earlier journals"))
    }
}

/// What became of a journal, in words.
fn fate(journal: &Journal) -> String {
    match &journal.fate {
        Fate::Planned => "to be written".to_owned(),
        Fate::Draft { .. } => "draft in Xero".to_owned(),
        Fate::Posted { .. } => "posted in Xero".to_owned(),
        Fate::Reopened { why } => format!("its days are open again: {why}"),
    }
}

/// The page of one journal.
#[derive(Clone, Debug)]
pub struct JournalPage {
    /// The frame.
    pub site: Site,
    /// The journal.
    pub journal: Journal,
    /// What the audit trail tells of it, most money first.
    pub lines: Vec<JournalLine>,
    /// How many lines there are.
    pub count: usize,
}

/// What a document changed of the cost of goods sold of an item on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalLine {
    /// The item.
    pub item: ItemId,
    /// Its code.
    pub code: String,
    /// The day.
    pub on: Date,
    /// The document, or what else it was.
    pub cause: String,
    /// The audit entry that tells it.
    pub entry: u64,
    /// How much.
    pub cost: Money,
}

#[derive(Template)]
#[template(path = "journal.html")]
struct OnePage<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a JournalPage,
    number: JournalNumber,
}

impl JournalPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        OnePage {
            site: &self.site,
            style: self.site.style(),
            tab: Tab::Health,
            title: format!("Journal {}", self.journal.number),
            style_sheet: STYLE_SHEET,
            page: self,
            number: self.journal.number,
        }
        .render()
    }

    fn more_words(&self) -> Option<String> {
        let more = self.count.saturating_sub(self.lines.len());
        (more > 0).then(|| counted(more, "line of less money", "lines of less money"))
    }
}

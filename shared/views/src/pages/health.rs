//! Whether everything runs, and what to do where it does not.

use askama::Template;
use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::audit::Head;

use super::{STYLE_SHEET, Site, Tab};
use crate::digest::HistoryLoad;
use crate::format::Style;

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// Its name.
    pub name: String,
    /// Messages that wait; `None` when it could not be asked.
    pub waiting: Option<u64>,
    /// Messages that could not be processed, the oldest first; `None` when it could not be asked.
    pub dead: Option<Vec<DeadLetter>>,
}

impl QueueState {
    /// How many could not be processed.
    fn dead_count(&self) -> Option<usize> {
        self.dead.as_ref().map(Vec::len)
    }
}

/// A message that could not be processed, and that nobody tries again unless a person says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// By which `parstock dead-letters` knows it.
    pub id: String,
    /// What it failed at.
    pub cause: String,
    /// When it was given up.
    pub at: Timestamp,
}

/// A document of which some lines are booked and others not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartBooked {
    /// The words of its kind.
    pub what: &'static str,
    /// Its number; empty when it has none.
    pub number: String,
    /// Its contact.
    pub contact: String,
    /// How many lines are booked.
    pub booked: u32,
    /// Of how many.
    pub lines: u32,
}

impl PartBooked {
    /// How far it is: `booking 80 of 500 lines`.
    pub fn words(&self) -> String {
        super::booking_words(self.booked, self.lines)
    }
}

/// Something that is to leave and has not left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEffect {
    /// What it is: `Order PS-…`, `Digest of Tue 24 Nov by mail`.
    pub what: String,
    /// When it was decided.
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
    /// Where it stands, in words.
    pub state: String,
}

/// The health page.
#[derive(Clone, Debug)]
pub struct HealthPage {
    /// The frame.
    pub site: Site,
    /// When the last whole poll ended; `None` before the first.
    pub polled_at: Option<Timestamp>,
    /// How far the first load is.
    pub history: HistoryLoad,
    /// Xero calls left today; `None` before Xero said so.
    pub calls_left: Option<u32>,
    /// Until when no call is made, because Xero said to wait.
    pub parked_until: Option<Timestamp>,
    /// Hints that wait to be served.
    pub hints: usize,
    /// Documents that are being booked; what is shown of their items is not final.
    pub part_booked: Vec<PartBooked>,
    /// The queues.
    pub queues: Vec<QueueState>,
    /// What is to leave and has not left, the oldest first.
    pub effects: Vec<PendingEffect>,
    /// The end of the audit chain.
    pub audit: Head,
    /// When it was last checked and found whole; `None` before the first time.
    pub audit_checked_at: Option<Timestamp>,
    /// The day of the latest proof, and how many differences it found; `None` before the first.
    pub proof: Option<(Date, usize)>,
    /// Whether cost of goods sold is journaled.
    pub journals: bool,
    /// What a person must do before parstock goes on, one sentence each.
    pub needs_person: Vec<String>,
}

#[derive(Template)]
#[template(path = "health.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a HealthPage,
    history: Option<String>,
    audit: String,
}

/// The age of the last whole poll, in minutes, above which it is marked: three missed polls.
const POLL_LATE_MINUTES: i64 = 45;

impl HealthPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        Page {
            site: &self.site,
            style: self.site.style(),
            tab: Tab::Health,
            title: "Health".to_owned(),
            style_sheet: STYLE_SHEET,
            page: self,
            history: self.history.sentence(),
            audit: crate::format::audit_head(self.audit),
        }
        .render()
    }

    fn poll_is_late(&self) -> bool {
        let minutes = |at: Timestamp| self.site.now.timestamp().duration_since(at).as_mins();
        self.polled_at.is_none_or(|at| minutes(at) > POLL_LATE_MINUTES)
    }

    fn proof_words(&self) -> Option<String> {
        let (day, count) = self.proof?;
        let found = crate::format::counted(count, "difference", "differences");
        Some(format!("{}: {found}", self.site.style().day(day)))
    }

    fn dead_letters(&self) -> usize {
        self.queues.iter().filter_map(QueueState::dead_count).sum()
    }

    fn all_well(&self) -> bool {
        self.needs_person.is_empty()
            && !self.poll_is_late()
            && self.dead_letters() == 0
            && self.parked_until.is_none()
            && self.history == HistoryLoad::Whole
    }
}

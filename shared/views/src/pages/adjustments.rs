//! Stock adjustments: what was written off or found, what of it waits for a decision, and a form for one more.

use askama::Template;
use parstock_domain::adjustment::{Adjustment, ReasonCode};
use parstock_domain::fixed::Money;

use super::{STYLE_SHEET, Site, Tab};
use crate::format::{Style, counted};

/// Adjustments that the page lists; the command lists more.
pub const ADJUSTMENTS_SHOWN_MAX: usize = 100;
/// Lines that are shown of one adjustment.
const LINES_SHOWN_MAX: usize = 10;

/// What a person entered for one adjustment, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnteredAdjustment {
    /// The item's code.
    pub item: String,
    /// The day.
    pub on: String,
    /// The change.
    pub quantity: String,
    /// The code of the reason.
    pub reason: String,
    /// What one that comes in is worth.
    pub unit_cost: String,
    /// More words.
    pub note: String,
}

/// The page of adjustments. Its first form sends `csrf`, `item`, `on`, `quantity`, `reason`, `unit_cost` and `note`; those of adjustments
/// that wait send `csrf` and `contents` to `…/approve`, and `csrf` and `reason` to `…/reject`.
#[derive(Clone, Debug)]
pub struct AdjustmentsPage {
    /// The frame.
    pub site: Site,
    /// The latest adjustments, at most [`ADJUSTMENTS_SHOWN_MAX`].
    pub adjustments: Vec<Adjustment>,
    /// How many there are.
    pub count: usize,
    /// What stands in the form.
    pub entered: EnteredAdjustment,
    /// What was wrong with the last try.
    pub problem: Option<String>,
}

/// An adjustment in the list.
struct Row<'a> {
    adjustment: &'a Adjustment,
    lines: Vec<(String, String, String)>,
    more: Option<String>,
    worth: Option<Money>,
    state: String,
}

impl<'a> Row<'a> {
    fn of(adjustment: &'a Adjustment, style: &Style) -> Self {
        let lines = adjustment.lines.iter().take(LINES_SHOWN_MAX);
        let more = adjustment.lines.len().saturating_sub(LINES_SHOWN_MAX);
        Self {
            adjustment,
            lines: lines.map(|it| (it.code.clone(), style.change(it.change), it.words())).collect(),
            more: (more > 0).then(|| counted(more, "more line", "more lines")),
            worth: adjustment.worth().ok(),
            state: adjustment.state_words(),
        }
    }
}

/// A reason that the form offers.
struct Choice {
    code: &'static str,
    words: &'static str,
    selected: bool,
}

#[derive(Template)]
#[template(path = "adjustments.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a AdjustmentsPage,
    rows: Vec<Row<'a>>,
    reasons: Vec<Choice>,
    today: String,
    on: String,
}

impl AdjustmentsPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let style = self.site.style();
        let today = style.today().to_string();
        let entered = &self.entered;
        let reason = |reason: ReasonCode| Choice {
            code: reason.code(),
            words: reason.words(),
            selected: reason.code() == entered.reason,
        };
        Page {
            site: &self.site,
            rows: self.adjustments.iter().map(|adjustment| Row::of(adjustment, &style)).collect(),
            on: if entered.on.is_empty() { today.clone() } else { entered.on.clone() },
            style,
            tab: Tab::Positions,
            title: "Adjustments".to_owned(),
            style_sheet: STYLE_SHEET,
            page: self,
            reasons: ReasonCode::ALL.map(reason).into(),
            today,
        }
        .render()
    }

    fn more_words(&self) -> Option<String> {
        let more = self.count.saturating_sub(self.adjustments.len());
        (more > 0).then(|| counted(more, "older adjustment", "older adjustments"))
    }
}

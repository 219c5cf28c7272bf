//! Proposals and the decision on one.

use std::collections::BTreeMap;

use askama::Template;
use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::fixed::{FixedError, Money};
use parstock_domain::governance::{Phase, Proposal, ProposalLine, ProposalState};
use parstock_domain::ids::{ItemId, ProposalId};
use parstock_domain::units::PurchaseUnit;

use super::positions::PositionRow;
use super::{STYLE_SHEET, Site, Tab};
use crate::digest::OrderFigures;
use crate::format::Style;

/// Proposals that the list shows.
pub const PROPOSALS_MAX: usize = 200;

/// A proposal in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalRow {
    /// The proposal.
    pub id: ProposalId,
    /// The supplier's name.
    pub supplier: String,
    /// What it costs, base currency.
    pub total: Money,
    /// How many lines it has.
    pub lines: usize,
    /// When the goods are wanted.
    pub wanted_on: Date,
    /// When it was first proposed.
    pub proposed_at: Timestamp,
    /// [`Proposal::state_name`].
    pub state: &'static str,
}

impl ProposalRow {
    /// The row of a proposal.
    ///
    /// # Errors
    /// [`FixedError`] when its total does not fit.
    pub fn of(proposal: &Proposal) -> Result<Self, FixedError> {
        Ok(Self {
            id: proposal.id,
            supplier: proposal.supplier_name.clone(),
            total: proposal.total()?,
            lines: proposal.lines.len(),
            wanted_on: proposal.wanted_on,
            proposed_at: proposal.proposed_at,
            state: proposal.state_name(),
        })
    }
}

/// The list of proposals.
#[derive(Clone, Debug)]
pub struct ProposalsPage {
    /// The frame.
    pub site: Site,
    /// Open and failed ones first, then the latest of the others; at most [`PROPOSALS_MAX`].
    pub rows: Vec<ProposalRow>,
}

#[derive(Template)]
#[template(path = "proposals.html")]
struct ListPage<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    open: Vec<&'a ProposalRow>,
    others: Vec<&'a ProposalRow>,
}

impl ProposalsPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let (open, others) = self.rows.iter().partition(|row| matches!(row.state, "open" | "failed"));
        ListPage {
            site: &self.site,
            style: self.site.style(),
            tab: Tab::Proposals,
            title: "Proposals".to_owned(),
            style_sheet: STYLE_SHEET,
            open,
            others,
        }
        .render()
    }
}

/// The page of a proposal. Its forms send `csrf`, `contents` (the hash of what is shown) and, to reject,
/// `reason`.
#[derive(Clone, Debug)]
pub struct ProposalPage {
    /// The frame.
    pub site: Site,
    /// The proposal.
    pub proposal: Proposal,
    /// The present positions of its items.
    pub positions: BTreeMap<ItemId, PositionRow>,
    /// What its lines mean by the present plans of its items.
    pub figures: BTreeMap<ItemId, OrderFigures>,
    /// What parstock may do in Xero about all of its lines.
    pub phase: Phase,
    /// The number that its order has or would have in Xero.
    pub order_number: String,
    /// What was wrong with the last try to decide, and what to do; shown above the forms.
    pub problem: Option<String>,
}

/// A line with the present position of its item.
struct Line<'a> {
    line: &'a ProposalLine,
    cost: Option<Money>,
    position: Option<&'a PositionRow>,
    figures: Option<&'a OrderFigures>,
}

#[derive(Template)]
#[template(path = "proposal.html")]
struct OnePage<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a ProposalPage,
    proposal: &'a Proposal,
    total: Option<Money>,
    contents: String,
    lines: Vec<Line<'a>>,
    open: bool,
    failed: bool,
    observes: bool,
    story: Option<String>,
}

impl Line<'_> {
    fn unit(&self) -> Option<&PurchaseUnit> {
        self.line.by.as_ref().map(|by| &by.unit)
    }

    fn price(&self, style: &Style) -> String {
        let price = self.line.by.as_ref().map_or(self.line.unit_price, |by| by.price);
        style.price_by(price, self.unit())
    }
}

impl ProposalPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let style = self.site.style();
        let story = self.story(&style);
        let lines = self.proposal.lines.iter().map(|line| Line {
            line,
            cost: line.cost().ok(),
            position: self.positions.get(&line.item),
            figures: self.figures.get(&line.item),
        });
        OnePage {
            site: &self.site,
            style,
            tab: Tab::Proposals,
            title: format!("Order for {}", self.proposal.supplier_name),
            style_sheet: STYLE_SHEET,
            page: self,
            proposal: &self.proposal,
            total: self.proposal.total().ok(),
            contents: self.proposal.contents().to_string(),
            lines: lines.collect(),
            open: matches!(self.proposal.status, ProposalState::Open | ProposalState::Failed { .. }),
            failed: matches!(self.proposal.status, ProposalState::Failed { .. }),
            observes: self.phase == Phase::Observe,
            story,
        }
        .render()
    }

    /// What became of it, `None` while it is open.
    fn story(&self, style: &Style) -> Option<String> {
        let number = &self.order_number;
        match &self.proposal.status {
            ProposalState::Open => None,
            ProposalState::Approved { approval, .. } => Some(format!(
                "Approved by {} at {}. Draft {number} is on its way to Xero.",
                approval.who,
                style.instant(approval.at)
            )),
            ProposalState::Done { approval, .. } => Some(format!(
                "Approved by {} at {}. It is draft {number} in Xero: send it to the supplier from there.",
                approval.who,
                style.instant(approval.at)
            )),
            ProposalState::Failed { approval, reason } => Some(format!(
                "Approved by {} at {}, but draft {number} could not be written to Xero: {reason}",
                approval.who,
                style.instant(approval.at)
            )),
            ProposalState::Rejected { who, at, reason } => {
                Some(format!("Rejected by {who} at {}: {reason}", style.instant(*at)))
            }
            ProposalState::Withdrawn { at } => Some(format!(
                "Withdrawn at {}: nothing is wanted from this supplier any more.",
                style.instant(*at)
            )),
        }
    }
}

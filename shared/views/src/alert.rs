//! Warnings told together, by mail and Slack.

use askama::Template;
use jiff::Zoned;
use jiff::civil::Date;
use parstock_domain::alert::AlertKind;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ItemId, ProposalId};

use crate::format::{Style, counted};
use crate::slack::{Blocks, bar};
use crate::{RenderError, text};

/// Warnings that one message shows; the rest is counted.
pub const WARNINGS_MAX: usize = 20;

/// Warnings told together.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertContent {
    /// The org's name.
    pub org: String,
    /// ISO code of its base currency.
    pub currency: String,
    /// When they were put together, in the org's time zone.
    pub produced_at: Zoned,
    /// As [`crate::digest::DigestContent::console_url`].
    pub console_url: String,
    /// The warnings, one per item.
    pub warnings: Vec<Warning>,
}

/// A warning about one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The item.
    pub item: ItemId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Which line was crossed.
    pub kind: AlertKind,
    /// What is available.
    pub available: Quantity,
    /// What is on order.
    pub on_order: Quantity,
    /// The reorder point, if it is known.
    pub reorder_point: Option<Quantity>,
    /// When it runs out unless something comes; `None` when that is unknown.
    pub runs_out_on: Option<Date>,
    /// The open proposal that orders it: its id, how much of the item, and what the whole order costs.
    pub proposed: Option<(ProposalId, Quantity, Money)>,
}

/// Warnings as they leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedAlert {
    /// The mail's subject, one line.
    pub subject: String,
    /// The mail's HTML part.
    pub html: String,
    /// The mail's plain-text part.
    pub text: String,
    /// The Slack message, JSON.
    pub slack: String,
}


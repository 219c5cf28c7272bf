//! Warnings told together, by mail and Slack.

use askama::Template;
use jiff::Zoned;
use jiff::civil::Date;
use parstock_domain::alert::AlertKind;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ItemId, ProposalId};

use crate::format::{Style, counted};
use crate::slack::{Blocks, bar, link};
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

impl Warning {
    /// What happened: `out of stock`.
    fn words(&self) -> &'static str {
        match self.kind {
            AlertKind::OutOfStock => "out of stock",
            AlertKind::BelowReorderPoint => "running low",
        }
    }

    fn is_out(&self) -> bool {
        self.kind == AlertKind::OutOfStock
    }

    /// The figures: `6 available, 0 on order, reorder point 20; runs out Fri 27 Nov`.
    fn figures(&self, style: &Style) -> String {
        let mut figures = format!(
            "{} available, {} on order",
            style.quantity(self.available),
            style.quantity(self.on_order)
        );
        if let Some(point) = self.reorder_point {
            figures.push_str(&format!(", reorder point {}", style.quantity(point)));
        }
        if let Some(day) = self.runs_out_on.filter(|_| !self.is_out()) {
            figures.push_str(&format!("; runs out {}", style.day(day)));
        }
        figures
    }

    /// What is proposed: `24 are in an open proposal of $1,240.00`.
    fn proposal(&self, style: &Style) -> Option<String> {
        self.proposed.map(|(_, quantity, total)| {
            format!("{} proposed, in an order of {}", style.quantity(quantity), style.money(total))
        })
    }

    /// Its page below the console's address: where it is decided, else the item.
    fn path(&self) -> String {
        match self.proposed {
            Some((proposal, ..)) => format!("/proposals/{proposal}"),
            None => format!("/items/{}", self.item),
        }
    }
}

#[derive(Template)]
#[template(path = "alert_mail.html")]
struct Mail<'a> {
    content: &'a AlertContent,
    headline: String,
    style: Style,
}

impl AlertContent {
    /// What it comes down to: `Running low: 3 items`, `Out of stock: 1 item, running low: 2 items`.
    fn headline(&self) -> String {
        let out = self.warnings.iter().filter(|warning| warning.is_out()).count();
        let low = self.warnings.len().saturating_sub(out);
        let items = |count| counted(count, "item", "items");
        match (out, low) {
            (0, low) => format!("Running low: {}", items(low)),
            (out, 0) => format!("Out of stock: {}", items(out)),
            (out, low) => format!("Out of stock: {}, running low: {}", items(out), items(low)),
        }
    }

    fn shown(&self) -> &[Warning] {
        self.warnings.get(..WARNINGS_MAX).unwrap_or(&self.warnings)
    }

    fn more(&self) -> usize {
        self.warnings.len().saturating_sub(WARNINGS_MAX)
    }

    /// The warnings as mail and Slack message, those out of stock first.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render(mut self) -> Result<RenderedAlert, RenderError> {
        self.warnings.sort_by(|a, b| (a.kind, a.runs_out_on, &a.code).cmp(&(b.kind, b.runs_out_on, &b.code)));
        let style = Style::new(&self.currency, self.produced_at.clone());
        let headline = self.headline();
        Ok(RenderedAlert {
            subject: text::header_line(&format!("{headline} - {}", self.org)),
            text: self.plain(&headline, &style),
            slack: self.slack(&headline, &style)?,
            html: Mail { content: &self, headline, style }.render()?,
        })
    }

    fn plain(&self, headline: &str, style: &Style) -> String {
        let mut lines = vec![headline.to_owned(), text::plain(&self.org), String::new()];
        for warning in self.shown() {
            lines.push(text::plain(&format!("{} {}: {}", warning.code, warning.name, warning.words())));
            lines.push(format!("  {}", warning.figures(style)));
            lines.extend(warning.proposal(style).map(|proposal| format!("  {proposal}")));
            lines.push(format!("  {}{}", self.console_url, warning.path()));
            lines.push(String::new());
        }
        if self.more() > 0 {
            lines.push(format!("and {} more: {}/positions?standing=low", self.more(), self.console_url));
        }
        lines.join("\n")
    }

    fn slack(&self, headline: &str, style: &Style) -> Result<String, serde_json::Error> {
        let mut blocks = Blocks::new(headline);
        blocks.context(&[text::slack(&self.org)]);
        for warning in self.shown() {
            let bar = warning.reorder_point.map(|point| bar(warning.available, point)).unwrap_or_default();
            let address = format!("{}{}", self.console_url, warning.path());
            let mut lines = vec![
                format!(
                    "*{} {}*: {}",
                    text::slack(&warning.code),
                    text::slack(&warning.name),
                    warning.words()
                ),
                format!("{bar} {}", warning.figures(style)),
            ];
            lines.extend(warning.proposal(style));
            lines.push(link(
                &address,
                if warning.proposed.is_some() { "Review and decide" } else { "Look at the item" },
            ));
            blocks.section(&lines);
        }
        if self.more() > 0 {
            let address = format!("{}/positions?standing=low", self.console_url);
            blocks.section(&[link(&address, &format!("and {} more", self.more()))]);
        }
        blocks.json()
    }
}

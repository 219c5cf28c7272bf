//! A goods receipt: what came in, where it stands, and the decision on it.

use askama::Template;
use parstock_domain::goods_receipt::{GoodsReceipt, Stage, name};

use super::bill_words;
use crate::format::Style;
use crate::pages::{STYLE_SHEET, Site, Tab};

/// The page of a goods receipt.
#[derive(Clone, Debug)]
pub struct ReceiptPage {
    /// The frame.
    pub site: Site,
    /// The receipt.
    pub receipt: GoodsReceipt,
    /// What was wrong with a decision, and what to do.
    pub problem: Option<String>,
}

#[derive(Template)]
#[template(path = "receipt.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a ReceiptPage,
    receipt: &'a GoodsReceipt,
    name: String,
    story: Option<String>,
    waits: bool,
    stands: bool,
    bill: String,
}

impl ReceiptPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let (receipt, style) = (&self.receipt, self.site.style());
        let name = name(receipt.number);
        let story = match &receipt.stage {
            Stage::Waiting => None,
            Stage::TakenIn { by, at } => Some(format!("Taken in by {by} at {}.", style.instant(*at))),
            Stage::Rejected { by, at, reason } => {
                Some(format!("Refused by {by} at {}: {reason}", style.instant(*at)))
            }
            Stage::TakenBack { by, at, reason } => {
                Some(format!("Taken back by {by} at {}: {reason}", style.instant(*at)))
            }
        };
        Page {
            site: &self.site,
            style,
            tab: Tab::Proposals,
            title: format!("Goods receipt {name}"),
            style_sheet: STYLE_SHEET,
            page: self,
            receipt,
            name,
            story,
            waits: receipt.stage == Stage::Waiting,
            stands: receipt.stage.is_taken_in(),
            bill: bill_words(receipt.bill.as_ref()),
        }
        .render()
    }
}

//! The orders that are to come, and the goods receipts.

use askama::Template;
use jiff::civil::Date;
use parstock_domain::goods_receipt::{GoodsReceipt, Stage, name};
use parstock_domain::ids::DocumentId;

use super::bill_words;
use crate::format::{Style, counted};
use crate::pages::{STYLE_SHEET, Site, Tab};

/// Goods receipts that the page shows at most, the latest.
pub const RECEIPTS_SHOWN_MAX: usize = 100;

/// An order of which goods are still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToComeRow {
    /// Its Xero id.
    pub order: DocumentId,
    /// Its number.
    pub number: String,
    /// The supplier's name.
    pub supplier_name: String,
    /// Its day.
    pub on: Date,
    /// When its goods are expected, if anyone said so.
    pub expected_on: Option<Date>,
    /// How many of its lines are to come.
    pub open_lines: usize,
}

/// The page of goods receipts.
#[derive(Clone, Debug)]
pub struct ReceiptsPage {
    /// The frame.
    pub site: Site,
    /// The orders that are to come, the latest first.
    pub to_come: Vec<ToComeRow>,
    /// The receipts, those that wait first, then the latest; at most [`RECEIPTS_SHOWN_MAX`].
    pub receipts: Vec<GoodsReceipt>,
    /// How many there are.
    pub count: usize,
}

struct Row<'a> {
    receipt: &'a GoodsReceipt,
    name: String,
    waits: bool,
    state: &'static str,
    bill: String,
}

#[derive(Template)]
#[template(path = "receipts.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a ReceiptsPage,
    rows: Vec<Row<'a>>,
}

impl ReceiptsPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let row = |receipt: &'_ GoodsReceipt| (name(receipt.number), bill_words(receipt.bill.as_ref()));
        let rows = self.receipts.iter().map(|receipt| {
            let (name, bill) = row(receipt);
            let waits = receipt.stage == Stage::Waiting;
            Row { receipt, name, waits, state: receipt.stage.words(), bill }
        });
        Page {
            site: &self.site,
            style: self.site.style(),
            tab: Tab::Proposals,
            title: "Goods receipts".to_owned(),
            style_sheet: STYLE_SHEET,
            page: self,
            rows: rows.collect(),
        }
        .render()
    }

    /// How many receipts are not shown.
    fn more_words(&self) -> Option<String> {
        let more = self.count.saturating_sub(self.receipts.len());
        (more > 0).then(|| counted(more, "earlier receipt", "earlier receipts"))
    }
}

//! What a voucher would do, before anybody books it.

use askama::Template;
use parstock_domain::audit::Hash;
use parstock_domain::fixed::Money;
use parstock_domain::landed::{Basis, Draft, Part, Share};

use super::{Entered, basis_words, bill_name};
use crate::format::{Style, counted};
use crate::pages::{STYLE_SHEET, Site, Tab};

/// The preview of a voucher. Its form sends `csrf`, `contents` (the hash of what is shown) and what was entered.
#[derive(Clone, Debug)]
pub struct LandedPreviewPage {
    /// The frame.
    pub site: Site,
    /// What the voucher would be.
    pub draft: Draft,
    /// A hash of it.
    pub contents: Hash,
    /// What of each share stays in stock, and what becomes cost of goods sold; in the order of the shares.
    pub landed: Vec<(Money, Money)>,
    /// What would go on stock that Xero tracks.
    pub revalued: Vec<Part>,
    /// What is spread.
    pub total: Money,
    /// What of it stays in stock.
    pub in_stock: Money,
    /// What of it becomes cost of goods sold.
    pub sold: Money,
    /// What was entered.
    pub entered: Entered,
}

/// A share with what becomes of it.
struct Row<'a> {
    share: &'a Share,
    bill: &'a str,
    in_stock: Money,
    sold: Money,
}

#[derive(Template)]
#[template(path = "landed_preview.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a LandedPreviewPage,
    draft: &'a Draft,
    total: Option<Money>,
    basis: &'static str,
    by_weight: bool,
    rows: Vec<Row<'a>>,
    fields: Vec<(&'a str, &'a str)>,
    contents: String,
}

impl LandedPreviewPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let rows = self.draft.shares.iter().zip(&self.landed).map(|(share, (in_stock, sold))| Row {
            share,
            bill: bill_name(&share.of, &share.number),
            in_stock: *in_stock,
            sold: *sold,
        });
        Page {
            site: &self.site,
            style: self.site.style(),
            tab: Tab::Health,
            title: "What the voucher would do".to_owned(),
            style_sheet: STYLE_SHEET,
            page: self,
            draft: &self.draft,
            total: Some(self.total),
            basis: basis_words(self.draft.basis),
            by_weight: self.draft.basis == Basis::Weight,
            rows: rows.collect(),
            fields: self.entered.fields(),
            contents: self.contents.to_string(),
        }
        .render()
    }

    fn receipts_words(&self) -> String {
        counted(self.draft.shares.len(), "receipt", "receipts")
    }

    /// The address of the empty form.
    fn back(&self) -> String {
        let value = |name| crate::pages::query_value(self.entered.text(name));
        let (kind, bill, basis, days) = (value("kind"), value("bill"), value("basis"), value("days"));
        format!("{}/landed/new?kind={kind}&bill={bill}&basis={basis}&days={days}", self.site.root)
    }
}

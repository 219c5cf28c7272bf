//! What waits to be spread, and the vouchers.

use askama::Template;
use jiff::civil::Date;
use parstock_domain::document::DocumentRef;
use parstock_domain::fixed::{FixedError, Money};
use parstock_domain::landed::{Charge, Papers, Purchase, Voucher, VoucherNumber};

use super::{bill_name, journal_words};
use crate::format::{Style, counted};
use crate::pages::{STYLE_SHEET, Site, Tab};

/// Bills that a list shows at most, the latest.
pub const BILLS_SHOWN_MAX: usize = 200;
/// Vouchers that the page shows at most, the latest.
pub const VOUCHERS_SHOWN_MAX: usize = 100;

/// A bill of which something can be spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillRow {
    /// Kind and Xero id.
    pub of: DocumentRef,
    /// Its number.
    pub number: String,
    /// The supplier's name.
    pub contact_name: String,
    /// Its date.
    pub on: Date,
    /// What its lines say.
    pub what: String,
    /// What of them is left to spread, base currency.
    pub left: Money,
    /// What its papers say, if anybody asked for them.
    pub papers: Option<String>,
}

impl BillRow {
    /// The row of those charges of a purchase that count; `None` when nothing of them is left.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn of(purchase: &Purchase, counts: impl Fn(&Charge) -> bool) -> Result<Option<Self>, FixedError> {
        let (mut what, mut left) = (Vec::new(), Money::ZERO);
        for charge in purchase.charges.iter().filter(|charge| counts(charge)) {
            let of_it = charge.left()?;
            if of_it > Money::ZERO {
                what.push(charge.what.as_str());
                left = left.plus(of_it)?;
            }
        }
        Ok((left > Money::ZERO).then(|| Self {
            of: purchase.of,
            number: purchase.number.clone(),
            contact_name: purchase.contact_name.clone(),
            on: purchase.on,
            what: what.join(", "),
            left,
            papers: purchase.papers.as_ref().map(Papers::words),
        }))
    }

    fn name(&self) -> &str {
        bill_name(&self.of, &self.number)
    }

    /// The query by which the form is asked for.
    fn query(&self) -> String {
        format!("kind={}&bill={}", self.of.kind.code(), self.of.id)
    }
}

/// The page of landed cost.
#[derive(Clone, Debug)]
pub struct LandedPage {
    /// The frame.
    pub site: Site,
    /// Bills that look like freight and wait to be spread, the latest first; at most [`BILLS_SHOWN_MAX`].
    pub to_spread: Vec<BillRow>,
    /// How many there are.
    pub bills: usize,
    /// The latest vouchers, the latest first; at most [`VOUCHERS_SHOWN_MAX`].
    pub vouchers: Vec<Voucher>,
    /// How many there are.
    pub count: usize,
}

/// A voucher in the list.
struct VoucherRow<'a> {
    number: VoucherNumber,
    on: Date,
    bills: String,
    total: Option<Money>,
    receipts: usize,
    made_by: &'a str,
    stage: String,
    journal: String,
}

impl<'a> VoucherRow<'a> {
    fn of(voucher: &'a Voucher) -> Self {
        let bills: Vec<String> =
            voucher.draft.bills().iter().map(|(number, of)| format!("{number} {of}")).collect();
        let mut journal = journal_words(voucher.journal.as_ref());
        if voucher.journal_back.is_some() {
            journal = format!("{journal}; against it: {}", journal_words(voucher.journal_back.as_ref()));
        }
        Self {
            number: voucher.number,
            on: voucher.draft.on,
            bills: bills.join(", "),
            total: voucher.total().ok(),
            receipts: voucher.draft.shares.len(),
            made_by: &voucher.made_by,
            stage: voucher.state_words(),
            journal,
        }
    }
}

#[derive(Template)]
#[template(path = "landed.html")]
struct AllPage<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a LandedPage,
    vouchers: Vec<VoucherRow<'a>>,
}

impl LandedPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        AllPage {
            site: &self.site,
            style: self.site.style(),
            tab: Tab::Health,
            title: "Landed cost".to_owned(),
            style_sheet: STYLE_SHEET,
            page: self,
            vouchers: self.vouchers.iter().map(VoucherRow::of).collect(),
        }
        .render()
    }

    fn more_bills(&self) -> Option<String> {
        more_words(self.bills, &self.to_spread, "earlier bill", "earlier bills")
    }

    fn more_vouchers(&self) -> Option<String> {
        more_words(self.count, &self.vouchers, "earlier voucher", "earlier vouchers")
    }
}

fn more_words<T>(count: usize, shown: &[T], one: &str, many: &str) -> Option<String> {
    let more = count.saturating_sub(shown.len());
    (more > 0).then(|| counted(more, one, many))
}

/// The page on which the bill of a new voucher is chosen.
#[derive(Clone, Debug)]
pub struct LandedChoicePage {
    /// The frame.
    pub site: Site,
    /// Bills with a line that can be spread, the latest first; at most [`BILLS_SHOWN_MAX`].
    pub rows: Vec<BillRow>,
    /// How many there are.
    pub count: usize,
}

#[derive(Template)]
#[template(path = "landed_choice.html")]
struct ChoicePage<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a LandedChoicePage,
}

impl LandedChoicePage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let (style, title) = (self.site.style(), "New voucher".to_owned());
        ChoicePage { site: &self.site, style, tab: Tab::Health, title, style_sheet: STYLE_SHEET, page: self }
            .render()
    }

    fn more(&self) -> Option<String> {
        more_words(self.count, &self.rows, "earlier bill", "earlier bills")
    }
}

#[cfg(test)]
mod tests {
    use parstock_domain::document::DocumentKind;
    use parstock_domain::ids::DocumentId;

    use super::*;

    #[test]
    fn a_bill_has_a_row_as_long_as_something_of_it_is_left() {
        let charge = |what: &str, net: &str, spread: &str| {
            serde_json::from_value(serde_json::json!({
                "line": "0b1c2d3e-0000-4000-8000-000000000001", "what": what, "account": "425", "net": net, "spread": spread
            }))
            .unwrap()
        };
        let mut purchase = Purchase {
            of: DocumentRef {
                kind: DocumentKind::SpendMoney,
                id: DocumentId("0b1c2d3e-0000-4000-8000-000000000002".parse().unwrap()),
            },
            number: String::new(),
            contact_name: "Carrier".to_owned(),
            on: jiff::civil::date(2026, 11, 20),
            has_goods: false,
            has_tracked: false,
            left_alone: false,
            papers: None,
            charges: vec![
                charge("Sea freight", "100", "40"),
                charge("Import duty", "5", "5"),
                charge("Rent", "7", "0"),
            ],
        };
        let freight = BillRow::of(&purchase, Charge::looks_like_freight).unwrap().unwrap();
        assert_eq!((freight.what.as_str(), freight.left), ("Sea freight", "60".parse().unwrap()));
        assert_eq!(freight.query(), "kind=spend_money&bill=0b1c2d3e-0000-4000-8000-000000000002");
        assert_eq!(freight.name(), "spend money");
        let all = BillRow::of(&purchase, |_| true).unwrap().unwrap();
        assert_eq!((all.what.as_str(), all.left), ("Sea freight, Rent", "67".parse().unwrap()));
        purchase.charges.truncate(2);
        purchase.charges.retain(|charge| charge.what == "Import duty");
        assert_eq!(BillRow::of(&purchase, |_| true), Ok(None));
    }
}

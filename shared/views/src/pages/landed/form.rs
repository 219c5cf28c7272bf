//! The form of a voucher: charges of a bill, and the goods that they may have carried.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use jiff::civil::Date;
use parstock_domain::document::DocumentRef;
use parstock_domain::fixed::Money;
use parstock_domain::ids::LineId;
use parstock_domain::landed::{Basis, Charge, Papers, Purchase, Received};

use super::{Entered, basis_words, bill_name, receipt_key};
use crate::format::{Style, counted};
use crate::pages::{STYLE_SHEET, Site, Tab};

/// A receipt to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptRow {
    /// The purchase that brought the goods in.
    pub of: DocumentRef,
    /// Its line.
    pub line: LineId,
    /// The supplier's name.
    pub contact_name: String,
    /// What it brought.
    pub received: Received,
}

/// What papers suggest: purchases, and which of their items, all where that is `None`.
type Suggested = BTreeMap<DocumentRef, Option<BTreeSet<String>>>;

/// The page with the form. Another one has its papers read (`csrf`, `kind` and `bill`). It sends `csrf`, `kind`, `bill`, `days`, `basis`, `on`, a `charge` and a `receipt` for each that is
/// chosen, and `amount-…`, `weight-…` and `take-…` with what was entered beside them.
#[derive(Clone, Debug)]
pub struct LandedFormPage {
    /// The frame.
    pub site: Site,
    /// The bill whose lines are spread.
    pub purchase: Purchase,
    /// The receipts to choose from.
    pub receipts: Vec<ReceiptRow>,
    /// How many days before the bill they begin.
    pub days: i64,
    /// How many that may be.
    pub days_max: i64,
    /// A part of the number or supplier of bills with goods; empty for all.
    pub search: String,
    /// How many purchases with goods are left out, and how many lines of those that are not.
    pub left_out: (usize, usize),
    /// By what it is spread.
    pub basis: Basis,
    /// What a person entered before; `None` at first.
    pub entered: Option<Entered>,
    /// What was wrong with it, and what to do.
    pub problem: Option<String>,
}

/// A basis to choose.
struct BasisChoice {
    code: &'static str,
    words: &'static str,
    checked: bool,
}

/// A charge with what was entered for it.
struct ChargeChoice<'a> {
    charge: &'a Charge,
    left: Option<Money>,
    /// Whether anything is left to spread.
    is_open: bool,
    checked: bool,
    amount: &'a str,
}

/// A receipt with what was entered for it.
struct ReceiptChoice<'a> {
    key: String,
    bill: &'a str,
    contact_name: &'a str,
    received: &'a Received,
    checked: bool,
    weight: &'a str,
    take: &'a str,
}

#[derive(Template)]
#[template(path = "landed_form.html")]
struct FormPage<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a LandedFormPage,
    bill: &'a str,
    kind: &'static str,
    charges: Vec<ChargeChoice<'a>>,
    bases: Vec<BasisChoice>,
    on: &'a str,
    today: Date,
    receipts: Vec<ReceiptChoice<'a>>,
}

impl LandedFormPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let style = self.site.style();
        let bill = bill_name(&self.purchase.of, &self.purchase.number);
        let suggested = self.purchase.papers.as_ref().map(Papers::suggested).unwrap_or_default();
        let bases = Basis::ALL.map(|basis| BasisChoice {
            code: basis.code(),
            words: basis_words(basis),
            checked: basis == self.basis,
        });
        FormPage {
            site: &self.site,
            tab: Tab::Health,
            title: format!("Spread {bill}"),
            style_sheet: STYLE_SHEET,
            page: self,
            bill,
            kind: self.purchase.of.kind.code(),
            charges: self.purchase.charges.iter().map(|charge| self.charge(charge)).collect(),
            bases: bases.into(),
            on: self.text("on"),
            today: style.today(),
            receipts: self.receipts.iter().map(|receipt| self.receipt(receipt, &suggested)).collect(),
            style,
        }
        .render()
    }

    fn text(&self, name: &str) -> &str {
        self.entered.as_ref().map_or("", |entered| entered.text(name))
    }

    fn charge<'a>(&'a self, charge: &'a Charge) -> ChargeChoice<'a> {
        let line = charge.line.to_string();
        let left = charge.left().ok();
        ChargeChoice {
            charge,
            left,
            is_open: left.is_some_and(|left| left > Money::ZERO),
            amount: self.text(&format!("amount-{line}")),
            checked: match &self.entered {
                Some(entered) => entered.charges.contains(&line),
                None => charge.looks_like_freight(),
            },
        }
    }

    fn receipt<'a>(&'a self, receipt: &'a ReceiptRow, suggested: &Suggested) -> ReceiptChoice<'a> {
        let is_suggested = suggested
            .get(&receipt.of)
            .is_some_and(|items| items.as_ref().is_none_or(|items| items.contains(&receipt.received.code)));
        let key = receipt_key(receipt.of, receipt.line);
        ReceiptChoice {
            bill: bill_name(&receipt.of, &receipt.received.number),
            contact_name: &receipt.contact_name,
            received: &receipt.received,
            checked: match &self.entered {
                Some(entered) => entered.receipts.contains(&key),
                None => receipt.of == self.purchase.of || is_suggested,
            },
            weight: self.text(&format!("weight-{key}")),
            take: self.text(&format!("take-{key}")),
            key,
        }
    }

    /// What its papers say, if anybody asked for them.
    fn papers_words(&self) -> Option<String> {
        let papers = self.purchase.papers.as_ref()?;
        let words = papers.words();
        let chosen = if papers.suggested().is_empty() { "" } else { " These goods are chosen below." };
        Some(match papers {
            Papers::Read { papers, .. } if !papers.is_empty() => format!("Attached: {words}.{chosen}"),
            Papers::Due => "Its papers are being read: look again in a minute.".to_owned(),
            Papers::Read { .. } => "No paper is attached to it in Xero.".to_owned(),
            Papers::Failed { why } => format!("Its papers could not be read: {why}"),
        })
    }

    /// Whether its papers can be read now.
    fn may_read_papers(&self) -> bool {
        self.purchase.papers != Some(Papers::Due)
    }

    fn left_out_words(&self) -> Option<String> {
        let (purchases, lines) = self.left_out;
        let purchases =
            (purchases > 0).then(|| counted(purchases, "bill further in time", "bills further in time"));
        let lines = (lines > 0).then(|| counted(lines, "more line", "more lines"));
        let both: Vec<String> = lines.into_iter().chain(purchases).collect();
        (!both.is_empty()).then(|| both.join(" and "))
    }
}

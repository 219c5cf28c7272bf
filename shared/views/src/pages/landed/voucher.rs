//! A voucher: what it spreads over what, and what became of it.

use askama::Template;
use parstock_domain::adjustment::AdjustmentNumber;
use parstock_domain::fixed::Money;
use parstock_domain::ids::DayNumber;
use parstock_domain::landed::{
    Basis, Draft, Revaluation, RevaluationFate, Share, Stage, Voucher, VoucherJournal,
};

use super::{basis_words, bill_name, journal_words};
use crate::format::Style;
use crate::pages::{STYLE_SHEET, Site, Tab};

/// The page of a voucher. Its form, while it stands, sends `csrf` and `reason`.
#[derive(Clone, Debug)]
pub struct VoucherPage {
    /// The frame.
    pub site: Site,
    /// The voucher.
    pub voucher: Voucher,
    /// The halves of its revaluations that are made, each with where it stands.
    pub halves: Vec<(AdjustmentNumber, String)>,
    /// What was wrong with the last try to take it back, and what to do.
    pub problem: Option<String>,
}

/// A share with the name of its bill.
struct Row<'a> {
    share: &'a Share,
    bill: &'a str,
}

/// One of its journals.
struct JournalShown<'a> {
    what: &'static str,
    words: String,
    journal: &'a VoucherJournal,
}

/// One of its revaluations.
struct RevaluationShown<'a> {
    what: &'static str,
    revaluation: &'a Revaluation,
    words: String,
}

#[derive(Template)]
#[template(path = "voucher.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a VoucherPage,
    voucher: &'a Voucher,
    draft: &'a Draft,
    total: Option<Money>,
    basis: &'static str,
    by_weight: bool,
    stage: String,
    rows: Vec<Row<'a>>,
    journals: Vec<JournalShown<'a>>,
    revaluations: Vec<RevaluationShown<'a>>,
    story: Option<String>,
    moves: bool,
    can_be_taken_back: bool,
}

impl VoucherPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let (voucher, style) = (&self.voucher, self.site.style());
        let both = [("Its journal", &voucher.journal), ("The journal against it", &voucher.journal_back)];
        let journals = both.into_iter().filter_map(|(what, journal)| {
            let journal = journal.as_ref()?;
            Some(JournalShown { what, words: journal_words(Some(journal)), journal })
        });
        let both = [
            ("What it puts on stock that Xero tracks", &voucher.revaluation),
            ("What comes off again", &voucher.revaluation_back),
        ];
        let revaluations = both.into_iter().filter_map(|(what, revaluation)| {
            let revaluation = revaluation.as_ref()?;
            Some(RevaluationShown { what, revaluation, words: self.words(revaluation) })
        });
        let rows = voucher.draft.shares.iter();
        let rows = rows.map(|share| Row { share, bill: bill_name(&share.of, &share.number) });
        let stands = voucher.stage == Stage::Booked;
        let story = voucher.taken_back.as_ref().map(|taken| {
            let what = if stands { "To be taken back" } else { "Taken back" };
            format!("{what} by {} at {}: {}", taken.by, style.instant(taken.at), taken.reason)
        });
        Page {
            site: &self.site,
            style,
            tab: Tab::Health,
            title: format!("Landed cost voucher {}", voucher.number),
            style_sheet: STYLE_SHEET,
            page: self,
            voucher,
            draft: &voucher.draft,
            total: voucher.total().ok(),
            basis: basis_words(voucher.draft.basis),
            by_weight: voucher.draft.basis == Basis::Weight,
            stage: voucher.state_words(),
            rows: rows.collect(),
            journals: journals.collect(),
            revaluations: revaluations.collect(),
            story,
            moves: matches!(voucher.stage, Stage::Booking | Stage::TakingBack),
            can_be_taken_back: stands && !voucher.waits_to_be_taken_back(),
        }
        .render()
    }

    /// Where the two documents of a revaluation stand.
    fn words(&self, revaluation: &Revaluation) -> String {
        let Some(first) = revaluation.adjustment else {
            return "Nothing of them was left, so nothing is written.".to_owned();
        };
        let second = AdjustmentNumber(DayNumber { index: first.0.index.saturating_add(1), ..first.0 });
        let state = |number| self.halves.iter().find(|(known, _)| *known == number).map(|(_, state)| state);
        let bill = state(first).map_or("not known any more", String::as_str);
        let note = state(second).map_or("comes after the bill", String::as_str);
        let figures = match revaluation.fate {
            RevaluationFate::Settled => "",
            _ => " The figures are worked out again, by what lies there when the bill is written.",
        };
        format!("Bill {first}: {bill}. Credit note {second}: {note}.{figures}")
    }
}

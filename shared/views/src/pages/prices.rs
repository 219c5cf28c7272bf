//! Item prices in Xero that bills have left behind: what is proposed, and the decision on it.

use std::collections::BTreeSet;

use askama::Template;
use parstock_domain::fixed::{Money, mul_div};
use parstock_domain::ids::ItemId;
use parstock_domain::prices::{PriceChange, PriceStatus};

use super::{STYLE_SHEET, Site, Tab};
use crate::format::{NO_FIGURE, Style, counted, percent_of};

/// Prices that one form offers; the others come when these are decided.
pub const PRICES_SHOWN_MAX: usize = 200;

/// The page of item prices. Its form sends `csrf`, `decision` (`approve` or `reject`) and a `price` for each that is chosen, by
/// [`price_key`].
#[derive(Clone, Debug)]
pub struct PricesPage {
    /// The frame.
    pub site: Site,
    /// The changes that wait for a person, those of most percent first; at most [`PRICES_SHOWN_MAX`].
    pub open: Vec<PriceChange>,
    /// How many there are.
    pub count: usize,
    /// Approved ones that are on their way.
    pub under_way: usize,
    /// From how many percent on a change is proposed; zero for never.
    pub percent: u16,
    /// What was wrong with the last decision, what to do, and which prices that was about.
    pub problem: Option<(String, BTreeSet<ItemId>)>,
}

/// By what the form knows a price: the item, and the price that was shown.
pub fn price_key(item: ItemId, to: Money) -> String {
    format!("{item}:{to}")
}

/// The order of the list: by how far the price moved.
pub fn moved_per_mille(change: &PriceChange) -> i64 {
    let moved = change.to.minus(change.from).map_or(i64::MAX, Money::e4);
    mul_div(moved, 1000, change.from.e4()).unwrap_or(i64::MAX)
}

/// A change in the list.
struct Row<'a> {
    key: String,
    change: &'a PriceChange,
    moved: String,
    margin: Option<(String, String)>,
    problem: Option<&'a str>,
    checked: bool,
}

impl<'a> Row<'a> {
    fn of(change: &'a PriceChange, chosen: Option<&BTreeSet<ItemId>>) -> Self {
        let margin = change.sales_price.filter(|price| *price > Money::ZERO);
        // it is sold one by one, whatever its supplier counts by
        let one = |price: Money| {
            let of_one = change.unit.as_ref().and_then(|unit| unit.price_to_base(price).ok());
            of_one.unwrap_or(price)
        };
        Self {
            key: price_key(change.item, change.to),
            change,
            moved: signed(moved_per_mille(change)),
            margin: margin
                .map(|price| (margin_of(price, one(change.from)), margin_of(price, one(change.to)))),
            problem: match &change.status {
                PriceStatus::Failed { reason } => Some(reason),
                _ => None,
            },
            checked: match chosen {
                Some(chosen) => chosen.contains(&change.item),
                None => matches!(change.status, PriceStatus::Open),
            },
        }
    }
}

/// What is left of a sales price after a cost, in percent of it.
fn margin_of(price: Money, cost: Money) -> String {
    let per_mille = price.minus(cost).and_then(|left| mul_div(left.e4(), 1000, price.e4()));
    per_mille.map_or_else(|_| NO_FIGURE.to_owned(), percent_of)
}

fn signed(per_mille: i64) -> String {
    let plus = if per_mille > 0 { "+" } else { "" };
    format!("{plus}{}", percent_of(per_mille))
}

#[derive(Template)]
#[template(path = "prices.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a PricesPage,
    rows: Vec<Row<'a>>,
}

impl PricesPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let chosen = self.problem.as_ref().map(|(_, chosen)| chosen);
        Page {
            site: &self.site,
            style: self.site.style(),
            tab: Tab::Proposals,
            title: "Item prices".to_owned(),
            style_sheet: STYLE_SHEET,
            page: self,
            rows: self.open.iter().map(|change| Row::of(change, chosen)).collect(),
        }
        .render()
    }

    fn more_words(&self) -> Option<String> {
        let more = self.count.saturating_sub(self.open.len());
        (more > 0).then(|| counted(more, "more price", "more prices"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_told_with_their_sign() {
        assert_eq!(
            (signed(125), signed(-5), signed(0)),
            ("+12.5 %".into(), "\u{2212}0.5 %".into(), "0.0 %".into())
        );
        let money = |text: &str| text.parse().unwrap();
        assert_eq!(margin_of(money("20"), money("15")), "25.0 %");
        assert_eq!(margin_of(money("20"), money("21")), "\u{2212}5.0 %");
    }
}

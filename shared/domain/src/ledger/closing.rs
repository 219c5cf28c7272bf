//! What was reported of a month when its books closed: kept as it was, so that anybody can hold the ledger against it later.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::card::Balance;
use super::movement::{Cause, Movement, Place};
use super::valuation::Restatement;
use crate::audit::Hash;
use crate::fixed::{FixedError, Money};
use crate::ids::ItemId;

/// Stock in a month as the books count it. What lay there before, `opened`, `purchased` and less `sold` make up what lies there
/// at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// What lay there at the month's end.
    pub end: Balance,
    /// What balances brought in with which the book of an item began or ended, base currency.
    pub opened: Money,
    /// What came in from suppliers, less what went back, with what landed on it.
    pub purchased: Money,
    /// What left otherwise: sold, used, lost, or found missing by a count.
    pub sold: Money,
}

/// The figures of a month while movements and restatements are read, in any order.
#[derive(Clone, Copy, Debug)]
pub struct Month {
    first: Date,
    last: Date,
    figures: Figures,
    /// Whether it began with a balance that booked a movement.
    began: bool,
    /// Whether a balance was known by its end.
    is_known: bool,
}

impl Month {
    /// The month of a day.
    pub fn of(day: Date) -> Self {
        Self {
            first: day.first_of_month(),
            last: day.last_of_month(),
            figures: Figures::default(),
            began: false,
            is_known: false,
        }
    }

    /// Takes a movement in.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn movement(&mut self, movement: &Movement) -> Result<(), FixedError> {
        self.began |= movement.key.cause == Cause::Opening;
        let counted_on = movement.posted_on.unwrap_or(movement.key.effective_on);
        if counted_on > self.last {
            return Ok(());
        }
        self.is_known |= movement.is_balance();
        let change = Balance { quantity: movement.signed_quantity()?, value: movement.layer_change()? };
        let figures = &mut self.figures;
        figures.end = figures.end.plus(change)?;
        if counted_on < self.first {
            return Ok(());
        }
        let is_of = |place: &Place| movement.from == *place || movement.to == *place;
        if movement.key.cause == Cause::Opening {
            figures.opened = figures.opened.plus(change.value)?;
        } else if is_of(&Place::Supplier) {
            // what had been sold before it came, and cost more or less than was known
            figures.purchased = figures.purchased.plus(change.value)?.plus(movement.correction)?;
            figures.sold = figures.sold.plus(movement.correction)?;
        } else {
            figures.sold = figures.sold.minus(change.value)?;
        }
        Ok(())
    }

    /// Takes in what changed the worth of earlier movements.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn restatement(&mut self, restatement: &Restatement) -> Result<(), FixedError> {
        let open = restatement.months.iter().map(|(month, change)| (*month, *change));
        let posted_on = restatement.posted_on;
        let closed = restatement.closed.values().filter_map(|change| Some((posted_on?, *change)));
        for (counted_on, change) in open.chain(closed).filter(|(on, _)| *on <= self.last) {
            self.figures.end.value = self.figures.end.value.plus(change)?;
            if counted_on >= self.first {
                self.figures.sold = self.figures.sold.minus(change)?;
            }
        }
        Ok(())
    }

    /// What the month reports; `None` where nobody knew at its end what lay there. `opened` says whether an opening balance stands: one of
    /// zero books no movement, and is known from the beginning.
    pub fn figures(self, opened: bool) -> Option<Figures> {
        (opened && (self.is_known || !self.began)).then_some(self.figures)
    }
}

impl Figures {
    /// The sum.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, FixedError> {
        Ok(Self {
            end: self.end.plus(other.end)?,
            opened: self.opened.plus(other.opened)?,
            purchased: self.purchased.plus(other.purchased)?,
            sold: self.sold.plus(other.sold)?,
        })
    }
}

/// What was reported of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedItem {
    /// The item.
    pub item: ItemId,
    /// Its code then.
    pub code: String,
    /// Whether Xero was its book then.
    pub tracked: bool,
    /// The figures.
    pub figures: Figures,
    /// What Xero had said last by the month's end of an item that it tracks, if it was asked by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xero: Option<Balance>,
}

/// How far a closing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosingState {
    /// Its items are being put down, those up to this one are.
    Making(Option<ItemId>),
    /// It stands.
    Standing,
    /// The month was opened again at this instant.
    Reopened(Timestamp),
}

/// What was reported of a month.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// The month, by its first day.
    pub month: Date,
    /// Counts the closings of the month, from 1: it may be opened and closed again.
    pub number: u32,
    /// What was known at this instant is in it, of items whose book is Xero's.
    pub known_at: Timestamp,
    /// How far it is.
    pub state: ClosingState,
    /// Rows of items.
    pub parts: u32,
    /// Items with figures.
    pub items: u32,
    /// Items of which nobody knew what lay there.
    pub not_counted: u32,
    /// The sum of the items whose book is ours.
    pub ours: Figures,
    /// The sum of the items whose book is Xero's, as its documents were booked.
    pub tracked: Figures,
    /// How many these are.
    pub tracked_items: u32,
    /// The sum of what Xero had said by then, of those of which it had said anything.
    pub xero: Balance,
    /// How many these are.
    pub said: u32,
    /// Over all parts in their order.
    pub hash: Hash,
}

impl Closing {
    /// The beginning of one.
    pub fn begin(month: Date, number: u32, known_at: Timestamp) -> Self {
        Self {
            month: month.first_of_month(),
            number,
            known_at,
            state: ClosingState::Making(None),
            parts: 0,
            items: 0,
            not_counted: 0,
            ours: Figures::default(),
            tracked: Figures::default(),
            tracked_items: 0,
            xero: Balance::default(),
            said: 0,
            hash: Hash::of(&[]),
        }
    }

    /// Adds a part.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn add(&mut self, part: &[ClosedItem], not_counted: u32, text: &[u8]) -> Result<(), FixedError> {
        for item in part {
            let sum = if item.tracked { &mut self.tracked } else { &mut self.ours };
            *sum = sum.plus(item.figures)?;
            self.tracked_items = self.tracked_items.saturating_add(u32::from(item.tracked));
            if let Some(xero) = item.xero {
                self.xero = self.xero.plus(xero)?;
                self.said = self.said.saturating_add(1);
            }
        }
        self.hash = Hash::of(&[self.hash.to_string().as_bytes(), text].concat());
        self.items = self.items.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
        self.not_counted = self.not_counted.saturating_add(not_counted);
        self.parts = self.parts.saturating_add(1);
        Ok(())
    }

    /// Whether another one, made of the stored parts once more, is the same.
    pub fn is_made_of(&self, again: &Self) -> bool {
        let made = Self { state: self.state, ..again.clone() };
        *self == made
    }

    /// Whether the month counts as reported by it.
    pub const fn stands(&self) -> bool {
        !matches!(self.state, ClosingState::Reopened(_))
    }
}

/// What is to be done so that each closed month is reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// This one is made, or made further.
    Make(Closing),
    /// This one was opened again.
    Reopen(Closing),
}

/// What is due next, given all closings and the last closed day. The first month that is ever reported is the last one that was closed
/// then: of those before it nothing was reported by us. `known_at` is what a new one knows by.
pub fn due(closings: &[Closing], closed_through: Option<Date>, known_at: Timestamp) -> Option<Due> {
    let last = closed_through.and_then(last_closed_month);
    let latest =
        |month: Date| closings.iter().filter(|closing| closing.month == month).max_by_key(|it| it.number);
    let opened =
        closings.iter().find(|closing| closing.stands() && last.is_none_or(|last| closing.month > last));
    if let Some(opened) = opened {
        return Some(Due::Reopen(opened.clone()));
    }
    let last = last?;
    let mut month = closings.iter().map(|closing| closing.month).min().unwrap_or(last);
    while month <= last {
        match latest(month) {
            Some(closing) if closing.state == ClosingState::Standing => {}
            Some(closing) if closing.stands() => return Some(Due::Make(closing.clone())),
            known => {
                let number = known.map_or(0, |known| known.number).saturating_add(1);
                return Some(Due::Make(Closing::begin(month, number, known_at)));
            }
        }
        month = month.last_of_month().tomorrow().ok()?;
    }
    None
}

/// The last month, by its first day, all of whose days are closed.
pub fn last_closed_month(closed_through: Date) -> Option<Date> {
    let month = closed_through.first_of_month();
    if closed_through == closed_through.last_of_month() {
        return Some(month);
    }
    Some(month.yesterday().ok()?.first_of_month())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::super::notebook::{Line, Notebook, day};
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn standing(month: Date, number: u32) -> Closing {
        Closing { state: ClosingState::Standing, ..Closing::begin(month, number, at(0)) }
    }

    fn made(due: Option<Due>) -> Option<(Date, u32)> {
        match due {
            Some(Due::Make(closing)) => Some((closing.month, closing.number)),
            _ => None,
        }
    }

    #[test]
    fn a_month_is_closed_with_its_last_day() {
        assert_eq!(last_closed_month(date(2026, 5, 31)), Some(date(2026, 5, 1)));
        assert_eq!(last_closed_month(date(2026, 5, 30)), Some(date(2026, 4, 1)));
        assert_eq!(last_closed_month(date(2026, 6, 1)), Some(date(2026, 5, 1)));
    }

    #[test]
    fn each_month_from_the_first_reported_one_on_is_reported_once() {
        let (april, may, june) = (date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1));
        assert_eq!(made(due(&[], Some(date(2026, 5, 31)), at(9))), Some((may, 1)));
        assert_eq!(due(&[], None, at(9)), None);
        let known = [standing(april, 1)];
        assert_eq!(made(due(&known, Some(date(2026, 6, 30)), at(9))), Some((may, 1)), "one after the other");
        let known = [standing(april, 1), standing(may, 1), Closing::begin(june, 1, at(5))];
        let Some(Due::Make(further)) = due(&known, Some(date(2026, 7, 2)), at(9)) else { panic!("goes on") };
        assert_eq!((further.month, further.known_at), (june, at(5)));
        assert_eq!(due(&known[..2], Some(date(2026, 5, 31)), at(9)), None);
    }

    #[test]
    fn a_month_that_is_opened_again_keeps_what_was_reported_and_is_reported_anew() {
        let (april, may) = (date(2026, 4, 1), date(2026, 5, 1));
        let mut known = [standing(april, 1), standing(may, 1)];
        let Some(Due::Reopen(reopened)) = due(&known, Some(date(2026, 4, 30)), at(9)) else { panic!("open") };
        assert_eq!(reopened.month, may);
        known[1] = Closing { state: ClosingState::Reopened(at(9)), ..reopened };
        assert_eq!(due(&known, Some(date(2026, 4, 30)), at(9)), None);
        assert_eq!(made(due(&known, Some(date(2026, 5, 31)), at(9))), Some((may, 2)));
        assert!(matches!(due(&known, None, at(9)), Some(Due::Reopen(closing)) if closing.month == april));
    }

    #[test]
    fn a_month_shows_what_was_bought_and_sold() {
        let mut notebook = Notebook::default();
        notebook.count(day(-45), 10, Some("10"));
        notebook.set(1, Some(Line::bought(day(-25), 10, "300")));
        notebook.set(2, Some(Line::sold(day(-20), 5)));
        let may = notebook.figures(date(2026, 5, 1));
        assert_eq!(
            [may.opened, may.purchased, may.sold, may.end.value].map(|amount| amount.to_string()),
            ["0.00", "300.00", "100.00", "300.00"]
        );
        let april = notebook.figures(date(2026, 4, 1));
        assert_eq!(
            (april.opened.to_string(), april.end.quantity.to_string()),
            ("100.00".into(), "10".into())
        );
        notebook.open_from = Some(day(0));
        // told in June: it belongs to April, and the sale in May costs more
        notebook.set(3, Some(Line::bought(day(-40), 10, "400")));
        assert_eq!((notebook.figures(date(2026, 5, 1)), notebook.figures(date(2026, 4, 1))), (may, april));
        let june = notebook.figures(date(2026, 6, 1));
        assert_eq!((june.purchased.to_string(), june.end.value), ("400.00".into(), notebook.position.value));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Each month begins with what the month before ended with, and the last ends with what lies there.
        #[test]
        fn months_follow_each_other(
            lines in prop::collection::vec((1u128..20, -80i64..29, -9i64..10, 1u16..900), 1..25),
            closed in -60i64..30,
            close_after in 0usize..25,
        ) {
            let mut notebook = Notebook::default();
            notebook.count(day(-85), 50, Some("3"));
            for (at, (number, on, units, cost)) in lines.into_iter().enumerate() {
                if at == close_after {
                    notebook.open_from = Some(day(closed));
                }
                let line = if units > 0 { Line::bought(day(on), units, &cost.to_string()) } else { Line::sold(day(on), -units) };
                // a document keeps its kind
                notebook.set(if units > 0 { number } else { number + 100 }, (units != 0).then_some(line));
            }
            let mut before = Money::ZERO;
            let mut end = Balance::default();
            for month in [date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)] {
                let figures = notebook.figures(month);
                let change = figures.opened.plus(figures.purchased).unwrap().minus(figures.sold).unwrap();
                prop_assert_eq!(before.plus(change).unwrap(), figures.end.value);
                prop_assert_eq!(notebook.reported(month.last_of_month()), figures.end.value);
                (before, end) = (figures.end.value, figures.end);
            }
            prop_assert_eq!(end, Balance { quantity: notebook.position.booked, value: notebook.position.value });
        }
    }
}

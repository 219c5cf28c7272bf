//! The card of an item: its movements in effective order, each with what lay there after it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::movement::{Cause, Movement};
use crate::fixed::{FixedError, Money, Quantity};

/// What lies there, and what it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// How much.
    pub quantity: Quantity,
    /// Its cost, base currency.
    pub value: Money,
}

impl Balance {
    /// The sum.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn plus(self, other: Self) -> Result<Self, FixedError> {
        Ok(Self { quantity: self.quantity.plus(other.quantity)?, value: self.value.plus(other.value)? })
    }
}

/// A movement with what lay there after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardLine {
    /// The movement.
    pub movement: Movement,
    /// What lay there after it; `None` before the first opening balance, when nobody knows what lay there before.
    pub after: Option<Balance>,
}

/// The card of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its lines, the earliest first.
    pub lines: Vec<CardLine>,
    /// What lies there after the last of them; `None` where nobody knows.
    pub end: Option<Balance>,
}

impl Card {
    /// Folds the movements of an item up to the end of a day, or all of them, those dated ahead included. `opened` says
    /// whether an opening balance stands: one of zero books no movement, and then the card begins with nothing.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn fold(
        mut movements: Vec<Movement>,
        opened: bool,
        through: Option<Date>,
    ) -> Result<Self, FixedError> {
        movements.sort_by_key(|movement| movement.key);
        let is_opening = |movement: &Movement| movement.key.cause == Cause::Opening;
        let mut is_known = opened && !movements.iter().any(is_opening);
        movements.retain(|movement| through.is_none_or(|day| movement.key.effective_on <= day));
        let mut balance = Balance::default();
        let mut lines = Vec::with_capacity(movements.len());
        for movement in movements {
            let change = Balance { quantity: movement.signed_quantity()?, value: movement.layer_change()? };
            balance = balance.plus(change)?;
            is_known |= opened && is_opening(&movement);
            lines.push(CardLine { movement, after: is_known.then_some(balance) });
        }
        Ok(Self { lines, end: is_known.then_some(balance) })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;
    use uuid::Uuid;

    use super::*;
    use crate::document::{DocumentKind, DocumentRef};
    use crate::ids::{CommitId, DocumentId, ItemId, LineId, LocationId};
    use crate::ledger::{MovementKey, Place};

    fn movement(day: i8, cause: Cause, change: i64, value: &str, correction: &str) -> Movement {
        let (out, ours) = (change < 0, Place::Stock(LocationId::main()));
        let (from, to) = if out { (ours, Place::Customer) } else { (Place::Supplier, ours) };
        Movement {
            item: ItemId(Uuid::from_u128(7)),
            key: MovementKey { effective_on: date(2026, 6, day), out, cause, revision: 1, correction: false },
            quantity: Quantity::from_whole(change.abs()).unwrap(),
            from,
            to,
            value: value.parse().unwrap(),
            correction: correction.parse().unwrap(),
            recorded_at: Timestamp::UNIX_EPOCH,
            commit: CommitId(Uuid::nil()),
        }
    }

    fn of(kind: DocumentKind, number: u128) -> Cause {
        let of = DocumentRef { kind, id: DocumentId(Uuid::from_u128(number)) };
        Cause::Document { of, line: LineId(Uuid::from_u128(number)) }
    }

    fn balances(card: &Card) -> Vec<Option<(String, String)>> {
        let after = card.lines.iter().map(|line| line.after).chain([card.end]);
        after.map(|after| after.map(|after| (after.quantity.to_string(), after.value.to_string()))).collect()
    }

    #[test]
    fn each_line_says_what_lay_there_after_it() {
        let movements = vec![
            movement(9, of(DocumentKind::SalesInvoice, 2), -4, "12", "0"),
            movement(1, Cause::Opening, 10, "30", "0"),
            // six were oversold at 3 each before they came, and cost 1 more each
            movement(12, of(DocumentKind::Bill, 3), 8, "32", "6"),
        ];
        let known = |quantity: &str, value: &str| Some((quantity.to_owned(), value.to_owned()));
        let all = [known("10", "30.00"), known("6", "18.00"), known("14", "44.00")];
        let card = Card::fold(movements.clone(), true, None).unwrap();
        assert_eq!(balances(&card), [all.as_slice(), &all[2..]].concat());
        let earlier = Card::fold(movements, true, Some(date(2026, 6, 9))).unwrap();
        assert_eq!(balances(&earlier), [&all[..2], &all[1..2]].concat());
    }

    #[test]
    fn what_lay_there_before_the_first_opening_is_not_known() {
        let movements = vec![
            movement(1, of(DocumentKind::SalesInvoice, 2), -4, "0", "0"),
            movement(5, Cause::Opening, 14, "30", "0"),
        ];
        let card = Card::fold(movements.clone(), true, None).unwrap();
        let after = Some(("10".to_owned(), "30.00".to_owned()));
        assert_eq!(balances(&card), [None, after.clone(), after]);
        assert_eq!(Card::fold(movements.clone(), true, Some(date(2026, 6, 4))).unwrap().end, None);
        // nobody has counted it
        assert_eq!(balances(&Card::fold(movements[..1].to_vec(), false, None).unwrap()), [None, None]);
        // an opening of nothing
        assert_eq!(Card::fold(Vec::new(), true, None).unwrap().end, Some(Balance::default()));
    }
}

//! The card of an item: its movements in effective order, each with what it is worth by all that is known now and what lay
//! there after it.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::fold::{self, Ahead, Standing};
use super::movement::{Cause, Movement, MovementKey};
use super::valuation::{Checkpoint, Layers, Valuation};
use crate::costing::{Costed, Method};
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

    /// The difference.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn minus(self, other: Self) -> Result<Self, FixedError> {
        Ok(Self { quantity: self.quantity.minus(other.quantity)?, value: self.value.minus(other.value)? })
    }
}

/// What a cost layer is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerOf {
    /// All that lies there: the average tells no receipts apart.
    All,
    /// What left before it had come in.
    Oversold,
    /// What this movement brought in.
    Movement(MovementKey),
    /// What lay there by the average before this day, on which another method began.
    Before(Date),
}

/// What remains of a cost layer, or what a movement changed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerPart {
    /// The layer.
    pub of: LayerOf,
    /// How much.
    pub balance: Balance,
}

/// A movement with what lay there after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardLine {
    /// The movement.
    pub movement: Movement,
    /// How much it changes the value of the stock, by all that is known now. What was taken back cancels out.
    pub value: Money,
    /// What of that is the cost of goods that had been consumed before.
    pub correction: Money,
    /// What it changed of which cost layers, the oldest first; what the counts of a day changed stands with the last of them. Nothing
    /// of what does not stand.
    pub layers: Vec<LayerPart>,
    /// What lay there after it; `None` before the first opening balance, when nobody knows what lay there before.
    pub after: Option<Balance>,
}

/// The card of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// What lay there before the first of its lines; `None` where nobody knows.
    pub before: Option<Balance>,
    /// Its lines, the earliest first: the latest of those that were asked for.
    pub lines: Vec<CardLine>,
    /// How many were asked for.
    pub found: usize,
    /// What lies there after the last of them; `None` where nobody knows.
    pub end: Option<Balance>,
    /// What lies there by the receipts that it came from, the oldest first; all of it together with the average, or while it
    /// is oversold.
    pub layers: Vec<LayerPart>,
}

/// From when the card is looked at. With neither it is all that is known, what is dated ahead included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Lines of this day and later ones; what was there before is carried in.
    pub from: Option<Date>,
    /// Up to the end of this day.
    pub at: Option<Date>,
    /// By what was booked up to this instant, instead of all that is known now.
    pub known: Option<Timestamp>,
    /// As if costs had always gone by this method, whatever the book says: a view for management.
    pub by: Option<Method>,
}

impl View {
    fn shows(&self, movement: &Movement) -> bool {
        self.at.is_none_or(|day| movement.key.effective_on <= day)
            && self.known.is_none_or(|known| movement.recorded_at <= known)
    }
}

/// What has to be known of an item's movements, all of them, before its card is folded.
#[derive(Clone, Debug, Default)]
pub struct Foreseen {
    has_balance: bool,
    naming: Vec<Movement>,
}

impl Foreseen {
    /// Looks at some of the movements.
    pub fn see<'a>(&mut self, movements: impl IntoIterator<Item = &'a Movement>) {
        for movement in movements {
            self.has_balance |= movement.is_balance();
            if fold::may_name_others(&movement.key.cause) {
                self.naming.push(movement.clone());
            }
        }
    }
}

/// A card while its movements are read, some days at a time.
#[derive(Clone, Debug)]
pub struct CardFold {
    /// `None` where each movement is worth what it was booked at.
    valuation: Option<Valuation>,
    base: Option<Checkpoint>,
    ahead: Ahead,
    opened: bool,
    is_known: bool,
    view: View,
    lines_max: usize,
    balance: Balance,
    before: Option<Balance>,
    lines: VecDeque<CardLine>,
    found: usize,
}

impl CardFold {
    /// Begins a card with at most `lines_max` lines, the latest. `opened` says whether an opening balance stands: one of zero may have
    /// booked no movement, and then the card begins with nothing. With a `base` it begins there, at a day at whose end it was known
    /// what lay there.
    pub fn new(
        layers: &Layers,
        base: Option<Checkpoint>,
        opened: bool,
        view: View,
        foreseen: Foreseen,
        lines_max: usize,
    ) -> Self {
        let Foreseen { has_balance, mut naming } = foreseen;
        naming.retain(|movement| view.shows(movement));
        let layers = match view.by {
            Some(method) => &Layers::Effective(Box::new(Valuation::new(method))),
            None => layers,
        };
        let is_known = opened && (base.is_some() || !has_balance);
        let began = base.as_ref().map(|base| base.costs.total()).unwrap_or_default();
        let balance = Balance { quantity: began.quantity, value: began.cost };
        Self {
            valuation: match layers {
                Layers::Arrival(_) => None,
                Layers::Effective(valuation) => Some((**valuation).clone()),
            },
            base,
            ahead: Ahead::of(&naming, &Standing::of(&naming)),
            opened,
            is_known,
            view,
            lines_max,
            balance,
            before: is_known.then_some(balance),
            lines: VecDeque::new(),
            found: 0,
        }
    }

    /// Adds the movements of the next days, of each all.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn add(&mut self, mut movements: Vec<Movement>) -> Result<(), FixedError> {
        movements.retain(|movement| self.view.shows(movement));
        let valued = match &self.valuation {
            None => as_booked(movements)?,
            Some(valuation) => {
                let (valued, now) = by_day(&movements, valuation, self.base.as_ref(), &mut self.ahead)?;
                self.base = now;
                valued
            }
        };
        for Valued { movement, value, correction, layers } in valued {
            let change = Balance { quantity: movement.signed_quantity()?, value };
            self.balance = self.balance.plus(change)?;
            self.is_known |= self.opened && movement.is_balance();
            let after = self.is_known.then_some(self.balance);
            if self.view.from.is_some_and(|from| movement.key.effective_on < from) {
                self.before = after;
                continue;
            }
            self.found = self.found.saturating_add(1);
            self.lines.push_back(CardLine { movement, value, correction, layers, after });
            if self.lines.len() > self.lines_max
                && let Some(first) = self.lines.pop_front()
            {
                self.before = first.after;
            }
        }
        Ok(())
    }

    /// The card, once all movements are added.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn finish(self) -> Result<Card, FixedError> {
        let mut layers = self.base.map_or_else(|| Ok(Vec::new()), |now| fold::layers(&now.costs))?;
        if self.valuation.is_none() && !self.balance.quantity.is_zero() {
            layers.push(LayerPart { of: LayerOf::All, balance: self.balance });
        }
        Ok(Card {
            before: self.before,
            lines: self.lines.into(),
            found: self.found,
            end: self.is_known.then_some(self.balance),
            layers,
        })
    }
}

impl Card {
    /// The whole card of an item, of all its movements at once.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub fn fold(
        movements: Vec<Movement>,
        layers: &Layers,
        opened: bool,
        view: View,
    ) -> Result<Self, FixedError> {
        let mut foreseen = Foreseen::default();
        foreseen.see(&movements);
        let mut card = CardFold::new(layers, None, opened, view, foreseen, usize::MAX);
        card.add(movements)?;
        card.finish()
    }
}

/// A movement and what it is worth.
struct Valued {
    movement: Movement,
    value: Money,
    correction: Money,
    layers: Vec<LayerPart>,
}

impl Valued {
    fn as_booked(movement: Movement) -> Result<Self, FixedError> {
        let (value, correction) = (movement.layer_change()?, movement.correction);
        Ok(Self { movement, value, correction, layers: Vec::new() })
    }

    fn costed(movement: Movement, costed: Costed, layers: Vec<LayerPart>) -> Result<Self, FixedError> {
        let cost = if movement.key.out { costed.cost.negated()? } else { costed.cost };
        let correction = costed.correction;
        Ok(Self { movement, value: cost.minus(correction)?, correction, layers })
    }
}

/// In the order of their days, at what they were booked, all in one layer.
fn as_booked(mut movements: Vec<Movement>) -> Result<Vec<Valued>, FixedError> {
    movements.sort_by_key(|movement| movement.key);
    let mut valued = Vec::with_capacity(movements.len());
    for movement in movements {
        let mut line = Valued::as_booked(movement)?;
        let balance = Balance { quantity: line.movement.signed_quantity()?, value: line.value };
        line.layers.push(LayerPart { of: LayerOf::All, balance });
        valued.push(line);
    }
    Ok(valued)
}

/// In the order in which costs follow movements, at what the fold from `base` on says of each, and the costs after them. What takes a
/// movement back stands on its day, so that each day tells by itself what of it stands.
fn by_day(
    movements: &[Movement],
    valuation: &Valuation,
    base: Option<&Checkpoint>,
    ahead: &mut Ahead,
) -> Result<(Vec<Valued>, Option<Checkpoint>), FixedError> {
    let standing = Standing::of(movements);
    let folded = fold::fold_traced(valuation, base, movements, &standing, ahead)?;
    let parts = folded.trace.map(|trace| trace.parts).unwrap_or_default();
    let layers_of = |key: &MovementKey| parts.get(key).cloned().unwrap_or_default();
    let mut valued = Vec::with_capacity(movements.len());
    let mut booked: BTreeMap<(Cause, u32), Money> = BTreeMap::new();
    for movement in movements.iter().filter(|movement| !movement.key.correction) {
        booked.insert((movement.key.cause, movement.key.revision), movement.layer_change()?);
    }
    // what stood before is taken back at what it shows
    let taken_back = |key: &MovementKey| {
        let before = booked.range(..(key.cause, key.revision)).next_back();
        before.filter(|((cause, _), _)| *cause == key.cause).map_or(Money::ZERO, |(_, value)| *value)
    };
    for day in fold::days(movements, &standing) {
        let documents = |of_day: &[&Movement], valued: &mut Vec<Valued>| {
            for movement in of_day.iter().copied().cloned() {
                let costed = folded.costed.get(&movement.key.cause);
                valued.push(match costed.filter(|_| standing.holds(&movement.key)) {
                    Some(costed) => {
                        let layers = layers_of(&movement.key);
                        Valued::costed(movement, *costed, layers)?
                    }
                    None if movement.key.correction => {
                        let value = taken_back(&movement.key).negated()?;
                        Valued { movement, value, correction: Money::ZERO, layers: Vec::new() }
                    }
                    None => Valued::as_booked(movement)?,
                });
            }
            Ok::<(), FixedError>(())
        };
        documents(&day.seen, &mut valued)?;
        let mut left = folded.counted.get(&day.on).copied().unwrap_or_default();
        if let Some((last, others)) = day.counts.split_last() {
            for count in others.iter().copied().cloned() {
                let count = Valued::as_booked(count)?;
                left = left.minus(count.value)?;
                valued.push(count);
            }
            let (movement, layers) = ((*last).clone(), layers_of(&last.key));
            valued.push(Valued { movement, value: left, correction: Money::ZERO, layers });
        }
        documents(&day.later, &mut valued)?;
    }
    Ok((valued, folded.now))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use uuid::Uuid;

    use super::super::notebook::{Line, Notebook, day};
    use super::*;
    use crate::costing::{Layer, Worth};
    use crate::document::{DocumentKind, DocumentRef};
    use crate::ids::{CommitId, DocumentId, ItemId, LineId, LocationId};
    use crate::ledger::{Finding, MovementKey, Place};

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
            posted_on: None,
            found: None,
            returns: Vec::new(),
            recorded_at: Timestamp::UNIX_EPOCH,
            commit: CommitId(Uuid::nil()),
        }
    }

    fn until(day: Date) -> View {
        View { at: Some(day), ..View::default() }
    }

    fn tracked() -> Layers {
        Layers::Arrival(Layer::default())
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
        let card = Card::fold(movements.clone(), &tracked(), true, View::default()).unwrap();
        assert_eq!(balances(&card), [all.as_slice(), &all[2..]].concat());
        let earlier = Card::fold(movements, &tracked(), true, until(date(2026, 6, 9))).unwrap();
        assert_eq!(balances(&earlier), [&all[..2], &all[1..2]].concat());
    }

    #[test]
    fn what_lay_there_before_the_first_opening_is_not_known() {
        let movements = vec![
            movement(1, of(DocumentKind::SalesInvoice, 2), -4, "0", "0"),
            movement(5, Cause::Opening, 14, "30", "0"),
        ];
        let card = Card::fold(movements.clone(), &tracked(), true, View::default()).unwrap();
        let after = Some(("10".to_owned(), "30.00".to_owned()));
        assert_eq!(balances(&card), [None, after.clone(), after]);
        assert_eq!(
            Card::fold(movements.clone(), &tracked(), true, until(date(2026, 6, 4))).unwrap().end,
            None
        );
        // nobody has counted it
        assert_eq!(
            balances(&Card::fold(movements[..1].to_vec(), &tracked(), false, View::default()).unwrap()),
            [None, None]
        );
        // an opening of nothing
        assert_eq!(
            Card::fold(Vec::new(), &tracked(), true, View::default()).unwrap().end,
            Some(Balance::default())
        );
    }

    #[test]
    fn a_card_of_ours_shows_what_is_known_now() {
        let mut notebook = Notebook::default();
        notebook.count(day(1), 10, Some("3"));
        notebook.set(1, Some(Line::sold(day(9), 4)));
        // twice as dear, and told late; changed once
        notebook.set(2, Some(Line::bought(day(5), 5, "10")));
        notebook.set(2, Some(Line::bought(day(5), 10, "90")));
        let layers = Layers::Effective(Box::new(notebook.valuation.clone()));
        let card = Card::fold(notebook.movements.clone(), &layers, true, View::default()).unwrap();
        let shown: Vec<_> = card
            .lines
            .iter()
            .map(|line| (line.movement.signed_quantity().unwrap().to_string(), line.value.to_string()))
            .collect();
        let due = [("10", "30.00"), ("5", "10.00"), ("10", "90.00"), ("-5", "-10.00"), ("-4", "-24.00")];
        assert_eq!(shown, due.map(|(change, value)| (change.to_owned(), value.to_owned())));
        let end = card.end.unwrap();
        assert_eq!((end.quantity, end.value), (notebook.position.booked, notebook.position.value));
        let earlier = Card::fold(notebook.movements.clone(), &layers, true, until(day(5))).unwrap();
        assert_eq!(earlier.end.unwrap().value, "120".parse().unwrap());
        // before the bill came
        let known = Some(notebook.movements[1].recorded_at);
        let reported =
            Card::fold(notebook.movements, &layers, true, View { known, ..View::default() }).unwrap();
        let end = reported.end.unwrap();
        assert_eq!((end.quantity.to_string(), end.value.to_string()), ("6".into(), "18.00".into()));
    }

    /// Which bill each layer is of, and how much.
    fn parts(layers: &[LayerPart]) -> Vec<String> {
        let of = |of: &LayerOf| match of {
            LayerOf::All => "all".to_owned(),
            LayerOf::Oversold => "oversold".to_owned(),
            LayerOf::Before(day) => format!("before {day}"),
            LayerOf::Movement(key) => match key.cause {
                Cause::Document { line, .. } => line.0.as_u128().to_string(),
                cause => format!("{cause:?}"),
            },
        };
        let part =
            |part: &LayerPart| format!("{}: {} {}", of(&part.of), part.balance.quantity, part.balance.value);
        layers.iter().map(part).collect()
    }

    #[test]
    fn each_line_says_which_layers_it_made_or_used_up() {
        let lines = |notebook: &Notebook| {
            let layers = Layers::Effective(Box::new(notebook.valuation.clone()));
            let card = Card::fold(notebook.movements.clone(), &layers, true, View::default()).unwrap();
            (card.lines.iter().map(|line| parts(&line.layers)).collect::<Vec<_>>(), parts(&card.layers))
        };
        let mut notebook = Notebook::of(Method::Fifo);
        notebook.set(3, Some(Line::sold(day(3), 12)));
        notebook.set(1, Some(Line::bought(day(1), 10, "50")));
        notebook.set(2, Some(Line::bought(day(2), 10, "80")));
        notebook.set(4, Some(Line::sold(day(4), 9)));
        notebook.set(5, Some(Line::bought(day(5), 3, "30")));
        let (of_lines, left) = lines(&notebook);
        assert_eq!(
            of_lines,
            [
                vec!["1: 10 50.00"],
                vec!["2: 10 80.00"],
                vec!["1: -10 -50.00", "2: -2 -16.00"],
                vec!["2: -8 -64.00", "oversold: -1 -8.00"],
                // one of three fills what was sold at 8 and cost 10
                vec!["oversold: 1 8.00", "5: 2 20.00"],
            ]
        );
        assert_eq!(left, ["5: 2 20.00"]);
        notebook.check();
        // one layer, whatever it came from
        let mut average = Notebook::of(Method::Average);
        average.set(1, Some(Line::bought(day(1), 10, "50")));
        average.set(2, Some(Line::sold(day(2), 4)));
        average.valuation.switch(day(3), Method::Fifo);
        average.today = day(5);
        average.set(3, Some(Line::sold(day(4), 1)));
        let before = format!("before {}: -1 -5.00", day(3));
        let (of_lines, left) = lines(&average);
        assert_eq!(of_lines, [vec!["all: 10 50.00"], vec!["all: -4 -20.00"], vec![before.as_str()]]);
        assert_eq!(left, [format!("before {}: 5 25.00", day(3))]);
    }

    #[test]
    fn a_tracked_item_by_fifo_is_a_view_that_leaves_its_book_alone() {
        let worth = Some(Worth::of_all(Quantity::from_whole(4).unwrap(), "8".parse().unwrap()).unwrap());
        let opening = movement(1, Cause::Opening, 4, "8", "0");
        let movements = vec![
            Movement { found: Some(Finding { worth, whole_day: true }), ..opening },
            movement(2, of(DocumentKind::Bill, 3), 4, "16", "0"),
            // booked at the average of three
            movement(3, of(DocumentKind::SalesInvoice, 2), -6, "18", "0"),
        ];
        let card = Card::fold(movements.clone(), &tracked(), true, View::default()).unwrap();
        assert_eq!(card.end.unwrap().value, "6".parse().unwrap());
        assert_eq!(parts(&card.layers), ["all: 2 6.00"]);
        let view = View { by: Some(Method::Fifo), ..View::default() };
        let card = Card::fold(movements, &tracked(), true, view).unwrap();
        assert_eq!(card.end.unwrap().value, "8".parse().unwrap());
        assert_eq!(card.lines.last().unwrap().value, "-16".parse().unwrap());
        assert_eq!(parts(&card.layers), ["3: 2 8.00"]);
    }
}

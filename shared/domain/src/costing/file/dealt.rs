//! What the parts of a file say together: its rows, dealt out to their items in the order of date, then seq.

use super::read::Part;
use super::{Item, Movements, Row, Turn, WRONG_LINES_MAX, Wrong, both, count, place};

impl Turn {
    /// Of rows, of which the first stands at `from` in the file, in their order.
    fn of(rows: &[Row], from: usize) -> Vec<Self> {
        let turns = (count(from)..).zip(rows);
        let turns = turns.map(|(at, row)| Self { on: row.on, seq: row.seq, item: row.item, row: at });
        let mut turns: Vec<Self> = turns.collect();
        turns.sort_unstable();
        turns
    }
}

impl Part {
    /// What this part and the one behind it say together.
    pub(super) fn movements(mut self, mut next: Self) -> Result<Movements, Vec<Wrong>> {
        if !(self.wrong.is_empty() && next.wrong.is_empty()) {
            for wrong in &mut next.wrong {
                wrong.line = wrong.line.saturating_add(self.line_ends.into());
            }
            self.wrong.append(&mut next.wrong);
            return Err(told(self.wrong));
        }
        let numbers: Vec<u32> = next.codes.iter().map(|code| self.number(code)).collect();
        let texts = count(self.texts.len());
        self.texts.append(&mut next.texts);
        let (mut turns, later) = both(
            || Turn::of(&self.rows, 0),
            || {
                for row in &mut next.rows {
                    row.line = row.line.saturating_add(self.line_ends);
                    row.item = numbers.get(place(row.item)).copied().unwrap_or(row.item);
                    for text in [&mut row.reference, &mut row.origin] {
                        *text = text.start.saturating_add(texts)..text.end.saturating_add(texts);
                    }
                }
                Turn::of(&next.rows, self.rows.len())
            },
        );
        // this sort finds two sorted lists and merges them
        turns.extend(later);
        turns.sort();

        let half = self.codes.len() >> 1;
        let codes = self.codes.split_off(half);
        let deal = |codes, first| dealt(codes, first, &turns, [&self.rows, &next.rows], &self.texts);
        let ((mut items, mut wrong), (items_next, wrong_next)) =
            both(|| deal(self.codes, 0), || deal(codes, half));
        items.extend(items_next);
        wrong.extend(wrong_next);
        if !wrong.is_empty() {
            return Err(told(wrong));
        }
        Ok(Movements { items, turns, texts: self.texts })
    }
}

/// The items of some codes, of which the first has the number `first`, with their rows, and what is wrong with these.
fn dealt(
    codes: Vec<String>,
    first: usize,
    turns: &[Turn],
    [rows, next]: [&[Row]; 2],
    texts: &[u8],
) -> (Vec<Item>, Vec<Wrong>) {
    let mut sizes = vec![0_usize; codes.len()];
    let at = |turn: &Turn| place(turn.item).checked_sub(first);
    for turn in turns {
        if let Some(size) = at(turn).and_then(|at| sizes.get_mut(at)) {
            *size = size.saturating_add(1);
        }
    }
    let items = codes.into_iter().zip(sizes);
    let mut items: Vec<Item> =
        items.map(|(code, size)| Item { code, rows: Vec::with_capacity(size) }).collect();
    for turn in turns {
        let Some(item) = at(turn).and_then(|at| items.get_mut(at)) else { continue };
        let row = place(turn.row);
        item.rows.extend(rows.get(row).or_else(|| next.get(row.checked_sub(rows.len())?)).cloned());
    }
    let mut wrong = Vec::new();
    for item in &mut items {
        wrong.extend(item.doubles());
        wrong.extend(item.link(texts));
    }
    (items, wrong)
}

/// The lines that are told, in their order.
fn told(mut wrong: Vec<Wrong>) -> Vec<Wrong> {
    wrong.sort_by_key(|wrong| wrong.line);
    wrong.truncate(WRONG_LINES_MAX);
    wrong
}

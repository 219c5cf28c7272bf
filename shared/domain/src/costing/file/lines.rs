//! What each movement cost, as lines of CSV.

use super::{Line, Movements, Outcome, place};
use crate::fixed::append_number;

pub(super) const HEADING: &str = "seq,item,quantity_after,value_after,cost,correction\n";
/// Lines that are made at once: so few that they are written before they leave the processor's cache.
const PART_LINES: usize = 4_096;
/// Bytes that a line takes at most, as a rule: a part that outgrows its place is copied.
const LINE_BYTES: usize = 64;

impl Movements {
    /// The costs as a file in parts, one behind the other: a line for each movement, by date, then seq. Each part is made when it
    /// is asked for.
    pub fn lines(&self, outcome: &Outcome) -> impl Iterator<Item = Vec<u8>> + Send {
        let codes: Vec<Vec<u8>> = self.items.iter().map(|item| as_cell(&item.code)).collect();
        // each item's lines stand in the order of all
        let mut lines: Vec<_> = outcome.items.iter().map(|item| item.lines.iter()).collect();
        let parts = self.turns.chunks(PART_LINES).map(move |turns| {
            // all are looked up before one is written: so the processor waits for many of them at once
            let next = turns.iter().map(|turn| lines.get_mut(place(turn.item))?.next().copied());
            let next: Vec<Option<Line>> = next.collect();
            let mut part = Vec::with_capacity(turns.len().saturating_mul(LINE_BYTES));
            for (turn, line) in turns.iter().zip(next) {
                if let Some((code, line)) = codes.get(place(turn.item)).zip(line) {
                    line.append_to(&mut part, turn.seq, code);
                }
            }
            part
        });
        std::iter::once(HEADING.into()).chain(parts)
    }
}

impl Line {
    fn append_to(&self, text: &mut Vec<u8>, seq: u64, code: &[u8]) {
        append_number(text, seq);
        text.push(b',');
        text.extend_from_slice(code);
        text.push(b',');
        self.quantity.append_to(text);
        for amount in [self.value, self.cost, self.correction] {
            text.push(b',');
            amount.append_to(text);
        }
        text.push(b'\n');
    }
}

/// An item's code as a cell of a CSV file.
fn as_cell(code: &str) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    // writing to memory does not fail
    let _ = writer.write_record([code]);
    let mut cell = writer.into_inner().unwrap_or_default();
    cell.pop();
    cell
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::costing::{Method, file};

    #[test]
    fn each_movement_has_its_line_in_whichever_part() {
        for movements in [1, PART_LINES - 1, PART_LINES, 2 * PART_LINES + 1] {
            let rows: String = (1..=movements)
                .map(|seq| format!("{seq},2026-01-01,I{},receipt,{seq},1,,\n", seq % 7))
                .collect();
            let file = format!("{}\n{rows}", file::COLUMNS.join(","));
            let read = file::read(file.as_bytes()).unwrap();
            let text =
                String::from_utf8(read.lines(&read.cost(Method::Fifo).unwrap()).flatten().collect()).unwrap();
            let mut lines = text.lines();
            assert_eq!(lines.next(), Some(HEADING.trim_end()));
            for seq in 1..=movements {
                let line = lines.next().unwrap();
                assert!(line.starts_with(&format!("{seq},I{},", seq % 7)), "{seq}: {line}");
                assert!(line.ends_with(&format!(",{seq}.00,0.00")), "{seq}: {line}");
            }
            assert_eq!(lines.next(), None);
        }
    }
}

//! What of a document is not booked as it should be.

use jiff::civil::Date;
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::ItemId;
use parstock_domain::ledger::booking::changes;
use parstock_domain::ledger::{BookedLine, DesiredLine, LineChange};

pub(super) fn all_lines(desired: &[DesiredLine], booked: &[BookedLine]) -> Vec<LineChange> {
    let mut lines: Vec<LineChange> = desired
        .iter()
        .map(|line| LineChange {
            line: line.line,
            before: booked.iter().find(|standing| standing.line == line.line).cloned(),
            after: Some(line.clone()),
        })
        .collect();
    let gone = changes(desired, booked).into_iter().filter(|change| change.after.is_none());
    lines.extend(gone);
    lines
}

/// A bill's lines that are booked as they should be and whose order was not found: it may be known by now,
/// or be named by now.
pub(super) fn unmatched(desired: &[DesiredLine], booked: &[BookedLine]) -> Vec<LineChange> {
    let mut lines = Vec::new();
    for line in desired.iter().filter(|line| line.change > Quantity::ZERO) {
        let standing = booked.iter().find(|standing| standing.line == line.line);
        if let Some(standing) =
            standing.filter(|standing| standing.billed.is_empty() && standing.covers(line))
        {
            let before = Some(standing.clone());
            lines.push(LineChange { line: line.line, before, after: Some(line.clone()) });
        }
    }
    lines
}

/// Lines that are booked as they should be, but for the account of the purchase, what customers pay or the amount in the document's own
/// currency; of a bill without those that [`unmatched`] lists.
pub(super) fn reworded(desired: &[DesiredLine], booked: &[BookedLine], is_bill: bool) -> Vec<LineChange> {
    let mut lines = Vec::new();
    for line in desired {
        let standing = booked.iter().find(|standing| standing.line == line.line && standing.covers(line));
        let is_listed =
            |standing: &&BookedLine| is_bill && standing.billed.is_empty() && line.change > Quantity::ZERO;
        let is_reworded = |standing: &&BookedLine| {
            (&standing.account, standing.net, standing.foreign_net)
                != (&line.account, line.net, line.foreign_net)
        };
        if let Some(before) = standing.filter(is_reworded).filter(|it| !is_listed(it)) {
            lines.push(LineChange {
                line: line.line,
                before: Some(before.clone()),
                after: Some(line.clone()),
            });
        }
    }
    lines
}

/// The first day on which changes move an item.
pub(super) fn first_day(changes: &[LineChange], item: ItemId) -> Option<Date> {
    let changes = || changes.iter().filter(|change| !is_booked(change));
    let taken_back = changes().filter_map(|change| change.before.as_ref());
    let taken_back = taken_back.map(|line| (line.item, line.change, line.effective_on));
    let booked = changes().filter_map(|change| change.after.as_ref());
    let booked = booked.map(|line| (line.item, line.change, line.effective_on));
    let moves = taken_back.chain(booked).filter(|(of, change, _)| *of == item && !change.is_zero());
    moves.map(|(_, _, day)| day).min()
}

/// Whether a line is booked as it should be, so that only its order is looked for.
pub(super) fn is_booked(change: &LineChange) -> bool {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => before.covers(after),
        _ => false,
    }
}

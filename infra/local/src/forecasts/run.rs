//! Asks the engine for all items at each cutoff.

use std::thread;

use parstock_forecast::{BLOCK, Forecast, Gather, Item, OrgStatistics, Plan, Step, forecast_item};

use super::History;

/// Threads that work at a time.
const THREADS: usize = 2;

/// Forecasts all items at a cutoff, seeing its first periods alone, and hands them over in order of their ids.
///
/// # Errors
/// What the taker answers.
pub fn each_cutoff<E>(
    plan: Plan,
    history: &History,
    periods: usize,
    mut take: impl FnMut(&str, &Forecast) -> Result<(), E>,
) -> Result<(), E> {
    let items: Vec<Item<'_>> = history.items.iter().map(|past| past.until(periods)).collect();
    let blocks: Vec<&[Item<'_>]> = items.chunks(BLOCK).collect();
    let statistics = statistics(plan, periods, &blocks);
    let mut ids = history.items.iter();
    // a few blocks at a time, so that not all forecasts are held
    for blocks in blocks.chunks(THREADS * 4) {
        let forecasts = side_by_side(blocks, |block| {
            block.iter().map(|item| forecast_item(&statistics, item)).collect::<Vec<_>>()
        });
        for (past, forecast) in ids.by_ref().zip(forecasts.iter().flatten()) {
            take(&past.id, forecast)?;
        }
    }
    Ok(())
}

/// Forecasts those of the items that are wanted, with what all of them have in common, each with its index.
pub fn forecast_all(
    plan: Plan,
    periods: usize,
    items: &[Item<'_>],
    is_wanted: impl Fn(usize) -> bool + Sync,
) -> Vec<(usize, Forecast)> {
    let blocks: Vec<&[Item<'_>]> = items.chunks(BLOCK).collect();
    let statistics = statistics(plan, periods, &blocks);
    let firsts: Vec<usize> = (0..items.len()).step_by(BLOCK).collect();
    let of_block = |first: usize, block: &[Item<'_>]| {
        let wanted = (first..).zip(block).filter(|(index, _)| is_wanted(*index));
        wanted.map(|(index, item)| (index, forecast_item(&statistics, item))).collect::<Vec<_>>()
    };
    let blocks: Vec<(usize, &[Item<'_>])> = firsts.into_iter().zip(blocks).collect();
    side_by_side(&blocks, |(first, block)| of_block(*first, block)).into_iter().flatten().collect()
}

/// What all items have in common.
fn statistics(plan: Plan, periods: usize, blocks: &[&[Item<'_>]]) -> OrgStatistics {
    let mut gather = Gather::new(plan, periods);
    while !gather.done() {
        let sums = side_by_side(blocks, |block| gather.sums(block));
        gather = gather.next(sums);
    }
    gather.statistics()
}

/// Does something with each block, several at a time; the answers are in the order of the blocks.
fn side_by_side<B: Sync, T: Send>(blocks: &[B], work: impl Fn(&B) -> T + Sync) -> Vec<T> {
    let mut answers: Vec<Option<T>> = Vec::new();
    answers.resize_with(blocks.len(), || None);
    let work = &work;
    thread::scope(|scope| {
        let mut lots: Vec<Vec<(&B, &mut Option<T>)>> = (0..THREADS).map(|_| Vec::new()).collect();
        let dealt = (0..THREADS).cycle();
        for ((block, answer), lot) in blocks.iter().zip(&mut answers).zip(dealt) {
            if let Some(lot) = lots.get_mut(lot) {
                lot.push((block, answer));
            }
        }
        for lot in lots {
            scope.spawn(move || {
                for (block, answer) in lot {
                    *answer = Some(work(block));
                }
            });
        }
    });
    answers.into_iter().flatten().collect()
}

/// Adds the lines of a forecast: the total of the protection interval as `h` 0, then the single periods.
pub fn lines(text: &mut String, id: &str, cutoff: &str, forecast: &Forecast) {
    let id = quoted(id);
    for (h, Step { mean, quantiles }) in std::iter::once(&forecast.total).chain(&forecast.steps).enumerate() {
        text.push_str(&format!("{id},{cutoff},{h},{mean:.4}"));
        for quantile in quantiles {
            // decimals beyond the grain come from its being no binary fraction
            text.push_str(&format!(",{}", (quantile * 1e4).round() / 1e4));
        }
        text.push('\n');
    }
}

/// An id as a cell.
pub(super) fn quoted(id: &str) -> String {
    if id.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", id.replace('"', "\"\""))
    } else {
        id.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::fmt::Write as _;

    use super::super::DataSet;
    use super::*;

    #[test]
    fn what_comes_after_a_cutoff_changes_nothing_and_neither_do_threads() {
        let mut table = String::from("unique_id,ds,y\n");
        for item in 0..600 {
            for week in 0..12 {
                let date = jiff::civil::date(2026, 1, 5) + jiff::Span::new().weeks(week);
                writeln!(table, "i{item:03},{date},{}", (item + week * week) % 7).unwrap();
            }
        }
        let json = r#"{"a": {"freq": "7D", "season": 1, "protection": 2, "horizon": 3, "cutoffs": []}}"#;
        let set = DataSet::find(json, "a").unwrap();
        let history = History::read(&set, table.as_bytes(), None::<&[u8]>).unwrap();
        let later = table.replace("2026-03-23,", "2026-03-23,9");
        let changed = History::read(&set, later.as_bytes(), None::<&[u8]>).unwrap();
        let plan = set.plan().unwrap();
        let text = |history: &History| {
            let mut text = String::new();
            let taken: Result<(), Infallible> = each_cutoff(plan, history, 9, |id, forecast| {
                lines(&mut text, id, "2026-03-02", forecast);
                Ok(())
            });
            taken.unwrap();
            text
        };
        let once = text(&history);
        assert_eq!(once, text(&changed));
        assert_eq!(once.lines().count(), 600 * 4);
        let items: Vec<_> = history.items.iter().map(|past| past.until(9)).collect();
        let statistics = Gather::all(plan, 9, &items);
        let mut alone = String::new();
        for (past, item) in history.items.iter().zip(&items) {
            lines(&mut alone, &past.id, "2026-03-02", &forecast_item(&statistics, item));
        }
        assert_eq!(once, alone);
    }

    #[test]
    fn an_id_with_a_comma_stays_one_cell() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("10002"), "10002");
    }
}

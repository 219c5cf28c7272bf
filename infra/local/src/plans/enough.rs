//! How much is enough of each item, for its lead time and for lead time and review together.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::demand::PerDay;
use parstock_domain::fixed::{FixedError, Quantity, SCALE};
use parstock_domain::replenish::Enough;
use parstock_forecast::{Forecast, Item, Plan};

use super::read::Subject;
use crate::forecasts::{categories, forecast_all};
use crate::tables::Wrong;

/// Days of a period of the engine.
const WEEK_DAYS: u16 = 7;
/// Weeks after which a season comes again.
const YEAR_WEEKS: usize = 52;
/// Weeks that are looked back at, at most: five years.
const WEEKS_MAX: usize = 261;
/// The numbers of weeks that are forecast: each takes going over all items, so what lies between two is read between them.
const GRID: [u16; 12] = [0, 1, 2, 3, 4, 6, 8, 13, 20, 26, 39, 64];

/// How much is enough of an item, or why that can't be said; `None` of what was never sold, of which nobody can say whether it is new or
/// dead.
type OfItem = Result<Option<Enough>, FixedError>;

/// How much is enough of each, in their order.
///
/// # Errors
/// There are too many categories.
pub fn of_all(subjects: &[Subject], today: Date) -> Result<Vec<OfItem>, Wrong> {
    let first = subjects.iter().filter_map(|subject| subject.first_on).min().unwrap_or(today);
    let weeks = weeks_before(first, today).map_or(1, |weeks| weeks.saturating_add(1)).min(WEEKS_MAX);
    let keys = categories(subjects.iter().map(|subject| subject.settings.category.as_str()))?;
    let pasts: Vec<Past> = subjects.iter().map(|subject| Past::of(subject, today, weeks)).collect();
    let items: Vec<Item<'_>> = pasts
        .iter()
        .zip(subjects)
        .map(|(past, subject)| Item {
            demand: &past.demand,
            promoted: &[],
            category: keys.get(subject.settings.category.as_str()).copied(),
            grain: past.grain,
        })
        .collect();
    let spans: Vec<[Span; 2]> = subjects.iter().map(spans).collect();
    let asked: BTreeSet<usize> =
        spans.iter().flatten().flat_map(|span| [span.shorter, span.longer]).collect();
    let mut totals: Vec<BTreeMap<usize, Total>> = vec![BTreeMap::new(); subjects.len()];
    let mut facts: Vec<BTreeMap<String, String>> = vec![BTreeMap::new(); subjects.len()];
    for asked in asked.into_iter().filter(|weeks| *weeks > 0) {
        let Ok(plan) = Plan::new(YEAR_WEEKS, asked, 1) else { continue };
        let of = |index: usize| spans.get(index).into_iter().flatten();
        let wanted = |index: usize| of(index).any(|span| asked == span.shorter || asked == span.longer);
        for (index, forecast) in forecast_all(plan, weeks, &items, wanted) {
            let Some(subject) = subjects.get(index) else { continue };
            let level = subject.settings.service_level.probability();
            let enough = forecast.total.enough(level);
            if let Some(totals) = totals.get_mut(index) {
                totals.insert(asked, Total { mean: forecast.total.mean, enough });
            }
            if of(index).last().is_some_and(|both| both.longer == asked)
                && let Some(facts) = facts.get_mut(index)
            {
                *facts = told(&forecast, asked);
            }
        }
    }
    let all = subjects.iter().zip(spans).zip(totals).zip(facts);
    let enough = all.map(|(((subject, [lead_time, both]), totals), facts)| {
        if subject.first_on.is_none() {
            return Ok(None);
        }
        let per_day = totals.get(&both.longer).map_or(0.0, |total| total.mean / days_of(both.longer));
        Ok(Some(Enough {
            per_day: PerDay::from_micro(scaled(per_day, 1e6)),
            lead_time: lead_time.enough(&totals, Past::grain_of(subject))?,
            both: both.enough(&totals, Past::grain_of(subject))?,
            facts,
        }))
    });
    Ok(enough.collect())
}

/// A forecast's total of some weeks.
#[derive(Clone, Copy, Debug)]
struct Total {
    mean: f64,
    enough: f64,
}

/// Days between two numbers of weeks that are forecast.
#[derive(Clone, Copy, Debug)]
struct Span {
    days: u16,
    shorter: usize,
    longer: usize,
}

impl Span {
    fn of(days: u16) -> Self {
        let weeks = |days: u16| usize::from(days / WEEK_DAYS);
        let shorter = GRID.into_iter().rev().find(|weeks| weeks * WEEK_DAYS <= days).unwrap_or(0);
        let longer = GRID.into_iter().find(|weeks| weeks * WEEK_DAYS >= days);
        let longer = longer.map_or_else(|| weeks(days), usize::from);
        Self { days, shorter: usize::from(shorter), longer }
    }

    /// What is enough for the days: between two numbers of weeks in proportion; for less than one week, its mean in proportion and what lies
    /// above it as chance grows, by the square root, but never more than for the week. Whole grains, rounded up.
    fn enough(self, totals: &BTreeMap<usize, Total>, grain: i64) -> Result<Quantity, FixedError> {
        let days = f64::from(self.days);
        let enough = match (totals.get(&self.shorter), totals.get(&self.longer)) {
            (Some(shorter), Some(longer)) if self.shorter < self.longer => {
                let part = (days - days_of(self.shorter)) / (days_of(self.longer) - days_of(self.shorter));
                shorter.enough + part * (longer.enough - shorter.enough)
            }
            (Some(exactly), _) => exactly.enough,
            (None, Some(week)) => {
                let part = days / f64::from(WEEK_DAYS);
                (week.mean * part + (week.enough - week.mean).max(0.0) * part.sqrt()).min(week.enough)
            }
            (None, None) => 0.0,
        };
        // a hair above a grain is that grain
        let grains = ((enough * 1e4 - 0.01) / grain as f64).ceil().max(0.0);
        Ok(Quantity::from_e4((grains as i64).checked_mul(grain).ok_or(FixedError::TooLarge)?))
    }
}

fn spans(subject: &Subject) -> [Span; 2] {
    let settings = &subject.settings;
    let lead_time = settings.lead_time_days.value;
    [Span::of(lead_time), Span::of(lead_time.saturating_add(settings.review_days.value))]
}

fn days_of(weeks: usize) -> f64 {
    weeks as f64 * f64::from(WEEK_DAYS)
}

fn scaled(value: f64, by: f64) -> i64 {
    (value * by).round() as i64
}

/// Whole weeks between a day and the last week before `today`: 0 for the latest.
fn weeks_before(day: Date, today: Date) -> Option<usize> {
    let days = day.until(today).ok()?.get_days().checked_sub(1)?;
    usize::try_from(days).ok().map(|days| days / usize::from(WEEK_DAYS))
}

/// What was sold of an item, week by week up to yesterday.
struct Past {
    demand: Vec<Option<f64>>,
    grain: f64,
}

impl Past {
    /// The weeks since the one in which it was first sold. That one counts whole, so that none of what was sold is left out; to multiply what
    /// came in a part of it would take a single first sale for many.
    fn of(subject: &Subject, today: Date, weeks: usize) -> Self {
        let mut demand = vec![None; weeks];
        let first = subject.first_on.and_then(|first| weeks_before(first, today));
        let known = first.map_or(0, |first| first.saturating_add(1));
        for known in demand.iter_mut().rev().take(known) {
            *known = Some(0.0);
        }
        for (day, quantity) in subject.demand.iter() {
            let Some(before) = weeks_before(day, today) else { continue };
            if let Some(Some(week)) = demand.iter_mut().rev().nth(before) {
                *week += quantity.e4() as f64 / SCALE as f64;
            }
        }
        Self { demand, grain: Self::grain_of(subject) as f64 / SCALE as f64 }
    }

    /// The least that was told apart in what was sold, in ten-thousandths: one unit, a tenth and so on.
    fn grain_of(subject: &Subject) -> i64 {
        let grains = [SCALE, SCALE / 10, SCALE / 100, SCALE / 1000];
        let fits = |grain: &i64| subject.demand.iter().all(|(_, quantity)| quantity.e4() % grain == 0);
        grains.into_iter().find(fits).unwrap_or(1)
    }
}

/// An amount of units without the decimals that come from a grain's being no binary fraction.
fn in_units(amount: f64) -> f64 {
    (amount * SCALE as f64).round() / SCALE as f64
}

/// What a forecast goes by, for the plan's inputs.
fn told(forecast: &Forecast, weeks: usize) -> BTreeMap<String, String> {
    let methods: Vec<String> = forecast
        .methods
        .iter()
        .map(|method| format!("{} {:.0} %", method.method, method.weight * 100.0))
        .collect();
    let capped: Vec<String> = forecast
        .capped
        .iter()
        .map(|cut| format!("{} counted as {:.1}, {} weeks ago", in_units(cut.demand), cut.taken, cut.before))
        .collect();
    let doubts: Vec<String> = forecast.doubts.iter().map(ToString::to_string).collect();
    let facts = [
        ("forecast_weeks", weeks.to_string()),
        ("forecast_mean", format!("{:.4}", forecast.total.mean)),
        ("forecast_methods", methods.join(", ")),
        ("forecast_growth", format!("{:.4}", forecast.growth)),
        ("forecast_season", format!("{:.4}", forecast.season)),
        ("forecast_one_offs", capped.join("; ")),
        ("forecast_doubts", doubts.join(", ")),
    ];
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn the_week_in_which_an_item_was_first_sold_counts() {
        let history = "item,day,quantity\nBOX,2026-06-01,6\nBOX,2026-06-10,2\nPEN,2026-06-12,1\n";
        let sold = read::demand(history.as_bytes()).unwrap();
        let there = read::stock("item,on_hand\n".as_bytes()).unwrap();
        let subjects = read::items("item\nBOX\nPEN\n".as_bytes(), sold, there).unwrap();
        // the latest week begins on 6 June
        let weeks = |subject| Past::of(subject, "2026-06-13".parse().unwrap(), 3).demand;
        assert_eq!(weeks(&subjects[0]), [None, Some(6.0), Some(2.0)]);
        assert_eq!(weeks(&subjects[1]), [None, None, Some(1.0)]);
    }

    #[test]
    fn days_lie_between_whole_weeks() {
        let totals =
            BTreeMap::from([(1, Total { mean: 7.0, enough: 12.0 }), (2, Total { mean: 14.0, enough: 20.0 })]);
        let enough = |days, grain| Span::of(days).enough(&totals, grain).unwrap().to_string();
        assert_eq!([enough(7, SCALE), enough(14, SCALE)], ["12", "20"]);
        // 12 + 3/7 of 8
        assert_eq!([enough(10, SCALE), enough(10, 1000)], ["16", "15.5"]);
        // two days: 2 expected, and √(2/7) of the 5 above the mean
        assert_eq!(enough(2, 100), "4.68");
        // what is enough for a week is enough for three days of it
        let rare = BTreeMap::from([(1, Total { mean: 0.04, enough: 0.0 })]);
        assert_eq!(Span::of(3).enough(&rare, SCALE).unwrap(), Quantity::ZERO);
        // five weeks lie between four and six
        let far =
            BTreeMap::from([(4, Total { mean: 4.0, enough: 10.0 }), (6, Total { mean: 6.0, enough: 14.0 })]);
        assert_eq!(Span::of(35).enough(&far, SCALE).unwrap().to_string(), "12");
        assert_eq!(Span::of(0).enough(&BTreeMap::new(), SCALE).unwrap(), Quantity::ZERO);
    }
}

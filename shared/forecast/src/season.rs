//! Seasons: how much more or less is asked for at a time of the year.
//!
//! Ratios to a moving year are averaged by time of the year (classical decomposition), for all items together first, then for each
//! category and each steady item beside what is left. An analysis of variance says how far the years agree, and the index is shrunk
//! by that: chance makes no season. An index for a period uses what was known at its end alone, so that forecasts of the past are
//! honest.

use crate::calibrate::ORIGINS;
use crate::numbers;
use crate::plan::Plan;

/// Years of the past before a season is looked for.
const YEARS: usize = 2;
/// As many years without a season are mixed in.
const YEARS_OF_NONE: f64 = 0.5;
/// A season of more periods than this has its neighbouring ones averaged, too.
const FINE: usize = 13;
/// An index is no less and no more than these.
const INDEX_LEAST: f64 = 0.2;
const INDEX_MOST: f64 = 5.0;
/// An item's single ratio counts as no more than this.
const RATIO_MOST: f64 = 4.0;
/// Share of known periods with a demand that makes an item steady enough for a season of its own.
const STEADY: f64 = 0.8;
/// How large the ratio of variances is taken to be by chance: for many items together, and for one.
const CHANCE_TOGETHER: f64 = 1.0;
const CHANCE_ALONE: f64 = 0.7;

/// How much more or less is asked for, as factors around 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// Of each past period, by what was known at its end. Empty if there is no season.
    pub of_period: Vec<f64>,
    /// Of each period of the protection interval after each past period, likewise; empty where nothing is known, and of periods that nobody
    /// looks back at.
    pub after_period: Vec<Vec<f64>>,
    /// Of each period ahead.
    pub ahead: Vec<f64>,
}

impl Index {
    pub(crate) fn of_period(&self, period: usize) -> f64 {
        self.of_period.get(period).copied().unwrap_or(1.0)
    }

    /// Of each period of the protection interval after a period; empty if there is no season.
    pub(crate) fn after_period(&self, period: usize) -> &[f64] {
        self.after_period.get(period).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn ahead(&self, step: usize) -> f64 {
        self.ahead.get(step).copied().unwrap_or(1.0)
    }

    fn times(&self, other: &Self) -> Self {
        if other.of_period.is_empty() {
            return self.clone();
        }
        if self.of_period.is_empty() {
            return other.clone();
        }
        Self {
            of_period: product(&self.of_period, &other.of_period),
            after_period: self
                .after_period
                .iter()
                .zip(&other.after_period)
                .map(|(a, b)| product(a, b))
                .collect(),
            ahead: product(&self.ahead, &other.ahead),
        }
    }
}

/// Factors period by period; an empty list is of ones.
fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    match (a, b) {
        (one, []) | ([], one) => one.to_vec(),
        (a, b) => a.iter().zip(b).map(|(a, b)| a * b).collect(),
    }
}

/// The factor of shared and own season for the protection interval after a period: of each of its periods the product, since a peak of both
/// in the same month is more than their means say.
pub(crate) fn after(shared: &Index, own: &Index, period: usize) -> f64 {
    let steps = product(shared.after_period(period), own.after_period(period));
    if steps.is_empty() { 1.0 } else { numbers::mean(&steps) }
}

/// The seasons that items share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seasons {
    /// Of all items.
    pub all: Index,
    /// Of the categories, in order of their keys, with that of all items in it.
    pub categories: Vec<(u32, Index)>,
}

impl Seasons {
    /// The seasons in totals by period of all items and of the categories, in order of their keys.
    pub(crate) fn of_totals(plan: Plan, all: &[f64], categories: &[(u32, Vec<f64>)]) -> Self {
        let together = Ratios { most: f64::INFINITY, chance: CHANCE_TOGETHER };
        let all = together.index(plan, all, 0).unwrap_or_default();
        let categories = categories
            .iter()
            .filter_map(|(key, totals)| {
                let rest: Vec<f64> =
                    totals.iter().enumerate().map(|(period, total)| total / all.of_period(period)).collect();
                let own = together.index(plan, &rest, begin(&rest))?;
                Some((*key, all.times(&own)))
            })
            .collect();
        Self { all, categories }
    }

    /// The season that an item of a category shares.
    pub(crate) fn of(&self, category: Option<u32>) -> &Index {
        category
            .and_then(|key| self.categories.binary_search_by_key(&key, |(key, _)| *key).ok())
            .and_then(|place| self.categories.get(place))
            .map_or(&self.all, |(_, index)| index)
    }
}

/// An item's own season, given its demand with the shared one taken out; `None` unless it is steady and old enough.
pub(crate) fn own(plan: Plan, demand: &[f64]) -> Option<Index> {
    let begin = begin(demand);
    let periods = demand.iter().skip(begin).filter(|demand| !demand.is_nan()).count();
    let demands = demand.iter().filter(|demand| **demand > 0.0).count();
    if (demands as f64) < STEADY * periods as f64 {
        return None;
    }
    Ratios { most: RATIO_MOST, chance: CHANCE_ALONE }.index(plan, demand, begin)
}

/// The first period with a demand.
fn begin(demand: &[f64]) -> usize {
    demand.iter().position(|demand| *demand > 0.0).unwrap_or(demand.len())
}

/// How an index is made of ratios to a moving year.
#[derive(Clone, Copy)]
struct Ratios {
    most: f64,
    chance: f64,
}

/// Ratios at a time of the year.
#[derive(Clone, Copy, Default)]
struct Phase {
    sum: f64,
    squares: f64,
    count: f64,
}

impl Phase {
    fn add(&mut self, ratio: f64) {
        self.sum += ratio;
        self.squares += ratio * ratio;
        self.count += 1.0;
    }
}

impl Ratios {
    fn index(self, plan: Plan, demand: &[f64], begin: usize) -> Option<Index> {
        let season = plan.season();
        let periods = demand.len();
        if season < 2 || periods < begin + YEARS * season {
            return None;
        }
        let half = season / 2;
        // what is known up to each period: its sum and the number of periods it is of, since gaps teach nothing
        let mut sums = Vec::with_capacity(periods + 1);
        let (mut sum, mut known) = (0.0, 0.0);
        sums.push((sum, known));
        for demand in demand.iter() {
            if !demand.is_nan() {
                sum += *demand;
                known += 1.0;
            }
            sums.push((sum, known));
        }
        // a period's ratio to the year around it, as far as that is known at the end of another
        let ratio = |period: usize, end: usize| -> Option<f64> {
            let last = (period + half).min(end);
            let first = (last + 1).saturating_sub(season).max(begin);
            let ((up_to, known), (before, known_before)) = (sums.get(last + 1)?, sums.get(first)?);
            let year = (up_to - before) / (known - known_before);
            let demand = *demand.get(period)?;
            (period >= first && year > 0.0 && !demand.is_nan()).then(|| (demand / year).min(self.most))
        };
        let mut index = Index {
            of_period: vec![1.0; periods],
            after_period: vec![Vec::new(); periods],
            ahead: vec![1.0; plan.horizon()],
        };
        let mut settled = vec![Phase::default(); season];
        let mut next = begin + half;
        for end in begin + YEARS * season - 1..periods {
            while next + half <= end {
                if let (Some(ratio), Some(phase)) = (ratio(next, end), settled.get_mut(next % season)) {
                    phase.add(ratio);
                }
                next += 1;
            }
            let mut phases = settled.clone();
            for period in next..=end {
                if let (Some(ratio), Some(phase)) = (ratio(period, end), phases.get_mut(period % season)) {
                    phase.add(ratio);
                }
            }
            let Some(agreed) = Agreed::of(&phases, self.chance) else { continue };
            let at = |period: usize| agreed.index(&phases, period % season);
            if let Some(index) = index.of_period.get_mut(end) {
                *index = at(end);
            }
            if end + ORIGINS + plan.protection() < periods {
                continue;
            }
            if let Some(index) = index.after_period.get_mut(end) {
                *index = (1..=plan.protection()).map(|step| at(end + step)).collect();
            }
            if end + 1 == periods {
                for (step, index) in index.ahead.iter_mut().enumerate() {
                    *index = at(end + 1 + step);
                }
            }
        }
        Some(index)
    }
}

/// What the years agree on.
struct Agreed {
    mean: f64,
    share: f64,
}

impl Agreed {
    /// By the ratio of variances between and within times of the year; `None` if they don't agree beyond chance.
    fn of(phases: &[Phase], chance: f64) -> Option<Self> {
        let (sum, count) =
            phases.iter().fold((0.0, 0.0), |(sum, count), phase| (sum + phase.sum, count + phase.count));
        let mean = numbers::ratio_or(sum, count, 0.0);
        let (mut between, mut within, mut free_between, mut free_within) = (0.0, 0.0, -1.0, 0.0);
        for phase in phases.iter().filter(|phase| phase.count > 0.0) {
            let here = phase.sum / phase.count;
            between += phase.count * (here - mean) * (here - mean);
            within += (phase.squares - phase.sum * here).max(0.0);
            free_between += 1.0;
            free_within += phase.count - 1.0;
        }
        if !(mean > 0.0 && free_between > 0.0 && free_within > 0.0 && between > 0.0) {
            return None;
        }
        let variances = numbers::ratio_or(between / free_between, within / free_within, f64::INFINITY);
        let share = 1.0 - chance / variances;
        (share > 0.0).then_some(Self { mean, share })
    }

    fn index(&self, phases: &[Phase], phase: usize) -> f64 {
        let season = phases.len();
        let around = usize::from(season > FINE);
        let (mut sum, mut count) = (0.0, 0.0);
        for neighbour in 0..=2 * around {
            if let Some(phase) = phases.get((phase + season + neighbour - around) % season) {
                sum += phase.sum;
                count += phase.count;
            }
        }
        let years = count / (2 * around + 1) as f64;
        let off = numbers::ratio_or(sum, count * self.mean, 1.0) - 1.0;
        (1.0 + off * self.share * years / (years + YEARS_OF_NONE)).clamp(INDEX_LEAST, INDEX_MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan::new(12, 3, 12).unwrap()
    }

    /// Four years with a December of three times as much.
    fn decembers() -> Vec<f64> {
        (0..48).map(|month| if month % 12 == 11 { 30.0 } else { 10.0 }).collect()
    }

    #[test]
    fn a_season_that_comes_each_year_is_found() {
        let index = own(plan(), &decembers()).unwrap();
        assert!(index.ahead[11] > 2.2, "{:?}", index.ahead);
        assert!(index.ahead[..11].iter().all(|index| *index < 1.0));
        assert!(index.of_period[..23].iter().all(|index| *index == 1.0));
        assert!(after(&index, &Index::default(), 44) > 1.2 && after(&index, &Index::default(), 40) < 1.0);
        assert_eq!(after(&index, &Index::default(), 3), 1.0);
    }

    #[test]
    fn later_periods_change_nothing_about_earlier_ones() {
        let long = own(plan(), &decembers()).unwrap();
        let short = own(plan(), &decembers()[..40]).unwrap();
        assert_eq!(long.of_period[..40], short.of_period[..]);
        assert_eq!(long.after_period[30..40], short.after_period[30..]);
    }

    #[test]
    fn a_peak_of_both_seasons_counts_as_their_product_in_its_period() {
        let of = |steps: [f64; 3]| Index { after_period: vec![steps.to_vec()], ..Index::default() };
        assert_eq!(after(&of([1.0, 1.0, 4.0]), &of([0.5, 0.5, 2.0]), 0), 3.0);
        assert_eq!(after(&of([1.0, 1.0, 4.0]), &Index::default(), 0), 2.0);
    }

    #[test]
    fn short_lumpy_and_unseasonal_items_have_none() {
        assert_eq!(own(plan(), &decembers()[..20]), None);
        let lumpy: Vec<f64> = (0..48).map(|month| if month % 4 == 0 { 9.0 } else { 0.0 }).collect();
        assert_eq!(own(plan(), &lumpy), None);
        let flat = own(plan(), &[5.0; 48]).unwrap();
        assert!(flat.ahead.iter().all(|index| *index == 1.0));
    }

    #[test]
    fn gaps_make_no_season() {
        // out of stock for some months of each year, others in each
        let gaps: Vec<f64> =
            (0..60).map(|month| if (month * month) % 7 == 2 { f64::NAN } else { 10.0 }).collect();
        let index = own(plan(), &gaps).unwrap();
        assert!(index.of_period.iter().chain(&index.ahead).all(|index| *index == 1.0), "{index:?}");
    }

    #[test]
    fn categories_share_what_is_beyond_all_items() {
        let flat = vec![100.0; 48];
        let seasons = Seasons::of_totals(plan(), &flat, &[(3, flat.clone()), (7, decembers())]);
        assert!(seasons.of(Some(7)).ahead(11) > 2.0);
        assert!((seasons.of(Some(3)).ahead(11) - 1.0).abs() < 1e-9);
        assert!((seasons.of(None).ahead(11) - 1.0).abs() < 1e-9);
        assert!((seasons.of(Some(4)).ahead(11) - 1.0).abs() < 1e-9);
    }
}

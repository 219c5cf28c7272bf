//! What an item is expected to ask for at an origin, before calibration.

use crate::dispersion::Dispersion;
use crate::item::Item;
use crate::plan::Plan;
use crate::pool::{self, Shares};
use crate::quantile::Quantiles;
use crate::statistics::{OrgStatistics, OriginStatistics};
use crate::study::{State, Study};

/// Usual gaps between demands after which an item seems to die out, and known periods beyond these.
const GAPS: f64 = 6.0;
const QUIET: f64 = 3.0;
/// Periods that the level of other items weighs as much as, as long as an item has no demand at all.
const OTHERS: f64 = 0.1;
/// No total is more than this multiple of what would be asked for if every period were the largest ever seen.
const MOST: f64 = 10.0;

/// What is expected at an origin, in grains.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expectation {
    /// What each method weighs.
    pub(crate) weights: Shares,
    /// Of a period, without season.
    pub(crate) level: f64,
    /// Factor of the growth of all items.
    pub(crate) growth: f64,
    /// Of the protection interval.
    pub(crate) total: f64,
    /// Logarithm of the variance of that by its mean.
    pub(crate) log_dispersion: f64,
    /// Whether demand stopped for far longer than it usually does.
    pub(crate) dying: bool,
}

impl Expectation {
    /// Of an item at an origin with this state.
    pub(crate) fn new(
        plan: Plan,
        item: &Item<'_>,
        state: &State,
        origin: &OriginStatistics,
        others: f64,
        season: f64,
    ) -> Self {
        let weights = pool::weights(state, &origin.scores);
        let mut level: f64 = weights.iter().zip(state.levels).map(|(weight, level)| weight * level).sum();
        let mut dying = false;
        if state.demands > 0.0 {
            let longest = GAPS * (state.periods - state.quiet + 1.0) / state.demands + QUIET;
            dying = state.quiet > longest;
            if dying {
                let left = longest / state.quiet;
                level *= left * left;
            }
        } else {
            level = others * OTHERS / (state.quiet + OTHERS);
        }
        let growth = libm::exp(origin.growth);
        let total = level * plan.protection() as f64 * growth * season;
        let log_dispersion = origin.dispersion.log_of(state, total, item.grain());
        Self { weights, level, growth, total, log_dispersion, dying }
    }

    /// Quantiles of the total of the protection interval.
    pub(crate) fn quantiles(&self) -> Quantiles {
        Quantiles::negative_binomial(self.total, self.total * libm::exp(self.log_dispersion))
    }

    /// Quantiles of a single period.
    pub(crate) fn quantiles_of_period(&self, mean: f64, dispersion: &Dispersion) -> Quantiles {
        let log = self.log_dispersion - dispersion.of_totals;
        Quantiles::negative_binomial(mean, mean * libm::exp(log))
    }
}

/// The level that stands in for the past of an item without any demand, in grains of that item.
pub(crate) fn others(statistics: &OrgStatistics, item: &Item<'_>) -> f64 {
    let category = item.category.and_then(|key| {
        let place = statistics.categories.binary_search_by_key(&key, |category| category.key).ok()?;
        statistics.categories.get(place)
    });
    category.map_or(statistics.typical_level, |category| category.typical_level) / item.grain()
}

/// What no total of so many periods exceeds, in grains.
pub(crate) fn bound(study: &Study, others: f64, periods: usize) -> f64 {
    MOST * periods as f64 * study.most.max(others).max(1.0)
}

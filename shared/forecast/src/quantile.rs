//! What is enough at which probability.
//!
//! The total of a protection interval is taken as negative binomial around its mean and variance: whole units, skewed, and with as many zeros
//! as an intermittent item has (Syntetos, Babai & Gardner 2015).

use crate::numbers;

/// The levels that are told: the probability that so much is enough.
pub const LEVELS: [f64; 6] = [0.5, 0.8, 0.9, 0.95, 0.975, 0.99];
/// Levels that are computed, so that calibration can read between them.
pub(crate) const GRID: [f64; STEPS] = [
    0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.965, 0.975, 0.985,
    0.99, 0.995, 0.998, 0.9995,
];
/// Number of levels that are computed.
pub(crate) const STEPS: usize = 22;
/// Steps up to the largest quantile, beyond which several grains become one step.
const FINE: f64 = 240.0;
/// Standard deviations above the mean up to which steps are counted.
const REACH: f64 = 12.0;
/// Steps at most.
const STEPS_MAX: u32 = 3_000;
/// The variance is at least this multiple of the mean, without which there is no negative binomial distribution.
const OVER: f64 = 1.02;
/// The standard deviation is at least the root of this multiple of the mean, when steps are counted.
const SPREAD_LEAST: f64 = 0.05;
/// Means below this are none.
const MEAN_LEAST: f64 = 1e-9;

/// Quantiles at the levels of [`GRID`], in grains.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Quantiles([f64; STEPS]);

impl Quantiles {
    /// Those of a negative binomial distribution.
    pub(crate) fn negative_binomial(mean: f64, variance: f64) -> Self {
        let mut quantiles = [0.0; STEPS];
        if mean.is_nan() || mean <= MEAN_LEAST {
            return Self(quantiles);
        }
        let top = mean + REACH * variance.max(mean * SPREAD_LEAST).sqrt();
        let step = (top / FINE).max(1.0);
        let mean = mean / step;
        let variance = (variance / (step * step)).max(mean * OVER);
        let failures = mean * mean / (variance - mean);
        let success = mean / variance;
        let mut chance = libm::exp(failures * libm::log(success));
        let mut sum = chance;
        let mut before = 0.0;
        let mut count = 0.0;
        let mut steps = 0;
        for (quantile, level) in quantiles.iter_mut().zip(GRID) {
            while sum < level && steps < STEPS_MAX {
                before = sum;
                chance *= (count + failures) / (count + 1.0) * (1.0 - success);
                count += 1.0;
                sum += chance;
                steps += 1;
            }
            *quantile = if step > 1.0 {
                // several grains to a step: read between
                let part = if sum > before { (level - before) / (sum - before) } else { 1.0 };
                ((count - 0.5 + part) * step).max(0.0)
            } else {
                count
            };
        }
        Self(quantiles)
    }

    /// The quantile at a level that is told as the logarithm of its odds.
    pub(crate) fn at(&self, logit: f64) -> f64 {
        let level = numbers::from_logit(logit);
        let mut below: Option<(f64, f64)> = None;
        for (step, quantile) in GRID.into_iter().zip(self.0) {
            if level <= step {
                let Some((step_below, quantile_below)) = below else { return quantile };
                let low = numbers::logit(step_below);
                let part = (logit - low) / (numbers::logit(step) - low);
                return quantile_below + part.clamp(0.0, 1.0) * (quantile - quantile_below);
            }
            below = Some((step, quantile));
        }
        below.map_or(0.0, |(_, quantile)| quantile)
    }

    /// Adds, for each level, 1 where its quantile, rounded, would have been enough.
    pub(crate) fn count_enough(&self, total: f64, enough: &mut [f64; STEPS]) {
        for (enough, quantile) in enough.iter_mut().zip(self.0) {
            if quantile >= total - 0.5 - 1e-9 {
                *enough += 1.0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_variance_of_little_more_than_the_mean_is_about_poisson() {
        let quantiles = Quantiles::negative_binomial(3.0, 3.0);
        // of a Poisson distribution around 3
        assert_eq!(quantiles.at(numbers::logit(0.5)), 3.0);
        assert_eq!(quantiles.at(numbers::logit(0.95)), 6.0);
        assert_eq!(quantiles.at(numbers::logit(0.99)), 8.0);
    }

    #[test]
    fn a_geometric_distribution_is_one_of_them() {
        // variance = mean + mean²: P(X > k) = (4/5)^(k+1)
        let quantiles = Quantiles::negative_binomial(4.0, 20.0);
        for level in [0.5_f64, 0.8, 0.9, 0.95, 0.99] {
            let exact = (libm::log(1.0 - level) / libm::log(0.8) - 1.0).ceil();
            assert_eq!(quantiles.at(numbers::logit(level)), exact, "{level}");
        }
    }

    #[test]
    fn nothing_is_expected_of_nothing() {
        for mean in [0.0, -1.0, f64::NAN] {
            assert_eq!(Quantiles::negative_binomial(mean, 1.0), Quantiles::default());
        }
    }

    #[test]
    fn large_totals_are_near_the_normal_distribution() {
        let quantiles = Quantiles::negative_binomial(100_000.0, 1e8);
        assert!((quantiles.at(numbers::logit(0.95)) - 116_800.0).abs() < 1_500.0);
        assert!((quantiles.at(0.0) - 99_700.0).abs() < 1_000.0);
    }

    #[test]
    fn enough_is_counted_as_rounded() {
        let mut enough = [0.0; STEPS];
        Quantiles([1.5; STEPS]).count_enough(2.0, &mut enough);
        Quantiles([1.4; STEPS]).count_enough(2.0, &mut enough);
        assert_eq!(enough, [1.0; STEPS]);
    }

    proptest! {
        #[test]
        fn quantiles_never_fall_with_the_level(
            mean in prop_oneof![0.0..1e-3, 0.0..50.0, 0.0..1e9_f64],
            dispersion in prop_oneof![0.0..3.0, 0.0..1e6_f64],
        ) {
            let quantiles = Quantiles::negative_binomial(mean, mean * dispersion);
            prop_assert!(quantiles.0.windows(2).all(|pair| pair[0] <= pair[1]), "{quantiles:?}");
            prop_assert!(quantiles.0.iter().all(|quantile| quantile.is_finite() && *quantile >= 0.0));
        }
    }
}

//! Long horizons of smooth series: where a series leads that has a level, a trend and a season.
//!
//! The mean of two methods that did well in the M3 competition (Makridakis & Hibon 2000), in logarithms, with the season taken out:
//! exponential smoothing with a damped trend (Gardner & McKenzie 1985), and the theta method, which is simple smoothing with half the
//! slope of a straight line (Assimakopoulos & Nikolopoulos 2000; Hyndman & Billah 2003).

use crate::numbers;

/// Values that are looked at, the latest ones.
const VALUES_MAX: usize = 1_200;
/// Steps ahead at most.
pub const STEPS_MAX: usize = 120;
/// Years before a season is looked for.
const YEARS: usize = 2;
/// How large the ratio of variances between and within times of the year is taken to be by chance.
const CHANCE: f64 = 1.5;
/// An index is no less than this.
const INDEX_LEAST: f64 = 0.1;
/// What the latest value weighs in the level: the first, how far the next is, and their number.
const ALPHA: (f64, f64, u32) = (0.03, 0.05, 20);
/// What a value says about the slope, by what it says about the level.
const BETAS: [f64; 8] = [0.01, 0.03, 0.06, 0.1, 0.15, 0.25, 0.4, 0.6];
/// What is left of a slope a step later.
const DAMPINGS: [f64; 5] = [0.8, 0.85, 0.9, 0.94, 0.97];
/// Values that the first level and slope are read from.
const FIRST_LEVEL: usize = 6;
const FIRST_SLOPE: usize = 12;
/// What is taken of the first slope.
const FIRST_SLOPE_SHARE: f64 = 0.5;
/// What is taken of the slope of a straight line.
const DRIFT: f64 = 0.5;
/// A forecast is no more than this multiple of the largest value.
const MOST: f64 = 10.0;

/// Forecasts a series, oldest value first, so many steps ahead; `season` is the number of values in a year, 1 for none.
///
/// A value that is no number counts as its predecessor, and negative ones as zero. Series with zeros are forecast without logarithms and
/// without a season. An empty series is zero.
#[must_use]
pub fn path(values: &[f64], season: usize, steps: usize) -> Vec<f64> {
    let steps = steps.min(STEPS_MAX);
    let values = clean(values);
    let most = values.iter().copied().fold(0.0, f64::max) * MOST;
    if values.is_empty() {
        return vec![0.0; steps];
    }
    let positive = values.iter().all(|value| *value > 0.0);
    let index = if positive { index(&values, season) } else { None }.unwrap_or_else(|| vec![1.0]);
    let at = |place: usize| index.get(place % index.len()).copied().unwrap_or(1.0);
    let rest: Vec<f64> = values
        .iter()
        .enumerate()
        .map(|(place, value)| {
            let rest = value / at(place);
            if positive { libm::log(rest) } else { rest }
        })
        .collect();
    let damped = damped(&rest, steps);
    let theta = theta(&rest, steps);
    damped
        .iter()
        .zip(theta)
        .enumerate()
        .map(|(step, (damped, theta))| {
            let mean = f64::midpoint(*damped, theta);
            let value = if positive { libm::exp(mean) } else { mean };
            (value * at(values.len() + step)).clamp(0.0, most)
        })
        .collect()
}

fn clean(values: &[f64]) -> Vec<f64> {
    let mut before = 0.0;
    values
        .iter()
        .skip(values.len().saturating_sub(VALUES_MAX))
        .map(|value| {
            before = if value.is_finite() { value.clamp(0.0, 1e15) } else { before };
            before
        })
        .collect()
}

/// Indices by time of the year as mean ratios to a centred moving year, shrunk by how far the years agree.
fn index(values: &[f64], season: usize) -> Option<Vec<f64>> {
    if season < 2 || values.len() < YEARS * season + 2 {
        return None;
    }
    let half = season / 2;
    let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); season];
    for (begin, year) in values.windows(2 * half + 1).enumerate() {
        let sum: f64 = year.iter().sum();
        let ends = (year.first()? + year.last()?) / 2.0;
        // of an even season the two ends are half inside
        let mean = if season.is_multiple_of(2) { (sum - ends) / season as f64 } else { sum / season as f64 };
        let value = values.get(begin + half)?;
        ratios.get_mut((begin + half) % season)?.push(value / mean);
    }
    let means: Vec<f64> = ratios.iter().map(|ratios| numbers::mean(ratios)).collect();
    let (mut between, mut within, mut free) = (0.0, 0.0, 0.0);
    for (ratios, mean) in ratios.iter().zip(&means) {
        between += ratios.len() as f64 * (mean - 1.0) * (mean - 1.0);
        within += ratios.iter().map(|ratio| (ratio - mean) * (ratio - mean)).sum::<f64>();
        free += ratios.len() as f64 - 1.0;
    }
    let variances =
        numbers::ratio_or(between / (season as f64 - 1.0), (within / free).max(1e-12), f64::INFINITY);
    let share = if between > 0.0 { (1.0 - CHANCE / variances).max(0.0) } else { 0.0 };
    let level = numbers::mean(&means);
    Some(means.iter().map(|mean| (1.0 + (mean / level - 1.0) * share).max(INDEX_LEAST)).collect())
}

/// Where a series stands at its end, and how far it was foretold.
#[derive(Clone, Copy)]
struct Fit {
    squares: f64,
    level: f64,
    slope: f64,
    damping: f64,
}

fn fit(values: &[f64], first: (f64, f64), (alpha, beta, damping): (f64, f64, f64)) -> Fit {
    let (mut level, mut slope) = first;
    let mut squares = 0.0;
    for (place, value) in values.iter().enumerate() {
        let expected = level + damping * slope;
        let error = value - expected;
        if place > 0 {
            squares += error * error;
        }
        level = expected + alpha * error;
        slope = damping * slope + alpha * beta * error;
    }
    Fit { squares, level, slope, damping }
}

/// The fit with the least squared error.
fn best(values: &[f64], first: (f64, f64), betas: &[f64], dampings: &[f64]) -> Fit {
    let (begin, step, count) = ALPHA;
    let mut best: Option<Fit> = None;
    for &damping in dampings {
        for number in 0..count {
            for &beta in betas {
                let fit = fit(values, first, (begin + step * f64::from(number), beta, damping));
                if best.is_none_or(|best| fit.squares < best.squares) {
                    best = Some(fit);
                }
            }
        }
    }
    best.unwrap_or(Fit { squares: 0.0, level: first.0, slope: 0.0, damping: 0.0 })
}

/// Mean and slope of the straight line through values.
fn line(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = numbers::mean(values);
    let (mut products, mut squares) = (0.0, 0.0);
    for (place, value) in values.iter().enumerate() {
        let off = place as f64 - middle;
        products += off * (value - mean);
        squares += off * off;
    }
    (mean, numbers::ratio_or(products, squares, 0.0))
}

fn damped(values: &[f64], steps: usize) -> Vec<f64> {
    let begin = values.get(..FIRST_SLOPE.min(values.len())).unwrap_or(values);
    let (mean, slope) = line(begin);
    let slope = FIRST_SLOPE_SHARE * slope;
    let level = mean - slope * (begin.len() as f64 + 1.0) / 2.0;
    let fit = best(values, (level, slope), &BETAS, &DAMPINGS);
    let (mut damped, mut sum) = (1.0, 0.0);
    (0..steps)
        .map(|_| {
            damped *= fit.damping;
            sum += damped;
            fit.level + fit.slope * sum
        })
        .collect()
}

fn theta(values: &[f64], steps: usize) -> Vec<f64> {
    let begin = values.get(..FIRST_LEVEL.min(values.len())).unwrap_or(values);
    let fit = best(values, (numbers::mean(begin), 0.0), &[0.0], &[1.0]);
    let (_, slope) = line(values);
    (1..=steps).map(|step| fit.level + DRIFT * slope * step as f64).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_constant_series_stays() {
        let path = path(&[42.0; 60], 12, 18);
        assert!(path.iter().all(|value| (value - 42.0).abs() < 1e-6), "{path:?}");
    }

    #[test]
    fn a_season_and_growth_go_on() {
        let values: Vec<f64> = (0..72)
            .map(|month| (100.0 + f64::from(month)) * if month % 12 == 11 { 2.0 } else { 1.0 })
            .collect();
        let path = path(&values, 12, 12);
        assert!(path[11] > 1.8 * path[10], "{path:?}");
        assert!(path[5] > 165.0 && path[5] < 185.0, "{path:?}");
    }

    #[test]
    fn short_and_empty_series_are_answered() {
        assert_eq!(path(&[], 12, 3), [0.0; 3]);
        assert_eq!(path(&[0.0; 4], 12, 3), [0.0; 3]);
        assert!((path(&[7.0], 12, 1)[0] - 7.0).abs() < 1e-9);
        assert_eq!(path(&[1.0, 2.0], 12, 1_000).len(), STEPS_MAX);
    }

    proptest! {
        #[test]
        fn whatever_comes_has_bounds(
            values in prop::collection::vec(prop_oneof![Just(f64::NAN), Just(0.0), 0.0..1e6, -1e300..1e300], 0..80),
            season in 0..15_usize,
        ) {
            let most = values.iter().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
            for value in path(&values, season, 18) {
                prop_assert!((0.0..=most.min(1e15) * MOST).contains(&value), "{value}");
            }
        }
    }
}

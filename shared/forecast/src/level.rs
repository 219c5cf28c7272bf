//! The methods: what an item asks for in a period.
//!
//! Simple exponential smoothing (Brown 1956) at seven paces, the slowest of which is the mean of all, and two with a damped trend
//! (Gardner & McKenzie 1985). Which of them an item listens to is decided in `pool`. On intermittent demand slow smoothing over all
//! periods, zeros included, does what Croston's method is for without its bias (Teunter & Duncan 2009).

use std::fmt;

use crate::numbers;

/// Number of methods.
pub const METHODS: usize = 9;
/// Methods without a trend, which come first.
const PACES: usize = 7;
/// Methods with a damped trend.
const TRENDS: usize = METHODS - PACES;
/// What the latest period weighs, by method.
const ALPHAS: [f64; PACES] = [0.0, 0.03, 0.06, 0.12, 0.25, 0.5, 0.8];
/// What the latest period weighs in the level, by method with a trend.
const TREND_ALPHAS: [f64; TRENDS] = [0.12, 0.3];
/// What a period says about the trend, by what it says about the level.
const TREND_BETA: f64 = 0.2;
/// What is left of a trend a period later.
const DAMPING: f64 = 0.95;
/// Periods before a trend is looked for.
const TREND_BEGINS: f64 = 3.0;
/// A trend leads to no more than this multiple of the level, and to no less than its inverse's part.
const TREND_MOST: f64 = 3.0;
const TREND_LEAST: f64 = 0.3;
/// Methods of a middling pace, whose mean is the steady level.
const STEADY: usize = 5;
/// Which method is close to the latest periods.
const RECENT: usize = 5;

/// A way to say what an item will ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// The mean of all periods.
    Mean,
    /// Exponential smoothing.
    Smoothing {
        /// What the latest period weighs.
        alpha: f64,
    },
    /// Exponential smoothing with a trend that fades.
    DampedTrend {
        /// What the latest period weighs in the level.
        alpha: f64,
    },
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.write_str("mean of all"),
            Self::Smoothing { alpha } => write!(f, "smoothing by {alpha}"),
            Self::DampedTrend { alpha } => write!(f, "damped trend by {alpha}"),
        }
    }
}

impl Method {
    /// All of them, in the order of every list of weights.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let smooth = |alpha| if alpha > 0.0 { Self::Smoothing { alpha } } else { Self::Mean };
        let trends = TREND_ALPHAS.map(|alpha| Self::DampedTrend { alpha });
        ALPHAS.into_iter().map(smooth).chain(trends).collect()
    }

    /// Whether this one follows a trend.
    pub(crate) const fn trends(number: usize) -> bool {
        number >= PACES
    }
}

/// Demand for each period, in grains, by method.
pub(crate) type Levels = [f64; METHODS];

/// The mean of the methods of a middling pace: the level that dispersion is measured around.
pub(crate) fn steady(levels: &Levels) -> f64 {
    levels.iter().take(STEADY).sum::<f64>() / STEADY as f64
}

/// The level of the latest few periods.
pub(crate) fn recent(levels: &Levels) -> f64 {
    levels.get(RECENT).copied().unwrap_or(0.0)
}

/// All methods side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ladder {
    periods: f64,
    smooth: [f64; PACES],
    trends: [Trend; TRENDS],
    /// What of the trend reaches the mean period of a protection interval.
    reach: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Trend {
    level: f64,
    slope: f64,
}

impl Ladder {
    /// Before anything is known.
    pub(crate) fn new(protection: usize) -> Self {
        let mut damped = 1.0;
        let mut sum = 0.0;
        let reaches: Vec<f64> = (0..protection)
            .map(|_| {
                damped *= DAMPING;
                sum += damped;
                sum
            })
            .collect();
        Self {
            periods: 0.0,
            smooth: [0.0; PACES],
            trends: [Trend::default(); TRENDS],
            reach: numbers::mean(&reaches),
        }
    }

    /// Learns a period's demand.
    pub(crate) fn learn(&mut self, demand: f64) {
        self.periods += 1.0;
        // at first every method is the mean of what there is
        let first = 1.0 / self.periods;
        for (level, alpha) in self.smooth.iter_mut().zip(ALPHAS) {
            *level += alpha.max(first) * (demand - *level);
        }
        for (trend, alpha) in self.trends.iter_mut().zip(TREND_ALPHAS) {
            let alpha = alpha.max(first);
            let expected = (trend.level + DAMPING * trend.slope).max(0.0);
            let error = demand - expected;
            trend.level = expected + alpha * error;
            let learnt = if self.periods > TREND_BEGINS { alpha * TREND_BETA * error } else { 0.0 };
            trend.slope = DAMPING * trend.slope + learnt;
        }
    }

    /// What each method expects of a period of the protection interval.
    pub(crate) fn levels(&self) -> Levels {
        let trends = self.trends.iter().map(|trend| {
            let level = trend.level + trend.slope * self.reach;
            level.max(TREND_LEAST * trend.level).min(TREND_MOST * trend.level).max(0.0)
        });
        let mut levels = [0.0; METHODS];
        for (level, expected) in levels.iter_mut().zip(self.smooth.into_iter().chain(trends)) {
            *level = expected;
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_methods_agree_on_what_never_changes() {
        let mut ladder = Ladder::new(3);
        for _ in 0..200 {
            ladder.learn(7.0);
        }
        assert!(ladder.levels().iter().all(|level| (level - 7.0).abs() < 1e-9), "{:?}", ladder.levels());
    }

    #[test]
    fn faster_methods_follow_a_step_sooner_and_trends_look_ahead() {
        let mut ladder = Ladder::new(4);
        (0..50).for_each(|_| ladder.learn(10.0));
        (0..6).for_each(|period| ladder.learn(20.0 + 5.0 * f64::from(period)));
        let levels = ladder.levels();
        assert!(levels[..PACES].windows(2).all(|pair| pair[0] < pair[1]), "{levels:?}");
        assert!(levels[PACES] > levels[3], "{levels:?}");
    }

    #[test]
    fn methods_are_listed_in_their_order() {
        let all = Method::all();
        assert_eq!(all.len(), METHODS);
        assert_eq!((all[0], all[8]), (Method::Mean, Method::DampedTrend { alpha: 0.3 }));
        assert!(!Method::trends(6) && Method::trends(7));
        assert_eq!(
            [all[0], all[3], all[8]].map(|method| method.to_string()),
            ["mean of all", "smoothing by 0.12", "damped trend by 0.3"]
        );
    }
}

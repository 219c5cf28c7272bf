//! Forecasts one item.

use std::fmt;

use crate::expect::{self, Expectation};
use crate::item::Item;
use crate::level::Method;
use crate::quantile::{LEVELS, Quantiles};
use crate::season;
use crate::statistics::OrgStatistics;
use crate::study::{State, study};

/// Known periods below which an item's past is short.
const SHORT: f64 = 12.0;
/// Demands below which an item has few.
const FEW: f64 = 4.0;
/// One-offs that are told, the latest ones.
const CAPPED_MAX: usize = 12;

/// What an item will ask for, in its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Of the whole protection interval; its quantiles are what stock has to reach to be enough.
    pub total: Step,
    /// Of each single period ahead.
    pub steps: Vec<Step>,
    /// What each method weighs. Those that weigh nothing are left out.
    pub methods: Vec<MethodWeight>,
    /// Factor by which all items are taken to grow, or to shrink.
    pub growth: f64,
    /// Factor of the season for the protection interval; 1 if none was found.
    pub season: f64,
    /// Variance of the total by its mean, in grains.
    pub dispersion: f64,
    /// The latest demands that count as one-offs, oldest first. Expected value and quantiles are without such.
    pub capped: Vec<Capped>,
    /// Why the forecast is to be trusted less; empty if nothing speaks against it.
    pub doubts: Vec<Doubt>,
}

/// What is expected of a period or an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// Expected demand.
    pub mean: f64,
    /// How much is enough at each of [`LEVELS`], in multiples of the item's grain. It never falls with the level.
    pub quantiles: [f64; LEVELS.len()],
}

impl Step {
    /// How much is enough with a probability: between two of [`LEVELS`] in proportion of the logarithm of the odds. Beyond the highest it goes
    /// on as between the two highest, which no past has calibrated; below the lowest it is that of the lowest.
    #[must_use]
    pub fn enough(&self, probability: f64) -> f64 {
        let odds = |level: f64| libm::log(level / (1.0 - level));
        let asked = odds(probability.clamp(LEVELS[0], 0.9999));
        let mut enough = self.quantiles[0];
        for (levels, quantiles) in LEVELS.windows(2).zip(self.quantiles.windows(2)) {
            let (&[low, high], &[least, most]) = (levels, quantiles) else { continue };
            let part = (asked - odds(low)) / (odds(high) - odds(low));
            if part > 0.0 {
                enough = least + part * (most - least);
            }
            if part <= 1.0 {
                break;
            }
        }
        enough
    }
}

/// A method and what it weighs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MethodWeight {
    /// The method.
    pub method: Method,
    /// Its weight; all of them sum up to 1.
    pub weight: f64,
}

/// A demand far beyond the item's usual ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capped {
    /// Periods before the latest one.
    pub before: usize,
    /// What was asked for.
    pub demand: f64,
    /// What was taken of it into the level.
    pub taken: f64,
}

/// Why a forecast is to be trusted less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nothing was ever asked for; the level of similar items stands in.
    NoDemand,
    /// The past is shorter than a dozen periods.
    ShortPast,
    /// There were only a few demands.
    FewDemands,
    /// Nothing was asked for in far longer than usual.
    Dying,
    /// No past forecast of the organisation could be held against what came.
    Uncalibrated,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDemand => "no demand",
            Self::ShortPast => "short past",
            Self::FewDemands => "few demands",
            Self::Dying => "dying",
            Self::Uncalibrated => "uncalibrated",
        })
    }
}

/// Forecasts an item of the organisation that the statistics were gathered from.
#[must_use]
pub fn forecast_item(statistics: &OrgStatistics, item: &Item<'_>) -> Forecast {
    let plan = statistics.plan;
    let shared = statistics.seasons.of(item.category);
    let study = study(plan, item, &statistics.seasons, statistics.periods, 1);
    let (Some(state), Some(origin)) = (study.states.last(), statistics.origins.last()) else {
        return nothing(plan.horizon());
    };
    let latest = statistics.periods.saturating_sub(1);
    let others = expect::others(statistics, item);
    let season = season::after(shared, &study.season, latest);
    let expectation = Expectation::new(plan, item, state, origin, others, season);
    let at = statistics.shifts.read_at(plan, item, state, expectation.total);
    let grain = item.grain();
    let step = |mean: f64, quantiles: &Quantiles, periods: usize| {
        let bound = expect::bound(&study, others, periods);
        Step {
            mean: mean.min(bound) * grain,
            quantiles: at.map(|logit| quantiles.at(logit).min(bound).round() * grain),
        }
    };
    let mut steps: Vec<Step> = Vec::with_capacity(plan.horizon());
    let mut before: Option<(f64, Step)> = None;
    for ahead in 0..plan.horizon() {
        let mean = expectation.level * expectation.growth * shared.ahead(ahead) * study.season.ahead(ahead);
        let same = before.filter(|(of, _)| *of == mean).map(|(_, step)| step);
        let step =
            same.unwrap_or_else(|| step(mean, &expectation.quantiles_of_period(mean, &origin.dispersion), 1));
        steps.push(step);
        before = Some((mean, step));
    }
    let methods = Method::all().into_iter().zip(expectation.weights);
    Forecast {
        total: step(expectation.total, &expectation.quantiles(), plan.protection()),
        steps,
        methods: methods
            .filter(|(_, weight)| *weight > 0.0)
            .map(|(method, weight)| MethodWeight { method, weight })
            .collect(),
        growth: expectation.growth,
        season,
        dispersion: libm::exp(expectation.log_dispersion),
        capped: study
            .cuts
            .iter()
            .skip(study.cuts.len().saturating_sub(CAPPED_MAX))
            .map(|cut| Capped {
                before: latest.saturating_sub(cut.period),
                demand: cut.demand * grain,
                taken: cut.taken * grain,
            })
            .collect(),
        doubts: doubts(statistics, state, expectation.dying),
    }
}

fn doubts(statistics: &OrgStatistics, state: &State, dying: bool) -> Vec<Doubt> {
    let all = [
        (Doubt::NoDemand, state.demands == 0.0),
        (Doubt::ShortPast, state.periods < SHORT),
        (Doubt::FewDemands, state.demands > 0.0 && state.demands < FEW),
        (Doubt::Dying, dying),
        (Doubt::Uncalibrated, statistics.shifts.forecasts == 0.0),
    ];
    all.into_iter().filter(|(_, holds)| *holds).map(|(doubt, _)| doubt).collect()
}

/// Without any period nothing can be said.
fn nothing(horizon: usize) -> Forecast {
    Forecast {
        total: Step::default(),
        steps: vec![Step::default(); horizon],
        methods: Vec::new(),
        growth: 1.0,
        season: 1.0,
        dispersion: 1.0,
        capped: Vec::new(),
        doubts: vec![Doubt::NoDemand, Doubt::ShortPast, Doubt::Uncalibrated],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_enough_lies_between_the_levels() {
        let step = Step { mean: 4.0, quantiles: [4.0, 6.0, 8.0, 9.0, 11.0, 14.0] };
        for (level, quantile) in LEVELS.into_iter().zip(step.quantiles) {
            assert!((step.enough(level) - quantile).abs() < 1e-9);
        }
        assert_eq!((step.enough(0.1), step.enough(f64::NAN)), (4.0, 4.0));
        let mut before = 0.0;
        for hundredths in 5_000..9_999 {
            let enough = step.enough(f64::from(hundredths) / 10_000.0);
            assert!(enough >= before);
            before = enough;
        }
        assert!(before > 14.0, "beyond the highest it goes on");
    }
}

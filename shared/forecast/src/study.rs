//! One item's past, gone through once: what was known of it at the end of each period.

use std::collections::VecDeque;

use crate::dispersion::Errors;
use crate::item::Item;
use crate::level::{self, Ladder, Levels, METHODS};
use crate::outlier::Sizes;
use crate::plan::Plan;
use crate::season::{self, Index, Seasons};

/// What is left of the weight of an error a period later.
const FADE: f64 = 0.985;
/// What the squared error of a single period weighs beside that of a protection interval, when methods are compared.
const SINGLE: f64 = 6.0;

/// What was known of an item at the end of a period. Demand is in grains, with the season taken out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// Whether demand is known of this very period.
    pub(crate) known: bool,
    /// What was taken of this period's demand into levels.
    pub(crate) taken: f64,
    /// Periods with a known demand since the first one above zero.
    pub(crate) periods: f64,
    /// Periods with a demand above zero.
    pub(crate) demands: f64,
    /// Known periods since the latest demand above zero; all of them if there was none.
    pub(crate) quiet: f64,
    /// What each method expects of a period.
    pub(crate) levels: Levels,
    /// Each method's squared errors, of single periods and of protection intervals, older ones faded.
    pub(crate) scores: [f64; METHODS],
    /// Weight of the protection intervals in them.
    pub(crate) scored: f64,
    /// Errors of the steady level, of single periods.
    pub(crate) singles: Errors,
    /// Errors of the steady level, of protection intervals.
    pub(crate) totals: Errors,
}

impl State {
    /// The level that dispersion is measured around.
    pub(crate) fn steady(&self) -> f64 {
        level::steady(&self.levels)
    }
}

/// A demand far beyond the item's usual ones, in grains.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) period: usize,
    pub(crate) demand: f64,
    pub(crate) taken: f64,
}

/// An item's past.
pub(crate) struct Study {
    /// Demand by period in grains; NaN where it isn't known.
    pub(crate) demand: Vec<f64>,
    /// States at the latest origins, oldest first; the last is that of now.
    pub(crate) states: Vec<State>,
    /// The item's own season.
    pub(crate) season: Index,
    /// One-offs of all periods.
    pub(crate) cuts: Vec<Cut>,
    /// The most that was ever asked for in a period.
    pub(crate) most: f64,
}

impl Study {
    /// Demand of a protection interval after a period; NaN if it isn't all known.
    pub(crate) fn total_after(&self, period: usize, protection: usize) -> f64 {
        let totals = self.demand.get(period + 1..=period + protection);
        totals.map_or(f64::NAN, |demand| demand.iter().sum())
    }
}

/// What was expected before a period, and what came.
#[derive(Clone, Copy)]
struct Expected {
    levels: Levels,
    level: f64,
    dispersion: f64,
}

/// Goes through an item's last `periods` periods and keeps the latest `origins` states.
pub(crate) fn study(plan: Plan, item: &Item<'_>, seasons: &Seasons, periods: usize, origins: usize) -> Study {
    let demand = item.grains(periods);
    let shared = seasons.of(item.category);
    let mut rest: Vec<f64> =
        demand.iter().enumerate().map(|(period, demand)| demand / shared.of_period(period)).collect();
    // before seasons are known, none is looked for
    let season =
        if shared.of_period.is_empty() { None } else { season::own(plan, &rest) }.unwrap_or_default();
    for (period, demand) in rest.iter_mut().enumerate() {
        *demand /= season.of_period(period);
    }
    let most = demand.iter().copied().filter(|demand| !demand.is_nan()).fold(0.0, f64::max);
    let (states, cuts) = states(plan, &demand, &rest, origins);
    Study { demand, states, season, cuts, most }
}

fn states(plan: Plan, raw: &[f64], demand: &[f64], origins: usize) -> (Vec<State>, Vec<Cut>) {
    let protection = plan.protection();
    let length = protection as f64;
    let mut states = Vec::with_capacity(origins);
    let mut cuts = Vec::new();
    let mut state = State::default();
    let mut ladder = Ladder::new(protection);
    let mut sizes = Sizes::default();
    let mut interval: VecDeque<Option<Expected>> = VecDeque::with_capacity(protection);
    let mut before = [f64::NAN; 2];
    let first = demand.len().saturating_sub(origins);
    for (period, (&demand, &raw)) in demand.iter().zip(raw).enumerate() {
        if interval.len() == protection {
            interval.pop_front();
        }
        let begun = state.periods > 0.0 || demand > 0.0;
        state.known = !demand.is_nan();
        if state.known && begun {
            let taken = sizes.take(demand, before.into_iter().fold(f64::NAN, f64::max));
            if taken.level < demand {
                cuts.push(Cut { period, demand: raw, taken: raw * taken.level / demand });
            }
            if state.periods > 0.0 {
                let level = state.steady();
                state.singles.add(taken.dispersion - level, level, FADE);
                for (score, expected) in state.scores.iter_mut().zip(state.levels) {
                    let error = taken.level - expected;
                    *score += SINGLE * error * error;
                }
                interval.push_back(Some(Expected {
                    levels: state.levels,
                    level: taken.level,
                    dispersion: taken.dispersion,
                }));
                score_interval(&mut state, &interval, length);
            } else {
                interval.push_back(None);
            }
            ladder.learn(taken.level);
            state.levels = ladder.levels();
            state.taken = taken.level;
            state.periods += 1.0;
            if demand > 0.0 {
                state.demands += 1.0;
                state.quiet = 0.0;
            } else {
                state.quiet += 1.0;
            }
        } else {
            interval.push_back(None);
            if state.known {
                state.quiet += 1.0;
            }
        }
        let [latest, _] = before;
        before = [demand, latest];
        if period >= first {
            states.push(state);
        }
    }
    (states, cuts)
}

/// Adds the errors of a protection interval that has just ended, if all of it is known.
fn score_interval(state: &mut State, interval: &VecDeque<Option<Expected>>, length: f64) {
    let Some(Some(begin)) = interval.front() else { return };
    if (interval.len() as f64) < length || interval.iter().any(Option::is_none) {
        return;
    }
    let (mut level, mut dispersion) = (0.0, 0.0);
    for expected in interval.iter().flatten() {
        level += expected.level;
        dispersion += expected.dispersion;
    }
    let total = length * level::steady(&begin.levels);
    state.totals.add(dispersion - total, total, FADE);
    for (score, expected) in state.scores.iter_mut().zip(begin.levels) {
        let error = level - length * expected;
        *score = *score * FADE + error * error;
    }
    state.scored = state.scored * FADE + 1.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan::new(1, 3, 3).unwrap()
    }

    fn of(demand: &[Option<f64>], origins: usize) -> Study {
        let item = Item { demand, promoted: &[], category: None, grain: 1.0 };
        study(plan(), &item, &Seasons::default(), demand.len(), origins)
    }

    #[test]
    fn later_periods_change_nothing_about_earlier_states() {
        let demand: Vec<_> = (0..60).map(|week| Some(f64::from(week * week % 17))).collect();
        let (long, short) = (of(&demand, 60), of(&demand[..40], 40));
        assert_eq!(format!("{:?}", &long.states[..40]), format!("{:?}", short.states));
        assert_eq!(format!("{:?}", of(&demand, 5).states), format!("{:?}", &long.states[55..]));
    }

    #[test]
    fn what_is_unknown_teaches_nothing() {
        let known = [Some(4.0), Some(6.0), Some(5.0), Some(5.0)];
        let gaps = [None, Some(0.0), Some(4.0), None, Some(6.0), None, None, Some(5.0), Some(5.0)];
        let (known, gaps) = (of(&known, 1), of(&gaps, 1));
        assert_eq!(known.states[0].levels, gaps.states[0].levels);
        assert_eq!(gaps.states[0].periods, 4.0);
        assert_eq!(gaps.states[0].totals.count, 0.0);
    }

    #[test]
    fn a_giant_order_is_named() {
        let mut demand = vec![Some(3.0); 30];
        demand[20] = Some(5_000.0);
        let study = of(&demand, 1);
        assert_eq!(study.cuts.len(), 1);
        assert_eq!((study.cuts[0].period, study.cuts[0].demand), (20, 5_000.0));
        assert!(study.states[0].steady() < 5.0);
        assert_eq!(study.most, 5_000.0);
    }
}

//! How often past forecasts would have been enough, and what follows for the next ones.
//!
//! At each of the latest origins whose protection interval has ended, every item is forecast with what was known then. Where 95 in a
//! hundred should have been enough and fewer were, quantiles are read at a higher level. That is done for all items together only as
//! far as the origins agree, since one bad month hits all items at once; and beside that by what sets items apart: how often
//! something is asked for, how the latest periods compare with what is expected, and how long ago a promotion was.

use crate::expect::Expectation;
use crate::item::Item;
use crate::level;
use crate::numbers::{self, add};
use crate::plan::Plan;
use crate::quantile::{GRID, LEVELS, STEPS};
use crate::study::State;

/// Origins that are looked back at.
pub(crate) const ORIGINS: usize = 26;
/// Groups by share of periods with a demand: up to each of these, and above.
const OFTEN: [f64; 3] = [0.15, 0.4, 0.7];
/// Groups by latest level relative to what is expected: up to each of these, and above.
const MOMENTUM: [f64; 4] = [0.35, 0.8, 1.25, 2.0];
/// Periods that are taken for the latest, after a promotion.
const PROMOTED: usize = 3;
/// Grains that are added to both sides of a comparison of levels, so that next to nothing is not told apart.
const NOTHING: f64 = 0.3;
/// Number of groups by each of the three.
const OFTEN_GROUPS: usize = 4;
const MOMENTUM_GROUPS: usize = 5;
const PROMOTION_GROUPS: usize = 4;
const GROUPS: usize = OFTEN_GROUPS + MOMENTUM_GROUPS + PROMOTION_GROUPS;
/// Periods of the past that an item needs at an origin, at least, and as a share of what it has now.
const PERIODS_MIN: f64 = 3.0;
const PERIODS_SHARE: f64 = 0.3;
/// Forecasts that no deviation weighs as much as, in a group.
const NO_DEVIATION: f64 = 300.0;
/// How much of a group's deviation from all items is taken, by what groups it.
const TAKEN_OFTEN: f64 = 0.6;
const TAKEN_MOMENTUM: f64 = 1.0;
const TAKEN_PROMOTION: f64 = 1.0;
/// How many times its error by chance a deviation of all items has to exceed to be taken, squared.
const CHANCE: f64 = 8.0;
/// A shortfall of this share of what is allowed to fall short is left as it is.
const TOLERANCE: f64 = 0.03;
/// Origins before deviations of all items are taken.
const ORIGINS_MIN: f64 = 2.0;
/// No level is shifted by more than this, as a logarithm of odds, whatever its groups add up to.
const SHIFT_MOST: f64 = 1.5;
/// Where a level below the lowest one is taken to lie.
const LOWEST: f64 = 0.005;

/// Each level's shift.
type Shift = [f64; LEVELS.len()];

/// At which levels quantiles are read, as shifts of the logarithm of the odds of each of [`LEVELS`]; an item's three groups add up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shifts {
    /// By share of periods with a demand: up to 15 %, 40 %, 70 %, and more. All items' common shift is in it.
    pub often: [Shift; OFTEN_GROUPS],
    /// By the latest periods relative to what is expected: up to 0.35, 0.8, 1.25, 2 times as much, and more.
    pub momentum: [Shift; MOMENTUM_GROUPS],
    /// By the latest promotion: in the last two periods, in the last, in the two before, and earlier.
    pub promotion: [Shift; PROMOTION_GROUPS],
    /// Forecasts that this rests on.
    pub forecasts: f64,
}

/// The groups an item is in at an origin.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Groups {
    often: usize,
    momentum: usize,
    promotion: Option<usize>,
}

impl Groups {
    fn of(plan: Plan, item: &Item<'_>, state: &State, expected: f64, before: usize) -> Self {
        let often = numbers::ratio_or(state.demands, state.periods.max(1.0), 0.0);
        let latest = level::recent(&state.levels) * plan.protection() as f64;
        let momentum = (latest + NOTHING) / (expected + NOTHING);
        let since = (0..=PROMOTED).take_while(|ago| !item.promoted(before + ago)).count();
        let promotion = match since {
            0 if item.promoted(before + 1) => 0,
            0 => 1,
            1 | 2 => 2,
            _ => 3,
        };
        Self {
            often: OFTEN.iter().filter(|bound| often >= **bound).count(),
            momentum: MOMENTUM.iter().filter(|bound| momentum >= **bound).count(),
            promotion: (!item.promoted.is_empty()).then_some(promotion),
        }
    }

    /// Their places among all groups.
    fn places(self) -> impl Iterator<Item = usize> {
        let promotion = self.promotion.map(|group| OFTEN_GROUPS + MOMENTUM_GROUPS + group);
        [self.often, OFTEN_GROUPS + self.momentum].into_iter().chain(promotion)
    }
}

/// How many forecasts were enough, by level.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tally {
    forecasts: f64,
    enough: [f64; STEPS],
}

impl Tally {
    const NONE: Self = Self { forecasts: 0.0, enough: [0.0; STEPS] };

    fn add(&mut self, other: &Self) {
        self.forecasts += other.forecasts;
        add(&mut self.enough, &other.enough);
    }
}

/// Past forecasts by group and by origin.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tallies {
    groups: [Tally; GROUPS],
    origins: Vec<Tally>,
}

impl Tallies {
    pub(crate) fn new(origins: usize) -> Self {
        Self { groups: [Tally::NONE; GROUPS], origins: vec![Tally::NONE; origins] }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (group, other) in self.groups.iter_mut().zip(&other.groups) {
            group.add(other);
        }
        for (origin, other) in self.origins.iter_mut().zip(&other.origins) {
            origin.add(other);
        }
    }

    /// Whether an item knew enough at an origin to be looked back at.
    pub(crate) fn counts(then: &State, now: &State) -> bool {
        then.periods >= PERIODS_MIN.max(PERIODS_SHARE * now.periods)
    }

    /// Counts a forecast made at an origin so many periods before the latest, given the total that came.
    pub(crate) fn count(
        &mut self,
        plan: Plan,
        item: &Item<'_>,
        state: &State,
        expectation: &Expectation,
        (origin, before): (usize, usize),
        total: f64,
    ) {
        let mut one = Tally { forecasts: 1.0, ..Tally::NONE };
        expectation.quantiles().count_enough(total, &mut one.enough);
        if let Some(origin) = self.origins.get_mut(origin) {
            origin.add(&one);
        }
        for place in Groups::of(plan, item, state, expectation.total, before).places() {
            if let Some(group) = self.groups.get_mut(place) {
                group.add(&one);
            }
        }
    }

    /// What follows for the next forecasts.
    pub(crate) fn shifts(&self, protection: usize) -> Shifts {
        let mut all = Tally::NONE;
        for origin in &self.origins {
            all.add(origin);
        }
        let common = self.common(&all, protection);
        let deviation = deviation(&all, 0.0);
        let mut shifts = Shifts { forecasts: all.forecasts, ..Shifts::default() };
        let Shifts { often, momentum, promotion, .. } = &mut shifts;
        let groups = often
            .iter_mut()
            .map(|shift| (shift, TAKEN_OFTEN, true))
            .chain(momentum.iter_mut().map(|shift| (shift, TAKEN_MOMENTUM, false)))
            .chain(promotion.iter_mut().map(|shift| (shift, TAKEN_PROMOTION, false)));
        for ((shift, taken, has_common), group) in groups.zip(&self.groups) {
            let taken = taken * group.forecasts / (group.forecasts + NO_DEVIATION);
            let own = self::deviation(group, 0.0);
            for (((shift, own), all), common) in shift.iter_mut().zip(own).zip(deviation).zip(common) {
                *shift = taken * (own - all) + if has_common { common } else { 0.0 };
            }
        }
        shifts
    }

    /// What all items are shifted by, as far as the origins agree.
    fn common(&self, all: &Tally, protection: usize) -> Shift {
        let origins = self.origins.iter().filter(|origin| origin.forecasts > 0.0).count() as f64;
        let mut common = [0.0; LEVELS.len()];
        if origins < ORIGINS_MIN {
            return common;
        }
        let exact = deviation(all, 0.0);
        let tolerant = deviation(all, TOLERANCE);
        for (((shift, level), exact), tolerant) in common.iter_mut().zip(LEVELS).zip(exact).zip(tolerant) {
            let (mut sum, mut squares) = (0.0, 0.0);
            for origin in self.origins.iter().filter(|origin| origin.forecasts > 0.0) {
                let enough = origin.enough_at(level) / origin.forecasts;
                sum += enough;
                squares += enough * enough;
            }
            let mean = sum / origins;
            let off =
                if mean < level { (mean - level + TOLERANCE * (1.0 - level)).min(0.0) } else { mean - level };
            // origins overlap, so that only one in a protection interval counts
            let chance = (squares / origins - mean * mean).max(0.0) * protection as f64 / origins;
            let agreed = (1.0 - CHANCE * chance / (off * off + 1e-9)).max(0.0);
            *shift = agreed * if exact > 0.0 { tolerant.max(0.0) } else { exact };
        }
        common
    }
}

impl Tally {
    fn enough_at(&self, level: f64) -> f64 {
        let place = GRID.iter().position(|step| *step >= level);
        place.and_then(|place| self.enough.get(place)).copied().unwrap_or(0.0)
    }
}

/// By how much each level has to be shifted so that as many forecasts would have been enough as should be, but for a tolerance.
fn deviation(tally: &Tally, tolerance: f64) -> Shift {
    let mut shift = [0.0; LEVELS.len()];
    if tally.forecasts <= 0.0 {
        return shift;
    }
    for (shift, level) in shift.iter_mut().zip(LEVELS) {
        let wanted = level - tolerance * (1.0 - level);
        let (mut step_below, mut enough_below) = (LOWEST, 0.0);
        let mut found = None;
        let mut highest = 0.0;
        for (step, enough) in GRID.into_iter().zip(tally.enough) {
            let enough = enough / tally.forecasts;
            highest = step;
            if enough >= wanted {
                let part = if enough > enough_below {
                    (wanted - enough_below) / (enough - enough_below)
                } else {
                    1.0
                };
                let low = numbers::logit(step_below);
                found = Some(low + part * (numbers::logit(step) - low));
                break;
            }
            (step_below, enough_below) = (step, enough);
        }
        let found = found.unwrap_or_else(|| numbers::logit(highest));
        *shift = (found - numbers::logit(level)).clamp(-SHIFT_MOST, SHIFT_MOST);
    }
    shift
}

impl Shifts {
    /// Where an item's quantiles are read, as logarithms of odds, in the order of [`LEVELS`]; they never fall.
    pub(crate) fn read_at(&self, plan: Plan, item: &Item<'_>, state: &State, expected: f64) -> Shift {
        let groups = Groups::of(plan, item, state, expected, 0);
        let none = [0.0; LEVELS.len()];
        let often = self.often.get(groups.often).unwrap_or(&none);
        let momentum = self.momentum.get(groups.momentum).unwrap_or(&none);
        let promotion = groups.promotion.and_then(|group| self.promotion.get(group)).unwrap_or(&none);
        let mut at = none;
        let mut least = f64::NEG_INFINITY;
        let shifts = often.iter().zip(momentum).zip(promotion);
        for ((at, level), ((often, momentum), promotion)) in at.iter_mut().zip(LEVELS).zip(shifts) {
            let shift = (often + momentum + promotion).clamp(-SHIFT_MOST, SHIFT_MOST);
            least = least.max(numbers::logit(level) + shift);
            *at = least;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many forecasts at each of some origins, of which the share that was enough at a level is that of another.
    fn tallies(origins: usize, forecasts: f64, enough: impl Fn(usize, f64) -> f64) -> Tallies {
        let mut tallies = Tallies::new(origins);
        for origin in 0..origins {
            let tally = Tally { forecasts, enough: GRID.map(|level| forecasts * enough(origin, level)) };
            tallies.origins[origin].add(&tally);
            tallies.groups[1].add(&tally);
            tallies.groups[OFTEN_GROUPS + 2].add(&tally);
        }
        tallies
    }

    #[test]
    fn forecasts_that_kept_their_promise_are_left_alone() {
        let shifts = tallies(26, 1_000.0, |_, level| level).shifts(3);
        assert!(shifts.often.iter().flatten().all(|shift| shift.abs() < 1e-9), "{shifts:?}");
    }

    #[test]
    fn quantiles_that_fell_short_throughout_are_read_higher() {
        let shifts = tallies(26, 1_000.0, |_, level| level * 0.95).shifts(3);
        assert!(shifts.often[1][3] > 0.5, "{shifts:?}");
        assert_eq!(shifts.momentum[2], [0.0; 6]);
    }

    #[test]
    fn one_bad_month_for_all_items_shifts_little() {
        let once = |origin, level: f64| if origin < 3 { level * 0.6 } else { level };
        let shifts = tallies(26, 1_000.0, once).shifts(3);
        assert!(shifts.often[1][3].abs() < 1e-9, "{shifts:?}");
    }

    #[test]
    fn a_shift_is_bounded() {
        let shifts = tallies(26, 1e9, |_, _| 0.0).shifts(3);
        assert_eq!(shifts.often[1], [SHIFT_MOST; LEVELS.len()]);
    }

    #[test]
    fn an_item_of_three_shifted_groups_is_shifted_no_further() {
        let most = |sign: f64| [sign * SHIFT_MOST; LEVELS.len()];
        let plan = Plan::new(1, 3, 3).unwrap();
        let item = Item { demand: &[], promoted: &[true], category: None, grain: 1.0 };
        for sign in [-1.0, 1.0] {
            let shifts = Shifts {
                often: [most(sign); OFTEN_GROUPS],
                momentum: [most(sign); MOMENTUM_GROUPS],
                promotion: [most(sign); PROMOTION_GROUPS],
                forecasts: 1.0,
            };
            for (at, level) in shifts.read_at(plan, &item, &State::default(), 1.0).into_iter().zip(LEVELS) {
                assert!((at - numbers::logit(level) - sign * SHIFT_MOST).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn items_are_grouped_by_what_sets_them_apart() {
        let plan = Plan::new(1, 3, 3).unwrap();
        let promoted = [false, true, false];
        let item = Item { demand: &[], promoted: &promoted, category: None, grain: 1.0 };
        let mut state = State { periods: 10.0, demands: 2.0, ..State::default() };
        state.levels = [3.0; level::METHODS];
        let groups = Groups::of(plan, &item, &state, 3.0, 0);
        assert_eq!(groups, Groups { often: 1, momentum: 4, promotion: Some(2) });
        assert_eq!(groups.places().collect::<Vec<_>>(), [1, 8, 11]);
        let item = Item { promoted: &[], ..item };
        assert_eq!(Groups::of(plan, &item, &state, 9.0, 0).promotion, None);
    }
}

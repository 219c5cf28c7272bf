//! How the methods share the work on an item.
//!
//! Each method weighs by how well it would have done: its mean squared error to the power of minus half the number of errors, which
//! is the likelihood of errors that scatter normally (as in Bayesian model averaging). What the item's own errors say is mixed with
//! what those of all items of the organisation say, the less there are the more; and every method keeps a small share, since an
//! average of a few is seldom far off.

use crate::level::{METHODS, Method};
use crate::study::State;

/// Errors that all items together weigh as much as.
const TOGETHER: f64 = 60.0;
/// What counts as independent errors at most, and what an error counts as.
const ERRORS_MAX: f64 = 30.0;
const SHARPNESS: f64 = 2.5;
/// What is shared alike among the methods without a trend.
const ALIKE: f64 = 0.1;
/// Errors before an item says something about all.
const ERRORS_MIN: f64 = 3.0;
/// Errors that an item counts with at most, among others.
const ITEM_MAX: f64 = 20.0;
/// A method is at best this much better than the mean of all.
const BEST: f64 = 1e-3;
/// Periods, and the share of them with a demand, before a trend is believed.
const TREND_PERIODS: f64 = 24.0;
const TREND_STEADY: f64 = 0.9;

/// Squared errors by method relative to the mean of all methods; their weights.
pub(crate) type Shares = [f64; METHODS];

/// How an item's methods compare; `None` if nothing tells them apart.
fn compared(state: &State) -> Option<Shares> {
    let mean = state.scores.iter().sum::<f64>() / METHODS as f64;
    (mean > 0.0).then(|| state.scores.map(|score| score / mean))
}

/// Adds an item to sums over all items; the last sum is of the weights.
pub(crate) fn sum(sums: &mut [f64; METHODS + 1], state: &State) {
    if state.scored < ERRORS_MIN {
        return;
    }
    if let Some(compared) = compared(state) {
        let weight = state.scored.min(ITEM_MAX);
        for (sum, score) in sums.iter_mut().zip(compared.into_iter().chain([1.0])) {
            *sum += weight * score;
        }
    }
}

/// How the methods compare over all items.
pub(crate) fn together(sums: &[f64; METHODS + 1]) -> Shares {
    let mut shares = [1.0; METHODS];
    if let [sums @ .., weight] = sums
        && *weight > 0.0
    {
        for (share, sum) in shares.iter_mut().zip(sums) {
            *share = sum / weight;
        }
    }
    shares
}

/// What each method weighs for an item; they sum up to 1.
pub(crate) fn weights(state: &State, together: &Shares) -> Shares {
    let own = compared(state).unwrap_or([1.0; METHODS]);
    let mut errors = [1.0; METHODS];
    for ((error, own), all) in errors.iter_mut().zip(own).zip(together) {
        *error = ((state.scored * own + TOGETHER * all) / (state.scored + TOGETHER)).max(BEST);
    }
    let best = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let count = SHARPNESS * (state.scored + TOGETHER).min(ERRORS_MAX);
    let trends = state.periods >= TREND_PERIODS && state.demands >= TREND_STEADY * state.periods;
    let mut weights = errors.map(|error| libm::exp(-0.5 * count * libm::log(error / best)));
    if !trends {
        for (number, weight) in weights.iter_mut().enumerate() {
            if Method::trends(number) {
                *weight = 0.0;
            }
        }
    }
    let sum: f64 = weights.iter().sum();
    let alike = ALIKE / (0..METHODS).filter(|number| !Method::trends(*number)).count() as f64;
    for (number, weight) in weights.iter_mut().enumerate() {
        let share = if sum > 0.0 { *weight / sum } else { 0.0 };
        *weight = (1.0 - ALIKE) * share + if Method::trends(number) { 0.0 } else { alike };
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_up_and_favour_what_did_well() {
        let mut state = State { scored: 40.0, periods: 50.0, demands: 50.0, ..State::default() };
        state.scores = [10.0, 10.0, 10.0, 9.0, 5.0, 10.0, 10.0, 10.0, 10.0];
        let weights = weights(&state, &[1.0; METHODS]);
        assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(weights[4] > 0.8, "{weights:?}");
        assert!(weights.iter().all(|weight| *weight >= 0.0));
    }

    #[test]
    fn an_item_that_knows_nothing_follows_all_items() {
        let mut together = [1.0; METHODS];
        together[2] = 0.5;
        let weights = weights(&State::default(), &together);
        assert!(weights[2] > 0.8);
        assert_eq!(weights[7..], [0.0, 0.0]);
    }

    #[test]
    fn all_items_are_compared_by_their_means() {
        let mut sums = [0.0; METHODS + 1];
        assert_eq!(together(&sums), [1.0; METHODS]);
        let mut state = State { scored: 10.0, ..State::default() };
        state.scores = [1.0, 2.0, 3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0];
        sum(&mut sums, &state);
        assert_eq!(together(&sums)[..3], [0.5, 1.0, 1.5]);
    }
}

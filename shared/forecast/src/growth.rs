//! Growth of all items together: what an item's own figures are too few to show.
//!
//! The sum of what was asked for is held against the sum of what was expected, period by period. Where that runs ahead, or behind, it
//! may go on doing so: a regression on the organisation's own past says how much of it carries on into the next protection interval.

/// What the latest period weighs in what runs ahead.
const ALPHA: f64 = 0.15;
/// Until the past says otherwise, all of it carries on; the past is believed by what it weighs beside this.
const CARRIES: f64 = 1.0;
const BELIEF: f64 = 1.0;
/// At most so much of it carries on.
const CARRIES_MOST: f64 = 1.5;
/// A single period is ahead or behind by no more than a factor of e.
const PERIOD_MOST: f64 = 1.0;
/// All items grow, or shrink, by no more than half as much again: the logarithm of 1.5.
const GROWTH_MOST: f64 = 0.405_465_108_108_164_4;
/// As many origins without growth are mixed in: a short past shows little.
const NO_GROWTH: f64 = 5.0;
/// Origins at the beginning that say nothing about what carries on.
const FIRST: usize = 3;

/// Logarithm of the growth from what was known at each origin, given what was asked for and what was expected in each.
pub(crate) fn growth(asked: &[f64], expected: &[f64], protection: usize) -> Vec<f64> {
    let ahead: Vec<f64> = asked
        .iter()
        .zip(expected)
        .map(|(asked, expected)| {
            if *asked > 0.0 && *expected > 0.0 {
                libm::log(asked / expected).clamp(-PERIOD_MOST, PERIOD_MOST)
            } else {
                0.0
            }
        })
        .collect();
    let mut runs = Vec::with_capacity(ahead.len());
    let mut run = 0.0;
    for (origin, ahead) in ahead.iter().enumerate() {
        if origin > 0 {
            run += ALPHA.max(1.0 / (origin as f64 + 1.0)) * (ahead - run);
        }
        runs.push(run);
    }
    // what came in the protection interval after each origin
    let length = protection as f64;
    let came =
        |origin: usize| Some(ahead.get(origin + 1..=origin + protection)?.iter().sum::<f64>() / length);
    let (mut squares, mut products) = (0.0, 0.0);
    let mut learnt = FIRST;
    runs.iter()
        .enumerate()
        .map(|(now, run)| {
            while learnt + protection <= now {
                if let (Some(run), Some(came)) = (runs.get(learnt), came(learnt)) {
                    squares += run * run;
                    products += run * came;
                }
                learnt += 1;
            }
            let carries = ((BELIEF * CARRIES + products) / (BELIEF + squares)).clamp(0.0, CARRIES_MOST);
            let origins = now as f64;
            (carries * run * origins / (origins + NO_GROWTH)).clamp(-GROWTH_MOST, GROWTH_MOST)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_running_ahead_carries_on() {
        let growth = growth(&[120.0; 40], &[100.0; 40], 3);
        assert!(growth[39] > 0.15 && growth[39] < 0.25, "{}", growth[39]);
    }

    #[test]
    fn ups_and_downs_are_no_growth() {
        let asked: Vec<f64> = (0..40).map(|week| if week % 2 == 0 { 125.0 } else { 80.0 }).collect();
        assert!(growth(&asked, &[100.0; 40], 3)[39].abs() < 0.05);
    }

    #[test]
    fn growth_has_bounds_and_needs_figures() {
        let bounded = growth(&[1e9; 30], &[1.0; 30], 3);
        assert!((bounded[29] - GROWTH_MOST).abs() < 1e-12);
        assert_eq!(growth(&[0.0; 5], &[1.0; 5], 3), [0.0; 5]);
        assert_eq!(growth(&[], &[], 3), Vec::<f64>::new());
    }
}

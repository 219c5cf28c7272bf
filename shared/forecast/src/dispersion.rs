//! How far the total of a protection interval scatters, as variance by mean.
//!
//! An item's own figure is uncertain as long as it has few demands, so it is shrunk towards what items of its level usually have: a
//! regression of the logarithm on that of the level over all items of the organisation (as Agrawal & Smith 1996 for the negative binomial).
//! That regression is in units, so that what is sold by the gram stands beside what is sold by the piece.

use crate::study::State;

/// Periods that what is usual weighs as much as.
const USUAL: f64 = 15.0;
/// Errors that an item counts with at most, among others.
const ERRORS_MAX: f64 = 20.0;
/// Errors before an item counts.
const ERRORS_MIN: f64 = 3.0;
/// Variance by mean is at least this.
const LEAST: f64 = 0.05;
/// Logarithm of variance by mean is at most this.
const LOG_MOST: f64 = 14.0;
/// The slope is within these.
const SLOPE_LEAST: f64 = -0.5;
const SLOPE_MOST: f64 = 1.5;
/// What a rise, or a fall, of the level since then does to an item's own figure, by what the slope says.
const AFTER_RISE: f64 = -0.5;
const AFTER_FALL: f64 = -0.3;
/// Totals in grains below which nothing is told apart.
const TOTAL_LEAST: f64 = 0.01;
/// What is usual before any item says so.
const NONE: Dispersion = Dispersion { items: 0.0, base: 0.7, slope: 0.3, of_totals: 0.0 };

/// What is usual at an origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dispersion {
    /// What the items weighed that this was learnt from; 0 if there were none, and then it is in grains of whichever item.
    pub items: f64,
    /// Logarithm of variance by mean of a total of one unit, in units.
    pub base: f64,
    /// What it grows by with the logarithm of the total.
    pub slope: f64,
    /// By how much that of a protection interval exceeds that of a single period, as a logarithm: errors hang together.
    pub of_totals: f64,
}

/// Weighted squared errors and what they are errors of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Errors {
    pub(crate) squares: f64,
    pub(crate) level: f64,
    pub(crate) count: f64,
}

impl Errors {
    /// Adds an error, while older ones fade.
    pub(crate) fn add(&mut self, error: f64, level: f64, fade: f64) {
        self.squares = self.squares * fade + error * error;
        self.level = self.level * fade + level;
        self.count = self.count * fade + 1.0;
    }

    /// Logarithm of variance by mean.
    fn log(&self) -> Option<f64> {
        (self.count > 0.0 && self.level > 0.0)
            .then(|| libm::log((self.squares / self.level).max(LEAST)).min(LOG_MOST))
    }
}

/// An item's own figures: of totals, and of single periods.
fn own(state: &State) -> Option<(f64, f64)> {
    Some((state.totals.log()?, state.singles.log()?))
}

/// Sums of a weighted regression, which come from all items.
pub(crate) const SUMS: usize = 6;

/// Adds an item to the sums, given its grain.
pub(crate) fn sum(sums: &mut [f64; SUMS], state: &State, protection: f64, grain: f64) {
    if state.totals.count < ERRORS_MIN || state.steady() <= 0.0 {
        return;
    }
    if let Some((totals, singles)) = own(state) {
        let weight = state.totals.count.min(ERRORS_MAX);
        let unit = libm::log(grain);
        let (totals, singles) = (totals + unit, singles + unit);
        let level = libm::log((state.steady() * protection).max(TOTAL_LEAST)) + unit;
        let of = [1.0, level, level * level, totals, singles, level * singles];
        for (sum, of) in sums.iter_mut().zip(of) {
            *sum += weight * of;
        }
    }
}

impl Dispersion {
    /// What is usual, by the sums.
    pub(crate) fn of_sums(sums: &[f64; SUMS]) -> Self {
        let [weight, level, levels, totals, singles, products] = *sums;
        if weight <= 0.0 {
            return NONE;
        }
        let of_totals = (totals - singles) / weight;
        let (x, y, xy) = (level / weight, singles / weight, products / weight);
        let variance = levels / weight - x * x;
        let slope =
            if variance > 1e-6 { ((xy - x * y) / variance).clamp(SLOPE_LEAST, SLOPE_MOST) } else { 0.0 };
        Self { items: weight, base: y + of_totals - slope * x, slope, of_totals }
    }

    /// Logarithm of variance by mean of an item's total, whose expected value is given, in grains.
    pub(crate) fn log_of(&self, state: &State, total: f64, grain: f64) -> f64 {
        let now = libm::log(total.max(TOTAL_LEAST));
        let unit = if self.items > 0.0 { libm::log(grain) } else { 0.0 };
        let level = if total > 0.0 { libm::log(total) + unit } else { 0.0 };
        let usual = self.base + self.slope * level - unit;
        let Some((_, singles)) = own(state) else { return usual.min(LOG_MOST) };
        // single periods tell more than the few protection intervals of one item
        let own = singles + self.of_totals;
        let then = libm::log((state.totals.level / state.totals.count.max(1e-9)).max(TOTAL_LEAST));
        let change = then - now;
        let change = change * if change < 0.0 { AFTER_RISE } else { AFTER_FALL };
        let usual_then = usual + self.slope.max(0.0) * change;
        let count = state.totals.count;
        (usual + count / (count + USUAL) * (own - usual_then)).min(LOG_MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A state of so many errors with this variance by mean around this level.
    fn state(level: f64, dispersion: f64, count: f64) -> State {
        let of = |level: f64| Errors { squares: dispersion * level * count, level: level * count, count };
        State {
            levels: [level; crate::level::METHODS],
            totals: of(3.0 * level),
            singles: of(level),
            ..State::default()
        }
    }

    #[test]
    fn an_item_that_knows_little_has_what_is_usual_at_its_level() {
        let mut sums = [0.0; SUMS];
        for level in [1.0, 2.0, 5.0, 10.0, 50.0] {
            sum(&mut sums, &state(level, 2.0 * (3.0 * level).sqrt(), 20.0), 3.0, 1.0);
        }
        let usual = Dispersion::of_sums(&sums);
        assert!((usual.slope - 0.5).abs() < 1e-9 && (usual.base - libm::log(2.0)).abs() < 1e-9, "{usual:?}");
        let new = usual.log_of(&State::default(), 12.0, 1.0);
        assert!((new - libm::log(2.0 * 12.0_f64.sqrt())).abs() < 1e-9);
        let known = usual.log_of(&state(4.0, 100.0, 500.0), 12.0, 1.0);
        assert!((known - libm::log(100.0)).abs() < 0.2, "{known}");
    }

    #[test]
    fn without_items_something_is_usual() {
        assert_eq!(Dispersion::of_sums(&[0.0; SUMS]), NONE);
    }
}

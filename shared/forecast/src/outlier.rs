//! What counts as a one-off: an order far beyond what the item's orders were like before.
//!
//! A bulk order must not become the next weeks' expectation, nor should stock be held for it. What goes beyond the cap is left out of
//! levels, and what goes beyond a wider cap out of dispersion, unless a like one came just before: what comes again is none.

/// Standard deviations above the mean size of what is still taken into levels.
const LEVEL_DEVIATIONS: f64 = 3.5;
/// Standard deviations above the mean size of what is still taken into dispersion.
const DISPERSION_DEVIATIONS: f64 = 8.0;
/// Grains above the mean size that are always taken.
const ALWAYS: f64 = 2.0;
/// As many sizes of a usual spread are mixed in, since few sizes hardly say how far they spread.
const USUAL_SIZES: f64 = 6.0;
/// That usual spread, as standard deviation by mean.
const USUAL_SPREAD: f64 = 0.8;
/// This share of the larger of the two periods before is no one-off any more.
const AGAIN: f64 = 0.7;

/// Sizes of the demands so far, in grains.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sizes {
    count: f64,
    mean: f64,
    squares: f64,
}

/// A period's demand as it is taken, in grains.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// Into levels.
    pub(crate) level: f64,
    /// Into dispersion.
    pub(crate) dispersion: f64,
}

impl Sizes {
    /// How much of a demand is taken, given the larger demand of the two periods before, NaN if neither is known, and adds it to
    /// the sizes.
    pub(crate) fn take(&mut self, demand: f64, before: f64) -> Taken {
        let mut taken = Taken { level: demand, dispersion: demand };
        if self.count >= 1.0 {
            let usual = USUAL_SPREAD * self.mean;
            let variance = (self.squares + USUAL_SIZES * usual * usual) / (self.count + USUAL_SIZES);
            let deviation = variance.sqrt();
            let again = if before.is_nan() { 0.0 } else { AGAIN * before };
            taken.level = demand.min((self.mean + LEVEL_DEVIATIONS * deviation + ALWAYS).max(again));
            taken.dispersion =
                demand.min(self.mean + DISPERSION_DEVIATIONS * deviation + ALWAYS).max(taken.level);
        }
        if taken.level > 0.0 {
            // Welford's updates
            self.count += 1.0;
            let off = taken.level - self.mean;
            self.mean += off / self.count;
            self.squares += off * (taken.level - self.mean);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_giant_is_cut_off_unless_it_comes_again() {
        let mut sizes = Sizes::default();
        for _ in 0..10 {
            assert_eq!(sizes.take(5.0, 5.0).level, 5.0);
        }
        let giant = sizes.take(10_000.0, 5.0);
        assert!(giant.level < 20.0 && giant.dispersion < 50.0 && giant.dispersion > giant.level);
        assert_eq!(sizes.take(7_000.0, 10_000.0).level, 7_000.0);
    }

    #[test]
    fn the_first_size_is_taken_as_it_is() {
        assert_eq!(Sizes::default().take(1_000.0, f64::NAN).level, 1_000.0);
    }
}

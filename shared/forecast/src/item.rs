//! What is known of an item.

/// Grains of an item in a period at most: in ten-thousandths, a hundred million units. What is beyond counts as this.
pub const DEMAND_MAX: f64 = 1e12;

/// An item's past. The last entries of all items are of the same period, the latest that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Demand by period, oldest first, in the item's unit; `None` where it can't be known, as before the item was sold or while it
    /// was out of stock. Below zero counts as zero.
    pub demand: &'a [Option<f64>],
    /// Whether the item was promoted in each of these periods; empty if nobody says so. Future promotions are not looked at.
    pub promoted: &'a [bool],
    /// What the item belongs to. Items of a category share their season and stand in for what a new one has no past of.
    pub category: Option<u32>,
    /// The least that can be asked for: 1 for whole units, 0.001 for what is sold by the gram in kilograms. Quantiles are multiples of it.
    pub grain: f64,
}

impl Item<'_> {
    /// The grain, or 1 where it is none.
    pub(crate) fn grain(&self) -> f64 {
        if self.grain.is_finite() && self.grain > 0.0 { self.grain } else { 1.0 }
    }

    /// Demand in grains of the last `periods` periods; NaN where it isn't known.
    pub(crate) fn grains(&self, periods: usize) -> Vec<f64> {
        let grain = self.grain();
        let known = self.demand.len().min(periods);
        let unknown = std::iter::repeat_n(f64::NAN, periods.saturating_sub(known));
        let demand = self.demand.iter().skip(self.demand.len().saturating_sub(known));
        unknown
            .chain(demand.map(|demand| match demand {
                Some(demand) if demand.is_finite() => (demand / grain).clamp(0.0, DEMAND_MAX),
                _ => f64::NAN,
            }))
            .collect()
    }

    /// Whether the item was promoted so many periods before the latest.
    pub(crate) fn promoted(&self, before: usize) -> bool {
        self.promoted.iter().rev().nth(before).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_demand_is_cleaned_and_items_end_together() {
        let demand = [Some(-3.0), None, Some(f64::NAN), Some(f64::INFINITY), Some(1e300), Some(0.25)];
        let item = Item { demand: &demand, promoted: &[], category: None, grain: 0.25 };
        let grains = item.grains(7);
        assert!(grains[0].is_nan() && grains[2].is_nan() && grains[3].is_nan() && grains[4].is_nan());
        assert_eq!((grains[1], grains[5], grains[6]), (0.0, DEMAND_MAX, 1.0));
        assert_eq!(item.grains(1), [1.0]);
        let whole = Item { grain: f64::NAN, ..item };
        assert_eq!(whole.grain(), 1.0);
    }

    #[test]
    fn promotions_are_counted_from_the_latest_period() {
        let item = Item { demand: &[], promoted: &[true, false, true], category: None, grain: 1.0 };
        assert_eq!([0, 1, 2, 3].map(|before| item.promoted(before)), [true, false, true, false]);
    }
}

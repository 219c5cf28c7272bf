//! What several items ask for together, period by period; seasons are looked for in it.
//!
//! Items whose demand isn't known in a period are taken to ask for as much as the known ones do beside their levels, so that a stock-out
//! or a closed month makes no season.

use crate::numbers::add;
use crate::study::{State, Study};

/// Sums by period, oldest first, in units.
#[derive(Clone, Debug)]
pub(crate) struct Totals {
    /// What was asked for, without one-offs.
    asked: Vec<f64>,
    /// The levels, before the period, of the items whose demand is known.
    known: Vec<f64>,
    /// Those of the others.
    missing: Vec<f64>,
}

impl Totals {
    pub(crate) fn new(periods: usize) -> Self {
        Self { asked: vec![0.0; periods], known: vec![0.0; periods], missing: vec![0.0; periods] }
    }

    /// Those of one item, by its states at all periods and its grain.
    pub(crate) fn of_item(study: &Study, grain: f64) -> Self {
        let mut totals = Self::new(study.states.len());
        let sums = totals.asked.iter_mut().zip(totals.known.iter_mut().zip(&mut totals.missing));
        let mut level = 0.0;
        for (state, (asked, (known, missing))) in study.states.iter().zip(sums) {
            if state.known {
                *asked = state.taken * grain;
                *known = level;
            } else {
                *missing = level;
            }
            level = State::steady(state) * grain;
        }
        totals
    }

    pub(crate) fn add(&mut self, other: &Self) {
        add(&mut self.asked, &other.asked);
        add(&mut self.known, &other.known);
        add(&mut self.missing, &other.missing);
    }

    /// What all would have asked for, in units; NaN where nothing is known of items that were sold before.
    pub(crate) fn by_period(&self) -> Vec<f64> {
        let sums = self.asked.iter().zip(self.known.iter().zip(&self.missing));
        sums.map(|(asked, (known, missing))| match (*known > 0.0, *missing > 0.0) {
            (_, false) => *asked,
            (true, true) => asked * (1.0 + missing / known),
            (false, true) => f64::NAN,
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::Item;
    use crate::plan::Plan;
    use crate::season::Seasons;
    use crate::study::study;

    fn of(demand: &[Option<f64>], grain: f64) -> Totals {
        let item = Item { demand, promoted: &[], category: None, grain };
        let plan = Plan::new(4, 1, 1).unwrap();
        Totals::of_item(&study(plan, &item, &Seasons::default(), demand.len(), demand.len()), grain)
    }

    #[test]
    fn items_add_up_in_units_and_gaps_are_filled_by_what_the_others_do() {
        let mut both = of(&[Some(6.0), Some(6.0), Some(12.0), Some(6.0)], 1.0);
        both.add(&of(&[Some(3.0), Some(3.0), None, Some(3.0)], 0.001));
        // of the two that ask for six and three, the one that is known asks for twice as much as usual
        assert!(both.by_period().iter().zip([9.0, 9.0, 18.0, 9.0]).all(|(is, be)| (is - be).abs() < 1e-9));
    }

    #[test]
    fn where_nothing_is_known_there_is_no_total() {
        let alone = of(&[None, Some(5.0), None, Some(5.0)], 1.0).by_period();
        assert_eq!((alone[0], alone[1], alone[3]), (0.0, 5.0, 5.0));
        assert!(alone[2].is_nan());
    }
}

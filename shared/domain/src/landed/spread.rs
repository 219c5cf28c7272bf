//! Spreading an amount by weights, so that the parts are the whole.

use crate::fixed::{FixedError, Money};

/// Spreads an amount in proportion to weights, in whole units of a currency's last decimal: each part is cut down to such a unit,
/// and what is left goes, a unit each, to the parts that lost most by that; of parts that lost the same to the later ones.
///
/// The remainder method of Hamilton; that later ones come first is ERPNext's choice (`landed_cost_voucher`), whose example it
/// meets: 123.22 over three equal weights is 41.07, 41.07 and 41.08.
///
/// # Errors
/// [`FixedError::TooLarge`] when an amount does not fit, a weight is below zero, or all of them are zero.
pub fn spread(total: Money, weights: &[i64], decimals: u32) -> Result<Vec<Money>, FixedError> {
    let places = 4u32.saturating_sub(decimals);
    let unit = 10i64.checked_pow(places).ok_or(FixedError::TooLarge)?;
    let units = total.e4().checked_div(unit).ok_or(FixedError::TooLarge)?;
    // what is less than a unit stays with the last part that has a weight
    let rest = total.e4().checked_rem(unit).ok_or(FixedError::TooLarge)?;
    let whole = weights.iter().try_fold(0i128, |sum, weight| sum.checked_add(i128::from(*weight)));
    let whole = whole.filter(|whole| *whole > 0).ok_or(FixedError::TooLarge)?;
    if weights.iter().any(|weight| *weight < 0) {
        return Err(FixedError::TooLarge);
    }
    let (mut parts, mut lost) = (Vec::with_capacity(weights.len()), Vec::with_capacity(weights.len()));
    let mut given = 0i64;
    for (at, weight) in weights.iter().enumerate() {
        let product = i128::from(units).checked_mul(i128::from(*weight)).ok_or(FixedError::TooLarge)?;
        let part = product.checked_div_euclid(whole).and_then(|part| i64::try_from(part).ok());
        let part = part.ok_or(FixedError::TooLarge)?;
        given = given.checked_add(part).ok_or(FixedError::TooLarge)?;
        lost.push((product.checked_rem_euclid(whole).unwrap_or(0), at));
        parts.push(part);
    }
    lost.sort_unstable_by(|a, b| b.cmp(a));
    let left = usize::try_from(units.saturating_sub(given)).map_err(|_| FixedError::TooLarge)?;
    for (_, at) in lost.into_iter().take(left) {
        if let Some(part) = parts.get_mut(at) {
            *part = part.saturating_add(1);
        }
    }
    let last = weights.iter().rposition(|weight| *weight > 0);
    let amounts = parts.into_iter().enumerate().map(|(at, part)| {
        let of_units = part.checked_mul(unit).ok_or(FixedError::TooLarge)?;
        let more = if Some(at) == last { rest } else { 0 };
        of_units.checked_add(more).map(Money::from_e4).ok_or(FixedError::TooLarge)
    });
    amounts.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(total: &str, weights: &[i64], decimals: u32) -> Vec<String> {
        let parts = spread(total.parse().unwrap(), weights, decimals).unwrap();
        parts.into_iter().map(|part| part.to_string()).collect()
    }

    #[test]
    fn a_cent_that_is_left_goes_to_the_last_of_equals() {
        assert_eq!(parts("123.22", &[1, 1, 1], 2), ["41.07", "41.07", "41.08"]);
        assert_eq!(parts("100", &[1, 1, 1], 2), ["33.33", "33.33", "33.34"]);
        assert_eq!(parts("100", &[1, 2, 0], 2), ["33.33", "66.67", "0.00"]);
        assert_eq!(parts("100", &[1, 1, 1], 0), ["33.00", "33.00", "34.00"]);
        assert_eq!(parts("0.005", &[3, 0], 2), ["0.005", "0.00"]);
    }

    #[test]
    fn without_weights_there_is_nothing_to_go_by() {
        for weights in [&[][..], &[0, 0], &[2, -1]] {
            assert!(spread(Money::from_e4(1), weights, 2).is_err());
        }
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole_and_none_is_a_unit_off(
            total in 0i64..10_000_000_000,
            weights in prop::collection::vec(0i64..1_000_000_000, 1..40),
            decimals in 0u32..=4,
        ) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            let unit = 10i128.pow(4 - decimals);
            let parts = spread(Money::from_e4(total), &weights, decimals).unwrap();
            prop_assert_eq!(parts.iter().map(|part| part.e4()).sum::<i64>(), total);
            let whole: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
            for (part, weight) in parts.iter().zip(&weights) {
                let exact = i128::from(total) * i128::from(*weight);
                prop_assert!((i128::from(part.e4()) * whole - exact).abs() < 2 * unit * whole);
                prop_assert!(*weight > 0 || part.is_zero());
            }
        }
    }
}

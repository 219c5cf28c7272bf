//! Small sums that several modules need.

/// Logarithm of the odds of a probability.
pub(crate) fn logit(probability: f64) -> f64 {
    libm::log(probability / (1.0 - probability))
}

/// The probability of a logarithm of odds.
pub(crate) fn from_logit(logit: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-logit))
}

/// Adds numbers to sums one by one.
pub(crate) fn add(sums: &mut [f64], numbers: &[f64]) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += number;
    }
}

/// `a / b`, or something else where that is no number.
pub(crate) fn ratio_or(a: f64, b: f64, otherwise: f64) -> f64 {
    let ratio = a / b;
    if ratio.is_finite() { ratio } else { otherwise }
}

/// The mean of numbers; NaN if there are none.
pub(crate) fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

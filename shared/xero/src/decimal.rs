//! Exact decimals, read from and written to the text of JSON numbers.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

/// The most decimals a [`Decimal`] holds: every power of ten up to here fits an `i128`.
const SCALE_MAX: u32 = 38;
/// Ten-thousandths are the unit of Xero's quantities and, with `unitdp=4`, of its unit prices.
const E4_SCALE: u32 = 4;

/// An exact decimal number: `units` divided by ten to the power of `scale`.
///
/// Xero sends quantities with up to four decimals, exchange rates with six, and now and then the long tail of a
/// binary number. All of them are kept as written; nothing passes through a float. Equal numbers are equal
/// whatever their number of zeros: `1.50` is `1.5`.
///
/// Reading and writing go through the text of the JSON number, so they work with `serde_json` only. Reading does not work
/// inside `#[serde(flatten)]`, untagged enums or `serde_json::Value`; writing does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    units: i128,
    /// Kept as small as possible, so that equal numbers have equal parts.
    scale: u32,
}

/// Why a decimal can't be read or converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text is not a decimal number.
    #[error("not a decimal number")]
    Syntax,
    /// The number has more digits than can be kept exactly.
    #[error("a number with too many digits")]
    TooManyDigits,
    /// The number has more decimals than the unit asked for.
    #[error("a number with more than four decimals")]
    Inexact,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { units: 0, scale: 0 };

    /// `units` divided by ten to the power of `scale`.
    ///
    /// # Errors
    /// [`DecimalError::TooManyDigits`] for a scale above 38.
    pub fn new(units: i128, scale: u32) -> Result<Self, DecimalError> {
        let (mut units, mut scale) = (units, if units == 0 { 0 } else { scale });
        while scale > 0 && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        if scale > SCALE_MAX {
            return Err(DecimalError::TooManyDigits);
        }
        Ok(Self { units, scale })
    }

    /// A number of ten-thousandths.
    #[must_use]
    pub fn from_e4(ten_thousandths: i64) -> Self {
        Self::new(ten_thousandths.into(), E4_SCALE).unwrap_or(Self::ZERO)
    }

    /// The exact number of ten-thousandths.
    ///
    /// # Errors
    /// [`DecimalError::Inexact`] with more than four decimals, [`DecimalError::TooManyDigits`] outside `i64`.
    pub fn to_e4(self) -> Result<i64, DecimalError> {
        if self.scale > E4_SCALE {
            return Err(DecimalError::Inexact);
        }
        self.to_e4_half_up()
    }

    /// The nearest number of ten-thousandths; a tie goes away from zero, as Xero rounds.
    ///
    /// # Errors
    /// [`DecimalError::TooManyDigits`] outside `i64`.
    pub fn to_e4_half_up(self) -> Result<i64, DecimalError> {
        let units = if self.scale <= E4_SCALE {
            self.units.checked_mul(power_of_ten(E4_SCALE - self.scale)).ok_or(DecimalError::TooManyDigits)?
        } else {
            let divisor = power_of_ten(self.scale - E4_SCALE);
            let (whole, rest) = (self.units / divisor, self.units % divisor);
            // `rest` has the sign of the number, so this compares magnitudes without overflow.
            let tie_or_more = rest.unsigned_abs() >= divisor.unsigned_abs().div_ceil(2);
            if tie_or_more { whole + self.units.signum() } else { whole }
        };
        i64::try_from(units).map_err(|_| DecimalError::TooManyDigits)
    }

    /// The integer that, divided by ten to the power of [`scale`](Self::scale), is this number.
    #[must_use]
    pub fn units(self) -> i128 {
        self.units
    }

    /// The number of decimals, without trailing zeros.
    #[must_use]
    pub fn scale(self) -> u32 {
        self.scale
    }

    /// Whether this is zero.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.units == 0
    }
}

fn power_of_ten(exponent: u32) -> i128 {
    10_i128.pow(exponent.min(SCALE_MAX))
}

impl From<i64> for Decimal {
    fn from(whole: i64) -> Self {
        Self { units: whole.into(), scale: 0 }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    /// Reads the JSON number grammar: optional minus, digits, optional fraction, optional exponent.
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
                if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(DecimalError::Syntax);
                }
                (mantissa, exponent.parse::<i64>().map_err(|_| DecimalError::TooManyDigits)?)
            }
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, mantissa),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((_, "")) => return Err(DecimalError::Syntax),
            Some(parts) => parts,
            None => (digits, ""),
        };
        if whole.is_empty() {
            return Err(DecimalError::Syntax);
        }
        let mut units = 0_i128;
        let mut digit_count = 0_u32;
        let mut decimals = 0_i64;
        let significant_fraction = fraction.trim_end_matches('0');
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DecimalError::Syntax);
        }
        for (index, byte) in whole.bytes().chain(significant_fraction.bytes()).enumerate() {
            if !byte.is_ascii_digit() {
                return Err(DecimalError::Syntax);
            }
            if units != 0 || byte != b'0' {
                digit_count += 1;
            }
            if digit_count > SCALE_MAX {
                return Err(DecimalError::TooManyDigits);
            }
            units = units * 10 + i128::from(byte - b'0');
            if index >= whole.len() {
                decimals += 1;
            }
        }
        if units == 0 {
            return Ok(Self::ZERO);
        }
        if negative {
            units = -units;
        }
        let scale = decimals.checked_sub(exponent).ok_or(DecimalError::TooManyDigits)?;
        if scale >= 0 {
            let scale = u32::try_from(scale).map_err(|_| DecimalError::TooManyDigits)?;
            Self::new(units, scale)
        } else {
            let shift = u32::try_from(-scale).map_err(|_| DecimalError::TooManyDigits)?;
            let factor = 10_i128.checked_pow(shift).ok_or(DecimalError::TooManyDigits)?;
            Ok(Self { units: units.checked_mul(factor).ok_or(DecimalError::TooManyDigits)?, scale: 0 })
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let divisor = power_of_ten(self.scale).unsigned_abs();
        let (whole, fraction) = (self.units.unsigned_abs() / divisor, self.units.unsigned_abs() % divisor);
        if self.scale == 0 {
            write!(out, "{sign}{whole}")
        } else {
            let width = usize::try_from(self.scale).map_err(|_| fmt::Error)?;
            write!(out, "{sign}{whole}.{fraction:0>width$}")
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let parts = |number: &Self| {
            let divisor = power_of_ten(number.scale);
            // A fraction below 10^scale, brought to 38 decimals, still fits.
            let fraction = (number.units % divisor) * power_of_ten(SCALE_MAX - number.scale);
            (number.units / divisor, fraction)
        };
        parts(self).cmp(&parts(other))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let number = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        number.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_each_form_of_a_number() {
        let read = |text: &str| serde_json::from_str::<Decimal>(text).unwrap().to_string();
        for (text, expected) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("12", "12"),
            ("12.50", "12.5"),
            ("-0.0001", "-0.0001"),
            ("\"1000.0000\"", "1000"),
            ("0.937053", "0.937053"),
            ("1.5e3", "1500"),
            ("1E-4", "0.0001"),
            ("-2.5E+1", "-25"),
            ("33.333333333333336", "33.333333333333336"),
            ("1.4210854715202004E-14", "0.000000000000014210854715202004"),
            ("9007199254740993", "9007199254740993"),
            ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_number() {
        for text in
            ["\"\"", "\"abc\"", "true", "\"1,5\"", "\".5\"", "\"1.\"", "\"1e\"", "\"--1\"", "\"1e999\"", "[]"]
        {
            assert!(serde_json::from_str::<Decimal>(text).is_err(), "{text}");
        }
        assert_eq!("1e-39".parse::<Decimal>(), Err(DecimalError::TooManyDigits));
        assert_eq!(
            "123456789012345678901234567890123456789".parse::<Decimal>(),
            Err(DecimalError::TooManyDigits)
        );
    }

    #[test]
    fn null_is_an_absent_number() {
        assert_eq!(serde_json::from_str::<Option<Decimal>>("null").unwrap(), None);
        assert_eq!(serde_json::from_str::<Option<Decimal>>("4.5").unwrap(), Some(Decimal::from_e4(45_000)));
    }

    #[test]
    fn ten_thousandths_are_exact_or_say_so() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(number("2.165").to_e4(), Ok(21_650));
        assert_eq!(number("0.00005").to_e4(), Err(DecimalError::Inexact));
        assert_eq!(number("0.00005").to_e4_half_up(), Ok(1));
        assert_eq!(number("-0.00005").to_e4_half_up(), Ok(-1));
        assert_eq!(number("0.000049999").to_e4_half_up(), Ok(0));
        assert_eq!(number("1e20").to_e4(), Err(DecimalError::TooManyDigits));
    }

    #[test]
    fn writes_a_json_number_not_a_string() {
        assert_eq!(serde_json::to_string(&vec![Decimal::from_e4(-12_500)]).unwrap(), "[-1.25]");
    }

    proptest! {
        #[test]
        fn ten_thousandths_survive_the_round_trip(units in any::<i64>()) {
            let json = serde_json::to_string(&Decimal::from_e4(units)).unwrap();
            let back: Decimal = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(back.to_e4(), Ok(units));
        }

        #[test]
        fn text_survives_the_round_trip(units in any::<i64>(), scale in 0_u32..=38) {
            let number = Decimal::new(units.into(), scale).unwrap();
            prop_assert_eq!(number.to_string().parse::<Decimal>(), Ok(number));
        }

        #[test]
        fn order_is_that_of_the_numbers(a in any::<i32>(), b in any::<i32>(), scale_a in 0_u32..6, scale_b in 0_u32..6) {
            let common = |units: i32, scale: u32| i128::from(units) * 10_i128.pow(6 - scale);
            let (left, right) = (Decimal::new(a.into(), scale_a).unwrap(), Decimal::new(b.into(), scale_b).unwrap());
            prop_assert_eq!(left.cmp(&right), common(a, scale_a).cmp(&common(b, scale_b)));
        }

        #[test]
        fn no_text_makes_it_fail_hard(text in "[-+0-9eE. ]{0,60}") {
            let _ = text.parse::<Decimal>();
        }
    }
}

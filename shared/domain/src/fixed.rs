//! Money and quantity as whole numbers of ten-thousandths. Nothing here is ever a float.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Ten-thousandths in one.
pub const SCALE: i64 = 10_000;
const DECIMALS: usize = 4;

/// Why a text is not a money amount or quantity, or why a sum does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FixedError {
    /// Not a plain decimal number.
    #[error("`{0}` is not a decimal number such as 12.5")]
    NotANumber(String),
    /// More digits after the point than are kept.
    #[error("`{0}` has more than four digits after the point")]
    TooFine(String),
    /// Beyond ±922 337 203 685 477.
    #[error("the amount is too large")]
    TooLarge,
}

fn parse(text: &str) -> Result<i64, FixedError> {
    let trimmed = text.trim();
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed),
    };
    // none once it does not fit
    let mut value = Some(0i64);
    let (mut has_digit, mut too_fine) = (false, false);
    let mut decimals: Option<usize> = None;
    for byte in digits.bytes() {
        match byte {
            b'0'..=b'9' => {
                has_digit = true;
                match &mut decimals {
                    Some(DECIMALS) => {
                        too_fine |= byte != b'0';
                        continue;
                    }
                    Some(decimals) => *decimals = decimals.saturating_add(1),
                    None => {}
                }
                value = value.and_then(|value| appended(value, i64::from(byte.saturating_sub(b'0'))));
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return Err(FixedError::NotANumber(text.to_owned())),
        }
    }
    if !has_digit {
        return Err(FixedError::NotANumber(text.to_owned()));
    }
    if too_fine {
        return Err(FixedError::TooFine(text.to_owned()));
    }
    for _ in decimals.unwrap_or(0)..DECIMALS {
        value = value.and_then(|value| appended(value, 0));
    }
    let value = value.ok_or(FixedError::TooLarge)?;
    if negative { value.checked_neg().ok_or(FixedError::TooLarge) } else { Ok(value) }
}

/// A number with one more digit at its end.
fn appended(value: i64, digit: i64) -> Option<i64> {
    value.checked_mul(10)?.checked_add(digit)
}

/// Longest text of a number in bytes: a sign, 19 digits and a point, or 20 digits.
const TEXT_BYTES_MAX: usize = 21;

/// The text of a number, which is written from its last digit on.
struct Text {
    bytes: [u8; TEXT_BYTES_MAX],
    start: usize,
}

impl Text {
    const EMPTY: Self = Self { bytes: [0; TEXT_BYTES_MAX], start: TEXT_BYTES_MAX };

    fn of_amount(value: i64, decimals_min: usize) -> Self {
        let mut text = Self::EMPTY;
        let mut whole = value.unsigned_abs();
        let mut fraction = divided(&mut whole, SCALE.unsigned_abs());
        let mut is_shown = false;
        for decimal in (1..=DECIMALS).rev() {
            let digit = last_digit(&mut fraction);
            is_shown |= digit != b'0' || decimal <= decimals_min;
            if is_shown {
                text.put(digit);
            }
        }
        if is_shown {
            text.put(b'.');
        }
        text.put_number(whole);
        if value < 0 {
            text.put(b'-');
        }
        text
    }

    fn put_number(&mut self, mut number: u64) {
        self.put(last_digit(&mut number));
        while number > 0 {
            self.put(last_digit(&mut number));
        }
    }

    fn put(&mut self, byte: u8) {
        self.start = self.start.saturating_sub(1);
        if let Some(place) = self.bytes.get_mut(self.start) {
            *place = byte;
        }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// Writes a number behind a text as it is shown, faster than by way of `Display`.
pub fn append_number(text: &mut Vec<u8>, number: u64) {
    let mut digits = Text::EMPTY;
    digits.put_number(number);
    text.extend_from_slice(digits.bytes());
}

/// Takes the last digit off a number.
fn last_digit(number: &mut u64) -> u8 {
    b'0'.saturating_add(u8::try_from(divided(number, 10)).unwrap_or(0))
}

/// Divides a number, and answers the remainder.
fn divided(number: &mut u64, by: u64) -> u64 {
    let remainder = number.checked_rem(by).unwrap_or(0);
    *number = number.checked_div(by).unwrap_or(0);
    remainder
}

/// `value × numerator ÷ denominator`, rounded half away from zero.
///
/// # Errors
/// [`FixedError::TooLarge`] when the result does not fit or the denominator is zero.
pub fn mul_div(value: i64, numerator: i64, denominator: i64) -> Result<i64, FixedError> {
    let product = i128::from(value).checked_mul(i128::from(numerator)).ok_or(FixedError::TooLarge)?;
    let negative = (product < 0) != (denominator < 0);
    let (product, by) = (product.unsigned_abs(), u128::from(denominator.unsigned_abs()));
    let half = by.checked_div(2).unwrap_or(0);
    // half up on the magnitude: add (by / 2), for odd `by` the true half is not a whole number
    let sum = product.checked_add(half).ok_or(FixedError::TooLarge)?;
    let magnitude = match (u64::try_from(sum), u64::try_from(by)) {
        // one instruction instead of many
        (Ok(sum), Ok(by)) => sum.checked_div(by).map(u128::from),
        _ => sum.checked_div(by),
    };
    let rounded =
        magnitude.and_then(|magnitude| i64::try_from(magnitude).ok()).ok_or(FixedError::TooLarge)?;
    if negative { rounded.checked_neg().ok_or(FixedError::TooLarge) } else { Ok(rounded) }
}

macro_rules! fixed_point {
    ($(#[$doc:meta])* $name:ident, $decimals_min:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);

            /// From ten-thousandths.
            pub const fn from_e4(value: i64) -> Self {
                Self(value)
            }

            /// In ten-thousandths.
            pub const fn e4(self) -> i64 {
                self.0
            }

            /// From whole units.
            ///
            /// # Errors
            /// [`FixedError::TooLarge`] beyond the range.
            pub fn from_whole(value: i64) -> Result<Self, FixedError> {
                value.checked_mul(SCALE).map(Self).ok_or(FixedError::TooLarge)
            }

            /// The sum.
            ///
            /// # Errors
            /// [`FixedError::TooLarge`]: an overflow is an error, never a wrap.
            pub fn plus(self, other: Self) -> Result<Self, FixedError> {
                self.0.checked_add(other.0).map(Self).ok_or(FixedError::TooLarge)
            }

            /// The difference.
            ///
            /// # Errors
            /// [`FixedError::TooLarge`]: an overflow is an error, never a wrap.
            pub fn minus(self, other: Self) -> Result<Self, FixedError> {
                self.0.checked_sub(other.0).map(Self).ok_or(FixedError::TooLarge)
            }

            /// The opposite.
            ///
            /// # Errors
            /// [`FixedError::TooLarge`] for the one value that has none.
            pub fn negated(self) -> Result<Self, FixedError> {
                self.0.checked_neg().map(Self).ok_or(FixedError::TooLarge)
            }

            /// Its size without the sign.
            pub fn magnitude(self) -> Self {
                Self(self.0.saturating_abs())
            }

            /// Whether it is zero.
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// Whether it is below zero.
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }

            /// Writes it behind a text as it is shown, faster than by way of `Display`.
            pub fn append_to(self, text: &mut Vec<u8>) {
                text.extend_from_slice(Text::of_amount(self.0, $decimals_min).bytes());
            }

            /// What goes with `part` of `whole`: its share, and all of it with the whole, so that the last part
            /// takes the rest.
            ///
            /// # Errors
            /// [`FixedError::TooLarge`] when it does not fit or `whole` is zero and `part` is not.
            pub fn part(self, part: Quantity, whole: Quantity) -> Result<Self, FixedError> {
                if part == whole { Ok(self) } else { self.share(part, whole) }
            }

            /// This share of it: `self × part ÷ whole`, rounded half away from zero.
            ///
            /// # Errors
            /// [`FixedError::TooLarge`] when it does not fit or `whole` is zero.
            pub fn share(self, part: Quantity, whole: Quantity) -> Result<Self, FixedError> {
                mul_div(self.0, part.e4(), whole.e4()).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(std::str::from_utf8(Text::of_amount(self.0, $decimals_min).bytes()).unwrap_or_default())
            }
        }

        impl FromStr for $name {
            type Err = FixedError;
            fn from_str(text: &str) -> Result<Self, FixedError> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

fixed_point!(
    /// An amount in the org's base currency, or a price in the currency that its field names.
    /// Four decimals, shown with at least two.
    Money, 2);
fixed_point!(
    /// A quantity of an item in its base unit. Four decimals; below zero only where a field says so.
    Quantity, 0);

impl Quantity {
    /// One base unit.
    pub const ONE: Self = Self(SCALE);

    /// What this quantity is worth at a unit price, rounded half away from zero to 1/10 000.
    ///
    /// # Errors
    /// [`FixedError::TooLarge`] when it does not fit.
    pub fn at(self, unit_price: Money) -> Result<Money, FixedError> {
        mul_div(self.0, unit_price.0, SCALE).map(Money)
    }

    /// The smallest quantity above zero that is a whole multiple of both; both are above zero.
    ///
    /// # Errors
    /// [`FixedError::TooLarge`] when it does not fit.
    pub fn common_multiple(self, other: Self) -> Result<Self, FixedError> {
        let (mut divisor, mut rest) = (self.0, other.0);
        while rest != 0 {
            (divisor, rest) = (rest, divisor.checked_rem(rest).ok_or(FixedError::TooLarge)?);
        }
        mul_div(self.0, other.0, divisor).map(Self)
    }

    /// The smallest whole multiple of `pack` that is not below this quantity; itself when `pack` is not
    /// above zero.
    ///
    /// # Errors
    /// [`FixedError::TooLarge`] when it does not fit.
    pub fn up_to_multiple_of(self, pack: Self) -> Result<Self, FixedError> {
        if pack.0 <= 0 {
            return Ok(self);
        }
        let over = self.0.rem_euclid(pack.0);
        if over == 0 {
            return Ok(self);
        }
        let missing = pack.0.checked_sub(over).ok_or(FixedError::TooLarge)?;
        self.0.checked_add(missing).map(Self).ok_or(FixedError::TooLarge)
    }
}

impl Money {
    /// The price of one unit when `quantity` units cost this much; zero when the quantity is zero.
    ///
    /// # Errors
    /// [`FixedError::TooLarge`] when it does not fit.
    pub fn per_unit(self, quantity: Quantity) -> Result<Self, FixedError> {
        if quantity.is_zero() { Ok(Self::ZERO) } else { mul_div(self.0, SCALE, quantity.0).map(Self) }
    }

    /// Rounded half away from zero to whole hundredths, as amounts are shown.
    pub fn to_cents(self) -> Self {
        self.to_decimals(2)
    }

    /// Rounded half away from zero to so many decimals; with four or more it stays as it is.
    pub fn to_decimals(self, decimals: u32) -> Self {
        let Some(unit) = 4u32.checked_sub(decimals).and_then(|zeros| 10i64.checked_pow(zeros)) else {
            return self;
        };
        mul_div(self.0, 1, unit).ok().and_then(|units| units.checked_mul(unit)).map_or(self, Self)
    }
}

/// Decimals of an amount of a currency (ISO 4217).
pub fn decimals(currency: &str) -> u32 {
    match currency {
        "CLP" | "ISK" | "JPY" | "KRW" | "PYG" | "UGX" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_parse_exactly_or_say_why_not() {
        let cases = [
            ("0", Ok(0)),
            ("12.5", Ok(125_000)),
            ("-0.0001", Ok(-1)),
            ("4.81", Ok(48_100)),
            (".5", Ok(5_000)),
            ("7.", Ok(70_000)),
            ("1.00000", Ok(10_000)),
            ("1.00001", Err(FixedError::TooFine("1.00001".into()))),
            ("", Err(FixedError::NotANumber(String::new()))),
            ("1e3", Err(FixedError::NotANumber("1e3".into()))),
            ("--1", Err(FixedError::NotANumber("--1".into()))),
            ("1.2.3", Err(FixedError::NotANumber("1.2.3".into()))),
            ("1..2", Err(FixedError::NotANumber("1..2".into()))),
            (".", Err(FixedError::NotANumber(".".into()))),
            ("-", Err(FixedError::NotANumber("-".into()))),
            ("922337203685477.5807", Ok(i64::MAX)),
            ("922337203685477.5808", Err(FixedError::TooLarge)),
            ("99999999999999999", Err(FixedError::TooLarge)),
            ("99999999999999999x", Err(FixedError::NotANumber("99999999999999999x".into()))),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Quantity>().map(Quantity::e4), expected, "{text}");
        }
    }

    #[test]
    fn money_shows_cents_and_quantity_only_what_it_has() {
        assert_eq!(Money::from_e4(125_000).to_string(), "12.50");
        assert_eq!(Money::from_e4(-1).to_string(), "-0.0001");
        assert_eq!(Money::ZERO.to_string(), "0.00");
        assert_eq!(Quantity::ZERO.to_string(), "0");
        assert_eq!(Money::from_e4(i64::MIN).to_string(), "-922337203685477.5808");
        assert_eq!(Quantity::from_e4(125_000).to_string(), "12.5");
        assert_eq!(Quantity::from_e4(10_000).to_string(), "1");
    }

    #[test]
    fn half_rounds_away_from_zero() {
        assert_eq!(mul_div(1, 1, 2), Ok(1));
        assert_eq!(mul_div(-1, 1, 2), Ok(-1));
        assert_eq!(mul_div(1, 1, 3), Ok(0));
        assert_eq!(mul_div(2, 1, 3), Ok(1));
        assert_eq!(mul_div(1, 1, 0), Err(FixedError::TooLarge));
    }

    #[test]
    fn packs_round_up() {
        let q = |text: &str| text.parse::<Quantity>().unwrap();
        assert_eq!(q("13").up_to_multiple_of(q("6")), Ok(q("18")));
        assert_eq!(q("12").up_to_multiple_of(q("6")), Ok(q("12")));
        assert_eq!(q("0.1").up_to_multiple_of(q("1")), Ok(q("1")));
        assert_eq!(q("5").up_to_multiple_of(q("0")), Ok(q("5")));
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_back(value in any::<i64>()) {
            let amount = Money::from_e4(value);
            prop_assert_eq!(amount.to_string().parse::<Money>(), if value == i64::MIN { Err(FixedError::TooLarge) } else { Ok(amount) });
        }

        #[test]
        fn sums_never_wrap(a in any::<i64>(), b in any::<i64>()) {
            let exact = i128::from(a) + i128::from(b);
            match Money::from_e4(a).plus(Money::from_e4(b)) {
                Ok(sum) => prop_assert_eq!(i128::from(sum.e4()), exact),
                Err(error) => {
                    prop_assert_eq!(error, FixedError::TooLarge);
                    prop_assert!(i64::try_from(exact).is_err());
                }
            }
        }
    }
}

//! The forecast called "simple": one rate and one spread per item, from whole weeks of booked demand.
//!
//! Rate: net demand (sales minus returns) of the window by its days. Spread: the standard deviation of the
//! weekly totals, brought to one day by the square root of seven, but at least that of single customers
//! coming by chance (a Poisson process: the square root of the rate). Trend and season are not seen.
//!
//! Everything is exact arithmetic on whole numbers but for [`ServiceLevel`]'s probability and its
//! normal quantile, the one place with floats.

mod history;

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::fixed::{FixedError, Quantity, SCALE, mul_div};

pub use history::{Brought, DemandByDay, History};

/// Weeks that the forecast looks back at most: half a year.
pub const WINDOW_WEEKS_MAX: i32 = 26;
/// Weeks that it looks back at least, so that the first sales of a new item are not taken for its rate.
pub const WINDOW_WEEKS_MIN: i32 = 4;
const WEEK_DAYS: i32 = 7;
/// Millionths of a unit in one.
const MICRO: i64 = 1_000_000;
/// Millionths in a ten-thousandth.
const MICRO_PER_E4: i64 = 100;

/// The first day that a forecast made on `today` can need: callers load demand from here on.
pub fn window_start(today: Date) -> Date {
    today.saturating_sub(days(WINDOW_WEEKS_MAX.saturating_mul(WEEK_DAYS)))
}

fn days(count: i32) -> Span {
    i64::from(count).days()
}

/// Base units a day, in millionths; never below zero. Stored as a decimal text, so that it is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PerDay(i64);

impl PerDay {
    /// No demand.
    pub const ZERO: Self = Self(0);

    /// From millionths of a base unit a day; below zero counts as zero.
    pub const fn from_micro(micro: i64) -> Self {
        Self(if micro < 0 { 0 } else { micro })
    }

    /// In millionths of a base unit a day.
    pub const fn micro(self) -> i64 {
        self.0
    }

    /// Whether it is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// What that makes in `days` days, rounded half up.
    ///
    /// # Errors
    /// [`FixedError::TooLarge`] when it does not fit.
    pub fn over(self, days: u32) -> Result<Quantity, FixedError> {
        mul_div(self.0, i64::from(days), MICRO_PER_E4).map(Quantity::from_e4)
    }

    /// How many whole days `quantity` lasts; `None` when nothing sells, 0 for nothing or less.
    pub fn days_in(self, quantity: Quantity) -> Option<u32> {
        let micro = i128::from(quantity.e4().max(0)).saturating_mul(i128::from(MICRO_PER_E4));
        let days = micro.checked_div(i128::from(self.0))?;
        Some(u32::try_from(days).unwrap_or(u32::MAX))
    }

    /// After how many days nothing is left of `quantity`, a day begun counted whole; `None` when nothing
    /// sells, 0 for nothing or less.
    pub fn days_until_empty(self, quantity: Quantity) -> Option<u32> {
        if self.is_zero() {
            return None;
        }
        let micro = u128::from(quantity.e4().max(0).unsigned_abs())
            .saturating_mul(u128::from(MICRO_PER_E4.unsigned_abs()));
        let days = micro.div_ceil(u128::from(self.0.unsigned_abs()));
        Some(u32::try_from(days).unwrap_or(u32::MAX))
    }

    /// Rounded to one digit after the point, two below one, as people read it.
    pub fn rounded(self) -> Quantity {
        let step = if self.0 >= MICRO { 100_000 } else { 10_000 };
        let e4_per_step = i64::checked_div(step, MICRO_PER_E4).unwrap_or(0);
        Quantity::from_e4(mul_div(self.0, 1, step).unwrap_or(0).saturating_mul(e4_per_step))
    }
}

impl fmt::Display for PerDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.checked_div(MICRO).unwrap_or(0), self.0.checked_rem(MICRO).unwrap_or(0));
        let digits = format!("{rest:06}");
        match digits.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            shown => write!(f, "{whole}.{shown}"),
        }
    }
}

/// A text that is not units a day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a number of units a day such as 1.4")]
pub struct NotPerDay(String);

impl FromStr for PerDay {
    type Err = NotPerDay;
    fn from_str(text: &str) -> Result<Self, NotPerDay> {
        let wrong = || NotPerDay(text.to_owned());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.is_empty()
            || fraction.len() > 6
            || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit())
        {
            return Err(wrong());
        }
        format!("{whole}{fraction:0<6}").parse().map(Self).map_err(|_| wrong())
    }
}

impl Serialize for PerDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PerDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// How fast an item sells and how much that varies, with what it was taken from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Mean demand of a day.
    pub per_day: PerDay,
    /// Standard deviation of a day's demand; that of `d` days is `√d` times as much.
    pub spread: PerDay,
    /// First day looked at.
    pub from: Date,
    /// Last day looked at: the day before the plan.
    pub to: Date,
    /// Net demand between them; below zero when more came back than was sold.
    pub sold: Quantity,
    /// The day since which the item is known, if anything of it is booked.
    pub known_since: Option<Date>,
    /// Whether whole units were sold on each day, so that it is ordered in whole units.
    pub whole_units: bool,
}

/// The rate of an item from its demand by day. Days outside the window are left out, and so is today, which
/// isn't over.
///
/// `known_since` is the day of its first movement: weeks before it say nothing. The window is as many whole
/// weeks as lie between that day and today, within [`WINDOW_WEEKS_MIN`] and [`WINDOW_WEEKS_MAX`].
///
/// # Errors
/// [`FixedError`] when an amount does not fit.
pub fn rate(demand: &DemandByDay, known_since: Option<Date>, today: Date) -> Result<Rate, FixedError> {
    let known_days = known_since.and_then(|since| since.until(today).ok()).map_or(0, |span| span.get_days());
    let weeks = known_days.checked_div(WEEK_DAYS).unwrap_or(0).clamp(WINDOW_WEEKS_MIN, WINDOW_WEEKS_MAX);
    let from = today.saturating_sub(days(weeks.saturating_mul(WEEK_DAYS)));
    let mut by_week = vec![Quantity::ZERO; usize::try_from(weeks).unwrap_or(0)];
    let (mut sold, mut whole_units) = (Quantity::ZERO, true);
    for (day, quantity) in demand.iter() {
        if day < from || day >= today {
            continue;
        }
        let since = from.until(day).map_or(0, |span| span.get_days());
        let week = usize::try_from(since.checked_div(WEEK_DAYS).unwrap_or(0)).unwrap_or(0);
        if let Some(total) = by_week.get_mut(week) {
            *total = total.plus(quantity)?;
        }
        sold = sold.plus(quantity)?;
        whole_units &= quantity.e4().checked_rem(SCALE) == Some(0);
    }
    let days = i64::from(weeks.saturating_mul(WEEK_DAYS));
    let per_day = PerDay::from_micro(mul_div(sold.e4(), MICRO_PER_E4, days)?);
    let spread = if per_day.is_zero() {
        PerDay::ZERO
    } else {
        spread(&by_week, per_day).ok_or(FixedError::TooLarge)?
    };
    let to = today.saturating_sub(1.day());
    Ok(Rate { per_day, spread, from, to, sold, known_since, whole_units })
}

/// Standard deviation of a day, from weekly totals; `None` when it does not fit.
fn spread(by_week: &[Quantity], per_day: PerDay) -> Option<PerDay> {
    let weeks = i128::try_from(by_week.len()).ok()?;
    let (mut sum, mut squares) = (0_i128, 0_i128);
    for total in by_week {
        let total = i128::from(total.e4());
        sum = sum.checked_add(total)?;
        squares = squares.checked_add(total.checked_mul(total)?)?;
    }
    // Sample variance of a week: (n Σx² − (Σx)²) ÷ n(n − 1), here in squared ten-thousandths. By seven it
    // is a day's, and a ten-thousandth squared is 10,000 millionths squared.
    let above = weeks.checked_mul(squares)?.checked_sub(sum.checked_mul(sum)?)?.checked_mul(10_000)?;
    let below = weeks.checked_mul(weeks.checked_sub(1)?)?.checked_mul(i128::from(WEEK_DAYS))?;
    let measured = above.checked_div(below)?;
    let by_chance = i128::from(per_day.micro()).checked_mul(i128::from(MICRO))?;
    let variance = u128::try_from(measured.max(by_chance)).ok()?;
    i64::try_from(variance.isqrt()).ok().map(PerDay)
}

/// How probable it shall be that no customer is turned away between order and arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceLevel {
    hundredths: u16,
}

impl ServiceLevel {
    /// 95 %.
    pub const DEFAULT: Self = Self { hundredths: 9_500 };
    const MIN: i64 = 5_000;
    const MAX: i64 = 9_990;

    /// As a probability.
    pub fn probability(self) -> f64 {
        f64::from(self.hundredths) / 10_000.0
    }

    /// How many standard deviations of safety it takes, in millionths: the normal distribution's quantile.
    pub fn z_micro(self) -> i64 {
        let z = normal_quantile(self.probability());
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 3.1 million")]
        let micro = libm::round(z * 1_000_000.0) as i64;
        micro
    }
}

impl fmt::Display for ServiceLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Quantity::from_e4(i64::from(self.hundredths).saturating_mul(100)).fmt(f)
    }
}

/// A text that is not a service level.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a service level: give a percentage from 50 to 99.9 with at most two decimals")]
pub struct NotAServiceLevel(String);

impl FromStr for ServiceLevel {
    type Err = NotAServiceLevel;
    fn from_str(text: &str) -> Result<Self, NotAServiceLevel> {
        let wrong = || NotAServiceLevel(text.to_owned());
        let e4 = text.parse::<Quantity>().map_err(|_| wrong())?.e4();
        let hundredths = e4.checked_div(100).filter(|_| e4.checked_rem(100) == Some(0)).ok_or_else(wrong)?;
        if !(Self::MIN..=Self::MAX).contains(&hundredths) {
            return Err(wrong());
        }
        u16::try_from(hundredths).map(|hundredths| Self { hundredths }).map_err(|_| wrong())
    }
}

impl Serialize for ServiceLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ServiceLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What `z_micro` standard deviations of demand make over `days` days, rounded up: `z · spread · √days`.
///
/// # Errors
/// [`FixedError::TooLarge`] when it does not fit.
pub fn safety(z_micro: i64, spread: PerDay, days: u32) -> Result<Quantity, FixedError> {
    let spread_squared = u128::from(spread.0.unsigned_abs()).checked_pow(2).ok_or(FixedError::TooLarge)?;
    let over_days = spread_squared.checked_mul(u128::from(days)).ok_or(FixedError::TooLarge)?.isqrt();
    // millionths of standard deviations times millionths of units, down to ten-thousandths of units
    let by = u128::from(MICRO.unsigned_abs()).saturating_mul(u128::from(MICRO_PER_E4.unsigned_abs()));
    over_days
        .checked_mul(u128::from(z_micro.max(0).unsigned_abs()))
        .map(|product| product.div_ceil(by))
        .and_then(|e4| i64::try_from(e4).ok())
        .map(Quantity::from_e4)
        .ok_or(FixedError::TooLarge)
}

/// The standard normal distribution's quantile for a probability strictly between 0 and 1, to about 16
/// digits: algorithm AS 241 (PPND16) of M. J. Wichura, "The percentage points of the normal distribution",
/// Applied Statistics 37 (1988), 477-484.
fn normal_quantile(p: f64) -> f64 {
    /// Highest power first.
    fn polynomial(coefficients: &[f64], x: f64) -> f64 {
        coefficients.iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
    }
    const A: [f64; 8] = [
        2_509.080_928_730_122_7,
        33_430.575_583_588_13,
        67_265.770_927_008_7,
        45_921.953_931_549_87,
        13_731.693_765_509_46,
        1_971.590_950_306_551_3,
        133.141_667_891_784_38,
        3.387_132_872_796_366_5,
    ];
    const B: [f64; 8] = [
        5_226.495_278_852_854,
        28_729.085_735_721_943,
        39_307.895_800_092_71,
        21_213.794_301_586_597,
        5_394.196_021_424_751,
        687.187_007_492_057_9,
        42.313_330_701_600_91,
        1.0,
    ];
    const C: [f64; 8] = [
        7.745_450_142_783_414e-4,
        0.022_723_844_989_269_184,
        0.241_780_725_177_450_6,
        1.270_458_252_452_368_4,
        3.647_848_324_763_204_5,
        5.769_497_221_460_691,
        4.630_337_846_156_546,
        1.423_437_110_749_683_5,
    ];
    const D: [f64; 8] = [
        1.050_750_071_644_416_9e-9,
        5.475_938_084_995_345e-4,
        0.015_198_666_563_616_457,
        0.148_103_976_427_480_08,
        0.689_767_334_985_1,
        1.676_384_830_183_803_8,
        2.053_191_626_637_759,
        1.0,
    ];
    const E: [f64; 8] = [
        2.010_334_399_292_288_1e-7,
        2.711_555_568_743_487_6e-5,
        0.001_242_660_947_388_078_4,
        0.026_532_189_526_576_124,
        0.296_560_571_828_504_87,
        1.784_826_539_917_291_3,
        5.463_784_911_164_114,
        6.657_904_643_501_103,
    ];
    const F: [f64; 8] = [
        2.044_263_103_389_939_8e-15,
        1.421_511_758_316_446e-7,
        1.846_318_317_510_054_8e-5,
        7.868_691_311_456_133e-4,
        0.014_875_361_290_850_615,
        0.136_929_880_922_735_8,
        0.599_832_206_555_887_9,
        1.0,
    ];
    let q = p - 0.5;
    if libm::fabs(q) <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * polynomial(&A, r) / polynomial(&B, r);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let z = if r <= 5.0 {
        polynomial(&C, r - 1.6) / polynomial(&D, r - 1.6)
    } else {
        polynomial(&E, r - 5.0) / polynomial(&F, r - 5.0)
    };
    if q < 0.0 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn q(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    const TODAY: Date = date(2026, 11, 23);

    fn back(days: i64) -> Date {
        TODAY.saturating_sub(days.days())
    }

    #[test]
    fn a_steady_seller_has_its_rate_and_the_spread_of_chance() {
        let demands = (1..=182).map(|ago| (back(ago), q("2")));
        let rate = rate(&by_day(demands), Some(back(400)), TODAY).unwrap();
        assert_eq!(rate.per_day.to_string(), "2");
        assert_eq!(rate.spread.micro(), 1_414_213, "the square root of two");
        assert_eq!((rate.from, rate.to), (back(182), back(1)));
        assert_eq!(rate.sold, q("364"));
        assert!(rate.whole_units);
    }

    fn by_day(demands: impl IntoIterator<Item = (Date, Quantity)>) -> DemandByDay {
        let mut days = DemandByDay::default();
        demands.into_iter().for_each(|(day, quantity)| days.add(day, quantity).unwrap());
        days
    }

    #[test]
    fn a_lumpy_seller_has_the_spread_of_its_weeks() {
        // 14 in every second week: mean 7 a week, sample deviation of 26 weeks √(26·49/25)
        let demands = (0..13).map(|pair| (back(14 * pair + 3), q("14")));
        let rate = rate(&by_day(demands), Some(back(400)), TODAY).unwrap();
        assert_eq!(rate.per_day.to_string(), "1");
        let weekly = (26.0_f64 * 49.0 / 25.0).sqrt();
        let expected = weekly / 7.0_f64.sqrt() * 1e6;
        assert!((rate.spread.micro() as f64 - expected).abs() < 2.0, "{}", rate.spread);
    }

    #[test]
    fn the_window_follows_what_is_known() {
        let cases = [
            // known for, sold that day, rate: at least four weeks, at most 26
            (3, 2, "0.25"),
            (28, 2, "0.25"),
            (59, 2, "0.125"),
            (1_000, 2, "0.038462"),
        ];
        for (known, ago, expected) in cases {
            let rate = rate(&by_day([(back(ago), q("7"))]), Some(back(known)), TODAY).unwrap();
            assert_eq!(rate.per_day.to_string(), expected, "known for {known} days");
        }
    }

    #[test]
    fn what_lies_outside_the_window_does_not_count() {
        let demands = [(TODAY, q("50")), (TODAY.tomorrow().unwrap(), q("50")), (back(183), q("50"))];
        let rate = rate(&by_day(demands), Some(back(400)), TODAY).unwrap();
        assert_eq!((rate.per_day, rate.spread, rate.sold), (PerDay::ZERO, PerDay::ZERO, Quantity::ZERO));
        assert_eq!(window_start(TODAY), back(182));
    }

    #[test]
    fn returns_reduce_demand_but_never_below_none() {
        let rate = |returned| {
            rate(&by_day([(back(9), q("28")), (back(2), q(returned))]), Some(back(1)), TODAY).unwrap()
        };
        assert_eq!(rate("-14").per_day.to_string(), "0.5");
        assert_eq!(rate("-40").per_day, PerDay::ZERO);
        assert_eq!(rate("-40").sold, q("-12"));
        assert!(!rate("-0.5").whole_units);
    }

    #[test]
    fn an_item_that_nobody_knows_has_no_demand() {
        let rate = rate(&by_day([]), None, TODAY).unwrap();
        assert!(rate.per_day.is_zero() && rate.spread.is_zero());
    }

    #[test]
    fn quantiles_agree_with_published_ones() {
        // the first two: check values that Wichura's paper gives; the rest: tables of the distribution
        let cases = [
            (0.25, -0.674_489_750_196_081_7),
            (0.001, -3.090_232_306_167_813_5),
            (0.5, 0.0),
            (0.9, 1.281_551_565_544_600_5),
            (0.95, 1.644_853_626_951_472_7),
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_841),
            (0.999, 3.090_232_306_167_813_5),
            (1e-20, -9.262_340_089_798_408),
        ];
        for (p, expected) in cases {
            let z = normal_quantile(p);
            assert!(
                (z - expected).abs() <= 2e-15 * f64::max(1.0, expected.abs() * 4.0),
                "{p}: {z} for {expected}"
            );
        }
    }

    #[test]
    fn service_levels_parse_within_their_bounds() {
        let z = |text: &str| text.parse::<ServiceLevel>().map(ServiceLevel::z_micro);
        assert_eq!(z("50"), Ok(0));
        assert_eq!(z("95"), Ok(1_644_854));
        assert_eq!(z("97.5"), Ok(1_959_964));
        assert_eq!(z("99.9"), Ok(3_090_232));
        assert_eq!(ServiceLevel::DEFAULT, "95".parse().unwrap());
        for wrong in ["49.99", "100", "99.91", "95.001", "", "high"] {
            assert!(z(wrong).is_err(), "{wrong}");
        }
        assert_eq!("97.5".parse::<ServiceLevel>().unwrap().to_string(), "97.5");
    }

    #[test]
    fn amounts_over_days() {
        let per_day: PerDay = "1.4".parse().unwrap();
        assert_eq!(per_day.over(12), Ok(q("16.8")));
        assert_eq!(per_day.days_in(q("3")), Some(2));
        assert_eq!(per_day.days_in(q("-3")), Some(0));
        assert_eq!(PerDay::ZERO.days_in(q("3")), None);
        assert_eq!(per_day.days_until_empty(q("3")), Some(3));
        assert_eq!(per_day.days_until_empty(q("2.8")), Some(2));
        assert_eq!(PerDay::ZERO.days_until_empty(q("3")), None);
        assert_eq!(safety(1_644_854, "2".parse().unwrap(), 9), Ok(q("9.8692")));
        assert_eq!(safety(1_644_854, "2".parse().unwrap(), 0), Ok(Quantity::ZERO));
        let reading = |text: &str| text.parse::<PerDay>().unwrap().rounded().to_string();
        assert_eq!(
            [reading("1.449999"), reading("0.038462"), reading("12.96"), reading("0")],
            ["1.4", "0.04", "13", "0"]
        );
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_nothing_wraps(
            mut demands in prop::collection::vec((0i64..200, any::<i64>()), 0..20),
            known in 0i64..400,
        ) {
            let of = |demands: &[(i64, i64)]| {
                let demands = demands.iter().map(|(ago, e4)| (back(*ago), Quantity::from_e4(*e4 / 32)));
                rate(&by_day(demands), Some(back(known)), TODAY)
            };
            let forwards = of(&demands);
            demands.reverse();
            let backwards = of(&demands);
            if let (Ok(one), Ok(other)) = (&forwards, &backwards) {
                prop_assert_eq!(one, other);
                prop_assert!(one.per_day >= PerDay::ZERO && one.spread >= PerDay::ZERO);
            }
        }

        #[test]
        fn a_rate_is_stored_exactly(micro in 0i64..) {
            let rate = PerDay::from_micro(micro);
            let json = serde_json::to_string(&rate).unwrap();
            prop_assert_eq!(serde_json::from_str::<PerDay>(&json).unwrap(), rate);
        }
    }
}

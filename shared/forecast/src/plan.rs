//! What is asked for.

use std::fmt;

/// Periods of a protection interval at most: a year of weeks and a quarter.
pub const PROTECTION_MAX: usize = 65;
/// Periods ahead at most: two years of weeks.
pub const HORIZON_MAX: usize = 104;
/// Periods of a season at most: a year of weeks.
pub const SEASON_MAX: usize = 53;
/// Past periods that are looked at, at most: ten years of weeks. Older ones are left out.
pub const PERIODS_MAX: usize = 520;

/// What is asked for, alike for all items of an organisation that are planned in the same periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    season: usize,
    protection: usize,
    horizon: usize,
}

/// Why a [`Plan`] can't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanError {
    what: &'static str,
    max: usize,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has to be between 1 and {}", self.what, self.max)
    }
}

impl std::error::Error for PlanError {}

impl Plan {
    /// A plan for a season of so many periods (52 weeks, 12 months, 1 for none), a protection interval, lead time and review, of
    /// so many periods, and so many single periods ahead.
    ///
    /// # Errors
    /// A number is zero or beyond its limit.
    pub fn new(season: usize, protection: usize, horizon: usize) -> Result<Self, PlanError> {
        let within = |what, number, max| {
            if (1..=max).contains(&number) { Ok(number) } else { Err(PlanError { what, max }) }
        };
        Ok(Self {
            season: within("the season", season, SEASON_MAX)?,
            protection: within("the protection interval", protection, PROTECTION_MAX)?,
            horizon: within("the horizon", horizon, HORIZON_MAX)?,
        })
    }

    /// Periods after which a season comes again; 1 if there is none.
    #[must_use]
    pub const fn season(self) -> usize {
        self.season
    }

    /// Periods of the protection interval.
    #[must_use]
    pub const fn protection(self) -> usize {
        self.protection
    }

    /// Single periods ahead.
    #[must_use]
    pub const fn horizon(self) -> usize {
        self.horizon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_limits() {
        assert!(Plan::new(52, 3, 8).is_ok());
        assert_eq!(Plan::new(0, 3, 8).unwrap_err().to_string(), "the season has to be between 1 and 53");
        assert!(Plan::new(52, PROTECTION_MAX + 1, 8).is_err());
        assert!(Plan::new(52, 3, 0).is_err());
    }
}

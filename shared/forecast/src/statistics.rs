//! What the items of an organisation have in common.

use crate::calibrate::Shifts;
use crate::dispersion::Dispersion;
use crate::level::METHODS;
use crate::plan::Plan;
use crate::season::Seasons;

/// What the items of an organisation have in common: plain numbers, which can be kept and read again.
#[derive(Clone, Debug, PartialEq)]
pub struct OrgStatistics {
    /// What they were gathered for.
    pub plan: Plan,
    /// Past periods that were looked at.
    pub periods: usize,
    /// Items that were looked at.
    pub items: u64,
    /// How much more or less is asked for at a time of the year.
    pub seasons: Seasons,
    /// What was known at the end of each of the latest periods, oldest first.
    pub origins: Vec<OriginStatistics>,
    /// Geometric mean of the items' demand in a period, in units.
    pub typical_level: f64,
    /// The same by category, in order of the keys.
    pub categories: Vec<CategoryStatistics>,
    /// At which levels quantiles are read.
    pub shifts: Shifts,
}

/// What was known at the end of a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OriginStatistics {
    /// Squared error of each method relative to the mean of all, in the order of [`Method::all`](crate::Method::all).
    pub scores: [f64; METHODS],
    /// How dispersion grows with level.
    pub dispersion: Dispersion,
    /// Logarithm of the growth that all items share.
    pub growth: f64,
}

/// What the items of a category have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CategoryStatistics {
    /// The category's key.
    pub key: u32,
    /// Geometric mean of the items' demand in a period, in units.
    pub typical_level: f64,
}

//! Demand forecasts for stock control, from an organisation's own figures alone.
//!
//! What is wanted is not one number but how much is enough: for each item the total demand of the protection interval (lead
//! time and review) at six levels. Everything is a plain function of past demand: no I/O, no clock, no chance, and transcendental
//! functions come from `libm`, so that the same input gives the same bits on x86 and arm64 and for any number of threads.
//!
//! It goes in two phases, so that an organisation of any size can be planned in parts:
//!
//! 1. [`Gather`] goes over all items a few times and sums up what they have in common: seasons, which pace of smoothing does well,
//!    how dispersion grows with level, the growth of all items together, and how often past forecasts would have been enough. The
//!    outcome is [`OrgStatistics`], plain numbers.
//! 2. [`forecast_item`] forecasts one item with these.
//!
//! [`trend::path`] is for long horizons of smooth series such as a budget's.
//!
//! Reading order: [`Plan`], [`Item`], `outlier` (what counts as a one-off), `season`, `level` (the methods), `study` (one item's
//! past), `pool` (how methods share the work), `dispersion`, `quantile` (what is enough), `growth`, `calibrate`,
//! [`OrgStatistics`], [`Forecast`]. `docs/forecasting.md` says how well it does, and where the ideas come from.
#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

mod calibrate;
mod dispersion;
mod expect;
mod forecast;
mod gather;
mod growth;
mod item;
mod level;
mod numbers;
mod outlier;
mod plan;
mod pool;
mod quantile;
mod season;
mod statistics;
mod study;
mod totals;
pub mod trend;

pub use calibrate::Shifts;
pub use dispersion::Dispersion;
pub use forecast::{Capped, Doubt, Forecast, MethodWeight, Step, forecast_item};
pub use gather::{BLOCK, Gather, Sums};
pub use item::{DEMAND_MAX, Item};
pub use level::{METHODS, Method};
pub use plan::{HORIZON_MAX, PERIODS_MAX, PROTECTION_MAX, Plan, PlanError, SEASON_MAX};
pub use quantile::LEVELS;
pub use season::{Index, Seasons};
pub use statistics::{CategoryStatistics, OrgStatistics, OriginStatistics};

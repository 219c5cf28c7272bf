//! Gathers what the items of an organisation have in common.
//!
//! Each pass sums something up over all items, and the next one needs it. Sums are made for blocks of items and added in the order of
//! the blocks, so that floats come out the same however many threads make them.

use std::collections::BTreeMap;

use crate::calibrate::{ORIGINS, Tallies};
use crate::dispersion::{self, Dispersion};
use crate::expect::Expectation;
use crate::growth;
use crate::item::Item;
use crate::level::METHODS;
use crate::numbers::add;
use crate::plan::{PERIODS_MAX, Plan};
use crate::pool;
use crate::season::{self, Seasons};
use crate::statistics::{CategoryStatistics, OrgStatistics, OriginStatistics};
use crate::study::{State, Study, study};
use crate::totals::Totals;

/// Items of a block at most. Blocks have to be of this size but for the last, whoever makes their sums.
pub const BLOCK: usize = 256;
/// Origins before those that are looked back at, which growth is learnt from.
const GROWTH_ORIGINS: usize = 30;
/// Periods with a known demand before an item's level counts.
const PERIODS_MIN: f64 = 6.0;

/// Gathers [`OrgStatistics`] in passes over all items: for every pass, [`sums`](Self::sums) of each block in any order and on any
/// thread, then [`next`](Self::next) with all of them in the order of the items, until [`done`](Self::done).
///
/// ```
/// use parstock_forecast::{BLOCK, Gather, Item, Plan};
///
/// let demand = [Some(3.0), Some(0.0), Some(4.0), None, Some(2.0), Some(5.0)];
/// let items = vec![Item { demand: &demand, promoted: &[], category: None, grain: 1.0 }; 600];
/// let mut gather = Gather::new(Plan::new(12, 3, 6)?, demand.len());
/// while !gather.done() {
///     let sums = items.chunks(BLOCK).map(|block| gather.sums(block)).collect();
///     gather = gather.next(sums);
/// }
/// assert_eq!(gather.statistics().items, 600);
/// # Ok::<(), parstock_forecast::PlanError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gather {
    statistics: OrgStatistics,
    pass: Pass,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Totals,
    Scores,
    Growth,
    Shifts,
    Done,
}

/// Sums over a block of items.
#[derive(Clone, Debug)]
pub struct Sums(Of);

#[derive(Clone, Debug)]
enum Of {
    Totals { items: u64, all: Totals, categories: BTreeMap<u32, Totals> },
    Scores { origins: Vec<OriginSums>, levels: LevelSums, categories: BTreeMap<u32, LevelSums> },
    Growth { asked: Vec<f64>, expected: Vec<f64> },
    Shifts(Box<Tallies>),
    Nothing,
}

/// Sum of logarithms of levels in units, and their number.
type LevelSums = [f64; 2];

#[derive(Clone, Copy, Debug)]
struct OriginSums {
    scores: [f64; METHODS + 1],
    dispersion: [f64; dispersion::SUMS],
}

impl OriginSums {
    const NONE: Self = Self { scores: [0.0; METHODS + 1], dispersion: [0.0; dispersion::SUMS] };
}

impl Gather {
    /// Begins for items whose past is so many periods long; of more than [`PERIODS_MAX`], the latest are looked at.
    #[must_use]
    pub fn new(plan: Plan, periods: usize) -> Self {
        let statistics = OrgStatistics {
            plan,
            periods: periods.min(PERIODS_MAX),
            items: 0,
            seasons: Seasons::default(),
            origins: Vec::new(),
            typical_level: 0.0,
            categories: Vec::new(),
            shifts: crate::Shifts::default(),
        };
        Self { statistics, pass: Pass::Totals }
    }

    /// Gathers from all items on this thread.
    #[must_use]
    pub fn all(plan: Plan, periods: usize, items: &[Item<'_>]) -> OrgStatistics {
        let mut gather = Self::new(plan, periods);
        while !gather.done() {
            let sums = items.chunks(BLOCK).map(|block| gather.sums(block)).collect();
            gather = gather.next(sums);
        }
        gather.statistics()
    }

    /// Whether all passes are made.
    #[must_use]
    pub fn done(&self) -> bool {
        self.pass == Pass::Done
    }

    /// What was gathered. Before it is [`done`](Self::done), what is not known yet is as if there were no items.
    #[must_use]
    pub fn statistics(self) -> OrgStatistics {
        self.statistics
    }

    /// Origins that are looked at.
    fn origins(&self) -> usize {
        let plan = self.statistics.plan;
        (ORIGINS + plan.protection() + GROWTH_ORIGINS).min(self.statistics.periods)
    }

    fn study(&self, item: &Item<'_>) -> Study {
        let statistics = &self.statistics;
        study(statistics.plan, item, &statistics.seasons, statistics.periods, self.origins())
    }

    /// This pass's sums over a block of items.
    #[must_use]
    pub fn sums(&self, block: &[Item<'_>]) -> Sums {
        Sums(match self.pass {
            Pass::Totals => self.totals(block),
            Pass::Scores => self.scores(block),
            Pass::Growth => self.growth(block),
            Pass::Shifts => self.shifts(block),
            Pass::Done => Of::Nothing,
        })
    }

    fn totals(&self, block: &[Item<'_>]) -> Of {
        let periods = self.statistics.periods;
        let mut all = Totals::new(periods);
        let mut categories = BTreeMap::new();
        // without a season nobody needs totals
        let seasonal = self.statistics.plan.season() > 1;
        for item in block.iter().filter(|_| seasonal) {
            let study = study(self.statistics.plan, item, &Seasons::default(), periods, periods);
            let totals = Totals::of_item(&study, item.grain());
            all.add(&totals);
            if let Some(key) = item.category {
                categories.entry(key).or_insert_with(|| Totals::new(periods)).add(&totals);
            }
        }
        Of::Totals { items: block.len() as u64, all, categories }
    }

    fn scores(&self, block: &[Item<'_>]) -> Of {
        let mut origins = vec![OriginSums::NONE; self.origins()];
        let mut levels = [0.0; 2];
        let mut categories = BTreeMap::new();
        let protection = self.statistics.plan.protection() as f64;
        for item in block {
            let study = self.study(item);
            for (origin, state) in origins.iter_mut().zip(&study.states) {
                pool::sum(&mut origin.scores, state);
                dispersion::sum(&mut origin.dispersion, state, protection, item.grain());
            }
            // in units: an item that is sold by the gram says as much about others as one that is sold by the piece
            let level = study.states.last().map_or(0.0, State::steady).min(study.most) * item.grain();
            if level > 0.0 {
                let one = [libm::log(level), 1.0];
                add(&mut levels, &one);
                if let Some(key) = item.category {
                    add(categories.entry(key).or_insert([0.0; 2]), &one);
                }
            }
        }
        Of::Scores { origins, levels, categories }
    }

    fn growth(&self, block: &[Item<'_>]) -> Of {
        let mut asked = vec![0.0; self.origins()];
        let mut expected = asked.clone();
        for item in block {
            let mut before = 0.0;
            let origins = self.statistics.origins.iter().zip(asked.iter_mut().zip(&mut expected));
            for (state, (origin, (asked, expected))) in self.study(item).states.iter().zip(origins) {
                if before > 0.0 && state.known {
                    *asked += state.taken * item.grain();
                    *expected += before * item.grain();
                }
                before = if state.periods >= PERIODS_MIN {
                    let weights = pool::weights(state, &origin.scores);
                    weights.iter().zip(state.levels).map(|(weight, level)| weight * level).sum()
                } else {
                    0.0
                };
            }
        }
        Of::Growth { asked, expected }
    }

    fn shifts(&self, block: &[Item<'_>]) -> Of {
        let statistics = &self.statistics;
        let plan = statistics.plan;
        let protection = plan.protection();
        let mut tallies = Tallies::new(ORIGINS);
        let origins = self.origins();
        for item in block {
            let study = self.study(item);
            let shared = statistics.seasons.of(item.category);
            let Some(now) = study.states.last() else { continue };
            for back in 0..ORIGINS {
                let before = back + protection;
                let Some(place) = origins.checked_sub(before + 1) else { break };
                let Some(period) = statistics.periods.checked_sub(before + 1) else { break };
                let (Some(state), Some(origin)) = (study.states.get(place), statistics.origins.get(place))
                else {
                    break;
                };
                let total = study.total_after(period, protection);
                if total.is_nan() || !Tallies::counts(state, now) {
                    continue;
                }
                let season = season::after(shared, &study.season, period);
                let expectation = Expectation::new(plan, item, state, origin, 0.0, season);
                tallies.count(plan, item, state, &expectation, (back, before), total);
            }
        }
        Of::Shifts(Box::new(tallies))
    }

    /// Ends a pass with the sums of all blocks, in the order of the items.
    #[must_use]
    pub fn next(mut self, sums: Vec<Sums>) -> Self {
        let sums = sums.into_iter().map(|sums| sums.0);
        match self.pass {
            Pass::Totals => {
                self.end_totals(sums);
                self.pass = Pass::Scores;
            }
            Pass::Scores => {
                self.end_scores(sums);
                self.pass = Pass::Growth;
            }
            Pass::Growth => {
                self.end_growth(sums);
                self.pass = Pass::Shifts;
            }
            Pass::Shifts => {
                let mut tallies = Tallies::new(ORIGINS);
                for sums in sums {
                    if let Of::Shifts(block) = sums {
                        tallies.add(&block);
                    }
                }
                self.statistics.shifts = tallies.shifts(self.statistics.plan.protection());
                self.pass = Pass::Done;
            }
            Pass::Done => {}
        }
        self
    }

    fn end_totals(&mut self, sums: impl Iterator<Item = Of>) {
        let periods = self.statistics.periods;
        let mut together = Totals::new(periods);
        let mut by_key: BTreeMap<u32, Totals> = BTreeMap::new();
        for sums in sums {
            if let Of::Totals { items, all, categories } = sums {
                self.statistics.items += items;
                together.add(&all);
                for (key, totals) in categories {
                    by_key.entry(key).or_insert_with(|| Totals::new(periods)).add(&totals);
                }
            }
        }
        let by_key: Vec<_> = by_key.into_iter().map(|(key, totals)| (key, totals.by_period())).collect();
        self.statistics.seasons = Seasons::of_totals(self.statistics.plan, &together.by_period(), &by_key);
    }

    fn end_scores(&mut self, sums: impl Iterator<Item = Of>) {
        let mut by_origin = vec![OriginSums::NONE; self.origins()];
        let mut all = [0.0; 2];
        let mut by_key: BTreeMap<u32, LevelSums> = BTreeMap::new();
        for sums in sums {
            if let Of::Scores { origins, levels, categories } = sums {
                for (origin, block) in by_origin.iter_mut().zip(&origins) {
                    add(&mut origin.scores, &block.scores);
                    add(&mut origin.dispersion, &block.dispersion);
                }
                add(&mut all, &levels);
                for (key, levels) in categories {
                    add(by_key.entry(key).or_insert([0.0; 2]), &levels);
                }
            }
        }
        self.statistics.origins = by_origin
            .iter()
            .map(|sums| OriginStatistics {
                scores: pool::together(&sums.scores),
                dispersion: Dispersion::of_sums(&sums.dispersion),
                growth: 0.0,
            })
            .collect();
        let typical = |[sum, count]: LevelSums| if count > 0.0 { libm::exp(sum / count) } else { 0.0 };
        self.statistics.typical_level = typical(all);
        self.statistics.categories = by_key
            .into_iter()
            .map(|(key, levels)| CategoryStatistics { key, typical_level: typical(levels) })
            .collect();
    }

    fn end_growth(&mut self, sums: impl Iterator<Item = Of>) {
        let mut by_origin = vec![0.0; self.origins()];
        let mut expected_by_origin = by_origin.clone();
        for sums in sums {
            if let Of::Growth { asked, expected } = sums {
                add(&mut by_origin, &asked);
                add(&mut expected_by_origin, &expected);
            }
        }
        let growth = growth::growth(&by_origin, &expected_by_origin, self.statistics.plan.protection());
        for (origin, growth) in self.statistics.origins.iter_mut().zip(growth) {
            origin.growth = growth;
        }
    }
}

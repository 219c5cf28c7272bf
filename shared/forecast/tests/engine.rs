//! The engine from outside: what holds whatever an organisation's past looks like, and that the same past gives the same bits.

#![expect(clippy::unwrap_used, reason = "a broken expectation here ends the test that met it")]

use parstock_forecast::{
    DEMAND_MAX, Doubt, Forecast, Gather, Item, LEVELS, OrgStatistics, Plan, forecast_item,
};
use proptest::prelude::*;

/// An item that owns its past.
#[derive(Clone, Debug)]
struct Past {
    demand: Vec<Option<f64>>,
    promoted: Vec<bool>,
    category: Option<u32>,
    grain: f64,
}

impl Past {
    fn new(demand: impl IntoIterator<Item = f64>) -> Self {
        let demand = demand.into_iter().map(Some).collect();
        Self { demand, promoted: Vec::new(), category: None, grain: 1.0 }
    }

    fn item(&self) -> Item<'_> {
        Item { demand: &self.demand, promoted: &self.promoted, category: self.category, grain: self.grain }
    }
}

/// Numbers that look like chance and are the same everywhere.
struct Chance(u64);

impl Chance {
    /// A number below another.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// An organisation of all kinds of items over two and a half years of weeks.
fn shop() -> Vec<Past> {
    let mut chance = Chance(7);
    (0..300_u64)
        .map(|number| {
            let pace = 1 + number % 40;
            let gap = 1 + number % 9;
            let mut past = Past::new((0..130).map(|week| {
                let season = if week % 52 > 40 { 2 } else { 1 };
                let asked = chance.below(gap) == 0;
                let bulk = if chance.below(150) == 0 { 20 } else { 1 };
                if asked { (chance.below(2 * pace + 1) * season * bulk) as f64 } else { 0.0 }
            }));
            if number % 5 == 0 {
                past.promoted = (0..130).map(|_| chance.below(6) == 0).collect();
            }
            if number % 7 == 0 {
                past.demand.iter_mut().take(60).for_each(|week| *week = None);
            }
            past.category = (number % 3 != 0).then_some((number % 4) as u32);
            if number % 11 == 0 {
                past.grain = 0.25;
            }
            past
        })
        .collect()
}

fn statistics(plan: Plan, pasts: &[Past]) -> OrgStatistics {
    let items: Vec<_> = pasts.iter().map(Past::item).collect();
    let periods = items.iter().map(|item| item.demand.len()).max().unwrap_or(0);
    Gather::all(plan, periods, &items)
}

fn weeks() -> Plan {
    Plan::new(52, 3, 8).unwrap()
}

/// The forecast of one item among those of a usual shop.
fn among_others(past: &Past) -> Forecast {
    forecast_item(&statistics(weeks(), &shop()), &past.item())
}

fn q95(forecast: &Forecast) -> f64 {
    forecast.total.quantiles[3]
}

#[test]
fn a_constant_item_is_forecast_as_it_is() {
    let forecast = among_others(&Past::new([10.0; 130]));
    assert!((forecast.total.mean - 30.0).abs() < 6.0, "{forecast:?}");
    assert!((28.0..60.0).contains(&q95(&forecast)), "{forecast:?}");
    assert_eq!(forecast.doubts, []);
    assert!((forecast.methods.iter().map(|method| method.weight).sum::<f64>() - 1.0).abs() < 1e-9);
}

#[test]
fn an_item_that_never_sold_is_hardly_stocked_and_doubted() {
    let forecast = among_others(&Past::new([0.0; 130]));
    assert!(forecast.total.mean < 0.1, "{forecast:?}");
    assert_eq!(q95(&forecast), 0.0);
    assert!(forecast.doubts.contains(&Doubt::NoDemand));
}

#[test]
fn a_new_item_begins_as_others_of_its_category_are() {
    let new = Past { category: Some(1), ..Past { demand: vec![None; 130], ..Past::new([]) } };
    let statistics = statistics(weeks(), &shop());
    let forecast = forecast_item(&statistics, &new.item());
    let typical = statistics.categories.iter().find(|category| category.key == 1).unwrap().typical_level;
    assert!(forecast.total.mean > 0.5 * 3.0 * typical, "{forecast:?}");
    assert!(q95(&forecast) > forecast.total.mean);
    assert!(forecast.doubts.contains(&Doubt::NoDemand) && forecast.doubts.contains(&Doubt::ShortPast));
}

#[test]
fn one_giant_order_is_told_and_not_stocked_for() {
    let mut past = Past::new((0..130).map(|week| f64::from(week % 3)));
    let before = among_others(&past);
    past.demand[120] = Some(5_000.0);
    let after = among_others(&past);
    assert!(q95(&after) <= 3.0 * q95(&before) + 3.0, "{} {}", q95(&before), q95(&after));
    let capped = after.capped.last().unwrap();
    assert_eq!((capped.before, capped.demand), (9, 5_000.0));
    assert!(capped.taken < 20.0);
}

#[test]
fn a_dying_item_fades_out() {
    let selling = Past::new((0..130).map(|week| f64::from(week % 4)));
    let mut dying = selling.clone();
    dying.demand.iter_mut().skip(70).for_each(|week| *week = Some(0.0));
    let (selling, dying) = (among_others(&selling), among_others(&dying));
    assert!(dying.doubts.contains(&Doubt::Dying));
    assert!(dying.total.mean < 0.2 * selling.total.mean, "{} {}", dying.total.mean, selling.total.mean);
}

#[test]
fn a_seasonal_item_is_forecast_higher_before_its_season() {
    let sales = |until: usize| {
        Past::new((0..until).map(|week| if (30..40).contains(&(week % 52)) { 60.0 } else { 20.0 }))
    };
    let of = |until| {
        let mut others = shop();
        others.iter_mut().for_each(|past| {
            past.demand.truncate(until);
            past.promoted.truncate(until);
        });
        forecast_item(&statistics(weeks(), &others), &sales(until).item())
    };
    let (before, off) = (of(2 * 52 + 30), of(2 * 52 + 15));
    assert!(before.season > 1.3 && off.season < 1.1, "{} {}", before.season, off.season);
    assert!(before.total.mean > 1.4 * off.total.mean, "{} {}", before.total.mean, off.total.mean);
}

#[test]
fn gaps_are_not_zeros() {
    let sales = Past::new((0..130).map(|week| f64::from(5 + week % 3)));
    let mut gaps = sales.clone();
    let mut zeros = sales.clone();
    for week in (0..130).filter(|week| week % 10 < 3) {
        gaps.demand[week] = None;
        zeros.demand[week] = Some(0.0);
    }
    let mean = |past| among_others(past).total.mean;
    assert!((mean(&gaps) - mean(&sales)).abs() < 0.15 * mean(&sales));
    assert!(mean(&zeros) < 0.85 * mean(&sales));
}

#[test]
fn quantiles_are_multiples_of_the_grain() {
    let mut past = Past::new((0..130).map(|week| f64::from(week % 5) * 0.25));
    past.grain = 0.25;
    let forecast = among_others(&past);
    assert!(forecast.total.quantiles.iter().all(|quantile| (quantile * 4.0).fract() == 0.0), "{forecast:?}");
    assert!((0.5..3.5).contains(&q95(&forecast)), "{forecast:?}");
}

#[test]
fn nothing_at_all_is_answered() {
    let statistics = Gather::all(weeks(), 0, &[]);
    let forecast = forecast_item(&statistics, &Past::new([1.0, 2.0]).item());
    assert_eq!((q95(&forecast), forecast.steps.len()), (0.0, 8));
    let alone = Past::new([4.0]);
    let forecast = forecast_item(&self::statistics(weeks(), std::slice::from_ref(&alone)), &alone.item());
    assert!(q95(&forecast) >= 4.0, "{forecast:?}");
    assert!(forecast.doubts.contains(&Doubt::Uncalibrated));
}

/// Of two kinds of items the second in grains of a thousandth: among others, what a unit is divided into says nothing.
fn of_two_kinds(pieces: &[Past], fine: &[Past]) -> [OrgStatistics; 2] {
    [1.0, 0.001].map(|grain| {
        let fine = fine.iter().map(|past| Past { grain, ..past.clone() });
        let all: Vec<Past> = pieces.iter().cloned().chain(fine).collect();
        statistics(weeks(), &all)
    })
}

#[test]
fn a_piece_begins_as_what_is_sold_by_the_gram_in_its_category() {
    let kilograms: Vec<_> =
        (0..20).map(|item| Past::new((0..130).map(move |week| f64::from(8 + (item + week) % 9)))).collect();
    let categorised = |past: Past| Past { category: Some(4), ..past };
    let kilograms: Vec<_> = kilograms.into_iter().map(categorised).collect();
    let new = Past { category: Some(4), ..Past { demand: vec![None; 130], ..Past::new([]) } };
    let [whole, fine] = of_two_kinds(&[], &kilograms).map(|statistics| {
        let in_grams = Past { grain: 0.001, ..new.clone() };
        let pieces = forecast_item(&statistics, &new.item()).total.mean;
        assert!((forecast_item(&statistics, &in_grams.item()).total.mean - pieces).abs() < 0.01 * pieces);
        pieces
    });
    assert!((30.0..50.0).contains(&whole) && (fine - whole).abs() < 0.05 * whole, "{whole} {fine}");
}

#[test]
fn what_is_sold_by_the_gram_weighs_no_more_than_what_is_sold_by_the_piece() {
    let pieces: Vec<_> = (0..40)
        .map(|item| {
            Past::new((0..156).map(move |week| {
                let season = if (30..40).contains(&(week % 52)) { 3 } else { 1 };
                f64::from(season * (20 + (item + week * 5) % 7) + week / 4)
            }))
        })
        .collect();
    let flat: Vec<_> = (0..20)
        .map(|item| Past::new((0..156).map(move |week| f64::from(20 + (item * 3 + week) % 5))))
        .collect();
    let [whole, fine] = of_two_kinds(&pieces, &flat);
    let season = |statistics: &OrgStatistics| statistics.seasons.all.of_period.get(139).copied().unwrap();
    assert!(
        season(&whole) > 1.4 && (season(&fine) - season(&whole)).abs() < 0.02,
        "{} {}",
        season(&whole),
        season(&fine)
    );
    for (whole, fine) in whole.origins.iter().zip(&fine.origins) {
        assert!((whole.growth - fine.growth).abs() < 0.01, "{} {}", whole.growth, fine.growth);
        let usual = |origin: &parstock_forecast::OriginStatistics| origin.dispersion.slope;
        assert!((usual(whole) - usual(fine)).abs() < 0.3, "{whole:?} {fine:?}");
    }
}

#[test]
fn stock_outs_at_the_same_time_each_year_make_no_season() {
    let mut chance = Chance(3);
    let mut pasts: Vec<_> =
        (0..60).map(|_| Past::new((0..156).map(|_| (20 + chance.below(5)) as f64))).collect();
    for past in pasts.iter_mut().take(40) {
        for week in (0..156).filter(|week| (20..28).contains(&(week % 52))) {
            past.demand[week] = None;
        }
    }
    let seasons = statistics(weeks(), &pasts).seasons;
    assert!(
        seasons.all.of_period.iter().all(|index| (index - 1.0).abs() < 0.02),
        "{:?}",
        seasons.all.of_period
    );
}

/// All bits of forecasts in one number (FNV-1a).
fn fingerprint(forecasts: &[Forecast]) -> u64 {
    let steps = forecasts.iter().flat_map(|forecast| std::iter::once(&forecast.total).chain(&forecast.steps));
    let numbers = steps.flat_map(|step| std::iter::once(step.mean).chain(step.quantiles));
    numbers.flat_map(|number| number.to_bits().to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Meant to be the same on every processor and with every optimisation; x86-64 has run it so far. Who changes the method changes these with it.
#[test]
fn the_same_past_gives_the_same_bits() {
    let pasts = shop();
    let statistics = statistics(weeks(), &pasts);
    let forecasts: Vec<_> = pasts.iter().map(|past| forecast_item(&statistics, &past.item())).collect();
    let totals: Vec<_> =
        forecasts.iter().step_by(60).map(|forecast| (forecast.total.mean.to_bits(), q95(forecast))).collect();
    assert_eq!(totals, GOLDEN_TOTALS);
    assert_eq!(fingerprint(&forecasts), GOLDEN);
}

const GOLDEN_TOTALS: [(u64, f64); 5] = [
    (4_615_241_022_015_203_804, 7.5),
    (4_621_549_890_630_227_457, 43.0),
    (4_606_693_084_127_850_440, 4.0),
    (4_631_867_104_707_331_203, 83.0),
    (4_601_213_558_797_482_466, 3.0),
];
const GOLDEN: u64 = 15_470_751_598_276_407_668;

fn any_demand() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        4 => Just(Some(0.0)),
        4 => (0..20_u32).prop_map(|units| Some(f64::from(units))),
        1 => Just(None),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-5.0), Just(1e300), 0.0..1e7].prop_map(Some),
    ]
}

prop_compose! {
    fn any_past()(
        demand in prop::collection::vec(any_demand(), 0..90),
        promoted in prop::collection::vec(any::<bool>(), 0..90),
        category in prop::option::of(0..3_u32),
        grain in prop_oneof![Just(1.0), Just(0.001), Just(0.0), Just(f64::NAN), Just(12.0)],
    ) -> Past {
        Past { demand, promoted, category, grain }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn whatever_the_past_forecasts_are_sane(
        pasts in prop::collection::vec(any_past(), 1..25),
        season in prop_oneof![Just(1_usize), Just(12), Just(4)],
        protection in 1..8_usize,
    ) {
        let plan = Plan::new(season, protection, 5).unwrap();
        let statistics = statistics(plan, &pasts);
        let most_of_all = pasts.iter().flat_map(|past| past.demand.iter().flatten()).copied();
        // at least a grain of any of them
        let most_of_all = most_of_all.filter(|demand| demand.is_finite()).fold(12.0, f64::max).min(DEMAND_MAX * 12.0);
        for past in &pasts {
            let forecast = forecast_item(&statistics, &past.item());
            prop_assert_eq!(forecast.steps.len(), 5);
            for step in std::iter::once(&forecast.total).chain(&forecast.steps) {
                prop_assert!(step.mean.is_finite() && step.mean >= 0.0, "{:?}", forecast);
                prop_assert!(step.quantiles.windows(2).all(|pair| pair[0] <= pair[1]), "{:?}", forecast);
                prop_assert!(step.quantiles.iter().all(|quantile| {
                    *quantile >= 0.0 && *quantile <= 10.0 * protection as f64 * most_of_all
                }), "{:?}", forecast);
            }
            prop_assert_eq!(forecast.total.quantiles.len(), LEVELS.len());
        }
    }

    #[test]
    fn twice_the_grain_is_twice_the_forecast(past in any_past()) {
        let double = Past {
            demand: past.demand.iter().map(|demand| demand.map(|demand| demand * 2.0)).collect(),
            grain: 2.0,
            ..past.clone()
        };
        let single = Past { grain: 1.0, ..past };
        let of = |past: &Past| forecast_item(&statistics(weeks(), std::slice::from_ref(past)), &past.item());
        let (single, double) = (of(&single), of(&double));
        prop_assert_eq!(single.total.mean * 2.0, double.total.mean);
        prop_assert_eq!(single.total.quantiles.map(|quantile| quantile * 2.0), double.total.quantiles);
    }
}

//! Random trade: whatever is done, the books add up, and what is refused changes nothing.

use std::collections::BTreeMap;

use parstock_xero_sim::act::{Act, Changes, DocumentKind as Kind, E4, Line, Status};
use parstock_xero_sim::{Settings, Stock, World};

use crate::support::*;

/// A small generator of its own, so that a failure names the seed that repeats it.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as usize
    }

    fn lines(&mut self) -> Vec<Line> {
        (0..=self.below(3))
            .map(|_| {
                let quantity = E4(1 + self.below(80_000) as i64);
                let mut line = line(["TEA", "CUP", "BAG"][self.below(3)], "1", "1");
                (line.quantity, line.unit_amount) = (quantity, E4(self.below(60_000) as i64));
                line
            })
            .collect()
    }
}

fn stocks(world: &World) -> BTreeMap<String, Stock> {
    world.items().map(|(code, _, stock)| (code.to_owned(), stock)).collect()
}

#[test]
fn random_trade_keeps_the_books_right() {
    let statuses =
        [Status::Draft, Status::Submitted, Status::Authorised, Status::Paid, Status::Voided, Status::Deleted];
    let (mut done, mut refused) = (0, 0);
    for seed in 0..8 {
        let mut dice = Dice(seed);
        let mut world = World::open(None, seed, Settings::development(seed)).unwrap();
        for act in master_data() {
            world.apply(start(), &act).unwrap();
        }
        for step in 0..120 {
            let kind = Kind::ALL[dice.below(Kind::ALL.len())];
            let number = format!("N-{}", dice.below(30));
            let act = match dice.below(4) {
                0 | 1 => Act::CreateDocument(document(kind, &number, statuses[dice.below(3)], dice.lines())),
                2 => Act::set_status(kind, &number, statuses[dice.below(6)]),
                _ => edit(kind, &number, Changes { lines: Some(dice.lines()), ..Changes::default() }),
            };
            let before = (world.documents().collect::<Vec<_>>(), stocks(&world));
            if world.apply(start(), &act).is_ok() {
                done += 1;
            } else {
                refused += 1;
                let after = (world.documents().collect::<Vec<_>>(), stocks(&world));
                assert!(
                    before == after,
                    "seed {seed}, step {step}: a refused act changed something: {act:?}"
                );
            }
            let mut moved: BTreeMap<String, E4> = BTreeMap::new();
            for document in world.documents() {
                let counts = matches!(document.status, Status::Authorised | Status::Paid);
                for line in document.lines {
                    assert!(counts && document.kind != Kind::PurchaseOrder || line.moved == E4::ZERO);
                    let sum = moved.entry(line.item_code.unwrap()).or_default();
                    *sum = *sum + line.moved;
                }
            }
            for (code, stock) in stocks(&world) {
                assert_eq!(
                    stock.on_hand,
                    moved.get(&code).copied().unwrap_or_default(),
                    "seed {seed}, step {step}"
                );
                assert!(stock.on_hand >= E4::ZERO && stock.cost_pool >= E4::ZERO, "seed {seed}, step {step}");
                assert!(stock.on_hand > E4::ZERO || stock.cost_pool == E4::ZERO, "seed {seed}, step {step}");
            }
        }
    }
    assert!(done > 200 && refused > 200, "{done} done, {refused} refused");
}

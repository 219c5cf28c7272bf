//! Laws of costs, by integer equality.

use parstock_domain::costing::{Costs, Layer, Method, Step, file};
use parstock_domain::fixed::{Money, Quantity};
use proptest::prelude::*;

use super::history::{COST_MAX, KINDS, QUANTITY_MAX, Raw, go_on, steps};

const METHODS: [Method; 3] = [Method::Fifo, Method::Average, Method::Lifo];

fn histories(length: usize) -> impl Strategy<Value = Vec<Step<u32>>> {
    let raw = (0..KINDS, 0..QUANTITY_MAX, 0..COST_MAX, any::<u16>());
    let raw = raw.prop_map(|(kind, quantity, cost, of)| Raw { kind, quantity, cost, of });
    prop::collection::vec(raw, 1..length).prop_map(|raw| steps(&raw))
}

fn methods() -> impl Strategy<Value = Method> {
    prop::sample::select(METHODS.to_vec())
}

/// What holds of costs after any step.
fn check_layers(costs: &Costs<u32>, method: Method) -> Result<(), TestCaseError> {
    let Layer { quantity, cost, .. } = costs.total();
    if quantity.is_zero() {
        prop_assert!(cost.is_zero(), "no stock is worth {cost}");
    }
    if quantity > Quantity::ZERO {
        prop_assert!(!cost.is_negative(), "stock is worth {cost}");
    }
    let (mut quantities, mut values) = (0, 0);
    for layer in costs.layers() {
        prop_assert!(layer.quantity > Quantity::ZERO && !layer.cost.is_negative(), "{layer:?}");
        quantities += layer.quantity.e4();
        values += layer.cost.e4();
    }
    if method == Method::Average || quantity <= Quantity::ZERO {
        prop_assert_eq!(costs.layers().count(), 0);
    } else {
        prop_assert_eq!((quantities, values), (quantity.e4(), cost.e4()));
    }
    prop_assert!(costs.layers().is_sorted_by(|one, next| one.from < next.from));
    Ok(())
}

proptest! {
    /// Received = consumed + corrected + remaining, and the layers are what is there.
    #[test]
    fn no_ten_thousandth_is_lost(steps in histories(80), method in methods()) {
        let mut costs = Costs::new(method);
        let (mut quantity, mut value) = (0i64, 0i64);
        for (id, step) in (0..).zip(&steps) {
            let costed = costs.apply(id, step, true).unwrap();
            let (units, cost) = match *step {
                Step::Receipt { quantity, .. } | Step::SaleReturn { quantity, .. } => (quantity.e4(), costed.cost.e4()),
                Step::Issue { quantity } | Step::PurchaseReturn { quantity, .. } => (-quantity.e4(), -costed.cost.e4()),
                Step::LandedCost { amount, .. } => {
                    prop_assert_eq!(costed.cost, amount);
                    (0, amount.e4())
                }
            };
            quantity += units;
            value += cost - costed.correction.e4();
            prop_assert_eq!(costs.total().quantity.e4(), quantity);
            prop_assert_eq!(costs.total().cost.e4(), value);
            check_layers(&costs, method)?;
        }
    }

    /// A checkpoint, written and read again, goes on as if there had been none.
    #[test]
    fn a_checkpoint_changes_nothing(steps in histories(60), method in methods(), at in any::<prop::sample::Index>()) {
        let mut whole = Costs::new(method);
        go_on(&mut whole, 0, &steps);
        let at = at.index(steps.len());
        let mut begun = Costs::new(method);
        go_on(&mut begun, 0, &steps[..at]);
        let kept = serde_json::to_string(&begun).unwrap();
        let mut restored: Costs<u32> = serde_json::from_str(&kept).unwrap();
        go_on(&mut restored, u32::try_from(at).unwrap(), &steps[at..]);
        prop_assert_eq!(restored, whole);
    }

    /// A sale out of stock that comes back whole leaves what was before it.
    #[test]
    fn a_sale_taken_back_was_none(steps in histories(60), method in methods(), part in 1i64..10_000) {
        let mut costs = Costs::new(method);
        go_on(&mut costs, 0, &steps);
        let before = costs.clone();
        let quantity = before.total().quantity.max(Quantity::ZERO).share(Quantity::from_e4(part), Quantity::ONE).unwrap();
        let sold = costs.apply(1_000, &Step::Issue { quantity }, true).unwrap();
        let back = costs.apply(1_001, &Step::SaleReturn { quantity, of: Some(1_000) }, true).unwrap();
        prop_assert_eq!((back.cost, back.correction), (sold.cost, Money::ZERO));
        prop_assert_eq!(costs.total(), before.total());
        prop_assert!(costs.layers().eq(before.layers()));
    }

    /// Another method from some day on keeps quantity and value, and all laws hold on.
    #[test]
    fn another_method_keeps_the_value(steps in histories(60), later in histories(40), one in methods(), other in methods()) {
        let mut costs = Costs::new(one);
        go_on(&mut costs, 0, &steps);
        let before = costs.total();
        costs.switch(other, 500);
        prop_assert_eq!(costs.total(), before);
        check_layers(&costs, other)?;
        for (id, step) in (1_000..).zip(&later) {
            costs.apply(id, step, true).unwrap();
            check_layers(&costs, other)?;
        }
    }

    /// Whatever the order of the lines and whatever else is in the file, each item's costs are the same.
    #[test]
    fn the_order_of_the_lines_does_not_count((rows, order) in files(), method in methods()) {
        let lines: Vec<String> = (1..).zip(&rows).map(|(seq, row)| row.line(seq)).collect();
        let mixed: Vec<String> = order.iter().map(|at| lines[*at].clone()).collect();
        let costed = |lines: &[String]| {
            let file = format!("seq,date,item,kind,quantity,unit_cost,ref,origin_ref\n{}", lines.concat());
            let movements = file::read(file.as_bytes()).unwrap();
            let outcome = movements.cost(method).unwrap();
            String::from_utf8(movements.lines(&outcome).flatten().collect()).unwrap()
        };
        let whole = costed(&lines);
        prop_assert_eq!(&costed(&mixed), &whole);
        let of_one = |lines: Vec<String>| -> Vec<String> {
            lines.into_iter().filter(|line| line.contains(",I1,")).collect()
        };
        let alone = of_one(lines);
        let all = of_one(whole.lines().map(str::to_owned).collect());
        let alone = costed(&alone);
        prop_assert_eq!(alone.lines().skip(1).collect::<Vec<_>>(), all);
    }
}

/// A line of a file.
#[derive(Clone, Debug)]
struct Told {
    item: u8,
    day: u32,
    kind: &'static str,
    quantity: u32,
    cost: u32,
}

impl Told {
    fn line(&self, seq: u32) -> String {
        let Self { item, kind, quantity, .. } = self;
        let cost = if *kind == "receipt" { self.cost.to_string() } else { String::new() };
        let (month, day) = (1 + self.day / 28, 1 + self.day % 28);
        format!("{seq},2026-{month:02}-{day:02},I{item},{kind},{quantity},{cost},,\n")
    }
}

/// Lines, and an order to mix them by.
fn files() -> impl Strategy<Value = (Vec<Told>, Vec<usize>)> {
    let kind =
        prop::sample::select(vec!["receipt", "receipt", "issue", "issue", "sale_return", "purchase_return"]);
    let told = (0u8..3, 0u32..40, kind, 1u32..50, 0u32..90)
        .prop_map(|(item, day, kind, quantity, cost)| Told { item, day, kind, quantity, cost });
    prop::collection::vec(told, 1..60).prop_flat_map(|rows| {
        let order: Vec<usize> = (0..rows.len()).collect();
        (Just(rows), Just(order).prop_shuffle())
    })
}

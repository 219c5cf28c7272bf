//! `parstock plan` from outside.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn plan(folder: &Path, history: &str, stock: &str, items: &str, more: &[&str]) -> Output {
    for (name, text) in [("history.csv", history), ("stock.csv", stock), ("items.csv", items)] {
        fs::write(folder.join(name), text).unwrap();
    }
    Command::new(env!("CARGO_BIN_EXE_parstock"))
        .current_dir(folder)
        .args(["plan", "--history", "history.csv", "--stock", "stock.csv", "--items", "items.csv"])
        .args(more)
        .output()
        .unwrap()
}

/// Half a year up to Sunday 28 June 2026: two cups a day, a pot each week, and one giant order of bowls.
fn history() -> String {
    let mut text = String::from("item,day,quantity\n");
    for ago in 0..182 {
        let day = jiff::civil::date(2026, 6, 28) - jiff::Span::new().days(ago);
        writeln!(text, "cup,{day},2").unwrap();
        if ago % 7 == 3 {
            writeln!(text, "pot,{day},1").unwrap();
            writeln!(text, "bowl,{day},{}", if ago == 73 { 500 } else { 5 }).unwrap();
        }
    }
    text
}

const STOCK: &str = "item,on_hand,on_order\ncup,40,0\npot,30,\nbowl,0,20\nnew,0,\n";
const ITEMS: &str = "item,lead_time_days,review_days,service_level,pack,unit_cost\n\
                     cup,14,7,95,12,1.50\npot,10,7,90,,4\nbowl,14,7,95,,2\nnew,14,7,95,,2\n";

fn items(output: &Output) -> Vec<Value> {
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json.get("today").unwrap(), "2026-06-29");
    json.get("items").unwrap().as_array().unwrap().clone()
}

fn number(item: &Value, name: &str) -> f64 {
    item[name].as_str().unwrap().parse().unwrap()
}

#[test]
fn what_is_enough_is_ordered_in_cartons_and_says_what_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let output = plan(folder.path(), &history(), STOCK, ITEMS, &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let items = items(&output);
    let [bowl, cup, new, pot] = items.as_slice() else { panic!("{items:?}") };
    // two a day: 28 in two weeks, 42 in three, and as much more as single customers coming by chance make
    assert!((28.0..40.0).contains(&number(cup, "reorder_point")), "{cup}");
    assert!((42.0..56.0).contains(&number(cup, "order_up_to")), "{cup}");
    assert_eq!(cup["order"], Value::Null, "40 are above the reorder point: {cup}");
    assert!(number(pot, "order_up_to") < 8.0, "{pot}");
    // the one order of five hundred is no level
    assert!(number(bowl, "order_up_to") < 60.0, "{bowl}");
    assert!(bowl["inputs"]["forecast_one_offs"].as_str().unwrap().starts_with("500 counted as"), "{bowl}");
    assert!(cup["inputs"]["forecast_methods"].as_str().unwrap().starts_with("mean of all "), "{cup}");
    assert_eq!((new["inputs"]["on_hand"].as_str(), &new["order"]), (Some("0"), &Value::Null), "{new}");
    assert!(new["reason"].as_str().unwrap().contains("nothing to order"), "{new}");
    let low = STOCK.replace("cup,40,0", "cup,3,0");
    let again = plan(folder.path(), &history(), &low, ITEMS, &["--json"]);
    let cup = &self::items(&again)[1];
    let order = number(cup, "order");
    assert!(order % 12.0 == 0.0 && 3.0 + order >= number(cup, "order_up_to"), "{cup}");
    assert_eq!(number(cup, "cost"), order * 1.5);
    let once = plan(folder.path(), &history(), &low, ITEMS, &[]);
    assert_eq!(once.stdout, plan(folder.path(), &history(), &low, ITEMS, &[]).stdout);
    assert!(String::from_utf8(once.stdout).unwrap().contains("items are to be ordered on 2026-06-29"));
}

#[test]
fn what_is_too_large_is_named_and_doubts_are_words() {
    let folder = tempfile::tempdir().unwrap();
    let most = "900000000000000";
    for (history, stock, says) in [
        (
            history() + &format!("pot,2026-06-28,{most}\n"),
            STOCK.to_owned(),
            "history.csv: line 236: quantity of `pot` is 900000000000000, and at most 100000000 can be planned for",
        ),
        (
            history(),
            STOCK.replace("bowl,0,20", &format!("bowl,{most},{most}")),
            "`bowl` can't be planned: the amount is too large. Look for a figure that is too large in its lines",
        ),
    ] {
        let output = plan(folder.path(), &history, &stock, ITEMS, &[]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(says), "{told} does not say {says}");
    }
    let new = history() + "new,2026-06-28,1\n";
    let output = plan(folder.path(), &new, STOCK, ITEMS, &["--json"]);
    assert_eq!(items(&output)[2]["inputs"]["forecast_doubts"], "short past, few demands", "{output:?}");
}

#[test]
fn a_wrong_file_is_named_with_its_line_and_nothing_is_planned() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = [
        (history() + "cup,2026-06-28,x\n", ITEMS.to_owned(), "history.csv: line 236: quantity"),
        (history(), ITEMS.replace("cup,14", "cup,many"), "items.csv: line 2: lead_time_days"),
        (history(), ITEMS.replace("pot,10,7,90,,4\n", ""), "items.csv: something was sold of `pot`"),
        ("item,day,quantity\n".to_owned(), "item\n".to_owned(), "nothing was ever sold"),
    ];
    for (history, items, says) in wrong {
        let stock = if items == "item\n" { "item,on_hand\n" } else { STOCK };
        let output = plan(folder.path(), &history, stock, &items, &[]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(says), "{told} does not say {says}");
    }
    let early = plan(folder.path(), &history(), STOCK, ITEMS, &["--today", "2026-06-28"]);
    assert_eq!(early.status.code(), Some(2));
    assert!(String::from_utf8(early.stderr).unwrap().contains("goes on until 2026-06-28"));
}

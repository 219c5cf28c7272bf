//! The examples of docs/costing.md are what the engine answers.

use std::collections::BTreeMap;

use parstock_domain::costing::{Method, file};

const DOCUMENT: &str = include_str!("../../../../docs/costing.md");
/// Columns of an example's table that go in, and those that come out.
const IN: [&str; 7] = ["date", "kind", "quantity", "unit_cost", "ref", "origin_ref", "seq"];
const OUT: [&str; 4] = ["quantity_after", "value_after", "cost", "correction"];

/// An example: `By fifo:` or another method, a table, and `Left:` with the layers where they are shown.
struct Example<'a> {
    line: usize,
    method: Method,
    heading: Vec<&'a str>,
    rows: Vec<Vec<&'a str>>,
    left: Option<&'a str>,
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

fn examples() -> Vec<Example<'static>> {
    let lines: Vec<&str> = DOCUMENT.lines().collect();
    let mut examples = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let method = match *line {
            "By fifo:" => Method::Fifo,
            "By average:" => Method::Average,
            "By lifo:" => Method::Lifo,
            _ => continue,
        };
        let table: Vec<&str> =
            lines[at + 2..].iter().take_while(|line| line.starts_with('|')).copied().collect();
        let after = lines.get(at + 2 + table.len() + 1).and_then(|line| line.strip_prefix("Left: "));
        examples.push(Example {
            line: at + 1,
            method,
            heading: cells(table[0]),
            rows: table[2..].iter().map(|line| cells(line)).collect(),
            left: after,
        });
    }
    examples
}

impl Example<'_> {
    fn cell(&self, row: &[&str], column: &str) -> String {
        let at = self.heading.iter().position(|heading| *heading == column);
        at.map_or_else(String::new, |at| row[at].to_owned())
    }

    fn check(&self) {
        let told = format!("docs/costing.md, line {}", self.line);
        for heading in &self.heading {
            assert!(IN.contains(heading) || OUT.contains(heading), "{told}: {heading}?");
        }
        let mut text = "seq,date,item,kind,quantity,unit_cost,ref,origin_ref\n".to_owned();
        let mut due = Vec::new();
        for (number, row) in (1..).zip(&self.rows) {
            let cell = |column| self.cell(row, column);
            let seq = if cell("seq").is_empty() { number.to_string() } else { cell("seq") };
            text += &format!(
                "{seq},{},A,{},{},{},{},{}\n",
                cell("date"),
                cell("kind"),
                cell("quantity"),
                cell("unit_cost"),
                cell("ref"),
                cell("origin_ref")
            );
            let shown = OUT.map(cell).map(|text| if text.is_empty() { "0.00".to_owned() } else { text });
            due.push((seq.clone(), shown.join(",")));
        }
        let movements = file::read(text.as_bytes()).unwrap_or_else(|wrong| panic!("{told}: {wrong:?}"));
        let outcome = movements.cost(self.method).unwrap();
        let lines = String::from_utf8(movements.lines(&outcome).flatten().collect()).unwrap();
        let is: BTreeMap<&str, String> = lines
            .lines()
            .skip(1)
            .map(|line| line.split_once(",A,").unwrap())
            .map(|(seq, costs)| (seq, costs.to_owned()))
            .collect();
        assert_eq!(is.len(), due.len(), "{told}");
        for (seq, costs) in &due {
            assert_eq!(&is[seq.as_str()], costs, "{told}, seq {seq}");
        }
        if let Some(left) = self.left {
            assert_eq!(left_of(&movements.layers(&outcome).unwrap()), left, "{told}");
        }
    }
}

/// The layers as the document tells them.
fn left_of(lines: &[u8]) -> String {
    let item: serde_json::Value = serde_json::from_slice(lines).unwrap();
    let layers = item["layers"].as_array().unwrap().iter().map(|layer| {
        let text = |field: &str| layer[field].as_str().unwrap_or_default();
        let from = if text("ref").is_empty() { String::new() } else { format!(" of {}", text("ref")) };
        format!("{} at {} together{from}", text("quantity"), text("cost"))
    });
    layers.collect::<Vec<_>>().join(", ")
}

#[test]
fn the_examples_of_the_document_hold() {
    let examples = examples();
    assert!(examples.len() >= 20, "only {} examples were found", examples.len());
    for example in examples {
        example.check();
    }
}

//! What is left of each item, as lines of JSON.

use std::borrow::Cow;

use jiff::civil::Date;
use serde::Serialize;

use super::{Movements, Outcome, bytes, place};
use crate::fixed::{Money, Quantity};

#[derive(Serialize)]
struct ItemLine<'a> {
    item: &'a str,
    quantity: Quantity,
    value: Money,
    layers: Vec<LayerLine<'a>>,
}

#[derive(Serialize)]
struct LayerLine<'a> {
    quantity: Quantity,
    cost: Money,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    from: Option<FromLine<'a>>,
}

#[derive(Serialize)]
struct FromLine<'a> {
    seq: u64,
    date: Date,
    #[serde(rename = "ref")]
    reference: Cow<'a, str>,
}

impl Movements {
    /// A line of JSON for each item with what is there at the end, in the order in which the file first names them.
    ///
    /// # Errors
    /// When they can't be written as JSON, which is a bug.
    pub fn layers(&self, outcome: &Outcome) -> Result<Vec<u8>, serde_json::Error> {
        let mut lines = Vec::new();
        for (item, costed) in self.items.iter().zip(&outcome.items) {
            let total = costed.costs.total();
            let mut layers: Vec<LayerLine<'_>> = Vec::new();
            for layer in costed.costs.layers() {
                let from = item.rows.get(place(layer.from)).map(|row| FromLine {
                    seq: row.seq,
                    date: row.on,
                    reference: String::from_utf8_lossy(bytes(&self.texts, &row.reference)),
                });
                layers.push(LayerLine { quantity: layer.quantity, cost: layer.cost, from });
            }
            if layers.is_empty() && !total.quantity.is_zero() {
                layers.push(LayerLine { quantity: total.quantity, cost: total.cost, from: None });
            }
            let line = ItemLine { item: &item.code, quantity: total.quantity, value: total.cost, layers };
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
        Ok(lines)
    }
}

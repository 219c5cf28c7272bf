//! Which movement another names.

#![expect(
    clippy::disallowed_types,
    reason = "references are looked up, never walked, so no order of them shows"
)]

use std::collections::HashMap;

use super::{Item, Kind, Wrong, bytes, place};

/// What goes by a reference.
#[derive(Clone, Copy, Default)]
struct Named {
    issues: Found,
    receipts: Found,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Found {
    #[default]
    Nothing,
    One(u32),
    Several,
}

impl Item {
    /// Rows with the same seq: their order would be a guess.
    pub(super) fn doubles(&self) -> Vec<Wrong> {
        if self.rows.is_sorted_by(|one, next| one.seq < next.seq) {
            return Vec::new();
        }
        let mut keys: Vec<(u64, u32)> = self.rows.iter().map(|row| (row.seq, row.line)).collect();
        keys.sort_unstable();
        let pairs = keys.iter().zip(keys.iter().skip(1)).filter(|(one, next)| one.0 == next.0);
        pairs
            .map(|(one, next)| Wrong {
                line: next.1.into(),
                what: format!("seq {} stands on line {} of the same item already", next.0, one.1),
            })
            .collect()
    }

    /// Finds the movements that others name.
    pub(super) fn link(&mut self, texts: &[u8]) -> Vec<Wrong> {
        let mut named: HashMap<&[u8], Named> = HashMap::new();
        for row in self.rows.iter().filter(|row| !row.origin.is_empty()) {
            named.insert(bytes(texts, &row.origin), Named::default());
        }
        if named.is_empty() {
            return Vec::new();
        }
        for (at, row) in (0..).zip(&self.rows) {
            let Some(found) = named.get_mut(bytes(texts, &row.reference)) else { continue };
            let found = match row.kind {
                Kind::Issue => &mut found.issues,
                Kind::Receipt | Kind::AdjustIn => &mut found.receipts,
                _ => continue,
            };
            *found = if *found == Found::Nothing { Found::One(at) } else { Found::Several };
        }
        let (mut wrong, mut links) = (Vec::new(), Vec::new());
        for (at, row) in (0..).zip(&self.rows).filter(|(_, row)| !row.origin.is_empty()) {
            let name = bytes(texts, &row.origin);
            let found = named.get(name).copied().unwrap_or_default();
            let name = String::from_utf8_lossy(name);
            let (words, found) = match (row.kind, found.issues) {
                (Kind::SaleReturn, Found::Nothing) => ("issue or receipt", found.receipts),
                (Kind::SaleReturn, issues) => ("issue", issues),
                _ => ("receipt", found.receipts),
            };
            let what = match found {
                Found::One(of) if row.kind == Kind::LandedCost && of > at => {
                    format!("the receipt `{name}` comes after it: give its landed cost a later date or seq")
                }
                Found::One(of) => {
                    links.push((at, of));
                    continue;
                }
                Found::Nothing => format!("`{name}` is no {words} of this item in the file"),
                Found::Several => {
                    format!("`{name}` is more than one {words} of this item: give each a ref of its own")
                }
            };
            wrong.push(Wrong { line: row.line.into(), what });
        }
        for (at, of) in links {
            if let Some(row) = self.rows.get_mut(place(at)) {
                row.of = Some(of);
            }
            if let Some(row) = self.rows.get_mut(place(of)) {
                row.is_named = true;
            }
        }
        wrong
    }
}

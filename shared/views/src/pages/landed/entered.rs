//! What a person entered in the form of a voucher, as text: shown again when something is wrong with it, and sent on by
//! the preview.

use std::collections::BTreeMap;

use parstock_domain::document::DocumentRef;
use parstock_domain::ids::LineId;

/// Fields that hold one text.
const TEXTS: [&str; 6] = ["kind", "bill", "days", "q", "basis", "on"];
/// Beginnings of the names of fields that belong to a charge or a receipt.
const TEXTS_OF_LINES: [&str; 3] = ["amount-", "weight-", "take-"];

/// What a person entered in the form of a voucher.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entered {
    /// The charges that are to be spread: their lines.
    pub charges: Vec<String>,
    /// The receipts that are to take a share, by [`receipt_key`].
    pub receipts: Vec<String>,
    /// What the other fields hold, by name; none of them is empty.
    pub texts: BTreeMap<String, String>,
}

impl Entered {
    /// Takes the fields of a form in their order. Others than the form of a voucher has are left out.
    pub fn of(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut entered = Self::default();
        for (name, value) in fields {
            let value = value.trim();
            match name.as_str() {
                "charge" => entered.charges.push(value.to_owned()),
                "receipt" => entered.receipts.push(value.to_owned()),
                known if is_text(known) && !value.is_empty() => {
                    entered.texts.insert(name, value.to_owned());
                }
                _ => {}
            }
        }
        entered
    }

    /// What a field holds; empty if nothing.
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// Its fields: [`Entered::of`] these it is the same.
    pub(super) fn fields(&self) -> Vec<(&str, &str)> {
        let texts = self.texts.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let charges = self.charges.iter().map(|line| ("charge", line.as_str()));
        let receipts = self.receipts.iter().map(|key| ("receipt", key.as_str()));
        texts.chain(charges).chain(receipts).collect()
    }
}

fn is_text(name: &str) -> bool {
    TEXTS.contains(&name) || TEXTS_OF_LINES.iter().any(|beginning| name.starts_with(beginning))
}

/// By what the form knows a receipt: `bill:…:…`, the kind of its purchase, its id, and the id of the line.
pub fn receipt_key(of: DocumentRef, line: LineId) -> String {
    format!("{}:{}:{line}", of.kind.code(), of.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entered(fields: &[(&str, &str)]) -> Entered {
        Entered::of(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn what_was_entered_is_sent_on_as_it_was() {
        let first = entered(&[
            ("csrf", "c5f1a0"),
            ("contents", "00ff"),
            ("charge", "b"),
            ("charge", "a"),
            ("amount-b", " 12,5 "),
            ("amount-a", ""),
            ("basis", "weight"),
            ("receipt", "bill:2:1"),
            ("receipt", "bill:1:1"),
            ("weight-bill:2:1", "0.5"),
            ("other", "x"),
        ]);
        assert_eq!(first.charges, ["b", "a"], "in the order of the form, by which the last cent goes");
        assert_eq!((first.text("amount-b"), first.text("amount-a"), first.text("csrf")), ("12,5", "", ""));
        assert_eq!(first.texts.len(), 3);
        assert_eq!(entered(&first.fields()), first);
    }
}

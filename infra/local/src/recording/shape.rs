//! The shape of an answer: which fields it has and in which form their values are written, without the values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Nothing.
    Null,
    /// True or false.
    Bool,
    /// A number.
    Number,
    /// An empty text.
    Empty,
    /// A GUID.
    Id,
    /// `/Date(1439434356790+0000)/`
    EpochDate,
    /// `2026-05-04T00:00:00`, with or without fractions and `Z`.
    DateTime,
    /// Any other text.
    Text,
    /// An object.
    Object,
    /// A list.
    List,
}

impl Form {
    /// The form of a value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Number(_) => Self::Number,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Object,
            Value::String(text) => Self::of_text(text),
        }
    }

    fn of_text(text: &str) -> Self {
        if text.is_empty() {
            Self::Empty
        } else if text.len() == Uuid::nil().hyphenated().to_string().len() && Uuid::try_parse(text).is_ok() {
            Self::Id
        } else if text.starts_with("/Date(") && text.ends_with(")/") {
            Self::EpochDate
        } else if text.trim_end_matches('Z').parse::<jiff::civil::DateTime>().is_ok() && text.contains('T') {
            Self::DateTime
        } else {
            Self::Text
        }
    }

    /// Whether it says nothing about how a value would be written.
    const fn is_blank(self) -> bool {
        matches!(self, Self::Null | Self::Empty)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "true or false",
            Self::Number => "number",
            Self::Empty => "empty text",
            Self::Id => "GUID",
            Self::EpochDate => "/Date()/",
            Self::DateTime => "date and time",
            Self::Text => "text",
            Self::Object => "object",
            Self::List => "list",
        }
    }
}

/// Each field by its path (`Invoices[].Contact.ContactID`) with the forms that its values have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape(BTreeMap<String, BTreeSet<Form>>);

impl Shape {
    /// The shape of an answer.
    pub fn of(value: &Value) -> Self {
        let mut shape = Self::default();
        shape.add("", value);
        shape
    }

    fn add(&mut self, path: &str, value: &Value) {
        self.0.entry(path.to_owned()).or_default().insert(Form::of(value));
        match value {
            Value::Array(elements) => {
                for element in elements {
                    self.add(&format!("{path}[]"), element);
                }
            }
            Value::Object(fields) => {
                for (name, value) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.add(&path, value);
                }
            }
            _ => {}
        }
    }

    /// Whether anything was seen in what holds this field: an empty list shows none of its elements' fields.
    fn shows_parent(&self, path: &str) -> bool {
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        // an element is no field of its list
        !path.ends_with("[]") && self.0.contains_key(parent)
    }
}

/// Where the simulator's answer is shaped otherwise than the recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The simulator writes a field in another form.
    Form {
        /// The field.
        path: String,
        /// The forms that Xero used.
        recorded: String,
        /// The forms that the simulator uses.
        simulated: String,
    },
    /// The simulator gives a field that the recording doesn't have.
    Unknown(String),
    /// The recording has a field that the simulator doesn't give: no fault where nobody reads it.
    Missing(String),
}

/// Compares a recorded shape with the simulator's.
pub fn differences(recorded: &Shape, simulated: &Shape) -> Vec<Difference> {
    let mut found = Vec::new();
    for (path, forms) in &recorded.0 {
        let Some(ours) = simulated.0.get(path) else {
            if simulated.shows_parent(path) {
                found.push(Difference::Missing(path.clone()));
            }
            continue;
        };
        let told = |forms: &BTreeSet<Form>| -> BTreeSet<Form> {
            forms.iter().copied().filter(|form| !form.is_blank()).collect()
        };
        let (theirs, ours) = (told(forms), told(ours));
        if !theirs.is_empty() && !ours.is_subset(&theirs) {
            let named = |forms: &BTreeSet<Form>| {
                forms.iter().map(|form| form.name()).collect::<Vec<_>>().join(" or ")
            };
            found.push(Difference::Form {
                path: path.clone(),
                recorded: named(&theirs),
                simulated: named(&ours),
            });
        }
    }
    for path in simulated.0.keys() {
        if !recorded.0.contains_key(path) && recorded.shows_parent(path) {
            found.push(Difference::Unknown(path.clone()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_form_an_unknown_and_a_missing_field_are_found() {
        let recorded = Shape::of(&json!({"Items": [
            {"Code": "A", "UpdatedDateUTC": "/Date(1439434356790+0000)/", "Name": ""},
            {"Code": "B", "UpdatedDateUTC": "/Date(1439434356790)/", "IsSold": true},
        ]}));
        let simulated = Shape::of(&json!({"Items": [
            {"Code": "A", "UpdatedDateUTC": "2026-05-04T10:00:00", "Name": "Chair", "Bin": "4"},
        ]}));
        assert_eq!(
            differences(&recorded, &simulated),
            [
                Difference::Missing("Items[].IsSold".to_owned()),
                Difference::Form {
                    path: "Items[].UpdatedDateUTC".to_owned(),
                    recorded: "/Date()/".to_owned(),
                    simulated: "date and time".to_owned(),
                },
                Difference::Unknown("Items[].Bin".to_owned()),
            ]
        );
        assert_eq!(differences(&recorded, &recorded), []);
    }

    #[test]
    fn an_empty_list_says_nothing_of_its_elements() {
        let recorded = Shape::of(&json!({"Invoices": []}));
        let simulated = Shape::of(&json!({"Invoices": [{"InvoiceID": "x"}]}));
        assert_eq!(differences(&recorded, &simulated), []);
        assert_eq!(differences(&simulated, &recorded), []);
    }
}

//! What may be kept of a real organisation's answer: its fields and the form of their values. A value itself is
//! kept only where it is a word of Xero's own.

use serde_json::{Map, Value, json};

use super::shape::Form;

/// Fields whose values are words of Xero, not of its users.
const WORDS: [&str; 17] = [
    "Status",
    "Type",
    "Class",
    "LineAmountTypes",
    "TaxType",
    "CurrencyCode",
    "BaseCurrency",
    "CountryCode",
    "SystemAccount",
    "StatusAttributeString",
    "ReportType",
    "RowType",
    "OrganisationEntityType",
    "Edition",
    "Version",
    "PaymentType",
    "SalesTaxBasis",
];
/// The longest of these words, in characters.
const WORD_CHARS_MAX: usize = 40;

/// The answer with everything personal replaced.
pub fn redacted(answer: &Value) -> Value {
    replaced("", answer)
}

fn replaced(name: &str, value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(_) => json!(1),
        Value::Array(elements) => elements.iter().map(|element| replaced(name, element)).collect(),
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(name, value)| (name.clone(), replaced(name, value))).collect::<Map<_, _>>(),
        ),
        Value::String(text) if is_word(name, text) => value.clone(),
        Value::String(text) => match Form::of(value) {
            Form::Empty => json!(""),
            Form::Id => json!("00000000-0000-0000-0000-000000000000"),
            Form::EpochDate if text.contains('+') => json!("/Date(946684800000+0000)/"),
            Form::EpochDate => json!("/Date(946684800000)/"),
            Form::DateTime if text.ends_with('Z') => json!("2000-01-01T00:00:00Z"),
            Form::DateTime => json!("2000-01-01T00:00:00"),
            _ => json!("text"),
        },
    }
}

/// Names of people and firms can stand in any field, so only named fields pass, and of them only what is spelt
/// like a word of Xero.
fn is_word(name: &str, text: &str) -> bool {
    WORDS.contains(&name)
        && !text.is_empty()
        && text.len() <= WORD_CHARS_MAX
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_user_wrote_is_kept() {
        let answer = json!({"Invoices": [{
            "InvoiceID": "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f",
            "InvoiceNumber": "JANE-1", "Reference": "", "Type": "ACCREC", "Status": "Jane Doe",
            "Contact": {"Name": "JANE", "EmailAddress": "jane@example.com", "BankAccountDetails": "12-3456"},
            "Date": "/Date(1439434356790+0000)/", "DateString": "2026-05-04T00:00:00",
            "Total": 1234.56, "IsDiscounted": false, "DueDate": null,
            "LineItems": [{"Description": "for Jane", "Quantity": 3.0, "AccountCode": "200"}],
        }]});
        let kept = redacted(&answer);
        let text = kept.to_string();
        for personal in
            ["Jane", "JANE", "jane", "1234", "12-3456", "0a1b2c3d", "1439434356790", "2026", "200\""]
        {
            assert!(!text.contains(personal), "{personal} is in {text}");
        }
        assert_eq!(kept["Invoices"][0]["Type"], "ACCREC");
        assert_eq!(kept["Invoices"][0]["Status"], "text", "two words are none of Xero's");
        assert_eq!(kept["Invoices"][0]["DueDate"], Value::Null);
        assert_eq!(super::super::shape::Shape::of(&kept), super::super::shape::Shape::of(&answer));
    }
}

//! Forms whose fields are not known beforehand.

use parstock_app::error::AppError;

/// The fields of a form, in their order: a box that is checked is one of several with the same name.
pub type Fields = Vec<(String, String)>;

/// The first value of a field; empty if there is none.
pub fn field<'f>(fields: &'f [(String, String)], wanted: &str) -> &'f str {
    fields.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str())
}

/// A form that is not the one that a page of ours has.
pub fn damaged() -> AppError {
    AppError::Reject("the form is damaged: load the page again".to_owned())
}

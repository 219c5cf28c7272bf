//! Forms whose fields are not known beforehand.

/// The fields of a form, in their order: a box that is checked is one of several with the same name.
pub type Fields = Vec<(String, String)>;

/// The first value of a field; empty if there is none.
pub fn field<'f>(fields: &'f [(String, String)], wanted: &str) -> &'f str {
    fields.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str())
}
